//! Whoever connects to the coordinator's port is told of at each step, and is taken for what it speaks.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;

use support::{Federation, Off, opened, run, way};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tributary_transport::{Accepted, Dialer, Greeted, Greeting, Mode, PeerFault, Transport};

/// What the port makes of a client, and how often it was told that this has gone a step further.
fn told<C: Future<Output = ()>>(
    federation: &Federation,
    client: impl FnOnce(SocketAddr) -> C,
) -> (usize, Result<Accepted, PeerFault>) {
    run(async {
        let listener = opened("127.0.0.1:0", federation.server(Off(0)));
        let client = client(listener.address());
        let (steps, port) = (Cell::new(0), listener.next());
        let served = async { port.await.unwrap().accept(|| steps.set(steps.get() + 1)).await };
        let accepted = tokio::select! {
            accepted = served => accepted,
            () = async { (client.await, std::future::pending::<()>().await).1 } => unreachable!("it waits"),
        };
        (steps.get(), accepted)
    })
}

#[test]
fn whoever_speaks_no_tls_is_named_and_goes_no_further_than_its_first_byte() {
    let federation = Federation::new();
    let said = |bytes: &'static [u8]| {
        let (steps, accepted) = told(&federation, |address| async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            stream.shutdown().await.unwrap();
        });
        (steps, accepted.err().unwrap().to_string())
    };
    let (steps, words) = said(b"");
    assert!(steps == 0 && words.contains("broke the connection off"), "{steps} {words}");
    assert_eq!(said(b"SSH-2.0-x\r\n").0, 1);
    let (steps, words) = said(b"GET / HTTP/1.1\r\n\r\n");
    assert!(steps == 1 && words.contains("[209 tls-http]"), "{steps} {words}");
}

#[test]
fn peers_and_newcomers_are_told_apart_over_either_transport() {
    let federation = Federation::new();
    for (mode, transport) in [(Mode::Quic, Transport::Quic), (Mode::Tcp, Transport::Tcp)] {
        let tls = federation.client(Off(0)).tls;
        let (steps, peer) = told(&federation, |address| async move {
            let wire = Dialer::new(way(address, mode)).over(transport, tls).await.unwrap();
            drop(Greeted::by_us(wire, &Greeting::trial(Vec::new())).await);
        });
        let Ok(Accepted::Peer(wire)) = peer else { panic!("a peer over {transport}") };
        let identity = wire.identity().unwrap();
        assert_eq!((steps, wire.transport(), identity.id()), (2, transport, "one"));
        let tls = federation.newcomer();
        let (steps, newcomer) = told(&federation, |address| async move {
            drop(Dialer::new(way(address, mode)).exchange(tls, b"abc", 9).await);
        });
        assert!(steps == 2 && matches!(newcomer, Ok(Accepted::Newcomer(_))), "{steps} over {transport}");
    }
}

/// TLS lets somebody pass who names no protocol at all.
#[test]
fn a_peer_that_names_no_protocol_is_refused() {
    let federation = Federation::new();
    let mut tls = rustls::ClientConfig::clone(&federation.client(Off(0)).tls);
    tls.alpn_protocols.clear();
    let (steps, refused) = told(&federation, |address| async move {
        drop(Dialer::new(way(address, Mode::Tcp)).over(Transport::Tcp, Arc::new(tls)).await);
    });
    let words = refused.err().unwrap().to_string();
    assert!(steps == 2 && words.contains("it named no application protocol"), "{steps} {words}");
}
