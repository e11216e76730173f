//! A report of every kind of change, compared whole: its words, its data, its questions.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;

use tributary_certs::ceremony::{ChangeReport, Rest, Rests};
use tributary_certs::office::{Approval, Ground, RevocationReason, Way};
use tributary_certs::people::{KeyBefore, PersonRequest, PersonRest};
use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::entropy::Entropy;
use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::role::Role;
use tributary_protocol::roster::{Holding, MemberName, Person, Roster, RosterEntry, RosterGroup, Scope, StaffNumber};

use crate::holders::{NOW, entry};

const DAY: u64 = 86_400;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn staff(name: &str) -> StaffNumber {
    StaffNumber::parse(name).unwrap()
}

fn group(name: &str, members: &[u32]) -> RosterGroup {
    RosterGroup { name: name.to_owned(), members: members.iter().copied().map(ClientId).collect() }
}

fn holding(role: Role, scope: Scope, until: u64) -> Holding {
    Holding { role, deputy_of: None, scope, from: NOW, until }
}

fn person(name: &str, seed: u8, holdings: Vec<Holding>) -> Person {
    Person { staff: staff(name), signing_key: key(seed).verifying_key(), holdings }
}

fn year(role: Role) -> Holding {
    holding(role, Scope::Federation, NOW + 300 * DAY)
}

fn earlier() -> Roster {
    let mut entries = vec![
        entry(1, "north-bank/branch-1", 1),
        entry(2, "north-bank/branch-2", 1),
        entry(3, "south-bank/branch-3", 2),
        entry(4, "south-bank/branch-4", 2),
        entry(5, "south-bank/branch-5", 2),
        entry(6, "east-bank/branch-6", 3),
        entry(7, "north-bank/branch-7", 1),
    ];
    entries[6].not_after = NOW + 9 * DAY;
    let groups = vec![group("gone", &[3]), group("pilot", &[1, 2]), group("same", &[1])];
    let branches = Scope::Branches(vec![ClientId(3), ClientId(4)]);
    let people = vec![
        person("north-bank/e1", 101, vec![year(Role::PlanOwner)]),
        person("north-bank/e2", 102, vec![year(Role::PrivacyOfficer)]),
        person("north-bank/e3", 103, vec![year(Role::Auditor)]),
        person("north-bank/e8", 108, vec![year(Role::Auditor)]),
        person(
            "south-bank/e4",
            104,
            vec![
                holding(Role::BranchOwner, Scope::Organisation(OrganisationId(2)), NOW + 9),
                holding(Role::BranchOperator, branches, NOW + 9),
            ],
        ),
    ];
    Roster::new(6, Digest([7; 32]), entries, groups, people).unwrap()
}

fn later(earlier: &Roster) -> Roster {
    let mut entries: Vec<RosterEntry> = earlier.entries().to_vec();
    entries[1].signing_key = key(66).verifying_key();
    entries[2].name = MemberName::parse("south-bank/branch-9").unwrap();
    entries[3].not_after += 40 * DAY;
    entries[6].tls_spki_sha256 = Digest([67; 32]);
    entries[6].not_after -= 2 * DAY;
    entries.retain(|entry| !matches!(entry.client, ClientId(5 | 6)));
    entries.extend([
        entry(8, "west-bank/branch-8", 4),
        entry(9, "north-bank/branch-l", 1),
        entry(10, "south-bank/branch-5", 2),
    ]);
    let groups = vec![group("fresh", &[8, 9, 10]), group("pilot", &[1, 8]), group("same", &[1])];
    let mut people = earlier.people().to_vec();
    people.retain(|person| person.staff != staff("north-bank/e3"));
    people[0].signing_key = key(111).verifying_key();
    people[1].holdings[0].until += DAY;
    people[2].signing_key = key(118).verifying_key();
    people[3].holdings.remove(0);
    people[3].holdings[0].until -= 1;
    let deputy = Holding {
        deputy_of: Some(staff("north-bank/e2")),
        ..holding(Role::PrivacyOfficer, Scope::Federation, NOW + 5)
    };
    people.extend([
        person("mars/e8", 120, vec![year(Role::Auditor)]),
        person("north-bank/el", 121, vec![year(Role::ModelUser)]),
        person("south-bank/e6", 122, vec![deputy]),
        person("west-bank/e7", 123, vec![holding(Role::BranchOwner, Scope::Organisation(OrganisationId(4)), NOW + 7)]),
    ]);
    people.sort_by(|one, other| one.staff.cmp(&other.staff));
    Roster::new(7, earlier.digest(), entries, groups, people).unwrap()
}

