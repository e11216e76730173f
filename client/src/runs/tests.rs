//! Several runs over one link: each asks, ends and is put off by itself.

mod carried;
mod readiness;

use tributary_certs::budget::sign_first_use;
use tributary_certs::suite::SigningKey;
use tributary_model::schema::Schema;
use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::ids::RoundId;
use tributary_protocol::limits::PROTOCOL_VERSION;
use tributary_protocol::message::{MaskedHeader, Proof, RejectCode, Upstream, Welcome, signed_message};
use tributary_protocol::plan::{Approvals, Plan, Run};
use tributary_protocol::roster::SignedRoster;
use tributary_protocol::round::{Ending, ParticipantEvent, cast, ending_message};
use tributary_protocol::secagg::suite::Suite as _;

use super::*;
use crate::judge::judge;
use crate::judge::tests::{SCHEMA, plan, policy};
use crate::ready::{FileDigests, Store};

/// Of the rows in memory.
const FILES: FileDigests =
    FileDigests { data: Digest([5; 32]), held_out: None, counted_to: [None; 2], events: [None; 2], mapping: None };

const ORIGIN: Millis = Millis(1_000_000_000);

fn at(seconds: u64) -> Millis {
    ORIGIN.plus(seconds * 1000)
}

fn coordinator() -> SigningKey {
    SigningKey::from_seed(&[3; 32])
}

fn own() -> SigningKey {
    SigningKey::from_seed(&[2; 32])
}

/// A daemon that notes what it is asked for.
#[derive(Default)]
struct Noted {
    sent: Vec<(RunId, Upstream)>,
    jobs: Vec<Job>,
    told: Vec<Report>,
    inbox: Vec<Digest>,
    appended: usize,
    vectors_max: usize,
    calm: Option<bool>,
    abandoned: bool,
    /// All of them in order, a line each.
    calls: Vec<String>,
}

