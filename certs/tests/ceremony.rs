//! The roster's ceremony with three holders in three folders, two of whom must sign; and what a hostile office, or a hostile holder, can try.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tributary_certs::ceremony::{
    CeremonyError, ChangeReport, Holder, Proposal, Rests, Review, install, propose, read_proposal,
    read_roster_or_proposal,
};
use tributary_certs::enrolment::{
    Apart, CoordinatorRequest, init_authority_apart, issue_client, issue_coordinator, names, read_members, set_group,
};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::identity::{Identity, TrustDomain};
use tributary_certs::keys::read_signing_key;
use tributary_certs::office::{
    Bundle, Fingerprint, Office, RevocationReason, TokenRequest, WhomToRevoke, approve, begin, install as enrolled,
    make_token, revoke,
};
use tributary_certs::roster::{RosterAuthorities, countersign, print_roster, read_roster};
use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::roster::{MemberName, Roster, RosterEntry, RosterError, RosterGroup, SignedRoster};
use tributary_storage::files::{Existing, FileError};

const NOW: u64 = 1_900_000_000;

const HOLDERS: [&str; 3] = ["anna", "ben", "carla"];

/// An office, and three holders of whom two must sign.
struct Federation {
    folder: tempfile::TempDir,
}

impl Federation {
    fn new() -> Self {
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

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn ca(&self) -> PathBuf {
        self.at("ca")
    }

    fn authorities(&self) -> RosterAuthorities {
        RosterAuthorities::read(&self.ca().join(names::AUTHORITIES)).expect("a list")
    }

    fn issue(&self, organisation: &str, id: &str) -> RosterEntry {
        issue_client(&self.ca(), organisation, id, &self.at(id), NOW).expect("issued").entry
    }

    fn propose(&self) -> Proposal {
        propose(&self.ca(), NOW).expect("proposed")
    }

    fn review(&self, holder: &str, proposal: &Proposal, first: bool) -> Result<Review, CeremonyError> {
        Holder::open(&self.at(holder))?.review(proposal.clone(), None, first, None)
    }

    /// A holder who looks at nothing, which a test does not need.
    fn sign(&self, holder: &str, proposal: &Proposal, first: bool) -> Result<Proposal, CeremonyError> {
        Holder::open(&self.at(holder))?.sign(self.review(holder, proposal, first)?)
    }

    /// The first roster, of three members, signed by Anna and Ben, in force.
    fn founded() -> Self {
        let federation = Self::new();
        for number in 1..=3 {
            federation.issue("north-bank", &format!("branch-{number}"));
        }
        let signed = federation.sign("anna", &federation.propose(), true).expect("signed");
        let signed = federation.sign("ben", &signed, true).expect("countersigned");
        install(&federation.ca(), &signed).expect("in force");
        federation
    }

    fn in_force(&self) -> SignedRoster {
        read_roster(&self.ca().join(names::ROSTER), &self.authorities()).expect("a roster in force")
    }

    /// A proposal as an office in other hands writes it: any roster, after the one in force.
    fn forged(&self, change: impl Fn(&mut Vec<RosterEntry>)) -> Proposal {
        let last = self.in_force();
        let mut entries = last.roster.entries().to_vec();
        change(&mut entries);
        let roster =
            Roster::new(last.roster.epoch() + 1, last.roster.digest(), entries, vec![], Vec::new()).expect("a roster");
        Proposal {
            signed: SignedRoster { roster, signatures: vec![] },
            made: NOW,
            authorities: self.authorities().digest(),
            last: last.signatures,
            rests: Rests::default(),
        }
    }
}

fn entry(client: u32, name: &str, organisation: u32) -> RosterEntry {
    RosterEntry {
        client: ClientId(client),
        name: MemberName::parse(name).expect("a name"),
        organisation: OrganisationId(organisation),
        signing_key: SigningKey::from_seed(&Digest::of(&client.to_le_bytes()).0).verifying_key(),
        tls_spki_sha256: Digest::of(&client.to_be_bytes()),
        not_after: NOW + 1,
    }
}

fn is<T>(result: Result<T, CeremonyError>, wanted: impl Fn(&CeremonyError) -> bool) {
    match result {
        Err(fault) => assert!(wanted(&fault), "{fault:?}"),
        Ok(_) => panic!("nothing was refused"),
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("listed").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    names
}

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
    let told = install(&federation.ca(), &one).unwrap_err().to_string();
    assert!(told.contains("1 signed and 2 must") && told.contains("authority-0, authority-1"), "{told}");
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
fn a_holder_is_shown_what_each_change_rests_on() {
    let federation = Federation::new();
    federation.issue("bank", "made-here");
    let token = |id: &str, approval| {
        let request = TokenRequest {
            organisation: "bank",
            id,
            coordinator_address: "coordinator.example:7443",
            hours: 24,
            approval,
            again: false,
        };
        let path = federation.at(&format!("{id}.bundle"));
        make_token(&federation.ca(), &request, &path, NOW).unwrap();
        begin(&Bundle::read(&path).unwrap(), &federation.at(id)).unwrap()
    };
    let mut office = Office::open(&federation.ca()).unwrap();
    let by_token = token("by-token", false);
    enrolled(&office.answer(&by_token.request, NOW), &federation.at("by-token"), NOW).unwrap();
    let approved = token("approved", true);
    assert!(enrolled(&office.answer(&approved.request, NOW), &federation.at("approved"), NOW).is_err());
    for by in ["", "two words", "\u{1b}[2J", "\u{202e}", &"x".repeat(65)] {
        assert!(approve(&federation.ca(), &approved.fingerprint, by, NOW).is_err(), "{by:?}");
    }
    approve(&federation.ca(), &approved.fingerprint, "anna.b", NOW + 60).unwrap();
    enrolled(&office.answer(&approved.request, NOW + 120), &federation.at("approved"), NOW + 120).unwrap();
    let by_file = token("by-file", false);
    enrolled(&office.reply_to_file(&by_file.request, NOW).bytes, &federation.at("by-file"), NOW).unwrap();

    let proposal = Proposal::parse(&federation.propose().print()).unwrap();
    let report = federation.review("anna", &proposal, true).unwrap().report;
    let text = report.to_string();
    let after = |name: &str| {
        let rest = text.split(&format!("bank/{name} ")).nth(1).unwrap_or_else(|| panic!("{name} in {text}"));
        rest.split("  + client").next().unwrap().to_owned()
    };
    assert!(after("made-here").contains("the office made itself") && after("made-here").contains("has had them"));
    assert!(after("by-token").contains("over the network") && after("by-token").contains("NOBODY compared"));
    assert!(after("by-file").contains("request file") && after("by-file").contains("NOBODY compared"));
    let approved_line = after("approved");
    assert!(approved_line.contains("approved by anna.b, 2030-03-17 17:47 UTC"), "{approved_line}");
    // The fingerprint is the one that the branch read aloud.
    assert!(approved_line.contains(&approved.fingerprint.to_string()), "{approved_line}");
    assert_eq!(Fingerprint::of_entry(&proposal.signed.roster.entries()[2]), approved.fingerprint);
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["added"][2]["after"]["fingerprint"], approved.fingerprint.to_string());
    assert_eq!((&json["count"], &json["digest"]), (&4.into(), &report.digest().to_string().into()));
    // It asks about each, and about their number.
    let groups: Vec<String> = approved.fingerprint.to_string().split('-').map(str::to_owned).collect();
    let mut places = BTreeSet::new();
    for _ in 0..200 {
        let questions = report.questions(&mut OsEntropy);
        assert_eq!((questions.len(), questions[4].answer.as_str()), (5, "4"));
        let place = (1..=8).find(|place| questions[2].text.contains(&format!("group {place} of the eight"))).unwrap();
        assert_eq!(questions[2].answer, groups[place - 1]);
        places.insert(place);
    }
    // Which group it is, nobody knows before.
    assert_eq!(places.len(), 8);

    // Whoever leaves, and why.
    let signed = federation.sign("anna", &proposal, true).unwrap();
    install(&federation.ca(), &federation.sign("ben", &signed, true).unwrap()).unwrap();
    let whom = Identity::parse("spiffe://federation.example/bank/client/by-token").unwrap();
    revoke(&federation.ca(), &WhomToRevoke::Identity(whom), RevocationReason::KeyCompromise, 7, NOW).unwrap();
    let next = federation.review("anna", &federation.propose(), false).unwrap().report.to_string();
    assert!(next.contains("REMOVED (1)") && next.contains("revoked, key-compromise"), "{next}");
    assert!(next.contains("As before: 3 of 3 members."), "{next}");
}

/// An office in other hands replaces a branch's keys, and hides it among thousands of additions.
#[test]
fn one_replaced_key_among_thousands_of_changes_stands_first() {
    let federation = Federation::founded();
    let proposal = federation.forged(|entries| {
        entries[1].signing_key = SigningKey::from_seed(&[66; 32]).verifying_key();
        entries.extend((100..5_100).map(|client| entry(client, &format!("sybil-bank/branch-{client}"), 9)));
    });
    let report = federation.review("anna", &proposal, false).unwrap().report;
    let text = report.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "Roster 2 follows roster 1: 5001 changes.");
    assert!(lines[2].starts_with("OTHER KEYS OR ANOTHER NAME") && lines[2].ends_with("(1)"), "{}", lines[2]);
    assert!(
        lines[3].contains("- client 2  north-bank/branch-2") && lines[5].contains("+ client 2  north-bank/branch-2")
    );
    assert!(lines[7].contains("NOTHING that it names"), "{}", lines[7]);
    assert!(text.contains("ADDED (5000)") && text.matches("sybil-bank is a new organisation").count() == 5_000);
    assert!(text.contains("As before: 2 of 5003 members."), "{}", lines[lines.len() - 2]);
    assert!(text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)));
    let answers: Vec<String> = report.questions(&mut OsEntropy).into_iter().map(|question| question.answer).collect();
    assert_eq!(answers, ["5001", "0", "5001"]);
    // A number that stands for somebody else is no lesser change.
    let renamed = federation.forged(|entries| entries[1].name = MemberName::parse("north-bank/other").unwrap());
    let text = federation.review("anna", &renamed, false).unwrap().report.to_string();
    assert!(text.contains("OTHER KEYS OR ANOTHER NAME") && text.contains("+ client 2  north-bank/other"), "{text}");
    // A name that looks like another one is pointed at, and so is a name that moves.
    let alike = federation.forged(|entries| entries.push(entry(9, "north-bank/branch-l", 1)));
    let text = federation.review("anna", &alike, false).unwrap().report.to_string();
    assert!(text.contains("LOOKS LIKE north-bank/branch-1 (client 1)"), "{text}");
    let moved = federation.forged(|entries| {
        let gone = entries.remove(0);
        entries.push(RosterEntry { client: ClientId(9), ..gone });
    });
    let text = federation.review("anna", &moved, false).unwrap().report.to_string();
    assert!(text.contains("this name was client 1 before"), "{text}");
}

