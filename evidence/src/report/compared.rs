//! What of a report was compared with the report that was made again from a journal, and what could not be.

use std::fmt;

use serde::Serialize;

use super::again::Besides;
use super::parts::{
    AttacksLine, ComplianceReport, Duty, ExportLine, Integrity, ModelLine, PointsLine, Processing, RunLine, Security,
};
use super::points;
use crate::retained::Item;
use tributary_protocol::digest::Digest;

/// The parts that are compared with a journal, by their names in the file and in words.
pub(super) const PARTS: [(&str, &str); 15] = [
    ("summary", "the summary"),
    ("parties", "the parties"),
    ("processing", "the processing"),
    ("runs", "the runs"),
    ("spending", "the privacy ledger"),
    ("deviations", "the deviations"),
    ("incidents", "the incidents"),
    ("looks", "the looks of inspectors"),
    ("sent", "what left the branches"),
    ("security", "keys and algorithms"),
    ("duties", "the decisions"),
    ("integrity", "the log"),
    ("models", "the models"),
    ("exports", "the exports"),
    ("evidence", "the evidence"),
];

/// Names of one kind that are said in words; a program reads all of them.
const NAMES_SAID: usize = 5;

/// How far a report was compared with a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Parts of which all was compared, by their names in the file.
    pub whole: Vec<&'static str>,
    /// Parts of which the rest alone was compared.
    pub in_part: Vec<&'static str>,
    /// What was not.
    pub not: Vec<LeftOut>,
}

/// Something that a report says, and that was not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The part of the report, by its name in the file.
    pub part: &'static str,
    /// What of it.
    pub what: &'static str,
    /// Of which exports, models, plans or runs.
    pub of: Vec<String>,
    /// Why it was not compared, unless files are missing.
    pub because: Option<&'static str>,
    /// The files that are not beside the journal, or cannot be read.
    pub missing: Vec<String>,
}

impl Compared {
    /// What was compared of a report with the one that was made again, by what is kept.
    pub(super) fn of(report: &ComplianceReport, again: &ComplianceReport, besides: &Besides) -> Self {
        let not: Vec<LeftOut> = left_out(report, again, besides).into_iter().filter(LeftOut::is_any).collect();
        let (mut whole, mut in_part) = (Vec::new(), Vec::new());
        for (part, _) in PARTS {
            let parts = if not.iter().any(|left| left.part == part) { &mut in_part } else { &mut whole };
            parts.push(part);
        }
        Self { whole, in_part, not }
    }
}

fn left_out(report: &ComplianceReport, again: &ComplianceReport, besides: &Besides) -> Vec<LeftOut> {
    let item = |hex: &str, of: fn(Digest) -> Item| Digest::from_hex(hex).map(|digest| of(digest).name());
    let mut fields = LeftOut::files("processing", "fields and highest level of the plan");
    for of in report.processing.iter().filter(|of| !fields_of(again, &of.plan)) {
        fields.add(of.plan.clone(), item(&of.plan, Item::Schema));
    }
    let mut figures = LeftOut::files("models", "figures of the model");
    for model in report.models.iter().filter(|model| !besides.figures.contains_key(&model.model)) {
        figures.add(model.model.clone(), besides.lost.get(&model.model).into_iter().flatten().cloned());
    }
    let mut findings = LeftOut::files("models", "findings of the report of attacks");
    for line in report.models.iter().flat_map(|model| &model.attacks) {
        if !findings_of(again, &line.digest) {
            findings.add(line.digest.clone(), item(&line.digest, Item::Attacks));
        }
    }
    let mut set = LeftOut::files("models", "points, reason and signers of the change");
    for (model, line) in again.models.iter().flat_map(|model| model.points.iter().map(move |line| (model, line))) {
        if line.set.is_none() {
            let name = Digest::from_hex(&model.model).map(|model| Item::Points(model, line.number).name());
            set.add(format!("{} of {}", line.number, model.model), name);
        }
    }
    let decided = LeftOut { part: "duties", what: "reason and signers of the change of points", ..set.clone() };
    let mut exports = LeftOut::files("exports", "format, recipient, days and digest of the export");
    for line in again.exports.iter().filter(|line| line.is_bare()) {
        exports.add(line.number.to_string(), [Item::Export(line.number).name()]);
    }
    let mut sums = LeftOut::other(
        "runs",
        "how many sums could be recomputed, of the run",
        "fewer of them can be now: uploads are removed after some days, or were not copied with the journal",
    );
    for run in &report.runs {
        let now = again.runs.iter().find(|other| (&other.plan, other.number) == (&run.plan, run.number));
        if now.is_none_or(|now| now.sums_verified < run.sums_verified) {
            sums.add(format!("{} {}", run.plan, run.number), []);
        }
    }
    let mut algorithms = LeftOut::other(
        "security",
        "the list of algorithms",
        "another release wrote it. Use the program of that release",
    );
    if !besides.same_release {
        algorithms.add(report.generator.clone(), []);
    }
    let mut witnesses = LeftOut::other(
        "integrity",
        "the cosignature of the branch",
        "no checkpoint beside the journal has a cosignature of this branch over as many entries. Copy the folder `checkpoints` with the journal, \
         and name the coordinator's key with --key",
    );
    for line in &report.integrity.witnesses {
        let seen = again.integrity.witnesses.iter().any(|now| now.client == line.client && now.entries >= line.entries);
        if !seen || line.entries > report.integrity.entries {
            witnesses.add(line.client.to_string(), []);
        }
    }
    vec![fields, sums, algorithms, decided, witnesses, figures, findings, set, exports]
}

