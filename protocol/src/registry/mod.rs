//! The registry of models: what a model is, what people state about it, and what branches answer.
//!
//! ```text
//! candidate ── challenge ──► challenger ── promote ──► champion        a candidate may be promoted at once
//! champion  ── replaced by a promotion ──► challenger                  and may be rolled back to
//! champion  ── replaced by a rollback ──► candidate                    and passes the gates again
//! any of the three ── retire ──► retired
//! any of the four ── withdraw ──► withdrawn                            for ever
//! ```
//!
//! A model is named by the digest of everything that it is. The registry only appends: a state follows from statements, each signed by two people of
//! two roles. For each purpose there is one champion at most.

mod branch;
mod copies;
mod event;
mod manifest;
mod record;
mod rules;
mod statement;
mod words;

pub use branch::{BranchModels, BranchModelsEvent, ModelFault, Told};
pub use copies::{CopyNote, CopyState};
pub use event::RegistryEvent;
pub use manifest::{Lineage, MANIFEST_FORMAT, ManifestFault, ModelManifest};
pub use record::{ModelRecord, ModelState, PurposeRecord, RegistryRecord};
pub use rules::RefusedStatement;
pub use statement::{ModelStatement, ModelStep, STATEMENT_FORMAT, SignedStatement, StatementFault, StatementGrounds};

#[cfg(test)]
mod tests;
