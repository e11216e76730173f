//! The round machines: values that decide, shells that carry.
//!
//! ```text
//! coordinator: Gathering -> Keying -> Collecting -> Certifying -> Unmasking -> Updating -+-> Collecting (next round, same session)
//!                 ^            |          |             |             |           |      +-> Keying (session used up)
//!                 +------------+----------+-------------+-------------+-----------+      +-> Finished
//!                       a participant is lost or misbehaves, or a deadline passes
//!
//! participant: Joining -> Idle -> Keying -> Ready -> Training -> Uploaded -> Acknowledged -> Ready ...
//! ```

mod agreement;
mod coordinator;
mod descriptor;
mod effect;
mod event;
mod participant;
#[cfg(test)]
mod tests;

pub use coordinator::{Coordinator, CoordinatorRecord, CoordinatorSettings, Input, OutOfOrder, ResumeFault, Wait};
pub use descriptor::{RoundDescriptor, SessionView};
pub use effect::{Contribution, CoordinatorEffect, Outbox, ParticipantEffect};
pub use event::{CoordinatorEvent, ParticipantEvent, Recorded};
pub use participant::{Participant, ParticipantInput, ParticipantRecord, PlanSpend, Policy};
