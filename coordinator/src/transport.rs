//! QUIC to the clients: one UDP socket, mutual TLS, one bidirectional stream for each connection. The only place of this crate that names
//! quinn.
//!
//! Memory of a peer, whatever it sends: `RECEIVE_WINDOW` buffered by QUIC, one frame on its way (the plan's upload or one control
//! message), and `SEND_WINDOW` not yet acknowledged (shared between connections for what goes to a whole cohort).

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use quinn::crypto::rustls::QuicServerConfig;
use tributary_protocol::frame::{Frame, FrameError, FrameHead, FrameReader};
use tributary_protocol::message::{FRAME_VECTOR, frame_bytes_max};

/// Bytes of a stream that may arrive before they are read (SECURITY notes, threat 19): 5 MB a second over a path of 100 ms.
const RECEIVE_WINDOW: u32 = 512 << 10;

/// On this machine's own loopback nothing is under way for long.
const LOOPBACK_RECEIVE_WINDOW: u32 = 256 << 10;

/// Bytes that may wait for acknowledgement.
const SEND_WINDOW: u64 = 8 << 20;

/// Bytes asked of a stream at once.
const READ_BYTES: usize = 256 << 10;

/// Socket buffers: a cohort's simultaneous uploads otherwise overflow the system's default.
const SOCKET_BUFFER_BYTES: usize = 4 << 20;

/// UDP payload on this machine's own loopback, where nothing is lost and every packet costs a system call: the interface's 64 KiB (16 KiB
/// elsewhere than on Linux) without headers.
const LOOPBACK_PAYLOAD_BYTES: u16 = if cfg!(target_os = "linux") { 65_488 } else { 16_000 };

/// Bytes under way on the loopback before the first acknowledgement.
const LOOPBACK_WINDOW_BYTES: u64 = 4 << 20;

/// Packets that a client may receive before it acknowledges at once (QUIC's acknowledgement frequency extension); until then it waits for
/// something to send, at most 25 ms. An acknowledgement by itself costs either side a packet and a wake-up.
const ACKED_AFTER: u32 = 10;

/// Connection attempts that wait to be looked at.
const INCOMING_MAX: usize = 1_024;

/// From connection attempt to finished handshake, and from there to the first bytes of the stream.
pub(crate) const HANDSHAKE_TIME: Duration = Duration::from_secs(5);

/// How long what was sent last may take to be acknowledged when a connection closes.
pub(crate) const CLOSING_TIME: Duration = Duration::from_secs(2);

/// A sign of life this often, so that firewalls keep the path open.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Without any packet for this long the peer is gone, in milliseconds.
pub(crate) const IDLE_MS: u32 = 20_000;

/// Why no client can be served. The operator's configuration or machine is to blame.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address names no machine.
    #[error("the address {listen} of coordinator.listen cannot be resolved: {fault}; give an IP address and a port")]
    Address {
        /// The setting.
        listen: String,
        /// What the system said.
        fault: String,
    },
    /// Somebody has the port.
    #[error(
        "UDP port {port} on {address} is in use by another program, so no client can reach this coordinator; stop that program \
         (perhaps another coordinator) or choose another port in coordinator.listen",
        port = .0.port(),
        address = .0.ip()
    )]
    PortInUse(SocketAddr),
    /// The system refused the socket.
    #[error(
        "UDP {address} cannot be opened: {fault}; check that the address is this machine's and that the port may be used"
    )]
    Socket {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        fault: std::io::Error,
    },
    /// The TLS configuration does not fit QUIC.
    #[error("the TLS configuration cannot be used for QUIC: {0}; this is a fault of this program, report it")]
    Tls(String),
}

/// Why a connection ended. The peer or the network is to blame.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    /// The handshake failed.
    #[error("the handshake failed: {0}")]
    Handshake(String),
    /// The connection broke.
    #[error("the connection ended: {0}")]
    Lost(String),
    /// Unreadable frames.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Readable bytes that the protocol does not allow.
    #[error("{0}; compare the releases of both sides")]
    Protocol(String),
    /// An upload could not be kept; this machine's disk is to blame.
    #[error("an upload could not be kept: {0}; check that the state directory's disk has room")]
    Spool(std::io::Error),
    /// It took too long.
    #[error("nothing arrived for {} seconds", HANDSHAKE_TIME.as_secs())]
    Slow,
}

