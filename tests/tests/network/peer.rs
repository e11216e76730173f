//! Connections with a branch's own identity, and no daemon behind them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tributary_certs::enrolment::names;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::provider::KeyExchange;
use tributary_certs::revocation::{RevocationLists, Seen};
use tributary_certs::tls::{ClientTls, Credentials, TrustRoots, client_config, system_clock};
use tributary_protocol::entropy::Entropy as _;
use tributary_transport::{
    DialSettings, Dialer, Greeted, Greeting, Link, LinkId, Mode, Proxy, Timers, Transport, Wire,
};

/// The TLS configuration of an identity's folder.
pub(crate) fn tls(identity: &Path) -> Arc<rustls::ClientConfig> {
    let roots = TrustRoots::read(&identity.join(names::TRUST)).expect("trust");
    let seen = Seen::beside(&identity.join(names::TRUST)).expect("numbers");
    let read = RevocationLists::read(&identity.join(names::REVOCATIONS), &roots, &seen, None).expect("lists");
    let credentials = Credentials::read(&identity.join(names::CHAIN), &identity.join(names::KEY)).expect("an identity");
    let tls = ClientTls {
        credentials,
        roots: &roots,
        coordinator: None,
        revocations: &read.lists,
        clock: system_clock(),
        key_exchange: KeyExchange::DEFAULT,
    };
    Arc::new(client_config(tls).expect("a configuration"))
}

/// Where and how to dial.
pub(crate) fn way(address: SocketAddr, mode: Mode, proxy: Option<Proxy>) -> DialSettings {
    DialSettings {
        address: address.to_string(),
        server_name: "localhost".into(),
        mode,
        proxy,
        path: tributary_transport::Path::default(),
        timers: Timers::default(),
    }
}

/// Connects, and says nothing.
pub(crate) async fn connect(
    address: SocketAddr,
    tls: Arc<rustls::ClientConfig>,
    transport: Transport,
) -> Result<Wire, String> {
    Dialer::new(way(address, Mode::Auto, None)).over(transport, tls).await.map_err(|fault| fault.to_string())
}

/// Connects and greets as a process of its own.
pub(crate) async fn greet(
    address: SocketAddr,
    tls: Arc<rustls::ClientConfig>,
    transport: Transport,
) -> Result<Link, String> {
    let wire = connect(address, tls, transport).await?;
    let mut instance = [0; 16];
    OsEntropy.fill(&mut instance);
    let greeting = Greeting { instance, link: LinkId::default(), received: 0, binding: Vec::new() };
    let (greeted, welcome) = Greeted::by_us(wire, &greeting).await.map_err(|end| end.to_string())?;
    let mut link = Link::new(Timers::default());
    link.attach(greeted, welcome.received).map_err(|end| end.to_string())?;
    Ok(link)
}
