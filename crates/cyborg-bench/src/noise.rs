//! Numbers that look random and are the same here and in the Python scripts.

/// `n` numbers in `[-1, 1)`, multiples of 2^-23 and so exact in f32: the mixer of splitmix64 (Steele et al. 2014), keyed
/// by FNV-1a of the name. `noise` in `benches/protocol.py` gives the same.
pub(crate) fn noise(name: &str, n: usize) -> Vec<f32> {
    let key = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |key, byte| {
        (key ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    let value = |index: u64| {
        let z = key.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let z = z ^ (z >> 31);
        ((z >> 40) as f64 / f64::from(1 << 23) - 1.0) as f32
    };
    (0..n as u64).map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_splitmix64() {
        // From `noise("x", 3)` in `benches/protocol.py`, and from Python's whole numbers.
        assert_eq!(noise("x", 3), PYTHON);
        assert!(noise("y", 1000).iter().all(|value| (-1.0..1.0).contains(value)));
    }

    const PYTHON: [f32; 3] = [-0.652_582_9, -0.597_583_53, 0.617_053_5];
}
