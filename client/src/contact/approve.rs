//! The branch's risk control reads a list's counts and lines, and signs the whole of it.

use std::path::{Path, PathBuf};

use tributary_certs::keys::read_signing_key;
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::digest::Digest;
use tributary_protocol::secagg::suite::Suite as _;
use tributary_texts::{Said, contact as words};

use super::event::{Approval, BuiltList, ContactEvent};
use super::signed::SignedRules;
use super::store::Store;
use super::view::{Shown, shown};
use crate::error::ClientError;
use crate::settings::Settings;

/// A list that somebody is about to approve.
pub struct Approving {
    settings: Settings,
    key: SigningKey,
    list: u32,
    shown: Shown,
}

impl Approving {
    /// Reads a list, with the key of whoever approves.
    ///
    /// # Errors
    /// If there is no such list, it cannot be approved any more, its rules are not in force, or the key is none of theirs.
    pub fn open(config: &Path, list: u32, key: &Path, now: u64) -> Result<Self, ClientError> {
        let settings = Settings::load(config)?;
        let key = read_signing_key(key).map_err(ClientError::file)?;
        let store = Store::open(&settings, now)?;
        store.clock_stands(now)?;
        let state = store.list(list)?;
        if state.approval.is_some() {
            return Err(ClientError::Said(words::approved_already(list)));
        }
        if !state.is_open(now) {
            return Err(ClientError::Said(words::list_over(list)));
        }
        let rules = rules_of(&settings, (&store, &state.built), now)?;
        if !rules.rules.approvers.contains(&key.verifying_key()) {
            return Err(ClientError::Said(words::no_approver(list, &rules.rules.campaign)));
        }
        let shown = shown(&store, list, now)?;
        Ok(Self { settings, key, list, shown })
    }

    /// What is shown before it is signed.
    #[must_use]
    pub fn shown(&self) -> &Shown {
        &self.shown
    }

    /// The digest of the list and its counts.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.shown.digest
    }

    /// Signs, and records it.
    ///
    /// # Errors
    /// If the list was changed meanwhile, or the register cannot be written.
    pub fn approve(self, now: u64) -> Result<Said, ClientError> {
        let mut store = Store::open(&self.settings, now)?;
        store.clock_stands(now)?;
        let state = store.list(self.list)?;
        let digest = state.built.digest();
        // Both files are what the register names, and are what was shown.
        store.sheet(self.list)?;
        store.members(self.list)?;
        if digest != self.shown.digest
            || state.approval.is_some()
            || !state.is_open(now)
            || state.files != state.built.files
        {
            return Err(ClientError::Said(words::list_over(self.list)));
        }
        let signature = RealSuite::sign(&self.key, &Approval::message(&digest, now));
        let approval = Approval { list: self.list, digest, at: now, key: self.key.verifying_key(), signature };
        store.record(now, ContactEvent::ListApproved(Box::new(approval)))?;
        Ok(words::approved(self.list))
    }
}

/// The rules of a list, which must still be those in force.
///
/// # Errors
/// If they are not there as they were, their last day is over, or newer ones of the campaign are in force.
pub(super) fn rules_of(
    settings: &Settings,
    (store, built): (&Store, &BuiltList),
    now: u64,
) -> Result<SignedRules, ClientError> {
    let path = PathBuf::from(&built.rules_path);
    let rules = SignedRules::of(settings, &path)?;
    rules.is_in_force(&path, store.register(), now)?;
    let newest = store.register().rules.get(&built.campaign);
    if rules.rules.digest != built.rules.0 || newest.is_some_and(|(_, digest)| *digest != built.rules.0) {
        return Err(ClientError::Said(words::rules_changed(built.list, path.display())));
    }
    store.rules_text(built)?;
    Ok(rules)
}
