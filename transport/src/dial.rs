//! How a client finds its way to the coordinator: QUIC first, TCP beside it where QUIC stays silent, and over each of them every address.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::addresses::{Resolver, first_of};
use crate::counter::{OfficeStream, ask};
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

/// Makes connections. Cheap to clone; clones share QUIC's sockets.
#[derive(Clone)]
pub struct Dialer {
    settings: Arc<DialSettings>,
    resolver: Resolver,
    sockets: Arc<Sockets>,
    /// The address that answered last is tried first.
    answered: Arc<Mutex<Option<SocketAddr>>>,
}

/// How long the addresses of one transport are given together.
const DIAL_TIME: Duration = Duration::from_secs(HANDSHAKE_TIME.as_secs() * 2);

/// Attempts of one exchange: whoever was turned away at a crowded door comes again after a pause, which doubles.
const EXCHANGE_ATTEMPTS: u32 = 5;
const EXCHANGE_PAUSE: Duration = Duration::from_millis(250);

impl Dialer {
    /// With these settings.
    #[must_use]
    pub fn new(settings: DialSettings) -> Self {
        Self::with_resolver(settings, Resolver::system())
    }

    /// With these settings, and somebody else than the system who knows addresses.
    #[must_use]
    pub fn with_resolver(settings: DialSettings, resolver: Resolver) -> Self {
        Self { settings: Arc::new(settings), resolver, sockets: Arc::default(), answered: Arc::default() }
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
        self.either(first, |transport| self.over(transport, Arc::clone(&tls))).await
    }

    /// Connects over one transport.
    ///
    /// # Errors
    /// [`DialFault`].
    pub async fn over(&self, transport: Transport, tls: Arc<rustls::ClientConfig>) -> Result<Wire, DialFault> {
        self.reach(transport, |address| self.at(transport, address, Arc::clone(&tls))).await
    }

    /// One question and its answer over a connection of its own: how a branch talks to the enrolment office. `limit` bounds the answer, in
    /// bytes, and [`Timers::exchange`] everything together.
    ///
    /// # Errors
    /// [`DialFault`].
    pub async fn exchange(
        &self,
        tls: Arc<rustls::ClientConfig>,
        question: &[u8],
        limit: usize,
    ) -> Result<Vec<u8>, DialFault> {
        let patience = self.settings.timers.exchange;
        let exchanged = tokio::time::timeout(patience, self.exchange_patiently(tls, question, limit)).await;
        let exchanged = exchanged.unwrap_or(Err(DialFault::Exchange { seconds: patience.as_secs_f64() }));
        // A coordinator's door answers whoever asks an office that it does not keep.
        exchanged.map_err(|fault| match fault.refuses_protocol() {
            true => DialFault::NoOffice { address: self.settings.address.clone() },
            false => fault,
        })
    }

    /// Forgets QUIC's sockets: the next connection leaves from another port, which a firewall has not learnt to hate.
    pub fn renew_socket(&self) {
        self.sockets.renew();
    }

    /// The addresses of the coordinator, in the order in which they are tried.
    pub(crate) async fn addresses(&self) -> Result<Vec<SocketAddr>, DialFault> {
        self.resolver.look_up(&self.settings.address).await
    }

    /// Where one transport goes: TCP to the proxy, if there is one. A proxy looks the coordinator up by itself, because names inside a bank
    /// often mean nothing to a branch.
    pub(crate) async fn targets(&self, transport: Transport) -> Result<Vec<SocketAddr>, DialFault> {
        match (&self.settings.proxy, transport) {
            (Some(proxy), Transport::Tcp) => self.resolver.look_up(&proxy.address).await,
            _ => self.addresses().await,
        }
    }

    /// Connects to one address.
    pub(crate) async fn at(
        &self,
        transport: Transport,
        address: SocketAddr,
        tls: Arc<rustls::ClientConfig>,
    ) -> Result<Wire, DialFault> {
        let DialSettings { address: target, server_name, proxy, path, timers, .. } = &*self.settings;
        match transport {
            Transport::Quic => self.sockets.dial(address, server_name, tls, (path, timers)).await,
            Transport::Tcp => {
                tcp::dial(tcp::Way { address, target, proxy: proxy.as_ref() }, server_name, tls, timers).await
            }
        }
    }

