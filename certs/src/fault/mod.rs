//! What went wrong with a certificate, an enrolment or a renewal, what it means, and what to do: for the daemons' messages.
//!
//! A fault is built from a [`rustls::Error`], or, over QUIC, from what the transport passes on of it.

mod kinds;

use core::fmt;

use rustls::{
    AlertDescription, CertRevocationListError, CertificateError, Error, InvalidMessage, OtherError, PeerIncompatible,
};
use serde::Serialize;
use tributary_protocol::printable::Printable;

pub use kinds::FaultKind;

use crate::verify::Refusal;

/// A fault, as three sentences: what happened, what it means, what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateFault {
    /// Its kind.
    pub kind: FaultKind,
    /// The kind's number.
    pub number: u16,
    /// Whether the peer found it with what this side sent, rather than we with what the peer sent.
    pub found_by_peer: bool,
    /// What happened.
    pub what: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub cure: &'static str,
    /// Whose certificate and which rule, where known. Never secret.
    pub detail: Option<Printable>,
}

impl FaultKind {
    /// The kind with a number.
    #[must_use]
    pub fn of_number(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.number() == number)
    }

    /// Number and code in the brackets by which a text names a kind, such as `[104 certificate-revoked]`.
    #[must_use]
    pub fn mark(self) -> String {
        format!("[{} {}]", self.number(), self.code())
    }

    /// A fault of this kind.
    #[must_use]
    pub fn fault(self, found_by_peer: bool, detail: Option<Printable>) -> CertificateFault {
        let [what, meaning, cure] = self.sentences();
        CertificateFault { kind: self, number: self.number(), found_by_peer, what, meaning, cure, detail }
    }

    /// A fault of this kind that this side found, with what is known about it.
    #[must_use]
    pub fn because(self, detail: impl fmt::Display) -> CertificateFault {
        self.fault(false, Some(detail.to_string().into()))
    }
}

impl From<FaultKind> for CertificateFault {
    fn from(kind: FaultKind) -> Self {
        kind.fault(false, None)
    }
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.found_by_peer {
            formatter.write_str("The peer refused this side: ")?;
        }
        write!(formatter, "{} {} {} {}", self.what, self.meaning, self.cure, self.kind.mark())?;
        self.detail.iter().try_for_each(|detail| write!(formatter, " ({detail})"))
    }
}

impl std::error::Error for CertificateFault {}

/// Explains an error of a handshake.
#[must_use]
pub fn explain(error: &Error) -> CertificateFault {
    match error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) => {
            match inner.downcast_ref::<Refusal>() {
                Some(refusal) => refusal.kind.fault(false, Some(refusal.detail.clone())),
                None => FaultKind::Unreadable.fault(false, None),
            }
        }
        Error::InvalidCertificate(error) => certificate_kind(error).fault(false, None),
        Error::InvalidCertRevocationList(error) => list_kind(error).fault(false, None),
        Error::NoCertificatesPresented => FaultKind::NoCertificate.fault(false, None),
        Error::PeerIncompatible(error) => incompatible_kind(error).fault(false, None),
        Error::NoApplicationProtocol => FaultKind::TlsApplicationProtocol.fault(false, None),
        // The chain is the one message of a handshake that may outgrow the library's limit.
        Error::InvalidMessage(
            InvalidMessage::HandshakePayloadTooLarge | InvalidMessage::CertificatePayloadTooLarge,
        ) => FaultKind::TooLarge.fault(false, None),
        Error::InvalidMessage(_)
        | Error::PeerMisbehaved(_)
        | Error::DecryptError
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. } => FaultKind::TlsDamaged.fault(false, None),
        Error::AlertReceived(alert) => alert_kind(*alert, None).fault(true, None),
        _ => FaultKind::TlsOther.fault(false, None),
    }
}

/// Explains the TLS alert (RFC 8446, section 6) by which a peer ended a QUIC connection: error 0x100 + alert (RFC 9001, section 4.8), and words.
///
/// The alert's number alone decides. The words are the peer's: they are shown, and nothing is read out of them.
#[must_use]
pub fn explain_peer_alert(alert: u8, words: &Printable) -> CertificateFault {
    let shown = (!words.as_str().is_empty()).then(|| format!("in its words: {words}").into());
    alert_kind(AlertDescription::from(alert), None).fault(true, shown)
}

