//! A link between connections: it moves to QUIC as soon as UDP passes, leaves from another port after a cut, and over TCP keeps itself alive.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use support::{Federation, Off, PATIENCE, channel, next, opened, run, way};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tributary_transport::{
    Accepted, Channel, Dialer, End, Event, Greeted, Greeting, Link, LinkId, Mode, Timers, Transport, Welcome,
};

const LINK: LinkId = LinkId([1; 16]);

/// What the coordinator's side of the only link saw.
#[derive(Debug)]
enum Seen {
    /// A connection, from this address, by a client that has read so much.
    Connection(SocketAddr, u64),
    End(End),
}

/// A coordinator that knows one link and sends back what it reads on it. It listens for the next connection meanwhile, and drops the one that carries the
/// link when it hears the word.
fn echo(
    federation: &Federation,
    seen: mpsc::UnboundedSender<Seen>,
    mut drops: mpsc::UnboundedReceiver<()>,
) -> SocketAddr {
    let listener = opened("127.0.0.1:0", federation.server(Off(0)));
    let address = listener.address();
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(attempt) = listener.next().await {
            let arrived = arrived.clone();
            tokio::spawn(async move {
                let Ok(Accepted::Peer(wire)) = attempt.accept(|| {}).await else { return };
                let Ok(greeted) = Greeted::by_peer(*wire).await else { return };
                let _ = arrived.send(greeted);
            });
        }
    });
    tokio::spawn(async move {
        let mut link = Link::new(Timers::default());
        loop {
            tokio::select! {
                biased;
                Some((greeted, greeting)) = arrivals.recv() => {
                    let _ = seen.send(Seen::Connection(greeted.wire().address(), greeting.received));
                    let resumed = greeting.link == LINK;
                    let welcome = Welcome { link: LINK, resumed, received: link.received(), unix_seconds: 7 };
                    link.welcome(greeted, if resumed { greeting.received } else { 0 }, welcome).unwrap();
                }
                Some(()) = drops.recv() => link.detach(),
                data = link.read(), if link.is_attached() => match data {
                    Ok(data) => link.send([data]),
                    Err(end) => {
                        link.detach();
                        let _ = seen.send(Seen::End(end));
                    }
                },
            }
        }
    });
    address
}

/// A firewall before the coordinator: TCP passes, and UDP when it is open.
async fn firewall(to: SocketAddr, open: Arc<AtomicBool>) -> SocketAddr {
    let (tcp, udp) = loop {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
            break (tcp, Arc::new(udp));
        }
    };
    let address = tcp.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = tcp.accept().await {
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    tokio::spawn(async move {
        let (mut ways, mut packet) = (BTreeMap::new(), vec![0; 1 << 16]);
        while let Ok((length, from)) = udp.recv_from(&mut packet).await {
            if !open.load(Ordering::SeqCst) {
                continue;
            }
            if let Entry::Vacant(way) = ways.entry(from) {
                let far = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
                far.connect(to).await.unwrap();
                let (back, near) = (Arc::clone(&far), Arc::clone(&udp));
                tokio::spawn(async move {
                    let mut packet = vec![0; 1 << 16];
                    while let Ok(length) = back.recv(&mut packet).await {
                        let _ = near.send_to(&packet[..length], from).await;
                    }
                });
                way.insert(far);
            }
            let _ = ways[&from].send(&packet[..length]).await;
        }
    });
    address
}

/// Reads so many bytes, and gives what was connected meanwhile.
async fn read(channel: &mut Channel, bytes: usize) -> (Vec<u8>, Vec<(Transport, bool)>) {
    let (mut read, mut connected) = (Vec::new(), Vec::new());
    while read.len() < bytes {
        match next(channel).await {
            Event::Data(data) => read.extend_from_slice(&data),
            Event::Connected { transport, resumed, .. } => connected.push((transport, resumed)),
            other => panic!("{other:?}"),
        }
    }
    (read, connected)
}

