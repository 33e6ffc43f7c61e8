//! Many people's maps of one image to one map.

use crate::SaliencyMap;

/// How several maps of one image become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aggregation {
    /// Weighted mean: `sum(w * map) / sum(w)`. With binary maps the share of annotators who marked a pixel.
    Mean,
    /// What anybody marked: the greatest value at each pixel.
    Union,
    /// What everybody marked: the least value at each pixel.
    Intersection,
    /// 1 where more than `share` of the weight marked the pixel, else 0. A map marks a pixel if its value there is above
    /// `threshold`.
    Majority {
        /// A value must exceed it to count as a mark.
        threshold: f32,
        /// In `[0, 1)`; 0.5 is more than half.
        share: f64,
    },
}

/// One image's maps being put together, one at a time: memory of two maps, however many people there are.
///
/// Sums are taken in the order of [`Aggregator::add`] and in 64 bits, so that equal maps in equal order give equal bits.
///
/// # Examples
/// ```
/// use cyborg_saliency::{Aggregation, Aggregator, SaliencyMap};
/// let mut mean = Aggregator::new(Aggregation::Mean, 2, 1);
/// mean.add(&SaliencyMap { width_px: 2, height_px: 1, values: vec![1.0, 0.0] }, 3.0);
/// mean.add(&SaliencyMap { width_px: 2, height_px: 1, values: vec![1.0, 1.0] }, 1.0);
/// assert_eq!(mean.finish().expect("two maps").values, [1.0, 0.25]);
/// ```
#[derive(Clone, Debug)]
pub struct Aggregator {
    rule: Aggregation,
    width_px: usize,
    height_px: usize,
    sums: Vec<f64>,
    weight: f64,
    n: usize,
}

impl Aggregator {
    /// Of maps of that size.
    pub fn new(rule: Aggregation, width_px: usize, height_px: usize) -> Self {
        Self { rule, width_px, height_px, sums: vec![0.0; width_px * height_px], weight: 0.0, n: 0 }
    }

    /// Adds one person's map. A weight of 0 leaves it out whatever the rule; union and intersection know no other use of
    /// weights.
    ///
    /// # Panics
    /// If the map has another size, or the weight is negative or not finite.
    pub fn add(&mut self, map: &SaliencyMap, weight: f64) {
        assert_eq!((map.width_px, map.height_px), (self.width_px, self.height_px), "maps of one size");
        assert!(weight.is_finite() && weight >= 0.0, "a weight of {weight}");
        if weight == 0.0 {
            return;
        }
        let first = self.n == 0;
        self.n += 1;
        self.weight += weight;
        let pairs = self.sums.iter_mut().zip(&map.values);
        match self.rule {
            Aggregation::Mean => pairs.for_each(|(sum, &value)| *sum += weight * f64::from(value)),
            Aggregation::Union => pairs.for_each(|(sum, &value)| *sum = sum.max(f64::from(value))),
            Aggregation::Intersection if first => pairs.for_each(|(sum, &value)| *sum = f64::from(value)),
            Aggregation::Intersection => pairs.for_each(|(sum, &value)| *sum = sum.min(f64::from(value))),
            Aggregation::Majority { threshold, .. } => pairs.for_each(|(sum, &value)| {
                if value > threshold {
                    *sum += weight;
                }
            }),
        }
    }

    /// How many maps counted so far (weight above 0).
    pub fn n_maps(&self) -> usize {
        self.n
    }

    /// The one map, or nothing if no map was added.
    pub fn finish(self) -> Option<SaliencyMap> {
        if self.n == 0 {
            return None;
        }
        let weight = self.weight;
        let values = match self.rule {
            Aggregation::Mean => self.sums.iter().map(|sum| (sum / weight) as f32).collect(),
            Aggregation::Union | Aggregation::Intersection => {
                self.sums.iter().map(|&value| value as f32).collect()
            }
            Aggregation::Majority { share, .. } => {
                self.sums.iter().map(|&sum| f32::from(sum > share * weight)).collect()
            }
        };
        Some(SaliencyMap { width_px: self.width_px, height_px: self.height_px, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(values: [f32; 4]) -> SaliencyMap {
        SaliencyMap { width_px: 2, height_px: 2, values: values.to_vec() }
    }

    fn check(rule: Aggregation, weights: [f64; 3], expected: [f32; 4]) {
        let maps = [map([1.0, 1.0, 1.0, 0.0]), map([1.0, 0.5, 0.0, 0.0]), map([0.5, 0.0, 0.0, 0.0])];
        let mut aggregator = Aggregator::new(rule, 2, 2);
        for (map, weight) in maps.iter().zip(weights) {
            aggregator.add(map, weight);
        }
        assert_eq!(aggregator.finish().expect("maps were added").values, expected, "{rule:?}");
    }

    #[test]
    fn every_rule_on_three_maps() {
        // Column by column: (1 + 1 + 0.5) / 3, (1 + 0.5 + 0) / 3, (1 + 0 + 0) / 3, 0.
        check(Aggregation::Mean, [1.0; 3], [2.5 / 3.0, 0.5, 1.0 / 3.0, 0.0]);
        // (2 + 1 + 0.5) / 4, (2 + 0.5) / 4, 2 / 4, 0.
        check(Aggregation::Mean, [2.0, 1.0, 1.0], [0.875, 0.625, 0.5, 0.0]);
        check(Aggregation::Union, [1.0; 3], [1.0, 1.0, 1.0, 0.0]);
        check(Aggregation::Intersection, [1.0; 3], [0.5, 0.0, 0.0, 0.0]);
        // Marked by 3, 2, 1 and 0 of 3: more than half are 3 and 2.
        let majority = Aggregation::Majority { threshold: 0.0, share: 0.5 };
        check(majority, [1.0; 3], [1.0, 1.0, 0.0, 0.0]);
        // Above 0.5: 2, 1, 1, 0 of 3.
        check(Aggregation::Majority { threshold: 0.5, share: 0.5 }, [1.0; 3], [1.0, 0.0, 0.0, 0.0]);
        // Half of the weight is not more than half: 4, 3, 2, 0 of 4.
        check(majority, [2.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn a_weight_of_0_leaves_a_map_out_of_every_rule() {
        check(Aggregation::Intersection, [1.0, 1.0, 0.0], [1.0, 0.5, 0.0, 0.0]);
        check(Aggregation::Union, [0.0, 1.0, 1.0], [1.0, 0.5, 0.0, 0.0]);
        check(Aggregation::Mean, [0.0, 0.0, 5.0], [0.5, 0.0, 0.0, 0.0]);
        let mut nothing = Aggregator::new(Aggregation::Mean, 2, 2);
        nothing.add(&map([1.0; 4]), 0.0);
        assert_eq!(nothing.finish(), None);
    }
}
