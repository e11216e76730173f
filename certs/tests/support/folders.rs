//! An authority's folder with a coordinator and branches, as the commands make them.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tributary_certs::enrolment::{
    Apart, CoordinatorRequest, EnrolmentError, init_authority, init_authority_apart, issue_client, issue_coordinator,
    names,
};
use tributary_certs::fault::FaultKind;
use tributary_certs::identity::{Identity, TrustDomain};
use tributary_certs::office::{
    Bundle, Installed, Office, TokenRequest, begin, begin_renewal, install, install_renewal, make_token,
};
use tributary_certs::revocation::{RevocationFileError, RevocationLists, Seen, take_carried};
use tributary_certs::tls::{Credentials, TrustRoots};
use tributary_protocol::ids::ClientId;

use super::NOW;

/// An authority's folder, with what it makes for others beside it.
pub(crate) struct Folders {
    folder: tempfile::TempDir,
}

impl Folders {
    /// An authority with its offline keys apart, a coordinator, and `branch-1`, whose keys the office made.
    pub(crate) fn new() -> Self {
        let own = Self { folder: tempfile::tempdir().unwrap() };
        init_authority_apart(&own.ca(), Apart { offline: &own.usb(), holders: &[] }, &domain(), 1, 1, NOW).unwrap();
        own.issue_coordinator();
        own.issue("branch-1");
        own
    }

    /// An authority (2 of 3) with every key in its folder, and a coordinator. No branch is a member yet.
    pub(crate) fn whole() -> Self {
        let own = Self { folder: tempfile::tempdir().unwrap() };
        init_authority(&own.ca(), &domain(), 3, 2, NOW).unwrap();
        own.issue_coordinator();
        own
    }

    fn issue_coordinator(&self) {
        let (hosts, addresses) = (["coordinator.example".to_owned()], ["127.0.0.1".parse().unwrap()]);
        let request =
            CoordinatorRequest { organisation: "bank", id: "centre", host_names: &hosts, addresses: &addresses };
        issue_coordinator(&self.ca(), &request, &self.at("centre"), NOW).unwrap();
    }

    /// A member of the bank in the north, whose keys the office makes.
    pub(crate) fn issue(&self, id: &str) {
        issue_client(&self.ca(), "north-bank", id, &self.at(id), NOW).unwrap();
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.at("ca")
    }

    pub(crate) fn usb(&self) -> PathBuf {
        self.at("usb")
    }

    pub(crate) fn text(&self) -> Vec<u8> {
        std::fs::read(self.ca().join(names::REVOCATIONS)).unwrap()
    }

    pub(crate) fn coordinator(&self) -> Identity {
        Identity::parse("spiffe://federation.example/bank/coordinator/centre").unwrap()
    }

    pub(crate) fn take(&self, text: &[u8], now: u64) -> Result<bool, RevocationFileError> {
        take_carried(&self.at("branch-1"), &self.coordinator(), text, now)
    }

    pub(crate) fn office(&self) -> Office {
        Office::open(&self.ca()).unwrap()
    }

    /// Where [`Self::token`] writes a bundle.
    pub(crate) fn bundle(&self, id: &str, again: bool, now: u64) -> PathBuf {
        self.at(&format!("{id}-{now}-{again}.bundle"))
    }

    /// A bundle for a branch of this id, which waits for nobody's approval.
    pub(crate) fn token(&self, id: &str, again: bool, now: u64) -> Bundle {
        self.asked_token(id, false, again, now).unwrap()
    }

    /// As [`Self::token`]; a person may have to approve, and the office may refuse.
    pub(crate) fn asked_token(
        &self,
        id: &str,
        approval: bool,
        again: bool,
        now: u64,
    ) -> Result<Bundle, EnrolmentError> {
        let path = self.bundle(id, again, now);
        let request = TokenRequest {
            organisation: "north-bank",
            id,
            coordinator_address: "coordinator.example:7443",
            hours: 24,
            approval,
            again,
        };
        make_token(&self.ca(), &request, &path, now)?;
        Ok(Bundle::read(&path).unwrap())
    }

    pub(crate) fn enrol(&self, id: &str, now: u64) -> Installed {
        let begun = begin(&self.token(id, false, now), &self.at(id)).unwrap();
        install(&self.office().answer(&begun.request, now), &self.at(id), now).unwrap()
    }

    pub(crate) fn renew(&self, id: &str, client: ClientId, now: u64) -> Result<Installed, EnrolmentError> {
        let begun = begin_renewal(&self.at(id), client).unwrap();
        install_renewal(&self.at(id), &self.office().answer(&begun.request, now), now)
    }

    pub(crate) fn credentials(&self, id: &str) -> Credentials {
        Credentials::read(&self.at(id).join(names::CHAIN), &self.at(id).join(names::KEY)).unwrap()
    }

    /// The authority's own lists of what it revoked.
    pub(crate) fn lists(&self) -> RevocationLists {
        self.read_lists(&self.ca().join(names::REVOCATIONS)).unwrap()
    }

    pub(crate) fn read_lists(&self, path: &Path) -> Result<RevocationLists, RevocationFileError> {
        let trust = self.ca().join(names::TRUST);
        let roots = TrustRoots::read(&trust).unwrap();
        RevocationLists::read(path, &roots, &Seen::beside(&trust).unwrap(), None).map(|read| read.lists)
    }

    /// Reads the lists as the branch does before a connection, and puts them in force.
    pub(crate) fn branch_lists(&self) -> Result<RevocationLists, RevocationFileError> {
        in_force(&self.at("branch-1"))
    }
}

fn domain() -> TrustDomain {
    TrustDomain::parse("federation.example").unwrap()
}

/// Reads a folder's lists, and puts them in force.
pub(crate) fn in_force(folder: &Path) -> Result<RevocationLists, RevocationFileError> {
    let trust = folder.join(names::TRUST);
    let roots = TrustRoots::read(&trust).unwrap();
    let mut seen = Seen::beside(&trust).unwrap();
    let lists = RevocationLists::read(&folder.join(names::REVOCATIONS), &roots, &seen, None)?.lists;
    seen.note(&lists, None).unwrap();
    Ok(lists)
}

/// The number of a refusal.
pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T, EnrolmentError>) -> FaultKind {
    match result {
        Err(EnrolmentError::Refused(fault)) => fault.kind,
        other => panic!("not refused with a number: {other:?}"),
    }
}

/// Every file of a folder with its content.
pub(crate) fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.path().is_file());
    files.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())).collect()
}

pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    contents(folder).into_keys().collect()
}