#[test]
fn a_link_over_tcp_moves_to_quic_when_udp_passes() {
    let federation = Federation::new();
    run(async {
        let (seen, mut told) = mpsc::unbounded_channel();
        let (_drops, dropped) = mpsc::unbounded_channel();
        let open = Arc::new(AtomicBool::new(false));
        let address = firewall(echo(&federation, seen, dropped), Arc::clone(&open)).await;
        let moment = Duration::from_millis(1);
        let timers = Timers { fallback: moment, probe: moment, ..Timers::default() };
        let mut channel = channel(&federation, address, Mode::Auto, timers);
        let Event::Connected { transport: Transport::Tcp, resumed: false, coordinator_seconds: 7, .. } =
            next(&mut channel).await
        else {
            panic!("over TCP")
        };
        // Before the first attempt over QUIC beside it: that one succeeds.
        open.store(true, Ordering::SeqCst);
        channel.send([Bytes::from_static(b"over TCP, ")]);
        let (mut first, mut connected) = read(&mut channel, 10).await;
        while connected.is_empty() {
            match next(&mut channel).await {
                Event::Connected { transport, resumed, .. } => connected.push((transport, resumed)),
                Event::Data(data) => first.extend_from_slice(&data),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((first, connected), (b"over TCP, ".to_vec(), vec![(Transport::Quic, true)]));
        channel.send([Bytes::from_static(b"over QUIC")]);
        assert_eq!(read(&mut channel, 9).await, (b"over QUIC".to_vec(), vec![]));
        let (down, up) = channel.bytes();
        assert!(down > 19 && up > 19, "both connections are counted: {down} and {up}");
        let Some(Seen::Connection(_, 0)) = told.recv().await else { panic!("a first connection") };
        channel.leave("done", PATIENCE).await;
        let end = loop {
            match told.recv().await.unwrap() {
                Seen::End(End::Cut(_)) | Seen::Connection(..) => {}
                other => break other,
            }
        };
        assert!(matches!(&end, Seen::End(End::Over(reason)) if reason.as_str() == "done"), "{end:?}");
    });
}

#[test]
fn where_one_transport_alone_is_wanted_no_other_one_is_tried() {
    let federation = Federation::new();
    run(async {
        let (seen, mut told) = mpsc::unbounded_channel();
        let (drops, dropped) = mpsc::unbounded_channel();
        let address = echo(&federation, seen, dropped);
        let moment = Duration::from_millis(1);
        let timers = Timers { fallback: moment, probe: moment, ..Timers::default() };
        let mut channel = channel(&federation, address, Mode::Tcp, timers);
        assert!(matches!(next(&mut channel).await, Event::Connected { transport: Transport::Tcp, .. }));
        for round in 0..20_u8 {
            channel.send([Bytes::copy_from_slice(&[round])]);
            assert_eq!(read(&mut channel, 1).await, (vec![round], vec![]));
        }
        drops.send(()).unwrap();
        assert!(matches!(next(&mut channel).await, Event::Waiting { .. }));
        let again = next(&mut channel).await;
        assert!(matches!(again, Event::Connected { transport: Transport::Tcp, resumed: true, .. }), "{again:?}");
        let ways = [told.recv().await.unwrap(), told.recv().await.unwrap()];
        assert!(matches!(ways, [Seen::Connection(_, 0), Seen::Connection(_, 20)]), "{ways:?}");
    });
}

/// A firewall may have learnt to drop the flow of the first one.
#[test]
fn after_a_cut_quic_leaves_from_another_port() {
    let federation = Federation::new();
    run(async {
        let (seen, mut told) = mpsc::unbounded_channel();
        let (drops, dropped) = mpsc::unbounded_channel();
        let address = echo(&federation, seen, dropped);
        let mut channel = channel(&federation, address, Mode::Quic, Timers::default());
        let mut ports = Vec::new();
        for resumptions in 0..3 {
            let connected = next(&mut channel).await;
            assert!(
                matches!(connected, Event::Connected { resumed, .. } if resumed == (resumptions > 0)),
                "{connected:?}"
            );
            channel.send([Bytes::from_static(b"x")]);
            assert_eq!(read(&mut channel, 1).await, (b"x".to_vec(), vec![]));
            let Some(Seen::Connection(from, received)) = told.recv().await else { panic!("a connection") };
            assert_eq!(received, resumptions);
            ports.push(from.port());
            drops.send(()).unwrap();
            let Event::Waiting { retry, .. } = next(&mut channel).await else { panic!("a cut") };
            assert!(retry <= Duration::from_millis(200), "a cut is no refusal: {retry:?}");
        }
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 3);
    });
}

/// Two links over one connection of TCP, a client's and a coordinator's.
async fn pair(federation: &Federation, transport: Transport, timers: [Timers; 2]) -> (Link, Link) {
    let listener = opened("127.0.0.1:0", federation.server(Off(0)));
    let dialer = Dialer::new(way(listener.address(), Mode::Auto));
    let [ours, theirs] = timers;
    let near = async {
        let wire = dialer.over(transport, federation.client(Off(0)).tls).await.unwrap();
        let (greeted, welcome) = Greeted::by_us(wire, &Greeting::trial(Vec::new())).await.unwrap();
        let mut link = Link::new(ours);
        link.attach(greeted, welcome.received).unwrap();
        link
    };
    let far = async {
        let Accepted::Peer(wire) = listener.next().await.unwrap().accept(|| {}).await.unwrap() else {
            panic!("a peer")
        };
        let (greeted, _) = Greeted::by_peer(*wire).await.unwrap();
        let mut link = Link::new(theirs);
        link.welcome(greeted, 0, Welcome { link: LINK, resumed: false, received: 0, unix_seconds: 7 }).unwrap();
        assert!(!link.is_welcomed(), "it has not left");
        while !link.is_welcomed() {
            let _ = tokio::time::timeout(Duration::from_millis(1), link.read()).await;
        }
        link
    };
    tokio::join!(near, far)
}

/// The signs of life of each side are answered by the other one, and nobody says anything else.
#[test]
fn a_silent_link_over_tcp_keeps_itself_alive() {
    let federation = Federation::new();
    run(async {
        let keep_alive = Duration::from_millis(2);
        let timers = Timers { keep_alive, ..Timers::default() };
        let (mut near, mut far) = pair(&federation, Transport::Tcp, [timers, timers]).await;
        let before = (near.bytes(), far.bytes());
        let grown = |now: (u64, u64), before: (u64, u64)| now.0 >= before.0 + 100 && now.1 >= before.1 + 100;
        while !grown(near.bytes(), before.0) || !grown(far.bytes(), before.1) {
            tokio::select! {
                data = near.read() => panic!("{data:?}"),
                data = far.read() => panic!("{data:?}"),
                () = tokio::time::sleep(keep_alive) => {}
            }
        }
        assert!(near.has_answered() && far.has_answered() && near.unconfirmed() == 0);
        // A question is answered, and until then it is not.
        near.ping();
        assert!(!near.has_answered());
        while !near.has_answered() {
            tokio::select! {
                data = near.read() => panic!("{data:?}"),
                data = far.read() => panic!("{data:?}"),
                () = tokio::time::sleep(keep_alive) => {}
            }
        }
    });
}

#[test]
fn a_peer_that_says_nothing_over_tcp_is_given_up_after_its_time() {
    let federation = Federation::new();
    run(async {
        let idle = Duration::from_millis(400);
        let mortal = Timers { keep_alive: Duration::from_millis(4), idle, ..Timers::default() };
        let begun = Instant::now();
        let (mut near, mut far) = pair(&federation, Transport::Tcp, [mortal, Timers::default()]).await;
        let before = far.bytes().0;
        near.send([Bytes::from_static(b"is anybody there?")]);
        let end = near.read().await.unwrap_err();
        assert!(matches!(&end, End::Cut(failure) if failure.to_string().contains("nothing arrived for")), "{end:?}");
        assert!(begun.elapsed() >= idle, "not sooner");
        near.detach();
        assert_eq!((near.is_attached(), near.unconfirmed()), (false, 17), "what nobody confirmed is kept");
        // It asked for a sign of life meanwhile: more came than the words.
        let words = far.read().await.unwrap();
        assert_eq!(&words[..], b"is anybody there?");
        let end = loop {
            if let Err(end) = far.read().await {
                break end;
            }
        };
        assert!(matches!(end, End::Cut(_)), "{end:?}");
        assert!(far.bytes().0 > before + 4 + 17 + 8, "{}", far.bytes().0 - before);
    });
}

#[test]
fn what_was_flushed_was_read_and_a_dropped_connection_is_a_cut() {
    let federation = Federation::new();
    for transport in [Transport::Quic, Transport::Tcp] {
        run(async {
            let (mut near, mut far) = pair(&federation, transport, [Timers::default(); 2]).await;
            let words = Bytes::from(vec![7; 700_000]);
            near.send([words.clone(), words.clone()]);
            assert_eq!(near.unconfirmed(), 1_400_000);
            let reads = async {
                let mut read = 0;
                while read < 1_400_000 {
                    read += far.read().await.unwrap().len();
                }
                far.tend_to_end().await
            };
            let flushes = async {
                near.flush().await.unwrap();
                assert_eq!((near.unconfirmed(), near.has_answered()), (0, true));
                let (down, up) = near.bytes();
                assert!(up > 1_400_000 && down > 0, "{down} and {up}");
                near.detach();
                assert_eq!(near.bytes(), (down, up), "what an earlier connection carried is counted");
            };
            let (end, ()) = tokio::join!(reads, flushes);
            assert!(matches!(end, End::Cut(_)), "{transport}: {end:?}");
            assert_eq!((far.received(), near.received()), (1_400_000, 0));
        });
    }
}

/// Whoever leaves in order has said everything before.
#[test]
fn a_channel_that_leaves_is_heard_to_its_last_byte() {
    let federation = Federation::new();
    for mode in [Mode::Quic, Mode::Tcp] {
        run(async {
            let listener = opened("127.0.0.1:0", federation.server(Off(0)));
            let address = listener.address();
            let near = async {
                let mut channel = channel(&federation, address, mode, Timers::default());
                channel.send([Bytes::from_static(b"there is no link yet")]);
                assert!(matches!(next(&mut channel).await, Event::Connected { resumed: false, .. }));
                channel.send([Bytes::from(vec![7; 900_000])]);
                channel.leave("done", PATIENCE).await;
            };
            let far = async {
                let Accepted::Peer(wire) = listener.next().await.unwrap().accept(|| {}).await.unwrap() else {
                    panic!("a peer")
                };
                let (greeted, _) = Greeted::by_peer(*wire).await.unwrap();
                let mut link = Link::new(Timers::default());
                assert!(link.has_answered() && link.wire().is_none(), "nothing was asked");
                link.welcome(greeted, 0, Welcome { link: LINK, resumed: false, received: 0, unix_seconds: 7 }).unwrap();
                let end = link.tend_to_end().await;
                (link.received(), end.to_string())
            };
            let ((), heard) = tokio::join!(near, far);
            assert_eq!(heard, (900_000, "the peer ended the connection: done".to_owned()), "{mode:?}");
        });
    }
}
