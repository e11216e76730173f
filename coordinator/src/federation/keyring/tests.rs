//! Keys, trust and lists of a coordinator: what is judged, when it is told, and what stays where a file is broken.

use tributary_certs::enrolment::names;
use tributary_certs::inspect::serial_of;
use tributary_certs::office::{RevocationReason, WhomToRevoke, fresh_root_list, revoke};
use tributary_certs::revocation::LIST_WARNING_SECONDS;
use tributary_daemon::Watchdog;
use tributary_transport::identity::KeyPlace;
use tributary_transport::{ListenSettings, Timers};

use super::*;
use crate::enrolled::{Federation, now};
use crate::settings::Settings;

fn files(federation: &Federation) -> TlsFiles {
    Settings::load(&federation.settings(|text| text)).map_err(|faults| faults.to_string()).unwrap().identity.tls
}

fn opened(federation: &Federation, office: bool) -> Keyring {
    let office = office.then(|| federation.path("authority"));
    Keyring::open(files(federation), office, true, now()).map_err(|faults| format!("{faults:?}")).unwrap()
}

/// The authority's newest lists are put where the coordinator looks for them.
fn put_lists(federation: &Federation) {
    let lists = federation.path("authority").join(names::REVOCATIONS);
    std::fs::copy(lists, federation.coordinator().join(names::REVOCATIONS)).unwrap();
}

fn revoked(federation: &Federation, serial: Vec<u8>) {
    let whom = WhomToRevoke::Serial(serial);
    revoke(&federation.path("authority"), &whom, RevocationReason::Unspecified, 7, now()).unwrap();
    put_lists(federation);
}

#[test]
fn a_certificate_counts_from_its_first_second_to_its_last_and_is_a_coordinators() {
    let federation = Federation::new(1);
    let keyring = opened(&federation, false);
    let (leaf, Validity { not_before, not_after }) = (keyring.loaded.leaf.clone(), keyring.validity());
    let roots = TrustRoots::read(&keyring.files.trust).unwrap();
    let judged = |at: u64| judge(&keyring.files, &leaf, &roots, at).map_err(|fault| fault.to_string());
    let own = Validity { not_before, not_after };
    assert_eq!([judged(not_before), judged(not_after)], [Ok(own), Ok(own)]);
    assert!(judged(not_before - 1).unwrap_err().contains("not valid yet"));
    let expired = |days: u64| Err(format!("a certificate that expired {days} days ago"));
    assert_eq!([judged(not_after + 1), judged(not_after + 10 * DAY)], [expired(0), expired(10)]);
    // A member's own certificate is none.
    let client = federation.client_folder("branch-0");
    let mut member = files(&federation);
    (member.chain, member.key) = (client.join(names::CHAIN), KeyPlace::File(client.join(names::KEY)));
    let [fault] = Keyring::open(member, None, true, now()).err().expect("a fault").try_into().unwrap();
    assert_eq!(
        (fault.key.as_str(), fault.found.as_str()),
        ("identity.certificate", "a certificate that is not a coordinator's")
    );
}

/// What ends is told from a day before, to the hour; after its last second nobody is let in.
#[test]
fn lists_are_told_of_before_and_after_their_end() {
    let federation = Federation::new(1);
    let keyring = opened(&federation, false);
    let loaded = &keyring.loaded;
    let end = loaded.revocations.end(now()).unwrap().next_update;
    let near = end - LIST_WARNING_SECONDS;
    assert_eq!(loaded.warnings("cure", near), [""; 0]);
    let words = |at: u64| {
        let [told] = loaded.warnings("cure", at).try_into().unwrap();
        let (_, rest): (String, String) = told.split_once(" ends in ").map(|(a, b)| (a.into(), b.into())).unwrap();
        rest.split_once(',').unwrap().0.to_owned()
    };
    assert_eq!(words(near + 1), "0 days and 23 hours");
    assert_eq!(words(end - 7_200), "0 days and 2 hours");
    assert_eq!(words(end), "0 days and 0 hours");
    assert_eq!(loaded.ended(end), None);
    let ended = loaded.ended(end + 1).expect("it is over");
    assert!(ended.contains("has ended, and nobody is let in"), "{ended}");
    // Then nothing else is said beside it.
    assert_eq!(loaded.warnings("cure", end + 1), [""; 0]);
    let fault =
        |at: u64| Keyring::open(files(&federation), None, true, at).map(|_| ()).map_err(|faults| faults[0].key.clone());
    assert_eq!(fault(end), Ok(()));
    assert_eq!(fault(end + 1), Err("identity.revocations".to_owned()));
    let none = Some(federation.path("nowhere"));
    let [fault] = Keyring::open(files(&federation), none, true, now()).err().expect("a fault").try_into().unwrap();
    assert_eq!(fault.key, "enrolment.authority");
}

