//! A client's side of a link, for as long as the daemon runs: connects, connects again, and prefers QUIC.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, Sleep};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::identity::{Identity, IdentityError};
use tributary_protocol::entropy::Entropy as _;

use crate::dial::{DialSettings, Dialer, Mode};
use crate::fault::DialFault;
use crate::link::{Greeted, Link};
use crate::record::{Greeting, LinkId, Welcome};
use crate::wire::{End, Transport, Wire};

/// First and longest pause between attempts to connect.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// A connection that the coordinator ended sooner than this was no success: whoever is refused comes back more and more seldom.
const SETTLED: Duration = Duration::from_secs(5);

/// What a channel is made of.
pub struct ChannelSettings {
    /// Where to.
    pub dial: DialSettings,
    /// The keys and trust in force when a connection is made, and what binds the key to the roster.
    pub keys: Box<dyn Fn() -> (Arc<rustls::ClientConfig>, Vec<u8>) + Send>,
}

/// What happens on a channel.
#[derive(Debug)]
pub enum Event {
    /// A connection stands.
    Connected {
        /// Who the certificate says the coordinator is.
        coordinator: Identity,
        /// Over what.
        transport: Transport,
        /// Whether the link goes on where it was; otherwise it is a new one.
        resumed: bool,
        /// The coordinator's clock, in Unix seconds.
        coordinator_seconds: u64,
    },
    /// The next bytes of the coordinator's stream.
    Data(Bytes),
    /// There is no connection; another attempt follows. What was on its way is kept.
    Waiting {
        /// Why, and what to do.
        reason: String,
        /// Time until the attempt.
        retry: Duration,
    },
    /// The link is over: what was on its way is lost.
    Gone {
        /// Why.
        reason: String,
    },
}

/// The client's end of a link and everything that keeps it up. Attempts go on for ever.
pub struct Channel {
    dialer: Dialer,
    keys: Box<dyn Fn() -> (Arc<rustls::ClientConfig>, Vec<u8>) + Send>,
    instance: [u8; 16],
    link: Option<(LinkId, Link)>,
    state: State,
    pause: Duration,
    /// When the connection was made.
    since: Instant,
    /// The transport that answered last, and until when it is tried first.
    remembered: Option<(Transport, Instant)>,
    probe: Option<JoinHandle<Option<Wire>>>,
    probe_at: Pin<Box<Sleep>>,
    calm: bool,
    events: VecDeque<Event>,
    past_bytes: (u64, u64),
}

type Connected = Result<(Greeted, Welcome, Identity), ConnectFault>;

