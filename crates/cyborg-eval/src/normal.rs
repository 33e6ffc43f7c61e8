//! The standard normal distribution, to the last digits.

use statrs::distribution::{ContinuousCDF, Normal};
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Probability below `z`.
pub(crate) fn cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// Two-sided p of `z`.
pub(crate) fn two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() * FRAC_1_SQRT_2)
}

/// The value below which this share lies. Infinite at 0 and 1.
pub(crate) fn quantile(share: f64) -> f64 {
    // Good to 1e-11; a step of Newton's method on the accurate probability does the rest. In the lower half, where
    // the probability keeps its digits.
    if share > 0.5 {
        return -quantile(1.0 - share);
    }
    let rough = Normal::standard().inverse_cdf(share);
    if !rough.is_finite() {
        return rough;
    }
    let density = (-0.5 * rough * rough).exp() / (2.0 * PI).sqrt();
    if density > 0.0 { rough - (cdf(rough) - share) / density } else { rough }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SciPy 1.17.1: `norm.ppf`, `norm.cdf`, `2 * norm.sf`.
    #[test]
    fn values_of_scipy() {
        let close =
            |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 4e-15, "{found} {expected}");
        close(quantile(0.975), 1.959963984540054);
        close(quantile(0.025), -1.9599639845400545);
        close(quantile(1e-10), -6.361340902404056);
        close(cdf(-1.0), 0.15865525393145707);
        close(two_sided(3.0), 0.0026997960632601866);
        assert_eq!((quantile(0.5), quantile(0.0)), (0.0, f64::NEG_INFINITY));
    }
}
