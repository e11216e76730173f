//! A list, and all lists, for those who look: on this branch's screen alone.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::Serialize;
use tributary_certs::inspect::date;
use tributary_protocol::digest::Digest;
use tributary_protocol::printable::Printable;
use tributary_texts::{Said, contact as words};

use super::choose::Counts;
use super::pseudonym::Pseudonym;
use super::register::ListState;
use super::restart::{Restart, RestartWord};
use super::rules::Rules;
use super::rules_words;
use super::sheet::Sheet;
use super::store::Store;
use super::withdrawn::void_withdrawn;
use crate::error::ClientError;
use crate::settings::Settings;

/// Lines of a list that are shown.
const LINES_SHOWN: usize = 20;

/// Where a list stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It waits for risk control.
    Built,
    /// It may be delivered.
    Approved,
    /// Its delivery has begun, and is to be finished by the same command.
    Delivering,
    /// It was delivered, and the bank's system has not answered.
    Delivered,
    /// The bank's system took it.
    Accepted,
    /// The bank's system did not take it.
    Refused,
    /// It was recalled.
    Recalled,
    /// The register lost the records after it: whether it was delivered is not known.
    Cut,
    /// Its last day is over.
    Over,
    /// Its files are past their time, and deleted.
    Purged,
}

impl Stage {
    /// Of a list at a time.
    #[must_use]
    pub fn of(list: &ListState, now: u64) -> Self {
        match (&list.delivery, list.accepted) {
            _ if list.purged => Self::Purged,
            (_, Some(false)) => Self::Refused,
            _ if list.recalled => Self::Recalled,
            _ if list.cut => Self::Cut,
            (Some((_, false)), _) => Self::Delivering,
            _ if now > list.built.valid_until => Self::Over,
            (Some(_), Some(true)) => Self::Accepted,
            (Some(_), None) => Self::Delivered,
            (None, _) if list.approval.is_some() => Self::Approved,
            (None, _) => Self::Built,
        }
    }

    /// For people.
    #[must_use]
    pub fn said(self) -> Said {
        match self {
            Self::Built => words::stage_built(),
            Self::Approved => words::stage_approved(),
            Self::Delivering => words::stage_delivering(),
            Self::Delivered => words::stage_delivered(),
            Self::Accepted => words::stage_accepted(),
            Self::Refused => words::stage_refused(),
            Self::Recalled => words::stage_recalled(),
            Self::Cut => words::stage_cut(),
            Self::Over => words::stage_over(),
            Self::Purged => words::stage_purged(),
        }
    }
}

/// One list in one line.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Its number.
    pub list: u32,
    /// The campaign.
    pub campaign: String,
    /// Where it stands.
    pub stage: Stage,
    /// Its batch, once it is delivered.
    pub batch: Option<u32>,
    /// Lines.
    pub lines: u32,
    /// Lines that are void.
    pub void: usize,
    /// Outcomes that were told.
    pub outcomes: usize,
    /// Of which the customer was reached.
    pub contacted: usize,
    /// Unix seconds.
    pub made_at: u64,
    /// Last second.
    pub valid_until: u64,
    /// Recalls that are not written yet.
    pub recalls_open: usize,
}

impl Summary {
    fn of(store: &Store, number: u32, list: &ListState, now: u64) -> Self {
        let open = store.register().recalls.values().filter(|recall| recall.recall.list == number && !recall.done);
        Self {
            list: number,
            campaign: list.built.campaign.clone(),
            stage: Stage::of(list, now),
            batch: list.delivery.as_ref().map(|(delivery, _)| delivery.batch),
            lines: list.built.lines,
            void: list.void.len(),
            outcomes: list.outcomes.len(),
            contacted: list.outcomes.values().filter(|outcome| outcome.contacted).count(),
            made_at: list.built.made_at,
            valid_until: list.built.valid_until,
            recalls_open: open.count(),
        }
    }

