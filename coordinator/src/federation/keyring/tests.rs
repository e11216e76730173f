//! Keys, trust and lists of a coordinator: what is judged, when it is told, and what stays where a file is broken.

use tributary_certs::enrolment::names;
use tributary_certs::inspect::serial_of;
use tributary_certs::office::{RevocationReason, WhomToRevoke, fresh_root_list, revoke};
use tributary_certs::revocation::LIST_WARNING_SECONDS;
use tributary_daemon::Watchdog;
use tributary_transport::identity::KeyPlace;
use tributary_transport::{ListenSettings, Timers};

use super::*;
use crate::connections::{DoorSettings, Limits, Members};
use crate::enrolled::{Federation, now};
use crate::identity::OwnIdentity;
use crate::log::logged;
use crate::run::spool::Spool;
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
    let metrics: Vec<(&str, u64)> = keyring.metrics(now()).iter().map(|metric| (metric.name, metric.value)).collect();
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

/// What a coordinator with an office watches, by a clock of the test.
struct Watched {
    federation: Federation,
    keyring: Keyring,
    listener: Arc<Listener>,
    door: Arc<Door>,
    metrics: Arc<Metrics>,
    done: Done,
    runtime: tokio::runtime::Runtime,
}

impl Watched {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let federation = Federation::new(2);
        put_lists(&federation);
        let settings = Settings::load(&federation.settings(|text| text)).unwrap();
        let own = OwnIdentity::open(settings.identity, Some(federation.path("authority")), now())
            .unwrap_or_else(|_| panic!());
        let (inputs, _) = mpsc::channel(1);
        let door = Door::new(DoorSettings {
            members: Arc::new(Members::open(&own.roster.roster, &federation.path("")).unwrap()),
            standing: own.keyring.standing(),
            inputs,
            spool: Spool::new(federation.path("state")),
            limits: Arc::new(Limits::default()),
            traffic: Arc::default(),
            timers: Timers::default(),
            office: None,
            ended: own.keyring.ended(),
            unix_seconds: now,
        });
        let settings = ListenSettings {
            listen: "127.0.0.1:0".into(),
            tcp: true,
            path: tributary_transport::Path::default(),
            timers: Timers::default(),
        };
        let inside = runtime.enter();
        let listener = Arc::new(Listener::open(&settings, own.keyring.keys()).unwrap());
        let metrics = Arc::new(Metrics::in_folder(&federation.path("")));
        drop(inside);
        Self { federation, keyring: own.keyring, listener, door, metrics, done: Done::default(), runtime }
    }

    /// One look: what branches are sent, and what the log says.
    fn look(&mut self, now: u64) -> (Option<Vec<u8>>, String) {
        let Self { keyring, listener, door, metrics, done, runtime, .. } = self;
        logged(|| runtime.block_on(keyring.look(done, (listener, door), metrics, now)))
    }

    fn quiet(&mut self, now: u64) {
        assert_eq!(self.look(now), (None, String::new()));
    }

    fn metrics(&self) -> String {
        std::fs::read_to_string(self.federation.path("metrics.prom")).unwrap()
    }
}

/// Each thing has its own distance, and counts from when it was done last.
#[test]
fn what_is_due_is_done_and_not_before() {
    let mut watched = Watched::new();
    let start = now();
    let done = |reminded: u64, judged: u64, refreshed: u64| Done {
        reminded: start + reminded,
        judged: start + judged,
        refreshed: start + refreshed,
    };
    watched.quiet(start);
    assert_eq!(watched.done, done(0, 0, 0));
    let metrics = watched.metrics();
    for name in ["door_made_room_total", "certificate_not_after_seconds", "revocation_list_next_update_seconds"] {
        assert!(metrics.contains(&format!("\ntributary_{name} ")), "{metrics}");
    }
    // The office's own list is gone, and comes again when it is looked at.
    let list = watched.federation.path("authority").join(names::REVOCATIONS);
    std::fs::remove_file(&list).unwrap();
    for (after, expected) in [
        (29, done(0, 0, 0)),
        (30, done(0, 30, 0)),
        (59, done(0, 30, 0)),
        (60, done(0, 60, 60)),
        (89, done(0, 60, 60)),
        (90, done(0, 90, 60)),
        (119, done(0, 90, 60)),
        (120, done(0, 120, 120)),
        (3_599, done(0, 3_599, 3_599)),
        (3_600, done(3_600, 3_599, 3_599)),
        (7_199, done(3_600, 7_199, 7_199)),
        (7_200, done(7_200, 7_199, 7_199)),
    ] {
        watched.quiet(start + after);
        assert_eq!((&watched.done, after), (&expected, after));
        assert_eq!(list.exists(), after >= 60, "after {after} seconds");
    }
    // An office that has no folder any more says so each time.
    std::fs::rename(watched.federation.path("authority"), watched.federation.path("elsewhere")).unwrap();
    let (_, told) = watched.look(start + 7_259);
    assert!(told.contains("the office could not make a fresh revocation list"), "{told}");
    watched.quiet(start + 7_260);
}

