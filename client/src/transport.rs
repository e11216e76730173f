//! QUIC to the coordinator: one connection, one bidirectional stream, kept open. The only place of this crate that names quinn.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use quinn::crypto::rustls::QuicClientConfig;
use tributary_certs::fault::explain_alert;
use tributary_certs::identity::{Identity, IdentityError, identity_of};
use tributary_protocol::codec::{self, CodecError};
use tributary_protocol::frame::{Frame, FrameError, FrameReader, encode_frame, frame_header};
use tributary_protocol::limits::{CONTROL_MESSAGE_BYTES_MAX, VECTOR_BYTES_MAX};
use tributary_protocol::message::{
    Downstream, FRAME_CONTROL, FRAME_VECTOR, MaskedHeader, Start, Upstream, frame_bytes_max,
};

/// Bytes asked of the stream at once.
const READ_BYTES: usize = 256 << 10;

/// UDP payload to a coordinator on this very machine, where nothing is lost and every packet costs a system call; the coordinator's
/// transport has the same figures and the reason why other paths keep QUIC's own.
const LOOPBACK_PAYLOAD_BYTES: u16 = if cfg!(target_os = "linux") { 65_488 } else { 16_000 };

/// Bytes under way on the loopback before the first acknowledgement: fewer than the coordinator's, because a whole cohort sends at once into
/// its one socket.
const LOOPBACK_WINDOW_BYTES: u64 = 256 << 10;

/// A model arrives in one burst, which overflows the system's default.
const SOCKET_BUFFER_BYTES: usize = 4 << 20;

/// Packets that the coordinator may receive before it acknowledges at once; its transport has the same figure and the reason.
const ACKED_AFTER: u32 = 10;

/// Why the connection failed or ended.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No local socket.
    #[error("no UDP socket could be opened: {0}; check the machine's network configuration")]
    Socket(#[source] std::io::Error),
    /// The coordinator's name has no address.
    #[error("the coordinator's address cannot be looked up: {0}; check coordinator.address in the settings")]
    Address(#[source] std::io::Error),
    /// The address or the TLS configuration is unusable.
    #[error("the connection could not be prepared: {0}")]
    Prepare(String),
    /// The handshake failed, or the coordinator refused the certificate.
    #[error("{0}")]
    Handshake(String),
    /// The coordinator's certificate names somebody else.
    #[error(
        "the coordinator's certificate is not a coordinator's: {0}; check the address, somebody else may answer there"
    )]
    Identity(#[from] IdentityError),
    /// The connection ended.
    #[error("the connection to the coordinator ended: {0}")]
    Lost(String),
    /// The coordinator sent something unreadable.
    #[error("the coordinator's bytes are not this protocol: {0}; compare the releases of both sides")]
    Frame(#[from] FrameError),
    /// The coordinator sent an unreadable message.
    #[error("the coordinator's message cannot be read: {0}; compare the releases of both sides")]
    Codec(#[from] CodecError),
}

/// The sending half.
pub struct Sender {
    stream: quinn::SendStream,
}

/// The receiving half.
pub struct Receiver {
    stream: quinn::RecvStream,
    frames: FrameReader<fn(u8) -> Option<usize>>,
    chunk: Bytes,
    start: Option<Start>,
}

/// What arrived.
pub enum Incoming {
    /// A control message other than a start.
    Message(Downstream),
    /// A start and the model's bytes.
    Started(Start, Vec<u8>),
}

/// Makes connections, all of them from one socket: QUIC's buffers for a socket are made once, however often a client comes back.
pub struct Connector {
    tls: Arc<rustls::ClientConfig>,
    endpoint: Option<(Route, quinn::Endpoint)>,
}

/// What a socket depends on.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Route {
    ipv6: bool,
    loopback: bool,
}

/// An open connection.
pub struct Connection {
    endpoint: quinn::Endpoint,
    connection: quinn::Connection,
    /// Who the certificate says the coordinator is.
    pub coordinator: Identity,
}

impl Connector {
    /// With these keys and this trust.
    #[must_use]
    pub fn new(tls: Arc<rustls::ClientConfig>) -> Self {
        Self { tls, endpoint: None }
    }

    /// Connects and opens the stream. The coordinator's judgement of our certificate arrives later, as its first message or as the end of
    /// the connection.
    ///
    /// # Errors
    /// [`TransportError`] with what to do about it.
    pub async fn connect(
        &mut self,
        address: SocketAddr,
        server_name: &str,
    ) -> Result<(Connection, Sender, Receiver), TransportError> {
        let crypto = QuicClientConfig::try_from(Arc::clone(&self.tls));
        let crypto = crypto.map_err(|fault| TransportError::Prepare(fault.to_string()))?;
        let route = Route { ipv6: address.is_ipv6(), loopback: address.ip().is_loopback() };
        let mut config = quinn::ClientConfig::new(Arc::new(crypto));
        config.transport_config(Arc::new(transport_config(route.loopback)));
        let endpoint = self.endpoint(route)?;
        let connecting = endpoint
            .connect_with(config, address, server_name)
            .map_err(|fault| TransportError::Prepare(fault.to_string()))?;
        let connection = connecting.await.map_err(|fault| TransportError::Handshake(explain(&fault)))?;
        let coordinator = peer_identity(&connection)?;
        let (send, recv) = connection.open_bi().await.map_err(|fault| TransportError::Lost(explain(&fault)))?;
        let receiver =
            Receiver { stream: recv, frames: FrameReader::new(limit_of_kind), chunk: Bytes::new(), start: None };
        Ok((Connection { endpoint, connection, coordinator }, Sender { stream: send }, receiver))
    }

    fn endpoint(&mut self, route: Route) -> Result<quinn::Endpoint, TransportError> {
        if let Some((open, endpoint)) = &self.endpoint
            && *open == route
        {
            return Ok(endpoint.clone());
        }
        let endpoint = open_endpoint(route)?;
        self.endpoint = Some((route, endpoint.clone()));
        Ok(endpoint)
    }
}

impl Connection {
    /// UDP bytes sent and received so far.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        let stats = self.connection.stats();
        (stats.udp_tx.bytes, stats.udp_rx.bytes)
    }

    /// Closes after everything sent was acknowledged or the peer has gone.
    pub async fn close(self, mut sender: Sender) {
        if sender.stream.finish().is_ok() {
            let _ = tokio::time::timeout(Duration::from_secs(2), sender.stream.stopped()).await;
        }
        self.connection.close(0_u32.into(), b"done");
        let _ = tokio::time::timeout(Duration::from_secs(2), self.endpoint.wait_idle()).await;
    }
}

