//! One image's people: their annotations, and which of them count.

use cyborg_saliency::{Annotation, Annotator};

/// One person's annotations of one image.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// Empty where no file says it.
    pub(crate) name: String,
    /// At least one, in the order of reading.
    pub(crate) annotations: Vec<Annotation>,
}

impl Person {
    /// What rules go by. Several annotations of one person add up: their seconds, their marks; one wrong decision makes
    /// the person wrong.
    pub(crate) fn annotator(&self) -> Annotator<'_> {
        let seconds: Vec<f64> = self.annotations.iter().filter_map(|a| a.duration_s).collect();
        let correct: Vec<bool> = self.annotations.iter().filter_map(|a| a.correct).collect();
        Annotator {
            name: &self.name,
            duration_s: (!seconds.is_empty()).then(|| seconds.iter().sum()),
            correct: (!correct.is_empty()).then(|| !correct.contains(&false)),
            n_marks: self.annotations.iter().map(|a| a.marks.len()).sum(),
        }
    }

    /// Marks that could not be read.
    pub(crate) fn n_lost(&self) -> usize {
        self.annotations.iter().map(|annotation| annotation.n_lost).sum()
    }

    /// True if nothing that the person marked could be read. Who marked nothing is another case.
    pub(crate) fn is_lost(&self) -> bool {
        self.n_lost() > 0 && self.annotations.iter().all(|annotation| annotation.marks.is_empty())
    }

    /// The annotations, those of one frame put together: marks of one person are drawn at once.
    pub(crate) fn by_frame(&self) -> Vec<Annotation> {
        let mut merged: Vec<Annotation> = Vec::new();
        for annotation in &self.annotations {
            match merged.iter_mut().find(|other| other.frame_px == annotation.frame_px) {
                Some(same) => same.marks.extend(annotation.marks.iter().cloned()),
                None => merged.push(annotation.clone()),
            }
        }
        merged
    }
}
