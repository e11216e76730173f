//! What stands on a branch's machine, looked at without a network and without changing anything: for `client preflight` and `config check`.

use tributary_certs::enrolment::names;
use tributary_certs::inspect::date;
use tributary_certs::keys::read_verifying_key;
use tributary_certs::renewal::Expiry;
use tributary_model::schema::Schema;
use tributary_storage::files::FileError;
use tributary_texts::{Said, preflight as words};
use tributary_transport::preflight::{Cause, Findings, Outcome};

use crate::budget::check_budget;
use crate::data::{Stop, read_schema};
use crate::dataset::{Loaded, Look, Remark, Sources};
use crate::error::ClientError;
use crate::identity::BranchIdentity;
use crate::policy::BranchPolicy;
use crate::settings::Settings;

/// Looks at identity, keys, state folder, policy, budget file, schema and data; the identity, if it can be used.
pub(crate) fn standing(found: &mut Findings, settings: &Settings, now: u64) -> Option<BranchIdentity> {
    state_folder(found, settings);
    let folder = settings.identity.folder.display();
    let identity = BranchIdentity::look(settings.identity.clone(), now).map_err(|fault| fault.said());
    let identity = found.checked(Cause::Files, words::opening_identity(folder), identity, |_| words::identity_fits());
    if let Some(identity) = &identity {
        signing_key(found, settings, identity);
    }
    let policy = BranchPolicy::owned(settings).map_err(|fault| fault.said());
    let reading = words::reading(settings.policy_file.display());
    let policy = found.checked(Cause::Files, reading, policy, |_| words::signed_by_owner());
    if let Some(policy) = &policy {
        let budget = check_budget(settings, &policy.population).map_err(|fault| fault.said());
        let tried = words::looking_at_budget();
        let _ = found.checked(Cause::Files, tried, budget, |counter| words::budget_begun(counter));
    }
    data(found, settings, policy.as_ref());
    identity
}

/// A folder that is not there yet is made by the daemon; something else in its place is not.
fn state_folder(found: &mut Findings, settings: &Settings) {
    let path = &settings.state_dir;
    if path.exists() && !path.is_dir() {
        let tried = words::looking_at(path.display());
        let said = [tried, words::no_folder(), words::state_means(), words::state_ask()];
        found.tell(Cause::Disk, Outcome::Fault, said);
    }
}

/// Whether the signing key is the one that enrolment made: the roster knows no other.
fn signing_key(found: &mut Findings, settings: &Settings, identity: &BranchIdentity) {
    let path = settings.identity.folder.join(names::SIGNING_PUBLIC);
    let tried = words::comparing_key(path.display());
    let own = identity.signing_key.verifying_key();
    match read_verifying_key(&path) {
        Ok(public) if public == own => found.good(Cause::Files, tried, words::halves_fit()),
        // Whoever keeps no public half loses nothing by it.
        Err(FileError::System { .. }) if !path.exists() => {}
        Ok(_) => {
            let said = [tried, words::two_keys(), words::not_our_key(), words::ask_for_key()];
            found.tell(Cause::Files, Outcome::Fault, said);
        }
        Err(fault) => {
            let said = [tried, Said::verbatim(fault), words::key_of_nobody(), words::as_the_message_says()];
            found.tell(Cause::Files, Outcome::Fault, said);
        }
    }
}

pub(crate) fn certificate(found: &mut Findings, identity: &BranchIdentity, now: u64) {
    let validity = identity.keys.validity();
    let tried = words::looking_at_certificate();
    let hours = validity.not_after.saturating_sub(now) / 3_600;
    let seen = words::ends_on(date(validity.not_after), hours / 24, hours % 24);
    match Expiry::of(validity, now) {
        Expiry::Fine | Expiry::Due => found.good(Cause::Certificate, tried, seen),
        Expiry::Warning | Expiry::Critical => {
            let said = [tried, seen, words::should_have_renewed(), words::ask_log_or_renew()];
            found.tell(Cause::Certificate, Outcome::Warning, said);
        }
        Expiry::Expired => {
            let seen = words::ended_on(date(validity.not_after));
            let said = [tried, seen, words::certificate_over(), words::ask_office_approval()];
            found.tell(Cause::Certificate, Outcome::Fault, said);
        }
    }
}

pub(crate) fn lists(found: &mut Findings, identity: &BranchIdentity, now: u64) {
    let tried = words::looking_at_lists();
    let Some(end) = identity.keys.lists_end(now) else {
        let said = [tried, words::lists_of_nobody(), words::nobody_believed(), words::ask_office_lists()];
        return found.tell(Cause::Certificate, Outcome::Fault, said);
    };
    let hours = end.next_update.saturating_sub(now) / 3_600;
    let (when, ask) = (date(end.next_update), Said::verbatim(end.cure()));
    if end.is_over(now) {
        let seen = words::list_ended(&end.authority, when);
        found.tell(Cause::Certificate, Outcome::Fault, [tried, seen, words::lists_over_means(), ask]);
    } else if end.is_near(now) {
        let seen = words::list_ends(&end.authority, when, hours / 24, hours % 24);
        found.tell(Cause::Certificate, Outcome::Warning, [tried, seen, words::nobody_believed_later(), ask]);
    } else {
        found.good(Cause::Certificate, tried, words::first_list_ends(when));
    }
}

fn data(found: &mut Findings, settings: &Settings, policy: Option<&BranchPolicy>) {
    let schema = read_schema(&settings.schema_file).map_err(|fault| fault.said());
    let seen = |schema: &Schema| words::schema_seen(schema.digest().short(), schema.width());
    let reading = words::reading(settings.schema_file.display());
    let Some(schema) = found.checked(Cause::Data, reading, schema, seen) else { return };
    if let Some(policy) = policy {
        let pinned = policy.schema.holds(&schema);
        let _ = found.checked(Cause::Data, words::comparing_schema(), pinned, |()| words::schema_pinned());
    }
    // As the daemon reads them, to the end: what is good here runs.
    let sources = Sources::of(settings, &schema).map_err(|fault| fault.said());
    let reading = words::reading(settings.mapping_file.as_ref().unwrap_or(&settings.schema_file).display());
    let sources = match sources {
        Ok(sources) => sources,
        fault => return drop(found.checked(Cause::Data, reading, fault, |_| words::schema_pinned())),
    };
    for place in &sources.places {
        let look = Look { place, sources: &sources, day: place.day(settings) };
        let read = Loaded::read(look, settings, &schema, &Stop::default());
        let read = read.map_err(ClientError::file).and_then(Loaded::usable).map_err(|fault| fault.said());
        let tried = words::reading(place.origin.name().display());
        let seen = |loaded: &Loaded| words::rows_fit(loaded.report.rows, loaded.report.customers);
        let Some(loaded) = found.checked(Cause::Data, &tried, read, seen) else { continue };
        for Remark { said, .. } in &loaded.remarks {
            let said = [tried.clone(), said.clone(), words::used_as_it_is(), words::ask_exporter()];
            found.tell(Cause::Data, Outcome::Warning, said);
        }
        if loaded.table.passes_maxima() {
            let said = [tried, words::above_maxima(), words::above_maxima_means(), words::ask_maxima()];
            found.tell(Cause::Data, Outcome::Warning, said);
        }
    }
}
