//! The registry of models at the coordinator: one folder for each model, and what became of each in the federation's own ledger of the journal.
//!
//! ```text
//! STATE/registry/DIGEST/manifest           what the model is; its digest is the folder's name
//!                      /parameters         the parameters, as a run released them
//!                      /architecture.json  the network
//!                      /schema             the canonical encoding of the feature schema
//!                      /features.json      what was learnt about features beside the parameters
//!                      /lineage.json       plan, run, parent, purpose, owner: the manifest for people and programs
//!                      /statement.{json,txt}  the privacy statement of its run
//!                      /points/NUMBER.points  points of its scorecard that people set: files are added
//! STATE/cards/DIGEST.json               the card of each model, by the digest of the file
//! STATE/attacks/DIGEST.json             reports of attacks that people brought; the daemon takes them up
//! STATE/exports/NUMBER.json             which model left as a file, for whom, until when
//! STATE/statements/DIGEST.statement        statements that people brought; the daemon takes them up
//! STATE/told/DIGEST.{incident,look}        words about incidents and requests of inspectors, each recorded when it came
//! ```
//!
//! A folder is made beside its name, synced and renamed, before the ledger names it. Nothing in it is changed afterwards; `points` alone is
//! added to. The ledger names each export and each change of points by number and digest. A model that was withdrawn
//! keeps its folder: whoever asks later must be able to see what it was.

mod assessed;
mod attacks;
mod card;
mod compliance;
mod doubted;
mod error;
mod evaluated;
mod exports;
mod features;
mod five_parts;
mod folder;
mod gates;
mod heard;
mod incidents;
mod loaded;
mod measured;
mod notes;
mod points;
mod registers;
mod release;
mod stability;
mod statements;
mod summarised;
mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tributary_certs::clock::{unix_millis, unix_seconds};
use tributary_certs::suite::{RealSuite, SigningKey};
pub use tributary_evidence::ExportRecord;
use tributary_evidence::statement::{Facts, Statement};
use tributary_evidence::statement_file;
use tributary_model::parameters::Parameters;
use tributary_model::planned::Planned;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::limits::MODEL_PIECE_BYTES_MAX;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::{Plan, RunRef};
use tributary_protocol::registry::{
    CopyNote, Lineage, ModelManifest, ModelRecord, RefusedAttackReport, RefusedStart, RefusedStatement, RegistryEvent,
    RegistryRecord, SignedAttackReport, SignedStatement, Told,
};
use tributary_protocol::roster::{Roster, SignedRoster};
use tributary_protocol::round::{CoordinatorEvent, Recorded, RunRecord};
use tributary_protocol::time::Millis;
use tributary_storage::journal::Journal;

pub use assessed::{dpia_report, ropa_report, security_report};
pub(crate) use attacks::AttacksFolder;
pub use attacks::install_attacks;
pub use card::card;
pub use compliance::{ComplianceError, compliance_report};
pub use error::RegistryError;
pub use evaluated::{Evaluation, evaluation};
pub use exports::{ExportLine, NewExport, export, exports};
pub(crate) use features::learnt_features;
pub use five_parts::five_parts;
pub use folder::PARAMETERS;
pub use gates::report;
pub use heard::{Recordable, put_on_record};
pub use incidents::{IncidentsError, export_incident, federation, incidents};
pub use loaded::{LoadedModel, load};
pub use notes::{ExportNote, PointsNote};
pub use points::{NewPoints, carded, draft_points, install_points, is_of, points};
pub(crate) use release::Release;
pub use stability::{Moved, Stability};
pub(crate) use statements::StatementsFolder;
pub use statements::install;
pub use summarised::{Summary, summary};
pub use view::{CopyLine, Draft, ModelLine, StatementLine, copies, draft, list, show};

use doubted::Doubted;
use folder::{Contents, RegistryFolder};
use view::newer;

/// The registry, open for changes: one process has it at a time, because it has the journal.
pub struct Registry {
    state: PathBuf,
    folder: RegistryFolder,
    record: RegistryRecord,
    federation: Digest,
    doubted: Doubted,
    /// Signs model cards.
    key: Arc<SigningKey>,
}

