//! The sealed envelope: a member's pairwise seeds of one round under its key kappa (docs/PROTOCOL.md, "Who says what").
//!
//! When the member is lost, a threshold of holders opens kappa, and the envelope gives exactly that round's pairwise seeds: no key of the
//! pair itself, and nothing of any other round.

use alloc::vec::Vec;

use super::labels::envelope_key;
use super::suite::{SecretKey, Suite, SuiteError, erase};
use crate::ids::{ClientId, RoundId, SessionId};

/// Bytes of one seed.
const SEED_BYTES: usize = 32;

/// Seals the seeds, which stand in the order of the owner's neighbours, ascending.
#[must_use]
pub fn seal_envelope<S: Suite>(
    kappa: &SecretKey,
    (session, owner, round): (&SessionId, ClientId, RoundId),
    seeds: &[SecretKey],
) -> Vec<u8> {
    // Allocated once at its full size, so that filling it leaves no copy.
    let mut text = Vec::with_capacity(seeds.len() * SEED_BYTES + S::TAG_BYTES);
    seeds.iter().for_each(|seed| text.extend_from_slice(seed.expose()));
    S::seal(&envelope_key::<S>(kappa), &associated(session, owner, round), &mut text);
    text
}

/// Opens an envelope of `neighbours` seeds.
///
/// # Errors
/// [`SuiteError::Unauthentic`] if it is not what this owner sealed for this round; [`SuiteError::Malformed`] for another number of seeds.
pub fn open_envelope<S: Suite>(
    kappa: &SecretKey,
    (session, owner, round): (&SessionId, ClientId, RoundId),
    sealed: &[u8],
    neighbours: usize,
) -> Result<Vec<SecretKey>, SuiteError> {
    let mut plain = sealed.to_vec();
    S::open(&envelope_key::<S>(kappa), &associated(session, owner, round), &mut plain)?;
    let (chunks, rest) = plain.as_chunks::<SEED_BYTES>();
    let fits = chunks.len() == neighbours && rest.is_empty();
    let seeds = fits.then(|| chunks.iter().map(|chunk| SecretKey::new(*chunk)).collect());
    erase(&mut plain);
    seeds.ok_or(SuiteError::Malformed)
}

fn associated(session: &SessionId, owner: ClientId, round: RoundId) -> Vec<u8> {
    [b"SA1/ENV".as_slice(), &session.0, &owner.0.to_le_bytes(), &round.0.to_le_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secagg::toy::{Seeded, Toy};

    #[test]
    fn an_envelope_opens_for_its_owner_round_and_key_alone() {
        let mut entropy = Seeded::new(5);
        let (kappa, session) = (entropy.key(), SessionId([1; 32]));
        let seeds: Vec<SecretKey> = (0..3).map(|_| entropy.key()).collect();
        let (owner, round) = (ClientId(4), RoundId(9));
        let sealed = seal_envelope::<Toy>(&kappa, (&session, owner, round), &seeds);
        let opened = open_envelope::<Toy>(&kappa, (&session, owner, round), &sealed, 3).unwrap();
        assert!(opened.iter().zip(&seeds).all(|(a, b)| a.expose() == b.expose()));
        let other = SessionId([2; 32]);
        for (owner, round, session) in
            [(ClientId(5), round, &session), (owner, RoundId(10), &session), (owner, round, &other)]
        {
            let opened = open_envelope::<Toy>(&kappa, (session, owner, round), &sealed, 3);
            assert_eq!(opened.err(), Some(SuiteError::Unauthentic));
        }
        let opened = open_envelope::<Toy>(&entropy.key(), (&session, owner, round), &sealed, 3);
        assert_eq!(opened.err(), Some(SuiteError::Unauthentic));
        for neighbours in [2, 4] {
            let opened = open_envelope::<Toy>(&kappa, (&session, owner, round), &sealed, neighbours);
            assert_eq!(opened.err(), Some(SuiteError::Malformed));
        }
        // Its owner may seal what it likes: three seeds and a byte are not three seeds.
        let mut text: Vec<u8> = seeds.iter().flat_map(|seed| *seed.expose()).collect();
        text.push(0);
        Toy::seal(&envelope_key::<Toy>(&kappa), &associated(&session, owner, round), &mut text);
        let opened = open_envelope::<Toy>(&kappa, (&session, owner, round), &text, 3);
        assert_eq!(opened.err(), Some(SuiteError::Malformed));
    }
}
