//! TLS 1.3 over TCP, for networks that drop UDP: the same identities and the same stream.

mod client;
mod proxy;
mod server;
mod stream;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use rustls::pki_types::CertificateDer;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;
use tributary_certs::fault::FaultKind;

pub(crate) use self::client::{Way, counter, dial};
pub use self::proxy::Proxy;
pub(crate) use self::server::{TcpAttempt, TcpListener};
use self::stream::Stream;
use crate::failure::{Failure, explain_io};
use crate::limits::{READ_BYTES, TCP_BUFFER_BYTES};
use crate::timers::Timers;
use crate::wire::{Carrier, End, Wire};

/// Buffer of a connection on which little arrives.
const QUIET_READ_BYTES: usize = 2 << 10;

/// Slices given to one write.
const SLICES: usize = 16;

/// A connection, in halves.
pub(crate) struct TcpWire {
    outlet: Outlet,
    inlet: Inlet,
}

/// The sending half.
pub(crate) struct Outlet {
    half: WriteHalf<TlsStream<Stream>>,
    unflushed: bool,
    sent: u64,
}

/// The receiving half.
pub(crate) struct Inlet {
    half: ReadHalf<TlsStream<Stream>>,
    buffer: BytesMut,
    room: usize,
    received: u64,
}

impl TcpWire {
    fn new(stream: TlsStream<Stream>) -> Self {
        let (receive, send) = tokio::io::split(stream);
        Self {
            outlet: Outlet { half: send, unflushed: true, sent: 0 },
            inlet: Inlet { half: receive, buffer: BytesMut::new(), room: QUIET_READ_BYTES, received: 0 },
        }
    }

    pub(crate) fn halves(&mut self) -> (&mut Outlet, &mut Inlet) {
        (&mut self.outlet, &mut self.inlet)
    }

    /// Bytes received and sent inside TLS.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        (self.inlet.received, self.outlet.sent)
    }

    /// Sends the last record and TLS's own end.
    pub(crate) async fn close(mut self, end: &[u8], patience: Duration) {
        let half = &mut self.outlet.half;
        let told = async {
            half.write_all(end).await?;
            half.shutdown().await
        };
        // Whoever does not read has left.
        let _ = tokio::time::timeout(patience, told).await;
    }
}

impl Outlet {
    pub(crate) fn is_unflushed(&self) -> bool {
        self.unflushed
    }

    pub(crate) async fn write(&mut self, pieces: &mut [Bytes]) -> Result<usize, End> {
        if pieces.is_empty() {
            self.half.flush().await.map_err(lost)?;
            self.unflushed = false;
            return Ok(0);
        }
        let mut slices = [std::io::IoSlice::new(&[]); SLICES];
        let used =
            slices.iter_mut().zip(pieces.iter()).map(|(slice, piece)| *slice = std::io::IoSlice::new(piece)).count();
        let written = self.half.write_vectored(&slices[..used]).await.map_err(lost)?;
        self.unflushed = true;
        self.sent += written as u64;
        Ok(take(pieces, written))
    }
}

/// Takes the bytes that were written off the front of the pieces. How many pieces left as a whole.
fn take(pieces: &mut [Bytes], mut written: usize) -> usize {
    let mut whole = 0;
    for piece in pieces {
        let taken = written.min(piece.len());
        piece.advance(taken);
        written -= taken;
        if !piece.is_empty() {
            break;
        }
        whole += 1;
    }
    whole
}

impl Inlet {
    pub(crate) async fn read(&mut self) -> Result<Bytes, End> {
        self.buffer.reserve(self.room);
        let room = self.buffer.capacity();
        let read = self.half.read_buf(&mut self.buffer).await.map_err(lost)?;
        if read == 0 {
            return Err(End::Cut("the peer or something between closed the connection".into()));
        }
        self.received += read as u64;
        // Large reads ask for more room, small ones give it back: many connections wait, few move much.
        self.room = if read == room { (self.room * 4).min(READ_BYTES) } else { QUIET_READ_BYTES.max(self.room / 2) };
        Ok(self.buffer.split().freeze())
    }
}

fn lost(fault: std::io::Error) -> End {
    End::Cut(explain_io(&fault))
}

/// Whether the peer named the protocol: TLS lets one pass that names none (RFC 7301), and QUIC does not.
fn speaks(named: Option<&[u8]>, wanted: &[u8]) -> Result<(), Failure> {
    match named == Some(wanted) {
        true => Ok(()),
        false => Err(FaultKind::TlsApplicationProtocol.because("it named no application protocol").into()),
    }
}

/// A TLS stream as a wire.
fn wire(stream: TlsStream<Stream>, address: SocketAddr) -> Option<Wire> {
    let leaf: CertificateDer<'static> = stream.get_ref().1.peer_certificates()?.first()?.clone().into_owned();
    Some(Wire::new(Carrier::Tcp(TcpWire::new(stream)), leaf, address))
}

/// Small writes leave at once, dead peers are noticed, and the system buffers a bounded amount.
fn tune(stream: &TcpStream, timers: &Timers) {
    let socket = SockRef::from(stream);
    let keep_alive = TcpKeepalive::new().with_time(timers.keep_alive).with_interval(timers.keep_alive);
    // What a system does not know costs a later notice, and nothing else.
    let _ = stream.set_nodelay(true);
    let _ = socket.set_tcp_keepalive(&keep_alive);
    let _ = socket.set_send_buffer_size(TCP_BUFFER_BYTES);
    let _ = socket.set_recv_buffer_size(TCP_BUFFER_BYTES);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket.set_tcp_user_timeout(Some(timers.idle));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What one write took is not sent again, and nothing else is left out.
    #[test]
    fn a_write_takes_as_many_bytes_as_it_says_wherever_it_ends() {
        let sent = [&b"abc"[..], b"", b"de", b"f"];
        for written in 0..=6 {
            let mut pieces = sent.map(Bytes::from_static);
            let whole = take(&mut pieces, written);
            let ended = sent.iter().scan(0, |end, piece| {
                *end += piece.len();
                Some(*end)
            });
            assert_eq!(whole, ended.take_while(|end| *end <= written).count(), "{written} bytes");
            assert!(pieces[..whole].iter().all(Bytes::is_empty));
            assert_eq!(pieces[whole..].concat(), b"abcdef"[written..], "{written} bytes");
        }
    }

    /// What the operating system was told of a connection.
    #[test]
    fn a_connection_speaks_at_once_and_notices_a_dead_peer() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let timers =
                Timers { keep_alive: Duration::from_secs(7), idle: Duration::from_secs(21), ..Timers::default() };
            tune(&stream, &timers);
            let socket = SockRef::from(&stream);
            assert!(stream.nodelay().unwrap() && socket.keepalive().unwrap());
            #[cfg(target_os = "linux")]
            {
                assert_eq!(socket.tcp_user_timeout().unwrap(), Some(timers.idle));
                assert_eq!(socket.tcp_keepalive_time().unwrap(), timers.keep_alive);
                assert_eq!(socket.tcp_keepalive_interval().unwrap(), timers.keep_alive);
            }
        });
    }

    #[test]
    fn a_peer_names_the_protocol_that_was_asked_for() {
        assert!(speaks(Some(b"one"), b"one").is_ok());
        for named in [None, Some(&b"two"[..]), Some(b"")] {
            let fault = speaks(named, b"one").unwrap_err();
            assert_eq!(fault.kind(), Some(FaultKind::TlsApplicationProtocol));
        }
    }
}
