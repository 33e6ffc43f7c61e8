//! The classes of a network, by index and by name.

use crate::PredictError;

/// The names of a network's classes, in the order of its logits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    names: Vec<String>,
    known: bool,
}

impl Classes {
    /// Classes with names.
    ///
    /// # Errors
    /// [`PredictError::Setting`] if there is none, one is empty or two are the same.
    pub fn named(names: Vec<String>) -> Result<Self, PredictError> {
        let fault = |found: String, expected: &'static str| {
            Err(PredictError::Setting { field: "classes", found, expected: expected.to_owned() })
        };
        if names.is_empty() {
            return fault("none".to_owned(), "one name a class");
        }
        for (index, name) in names.iter().enumerate() {
            if name.is_empty() {
                return fault(format!("an empty name for class {index}"), "a name for every class");
            }
            if names[..index].contains(name) {
                return fault(format!("`{name}` twice"), "different names");
            }
        }
        Ok(Self { names, known: true })
    }

    /// Classes that nobody has named: `0`, `1`, ...
    pub fn unnamed(n_classes: usize) -> Self {
        Self { names: (0..n_classes).map(|index| index.to_string()).collect(), known: false }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether somebody has named them.
    pub fn are_named(&self) -> bool {
        self.known
    }

    /// In the order of the logits.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The class that a word means: a name, else an index; `1.0` means what `1` means. So with classes named `1` and `0` the
    /// word `1` is class 0.
    pub fn find(&self, word: &str) -> Option<usize> {
        let by_name = cyborg_table::position(self.names.iter().map(String::as_str), word);
        let index = || cyborg_table::whole_number(word).unwrap_or(word).parse().ok();
        by_name.or_else(|| index().filter(|&index: &usize| index < self.len()))
    }

    /// For messages: `authentic` (0), `synthetic` (1); the first ones of many.
    pub(crate) fn listed(&self) -> String {
        const SHOWN: usize = 12;
        if !self.known {
            return format!("0 to {}", self.len().saturating_sub(1));
        }
        let name = |(index, name): (usize, &String)| format!("`{name}` ({index})");
        let mut listed: Vec<String> = self.names.iter().enumerate().take(SHOWN).map(name).collect();
        if self.len() > SHOWN {
            listed.push(format!("and {} more", self.len() - SHOWN));
        }
        listed.join(", ")
    }
}

/// How many classes a network with so many logits tells apart: one logit, as `BCEWithLogitsLoss` trains it, stands for two.
pub(crate) fn n_classes_of(n_logits: usize) -> usize {
    if n_logits == 1 { 2 } else { n_logits }
}

/// One logit a class. A single logit is the log-odds of class 1, so class 0 gets 0: the softmax of both is the sigmoid of the one.
pub(crate) fn class_logits(logits: Vec<f32>) -> Vec<f32> {
    match logits.as_slice() {
        [logit] => vec![0.0, *logit],
        _ => logits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_logit_is_the_log_odds_of_class_1() {
        assert_eq!((n_classes_of(1), n_classes_of(2), n_classes_of(14)), (2, 2, 14));
        assert_eq!(class_logits(vec![-2.0]), [0.0, -2.0]);
        assert_eq!(class_logits(vec![1.0, -2.0]), [1.0, -2.0]);
        let [real, fake] =
            <[f64; 2]>::try_from(cyborg_loss::softmax(&class_logits(vec![-2.0]))).expect("two");
        // torch.sigmoid(torch.tensor(-2., dtype=torch.float64)), and 1 minus it.
        assert!((fake - 0.119_202_922_022_117_56).abs() < 1e-15, "{fake}");
        assert!((real - 0.880_797_077_977_882_4).abs() < 1e-15, "{real}");
    }

    #[test]
    fn a_name_goes_before_an_index() {
        let classes = Classes::named(vec!["1".to_owned(), "0".to_owned(), "x".to_owned()]).expect("names");
        let found = ["1", "0", "x", "2", "3", "-1", "", "1.0", "2.0", "1.5"].map(|word| classes.find(word));
        assert_eq!(found, [Some(0), Some(1), Some(2), Some(2), None, None, None, Some(0), Some(2), None]);
        assert_eq!(Classes::unnamed(3).find("2"), Some(2));
        assert_eq!(Classes::unnamed(3).find("3"), None);
    }

    #[test]
    fn names_are_checked() {
        let named = |names: &[&str]| Classes::named(names.iter().map(|&name| name.to_owned()).collect());
        let message = |names: &[&str]| named(names).expect_err("refused").to_string();
        assert!(message(&[]).contains("`classes` is none"), "{}", message(&[]));
        assert!(message(&["a", ""]).contains("an empty name for class 1"));
        assert!(message(&["a", "b", "a"]).contains("`a` twice"));
    }

    #[test]
    fn a_thousand_classes_fit_into_a_message() {
        assert_eq!(Classes::unnamed(1000).listed(), "0 to 999");
        let many = Classes::named((0..1000).map(|i| format!("c{i}")).collect()).expect("names");
        assert!(many.listed().ends_with("`c11` (11), and 988 more"), "{}", many.listed());
    }
}
