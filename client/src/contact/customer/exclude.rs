//! A customer is in no list from here on. Open lines are void, and the bank's system is told.

use std::path::Path;

use tributary_texts::customer as words;

use super::find::{Lines, id_of};
use super::reply::Answer;
use crate::contact::event::ContactEvent;
use crate::contact::pseudonym::Pseudonym;
use crate::contact::recall::{begin, finish};
use crate::contact::store::Store;
use crate::contact::undone::Undone;
use crate::error::ClientError;
use crate::settings::Settings;

/// What the bank's system is told of a line: not why.
const REASON: &str = "withdrawn";

/// Excludes a customer: durable when this returns. The same again writes what was left unwritten.
///
/// # Errors
/// If the register cannot be used, or a recall cannot be written: the exclusion stands then, and any later command about lists writes it.
pub fn exclude(config: &Path, id: &str, now: u64) -> Result<Answer, ClientError> {
    let settings = Settings::load(config)?;
    let id = id_of(id)?;
    let mut store = Store::open(&settings, now)?;
    let customer = Pseudonym::of(store.key(), id);
    let mut answer = Answer::new(id, words::exclude_title(), now);
    answer.tell(words::excluded());
    let Withdrawn { void, lines } = withdraw(&mut store, customer, now)?;
    // A list that cannot be read holds up no recall of another one.
    let recalls = finish(&mut store, now);
    answer.note(words::lines_voided(void));
    if !lines.unread.is_empty() {
        answer.notes.extend(recalls.unwrap_or_else(|fault| vec![fault.said()]));
        let mut undone = Undone::default();
        lines.unread.iter().for_each(|fault| undone.part(fault));
        return Err(undone.of_exclusion(answer.notes));
    }
    answer.notes.extend(recalls?);
    Ok(answer)
}

/// What an exclusion found.
pub(super) struct Withdrawn {
    /// How many lines of open lists are void.
    pub(super) void: usize,
    /// Where the customer is in kept lists. Lines of a list that cannot be read are not void.
    pub(super) lines: Lines,
}

/// Records an exclusion, and voids the lines of open lists.
///
/// # Errors
/// If the register cannot be used.
pub(super) fn withdraw(store: &mut Store, customer: Pseudonym, now: u64) -> Result<Withdrawn, ClientError> {
    if !store.register().excluded.contains(&customer) {
        store.record(now, ContactEvent::Excluded { customer })?;
    }
    let mut void = 0;
    let mut lines = Lines::of(store, customer);
    for &(list, line) in &lines.found {
        match store.list(list) {
            Ok(state) if state.is_open(now) && state.waits(line) => {
                begin(store, (list, vec![line]), REASON, now)?;
                void += 1;
            }
            Ok(_) => {}
            Err(fault) => lines.unread.push(fault),
        }
    }
    Ok(Withdrawn { void, lines })
}
