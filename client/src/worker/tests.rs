//! What the worker answers is the same for neighbouring tables, whatever the model is, but for the words of its vectors.

use std::cell::{Cell, RefCell};
use std::sync::mpsc;

use ndarray::Array2;
use tributary_certs::suite::RealSuite;
use tributary_model::architecture::Architecture;
use tributary_model::features::FeatureMatrix;
use tributary_model::stage::{StageSettings, stated_charge};
use tributary_model::train::{Placement, PlacementKey, Table, TableMaxima, Trainer};
use tributary_model::update::ClipForm;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RoundId;
use tributary_protocol::message::{Floor, RefusalCode};
use tributary_protocol::plan::{Plan, PrivacyMode, Stage};
use tributary_protocol::round::cast::{self, contribution};
use tributary_protocol::round::{Contribution, RoundHead, Timing};
use tributary_protocol::secagg::masked_update::mask;
use tributary_protocol::secagg::modular::RingWords;

use super::laid_out::{LaidOut, emptied, stages};
use super::*;
use crate::judge::tests::{SCHEMA, count, evaluate, gradient, local, plan_of, policy};
use crate::ready::FileDigests;

const CUSTOMERS: usize = 40;

/// One table of the neighbourhood.
#[derive(Clone, Copy, Debug)]
enum Rows {
    Usual,
    OneFewer,
    /// One row has values of this size.
    Poisoned(f32),
    Nobody,
    /// More customers than the public maximum.
    Many,
}

fn table(schema: &Schema, rows: Rows) -> Table {
    let count = match rows {
        Rows::Usual | Rows::Poisoned(_) => CUSTOMERS,
        Rows::OneFewer => CUSTOMERS - 1,
        Rows::Nobody => 0,
        Rows::Many => 10 * CUSTOMERS,
    };
    let mut features =
        Array2::from_shape_fn((count, schema.width()), |(row, column)| ((row * 31 + column * 17) % 23) as f32 / 23.0);
    if let Rows::Poisoned(size) = rows {
        features.row_mut(7).fill(size);
    }
    let labels = schema.labels().len();
    let targets = Array2::from_shape_fn((count, labels), |(row, _)| f32::from(u8::from(row % 3 == 0)));
    let customers = (0_u32..).take(count).collect();
    let data = FeatureMatrix::new(features, targets, Array2::ones((count, labels)), customers).unwrap();
    let most = u32::try_from(CUSTOMERS).unwrap();
    let maxima = TableMaxima { customers: most, rows: most, rows_per_customer: 1 };
    Table::new(data, maxima, &PlacementKey::new([3; 32])).unwrap()
}

/// What can be seen of an answer: everything but the words of a vector, and what is for the branch's own screen.
fn visible(answer: &Answer) -> Option<String> {
    match answer {
        Answer::Judged { run, verdict } => Some(format!("judged {run} {:?}", verdict.as_ref().map(|_| ()))),
        Answer::NoiseMasked(_, update) => {
            Some(format!("noise of round {} in {} bytes", update.round(), update.bytes().len()))
        }
        Answer::Masked(_, update) => {
            Some(format!("vector of round {} in {} bytes", update.round(), update.bytes().len()))
        }
        Answer::Explain { .. } | Answer::NoiseAlone { .. } | Answer::Closed { .. } => None,
    }
}

/// Some rows.
pub(crate) fn snapshot() -> Snapshot {
    source(Rows::Nobody, Timing::Plain).snapshot
}

/// What a branch has whose rows for training and for evaluation are both of this kind.
fn source(rows: Rows, timing: Timing) -> WorkerSource {
    let schema = Schema::parse(SCHEMA).unwrap();
    let policy = BranchPolicy { timing, ..policy(&schema) };
    let files = FileDigests {
        data: Digest::ZERO,
        held_out: Some(Digest::ZERO),
        counted_to: [None; 2],
        events: [None; 2],
        mapping: None,
    };
    let snapshot = Snapshot { training: table(&schema, rows), held_out: Some(table(&schema, rows)), files };
    WorkerSource { snapshot, schema, customers_nominal: Some(40), policy, caps: WorkerCaps::USUAL }
}