impl Registry {
    /// Opens the folders beside the journal, whose events of the federation's own ledger these are.
    ///
    /// # Errors
    /// If the events contradict each other, or a folder cannot be made.
    pub fn open(
        state_dir: &Path,
        (federation, key): (Digest, Arc<SigningKey>),
        events: &[Recorded<RegistryEvent>],
    ) -> Result<Self, RegistryError> {
        let record = RegistryRecord::replay(events.iter().map(|recorded| &recorded.event))?;
        let doubted = Doubted::after(events.iter().map(|recorded| &recorded.event));
        let (state, folder) = (state_dir.to_path_buf(), RegistryFolder::open(state_dir)?);
        Ok(Self { state, folder, record, federation, doubted, key })
    }

    /// What the events have come to.
    #[must_use]
    pub fn record(&self) -> &RegistryRecord {
        &self.record
    }

    /// Registers the model of a finished run as a candidate, and writes its card: durable when this returns. What was there before is left as it was.
    ///
    /// # Errors
    /// If files or journal cannot be written, which ends the process.
    pub(crate) fn register<E>(
        &mut self,
        journal: &mut Journal<E>,
        release: &Release<'_>,
    ) -> Result<Digest, RegistryError>
    where
        E: serde::Serialize + serde::de::DeserializeOwned,
    {
        let contents = self.contents(release)?;
        if let Some(known) = self.record.of_run(&contents.manifest.lineage.run) {
            self.write_card(journal, &known, release)?;
            return Ok(known);
        }
        let digest = contents.manifest.digest();
        self.folder.add(&digest, &contents)?;
        self.append(journal, RegistryEvent::ModelRegistered { manifest: Box::new(contents.manifest) })?;
        self.write_card(journal, &digest, release)?;
        Ok(digest)
    }

    /// Writes the card of a model that has none: the file first, and then its digest into the ledger.
    fn write_card<E>(
        &mut self,
        journal: &mut Journal<E>,
        model: &Digest,
        release: &Release<'_>,
    ) -> Result<(), RegistryError>
    where
        E: serde::Serialize + serde::de::DeserializeOwned,
    {
        let Some(record) = self.record.models.get(model).filter(|record| record.card.is_none()) else { return Ok(()) };
        let card = card::written(&self.state, &record.manifest, release, &self.key)?;
        self.append(journal, RegistryEvent::CardWritten { model: *model, card })
    }

    /// Whether a run's model is registered, with its card.
    pub(crate) fn is_whole(&self, run: &RunRef) -> bool {
        let model = self.record.of_run(run).and_then(|digest| self.record.models.get(&digest));
        model.is_some_and(|model| model.card.is_some())
    }

    fn contents(&self, release: &Release<'_>) -> Result<Contents, RegistryError> {
        let Release { events, planned, parameters, ref features, .. } = *release;
        let record = RunRecord::replay(events)?;
        let facts = Facts::read(events).map_err(|_| RegistryError::Unfinished)?;
        let initial = events.iter().find_map(|event| match event {
            CoordinatorEvent::RunOpened { model, .. } => Some(*model),
            _ => None,
        });
        let (Some(run), Some(approvals), Some(initial), Some(complete)) =
            (record.run.as_ref(), &record.approvals, initial, record.finished)
        else {
            return Err(RegistryError::Unfinished);
        };
        let plan = run.plan();
        let statement = Statement::of(&facts);
        let statement_json = statement_file(&statement);
        let parent = self.record.of_parameters(&initial).map(|parent| parent.manifest.digest());
        let lineage = Lineage {
            parent,
            initial,
            run: run.reference(),
            name: plan.name.clone(),
            purpose: plan.purpose.clone(),
            privacy: plan.privacy,
            group: plan.group.clone(),
            owner: approvals.proposal.staff.clone(),
            statement: Digest::of(&statement_json),
            rounds: record.committed_all(),
            complete,
        };
        let parameter_bytes = parameters.to_le_bytes();
        let manifest = ModelManifest {
            parameters: parameters.digest(),
            parameter_bytes: parameter_bytes.len() as u64,
            architecture: plan.architecture.clone(),
            schema: plan.schema,
            features: Digest::of(features),
            lineage,
        };
        Ok(Contents {
            manifest,
            parameters: parameter_bytes,
            architecture: planned.architecture().clone(),
            schema: planned.schema().map(|schema| schema.encode()).unwrap_or_default(),
            features: features.clone(),
            statement_json,
            statement_text: statement.to_string(),
        })
    }

