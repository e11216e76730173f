//! Certificates in a folder, a coordinator's port without a daemon, and clocks that are wrong.
#![allow(dead_code, reason = "each test file uses a part")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use tributary_certs::clock::unix_seconds;
use tributary_certs::counter::{CounterTrust, counter_config, door_configs};
use tributary_certs::enrolment::{
    CoordinatorRequest, init_authority, issue_client, issue_coordinator, names, read_coordinator,
};
use tributary_certs::identity::TrustDomain;
use tributary_certs::inspect::validity_of;
use tributary_certs::office::{ROOT_LIST_DAYS, fresh_list, fresh_root_list};
use tributary_certs::provider::KeyExchange;
use tributary_certs::revocation::{RevocationLists, Seen};
use tributary_certs::skew::diagnosis_config;
use tributary_certs::tls::{ClientTls, CoordinatorTls, Credentials, TrustRoots, client_config};
use tributary_transport::preflight::TrialKeys;
use tributary_transport::{
    Accepted, Channel, ChannelSettings, DialSettings, Event, Greeted, Link, LinkId, ListenSettings, Listener, Mode,
    Path, ServerKeys, Timers, Welcome,
};

pub(crate) const DAY: u64 = 86_400;
/// So long that only a hanging test meets it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A clock that is so many seconds off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Off(pub(crate) i64);

impl Off {
    pub(crate) fn seconds(self) -> u64 {
        unix_seconds().saturating_add_signed(self.0)
    }
}

impl TimeProvider for Off {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.seconds())))
    }
}

/// A coordinator and a client.
pub(crate) struct Federation(tempfile::TempDir);

impl Federation {
    /// Whose certificates were made at these times.
    pub(crate) fn of(coordinator_at: u64, client_at: u64) -> Self {
        let own = Self(tempfile::tempdir().unwrap());
        let domain = TrustDomain::parse("federation.example").unwrap();
        init_authority(&own.path("authority"), &domain, 1, 1, unix_seconds() - 400 * DAY).unwrap();
        let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let request = CoordinatorRequest {
            organisation: "centre",
            id: "main",
            host_names: &["localhost".into()],
            addresses: &addresses,
        };
        issue_coordinator(&own.path("authority"), &request, &own.path("coordinator"), coordinator_at).unwrap();
        issue_client(&own.path("authority"), "north-bank", "one", &own.path("client"), client_at).unwrap();
        // Beyond every clock that a test sets ahead, so that certificates are what has ended.
        let authority = own.path("authority");
        fresh_root_list(&authority, &authority, ROOT_LIST_DAYS, unix_seconds()).unwrap();
        fresh_list(&authority, 90, unix_seconds()).unwrap();
        own
    }

