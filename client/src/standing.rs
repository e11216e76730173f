//! What stands on a branch's machine, looked at without a network and without changing anything: for `client preflight` and `config check`.

use tributary_certs::enrolment::names;
use tributary_certs::inspect::date;
use tributary_certs::keys::read_verifying_key;
use tributary_certs::renewal::Expiry;
use tributary_model::schema::Schema;
use tributary_storage::files::FileError;
use tributary_transport::preflight::{Cause, Findings, Outcome};

use crate::budget::check_budget;
use crate::data::{Stop, read_schema};
use crate::dataset::{self, Loaded, Remark};
use crate::error::ClientError;
use crate::identity::BranchIdentity;
use crate::policy::BranchPolicy;
use crate::settings::Settings;

/// Looks at identity, keys, state folder, policy, budget file, schema and data; the identity, if it can be used.
pub(crate) fn standing(found: &mut Findings, settings: &Settings, now: u64) -> Option<BranchIdentity> {
    state_folder(found, settings);
    let folder = settings.identity.folder.display();
    let identity = BranchIdentity::look(settings.identity.clone(), now);
    let identity = found.checked(Cause::Files, &format!("opening the identity in {folder}"), identity, |_| {
        "certificate, keys, trust and pins fit".into()
    });
    if let Some(identity) = &identity {
        signing_key(found, settings, identity);
    }
    let policy = BranchPolicy::owned(settings);
    let policy = found.checked(Cause::Files, &format!("reading {}", settings.policy_file.display()), policy, |_| {
        "signed by its owner".into()
    });
    if let Some(policy) = &policy {
        let budget = check_budget(settings, &policy.population);
        let tried = "looking at the budget file";
        let _ = found.checked(Cause::Files, tried, budget, |counter| format!("it was begun; its counter is {counter}"));
    }
    data(found, settings, policy.as_ref());
    identity
}

/// A folder that is not there yet is made by the daemon; something else in its place is not.
fn state_folder(found: &mut Findings, settings: &Settings) {
    let path = &settings.state_dir;
    if path.exists() && !path.is_dir() {
        let tried = format!("looking at {}", path.display());
        let means = "the daemon records what was spent there, and without its records it does not run";
        let ask = "the settings, for a client.state_dir that is a folder or is not there yet";
        found.bad(Cause::Disk, Outcome::Fault, [&tried, "it is no folder", means, ask]);
    }
}

/// Whether the signing key is the one that enrolment made: the roster knows no other.
fn signing_key(found: &mut Findings, settings: &Settings, identity: &BranchIdentity) {
    let path = settings.identity.folder.join(names::SIGNING_PUBLIC);
    let tried = format!("comparing {} with the signing key", path.display());
    let own = identity.signing_key.verifying_key();
    match read_verifying_key(&path) {
        Ok(public) if public == own => found.good(Cause::Files, tried, "they are halves of one key"),
        // Whoever keeps no public half loses nothing by it.
        Err(FileError::System { .. }) if !path.exists() => {}
        Ok(_) => {
            let seen = "they are of two keys";
            let means = "signing.key is not the one that this branch enrolled with, so the coordinator's roster does not know it";
            let ask = "your copies, for this branch's own signing.key; or the office, for a new token";
            found.bad(Cause::Files, Outcome::Fault, [&tried, seen, means, ask]);
        }
        Err(fault) => {
            let means = "whose signing key this is cannot be told";
            found.bad(Cause::Files, Outcome::Fault, [&tried, &fault.to_string(), means, "what the message says"]);
        }
    }
}

