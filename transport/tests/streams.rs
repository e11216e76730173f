//! A client's channel to a coordinator whose connections are cut again and again, or lose datagrams: over either transport every byte is read once and in
//! order, and a link that is lost is said to be.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use support::{Federation, Off, PATIENCE, channel, next, opened, run};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tributary_transport::{Accepted, End, Event, Greeted, Link, LinkId, Mode, Timers, Transport, Welcome};

/// What the coordinator says its clock is.
const CLOCK: u64 = 1_234_567;

/// A coordinator that sends back what it reads, and drops the connection whenever it has read so many bytes in all. It forgets the link then, if it is one
/// that `forgets`. How clients ended a link is told to `heard`.
fn echo(federation: &Federation, cuts: Vec<usize>, forgets: bool, heard: mpsc::UnboundedSender<End>) -> SocketAddr {
    let listener = opened("127.0.0.1:0", federation.server(Off(0)));
    let address = listener.address();
    let mut cuts = cuts.into_iter().peekable();
    tokio::spawn(async move {
        let (mut kept, mut number, mut read) = (None::<(LinkId, Link)>, 0, 0);
        while let Some(attempt) = listener.next().await {
            let Ok(Accepted::Peer(wire)) = attempt.accept(|| {}).await else { continue };
            let Ok((greeted, greeting)) = Greeted::by_peer(*wire).await else { continue };
            let known = kept.take().filter(|(id, _)| *id == greeting.link);
            let resumed = known.is_some();
            let (id, mut link) = known.unwrap_or_else(|| {
                number += 1;
                (LinkId([number; 16]), Link::new(Timers::default()))
            });
            let welcome = Welcome { link: id, resumed, received: link.received(), unix_seconds: CLOCK };
            link.welcome(greeted, if resumed { greeting.received } else { 0 }, welcome).unwrap();
            let end = loop {
                match link.read().await {
                    Ok(data) => {
                        read += data.len();
                        link.send([data]);
                        if cuts.next_if(|at| read >= *at).is_some() {
                            break None;
                        }
                    }
                    Err(end) => break Some(end),
                }
            };
            link.detach();
            match end {
                None if forgets => {}
                None | Some(End::Cut(_)) => kept = Some((id, link)),
                Some(over) => drop(heard.send(over)),
            }
        }
    });
    address
}

/// Pieces of every size, none among them.
fn pieces(stream: &[u8]) -> Vec<Bytes> {
    let (mut rest, mut pieces) = (stream, Vec::new());
    for length in [0, 1, 7, 300, 40_000, 250_000].into_iter().cycle() {
        let (piece, left) = rest.split_at(length.min(rest.len()));
        pieces.push(Bytes::copy_from_slice(piece));
        rest = left;
        if rest.is_empty() {
            return pieces;
        }
    }
    pieces
}

const MODES: [(Mode, Transport); 2] = [(Mode::Quic, Transport::Quic), (Mode::Tcp, Transport::Tcp)];

#[test]
fn every_byte_is_read_once_and_in_order_however_often_the_connection_is_cut() {
    let federation = Federation::new();
    let stream: Vec<u8> = (0..3_000_000_u32).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let cuts = [1, 100_000, 1_000_000, 2_500_000];
    for (mode, expected) in MODES {
        run(async {
            let (heard, mut ends) = mpsc::unbounded_channel();
            let address = echo(&federation, cuts.to_vec(), false, heard);
            let mut channel = channel(&federation, address, mode, Timers::default());
            let first = next(&mut channel).await;
            let Event::Connected { coordinator, transport, resumed: false, coordinator_seconds: CLOCK } = first else {
                panic!("{first:?}")
            };
            assert_eq!((coordinator.to_string().contains("centre"), transport), (true, expected));
            assert!(channel.peer().is_some());
            channel.send(pieces(&stream));
            let (mut read, mut resumptions) = (Vec::new(), 0);
            while read.len() < stream.len() {
                match next(&mut channel).await {
                    Event::Data(data) => read.extend_from_slice(&data),
                    Event::Connected { resumed: true, .. } => resumptions += 1,
                    Event::Waiting { retry, .. } => assert!(retry <= Duration::from_millis(200), "a cut is no refusal"),
                    other => panic!("{other:?}"),
                }
            }
            assert!(read == stream && resumptions == cuts.len(), "{resumptions} resumptions");
            let (down, up) = channel.bytes();
            assert!(down >= stream.len() as u64 && up >= stream.len() as u64, "{down} and {up}");
            channel.send([Bytes::from_static(b"the last words")]);
            channel.leave("done", PATIENCE).await;
            let end = tokio::time::timeout(PATIENCE, ends.recv()).await.unwrap();
            assert!(matches!(&end, Some(End::Over(reason)) if reason.as_str() == "done"), "{end:?}");
        });
    }
}

