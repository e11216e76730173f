//! Pilots, challengers and champions with which a report compares.

use super::lies::COMPARES;
use super::*;
use crate::plan::{Pilot, PilotGroup};
use crate::round::OutOfOrder;

const PILOT: &str = "a pilot is of the plan's branches, and is over before all branches use its model";

/// A pilot of the first branch, for a hundred seconds and with its copy; scores that have not moved.
fn piloted() -> Gates {
    let group = PilotGroup::Named([cast::name(ClientId(1), 1)].into());
    let mut gates = gates();
    gates.limits.push(gate(Measure::Stability, 2_500));
    Gates { pilot: Some(Pilot { group, copies_min: 1, seconds_min: 100 }), ..gates }
}

fn new() -> ModelManifest {
    manifest_of(7, &piloted())
}

fn reported(champion: Option<Digest>) -> SignedReport {
    validated(report_of(&new(), &piloted(), champion))
}

fn next(step: ModelStep, sequence: u64) -> RegistryEvent {
    taken_with(step, &new(), sequence, reported(Some(manifest(1).digest())))
}

/// A champion, and a candidate of a plan that wants a pilot.
fn begun() -> RegistryRecord {
    replayed(&[adopted(), registered(manifest(1)), registered(new()), taken(ModelStep::Promote, &manifest(1), 1)])
}

fn took(record: &mut RegistryRecord, event: &RegistryEvent) {
    record.verify::<Toy>(event).expect("in order, and signed");
    record.apply(event);
}

fn judged(record: &RegistryRecord, event: &RegistryEvent) -> Result<(), RefusedStatement> {
    let RegistryEvent::StatementTaken { statement } = event else { panic!("a statement") };
    record.judge::<Toy>(statement, (&roster().roster, &federation()), NOW)
}

/// Refused by the rule book, and with the reason for whoever brings it.
fn refused(record: &RegistryRecord, event: &RegistryEvent, rule: &'static str, why: RefusedStatement) {
    assert_eq!(record.check(event), Err(OutOfOrder(rule)));
    assert_eq!(judged(record, event), Err(why));
}

#[test]
fn a_pilot_comes_before_all_branches() {
    let mut record = begun();
    let purpose = || "churn".into();
    let state = |record: &RegistryRecord| record.models[&new().digest()].state;
    refused(&record, &next(ModelStep::Promote, 2), PILOT, RefusedStatement::NoPilot);
    // A pilot of others than the plan names.
    let other = || {
        let mut it = stated(ModelStep::Pilot, &new(), 2, &reported(Some(manifest(1).digest())));
        it.scope = StatementScope::Branches([cast::name(ClientId(2), 1)].into());
        signed(it, Some(reported(Some(manifest(1).digest()))))
    };
    let other = RegistryEvent::StatementTaken { statement: Box::new(other()) };
    refused(&record, &other, PILOT, RefusedStatement::PilotBranches);
    took(&mut record, &next(ModelStep::Challenge, 2));
    assert_eq!(record.purposes[&purpose()].challenger, Some(new().digest()));
    let pilot = next(ModelStep::Pilot, 3);
    took(&mut record, &pilot);
    assert_eq!(state(&record), ModelState::Pilot);
    assert_eq!(
        (record.purposes[&purpose()].pilot, record.purposes[&purpose()].challenger),
        (Some(new().digest()), None)
    );
    assert_eq!(record.champion(&purpose()).map(|model| model.manifest.digest()), Some(manifest(1).digest()));
    // Signed before the pilot is over: the fourth statement is of second 400, and the pilot goes on until then. The clock of either signer counts.
    let early = |at: u64| {
        let mut event = next(ModelStep::Promote, 4);
        let RegistryEvent::StatementTaken { statement } = &mut event else { panic!("a statement") };
        let digest = statement.statement.digest();
        statement.second = attested_at(at, VALIDATOR, Role::ModelValidator, Action::PromoteModel, digest);
        event
    };
    refused(&record, &early(399), PILOT, RefusedStatement::PilotGoesOn { over: 400 });
    // Nobody of the pilot has said that it keeps the model; others' copies do not count.
    let RegistryEvent::StatementTaken { statement } = &pilot else { panic!("a statement") };
    let kept = |client| noted(note(client, &new(), CopyState::Kept, &statement.statement));
    took(&mut record, &kept(2));
    let few = RefusedStatement::PilotCopies { found: 0, needed: 1 };
    refused(&record, &next(ModelStep::Promote, 4), PILOT, few);
    took(&mut record, &kept(1));
    assert_eq!(judged(&record, &early(400)), Ok(()));
    took(&mut record, &next(ModelStep::Promote, 4));
    assert_eq!((state(&record), record.purposes[&purpose()].pilot), (ModelState::Champion, None));
    // The one before is rolled back to with its own report, however long that is over.
    took(&mut record, &taken(ModelStep::RollBack, &manifest(1), 5));
    assert_eq!(state(&record), ModelState::Candidate);
    refused(&record, &next(ModelStep::Promote, 6), PILOT, RefusedStatement::NoPilot);
}

