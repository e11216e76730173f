//! A branch's data set beside the one before it, for its own screen, and the word that it is ready.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tributary_model::schema::Schema;
use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::plan::{Date, RunRef};
use tributary_storage::files::shown;
use tributary_texts::{Language, Said, ready as words};

use super::stamp::{Stamp, StampFault};
use super::store::{AskedRun, FileDigests, KeptCounts, Statement, Store, Subject};
use crate::data::{FileError, Stop, file_digest, read_schema};
use crate::dataset::{Changes, Loaded, Look, Place, Signed, Sources, Summary};
use crate::error::ClientError;
use crate::settings::{DateSource, Settings};

/// Fewest letters of a plan's digest by which it is named.
const PLAN_LETTERS_MIN: usize = 8;

/// What the operator's word is to be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The next run that wants data of their day.
    Next,
    /// A run that asks: its number, with the first letters of its plan's digest before it (`9f86d081/2`) where two plans have one of that number.
    Run(String),
}

/// One file of a branch.
pub struct SurveyedFile {
    /// Its key in the settings.
    pub key: &'static str,
    /// The file.
    pub file: PathBuf,
    /// Digest of the schema by which it was read.
    pub schema: String,
    /// What it holds, or why it cannot be read.
    pub loaded: Result<Loaded, FileError>,
    /// Of which day it is; why that is not known.
    pub date: Result<Date, Said>,
    /// Whether somebody has said so beside the file, or in the settings.
    pub is_dated: bool,
}

/// The data set before this one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Earlier {
    /// Of which day it is.
    pub date: String,
    /// SHA-256 of its `data.file`.
    pub digest: String,
    /// What has changed since.
    pub changes: Changes,
}

/// Everything that an operator is shown of a data set.
pub struct Survey {
    /// Its files.
    pub files: Vec<SurveyedFile>,
    /// The data set before it, where the branch has kept one.
    pub earlier: Option<Earlier>,
    /// What must be confirmed: what it is, what it means, what to do.
    pub alarms: Vec<Said>,
    store: Store,
    signed: Option<Signed>,
    counts: Option<Summary>,
}

impl SurveyedFile {
    /// Whether a daemon would use it.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.loaded.as_ref().is_ok_and(|loaded| loaded.remarks.iter().all(|remark| !remark.stops))
    }

    /// Its SHA-256, where it was read.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.loaded.as_ref().ok().map(|loaded| loaded.digest)
    }
}

/// Reads every file that the settings name, and lays the data set beside the one before it. Nothing is changed.
///
/// # Errors
/// Every fault of the settings or of the schema, or if what the branch has kept cannot be read. A file's own faults are in its entry.
pub fn survey(config: &Path) -> Result<Survey, ClientError> {
    let settings = Settings::load(config)?;
    let schema = read_schema(&settings.schema_file)?;
    let sources = Sources::of(&settings, &schema)?;
    let files: Vec<SurveyedFile> =
        sources.places.iter().map(|place| surveyed(place, &sources, &settings, &schema)).collect();
    let store = Store::of(&settings.state_dir);
    let signed = sources.signed;
    let mut survey = Survey { files, earlier: None, alarms: Vec::new(), store, signed, counts: None };
    survey.compare(&settings, &schema)?;
    Ok(survey)
}

