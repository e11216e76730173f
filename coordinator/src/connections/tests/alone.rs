//! A session that nobody carries: what it does with orders, deadlines, losses and what waits, without a network.

use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tributary_protocol::ids::ClientId;
use tributary_protocol::roster::Roster;
use tributary_transport::limits::PROOF_OF_LIFE_TIME;
use tributary_transport::{Greeting, LinkId, Timers};

use super::*;
use crate::connections::seats::{Place, Proof};
use crate::connections::{DoorSettings, Limits, Members};
use crate::run::spool::Spool;

const DETACHED: Duration = Duration::from_secs(7);

/// What a client may upload.
const UPLOAD_BYTES: usize = 1_000;

/// A door without a port.
fn door(inputs: mpsc::Sender<Arrival>, folder: &std::path::Path) -> Arc<Door> {
    let limits = Arc::new(Limits::default());
    limits.admit(UPLOAD_BYTES, 1);
    Door::new(DoorSettings {
        members: Arc::new(Members::open(&Roster::none(), folder).unwrap()),
        standing: Arc::default(),
        inputs,
        spool: Spool::new(folder.to_path_buf()),
        limits,
        traffic: Arc::default(),
        timers: Timers { detached: DETACHED, ..Timers::default() },
        office: None,
        ended: tributary_certs::ended::EndedCertificates::default(),
        unix_seconds: || 1_000,
    })
}

/// Gives a test a session whose link has no connection.
fn alone(test: impl AsyncFnOnce(&mut Session<'_>, &Link, &mpsc::Sender<Arrival>)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let (inputs, _machine) = mpsc::channel(4);
        let door = door(inputs.clone(), folder.path());
        let proof = Proof { certificate: CertificateDer::from(vec![1]), binding: Vec::new() };
        let greeting = Greeting { instance: [7; 16], link: LinkId::default(), received: 0, binding: Vec::new() };
        let place = door.seats.take(ClientId(1), &proof, &greeting, Duration::from_secs(60)).await;
        let Some(Place::New(seat)) = place else { panic!("the seat is free") };
        let (way, queued, judged) = Link::to(Arc::clone(&seat.orders));
        let (link, frames) = (Wires::new(door.timers), Frames::new(|_| Some(16)));
        let deadlines = at_rest();
        test(&mut Session { door: &door, seat, link, frames, queued, judged, deadlines }, &way, &inputs).await;
    });
}

/// Nothing is owed.
fn at_rest() -> Deadlines {
    let mut deadlines = Deadlines::begin(Instant::now());
    deadlines.first(Seen { answered: true, welcomed: true, received: 0 });
    deadlines
}

/// How a session ends, in a word, and why.
fn ends(leave: Result<(), Leave>) -> Option<(&'static str, String)> {
    match leave.err()? {
        Leave::Released => Some(("released", String::new())),
        Leave::Refused(reason) => Some(("refused", reason)),
        Leave::Fault(PeerFault::Ended(End::Cut(reason))) => Some(("cut", reason.to_string())),
        Leave::Fault(PeerFault::Ended(End::Over(reason))) => Some(("over", reason.to_string())),
        Leave::Fault(fault) => panic!("{fault}"),
    }
}

fn ended(word: &'static str, reason: &str) -> Option<(&'static str, String)> {
    Some((word, reason.to_owned()))
}

/// Whether something is due so long after now, as far as a test that takes its time can say.
fn is_due_in(session: &mut Session<'_>, after: Duration) -> bool {
    let now = Instant::now();
    session.deadline().is_some_and(|at| at <= now + after && at + Duration::from_secs(60) > now + after)
}

#[test]
fn messages_wait_and_four_models_beside_them() {
    let expected = [(0, 16 << 20), (1_000, (16 << 20) + 4_000), (usize::MAX, u64::MAX)];
    assert_eq!(expected.map(|(bytes, _)| waiting_bytes_max(bytes)), expected.map(|(_, most)| most));
}

