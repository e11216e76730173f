use tributary_protocol::limits::ROSTER_ENTRIES_MAX;

use super::*;

fn keys(count: usize) -> Vec<VerifyingKey> {
    (0..count).map(|number| VerifyingKey::ed25519([u8::try_from(number).unwrap(); 32])).collect()
}

#[test]
fn authorities_are_different_ones_and_as_many_as_are_needed_and_allowed() {
    for (needed, count) in [(1, 1), (2, 3), (3, 3), (1, ROSTER_AUTHORITIES_MAX), (16, ROSTER_AUTHORITIES_MAX)] {
        let list = RosterAuthorities::new(needed, keys(count)).unwrap();
        assert_eq!((list.needed(), list.keys()), (needed, keys(count).as_slice()));
        assert_eq!(RosterAuthorities::parse(&list.print()), Some(list));
    }
    for (needed, count) in [(0, 3), (4, 3), (1, 0), (1, ROSTER_AUTHORITIES_MAX + 1)] {
        let refused = RosterAuthorities::new(needed, keys(count));
        assert_eq!(refused, Err(RosterError::Authorities { needed, authorities: count }));
    }
    let twice = [keys(2), keys(1)].concat();
    assert_eq!(RosterAuthorities::new(2, twice), Err(RosterError::Authorities { needed: 2, authorities: 2 }));
}

#[test]
fn a_list_of_authorities_has_one_text_and_every_part_of_it_another_digest() {
    let list = RosterAuthorities::new(2, keys(3)).unwrap();
    let text = list.print();
    for bad in [
        text.trim_end().to_owned(),
        format!("{text}\n"),
        text.replace("needed 2", "needed 02"),
        text.replace("needed 2", "needed 2 "),
        text.replace("needed 2\n", ""),
        text.replacen("authority ", "authority  ", 1),
        text.replacen("authority ", "key ", 1),
        text.replace("authorities 2", "authorities 1"),
    ] {
        assert_eq!(RosterAuthorities::parse(&bad), None, "{bad}");
    }
    let mut turned = keys(3);
    turned.swap(0, 1);
    let others = [(1, keys(3)), (2, turned), (2, keys(2)), (2, keys(4))];
    for (needed, keys) in others {
        assert_ne!(RosterAuthorities::new(needed, keys).unwrap().digest(), list.digest());
    }
}

#[test]
fn the_members_of_all_groups_are_counted_while_they_are_read() {
    let roster = |groups: usize, last: usize| {
        let all = format!("1-{ROSTER_ENTRIES_MAX}");
        let lines: String = (0..groups).map(|number| format!("group g{number:02} {all}\n")).collect();
        let text = format!("{ROSTER_TITLE}\nepoch 1\nprevious {}\n{lines}group last 1-{last}\n", Digest::ZERO);
        let body = body(&text, ROSTER_TITLE).unwrap().peekable();
        roster_parts(&mut body.into_iter().peekable()).map(|((_, _, _, groups, _), _)| groups.len())
    };
    let whole = ROSTER_GROUP_MEMBERS_MAX / ROSTER_ENTRIES_MAX;
    assert_eq!(roster(whole - 1, ROSTER_ENTRIES_MAX), Some(whole));
    assert_eq!(roster(whole, 1), None);
    assert_eq!(roster(whole - 1, ROSTER_ENTRIES_MAX - 1), Some(whole));
}

#[test]
fn an_authority_signs_once_in_its_own_place() {
    let signing: Vec<SigningKey> = (1..=3).map(|seed| SigningKey::from_seed(&[seed; 32])).collect();
    let authorities = RosterAuthorities::new(2, signing.iter().map(SigningKey::verifying_key).collect()).unwrap();
    let roster = Roster::new(1, Digest::ZERO, Vec::new(), Vec::new(), Vec::new()).unwrap();
    let mut signed = SignedRoster { roster, signatures: Vec::new() };
    for authority in [2, 0, 2] {
        countersign(&mut signed, &authorities, authority, &signing[usize::from(authority)]).unwrap();
    }
    assert_eq!(signed.signatures.iter().map(|one| one.authority).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(authorities.verify(&signed), Ok(()));
    for (authority, key) in [(1, 0), (3, 0), (0, 1)] {
        let refused = countersign(&mut signed, &authorities, authority, &signing[key]);
        assert_eq!(refused, Err(RosterError::UnknownAuthority { authority }));
    }
    assert_eq!(signed.signatures.len(), 2);
}
