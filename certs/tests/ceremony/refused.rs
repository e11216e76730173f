//! Proposals that a holder refuses, and that are not put in force.

use tributary_certs::ceremony::{CeremonyError, Holder, Proposal, install};
use tributary_certs::keys::read_signing_key;
use tributary_certs::roster::{RosterAuthorities, countersign};
use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::roster::{Roster, RosterError, SignedRoster};

use crate::holders::{Federation, HOLDERS, entry, is, names_in};

#[test]
fn what_was_changed_after_the_first_signature_is_refused() {
    let federation = Federation::founded();
    federation.issue("north-bank", "branch-4");
    let signed = federation.sign("anna", &federation.propose(), false).unwrap();
    let mut padded = signed.clone();
    let (epoch, previous) = (signed.signed.roster.epoch(), signed.signed.roster.previous());
    let mut entries = signed.signed.roster.entries().to_vec();
    entries.push(entry(9, "north-bank/sybil", 1));
    padded.signed.roster = Roster::new(epoch, previous, entries, vec![], Vec::new()).unwrap();
    let forged =
        |fault: &CeremonyError| matches!(fault, CeremonyError::Roster(RosterError::BadSignature { authority: 0 }));
    is(federation.sign("ben", &padded, false), forged);
    is(install(&federation.ca(), &padded), forged);
    // A signature that is another's, twice the same, or of an authority that is none.
    let mut stranger = signed.clone();
    stranger.signed.signatures[0].authority = 2;
    is(federation.sign("ben", &stranger, false), |fault| {
        matches!(fault, CeremonyError::Roster(RosterError::BadSignature { authority: 2 }))
    });
    let mut twice = signed.clone();
    twice.signed.signatures.push(twice.signed.signatures[0].clone());
    is(install(&federation.ca(), &twice), |fault| {
        matches!(fault, CeremonyError::Roster(RosterError::SignatureOrder { .. }))
    });
    let mut nobody = signed.clone();
    nobody.signed.signatures[0].authority = 7;
    is(federation.sign("ben", &nobody, false), |fault| {
        matches!(fault, CeremonyError::Roster(RosterError::UnknownAuthority { authority: 7 }))
    });
    // The true one is countersigned as ever.
    install(&federation.ca(), &federation.sign("ben", &signed, false).unwrap()).unwrap();
}

#[test]
fn a_key_signs_one_history() {
    let federation = Federation::founded();
    federation.issue("north-bank", "branch-4");
    let first = federation.propose();
    let anna = || Holder::open(&federation.at("anna")).unwrap();
    let one = federation.sign("anna", &first, false).unwrap();
    // The same again, as after a crash before the file was written.
    assert_eq!(federation.sign("anna", &first, false).unwrap(), one);
    let second = federation.forged(|entries| entries.push(entry(9, "north-bank/other", 1)));
    is(
        federation.review("anna", &second, false),
        |fault| matches!(fault, CeremonyError::OtherHistory { epoch: 2, signed, copy } if *signed == first.signed.roster.digest() && copy.exists()),
    );
    is(federation.review("anna", &second, true), |fault| matches!(fault, CeremonyError::NotFirst { epoch: 1 }));
    let wrong = anna().review(second.clone(), None, false, Some(Digest::of(b"another")));
    is(wrong, |fault| matches!(fault, CeremonyError::OtherHistory { .. }));
    // The first one was given up, and every copy destroyed: she says which.
    let instead = Some(first.signed.roster.digest());
    let review = anna().review(second.clone(), None, false, instead).unwrap();
    let two = anna().sign(review).unwrap();
    // Both are kept: neither is signed away by the other.
    let kept = names_in(&federation.at("anna"));
    assert_eq!(kept.iter().filter(|name| name.starts_with("roster-signed-000002-")).count(), 2, "{kept:?}");
    is(federation.review("anna", &first, false), |fault| matches!(fault, CeremonyError::OtherHistory { .. }));
    // Once a holder has seen enough signatures, there is nothing to be given up any more.
    federation.sign("ben", &two, false).unwrap();
    let ben = Holder::open(&federation.at("ben")).unwrap();
    let again = ben.review(first, None, false, Some(second.signed.roster.digest()));
    is(again, |fault| matches!(fault, CeremonyError::Roster(RosterError::Rollback { .. } | RosterError::Fork { .. })));
    install(&federation.ca(), &two).unwrap_err();
}

#[test]
fn a_proposal_that_does_not_follow_the_last_roster_is_refused() {
    let federation = Federation::founded();
    let (last, good) = (federation.in_force(), federation.forged(|entries| drop(entries.pop())));
    let with = |epoch, previous| {
        let roster = Roster::new(epoch, previous, good.signed.roster.entries().to_vec(), vec![], Vec::new()).unwrap();
        Proposal { signed: SignedRoster { roster, signatures: vec![] }, ..good.clone() }
    };
    let jump = with(3, last.roster.digest());
    is(federation.review("anna", &jump, false), |fault| matches!(fault, CeremonyError::NotNext { epoch: 3, last: 1 }));
    // Another beginning: Ben has seen that one is in force, and Anna has signed it.
    let beginning = with(1, Digest::ZERO);
    is(federation.review("ben", &beginning, false), |fault| {
        matches!(fault, CeremonyError::Roster(RosterError::Fork { epoch: 1 }))
    });
    is(federation.review("anna", &beginning, false), |fault| {
        matches!(fault, CeremonyError::OtherHistory { epoch: 1, .. })
    });
    // A predecessor that nobody signed, or that one holder signed.
    let invented = with(2, Digest::of(b"invented"));
    is(federation.review("anna", &invented, false), |fault| {
        matches!(fault, CeremonyError::Roster(RosterError::BadSignature { .. }))
    });
    let thin = Proposal { last: good.last[..1].to_vec(), ..good.clone() };
    is(federation.review("anna", &thin, false), |fault| {
        matches!(fault, CeremonyError::Roster(RosterError::TooFewSignatures { present: 1, needed: 2 }))
    });
    // The office's list of authorities: another threshold, another order, another key.
    let keys = federation.authorities().keys().to_vec();
    let mut turned = keys.to_vec();
    turned.swap(0, 1);
    let mut other = keys.to_vec();
    other[2] = SigningKey::from_seed(&[3; 32]).verifying_key();
    for (needed, keys) in [(1, keys), (2, turned), (2, other)] {
        let authorities = RosterAuthorities::new(needed, keys).unwrap().digest();
        let proposal = Proposal { authorities, ..good.clone() };
        is(federation.review("anna", &proposal, false), |fault| matches!(fault, CeremonyError::OtherAuthorities));
    }
    // Nor is one put in force, however many signed it.
    let mut jump = jump;
    for (index, holder) in (0..).zip(HOLDERS) {
        let key = read_signing_key(&federation.at(holder).join(format!("authority-{index}.key"))).unwrap();
        countersign(&mut jump.signed, &federation.authorities(), index, &key).unwrap();
    }
    is(install(&federation.ca(), &jump), |fault| matches!(fault, CeremonyError::NotNext { epoch: 3, last: 1 }));
    assert_eq!(federation.in_force(), last);
    assert!(federation.review("anna", &good, false).is_ok());
}
