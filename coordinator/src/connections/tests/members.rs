//! With a member's stolen TLS key.

use tokio::task::JoinSet;
use tributary_certs::enrolment::Member;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RunId;
use tributary_protocol::message::{RefusalCode, ToCoordinator, Upstream};
use tributary_protocol::roster::Roster;
use tributary_protocol::secagg::suite::Signature;
use tributary_transport::Link;

use super::*;

/// So many connections of one identity greet and wait.
const HALF_OPEN: usize = 40;

#[test]
fn two_connections_of_a_client_stand_whatever_its_key_is_used_for() {
    run(async {
        let mut house = House::open(1).await;
        let (dialer, tls) = (dialer(house.address), house.tls("branch-0"));
        let (greeted, welcome) = greet(dialer.clone(), Transport::Quic, Arc::clone(&tls), fresh(7)).await.unwrap();
        let mut link = Link::new(Timers::default());
        link.attach(greeted, 0).unwrap();
        // The machine takes nothing: the session stands still at this message, as it does while a disk is slow, and takes no connection up.
        link.send([framed(&Upstream::Refuse {
            code: RefusalCode::BranchUnprepared,
            signature: Signature::ed25519([0; 64]),
        })]);
        let resumption = Greeting { link: welcome.link, ..fresh(7) };
        let mut half_open = JoinSet::new();
        for number in 0..HALF_OPEN {
            let transport = if number % 2 == 0 { Transport::Quic } else { Transport::Tcp };
            half_open.spawn(greet(dialer.clone(), transport, Arc::clone(&tls), resumption.clone()));
        }
        // All but one are closed, although nobody was welcomed and nobody has given up.
        for _ in 0..HALF_OPEN - 1 {
            let closed = tokio::time::timeout(PATIENCE, async {
                tokio::select! {
                    closed = half_open.join_next() => closed.unwrap().unwrap(),
                    end = link.tend() => panic!("the session's own connection ended: {end}"),
                }
            });
            let Err(End::Cut(reason)) = closed.await.unwrap() else { panic!("welcomed, or over") };
            assert!(
                !reason.to_string().contains("nothing arrived"),
                "the coordinator lets go, not the client: {reason}"
            );
        }
        assert_eq!(half_open.len(), 1, "one waits beside the session's own connection");
        // The machine goes on, and the newest one carries the session.
        let mut arrivals = Vec::new();
        while !half_open.is_empty() {
            tokio::select! {
                arrival = house.machine.recv() => arrivals.push(arrival.unwrap()),
                welcomed = half_open.join_next() => {
                    let (_, welcome) = welcomed.unwrap().unwrap().unwrap();
                    assert!(welcome.resumed);
                }
                _ = link.tend(), if link.is_attached() => link.detach(),
            }
        }
    });
}

/// A message as a frame.
fn framed(message: &Upstream) -> bytes::Bytes {
    let payload = tributary_protocol::codec::encode(&ToCoordinator::Run(RunId::NONE, message.clone()));
    let kind = tributary_protocol::message::FRAME_CONTROL;
    tributary_protocol::frame::encode_frame(kind, &payload).into()
}