/// An open port.
pub(crate) struct Listener {
    endpoint: quinn::Endpoint,
    address: SocketAddr,
    /// For peers on this machine.
    loopback: Arc<quinn::ServerConfig>,
}

/// A connection attempt.
pub(crate) struct Attempt {
    incoming: quinn::Incoming,
    loopback: Arc<quinn::ServerConfig>,
}

/// A connection whose handshake succeeded: TLS verified its certificate. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Peer(quinn::Connection);

/// The sending half of a peer's stream.
pub(crate) struct Sender(quinn::SendStream);

type Frames = FrameReader<Box<dyn Fn(u8) -> Option<usize> + Send + Sync>>;

/// The receiving half of a peer's stream.
pub(crate) struct Receiver {
    stream: quinn::RecvStream,
    frames: Frames,
    chunk: Bytes,
}

impl Listener {
    /// Opens the port.
    ///
    /// # Errors
    /// [`ListenError`].
    pub(crate) fn open(listen: &str, tls: Arc<rustls::ServerConfig>) -> Result<Self, ListenError> {
        let crypto = QuicServerConfig::try_from(tls).map_err(|fault| ListenError::Tls(fault.to_string()))?;
        let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
        config
            .transport_config(Arc::new(transport_config()))
            .max_incoming(INCOMING_MAX)
            .incoming_buffer_size(64 << 10)
            .incoming_buffer_size_total(16 << 20);
        let mut loopback = config.clone();
        loopback.transport_config(Arc::new(loopback_config()));
        let unresolved = |fault: String| ListenError::Address { listen: listen.to_owned(), fault };
        let address = listen.to_socket_addrs().map_err(|fault| unresolved(fault.to_string()))?.next();
        let address = address.ok_or_else(|| unresolved("it names no address".into()))?;
        let refused = |fault: std::io::Error| match fault.kind() {
            std::io::ErrorKind::AddrInUse => ListenError::PortInUse(address),
            _ => ListenError::Socket { address, fault },
        };
        let socket = open_socket(address).map_err(refused)?;
        let mut endpoint = quinn::EndpointConfig::default();
        endpoint.max_udp_payload_size(LOOPBACK_PAYLOAD_BYTES).expect("from 1,200 to 65,527 is allowed");
        let endpoint = quinn::Endpoint::new(endpoint, Some(config), socket, Arc::new(quinn::TokioRuntime));
        let endpoint = endpoint.map_err(refused)?;
        let address = endpoint.local_addr().map_err(refused)?;
        Ok(Self { endpoint, address, loopback: Arc::new(loopback) })
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection attempt; `None` once the port is closed.
    pub(crate) async fn next(&self) -> Option<Attempt> {
        let incoming = self.endpoint.accept().await?;
        Some(Attempt { incoming, loopback: Arc::clone(&self.loopback) })
    }

    /// Takes no new connection, and waits until the open ones have closed, at most `patience`; then closes whatever is left.
    pub(crate) async fn drain(&self, patience: Duration) {
        self.endpoint.set_server_config(None);
        let _ = tokio::time::timeout(patience, self.endpoint.wait_idle()).await;
        self.endpoint.close(0_u32.into(), b"the coordinator stopped");
        let _ = tokio::time::timeout(CLOSING_TIME, self.endpoint.wait_idle()).await;
    }
}

impl Attempt {
    /// Where it comes from, unproved.
    pub(crate) fn address(&self) -> SocketAddr {
        self.incoming.remote_address()
    }

    /// Asks for proof that the sender can receive at its address. `None` if it was asked, or refused; the attempt itself if it has proved it.
    pub(crate) fn prove_address(self) -> Option<Self> {
        if self.incoming.remote_address_validated() {
            return Some(self);
        }
        // A sender that may not be asked again is refused by the drop inside the error.
        let _ = self.incoming.retry();
        None
    }

