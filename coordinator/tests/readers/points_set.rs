//! What was counted in a run, and points of a scorecard that people set.

use std::fs;

use tributary_certs::people::SigningPerson;
use tributary_certs::points::PointsFile;
use tributary_coordinator::registry::{
    self, LoadedModel, NewPoints, RegistryError, install_points, is_of, load, points,
};
use tributary_model::scorecard::{Scale, Scorecard};
use tributary_protocol::digest::Digest;
use tributary_protocol::role::Role;
use tributary_storage::files::{Existing, write_private};

use super::*;

pub(super) fn what_was_counted_is_shown(world: &World) {
    let (config, model) = (&world.config, &world.models[1]);
    let shown = registry::evaluation(config, &model.model[..10]).unwrap();
    assert_eq!((&shown.model, &shown.purpose, &shown.plan_name), (&model.model, &model.purpose, &model.plan_name));
    assert_eq!((shown.run, shown.survivors, shown.heads.len()), (1, CLIENTS, 1));
    assert!(shown.stability.is_none(), "no model was before it");
    for (digest, run, of) in [(&model.model, None, Some(&model.model)), (&model.plan, Some(1), None)] {
        let summary = registry::summary(config, digest, run).unwrap();
        assert_eq!((&summary.plan, summary.run, summary.model.as_ref()), (&model.plan, 1, of));
        assert_eq!((summary.survivors, summary.learnt.len()), (CLIENTS, 0));
        let schema = load(config, &model.model, None).unwrap().schema;
        assert_eq!(summary.fields.len(), schema.fields().len());
    }
    // Another run of the plan was not counted.
    assert!(matches!(registry::summary(config, &model.plan, Some(2)), Err(RegistryError::NotCounted { run: 2, .. })));
    let parts = registry::five_parts(config, &model.model, None).unwrap();
    assert!(parts != registry::five_parts(config, &world.models[0].model, None).unwrap());
    let report = world.federation.path("no report");
    assert!(registry::five_parts(config, &model.model, Some(&report)).is_err());
}

/// The same draft, which sets other points.
fn draft_of(mut file: PointsFile, after: i64) -> PointsFile {
    file.statement.after = after;
    file
}

/// The usual scale.
fn scale() -> Scale {
    Scale::new(600, 50.0, 20.0).unwrap()
}

/// The second bin of the second field, and its points.
fn bin(card: &Scorecard) -> (String, u32, i64) {
    let bin = card.fields[1].bins().nth(1).unwrap();
    (card.fields[1].field.clone(), bin.number, bin.points)
}

/// A change of that bin that two people have signed, or fewer.
fn signed(world: &World, mut file: PointsFile, signatures: usize, name: &str) -> PathBuf {
    let federation = registry::federation(&world.config).unwrap();
    let roles = [("e1", Role::PlanOwner), ("e3", Role::ModelValidator)];
    for (number, role) in roles.into_iter().take(signatures) {
        let person = SigningPerson::open(&world.federation.path("people").join(number)).unwrap();
        file.sign(&person, role, federation, now()).unwrap();
    }
    let path = world.federation.path(name);
    file.write(&path).unwrap();
    path
}

/// A change of a model's points by so many, signed by two people.
pub(super) fn drafted(world: &World, model: &LoadedModel, more: i64, name: &str) -> PathBuf {
    let changes = points(&world.config, model).unwrap();
    let card = registry::carded(model, "deposit", scale(), &changes).unwrap();
    let (field, bin, before) = bin(&card);
    let new =
        NewPoints { head: "deposit", scale: scale(), field: &field, bin, after: before + more, reason: "it is rare" };
    let draft = registry::draft_points(&world.config, model, &new).unwrap();
    signed(world, draft, 2, name)
}

/// The same, installed.
pub(super) fn changed_by(world: &World, model: &LoadedModel, more: i64, name: &str) {
    install_points(&world.config, &drafted(world, model, more, name), None).unwrap();
}

