//! How a client finds its way to the coordinator: QUIC first, TCP beside it where QUIC stays silent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::fault::DialFault;
use crate::limits::HANDSHAKE_TIME;
use crate::path::Path;
use crate::quic::Sockets;
use crate::tcp::{self, Proxy};
use crate::timers::Timers;
use crate::wire::{Transport, Wire};

/// Which transports a client may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// QUIC where it gets through, TCP otherwise.
    #[default]
    Auto,
    /// QUIC alone.
    Quic,
    /// TCP alone.
    Tcp,
}

/// Where the coordinator is, and how to get there.
#[derive(Clone, Debug)]
pub struct DialSettings {
    /// HOST:PORT.
    pub address: String,
    /// The name that the coordinator's certificate must carry.
    pub server_name: String,
    /// Which transports may be used.
    pub mode: Mode,
    /// An HTTP proxy for TCP.
    pub proxy: Option<Proxy>,
    /// Switches of the path.
    pub path: Path,
    /// Timers.
    pub timers: Timers,
}

/// Makes connections. Cheap to clone; clones share QUIC's socket.
#[derive(Clone)]
pub struct Dialer {
    settings: Arc<DialSettings>,
    sockets: Arc<Sockets>,
}

impl Dialer {
    /// With these settings.
    #[must_use]
    pub fn new(settings: DialSettings) -> Self {
        Self { settings: Arc::new(settings), sockets: Arc::default() }
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &DialSettings {
        &self.settings
    }

    /// Connects; where both transports may be used, `first` has [`Timers::fallback`] before the other starts beside it, and whichever
    /// succeeds first is taken.
    ///
    /// # Errors
    /// [`DialFault`].
    pub async fn dial(&self, tls: Arc<rustls::ClientConfig>, first: Transport) -> Result<Wire, DialFault> {
        match self.settings.mode {
            Mode::Quic => self.over(Transport::Quic, tls).await,
            Mode::Tcp => self.over(Transport::Tcp, tls).await,
            Mode::Auto => self.race(first, tls).await,
        }
    }

    /// Connects over one transport.
    ///
    /// # Errors
    /// [`DialFault`].
    pub async fn over(&self, transport: Transport, tls: Arc<rustls::ClientConfig>) -> Result<Wire, DialFault> {
        let what = if transport == Transport::Quic { "UDP" } else { "TCP" };
        let reached = tokio::time::timeout(HANDSHAKE_TIME * 2, self.reach(transport, tls)).await;
        reached.unwrap_or_else(|_| {
            // Perhaps it is this flow that somebody drops.
            self.renew_socket();
            Err(DialFault::Silence { what })
        })
    }

    /// Forgets QUIC's socket: the next connection leaves from another port, which a firewall has not learnt to hate.
    pub fn renew_socket(&self) {
        self.sockets.renew();
    }

    async fn reach(&self, transport: Transport, tls: Arc<rustls::ClientConfig>) -> Result<Wire, DialFault> {
        let DialSettings { address, server_name, proxy, path, timers, .. } = &*self.settings;
        match transport {
            Transport::Quic => {
                let address = look_up(address).await?;
                self.sockets.dial(address, server_name, tls, (path, timers)).await
            }
            Transport::Tcp => {
                let way = tcp::Way { target: address, proxy: proxy.as_ref() };
                tcp::dial(way, server_name, tls, timers).await
            }
        }
    }

    async fn race(&self, first: Transport, tls: Arc<rustls::ClientConfig>) -> Result<Wire, DialFault> {
        let second = if first == Transport::Quic { Transport::Tcp } else { Transport::Quic };
        let mut leading = std::pin::pin!(self.over(first, Arc::clone(&tls)));
        let patience = tokio::time::sleep(self.settings.timers.fallback);
        let failed = tokio::select! {
            wire = &mut leading => match wire {
                Ok(wire) => return Ok(wire),
                Err(fault) => Some(fault),
            },
            () = patience => None,
        };
        let following = self.over(second, tls);
        let Some(fault) = failed else {
            let mut following = std::pin::pin!(following);
            return tokio::select! {
                wire = &mut leading => match wire {
                    Ok(wire) => Ok(wire),
                    Err(fault) => following.await.map_err(|other| both(first, fault, other)),
                },
                wire = &mut following => match wire {
                    Ok(wire) => Ok(wire),
                    Err(other) => leading.await.map_err(|fault| both(first, fault, other)),
                },
            };
        };
        following.await.map_err(|other| both(first, fault, other))
    }
}

fn both(first: Transport, leading: DialFault, following: DialFault) -> DialFault {
    let (quic, tcp) = if first == Transport::Quic { (leading, following) } else { (following, leading) };
    DialFault::Both { quic: Box::new(quic), tcp: Box::new(tcp) }
}

/// The address of HOST:PORT, looked up now.
///
/// # Errors
/// [`DialFault::Name`].
pub async fn look_up(name: &str) -> Result<SocketAddr, DialFault> {
    let failed = |fault: String| DialFault::Name { name: name.to_owned(), fault };
    let found = tokio::time::timeout(Duration::from_secs(5), tokio::net::lookup_host(name)).await;
    let found = found.map_err(|_| failed("the name service did not answer within 5 seconds".into()))?;
    let mut found = found.map_err(|fault| failed(fault.to_string()))?;
    found.next().ok_or_else(|| failed("it has no address".into()))
}
