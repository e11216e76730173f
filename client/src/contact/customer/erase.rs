//! A customer is erased from what the product keeps. What stays is a keyed pseudonym: nobody comes back into a list by it.

use std::path::{Path, PathBuf};

use tributary_certs::suite::SigningKey;
use tributary_storage::files::shown;
use tributary_texts::customer as words;

use super::exclude::{Withdrawn, withdraw};
use super::find::{Lines, id_of};
use super::reply::Answer;
use crate::contact::event::ContactEvent;
use crate::contact::itself::is_gone;
use crate::contact::kept_scores::{Left, kept_scores};
use crate::contact::made::{delete_unfinished, left_behind};
use crate::contact::pseudonym::Pseudonym;
use crate::contact::recall::finish;
use crate::contact::store::Store;
use crate::contact::undone::Undone;
use crate::error::ClientError;
use crate::identity::own_signing_key;
use crate::settings::Settings;

/// Erases a customer: from the lines of kept lists, and from every scores file that this branch made. Each step is
/// recorded before it is done, so that the same command goes on after an interruption. Copies that were handed out are named.
///
/// # Errors
/// If register or files cannot be used. What cannot be erased holds nothing else up: all the rest is done, and the error names what is left. Nobody is called
/// erased before nothing is.
pub fn erase(config: &Path, id: &str, now: u64) -> Result<Answer, ClientError> {
    let settings = Settings::load(config)?;
    let id = id_of(id)?;
    let key = own_signing_key(&settings.identity.folder)?;
    let mut store = Store::open(&settings, now)?;
    let customer = Pseudonym::of(store.key(), id);
    let Withdrawn { lines, .. } = withdraw(&mut store, customer, now)?;
    let recalls = finish(&mut store, now);
    let mut answer = Answer::new(id, words::erase_title(), now);
    answer.tell(words::erased());
    let mut undone = lines_erased(&mut store, lines, now, &mut answer);
    copies(&store, &mut answer, &mut undone);
    answer.note(words::copies_unknown());
    // Files of scores come before drafts: a folder that cannot be read holds none of them up.
    scores_erased((&mut store, &key), customer, now, (&mut answer, &mut undone))?;
    for path in unfinished_gone(&mut store, now, &mut undone)? {
        answer.note(words::unfinished_deleted(shown(&path)));
    }
    if !undone.is_empty() {
        let mut notes = answer.notes;
        notes.extend(recalls.unwrap_or_else(|fault| vec![fault.said()]));
        return Err(undone.of_erasure(notes));
    }
    if !store.register().erased.contains(&customer) {
        store.record(now, ContactEvent::Erased { customer })?;
    }
    // An unwritten recall does not keep the customer's data here.
    answer.notes.extend(recalls?);
    Ok(answer)
}

/// Erases the customer's lines in kept lists. A list that cannot be read or written holds no other up.
fn lines_erased(store: &mut Store, lines: Lines, now: u64, answer: &mut Answer) -> Undone {
    let mut undone = Undone::default();
    lines.unread.iter().for_each(|fault| undone.part(fault));
    let mut erased = 0_usize;
    for (list, line) in lines.found {
        match store.erase_line(now, list, line) {
            Ok(()) => erased += 1,
            Err(fault) => undone.part(&fault),
        }
    }
    answer.note(words::lines_erased(erased));
    undone
}

/// Erases the customer from files of scores.
fn scores_erased(
    (store, key): (&mut Store, &SigningKey),
    customer: Pseudonym,
    now: u64,
    (answer, undone): (&mut Answer, &mut Undone),
) -> Result<(), ClientError> {
    let scores = kept_scores(store);
    undone.also(scores.undone);
    answer.notes.extend(scores.other.iter().map(|path| words::scores_other(shown(path))));
    for scores in scores.kept {
        // The file that takes its place has one name, so this is asked before.
        let other = scores.other_name();
        let path = shown(&scores.path);
        match scores.erase((&mut *store, key), customer, now, undone)? {
            Left::AsItWas | Left::There => continue,
            Left::Without { erased, rows } => answer.note(words::scores_erased(path, erased, rows)),
            Left::Nothing => answer.note(words::scores_deleted(path)),
        }
        answer.notes.extend(other.map(|number| words::other_name(shown(&scores.path), number)));
    }
    Ok(())
}

/// Deletes what interruptions have left of files with customers in them: nobody knows whether the customer is in it.
fn unfinished_gone(store: &mut Store, now: u64, undone: &mut Undone) -> Result<Vec<PathBuf>, ClientError> {
    let left = left_behind(store, undone);
    Ok(delete_unfinished(store, left, now, undone)?.0)
}

/// Files outside of this register that were written of a list from which somebody was erased, as long as they are there: nobody knows any more of which
/// lists the customer was.
fn copies(store: &Store, answer: &mut Answer, undone: &mut Undone) {
    for (number, list) in store.register().lists.iter().filter(|(_, list)| !list.erased.is_empty()) {
        let handed = list.delivery.as_ref().map(|(delivery, _)| Path::new(&delivery.folder).join(&delivery.name));
        let noted = store.copy_of(*number).unwrap_or_else(|fault| {
            undone.part(&fault);
            None
        });
        let there = noted.into_iter().chain(handed).filter(|path| !is_gone(path));
        answer.notes.extend(there.map(|path| words::copy_left(shown(&path), number)));
    }
}
