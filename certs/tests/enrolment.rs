//! An authority's folder from its making to a verified roster, and what must not happen on the way.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use tributary_certs::ceremony::sign_roster;
use tributary_certs::enrolment::{
    CoordinatorRequest, EnrolmentError, init_authority, issue_client, issue_coordinator, names, open_authority,
    read_coordinator, read_members, remove_group, set_group,
};
use tributary_certs::identity::{Identity, Role, TrustDomain, spki_sha256_of};
use tributary_certs::inspect::{inspect, serial_of};
use tributary_certs::issue::Validity;
use tributary_certs::keys::{read_signing_key, read_verifying_key};
use tributary_certs::office::{RevocationReason, WhomToRevoke, revoke};
use tributary_certs::provider::KeyExchange;
use tributary_certs::revocation::{RevocationLists, Seen};
use tributary_certs::roster::{
    RosterAuthorities, RosterFileError, parse_clients, parse_roster, print_clients, print_roster, read_roster,
};
use tributary_certs::tls::{
    ClientTls, CoordinatorTls, Credentials, TrustRoots, client_config, read_revocations, server_config,
};
use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::roster::{RosterChanges, RosterError, SignedRoster, Succession};
use tributary_storage::files::{Existing, FileError, write_public};

const NOW: u64 = 1_900_000_000;
const DAY: u64 = 86_400;

#[derive(Debug)]
struct Clock;

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(NOW)))
    }
}

/// A folder with an authority (2 of 3), a coordinator and two clients of two organisations.
fn federation() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = folder.path().join("authority");
    let domain = TrustDomain::parse("federation.example").expect("a good domain");
    init_authority(&authority, &domain, 3, 2, NOW).expect("made");
    let hosts = ["coordinator.example".to_owned()];
    let addresses = ["127.0.0.1".parse().expect("an address")];
    let request =
        CoordinatorRequest { organisation: "north-bank", id: "centre", host_names: &hosts, addresses: &addresses };
    issue_coordinator(&authority, &request, &folder.path().join("centre"), NOW).expect("issued");
    for (organisation, id) in [("north-bank", "branch-1"), ("south-bank", "branch-2")] {
        issue_client(&authority, organisation, id, &folder.path().join(id), NOW).expect("issued");
    }
    folder
}

/// Every file below a folder with its content.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entry = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("listed").path();
        (path.display().to_string(), std::fs::read(&path).expect("read"))
    };
    std::fs::read_dir(folder).expect("a folder").map(entry).collect()
}

#[test]
fn enrolled_daemons_get_working_configurations() {
    let folder = federation();
    let at = |daemon: &str, name: &str| folder.path().join(daemon).join(name);
    let credentials = |daemon| Credentials::read(&at(daemon, names::CHAIN), &at(daemon, names::KEY)).unwrap();
    let roots = TrustRoots::read(&at("branch-1", names::TRUST)).unwrap();
    let seen = Seen::beside(&at("branch-1", names::TRUST)).unwrap();
    let lists = RevocationLists::read(&at("branch-1", names::REVOCATIONS), &roots, &seen, None).unwrap().lists;
    let pin = read_coordinator(&at("branch-1", names::COORDINATOR)).unwrap();
    assert_eq!(pin.signing_key, read_verifying_key(&at("centre", names::SIGNING_PUBLIC)).unwrap());
    let client = client_config(ClientTls {
        credentials: credentials("branch-1"),
        roots: &roots,
        coordinator: Some(pin.identity.clone()),
        revocations: &lists,
        clock: Arc::new(Clock),
        key_exchange: KeyExchange::DEFAULT,
    });
    assert!(client.is_ok());
    let server = CoordinatorTls {
        credentials: credentials("centre"),
        roots: &roots,
        revocations: &lists,
        clock: Arc::new(Clock),
        key_exchange: KeyExchange::DEFAULT,
        ended: tributary_certs::ended::EndedCertificates::default(),
    };
    assert_eq!(server.credentials.identity(), &pin.identity);
    assert!(server_config(server).is_ok());
}

