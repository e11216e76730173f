//! A branch that is told of models, fetches them in pieces, and deletes what was withdrawn.

mod faults;
mod heard;

use tributary_certs::budget::sign_first_use;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::grant::sign_grant;
use tributary_certs::people::attest;
use tributary_certs::suite::SigningKey;
use tributary_model::architecture::Architecture;
use tributary_model::parameters::Parameters;
use tributary_model::schema::Schema;
use tributary_protocol::plan::{Attestation, Gates, Grant, GrantSubject, GrantUses, PrivacyMode, RunRef};
use tributary_protocol::privacy::RdpVector;
use tributary_protocol::registry::{
    GatesReport, Lineage, ModelManifest, ModelStatement, ModelStep, SignedReport, SignedStatement, StatementScope,
};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::{AuthoritySignature, Roster, RosterEntry, StaffNumber};
use tributary_protocol::round::{Granted, ParticipantEvent, cast};
use tributary_protocol::secagg::suite::Suite as _;
use tributary_protocol::signed::SignedBody as _;
use tributary_storage::files::create_private_folder;

use super::used::{Ended, Use, UsedModels};
use super::*;
use crate::judge::tests::{SCHEMA, policy};
use crate::log::logged;
use crate::test_home::person;

/// Bytes of a piece of a model here, so that a small one has several.
const PIECE: usize = 7;

const NOW: Millis = Millis(1_900_000_000_000);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

/// Whose key is which.
const BRANCH: u8 = 2;
const OWNER: u8 = 1;
const AUTHORITY: u8 = 4;
const PROPOSER: u8 = 5;
const VALIDATOR: u8 = 6;

struct World {
    folder: tempfile::TempDir,
    branch: Branch<RealSuite>,
    models: Models,
}

fn staff(seed: u8) -> StaffNumber {
    StaffNumber::parse(&format!("bank/e{seed}")).unwrap()
}

fn authorities() -> (Vec<VerifyingKey>, usize) {
    (vec![key(AUTHORITY).verifying_key()], 1)
}

fn federation() -> Digest {
    let (keys, needed) = authorities();
    federation_digest(&keys, needed)
}

fn roster(epoch: u64) -> SignedRoster {
    let held = (NOW.0 / 1000 - 10, NOW.0 / 1000 + 1_000_000);
    let person = |seed, role| person(staff(seed), key(seed).verifying_key(), role, held);
    let entry = RosterEntry {
        name: MemberName::parse("bank/branch-3").unwrap(),
        signing_key: key(BRANCH).verifying_key(),
        ..cast::entry(ClientId(3))
    };
    let people = vec![person(PROPOSER, Role::PlanOwner), person(VALIDATOR, Role::ModelValidator)];
    let previous = if epoch == 1 { Digest::ZERO } else { Digest([8; 32]) };
    let roster = Roster::new(epoch, previous, vec![entry], Vec::new(), people).unwrap();
    let signature = RealSuite::sign(&key(AUTHORITY), &roster.signing_input());
    SignedRoster { roster, signatures: vec![AuthoritySignature { authority: 0, signature }] }
}

/// A grant of the owner that lets the branch keep what came of the proposer's plans for churn.
fn grant(keep_models: bool) -> Granted {
    let owner = key(OWNER);
    let grant = Grant {
        federation: federation(),
        branches: vec![MemberName::parse("bank/branch-3").unwrap()],
        subject: GrantSubject::Plans { proposer: staff(PROPOSER), purpose: "churn".into() },
        uses: GrantUses { train: true, keep_models },
        epsilon_run_bits: 1.0_f64.to_bits(),
        epsilon_year_bits: 1.0_f64.to_bits(),
        delta_bits: 1e-6_f64.to_bits(),
        runs: 1,
        fields: Vec::new(),
        not_before: 0,
        not_after: NOW.0 / 1000 + 1_000,
        nonce: [7; 16],
        owner: owner.verifying_key(),
        signature: Signature::none(),
    };
    Granted { grant: sign_grant(&owner, grant), run: RdpVector::zero(), year: RdpVector::zero(), names_fields: true }
}

