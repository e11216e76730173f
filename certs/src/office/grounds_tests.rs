use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::secagg::suite::VerifyingKey;

use super::*;

fn entry(name: &str, key: u8) -> RosterEntry {
    RosterEntry {
        client: ClientId(1),
        name: MemberName::parse(name).unwrap(),
        organisation: OrganisationId(1),
        signing_key: VerifyingKey::ed25519([key; 32]),
        tls_spki_sha256: Digest([key; 32]),
        not_after: 1,
    }
}

#[test]
fn the_newest_keys_of_each_member_have_one_ground_and_the_first_that_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let approval = Some(Approval { by: "anna".to_owned(), at: 5 });
    let ground = |way, at| Ground { way, at, approval: approval.clone().filter(|_| way == Way::Network) };
    let steps = [
        ("bank/b", 1, Way::Network),
        ("bank/a", 2, Way::File),
        ("bank/c", 3, Way::MadeHere),
        ("bank/b", 4, Way::OwnAuthority),
        ("bank/b", 4, Way::File),
    ];
    for (at, (name, key, way)) in (10..).zip(steps) {
        record_ground(folder.path(), &entry(name, key), ground(way, at)).unwrap();
    }
    let found = read_grounds(folder.path()).unwrap();
    let expected = [
        (("bank/a", 2), Some(ground(Way::File, 11))),
        (("bank/b", 1), None),
        (("bank/b", 4), Some(ground(Way::OwnAuthority, 13))),
        (("bank/c", 3), Some(ground(Way::MadeHere, 12))),
        (("bank/c", 4), None),
    ];
    for ((name, key), ground) in expected {
        assert_eq!(found(&entry(name, key)), ground, "{name} {key}");
    }
    let names: Vec<String> = read(folder.path()).unwrap().into_iter().map(|line| line.name.to_string()).collect();
    assert_eq!(names, ["bank/a", "bank/c", "bank/b"]);
    let one = ground(Way::Network, 10);
    let parsed = |text: &str| {
        let mut fields = Fields::of(text);
        let ground = Ground::parse(&mut fields)?;
        fields.end().map(|()| ground)
    };
    assert_eq!(one.print(), "way network at 10 approved anna at 5");
    assert_eq!(parsed(&one.print()), Some(one));
    for bad in [
        "way network at 10",
        "way net at 10 unapproved",
        "way network at 010 unapproved",
        "way file at 1 refused",
        "way file at 1 unapproved x",
    ] {
        assert_eq!(parsed(bad), None, "{bad}");
    }
}
