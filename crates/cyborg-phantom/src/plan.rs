//! Which images a data set holds: source, subject, split and cue of each, before any pixel is drawn.
use cyborg_seed::Seed;

use crate::phantom::Phantom;

/// The role of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// To be trained on.
    Train,
    /// To choose the epoch with.
    Validation,
    /// To be scored.
    Test,
}

impl Split {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// Where images come from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name in the table: letters, digits and `-`.
    pub name: String,
    /// The class of its images.
    pub label: usize,
    /// Whether training and validation hold images of it.
    pub training: bool,
    /// Whether the test split does.
    pub testing: bool,
    /// How many images show the same subject.
    pub images_per_subject: usize,
    /// Whether its subjects are nobody's: the table's cell stays empty.
    pub anonymous: bool,
}

/// The sources of a domain with two classes. Those of class 0 stand in training and testing and show every subject twice;
/// those of class 1 stand in training alone or in testing alone, and none of their subjects is met again.
pub(crate) fn two_class_sources<'a>(
    class_0: impl IntoIterator<Item = &'a str>,
    class_1_in_training: impl IntoIterator<Item = String>,
    class_1_in_testing: impl IntoIterator<Item = String>,
) -> Vec<Source> {
    let class_0 = class_0.into_iter().map(|name| Source {
        name: name.to_owned(),
        label: 0,
        training: true,
        testing: true,
        images_per_subject: 2,
        anonymous: false,
    });
    let class_1 = |name: String, training: bool| Source {
        name,
        label: 1,
        training,
        testing: !training,
        images_per_subject: 1,
        anonymous: true,
    };
    let in_training = class_1_in_training.into_iter().map(|name| class_1(name, true));
    let in_testing = class_1_in_testing.into_iter().map(|name| class_1(name, false));
    class_0.chain(in_training).chain(in_testing).collect()
}

/// One image to draw. Its pixels follow from the settings' seed and these fields alone.
#[derive(Clone, Debug)]
pub struct PlannedImage {
    /// `train/camera-a/00003`: file stem and name of its random streams.
    pub id: String,
    /// The role of the image.
    pub split: Split,
    /// Index into the domain's sources.
    pub source: usize,
    /// The source's name.
    pub source_name: String,
    /// The class.
    pub label: usize,
    /// Number of the image within its source and split, from 0.
    pub number: usize,
    /// Whose image it is; names the subject's random stream.
    pub subject: String,
    /// Whether the table leaves the subject out.
    pub anonymous: bool,
    /// The shortcut's cue; see [`Phantom::cue`].
    pub cue: usize,
}

/// All images of a data set, in the table's order.
pub(crate) fn plan(phantom: &dyn Phantom) -> Vec<PlannedImage> {
    let common = phantom.common();
    let seed = Seed::new(common.seed);
    let sources = phantom.sources();
    let training = sources.iter().filter(|source| source.training).count().max(1);
    let mut images = Vec::new();
    for (split, n) in [
        (Split::Train, common.n_train / training),
        (Split::Validation, common.n_validation / training),
        (Split::Test, common.n_test_per_source),
    ] {
        // Development images share nothing with test images, not even the subjects.
        let folder = match split {
            Split::Test => common.test_sources.name(),
            Split::Train | Split::Validation => split.name(),
        };
        for (index, source) in sources.iter().enumerate() {
            let in_split = if split == Split::Test { source.testing } else { source.training };
            for number in 0..if in_split { n } else { 0 } {
                let id = format!("{folder}/{}/{number:05}", source.name);
                let draw = seed.stream(&format!("plan/{id}")).uniform();
                let subject = number / source.images_per_subject;
                images.push(PlannedImage {
                    subject: format!("{folder}-{}-{subject:05}", source.name),
                    split,
                    source: index,
                    source_name: source.name.clone(),
                    label: source.label,
                    number,
                    anonymous: source.anonymous,
                    cue: phantom.cue(source.label, split != Split::Test, draw),
                    id,
                });
            }
        }
    }
    images
}
