//! A model with its plan, schema and evaluation, as journal and state have them. What the journal does not name is not believed.

use std::path::Path;

use tributary_evidence::Item;
use tributary_evidence::gates::Measured;
use tributary_model::schema::Schema;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::{Approvals, Plan, RunRef};
use tributary_protocol::registry::ModelRecord;
use tributary_protocol::round::{CoordinatorEvent, Recorded};
use tributary_storage::journal::read_view;

use super::RegistryError;
use crate::store::{kept, ledger_of};

/// A registered model's run.
pub(super) struct OfRun {
    /// The plan, by the digest that the registry names.
    pub(super) plan: Plan,
    /// Who put the plan forward, and who approved it.
    pub(super) approvals: Approvals,
    /// What its evaluation counted, where the opened sum is there.
    pub(super) measured: Option<Measured>,
}

impl OfRun {
    pub(super) fn read(state_dir: &Path, model: &ModelRecord) -> Result<Self, RegistryError> {
        let RunRef { plan: digest, number } = model.manifest.lineage.run;
        let none = || RegistryError::NoRun { plan: digest, run: number };
        let ledger: LedgerId = model.manifest.lineage.run.id().into();
        let recorded: Vec<Recorded<CoordinatorEvent>> = read_view(&ledger_of(state_dir), ledger)?;
        let events = || recorded.iter().map(|recorded| &recorded.event);
        let (plan, approvals) = match events().next() {
            Some(CoordinatorEvent::RunOpened { plan, approvals, .. }) if plan.digest() == digest => {
                (plan.as_ref(), approvals.as_ref().clone())
            }
            _ => return Err(none()),
        };
        let text = kept(state_dir, &Item::Schema(digest)).ok().flatten();
        let schema = text.and_then(|text| Schema::parse(str::from_utf8(&text).ok()?).ok());
        let schema = schema.filter(|schema| schema.digest() == plan.schema);
        let sum = |digest: &Digest| kept(state_dir, &Item::Sum(*digest)).ok().flatten();
        let parameters = &model.manifest.parameters;
        let measured = schema.as_ref().and_then(|schema| Measured::of(events(), schema, parameters, sum));
        Ok(Self { plan: plan.clone(), approvals, measured })
    }
}
