//! Commands whose disk is full: each says so, and goes through when there is room again.

use std::cell::Cell;
use std::fs;

use tributary_certs::people::SigningPerson;
use tributary_coordinator::audit::{self, Export, Scope};
use tributary_coordinator::cli::init;
use tributary_coordinator::registry::{self, Draft, RegistryError, exports, load, points};
use tributary_protocol::plan::Date;
use tributary_protocol::registry::ModelStep;
use tributary_protocol::role::Role;
use tributary_storage::faults::{each_fault, each_sync_fails_once};

use super::exported::trial;
use super::points_set::drafted;
use super::*;

pub(super) fn what_people_bring_is_there_for_good_or_they_hear_that_it_is_not(world: &World) {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(each_sync_fails_once(|| tempfile::tempdir().unwrap(), |dir| init(&dir.path().join("new"))), 3);
    a_bundle(world, folder.path());
    a_statement(world);
    a_file_of_a_model(world, folder.path());
    points_of_a_model(world);
}

fn a_bundle(world: &World, folder: &std::path::Path) {
    let today = Date::of_second(now());
    let output = folder.join("whole.bundle");
    let none = || drop(fs::remove_file(&output));
    let failed = each_sync_fails_once(none, |()| {
        let exported =
            audit::export(&world.config, &Export { days: (today, today), scope: Scope::Journal, output: &output });
        assert_eq!(exported.is_ok(), output.exists(), "a bundle is there, or it is not");
        exported
    });
    assert_eq!(failed, 2 + 2);
}

fn a_statement(world: &World) {
    let draft = Draft {
        step: ModelStep::Withdraw,
        model: &world.models[1].model,
        evidence: None,
        branches: &[],
        share: 0,
        reason: "it is old",
    };
    let mut statement = registry::draft(&world.config, &draft).unwrap();
    let federation = registry::federation(&world.config).unwrap();
    for (number, role) in [("e1", Role::PlanOwner), ("e3", Role::ModelValidator)] {
        let person = SigningPerson::open(&world.federation.path("people").join(number)).unwrap();
        statement.sign(&person, role, federation, now()).unwrap();
    }
    let path = world.federation.path("full.statement");
    statement.write(&path).unwrap();
    let none = || drop(fs::remove_dir_all(world.state("statements")));
    assert_eq!(each_sync_fails_once(none, |()| registry::install(&world.config, &path)), 1 + 2);
    none();
}

/// A number is used up at most, and the register stays whole.
fn a_file_of_a_model(world: &World, folder: &std::path::Path) {
    let at = now();
    let model = load(&world.config, &world.models[1].model, None).unwrap();
    let new = trial(at);
    let turn = Cell::new(0);
    let failed = each_fault(|fault| {
        turn.set(turn.get() + 1);
        let output = folder.join(format!("{}.onnx", turn.get()));
        let export =
            || registry::export(&world.config, &model, &new, &output, |_| Ok::<_, RegistryError>(b"model".to_vec()));
        let exported = fault.during(export);
        assert_eq!((exported.is_err(), output.exists()), (fault.struck(), !fault.struck()));
        let exported = exported.or_else(|_| export()).unwrap();
        let lines = exports(&world.config, at).unwrap();
        assert_eq!(lines.last().unwrap().record.number, exported.number);
        assert_eq!(fs::read(&output).unwrap(), b"model");
    });
    // The record and its name, the journal and its name as it is opened, its entry, the file and its name.
    assert_eq!(failed, 2 + 3 + 2);
}

fn points_of_a_model(world: &World) {
    let model = load(&world.config, &world.models[1].model, None).unwrap();
    let before = points(&world.config, &model).unwrap().len();
    let turn = Cell::new(0);
    let drafted = || {
        turn.set(turn.get() + 1);
        drafted(world, &model, i64::from(turn.get()), &format!("full-{}.points", turn.get()))
    };
    let failed = each_sync_fails_once(drafted, |path| registry::install_points(&world.config, path, None));
    assert_eq!((failed, points(&world.config, &model).unwrap().len() - before), (2 + 3, 6));
}
