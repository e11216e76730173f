//! What went wrong with a certificate, what it means, and what to do: for the daemons' messages.
//!
//! A fault is built from a [`rustls::Error`], or, behind QUIC, from the alert and the text that the transport passes on.

use core::fmt;

use rustls::{AlertDescription, CertificateError, Error, OtherError, PeerIncompatible};
use serde::{Deserialize, Serialize};

use crate::verify::Refusal;

/// The kinds of fault. Codes are stable: scripts and dashboards may match on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Past its last second.
    Expired,
    /// Before its first second.
    NotYetValid,
    /// Signed by its own key.
    SelfSigned,
    /// Issued by an authority that is not trusted here.
    ForeignAuthority,
    /// A signature in the chain or of the handshake does not verify.
    Forged,
    /// Revoked by its authority.
    Revoked,
    /// The revocation list is out of date or does not cover the certificate.
    RevocationUnknown,
    /// A client's certificate where a coordinator's is needed, or the reverse.
    WrongRole,
    /// Another trust domain.
    ForeignDomain,
    /// A genuine coordinator, but not the one that was asked for.
    WrongPeer,
    /// The coordinator is not entitled to the host name or address it was reached by.
    WrongHost,
    /// No URI, several, or one of another form.
    BadIdentity,
    /// No certificate at all.
    NoCertificate,
    /// Unreadable or of an unsupported kind.
    Unreadable,
    /// The peer refused our certificate without saying more.
    RefusedByPeer,
    /// No common TLS version, key exchange or application protocol.
    Incompatible,
    /// Not about certificates.
    Other,
}

