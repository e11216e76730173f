//! Plans out of the files that hold them.

use std::path::Path;

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
    as_file(path).map(|file| file.plan)
}

/// A canonical file, or the one that a plan.toml gives.
pub(super) fn as_file(path: &Path) -> Result<PlanFile, Unread> {
    let text = files::read_text(path, "plan").map_err(|error| Unread::Failure(Failure::failed(error)))?;
    if PlanFile::is_one(&text) {
        return of_file(path).map_err(Unread::Failure);
    }
    of_toml(path).map(PlanFile::new).map_err(Unread::Faults)
}

pub(super) fn of_year(path: &Path) -> Result<YearFile, Failure> {
    YearFile::read(path).map_err(Failure::failed)
}

pub(super) fn of_file(path: &Path) -> Result<PlanFile, Failure> {
    PlanFile::read(path).map_err(Failure::failed)
}

pub(super) fn of_toml(path: &Path) -> Result<Plan, Faults> {
    let settings = PlanSettings::load(path)?;
    let built = build(&settings).map_err(|fault| Faults { file: path.to_path_buf(), faults: vec![fault] })?;
    Ok(built.plan.plan().clone())
}
