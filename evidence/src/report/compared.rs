//! What of a report was compared with the report that was made again from a journal, and what could not be.

use std::cmp::Ordering;
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
    pub(super) fn of(sides: &Sides<'_>) -> Self {
        let not: Vec<LeftOut> = left_out(sides).into_iter().filter(LeftOut::is_any).collect();
        let (mut whole, mut in_part) = (Vec::new(), Vec::new());
        for (part, _) in PARTS {
            let parts = if not.iter().any(|left| left.part == part) { &mut in_part } else { &mut whole };
            parts.push(part);
        }
        Self { whole, in_part, not }
    }
}

/// Why a part is not compared that the report leaves out.
const SILENT: &str =
    "the report says nothing of it: the file was not there when the report was made. Have the report made again";

/// A report, and the one that was made again.
#[derive(Clone, Copy)]
pub(super) struct Sides<'a> {
    pub(super) report: &'a ComplianceReport,
    pub(super) again: &'a ComplianceReport,
    pub(super) besides: &'a Besides,
}

/// Which of the two says something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Both,
    /// What it rests on is not here now.
    NotAgain,
    /// It was not there when the report was made.
    NotThen,
}

impl Said {
    /// By what each of the two says: the report, and the one that was made again.
    fn by(says: impl Fn(&ComplianceReport) -> bool, sides: &Sides<'_>) -> Self {
        match (says(sides.report), says(sides.again)) {
            (_, false) => Self::NotAgain,
            (false, true) => Self::NotThen,
            (true, true) => Self::Both,
        }
    }
}

impl Sides<'_> {
    /// The fields of a plan.
    fn fields(&self, plan: &str) -> Said {
        let says = |of: &ComplianceReport| of.processing.iter().any(|of| of.plan == plan && of.fields.is_some());
        Said::by(says, self)
    }

    /// The figures of a model. A model without an evaluation has none, and both say so.
    fn figures(&self, model: &str) -> Said {
        let says = |of: &ComplianceReport| of.models.iter().any(|of| of.model == model && !of.figures.is_empty());
        match (self.besides.figures.contains_key(model), says(self.report), says(self.again)) {
            (false, ..) => Said::NotAgain,
            (true, false, true) => Said::NotThen,
            (true, ..) => Said::Both,
        }
    }

    /// The findings of a report of attacks.
    fn findings(&self, digest: &str) -> Said {
        let says = |of: &ComplianceReport| {
            let mut attacks = of.models.iter().flat_map(|model| &model.attacks);
            attacks.any(|line| line.digest == digest && line.findings.is_some())
        };
        Said::by(says, self)
    }

    /// Who set points of a model, and why.
    fn set(&self, model: &str, number: u64) -> Said {
        let says = |of: &ComplianceReport| {
            let mut lines = of.models.iter().filter(|own| own.model == model).flat_map(|own| &own.points);
            lines.any(|line| line.number == number && line.set.is_some())
        };
        Said::by(says, self)
    }

    /// The record of an export.
    fn export(&self, number: u64) -> Said {
        let says = |of: &ComplianceReport| of.exports.iter().any(|line| line.number == number && !line.is_bare());
        Said::by(says, self)
    }
}

