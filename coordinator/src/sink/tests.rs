//! The second copy against a file and against receivers over real TLS, good and hostile ones.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use tributary_certs::provider::provider_of_others;
use tributary_daemon::notices::HostPort;
use tributary_protocol::ids::RoundId;
use tributary_protocol::log::LedgerId;
use tributary_protocol::message::ClosedReason;
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::time::Millis;
use tributary_storage::faults::each_sync_fails_once;
use tributary_storage::files::{Existing, write_private};
use tributary_storage::journal::Journal;

use super::entry::Line;
use super::syslog::SyslogWay;
use super::way::{SinkFault, Way as _};
use super::ways::way_of;
use super::*;
use crate::report::Event;
use crate::settings::{SinkWay, SyslogSink};

const NOW: u64 = 1_893_456_000_000;
const LEDGER: LedgerId = LedgerId([7; 32]);
/// For what never answers.
const SHORT: Duration = Duration::from_millis(300);

/// A journal in a state folder, and how much of it was written.
struct World {
    folder: tempfile::TempDir,
    journal: Journal<CoordinatorEvent>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open_view(&ledger_of(folder.path()), LEDGER).unwrap();
        Self { folder, journal }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn record(&mut self, entries: u64) -> Durable {
        for round in 0..entries {
            let event = CoordinatorEvent::RoundAborted { round: RoundId(round), reason: ClosedReason::Stopped };
            self.journal.append(Millis(NOW), event).unwrap();
        }
        self.journal.sync().unwrap();
        self.journal.durable()
    }

    fn start(&self, way: SinkWay, lag: Lag) -> (Sink, mpsc::Receiver<Arrival>) {
        let (inputs, arrivals) = mpsc::channel(64);
        let settings = SinkSettings { way, lag, enterprise: 1 };
        let journal = (self.folder.path(), self.journal.durable());
        (Sink::start(&settings, journal, inputs, || NOW).unwrap(), arrivals)
    }
}

const LAG: Lag = Lag { entries_max: 10, seconds_max: 60 };

/// Where each line stands in the journal.
fn positions(lines: &[String]) -> Vec<u64> {
    let of = |line: &String| line.split("entry=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
    lines.iter().map(of).collect()
}

fn read(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// The next event that the daemon is told.
fn told(arrivals: &mut mpsc::Receiver<Arrival>) -> Event {
    loop {
        if let Arrival::Told(event) = arrivals.blocking_recv().expect("it lives") {
            return *event;
        }
    }
}

/// Until rounds may begin.
fn goes_on(sink: &Sink, arrivals: &mut mpsc::Receiver<Arrival>) {
    while sink.withheld(NOW).is_some() {
        arrivals.blocking_recv().expect("it lives");
    }
}

/// A certificate for this machine in `NAME.pem` with its key in `NAME.key`, as a root of its own.
fn certificate(folder: &Path, name: &str) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    std::fs::write(folder.join(format!("{name}.pem")), made.cert.pem()).unwrap();
    let key = made.signing_key.serialize_pem();
    write_private(&folder.join(format!("{name}.key")), key.as_bytes(), Existing::Replace).unwrap();
}

/// A receiver with the certificate of this name, which asks for one of the other name where there is one.
fn receiver(folder: &Path, name: &str, asks: Option<&str>) -> Arc<ServerConfig> {
    use rustls::pki_types::pem::PemObject as _;
    let certificates =
        |name: &str| tributary_certs::tls::read_certificates(&folder.join(format!("{name}.pem"))).unwrap();
    let builder = ServerConfig::builder_with_provider(provider_of_others()).with_safe_default_protocol_versions();
    let builder = match asks {
        None => builder.unwrap().with_no_client_auth(),
        Some(asks) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(certificates(asks));
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider_of_others());
            builder.unwrap().with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).unwrap();
    Arc::new(builder.with_single_cert(certificates(name), key).unwrap())
}

fn listener() -> (TcpListener, HostPort) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, HostPort { host: "localhost".into(), port })
}

