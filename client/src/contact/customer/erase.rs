//! A customer is erased from what the product keeps. What stays is a keyed pseudonym: nobody comes back into a list by it.

use std::path::Path;

use tributary_storage::files::shown;
use tributary_texts::customer as words;

use super::exclude::withdraw;
use super::find::{id_of, lines_of};
use super::reply::Answer;
use crate::contact::event::ContactEvent;
use crate::contact::kept_scores::{Left, kept_scores};
use crate::contact::pseudonym::Pseudonym;
use crate::contact::recall::finish;
use crate::contact::store::Store;
use crate::error::ClientError;
use crate::identity::own_signing_key;
use crate::settings::Settings;

/// Erases a customer: from the lines of kept lists, and from every scores file of which a list was made. Each step is
/// recorded before it is done, so that the same command goes on after an interruption.
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