fn open(folder: &Path) -> Models {
    let identity = folder.join("identity");
    create_private_folder(&identity).unwrap();
    let models = Models::open((&identity, folder), authorities(), key(BRANCH).verifying_key()).unwrap();
    Models { piece: PIECE, ..models }
}

impl World {
    fn new() -> Self {
        let schema = Schema::parse(SCHEMA).unwrap();
        let machines = policy(&schema).of_machines(key(3).verifying_key(), authorities());
        let first = sign_first_use(&key(OWNER), ("a", &[7; 32]), key(BRANCH).verifying_key(), false);
        let begun = ParticipantEvent::BudgetBegun { population: "a".into(), salt: [7; 32], first };
        let mut branch = Branch::resume(machines, schema.digest(), key(BRANCH), &[begun]).unwrap();
        branch.set_grants(vec![grant(true)]);
        let folder = tempfile::tempdir().unwrap();
        let mut models = open(folder.path());
        models.connected();
        models.shown(&branch, roster(1));
        Self { folder, branch, models }
    }

    fn hear(&mut self, told: Vec<Told>) -> Vec<ToCoordinator> {
        self.models.hear(NOW, told).unwrap();
        self.tend(NOW)
    }

    fn tend(&mut self, now: Millis) -> Vec<ToCoordinator> {
        self.models.tend(&self.branch, now).unwrap();
        self.models.take_outbox()
    }

    /// Answers what it asks for, with the bytes of this model; the notes that it sends at the end.
    fn answer(&mut self, mut asked: Vec<ToCoordinator>, bytes: &[u8]) -> Vec<ToCoordinator> {
        loop {
            let question = asked.iter().find_map(|message| match message {
                ToCoordinator::ModelPiece { model, from } => Some((*model, *from)),
                _ => None,
            });
            let Some((model, from)) = question else { return asked };
            let start = usize::try_from(from).unwrap();
            let end = bytes.len().min(start + self.models.piece);
            self.models.piece(&self.branch, NOW, (model, from, &bytes[start..end])).unwrap();
            asked = self.models.take_outbox();
        }
    }

    fn used(&self) -> Result<UsedModels, ClientError> {
        UsedModels::read_from(&self.folder.path().join("identity"), self.folder.path())
    }

    fn kept(&self, model: &Digest) -> bool {
        self.folder.path().join("models").join(model.to_string()).join("parameters").is_file()
    }
}

fn parameters(number: u32) -> Parameters {
    let architecture = Architecture::logistic(3, &["churn"]).unwrap();
    Parameters::new(architecture, vec![f32::from(u16::try_from(number).unwrap()), 0.5, 0.25, 0.125]).unwrap()
}

fn manifest(number: u32) -> ModelManifest {
    let parameters = parameters(number);
    let lineage = Lineage {
        parent: None,
        initial: Digest::ZERO,
        run: RunRef { plan: Gates::USUAL.of_plan(&TERMS), number },
        name: "monthly churn".into(),
        purpose: "churn".into(),
        privacy: PrivacyMode::Customer,
        group: "all".into(),
        owner: staff(PROPOSER),
        statement: Digest::ZERO,
        rounds: 4,
        complete: true,
    };
    ModelManifest {
        parameters: parameters.digest(),
        parameter_bytes: parameters.to_le_bytes().len() as u64,
        architecture: Architecture::logistic(3, &["churn"]).unwrap().encode(),
        schema: Digest([3; 32]),
        features: Digest([4; 32]),
        lineage,
    }
}

const TERMS: Digest = Digest([9; 32]);

fn signed_by(seed: u8, role: Role, action: Action, subject: Digest) -> Attestation {
    attest(&key(seed), action, subject, federation(), &staff(seed), role, NOW.0 / 1000).unwrap()
}

