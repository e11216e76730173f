use super::statement::ModelNoise;
use super::*;
use crate::run::job::tests::{job, settings};
use tributary_model::server_optimizer::{
    OptimizerError, OptimizerFields, OptimizerSettings, ServerOptimizer, StateLayout, UpdateRule,
};
use tributary_model::stage::PublicState;
use tributary_model::update::LocalRule;
use tributary_planning::settings::{LocalSteps, MechanismSettings, PlanSettings, PrivacyTarget};
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::time::Millis;
use tributary_storage::faults::each_sync_fails_once;

const RUN: RunRef = RunRef { plan: Digest::ZERO, number: 1 };
const GRADIENT: [f64; 4] = [0.1, -0.2, 0.3, 0.4];

struct Fixture {
    folder: tempfile::TempDir,
    store: Store,
    layout: StateLayout,
    /// Does in memory what the store does in files.
    optimizer: ServerOptimizer,
    initial: Parameters,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("state"), RUN).unwrap();
    let place = format!("state/plans/{}/runs/{}", RUN.plan, RUN.number);
    assert_eq!(store.run_folder(), folder.path().join(place));
    let update_rule = UpdateRule::Sgd { learning_rate: 0.5, momentum: 0.9 };
    let settings = OptimizerSettings::new(OptimizerFields { update_rule, tail_start: Some(1) }).unwrap();
    let architecture = Architecture::logistic(3, &["churn"]).unwrap();
    let initial = Parameters::initial(&architecture, 1);
    let (layout, optimizer) = (StateLayout::new(settings, &architecture), ServerOptimizer::new(settings, &initial));
    let fixture = Fixture { folder, store, layout, optimizer, initial };
    fixture.store.begin_optimizer(&fixture.layout, fixture.start(), &fixture.initial).unwrap();
    fixture
}

impl Fixture {
    fn architecture(&self) -> &Architecture {
        self.layout.architecture()
    }

    fn start(&self) -> StateName {
        StateName { stage: 1, model: self.initial.digest(), steps: 0 }
    }

    /// A step in files and in memory: the model, and the name of the optimizer's state that belongs to it.
    fn step(&mut self, from: StateName) -> (Parameters, StateName) {
        let stepped = self.store.step_optimizer(&self.layout, from, GRADIENT.into_iter()).unwrap();
        let model = self.optimizer.step(&GRADIENT).unwrap();
        assert!(model.to_le_bytes() == stepped.model);
        let name = StateName { stage: 1, model: model.digest(), steps: stepped.steps };
        self.store.keep_optimizer(name, stepped.state).unwrap();
        (model, name)
    }

    /// Files of an optimizer that nobody continues.
    fn step_files(&self, count: u32) {
        for steps in 0..count {
            let name = StateName { steps, ..self.start() };
            self.store.begin_optimizer(&self.layout, name, &self.initial).unwrap();
        }
    }

    fn states(&self) -> usize {
        fs::read_dir(self.store.run_folder().join("optimizer")).unwrap().count()
    }
}

/// Files of a store grow with model and federation: the limit of files that people carry is not theirs.
#[test]
fn a_large_model_and_the_material_of_a_large_session_are_stored() {
    let fixture = fixture();
    let large = vec![0; usize::try_from(tributary_storage::files::FILE_BYTES_MAX).unwrap() + 1];
    fixture.store.add_model(&Digest::of(&large), &large).unwrap();
    assert_eq!(fs::metadata(fixture.store.model_file(&Digest::of(&large))).unwrap().len(), 16 + large.len() as u64);
    assert!(tributary_storage::files::write_private(&fixture.folder.path().join("x"), &large, Existing::Keep).is_err());
    tributary_storage::files::write_stored(&fixture.folder.path().join("x"), &STATE_FORMAT, &large, Existing::Keep)
        .unwrap();
}

#[test]
fn a_model_comes_back_and_is_added_once() {
    let fixture = fixture();
    let model = fixture.initial.clone();
    let digest = model.digest();
    fixture.store.add_model(&digest, &model.to_le_bytes()).unwrap();
    fixture.store.add_model(&digest, b"something else under the same name").unwrap();
    assert!(fixture.store.model(fixture.architecture(), &digest).unwrap() == model);
}

#[test]
fn a_model_cut_or_changed_anywhere_is_refused() {
    let fixture = fixture();
    let model = fixture.initial.clone();
    let digest = model.digest();
    fixture.store.add_model(&digest, &model.to_le_bytes()).unwrap();
    let path = fixture.store.model_file(&digest);
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(fixture.store.model(fixture.architecture(), &digest).is_err(), "cut at {length}");
    }
    for index in 0..whole.len() {
        let mut changed = whole.clone();
        changed[index] ^= 1;
        fs::write(&path, &changed).unwrap();
        let refused = fixture.store.model(fixture.architecture(), &digest).map(|_| ()).unwrap_err();
        // The header's version says which release to use.
        assert!(refused.to_string().contains("restore") || (8..12).contains(&index), "{refused}");
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(
        fixture.store.model(fixture.architecture(), &digest),
        Err(StoreError::File(FileError::System { .. }))
    ));
}

