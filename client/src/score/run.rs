//! `tributary client score`: every customer of a table, once.

use std::path::{Path, PathBuf};

use tributary_certs::suite::SigningKey;
use tributary_model::features::{Cell, TableCounts};
use tributary_model::schema::Schema;
use tributary_protocol::plan::Date;
use tributary_storage::files::{FileError as StoredError, shown};
use tributary_texts::{Language, Said, score as words};

use super::output::{Encoding, Ended, HeadLine, Line, NotedModel, ScoresFile, ScoresNote, is_parquet};
use super::rater::{Rater, Turn};
use super::spool::{Spool, Spooled, SpooledRows, Superseded};
use super::target::Target;
use crate::contact::{BegunScores, Refusals, begin_scores, is_made_scores, place_scores};
use crate::data::{
    CustomerKey, FileError, MappedSource, Origin, PassedRow, PassedTable, Reading, Stop, pass_origin, read_schema,
};
use crate::dataset::{Place, Remark, Sources, event_remarks, faulty, remarks};
use crate::error::ClientError;
use crate::identity::{own_name, own_signing_key};
use crate::settings::Settings;

/// Options of `client score`.
pub struct ScoreOptions {
    /// The settings file.
    pub config: PathBuf,
    /// `champion`, `challenger`, or the first digits of a model's digest.
    pub model: String,
    /// A table in the place of the settings' own.
    pub input: Option<PathBuf>,
    /// The file of scores.
    pub output: PathBuf,
    /// Of reasons, actions and notices.
    pub language: Language,
    /// Text in GB18030 instead of UTF-8.
    pub gb18030: bool,
}

/// A file of scores that was made.
pub struct ScoresMade {
    /// What it is.
    pub note: ScoresNote,
    /// What people are told.
    pub said: Vec<Said>,
}

/// Scores a table. `now` is in Unix seconds.
///
/// # Errors
/// Why no file was made: what was there before stays as it is.
pub fn score(options: &ScoreOptions, now: u64) -> Result<ScoresMade, ClientError> {
    let settings = Settings::load(&options.config)?;
    Unplaced::of(options, &settings, now)?.placed(&settings, now)
}

/// A file of scores that has no name yet.
pub(super) struct Unplaced {
    work: Work,
    rows: SpooledRows,
    written: Written,
    key: SigningKey,
    /// Who was left out.
    refusals: Refusals,
}

/// What rows are scored by, and what was read of them.
struct Work {
    target: Target,
    encoding: Encoding,
    language: Language,
    rater: Rater,
    table: PassedTable,
    branch: String,
    made_at: u64,
    valid_until: u64,
    /// What is remarkable.
    doubts: Vec<Said>,
    /// What others left, and is deleted.
    deleted: Vec<PathBuf>,
    /// What of it cannot be deleted.
    stays: Vec<PathBuf>,
}

/// A draft of the file, and what is said of it.
struct Written {
    file: Ended,
    /// The note of it, but for its signature.
    note: ScoresNote,
    said: Vec<Said>,
}

impl Unplaced {
    /// Scores every customer of the table who does not refuse.
    ///
    /// # Errors
    /// As [`score`].
    pub(super) fn of(options: &ScoreOptions, settings: &Settings, now: u64) -> Result<Self, ClientError> {
        let schema = read_schema(&settings.schema_file)?;
        let (branch, key) = (own_name(&settings.identity.folder)?, own_signing_key(&settings.identity.folder)?);
        let encoding = encoding(options)?;
        let rater = Rater::of(settings, schema, &options.model, now)?;
        let sources = Sources::of(settings, &rater.schema)?;
        let place = place(settings, &sources, options.input.as_deref())?;
        let is_made = |path: &Path| is_made_scores(settings, path, now);
        let target = Target::of(&options.output, files_read(&place, settings, &sources), is_made)?;

        let BegunScores { refusals, deleted, stays } = begin_scores(settings, target.path(), now)?;
        let keyed = rater.schema.customer_column().is_some();
        let spool = Spool::new(target.folder(), rater.form.bytes(), rater.heads().len(), keyed);
        let mut spool = spool.map_err(|fault| unwritten(&target, fault))?;
        let day = place.dated(settings).map(|(day, _)| day).unwrap_or_default();
        let limits = (settings.faulty_percent_max, &refusals);
        let table = read((&place, &sources, day), limits, &rater, &mut spool);
        let table = table.map_err(|fault| ClientError::rows(&fault))?;
        sources.note()?;
        let rows = spool.finish().map_err(|fault| unwritten(&target, fault))?;
        let superseded = rows.superseded().map_err(|fault| unwritten(&target, fault))?;
        let told = judged((&table, &sources), settings, &rater.schema, (&rows, &superseded))?;

        let days = u64::from(settings.scores_valid_days);
        // No longer than a validator answers for each model, unless nobody does any more: people say what becomes of it.
        let answered = rater.judges().filter_map(|(judge, _)| judge.model.answered_until);
        let answered = answered.filter(|answered| *answered > now).min();
        let until = now.saturating_add(days * 86_400);
        let work = Work {
            target,
            encoding,
            language: options.language,
            table,
            branch: branch.to_string(),
            made_at: now,
            valid_until: answered.map_or(until, |answered| until.min(answered)),
            doubts: rater.doubt.iter().cloned().chain(told).collect(),
            deleted,
            stays,
            rater,
        };
        let written = work.written(&rows, &superseded, 0)?;
        Ok(Self { work, rows, written, key, refusals })
    }

