//! The coordinator's end: one TCP port, on which branches connect and, where there is an enrolment office, newcomers ask.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tributary_certs::tls::APPLICATION_PROTOCOL;

use super::stream::Stream;
use super::{tune, wire};
use crate::counter::OfficeStream;
use crate::failure::explain_io;
use crate::fault::{ListenError, PeerFault};
use crate::timers::Timers;
use crate::wire::Accepted;

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

    /// The handshake; what the peer speaks decides which. `moved` is told whenever the peer has gone a step further.
    pub(crate) async fn accept(self, moved: impl Fn()) -> Result<Accepted, PeerFault> {
        let failed = |fault: std::io::Error| PeerFault::Handshake(explain_io(&fault).to_string());
        tune(&self.stream, &self.timers);
        // Not merely ready to be read: that may be said of a stream on which nothing is.
        if self.stream.peek(&mut [0]).await.map_err(failed)? > 0 {
            moved();
        }
        let mut hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), Stream::new(self.stream));
        let hello = match (&mut hello).await {
            Ok(hello) => hello,
            Err(fault) => {
                let said = hello.take_io().map_or_else(|| explain_io(&fault), |stream| stream.explain(&fault));
                return Err(PeerFault::Handshake(said.to_string()));
            }
        };
        let enrols = |office: &Arc<rustls::ServerConfig>| {
            let asked = hello.client_hello().alpn().map(Iterator::collect::<Vec<_>>).unwrap_or_default();
            office.alpn_protocols.iter().any(|protocol| asked.contains(&protocol.as_slice()))
        };
        if let Some(office) = self.keys.office.filter(enrols) {
            let stream = hello.into_stream(office).await.map_err(failed)?;
            moved();
            return Ok(Accepted::Newcomer(OfficeStream::new(stream, || {})));
        }
        let stream = hello.into_stream(self.keys.peers).await.map_err(failed)?;
        moved();
        super::speaks(stream.get_ref().1.alpn_protocol(), APPLICATION_PROTOCOL)
            .map_err(|failure| PeerFault::Handshake(failure.to_string()))?;
        let wire = wire(stream.into(), self.address);
        wire.map(|wire| Accepted::Peer(Box::new(wire)))
            .ok_or_else(|| PeerFault::Handshake("it showed no certificate".into()))
    }
}