fn rests() -> Rests {
    let approval = |by: &str, at| Some(Approval { by: by.to_owned(), at });
    let ground = |way, at, approval| Rest::Ground(Ground { way, at, approval });
    let members = BTreeMap::from([
        (ClientId(2), ground(Way::File, NOW + 60, approval("anna", NOW + 120))),
        (ClientId(3), ground(Way::OwnAuthority, NOW + 180, None)),
        (ClientId(5), Rest::Revoked { reason: RevocationReason::KeyCompromise, at: NOW + 240 }),
        (ClientId(8), ground(Way::Network, NOW + 300, approval("ben", NOW + 360))),
        (ClientId(10), ground(Way::MadeHere, NOW + 420, None)),
        // Of somebody who is not changed: it is in no report.
        (ClientId(1), ground(Way::Network, NOW, None)),
    ]);
    let given = |by: &str, at| Approval { by: by.to_owned(), at };
    let request = |name: &str, seed: u8, old: Option<u8>, made: u64| {
        let old = old.map(key);
        let old = old.as_ref().map(|old| old as &dyn tributary_certs::people::PersonKey);
        PersonRequest::make(&staff(name), &key(seed), old, made).unwrap()
    };
    let rest = |request: PersonRequest, before: KeyBefore, by: &str, at: u64| PersonRest {
        made: request.made,
        proof: request.proof,
        before,
        given: given(by, at),
    };
    let vouched = request("north-bank/e1", 111, Some(101), NOW + 1);
    let word = KeyBefore::Vouches(vouched.after.clone().unwrap());
    let lost = KeyBefore::Lost(key(108).verifying_key());
    let people = BTreeMap::from([
        (staff("north-bank/e1"), rest(vouched, word, "carla", NOW + 600)),
        (staff("north-bank/e8"), rest(request("north-bank/e8", 118, None, NOW + 2), lost, "dora", NOW + 660)),
        (
            staff("south-bank/e6"),
            rest(request("south-bank/e6", 122, None, NOW + 3), KeyBefore::None, "emil", NOW + 720),
        ),
        // Proved for another key than the roster's.
        (staff("west-bank/e7"), rest(request("west-bank/e7", 99, None, NOW + 4), KeyBefore::None, "emil", NOW + 780)),
        (
            staff("north-bank/e2"),
            rest(request("north-bank/e2", 102, None, NOW + 5), KeyBefore::None, "fritz", NOW + 840),
        ),
    ]);
    Rests { members, people }
}

/// 0, 1, 2, and so on.
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0;
            self.0 += 1;
        }
    }
}

#[test]
fn a_report_of_every_kind_of_change_is_the_same_to_the_letter() {
    let earlier = earlier();
    let report = ChangeReport::new(Some(&earlier), &later(&earlier), &rests());
    let questions: String = report
        .questions(&mut Counting(0))
        .iter()
        .map(|question| format!("{} -> {}\n", question.text, question.answer))
        .collect();
    let text = format!("{report}\n{questions}");
    assert_eq!(text, include_str!("report.txt"), "{text}");
    let data: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    let shown = serde_json::to_string_pretty(&data).unwrap();
    assert_eq!(shown, include_str!("report.json").trim_end(), "{shown}");
    // Against nothing, everything is new.
    let first = ChangeReport::new(None, &earlier, &Rests::default());
    assert!(first.to_string().starts_with("Roster 6 follows nothing: 15 changes.\n"), "{first}");
    assert!(first.to_string().contains("\nADDED (7)\n") && !first.to_string().contains("new organisation"), "{first}");
    assert_ne!(first.digest(), report.digest());
    let data: serde_json::Value = serde_json::from_str(&first.to_json()).unwrap();
    assert_eq!((&data["from"], &data["to"], &data["members"]), (&serde_json::Value::Null, &6.into(), &7.into()));
}

#[test]
fn twenty_members_are_asked_about_one_by_one_and_more_by_their_number() {
    let earlier =
        Roster::new(1, Digest::ZERO, vec![entry(1, "bank/b1", 1), entry(2, "bank/b2", 1)], vec![], vec![]).unwrap();
    let questions = |added: u32| {
        let entries = (2..added + 2).map(|client| entry(client + 1, &format!("bank/b{}", client + 1), 1));
        let entries: Vec<RosterEntry> = [entry(1, "bank/b1", 1)].into_iter().chain(entries).collect();
        let later = Roster::new(2, earlier.digest(), entries, vec![], vec![]).unwrap();
        let report = ChangeReport::new(Some(&earlier), &later, &Rests::default());
        let questions = report.questions(&mut Counting(0));
        (questions.len(), questions.into_iter().map(|question| question.answer).collect::<Vec<_>>())
    };
    assert_eq!(questions(20).0, 21);
    assert_eq!(questions(21), (3, vec!["21".to_owned(), "1".to_owned(), "22".to_owned()]));
}

#[test]
fn the_digest_of_a_report_is_of_both_rosters_and_of_what_it_rests_on() {
    let earlier = earlier();
    let later = later(&earlier);
    let of = |rests: &Rests| ChangeReport::new(Some(&earlier), &later, rests).digest();
    let mut digests = vec![of(&rests()), ChangeReport::new(None, &later, &rests()).digest()];
    let changes: [fn(&mut Rests); 4] = [
        |rests| drop(rests.members.remove(&ClientId(8))),
        |rests| {
            drop(
                rests
                    .members
                    .insert(ClientId(5), Rest::Revoked { reason: RevocationReason::Superseded, at: NOW + 240 }),
            )
        },
        |rests| drop(rests.people.remove(&staff("north-bank/e1"))),
        |rests| rests.people.get_mut(&staff("north-bank/e8")).unwrap().given.by = "other".to_owned(),
    ];
    for change in changes {
        let mut changed = rests();
        change(&mut changed);
        digests.push(of(&changed));
    }
    digests.push(ChangeReport::new(Some(&later), &earlier, &rests()).digest());
    let different: std::collections::BTreeSet<_> = digests.iter().collect();
    assert_eq!(different.len(), digests.len());
    let mut unchanged = rests();
    drop(unchanged.members.remove(&ClientId(1)));
    assert_eq!(of(&unchanged), digests[0], "of whom it does not name, it says nothing");
}