/// Permission for a round of a stage.
fn permitted(run: &Run, round: u64, stage: u16) -> Contribution {
    contribution(run, RoundHead { round: RoundId(round), stage, model: Digest::ZERO })
}

fn contribute(run: RunId, permitted: Contribution, state: &[u8], wanted: Wanted) -> Job {
    Job::Contribute { run, contribution: Box::new(permitted), model: state.to_vec(), wanted }
}

/// Judges a plan, and contributes to a round of each stage and state.
fn transcript(plan: &ValidPlan, rows: Rows, states: &[(u16, Vec<u8>)], timing: Timing) -> Vec<Answer> {
    let run_of_plan = cast::run(plan.plan().clone());
    let (sender, jobs) = mpsc::channel();
    sender.send(Job::Judge(Box::new(run_of_plan.clone()))).unwrap();
    sender.send(Job::DrawAhead { run: run_of_plan.id(), honest_min: 6, charged: Vec::new() }).unwrap();
    for (round, (stage, state)) in (1..).zip(states) {
        let permitted = permitted(&run_of_plan, round, *stage);
        sender.send(contribute(run_of_plan.id(), permitted, state, Wanted::new())).unwrap();
    }
    drop(sender);
    let answers = RefCell::new(Vec::new());
    work(source(rows, timing), &jobs, |answer| answers.borrow_mut().push(answer));
    answers.into_inner()
}

/// Public states of a stage whose numbers overflow, vanish or are no numbers at all, and what is no state.
fn states_of(stage: &Stage, parameters: usize) -> Vec<Vec<u8>> {
    if stage.model_bytes == 0 {
        return vec![Vec::new(), vec![1, 2, 3]];
    }
    let of = |value: fn(usize) -> f32| {
        let bytes = (0..parameters).flat_map(|index| value(index).to_le_bytes());
        // Where the stage adapts its bound, that follows.
        let bound = 0.75_f64.to_le_bytes().into_iter().take(stage.model_bytes as usize - 4 * parameters);
        bytes.chain(bound).collect::<Vec<u8>>()
    };
    vec![
        of(|_| 0.0),
        of(|index| (index % 7) as f32 / 10.0 - 0.3),
        of(|_| 1_048_576.0),
        of(|index| if index % 2 == 0 { f32::MAX } else { -f32::MAX }),
        of(|_| 1e-42),
        of(|index| if index % 3 == 0 { f32::NAN } else { f32::INFINITY }),
        of(|_| 1.0)[1..].to_vec(),
        Vec::new(),
    ]
}

/// The same for every stage of a plan.
fn states(plan: &Plan) -> Vec<(u16, Vec<u8>)> {
    let parameters = Architecture::decode(&plan.architecture).unwrap().parameter_count();
    let of = |(number, stage)| states_of(stage, parameters).into_iter().map(move |state| (number, state));
    (0..).zip(&plan.stages).flat_map(of).collect()
}

/// Plans of every way to train and to count.
fn plans() -> Vec<ValidPlan> {
    use PrivacyMode::{Branch, Customer, Local};
    let schema = Schema::parse(SCHEMA).unwrap();
    let of = |hidden: &[u32], privacy, stages: &[(StageSettings, u32)]| plan_of(&schema, hidden, privacy, stages);
    let (exact, chunked) = ((gradient(ClipForm::Exact), 5), (gradient(ClipForm::Chunked), 5));
    let local = |adaptive| (local(1.0, adaptive), 5);
    vec![
        of(&[], Customer, &[exact]),
        of(&[8], Customer, &[(count(), 1), chunked, exact, (evaluate(), 1)]),
        of(&[], Local, &[(count(), 1), local(false), (evaluate(), 1)]),
        of(&[], Branch, &[local(false), local(true)]),
    ]
}