/// What is known of a number is known of one branch: budget heads, and the counters that the others saw.
#[test]
fn a_number_that_a_roster_gave_is_given_to_nobody_else() {
    let folder = federation();
    let authority = folder.path().join("authority");
    sign_roster(&authority).unwrap();
    let members = std::fs::read_to_string(authority.join("members")).unwrap();
    let without: String =
        members.lines().filter(|line| !line.contains("branch-2")).map(|line| format!("{line}\n")).collect();
    std::fs::write(authority.join("members"), without).unwrap();
    let member = issue_client(&authority, "east-bank", "branch-3", &folder.path().join("branch-3"), NOW).unwrap();
    assert_eq!((member.entry.client, member.entry.organisation), (ClientId(3), OrganisationId(3)));
}

#[test]
fn one_more_client_changes_no_byte_of_the_others() {
    let folder = federation();
    let authority = folder.path().join("authority");
    let before = ["centre", "branch-1", "branch-2"].map(|daemon| contents(&folder.path().join(daemon)));
    let mut own = contents(&authority);
    let member =
        issue_client(&authority, "north-bank", "branch-3", &folder.path().join("branch-3"), NOW + DAY).unwrap();
    assert_eq!((member.entry.client, member.entry.organisation), (ClientId(3), OrganisationId(1)));
    assert_eq!(before, ["centre", "branch-1", "branch-2"].map(|daemon| contents(&folder.path().join(daemon))));
    let mut after = contents(&authority);
    let members = authority.join("members").display().to_string();
    let (old, new) = (own.remove(&members).unwrap(), after.remove(&members).unwrap());
    assert!(new.starts_with(&old) && new.len() > old.len());
    for list in ["issued", "grounds"] {
        let path = authority.join(list).display().to_string();
        let (old, new) = (own.remove(&path).unwrap(), after.remove(&path).unwrap());
        assert!(new.starts_with(&old) && new.len() > old.len(), "{list}");
    }
    assert_eq!(own, after);
}

#[test]
fn an_identity_is_enrolled_once_and_an_authority_made_once() {
    let folder = federation();
    let authority = folder.path().join("authority");
    let again = issue_client(&authority, "north-bank", "branch-1", &folder.path().join("elsewhere"), NOW);
    assert!(matches!(again, Err(EnrolmentError::Enrolled { .. })));
    let over = issue_client(&authority, "north-bank", "branch-9", &folder.path().join("branch-1"), NOW);
    assert!(matches!(over, Err(EnrolmentError::File(FileError::Exists { .. }))));
    assert!(matches!(
        issue_client(&authority, "North Bank", "x", &folder.path().join("x"), NOW),
        Err(EnrolmentError::Identity(_))
    ));
    assert_eq!(read_members(&authority).unwrap().len(), 2);
    let before = contents(&authority);
    let domain = TrustDomain::parse("federation.example").unwrap();
    let twice = init_authority(&authority, &domain, 3, 2, NOW);
    assert!(matches!(twice, Err(EnrolmentError::File(FileError::Exists { .. }))));
    assert_eq!(contents(&authority), before);
    let impossible = init_authority(&folder.path().join("other"), &domain, 2, 3, NOW);
    assert!(matches!(
        impossible,
        Err(EnrolmentError::Roster(RosterFileError::Roster(RosterError::Authorities { .. })))
    ));
}

#[cfg(unix)]
#[test]
fn every_private_file_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = federation();
    for daemon in ["authority", "centre", "branch-1"] {
        let files = contents(&folder.path().join(daemon));
        let keys: Vec<_> = files.keys().filter(|path| path.ends_with(".key")).collect();
        assert!(keys.len() >= 2);
        for key in keys {
            assert_eq!(std::fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600, "{key}");
        }
        let private = files
            .iter()
            .filter(|(path, bytes)| !path.ends_with(".key") && bytes.windows(7).any(|text| text == b"PRIVATE"));
        assert_eq!(private.count(), 0);
    }
    let key = folder.path().join("branch-1").join(names::KEY);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = Credentials::read(&folder.path().join("branch-1").join(names::CHAIN), &key).err().unwrap();
    assert!(refused.to_string().contains("chmod 600"));
}

