//! MATLAB's MAT-files of versions 5 to 7: numbers, texts, cells and structures.
//!
//! Written for this crate because the crates for it read numeric matrices only, and the public gaze sets are structures.
//! Not read: version 7.3 (HDF5), version 4, sparse matrices, objects, function handles; imaginary parts are dropped.
//!
//! Source: MathWorks, "MAT-File Format" (version 5).

use std::cell::Cell;
use std::io::Read as _;
use std::rc::Rc;
use std::sync::Arc;

use super::npy::Array;
use super::rle::MAX_PIXELS;

/// What all compressed variables of a file together may unpack to.
const MAX_UNPACKED: u64 = 1 << 30;

/// What all values of a file together may take up once they are read: a byte of the file may become eight, and an empty cell
/// of eight bytes a value.
const MAX_VALUE_BYTES: usize = 1 << 30;

/// Cells and structures nested deeper than this are refused.
const MAX_DEPTH: usize = 32;

/// The variables of a file, in its order.
#[derive(Debug)]
pub(super) struct MatFile {
    pub(super) variables: Vec<(String, Value)>,
}

/// A MATLAB value; elements down the columns, as MATLAB stores them.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Numbers {
        dims: Vec<usize>,
        values: Vec<f64>,
    },
    Text(String),
    Cells(Vec<Value>),
    /// For each element of a structure array its fields' values, in the order of `fields`.
    Structs {
        fields: Arc<[String]>,
        elements: Vec<Vec<Value>>,
    },
    /// A kind that is not read, by its class number.
    Other(u8),
}

pub(super) fn is_mat(bytes: &[u8]) -> bool {
    bytes.starts_with(b"MATLAB")
}

/// # Errors
/// What is wrong, without the place.
pub(super) fn read(bytes: &[u8]) -> Result<MatFile, String> {
    if bytes.starts_with(b"MATLAB 7.3") {
        return Err("it is a MATLAB 7.3 file (HDF5), which is not read: in MATLAB, `save(name, '-v7')` writes one that is".into());
    }
    let header = bytes.get(..128).filter(|_| is_mat(bytes)).ok_or("it is no MATLAB 5 file, or cut short")?;
    let big_endian = match &header[126..128] {
        b"IM" => false,
        b"MI" => true,
        _ => return Err("it is no MATLAB 5 file: bytes 127 and 128 must be `IM` or `MI`".into()),
    };
    let mut reader =
        Reader { rest: &bytes[128..], big_endian, bytes_left: Rc::new(Cell::new(MAX_VALUE_BYTES)) };
    let mut variables = Vec::new();
    let mut unpacked_total = 0;
    while reader.rest.len() >= 8 {
        let (kind, data) = reader.element(false)?;
        match kind {
            14 => variables.extend(reader.inside(data).matrix(0)?),
            15 => {
                let mut unpacked = Vec::new();
                let limit = MAX_UNPACKED - unpacked_total;
                let mut inflate = flate2::read::ZlibDecoder::new(data).take(limit + 1);
                inflate
                    .read_to_end(&mut unpacked)
                    .map_err(|error| format!("a compressed variable is damaged: {error}"))?;
                unpacked_total += unpacked.len() as u64;
                if unpacked_total > MAX_UNPACKED {
                    return Err(format!("its variables unpack to more than {MAX_UNPACKED} bytes"));
                }
                let mut inner = reader.inside(&unpacked);
                let (kind, data) = inner.element(false)?;
                if kind == 14 {
                    variables.extend(reader.inside(data).matrix(0)?);
                }
            }
            _ => {}
        }
    }
    Ok(MatFile { variables })
}

impl MatFile {
    /// A variable by name.
    ///
    /// # Errors
    /// A list of those that there are.
    pub(super) fn variable(&self, name: &str) -> Result<&Value, String> {
        let found = self.variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value).ok_or_else(|| {
            let names: Vec<String> = self.variables.iter().map(|(name, _)| format!("`{name}`")).collect();
            format!("it has no variable `{name}`: it has {}", names.join(", "))
        })
    }

    /// A matrix as a map.
    ///
    /// # Errors
    /// If there is none, or more than one and no name.
    pub(super) fn map(&self, name: Option<&str>) -> Result<Array, String> {
        let value = match name {
            Some(name) => self.variable(name)?,
            None => match &self.variables[..] {
                [(_, value)] => value,
                _ => return Err(format!("it has {} variables: say which is the map", self.variables.len())),
            },
        };
        let Value::Numbers { dims, values } = value else {
            return Err("the variable is no matrix of numbers: say which one is the map".into());
        };
        let [height, width] = dims[..] else {
            return Err(format!("the matrix has {} axes: a map has two", dims.len()));
        };
        if values.is_empty() || values.len() as u64 > MAX_PIXELS {
            return Err(format!(
                "the matrix is {height}x{width}: it must have from 1 to {MAX_PIXELS} values"
            ));
        }
        let values = (0..values.len()).map(|at| values[(at % width) * height + at / width]).collect();
        Ok(Array { width, height, values })
    }
}

