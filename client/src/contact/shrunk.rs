//! Tables that are suddenly empty, or much shorter than when the last list of their campaign was made: an export that did not run, or was cut. Whoever
//! stood only in the lines that are gone would be contacted. Such a table is refused, unless the signed rules say otherwise.

use tributary_certs::pseudonym::PseudonymKey;
use tributary_texts::{Said, contact as words};

use super::event::{BuiltList, TableLines};
use super::register::Register;
use super::rules::{Rules, TableRules};

/// The lists after which tables may be believed. Contacts and confidential suppressions are the branch's, whatever the campaign: where a campaign has no
/// list yet, the last list of another one counts for them.
pub(super) struct Before<'a> {
    campaign: Option<&'a BuiltList>,
    branch: Option<&'a BuiltList>,
}

impl<'a> Before<'a> {
    /// Of a campaign.
    pub(super) fn of(register: &'a Register, campaign: &str) -> Self {
        let campaign = register.last_of(campaign).map(|list| &list.built);
        let newest = || register.lists.values().next_back().map(|list| &list.built);
        Self { campaign, branch: campaign.or_else(newest) }
    }
}

/// The same as tables are now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// Lines of attributes.
    pub attributes: u64,
    /// Customers whom they keep out.
    pub refusals: u64,
    /// Lines of contacts.
    pub contacts: Option<u64>,
    /// Lines of confidential suppressions.
    pub confidential: Option<u64>,
}

impl Counted {
    /// As the register keeps them, with a list of this number.
    pub(super) fn noted(self, key: &PseudonymKey, list: u32) -> TableLines {
        let Self { attributes, refusals, contacts, confidential } = self;
        let confidential = confidential.map(|lines| covered(key, list, lines.to_le_bytes()));
        TableLines { attributes, refusals, contacts, confidential }
    }

    /// Whether these tables may be believed, after the last lists.
    ///
    /// # Errors
    /// Which table is empty or too short, and what to do.
    pub(super) fn judge(self, rules: &Rules, key: &PseudonymKey, before: &Before<'_>) -> Result<(), Said> {
        let lines = before.campaign.map(|list| &list.tables);
        let own = &rules.attributes.table;
        judge(own, "attributes", (self.attributes, lines.map(|lines| lines.attributes)))?;
        // The lines may all be there, and say nothing any more.
        if let Some(before) = lines.map(|lines| lines.refusals).filter(|before| lost(own, self.refusals, *before)) {
            return Err(words::refusals_gone(self.refusals, before, own.lost_permille_max));
        }
        if let (Some(found), Some(cap)) = (self.contacts, &rules.contacts)
            && let Some((table, _)) = &cap.table
        {
            judge(table, "contacts.table", (found, before.branch.and_then(|list| list.tables.contacts)))?;
        }
        if let (Some(found), Some(rules)) = (self.confidential, &rules.confidential) {
            let before = before.branch.and_then(|list| Some(covered(key, list.list, list.tables.confidential?)));
            let before = before.map(u64::from_le_bytes);
            // No word says how many there are, or were.
            judge(&rules.table, "confidential", (found, before)).map_err(|_| words::confidential_gone())?;
        }
        Ok(())
    }
}

fn judge(table: &TableRules, name: &str, (found, before): (u64, Option<u64>)) -> Result<(), Said> {
    if found == 0 && !table.may_be_empty {
        return Err(words::table_empty(name));
    }
    match before {
        Some(before) if lost(table, found, before) => {
            Err(words::table_shrunk(name, found, before, table.lost_permille_max))
        }
        _ => Ok(()),
    }
}

/// Whether more is gone than may be. One line may always go.
fn lost(table: &TableRules, found: u64, before: u64) -> bool {
    let gone = u128::from(before.saturating_sub(found));
    gone > 1 && gone * 1000 > u128::from(before) * u128::from(table.lost_permille_max)
}

/// Covers a number, or uncovers it.
fn covered(key: &PseudonymKey, list: u32, bytes: [u8; 8]) -> [u8; 8] {
    let pad = key.of("tributary/contact/lines", &list.to_le_bytes());
    let mut covered = bytes;
    covered.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= pad);
    covered
}
