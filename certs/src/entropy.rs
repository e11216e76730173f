//! Randomness from the operating system.

use tributary_protocol::entropy::Entropy;

/// The operating system's generator (`getrandom`). It has no state of its own, so that a restored snapshot repeats nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// Ends the process if the operating system cannot deliver: no key, mask or noise may be made from anything weaker.
    fn fill(&mut self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            eprintln!(
                "the operating system gave no random bytes ({error}). Keys, masks and noise cannot be made safely, so this process \
                 ends now. Check that /dev/urandom or the getrandom system call is allowed in this service's sandbox, then restart it."
            );
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_differ_and_fill_the_whole_buffer() {
        let mut long = [0_u8; 4_096];
        OsEntropy.fill(&mut long);
        assert!(long.chunks_exact(64).all(|chunk| chunk.iter().any(|byte| *byte != 0)));
        assert_ne!(OsEntropy.bytes32(), OsEntropy.bytes32());
    }
}
