//! What a pickle can make here.
//!
//! Values lie in one list and refer to each other by index, so that a value which is used a million times is there once,
//! and nesting costs no stack.

use crate::rebuild;
use std::collections::BTreeMap;

/// Values above this are refused; each takes some 40 bytes.
const MAX_VALUES: usize = 1 << 20;

/// Which value.
pub(crate) type Id = u32;

/// What a pickle can make here.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// Little endian, two's complement, more than 8 bytes.
    LargeInt(Box<[u8]>),
    Float,
    Text(Box<str>),
    Bytes,
    Tuple(Box<[Id]>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A class or function by name; naming it does nothing.
    Global(Box<str>),
    Storage(Box<rebuild::Storage>),
    Tensor(Box<rebuild::TensorInStorage>),
    /// An instance of a known harmless class, of which only the class is kept.
    Opaque(Box<str>),
}

impl Value {
    /// For messages.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a truth value",
            Self::Int(_) | Self::LargeInt(_) => "a whole number",
            Self::Float => "a number",
            Self::Text(_) => "a text",
            Self::Bytes => "bytes",
            Self::Tuple(_) => "a tuple",
            Self::List(_) => "a list",
            Self::Dict(_) => "a dictionary",
            Self::Storage(_) => "a storage",
            Self::Tensor(_) => "a tensor",
            Self::Global(name) => return format!("a reference to `{name}`"),
            Self::Opaque(class) => return format!("a `{class}`"),
        }
        .to_owned()
    }
}

/// Why a pickle is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It is cut, damaged or uses what PyTorch does not write.
    Malformed(String),
    /// It asks for this to be called.
    Call(String),
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self::Malformed(reason)
    }
}

/// All values of one pickle.
#[derive(Debug, Default)]
pub(crate) struct Values(Vec<Value>);

impl Values {
    pub(crate) fn get(&self, id: Id) -> &Value {
        // Only `add` makes ids.
        self.0.get(id as usize).unwrap_or(&Value::None)
    }

    /// Every storage that is spoken of, by its name in the file.
    pub(crate) fn storages(&self) -> BTreeMap<&str, &rebuild::Storage> {
        let mut storages = BTreeMap::new();
        for value in &self.0 {
            if let Value::Storage(storage) = value {
                storages.insert(storage.key.as_str(), storage.as_ref());
            }
        }
        storages
    }

    pub(crate) fn get_mut(&mut self, id: Id) -> Option<&mut Value> {
        self.0.get_mut(id as usize)
    }

    pub(crate) fn add(&mut self, value: Value) -> Result<Id, Refusal> {
        bound(self.0.len())?;
        self.0.push(value);
        Ok((self.0.len() - 1) as Id)
    }
}

/// Refuses to hold more than `MAX_VALUES` of anything.
pub(crate) fn bound(n: usize) -> Result<(), Refusal> {
    if n < MAX_VALUES { Ok(()) } else { Err(format!("it holds more than {MAX_VALUES} values").into()) }
}