    /// Takes a statement that two people signed: durable when this returns. One that was taken before changes nothing; whether it did.
    ///
    /// # Errors
    /// [`RegistryError::Refused`] with what is wrong with it; any other fault ends the process.
    pub(crate) fn take<E>(
        &mut self,
        journal: &mut Journal<E>,
        roster: &SignedRoster,
        signed: SignedStatement,
    ) -> Result<bool, RegistryError>
    where
        E: serde::Serialize + serde::de::DeserializeOwned,
    {
        if self.record.knows(&signed.statement) {
            return Ok(false);
        }
        judge(&self.record, &signed, (&roster.roster, &self.federation))?;
        self.adopt(journal, roster)?;
        self.append(journal, RegistryEvent::StatementTaken { statement: Box::new(signed) })?;
        Ok(true)
    }

    /// Takes a report of attacks that a model validator signed: durable when this returns. One that was taken before changes nothing; whether it did.
    ///
    /// # Errors
    /// [`RegistryError::RefusedAttacks`], [`RegistryError::OtherClaim`] or [`RegistryError::Attacks`] with what is wrong with it or its file; any
    /// other fault ends the process.
    pub(crate) fn take_attacks<E>(
        &mut self,
        journal: &mut Journal<E>,
        roster: &SignedRoster,
        signed: SignedAttackReport,
    ) -> Result<bool, RegistryError>
    where
        E: serde::Serialize + serde::de::DeserializeOwned,
    {
        let by = (newer(&self.record, &roster.roster), &self.federation);
        match self.record.judge_attacks::<RealSuite>(&signed, by, unix_seconds()) {
            Err(RefusedAttackReport::Taken) => return Ok(false),
            judged => judged?,
        }
        let model = self.record.models.get(&signed.report.model);
        let model = model.ok_or(RefusedAttackReport::Unknown(signed.report.model))?;
        attacks::judge_findings(&self.state, model, &signed)?;
        self.adopt(journal, roster)?;
        self.append(journal, RegistryEvent::AttacksReported { report: Box::new(signed) })?;
        Ok(true)
    }

    /// Takes a branch's word about its copy of a model, from the client that its certificate names. One that is of another client, is not signed by the
    /// branch, or changes nothing, is left; whether it was taken.
    ///
    /// # Errors
    /// If the journal cannot be written, which ends the process.
    pub(crate) fn note<E>(
        &mut self,
        journal: &mut Journal<E>,
        roster: &SignedRoster,
        (client, note): (ClientId, CopyNote),
    ) -> Result<bool, RegistryError>
    where
        E: serde::Serialize + serde::de::DeserializeOwned,
    {
        if note.client != client {
            tracing::warn!(%client, "a client speaks of another one's copy of a model; nothing is noted");
            return Ok(false);
        }
        if note.federation != self.federation || roster.entry(note.client).is_none() {
            return Ok(false);
        }
        self.adopt(journal, roster)?;
        let event = RegistryEvent::CopyNoted { note };
        if self.record.verify::<RealSuite>(&event).is_err() {
            return Ok(false);
        }
        self.append(journal, event)?;
        Ok(true)
    }

    /// The signatures that follow are judged by this roster, where it is newer than the one that the ledger has.
    fn adopt<E>(&mut self, journal: &mut Journal<E>, roster: &SignedRoster) -> Result<(), RegistryError>
    where
        E: serde::Serialize + serde::de::DeserializeOwned,
    {
        let event = RegistryEvent::RosterAdopted { roster: Box::new(roster.clone()) };
        if self.record.check(&event).is_ok() { self.append(journal, event) } else { Ok(()) }
    }

    fn append<E>(&mut self, journal: &mut Journal<E>, event: RegistryEvent) -> Result<(), RegistryError>
    where
        E: serde::Serialize + serde::de::DeserializeOwned,
    {
        self.append_at(journal, Millis(unix_millis()), event)
    }

