//! One authenticated connection and its stream of bytes in each direction, whichever transport carries it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use tributary_certs::identity::{Identity, IdentityError, identity_of};
use tributary_protocol::printable::Printable;

use crate::counter::OfficeStream;
use crate::failure::Failure;
use crate::limits::CLOSING_TIME;
use crate::quic::QuicWire;
use crate::record::{Kind, record};
use crate::tcp::TcpWire;

/// What carries a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// QUIC over UDP.
    Quic,
    /// TLS 1.3 over TCP.
    Tcp,
}

impl Transport {
    /// For people and files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quic => "quic",
            Self::Tcp => "tcp",
        }
    }
}

impl std::fmt::Display for Transport {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum End {
    /// The network, or a peer that vanished: the link may go on over another connection.
    #[error("{0}")]
    Cut(Failure),
    /// The peer has ended the link, and says why.
    #[error("the peer ended the connection: {0}")]
    Over(Printable),
    /// The peer's bytes are not this protocol.
    #[error("the peer's bytes are not this protocol: {0}; compare the releases of both sides")]
    Faulty(String),
}

/// An open connection whose handshake both sides have finished.
pub struct Wire {
    carrier: Carrier,
    certificate: CertificateDer<'static>,
    address: SocketAddr,
}

pub(crate) enum Carrier {
    Quic(QuicWire),
    Tcp(TcpWire),
}

impl Wire {
    pub(crate) fn new(carrier: Carrier, certificate: CertificateDer<'static>, address: SocketAddr) -> Self {
        Self { carrier, certificate, address }
    }

    /// What carries it.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match self.carrier {
            Carrier::Quic(_) => Transport::Quic,
            Carrier::Tcp(_) => Transport::Tcp,
        }
    }

    /// The peer's leaf certificate (DER), as TLS verified it.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Who the peer's certificate says it is.
    ///
    /// # Errors
    /// [`IdentityError`]; the handshake has refused such a certificate already.
    pub fn identity(&self) -> Result<Identity, IdentityError> {
        identity_of(&self.certificate)
    }

    /// Where the peer was when the connection was made.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes received and sent so far: of UDP for QUIC; inside TLS for TCP.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        match &self.carrier {
            Carrier::Quic(wire) => wire.bytes(),
            Carrier::Tcp(wire) => wire.bytes(),
        }
    }

    /// UDP payload of QUIC's packets now, in bytes; nothing for TCP.
    #[must_use]
    pub fn path_mtu(&self) -> Option<u16> {
        match &self.carrier {
            Carrier::Quic(wire) => Some(wire.path_mtu()),
            Carrier::Tcp(_) => None,
        }
    }

    /// Whether the transport itself keeps the path open and notices a dead one.
    pub(crate) fn is_lively(&self) -> bool {
        matches!(self.carrier, Carrier::Quic(_))
    }

    /// Ends the connection for good: the reason is sent where it still can be, within [`CLOSING_TIME`].
    pub(crate) async fn close(self, reason: &str) {
        self.close_within(reason, CLOSING_TIME).await;
    }

    pub(crate) async fn close_within(self, reason: &str, patience: Duration) {
        let mut end = record(Kind::End, cut(reason, crate::limits::REASON_BYTES_MAX).as_bytes());
        match self.carrier {
            Carrier::Quic(wire) => wire.close(&mut end, reason, patience).await,
            Carrier::Tcp(wire) => wire.close(&end, patience).await,
        }
    }

    /// Both directions at once: what can be written of `out` is, and what arrives is given. Cancel-safe: whatever was written is gone from
    /// `out`, and what was read is given or still there.
    pub(crate) fn halves(&mut self) -> (Outlet<'_>, Inlet<'_>) {
        match &mut self.carrier {
            Carrier::Quic(wire) => {
                let (send, receive) = wire.halves();
                (Outlet::Quic(send), Inlet::Quic(receive))
            }
            Carrier::Tcp(wire) => {
                let (send, receive) = wire.halves();
                (Outlet::Tcp(send), Inlet::Tcp(receive))
            }
        }
    }
}

/// What a connection attempt became at the coordinator.
pub enum Accepted {
    /// A peer whose certificate TLS has verified.
    Peer(Box<Wire>),
    /// A newcomer with a question for the enrolment office.
    Newcomer(OfficeStream),
}

/// The sending half, borrowed.
pub(crate) enum Outlet<'a> {
    Quic(&'a mut quinn::SendStream),
    Tcp(&'a mut crate::tcp::Outlet),
}

/// The receiving half, borrowed.
pub(crate) enum Inlet<'a> {
    Quic(&'a mut quinn::RecvStream),
    Tcp(&'a mut crate::tcp::Inlet),
}

impl Outlet<'_> {
    /// Whether what was written may still wait in a buffer of ours.
    pub(crate) fn is_unflushed(&self) -> bool {
        match self {
            Self::Quic(_) => false,
            Self::Tcp(outlet) => outlet.is_unflushed(),
        }
    }

    /// Writes at least one byte, or flushes where `pieces` is empty; the pieces written in full, which are left empty. Cancel-safe.
    pub(crate) async fn write(&mut self, pieces: &mut [Bytes]) -> Result<usize, End> {
        match self {
            Self::Quic(stream) => crate::quic::write(stream, pieces).await,
            Self::Tcp(outlet) => outlet.write(pieces).await,
        }
    }
}

impl Inlet<'_> {
    /// The next bytes. Cancel-safe.
    pub(crate) async fn read(&mut self) -> Result<Bytes, End> {
        match self {
            Self::Quic(stream) => crate::quic::read(stream).await,
            Self::Tcp(inlet) => inlet.read().await,
        }
    }
}

/// At most so many bytes of a text, at a character's border.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_a_character() {
        for (bytes, expected) in
            [(0, ""), (1, "a"), (2, "a"), (3, "aé"), (4, "aé"), (6, "aé中"), (7, "aé中b"), (9, "aé中b")]
        {
            assert_eq!(cut("aé中b", bytes), expected, "{bytes}");
        }
    }
}
