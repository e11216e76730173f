use super::*;
use crate::digest::frozen;
use crate::limits::{
    HOLDING_SECONDS_MAX, PERSON_HOLDINGS_MAX, ROSTER_HOLDINGS_MAX, ROSTER_PEOPLE_MAX, ROSTER_SCOPES_MAX,
};
use crate::role::Role;
use crate::secagg::suite::VerifyingKey;
use alloc::{format, vec};

const FROM: u64 = 1_900_000_000;

fn entry(client: u32) -> RosterEntry {
    let label = client.to_le_bytes();
    RosterEntry {
        client: ClientId(client),
        name: MemberName::new(&format!("bank-{}", client / 4), &format!("branch-{client}")).expect("a name"),
        organisation: OrganisationId(client / 4),
        signing_key: VerifyingKey::ed25519(Digest::of_parts(&[b"signing", &label]).0),
        tls_spki_sha256: Digest::of_parts(&[b"tls", &label]),
        not_after: 2_000_000_000,
    }
}

fn staff(number: u32) -> StaffNumber {
    StaffNumber::parse(&format!("bank-0/e{number:03}")).expect("a staff number")
}

fn holding(role: Role) -> Holding {
    let scope = if role.is_of_branches() { Scope::Organisation(OrganisationId(0)) } else { Scope::Federation };
    Holding { role, deputy_of: None, scope, from: FROM, until: FROM + HOLDING_SECONDS_MAX }
}

fn deputy(role: Role, principal: u32) -> Holding {
    Holding { deputy_of: Some(staff(principal)), ..holding(role) }
}

fn person(number: u32, holdings: Vec<Holding>) -> Person {
    let signing_key = VerifyingKey::ed25519(Digest::of_parts(&[b"person", &number.to_le_bytes()]).0);
    Person { staff: staff(number), signing_key, holdings }
}

/// Of the organisations 0, 1 and 2.
fn roster(people: Vec<Person>) -> Result<Roster, RosterError> {
    Roster::new(1, Digest::ZERO, [1, 2, 5, 9].map(entry).to_vec(), vec![], people)
}

