//! A peer that writes its records by hand: what a coordinator's side takes, what it answers to the byte, and what ends a link.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

use bytes::Bytes;
use rustls::pki_types::ServerName;
use support::{Federation, Off, PATIENCE, opened, run, way};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tributary_transport::limits::{CONFIRMED_AFTER, REASON_BYTES_MAX, RECORD_BYTES_MAX};
use tributary_transport::{
    Accepted, Dialer, End, Greeted, Greeting, Link, LinkId, Listener, Mode, Timers, Transport, Welcome,
};

const GREETING: u8 = 1;
const WELCOME: u8 = 2;
const DATA: u8 = 3;
const CONFIRM: u8 = 4;
const PING: u8 = 5;
const END: u8 = 6;

type Raw = TlsStream<TcpStream>;

fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
    [&[kind, length[0], length[1], length[2]], payload].concat()
}

/// Of process 7, which asks for a link that it has read up to byte 5.
fn greeting() -> Vec<u8> {
    record(GREETING, &[&[1][..], &[7; 16], &[8; 16], &5_u64.to_le_bytes(), b"binding"].concat())
}

/// Both ends of one connection, before the peer has said anything.
async fn accepted(federation: &Federation, listener: &Listener) -> (Raw, Accepted) {
    let near = async {
        let stream = TcpStream::connect(listener.address()).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(federation.client(Off(0)).tls).connect(name, stream).await.unwrap()
    };
    let far = async { listener.next().await.unwrap().accept(|| {}).await.unwrap() };
    tokio::join!(near, far)
}

async fn greeted(federation: &Federation, first: &[u8]) -> (Raw, Result<(Greeted, Greeting), End>) {
    let listener = opened("127.0.0.1:0", federation.server(Off(0)));
    let (mut raw, accepted) = accepted(federation, &listener).await;
    let Accepted::Peer(wire) = accepted else { panic!("a peer") };
    raw.write_all(first).await.unwrap();
    let greeted = tokio::time::timeout(PATIENCE, Greeted::by_peer(*wire)).await.unwrap();
    (raw, greeted)
}

/// A link whose welcome has left, and its peer, which has read that.
async fn linked(federation: &Federation) -> (Raw, Link) {
    let (mut raw, greeted) = greeted(federation, &greeting()).await;
    let (greeted, _) = greeted.unwrap();
    let mut link = Link::new(Timers::default());
    let welcome = Welcome { link: LinkId([9; 16]), resumed: true, received: 11, unix_seconds: 0x0102_0304 };
    link.welcome(greeted, 0, welcome).unwrap();
    assert!(!link.is_welcomed());
    let payload = [&[9; 16][..], &[1], &11_u64.to_le_bytes(), &0x0102_0304_u64.to_le_bytes()].concat();
    let expected = record(WELCOME, &payload);
    assert_eq!(hears(&mut raw, &mut link, expected.len()).await, expected);
    assert!(link.is_welcomed());
    (raw, link)
}