impl Sender {
    /// Sends a control message.
    ///
    /// # Errors
    /// [`TransportError::Lost`].
    pub async fn send(&mut self, message: &Upstream) -> Result<(), TransportError> {
        self.write(&mut [encode_frame(FRAME_CONTROL, &codec::encode(message)).into()]).await
    }

    /// Sends a masked vector, uncopied, behind the header that announces it.
    ///
    /// # Errors
    /// [`TransportError::Lost`].
    pub async fn send_masked(&mut self, header: MaskedHeader, vector: Vec<u8>) -> Result<(), TransportError> {
        let mut front = encode_frame(FRAME_CONTROL, &codec::encode(&Upstream::Masked(header)));
        front.extend_from_slice(&frame_header(FRAME_VECTOR, vector.len()));
        self.write(&mut [front.into(), vector.into()]).await
    }

    /// In one go, so that what belongs together leaves together.
    async fn write(&mut self, chunks: &mut [Bytes]) -> Result<(), TransportError> {
        self.stream.write_all_chunks(chunks).await.map_err(|fault| TransportError::Lost(fault.to_string()))
    }
}

impl Receiver {
    /// The next message. Safe to drop while it waits: nothing that arrived is lost.
    ///
    /// # Errors
    /// The end of the connection, or bytes that are not this protocol.
    pub async fn next(&mut self) -> Result<Incoming, TransportError> {
        loop {
            while !self.chunk.is_empty() {
                let mut rest: &[u8] = &self.chunk;
                let frame = self.frames.push(&mut rest)?;
                let left = rest.len();
                self.chunk.advance(self.chunk.len() - left);
                if let Some(incoming) = frame.map(|frame| self.interpret(frame)).transpose()?.flatten() {
                    return Ok(incoming);
                }
            }
            let chunk = self.stream.read_chunk(READ_BYTES, true).await;
            match chunk.map_err(|fault| TransportError::Lost(explain_read(&fault)))? {
                Some(chunk) => self.chunk = chunk.bytes,
                None => return Err(TransportError::Lost("the coordinator closed the stream".into())),
            }
        }
    }

    fn interpret(&mut self, frame: Frame) -> Result<Option<Incoming>, TransportError> {
        if frame.kind == FRAME_VECTOR {
            // A vector without a start before it is nobody's: the machine learns of it as a start it did not expect.
            return Ok(self.start.take().map(|start| Incoming::Started(start, frame.payload)));
        }
        match codec::decode(&frame.payload, CONTROL_MESSAGE_BYTES_MAX)? {
            Downstream::Start(start) => {
                self.start = Some(start);
                Ok(None)
            }
            message => Ok(Some(Incoming::Message(message))),
        }
    }
}