#[test]
fn rosters_follow_each_other_and_bind_the_daemons_keys() {
    let folder = federation();
    let authority = folder.path().join("authority");
    let first = sign_roster(&authority).unwrap();
    let authorities = RosterAuthorities::read(&folder.path().join("branch-1").join(names::AUTHORITIES)).unwrap();
    assert_eq!(authorities.verify(&first), Ok(()));
    let entry = first.entry(ClientId(2)).unwrap();
    let chain = tributary_certs::tls::read_certificates(&folder.path().join("branch-2").join(names::CHAIN)).unwrap();
    assert_eq!(entry.tls_spki_sha256, spki_sha256_of(&chain[0]).unwrap());
    let signing = read_signing_key(&folder.path().join("branch-2").join(names::SIGNING_KEY)).unwrap();
    assert_eq!(entry.signing_key, signing.verifying_key());
    issue_client(&authority, "south-bank", "branch-3", &folder.path().join("branch-3"), NOW).unwrap();
    let second = sign_roster(&authority).unwrap();
    assert_eq!(second.roster.follows(&first.roster.head()), Ok(Succession::Next));
    let added = RosterChanges::between(Some(&first.roster), &second.roster).added;
    assert_eq!(added.iter().map(|entry| entry.client).collect::<Vec<_>>(), [ClientId(3)]);
    assert_eq!(read_roster(&authority.join("roster-000001"), &authorities).unwrap(), first);
    assert_eq!(read_roster(&authority.join(names::ROSTER), &authorities).unwrap(), second);
}

/// The authority names groups; they are signed with the rest, and nobody can change one afterwards.
#[test]
fn groups_are_signed_with_the_roster() {
    let folder = federation();
    let authority = folder.path().join("authority");
    for number in 3..=6 {
        let name = format!("branch-{number}");
        issue_client(&authority, "north-bank", &name, &folder.path().join(&name), NOW).unwrap();
    }
    let clients = |list: &str| parse_clients(list).unwrap();
    set_group(&authority, "pilot", &clients("1-3,6")).unwrap();
    set_group(&authority, "east", &clients("5")).unwrap();
    for (name, members) in [("all", "1"), ("", "1"), ("Pilot", "1"), ("x y", "1"), ("west", "1,7"), ("west", "1-9999")]
    {
        let refused = set_group(&authority, name, &clients(members));
        assert!(matches!(refused, Err(EnrolmentError::Group { .. })), "{name} {members}");
    }
    assert!(matches!(set_group(&authority, "west", &[]), Err(EnrolmentError::Group { .. })));
    let signed = sign_roster(&authority).unwrap();
    let listed = |signed: &SignedRoster| -> Vec<(String, String)> {
        let groups = signed.roster.groups().iter();
        groups.map(|group| (group.name.clone(), print_clients(&group.members, ","))).collect()
    };
    let pair = |name: &str, members: &str| (name.to_owned(), members.to_owned());
    assert_eq!(listed(&signed), [pair("east", "5"), pair("pilot", "1-3,6")]);
    let text = print_roster(&signed);
    assert!(text.contains("\ngroup east 5\ngroup pilot 1-3 6\nsignature 0 "), "{text}");
    assert_eq!(parse_roster(&text).unwrap(), signed);
    let authorities = RosterAuthorities::read(&authority.join(names::AUTHORITIES)).unwrap();
    let moved = parse_roster(&text.replace("group pilot 1-3 6", "group pilot 1-2")).unwrap();
    assert_eq!(authorities.verify(&moved), Err(RosterError::BadSignature { authority: 0 }));
    // One group has one form.
    for other in ["1 2 3 6", "1-2 3 6", "1-3  6", "1-3 6 ", "1-3 06", "6 1-3", "1-3 3 6", "3-1 6", ""] {
        let bad = text.replace("group pilot 1-3 6", &format!("group pilot {other}"));
        assert!(matches!(parse_roster(&bad), Err(None)), "{other:?}");
    }
    let stranger = parse_roster(&text.replace("group pilot 1-3 6", "group pilot 1-3 7"));
    assert!(matches!(stranger, Err(Some(RosterError::Group(_)))));

    // A revoked member leaves its groups, and a group that nobody is left in leaves the roster.
    let gone = |name: &str| Identity::parse(&format!("spiffe://federation.example/north-bank/client/{name}")).unwrap();
    for name in ["branch-5", "branch-6"] {
        let whom = WhomToRevoke::Identity(gone(name));
        revoke(&authority, &whom, RevocationReason::KeyCompromise, 7, NOW).unwrap();
    }
    assert_eq!(listed(&sign_roster(&authority).unwrap()), [pair("pilot", "1-3")]);
    remove_group(&authority, "pilot").unwrap();
    assert!(matches!(remove_group(&authority, "pilot"), Err(EnrolmentError::Group { .. })));
    assert_eq!(listed(&sign_roster(&authority).unwrap()), []);
}

