//! People: their keys, their roles in an authority's folder, and the roster that gives them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::PathBuf;

use tributary_certs::ceremony::sign_roster;
use tributary_certs::enrolment::{CoordinatorRequest, init_authority, issue_client, issue_coordinator, names};
use tributary_certs::identity::TrustDomain;
use tributary_certs::keys::{read_signing_key, write_signing_key};
use tributary_certs::people::{
    AskedScope, Deputy, Giver, PERSON_KEY, PERSON_REQUEST, PeopleError, PersonKey, PersonRequest, RoleGiven,
    SigningPerson, Which, change_key, deputise, give_role, grant, grant_more, make_next_key, make_person, read_people,
    renew, revoke, scope_named,
};
use tributary_certs::roster::{RosterAuthorities, parse_roster, print_roster};
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::limits::HOLDING_SECONDS_MAX;
use tributary_protocol::plan::{Attestation, AttestationFault, Over, Wanted};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::{Holding, PeopleFault, Person, Roster, Scope, SignedRoster, StaffNumber};
use tributary_storage::files::FileError;

const NOW: u64 = 1_900_000_000;
const YEAR: u64 = 365 * 86_400;

/// An authority with every key in its folder, and two branches of two banks.
struct Federation {
    folder: tempfile::TempDir,
    authorities: RosterAuthorities,
}

impl Federation {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let domain = TrustDomain::parse("federation.example").unwrap();
        let authorities = init_authority(&folder.path().join("ca"), &domain, 3, 2, NOW).unwrap();
        let federation = Self { folder, authorities };
        for (organisation, id) in [("north-bank", "branch-1"), ("south-bank", "branch-2")] {
            issue_client(&federation.ca(), organisation, id, &federation.at(id), NOW).unwrap();
        }
        federation
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn ca(&self) -> PathBuf {
        self.at("ca")
    }

    fn person(&self, staff: &str) -> SigningPerson {
        make_person(&self.at(&format!("people/{staff}")), &number(staff), NOW).unwrap()
    }

    /// Somebody with a role in the folder's list.
    fn hired(&self, staff: &str, role: Role) -> SigningPerson {
        let person = self.person(staff);
        grant(&self.ca(), person.request(), &given(role), false, &giver()).unwrap();
        person
    }

    fn listed(&self, staff: &str) -> Option<Person> {
        let people = read_people(&self.ca()).unwrap().into_iter().map(|enlisted| enlisted.person);
        people.into_iter().find(|person| person.staff == number(staff))
    }

    /// Refuses, and leaves the list as it was.
    fn refused<T>(&self, doing: impl FnOnce() -> Result<T, PeopleError>) -> PeopleError {
        let path = self.ca().join(names::PEOPLE);
        let before = std::fs::read(&path).ok();
        let Err(error) = doing() else { panic!("nothing was refused") };
        assert_eq!(std::fs::read(&path).ok(), before, "{error}");
        error
    }
}

fn number(staff: &str) -> StaffNumber {
    StaffNumber::parse(staff).unwrap()
}

fn giver() -> Giver {
    Giver { by: "dora".to_owned(), at: NOW + 60 }
}

fn given(role: Role) -> RoleGiven {
    let scope = if role.is_of_branches() { Scope::Organisation(OrganisationId(1)) } else { Scope::Federation };
    RoleGiven { role, scope, from: NOW, until: NOW + YEAR }
}

#[test]
fn a_signature_counts_by_the_signed_roster_alone() {
    let federation = Federation::new();
    let officer = federation.person("north-bank/e20417");
    let name = federation.authorities.digest();
    let subject = Digest::of(b"a plan");
    let approval = officer.attest(Action::ApprovePlan, subject, name, Role::PrivacyOfficer, NOW + 5).unwrap();
    let wanted = Wanted {
        action: Action::ApprovePlan,
        subject: &subject,
        federation: &name,
        owner: None,
        over: Over::Federation,
        now: Some(NOW + 5),
    };
    // In the list of the office, and in no roster.
    give_role(&federation.ca(), &officer, &given(Role::PrivacyOfficer)).unwrap();
    let mut before = sign_roster(&federation.ca()).unwrap();
    assert_eq!(parse_roster(&print_roster(&before)).as_ref(), Ok(&before));
    assert_eq!(approval.judge::<RealSuite>(&before.roster, wanted), Ok(()));
    before.roster = Roster::new(1, Digest::ZERO, before.roster.entries().to_vec(), Vec::new(), Vec::new()).unwrap();
    assert_eq!(approval.judge::<RealSuite>(&before.roster, wanted), Err(AttestationFault::Person));
}