fn limit_of_kind(kind: u8) -> Option<usize> {
    frame_bytes_max(kind, VECTOR_BYTES_MAX)
}

fn open_endpoint(route: Route) -> Result<quinn::Endpoint, TransportError> {
    let local: SocketAddr = if route.ipv6 { ([0_u16; 8], 0).into() } else { ([0, 0, 0, 0], 0).into() };
    let socket = socket2::Socket::new(socket2::Domain::for_address(local), socket2::Type::DGRAM, None);
    let socket = socket.map_err(TransportError::Socket)?;
    // The system may grant less, which costs speed and nothing else.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES);
    socket.bind(&local.into()).map_err(TransportError::Socket)?;
    let mut config = quinn::EndpointConfig::default();
    if route.loopback {
        config
            .max_udp_payload_size(LOOPBACK_PAYLOAD_BYTES)
            .map_err(|fault| TransportError::Prepare(fault.to_string()))?;
    }
    let runtime = Arc::new(quinn::TokioRuntime);
    quinn::Endpoint::new(config, None, socket.into(), runtime).map_err(TransportError::Socket)
}

fn transport_config(loopback: bool) -> quinn::TransportConfig {
    let mut acknowledgements = quinn::AckFrequencyConfig::default();
    acknowledgements.ack_eliciting_threshold(ACKED_AFTER.into());
    let mut config = quinn::TransportConfig::default();
    config
        .max_concurrent_bidi_streams(0_u32.into())
        .max_concurrent_uni_streams(0_u32.into())
        .stream_receive_window((8_u32 << 20).into())
        .receive_window((8_u32 << 20).into())
        .datagram_receive_buffer_size(None)
        .ack_frequency_config(Some(acknowledgements))
        .keep_alive_interval(Some(Duration::from_secs(5)))
        .max_idle_timeout(Some(quinn::IdleTimeout::from(quinn::VarInt::from_u32(20_000))));
    if loopback {
        let mut discovery = quinn::MtuDiscoveryConfig::default();
        discovery.upper_bound(LOOPBACK_PAYLOAD_BYTES);
        let mut congestion = quinn::congestion::CubicConfig::default();
        congestion.initial_window(LOOPBACK_WINDOW_BYTES);
        config
            .initial_mtu(LOOPBACK_PAYLOAD_BYTES)
            .mtu_discovery_config(Some(discovery))
            .congestion_controller_factory(Arc::new(congestion))
            .enable_segmentation_offload(false);
    }
    config
}

fn peer_identity(connection: &quinn::Connection) -> Result<Identity, TransportError> {
    let chain = connection
        .peer_identity()
        .and_then(|any| any.downcast::<Vec<rustls::pki_types::CertificateDer<'static>>>().ok());
    let leaf = chain.and_then(|chain| chain.first().cloned());
    let leaf = leaf.ok_or_else(|| TransportError::Handshake("the coordinator showed no certificate".into()))?;
    Ok(identity_of(&leaf)?)
}

fn explain_read(fault: &quinn::ReadError) -> String {
    match fault {
        quinn::ReadError::ConnectionLost(lost) => explain(lost),
        other => other.to_string(),
    }
}

/// What a lost connection means to the branch operator.
fn explain(fault: &quinn::ConnectionError) -> String {
    match fault {
        quinn::ConnectionError::ConnectionClosed(close) => {
            tls_fault(close.error_code.into(), true, &String::from_utf8_lossy(&close.reason))
        }
        quinn::ConnectionError::ApplicationClosed(close) => {
            format!("the coordinator closed the connection: {}", String::from_utf8_lossy(&close.reason))
        }
        quinn::ConnectionError::TimedOut => {
            "nobody answers at the coordinator's address; check address, port and that UDP passes the firewall".into()
        }
        quinn::ConnectionError::TransportError(inner) => tls_fault(inner.code.into(), false, &inner.reason),
        other => other.to_string(),
    }
}

/// A TLS alert travels as QUIC error 0x100 + alert (RFC 9001, section 4.8).
fn tls_fault(code: u64, found_by_peer: bool, text: &str) -> String {
    match code.checked_sub(0x100).and_then(|alert| u8::try_from(alert).ok()) {
        Some(alert) => explain_alert(alert, found_by_peer, text).to_string(),
        None => format!("QUIC error {code:#x}: {text}"),
    }
}
