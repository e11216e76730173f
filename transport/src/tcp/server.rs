//! The coordinator's end: one TCP port, on which branches connect and, where there is an enrolment office, newcomers ask.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tributary_certs::tls::APPLICATION_PROTOCOL;

use super::{tune, wire};
use crate::fault::{ListenError, PeerFault, explain_io};
use crate::timers::Timers;
use crate::wire::Wire;

/// TLS configurations in force.
#[derive(Clone)]
struct Keys {
    /// For enrolled peers.
    peers: Arc<rustls::ServerConfig>,
    /// For newcomers, who have no certificate yet; nothing where no office is kept.
    office: Option<Arc<rustls::ServerConfig>>,
}

/// An open TCP port.
pub(crate) struct TcpListener {
    listener: tokio::net::TcpListener,
    keys: RwLock<Keys>,
    timers: Timers,
}

/// A connection attempt.
pub(crate) struct TcpAttempt {
    stream: TcpStream,
    address: SocketAddr,
    keys: Keys,
    timers: Timers,
}

/// What an attempt became.
pub enum Accepted {
    /// A peer whose certificate TLS has verified.
    Peer(Box<Wire>),
    /// A newcomer with a question for the enrolment office.
    Newcomer(OfficeStream),
}

/// A newcomer's connection: one question, one answer.
pub struct OfficeStream(Box<TlsStream<TcpStream>>);

impl TcpListener {
    pub(crate) fn open(
        address: SocketAddr,
        tls: Arc<rustls::ServerConfig>,
        office: Option<Arc<rustls::ServerConfig>>,
        timers: Timers,
    ) -> Result<Self, ListenError> {
        let refused = |fault| ListenError::of("TCP", address, fault);
        let socket = match address.is_ipv6() {
            true => tokio::net::TcpSocket::new_v6(),
            false => tokio::net::TcpSocket::new_v4(),
        };
        let socket = socket.map_err(refused)?;
        // A restart must not wait for the last connections' remains.
        socket.set_reuseaddr(true).map_err(refused)?;
        socket.bind(address).map_err(refused)?;
        let listener = socket.listen(1_024).map_err(refused)?;
        Ok(Self { listener, keys: RwLock::new(Keys { peers: tls, office }), timers })
    }

    /// Uses other keys and trust from the next handshake on.
    pub(crate) fn set_tls(&self, tls: Arc<rustls::ServerConfig>, office: Option<Arc<rustls::ServerConfig>>) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Keys { peers: tls, office };
    }

    /// The next connection attempt.
    pub(crate) async fn next(&self) -> TcpAttempt {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
                    return TcpAttempt { stream, address, keys, timers: self.timers };
                }
                // One that went away again, or no descriptor left: the next may do better, after others had their turn.
                Err(fault) => {
                    tracing::warn!(%fault, "a TCP connection could not be taken");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
        }
    }
}

impl TcpAttempt {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The handshake; what the peer speaks decides which.
    pub(crate) async fn accept(self) -> Result<Accepted, PeerFault> {
        let failed = |fault: std::io::Error| PeerFault::Handshake(explain_io(&fault));
        tune(&self.stream, &self.timers);
        let hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), self.stream).await.map_err(failed)?;
        let enrols = |office: &Arc<rustls::ServerConfig>| {
            let asked = hello.client_hello().alpn().map(Iterator::collect::<Vec<_>>).unwrap_or_default();
            office.alpn_protocols.iter().any(|protocol| asked.contains(&protocol.as_slice()))
        };
        if let Some(office) = self.keys.office.filter(enrols) {
            return hello
                .into_stream(office)
                .await
                .map(|stream| Accepted::Newcomer(OfficeStream(Box::new(stream))))
                .map_err(failed);
        }
        let stream = hello.into_stream(self.keys.peers).await.map_err(failed)?;
        super::speaks(stream.get_ref().1.alpn_protocol(), APPLICATION_PROTOCOL).map_err(PeerFault::Handshake)?;
        let wire = wire(stream.into(), self.address);
        wire.map(|wire| Accepted::Peer(Box::new(wire)))
            .ok_or_else(|| PeerFault::Handshake("it showed no certificate".into()))
    }
}

impl OfficeStream {
    /// The question, at most `limit` bytes.
    ///
    /// # Errors
    /// [`PeerFault::Handshake`] with what happened.
    pub async fn question(&mut self, limit: usize) -> Result<Vec<u8>, PeerFault> {
        let failed = |fault: std::io::Error| PeerFault::Handshake(explain_io(&fault));
        let length = self.0.read_u32_le().await.map_err(failed)? as usize;
        if length > limit {
            return Err(PeerFault::Handshake(format!("a question of {length} bytes, and {limit} are allowed")));
        }
        let mut question = Vec::new();
        (&mut self.0).take(length as u64).read_to_end(&mut question).await.map_err(failed)?;
        if question.len() < length {
            return Err(PeerFault::Handshake("the question was cut short".into()));
        }
        Ok(question)
    }

    /// Answers and closes.
    ///
    /// # Errors
    /// [`PeerFault::Handshake`] with what happened.
    pub async fn answer(mut self, answer: &[u8]) -> Result<(), PeerFault> {
        let failed = |fault: std::io::Error| PeerFault::Handshake(explain_io(&fault));
        self.0.write_u32_le(u32::try_from(answer.len()).unwrap_or(0)).await.map_err(failed)?;
        self.0.write_all(answer).await.map_err(failed)?;
        self.0.shutdown().await.map_err(failed)
    }
}
