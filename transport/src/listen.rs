//! The coordinator's port: UDP and TCP of one number.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use crate::fault::{ListenError, PeerFault};
use crate::limits::HANDSHAKE_TIME;
use crate::path::Path;
use crate::quic::{QuicAttempt, QuicListener};
use crate::tcp::{TcpAttempt, TcpListener};
use crate::timers::Timers;
use crate::wire::{Accepted, Transport};

/// Ports that are tried where the system is to choose one that is free for both transports.
const ATTEMPTS: usize = 16;

/// Where and how to listen.
#[derive(Clone, Debug)]
pub struct ListenSettings {
    /// HOST:PORT; port 0 lets the system choose.
    pub listen: String,
    /// Whether TCP is served beside QUIC.
    pub tcp: bool,
    /// Switches of the path.
    pub path: Path,
    /// Timers.
    pub timers: Timers,
}

/// Keys and trust in force.
#[derive(Clone)]
pub struct ServerKeys {
    /// For enrolled peers.
    pub peers: Arc<rustls::ServerConfig>,
    /// For newcomers over TCP; nothing where no enrolment office is kept.
    pub office: Option<Arc<rustls::ServerConfig>>,
    /// For both over QUIC; the peers' own where no office is kept.
    pub quic: Arc<rustls::ServerConfig>,
}

/// An open port.
pub struct Listener {
    quic: QuicListener,
    tcp: Option<TcpListener>,
}

/// A connection attempt.
pub struct Attempt(Kind);

enum Kind {
    Quic(Box<QuicAttempt>),
    Tcp(Box<TcpAttempt>),
}

impl Listener {
    /// Opens the port.
    ///
    /// # Errors
    /// [`ListenError`].
    pub fn open(settings: &ListenSettings, keys: ServerKeys) -> Result<Self, ListenError> {
        let ListenSettings { listen, tcp, path, timers } = settings;
        let unresolved = |fault: String| ListenError::Address { listen: listen.clone(), fault };
        let address = listen.to_socket_addrs().map_err(|fault| unresolved(fault.to_string()))?.next();
        let address = address.ok_or_else(|| unresolved("it names no address".into()))?;
        for attempt in 1.. {
            let quic = QuicListener::open(address, Arc::clone(&keys.quic), *path, *timers)?;
            if !tcp {
                return Ok(Self { quic, tcp: None });
            }
            match TcpListener::open(quic.address(), Arc::clone(&keys.peers), keys.office.clone(), *timers) {
                Ok(tcp) => return Ok(Self { quic, tcp: Some(tcp) }),
                Err(ListenError::PortInUse { .. }) if address.port() == 0 && attempt < ATTEMPTS => {}
                Err(fault) => return Err(fault),
            }
        }
        unreachable!("the last attempt returns")
    }

    /// Where clients connect, over either transport.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.quic.address()
    }

    /// Uses other keys and trust from the next handshake on. Open connections are not touched.
    ///
    /// # Errors
    /// [`ListenError::Tls`].
    pub fn set_keys(&self, keys: ServerKeys) -> Result<(), ListenError> {
        self.quic.set_tls(keys.quic)?;
        if let Some(tcp) = &self.tcp {
            tcp.set_tls(keys.peers, keys.office);
        }
        Ok(())
    }

    /// The next connection attempt; `None` once the port is closed.
    pub async fn next(&self) -> Option<Attempt> {
        let Some(tcp) = &self.tcp else {
            return self.quic.next().await.map(|attempt| Attempt(Kind::Quic(Box::new(attempt))));
        };
        tokio::select! {
            attempt = self.quic.next() => attempt.map(|attempt| Attempt(Kind::Quic(Box::new(attempt)))),
            attempt = tcp.next() => Some(Attempt(Kind::Tcp(Box::new(attempt)))),
        }
    }

    /// Takes no new connection over QUIC, and waits until the open ones have closed, at most `patience`; then closes whatever is left.
    pub async fn drain(&self, patience: Duration) {
        self.quic.drain(patience).await;
    }
}

impl Attempt {
    /// Where it comes from; over QUIC unproved.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        match &self.0 {
            Kind::Quic(attempt) => attempt.address(),
            Kind::Tcp(attempt) => attempt.address(),
        }
    }

    /// Whether the sender has shown that it receives at that address, as whoever connects over TCP has.
    #[must_use]
    pub fn has_proved_address(&self) -> bool {
        match &self.0 {
            Kind::Quic(attempt) => attempt.has_proved_address(),
            Kind::Tcp(_) => true,
        }
    }

    /// Over what it comes.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match &self.0 {
            Kind::Quic(_) => Transport::Quic,
            Kind::Tcp(_) => Transport::Tcp,
        }
    }

    /// Asks for proof that the sender can receive at its address. `None` if it was asked, or refused; the attempt itself if it has proved it,
    /// as whoever connects over TCP has.
    #[must_use]
    pub fn prove_address(self) -> Option<Self> {
        match self.0 {
            Kind::Quic(attempt) => attempt.prove_address().map(|attempt| Self(Kind::Quic(Box::new(attempt)))),
            tcp @ Kind::Tcp(_) => Some(Self(tcp)),
        }
    }

    /// Says no.
    pub fn refuse(self) {
        if let Kind::Quic(attempt) = self.0 {
            attempt.refuse();
        }
    }

    /// Goes through the handshake, within [`HANDSHAKE_TIME`]. `moved` is told whenever the peer has gone a step further: of somebody who says
    /// nothing it is never told.
    ///
    /// # Errors
    /// [`PeerFault`].
    pub async fn accept(self, moved: impl Fn()) -> Result<Accepted, PeerFault> {
        let shaken = async {
            match self.0 {
                Kind::Quic(attempt) => attempt.accept(moved).await,
                Kind::Tcp(attempt) => attempt.accept(moved).await,
            }
        };
        tokio::time::timeout(HANDSHAKE_TIME, shaken).await.map_err(|_| PeerFault::Slow)?
    }
}
