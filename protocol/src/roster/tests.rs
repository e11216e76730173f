use super::*;
use alloc::vec;

fn entry(client: u32) -> RosterEntry {
    let label = client.to_le_bytes();
    RosterEntry {
        client: ClientId(client),
        organisation: OrganisationId(client / 4),
        signing_key: VerifyingKey(Digest::of_parts(&[b"signing", &label]).0),
        tls_spki_sha256: Digest::of_parts(&[b"tls", &label]),
        not_after: 2_000_000_000,
    }
}

fn first(clients: &[u32]) -> Roster {
    Roster::new(1, Digest::ZERO, clients.iter().copied().map(entry).collect()).expect("well-formed")
}

fn refused(entries: Vec<RosterEntry>) -> RosterError {
    Roster::new(1, Digest::ZERO, entries).expect_err("malformed")
}

#[test]
fn entries_out_of_order_or_twice_are_refused() {
    let client = ClientId(2);
    assert_eq!(refused(vec![entry(3), entry(2)]), RosterError::Order { client });
    assert_eq!(refused(vec![entry(1), entry(2), entry(2)]), RosterError::Order { client });
}

#[test]
fn a_key_of_two_clients_is_refused() {
    let client = ClientId(2);
    let signing_twin = RosterEntry { signing_key: entry(1).signing_key, ..entry(2) };
    assert_eq!(refused(vec![entry(1), signing_twin]), RosterError::SigningKeyTwice { client });
    let tls_twin = RosterEntry { tls_spki_sha256: entry(1).tls_spki_sha256, ..entry(2) };
    assert_eq!(refused(vec![entry(1), tls_twin]), RosterError::TlsKeyTwice { client });
}

#[test]
fn the_first_epoch_alone_has_no_predecessor() {
    let predecessor = Digest::of(b"before");
    for (epoch, previous) in [(0, Digest::ZERO), (0, predecessor), (1, predecessor), (2, Digest::ZERO)] {
        assert_eq!(Roster::new(epoch, previous, vec![]), Err(RosterError::Predecessor { epoch }));
    }
    assert!(Roster::new(2, predecessor, vec![]).is_ok());
}

#[test]
fn every_field_counts_in_the_digest() {
    let base = first(&[1, 2]);
    let variants = [
        RosterEntry { client: ClientId(3), ..entry(2) },
        RosterEntry { organisation: OrganisationId(9), ..entry(2) },
        RosterEntry { signing_key: VerifyingKey([7; 32]), ..entry(2) },
        RosterEntry { tls_spki_sha256: Digest([7; 32]), ..entry(2) },
        RosterEntry { not_after: 1, ..entry(2) },
    ];
    for variant in variants {
        let other = Roster::new(1, Digest::ZERO, vec![entry(1), variant]).expect("well-formed");
        assert_ne!(other.digest(), base.digest());
    }
    let later = Roster::new(2, base.digest(), base.entries().to_vec()).expect("well-formed");
    assert_ne!(later.digest(), base.digest());
}

#[test]
fn the_canonical_encoding_has_a_known_length_and_start() {
    let bytes = first(&[1, 2, 3]).canonical();
    assert_eq!(bytes.len(), 4 + 10 + 8 + 32 + 4 + 3 * 80);
    assert_eq!(&bytes[..22], b"\x0a\0\0\0SA1 roster\x01\0\0\0\0\0\0\0");
}

#[test]
fn succession_refuses_rollback_and_forks() {
    let one = first(&[1]);
    let two = Roster::new(2, one.digest(), vec![entry(1), entry(2)]).expect("well-formed");
    let stray = Roster::new(2, Digest([9; 32]), vec![entry(1)]).expect("well-formed");
    let five = Roster::new(5, Digest([9; 32]), vec![entry(1)]).expect("well-formed");
    assert_eq!(one.follows(&one.head()), Ok(Succession::Same));
    assert_eq!(two.follows(&one.head()), Ok(Succession::Next));
    assert_eq!(five.follows(&two.head()), Ok(Succession::Skipped { missing: 2 }));
    assert_eq!(one.follows(&two.head()), Err(RosterError::Rollback { epoch: 1, seen: 2 }));
    assert_eq!(stray.follows(&one.head()), Err(RosterError::Fork { epoch: 2 }));
    assert_eq!(stray.follows(&two.head()), Err(RosterError::Fork { epoch: 2 }));
}

#[test]
fn changes_name_the_members_that_differ() {
    let before = first(&[1, 2, 3]);
    let rekeyed = RosterEntry { signing_key: VerifyingKey([7; 32]), ..entry(3) };
    let after = Roster::new(2, before.digest(), vec![entry(2), rekeyed, entry(4)]).expect("well-formed");
    let changes = after.changes_since(&before);
    assert_eq!(changes.added, [ClientId(4)]);
    assert_eq!(changes.removed, [ClientId(1)]);
    assert_eq!(changes.changed, [ClientId(3)]);
}

#[test]
fn an_entry_is_found_by_its_client() {
    let roster = first(&[1, 5, 9]);
    assert_eq!(roster.entry(ClientId(5)), Some(&entry(5)));
    assert_eq!(roster.entry(ClientId(6)), None);
}
