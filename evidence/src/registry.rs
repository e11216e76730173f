//! The registry's ledger against its rule book, the signatures in it, and the runs and opened sums on which it rests.

mod papers;
mod registers;
mod report;

use std::collections::{BTreeMap, BTreeSet};

use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::RunRef;
use tributary_protocol::registry::{
    GatesReport, ModelManifest, ModelState, RegistryEvent, RegistryRecord, SignedStatement,
};
use tributary_protocol::round::{Claim, OutOfOrder};
use tributary_protocol::time::Millis;

use crate::attacks::AttacksFault;
use crate::card::Differs;
use crate::features::FeaturesFile;
use crate::gates::figures;
use crate::paper::PaperFault;
use crate::retained::{Item, Retained};
use crate::run::{NotVerified, RunAudit};
use crate::stated::{self, Stated};
use crate::statement::{STATEMENT_VERSION, STATEMENT_WORDING};
use crate::trust::{Federation, Untrusted};

pub use report::{RegisteredModel, RegistryReport};

/// Why an entry cannot be what it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The rule book.
    #[error(transparent)]
    Rule(#[from] OutOfOrder),
    /// No such run.
    #[error("it registers a model of a run that is not over in this journal")]
    NoRun,
    /// The manifest does not say what the run's ledger says.
    #[error("its manifest says another {0} than the ledger of its run")]
    Manifest(&'static str),
    /// A figure.
    #[error("its report says {said} of gate {gate}, and the opened sum of the evaluation gives {found}")]
    Figure {
        /// From 1.
        gate: usize,
        /// In the report.
        said: String,
        /// As it was computed.
        found: String,
    },
    /// A card that nobody can read.
    #[error("{name} beside the journal: {fault}")]
    Card {
        /// Its name.
        name: String,
        /// Why.
        fault: PaperFault,
    },
    /// A report of attacks that nobody can read.
    #[error("{name} beside the journal: {fault}")]
    Attacks {
        /// Its name.
        name: String,
        /// Why.
        fault: AttacksFault,
    },
    /// A card that says something else.
    #[error(transparent)]
    Says(#[from] Differs),
    /// What people signed for another federation.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// A file of a register.
    #[error("{name} beside the journal {fault}")]
    Register {
        /// Its name.
        name: String,
        /// What is wrong with it.
        fault: String,
    },
    /// A file beside the journal.
    #[error("{name} beside the journal is not what the manifest names: it was changed or exchanged")]
    File {
        /// Its name.
        name: String,
    },
}

/// The runs of a journal, by their reference.
pub(crate) trait Runs {
    /// The run.
    fn run(&self, run: &RunRef) -> Option<&RunAudit<'_>>;
}

/// The registry's entries so far.
pub(crate) struct RegistryAudit<'a> {
    kept: &'a dyn Retained,
    record: RegistryRecord,
    entries: usize,
    signatures: usize,
    signatures_of_files: usize,
    reports: usize,
    recomputed: usize,
    follow: BTreeSet<Digest>,
    /// Models whose cards were computed again.
    carded: BTreeSet<Digest>,
    /// The last change of each model's points that is here: its number and its digest.
    points: BTreeMap<Digest, (u64, Digest)>,
    disputed: Vec<String>,
    missing: Vec<String>,
    not_verified: Vec<NotVerified>,
    /// Whether runs may be left out: then what they would say is not missed.
    partial: bool,
    elsewhere: Vec<NotVerified>,
}

impl<'a> RegistryAudit<'a> {
    pub(crate) fn new(kept: &'a dyn Retained, partial: bool) -> Self {
        Self {
            kept,
            partial,
            elsewhere: Vec::new(),
            record: RegistryRecord::default(),
            entries: 0,
            signatures: 0,
            signatures_of_files: 0,
            reports: 0,
            recomputed: 0,
            follow: BTreeSet::new(),
            carded: BTreeSet::new(),
            points: BTreeMap::new(),
            disputed: Vec::new(),
            missing: Vec::new(),
            not_verified: Vec::new(),
        }
    }

    /// What the entries have come to.
    pub(crate) fn record(&self) -> &RegistryRecord {
        &self.record
    }

    /// Follows the next entry; the signatures on which it rests, to be verified.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn follow(
        &mut self,
        (at, event): (Millis, &RegistryEvent),
        (runs, federation): (&dyn Runs, &Federation),
    ) -> Result<Vec<Claim>, Broken> {
        self.record.check(event)?;
        let claims = self.record.claims::<RealSuite>(event)?;
        match event {
            RegistryEvent::ModelRegistered { manifest } => self.register(manifest, runs)?,
            RegistryEvent::StatementTaken { statement } => self.take(statement, runs)?,
            RegistryEvent::CardWritten { model, card } => self.card(model, card, runs)?,
            RegistryEvent::AttacksReported { report } => self.attacks(report, runs)?,
            RegistryEvent::Exported { number, model, record } => self.exported((at, *number), (model, record), runs)?,
            RegistryEvent::PointsSet { model, number, change } => {
                self.points_set((model, change), *number, (runs, federation))?;
            }
            RegistryEvent::RosterAdopted { .. }
            | RegistryEvent::CopyNoted { .. }
            | RegistryEvent::IncidentTold { .. }
            | RegistryEvent::Looked { .. }
            | RegistryEvent::Noticed { .. } => {}
        }
        self.entries = self.entries.saturating_add(1);
        self.signatures = self.signatures.saturating_add(claims.len());
        self.record.apply(event);
        Ok(claims)
    }

    /// Whether a manifest says what the ledger of its run does.
    fn register(&mut self, manifest: &ModelManifest, runs: &dyn Runs) -> Result<(), Broken> {
        let lineage = &manifest.lineage;
        if self.rests_elsewhere("model of a run", &lineage.run, runs) {
            return Ok(());
        }
        let run = runs.run(&lineage.run).ok_or(Broken::NoRun)?;
        let (facts, replay) = run.facts().zip(run.replay()).ok_or(Broken::NoRun)?;
        let (record, plan) = (facts.record(), facts.plan());
        let complete = record.finished.ok_or(Broken::NoRun)?;
        let owner = record.approvals.as_ref().map(|approvals| &approvals.proposal.staff);
        let parent = self.record.of_parameters(&run.began_from()).map(|parent| parent.manifest.digest());
        let bytes = 4_u64.saturating_mul(replay.planned().architecture().parameter_count() as u64);
        for (same, what) in [
            (record.released() == Some(manifest.parameters), "released model"),
            (manifest.parameter_bytes == bytes, "number of bytes"),
            (manifest.architecture == plan.architecture, "network"),
            (manifest.schema == plan.schema, "schema"),
            (lineage.parent == parent, "parent"),
            (lineage.initial == run.began_from(), "model at the beginning"),
            (lineage.name == plan.name && lineage.purpose == plan.purpose, "name or purpose"),
            (lineage.privacy == plan.privacy && lineage.group == plan.group, "privacy mode or group"),
            (Some(&lineage.owner) == owner, "owner"),
            (lineage.rounds == record.committed_all() && lineage.complete == complete, "number of rounds"),
        ] {
            if !same {
                return Err(Broken::Manifest(what));
            }
        }
        let model = manifest.digest();
        if replay.planned().schema().is_none() {
            self.lack(&Item::Schema(lineage.run.plan), "schema of the plan", &model);
        }
        let mut whole = replay.released().is_some();
        if !whole {
            self.pass("the model was not computed again from the sums of its run");
        }
        match replay.learnt().map(|learnt| FeaturesFile::of(learnt.to_vec()).to_bytes()) {
            Some(features) if Digest::of(&features) == manifest.features => {}
            Some(_) => return Err(Broken::Manifest("learnt features")),
            None => whole = false,
        }
        whole &= self.stated(&model, manifest, run)?;
        self.beside(&model, manifest)?;
        if whole {
            self.follow.insert(model);
        }
        Ok(())
    }

    /// Compares the privacy statement that the manifest names with the one that follows: whether there is one.
    fn stated(&mut self, model: &Digest, manifest: &ModelManifest, run: &RunAudit<'_>) -> Result<bool, Broken> {
        let item = Item::Statement(*model);
        let here = self.kept.get(&item);
        if here.is_none() {
            self.lack(&item, "privacy statement", model);
        }
        let Some(own) = run.statement() else { return Ok(false) };
        match stated::compare(&own, &manifest.lineage.statement, here.as_deref()) {
            Stated::Same => Ok(true),
            Stated::OtherFile => Err(Broken::File { name: item.name() }),
            Stated::Other => Err(Broken::Manifest("privacy statement")),
            Stated::OtherWording(found) => {
                self.pass("the sentences of a privacy statement are those of another release");
                self.missing.push(format!(
                    "the sentences of the privacy statement of the model {model} in the wording {STATEMENT_WORDING}, which this program has: they are in the wording {found}. Its figures are those that follow. Verify it with the release that wrote it as well"
                ));
                Ok(true)
            }
            Stated::OtherForm(found) => {
                self.pass("a privacy statement has the form of another release");
                self.missing.push(format!(
                    "a privacy statement of the model {model} that this program can read: it has the form {found}, and this program reads the form {STATEMENT_VERSION}. Nothing of it was compared. Verify it with the release that wrote it as well"
                ));
                Ok(true)
            }
            Stated::Unknown => {
                self.pass("the privacy statement that follows has other last digits on this machine, and the one that was registered is not here");
                Ok(true)
            }
        }
    }

    /// Whether the files of a model are what the manifest names.
    fn beside(&mut self, model: &Digest, manifest: &ModelManifest) -> Result<(), Broken> {
        let features = Item::Features(*model);
        let parameters = Item::Parameters(*model);
        let other = |item: &Item| Err(Broken::File { name: item.name() });
        match self.kept.get(&features) {
            Some(bytes) if Digest::of(&bytes) == manifest.features => {}
            Some(_) => return other(&features),
            None => self.lack(&features, "learnt features", model),
        }
        let own = |stored: &[u8]| {
            let bytes = tributary_model::stage::STATE_FORMAT.read(stored).ok()?;
            let architecture = tributary_model::architecture::Architecture::decode(&manifest.architecture).ok()?;
            Some(tributary_model::parameters::digest_of(&architecture, bytes) == manifest.parameters)
        };
        match self.kept.get(&parameters) {
            Some(stored) if own(&stored) == Some(true) => {}
            Some(_) => return other(&parameters),
            None => self.lack(&parameters, "parameters", model),
        }
        Ok(())
    }

    /// The report with which a statement comes, against the opened sums.
    fn take(&mut self, signed: &SignedStatement, runs: &dyn Runs) -> Result<(), Broken> {
        let Some(report) = signed.report.as_deref().map(|report| &report.report) else { return Ok(()) };
        self.reports = self.reports.saturating_add(1);
        // The card of the model was verified where it was written.
        let own = self.record.models.get(&report.model).and_then(|model| model.card);
        if report.card != Digest::ZERO && own != Some(report.card) {
            let item = Item::Card(report.card);
            match self.kept.get(&item) {
                Some(bytes) if Digest::of(&bytes) == report.card => {}
                Some(_) => return Err(Broken::File { name: item.name() }),
                None => {
                    self.pass("the model card that a report on gates names is not here");
                    self.lack(&item, "card, as a report on gates names it,", &report.model);
                }
            }
        }
        let mut rests_on = std::iter::once(&report.model).chain(&report.champion);
        let elsewhere = |model: &Digest| {
            let known = self.record.models.get(model);
            known.is_some_and(|model| runs.run(&model.manifest.lineage.run).is_none())
        };
        if self.partial && rests_on.any(elsewhere) {
            count(&mut self.elsewhere, "report on gates that rests on a run");
            return Ok(());
        }
        match self.figures(report, runs) {
            None => self
                .pass("the opened sum of the evaluation that a report on gates rests on, or the schema, is not here"),
            Some(found) => {
                for (gate, (said, found)) in (1..).zip(report.figures.iter().zip(&found)) {
                    if said != found {
                        let [said, found] = [said, found].map(|figure| format!("{figure:?}"));
                        return Err(Broken::Figure { gate, said, found });
                    }
                }
                self.recomputed = self.recomputed.saturating_add(1);
            }
        }
        Ok(())
    }

    /// The figures of a report, where every sum that they need is here.
    fn figures(&self, report: &GatesReport, runs: &dyn Runs) -> Option<Vec<tributary_protocol::registry::Figure>> {
        let evaluation = |model: &Digest| {
            let manifest = &self.record.models.get(model)?.manifest;
            runs.run(&manifest.lineage.run)?.measured(&manifest.parameters)
        };
        // An evaluation that the run never made gives no figure; one whose sum is gone gives no answer.
        let own = match evaluation(&report.model) {
            Some(None) => return None,
            Some(measured) => measured,
            None => None,
        };
        let compares = report.gates.compare_with_champion();
        let champion = match report.champion.filter(|_| compares).map(|champion| evaluation(&champion)) {
            Some(Some(None)) => return None,
            Some(Some(measured)) => Some(measured),
            Some(None) => Some(None),
            None => None,
        };
        Some(figures(&report.gates, own, champion))
    }

    fn pass(&mut self, reason: &str) {
        count(&mut self.not_verified, reason);
    }

    /// What a coordinator keeps of each registered model for good is not here.
    fn lack(&mut self, item: &Item, what: &str, model: &Digest) {
        self.missing
            .push(format!("the {what} of the model {model}: {} is kept for good, and is not here", item.name()));
    }

    /// Whether something rests on a run that is left out; then it is counted as that.
    fn rests_elsewhere(&mut self, what: &str, run: &RunRef, runs: &dyn Runs) -> bool {
        let is_left_out = self.partial && runs.run(run).is_none();
        if is_left_out {
            count(&mut self.elsewhere, what);
        }
        is_left_out
    }

    /// What rests on runs that are left out.
    pub(crate) fn elsewhere(&self) -> &[NotVerified] {
        &self.elsewhere
    }

    fn one(&self, digest: &Digest) -> Option<RegisteredModel> {
        let model = self.record.models.get(digest)?;
        let lineage = &model.manifest.lineage;
        Some(RegisteredModel {
            model: digest.to_string(),
            state: model.state.name(),
            purpose: lineage.purpose.to_string(),
            plan: lineage.run.plan.to_string(),
            run: lineage.run.number,
            parameters: model.manifest.parameters.to_string(),
            card: model.card.map(|card| card.to_string()),
            statements: model.statements.len(),
            follows: self.follow.contains(digest),
            alarmed: model.is_alarmed(),
            card_follows: self.carded.contains(digest),
        })
    }

    /// What the ledger says.
    pub(crate) fn report(&self) -> RegistryReport {
        let used = |state| {
            let models = self.record.in_state(state);
            models.map(|(digest, model)| (model.manifest.lineage.purpose.to_string(), digest.to_string())).collect()
        };
        RegistryReport {
            entries: self.entries,
            models: self.record.models.len(),
            champions: used(ModelState::Champion),
            pilots: used(ModelState::Pilot),
            reports: self.reports,
            reports_recomputed: self.recomputed,
            cards_recomputed: self.carded.len(),
            models_recomputed: self.follow.len(),
            each: self.record.order.iter().filter_map(|digest| self.one(digest)).collect(),
            disputed: self.disputed.clone(),
            missing: self.missing.clone(),
            not_verified: self.not_verified.clone(),
            withdrawn: self.record.in_state(ModelState::Withdrawn).map(|(digest, _)| digest.to_string()).collect(),
            signatures: self.signatures.saturating_add(self.signatures_of_files),
            signatures_of_files: self.signatures_of_files,
            exports: self.record.exports.len(),
            points_set: self.record.models.values().map(|model| model.points.len()).sum(),
        }
    }
}

/// One more for this reason.
pub(crate) fn count(list: &mut Vec<NotVerified>, reason: &str) {
    NotVerified { count: 1, reason: reason.into() }.join(list);
}
