//! Papers for those who assess a federation: its security for a partner's assessor, the input to an impact assessment, and the record of processing
//! activities. Each is made from the running configuration and from what the verified log says, and signed by the coordinator.
//!
//! Words of a kind (`branch`, `file-own`) are the same in every language; pages say them in Chinese or English.

mod bill;
mod impact;
mod measures;
mod processing;
mod risks;
mod security;

pub use bill::{BillLine, bill};
pub use impact::{ImpactReport, ParameterLine, impact};
pub use processing::{
    ActivityLine, CategoryLine, Controller, GrantLine, ProcessingRecord, RecipientLine, RunDays, processing_record,
};
pub use risks::RiskLine;
pub use security::{CertificateLine, FlowLine, HardeningLine, NOT_PROMISED, SbomLine, SecurityReport, VersionLine};
