//! QUIC: one connection, one bidirectional stream that the client opens.

mod client;
mod config;
mod server;
mod socket;

use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use tributary_certs::fault::{CertificateFault, FaultKind, explain_own_alert, explain_peer_alert};
use tributary_protocol::printable::Printable;

pub(crate) use self::client::Sockets;
pub(crate) use self::server::{QuicAttempt, QuicListener};
use crate::counter::OfficeStream;
use crate::failure::Failure;
use crate::limits::READ_BYTES;
use crate::wire::{End, cut};

/// Application error codes: final, the link moves on to another connection, or the peer showed no certificate. What comes with them is for people.
const CODE_OVER: u32 = 0;
const CODE_MOVED: u32 = 1;
const CODE_NO_CERTIFICATE: u32 = 2;

/// Longest reason that is put into one packet.
const REASON_BYTES: usize = 512;

/// A connection and its stream.
pub(crate) struct QuicWire {
    connection: quinn::Connection,
    send: quinn::SendStream,
    receive: quinn::RecvStream,
    /// A client's socket, which must send the last packets before the process ends.
    endpoint: Option<quinn::Endpoint>,
    over: bool,
}

impl QuicWire {
    fn new(
        connection: quinn::Connection,
        (send, receive): (quinn::SendStream, quinn::RecvStream),
        endpoint: Option<quinn::Endpoint>,
    ) -> Self {
        Self { connection, send, receive, endpoint, over: false }
    }

    pub(crate) fn halves(&mut self) -> (&mut quinn::SendStream, &mut quinn::RecvStream) {
        (&mut self.send, &mut self.receive)
    }

    /// UDP bytes received and sent.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let stats = self.connection.stats();
        (stats.udp_rx.bytes, stats.udp_tx.bytes)
    }

    /// UDP payload of packets now, in bytes.
    pub(crate) fn path_mtu(&self) -> u16 {
        self.connection.stats().path.current_mtu
    }

    /// Sends the last record, waits until everything was acknowledged, and closes.
    pub(crate) async fn close(mut self, end: &mut Bytes, reason: &str, patience: Duration) {
        self.over = true;
        let told = async {
            if self.send.write_all_chunks(std::slice::from_mut(end)).await.is_ok() && self.send.finish().is_ok() {
                let _ = self.send.stopped().await;
            }
        };
        let _ = tokio::time::timeout(patience, told).await;
        self.connection.close(CODE_OVER.into(), cut(reason, REASON_BYTES).as_bytes());
        if let Some(endpoint) = &self.endpoint {
            let _ = tokio::time::timeout(patience, endpoint.wait_idle()).await;
        }
    }
}

impl Drop for QuicWire {
    fn drop(&mut self) {
        if !self.over {
            self.connection.close(CODE_MOVED.into(), b"");
        }
    }
}

/// The connection of somebody who asks the office.
fn office_stream(
    connection: quinn::Connection,
    (send, receive): (quinn::SendStream, quinn::RecvStream),
    endpoint: Option<quinn::Endpoint>,
) -> OfficeStream {
    // A client's socket is kept as long: it sends the last packets.
    OfficeStream::new(tokio::io::join(receive, send), move || {
        connection.close(CODE_OVER.into(), b"");
        drop(endpoint);
    })
}

/// The leaf of the peer's chain.
fn certificate(connection: &quinn::Connection) -> Option<CertificateDer<'static>> {
    let chain = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    chain.first().cloned()
}

/// Writes what the windows allow; the pieces written in full.
pub(crate) async fn write(stream: &mut quinn::SendStream, pieces: &mut [Bytes]) -> Result<usize, End> {
    match stream.write_chunks(pieces).await {
        Ok(written) => Ok(written.chunks),
        Err(quinn::WriteError::ConnectionLost(lost)) => Err(explain(&lost)),
        Err(other) => Err(End::Cut(other.to_string().into())),
    }
}

