//! A stage as a statement speaks of it.

use tributary_model::stage::StageSettings;
use tributary_protocol::plan::Stage;

/// A stage of the plan, with its number and what its settings say.
#[derive(Clone, Copy)]
pub(super) struct Stated<'a> {
    pub(super) number: u16,
    pub(super) terms: &'a Stage,
    pub(super) settings: Option<&'a StageSettings>,
}

impl Stated<'_> {
    /// Its number as people count, from 1.
    pub(super) fn counted(&self) -> u16 {
        self.number.saturating_add(1)
    }

    /// As reports name it.
    pub(super) fn name(&self) -> String {
        format!("stage {} ({})", self.counted(), self.terms.kind)
    }
}
