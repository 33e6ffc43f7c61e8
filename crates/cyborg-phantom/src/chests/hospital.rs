//! Hospitals and their machines.

/// How a hospital takes radiographs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hospital {
    pub(crate) name: &'static str,
    /// Pictures are taken in bed: less breath, more turn, a lower contrast.
    pub(crate) portable: bool,
    pub(crate) contrast: f32,
    pub(crate) brightness: f32,
    /// Standard deviation of the blur, in 64ths of the image's side: smallest and largest.
    pub(crate) blur: (f64, f64),
    /// Standard deviation of the noise (white is 1): smallest and largest.
    pub(crate) noise: (f64, f64),
}

/// The two sources of normal radiographs.
pub(crate) const HOSPITALS: [Hospital; 2] = [
    Hospital {
        name: "hospital-a",
        portable: false,
        contrast: 1.1,
        brightness: 0.0,
        blur: (0.2, 0.4),
        noise: (0.008, 0.016),
    },
    Hospital {
        name: "hospital-b",
        portable: true,
        contrast: 0.9,
        brightness: 0.04,
        blur: (0.35, 0.6),
        noise: (0.014, 0.026),
    },
];