fn left_out(sides: &Sides<'_>) -> Vec<LeftOut> {
    let Sides { report, again, besides } = *sides;
    let item = |hex: &str, of: fn(Digest) -> Item| Digest::from_hex(hex).map(|digest| of(digest).name());
    let mut fields = LeftOut::kept("processing", "fields and highest level of the plan");
    for of in &report.processing {
        fields.add(of.plan.clone(), sides.fields(&of.plan), item(&of.plan, Item::Schema));
    }
    let mut figures = LeftOut::kept("models", "figures of the model");
    for model in &report.models {
        let lost = besides.lost.get(&model.model).into_iter().flatten().cloned();
        figures.add(model.model.clone(), sides.figures(&model.model), lost);
    }
    let mut findings = LeftOut::kept("models", "findings of the report of attacks");
    for line in report.models.iter().flat_map(|model| &model.attacks) {
        findings.add(line.digest.clone(), sides.findings(&line.digest), item(&line.digest, Item::Attacks));
    }
    let mut set = LeftOut::kept("models", "points, reason and signers of the change");
    for (model, line) in again.models.iter().flat_map(|model| model.points.iter().map(move |line| (model, line))) {
        let name = Digest::from_hex(&model.model).map(|model| Item::Points(model, line.number).name());
        set.add(format!("{} of {}", line.number, model.model), sides.set(&model.model, line.number), name);
    }
    let decided =
        set.clone().map(|left| LeftOut { part: "duties", what: "reason and signers of the change of points", ..left });
    let mut exports = LeftOut::kept("exports", "format, recipient, days and digest of the export");
    for line in &again.exports {
        exports.add(line.number.to_string(), sides.export(line.number), [Item::Export(line.number).name()]);
    }
    let [mut fewer, mut more] = [
        "fewer of them can be now: uploads are removed after some days, or were not copied with the journal",
        "more of them can be now: not all uploads were there when the report was made. Have the report made again",
    ]
    .map(|because| LeftOut::other("runs", "how many sums could be recomputed, of the run", because));
    for run in &report.runs {
        let now = again.runs.iter().find(|other| (&other.plan, other.number) == (&run.plan, run.number));
        match now.map(|now| now.sums_verified.cmp(&run.sums_verified)) {
            None | Some(Ordering::Less) => fewer.of.push(format!("{} {}", run.plan, run.number)),
            Some(Ordering::Greater) => more.of.push(format!("{} {}", run.plan, run.number)),
            Some(Ordering::Equal) => {}
        }
    }
    let mut algorithms = LeftOut::other(
        "security",
        "the list of algorithms",
        "another release wrote it. Use the program of that release",
    );
    if !besides.same_release {
        algorithms.of.push(report.generator.clone());
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
            witnesses.of.push(line.client.to_string());
        }
    }
    let mut all: Vec<LeftOut> = fields.0.into();
    all.extend([fewer, more, algorithms]);
    all.extend(decided.0);
    all.push(witnesses);
    for kept in [figures, findings, set, exports] {
        all.extend(kept.0);
    }
    all
}

/// What rests on kept files: where they are not here, and where the report leaves it out.
#[derive(Clone)]
struct Kept([LeftOut; 2]);

impl Kept {
    fn add(&mut self, of: String, said: Said, missing: impl IntoIterator<Item = String>) {
        let Self([files, silent]) = self;
        match said {
            Said::Both => {}
            Said::NotAgain => files.add(of, missing),
            Said::NotThen => silent.of.push(of),
        }
    }

    fn map(self, change: impl Fn(LeftOut) -> LeftOut) -> Self {
        Self(self.0.map(change))
    }
}

impl LeftOut {
    fn kept(part: &'static str, what: &'static str) -> Kept {
        let files = Self { part, what, of: Vec::new(), because: None, missing: Vec::new() };
        Kept([files, Self::other(part, what, SILENT)])
    }

    fn other(part: &'static str, what: &'static str, because: &'static str) -> Self {
        Self { part, what, of: Vec::new(), because: Some(because), missing: Vec::new() }
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

/// One of the two, without what cannot be compared. Left out are:
/// - the release that wrote it;
/// - what [`Compared`] names.
pub(super) fn comparable(report: &ComplianceReport, sides: &Sides<'_>) -> ComplianceReport {
    let algorithms = if sides.besides.same_release { report.security.algorithms.clone() } else { Vec::new() };
    let of_export = |line: &ExportLine| match sides.export(line.number) {
        Said::Both => line.clone(),
        _ => ExportLine { void: line.void, ..ExportLine::bare(line.number, line.model.clone()) },
    };
    let of_plan = |of: &Processing| match sides.fields(&of.plan) {
        Said::Both => of.clone(),
        _ => Processing { fields: None, level_max: None, ..of.clone() },
    };
    let of_attacks = |line: &AttacksLine| match sides.findings(&line.digest) {
        Said::Both => line.clone(),
        _ => AttacksLine { findings: None, ..line.clone() },
    };
    let of_points = |model: &str, line: &PointsLine| match sides.set(model, line.number) {
        Said::Both => line.clone(),
        _ => PointsLine { set: None, ..line.clone() },
    };
    let of_duty = |duty: &Duty| match duty.number {
        Some(number) if duty.what == points::DECIDED && sides.set(&duty.subject, number) != Said::Both => {
            Duty { signers: Vec::new(), why: None, ..duty.clone() }
        }
        _ => duty.clone(),
    };
    let of_model = |model: &ModelLine| ModelLine {
        figures: if sides.figures(&model.model) == Said::Both { model.figures.clone() } else { Vec::new() },
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
