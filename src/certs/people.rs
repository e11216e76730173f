//! `tributary certs person` and `tributary certs role`: people's keys, and the roles of the next roster.

use serde::Serialize;
use tributary_certs::clock::unix_seconds;
use tributary_certs::inspect::date;
use tributary_certs::people::{
    self, Deputy, Giver, KeptIn, Listed, PERSON_REQUEST, PersonRequest, RoleGiven, SigningPerson, Which, fingerprint,
};
use tributary_certs::roster::print_scope;
use tributary_protocol::role::Role;
use tributary_protocol::roster::{Holding, Person, StaffNumber};
use tributary_storage::files;

use super::done::done;
use super::options::{
    DeputyOptions, GrantOptions, KeyOptions, OfficeOptions, PersonOptions, RenewRoleOptions, RevokeRoleOptions,
    RoleCommand, RoleListOptions,
};
use crate::exit::{Exit, Failure};
use crate::json;

const DAY: u64 = 86_400;
/// So long before its end a role is pointed at: the next ceremony must fit into it.
const SOON_DAYS: u64 = 45;
const NEXT: &str = "it counts once the next roster is proposed, signed and in force";

/// Does what was asked of roles.
pub(super) fn run(command: &RoleCommand) -> Result<Exit, Failure> {
    match command {
        RoleCommand::Grant(options) => grant(options),
        RoleCommand::Revoke(options) => revoke(options),
        RoleCommand::Deputy(options) => deputy(options),
        RoleCommand::Renew(options) => renew(options),
        RoleCommand::Key(options) => key(options),
        RoleCommand::List(options) => list(options),
    }
}

pub(super) fn request(options: &PersonOptions) -> Result<Exit, Failure> {
    let old = options.old.as_deref().map(SigningPerson::open).transpose().map_err(Failure::failed)?;
    if let Some(old) = old.as_ref().filter(|old| *old.staff() != options.staff) {
        return Err(Failure::failed(format!(
            "no key was made: the folder of the old key is of {}, not of {}; name the folder of this person's own key",
            old.staff(),
            options.staff
        )));
    }
    let token = options.place();
    let kept = token.as_ref().map_or(KeptIn::Folder, KeptIn::Token);
    let old = old.as_ref().map(SigningPerson::key);
    let made = people::make_key(&options.out, kept, &options.staff, old, unix_seconds()).map_err(Failure::failed)?;
    println!("fingerprint {}", made.request().fingerprint());
    let text =
        "bring it to the federation's office; read the fingerprint to whoever signs the roster, and to nobody else";
    done(&options.out.join(PERSON_REQUEST), text)
}

fn grant(options: &GrantOptions) -> Result<Exit, Failure> {
    let request =
        options.request.as_ref().map(|path| PersonRequest::read(path)).transpose().map_err(Failure::failed)?;
    let (authority, giver) = (&options.office.authority, giver(&options.office));
    let staff = request.as_ref().map(|request| &request.staff).or(options.staff.as_ref());
    let Some(staff) = staff else { return Err(Failure::usage("give --request or --staff")) };
    let from = options.from.unwrap_or(giver.at);
    let scope = people::scope_named(authority, options.scope.as_ref(), options.role, staff.organisation());
    let given = RoleGiven {
        role: options.role,
        scope: scope.map_err(Failure::failed)?,
        from,
        until: from.saturating_add(options.days.saturating_mul(DAY)),
    };
    let person = match &request {
        Some(request) => people::grant(authority, request, &given, options.lost, &giver),
        None => people::grant_more(authority, staff, &given, &giver),
    };
    let person = person.map_err(Failure::failed)?;
    told(&options.office, &person, person.holding(options.role))
}

fn deputy(options: &DeputyOptions) -> Result<Exit, Failure> {
    let DeputyOptions { office, staff, role, principal, .. } = options;
    let giver = giver(office);
    let scope = options.scope.as_ref();
    let scope = scope.map(|scope| people::scope_named(&office.authority, Some(scope), *role, staff.organisation()));
    let deputy = Deputy {
        role: *role,
        principal: principal.clone(),
        scope: scope.transpose().map_err(Failure::failed)?,
        from: options.from.unwrap_or(giver.at),
        until: options.until,
    };
    let person = people::deputise(&office.authority, staff, &deputy, &giver).map_err(Failure::failed)?;
    let mut holdings = person.holdings_of(*role);
    told(office, &person, holdings.find(|holding| holding.deputy_of.as_ref() == Some(principal)))
}

