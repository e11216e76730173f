//! Makes a report of a verified journal and what stands beside it.

use std::collections::BTreeMap;

use tributary_model::schema::Schema;
use tributary_protocol::log::LedgerId;
use tributary_protocol::registry::RegistryEvent;
use tributary_protocol::roster::Roster;
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_protocol::time::Millis;

use super::incidents::{At, as_deviation};
use super::parts::{
    ComplianceReport, Duty, EvidenceLine, FigureLine, Integrity, Processing, REPORT_FORMAT, RunLine, Security,
    SentLine, Summary, TimelineLine, WitnessLine,
};
use super::period::{Asked, Period};
use super::registry::RegistryPart;
use super::run::RunPart;
use super::shown;
use super::spending::{Rosters, SpendingPart};
use super::witnessed;
use crate::entries::{Bad, Entry, decode, ledgers, whole};
use crate::journal_report::JournalReport;
use crate::paper::GENERATOR;
use crate::retained::Retained;
use crate::verdict::{Verdict, judge};

/// From what a report is made.
pub struct Material<'a> {
    /// The coordinator's journal: `audit.log`.
    pub journal: &'a [u8],
    /// What was kept of rounds, so that their sums are recomputed.
    pub kept: &'a dyn Retained,
    /// Schemas of plans, by digest, as far as they are there.
    pub schemas: Vec<Schema>,
    /// Figures of models, by the digests of the models.
    pub figures: BTreeMap<String, Vec<FigureLine>>,
    /// Checkpoints of the journal with their cosignatures, as notes.
    pub checkpoints: Vec<Vec<u8>>,
    /// The key that signs them: the coordinator's. Without it no note counts.
    pub coordinator: Option<VerifyingKey>,
}

/// Makes a report.
///
/// # Errors
/// If the journal is not in order: then nothing is reported. A file that is no coordinator's journal is refused as well.
pub fn compliance(material: &Material<'_>, asked: &Asked) -> Result<ComplianceReport, Bad> {
    witnessed_by(material, asked, material.journal)
}

/// The same, with every branch that has witnessed this journal, which may go on from the other.
pub(super) fn witnessed_by(
    material: &Material<'_>,
    asked: &Asked,
    journal_now: &[u8],
) -> Result<ComplianceReport, Bad> {
    let journal = match judge(material.journal, 1e-6, material.kept) {
        Verdict::Coordinator(journal) => journal,
        Verdict::Bad(bad) => return Err(bad),
        Verdict::Budget(_) | Verdict::Heads(_) | Verdict::Empty => {
            let reason = "it is no coordinator's journal with a run in it, so there is nothing to report; name the file audit.log of the coordinator's state folder";
            return Err(Bad { entry: None, offset: None, reason: reason.into() });
        }
    };
    let scan = whole(material.journal)?;
    let mut parts = Parts::default();
    let mut spending = SpendingPart::new(&asked.period);
    let runs = ledgers(&scan).into_iter().filter(|ledger| *ledger != LedgerId::ADMINISTRATION);
    for (ledger, verified) in runs.zip(&journal.runs) {
        let entries = decode::<CoordinatorEvent>(&scan, ledger)?;
        parts.times.extend(entries.iter().map(|entry| (entry.position, entry.at)));
        let until = until(&entries, &asked.period);
        if let Some(part) = RunPart::of(until, verified, asked, &material.schemas, &mut spending) {
            parts.take(part);
        }
    }
    let entries = decode::<RegistryEvent>(&scan, LedgerId::ADMINISTRATION)?;
    parts.times.extend(entries.iter().map(|entry| (entry.position, entry.at)));
    let mut registry =
        RegistryPart::of(until(&entries, &asked.period), asked, &parts.plans, (&material.figures, material.kept));
    registry.mark_void(&entries);
    parts.rosters.take(registry.take_rosters());
    let roster = parts.rosters.last().cloned().unwrap_or_else(Roster::none);
    let witnesses = witnessed::of(&material.checkpoints, material.coordinator.as_ref(), journal_now, &roster)?;
    Ok(parts.report(&journal, registry, spending, witnesses, asked))
}

/// The entries up to the end of the period. Clocks may go back: what follows an entry of a later day is left out with it.
fn until<'a, E>(entries: &'a [Entry<E>], period: &Period) -> &'a [Entry<E>] {
    let end = entries.iter().position(|entry| period.is_before(entry.at)).unwrap_or(entries.len());
    entries.get(..end).unwrap_or(entries)
}

/// What the runs gave.
#[derive(Default)]
struct Parts {
    times: Vec<At>,
    plans: Vec<String>,
    processing: Vec<Processing>,
    runs: Vec<RunLine>,
    deviations: Vec<(Millis, TimelineLine)>,
    deviated: Vec<(At, TimelineLine)>,
    sent: Vec<SentLine>,
    duties: Vec<(Millis, Duty)>,
    rosters: Rosters,
    summary: Summary,
    evicted: u32,
}