    /// For people.
    #[must_use]
    pub fn said(&self) -> Said {
        let batch = self.batch.map_or_else(words::no_batch, words::batch);
        let mut lines = vec![words::list_line(
            self.list,
            &self.campaign,
            self.stage.said(),
            batch,
            self.lines,
            date(self.valid_until),
        )];
        if self.void > 0 {
            lines.push(words::list_void(self.void));
        }
        if self.outcomes > 0 {
            lines.push(words::list_outcomes(self.outcomes, self.contacted));
        }
        if self.recalls_open > 0 {
            lines.push(words::recalls_open(self.recalls_open));
        }
        Said::joined(&lines, "\n  ")
    }
}

/// A register that was begun again.
#[derive(Clone, Debug, Serialize)]
pub struct RestartLine {
    /// When it was drafted, in Unix seconds.
    pub at: u64,
    /// Records that are lost at least.
    pub lost: u64,
    /// Why.
    pub reason: String,
    /// The key of the data's owner.
    pub owner: String,
    /// The key of risk control.
    pub risk_control: String,
}

impl RestartLine {
    /// For people.
    #[must_use]
    pub fn said(&self) -> Said {
        words::restarted(date(self.at), self.lost, Printable::new(&self.reason), &self.owner, &self.risk_control)
    }
}

/// How often the register was begun again.
pub(super) fn restarts(store: &Store) -> Vec<RestartLine> {
    let line = |(restart, owner, risk): &(Restart, RestartWord, RestartWord)| RestartLine {
        at: restart.at,
        lost: restart.lost(),
        reason: restart.reason.clone(),
        owner: owner.key.to_string(),
        risk_control: risk.key.to_string(),
    };
    store.register().restarts.iter().map(line).collect()
}

/// A list with its counts and its first lines.
#[derive(Clone, Serialize)]
pub struct Shown {
    /// Where it stands.
    pub summary: Summary,
    /// What is approved.
    #[serde(serialize_with = "super::hex::one")]
    pub digest: Digest,
    /// Rows of the scores file.
    pub rows: u64,
    /// Who was left out, by rule.
    pub left_out: Counts,
    /// The label that chose.
    pub label: String,
    /// The models that made the scores, by the first digits of their digests.
    pub models: Vec<String>,
    /// The number of the signature of the rules that made it: Unix milliseconds of the day, or the next number.
    pub rules_number: u64,
    /// The number of newer rules of its campaign that are in force, if any are.
    pub rules_newer: Option<u64>,
    /// Its customers who were in another list that was delivered, by batch: the bank's system says that it did not take it, or that they were not reached.
    pub delivered_before: BTreeMap<u32, usize>,
    /// What these rules say, in words; nothing once its files are deleted.
    #[serde(skip)]
    pub rules: Vec<Said>,
    /// How often the register was begun again after it was cut: before these lists, records are missing.
    pub restarts: Vec<RestartLine>,
    /// Its first lines.
    #[serde(skip)]
    pub first: Sheet,
}

impl Shown {
    /// For people: counts, then the first lines.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        let mut lines: Vec<Said> = self.restarts.iter().map(RestartLine::said).collect();
        lines.extend([self.summary.said(), counted(self.rows, &self.left_out, self.summary.lines)]);
        lines.push(words::scored_by(self.models.join(", ")));
        lines.push(words::made_on(date(self.summary.made_at)));
        lines.push(words::made_by_rules(self.rules_number, date(self.rules_number / 1_000)));
        lines.extend(self.rules.iter().cloned());
        lines.extend(self.delivered_before.iter().map(|(batch, count)| words::delivered_before(count, batch)));
        lines.extend(self.rules_newer.map(|number| words::newer_rules(number, date(number / 1_000))));
        if self.first.lines.is_empty() {
            lines.push(words::no_lines());
        }
        // Texts of tables: none of them moves the cursor, or writes a line that is none, before somebody who approves.
        lines.extend(self.first.lines.iter().map(|line| {
            let reasons: Vec<&str> =
                line.reasons.iter().map(String::as_str).filter(|reason| !reason.is_empty()).collect();
            let customer = match line.customer.as_str() {
                "" => words::line_erased(),
                customer => Said::verbatim(Printable::new(customer)),
            };
            words::line(
                line.line,
                customer,
                Printable::new(&line.probability),
                Printable::new(&line.decile),
                Printable::new(&reasons.join(", ")),
                Printable::new(&line.ends[..2].join(" ")),
            )
        }));
        let more = (self.summary.lines as usize).saturating_sub(self.first.lines.len());
        if more > 0 && !self.first.lines.is_empty() {
            lines.push(words::more_lines(more));
        }
        lines.push(words::digest_of_list(self.digest));
        lines
    }
}