#[test]
fn nothing_that_is_seen_depends_on_a_row() {
    for plan in plans() {
        let states = states(&plan);
        for timing in [Timing::Plain, Timing::Strict] {
            // Without a time to keep, so that only what the rows decide is compared.
            let mut plan = plan.plan().clone();
            (plan.round_deadline_ms, plan.upload_offset_ms) = (60_000, 30_000);
            let plan = plan.validate().unwrap();
            let seen = |rows| transcript(&plan, rows, &states, timing).iter().filter_map(visible).collect::<Vec<_>>();
            let usual = seen(Rows::Usual);
            assert!(usual[0].contains("Ok"), "{usual:?}");
            assert!(usual.len() > states.len(), "every state gets a vector: {usual:?}");
            let neighbours =
                [Rows::OneFewer, Rows::Poisoned(f32::MAX), Rows::Poisoned(1e-42), Rows::Nobody, Rows::Many];
            for rows in neighbours {
                assert_eq!(seen(rows), usual, "{rows:?} {:?} {timing:?}", plan.privacy);
            }
        }
    }
}

/// The screen's lines about rounds that were noise alone.
fn noise_alone(answers: &[Answer]) -> Vec<u64> {
    let alone = answers.iter().filter_map(|answer| match answer {
        Answer::NoiseAlone { round, .. } => Some(round.0),
        _ => None,
    });
    alone.collect()
}

#[test]
fn what_is_no_state_leaves_noise_alone_and_the_screen_says_so() {
    let plan = &plans()[0];
    let answers = transcript(plan, Rows::Usual, &[(0, vec![1, 2, 3])], Timing::Plain);
    let masked = answers.iter().find_map(|answer| match answer {
        Answer::Masked(_, update) => Some(update.bytes().len()),
        _ => None,
    });
    let permitted = permitted(&cast::run(plan.plan().clone()), 1, 0);
    let zeros = RingWords::zero(permitted.descriptor.ring, permitted.descriptor.dimension as usize);
    let expected = mask::<RealSuite>(zeros, permitted.receipt, permitted.seeds).bytes().len();
    assert_eq!((noise_alone(&answers), masked), (vec![1], Some(expected)));
}

/// Nobody outside can take this branch out of a count by what comes with its start.
#[test]
fn a_stage_that_needs_no_public_state_looks_at_none() {
    let plan = &plans()[1];
    let answers = transcript(plan, Rows::Usual, &[(0, Vec::new()), (0, vec![1, 2, 3])], Timing::Plain);
    assert!(noise_alone(&answers).is_empty());
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Answer::Masked(..))).count(), 2);
}

#[test]
fn a_strict_branch_admits_no_plan_that_leaves_it_too_little_time() {
    let mut hasty = plans()[1].plan().clone();
    hasty.upload_offset_ms = 0;
    let answers = transcript(&hasty.validate().unwrap(), Rows::Usual, &[], Timing::Strict);
    let refused = RefusalCode::PolicyFloor(Floor::UploadOffset);
    let expected = answers.iter().filter_map(visible).any(|seen| seen.contains(&format!("{refused:?}")));
    let said = answers
        .iter()
        .any(|answer| matches!(answer, Answer::Explain { text, .. } if text.contains("upload_offset_ms")));
    assert!(expected && said);
}

/// A plan is admitted when all of its stages can be worked, and not when its first one can.
#[test]
fn every_stage_is_tried_before_a_plan_is_admitted() {
    let verdict = |plan: &ValidPlan| {
        let answers = transcript(plan, Rows::Usual, &[], Timing::Plain);
        answers.iter().filter_map(visible).next().unwrap()
    };
    let schema = Schema::parse(SCHEMA).unwrap();
    let mut loud =
        plan_of(&schema, &[], PrivacyMode::Local, &[(local(1.0, false), 5), (local(2.0, false), 5)]).plan().clone();
    loud.round_deadline_ms = 60_000;
    assert!(verdict(&loud.clone().validate().unwrap()).contains("Ok"));
    // More than the sampler draws.
    let stage = &mut loud.stages[1];
    stage.noise_variance = 1 << 82;
    stage.charge = stated_charge(stage, PrivacyMode::Local);
    let seen = verdict(&loud.validate().unwrap());
    assert!(seen.contains(&format!("{:?}", RefusalCode::BranchUnprepared)), "{seen}");
}

