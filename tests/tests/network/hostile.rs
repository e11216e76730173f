//! Strangers who flood the door, and enrolled peers who have turned, while a plan runs: every round is committed, and the coordinator's memory
//! stays within what the limits say.
//!
//! The coordinator is a process of its own, so that its memory is its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tributary_client::telemetry::Report;
use tributary_protocol::limits::CONTROL_MESSAGE_BYTES_MAX;
use tributary_transport::limits::{
    CONNECTIONS_PER_CLIENT_MAX, HANDSHAKES_MAX, IDLE_CONNECTION_BYTES, INCOMING_BYTES_MAX, INCOMING_MAX,
    RECEIVE_WINDOW, RECORD_BYTES_MAX, SEND_WINDOW, UNCONFIRMED_BYTES_MAX,
};
use tributary_transport::{Greeted, Greeting, Link, LinkId, Transport};

use crate::cast::{BRANCHES, run_client};
use crate::peer;
use crate::process::Process;
use crate::relay::Relay;
use crate::support::federation::{Federation, FederationSpec};

const ROUNDS: usize = 16;

/// Branches of the roster that have turned.
const TURNED: usize = 7;

/// Between two bursts of an attacker. Whoever fills the wire itself wins against any program: this is about what a packet costs.
const PACE: Duration = Duration::from_millis(50);

/// What QUIC keeps of a connection attempt besides its packets, and of a connection in its handshake: generous.
const ATTEMPT_BYTES: u64 = 2 << 10;

/// A kind's length and announcements aside, allocators keep what was freed: a part of everything, and a floor.
const ALLOCATOR_BYTES: u64 = 32 << 20;

/// What the coordinator needed.
struct Cost {
    memory: u64,
    seconds: f64,
}

/// Where the attackers find what they need.
#[derive(Clone)]
struct Target {
    coordinator: SocketAddr,
    /// Identities of those who have turned.
    turned: Arc<Vec<Arc<rustls::ClientConfig>>>,
    /// Leads to the coordinator and lets nothing come back.
    mute: SocketAddr,
    done: Arc<Counts>,
}

/// How often each attack was made.
#[derive(Default)]
struct Counts {
    garbage: AtomicUsize,
    half_open: AtomicUsize,
    silent: AtomicUsize,
    dripped: AtomicUsize,
    lies: AtomicUsize,
    resumptions: AtomicUsize,
}

