//! What a revocation list says of each certificate.

/// A certificate in a revocation list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEntry {
    /// Its serial number, big-endian.
    pub serial: Vec<u8>,
    /// When it was revoked, in Unix seconds.
    pub at: u64,
    /// Why.
    pub reason: RevocationReason,
}

/// Why a certificate was revoked (RFC 5280, section 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationReason {
    /// Not said.
    Unspecified,
    /// Its key was, or may have been, in other hands.
    KeyCompromise,
    /// Its bearer belongs to the organisation no more.
    AffiliationChanged,
    /// Another one took its place.
    Superseded,
    /// It is no longer needed.
    CessationOfOperation,
}

impl RevocationReason {
    /// Every reason.
    pub const ALL: [RevocationReason; 5] = [
        RevocationReason::Unspecified,
        RevocationReason::KeyCompromise,
        RevocationReason::AffiliationChanged,
        RevocationReason::Superseded,
        RevocationReason::CessationOfOperation,
    ];

    /// Its word, in files and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            RevocationReason::Unspecified => "unspecified",
            RevocationReason::KeyCompromise => "key-compromise",
            RevocationReason::AffiliationChanged => "affiliation-changed",
            RevocationReason::Superseded => "superseded",
            RevocationReason::CessationOfOperation => "cessation-of-operation",
        }
    }

    /// The reason of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// As lists carry it: "not said" is left out.
    pub(super) const fn code(self) -> Option<rcgen::RevocationReason> {
        match self {
            RevocationReason::Unspecified => None,
            RevocationReason::KeyCompromise => Some(rcgen::RevocationReason::KeyCompromise),
            RevocationReason::AffiliationChanged => Some(rcgen::RevocationReason::AffiliationChanged),
            RevocationReason::Superseded => Some(rcgen::RevocationReason::Superseded),
            RevocationReason::CessationOfOperation => Some(rcgen::RevocationReason::CessationOfOperation),
        }
    }
}
