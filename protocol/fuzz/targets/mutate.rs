//! Mutations of valid encodings, from a seed.

use tributary_protocol::entropy::Entropy;
use tributary_protocol::secagg::toy::Seeded;

/// Numbers that lengths, counts and tags are wrong with.
const NUMBERS: [u64; 12] =
    [0, 1, 2, 0x7f, 0x100, 0xffff, 0x1_0000, 1 << 20, 1 << 31, u32::MAX as u64, 1 << 62, u64::MAX];

/// A source of mutations.
pub(crate) struct Mutator(Seeded);

impl Mutator {
    /// The mutations of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(Seeded::new(seed))
    }

    /// A number below `bound`, at least 1.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % bound.max(1) as u64).expect("below a usize")
    }

    /// `bytes` changed one to three times; `other` is another encoding, for splices.
    pub(crate) fn mutate(&mut self, bytes: &[u8], other: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        for _ in 0..=self.below(3) {
            self.once(&mut changed, other);
        }
        changed
    }

    fn once(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(bytes.len());
        match self.below(9) {
            0 => self.overwrite(bytes, at, 1, |byte, drawn| *byte ^= 1 << (drawn % 8)),
            1 => self.overwrite(bytes, at, 4, |byte, drawn| *byte = drawn),
            2 => bytes.truncate(at),
            3 => {
                let (count, value) = (self.below(40), if self.below(2) == 0 { 0 } else { 0xff });
                bytes.resize(bytes.len() + count, value);
            }
            // A length, wherever it is: lengths are eight bytes, tags four.
            4 => self.number(bytes, at, 8),
            5 => self.number(bytes, at / 4 * 4, 4),
            6 => {
                let from = self.below(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from.min(other.len())..]);
            }
            7 => {
                let end = (at + 1 + self.below(16)).min(bytes.len());
                bytes.drain(at.min(end)..end);
            }
            _ => {
                let end = (at + 1 + self.below(64)).min(bytes.len());
                let piece = bytes[at.min(end)..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }

    fn overwrite(&mut self, bytes: &mut [u8], at: usize, most: usize, change: impl Fn(&mut u8, u8)) {
        let count = 1 + self.below(most);
        let mut drawn = vec![0; count];
        self.0.fill(&mut drawn);
        bytes.iter_mut().skip(at).zip(drawn).for_each(|(byte, drawn)| change(byte, drawn));
    }

    /// Writes a number of `width` bytes: an edge, or what stands there, one more or less.
    fn number(&mut self, bytes: &mut [u8], at: usize, width: usize) {
        let Some(place) = bytes.get_mut(at..at + width) else { return };
        let mut found = [0; 8];
        found[..width].copy_from_slice(place);
        let found = u64::from_le_bytes(found);
        let number = match self.below(NUMBERS.len() + 2) {
            0 => found.wrapping_add(1),
            1 => found.wrapping_sub(1),
            edge => NUMBERS[edge - 2],
        };
        place.copy_from_slice(&number.to_le_bytes()[..width]);
    }
}