fn report(manifest: &ModelManifest) -> SignedReport {
    let report = GatesReport {
        federation: federation(),
        terms: TERMS,
        conditions: vec!["looked at again".into()],
        valid_until: NOW.0 / 1000 + 1_000_000,
        ..cast::gates_report(manifest)
    };
    let signed = signed_by(VALIDATOR, Role::ModelValidator, Action::ValidateModel, report.digest());
    SignedReport { report, signed }
}

fn told(step: ModelStep, number: u32, sequence: u64) -> Told {
    let scope = match step {
        ModelStep::Pilot => StatementScope::Branches(vec![MemberName::parse("bank/branch-3").unwrap()]),
        ModelStep::Challenge => StatementScope::Customers(1_000),
        _ => StatementScope::All,
    };
    told_to(scope, step, number, sequence)
}

fn told_to(scope: StatementScope, step: ModelStep, number: u32, sequence: u64) -> Told {
    let manifest = manifest(number);
    let report = step.needs_report().then(|| Box::new(report(&manifest)));
    let statement = ModelStatement {
        federation: federation(),
        step,
        model: manifest.digest(),
        purpose: "churn".into(),
        sequence,
        scope,
        evidence: report.as_ref().map_or(Digest::ZERO, |report| report.report.digest()),
        reason: "better".into(),
    };
    let sign = |seed, role| signed_by(seed, role, step.action(), statement.digest());
    let (first, second) = (sign(PROPOSER, Role::PlanOwner), sign(VALIDATOR, Role::ModelValidator));
    Told { manifest, statement: SignedStatement { statement, first, second, report } }
}

/// The states of copies that were told, with the signatures verified.
fn notes(messages: &[ToCoordinator]) -> Vec<(Digest, CopyState)> {
    let note = |message: &ToCoordinator| match message {
        ToCoordinator::Copy(note) => {
            let signed = RealSuite::verify(&key(BRANCH).verifying_key(), &note.to_sign::<RealSuite>(), &note.signature);
            assert!(signed && note.client == ClientId(3) && note.federation == federation());
            Some((note.model, note.state))
        }
        _ => None,
    };
    messages.iter().filter_map(note).collect()
}

#[test]
fn a_champion_is_fetched_in_pieces_and_told_of() {
    let mut world = World::new();
    let (model, bytes) = (manifest(1).digest(), parameters(1).to_le_bytes());
    let asked = world.hear(vec![told(ModelStep::Promote, 1, 1)]);
    assert_eq!(asked, [ToCoordinator::ModelPiece { model, from: 0 }]);
    assert!(world.tend(NOW).is_empty(), "it waits for the answer");
    assert!(bytes.len() > 2 * PIECE && !bytes.len().is_multiple_of(PIECE), "the last piece is a short one");
    let said = world.answer(asked, &bytes);
    assert!(world.kept(&model));
    assert_eq!(notes(&said), [(model, CopyState::Kept)]);
    let file = std::fs::read(world.folder.path().join("models").join(model.to_string()).join("parameters")).unwrap();
    assert_eq!(file[16..], bytes);
    // It is told once on each link, and fetched once.
    assert!(world.hear(vec![told(ModelStep::Promote, 1, 1)]).is_empty());
    world.models.connected();
    world.models.shown(&world.branch, roster(1));
    assert_eq!(notes(&world.hear(vec![told(ModelStep::Promote, 1, 1)])), [(model, CopyState::Kept)]);
    // Another process finds it.
    let folder = world.folder.path().to_path_buf();
    drop(std::mem::replace(&mut world.models, open(tempfile::tempdir().unwrap().path())));
    let models = open(&folder);
    assert_eq!(models.state.kept(), [model]);
}