impl LeftOut {
    fn files(part: &'static str, what: &'static str) -> Self {
        Self { part, what, of: Vec::new(), because: None, missing: Vec::new() }
    }

    fn other(part: &'static str, what: &'static str, because: &'static str) -> Self {
        Self { because: Some(because), ..Self::files(part, what) }
    }

    fn add(&mut self, of: String, missing: impl IntoIterator<Item = String>) {
        self.of.push(of);
        for name in missing {
            if !self.missing.contains(&name) {
                self.missing.push(name);
            }
        }
    }

    fn is_any(&self) -> bool {
        !self.of.is_empty()
    }
}

fn fields_of(again: &ComplianceReport, plan: &str) -> bool {
    again.processing.iter().any(|of| of.plan == plan && of.fields.is_some())
}

fn findings_of(again: &ComplianceReport, digest: &str) -> bool {
    let attacks = again.models.iter().flat_map(|model| &model.attacks);
    attacks.into_iter().any(|line| line.digest == digest && line.findings.is_some())
}

/// The same report without what cannot be made again, and so is not compared. `again` is the report as it was made again. Left out are:
/// - the release that wrote it;
/// - what [`Compared`] names.
pub(super) fn comparable(report: &ComplianceReport, again: &ComplianceReport, besides: &Besides) -> ComplianceReport {
    let algorithms = if besides.same_release { report.security.algorithms.clone() } else { Vec::new() };
    let bare = |number: u64| again.exports.iter().any(|line| line.number == number && line.is_bare());
    let of_export = |line: &ExportLine| match bare(line.number) {
        true => ExportLine { void: line.void, ..ExportLine::bare(line.number, line.model.clone()) },
        false => line.clone(),
    };
    let of_plan = |of: &Processing| match fields_of(again, &of.plan) {
        true => of.clone(),
        false => Processing { fields: None, level_max: None, ..of.clone() },
    };
    let of_attacks = |line: &AttacksLine| match findings_of(again, &line.digest) {
        true => line.clone(),
        false => AttacksLine { findings: None, ..line.clone() },
    };
    let is_unset = |model: &str, number: u64| {
        let lines = again.models.iter().filter(|own| own.model == model).flat_map(|own| &own.points);
        lines.into_iter().any(|line| line.number == number && line.set.is_none())
    };
    let of_points = |model: &str, line: &PointsLine| match is_unset(model, line.number) {
        true => PointsLine { set: None, ..line.clone() },
        false => line.clone(),
    };
    let of_duty = |duty: &Duty| match duty.number {
        Some(number) if duty.what == points::DECIDED && is_unset(&duty.subject, number) => {
            Duty { signers: Vec::new(), why: None, ..duty.clone() }
        }
        _ => duty.clone(),
    };
    let of_model = |model: &ModelLine| ModelLine {
        figures: if besides.figures.contains_key(&model.model) { model.figures.clone() } else { Vec::new() },
        attacks: model.attacks.iter().map(of_attacks).collect(),
        points: model.points.iter().map(|line| of_points(&model.model, line)).collect(),
        ..model.clone()
    };
    ComplianceReport {
        generator: String::new(),
        exports: report.exports.iter().map(of_export).collect(),
        processing: report.processing.iter().map(of_plan).collect(),
        models: report.models.iter().map(of_model).collect(),
        duties: report.duties.iter().map(of_duty).collect(),
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

/// The first names, and how many more there are.
fn some(names: &[String]) -> String {
    let mut said = names.iter().take(NAMES_SAID).cloned().collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = names.len().checked_sub(NAMES_SAID) {
        said += &format!(" and {more} more");
    }
    said
}

impl fmt::Display for LeftOut {
    /// What was not compared, and why.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} {}, because ", self.part, self.what, some(&self.of))?;
        match (self.because, self.missing.as_slice()) {
            (Some(because), _) => formatter.write_str(because),
            (None, [one]) => write!(formatter, "{one} is not beside the journal, or cannot be read"),
            (None, all) => write!(formatter, "{} are not beside the journal, or cannot be read", some(all)),
        }
    }
}

impl fmt::Display for Compared {
    /// Lines for people, each indented by two blanks and without an end.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |names: &[&str]| {
            let known = PARTS.iter().filter(|(name, _)| names.contains(name)).map(|(_, words)| *words);
            known.collect::<Vec<_>>().join(", ")
        };
        write!(formatter, "  compared with the journal: {}", said(&self.whole))?;
        if !self.in_part.is_empty() {
            write!(formatter, "\n  compared in part: {}", said(&self.in_part))?;
        }
        self.not.iter().try_for_each(|left| write!(formatter, "\n  not compared: {left}"))?;
        write!(formatter, "\n  which release wrote the report, no journal says")
    }
}
