//! The scorecard of an additive model: on the screen, as JSON, as a table file, as a page.

mod card_page;
mod rows;
mod table_file;

use std::path::{Path, PathBuf};

use clap::Args;
use tributary_certs::points::{PointsFile, PointsStatement};
use tributary_coordinator::registry::{self, RegistryError};
use tributary_model::metrics::FieldWeights;
use tributary_model::scorecard::{Scale, Scorecard};
use tributary_storage::files::{Existing, write_public};
use tributary_texts::{Language, Said, score, scorecard as words};

use self::card_page::{Shown, page};
use self::rows::{Block, PairTable, Row};
use super::explained::explained;
use super::figures::shown;
use super::points_words::as_json;
use super::sections::told;
use crate::exit::Failure;
use crate::{json, typed};

/// Of which model, on which scale.
#[derive(Args)]
pub(crate) struct ScorecardOptions {
    /// The model: its digest, or the first eight digits of it or more; or `champion`
    #[arg(value_name = "MODEL")]
    model: String,
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// One label of the model [default: all of them]
    #[arg(long, value_name = "LABEL")]
    head: Option<String>,
    /// The schema file of the model's plan [default: the plan's, as it was activated here]
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    #[command(flatten)]
    scale: ScaleOptions,
    /// Also write a table file (CSV); never replaced
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Also write one page of HTML; never replaced
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The language of table and page; without it, that of the locale
    #[arg(long, value_name = "LANGUAGE", value_parser = typed::language())]
    lang: Option<Language>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// How logits become points.
#[derive(Args)]
pub(crate) struct ScaleOptions {
    /// The points of a customer with the base odds
    #[arg(long, value_name = "POINTS", default_value_t = Scale::default().base_points(), allow_negative_numbers = true)]
    base_points: i64,
    /// The probability of the label over that of its absence, where a customer has the base points
    #[arg(long, value_name = "ODDS", default_value_t = Scale::default().base_odds())]
    base_odds: f64,
    /// How many points more double the odds
    #[arg(long, value_name = "POINTS", default_value_t = Scale::default().points_to_double_the_odds())]
    double: f64,
}

impl ScaleOptions {
    /// The scale.
    ///
    /// # Errors
    /// If it is outside its limits.
    pub(crate) fn scale(&self) -> Result<Scale, Failure> {
        Scale::new(self.base_points, self.base_odds, self.double).map_err(Failure::usage)
    }
}

/// One label's card in words.
struct Card {
    card: Scorecard,
    blocks: Vec<Block>,
    pairs: Vec<PairTable>,
    notes: Vec<Said>,
    changes: Vec<Said>,
}

/// Shows it.
pub(super) fn scorecard(options: &ScorecardOptions) -> Result<(), Failure> {
    let scale = options.scale.scale()?;
    let loaded = registry::load(&options.config, &options.model, options.schema.as_deref()).map_err(explained)?;
    let heads = match &options.head {
        Some(head) => vec![head.clone()],
        None => loaded.parameters.architecture().heads().to_vec(),
    };
    let weights = weights(options, &loaded.line.model)?;
    let language = options.lang.unwrap_or_else(Language::of_environment);
    let mut cards = Vec::new();
    let set = registry::points(&options.config, &loaded).map_err(explained)?;
    for head in &heads {
        let card = registry::carded(&loaded, head, scale, &set).map_err(explained)?;
        let mut notes = vec![
            words::state(score::state(loaded.line.state)),
            words::scale(scale.base_points(), scale.base_odds(), scale.points_to_double_the_odds()),
            words::rounding(card.error_max),
        ];
        if weights.is_empty() {
            notes.push(words::no_evidence());
        }
        let (blocks, pairs) = (rows::blocks(&card, &weights, language), rows::pairs(&card, language));
        let own: Vec<&PointsFile> = set.iter().filter(|file| registry::is_of(file, head, scale)).collect();
        if own.len() < set.len() {
            notes.push(words::elsewhere(set.len() - own.len()));
        }
        cards.push(Card { card, blocks, pairs, notes, changes: own.into_iter().map(change).collect() });
    }
    if let Some(path) = &options.csv {
        let all = cards.iter().map(|own| (&own.card, own.blocks.as_slice()));
        let text = table_file::table_file(all);
        write_public(path, text.as_bytes(), Existing::Keep).map_err(Failure::failed)?;
    }
    if let Some(path) = &options.html {
        let shown: Vec<Shown<'_>> = cards.iter().map(Card::shown).collect();
        write_public(path, page(&loaded.line.model, &shown, language).as_bytes(), Existing::Keep)
            .map_err(Failure::failed)?;
    }
    if options.json {
        let set: Vec<serde_json::Value> = set.iter().map(|file| as_json(file, Path::new(""))).collect();
        let all: Vec<&Scorecard> = cards.iter().map(|own| &own.card).collect();
        json::print(&serde_json::json!({
            "model": loaded.line.model, "state": loaded.line.state, "cards": all, "weights": weights,
            "changes": set, "changes_count_in": ["card"],
        }));
        return Ok(());
    }
    cards.iter().for_each(|own| own.print(&loaded.line.model, language));
    for path in options.csv.iter().chain(&options.html) {
        println!("{}", words::written(path.display()).text(language));
    }
    Ok(())
}

/// A change in words.
fn change(file: &PointsFile) -> Said {
    let PointsStatement { sequence, field, values, before, after, reason, .. } = &file.statement;
    let signed: Vec<String> = file.signatures.iter().map(|one| format!("{} ({})", one.staff, one.role)).collect();
    words::change(sequence, field, values, before, after, reason, signed.join(", "))
}

/// Weights of evidence as the model's run counted them; none where it counted nothing.
fn weights(options: &ScorecardOptions, model: &str) -> Result<Vec<FieldWeights>, Failure> {
    match registry::evaluation(&options.config, model) {
        Ok(found) => Ok(found.weights),
        Err(RegistryError::NotEvaluated { .. }) => Ok(Vec::new()),
        Err(fault) => Err(explained(fault)),
    }
}

impl Card {
    fn shown(&self) -> Shown<'_> {
        let Self { card, blocks, pairs, notes, changes } = self;
        Shown { card, blocks, pairs, notes, changes }
    }

