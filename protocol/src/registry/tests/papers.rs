//! Cards and reports of attacks: each rule is broken once, and an alarm ends the use of a model.

use super::*;
use crate::digest::frozen;
use crate::limits::ATTACK_REPORTS_MAX;
use crate::round::OutOfOrder;

const ALARM: &str = "a model of which an attack showed a larger epsilon than was claimed is not used";
const VALIDATORS: &str = "a report of attacks is signed by a model validator of the roster in force";

pub(super) fn attacks(model: &ModelManifest, findings: u32, alarm: bool) -> AttackReport {
    let findings = Digest::of(&findings.to_le_bytes());
    AttackReport { federation: federation(), model: model.digest(), findings, alarm }
}

fn signed_by(number: &str, role: Role, report: AttackReport) -> SignedAttackReport {
    SignedAttackReport { report, signed: attested_at(10, number, role, Action::ReportAttacks, report.digest()) }
}

pub(super) fn signed_attacks(report: AttackReport) -> SignedAttackReport {
    signed_by(VALIDATOR, Role::ModelValidator, report)
}

pub(super) fn reported(report: SignedAttackReport) -> RegistryEvent {
    RegistryEvent::AttacksReported { report: Box::new(report) }
}

pub(super) fn carded(model: &ModelManifest, card: &[u8]) -> RegistryEvent {
    RegistryEvent::CardWritten { model: model.digest(), card: Digest::of(card) }
}

fn broken(record: &RegistryRecord, event: &RegistryEvent) -> Option<&'static str> {
    record.verify::<Toy>(event).err().map(|OutOfOrder(rule)| rule)
}

#[test]
fn a_card_is_written_once_and_reports_name_that_one() {
    let model = manifest(1);
    let record = replayed(&[adopted(), registered(model.clone()), carded(&model, b"card")]);
    assert_eq!(record.models[&model.digest()].card, Some(Digest::of(b"card")));
    assert_eq!(broken(&record, &carded(&model, b"other")), Some("a model has one card"));
    assert_eq!(broken(&record, &carded(&manifest(2), b"card")), Some("a card is of a registered model"));
    assert_eq!(broken(&record, &taken(ModelStep::Promote, &model, 1)), None);
    let other = validated(GatesReport { card: Digest::of(b"other"), ..report_of(&model, &gates(), None) });
    let event = taken_with(ModelStep::Promote, &model, 1, other);
    assert_eq!(broken(&record, &event), Some("a report on gates names the model's own card"));
    let none = replayed(&[adopted(), registered(model.clone())]);
    let zero = RegistryEvent::CardWritten { model: model.digest(), card: Digest::ZERO };
    assert_eq!(broken(&none, &zero), Some("a model has one card"));
    assert!(record.describe(&carded(&model, b"card")).contains("written"));
}

#[test]
fn an_alarm_ends_the_use_of_a_model_whatever_comes_after_it() {
    let model = manifest(1);
    let mut events = Vec::from([adopted(), registered(model.clone()), registered(manifest(2))]);
    events.push(reported(signed_attacks(attacks(&model, 1, false))));
    assert_eq!(broken(&replayed(&events), &taken(ModelStep::Promote, &model, 1)), None);
    events.push(reported(signed_attacks(attacks(&model, 2, true))));
    events.push(reported(signed_attacks(attacks(&model, 3, false))));
    let record = replayed(&events);
    for step in [ModelStep::Challenge, ModelStep::Pilot, ModelStep::Promote] {
        assert_eq!(broken(&record, &taken(step, &model, 1)), Some(ALARM), "{step:?}");
        let statement = both(step, &model, 1, report(&model));
        let judged = record.judge::<Toy>(&statement, (&roster().roster, &federation()), NOW);
        assert_eq!(judged, Err(RefusedStatement::Alarm));
    }
    // It can be ended, and others are as they were.
    assert_eq!(broken(&record, &taken(ModelStep::Withdraw, &model, 1)), None);
    assert_eq!(broken(&record, &taken(ModelStep::Promote, &manifest(2), 1)), None);
    // Nor does a rollback bring it back.
    let mut events = Vec::from([adopted(), registered(model.clone()), registered(manifest(2))]);
    events.push(taken(ModelStep::Promote, &model, 1));
    events.push(taken(ModelStep::Promote, &manifest(2), 2));
    assert_eq!(broken(&replayed(&events), &taken(ModelStep::RollBack, &model, 3)), None);
    events.push(reported(signed_attacks(attacks(&model, 1, true))));
    assert_eq!(broken(&replayed(&events), &taken(ModelStep::RollBack, &model, 3)), Some(ALARM));
    let words = replayed(&events).describe(events.last().expect("an event"));
    assert!(words.contains("Branches that have it stop when it is withdrawn"), "{words}");
    // Nor is a champion given to anybody who comes, until it is withdrawn: that is told.
    let base = [adopted(), registered(model.clone()), taken(ModelStep::Promote, &model, 1)];
    let alarm = reported(signed_attacks(attacks(&model, 1, true)));
    let told =
        |record: &RegistryRecord| record.told().iter().map(|told| told.statement.statement.step).collect::<Vec<_>>();
    let used = |record: &RegistryRecord| record.in_use().count();
    let before = replayed(&base);
    assert_eq!((used(&before), told(&before)), (1, Vec::from([ModelStep::Promote])));
    let mut events = Vec::from(base);
    events.push(alarm);
    let alarmed = replayed(&events);
    assert_eq!((used(&alarmed), told(&alarmed)), (0, Vec::new()));
    events.push(taken(ModelStep::Withdraw, &model, 2));
    assert_eq!(told(&replayed(&events)), [ModelStep::Withdraw]);
}

