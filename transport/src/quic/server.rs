//! The coordinator's end: one UDP socket.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quinn::crypto::rustls::{HandshakeData, QuicServerConfig};
use tributary_certs::counter::OFFICE_PROTOCOL;
use tributary_certs::fault::FaultKind;

use super::config::{LOOPBACK_PAYLOAD_BYTES, Side, transport};
use super::{CODE_NO_CERTIFICATE, CODE_OVER, QuicWire, certificate, explain, office_stream};
use crate::fault::{ListenError, PeerFault};
use crate::limits::{CLOSING_TIME, INCOMING_BYTES_MAX, INCOMING_MAX, UDP_BUFFER_BYTES};
use crate::path::Path;
use crate::timers::Timers;
use crate::wire::{Accepted, Carrier, Wire};

/// An open UDP port.
pub(crate) struct QuicListener {
    endpoint: quinn::Endpoint,
    address: SocketAddr,
    path: Path,
    timers: Timers,
    /// For peers on this machine.
    loopback: Mutex<Arc<quinn::ServerConfig>>,
}

/// A connection attempt.
pub(crate) struct QuicAttempt {
    incoming: quinn::Incoming,
    loopback: Arc<quinn::ServerConfig>,
}

impl QuicListener {
    pub(crate) fn open(
        address: SocketAddr,
        tls: Arc<rustls::ServerConfig>,
        path: Path,
        timers: Timers,
    ) -> Result<Self, ListenError> {
        let (config, loopback) = configs(tls, &path, &timers)?;
        let refused = |fault| ListenError::of("UDP", address, fault);
        let socket = open_socket(address).map_err(refused)?;
        let mut endpoint = quinn::EndpointConfig::default();
        endpoint.max_udp_payload_size(LOOPBACK_PAYLOAD_BYTES).expect("from 1,200 to 65,527 is allowed");
        let endpoint = quinn::Endpoint::new(endpoint, Some(config), socket, Arc::new(quinn::TokioRuntime));
        let endpoint = endpoint.map_err(refused)?;
        let address = endpoint.local_addr().map_err(refused)?;
        Ok(Self { endpoint, address, path, timers, loopback: Mutex::new(Arc::new(loopback)) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Uses other keys and trust from the next handshake on.
    pub(crate) fn set_tls(&self, tls: Arc<rustls::ServerConfig>) -> Result<(), ListenError> {
        let (config, loopback) = configs(tls, &self.path, &self.timers)?;
        self.endpoint.set_server_config(Some(config));
        *self.loopback.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(loopback);
        Ok(())
    }

    /// The next connection attempt; `None` once the port is closed.
    pub(crate) async fn next(&self) -> Option<QuicAttempt> {
        let incoming = self.endpoint.accept().await?;
        let loopback = Arc::clone(&self.loopback.lock().unwrap_or_else(PoisonError::into_inner));
        Some(QuicAttempt { incoming, loopback })
    }

    /// Takes no new connection, and waits until the open ones have closed, at most `patience`; then closes whatever is left.
    pub(crate) async fn drain(&self, patience: Duration) {
        self.endpoint.set_server_config(None);
        let _ = tokio::time::timeout(patience, self.endpoint.wait_idle()).await;
        self.endpoint.close(CODE_OVER.into(), b"the coordinator stopped");
        let _ = tokio::time::timeout(CLOSING_TIME, self.endpoint.wait_idle()).await;
    }
}

impl QuicAttempt {
    /// Where it comes from, unproved.
    pub(crate) fn address(&self) -> SocketAddr {
        self.incoming.remote_address()
    }

    pub(crate) fn has_proved_address(&self) -> bool {
        self.incoming.remote_address_validated()
    }

    /// Asks for proof that the sender can receive at its address. `None` if it was asked, or refused; the attempt itself if it has proved it.
    pub(crate) fn prove_address(self) -> Option<Self> {
        if self.has_proved_address() {
            return Some(self);
        }
        // A sender that may not be asked again is refused by the drop inside the error.
        let _ = self.incoming.retry();
        None
    }

    pub(crate) fn refuse(self) {
        self.incoming.refuse();
    }

    /// Handshake and the stream that the client opens; what the peer speaks decides what it is. `moved` is told whenever the peer has gone a
    /// step further.
    pub(crate) async fn accept(self, moved: impl Fn()) -> Result<Accepted, PeerFault> {
        let address = self.address();
        moved();
        let connecting = match address.ip().is_loopback() {
            true => self.incoming.accept_with(self.loopback),
            false => self.incoming.accept(),
        };
        let failed = |fault: &quinn::ConnectionError| PeerFault::Handshake(explain(fault).to_string());
        let connection = connecting.map_err(|fault| failed(&fault))?.await.map_err(|fault| failed(&fault))?;
        moved();
        if protocol(&connection).as_deref() == Some(OFFICE_PROTOCOL) {
            let streams = connection.accept_bi().await.map_err(|fault| failed(&fault))?;
            return Ok(Accepted::Newcomer(office_stream(connection, streams, None)));
        }
        // Where the office is kept, the handshake lets everybody pass who shows no certificate.
        let Some(leaf) = certificate(&connection) else {
            connection.close(CODE_NO_CERTIFICATE.into(), b"");
            return Err(PeerFault::Handshake(FaultKind::NoCertificate.fault(false, None).to_string()));
        };
        let streams = connection.accept_bi().await.map_err(|fault| failed(&fault))?;
        let wire = Wire::new(Carrier::Quic(QuicWire::new(connection, streams, None)), leaf, address);
        Ok(Accepted::Peer(Box::new(wire)))
    }
}

/// What the two sides agreed to speak.
fn protocol(connection: &quinn::Connection) -> Option<Vec<u8>> {
    connection.handshake_data()?.downcast::<HandshakeData>().ok()?.protocol
}

/// For everybody, and for peers on this machine.
fn configs(
    tls: Arc<rustls::ServerConfig>,
    path: &Path,
    timers: &Timers,
) -> Result<(quinn::ServerConfig, quinn::ServerConfig), ListenError> {
    let crypto = QuicServerConfig::try_from(tls).map_err(|fault| ListenError::Tls(fault.to_string()))?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    let (one, all) = INCOMING_BYTES_MAX;
    config
        .transport_config(transport(Side::Coordinator, false, path, timers))
        .max_incoming(INCOMING_MAX)
        .incoming_buffer_size(one)
        .incoming_buffer_size_total(all);
    let mut loopback = config.clone();
    loopback.transport_config(transport(Side::Coordinator, true, path, timers));
    Ok((config, loopback))
}

fn open_socket(address: SocketAddr) -> std::io::Result<std::net::UdpSocket> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, Some(socket2::Protocol::UDP))?;
    // The system may grant less, which costs speed and nothing else.
    let _ = socket.set_recv_buffer_size(UDP_BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(UDP_BUFFER_BYTES);
    socket.bind(&address.into())?;
    Ok(socket.into())
}
