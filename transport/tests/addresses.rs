//! A name with several addresses, of which one works: the hosts file begins with `::1 localhost`, and the coordinator listens on IPv4.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use support::{Federation, Off, run, way};
use tokio::net::{TcpListener, UdpSocket};
use tributary_transport::preflight::{Cause, Findings, Outcome, network};
use tributary_transport::{Dialer, Mode, Resolver, Transport};

/// A dialler of `localhost`, which is known to be at these addresses.
fn dialer(mode: Mode, addresses: &[SocketAddr]) -> Dialer {
    let addresses = addresses.to_vec();
    Dialer::with_resolver(way("localhost:7443", mode), Resolver::given(move |_| Ok(addresses.clone())))
}

/// An address at which everything arrives and nobody answers.
async fn silent_address() -> (SocketAddr, (TcpListener, UdpSocket)) {
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        if let Ok(socket) = UdpSocket::bind(address).await {
            return (address, (listener, socket));
        }
    }
}

#[test]
fn every_address_is_tried_until_one_answers() {
    let federation = Federation::new();
    run(async {
        let works = federation.listen("127.0.0.1:0", Off(0));
        let closed = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], works.port()));
        let (silent, _held) = silent_address().await;
        for first in [closed, silent] {
            for (mode, transport) in [(Mode::Quic, Transport::Quic), (Mode::Tcp, Transport::Tcp)] {
                let dialer = dialer(mode, &[first, works]);
                let wire = dialer.dial(federation.client(Off(0)).tls, Transport::Quic).await.unwrap();
                assert_eq!((wire.address(), wire.transport()), (works, transport), "after {first}");
            }
            // In `auto` the dead address is no reason to leave QUIC.
            let wire =
                dialer(Mode::Auto, &[first, works]).dial(federation.client(Off(0)).tls, Transport::Quic).await.unwrap();
            assert_eq!((wire.address(), wire.transport()), (works, Transport::Quic), "after {first}");
            let answer = dialer(Mode::Auto, &[first, works]).exchange(federation.newcomer(), b"abc", 9).await.unwrap();
            assert_eq!(answer, b"cba");
        }
    });
}

/// Both families, over both transports.
#[test]
fn a_coordinator_is_reached_over_ipv6() {
    let federation = Federation::new();
    run(async {
        let address = federation.listen("[::1]:0", Off(0));
        assert!(address.is_ipv6() && address.port() != 0);
        for transport in [Transport::Quic, Transport::Tcp] {
            let wire = Dialer::new(way(address, Mode::Auto)).over(transport, federation.client(Off(0)).tls).await;
            let wire = wire.map_err(|fault| fault.to_string()).unwrap();
            assert_eq!((wire.address(), wire.transport()), (address, transport));
        }
    });
}

/// The address that answered is the first one of the next attempt, wherever it stands among the others.
#[test]
fn the_address_that_answered_last_is_tried_first() {
    let federation = Federation::new();
    run(async {
        let works = federation.listen("127.0.0.1:0", Off(0));
        let (busy, third) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), SocketAddr::from(([127, 0, 0, 1], 1)));
        let turned_away = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let first = busy.local_addr().unwrap();
        let count = Arc::clone(&turned_away);
        tokio::spawn(async move {
            while let Ok((stream, _)) = busy.accept().await {
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                drop(stream);
            }
        });
        let dialer = dialer(Mode::Tcp, &[first, works, third]);
        for attempt in 1..=3 {
            let wire = dialer.dial(federation.client(Off(0)).tls, Transport::Tcp).await.unwrap();
            assert_eq!(wire.address(), works);
            assert_eq!(turned_away.load(std::sync::atomic::Ordering::Relaxed), 1, "attempt {attempt}");
        }
    });
}

#[test]
fn where_no_address_answers_each_is_named() {
    let federation = Federation::new();
    run(async {
        let (one, two) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await);
        let closed = [one.local_addr().unwrap(), two.unwrap().local_addr().unwrap()];
        drop(one);
        let fault = dialer(Mode::Tcp, &closed).dial(federation.client(Off(0)).tls, Transport::Tcp).await;
        let text = fault.err().unwrap().to_string();
        for address in closed {
            assert!(text.contains(&format!("{address}: TCP to {address} was not connected")), "{text}");
        }
    });
}

#[test]
fn a_preflight_lists_each_address_with_its_outcome() {
    let federation = Federation::new();
    let found = run(async {
        let works = federation.listen("127.0.0.1:0", Off(0));
        let closed = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], works.port()));
        let mut found = Findings::default();
        let dialer = dialer(Mode::Tcp, &[closed, works]);
        network(&dialer, &federation.client(Off(0)), Off(0).seconds(), &mut found).await;
        let lines = |cause| found.lines().iter().filter(move |line| line.cause == cause).collect::<Vec<_>>();
        let name = lines(Cause::Name)[0];
        assert_eq!(name.seen, format!("{closed}, {works}"));
        let tcp = lines(Cause::Tcp);
        assert_eq!(tcp.iter().map(|line| line.outcome).collect::<Vec<_>>(), [Outcome::Warning, Outcome::Ok]);
        assert!(tcp[0].tried.ends_with(&format!("at {closed}")) && tcp[1].tried.ends_with(&format!("at {works}")));
        assert!(tcp[0].means.contains("takes another of the name's") && tcp[0].ask.contains("::1"), "{found}");
        found
    });
    assert_eq!(found.exit_code(), 0, "{found}");
}

#[test]
fn the_office_is_reached_over_either_transport() {
    let federation = Federation::new();
    run(async {
        let address = federation.listen("127.0.0.1:0", Off(0));
        for mode in [Mode::Quic, Mode::Tcp, Mode::Auto] {
            let dialer = Dialer::new(way(address, mode));
            let question: Vec<u8> = (0..60_000_u32).map(|count| count.to_le_bytes()[0]).collect();
            let answer = dialer.exchange(federation.newcomer(), &question, 60_000).await.unwrap();
            assert!(answer.iter().rev().eq(&question), "{mode:?}");
            let refused = dialer.exchange(federation.newcomer(), b"abc", 2).await.unwrap_err().to_string();
            assert!(refused.contains("announces 3 bytes and may have 2"), "{mode:?}: {refused}");
        }
    });
}

/// QUIC's one configuration lets whoever shows no certificate through the handshake, and no further unless for the office.
#[test]
fn nobody_reaches_a_round_without_a_certificate() {
    let federation = Federation::new();
    run(async {
        let address = federation.listen("127.0.0.1:0", Off(0));
        let mut anonymous = (*federation.newcomer()).clone();
        anonymous.alpn_protocols = vec![tributary_certs::tls::APPLICATION_PROTOCOL.to_vec()];
        let anonymous = Arc::new(anonymous);
        for transport in [Transport::Quic, Transport::Tcp] {
            let wire = Dialer::new(way(address, Mode::Auto)).over(transport, Arc::clone(&anonymous)).await;
            // A client's own handshake ends before the coordinator has judged it.
            let refused = match wire {
                Err(fault) => fault.to_string(),
                Ok(wire) => {
                    let greeting = tributary_transport::Greeting::trial(Vec::new());
                    tributary_transport::Greeted::by_us(wire, &greeting).await.err().unwrap().to_string()
                }
            };
            assert!(refused.contains("[120 certificate-missing]"), "{transport}: {refused}");
        }
    });
}
