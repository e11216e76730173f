//! People in the ceremony: who is given a role, with whose word for another key, before an office that may be a thief's.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::path::Path;

use tributary_certs::ceremony::{CeremonyError, ChangeReport, Holder, Proposal, Review, install, read_proposal};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::identity::Identity;
use tributary_certs::office::{RevocationReason, WhomToRevoke, revoke as revoke_member};
use tributary_certs::people::{
    self, Deputy, Giver, PersonRequest, RoleGiven, RoleState, SigningPerson, Which, make_next_key, make_person,
};
use tributary_certs::roster::{RosterAuthorities, print_scope};
use tributary_protocol::ids::ClientId;
use tributary_protocol::role::Role;
use tributary_protocol::roster::{Person, Scope, StaffNumber};
use tributary_storage::files::Existing;

use crate::holders::{Federation, NOW};

const YEAR: u64 = 365 * 86_400;

impl Federation {
    /// Two branches, a plan owner and a privacy officer, whom Anna and Ben have signed.
    fn staffed() -> Self {
        let federation = Self::new();
        for (organisation, id) in [("north-bank", "branch-1"), ("south-bank", "branch-2")] {
            federation.issue(organisation, id);
        }
        federation.hire("north-bank/e1", Role::PlanOwner);
        federation.hire("north-bank/e2", Role::PrivacyOfficer);
        federation.in_force_by(true);
        federation
    }

    fn make(&self, name: &str) -> SigningPerson {
        make_person(&self.at(name), &staff(name), NOW).unwrap()
    }

    fn hire(&self, name: &str, role: Role) -> SigningPerson {
        let person = self.make(name);
        people::grant(&self.ca(), person.request(), &given(role), false, &giver()).unwrap();
        person
    }

    /// What a holder makes of the text of the next proposal.
    fn reviewed(&self, holder: &str, first: bool) -> Review {
        let proposal = Proposal::parse(&self.propose().print()).unwrap();
        self.review(holder, &proposal, first).unwrap()
    }
}

fn staff(name: &str) -> StaffNumber {
    StaffNumber::parse(name).unwrap()
}

fn giver() -> Giver {
    Giver { by: "dora".to_owned(), at: NOW + 60 }
}

fn given(role: Role) -> RoleGiven {
    let scope = if role.is_of_branches() { Scope::Branches(vec![ClientId(1)]) } else { Scope::Federation };
    RoleGiven { role, scope, from: NOW, until: NOW + YEAR }
}

fn shown(report: &ChangeReport) -> (String, serde_json::Value, Vec<(String, String)>) {
    let questions = report.questions(&mut OsEntropy).into_iter().map(|question| (question.text, question.answer));
    (report.to_string(), serde_json::from_str(&report.to_json()).unwrap(), questions.collect())
}