#[test]
fn whatever_no_roster_may_have_is_refused_when_it_is_typed() {
    let federation = Federation::new();
    let ca = federation.ca();
    let owner = federation.hired("north-bank/e1", Role::PlanOwner);
    let officer = federation.hired("north-bank/e2", Role::PrivacyOfficer);
    let fault = |error: PeopleError| match error {
        PeopleError::Fault(fault) => (fault.clone(), PeopleError::Fault(fault).to_string()),
        other => panic!("{other:?}"),
    };
    // One who judges what the other makes, on one staff number.
    for (staff, role) in [
        ("north-bank/e1", Role::PrivacyOfficer),
        ("north-bank/e1", Role::ModelValidator),
        ("north-bank/e2", Role::PlanOwner),
    ] {
        let (fault, text) = fault(federation.refused(|| grant_more(&ca, &number(staff), &given(role), &giver())));
        assert!(matches!(fault, PeopleFault::Conflict { .. }), "{fault:?}");
        assert!(
            text.starts_with("nothing was changed: ") && text.contains("give one of the two roles to another person")
        );
    }
    // Too long, or over before it begins.
    for (from, until) in [(NOW, NOW + HOLDING_SECONDS_MAX + 1), (NOW, NOW - 1)] {
        let given = RoleGiven { from, until, ..given(Role::Auditor) };
        let (fault, text) = fault(federation.refused(|| give_role(&ca, &officer, &given)));
        assert!(
            matches!(fault, PeopleFault::Validity { role: Role::Auditor, .. }) && text.contains("366 days"),
            "{text}"
        );
    }
    let longest = RoleGiven { until: NOW + HOLDING_SECONDS_MAX, ..given(Role::Auditor) };
    give_role(&ca, &officer, &longest).unwrap();
    // Of strangers, or of what no such role is of.
    let scopes = [
        (Role::Auditor, Scope::Organisation(OrganisationId(9))),
        (Role::BranchOwner, Scope::Federation),
        (Role::BranchOwner, Scope::Branches(vec![ClientId(1), ClientId(7)])),
        (Role::PrivacyOfficer, Scope::Branches(vec![ClientId(1)])),
    ];
    for (role, scope) in scopes {
        let given = RoleGiven { scope, ..given(role) };
        let (fault, _) = fault(federation.refused(|| give_role(&ca, &officer, &given)));
        assert!(matches!(fault, PeopleFault::Scope { .. }), "{fault:?}");
    }
    // Deputies of nobody, for longer, and for more.
    let term = Deputy {
        role: Role::PrivacyOfficer,
        principal: number("north-bank/e2"),
        scope: None,
        from: NOW,
        until: NOW + 9,
    };
    let second = federation.hired("south-bank/e3", Role::Auditor);
    for (staff, principal) in
        [("south-bank/e3", "north-bank/e1"), ("south-bank/e3", "north-bank/e7"), ("south-bank/e3", "south-bank/e3")]
    {
        let deputy = Deputy { principal: number(principal), ..term.clone() };
        let (fault, _) = fault(federation.refused(|| deputise(&ca, &number(staff), &deputy, &giver())));
        assert!(matches!(fault, PeopleFault::Deputy { .. }), "{fault:?}");
    }
    let (conflict, _) = fault(federation.refused(|| deputise(&ca, owner.staff(), &term, &giver())));
    assert!(matches!(conflict, PeopleFault::Conflict { .. }));
    for late in [Deputy { until: NOW + YEAR + 1, ..term.clone() }, Deputy { from: NOW + YEAR + 1, ..term.clone() }] {
        let error = federation.refused(|| deputise(&ca, second.staff(), &late, &giver()));
        assert!(
            matches!(error, PeopleError::DeputyTerm { .. })
                && error.to_string().contains("renew the role of north-bank/e2")
        );
    }
    give_role(
        &ca,
        &officer,
        &RoleGiven { scope: Scope::Organisation(OrganisationId(1)), ..given(Role::PrivacyOfficer) },
    )
    .unwrap();
    let wide = Deputy { scope: Some(Scope::Federation), ..term.clone() };
    let (wider, _) = fault(federation.refused(|| deputise(&ca, second.staff(), &wide, &giver())));
    assert!(matches!(wider, PeopleFault::Wider { .. }));
    let early = Deputy { from: 0, ..term };
    let person = deputise(&ca, second.staff(), &early, &giver()).unwrap();
    let deputy = person.holdings_of(Role::PrivacyOfficer).next().unwrap();
    // From the first second of the principal's role on, and of the same scope.
    assert_eq!((deputy.from, &deputy.scope), (NOW, &Scope::Organisation(OrganisationId(1))));
    // A principal that is taken out of more by less has no deputy for what it lost.
    let less = RoleGiven { scope: Scope::Organisation(OrganisationId(2)), ..given(Role::PrivacyOfficer) };
    let (wider, _) = fault(federation.refused(|| give_role(&ca, &officer, &less)));
    assert!(matches!(wider, PeopleFault::Wider { .. }));
}