impl Value {
    /// A value below nested fields, `fixations.enc`; cells and structures on the way have one element.
    ///
    /// # Errors
    /// What is missing.
    pub(super) fn below(&self, fields: &str) -> Result<&Value, String> {
        let mut value = self;
        for name in fields.split('.').filter(|name| !name.is_empty()) {
            value = value.single();
            let Value::Structs { fields: known, elements } = value else {
                return Err(format!("there is no structure with the field `{name}`"));
            };
            let [element] = &elements[..] else {
                return Err(format!(
                    "a structure with the field `{name}` has {} elements: it must have one",
                    elements.len()
                ));
            };
            let at = known
                .iter()
                .position(|known| known == name)
                .ok_or_else(|| format!("a structure has no field `{name}`: it has {}", known.join(", ")))?;
            value = &element[at];
        }
        Ok(value.single())
    }

    /// What is in a cell that is alone.
    pub(super) fn single(&self) -> &Value {
        let mut value = self;
        while let Value::Cells(cells) = value
            && let [only] = &cells[..]
        {
            value = only;
        }
        value
    }

    /// The elements of a cell or structure array, each as a value of its own.
    ///
    /// # Errors
    /// If it is neither.
    pub(super) fn elements(self) -> Result<Vec<Value>, String> {
        match self {
            Value::Cells(cells) => Ok(cells),
            Value::Structs { fields, elements } => {
                let alone = |element| Value::Structs { fields: Arc::clone(&fields), elements: vec![element] };
                Ok(elements.into_iter().map(alone).collect())
            }
            _ => Err("it is neither a cell nor a structure array".into()),
        }
    }

    /// # Errors
    /// If it is no text.
    pub(super) fn text(&self) -> Result<&str, String> {
        match self.single() {
            Value::Text(text) => Ok(text),
            _ => Err("it is no text".into()),
        }
    }

    /// # Errors
    /// If it holds anything but numbers.
    pub(super) fn numbers(&self) -> Result<(&[usize], &[f64]), String> {
        match self.single() {
            Value::Numbers { dims, values } => Ok((dims, values)),
            _ => Err("it is no matrix of numbers".into()),
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    big_endian: bool,
    /// Of [`MAX_VALUE_BYTES`]; all readers of a file share it.
    bytes_left: Rc<Cell<usize>>,
}

impl<'a> Reader<'a> {
    fn inside<'b>(&self, data: &'b [u8]) -> Reader<'b> {
        Reader { rest: data, big_endian: self.big_endian, bytes_left: Rc::clone(&self.bytes_left) }
    }

    /// Before `n` values of a size are made.
    fn claim(&self, n: usize, bytes_each: usize) -> Result<(), String> {
        let left = n.checked_mul(bytes_each).and_then(|bytes| self.bytes_left.get().checked_sub(bytes));
        let left = left.ok_or_else(|| {
            format!("its values would take up more than {MAX_VALUE_BYTES} bytes of memory: save fewer variables a file")
        })?;
        self.bytes_left.set(left);
        Ok(())
    }

    /// The next element's type and data; `padded` to 8 bytes, as inside of matrices.
    fn element(&mut self, padded: bool) -> Result<(u32, &'a [u8]), String> {
        let cut = "the file ends within an element";
        let tag = self.rest.get(..8).ok_or(cut)?;
        let (kind, length) = (self.u32(&tag[..4]), self.u32(&tag[4..]));
        if kind >> 16 != 0 {
            // A small element: type and length share four bytes, its data are the other four.
            let (kind, length) = (kind & 0xffff, (kind >> 16) as usize);
            let data = tag.get(4..4 + length).ok_or("a small element is longer than 4 bytes")?;
            self.rest = &self.rest[8..];
            return Ok((kind, data));
        }
        let end = 8usize.checked_add(length as usize).ok_or(cut)?;
        let data = self.rest.get(8..end).ok_or(cut)?;
        let end = if padded { end.next_multiple_of(8).min(self.rest.len()) } else { end };
        self.rest = &self.rest[end..];
        Ok((kind, data))
    }

