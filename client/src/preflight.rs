//! `tributary client preflight`: everything that a branch's daemon will need, tried before it runs.

use std::path::Path;

use tributary_certs::renewal::Expiry;
use tributary_certs::revocation::ListEnd;
use tributary_model::schema::Schema;
use tributary_transport::Dialer;
use tributary_transport::preflight::{Cause, Findings, Outcome, disk, network};

use crate::data::{Stop, read_schema};
use crate::dataset::{self, Loaded, Remark};
use crate::error::ClientError;
use crate::identity::BranchIdentity;
use crate::policy::BranchPolicy;
use crate::settings::Settings;

/// Room for the budget file, many times over.
const DISK_BYTES: u64 = 64 << 20;

/// Tries everything; `now` is in Unix seconds. A daemon of this identity that runs meanwhile is not disturbed.
///
/// # Errors
/// Every fault of the settings file; everything else is a finding.
pub fn preflight(config: &Path, now: u64) -> Result<Findings, ClientError> {
    let settings = Settings::load(config)?;
    let mut found = Findings::default();
    disk(&mut found, &settings.state_dir, DISK_BYTES);
    let folder = settings.identity.folder.display();
    let identity = BranchIdentity::open(settings.identity.clone(), now);
    let identity = found.checked(Cause::Files, &format!("opening the identity in {folder}"), identity, |_| {
        "certificate, keys, trust and pins fit".into()
    });
    let policy = BranchPolicy::owned(&settings);
    let policy = found.checked(Cause::Files, &format!("reading {}", settings.policy_file.display()), policy, |_| {
        "signed by its owner".into()
    });
    data(&mut found, &settings, policy.as_ref());
    if let Some(identity) = identity {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ClientError::Runtime)?;
        let keys = identity.keys.trial(now)?;
        let dialer = Dialer::new(settings.dial());
        let coordinator = runtime.block_on(network(&dialer, &keys, now, &mut found));
        // By the coordinator's clock, where this machine's is wrong: a certificate has not ended because somebody's battery has.
        certificate(&mut found, &identity, coordinator.unwrap_or(now));
        let now = coordinator.unwrap_or(now);
        lists(&mut found, identity.keys.lists_end(now), now);
    }
    Ok(found)
}

fn certificate(found: &mut Findings, identity: &BranchIdentity, now: u64) {
    let validity = identity.keys.validity();
    let tried = "looking at this client's certificate";
    let hours = validity.not_after.saturating_sub(now) / 3_600;
    let seen = format!("it ends in {} days and {} hours", hours / 24, hours % 24);
    match Expiry::of(validity, now) {
        Expiry::Fine | Expiry::Due => found.good(Cause::Certificate, tried, seen),
        Expiry::Warning | Expiry::Critical => {
            let means = "it should have renewed itself at half of its life";
            let ask = "this daemon's log, for the reason of the last renewal; or the office (`tributary certs renew --request`)";
            found.bad(Cause::Certificate, Outcome::Warning, [tried, &seen, means, ask]);
        }
        Expiry::Expired => {
            let means = "the coordinator refuses this client; for 30 days the daemon can still renew it, if the office approves";
            let ask = "the office, to approve the renewal that the daemon asks for; afterwards enrol again";
            found.bad(Cause::Certificate, Outcome::Fault, [tried, "it has ended", means, ask]);
        }
    }
}

fn lists(found: &mut Findings, end: Option<ListEnd>, now: u64) {
    let tried = "looking at the revocation lists";
    let Some(end) = end else {
        let means = "no coordinator is believed";
        return found.bad(
            Cause::Certificate,
            Outcome::Fault,
            [tried, "they are of no authority that stands", means, "the office, for its revocations.pem"],
        );
    };
    let hours = end.next_update.saturating_sub(now) / 3_600;
    if end.is_over(now) {
        let seen = format!("the list of {} has ended", end.authority);
        let means =
            "no coordinator is believed before a newer one is here, which the daemon asks the office for when it runs";
        found.bad(Cause::Certificate, Outcome::Fault, [tried, &seen, means, end.cure()]);
    } else if end.is_near(now) {
        let seen = format!("the list of {} ends in {} days and {} hours", end.authority, hours / 24, hours % 24);
        found.bad(
            Cause::Certificate,
            Outcome::Warning,
            [tried, &seen, "no coordinator is believed after that", end.cure()],
        );
    } else {
        found.good(
            Cause::Certificate,
            tried,
            format!("the first ends in {} days and {} hours", hours / 24, hours % 24),
        );
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
