//! The mask generator: AES-256-CTR (NIST SP 800-38A, section 6.5) with a 128-bit big-endian counter from 0.

use aes::Aes256;
use ctr::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use tributary_protocol::secagg::suite::{Keystream, SecretKey};

/// Block cipher and counter: 128 bits, big-endian.
pub(super) type Generator = ctr::Ctr128BE<Aes256>;

/// A position in one mask's stream. The round keys are erased when it is dropped.
pub struct MaskStream(Generator);

impl MaskStream {
    /// The stream of a key, at byte 0. A key makes one mask only.
    #[must_use]
    pub(super) fn new(key: &SecretKey) -> Self {
        Self(Generator::new(key.expose().into(), &[0; 16].into()))
    }
}

impl Keystream for MaskStream {
    /// # Panics
    /// If the position is no multiple of 16: a caller that splits a block has lost count of its coordinates.
    fn seek(&mut self, position: u64) {
        assert_eq!(position % 16, 0, "a mask is addressed in whole blocks");
        self.0.seek(position);
    }

    /// Zeroes first, then adds the stream: callers keep `bytes` small enough for the first-level cache.
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
        self.0.apply_keystream(bytes);
    }
}
