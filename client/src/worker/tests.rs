//! What the worker answers is the same for neighbouring tables, whatever the model is, but for the words of its vectors.

use std::cell::RefCell;
use std::sync::mpsc;

use ndarray::Array2;
use tributary_model::features::FeatureMatrix;
use tributary_model::train::{PlacementKey, Table, TableMaxima};
use tributary_protocol::digest::Digest;
use tributary_protocol::message::{Floor, RefusalCode};
use tributary_protocol::plan::{LocalTraining, Plan, PrivacyMode, RoundKind};
use tributary_protocol::round::cast::contribution;
use tributary_protocol::secagg::masked_update::mask;

use super::*;
use crate::judge::tests::{SCHEMA, plan, policy};

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
        Answer::Input(input) => match &**input {
            ParticipantInput::PlanJudged { plan, verdict } => Some(format!("judged {plan} {verdict:?}")),
            _ => Some("another input".into()),
        },
        Answer::NoiseMasked(update) => {
            Some(format!("noise of round {} in {} bytes", update.round(), update.bytes().len()))
        }
        Answer::Masked(update) => Some(format!("vector of round {} in {} bytes", update.round(), update.bytes().len())),
        Answer::Explain(_) | Answer::NoiseAlone { .. } => None,
    }
}

/// Judges a plan, and contributes to a round of each model.
fn transcript(plan: &ValidPlan, rows: Rows, models: &[Vec<u8>], timing: Timing) -> Vec<Answer> {
    let schema = Schema::parse(SCHEMA).unwrap();
    let policy = BranchPolicy { timing, ..policy(&schema) };
    let snapshot = Snapshot { training: table(&schema, rows), held_out: None };
    let source = WorkerSource { snapshot, schema, customers_nominal: Some(40), policy };
    let (sender, jobs) = mpsc::channel();
    sender.send(Job::Judge(Box::new(plan.clone()))).unwrap();
    sender.send(Job::DrawAhead { honest_min: 6 }).unwrap();
    for (round, model) in (1..).zip(models) {
        let permitted = contribution(plan, (RoundKind::Train, RoundId(round)), Digest::ZERO);
        sender.send(Job::Contribute(Box::new(permitted), model.clone(), Wanted::new())).unwrap();
    }
    drop(sender);
    let answers = RefCell::new(Vec::new());
    run(source, &jobs, |answer| answers.borrow_mut().push(answer));
    answers.into_inner()
}

