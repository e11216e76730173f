//! Exports and changes of points: each rule is broken once, and what breaks it is told why.

use super::*;
use crate::limits::{EXPORTS_MAX, POINTS_CHANGES_MAX};
use crate::round::OutOfOrder;

fn exported(number: u64, model: &ModelManifest) -> RegistryEvent {
    RegistryEvent::Exported { number, model: model.digest(), record: Digest::of(&number.to_le_bytes()) }
}

fn points_set(model: &ModelManifest, number: u64) -> RegistryEvent {
    RegistryEvent::PointsSet { model: model.digest(), number, change: Digest::of(&number.to_le_bytes()) }
}

/// What the rules say of an export and of a change of points.
fn broken(record: &RegistryRecord, event: &RegistryEvent) -> Result<(), RefusedNote> {
    let (checked, judged) = match event {
        RegistryEvent::Exported { number, model, .. } => {
            (record.verify::<Toy>(event), record.judge_export(*number, model))
        }
        RegistryEvent::PointsSet { model, number, .. } => {
            (record.verify::<Toy>(event), record.judge_points(model, *number))
        }
        _ => panic!("a note"),
    };
    let rule = match judged {
        Ok(()) => None,
        Err(RefusedNote::Unknown(_)) => Some("an export or a change of points is of a registered model"),
        Err(RefusedNote::Withdrawn(_)) => Some("a withdrawn model is not exported, and nobody sets its points"),
        Err(RefusedNote::Alarm(_)) => Some("a model with an alarm is not exported, and nobody sets its points"),
        Err(RefusedNote::Number { .. }) => {
            Some("exports, and changes of a model's points, are numbered from 1 without a gap")
        }
        Err(RefusedNote::Full(_)) => {
            Some("a journal has 999999 exports at most, and 10000 changes of a model's points")
        }
    };
    assert_eq!(checked.err().map(|OutOfOrder(rule)| rule), rule, "the journal's rule is that of whoever makes it");
    judged
}

#[test]
fn exports_are_numbered_over_all_models_and_points_for_each() {
    let (one, two) = (manifest(1), manifest(2));
    let base = [adopted(), registered(one.clone()), registered(two.clone())];
    let mut events = Vec::from(base);
    events.extend([
        exported(1, &one),
        points_set(&one, 1),
        exported(2, &two),
        points_set(&two, 1),
        points_set(&one, 2),
    ]);
    let record = replayed(&events);
    assert_eq!(record.next_export(), 3);
    let digest = |number: u64| Digest::of(&number.to_le_bytes());
    let of = |model: &ModelManifest, number| Export { model: model.digest(), record: digest(number) };
    assert_eq!(record.exports, [of(&one, 1), of(&two, 2)]);
    assert_eq!(record.models[&one.digest()].points, [digest(1), digest(2)]);
    assert_eq!(record.models[&two.digest()].points, [digest(1)]);
    for (found, expected) in [(0, 3), (1, 3), (2, 3), (4, 3)] {
        let refused = Err(RefusedNote::Number { found, expected });
        assert_eq!(
            (broken(&record, &exported(found, &two)), broken(&record, &points_set(&one, found))),
            (refused, refused)
        );
    }
    assert_eq!((broken(&record, &exported(3, &one)), broken(&record, &points_set(&two, 2))), (Ok(()), Ok(())));
    let unknown = manifest(3);
    let refused = Err(RefusedNote::Unknown(unknown.digest()));
    assert_eq!(
        (broken(&record, &exported(3, &unknown)), broken(&record, &points_set(&unknown, 1))),
        (refused, refused)
    );
    for (event, words) in
        [(exported(3, &one), "export 3: model"), (points_set(&one, 3), "change 3 of the points of model")]
    {
        let told = record.describe(&event);
        assert!(told.starts_with(words) && told.contains(&one.digest().short()), "{told}");
    }
}

#[test]
fn a_withdrawn_model_and_one_with_an_alarm_leave_no_more() {
    use crate::registry::{AttackReport, SignedAttackReport};
    let model = manifest(1);
    let digest = model.digest();
    let report = |alarm| {
        let report =
            AttackReport { federation: federation(), model: digest, findings: Digest::of(&[u8::from(alarm)]), alarm };
        let signed = attested_at(10, VALIDATOR, Role::ModelValidator, Action::ReportAttacks, report.digest());
        RegistryEvent::AttacksReported { report: Box::new(SignedAttackReport { report, signed }) }
    };
    let after = |last: RegistryEvent| {
        let record = replayed(&[adopted(), registered(model.clone()), last]);
        (broken(&record, &exported(1, &model)), broken(&record, &points_set(&model, 1)))
    };
    let [withdrawn, alarm] =
        [RefusedNote::Withdrawn(digest), RefusedNote::Alarm(digest)].map(|refused| (Err(refused), Err(refused)));
    assert_eq!(after(report(false)), (Ok(()), Ok(())));
    assert_eq!(after(report(true)), alarm);
    assert_eq!(after(taken(ModelStep::Retire, &model, 1)), (Ok(()), Ok(())), "a retired model may leave still");
    assert_eq!(after(taken(ModelStep::Withdraw, &model, 1)), withdrawn);
}

#[test]
fn neither_goes_on_for_ever() {
    let model = manifest(1);
    let digest = model.digest();
    let mut record = replayed(&[adopted(), registered(model.clone())]);
    let export = Export { model: digest, record: digest };
    record.exports = alloc::vec![export; EXPORTS_MAX - 1];
    record.models.get_mut(&digest).expect("it is registered").points = alloc::vec![digest; POINTS_CHANGES_MAX - 1];
    let last =
        [exported(record.next_export(), &model), points_set(&model, record.models[&digest].points.len() as u64 + 1)];
    for event in &last {
        assert_eq!(broken(&record, event), Ok(()));
        record.apply(event);
    }
    let next =
        [exported(record.next_export(), &model), points_set(&model, record.models[&digest].points.len() as u64 + 1)];
    let full = [EXPORTS_MAX, POINTS_CHANGES_MAX].map(|most| Err(RefusedNote::Full(most)));
    assert_eq!(next.map(|event| broken(&record, &event)), full);
}
