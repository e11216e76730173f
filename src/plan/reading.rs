//! Plans out of the files that hold them.

use std::path::{Path, PathBuf};

use tributary_model::schema::Schema;
use tributary_planning::settings::PlanSettings;
use tributary_planning::{PlanFile, YearFile, build};
use tributary_protocol::plan::Plan;
use tributary_settings::Faults;
use tributary_storage::files;

use crate::exit::Failure;

/// Why no plan could be had of a file.
pub(super) enum Unread {
    Faults(Faults),
    Failure(Failure),
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Faults(faults) => Self::settings(faults),
            Unread::Failure(failure) => failure,
        }
    }
}

/// The plan of a canonical file, or of a plan.toml.
pub(super) fn of_either(path: &Path) -> Result<Plan, Unread> {
    as_file(path).map(|(file, _)| file.plan)
}

/// A canonical file; or the one that a plan.toml gives, with the schema that it names.
pub(super) fn as_file(path: &Path) -> Result<(PlanFile, Option<Schema>), Unread> {
    let text = files::read_text(path, "plan").map_err(|error| Unread::Failure(Failure::failed(error)))?;
    if PlanFile::is_one(&text) {
        return of_file(path).map(|file| (file, None)).map_err(Unread::Failure);
    }
    of_toml(path).map(|(plan, schema)| (PlanFile::new(plan), Some(schema))).map_err(Unread::Faults)
}

pub(super) fn of_year(path: &Path) -> Result<YearFile, Failure> {
    YearFile::read(path).map_err(Failure::failed)
}

/// A schema that somebody gave beside a plan.
pub(super) fn of_schema(path: Option<&PathBuf>) -> Result<Option<Schema>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let text = files::read_text(path, "schema").map_err(Failure::failed)?;
    Schema::parse(&text).map(Some).map_err(|faults| Failure::settings(format!("{}: {faults}", path.display())))
}

/// What a plan learns from, in the words of its schema, where that was given.
///
/// # Errors
/// If another schema was given.
pub(super) fn words(plan: &Plan, schema: Option<&Schema>) -> Result<Vec<String>, Failure> {
    let Some(schema) = schema else {
        return Ok(vec!["fields, levels and uses: not shown; give the plan's schema (--schema FILE)".into()]);
    };
    let digest = schema.digest();
    if digest != plan.schema {
        return Err(Failure::failed(format!(
            "the schema that was given has the digest {digest}, and the plan was made for {}; give the plan's own schema",
            plan.schema
        )));
    }
    let mut lines = schema.words().lines(&digest);
    lines.push(format!("  highest level: {}; digest of the inputs: {}", schema.level_max(), schema.inputs_digest()));
    Ok(lines)
}

pub(super) fn of_file(path: &Path) -> Result<PlanFile, Failure> {
    PlanFile::read(path).map_err(Failure::failed)
}

pub(super) fn of_toml(path: &Path) -> Result<(Plan, Schema), Faults> {
    let settings = PlanSettings::load(path)?;
    let built = build(&settings).map_err(|fault| Faults { file: path.to_path_buf(), faults: vec![fault] })?;
    Ok((built.plan.plan().clone(), built.schema))
}
