//! Changes of a scorecard's points: of which card each is, and what the journal has of them.

use tributary_certs::points::{PointsFile, PointsStatement};
use tributary_evidence::Item;
use tributary_model::scorecard::Scale;

use super::*;

/// A change that nobody has signed.
fn change(manifest: &ModelManifest, number: u64, previous: Digest) -> PointsFile {
    let statement = PointsStatement {
        federation: FEDERATION,
        model: manifest.digest(),
        head: "churn".into(),
        base_points: 600,
        base_odds: 50.0_f64.to_bits(),
        double: 20.0_f64.to_bits(),
        field: "age".into(),
        bin: 2,
        values: "below 40".into(),
        before: 3,
        after: 4,
        sequence: number,
        previous,
        reason: "the policy of May".into(),
    };
    PointsFile::new(manifest.clone(), statement)
}

/// A change of a card on another scale, or of another label's, is none of this card.
#[test]
fn a_change_is_of_one_label_on_one_scale() {
    let job = several();
    let world = World::new(&job);
    let (_journal, registry) = world.open();
    let file = change(&contents(&registry, &job, 1).manifest, 1, Digest::ZERO);
    let scale = |base, odds, double| Scale::new(base, odds, double).unwrap();
    let rows = [
        ("churn", scale(600, 50.0, 20.0), true),
        ("fraud", scale(600, 50.0, 20.0), false),
        ("churn", scale(601, 50.0, 20.0), false),
        ("churn", scale(600, 51.0, 20.0), false),
        ("churn", scale(600, 50.0, 21.0), false),
    ];
    for (head, scale, own) in rows {
        assert_eq!(is_of(&file, head, scale), own, "{head} {scale:?}");
    }
}

/// A change is read with the one before it, and stands where the journal names it in its own place.
#[test]
fn a_change_of_points_is_read_with_the_one_before_it_and_stands_in_its_place() {
    let job = several();
    let world = World::new(&job);
    let model = registered(&world, &job, 1);
    let (mut journal, mut registry) = world.open();
    let manifest = registry.record().models[&model].manifest.clone();
    let first = change(&manifest, 1, Digest::ZERO);
    let second = change(&manifest, 2, first.statement.digest());
    let path = |number| world.state().join(Item::Points(model, number).name());
    fs::create_dir_all(path(1).parent().unwrap()).unwrap();
    second.write(&path(2)).unwrap();
    let read = |number| PointsNote::read(&world.state(), model, number);
    assert!(read(1).is_err() && read(2).is_err(), "the one before it is not there");
    first.write(&path(1)).unwrap();
    let notes = [read(1).unwrap(), read(2).unwrap()];
    let stand = |registry: &Registry| [0, 1].map(|at: usize| notes[at].stands(registry.record()));
    assert_eq!(stand(&registry), [false, false]);
    for (note, (number, change)) in notes.iter().zip([(1, first.digest()), (2, second.digest())]) {
        assert_eq!((note.model(), note.number()), (&model, number));
        assert_eq!(note.event(), RegistryEvent::PointsSet { model, number, change });
        registry.append(&mut journal, note.event()).unwrap();
        assert_eq!(stand(&registry), [true, number == 2]);
    }
    fs::remove_file(path(2)).unwrap();
    fs::write(path(2), "no change").unwrap();
    let fault = read(2).unwrap_err();
    assert!(matches!(fault, RegistryError::File(_)), "{fault}");
}