/// Runs eight honest clients through the plan while `attack` goes on.
fn run(attack: Option<fn(&mut JoinSet<()>, &Target)>) -> Cost {
    let folder = tempfile::tempdir().expect("a folder");
    let federation = Federation::create(
        folder.path(),
        FederationSpec {
            branches: BRANCHES + TURNED,
            customers_per_branch: 30,
            plan: format!(
                "model = \"mlp\"\nhidden = [200]\nrounds = {ROUNDS}\nsession_rounds = 16\nupload_offset_ms = 500\nprivacy = \"none\"\n\
                 round_deadline_ms = 120000\nkeying_deadline_ms = 120000\n[plan.optimizer]\nkind = \"sgd\"\nlearning_rate = 1.0\n"
            ),
            epsilon_max: 8.0,
            modes: &["none"],
            seed: 9,
            group: Some(BRANCHES),
        },
    );
    let text = std::fs::read_to_string(&federation.coordinator).expect("settings");
    // Those who have turned never join, and are not waited for.
    std::fs::write(&federation.coordinator, text.replace("gather_ms = 600000", "gather_ms = 10000")).expect("settings");
    let coordinator = Process::coordinator(&[], &federation.coordinator);
    let listening = coordinator.until("listening");
    let address: SocketAddr = listening["address"].as_str().and_then(|text| text.parse().ok()).expect("an address");
    let relay = Relay::open(Duration::ZERO);
    relay.lead_to(address);
    relay.mute();
    let turned = (BRANCHES..BRANCHES + TURNED).map(|branch| peer::tls(&federation.branch(branch).join("identity")));
    let target = Target {
        coordinator: address,
        turned: Arc::new(turned.collect()),
        mute: relay.address(),
        done: Arc::default(),
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let finished = std::thread::scope(|scope| {
        for path in federation.client_settings(address).into_iter().take(BRANCHES) {
            scope.spawn(move || {
                run_client(&path, &|report| assert!(!matches!(report, Report::Disconnected { .. }), "{report:?}"));
            });
        }
        coordinator.until("session");
        let attackers = attack.map(|attack| {
            let _inside = runtime.enter();
            let mut attackers = JoinSet::new();
            attack(&mut attackers, &target);
            attackers
        });
        for round in 1..=ROUNDS {
            let event = coordinator.until("round");
            if attack.is_some() {
                println!("round {round}: {} ms", event["milliseconds"]);
            }
            assert_eq!((event["committed"].as_u64(), event["survivors"].as_u64()), (Some(round as u64), Some(8)));
        }
        let finished = coordinator.until("finished");
        drop(attackers);
        finished
    });
    let done = &target.done;
    let count = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    println!(
        "{} packets of garbage, {} hellos without an answer, {} silent TCP connections, {} dripping links, {} lies, {} half-open resumptions",
        count(&done.garbage),
        count(&done.half_open),
        count(&done.silent),
        count(&done.dripped),
        count(&done.lies),
        count(&done.resumptions)
    );
    Cost {
        memory: finished["rss_bytes_max"].as_u64().expect("bytes"),
        seconds: finished["seconds_rounds"].as_f64().expect("seconds"),
    }
}

/// What nobody in particular can make the coordinator hold: attempts that were not looked at yet, and handshakes over both transports.
fn strangers_bytes() -> u64 {
    INCOMING_BYTES_MAX.1 + INCOMING_MAX as u64 * ATTEMPT_BYTES + 2 * HANDSHAKES_MAX as u64 * IDLE_CONNECTION_BYTES
}

/// What one enrolled peer can: its connections and their windows, a message that is incomplete (twice, while its buffer grows), and a record.
fn peer_bytes() -> u64 {
    CONNECTIONS_PER_CLIENT_MAX as u64 * (IDLE_CONNECTION_BYTES + u64::from(RECEIVE_WINDOW))
        + SEND_WINDOW
        + UNCONFIRMED_BYTES_MAX
        + 2 * CONTROL_MESSAGE_BYTES_MAX as u64
        + RECORD_BYTES_MAX as u64
}

#[test]
fn a_plan_goes_on_whoever_knocks() {
    let quiet = run(None);
    let attacked = run(Some(everything));
    let (strangers, turned) = (strangers_bytes(), TURNED as u64 * peer_bytes());
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "peak memory of the coordinator: {:.1} MB in peace, {:.1} MB under attack; strangers may take {:.1} MB, {TURNED} enrolled peers {:.1} MB",
        megabytes(quiet.memory),
        megabytes(attacked.memory),
        megabytes(strangers),
        megabytes(turned)
    );
    println!("{ROUNDS} rounds took {:.1} s in peace, {:.1} s under attack", quiet.seconds, attacked.seconds);
    assert!(attacked.memory <= quiet.memory + strangers + turned + ALLOCATOR_BYTES);
}

fn everything(attackers: &mut JoinSet<()>, target: &Target) {
    for number in 0..8 {
        attackers.spawn(garbage(target.clone(), number));
    }
    for _ in 0..16 {
        attackers.spawn(half_open(target.clone()));
    }
    for _ in 0..200 {
        attackers.spawn(silent(target.clone()));
    }
    attackers.spawn(resume(target.clone(), TURNED - 1));
    for number in 0..TURNED - 1 {
        match number % 3 {
            0 => attackers.spawn(drip(target.clone(), number)),
            1 => attackers.spawn(never_greet(target.clone(), number)),
            _ => attackers.spawn(lie(target.clone(), number)),
        };
    }
}

/// Packets that look like a QUIC client's first, each from a port of its own: version 1, random names, and nothing that decrypts.
async fn garbage(target: Target, number: usize) {
    let mut packet = vec![0_u8; 1_200];
    packet[..7].copy_from_slice(&[0xc3, 0, 0, 0, 1, 8, 0]);
    // Name of the source: empty. Token: none. Length: the rest, in two bytes.
    packet[14..18].copy_from_slice(&[0, 0, 0x44, 0x9e]);
    for count in 0_u64.. {
        let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await else { continue };
        for turn in 0..4_u64 {
            let name = count << 16 | turn << 8 | number as u64;
            packet[6..14].copy_from_slice(&name.to_be_bytes());
            packet[40..48].copy_from_slice(&name.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
            if socket.send_to(&packet, target.coordinator).await.is_ok() {
                target.done.garbage.fetch_add(1, Ordering::Relaxed);
            }
        }
        tokio::time::sleep(PACE).await;
    }
}

/// Real hellos from ports that never answer again.
async fn half_open(target: Target) {
    loop {
        let dial = peer::connect(target.mute, Arc::clone(&target.turned[0]), Transport::Quic);
        let _ = tokio::time::timeout(Duration::from_millis(400), dial).await;
        target.done.half_open.fetch_add(1, Ordering::Relaxed);
    }
}

/// A TCP connection that says nothing until it is thrown out.
async fn silent(target: Target) {
    loop {
        if let Ok(mut stream) = TcpStream::connect(target.coordinator).await {
            target.done.silent.fetch_add(1, Ordering::Relaxed);
            let _ = stream.read(&mut [0]).await;
        }
        tokio::time::sleep(PACE * 4).await;
    }
}

fn transport(number: usize) -> Transport {
    if number < 3 { Transport::Quic } else { Transport::Tcp }
}

/// An enrolled peer that sends a byte a second of a message.
async fn drip(target: Target, number: usize) {
    loop {
        let tls = Arc::clone(&target.turned[number]);
        let Ok(mut link) = peer::greet(target.coordinator, tls, transport(number)).await else { continue };
        target.done.dripped.fetch_add(1, Ordering::Relaxed);
        link.send([frame_header(1 << 20, 1)]);
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                _ = second.tick() => link.send([vec![7].into()]),
                data = link.read() => if data.is_err() { break },
            }
        }
    }
}