    /// Says no.
    pub(crate) fn refuse(self) {
        self.incoming.refuse();
    }

    /// Goes through the handshake.
    pub(crate) async fn accept(self) -> Result<Peer, PeerError> {
        let connecting = match self.address().ip().is_loopback() {
            true => self.incoming.accept_with(self.loopback),
            false => self.incoming.accept(),
        };
        let connecting = connecting.map_err(|fault| PeerError::Handshake(explain(&fault)))?;
        let connection = tokio::time::timeout(HANDSHAKE_TIME, connecting).await.map_err(|_| PeerError::Slow)?;
        connection.map(Peer).map_err(|fault| PeerError::Handshake(explain(&fault)))
    }
}

impl Peer {
    /// Its certificate (DER), as TLS verified it.
    pub(crate) fn certificate(&self) -> Option<Vec<u8>> {
        let chain = self.0.peer_identity()?.downcast::<Vec<rustls::pki_types::CertificateDer<'static>>>().ok()?;
        chain.first().map(|leaf| leaf.to_vec())
    }

    /// Its stream, which it opens; `vector_bytes_max` is the longest vector that it may send.
    pub(crate) async fn stream(&self, vector_bytes_max: usize) -> Result<(Sender, Receiver), PeerError> {
        let stream = tokio::time::timeout(HANDSHAKE_TIME, self.0.accept_bi()).await.map_err(|_| PeerError::Slow)?;
        let (send, stream) = stream.map_err(|fault| PeerError::Lost(explain(&fault)))?;
        let frames = FrameReader::new(Box::new(move |kind| frame_bytes_max(kind, vector_bytes_max)) as Box<_>);
        Ok((Sender(send), Receiver { stream, frames, chunk: Bytes::new() }))
    }

    /// UDP bytes received and sent so far.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let stats = self.0.stats();
        (stats.udp_rx.bytes, stats.udp_tx.bytes)
    }

    /// Ends the connection at once; the peer's screen shows the reason.
    pub(crate) fn close(&self, reason: &str) {
        self.0.close(0_u32.into(), reason.as_bytes());
    }
}

impl Sender {
    /// Sends pieces without copying them; waits where the peer does not read.
    pub(crate) async fn send(&mut self, pieces: &mut [Bytes]) -> Result<(), PeerError> {
        self.0.write_all_chunks(pieces).await.map_err(|fault| PeerError::Lost(fault.to_string()))
    }

    /// Ends the stream and waits, for a bounded time, until everything was acknowledged.
    pub(crate) async fn finish(mut self) {
        if self.0.finish().is_ok() {
            let _ = tokio::time::timeout(CLOSING_TIME, self.0.stopped()).await;
        }
    }
}

impl Receiver {
    /// The next frame; `None` at the stream's orderly end.
    pub(crate) async fn next(&mut self) -> Result<Option<Frame>, PeerError> {
        loop {
            let frame = self.consume(|frames, rest| frames.push(rest))?;
            if frame.is_some() {
                return Ok(frame);
            }
            if !self.more().await? {
                return Ok(None);
            }
        }
    }

    /// The header of the vector that must come next; the length of its payload, in bytes, which [`Receiver::piece`] gives.
    pub(crate) async fn vector_head(&mut self) -> Result<usize, PeerError> {
        loop {
            let head = self.consume(|frames, rest| frames.header(rest))?;
            match head {
                Some(FrameHead { kind: FRAME_VECTOR, bytes }) => return Ok(bytes),
                Some(_) => return Err(PeerError::Protocol("a message came where a vector was announced".into())),
                None if self.more().await? => {}
                None => return Err(PeerError::Lost("the stream ended before the announced vector".into())),
            }
        }
    }