    fn u32(&self, bytes: &[u8]) -> u32 {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    /// Name and value of a matrix, whose data this reader holds; `None` for an empty element.
    fn matrix(mut self, depth: usize) -> Result<Option<(String, Value)>, String> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        if depth > MAX_DEPTH {
            return Err(format!("cells and structures are nested deeper than {MAX_DEPTH}"));
        }
        let (_, flags) = self.element(true)?;
        let class = self.u32(flags.get(..4).ok_or("a matrix has no flags")?) as u8;
        let dims = self.numbers()?;
        let dims: Vec<usize> = dims.iter().map(|&side| side.max(0.0) as usize).collect();
        let n =
            dims.iter().try_fold(1usize, |n, &side| n.checked_mul(side)).ok_or("a matrix is too large")?;
        let name = self.bytes()?;
        let value = match class {
            1 => Value::Cells(self.children(n, depth)?),
            2 => {
                let length =
                    *self.numbers()?.first().ok_or("a structure states no length of names")? as usize;
                let names = self.bytes()?;
                if length == 0 && !names.is_empty() {
                    return Err("a structure states names of length 0".into());
                }
                let fields: Arc<[String]> = names.chunks(length.max(1)).map(until_zero).collect();
                let values =
                    self.children(n.checked_mul(fields.len()).ok_or("a structure is too large")?, depth)?;
                let elements = if fields.is_empty() {
                    Vec::new()
                } else {
                    values.chunks(fields.len()).map(<[Value]>::to_vec).collect()
                };
                Value::Structs { fields, elements }
            }
            4 => Value::Text(self.text()?),
            6..=15 => {
                let values = if n == 0 { Vec::new() } else { self.numbers()? };
                if values.len() != n {
                    return Err(format!("a matrix of {n} elements holds {} numbers", values.len()));
                }
                Value::Numbers { dims, values }
            }
            other => Value::Other(other),
        };
        Ok(Some((until_zero(name), value)))
    }

    fn children(&mut self, n: usize, depth: usize) -> Result<Vec<Value>, String> {
        if n > self.rest.len() / 8 {
            return Err(format!("a cell or structure array of {n} elements is larger than the file"));
        }
        // Structures hold their elements' values once more while they are taken apart.
        self.claim(n, 2 * size_of::<Value>())?;
        let mut children = Vec::with_capacity(n);
        for _ in 0..n {
            let (_, data) = self.element(true)?;
            let child = self.inside(data).matrix(depth + 1)?;
            let empty = Value::Numbers { dims: vec![0, 0], values: Vec::new() };
            children.push(child.map_or(empty, |(_, value)| value));
        }
        Ok(children)
    }

    fn bytes(&mut self) -> Result<&'a [u8], String> {
        Ok(self.element(true)?.1)
    }

    /// An element of any numeric type.
    fn numbers(&mut self) -> Result<Vec<f64>, String> {
        let (kind, data) = self.element(true)?;
        let big_endian = self.big_endian;
        self.claim(data.len(), size_of::<f64>())?;
        fn each<const N: usize>(data: &[u8], big_endian: bool, convert: fn([u8; N]) -> f64) -> Vec<f64> {
            let little = |mut number: [u8; N]| {
                if big_endian {
                    number.reverse();
                }
                convert(number)
            };
            data.as_chunks::<N>().0.iter().map(|&number| little(number)).collect()
        }
        Ok(match kind {
            1 => each(data, big_endian, |[b]| f64::from(b as i8)),
            2 => each(data, big_endian, |[b]| f64::from(b)),
            3 => each(data, big_endian, |b| f64::from(i16::from_le_bytes(b))),
            4 => each(data, big_endian, |b| f64::from(u16::from_le_bytes(b))),
            5 => each(data, big_endian, |b| f64::from(i32::from_le_bytes(b))),
            6 => each(data, big_endian, |b| f64::from(u32::from_le_bytes(b))),
            7 => each(data, big_endian, |b| f64::from(f32::from_le_bytes(b))),
            9 => each(data, big_endian, f64::from_le_bytes),
            12 => each(data, big_endian, |b| i64::from_le_bytes(b) as f64),
            13 => each(data, big_endian, |b| u64::from_le_bytes(b) as f64),
            other => return Err(format!("numbers are of the unknown type {other}")),
        })
    }

    fn text(&mut self) -> Result<String, String> {
        let (kind, data) = self.element(true)?;
        Ok(match kind {
            // MATLAB stores 16-bit characters, in whatever type fits them.
            3 | 4 | 17 => {
                let unit = |&[a, b]: &[u8; 2]| {
                    if self.big_endian { u16::from_be_bytes([a, b]) } else { u16::from_le_bytes([a, b]) }
                };
                String::from_utf16_lossy(&data.as_chunks::<2>().0.iter().map(unit).collect::<Vec<u16>>())
            }
            1 | 2 | 16 => String::from_utf8_lossy(data).into_owned(),
            other => return Err(format!("text is of the unknown type {other}")),
        })
    }
}

fn until_zero(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
