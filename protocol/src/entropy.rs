//! Randomness as an argument.

/// A source of cryptographically strong random bytes. Shells implement it over the operating system; seeded ones exist in tests alone.
pub trait Entropy {
    /// Fills `bytes` entirely. A shell whose operating system cannot deliver must end the process rather than return.
    fn fill(&mut self, bytes: &mut [u8]);

    /// 32 fresh bytes.
    fn bytes32(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        bytes
    }
}