    /// The next bytes of the vector, as they arrived; `None` behind its end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, PeerError> {
        loop {
            let before = self.chunk.clone();
            let length = self.consume(|frames, rest| Ok(frames.piece(rest).map(<[u8]>::len)))?;
            match length {
                None => return Ok(None),
                Some(0) if self.more().await? => {}
                Some(0) => return Err(PeerError::Lost("the stream ended within a vector".into())),
                Some(length) => return Ok(Some(before.slice(..length))),
            }
        }
    }

    /// Lets the frame reader consume from what has arrived.
    fn consume<T>(
        &mut self,
        read: impl FnOnce(&mut Frames, &mut &[u8]) -> Result<T, FrameError>,
    ) -> Result<T, PeerError> {
        let mut rest: &[u8] = &self.chunk;
        let result = read(&mut self.frames, &mut rest)?;
        let left = rest.len();
        self.chunk.advance(self.chunk.len() - left);
        Ok(result)
    }

    /// Waits for more bytes; false at the stream's orderly end.
    async fn more(&mut self) -> Result<bool, PeerError> {
        let chunk = self.stream.read_chunk(READ_BYTES, true).await;
        match chunk.map_err(|fault| PeerError::Lost(explain_read(&fault)))? {
            Some(chunk) => self.chunk = chunk.bytes,
            None => return self.frames.finish().map(|()| false).map_err(PeerError::from),
        }
        Ok(true)
    }
}

fn open_socket(address: SocketAddr) -> std::io::Result<std::net::UdpSocket> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, Some(socket2::Protocol::UDP))?;
    // The system may grant less, which costs speed and nothing else.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER_BYTES);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn transport_config() -> quinn::TransportConfig {
    let mut config = quinn::TransportConfig::default();
    config
        .max_concurrent_bidi_streams(1_u32.into())
        .max_concurrent_uni_streams(0_u32.into())
        .stream_receive_window(RECEIVE_WINDOW.into())
        .receive_window(RECEIVE_WINDOW.into())
        .send_window(SEND_WINDOW)
        .datagram_receive_buffer_size(None)
        .ack_frequency_config(Some(acknowledgements()))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_idle_timeout(Some(quinn::IdleTimeout::from(quinn::VarInt::from_u32(IDLE_MS))));
    config
}

fn acknowledgements() -> quinn::AckFrequencyConfig {
    let mut config = quinn::AckFrequencyConfig::default();
    config.ack_eliciting_threshold(ACKED_AFTER.into());
    config
}

/// Why not path discovery up to this size for everybody: a probe of 30 KB is larger than the first congestion window of a real path, so that
/// everything, a close included, waits until the probe is acknowledged or given up. And why no segmentation offload: the system takes at most
/// 64 KiB at once, and silently drops a batch of such packets.
fn loopback_config() -> quinn::TransportConfig {
    let mut discovery = quinn::MtuDiscoveryConfig::default();
    discovery.upper_bound(LOOPBACK_PAYLOAD_BYTES);
    let mut congestion = quinn::congestion::CubicConfig::default();
    congestion.initial_window(LOOPBACK_WINDOW_BYTES);
    let mut config = transport_config();
    config
        .stream_receive_window(LOOPBACK_RECEIVE_WINDOW.into())
        .receive_window(LOOPBACK_RECEIVE_WINDOW.into())
        .initial_mtu(LOOPBACK_PAYLOAD_BYTES)
        .mtu_discovery_config(Some(discovery))
        .congestion_controller_factory(Arc::new(congestion))
        .enable_segmentation_offload(false);
    config
}

fn explain_read(fault: &quinn::ReadError) -> String {
    match fault {
        quinn::ReadError::ConnectionLost(lost) => explain(lost),
        other => other.to_string(),
    }
}

/// What a lost connection means to the coordinator's operator.
fn explain(fault: &quinn::ConnectionError) -> String {
    match fault {
        quinn::ConnectionError::TimedOut => format!("no packet for {} seconds", IDLE_MS / 1000),
        quinn::ConnectionError::ApplicationClosed(close) => {
            format!("the client closed it: {}", String::from_utf8_lossy(&close.reason))
        }
        other => other.to_string(),
    }
}