#[test]
fn reports_of_attacks_are_a_validators_and_are_taken_once() {
    let model = manifest(1);
    let base = [adopted(), registered(model.clone())];
    let (record, good) = (replayed(&base), attacks(&model, 1, false));
    let judged = |signed: &SignedAttackReport| {
        record.judge_attacks::<Toy>(signed, (&roster().roster, &federation()), NOW).is_ok()
    };
    let officer = signed_by(APPROVER, Role::PrivacyOfficer, good);
    let owner = signed_by(PROPOSER, Role::ModelValidator, good);
    let mut changed = signed_attacks(good);
    changed.report.alarm = true;
    let mut unsigned = signed_attacks(good);
    unsigned.signed.signature = Signature::none();
    let elsewhere = signed_attacks(AttackReport { federation: Digest::ZERO, ..good });
    for signed in [officer, owner, changed, elsewhere] {
        assert_eq!(broken(&record, &reported(signed.clone())), Some(VALIDATORS), "{signed:?}");
        assert!(!judged(&signed));
    }
    assert!(broken(&record, &reported(unsigned.clone())).is_some() && !judged(&unsigned));
    assert!(judged(&signed_attacks(good)));
    let unknown = signed_attacks(attacks(&manifest(2), 1, false));
    assert_eq!(broken(&record, &reported(unknown)), Some("a report of attacks is about a registered model"));
    let nobody = replayed(&base[1..]);
    let event = reported(signed_attacks(good));
    assert_eq!(broken(&nobody, &event), Some("a roster is in force before a report of attacks"));

    const ONCE: &str = "a report of attacks is taken once, and a model has 64 at most";
    let mut events = Vec::from(base);
    events
        .extend((0..).take(ATTACK_REPORTS_MAX).map(|number| reported(signed_attacks(attacks(&model, number, false)))));
    let full = replayed(&events);
    assert_eq!(broken(&full, &events[2]), Some(ONCE));
    assert_eq!(broken(&full, &reported(signed_attacks(attacks(&model, 1_000, false)))), Some(ONCE));
    let alarm = |number| reported(signed_attacks(attacks(&model, number, true)));
    assert_eq!(broken(&full, &alarm(1_000)), None, "an alarm is heard");
    events.push(alarm(1_000));
    assert_eq!(broken(&replayed(&events), &alarm(1_001)), Some(ONCE), "and once");
}

/// Whoever brought a report is told what is wrong with it.
#[test]
fn a_report_of_attacks_is_refused_with_its_reason() {
    let model = manifest(1);
    let (base, good) = ([adopted(), registered(model.clone())], attacks(&model, 1, false));
    let judged = |record: &RegistryRecord, signed: &SignedAttackReport| {
        record.judge_attacks::<Toy>(signed, (&roster().roster, &federation()), NOW)
    };
    let record = replayed(&base);
    assert_eq!(judged(&record, &signed_attacks(good)), Ok(()));
    // Made and signed in another federation, and in two.
    let elsewhere = AttackReport { federation: Digest::ZERO, ..good };
    let mut both = signed_attacks(elsewhere);
    both.signed.federation = Digest::ZERO;
    both.signed.signature = Toy::sign(&cast::person_key(VALIDATOR), &both.signed.to_sign::<Toy>());
    let mut half = signed_attacks(good);
    half.signed.federation = Digest::ZERO;
    for signed in [signed_attacks(elsewhere), both, half] {
        assert_eq!(judged(&record, &signed), Err(RefusedAttackReport::Federation));
    }
    let unknown = Err(RefusedAttackReport::Unknown(manifest(2).digest()));
    assert_eq!(judged(&record, &signed_attacks(attacks(&manifest(2), 1, false))), unknown);
    let mut record = record;
    for number in 1..=u32::try_from(ATTACK_REPORTS_MAX).expect("few") {
        record.apply(&reported(signed_attacks(attacks(&model, number, false))));
        // The same findings, whatever is said of them.
        for alarm in [false, true] {
            let again = signed_attacks(attacks(&model, number, alarm));
            assert_eq!(judged(&record, &again), Err(RefusedAttackReport::Taken));
        }
    }
    assert_eq!(judged(&record, &signed_attacks(attacks(&model, 0, false))), Err(RefusedAttackReport::Full));
    assert_eq!(judged(&record, &signed_attacks(attacks(&model, 0, true))), Ok(()));
}