    /// Gives the file its name, beside its note. Where somebody was excluded or erased while it was made it is written again, without that customer: it has no
    /// name yet for an erasure to find.
    ///
    /// # Errors
    /// If file, note or the register of customers cannot be used, or another folder is in the place of the file's.
    pub(super) fn placed(self, settings: &Settings, now: u64) -> Result<ScoresMade, ClientError> {
        let Self { work, rows, written, key, refusals } = self;
        let path = work.target.path();
        let write = |refusing: &Refusals| {
            let written = if *refusing == refusals { written } else { work.without(refusing, &rows, written)? };
            work.target.stays()?;
            Ok((written.file.digest(), written))
        };
        place_scores(settings, (path, now), write, |Written { file, note, said }| {
            let note = note.signed(&key);
            file.place().and_then(|()| note.write(path)).map_err(ClientError::file)?;
            Ok(ScoresMade { note, said })
        })
    }
}

impl Work {
    /// The file again, where it has a customer who refuses now. Nobody can refuse meanwhile.
    fn without(&self, refusing: &Refusals, rows: &SpooledRows, written: Written) -> Result<Written, ClientError> {
        let failed = |fault| unwritten(&self.target, fault);
        self.target.stays()?;
        let left = rows.without(self.target.folder(), &|customer| refusing.has(customer)).map_err(failed)?;
        let Some((rows, gone)) = left else { return Ok(written) };
        // Its draft goes before there is another one.
        drop(written);
        let superseded = rows.superseded().map_err(failed)?;
        self.written(&rows, &superseded, gone)
    }

    /// Writes the file, which has no name yet, and says what it is. So many rows of the table are not among `rows`, because their customers have refused since.
    fn written(&self, rows: &SpooledRows, superseded: &Superseded, gone: u32) -> Result<Written, ClientError> {
        let Self { table, rater, .. } = self;
        let (file, scored) = self.write(rows, superseded)?;
        let noted = rater.judges().zip(scored).map(|((judge, share), rows)| NotedModel {
            model: judge.model.digest.to_string(),
            state: judge.model.state.to_owned(),
            share,
            rows,
        });
        let note = ScoresNote {
            format: ScoresNote::FORMAT,
            models: noted.collect(),
            purpose: rater.judge(Turn::Named).model.manifest.lineage.purpose.raw().to_owned(),
            schema: rater.schema.digest().to_string(),
            labels: rater.heads().to_vec(),
            source_digest: table.digest.unwrap_or_else(|| rows.digest()).to_string(),
            as_of: table.day.map(|day| day.to_string()),
            made_at: self.made_at,
            valid_until: self.valid_until,
            rows: u64::from(rows.count() - superseded.rows),
            erased: 0,
            rejected: table.rows.faulty,
            digest: file.digest().to_string(),
            branch: self.branch.clone(),
            signature: String::new(),
        };
        let said = self.said(&note, superseded, gone);
        Ok(Written { file, note, said })
    }

