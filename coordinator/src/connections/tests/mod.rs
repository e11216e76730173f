//! Whoever has a member's stolen TLS key, or none, at the real door over real sockets.

mod admission;
mod members;
mod sessions;
mod strangers;
mod told;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tributary_daemon::Watchdog;
use tributary_transport::{
    DialSettings, Dialer, End, Greeted, Greeting, LinkId, ListenSettings, Listener, Mode, Timers, Transport, Welcome,
};

use super::*;
use crate::enrolled::{Federation, now};
use crate::identity::OwnIdentity;
use crate::settings::Settings;

/// So long that only a hanging test meets it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A door of two members, and a machine that takes nothing before the test lets it.
struct House {
    federation: Federation,
    door: Arc<Door>,
    members: Arc<Members>,
    machine: mpsc::Receiver<Arrival>,
    address: SocketAddr,
}

impl House {
    /// The machine has room for so many inputs that wait.
    async fn open(inputs_max: usize) -> Self {
        Self::open_at(Federation::new(2), inputs_max).await
    }

    /// With the office.
    async fn open_at(federation: Federation, inputs_max: usize) -> Self {
        Self::open_by(federation, inputs_max, now).await
    }

    /// By another clock.
    async fn open_by(federation: Federation, inputs_max: usize, unix_seconds: fn() -> u64) -> Self {
        Self::opened(federation, inputs_max, unix_seconds, true).await
    }

    /// Questions to the office come to a door that has none.
    async fn open_without_office(federation: Federation) -> Self {
        Self::opened(federation, 4, now, false).await
    }

    async fn opened(federation: Federation, inputs_max: usize, unix_seconds: fn() -> u64, office: bool) -> Self {
        let settings = Settings::load(&federation.settings(|text| text)).unwrap();
        let authority = federation.path("authority");
        let pulse = || Watchdog::new().watch("loop", "loop_stalled_seconds", "Help.", PATIENCE);
        let Ok(own) = OwnIdentity::open(settings.identity, Some(authority.clone()), now()) else {
            panic!("a good identity")
        };
        let members = Arc::new(Members::open(&own.roster.roster, &federation.path("")).unwrap());
        let (inputs, machine) = mpsc::channel(inputs_max);
        let limits = Arc::new(Limits::default());
        limits.admit(1 << 10, 1);
        let door = Door::new(DoorSettings {
            members: Arc::clone(&members),
            standing: own.keyring.standing(),
            inputs,
            spool: Spool::new(federation.path("state")),
            limits,
            traffic: Arc::default(),
            timers: Timers::default(),
            office: office.then(|| Counter::new(authority, pulse())),
            ended: own.keyring.ended(),
            unix_seconds,
        });
        let settings = ListenSettings {
            listen: "127.0.0.1:0".into(),
            tcp: true,
            path: tributary_transport::Path::default(),
            timers: Timers::default(),
        };
        let listener = Arc::new(Listener::open(&settings, own.keyring.keys()).unwrap());
        let address = listener.address();
        tokio::spawn(Arc::clone(&door).serve(listener, pulse()));
        Self { federation, door, members, machine, address }
    }

    fn tls(&self, id: &str) -> Arc<rustls::ClientConfig> {
        self.federation.tls(&self.federation.client_folder(id))
    }
}

fn dialer(address: SocketAddr) -> Dialer {
    dialer_over(Mode::Auto, address)
}

fn dialer_over(mode: Mode, address: SocketAddr) -> Dialer {
    Dialer::new(DialSettings {
        address: address.to_string(),
        server_name: "127.0.0.1".into(),
        mode,
        proxy: None,
        path: tributary_transport::Path::default(),
        timers: Timers::default(),
    })
}

/// Connects, greets, and waits for a welcome as long as the client's own patience lets it.
async fn greet(
    dialer: Dialer,
    transport: Transport,
    tls: Arc<rustls::ClientConfig>,
    greeting: Greeting,
) -> Result<(Greeted, Welcome), End> {
    let wire = dialer.over(transport, tls).await.map_err(|fault| End::Cut(fault.to_string().into()))?;
    Greeted::by_us(wire, &greeting).await
}

fn fresh(instance: u8) -> Greeting {
    Greeting { instance: [instance; 16], link: LinkId::default(), received: 0, binding: Vec::new() }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}