fn surveyed(place: &Place, sources: &Sources, settings: &Settings, schema: &Schema) -> SurveyedFile {
    // Before the file is read: what is exported meanwhile is another file, and is noticed.
    let dated = place.dated(settings);
    let day = dated.as_ref().ok().and_then(|(date, _)| *date);
    let look = Look { place, sources, day };
    let loaded = Loaded::read(look, settings, schema, &Stop::default()).map(|loaded| loaded.suspected(schema));
    let absent = matches!(dated, Err(StampFault::Absent { .. }));
    let date = dated.and_then(|(date, stamp)| {
        if let (Some(stamp), Some(file)) = (stamp, place.origin.file()) {
            // A table that was cut has rows that cannot be read, and the reason is told first.
            let found = loaded.as_ref().map_or_else(|_| file_digest(file), |loaded| Ok(loaded.digest));
            found.map_or(Ok(()), |found| stamp.holds(file, found))?;
        }
        Ok(date)
    });
    let file = place.origin.name();
    // A database says it with its rows.
    let own = loaded.as_ref().ok().and_then(|loaded| loaded.day);
    let date = date.map_err(|fault: StampFault| fault.said());
    let date = date.and_then(|date| tables_dated(&file, loaded.as_ref().ok(), settings, date.or(own)).map(|()| date));
    let date = date.and_then(|date| date.or(own).ok_or_else(|| words::database_undated(shown(&file))));
    let is_dated = !absent && (place.origin.file().is_some() || date.is_ok());
    SurveyedFile { key: place.key, file, schema: schema.digest().to_string(), loaded, date, is_dated }
}

/// Whether the files of the tables beside the customers' own are of the same day, as their ready files say.
fn tables_dated(main: &Path, loaded: Option<&Loaded>, settings: &Settings, date: Option<Date>) -> Result<(), Said> {
    if settings.date_source != DateSource::ReadyFile {
        return Ok(());
    }
    let tables = loaded.and_then(|loaded| loaded.events.as_ref()).map_or(&[][..], |events| &events.tables);
    for table in tables {
        let (Some(file), Some(date)) = (&table.file, date) else { continue };
        let stamp = Stamp::read(file).map_err(|fault| fault.said())?;
        stamp.holds(file, table.digest).map_err(|fault| fault.said())?;
        if stamp.date != date {
            return Err(words::two_days(shown(main), date, shown(file), stamp.date));
        }
    }
    Ok(())
}

