//! Which question each number answers.

/// An interval or a test, and what it speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Name for people.
    pub name: &'static str,
    /// Frame and columns where it stands.
    pub columns: &'static str,
    /// What it answers.
    pub answers: &'static str,
    /// What it does not answer.
    pub silent_on: &'static str,
}

/// All of them.
pub const QUESTIONS: [Question; 10] = [
    Question {
        name: "mean and standard deviation over seeds",
        columns: "`summarise`: `M_mean`, `M_sd`",
        answers: "how much does training again with another seed (initial weights, image order) change the result?",
        silent_on: "other training sets, test images or sources; the standard deviation does not shrink with more seeds",
    },
    Question {
        name: "paired t-test over seeds",
        columns: "`compare`: `p`, `ci_low`, `ci_high`, `t`, `df`",
        answers: "trained again with new seeds on the same images, would the candidate come out ahead on average?",
        silent_on: "other training sets, test images, sources or networks; assumes differences that are about normal",
    },
    Question {
        name: "sign-flip permutation test over seeds",
        columns: "`compare`: `p_sign_flip`",
        answers: "the same, assuming only that without an effect each difference is as likely to have either sign",
        silent_on: "effects of any size with fewer than 6 seeds: it cannot go below 2 / 2^n",
    },
    Question {
        name: "Wilcoxon signed-rank test over seeds",
        columns: "`compare`: `p_wilcoxon`, `w_plus`, `w_minus`",
        answers: "the same as the sign-flip test, on ranks: one seed that went astray weighs no more than its rank",
        silent_on: "how large the difference is, and anything with fewer than 6 seeds",
    },
    Question {
        name: "effect size",
        columns: "`compare`: `cohens_dz`, `rank_biserial`",
        answers: "how large is the difference against its own scatter over seeds?",
        silent_on: "whether the difference matters in use: read the mean difference for that",
    },
    Question {
        name: "Holm correction",
        columns: "`compare`: `p_holm`, `n_family`, `family`",
        answers: "which of the rows of this table hold if the chance of even one false finding is to stay below 5 %?",
        silent_on: "tables that were made and not shown",
    },
    Question {
        name: "bootstrap interval within a run",
        columns: "`run_intervals`: `ci_low`, `ci_high`, `bca_low`, `bca_high`",
        answers: "scored on other test images (or subjects) from the same sources, where would this one trained network land?",
        silent_on: "other seeds: a second training may land outside; other sources",
    },
    Question {
        name: "cluster bootstrap over subjects",
        columns: "`run_differences`: `difference`, `ci_low`, `ci_high`, `p`",
        answers: "scored on images of other people (eyes, patients), would these trained networks differ in the same way?",
        silent_on: "other seeds and sources; it is rough with fewer than ten subjects of a class",
    },
    Question {
        name: "paired t-test over sources",
        columns: "`compare_sources`: `p`, `ci_low`, `ci_high`",
        answers: "on other sources of the same kind (generators, attack types), would the candidate come out ahead on average?",
        silent_on: "seeds and images; it takes the sources tested for a sample of all, which few sources hardly are",
    },
    Question {
        name: "DeLong",
        columns: "`run_metrics`: `auc_se`, `auc_ci_low`, `auc_ci_high`; `compare_images`: `z`, `p`",
        answers: "the same for the AUC, without drawing; for two trained networks: does one rank such images better?",
        silent_on: "whether the method is better: that needs several seeds of each; several images of one subject: it is not used there",
    },
];