#[test]
fn what_is_published_and_held_is_of_the_certificate_in_force() {
    let federation = Federation::new(1);
    let keyring = opened(&federation, true);
    let end = keyring.loaded.revocations.end(now()).unwrap().next_update;
    let metrics: Vec<(&str, u64)> = keyring.metrics().iter().map(|metric| (metric.name, metric.value)).collect();
    let expected =
        [("certificate_not_after_seconds", keyring.validity().not_after), ("revocation_list_next_update_seconds", end)];
    assert_eq!(metrics, expected);
    assert_eq!(keyring.identity().to_string(), "spiffe://federation.example/centre/coordinator/main");
    assert_eq!(keyring.office(), Some(&federation.path("authority")));
    assert!(keyring.keys().office.is_some() && opened(&federation, false).keys().office.is_none());
    let roots = TrustRoots::read(&keyring.files.trust).unwrap();
    let carried = read_carried(&keyring.files.revocations, &roots, keyring.identity());
    assert!(carried.is_some() && keyring.carried() == carried);
    assert!(keyring.cure().contains("it should have renewed itself"), "{}", keyring.cure());
    let held = Held { validity: keyring.validity(), authority_revoked: false, revoked: false };
    assert_eq!((keyring.loaded.held(now()), *keyring.held.borrow()), (held, held));
    // Revoked by its own number: the branches do not believe it, and nobody renews it.
    revoked(&federation, serial_of(&keyring.loaded.leaf).unwrap());
    let keyring = opened(&federation, false);
    assert_eq!(keyring.loaded.held(now()), Held { revoked: true, ..held });
    let [told] = keyring.warnings(now()).try_into().unwrap();
    assert!(told.starts_with("branches do not believe this coordinator's own certificate: "), "{told}");
}

/// Lists that were adopted may not become older, and a broken file changes nothing.
#[test]
fn a_file_that_changes_is_read_again_and_a_broken_one_is_not_put_in_force() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let federation = Federation::new(1);
        let mut keyring = opened(&federation, false);
        let settings = ListenSettings {
            listen: "127.0.0.1:0".into(),
            tcp: true,
            path: tributary_transport::Path::default(),
            timers: Timers::default(),
        };
        let listener = Listener::open(&settings, keyring.keys()).unwrap();
        let (standing, number) = (keyring.standing(), |keyring: &Keyring| keyring.loaded.revocations.number());
        let first = std::fs::read(&keyring.files.revocations).unwrap();
        let before = number(&keyring);
        let client = federation.client_folder("branch-0").join(names::CHAIN);
        let leaf = read_certificates(&client).unwrap().remove(0);
        let (identity, entry) = (identity_of(&leaf).unwrap(), federation.members[0].entry.clone());
        let refused = || standing.refuses(&leaf, &identity, &entry.tls_spki_sha256, &entry, now()).is_some();
        assert!(!refused());
        revoked(&federation, serial_of(&leaf).unwrap());
        assert!(!refused(), "nobody has read it yet");
        assert!(keyring.reload(&listener, now()));
        assert!(number(&keyring) > before && refused());
        let newest = (number(&keyring), keyring.carried());
        // Cut, or older than what is in force.
        for bytes in [&first[..first.len() / 2], &first] {
            std::fs::write(&keyring.files.revocations, bytes).unwrap();
            assert!(!keyring.reload(&listener, now()));
            assert_eq!((number(&keyring), keyring.carried()), newest);
            assert!(refused());
        }
        let [fault] = Keyring::open(files(&federation), None, true, now()).err().expect("a fault").try_into().unwrap();
        assert_eq!(fault.key, "identity.revocations", "after a restart as well");
        put_lists(&federation);
        assert!(keyring.reload(&listener, now()));
        keyring.adopt(now()).unwrap();
    });
    let pulse = Watchdog::new().watch("identity", "identity_stalled_seconds", "Help.", Duration::from_secs(1));
    let federation = Federation::new(1);
    let (inputs, _arrivals) = mpsc::channel(1);
    let metrics = Arc::new(Metrics::in_folder(&federation.path("")));
    let renews =
        |office| opened(&federation, office).renewal(inputs.clone(), Arc::clone(&metrics), pulse.clone()).is_some();
    assert_eq!([renews(true), renews(false)], [true, false]);
    fresh_root_list(&federation.path("authority"), &federation.path("authority"), 5, now()).unwrap();
    put_lists(&federation);
    let [told] = opened(&federation, false).warnings(now()).try_into().unwrap();
    assert!(told.contains("4 days and 23 hours") || told.contains("5 days and 0 hours"), "{told}");
}