#[test]
fn a_withdrawn_model_is_deleted_acknowledged_and_never_fetched_again() {
    let mut world = World::new();
    let (model, bytes) = (manifest(1).digest(), parameters(1).to_le_bytes());
    let asked = world.hear(vec![told(ModelStep::Promote, 1, 1)]);
    world.answer(asked, &bytes);
    assert!(world.kept(&model));
    let said = world.hear(vec![told(ModelStep::Withdraw, 1, 2)]);
    assert!(!world.kept(&model));
    assert_eq!(notes(&said), [(model, CopyState::Refused)]);
    assert_eq!(said.len(), 1, "nothing is asked for");
    let deleted = world.models.take_reports();
    assert!(deleted.iter().any(|report| matches!(report, Report::ModelDeleted { withdrawn: true, .. })));
    assert!(world.hear(vec![told(ModelStep::Promote, 1, 3), told(ModelStep::RollBack, 1, 4)]).is_empty());
    // A model that it never had is acknowledged as well, and refused from then on.
    let other = manifest(2).digest();
    assert_eq!(notes(&world.hear(vec![told(ModelStep::Withdraw, 2, 5)])), [(other, CopyState::Refused)]);
    // For ever: another process does not know it otherwise.
    let folder = world.folder.path().to_path_buf();
    drop(std::mem::replace(&mut world.models, open(tempfile::tempdir().unwrap().path())));
    world.models = open(&folder);
    world.models.shown(&world.branch, roster(1));
    let said = world.hear(vec![told(ModelStep::Promote, 1, 9)]);
    assert_eq!(notes(&said).len(), 2, "both are refused");
    assert_eq!(said.len(), 2, "nothing is asked for: {said:?}");
}

#[test]
fn only_what_the_owner_granted_is_kept() {
    let mut world = World::new();
    world.branch.set_grants(vec![grant(false)]);
    // Learning alone is granted: it follows the statement, and fetches nothing.
    let said = world.hear(vec![told(ModelStep::Promote, 1, 1)]);
    assert_eq!((notes(&said), said.len()), (vec![(manifest(1).digest(), CopyState::Absent)], 1));
    world.branch.set_grants(vec![grant(true)]);
    world.models.grants_changed();
    let asked = world.tend(NOW);
    assert_eq!(asked.len(), 1);
    let (model, bytes) = (manifest(1).digest(), parameters(1).to_le_bytes());
    world.answer(asked, &bytes);
    assert!(world.kept(&model));
    // The grant ends; without any word of the coordinator the model goes.
    let said = world.tend(NOW.plus(2_000_000));
    assert_eq!(notes(&said), [(model, CopyState::Deleted)]);
    assert!(!world.kept(&model));
    let deleted = world.models.take_reports();
    assert!(deleted.iter().any(|report| matches!(report, Report::ModelDeleted { withdrawn: false, .. })));
}

#[test]
fn what_the_coordinator_lies_about_is_not_kept() {
    let model = manifest(1).digest();
    let bytes = parameters(1).to_le_bytes();
    // Other parameters, a piece that is longer or shorter than those of every other model, none: byte by byte a model would be asked for for ever.
    let mut changed = bytes.clone();
    changed[1] ^= 1;
    let lies: [&[&[u8]]; 6] = [
        &changed.chunks(PIECE).collect::<Vec<_>>(),
        &[&bytes[..PIECE + 1]],
        &[&bytes[..PIECE - 1]],
        &[&bytes[..1]],
        &[&bytes[..PIECE], &bytes[PIECE..PIECE + 1]],
        &[&[]],
    ];
    for lie in lies {
        let mut world = World::new();
        let mut asked = world.hear(vec![told(ModelStep::Promote, 1, 1)]);
        for piece in lie {
            let [ToCoordinator::ModelPiece { from, .. }] = *asked.as_slice() else { panic!("{asked:?}") };
            world.models.piece(&world.branch, NOW, (model, from, piece)).unwrap();
            asked = world.models.take_outbox();
        }
        assert!(!world.kept(&model) && asked.is_empty(), "it asks no more: {lie:?}");
        // Nor does it take what comes unasked.
        world.models.piece(&world.branch, NOW, (model, 0, &bytes[..PIECE])).unwrap();
        assert_eq!(world.models.take_outbox(), []);
        // It is asked for again later, and the true one is kept.
        let asked = world.tend(NOW.plus(LOOK_EVERY_MS));
        world.answer(asked, &bytes);
        assert!(world.kept(&model));
    }
    // The last piece is as long as what lacks.
    let mut world = World::new();
    let asked = world.hear(vec![told(ModelStep::Promote, 1, 1)]);
    let said = world.answer(asked, &[bytes.clone(), vec![0]].concat());
    assert!(!world.kept(&model) && said.is_empty());
    // Pieces that nobody asked for.
    let mut world = World::new();
    world.models.piece(&world.branch, NOW, (model, 0, &bytes)).unwrap();
    world.hear(vec![told(ModelStep::Promote, 1, 1)]);
    world.models.piece(&world.branch, NOW, (model, 4, &bytes[4..])).unwrap();
    world.models.piece(&world.branch, NOW, (Digest::ZERO, 0, &bytes)).unwrap();
    assert!(!world.kept(&model));
    // An answer that never comes is asked for again.
    assert_eq!(world.tend(NOW.plus(PIECE_WITHIN_MS)), [ToCoordinator::ModelPiece { model, from: 0 }]);
}

