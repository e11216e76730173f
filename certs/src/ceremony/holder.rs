//! The holder of a roster key: its folder, what it has seen and signed, and one more signature. No network, no clock, nothing of the office's.
//!
//! ```text
//! authority-N.key                  the key
//! authorities                      all roster authorities, and how many must sign
//! roster-last                      the newest roster with enough signatures that this holder has seen
//! roster-signed-000002-9f86..      what this key has signed: never removed; another copy replaces it only of the same roster
//! lock                             held while something is signed, so that two never sign at once
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;
use tributary_protocol::limits::ROSTER_AUTHORITIES_MAX;
use tributary_protocol::roster::{RosterError, SignedRoster, Succession, verify_signatures};

use super::changes::ChangeReport;
use super::{CeremonyError, Proposal};
use crate::enrolment::{authority_key, names};
use crate::keys::read_signing_key;
use crate::roster::{
    RosterAuthorities, countersign, judge_authorities_title, judge_roster_title, parse_roster, print_roster,
};
use crate::suite::{RealSuite, SigningKey};
use tributary_storage::files::{self, Existing, FileError};
use tributary_storage::lock::FolderLock;

const LAST: &str = "roster-last";
const SIGNED: &str = "roster-signed-";

/// A holder's folder, opened. It has no `Debug`: it holds keys.
pub struct Holder {
    folder: PathBuf,
    authorities: RosterAuthorities,
    keys: Vec<(u8, SigningKey)>,
    last: Option<SignedRoster>,
    signed: Vec<(u64, Digest, PathBuf)>,
}

/// A proposal that may be signed, and what it changes.
pub struct Review {
    proposal: Proposal,
    /// What is to be signed, against the roster before it.
    pub report: ChangeReport,
    /// What others put in force since this holder last looked.
    pub since: Option<ChangeReport>,
    predecessor: Option<SignedRoster>,
    asked: Asked,
}

/// What was said with a proposal, as [`Holder::review`] takes it.
#[derive(Clone)]
struct Asked {
    last: Option<SignedRoster>,
    first: bool,
    instead: Option<Digest>,
}

impl Holder {
    /// Opens a holder's folder.
    ///
    /// # Errors
    /// [`CeremonyError::NoKey`] without a key, [`CeremonyError::File`] for a file that others could have changed.
    pub fn open(folder: &Path) -> Result<Self, CeremonyError> {
        const WHAT: &str = "list of roster authorities";
        let path = folder.join(names::AUTHORITIES);
        let text = files::read_own(&path, WHAT)?;
        judge_authorities_title(&path, &text)?;
        let authorities = RosterAuthorities::parse(&text).ok_or_else(|| FileError::content(&path, WHAT))?;
        let mut keys = Vec::new();
        for (authority, named) in (0..=u8::MAX).zip(authorities.keys()) {
            let path = authority_key(folder, authority);
            if path.exists() {
                let key = read_signing_key(&path)?;
                if key.verifying_key() != *named {
                    return Err(CeremonyError::OtherKey { authority });
                }
                keys.push((authority, key));
            }
        }
        if keys.is_empty() {
            return Err(CeremonyError::NoKey { folder: folder.to_owned() });
        }
        let last = folder.join(LAST);
        // Not `exists`: a link that leads nowhere is there.
        let last = if fs::symlink_metadata(&last).is_ok() { Some(read_kept(&last)?) } else { None };
        if let Some(last) = &last {
            authorities.verify(last)?;
        }
        let signed = signed_before(folder)?;
        Ok(Self { folder: folder.to_owned(), authorities, keys, last, signed })
    }

