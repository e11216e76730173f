//! What a signer is shown of people: everybody who differs, the most dangerous first, each with the whole of what the roster would let them do.
//!
//! Whether a key is proved, and whether the key before it signed for it, is verified here: the office brings both signatures, and its word for
//! neither.

use core::fmt;
use std::collections::BTreeMap;

use serde::Serialize;
use tributary_protocol::entropy::Entropy;
use tributary_protocol::ids::OrganisationId;
use tributary_protocol::roster::{Holding, Person, PersonChange, Roster, Scope, StaffNumber};

use super::question::{Question, about_fingerprint};
use super::shape::shape;
use crate::inspect::date;
use crate::people::lines::print_scope;
use crate::people::{KeyBefore, PersonRest, fingerprint, is_proved};

/// How much a change lets somebody do that nobody could before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Danger {
    /// Another key signs in a person's name.
    OtherKey,
    /// A role that may approve, new or for longer.
    MayApprove,
    /// Another role.
    NewRole,
    /// Less than before, or for another time.
    Less,
}

/// A person who differs.
#[derive(Clone, Debug)]
struct PersonReport {
    danger: Danger,
    change: PersonChange,
    rest: Option<PersonRest>,
    /// Whether the key of the later roster signed its own request.
    proved: bool,
    /// Whether the key of the earlier roster signed for it.
    vouched: bool,
    remarks: Vec<String>,
}

/// Everybody who differs, the most dangerous first.
#[derive(Clone, Debug, Default)]
pub(super) struct PeopleReport {
    people: Vec<PersonReport>,
    organisations: BTreeMap<OrganisationId, String>,
}

#[derive(Serialize)]
struct RoleView<'a> {
    role: &'a str,
    scope: String,
    from: u64,
    until: u64,
    deputy_of: Option<&'a str>,
    may_approve: bool,
}

#[derive(Serialize)]
struct SideView<'a> {
    fingerprint: String,
    roles: Vec<RoleView<'a>>,
}

/// One person, for programs.
#[derive(Serialize)]
pub(super) struct PersonView<'a> {
    staff: &'a str,
    before: Option<SideView<'a>>,
    after: Option<SideView<'a>>,
    other_key: bool,
    key_proved: bool,
    old_key_signed: bool,
    said_to_be_lost: bool,
    gained: Vec<RoleView<'a>>,
    lost: Vec<RoleView<'a>>,
    rests_on: Option<String>,
    remarks: &'a [String],
}

impl Danger {
    fn of(change: &PersonChange) -> Self {
        if change.has_other_key() {
            return Self::OtherKey;
        }
        // For longer as well: a role that was over counts again, or counts for what was signed before it began.
        let longer = |(before, after): (&Holding, &Holding)| after.from < before.from || after.until > before.until;
        let longer = change.retimed().filter(|pair| longer(*pair)).map(|(_, after)| after);
        if change.gained().chain(longer).any(|holding| holding.role.may_approve()) {
            return Self::MayApprove;
        }
        if change.gained().next().is_some() { Self::NewRole } else { Self::Less }
    }
}

impl PersonReport {
    fn new(change: &PersonChange, rest: Option<&PersonRest>, roster: &Roster) -> Self {
        let key = change.after.as_ref().map(|person| &person.signing_key);
        let proved = |rest: &PersonRest| key.is_some_and(|key| is_proved(&change.staff, key, rest.made, &rest.proof));
        let vouched = |rest: &PersonRest| match (&rest.before, &change.before, key) {
            (KeyBefore::Vouches(word), Some(before), Some(key)) => word.is_of(before, key),
            _ => false,
        };
        Self {
            danger: Danger::of(change),
            proved: rest.is_some_and(proved),
            vouched: rest.is_some_and(vouched),
            rest: rest.cloned(),
            remarks: if change.before.is_none() { remarks(&change.staff, roster) } else { Vec::new() },
            change: change.clone(),
        }
    }

    /// Whether the signer must have heard the fingerprint: of a new key, or of one that may do more.
    fn is_asked(&self) -> bool {
        self.danger != Danger::Less
    }

