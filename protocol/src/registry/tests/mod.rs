//! The registry's rules, broken one at a time, and the branch that hears of them.

mod branch;
mod frozen;
mod gates;
mod heard;
mod incidents;
mod lies;
mod noted;
mod papers;
mod properties;
mod record;
mod reports;

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::*;
use crate::digest::{Digest, frozen_fields};
use crate::ids::ClientId;
use crate::plan::{Attestation, Gate, Gates, Measure, PrivacyMode, RunRef};
use crate::role::{Action, Role};
use crate::roster::{Roster, SignedRoster, StaffNumber};
use crate::round::cast::{
    self, APPROVER, PROPOSER, attested_at, federation, people, person, roster_after, signed_by_authority, signing_key,
    staff,
};
use crate::secagg::suite::{Signature, Suite as _};
use crate::secagg::toy::Toy;
use crate::signed::SignedBody as _;

/// Nobody else's word.
pub(super) const NOBODY: Heard = Heard::none();

/// Staff number of the cast's model validator.
pub(super) const VALIDATOR: &str = "bank-1/validator";

/// Three branches, and the people who may state something about a model.
pub(super) fn roster() -> SignedRoster {
    let entries = crate::round::cast::roster(3).roster.entries().to_vec();
    let mut people = people();
    people.push(person(VALIDATOR, Role::ModelValidator));
    people.sort_by(|one, other| one.staff.cmp(&other.staff));
    signed_by_authority(Roster::new(1, Digest::ZERO, entries, Vec::new(), people).expect("a roster"))
}

/// The roster after it, without the validator.
pub(super) fn later_roster() -> SignedRoster {
    let last = roster().roster;
    roster_after(&last, last.entries().to_vec(), Vec::new())
}

/// The roster after it, with another validator.
pub(super) fn other_validators() -> SignedRoster {
    let last = roster().roster;
    let mut people = people();
    people.push(person("bank-1/other", Role::ModelValidator));
    people.sort_by(|one, other| one.staff.cmp(&other.staff));
    signed_by_authority(Roster::new(2, last.digest(), last.entries().to_vec(), Vec::new(), people).expect("a roster"))
}

/// A rollback that the other validator has signed.
pub(super) fn rolled_back(model: &ModelManifest, sequence: u64, report: SignedReport) -> SignedStatement {
    let statement = stated(ModelStep::RollBack, model, sequence, &report);
    let first = by(PROPOSER, Role::PlanOwner, &statement);
    let second = by("bank-1/other", Role::ModelValidator, &statement);
    SignedStatement { statement, first, second, report: Some(Box::new(report)) }
}

/// Seconds of the Unix clock after everything that is signed here.
pub(super) const NOW: u64 = 5_000;

/// Digest of a plan's terms without its gates.
pub(super) fn terms() -> Digest {
    Digest::of(b"terms")
}

pub(super) fn gate(measure: Measure, limit: u32) -> Gate {
    Gate { label: "churn".into(), measure, limit }
}

/// A calibration error of 0.03 at most, and an AUC of 0.7 at least.
pub(super) fn gates() -> Gates {
    let limits = [gate(Measure::CalibrationError, 300), gate(Measure::Auc, 7_000)];
    Gates { limits: limits.into(), ..Gates::USUAL }
}

/// The model of a run of a plan for churn.
pub(super) fn manifest(run: u32) -> ModelManifest {
    manifest_of(run, &gates())
}

/// The same of a plan with these gates.
pub(super) fn manifest_of(run: u32, gates: &Gates) -> ModelManifest {
    let lineage = Lineage {
        parent: None,
        initial: Digest::ZERO,
        run: RunRef { plan: gates.of_plan(&terms()), number: run },
        name: "monthly churn".into(),
        purpose: "churn".into(),
        privacy: PrivacyMode::Customer,
        group: "all".into(),
        owner: staff(PROPOSER),
        statement: Digest::of(b"statement"),
        rounds: 20,
        complete: true,
    };
    ModelManifest {
        parameters: Digest::of(&run.to_le_bytes()),
        parameter_bytes: 400,
        architecture: alloc::vec![1, 2, 3],
        schema: Digest::of(b"schema"),
        features: Digest::of(b"features"),
        lineage,
    }
}

/// A report with figures that are just good enough.
pub(super) fn report_of(model: &ModelManifest, gates: &Gates, champion: Option<Digest>) -> GatesReport {
    let figure = |gate: &Gate| match (gate.measure, champion) {
        (Measure::Stability, None) => Figure::NoChampion,
        _ => Figure::Measured { value: gate.limit, low: gate.limit, high: gate.limit },
    };
    GatesReport {
        federation: federation(),
        model: model.digest(),
        terms: terms(),
        gates: gates.clone(),
        statement: model.lineage.statement,
        card: Digest::of(b"card"),
        champion,
        figures: gates.limits.iter().map(figure).collect(),
        made: 5,
        findings: "sound".into(),
        conditions: alloc::vec!["looked at again in a year".into()],
        valid_until: 4_000_000,
    }
}