/// Another run of the same plan, or the same one over another connection: the rows stay as they are laid out.
#[test]
fn a_plan_is_prepared_once_for_all_its_runs() {
    let mut plan = plans()[0].plan().clone();
    (plan.runs, plan.round_deadline_ms) = (2, 60_000);
    let plan = plan.validate().unwrap();
    let jobs = [1, 2].map(|number| Job::Judge(Box::new(Run::new(plan.clone(), number).unwrap())));
    let answers = RefCell::new(Vec::new());
    work(source(Rows::Usual, Timing::Plain), jobs, |answer| answers.borrow_mut().push(answer));
    let answers = answers.into_inner();
    let [Answer::Judged { run: first, verdict: Ok(one) }, Answer::Judged { run: second, verdict: Ok(other) }] =
        answers.as_slice()
    else {
        panic!("{:?}", answers.iter().map(visible).collect::<Vec<_>>())
    };
    assert!(first != second && Arc::ptr_eq(one, other));
}

#[test]
fn a_round_that_was_given_up_keeps_the_next_ones_noise_waiting_no_longer() {
    let mut unhurried = plans().remove(0).plan().clone();
    (unhurried.round_deadline_ms, unhurried.upload_offset_ms) = (60_000, 30_000);
    let run_of_plan = cast::run(unhurried);
    let (sender, jobs) = mpsc::channel();
    sender.send(Job::Judge(Box::new(run_of_plan.clone()))).unwrap();
    let (_, state) = &states(&run_of_plan)[0];
    // Three starts one after the other: of the rounds before the last one nothing is wanted any more.
    for round in 1..=3 {
        let wanted = Wanted::new();
        if round < 3 {
            wanted.take_back();
        }
        let permitted = permitted(&run_of_plan, round, 0);
        sender.send(contribute(run_of_plan.id(), permitted, state, wanted)).unwrap();
    }
    drop(sender);
    let answers = RefCell::new(Vec::new());
    work(source(Rows::Usual, Timing::Strict), &jobs, |answer| answers.borrow_mut().extend(visible(&answer)));
    let rounds: Vec<bool> = answers.borrow().iter().skip(1).map(|seen| seen.contains("round 3")).collect();
    assert_eq!(rounds, [true, true], "noise and vector of the last round, and no work for those before");
}

/// The transcript of jobs over the usual rows, with what this machine gives.
fn answers(caps: WorkerCaps, jobs: impl IntoIterator<Item = Job>) -> Vec<Answer> {
    let answers = RefCell::new(Vec::new());
    let source = WorkerSource { caps, ..source(Rows::Usual, Timing::Plain) };
    work(source, jobs, |answer| answers.borrow_mut().push(answer));
    answers.into_inner()
}

fn verdicts(answers: &[Answer]) -> Vec<Result<(), RefusalCode>> {
    let verdict = |answer: &Answer| match answer {
        Answer::Judged { verdict, .. } => Some(verdict.as_ref().map(|_| ()).map_err(|code| *code)),
        _ => None,
    };
    answers.iter().filter_map(verdict).collect()
}

fn unhurried(number: usize) -> Run {
    let mut plan = plans()[number].plan().clone();
    (plan.round_deadline_ms, plan.upload_offset_ms) = (60_000, 30_000);
    cast::run(plan)
}

/// Two plans at once, each with its own noise and layout; one's end ends nothing of the other's.
#[test]
fn runs_of_two_plans_are_worked_at_once_and_one_ends_alone() {
    let (one, other) = (unhurried(0), unhurried(1));
    let round = |run: &Run, round| {
        let (stage, state) = &states(run)[0];
        contribute(run.id(), permitted(run, round, *stage), state, Wanted::new())
    };
    let judge = |run: &Run| Job::Judge(Box::new(run.clone()));
    let jobs = vec![
        judge(&one),
        judge(&other),
        round(&one, 1),
        round(&other, 1),
        Job::Close(one.id()),
        round(&other, 2),
        round(&one, 2),
    ];
    let answers = answers(WorkerCaps::USUAL, jobs);
    let word = |answer: &Answer| match answer {
        Answer::Judged { run, verdict } => (*run, if verdict.is_ok() { "admitted" } else { "refused" }),
        Answer::Masked(run, _) => (*run, "masked"),
        Answer::Closed { run, .. } => (*run, "closed"),
        Answer::Explain { run, .. } => (*run, "explained"),
        Answer::NoiseAlone { run, .. } => (*run, "noise alone"),
        Answer::NoiseMasked(run, _) => (*run, "noise masked"),
    };
    let (one, other) = (one.id(), other.id());
    let expected = [
        (one, "admitted"),
        (other, "admitted"),
        (one, "masked"),
        (other, "masked"),
        (one, "closed"),
        (other, "masked"),
        (one, "explained"),
    ];
    assert_eq!(answers.iter().map(word).collect::<Vec<_>>(), expected);
}