#[test]
fn a_key_is_one_person_s_and_nothing_else_s() {
    let federation = Federation::new();
    let ca = federation.ca();
    let person = federation.hired("north-bank/e1", Role::Auditor);
    let with = |key: &dyn PersonKey| PersonRequest::make(&number("north-bank/e2"), key, None, NOW).unwrap();
    let grant = |key: &dyn PersonKey| grant(&ca, &with(key), &given(Role::Auditor), false, &giver());
    let twice = federation.refused(|| grant(person.key()));
    assert!(matches!(twice, PeopleError::Fault(PeopleFault::KeyTwice { .. })), "{twice:?}");
    let branch = read_signing_key(&federation.at("branch-1").join(names::SIGNING_KEY)).unwrap();
    let twice = federation.refused(|| grant(&branch));
    assert!(matches!(twice, PeopleError::Fault(PeopleFault::KeyTwice { .. })), "{twice:?}");
    let authority = read_signing_key(&ca.join("authority-1.key")).unwrap();
    let taken = federation.refused(|| grant(&authority));
    assert!(matches!(taken, PeopleError::KeyTaken { whose: "a roster authority", .. }), "{taken:?}");
    let hosts = ["localhost".to_owned()];
    let request = CoordinatorRequest { organisation: "north-bank", id: "centre", host_names: &hosts, addresses: &[] };
    issue_coordinator(&ca, &request, &federation.at("centre"), NOW).unwrap();
    let centre = read_signing_key(&federation.at("centre").join(names::SIGNING_KEY)).unwrap();
    let taken = federation.refused(|| grant(&centre));
    assert!(matches!(taken, PeopleError::KeyTaken { whose: "the coordinator", .. }), "{taken:?}");
}

#[test]
fn a_request_is_proved_by_its_key_and_has_one_text() {
    let federation = Federation::new();
    let person = federation.person("north-bank/e1");
    let path = federation.at("people/north-bank/e1").join(PERSON_REQUEST);
    let request = PersonRequest::read(&path).unwrap();
    let next = make_next_key(&federation.at("next"), &person, NOW).unwrap();
    for request in [&request, next.request()] {
        assert_eq!(PersonRequest::parse(&request.print()).as_ref(), Some(request));
    }
    let text = request.print();
    let bad = [
        format!("{text}\n"),
        format!("{text}made 1\n"),
        text.trim_end().to_owned(),
        text.replace("request 1", "request 2"),
        text.replace("made 1900000000", "made 01900000000"),
        text.replace("made 1900000000", "made 1900000000 "),
        text.replace(" proof", " after"),
        text.replace("north-bank", "North-bank"),
        next.request().print().replace(" after ", " before "),
        next.request().print().replace('\n', "\r\n"),
    ];
    for bad in &bad {
        assert_eq!(PersonRequest::parse(bad), None, "{bad}");
    }
    // Under another name, of another time, or of another key it proves nothing.
    let other = SigningKey::from_seed(&[7; 32]).verifying_key();
    let forged = [
        PersonRequest { staff: number("north-bank/e2"), ..request.clone() },
        PersonRequest { made: NOW + 1, ..request.clone() },
        PersonRequest { signing_key: other, ..request.clone() },
    ];
    for forged in &forged {
        forged.write(&path).unwrap();
        assert!(matches!(PersonRequest::read(&path), Err(PeopleError::Unproved { .. })));
        let refused = grant(&federation.ca(), forged, &given(Role::Auditor), false, &giver());
        assert!(matches!(refused, Err(PeopleError::Unproved { .. })));
    }
    assert!(SigningPerson::open(&federation.at("people/north-bank/e1")).is_err());
}