#[test]
fn two_of_three_holders_give_a_role_and_each_is_shown_it() {
    let federation = Federation::staffed();
    let officer = federation.hire("north-bank/e3", Role::PrivacyOfficer);
    federation.hire("north-bank/e4", Role::Auditor);
    let deputy = Deputy {
        role: Role::PrivacyOfficer,
        principal: staff("north-bank/e2"),
        scope: None,
        from: NOW,
        until: NOW + 9,
    };
    people::deputise(&federation.ca(), &staff("north-bank/e4"), &deputy, &giver()).unwrap();
    federation.hire("north-bank/e5", Role::ModelUser);
    people::revoke(&federation.ca(), &staff("north-bank/e1"), Which::All).unwrap();
    people::renew(&federation.ca(), &staff("north-bank/e2"), Which::All, NOW + YEAR + 500, &giver()).unwrap();

    // Nothing of it counts yet.
    assert_eq!(federation.in_force().roster.people().len(), 2);
    let states: Vec<(String, RoleState)> = people::list(&federation.ca())
        .unwrap()
        .into_iter()
        .map(|listed| (format!("{} {}", listed.staff, listed.holding), listed.state))
        .collect();
    let wanted = [
        ("north-bank/e1 plan-owner", RoleState::Leaving),
        ("north-bank/e2 privacy-officer", RoleState::Next),
        ("north-bank/e2 privacy-officer", RoleState::Leaving),
        ("north-bank/e3 privacy-officer", RoleState::Next),
        ("north-bank/e4 privacy-officer as deputy of north-bank/e2", RoleState::Next),
        ("north-bank/e4 auditor", RoleState::Next),
        ("north-bank/e5 model-user", RoleState::Next),
    ];
    assert_eq!(states, wanted.map(|(name, state)| (name.to_owned(), state)));

    let report = federation.reviewed("anna", false).report;
    let (text, json, questions) = shown(&report);
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("PEOPLE")).collect();
    assert_eq!(headings.len(), 3, "{text}");
    assert!(headings[0].contains("MAY APPROVE") && headings[0].ends_with("(3)"), "{text}");
    assert!(headings[1].contains("OTHER NEW ROLES") && headings[1].ends_with("(1)"), "{text}");
    assert!(headings[2].contains("FEWER ROLES") && headings[2].ends_with("(1)"), "{text}");
    let fingerprint = officer.request().fingerprint().to_string();
    for line in [
        format!("  + north-bank/e3\n      fingerprint {fingerprint}\n"),
        "      + privacy-officer, scope federation, from 2030-03-17 17:46 UTC until 2031-03-17 17:46 UTC\n".to_owned(),
        "      + privacy-officer as deputy of north-bank/e2, scope federation, from".to_owned(),
        "  - north-bank/e1\n".to_owned(),
        "      - plan-owner, scope federation".to_owned(),
        "      ~ privacy-officer, scope federation, from 2030-03-17 17:46 UTC until 2031-03-17 17:55 UTC; before, from"
            .to_owned(),
        "given by dora, 2030-03-17 17:47 UTC".to_owned(),
    ] {
        assert!(text.contains(&line), "{line:?} in {text}");
    }
    let named: Vec<_> =
        json["people"].as_array().unwrap().iter().map(|person| person["staff"].as_str().unwrap()).collect();
    // Who may approve for longer is among those who may approve.
    let order = ["north-bank/e2", "north-bank/e3", "north-bank/e4", "north-bank/e5", "north-bank/e1"];
    assert_eq!((named, &json["count"]), (order.to_vec(), &5.into()));
    let first = &json["people"][1];
    assert_eq!((&first["after"]["fingerprint"], &first["key_proved"]), (&fingerprint.clone().into(), &true.into()));
    assert_eq!(
        (&first["gained"][0]["role"], &first["gained"][0]["may_approve"]),
        (&"privacy-officer".into(), &true.into())
    );
    assert_eq!(json["people"][2]["gained"][0]["deputy_of"], "north-bank/e2");

    // One group of each fingerprint, drawn anew; and nobody is asked about who has less than before.
    assert_eq!(questions.len(), 5);
    assert!(questions[0].0.starts_with("north-bank/e2 (privacy-officer): group "), "{questions:?}");
    assert!(questions[1].0.starts_with("north-bank/e3 (privacy-officer): group "), "{questions:?}");
    assert_eq!(questions[4].1, "5");
    let groups: Vec<&str> = fingerprint.split('-').collect();
    let places: BTreeSet<usize> = (0..200)
        .map(|_| {
            let (text, answer) = shown(&report).2.swap_remove(1);
            let place = (1..=8).find(|place| text.contains(&format!("group {place} of the eight"))).unwrap();
            assert_eq!(answer, groups[place - 1]);
            place
        })
        .collect();
    assert_eq!(places.len(), 8);

    // Anna's signature alone gives nobody anything.
    let holder = Holder::open(&federation.at("anna")).unwrap();
    let one = holder.sign(federation.reviewed("anna", false)).unwrap();
    assert!(matches!(install(&federation.ca(), &one), Err(CeremonyError::NotEnough { .. })));
    let holder = Holder::open(&federation.at("ben")).unwrap();
    let two = holder.sign(holder.review(one, None, false, None).unwrap()).unwrap();
    install(&federation.ca(), &two).unwrap();
    assert_eq!(federation.in_force().roster.people().len(), 4);
    let states = people::list(&federation.ca()).unwrap();
    assert!(states.iter().all(|listed| listed.state == RoleState::InForce), "{states:?}");
}

