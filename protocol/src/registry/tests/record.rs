//! What the registry's record answers, and the rules that need more than one event to be broken.

use super::*;
use crate::limits::{FORMER_CHAMPIONS_MAX, MODELS_MAX};
use crate::round::OutOfOrder;

fn broken(record: &RegistryRecord, event: &RegistryEvent) -> Option<&'static str> {
    record.check(event).err().map(|OutOfOrder(rule)| rule)
}

/// A journal that no coordinator wrote comes to no state.
#[test]
fn a_journal_out_of_order_is_not_replayed() {
    let mut events = history();
    events.swap(3, 5);
    assert!(RegistryRecord::replay(&events).is_err());
}

#[test]
fn whoever_answers_for_a_model_last_answers_for_it() {
    let model = manifest(1);
    let until = |valid_until| validated(GatesReport { valid_until, ..report_of(&model, &gates(), None) });
    let of = |events: &[RegistryEvent]| {
        let record = replayed(events);
        let model = &record.models[&model.digest()];
        (model.last_report().cloned(), model.answered_until())
    };
    let mut events = Vec::from([adopted(), registered(model.clone())]);
    assert_eq!(of(&events), (None, None));
    for (step, sequence, valid_until) in [(ModelStep::Challenge, 1, 3_000), (ModelStep::Promote, 2, 2_000)] {
        events.push(taken_with(step, &model, sequence, until(valid_until)));
        assert_eq!(of(&events), (Some(until(valid_until)), Some(valid_until)));
    }
    // What ends its use has no report, and takes back none.
    events.push(taken(ModelStep::Retire, &model, 3));
    assert_eq!(of(&events), (Some(until(2_000)), Some(2_000)));
    let record = replayed(&events);
    let steps = [ModelStep::Challenge, ModelStep::Promote, ModelStep::Retire, ModelStep::Pilot];
    let last = |step| record.models[&model.digest()].last(step).map(|signed| signed.statement.sequence);
    assert_eq!(steps.map(last), [Some(1), Some(2), Some(3), None]);
}

/// Two runs may come to the same parameters.
#[test]
fn of_two_models_with_the_same_parameters_the_newer_one_is_meant() {
    let parameters = manifest(1).parameters;
    let [one, two] = [1, 2].map(|run| ModelManifest { parameters, ..manifest(run) });
    let mut events = Vec::from([adopted(), registered(one.clone()), registered(two.clone())]);
    for swapped in [false, true] {
        if swapped {
            events.swap(1, 2);
        }
        let [older, newer] = if swapped { [&two, &one] } else { [&one, &two] };
        let mut record = replayed(&events);
        let found = |record: &RegistryRecord| record.of_parameters(&parameters).map(|model| model.manifest.digest());
        assert_eq!(found(&record), Some(newer.digest()));
        record.apply(&taken(ModelStep::Withdraw, newer, 1));
        assert_eq!(found(&record), Some(older.digest()));
    }
}

/// As many as fit, and the oldest one goes.
#[test]
fn former_champions_are_kept_in_their_order() {
    let most = u32::try_from(FORMER_CHAMPIONS_MAX).expect("few");
    let mut record = replayed(&[adopted()]);
    let former = |record: &RegistryRecord| record.purposes[&"churn".into()].former.clone();
    for run in 1..=most + 2 {
        record.apply(&registered(manifest(run)));
        record.apply(&taken(ModelStep::Promote, &manifest(run), run.into()));
        let first = if run > most + 1 { 2 } else { 1 };
        let expected: Vec<Digest> = (first..run).map(|run| manifest(run).digest()).collect();
        assert_eq!(former(&record), expected, "{run}");
    }
    assert_eq!(former(&record).len(), FORMER_CHAMPIONS_MAX);
    // The first one is too old to come back, and the second is not. A rollback adds nobody.
    let back = |run| taken(ModelStep::RollBack, &manifest(run), u64::from(most) + 3);
    assert!(broken(&record, &back(1)).is_some());
    assert_eq!(broken(&record, &back(2)), None);
    record.apply(&back(2));
    assert_eq!(former(&record), (3..=most + 1).map(|run| manifest(run).digest()).collect::<Vec<_>>());
}

