//! The second copy of `audit.log`, with real processes: a coordinator that is killed between its journal and the receiver loses nothing, and rounds wait for
//! a receiver that does not acknowledge.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tributary_certs::provider::provider_of_others;
use tributary_certs::tls::read_certificates;
use tributary_protocol::codec;
use tributary_protocol::limits::LEDGER_ENTRY_BYTES_MAX;
use tributary_protocol::log::LedgerId;
use tributary_protocol::registry::{Notice, RegistryEvent};
use tributary_protocol::round::Recorded;
use tributary_storage::journal::visit;

use crate::demo::demo;
use crate::kills::{anew, clients_of, event, next, serving};
use crate::support::run;

/// So often a daemon is asked before the test gives up.
const ASKED_MAX: usize = 5_000;

/// A receiver of syslog over TLS that hears everything, and acknowledges when it is told to.
struct Receiver {
    port: u16,
    acknowledges: Arc<AtomicBool>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    /// With the certificate of this identity, which is of the machine's own name.
    fn start(identity: &Path) -> Self {
        let chain = read_certificates(&identity.join("identity.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(identity.join("identity.key")).unwrap();
        let config =
            ServerConfig::builder_with_provider(provider_of_others()).with_safe_default_protocol_versions().unwrap();
        let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let own = Self { port, acknowledges: Arc::default(), lines: Arc::default() };
        let (acknowledges, lines) = (Arc::clone(&own.acknowledges), Arc::clone(&own.lines));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                hear(StreamOwned::new(connection, stream.unwrap()), &acknowledges, &lines);
            }
        });
        own
    }

    /// By its place in the journal, the leaf that it was told; what came again is the same line.
    fn leaves(&self) -> BTreeMap<u64, String> {
        let mut leaves = BTreeMap::new();
        let field = |line: &str, name: &str| {
            line.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned()
        };
        let mut next = 0;
        for line in self.lines.lock().unwrap().iter() {
            let entry: u64 = field(line, "entry").parse().unwrap();
            assert!(entry <= next, "entry {entry} came before entry {next}");
            next = next.max(entry + 1);
            let before = leaves.insert(entry, line.clone());
            assert!(before.is_none_or(|before| before == *line), "{line}");
        }
        leaves.into_iter().map(|(entry, line)| (entry, field(&line, "leaf"))).collect()
    }
}

fn hear(mut stream: StreamOwned<ServerConnection, TcpStream>, acknowledges: &AtomicBool, all: &Mutex<Vec<String>>) {
    let mut text = String::new();
    if stream.read_to_string(&mut text).is_err() {
        return;
    }
    let mut rest = text.as_str();
    while let Some((length, after)) = rest.split_once(' ') {
        let (line, after) = after.split_at(length.parse().unwrap());
        all.lock().unwrap().push(line.to_owned());
        rest = after;
    }
    if acknowledges.load(Ordering::SeqCst) {
        stream.conn.send_close_notify();
        let _ = stream.flush();
    }
}

#[test]
fn nothing_is_lost_between_the_journal_and_its_second_copy() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    assert_eq!(demo(&dir, &[]).code, Some(0));
    let (central, state) = (dir.join("coordinator/coordinator.toml"), dir.join("coordinator/state"));
    anew(&dir, 3);
    let receiver = Receiver::start(&dir.join("identities/coordinator"));
    let port = receiver.port;
    let mut settings = fs::read_to_string(&central).unwrap();
    // No more than a round's entries may wait.
    settings.push_str(&format!(
        "\n[audit.sink]\nlag_entries_max = 3\n[audit.sink.syslog]\nserver = 'localhost:{port}'\ntrust = '../identities/coordinator/trust.pem'\n"
    ));
    fs::write(&central, settings).unwrap();

    // It hears everything and acknowledges nothing. So rounds wait, and who is asked says why.
    let mut coordinator = serving(&dir);
    let mut told = coordinator.lines();
    // In whichever order: the first attempt may fail before the coordinator listens, and a run may wait before it has failed. Each is told of once.
    let (mut clients, mut failed, mut waits) = (Vec::new(), false, false);
    while !failed || !waits {
        let event = next(&mut told);
        let says = |words: &str| event["reason"].as_str().is_some_and(|reason| reason.contains(words));
        match event["event"].as_str() {
            Some("sink_failed") if says("close_notify") => failed = true,
            Some("sink_failed") => panic!("{event}"),
            Some("waiting") if says("second copy") => waits = true,
            Some("listening") => clients = clients_of(&dir, &event),
            _ => {}
        }
    }
    let status = || {
        let words = ["coordinator", "status", "--json", "--config"].map(OsStr::new);
        let told = run(words.into_iter().chain([central.as_os_str()]));
        assert_eq!(told.code, Some(0), "{} {}", told.out, told.err);
        told.json()
    };
    // A key set-up that was under way ends first.
    let waits = |stands: &serde_json::Value| stands["runs"][0]["reason"].as_str().unwrap().contains("second copy");
    let stands = (0..ASKED_MAX).map(|_| status()).find(waits).expect("the run waits for the second copy");
    assert_eq!(stands["sink"]["withholds"], true, "{stands}");
    assert!(stands["sink"]["reason"].as_str().unwrap().contains("close_notify"), "{stands}");
    let metrics = fs::read_to_string(state.join("metrics.prom")).unwrap();
    assert!(metrics.contains("\ntributary_audit_sink_failing "), "{metrics}");

    // What it was told and did not acknowledge comes again after a kill.
    let heard = receiver.leaves();
    assert!(!heard.is_empty());
    coordinator.kill();
    receiver.acknowledges.store(true, Ordering::SeqCst);
    coordinator.restart();
    let mut told = coordinator.lines();
    event(&mut told, "round");
    // And once more in the middle of rounds, wherever the copy is.
    coordinator.kill();
    coordinator.restart();
    let mut told = coordinator.lines();
    let finished = event(&mut told, "finished");
    assert_eq!(finished["rounds"], 3, "{finished}");
    coordinator.child.wait().unwrap();
    for client in &mut clients {
        assert_eq!(client.child.wait().unwrap().code(), Some(0), "a client ends with its plan");
    }
    let (mut leaves, mut noticed) = (BTreeMap::new(), Vec::new());
    visit(&state.join("audit.log"), |entry| {
        leaves.insert(entry.position, entry.leaf.to_string());
        if entry.ledger == LedgerId::ADMINISTRATION {
            let recorded: Recorded<RegistryEvent> = codec::decode(entry.event, LEDGER_ENTRY_BYTES_MAX).unwrap();
            if let RegistryEvent::Noticed { notice } = recorded.event {
                noticed.push(notice);
            }
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(noticed, [Notice::SinkFailed, Notice::SinkBack], "the journal says when no round began because of it");
    assert_eq!(receiver.leaves(), leaves, "every entry of the journal, and nothing else");

    // A preflight tries the receiver, and says whose fault it is.
    let preflight = || {
        let words = ["coordinator", "preflight", "--json", "--config"].map(OsStr::new);
        run(words.into_iter().chain([central.as_os_str()]))
    };
    let found = preflight();
    assert!(found.out.contains("trying the second copy of audit.log: syslog over TLS"), "{} {}", found.out, found.err);
    assert!(found.out.contains("it would be taken"), "{}", found.out);
    receiver.acknowledges.store(false, Ordering::SeqCst);
    let found = preflight();
    assert_eq!(found.code, Some(24), "{} {}", found.out, found.err);
}