/// The three ways to another key: by the old key's word, as lost, and as a thief of the office writes it.
#[test]
fn a_holder_verifies_that_the_old_key_signed_for_the_new_one() {
    let federation = Federation::staffed();
    let officer = SigningPerson::open(&federation.at("north-bank/e2")).unwrap();
    let next = make_next_key(&federation.at("next"), &officer, NOW).unwrap();
    people::change_key(&federation.ca(), next.request(), false, &giver()).unwrap();
    let report = federation.reviewed("anna", false).report;
    let (text, json, questions) = shown(&report);
    assert!(
        text.contains("PEOPLE WITH OTHER KEYS") && text.contains("the old key signed for the new one: verified here")
    );
    assert!(text.contains(&format!("      - fingerprint {}", officer.request().fingerprint())), "{text}");
    assert!(text.contains(&format!("      + fingerprint {}", next.request().fingerprint())), "{text}");
    assert!(text.contains("      = privacy-officer, scope federation"), "{text}");
    assert_eq!((&json["people"][0]["other_key"], &json["people"][0]["old_key_signed"]), (&true.into(), &true.into()));
    assert!(questions.len() == 2 && questions[0].0.starts_with("north-bank/e2 (privacy-officer)"));

    // The office swaps the word, or leaves it out: the holder finds either.
    let mut proposal = federation.propose();
    let rest = proposal.rests.people.get_mut(&staff("north-bank/e2")).unwrap();
    let other = make_person(&federation.at("other"), &staff("north-bank/e2"), NOW).unwrap();
    let foreign = PersonRequest::make(&staff("north-bank/e2"), next.key(), Some(other.key()), NOW).unwrap();
    rest.before = people::KeyBefore::Vouches(foreign.after.unwrap());
    let judge = |proposal: Proposal| {
        let holder = Holder::open(&federation.at("anna")).unwrap();
        shown(&holder.review(proposal, None, false, None).unwrap().report)
    };
    let (text, json, _) = judge(proposal);
    assert!(text.contains("THE OLD KEY DID NOT SIGN FOR THE NEW ONE, AND NOBODY SAYS THAT IT IS LOST"), "{text}");
    assert_eq!(json["people"][0]["old_key_signed"], false);
    let mut silent = federation.propose();
    silent.rests.people.clear();
    let (text, ..) = judge(silent);
    assert!(text.contains("DID NOT SIGN") && text.contains("THE NEW KEY IS NOT PROVED"), "{text}");
    assert!(text.contains("on: NOTHING that it names"), "{text}");

    // A loss is said aloud, to every holder.
    let owner = make_person(&federation.at("fresh"), &staff("north-bank/e1"), NOW).unwrap();
    people::change_key(&federation.ca(), owner.request(), true, &giver()).unwrap();
    let (text, json, _) = shown(&federation.reviewed("ben", false).report);
    assert!(
        text.contains("THE OLD KEY IS SAID TO BE LOST, AND DID NOT SIGN FOR THE NEW ONE: see the person"),
        "{text}"
    );
    assert!(text.contains("the key before it was LOST"), "{text}");
    assert_eq!(
        (&json["people"][0]["staff"], &json["people"][0]["said_to_be_lost"]),
        (&"north-bank/e1".into(), &true.into())
    );
    let roster = federation.in_force_by(false).roster;
    let key = |name: &str| roster.person(&staff(name)).unwrap().signing_key.clone();
    assert_eq!((key("north-bank/e1"), key("north-bank/e2")), (owner.key().public(), next.key().public()));
}

