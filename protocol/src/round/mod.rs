//! The round machines: values that decide, shells that carry.
//!
//! ```text
//! coordinator: Gathering -> Collecting -> Certifying -> Unmasking -> Updating -> Gathering -> .. -> Finished
//!                 ^              |            |             |           |
//!                 +--------------+------------+-------------+-----------+   too few are left, a deadline passes, a dealer is guilty
//!              beside it, for the session after:  Keys -> [Contributions] -> Encapsulations -> Deals -> Acks
//!
//! participant: Offline -> Joining -> Ready <-> Training -> Uploaded -> Acknowledged
//!              beside it: AwaitFreeze -> [AwaitNeighbourhood] -> AwaitEncapsulations -> AwaitShares -> AwaitAcks
//! ```
//!
//! A participant that is lost costs the round its upload and nothing else; it takes part again from the next round with the keys that it
//! still holds, or from the next session with new ones.

mod agreement;
#[cfg(any(test, feature = "toy"))]
pub mod cast;
mod coordinator;
mod descriptor;
mod effect;
mod event;
mod orders;
mod participant;
pub mod record;
#[cfg(test)]
mod tests;
mod topology;

pub use agreement::{Ending, ending_message, refusal_message};
pub use coordinator::{
    Coordinator, CoordinatorSettings, Input, MaterialFault, ResumeFault, SessionMaterial, Wait, answer_after_the_end,
    too_few_enrolled,
};
pub use descriptor::{RoundDescriptor, RoundHead, SessionView};
pub use effect::{Contribution, CoordinatorEffect, OrderFault, Outbox, ParticipantEffect};
pub use event::{CoordinatorEvent, EvictionReason, ParticipantEvent, Recorded, RunEnd, StageTerms};
pub use orders::{OrderGrounds, Orders, Standing, order_digest};
pub use participant::{Branch, Granted, Participant, ParticipantInput, Policy, Timing};
pub use record::{BudgetFault, BudgetRecord, Claim, KeyedSession, Next, OutOfOrder, RunRecord, RunSpend};