pub(crate) fn certificate(found: &mut Findings, identity: &BranchIdentity, now: u64) {
    let validity = identity.keys.validity();
    let tried = "looking at this client's certificate";
    let hours = validity.not_after.saturating_sub(now) / 3_600;
    let seen = format!("it ends on {}, in {} days and {} hours", date(validity.not_after), hours / 24, hours % 24);
    match Expiry::of(validity, now) {
        Expiry::Fine | Expiry::Due => found.good(Cause::Certificate, tried, seen),
        Expiry::Warning | Expiry::Critical => {
            let means = "it should have renewed itself at half of its life";
            let ask = "this daemon's log, for the reason of the last renewal; or a renewal by file (`tributary client renew --request`)";
            found.bad(Cause::Certificate, Outcome::Warning, [tried, &seen, means, ask]);
        }
        Expiry::Expired => {
            let means = "the coordinator refuses this client; for 30 days the daemon can still renew it, if the office approves";
            let ask = "the office, to approve the renewal that the daemon asks for; afterwards enrol again";
            found.bad(
                Cause::Certificate,
                Outcome::Fault,
                [tried, &format!("it has ended on {}", date(validity.not_after)), means, ask],
            );
        }
    }
}

pub(crate) fn lists(found: &mut Findings, identity: &BranchIdentity, now: u64) {
    let tried = "looking at the revocation lists";
    let Some(end) = identity.keys.lists_end(now) else {
        let means = "no coordinator is believed";
        return found.bad(
            Cause::Certificate,
            Outcome::Fault,
            [tried, "they are of no authority that stands", means, "the office, for its revocations.pem"],
        );
    };
    let hours = end.next_update.saturating_sub(now) / 3_600;
    if end.is_over(now) {
        let seen = format!("the list of {} has ended on {}", end.authority, date(end.next_update));
        let means =
            "no coordinator is believed before a newer one is here, which the daemon asks the office for when it runs";
        found.bad(Cause::Certificate, Outcome::Fault, [tried, &seen, means, end.cure()]);
    } else if end.is_near(now) {
        let seen = format!(
            "the list of {} ends on {}, in {} days and {} hours",
            end.authority,
            date(end.next_update),
            hours / 24,
            hours % 24
        );
        found.bad(
            Cause::Certificate,
            Outcome::Warning,
            [tried, &seen, "no coordinator is believed after that", end.cure()],
        );
    } else {
        found.good(Cause::Certificate, tried, format!("the first ends on {}", date(end.next_update)));
    }
}

fn data(found: &mut Findings, settings: &Settings, policy: Option<&BranchPolicy>) {
    let file = settings.schema_file.display();
    let schema = read_schema(&settings.schema_file);
    let seen = |schema: &Schema| format!("schema {}, {} encoded features", schema.digest().short(), schema.width());
    let Some(schema) = found.checked(Cause::Data, &format!("reading {file}"), schema, seen) else { return };
    if let Some(policy) = policy {
        let pinned = policy.schema.holds(&schema);
        let tried = "comparing the schema with the policy";
        let _ = found.checked(Cause::Data, tried, pinned, |()| "it is the one that the owner pinned".into());
    }
    // As the daemon reads them, to the end: what is good here runs.
    for (_, file) in dataset::files(settings) {
        let read = Loaded::read(file, settings, &schema, &Stop::default());
        let read = read.map_err(ClientError::file).and_then(Loaded::usable);
        let tried = format!("reading {}", file.display());
        let seen = |loaded: &Loaded| {
            format!("{} rows of {} customers fit the schema", loaded.report.rows, loaded.report.customers)
        };
        let Some(loaded) = found.checked(Cause::Data, &tried, read, seen) else { continue };
        let ask = "whoever exports the data, whether that is meant; `tributary client dataset check` shows the figures";
        for Remark { text, .. } in &loaded.remarks {
            found.bad(Cause::Data, Outcome::Warning, [&tried, text, "the table is used as it is", ask]);
        }
        if loaded.table.passes_maxima() {
            let seen = "there are more customers or rows than data.customers_max or data.rows_max";
            let means = "all take part, but a round takes as long as the data ask for";
            found.bad(Cause::Data, Outcome::Warning, [&tried, seen, means, "the settings, for larger public maxima"]);
        }
    }
}
