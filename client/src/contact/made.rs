//! Files of scores that this branch makes: the register says where, so that an erasure and a purge find each, also one of which no list was made, and what a
//! crash has left of one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;
use tributary_storage::files::{FileError, folder_of};
use tributary_storage::unfinished::unfinished;
use tributary_texts::contact as words;

use super::event::{ContactEvent, MadeScores};
use super::itself::is_gone;
use super::kept_scores::remove;
use super::refusals::Refusals;
use super::store::Store;
use super::undone::Undone;
use crate::error::ClientError;
use crate::settings::Settings;

/// The kind of what an interruption has left, as the register and certificates call it.
pub(super) const UNFINISHED: &str = "unfinished";
/// The rule by which a certificate says that it went: no key of the settings.
pub(super) const INTERRUPTED: &str = "interruption";

/// Before the first byte of a file of scores: notes its folder, and deletes what others left there. Who refuses now.
///
/// # Errors
/// If the register cannot be used, the path is no text, or the folder cannot be read.
pub(crate) fn begin_scores(settings: &Settings, output: &Path, now: u64) -> Result<Refusals, ClientError> {
    let mut store = Store::open(settings, now)?;
    let folder = text_of(&real_folder(output)?)?;
    for left in unfinished(Path::new(&folder)).map_err(ClientError::file)? {
        remove(&left)?;
    }
    if !store.register().score_folders.contains(&folder) {
        store.record(now, ContactEvent::ScoresBegun { folder })?;
    }
    Refusals::read(&settings.state_dir)
}

/// Gives a file of scores its name by `place`: noted before, durable. Whether it was: where somebody was excluded or erased since `refusals`, the file may hold
/// that customer, and gets none. No command that excludes, erases or makes a list runs meanwhile.
///
/// # Errors
/// If the register cannot be used, or what `place` says.
pub(crate) fn place_scores(
    settings: &Settings,
    (output, digest): (&Path, Digest),
    (refusals, now): (&Refusals, u64),
    place: impl FnOnce() -> Result<(), ClientError>,
) -> Result<bool, ClientError> {
    let mut store = Store::open(settings, now)?;
    if Refusals::read(&settings.state_dir)? != *refusals {
        return Ok(false);
    }
    let folder = real_folder(output)?;
    let path = text_of(&output.file_name().map_or_else(|| folder.clone(), |name| folder.join(name)))?;
    store.record(now, ContactEvent::ScoresMade(MadeScores { path, digest, made_at: now }))?;
    place()?;
    Ok(true)
}

/// What interruptions have left of scores, of copies of lists and of handed-over files. What is being made now is not among it. A folder that cannot be read is
/// named in `undone`, and so is the note of a copy.
pub(super) fn left_behind(store: &Store, undone: &mut Undone) -> Vec<PathBuf> {
    let register = store.register();
    let scores = register.scores.iter().map(|made| &made.path);
    let lists = register.lists.values().map(|list| &list.built.scores_path);
    let of = |path: &Path| folder_of(path).to_owned();
    let mut folders: BTreeSet<PathBuf> = scores.chain(lists).map(|path| of(Path::new(path))).collect();
    folders.extend(register.score_folders.iter().map(PathBuf::from));
    for (number, list) in register.lists.iter().filter(|(_, list)| !list.purged) {
        match store.copy_of(*number) {
            Ok(copy) => folders.extend(copy.map(|path| of(&path))),
            Err(fault) => undone.part(&fault),
        }
        folders.extend(list.delivery.as_ref().map(|(delivery, _)| PathBuf::from(&delivery.folder)));
    }
    let mut found = Vec::new();
    for folder in folders {
        match unfinished(&folder) {
            Ok(left) => found.extend(left),
            // No folder can have this name, so it has no draft.
            Err(_) if is_gone(&folder) => {}
            Err(fault) => undone.file(&fault),
        }
    }
    found
}

/// The folder of a file. Links to it are followed now; the name itself is no link when the file has it.
fn real_folder(output: &Path) -> Result<PathBuf, ClientError> {
    let folder = folder_of(output);
    folder.canonicalize().map_err(FileError::system("reading", folder)).map_err(ClientError::file)
}

fn text_of(path: &Path) -> Result<String, ClientError> {
    path.to_str().map(str::to_owned).ok_or_else(|| ClientError::Said(words::path_no_text(path.display())))
}