/// A pilot begins when both have signed it, and its end is signed by nobody before it is over.
#[test]
fn a_pilot_goes_from_its_later_signature_to_the_earlier_one_of_its_end() {
    let signed_at = |mut event: RegistryEvent, [first, second]: [u64; 2]| {
        let RegistryEvent::StatementTaken { statement } = &mut event else { panic!("a statement") };
        let (action, digest) = (statement.statement.step.action(), statement.statement.digest());
        statement.first = attested_at(first, PROPOSER, Role::PlanOwner, action, digest);
        statement.second = attested_at(second, VALIDATOR, Role::ModelValidator, action, digest);
        event
    };
    for signatures in [[350, 300], [300, 350]] {
        let mut record = begun();
        let pilot = signed_at(next(ModelStep::Pilot, 2), signatures);
        took(&mut record, &pilot);
        let RegistryEvent::StatementTaken { statement } = &pilot else { panic!("a statement") };
        took(&mut record, &noted(note(1, &new(), CopyState::Kept, &statement.statement)));
        let goes_on = Err(RefusedStatement::PilotGoesOn { over: 450 });
        for (ends, expected) in [([450, 450], Ok(())), ([449, 450], goes_on), ([450, 449], goes_on)] {
            assert_eq!(
                judged(&record, &signed_at(next(ModelStep::Promote, 3), ends)),
                expected,
                "{signatures:?} {ends:?}"
            );
        }
    }
}

/// Another model's turn ends a pilot: the branches in it use what all others use.
#[test]
fn a_pilot_ends_with_the_next_champion_or_pilot() {
    for (step, run) in
        [(ModelStep::Promote, 2), (ModelStep::Pilot, 2), (ModelStep::Retire, 7), (ModelStep::Withdraw, 7)]
    {
        let mut record = begun();
        took(&mut record, &registered(manifest(2)));
        took(&mut record, &next(ModelStep::Pilot, 2));
        let event = if run == 7 { next(step, 3) } else { taken(step, &manifest(2), 3) };
        took(&mut record, &event);
        let expected = match step {
            ModelStep::Retire => ModelState::Retired,
            ModelStep::Withdraw => ModelState::Withdrawn,
            _ => ModelState::Candidate,
        };
        assert_eq!(record.models[&new().digest()].state, expected, "{step:?}");
        let pilot = (step == ModelStep::Pilot).then(|| manifest(2).digest());
        assert_eq!(record.purposes[&"churn".into()].pilot, pilot, "{step:?}");
    }
}

/// A report that compares with a champion that is none any more says nothing of how far scores have moved.
#[test]
fn a_report_compares_with_the_champion_in_force() {
    let record = begun();
    for champion in [None, Some(manifest(2).digest()), Some(new().digest())] {
        let event = taken_with(ModelStep::Pilot, &new(), 2, reported(champion));
        refused(&record, &event, COMPARES, RefusedStatement::OtherChampion);
    }
    assert_eq!(record.check(&next(ModelStep::Pilot, 2)), Ok(()));
    // Where there is none, nothing can have moved; and with one, a report cannot say that there is none.
    let empty = replayed(&[adopted(), registered(new())]);
    assert_eq!(empty.check(&taken_with(ModelStep::Pilot, &new(), 1, reported(None))), Ok(()));
    let mut claims = reported(Some(manifest(1).digest())).report;
    claims.figures[2] = Figure::NoChampion;
    let event = taken_with(ModelStep::Pilot, &new(), 2, validated(claims));
    assert!(judged(&record, &event).is_err() && record.check(&event).is_err());
}

