//! Who counts, and how much.

use std::collections::{BTreeMap, BTreeSet};

use cyborg_seed::Seed;

/// One person's work on one image, without the marks.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotator<'a> {
    /// Who; empty where the file does not say.
    pub name: &'a str,
    /// Seconds that the person took, where known.
    pub duration_s: Option<f64>,
    /// Whether the person's decision was right, where known.
    pub correct: Option<bool>,
    /// How many marks there are.
    pub n_marks: usize,
}

/// Which people count. Every rule must let a person through; the default lets everybody through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Only these, if given.
    pub keep: Option<BTreeSet<String>>,
    /// Not these.
    pub drop: BTreeSet<String>,
    /// Only where the decision was right; where that is not known the person does not count.
    pub only_correct: bool,
    /// Only who took at least so many seconds; where that is not known the person does not count.
    pub min_duration_s: Option<f64>,
    /// Only who took at most so many seconds; where that is not known the person does not count.
    pub max_duration_s: Option<f64>,
    /// Only who left at least so many marks.
    pub min_marks: usize,
    /// Of those that are left, how many and which.
    pub choose: Choice,
}

/// How many of an image's people count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// All.
    #[default]
    All,
    /// The first by name: the "single annotator" of a granularity study, the same person wherever that person worked.
    First,
    /// So many, drawn anew for every image.
    Random {
        /// At least 1; an image with fewer people keeps all of them.
        n: usize,
        /// Another seed draws others.
        seed: u64,
    },
    /// The one who left most marks; of several the first by name.
    MostMarks,
}

impl Selection {
    /// The places in `people` of those who count, ascending. `image` names the image: a draw depends on it, on the seed
    /// and on the people's names, never on the order of a file.
    ///
    /// # Examples
    /// ```
    /// use cyborg_saliency::{Annotator, Selection};
    /// let person = |name, correct| Annotator { name, duration_s: None, correct, n_marks: 1 };
    /// let people = [person("ann", Some(true)), person("bob", Some(false)), person("cy", None)];
    /// let selection = Selection { only_correct: true, ..Selection::default() };
    /// assert_eq!(selection.chosen("a.png", &people), [0]);
    /// ```
    pub fn chosen(&self, image: &str, people: &[Annotator]) -> Vec<usize> {
        let mut left: Vec<usize> = (0..people.len()).filter(|&at| self.counts(&people[at])).collect();
        left.sort_by(|&a, &b| people[a].name.cmp(people[b].name));
        match self.choose {
            Choice::All => {}
            Choice::First => left.truncate(1),
            Choice::Random { n, seed } => {
                Seed::new(seed).child("annotators").stream(image).shuffle(&mut left);
                left.truncate(n);
            }
            Choice::MostMarks => {
                left.sort_by_key(|&at| std::cmp::Reverse(people[at].n_marks));
                left.truncate(1);
            }
        }
        left.sort_unstable();
        left
    }

    fn counts(&self, person: &Annotator) -> bool {
        self.keep.as_ref().is_none_or(|keep| keep.contains(person.name))
            && !self.drop.contains(person.name)
            && (!self.only_correct || person.correct == Some(true))
            && self.min_duration_s.is_none_or(|min| person.duration_s.is_some_and(|s| s >= min))
            && self.max_duration_s.is_none_or(|max| person.duration_s.is_some_and(|s| s <= max))
            && person.n_marks >= self.min_marks
    }
}

/// How much each person's map weighs.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Weighting {
    /// All the same: 1.
    #[default]
    Equal,
    /// By name.
    Annotator {
        /// The weights.
        weights: BTreeMap<String, f64>,
        /// Everybody else's.
        others: f64,
    },
    /// The seconds that the person took; not known: no weight.
    Duration,
    /// By whether the decision was right.
    Correctness {
        /// Of a right decision.
        right: f64,
        /// Of a wrong decision.
        wrong: f64,
        /// Where it is not known.
        unknown: f64,
    },
}