    fn print(&self, model: &str, language: Language) {
        let say = |said: &Said| println!("  {}", said.text(language));
        println!("{}", words::title(&self.card.head, model).text(language));
        self.notes.iter().for_each(say);
        println!("  {}: {}", words::base().text(language), self.card.base);
        for block in &self.blocks {
            let information = block.information.as_ref().map(told);
            let information = information
                .map(|value| format!("{}{} {value}", language.semicolon(), words::information().text(language)));
            println!("{}{}", block.heading, information.unwrap_or_default());
            block.rows.iter().for_each(|row| print_row(row, language));
        }
        for PairTable { title, columns, rows } in &self.pairs {
            println!("{title}\n  {}", columns.join(" | "));
            for (values, points) in rows {
                let points: Vec<String> = points.iter().map(ToString::to_string).collect();
                println!("  {values}: {}", points.join(" | "));
            }
        }
        if !self.changes.is_empty() {
            println!("{}", words::changes().text(language));
            say(&words::card_alone());
            self.changes.iter().for_each(say);
        }
        println!("  {}", words::reasons().text(language));
    }
}

fn print_row(row: &Row, language: Language) {
    let number = row.number.map(|number| format!("{number}. ")).unwrap_or_default();
    let Some(points) = row.points else { return println!("  {}", row.values) };
    let exact = row.exact.map(|exact| format!(" ({})", shown(exact))).unwrap_or_default();
    let set = row.model_points.map(|points| format!("; {}", words::set(points).text(language)));
    let evidence = row.evidence.as_ref().map(|own| format!("; {} {}", words::evidence().text(language), told(own)));
    println!("  {number}{}: {points}{exact}{}{}", row.values, set.unwrap_or_default(), evidence.unwrap_or_default());
}