/// Who was left out by which rule.
#[must_use]
pub fn counted(rows: u64, left_out: &Counts, lines: u32) -> Said {
    let mut said = vec![words::counted(rows)];
    said.extend(left_out.iter().map(|(rule, count)| words::left_out(count, rule.said())));
    said.push(words::in_the_list(lines));
    Said::joined(&said, "\n  ")
}

/// A list with its counts and its first lines.
///
/// # Errors
/// If there is none, or its files are not those of the register.
pub(super) fn shown(store: &Store, list: u32, now: u64) -> Result<Shown, ClientError> {
    let state = store.list(list)?;
    let mut first = if state.purged { Sheet::default() } else { store.sheet(list)? };
    first.lines.truncate(LINES_SHOWN);
    let built = &state.built;
    let rules = match state.purged {
        true => Vec::new(),
        false => rules_words::said(&Rules::parse(Path::new(&built.rules_path), &store.rules_text(built)?)?),
    };
    let newest = store.register().rules.get(&built.campaign).map(|(number, _)| *number);
    Ok(Shown {
        summary: Summary::of(store, list, state, now),
        digest: state.built.digest(),
        rows: state.built.rows,
        left_out: state.built.left_out.clone(),
        label: state.built.label.clone(),
        models: state.built.models.iter().map(Digest::short).collect(),
        rules_number: built.rules.1,
        rules_newer: newest.filter(|number| *number > built.rules.1),
        rules,
        delivered_before: delivered_before(store, state)?,
        restarts: restarts(store),
        first,
    })
}

/// How many customers of a list were in other lists that were delivered, by batch. The bank's system alone says that they were not contacted.
fn delivered_before(store: &Store, list: &ListState) -> Result<BTreeMap<u32, usize>, ClientError> {
    if list.purged {
        return Ok(BTreeMap::new());
    }
    let own: HashSet<Pseudonym> = store.members(list.built.list)?.into_iter().collect();
    let mut found = BTreeMap::new();
    for (number, other) in store.register().lists.iter().filter(|(number, _)| **number != list.built.list) {
        let Some((delivery, _)) = other.delivery.as_ref().filter(|_| !other.purged) else { continue };
        let unreached = |line: u32| {
            let mut told = other.outcomes_of(line).peekable();
            match told.peek().is_some() {
                true => told.all(|outcome| !outcome.contacted),
                false => other.accepted == Some(false),
            }
        };
        let members = store.members(*number)?;
        let both = (1..).zip(&members).filter(|(line, customer)| own.contains(*customer) && unreached(*line));
        let count = both.filter(|(_, customer)| **customer != Pseudonym::ERASED).count();
        if count > 0 {
            found.insert(delivery.batch, count);
        }
    }
    Ok(found)
}

/// One list.
///
/// # Errors
/// If settings or register cannot be used, or there is no such list.
pub fn show(config: &Path, list: u32, now: u64) -> Result<Shown, ClientError> {
    let settings = Settings::load(config)?;
    shown(&Store::open(&settings, now)?, list, now)
}

/// All lists, the newest first. Those of a model that was withdrawn are recalled.
///
/// # Errors
/// If settings or register cannot be used.
pub fn status(config: &Path, now: u64) -> Result<Vec<Summary>, ClientError> {
    let settings = Settings::load(config)?;
    let mut store = Store::open(&settings, now)?;
    void_withdrawn(&settings, &mut store, now)?;
    let lists = store.register().lists.iter().rev();
    Ok(lists.map(|(number, list)| Summary::of(&store, *number, list, now)).collect())
}