#[test]
fn a_client_that_is_out_is_cut_whatever_its_session_waits_for() {
    run(async {
        // The machine takes two words and no more: the session stands still at the third.
        let mut house = House::open(2).await;
        let (dialer, tls) = (dialer(house.address), house.tls("branch-0"));
        let (greeted, _) = greet(dialer.clone(), Transport::Quic, Arc::clone(&tls), fresh(7)).await.unwrap();
        let mut link = Link::new(Timers::default());
        link.attach(greeted, 0).unwrap();
        let message = || {
            framed(&Upstream::Refuse { code: RefusalCode::BranchUnprepared, signature: Signature::ed25519([0; 64]) })
        };
        link.send([message(), message()]);
        while house.machine.len() < 2 {
            tokio::select! {
                end = link.read() => panic!("{end:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
        // Many others ask for the seat before it is cut.
        let mut others = JoinSet::new();
        for number in 0..12_u8 {
            others.spawn(greet(dialer.clone(), Transport::Quic, Arc::clone(&tls), fresh(8 + number)));
            while house.door.line.replaced() < u64::from(number) || house.door.line.waits() == 0 {
                tokio::task::yield_now().await;
            }
        }
        house.door.announce(&Roster::new(2, Digest::of(b"the first"), vec![], vec![], Vec::new()).unwrap());
        let ended = tokio::time::timeout(PATIENCE, link.read()).await.expect("the cut comes");
        let Err(End::Over(reason)) = ended else { panic!("{ended:?}") };
        assert!(reason.contains("is not in the newest roster"), "{reason}");
        assert_eq!(house.machine.len(), 2, "and the machine has still taken nothing");
        // What it is told of the client at last is that it has left, and nothing of what came with it.
        let mut told = Vec::new();
        while !matches!(told.last(), Some(Arrival::Disconnected(ClientId(1), _))) {
            told.push(house.machine.recv().await.unwrap());
        }
        assert_eq!(told.len(), 3);
        house.door.seats.emptied().await;
    });
}

#[test]
fn of_processes_that_want_a_seat_the_newest_waits_and_the_others_are_sent_away() {
    run(async {
        let mut house = House::open(16).await;
        let (dialer, tls) = (dialer(house.address), house.tls("branch-0"));
        let (greeted, _) = greet(dialer.clone(), Transport::Quic, Arc::clone(&tls), fresh(7)).await.unwrap();
        let mut link = Link::new(Timers::default());
        link.attach(greeted, 0).unwrap();
        let mut others = JoinSet::new();
        for instance in 8..28 {
            others.spawn(greet(dialer.clone(), Transport::Quic, Arc::clone(&tls), fresh(instance)));
        }
        let (mut replaced, mut told) = (0, 0);
        let mut arrivals = Vec::new();
        // The first one proves that it is alive all the while.
        while !others.is_empty() {
            let ended = tokio::select! {
                ended = others.join_next() => ended.unwrap().unwrap(),
                end = link.read() => panic!("{end:?}"),
                Some(arrival) = house.machine.recv() => {
                    arrivals.push(arrival);
                    continue;
                }
            };
            match ended {
                Err(End::Over(reason)) if reason.contains("a newer connection of this client") => replaced += 1,
                // A welcome without a link that goes on; the refusal comes after it.
                Ok((_, welcome)) => told += usize::from(!welcome.resumed),
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!((replaced, told), (19, 1));
        let metrics = house.door.metrics();
        let count = metrics.iter().find(|metric| metric.name == "door_replaced_total").unwrap();
        assert_eq!(count.value, 19);
    });
}

#[test]
fn a_connection_that_waited_for_its_seat_is_judged_by_the_roster_of_now() {
    run(async {
        let mut house = House::open(16).await;
        let (dialer, tls) = (dialer(house.address), house.tls("branch-0"));
        let (first, _) = greet(dialer.clone(), Transport::Quic, Arc::clone(&tls), fresh(7)).await.unwrap();
        let seated = house.machine.recv().await;
        assert!(matches!(seated, Some(Arrival::Connected(ClientId(1), _))));
        // The first process is there and does not answer: the second one waits for its seat.
        let waiting = tokio::spawn(greet(dialer, Transport::Quic, tls, fresh(8)));
        while house.door.line.waits() == 0 {
            tokio::task::yield_now().await;
        }
        // Meanwhile another roster comes into force, without that branch.
        let entries: Vec<_> =
            house.federation.members.iter().skip(1).map(|member: &Member| member.entry.clone()).collect();
        house.members.replace(&Roster::new(2, Digest::of(b"the first"), entries, vec![], Vec::new()).unwrap());
        let (greeted, welcome) = waiting.await.unwrap().unwrap();
        assert!(!welcome.resumed);
        let mut link = Link::new(Timers::default());
        link.attach(greeted, 0).unwrap();
        let told = tokio::time::timeout(PATIENCE, link.read()).await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&told).contains("is not in this coordinator's roster"));
        drop((first, seated));
        while let Ok(arrival) = house.machine.try_recv() {
            assert!(!matches!(arrival, Arrival::Connected(..)), "nobody was seated");
        }
    });
}

#[test]
fn a_trial_takes_no_seat_and_no_word_of_it_reaches_the_machine() {
    run(async {
        let mut house = House::open(16).await;
        let (dialer, tls) = (dialer(house.address), house.tls("branch-0"));
        for transport in [Transport::Quic, Transport::Tcp] {
            let trial = greet(dialer.clone(), transport, Arc::clone(&tls), Greeting::trial(Vec::new())).await;
            let (greeted, welcome) = trial.unwrap();
            assert!(welcome.unix_seconds.abs_diff(now()) < 60);
            greeted.close("tried").await;
        }
        assert!(house.machine.try_recv().is_err(), "nobody has come");
        // Beside a daemon that runs it is told so, and the daemon is not asked for its seat.
        let (greeted, _) = greet(dialer.clone(), Transport::Quic, Arc::clone(&tls), fresh(7)).await.unwrap();
        let (trial, _) = greet(dialer, Transport::Quic, tls, Greeting::trial(Vec::new())).await.unwrap();
        let mut link = Link::new(Timers::default());
        link.attach(trial, 0).unwrap();
        let told = tokio::time::timeout(PATIENCE, link.read()).await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&told).contains("is connected already"));
        let seated = house.machine.recv().await;
        assert!(matches!(seated, Some(Arrival::Connected(ClientId(1), _))));
        assert!(house.machine.try_recv().is_err(), "the daemon keeps its seat");
        drop((greeted, seated));
    });
}

#[test]
fn a_member_s_address_is_known_from_its_first_connection_until_it_is_out() {
    run(async {
        let house = House::open(16).await;
        let known = || house.door.handshakes.knows([127, 0, 0, 1].into());
        let (greeted, _) = greet(dialer(house.address), Transport::Tcp, house.tls("branch-0"), fresh(7)).await.unwrap();
        assert!(known());
        drop(greeted);
        house.door.announce(&Roster::new(2, Digest::of(b"the first"), vec![], vec![], Vec::new()).unwrap());
        assert!(!known());
        // Whoever is refused makes nothing known.
        let (greeted, _) = greet(dialer(house.address), Transport::Tcp, house.tls("branch-1"), fresh(8)).await.unwrap();
        assert!(!known());
        drop(greeted);
    });
}