impl Weighting {
    /// The person's weight, or nothing if what it goes by is not known or cannot be a weight.
    pub fn weight_of(&self, person: &Annotator) -> Option<f64> {
        let weight = match self {
            Self::Equal => 1.0,
            Self::Annotator { weights, others } => weights.get(person.name).copied().unwrap_or(*others),
            Self::Duration => person.duration_s?,
            Self::Correctness { right, wrong, unknown } => match person.correct {
                Some(true) => *right,
                Some(false) => *wrong,
                None => *unknown,
            },
        };
        (weight.is_finite() && weight >= 0.0).then_some(weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> [Annotator<'static>; 4] {
        let person = |name, duration_s, correct, n_marks| Annotator { name, duration_s, correct, n_marks };
        [
            person("dan", Some(2.0), Some(true), 1),
            person("ann", Some(10.0), Some(false), 5),
            person("bob", None, Some(true), 5),
            person("cy", Some(60.0), None, 0),
        ]
    }

    fn check(selection: Selection, expected: &[usize]) {
        assert_eq!(selection.chosen("a.png", &people()), expected, "{selection:?}");
    }

    #[test]
    fn every_rule_keeps_whom_it_should() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
        check(Selection::default(), &[0, 1, 2, 3]);
        check(Selection { keep: Some(names(&["bob", "cy", "eve"])), ..Selection::default() }, &[2, 3]);
        check(Selection { drop: names(&["bob"]), ..Selection::default() }, &[0, 1, 3]);
        check(Selection { only_correct: true, ..Selection::default() }, &[0, 2]);
        check(Selection { min_duration_s: Some(10.0), ..Selection::default() }, &[1, 3]);
        check(Selection { max_duration_s: Some(10.0), ..Selection::default() }, &[0, 1]);
        check(Selection { min_marks: 1, ..Selection::default() }, &[0, 1, 2]);
        check(Selection { choose: Choice::First, ..Selection::default() }, &[1]);
        check(Selection { choose: Choice::MostMarks, ..Selection::default() }, &[1]);
        check(Selection { choose: Choice::Random { n: 9, seed: 0 }, ..Selection::default() }, &[0, 1, 2, 3]);
    }

    #[test]
    fn a_draw_depends_on_names_and_not_on_their_order() {
        let select = Selection { choose: Choice::Random { n: 2, seed: 3 }, ..Selection::default() };
        let people = people();
        let mut reversed = people.clone();
        reversed.reverse();
        let names = |people: &[Annotator<'static>], image: &str| -> BTreeSet<&'static str> {
            select.chosen(image, people).into_iter().map(|at| people[at].name).collect()
        };
        let images: Vec<String> = (0..40).map(|n| format!("{n}.png")).collect();
        for image in &images {
            assert_eq!(names(&people, image), names(&reversed, image));
        }
        let drawn: BTreeSet<_> = images.iter().map(|image| names(&people, image)).collect();
        // Six pairs; that one is missing after 40 draws has a chance of 6 * (5/6)^40 = 0.4 %, and this seed is fixed.
        assert_eq!(drawn.len(), 6);
    }

    #[test]
    fn weights_go_by_what_is_known() {
        let [dan, ann, bob, cy] = people();
        assert_eq!(Weighting::Equal.weight_of(&bob), Some(1.0));
        assert_eq!(Weighting::Duration.weight_of(&ann), Some(10.0));
        assert_eq!(Weighting::Duration.weight_of(&bob), None);
        let by_name = Weighting::Annotator { weights: [("dan".to_owned(), 3.0)].into(), others: 0.5 };
        assert_eq!((by_name.weight_of(&dan), by_name.weight_of(&cy)), (Some(3.0), Some(0.5)));
        let by_decision = Weighting::Correctness { right: 1.0, wrong: 0.0, unknown: 0.5 };
        let weights = [&dan, &ann, &bob, &cy].map(|person| by_decision.weight_of(person));
        assert_eq!(weights, [Some(1.0), Some(0.0), Some(1.0), Some(0.5)]);
        let negative = Annotator { duration_s: Some(-1.0), ..dan };
        assert_eq!(Weighting::Duration.weight_of(&negative), None);
    }
}
