//! The mark of a renewal in an authority's folder: there from before the switch until everything is done. A command that is typed again finds it and goes
//! on with what it began. Without it the authority that came of the first attempt would be taken for the one to be replaced, and revoked.
//!
//! ```text
//! tributary unfinished renewal 1
//! certificate 9f86.. revoke yes at 1900000000
//! ```

use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;

use crate::enrolment::EnrolmentError;
use crate::lines::{Fields, read_list, write_list};
use tributary_storage::files::{FileError, remove};

const TITLE: &str = "tributary unfinished renewal 1";
const WHAT: &str = "mark of an unfinished renewal";

/// For how long the same command is the same renewal, in seconds. What is typed later may mean the authority that stands by then.
const REPEATED_SECONDS: u64 = 86_400;

/// What a renewal began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begun {
    /// SHA-256 of a certificate: of the issuing authority that is replaced, or of the root that is new.
    pub(super) certificate: Digest,
    /// Whether the authority that is replaced is revoked.
    pub(super) revoke: bool,
    /// When, in Unix seconds.
    pub(super) at: u64,
}

impl Begun {
    fn line(&self) -> String {
        let revoke = if self.revoke { "yes" } else { "no" };
        format!("certificate {} revoke {revoke} at {}\n", self.certificate, self.at)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = Fields::of(line);
        let (certificate, revoke) = (fields.digest("certificate")?, fields.yes("revoke")?);
        let at = fields.number("at")?;
        fields.end().map(|()| Self { certificate, revoke, at })
    }

    /// Whether a command of now may be the same one, typed again.
    pub(super) fn is_recent(&self, now: u64) -> bool {
        now.saturating_sub(self.at) <= REPEATED_SECONDS
    }
}

/// The mark of one kind of renewal.
pub(super) struct Mark(PathBuf);

impl Mark {
    pub(super) fn of_issuing(folder: &Path) -> Self {
        Self(folder.join("unfinished-issuing"))
    }

    pub(super) fn of_root(folder: &Path) -> Self {
        Self(folder.join("unfinished-root"))
    }

    /// The renewal that was begun and did not come to its end.
    pub(super) fn read(&self) -> Result<Option<Begun>, FileError> {
        Ok(read_list(&self.0, TITLE, WHAT, Begun::parse)?.pop())
    }

    pub(super) fn write(&self, begun: Begun) -> Result<(), FileError> {
        write_list(&self.0, TITLE, [begun.line()].into_iter())
    }

    /// Everything is done.
    pub(super) fn end(self) -> Result<(), FileError> {
        remove(&self.0)
    }

    /// Whether the renewal that replaced an authority is to be finished: its switch is done, and the same command is typed again. `revoke` is what is typed
    /// now.
    ///
    /// # Errors
    /// [`EnrolmentError::RenewalUnfinished`] where it cannot be told which authority is meant. Nobody is revoked on a guess.
    pub(super) fn goes_on(
        &self,
        begun: Option<Begun>,
        standing: &Digest,
        revoke: bool,
        now: u64,
    ) -> Result<bool, EnrolmentError> {
        let Some(begun) = begun else { return Ok(false) };
        let switched = begun.certificate != *standing;
        let what = match (begun.revoke, revoke) {
            (true, false) => {
                "It was to revoke the authority that it replaces. Type it again with --revoke, as it was. If that is not wanted any more, remove the mark"
            }
            (false, true) if switched => {
                "It has replaced the authority and was to revoke none, so that it is not known which one is to be revoked now. Type it again without \
                 --revoke. Then revoke the one that was replaced by its file (`tributary certs revoke --issuing issuing-old-SECONDS.pem`), or the one that \
                 stands by this command"
            }
            (true, true) if switched && !begun.is_recent(now) => {
                "It has replaced the authority and was to revoke it, more than a day ago, so that it is not known whether the one that stands now is meant. \
                 Finish it: `tributary certs crl --root --keys MEDIUM`, and `tributary certs renew --coordinator-folder` for the coordinator. Then remove \
                 the mark; from then on this command means the authority that stands"
            }
            _ => return Ok(switched && begun.is_recent(now)),
        };
        Err(EnrolmentError::RenewalUnfinished { mark: self.0.clone(), what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_900_000_000;

    /// By what was begun and what is typed: whether it goes on, or why not.
    #[test]
    fn what_is_typed_again_goes_on_and_what_may_mean_another_authority_is_refused() {
        let mark = Mark::of_issuing(Path::new("ca"));
        let (old, new) = (Digest::of(b"old"), Digest::of(b"new"));
        let told = |began: bool, switched: bool, typed: bool, later: u64| {
            let begun = Begun { certificate: old, revoke: began, at: NOW };
            assert_eq!(Begun::parse(begun.line().trim_end()), Some(begun));
            let standing = if switched { new } else { old };
            match mark.goes_on(Some(begun), &standing, typed, NOW + later) {
                Ok(true) => "goes on".to_owned(),
                Ok(false) => "begins".to_owned(),
                Err(refused) => refused.to_string(),
            }
        };
        let (late, no, yes) = (REPEATED_SECONDS + 1, false, true);
        for typed in [no, yes] {
            assert_eq!(told(typed, yes, typed, REPEATED_SECONDS), "goes on");
            assert_eq!(told(typed, no, typed, late), "begins");
        }
        assert_eq!((told(no, no, yes, 0).as_str(), told(no, yes, no, late).as_str()), ("begins", "begins"));
        assert!(
            told(yes, yes, no, 0).contains("again with --revoke")
                && told(yes, no, no, 0).contains("again with --revoke")
        );
        assert!(told(no, yes, yes, 0).contains("without --revoke"));
        assert!(told(yes, yes, yes, late).contains("more than a day ago"));
        assert!(!mark.goes_on(None, &old, yes, NOW).unwrap());
    }
}
