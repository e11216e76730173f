//! Of which days and plans a report is made, and where it goes.

use std::path::{Path, PathBuf};

use clap::Args;
use tributary_certs::clock::unix_seconds;
use tributary_evidence::report::{Asked, Period, Preset, Scope};
use tributary_protocol::plan::Date;
use tributary_protocol::registry::Sight;
use tributary_storage::files::{Existing, write_private};
use tributary_texts::Language;

use crate::exit::Failure;
use crate::inspect::{self, InspectionOptions};
use crate::typed;

/// Of what a report is made.
#[derive(Args)]
pub(crate) struct ComplianceOptions {
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// The first day, YYYY-MM-DD of UTC [default: as many days before the last one as the preset has]
    #[arg(long, value_name = "DATE", value_parser = typed::date)]
    from: Option<Date>,
    /// The last day, YYYY-MM-DD of UTC [default: today]
    #[arg(long, value_name = "DATE", value_parser = typed::date)]
    to: Option<Date>,
    /// The occasion: yearly (12 months), personal-information (24 months), leak (6 months)
    #[arg(long, value_name = "NAME", value_parser = typed::word(Preset::ALL, Preset::name))]
    preset: Option<Preset>,
    /// Which plans: all, purpose:NAME, or plan:DIGITS of its digest
    #[arg(long, default_value = "all")]
    scope: Scope,
    /// The language of the page
    #[arg(long, value_name = "LANGUAGE", default_value = "en", value_parser = typed::language())]
    pub(super) lang: Language,
    /// The JSON file to write; the page is written beside it, with the ending .html
    #[arg(long, value_name = "FILE")]
    pub(super) output: PathBuf,
    #[command(flatten)]
    inspection: InspectionOptions,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// The page beside a JSON file, where neither of the two is there yet.
///
/// # Errors
/// If one of them is.
pub(super) fn free(output: &Path) -> Result<PathBuf, Failure> {
    let page = output.with_extension("html");
    if page == *output {
        return Err(Failure::usage("--output names the JSON file; the page gets the ending .html beside it"));
    }
    for path in [output, &page] {
        if path.exists() {
            return Err(Failure::failed(format!(
                "{} exists; nothing is replaced. Name another file, or move this one away",
                path.display()
            )));
        }
    }
    Ok(page)
}

impl ComplianceOptions {
    /// Which days and which plans are asked for. Where an inspector asks, the look is recorded.
    ///
    /// # Errors
    /// If no days are named, or the inspector's request does not count.
    pub(super) fn asked(&self, what: Sight) -> Result<Asked, Failure> {
        let Self { config, from, to, preset, scope, inspection, .. } = self;
        let to = to.unwrap_or_else(|| Date::of_second(unix_seconds()));
        let period = match (from, preset) {
            (Some(from), _) => Period::new(*from, to).map_err(Failure::usage)?,
            (None, Some(preset)) => Period::ending(*preset, to),
            (None, None) => return Err(Failure::usage("name the first day with --from, or an occasion with --preset")),
        };
        let (days, of) = ((period.from(), period.to()), scope.to_string());
        inspection.record(config, &inspect::Asked::of_days(what, days, &of))?;
        Ok(Asked { preset: *preset, period, scope: scope.clone() })
    }
}

/// Writes a file that is not there yet.
///
/// # Errors
/// If it is there, or cannot be written.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_private(path, bytes, Existing::Keep).map_err(Failure::failed)
}
