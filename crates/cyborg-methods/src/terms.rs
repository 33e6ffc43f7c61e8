//! A loss as named terms.

use candle_core::Tensor;

/// The loss of one step: what is minimised, and the terms that tables and curves show.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What is minimised, a scalar in the graph.
    pub total: Tensor,
    /// The terms, in the order of the table's columns; each has another name.
    pub terms: Vec<Term>,
}

/// A term of a loss.
#[derive(Clone, Debug)]
pub struct Term {
    /// The name in tables: `train_NAME` is the column of the epoch table.
    pub name: &'static str,
    /// The term before any weight, a scalar.
    pub value: Tensor,
    /// What the term is a mean over: the mean of an epoch weighs batches accordingly.
    pub over: Over,
}

/// What a term is a mean over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// All images of the batch.
    Images,
    /// The images with a human map; the term does not exist in a batch without any.
    ImagesWithMap,
}

impl Terms {
    /// A loss of which `total` is minimised; terms are added by [`Terms::with`].
    pub fn of(total: Tensor) -> Self {
        Self { total, terms: Vec::new() }
    }

    /// Cross-entropy plus `weight` times a penalty that is a mean over the images with a map, and both as terms.
    ///
    /// # Errors
    /// What tensor operations refuse.
    pub fn with_penalty(
        cross_entropy: &Tensor,
        name: &'static str,
        penalty: &Tensor,
        weight: f64,
    ) -> candle_core::Result<Self> {
        let total = (cross_entropy + (penalty * weight)?)?;
        Ok(Self::of(total).with("cross_entropy", cross_entropy, Over::Images).with(
            name,
            penalty,
            Over::ImagesWithMap,
        ))
    }

    /// Adds a term to the tables; it is not added to the total.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &Tensor, over: Over) -> Self {
        self.terms.push(Term { name, value: value.clone(), over });
        self
    }

    /// Whether there is a term of this name.
    pub fn has(&self, name: &str) -> bool {
        self.terms.iter().any(|term| term.name == name)
    }
}
