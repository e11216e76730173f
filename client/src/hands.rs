//! What the runs of a branch ask for, done with the daemon's file, link, worker and screen.

use std::path::PathBuf;
use std::sync::mpsc;

use tributary_certs::clock::unix_seconds;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RunId;
use tributary_protocol::message::{MaskedHeader, Upstream};
use tributary_protocol::plan::{Approvals, Plan};
use tributary_protocol::roster::SignedRoster;
use tributary_protocol::round::ParticipantEvent;
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_protocol::time::Millis;

use crate::budget::BudgetFile;
use crate::conversation::Conversation;
use crate::error::ClientError;
use crate::grants::OwnersInbox;
use crate::identity::note_number;
use crate::runs::Outside;
use crate::telemetry::{Last, Report};
use crate::worker::Job;

/// All of it.
pub(crate) struct Hands<'r> {
    pub(crate) journal: BudgetFile,
    pub(crate) conversation: Conversation,
    pub(crate) jobs: mpsc::Sender<Job>,
    pub(crate) report: &'r dyn Fn(&Report),
    pub(crate) last: Last,
    /// By which a roster names this client.
    pub(crate) signing_key: VerifyingKey,
    /// Who signs rosters, and how many of them must.
    pub(crate) authorities: (Vec<VerifyingKey>, usize),
    /// Of the identity.
    pub(crate) folder: PathBuf,
    /// What waits for the owner of the data.
    pub(crate) inbox: OwnersInbox,
}

impl Outside for Hands<'_> {
    fn append(&mut self, now: Millis, event: ParticipantEvent) -> Result<(), ClientError> {
        Ok(self.journal.append(now, event)?)
    }

    fn sync(&mut self) -> Result<(), ClientError> {
        Ok(self.journal.sync()?)
    }

    fn send(&mut self, run: RunId, message: Upstream) {
        self.conversation.send(run, message);
    }

    fn send_masked(&mut self, run: RunId, header: MaskedHeader, vector: (Vec<u8>, bool)) {
        self.conversation.send_masked(run, header, vector);
    }

    fn ask(&mut self, job: Job) {
        // Without a worker the daemon is ending.
        let _ = self.jobs.send(job);
    }

    fn owner_asked(&mut self, plan: &Plan, approvals: &Approvals) {
        self.inbox.asked(plan, approvals);
    }

    fn owner_answered(&mut self, plan: &Digest) {
        self.inbox.answered(plan);
    }

    fn tell(&mut self, report: Report) {
        self.last.keep(unix_seconds(), &report);
        (self.report)(&report);
    }

    fn shown(&mut self, roster: &SignedRoster) {
        if let Err(fault) = note_number(&self.folder, &self.signing_key, &self.authorities, roster) {
            tracing::warn!(%fault, "the client's number could not be noted, so that its certificate will not renew itself");
        }
    }

    fn set_calm(&mut self, calm: bool) {
        self.conversation.set_calm(calm);
    }

    fn limit_vectors(&mut self, bytes_max: usize) {
        self.conversation.limit_vectors(bytes_max);
    }

    fn abandon(&mut self, reason: &str) {
        self.conversation.abandon(reason);
    }

    fn bytes(&self) -> (u64, u64) {
        self.conversation.bytes()
    }
}
