//! What passes over the connection of one client: messages, vectors, and its end.

use bytes::Bytes;
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::frame::encode_frame;
use tributary_protocol::ids::{RoundId, RunId};
use tributary_protocol::message::{
    FRAME_CONTROL, FRAME_VECTOR, MaskedHeader, RefusalCode, ToClient, ToCoordinator, Upstream, WitnessWord,
};
use tributary_protocol::round::Input;
use tributary_protocol::round::cast::{MaskedRound, masked_round};
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::permit::Ticket;
use tributary_protocol::secagg::suite::Signature;
use tributary_transport::Link as Wires;

use super::*;
use crate::run::uploads::{OpenSum, Verdict};
use crate::store::head_of;

/// A member that is connected over TCP, and the machine's way to it.
async fn seated(house: &mut House) -> (Wires, Link) {
    let tls = house.tls("branch-0");
    let (greeted, _) = greet(dialer(house.address), Transport::Tcp, tls, fresh(7)).await.unwrap();
    let mut wires = Wires::new(Timers::default());
    wires.attach(greeted, 0).unwrap();
    let Some(Arrival::Connected(ClientId(1), link)) = next(house, &mut wires).await else { panic!("it has come") };
    (wires, link)
}

/// The next thing that the machine is told, while the client sends and reads what it can.
async fn next(house: &mut House, wires: &mut Wires) -> Option<Arrival> {
    let told = tokio::time::timeout(PATIENCE, async {
        loop {
            tokio::select! {
                biased;
                arrival = house.machine.recv() => return arrival,
                _ = wires.tend(), if wires.is_attached() => wires.detach(),
            }
        }
    });
    told.await.expect("it comes")
}

fn frame(message: &ToCoordinator) -> Bytes {
    encode_frame(FRAME_CONTROL, &codec::encode(message)).into()
}

fn refusal() -> Upstream {
    Upstream::Refuse { code: RefusalCode::BranchUnprepared, signature: Signature::ed25519([0; 64]) }
}

/// A header of a vector. The machine alone looks at what it says.
fn header() -> Upstream {
    Upstream::Masked(MaskedHeader {
        round: RoundId(4),
        descriptor: Digest([1; 32]),
        vector: Digest([2; 32]),
        head: Box::new(head_of(1, 9)),
        signature: Signature::ed25519([0; 64]),
    })
}

/// A ticket and its vector of a small round.
fn ticket() -> (Ticket, Vec<u8>) {
    let values = [(ClientId(1), vec![3; 8]), (ClientId(2), vec![4; 8])];
    let shape = (RoundId(4), Digest([1; 32]), Ring::Bits64);
    let MaskedRound { mut uploads, .. } = masked_round::<tributary_certs::suite::RealSuite>(shape, &values, &[]);
    uploads.remove(0)
}

#[test]
fn each_message_of_a_client_is_told_with_its_number() {
    run(async {
        let mut house = House::open(16).await;
        let (mut wires, link) = seated(&mut house).await;
        let run = RunId([5; 32]);
        wires.send([
            frame(&ToCoordinator::About { release: "0.9.1".into() }),
            frame(&ToCoordinator::ModelPiece { model: Digest([6; 32]), from: 77 }),
            frame(&ToCoordinator::Witness(WitnessWord::Seen { size: 88 })),
            frame(&ToCoordinator::Run(run, refusal())),
        ]);
        let told = next(&mut house, &mut wires).await;
        assert!(matches!(told, Some(Arrival::About(ClientId(1), release)) if release == "0.9.1"));
        let told = next(&mut house, &mut wires).await;
        assert!(matches!(told, Some(Arrival::ModelPiece(ClientId(1), model, 77)) if model == Digest([6; 32])));
        let told = next(&mut house, &mut wires).await;
        assert!(matches!(told, Some(Arrival::Witness(ClientId(1), WitnessWord::Seen { size: 88 }))));
        let told = next(&mut house, &mut wires).await;
        assert!(matches!(told, Some(Arrival::Message(ClientId(1), of, message)) if of == run && message == refusal()));
        // What the machine lets go of is sent whatever it has queued, and told why.
        assert!(link.send(vec![control_frame(&ToClient::Lists(b"lists".to_vec()))]));
        drop(link);
        let said = wires.read().await.unwrap();
        assert!(String::from_utf8_lossy(&said).contains("lists"));
        let end = tokio::time::timeout(PATIENCE, wires.read()).await.unwrap().unwrap_err();
        assert_eq!(end.to_string(), "the peer ended the connection: done");
        let told = next(&mut house, &mut wires).await;
        assert!(matches!(told, Some(Arrival::Disconnected(ClientId(1), None))), "its work was over");
    });
}

