//! The enrolment office at the coordinator's port: carries questions and answers between newcomers and the authority's folder.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::Semaphore;
use tributary_certs::office::{Office, REQUEST_BYTES_MAX};
use tributary_transport::limits::HANDSHAKE_TIME;
use tributary_transport::{OfficeStream, PeerFault};

use crate::runtime::unix_seconds;

/// Questions at the counter at the same time; each of them locks the folder and syncs it.
const QUESTIONS_MAX: usize = 16;

/// How long a question may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where newcomers are enrolled and certificates renewed.
pub(crate) struct Counter {
    folder: PathBuf,
    places: Semaphore,
    /// One at a time: the folder is locked for each.
    turn: Semaphore,
}

impl Counter {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, places: Semaphore::new(QUESTIONS_MAX), turn: Semaphore::new(1) }
    }

    /// One question and its answer.
    pub(crate) async fn serve(&self, mut stream: OfficeStream) -> Result<(), PeerFault> {
        let Ok(_place) = self.places.try_acquire() else {
            return Err(PeerFault::Handshake("the enrolment office is crowded; ask again later".into()));
        };
        let question = tokio::time::timeout(HANDSHAKE_TIME, stream.question(REQUEST_BYTES_MAX));
        let question = question.await.map_err(|_| PeerFault::Slow)??;
        let turn = tokio::time::timeout(PATIENCE, self.turn.acquire()).await.map_err(|_| PeerFault::Slow)?;
        let folder = self.folder.clone();
        // Files and their locks wait; sockets do not.
        let reply = tokio::task::spawn_blocking(move || {
            Office::open(&folder).map(|mut office| office.reply(&question, unix_seconds()))
        });
        let reply = reply.await.map_err(|fault| PeerFault::Handshake(fault.to_string()))?;
        drop(turn);
        let reply = reply.map_err(|fault| {
            tracing::error!(%fault, "the authority's folder cannot be used");
            PeerFault::Handshake("the enrolment office cannot work now; its operator has been told".into())
        })?;
        tracing::info!(outcome = reply.outcome, "the enrolment office answered");
        let told = tokio::time::timeout(HANDSHAKE_TIME, stream.answer(&reply.bytes));
        told.await.map_err(|_| PeerFault::Slow)?
    }
}
