//! What is refused of a roster's signatures, and of a verifier's own settings.

use alloc::vec;

use super::*;
use crate::limits::ROSTER_AUTHORITIES_MAX;
use crate::secagg::suite::Suite as _;
use crate::secagg::toy::Toy;

const AUTHORITIES: u8 = 4;

fn key(authority: u8) -> [u8; 32] {
    [authority + 1; 32]
}

fn authorities(count: u8) -> Vec<VerifyingKey> {
    (0..count).map(|authority| Toy::verifying_key(&key(authority))).collect()
}

fn signed(signers: &[u8]) -> SignedRoster {
    let roster = Roster::new(1, Digest::ZERO, vec![], vec![]).expect("an empty roster");
    let sign = |authority: &u8| AuthoritySignature {
        authority: *authority,
        signature: Toy::sign(&key(*authority), &roster.signing_input()),
    };
    let signatures = signers.iter().map(sign).collect();
    SignedRoster { roster, signatures }
}

fn verdict(signed: &SignedRoster, needed: usize) -> Result<(), RosterError> {
    signed.verify::<Toy>(&authorities(AUTHORITIES), needed)
}

#[test]
fn signatures_with_one_thing_wrong_are_refused() {
    assert_eq!(verdict(&signed(&[0, 2, 3]), 3), Ok(()));
    assert_eq!(verdict(&signed(&[0, 2]), 3), Err(RosterError::TooFewSignatures { present: 2, needed: 3 }));
    assert_eq!(verdict(&signed(&[0, 2, 2]), 3), Err(RosterError::SignatureOrder { authority: 2 }));
    assert_eq!(verdict(&signed(&[2, 0, 3]), 3), Err(RosterError::SignatureOrder { authority: 0 }));
    assert_eq!(verdict(&signed(&[0, 2, 4]), 3), Err(RosterError::UnknownAuthority { authority: 4 }));
    // One that is not needed is looked at all the same.
    let mut forged = signed(&[0, 2, 3]);
    forged.signatures[2].signature.0[0] ^= 1;
    assert_eq!(verdict(&forged, 2), Err(RosterError::BadSignature { authority: 3 }));
    let mut altered = signed(&[0, 2, 3]);
    altered.roster = Roster::new(2, Digest([1; 32]), vec![], vec![]).expect("another roster");
    assert_eq!(verdict(&altered, 3), Err(RosterError::BadSignature { authority: 0 }));
    let most = ROSTER_AUTHORITIES_MAX + 1;
    let mut many = signed(&[0]);
    many.signatures = vec![many.signatures[0].clone(); most];
    let refused = RosterError::TooMany { what: "signatures", count: most, limit: ROSTER_AUTHORITIES_MAX };
    assert_eq!(verdict(&many, 1), Err(refused));
}

/// Settings under which a roster could be signed by nobody, by one authority twice, or by nobody who is there.
#[test]
fn a_verifier_that_asks_for_the_impossible_refuses() {
    let signed = signed(&[0, 1]);
    let with = |authorities: &[VerifyingKey], needed| signed.verify::<Toy>(authorities, needed);
    let two = authorities(2);
    assert_eq!(with(&two, 2), Ok(()));
    assert_eq!(with(&two, 0), Err(RosterError::Authorities { needed: 0, authorities: 2 }));
    assert_eq!(with(&two, 3), Err(RosterError::Authorities { needed: 3, authorities: 2 }));
    assert_eq!(with(&[], 0), Err(RosterError::Authorities { needed: 0, authorities: 0 }));
    let twice = [two[0], two[1], two[0]];
    assert_eq!(with(&twice, 2), Err(RosterError::Authorities { needed: 2, authorities: 2 }));
    let most = u8::try_from(ROSTER_AUTHORITIES_MAX).expect("sixteen");
    assert_eq!(with(&authorities(most), 2), Ok(()));
    let many = authorities(most + 1);
    assert_eq!(with(&many, 2), Err(RosterError::Authorities { needed: 2, authorities: many.len() }));
}

#[test]
fn a_roster_has_so_many_entries_at_most() {
    let entry = |number: usize| {
        let number = u32::try_from(number).expect("few");
        let label = Digest::of(&number.to_le_bytes());
        RosterEntry {
            client: ClientId(number),
            name: MemberName::new("bank", &alloc::format!("branch-{number}")).expect("a name"),
            organisation: OrganisationId(1),
            signing_key: VerifyingKey(label.0),
            tls_spki_sha256: label,
            not_after: 0,
        }
    };
    let entries: Vec<RosterEntry> = (0..=ROSTER_ENTRIES_MAX).map(entry).collect();
    assert!(Roster::new(1, Digest::ZERO, entries[1..].to_vec(), vec![]).is_ok());
    let refused = RosterError::TooMany { what: "entries", count: entries.len(), limit: ROSTER_ENTRIES_MAX };
    assert_eq!(Roster::new(1, Digest::ZERO, entries, vec![]), Err(refused));
}