    /// The file without its name, and how many customers each model scored.
    fn write(&self, rows: &SpooledRows, superseded: &Superseded) -> Result<(Ended, [u64; 2]), ClientError> {
        let Self { target, rater, language, .. } = self;
        let language = *language;
        let cuts = rows.cuts(superseded).map_err(|fault| unwritten(target, fault))?;
        if cuts.is_empty() {
            return Err(ClientError::Said(words::no_rows()));
        }
        target.stays()?;
        let mut file = ScoresFile::begin(target.path(), rater.heads(), self.encoding).map_err(ClientError::file)?;
        let mut room = rater.room();
        let models = Turn::ALL.map(|turn| rater.judge(turn).model.digest.short());
        let mut scored = [0; 2];
        let each = rows.each(superseded, |customer, row, stage, turn| {
            scored[turn as usize] += 1;
            let heads: Vec<HeadLine<'_>> = rater
                .rate(turn, row, &mut room, language)
                .into_iter()
                .zip(cuts.of(turn))
                .map(|(rated, cuts)| HeadLine {
                    score: rated.score,
                    probability: rated.probability,
                    decile: cuts.decile(rated.score),
                    points: rated.points,
                    reasons: rated.reasons,
                })
                .collect();
            let stage = rater.stage(stage);
            let (stage, action, notice) = stage.map_or(("", "", ""), |stage| {
                (stage.name.as_str(), stage.action.text(language), stage.notice.text(language))
            });
            file.line(&Line { customer, heads: &heads, stage, action, notice, model: &models[turn as usize] })
        });
        each.map_err(|fault| unwritten(target, fault))?;
        Ok((file.end().map_err(ClientError::file)?, scored))
    }

    fn said(&self, note: &ScoresNote, superseded: &Superseded, gone: u32) -> Vec<Said> {
        let (output, rows) = (self.target.named(), &self.table.rows);
        let made = |own: &NotedModel| match own.share {
            None => words::made(output.display(), note.rows, &own.model, words::state(&own.state), &note.purpose),
            Some(share) => words::made_beside(own.rows, &own.model, words::state(&own.state), f64::from(share) / 100.0),
        };
        let mut lines: Vec<Said> = note.models.iter().map(made).collect();
        let withheld = rows.withheld.saturating_add(gone.into());
        lines.push(words::rows_read(rows.read, rows.faulty, rows.elsewhere, withheld, superseded.rows));
        let until = tributary_certs::inspect::date(note.valid_until);
        lines.push(match &note.as_of {
            Some(day) => words::of_day(day, until),
            None => words::of_no_day(until),
        });
        lines.extend(self.doubts.iter().map(words::warns));
        lines.extend(self.deleted.iter().map(|path| words::unfinished_deleted(shown(path))));
        lines.extend(self.stays.iter().map(|path| words::unfinished_stays(shown(path))));
        lines
    }
}

fn unwritten(target: &Target, fault: std::io::Error) -> ClientError {
    ClientError::file(StoredError::system("writing", target.named())(fault))
}

fn encoding(options: &ScoreOptions) -> Result<Encoding, ClientError> {
    match (options.gb18030, is_parquet(&options.output)) {
        (true, true) => Err(ClientError::Said(words::parquet_has_no_encoding(options.output.display()))),
        (true, false) => Ok(Encoding::Gb18030),
        (false, _) => Ok(Encoding::Utf8),
    }
}

/// The table: the one that is named, read as the signed mapping says, or the settings' own.
fn place(settings: &Settings, sources: &Sources, input: Option<&Path>) -> Result<Place, ClientError> {
    let own = || sources.places.first().map(|place| Place { key: place.key, origin: to_score(sources, &place.origin) });
    let none = || ClientError::Said(tributary_texts::ready::no_file_named());
    let Some(input) = input else { return own().ok_or_else(none) };
    let key = "--input";
    match sources.mapping().map(|mapping| &mapping.source) {
        Some(MappedSource::Postgres(_) | MappedSource::Odbc(_)) => {
            Err(ClientError::Said(words::input_beside_a_database(input.display())))
        }
        Some(MappedSource::Sqlite(queries)) => {
            let (query, day_query) = (queries.rows.clone(), queries.day.clone());
            let origin = Origin::Sqlite { file: input.to_owned(), query, day_query };
            Ok(Place { key, origin: to_score(sources, &origin) })
        }
        _ if settings.database.is_some() => Err(ClientError::Said(words::input_beside_a_database(input.display()))),
        _ => Ok(Place { key, origin: Origin::File(input.to_owned()) }),
    }
}

/// The same place, asked for the rows to score where the mapping tells them from those to learn from.
fn to_score(sources: &Sources, origin: &Origin) -> Origin {
    let mut origin = origin.clone();
    let asked = sources.mapping().and_then(|mapping| mapping.source.queries()?.score.clone());
    if let (Some(asked), Origin::Sqlite { query, .. } | Origin::Database { query, .. }) = (asked, &mut origin) {
        *query = asked;
    }
    origin
}

/// Files that are read, or that settings name.
fn files_read<'a>(
    place: &'a Place,
    settings: &'a Settings,
    sources: &'a Sources,
) -> impl Iterator<Item = PathBuf> + 'a {
    let read = [&place.origin].into_iter().chain(sources.tables.iter()).map(Origin::name);
    let named = [&settings.schema_file, &settings.policy_file, &settings.policy_owner].map(Clone::clone);
    let others = [settings.data_file.clone(), settings.mapping_file.clone(), settings.actions_file.clone()];
    read.chain(named).chain(others.into_iter().flatten())
}