    fn has_new_key(&self) -> bool {
        self.change.after.is_some() && (self.change.before.is_none() || self.change.has_other_key())
    }

    fn said_to_be_lost(&self) -> bool {
        self.rest.as_ref().is_some_and(|rest| matches!(rest.before, KeyBefore::Lost(_)))
    }

    /// What is to be said aloud of the key.
    fn about_the_key(&self) -> Vec<&'static str> {
        let mut said = Vec::new();
        if self.change.has_other_key() {
            said.push(match (self.vouched, self.said_to_be_lost()) {
                (true, _) => "the old key signed for the new one: verified here",
                (false, true) => {
                    "THE OLD KEY IS SAID TO BE LOST, AND DID NOT SIGN FOR THE NEW ONE: see the person before you sign"
                }
                (false, false) => {
                    "THE OLD KEY DID NOT SIGN FOR THE NEW ONE, AND NOBODY SAYS THAT IT IS LOST: do not sign before you know why"
                }
            });
        }
        if self.has_new_key() && !self.proved {
            said.push("THE NEW KEY IS NOT PROVED: nobody has shown that the person has it");
        }
        said
    }
}

impl PeopleReport {
    /// Of everybody who differs; rosters that are compared, and what the office says that changes rest on.
    pub(super) fn new(
        changes: &[PersonChange],
        rests: &BTreeMap<StaffNumber, PersonRest>,
        earlier: Option<&Roster>,
        later: &Roster,
    ) -> Self {
        let report = |change: &PersonChange| PersonReport::new(change, rests.get(&change.staff), later);
        let mut people: Vec<PersonReport> = changes.iter().map(report).collect();
        people.sort_by(|one, other| (one.danger, &one.change.staff).cmp(&(other.danger, &other.change.staff)));
        let entries = earlier.into_iter().flat_map(Roster::entries).chain(later.entries());
        let organisations = entries.map(|entry| (entry.organisation, entry.name.organisation().to_owned())).collect();
        Self { people, organisations }
    }

    /// One question for each person with a key or a role that is new, or with a longer time to approve.
    pub(super) fn questions(&self, entropy: &mut dyn Entropy) -> Vec<Question> {
        let mut questions = Vec::new();
        for report in self.people.iter().filter(|report| report.is_asked()) {
            let Some(person) = &report.change.after else { continue };
            let roles: Vec<String> = person.holdings.iter().map(ToString::to_string).collect();
            let who = format!("{} ({})", person.staff, roles.join(", "));
            let fingerprint = fingerprint(&person.staff, &person.signing_key);
            questions.push(about_fingerprint(&who, "person", fingerprint, entropy));
        }
        questions
    }