fn settings(folder: &Path, server: HostPort) -> SyslogSink {
    SyslogSink { server, trust: folder.join("server.pem"), certificate: None, close_notify: true }
}

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// Everything of one connection up to its close_notify, taken apart by the lengths; nothing where it was cut.
fn lines_of(stream: &mut Stream) -> Option<Vec<String>> {
    let mut text = Vec::new();
    stream.read_to_end(&mut text).ok()?;
    let (mut rest, mut lines) = (std::str::from_utf8(&text).unwrap(), Vec::new());
    while !rest.is_empty() {
        let (length, after) = rest.split_once(' ').unwrap();
        let (line, after) = after.split_at(length.parse().unwrap());
        lines.push(line.to_owned());
        rest = after;
    }
    Some(lines)
}

fn closes(stream: &mut Stream) {
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

/// One connection after another, for as long as somebody connects: the first so many are cut, and the lines of the others are handed on before they are
/// acknowledged.
fn serve(listener: TcpListener, config: Arc<ServerConfig>, cut: usize) -> Receiver<Vec<String>> {
    let (lines, heard) = channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream.unwrap());
            if number < cut {
                continue;
            }
            if let Some(got) = lines_of(&mut stream)
                && lines.send(got).is_ok()
            {
                closes(&mut stream);
            }
        }
    });
    heard
}

#[test]
fn a_file_has_every_entry_and_goes_on_where_it_was() {
    let mut world = World::new();
    let copy = world.path("copy.log");
    world.record(25);
    let (sink, mut arrivals) = world.start(SinkWay::File(copy.clone()), LAG);
    goes_on(&sink, &mut arrivals);
    sink.grows(world.record(3));
    sink.finish(Duration::from_secs(60));
    assert_eq!(positions(&read(&copy)), (0..28).collect::<Vec<_>>());
    assert_eq!(sink.standing().lag_entries, 0);
    // What was recorded while nobody copied, and a line that a crash has cut short.
    let torn = std::fs::read(&copy).unwrap();
    std::fs::write(&copy, &torn[..torn.len() - 9]).unwrap();
    world.record(2);
    let (sink, _arrivals) = world.start(SinkWay::File(copy.clone()), LAG);
    sink.finish(Duration::from_secs(60));
    let lines = read(&copy);
    assert_eq!(positions(&lines), (0..30).collect::<Vec<_>>());
    assert!(lines.iter().enumerate().all(|(number, line)| line.ends_with("\"]") == (number != 27)), "{lines:?}");
    // Another file is another sink.
    let (sink, _arrivals) = world.start(SinkWay::File(world.path("other.log")), LAG);
    sink.finish(Duration::from_secs(60));
    assert_eq!(read(&world.path("other.log")).len(), 30);
}

#[test]
fn what_keeps_nothing_takes_no_copy() {
    let mut world = World::new();
    world.record(11);
    let missing = world.path("no folder").join("copy.log");
    for way in [SinkWay::File(missing), SinkWay::File("/dev/null".into())] {
        let (sink, mut arrivals) = world.start(way, LAG);
        assert!(matches!(told(&mut arrivals), Event::SinkFailed { lag_entries: 11, .. }));
        assert!(sink.withheld(NOW).is_some_and(|why| why.contains("audit.log")));
    }
}

/// A disk that is gone for a while stops nothing for ever: the journal is read again from the place that was acknowledged.
#[test]
fn a_journal_that_cannot_be_read_is_tried_again() {
    let mut world = World::new();
    let (copy, ledger, away) = (world.path("copy.log"), ledger_of(world.folder.path()), world.path("away.log"));
    // Before anything was copied, and after everything before was.
    for more in [20, 15] {
        std::fs::rename(&ledger, &away).unwrap();
        // The daemon has the file open, and writes on.
        let durable = world.record(more);
        let (sink, mut arrivals) = world.start(SinkWay::File(copy.clone()), LAG);
        let Event::SinkFailed { reason, lag_entries, .. } = told(&mut arrivals) else { panic!("it fails") };
        assert!(reason.contains("cannot be read") && reason.contains("tried again"), "{reason}");
        assert_eq!(lag_entries, durable.entries);
        assert!(sink.withheld(NOW).is_some(), "what was never compared takes no rounds");
        assert_eq!(sink.standing().failing.unwrap().1, reason);
        std::fs::rename(&away, &ledger).unwrap();
        assert!(matches!(told(&mut arrivals), Event::SinkRestored { entries, .. } if entries == durable.entries));
        goes_on(&sink, &mut arrivals);
        sink.finish(Duration::from_secs(60));
        assert_eq!((sink.standing().lag_entries, sink.standing().failing), (0, None));
        assert_eq!(positions(&read(&copy)), (0..durable.entries).collect::<Vec<_>>());
    }
    // Nothing is left to copy, and reading works again: that is enough.
    std::fs::rename(&ledger, &away).unwrap();
    let (sink, mut arrivals) = world.start(SinkWay::File(copy.clone()), LAG);
    assert!(matches!(told(&mut arrivals), Event::SinkFailed { .. }));
    std::fs::rename(&away, &ledger).unwrap();
    assert!(matches!(told(&mut arrivals), Event::SinkRestored { entries: 35, .. }));
    goes_on(&sink, &mut arrivals);
    assert_eq!(read(&copy).len(), 35);
}

