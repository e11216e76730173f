//! The people of an office: what each step is answered, and what the list says after it, is compared whole.

use std::fmt::Write as _;

use tributary_certs::ceremony::sign_roster;
use tributary_certs::enrolment::names;
use tributary_certs::people::{
    Deputy, Giver, PeopleError, PersonRequest, RoleGiven, SigningPerson, Which, change_key, deputise, give_role, grant,
    grant_more, list, make_next_key, make_person, renew, revoke,
};
use tributary_protocol::ids::OrganisationId;
use tributary_protocol::role::Role;
use tributary_protocol::roster::{Scope, StaffNumber};

use crate::support::NOW;
use crate::support::folders::Folders;
use crate::told::{compare, plain};

const YEAR: u64 = 365 * 86_400;

struct Story {
    folders: Folders,
    text: String,
}

fn number(staff: &str) -> StaffNumber {
    StaffNumber::parse(staff).expect("the story goes on")
}

fn giver(minutes: u64) -> Giver {
    Giver { by: "dora".to_owned(), at: NOW + 60 * minutes }
}

fn given(role: Role, until: u64) -> RoleGiven {
    let scope = if role.is_of_branches() { Scope::Organisation(OrganisationId(1)) } else { Scope::Federation };
    RoleGiven { role, scope, from: NOW, until }
}

impl Story {
    fn told<T: std::fmt::Debug>(&mut self, heading: &str, done: Result<T, PeopleError>) {
        let _ = match done {
            Ok(done) => writeln!(self.text, "== {heading}\n{done:?}"),
            Err(fault) => writeln!(self.text, "== {heading}: refused\n{fault}"),
        };
        let text = std::fs::read_to_string(self.folders.ca().join(names::PEOPLE)).unwrap_or_default();
        let _ = writeln!(self.text, "{text}");
    }

    fn person(&self, staff: &str) -> SigningPerson {
        make_person(&self.folders.at(&format!("people/{staff}")), &number(staff), NOW).expect("the story goes on")
    }

    fn listed(&mut self, heading: &str) {
        let _ = writeln!(self.text, "== {heading}");
        for listed in list(&self.folders.ca()).expect("the story goes on") {
            let _ = writeln!(self.text, "{} {} {:?}", listed.staff, listed.state.as_str(), listed.holding);
        }
    }
}

#[test]
fn people_of_an_office_are_told_as_they_were() {
    let mut story = Story { folders: Folders::whole(), text: String::new() };
    story.folders.issue("branch-1");
    let ca = story.folders.ca();
    let [middle, first, last] = ["north-bank/e5", "north-bank/a1", "north-bank/z9"].map(|staff| story.person(staff));
    let printed = first.request().print();
    let _ = writeln!(story.text, "{printed}");
    assert_eq!(PersonRequest::parse(&printed).as_ref(), Some(first.request()));
    for (name, person, role) in [
        ("a plan owner", &middle, Role::PlanOwner),
        ("a privacy officer", &first, Role::PrivacyOfficer),
        ("a validator", &last, Role::ModelValidator),
        ("a second role", &middle, Role::Auditor),
    ] {
        let done = grant(&ca, person.request(), &given(role, NOW + YEAR), false, &giver(1));
        story.told(name, done);
    }
    let more = |staff: &str, role| grant_more(&ca, &number(staff), &given(role, NOW + YEAR / 2), &giver(2));
    story.told("more", more("north-bank/a1", Role::Auditor));
    story.told("more of nobody", more("north-bank/q7", Role::Auditor));
    sign_roster(&ca).expect("the story goes on");
    story.listed("signed");
    let next = make_next_key(&story.folders.at("people/next"), &middle, NOW + 60).expect("the story goes on");
    story.told("another key", change_key(&ca, next.request(), false, &giver(3)));
    let found =
        make_person(&story.folders.at("people/found"), &number("north-bank/z9"), NOW + 60).expect("the story goes on");
    story.told("a key without the old one's word", change_key(&ca, found.request(), false, &giver(4)));
    story.told("a key after a loss", change_key(&ca, found.request(), true, &giver(4)));
    let stranger =
        make_person(&story.folders.at("people/new"), &number("north-bank/n3"), NOW + 60).expect("the story goes on");
    for lost in [false, true] {
        story.told(&format!("a key of nobody, lost: {lost}"), change_key(&ca, stranger.request(), lost, &giver(5)));
        let done = grant(&ca, stranger.request(), &given(Role::Auditor, NOW + YEAR), lost, &giver(5));
        story.told(&format!("a first role, lost: {lost}"), done);
    }
    let deputy = |role, principal: &str| Deputy {
        role,
        principal: number(principal),
        scope: None,
        from: NOW + 10,
        until: NOW + 1_000,
    };
    for (name, staff, role, principal) in [
        ("a deputy", "north-bank/n3", Role::PrivacyOfficer, "north-bank/a1"),
        ("a deputy of nobody", "north-bank/n3", Role::PrivacyOfficer, "north-bank/q7"),
        ("a deputy of another role", "north-bank/n3", Role::ModelValidator, "north-bank/a1"),
        ("nobody as a deputy", "north-bank/q7", Role::PrivacyOfficer, "north-bank/a1"),
    ] {
        story.told(name, deputise(&ca, &number(staff), &deputy(role, principal), &giver(6)));
    }
    story.listed("to be signed");
    for (name, which, until) in [
        ("a role goes on", Which::Role(Role::PlanOwner), NOW + YEAR + 60),
        ("all go on", Which::All, NOW + YEAR + 120),
        ("a role that is not there", Which::Role(Role::ModelValidator), NOW + YEAR),
    ] {
        let done = renew(&ca, &number("north-bank/e5"), which, until, &giver(7));
        story.told(name, done);
    }
    for (name, staff, which) in [
        ("a role ends", "north-bank/e5", Which::Role(Role::Auditor)),
        ("a principal leaves, and the deputy", "north-bank/a1", Which::All),
        ("nobody leaves", "north-bank/q7", Which::All),
    ] {
        story.told(name, revoke(&ca, &number(staff), which));
    }
    story.told("a role at once", give_role(&ca, &first, &given(Role::PrivacyOfficer, NOW + YEAR)));
    story.listed("at the end");
    let folder = story.folders.at("").display().to_string();
    compare(&plain(&story.text.replace(folder.trim_end_matches('/'), "HOME")), "people_told.txt");
}
