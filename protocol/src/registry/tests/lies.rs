//! Each rule of the registry's ledger is broken once, and named.

use super::*;
use crate::limits::COPY_NOTES_MAX;
use crate::role::Action;
use crate::round::OutOfOrder;

type Lie = (&'static str, usize, fn(&mut RegistryEvent));

fn signed_of(event: &mut RegistryEvent) -> &mut SignedStatement {
    match event {
        RegistryEvent::StatementTaken { statement } => statement,
        _ => panic!("a statement"),
    }
}

/// Changes what is stated, and has both sign that.
fn restated(event: &mut RegistryEvent, change: fn(&mut ModelStatement)) {
    let it = signed_of(event);
    let mut other = it.statement.clone();
    change(&mut other);
    *it = signed(other);
}

fn note_of(event: &mut RegistryEvent) -> &mut CopyNote {
    match event {
        RegistryEvent::CopyNoted { note } => note,
        _ => panic!("a note"),
    }
}

const SIGNED: &str = "a statement is signed by two people of the roster in force, in two roles that may";
const NUMBERED: &str = "statements of a purpose are numbered without a gap, and none counts twice";
const STEP: &str = "a step leads from the model's state to another one";
const FOLLOWS: &str = "a note about a copy follows a statement about its model";
const LIMITS: &str = "a model's parts are within their limits";

/// The rule, the number of events before it, and what is done to the one that follows.
const LIES: &[Lie] = &[
    ("rosters go forward", 1, |event| *event = adopted()),
    (LIMITS, 1, |event| *event = registered(ModelManifest { parameter_bytes: 0, ..manifest(1) })),
    ("a model is registered once", 3, |event| *event = registered(manifest(2))),
    ("a run registers one model", 3, |event| {
        *event = registered(ModelManifest { schema: Digest::ZERO, ..manifest(2) })
    }),
    ("a model's parent is registered before it", 1, |event| {
        let mut model = manifest(1);
        model.lineage.parent = Some(Digest::ZERO);
        *event = registered(model);
    }),
    ("a statement is about a registered model", 2, |event| *event = taken(ModelStep::Promote, &manifest(2), 1)),
    ("a roster is in force before a statement", 0, |_| {}),
    (SIGNED, 3, |event| restated(event, |it| it.purpose = "deposit".into())),
    (SIGNED, 3, |event| restated(event, |it| it.evidence = Digest::ZERO)),
    (SIGNED, 3, |event| restated(event, |it| it.federation.0[0] ^= 1)),
    (SIGNED, 3, |event| {
        restated(event, |it| it.reason = alloc::string::String::from_utf8(alloc::vec![b'x'; 1_001]).unwrap().into());
    }),
    (SIGNED, 3, |event| restated(event, |it| it.reason = "".into())),
    (SIGNED, 3, |event| restated(event, |it| it.reason = "passed\nall gates".into())),
    (SIGNED, 3, |event| restated(event, |it| it.reason = "passed \u{202e}setag lla".into())),
    (SIGNED, 3, |event| {
        let it = signed_of(event);
        it.second = it.first.clone();
    }),
    // Somebody with two hats.
    (SIGNED, 3, |event| {
        let it = signed_of(event);
        it.second.staff = it.first.staff.clone();
    }),
    // The officer may withdraw and not promote.
    (SIGNED, 3, |event| {
        let it = signed_of(event);
        it.second = by(APPROVER, Role::PrivacyOfficer, &it.statement);
    }),
    // What was signed for another step.
    (SIGNED, 3, |event| {
        let it = signed_of(event);
        it.first.action = Action::WithdrawModel;
    }),
    (SIGNED, 3, |event| {
        let it = signed_of(event);
        it.first.subject.0[0] ^= 1;
    }),
    (NUMBERED, 3, |event| restated(event, |it| it.sequence = 2)),
    (NUMBERED, 3, |event| restated(event, |it| it.sequence = 0)),
    (STEP, 3, |event| *event = taken(ModelStep::RollBack, &manifest(1), 1)),
    (STEP, 4, |event| *event = taken(ModelStep::Challenge, &manifest(1), 2)),
    (STEP, 4, |event| *event = taken(ModelStep::Promote, &manifest(1), 2)),
    (STEP, 6, |event| *event = taken(ModelStep::RollBack, &manifest(2), 3)),
    // What was rolled back passes the gates again.
    (STEP, 8, |event| *event = taken(ModelStep::RollBack, &manifest(2), 5)),
    (STEP, 9, |event| *event = taken(ModelStep::Withdraw, &manifest(2), 6)),
    (STEP, 9, |event| *event = taken(ModelStep::Promote, &manifest(2), 6)),
    (STEP, 9, |event| *event = taken(ModelStep::Retire, &manifest(2), 6)),
    ("a copy is of a registered model", 4, |event| note_of(event).model.0[0] ^= 1),
    ("a copy is an entry's of the roster in force", 4, |event| note_of(event).client = ClientId(4)),
    ("a note about a copy changes something", 5, |event| {
        let one = manifest(1);
        *event = noted(note(1, &one, CopyState::Kept, &statement(ModelStep::Promote, &one, 1)));
    }),
    ("what a branch refuses it refuses for ever", 10, |event| {
        let two = manifest(2);
        *event = noted(note(1, &two, CopyState::Kept, &statement(ModelStep::Promote, &two, 3)));
    }),
    (FOLLOWS, 4, |event| note_of(event).statement.0[0] ^= 1),
    (FOLLOWS, 4, |event| note_of(event).state = CopyState::Refused),
    (FOLLOWS, 9, |event| note_of(event).state = CopyState::Kept),
];

#[test]
fn every_rule_is_broken_once_and_named() {
    let events = history();
    for (number, (rule, before, change)) in LIES.iter().enumerate() {
        let mut record = replayed(&events[..*before]);
        let mut event = events.get(*before).cloned().unwrap_or_else(adopted);
        if *before == 0 {
            record.apply(&registered(manifest(1)));
            event = taken(ModelStep::Promote, &manifest(1), 1);
        }
        change(&mut event);
        assert_eq!(record.check(&event), Err(OutOfOrder(rule)), "lie {number}");
        // And the judge of what people bring says no to the same. It is given the roster in force, so that there always is one.
        if let RegistryEvent::StatementTaken { statement } = &event
            && *before > 0
        {
            assert!(record.judge::<Toy>(statement, (&roster().roster, &federation()), 0).is_err(), "lie {number}");
        }
    }
}

#[test]
fn what_follows_the_rules_may_be_brought() {
    let events = history();
    for (number, event) in events.iter().enumerate() {
        if let RegistryEvent::StatementTaken { statement } = event {
            let record = replayed(&events[..number]);
            assert_eq!(record.judge::<Toy>(statement, (&roster().roster, &federation()), 0), Ok(()), "{number}");
            let late = crate::limits::HOLDING_SECONDS_MAX + 1_000;
            assert!(record.judge::<Toy>(statement, (&roster().roster, &federation()), late).is_err(), "roles end");
        }
    }
}

/// Whoever lost the role signs nothing more, and what was taken before stays.
#[test]
fn signatures_count_by_the_roster_in_force() {
    let mut record = replayed(&history()[..4]);
    let next = taken(ModelStep::Retire, &manifest(1), 2);
    assert_eq!(record.check(&next), Ok(()));
    let later = RegistryEvent::RosterAdopted { roster: Box::new(later_roster()) };
    record.check(&later).unwrap();
    record.apply(&later);
    assert_eq!(record.check(&next), Err(OutOfOrder(SIGNED)));
    assert_eq!(record.models[&manifest(1).digest()].state, ModelState::Champion);
}

/// A rule book does not verify signatures; whoever verifies a ledger does.
#[test]
fn every_signature_is_verified() {
    let events = history();
    for (number, event) in events.iter().enumerate() {
        let record = replayed(&events[..number]);
        let mut forged = event.clone();
        match &mut forged {
            RegistryEvent::StatementTaken { statement } => statement.second.signature = Signature::none(),
            RegistryEvent::CopyNoted { note } => note.at += 1,
            _ => continue,
        }
        let unsigned = OutOfOrder("every signature on which it rests verifies");
        assert_eq!(record.check(&forged), Ok(()), "{number}");
        assert_eq!(record.verify::<Toy>(&forged), Err(unsigned), "{number}");
    }
}

/// Each note is an entry of the journal. A branch that keeps and deletes a model over and over is not heard for ever; that it refuses the model is.
#[test]
fn a_branch_fills_no_journal_with_notes() {
    let one = manifest(1);
    let promoted = statement(ModelStep::Promote, &one, 1);
    let mut record = replayed(&history()[..4]);
    let says = |record: &mut RegistryRecord, client: u32, state: CopyState, after: &ModelStatement| {
        let event = noted(note(client, &one, state, after));
        let judged = record.check(&event);
        if judged.is_ok() {
            record.apply(&event);
        }
        judged
    };
    for number in 0..COPY_NOTES_MAX {
        let state = if number % 2 == 0 { CopyState::Kept } else { CopyState::Deleted };
        assert_eq!(says(&mut record, 1, state, &promoted), Ok(()), "{number}");
    }
    let more = OutOfOrder("a branch notes 64 changes of a copy at most");
    assert_eq!(says(&mut record, 1, CopyState::Kept, &promoted), Err(more));
    assert_eq!(says(&mut record, 2, CopyState::Kept, &promoted), Ok(()), "another branch's are counted by themselves");
    record.apply(&taken(ModelStep::Withdraw, &one, 2));
    let withdrawn = statement(ModelStep::Withdraw, &one, 2);
    assert_eq!(says(&mut record, 1, CopyState::Refused, &withdrawn), Ok(()));
}

/// Two people of the same role, or the privacy officer where no use begins.
#[test]
fn who_may_sign_what() {
    let record = replayed(&history()[..4]);
    let model = manifest(1);
    for (step, officer) in [
        (ModelStep::Retire, true),
        (ModelStep::Withdraw, true),
        (ModelStep::Promote, false),
        (ModelStep::Challenge, false),
    ] {
        let it = statement(step, &model, 2);
        let first = by(APPROVER, Role::PrivacyOfficer, &it);
        let second = by(VALIDATOR, Role::ModelValidator, &it);
        let it = SignedStatement { statement: it, first, second };
        let grounds = StatementGrounds {
            manifest: &model,
            roster: record.roster.as_ref().unwrap(),
            federation: &federation(),
            now: Some(0),
        };
        assert_eq!(it.judge::<Toy>(grounds).is_ok(), officer, "{step:?}");
    }
}