/// As a validator signs it.
pub(super) fn validated(report: GatesReport) -> SignedReport {
    let signed = attested_at(10, VALIDATOR, Role::ModelValidator, Action::ValidateModel, report.digest());
    SignedReport { report, signed }
}

pub(super) fn report(model: &ModelManifest) -> SignedReport {
    validated(report_of(model, &gates(), None))
}

/// A statement that is for those whom its step is for, and rests on a report where it must.
pub(super) fn stated(step: ModelStep, model: &ModelManifest, sequence: u64, report: &SignedReport) -> ModelStatement {
    ModelStatement {
        federation: federation(),
        step,
        model: model.digest(),
        purpose: model.lineage.purpose.clone(),
        sequence,
        scope: match step {
            ModelStep::Pilot => StatementScope::Branches([cast::name(ClientId(1), 1)].into()),
            ModelStep::Challenge => StatementScope::Customers(1_000),
            _ => StatementScope::All,
        },
        evidence: if step.needs_report() { report.report.digest() } else { Digest::ZERO },
        reason: "because".into(),
    }
}

pub(super) fn statement(step: ModelStep, model: &ModelManifest, sequence: u64) -> ModelStatement {
    stated(step, model, sequence, &report(model))
}

/// At a time of its own for each number.
pub(super) fn by(number: &str, role: Role, statement: &ModelStatement) -> Attestation {
    attested_at((100 * statement.sequence).min(NOW), number, role, statement.step.action(), statement.digest())
}

/// As its owner and the validator sign it.
pub(super) fn signed(statement: ModelStatement, report: Option<SignedReport>) -> SignedStatement {
    let first = by(PROPOSER, Role::PlanOwner, &statement);
    let second = by(VALIDATOR, Role::ModelValidator, &statement);
    SignedStatement { statement, first, second, report: report.map(Box::new) }
}

/// Both of them, with this report where the step needs one.
pub(super) fn both(step: ModelStep, model: &ModelManifest, sequence: u64, report: SignedReport) -> SignedStatement {
    signed(stated(step, model, sequence, &report), step.needs_report().then_some(report))
}

pub(super) fn taken(step: ModelStep, model: &ModelManifest, sequence: u64) -> RegistryEvent {
    taken_with(step, model, sequence, report(model))
}

pub(super) fn taken_with(step: ModelStep, model: &ModelManifest, sequence: u64, report: SignedReport) -> RegistryEvent {
    RegistryEvent::StatementTaken { statement: Box::new(both(step, model, sequence, report)) }
}

pub(super) fn registered(model: ModelManifest) -> RegistryEvent {
    RegistryEvent::ModelRegistered { manifest: Box::new(model) }
}

pub(super) fn adopted() -> RegistryEvent {
    RegistryEvent::RosterAdopted { roster: Box::new(roster()) }
}

/// A branch's word about its copy, after a statement.
pub(super) fn note(client: u32, model: &ModelManifest, state: CopyState, after: &ModelStatement) -> CopyNote {
    let client = ClientId(client);
    let statement = after.digest();
    let (federation, signature) = (federation(), Signature::none());
    let mut note = CopyNote { federation, client, model: model.digest(), state, statement, at: 7, signature };
    note.signature = Toy::sign(&signing_key(client), &note.to_sign::<Toy>());
    note
}

pub(super) fn noted(note: CopyNote) -> RegistryEvent {
    RegistryEvent::CopyNoted { note }
}

/// A model that was promoted, one that took its place, and a rollback.
pub(super) fn history() -> Vec<RegistryEvent> {
    let [one, two] = [1, 2].map(manifest);
    let mut events = Vec::from([adopted(), registered(one.clone()), registered(two.clone())]);
    events.push(taken(ModelStep::Promote, &one, 1));
    events.push(noted(note(1, &one, CopyState::Kept, &statement(ModelStep::Promote, &one, 1))));
    events.push(taken(ModelStep::Challenge, &two, 2));
    events.push(taken(ModelStep::Promote, &two, 3));
    events.push(taken(ModelStep::RollBack, &one, 4));
    events.push(taken(ModelStep::Withdraw, &two, 5));
    events.push(noted(note(1, &two, CopyState::Refused, &statement(ModelStep::Withdraw, &two, 5))));
    events
}