/// A fault, as three sentences: what happened, what it means, what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateFault {
    /// Its kind.
    pub kind: FaultKind,
    /// Whether the peer found it with our certificate, rather than we with the peer's.
    pub found_by_peer: bool,
    /// What happened.
    pub what: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub cure: &'static str,
    /// Whose certificate and which rule, where known. Never secret.
    pub detail: Option<String>,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [FaultKind; 17] = [
        FaultKind::Expired,
        FaultKind::NotYetValid,
        FaultKind::SelfSigned,
        FaultKind::ForeignAuthority,
        FaultKind::Forged,
        FaultKind::Revoked,
        FaultKind::RevocationUnknown,
        FaultKind::WrongRole,
        FaultKind::ForeignDomain,
        FaultKind::WrongPeer,
        FaultKind::WrongHost,
        FaultKind::BadIdentity,
        FaultKind::NoCertificate,
        FaultKind::Unreadable,
        FaultKind::RefusedByPeer,
        FaultKind::Incompatible,
        FaultKind::Other,
    ];

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            FaultKind::Expired => "certificate-expired",
            FaultKind::NotYetValid => "certificate-not-yet-valid",
            FaultKind::SelfSigned => "certificate-self-signed",
            FaultKind::ForeignAuthority => "certificate-foreign-authority",
            FaultKind::Forged => "certificate-forged",
            FaultKind::Revoked => "certificate-revoked",
            FaultKind::RevocationUnknown => "certificate-revocation-unknown",
            FaultKind::WrongRole => "certificate-wrong-role",
            FaultKind::ForeignDomain => "certificate-foreign-domain",
            FaultKind::WrongPeer => "certificate-wrong-peer",
            FaultKind::WrongHost => "certificate-wrong-host",
            FaultKind::BadIdentity => "certificate-bad-identity",
            FaultKind::NoCertificate => "certificate-missing",
            FaultKind::Unreadable => "certificate-unreadable",
            FaultKind::RefusedByPeer => "certificate-refused-by-peer",
            FaultKind::Incompatible => "tls-incompatible",
            FaultKind::Other => "tls-other",
        }
    }

    /// What happened, what it means, what to do.
    const fn sentences(self) -> [&'static str; 3] {
        match self {
            FaultKind::Expired => [
                "The certificate has expired.",
                "Its bearer can no longer prove who it is, so nothing was exchanged.",
                "Check the clock of both machines; then renew the certificate (`tributary certs issue`) and restart its daemon.",
            ],
            FaultKind::NotYetValid => [
                "The certificate is not valid yet.",
                "One of the two clocks is wrong, or the certificate was issued for a later date.",
                "Correct the clock (`tributary certs inspect` prints the validity), then connect again.",
            ],
            FaultKind::SelfSigned => [
                "The certificate was signed by its own key.",
                "Nobody vouches for it: anybody can make such a certificate.",
                "Use the certificate that the federation's authority issued; check the path in the settings.",
            ],
            FaultKind::ForeignAuthority => [
                "The certificate was issued by an authority that is not trusted here.",
                "It belongs to another federation, the trust file is out of date, or somebody is listening in between.",
                "Compare trust.pem on both sides (`tributary certs inspect`); if they differ, ask the federation's authority which is right.",
            ],
            FaultKind::Forged => [
                "A signature of the certificate or the handshake is wrong.",
                "The certificate was altered, or the peer does not hold its private key.",
                "Do not retry. Check that certificate and key belong together; if they do, report it as an attack.",
            ],
            FaultKind::Revoked => [
                "The certificate was revoked.",
                "The federation's authority no longer vouches for its bearer.",
                "Ask the authority why; a new enrolment is needed.",
            ],
            FaultKind::RevocationUnknown => [
                "The revocation list is out of date or does not cover the certificate.",
                "Whether the certificate was revoked cannot be told, so it is refused.",
                "Install the authority's current revocation list and reload the daemon.",
            ],
            FaultKind::WrongRole => [
                "The certificate is not for this role.",
                "A client's certificate was used as a coordinator's, or the reverse; or it names no purpose.",
                "Check which certificate the settings point at; issue one for the right role.",
            ],
            FaultKind::ForeignDomain => [
                "The certificate belongs to another trust domain.",
                "Its bearer is enrolled in another federation.",
                "Check the trust domain in the settings and the address that was dialled.",
            ],
            FaultKind::WrongPeer => [
                "A genuine coordinator answered, but not the expected one.",
                "The address leads elsewhere, or the coordinator was given a new identity.",
                "Check the coordinator's address and identity in the settings against the enrolment bundle.",
            ],
            FaultKind::WrongHost => [
                "The coordinator's certificate does not name the host or address that was dialled.",
                "The connection may have been led to another machine.",
                "Dial a name the certificate carries, or issue the coordinator's certificate with this name.",
            ],
            FaultKind::BadIdentity => [
                "The certificate does not carry exactly one identity of the expected form.",
                "It cannot be told who its bearer is.",
                "Issue it again with one URI: spiffe://DOMAIN/ORGANISATION/client/ID or /coordinator/ID.",
            ],
            FaultKind::NoCertificate => [
                "The client presented no certificate.",
                "Nobody is served without one.",
                "Set the client's certificate and key in its settings.",
            ],
            FaultKind::Unreadable => [
                "The certificate is unreadable or of an unsupported kind.",
                "It was damaged, or made with an algorithm that is not accepted.",
                "Issue it again; `tributary certs inspect` shows what can be read.",
            ],
            FaultKind::RefusedByPeer => [
                "The peer refused this side's certificate.",
                "The peer's log says why; it does not tell us.",
                "Run `tributary certs inspect` on this side's certificate, then look into the peer's log.",
            ],
            FaultKind::Incompatible => [
                "The two sides have no TLS version, key exchange or protocol in common.",
                "The peer is another program, too old, or a gateway terminates TLS in between.",
                "Both sides need TLS 1.3 with X25519MLKEM768 and the protocol tributary/1; let the connection through unopened.",
            ],
            FaultKind::Other => [
                "The handshake failed for a reason that is not about certificates.",
                "The connection was cut or disturbed.",
                "Connect again; if it persists, look at both logs.",
            ],
        }
    }

    fn fault(self, found_by_peer: bool, detail: Option<String>) -> CertificateFault {
        let [what, meaning, cure] = self.sentences();
        CertificateFault { kind: self, found_by_peer, what, meaning, cure, detail }
    }
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.found_by_peer {
            formatter.write_str("The peer refused this side: ")?;
        }
        write!(formatter, "{} {} {} [{}]", self.what, self.meaning, self.cure, self.kind.code())?;
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
        Error::InvalidCertRevocationList(_) => FaultKind::RevocationUnknown.fault(false, None),
        Error::NoCertificatesPresented => FaultKind::NoCertificate.fault(false, None),
        Error::PeerIncompatible(PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon) => {
            FaultKind::Unreadable.fault(false, None)
        }
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol => FaultKind::Incompatible.fault(false, None),
        Error::AlertReceived(alert) => explain_alert((*alert).into(), true, ""),
        _ => FaultKind::Other.fault(false, None),
    }
}

