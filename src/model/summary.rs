//! What a run counted of each field.

use std::path::PathBuf;

use clap::Args;
use tributary_coordinator::registry;
use tributary_model::learnt::LearntField;
use tributary_model::metrics::Estimate;
use tributary_model::summary::FieldFigures;

use tributary_texts::{Language, evaluation, summary as words};

use super::explained::explained;
use crate::exit::Failure;
use crate::{json, typed};

/// Of which run.
#[derive(Args)]
pub(crate) struct SummaryOptions {
    /// A model, whose run it is; or a plan, with --run: the digest, or the first eight digits of it or more
    #[arg(value_name = "DIGEST")]
    digest: String,
    /// The number of a run of the plan
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    run: Option<u32>,
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The language of the table; without it, that of the locale
    #[arg(long, value_name = "LANGUAGE", value_parser = typed::language())]
    lang: Option<Language>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Shows it.
pub(super) fn summary(options: &SummaryOptions) -> Result<(), Failure> {
    let found = registry::summary(&options.config, &options.digest, options.run).map_err(explained)?;
    if options.json {
        json::print(&found);
        return Ok(());
    }
    let language = options.lang.unwrap_or_else(Language::of_environment);
    println!("{}", words::title(found.run, &found.plan).text(language));
    let most = found.fields.iter().map(|field| field.customers.value).fold(0.0, f64::max);
    println!("  {}", words::counted(format!("{most:.0}"), found.survivors).text(language));
    for field in &found.fields {
        show(field, language);
        if let Some(learnt) = found.learnt.iter().find(|learnt| learnt.field == field.field) {
            show_learnt(learnt, language);
        }
    }
    println!("{}", words::intervals().text(language));
    Ok(())
}

fn show(figures: &FieldFigures, language: Language) {
    let FieldFigures { field, customers, missing, quantiles, categories } = figures;
    println!("{field}");
    println!("  {}: {}", evaluation::customers().text(language), whole(customers));
    if let Some(missing) = missing {
        println!("  {}: {}", words::missing().text(language), percent(missing));
    }
    for quantile in quantiles {
        let name = words::quantile(format!("{:.0}", 100.0 * quantile.share));
        let told = quantile.value.as_ref().map_or_else(|| words::few().text(language).to_owned(), number);
        println!("  {}: {told}", name.text(language));
    }
    for category in categories {
        let share = category.share.as_ref().map(|share| format!("  {}", percent(share))).unwrap_or_default();
        println!("  {}: {}{share}", category.category, whole(&category.customers));
    }
}

fn show_learnt(learnt: &LearntField, language: Language) {
    for edges in &learnt.edges {
        let all: Vec<String> = edges.iter().map(ToString::to_string).collect();
        println!("  {}", words::edges(edges.len() + 1, all.join(", ")).text(language));
    }
    if !learnt.together.is_empty() {
        println!("  {}", words::together(learnt.together.join(", ")).text(language));
    }
}

fn whole(estimate: &Estimate) -> String {
    let Estimate { value, low, high } = estimate;
    format!("{value:.0} [{low:.0}, {high:.0}]")
}

fn percent(estimate: &Estimate) -> String {
    let [value, low, high] = [estimate.value, estimate.low, estimate.high].map(|share| 100.0 * share);
    format!("{value:.1} % [{low:.1}, {high:.1}]")
}

/// Figures of a field can be of any size: five digits of them.
fn number(estimate: &Estimate) -> String {
    let [value, low, high] = [estimate.value, estimate.low, estimate.high].map(|value| {
        let digits = if value.abs() >= 10_000.0 {
            0
        } else if value.abs() >= 10.0 {
            1
        } else {
            3
        };
        format!("{value:.digits$}")
    });
    format!("{value} [{low}, {high}]")
}
