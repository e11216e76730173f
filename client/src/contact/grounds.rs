//! What the register and the tables say of customers at one moment.

use std::collections::{HashMap, HashSet};

use tributary_protocol::plan::Date;
use tributary_texts::contact as words;

use super::pseudonym::Pseudonym;
use super::register::ListState;
use super::rules::{Rules, bank_day};
use super::shrunk::{Before, Counted};
use super::store::Store;
use super::tables::{Attributes, read_attributes, read_confidential, read_contacts};
use crate::error::ClientError;
use crate::settings::Settings;

/// Everything that rules look at beside the scores.
pub(crate) struct Facts {
    /// The table of attributes.
    pub attributes: Attributes,
    /// Contacts of the window.
    pub contacts: HashMap<Pseudonym, u32>,
    /// Customers of open lists.
    pub open: HashSet<Pseudonym>,
    /// Customers under a confidential suppression.
    pub hidden: HashSet<Pseudonym>,
    /// What the confidential table was, under the branch's key.
    pub confidential: Option<Pseudonym>,
    /// How many lines the tables have.
    pub(super) lines: Counted,
}

impl Facts {
    /// Reads them. `without`: a list that does not count as open, nor as a contact.
    ///
    /// # Errors
    /// If a table or a file of the register cannot be read whole, or a table is empty or much shorter than at the campaign's last list.
    pub(crate) fn read(
        settings: &Settings,
        rules: &Rules,
        store: &Store,
        (now, without): (u64, Option<u32>),
    ) -> Result<Self, ClientError> {
        let (attributes, lines) = read_attributes(settings, &rules.attributes)?;
        let mut lines = Counted { attributes: lines, refusals: attributes.refusals(), ..Counted::default() };
        let (hidden, confidential) = match &rules.confidential {
            None => Default::default(),
            Some(confidential) => {
                let (found, digest, count) = read_confidential(settings, &confidential.table)?;
                lines.confidential = Some(count);
                let hidden = found.iter().map(|plain| Pseudonym::of_plainest(store.key(), plain)).collect();
                (hidden, Some(table_tag(store, &digest.0)))
            }
        };
        let mut facts =
            Self { attributes, contacts: HashMap::new(), open: HashSet::new(), hidden, confidential, lines };
        let first = rules.contacts.as_ref().map(|cap| {
            let days = u32::from(cap.window_days).saturating_sub(1);
            bank_day(rules, now).before(days)
        });
        if let Some((cap, first)) = rules.contacts.as_ref().zip(first)
            && let Some((table, day)) = &cap.table
        {
            let (found, count) = read_contacts(settings, (table, day), (first, rules.utc_offset_minutes))?;
            facts.lines.contacts = Some(count);
            for (plain, count) in found {
                *facts.contacts.entry(Pseudonym::of_plainest(store.key(), &plain)).or_default() += count;
            }
        }
        let before = Before::of(store.register(), &rules.campaign);
        facts.lines.judge(rules, store.key(), &before).map_err(ClientError::Said)?;
        for (number, list) in store.register().lists.iter().filter(|(number, _)| Some(**number) != without) {
            if list.purged {
                // Whom it named nobody knows any more.
                if first.is_some_and(|first| may_count(list, (rules, now, first))) {
                    return Err(ClientError::Said(words::purged_in_window(number)));
                }
                continue;
            }
            facts.add(list, &store.members(*number)?, (rules, now, first));
        }
        Ok(facts)
    }

    fn add(&mut self, list: &ListState, members: &[Pseudonym], (rules, now, first): (&Rules, u64, Option<Date>)) {
        for (line, customer) in (1..).zip(members).filter(|(_, customer)| **customer != Pseudonym::ERASED) {
            if list.is_open(now) && list.waits(line) {
                self.open.insert(*customer);
            }
            if let Some(first) = first {
                let count = contacts_of(list, line, (rules, now, first));
                if count > 0 {
                    *self.contacts.entry(*customer).or_default() += count;
                }
            }
        }
    }
}

/// Contacts of a line from a day on: those that the bank's system has told of. A delivered line of which it has told nothing counts as one contact, also
/// where it was recalled since: the customer may have been called before that. A batch that was not taken, as the system says, counts until the list's
/// last day.
fn contacts_of(list: &ListState, line: u32, (rules, now, first): (&Rules, u64, Date)) -> u32 {
    let since = |second: u64| u32::from(bank_day(rules, second) >= first);
    // A delivery that was interrupted may have reached the bank's system, and one may be lost.
    let Some((delivery, _)) = &list.delivery else {
        return if list.cut { since(list.built.made_at) } else { 0 };
    };
    let mut told = list.outcomes_of(line).peekable();
    if told.peek().is_some() {
        let reached = told.filter(|outcome| outcome.contacted && outcome.day >= first).count();
        return u32::try_from(reached).unwrap_or(u32::MAX);
    }
    let over = now > list.built.valid_until;
    if list.accepted == Some(false) && over { 0 } else { since(delivery.at) }
}

/// Whether a list has contacts from a day on, of whichever line.
fn may_count(list: &ListState, (rules, now, first): (&Rules, u64, Date)) -> bool {
    let begun = list.delivery.as_ref().is_some_and(|(delivery, _)| bank_day(rules, delivery.at) >= first);
    let told = list.outcomes.values().any(|outcome| outcome.day >= first);
    (begun || told || list.cut) && (1..=list.built.lines).any(|line| contacts_of(list, line, (rules, now, first)) > 0)
}

/// A digest that says whether a table has changed, and nothing of it to whoever tries tables.
fn table_tag(store: &Store, digest: &[u8; 32]) -> Pseudonym {
    let tag = store.key().of("tributary/contact/confidential", digest);
    Pseudonym(super::pseudonym::half(tag))
}