/// Whoever has the office's whole folder, and no key of a holder, gives nobody a role.
#[test]
fn a_thief_of_the_office_gets_no_signature_and_no_roster() {
    let federation = Federation::staffed();
    let before = federation.in_force();
    let thief = make_person(&federation.at("thief"), &staff("north-bank/e9"), NOW).unwrap();
    people::give_role(&federation.ca(), &thief, &given(Role::PrivacyOfficer)).unwrap();
    let proposal = federation.propose();
    assert!(matches!(install(&federation.ca(), &proposal), Err(CeremonyError::NotEnough { present: 0, .. })));
    // With keys of its own in the list of authorities it could install; no holder signs by another list, and no branch has it.
    let own = tributary_certs::suite::SigningKey::generate(&mut OsEntropy);
    let list = RosterAuthorities::new(1, vec![own.verifying_key()]).unwrap();
    let mut other = proposal.clone();
    tributary_certs::roster::countersign(&mut other.signed, &list, 0, &own).unwrap();
    assert!(federation.authorities().verify(&other.signed).is_err());
    let anna = Holder::open(&federation.at("anna")).unwrap();
    let asked = Proposal { authorities: list.digest(), ..proposal.clone() };
    assert!(matches!(anna.review(asked, None, false, None), Err(CeremonyError::OtherAuthorities)));
    // The role is in capitals before Anna, and the group of the fingerprint is one that nobody read to her.
    let (text, json, questions) = shown(&anna.review(proposal, None, false, None).unwrap().report);
    assert!(
        text.contains("PEOPLE WITH ROLES THAT MAY APPROVE, NEW OR FOR LONGER") && text.contains("+ north-bank/e9"),
        "{text}"
    );
    assert_eq!((questions.len(), &json["people"][0]["staff"]), (2, &"north-bank/e9".into()));
    // A roster that was changed after Anna signed the good one.
    federation.make("north-bank/e7");
    people::revoke(&federation.ca(), &staff("north-bank/e9"), Which::All).unwrap();
    federation.hire("north-bank/e8", Role::Auditor);
    let good = anna.sign(federation.reviewed("anna", false)).unwrap();
    let swapped = Proposal::parse(&good.print().replace("role auditor scope", "role privacy-officer scope")).unwrap();
    let ben = Holder::open(&federation.at("ben")).unwrap();
    assert!(matches!(ben.review(swapped.clone(), None, false, None), Err(CeremonyError::Roster(_))));
    assert!(install(&federation.ca(), &swapped).is_err());
    assert_eq!(federation.in_force(), before);
}

#[test]
fn a_forged_proposal_shows_people_that_look_like_others_or_come_from_nowhere() {
    let federation = Federation::staffed();
    let proposal = federation.forged_of(|_, people| {
        let like = |name: &str, seed: u8| {
            let signing_key = tributary_certs::suite::SigningKey::from_seed(&[seed; 32]).verifying_key();
            Person { staff: staff(name), signing_key, holdings: people[1].holdings.clone() }
        };
        let two = [like("north-bank/el", 1), like("west-bank/e1", 2)];
        people.extend(two);
        people.sort_by(|one, other| one.staff.cmp(&other.staff));
    });
    let anna = Holder::open(&federation.at("anna")).unwrap();
    let (text, ..) = shown(&anna.review(proposal, None, false, None).unwrap().report);
    assert!(text.contains("LOOKS LIKE north-bank/e1") && text.contains("no member is of west-bank"), "{text}");
    assert_eq!(text.matches("THE NEW KEY IS NOT PROVED").count(), 2, "{text}");
    assert!(text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)));
}

/// A role that may approve and counts for longer is a new one: it was over, or it makes good what was signed before it began. One that ends earlier is less.
#[test]
fn a_role_that_may_approve_for_longer_is_asked_about_as_a_new_one() {
    let federation = Federation::staffed();
    type Change = fn(&mut tributary_protocol::roster::Holding);
    let cases: [(usize, Change, &str, usize); 6] = [
        (1, |officer| officer.from -= 1, "MAY APPROVE", 2),
        (1, |officer| officer.until += 1, "MAY APPROVE", 2),
        (1, |officer| (officer.from, officer.until) = (NOW + YEAR + 9, NOW + YEAR + 99), "MAY APPROVE", 2),
        (1, |officer| officer.until -= 1, "FEWER ROLES, OR FOR ANOTHER TIME", 1),
        (1, |officer| officer.from += 1, "FEWER ROLES, OR FOR ANOTHER TIME", 1),
        (0, |owner| owner.until += 1, "FEWER ROLES, OR FOR ANOTHER TIME", 1),
    ];
    for (number, (person, change, heading, asked)) in cases.into_iter().enumerate() {
        let proposal = federation.forged_of(|_, people| change(&mut people[person].holdings[0]));
        let anna = Holder::open(&federation.at("anna")).unwrap();
        let (text, _, questions) = shown(&anna.review(proposal, None, false, None).unwrap().report);
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("PEOPLE")).collect();
        assert!(headings.len() == 1 && headings[0].contains(heading), "case {number}: {text}");
        assert_eq!(questions.len(), asked, "case {number}");
    }
}

