//! What an evaluation says of one model, and of several side by side.

use std::path::PathBuf;

use clap::Args;
use tributary_coordinator::registry::{Evaluation, evaluation};
use tributary_model::metrics::Estimate;
use tributary_storage::files::{Existing, write_public};
use tributary_texts::{Language, evaluation as words};

use super::explained::explained;
use super::page::{page, rows, shown};
use crate::exit::Failure;
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
    /// The language of table and page; without it, that of the locale
    #[arg(long, value_name = "LANGUAGE", value_parser = typed::language())]
    lang: Option<Language>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Shows one model.
pub(super) fn evaluate(options: &EvaluateOptions) -> Result<(), Failure> {
    let found = of(&options.model, &options.shown)?;
    if options.shown.json {
        json::print(&found);
    }
    show(std::slice::from_ref(&found), &options.shown)
}

/// Shows two models side by side.
pub(super) fn compare(options: &CompareOptions) -> Result<(), Failure> {
    let both = [of(&options.model, &options.shown)?, of(&options.other, &options.shown)?];
    if options.shown.json {
        json::print(&serde_json::json!({ "models": both }));
    }
    show(&both, &options.shown)
}

fn of(model: &str, shown: &ShownOptions) -> Result<Evaluation, Failure> {
    evaluation(&shown.config, model).map_err(explained)
}

fn show(models: &[Evaluation], options: &ShownOptions) -> Result<(), Failure> {
    let language = options.lang.unwrap_or_else(Language::of_environment);
    if let Some(path) = &options.html {
        write_public(path, page(models, language).as_bytes(), Existing::Keep).map_err(Failure::failed)?;
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
    }
    println!("{}", words::intervals().text(language));
    if let Some(path) = &options.html {
        println!("{}", words::written(path.display()).text(language));
    }
    Ok(())
}

fn told(estimate: Option<&Estimate>, language: Language) -> String {
    match estimate {
        Some(Estimate { value, low, high }) => format!("{} [{}, {}]", shown(*value), shown(*low), shown(*high)),
        None => words::none().text(language).to_owned(),
    }
}
