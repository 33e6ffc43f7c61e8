//! NumPy's file format for arrays: `numpy.load` reads it.

/// A `.npy` file (version 1.0) of little-endian f32, rows first.
///
/// `values` holds as many numbers as `shape` says.
pub(crate) fn npy_bytes(shape: &[usize], values: &[f32]) -> Vec<u8> {
    let sides: Vec<String> = shape.iter().map(ToString::to_string).collect();
    // As Python writes a tuple: one side has a comma behind it.
    let comma = if shape.len() == 1 { "," } else { "" };
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{comma}), }}", sides.join(", "));
    // Magic word, version and length take ten bytes; with the header and its line end they fill blocks of 64.
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header.push_str(&" ".repeat(padded - 1 - header.len()));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::npy_bytes;

    #[test]
    fn the_bytes_are_numpys() {
        // numpy 2.3: `numpy.save(f, numpy.array([[1, 2, 3]], '<f4'))`, and of shape (2,).
        let bytes = npy_bytes(&[1, 3], &[1.0, 2.0, 3.0]);
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }";
        let expected = format!("{header}{}\n", " ".repeat(118 - header.len() - 1));
        assert_eq!(&bytes[..10], b"\x93NUMPY\x01\x00\x76\x00");
        assert_eq!(&bytes[10..128], expected.as_bytes());
        assert_eq!(&bytes[128..], [0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64]);
        let flat = npy_bytes(&[2], &[0.0; 2]);
        assert_eq!(flat.len(), 128 + 8);
        assert!(String::from_utf8_lossy(&flat[10..128]).contains("'shape': (2,), }"));
    }
}