/// Frozen, and every field of it counts.
#[test]
fn a_digest_of_a_report_of_attacks_covers_every_field() {
    let report = attacks(&manifest(1), 1, false);
    let others = [
        AttackReport { federation: Digest::ZERO, ..report },
        AttackReport { model: Digest::ZERO, ..report },
        AttackReport { findings: Digest::ZERO, ..report },
        AttackReport { alarm: true, ..report },
    ];
    assert_eq!(frozen(others.iter().chain([&report]).map(AttackReport::digest)), "552ebb83");
}

/// What a run released is a base for the next one until it is withdrawn. Another model may have the same parameters.
#[test]
fn no_run_goes_on_from_a_withdrawn_model() {
    use crate::plan::{ModelRef, Plan};
    let (model, other) = (manifest(1), ModelManifest { parameters: manifest(1).parameters, ..manifest(2) });
    let plan = Plan { initial_model: ModelRef::PreviousRun, purpose: "churn".into(), ..cast::plan() };
    let start = |events: &[RegistryEvent], released: &Digest| replayed(events).start(&plan, Some(released)).map(drop);
    let mut events = Vec::from([adopted(), registered(model.clone()), registered(manifest(3))]);
    assert_eq!(start(&events, &model.parameters), Ok(()));
    events.push(taken(ModelStep::Withdraw, &model, 1));
    assert_eq!(start(&events, &model.parameters), Err(RefusedStart::Withdrawn { model: model.digest() }));
    assert_eq!(start(&events, &manifest(3).parameters), Ok(()), "another model's");
    assert_eq!(start(&events, &Digest::ZERO), Ok(()), "of no registered model");
    events.push(registered(other));
    assert_eq!(start(&events, &model.parameters), Ok(()), "a model that was not withdrawn has them too");
}

/// From the champion, from a model that is named, and from what the run before released: after an alarm no run begins.
#[test]
fn no_run_begins_from_an_alarmed_model() {
    use crate::plan::{ModelRef, Plan};
    let model = manifest(1);
    let plan = |initial_model| Plan { initial_model, purpose: "churn".into(), ..cast::plan() };
    let (champion, named) = (plan(ModelRef::Champion), plan(ModelRef::Digest(model.parameters)));
    let (goes_on, zero) = (plan(ModelRef::PreviousRun), plan(ModelRef::Zero));
    let begins = |events: &[RegistryEvent], plan: &Plan, released: Option<Digest>| {
        let record = replayed(events);
        record.start(plan, released.as_ref()).map(|model| model.map(|model| model.manifest.digest()))
    };
    let (parameters, digest) = (model.parameters, model.digest());
    assert_eq!(begins(&[adopted()], &champion, None), Err(RefusedStart::NoChampion));
    assert_eq!(begins(&[adopted()], &named, None), Err(RefusedStart::NoModel { parameters }));
    let mut events = Vec::from([adopted(), registered(model.clone()), taken(ModelStep::Promote, &model, 1)]);
    for (plan, released, begun) in [
        (&champion, None, Some(digest)),
        (&named, None, Some(digest)),
        (&goes_on, None, None),
        (&goes_on, Some(parameters), None),
        (&zero, Some(parameters), None),
    ] {
        assert_eq!(begins(&events, plan, released), Ok(begun), "{:?}", plan.initial_model);
    }
    events.push(reported(signed_attacks(attacks(&model, 1, true))));
    let alarm = Err(RefusedStart::Alarm { model: digest });
    let alarmed = |events: &[RegistryEvent]| {
        assert_eq!(begins(events, &goes_on, Some(parameters)), alarm);
        assert_eq!(begins(events, &goes_on, Some(Digest::ZERO)), Ok(None));
        assert_eq!(begins(events, &zero, Some(parameters)), Ok(None));
    };
    alarmed(&events);
    assert_eq!((begins(&events, &champion, None), begins(&events, &named, None)), (alarm, alarm));
    // Its withdrawal makes nothing of that undone.
    events.push(taken(ModelStep::Withdraw, &model, 2));
    alarmed(&events);
}
