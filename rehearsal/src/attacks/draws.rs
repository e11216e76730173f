//! What an attacker draws.

use tributary_protocol::entropy::Entropy;

/// Where an attack draws from, by the number of the draw: in earnest the operating system, whatever the number.
pub type Source<'a> = &'a (dyn Fn(u64) -> Box<dyn Entropy> + Sync);

/// A whole number below `end`, each as likely; 0 where there is none.
pub(super) fn below(end: usize, entropy: &mut dyn Entropy) -> usize {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    let end = u64::try_from(end).unwrap_or(u64::MAX);
    // The bias of 64 bits is beyond what any attack counts.
    usize::try_from(u64::from_le_bytes(bytes).checked_rem(end).unwrap_or(0)).unwrap_or(0)
}

/// A fair coin.
pub(super) fn coin(entropy: &mut dyn Entropy) -> bool {
    let mut byte = [0];
    entropy.fill(&mut byte);
    byte[0] & 1 == 1
}