/// The plan says whether a challenger must hold the limits. Its report is signed in any case, and lets nobody promote it.
#[test]
fn a_challenger_may_fail_where_the_plan_says_so() {
    for challenger in [true, false] {
        let gates = Gates { challenger, ..gates() };
        let model = manifest_of(3, &gates);
        let mut report = report_of(&model, &gates, None);
        report.figures[1] = Figure::Absent;
        let record = replayed(&[adopted(), registered(model.clone())]);
        let step = |step| taken_with(step, &model, 1, validated(report.clone()));
        assert_eq!(record.check(&step(ModelStep::Challenge)).is_ok(), !challenger);
        assert!(record.check(&step(ModelStep::Promote)).is_err() && record.check(&step(ModelStep::Pilot)).is_err());
    }
}

/// By the clock of whoever takes it, a report ends; a rollback is not stopped by that, nor by a validator who has left.
#[test]
fn a_report_ends_and_a_rollback_goes_on() {
    let [one, two] = [1, 2].map(manifest);
    let short = |model: &ModelManifest| validated(GatesReport { valid_until: 200, ..report_of(model, &gates(), None) });
    let mut record = replayed(&[adopted(), registered(one.clone()), registered(two.clone())]);
    let first = taken_with(ModelStep::Promote, &one, 1, short(&one));
    let at = |event: &RegistryEvent, now| match event {
        RegistryEvent::StatementTaken { statement } => {
            record.judge::<Toy>(statement, (&roster().roster, &federation()), now)
        }
        _ => panic!("a statement"),
    };
    assert_eq!(at(&first, 200), Ok(()));
    let ended = StatementFault::Report(ReportFault::Ended);
    assert_eq!(at(&first, 201), Err(RefusedStatement::Signatures(ended)));
    took(&mut record, &first);
    took(&mut record, &taken(ModelStep::Promote, &two, 2));
    // Somebody else validates now.
    let later = other_validators();
    took(&mut record, &RegistryEvent::RosterAdopted { roster: Box::new(later.clone()) });
    let back = rolled_back(&one, 3, short(&one));
    assert_eq!(record.judge::<Toy>(&back, (&later.roster, &federation()), NOW), Ok(()));
    took(&mut record, &RegistryEvent::StatementTaken { statement: Box::new(back) });
    assert_eq!(record.models[&one.digest()].state, ModelState::Champion);
}

/// A plan that wants no card takes a report without one, and one with a card as well.
#[test]
fn a_card_is_named_where_the_plan_wants_one() {
    for (card, named, stands) in [(true, true, true), (true, false, false), (false, true, true), (false, false, true)] {
        let gates = Gates { card, ..gates() };
        let model = manifest_of(3, &gates);
        let card = if named { Digest::of(b"card") } else { Digest::ZERO };
        let report = GatesReport { card, ..report_of(&model, &gates, None) };
        assert_eq!(report.check_gates(), if stands { Ok(()) } else { Err(ReportFault::NoCard) });
    }
}

/// With a share of 0 a model is evaluated beside the champion, and no customer is scored by it: it is no challenger of the purpose.
#[test]
fn a_challenger_without_a_share_scores_nobody() {
    let one = manifest(1);
    for (share, challenger) in [(0, None), (1, Some(one.digest()))] {
        let mut record = replayed(&[adopted(), registered(one.clone())]);
        let report = report(&one);
        let scope = StatementScope::Customers(share);
        let statement =
            signed(ModelStatement { scope, ..stated(ModelStep::Challenge, &one, 1, &report) }, Some(report));
        took(&mut record, &RegistryEvent::StatementTaken { statement: Box::new(statement) });
        assert_eq!(record.purposes[&one.lineage.purpose].challenger, challenger);
        assert_eq!(record.models[&one.digest()].state, ModelState::Challenger);
    }
}
