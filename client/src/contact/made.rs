//! Files of scores that this branch makes: the register says where, so that an erasure and a purge find each, also one of which no list was made, and what a
//! crash has left of one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;
use tributary_storage::files::{FileError, folder_of};
use tributary_storage::unfinished::unfinished;
use tributary_texts::contact as words;

use super::event::{ContactEvent, MadeScores};
use super::itself::{digest_of, is_away, is_gone};
use super::kept_scores::delete_each;
use super::places::ledger_path;
use super::refusals::Refusals;
use super::store::Store;
use super::undone::Undone;
use crate::error::ClientError;
use crate::settings::Settings;

/// The kind of what an interruption has left, as the register and certificates call it.
pub(super) const UNFINISHED: &str = "unfinished";
/// The rule by which a certificate says that it went: no key of the settings.
pub(super) const INTERRUPTED: &str = "interruption";

/// How a file of scores begins.
pub(crate) struct BegunScores {
    /// Who refuses now.
    pub(crate) refusals: Refusals,
    /// What others left in its folder, and is deleted.
    pub(crate) deleted: Vec<PathBuf>,
    /// What of it cannot be deleted. It holds up no scoring: erasure and purge name it.
    pub(crate) stays: Vec<PathBuf>,
}

/// Before the first byte of a file of scores: notes its folder, and deletes what others left there, recorded first. No link leads to the folder.
///
/// # Errors
/// If the register cannot be used, the path is no text, or the folder cannot be read.
pub(crate) fn begin_scores(settings: &Settings, output: &Path, now: u64) -> Result<BegunScores, ClientError> {
    let mut store = Store::open(settings, now)?;
    let folder = text_of(output).and_then(|_| text_of(folder_of(output)))?;
    let left = unfinished(Path::new(&folder)).map_err(ClientError::file)?.left;
    let (deleted, stays) = delete_unfinished(&mut store, left, now, &mut Undone::default())?;
    if !store.register().score_folders.contains(&folder) {
        store.record(now, ContactEvent::ScoresBegun { folder })?;
    }
    Ok(BegunScores { refusals: Refusals::read(&settings.state_dir)?, deleted, stays })
}

/// Whether the file at a path is one of scores that this branch put there, also without its note. No link leads to the path.
///
/// # Errors
/// If the register or the file cannot be read.
pub(crate) fn is_made_scores(settings: &Settings, path: &Path, now: u64) -> Result<bool, ClientError> {
    // Without a register nothing was made, and looking makes none.
    if !ledger_path(&settings.state_dir).exists() || !fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) {
        return Ok(false);
    }
    let store = Store::open(settings, now)?;
    let register = store.register();
    let found = register.root(digest_of(path).map_err(ClientError::file)?);
    let mut made = register.scores.iter().filter(|made| Path::new(&made.path) == path);
    Ok(made.any(|made| register.root(made.digest) == found))
}

/// Gives a file of scores its name by `place`: noted before, durable. `write` hears who refuses now, and gives what is placed, with its digest. No command that
/// excludes, erases or makes a list runs meanwhile.
///
/// # Errors
/// If the register cannot be used, or what `write` and `place` say.
pub(crate) fn place_scores<F, M>(
    settings: &Settings,
    (output, now): (&Path, u64),
    write: impl FnOnce(&Refusals) -> Result<(Digest, F), ClientError>,
    place: impl FnOnce(F) -> Result<M, ClientError>,
) -> Result<M, ClientError> {
    let mut store = Store::open(settings, now)?;
    let (digest, file) = write(&Refusals::read(&settings.state_dir)?)?;
    store.record(now, ContactEvent::ScoresMade(MadeScores { path: text_of(output)?, digest, made_at: now }))?;
    place(file)
}