/// Another journal, or an older copy of this one, is not mixed into the copy.
#[test]
fn a_copy_of_another_journal_is_not_gone_on_with() {
    let mut world = World::new();
    let copy = world.path("copy.log");
    world.record(5);
    let (sink, _arrivals) = world.start(SinkWay::File(copy.clone()), LAG);
    sink.finish(Duration::from_secs(60));
    let place = std::fs::read(world.path("audit.sink")).unwrap();
    for entries in [2, 9] {
        let mut other = World::new();
        // Its first entry is of another round.
        other.record(1);
        other.record(entries);
        write_private(&other.path("audit.sink"), &place, Existing::Replace).unwrap();
        let (sink, mut arrivals) = other.start(SinkWay::File(copy.clone()), LAG);
        let Event::SinkFailed { reason, .. } = told(&mut arrivals) else { panic!("it is refused") };
        assert!(reason.contains("another journal"), "{reason}");
        assert!(sink.withheld(NOW).is_some() && sink.standing().failing.is_some());
        sink.finish(Duration::from_secs(60));
        assert_eq!(read(&copy).len(), 5, "nothing was added");
    }
}

#[test]
fn a_receiver_that_was_away_gets_everything_and_rounds_wait_meanwhile() {
    let mut world = World::new();
    certificate(world.folder.path(), "server");
    let (listener, server) = listener();
    let lines = serve(listener, receiver(world.folder.path(), "server", None), 1);
    world.record(1_100);
    let way = SinkWay::Syslog(settings(world.folder.path(), server));
    let (sink, mut arrivals) = world.start(way, LAG);
    let Event::SinkFailed { target, lag_entries, .. } = told(&mut arrivals) else {
        panic!("its first connection was cut")
    };
    assert_eq!((target.as_str(), lag_entries), (sink.standing().target.as_str(), 1_100));
    assert!(sink.withheld(NOW).is_some() && sink.standing().withholds);
    assert!(matches!(told(&mut arrivals), Event::SinkRestored { .. }));
    goes_on(&sink, &mut arrivals);
    sink.grows(world.record(7));
    sink.finish(Duration::from_secs(60));
    assert_eq!((sink.standing().lag_entries, sink.standing().failing), (0, None));
    let all: Vec<String> = lines.try_iter().flatten().collect();
    assert_eq!(positions(&all), (0..1_107).collect::<Vec<_>>());
}

/// Lines are taken when they and the file's name are on the disk. Those of an attempt that failed come again.
#[test]
fn a_file_takes_lines_once_they_are_durable() {
    let line = [Line { position: 0, at: NOW, text: "an entry".into() }];
    let deliver = |folder: &tempfile::TempDir| {
        let path = folder.path().join("copy");
        way_of(&SinkWay::File(path.clone())).deliver(&line)?;
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text == "an entry\n" || text == "an entry\nan entry\n", "{text}");
        Ok::<(), SinkFault>(())
    };
    assert_eq!(each_sync_fails_once(|| tempfile::tempdir().unwrap(), deliver), 2);
    // A device keeps nothing, and a folder has no lines.
    for other in [Path::new("/dev/null"), tempfile::tempdir().unwrap().path()] {
        let refused = way_of(&SinkWay::File(other.to_path_buf())).deliver(&line);
        assert!(matches!(refused, Err(SinkFault::NoFile)), "{refused:?}");
    }
}

