//! What the branch knows of a customer beside the bank's own tables.

use std::path::Path;

use tributary_texts::customer as words;

use super::find::{id_of, lines_of};
use super::reply::{Answer, dated};
use super::runs::runs;
use crate::contact::pseudonym::Pseudonym;
use crate::contact::store::Store;
use crate::contact::view::Stage;
use crate::error::ClientError;
use crate::settings::Settings;

/// Shows runs, lists and outcomes. Whether a customer is held out is shown to nobody.
///
/// # Errors
/// If settings, register or budget file cannot be used.
pub fn show(config: &Path, id: &str, now: u64) -> Result<Answer, ClientError> {
    let settings = Settings::load(config)?;
    let id = id_of(id)?;
    let store = Store::open(&settings, now)?;
    let customer = Pseudonym::of(store.key(), id);
    let mut answer = Answer::new(id, words::show_title(), now);
    let register = store.register();
    if register.erased.contains(&customer) {
        answer.tell(words::is_erased());
    }
    if register.excluded.contains(&customer) {
        answer.tell(words::is_excluded());
    }
    let runs = runs(&settings.state_dir)?;
    answer.tell(if runs.is_empty() { words::no_runs() } else { words::runs(runs.len()) });
    for run in runs {
        let data = run.data_of.as_ref().map_or_else(words::data_unsaid, words::data_of);
        let sent = match (run.sums, run.noise) {
            (0, _) => words::sent_nothing(),
            (sums, true) => words::sent_noised(sums),
            (sums, false) => words::sent_without_noise(sums),
        };
        answer.tell(words::run(&run.plan, run.run, &run.purpose, &run.admitted, data, sent));
    }
    answer.tell(words::runs_known());
    let lines = lines_of(&store, customer)?;
    if lines.is_empty() {
        answer.tell(words::no_lists());
    }
    for (list, line) in lines {
        let (state, sheet) = (store.list(list)?, store.sheet(list)?);
        let same = sheet.lines.iter().find(|own| own.line == line).is_some_and(|own| own.customer == id);
        let (campaign, made) = (&state.built.campaign, dated(state.built.made_at));
        if !same {
            // Of whoever writes the id otherwise nothing more is shown: it may be another customer.
            answer.note(words::other_spelling(list));
            continue;
        }
        answer.tell(words::in_list(campaign, made));
        answer.note(words::in_list_line(list, line, Stage::of(state, now).said()));
        for outcome in state.outcomes_of(line) {
            answer.tell(match outcome.contacted {
                true => words::contacted(outcome.day, &outcome.channel),
                false => words::not_reached(outcome.day, &outcome.channel),
            });
        }
    }
    answer.tell(words::rights());
    Ok(answer)
}
