//! The client's end: all connections from one socket.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use quinn::crypto::rustls::QuicClientConfig;

use super::config::{LOOPBACK_PAYLOAD_BYTES, Side, transport};
use super::socket::SinglePackets;
use super::{QuicWire, certificate, explain};
use crate::fault::DialFault;
use crate::limits::UDP_BUFFER_BYTES;
use crate::path::Path;
use crate::timers::Timers;
use crate::wire::{Carrier, Wire};

/// The sockets of a client, kept: QUIC's buffers for one are made once, however often a client comes back.
#[derive(Default)]
pub(crate) struct Sockets(Mutex<Option<(Route, quinn::Endpoint)>>);

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
        (path, timers): (&Path, &Timers),
    ) -> Result<Wire, DialFault> {
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
            DialFault::Failed(explain(&fault).to_string())
        })?;
        let leaf = certificate(&connection).ok_or(DialFault::NoCertificate)?;
        let streams = connection.open_bi().await.map_err(|fault| DialFault::Failed(explain(&fault).to_string()))?;
        let wire = QuicWire::new(connection, streams, Some(endpoint));
        Ok(Wire::new(Carrier::Quic(wire), leaf, address))
    }

    fn endpoint(&self, route: Route) -> Result<quinn::Endpoint, DialFault> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((open, endpoint)) = kept.as_ref()
            && *open == route
        {
            return Ok(endpoint.clone());
        }
        let endpoint = open(route)?;
        *kept = Some((route, endpoint.clone()));
        Ok(endpoint)
    }

    /// Forgets the socket: the next connection comes from a new one, and another port.
    pub(crate) fn renew(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
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