/// Branches are sent lists that they do not have; whoever sits here is judged by them at once, and whoever renews the certificate is told.
#[test]
fn lists_that_have_changed_are_told_once() {
    let mut watched = Watched::new();
    let mut held = watched.keyring.held.subscribe();
    let start = now();
    watched.quiet(start);
    assert!(!held.has_changed().unwrap());
    let client = watched.federation.client_folder("branch-0").join(names::CHAIN);
    revoked(&watched.federation, serial_of(&read_certificates(&client).unwrap()[0]).unwrap());
    let (sent, told) = watched.look(start + 1);
    assert!(sent.is_some() && sent == watched.keyring.carried() && told.is_empty(), "{told}");
    assert_eq!((watched.done.judged, held.has_changed().unwrap()), (start + 1, false));
    watched.quiet(start + 2);
    assert_eq!(watched.done.judged, start + 1);
    // Another stamp, and the same lists.
    let (own, before) = (watched.federation.coordinator().join(names::REVOCATIONS), watched.keyring.carried());
    let text = std::fs::read_to_string(&own).unwrap();
    let file = std::fs::File::options().write(true).open(&own).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(start)).unwrap();
    watched.quiet(start + 3);
    assert_eq!((watched.done.judged, watched.keyring.carried()), (start + 3, before));
    // What cannot be used is told once, and again after half a minute.
    std::fs::write(&own, &text[..text.len() / 2]).unwrap();
    let faulty = |(sent, told): (Option<Vec<u8>>, String)| {
        sent.is_none() && told.matches("a changed file of the identity cannot be used").count() == 1
    };
    assert!(faulty(watched.look(start + 4)));
    watched.quiet(start + 33);
    assert!(faulty(watched.look(start + 34)));
    // Its own number.
    revoked(&watched.federation, serial_of(&watched.keyring.loaded.leaf).unwrap());
    let (sent, _) = watched.look(start + 35);
    assert!(sent.is_some() && held.has_changed().unwrap() && held.borrow_and_update().revoked);
    let (sent, _) = watched.look(start + 65);
    assert!(sent.is_none() && watched.done.judged == start + 65 && !held.has_changed().unwrap(), "nothing is new");
}

#[test]
fn what_runs_out_is_told_by_its_level() {
    let watched = Watched::new();
    let Validity { not_before, not_after } = watched.keyring.validity();
    let life = not_after - not_before;
    // Lists that last as long do not exist.
    let lines = |at: u64| {
        let (_, told) = logged(|| watched.keyring.remind(at));
        let lines = told.lines().filter(|line| line.contains("this coordinator's certificate"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        [lines(not_after - life * 6 / 10), lines(not_after - life * 4 / 10)],
        [Vec::<String>::new(), Vec::new()]
    );
    let [soon] = lines(not_after - life / 5).try_into().unwrap();
    assert!(soon.starts_with("WARN") && soon.contains("ends soon"), "{soon}");
    assert!(soon.contains(&format!(" left={}", life / 5 / DAY)), "{soon}");
    for (at, left) in [(not_after - 3 * DAY, 3), (not_after + 1, 0)] {
        let [now] = lines(at).try_into().unwrap();
        assert!(now.starts_with("ERROR") && now.contains("ends now"), "{now}");
        assert!(now.contains(&format!(" left={left}")), "{now}");
    }
    let end = watched.keyring.loaded.revocations.end(now()).unwrap().next_update;
    let (_, told) = logged(|| watched.keyring.remind(end - 60));
    assert!(told.contains("WARN") && told.contains("ends in 0 days and 0 hours, and then nobody is let in"), "{told}");
    let (_, told) = logged(|| watched.keyring.remind(end + 1));
    assert!(told.contains("ERROR") && told.contains("has ended, and nobody is let in"), "{told}");
}

/// The loop itself: a change goes to the machine within a second or so, and the loop ends with the machine.
#[test]
fn the_loop_follows_the_files_as_long_as_somebody_listens() {
    let Watched { federation, keyring, listener, door, metrics, runtime, .. } = Watched::new();
    let pulse = Watchdog::new().watch("identity", "identity_stalled_seconds", "Help.", Duration::from_secs(60));
    let (inputs, mut arrivals) = mpsc::channel(1);
    runtime.block_on(async {
        let loops = tokio::spawn(keyring.watch(listener, door, inputs, metrics, pulse));
        let client = federation.client_folder("branch-0").join(names::CHAIN);
        revoked(&federation, serial_of(&read_certificates(&client).unwrap()[0]).unwrap());
        let Some(Arrival::Lists(first)) = arrivals.recv().await else { panic!("another arrival") };
        assert!(!first.is_empty());
        drop(arrivals);
        let client = federation.client_folder("branch-1").join(names::CHAIN);
        revoked(&federation, serial_of(&read_certificates(&client).unwrap()[0]).unwrap());
        tokio::time::timeout(Duration::from_secs(60), loops).await.expect("it ends").unwrap();
    });
}