/// The file that says what is kept could not be written, or a process ended before that. What lies in the model's place then is not the model's.
#[test]
fn a_model_takes_the_place_of_what_no_ledger_names() {
    let mut world = World::new();
    let (model, bytes) = (manifest(1).digest(), parameters(1).to_le_bytes());
    let asked = world.hear(vec![told(ModelStep::Promote, 1, 1)]);
    let place = world.folder.path().join("models").join(model.to_string());
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("half"), "half of a model").unwrap();
    let said = world.answer(asked, &bytes);
    assert_eq!(notes(&said), [(model, CopyState::Kept)]);
    assert!(world.kept(&model) && !place.join("half").exists());
}

#[test]
fn statements_and_rosters_that_prove_nothing_are_not_believed() {
    let mut world = World::new();
    let mut forged = told(ModelStep::Promote, 1, 1);
    forged.statement.second.at += 1;
    assert!(world.hear(vec![forged]).is_empty());
    // Without a roster nothing counts; one that nobody signed is none, and an older one neither.
    let folder = tempfile::tempdir().unwrap();
    let mut world = World { models: open(folder.path()), ..World::new() };
    assert!(world.hear(vec![told(ModelStep::Promote, 1, 1)]).is_empty());
    let unsigned = SignedRoster { signatures: Vec::new(), ..roster(1) };
    world.models.shown(&world.branch, unsigned);
    assert!(world.hear(vec![told(ModelStep::Promote, 1, 1)]).is_empty());
    world.models.shown(&world.branch, roster(2));
    world.models.shown(&world.branch, roster(1));
    assert_eq!(world.models.roster.as_ref().map(|(roster, ..)| roster.roster.epoch()), Some(2));
    assert_eq!(world.hear(vec![told(ModelStep::Promote, 1, 1)]).len(), 1);
    // Of hundreds of them in one message two lines tell.
    let mut forged = told(ModelStep::Promote, 2, 2);
    forged.statement.second.signature = Signature::none();
    let (said, log) = logged(|| world.hear(vec![forged; 300]));
    assert!(said.is_empty() && log.lines().count() == 2, "{log}");
    let stranger = SigningKey::generate(&mut OsEntropy);
    let folder = tempfile::tempdir().unwrap();
    let mut elsewhere = Models::open((folder.path(), folder.path()), authorities(), stranger.verifying_key()).unwrap();
    elsewhere.shown(&world.branch, roster(1));
    assert!(elsewhere.roster.is_none(), "it is not in the roster");
}