impl Survey {
    /// Whether a run would use all of it.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.files.iter().all(SurveyedFile::is_usable)
    }

    /// Of which day the data set is, where its files agree; else why that is not known.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn date(&self) -> Result<Date, Said> {
        let mut dates = self.files.iter().map(|file| file.date.clone().map(|date| (file, date)));
        let (first, date) = dates.next().ok_or_else(words::no_file_named)??;
        for other in dates {
            let (file, found) = other?;
            if found != date {
                return Err(words::two_days(shown(&first.file), date, shown(&file.file), found));
            }
        }
        Ok(date)
    }

    /// The digests of its files, where all were read.
    #[must_use]
    pub fn digests(&self) -> Option<FileDigests> {
        let of = |key| self.files.iter().find(|file| file.key == key);
        let (data, held_out) = (of("data.file")?, of("data.held_out"));
        let counted_to = |file: &SurveyedFile| file.loaded.as_ref().ok().and_then(|loaded| loaded.counted_to);
        let counted_to = [counted_to(data), held_out.and_then(counted_to)];
        let events = |file: &SurveyedFile| file.loaded.as_ref().ok().and_then(Loaded::events_digest);
        let events = [events(data), held_out.and_then(events)];
        let data = data.digest()?;
        let mapping = self.mapping();
        match held_out.map(SurveyedFile::digest) {
            None => Some(FileDigests { data, held_out: None, counted_to, events, mapping }),
            Some(held_out) => {
                held_out.map(|held_out| FileDigests { data, held_out: Some(held_out), counted_to, events, mapping })
            }
        }
    }

    fn mapping(&self) -> Option<Digest> {
        self.signed.as_ref().map(|signed| signed.mapping.digest)
    }

    /// What `--confirm` names: the data set and everything that must be confirmed about it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let files = self.digests();
        let body = Canonical::new("tributary/ready/1")
            .u32(self.date().map_or(u32::MAX, |date| date.0))
            .digest(&files.map_or(Digest::ZERO, |files| files.data))
            .digest(&files.and_then(|files| files.held_out).unwrap_or(Digest::ZERO));
        let body = body.digest(&self.mapping().unwrap_or(Digest::ZERO));
        let events = files.map_or([None; 2], |files| files.events);
        let body = events.iter().fold(body, |body, events| body.digest(&events.unwrap_or(Digest::ZERO)));
        // The same whatever language it was shown in.
        let alarms = self.alarms.iter().map(|alarm| alarm.text(Language::English).as_bytes());
        alarms.fold(body, Canonical::bytes).finish()
    }

    /// Says that the data set is ready: for a run that asks, or for the next one that wants data of its day. Durable when this returns.
    ///
    /// # Errors
    /// Why it is not said.
    pub fn state(&self, target: &Target, now_unix_ms: u64) -> Result<Vec<Said>, ClientError> {
        let refuse = |what: Said| ClientError::Said(words::nothing_ready(what));
        let date = self.date().map_err(refuse)?;
        let Some(files) = self.digests().filter(|_| self.is_usable()) else {
            return Err(refuse(words::not_usable()));
        };
        let asked = self.store.asked()?;
        let (subject, asks) = subject(target, &asked, date).map_err(refuse)?;
        // The newest word counts: one that was given when the clock was ahead is older than this one all the same.
        let last = self.store.words()?.first().map_or(0, |word| word.at);
        let statement = Statement { date, files, at: now_unix_ms.max(last.saturating_add(1)) };
        // First what the next data set is laid beside: the word is what a daemon waits for.
        if let Some(data) = self.counts.clone() {
            self.store.keep_counts(&KeptCounts { date, files, data })?;
        }
        self.signed.as_ref().map_or(Ok(()), Signed::note)?;
        let path = self.store.state(subject, &statement)?;
        let whom = match asks {
            Some(asked) => words::run_joins(&asked.name, asked.number),
            None => words::next_joins(date),
        };
        Ok(vec![words::said_ready(shown(&path), date, files.data), words::heard(whom)])
    }

    fn compare(&mut self, settings: &Settings, schema: &Schema) -> Result<(), ClientError> {
        let Some(Ok(loaded)) = self.files.first().map(|file| &file.loaded) else { return Ok(()) };
        let now = Summary::of(loaded.table.data(), schema);
        let (files, date) = ((loaded.digest, loaded.events_digest(), self.mapping()), self.date().ok());
        let kept = self.store.counts()?;
        let of = |kept: &KeptCounts| of_kept(&kept.files);
        for other in &kept {
            self.alarms.extend(mistaken(other, files, date));
        }
        let before = kept.iter().find(|kept| date.is_none_or(|date| kept.date < date) && of(kept) != files);
        if let Some(before) = before {
            let changes = Changes::between(&before.data, &now, settings.change_limits);
            self.alarms.extend(changes.alarms.iter().cloned());
            let (date, digest) = (before.date.to_string(), before.files.data.to_string());
            self.earlier = Some(Earlier { date, digest, changes });
        }
        // What was said to be ready before was confirmed then.
        if kept.iter().any(|kept| Some(kept.date) == date && of(kept) == files) {
            self.alarms.clear();
        }
        self.counts = Some(now);
        Ok(())
    }
}

/// What the rows to learn from were made of: the file, the tables, the mapping.
type OfTraining = (Digest, Option<Digest>, Option<Digest>);

fn of_kept(files: &FileDigests) -> OfTraining {
    (files.data, files.events[0], files.mapping)
}

/// A file that passes for another day's, or another file of a day that is known.
fn mistaken(kept: &KeptCounts, files: OfTraining, date: Option<Date>) -> Option<Said> {
    let other_day = date != Some(kept.date);
    match (of_kept(&kept.files) == files, other_day) {
        (true, true) => Some(words::file_of_another_day(kept.date)),
        (false, false) => Some(words::another_file_of_the_day(kept.date, kept.files.data)),
        _ => None,
    }
}

