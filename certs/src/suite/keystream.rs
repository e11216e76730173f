//! The mask generator: AES-256-CTR (NIST SP 800-38A, section 6.5) with a 128-bit big-endian counter from 0.
//!
//! Counters are written where the stream is wanted and encrypted there, as many at once as the processor's instructions take. A stream
//! cipher from a library adds its stream to what lies there, which wants zeroes first and another pass: a quarter more time.

use aes::Aes256Enc;
use cipher::common::{BlockSizeUser, ParBlocks};
use cipher::{Array, Block, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, KeyInit};
use tributary_protocol::secagg::suite::{Keystream, SecretKey};
use zeroize::Zeroize;

const BLOCK_BYTES: usize = 16;

/// A position in one mask's stream. The round keys are erased when it is dropped.
pub struct MaskStream {
    cipher: Aes256Enc,
    /// In bytes.
    position: u64,
}

impl MaskStream {
    /// The stream of a key, at byte 0. A key makes one mask only.
    #[must_use]
    pub(super) fn new(key: &SecretKey) -> Self {
        Self { cipher: Aes256Enc::new(key.expose().into()), position: 0 }
    }

    /// The stream's blocks from a counter on.
    fn blocks(&self, counter: u64, blocks: &mut [[u8; BLOCK_BYTES]]) {
        self.cipher.encrypt_with_backend(Counting { next: counter, blocks: Array::cast_slice_from_core_mut(blocks) });
    }

    fn counter(&self) -> u64 {
        self.position / BLOCK_BYTES as u64
    }

    /// How many bytes of a block are behind the position.
    fn begun(&self) -> usize {
        usize::from(self.position.to_le_bytes()[0]) % BLOCK_BYTES
    }

    /// Bytes inside one block.
    fn part(&mut self, bytes: &mut [u8]) {
        let mut block = [[0; BLOCK_BYTES]];
        self.blocks(self.counter(), &mut block);
        bytes.copy_from_slice(&block.as_flattened()[self.begun()..][..bytes.len()]);
        block.zeroize();
        self.position += bytes.len() as u64;
    }
}

impl Keystream for MaskStream {
    /// # Panics
    /// If the position is no multiple of 16: a caller that splits a block has lost count of its coordinates.
    fn seek(&mut self, position: u64) {
        assert_eq!(position % BLOCK_BYTES as u64, 0, "a mask is addressed in whole blocks");
        self.position = position;
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        let left = (BLOCK_BYTES - self.begun()) % BLOCK_BYTES;
        let (first, bytes) = bytes.split_at_mut(left.min(bytes.len()));
        let (blocks, last) = bytes.as_chunks_mut();
        if !first.is_empty() {
            self.part(first);
        }
        if !blocks.is_empty() {
            self.blocks(self.counter(), blocks);
            self.position += blocks.as_flattened().len() as u64;
        }
        if !last.is_empty() {
            self.part(last);
        }
    }
}

/// Inlined into code that was compiled for the instructions found, as the library has it.
struct Counting<'a> {
    /// Positions have 64 bits: with a counter of 128, whose halves would be put together in memory, all takes two fifths longer.
    next: u64,
    blocks: &'a mut [Block<Aes256Enc>],
}

impl BlockSizeUser for Counting<'_> {
    type BlockSize = <Aes256Enc as BlockSizeUser>::BlockSize;
}

impl Counting<'_> {
    #[inline(always)]
    fn block(&mut self) -> Block<Aes256Enc> {
        let block = u128::from(self.next);
        self.next += 1;
        block.to_be_bytes().into()
    }
}

impl BlockCipherEncClosure for Counting<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = Self::BlockSize>>(mut self, backend: &B) {
        let (groups, rest) = ParBlocks::<B>::slice_as_chunks_mut(core::mem::take(&mut self.blocks));
        for group in groups {
            group.iter_mut().for_each(|block| *block = self.block());
            backend.encrypt_par_blocks_inplace(group);
        }
        for block in rest {
            *block = self.block();
            backend.encrypt_block_inplace(block);
        }
    }
}
