//! What one image's logits say, once they are numbers on the host.

/// The index of the largest value, the first of equal ones. Of no values 0.
pub fn largest(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, &value) in values.iter().enumerate() {
        if value > values[best] {
            best = index;
        }
    }
    best
}

/// Probabilities that sum to 1, the largest logit taken out first, then in f64. One function for a run's scores and for
/// predictions, so that both give the same bits.
pub fn softmax(logits: &[f32]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponents: Vec<f64> = logits.iter().map(|&logit| f64::from(logit - largest).exp()).collect();
    let sum: f64 = exponents.iter().sum();
    exponents.into_iter().map(|exponent| exponent / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_is_a_probability_however_large_the_logits() {
        // 1 / (1 + e^-1).
        assert!((softmax(&[0.0, 1.0])[1] - 0.731_058_578_630_004_9).abs() < 1e-15);
        assert!((softmax(&[3e38, -3e38])[0] - 1.0).abs() < 1e-15);
        assert!((softmax(&[2.0, 2.0, 2.0])[2] - 1.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn the_first_of_equal_ones_is_the_largest() {
        assert_eq!(largest(&[1.0, 3.0, 3.0]), 1);
    }
}
