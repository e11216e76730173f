//! Privacy in integers: orders, charges, accounts and caps. Floats stay in `model::privacy`.

mod accounts;
mod rdp;

pub use accounts::{Accounts, Unit};
pub use rdp::{ORDERS, RdpVector};