/// What does not fit beside the open runs is refused before a row is laid out, and fits when one of them is over.
#[test]
fn a_plan_beyond_the_memory_cap_is_refused_until_another_run_is_over() {
    let (one, other) = (unhurried(0), unhurried(1));
    let schema = Schema::parse(SCHEMA).unwrap();
    let own = policy(&schema);
    let snapshot = source(Rows::Nobody, Timing::Plain).snapshot;
    let bytes = |run: &Run| bytes_max(&crate::judge::judge(run.plan(), &schema, &own).unwrap(), &snapshot);
    let memory_bytes_max = bytes(&one).max(bytes(&other));
    let judge = |run: &Run| Job::Judge(Box::new(run.clone()));
    let jobs = [judge(&one), judge(&other), Job::Close(one.id()), judge(&other)];
    let answers = answers(WorkerCaps { memory_bytes_max, ..WorkerCaps::USUAL }, jobs);
    assert_eq!(verdicts(&answers), [Ok(()), Err(RefusalCode::BranchUnprepared), Ok(())]);
    let said =
        |answer: &Answer| matches!(answer, Answer::Explain { text, .. } if text.contains("worker.memory_mib_max"));
    assert!(answers.iter().any(said));
}

#[test]
fn a_plan_whose_rounds_take_too_long_is_refused() {
    let caps = WorkerCaps { round_max: Some(std::time::Duration::ZERO), ..WorkerCaps::USUAL };
    let answers = answers(caps, [Job::Judge(Box::new(unhurried(0)))]);
    assert_eq!(verdicts(&answers), [Err(RefusalCode::BranchUnprepared)]);
    let said = |answer: &Answer| {
        let Answer::Explain { text, .. } = answer else { return false };
        text.contains("worker.round_ms_max allows 0. Raise it, or lower")
    };
    assert!(answers.iter().any(said));
}

/// Rows that were held out are counted where models are evaluated, and are in no other stage. Without them those of training are.
#[test]
fn stages_that_evaluate_take_the_held_out_rows_where_there_are_any() {
    let schema = Schema::parse(SCHEMA).unwrap();
    let planned = crate::judge::judge(&plans()[1], &schema, &policy(&schema)).unwrap();
    let files = snapshot().files;
    let of = |held_out| Snapshot { training: table(&schema, Rows::Usual), held_out, files };
    let (alone, both) = (of(None), of(Some(table(&schema, Rows::OneFewer))));
    let customers = |snapshot: &Snapshot| -> Vec<usize> {
        let laid_out = LaidOut::new(&planned, snapshot).unwrap();
        stages(&planned).map(|stage| laid_out.rows(&stage, &planned).unwrap().customers()).collect()
    };
    assert_eq!(customers(&alone), [CUSTOMERS; 4]);
    assert_eq!(customers(&both), [CUSTOMERS, CUSTOMERS, CUSTOMERS, CUSTOMERS - 1]);
    for stage in stages(&planned) {
        let empty = emptied(&stage, &planned, &both).unwrap();
        assert_eq!((empty.customers(), empty.customers_padded()), (0, CUSTOMERS));
    }
    // One table for each way in which rows are laid out, another one of the largest, and six numbers for each coordinate.
    let mut placements = Vec::new();
    for placement in stages(&planned).filter_map(|stage| stage.placement()) {
        if !placements.contains(&placement) {
            placements.push(placement);
        }
    }
    let bytes = |placement| Trainer::bytes_max(planned.architecture(), &alone.training, placement);
    let tables: u64 = placements.iter().map(|placement| bytes(*placement)).sum();
    let largest = placements.iter().map(|placement| bytes(*placement)).max().unwrap();
    let coordinates: u64 = stages(&planned).map(|stage| u64::from(stage.terms().dimension)).sum();
    assert_eq!(bytes_max(&planned, &alone), tables + largest + 48 * coordinates);
    let held_out = Trainer::bytes_max(planned.architecture(), both.held_out.as_ref().unwrap(), Placement::Dense);
    assert_eq!(bytes_max(&planned, &both), bytes_max(&planned, &alone) + held_out);
}

