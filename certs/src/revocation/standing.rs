//! What lists say of a certificate, and when they end.

use tributary_protocol::printable::Printable;

use crate::fault::FaultKind;

/// How long before its end a root's list is reported, in seconds: thirty days. Its key is offline, and people must meet.
pub const ROOT_LIST_WARNING_SECONDS: u64 = 30 * 86_400;

/// How long before its end an issuing authority's list is reported, in seconds: one day.
pub const LIST_WARNING_SECONDS: u64 = 86_400;

/// What the lists say of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// Current lists of every authority above it do not name it, nor one of those.
    Good,
    /// A list names it, or an authority above it, however old that list is.
    Revoked,
    /// The list of an authority above it is not here, or the certificate cannot be read.
    Unknown,
    /// The list of an authority above it is past its date.
    ListExpired,
}

impl Revocation {
    /// Why a certificate is not believed, if so.
    #[must_use]
    pub fn fault(self) -> Option<FaultKind> {
        match self {
            Self::Good => None,
            Self::Revoked => Some(FaultKind::Revoked),
            Self::Unknown => Some(FaultKind::RevocationUnknown),
            Self::ListExpired => Some(FaultKind::RevocationListExpired),
        }
    }
}

/// When a list ends without which somebody could not be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEnd {
    /// Whether it is a root's: its key is offline.
    pub by_root: bool,
    /// The authority, for people.
    pub authority: Printable,
    /// Its last second, Unix; 0 where there is no list.
    pub next_update: u64,
}

impl ListEnd {
    /// Whether it is time to say so.
    #[must_use]
    pub fn is_near(&self, now: u64) -> bool {
        let before = if self.by_root { ROOT_LIST_WARNING_SECONDS } else { LIST_WARNING_SECONDS };
        self.next_update.saturating_sub(now) < before
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self, now: u64) -> bool {
        self.next_update < now
    }

    /// Who must do what.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        if self.by_root {
            "the holder of root.key runs `tributary certs crl --authority DIR --root --keys MEDIUM`; the new revocations.pem reaches everybody \
             through the coordinator"
        } else {
            "the authority's operator runs `tributary certs crl --authority DIR`, or starts the coordinator that keeps the office \
             (`enrolment.authority`), which does it by itself; branches fetch the new list from there"
        }
    }
}