pub(super) fn replayed(events: &[RegistryEvent]) -> RegistryRecord {
    let mut record = RegistryRecord::default();
    for event in events {
        record.verify::<Toy>(event).expect("in order, and signed");
        record.apply(event);
    }
    record
}

#[test]
fn a_registry_goes_from_candidates_to_a_champion_and_back() {
    let events = history();
    let (one, two) = (manifest(1).digest(), manifest(2).digest());
    let states = |count: usize| {
        let record = replayed(&events[..count]);
        [one, two].map(|model| record.models[&model].state)
    };
    use ModelState::{Candidate, Challenger, Champion, Withdrawn};
    assert_eq!(states(3), [Candidate, Candidate]);
    assert_eq!(states(4), [Champion, Candidate]);
    assert_eq!(states(6), [Champion, Challenger]);
    assert_eq!(states(7), [Challenger, Champion]);
    assert_eq!(states(8), [Champion, Candidate]);
    assert_eq!(states(9), [Champion, Withdrawn]);
    let record = replayed(&events);
    assert_eq!(record, RegistryRecord::replay(&events).expect("in order"));
    assert_eq!(record.champion(&"churn".into()).map(|model| model.manifest.digest()), Some(one));
    assert_eq!((record.next_sequence(&"churn".into()), record.next_sequence(&"deposit".into())), (6, 1));
    assert_eq!(record.copy(&two, ClientId(1)), Some(CopyState::Refused));
    assert_eq!(record.of_parameters(&manifest(2).parameters), None, "it was withdrawn");
    assert_eq!(record.of_run(&manifest(2).lineage.run), Some(two));
    assert!(record.state().starts_with("2 models: 1 champions"), "{}", record.state());
    let words: Vec<_> = events.iter().map(|event| record.describe(event)).collect();
    assert!(words[8].contains("every branch deletes it"), "{}", words[8]);
    assert!(words[9].starts_with("bank-1/branch-1: model"), "{}", words[9]);
}

/// A share to the hundredth of a percent.
#[test]
fn a_statement_tells_the_share_of_a_challenger() {
    let model = manifest(1);
    for (share, words) in
        [(0, "0 %"), (5, "0.05 %"), (50, "0.50 %"), (1_000, "10 %"), (1_234, "12.34 %"), (4_990, "49.90 %")]
    {
        let scope = StatementScope::Customers(share);
        let told = ModelStatement { scope, ..statement(ModelStep::Challenge, &model, 1) }.in_words();
        assert!(told.ends_with(&alloc::format!(" scores {words} of the customers")), "{told}");
    }
}

/// Every field of what is signed changes its digest, and each digest is frozen: signatures on disk must stay valid.
#[test]
fn a_digest_covers_every_field() {
    let model = manifest(1);
    type Change = fn(&mut ModelManifest);
    let changes: [Change; 17] = [
        |model| model.parameters.0[0] ^= 1,
        |model| model.parameter_bytes += 1,
        |model| model.architecture.push(0),
        |model| model.schema.0[0] ^= 1,
        |model| model.features.0[0] ^= 1,
        |model| model.lineage.parent = Some(Digest::ZERO),
        |model| model.lineage.initial.0[0] ^= 1,
        |model| model.lineage.run.plan.0[0] ^= 1,
        |model| model.lineage.run.number += 1,
        |model| model.lineage.name = "other".into(),
        |model| model.lineage.purpose = "other".into(),
        |model| model.lineage.privacy = PrivacyMode::None,
        |model| model.lineage.group = "other".into(),
        |model| model.lineage.owner = StaffNumber::parse("bank-1/other").expect("a number"),
        |model| model.lineage.statement.0[0] ^= 1,
        |model| model.lineage.rounds += 1,
        |model| model.lineage.complete = false,
    ];
    assert_eq!(frozen_fields(&model, &changes, ModelManifest::digest), "6d9ba543");
    let first = statement(ModelStep::Promote, &model, 1);
    type Restate = fn(&mut ModelStatement);
    let changes: [Restate; 10] = [
        |it| it.federation.0[0] ^= 1,
        |it| it.step = ModelStep::Challenge,
        |it| it.model.0[0] ^= 1,
        |it| it.purpose = "other".into(),
        |it| it.sequence += 1,
        |it| it.step = ModelStep::Withdraw,
        |it| it.scope = StatementScope::Customers(1),
        |it| it.scope = StatementScope::Branches([cast::name(ClientId(1), 1)].into()),
        |it| it.evidence.0[0] ^= 1,
        |it| it.reason = "other".into(),
    ];
    assert_eq!(frozen_fields(&first, &changes, ModelStatement::digest), "51e5fcd6");
    let changes: [fn(&mut CopyNote); 6] = [
        |it| it.federation.0[0] ^= 1,
        |it| it.client = ClientId(2),
        |it| it.model.0[0] ^= 1,
        |it| it.state = CopyState::Deleted,
        |it| it.statement.0[0] ^= 1,
        |it| it.at += 1,
    ];
    let note = note(1, &model, CopyState::Kept, &first);
    assert_eq!(frozen_fields(&note, &changes, |note| note.canonical().finish()), "e4317f51");
    let report = report(&model).report;
    type Report = fn(&mut GatesReport);
    let changes: [Report; 14] = [
        |it| it.federation.0[0] ^= 1,
        |it| it.model.0[0] ^= 1,
        |it| it.terms.0[0] ^= 1,
        |it| it.gates.limits[0].limit += 1,
        |it| it.statement.0[0] ^= 1,
        |it| it.card.0[0] ^= 1,
        |it| it.champion = Some(Digest::ZERO),
        |it| it.figures[0] = Figure::Absent,
        |it| it.figures[0] = Figure::NoChampion,
        |it| it.figures[1] = Figure::Measured { value: 7_000, low: 7_000, high: 7_001 },
        |it| it.made += 1,
        |it| it.findings = "other".into(),
        |it| it.conditions.push("other".into()),
        |it| it.valid_until += 1,
    ];
    assert_eq!(frozen_fields(&report, &changes, GatesReport::digest), "1b9050a5");
}

