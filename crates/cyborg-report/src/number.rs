//! Numbers as text: the same everywhere in the report.

/// Three decimals, or a dash.
pub(crate) fn value(number: Option<f64>) -> String {
    number
        .filter(|number| number.is_finite())
        .map_or_else(|| DASH.to_owned(), |number| no_minus_zero(number, 3))
}

/// Stands where there is no number.
pub(crate) const DASH: &str = "–";

/// `0.656 ± 0.012`, or `0.656` when there is no spread.
pub(crate) fn spread(mean: Option<f64>, sd: Option<f64>) -> String {
    match (mean, sd) {
        (Some(mean), Some(sd)) => format!("{} ± {}", value(Some(mean)), value(Some(sd))),
        (mean, _) => value(mean),
    }
}

/// With its sign: `+0.033`.
pub(crate) fn signed(number: Option<f64>) -> String {
    match number.filter(|number| number.is_finite()) {
        Some(number) => {
            let text = no_minus_zero(number, 3);
            let is_zero = text.chars().all(|digit| matches!(digit, '0' | '.'));
            if number > 0.0 && !is_zero { format!("+{text}") } else { text }
        }
        None => DASH.to_owned(),
    }
}

/// `[-0.001, 0.067]`, or nothing.
pub(crate) fn interval(low: Option<f64>, high: Option<f64>) -> Option<String> {
    Some(format!("[{}, {}]", signed(Some(low?)), signed(Some(high?))))
}

/// A p value: `0.044`, `< 0.001`, or a dash.
pub(crate) fn p(number: Option<f64>) -> String {
    match number.filter(|number| number.is_finite()) {
        Some(number) if number < 0.001 => "< 0.001".to_owned(),
        Some(number) => no_minus_zero(number, 3),
        None => DASH.to_owned(),
    }
}

/// A p value in a sentence, unbreakable: `p = 0.044`, `p < 0.001`.
pub(crate) fn p_sentence(number: f64) -> String {
    let equals = if number < 0.001 { "" } else { "= " };
    format!("p {equals}{}", p(Some(number))).replace(' ', "\u{a0}")
}

/// As few digits as tell the number: `0.5`, `800`, `0.00001`.
pub(crate) fn plain(number: f64) -> String {
    if number == 0.0 { "0".to_owned() } else { format!("{number}") }
}

/// `1 seed`, `5 seeds`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `-0.0004` rounds to `0.000`, not to `-0.000`.
fn no_minus_zero(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|digit| matches!(digit, '0' | '.')) => rest.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(value(Some(0.6555)), "0.655"); // the nearest f64 lies below
        assert_eq!(value(None), "–");
        assert_eq!(value(Some(f64::NAN)), "–");
        assert_eq!(spread(Some(0.6564), Some(0.01249)), "0.656 ± 0.012");
        assert_eq!(spread(Some(0.6564), None), "0.656");
        assert_eq!(signed(Some(0.0333)), "+0.033");
        assert_eq!(signed(Some(-0.0333)), "-0.033");
        assert_eq!(signed(Some(-0.0003)), "0.000");
        assert_eq!(signed(Some(0.0003)), "0.000");
        assert_eq!(signed(Some(0.0)), "0.000");
        assert_eq!(interval(Some(-0.001), Some(0.067)).as_deref(), Some("[-0.001, +0.067]"));
        assert_eq!(interval(None, Some(0.067)), None);
        assert_eq!(p(Some(0.0002)), "< 0.001");
        assert_eq!(p_sentence(0.0441), "p\u{a0}=\u{a0}0.044");
        assert_eq!(p_sentence(0.0001), "p\u{a0}<\u{a0}0.001");
        assert_eq!(plain(-0.0), "0");
        assert_eq!(plain(0.95), "0.95");
        assert_eq!(count(1, "seed"), "1 seed");
    }
}
