//! What the runs of a branch ask of its daemon.

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RunId;
use tributary_protocol::message::{MaskedHeader, Upstream};
use tributary_protocol::plan::{Approvals, Plan};
use tributary_protocol::roster::SignedRoster;
use tributary_protocol::round::ParticipantEvent;
use tributary_protocol::time::Millis;

use crate::error::ClientError;
use crate::telemetry::Report;
use crate::worker::Job;

/// The daemon, as its runs see it.
pub(crate) trait Outside {
    /// Writes an event after the budget file's end.
    ///
    /// # Errors
    /// If it cannot be written; the process must end.
    fn append(&mut self, now: Millis, event: ParticipantEvent) -> Result<(), ClientError>;

    /// Makes everything appended durable.
    ///
    /// # Errors
    /// As for [`Outside::append`].
    fn sync(&mut self) -> Result<(), ClientError>;

    /// Sends a message of a run. It is lost where there is no link, of which the runs hear.
    fn send(&mut self, run: RunId, message: Upstream);

    /// Sends a masked vector after its header, in the same way; and whether it carries noise.
    fn send_masked(&mut self, run: RunId, header: MaskedHeader, vector: (Vec<u8>, bool));

    /// Gives the worker a job.
    fn ask(&mut self, job: Job);

    /// A plan waits for the owner of the data.
    fn owner_asked(&mut self, plan: &Plan, approvals: &Approvals);

    /// The owner has granted a plan.
    fn owner_answered(&mut self, plan: &Digest);

    /// Tells the operator.
    fn tell(&mut self, report: Report);

    /// Somebody at the coordinator's address has shown a roster. Nobody has judged it yet.
    fn shown(&mut self, roster: &SignedRoster);

    /// Whether no round is open: then the way to the coordinator may be changed for a better one.
    fn set_calm(&mut self, calm: bool);

    /// From here on no longer vector is taken than this.
    fn limit_vectors(&mut self, bytes_max: usize);

    /// Gives the link up, for this reason, and dials again.
    fn abandon(&mut self, reason: &str);

    /// Bytes sent and received so far.
    fn bytes(&self) -> (u64, u64);
}
