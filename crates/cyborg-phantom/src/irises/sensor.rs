//! Near-infrared iris sensors.

/// How a sensor sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sensor {
    pub(crate) name: &'static str,
    /// Number of lamps, each of which leaves a reflection in the pupil.
    pub(crate) lamps: usize,
    pub(crate) gain: f32,
    pub(crate) contrast: f32,
    /// Standard deviation of the defocus, in 64ths of the image's side: smallest and largest.
    pub(crate) blur: (f64, f64),
    /// Standard deviation of the noise (white is 1): smallest and largest.
    pub(crate) noise: (f64, f64),
}

/// The two sources of bona fide images.
pub(crate) const SENSORS: [Sensor; 2] = [
    Sensor {
        name: "sensor-a",
        lamps: 1,
        gain: 1.04,
        contrast: 1.0,
        blur: (0.25, 0.5),
        noise: (0.006, 0.014),
    },
    Sensor { name: "sensor-b", lamps: 2, gain: 0.94, contrast: 1.1, blur: (0.4, 0.7), noise: (0.012, 0.025) },
];
