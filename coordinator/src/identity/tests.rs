//! Files of an identity: each of them alone is broken, and all of them together.

use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::roster::{MemberName, Roster, RosterEntry};
use tributary_transport::identity::KeyPlace;

use super::*;
use crate::enrolled::{Federation, now};
use crate::settings::Settings;

const NOW: u64 = 1_900_000_000;

fn roster(ends: &[u64]) -> SignedRoster {
    let entry = |(number, not_after): (u32, &u64)| RosterEntry {
        client: ClientId(number),
        name: MemberName::parse(&format!("north-bank/branch-{number}")).unwrap(),
        organisation: OrganisationId(1),
        signing_key: SigningKey::from_seed(&[u8::try_from(number).unwrap(); 32]).verifying_key(),
        tls_spki_sha256: Digest([u8::try_from(number).unwrap(); 32]),
        not_after: *not_after,
    };
    let roster = Roster::new(1, Digest::ZERO, (1..).zip(ends).map(entry).collect(), vec![], vec![]).unwrap();
    SignedRoster { roster, signatures: Vec::new() }
}

#[test]
fn the_last_quarter_of_a_certificate_is_told_and_how_many_entries_have_ended() {
    let cert = |left: u64| Validity { not_before: NOW - (400 * DAY - left), not_after: NOW + left };
    let told = |left: u64| warnings(&cert(left), "renew it", &roster(&[NOW]), NOW);
    assert_eq!(told(100 * DAY), [""; 0]);
    assert_eq!(told(100 * DAY - 1), ["this coordinator's certificate expires in 99 days: renew it"]);
    assert_eq!(told(2 * DAY), ["this coordinator's certificate expires in 2 days: renew it"]);
    // An entry counts up to its last second.
    let ended = |ends: &[u64]| warnings(&cert(200 * DAY), "renew it", &roster(ends), NOW);
    assert_eq!(ended(&[NOW, NOW + 1]), [""; 0]);
    let [two] = ended(&[NOW - 1, NOW, 5]).try_into().unwrap();
    assert!(two.starts_with("2 clients' entries in the roster have ended"), "{two}");
}

#[test]
fn each_file_that_cannot_be_used_is_named_by_its_key_and_all_of_them_at_once() {
    let federation = Federation::new(2);
    let config = federation.settings(|text| text);
    let open = || OwnIdentity::open(Settings::load(&config).unwrap().identity, None, now());
    let own = open().map_err(|faults| format!("{faults:?}")).unwrap();
    assert_eq!(own.identity.to_string(), "spiffe://federation.example/centre/coordinator/main");
    let authorities = Settings::load(&config).unwrap().identity.authorities;
    assert_eq!(own.federation, RosterAuthorities::read(&authorities).unwrap().digest());
    assert_eq!((own.roster.roster.entries().len(), own.warnings.len()), (2, 0), "{:?}", own.warnings);
    let files = Settings::load(&config).unwrap().identity;
    #[cfg_attr(
        not(feature = "pkcs11"),
        expect(clippy::infallible_destructuring_match, reason = "tokens are not built in")
    )]
    let key = match &files.tls.key {
        KeyPlace::File(key) => key,
        #[cfg(feature = "pkcs11")]
        KeyPlace::Token(_) => panic!("a key in a file"),
    };
    let places = [
        (&files.signing_key, "identity.signing_key"),
        (&files.authorities, "identity.authorities"),
        (&files.roster, "identity.roster"),
        (&files.tls.chain, "identity.certificate"),
        (key, "identity.certificate"),
        (&files.tls.trust, "identity.ca_certificate"),
        (&files.tls.revocations, "identity.revocations"),
    ];
    let keys = || -> Vec<String> {
        let faults = open().err().expect("a fault");
        assert!(faults.iter().all(|fault| !fault.found.is_empty() && !fault.allowed.is_empty()), "{faults:?}");
        faults.into_iter().map(|fault| fault.key).collect()
    };
    let mut whole = Vec::new();
    for (path, expected) in places {
        let bytes = std::fs::read(path).unwrap();
        std::fs::write(path, "nothing\n").unwrap();
        assert_eq!(keys(), [expected], "{}", path.display());
        std::fs::write(path, &bytes).unwrap();
        whole.push((path, bytes));
    }
    places.iter().for_each(|(path, _)| std::fs::write(path, "nothing\n").unwrap());
    let all = ["signing_key", "authorities", "certificate", "ca_certificate"].map(|name| format!("identity.{name}"));
    assert_eq!(keys(), all, "a roster and lists are judged by the files that are broken");
    whole.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    // Without a roster nothing is broken.
    std::fs::remove_file(&files.roster).unwrap();
    let own = open().map_err(|faults| format!("{faults:?}")).unwrap();
    let [none] = own.warnings.try_into().unwrap();
    assert!(none.starts_with("there is no roster at ") && none.contains("coordinator/roster"), "{none}");
}