/// What participants are given is read back whole, or not at all: parameters that a stage handed on, with its first bound where it adapts one,
/// and states with a bound that has moved.
#[test]
fn a_public_state_cut_or_changed_anywhere_is_refused() {
    let rule = LocalRule { steps: 2, learning_rate: 0.5, update_clip_norm: 0.5 };
    let mechanism =
        MechanismSettings { local: Some(LocalSteps { rule, adaptive: true }), ..MechanismSettings::default() };
    let privacy = PrivacyTarget::Branch { epsilon: 4.0, delta: 1e-6 };
    for (settings, adaptive) in [(settings(), false), (PlanSettings { privacy, mechanism, ..settings() }, true)] {
        let job = job(&settings);
        let stage = job.planned.stage(0).unwrap();
        let fixture = fixture();
        let first = job.initial.digest();
        fixture.store.add_model(&first, &job.initial.to_le_bytes()).unwrap();
        let begun = stage.begin(job.initial.clone());
        assert_eq!(begun.update_clip_norm, adaptive.then_some(0.5));
        assert!(fixture.store.state(&stage, &first).unwrap() == begun.to_bytes());
        let mut cases = vec![first];
        if adaptive {
            let moved = PublicState { update_clip_norm: Some(0.25), ..begun }.to_bytes();
            let digest = stage.state_digest(&moved);
            fixture.store.add_model(&digest, &moved).unwrap();
            assert!(digest != first && fixture.store.state(&stage, &digest).unwrap() == moved);
            cases.push(digest);
        }
        for digest in cases {
            let path = fixture.store.model_file(&digest);
            let whole = fs::read(&path).unwrap();
            for length in 0..whole.len() {
                fs::write(&path, &whole[..length]).unwrap();
                assert!(fixture.store.state(&stage, &digest).is_err(), "cut at {length}");
            }
            for index in 0..whole.len() {
                let mut changed = whole.clone();
                changed[index] ^= 1;
                fs::write(&path, &changed).unwrap();
                let refused = fixture.store.state(&stage, &digest).unwrap_err();
                assert!(refused.to_string().contains("restore") || (8..12).contains(&index), "{refused}");
            }
            fs::remove_file(&path).unwrap();
            assert!(matches!(fixture.store.state(&stage, &digest), Err(StoreError::File(FileError::System { .. }))));
        }
    }
}

/// What a release before 0.2 left, and what a later one will leave: refused by name, and nothing of it is changed.
#[test]
fn files_of_earlier_and_later_releases_are_refused_with_what_to_do() {
    let mut fixture = fixture();
    let (model, name) = fixture.step(fixture.start());
    let digest = model.digest();
    fixture.store.add_model(&digest, &model.to_le_bytes()).unwrap();
    let (state, optimizer) = (fixture.store.model_file(&digest), fixture.store.optimizer_file(name));
    let refusals = |fixture: &Fixture| {
        let model = fixture.store.model(fixture.architecture(), &digest).map(|_| ()).unwrap_err();
        let optimizer = fixture.store.verify_optimizer(&fixture.layout, name, &fixture.initial).unwrap_err();
        [model.to_string(), optimizer.to_string()]
    };
    for path in [&state, &optimizer] {
        let whole = fs::read(path).unwrap();
        fs::write(path, &whole[16..]).unwrap();
    }
    for told in refusals(&fixture) {
        assert!(told.contains("an earlier release wrote it") && told.contains("Nothing was changed"), "{told}");
    }
    for path in [&state, &optimizer] {
        let magic = if path == &state { b"TRIBSTAT" } else { b"TRIBOPTS" };
        let header = [&magic[..], &9_u32.to_le_bytes(), &1_u16.to_le_bytes(), &7_u16.to_le_bytes()].concat();
        fs::write(path, [header, fs::read(path).unwrap()].concat()).unwrap();
    }
    for told in refusals(&fixture) {
        assert!(told.contains("version 9") && told.contains("use release 1.7 or later"), "{told}");
    }
    // A session of another release costs its session alone.
    let session = fixture.folder.path().join("state/sessions/4.session");
    fs::write(&session, b"TRIBSESS\x09\0\0\0\x01\0\x07\0").unwrap();
    assert!(fixture.store.sessions().is_empty() && session.exists());
}

#[test]
fn a_state_stepped_in_its_file_is_the_one_stepped_in_memory() {
    let mut fixture = fixture();
    let mut name = fixture.start();
    let mut model;
    for steps in 1..=3 {
        (model, name) = fixture.step(name);
        assert_eq!(name.steps, steps);
        fixture.store.verify_optimizer(&fixture.layout, name, &model).unwrap();
        let released = fixture.store.released(&fixture.layout, name).unwrap();
        assert!(released == fixture.optimizer.released().unwrap());
    }
}

