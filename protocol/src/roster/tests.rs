use super::*;
use crate::digest::frozen;
use crate::limits::{ROSTER_GROUP_MEMBERS_MAX, ROSTER_GROUPS_MAX};
use crate::role::Role;
use crate::secagg::suite::VerifyingKey;
use crate::time::Millis;
use alloc::{format, vec};

fn name(organisation: u32, client: u32) -> MemberName {
    MemberName::new(&format!("bank-{organisation}"), &format!("branch-{client}")).expect("a name")
}

fn entry(client: u32) -> RosterEntry {
    let label = client.to_le_bytes();
    RosterEntry {
        client: ClientId(client),
        name: name(client / 4, client),
        organisation: OrganisationId(client / 4),
        signing_key: VerifyingKey::ed25519(Digest::of_parts(&[b"signing", &label]).0),
        tls_spki_sha256: Digest::of_parts(&[b"tls", &label]),
        not_after: 2_000_000_000,
    }
}

fn first(clients: &[u32]) -> Roster {
    Roster::new(1, Digest::ZERO, clients.iter().copied().map(entry).collect(), vec![], Vec::new()).expect("well-formed")
}

fn refused(entries: Vec<RosterEntry>) -> RosterError {
    Roster::new(1, Digest::ZERO, entries, vec![], Vec::new()).expect_err("malformed")
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
fn a_name_of_two_clients_is_refused_and_so_is_an_organisation_of_two_numbers() {
    let client = ClientId(2);
    let twin = RosterEntry { name: entry(1).name, ..entry(2) };
    assert_eq!(refused(vec![entry(1), twin]), RosterError::NameTwice { client });
    let other_number = RosterEntry { organisation: OrganisationId(9), ..entry(2) };
    assert_eq!(refused(vec![entry(1), other_number]), RosterError::Organisation { client });
    let other_name = RosterEntry { name: name(9, 2), ..entry(2) };
    assert_eq!(refused(vec![entry(1), other_name]), RosterError::Organisation { client });
    let elsewhere = RosterEntry { name: name(9, 2), organisation: OrganisationId(9), ..entry(2) };
    let roster =
        Roster::new(1, Digest::ZERO, vec![entry(1), elsewhere], vec![], Vec::new()).expect("two organisations");
    assert_eq!(roster.name_of(client).map(MemberName::as_str), Some("bank-9/branch-2"));
    assert_eq!(roster.name_of(ClientId(3)), None);
}

/// What a coordinator welcomes everybody with fits into a message, and its text form into a file, whatever the names are.
#[test]
fn a_full_roster_of_longest_names_fits_into_a_message() {
    let long = "o".repeat(crate::limits::NAME_PART_BYTES_MAX);
    let entries = (1..=10_000_u32).map(|number| RosterEntry {
        name: MemberName::new(&long, &format!("{number:063}")).expect("a name"),
        organisation: OrganisationId(1),
        not_after: u64::MAX,
        ..entry(number)
    });
    let group =
        |number: u32| RosterGroup { name: format!("{number:064}"), members: (1..=10_000).map(ClientId).collect() };
    let person = |number: u32| {
        let staff = |number: u32| StaffNumber::parse(&format!("{long}/{number:063}")).expect("a staff number");
        let role = |principal: u32| Holding {
            role: Role::BranchOwner,
            deputy_of: (principal > 0).then(|| staff(principal)),
            scope: Scope::Branches((1..=19).map(|client| ClientId(client * 500)).collect()),
            from: u64::MAX - 1,
            until: u64::MAX,
        };
        let signing_key = VerifyingKey::ed25519(Digest::of_parts(&[b"person", &number.to_le_bytes()]).0);
        let second = if number == 1 { 2 } else { 1 };
        Person { staff: staff(number), signing_key, holdings: vec![role(0), role(second)] }
    };
    let (groups, people) = ((1..=10).map(group).collect(), (1..=256).map(person).collect());
    let roster = Roster::new(1, Digest::ZERO, entries.collect(), groups, people).expect("a full roster");
    let bytes = crate::codec::encode(&roster);
    assert!(bytes.len() < crate::limits::CONTROL_MESSAGE_BYTES_MAX, "{}", bytes.len());
    assert_eq!(crate::codec::decode::<Roster>(&bytes, bytes.len()), Ok(roster));
}

#[test]
fn the_first_epoch_alone_has_no_predecessor() {
    let predecessor = Digest::of(b"before");
    for (epoch, previous) in [(0, Digest::ZERO), (0, predecessor), (1, predecessor), (2, Digest::ZERO)] {
        assert_eq!(Roster::new(epoch, previous, vec![], vec![], Vec::new()), Err(RosterError::Predecessor { epoch }));
    }
    assert!(Roster::new(2, predecessor, vec![], vec![], Vec::new()).is_ok());
}

#[test]
fn every_field_counts_in_the_digest() {
    let base = first(&[1, 2]);
    let mut digests = vec![base.digest()];
    let variants = [
        RosterEntry { client: ClientId(3), ..entry(2) },
        RosterEntry { name: name(0, 9), ..entry(2) },
        RosterEntry { signing_key: VerifyingKey::ed25519([7; 32]), ..entry(2) },
        RosterEntry { tls_spki_sha256: Digest([7; 32]), ..entry(2) },
        RosterEntry { not_after: 1, ..entry(2) },
    ];
    for variant in variants {
        let other = Roster::new(1, Digest::ZERO, vec![entry(1), variant], vec![], Vec::new()).expect("well-formed");
        digests.push(other.digest());
    }
    let alone = |organisation| {
        let entry = RosterEntry { organisation: OrganisationId(organisation), ..entry(1) };
        Roster::new(1, Digest::ZERO, vec![entry], vec![], Vec::new()).expect("well-formed").digest()
    };
    digests.extend([alone(0), alone(9)]);
    let later = Roster::new(2, base.digest(), base.entries().to_vec(), vec![], Vec::new()).expect("well-formed");
    digests.push(later.digest());
    assert_eq!(frozen(digests), "99591715");
}

#[test]
fn the_canonical_encoding_has_a_known_length_and_start() {
    let bytes = first(&[1, 2, 3]).canonical();
    assert_eq!(bytes.len(), 4 + 18 + 8 + 32 + 4 + 3 * (80 + 5 + 4 + "bank-0/branch-1".len()) + 4 + 4);
    assert_eq!(&bytes[..30], b"\x12\0\0\0tributary/roster/3\x01\0\0\0\0\0\0\0");
}

#[test]
fn succession_refuses_rollback_and_forks() {
    let one = first(&[1]);
    let two = Roster::new(2, one.digest(), vec![entry(1), entry(2)], vec![], Vec::new()).expect("well-formed");
    let stray = Roster::new(2, Digest([9; 32]), vec![entry(1)], vec![], Vec::new()).expect("well-formed");
    let five = Roster::new(5, Digest([9; 32]), vec![entry(1)], vec![], Vec::new()).expect("well-formed");
    assert_eq!((one.previous(), two.previous()), (Digest::ZERO, one.digest()));
    assert_eq!(one.follows(&one.head()), Ok(Succession::Same));
    assert_eq!(two.follows(&one.head()), Ok(Succession::Next));
    assert_eq!(five.follows(&two.head()), Ok(Succession::Skipped { missing: 2 }));
    assert_eq!(one.follows(&two.head()), Err(RosterError::Rollback { epoch: 1, seen: 2 }));
    assert_eq!(stray.follows(&one.head()), Err(RosterError::Fork { epoch: 2 }));
    assert_eq!(stray.follows(&two.head()), Err(RosterError::Fork { epoch: 2 }));
}

#[test]
fn changes_name_the_members_that_differ() {
    let before = first(&[1, 2, 3, 5, 6, 7, 9]);
    let rekeyed = RosterEntry { signing_key: VerifyingKey::ed25519([7; 32]), ..entry(3) };
    let renamed = RosterEntry { name: name(1, 55), ..entry(5) };
    let longer = RosterEntry { not_after: 2_100_000_000, ..entry(6) };
    let other_machine = RosterEntry { tls_spki_sha256: Digest([7; 32]), ..entry(7) };
    let renumbered = RosterEntry { organisation: OrganisationId(22), ..entry(9) };
    let own = [rekeyed.clone(), renamed.clone(), longer.clone(), other_machine.clone(), renumbered.clone()];
    let [three, five, six, seven, nine] = own;
    let entries = vec![entry(2), three, entry(4), five, six, seven, nine];
    let after = Roster::new(2, before.digest(), entries, vec![], Vec::new()).expect("well-formed");
    let changes = RosterChanges::between(Some(&before), &after);
    assert_eq!((&changes.added, &changes.removed), (&vec![entry(4)], &vec![entry(1)]));
    let of = |before: u32, after: RosterEntry| EntryChange { before: entry(before), after };
    let changed = [of(3, rekeyed), of(5, renamed), of(6, longer), of(7, other_machine), of(9, renumbered)];
    assert_eq!(changes.changed, changed);
    let kinds = |change: &EntryChange| (change.has_other_keys(), change.has_other_name(), change.has_other_end());
    let kinds: Vec<_> = changes.changed.iter().map(kinds).collect();
    let (key, name, end) = ((true, false, false), (false, true, false), (false, false, true));
    assert_eq!(kinds, [key, name, end, key, name]);
    assert_eq!((changes.count(), changes.groups.len()), (7, 0));
    let all = RosterChanges::between(None, &after);
    assert_eq!((all.added.len(), all.count()), (7, 7));
    assert_eq!(RosterChanges::between(Some(&after), &after), RosterChanges::default());
}

#[test]
fn changes_name_the_groups_that_differ() {
    let before = grouped(&[("gone", &[1]), ("north", &[1, 2, 5]), ("same", &[1, 9])]).expect("well-formed");
    let after = grouped(&[("new", &[9]), ("north", &[1, 5, 9]), ("same", &[1, 9])]).expect("well-formed");
    let change = |name: &str, (new, gone): (bool, bool), added: &[u32], removed: &[u32]| GroupChange {
        name: name.into(),
        new,
        gone,
        added: added.iter().copied().map(ClientId).collect(),
        removed: removed.iter().copied().map(ClientId).collect(),
    };
    let changes = RosterChanges::between(Some(&before), &after);
    assert_eq!(
        changes.groups,
        [
            change("gone", (false, true), &[], &[1]),
            change("new", (true, false), &[9], &[]),
            change("north", (false, false), &[9], &[2]),
        ]
    );
    assert_eq!(changes.count(), 3);
    let all = RosterChanges::between(None, &after);
    assert_eq!((all.groups.len(), all.groups.iter().all(|group| group.new), all.count()), (3, true, 4 + 3));
}

#[test]
fn an_entry_is_found_by_its_client() {
    let roster = first(&[1, 5, 9]);
    assert_eq!(roster.entry(ClientId(5)), Some(&entry(5)));
    assert_eq!(roster.entry(ClientId(6)), None);
    let named = |client| (Roster::named(Some(&roster), ClientId(client)), Roster::named(None, ClientId(client)));
    assert_eq!(named(5), ("bank-1/branch-5".into(), "client 5".into()));
    assert_eq!(named(6), ("client 6".into(), "client 6".into()));
}

/// In whatever order they are asked for; and of a stranger there is none.
#[test]
fn organisations_are_those_of_the_clients_that_were_asked_for() {
    let roster = first(&[1, 5, 6, 9]);
    let of = |clients: &[u32]| {
        let clients: Vec<ClientId> = clients.iter().copied().map(ClientId).collect();
        roster.organisations(&clients).map(|found| found.iter().map(|number| number.0).collect::<Vec<_>>())
    };
    assert_eq!(of(&[1, 5, 6, 9]), Some(vec![0, 1, 1, 2]));
    assert_eq!(of(&[9, 5, 9, 1]), Some(vec![2, 1, 2, 0]));
    assert_eq!(of(&[]), Some(vec![]));
    for clients in [&[2][..], &[1, 2, 9], &[1, 5, 10]] {
        assert_eq!(of(clients), None, "{clients:?}");
    }
}

fn grouped(groups: &[(&str, &[u32])]) -> Result<Roster, RosterError> {
    let group = |(name, members): &(&str, &[u32])| RosterGroup {
        name: (*name).into(),
        members: members.iter().copied().map(ClientId).collect(),
    };
    let entries = [1, 2, 5, 9].map(entry).to_vec();
    Roster::new(1, Digest::ZERO, entries, groups.iter().map(group).collect(), Vec::new())
}

#[test]
fn groups_are_looked_up_by_name_and_all_means_every_entry() {
    let roster = grouped(&[("north", &[1, 9]), ("pilot", &[2, 5, 9])]).expect("well-formed");
    let members =
        |name: &str| roster.group(name).map(|group| group.members().map(|client| client.0).collect::<Vec<_>>());
    assert_eq!(members("north"), Some(vec![1, 9]));
    assert_eq!(members("pilot"), Some(vec![2, 5, 9]));
    assert_eq!(members(ALL), Some(vec![1, 2, 5, 9]));
    assert_eq!(members("south"), None);
    for (name, size, stranger) in [("north", 2, 2), ("pilot", 3, 1), (ALL, 4, 3)] {
        let group = roster.group(name).expect("a group");
        assert_eq!(group.size(), size, "{name}");
        assert!(group.has(ClientId(9)) && !group.has(ClientId(stranger)), "{name}");
    }
}

#[test]
fn groups_that_are_not_in_order_are_refused() {
    let fault = |groups: &[(&str, &[u32])]| match grouped(groups) {
        Err(RosterError::Group(fault)) => fault,
        other => panic!("{other:?}"),
    };
    let long = "a".repeat(65);
    for name in [ALL, "", "with space", "North", "n\u{f6}rd", "a\nb", &long] {
        assert_eq!(fault(&[(name, &[1])]), GroupFault::Name { number: 1 }, "{name:?}");
    }
    assert!([&"a".repeat(64), "a", "9", "-_."].iter().all(|name| grouped(&[(name, &[1])]).is_ok()));
    for names in [["b", "a"], ["a", "a"]] {
        assert_eq!(fault(&[(names[0], &[1]), (names[1], &[1])]), GroupFault::Order { number: 2 });
    }
    assert_eq!(fault(&[("a", &[])]), GroupFault::Empty { number: 1 });
    for (members, at_fault) in [(&[1, 3][..], 3), (&[2, 1], 1), (&[1, 1], 1), (&[9, 10], 10), (&[0], 0)] {
        let client = ClientId(at_fault);
        assert_eq!(fault(&[("a", &[5]), ("b", members)]), GroupFault::Member { number: 2, client }, "{members:?}");
    }
    let names: Vec<_> = (0..=ROSTER_GROUPS_MAX).map(|number| format!("g{number:03}")).collect();
    let many: Vec<(&str, &[u32])> = names.iter().map(|name| (name.as_str(), &[1][..])).collect();
    assert_eq!(fault(&many), GroupFault::TooMany { count: ROSTER_GROUPS_MAX + 1 });
    assert!(grouped(&many[1..]).is_ok());
    let crowd = vec![1; ROSTER_GROUP_MEMBERS_MAX];
    assert_eq!(fault(&[("a", &crowd), ("b", &[1])]), GroupFault::TooLarge);
}

#[test]
fn groups_count_in_the_digest() {
    let others: [&[(&str, &[u32])]; 6] = [
        &[("a", &[1, 2]), ("b", &[5])],
        &[],
        &[("a", &[1, 2])],
        &[("a", &[1, 2]), ("c", &[5])],
        &[("a", &[1]), ("b", &[5])],
        &[("a", &[1, 2]), ("b", &[9])],
    ];
    assert_eq!(frozen(others.map(|groups| grouped(groups).expect("well-formed").digest())), "9b95061e");
}

#[test]
fn an_entry_is_valid_to_the_end_of_its_last_second() {
    let entry = RosterEntry { not_after: 7, ..entry(1) };
    assert_eq!(
        (entry.ends(), entry.has_ended(Millis(7_999)), entry.has_ended(Millis(8_000))),
        (Millis(7_999), false, true)
    );
    assert!(!RosterEntry { not_after: u64::MAX, ..entry }.has_ended(Millis(u64::MAX)));
}
