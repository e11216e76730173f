//! What an evaluation says of one model, and of several side by side.

use std::path::PathBuf;

use clap::Args;
use tributary_coordinator::registry::{Evaluation, evaluation};
use tributary_model::metrics::Estimate;
use tributary_storage::files::{Existing, write_public};
use tributary_texts::{Language, evaluation as words};

use super::beside::{Beside, BesideFile};
use super::explained::explained;
use super::figures::{rows, shown};
use super::page::page_beside;
use super::sections;
use crate::exit::Failure;
use crate::page::Section;
use crate::{json, typed};

/// Of which model.
#[derive(Args)]
pub(crate) struct EvaluateOptions {
    /// The model: its digest, or the first eight digits of it or more
    #[arg(value_name = "DIGEST")]
    model: String,
    #[command(flatten)]
    shown: ShownOptions,
}

/// Which models.
#[derive(Args)]
pub(crate) struct CompareOptions {
    /// The model that is compared
    #[arg(value_name = "DIGEST")]
    model: String,
    /// The one with which it is compared
    #[arg(value_name = "OTHER")]
    other: String,
    #[command(flatten)]
    shown: ShownOptions,
}

/// How it is shown.
#[derive(Args)]
struct ShownOptions {
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Also write one page of HTML with charts; never replaced
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Show figures of other models and the price of epsilon beside it, from this JSON file; written on public data
    #[arg(long, value_name = "FILE")]
    beside: Option<PathBuf>,
    /// The language of table and page; without it, that of the locale
    #[arg(long, value_name = "LANGUAGE", value_parser = typed::language())]
    lang: Option<Language>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Shows one model.
pub(super) fn evaluate(options: &EvaluateOptions) -> Result<(), Failure> {
    let (found, beside) = (of(&options.model, &options.shown)?, beside(&options.shown)?);
    if options.shown.json {
        let mut object = serde_json::json!(found);
        if let Some(file) = &beside {
            object["beside"] = serde_json::json!(file.beside);
        }
        json::print(&object);
    }
    show(std::slice::from_ref(&found), beside.as_ref(), &options.shown)
}

/// Shows two models side by side.
pub(super) fn compare(options: &CompareOptions) -> Result<(), Failure> {
    let both = [of(&options.model, &options.shown)?, of(&options.other, &options.shown)?];
    let beside = beside(&options.shown)?;
    if options.shown.json {
        json::print(&serde_json::json!({ "models": both, "beside": beside.as_ref().map(|file| &file.beside) }));
    }
    show(&both, beside.as_ref(), &options.shown)
}

fn of(model: &str, shown: &ShownOptions) -> Result<Evaluation, Failure> {
    evaluation(&shown.config, model).map_err(explained)
}

fn beside(shown: &ShownOptions) -> Result<Option<BesideFile>, Failure> {
    let read = |path: &PathBuf| Ok(BesideFile { path: path.clone(), beside: Beside::read(path)? });
    shown.beside.as_ref().map(read).transpose()
}

fn show(models: &[Evaluation], beside: Option<&BesideFile>, options: &ShownOptions) -> Result<(), Failure> {
    let language = options.lang.unwrap_or_else(Language::of_environment);
    if let Some(path) = &options.html {
        write_public(path, page_beside(models, beside, language).as_bytes(), Existing::Keep)
            .map_err(Failure::failed)?;
    }
    if options.json {
        return Ok(());
    }
    for model in models {
        println!("{}", words::title(&model.model).text(language));
        println!("  {}", words::of_run(&model.purpose, model.run, &model.plan_name).text(language));
        println!("  {}", words::counted(format!("{:.0}", model.customers()), model.survivors).text(language));
    }
    let Some(first) = models.first() else { return Ok(()) };
    for head in &first.heads {
        println!("{}", words::label(&head.head).text(language));
        let other = models.get(1).and_then(|model| model.heads.iter().find(|other| other.head == head.head)).map(rows);
        for (place, (name, estimate)) in rows(head).into_iter().enumerate() {
            let mut line = vec![told(estimate.as_ref(), language)];
            if let Some(other) = other.as_ref().and_then(|rows| rows.get(place)) {
                line.push(told(other.1.as_ref(), language));
                if let (Some(estimate), Some(other)) = (estimate, other.1) {
                    let difference = estimate.minus(&other);
                    line.push(format!("{} {}", words::difference().text(language), told(Some(&difference), language)));
                }
            }
            println!("  {}: {}", name.text(language), line.join("   "));
        }
        if let Some(file) = beside {
            other_models(file, &head.head, language);
        }
        // Of two models their figures are compared; each one's tables are its own.
        if let [one] = models {
            sections::of_head(one, head, language).iter().for_each(|of_head| section(of_head, language));
        }
    }
    if let [one] = models {
        sections::stability(one, language).iter().for_each(|moved| section(moved, language));
    }
    println!("{}", words::intervals().text(language));
    if let Some(path) = &options.html {
        println!("{}", words::written(path.display()).text(language));
    }
    Ok(())
}

/// One table, a line for each row.
fn section(section: &Section, language: Language) {
    println!("{}", section.title.text(language));
    if let Some(note) = &section.note {
        println!("  {}", note.text(language));
    }
    if !section.rows.is_empty() {
        let names: Vec<&str> = section.columns.iter().map(|column| column.text(language)).collect();
        println!("  {}", names.join(" | "));
    }
    for row in &section.rows {
        let entries = row.iter().map(|entry| match &entry.below {
            Some(below) => format!("{} ({below})", entry.text),
            None => entry.text.clone(),
        });
        println!("  {}", entries.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" | "));
    }
}

/// Figures of other models and the price of epsilon, a line each.
fn other_models(file: &BesideFile, head: &str, language: Language) {
    println!("{}", words::beside_note(file.path.display()).text(language));
    for other in file.beside.models_of(head) {
        let known = other.figures().into_iter().filter_map(|(name, value)| Some((name, value?)));
        let figures: Vec<String> =
            known.map(|(name, value)| format!("{} {}", name.text(language), shown(value))).collect();
        println!("  {}: {}", other.name, figures.join("   "));
    }
    for price in file.beside.price_of(head) {
        println!("  epsilon {}: AUC {}", price.epsilon, shown(price.auc));
    }
}

fn told(estimate: Option<&Estimate>, language: Language) -> String {
    match estimate {
        Some(estimate) => sections::told(estimate),
        None => words::none().text(language).to_owned(),
    }
}
