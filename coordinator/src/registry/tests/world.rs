//! A coordinator's registry with two people and a branch, and models that differ by a number.

use tributary_certs::entropy::OsEntropy;
use tributary_certs::people::attest;
use tributary_certs::suite::SigningKey;
use tributary_planning::settings::PlanSettings;
use tributary_protocol::ids::ClientId;
use tributary_protocol::plan::Attestation;
use tributary_protocol::registry::{GatesReport, ModelStatement, ModelStep, SignedReport, StatementScope};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::{Holding, MemberName, Person, Roster, RosterEntry, Scope, StaffNumber};
use tributary_protocol::round::cast;
use tributary_protocol::secagg::suite::Suite as _;
use tributary_protocol::signed::SignedBody as _;

use super::super::*;
use crate::run::job::Job;
use crate::run::job::tests::{job, settings};

pub(super) const FEDERATION: Digest = Digest([5; 32]);

pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(super) keys: Vec<(StaffNumber, Role, SigningKey)>,
    pub(super) branch: SigningKey,
    pub(super) roster: SignedRoster,
    pub(super) terms: Digest,
}

impl World {
    pub(super) fn new(job: &Job) -> Self {
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
            name: MemberName::parse("north-bank/branch-01").unwrap(),
            signing_key: branch.verifying_key(),
            ..cast::entry(ClientId(1))
        };
        let roster = Roster::new(1, Digest::ZERO, vec![entry], Vec::new(), people).unwrap();
        let roster = SignedRoster { roster, signatures: Vec::new() };
        let terms = job.plan().terms_digest();
        Self { folder: tempfile::tempdir().unwrap(), keys: keys.into(), branch, roster, terms }
    }

    pub(super) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The journal and the registry, as a process finds them.
    pub(super) fn open(&self) -> (Journal<CoordinatorEvent>, Registry) {
        self.found().unwrap()
    }

    pub(super) fn found(&self) -> Result<(Journal<CoordinatorEvent>, Registry), RegistryError> {
        let (mut journal, _) = Journal::open_view(&self.state().join("audit.log"), LedgerId([1; 32]))?;
        let events = journal.administration()?;
        let key = Arc::new(SigningKey::from_seed(&[9; 32]));
        Ok((journal, Registry::open(&self.state(), (FEDERATION, key), &events)?))
    }

    pub(super) fn signed(&self, registry: &Registry, step: ModelStep, model: &Digest) -> SignedStatement {
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

    pub(super) fn attested(&self, place: usize, action: Action, subject: Digest) -> Attestation {
        let (staff, role, key) = &self.keys[place];
        attest(key, action, subject, FEDERATION, staff, *role, unix_seconds()).unwrap()
    }

    /// A report that a validator has signed, always the same one of a model.
    pub(super) fn report(&self, manifest: &ModelManifest) -> SignedReport {
        let report = GatesReport {
            federation: FEDERATION,
            terms: self.terms,
            valid_until: unix_seconds() / 1_000_000 * 1_000_000 + 2_000_000,
            ..cast::gates_report(manifest)
        };
        let signed = self.attested(1, Action::ValidateModel, report.digest());
        SignedReport { report, signed }
    }
}

/// The events of a run that ended, as far as a registry looks at them: no stage at all was summed by anybody.
pub(super) fn ended(job: &Job) -> Vec<CoordinatorEvent> {
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
pub(super) fn contents(registry: &Registry, job: &Job, number: u32) -> Contents {
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
pub(super) fn noted(key: &SigningKey, mut note: CopyNote) -> CopyNote {
    note.signature = RealSuite::sign(key, &note.to_sign::<RealSuite>());
    note
}

pub(super) fn several() -> Job {
    let mut settings = PlanSettings { ..settings() };
    settings.schedule.runs_max = 5;
    job(&settings)
}

pub(super) fn registered(world: &World, job: &Job, number: u32) -> Digest {
    let (mut journal, mut registry) = world.open();
    registered_in((&mut journal, &mut registry), job, number)
}

pub(super) fn registered_in(
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
