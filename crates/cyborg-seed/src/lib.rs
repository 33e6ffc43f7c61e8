#![doc = include_str!("../README.md")]

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The root of all randomness of a run (or of a phantom data set).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed {
    key: [u8; 32],
}

impl Seed {
    /// The seed that a user writes as a number.
    pub fn new(seed: u64) -> Self {
        Self { key: blake3::derive_key("cyborg-seed 2026 root", &seed.to_le_bytes()) }
    }

    /// A seed for a part of the work, independent of its siblings and of the parent's own streams.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self { key: *blake3::keyed_hash(&self.key, format!("child/{name}").as_bytes()).as_bytes() }
    }

    /// The random stream of that name. The same seed and name always give the same numbers, whatever else was
    /// drawn before: that is what makes a resumed run equal an uninterrupted one.
    pub fn stream(&self, name: &str) -> Stream {
        let key = blake3::keyed_hash(&self.key, format!("stream/{name}").as_bytes());
        Stream { generator: ChaCha8Rng::from_seed(*key.as_bytes()), spare_normal: None }
    }
}

/// A sequence of random numbers; see [`Seed::stream`].
#[derive(Clone, Debug)]
pub struct Stream {
    generator: ChaCha8Rng,
    spare_normal: Option<f64>,
}

impl Stream {
    /// 64 uniform bits.
    pub fn next_u64(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// Uniform in `[0, 1)`, 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in `[low, high)`.
    pub fn uniform_in(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// True with probability `p` (never for `p <= 0`, always for `p >= 1`).
    pub fn bernoulli(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// Standard normal, by Marsaglia's polar method.
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare_normal.take() {
            return spare;
        }
        loop {
            let u = 2.0 * self.uniform() - 1.0;
            let v = 2.0 * self.uniform() - 1.0;
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                let factor = (-2.0 * s.ln() / s).sqrt();
                self.spare_normal = Some(v * factor);
                return u * factor;
            }
        }
    }

    /// Uniform in `0..n`, without bias (Lemire's rejection).
    ///
    /// # Panics
    /// If `n` is 0: there is nothing to choose from.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "cannot draw from an empty range");
        let n = n as u64;
        let threshold = n.wrapping_neg() % n;
        loop {
            let wide = u128::from(self.next_u64()) * u128::from(n);
            if (wide as u64) >= threshold {
                return (wide >> 64) as usize;
            }
        }
    }

    /// One element, each equally likely.
    ///
    /// # Panics
    /// If `items` is empty.
    pub fn choose<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// Every order equally likely (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i + 1);
            items.swap(i, j);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_seed_and_name_only() {
        let mut first = Seed::new(7).stream("init");
        let mut other_draws = Seed::new(7).stream("shuffle");
        other_draws.next_u64();
        let mut again = Seed::new(7).stream("init");
        assert_eq!(first.next_u64(), again.next_u64());
        assert_ne!(Seed::new(7).stream("init").next_u64(), Seed::new(8).stream("init").next_u64());
        assert_ne!(Seed::new(7).stream("a").next_u64(), Seed::new(7).stream("b").next_u64());
        assert_ne!(Seed::new(7).child("a").stream("x").next_u64(), Seed::new(7).stream("a/x").next_u64());
    }

    #[test]
    fn uniform_and_normal_have_the_moments_they_should() {
        let mut stream = Seed::new(0).stream("moments");
        let n = 200_000;
        let (mut mean, mut square, mut normal_mean, mut normal_square) = (0.0, 0.0, 0.0, 0.0);
        for _ in 0..n {
            let u = stream.uniform();
            assert!((0.0..1.0).contains(&u));
            mean += u / n as f64;
            square += u * u / n as f64;
            let z = stream.normal();
            normal_mean += z / n as f64;
            normal_square += z * z / n as f64;
        }
        // Standard errors at n = 200,000: 0.00065, 0.00067, 0.0022, 0.0032; the bounds are five of them.
        assert!((mean - 0.5).abs() < 0.0033, "{mean}");
        assert!((square - 1.0 / 3.0).abs() < 0.0034, "{square}");
        assert!(normal_mean.abs() < 0.011, "{normal_mean}");
        assert!((normal_square - 1.0).abs() < 0.016, "{normal_square}");
    }

    #[test]
    fn below_is_uniform_and_shuffle_permutes() {
        let mut stream = Seed::new(1).stream("below");
        let mut counts = [0usize; 7];
        for _ in 0..70_000 {
            counts[stream.below(7)] += 1;
        }
        // Each count is binomial(70000, 1/7): standard deviation 92.6; five of them.
        assert!(counts.iter().all(|&c| c.abs_diff(10_000) < 463), "{counts:?}");
        let mut items: Vec<usize> = (0..100).collect();
        stream.shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
