//! Who gets in, who does not, and what each is told: over real QUIC on this machine.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

use std::path::Path;
use std::time::Duration;

use support::{Client, Daemon, Federation, Unanswered, dial, now};
use tributary_certs::enrolment::names;
use tributary_certs::keys::TlsKey;
use tributary_coordinator::Event;
use tributary_coordinator::cli::{SAMPLE, check, init};
use tributary_protocol::frame::frame_header;
use tributary_protocol::limits::{CONTROL_MESSAGE_BYTES_MAX, PROTOCOL_VERSION};
use tributary_protocol::message::{Downstream, FRAME_CONTROL, FRAME_VECTOR, RejectCode};
use tributary_transport::Transport;

const DAY: u64 = 86_400;
const CLIENTS: usize = 8;

/// A coordinator that serves while `test` runs, and then stops in order.
fn with_coordinator<T>(federation: &Federation, test: impl AsyncFnOnce(std::net::SocketAddr) -> T) -> T {
    with_reporting_coordinator(federation, test).0
}

/// As [`with_coordinator`], with what it told.
fn with_reporting_coordinator<T>(
    federation: &Federation,
    test: impl AsyncFnOnce(std::net::SocketAddr) -> T,
) -> (T, Vec<Event>) {
    let mut daemon = Daemon::start(&federation.settings(|text| text));
    let address = daemon.address();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = runtime.block_on(test(address));
    daemon.stop();
    let (end, events) = daemon.join();
    end.unwrap();
    assert_eq!(events.last(), Some(&Event::Stopped { rounds: 0 }));
    (result, events)
}

/// Why a client's connection is refused.
async fn refusal(client: &mut Client) -> (RejectCode, String) {
    match client.first_answer().await {
        Err(Unanswered::Refused(code, explanation)) => (code, explanation),
        other => panic!("{other:?}"),
    }
}

/// The answer to a client's first message, or why there was none.
async fn answer(federation: &Federation, id: &str, address: std::net::SocketAddr) -> Result<Downstream, Unanswered> {
    Client::connect(federation, id, address, 0).await.map_err(Unanswered::Lost)?.first_answer().await
}

/// Why a client is not let in.
async fn turned_away(federation: &Federation, id: &str, address: std::net::SocketAddr) -> (RejectCode, String) {
    refusal(&mut Client::connect(federation, id, address, 0).await.unwrap()).await
}

#[test]
fn an_enrolled_client_is_welcomed_and_a_second_one_like_it_is_not() {
    let federation = Federation::new(CLIENTS);
    with_coordinator(&federation, async |address| {
        for (first, second) in [(Transport::Quic, Transport::Tcp), (Transport::Tcp, Transport::Quic)] {
            let mut first = Client::connect_over(first, &federation, "branch-0", address, 0).await.unwrap();
            let Downstream::Welcome(welcome) = first.first_answer().await.unwrap() else { panic!("a welcome") };
            assert_eq!(welcome.roster.roster.entries().len(), CLIENTS);
            // The first one is asked whether it is alive, and it is.
            let (refused, alive) = tokio::join!(
                async {
                    let mut second = Client::connect_over(second, &federation, "branch-0", address, 0).await.unwrap();
                    refusal(&mut second).await
                },
                first.is_alive_for(Duration::from_secs(5)),
            );
            let (code, explanation) = refused;
            assert_eq!(code, RejectCode::AlreadyConnected);
            assert!(explanation.contains("the first stays") && alive, "{explanation}");
            // And when it has gone its seat is free.
            first.leave().await;
            let again = answer(&federation, "branch-0", address).await.unwrap();
            assert!(matches!(again, Downstream::Welcome(_)), "{again:?}");
        }
    });
}

#[test]
fn a_killed_client_s_next_process_is_let_in_after_the_proof_of_life() {
    let federation = Federation::new(CLIENTS);
    with_coordinator(&federation, async |address| {
        for transport in [Transport::Quic, Transport::Tcp] {
            let mut first = Client::connect_over(transport, &federation, "branch-0", address, 0).await.unwrap();
            assert!(matches!(first.first_answer().await, Ok(Downstream::Welcome(_))));
            first.vanish();
            let begun = std::time::Instant::now();
            let again = answer(&federation, "branch-0", address).await.unwrap();
            assert!(matches!(again, Downstream::Welcome(_)), "{again:?}");
            // Not a bound on time: without the question it would take the idle limit of 15 seconds.
            assert!(begun.elapsed() < Duration::from_secs(10), "{transport}: {:?}", begun.elapsed());
        }
    });
}

#[test]
fn a_stranger_with_a_valid_certificate_is_told_that_the_roster_lacks_it() {
    let federation = Federation::new(CLIENTS);
    federation.enrol("latecomer", now());
    let (code, explanation) =
        with_coordinator(&federation, async |address| turned_away(&federation, "latecomer", address).await);
    assert_eq!(code, RejectCode::NotInRoster);
    assert!(explanation.contains("latecomer") && explanation.contains("roster"), "{explanation}");
}

