//! A pickle machine that runs nothing: it moves values about and asks `rebuild` what the few calls that it knows give.
//!
//! What it holds is bounded everywhere: no pickle takes more memory than its own length times a constant.

use crate::rebuild;
use crate::value::{Id, Refusal, Value, Values, bound};
use std::collections::BTreeMap;

/// Pickles above this are refused: those of the largest checkpoints have a few MiB.
pub(crate) const MAX_PICKLE_BYTES: usize = 64 << 20;
/// Longer names are no class's: each use copies its name, so this keeps memory in proportion.
const MAX_NAME_BYTES: usize = 256;

/// What a pickle made.
#[derive(Debug)]
pub(crate) struct Unpickled {
    pub(crate) values: Values,
    pub(crate) root: Id,
    /// Bytes up to and with its stop.
    pub(crate) length: usize,
}

/// Runs the pickle at the beginning of `bytes`.
pub(crate) fn unpickle(bytes: &[u8]) -> Result<Unpickled, Refusal> {
    let mut machine = Machine {
        bytes,
        at: 0,
        values: Values::default(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: BTreeMap::new(),
        n_copied: 0,
    };
    loop {
        let at = machine.at;
        match machine.step() {
            Ok(None) => {}
            Ok(Some(root)) => return Ok(Unpickled { values: machine.values, root, length: machine.at }),
            Err(Refusal::Malformed(reason)) => {
                return Err(format!("its pickle is damaged or not PyTorch's: {reason} (byte {at})").into());
            }
            Err(call) => return Err(call),
        }
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Values,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: BTreeMap<u64, Id>,
    /// Entries of dictionaries that calls copied.
    n_copied: usize,
}

impl Machine<'_> {
    /// One instruction; the result when it is the last.
    fn step(&mut self) -> Result<Option<Id>, Refusal> {
        match self.u8()? {
            // Protocol and frame: nothing to do.
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'.' => return self.pop().map(Some),
            b'(' => {
                bound(self.marks.len())?;
                self.marks.push(self.stack.len());
            }
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_to_mark()?),
            b'2' => {
                let top = self.top()?;
                self.push_id(top)?;
            }
            b'N' => self.push(Value::None)?,
            0x88 => self.push(Value::Bool(true))?,
            0x89 => self.push(Value::Bool(false))?,
            b'J' => {
                let number = i32::from_le_bytes(self.array()?);
                self.push(Value::Int(number.into()))?;
            }
            b'K' => {
                let number = self.u8()?;
                self.push(Value::Int(number.into()))?;
            }
            b'M' => {
                let number = u16::from_le_bytes(self.array()?);
                self.push(Value::Int(number.into()))?;
            }
            b'I' | b'L' => self.number_in_text()?,
            0x8a => {
                let length = self.u8()?.into();
                self.long(length)?;
            }
            0x8b => {
                let length = self.length4()?;
                self.long(length)?;
            }
            b'G' => {
                self.take(8)?;
                self.push(Value::Float)?;
            }
            b'F' => {
                self.line()?;
                self.push(Value::Float)?;
            }
            // `T` and `U` are texts of Python 2.
            b'X' | b'T' => {
                let length = self.length4()?;
                self.text(length)?;
            }
            0x8c | b'U' => {
                let length = self.u8()?.into();
                self.text(length)?;
            }
            0x8d => {
                let length = self.length8()?;
                self.text(length)?;
            }
            b'S' => {
                let line = self.line()?;
                let quoted = line.trim_matches(['\'', '"']).into();
                self.push(Value::Text(quoted))?;
            }
            b'V' => {
                let line = self.line()?.into();
                self.push(Value::Text(line))?;
            }
            b'C' => {
                let length = self.u8()?.into();
                self.skip_bytes(length)?;
            }
            b'B' => {
                let length = self.length4()?;
                self.skip_bytes(length)?;
            }
            0x8e | 0x96 => {
                let length = self.length8()?;
                self.skip_bytes(length)?;
            }
            b')' => self.push(Value::Tuple([].into()))?,
            code @ 0x85..=0x87 => {
                let items = self.pop_n(usize::from(code - 0x84))?;
                self.push(Value::Tuple(items.into()))?;
            }
            b't' | 0x91 => {
                let items = self.pop_to_mark()?;
                self.push(Value::Tuple(items.into()))?;
            }
            b']' | 0x8f => self.push(Value::List(Vec::new()))?,
            b'l' => {
                let items = self.pop_to_mark()?;
                self.push(Value::List(items))?;
            }
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.pop_to_mark()?;
                self.append(items)?;
            }
            b'}' => self.push(Value::Dict(Vec::new()))?,
            b'd' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Dict(pairs(&items)?))?;
            }
            b's' => {
                let items = self.pop_n(2)?;
                self.set_items(&items)?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set_items(&items)?;
            }
            b'q' => {
                let slot = self.u8()?.into();
                self.memorise(slot)?;
            }
            b'r' => {
                let slot = u32::from_le_bytes(self.array()?).into();
                self.memorise(slot)?;
            }
            0x94 => {
                let slot = self.memo.len() as u64;
                self.memorise(slot)?;
            }
            b'p' => {
                let slot = self.slot_in_text()?;
                self.memorise(slot)?;
            }
            b'h' => {
                let slot = self.u8()?.into();
                self.recall(slot)?;
            }
            b'j' => {
                let slot = u32::from_le_bytes(self.array()?).into();
                self.recall(slot)?;
            }
            b'g' => {
                let slot = self.slot_in_text()?;
                self.recall(slot)?;
            }
            b'c' => {
                let global = self.global_in_lines()?;
                self.push(global)?;
            }
            0x93 => {
                let names = self.pop_n(2)?;
                let [Value::Text(module), Value::Text(name)] =
                    [names[0], names[1]].map(|id| self.values.get(id))
                else {
                    return Err("a class is not named by texts".to_owned().into());
                };
                let global = global(module, name)?;
                self.push(global)?;
            }
            b'R' | 0x81 => {
                let call = self.pop_n(2)?;
                self.call(call[0], call[1])?;
            }
            0x92 => {
                // Keyword arguments: of no interest for what is kept.
                let call = self.pop_n(3)?;
                self.call(call[0], call[1])?;
            }
            b'o' => {
                let items = self.pop_to_mark()?;
                let (class, arguments) = items.split_first().ok_or_else(|| "a call of nothing".to_owned())?;
                let arguments = self.values.add(Value::Tuple(arguments.into()))?;
                self.call(*class, arguments)?;
            }
            b'i' => {
                let class = self.global_in_lines()?;
                let class = self.values.add(class)?;
                let arguments = Value::Tuple(self.pop_to_mark()?.into());
                let arguments = self.values.add(arguments)?;
                self.call(class, arguments)?;
            }
            b'b' => {
                self.pop()?;
                // Attributes change no tensor and no dictionary of tensors.
                let object = self.top()?;
                match self.values.get(object) {
                    Value::Dict(_) | Value::Tensor(_) | Value::Opaque(_) => {}
                    other => return Err(format!("attributes for {}", other.kind()).into()),
                }
            }
            b'Q' => {
                let id = self.pop()?;
                let storage = rebuild::storage(&self.values, id)?;
                self.push(Value::Storage(Box::new(storage)))?;
            }
            code => return Err(format!("instruction {code:#04x} is not used by PyTorch").into()),
        }
        Ok(None)
    }

    fn call(&mut self, callable: Id, arguments: Id) -> Result<(), Refusal> {
        let value = rebuild::call(&self.values, callable, arguments)?;
        if let Value::Dict(pairs) = &value {
            self.n_copied += pairs.len();
            bound(self.n_copied)?;
        }
        self.push(value)
    }

    fn push(&mut self, value: Value) -> Result<(), Refusal> {
        let id = self.values.add(value)?;
        self.push_id(id)
    }

    fn push_id(&mut self, id: Id) -> Result<(), Refusal> {
        bound(self.stack.len())?;
        self.stack.push(id);
        Ok(())
    }

    /// The height below which the current group may not reach.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Id, Refusal> {
        if self.stack.len() <= self.floor() {
            return Err("it takes from an empty stack".to_owned().into());
        }
        self.stack.pop().ok_or_else(|| "it takes from an empty stack".to_owned().into())
    }

    fn top(&self) -> Result<Id, Refusal> {
        let top = self.stack.last().filter(|_| self.stack.len() > self.floor());
        top.copied().ok_or_else(|| "it looks at an empty stack".to_owned().into())
    }

    fn pop_n(&mut self, n: usize) -> Result<Vec<Id>, Refusal> {
        let start = self.stack.len().checked_sub(n).filter(|&start| start >= self.floor());
        let start = start.ok_or_else(|| "it takes from an empty stack".to_owned())?;
        Ok(self.stack.split_off(start))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, Refusal> {
        let mark = self.marks.pop().ok_or_else(|| "it takes up to a mark that is not there".to_owned())?;
        Ok(self.stack.split_off(mark))
    }

    fn append(&mut self, items: Vec<Id>) -> Result<(), Refusal> {
        let top = self.top()?;
        match self.values.get_mut(top) {
            Some(Value::List(list)) => list.extend(items),
            Some(Value::Opaque(_)) => {}
            _ => return Err("it appends to what is no list".to_owned().into()),
        }
        Ok(())
    }

    fn set_items(&mut self, items: &[Id]) -> Result<(), Refusal> {
        let pairs = pairs(items)?;
        let top = self.top()?;
        match self.values.get_mut(top) {
            Some(Value::Dict(dict)) => dict.extend(pairs),
            Some(Value::Opaque(_)) => {}
            _ => return Err("it sets items of what is no dictionary".to_owned().into()),
        }
        Ok(())
    }

    fn memorise(&mut self, slot: u64) -> Result<(), Refusal> {
        let top = self.top()?;
        bound(self.memo.len())?;
        self.memo.insert(slot, top);
        Ok(())
    }

    fn recall(&mut self, slot: u64) -> Result<(), Refusal> {
        let id = *self.memo.get(&slot).ok_or_else(|| format!("it recalls {slot}, which it never stored"))?;
        self.push_id(id)
    }

    fn take(&mut self, n: usize) -> Result<&[u8], Refusal> {
        let end = self.at.checked_add(n).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| {
            format!("it ends where {n} more bytes should be ({} are left)", self.bytes.len() - self.at)
        })?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u8(&mut self) -> Result<u8, Refusal> {
        Ok(self.array::<1>()?[0])
    }

    fn length4(&mut self) -> Result<usize, Refusal> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn length8(&mut self) -> Result<usize, Refusal> {
        let length = u64::from_le_bytes(self.array()?);
        usize::try_from(length).map_err(|_| format!("it claims {length} bytes").into())
    }

    fn line(&mut self) -> Result<&str, Refusal> {
        let rest = &self.bytes[self.at..];
        let length =
            rest.iter().position(|&byte| byte == b'\n').ok_or_else(|| "a line has no end".to_owned())?;
        self.at += length + 1;
        let line = std::str::from_utf8(&rest[..length]).map_err(|_| "a line is not UTF-8".to_owned())?;
        Ok(line.trim_end_matches('\r'))
    }

    fn text(&mut self, length: usize) -> Result<(), Refusal> {
        let text = String::from_utf8_lossy(self.take(length)?).into();
        self.push(Value::Text(text))
    }

    fn skip_bytes(&mut self, length: usize) -> Result<(), Refusal> {
        self.take(length)?;
        self.push(Value::Bytes)
    }

    /// Little endian, two's complement.
    fn long(&mut self, length: usize) -> Result<(), Refusal> {
        let bytes = self.take(length)?;
        let value = if length <= 8 {
            let fill = if bytes.last().is_some_and(|&last| last >= 0x80) { 0xff } else { 0 };
            let mut whole = [fill; 8];
            whole[..length].copy_from_slice(bytes);
            Value::Int(i64::from_le_bytes(whole))
        } else {
            Value::LargeInt(bytes.into())
        };
        self.push(value)
    }

    fn number_in_text(&mut self) -> Result<(), Refusal> {
        let line = self.line()?;
        let value = match line {
            "00" => Value::Bool(false),
            "01" => Value::Bool(true),
            _ => {
                let digits = line.trim_end_matches('L');
                Value::Int(digits.parse().map_err(|_| "a whole number is none".to_owned())?)
            }
        };
        self.push(value)
    }

    fn global_in_lines(&mut self) -> Result<Value, Refusal> {
        let module = self.line()?.to_owned();
        global(&module, self.line()?)
    }

    fn slot_in_text(&mut self) -> Result<u64, Refusal> {
        self.line()?.parse().map_err(|_| "a place in the memo is no number".to_owned().into())
    }
}

fn global(module: &str, name: &str) -> Result<Value, Refusal> {
    if module.len() + name.len() > MAX_NAME_BYTES {
        return Err(format!("the name of a class has {} bytes", module.len() + name.len()).into());
    }
    Ok(Value::Global(format!("{module}.{name}").into()))
}

fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>, Refusal> {
    let (pairs, rest) = items.as_chunks::<2>();
    if rest.is_empty() {
        return Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect());
    }
    Err("a key of a dictionary has no value".to_owned().into())
}