#[test]
fn a_group_that_changes_is_shown() {
    let federation = Federation::founded();
    set_group(&federation.ca(), "pilot", &[ClientId(1), ClientId(3)]).unwrap();
    let report = federation.review("anna", &federation.propose(), false).unwrap().report;
    assert_eq!(report.count(), 1);
    assert!(report.to_string().contains("  ~ pilot (new)  + clients 1, 3\n"), "{report}");
}

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

#[cfg(unix)]
#[test]
fn a_holder_s_folder_is_its_own() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let federation = Federation::founded();
    federation.issue("north-bank", "branch-4");
    let proposal = federation.propose();
    let anna = federation.at("anna");
    let last = anna.join("roster-last");
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    // Signed once with a predecessor, there is a last roster; nobody else reads or changes it.
    federation.sign("anna", &proposal, false).unwrap();
    assert_eq!(std::fs::metadata(&last).unwrap().permissions().mode() & 0o777, 0o600);
    mode(&last, 0o666);
    is(federation.review("anna", &proposal, false), |fault| {
        matches!(fault, CeremonyError::File(FileError::NotOwn { .. }))
    });
    mode(&last, 0o600);
    // A link to what the office writes.
    let elsewhere = federation.at("elsewhere");
    std::fs::rename(&last, &elsewhere).unwrap();
    symlink(&elsewhere, &last).unwrap();
    is(federation.review("anna", &proposal, false), |fault| {
        matches!(fault, CeremonyError::File(FileError::NotOwn { .. }))
    });
    // One that leads nowhere is not "no roster yet".
    std::fs::rename(&elsewhere, federation.at("gone")).unwrap();
    is(federation.review("anna", &proposal, true), |fault| {
        matches!(fault, CeremonyError::File(FileError::NotOwn { .. }))
    });
    std::fs::remove_file(&last).unwrap();
    std::fs::rename(federation.at("gone"), &last).unwrap();
    // A last roster that too few signed is none.
    let text = std::fs::read_to_string(&last).unwrap();
    let cut = text
        .lines()
        .filter(|line| !line.starts_with("signature 1"))
        .fold(String::new(), |text, line| text + line + "\n");
    std::fs::write(&last, cut).unwrap();
    is(federation.review("anna", &proposal, false), |fault| {
        matches!(fault, CeremonyError::Roster(RosterError::TooFewSignatures { .. }))
    });
    std::fs::write(&last, text).unwrap();
    mode(&anna, 0o777);
    is(federation.review("anna", &proposal, false), |fault| {
        matches!(fault, CeremonyError::File(FileError::OpenFolder { .. }))
    });
    mode(&anna, 0o700);
    assert!(federation.review("anna", &proposal, false).is_ok());
    // The key of another holder under her name, and no key at all.
    std::fs::remove_file(anna.join("authority-0.key")).unwrap();
    std::fs::copy(federation.at("ben").join("authority-1.key"), anna.join("authority-0.key")).unwrap();
    is(Holder::open(&anna).map(|_| ()), |fault| matches!(fault, CeremonyError::OtherKey { authority: 0 }));
    std::fs::remove_file(anna.join("authority-0.key")).unwrap();
    is(Holder::open(&anna).map(|_| ()), |fault| matches!(fault, CeremonyError::NoKey { .. }));
}