fn fault(people: Vec<Person>) -> PeopleFault {
    match roster(people) {
        Err(RosterError::Person(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

fn officer() -> Person {
    person(1, vec![holding(Role::PrivacyOfficer)])
}

#[test]
fn people_are_found_by_their_staff_numbers() {
    let people = vec![officer(), person(2, vec![deputy(Role::PrivacyOfficer, 1), holding(Role::Auditor)])];
    let roster = roster(people.clone()).expect("well-formed");
    assert_eq!((roster.people(), roster.person(&staff(2))), (people.as_slice(), Some(&people[1])));
    assert_eq!(roster.person(&staff(3)), None);
    assert_eq!(people[1].holding(Role::PrivacyOfficer), None, "a deputy does not hold it in person");
    assert_eq!(people[1].holdings_of(Role::PrivacyOfficer).count(), 1);
    assert_eq!((staff(1).organisation(), staff(1).as_str()), ("bank-0", "bank-0/e001"));
    let counts = |second| people[0].holdings[0].counts_at(second);
    let until = FROM + HOLDING_SECONDS_MAX;
    assert_eq!([FROM - 1, FROM, until, until + 1].map(counts), [false, true, true, false]);
}

#[test]
fn more_people_roles_or_branches_than_the_limits_are_refused() {
    let count = |count: usize| u32::try_from(count).expect("small");
    let crowd = |people: usize| (0..count(people)).map(|number| person(number, vec![holding(Role::Auditor)])).collect();
    assert!(roster(crowd(ROSTER_PEOPLE_MAX)).is_ok());
    assert_eq!(fault(crowd(ROSTER_PEOPLE_MAX + 1)), PeopleFault::TooMany);
    // Two roles each fit exactly; one person with three is too many.
    let two = || vec![holding(Role::BranchOperator), holding(Role::Auditor)];
    let mut people: Vec<Person> = (0..count(ROSTER_HOLDINGS_MAX / 2)).map(|number| person(number, two())).collect();
    assert!(roster(people.clone()).is_ok());
    people[0].holdings.push(holding(Role::ModelUser));
    assert_eq!(fault(people), PeopleFault::TooMany);
    let clients = 1..=count(ROSTER_SCOPES_MAX);
    let entries: Vec<RosterEntry> = clients
        .clone()
        .map(|client| RosterEntry {
            organisation: OrganisationId(0),
            name: MemberName::new("bank-0", &format!("b{client}")).expect("a name"),
            ..entry(client)
        })
        .collect();
    let branches = Scope::Branches(clients.map(ClientId).collect());
    let wide = |number| person(number, vec![Holding { scope: branches.clone(), ..holding(Role::BranchOwner) }]);
    let roster = |people| Roster::new(1, Digest::ZERO, entries.clone(), vec![], people);
    assert!(roster(vec![wide(1)]).is_ok());
    let one = Holding { scope: Scope::Branches(vec![ClientId(1)]), ..holding(Role::BranchOwner) };
    let refused = roster(vec![wide(1), person(2, vec![one])]);
    assert_eq!(refused, Err(RosterError::Person(PeopleFault::TooMany)));
}

#[test]
fn people_out_of_order_or_twice_are_refused() {
    let auditor = |number| person(number, vec![holding(Role::Auditor)]);
    for people in [vec![auditor(2), auditor(1)], vec![auditor(1), auditor(1)]] {
        let at_fault = people[1].staff.clone();
        assert_eq!(fault(people), PeopleFault::Order { staff: at_fault });
    }
}

#[test]
fn a_key_of_two_people_or_of_a_branch_is_refused() {
    let twin = Person { signing_key: officer().signing_key, ..person(2, vec![holding(Role::Auditor)]) };
    assert_eq!(fault(vec![officer(), twin]), PeopleFault::KeyTwice { staff: staff(2) });
    let branch = Person { signing_key: entry(5).signing_key, ..officer() };
    assert_eq!(fault(vec![branch]), PeopleFault::KeyTwice { staff: staff(1) });
}

#[test]
fn roles_that_are_none_too_many_twice_or_out_of_order_are_refused() {
    let at_fault = PeopleFault::Holdings { staff: staff(1) };
    let auditor = holding(Role::Auditor);
    for holdings in [
        vec![],
        vec![auditor.clone(), holding(Role::BranchOperator)],
        vec![auditor.clone(), auditor.clone()],
        vec![auditor.clone(), Holding { until: FROM, ..auditor.clone() }],
        vec![deputy(Role::Auditor, 2), auditor.clone()],
        vec![auditor.clone(), deputy(Role::Auditor, 3), deputy(Role::Auditor, 2)],
    ] {
        assert_eq!(fault(vec![person(1, holdings)]), at_fault);
    }
    let deputies = |count: u32| (2..count + 2).map(|number| deputy(Role::Auditor, number)).collect::<Vec<_>>();
    let count = u32::try_from(PERSON_HOLDINGS_MAX).expect("small");
    let mut people: Vec<Person> = (2..count + 3).map(|number| person(number, vec![auditor.clone()])).collect();
    people.insert(0, person(1, deputies(count)));
    assert!(roster(people.clone()).is_ok());
    people[0].holdings = deputies(count + 1);
    assert_eq!(fault(people), at_fault);
}

/// Every pair of the table, in person and as a deputy.
#[test]
fn one_person_does_not_judge_what_it_makes() {
    for (one, other) in crate::role::CONFLICTS {
        let mut roles = [*one, *other];
        roles.sort();
        let [first, second] = roles;
        let conflict = PeopleFault::Conflict { staff: staff(1), one: first, other: second };
        assert_eq!(fault(vec![person(1, vec![holding(first), holding(second)])]), conflict);
        let principal = person(2, vec![holding(second)]);
        assert_eq!(fault(vec![person(1, vec![holding(first), deputy(second, 2)]), principal]), conflict);
        assert!(roster(vec![person(1, vec![holding(first)]), person(2, vec![holding(second)])]).is_ok());
    }
    let both = vec![holding(Role::PrivacyOfficer), holding(Role::ModelValidator)];
    assert!(roster(vec![person(1, both)]).is_ok());
}

#[test]
fn a_role_that_ends_before_it_begins_or_lasts_too_long_is_refused() {
    let at_fault = PeopleFault::Validity { staff: staff(1), role: Role::Auditor };
    let term = |from, until| person(1, vec![Holding { from, until, ..holding(Role::Auditor) }]);
    for (from, until) in [(FROM, FROM - 1), (FROM, FROM + HOLDING_SECONDS_MAX + 1), (0, u64::MAX), (u64::MAX, 0)] {
        assert_eq!(fault(vec![term(from, until)]), at_fault, "{from} {until}");
    }
    for (from, until) in [(FROM, FROM), (u64::MAX, u64::MAX), (0, HOLDING_SECONDS_MAX)] {
        assert!(roster(vec![term(from, until)]).is_ok(), "{from} {until}");
    }
}

#[test]
fn a_scope_that_is_of_nothing_or_of_strangers_is_refused() {
    let branches = |clients: &[u32]| Scope::Branches(clients.iter().copied().map(ClientId).collect());
    let of = |role, scope| vec![person(1, vec![Holding { scope, ..holding(role) }])];
    for (role, scope) in [
        (Role::BranchOwner, Scope::Federation),
        (Role::BranchOperator, Scope::Federation),
        (Role::BranchOwner, Scope::Organisation(OrganisationId(3))),
        (Role::PrivacyOfficer, Scope::Organisation(OrganisationId(3))),
        (Role::PrivacyOfficer, branches(&[1])),
        (Role::BranchOwner, branches(&[])),
        (Role::BranchOwner, branches(&[3])),
        (Role::BranchOwner, branches(&[1, 10])),
        (Role::BranchOwner, branches(&[2, 1])),
        (Role::BranchOwner, branches(&[1, 1])),
    ] {
        assert_eq!(fault(of(role, scope.clone())), PeopleFault::Scope { staff: staff(1), role }, "{scope:?}");
    }
    for (role, scope) in [
        (Role::BranchOwner, branches(&[1, 9])),
        (Role::BranchOwner, Scope::Organisation(OrganisationId(2))),
        (Role::PlanOwner, Scope::Organisation(OrganisationId(2))),
    ] {
        assert!(roster(of(role, scope.clone())).is_ok(), "{scope:?}");
    }
    for (scope, has) in [
        (Scope::Federation, [true, true, true]),
        (Scope::Organisation(OrganisationId(0)), [true, true, false]),
        (branches(&[2, 9]), [false, true, false]),
    ] {
        assert_eq!([1, 2, 5].map(|client| scope.has_branch(&entry(client))), has, "{scope:?}");
    }
}

#[test]
fn a_deputy_of_nobody_is_refused() {
    let at_fault =
        |principal| PeopleFault::Deputy { staff: staff(2), role: Role::PrivacyOfficer, principal: staff(principal) };
    let second = |principal| person(2, vec![deputy(Role::PrivacyOfficer, principal)]);
    // Of a stranger, of itself, of somebody with another role, and of somebody who is a deputy.
    assert_eq!(fault(vec![officer(), second(7)]), at_fault(7));
    assert_eq!(fault(vec![officer(), second(2)]), at_fault(2));
    assert_eq!(fault(vec![person(1, vec![holding(Role::Auditor)]), second(1)]), at_fault(1));
    let chain = person(3, vec![deputy(Role::PrivacyOfficer, 1)]);
    assert_eq!(fault(vec![officer(), second(3), chain]), at_fault(3));
    // Nor is anybody its own deputy, in person or not.
    let twice = person(2, vec![holding(Role::PrivacyOfficer), deputy(Role::PrivacyOfficer, 2)]);
    assert_eq!(fault(vec![officer(), twice]), at_fault(2));
    assert!(roster(vec![officer(), second(1)]).is_ok());
}

#[test]
fn a_deputy_for_more_than_the_principal_is_refused() {
    let branches = |clients: &[u32]| Scope::Branches(clients.iter().copied().map(ClientId).collect());
    let organisation = |number| Scope::Organisation(OrganisationId(number));
    let with = |role, own, other| {
        let principal = person(1, vec![Holding { scope: own, ..holding(role) }]);
        vec![principal, person(2, vec![Holding { scope: other, ..deputy(role, 1) }])]
    };
    for (role, own, other) in [
        (Role::PrivacyOfficer, organisation(0), Scope::Federation),
        (Role::PrivacyOfficer, organisation(0), organisation(1)),
        (Role::BranchOwner, organisation(0), organisation(1)),
        (Role::BranchOwner, organisation(0), branches(&[1, 5])),
        (Role::BranchOwner, branches(&[1]), organisation(0)),
        (Role::BranchOwner, branches(&[1, 5]), branches(&[1, 9])),
    ] {
        let wider = PeopleFault::Wider { staff: staff(2), role, principal: staff(1) };
        assert_eq!(fault(with(role, own.clone(), other.clone())), wider, "{own:?} {other:?}");
    }
    for (role, own, other) in [
        (Role::PrivacyOfficer, Scope::Federation, organisation(1)),
        (Role::PrivacyOfficer, organisation(1), organisation(1)),
        (Role::BranchOwner, organisation(0), branches(&[2])),
        (Role::BranchOwner, branches(&[1, 2]), organisation(0)),
        (Role::BranchOwner, branches(&[1, 5, 9]), branches(&[1, 9])),
    ] {
        assert!(roster(with(role, own.clone(), other.clone())).is_ok(), "{own:?} {other:?}");
    }
}

#[test]
fn every_field_of_a_person_counts_in_the_digest() {
    let base = || vec![officer(), person(2, vec![holding(Role::BranchOwner)])];
    let digest = |people| roster(people).expect("well-formed").digest();
    let changed = |change: fn(&mut Vec<Person>)| {
        let mut people = base();
        change(&mut people);
        digest(people)
    };
    let others: [fn(&mut Vec<Person>); 9] = [
        |people| people.truncate(1),
        |people| people[1].staff = staff(3),
        |people| people[1].signing_key = VerifyingKey::ed25519([9; 32]),
        |people| people[1].holdings[0].role = Role::BranchOperator,
        |people| people[1].holdings[0].scope = Scope::Organisation(OrganisationId(1)),
        |people| people[1].holdings[0].scope = Scope::Branches(vec![ClientId(1)]),
        |people| people[1].holdings[0].from += 1,
        |people| people[1].holdings[0].until -= 1,
        |people| people[1].holdings = vec![deputy(Role::PrivacyOfficer, 1)],
    ];
    let digests = others.map(changed).into_iter().chain([digest(base()), digest(vec![])]);
    assert_eq!(frozen(digests), "dc15fcb0");
}

#[test]
fn changes_name_the_people_that_differ() {
    let role = |role| vec![holding(role)];
    let rekeyed = Person { signing_key: VerifyingKey::ed25519([9; 32]), ..person(3, role(Role::Auditor)) };
    let longer = Holding { until: FROM + 5, ..holding(Role::Auditor) };
    let people = [1, 2, 3, 4].map(|number| person(number, role(Role::Auditor)));
    let earlier = roster(people.to_vec()).expect("well-formed");
    let more = vec![holding(Role::PlanOwner), longer.clone()];
    let later =
        vec![person(2, role(Role::Auditor)), rekeyed.clone(), person(4, more), person(5, role(Role::ModelUser))];
    let later = roster(later).expect("well-formed");
    let changes = RosterChanges::between(Some(&earlier), &later);
    let named: Vec<&StaffNumber> = changes.people.iter().map(|change| &change.staff).collect();
    assert_eq!((named, changes.count()), (vec![&staff(1), &staff(3), &staff(4), &staff(5)], 4));
    let keys: Vec<bool> = changes.people.iter().map(PersonChange::has_other_key).collect();
    assert_eq!(keys, [false, true, false, false]);
    let roles = |holdings: &mut dyn Iterator<Item = &Holding>| holdings.map(|holding| holding.role).collect::<Vec<_>>();
    let gained: Vec<_> = changes.people.iter().map(|change| roles(&mut change.gained())).collect();
    let lost: Vec<_> = changes.people.iter().map(|change| roles(&mut change.lost())).collect();
    assert_eq!(gained, [vec![], vec![], vec![Role::PlanOwner], vec![Role::ModelUser]]);
    assert_eq!(lost, [vec![Role::Auditor], vec![], vec![], vec![]]);
    let retimed: Vec<_> = changes.people[2].retimed().collect();
    assert_eq!(retimed, [(&holding(Role::Auditor), &longer)]);
    // Of another scope it is another role.
    let moved = Holding { scope: Scope::Organisation(OrganisationId(1)), ..holding(Role::Auditor) };
    let moved = roster(vec![person(1, vec![moved.clone()])]).expect("well-formed");
    let changes = RosterChanges::between(Some(&roster(people[..1].to_vec()).expect("well-formed")), &moved);
    let [change] = &changes.people[..] else { panic!("{changes:?}") };
    assert_eq!((change.gained().count(), change.lost().count(), change.retimed().count()), (1, 1, 0));
    // So is the same one in another's place; and of two that stay, one alone has another time.
    let as_deputy = |until| {
        let (own, kept) = (Holding { until, ..holding(Role::BranchOperator) }, holding(Role::ModelUser));
        vec![person(1, vec![own, deputy(Role::Auditor, 2), kept]), people[1].clone()]
    };
    let in_person = vec![holding(Role::BranchOperator), holding(Role::Auditor), holding(Role::ModelUser)];
    let before = roster(as_deputy(FROM + 5)).expect("well-formed");
    let after = roster(vec![person(1, in_person), people[1].clone()]).expect("well-formed");
    let changes = RosterChanges::between(Some(&before), &after);
    let [change] = &changes.people[..] else { panic!("{changes:?}") };
    let (gained, lost): (Vec<_>, Vec<_>) = (change.gained().collect(), change.lost().collect());
    assert_eq!((gained, lost), (vec![&holding(Role::Auditor)], vec![&deputy(Role::Auditor, 2)]));
    let times: Vec<_> = change.retimed().map(|(before, after)| (before.until, after.until)).collect();
    assert_eq!(times, [(FROM + 5, FROM + HOLDING_SECONDS_MAX)]);
    assert_eq!(RosterChanges::between(Some(&later), &later), RosterChanges::default());
    assert_eq!(RosterChanges::between(None, &later).people.len(), 4);
}

#[test]
fn people_arrive_as_they_were_sent_and_are_judged_on_the_way() {
    let good = roster(vec![officer()]).expect("well-formed");
    let bytes = crate::codec::encode(&good);
    assert_eq!(crate::codec::decode::<Roster>(&bytes, bytes.len()), Ok(good.clone()));
    // The staff number stands in it twice if it is somebody's deputy; here once. Another organisation's letter case is no name.
    let place = bytes.windows(6).position(|window| window == b"bank-0").expect("a branch");
    let mut bad = bytes.clone();
    bad[place] = b'B';
    assert!(crate::codec::decode::<Roster>(&bad, bad.len()).is_err());
    let far = crate::codec::encode(&(FROM + HOLDING_SECONDS_MAX));
    let until = bytes.windows(far.len()).rposition(|window| window == far).expect("its end");
    let mut long = bytes[..until].to_vec();
    long.extend(crate::codec::encode(&(FROM + HOLDING_SECONDS_MAX + 1)));
    long.extend(&bytes[until + far.len()..]);
    assert!(crate::codec::decode::<Roster>(&long, long.len()).is_err());
}
