//! Why a plan is refused by everybody, whatever a policy says.

use alloc::string::String;

/// Why a plan makes no sense for anybody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// A value lies outside its limits.
    #[error("plan: {field} is {found}; allowed is {allowed}")]
    OutOfRange {
        /// Name of the field.
        field: &'static str,
        /// What it holds.
        found: String,
        /// What it may hold.
        allowed: &'static str,
    },
    /// The sum could leave the ring.
    #[error(
        "plan: the sum of {customers_max} customers of {reach} units each, with noise, does not fit the {bits}-bit ring; \
         lower the reach of the stage or customers_max, or take the 64-bit ring"
    )]
    Wraps {
        /// Public maximum of customers.
        customers_max: u64,
        /// Units of one vector's coordinate at most.
        reach: u32,
        /// Bits of the ring.
        bits: u32,
    },
}

pub(super) fn bounded(
    field: &'static str,
    value: u128,
    low: u128,
    high: u128,
    allowed: &'static str,
) -> Result<(), PlanFault> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(out_of_range(field, &alloc::format!("{value}"), allowed)) }
}

pub(super) fn out_of_range(field: &'static str, found: &str, allowed: &'static str) -> PlanFault {
    PlanFault::OutOfRange { field, found: found.into(), allowed }
}