/// Why there is no link with a connection.
#[derive(Debug, thiserror::Error)]
enum ConnectFault {
    #[error(transparent)]
    Dial(#[from] DialFault),
    #[error(
        "the coordinator's certificate is not a coordinator's: {0}; check the address, somebody else may answer there"
    )]
    Certificate(#[from] IdentityError),
    #[error(transparent)]
    Greeting(#[from] End),
    #[error("the attempt to connect ended without an answer: {0}; the next one follows")]
    Task(#[from] JoinError),
}

enum State {
    Connecting(JoinHandle<Connected>),
    Waiting(Pin<Box<Sleep>>),
    Open,
}

impl Channel {
    /// A channel that connects as soon as [`Channel::next`] is polled.
    #[must_use]
    pub fn new(settings: ChannelSettings) -> Self {
        let mut instance = [0; 16];
        OsEntropy.fill(&mut instance);
        Self {
            dialer: Dialer::new(settings.dial),
            keys: settings.keys,
            instance,
            link: None,
            state: State::Waiting(Box::pin(tokio::time::sleep(Duration::ZERO))),
            pause: RETRY.0,
            since: Instant::now(),
            remembered: None,
            probe: None,
            probe_at: Box::pin(tokio::time::sleep(Duration::ZERO)),
            calm: true,
            events: VecDeque::new(),
            past_bytes: (0, 0),
        }
    }

    /// Queues bytes for the coordinator; lost if there is no link.
    pub fn send(&mut self, pieces: impl IntoIterator<Item = Bytes>) {
        if let Some((_, link)) = &mut self.link {
            link.send(pieces);
        }
    }

    /// Whether no round is open: QUIC is tried again only between rounds, or when the coordinator has read everything that was sent.
    pub fn set_calm(&mut self, calm: bool) {
        self.calm = calm;
    }

    /// Bytes received and sent so far.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        let now = self.link.as_ref().map_or((0, 0), |(_, link)| link.bytes());
        (self.past_bytes.0 + now.0, self.past_bytes.1 + now.1)
    }

    /// The next thing that happens. Cancel-safe.
    pub async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            match &mut self.state {
                State::Waiting(pause) => {
                    pause.as_mut().await;
                    self.state = State::Connecting(self.connect(None));
                }
                State::Connecting(connecting) => {
                    let connected = connecting.await.unwrap_or_else(|fault| Err(fault.into()));
                    self.connected(connected);
                }
                State::Open => {
                    let (_, link) = self.link.as_mut().expect("an open channel has a link");
                    let probing = self.probe.is_some();
                    // Where rounds follow each other without a pause, there is still a time when everything that was said has been heard.
                    let quiet = self.calm || link.unconfirmed() == 0;
                    let probes = quiet
                        && !probing
                        && self.dialer.settings().mode == Mode::Auto
                        && link.wire().is_some_and(|wire| wire.transport() == Transport::Tcp);
                    tokio::select! {
                        biased;
                        data = link.read() => match data {
                            Ok(data) => return Event::Data(data),
                            Err(end) => {
                                let reason = end.to_string();
                                self.ended(end, &reason);
                            }
                        },
                        wire = async { self.probe.as_mut().expect("it is there").await }, if probing => {
                            self.probe = None;
                            self.probed(wire.ok().flatten());
                        }
                        () = self.probe_at.as_mut(), if probes => {
                            let (dialer, (tls, _)) = (self.dialer.clone(), (self.keys)());
                            self.probe = Some(tokio::spawn(async move { dialer.over(Transport::Quic, tls).await.ok() }));
                        }
                    }
                }
            }
        }
    }

    /// The certificate of the coordinator at the other end of the open connection.
    #[must_use]
    pub fn peer(&self) -> Option<&CertificateDer<'static>> {
        let (_, link) = self.link.as_ref()?;
        link.wire().map(Wire::certificate)
    }

    /// Gives the link up, for this reason, and begins another one.
    pub fn abandon(&mut self, reason: &str) {
        self.ended(End::Faulty(reason.to_owned()), reason);
    }

    /// Sends what is queued, waits for the coordinator to read it, for `patience` at most, and leaves.
    pub async fn leave(mut self, reason: &str, patience: Duration) {
        self.stop_trying();
        if let Some((_, mut link)) = self.link.take() {
            if link.is_attached() {
                let _ = tokio::time::timeout(patience, link.flush()).await;
            }
            link.close(reason).await;
        }
    }

    fn stop_trying(&mut self) {
        if let State::Connecting(task) = &self.state {
            task.abort();
        }
        if let Some(task) = self.probe.take() {
            task.abort();
        }
    }

    /// Dials, unless a connection is given, and greets.
    fn connect(&self, wire: Option<Wire>) -> JoinHandle<Connected> {
        let (tls, binding) = (self.keys)();
        let (link, received) = self.link.as_ref().map_or((LinkId::default(), 0), |(id, link)| (*id, link.received()));
        let greeting = Greeting { instance: self.instance, link, received, binding };
        let first = self.remembered.filter(|(_, until)| Instant::now() < *until);
        let first = first.map_or(Transport::Quic, |(transport, _)| transport);
        let dialer = self.dialer.clone();
        tokio::spawn(async move {
            let wire = match wire {
                Some(wire) => wire,
                None => dialer.dial(tls, first).await?,
            };
            let coordinator = wire.identity()?;
            let (greeted, welcome) = Greeted::by_us(wire, &greeting).await?;
            Ok((greeted, welcome, coordinator))
        })
    }

    fn connected(&mut self, connected: Connected) {
        let (greeted, welcome, coordinator) = match connected {
            Ok(connected) => connected,
            Err(fault) => return self.wait(fault.to_string()),
        };
        let transport = greeted.wire().transport();
        let resumes = welcome.resumed && self.link.as_ref().is_some_and(|(id, _)| *id == welcome.link);
        if !resumes && self.link.is_some() {
            self.forget("the coordinator does not know this link any more; it has restarted, or this client was away for too long");
        }
        let (_, link) = self.link.get_or_insert_with(|| (welcome.link, Link::new(self.dialer.settings().timers)));
        if let Err(end) = link.attach(greeted, welcome.received) {
            self.forget(&end.to_string());
            return self.wait(end.to_string());
        }
        self.remembered = Some((transport, Instant::now() + self.dialer.settings().timers.remembered));
        self.since = Instant::now();
        self.probe_at.as_mut().reset(self.since + self.dialer.settings().timers.probe);
        self.state = State::Open;
        self.events.push_back(Event::Connected {
            coordinator,
            transport,
            resumed: resumes,
            coordinator_seconds: welcome.unix_seconds,
        });
    }

    /// QUIC was tried beside TCP: where it answered, the link moves over.
    fn probed(&mut self, wire: Option<Wire>) {
        self.probe_at.as_mut().reset(Instant::now() + self.dialer.settings().timers.probe);
        if let Some(wire) = wire {
            if let Some((_, link)) = &mut self.link {
                link.detach();
            }
            self.state = State::Connecting(self.connect(Some(wire)));
        }
    }

    fn ended(&mut self, end: End, reason: &str) {
        if let Some((_, link)) = &mut self.link {
            let quic = link.wire().is_some_and(|wire| wire.transport() == Transport::Quic);
            link.detach();
            if quic && matches!(end, End::Cut(_)) {
                self.dialer.renew_socket();
            }
        }
        if let Some(task) = self.probe.take() {
            task.abort();
        }
        let lived = self.since.elapsed() >= SETTLED;
        if matches!(end, End::Cut(_)) || lived {
            self.pause = RETRY.0;
        }
        if !matches!(end, End::Cut(_)) {
            self.forget(reason);
        }
        self.wait(reason.to_owned());
    }

    fn forget(&mut self, reason: &str) {
        if let Some((_, link)) = self.link.take() {
            let (down, up) = link.bytes();
            self.past_bytes = (self.past_bytes.0 + down, self.past_bytes.1 + up);
            self.events.push_back(Event::Gone { reason: reason.to_owned() });
        }
    }

    /// Between half of the pause and the whole of it, so that those who were cut together do not come back together.
    fn wait(&mut self, reason: String) {
        let mut draw = [0; 2];
        OsEntropy.fill(&mut draw);
        let retry = self.pause / 2 + self.pause / 2 * u32::from(u16::from_le_bytes(draw)) / u32::from(u16::MAX);
        self.pause = (self.pause * 2).min(RETRY.1);
        self.state = State::Waiting(Box::pin(tokio::time::sleep(retry)));
        self.events.push_back(Event::Waiting { reason, retry });
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.stop_trying();
    }
}