    fn append_at<E>(&mut self, journal: &mut Journal<E>, at: Millis, event: RegistryEvent) -> Result<(), RegistryError>
    where
        E: serde::Serialize + serde::de::DeserializeOwned,
    {
        self.record.check(&event)?;
        journal.append_to(LedgerId::ADMINISTRATION, at, &event)?;
        journal.sync()?;
        self.record.apply(&event);
        self.doubted.follow(&event);
        Ok(())
    }

    /// What there is to tell.
    #[cfg(test)]
    pub(crate) fn told(&self) -> Vec<Told> {
        self.record.told()
    }

    /// What every branch is told when it comes, and what all are told again after a change: how each model came to be used that is, and what ended. With a
    /// statement that does not count by this roster any more go the roster by which it was taken, and the words of the branches that follow it.
    pub(crate) fn told_under(&mut self, roster: &Roster) -> Vec<(Told, Option<Arc<SignedRoster>>, Vec<CopyNote>)> {
        let told = self.record.told();
        let doubted = self.doubted.among(&told, (roster, &self.federation), unix_seconds());
        let with_followers = |told: Told| {
            let (statement, model) = (told.statement.statement.digest(), told.statement.statement.model);
            if !doubted.contains(&statement) {
                return (told, None, Vec::new());
            }
            let followers = self.record.followers(&model, &statement).cloned().collect();
            (told, self.doubted.before(&statement), followers)
        };
        told.into_iter().map(with_followers).collect()
    }

    /// A piece of the parameters of a model that branches use, from a byte on; nothing for any other model, or after its end.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub(crate) fn piece(&self, model: &Digest, from: u64) -> Result<Option<Vec<u8>>, RegistryError> {
        let used = self.record.in_use().find(|used| used.manifest.digest() == *model);
        match used {
            Some(used) if from < used.manifest.parameter_bytes => {
                Ok(Some(self.folder.piece(model, from, MODEL_PIECE_BYTES_MAX)?))
            }
            _ => Ok(None),
        }
    }

    /// The parameters from which a run of this plan begins, where the plan names a registered model; nothing where it names none.
    ///
    /// # Errors
    /// If there is no such model, it was withdrawn, an attack on it raised the alarm, or it has another network or schema than the plan.
    pub(crate) fn initial(&self, plan: &Plan, planned: &Planned) -> Result<Option<Parameters>, RegistryError> {
        let Some(model) = self.start(plan, None)? else { return Ok(None) };
        let digest = model.manifest.digest();
        if model.manifest.architecture != plan.architecture || model.manifest.schema != plan.schema {
            return Err(RegistryError::OtherShape { model: digest });
        }
        self.folder.parameters(&model.manifest, planned.architecture()).map(Some)
    }

    /// Whether a run of this plan may begin, where the run before has released these parameters; the registered model from which it begins, if the plan
    /// names one.
    ///
    /// # Errors
    /// If there is no such model, it was withdrawn, or an attack on it raised the alarm.
    pub(crate) fn start(&self, plan: &Plan, released: Option<&Digest>) -> Result<Option<&ModelRecord>, RegistryError> {
        self.record.start(plan, released).map_err(|refused| match refused {
            RefusedStart::NoChampion => RegistryError::NoChampion { purpose: plan.purpose.printable() },
            RefusedStart::NoModel { parameters } => RegistryError::NoModel { parameters },
            RefusedStart::Withdrawn { model } => RegistryError::Withdrawn { model: model.to_string() },
            RefusedStart::Alarm { .. } => RefusedStatement::Alarm.into(),
        })
    }

    /// Where the parameters of a model are, for people and programs.
    #[must_use]
    pub fn parameters_file(&self, model: &Digest) -> PathBuf {
        self.folder.of(model).join(PARAMETERS)
    }
}

/// Whether a statement counts, by the newer one of this roster and the ledger's.
fn judge(
    record: &RegistryRecord,
    signed: &SignedStatement,
    (roster, federation): (&Roster, &Digest),
) -> Result<(), RegistryError> {
    Ok(record.judge::<RealSuite>(signed, (newer(record, roster), federation), unix_seconds())?)
}

#[cfg(test)]
mod tests;
