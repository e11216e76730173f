//! Folders and journal of a registry.

mod doubted;
mod durable;
mod exports;
mod lines;
mod papers;
mod told;

use std::fs;

use tributary_certs::entropy::OsEntropy;
use tributary_certs::gates::ReportFile;
use tributary_certs::model::{StatementFile, StatementSignFault};
use tributary_certs::people::attest;
use tributary_certs::suite::SigningKey;
use tributary_planning::settings::PlanSettings;
use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::plan::{Attestation, Gates, ModelRef};
use tributary_protocol::registry::{
    CopyState, GatesReport, ModelStatement, ModelStep, SignedReport, StatementFault, StatementScope,
};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::{Holding, MemberName, Person, Roster, RosterEntry, Scope, StaffNumber};
use tributary_protocol::secagg::suite::{Signature, Suite as _};
use tributary_protocol::signed::SignedBody as _;
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
    terms: Digest,
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
        let terms = job.plan().terms_digest();
        Self { folder: tempfile::tempdir().unwrap(), keys: keys.into(), branch, roster, terms }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The journal and the registry, as a process finds them.
    fn open(&self) -> (Journal<CoordinatorEvent>, Registry) {
        self.found().unwrap()
    }

    fn found(&self) -> Result<(Journal<CoordinatorEvent>, Registry), RegistryError> {
        let (mut journal, _) = Journal::open_view(&self.state().join("audit.log"), LedgerId([1; 32]))?;
        let events = journal.administration()?;
        let key = Arc::new(SigningKey::from_seed(&[9; 32]));
        Ok((journal, Registry::open(&self.state(), (FEDERATION, key), &events)?))
    }

    fn signed(&self, registry: &Registry, step: ModelStep, model: &Digest) -> SignedStatement {
        let known = &registry.record().models[model];
        let purpose = known.manifest.lineage.purpose.clone();
        let promoted = known.last(ModelStep::Promote).and_then(|promoted| promoted.report.as_deref().cloned());
        let report = promoted.unwrap_or_else(|| self.report(&known.manifest));
        let statement = ModelStatement {
            federation: FEDERATION,
            step,
            model: *model,
            sequence: registry.record().next_sequence(&purpose),
            purpose,
            scope: StatementScope::All,
            evidence: if step.needs_report() { report.report.digest() } else { Digest::ZERO },
            reason: "because".into(),
        };
        let subject = statement.digest();
        let (first, second) = (self.attested(0, step.action(), subject), self.attested(1, step.action(), subject));
        SignedStatement { statement, first, second, report: step.needs_report().then(|| Box::new(report)) }
    }

    fn attested(&self, place: usize, action: Action, subject: Digest) -> Attestation {
        let (staff, role, key) = &self.keys[place];
        attest(key, action, subject, FEDERATION, staff, *role, unix_seconds()).unwrap()
    }

    /// A report that a validator has signed, always the same one of a model.
    fn report(&self, manifest: &ModelManifest) -> SignedReport {
        let report = GatesReport {
            federation: FEDERATION,
            model: manifest.digest(),
            terms: self.terms,
            gates: Gates::USUAL,
            statement: manifest.lineage.statement,
            card: Digest([7; 32]),
            champion: None,
            figures: Vec::new(),
            made: 5,
            findings: "sound".into(),
            conditions: Vec::new(),
            valid_until: unix_seconds() / 1_000_000 * 1_000_000 + 2_000_000,
        };
        let signed = self.attested(1, Action::ValidateModel, report.digest());
        SignedReport { report, signed }
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
    registered_in((&mut journal, &mut registry), job, number)
}

fn registered_in(
    (journal, registry): (&mut Journal<CoordinatorEvent>, &mut Registry),
    job: &Job,
    number: u32,
) -> Digest {
    let contents = contents(registry, job, number);
    let digest = contents.manifest.digest();
    registry.folder.add(&digest, &contents).unwrap();
    registry.append(journal, RegistryEvent::ModelRegistered { manifest: Box::new(contents.manifest) }).unwrap();
    digest
}