fn read(
    (place, sources, day): (&Place, &Sources, Option<Date>),
    (limit, refusals): (u8, &Refusals),
    rater: &Rater,
    spool: &mut Spool,
) -> Result<PassedTable, FileError> {
    let stop = Stop::default();
    let mapping = sources.mapping();
    // Customers of the branch's other tables are no strangers where events name them.
    let others = sources.places.iter().map(|other| &other.origin).filter(|other| !is_same(other, &place.origin));
    let beside: Vec<&Origin> = others.collect();
    let (tables, beside) = (sources.tables.as_slice(), beside.as_slice());
    let refused = |customer: &CustomerKey| refusals.has(customer);
    let asked = (!refusals.is_empty()).then_some(&refused as &dyn Fn(&CustomerKey) -> bool);
    let limits = Reading { faulty_percent_max: limit, refused: asked, ..Reading::strict(&stop) };
    let reading = Reading { mapping, day, tables, beside, ..limits };
    let wanted = rater.actions.as_ref().map_or(&[][..], |actions| actions.wanted());
    let failed = |source| FileError::Write { path: PathBuf::from("the rows that wait"), source };
    let mut scored = rater.judge(Turn::Named).scorer.room();
    let (mut key, mut customer) = (String::new(), String::new());
    pass_origin(&place.origin, &rater.schema, &reading, wanted, &mut |row: &PassedRow<'_>| {
        let stage = rater.actions.as_ref().and_then(|actions| actions.stage_of(row.wanted, row.decimal));
        customer.clear();
        match row.customer {
            Some(cell) => write_cell(cell, &mut customer),
            None => customer.push_str(&row.number.to_string()),
        }
        key.clear();
        row.key.into_iter().for_each(|cell| write_cell(cell, &mut key));
        let key = row.key.map(|_| key.as_str());
        let turn = rater.turn(key);
        rater.judge(turn).scorer.score(row.encoded, &mut scored);
        let (logits, customer) = (scored.logits(), customer.as_str());
        spool.push(&Spooled { encoded: row.encoded, stage, turn, logits, key, customer }).map_err(failed)
    })
}

/// Whether two tables are one: the same file, or the same question to the same database.
fn is_same(one: &Origin, other: &Origin) -> bool {
    let query = |origin: &Origin| match origin {
        Origin::File(_) => None,
        Origin::Sqlite { query, .. } | Origin::Database { query, .. } => Some(query.clone()),
    };
    one.name() == other.name() && query(one) == query(other)
}

fn write_cell(cell: Cell<'_>, text: &mut String) {
    match cell {
        Cell::Missing => {}
        Cell::Text(own) => text.push_str(own.trim()),
        Cell::Integer(number) => text.push_str(&number.to_string()),
        Cell::Number(number) => text.push_str(&number.to_string()),
    }
}

/// What is remarkable about the table; an error where that stops a branch from using it, as in training.
fn judged(
    (table, sources): (&PassedTable, &Sources),
    settings: &Settings,
    schema: &Schema,
    (rows, superseded): (&SpooledRows, &Superseded),
) -> Result<Vec<Said>, ClientError> {
    let limit = settings.faulty_percent_max;
    let counts = TableCounts {
        rows: u64::from(rows.count()),
        customers: u64::from(rows.count() - superseded.rows),
        rows_of_one_customer_max: superseded.most.into(),
        ..table.counts.clone()
    };
    let mut found: Vec<Remark> = faulty(&table.rows, limit).into_iter().collect();
    let read = (&table.rows, table.events.as_ref());
    found.extend(event_remarks(read, sources.mapping(), (schema, table.day), limit));
    found.extend(remarks(&counts, schema, settings.share_limits, settings.rows_per_customer_max));
    let (stops, warns): (Vec<Remark>, Vec<Remark>) = found.into_iter().partition(|remark| remark.stops);
    if !stops.is_empty() {
        let stops = stops.into_iter().map(|remark| remark.said);
        let lines: Vec<Said> = std::iter::once(words::table_not_usable()).chain(stops).collect();
        return Err(ClientError::Rows(Said::joined(&lines, "\n  ")));
    }
    let doubts = table.doubts.iter().map(|doubt| Said::verbatim(&doubt.text));
    Ok(doubts.chain(warns.into_iter().map(|remark| remark.said)).collect())
}
