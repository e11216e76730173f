//! Each rule of the registry's ledger is broken once, and named.

use super::*;
use crate::limits::COPY_NOTES_MAX;
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
    *it = signed(other, it.report.as_deref().cloned());
}

/// Changes what is reported, has the validator sign that, and both sign the statement that rests on it.
fn reported(event: &mut RegistryEvent, change: fn(&mut GatesReport)) {
    let it = signed_of(event);
    let mut report = it.report.as_deref().expect("a report").report.clone();
    change(&mut report);
    let (report, mut other) = (validated(report), it.statement.clone());
    other.evidence = report.report.digest();
    *it = signed(other, Some(report));
}

/// Changes the validator's signature alone.
fn resigned(event: &mut RegistryEvent, sign: fn(&GatesReport) -> Attestation) {
    let it = signed_of(event);
    let report = it.report.as_deref_mut().expect("a report");
    report.signed = sign(&report.report);
}

fn note_of(event: &mut RegistryEvent) -> &mut CopyNote {
    match event {
        RegistryEvent::CopyNoted { note } => note,
        _ => panic!("a note"),
    }
}

const SIGNED: &str = "a statement is signed by two people of the roster in force, in two roles that may, and carries a report whose gates hold";
const NUMBERED: &str = "statements of a purpose are numbered without a gap, and none counts twice";
const STEP: &str = "a step leads from the model's state to another one";
pub(super) const COMPARES: &str =
    "a report compares with the champion in force, and a rollback has that of the promotion";
const FOLLOWS: &str = "a note about a copy follows a statement about its model";
const LIMITS: &str = "a model's parts are within their limits";

/// The rule, the number of events before it, and what is done to the one that follows.
const LIES: &[Lie] = &[
    ("rosters go forward", 1, |event| *event = adopted()),
    // What is in force before the first one is none that could be adopted.
    ("rosters go forward", 0, |event| {
        let (roster, signatures) = (Roster::none(), Vec::new());
        *event = RegistryEvent::RosterAdopted { roster: Box::new(SignedRoster { roster, signatures }) };
    }),
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
    (SIGNED, 3, |event| restated(event, |it| it.scope = StatementScope::Customers(1_000))),
    (SIGNED, 5, |event| restated(event, |it| it.scope = StatementScope::All)),
    (SIGNED, 5, |event| restated(event, |it| it.scope = StatementScope::Customers(5_001))),
    // Without a report, or with one that nothing needs.
    (SIGNED, 3, |event| signed_of(event).report = None),
    (SIGNED, 7, |event| signed_of(event).report = None),
    (SIGNED, 8, |event| signed_of(event).report = Some(Box::new(report(&manifest(2))))),
    // Of another model, plan, federation or statement; with gates that the plan does not have.
    (SIGNED, 3, |event| *event = taken_with(ModelStep::Promote, &manifest(1), 1, report(&manifest(2)))),
    (SIGNED, 3, |event| reported(event, |it| it.federation.0[0] ^= 1)),
    (SIGNED, 3, |event| reported(event, |it| it.terms.0[0] ^= 1)),
    (SIGNED, 3, |event| reported(event, |it| it.statement.0[0] ^= 1)),
    (SIGNED, 3, |event| reported(event, |it| it.gates.limits[1].limit = 0)),
    (SIGNED, 3, |event| reported(event, |it| (it.gates.limits, it.figures) = (Vec::new(), Vec::new()))),
    (SIGNED, 3, |event| reported(event, |it| it.gates.card = false)),
    // A figure that is not there, is one too few, is not as good, or whose interval reaches over the limit.
    (SIGNED, 3, |event| reported(event, |it| it.figures[0] = Figure::Absent)),
    (SIGNED, 3, |event| reported(event, |it| it.figures[0] = Figure::NoChampion)),
    (SIGNED, 3, |event| reported(event, |it| it.figures.truncate(1))),
    (SIGNED, 3, |event| reported(event, |it| it.figures[0] = Figure::Measured { value: 300, low: 300, high: 301 })),
    (SIGNED, 3, |event| {
        reported(event, |it| it.figures[1] = Figure::Measured { value: 7_000, low: 6_999, high: 7_000 });
    }),
    (SIGNED, 3, |event| {
        reported(event, |it| it.figures[1] = Figure::Measured { value: 6_000, low: 7_000, high: 7_000 });
    }),
    (SIGNED, 3, |event| reported(event, |it| it.card = Digest::ZERO)),
    (SIGNED, 3, |event| reported(event, |it| it.findings = "".into())),
    (SIGNED, 3, |event| reported(event, |it| it.conditions = alloc::vec!["a\nb".into()])),
    (SIGNED, 3, |event| reported(event, |it| it.conditions = alloc::vec!["a".into(); 17])),
    // Without an end, with one that is too far away, and over when the statement was signed.
    (SIGNED, 3, |event| reported(event, |it| it.valid_until = 0)),
    (SIGNED, 3, |event| reported(event, |it| it.valid_until = crate::limits::REPORT_SECONDS_MAX + 11)),
    (SIGNED, 3, |event| reported(event, |it| it.valid_until = 99)),
    // By somebody who may not, under another name, on another report, for another action, or the owner.
    (SIGNED, 3, |event| {
        resigned(event, |report| {
            attested_at(10, APPROVER, Role::PrivacyOfficer, Action::ValidateModel, report.digest())
        });
    }),
    (SIGNED, 3, |event| {
        resigned(event, |report| attested_at(10, PROPOSER, Role::PlanOwner, Action::ValidateModel, report.digest()));
    }),
    (SIGNED, 3, |event| {
        resigned(event, |report| {
            attested_at(10, PROPOSER, Role::ModelValidator, Action::ValidateModel, report.digest())
        });
    }),
    (SIGNED, 3, |event| {
        resigned(event, |_| attested_at(10, VALIDATOR, Role::ModelValidator, Action::ValidateModel, Digest::ZERO));
    }),
    (SIGNED, 3, |event| {
        resigned(event, |report| {
            attested_at(10, VALIDATOR, Role::ModelValidator, Action::PromoteModel, report.digest())
        });
    }),
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
            assert!(record.judge::<Toy>(statement, (&roster().roster, &federation()), NOW).is_err(), "lie {number}");
        }
    }
}

#[test]
fn what_follows_the_rules_may_be_brought() {
    let events = history();
    for (number, event) in events.iter().enumerate() {
        if let RegistryEvent::StatementTaken { statement } = event {
            let record = replayed(&events[..number]);
            assert_eq!(record.judge::<Toy>(statement, (&roster().roster, &federation()), NOW), Ok(()), "{number}");
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
        // The validator's as well; a rollback has the report of the promotion, to the last bit.
        let mut forged = event.clone();
        let RegistryEvent::StatementTaken { statement } = &mut forged else { continue };
        let (step, Some(report)) = (statement.statement.step, statement.report.as_deref_mut()) else { continue };
        report.signed.signature = Signature::none();
        let expected = if step == ModelStep::RollBack { OutOfOrder(COMPARES) } else { unsigned };
        assert_eq!(record.verify::<Toy>(&forged), Err(expected), "{number}");
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
        let report = step.needs_report().then(|| Box::new(report(&model)));
        let it = SignedStatement { statement: it, first, second, report };
        let grounds = StatementGrounds {
            manifest: &model,
            roster: record.roster.as_ref().unwrap(),
            federation: &federation(),
            now: Some(NOW),
        };
        assert_eq!(it.judge::<Toy>(grounds).is_ok(), officer, "{step:?}");
    }
}
