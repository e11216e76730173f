//! Ledgers as a coordinator writes them, made without one: with every signature that they need.

use std::path::Path;

use tributary_certs::people::attest;
use tributary_certs::suite::SigningKey;
use tributary_model::architecture::Architecture;
use tributary_model::server_optimizer::{OptimizerFields, OptimizerSettings, UpdateRule};
use tributary_model::stage::{Frame, GradientSettings, StageSettings, Wanted, priced};
use tributary_model::update::{ClipForm, ClipSettings};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId, RoundId, SessionId};
use tributary_protocol::message::ClosedReason;
use tributary_protocol::plan::{
    Approvals, Assessment, Charter, Gates, Materiality, ModelRef, Plan, PrivacyMode, Readiness, Retention, Rhythm, Run,
    Schedule,
};
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::{
    ALL, Holding, MemberName, Person, Roster, RosterEntry, Scope, SignedRoster, StaffNumber,
};
use tributary_protocol::round::{CoordinatorEvent, RoundDescriptor, RoundHead, SessionView};
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::parameters::CohortRule;
use tributary_protocol::time::Millis;
use tributary_storage::journal::Journal;

#[path = "../../signed_events.rs"]
mod signed_events;

use signed_events::Draft;

/// Delta of the plan.
pub(crate) const DELTA: f64 = 1e-6;
const SESSION: SessionId = SessionId([3; 32]);
const MODEL: Digest = Digest([4; 32]);
const VIEW: Digest = Digest([5; 32]);
const SUM: Digest = Digest([6; 32]);
/// Clients of the roster; the first nine survive every round.
const CLIENTS: u32 = 10;
/// The stage that is all of the plan.
const STAGE: u16 = 0;

/// The first run of a plan of one stage with so many rounds, at an epsilon of 2, which may be charged one more.
pub(crate) fn run(rounds: u32) -> Run {
    let architecture = Architecture::logistic(4, &["churn"]).unwrap();
    let update_rule = UpdateRule::Sgd { learning_rate: 0.5, momentum: 0.9 };
    let optimizer = OptimizerSettings::new(OptimizerFields { update_rule, tail_start: None }).unwrap();
    let clip =
        ClipSettings { example_clip_norm: 0.5, clip_units: 1 << 20, form: ClipForm::Exact, loss_bound: Some(4.0) };
    let privacy = PrivacyMode::Customer;
    let frame = Frame { privacy, overlap_max: 1, customers_nominal: 1000, architecture: &architecture, schema: None };
    let wanted = Wanted {
        settings: StageSettings::Gradient(GradientSettings { clip, optimizer }),
        ring: Ring::Bits64,
        rounds,
        sampling_threshold: 0,
        budget_share: 1.0,
    };
    let plan = Plan {
        name: "test".into(),
        purpose: "test".into(),
        schema: Digest([1; 32]),
        architecture: architecture.encode(),
        initial_model: ModelRef::Digest(MODEL),
        privacy,
        delta_bits: DELTA.to_bits(),
        overlap_max: 1,
        customers_nominal: 1000,
        customers_max: 2000,
        stages: priced(&frame, &[wanted], 1, Some((2.0, DELTA))).unwrap(),
        retries: 1,
        runs: 1,
        session_rounds: 64,
        cohort: CohortRule::USUAL,
        group: ALL.into(),
        round_deadline_ms: 1000,
        upload_offset_ms: 0,
        keying_deadline_ms: 1000,
        readiness: Readiness::NONE,
        retention: Retention::USUAL,
        gates: Gates::USUAL,
        schedule: Schedule { not_before: 0, not_after: 1, rhythm: Rhythm::Interval { seconds: 0 } },
        cap: Accounts { customer: RdpVector::gaussian(1_000, 1), branch: RdpVector::gaussian(1_000, 1) },
        charter: charter(),
    };
    Run::new(plan.validate().unwrap(), 1).unwrap()
}

fn charter() -> Charter {
    Charter {
        legal_basis: "consent".into(),
        assessment: Assessment { reference: "assessment".into(), document: SUM, at: 0 },
        ticket: "change".into(),
        data_assets: vec!["asset".into()],
        intended_use: "tests".into(),
        prohibited_use: "anything else".into(),
        materiality: Materiality::Low,
        review_by: 1,
        organisation: OrganisationId(1),
        agreements: Vec::new(),
        year: None,
    }
}

/// The plan's author and the privacy officer, each with the seed of a key.
const PEOPLE: [(&str, Role, u8); 2] = [("bank/e1", Role::PlanOwner, 201), ("bank/e2", Role::PrivacyOfficer, 202)];