    /// Judges a proposal by what this folder knows. `last` is the roster before it, for a holder that has not seen that one; `first` says that
    /// this folder has seen none; `instead` gives up what this key has signed of the same epoch.
    ///
    /// # Errors
    /// [`CeremonyError`]; nothing is changed.
    pub fn review(
        &self,
        proposal: Proposal,
        last: Option<SignedRoster>,
        first: bool,
        instead: Option<Digest>,
    ) -> Result<Review, CeremonyError> {
        let asked = Asked { last: last.clone(), first, instead };
        if proposal.authorities != self.authorities.digest() {
            return Err(CeremonyError::OtherAuthorities);
        }
        let SignedRoster { roster, signatures } = &proposal.signed;
        if !signatures.is_empty() {
            // Each must be genuine, of whomever: the contents may have been changed after the first one.
            proposal.signed.verify::<RealSuite>(self.authorities.keys(), 1)?;
        }
        // Where it is this very roster it does not stand in its own way: what was signed may have reached nobody, as after a crash before the file was
        // written.
        let newest = self.last.as_ref().filter(|newest| newest.roster.head() != roster.head());
        match newest {
            Some(last) if first => return Err(CeremonyError::NotFirst { epoch: last.roster.epoch() }),
            None if !first && self.signed.is_empty() => return Err(CeremonyError::First),
            _ => {}
        }
        let predecessor = self.predecessor(&proposal, last)?;
        match (&predecessor, newest) {
            (Some(predecessor), _) if roster.follows(&predecessor.roster.head()) != Ok(Succession::Next) => {
                return Err(CeremonyError::NotNext { epoch: roster.epoch(), last: predecessor.roster.epoch() });
            }
            (Some(predecessor), Some(last)) => {
                predecessor.roster.follows(&last.roster.head())?;
            }
            (None, Some(last)) => {
                roster.follows(&last.roster.head())?;
                return Err(CeremonyError::NotNext { epoch: roster.epoch(), last: last.roster.epoch() });
            }
            (_, None) => {}
        }
        // Neither this roster nor the one before it may be another than the one that this key has signed for its epoch.
        let heads = [Some(roster.head()), predecessor.as_ref().map(|before| before.roster.head())];
        let other = |(epoch, digest, _): &&(u64, Digest, PathBuf)| {
            heads.iter().flatten().any(|head| head.epoch == *epoch && head.digest != *digest)
                && instead != Some(*digest)
        };
        if let Some((epoch, signed, copy)) = self.signed.iter().find(other) {
            return Err(CeremonyError::OtherHistory { epoch: *epoch, signed: *signed, copy: copy.clone() });
        }
        let before = predecessor.as_ref().map(|before| &before.roster);
        let report = ChangeReport::new(before, roster, &proposal.rests);
        let unseen = |last: &&SignedRoster| {
            let known = |before: &tributary_protocol::roster::Roster| {
                before.head() == last.roster.head()
                    || self.signed.iter().any(|(_, digest, _)| *digest == before.digest())
            };
            !before.is_some_and(known)
        };
        let since = newest
            .filter(unseen)
            .and_then(|last| before.map(|before| ChangeReport::new(Some(&last.roster), before, &Default::default())));
        Ok(Review { report, since, predecessor, proposal, asked })
    }

    /// Signs what was reviewed, with every key of this folder. What this key signs is kept in the folder before anybody else has it. The folder is judged
    /// once more, as nobody else changes it: another roster may have been signed since it was opened.
    ///
    /// # Errors
    /// [`CeremonyError::Turn`] if every key has signed already; as [`Holder::review`].
    pub fn sign(&self, review: Review) -> Result<Proposal, CeremonyError> {
        let Review { proposal, asked: Asked { last, first, instead }, .. } = review;
        let _lock = FolderLock::take(&self.folder)?;
        let standing = Self::open(&self.folder)?;
        standing.sign_locked(standing.review(proposal, last, first, instead)?)
    }

