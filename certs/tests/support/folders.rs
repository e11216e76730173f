//! An authority's folder with a coordinator and a branch, as the commands make them.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::{Path, PathBuf};

use tributary_certs::enrolment::{
    Apart, CoordinatorRequest, EnrolmentError, init_authority_apart, issue_client, issue_coordinator, names,
};
use tributary_certs::fault::FaultKind;
use tributary_certs::identity::{Identity, TrustDomain};
use tributary_certs::office::{Bundle, Office, TokenRequest, begin_renewal, install_renewal, make_token};
use tributary_certs::revocation::{RevocationFileError, RevocationLists, Seen, take_carried};
use tributary_certs::tls::TrustRoots;
use tributary_protocol::ids::ClientId;

use super::NOW;

/// An authority's folder with its offline keys apart, a coordinator and a branch.
pub(crate) struct Folders {
    folder: tempfile::TempDir,
}

impl Folders {
    pub(crate) fn new() -> Self {
        let own = Self { folder: tempfile::tempdir().unwrap() };
        let domain = TrustDomain::parse("federation.example").unwrap();
        init_authority_apart(&own.ca(), Apart { offline: &own.usb(), holders: &[] }, &domain, 1, 1, NOW).unwrap();
        let hosts = ["coordinator.example".to_owned()];
        let request = CoordinatorRequest { organisation: "bank", id: "centre", host_names: &hosts, addresses: &[] };
        issue_coordinator(&own.ca(), &request, &own.at("centre"), NOW).unwrap();
        issue_client(&own.ca(), "north-bank", "branch-1", &own.at("branch-1"), NOW).unwrap();
        own
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

    /// A bundle for a branch of this id.
    pub(crate) fn token(&self, id: &str, again: bool, now: u64) -> Bundle {
        let path = self.at(&format!("{id}-{now}.bundle"));
        let request = TokenRequest {
            organisation: "north-bank",
            id,
            coordinator_address: "coordinator.example:7443",
            hours: 24,
            approval: false,
            again,
        };
        make_token(&self.ca(), &request, &path, now).unwrap();
        Bundle::read(&path).unwrap()
    }

    /// Reads the lists as the branch does before a connection, and puts them in force.
    pub(crate) fn branch_lists(&self) -> Result<RevocationLists, RevocationFileError> {
        in_force(&self.at("branch-1"))
    }

    pub(crate) fn renew(&self, now: u64) -> Result<(), FaultKind> {
        let begun = begin_renewal(&self.at("branch-1"), ClientId(1)).unwrap();
        let answer = self.office().answer(&begun.request, now);
        install_renewal(&self.at("branch-1"), &answer, now).map(|_| ()).map_err(|error| match error {
            EnrolmentError::Refused(fault) => fault.kind,
            other => panic!("{other}"),
        })
    }
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