#[test]
fn a_roster_needs_enough_different_untampered_signatures() {
    let folder = federation();
    let authority = folder.path().join("authority");
    let signed = sign_roster(&authority).unwrap();
    let authorities = RosterAuthorities::read(&authority.join(names::AUTHORITIES)).unwrap();
    let with = |change: &dyn Fn(&mut SignedRoster)| {
        let mut altered = signed.clone();
        change(&mut altered);
        authorities.verify(&altered)
    };
    assert_eq!(with(&|_| ()), Ok(()));
    assert_eq!(with(&|roster| drop(roster.signatures.remove(0))), Ok(()));
    assert_eq!(
        with(&|roster| roster.signatures.truncate(1)),
        Err(RosterError::TooFewSignatures { present: 1, needed: 2 })
    );
    assert_eq!(with(&|roster| roster.signatures.clear()), Err(RosterError::TooFewSignatures { present: 0, needed: 2 }));
    let twice = |roster: &mut SignedRoster| {
        roster.signatures = vec![signed.signatures[0].clone(), signed.signatures[0].clone()]
    };
    assert_eq!(with(&twice), Err(RosterError::SignatureOrder { authority: 0 }));
    assert_eq!(with(&|roster| roster.signatures.reverse()), Err(RosterError::SignatureOrder { authority: 1 }));
    assert_eq!(
        with(&|roster| roster.signatures[1].signature.bytes[9] ^= 1),
        Err(RosterError::BadSignature { authority: 1 })
    );
    assert_eq!(with(&|roster| roster.signatures[2].authority = 3), Err(RosterError::UnknownAuthority { authority: 3 }));
    let renamed = |roster: &mut SignedRoster| {
        roster.signatures = vec![signed.signatures[0].clone(), {
            let mut other = signed.signatures[0].clone();
            other.authority = 1;
            other
        }]
    };
    assert_eq!(with(&renamed), Err(RosterError::BadSignature { authority: 1 }));
    let tampered = parse_roster(&print_roster(&signed).replace("not-after 1", "not-after 9")).unwrap();
    assert_eq!(authorities.verify(&tampered), Err(RosterError::BadSignature { authority: 0 }));
}

/// The verifier's own settings are checked too: a threshold of zero, or one key counted as several.
#[test]
fn a_verifier_with_impossible_settings_accepts_nothing() {
    use tributary_certs::suite::RealSuite;
    let folder = federation();
    let signed = sign_roster(&folder.path().join("authority")).unwrap();
    let keys =
        RosterAuthorities::read(&folder.path().join("authority").join(names::AUTHORITIES)).unwrap().keys().to_vec();
    let refused = |keys: &[_], needed| {
        signed.verify::<RealSuite>(keys, needed).is_err_and(|error| matches!(error, RosterError::Authorities { .. }))
    };
    assert!(refused(&keys, 0) && refused(&keys, 4) && refused(&[], 1));
    assert!(refused(&vec![keys[0].clone(); 3], 2));
}

#[test]
fn a_roster_s_text_has_one_form() {
    let folder = federation();
    let signed = sign_roster(&folder.path().join("authority")).unwrap();
    let text = print_roster(&signed);
    assert_eq!(parse_roster(&text).unwrap(), signed);
    let bad = [
        text.trim_end().to_owned(),
        text.replace("roster 3", "roster 2"),
        text.replace('\n', "\r\n"),
        text.replace("epoch 1", "epoch 01"),
        text.replace("epoch 1", "epoch +1"),
        text.replace("epoch 1", "epoch  1"),
        text.replace("client 2", "client 4294967297"),
        text.replace("signature 0 ", "signature 0 00"),
        text.replace("signature 1", "sig 1"),
        text.replace("signature 0 ed25519:", "signature 0 "),
        text.replace("signing ed25519:", "signing sm2:"),
        text.replace("signing ed25519:", "signing ED25519:"),
        format!("{text}\n"),
        format!("{text}client 9\n"),
        String::new(),
    ];
    for bad in bad {
        assert!(matches!(parse_roster(&bad), Err(None)), "{bad}");
    }
    let (first, second) = (text.find("client 1").unwrap(), text.find("client 2").unwrap());
    let end = text.find("signature 0").unwrap();
    let swapped = [&text[..first], &text[second..end], &text[first..second], &text[end..]].concat();
    assert!(matches!(parse_roster(&swapped), Err(Some(RosterError::Order { client: ClientId(1) }))));
    let doubled = [&text[..second], &text[first..second], &text[second..]].concat();
    assert!(matches!(parse_roster(&doubled), Err(Some(RosterError::Order { client: ClientId(1) }))));
}

