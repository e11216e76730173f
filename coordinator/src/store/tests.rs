use super::*;
use tributary_model::parameters::Parameters;
use tributary_model::server_optimizer::{
    MeanUpdate, OptimizerFields, OptimizerSettings, ServerOptimizer, StateLayout, UpdateRule,
};

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
    let store = Store::open(&folder.path().join("state")).unwrap();
    let update_rule = UpdateRule::Sgd { learning_rate: 0.5, momentum: 0.9 };
    let settings = OptimizerSettings::new(OptimizerFields { update_rule, tail_start: Some(1) }).unwrap();
    let architecture = Architecture::logistic(3, &["churn"]).unwrap();
    let initial = Parameters::initial(&architecture, 1);
    let (layout, optimizer) = (StateLayout::new(settings, &architecture), ServerOptimizer::new(settings, &initial));
    store.begin_optimizer(&layout, &initial).unwrap();
    Fixture { folder, store, layout, optimizer, initial }
}

impl Fixture {
    fn architecture(&self) -> &Architecture {
        self.layout.architecture()
    }

    fn start(&self) -> StateName {
        StateName { model: self.initial.digest(), rounds: 0 }
    }

    /// A step in files and in memory: the model, and the name of the state behind it.
    fn step(&mut self, from: StateName) -> (Parameters, StateName) {
        let stepped = self.store.step_optimizer(&self.layout, from, GRADIENT.into_iter()).unwrap();
        let update = MeanUpdate::from_gradient(GRADIENT.to_vec()).unwrap();
        let model = self.optimizer.step(&update).unwrap();
        assert!(model.to_le_bytes() == stepped.model);
        let name = StateName { model: model.digest(), rounds: stepped.steps };
        self.store.keep_optimizer(name, stepped.state).unwrap();
        (model, name)
    }

    fn states(&self) -> usize {
        fs::read_dir(self.folder.path().join("state/optimizer")).unwrap().count()
    }
}

/// Files of a store grow with model and federation: the limit of files that people carry is not theirs.
#[test]
fn a_large_model_and_the_material_of_a_large_session_are_stored() {
    let fixture = fixture();
    let large = vec![0; usize::try_from(tributary_certs::files::FILE_BYTES_MAX).unwrap() + 1];
    fixture.store.add_model(&Digest::of(&large), &large).unwrap();
    assert_eq!(fs::metadata(fixture.store.model_file(&Digest::of(&large))).unwrap().len(), large.len() as u64);
    assert!(tributary_certs::files::write_private(&fixture.folder.path().join("x"), &large, Existing::Keep).is_err());
    tributary_certs::files::write_stored(&fixture.folder.path().join("x"), &large, Existing::Keep).unwrap();
}

#[test]
fn a_model_comes_back_and_is_added_once() {
    let fixture = fixture();
    let model = fixture.initial.clone();
    let digest = model.digest();
    fixture.store.add_model(&digest, &model.to_le_bytes()).unwrap();
    fixture.store.add_model(&digest, b"something else under the same name").unwrap();
    assert!(fixture.store.model(fixture.architecture(), &digest).unwrap() == model.to_le_bytes());
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
        assert!(refused.to_string().contains("restore"), "{refused}");
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(fixture.store.model(fixture.architecture(), &digest), Err(StoreError::System { .. })));
}

#[test]
fn a_state_stepped_in_its_file_is_the_one_stepped_in_memory() {
    let mut fixture = fixture();
    let mut name = fixture.start();
    for rounds in 1..=3 {
        (_, name) = fixture.step(name);
        assert_eq!(name.rounds, rounds);
        fixture.store.verify_optimizer(&fixture.layout, name).unwrap();
        let released = fixture.store.released(&fixture.layout, name).unwrap();
        assert!(released == fixture.optimizer.released().unwrap());
    }
}

#[test]
fn an_optimizer_continues_only_behind_its_own_model() {
    let mut fixture = fixture();
    let (_, name) = fixture.step(fixture.start());
    let path = fixture.store.optimizer_file(name);
    let whole = fs::read(&path).unwrap();
    for other in [StateName { model: Digest::of(b"another model"), ..name }, StateName { rounds: 2, ..name }] {
        fs::write(fixture.store.optimizer_file(other), &whole).unwrap();
        let refused = fixture.store.verify_optimizer(&fixture.layout, other).unwrap_err();
        assert!(matches!(refused, StoreError::OtherModel { .. }), "{refused}");
    }
    let step = |fixture: &Fixture| fixture.store.step_optimizer(&fixture.layout, name, GRADIENT.into_iter());
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(fixture.store.verify_optimizer(&fixture.layout, name).is_err(), "cut at {length}");
        assert!(step(&fixture).is_err(), "cut at {length}");
    }
    for index in 0..whole.len() {
        let mut changed = whole.clone();
        changed[index] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert!(fixture.store.verify_optimizer(&fixture.layout, name).is_err(), "changed at {index}");
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
    fixture.store.verify_optimizer(&fixture.layout, fixture.start()).unwrap();
    assert_eq!(fixture.states(), 1);
}

#[test]
fn only_the_current_optimizer_is_kept() {
    let mut fixture = fixture();
    let (_, first) = fixture.step(fixture.start());
    let (_, name) = fixture.step(first);
    assert_eq!(fixture.states(), 3);
    fixture.store.forget_other_optimizers(name);
    assert_eq!(fixture.states(), 1);
    fixture.store.verify_optimizer(&fixture.layout, name).unwrap();
    fixture.store.forget_optimizer(name);
    assert!(fixture.store.verify_optimizer(&fixture.layout, name).is_err());
}

#[test]
fn the_pointer_is_readable_and_replaced() {
    let fixture = fixture();
    let pointer = |rounds| ModelPointer {
        model: Digest::ZERO.to_string(),
        file: Store::model_name(&Digest::ZERO),
        architecture: fixture.architecture().clone(),
        schema: Digest::ZERO.to_string(),
        plan: Digest::ZERO.to_string(),
        last_model: Digest::ZERO.to_string(),
        rounds,
        complete: false,
    };
    for rounds in [1, 2] {
        fixture.store.write_pointer(&pointer(rounds)).unwrap();
        let text = fs::read(fixture.folder.path().join("state/model.json")).unwrap();
        assert_eq!(serde_json::from_slice::<ModelPointer>(&text).unwrap(), pointer(rounds));
    }
}

#[cfg(unix)]
#[test]
fn the_state_directory_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = fixture();
    let mode = fs::metadata(fixture.folder.path().join("state")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
