//! What each effect of a run's machine has the daemon do, in order and to the word.

use tributary_certs::grant::sign_withdrawal;
use tributary_certs::suite::RealSuite;
use tributary_protocol::budget::BudgetHead;
use tributary_protocol::ids::ClientId;
use tributary_protocol::message::{Floor, Muster, RefusalCode};
use tributary_protocol::plan::GrantFault;
use tributary_protocol::round::RoundHead;
use tributary_protocol::round::cast::{self, contribution};
use tributary_protocol::secagg::masked_update::{MaskedUpdate, mask};
use tributary_protocol::secagg::modular::{Ring, RingWords};
use tributary_protocol::secagg::suite::Signature;

use super::*;
use crate::test_home::header_under;

/// A branch that was welcomed to a run, and has judged nothing yet.
fn welcomed() -> (tempfile::TempDir, Runs<Noted>, Run) {
    let (folder, mut runs) = connected();
    let run = run_of(1);
    runs.invite(at(0), run.id());
    let own = runs.open.get_mut(&run.id()).unwrap();
    own.name = RunName::of(&run.reference(), "plan 1".into());
    own.shown = Some(Box::new((run.plan().plan().clone(), cast::approvals(run.plan()))));
    own.offered.welcome(run.plan(), 1);
    runs.out.calls.clear();
    (folder, runs, run)
}

/// Carries an effect out, 2 seconds after the beginning: what the daemon was asked for.
fn carried(runs: &mut Runs<Noted>, run: &Run, effect: ParticipantEffect) -> Vec<String> {
    let Runs { open, branch, board, watch, out, .. } = runs;
    let own = open.get_mut(&run.id()).unwrap();
    let mut carrier = Carrier { now: at(2), run: run.id(), own, record: branch.record(), board, watch, out };
    carrier.carry_out(effect).unwrap();
    std::mem::take(&mut runs.out.calls)
}

/// What is told of the run, as the daemon's events have it.
fn told(run: &Run, event: &str, more: &str) -> String {
    let (id, plan) = (run.id().digest().short(), run.reference().plan);
    let of = format!("\"run_id\":\"{id}\",\"plan\":\"{plan}\",\"plan_name\":\"plan 1\",\"run\":1");
    format!("tell {{\"event\":\"{event}\",{of}{more}}}")
}

fn head(run: &Run) -> Box<BudgetHead> {
    Box::new(cast::head(ClientId(1), run.reference()))
}

fn header(run: &Run, round: u64) -> MaskedHeader {
    header_under(run.reference(), RoundId(round))
}

fn update(run: &Run, round: u64) -> MaskedUpdate {
    let permitted = contribution(run, RoundHead { round: RoundId(round), stage: 0, model: Digest::ZERO });
    mask::<RealSuite>(RingWords::reduce(Ring::Bits64, &[1, 2, 3]), permitted.receipt, permitted.seeds)
}