#[test]
fn a_registry_has_so_many_models_and_a_parent_among_them() {
    let (one, child) = (manifest(1), {
        let mut child = manifest(2);
        child.lineage.parent = Some(manifest(1).digest());
        child
    });
    let mut record = replayed(&[adopted(), registered(one.clone())]);
    assert_eq!(broken(&record, &registered(child)), None);
    let model = record.models[&one.digest()].clone();
    let number = |number: usize| Digest::of(&number.to_le_bytes());
    record.models.extend((2..MODELS_MAX).map(|at| (number(at), model.clone())));
    assert_eq!(broken(&record, &registered(manifest(2))), None);
    record.models.insert(number(MODELS_MAX), model);
    let full = "a registry has 10000 models at most";
    assert_eq!(broken(&record, &registered(manifest(2))), Some(full));
}

/// A model that came before any roster has no branch that could have a copy.
#[test]
fn nobody_has_a_copy_before_a_roster_is_in_force() {
    let one = manifest(1);
    let record = replayed(&[registered(one.clone())]);
    let event = noted(note(1, &one, CopyState::Kept, &statement(ModelStep::Promote, &one, 1)));
    assert_eq!(broken(&record, &event), Some("a copy is an entry's of the roster in force"));
}

/// Whoever makes a statement is told before anybody signs it.
#[test]
fn a_statement_that_cannot_be_taken_is_refused_with_its_reason() {
    let (one, record) = (manifest(1), replayed(&history()[..4]));
    let step = |step, model: &ModelManifest, sequence| {
        record.judge_step(&statement(step, model, sequence)).map(|model| model.manifest.digest())
    };
    assert_eq!(step(ModelStep::Retire, &one, 2), Ok(one.digest()));
    let model = manifest(3).digest();
    assert_eq!(step(ModelStep::Retire, &manifest(3), 2), Err(RefusedStatement::Unknown { model }));
    for found in [1, 3] {
        assert_eq!(step(ModelStep::Retire, &one, found), Err(RefusedStatement::Sequence { found, expected: 2 }));
    }
    let refused = RefusedStatement::Step { step: ModelStep::Promote, state: ModelState::Champion };
    assert_eq!(step(ModelStep::Promote, &one, 2), Err(refused));
    // One that was taken before is known, and no other one.
    let promoted = statement(ModelStep::Promote, &one, 1);
    assert!(record.knows(&promoted));
    let others = [
        statement(ModelStep::Promote, &one, 2),
        statement(ModelStep::Promote, &manifest(2), 1),
        statement(ModelStep::Promote, &manifest(3), 1),
        ModelStatement { reason: "other".into(), ..promoted },
    ];
    assert_eq!(others.map(|other| record.knows(&other)), [false; 4]);
}

/// Rosters number branches as they like.
#[test]
fn branches_of_every_number_follow_a_statement() {
    let (one, clients) = (manifest(1), [0, 7, u32::MAX]);
    let last = roster().roster;
    let entries = clients.map(|client| cast::entry(ClientId(client))).into();
    let roster = Roster::new(1, Digest::ZERO, entries, Vec::new(), last.people().to_vec()).expect("a roster");
    let adopted = RegistryEvent::RosterAdopted { roster: Box::new(signed_by_authority(roster)) };
    let mut record = replayed(&[adopted, registered(one.clone()), taken(ModelStep::Promote, &one, 1)]);
    let promoted = statement(ModelStep::Promote, &one, 1);
    for client in clients {
        let event = noted(note(client, &one, CopyState::Kept, &promoted));
        assert_eq!(record.verify::<Toy>(&event), Ok(1));
        record.apply(&event);
    }
    let followers: Vec<u32> = record.followers(&one.digest(), &promoted.digest()).map(|note| note.client.0).collect();
    assert_eq!(followers, clients);
}
