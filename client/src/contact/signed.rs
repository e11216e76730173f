//! The rules in force: as the owner signed them, for this branch, with approvers who are neither the owner nor the branch's daemon.

use std::path::Path;

use tributary_certs::budget::BudgetMark;
use tributary_certs::keys::read_verifying_key;
use tributary_certs::policy::{Owned, OwnedText, verify_owned};
use tributary_protocol::roster::MemberName;
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_texts::{contact as words, mapping};

use super::register::Register;
use super::rules::Rules;
use crate::error::ClientError;
use crate::identity::{own_name, own_signing_key};
use crate::settings::Settings;

/// Rules, with what is known of their signature.
pub(crate) struct SignedRules {
    /// The rules.
    pub rules: Rules,
    /// Their text.
    pub text: String,
    /// Of the signature: the largest one of a campaign is in force.
    pub sequence: u64,
    /// This branch.
    pub branch: MemberName,
    /// Who signed them, as the settings name the owner of the data.
    pub owner: VerifyingKey,
    /// Whether the identity names this owner as well.
    is_marked: bool,
}

impl SignedRules {
    /// Reads rules and judges everything but their age.
    ///
    /// # Errors
    /// If the owner did not sign them as they stand; if they are for another branch; if the owner or the daemon could approve; if they have faults.
    pub(crate) fn of(settings: &Settings, path: &Path) -> Result<Self, ClientError> {
        let owner = read_verifying_key(&settings.policy_owner).map_err(ClientError::file)?;
        // The settings name a key; the identity says whose budget and data these are.
        let folder = &settings.identity.folder;
        let mark = BudgetMark::read(folder).map_err(ClientError::file)?;
        if mark.as_ref().is_some_and(|mark| mark.owner != owner) {
            let (named, mark) = (settings.policy_owner.display(), BudgetMark::path(folder));
            return Err(ClientError::Said(words::rules_of_another_owner(path.display(), named, mark.display())));
        }
        let OwnedText { text, sequence } = verify_owned(Owned::Rules, path, &owner).map_err(ClientError::file)?;
        let rules = Rules::parse(path, &text)?;
        let branch = own_name(&settings.identity.folder)?;
        if let Some(named) = rules.branch.as_ref().filter(|named| **named != branch) {
            return Err(ClientError::Said(words::rules_of_other_branch(path.display(), named, &branch)));
        }
        approvers(&rules.approvers, settings, &owner, path)?;
        if !rules.ends_soon_after(sequence / 1_000) {
            return Err(ClientError::Said(words::rules_too_long(path.display(), rules.last_day, Rules::DAYS_MAX)));
        }
        if let Some(cap) = &rules.contacts
            && cap.window_days > settings.retention.lists_days
        {
            let days = settings.retention.lists_days;
            return Err(ClientError::Said(words::window_longer(path.display(), cap.window_days, days)));
        }
        if settings.contact.confidential.is_some() && rules.confidential.is_none() {
            return Err(ClientError::Said(words::rules_without_confidential(path.display())));
        }
        Ok(Self { rules, text, sequence, branch, owner, is_marked: mark.is_some() })
    }

    /// Whether their last day is not over, no newer rules of the campaign were used here, and none of another owner. Nor may a list of the branch have been made with confidential
    /// suppressions that these rules do not know: a list by these rules would name the suppressed customers, and they would be found out.
    ///
    /// # Errors
    /// If one of these does not hold.
    pub(crate) fn is_in_force(&self, path: &Path, register: &Register, now: u64) -> Result<(), ClientError> {
        if now > self.rules.last_second() {
            return Err(ClientError::Said(words::rules_over(path.display(), self.rules.last_day)));
        }
        if !register.is_in_force(&self.rules.campaign, (self.rules.digest, self.sequence)) {
            return Err(ClientError::Said(mapping::older(path.display())));
        }
        // Where no budget says whose data these are, the last list does: whoever takes the mark out of the identity is not the owner by that.
        let last = register.lists.values().next_back().map(|list| &list.built);
        if let Some(last) = last.filter(|last| !self.is_marked && last.owner != self.owner) {
            return Err(ClientError::Said(words::rules_of_new_owner(path.display(), last.list)));
        }
        if self.rules.confidential.is_none() && register.lists.values().any(|list| list.built.confidential.is_some()) {
            return Err(ClientError::Said(words::rules_without_confidential(path.display())));
        }
        Ok(())
    }
}

/// Whoever signs the rules, or runs the branch's daemon, does not approve as well.
fn approvers(keys: &[VerifyingKey], settings: &Settings, owner: &VerifyingKey, path: &Path) -> Result<(), ClientError> {
    if keys.contains(owner) {
        return Err(ClientError::Said(words::approver_is_owner(path.display())));
    }
    let own = own_signing_key(&settings.identity.folder)?.verifying_key();
    if keys.contains(&own) {
        return Err(ClientError::Said(words::approver_is_daemon(path.display())));
    }
    Ok(())
}
