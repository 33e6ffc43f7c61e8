//! Where in a YAML text each value stands.
//!
//! Checks speak of values by path (`methods[1].alpha`); this finds the line and column, so that a value that parses but
//! cannot be is reported like a syntax error. The reverse look-up names the field at a place.

use std::fmt;

use cyborg_settings::Step;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;

/// The places of a document's values.
#[derive(Debug)]
pub(crate) struct Places {
    /// In document order; the root has an empty path.
    entries: Vec<(Vec<Step>, Place)>,
}

/// Line and column, from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Place {
    pub(crate) fn of(location: serde_yaml::Location) -> Self {
        Self { line: location.line() as usize, column: location.column() as usize }
    }
}

impl Places {
    /// Of a text that parses as YAML; nothing otherwise.
    pub(crate) fn of(text: &str) -> Self {
        let mut entries = Vec::new();
        if let Ok(root) = serde_yaml::from_str::<Spanned<Node>>(text) {
            collect(&root, &mut Vec::new(), &mut entries);
        }
        Self { entries }
    }

    /// The value at `path`, or the nearest enclosing one that is written down.
    pub(crate) fn find(&self, path: &[Step]) -> Option<Place> {
        (0..=path.len()).rev().find_map(|n| {
            self.entries.iter().find(|(p, _)| p.as_slice() == &path[..n]).map(|&(_, place)| place)
        })
    }

    /// The path of the value that starts at `place`.
    pub(crate) fn path_at(&self, place: Place) -> Option<&[Step]> {
        self.entries.iter().rev().find(|(_, p)| *p == place).map(|(path, _)| path.as_slice())
    }
}

/// A YAML value reduced to its shape.
enum Node {
    Scalar,
    List(Vec<Spanned<Node>>),
    Mapping(Vec<(String, Spanned<Node>)>),
}

fn collect(node: &Spanned<Node>, path: &mut Vec<Step>, entries: &mut Vec<(Vec<Step>, Place)>) {
    entries.push((path.clone(), Place::of(node.referenced)));
    match &node.value {
        Node::Scalar => {}
        Node::List(items) => {
            for (i, item) in items.iter().enumerate() {
                path.push(Step::Index(i));
                collect(item, path, entries);
                path.pop();
            }
        }
        Node::Mapping(fields) => {
            for (name, value) in fields {
                path.push(Step::Field(name.clone()));
                collect(value, path, entries);
                path.pop();
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NodeVisitor;
        impl<'de> Visitor<'de> for NodeVisitor {
            type Value = Node;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any YAML value")
            }
            fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
                Ok(Node::Scalar)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
                Ok(Node::Scalar)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
                Ok(Node::Scalar)
            }
            fn visit_i128<E>(self, _: i128) -> Result<Node, E> {
                Ok(Node::Scalar)
            }
            fn visit_u128<E>(self, _: u128) -> Result<Node, E> {
                Ok(Node::Scalar)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
                Ok(Node::Scalar)
            }
            fn visit_str<E>(self, _: &str) -> Result<Node, E> {
                Ok(Node::Scalar)
            }
            fn visit_bytes<E>(self, _: &[u8]) -> Result<Node, E> {
                Ok(Node::Scalar)
            }
            fn visit_unit<E>(self) -> Result<Node, E> {
                Ok(Node::Scalar)
            }
            fn visit_none<E>(self) -> Result<Node, E> {
                Ok(Node::Scalar)
            }
            fn visit_some<D: serde::Deserializer<'de>>(self, inner: D) -> Result<Node, D::Error> {
                Node::deserialize(inner)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Node::List(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
                let mut fields = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    fields.push((key, map.next_value()?));
                }
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Node::Mapping(fields))
            }
        }
        deserializer.deserialize_any(NodeVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cyborg_settings::render_path;

    fn field(name: &str) -> Step {
        Step::Field(name.to_owned())
    }

    #[test]
    fn values_are_found_where_they_stand() {
        let places = Places::of("seeds: 5\nmethods:\n  - name: ce\n  - name: cyborg\n    alpha: 1.5\n");
        let alpha = [field("methods"), Step::Index(1), field("alpha")];
        assert_eq!(places.find(&alpha), Some(Place { line: 5, column: 12 }));
        assert_eq!(places.path_at(Place { line: 5, column: 12 }), Some(alpha.as_slice()));
        assert_eq!(render_path(&alpha), "methods[1].alpha");
        // A value that is absent is reported at what encloses it: the second method starts on line 4.
        let tap = [field("methods"), Step::Index(1), field("tap")];
        assert_eq!(places.find(&tap).map(|p| p.line), Some(4));
    }

    #[test]
    fn a_broken_text_has_no_places() {
        assert_eq!(Places::of("a: [").find(&[]), None);
    }
}
