//! Sentences that several pages share.
use crate::DataEntry;
use crate::block::Block;
use cyborg_eval::MetricName;

/// What it means that a data set is a phantom.
pub(crate) fn phantom_note(data: &DataEntry) -> String {
    format!(
        "{} is drawn by a program from a seed, not photographed. Its numbers compare methods under known conditions; \
         they are no result on real images.",
        data.title
    )
}

/// A metric's heading in a narrow table.
pub(crate) fn short_title(metric: MetricName) -> &'static str {
    match metric {
        MetricName::BalancedAccuracy | MetricName::BalancedAccuracyAtValidation => "bal. acc.",
        other => other.info().title,
    }
}

/// What must be known to read a block's main table: the second metric, and in which family p values are corrected.
pub(crate) fn table_notes(block: &Block<'_>, is_compared: bool) -> Vec<String> {
    let mut notes = Vec::new();
    match block.second {
        Some(MetricName::BalancedAccuracyAtValidation) => notes.push(
            "bal. acc.: balanced accuracy, the mean of the shares of both classes that are called rightly (0.5 is chance), \
             at each run's own threshold, chosen on its validation images"
                .to_owned(),
        ),
        Some(_) => notes.push(
            "bal. acc.: balanced accuracy, the mean over classes of the share called rightly (1 / number of classes is \
             chance), at the fixed threshold of two classes or by the largest logit of more"
                .to_owned(),
        ),
        None => {}
    }
    if is_compared {
        notes.push(FAMILY.to_owned());
    }
    notes
}

/// The one family of comparisons that every page states.
pub(crate) const FAMILY: &str = "p: paired t-test over seeds after Holm's correction; the sources (of all data sets, backbones and pairs of methods) are one \
     family, each mean or pool is one by itself";

/// Term and meaning of every number in the report. Of scores from elsewhere less is known.
pub(crate) fn definitions(scores_only: bool) -> Vec<(&'static str, &'static str)> {
    vec![
        (
            "AUC",
            "area under the ROC: the share of (positive, negative) pairs of images in which the positive one scores \
             higher, a tie counting one half. 0.5 is chance.",
        ),
        (
            "balanced accuracy",
            "mean over classes of the share called rightly; with two classes 1 - ACER. It does not depend on how many images \
             there are of each class; 1 / number of classes is chance. With a threshold chosen on validation images it is \
             taken there, else at the fixed threshold 0.5 (more than two classes: by the largest logit).",
        ),
        (
            "accuracy",
            "share of images called rightly. It depends on how many images there are of each class: saying the more \
             frequent one always reaches its share (in \"all pooled\", of all images of all sources). So it stands in the \
             tables of all metrics only.",
        ),
        (
            "AP",
            "average precision: sum over thresholds of (step in recall) x precision. It depends on the share of \
             positives, so compare it between methods on one source, not between sources.",
        ),
        (
            "EER",
            "equal error rate: the error at the threshold where false positives are as frequent as misses.",
        ),
        (
            "score",
            if scores_only {
                "what the files say of the positive class: more means more positive. With logits or log-odds, images are \
                 ranked by log-odds, and the score is the probability that follows."
            } else {
                "the probability (softmax) that the network gives to the positive class. Images are ranked by the log-odds \
                 of the saved logits, which still differ where probabilities are 0 or 1 to the last bit."
            },
        ),
        (
            "source",
            "where images come from: a generator, a camera, a hospital. A row tests the positive images of one \
             source against the negative images that it is paired with.",
        ),
        (
            "seen",
            "training or validation held images of this source. Only unseen sources tell how a method carries over.",
        ),
        (
            "unseen mean, seen mean, all mean",
            "means over sources, every source counting the same. \"all pooled\" puts all images in one pot instead.",
        ),
        (
            "± and bands",
            "one standard deviation over seeds (n - 1). Means are over seeds; with one seed there is no deviation.",
        ),
        (
            "difference, interval",
            "candidate minus baseline, seed by seed; the mean over seeds and its 95 % t-interval.",
        ),
        (
            "p",
            if scores_only {
                "two-sided paired t-test over seeds, after Holm's correction for the sources of the table. It takes runs of \
                 equal seed for pairs; whether they share anything is not known here. It speaks for other seeds, not for \
                 other images, sources or networks. The row to decide by is the one in the verdict."
            } else {
                "two-sided paired t-test over seeds, after Holm's correction for the sources of the table: the same seed \
                 gives both methods the same initial weights and order of images. It speaks for training again with other \
                 seeds, not for other images, sources or networks. The row to decide by is the one in the verdict."
            },
        ),
        (
            "CAM",
            "class activation map of the predicted class, also where that is not the image's class, brought to 0..1 by \
             its own minimum and maximum. The human map is the average of what people marked on the training images.",
        ),
    ]
}