#[test]
fn derived_decoding_refuses_what_the_constructor_refuses() {
    let folder = federation();
    let signed = sign_roster(&folder.path().join("authority")).unwrap();
    let json = serde_json::to_string(&signed).unwrap();
    assert_eq!(serde_json::from_str::<SignedRoster>(&json).unwrap(), signed);
    assert!(serde_json::from_str::<SignedRoster>(&json.replace("\"client\":2", "\"client\":1")).is_err());
    assert!(serde_json::from_str::<SignedRoster>(&json.replace("\"epoch\":1", "\"epoch\":0")).is_err());
}

#[test]
fn an_inspection_says_what_is_wrong() {
    let folder = federation();
    let chain = folder.path().join("branch-1").join(names::CHAIN);
    let roots = TrustRoots::read(&folder.path().join("branch-1").join(names::TRUST)).unwrap();
    let good = inspect(&chain, Some(&roots), NOW).unwrap();
    assert_eq!(good.problems, Vec::<String>::new());
    assert_eq!((good.role, good.days_left, good.chain_length), (Some(Role::Client), 30, 2));
    assert_eq!(good.key, "ECDSA, 256 bits");
    let member = &read_members(&folder.path().join("authority")).unwrap()[0];
    assert_eq!(good.spki_sha256, member.entry.tls_spki_sha256.to_string());
    assert_eq!(good.identity.as_ref(), Some(&member.identity));
    assert!(good.to_string().contains("spiffe://federation.example/north-bank/client/branch-1"));
    assert!(serde_json::to_string(&good).unwrap().contains("\"problems\":[]"));
    let late = inspect(&chain, Some(&roots), NOW + 40 * DAY).unwrap();
    assert!(late.problems.len() == 1 && late.problems[0].contains("expired 10 days ago") && late.days_left < 0);
    let soon = inspect(&chain, None, NOW + 25 * DAY).unwrap();
    assert!(soon.problems[0].contains("expires in 5 days"));
    let centre = inspect(&folder.path().join("centre").join(names::CHAIN), Some(&roots), NOW).unwrap();
    assert_eq!((centre.problems.len(), centre.role), (0, Some(Role::Coordinator)));
    assert_eq!(centre.hosts, ["coordinator.example", "127.0.0.1"]);
    let root = inspect(&folder.path().join("branch-1").join(names::TRUST), None, NOW).unwrap();
    assert!(root.authority && root.identity.is_none() && root.problems.is_empty());
    let other = federation();
    let foreign = TrustRoots::read(&other.path().join("branch-1").join(names::TRUST)).unwrap();
    for daemon in ["branch-1", "centre"] {
        let found = inspect(&folder.path().join(daemon).join(names::CHAIN), Some(&foreign), NOW).unwrap();
        assert!(found.problems[0].contains("certificate-foreign-authority"), "{:?}", found.problems);
    }
    assert!(inspect(&folder.path().join("branch-1").join(names::KEY), None, NOW).is_err());
}

#[test]
fn a_revocation_list_goes_through_its_file() {
    let folder = federation();
    let authority = open_authority(&folder.path().join("authority")).unwrap();
    let chain = tributary_certs::tls::read_certificates(&folder.path().join("branch-1").join(names::CHAIN)).unwrap();
    let serial = serial_of(&chain[0]).unwrap();
    let list = authority.revocation_list(7, Validity::starting(NOW, DAY), &[serial]).unwrap();
    let path = folder.path().join("revoked.pem");
    let text = pem::encode(&pem::Pem::new("X509 CRL", list.to_vec()));
    write_public(&path, text.as_bytes(), Existing::Replace).unwrap();
    assert_eq!(read_revocations(&path).unwrap(), [list]);
    write_public(&path, b"nothing\n", Existing::Replace).unwrap();
    assert!(matches!(read_revocations(&path), Err(FileError::Content { .. })));
}
