//! What is refused of a roster's signatures, and of a verifier's own settings.

use alloc::vec;

use super::*;
use crate::algorithm::SignatureAlgorithm;
use crate::digest::frozen;
use crate::limits::{ROSTER_AUTHORITIES_MAX, VERIFYING_KEY_BYTES_MAX};
use crate::role::Role;
use crate::secagg::suite::{Suite as _, VerifyingKey};
use crate::secagg::toy::Toy;

const AUTHORITIES: u8 = 4;

fn key(authority: u8) -> [u8; 32] {
    [authority + 1; 32]
}

fn authorities(count: u8) -> Vec<VerifyingKey> {
    (0..count).map(|authority| Toy::verifying_key(&key(authority))).collect()
}

fn signed(signers: &[u8]) -> SignedRoster {
    let roster = Roster::new(1, Digest::ZERO, vec![], vec![], Vec::new()).expect("an empty roster");
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
    forged.signatures[2].signature.bytes[0] ^= 1;
    assert_eq!(verdict(&forged, 2), Err(RosterError::BadSignature { authority: 3 }));
    let mut altered = signed(&[0, 2, 3]);
    altered.roster = Roster::new(2, Digest([1; 32]), vec![], vec![], Vec::new()).expect("another roster");
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
    let twice = [0, 1, 0].map(|index: usize| two[index].clone());
    assert_eq!(with(&twice, 2), Err(RosterError::Authorities { needed: 2, authorities: 2 }));
    let most = u8::try_from(ROSTER_AUTHORITIES_MAX).expect("sixteen");
    assert_eq!(with(&authorities(most), 2), Ok(()));
    let many = authorities(most + 1);
    assert_eq!(with(&many, 2), Err(RosterError::Authorities { needed: 2, authorities: many.len() }));
}

/// Whoever else signs, or how many must, it is another federation; so are the same keys in other places.
#[test]
fn a_federation_is_named_by_its_authorities_and_their_threshold() {
    let keys = authorities(3);
    let backwards: Vec<VerifyingKey> = keys.iter().rev().cloned().collect();
    let digests = [(&keys[..], 2), (&keys, 1), (&keys[..2], 2), (&keys[1..], 2), (&backwards, 2), (&[], 2)];
    assert_eq!(frozen(digests.map(|(keys, needed)| federation_digest(keys, needed))), "c7039cd2");
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
            signing_key: VerifyingKey::ed25519(label.0),
            tls_spki_sha256: label,
            not_after: 0,
        }
    };
    let entries: Vec<RosterEntry> = (0..=ROSTER_ENTRIES_MAX).map(entry).collect();
    assert!(Roster::new(1, Digest::ZERO, entries[1..].to_vec(), vec![], Vec::new()).is_ok());
    let refused = RosterError::TooMany { what: "entries", count: entries.len(), limit: ROSTER_ENTRIES_MAX };
    assert_eq!(Roster::new(1, Digest::ZERO, entries, vec![], Vec::new()), Err(refused));
}