pub(super) fn points_are_changed_by_two_people(world: &World) {
    let config = &world.config;
    let mut model = load(config, &world.models[0].model, None).unwrap();
    let scale = scale();
    let (field, bin, before) = bin(&registry::carded(&model, "deposit", scale, &[]).unwrap());
    let own = self::bin;
    let new = |after| NewPoints { head: "deposit", scale, field: &field, bin, after, reason: "it is rare" };
    let draft = |after| registry::draft_points(config, &model, &new(after)).unwrap();
    let federation = registry::federation(config).unwrap();
    let signed = |file: PointsFile, signatures: usize, name: &str| signed(world, file, signatures, name);
    let first = draft(before + 7);
    let statement = &first.statement;
    assert_eq!((statement.before, statement.after, statement.sequence), (before, before + 7, 1));
    assert_eq!((statement.previous, statement.federation, statement.bin), (Digest::ZERO, federation, bin));
    assert!(is_of(&first, "deposit", scale) && !is_of(&first, "other", scale));
    for other in [(601, 50.0, 20.0), (600, 51.0, 20.0), (600, 50.0, 21.0)] {
        assert!(!is_of(&first, "deposit", Scale::new(other.0, other.1, other.2).unwrap()));
    }
    // One signature is none, and words of another bin are not what was signed.
    assert!(install_points(config, &signed(first.clone(), 1, "one.points"), None).is_err());
    let mut other = first.clone();
    other.statement.values = "another bin".into();
    let refused = install_points(config, &signed(other, 2, "words.points"), None).unwrap_err();
    assert!(matches!(&refused, RegistryError::Points { fault, .. } if fault.contains("another bin")), "{refused}");
    let installed = install_points(config, &signed(first.clone(), 2, "first.points"), None).unwrap();
    assert!(installed.ends_with("points/000001.points"), "{}", installed.display());
    assert_eq!(install_points(config, &world.federation.path("first.points"), None).unwrap(), installed, "once");
    // Another one of the same number comes too late.
    let late = signed(draft_of(first.clone(), before + 8), 2, "late.points");
    let refused = install_points(config, &late, None).unwrap_err();
    assert!(matches!(refused, RegistryError::PointsOrder { found: 1, expected: 2 }), "{refused}");
    // The next change goes on from it.
    let changes = points(config, &model).unwrap();
    assert_eq!((changes.len(), changes[0].statement.digest()), (1, statement.digest()));
    assert_eq!(own(&registry::carded(&model, "deposit", scale, &changes).unwrap()).2, before + 7);
    let second = draft(before - 3);
    assert_eq!((second.statement.before, second.statement.sequence), (before + 7, 2));
    assert_eq!(second.statement.previous, statement.digest());
    install_points(config, &signed(second, 2, "second.points"), None).unwrap();
    let changes = points(config, &model).unwrap();
    assert_eq!(own(&registry::carded(&model, "deposit", scale, &changes).unwrap()).2, before - 3);
    // None is taken out, at either end of the row, and none put in another's place; and nothing goes on from such a register.
    let folder = installed.parent().unwrap();
    let place = |number: u32| folder.join(format!("{number:06}.points"));
    let all = [1, 2].map(|number| fs::read(place(number)).unwrap());
    let refused = |what: &str| {
        let next = registry::draft_points(config, &model, &new(before + 9));
        for refused in [points(config, &model).map(drop), next.map(drop)] {
            let refused = refused.unwrap_err();
            assert!(matches!(refused, RegistryError::Register { .. }), "{refused}");
            assert!(refused.to_string().contains(what), "{refused}");
        }
    };
    let unsigned = fs::read(world.federation.path("one.points")).unwrap();
    for number in [1, 2] {
        fs::remove_file(place(number)).unwrap();
        refused(&format!("the journal names it as change of points {number}: somebody removed it"));
        for bytes in [&all[2 - number as usize], &unsigned] {
            fs::write(place(number), bytes).unwrap();
            refused(&format!("not the file that the journal names as change of points {number}"));
        }
        fs::write(place(number), &all[number as usize - 1]).unwrap();
    }
    // One that a command has left before the journal had it is put on record; one that does not count is not.
    let waiting = |bytes: &[u8]| {
        write_private(&place(3), bytes, Existing::Keep).unwrap();
        let found = points(config, &model).map(|all| all.len());
        fs::remove_file(place(3)).unwrap();
        found
    };
    for bytes in [&all[1], &unsigned] {
        let refused = waiting(bytes).unwrap_err();
        assert!(matches!(refused, RegistryError::Waits { .. }), "{refused}");
    }
    let third = fs::read(signed(draft(before - 4), 1, "third.points")).unwrap();
    assert!(waiting(&third).unwrap_err().to_string().contains("1 of two people"), "one signature is none");
    let third = fs::read(signed(draft(before - 5), 2, "third signed.points")).unwrap();
    assert_eq!(waiting(&third).unwrap(), 3);
    assert!(points(config, &model).is_err(), "the journal has it now");
    write_private(&place(3), &third, Existing::Keep).unwrap();
    assert_eq!(points(config, &model).unwrap().len(), 3);
    // No bin, label or model that there is not.
    let missing = |new: &NewPoints<'_>| registry::draft_points(config, &model, new).is_err();
    assert!(missing(&NewPoints { bin: 99, ..new(1) }) && missing(&NewPoints { field: "none", ..new(1) }));
    assert!(missing(&NewPoints { head: "none", ..new(1) }));
    let refused = |model: &LoadedModel| registry::draft_points(config, model, &new(1)).unwrap_err();
    model.withdrawn = true;
    assert!(matches!(refused(&model), RegistryError::Withdrawn { .. }));
    (model.withdrawn, model.alarmed) = (false, true);
    assert!(matches!(refused(&model), RegistryError::Refused(_)));
}
