//! What became of the lines, as the bank's system says: `outcomes.csv`, with the columns batch, line, contacted, channel, result and date.
//!
//! Rows that are good are taken, and the same row again changes nothing. Each other row is named in a file of rejects, with its reason.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tributary_model::schema::{Dialect, Encoding};
use tributary_protocol::plan::Date;
use tributary_protocol::printable::is_hidden;
use tributary_storage::files::shown;
use tributary_texts::{Said, contact as words};

use super::event::{ContactEvent, Outcome};
use super::handed::is_unused;
use super::register::{CHANNEL_BYTES_MAX, OUTCOMES_MAX, OUTCOMES_OF_LINE_MAX, Register, TEXT_BYTES_MAX};
use super::sheet::{Table, write_private_file};
use super::store::Store;
use crate::data::{FileError, Origin, RowFault, Rows, place_of, read_plain};
use crate::error::ClientError;
use crate::settings::Settings;

/// The columns, in any order.
const COLUMNS: [&str; 6] = ["batch", "line", "contacted", "channel", "result", "date"];
/// The columns of a file of rejects.
const REJECTS: [&str; 4] = ["row", "batch", "line", "reason"];
/// Words for a customer who was reached, and for one who was not.
const YES: [&str; 7] = ["是", "Y", "y", "yes", "true", "1", "已联系"];
const NO: [&str; 7] = ["否", "N", "n", "no", "false", "0", "未联系"];

/// Why a row is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reject {
    /// No batch of this branch.
    Batch,
    /// The batch was not delivered, or is kept no more.
    NotDelivered,
    /// No line of the batch.
    Line,
    /// A word that says neither yes nor no.
    Contacted,
    /// A channel that is empty, long, or no text of one line.
    Channel,
    /// A result that is long, or no text of one line.
    Result,
    /// No day YYYY-MM-DD.
    Date,
    /// Before the delivery, or in the future.
    DateOutside,
    /// It contradicts what was taken for this line, day and channel.
    Contradicts,
    /// The line has more outcomes than anybody makes contacts.
    TooMany,
}

impl Reject {
    /// The word in the file of rejects.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Batch => "unknown batch",
            Self::NotDelivered => "batch not delivered or kept no more",
            Self::Line => "unknown line",
            Self::Contacted => "contacted is neither yes nor no",
            Self::Channel => "bad channel",
            Self::Result => "bad result",
            Self::Date => "no day YYYY-MM-DD",
            Self::DateOutside => "day before the delivery or in the future",
            Self::Contradicts => "contradicts what was taken",
            Self::TooMany => "too many outcomes of one line",
        }
    }
}

/// What became of a file of outcomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Rows of the file.
    pub rows: u64,
    /// Rows that were taken now.
    pub taken: u64,
    /// Rows that were there before.
    pub known: u64,
    /// Rows that were not taken, by reason.
    pub rejected: BTreeMap<Reject, u64>,
    /// Where each of these is named.
    pub rejects: Option<PathBuf>,
}

impl Taken {
    /// For people.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        let rejected: u64 = self.rejected.values().sum();
        let mut lines = vec![words::outcomes_taken(self.rows, self.taken, self.known, rejected)];
        lines.extend(self.rejected.iter().map(|(why, count)| words::outcomes_rejected(count, why.word())));
        lines.extend(self.rejects.as_ref().map(|path| words::outcomes_rejects(shown(path))));
        lines
    }
}

struct Reader<'a> {
    register: &'a Register,
    now: u64,
    good: BTreeMap<u32, Vec<Outcome>>,
    /// What is new in this file: batch, line, day, channel.
    new: BTreeMap<(u32, u32, Date, String), Outcome>,
    of_line: BTreeMap<(u32, u32), usize>,
    taken: Taken,
    rejects: Vec<(u64, String, String, Reject)>,
}

