//! An office and three holders of roster keys, of whom two must sign.

use std::path::{Path, PathBuf};

use tributary_certs::ceremony::{CeremonyError, Holder, Proposal, Rests, Review, install, propose};
use tributary_certs::enrolment::{
    Apart, CoordinatorRequest, init_authority_apart, issue_client, issue_coordinator, names,
};
use tributary_certs::identity::TrustDomain;
use tributary_certs::roster::{RosterAuthorities, read_roster};
use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::roster::{MemberName, Person, Roster, RosterEntry, SignedRoster};

pub(crate) const NOW: u64 = 1_900_000_000;

pub(crate) const HOLDERS: [&str; 3] = ["anna", "ben", "carla"];

/// An office, and three holders of whom two must sign.
pub(crate) struct Federation {
    folder: tempfile::TempDir,
}

impl Federation {
    pub(crate) fn new() -> Self {
        let federation = Self { folder: tempfile::tempdir().expect("a folder") };
        let holders = HOLDERS.map(|name| federation.at(name));
        let apart = Apart { offline: &federation.at("usb"), holders: &holders };
        let domain = TrustDomain::parse("federation.example").expect("a good domain");
        init_authority_apart(&federation.ca(), apart, &domain, 3, 2, NOW).expect("made");
        let hosts = ["coordinator.example".to_owned()];
        let request = CoordinatorRequest { organisation: "bank", id: "centre", host_names: &hosts, addresses: &[] };
        issue_coordinator(&federation.ca(), &request, &federation.at("centre"), NOW).expect("issued");
        federation
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.at("ca")
    }

    pub(crate) fn authorities(&self) -> RosterAuthorities {
        RosterAuthorities::read(&self.ca().join(names::AUTHORITIES)).expect("a list")
    }

    pub(crate) fn issue(&self, organisation: &str, id: &str) -> RosterEntry {
        issue_client(&self.ca(), organisation, id, &self.at(id), NOW).expect("issued").entry
    }

    pub(crate) fn propose(&self) -> Proposal {
        propose(&self.ca(), NOW).expect("proposed")
    }

    pub(crate) fn review(&self, holder: &str, proposal: &Proposal, first: bool) -> Result<Review, CeremonyError> {
        Holder::open(&self.at(holder))?.review(proposal.clone(), None, first, None)
    }

    /// A holder who looks at nothing, which a test does not need.
    pub(crate) fn sign(&self, holder: &str, proposal: &Proposal, first: bool) -> Result<Proposal, CeremonyError> {
        Holder::open(&self.at(holder))?.sign(self.review(holder, proposal, first)?)
    }

    /// The first roster, of three members, signed by Anna and Ben, in force.
    pub(crate) fn founded() -> Self {
        let federation = Self::new();
        for number in 1..=3 {
            federation.issue("north-bank", &format!("branch-{number}"));
        }
        federation.in_force_by(true);
        federation
    }

    /// The next roster, signed by Anna and Ben, in force.
    pub(crate) fn in_force_by(&self, first: bool) -> SignedRoster {
        let signed = self.sign("anna", &self.propose(), first).expect("signed");
        let signed = self.sign("ben", &signed, first).expect("countersigned");
        install(&self.ca(), &signed).expect("in force")
    }

    pub(crate) fn in_force(&self) -> SignedRoster {
        read_roster(&self.ca().join(names::ROSTER), &self.authorities()).expect("a roster in force")
    }

    /// A proposal as an office in other hands writes it: any entries, after the roster in force.
    pub(crate) fn forged(&self, change: impl Fn(&mut Vec<RosterEntry>)) -> Proposal {
        self.forged_of(|entries, _| change(entries))
    }

    /// As [`Self::forged`], with any people.
    pub(crate) fn forged_of(&self, change: impl Fn(&mut Vec<RosterEntry>, &mut Vec<Person>)) -> Proposal {
        let last = self.in_force();
        let (mut entries, mut people) = (last.roster.entries().to_vec(), last.roster.people().to_vec());
        change(&mut entries, &mut people);
        let head = last.roster.head();
        let roster = Roster::new(head.epoch + 1, head.digest, entries, vec![], people).expect("a roster");
        Proposal {
            signed: SignedRoster { roster, signatures: vec![] },
            made: NOW,
            authorities: self.authorities().digest(),
            last: last.signatures,
            rests: Rests::default(),
        }
    }
}

pub(crate) fn entry(client: u32, name: &str, organisation: u32) -> RosterEntry {
    RosterEntry {
        client: ClientId(client),
        name: MemberName::parse(name).expect("a name"),
        organisation: OrganisationId(organisation),
        signing_key: SigningKey::from_seed(&Digest::of(&client.to_le_bytes()).0).verifying_key(),
        tls_spki_sha256: Digest::of(&client.to_be_bytes()),
        not_after: NOW + 1,
    }
}

pub(crate) fn is<T>(result: Result<T, CeremonyError>, wanted: impl Fn(&CeremonyError) -> bool) {
    match result {
        Err(fault) => assert!(wanted(&fault), "{fault:?}"),
        Ok(_) => panic!("nothing was refused"),
    }
}

pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("listed").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    names
}