#[test]
fn a_person_s_key_is_never_replaced_and_a_folder_that_was_begun_is_finished() {
    let federation = Federation::new();
    let person = federation.person("north-bank/e1");
    let folder = federation.at("people/north-bank/e1");
    let opened = SigningPerson::open(&folder).unwrap();
    assert_eq!((opened.staff(), opened.request()), (person.staff(), person.request()));
    let again = make_person(&folder, person.staff(), NOW);
    assert!(matches!(again, Err(PeopleError::File(FileError::Exists { .. }))));
    // Killed between the key and its request.
    std::fs::remove_file(folder.join(PERSON_REQUEST)).unwrap();
    let again = make_person(&folder, person.staff(), NOW).unwrap();
    assert_eq!(again.request(), person.request());
    let fingerprint = std::fs::read_to_string(folder.join(names::FINGERPRINT)).unwrap();
    assert_eq!(fingerprint.trim(), person.request().fingerprint().to_string());
    // The key of somebody else beside the request.
    std::fs::remove_file(folder.join(PERSON_KEY)).unwrap();
    write_signing_key(&SigningKey::from_seed(&[7; 32]), &folder.join(PERSON_KEY)).unwrap();
    assert!(matches!(SigningPerson::open(&folder), Err(PeopleError::File(FileError::Content { .. }))));
}

/// What a year brings: the same key for another term, another key by the old one's word, a loss, and a key that was lost and comes back.
#[test]
fn a_person_s_key_and_roles_are_renewed_replaced_and_lost() {
    let federation = Federation::new();
    let ca = federation.ca();
    let person = federation.hired("north-bank/e2", Role::PrivacyOfficer);
    let staff = person.staff();
    let name = federation.authorities.digest();
    let subject = Digest::of(b"a plan");
    let judge = |roster: &SignedRoster, attestation: &Attestation, now| {
        let wanted = Wanted {
            action: Action::ApprovePlan,
            subject: &subject,
            federation: &name,
            owner: None,
            over: Over::Federation,
            now: Some(now),
        };
        attestation.judge::<RealSuite>(&roster.roster, wanted)
    };
    let approve = |person: &SigningPerson, at| {
        person.attest(Action::ApprovePlan, subject, name, Role::PrivacyOfficer, at).unwrap()
    };
    let first = sign_roster(&ca).unwrap();
    let old = approve(&person, NOW + 10);
    assert_eq!(judge(&first, &old, NOW + 20), Ok(()));
    // An hour is more than clocks may differ by.
    let late = NOW + YEAR + 3_600;
    assert_eq!(judge(&first, &approve(&person, late), late), Err(AttestationFault::Ended));

    // Half a year later for half a year more: one term of 366 days. What its holder signed before counts on, as the roster in force decides.
    let half = Giver { at: NOW + YEAR / 2, ..giver() };
    let until = half.at + YEAR;
    // Longer than a term: it would begin in the future, and nothing would count until then.
    for days in [367, 700] {
        let far = half.at + days * 86_400;
        let error = federation.refused(|| renew(&ca, staff, Which::Role(Role::PrivacyOfficer), far, &half));
        assert!(matches!(error, PeopleError::Fault(PeopleFault::Validity { .. })), "{error:?}");
    }
    renew(&ca, staff, Which::Role(Role::PrivacyOfficer), until, &half).unwrap();
    let second = sign_roster(&ca).unwrap();
    let held = second.roster.person(staff).unwrap().holding(Role::PrivacyOfficer).unwrap();
    assert_eq!((held.from, held.until), (until - HOLDING_SECONDS_MAX, until));
    assert_eq!(judge(&second, &approve(&person, late), late), Ok(()));
    assert_eq!(judge(&second, &old, late), Ok(()));
    assert_eq!(judge(&second, &old, held.from - 3_600), Err(AttestationFault::NotYet));
    let stranger = make_person(&federation.at("stranger"), &number("north-bank/e8"), NOW).unwrap();
    let unknown = federation.refused(|| change_key(&ca, stranger.request(), false, &giver()));
    assert!(matches!(unknown, PeopleError::Unknown { .. }), "{unknown:?}");
    let new = federation.refused(|| grant(&ca, stranger.request(), &given(Role::Auditor), true, &giver()));
    assert!(matches!(new, PeopleError::NotLost { .. }), "who had no key has lost none: {new:?}");
    let none = federation.refused(|| renew(&ca, staff, Which::Role(Role::Auditor), until, &giver()));
    assert!(matches!(none, PeopleError::NoRole { role: Role::Auditor, .. }));

    // Another key under the same staff number needs the old key's word.
    let next = make_next_key(&federation.at("next"), &person, NOW).unwrap();
    let silent = PersonRequest { after: None, ..next.request().clone() };
    let stranger = PersonRequest::make(staff, next.key(), Some(&SigningKey::from_seed(&[7; 32])), NOW).unwrap();
    for request in [&silent, &stranger] {
        let error = federation.refused(|| change_key(&ca, request, false, &giver()));
        assert!(matches!(error, PeopleError::OtherKey { .. }), "{error:?}");
        assert!(error.to_string().contains("--old") && error.to_string().contains("--lost"), "{error}");
        let error = federation.refused(|| grant(&ca, request, &given(Role::PrivacyOfficer), false, &giver()));
        assert!(matches!(error, PeopleError::OtherKey { .. }), "{error:?}");
    }
    for (request, what) in [(next.request(), "its word is there"), (person.request(), "it is the same key")] {
        let error = federation.refused(|| change_key(&ca, request, true, &giver()));
        assert!(matches!(error, PeopleError::NotLost { .. }), "{what}");
    }
    change_key(&ca, next.request(), false, &giver()).unwrap();
    let third = sign_roster(&ca).unwrap();
    assert_eq!(judge(&third, &approve(&next, late), late), Ok(()));
    assert_eq!(judge(&third, &approve(&person, late), late), Err(AttestationFault::Signature));

    // The key is lost; whoever finds it does not come back with it.
    let fresh = make_person(&federation.at("fresh"), staff, NOW).unwrap();
    change_key(&ca, fresh.request(), true, &giver()).unwrap();
    let fourth = sign_roster(&ca).unwrap();
    assert_eq!(judge(&fourth, &approve(&fresh, late), late), Ok(()));
    assert_eq!(judge(&fourth, &approve(&next, late), late), Err(AttestationFault::Signature));
    for lost in [false, true] {
        let error = federation.refused(|| change_key(&ca, next.request(), lost, &giver()));
        assert!(matches!(error, PeopleError::Lost { at, .. } if at == giver().at), "{error:?}");
    }
    // Nor after the person left, under this name or another; and who is still in the roster needs the word of its key there.
    revoke(&ca, staff, Which::All).unwrap();
    assert_eq!(federation.listed("north-bank/e2"), None);
    let found = PersonRequest::make(&number("north-bank/e9"), next.key(), None, NOW).unwrap();
    for request in [next.request(), &found] {
        let error = federation.refused(|| grant(&ca, request, &given(Role::Auditor), false, &giver()));
        assert!(matches!(error, PeopleError::Lost { .. }), "{error:?}");
    }
    let again = make_person(&federation.at("again"), staff, NOW).unwrap();
    let error = federation.refused(|| grant(&ca, again.request(), &given(Role::Auditor), false, &giver()));
    assert!(matches!(error, PeopleError::OtherKey { .. }), "{error:?}");
    let fifth = sign_roster(&ca).unwrap();
    assert_eq!(fifth.roster.person(staff), None);
    assert_eq!(judge(&fifth, &approve(&fresh, late), late), Err(AttestationFault::Person));
    grant(&ca, again.request(), &given(Role::Auditor), false, &giver()).unwrap();
}

