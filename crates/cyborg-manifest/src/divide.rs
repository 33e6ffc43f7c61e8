//! Dividing images into splits so that no subject is in two.

use std::collections::BTreeMap;

use crate::dataset::Split;
use crate::raw::DivideBy;

/// A checked `split: {by: ...}`.
#[derive(Clone, Debug)]
pub(crate) struct Division {
    pub(crate) by: DivideBy,
    /// Shares of train, validation, test; they add up to 1.
    pub(crate) shares: [f64; 3],
    pub(crate) seed: u64,
}

/// What a division needs to know of an image.
pub(crate) struct Member<'a> {
    /// Path relative to the root.
    pub(crate) image: &'a str,
    pub(crate) subject: Option<&'a str>,
    pub(crate) label: usize,
}

impl Division {
    /// The split of each image.
    ///
    /// Subjects are taken in the order of a hash of their name and the seed. Each goes whole to the split that lacks
    /// most images of its classes at that point, so that every class comes near the wanted shares. It depends on the
    /// names, the labels and the seed alone: not on the order of rows, not on the machine.
    pub(crate) fn splits(&self, members: &[Member], n_classes: usize) -> Vec<Split> {
        let mut groups: BTreeMap<(bool, &str), Vec<usize>> = BTreeMap::new();
        for (at, member) in members.iter().enumerate() {
            let key = match (self.by, member.subject) {
                (DivideBy::Subject, Some(subject)) => (true, subject),
                _ => (false, member.image),
            };
            groups.entry(key).or_default().push(at);
        }
        let mut groups: Vec<_> =
            groups.into_iter().map(|(key, group)| (self.rank(key), key, group)).collect();
        groups.sort();
        // Images of each class that are placed, in each split and in all.
        let mut placed = vec![[0usize; 3]; n_classes];
        let mut splits = vec![Split::Train; members.len()];
        for (_, _, group) in groups {
            let mut counts = vec![0usize; n_classes];
            for &at in &group {
                counts[members[at].label] += 1;
            }
            let lack = |split: usize| -> f64 {
                let of_class = |(placed, &count): (&[usize; 3], &usize)| {
                    let n = (placed.iter().sum::<usize>() + count) as f64;
                    count as f64 * (self.shares[split] * n - placed[split] as f64)
                };
                placed.iter().zip(&counts).map(of_class).sum()
            };
            let mut chosen = 0;
            for split in 1..3 {
                // More than rounding, so that a tie goes to the earlier split on every machine.
                if lack(split) > lack(chosen) + 1e-9 {
                    chosen = split;
                }
            }
            for (placed, count) in placed.iter_mut().zip(&counts) {
                placed[chosen] += count;
            }
            for at in group {
                splits[at] = Split::ALL[chosen];
            }
        }
        splits
    }

    fn rank(&self, (is_subject, name): (bool, &str)) -> [u8; 32] {
        let kind = if is_subject { "subject" } else { "image" };
        let mut hasher = blake3::Hasher::new_derive_key("cyborg-manifest 2026 division");
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(kind.as_bytes());
        hasher.update(&[0]);
        hasher.update(name.as_bytes());
        *hasher.finalize().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn division(seed: u64) -> Division {
        Division { by: DivideBy::Subject, shares: [0.6, 0.2, 0.2], seed }
    }

    fn members(subjects: &[(String, usize)]) -> Vec<Member<'_>> {
        subjects
            .iter()
            .map(|(name, label)| Member { image: name, subject: name.split('/').next(), label: *label })
            .collect()
    }

    #[test]
    fn shares_hold_in_every_class() {
        // 300 subjects of class 0 with two images each, 100 of class 1 with one.
        let rows: Vec<(String, usize)> = (0..600)
            .map(|i| (format!("s{}/{i}", i / 2), 0))
            .chain((0..100).map(|i| (format!("t{i}/0"), 1)))
            .collect();
        let splits = division(0).splits(&members(&rows), 2);
        for (label, n) in [(0, 600.0), (1, 100.0)] {
            for (split, share) in Split::ALL.into_iter().zip([0.6, 0.2, 0.2]) {
                let count =
                    rows.iter().zip(&splits).filter(|(row, s)| row.1 == label && **s == split).count();
                // No group is larger than two images, so no split is further off than that.
                assert!((count as f64 - share * n).abs() <= 2.0, "class {label}, {split}: {count} of {n}");
            }
        }
    }

    #[test]
    fn a_share_of_zero_stays_empty() {
        let rows: Vec<(String, usize)> = (0..50).map(|i| (format!("s{i}/0"), i % 2)).collect();
        let division = Division { by: DivideBy::Image, shares: [0.5, 0.0, 0.5], seed: 3 };
        assert!(!division.splits(&members(&rows), 2).contains(&Split::Validation));
    }

    proptest! {
        #[test]
        fn subjects_stay_together_and_order_does_not_matter(
            rows in prop::collection::vec((0usize..12, 0usize..3), 1..60), seed in 0u64..5, turn in 0usize..60
        ) {
            let rows: Vec<(String, usize)> =
                rows.iter().enumerate().map(|(i, (subject, label))| (format!("s{subject}/{i}"), *label)).collect();
            let splits = division(seed).splits(&members(&rows), 3);
            let mut of_subject = BTreeMap::new();
            for ((name, _), split) in rows.iter().zip(&splits) {
                let subject = name.split('/').next().unwrap_or_default();
                prop_assert_eq!(*of_subject.entry(subject).or_insert(*split), *split);
            }
            let mut turned = rows.clone();
            turned.rotate_left(turn % rows.len());
            let mut turned_splits = division(seed).splits(&members(&turned), 3);
            turned_splits.rotate_right(turn % rows.len());
            prop_assert_eq!(turned_splits, splits);
        }
    }
}