#[test]
fn what_is_written_sent_and_told_is_what_the_machine_says() {
    let (_folder, mut runs, run) = welcomed();
    let name = |event: &str, more: &str| told(&run, event, more);
    let late = "it was not ready at the plan's offset, and the policy's timing is strict";
    let muster = Muster { here: 5, needed: 8, missing: vec![ClientId(3)], more: 2 };
    let accept = Upstream::Accept { run: run.id(), head: head(&run), begun: None };
    let refuse = |code| Upstream::Refuse { code, signature: Signature::none() };
    let cases: Vec<(ParticipantEffect, Vec<String>)> = vec![
        (ParticipantEffect::Append(cast::accepted(&run)), vec!["append RunAccepted at 2000".into()]),
        (ParticipantEffect::Sync, vec!["sync".into()]),
        (ParticipantEffect::Send(Upstream::NotReady), vec!["send NotReady".into()]),
        (
            ParticipantEffect::Send(accept),
            vec!["the owner has answered".into(), name("accepted", ""), "send Accept".into()],
        ),
        (ParticipantEffect::Keyed { honest_min: 6 }, vec!["draw ahead for 6, charged []".into()]),
        (
            ParticipantEffect::NoiseAlone(RoundId(3)),
            vec![name("noise_alone", &format!(",\"round\":3,\"reason\":\"{late}\""))],
        ),
        (
            ParticipantEffect::HeadAdopted { own: 3, shown: 9 },
            vec!["tell {\"event\":\"head_adopted\",\"file\":3,\"shown\":9}".into()],
        ),
        (
            ParticipantEffect::BudgetAnnounced { counter: 4 },
            vec!["tell {\"event\":\"budget_begun\",\"counter\":4}".into()],
        ),
        (
            ParticipantEffect::RosterAccepted { epoch: 7, missing: 2, changes: None },
            vec!["tell {\"event\":\"roster\",\"epoch\":7,\"missing\":2,\"changes\":null}".into()],
        ),
        (
            ParticipantEffect::Muster(muster.clone()),
            vec![name("muster", ",\"here\":5,\"needed\":8,\"missing\":[\"client 3\"],\"more\":2")],
        ),
        // So soon after it nobody is told once more.
        (ParticipantEffect::Muster(muster), vec![]),
        (
            ParticipantEffect::RoundClosed { round: RoundId(3), committed: true },
            vec![name("round", ",\"round\":3,\"committed\":true")],
        ),
        (
            ParticipantEffect::RoundClosed { round: RoundId(4), committed: false },
            vec![name("round", ",\"round\":4,\"committed\":false")],
        ),
        (
            ParticipantEffect::Distrust { what: "it lied".into() },
            vec!["abandon: it lied".into(), "tell {\"event\":\"distrusted\",\"reason\":\"it lied\"}".into()],
        ),
        (
            ParticipantEffect::Stop { explanation: "later".into(), retry: true },
            vec![name("refused", ",\"reason\":\"later\"")],
        ),
        (
            ParticipantEffect::Send(refuse(RefusalCode::NotGranted(GrantFault::Uses))),
            vec![
                "ask the owner about plan 1".into(),
                name(
                    "grant_awaited",
                    &format!(
                        ",\"withdrawn\":false,\"until\":{},\"reason\":\"{}\"",
                        run.plan().schedule.not_after,
                        GrantFault::Uses
                    ),
                ),
                "send Refuse".into(),
            ],
        ),
        // What the owner has withdrawn waits for nobody.
        (
            ParticipantEffect::Send(refuse(RefusalCode::NotGranted(GrantFault::Withdrawn))),
            vec![
                name(
                    "grant_awaited",
                    &format!(
                        ",\"withdrawn\":true,\"until\":{},\"reason\":\"{}\"",
                        run.plan().schedule.not_after,
                        GrantFault::Withdrawn
                    ),
                ),
                "send Refuse".into(),
            ],
        ),
    ];
    for (effect, expected) in cases {
        assert_eq!(carried(&mut runs, &run, effect), expected);
    }
    assert_eq!(runs.out.inbox, [run.reference().plan], "it is granted, and then awaited");
    let own = &runs.open[&run.id()];
    assert_eq!((own.honest_min, own.again, own.refuses), (6, Some(at(62)), true));
}

#[test]
fn a_round_s_work_is_asked_for_once_and_its_vector_leaves_alone() {
    let (_folder, mut runs, run) = welcomed();
    let permitted = || contribution(&run, RoundHead { round: RoundId(3), stage: 0, model: Digest::ZERO });
    runs.open.get_mut(&run.id()).unwrap().model = Some(vec![4, 5]);
    let begun = carried(&mut runs, &run, ParticipantEffect::Contribute(permitted()));
    assert_eq!(begun, ["contribute to round 3 with [4, 5]"]);
    let own = &runs.open[&run.id()];
    let before = own.cpu_before;
    assert!(before.is_some() && own.in_round && own.model.is_none());
    runs.tend(at(2)).unwrap();
    assert_eq!(runs.out.calm, Some(false));
    runs.answered(at(2), Answer::Masked(run.id(), update(&run, 3))).unwrap();
    let sent = carried(&mut runs, &run, ParticipantEffect::Upload(header(&run, 3)));
    assert_eq!(sent, ["send a vector of 40 bytes, noised: true", "draw ahead for 1, charged []"]);
    assert!(carried(&mut runs, &run, ParticipantEffect::ForgetVector(RoundId(3))).is_empty());
    runs.tend(at(2)).unwrap();
    assert_eq!(runs.out.calm, Some(true));
    // The next round begins at another figure of the clock, and the first one's stays.
    runs.open.get_mut(&run.id()).unwrap().model = Some(vec![6]);
    carried(&mut runs, &run, ParticipantEffect::Contribute(permitted()));
    assert_eq!(runs.open[&run.id()].cpu_before, before);
}

/// The words of this branch's own screen: with its own refusal, and never with one of the coordinator's.
#[test]
fn an_end_is_told_with_this_branch_s_own_explanation() {
    let stop = || ParticipantEffect::Stop { explanation: "over".into(), retry: false };
    let refuse = |code| ParticipantEffect::Send(Upstream::Refuse { code, signature: Signature::none() });
    let ended = |effects: Vec<ParticipantEffect>, explained: Option<&str>| {
        let (_folder, mut runs, run) = welcomed();
        runs.open.get_mut(&run.id()).unwrap().explanation = explained.map(str::to_owned);
        for effect in effects {
            carried(&mut runs, &run, effect);
        }
        match runs.open.get_mut(&run.id()).unwrap().end.take() {
            Some(End::Refused { reason }) => format!("refused: {reason}"),
            Some(End::Dismissed { reason }) => format!("dismissed: {reason}"),
            Some(End::Finished { rounds }) => format!("finished after {rounds}"),
            None => "goes on".to_owned(),
        }
    };
    assert_eq!(ended(vec![ParticipantEffect::Finished { rounds: 5 }], None), "finished after 5");
    assert_eq!(ended(vec![stop()], Some("its rows")), "dismissed: over");
    let differs = || refuse(RefusalCode::SchemaDiffers);
    assert_eq!(ended(vec![differs(), stop()], None), "refused: over");
    assert_eq!(ended(vec![differs(), stop()], Some("two columns")), "refused: over: two columns");
    let floor = || refuse(RefusalCode::PolicyFloor(Floor::Width));
    let words = ended(vec![floor(), stop()], None);
    assert!(words.starts_with("refused: over: ") && words.len() > "refused: over: ".len(), "{words}");
    assert_eq!(ended(vec![floor(), stop()], Some("two columns")), "refused: over: two columns");
}