#[test]
fn limits_of_a_manifest_are_checked() {
    type Change = fn(&mut ModelManifest);
    fn text(bytes: usize) -> crate::printable::Untrusted {
        "x".repeat(bytes).into()
    }
    const LONGEST: u64 = crate::limits::VECTOR_BYTES_MAX as u64;
    let changes: [(&str, Change); 12] = [
        ("number of bytes", |model| model.parameter_bytes = 0),
        ("number of bytes", |model| model.parameter_bytes = LONGEST + 1),
        ("architecture", |model| model.architecture = Vec::new()),
        ("architecture", |model| model.architecture = alloc::vec![0; 65_537]),
        ("plan's name", |model| model.lineage.name = text(0)),
        ("plan's name", |model| model.lineage.name = text(65)),
        ("purpose", |model| model.lineage.purpose = text(0)),
        ("purpose", |model| model.lineage.purpose = text(65)),
        ("group", |model| model.lineage.group = "no group".into()),
        ("run", |model| model.lineage.run.number = 0),
        ("run", |model| model.lineage.run.number = u32::MAX),
        ("run", |model| model.lineage.run.number = 1_001),
    ];
    // The smallest and the largest of everything.
    for (bytes, architecture, words, run) in [(1, 1, 1, 1), (LONGEST, 65_536, 64, 1_000)] {
        let mut model =
            ModelManifest { parameter_bytes: bytes, architecture: alloc::vec![0; architecture], ..manifest(run) };
        (model.lineage.name, model.lineage.purpose) = (text(words), text(words));
        assert_eq!(model.check(), Ok(()));
    }
    for (part, change) in changes {
        let mut model = manifest(1);
        change(&mut model);
        assert_eq!(model.check(), Err(ManifestFault(part)));
    }
}

/// As a plan without noise, its model is kept where the owner granted that plan by its digest, and not for all that somebody proposes.
#[test]
fn a_model_without_noise_is_granted_by_name_alone() {
    use crate::plan::GrantSubject;
    let mut model = manifest(1);
    let by_name = GrantSubject::Plan(model.lineage.run.plan);
    let plans =
        |proposer, purpose: &'static str| GrantSubject::Plans { proposer: staff(proposer), purpose: purpose.into() };
    let standing = plans(PROPOSER, "churn");
    let branch = cast::name(ClientId(1), 1);
    for (privacy, subject, granted) in [
        (PrivacyMode::Customer, &by_name, true),
        (PrivacyMode::Customer, &standing, true),
        // Of two things that are granted together each counts.
        (PrivacyMode::Customer, &GrantSubject::Plan(Digest::ZERO), false),
        (PrivacyMode::Customer, &plans("bank-1/other", "churn"), false),
        (PrivacyMode::Customer, &plans(PROPOSER, "deposit"), false),
        (PrivacyMode::None, &by_name, true),
        (PrivacyMode::None, &standing, false),
    ] {
        model.lineage.privacy = privacy;
        let mut grant = cast::grant(&cast::plan());
        (grant.subject, grant.branches, grant.uses.keep_models) = (subject.clone(), [branch.clone()].into(), true);
        assert_eq!(model.lineage.is_granted(&grant, &branch), granted, "{} {subject:?}", privacy.name());
    }
}