/// Explains a TLS alert (RFC 8446, section 6), as QUIC passes it on: a connection error 0x100 + alert (RFC 9001, section 4.8) and a text.
///
/// `found_by_peer` tells whether the peer closed the connection, rather than we. A fault of ours that the text names wins over the alert.
#[must_use]
pub fn explain_alert(alert: u8, found_by_peer: bool, text: &str) -> CertificateFault {
    let named = FaultKind::ALL.into_iter().find(|kind| text.contains(&format!("[{}]", kind.code())));
    let kind = named.unwrap_or(match AlertDescription::from(alert) {
        AlertDescription::CertificateExpired if text.contains("not valid yet") => FaultKind::NotYetValid,
        AlertDescription::CertificateExpired => FaultKind::Expired,
        AlertDescription::CertificateRevoked => FaultKind::Revoked,
        AlertDescription::UnknownCA => FaultKind::ForeignAuthority,
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => FaultKind::NoCertificate,
        AlertDescription::DecryptError => FaultKind::Forged,
        AlertDescription::UnsupportedCertificate => FaultKind::WrongRole,
        AlertDescription::HandshakeFailure
        | AlertDescription::ProtocolVersion
        | AlertDescription::InsufficientSecurity
        | AlertDescription::NoApplicationProtocol => FaultKind::Incompatible,
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown | AlertDescription::AccessDenied => {
            if found_by_peer {
                FaultKind::RefusedByPeer
            } else {
                FaultKind::Unreadable
            }
        }
        _ => FaultKind::Other,
    });
    kind.fault(found_by_peer, None)
}

fn certificate_kind(error: &CertificateError) -> FaultKind {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => FaultKind::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => FaultKind::NotYetValid,
        CertificateError::Revoked => FaultKind::Revoked,
        CertificateError::UnknownRevocationStatus
        | CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. } => FaultKind::RevocationUnknown,
        CertificateError::UnknownIssuer => FaultKind::ForeignAuthority,
        CertificateError::BadSignature => FaultKind::Forged,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => FaultKind::WrongHost,
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => FaultKind::WrongRole,
        _ => FaultKind::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_found_in_a_transport_s_text() {
        for kind in FaultKind::ALL {
            let text = format!("invalid peer certificate: [{}] somebody", kind.code());
            assert_eq!(explain_alert(46, false, &text).kind, kind);
            assert_eq!(FaultKind::ALL.iter().filter(|other| other.code() == kind.code()).count(), 1);
        }
    }

    #[test]
    fn alerts_are_explained_from_both_sides() {
        let table = [
            (45, FaultKind::Expired),
            (44, FaultKind::Revoked),
            (48, FaultKind::ForeignAuthority),
            (116, FaultKind::NoCertificate),
            (51, FaultKind::Forged),
            (40, FaultKind::Incompatible),
            (120, FaultKind::Incompatible),
            (80, FaultKind::Other),
        ];
        for (alert, kind) in table {
            assert_eq!(explain_alert(alert, true, "").kind, kind);
        }
        assert_eq!(explain_alert(46, true, "").kind, FaultKind::RefusedByPeer);
        assert_eq!(explain_alert(46, false, "").kind, FaultKind::Unreadable);
        assert!(explain_alert(45, true, "").to_string().starts_with("The peer refused this side"));
    }

    #[test]
    fn every_fault_says_what_it_is_what_it_means_and_what_to_do() {
        for kind in FaultKind::ALL {
            let fault = kind.fault(false, Some("detail".to_owned()));
            assert!([fault.what, fault.meaning, fault.cure].iter().all(|sentence| sentence.ends_with('.')));
            assert!(fault.to_string().ends_with(&format!("[{}] (detail)", kind.code())));
        }
    }
}