    async fn exchange_patiently(
        &self,
        tls: Arc<rustls::ClientConfig>,
        question: &[u8],
        limit: usize,
    ) -> Result<Vec<u8>, DialFault> {
        let mut pause = EXCHANGE_PAUSE;
        for attempt in 1.. {
            let asked = async {
                let counter = self.either(Transport::Quic, |transport| self.counter(transport, Arc::clone(&tls)));
                ask(counter.await?, question, limit).await
            };
            match asked.await {
                Err(fault) if fault.may_pass() && attempt < EXCHANGE_ATTEMPTS => {
                    tracing::debug!(%fault, "asking again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                ended => return ended,
            }
        }
        unreachable!("the last attempt returns")
    }

    /// Reaches the office's counter over one transport.
    async fn counter(&self, transport: Transport, tls: Arc<rustls::ClientConfig>) -> Result<OfficeStream, DialFault> {
        let DialSettings { address: target, server_name, proxy, path, timers, .. } = &*self.settings;
        self.reach(transport, |address| {
            let tls = Arc::clone(&tls);
            async move {
                match transport {
                    Transport::Quic => self.sockets.counter(address, server_name, tls, (path, timers)).await,
                    Transport::Tcp => {
                        let way = tcp::Way { address, target, proxy: proxy.as_ref() };
                        tcp::counter(way, server_name, tls, timers).await
                    }
                }
            }
        })
        .await
    }

    /// Tries every address of one transport.
    async fn reach<T, F: Future<Output = Result<T, DialFault>>>(
        &self,
        transport: Transport,
        attempt: impl Fn(SocketAddr) -> F,
    ) -> Result<T, DialFault> {
        let mut addresses = self.targets(transport).await?;
        let answered = *self.answered();
        if let Some(at) = addresses.iter().position(|address| Some(*address) == answered) {
            addresses[..=at].rotate_right(1);
        }
        let what = if transport == Transport::Quic { "UDP" } else { "TCP" };
        let reached = first_of(&addresses, DIAL_TIME, what, |address| {
            let reaching = attempt(address);
            async move {
                let reached = reaching.await?;
                *self.answered() = Some(address);
                Ok(reached)
            }
        })
        .await;
        if reached.as_ref().is_err_and(DialFault::is_silence) {
            // Perhaps it is this flow that somebody drops.
            self.renew_socket();
        }
        reached
    }

    fn answered(&self) -> std::sync::MutexGuard<'_, Option<SocketAddr>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Over whichever transport may be used.
    async fn either<T, F: Future<Output = Result<T, DialFault>>>(
        &self,
        first: Transport,
        over: impl Fn(Transport) -> F,
    ) -> Result<T, DialFault> {
        match self.settings.mode {
            Mode::Quic => over(Transport::Quic).await,
            Mode::Tcp => over(Transport::Tcp).await,
            Mode::Auto => race(first, self.settings.timers.fallback, over).await,
        }
    }
}

async fn race<T, F: Future<Output = Result<T, DialFault>>>(
    first: Transport,
    fallback: Duration,
    over: impl Fn(Transport) -> F,
) -> Result<T, DialFault> {
    let second = if first == Transport::Quic { Transport::Tcp } else { Transport::Quic };
    let mut leading = std::pin::pin!(over(first));
    let failed = tokio::select! {
        made = &mut leading => match made {
            Ok(made) => return Ok(made),
            Err(fault) => Some(fault),
        },
        () = tokio::time::sleep(fallback) => None,
    };
    let following = over(second);
    let Some(fault) = failed else {
        let mut following = std::pin::pin!(following);
        return tokio::select! {
            made = &mut leading => match made {
                Ok(made) => Ok(made),
                Err(fault) => following.await.map_err(|other| both(first, fault, other)),
            },
            made = &mut following => match made {
                Ok(made) => Ok(made),
                Err(other) => leading.await.map_err(|fault| both(first, fault, other)),
            },
        };
    };
    following.await.map_err(|other| both(first, fault, other))
}

fn both(first: Transport, leading: DialFault, following: DialFault) -> DialFault {
    let (quic, tcp) = if first == Transport::Quic { (leading, following) } else { (following, leading) };
    DialFault::Both { quic: Box::new(quic), tcp: Box::new(tcp) }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn run<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(test)
    }

    fn silence(transport: Transport) -> DialFault {
        DialFault::Silence { what: if transport == Transport::Quic { "UDP" } else { "TCP" } }
    }

    fn other(transport: Transport) -> Transport {
        if transport == Transport::Quic { Transport::Tcp } else { Transport::Quic }
    }

    /// The second transport is tried where the first one fails, and not where it works; whichever is first, each fault keeps its name.
    #[test]
    fn the_other_transport_is_tried_where_the_first_one_fails() {
        for first in [Transport::Quic, Transport::Tcp] {
            for (first_works, second_works) in [(true, true), (true, false), (false, true), (false, false)] {
                let asked = RefCell::new(Vec::new());
                let over = |transport: Transport| {
                    asked.borrow_mut().push(transport);
                    let works = if transport == first { first_works } else { second_works };
                    async move { if works { Ok(transport) } else { Err(silence(transport)) } }
                };
                let made = run(race(first, Duration::from_secs(3_600), over));
                let expected = if first_works { vec![first] } else { vec![first, other(first)] };
                assert_eq!(asked.into_inner(), expected);
                match made {
                    Ok(made) => assert_eq!(made, if first_works { first } else { other(first) }),
                    Err(DialFault::Both { quic, tcp }) => {
                        assert!(!first_works && !second_works);
                        assert!(matches!(*quic, DialFault::Silence { what: "UDP" }), "{quic}");
                        assert!(matches!(*tcp, DialFault::Silence { what: "TCP" }), "{tcp}");
                    }
                    Err(fault) => panic!("{fault}"),
                }
            }
        }
    }

    /// A first one that stays silent is not waited for, and one that answers late is taken all the same.
    #[test]
    fn the_other_transport_starts_beside_a_silent_one() {
        for first in [Transport::Quic, Transport::Tcp] {
            let second = run(race(first, Duration::ZERO, |transport| async move {
                if transport == first {
                    std::future::pending::<()>().await;
                }
                Ok(transport)
            }));
            assert!(second.is_ok_and(|made| made == other(first)));
            for works in [true, false] {
                let began = tokio::sync::Notify::new();
                let began = &began;
                let made = run(race(first, Duration::ZERO, |transport| async move {
                    if transport != first {
                        began.notify_one();
                        return Err(silence(transport));
                    }
                    began.notified().await;
                    if works { Ok(transport) } else { Err(silence(transport)) }
                }));
                match made {
                    Ok(made) => assert!(works && made == first),
                    Err(fault) => assert!(!works && matches!(fault, DialFault::Both { .. }), "{fault}"),
                }
            }
        }
    }
}
