//! A federation for tests, made once and copied for every turn: copying takes less time than making keys and lists.

use std::error::Error;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::enrolment::{Apart, CoordinatorRequest, init_authority_apart, issue_client, issue_coordinator};
use crate::identity::{Identity, TrustDomain};
use tributary_storage::faults::synced;

/// When it was made.
pub(crate) const NOW: u64 = 1_900_000_000;

/// What some work says, whichever of its steps failed.
pub(crate) type Said = Result<(), Box<dyn Error>>;

/// A federation's folders: `ca`, its offline keys in `usb`, the coordinator's `centre`, and `branch-1`, whose keys were made here.
pub(crate) struct Prepared(TempDir);

impl Prepared {
    pub(crate) fn new() -> Self {
        let own = Self(volatile());
        let domain = TrustDomain::parse("federation.example").expect("a good domain");
        let apart = Apart { offline: &own.at("usb"), holders: &[] };
        init_authority_apart(&own.ca(), apart, &domain, 2, 2, NOW).expect("made");
        let hosts = ["coordinator.example".to_owned()];
        let request = CoordinatorRequest { organisation: "bank", id: "centre", host_names: &hosts, addresses: &[] };
        issue_coordinator(&own.ca(), &request, &own.at("centre"), NOW).expect("issued");
        issue_client(&own.ca(), "north-bank", "branch-1", &own.at("branch-1"), NOW).expect("issued");
        own
    }

    /// The same in another place.
    pub(crate) fn copied(&self) -> Self {
        let other = Self(volatile());
        copy(self.0.path(), other.0.path());
        other
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.at("ca")
    }

    pub(crate) fn usb(&self) -> PathBuf {
        self.at("usb")
    }
}

/// A folder in memory, where the system has such: a turn asks for dozens of syncs, and nothing of it is to be kept.
pub(crate) fn volatile() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

/// Has a chain and its key renewed, as far as to where the key alone has changed its name ([`crate::renewal`]).
pub(crate) fn half_switched(chain: &Path, renew: impl FnOnce()) {
    let old = fs::read(chain).expect("read");
    renew();
    fs::rename(chain, chain.with_extension("next.pem")).expect("named");
    fs::write(chain, old).expect("written");
}

/// Does some work that the first failure of a sync ends. Then it goes well.
pub(crate) fn ends_at_its_first_sync<T, E: std::fmt::Debug>(work: impl Fn() -> Result<T, E>) -> T {
    let (done, asked) = synced(Some(1), &work);
    assert!(done.is_err() && asked.len() == 1, "{} syncs", asked.len());
    work().expect("goes well")
}

/// A branch of the bank in the north.
pub(crate) fn branch(id: &str) -> Identity {
    Identity::parse(&format!("spiffe://federation.example/north-bank/client/{id}")).expect("a good identity")
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("listed") {
        let path = entry.expect("listed").path();
        let other = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            // Not durably: that would take longer than all the rest.
            fs::DirBuilder::new().mode(0o700).create(&other).expect("made");
            copy(&path, &other);
        } else {
            // With its mode.
            fs::copy(&path, &other).expect("copied");
        }
    }
}