/// What a crash left between file and ledger is put in order at the next start.
#[test]
fn folders_without_an_entry_go_and_entries_without_a_folder_are_fetched_again() {
    let mut world = World::new();
    let (model, bytes) = (manifest(1).digest(), parameters(1).to_le_bytes());
    let asked = world.hear(vec![told(ModelStep::Promote, 1, 1)]);
    world.answer(asked, &bytes);
    let folder = world.folder.path().to_path_buf();
    drop(std::mem::replace(&mut world.models, open(tempfile::tempdir().unwrap().path())));
    let models = folder.join("models");
    for stray in [".draft-1", "half", &Digest::ZERO.to_string()] {
        std::fs::create_dir(models.join(stray)).unwrap();
    }
    std::fs::remove_dir_all(models.join(model.to_string())).unwrap();
    world.models = open(&folder);
    assert_eq!(std::fs::read_dir(&models).unwrap().count(), 1, "the ledger alone");
    world.models.shown(&world.branch, roster(1));
    let asked = world.hear(Vec::new());
    assert!(asked.contains(&ToCoordinator::ModelPiece { model, from: 0 }), "{asked:?}");
}

/// Whoever scores, makes lists or exports reads which models are used, and which are not any more.
#[test]
fn what_is_used_here_is_read_from_the_ledger() {
    let mut world = World::new();
    let read = |world: &World| world.used().unwrap();
    let used = |models: &UsedModels| models.champion("churn").map(|used| (used.model, used.used, used.kept));
    let [one, two, three] = [1, 2, 3].map(|number| manifest(number).digest());
    assert!(used(&read(&world)).is_none() && read(&world).purposes().is_empty(), "nothing was told");
    let asked = world.hear(vec![told(ModelStep::Promote, 1, 1)]);
    assert_eq!(used(&read(&world)), Some((one, Use::Champion, false)));
    world.answer(asked, &parameters(1).to_le_bytes());
    let models = read(&world);
    assert_eq!((used(&models), models.purposes()), (Some((one, Use::Champion, true)), vec!["churn".to_owned()]));
    let champion = models.champion("churn").unwrap();
    assert_eq!((champion.since, champion.valid_until), (NOW.0 / 1000, NOW.0 / 1000 + 1_000_000));
    assert_eq!(champion.conditions, ["looked at again".into()]);
    assert!(models.folder(&one).join("parameters").is_file() && models.champion("deposit").is_none());
    // A pilot of others is none here.
    let others = StatementScope::Branches(vec![MemberName::parse("bank/branch-4").unwrap()]);
    world.hear(vec![told_to(others, ModelStep::Pilot, 2, 2)]);
    assert_eq!(used(&read(&world)), Some((one, Use::Champion, true)));
    let asked = world.hear(vec![told(ModelStep::Pilot, 2, 3)]);
    world.answer(asked, &parameters(2).to_le_bytes());
    assert_eq!(used(&read(&world)), Some((two, Use::Pilot, true)));
    let asked = world.hear(vec![told(ModelStep::Challenge, 3, 4)]);
    world.answer(asked, &parameters(3).to_le_bytes());
    let models = read(&world);
    assert_eq!(models.challenger("churn").map(|used| (used.model, used.used)), Some((three, Use::Challenger(1_000))));
    let turns = (0..1_000_u32)
        .filter(|customer| models.model_of_customer("churn", &[1; 32], &customer.to_le_bytes()) == Some(three));
    assert!((60..140).contains(&turns.count()));
    // Both end: the champion never went.
    world.hear(vec![told(ModelStep::Withdraw, 2, 5), told(ModelStep::Retire, 3, 6)]);
    let models = read(&world);
    let now = NOW.0 / 1000;
    assert_eq!(
        [two, three].map(|model| models.ended(&model)),
        [Some(Ended::Withdrawn(now)), Some(Ended::Retired(now))]
    );
    assert!(models.is_withdrawn(&two) && !models.is_withdrawn(&three) && models.ended(&one).is_none());
    assert_eq!((used(&models), models.challenger("churn")), (Some((one, Use::Champion, true)), None));
    assert!(!world.kept(&two) && !world.kept(&three) && world.kept(&one));
}
