//! The generator of noise bits: a ChaCha20 key stream (RFC 8439) with fast key erasure.

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use tributary_protocol::entropy::Entropy;
use zeroize::Zeroize;

/// Uniform random bits, 64 at a time.
pub(super) trait BitSource {
    fn next_u64(&mut self) -> u64;
}

const BUFFER_BYTES: usize = 4096;
const KEY_BYTES: usize = 32;

/// Noise bits under a key drawn from the caller's entropy, fresh for each share.
///
/// Every refill replaces the key with the first 32 bytes of its own stream, so that a later look at the memory cannot bring back earlier
/// noise, and no counter can run out. Erased when dropped. There is no way to seed it.
pub(super) struct NoiseGenerator {
    key: [u8; KEY_BYTES],
    buffer: Box<[u8; BUFFER_BYTES]>,
    position: usize,
}

impl NoiseGenerator {
    pub(super) fn new(entropy: &mut dyn Entropy) -> Self {
        Self { key: entropy.bytes32(), buffer: Box::new([0; BUFFER_BYTES]), position: BUFFER_BYTES }
    }

    #[cold]
    fn refill(&mut self) {
        self.buffer.fill(0);
        // The nonce may stay zero: a key makes one buffer only.
        let mut cipher = ChaCha20::new((&self.key).into(), &[0; 12].into());
        cipher.apply_keystream(self.buffer.as_mut_slice());
        let (next_key, _) = self.buffer.split_at_mut(KEY_BYTES);
        self.key.copy_from_slice(next_key);
        next_key.fill(0);
        self.position = KEY_BYTES;
    }
}

impl BitSource for NoiseGenerator {
    #[inline]
    fn next_u64(&mut self) -> u64 {
        loop {
            if let Some(bytes) = self.buffer.get(self.position..).and_then(|rest| rest.first_chunk()) {
                self.position += 8;
                return u64::from_le_bytes(*bytes);
            }
            self.refill();
        }
    }
}

impl Drop for NoiseGenerator {
    fn drop(&mut self) {
        self.key.zeroize();
        self.buffer.zeroize();
    }
}

/// Bits that a test wrote down. Panics when they run out.
#[cfg(test)]
pub(super) struct Scripted {
    words: Vec<u64>,
    next: usize,
}

#[cfg(test)]
impl Scripted {
    pub(super) fn new(words: &[u64]) -> Self {
        Self { words: words.to_vec(), next: 0 }
    }

    pub(super) fn left(&self) -> usize {
        self.words.len() - self.next
    }
}

#[cfg(test)]
impl BitSource for Scripted {
    fn next_u64(&mut self) -> u64 {
        let word = self.words[self.next];
        self.next += 1;
        word
    }
}

#[cfg(test)]
pub(crate) mod test_entropy {
    use super::Entropy;

    /// A key that counts up: reproducible noise, in tests alone.
    pub(crate) struct CountingEntropy(pub(crate) u8);

    impl Entropy for CountingEntropy {
        fn fill(&mut self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0;
                self.0 = self.0.wrapping_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::test_entropy::CountingEntropy;
    use super::*;

    #[test]
    fn the_stream_is_chacha20_and_each_buffer_keys_the_next() {
        let mut generator = NoiseGenerator::new(&mut CountingEntropy(0));
        let mut key = [0; KEY_BYTES];
        CountingEntropy(0).fill(&mut key);
        for _ in 0..3 {
            let mut stream = [0; BUFFER_BYTES];
            ChaCha20::new(&key.into(), &[0; 12].into()).apply_keystream(&mut stream);
            for chunk in stream[KEY_BYTES..].chunks(8) {
                assert_eq!(generator.next_u64().to_le_bytes(), chunk);
            }
            key.copy_from_slice(&stream[..KEY_BYTES]);
        }
        assert!(generator.buffer.starts_with(&[0; KEY_BYTES]), "the next key must not stay in the buffer");
    }

    #[test]
    fn the_block_function_is_the_one_of_rfc_8439() {
        // RFC 8439, A.1, test vector 1: zero key, zero nonce, block 0.
        let mut stream = [0; 8];
        ChaCha20::new(&[0; 32].into(), &[0; 12].into()).apply_keystream(&mut stream);
        assert_eq!(stream, [0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90]);
    }
}
