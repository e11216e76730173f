//! A small federation's plan, roster, policy and keys under the toy suite, for tests and fuzz targets.

mod keys;
mod people;
mod plans;
mod policies;
mod rosters;
mod rounds;
mod unsigned;

pub use keys::{OWNER_KEY, coordinator_signs, federation, person_key, second_key, signing_key};
pub use people::{APPROVER, PROPOSER, approvals, attestation, attested_at, people, person, staff};
pub use plans::{
    KIND, PARAMETERS, agreement, branch_plan, charter, counting_plan, first_model, plan, priced, run, stage,
};
pub use policies::{accepted, begun, cap, caps, grant, grant_of, granted, owner_signs, policy, withdrawal};
pub use rosters::{entry, name, next_roster, rekeyed_roster, roster, roster_after, roster_of, signed_by_authority};
pub use rounds::{MaskedRound, contribution, masked_round, settings};
pub use unsigned::{gates_report, head};