    fn sign_locked(&self, review: Review) -> Result<Proposal, CeremonyError> {
        let Review { mut proposal, predecessor, .. } = review;
        let before = proposal.signed.signatures.len();
        for (authority, key) in &self.keys {
            if proposal.signed.signatures.iter().all(|signature| signature.authority != *authority) {
                countersign(&mut proposal.signed, &self.authorities, *authority, key)?;
            }
        }
        if proposal.signed.signatures.len() == before {
            return Err(CeremonyError::Turn(
                "this key has signed it already; carry the file to the next holder, or back to the office",
            ));
        }
        let keep = |name: &str, signed: &SignedRoster| {
            files::write_private(&self.folder.join(name), print_roster(signed).as_bytes(), Existing::Replace)
        };
        let (epoch, digest) = (proposal.signed.roster.epoch(), proposal.signed.roster.digest());
        keep(&format!("{SIGNED}{epoch:06}-{digest}"), &proposal.signed)?;
        let enough = self.authorities.verify(&proposal.signed).is_ok().then_some(&proposal.signed);
        let not_older =
            |newest: &&SignedRoster| self.last.as_ref().is_none_or(|last| last.roster.epoch() <= newest.roster.epoch());
        if let Some(newest) = enough.or(predecessor.as_ref()).filter(not_older) {
            keep(LAST, newest)?;
        }
        Ok(proposal)
    }

    /// The roster that the proposal names as its predecessor, with enough signatures; nothing for the first roster.
    fn predecessor(
        &self,
        proposal: &Proposal,
        copy: Option<SignedRoster>,
    ) -> Result<Option<SignedRoster>, CeremonyError> {
        let (epoch, previous) = (proposal.signed.roster.epoch(), proposal.signed.roster.previous());
        if epoch == 1 {
            return Ok(None);
        }
        if let Some(copy) = &copy {
            self.authorities.verify(copy)?;
        }
        // Whoever has its contents needs no more than these to know that it counts.
        verify_signatures::<RealSuite>(&previous, &proposal.last, self.authorities.keys(), self.authorities.needed())?;
        let is_it = |signed: &SignedRoster| signed.roster.digest() == previous;
        let mut found = [self.last.clone(), copy].into_iter().flatten().find(is_it);
        if found.is_none()
            && let Some((_, _, path)) = self.signed.iter().find(|(_, digest, _)| *digest == previous)
        {
            found = Some(read_kept(path)?).filter(is_it);
        }
        let unseen = CeremonyError::Unseen { epoch: epoch.saturating_sub(1), previous };
        let SignedRoster { roster, .. } = found.ok_or(unseen)?;
        Ok(Some(SignedRoster { roster, signatures: proposal.last.clone() }))
    }

    /// How many of the authorities must sign.
    #[must_use]
    pub fn needed(&self) -> usize {
        self.authorities.needed()
    }
}

fn read_kept(path: &Path) -> Result<SignedRoster, CeremonyError> {
    let text = files::read_own(path, "roster")?;
    judge_roster_title(path, &text)?;
    parse_roster(&text).map_err(|error: Option<RosterError>| match error {
        Some(error) => error.into(),
        None => FileError::content(path, "roster").into(),
    })
}

/// What the folder's key has signed, by the names of the copies: `roster-signed-EPOCH-DIGEST`.
fn signed_before(folder: &Path) -> Result<Vec<(u64, Digest, PathBuf)>, FileError> {
    let entries = fs::read_dir(folder).map_err(FileError::system("listing", folder))?;
    let mut signed = Vec::new();
    for entry in entries {
        let path = entry.map_err(FileError::system("listing", folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(rest) = name.and_then(|name| name.strip_prefix(SIGNED)) else { continue };
        let parts =
            rest.split_once('-').and_then(|(epoch, digest)| Some((epoch.parse().ok()?, Digest::from_hex(digest)?)));
        let (epoch, digest) = parts.ok_or_else(|| FileError::content(&path, "copy of a signed roster"))?;
        signed.push((epoch, digest, path));
    }
    signed.sort();
    Ok(signed)
}

const _: () = assert!(ROSTER_AUTHORITIES_MAX < u8::MAX as usize);