/// Explains an error of this side's own TLS library, of which QUIC passes on the alert and the library's text, and nothing else.
#[must_use]
pub fn explain_own_alert(alert: u8, library: &str) -> CertificateFault {
    let alert = AlertDescription::from(alert);
    own_refusal(library).unwrap_or_else(|| alert_kind(alert, Some(library))).fault(false, None)
}

/// How the library's text of a refusal of ours begins.
const OWN_REFUSAL: &str = "invalid peer certificate: Other(OtherError([";

/// The rule of ours that a certificate broke. Its number is the first word of ours in the library's text, before anything that a certificate says.
fn own_refusal(library: &str) -> Option<FaultKind> {
    let (number, _) = library.strip_prefix(OWN_REFUSAL)?.split_once(' ')?;
    FaultKind::of_number(number.parse().ok()?)
}

/// `library` is our own library's text, where this side found the fault.
fn alert_kind(alert: AlertDescription, library: Option<&str>) -> FaultKind {
    let found_by_peer = library.is_none();
    let text = library.unwrap_or_default();
    match alert {
        AlertDescription::CertificateExpired if text.contains("not valid yet") => FaultKind::NotYetValid,
        AlertDescription::CertificateExpired => FaultKind::Expired,
        AlertDescription::CertificateRevoked => FaultKind::Revoked,
        AlertDescription::UnknownCA => FaultKind::ForeignAuthority,
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => FaultKind::NoCertificate,
        AlertDescription::DecryptError => FaultKind::Forged,
        AlertDescription::UnsupportedCertificate => FaultKind::WrongUsage,
        AlertDescription::NoApplicationProtocol => FaultKind::TlsApplicationProtocol,
        AlertDescription::ProtocolVersion => FaultKind::TlsVersion,
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown | AlertDescription::AccessDenied
            if found_by_peer =>
        {
            FaultKind::RefusedByPeer
        }
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown | AlertDescription::AccessDenied => {
            FaultKind::Unreadable
        }
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity if found_by_peer => {
            FaultKind::TlsRefusedByPeer
        }
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => ours_in(text),
        AlertDescription::DecodeError
        | AlertDescription::IllegalParameter
        | AlertDescription::UnexpectedMessage
        | AlertDescription::BadRecordMac
        | AlertDescription::RecordOverflow => {
            if found_by_peer {
                FaultKind::DamagedByPeer
            } else {
                FaultKind::TlsDamaged
            }
        }
        _ if found_by_peer => FaultKind::ClosedByPeer,
        _ => FaultKind::TlsOther,
    }
}

/// What this side missed, by the library's name for it in the text of the transport.
fn ours_in(text: &str) -> FaultKind {
    let names = [
        ("NoKxGroupsInCommon", FaultKind::TlsKeyExchange),
        ("NoCipherSuitesInCommon", FaultKind::TlsCipherSuite),
        ("SignatureSchemesInCommon", FaultKind::TlsSignature),
    ];
    names.into_iter().find(|(name, _)| text.contains(name)).map_or(FaultKind::TlsIncompatible, |(_, kind)| kind)
}

fn incompatible_kind(error: &PeerIncompatible) -> FaultKind {
    match error {
        PeerIncompatible::NoKxGroupsInCommon => FaultKind::TlsKeyExchange,
        PeerIncompatible::NoCipherSuitesInCommon => FaultKind::TlsCipherSuite,
        PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon
        | PeerIncompatible::NoSignatureSchemesInCommon => FaultKind::TlsSignature,
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
        | PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::Tls13RequiredForQuic => FaultKind::TlsVersion,
        _ => FaultKind::TlsIncompatible,
    }
}

pub(crate) fn certificate_kind(error: &CertificateError) -> FaultKind {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => FaultKind::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => FaultKind::NotYetValid,
        CertificateError::Revoked => FaultKind::Revoked,
        CertificateError::UnknownRevocationStatus => FaultKind::RevocationUnknown,
        CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => {
            FaultKind::RevocationListExpired
        }
        CertificateError::UnknownIssuer => FaultKind::ForeignAuthority,
        CertificateError::BadSignature => FaultKind::Forged,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => FaultKind::WrongHost,
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => FaultKind::WrongUsage,
        _ => FaultKind::Unreadable,
    }
}

