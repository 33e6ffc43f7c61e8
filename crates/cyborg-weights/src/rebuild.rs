//! The calls that a pickle of tensors makes, and what each gives here. Whatever is not in these lists is refused.

use crate::element::ElementType;
use crate::value::{Id, Refusal, Value, Values};

/// Tensors of more dimensions are no network's.
const MAX_RANK: usize = 8;

/// Longer names are no storage's: each use copies its name, so this keeps memory in proportion.
const MAX_KEY_BYTES: usize = 256;

/// Classes whose instances checkpoints carry beside tensors: their names are kept and nothing else.
const HARMLESS: &[&str] = &[
    "argparse.Namespace",
    "types.SimpleNamespace",
    "collections.Counter",
    "collections.deque",
    "datetime.date",
    "datetime.datetime",
    "datetime.timedelta",
    "pathlib.Path",
    "pathlib.PosixPath",
    "pathlib.PurePosixPath",
    "pathlib.PureWindowsPath",
    "pathlib.WindowsPath",
    "pathlib._local.PosixPath",
    "pathlib._local.WindowsPath",
    "_codecs.encode",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    "numpy.ndarray",
    "torch.device",
    "torch.Size",
    "builtins.bytearray",
    "builtins.complex",
    "builtins.frozenset",
    "builtins.list",
    "builtins.range",
    "builtins.set",
    "builtins.slice",
    "builtins.tuple",
    "__builtin__.frozenset",
    "__builtin__.set",
];

/// A run of elements in the file that tensors are views of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Storage {
    /// As the file calls it.
    pub(crate) key: String,
    /// Such as `FloatStorage`.
    pub(crate) class: String,
    /// None where each tensor says it (`UntypedStorage`), or where this reader has no such type.
    pub(crate) element: Option<ElementType>,
    /// Elements; bytes where untyped.
    pub(crate) n_elements: u64,
}

/// A view of a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TensorInStorage {
    pub(crate) storage: Storage,
    /// Of the tensor; None where this reader has no such type.
    pub(crate) element: Option<ElementType>,
    /// In elements.
    pub(crate) offset: u64,
    pub(crate) dims: Vec<usize>,
    /// In elements, one a dimension.
    pub(crate) strides: Vec<usize>,
}

/// What `callable(*arguments)` gives.
pub(crate) fn call(values: &Values, callable: Id, arguments: Id) -> Result<Value, Refusal> {
    let Value::Global(name) = values.get(callable) else {
        return Err(format!("it calls {}", values.get(callable).kind()).into());
    };
    match name.as_ref() {
        "collections.OrderedDict" | "collections.defaultdict" | "builtins.dict" | "__builtin__.dict" => {
            ordered_dict(values, items(values, arguments)?)
        }
        "torch._tensor._rebuild_from_type_v2" => {
            // (function, type, arguments, attributes)
            let &[function, class, inner, _] = items(values, arguments)? else { return Err(arity(name)) };
            match values.get(class) {
                Value::Global(class) if is_tensor_class(class) => {}
                Value::Global(class) => return Err(Refusal::Call(class.to_string())),
                other => return Err(format!("a tensor's class is {}", other.kind()).into()),
            }
            match values.get(function) {
                Value::Global(function) => tensor(values, function, items(values, inner)?),
                other => Err(format!("it calls {}", other.kind()).into()),
            }
        }
        "copyreg._reconstructor" | "copy_reg._reconstructor" => {
            // (class, base, state)
            match items(values, arguments)?.first().map(|class| values.get(*class)) {
                Some(Value::Global(class)) if HARMLESS.contains(&class.as_ref()) => {
                    Ok(Value::Opaque(class.clone()))
                }
                Some(Value::Global(class)) => Err(Refusal::Call(class.to_string())),
                _ => Err(arity(name)),
            }
        }
        harmless if HARMLESS.contains(&harmless) => Ok(Value::Opaque(name.clone())),
        _ => tensor(values, name, items(values, arguments)?),
    }
}

/// An `OrderedDict(pairs)`, `OrderedDict()`; a `defaultdict`'s factory is of no interest.
fn ordered_dict(values: &Values, arguments: &[Id]) -> Result<Value, Refusal> {
    let Some(Value::List(listed)) = arguments.first().map(|id| values.get(*id)) else {
        return Ok(Value::Dict(Vec::new()));
    };
    let pair = |id: &Id| match values.get(*id) {
        Value::Tuple(pair) if pair.len() == 2 => Ok((pair[0], pair[1])),
        Value::List(pair) if pair.len() == 2 => Ok((pair[0], pair[1])),
        _ => Err(Refusal::from("a dictionary is made of what are no pairs".to_owned())),
    };
    Ok(Value::Dict(listed.iter().map(pair).collect::<Result<_, _>>()?))
}

fn is_tensor_class(class: &str) -> bool {
    matches!(class, "torch.Tensor" | "torch._tensor.Tensor" | "torch.nn.parameter.Parameter")
}

