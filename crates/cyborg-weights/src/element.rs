//! Types of elements: as files store them and as they come into memory.

use candle_core::{DType, Device, Tensor};

/// How a file stores the elements of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ElementType {
    /// 64-bit float.
    F64,
    /// 32-bit float.
    F32,
    /// 16-bit float (IEEE 754).
    F16,
    /// 16-bit float with the exponent of a 32-bit one.
    BF16,
    /// Signed 64 bits.
    I64,
    /// Signed 32 bits.
    I32,
    /// Signed 16 bits.
    I16,
    /// Signed 8 bits.
    I8,
    /// Unsigned 32 bits.
    U32,
    /// Unsigned 8 bits.
    U8,
    /// One byte, 0 or 1.
    Bool,
}

impl ElementType {
    /// Every type there is.
    pub const ALL: &'static [Self] = &[
        Self::F64,
        Self::F32,
        Self::F16,
        Self::BF16,
        Self::I64,
        Self::I32,
        Self::I16,
        Self::I8,
        Self::U32,
        Self::U8,
        Self::Bool,
    ];

    /// As safetensors calls it: `F32`, `BF16`, `BOOL`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::I64 => "I64",
            Self::I32 => "I32",
            Self::I16 => "I16",
            Self::I8 => "I8",
            Self::U32 => "U32",
            Self::U8 => "U8",
            Self::Bool => "BOOL",
        }
    }

    /// The type of that name, large or small letters.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|element| element.name().eq_ignore_ascii_case(name))
    }

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F16 | Self::BF16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// Whether it holds fractions.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::BF16)
    }

    /// The type of a tensor in memory.
    pub(crate) fn of(tensor: &Tensor) -> Option<Self> {
        Some(match tensor.dtype() {
            DType::F64 => Self::F64,
            DType::F32 => Self::F32,
            DType::F16 => Self::F16,
            DType::BF16 => Self::BF16,
            DType::I64 => Self::I64,
            DType::I32 => Self::I32,
            DType::I16 => Self::I16,
            DType::U32 => Self::U32,
            DType::U8 => Self::U8,
            // 8 bits and fewer.
            _ => return None,
        })
    }

    /// A tensor of little-endian `bytes`, as many as `shape` needs: floats become f32, `I8` becomes i16 and `BOOL` u8
    /// (candle has neither), the other integers stay what they are.
    pub(crate) fn tensor(self, bytes: &[u8], shape: &[usize]) -> Result<Tensor, candle_core::Error> {
        let cpu = &Device::Cpu;
        match self {
            Self::F64 | Self::F16 | Self::BF16 => {
                Tensor::from_raw_buffer(bytes, self.in_candle(), shape, cpu)?.to_dtype(DType::F32)
            }
            Self::I8 => {
                let wide: Vec<i16> = bytes.iter().map(|&byte| i16::from(byte.cast_signed())).collect();
                Tensor::from_vec(wide, shape, cpu)
            }
            Self::F32 | Self::I64 | Self::I32 | Self::I16 | Self::U32 | Self::U8 | Self::Bool => {
                Tensor::from_raw_buffer(bytes, self.in_candle(), shape, cpu)
            }
        }
    }

    fn in_candle(self) -> DType {
        match self {
            Self::F64 => DType::F64,
            Self::F32 => DType::F32,
            Self::F16 => DType::F16,
            Self::BF16 => DType::BF16,
            Self::I64 => DType::I64,
            Self::I32 => DType::I32,
            Self::I16 | Self::I8 => DType::I16,
            Self::U32 => DType::U32,
            Self::U8 | Self::Bool => DType::U8,
        }
    }
}

impl std::fmt::Display for ElementType {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for element in ElementType::ALL {
            assert_eq!(ElementType::from_name(element.name()), Some(*element));
            assert_eq!(ElementType::from_name(&element.name().to_lowercase()), Some(*element));
        }
        assert_eq!(ElementType::from_name("F8_E4M3"), None);
    }

    #[test]
    fn floats_become_f32_and_integers_stay() {
        let values = |element: ElementType, bytes: &[u8]| -> Vec<f32> {
            let tensor = element.tensor(bytes, &[bytes.len() / element.size()]).expect("whole");
            tensor.to_dtype(DType::F32).expect("floats").to_vec1().expect("flat")
        };
        // 1.5 = 1.1b: sign 0, biased exponent of 2^0, fraction 0.5 in each layout.
        assert_eq!(values(ElementType::F64, &1.5f64.to_le_bytes()), [1.5]);
        assert_eq!(values(ElementType::F32, &1.5f32.to_le_bytes()), [1.5]);
        assert_eq!(values(ElementType::F16, &[0x00, 0x3e]), [1.5]);
        assert_eq!(values(ElementType::BF16, &[0xc0, 0x3f]), [1.5]);
        assert_eq!(values(ElementType::I8, &[0x80, 0x7f, 0xff]), [-128.0, 127.0, -1.0]);
        assert_eq!(values(ElementType::Bool, &[0, 1]), [0.0, 1.0]);
        let large = ElementType::I64.tensor(&i64::MAX.to_le_bytes(), &[]).expect("a scalar");
        assert_eq!(large.to_scalar::<i64>().expect("kept"), i64::MAX);
    }
}
