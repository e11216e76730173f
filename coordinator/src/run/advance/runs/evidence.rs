//! What is kept of a round, for how long, and by whom it can be read.

use serde_json::Value;
use tributary_protocol::plan::{Retention, Run};

use super::*;

#[test]
fn an_aborted_round_leaves_nothing_and_one_that_cannot_be_kept_ends_the_process() {
    let job = counting_job();
    let mut world = World::new(&job, spread, None);
    drop(world.collect(0));
    assert_eq!(world.files_in("rounds").len(), 1, "a draft without a name of its own");
    world.sum.forget();
    assert_eq!((world.files_in("rounds"), world.files_in("sums")), (BTreeSet::new(), BTreeSet::new()));
    // A process that is killed leaves its draft, and the next one removes it.
    drop(world.collect(0));
    std::mem::forget(world.sum.take());
    assert_eq!(world.files_in("rounds").len(), 1);
    world.restart(Lost::Nothing);
    assert_eq!(world.files_in("rounds").len(), 0);
    // A sum with an upload that no seed opens.
    let mut world = World::new(&job, spread, None);
    let (descriptor, _) = world.collect(0);
    let shape = (descriptor.round, descriptor.digest(), descriptor.ring);
    let MaskedRound { permit, .. } = masked_round::<RealSuite>(shape, &[], &[]);
    let answer = world.advance.apply(&descriptor, world.sum.take(), permit, &world.store).unwrap();
    assert!(matches!(answer, Input::UpdateFailed { reason: ClosedReason::ChecksFailed, .. }));
    assert_eq!((world.files_in("rounds"), world.files_in("sums")), (BTreeSet::new(), BTreeSet::new()));
    // A disk that takes nothing.
    for folder in ["rounds", "sums"] {
        let mut world = World::new(&job, spread, None);
        let (descriptor, permit) = world.collect(0);
        std::fs::remove_dir_all(world.folder.path().join("state").join(folder)).unwrap();
        assert!(world.advance.apply(&descriptor, world.sum.take(), permit, &world.store).is_err(), "{folder}");
        assert!(!world.advance.is_pending());
    }
}

#[test]
fn what_a_plan_does_not_have_kept_is_not_and_the_rest_goes_when_its_time_is_over() {
    let kept = |retention| {
        let mechanism = MechanismSettings { retention, ..MechanismSettings::default() };
        let job = job(&PlanSettings { rounds: 2, retries: 1, mechanism, ..settings() });
        let mut world = World::new(&job, spread, None);
        world.go_on().unwrap();
        let kept = (world.files_in("rounds").len(), world.files_in("sums").len());
        let (day, end) = (86_400_000, 5);
        world.ledger.last_mut().unwrap().at = Millis(end);
        let after = |days: u64, ms| {
            world.forget_evidence([world.ledger.as_slice()], Millis(end + days * day - ms));
            (world.files_in("rounds").len(), world.files_in("sums").len())
        };
        assert_eq!(after(retention.days.into(), 1), kept, "a moment before");
        // The ledger of a run that goes on says nothing of an end.
        let mut unfinished = world.ledger.clone();
        unfinished.pop();
        world.forget_evidence([unfinished.as_slice()], Millis(u64::MAX));
        assert_eq!(world.files_in("rounds").len(), kept.0);
        assert_eq!(after(retention.days.into(), 0), (0, 0));
        kept
    };
    let dimension = counting_job().plan().stages[1].dimension;
    let usual = Retention { uploads_dimension_max: dimension, sums: true, days: 30 };
    assert_eq!(kept(usual), (2, 2));
    assert_eq!(kept(Retention { uploads_dimension_max: dimension - 1, ..usual }), (0, 2));
    assert_eq!(kept(Retention { sums: false, ..usual }), (2, 0));
}

