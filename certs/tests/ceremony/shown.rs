//! What a holder is shown of a proposal, and asked about it.

use std::collections::BTreeSet;

use tributary_certs::ceremony::{Proposal, install};
use tributary_certs::enrolment::set_group;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::identity::Identity;
use tributary_certs::office::{
    Bundle, Fingerprint, Office, RevocationReason, TokenRequest, WhomToRevoke, approve, begin, install as enrolled,
    make_token, revoke,
};
use tributary_certs::suite::SigningKey;
use tributary_protocol::ids::ClientId;
use tributary_protocol::roster::{MemberName, RosterEntry};

use crate::holders::{Federation, NOW, entry};

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
        assert!(approve(&federation.ca(), &[approved.fingerprint], by, NOW).is_err(), "{by:?}");
    }
    approve(&federation.ca(), &[approved.fingerprint], "anna.b", NOW + 60).unwrap();
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