#[test]
fn a_link_that_the_coordinator_does_not_know_any_more_is_gone_and_another_one_begins() {
    let federation = Federation::new();
    for (mode, _) in MODES {
        run(async {
            let address = echo(&federation, vec![10], true, mpsc::unbounded_channel().0);
            let mut channel = channel(&federation, address, mode, Timers::default());
            assert!(matches!(next(&mut channel).await, Event::Connected { resumed: false, .. }));
            channel.send([Bytes::from_static(b"what is lost with it")]);
            let mut told = Vec::new();
            loop {
                match next(&mut channel).await {
                    Event::Data(_) => {}
                    Event::Waiting { .. } => told.push("waiting"),
                    Event::Gone { reason } => {
                        assert!(reason.contains("does not know this link any more"), "{reason}");
                        told.push("gone");
                    }
                    Event::Connected { resumed, .. } => {
                        assert!(!resumed);
                        break;
                    }
                }
            }
            assert_eq!(told, ["waiting", "gone"]);
            let before = channel.bytes();
            assert!(before.1 > 20, "what the lost link has sent is counted: {before:?}");
            channel.send([Bytes::from_static(b"anew")]);
            let Event::Data(data) = next(&mut channel).await else { panic!("no data") };
            assert_eq!(&data[..], b"anew");
            assert!(channel.bytes().0 > before.0 && channel.bytes().1 > before.1);
            channel.abandon("it broke the rules");
            let gone = next(&mut channel).await;
            assert!(matches!(&gone, Event::Gone { reason } if reason == "it broke the rules"), "{gone:?}");
            let waiting = next(&mut channel).await;
            assert!(matches!(&waiting, Event::Waiting { reason, .. } if reason == "it broke the rules"), "{waiting:?}");
            assert!(matches!(next(&mut channel).await, Event::Connected { resumed: false, .. }));
        });
    }
}

/// A path to the coordinator that loses every tenth datagram of either way, once the handshake is over. Its address, and how many it has lost.
async fn lossy(coordinator: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    let (front, back) = (UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap());
    back.connect(coordinator).await.unwrap();
    let (address, lost) = (front.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&lost);
    tokio::spawn(async move {
        let (mut up, mut down, mut passed) = (vec![0; 65_536], vec![0; 65_536], 0_usize);
        let mut client = None;
        loop {
            let (length, goes_up) = tokio::select! {
                read = front.recv_from(&mut up) => {
                    let (length, from) = read.unwrap();
                    client = Some(from);
                    (length, true)
                }
                read = back.recv(&mut down) => (read.unwrap(), false),
            };
            passed += 1;
            if passed > 40 && passed.is_multiple_of(10) {
                counter.fetch_add(1, Ordering::Relaxed);
            } else if goes_up {
                back.send(&up[..length]).await.unwrap();
            } else {
                front.send_to(&down[..length], client.unwrap()).await.unwrap();
            }
        }
    });
    (address, lost)
}

/// What comes after a lost datagram waits for it.
#[test]
fn every_byte_is_read_in_order_where_datagrams_are_lost() {
    let federation = Federation::new();
    let stream: Vec<u8> = (0..4_000_000_u32).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    run(async {
        let (path, lost) = lossy(echo(&federation, Vec::new(), false, mpsc::unbounded_channel().0)).await;
        let mut channel = channel(&federation, path, Mode::Quic, Timers::default());
        assert!(matches!(next(&mut channel).await, Event::Connected { transport: Transport::Quic, .. }));
        channel.send(pieces(&stream));
        let mut read = Vec::new();
        while read.len() < stream.len() {
            let Event::Data(data) = next(&mut channel).await else { panic!("no data") };
            read.extend_from_slice(&data);
        }
        assert!(read == stream && lost.load(Ordering::Relaxed) > 5, "{lost:?}");
    });
}
