//! What a link costs: one upload over loopback on QUIC, on TLS over TCP, and on TLS over TCP without a link, which is the yardstick.
//!
//! `cargo bench -p tributary-tests --bench network [-- --megabytes 20 --turns 9]` prints the median of each, with the CPU time of the process, in
//! which both ends live. The goal is at most twice the yardstick. Quote figures of an otherwise idle machine.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cpu_time::ProcessTime;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tributary_transport::{
    Accepted, DialSettings, Dialer, Greeted, Greeting, Link, LinkId, ListenSettings, Listener, Mode, Path, ServerKeys,
    Timers, Transport, Welcome,
};

use self::support::{Enrolled, option};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the yardstick reads at once.
const YARDSTICK_BYTES: usize = 64 << 10;

/// What one upload took.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let (megabytes, turns) = (option(&arguments, "--megabytes", 20), option(&arguments, "--turns", 9));
    let bytes = megabytes * 1_000_000;
    let folder = tempfile::tempdir().expect("a folder");
    let enrolled = Enrolled::create(folder.path(), 1);
    // A client has one thread for its network, and the coordinator one on a small machine.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let data = Bytes::from(vec![0x5a; bytes]);
    let ways: [(&str, Option<Transport>); 3] =
        [("plain TLS over TCP", None), ("link on TCP", Some(Transport::Tcp)), ("link on QUIC", Some(Transport::Quic))];
    let mut costs: [Vec<Cost>; 3] = Default::default();
    // In turns, so that a busy moment of the machine falls on all of them.
    for _ in 0..turns {
        for (way, costs) in ways.iter().zip(&mut costs) {
            costs.push(match way.1 {
                None => runtime.block_on(plain(&enrolled, data.clone())),
                Some(transport) => runtime.block_on(link(&enrolled, transport, data.clone())),
            });
        }
    }
    let yardstick = median(&costs[0]).wall.as_secs_f64();
    println!("one upload of {megabytes} MB over loopback, both ends in this process, median of {turns}");
    for ((name, _), costs) in ways.iter().zip(&costs) {
        let Cost { wall, cpu } = median(costs);
        let seconds = wall.as_secs_f64();
        println!(
            "{name:>20}: {seconds:.4} s, {:>7.1} MB/s, {:.2} times the yardstick, {:.2} CPU ns a byte of both ends",
            bytes as f64 / seconds / 1e6,
            seconds / yardstick,
            cpu.as_nanos() as f64 / bytes as f64
        );
    }
}

fn median(costs: &[Cost]) -> Cost {
    let mut sorted = costs.to_vec();
    sorted.sort_by_key(|cost| cost.wall);
    sorted[sorted.len() / 2]
}

/// Runs from the first byte to the receiver's word that it has the last one.
struct Watch(Instant, ProcessTime);

impl Watch {
    fn start() -> Self {
        Self(Instant::now(), ProcessTime::now())
    }

    fn stop(&self) -> Cost {
        Cost { wall: self.0.elapsed(), cpu: self.1.elapsed() }
    }
}

async fn plain(enrolled: &Enrolled, data: Bytes) -> Cost {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let acceptor = TlsAcceptor::from(enrolled.server_tls());
    let length = data.len();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        stream.set_nodelay(true).expect("a socket");
        let mut stream = acceptor.accept(stream).await.expect("a handshake");
        stream.write_all(b"!").await.expect("a reader");
        let mut buffer = vec![0; YARDSTICK_BYTES];
        let mut left = length;
        while left > 0 {
            left -= stream.read(&mut buffer).await.expect("a writer");
        }
        stream.write_all(b".").await.expect("a reader");
        stream.flush().await.expect("a reader");
    });
    let stream = TcpStream::connect(address).await.expect("a listener");
    stream.set_nodelay(true).expect("a socket");
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = TlsConnector::from(enrolled.client_tls(0)).connect(name, stream).await.expect("a handshake");
    stream.read_u8().await.expect("a writer");
    let watch = Watch::start();
    stream.write_all(&data).await.expect("a reader");
    stream.flush().await.expect("a reader");
    stream.read_u8().await.expect("a writer");
    let cost = watch.stop();
    server.await.expect("no panic");
    cost
}

async fn link(enrolled: &Enrolled, transport: Transport, data: Bytes) -> Cost {
    let settings =
        ListenSettings { listen: "127.0.0.1:0".into(), tcp: true, path: Path::default(), timers: Timers::default() };
    let peers = enrolled.server_tls();
    let keys = ServerKeys { quic: Arc::clone(&peers), peers, office: None };
    let listener = Listener::open(&settings, keys).expect("a port");
    let address = listener.address();
    let length = data.len();
    let server = tokio::spawn(async move {
        let attempt = listener.next().await.expect("a client");
        let Ok(Accepted::Peer(wire)) = attempt.accept(|| {}).await else { panic!("a handshake") };
        let (greeted, _) = Greeted::by_peer(*wire).await.expect("a greeting");
        let mut link = Link::new(Timers::default());
        let welcome = Welcome { link: LinkId([1; 16]), resumed: false, received: 0, unix_seconds: 0 };
        link.welcome(greeted, 0, welcome).expect("a new link");
        let mut left = length;
        while left > 0 {
            left -= link.read().await.expect("a writer").len();
        }
        link.send([Bytes::from_static(b".")]);
        // Until the client leaves.
        while link.read().await.is_ok() {}
    });
    let mut link = connect(enrolled, address, transport).await;
    let watch = Watch::start();
    link.send([data]);
    link.read().await.expect("the last word");
    let cost = watch.stop();
    link.close("done").await;
    server.await.expect("no panic");
    cost
}

async fn connect(enrolled: &Enrolled, address: SocketAddr, transport: Transport) -> Link {
    let settings = DialSettings {
        address: address.to_string(),
        server_name: "localhost".into(),
        mode: Mode::Auto,
        proxy: None,
        path: Path::default(),
        timers: Timers::default(),
    };
    let wire = Dialer::new(settings).over(transport, enrolled.client_tls(0)).await.expect("a connection");
    let greeting = Greeting { instance: [2; 16], link: LinkId::default(), received: 0, binding: Vec::new() };
    let (greeted, _) = Greeted::by_us(wire, &greeting).await.expect("a welcome");
    let mut link = Link::new(Timers::default());
    link.attach(greeted, 0).expect("a new link");
    link
}
