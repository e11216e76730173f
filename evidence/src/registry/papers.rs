//! Papers about a model: its card, and reports of attacks on it.

use tributary_model::metrics::Importance;
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::SignedAttackReport;

use super::{Broken, RegistryAudit, Runs};
use crate::attacks::AttacksFile;
use crate::card::{CardFile, Differs, Material};
use crate::gates::Measured;
use crate::retained::Item;
use crate::run::RunAudit;

impl RegistryAudit<'_> {
    /// The card of a model, against the run from which the model comes.
    pub(super) fn card(&mut self, model: &Digest, card: &Digest, runs: &dyn Runs) -> Result<(), Broken> {
        let Some(record) = self.record.models.get(model) else { return Ok(()) };
        let manifest = &record.manifest.clone();
        if self.rests_elsewhere("model card of a run", &manifest.lineage.run, runs) {
            return Ok(());
        }
        let item = Item::Card(*card);
        let Some(bytes) = self.kept.get(&item) else {
            self.pass("the model card that the registry names is not here");
            self.lack(&item, "card", model);
            return Ok(());
        };
        if Digest::of(&bytes) != *card {
            return Err(Broken::File { name: item.name() });
        }
        let file = CardFile::read(&bytes).map_err(|fault| Broken::Card { name: item.name(), fault })?;
        let run = runs.run(&manifest.lineage.run).ok_or(Broken::NoRun)?;
        let (Some(facts), Some(replay), Some(ended)) = (run.facts(), run.replay(), run.finished_at()) else {
            return Err(Broken::NoRun);
        };
        let measured = run.measured(&manifest.parameters);
        let heads = measured.flatten().map(Measured::heads);
        let schema = replay.planned().schema();
        // Without an evaluation nothing was found of fields.
        let nothing = Importance::NoCounts;
        let importance = run.importance(&manifest.parameters).unwrap_or(Some(&nothing));
        file.paper.follows(&Material { manifest, facts, schema, heads, importance, ended })?;
        // A run without an evaluation has no figures, and its card says none.
        let unmeasured = measured.is_none() && !file.paper.figures.is_empty();
        if unmeasured {
            return Err(Differs("its figures").into());
        }
        let from = &file.paper.learnt_from;
        let listed = !(from.inputs.is_empty() && from.audited.is_empty() && from.labels.is_empty());
        if (schema.is_none() && listed) || measured.is_some_and(|measured| measured.is_none()) {
            self.pass("the schema or the opened sum of the evaluation on which a model card rests is not here");
        } else if importance.is_none() {
            self.pass("a count, a state or the schema is not here, so that the fields below the noise of a model card were not found again");
        } else {
            self.carded.insert(*model);
        }
        Ok(())
    }

    /// A report of attacks, against what the registry took.
    pub(super) fn attacks(&mut self, taken: &SignedAttackReport, runs: &dyn Runs) -> Result<(), Broken> {
        let Some(record) = self.record.models.get(&taken.report.model) else { return Ok(()) };
        let lineage = record.manifest.lineage.clone();
        if self.rests_elsewhere("report of attacks on a model of a run", &lineage.run, runs) {
            return Ok(());
        }
        let item = Item::Attacks(taken.report.findings);
        let Some(bytes) = self.kept.get(&item) else {
            self.pass("a report of attacks that the registry names is not here");
            self.lack(&item, "report of attacks", &taken.report.model);
            return Ok(());
        };
        let fault = |fault| Broken::Attacks { name: item.name(), fault };
        let file = AttacksFile::read(&bytes).map_err(fault)?;
        if file.signed().map_err(fault)? != *taken {
            return Err(Broken::File { name: item.name() });
        }
        let facts = runs.run(&lineage.run).and_then(RunAudit::facts).ok_or(Broken::NoRun)?;
        // A larger claim than the plan's would hide what an attack showed. The signer's false word is no fault of the journal that names it.
        if !file.findings.is_of(&lineage.run, facts.plan()) {
            self.disputed.push(format!(
                "{} by {} is of another run, or names another epsilon than the plan of its model claims",
                item.name(),
                taken.signed.staff
            ));
        }
        Ok(())
    }
}
