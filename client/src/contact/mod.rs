//! Lists of customers at a branch: whom rules let in, who approves, how a list is handed over, what became of it, and what a customer may ask.
//!
//! ```text
//! scores, rules.toml, tables ──► build ──► approve (risk control) ──► deliver ──► receipt, outcomes
//!                                  └──────────── recall, exclude: lines are void ────────────┘
//! ```
//!
//! Everything stays at the branch. This room knows no message, no metric and no notice; `client/src/contact/tests/apart.rs` holds that.

mod adopt;
mod anchor;
mod approve;
mod begin_again;
mod build;
mod certificates;
mod choose;
mod commands;
mod customer;
mod deliver;
mod event;
mod grounds;
mod handed;
mod hex;
mod holdout;
mod itself;
mod kept_scores;
mod made;
mod next;
mod outcomes;
mod places;
mod pseudonym;
mod purge;
mod recall;
mod receipt;
mod refusals;
mod register;
mod remains;
mod restart;
mod rules;
mod rules_words;
mod scores;
mod settings;
mod sheet;
mod shrunk;
mod signed;
mod store;
mod tables;
mod undone;
mod view;
mod withdrawn;

pub use adopt::adopt;
pub use approve::Approving;
pub use begin_again::{SigningRestart, draft_restart, install_restart};
pub use build::{Built, build};
pub use certificates::{CertificateLine, certificates};
pub use choose::{Counts, LeftOut};
pub use commands::{init_rules, make_approver, sign_rules};
pub use customer::{Answer, erase, exclude, explain, show_customer, write_reply};
pub use deliver::deliver;
pub(crate) use made::{BegunScores, begin_scores, is_made_scores, place_scores};
pub use outcomes::{Reject, Taken, outcomes};
pub use purge::{Purged, purge};
pub use recall::recall;
pub use receipt::receipt;
pub(crate) use refusals::Refusals;
pub use rules::{Rules, SAMPLE as RULES_SAMPLE};
pub use settings::{ContactSettings, Retention};
pub use sheet::Line;
pub use view::{Shown, Stage, Summary, counted, show, status};

#[cfg(test)]
pub(crate) mod tests;
