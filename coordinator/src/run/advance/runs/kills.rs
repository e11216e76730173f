//! A process that ends at any moment, between any two files, continues to the same model.

use tributary_model::parameters::Parameters;
use tributary_model::update::LocalRule;
use tributary_protocol::plan::Run;
use tributary_protocol::versioned::HEADER_BYTES;
use tributary_storage::files::FileError;

use super::*;
use crate::registry::learnt_features;
use tributary_planning::settings::{LearntFeatures, LocalSteps, PrivacyTarget, StagedLearning};

const LOSSES: [Lost; 6] = [Lost::Nothing, Lost::One(0), Lost::One(1), Lost::One(2), Lost::One(3), Lost::All];

/// A run that is killed once at each of its moments, and of the files that it had just written each one lost: the released model.
fn survives_every_kill(job: &Job, values: Values) -> Digest {
    survives_every_kill_but(job, values, |_, _| false)
}

/// The same, where some kills may lead to another model: the run that was killed, and what it released.
fn survives_every_kill_but(job: &Job, values: Values, other: impl Fn(&World<'_>, Digest) -> bool) -> Digest {
    let mut whole = World::new(job, values, None);
    whole.go_on().unwrap();
    whole.assert_proved();
    let released = whole.record.released().unwrap();
    assert_eq!(whole.record.finished, Some(true));
    for moment in 1..=whole.moments {
        for lost in LOSSES {
            let mut world = World::new(job, values, Some(moment));
            assert!(world.go_on().is_err(), "moment {moment}");
            let written = world.files().difference(&world.durable).count();
            if matches!(lost, Lost::One(which) if which >= written) || (written == 0 && matches!(lost, Lost::All)) {
                continue;
            }
            world.restart(lost);
            world.go_on().unwrap();
            let found = world.record.released().unwrap();
            assert!(found == released || other(&world, found), "moment {moment}, {lost:?}");
            // What is said of weak fields rests on it, and an auditor finds it again from the journal.
            assert!(found != released || world.noise() == whole.noise(), "moment {moment}, {lost:?}");
            world.assert_proved();
            world.restart(Lost::Nothing);
            world.assert_proved();
        }
    }
    released
}

fn sum_of(values: Values, stage: &PlannedStage<'_>, committed: u32) -> Vec<i64> {
    let vectors: Vec<Vec<i64>> = (1..=SURVIVORS).map(|client| values(stage, committed, client)).collect();
    (0..stage.terms().dimension as usize).map(|k| vectors.iter().map(|vector| vector[k]).sum()).collect()
}

/// What a stage makes of its sums in memory, and hands on.
fn in_memory(job: &Job, values: Values, stage: u16, from: Parameters) -> Parameters {
    let stage = job.planned.stage(stage).unwrap();
    let mut state = stage.start(from);
    for committed in 0..stage.terms().rounds {
        stage.advance(&mut state, &sum_of(values, &stage, committed), SURVIVORS as usize).unwrap();
    }
    stage.conclude(&state).unwrap().parameters
}

/// The tail's average is what the evaluation's participants are given and what is released, whenever the process ends.
#[test]
fn a_run_of_three_stages_survives_a_kill_at_every_moment() {
    let job = counting_job();
    let released = survives_every_kill(&job, spread);
    let trained = in_memory(&job, spread, 1, job.initial.clone());
    assert_eq!(released, trained.digest());
    let mut world = World::new(&job, spread, None);
    world.go_on().unwrap();
    let evaluated = world.ledger.iter().filter_map(|recorded| match &recorded.event {
        CoordinatorEvent::RoundStarted { descriptor } if descriptor.stage == 2 => Some(descriptor.model),
        _ => None,
    });
    assert_eq!(evaluated.collect::<Vec<_>>(), [trained.digest()]);
    let last = world.ledger.iter().rev().find_map(|recorded| match &recorded.event {
        CoordinatorEvent::RoundCommitted { model, .. } => Some(*model),
        _ => None,
    });
    assert_eq!(last, Some(trained.digest()), "an evaluation moves nothing");
    assert!(world.store.model(world.advance.planned().architecture(), &trained.digest()).unwrap() == trained);
}

/// Two stages of local steps that adapt their bounds, one after the other.
fn adaptive_job() -> Job {
    let rule = LocalRule { steps: 2, learning_rate: 0.5, update_clip_norm: 0.5 };
    let mechanism =
        MechanismSettings { local: Some(LocalSteps { rule, adaptive: true }), ..MechanismSettings::default() };
    let privacy = PrivacyTarget::Branch { epsilon: 4.0, delta: 1e-6 };
    let tail_fraction = 0.0;
    let job = job(&PlanSettings { rounds: 2, retries: 3, tail_fraction, privacy, mechanism, ..settings() });
    let mut plan = job.plan().plan().clone();
    plan.stages.push(plan.stages[0].clone());
    let planned = Arc::new(tributary_model::planned::check(&plan, None).unwrap());
    let run = Run::new(plan.validate().unwrap(), 1).unwrap();
    Job { run, planned, ..job }
}

/// Labels, perhaps groups, two rounds over blocks, three with new weights of which the last two are averaged, evaluation.
fn staged_job(features: Option<LearntFeatures>) -> Job {
    let evaluation = Some(CountingSettings { bins: 4, budget_share: 0.1 });
    let staged = Some(StagedLearning { first_rounds: 2, ..StagedLearning::usual(5) });
    let mechanism = MechanismSettings { staged, features, evaluation, ..MechanismSettings::default() };
    job(&PlanSettings { rounds: 5, retries: 3, tail_fraction: 0.7, mechanism, ..settings() })
}

/// What the stages of a plan make of their sums in memory, each with what the one before handed on, but for stages of one kind that were lost.
fn all_in_memory(job: &Job, values: Values, lost: Option<&str>) -> PublicState {
    let begun = PublicState::of(job.initial.clone());
    (0..).map_while(|number| job.planned.stage(number)).fold(begun, |handed, stage| {
        let mut state = stage.start_after(handed);
        let rounds = if lost == Some(stage.settings().kind()) { 0 } else { stage.terms().rounds };
        for committed in 0..rounds {
            stage.advance(&mut state, &sum_of(values, &stage, committed), SURVIVORS as usize).unwrap();
        }
        stage.conclude(&state).unwrap()
    })
}

/// Counts, block weights and models over blocks are handed from stage to stage, whenever the process ends. The count of labels is never tried
/// again: where it was lost, the plan's own number stands, and the run goes on without intercepts.
#[test]
fn staged_learning_survives_a_kill_at_every_moment() {
    let job = staged_job(None);
    let [expected, without] = [None, Some("labels")].map(|lost| all_in_memory(&job, spread, lost).parameters);
    let released = survives_every_kill_but(&job, spread, |world, found| {
        world.record.committed(0) == 0 && found == without.digest()
    });
    assert_eq!(released, expected.digest());
    assert!(expected.architecture() == job.planned.architecture() && expected != without);
    assert!(expected.values().iter().any(|value| *value != 0.0));
}

/// Learnt groups are handed from stage to stage as well, and told with the model. Where their count was lost, groups are even.
#[test]
fn learnt_groups_survive_a_kill_at_every_moment() {
    let job = staged_job(Some(LearntFeatures::USUAL));
    let expected = all_in_memory(&job, spread, None).parameters;
    let [labels, groups] = ["labels", "quantile"].map(|lost| all_in_memory(&job, spread, Some(lost)).parameters);
    let released = survives_every_kill_but(&job, spread, |world, found| {
        let lost = |stage| world.record.committed(stage) == 0;
        (lost(0) && found == labels.digest()) || (lost(1) && found == groups.digest())
    });
    assert!(released == expected.digest() && expected != groups);
    let mut world = World::new(&job, spread, None);
    world.go_on().unwrap();
    let events: Vec<CoordinatorEvent> = world.ledger.iter().map(|recorded| recorded.event.clone()).collect();
    let stage = job.planned.stage(1).unwrap();
    let mut state = stage.start(job.initial.clone());
    stage.advance(&mut state, &sum_of(spread, &stage, 0), SURVIVORS as usize).unwrap();
    let learnt = job.planned.stage(2).unwrap();
    let fields = learnt.learnt_fields(&learnt.begin_after(stage.conclude(&state).unwrap()));
    assert!(!fields.is_empty());
    let told = learnt_features(&events, world.advance.planned(), &world.store).unwrap();
    let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
    assert_eq!(told, serde_json::json!({ "version": 1, "learnt": fields }));
    let public = staged_job(None);
    let none = learnt_features(&events[..1], &public.planned, &world.store).unwrap();
    assert_eq!(none, b"{\"version\":1,\"learnt\":[]}\n");
}

/// With so many of the eight branches within the bound.
fn within(stage: &PlannedStage<'_>, committed: u32, client: u32, branches: u32) -> Vec<i64> {
    let mut values = spread(stage, committed, client);
    let one = i64::from(stage.terms().reach) / 10;
    *values.last_mut().unwrap() = if client <= branches { one } else { 0 };
    values
}

#[test]
fn a_bound_moves_within_its_stage_and_begins_anew_in_the_next() {
    let job = adaptive_job();
    let all: Values = |stage, committed, client| within(stage, committed, client, SURVIVORS);
    let released = survives_every_kill(&job, all);
    let first = in_memory(&job, all, 0, job.initial.clone());
    assert_eq!(released, in_memory(&job, all, 1, first.clone()).digest());
    let mut world = World::new(&job, all, None);
    world.go_on().unwrap();
    let begun = |stage| {
        world.ledger.iter().filter_map(move |recorded| match &recorded.event {
            CoordinatorEvent::RoundStarted { descriptor } if descriptor.stage == stage => Some(descriptor.model),
            _ => None,
        })
    };
    let planned = job.planned.stage(1).unwrap();
    let bound = |model: &Digest| planned.bound_of(&world.store.state(&planned, model).unwrap()).unwrap().unwrap();
    for stage in [0, 1] {
        let bounds: Vec<f64> = begun(stage).map(|model| bound(&model)).collect();
        assert!(matches!(bounds.as_slice(), [first, second] if *first == 0.5 && *second < 0.5), "{bounds:?}");
    }
    assert_eq!(begun(1).next(), Some(first.digest()));
}

/// Half of the branches are within the bound, so that it stays: such a state has the digest of its parameters, which is also what the stage
/// hands on.
#[test]
fn a_state_with_the_first_bound_lies_in_the_file_of_its_parameters() {
    let job = adaptive_job();
    let half: Values = |stage, committed, client| within(stage, committed, client, SURVIVORS / 2);
    let released = survives_every_kill(&job, half);
    let first = in_memory(&job, half, 0, job.initial.clone());
    assert_eq!(released, in_memory(&job, half, 1, first).digest());
}

/// A stage whose rounds all fail hands on what it was given, and what it might have counted is nowhere.
#[test]
fn a_stage_that_failed_is_left_out() {
    let job = counting_job();
    let mut world = World::new(&job, spread, None);
    for stage in [0, 1, 1, 1, 1, 1, 1, 2] {
        while let Some(Next::Conclude(over)) = world.record.next() {
            let model = world.advance.conclude(over, &world.store).unwrap();
            world.append(CoordinatorEvent::StageConcluded { stage: over, model });
            world.adopt(model).unwrap();
        }
        assert_eq!(world.record.next(), Some(Next::Round(stage)));
        let (descriptor, permit) = world.collect(stage);
        world.advance.apply(&descriptor, world.sum.take(), permit, &world.store).unwrap();
        world.restart(Lost::Nothing);
    }
    world.go_on().unwrap();
    assert_eq!((world.record.finished, world.record.committed_all()), (Some(false), 0));
    assert_eq!(world.record.released(), Some(job.initial.digest()));
    world.assert_proved();
}

/// A released model that was changed, or is gone, is found although nothing of the plan is left to do.
#[test]
fn a_run_that_is_over_is_not_resumed_without_its_model() {
    let job = counting_job();
    let mut world = World::new(&job, spread, None);
    world.go_on().unwrap();
    let path = world.store.model_file(&world.record.released().unwrap());
    let whole = std::fs::read(&path).unwrap();
    let mut changed = whole.clone();
    changed[HEADER_BYTES + 3] ^= 1;
    std::fs::write(&path, &changed).unwrap();
    assert!(matches!(Advance::start(&job, &world.store, &world.record), Err(StoreError::OtherModel { .. })));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(
        Advance::start(&job, &world.store, &world.record),
        Err(StoreError::File(FileError::System { .. }))
    ));
    std::fs::write(&path, &whole).unwrap();
    world.restart(Lost::Nothing);
}
