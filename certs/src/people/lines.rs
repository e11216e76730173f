//! The text of people and their roles: in a roster, in a proposal, and in the list of an authority's folder.
//!
//! ```text
//! person north-bank/e20417 signing ed25519:3d40..
//! role privacy-officer scope federation from 1900000000 until 1931536000
//! role auditor scope organisation 3 from 1900000000 until 1931536000 deputy-of north-bank/e11870
//! ```

use std::iter::Peekable;

use tributary_protocol::ids::OrganisationId;
use tributary_protocol::limits::{PERSON_HOLDINGS_MAX, ROSTER_PEOPLE_MAX, ROSTER_SCOPES_MAX};
use tributary_protocol::role::Role;
use tributary_protocol::roster::{Holding, Person, Scope, StaffNumber};
use tributary_protocol::secagg::suite::VerifyingKey;

use crate::lines::{Fields, parse_clients, print_clients};

/// What was read so far: a line of few bytes can stand for ten thousand branches, so that all is counted while it is read.
#[derive(Default)]
pub(crate) struct Bounds {
    people: usize,
    scopes: usize,
}

impl Bounds {
    /// The people of a roster, to the first line that is of something else.
    pub(crate) fn people<'a>(&mut self, lines: &mut Peekable<impl Iterator<Item = &'a str>>) -> Option<Vec<Person>> {
        let mut people = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with("person ")) {
            let (staff, signing_key) = self.person(line)?;
            people.push(Person { staff, signing_key, holdings: self.roles(lines)? });
        }
        Some(people)
    }

    /// A person's own line.
    pub(crate) fn person(&mut self, line: &str) -> Option<(StaffNumber, VerifyingKey)> {
        self.people = self.people.checked_add(1).filter(|people| *people <= ROSTER_PEOPLE_MAX)?;
        let mut fields = Fields::of(line);
        let (staff, key) = (staff(&mut fields, "person")?, fields.key("signing")?);
        fields.end().map(|()| (staff, key))
    }

    /// The lines of a person's roles.
    pub(crate) fn roles<'a>(&mut self, lines: &mut Peekable<impl Iterator<Item = &'a str>>) -> Option<Vec<Holding>> {
        let mut roles = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with("role ")) {
            let role = holding(line)?;
            if let Scope::Branches(branches) = &role.scope {
                self.scopes = self.scopes.checked_add(branches.len()).filter(|all| *all <= ROSTER_SCOPES_MAX)?;
            }
            if roles.len() >= PERSON_HOLDINGS_MAX {
                return None;
            }
            roles.push(role);
        }
        Some(roles)
    }
}

/// A staff number after a name.
pub(crate) fn staff(fields: &mut Fields<'_>, name: &str) -> Option<StaffNumber> {
    StaffNumber::parse(fields.text(name)?).ok()
}

/// A role's line, written the one way that it is printed.
fn holding(line: &str) -> Option<Holding> {
    let mut fields = Fields::of(line);
    let role = Role::of_name(fields.text("role")?)?;
    let scope = match fields.text("scope")? {
        "federation" => Scope::Federation,
        "organisation" => Scope::Organisation(OrganisationId(fields.value()?.parse().ok()?)),
        "clients" => Scope::Branches(parse_clients(fields.value()?)?),
        _ => return None,
    };
    let (from, until) = (fields.number("from")?, fields.number("until")?);
    let mut more = fields.clone();
    let deputy_of = staff(&mut more, "deputy-of");
    let fields = if deputy_of.is_some() { more } else { fields };
    fields.end()?;
    let holding = Holding { role, deputy_of, scope, from, until };
    (print_holding(&holding) == line).then_some(holding)
}

/// A person's own line, as [`Bounds::person`] reads it.
pub(crate) fn print_name(person: &Person) -> String {
    format!("person {} signing {}\n", person.staff, person.signing_key)
}

/// The lines of a person's roles, as [`Bounds::roles`] reads them.
pub(crate) fn print_roles(person: &Person) -> String {
    person.holdings.iter().map(|holding| print_holding(holding) + "\n").collect()
}

/// A scope's words.
#[must_use]
pub fn print_scope(scope: &Scope) -> String {
    match scope {
        Scope::Federation => "federation".to_owned(),
        Scope::Organisation(organisation) => format!("organisation {organisation}"),
        Scope::Branches(branches) => format!("clients {}", print_clients(branches, ",")),
    }
}

fn print_holding(holding: &Holding) -> String {
    let Holding { role, deputy_of, scope, from, until } = holding;
    let deputy = deputy_of.as_ref().map(|principal| format!(" deputy-of {principal}")).unwrap_or_default();
    format!("role {role} scope {} from {from} until {until}{deputy}", print_scope(scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_one_text() {
        let good = [
            "role privacy-officer scope federation from 1 until 2",
            "role auditor scope organisation 3 from 0 until 18446744073709551615",
            "role branch-owner scope clients 1,5-9 from 1 until 2 deputy-of north-bank/e1",
        ];
        for line in good {
            assert_eq!(holding(line).map(|holding| print_holding(&holding)).as_deref(), Some(line));
        }
        let bad = [
            "role admin scope federation from 1 until 2",
            "role auditor scope everything from 1 until 2",
            "role auditor scope organisation 03 from 1 until 2",
            "role auditor scope organisation +3 from 1 until 2",
            "role auditor scope clients 1,2 from 1 until 2",
            "role auditor scope clients 2,1 from 1 until 2",
            "role auditor scope clients  from 1 until 2",
            "role auditor scope clients from 1 until 2",
            "role auditor scope federation from 01 until 2",
            "role auditor scope federation until 2 from 1",
            "role auditor scope federation from 1 until 2 deputy-of nobody",
            "role auditor scope federation from 1 until 2 deputy-of a/b c",
            "role auditor scope federation from 1 until 2 ",
            "role auditor  scope federation from 1 until 2",
            "role auditor scope federation from 1 until 18446744073709551616",
        ];
        for line in bad {
            assert_eq!(holding(line), None, "{line:?}");
        }
    }

    /// A text of few bytes that stands for more than any roster has is refused while it is read.
    #[test]
    fn the_bounds_are_kept_while_reading() {
        let role = "role branch-owner scope clients 1-10000 from 1 until 2";
        let read = |lines: &[&str]| Bounds::default().people(&mut lines.iter().copied().peekable()).is_some();
        let person = |number: usize| format!("person a/{number} signing {}", VerifyingKey::ed25519([1; 32]));
        let (one, other) = (person(1), person(2));
        assert!(read(&[&one, role]));
        let more = "role branch-owner scope clients 7 from 1 until 2";
        assert!(!read(&[&one, role, more]), "more branches than all scopes may have");
        assert!(!read(&[&one, role, &other, role]), "of two people together as well");
        let short = "role auditor scope federation from 1 until 2";
        assert!(read(&[[one.as_str()].as_slice(), &[short; PERSON_HOLDINGS_MAX]].concat()));
        assert!(!read(&[[one.as_str()].as_slice(), &[short; PERSON_HOLDINGS_MAX + 1]].concat()));
        let crowd: Vec<String> = (0..=ROSTER_PEOPLE_MAX).map(person).collect();
        let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
        assert!(read(&crowd[1..]) && !read(&crowd));
    }
}