/// The first word of what is printed of a value: the name of its kind.
fn kind(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

impl Outside for Noted {
    fn append(&mut self, now: Millis, event: ParticipantEvent) -> Result<(), ClientError> {
        self.calls.push(format!("append {} at {}", kind(&event), ORIGIN.until(now)));
        self.appended += 1;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), ClientError> {
        self.calls.push("sync".to_owned());
        Ok(())
    }

    fn send(&mut self, run: RunId, message: Upstream) {
        self.calls.push(format!("send {}", kind(&message)));
        self.sent.push((run, message));
    }

    fn send_masked(&mut self, run: RunId, header: MaskedHeader, (vector, noised): (Vec<u8>, bool)) {
        self.calls.push(format!("send a vector of {} bytes, noised: {noised}", vector.len()));
        self.sent.push((run, Upstream::Masked(header)));
    }

    fn ask(&mut self, job: Job) {
        self.calls.push(match &job {
            Job::Judge(run) => format!("judge run {}", run.reference().number),
            Job::Contribute { contribution, model, .. } => {
                format!("contribute to round {} with {model:?}", contribution.descriptor.round)
            }
            Job::DrawAhead { honest_min, charged, .. } => format!("draw ahead for {honest_min}, charged {charged:?}"),
            Job::Close(_) => "close".to_owned(),
            Job::Replace(_) => "replace".to_owned(),
        });
        self.jobs.push(job);
    }

    fn owner_asked(&mut self, plan: &Plan, _: &Approvals) {
        self.calls.push(format!("ask the owner about {}", plan.name.printable()));
        self.inbox.push(plan.digest());
    }

    fn owner_answered(&mut self, plan: &Digest) {
        self.calls.push("the owner has answered".to_owned());
        self.inbox.retain(|waiting| waiting != plan);
    }

    fn tell(&mut self, report: Report) {
        self.calls.push(format!("tell {}", serde_json::to_string(&report).unwrap()));
        self.told.push(report);
    }

    fn shown(&mut self, roster: &SignedRoster) {
        self.calls.push(format!("shown roster {}", roster.roster.epoch()));
    }

    fn set_calm(&mut self, calm: bool) {
        self.calm = Some(calm);
    }

    fn limit_vectors(&mut self, bytes_max: usize) {
        self.vectors_max = bytes_max;
    }

    fn abandon(&mut self, why: &str) {
        self.calls.push(format!("abandon: {why}"));
        self.abandoned = true;
    }

    fn bytes(&self) -> (u64, u64) {
        (7, 8)
    }
}

/// A run of a plan that is told apart by a number.
fn run_of(number: u16) -> Run {
    let mut plan = plan(&Schema::parse(SCHEMA).unwrap(), &[]).plan().clone();
    plan.name = format!("plan {number}").as_str().into();
    cast::run(plan)
}

/// The events of a budget file whose owner has begun it, and that has accepted these runs.
fn events(accepted: &[Run]) -> Vec<ParticipantEvent> {
    let owner = SigningKey::from_seed(&[1; 32]);
    let first = sign_first_use(&owner, ("a", &[7; 32]), own().verifying_key(), false);
    let begun = ParticipantEvent::BudgetBegun { population: "a".into(), salt: [7; 32], first };
    [begun].into_iter().chain(accepted.iter().map(cast::accepted)).collect()
}

fn runs_with(accepted: &[Run], paused: bool) -> (tempfile::TempDir, Runs<Noted>) {
    let schema = Schema::parse(SCHEMA).unwrap();
    let owned = policy(&schema);
    let authority = SigningKey::from_seed(&[4; 32]).verifying_key();
    let machines = owned.of_machines(coordinator().verifying_key(), (vec![authority], 1));
    let branch = Branch::resume(machines, schema.digest(), own(), &events(accepted)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let metrics = Arc::new(Metrics::in_folder(folder.path()));
    let watch = Watch::new(Store::of(folder.path()), FILES);
    (folder, Runs::new(branch, owned, metrics, watch, (Noted::default(), paused)))
}

/// A branch that is connected and was never in a run.
fn connected() -> (tempfile::TempDir, Runs<Noted>) {
    let (folder, mut runs) = runs_with(&[], false);
    runs.connected(at(0)).unwrap();
    (folder, runs)
}

impl Runs<Noted> {
    fn invite(&mut self, now: Millis, run: RunId) {
        self.hear(now, run, Downstream::Invite).unwrap();
    }

    /// The runs of which it asked to be let in since this was asked.
    fn joins(&mut self) -> Vec<RunId> {
        let sent = std::mem::take(&mut self.out.sent).into_iter();
        sent.filter(|(_, message)| matches!(message, Upstream::Join(_))).map(|(run, _)| run).collect()
    }

    /// The nonce of the last question about a run.
    fn nonce(&self, run: RunId) -> Digest {
        let of_run = |(asked, message): &(RunId, Upstream)| match message {
            Upstream::Join(join) if *asked == run => Some(join.nonce),
            _ => None,
        };
        self.out.sent.iter().rev().find_map(of_run).expect("it has asked")
    }

    /// The coordinator says how it ends.
    fn told_end(&mut self, now: Millis, run: RunId, ending: Ending<'_>) {
        let message = ending_message::<RealSuite>(run, &own().verifying_key(), &self.nonce(run), ending);
        let proof = Some(Proof { run, signature: RealSuite::sign(&coordinator(), &message) });
        let message = match ending {
            Ending::Finished { model, rounds } => Downstream::Finished { model: *model, rounds, proof },
            Ending::Rejected { code, explanation } => {
                Downstream::Rejected { code, explanation: explanation.into(), proof }
            }
        };
        self.hear(now, run, message).unwrap();
    }

    fn finish(&mut self, now: Millis, run: RunId) {
        self.told_end(now, run, Ending::Finished { model: &Digest([9; 32]), rounds: 5 });
    }

    /// The coordinator welcomes it under a roster that no authority of this branch has signed: the run is refused.
    fn welcome_badly(&mut self, now: Millis, run: &Run) {
        let (nonce, roster) = (self.nonce(run.id()), cast::roster(8));
        let body = Canonical::new("WELCOME").u32(PROTOCOL_VERSION).digest(&nonce);
        let body = body.digest(&run.id().digest()).digest(&roster.roster.digest()).u64(now.0).u64(now.0);
        let message = signed_message("WELCOME", &RealSuite::digest(body));
        let welcome = Welcome {
            version: PROTOCOL_VERSION,
            nonce,
            plan: run.plan().plan().clone(),
            approvals: cast::approvals(run.plan()),
            number: run.reference().number,
            roster,
            sessions: Vec::new(),
            budget: None,
            at: now,
            begun: now,
            signature: RealSuite::sign(&coordinator(), &message),
        };
        self.hear(now, run.id(), Downstream::Welcome(Box::new(welcome))).unwrap();
    }

    fn refusals(&self) -> Vec<String> {
        let refusal = |report: &Report| match report {
            Report::Refused { of, .. } => Some(of.to_string()),
            _ => None,
        };
        self.out.told.iter().filter_map(refusal).collect()
    }
}

#[test]
fn an_invited_run_is_asked_about_and_told_when_it_has_finished() {
    let (_folder, mut runs) = connected();
    let (one, other) = (run_of(1).id(), run_of(2).id());
    runs.invite(at(1), one);
    runs.invite(at(1), other);
    runs.finish(at(2), one);
    assert_eq!(runs.take_ended(), None, "the worker has not let go of it");
    assert!(runs.out.jobs.iter().any(|job| matches!(job, Job::Close(run) if *run == one)));
    runs.answered(at(3), Answer::Closed { run: one, cpu: WorkerCpu::default() }).unwrap();
    assert_eq!(runs.take_ended(), Some(Ended::Finished));
    let Some(Report::Finished { of, rounds, bytes_up, .. }) = runs.out.told.last() else { panic!("it is told") };
    assert_eq!((of, *rounds, *bytes_up), (&RunName::unknown(one), 5, 7));
    // The other one goes on, and to the first no invitation counts any more.
    assert_eq!(runs.joins(), [one, other]);
    runs.invite(at(4), one);
    assert!(runs.joins().is_empty() && runs.status().runs.len() == 1);
    runs.invite(at(4), other);
    assert!(runs.joins().is_empty(), "its answer is on the way");
}

#[test]
fn a_run_without_a_place_is_asked_about_when_there_is_one() {
    let (_folder, mut runs) = connected();
    let all: Vec<RunId> = (1..=10).map(|number| run_of(number).id()).collect();
    all.iter().for_each(|run| runs.invite(at(1), *run));
    let ended = all[3];
    runs.finish(at(2), ended);
    let expected = [&all[..RUNS_AT_ONCE_MAX], &all[RUNS_AT_ONCE_MAX..=RUNS_AT_ONCE_MAX]].concat();
    assert_eq!(runs.joins(), expected);
    assert_eq!(runs.status().invited, [RunName::unknown(all[9]).to_string()]);
}

#[test]
fn what_is_said_of_an_unknown_run_is_ignored_but_an_invitation() {
    let (_folder, mut runs) = connected();
    let run = run_of(1).id();
    for message in [
        Downstream::Prove { round: RoundId(1), dealers: Vec::new() },
        Downstream::Finished { model: Digest::ZERO, rounds: 1, proof: None },
        Downstream::Rejected { code: RejectCode::Evicted, explanation: "out".into(), proof: None },
    ] {
        runs.hear(at(1), run, message).unwrap();
    }
    let late = Answer::Judged { run, verdict: Err(tributary_protocol::message::RefusalCode::BranchUnprepared) };
    runs.answered(at(1), late).unwrap();
    assert!(runs.out.sent.is_empty() && runs.out.told.is_empty() && !runs.out.abandoned);
}

#[test]
fn runs_of_the_budget_file_are_asked_about_at_each_link_and_put_off_without_an_answer() {
    let recorded = run_of(1);
    let (_folder, mut runs) = runs_with(std::slice::from_ref(&recorded), false);
    assert!(runs.deadline().is_none() && runs.out.sent.is_empty());
    runs.connected(at(0)).unwrap();
    assert_eq!(runs.joins(), [recorded.id()]);
    assert_eq!(runs.status().runs[0].of.plan_name.as_deref(), Some("plan 1"));
    // It takes no place of those that are invited.
    let all: Vec<RunId> = (2..10).map(|number| run_of(number).id()).collect();
    all.iter().for_each(|run| runs.invite(at(1), *run));
    assert_eq!(runs.joins(), all);
    runs.timer(at(59)).unwrap();
    assert_eq!(runs.status().put_off.len(), 0);
    assert_eq!(runs.deadline(), Some(at(60)));
    runs.timer(at(60)).unwrap();
    assert_eq!(runs.status().put_off.len(), 1);
    // Whoever is not answered says that it does not wait any more.
    assert!(matches!(runs.out.sent.as_slice(), [(run, Upstream::Leave)] if *run == recorded.id()));
    runs.timer(at(61)).unwrap();
    assert!(runs.status().runs.is_empty() && runs.status().put_off.len() == 9);
    runs.timer(at(659)).unwrap();
    assert!(runs.joins().is_empty());
    runs.timer(at(660)).unwrap();
    assert_eq!(runs.joins(), [recorded.id()]);
    runs.timer(at(661)).unwrap();
    assert_eq!(runs.joins().len(), 8);
    runs.timer(at(720)).unwrap();
    runs.timer(at(721)).unwrap();
    runs.joins();
    runs.invite(at(722), recorded.id());
    assert_eq!(runs.joins(), [recorded.id()], "the coordinator knows it now");
}

#[test]
fn a_run_that_is_told_as_finished_frees_what_it_had_reserved() {
    let recorded = run_of(1);
    let (_folder, mut runs) = runs_with(std::slice::from_ref(&recorded), false);
    runs.connected(at(0)).unwrap();
    assert!(runs.branch.record().is_open(&recorded.reference()));
    runs.finish(at(1), recorded.id());
    assert!(!runs.branch.record().is_open(&recorded.reference()) && runs.out.appended == 1);
    runs.gone(at(2)).unwrap();
    runs.out.sent.clear();
    runs.connected(at(3)).unwrap();
    assert!(runs.out.sent.is_empty());
}

#[test]
fn a_refused_run_is_asked_about_later_and_at_once_when_the_grants_change() {
    let (_folder, mut runs) = connected();
    let (run, other) = (run_of(1), run_of(2).id());
    runs.invite(at(0), other);
    runs.invite(at(1), run.id());
    runs.welcome_badly(at(2), &run);
    let refused = |(of, message): &(RunId, Upstream)| *of == run.id() && matches!(message, Upstream::Refuse { .. });
    assert!(runs.out.sent.iter().any(refused));
    assert_eq!(runs.refusals(), [RunName::of(&run.reference(), "plan 1".to_owned()).to_string()]);
    assert!(matches!(runs.take_ended(), Some(Ended::Refused(_))));
    assert_eq!(runs.joins(), [other, run.id()]);
    runs.invite(at(3), run.id());
    assert!(runs.joins().is_empty(), "this branch has said no");
    runs.gone(at(4)).unwrap();
    runs.connected(at(5)).unwrap();
    assert_eq!(runs.joins(), [other]);
    runs.timer(at(601)).unwrap();
    assert!(runs.joins().is_empty());
    runs.timer(at(602)).unwrap();
    assert_eq!(runs.joins(), [run.id()]);
}

#[test]
fn a_change_of_grants_takes_up_what_was_refused() {
    let (_folder, mut runs) = connected();
    let run = run_of(1);
    runs.invite(at(1), run.id());
    runs.welcome_badly(at(2), &run);
    runs.joins();
    runs.granted(at(3), (Vec::new(), Vec::new())).unwrap();
    assert_eq!(runs.joins(), [run.id()]);
}

#[test]
fn who_is_refused_for_now_asks_again_and_the_link_stays() {
    let (_folder, mut runs) = connected();
    let (one, other) = (run_of(1).id(), run_of(2).id());
    let not_now = Ending::Rejected { code: RejectCode::NotNow, explanation: "frozen" };
    for run in [one, other] {
        runs.invite(at(0), run);
        runs.told_end(at(1), run, not_now);
    }
    assert!(!runs.out.abandoned && runs.take_ended().is_none() && runs.refusals().len() == 2);
    runs.joins();
    runs.invite(at(2), one);
    assert_eq!((runs.joins(), runs.deadline()), (vec![one], Some(at(61))));
    runs.timer(at(61)).unwrap();
    assert_eq!(runs.joins(), [other]);
    // One that is refused for good is over.
    let (_folder, mut runs) = connected();
    runs.invite(at(0), one);
    runs.told_end(at(1), one, Ending::Rejected { code: RejectCode::Evicted, explanation: "out" });
    assert_eq!(runs.take_ended(), Some(Ended::Refused("out".to_owned())));
    runs.joins();
    runs.invite(at(2), one);
    assert!(runs.joins().is_empty());
}

#[test]
fn a_word_without_the_coordinators_signature_cuts_the_link_and_ends_nothing() {
    let (_folder, mut runs) = connected();
    let run = run_of(1).id();
    runs.invite(at(0), run);
    let message = Downstream::Rejected { code: RejectCode::Evicted, explanation: "out".into(), proof: None };
    runs.hear(at(1), run, message).unwrap();
    assert!(runs.out.abandoned && runs.take_ended().is_none());
    runs.gone(at(2)).unwrap();
    runs.joins();
    runs.connected(at(3)).unwrap();
    assert_eq!(runs.joins(), [run]);
}

#[test]
fn a_paused_branch_leaves_every_run_and_joins_none_until_it_is_resumed() {
    let recorded = run_of(1);
    let (_folder, mut runs) = runs_with(std::slice::from_ref(&recorded), false);
    runs.connected(at(0)).unwrap();
    let (invited, later) = (run_of(2).id(), run_of(3).id());
    runs.invite(at(1), invited);
    runs.out.sent.clear();
    runs.pause(at(2)).unwrap();
    let left = |message: &Upstream| matches!(message, Upstream::Leave);
    assert_eq!(runs.out.sent.iter().filter(|(_, message)| left(message)).count(), 2);
    assert!(runs.status().paused && runs.status().runs.is_empty() && runs.deadline().is_none());
    runs.out.sent.clear();
    runs.invite(at(3), later);
    runs.timer(at(10_000)).unwrap();
    runs.gone(at(10_001)).unwrap();
    runs.connected(at(10_002)).unwrap();
    assert!(runs.out.sent.is_empty());
    runs.resume(at(10_003)).unwrap();
    let mut joins = runs.joins();
    joins.sort_unstable();
    let mut expected = vec![recorded.id(), invited, later];
    expected.sort_unstable();
    assert_eq!(joins, expected);
    // One that is started paused asks nothing either.
    let (_folder, mut runs) = runs_with(std::slice::from_ref(&recorded), true);
    runs.connected(at(0)).unwrap();
    assert!(runs.out.sent.is_empty());
    runs.resume(at(1)).unwrap();
    assert_eq!(runs.joins(), [recorded.id()]);
}

#[test]
fn a_stop_leaves_every_run() {
    let (_folder, mut runs) = connected();
    (1..=3).for_each(|number| runs.invite(at(0), run_of(number).id()));
    runs.stop(at(1)).unwrap();
    let left = runs.out.sent.iter().filter(|(_, message)| matches!(message, Upstream::Leave));
    assert_eq!(left.count(), 3);
}

/// A vector that was on its way when its run ended here is no fault of the link: the limit falls with the next one.
#[test]
fn no_vector_is_longer_than_the_longest_state_of_the_admitted_plans() {
    let (_folder, mut runs) = connected();
    let schema = Schema::parse(SCHEMA).unwrap();
    let all = [run_of(1), run_of(2)];
    for (run, bytes) in all.iter().zip([100, 40]) {
        runs.invite(at(0), run.id());
        runs.open.get_mut(&run.id()).unwrap().state_bytes_judged = bytes;
    }
    assert_eq!(runs.out.vectors_max, 0);
    for (run, limit) in all.iter().rev().zip([40, 100]) {
        let verdict = Ok(Arc::new(judge(run.plan(), &schema, &policy(&schema)).unwrap()));
        runs.answered(at(1), Answer::Judged { run: run.id(), verdict }).unwrap();
        assert_eq!(runs.out.vectors_max, limit);
    }
    runs.finish(at(2), all[0].id());
    assert_eq!(runs.out.vectors_max, 100);
    runs.gone(at(3)).unwrap();
    runs.connected(at(4)).unwrap();
    assert_eq!(runs.out.vectors_max, 40);
}
