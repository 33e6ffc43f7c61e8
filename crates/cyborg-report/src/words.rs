//! Sentences that several pages share.
use crate::DataEntry;

/// What it means that a data set is a phantom.
pub(crate) fn phantom_note(data: &DataEntry) -> String {
    format!(
        "{} is drawn by a program from a seed, not photographed. Its numbers compare methods under known conditions; \
         they are no result on real images.",
        data.title
    )
}

/// Term and meaning of every number in the report.
pub(crate) fn definitions() -> [(&'static str, &'static str); 12] {
    [
        (
            "AUC",
            "area under the ROC: the share of (positive, negative) pairs of images in which the positive one scores \
             higher, a tie counting one half. 0.5 is chance.",
        ),
        (
            "accuracy",
            "share of images classified correctly; with two classes at the fixed threshold 0.5 on the score. It is \
             not balanced: it depends on how many images there are of each class.",
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
            "the probability (softmax) that the network gives to the positive class. All metrics are computed from \
             the scores that each run saved.",
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
            "two-sided paired t-test over seeds: the same seed gives both methods the same initial weights and order \
             of images. It speaks for training again with other seeds, not for other images, sources or networks, and \
             it is not corrected for the number of rows. The row to decide by is the one in the verdict.",
        ),
        (
            "CAM",
            "class activation map of the predicted class, brought to 0..1 by its own minimum and maximum. The human \
             map is the average of what people marked on the training images.",
        ),
    ]
}