/// Models that overflow, vanish, are no numbers at all, or are no models.
fn models(plan: &ValidPlan) -> Vec<Vec<u8>> {
    let count = plan.parameters as usize;
    let of = |value: fn(usize) -> f32| (0..count).flat_map(|index| value(index).to_le_bytes()).collect::<Vec<u8>>();
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

/// Plans of every way to train.
fn plans() -> Vec<ValidPlan> {
    let schema = Schema::parse(SCHEMA).unwrap();
    let (exact, chunked) = (plan(&schema, &[]), plan(&schema, &[8]));
    let local = |privacy, change: fn(&mut Plan)| {
        let bits = f64::to_bits;
        let training = LocalTraining {
            steps: 2,
            learning_rate_bits: bits(0.5),
            update_clip_norm_bits: bits(1.0),
            adaptive: false,
        };
        let mut plan = Plan { privacy, local: Some(training), ..exact.plan().clone() };
        change(&mut plan);
        let rule = tributary_model::planned::clip_rule(&plan).unwrap();
        let count = plan.parameters as usize;
        plan.sensitivity_squared =
            tributary_model::planned::sensitivity_squared(&rule, privacy, plan.overlap_max, count).unwrap();
        plan.customer_sensitivity_squared =
            tributary_model::planned::customer_sensitivity_squared(&rule, privacy, plan.overlap_max, count).unwrap();
        plan.noise_variance = plan.sensitivity_squared * 2000;
        plan.round_charge = tributary_model::planned::stated_charge(&plan);
        plan.validate().unwrap()
    };
    vec![exact.clone(), chunked, local(PrivacyMode::Local, |_| {}), local(PrivacyMode::Branch, |_| {})]
}

#[test]
fn nothing_that_is_seen_depends_on_a_row() {
    for plan in plans() {
        let models = models(&plan);
        for timing in [Timing::Plain, Timing::Strict] {
            // Without a time to keep, so that only what the rows decide is compared.
            let mut plan = plan.plan().clone();
            (plan.round_deadline_ms, plan.upload_offset_ms) = (60_000, 30_000);
            let plan = plan.validate().unwrap();
            let seen = |rows| transcript(&plan, rows, &models, timing).iter().filter_map(visible).collect::<Vec<_>>();
            let usual = seen(Rows::Usual);
            assert!(usual[0].contains("Ok"), "{usual:?}");
            assert!(usual.len() > models.len(), "every model gets a vector: {usual:?}");
            let neighbours =
                [Rows::OneFewer, Rows::Poisoned(f32::MAX), Rows::Poisoned(1e-42), Rows::Nobody, Rows::Many];
            for rows in neighbours {
                assert_eq!(seen(rows), usual, "{rows:?} {:?} {timing:?}", plan.privacy);
            }
        }
    }
}

#[test]
fn what_is_no_model_leaves_noise_alone_and_the_screen_says_so() {
    let plan = &plans()[0];
    let answers = transcript(plan, Rows::Usual, &[vec![1, 2, 3]], Timing::Plain);
    let told = answers.iter().any(|answer| matches!(answer, Answer::NoiseAlone { round: RoundId(1), .. }));
    let masked = answers.iter().find_map(|answer| match answer {
        Answer::Masked(update) => Some(update.bytes().len()),
        _ => None,
    });
    let permitted = contribution(plan, (RoundKind::Train, RoundId(1)), Digest::ZERO);
    let zeros = RingWords::zero(plan.ring, permitted.descriptor.dimension as usize);
    let expected = mask::<RealSuite>(zeros, permitted.receipt, permitted.seeds).bytes().len();
    assert!(told && masked == Some(expected), "{masked:?} {expected}");
}

#[test]
fn a_strict_branch_admits_no_plan_that_leaves_it_too_little_time() {
    let mut hasty = plans()[1].plan().clone();
    hasty.upload_offset_ms = 0;
    let answers = transcript(&hasty.validate().unwrap(), Rows::Usual, &[], Timing::Strict);
    let refused = RefusalCode::PolicyFloor(Floor::UploadOffset);
    let expected = answers.iter().filter_map(visible).any(|seen| seen.contains(&format!("{refused:?}")));
    let said =
        answers.iter().any(|answer| matches!(answer, Answer::Explain(text) if text.contains("upload_offset_ms")));
    assert!(expected && said);
}

#[test]
fn a_round_that_was_given_up_keeps_the_next_ones_noise_waiting_no_longer() {
    let schema = Schema::parse(SCHEMA).unwrap();
    let plan = plans().remove(0);
    let policy = BranchPolicy { timing: Timing::Strict, ..policy(&schema) };
    let mut unhurried = plan.plan().clone();
    (unhurried.round_deadline_ms, unhurried.upload_offset_ms) = (60_000, 30_000);
    let plan = unhurried.validate().unwrap();
    let snapshot = Snapshot { training: table(&schema, Rows::Usual), held_out: None };
    let source = WorkerSource { snapshot, schema, customers_nominal: Some(40), policy };
    let (sender, jobs) = mpsc::channel();
    sender.send(Job::Judge(Box::new(plan.clone()))).unwrap();
    let model = &models(&plan)[0];
    // Three starts one after the other: of the rounds before the last one nothing is wanted any more.
    for round in 1..=3 {
        let wanted = Wanted::new();
        if round < 3 {
            wanted.take_back();
        }
        let permitted = contribution(&plan, (RoundKind::Train, RoundId(round)), Digest::ZERO);
        sender.send(Job::Contribute(Box::new(permitted), model.clone(), wanted)).unwrap();
    }
    drop(sender);
    let answers = RefCell::new(Vec::new());
    run(source, &jobs, |answer| answers.borrow_mut().extend(visible(&answer)));
    let rounds: Vec<bool> = answers.borrow().iter().skip(1).map(|seen| seen.contains("round 3")).collect();
    assert_eq!(rounds, [true, true], "noise and vector of the last round, and no work for those before");
}
