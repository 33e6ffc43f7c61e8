//! Where in a checkpoint the tensors of a network are.

use crate::rebuild::TensorInStorage;
use crate::value::{Id, Value, Values};
use std::collections::BTreeMap;

/// Entries of checkpoints that hold a network's tensors, most telling first.
const WRAPPERS: [&str; 6] = ["state_dict", "model_state_dict", "model", "net", "network", "weights"];

/// The tensors of a checkpoint and what else is in it.
pub(crate) struct StateDict<'a> {
    pub(crate) tensors: BTreeMap<String, &'a TensorInStorage>,
    pub(crate) wrapper: Option<String>,
    pub(crate) ignored: Vec<String>,
}

/// Looks for a dictionary of tensors: in one of the [`WRAPPERS`], or else on the outside.
pub(crate) fn find(values: &Values, root: Id) -> Result<StateDict<'_>, String> {
    let Value::Dict(outside) = values.get(root) else {
        return Err(format!(
            "it holds {}, not a dictionary of tensors; save `model.state_dict()`",
            values.get(root).kind()
        ));
    };
    for wrapper in WRAPPERS {
        let Some(entries) = entry(values, outside, wrapper) else { continue };
        let Value::Dict(inside) = values.get(entries) else { continue };
        let mut found = split(values, inside);
        if !found.tensors.is_empty() {
            let others = split(values, outside);
            let beside = others.tensors.keys().map(|name| format!("`{name}` (a tensor beside `{wrapper}`)"));
            let other =
                others.ignored.into_iter().filter(|name| !name.starts_with(&format!("`{wrapper}` (")));
            found.ignored.extend(beside.chain(other));
            found.wrapper = Some(wrapper.to_owned());
            return Ok(found);
        }
    }
    let found = split(values, outside);
    if found.tensors.is_empty() {
        let what = if found.ignored.is_empty() { "nothing".to_owned() } else { first(&found.ignored) };
        return Err(format!("it holds no dictionary of tensors, but {what}"));
    }
    Ok(found)
}

/// The last entry of that name, as in Python.
fn entry(values: &Values, dict: &[(Id, Id)], wanted: &str) -> Option<Id> {
    let is_wanted = |key: Id| matches!(values.get(key), Value::Text(key) if key.as_ref() == wanted);
    dict.iter().rev().find(|(key, _)| is_wanted(*key)).map(|(_, value)| *value)
}

fn split<'a>(values: &'a Values, dict: &[(Id, Id)]) -> StateDict<'a> {
    let mut found = StateDict { tensors: BTreeMap::new(), wrapper: None, ignored: Vec::new() };
    for (key, value) in dict {
        match (values.get(*key), values.get(*value)) {
            (Value::Text(name), Value::Tensor(tensor)) => {
                found.tensors.insert(name.to_string(), tensor);
            }
            (Value::Text(name), other) => {
                found.ignored.push(format!("`{}` ({})", shortened(name), other.kind()));
            }
            (key, value) => found.ignored.push(format!("{} under {}", value.kind(), key.kind())),
        }
    }
    found
}

fn shortened(name: &str) -> String {
    name.chars().take(80).collect()
}

fn first(ignored: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = if ignored.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", ignored[..ignored.len().min(SHOWN)].join(", "))
}