#[test]
fn both_sides_prove_themselves() {
    let folder = tempfile::tempdir().unwrap();
    ["server", "own", "other"].iter().for_each(|name| certificate(folder.path(), name));
    let line = [Line { position: 0, at: NOW, text: "<110>1 - - - - - -".into() }];
    let deliver = |asks: Option<&str>, trust: &str, own: Option<&str>| {
        let (listener, server) = listener();
        let lines = serve(listener, receiver(folder.path(), "server", asks), 0);
        let file = |name: &str, kind: &str| folder.path().join(format!("{name}.{kind}"));
        let certificate = own.map(|own| (file(own, "pem"), file(own, "key")));
        let sink = SyslogSink { trust: file(trust, "pem"), certificate, ..settings(folder.path(), server) };
        (SyslogWay::to(sink).deliver(&line), lines.try_iter().flatten().count())
    };
    assert!(matches!(deliver(None, "server", None), (Ok(()), 1)));
    assert!(matches!(deliver(Some("own"), "server", Some("own")), (Ok(()), 1)));
    for (asks, trust, own) in
        [(None, "other", None), (Some("own"), "server", None), (Some("own"), "server", Some("other"))]
    {
        let (result, lines) = deliver(asks, trust, own);
        assert!(matches!(result, Err(SinkFault::Network(_) | SinkFault::EndedEarly)), "{trust} {own:?}: {result:?}");
        assert_eq!(lines, 0, "nothing was acknowledged");
    }
}

/// A receiver is elsewhere, whatever disk this machine has, and is sent nothing.
#[test]
fn a_receiver_that_would_take_the_copy_is_found_good() {
    let folder = tempfile::tempdir().unwrap();
    ["server", "other"].iter().for_each(|name| certificate(folder.path(), name));
    let found = |trust: &str| {
        let (listener, server) = listener();
        let lines = serve(listener, receiver(folder.path(), "server", None), 0);
        let sink = SyslogSink { trust: folder.path().join(trust), ..settings(folder.path(), server) };
        let (way, mut found) = (SinkWay::Syslog(sink), tributary_transport::preflight::Findings::default());
        preflight(&mut found, &SinkSettings { way, lag: LAG, enterprise: 1 }, folder.path());
        assert_eq!(lines.try_iter().flatten().count(), 0);
        found.lines()[0].outcome
    };
    use tributary_transport::preflight::Outcome;
    assert_eq!([found("server.pem"), found("other.pem")], [Outcome::Ok, Outcome::Fault]);
}

/// What a receiver does with one connection.
type Hostile = fn(Stream);