/// So many next bytes of what the other side sends.
async fn hears(raw: &mut Raw, link: &mut Link, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    let heard = async {
        tokio::select! {
            biased;
            read = raw.read_exact(&mut bytes) => drop(read.unwrap()),
            end = link.tend_to_end() => panic!("{end}"),
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.expect("it comes");
    bytes
}

#[test]
fn a_greeting_is_read_as_it_stands_and_whatever_else_comes_is_answered_with_a_reason() {
    let federation = Federation::new();
    run(async {
        let (_raw, found) = greeted(&federation, &greeting()).await;
        let expected = Greeting { instance: [7; 16], link: LinkId([8; 16]), received: 5, binding: b"binding".to_vec() };
        assert_eq!(found.unwrap().1, expected);
        let rows = [
            (record(GREETING, &[9; 60]), "a greeting of version 9, and 1 is needed"),
            (record(GREETING, &[1; 40]), "a greeting that is cut short"),
            (record(GREETING, &[1; 41 + 257]), "a greeting that is too long"),
            (record(GREETING, &[1; 513])[..4].to_vec(), "a record of kind 1 announces 513 bytes and may have 512"),
            (record(DATA, b"x"), "data came before a greeting"),
            (record(PING, b""), "another record came where a greeting was expected"),
            (record(9, b""), "record kind 9 is unknown"),
        ];
        for (first, why) in rows {
            let (mut raw, found) = greeted(&federation, &first).await;
            let Err(End::Faulty(reason)) = found.map(drop) else { panic!("{why}") };
            assert!(reason.starts_with(why), "{reason}");
            let mut told = Vec::new();
            tokio::time::timeout(PATIENCE, raw.read_to_end(&mut told)).await.expect("it comes").unwrap();
            assert_eq!(told, record(END, reason.as_bytes()), "{why}");
        }
    });
}

#[test]
fn what_was_read_is_confirmed_when_it_is_asked_for_with_what_leaves_and_after_so_much() {
    let federation = Federation::new();
    let confirms = |count: u64| record(CONFIRM, &count.to_le_bytes());
    run(async {
        let (mut raw, mut link) = linked(&federation).await;
        raw.write_all(&[record(DATA, b"abc"), record(DATA, b""), record(PING, b"")].concat()).await.unwrap();
        assert_eq!(hears(&mut raw, &mut link, 12).await, confirms(3));
        assert_eq!(link.received(), 3);
        // Nothing is confirmed twice: what leaves next leaves alone, and then with what was read meanwhile.
        link.send([Bytes::from_static(b"one")]);
        assert_eq!(hears(&mut raw, &mut link, 7).await, record(DATA, b"one"));
        raw.write_all(&record(DATA, b"de")).await.unwrap();
        while link.received() < 5 {
            let _ = link.read().await.unwrap();
        }
        link.send([Bytes::from_static(b"two")]);
        assert_eq!(hears(&mut raw, &mut link, 12 + 7).await, [confirms(5), record(DATA, b"two")].concat());
        assert_eq!(link.unconfirmed(), 6);
        // Its own question is answered by a confirmation.
        link.ping();
        assert!(!link.has_answered());
        assert_eq!(hears(&mut raw, &mut link, 4).await, record(PING, b""));
        raw.write_all(&[confirms(4), record(PING, b"")].concat()).await.unwrap();
        assert_eq!(hears(&mut raw, &mut link, 12).await, confirms(5));
        assert_eq!((link.has_answered(), link.unconfirmed()), (true, 2));
        // Whoever sends much need not ask.
        let mut left = usize::try_from(CONFIRMED_AFTER).unwrap();
        while left > 0 {
            let length = left.min(RECORD_BYTES_MAX);
            left -= length;
            let sends = record(DATA, &vec![7; length]);
            tokio::select! {
                sent = raw.write_all(&sends) => sent.unwrap(),
                end = link.tend_to_end() => panic!("{end}"),
            }
        }
        assert_eq!(hears(&mut raw, &mut link, 12).await, confirms(5 + CONFIRMED_AFTER));
        // What an earlier connection has carried stays counted.
        let before = link.bytes();
        link.detach();
        assert_eq!((link.bytes(), link.is_attached()), (before, false));
        assert!(matches!(link.read().await, Err(End::Cut(_))));
    });
}

/// Whoever only tends takes nothing: what is not wanted yet stays with its sender.
#[test]
fn tending_reads_nothing() {
    let federation = Federation::new();
    run(async {
        let (mut raw, mut link) = linked(&federation).await;
        let before = link.bytes();
        raw.write_all(&record(DATA, b"abc")).await.unwrap();
        raw.flush().await.unwrap();
        for _ in 0..2_000 {
            tokio::select! {
                biased;
                end = link.tend() => panic!("{end}"),
                () = tokio::task::yield_now() => {}
            }
        }
        assert_eq!((link.received(), link.bytes()), (0, before));
        assert_eq!(&link.read().await.unwrap()[..], b"abc");
    });
}

#[test]
fn what_belongs_nowhere_ends_a_link() {
    let federation = Federation::new();
    run(async {
        let middle = "a greeting in the middle of a conversation";
        let rows = [
            (greeting(), middle),
            (record(WELCOME, &[0; 33]), middle),
            (record(WELCOME, &[0; 32]), "a record of kind 2 announces 32 bytes and may have 33"),
            (record(CONFIRM, &[0; 7]), "a record of kind 4 announces 7 bytes and may have 8"),
            (
                record(CONFIRM, &1_u64.to_le_bytes()),
                "the peer says that it has read 1 bytes of the link; between 0 and 0",
            ),
            (record(PING, b"x"), "a record of kind 5 announces 1 bytes and may have 0"),
            (record(0, b""), "record kind 0 is unknown"),
            (record(7, b""), "record kind 7 is unknown"),
        ];
        for (bytes, why) in rows {
            let (mut raw, mut link) = linked(&federation).await;
            raw.write_all(&bytes).await.unwrap();
            let end = tokio::time::timeout(PATIENCE, link.read()).await.unwrap().unwrap_err();
            assert!(matches!(&end, End::Faulty(reason) if reason.starts_with(why)), "{why}: {end:?}");
        }
        let (mut raw, mut link) = linked(&federation).await;
        raw.write_all(&record(END, b"bye")).await.unwrap();
        assert_eq!(link.read().await.unwrap_err(), End::Over(tributary_protocol::printable::Printable::new("bye")));
    });
}

/// How a client's greeting ends where the coordinator does this with it.
async fn ended<F: Future<Output = ()>>(
    federation: &Federation,
    transport: Transport,
    ends: impl FnOnce(Greeted) -> F,
) -> Result<Welcome, End> {
    let listener = opened("127.0.0.1:0", federation.server(Off(0)));
    let dialer = Dialer::new(way(listener.address(), Mode::Auto));
    let near = async {
        let wire = dialer.over(transport, federation.client(Off(0)).tls).await.unwrap();
        Greeted::by_us(wire, &Greeting::trial(Vec::new())).await.map(|(_, welcome)| welcome)
    };
    let far = async {
        let Accepted::Peer(wire) = listener.next().await.unwrap().accept(|| {}).await.unwrap() else {
            panic!("a peer")
        };
        ends(Greeted::by_peer(*wire).await.unwrap().0).await;
    };
    tokio::join!(near, far).0
}

/// A reason arrives over either transport, whole where there is time for it; a connection that was dropped has none.
#[test]
fn an_end_is_told_with_its_reason_and_a_dropped_connection_is_a_cut() {
    let federation = Federation::new();
    run(async {
        let over = |end: Result<Welcome, End>| match end {
            Err(End::Over(reason)) => reason.as_str().len(),
            other => panic!("{other:?}"),
        };
        for transport in [Transport::Quic, Transport::Tcp] {
            for (length, arrives) in [(0, 0), (6, 6), (1_000, 1_000), (1_024, 1_024), (2_000, 1_024)] {
                let reason = "x".repeat(length);
                let end = ended(&federation, transport, |greeted| async move { greeted.close(&reason).await }).await;
                // Words for people are no longer than a line.
                let shown = tributary_protocol::printable::PRINTABLE_CHARACTERS_MAX;
                assert_eq!(over(end).min(shown), arrives.min(shown), "{transport} {length}");
            }
            let end = ended(&federation, transport, |greeted| greeted_dismissed(greeted, "full")).await;
            assert_eq!(end.unwrap_err().to_string(), "the peer ended the connection: full", "{transport}");
            let end = ended(&federation, transport, |greeted| async move { drop(greeted) }).await;
            assert!(matches!(end, Err(End::Cut(_))), "{transport}: {end:?}");
        }
    });
}

/// A reason is cut at its limit before it leaves, and nothing follows it.
#[test]
fn a_reason_is_cut_at_its_limit() {
    let federation = Federation::new();
    run(async {
        for (length, leaves) in [(REASON_BYTES_MAX, REASON_BYTES_MAX), (REASON_BYTES_MAX + 1, REASON_BYTES_MAX)] {
            let (mut raw, greeted) = greeted(&federation, &greeting()).await;
            let reason = "x".repeat(length);
            let mut told = Vec::new();
            let (read, ()) = tokio::join!(raw.read_to_end(&mut told), greeted.unwrap().0.close(&reason));
            read.unwrap();
            assert!(told == record(END, &vec![b'x'; leaves]), "{length}: {}", told.len());
        }
    });
}

/// The watch over handshakes hears of each step of a peer or a newcomer. So nobody who is quick is cut off as slow.
#[test]
fn every_step_of_a_handshake_is_told() {
    let federation = Federation::new();
    run(async {
        for mode in [Mode::Quic, Mode::Tcp] {
            for enrols in [false, true] {
                let listener = opened("127.0.0.1:0", federation.server(Off(0)));
                let dialer = Dialer::new(way(listener.address(), mode));
                let steps = std::cell::Cell::new(0);
                let near = async {
                    match enrols {
                        true => drop(dialer.exchange(federation.newcomer(), b"question", 9).await),
                        false => {
                            let wire = dialer.dial(federation.client(Off(0)).tls, Transport::Tcp).await.unwrap();
                            drop(Greeted::by_us(wire, &Greeting::trial(Vec::new())).await);
                        }
                    }
                };
                let far = async {
                    let attempt = listener.next().await.unwrap();
                    assert_eq!(steps.get(), 0);
                    let accepted = attempt.accept(|| steps.set(steps.get() + 1)).await.unwrap();
                    assert_eq!(matches!(accepted, Accepted::Newcomer(_)), enrols);
                };
                tokio::select! {
                    () = far => {}
                    () = near => panic!("nobody has answered"),
                }
                assert_eq!(steps.get(), 2, "{mode:?} {enrols}");
            }
        }
    });
}

async fn greeted_dismissed(greeted: Greeted, reason: &str) {
    greeted.dismiss(reason).await;
}
