//! The mask generator: AES-256-CTR (NIST SP 800-38A, section 6.5) with a 128-bit big-endian counter from 0.
//!
//! The stream is the encryption of zeroes by aws-lc-rs, which erases what it frees. It cannot seek and wants whole blocks: a stream is begun
//! anew where it is sought, and a block that is not used up waits here.

use aws_lc_rs::cipher::{AES_256, EncryptionContext, StreamingEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use tributary_protocol::secagg::suite::{Keystream, SecretKey};
use zeroize::Zeroizing;

const BLOCK_BYTES: usize = 16;

/// What is encrypted at once; it stays in the first-level cache beside the piece that it becomes.
static ZEROES: [u8; 4_096] = [0; 4_096];

/// A position in one mask's stream. Everything that is secret in it is erased when it is dropped.
pub struct MaskStream {
    key: SecretKey,
    /// The block that the next one read from `cipher` is.
    counter: u64,
    /// Begun with the first bytes: a stream is often sought before it is read.
    cipher: Option<StreamingEncryptingKey>,
    /// A block of which the last `left` bytes come next.
    block: Zeroizing<[u8; BLOCK_BYTES]>,
    left: usize,
}

impl MaskStream {
    /// The stream of a key, at byte 0. A key makes one mask only.
    #[must_use]
    pub(super) fn new(key: &SecretKey) -> Self {
        Self { key: key.clone(), counter: 0, cipher: None, block: Zeroizing::default(), left: 0 }
    }

    /// Whole blocks.
    fn blocks(&mut self, bytes: &mut [u8]) {
        let (key, counter) = (&self.key, self.counter);
        let cipher = self.cipher.get_or_insert_with(|| begun(key, counter));
        for piece in bytes.chunks_mut(ZEROES.len()) {
            cipher.less_safe_update(&ZEROES[..piece.len()], piece).expect("whole blocks, far from a stream's end");
        }
        self.counter += (bytes.len() / BLOCK_BYTES) as u64;
    }

    /// The bytes that are left of a block.
    fn rest(&mut self, bytes: &mut [u8]) {
        let start = BLOCK_BYTES - self.left;
        bytes.copy_from_slice(&self.block[start..start + bytes.len()]);
        self.left -= bytes.len();
    }
}

impl Keystream for MaskStream {
    /// # Panics
    /// If the position is no multiple of 16: a caller that splits a block has lost count of its coordinates.
    fn seek(&mut self, position: u64) {
        assert_eq!(position % BLOCK_BYTES as u64, 0, "a mask is addressed in whole blocks");
        (self.counter, self.cipher, self.left) = (position / BLOCK_BYTES as u64, None, 0);
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        let (first, bytes) = bytes.split_at_mut(self.left.min(bytes.len()));
        self.rest(first);
        let (blocks, last) = bytes.split_at_mut(bytes.len() - bytes.len() % BLOCK_BYTES);
        if !blocks.is_empty() {
            self.blocks(blocks);
        }
        if !last.is_empty() {
            let mut block = Zeroizing::new([0; BLOCK_BYTES]);
            self.blocks(&mut *block);
            (self.block, self.left) = (block, BLOCK_BYTES);
            self.rest(last);
        }
    }
}

/// The stream from a block on.
fn begun(key: &SecretKey, counter: u64) -> StreamingEncryptingKey {
    let key = UnboundCipherKey::new(&AES_256, key.expose()).expect("32 bytes");
    let counter = FixedLength::from(u128::from(counter).to_be_bytes());
    StreamingEncryptingKey::less_safe_ctr(key, EncryptionContext::Iv128(counter)).expect("a counter of 16 bytes")
}