fn list_kind(_: &CertRevocationListError) -> FaultKind {
    FaultKind::RevocationListForged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_codes_are_distinct() {
        for kind in FaultKind::ALL.iter().copied() {
            assert_eq!(FaultKind::of_number(kind.number()), Some(kind));
            let same = |other: &&FaultKind| other.code() == kind.code() || other.number() == kind.number();
            assert_eq!(FaultKind::ALL.iter().filter(same).count(), 1, "{kind:?}");
        }
        assert!(FaultKind::ALL.is_sorted_by_key(|kind| kind.number()));
        assert_eq!(FaultKind::Revoked.mark(), "[104 certificate-revoked]");
        assert_eq!(FaultKind::of_number(1), None);
    }

    #[test]
    fn alerts_are_explained_from_both_sides() {
        let table = [
            (45, FaultKind::Expired, FaultKind::Expired),
            (44, FaultKind::Revoked, FaultKind::Revoked),
            (48, FaultKind::ForeignAuthority, FaultKind::ForeignAuthority),
            (116, FaultKind::NoCertificate, FaultKind::NoCertificate),
            (51, FaultKind::Forged, FaultKind::Forged),
            (40, FaultKind::TlsRefusedByPeer, FaultKind::TlsIncompatible),
            (120, FaultKind::TlsApplicationProtocol, FaultKind::TlsApplicationProtocol),
            (70, FaultKind::TlsVersion, FaultKind::TlsVersion),
            (46, FaultKind::RefusedByPeer, FaultKind::Unreadable),
            (50, FaultKind::DamagedByPeer, FaultKind::TlsDamaged),
            (80, FaultKind::ClosedByPeer, FaultKind::TlsOther),
        ];
        for (alert, from_peer, ours) in table {
            assert_eq!(explain_peer_alert(alert, &"".into()).kind, from_peer);
            assert_eq!(explain_own_alert(alert, "").kind, ours);
        }
        let text = "peer is incompatible: NoKxGroupsInCommon";
        assert_eq!(explain_own_alert(40, text).kind, FaultKind::TlsKeyExchange);
        assert!(explain_peer_alert(45, &"".into()).to_string().starts_with("The peer refused this side"));
    }

    /// QUIC carries the library's text of an error, and nothing else of it. A certificate's own words stand after the number.
    #[test]
    fn a_rule_of_ours_keeps_its_number_where_text_alone_travels() {
        for kind in FaultKind::ALL.iter().copied() {
            for other in FaultKind::ALL.iter().copied() {
                let text = crate::verify::refused(Refusal { kind, detail: other.mark().into() }).to_string();
                assert_eq!(explain_own_alert(42, &text).kind, kind, "{text}");
            }
        }
    }

    /// Whatever a peer says, its alert's number decides what this side believes.
    #[test]
    fn a_peer_s_words_are_shown_and_never_read() {
        let of_marks = FaultKind::ALL.iter().map(|kind| kind.mark());
        let of_refusals = FaultKind::ALL
            .iter()
            .map(|kind| crate::verify::refused(Refusal { kind: *kind, detail: "somebody".into() }).to_string());
        let others = ["certificate not valid yet", "NoKxGroupsInCommon"].map(str::to_owned);
        let words: Vec<String> = of_marks.chain(of_refusals).chain(others).collect();
        for alert in 0..=255 {
            let silent = explain_peer_alert(alert, &"".into());
            for words in &words {
                let told = explain_peer_alert(alert, &Printable::new(words));
                assert_eq!((told.kind, told.found_by_peer), (silent.kind, true), "{alert} {words}");
                assert!(told.to_string().ends_with(&format!("(in its words: {words})")), "{told}");
            }
        }
    }

    #[test]
    fn every_fault_says_what_it_is_what_it_means_and_what_to_do() {
        for kind in FaultKind::ALL.iter().copied() {
            let fault = kind.because("detail");
            assert!([fault.what, fault.meaning, fault.cure].iter().all(|sentence| sentence.ends_with('.')));
            assert!(fault.to_string().ends_with(&format!("{} (detail)", kind.mark())));
        }
    }

    /// `docs/CERTIFICATES.md` has a row for every kind, in order, and no other.
    #[test]
    fn the_documented_table_is_this_one() {
        let text = include_str!("../../../docs/CERTIFICATES.md");
        let rows = text.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            let number: u16 = cells.next()?.parse().ok()?;
            Some((number, cells.next()?.trim_matches('`').to_owned()))
        });
        let documented: Vec<(u16, String)> = rows.collect();
        let known: Vec<_> = FaultKind::ALL.iter().map(|kind| (kind.number(), kind.code().to_owned())).collect();
        assert_eq!(documented, known);
    }
}
