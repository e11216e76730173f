//! A customer is in no list from here on. Open lines are void, and the bank's system is told.

use std::path::Path;

use tributary_texts::customer as words;

use super::find::{Lines, id_of};
use super::reply::Answer;
use crate::contact::event::ContactEvent;
use crate::contact::pseudonym::Pseudonym;
use crate::contact::recall::{begin, finish};
use crate::contact::store::Store;
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
    let void = withdraw(&mut store, customer, now);
    // A list that cannot be read holds up no recall of another one.
    let recalls = finish(&mut store, now);
    answer.note(words::lines_voided(void?));
    answer.notes.extend(recalls?);
    Ok(answer)
}

/// Records an exclusion, and voids the lines of open lists. How many.
///
/// # Errors
/// If the register cannot be used, or a list cannot be read: the lines of all others are void.
pub(super) fn withdraw(store: &mut Store, customer: Pseudonym, now: u64) -> Result<usize, ClientError> {
    if !store.register().excluded.contains(&customer) {
        store.record(now, ContactEvent::Excluded { customer })?;
    }
    let mut void = 0;
    let lines = Lines::of(store, customer);
    for &(list, line) in &lines.found {
        let state = store.list(list)?;
        if state.is_open(now) && state.waits(line) {
            begin(store, (list, vec![line]), REASON, now)?;
            void += 1;
        }
    }
    lines.whole().map(|_| void)
}
