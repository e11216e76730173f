//! The client's end: all connections from one socket.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use quinn::crypto::rustls::QuicClientConfig;

use super::config::{LOOPBACK_PAYLOAD_BYTES, Side, transport};
use super::socket::SinglePackets;
use super::{QuicWire, certificate, explain, office_stream};
use crate::counter::OfficeStream;
use crate::fault::DialFault;
use crate::limits::UDP_BUFFER_BYTES;
use crate::path::Path;
use crate::timers::Timers;
use crate::wire::{Carrier, Wire};

/// The sockets of a client, one for each route, kept: QUIC's buffers for one are made once, however often a client comes back.
#[derive(Default)]
pub(crate) struct Sockets(Mutex<Vec<(Route, quinn::Endpoint)>>);

/// What a socket depends on.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Route {
    ipv6: bool,
    loopback: bool,
}

impl Sockets {
    /// Connects and opens the stream. The coordinator's judgement of our certificate arrives later.
    pub(crate) async fn dial(
        &self,
        address: SocketAddr,
        server_name: &str,
        tls: Arc<rustls::ClientConfig>,
        way: (&Path, &Timers),
    ) -> Result<Wire, DialFault> {
        let (connection, streams, endpoint) = self.connect(address, server_name, tls, way).await?;
        let leaf = certificate(&connection).ok_or(DialFault::NoCertificate)?;
        Ok(Wire::new(Carrier::Quic(QuicWire::new(connection, streams, Some(endpoint))), leaf, address))
    }

    /// Reaches the office's counter.
    pub(crate) async fn counter(
        &self,
        address: SocketAddr,
        server_name: &str,
        tls: Arc<rustls::ClientConfig>,
        way: (&Path, &Timers),
    ) -> Result<OfficeStream, DialFault> {
        let (connection, streams, endpoint) = self.connect(address, server_name, tls, way).await?;
        Ok(office_stream(connection, streams, Some(endpoint)))
    }

    async fn connect(
        &self,
        address: SocketAddr,
        server_name: &str,
        tls: Arc<rustls::ClientConfig>,
        (path, timers): (&Path, &Timers),
    ) -> Result<(quinn::Connection, (quinn::SendStream, quinn::RecvStream), quinn::Endpoint), DialFault> {
        let crypto = QuicClientConfig::try_from(tls).map_err(|fault| DialFault::Prepare(fault.to_string()))?;
        let route = Route { ipv6: address.is_ipv6(), loopback: address.ip().is_loopback() && path.mtu.is_none() };
        let mut config = quinn::ClientConfig::new(Arc::new(crypto));
        config.transport_config(transport(Side::Client, route.loopback, path, timers));
        let endpoint = self.endpoint(route)?;
        let connecting = endpoint
            .connect_with(config, address, server_name)
            .map_err(|fault| DialFault::Prepare(fault.to_string()))?;
        let connection = connecting.await.map_err(|fault| {
            if fault == quinn::ConnectionError::TimedOut {
                self.renew();
            }
            DialFault::from(explain(&fault))
        })?;
        let streams = connection.open_bi().await.map_err(|fault| DialFault::from(explain(&fault)))?;
        Ok((connection, streams, endpoint))
    }

    fn endpoint(&self, route: Route) -> Result<quinn::Endpoint, DialFault> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, endpoint)) = kept.iter().find(|(open, _)| *open == route) {
            return Ok(endpoint.clone());
        }
        let endpoint = open(route)?;
        kept.push((route, endpoint.clone()));
        Ok(endpoint)
    }

    /// Forgets the sockets: the next connection comes from a new one, and another port.
    pub(crate) fn renew(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn open(route: Route) -> Result<quinn::Endpoint, DialFault> {
    let local: SocketAddr = if route.ipv6 { ([0_u16; 8], 0).into() } else { ([0, 0, 0, 0], 0).into() };
    let socket = socket2::Socket::new(socket2::Domain::for_address(local), socket2::Type::DGRAM, None);
    let socket = socket.map_err(DialFault::Socket)?;
    // The system may grant less, which costs speed and nothing else.
    let _ = socket.set_recv_buffer_size(UDP_BUFFER_BYTES);
    socket.bind(&local.into()).map_err(DialFault::Socket)?;
    let (mut config, runtime) = (quinn::EndpointConfig::default(), Arc::new(quinn::TokioRuntime));
    if !route.loopback {
        return quinn::Endpoint::new(config, None, socket.into(), runtime).map_err(DialFault::Socket);
    }
    config.max_udp_payload_size(LOOPBACK_PAYLOAD_BYTES).map_err(|fault| DialFault::Prepare(fault.to_string()))?;
    let socket = SinglePackets::new(socket.into()).map_err(DialFault::Socket)?;
    quinn::Endpoint::new_with_abstract_socket(config, None, socket, runtime).map_err(DialFault::Socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One socket for each kind of a route, until it is given up.
    #[test]
    fn a_socket_is_kept_for_its_route() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let _entered = runtime.enter();
        let sockets = Sockets::default();
        let port = |ipv6, loopback| {
            let address =
                sockets.endpoint(Route { ipv6, loopback }).expect("a socket").local_addr().expect("an address");
            assert!(address.is_ipv6() == ipv6 && address.ip().is_unspecified());
            address.port()
        };
        let (near, far) = (port(false, true), port(false, false));
        assert!(near != far && near != 0 && port(false, true) == near && port(false, false) == far);
        sockets.renew();
        assert!(sockets.0.lock().expect("no panic").is_empty());
        port(false, true);
        assert_eq!(sockets.0.lock().expect("no panic").len(), 1);
    }
}