    pub(super) fn views(&self) -> Vec<PersonView<'_>> {
        self.people.iter().map(view).collect()
    }

    /// The sections of these dangers.
    pub(super) fn print(&self, formatter: &mut fmt::Formatter<'_>, dangers: &[Danger]) -> fmt::Result {
        for danger in dangers {
            let heading = match danger {
                Danger::OtherKey => "PEOPLE WITH OTHER KEYS: whoever holds them signs in the person's name",
                Danger::MayApprove => {
                    "PEOPLE WITH ROLES THAT MAY APPROVE, NEW OR FOR LONGER: of plans, budgets or the use of data"
                }
                Danger::NewRole => "PEOPLE WITH OTHER NEW ROLES",
                Danger::Less => "PEOPLE WITH FEWER ROLES, OR FOR ANOTHER TIME",
            };
            let of: Vec<_> = self.people.iter().filter(|report| report.danger == *danger).collect();
            if !of.is_empty() {
                writeln!(formatter, "\n{heading} ({})", of.len())?;
            }
            of.into_iter().try_for_each(|report| self.person(formatter, report))?;
        }
        Ok(())
    }

    fn person(&self, formatter: &mut fmt::Formatter<'_>, report: &PersonReport) -> fmt::Result {
        let PersonChange { staff, before, after } = &report.change;
        let print = |person: &Person| fingerprint(staff, &person.signing_key);
        let sign = match (before, after) {
            (None, _) => "+",
            (_, None) => "-",
            _ => "~",
        };
        writeln!(formatter, "  {sign} {staff}")?;
        match (before, after) {
            (Some(before), Some(after)) if report.change.has_other_key() => {
                writeln!(formatter, "      - fingerprint {}", print(before))?;
                writeln!(formatter, "      + fingerprint {}", print(after))?;
            }
            _ => after
                .iter()
                .chain(before)
                .take(1)
                .try_for_each(|person| writeln!(formatter, "      fingerprint {}", print(person)))?,
        }
        report.about_the_key().into_iter().try_for_each(|said| writeln!(formatter, "      {said}"))?;
        report.remarks.iter().try_for_each(|remark| writeln!(formatter, "      {remark}"))?;
        for holding in report.change.gained() {
            writeln!(formatter, "      + {}", self.role(holding))?;
        }
        for holding in report.change.lost() {
            writeln!(formatter, "      - {}", self.role(holding))?;
        }
        for (before, after) in report.change.retimed() {
            let (from, until) = (date(before.from), date(before.until));
            writeln!(formatter, "      ~ {}; before, from {from} until {until}", self.role(after))?;
        }
        let same = after.iter().flat_map(|person| &person.holdings);
        let held = |holding: &&Holding| before.as_ref().is_some_and(|before| before.holdings.contains(holding));
        for holding in same.filter(held) {
            writeln!(formatter, "      = {}", self.role(holding))?;
        }
        match (&report.rest, after) {
            (_, None) => Ok(()),
            (Some(rest), _) => writeln!(formatter, "      rests, says the office, on: {rest}"),
            (None, _) => writeln!(formatter, "      rests, says the office, on: NOTHING that it names"),
        }
    }

    fn role(&self, holding: &Holding) -> String {
        let name = match &holding.scope {
            Scope::Organisation(organisation) => self.organisations.get(organisation),
            _ => None,
        };
        let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
        let (scope, from, until) = (print_scope(&holding.scope), date(holding.from), date(holding.until));
        format!("{holding}, scope {scope}{name}, from {from} until {until}")
    }
}

impl fmt::Display for PersonRest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { made, before, given, .. } = self;
        write!(formatter, "a request of {}; given by {}, {}", date(*made), given.by, date(given.at))?;
        match before {
            KeyBefore::Lost(_) => formatter.write_str("; the key before it was LOST"),
            _ => Ok(()),
        }
    }
}

fn view(report: &PersonReport) -> PersonView<'_> {
    let change = &report.change;
    PersonView {
        staff: change.staff.as_str(),
        before: change.before.as_ref().map(side_of),
        after: change.after.as_ref().map(side_of),
        other_key: change.has_other_key(),
        key_proved: report.proved,
        old_key_signed: report.vouched,
        said_to_be_lost: report.said_to_be_lost(),
        gained: change.gained().map(role).collect(),
        lost: change.lost().map(role).collect(),
        rests_on: report.rest.as_ref().map(ToString::to_string),
        remarks: &report.remarks,
    }
}

fn side_of(person: &Person) -> SideView<'_> {
    let fingerprint = fingerprint(&person.staff, &person.signing_key).to_string();
    SideView { fingerprint, roles: person.holdings.iter().map(role).collect() }
}

fn role(holding: &Holding) -> RoleView<'_> {
    let Holding { role, deputy_of, scope, from, until } = holding;
    RoleView {
        role: role.name(),
        scope: print_scope(scope),
        from: *from,
        until: *until,
        deputy_of: deputy_of.as_ref().map(StaffNumber::as_str),
        may_approve: role.may_approve(),
    }
}

/// What is odd about a staff number that comes.
fn remarks(staff: &StaffNumber, roster: &Roster) -> Vec<String> {
    let own = shape(staff.as_str());
    let others = roster.people().iter().map(|person| &person.staff);
    let alike = others.filter(|other| *other != staff && shape(other.as_str()) == own);
    let mut found: Vec<String> = alike.map(|other| format!("LOOKS LIKE {other}")).collect();
    if roster.entries().iter().all(|entry| entry.name.organisation() != staff.organisation()) {
        found.push(format!("no member is of {}", staff.organisation()));
    }
    found
}