/// Whoever is here may prove that it is alive; whoever is away has lost its seat to the one that asks.
#[test]
fn each_order_does_what_it_says() {
    alone(async |session, _, _| {
        assert_eq!((session.deadline(), session.seen().answered), (None, true));
        assert_eq!(ends(session.ordered(Order::Prove)), None);
        assert!(is_due_in(session, PROOF_OF_LIFE_TIME) && !session.seen().answered);
        let taken = "another process of this branch took over";
        assert_eq!(ends(session.ordered(Order::Leave)), ended("over", taken));
        assert_eq!(ends(session.ordered(Order::Cut("revoked".into()))), ended("over", "revoked"));
        session.deadlines.cut(Instant::now(), DETACHED);
        assert_eq!(ends(session.ordered(Order::Prove)), ended("over", taken));
    });
}

#[test]
fn what_is_late_ends_the_session_with_its_reason() {
    alone(async |session, _, _| {
        assert_eq!(ends(session.expired()), None, "nothing is late");
        let now = Instant::now();
        session.deadlines.cut(now - DETACHED, DETACHED);
        assert_eq!(ends(session.expired()), ended("cut", "the client did not come back within 7 seconds"));
        session.deadlines = at_rest();
        session.deadlines.demand_progress(now - PROGRESS_TIME, 0);
        let slow = format!("a message came more slowly than {PROGRESS_BYTES_MIN} bytes in 30 seconds");
        assert_eq!(ends(session.expired()), ended("refused", &slow));
        session.deadlines = at_rest();
        session.deadlines.prove(now - PROOF_OF_LIFE_TIME);
        assert_eq!(ends(session.expired()), None, "it was not asked");
        session.link.ping();
        let silent = "it did not answer, and another process of this branch is there";
        assert_eq!(ends(session.expired()), ended("cut", silent));
    });
}

/// The network's fault is forgiven, for as long as the settings say; nobody forgives what is faulty, or was meant.
#[test]
fn a_cut_is_waited_out_and_no_other_end() {
    alone(async |session, _, _| {
        let faulty = End::Faulty("no record".into());
        assert_eq!(ends(session.lost(faulty)), ended("refused", "no record"));
        assert_eq!(ends(session.lost(End::Over("done".into()))), ended("over", "done"));
        assert!(!session.deadlines.is_detached() && session.deadline().is_none());
        assert_eq!(ends(session.lost(End::Cut("the line".into()))), None);
        assert!(session.deadlines.is_detached() && is_due_in(session, DETACHED));
    });
}

/// So many bytes wait for a client, and one more is too many. A machine that lets go of its way ends the session in order.
#[test]
fn whoever_does_not_read_is_refused_from_the_first_byte_beyond_the_limit() {
    alone(async |session, _, _| {
        let most = usize::try_from(waiting_bytes_max(UPLOAD_BYTES)).unwrap();
        let bytes = |count: usize| Some(vec![Bytes::from(vec![0; count])]);
        assert_eq!(ends(session.queue(bytes(most))), None);
        assert_eq!(ends(session.queue(bytes(1))), ended("refused", "this client did not read what it was sent"));
        assert_eq!(ends(session.queue(None)), ended("released", ""));
    });
}

/// As many groups as have room, and no more; one verdict at a time.
#[test]
fn the_way_to_a_client_holds_so_many_groups_and_one_verdict() {
    alone(async |session, way, _| {
        let sent = (0..100).take_while(|_| way.send(vec![Bytes::from_static(b"x")])).count();
        assert_eq!(sent, 64);
        assert!(way.judge(Verdict::Discard) && !way.judge(Verdict::Discard), "the first one was not taken yet");
        assert!(matches!(session.verdict().await, Ok(Verdict::Discard)));
        session.judged.close();
        assert!(way.judge(Verdict::Discard), "nobody waits for it");
        assert_eq!(ends(session.verdict().await.map(|_| ())), ended("released", ""));
    });
}

/// What the machine tells comes before what it has heard, and a cut before everything.
#[test]
fn a_word_to_the_machine_waits_for_room_and_a_cut_for_nothing() {
    alone(async |session, way, inputs| {
        let word = || Arrival::About(ClientId(1), "0.9.1".into());
        for _ in 0..4 {
            assert_eq!(ends(session.tell(word()).await), None);
        }
        assert_eq!(inputs.capacity(), 0, "there is no room for another one");
        way.abort("revoked");
        way.abort("denied");
        assert_eq!(ends(session.tell(word()).await), ended("over", "revoked"));
    });
}
