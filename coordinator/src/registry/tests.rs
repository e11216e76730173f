//! Folders and journal of a registry.

use std::fs;
use std::path::PathBuf;

use tributary_certs::entropy::OsEntropy;
use tributary_certs::model::{StatementFile, StatementSignFault};
use tributary_certs::people::attest;
use tributary_certs::suite::SigningKey;
use tributary_planning::settings::PlanSettings;
use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::plan::Attestation;
use tributary_protocol::registry::{CopyState, ModelStatement};
use tributary_protocol::role::Role;
use tributary_protocol::roster::{Holding, MemberName, Person, Roster, RosterEntry, Scope, StaffNumber};
use tributary_protocol::secagg::suite::{Signature, Suite as _};
use tributary_protocol::signed::SignedBody as _;
use tributary_protocol::time::Millis;
use tributary_storage::journal::read_view;

use super::*;
use crate::run::job::Job;
use crate::run::job::tests::{job, settings};

const FEDERATION: Digest = Digest([5; 32]);

struct World {
    folder: tempfile::TempDir,
    keys: Vec<(StaffNumber, Role, SigningKey)>,
    branch: SigningKey,
    roster: SignedRoster,
}

impl World {
    fn new(job: &Job) -> Self {
        let owner = job.approvals.proposal.staff.clone();
        let validator = StaffNumber::parse("north-bank/e9").unwrap();
        let roles = [(owner, Role::PlanOwner), (validator, Role::ModelValidator)];
        let keys = roles.map(|(staff, role)| (staff, role, SigningKey::generate(&mut OsEntropy)));
        let branch = SigningKey::generate(&mut OsEntropy);
        let mut people: Vec<Person> = keys
            .iter()
            .map(|(staff, role, key)| Person {
                staff: staff.clone(),
                signing_key: key.verifying_key(),
                holdings: vec![Holding {
                    role: *role,
                    deputy_of: None,
                    scope: Scope::Federation,
                    from: unix_seconds() - 10,
                    until: unix_seconds() + 1_000,
                }],
            })
            .collect();
        people.sort_by(|one, other| one.staff.cmp(&other.staff));
        let entry = RosterEntry {
            client: ClientId(1),
            name: MemberName::parse("north-bank/branch-01").unwrap(),
            organisation: OrganisationId(1),
            signing_key: branch.verifying_key(),
            tls_spki_sha256: Digest([1; 32]),
            not_after: u64::MAX,
        };
        let roster = Roster::new(1, Digest::ZERO, vec![entry], Vec::new(), people).unwrap();
        let roster = SignedRoster { roster, signatures: Vec::new() };
        Self { folder: tempfile::tempdir().unwrap(), keys: keys.into(), branch, roster }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The journal and the registry, as a process finds them.
    fn open(&self) -> (Journal<CoordinatorEvent>, Registry) {
        let path = self.state().join("audit.log");
        let (mut journal, _) = Journal::open_view(&path, LedgerId([1; 32])).unwrap();
        let events = journal.administration().unwrap();
        let registry = Registry::open(&self.state(), FEDERATION, &events).unwrap();
        (journal, registry)
    }

    fn signed(&self, registry: &Registry, step: ModelStep, model: &Digest) -> SignedStatement {
        let known = &registry.record().models[model];
        let purpose = known.manifest.lineage.purpose.clone();
        let statement = ModelStatement {
            federation: FEDERATION,
            step,
            model: *model,
            sequence: registry.record().next_sequence(&purpose),
            purpose,
            evidence: Digest([7; 32]),
            reason: "because".into(),
        };
        let subject = statement.digest();
        let sign = |place: usize| -> Attestation {
            let (staff, role, key) = &self.keys[place];
            attest(key, step.action(), subject, FEDERATION, staff, *role, unix_seconds()).unwrap()
        };
        let (first, second) = (sign(0), sign(1));
        SignedStatement { statement, first, second }
    }
}

/// The events of a run that ended, as far as a registry looks at them: no stage at all was summed by anybody.
fn ended(job: &Job) -> Vec<CoordinatorEvent> {
    let model = job.initial.digest();
    let opened = CoordinatorEvent::RunOpened {
        plan: Box::new(job.plan().plan().clone()),
        approvals: Box::new(job.approvals.clone()),
        number: job.run.reference().number,
        model,
        begun: Millis(0),
    };
    Vec::from([opened])
}

/// A release whose parameters differ by this number, put in place of a run's.
fn contents(registry: &Registry, job: &Job, number: u32) -> Contents {
    let job = job.later(number, None).unwrap();
    let mut values = job.initial.values().to_vec();
    values[0] += f32::from(u16::try_from(number).unwrap());
    let parameters = Parameters::new(job.planned.architecture().clone(), values).unwrap();
    let lineage = Lineage {
        parent: registry.record().of_parameters(&job.initial.digest()).map(|parent| parent.manifest.digest()),
        initial: job.initial.digest(),
        run: job.run.reference(),
        name: job.plan().name.clone(),
        purpose: job.plan().purpose.clone(),
        privacy: job.plan().privacy,
        group: job.plan().group.clone(),
        owner: job.approvals.proposal.staff.clone(),
        statement: Digest::of(b"statement"),
        rounds: 3,
        complete: true,
    };
    let bytes = parameters.to_le_bytes();
    let manifest = ModelManifest {
        parameters: parameters.digest(),
        parameter_bytes: bytes.len() as u64,
        architecture: job.plan().architecture.clone(),
        schema: job.plan().schema,
        features: Digest::of(b"features"),
        lineage,
    };
    Contents {
        manifest,
        parameters: bytes,
        architecture: job.planned.architecture().clone(),
        schema: job.planned.schema().unwrap().encode(),
        features: b"features".to_vec(),
        statement_json: b"statement".to_vec(),
        statement_text: "statement".into(),
    }
}

/// A branch's word about its copy, signed as it stands.
fn noted(key: &SigningKey, mut note: CopyNote) -> CopyNote {
    note.signature = RealSuite::sign(key, &note.to_sign::<RealSuite>());
    note
}

fn several() -> Job {
    let mut settings = PlanSettings { ..settings() };
    settings.schedule.runs_max = 5;
    job(&settings)
}

fn registered(world: &World, job: &Job, number: u32) -> Digest {
    let (mut journal, mut registry) = world.open();
    let contents = contents(&registry, job, number);
    let digest = contents.manifest.digest();
    registry.folder.add(&digest, &contents).unwrap();
    registry.append(&mut journal, RegistryEvent::ModelRegistered { manifest: Box::new(contents.manifest) }).unwrap();
    digest
}

#[test]
fn a_run_that_is_not_over_registers_nothing() {
    let job = several();
    let world = World::new(&job);
    let (mut journal, mut registry) = world.open();
    let events = ended(&job);
    let release = Release { events: &events, planned: &job.planned, parameters: &job.initial, features: Vec::new() };
    let refused = registry.register(&mut journal, &release).unwrap_err();
    assert!(matches!(refused, RegistryError::Unfinished), "{refused}");
}

#[test]
fn models_are_promoted_told_of_and_read_in_pieces() {
    let job = several();
    let world = World::new(&job);
    let [one, two] = [1, 2].map(|number| registered(&world, &job, number));
    let (mut journal, mut registry) = world.open();
    assert!(registry.told().is_empty(), "branches hear nothing of candidates");
    assert_eq!(registry.piece(&one, 0).unwrap(), None, "and are given none");
    let statement = world.signed(&registry, ModelStep::Promote, &one);
    assert!(registry.take(&mut journal, &world.roster, statement.clone()).unwrap());
    assert!(
        !registry.take(&mut journal, &world.roster, statement.clone()).unwrap(),
        "files come again with every start"
    );
    let [told] = registry.told().try_into().unwrap();
    assert_eq!((told.manifest.digest(), &told.statement), (one, &statement));
    let whole = fs::read(registry.parameters_file(&one)).unwrap()[16..].to_vec();
    assert_eq!(registry.piece(&one, 0).unwrap(), Some(whole.clone()));
    assert_eq!(registry.piece(&one, 4).unwrap(), Some(whole[4..].to_vec()));
    assert_eq!(registry.piece(&one, whole.len() as u64).unwrap(), None);
    assert_eq!(registry.piece(&two, 0).unwrap(), None);
    // A statement of before does not count any more, nor one that a stranger signed.
    let mut forged = world.signed(&registry, ModelStep::Promote, &two);
    forged.second.at += 1;
    let refused = registry.take(&mut journal, &world.roster, forged).unwrap_err();
    assert!(refused.to_string().contains("second signature"), "{refused}");
    for (step, model) in [(ModelStep::Promote, &two), (ModelStep::RollBack, &one), (ModelStep::Withdraw, &two)] {
        let statement = world.signed(&registry, step, model);
        assert!(registry.take(&mut journal, &world.roster, statement).unwrap(), "{step:?}");
    }
    let told: Vec<_> =
        registry.told().iter().map(|told| (told.manifest.digest(), told.statement.statement.step)).collect();
    assert_eq!(told, [(one, ModelStep::RollBack), (two, ModelStep::Withdraw)]);
    // A branch acknowledges; somebody else does not.
    let withdrawal = registry.told()[1].statement.statement.digest();
    let note = CopyNote {
        federation: FEDERATION,
        client: ClientId(1),
        model: two,
        state: CopyState::Refused,
        statement: withdrawal,
        at: 9,
        signature: Signature::none(),
    };
    for lie in [
        note.clone(),
        noted(&world.branch, CopyNote { client: ClientId(2), ..note.clone() }),
        noted(&world.branch, CopyNote { federation: Digest::ZERO, ..note.clone() }),
        noted(&SigningKey::generate(&mut OsEntropy), note.clone()),
    ] {
        assert!(!registry.note(&mut journal, &world.roster, lie).unwrap());
    }
    let note = noted(&world.branch, note);
    assert!(registry.note(&mut journal, &world.roster, note.clone()).unwrap());
    assert!(!registry.note(&mut journal, &world.roster, note).unwrap(), "once");
    assert_eq!(registry.record().copy(&two, ClientId(1)), Some(CopyState::Refused));
    // Another process finds the same.
    let before = registry.record().clone();
    drop((journal, registry));
    assert_eq!(world.open().1.record(), &before);
    let events = read_view::<RegistryEvent>(&world.state().join("audit.log"), LedgerId::ADMINISTRATION).unwrap();
    assert_eq!(events.len(), 8, "two models, a roster, four statements, one note");
}

/// Not even the roster is noted for somebody who is not in it.
#[test]
fn a_strangers_word_about_a_copy_leaves_no_entry() {
    let job = several();
    let world = World::new(&job);
    let model = registered(&world, &job, 1);
    let (mut journal, mut registry) = world.open();
    let note = CopyNote {
        federation: FEDERATION,
        client: ClientId(2),
        model,
        state: CopyState::Kept,
        statement: Digest::ZERO,
        at: 9,
        signature: Signature::none(),
    };
    let elsewhere = CopyNote { federation: Digest::ZERO, client: ClientId(1), ..note.clone() };
    for lie in [note, elsewhere] {
        assert!(!registry.note(&mut journal, &world.roster, noted(&world.branch, lie)).unwrap());
    }
    drop((journal, registry));
    let events = read_view::<RegistryEvent>(&world.state().join("audit.log"), LedgerId::ADMINISTRATION).unwrap();
    assert_eq!(events.len(), 1, "the model alone");
}

#[test]
fn runs_begin_from_registered_models() {
    let job = several();
    let world = World::new(&job);
    let one = registered(&world, &job, 1);
    let (mut journal, mut registry) = world.open();
    let parameters = registry.record().models[&one].manifest.parameters;
    let plan = |initial_model| Plan { initial_model, ..job.plan().plan().clone() };
    let begin = |registry: &Registry, plan: &Plan| {
        registry.initial(plan, &job.planned).map(|initial| initial.map(|initial| initial.digest()))
    };
    assert!(begin(&registry, &plan(ModelRef::Zero)).unwrap().is_none());
    let found = begin(&registry, &plan(ModelRef::Digest(parameters))).unwrap();
    assert_eq!(found, Some(parameters));
    let none = begin(&registry, &plan(ModelRef::Champion)).unwrap_err().to_string();
    assert!(none.contains("this registry has none") && none.contains("model promote"), "{none}");
    let statement = world.signed(&registry, ModelStep::Promote, &one);
    registry.take(&mut journal, &world.roster, statement).unwrap();
    assert_eq!(begin(&registry, &plan(ModelRef::Champion)).unwrap(), Some(parameters));
    // Of another purpose, network or schema.
    let other = Plan { purpose: "other".into(), ..plan(ModelRef::Champion) };
    assert!(matches!(begin(&registry, &other), Err(RegistryError::NoChampion { .. })));
    let other = Plan { schema: Digest::ZERO, ..plan(ModelRef::Champion) };
    assert!(matches!(begin(&registry, &other), Err(RegistryError::OtherShape { .. })));
    assert!(matches!(begin(&registry, &plan(ModelRef::Digest(Digest::ZERO))), Err(RegistryError::NoModel { .. })));
    // A file that was changed is not used.
    let file = registry.parameters_file(&one);
    let whole = fs::read(&file).unwrap();
    let mut changed = whole.clone();
    changed[20] ^= 1;
    fs::write(&file, changed).unwrap();
    assert!(matches!(begin(&registry, &plan(ModelRef::Champion)), Err(RegistryError::Changed(_))));
    fs::write(&file, whole).unwrap();
    // A withdrawn model begins nothing.
    let statement = world.signed(&registry, ModelStep::Withdraw, &one);
    registry.take(&mut journal, &world.roster, statement).unwrap();
    assert!(matches!(begin(&registry, &plan(ModelRef::Digest(parameters))), Err(RegistryError::NoModel { .. })));
    assert!(matches!(begin(&registry, &plan(ModelRef::Champion)), Err(RegistryError::NoChampion { .. })));
}

/// A crash leaves a whole folder or none; what is half made is made anew.
#[test]
fn a_folder_is_whole_or_not_there() {
    let job = several();
    let world = World::new(&job);
    let (_, registry) = world.open();
    let contents = contents(&registry, &job, 1);
    let digest = contents.manifest.digest();
    let draft = world.state().join("registry").join(format!(".draft-{digest}"));
    fs::create_dir(&draft).unwrap();
    fs::write(draft.join("parameters"), "half").unwrap();
    registry.folder.add(&digest, &contents).unwrap();
    assert!(!draft.exists());
    assert_eq!(registry.folder.manifest(&digest).unwrap(), contents.manifest);
    for name in ["architecture.json", "features.json", "lineage.json", "schema", "statement.json", "statement.txt"] {
        assert!(fs::metadata(registry.folder.of(&digest).join(name)).unwrap().len() > 0, "{name}");
    }
    assert_eq!(Digest::of(&fs::read(registry.folder.of(&digest).join("schema")).unwrap()), contents.manifest.schema);
    // Again it is left as it is, and one that was changed is a fault.
    registry.folder.add(&digest, &contents).unwrap();
    let manifest = registry.folder.of(&digest).join("manifest");
    let mut bytes = fs::read(&manifest).unwrap();
    bytes[20] ^= 1;
    fs::write(&manifest, bytes).unwrap();
    assert!(matches!(registry.folder.add(&digest, &contents), Err(RegistryError::Changed(_))));
    fs::create_dir(&draft).unwrap();
    drop(registry);
    RegistryFolder::open(&world.state()).unwrap();
    assert!(!draft.exists(), "what a crash left is removed at the next start");
}

#[test]
fn statements_are_taken_up_from_their_folder_in_order() {
    let job = several();
    let world = World::new(&job);
    let one = registered(&world, &job, 1);
    let (mut journal, mut registry) = world.open();
    let folder = world.state().join("statements");
    let mut looks = StatementsFolder::of(&world.state());
    assert!(looks.new_ones().is_empty(), "there is no folder yet");
    tributary_storage::files::create_private_folder(&folder).unwrap();
    let manifest = registry.record().models[&one].manifest.clone();
    let write = |name: &str, signed: &SignedStatement, signatures: usize| {
        let mut file = StatementFile::new(manifest.clone(), signed.statement.clone());
        file.signatures = signed.signatures().take(signatures).cloned().collect();
        file.write(&folder.join(name)).unwrap();
    };
    let first = world.signed(&registry, ModelStep::Promote, &one);
    registry.take(&mut journal, &world.roster, first.clone()).unwrap();
    let second = world.signed(&registry, ModelStep::Retire, &one);
    write("a.statement", &second, 2);
    write("b.statement", &first, 2);
    write("c.statement", &second, 1);
    fs::write(folder.join("d.statement"), "nothing\n").unwrap();
    fs::write(folder.join("notes.txt"), "nothing\n").unwrap();
    assert_eq!(looks.new_ones(), [first, second]);
    assert!(looks.new_ones().is_empty());
}

/// What nobody could sign, or no coordinator takes, is not handed to people.
#[test]
fn a_statement_is_made_when_people_can_sign_it() {
    let job = several();
    let world = World::new(&job);
    let one = registered(&world, &job, 1).to_string();
    let (_, registry) = world.open();
    let report = world.folder.path().join("gates.json");
    fs::write(&report, "passed").unwrap();
    let (report, record) = (Some(report.as_path()), registry.record());
    let made =
        |step, evidence, reason| view::drafted(record, FEDERATION, &Draft { step, model: &one, evidence, reason });
    let refused = |step, evidence, reason| match made(step, evidence, reason) {
        Err(RegistryError::Unsignable(fault)) => fault,
        other => panic!("{other:?}"),
    };
    let file = made(ModelStep::Promote, report, "better").unwrap();
    assert_eq!((file.statement.evidence, file.signatures), (Digest::of(b"passed"), Vec::new()));
    assert!(made(ModelStep::Withdraw, None, "biased").is_ok());
    let long = "x".repeat(601);
    for reason in [long.as_str(), "", "two\nlines", "a\u{202e}b"] {
        assert_eq!(refused(ModelStep::Promote, report, reason), StatementSignFault::Reason, "{reason:?}");
    }
    for step in [ModelStep::Promote, ModelStep::Challenge] {
        assert_eq!(refused(step, None, "better"), StatementSignFault::NoEvidence);
    }
}
