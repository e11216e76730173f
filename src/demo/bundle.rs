//! The bundle that a demo leaves for whoever wants to verify it.

use std::path::PathBuf;

use anyhow::Context as _;
use tributary_certs::clock::unix_seconds;
use tributary_coordinator::audit::{Export, Scope, export};
use tributary_protocol::plan::Date;

use super::workplace::Workplace;

/// The bundle's file in the demo's folder.
const BUNDLE: &str = "audit-bundle.trib";

/// Writes the bundle, and names it with the command that verifies it.
pub(super) fn leave(workplace: &Workplace) -> anyhow::Result<()> {
    let today = Date::of_second(unix_seconds());
    let output: PathBuf = workplace.root().join(BUNDLE);
    // A demo may go on over midnight.
    let wanted = Export { days: (today.before(7), today), scope: Scope::Journal, output: &output };
    let exported = export(&workplace.coordinator_settings(), &wanted).context("the audit bundle was not written")?;
    let authorities = workplace.authority().join("authorities");
    eprintln!(
        "an auditor's bundle of all of it: tributary verify audit {} --authority {}\n  its digest is {}",
        output.display(),
        authorities.display(),
        exported.bundle
    );
    Ok(())
}
