//! What a coordinator hands to an auditor: one file with everything that somebody needs who verifies a period without this coordinator.
//!
//! The journal goes whole, up to the last day; or a part of it goes, with proofs that it stands in the journal that was signed and cosigned. What is kept of
//! rounds goes for the runs of the days alone. Nothing is signed here: the bundle is worth what its reader finds in it.

mod collect;
mod error;
mod from;
mod part;
mod scope;

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tributary_certs::clock::unix_millis;
use tributary_certs::roster::RosterAuthorities;
use tributary_evidence::bundle::{BundleWriter, CONTENTS, Contents};
use tributary_protocol::plan::Date;
use tributary_protocol::time::Millis;
use tributary_storage::files::{Draft, Existing, folder_of, write_public};

pub use error::ExportError;
pub use scope::Scope;

use collect::Collected;
use from::From;

use crate::settings::Settings;

/// What is exported.
pub struct Export<'a> {
    /// First and last day, in UTC.
    pub days: (Date, Date),
    /// How much of the journal.
    pub scope: Scope,
    /// The bundle's file; it must not be there.
    pub output: &'a Path,
}

/// A bundle that was written.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// Digest of its table: it names the bundle.
    pub bundle: String,
    /// The file.
    pub file: PathBuf,
    /// The file beside it that names the digest.
    pub digest_file: PathBuf,
    /// Parts.
    pub parts: usize,
    /// Runs of the days.
    pub runs: usize,
    /// Runs of the journal outside of the days: their events are in the bundle, and what is kept of their rounds is not.
    pub runs_outside: usize,
    /// Whether the journal goes on after the last day.
    pub goes_on: bool,
    /// Entries of the journal up to the first checkpoint from the last day on.
    pub entries: u64,
    /// Of these, those that are not in the bundle.
    pub left_out: u64,
}

/// Writes a bundle, beside a daemon that may be running.
///
/// # Errors
/// [`ExportError`]; no bundle is written then.
pub fn export(config: &Path, export: &Export<'_>) -> Result<Exported, ExportError> {
    let settings = Settings::load(config)?;
    let Export { days, scope, output } = *export;
    if output.exists() {
        return Err(ExportError::Exists(output.to_path_buf()));
    }
    let authorities = RosterAuthorities::read(&settings.identity.authorities)?;
    let made = Millis(unix_millis());
    let folder = folder_of(output);
    let mut collected = Collected::of(&settings, Contents::new(days, made, false).span(), (scope, folder))?;
    // A clock that was set back meanwhile does not make the bundle older than what is in it.
    let made = made.max(collected.last);
    let contents = Contents::new(days, made, collected.goes_on).of_part(scope.words());
    collected.add(CONTENTS, From::Bytes(contents.to_bytes()));
    collected.add("authorities", From::Bytes(authorities.print().into_bytes()));
    let system = |fault| ExportError::System { path: output.to_path_buf(), fault };
    let draft = Draft::private(folder).map_err(system)?;
    let mut writer = BundleWriter::new(BufWriter::with_capacity(1 << 18, draft))?;
    let mut parts = 0;
    for (name, from) in &collected.parts {
        // What was removed meanwhile because its time is over is left out, as if the export had begun later.
        if let Some(mut reader) = from.open()? {
            writer.part(name, &mut reader)?;
            parts += 1;
        }
    }
    let (draft, digest) = writer.finish()?;
    let draft = draft.into_inner().map_err(|fault| system(fault.into_error()))?;
    // The bundle comes last: one that is there has its digest beside it, and one that could not be put there stops no second attempt.
    let digest_file = beside(output);
    if output.symlink_metadata().is_ok() {
        // Somebody else's, of whose digest that file speaks.
        return Err(ExportError::Exists(output.to_path_buf()));
    }
    write_public(&digest_file, format!("{digest}\n").as_bytes(), Existing::Replace)?;
    draft.place(output, Existing::Keep)?;
    let Collected { runs, runs_outside, goes_on, entries, left_out, .. } = collected;
    let (bundle, file) = (digest.to_string(), output.to_path_buf());
    Ok(Exported { bundle, file, digest_file, parts, runs, runs_outside, goes_on, entries, left_out })
}

/// The file that names a bundle's digest.
fn beside(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".digest");
    name.into()
}
