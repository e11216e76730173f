//! What benches of the network share: identities without data, and what a process costs.
#![allow(dead_code, reason = "each bench uses a part")]

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tributary_certs::ceremony::sign_roster;
use tributary_certs::enrolment::{CoordinatorRequest, init_authority, issue_client, issue_coordinator, names};
use tributary_certs::identity::TrustDomain;
use tributary_certs::provider::KeyExchange;
use tributary_certs::revocation::{RevocationLists, Seen};
use tributary_certs::tls::{
    ClientTls, CoordinatorTls, Credentials, TrustRoots, client_config, server_config, system_clock,
};
use tributary_planning::demonstration::TwoPeople;

/// A coordinator and clients, enrolled, below one folder.
pub(crate) struct Enrolled {
    pub(crate) folder: PathBuf,
}

impl Enrolled {
    /// Issues everything.
    pub(crate) fn create(folder: &Path, clients: usize) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
        let own = Self { folder: folder.to_path_buf() };
        let authority = folder.join("authority");
        init_authority(&authority, &TrustDomain::parse("bank.test").expect("a trust domain"), 1, 1, now)
            .expect("an authority");
        let request = CoordinatorRequest {
            organisation: "bank",
            id: "centre",
            host_names: &["localhost".to_string()],
            addresses: &[IpAddr::V4(Ipv4Addr::LOCALHOST)],
        };
        issue_coordinator(&authority, &request, &own.coordinator(), now).expect("a coordinator");
        for number in 0..clients {
            issue_client(&authority, "bank", &format!("branch-{number:04}"), &own.client(number), now)
                .expect("a client");
        }
        TwoPeople::enlist(&authority, &folder.join("people"), "bank", now).expect("two people");
        sign_roster(&authority).expect("a roster");
        own
    }

    /// What was enrolled before.
    pub(crate) fn open(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    /// The coordinator's identity.
    pub(crate) fn coordinator(&self) -> PathBuf {
        self.folder.join("coordinator")
    }

    /// A client's identity.
    pub(crate) fn client(&self, number: usize) -> PathBuf {
        self.folder.join(format!("clients/{number:04}"))
    }

    /// The coordinator's TLS.
    pub(crate) fn server_tls(&self) -> Arc<rustls::ServerConfig> {
        let folder = self.coordinator();
        let tls = CoordinatorTls {
            credentials: Credentials::read(&folder.join(names::CHAIN), &folder.join(names::KEY)).expect("an identity"),
            roots: &TrustRoots::read(&folder.join(names::TRUST)).expect("trust"),
            revocations: &lists(&folder),
            clock: system_clock(),
            key_exchange: KeyExchange::DEFAULT,
            ended: tributary_certs::ended::EndedCertificates::default(),
        };
        Arc::new(server_config(tls).expect("a configuration"))
    }

    /// A client's TLS.
    pub(crate) fn client_tls(&self, number: usize) -> Arc<rustls::ClientConfig> {
        let folder = self.client(number);
        let tls = ClientTls {
            credentials: Credentials::read(&folder.join(names::CHAIN), &folder.join(names::KEY)).expect("an identity"),
            roots: &TrustRoots::read(&folder.join(names::TRUST)).expect("trust"),
            coordinator: None,
            revocations: &lists(&folder),
            clock: system_clock(),
            key_exchange: KeyExchange::DEFAULT,
        };
        Arc::new(client_config(tls).expect("a configuration"))
    }
}

/// The revocation lists of an identity's folder.
fn lists(folder: &Path) -> RevocationLists {
    let trust = folder.join(names::TRUST);
    let (roots, seen) = (TrustRoots::read(&trust).expect("trust"), Seen::beside(&trust).expect("numbers"));
    RevocationLists::read(&folder.join(names::REVOCATIONS), &roots, &seen, None).expect("lists").lists
}

/// The number behind an option, or what is usual.
pub(crate) fn option(arguments: &[String], name: &str, usual: usize) -> usize {
    let at = arguments.iter().position(|argument| argument == name);
    at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(usual)
}
