//! What a finished run hands over to the registry.

use tributary_model::parameters::Parameters;
use tributary_model::planned::Planned;
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::time::Millis;

/// What a finished run hands over.
pub(crate) struct Release<'a> {
    /// The events of the run, its end the last one.
    pub(crate) events: &'a [CoordinatorEvent],
    /// Its plan, read.
    pub(crate) planned: &'a Planned,
    /// What it released.
    pub(crate) parameters: &'a Parameters,
    /// What it learnt about features: `features.json`.
    pub(crate) features: Vec<u8>,
    /// When the run was over.
    pub(crate) ended: Millis,
}
