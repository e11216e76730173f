//! Privacy in integers: orders, charges and caps. Floats stay in `model::privacy`.

mod rdp;

pub use rdp::{ORDERS, RdpVector};
