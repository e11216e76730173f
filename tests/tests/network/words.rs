//! A coordinator in other hands: what it says reaches a branch's reports, and the error that its daemon ends with, as words alone.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};

use bytes::Bytes;
use tributary_certs::clock::unix_seconds;
use tributary_certs::counter::door_configs;
use tributary_certs::enrolment::names;
use tributary_certs::keys::read_signing_key;
use tributary_certs::provider::KeyExchange;
use tributary_certs::revocation::{RevocationLists, Seen};
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_certs::tls::{CoordinatorTls, Credentials, TrustRoots, system_clock};
use tributary_client::runtime::Ends;
use tributary_client::settings::Settings;
use tributary_client::telemetry::Report;
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::frame::encode_frame;
use tributary_protocol::ids::RunId;
use tributary_protocol::limits::{CONTROL_MESSAGE_BYTES_MAX, VECTOR_BYTES_MAX};
use tributary_protocol::message::{
    Downstream, FRAME_CONTROL, Proof, RejectCode, ToClient, ToCoordinator, Upstream, frame_bytes_max,
};
use tributary_protocol::printable::is_hidden;
use tributary_protocol::round::{Ending, ending_message};
use tributary_protocol::secagg::suite::Suite as _;
use tributary_transport::{
    Accepted, Frames, Greeted, Link, LinkId, ListenSettings, Listener, ServerKeys, Timers, Welcome,
};

use crate::cast::federation;

const HOSTILE: &str = "no\u{1b}[2J\u{1b}[1;1H\nconnected to the coordinator\u{202e}lla";
const SHOWN: &str = "no\\u{1b}[2J\\u{1b}[1;1H\\u{a}connected to the coordinator\\u{202e}lla";

fn keys(identity: &Path) -> ServerKeys {
    let trust = identity.join(names::TRUST);
    let roots = TrustRoots::read(&trust).expect("trust");
    let seen = Seen::beside(&trust).expect("numbers");
    let read = RevocationLists::read(&identity.join(names::REVOCATIONS), &roots, &seen, None).expect("lists");
    let doors = door_configs(CoordinatorTls {
        credentials: Credentials::read(&identity.join(names::CHAIN), &identity.join(names::KEY)).expect("an identity"),
        roots: &roots,
        revocations: &read.lists,
        clock: system_clock(),
        key_exchange: KeyExchange::DEFAULT,
        ended: tributary_certs::ended::EndedCertificates::default(),
    });
    let doors = doors.expect("configurations");
    ServerKeys { peers: Arc::new(doors.peers), office: Some(Arc::new(doors.office)), quic: Arc::new(doors.both) }
}

/// Welcomes a connection, and waits for the nonce of the client's `Join`.
async fn joined(listener: &Listener) -> (Link, Digest) {
    let wire = loop {
        // Whoever asks the office gets no answer.
        if let Ok(Accepted::Peer(wire)) = listener.next().await.expect("it listens").accept(|| {}).await {
            break wire;
        }
    };
    let (greeted, _) = Greeted::by_peer(*wire).await.expect("it greets");
    let mut link = Link::new(Timers::default());
    let welcome = Welcome { link: LinkId([7; 16]), resumed: false, received: 0, unix_seconds: unix_seconds() };
    link.welcome(greeted, 0, welcome).expect("a new link");
    link.send([frame(&ToClient::Run(RUN, Downstream::Invite))]);
    let mut frames = Frames::new(|kind| frame_bytes_max(kind, VECTOR_BYTES_MAX));
    loop {
        if let Some(frame) = frames.frame().expect("a frame") {
            match codec::decode(&frame.payload, CONTROL_MESSAGE_BYTES_MAX) {
                Ok(ToCoordinator::Run(RUN, Upstream::Join(join))) => return (link, join.nonce),
                Ok(ToCoordinator::About { .. } | ToCoordinator::Witness(_)) => continue,
                other => panic!("a join: {other:?}"),
            }
        }
        frames.feed(link.read().await.expect("the client speaks"));
    }
}

/// The run that is invited to.
const RUN: RunId = RunId([1; 32]);

fn frame(message: &ToClient) -> Bytes {
    encode_frame(FRAME_CONTROL, &codec::encode(message)).into()
}

/// Refuses the client twice: at first at the door, as anybody can, then in a run for good.
fn coordinate(identity: &Path, client: &SigningKey, address: &mpsc::Sender<SocketAddr>) {
    let signing_key = read_signing_key(&identity.join(names::SIGNING_KEY)).expect("a signing key");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let path = tributary_transport::Path::default();
        let settings = ListenSettings { listen: "127.0.0.1:0".into(), tcp: true, path, timers: Timers::default() };
        let listener = Listener::open(&settings, keys(identity)).expect("a port");
        address.send(listener.address()).expect("the test waits");
        for code in [RejectCode::NotInRoster, RejectCode::PlanFinished] {
            let (mut link, nonce) = joined(&listener).await;
            let explanation = HOSTILE.into();
            let message = if code.is_final() {
                let ending = Ending::Rejected { code, explanation: HOSTILE };
                let message = ending_message::<RealSuite>(RUN, &RealSuite::verifying_key(client), &nonce, ending);
                let proof = Some(Proof { run: RUN, signature: RealSuite::sign(&signing_key, &message) });
                ToClient::Run(RUN, Downstream::Rejected { code, explanation, proof })
            } else {
                ToClient::Refused { code, explanation }
            };
            link.send([frame(&message)]);
            // Until the client hangs up.
            link.tend_to_end().await;
        }
    });
}

#[test]
fn a_branch_s_reports_and_its_last_error_show_a_refusal_escaped() {
    let folder = tempfile::tempdir().expect("a folder");
    let federation = federation(folder.path(), "model = \"logistic\"\nrounds = 1\n", "");
    let client = read_signing_key(&federation.branch(0).join("identity").join(names::SIGNING_KEY)).expect("a key");
    let (sender, address) = mpsc::channel();
    let reports: Mutex<Vec<Report>> = Mutex::default();
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| coordinate(&federation.folder.join("coordinator/identity"), &client, &sender));
        let settings = federation.client_settings(address.recv().expect("it listens")).swap_remove(0);
        let settings = Settings::load(&settings).expect("good settings");
        let note = |report: &Report| reports.lock().expect("one writer").push(report.clone());
        tributary_client::runtime::run(settings, Ends::WithFirstRun, &note)
    });
    let error = ended.expect_err("it was refused for good").to_string();
    assert!(error.contains(SHOWN) && !error.contains(is_hidden), "{error:?}");
    let reports = reports.into_inner().expect("one writer");
    let refused = |report: &&Report| matches!(report, Report::Refused { reason, .. } if reason == SHOWN);
    assert_eq!(reports.iter().filter(refused).count(), 2, "{reports:?}");
    let hung_up = |report: &Report| matches!(report, Report::Disconnected { reason, .. } if reason.contains(SHOWN));
    assert!(reports.iter().any(hung_up), "{reports:?}");
    for report in &reports {
        let json = serde_json::to_string(report).expect("plain data");
        assert!(!json.contains(is_hidden), "{json:?}");
    }
}
