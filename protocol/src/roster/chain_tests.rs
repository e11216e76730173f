use alloc::vec;

use proptest::prelude::*;

use super::super::{AuthoritySignature, Roster, RosterEntry};
use super::*;
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId};
use crate::secagg::toy::Toy;

const KEYS: [[u8; 32]; 3] = [[1; 32], [2; 32], [3; 32]];

fn chain(head: Option<RosterHead>) -> RosterChain {
    RosterChain::new(KEYS.iter().map(Toy::verifying_key).collect(), 2, head)
}

fn sign(roster: Roster, signers: &[u8]) -> SignedRoster {
    let signature = |authority: &u8| AuthoritySignature {
        authority: *authority,
        signature: Toy::sign(&KEYS[usize::from(*authority)], &roster.signing_input()),
    };
    let signatures = signers.iter().map(signature).collect();
    SignedRoster { roster, signatures }
}

/// The roster of `epoch` behind another; `variant` tells apart histories.
fn after(previous: Option<&SignedRoster>, variant: u32) -> SignedRoster {
    let entry = RosterEntry {
        client: ClientId(variant),
        organisation: OrganisationId(1),
        signing_key: VerifyingKey([7; 32]),
        tls_spki_sha256: Digest([8; 32]),
        not_after: 9,
    };
    let (epoch, digest) =
        previous.map_or((1, Digest::ZERO), |signed| (signed.roster.epoch() + 1, signed.roster.digest()));
    sign(Roster::new(epoch, digest, vec![entry]).unwrap(), &[0, 2])
}

fn history(variants: &[u32]) -> Vec<SignedRoster> {
    variants.iter().fold(vec![], |mut rosters, variant| {
        rosters.push(after(rosters.last(), *variant));
        rosters
    })
}

fn at(signed: &SignedRoster) -> RosterChain {
    chain(Some(signed.roster.head()))
}

fn judged(chain: &RosterChain, links: &[SignedRoster], offered: &SignedRoster) -> Result<Advance, RosterError> {
    chain.judge::<Toy>(links, offered).map(|successor| {
        assert_eq!(successor.head(), offered.roster.head());
        successor.advance()
    })
}

#[test]
fn a_client_goes_forward_link_by_link() {
    let all = history(&[1, 2, 3, 4]);
    assert_eq!(judged(&chain(None), &[], &all[2]), Ok(Advance::First));
    assert_eq!(judged(&at(&all[1]), &[], &all[1]), Ok(Advance::Same));
    assert_eq!(judged(&at(&all[1]), &[], &all[2]), Ok(Advance::By { rosters: 1 }));
    assert_eq!(judged(&at(&all[0]), &all[1..3], &all[3]), Ok(Advance::By { rosters: 3 }));
    // More links than needed: the whole history, known ones and the offered one included.
    assert_eq!(judged(&at(&all[1]), &all, &all[3]), Ok(Advance::By { rosters: 2 }));
    let mut own = at(&all[0]);
    let successor = own.judge::<Toy>(&[], &all[1]).unwrap();
    assert_eq!(own.head(), Some(all[0].roster.head()), "judging changes nothing");
    own.advance(&successor);
    assert_eq!(own.head(), Some(all[1].roster.head()));
    assert_eq!(judged(&own, &[], &all[0]), Err(RosterError::Rollback { epoch: 1, seen: 2 }));
}

#[test]
fn gaps_rollbacks_and_forks_are_told_apart() {
    let (all, other) = (history(&[1, 2, 3, 4, 5]), history(&[1, 2, 9, 4, 5]));
    let gap = |epoch, seen, missing| Err(RosterError::Gap { epoch, seen, missing });
    assert_eq!(judged(&at(&all[0]), &[], &all[3]), gap(4, 1, 2));
    assert_eq!(judged(&at(&all[0]), &all[1..2], &all[3]), gap(4, 2, 1));
    assert_eq!(judged(&at(&all[0]), &all[2..3], &all[3]), gap(3, 1, 1));
    assert_eq!(judged(&at(&all[3]), &[], &all[1]), Err(RosterError::Rollback { epoch: 2, seen: 4 }));
    let fork = |epoch| Err(RosterError::Fork { epoch });
    assert_eq!(judged(&at(&all[2]), &[], &other[2]), fork(3));
    assert_eq!(judged(&at(&all[2]), &[], &other[3]), fork(4));
    // The links lead from another history into the offered one.
    assert_eq!(judged(&at(&all[1]), &other[2..3], &all[3]), fork(4));
    assert_eq!(judged(&at(&all[1]), &all[2..3], &other[3]), fork(4));
    // Links out of order do not lead there.
    assert_eq!(judged(&at(&all[0]), &[all[2].clone(), all[1].clone()], &all[3]), gap(3, 1, 1));
    // A second roster of the last accepted epoch shows two histories, whatever comes behind it.
    assert_eq!(judged(&at(&all[2]), &other[2..3], &all[3]), fork(3));
}

#[test]
fn every_link_needs_its_quorum() {
    let all = history(&[1, 2, 3]);
    let weak = sign(all[1].roster.clone(), &[1]);
    let few = RosterError::TooFewSignatures { present: 1, needed: 2 };
    assert_eq!(judged(&at(&all[0]), core::slice::from_ref(&weak), &all[2]), Err(few));
    assert_eq!(judged(&at(&all[0]), &[], &weak), Err(few));
    assert_eq!(judged(&chain(None), &[], &weak), Err(few));
    let mut altered = all[1].clone();
    altered.signatures[1].signature.0[0] ^= 1;
    assert_eq!(judged(&at(&all[0]), &[altered], &all[2]), Err(RosterError::BadSignature { authority: 2 }));
    let many = vec![all[1].clone(); ROSTER_LINKS_MAX + 1];
    assert!(matches!(judged(&at(&all[0]), &many, &all[2]), Err(RosterError::TooMany { what: "links", .. })));
}

proptest! {
    /// Whatever is shown in whatever order: the head never goes back, never leaves the history that it is in, and only ever stands at a
    /// roster all of whose predecessors were shown.
    #[test]
    fn the_head_only_goes_forward_in_one_history(
        split in 1_usize..6,
        shows in prop::collection::vec((any::<bool>(), 0_usize..7, prop::collection::vec((any::<bool>(), 0_usize..7), 0..5)), 0..12),
    ) {
        let mut forked = [1; 7];
        forked[split..].fill(2);
        let histories = [history(&[1; 7]), history(&forked)];
        let pick = |(which, index): (bool, usize)| histories[usize::from(which)][index].clone();
        let mut own = at(&histories[0][0]);
        for (which, index, links) in shows {
            let (offered, links): (_, Vec<_>) = (pick((which, index)), links.into_iter().map(pick).collect());
            let before = own.head().unwrap();
            let Ok(successor) = own.judge::<Toy>(&links, &offered) else { continue };
            own.advance(&successor);
            let head = own.head().unwrap();
            prop_assert_eq!(head, offered.roster.head());
            prop_assert!(head.epoch >= before.epoch && (head.epoch > before.epoch || head == before));
            let of = |history: &&Vec<SignedRoster>| history.iter().any(|signed| signed.roster.head() == head)
                && history.iter().any(|signed| signed.roster.head() == before);
            prop_assert!(histories.iter().any(|history| of(&history)), "both heads are in one history");
            for epoch in before.epoch + 1..head.epoch {
                prop_assert!(links.iter().any(|link| link.roster.epoch() == epoch));
            }
        }
    }
}