/// The runs that ask, by name.
fn names(asked: &[AskedRun]) -> Said {
    if asked.is_empty() {
        return words::nobody();
    }
    let name = |asked: &AskedRun| words::asking(asked.plan.short(), asked.number, &asked.name, asked.as_of);
    Said::joined(&asked.iter().map(name).collect::<Vec<_>>(), ", ")
}

/// What a word is about, and which run asks for it.
fn subject<'a>(target: &Target, asked: &'a [AskedRun], date: Date) -> Result<(Subject, Option<&'a AskedRun>), Said> {
    match target {
        Target::Next => {
            // One that asked for an older day may be over.
            if asked.iter().any(|asked| asked.as_of > date) && asked.iter().all(|asked| asked.as_of != date) {
                return Err(words::later_day(date, names(asked)));
            }
            Ok((Subject::Day(date), asked.iter().find(|asked| asked.as_of == date)))
        }
        Target::Run(text) => {
            let found: Vec<&AskedRun> = asked.iter().filter(|asked| is_named(text, asked.run())).collect();
            let [one] = found.as_slice() else {
                return Err(words::no_such_run(format!("{text:?}"), names(asked)));
            };
            if one.as_of != date {
                return Err(words::other_day(&one.name, one.number, one.as_of, date));
            }
            Ok((Subject::Run(one.run()), Some(one)))
        }
    }
}

/// A number alone, or after the plan's first letters.
fn is_named(text: &str, run: RunRef) -> bool {
    let (plan, number) = text.split_once('/').unwrap_or(("", text));
    let plan_fits = plan.is_empty() || (plan.len() >= PLAN_LETTERS_MIN && run.plan.to_string().starts_with(plan));
    plan_fits && !text.starts_with('/') && number.parse() == Ok(run.number)
}

/// A run that waits for the operator's word.
pub struct Waiting {
    /// Which one.
    pub asked: AskedRun,
    /// With which data it was joined before, if it was.
    pub joined: Option<Statement>,
}

/// What waits for the operator's word, and the last one that was given.
///
/// # Errors
/// If settings or what the branch has kept cannot be read.
pub fn overview(config: &Path) -> Result<(Vec<Waiting>, Option<Statement>), ClientError> {
    let store = Store::of(&Settings::load(config)?.state_dir);
    let waiting = store.asked()?.into_iter().map(|asked| {
        let joined = store.used(asked.run())?.map(|used| used.statement);
        Ok(Waiting { asked, joined })
    });
    Ok((waiting.collect::<Result<_, ClientError>>()?, store.words()?.into_iter().next()))
}

/// Writes the ready files of whoever exports by hand, beside every file that the settings name; where they are.
///
/// # Errors
/// If a file cannot be read by the schema, or a ready file cannot be written.
pub fn stamp(config: &Path, date: Date) -> Result<Vec<PathBuf>, ClientError> {
    let settings = Settings::load(config)?;
    let schema = read_schema(&settings.schema_file)?;
    let sources = Sources::of(&settings, &schema)?;
    let mut written = Vec::new();
    for place in &sources.places {
        let Some(file) = place.origin.file() else {
            return Err(ClientError::Said(words::stamp_of_database(shown(&place.origin.name()))));
        };
        let look = Look { place, sources: &sources, day: Some(date) };
        let loaded = Loaded::read(look, &settings, &schema, &Stop::default()).map_err(ClientError::file)?;
        let mut write = |file: &Path, digest| {
            let path = Stamp { date, digest }.write(file).map_err(|fault| ClientError::Said(fault.said()))?;
            if !written.contains(&path) {
                written.push(path);
            }
            Ok::<(), ClientError>(())
        };
        write(file, loaded.digest)?;
        for table in loaded.events.iter().flat_map(|events| &events.tables) {
            if let Some(file) = &table.file {
                write(file, table.digest)?;
            }
        }
    }
    Ok(written)
}

#[cfg(test)]
#[path = "survey_tests.rs"]
mod tests;