#[test]
fn an_optimizer_continues_only_behind_its_own_model() {
    let mut fixture = fixture();
    let (model, name) = fixture.step(fixture.start());
    let path = fixture.store.optimizer_file(name);
    let whole = fs::read(&path).unwrap();
    let mut another = model.values().to_vec();
    another[1] += 1.0;
    let another = Parameters::new(model.architecture().clone(), another).unwrap();
    let others = [(StateName { model: another.digest(), ..name }, &another), (StateName { steps: 2, ..name }, &model)];
    for (other, behind) in others {
        fs::write(fixture.store.optimizer_file(other), &whole).unwrap();
        let refused = fixture.store.verify_optimizer(&fixture.layout, other, behind).unwrap_err();
        assert!(matches!(refused, StoreError::OtherModel { .. }), "{refused}");
    }
    // Neither is another stage's.
    assert!(fixture.store.verify_optimizer(&fixture.layout, StateName { stage: 2, ..name }, &model).is_err());
    let step = |fixture: &Fixture| fixture.store.step_optimizer(&fixture.layout, name, GRADIENT.into_iter());
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(fixture.store.verify_optimizer(&fixture.layout, name, &model).is_err(), "cut at {length}");
        assert!(step(&fixture).is_err(), "cut at {length}");
    }
    for index in 0..whole.len() {
        let mut changed = whole.clone();
        changed[index] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert!(fixture.store.verify_optimizer(&fixture.layout, name, &model).is_err(), "changed at {index}");
        assert!(step(&fixture).is_err(), "changed at {index}");
    }
    assert_eq!(fixture.states(), 4, "a step that was not taken leaves nothing");
}

#[test]
fn a_step_that_diverges_changes_nothing() {
    let fixture = fixture();
    let wild = fixture.store.step_optimizer(&fixture.layout, fixture.start(), [0.0, 1e300, 0.0, 0.0].into_iter());
    assert!(matches!(wild.err(), Some(StepError::Optimizer(OptimizerError::Diverged(1)))));
    let short = fixture.store.step_optimizer(&fixture.layout, fixture.start(), [0.0].into_iter());
    assert!(matches!(short.err(), Some(StepError::Optimizer(OptimizerError::Piece))));
    fixture.store.verify_optimizer(&fixture.layout, fixture.start(), &fixture.initial).unwrap();
    assert_eq!(fixture.states(), 1);
}

#[test]
fn only_the_current_optimizer_is_kept() {
    let mut fixture = fixture();
    let (_, first) = fixture.step(fixture.start());
    let (model, name) = fixture.step(first);
    assert_eq!(fixture.states(), 3);
    fixture.store.forget_other_optimizers(name);
    assert_eq!(fixture.states(), 1);
    fixture.store.verify_optimizer(&fixture.layout, name, &model).unwrap();
    fixture.store.forget_optimizer(name);
    assert!(fixture.store.verify_optimizer(&fixture.layout, name, &model).is_err());
    // After a stage without an optimizer none is needed.
    fixture.step_files(2);
    fixture.store.forget_other_optimizers(StateName { stage: 2, ..name });
    assert_eq!(fixture.states(), 0);
}

#[cfg(unix)]
#[test]
fn the_state_directory_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = fixture();
    let mode = fs::metadata(fixture.folder.path().join("state")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

/// Whatever a run keeps is there for good, or its keeper hears that it is not: nothing is named by the ledger before. After room was made it goes on.
#[test]
fn what_a_run_keeps_is_durable_or_told() {
    let job = job(&settings());
    let noise = ModelNoise { version: 1, stage: 1, plan: RUN.plan.to_string(), run: RUN.number, variances: vec![0.5] };
    let opened = CoordinatorEvent::RunOpened {
        plan: Box::new(job.plan().plan().clone()),
        approvals: Box::new(job.approvals.clone()),
        number: 1,
        model: job.initial.digest(),
        begun: Millis(0),
    };
    let begun = || tempfile::tempdir().unwrap();
    let failed = each_sync_fails_once(begun, |folder| {
        let store = Store::open(&folder.path().join("state"), RUN)?;
        store.add_model(&job.initial.digest(), &job.initial.to_le_bytes())?;
        store.write_model_noise(&noise)?;
        store.write_statement(std::slice::from_ref(&opened))
    });
    // Eleven folders and four files.
    assert_eq!(failed, 11 + 2 * 4);
    let failed = each_sync_fails_once(fixture, |fixture| {
        fixture.store.begin_optimizer(&fixture.layout, fixture.start(), &fixture.initial)?;
        let stepped = fixture.store.step_optimizer(&fixture.layout, fixture.start(), GRADIENT.into_iter())?;
        let name = StateName { steps: stepped.steps, ..fixture.start() };
        fixture.store.keep_optimizer(name, stepped.state).map_err(StepError::from)
    });
    assert_eq!(failed, 4);
}
