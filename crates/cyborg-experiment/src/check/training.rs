//! How networks are trained.

use std::sync::Arc;

use cyborg_data::TRANSFORMS;
use cyborg_optim::{OPTIMISERS, SCHEDULES};
use cyborg_settings::{Choice, Step, find};
use cyborg_train::Protocol;
use serde_json::{Map, Value, json};

use super::{Check, field, join};
use crate::file::{OptimiserFile, Part, ScheduleFile, TrainingFile, TransformFile};

impl Check<'_> {
    /// The protocol that the file asks for. A part with a fault is replaced by its default: the fault is noted.
    pub(super) fn protocol(&mut self, file: &TrainingFile, root: &[Step]) -> Protocol {
        let mut protocol = Protocol::default();
        if let Some(epochs) = file.epochs {
            protocol.epochs = epochs;
        }
        if let Some(batch_size) = file.batch_size {
            protocol.batch_size = batch_size;
        }
        let optimiser = file.optimiser.as_ref().map(|OptimiserFile(part)| part);
        let short = [
            ("learning_rate", "learning_rate", file.learning_rate.map(|rate| json!(rate))),
            ("momentum", "momentum", file.momentum.map(|momentum| json!(momentum))),
            ("weight_decay", "weight_decay", file.weight_decay.map(|decay| json!(decay))),
        ];
        if let Some(optimiser) = self.chosen(OPTIMISERS, ("optimiser", "sgd"), optimiser, &short, root) {
            protocol.optimiser = Arc::from(optimiser);
        }
        let schedule = file.schedule.as_ref().map(|ScheduleFile(part)| part);
        let short = [
            ("lr_step_epochs", "every_epochs", file.lr_step_epochs.map(|epochs| json!(epochs))),
            ("lr_step_factor", "factor", file.lr_step_factor.map(|factor| json!(factor))),
        ];
        if let Some(schedule) = self.chosen(SCHEDULES, ("schedule", "step"), schedule, &short, root) {
            protocol.schedule = Arc::from(schedule);
        }
        for (i, TransformFile(part)) in file.augment.iter().enumerate() {
            let here = join(root, &[field("augment"), Step::Index(i)]);
            let named = (part.name.as_str(), here.as_slice());
            let transform =
                self.part(TRANSFORMS, "there is no change of images", named, &part.settings, &here);
            if let Some(transform) = transform {
                protocol.augment.push(Arc::from(transform));
            }
        }
        if let Some(clip) = &file.clip_gradients {
            if let Err(fault) = cyborg_settings::Settings::check(clip) {
                self.fault(&join(root, &[field("clip_gradients")]), fault.to_string(), fault.hint);
            }
            protocol.clip = Some(clip.clone());
        }
        protocol.warm_up.clone_from(&file.warm_up);
        protocol.groups = file.parameter_groups.clone().unwrap_or_default();
        protocol.label_smoothing = file.label_smoothing.unwrap_or(protocol.label_smoothing);
        protocol.class_weights = file.class_weights.clone().unwrap_or_default();
        protocol.freeze.clone_from(&file.freeze);
        protocol.shuffle = file.shuffle.unwrap_or(protocol.shuffle);
        protocol.dropout = file.dropout.unwrap_or(protocol.dropout);
        protocol.features_from_second_pass =
            file.features_from_second_pass.unwrap_or(protocol.features_from_second_pass);
        protocol
    }

    /// A part that is named by a field, or by fields that are short for settings of the released one.
    fn chosen<T: ?Sized>(
        &mut self,
        choices: &[Choice<T>],
        (name, released): (&str, &str),
        part: Option<&Part>,
        short: &[(&str, &str, Option<Value>)],
        root: &[Step],
    ) -> Option<Box<T>> {
        let here = join(root, &[field(name)]);
        let mut part =
            part.cloned().unwrap_or_else(|| Part { name: released.to_owned(), settings: Map::new() });
        let mut moved: Vec<(&str, &str)> = Vec::new();
        for (from, to, value) in short {
            let Some(value) = value else { continue };
            if name == "schedule" && part.name != released {
                self.fault(
                    &join(root, &[field(from)]),
                    format!(
                        "there are two schedules: `{from}` belongs to `step`, and `schedule` is `{}`",
                        part.name
                    ),
                    Some("remove one of the two".to_owned()),
                );
                return None;
            }
            if part.settings.insert((*to).to_owned(), value.clone()).is_some() {
                self.fault(
                    &join(root, &[field(from)]),
                    format!("`{from}` is stated twice: here and as `{to}` of `{name}`"),
                    Some("remove one of the two".to_owned()),
                );
                return None;
            }
            moved.push((from, to));
        }
        let choice = match find(choices, &part.name) {
            Ok(choice) => choice,
            Err(hint) => {
                self.fault(&here, format!("there is no {name} `{}`", part.name), Some(hint));
                return None;
            }
        };
        choice
            .parse(&part.settings)
            .map_err(|fault| {
                // A fault of a setting that stands outside is shown where it stands.
                let outside = fault.path.first().and_then(|step| {
                    let Step::Field(to) = step else { return None };
                    moved.iter().find(|(_, moved_to)| moved_to == to).map(|(from, _)| field(from))
                });
                let path = match outside {
                    Some(from) => join(root, &[from]),
                    None => join(&here, &fault.path),
                };
                self.fault(&path, fault.to_string(), fault.hint);
            })
            .ok()
    }
}

/// The file's part with everything written out.
pub(super) fn resolved(file: &TrainingFile, protocol: &Protocol) -> TrainingFile {
    let part = |name: &str, settings: Map<String, Value>| Part { name: name.to_owned(), settings };
    TrainingFile {
        epochs: Some(protocol.epochs),
        batch_size: Some(protocol.batch_size),
        optimiser: Some(OptimiserFile(part(protocol.optimiser.name(), protocol.optimiser.to_fields()))),
        schedule: Some(ScheduleFile(part(protocol.schedule.name(), protocol.schedule.to_fields()))),
        augment: protocol.augment.iter().map(|t| TransformFile(part(t.name(), t.to_fields()))).collect(),
        shuffle: Some(protocol.shuffle),
        dropout: Some(protocol.dropout),
        features_from_second_pass: Some(protocol.features_from_second_pass),
        learning_rate: None,
        momentum: None,
        weight_decay: None,
        lr_step_epochs: None,
        lr_step_factor: None,
        ..file.clone()
    }
}