pub(crate) async fn read(stream: &mut quinn::RecvStream) -> Result<Bytes, End> {
    match stream.read_chunk(READ_BYTES, true).await {
        Ok(Some(chunk)) => Ok(chunk.bytes),
        Ok(None) => Err(End::Cut("the stream ended without a word".into())),
        Err(quinn::ReadError::ConnectionLost(lost)) => Err(explain(&lost)),
        Err(other) => Err(End::Cut(other.to_string().into())),
    }
}

/// What a lost connection means to its operator.
fn explain(fault: &quinn::ConnectionError) -> End {
    match fault {
        quinn::ConnectionError::ApplicationClosed(close) if close.error_code == CODE_OVER.into() => {
            End::Over(Printable::of_bytes(&close.reason))
        }
        quinn::ConnectionError::ApplicationClosed(close) if close.error_code == CODE_NO_CERTIFICATE.into() => {
            End::Cut(FaultKind::NoCertificate.fault(true, None).into())
        }
        quinn::ConnectionError::ApplicationClosed(_) => End::Cut("the peer moved to another connection".into()),
        quinn::ConnectionError::ConnectionClosed(close) => {
            let words = Printable::of_bytes(&close.reason);
            End::Cut(failure(close.error_code.into(), &words, |alert| explain_peer_alert(alert, &words)))
        }
        quinn::ConnectionError::TransportError(inner) => {
            let words = Printable::new(&inner.reason);
            End::Cut(failure(inner.code.into(), &words, |alert| explain_own_alert(alert, &inner.reason)))
        }
        quinn::ConnectionError::TimedOut => End::Cut(
            "nothing arrives over UDP any more: the peer is gone, or the network between drops its packets; check address, port and that \
             UDP passes the firewall"
                .into(),
        ),
        quinn::ConnectionError::Reset => End::Cut("the peer does not know this connection; it was restarted".into()),
        other => End::Cut(other.to_string().into()),
    }
}

/// A TLS alert travels as QUIC error 0x100 + alert (RFC 9001, section 4.8).
fn failure(code: u64, words: &Printable, explain: impl Fn(u8) -> CertificateFault) -> Failure {
    match code.checked_sub(0x100).and_then(|alert| u8::try_from(alert).ok()) {
        Some(alert) => explain(alert).into(),
        None => format!("QUIC error {code:#x}: {words}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::DialFault;

    /// What a peer that closes with this code and these words is taken for.
    fn closed_by_peer(code: u64, words: &str) -> End {
        let frame = quinn::ConnectionClose {
            error_code: quinn::TransportErrorCode::crypto(u8::try_from(code).unwrap()),
            frame_type: None,
            reason: words.to_owned().into(),
        };
        explain(&quinn::ConnectionError::ConnectionClosed(frame))
    }

    #[test]
    fn what_a_peer_says_beside_a_code_changes_nothing_but_the_words() {
        let found = |end: End| match end {
            End::Cut(failure) => (failure.kind(), failure.is_found_by_peer()),
            other => panic!("{other}"),
        };
        for kind in FaultKind::ALL {
            let words = format!("invalid peer certificate: Other(OtherError({} somebody", kind.mark());
            assert_eq!(found(closed_by_peer(42, &words)), (Some(FaultKind::RefusedByPeer), true), "{words}");
        }
        let closed = |code: u32, words: &'static [u8]| {
            let frame = quinn::ApplicationClose { error_code: code.into(), reason: words.into() };
            explain(&quinn::ConnectionError::ApplicationClosed(frame))
        };
        let marked = b"[104 certificate-revoked]";
        assert_eq!(found(closed(CODE_NO_CERTIFICATE, marked)), (Some(FaultKind::NoCertificate), true));
        assert_eq!(found(closed(CODE_MOVED, marked)), (None, false));
        assert_eq!(found(closed(9_999, marked)), (None, false));
        let over = DialFault::from(closed(CODE_OVER, marked));
        assert!(over.failure().is_some_and(|failure| failure.kind().is_none()), "{over}");
    }
}
