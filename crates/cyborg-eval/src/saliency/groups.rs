//! Images grouped by source and class, and all together.

/// Name of the row of all sources.
pub(super) const ALL: &str = "all images";

/// What is gathered for each source and class, for each source, for each class and for all, in that order, each in order
/// of first appearance.
#[derive(Debug)]
pub(super) struct Groups<K, V> {
    groups: Vec<(K, Option<String>, Option<u32>, V)>,
}

/// A group: of which key, source (`None` for all) and class (`None` for all).
pub(super) type Group<K, V> = (K, Option<String>, Option<u32>, V);

impl<K: PartialEq + Clone, V: Default> Groups<K, V> {
    pub(super) fn new() -> Self {
        Self { groups: Vec::new() }
    }

    /// Calls `add` with each group that the image belongs to.
    pub(super) fn add<E>(
        &mut self,
        key: &K,
        source: &str,
        label: u32,
        mut add: impl FnMut(&mut V) -> Result<(), E>,
    ) -> Result<(), E> {
        for (source, label) in
            [(Some(source), Some(label)), (Some(source), None), (None, Some(label)), (None, None)]
        {
            let is_it = |(k, s, l, _): &Group<K, V>| *l == label && s.as_deref() == source && k == key;
            // Images of one group mostly stand together.
            let at = self.groups.iter().rposition(is_it).unwrap_or_else(|| {
                self.groups.push((key.clone(), source.map(str::to_owned), label, V::default()));
                self.groups.len() - 1
            });
            add(&mut self.groups[at].3)?;
        }
        Ok(())
    }

    /// The groups, by key; within one sources with classes first, all images last.
    pub(super) fn into_rows(self) -> Vec<Group<K, V>> {
        let mut keys: Vec<K> = Vec::new();
        for (key, ..) in &self.groups {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        let rank = |(key, source, label, _): &Group<K, V>| {
            let key = keys.iter().position(|known| known == key);
            (key, source.is_none(), label.is_none())
        };
        let mut rows = self.groups;
        rows.sort_by_key(|row| rank(row));
        rows
    }
}
