//! What a customer may ask of the branch: what was done with the data, why a score is what it is, to be in no list, and to be erased.

mod erase;
mod exclude;
mod explain;
mod find;
mod reply;
mod runs;
mod show;

pub use erase::erase;
pub use exclude::exclude;
pub use explain::explain;
pub use reply::{Answer, write_reply};
pub use show::show as show_customer;
