//! What is needed to make a report again: the journal as it stood then, and schemas and figures of what is kept beside it.

use std::cell::Cell;
use std::collections::BTreeMap;

use tributary_model::schema::Schema;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::{LedgerId, LogEntry, Scan};
use tributary_protocol::plan::RunRef;
use tributary_protocol::registry::{ModelManifest, RegistryEvent};
use tributary_protocol::round::CoordinatorEvent;

use super::parts::{
    AttacksLine, ComplianceReport, ExportLine, FigureLine, Integrity, ModelLine, Processing, RunLine, Security,
};
use crate::card::figures;
use crate::entries::{Bad, decode, whole};
use crate::gates::Measured;
use crate::paper::GENERATOR;
use crate::retained::{Item, Retained};

/// The first entries of a journal that is whole; nothing where it has fewer.
///
/// # Errors
/// [`Bad`] for a file whose chain is not whole.
pub(super) fn front(journal: &[u8], entries: u64) -> Result<Option<&[u8]>, Bad> {
    let scan = whole(journal)?;
    let last = usize::try_from(entries).ok().and_then(|entries| entries.checked_sub(1));
    let place = last.and_then(|last| scan.entries.get(last)).map(LogEntry::place);
    let end = place.map(|place| place.offset.saturating_add(place.bytes.into()));
    Ok(end.and_then(|end| journal.get(..usize::try_from(end).ok()?)))
}

/// What is kept beside a journal of the runs and models that it names.
#[derive(Default)]
pub(super) struct Besides {
    pub(super) schemas: Vec<Schema>,
    /// Figures of models, by their digests. A model whose evaluation cannot be read again is not among them.
    pub(super) figures: BTreeMap<String, Vec<FigureLine>>,
    /// Whether this release wrote the report: another one has another list of algorithms.
    same_release: bool,
}

impl Besides {
    /// Reads schemas and opened sums.
    ///
    /// # Errors
    /// [`Bad`] for a journal that is not in order.
    pub(super) fn of(journal: &[u8], report: &ComplianceReport, kept: &dyn Retained) -> Result<Self, Bad> {
        let plans = report.processing.iter().filter_map(|of| Digest::from_hex(&of.plan));
        let mut besides = Self {
            schemas: plans.filter_map(|plan| schema(plan, kept)).collect(),
            same_release: report.generator == GENERATOR,
            ..Self::default()
        };
        let scan = whole(journal)?;
        for entry in decode::<RegistryEvent>(&scan, LedgerId::ADMINISTRATION)? {
            if let RegistryEvent::ModelRegistered { manifest } = &entry.event
                && let Some(found) = measured(&scan, manifest, kept)?
            {
                besides.figures.insert(manifest.digest().to_string(), found);
            }
        }
        Ok(besides)
    }
}

fn schema(plan: Digest, kept: &dyn Retained) -> Option<Schema> {
    let text = String::from_utf8(kept.get(&Item::Schema(plan))?).ok()?;
    Schema::parse(&text).ok()
}

/// The figures of a model; nothing where its schema or the opened sum of its evaluation is not here.
fn measured(scan: &Scan<'_>, manifest: &ModelManifest, kept: &dyn Retained) -> Result<Option<Vec<FigureLine>>, Bad> {
    let run: RunRef = manifest.lineage.run;
    let Some(schema) = schema(run.plan, kept) else { return Ok(None) };
    let entries = decode::<CoordinatorEvent>(scan, LedgerId::from(run.id()))?;
    let lost = Cell::new(false);
    let sum = |digest: &Digest| {
        let found = kept.get(&Item::Sum(*digest));
        lost.set(found.is_none());
        found
    };
    let found = Measured::of(entries.iter().map(|entry| &entry.event), &schema, &manifest.parameters, sum);
    // A run without an evaluation asks for no sum, and its model has no figures.
    Ok((!lost.get()).then(|| found.map(|measured| figures(measured.heads())).unwrap_or_default()))
}

/// The same report without what cannot be made again, and so is not compared. `again` is the report as it was made again. Left out are:
/// - witnesses;
/// - the release that wrote it;
/// - how many of the sums could be recomputed at the time;
/// - what rests on files that are not here.
pub(super) fn comparable(report: &ComplianceReport, again: &ComplianceReport, besides: &Besides) -> ComplianceReport {
    let algorithms = if besides.same_release { report.security.algorithms.clone() } else { Vec::new() };
    let fields_of = |plan: &str| again.processing.iter().any(|of| of.plan == plan && of.fields.is_some());
    let findings_of = |digest: &str| {
        let attacks = again.models.iter().flat_map(|model| &model.attacks);
        attacks.into_iter().any(|line| line.digest == digest && line.findings.is_some())
    };
    let bare = |number: u64| again.exports.iter().any(|line| line.number == number && line.is_bare());
    let of_export = |line: &ExportLine| match bare(line.number) {
        true => ExportLine { void: line.void, ..ExportLine::bare(line.number, line.model.clone()) },
        false => line.clone(),
    };
    let of_plan = |of: &Processing| match fields_of(&of.plan) {
        true => of.clone(),
        false => Processing { fields: None, level_max: None, ..of.clone() },
    };
    let of_attacks = |line: &AttacksLine| match findings_of(&line.digest) {
        true => line.clone(),
        false => AttacksLine { findings: None, ..line.clone() },
    };
    let of_model = |model: &ModelLine| ModelLine {
        figures: if besides.figures.contains_key(&model.model) { model.figures.clone() } else { Vec::new() },
        attacks: model.attacks.iter().map(of_attacks).collect(),
        ..model.clone()
    };
    ComplianceReport {
        generator: String::new(),
        exports: report.exports.iter().map(of_export).collect(),
        processing: report.processing.iter().map(of_plan).collect(),
        models: report.models.iter().map(of_model).collect(),
        runs: report.runs.iter().map(all_sums).collect(),
        security: Security { algorithms, ..report.security.clone() },
        integrity: Integrity { witnesses: Vec::new(), ..report.integrity.clone() },
        ..report.clone()
    }
}

/// How many sums could be recomputed depends on what is kept at the time; how many there are does not.
fn all_sums(run: &RunLine) -> RunLine {
    let all = run.sums_verified.saturating_add(run.sums_not_verified);
    RunLine { sums_verified: 0, sums_not_verified: all, ..run.clone() }
}
