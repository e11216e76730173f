use super::*;
use tributary_model::server_optimizer::{MeanUpdate, OptimizerFields, UpdateRule};

struct Fixture {
    folder: tempfile::TempDir,
    store: Store,
    architecture: Architecture,
    settings: OptimizerSettings,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("state")).unwrap();
    let update_rule = UpdateRule::Sgd { learning_rate: 0.5, momentum: 0.9 };
    let settings = OptimizerSettings::new(OptimizerFields { update_rule, tail_start: None }).unwrap();
    Fixture { folder, store, architecture: Architecture::logistic(3, &["churn"]).unwrap(), settings }
}

/// One step from the first model: the model, its digest and the optimizer behind it.
fn step(fixture: &Fixture) -> (Parameters, ServerOptimizer) {
    let mut optimizer = ServerOptimizer::new(fixture.settings, &Parameters::initial(&fixture.architecture, 1));
    let update = MeanUpdate::from_gradient(vec![0.1, -0.2, 0.3, 0.4]).unwrap();
    (optimizer.step(&update).unwrap(), optimizer)
}

#[test]
fn a_model_comes_back_and_is_added_once() {
    let fixture = fixture();
    let (model, _) = step(&fixture);
    let digest = model.digest();
    fixture.store.add_model(&digest, &model.to_le_bytes()).unwrap();
    fixture.store.add_model(&digest, b"something else under the same name").unwrap();
    assert!(fixture.store.model(&fixture.architecture, &digest).unwrap() == model);
}

#[test]
fn a_model_cut_or_changed_anywhere_is_refused() {
    let fixture = fixture();
    let (model, _) = step(&fixture);
    let digest = model.digest();
    fixture.store.add_model(&digest, &model.to_le_bytes()).unwrap();
    let path = fixture.store.model_file(&digest);
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(fixture.store.model(&fixture.architecture, &digest).is_err(), "cut at {length}");
    }
    for index in 0..whole.len() {
        let mut changed = whole.clone();
        changed[index] ^= 1;
        fs::write(&path, &changed).unwrap();
        let refused = fixture.store.model(&fixture.architecture, &digest).map(|_| ()).unwrap_err();
        assert!(refused.to_string().contains("restore"), "{refused}");
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(fixture.store.model(&fixture.architecture, &digest), Err(StoreError::System { .. })));
}

#[test]
fn an_optimizer_continues_only_behind_its_own_model() {
    let fixture = fixture();
    let (model, optimizer) = step(&fixture);
    let name = StateName { model: model.digest(), rounds: 1 };
    fixture.store.write_optimizer(name, &optimizer.export()).unwrap();
    let read = fixture.store.optimizer(fixture.settings, &fixture.architecture, name).unwrap();
    assert!(read == optimizer);

    for other in [StateName { model: Digest::of(b"another model"), ..name }, StateName { rounds: 2, ..name }] {
        fixture.store.write_optimizer(other, &optimizer.export()).unwrap();
        let refused = fixture.store.optimizer(fixture.settings, &fixture.architecture, other).map(|_| ()).unwrap_err();
        assert!(matches!(refused, StoreError::OtherModel { .. }), "{refused}");
    }

    let path = fixture.store.optimizer_file(name);
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(fixture.store.optimizer(fixture.settings, &fixture.architecture, name).is_err(), "cut at {length}");
    }
}

#[test]
fn only_the_current_optimizer_is_kept() {
    let fixture = fixture();
    let (model, optimizer) = step(&fixture);
    let name = StateName { model: model.digest(), rounds: 1 };
    for other in [name, StateName { rounds: 0, ..name }, StateName { model: Digest::of(b"a"), ..name }] {
        fixture.store.write_optimizer(other, &optimizer.export()).unwrap();
    }
    fixture.store.forget_other_optimizers(name);
    let left = fs::read_dir(fixture.folder.path().join("state/optimizer")).unwrap().count();
    assert_eq!(left, 1);
    assert!(fixture.store.optimizer(fixture.settings, &fixture.architecture, name).is_ok());
    fixture.store.forget_optimizer(name);
    assert!(fixture.store.optimizer(fixture.settings, &fixture.architecture, name).is_err());
}

#[test]
fn the_pointer_is_readable_and_replaced() {
    let fixture = fixture();
    let pointer = |rounds| ModelPointer {
        model: Digest::ZERO.to_string(),
        file: Store::model_name(&Digest::ZERO),
        architecture: fixture.architecture.clone(),
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
