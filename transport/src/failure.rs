//! Why a connection failed: a kind by which this program decides, and words by which it never does, because a peer may have chosen them.

use std::fmt;
use std::io;

use tributary_certs::fault::{CertificateFault, FaultKind, explain};

/// A failure of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    words: String,
    found: Option<(FaultKind, bool)>,
}

impl Failure {
    /// What is wrong with a certificate or with TLS, if that is it: as this side found it, or as the number of a peer's alert or close says.
    #[must_use]
    pub fn kind(&self) -> Option<FaultKind> {
        self.found.map(|(kind, _)| kind)
    }

    /// Whether the peer has found the fault, with what this side sent.
    #[must_use]
    pub fn is_found_by_peer(&self) -> bool {
        self.found.is_some_and(|(_, by_peer)| by_peer)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.words)
    }
}

impl From<String> for Failure {
    fn from(words: String) -> Self {
        Self { words, found: None }
    }
}

impl From<&str> for Failure {
    fn from(words: &str) -> Self {
        words.to_owned().into()
    }
}

impl From<CertificateFault> for Failure {
    fn from(fault: CertificateFault) -> Self {
        Self { words: fault.to_string(), found: Some((fault.kind, fault.found_by_peer)) }
    }
}

/// What an input or output error of a TLS stream means: the library's own error is inside.
pub(crate) fn explain_io(fault: &io::Error) -> Failure {
    match fault.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(tls) => explain(tls).into(),
        None => match fault.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                "the peer or something between broke the connection off".into()
            }
            io::ErrorKind::TimedOut => "nothing arrives any more: the peer is gone, or the network between is".into(),
            _ => fault.to_string().into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_an_error_has_its_words() {
        let said = |kind: io::ErrorKind| explain_io(&kind.into());
        let broken = "the peer or something between broke the connection off";
        for kind in [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe] {
            assert_eq!((said(kind).to_string().as_str(), said(kind).kind()), (broken, None));
        }
        let gone = "nothing arrives any more: the peer is gone, or the network between is";
        assert_eq!(said(io::ErrorKind::TimedOut).to_string(), gone);
        let other = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(explain_io(&other).to_string(), other.to_string());
        // The library's own error is looked into, whatever the system calls it.
        let tls = rustls::Error::AlertReceived(rustls::AlertDescription::BadCertificate);
        let fault = explain_io(&io::Error::new(io::ErrorKind::UnexpectedEof, tls));
        assert!(fault.kind().is_some() && fault.is_found_by_peer(), "{fault}");
    }
}