#[test]
fn what_is_revoked_takes_its_deputies_along() {
    let federation = Federation::new();
    let ca = federation.ca();
    let officer = federation.hired("north-bank/e1", Role::PrivacyOfficer);
    grant_more(&ca, officer.staff(), &given(Role::BranchOwner), &giver()).unwrap();
    let deputy = federation.person("north-bank/e2");
    let unknown = federation.refused(|| grant_more(&ca, deputy.staff(), &given(Role::Auditor), &giver()));
    assert!(matches!(unknown, PeopleError::Unknown { .. }) && unknown.to_string().contains("role grant --request"));
    give_role(&ca, &deputy, &given(Role::BranchOperator)).unwrap();
    for role in [Role::PrivacyOfficer, Role::BranchOwner] {
        let term = Deputy { role, principal: officer.staff().clone(), scope: None, from: NOW, until: NOW + 9 };
        deputise(&ca, deputy.staff(), &term, &giver()).unwrap();
    }
    let names = |gone: Vec<(StaffNumber, Holding)>| -> Vec<String> {
        gone.into_iter().map(|(staff, holding)| format!("{staff} {holding}")).collect()
    };
    let gone = revoke(&ca, officer.staff(), Which::Role(Role::PrivacyOfficer)).unwrap();
    let wanted = ["north-bank/e1 privacy-officer", "north-bank/e2 privacy-officer as deputy of north-bank/e1"];
    assert_eq!(names(gone), wanted);
    let none = federation.refused(|| revoke(&ca, officer.staff(), Which::Role(Role::PrivacyOfficer)));
    assert!(matches!(none, PeopleError::NoRole { .. }));
    // A renewal of everything is of what a person holds, and not of what it stands in for.
    renew(&ca, deputy.staff(), Which::All, NOW + YEAR + 5, &giver()).unwrap();
    let terms: Vec<u64> = federation.listed("north-bank/e2").unwrap().holdings.iter().map(|held| held.until).collect();
    assert_eq!(terms, [NOW + 9, NOW + YEAR + 5]);
    let gone = revoke(&ca, officer.staff(), Which::All).unwrap();
    assert_eq!(names(gone), ["north-bank/e1 branch-owner", "north-bank/e2 branch-owner as deputy of north-bank/e1"]);
    let left = read_people(&ca).unwrap();
    assert_eq!((left.len(), left[0].person.holdings.len()), (1, 1));
    let unknown = federation.refused(|| revoke(&ca, officer.staff(), Which::All));
    assert!(matches!(unknown, PeopleError::Unknown { .. }));
    sign_roster(&ca).unwrap();
}

