//! Certificates, roster and settings in a folder.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tributary_certs::ceremony::sign_roster;
use tributary_certs::enrolment::{
    CoordinatorRequest, Member, init_authority, issue_client, issue_coordinator, names, open_authority,
};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::identity::{Identity, Role, TrustDomain};
use tributary_certs::issue::{LeafRequest, Validity};
use tributary_certs::keys::TlsKey;
use tributary_certs::office::{ROOT_LIST_DAYS, fresh_root_list};
use tributary_certs::provider::KeyExchange;
use tributary_certs::revocation::{RevocationLists, Seen};
use tributary_certs::tls::{ClientTls, Credentials, TrustRoots, client_config, system_clock};
use tributary_coordinator::federation::plans::activate_plan;
use tributary_coordinator::settings::PlanFiles;
use tributary_planning::demonstration::TwoPeople;

pub(crate) const DAY: u64 = 86_400;

/// Unix seconds.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// A federation with one coordinator and some clients.
pub(crate) struct Federation {
    folder: tempfile::TempDir,
    pub(crate) members: Vec<Member>,
}

impl Federation {
    /// An authority that is a year old, a coordinator, `clients` enrolled clients and their roster.
    pub(crate) fn new(clients: usize) -> Self {
        Self::aged(clients, now(), now())
    }

    /// [`Federation::new`] with coordinator and clients enrolled at other times, less than two years ago.
    pub(crate) fn aged(clients: usize, coordinator_at: u64, clients_at: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let domain = TrustDomain::parse("federation.example").unwrap();
        let authority = folder.path().join("authority");
        init_authority(&authority, &domain, 1, 1, now() - 400 * DAY).unwrap();
        fresh_root_list(&authority, &authority, ROOT_LIST_DAYS, now()).unwrap();
        let request = CoordinatorRequest {
            organisation: "centre",
            id: "main",
            host_names: &[],
            addresses: &[IpAddr::V4(Ipv4Addr::LOCALHOST)],
        };
        let federation = Self { folder, members: Vec::new() };
        issue_coordinator(&authority, &request, &federation.coordinator(), coordinator_at).unwrap();
        let members = (0..clients).map(|index| federation.enrol(&format!("branch-{index}"), clients_at)).collect();
        let federation = Self { members, ..federation };
        TwoPeople::enlist(&authority, &federation.path("people"), "north-bank", now()).unwrap();
        sign_roster(&authority).unwrap();
        std::fs::copy(authority.join(names::ROSTER), federation.coordinator().join(names::ROSTER)).unwrap();
        federation
    }

    /// Issues a client's certificate at a time; it is in the next roster, not in this one.
    pub(crate) fn enrol(&self, id: &str, at: u64) -> Member {
        issue_client(&self.path("authority"), "north-bank", id, &self.client_folder(id), at).unwrap()
    }

    /// Gives a client another certificate for the key that it has.
    pub(crate) fn renew(&self, id: &str) {
        let authority = open_authority(&self.path("authority")).unwrap();
        let folder = self.client_folder(id);
        let key = TlsKey::read(&folder.join(names::KEY)).unwrap();
        let identity = Identity::new(authority.trust_domain().clone(), "north-bank", Role::Client, id).unwrap();
        let validity = Validity::starting(now(), 30 * DAY);
        let request = LeafRequest { identity, host_names: vec![], addresses: vec![], validity };
        let chain = authority.issue_for(&mut OsEntropy, &request, &key.spki()).unwrap();
        let text =
            |der: &rustls::pki_types::CertificateDer<'_>| pem::encode(&pem::Pem::new("CERTIFICATE", der.to_vec()));
        std::fs::write(folder.join(names::CHAIN), chain.certificates().iter().map(text).collect::<String>()).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn coordinator(&self) -> PathBuf {
        self.path("coordinator")
    }

    pub(crate) fn client_folder(&self, id: &str) -> PathBuf {
        self.path(&format!("clients/{id}"))
    }

    /// Writes settings and a small plan, which `change` may edit as one text, and has two people sign the plan.
    pub(crate) fn settings(&self, change: impl Fn(String) -> String) -> PathBuf {
        self.settings_of_runs(1, change)
    }

    /// [`Federation::settings`] with a plan of so many runs.
    pub(crate) fn settings_of_runs(&self, runs: u32, change: impl Fn(String) -> String) -> PathBuf {
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/samples/schemas/bank_full.toml");
        let text = format!(
            r#"
[coordinator]
listen = "127.0.0.1:0"
state_dir = "state"
gather_ms = 60000
[identity]
certificate = "coordinator/identity.pem"
private_key = "coordinator/identity.key"
signing_key = "coordinator/signing.key"
ca_certificate = "coordinator/trust.pem"
roster = "coordinator/roster"
authorities = "coordinator/authorities"
[plan]
name = "test"
schema = {schema:?}
model = "logistic"
rounds = 3
privacy = "customer"
epsilon = 4.0
delta = 1e-6
example_clip_norm = 1.0
customers_nominal = 1000
customers_max = 2000
session_rounds = 2
upload_offset_ms = 0
[plan.optimizer]
kind = "sgd"
learning_rate = 1.0
momentum = 0.5
"#
        );
        let path = self.path("coordinator.toml");
        let text = change(text);
        let (settings, plan) = text.split_once("[plan]\n").expect("a plan");
        std::fs::write(&path, settings).unwrap();
        let people = TwoPeople::open(&self.path("people")).unwrap();
        let plan = format!("[plan]\n{plan}");
        people.sign_runs((&plan, runs), self.folder.path(), &self.path("authority"), now()).unwrap();
        activate_plan(&self.path("state"), &self.plan()).unwrap();
        path
    }

    /// The files of the plan that was signed last.
    pub(crate) fn plan(&self) -> PlanFiles {
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/samples/schemas/bank_full.toml");
        PlanFiles { file: self.path("plan.tributary"), schema }
    }

    /// The TLS configuration of a client's folder.
    pub(crate) fn tls(&self, client: &Path) -> Arc<rustls::ClientConfig> {
        let roots = TrustRoots::read(&self.coordinator().join(names::TRUST)).unwrap();
        let trust = self.coordinator().join(names::TRUST);
        let seen = Seen::beside(&trust).unwrap();
        let read = RevocationLists::read(&trust.with_file_name(names::REVOCATIONS), &roots, &seen, None).unwrap();
        let credentials = Credentials::read(&client.join(names::CHAIN), &client.join(names::KEY)).unwrap();
        let tls = ClientTls {
            credentials,
            roots: &roots,
            coordinator: None,
            revocations: &read.lists,
            clock: system_clock(),
            key_exchange: KeyExchange::DEFAULT,
        };
        Arc::new(client_config(tls).unwrap())
    }
}