#[cfg(unix)]
#[test]
fn what_is_kept_is_this_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let job = counting_job();
    let mut world = World::new(&job, spread, None);
    drop(world.collect(0));
    let draft = world.files_in("rounds").into_iter();
    world.sum.forget();
    world.go_on().unwrap();
    let kept = draft.chain(world.files_in("rounds")).chain(world.files_in("sums")).filter(|path| path.exists());
    let modes: BTreeSet<u32> = kept.map(|path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777).collect();
    assert_eq!(modes, BTreeSet::from([0o600]));
}

/// Two runs of a plan in one state directory: each keeps its own, and goes by its own time.
#[test]
fn the_rounds_of_other_runs_stay_where_they_are() {
    let mechanism = MechanismSettings {
        statistics: Some(CountingSettings { bins: 4, budget_share: 0.1 }),
        retention: Retention { days: 30, ..Retention::USUAL },
        ..MechanismSettings::default()
    };
    let job = job(&PlanSettings { rounds: 2, retries: 1, mechanism, ..settings() });
    let mut plan = job.plan().plan().clone();
    plan.runs = 2;
    let plan = plan.validate().unwrap();
    let run = |number| {
        let (planned, initial) = (Arc::clone(&job.planned), job.initial.clone());
        Job {
            run: Run::new(plan.clone(), number).unwrap(),
            planned,
            initial,
            guarantee: job.guarantee,
            approvals: job.approvals.clone(),
        }
    };
    let (first, second) = (run(1), run(2));
    let mut one = World::new(&first, spread, None);
    one.go_on().unwrap();
    let (rounds, sums, counts) = (one.files_in("rounds"), one.files_in("sums"), one.files_in("counts"));
    assert_eq!((rounds.len(), sums.len(), counts.len()), (3, 3, 2), "counts, and what noise gives to the model");
    // The second begins, and has committed nothing yet: what the first one counted and kept is not its business.
    let record = RunRecord::default();
    let store = Store::open(&one.state(), second.run.reference()).unwrap();
    Advance::start(&second, &store, &record).unwrap();
    let begun = World::new(&second, spread, None).ledger;
    let forget = |now| one.forget_evidence([one.ledger.as_slice(), begun.as_slice()], Millis(now));
    forget(0);
    assert_eq!((one.files_in("rounds"), one.files_in("sums"), one.files_in("counts")), (rounds, sums, counts));
    // A round of the second has a name of its own.
    let opened = one.ledger.iter().find_map(|recorded| match &recorded.event {
        CoordinatorEvent::RoundStarted { descriptor } => Some(descriptor.clone()),
        _ => None,
    });
    let descriptor = RoundDescriptor { run: second.run.id(), ..opened.unwrap() };
    one.store.begin_kept(&second.run.retention, &descriptor).unwrap().unwrap().keep(&[]).unwrap();
    assert_eq!(one.files_in("rounds").len(), 4);
    forget(0);
    assert_eq!(one.files_in("rounds").len(), 3, "the second one's ledger does not name it");
    forget(30 * 86_400_000);
    assert_eq!((one.files_in("rounds").len(), one.files_in("sums").len()), (0, 0));
}

/// An evaluation says how much each field moves the scores, by what the run has counted before.
#[test]
fn an_evaluation_weighs_fields_by_what_earlier_stages_left() {
    let job = counting_job();
    let mut world = World::new(&job, spread, None);
    world.go_on().unwrap();
    let of = |world: &World<'_>| {
        let files = world.files_in("counts").into_iter();
        let read = files.map(|path| serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap());
        let mut scores = read.filter_map(|file| file.get("importance").filter(|found| !found.is_null()).cloned());
        scores.next().expect("a file of an evaluation")
    };
    let whole = of(&world);
    let fields = whole["fields"].as_array().unwrap_or_else(|| panic!("{whole}"));
    let names: Vec<&str> = fields.iter().map(|field| field["field"].as_str().unwrap()).collect();
    let expected: Vec<&str> = job.planned.schema().unwrap().fields().iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, expected, "of the one label");
}