#[test]
fn scopes_are_named_as_people_write_them() {
    let federation = Federation::new();
    let named = |text: Option<&str>, role, own: &str| {
        scope_named(&federation.ca(), text.map(|text| AskedScope::parse(text).unwrap()).as_ref(), role, own)
    };
    for (text, role, own, scope) in [
        (None, Role::PlanOwner, "nowhere", Scope::Federation),
        (None, Role::BranchOwner, "south-bank", Scope::Organisation(OrganisationId(2))),
        (Some("federation"), Role::Auditor, "south-bank", Scope::Federation),
        (Some("organisation:north-bank"), Role::Auditor, "south-bank", Scope::Organisation(OrganisationId(1))),
        (Some("clients:1,2"), Role::BranchOwner, "x", Scope::Branches(vec![ClientId(1), ClientId(2)])),
    ] {
        assert_eq!(named(text, role, own).unwrap(), scope);
    }
    let unknown = named(None, Role::BranchOwner, "west-bank").unwrap_err();
    assert!(matches!(&unknown, PeopleError::Organisation { organisation } if organisation == "west-bank"));
    for bad in ["", "everything", "organisation", "clients:", "clients:2,1", "client:1", "federation:"] {
        assert_eq!(AskedScope::parse(bad), None, "{bad:?}");
    }
    let nameless = Giver { by: "two words".to_owned(), at: NOW };
    let person = federation.person("north-bank/e1");
    let refused =
        federation.refused(|| grant(&federation.ca(), person.request(), &given(Role::Auditor), false, &nameless));
    assert!(matches!(refused, PeopleError::Giver));
}

/// A list that somebody wrote into by hand is judged when it is read, and when the roster is proposed.
#[test]
fn a_damaged_list_is_no_list() {
    let federation = Federation::new();
    federation.hired("north-bank/e1", Role::PlanOwner);
    let path = federation.ca().join(names::PEOPLE);
    let good = std::fs::read_to_string(&path).unwrap();
    let rests = good.lines().find(|line| line.starts_with("rests ")).unwrap();
    for bad in [
        good.replace("people 1", "people 2"),
        good.replace(&format!("{rests}\n"), ""),
        good.replace("given dora", "given"),
        good.replace("role plan-owner", "role king"),
        format!("{good}\n"),
        format!("{good}lost north-bank/e1 at 1\n"),
        good.trim_end().to_owned(),
    ] {
        std::fs::write(&path, &bad).unwrap();
        assert!(read_people(&federation.ca()).is_err() && sign_roster(&federation.ca()).is_err(), "{bad}");
    }
    std::fs::write(&path, good.replace("plan-owner scope federation", "plan-owner scope organisation 1")).unwrap();
    assert_eq!(sign_roster(&federation.ca()).unwrap().roster.people().len(), 1);
    // Two roles that nobody may have together, by hand.
    let both = good.replace("role plan-owner", "role plan-owner scope federation from 1 until 2\nrole privacy-officer");
    std::fs::write(&path, both).unwrap();
    let refused = sign_roster(&federation.ca()).unwrap_err().to_string();
    assert!(refused.contains("would be plan-owner and privacy-officer"), "{refused}");
}
