use std::path::PathBuf;

use tributary_protocol::ids::ClientId;
use tributary_storage::faults::{each_fault, each_sync_fails_once, number, synced};

use super::*;
use crate::ceremony::Holder;
use crate::identity::TrustDomain;
use crate::inspect::verify_chain;
use crate::keys::{TlsKey, read_verifying_key};
use crate::prepared::{NOW, Prepared, branch, volatile};
use crate::tls::{Credentials, TrustRoots, read_certificates};

/// What an office and its holders keep apart, in a folder of their own.
struct Apartments(tempfile::TempDir);

impl Apartments {
    fn new() -> Self {
        Self(volatile())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn found(&self) -> Result<RosterAuthorities, EnrolmentError> {
        let (offline, holders) = (self.at("usb"), ["anna", "ben"].map(|name| self.at(name)));
        let domain = TrustDomain::parse("federation.example").unwrap();
        init_authority_apart(&self.at("ca"), Apart { offline: &offline, holders: &holders }, &domain, 2, 1, NOW)
    }
}

/// Every key that is there afterwards is one of the federation that was told.
#[test]
fn an_authority_whose_making_broke_off_is_made_anew() {
    let failed = each_sync_fails_once(Apartments::new, |places| {
        let list = places.found()?;
        let root = read_certificates(&places.at("ca").join(names::TRUST)).unwrap();
        let key = TlsKey::read(&places.at("usb").join(names::ROOT_KEY)).unwrap().spki();
        assert!(root.len() == 1 && root[0].windows(key.len()).any(|part| part == key));
        let issuing = open_authority(&places.at("ca"))?;
        assert!(crate::revocation::issued_by(issuing.certificate(), &root[0]));
        assert!(read_members(&places.at("ca"))?.is_empty());
        for name in ["anna", "ben"] {
            assert_eq!(RosterAuthorities::read(&places.at(name).join(names::AUTHORITIES)).unwrap(), list);
            assert!(Holder::open(&places.at(name)).is_ok());
        }
        Ok::<_, EnrolmentError>(())
    });
    assert!(failed > 0);
}

/// What stands is never replaced, nor removed by an attempt that it stops.
#[test]
fn a_second_authority_leaves_the_first_as_it_is() {
    let places = Apartments::new();
    places.found().unwrap();
    let files = || {
        let all = ["ca", "usb", "anna", "ben"].map(|name| std::fs::read_dir(places.at(name)).unwrap());
        let all = all.into_iter().flatten().map(|entry| entry.unwrap().path());
        all.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = files();
    assert!(matches!(places.found(), Err(EnrolmentError::File(FileError::Exists { .. }))));
    assert_eq!(files(), before);
    // Nor is a key that lies in the way of one which has only begun, or the list by which a holder of another federation judges.
    let keys = ["ca/trust-domain", "usb/root.key", "anna/authority-0.key", "ben/authority-1.key"];
    let lists = ["ca/authorities", "anna/authorities", "ben/authorities"];
    for (gone, in_the_way) in [(keys.as_slice(), "anna/authorities"), (lists.as_slice(), "ca/issuing.key")] {
        gone.iter().for_each(|name| std::fs::remove_file(places.at(name)).unwrap());
        let before = files();
        let stopped = places.found();
        assert!(
            matches!(&stopped, Err(EnrolmentError::File(FileError::Exists { path })) if *path == places.at(in_the_way))
        );
        assert_eq!(files(), before);
    }
}

/// Whoever is a member has the keys of its line in its folder, and a certificate of them.
#[test]
fn a_member_whose_enrolment_broke_off_is_enrolled_with_the_keys_that_it_has() {
    let prepared = Prepared::new();
    let failed = each_fault(|fault| {
        let world = prepared.copied();
        let out = world.at("branch-2");
        let issue = || issue_client(&world.ca(), "north-bank", "branch-2", &out, NOW);
        let key = || read_verifying_key(&out.join(names::SIGNING_PUBLIC)).unwrap();
        assert_eq!(fault.during(issue).is_err(), fault.struck());
        let told = read_members(&world.ca()).unwrap().into_iter().find(|member| member.identity == branch("branch-2"));
        assert!(told.is_some() || fault.struck());
        let (again, asked) = synced(None, || fault.struck().then(|| issue().unwrap()));
        let member = again.unwrap_or_else(|| told.clone().unwrap());
        // Where it was a member already, its line is there for good, and the mark does not come back.
        let durable = || asked.contains(&number(&world.ca())) && asked.ends_with(&[number(&out)]);
        assert!(!fault.struck() || durable());
        assert!(told.is_none_or(|told| told == member));
        assert_eq!((key(), read_members(&world.ca()).unwrap().len()), (member.entry.signing_key, 2));
        let credentials = Credentials::read(&out.join(names::CHAIN), &out.join(names::KEY)).unwrap();
        assert_eq!(credentials.spki_sha256().unwrap(), member.entry.tls_spki_sha256);
        assert!(out.join(names::COORDINATOR).exists() && !out.join("unfinished").exists());
    });
    assert!(failed > 0);
}

/// The coordinator that branches are told to expect is the one that has the key, also where a branch was told between the two attempts.
#[test]
fn a_coordinator_whose_enrolment_broke_off_is_enrolled_anew() {
    let prepared = Prepared::new();
    let hosts = ["other.example".to_owned()];
    let request = CoordinatorRequest { organisation: "bank", id: "other", host_names: &hosts, addresses: &[] };
    let failed = each_sync_fails_once(
        || prepared.copied(),
        |world| {
            assert!(read_coordinator(&world.ca().join(names::COORDINATOR)).is_ok());
            let out = world.at("other");
            let pin = issue_coordinator(&world.ca(), &request, &out, NOW)?;
            assert_eq!(read_coordinator(&world.ca().join(names::COORDINATOR)).unwrap(), pin);
            assert_eq!(read_verifying_key(&out.join(names::SIGNING_PUBLIC)).unwrap(), pin.signing_key);
            let chain = read_certificates(&out.join(names::CHAIN)).unwrap();
            let roots = TrustRoots::read(&out.join(names::TRUST)).unwrap();
            assert_eq!(verify_chain(&roots, &chain[0], &chain[1..], NOW).unwrap(), pin.identity);
            Ok::<_, EnrolmentError>(())
        },
    );
    assert!(failed > 0);
    let mut told = 0;
    each_fault(|fault| {
        let world = prepared.copied();
        let issue = || issue_coordinator(&world.ca(), &request, &world.at("other"), NOW);
        assert_eq!(fault.during(issue).is_err(), fault.struck());
        let between = read_coordinator(&world.ca().join(names::COORDINATOR)).unwrap();
        if fault.struck() && between.identity.id() == "other" {
            told += 1;
            let ((again, asked), ca) = (synced(None, issue), number(&world.ca()));
            assert!(again.unwrap() == between && asked.contains(&ca) && asked.ends_with(&[number(&world.at("other"))]));
        }
    });
    assert_eq!(told, 2, "the pin's folder, and the mark's");
}

/// A group that is gone is not removed a second time: whoever types it again is told so, and the list is as it was meant.
#[test]
fn a_group_is_named_and_removed_whichever_write_fails() {
    let prepared = Prepared::new();
    let name = |world: &Prepared, name: &str| set_group(&world.ca(), name, &[ClientId(1)]);
    name(&prepared, "pilot").unwrap();
    let named = |world: &Prepared| -> Vec<String> {
        read_groups(&world.ca()).unwrap().into_iter().map(|group| group.name).collect()
    };
    let failed = each_sync_fails_once(
        || prepared.copied(),
        |world| name(world, "second").inspect(|_| assert_eq!(named(world), ["pilot", "second"])),
    );
    assert!(failed > 0);
    let failed = each_fault(|fault| {
        let world = prepared.copied();
        let remove = || remove_group(&world.ca(), "pilot");
        assert_eq!(fault.during(remove).is_err(), fault.struck());
        if named(&world) == ["pilot"] {
            remove().unwrap();
        }
        assert_eq!(named(&world), [""; 0]);
        let (told, asked) = synced(None, remove);
        assert!(matches!(told, Err(EnrolmentError::Group { .. })) && asked == [number(&world.ca())]);
    });
    assert!(failed > 0);
}