#[test]
fn a_client_whose_entry_in_the_roster_has_expired_is_told_so() {
    // Enrolled long ago: the entry ends after a year, and the certificate was renewed for the same key.
    let federation = Federation::aged(CLIENTS, now(), now() - 366 * DAY);
    federation.renew("branch-0");
    let mut daemon = Daemon::start(&federation.settings(|text| text));
    let address = daemon.address();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (code, explanation) = runtime.block_on(turned_away(&federation, "branch-0", address));
    assert_eq!(code, RejectCode::EntryEnded);
    assert!(explanation.contains("has ended"), "{explanation}");
    // Its operator here is told as well, and once, however often it comes.
    let is_told = |event: &Event| matches!(event, Event::TurnedAway { code, .. } if code == "EntryEnded");
    daemon.wait_for(|event| is_told(event).then_some(()));
    assert_eq!(runtime.block_on(turned_away(&federation, "branch-0", address)).0, RejectCode::EntryEnded);
    daemon.stop();
    assert!(!daemon.join().1.iter().any(is_told));
}

#[test]
fn bad_certificates_end_at_the_handshake() {
    let federation = Federation::new(CLIENTS);
    let foreign = Federation::new(1);
    federation.enrol("old", now() - 40 * DAY);
    let folder = federation.client_folder("self");
    self_signed(&folder);
    with_coordinator(&federation, async |address| {
        let foreign = foreign.client_folder("branch-0");
        let cases = [
            ("expired", federation.client_folder("old"), "certificate-expired"),
            ("foreign authority", foreign, "certificate-"),
            ("self-signed", folder, "certificate-"),
        ];
        for (name, folder, part) in cases {
            for transport in [Transport::Quic, Transport::Tcp] {
                let reason = refused(&federation, &folder, address, transport).await;
                assert!(reason.to_lowercase().contains(&part.to_lowercase()), "{name} over {transport}: {reason}");
            }
        }
    });
}

/// Why a connection with this folder's certificate ends. A client's own handshake ends before the coordinator has judged it.
async fn refused(
    federation: &Federation,
    folder: &Path,
    address: std::net::SocketAddr,
    transport: Transport,
) -> String {
    dial(address, federation.tls(folder), transport).await.err().expect("nobody like that is let in")
}

fn self_signed(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let key = TlsKey::generate();
    key.write(&folder.join(names::KEY)).unwrap();
    let pair = rcgen::KeyPair::from_pem(&std::fs::read_to_string(folder.join(names::KEY)).unwrap()).unwrap();
    let mut parameters = rcgen::CertificateParams::default();
    let uri = "spiffe://federation.example/north-bank/client/self";
    parameters.subject_alt_names = vec![rcgen::SanType::URI(uri.try_into().unwrap())];
    parameters.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = parameters.self_signed(&pair).unwrap();
    std::fs::write(folder.join(names::CHAIN), certificate.pem()).unwrap();
}

#[test]
fn bytes_that_are_not_the_protocol_close_the_connection_with_a_reason() {
    let federation = Federation::new(CLIENTS);
    let too_long = u32::try_from(CONTROL_MESSAGE_BYTES_MAX).unwrap() as usize + 1;
    let cases: [(&str, Vec<u8>, &str); 4] = [
        ("branch-0", frame_header(FRAME_CONTROL, too_long).to_vec(), "faulty or hostile"),
        ("branch-1", frame_header(77, 1).to_vec(), "kind 77"),
        ("branch-2", [frame_header(FRAME_CONTROL, 2).as_slice(), &[0xff, 0xff]].concat(), "cannot be decoded"),
        ("branch-3", frame_header(FRAME_VECTOR, 1 << 20).to_vec(), "announces"),
    ];
    with_coordinator(&federation, async |address| {
        for (id, bytes, part) in &cases {
            let client = Client::connect(&federation, id, address, 0).await.unwrap();
            let reason = client.send_and_be_closed(bytes).await;
            assert!(reason.contains(part), "{id}: {reason}");
        }
        // Nobody else noticed.
        assert!(matches!(answer(&federation, "branch-4", address).await, Ok(Downstream::Welcome(_))));
    });
}

#[test]
fn a_port_in_use_is_named_with_its_cure() {
    let federation = Federation::new(CLIENTS);
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for (kind, port) in [("UDP", udp.local_addr().unwrap().port()), ("TCP", tcp.local_addr().unwrap().port())] {
        let config = federation.settings(|text| text.replace("127.0.0.1:0", &format!("127.0.0.1:{port}")));
        let (result, events) = Daemon::start(&config).join();
        let text = result.unwrap_err().to_string();
        assert!(text.contains(&format!("{kind} port {port}")) && text.contains("coordinator.listen"), "{text}");
        assert!(events.is_empty());
    }
}