    pub(crate) fn new() -> Self {
        Self::of(unix_seconds(), unix_seconds())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn roots(&self) -> TrustRoots {
        TrustRoots::read(&self.path("coordinator").join(names::TRUST)).unwrap()
    }

    fn lists(&self) -> RevocationLists {
        let trust = self.path("coordinator").join(names::TRUST);
        let (path, seen) = (self.path("authority").join(names::REVOCATIONS), Seen::beside(&trust).unwrap());
        RevocationLists::read(&path, &self.roots(), &seen, None).unwrap().lists
    }

    fn credentials(&self, who: &str) -> Credentials {
        Credentials::read(&self.path(who).join(names::CHAIN), &self.path(who).join(names::KEY)).unwrap()
    }

    /// The coordinator's keys, with the office.
    pub(crate) fn server(&self, clock: Off) -> ServerKeys {
        let roots = self.roots();
        let lists = self.lists();
        let doors = door_configs(CoordinatorTls {
            credentials: self.credentials("coordinator"),
            roots: &roots,
            revocations: &lists,
            clock: Arc::new(clock),
            key_exchange: KeyExchange::DEFAULT,
            ended: tributary_certs::ended::EndedCertificates::default(),
        });
        let doors = doors.unwrap();
        ServerKeys { peers: Arc::new(doors.peers), office: Some(Arc::new(doors.office)), quic: Arc::new(doors.both) }
    }

    /// The client's keys.
    pub(crate) fn client(&self, clock: Off) -> TrialKeys {
        let roots = self.roots();
        let lists = self.lists();
        let parts = || ClientTls {
            credentials: self.credentials("client"),
            roots: &roots,
            coordinator: None,
            revocations: &lists,
            clock: Arc::new(clock),
            key_exchange: KeyExchange::DEFAULT,
        };
        TrialKeys {
            tls: Arc::new(client_config(parts()).unwrap()),
            binding: Vec::new(),
            diagnosis: Arc::new(diagnosis_config(parts()).unwrap()),
            validity: validity_of(self.credentials("client").leaf()).unwrap(),
        }
    }

    /// What somebody who asks the office has.
    pub(crate) fn newcomer(&self) -> Arc<rustls::ClientConfig> {
        self.newcomer_at(Off(0))
    }

    /// The same, by another clock.
    pub(crate) fn newcomer_at(&self, clock: Off) -> Arc<rustls::ClientConfig> {
        let pin = read_coordinator(&self.path("client").join(names::COORDINATOR)).unwrap();
        let clock = Arc::new(clock);
        let tls = counter_config(CounterTrust::Roots(self.roots(), None), pin.identity, clock, KeyExchange::DEFAULT);
        Arc::new(tls.unwrap())
    }

    /// A port where everybody is welcomed, and every question is answered with itself, backwards.
    pub(crate) fn listen(&self, at: &str, clock: Off) -> SocketAddr {
        Self::listen_with(at, clock, self.server(clock))
    }

    /// As [`Federation::listen`], of a coordinator that keeps no office.
    pub(crate) fn listen_without_an_office(&self, at: &str) -> SocketAddr {
        let keys = self.server(Off(0));
        let peers = Arc::clone(&keys.peers);
        Self::listen_with(at, Off(0), ServerKeys { office: None, quic: peers, ..keys })
    }

    /// As [`Federation::listen`], of a coordinator that began without an office, and has taken up keys with one.
    pub(crate) fn listen_with_an_office_that_came_later(&self, at: &str) -> SocketAddr {
        let keys = self.server(Off(0));
        let peers = Arc::clone(&keys.peers);
        let listener = opened(at, ServerKeys { office: None, quic: peers, ..keys });
        listener.set_keys(self.server(Off(0))).unwrap();
        Self::serve(listener, Off(0))
    }

    fn listen_with(at: &str, clock: Off, keys: ServerKeys) -> SocketAddr {
        Self::serve(opened(at, keys), clock)
    }

    fn serve(listener: Listener, clock: Off) -> SocketAddr {
        let address = listener.address();
        tokio::spawn(async move {
            while let Some(attempt) = listener.next().await {
                tokio::spawn(async move {
                    match attempt.accept(|| {}).await {
                        Ok(Accepted::Peer(wire)) => {
                            let Ok((greeted, _)) = Greeted::by_peer(*wire).await else { return };
                            let mut link = Link::new(Timers::default());
                            let welcome = Welcome {
                                link: LinkId([7; 16]),
                                resumed: false,
                                received: 0,
                                unix_seconds: clock.seconds(),
                            };
                            link.welcome(greeted, 0, welcome).unwrap();
                            link.tend_to_end().await;
                        }
                        Ok(Accepted::Newcomer(mut stream)) => {
                            let mut question = stream.question(1 << 20).await.unwrap();
                            question.reverse();
                            stream.answer(&question).await.unwrap();
                        }
                        // The client says why.
                        Err(_) => {}
                    }
                });
            }
        });
        address
    }
}

/// A listener of both transports.
pub(crate) fn opened(at: &str, keys: ServerKeys) -> Listener {
    let settings = ListenSettings { listen: at.into(), tcp: true, path: Path::default(), timers: Timers::default() };
    Listener::open(&settings, keys).unwrap()
}

/// Where and how to dial.
pub(crate) fn way(address: impl ToString, mode: Mode) -> DialSettings {
    DialSettings {
        address: address.to_string(),
        server_name: "localhost".into(),
        mode,
        proxy: None,
        path: Path::default(),
        timers: Timers::default(),
    }
}

/// A client's channel to a coordinator there.
pub(crate) fn channel(federation: &Federation, address: SocketAddr, mode: Mode, timers: Timers) -> Channel {
    let tls = federation.client(Off(0)).tls;
    let dial = DialSettings { timers, ..way(address, mode) };
    Channel::new(ChannelSettings { dial, keys: Box::new(move || (tls.clone(), Vec::new())) })
}

/// What a channel tells next.
pub(crate) async fn next(channel: &mut Channel) -> Event {
    tokio::time::timeout(PATIENCE, channel.next()).await.unwrap()
}

pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}
