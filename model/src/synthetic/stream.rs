//! Seeded numbers for invented customers. Never for noise, keys or masks.

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit as _, StreamCipher as _};
use tributary_protocol::digest::Canonical;

/// A ChaCha20 key stream (RFC 8439) under the digest of a seed.
pub(super) struct Stream(ChaCha20);

impl Stream {
    /// Independent streams for different `purpose` or `index`.
    pub(super) fn new(seed: u64, purpose: &str, index: u64) -> Self {
        let key = Canonical::new("tributary synthetic data 1").u64(seed).bytes(purpose.as_bytes()).u64(index).finish();
        Self(ChaCha20::new(&(*key.as_bytes()).into(), &[0; 12].into()))
    }

    /// Uniform in [0, 1).
    pub(super) fn uniform(&mut self) -> f64 {
        let mut bytes = [0; 8];
        self.0.apply_keystream(&mut bytes);
        (u64::from_le_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller 1958).
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
