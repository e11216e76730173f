//! What a run has learnt about features beside its model's parameters: `features.json` of the model's folder, whose digest is in the manifest.

use tributary_evidence::FeaturesFile;
use tributary_model::planned::Planned;
use tributary_model::stage::StageSettings;
use tributary_protocol::round::CoordinatorEvent;

use crate::store::{Store, StoreError};

/// What the stages of a run have learnt about features: the groups with which the stage after a `quantile` stage began, as the ledger names its
/// state.
///
/// # Errors
/// If that state is not in the store.
pub(crate) fn learnt_features(
    events: &[CoordinatorEvent],
    planned: &Planned,
    store: &Store,
) -> Result<Vec<u8>, StoreError> {
    let mut learnt = Vec::new();
    for event in events {
        let CoordinatorEvent::StageConcluded { stage, model } = event else { continue };
        let learns = matches!(planned.stages().get(usize::from(*stage)), Some(StageSettings::Quantile(_)));
        let Some(next) = planned.stage(stage.saturating_add(1)).filter(|_| learns) else { continue };
        let bytes = store.state(&next, model)?;
        let state = next.read_state(&bytes).map_err(|_| store.other_model(model))?;
        learnt = next.learnt_fields(&state);
    }
    Ok(FeaturesFile::of(learnt).to_bytes())
}
