//! A disk on which one write after the other fails, while a branch hears of models, keeps one, and deletes it.

use tributary_storage::faults::{each_fault, each_sync_fails_once_and_heals};

use super::{
    ClientError, ModelStep, Models, NOW, PIECE, ToCoordinator, Told, World, authorities, key, manifest, open,
    parameters, roster, told,
};

/// Hears of models, and takes what is fetched of the first one.
fn takes(world: &mut World, told: &[Told]) -> Result<(), ClientError> {
    world.models.hear(NOW, told.to_vec())?;
    fetches(world, NOW)
}

fn fetches(world: &mut World, now: super::Millis) -> Result<(), ClientError> {
    world.models.tend(&world.branch, now)?;
    let bytes = parameters(1).to_le_bytes();
    loop {
        let asked = world.models.take_outbox();
        let question = asked.iter().find_map(|message| match message {
            ToCoordinator::ModelPiece { model, from } => Some((*model, *from)),
            _ => None,
        });
        let Some((model, from)) = question else { return Ok(()) };
        let start = usize::try_from(from).unwrap();
        let piece = &bytes[start..bytes.len().min(start + PIECE)];
        world.models.piece(&world.branch, now, (model, from, piece))?;
    }
}

/// The process ended with the fault, and the next one is told of everything again.
fn restarted(world: World) -> World {
    let World { folder, branch, models } = world;
    drop(models);
    let mut models = open(folder.path());
    models.connected();
    models.shown(&branch, roster(1));
    World { folder, branch, models }
}

/// A fault of the ledger ends the process, and the next one goes on. A model that cannot be kept is logged, and fetched again within a minute:
/// training does not end for it.
#[test]
fn a_model_of_which_a_write_failed_is_kept_later() {
    let all = [told(ModelStep::Promote, 1, 1)];
    let model = manifest(1).digest();
    let mut unkept = 0;
    let failed = each_fault(|fault| {
        let mut world = World::new();
        let done = fault.during(|| takes(&mut world, &all));
        assert!(fault.struck() || (done.is_ok() && world.kept(&model)));
        match done {
            Err(_) => {
                world = restarted(world);
                takes(&mut world, &all).unwrap();
            }
            Ok(()) if fault.struck() => {
                unkept += 1;
                assert!(world.models.state.kept().is_empty(), "nothing is called kept that is not");
                fetches(&mut world, NOW.plus(super::LOOK_EVERY_MS)).unwrap();
            }
            Ok(()) => {}
        }
        assert!(world.kept(&model), "whatever failed it is kept now");
        assert_eq!(world.used().unwrap().champion("churn").map(|used| used.model), Some(model));
        world = restarted(world);
        assert!(world.kept(&model), "and by the next process");
    });
    // The folder of the draft, three files, and its name.
    assert!(failed > 13 && unkept == 8, "{failed} {unkept}");
}

/// A withdrawn model is not called deleted before it is gone. Where its folder cannot be synced, that is tried again within a minute.
#[test]
fn a_withdrawn_model_of_which_a_write_failed_is_deleted_later() {
    let all = [told(ModelStep::Promote, 1, 1), told(ModelStep::Withdraw, 1, 2)];
    let model = manifest(1).digest();
    let failed = each_fault(|fault| {
        let mut world = World::new();
        takes(&mut world, &all[..1]).unwrap();
        let done = fault.during(|| takes(&mut world, &all[1..]));
        assert!(fault.struck() || done.is_ok());
        if done.is_err() {
            world = restarted(world);
            takes(&mut world, &all).unwrap();
        }
        fetches(&mut world, NOW.plus(super::LOOK_EVERY_MS)).unwrap();
        assert!(!world.kept(&model) && world.used().unwrap().is_withdrawn(&model));
        assert!(world.models.state.kept().is_empty());
    });
    assert!(failed > 6, "{failed}");
}

#[test]
fn a_folder_of_models_of_which_a_write_failed_is_opened_again() {
    let notes = ["identity/models.heard", "models.heard"];
    let world = || {
        let mut world = World::new();
        takes(&mut world, &[told(ModelStep::Promote, 1, 1)]).unwrap();
        // Neither note is there, nor the model: both are mended when the folder is opened.
        notes.iter().for_each(|note| std::fs::remove_file(world.folder.path().join(note)).unwrap());
        std::fs::remove_dir_all(world.folder.path().join("models").join(manifest(1).digest().to_string())).unwrap();
        // Another process has it now.
        let World { folder, .. } = world;
        folder
    };
    let failed = each_sync_fails_once_and_heals(world, |folder| {
        let (identity, state) = (folder.path().join("identity"), folder.path());
        let models = Models::open((&identity, state), authorities(), key(super::BRANCH).verifying_key())?;
        assert!(models.state.kept().is_empty() && notes.iter().all(|note| folder.path().join(note).exists()));
        Ok::<_, ClientError>(())
    });
    assert!(failed > 5, "{failed}");
}
