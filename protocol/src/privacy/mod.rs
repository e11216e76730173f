//! Privacy in integers: orders, charges, accounts and caps. Floats stay in `model::privacy`.

mod accounts;
mod rdp;
mod year;

pub use accounts::{Accounts, Unit};
pub use rdp::{ORDERS, RdpVector};
pub use year::{Day, Month, YEAR_MONTHS_MAX, YearSpend};
