//! A ceremony on a medium that fails once. Two holders sign, and both must.

use std::path::Path;

use tributary_protocol::roster::SignedRoster;
use tributary_storage::faults::{each_fault, each_sync_fails_once, number, synced};
use tributary_storage::files::create_private_folder;

use super::*;
use crate::enrolment::{issue_client, names};
use crate::prepared::{NOW, Prepared};
use crate::roster::{RosterAuthorities, read_roster};

/// A federation whose roster keys lie with Anna and with Ben.
fn apart() -> Prepared {
    let own = Prepared::new();
    for (name, key) in [("anna", "authority-0.key"), ("ben", "authority-1.key")] {
        create_private_folder(&own.at(name)).unwrap();
        for file in [key, names::AUTHORITIES] {
            std::fs::copy(own.usb().join(file), own.at(name).join(file)).unwrap();
        }
    }
    own
}

fn sign(folder: &Path, proposal: &Proposal, first: bool) -> Result<Proposal, CeremonyError> {
    let holder = Holder::open(folder)?;
    holder.sign(holder.review(proposal.clone(), None, first, None)?)
}

fn in_force(world: &Prepared) -> Option<SignedRoster> {
    let authorities = RosterAuthorities::read(&world.ca().join(names::AUTHORITIES)).unwrap();
    let path = world.ca().join(names::ROSTER);
    path.exists().then(|| read_roster(&path, &authorities).unwrap())
}

/// Of the first roster and of the next one: neither holder's signature is lost, and the one who signs last has the whole roster.
#[test]
fn a_holder_signs_whichever_write_fails() {
    let prepared = apart();
    for first in [true, false] {
        let mut signed = propose(&prepared.ca(), NOW).unwrap();
        for name in ["anna", "ben"] {
            let failed = each_sync_fails_once(
                || prepared.copied(),
                |world| {
                    let own = sign(&world.at(name), &signed, first)?;
                    assert_eq!(own.signed.signatures.len(), signed.signed.signatures.len() + 1);
                    assert!(Holder::open(&world.at(name)).is_ok());
                    Ok::<_, CeremonyError>(())
                },
            );
            assert!(failed > 0);
            signed = sign(&prepared.at(name), &signed, first).unwrap();
        }
        if first {
            install(&prepared.ca(), &signed).unwrap();
            issue_client(&prepared.ca(), "north-bank", "branch-2", &prepared.at("branch-2"), NOW).unwrap();
        }
    }
}

/// The file that leaves the folder was not written, though the roster is kept here with all signatures: the holder signs the same again, and nothing else.
#[test]
fn whoever_signed_last_signs_the_same_again() {
    let prepared = apart();
    let proposal = propose(&prepared.ca(), NOW).unwrap();
    let one = sign(&prepared.at("anna"), &proposal, true).unwrap();
    let (ben, last) = (prepared.at("ben"), prepared.at("ben/roster-last"));
    let whole = sign(&ben, &one, true).unwrap();
    let kept = std::fs::read(&last).unwrap();
    for first in [true, false] {
        assert_eq!(sign(&ben, &one, first).unwrap(), whole);
    }
    install(&prepared.ca(), &whole).unwrap();
    // Another roster of the same place is another history, and what is kept is not given up for one with fewer signatures.
    assert_eq!(sign(&ben, &proposal, false).unwrap().signed.signatures.len(), 1);
    assert_eq!(std::fs::read(&last).unwrap(), kept);
    issue_client(&prepared.ca(), "north-bank", "branch-2", &prepared.at("branch-2"), NOW).unwrap();
    let next = propose(&prepared.ca(), NOW).unwrap();
    let whole = sign(&ben, &sign(&prepared.at("anna"), &next, false).unwrap(), false).unwrap();
    let kept = std::fs::read(&last).unwrap();
    assert_eq!(sign(&ben, &next, false).unwrap().signed.signatures.len(), 1);
    assert_eq!(std::fs::read(&last).unwrap(), kept);
    assert!(matches!(sign(&ben, &proposal, false), Err(CeremonyError::Roster(_))), "an older one");
    assert!(matches!(sign(&ben, &whole, false), Err(CeremonyError::Turn(_))), "nothing is left to sign");
}

/// The roster in force reads wherever it stops: the one before, or the one that was to be. Of the latter a second attempt says that it is there.
#[test]
fn a_roster_comes_into_force_whichever_write_fails() {
    let prepared = apart();
    let proposal = propose(&prepared.ca(), NOW).unwrap();
    let signed = sign(&prepared.at("ben"), &sign(&prepared.at("anna"), &proposal, true).unwrap(), true).unwrap();
    let failed = each_fault(|fault| {
        let world = prepared.copied();
        assert_eq!(fault.during(|| install(&world.ca(), &signed)).is_err(), fault.struck());
        match in_force(&world) {
            None => drop(install(&world.ca(), &signed).unwrap()),
            Some(_) => {
                let (told, asked) = synced(None, || install(&world.ca(), &signed));
                assert!(matches!(told, Err(CeremonyError::Turn(_))) && asked == [number(&world.ca())]);
            }
        }
        assert_eq!(in_force(&world).as_ref(), Some(&signed.signed));
    });
    assert!(failed > 0);
    let failed = each_sync_fails_once(|| prepared.copied(), |world| sign_roster_with(&world.ca(), &world.usb()));
    assert!(failed > 0);
}

/// Whoever signs judges by what the folder holds then, not by what it held when it was opened: no key signs two rosters of one epoch.
#[test]
fn of_two_rosters_that_were_reviewed_at_once_one_is_signed() {
    let prepared = apart();
    let one = propose(&prepared.ca(), NOW).unwrap();
    issue_client(&prepared.ca(), "north-bank", "branch-2", &prepared.at("branch-2"), NOW).unwrap();
    let other = propose(&prepared.ca(), NOW).unwrap();
    let [left, right] = [(); 2].map(|()| Holder::open(&prepared.at("anna")).unwrap());
    let review = |holder: &Holder, proposal: &Proposal| holder.review(proposal.clone(), None, true, None).unwrap();
    let (first, second) = (review(&left, &one), review(&right, &other));
    left.sign(first).unwrap();
    let refused = right.sign(second);
    assert!(matches!(refused, Err(CeremonyError::OtherHistory { epoch: 1, .. })), "{:?}", refused.map(drop));
}