/// An enrolled peer that connects and says nothing, again and again.
async fn never_greet(target: Target, number: usize) {
    loop {
        let tls = Arc::clone(&target.turned[number]);
        let wire = peer::connect(target.coordinator, tls, transport(number)).await;
        target.done.silent.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(6)).await;
        drop(wire);
    }
}

/// An enrolled peer whose frames announce too much or are of no kind, and, over TCP, whose records are.
async fn lie(target: Target, number: usize) {
    for turn in 0_usize.. {
        let tls = Arc::clone(&target.turned[number]);
        if transport(number) == Transport::Tcp && turn % 2 == 0 {
            let _ = raw_record(&target, tls, &RECORDS[turn / 2 % RECORDS.len()]).await;
        } else {
            let Ok(link) = peer::greet(target.coordinator, tls, transport(number)).await else { continue };
            let (length, kind) = FRAMES[turn / 2 % FRAMES.len()];
            told_off(link, length, kind).await;
        }
        target.done.lies.fetch_add(1, Ordering::Relaxed);
    }
}

/// A stolen TLS key: connections that take the session up again, each of them never read, as fast as handshakes go.
async fn resume(target: Target, number: usize) {
    let mut half_open = JoinSet::new();
    let tls = || Arc::clone(&target.turned[number]);
    loop {
        let first = Greeting { instance: [9; 16], link: LinkId::default(), received: 0, binding: Vec::new() };
        let Ok(wire) = peer::connect(target.coordinator, tls(), Transport::Quic).await else { continue };
        let Ok((kept, welcome)) = Greeted::by_us(wire, &first).await else { continue };
        let again = Greeting { link: welcome.link, ..first };
        for turn in 0..HALF_OPEN {
            let transport = if turn % 2 == 0 { Transport::Quic } else { Transport::Tcp };
            let Ok(wire) = peer::connect(target.coordinator, tls(), transport).await else { continue };
            let again = again.clone();
            half_open.spawn(async move {
                let greeted = Greeted::by_us(wire, &again).await;
                std::future::pending::<()>().await;
                drop(greeted);
            });
            target.done.resumptions.fetch_add(1, Ordering::Relaxed);
        }
        drop(kept);
        half_open.abort_all();
    }
}

/// Connections that are kept at the same time.
const HALF_OPEN: usize = 200;

/// Length and kind of frames that nobody may send.
const FRAMES: [(u32, u8); 4] = [(u32::MAX, 1), (u32::MAX, 2), (1 << 30, 1), (10, 77)];

/// Headers of records that nobody may send behind a greeting.
const RECORDS: [[u8; 4]; 5] = [[3, 255, 255, 255], [9, 1, 0, 0], [1, 255, 255, 0], [2, 25, 0, 0], [6, 255, 255, 255]];

async fn told_off(mut link: Link, length: u32, kind: u8) {
    link.send([frame_header(length, kind), vec![0; 256 << 10].into()]);
    while link.read().await.is_ok() {}
}

/// A greeting by hand, then a record that may not be, then as much as is taken.
async fn raw_record(target: &Target, tls: Arc<rustls::ClientConfig>, header: &[u8; 4]) -> std::io::Result<()> {
    let name = rustls::pki_types::ServerName::try_from("localhost").map_err(std::io::Error::other)?;
    let stream = TcpStream::connect(target.coordinator).await?;
    let mut stream = tokio_rustls::TlsConnector::from(tls).connect(name, stream).await?;
    let mut greeting = vec![1, 41, 0, 0, 1];
    greeting.extend_from_slice(&[9; 16]);
    greeting.extend_from_slice(&[0; 24]);
    stream.write_all(&greeting).await?;
    stream.write_all(header).await?;
    stream.write_all(&[0; 64 << 10]).await?;
    stream.flush().await?;
    let mut sink = Vec::new();
    stream.read_to_end(&mut sink).await.map(drop)
}

fn frame_header(length: u32, kind: u8) -> bytes::Bytes {
    let [a, b, c, d] = length.to_le_bytes();
    vec![a, b, c, d, kind].into()
}
