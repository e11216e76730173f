//! The client's end.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::{TlsConnector, TlsStream};

use super::proxy::Proxy;
use super::stream::Stream;
use super::{tune, wire};
use crate::counter::OfficeStream;
use crate::fault::DialFault;
use crate::timers::Timers;
use crate::wire::Wire;

/// Where TCP goes.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    /// One address, of the proxy if there is one, else of the coordinator.
    pub(crate) address: SocketAddr,
    /// HOST:PORT of the coordinator, for the proxy.
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
    let stream = handshake(way, server_name, tls, timers).await?;
    wire(stream, way.address).ok_or(DialFault::NoCertificate)
}

/// Reaches the office's counter.
pub(crate) async fn counter(
    way: Way<'_>,
    server_name: &str,
    tls: Arc<rustls::ClientConfig>,
    timers: &Timers,
) -> Result<OfficeStream, DialFault> {
    Ok(OfficeStream::new(handshake(way, server_name, tls, timers).await?, || {}))
}

async fn handshake(
    way: Way<'_>,
    server_name: &str,
    tls: Arc<rustls::ClientConfig>,
    timers: &Timers,
) -> Result<TlsStream<Stream>, DialFault> {
    let name = ServerName::try_from(server_name.to_owned());
    let name =
        name.map_err(|_| DialFault::Prepare(format!("{server_name:?} is neither a host name nor an address")))?;
    let stream = Stream::new(connect(way, timers).await?);
    let wanted = tls.alpn_protocols.first().cloned().unwrap_or_default();
    let stream = TlsConnector::from(tls).connect(name, stream).into_fallible().await;
    let stream = stream.map_err(|(fault, stream)| DialFault::Failed(stream.explain(&fault)))?;
    super::speaks(stream.get_ref().1.alpn_protocol(), &wanted).map_err(DialFault::Failed)?;
    Ok(stream.into())
}

async fn connect(way: Way<'_>, timers: &Timers) -> Result<TcpStream, DialFault> {
    let Way { address, target, proxy } = way;
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() };
    let stream = socket.map_err(DialFault::Socket)?.connect(address).await;
    let mut stream = stream.map_err(|fault| DialFault::Tcp { address, fault })?;
    tune(&stream, timers);
    if let Some(proxy) = proxy {
        proxy.connect(&mut stream, target).await?;
    }
    Ok(stream)
}
