//! Newer rules of the owner are in force before a list is made by them.

use std::path::Path;

use tributary_certs::inspect::date;
use tributary_texts::{Said, contact as words};

use super::event::ContactEvent;
use super::signed::SignedRules;
use super::store::Store;
use crate::error::ClientError;
use crate::settings::Settings;

/// Notes signed rules in the register: from here on older ones of their campaign make no list, and no list of older ones is approved or delivered.
///
/// # Errors
/// If the owner did not sign them, newer ones were noted or used, or the register cannot be written.
pub fn adopt(config: &Path, rules: &Path, now: u64) -> Result<Vec<Said>, ClientError> {
    let settings = Settings::load(config)?;
    let signed = SignedRules::of(&settings, rules)?;
    let mut store = Store::open(&settings, now)?;
    signed.is_in_force(rules, store.register(), now)?;
    let (campaign, number) = (signed.rules.campaign.clone(), signed.sequence);
    if store.register().is_newer(&campaign, number) {
        let rules = (signed.rules.digest, number);
        store.record(now, ContactEvent::RulesNoted { campaign: campaign.clone(), rules })?;
    }
    Ok(vec![words::rules_adopted(&campaign, number, date(number / 1_000))])
}
