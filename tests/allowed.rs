//! A branch's policy that stops nothing, for tests of whatever is not the policy.

use tributary_certs::roster::RosterAuthorities;
use tributary_planning::settings::PURPOSE_DEFAULT;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Grant, PrivacyMode};
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::round::{Granted, Policy, Timing};
use tributary_protocol::secagg::parameters::CohortRule;
use tributary_protocol::secagg::suite::VerifyingKey;

/// For plans of this schema, by this coordinator, under this grant.
pub(crate) fn everything(
    schema: Digest,
    (coordinator, authorities): (VerifyingKey, &RosterAuthorities),
    grant: Grant,
) -> Policy {
    Policy {
        cohort: CohortRule::USUAL,
        cap: most(),
        cap_year: most(),
        caps: tributary_protocol::round::cast::caps(),
        plan_cap: most(),
        modes: PrivacyMode::ALL.to_vec(),
        purposes: vec![PURPOSE_DEFAULT.to_owned()],
        schema,
        groups: vec!["all".to_owned()],
        overlap_min: 1,
        upload_offset_ms_min: 0,
        rounds_max: u32::MAX,
        rounds_a_day: u32::MAX,
        timing: Timing::Plain,
        coordinator,
        authorities: authorities.keys().to_vec(),
        authorities_needed: authorities.needed(),
        grants: vec![Granted { grant, run: most().customer, year: most().customer, names_fields: true }],
    }
}

/// A cap that stops nothing.
fn most() -> Accounts {
    let most = vec![u64::MAX; RdpVector::zero().nanos().len()];
    let most = RdpVector::from_nanos(most).expect("as many orders as there are");
    Accounts { customer: most.clone(), branch: most }
}
