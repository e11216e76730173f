//! The roster's ceremony with three holders in three folders, two of whom must sign; and what a hostile office, or a hostile holder, can try.

mod folders;
mod holders;
mod people;
mod refused;
mod report;
mod shown;

use holders::{Federation, NOW, entry, is, names_in};
use tributary_certs::ceremony::{
    CeremonyError, ChangeReport, Holder, Proposal, install, read_proposal, read_roster_or_proposal,
};
use tributary_certs::enrolment::{names, set_group};
use tributary_certs::identity::Identity;
use tributary_certs::office::{RevocationReason, WhomToRevoke, revoke};
use tributary_certs::roster::read_roster;
use tributary_protocol::ids::ClientId;
use tributary_protocol::roster::{Roster, RosterGroup, SignedRoster};
use tributary_storage::files::Existing;

#[test]
fn two_of_three_holders_sign_and_only_then_the_roster_is_in_force() {
    let federation = Federation::new();
    assert_eq!(names_in(&federation.at("usb")), ["root.key"]);
    assert_eq!(names_in(&federation.at("ben")), ["authorities", "authority-1.key"]);
    federation.issue("north-bank", "branch-1");
    let (path, proposal) = (federation.at("proposal"), federation.propose());
    proposal.write(&path, Existing::Replace).unwrap();
    assert_eq!(read_proposal(&path).unwrap(), proposal);

    // The first time is said aloud.
    is(federation.sign("carla", &proposal, false), |fault| matches!(fault, CeremonyError::First));
    let one = federation.sign("carla", &proposal, true).unwrap();
    for too_few in [&proposal, &one] {
        is(install(&federation.ca(), too_few), |fault| matches!(fault, CeremonyError::NotEnough { needed: 2, .. }));
    }
    for (signed, missing) in [
        (&proposal, "0 signed and 2 must. Carry the file on; it lacks authority-0, authority-1, authority-2"),
        (&one, "1 signed and 2 must. Carry the file on; it lacks authority-0, authority-1"),
    ] {
        let told = install(&federation.ca(), signed).unwrap_err().to_string();
        assert!(told.contains(missing), "{told}");
    }
    assert!(!federation.ca().join(names::ROSTER).exists() && !federation.ca().join("roster-000001").exists());
    is(federation.sign("carla", &one, false), |fault| matches!(fault, CeremonyError::Turn(_)));

    let two = federation.sign("anna", &one, true).unwrap();
    let signers: Vec<u8> = two.signed.signatures.iter().map(|signature| signature.authority).collect();
    assert_eq!(signers, [0, 2]);
    install(&federation.ca(), &two).unwrap();
    assert_eq!(federation.in_force(), two.signed);
    assert_eq!(read_roster(&federation.ca().join("roster-000001"), &federation.authorities()).unwrap(), two.signed);
    is(install(&federation.ca(), &two), |fault| matches!(fault, CeremonyError::Turn(_)));

    // The next one, by another pair: Anna and Carla know what they signed, Ben has seen nothing yet and brings the roster in force.
    federation.issue("north-bank", "branch-2");
    let next = federation.propose();
    is(federation.sign("ben", &next, true), |fault| matches!(fault, CeremonyError::Unseen { epoch: 1, .. }));
    let ben = Holder::open(&federation.at("ben")).unwrap();
    let last = read_roster_or_proposal(&federation.ca().join("roster")).unwrap().0;
    let review = ben.review(next.clone(), Some(last), true, None).unwrap();
    assert_eq!((review.report.count(), review.since.is_none()), (1, true));
    let signed = ben.sign(review).unwrap();
    let review = federation.review("carla", &signed, false).unwrap();
    assert_eq!((review.report.count(), review.since.is_none()), (1, true));
    let signed = federation.sign("carla", &signed, false).unwrap();
    install(&federation.ca(), &signed).unwrap();
    assert_eq!(federation.in_force().roster.epoch(), 2);

    // Anna signed neither: she brings the last one, and is shown what it changed as well.
    federation.issue("south-bank", "branch-3");
    let third = federation.propose();
    let anna = Holder::open(&federation.at("anna")).unwrap();
    is(anna.review(third.clone(), None, false, None), |fault| matches!(fault, CeremonyError::Unseen { epoch: 2, .. }));
    let review = anna.review(third, Some(federation.in_force()), false, None).unwrap();
    assert_eq!((review.report.count(), review.since.as_ref().map(ChangeReport::count)), (1, Some(1)));
    assert!(review.since.as_ref().unwrap().to_string().contains("north-bank/branch-2"));
    assert!(review.report.to_string().contains("south-bank is a new organisation"), "{}", review.report);
}