/// The machine waits for a verdict alone. Whoever takes the answers fails once.
#[test]
fn a_job_that_fails_is_told_of_and_answered_if_somebody_waits_for_a_verdict() {
    let run = unhurried(0);
    let judge = || Job::Judge(Box::new(run.clone()));
    let told = |jobs: Vec<Job>, fails: fn(&Answer) -> bool| {
        let (left, answers) = (Cell::new(1_u32), RefCell::new(Vec::new()));
        work(source(Rows::Usual, Timing::Plain), jobs, |answer| {
            let fault = left.get() > 0 && fails(&answer);
            left.set(left.get() - u32::from(fault));
            assert!(!fault, "it cannot be taken");
            answers.borrow_mut().push(match answer {
                Answer::Judged { run, verdict } => (run, format!("{:?}", verdict.map(drop))),
                Answer::Explain { run, text } => (run, text),
                Answer::Closed { run, .. } => (run, "closed".to_owned()),
                _ => panic!("none was asked for"),
            });
        });
        answers.into_inner()
    };
    let said = |text: &str| (run.id(), text.to_owned());
    let refused = said(&format!("{:?}", Err::<(), _>(RefusalCode::BranchUnprepared)));
    let judged = told(vec![judge(), Job::Close(run.id())], |answer| matches!(answer, Answer::Judged { .. }));
    assert_eq!(judged, [said(FAULT), refused, said("closed")]);
    let closed = told(vec![judge(), Job::Close(run.id())], |answer| matches!(answer, Answer::Closed { .. }));
    assert_eq!(closed, [said("Ok(())"), said(FAULT)]);
}

/// Asked again over another connection, a run goes on with what is laid out; and with new files what was laid out before is forgotten.
#[test]
fn a_run_that_is_judged_again_has_one_layout() {
    let (one, other) = (unhurried(0), unhurried(1));
    let schema = Schema::parse(SCHEMA).unwrap();
    let (own, usual) = (policy(&schema), source(Rows::Usual, Timing::Plain).snapshot);
    let bytes = |run: &Run| bytes_max(&crate::judge::judge(run.plan(), &schema, &own).unwrap(), &usual);
    let judge = |run: &Run| Job::Judge(Box::new(run.clone()));
    let (stage, state) = &states(&one)[0];
    let round = |round| contribute(one.id(), permitted(&one, round, *stage), state, Wanted::new());
    let again = answers(WorkerCaps::USUAL, [judge(&one), judge(&one), round(1)]);
    assert_eq!(again.iter().filter(|answer| matches!(answer, Answer::Masked(..))).count(), 1);
    let replaced = || {
        let usual = source(Rows::Usual, Timing::Plain).snapshot;
        let files = FileDigests { data: Digest([7; 32]), ..usual.files };
        Job::Replace(Box::new(Snapshot { files, ..usual }))
    };
    // There is room for two of the larger one, and no more.
    let (small, large) = if bytes(&one) < bytes(&other) { (&one, &other) } else { (&other, &one) };
    let caps = WorkerCaps { memory_bytes_max: 2 * bytes(large), ..WorkerCaps::USUAL };
    let answers = answers(caps, [judge(large), replaced(), judge(large), judge(small)]);
    assert_eq!(verdicts(&answers), [Ok(()); 3]);
}