impl Reader<'_> {
    /// A row: new, or known before.
    fn judge(&mut self, values: &[&str]) -> Result<bool, Reject> {
        let [batch, line, contacted, channel, result, day] = values else { return Err(Reject::Batch) };
        let batch: u32 = batch.parse().map_err(|_| Reject::Batch)?;
        let list = self.register.of_batch(batch).ok_or(Reject::Batch)?;
        let delivery = list.delivered().filter(|_| !list.purged).ok_or(Reject::NotDelivered)?;
        let line: u32 = line.parse().map_err(|_| Reject::Line)?;
        if !(1..=list.built.lines).contains(&line) {
            return Err(Reject::Line);
        }
        let contacted = match (YES.contains(contacted), NO.contains(contacted)) {
            (true, _) => true,
            (false, true) => false,
            (false, false) => return Err(Reject::Contacted),
        };
        let plain = |text: &str, most: usize| text.len() <= most && !text.contains(is_hidden);
        if channel.is_empty() || !plain(channel, CHANNEL_BYTES_MAX) {
            return Err(Reject::Channel);
        }
        if !plain(result, TEXT_BYTES_MAX) {
            return Err(Reject::Result);
        }
        let day = Date::parse(day).ok_or(Reject::Date)?;
        // The bank's clock may be a day ahead of the Unix clock.
        if day < Date::of_second(delivery.at) || day > Date::of_second(self.now.saturating_add(86_400)) {
            return Err(Reject::DateOutside);
        }
        let outcome = Outcome { line, day, contacted, channel: (*channel).to_owned(), result: (*result).to_owned() };
        let key = (batch, line, day, outcome.channel.clone());
        let before = list.outcomes.get(&(line, day, outcome.channel.clone())).or_else(|| self.new.get(&key));
        match before {
            Some(known) if *known == outcome => return Ok(false),
            Some(_) => return Err(Reject::Contradicts),
            None => {}
        }
        let count = self.of_line.entry((batch, line)).or_insert_with(|| list.outcomes_of(line).count());
        if *count >= OUTCOMES_OF_LINE_MAX {
            return Err(Reject::TooMany);
        }
        *count += 1;
        self.good.entry(batch).or_default().push(outcome.clone());
        self.new.insert(key, outcome);
        Ok(true)
    }
}

impl Rows for Reader<'_> {
    fn columns(&mut self, header: &[String]) -> Result<Vec<usize>, RowFault> {
        COLUMNS.iter().map(|name| place_of(header, name)).collect()
    }

    fn row(&mut self, number: u64, values: &[String]) -> Result<(), RowFault> {
        let values: Vec<&str> = values.iter().map(|value| value.trim()).collect();
        match self.judge(&values) {
            Ok(true) => self.taken.taken += 1,
            Ok(false) => self.taken.known += 1,
            Err(why) => {
                *self.taken.rejected.entry(why).or_default() += 1;
                let [batch, line] = [0, 1].map(|place| values.get(place).copied().unwrap_or_default().to_owned());
                self.rejects.push((number, batch, line, why));
            }
        }
        Ok(())
    }
}

/// Takes outcomes in. Rows that are not taken are named in a file beside it, whose name ends in `.rejects.csv`.
///
/// # Errors
/// If the file cannot be read whole, or the register cannot be written. What was recorded before stays, and the same file again adds the rest.
pub fn outcomes(config: &Path, file: &Path, now: u64) -> Result<Taken, ClientError> {
    let settings = Settings::load(config)?;
    let mut store = Store::open(&settings, now)?;
    let origin = Origin::File(file.to_path_buf());
    let beside = file.with_extension("rejects.csv");
    is_rejects(&beside)?;
    let read = |encoding: Encoding| {
        let mut reader = Reader {
            register: store.register(),
            now,
            good: BTreeMap::new(),
            new: BTreeMap::new(),
            of_line: BTreeMap::new(),
            taken: Taken { rows: 0, taken: 0, known: 0, rejected: BTreeMap::new(), rejects: None },
            rejects: Vec::new(),
        };
        let dialect = Dialect { encoding, ..Dialect::comma_separated() };
        let read = read_plain(&origin, (None, &dialect), &mut reader)?;
        reader.taken.rows = read.rows;
        Ok((reader.taken, reader.good, reader.rejects))
    };
    let read = match read(Encoding::Utf8) {
        Err(FileError::Encoding { .. }) => read(Encoding::Gb18030),
        read => read,
    };
    let (mut taken, good, rejects) = read.map_err(|fault: FileError| ClientError::rows(&fault))?;
    for (batch, outcomes) in good {
        for outcomes in outcomes.chunks(OUTCOMES_MAX) {
            store.record(now, ContactEvent::Outcomes { batch, outcomes: outcomes.to_vec() })?;
        }
    }
    if !rejects.is_empty() {
        let mut table = Table::new(',');
        table.row(REJECTS.into_iter());
        for (row, batch, line, why) in &rejects {
            let row = row.to_string();
            table.row([row.as_str(), batch.as_str(), line.as_str(), why.word()].into_iter());
        }
        write_private_file(&beside, table.into_text().as_bytes()).map_err(ClientError::file)?;
        taken.rejects = Some(beside);
    }
    Ok(taken)
}

/// Rejects take the place of earlier ones, and of nothing else.
fn is_rejects(path: &Path) -> Result<(), ClientError> {
    let mut first = String::new();
    let found = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    let read = found && File::open(path).is_ok_and(|file| BufReader::new(file.take(64)).read_line(&mut first).is_ok());
    if read && first.trim_end() == REJECTS.join(",") { Ok(()) } else { is_unused(path) }
}