/// A branch that left is in no scope, and a role of nothing is in no roster; the list keeps what a person wrote.
#[test]
fn roles_of_branches_that_left_are_not_proposed() {
    let federation = Federation::staffed();
    let owner = federation.hire("north-bank/e6", Role::BranchOwner);
    let both = RoleGiven { scope: Scope::Branches(vec![ClientId(1), ClientId(2)]), ..given(Role::BranchOperator) };
    people::give_role(&federation.ca(), &owner, &both).unwrap();
    let second = federation.hire("north-bank/e7", Role::Auditor);
    let deputy =
        Deputy { role: Role::BranchOwner, principal: owner.staff().clone(), scope: None, from: NOW, until: NOW + 9 };
    people::deputise(&federation.ca(), second.staff(), &deputy, &giver()).unwrap();
    federation.in_force_by(false);
    let whom = Identity::parse("spiffe://federation.example/north-bank/client/branch-1").unwrap();
    revoke_member(&federation.ca(), &WhomToRevoke::Identity(whom), RevocationReason::Superseded, 7, NOW).unwrap();
    let roster = federation.propose().signed.roster;
    let roles = |name: &str| -> Vec<String> {
        roster
            .person(&staff(name))
            .unwrap()
            .holdings
            .iter()
            .map(|holding| format!("{holding} {}", print_scope(&holding.scope)))
            .collect()
    };
    assert_eq!(roles("north-bank/e6"), ["branch-operator clients 2"]);
    assert_eq!(roles("north-bank/e7"), ["auditor federation"]);
    // Roles are given all the same, to whoever has such a role too; and a renewed one is of the branches that are left.
    people::give_role(&federation.ca(), &owner, &given(Role::ModelUser)).unwrap();
    people::renew(&federation.ca(), owner.staff(), Which::Role(Role::BranchOperator), NOW + YEAR + 9, &giver())
        .unwrap();
    let renewed = people::read_people(&federation.ca()).unwrap();
    let renewed = renewed.iter().find(|enlisted| enlisted.person.staff == *owner.staff()).unwrap();
    let scope = &renewed.person.holding(Role::BranchOperator).unwrap().scope;
    assert_eq!((print_scope(scope), renewed.person.holding(Role::BranchOwner)), ("clients 2".to_owned(), None));
    federation.hire("north-bank/e8", Role::Auditor);
    assert_eq!(people::read_people(&federation.ca()).unwrap().len(), 5);
}

#[test]
fn a_proposal_with_people_has_one_text() {
    let federation = Federation::staffed();
    federation.hire("north-bank/e3", Role::PrivacyOfficer);
    let old = SigningPerson::open(&federation.at("north-bank/e2")).unwrap();
    let next = make_next_key(&federation.at("next"), &old, NOW).unwrap();
    people::change_key(&federation.ca(), next.request(), false, &giver()).unwrap();
    let fresh = make_person(&federation.at("fresh"), &staff("north-bank/e1"), NOW).unwrap();
    people::change_key(&federation.ca(), fresh.request(), true, &giver()).unwrap();
    let proposal = federation.propose();
    let text = proposal.print();
    let path: &Path = &federation.at("proposal");
    proposal.write(path, Existing::Replace).unwrap();
    assert_eq!(read_proposal(path).unwrap(), proposal);
    let rests: Vec<&str> = text.lines().filter(|line| line.starts_with("rests person ")).collect();
    let [lost, vouched, new] = rests[..] else { panic!("{text}") };
    assert!(lost.contains(" lost ed25519:") && vouched.contains(" after ed25519:") && new.contains("e3 made"));
    let bad = [
        text.replace(&format!("{lost}\n{vouched}"), &format!("{vouched}\n{lost}")),
        text.replace(new, &format!("{new}\n{new}")),
        text.replace(new, &format!("{new} ")),
        text.replace(new, &new.replace("given dora", "given do\u{202e}ra")),
        text.replace(new, &new.replace(" given", "  given")),
        text.replace(new, &new.replace("north-bank/e3", "north-bank/E3")),
        text.replace(new, &new.replace("person ", "persons ")),
        text.replace(lost, &lost.replace(" lost ", " found ")),
        text.replace("person north-bank/e3 signing", "person north-bank/e3  signing"),
        text.replace("role privacy-officer", "role admin"),
        text.replace("role privacy-officer scope federation from", "role privacy-officer scope Federation from"),
    ];
    for (index, bad) in bad.iter().enumerate() {
        assert_ne!(bad, &text, "{index}");
        assert!(Proposal::parse(bad).is_err(), "{index}: {bad}");
    }
}