fn people() -> Vec<Person> {
    let person = |(staff, role, seed): (&str, Role, u8)| {
        let holding = Holding { role, deputy_of: None, scope: Scope::Federation, from: 0, until: 1 };
        let signing_key = SigningKey::from_seed(&[seed; 32]).verifying_key();
        Person { staff: StaffNumber::parse(staff).unwrap(), signing_key, holdings: vec![holding] }
    };
    PEOPLE.map(person).to_vec()
}

fn approvals(run: &Run) -> Approvals {
    let [proposal, approval] = [Action::ProposePlan, Action::ApprovePlan];
    let sign = |(staff, role, seed): (&str, Role, u8), action| {
        let key = SigningKey::from_seed(&[seed; 32]);
        attest(&key, action, run.plan().digest(), SUM, &StaffNumber::parse(staff).unwrap(), role, 0).unwrap()
    };
    Approvals { proposal: sign(PEOPLE[0], proposal), approval: sign(PEOPLE[1], approval) }
}

fn key(client: ClientId) -> SigningKey {
    SigningKey::from_seed(&[u8::try_from(client.0).unwrap(); 32])
}

fn roster() -> SignedRoster {
    let entry = |number: u32| RosterEntry {
        client: ClientId(number),
        name: MemberName::new("bank", &format!("branch-{number}")).unwrap(),
        organisation: OrganisationId(1),
        signing_key: key(ClientId(number)).verifying_key(),
        tls_spki_sha256: Digest::of(&number.to_le_bytes()),
        not_after: u64::MAX,
    };
    let roster = Roster::new(1, Digest::ZERO, (1..=CLIENTS).map(entry).collect(), Vec::new(), people()).unwrap();
    SignedRoster { roster, signatures: Vec::new() }
}

/// The events of a run with ten clients that goes well, and aborts its second round once.
pub(crate) fn events(run: &Run) -> Vec<CoordinatorEvent> {
    let cohort: Vec<ClientId> = (1..=CLIENTS).map(ClientId).collect();
    let organisations = vec![OrganisationId(1); cohort.len()];
    let thresholds = run.cohort.thresholds(&organisations, cohort.len()).unwrap();
    let view = SessionView { session: SESSION, view: VIEW, thresholds };
    let mut draft = Draft::default();
    draft.add(CoordinatorEvent::RunOpened {
        plan: Box::new(run.plan().plan().clone()),
        approvals: Box::new(approvals(run)),
        number: 1,
        model: MODEL,
        begun: Millis(0),
    });
    draft.add(CoordinatorEvent::RosterAdopted { roster: Box::new(roster()), group_size: CLIENTS });
    draft.add(CoordinatorEvent::SessionOpened { session: SESSION, candidates: cohort.clone() });
    draft.add(CoordinatorEvent::SessionKeyed {
        session: SESSION,
        view: VIEW,
        cohort: cohort.clone(),
        organisations,
        thresholds,
    });
    let start = |number, model| {
        let head = RoundHead { round: RoundId(number), stage: STAGE, model };
        CoordinatorEvent::RoundStarted { descriptor: RoundDescriptor::derive(run, &view, head).unwrap() }
    };
    let mut model = MODEL;
    let rounds = run.rounds();
    // The second round is tried twice: its first attempt is charged like any other.
    for number in (1..=u64::from(rounds) + 1).filter(|number| *number != 2) {
        if number == 3 {
            draft.add(start(2, model));
            draft.add(CoordinatorEvent::RoundAborted { round: RoundId(2), reason: ClosedReason::Deadline });
        }
        let round = RoundId(number);
        let survivors: Vec<ClientId> = cohort.iter().copied().take(9).collect();
        draft.add(start(number, model));
        survivors.iter().for_each(|client| draft.admit(round, *client, (SUM, SUM), &key(*client)));
        draft.freeze(round, survivors.iter().map(|client| (*client, SUM)).collect());
        draft.certify(round, &survivors, key);
        model = Digest([u8::try_from(10 + number).unwrap(); 32]);
        draft.add(CoordinatorEvent::RoundCommitted { round, sum: SUM, model });
    }
    draft.add(CoordinatorEvent::StageConcluded { stage: STAGE, model });
    draft.add(CoordinatorEvent::SessionClosed { session: SESSION, reason: ClosedReason::Exhausted });
    draft.add(CoordinatorEvent::RunFinished { model, rounds, complete: true });
    draft.events
}

/// Writes the events of a run as the coordinator does.
pub(crate) fn write(path: &Path, run: &Run, events: Vec<CoordinatorEvent>) {
    let (mut journal, before) = Journal::open_view(path, run.id().into()).unwrap();
    assert!(!before.contains_key(&run.id().into()));
    for (at, event) in (0..).zip(events) {
        journal.append(Millis(at), event).unwrap();
    }
    journal.sync().unwrap();
}