#[test]
fn a_second_coordinator_on_the_same_state_is_refused() {
    let federation = Federation::new(CLIENTS);
    let config = federation.settings(|text| text);
    let mut first = Daemon::start(&config);
    first.address();
    let text = Daemon::start(&config).join().0.unwrap_err().to_string();
    assert!(text.contains("in use by another tributary process"), "{text}");
    first.stop();
    first.join().0.unwrap();
}

#[test]
fn a_check_reports_the_plan_and_touches_nothing() {
    let federation = Federation::new(CLIENTS);
    let config = federation.settings(|text| text);
    let report = check(&config).unwrap();
    let [plan] = report.plans.as_slice() else { panic!("{report:?}") };
    assert_eq!((report.enrolled, plan.rounds, plan.rounds_charged_max), (CLIENTS, 3, 4));
    assert!(plan.epsilon.is_some_and(|epsilon| epsilon <= 4.0) && report.warnings.is_empty(), "{report:?}");
    assert_eq!(plan.no_round, None);
    assert!(report.identity.contains("coordinator"));
    assert!(report.to_string().contains("noise multiplier"));
    assert!(!federation.path("state/audit.log").exists());
}

#[test]
fn a_check_names_every_bad_file() {
    let federation = Federation::new(CLIENTS);
    let other = Federation::new(CLIENTS);
    let config = federation.settings(|text| text);
    let own = |name: &str| federation.coordinator().join(name);
    let theirs = |name: &str| other.coordinator().join(name);
    let cases = [
        (own(names::ROSTER), theirs(names::ROSTER), "identity.roster", "signature"),
        (own(names::TRUST), theirs(names::TRUST), "identity.revocations", "authority"),
        (
            own(names::CHAIN),
            federation.client_folder("branch-0").join(names::CHAIN),
            "identity.certificate",
            "cannot be used together",
        ),
        (own(names::SIGNING_KEY), own(names::KEY), "identity.signing_key", "signing key"),
    ];
    for (file, by, key, part) in cases {
        let before = std::fs::read(&file).unwrap();
        std::fs::write(&file, std::fs::read(by).unwrap()).unwrap();
        let faults = check(&config).unwrap_err();
        let fault = faults.faults.iter().find(|fault| fault.key == key).unwrap_or_else(|| panic!("{key}: {faults}"));
        assert!(fault.found.contains(part), "{faults}");
        std::fs::write(&file, before).unwrap();
    }
    let small = Federation::new(3);
    // Members can enrol while it is there, so that too few are no fault.
    let report = check(&small.settings(|text| text)).unwrap();
    let no_round = report.plans[0].no_round.clone().unwrap();
    assert!(no_round.starts_with("3 of 8 members are in"), "{report}");
}

#[test]
fn an_expired_certificate_of_the_coordinator_is_found_before_the_port_opens() {
    let federation = Federation::aged(CLIENTS, now() - 31 * DAY, now());
    let text = Daemon::start(&federation.settings(|text| text)).join().0.unwrap_err().to_string();
    assert!(text.contains("identity.certificate") && text.contains("expired 1 day ago"), "{text}");
}

#[test]
fn init_writes_the_sample_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = init(&folder.path().join("new")).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), SAMPLE);
    let refused = init(&folder.path().join("new")).unwrap_err().to_string();
    assert!(refused.contains("exists already"), "{refused}");
    // What init writes names its own folder's files, so that a check says which ones are missing.
    let faults = check(&path).unwrap_err();
    assert!(faults.faults.iter().all(|fault| fault.found.contains("no file")), "{faults}");
}

#[test]
fn clients_of_another_release_or_schema_are_told() {
    let federation = Federation::new(CLIENTS);
    let ((), events) = with_reporting_coordinator(&federation, async |address| {
        let mut client = Client::connect(&federation, "branch-0", address, 0).await.unwrap();
        let told = client.answer_to_join(99, support::Machines::schema().digest()).await.unwrap();
        assert!(matches!(told, Downstream::Rejected { code: RejectCode::VersionDiffers, .. }), "{told:?}");
        let mut client = Client::connect(&federation, "branch-1", address, 0).await.unwrap();
        let told = client.answer_to_join(PROTOCOL_VERSION, tributary_protocol::digest::Digest::ZERO).await.unwrap();
        assert!(matches!(told, Downstream::Rejected { code: RejectCode::SchemaDiffers, .. }), "{told:?}");
    });
    // The operator of the coordinator reads it as well.
    let away: Vec<&str> = events
        .iter()
        .filter_map(|event| if let Event::TurnedAway { code, .. } = event { Some(code.as_str()) } else { None })
        .collect();
    assert_eq!(away, ["VersionDiffers", "SchemaDiffers"]);
    assert!(events.iter().any(|event| event.to_string().contains("turned away: the plan was made for feature schema")));
}
