//! A learning rate that drops at given epochs, as `torch.optim.lr_scheduler.MultiStepLR` computes it.

use cyborg_settings::{AtLeastOne, Fault, Positive, Settings, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Moment, Schedule};

/// The learning rate is multiplied by a factor at each of these epochs (PyTorch's `MultiStepLR`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MultiStepDecay {
    /// The epochs, counted from 0, whose first step has the lower rate already; each is 1 or more and above the one
    /// before.
    pub epochs: Vec<AtLeastOne>,
    /// The learning rate is multiplied by this number, above 0, at every drop.
    #[serde(default = "tenth")]
    pub factor: Positive,
}

fn tenth() -> Positive {
    const TENTH: Positive = Positive::new(0.1).expect("above 0");
    TENTH
}

impl Settings for MultiStepDecay {
    const NAME: &'static str = "multi-step";

    fn check(&self) -> Result<(), Fault> {
        if self.epochs.is_empty() {
            let hint = "name at least one epoch, such as `epochs: [30, 40]`, or choose `constant`".to_owned();
            return Err(Fault::of_field(
                "epochs",
                "there is no epoch to drop the learning rate at",
                Some(hint),
            ));
        }
        let falling = self.epochs.windows(2).position(|pair| pair[1] <= pair[0]);
        falling.map_or(Ok(()), |at| {
            let (before, found) = (self.epochs[at].get(), self.epochs[at + 1].get());
            Err(Fault {
                path: vec![Step::field("epochs"), Step::Index(at + 1)],
                message: format!("expected an epoch after the {before} before it, found {found}"),
                hint: Some("list the epochs in ascending order, each once".to_owned()),
            })
        })
    }
}

impl Schedule for MultiStepDecay {
    fn learning_rate(&self, base: f64, at: Moment) -> f64 {
        let reached = self.epochs.iter().filter(|epoch| epoch.get() <= at.epoch);
        reached.fold(base, |rate, _| rate * self.factor.get())
    }
}