impl Parts {
    fn take(&mut self, part: RunPart) {
        self.rosters.take(part.rosters);
        self.deviated.extend(part.deviated);
        let Some(told) = part.told else { return };
        if !self.plans.contains(&told.line.plan) {
            self.plans.push(told.line.plan.clone());
            self.processing.push(told.processing);
        } else if let Some(of_plan) = self.processing.iter_mut().find(|of_plan| of_plan.plan == told.line.plan) {
            of_plan.as_of = told.processing.as_of;
        }
        self.runs.push(told.line);
        self.deviations.extend(told.deviations);
        self.sent.extend(told.sent);
        self.duties.extend(told.duties);
        let Summary { rounds_charged, rounds_committed, rounds_aborted, dropouts, refusals, stops, .. } = told.counted;
        let sum = &mut self.summary;
        for (own, more) in [
            (&mut sum.rounds_charged, rounds_charged),
            (&mut sum.rounds_committed, rounds_committed),
            (&mut sum.rounds_aborted, rounds_aborted),
            (&mut sum.dropouts, dropouts),
            (&mut sum.refusals, refusals),
            (&mut sum.stops, stops),
            (&mut self.evicted, told.evicted),
        ] {
            *own = own.saturating_add(more);
        }
    }

    fn report(
        mut self,
        journal: &JournalReport,
        mut registry: RegistryPart,
        spending: SpendingPart,
        witnesses: Vec<WitnessLine>,
        asked: &Asked,
    ) -> ComplianceReport {
        self.duties.append(&mut registry.duties);
        self.duties.sort_by_key(|(at, _)| *at);
        for (at, line) in std::mem::take(&mut registry.notices) {
            self.deviations.extend(asked.period.has(at.1).then(|| (at.1, line.clone())));
            self.deviated.push((at, line));
        }
        self.deviations.sort_by_key(|(at, _)| *at);
        let mut incidents = std::mem::take(&mut registry.incidents);
        let looks = incidents.looks(&asked.period);
        std::mem::take(&mut self.deviated).into_iter().for_each(|(at, line)| incidents.deviated(at, line));
        let ended = |ends: &Option<Millis>| ends.is_some_and(|ends| asked.period.is_after(ends));
        let incidents = incidents.lines(&registry.told).into_iter().filter(|(ends, _)| !ended(ends));
        let counted = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        self.summary.plans = counted(self.plans.len());
        self.summary.runs = counted(self.runs.len());
        self.summary.models = registry.registered;
        self.summary.decisions = counted(self.duties.len());
        let alone = |duty: &Duty| {
            duty.signers.len() > 1 && duty.signers.iter().skip(1).all(|one| one.staff == duty.signers[0].staff)
        };
        self.summary.decisions_alone = counted(self.duties.iter().filter(|(_, duty)| alone(duty)).count());
        let signatures = journal.runs.iter().map(|run| run.signatures).sum::<usize>()
            + journal
                .registry
                .as_ref()
                .map_or(0, |registry| registry.signatures.saturating_sub(registry.signatures_of_files));
        let security = Security {
            signatures: counted(signatures),
            algorithms: shown::algorithms(),
            entries_ended: self.rosters.ended(&asked.period),
            evicted: self.evicted,
        };
        let times = || self.times.iter().map(|(_, at)| *at);
        let covered = self.times.iter().filter(|(_, at)| !asked.period.is_before(*at)).max();
        let integrity = Integrity {
            entries: journal.entries as u64,
            entries_in_period: times().filter(|at| asked.period.has(*at)).count() as u64,
            covered: covered.map_or(0, |(position, _)| position.saturating_add(1)),
            first: times().min().map(shown::moment),
            last: times().max().map(shown::moment),
            head: journal.head.clone().unwrap_or_default(),
            root: journal.root.clone(),
            witnesses,
        };
        let line = |what: &str, name: Option<&String>, digest: &str| EvidenceLine {
            what: what.to_owned(),
            name: name.cloned(),
            digest: digest.to_owned(),
        };
        let mut evidence = vec![line("log", None, journal.head.as_deref().unwrap_or_default())];
        evidence.extend(self.processing.iter().map(|of| line("plan", Some(&of.name), &of.plan)));
        evidence.extend(self.processing.iter().map(|of| line("schema", Some(&of.name), &of.schema)));
        evidence.extend(registry.models.iter().map(|of| line("model", Some(&of.purpose), &of.model)));
        ComplianceReport {
            format: REPORT_FORMAT,
            kind: "compliance".into(),
            generator: GENERATOR.into(),
            preset: asked.preset.map(|preset| preset.name().into()),
            from: asked.period.from().to_string(),
            to: asked.period.to().to_string(),
            scope: asked.scope.to_string(),
            summary: self.summary,
            spending: spending.lines(&self.rosters),
            parties: self.rosters.parties(),
            processing: self.processing,
            runs: self.runs,
            deviations: self.deviations.iter().map(|(_, line)| as_deviation(line)).collect(),
            incidents: incidents.map(|(_, line)| line).collect(),
            looks,
            sent: self.sent,
            security,
            duties: self.duties.into_iter().map(|(_, duty)| duty).collect(),
            integrity,
            exports: registry
                .exports
                .into_iter()
                .filter(|of| registry.models.iter().any(|model| model.model == of.model))
                .collect(),
            models: registry.models,
            evidence,
        }
    }
}
