//! What was counted in a run, and points of a scorecard that people set.

use std::fs;

use tributary_certs::people::SigningPerson;
use tributary_certs::points::PointsFile;
use tributary_coordinator::registry::{self, NewPoints, RegistryError, install_points, is_of, load, points};
use tributary_model::scorecard::{Scale, Scorecard};
use tributary_protocol::digest::Digest;
use tributary_protocol::role::Role;

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

pub(super) fn points_are_changed_by_two_people(world: &World) {
    let config = &world.config;
    let mut model = load(config, &world.models[0].model, None).unwrap();
    let scale = Scale::new(600, 50.0, 20.0).unwrap();
    let card = registry::carded(&model, "deposit", scale, &[]).unwrap();
    let own = |card: &Scorecard| {
        let bin = card.fields[1].bins().nth(1).unwrap();
        (card.fields[1].field.clone(), bin.number, bin.points)
    };
    let (field, bin, before) = own(&card);
    let new = |after| NewPoints { head: "deposit", scale, field: &field, bin, after, reason: "it is rare" };
    let draft = |after| registry::draft_points(config, &model, &new(after)).unwrap();
    let people = ["e1", "e3"].map(|number| SigningPerson::open(&world.federation.path("people").join(number)).unwrap());
    let federation = registry::federation(config).unwrap();
    let signed = |mut file: PointsFile, signatures: usize, name: &str| {
        let roles = [Role::PlanOwner, Role::ModelValidator];
        for (person, role) in people.iter().zip(roles).take(signatures) {
            file.sign(person, role, federation, now()).unwrap();
        }
        let path = world.federation.path(name);
        file.write(&path).unwrap();
        path
    };
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
    let refused = install_points(config, &world.federation.path("first.points"), None).unwrap_err();
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
    // None is taken out, at either end of the row, and none put in another's place.
    let folder = installed.parent().unwrap();
    let place = |number: u32| folder.join(format!("{number:06}.points"));
    let (one, two) = (fs::read(place(1)).unwrap(), fs::read(place(2)).unwrap());
    fs::remove_file(place(1)).unwrap();
    assert!(matches!(points(config, &model), Err(RegistryError::Points { .. })));
    for bytes in [&two, &fs::read(world.federation.path("one.points")).unwrap()] {
        fs::write(place(1), bytes).unwrap();
        assert!(points(config, &model).is_err());
    }
    fs::write(place(1), one).unwrap();
    assert_eq!(points(config, &model).unwrap().len(), 2);
    // No bin, label or model that there is not.
    let missing = |new: &NewPoints<'_>| registry::draft_points(config, &model, new).is_err();
    assert!(missing(&NewPoints { bin: 99, ..new(1) }) && missing(&NewPoints { field: "none", ..new(1) }));
    assert!(missing(&NewPoints { head: "none", ..new(1) }));
    model.withdrawn = true;
    let refused = registry::draft_points(config, &model, &NewPoints { field: &field, ..new(1) }).unwrap_err();
    assert!(matches!(refused, RegistryError::Withdrawn { .. }), "{refused}");
}