/// Nothing after a header is read before the machine has judged it; a vector that nobody wants is passed over.
#[test]
fn a_vector_waits_for_its_verdict() {
    run(async {
        let mut house = House::open(16).await;
        let (mut wires, link) = seated(&mut house).await;
        let run = RunId([5; 32]);
        let announced = |wires: &mut Wires, vector: &[u8]| {
            let header = frame(&ToCoordinator::Run(run, header()));
            wires.send([header, encode_frame(FRAME_VECTOR, vector).into(), frame(&ToCoordinator::Run(run, refusal()))]);
        };
        let is_header = |told: Option<Arrival>| matches!(told, Some(Arrival::Message(_, _, Upstream::Masked(_))));
        let is_refusal = |told: Option<Arrival>| matches!(told, Some(Arrival::Message(_, _, Upstream::Refuse { .. })));
        announced(&mut wires, b"unwanted");
        assert!(is_header(next(&mut house, &mut wires).await));
        assert!(house.machine.try_recv().is_err(), "it waits");
        assert!(link.judge(Verdict::Discard));
        assert!(is_refusal(next(&mut house, &mut wires).await));
        // One that is admitted is kept where it has the length that was announced.
        let sum = OpenSum::default();
        for whole in [true, false] {
            let (ticket, bytes) = ticket();
            let sent = if whole { &bytes[..] } else { &bytes[..bytes.len() - 1] };
            announced(&mut wires, sent);
            assert!(is_header(next(&mut house, &mut wires).await));
            assert!(link.judge(Verdict::Admit { run, ticket, sum: sum.clone() }));
            let Some(Arrival::Vector(of, input)) = next(&mut house, &mut wires).await else { panic!("a vector") };
            let arrived = match input {
                Input::Arrived { round: RoundId(4), client: ClientId(1) } => true,
                Input::UploadFailed { round: RoundId(4), client: ClientId(1) } => false,
                _ => panic!("the vector is there, or not"),
            };
            assert_eq!((of, arrived), (run, whole));
            assert!(is_refusal(next(&mut house, &mut wires).await));
        }
    });
}

/// How a conversation ends where the client says this, after a verdict where it announces a vector.
async fn ended(said: Vec<Bytes>, announces: bool) -> (String, Option<String>) {
    let mut house = House::open(16).await;
    let (mut wires, link) = seated(&mut house).await;
    wires.send(said);
    if announces {
        assert!(matches!(next(&mut house, &mut wires).await, Some(Arrival::Message(..))));
        assert!(link.judge(Verdict::Discard));
    }
    let end = tokio::time::timeout(PATIENCE, wires.read()).await.unwrap().unwrap_err();
    let Some(Arrival::Disconnected(ClientId(1), why)) = next(&mut house, &mut wires).await else {
        panic!("it is gone")
    };
    (end.to_string(), why)
}

#[test]
fn what_belongs_nowhere_ends_the_conversation_with_its_reason() {
    run(async {
        let vector: Bytes = encode_frame(FRAME_VECTOR, b"vector").into();
        let header = frame(&ToCoordinator::Run(RunId([5; 32]), header()));
        let refuses = frame(&ToCoordinator::Run(RunId([5; 32]), refusal()));
        let garbage: Bytes = encode_frame(FRAME_CONTROL, &[255; 9]).into();
        let rows = [
            (vec![vector], false, "a vector came that no header announced"),
            (vec![header, refuses], true, "a message came where a vector was announced"),
            (vec![garbage], false, ""),
            (vec![encode_frame(77, b"x").into()], false, ""),
        ];
        for (said, announces, reason) in rows {
            let (end, why) = ended(said, announces).await;
            let why = why.expect("a reason");
            assert!(why.contains(reason) && why.ends_with("; compare the releases of both sides"), "{why}");
            assert!(end.ends_with(&why), "{end}");
        }
    });
}

/// Whoever is cut hears why, and so does the machine.
#[test]
fn a_cut_is_told_to_both_sides() {
    run(async {
        let mut house = House::open(16).await;
        let (mut wires, link) = seated(&mut house).await;
        link.abort("it was denied");
        let end = tokio::time::timeout(PATIENCE, wires.read()).await.unwrap().unwrap_err();
        assert_eq!(end.to_string(), "the peer ended the connection: it was denied");
        let told = next(&mut house, &mut wires).await;
        assert!(matches!(told, Some(Arrival::Disconnected(ClientId(1), Some(why))) if why == "it was denied"));
    });
}
