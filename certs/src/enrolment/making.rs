//! A folder that is being made for an identity: a mark lies in it until the last file is there.
//!
//! A command that was killed half-way leaves the mark. Typed again, it replaces the keys of the first try, which nobody knows. Without the mark
//! no key is ever replaced.

use std::fs;
use std::path::{Path, PathBuf};

use tributary_storage::files::{self, Existing, FileError, read_titled};

use super::error::EnrolmentError;
use super::names;
use crate::identity::Identity;
use crate::lines::{Fields, body};

const MARK: &str = "unfinished";
const TITLE: &str = "tributary unfinished folder 1";
const WHAT: &str = "mark of an unfinished folder";

/// What a try writes and no other try may replace.
const KEPT: [&str; 3] = [names::KEY, names::CHAIN, names::SIGNING_KEY];

/// A folder with its mark.
pub(super) struct Making {
    mark: PathBuf,
}

impl Making {
    /// Begins a folder, or goes on with one that was begun for the same identity.
    ///
    /// # Errors
    /// [`FileError::Exists`] if a finished folder has keys, [`EnrolmentError::BegunForAnother`], [`FileError`].
    pub(super) fn begin(out: &Path, identity: &Identity) -> Result<Self, EnrolmentError> {
        let there: Vec<PathBuf> = KEPT.iter().map(|name| out.join(name)).filter(|path| path.exists()).collect();
        if let Some(making) = Self::is_of(out, identity)? {
            for path in there {
                fs::remove_file(&path).map_err(FileError::system("removing", &path))?;
            }
            return Ok(making);
        }
        if let Some(path) = there.into_iter().next() {
            return Err(FileError::Exists { path }.into());
        }
        files::create_private_folder(out)?;
        let mark = out.join(MARK);
        files::write_public(&mark, format!("{TITLE}\nidentity {identity}\n").as_bytes(), Existing::Keep)?;
        Ok(Self { mark })
    }

    /// The mark of a folder that was begun for this identity; nothing where there is none.
    ///
    /// # Errors
    /// [`EnrolmentError::BegunForAnother`], [`FileError`].
    pub(super) fn is_of(out: &Path, identity: &Identity) -> Result<Option<Self>, EnrolmentError> {
        let mark = out.join(MARK);
        if !mark.exists() {
            return Ok(None);
        }
        let text = read_titled(&mark, TITLE, WHAT)?;
        let begun = parse(&text).ok_or_else(|| FileError::content(&mark, WHAT))?;
        if begun == *identity {
            return Ok(Some(Self { mark }));
        }
        Err(EnrolmentError::BegunForAnother { path: mark, identity: begun })
    }

    /// Everything is there, and the mark does not come back.
    ///
    /// # Errors
    /// [`FileError`].
    pub(super) fn end(self) -> Result<(), EnrolmentError> {
        Ok(files::remove(&self.mark)?)
    }
}

fn parse(text: &str) -> Option<Identity> {
    let mut lines = body(text, TITLE)?;
    let mut fields = Fields::of(lines.next()?);
    let identity = fields.identity("identity")?;
    fields.end()?;
    lines.next().is_none().then_some(identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_has_one_line_of_one_identity() {
        let identity = "spiffe://federation.example/bank/client/branch-1";
        let parsed = |rest: &str| parse(&format!("{TITLE}\nidentity {identity}{rest}\n"));
        assert_eq!(parsed(""), Identity::parse(identity).ok());
        assert!(parsed("").is_some() && parsed(" more").is_none() && parsed("\nmore").is_none());
    }
}
