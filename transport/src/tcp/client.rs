//! The client's end.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::{TlsConnector, TlsStream};

use super::proxy::Proxy;
use super::{tune, wire};
use crate::dial::look_up;
use crate::fault::{DialFault, explain_io};
use crate::timers::Timers;
use crate::wire::Wire;

/// Where TCP goes.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    /// HOST:PORT of the coordinator.
    pub(crate) target: &'a str,
    pub(crate) proxy: Option<&'a Proxy>,
}

/// Connects. The coordinator's judgement of our certificate arrives later.
pub(crate) async fn dial(
    way: Way<'_>,
    server_name: &str,
    tls: Arc<rustls::ClientConfig>,
    timers: &Timers,
) -> Result<Wire, DialFault> {
    let (stream, address) = handshake(way, server_name, tls, timers).await?;
    wire(stream, address).ok_or(DialFault::NoCertificate)
}

/// One question and its answer over a connection of its own, each behind its length (u32, little-endian): how a branch talks to the
/// enrolment office. `limit` bounds the answer, in bytes.
///
/// # Errors
/// [`DialFault`].
pub async fn exchange(
    target: &str,
    (server_name, tls): (&str, Arc<rustls::ClientConfig>),
    proxy: Option<&Proxy>,
    question: &[u8],
    limit: usize,
) -> Result<Vec<u8>, DialFault> {
    let timers = Timers::default();
    let (mut stream, _) = handshake(Way { target, proxy }, server_name, tls, &timers).await?;
    let failed = |fault: std::io::Error| DialFault::Failed(explain_io(&fault));
    let length = u32::try_from(question.len()).map_err(|_| DialFault::Prepare("a question beyond 4 GiB".into()))?;
    stream.write_u32_le(length).await.map_err(failed)?;
    stream.write_all(question).await.map_err(failed)?;
    stream.flush().await.map_err(failed)?;
    let length = stream.read_u32_le().await.map_err(failed)? as usize;
    if length > limit {
        return Err(DialFault::Failed(format!("the answer announces {length} bytes and may have {limit}")));
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).await.map_err(failed)?;
    let _ = stream.shutdown().await;
    Ok(answer)
}

async fn handshake(
    way: Way<'_>,
    server_name: &str,
    tls: Arc<rustls::ClientConfig>,
    timers: &Timers,
) -> Result<(TlsStream<TcpStream>, SocketAddr), DialFault> {
    let name = ServerName::try_from(server_name.to_owned());
    let name =
        name.map_err(|_| DialFault::Prepare(format!("{server_name:?} is neither a host name nor an address")))?;
    let (stream, address) = connect(way, timers).await?;
    let wanted = tls.alpn_protocols.first().cloned().unwrap_or_default();
    let stream = TlsConnector::from(tls).connect(name, stream).await;
    let stream = stream.map_err(|fault| DialFault::Failed(explain_io(&fault)))?;
    super::speaks(stream.get_ref().1.alpn_protocol(), &wanted).map_err(DialFault::Failed)?;
    Ok((stream.into(), address))
}

async fn connect(way: Way<'_>, timers: &Timers) -> Result<(TcpStream, SocketAddr), DialFault> {
    // A proxy looks the coordinator up by itself: names inside a bank often mean nothing to a branch.
    let address = look_up(way.proxy.map_or(way.target, |proxy| &proxy.address)).await?;
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() };
    let stream = socket.map_err(DialFault::Socket)?.connect(address).await;
    let mut stream = stream.map_err(|fault| DialFault::Tcp { address, fault })?;
    tune(&stream, timers);
    if let Some(proxy) = way.proxy {
        proxy.connect(&mut stream, way.target).await?;
    }
    Ok((stream, address))
}