/// The office's process ends between the two files that an installation writes.
#[test]
fn an_installation_that_was_cut_is_done_again() {
    let federation = Federation::founded();
    federation.issue("north-bank", "branch-4");
    let signed = federation.sign("anna", &federation.propose(), false).unwrap();
    let signed = federation.sign("ben", &signed, false).unwrap();
    let before = std::fs::read(federation.ca().join(names::ROSTER)).unwrap();
    install(&federation.ca(), &signed).unwrap();
    std::fs::write(federation.ca().join(names::ROSTER), before).unwrap();
    install(&federation.ca(), &signed).unwrap();
    assert_eq!(federation.in_force(), signed.signed);
    // Another roster of that epoch does not take its place.
    std::fs::write(federation.ca().join("roster-000003"), print_roster(&signed.signed)).unwrap();
    federation.issue("north-bank", "branch-5");
    let next = federation.sign("anna", &federation.propose(), false).unwrap();
    let next = federation.sign("ben", &next, false).unwrap();
    is(install(&federation.ca(), &next), |fault| matches!(fault, CeremonyError::File(FileError::Exists { .. })));
    assert_eq!(federation.in_force(), signed.signed);
}

/// A folder that cannot keep a secret is found out before anything is made, and the second attempt succeeds.
#[cfg(unix)]
#[test]
fn keys_go_nowhere_where_others_could_take_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (ca, open) = (folder.path().join("ca"), folder.path().join("open"));
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    let domain = TrustDomain::parse("federation.example").unwrap();
    let holders = [folder.path().join("anna"), open.clone(), folder.path().join("carla")];
    let init = |holders: &[PathBuf]| {
        init_authority_apart(&ca, Apart { offline: &folder.path().join("usb"), holders }, &domain, 3, 2, NOW)
    };
    assert!(init(&holders).is_err() && init(&holders[..2]).is_err());
    for folder in [&ca, &holders[0], &open] {
        assert_eq!(names_in(folder), [""; 0]);
    }
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o700)).unwrap();
    init(&holders).unwrap();
    assert!(read_members(&ca).unwrap().is_empty() && open.join("authority-1.key").exists());
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