#[test]
fn a_receiver_that_does_not_answer_as_it_should_has_acknowledged_nothing_and_holds_nobody() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "server");
    let config = receiver(folder.path(), "server", None);
    let line = Line { position: 0, at: NOW, text: "x".repeat(2_000) };
    // More than the buffers of a connection hold.
    let lines = vec![line; 20_000];
    let against = |hostile: Hostile, limit: Duration, lines: &[Line], close_notify: bool| {
        let (listener, server) = listener();
        let config = Arc::clone(&config);
        let served: JoinHandle<()> = std::thread::spawn(move || {
            let stream = listener.accept().unwrap().0;
            hostile(StreamOwned::new(ServerConnection::new(config).unwrap(), stream));
        });
        let mut way = SyslogWay::to(SyslogSink { close_notify, ..settings(folder.path(), server) });
        way.limit = limit;
        let result = way.deliver(lines);
        served.join().unwrap();
        result
    };
    // It holds the connection until the other side leaves.
    let silent: Hostile = |mut stream| while !matches!(stream.sock.read(&mut [0]), Ok(0) | Err(_)) {};
    let deaf: Hostile = |mut stream| {
        while stream.conn.is_handshaking() && stream.conn.complete_io(&mut stream.sock).is_ok() {}
        // Nothing more is read until the connection ends, which a peek sees after what is in the buffer.
        stream.sock.set_nonblocking(false).unwrap();
        let mut left = stream.sock.try_clone().unwrap();
        while left.write_all(&[0; 1]).is_ok() {}
    };
    let resets: Hostile = |mut stream| {
        let _ = stream.read(&mut [0; 1_000]);
    };
    let keeps: Hostile = |mut stream| {
        let _ = lines_of(&mut stream);
    };
    let talks: Hostile = |mut stream| {
        let _ = lines_of(&mut stream);
        while stream.write_all(&[b'x'; 4_096]).is_ok() {}
    };
    let hasty: Hostile = |mut stream| {
        let _ = stream.read(&mut [0; 1]);
        closes(&mut stream);
        let _ = std::io::copy(&mut stream.sock, &mut std::io::sink());
    };
    let long = Duration::from_secs(60);
    let few = &lines[..1];
    assert!(matches!(against(silent, SHORT, few, true), Err(SinkFault::TooSlow(_))));
    let fault = against(deaf, SHORT, &lines, true).unwrap_err();
    assert!(matches!(fault, SinkFault::TooSlow(_) | SinkFault::Network(_)), "{fault}");
    let fault = against(resets, long, &lines, true).unwrap_err();
    assert!(matches!(fault, SinkFault::Network(_) | SinkFault::EndedEarly), "{fault}");
    let fault = against(keeps, long, few, true).unwrap_err();
    assert!(matches!(fault, SinkFault::NotAcknowledged), "{fault}");
    assert!(against(keeps, long, few, false).is_ok(), "where the operator knows that it ends so");
    let fault = against(talks, long, few, true).unwrap_err();
    assert!(matches!(fault, SinkFault::Speaks), "{fault}");
    let fault = against(hasty, long, &lines, true).unwrap_err();
    assert!(matches!(fault, SinkFault::EndedEarly | SinkFault::Network(_)), "{fault}");
}

/// Says so much before it reads, and so much after it has read everything, and then acknowledges.
fn chatty<const BEFORE: usize, const AFTER: usize>(mut stream: Stream) {
    let says = |stream: &mut Stream, bytes: usize| stream.write_all(&vec![b'x'; bytes]).and_then(|()| stream.flush());
    says(&mut stream, BEFORE).unwrap();
    assert!(lines_of(&mut stream).is_some());
    // A sink that has heard too much has gone.
    let _ = says(&mut stream, AFTER);
    closes(&mut stream);
    let _ = std::io::copy(&mut stream.sock, &mut std::io::sink());
}

/// A receiver may say a little, before and after it has everything: it is as much in all.
#[test]
fn a_receiver_may_say_so_much_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "server");
    let config = receiver(folder.path(), "server", None);
    // More than the buffers of a connection hold: it has spoken before the last line leaves.
    let lines = vec![Line { position: 0, at: NOW, text: "x".repeat(20_000) }; 600];
    let rows: [(Hostile, usize, bool); 5] = [
        (chatty::<0, 16_383>, 1, true),
        (chatty::<0, 16_384>, 1, false),
        (chatty::<1_000, 15_383>, 600, true),
        (chatty::<1_000, 15_384>, 600, false),
        (chatty::<9_000, 7_384>, 600, false),
    ];
    for (number, (hostile, count, taken)) in rows.into_iter().enumerate() {
        let (listener, server) = listener();
        let config = Arc::clone(&config);
        let served: JoinHandle<()> = std::thread::spawn(move || {
            let stream = listener.accept().unwrap().0;
            hostile(StreamOwned::new(ServerConnection::new(config).unwrap(), stream));
        });
        let delivered = SyslogWay::to(settings(folder.path(), server)).deliver(&lines[..count]);
        assert!(
            if taken { delivered.is_ok() } else { matches!(delivered, Err(SinkFault::Speaks)) },
            "{number}: {delivered:?}"
        );
        served.join().unwrap();
    }
}

#[test]
fn rounds_wait_beyond_either_limit_until_half_of_it() {
    let lag = Lag { entries_max: 10, seconds_max: 60 };
    assert!(!lag.withholds(10, 60, false) && lag.withholds(11, 0, false) && lag.withholds(0, 61, false));
    assert!(!lag.withholds(5, 30, true) && lag.withholds(6, 0, true) && lag.withholds(0, 31, true));
    let strict = Lag { entries_max: 0, seconds_max: 2 };
    assert!(!strict.withholds(0, 0, true) && strict.withholds(1, 0, false));
}
