//! A customer is erased from what the product keeps. What stays is a keyed pseudonym: nobody comes back into a list by it.

use std::path::{Path, PathBuf};

use tributary_storage::files::shown;
use tributary_texts::{Said, customer as words};

use super::exclude::withdraw;
use super::find::{id_of, lines_of};
use super::reply::Answer;
use crate::contact::event::ContactEvent;
use crate::contact::itself::is_gone;
use crate::contact::kept_scores::{Left, kept_scores, remove};
use crate::contact::made::left_behind;
use crate::contact::pseudonym::Pseudonym;
use crate::contact::recall::finish;
use crate::contact::store::Store;
use crate::error::ClientError;
use crate::identity::own_signing_key;
use crate::settings::Settings;

/// Erases a customer: from the lines of kept lists, and from every scores file that this branch made. Each step is
/// recorded before it is done, so that the same command goes on after an interruption. Copies that were handed out are named.
///
/// # Errors
/// If register or files cannot be used.
pub fn erase(config: &Path, id: &str, now: u64) -> Result<Answer, ClientError> {
    let settings = Settings::load(config)?;
    let id = id_of(id)?;
    let key = own_signing_key(&settings.identity.folder)?;
    let mut store = Store::open(&settings, now)?;
    let customer = Pseudonym::of(store.key(), id);
    withdraw(&mut store, customer, now)?;
    let notes = finish(&mut store, now);
    let lines = lines_of(&store, customer)?;
    for (list, line) in &lines {
        store.erase_line(now, *list, *line)?;
    }
    let mut answer = Answer::new(id, words::erase_title(), now);
    answer.tell(words::erased());
    answer.note(words::lines_erased(lines.len()));
    answer.notes.extend(copies(&store)?);
    answer.note(words::copies_unknown());
    for path in unfinished_gone(&mut store, now)? {
        answer.note(words::unfinished_deleted(shown(&path)));
    }
    let scores = kept_scores(&store)?;
    answer.notes.extend(scores.other.iter().map(|path| words::scores_other(shown(path))));
    for scores in scores.kept {
        match scores.erase((&mut store, &key), customer, now)? {
            Left::AsItWas => {}
            Left::Without { erased, rows } => answer.note(words::scores_erased(shown(&scores.path), erased, rows)),
            Left::Nothing => answer.note(words::scores_deleted(shown(&scores.path))),
        }
    }
    if !store.register().erased.contains(&customer) {
        store.record(now, ContactEvent::Erased { customer })?;
    }
    // An unwritten recall does not keep the customer's data here.
    answer.notes.extend(notes?);
    Ok(answer)
}

/// Deletes what interruptions have left of files with customers in them: nobody knows whether the customer is in it.
fn unfinished_gone(store: &mut Store, now: u64) -> Result<Vec<PathBuf>, ClientError> {
    let left = left_behind(store)?;
    match u32::try_from(left.len()).unwrap_or(u32::MAX) {
        0 => {}
        files => store.record(now, ContactEvent::FilesPurged { kind: "unfinished".to_owned(), files })?,
    }
    left.iter().try_for_each(|path| remove(path))?;
    Ok(left)
}

/// Files outside of this register that were written of a list from which somebody was erased, as long as they are there: nobody knows any more of which
/// lists the customer was.
fn copies(store: &Store) -> Result<Vec<Said>, ClientError> {
    let mut found = Vec::new();
    for (number, list) in store.register().lists.iter().filter(|(_, list)| !list.erased.is_empty()) {
        let handed = list.delivery.as_ref().map(|(delivery, _)| Path::new(&delivery.folder).join(&delivery.name));
        let paths = store.copy_of(*number)?.into_iter().chain(handed);
        let there = paths.filter(|path| !is_gone(path));
        found.extend(there.map(|path| words::copy_left(shown(&path), number)));
    }
    Ok(found)
}