#[test]
fn a_run_that_is_not_over_registers_nothing() {
    let job = several();
    let world = World::new(&job);
    let (mut journal, mut registry) = world.open();
    let events = ended(&job);
    let (parameters, features, ended) = (&job.initial, Vec::new(), Millis(0));
    let release = Release { events: &events, planned: &job.planned, parameters, features, ended };
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
        assert!(!registry.note(&mut journal, &world.roster, (lie.client, lie)).unwrap());
    }
    let note = noted(&world.branch, note);
    let mut hears = |client: u32| registry.note(&mut journal, &world.roster, (ClientId(client), note.clone())).unwrap();
    assert!(!hears(2), "another client passes it on");
    assert!(hears(1));
    assert!(!hears(1), "once");
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
        assert!(!registry.note(&mut journal, &world.roster, (lie.client, noted(&world.branch, lie))).unwrap());
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
        let mut file =
            StatementFile::new(manifest.clone(), signed.statement.clone(), signed.report.as_deref().cloned());
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
    let one = registered(&world, &job, 1);
    let (mut journal, mut registry) = world.open();
    let manifest = registry.record().models[&one].manifest.clone();
    let file = |name: &str, report: &SignedReport, signed: bool| {
        let path = world.folder.path().join(name);
        let signature = signed.then(|| report.signed.clone());
        let file = ReportFile { manifest: manifest.clone(), report: report.report.clone(), signed: signature };
        file.write(&path).unwrap();
        path
    };
    let good = world.report(&manifest);
    let (report, bare) = (file("good", &good, true), file("bare", &good, false));
    let mut other = good.clone();
    other.report.card = Digest::ZERO;
    let cardless = file("cardless", &other, true);
    let text = one.to_string();
    let made = |registry: &Registry, step, evidence: Option<&Path>, reason: &str| {
        let branches = [MemberName::parse("north-bank/branch-01").unwrap()];
        let draft = Draft { step, model: &text, evidence, branches: &branches, share: 500, reason };
        view::drafted(registry.record(), FEDERATION, &draft)
    };
    let refused = |step, evidence, reason: &str| match made(&registry, step, evidence, reason) {
        Err(RegistryError::Unsignable(fault)) => fault,
        other => panic!("{other:?}"),
    };
    let whole = made(&registry, ModelStep::Promote, Some(&report), "better").unwrap();
    assert_eq!((whole.statement.evidence, whole.signatures.len()), (good.report.digest(), 0));
    assert_eq!(whole.report.as_deref(), Some(&good));
    let scope = |step| made(&registry, step, Some(&report), "better").unwrap().statement.scope;
    assert_eq!(scope(ModelStep::Challenge), StatementScope::Customers(500));
    assert_eq!(scope(ModelStep::Pilot).branches().len(), 1);
    assert!(made(&registry, ModelStep::Withdraw, None, "biased").is_ok());
    // Neither a report that nobody signed, nor any other file, nor one whose gates do not hold.
    let unsigned = made(&registry, ModelStep::Promote, Some(&bare), "better");
    assert!(matches!(unsigned, Err(RegistryError::NotValidated { .. })));
    let strange = world.folder.path().join("gates.json");
    fs::write(&strange, "passed").unwrap();
    assert!(matches!(made(&registry, ModelStep::Promote, Some(&strange), "better"), Err(RegistryError::File(_))));
    assert!(matches!(refused(ModelStep::Promote, Some(&cardless), "better"), StatementSignFault::Report(_)));
    let long = "x".repeat(601);
    for reason in [long.as_str(), "", "two\nlines", "a\u{202e}b"] {
        assert_eq!(refused(ModelStep::Promote, Some(&report), reason), StatementSignFault::Reason, "{reason:?}");
    }
    for step in [ModelStep::Promote, ModelStep::Challenge, ModelStep::Pilot] {
        assert_eq!(refused(step, None, "better"), StatementSignFault::Report(StatementFault::NoReport));
    }
    // A rollback has the report of the promotion, whatever is named.
    let two = registered_in((&mut journal, &mut registry), &job, 2);
    for model in [&one, &two] {
        let statement = world.signed(&registry, ModelStep::Promote, model);
        registry.take(&mut journal, &world.roster, statement).unwrap();
    }
    let promoted = registry.record().models[&one].last(ModelStep::Promote).unwrap().report.clone();
    let back = made(&registry, ModelStep::RollBack, Some(&strange), "worse").unwrap();
    assert_eq!(back.report, promoted);
}

/// Eight digits say which model it is, where one alone begins with them.
#[test]
fn a_model_is_named_by_its_first_eight_digits() {
    let job = several();
    let world = World::new(&job);
    let one = registered(&world, &job, 1).to_string();
    let (_journal, registry) = world.open();
    let named = |model: &str| {
        let step = ModelStep::Withdraw;
        let draft = Draft { step, model, evidence: None, branches: &[], share: 0, reason: "biased" };
        view::drafted(registry.record(), FEDERATION, &draft).map(|file| file.statement.model.to_string())
    };
    assert_eq!(named(&one[..8]).unwrap(), one);
    let none =
        |model: &str| if let Err(RegistryError::Digest { count, .. }) = named(model) { Some(count) } else { None };
    assert_eq!((none(&one[..7]), none(&"0".repeat(64)), none("")), (Some(1), Some(0), Some(1)));
}
