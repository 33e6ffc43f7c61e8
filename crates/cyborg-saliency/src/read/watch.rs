//! Settings that name something which only some files of a source have: a key, a label, a category.
//!
//! That one file lacks it is normal. That no file has it is a slip of the pen, and everything would be read as if the
//! setting were not there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::AnnotationError;

/// So many of the names that there are instead are told.
const MAX_KNOWN: usize = 12;

/// What the files of one source were seen to have.
#[derive(Debug, Default)]
pub struct Watch(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// From setting and what it names to whether a file has it.
    wanted: BTreeMap<(&'static str, String), bool>,
    /// From setting to names that it could have had.
    known: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Watch {
    /// Notes that a setting names `what` ("the key `who`"), and whether a file has it.
    pub(crate) fn look(&self, setting: &'static str, what: String, found: bool) {
        *self.seen().wanted.entry((setting, what)).or_default() |= found;
    }

    /// Notes a name that the setting could have had.
    pub(crate) fn knows(&self, setting: &'static str, name: &str) {
        let mut seen = self.seen();
        let known = seen.known.entry(setting).or_default();
        if known.len() < MAX_KNOWN && !known.contains(name) {
            known.insert(super::table::shortened(name));
        }
    }

    /// Notes that a filter lets through only these names.
    pub(crate) fn expect(&self, setting: &'static str, kind: &str, wanted: Option<&Vec<String>>) {
        for one in wanted.into_iter().flatten() {
            self.look(setting, format!("the {kind} `{one}`"), false);
        }
    }

    /// Notes that a filter lets through only these names, and which name an element has.
    pub(crate) fn filter(&self, setting: &'static str, kind: &str, wanted: Option<&Vec<String>>, name: &str) {
        let Some(wanted) = wanted else { return };
        for one in wanted {
            self.look(setting, format!("the {kind} `{one}`"), one == name);
        }
        self.knows(setting, name);
    }

    /// What settings name and no file has.
    pub(crate) fn missing(&self, files: &str) -> Vec<AnnotationError> {
        let seen = self.seen();
        let wanted = seen.wanted.iter().filter(|(_, found)| !**found);
        wanted
            .map(|((setting, what), _)| {
                let known = seen.known.get(setting).filter(|known| !known.is_empty()).map(|known| {
                    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                    let more = if names.len() == MAX_KNOWN { ", ..." } else { "" };
                    format!(": there are {}{more}", names.join(", "))
                });
                AnnotationError::NowhereFound {
                    files: files.to_owned(),
                    setting,
                    what: what.clone(),
                    known: known.unwrap_or_default(),
                }
            })
            .collect()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
