//! Ranks and Spearman's correlation of maps.

/// Ranks from 1 up, equal values sharing the mean of their ranks, as `scipy.stats.rankdata` gives them.
///
/// A stable radix sort over the bits of the values: a map of 224 x 224 takes a fraction of a millisecond, and the
/// agreement of ten people needs forty such sorts.
pub(crate) fn average_ranks(values: &[f32]) -> Vec<f64> {
    // Most pixels of most maps are 0, and nothing is below: they need no sorting.
    let zeros = if values.iter().all(|&value| value >= 0.0) {
        values.iter().filter(|&&value| value == 0.0).count()
    } else {
        0
    };
    let zero_rank = f64::midpoint(zeros as f64, 1.0);
    let mut ranks = vec![zero_rank; values.len()];
    let places = values.iter().enumerate().filter(|(_, value)| zeros == 0 || **value != 0.0);
    let sorted = sorted_pairs(places.map(|(at, &value)| pair(value, at)).collect());
    let mut start = 0;
    while start < sorted.len() {
        let key = sorted[start] >> 32;
        let mut end = start + 1;
        while end < sorted.len() && sorted[end] >> 32 == key {
            end += 1;
        }
        // Ranks start + 1 to end behind the zeros; their mean.
        let rank = zeros as f64 + f64::midpoint((start + 1) as f64, end as f64);
        for pair in &sorted[start..end] {
            ranks[(pair & 0xFFFF_FFFF) as usize] = rank;
        }
        start = end;
    }
    ranks
}

/// High half: bits that sort as the number does, the two zeros being one. Low half: the place.
fn pair(value: f32, at: usize) -> u64 {
    let bits = (value + 0.0).to_bits();
    let key = if bits >> 31 == 0 { bits | 0x8000_0000 } else { !bits };
    u64::from(key) << 32 | at as u64
}

/// In ascending order of their high halves: three passes of 11 bits.
fn sorted_pairs(mut pairs: Vec<u64>) -> Vec<u64> {
    const BITS: u32 = 11;
    const MASK: u64 = (1 << BITS) - 1;
    let mut next = vec![0u64; pairs.len()];
    for shift in [32, 32 + BITS, 32 + 2 * BITS] {
        let mut starts = [0usize; 1 << BITS];
        for pair in &pairs {
            starts[(pair >> shift & MASK) as usize] += 1;
        }
        if starts.contains(&pairs.len()) {
            continue; // all alike in these bits
        }
        let mut sum = 0;
        for start in &mut starts {
            (*start, sum) = (sum, sum + *start);
        }
        for &pair in &pairs {
            let start = &mut starts[(pair >> shift & MASK) as usize];
            next[*start] = pair;
            *start += 1;
        }
        std::mem::swap(&mut pairs, &mut next);
    }
    pairs
}

/// Spearman's rank correlation, ties at their mean rank, as `scipy.stats.spearmanr`; nothing if either side is constant
/// or there are fewer than two values (SciPy gives NaN).
///
/// # Panics
/// If the lengths differ.
///
/// # Examples
/// ```
/// // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: the sum of products is 4.5, the sums of squares are 4.5 and 5.
/// let rho = cyborg_saliency::spearman(&[0.0, 0.5, 0.5, 1.0], &[1.0, 2.0, 3.0, 4.0]).expect("both vary");
/// assert!((rho - 4.5 / (4.5f64 * 5.0).sqrt()).abs() < 1e-15);
/// assert_eq!(cyborg_saliency::spearman(&[1.0, 1.0], &[1.0, 2.0]), None);
/// ```
pub fn spearman(a: &[f32], b: &[f32]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "maps of one size");
    correlation(&average_ranks(a), &average_ranks(b))
}

/// Pearson's correlation of ranks: sums are exact below 2^53, so that their order cannot matter.
pub(crate) fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let mean = f64::midpoint(a.len() as f64, 1.0);
    let (mut products, mut squares_a, mut squares_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (a - mean, b - mean);
        products += a * b;
        squares_a += a * a;
        squares_b += b * b;
    }
    let scale = (squares_a * squares_b).sqrt();
    (scale > 0.0).then(|| (products / scale).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_share_the_mean_of_their_ranks() {
        assert_eq!(average_ranks(&[0.5, -1.0, 0.5, 0.5, 7.0]), [3.0, 1.0, 3.0, 3.0, 5.0]);
        assert_eq!(average_ranks(&[0.0, -0.0, 1e-40]), [1.5, 1.5, 3.0]);
        assert_eq!(average_ranks(&[]), [0.0; 0]);
    }

    proptest! {
        #[test]
        fn ranks_are_what_counting_gives(
            values in prop::collection::vec(-3i8..4, 1..60), shift in prop_oneof![Just(0i8), Just(3), Just(5)]
        ) {
            let values: Vec<f32> = values.into_iter().map(|value| f32::from(value + shift) / 4.0).collect();
            let counted: Vec<f64> = values
                .iter()
                .map(|value| {
                    let below = values.iter().filter(|other| *other < value).count();
                    let equal = values.iter().filter(|other| *other == value).count();
                    below as f64 + f64::midpoint(equal as f64, 1.0)
                })
                .collect();
            prop_assert_eq!(average_ranks(&values), counted);
        }

        #[test]
        fn order_of_wild_floats_is_that_of_total_cmp(values in prop::collection::vec(-1e30f32..1e30, 1..200)) {
            let ranks = average_ranks(&values);
            for i in 0..values.len() {
                for j in 0..values.len() {
                    prop_assert_eq!(values[i] < values[j], ranks[i] < ranks[j]);
                }
            }
        }
    }
}