fn renew(options: &RenewRoleOptions) -> Result<Exit, Failure> {
    let RenewRoleOptions { office, staff, role, days, .. } = options;
    let giver = giver(office);
    let until = giver.at.saturating_add(days.saturating_mul(DAY));
    let person = people::renew(&office.authority, staff, which(*role), until, &giver).map_err(Failure::failed)?;
    let renewed = person.holdings.iter().filter(|holding| holding.until == until && holding.deputy_of.is_none());
    told(office, &person, renewed)
}

fn key(options: &KeyOptions) -> Result<Exit, Failure> {
    let KeyOptions { office, request, lost } = options;
    let request = PersonRequest::read(request).map_err(Failure::failed)?;
    let person = people::change_key(&office.authority, &request, *lost, &giver(office)).map_err(Failure::failed)?;
    told(office, &person, None)
}

fn revoke(options: &RevokeRoleOptions) -> Result<Exit, Failure> {
    let RevokeRoleOptions { authority, staff, role, .. } = options;
    let gone = people::revoke(authority, staff, which(*role)).map_err(Failure::failed)?;
    for (staff, holding) in &gone {
        println!("{staff}: {holding} ends");
    }
    done(
        authority,
        "the roster in force still names what ended: propose the next one and have it signed now. Until then a privacy officer can freeze the federation",
    )
}

fn list(options: &RoleListOptions) -> Result<Exit, Failure> {
    let listed = people::list(&options.authority).map_err(Failure::failed)?;
    if options.json {
        json::print(&ListView { roles: listed.iter().map(view).collect() });
        return Ok(Exit::Done);
    }
    let now = unix_seconds();
    let mut last: Option<&StaffNumber> = None;
    for role in &listed {
        if last != Some(&role.staff) {
            println!("{}", role.staff);
            last = Some(&role.staff);
        }
        println!("  {:<11}  {}{}", role.state.as_str(), words(&role.holding), ending(&role.holding, now));
        println!("               fingerprint {}", fingerprint(&role.staff, &role.signing_key));
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct ListView<'a> {
    roles: Vec<RoleView<'a>>,
}

#[derive(Serialize)]
struct RoleView<'a> {
    staff: &'a str,
    role: &'a str,
    state: &'a str,
    scope: String,
    from: u64,
    until: u64,
    deputy_of: Option<&'a str>,
    fingerprint: String,
}

fn view(listed: &Listed) -> RoleView<'_> {
    let Listed { staff, signing_key, holding, state } = listed;
    RoleView {
        staff: staff.as_str(),
        role: holding.role.name(),
        state: state.as_str(),
        scope: print_scope(&holding.scope),
        from: holding.from,
        until: holding.until,
        deputy_of: holding.deputy_of.as_ref().map(StaffNumber::as_str),
        fingerprint: fingerprint(staff, signing_key).to_string(),
    }
}

/// A role in words.
pub(super) fn words(holding: &Holding) -> String {
    let (scope, from, until) = (print_scope(&holding.scope), date(holding.from), date(holding.until));
    format!("{holding}, scope {scope}, from {from} until {until}")
}

/// What is to be said of a role that ends soon. Otherwise its holder hears of it when a signature counts no more.
fn ending(holding: &Holding, now: u64) -> String {
    match holding.until.checked_sub(now).map(|left| left / DAY) {
        None => "; ENDED".to_owned(),
        Some(days) if days < SOON_DAYS => format!("; ENDS IN {days} DAYS: `tributary certs role renew`"),
        Some(_) => String::new(),
    }
}

fn which(role: Option<Role>) -> Which {
    role.map_or(Which::All, Which::Role)
}

fn giver(options: &OfficeOptions) -> Giver {
    Giver { by: options.by.clone().unwrap_or_else(files::own_account), at: unix_seconds() }
}

/// What the next roster is to say of a person.
fn told<'a>(
    office: &OfficeOptions,
    person: &Person,
    holdings: impl IntoIterator<Item = &'a Holding>,
) -> Result<Exit, Failure> {
    let Person { staff, signing_key, .. } = person;
    for holding in holdings {
        println!("{staff}: {}", words(holding));
    }
    println!("{staff}: fingerprint {}", fingerprint(staff, signing_key));
    done(&office.authority, NEXT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_protocol::roster::Scope;

    #[test]
    fn a_role_that_ends_soon_is_pointed_at() {
        let until = 100 * DAY;
        let holding = Holding { role: Role::Auditor, deputy_of: None, scope: Scope::Federation, from: 0, until };
        let said = |now| ending(&holding, now);
        assert_eq!((said(until - SOON_DAYS * DAY), said(until + 1)), (String::new(), "; ENDED".to_owned()));
        assert!(said(until - SOON_DAYS * DAY + 1).starts_with("; ENDS IN 44 DAYS"));
        assert!(said(until).starts_with("; ENDS IN 0 DAYS"));
    }
}
