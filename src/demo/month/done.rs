//! What the month came to: for programs, in a few lines for people, and what can be tried next.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use serde::ser::Serializer;
use tributary_coordinator::registry::ExportRecord;
use tributary_protocol::plan::Date;

use super::exported::Exported;
use super::listed::Listed;
use super::promoted::{PILOTS, Promoted};

/// What the month came to. Its serialisation is part of `--json`, whose keys are stable.
#[derive(Serialize)]
pub(in crate::demo) struct Month {
    /// Digest of the model.
    pub(super) model: String,
    /// Whether it holds its gates, and is the champion.
    pub(super) champion: bool,
    /// Each gate with its figure.
    pub(super) gates: serde_json::Value,
    /// The lists; none without a champion.
    #[serde(serialize_with = "lists_as_json")]
    pub(super) lists: Vec<Listed>,
    /// The exports; none without a champion.
    #[serde(serialize_with = "exports_as_json")]
    pub(super) exports: Vec<Exported>,
    /// Where the month's files are.
    pub(super) folder: PathBuf,
    #[serde(skip)]
    pub(super) promoted: Promoted,
}

/// A list for programs.
#[derive(Serialize)]
struct ListLine<'a> {
    branch: &'a str,
    list: u32,
    batch: Option<u32>,
    customers: u64,
    lines: u32,
    /// How many customers were left out, by rule.
    left_out: BTreeMap<&'static str, u32>,
    valid_until: u64,
    file: &'a PathBuf,
    sha256: &'a str,
    reply: &'a PathBuf,
}

fn lists_as_json<S: Serializer>(lists: &[Listed], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(lists.iter().map(|list| {
        let Listed { branch, shown, file, sha256, reply, .. } = list;
        let left_out = shown.left_out.iter().map(|(rule, count)| (rule.word(), *count)).collect();
        let summary = &shown.summary;
        ListLine {
            branch,
            list: summary.list,
            batch: summary.batch,
            customers: shown.rows,
            lines: summary.lines,
            left_out,
            valid_until: summary.valid_until,
            file,
            sha256,
            reply,
        }
    }))
}

fn exports_as_json<S: Serializer>(exports: &[Exported], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Line<'a> {
        path: &'a PathBuf,
        #[serde(flatten)]
        record: &'a ExportRecord,
    }
    serializer.collect_seq(exports.iter().map(|Exported { record, path }| Line { path, record }))
}

impl fmt::Display for Month {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "A month at work with model {}", &self.model[..16])?;
        let (all, held) = (self.promoted.report.report.verdicts().count(), self.held());
        write!(formatter, "  gates       {held} of {all} hold")?;
        let Some(copies) = self.promoted.copies else {
            writeln!(formatter, ", so the model stays a candidate: no branch scores with it, and there is no list")?;
            return write!(formatter, "  files       {}", self.folder.display());
        };
        writeln!(formatter, "; a model validator has signed the report")?;
        writeln!(formatter, "  champion    after a pilot of {PILOTS} branches; {copies} members keep the model")?;
        for list in &self.lists {
            let Listed { branch, shown, .. } = list;
            let left_out: u32 = shown.left_out.values().sum();
            writeln!(
                formatter,
                "  {branch}  {} customers scored: {} in the list, {left_out} left out by rule; approved and delivered",
                shown.rows, shown.summary.lines
            )?;
        }
        let until = self.exports.first().map(|export| Date::of_second(export.record.valid_until).to_string());
        let formats: Vec<&str> = self.exports.iter().map(|export| export.record.format.as_str()).collect();
        let until = until.unwrap_or_default();
        writeln!(formatter, "  exports     {}, each for one recipient until {until}", formats.join(", "))?;
        write!(formatter, "  files       {} (commands.txt has every command of it)", self.folder.display())
    }
}

impl Month {
    fn held(&self) -> usize {
        self.promoted.report.report.verdicts().filter(|(.., holds)| *holds).count()
    }

    /// Commands that go on from here.
    pub(in crate::demo) fn next(&self) -> Vec<String> {
        let of_list = self.lists.first().into_iter().flat_map(|list| {
            let (config, number) = (list.config.display(), list.shown.summary.list);
            let explain = format!("tributary client customer explain --config {config} --id {}", list.customer());
            [format!("tributary client list show {number} --config {config}"), explain]
        });
        of_list.collect()
    }
}