/// By such a key no message could be judged, and each would look like a forgery.
#[test]
fn a_key_of_an_unknown_algorithm_is_refused_by_its_number() {
    let later = SignatureAlgorithm::of_number(3);
    let mut known = authorities(3);
    let signed = signed(&[0, 1]);
    known[1].algorithm = later;
    let refused = Err(RosterError::AuthorityAlgorithm { authority: 1, number: 3 });
    assert_eq!(signed.verify::<Toy>(&known, 2), refused);
    let member = |algorithm| {
        let signing_key = VerifyingKey { algorithm, bytes: vec![5; 32] };
        let (client, organisation) = (ClientId(7), OrganisationId(1));
        let name = MemberName::new("bank", "branch").expect("a name");
        let entry =
            RosterEntry { client, name, organisation, signing_key, tls_spki_sha256: Digest([1; 32]), not_after: 0 };
        let roster = Roster::new(1, Digest::ZERO, vec![entry], vec![], Vec::new()).expect("one entry");
        let signature = Toy::sign(&key(0), &roster.signing_input());
        SignedRoster { roster, signatures: vec![AuthoritySignature { authority: 0, signature }] }
    };
    assert_eq!(verdict(&member(SignatureAlgorithm::TOY), 1), Ok(()));
    assert_eq!(verdict(&member(later), 1), Err(RosterError::MemberAlgorithm { client: ClientId(7), number: 3 }));
    assert_ne!(member(later).roster.digest(), member(SignatureAlgorithm::TOY).roster.digest());
    let person = |algorithm| {
        let staff = StaffNumber::parse("bank/e1").expect("a staff number");
        let role = Holding { role: Role::Auditor, deputy_of: None, scope: Scope::Federation, from: 1, until: 2 };
        let signing_key = VerifyingKey { algorithm, bytes: vec![5; 32] };
        let people = vec![Person { staff, signing_key, holdings: vec![role] }];
        let roster = Roster::new(1, Digest::ZERO, vec![], vec![], people).expect("one person");
        let signature = Toy::sign(&key(0), &roster.signing_input());
        SignedRoster { roster, signatures: vec![AuthoritySignature { authority: 0, signature }] }
    };
    assert_eq!(verdict(&person(SignatureAlgorithm::TOY), 1), Ok(()));
    let staff = StaffNumber::parse("bank/e1").expect("a staff number");
    assert_eq!(verdict(&person(later), 1), Err(RosterError::PersonAlgorithm { staff, number: 3 }));
}

/// Longer keys make for fewer members, so that every roster fits into a message.
#[test]
fn the_keys_of_a_roster_have_so_many_bytes_at_most() {
    let entry = |number: usize| {
        let mut bytes = vec![0; VERIFYING_KEY_BYTES_MAX];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        let client = u32::try_from(number).expect("few");
        RosterEntry {
            client: ClientId(client),
            name: MemberName::new("bank", &alloc::format!("branch-{number}")).expect("a name"),
            organisation: OrganisationId(1),
            tls_spki_sha256: Digest::of(&bytes),
            signing_key: VerifyingKey { algorithm: SignatureAlgorithm::of_number(4), bytes },
            not_after: 0,
        }
    };
    let most = ROSTER_KEY_BYTES_MAX / VERIFYING_KEY_BYTES_MAX;
    let entries: Vec<RosterEntry> = (0..=most).map(entry).collect();
    assert!(Roster::new(1, Digest::ZERO, entries[1..].to_vec(), vec![], Vec::new()).is_ok());
    // Those of people count as well.
    let left = ROSTER_KEY_BYTES_MAX - most * VERIFYING_KEY_BYTES_MAX;
    let with_auditor = |key_bytes: usize| {
        let signing_key = VerifyingKey { algorithm: SignatureAlgorithm::of_number(4), bytes: vec![255; key_bytes] };
        let staff = StaffNumber::parse("bank/e1").expect("a staff number");
        let role = Holding { role: Role::Auditor, deputy_of: None, scope: Scope::Federation, from: 1, until: 2 };
        let people = vec![Person { staff, signing_key, holdings: vec![role] }];
        Roster::new(1, Digest::ZERO, entries[1..].to_vec(), vec![], people).map(|_| ())
    };
    let (what, limit) = ("bytes of signing keys", ROSTER_KEY_BYTES_MAX);
    assert_eq!(with_auditor(left), Ok(()));
    assert_eq!(with_auditor(left + 1), Err(RosterError::TooMany { what, count: limit + 1, limit }));
    let count = entries.len() * VERIFYING_KEY_BYTES_MAX;
    let refused = RosterError::TooMany { what, count, limit };
    assert_eq!(Roster::new(1, Digest::ZERO, entries, vec![], Vec::new()), Err(refused));
}