/// Deletes what interruptions have left, recorded first: what is gone, and what stays.
///
/// # Errors
/// If the register cannot be written.
pub(super) fn delete_unfinished(
    store: &mut Store,
    left: Vec<PathBuf>,
    now: u64,
    undone: &mut Undone,
) -> Result<(Vec<PathBuf>, Vec<PathBuf>), ClientError> {
    store.record_purged(UNFINISHED, left.len(), now)?;
    delete_each(&left, undone);
    Ok(left.into_iter().partition(|path| is_gone(path)))
}

/// What interruptions have left of scores, of copies of lists and of handed-over files. What is being made now is not among it. A folder that cannot be read is
/// named in `undone`, and so are the note of a copy and a draft of which nobody
/// can say whether it is left.
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
            // It may come back with its disk, and drafts in it.
            Ok(_) if is_away(&folder) => undone.file(&FileError::Link { path: folder }),
            Ok(drafts) => {
                found.extend(drafts.left);
                drafts.doubtful.iter().for_each(|doubt| undone.draft(doubt));
            }
            // No folder can have this name, so it has no draft.
            Err(_) if is_gone(&folder) => {}
            Err(fault) => undone.file(&fault),
        }
    }
    found
}

fn text_of(path: &Path) -> Result<String, ClientError> {
    path.to_str().map(str::to_owned).ok_or_else(|| ClientError::Said(words::path_no_text(path.display())))
}

#[cfg(test)]
mod tests {
    use tributary_protocol::log::LedgerId;
    use tributary_storage::journal::read;

    use super::*;
    use crate::contact::tests::{NOW, RULES, World};

    /// The disk of a noted folder is away: what is in it may come back, so that no erasure is called whole.
    #[cfg(unix)]
    #[test]
    fn a_folder_behind_a_dead_link_is_named() {
        let world = World::new(RULES);
        let (settings, folder) = (world.settings(), world.at("").canonicalize().unwrap().join("scores"));
        fs::create_dir(&folder).unwrap();
        begin_scores(&settings, &folder.join("scores.csv"), NOW).unwrap_or_else(|fault| panic!("{fault}"));
        fs::write(folder.join(".0123456789abcdef.tmp"), "c1,0.5\n").unwrap();
        let left = || {
            let mut undone = Undone::default();
            let store = Store::open(&settings, NOW).unwrap_or_else(|fault| panic!("{fault}"));
            (left_behind(&store, &mut undone).len(), undone.is_empty())
        };
        assert_eq!(left(), (1, true));
        fs::rename(&folder, world.at("away")).unwrap();
        assert_eq!(left(), (0, true), "a folder that is gone is nothing");
        std::os::unix::fs::symlink(world.at("disk"), &folder).unwrap();
        assert_eq!(left(), (0, false));
        fs::rename(world.at("away"), world.at("disk")).unwrap();
        assert_eq!(left(), (1, true));
    }

    /// What is deleted is recorded before, as in an erasure.
    #[test]
    fn what_others_left_is_recorded_when_scores_begin() {
        let world = World::new(RULES);
        let (settings, folder) = (world.settings(), world.at("").canonicalize().unwrap());
        let output = folder.join("scores.csv");
        let events = || -> Vec<ContactEvent> {
            let read = read::<ContactEvent>(&ledger_path(&settings.state_dir), LedgerId::CONTACT).unwrap();
            read.into_iter().map(|recorded| recorded.event).collect()
        };
        let left = [".00000000deadbeef.tmp", ".0123456789abcdef.tmp"].map(|name| folder.join(name));
        left.iter().for_each(|path| fs::write(path, "c2,0.5\n").unwrap());
        let begun = begin_scores(&settings, &output, NOW).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(begun.deleted, left);
        let purged = ContactEvent::FilesPurged { kind: "unfinished".into(), files: 2 };
        let noted = ContactEvent::ScoresBegun { folder: folder.to_str().unwrap().into() };
        assert!(events().ends_with(&[purged, noted]), "{:?}", events());
        // Nothing is left, and nothing is recorded.
        let before = events().len();
        let begun = begin_scores(&settings, &output, NOW).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!((begun.deleted.len(), events().len()), (0, before));
    }
}