#[test]
fn a_proposal_has_one_text() {
    let federation = Federation::founded();
    federation.issue("north-bank", "branch-4");
    set_group(&federation.ca(), "pilot", &[ClientId(1)]).unwrap();
    let whom = Identity::parse("spiffe://federation.example/north-bank/client/branch-3").unwrap();
    revoke(&federation.ca(), &WhomToRevoke::Identity(whom), RevocationReason::Superseded, 7, NOW).unwrap();
    let signed = federation.sign("anna", &federation.propose(), false).unwrap();
    let text = signed.print();
    assert_eq!(Proposal::parse(&text).unwrap(), signed);
    let rests: Vec<&str> = text.lines().filter(|line| line.starts_with("rests ")).collect();
    let [removed, added] = rests[..] else { panic!("{text}") };
    let bad = [
        text.trim_end().to_owned(),
        format!("{text}\n"),
        text.replace('\n', "\r\n"),
        text.replace("proposal 3", "proposal 2"),
        text.replace(&format!("{removed}\n{added}"), &format!("{added}\n{removed}")),
        text.replace(removed, &format!("{removed}\n{removed}")),
        text.replace(added, &added.replace("made-here", "by-hand")),
        text.replace(added, &format!("{added} ")),
        text.replace(added, &added.replace("client 4", "client 04")),
        text.replace(added, &added.replace("unapproved", "approved \u{1b}[2J at 1")),
        text.replace(added, &added.replace("unapproved", "approved an\u{202e}na at 1")),
        text.replace("name north-bank/branch-4", "name north-bank/bran\u{441}h-4"),
        text.replace("name north-bank/branch-4", "name north-bank/branch-4\u{200b}"),
        text.replace("name north-bank/branch-4", "name North-bank/branch-4"),
        text.replace("\nroster\n", "\n"),
        text.replace("\nroster\n", "\nroster\nroster\n"),
        text.replace("group pilot 1", "group pilot 1 "),
        format!("{text}rests client 1 unapproved\n"),
    ];
    for (index, bad) in bad.iter().enumerate() {
        assert_ne!(bad, &text, "{index}");
        assert!(Proposal::parse(bad).is_err(), "{index}: {bad}");
    }
    // A proposal is no roster: no daemon takes one for it.
    std::fs::write(federation.ca().join(names::ROSTER), &text).unwrap();
    assert!(read_roster(&federation.ca().join(names::ROSTER), &federation.authorities()).is_err());
}

/// The largest federation with the longest names: its proposal can be written, carried and read again.
#[test]
fn a_full_roster_of_longest_names_can_be_carried() {
    let federation = Federation::founded();
    let long = "o".repeat(63);
    let proposal = federation.forged(|entries| {
        *entries =
            (1..=10_000).map(|client| entry(u32::MAX - 10_000 + client, &format!("{long}/{client:063}"), 1)).collect();
    });
    let roster = &proposal.signed.roster;
    let members: Vec<ClientId> = roster.entries().iter().map(|entry| entry.client).step_by(2).collect();
    let group = |number: u32| RosterGroup { name: format!("{number:064}"), members: members.clone() };
    let roster =
        Roster::new(2, roster.previous(), roster.entries().to_vec(), (1..=20).map(group).collect(), Vec::new())
            .unwrap();
    let proposal = Proposal { signed: SignedRoster { roster, signatures: vec![] }, ..proposal };
    let path = federation.at("proposal");
    proposal.write(&path, Existing::Replace).unwrap();
    assert_eq!(read_proposal(&path).unwrap(), proposal);
}