/// What one of PyTorch's functions that rebuild tensors gives.
fn tensor(values: &Values, function: &str, arguments: &[Id]) -> Result<Value, Refusal> {
    match function {
        // (storage, offset, size, stride, ...)
        "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2" => {
            let &[storage, offset, size, stride, ..] = arguments else { return Err(arity(function)) };
            view(values, [storage, offset, size, stride], None)
        }
        // (storage, offset, size, stride, requires_grad, hooks, dtype, ...)
        "torch._utils._rebuild_tensor_v3" => {
            let &[storage, offset, size, stride, _, _, dtype, ..] = arguments else {
                return Err(arity(function));
            };
            let Value::Global(dtype) = values.get(dtype) else {
                return Err("a tensor's type is not named".to_owned().into());
            };
            view(values, [storage, offset, size, stride], Some(dtype))
        }
        // (tensor, requires_grad, hooks, ...)
        "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state" => {
            match arguments.first().map(|id| values.get(*id)) {
                Some(Value::Tensor(tensor)) => Ok(Value::Tensor(tensor.clone())),
                _ => Err(arity(function)),
            }
        }
        other => Err(Refusal::Call(other.to_owned())),
    }
}

fn view(
    values: &Values,
    [storage, offset, size, stride]: [Id; 4],
    dtype: Option<&str>,
) -> Result<Value, Refusal> {
    let Value::Storage(storage) = values.get(storage) else {
        return Err(format!("a tensor's storage is {}", values.get(storage).kind()).into());
    };
    let offset = whole(values, offset)?;
    let (dims, strides) = (wholes(values, size)?, wholes(values, stride)?);
    if dims.len() != strides.len() {
        return Err(format!("a tensor has {} sides and {} strides", dims.len(), strides.len()).into());
    }
    let element = match dtype {
        None => storage.element,
        Some("torch.float64") => Some(ElementType::F64),
        Some("torch.float32") => Some(ElementType::F32),
        Some("torch.float16") => Some(ElementType::F16),
        Some("torch.bfloat16") => Some(ElementType::BF16),
        Some("torch.int64") => Some(ElementType::I64),
        Some("torch.int32") => Some(ElementType::I32),
        Some("torch.uint32") => Some(ElementType::U32),
        Some("torch.int16") => Some(ElementType::I16),
        Some("torch.int8") => Some(ElementType::I8),
        Some("torch.uint8") => Some(ElementType::U8),
        Some("torch.bool") => Some(ElementType::Bool),
        Some(_) => None,
    };
    let storage = Storage::clone(storage);
    Ok(Value::Tensor(Box::new(TensorInStorage { storage, element, offset, dims, strides })))
}

/// A persistent id: `("storage", class, key, location, elements)`, before PyTorch 1.6 with a view behind.
pub(crate) fn storage(values: &Values, id: Id) -> Result<Storage, Refusal> {
    let &[kind, class, key, _, n_elements, ref rest @ ..] = items(values, id)? else {
        return Err("a storage is not described by five entries".to_owned().into());
    };
    match values.get(kind) {
        Value::Text(kind) if kind.as_ref() == "storage" => {}
        Value::Text(kind) if kind.as_ref() == "module" => {
            return Err(
                "it is a whole pickled model with its source, not a state dict; save `model.state_dict()`"
                    .to_owned()
                    .into(),
            );
        }
        other => return Err(format!("a storage is announced by {}", other.kind()).into()),
    }
    let Value::Global(class) = values.get(class) else {
        return Err("a storage's class is not named".to_owned().into());
    };
    let class = class.strip_prefix("torch.").ok_or_else(|| Refusal::Call(class.to_string()))?;
    if !rest.iter().all(|view| matches!(values.get(*view), Value::None)) {
        return Err("a storage is a view of another, as before PyTorch 0.4; save it again with a later one"
            .to_owned()
            .into());
    }
    let Value::Text(key) = values.get(key) else {
        return Err("a storage has no name".to_owned().into());
    };
    if key.len() > MAX_KEY_BYTES {
        return Err(format!("the name of a storage has {} bytes", key.len()).into());
    }
    let element = match class {
        "DoubleStorage" => Some(ElementType::F64),
        "FloatStorage" => Some(ElementType::F32),
        "HalfStorage" => Some(ElementType::F16),
        "BFloat16Storage" => Some(ElementType::BF16),
        "LongStorage" => Some(ElementType::I64),
        "IntStorage" => Some(ElementType::I32),
        "ShortStorage" => Some(ElementType::I16),
        "CharStorage" => Some(ElementType::I8),
        "ByteStorage" => Some(ElementType::U8),
        "BoolStorage" => Some(ElementType::Bool),
        _ => None,
    };
    let n_elements = whole(values, n_elements)?;
    Ok(Storage { key: key.to_string(), class: class.to_owned(), element, n_elements })
}

fn arity(function: &str) -> Refusal {
    format!("`{function}` is called with other arguments than PyTorch gives it").into()
}

fn items(values: &Values, id: Id) -> Result<&[Id], Refusal> {
    match values.get(id) {
        Value::Tuple(items) => Ok(items),
        other => Err(format!("arguments are {}", other.kind()).into()),
    }
}

fn whole(values: &Values, id: Id) -> Result<u64, Refusal> {
    match values.get(id) {
        Value::Int(number) if *number >= 0 => Ok(number.cast_unsigned()),
        Value::Int(number) => Err(format!("a size or offset is {number}").into()),
        other => Err(format!("a size or offset is {}", other.kind()).into()),
    }
}

fn wholes(values: &Values, id: Id) -> Result<Vec<usize>, Refusal> {
    let items = match values.get(id) {
        Value::Tuple(items) => items.as_ref(),
        Value::List(items) => items.as_slice(),
        other => return Err(format!("sizes are {}", other.kind()).into()),
    };
    if items.len() > MAX_RANK {
        return Err(format!("a tensor has {} dimensions, at most {MAX_RANK} are read", items.len()).into());
    }
    items.iter().map(|id| Ok(whole(values, *id)? as usize)).collect()
}
