//! A value for each metric, or why there is none.

use crate::metric::{METRICS, MetricName, N_METRICS};

/// A value for each of [`METRICS`].
pub(crate) type Values = [Option<f64>; N_METRICS];

/// Values while they are gathered, with the reasons of those that are missing though the others are there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Gathered {
    pub(crate) values: Values,
    /// Metric (or another column) and reason.
    missing: Vec<(&'static str, String)>,
}

impl Gathered {
    pub(crate) fn set(&mut self, metric: MetricName, value: f64) {
        self.values[metric.position()] = Some(value);
    }

    /// A value that was set; NaN before.
    pub(crate) fn of(&self, metric: MetricName) -> f64 {
        self.values[metric.position()].unwrap_or(f64::NAN)
    }

    pub(crate) fn set_or(&mut self, metric: MetricName, value: Result<f64, String>) {
        match value {
            Ok(value) => self.set(metric, value),
            Err(reason) => self.lacks(metric, reason),
        }
    }

    pub(crate) fn lacks(&mut self, metric: MetricName, reason: impl Into<String>) {
        self.missing.push((METRICS[metric.position()], reason.into()));
    }

    /// The same for a column that is no metric.
    pub(crate) fn lacks_beside(&mut self, column: &'static str, reason: String) {
        self.missing.push((column, reason));
    }

    /// `metric, metric: reason; metric: reason`, metrics that share a reason together.
    pub(crate) fn reasons(&self) -> Option<String> {
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for (metric, reason) in &self.missing {
            match groups.iter_mut().find(|(known, _)| known == reason) {
                Some((_, metrics)) => metrics.push(metric),
                None => groups.push((reason, vec![metric])),
            }
        }
        let line = |(reason, metrics): (&str, Vec<&str>)| format!("{}: {reason}", metrics.join(", "));
        let lines: Vec<String> = groups.into_iter().map(line).collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    }
}

/// The reason of one metric out of the text that [`Gathered::reasons`] makes.
pub(crate) fn reason_of<'a>(reasons: &'a str, metric: &str) -> Option<&'a str> {
    let of_group = |group: &'a str| {
        let (metrics, reason) = group.split_once(": ")?;
        metrics.split(", ").any(|name| name == metric).then_some(reason)
    };
    reasons.split("; ").find_map(of_group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_found_again() {
        let mut gathered = Gathered::default();
        assert_eq!(gathered.reasons(), None);
        gathered.lacks(MetricName::Ece, "no probabilities");
        gathered.lacks(MetricName::DPrime, "one image");
        gathered.lacks(MetricName::Brier, "no probabilities");
        gathered.set(MetricName::Auc, 0.5);
        let text = gathered.reasons().unwrap_or_default();
        assert_eq!(text, "ece, brier: no probabilities; d_prime: one image");
        assert_eq!(reason_of(&text, "brier"), Some("no probabilities"));
        assert_eq!(reason_of(&text, "d_prime"), Some("one image"));
        assert_eq!(reason_of(&text, "auc"), None);
    }
}
