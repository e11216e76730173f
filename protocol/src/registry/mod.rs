//! The registry of models: what a model is, what people state about it, and what branches answer.
//!
//! ```text
//! candidate ── challenge ──► challenger ── pilot ──► pilot ── promote ──► champion    each of the first two steps may be left out,
//!                                                                                   the second where the plan wants no pilot
//! champion  ── replaced by a promotion ──► challenger                  and may be rolled back to
//! champion  ── replaced by a rollback ──► candidate                    and passes the gates again
//! pilot     ── another model becomes champion or pilot ──► candidate
//! any of the four ── retire ──► retired
//! any of the five ── withdraw ──► withdrawn                            for ever
//! ```
//!
//! Each step after which a branch uses a model carries the report on its gates: the plan's gates, what each figure came to, and the signature of a model
//! validator. The rule book judges it, and everybody uses the rule book: the coordinator, each branch, and whoever verifies the journal.
//!
//! Beside the statements stand the digests of papers: the card that is written with each model, and reports of attacks on it. A model of which an attack
//! showed a larger epsilon than was claimed is used no more.
//!
//! It also has each export and each change of a scorecard's points, by number and digest. So none of them can be taken out of its register unseen.
//!
//! In the same ledger stand what people tell of incidents, what inspectors were shown, and what happened to the journal itself: none of it is of a run.
//!
//! A model is named by the digest of everything that it is. The registry only appends: a state follows from statements, each signed by two people of
//! two roles. For each purpose there is one champion at most.

mod branch;
mod copies;
mod event;
mod heard;
mod incident;
mod look;
mod manifest;
mod noted;
mod notice;
mod papers;
mod record;
mod report;
mod rules;
mod scope;
mod start;
mod statement;
mod step;
mod turns;
mod words;

pub use branch::{BranchModels, BranchModelsEvent, ModelFault, Told};
pub use copies::{CopyNote, CopyState};
pub use event::RegistryEvent;
pub use heard::{Following, Heard};
pub use incident::{
    Incident, IncidentFault, IncidentStep, IncidentWord, Incidents, Severity, SignedIncident, TextFault, judge_text,
};
pub use look::{Look, LookFault, Looks, Sight, SignedLook};
pub use manifest::{Lineage, MANIFEST_FORMAT, ManifestFault, ModelManifest};
pub use noted::RefusedNote;
pub use notice::{Notice, Notices};
pub use papers::{AttackReport, RefusedAttackReport, SignedAttackReport};
pub use record::{Export, ModelRecord, ModelState, PurposeRecord, RegistryRecord, Said};
pub use report::{Figure, GatesReport, ReportFault, SignedReport};
pub use rules::RefusedStatement;
pub use scope::{CHALLENGER_PARTS_MAX, StatementScope};
pub use start::RefusedStart;
pub use statement::{ModelStatement, STATEMENT_FORMAT, SignedStatement, StatementFault, StatementGrounds};
pub use step::ModelStep;
pub use turns::is_challengers;

#[cfg(test)]
mod tests;