/// A machine that waits for an answer does not ask again, and the next answer ends the waiting.
#[test]
fn a_question_counts_from_the_moment_at_which_it_left() {
    let (_folder, mut runs, run) = welcomed();
    let join = runs.out.sent.iter().find_map(|(_, message)| match message {
        Upstream::Join(_) => Some(message.clone()),
        _ => None,
    });
    assert_eq!(carried(&mut runs, &run, ParticipantEffect::Send(join.unwrap())), ["send Join"]);
    assert_eq!(runs.open[&run.id()].asked, Some(at(2)));
    assert_eq!(runs.deadline(), Some(at(62)));
    carried(&mut runs, &run, ParticipantEffect::Send(Upstream::NotReady));
    assert_eq!(runs.open[&run.id()].asked, Some(at(2)), "nothing else that is sent is a question");
}

/// The way to the coordinator is not changed while a round is open, whatever it says of others.
#[test]
fn the_end_of_another_round_closes_none() {
    let (_folder, mut runs, run) = welcomed();
    runs.open.get_mut(&run.id()).unwrap().in_round = true;
    carried(&mut runs, &run, ParticipantEffect::RoundClosed { round: RoundId(3), committed: false });
    assert!(runs.open[&run.id()].in_round);
    carried(&mut runs, &run, ParticipantEffect::ForgetVector(RoundId(7)));
    assert!(!runs.open[&run.id()].in_round);
}

/// Each withdrawal is in the budget file before anything follows, and one that is known is not written again.
#[test]
fn withdrawals_are_recorded_each_and_once() {
    let (_folder, mut runs, run) = welcomed();
    let owner = SigningKey::from_seed(&[1; 32]);
    let withdrawals = || {
        let of = |number: u8| sign_withdrawal(&owner, Digest([number; 32]), 7);
        vec![of(1), sign_withdrawal(&own(), Digest([3; 32]), 7), of(2)]
    };
    runs.granted(at(3), (Vec::new(), withdrawals())).unwrap();
    let recorded = "append GrantWithdrawn at 3000".to_owned();
    assert_eq!(runs.out.calls, [recorded.clone(), "sync".into(), recorded, "sync".into()]);
    runs.out.calls.clear();
    runs.granted(at(4), (Vec::new(), withdrawals())).unwrap();
    assert!(runs.out.calls.is_empty() && runs.open.contains_key(&run.id()));
}

/// A verdict admits what was judged, and a refused one nothing; what the training could not do is told by the run's name.
#[test]
fn answers_of_the_worker_are_told_of_their_run_alone() {
    let (_folder, mut runs, run) = welcomed();
    let other = run_of(2);
    runs.open.get_mut(&run.id()).unwrap().state_bytes_judged = 40;
    let refused = Answer::Judged { run: run.id(), verdict: Err(RefusalCode::BranchUnprepared) };
    runs.answered(at(1), refused).unwrap();
    assert_eq!(runs.out.vectors_max, 0);
    let alone = |run: &Run| Answer::NoiseAlone { run: run.id(), round: RoundId(6), reason: "a fault".into() };
    let (_folder, mut runs, run) = welcomed();
    runs.answered(at(1), alone(&run)).unwrap();
    runs.answered(at(1), alone(&other)).unwrap();
    let unknown = other.id().digest().short();
    assert_eq!(
        runs.out.calls,
        [
            told(&run, "noise_alone", ",\"round\":6,\"reason\":\"a fault\""),
            format!(
                "tell {{\"event\":\"noise_alone\",\"run_id\":\"{unknown}\",\"plan\":null,\"plan_name\":null,\"run\":null,\
             \"round\":6,\"reason\":\"a fault\"}}"
            ),
        ]
    );
    runs.answered(at(1), Answer::Explain { run: run.id(), text: "why".into() }).unwrap();
    runs.answered(at(1), Answer::Explain { run: other.id(), text: "not this".into() }).unwrap();
    assert_eq!(runs.open[&run.id()].explanation.as_deref(), Some("why"));
}
