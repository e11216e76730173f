//! The enrolment office at the coordinator's port: carries questions and answers between those who ask and the authority's folder.
//!
//! A question has been read whole before it comes here. Silence holds no place. Members' signed renewals have places of
//! their own: whoever has no certificate of this federation cannot keep its members from renewing theirs.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tributary_certs::clock::unix_seconds;
use tributary_certs::office::{Office, renewal_signer};
use tributary_daemon::Pulse;
use tributary_protocol::ids::ClientId;
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_transport::limits::HANDSHAKE_TIME;
use tributary_transport::{OfficeStream, PeerFault};

use crate::connections::porch::{PlaceMark, Porch};

/// Questions of anybody at the same time.
const QUESTIONS_MAX: usize = 8;

/// Questions that a member has signed, beside them; one of each member.
const RENEWALS_MAX: usize = 8;

/// How long a question may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the folder may take for one question: a disk or a lock that does not answer is not waited for.
const FOLDER_TIME: Duration = Duration::from_secs(20);

/// Where newcomers are enrolled and certificates renewed.
pub(crate) struct Counter {
    folder: PathBuf,
    anybody: Arc<Porch>,
    members: Arc<Porch>,
    /// Members whose renewal is under way.
    renewing: Mutex<BTreeSet<ClientId>>,
    /// One at a time: the folder is locked for each.
    turn: Arc<Semaphore>,
    pulse: Pulse,
}

impl Counter {
    pub(crate) fn new(folder: PathBuf, pulse: Pulse) -> Self {
        Self {
            folder,
            anybody: Porch::for_anybody(QUESTIONS_MAX),
            members: Porch::for_anybody(RENEWALS_MAX),
            renewing: Mutex::default(),
            turn: Arc::new(Semaphore::new(1)),
            pulse,
        }
    }

    /// Questions that found no place so far.
    pub(crate) fn turned_away(&self) -> u64 {
        self.anybody.counts().1 + self.members.counts().1
    }

    /// The turn that each question waits for.
    #[cfg(test)]
    pub(crate) fn turn(&self) -> Arc<Semaphore> {
        Arc::clone(&self.turn)
    }

    /// Questions of anybody and of members that are here now.
    #[cfg(test)]
    pub(crate) fn asking(&self) -> (usize, usize) {
        (self.anybody.taken(), self.members.taken())
    }

    /// One question and its answer; `key_of` knows the members' signing keys.
    pub(crate) async fn serve(
        &self,
        address: IpAddr,
        question: Vec<u8>,
        stream: OfficeStream,
        key_of: impl Fn(ClientId) -> Option<VerifyingKey>,
    ) -> Result<(), PeerFault> {
        let member = renewal_signer(&question, key_of);
        let crowded = || PeerFault::Crowded("too many ask the enrolment office at the same time");
        let _renewing = match member {
            Some(client) => Some(Renewing::begin(&self.renewing, client).ok_or_else(crowded)?),
            None => None,
        };
        let porch = if member.is_some() { &self.members } else { &self.anybody };
        let mut place = porch.enter(address, false).ok_or_else(crowded)?;
        let mark = place.mark();
        tokio::select! {
            biased;
            told = self.answer(question, stream, &mark) => told,
            fault = place.lost() => Err(fault),
        }
    }

    async fn answer(&self, question: Vec<u8>, stream: OfficeStream, mark: &PlaceMark) -> Result<(), PeerFault> {
        mark.waits_for_us();
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turn).acquire_owned());
        let turn = turn.await.map_err(|_| PeerFault::Slow)?.map_err(|fault| PeerFault::Handshake(fault.to_string()))?;
        let (folder, pulse) = (self.folder.clone(), self.pulse.clone());
        // Files and their locks wait; sockets do not. Where the folder does not answer, the turn stays with whoever waits for it.
        let replying = tokio::task::spawn_blocking(move || {
            pulse.beat();
            let reply = Office::open(&folder).map(|mut office| office.reply(&question, unix_seconds()));
            pulse.rest();
            drop(turn);
            reply
        });
        let reply = tokio::time::timeout(FOLDER_TIME, replying).await.map_err(|_| {
            tracing::error!(
                "the authority's folder does not answer; look at its disk, and for a command that holds its lock"
            );
            PeerFault::Handshake("the enrolment office cannot work now; its operator has been told".into())
        })?;
        let reply = reply.map_err(|fault| PeerFault::Handshake(fault.to_string()))?;
        let reply = reply.map_err(|fault| {
            tracing::error!(%fault, "the authority's folder cannot be used");
            PeerFault::Handshake("the enrolment office cannot work now; its operator has been told".into())
        })?;
        tracing::info!(outcome = reply.outcome, "the enrolment office answered");
        mark.moved();
        let told = tokio::time::timeout(HANDSHAKE_TIME, stream.answer(&reply.bytes));
        told.await.map_err(|_| PeerFault::Slow)?
    }
}

/// A member's renewal under way.
struct Renewing<'a>(&'a Mutex<BTreeSet<ClientId>>, ClientId);

impl<'a> Renewing<'a> {
    /// Nothing where one of the same member is.
    fn begin(all: &'a Mutex<BTreeSet<ClientId>>, client: ClientId) -> Option<Self> {
        let new = all.lock().unwrap_or_else(PoisonError::into_inner).insert(client);
        new.then_some(Self(all, client))
    }
}

impl Drop for Renewing<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tributary_daemon::Watchdog;

    use super::*;
    use crate::connections::porch::Place;

    #[test]
    fn whoever_finds_no_place_is_counted_member_or_not() {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let counter =
            Counter::new(PathBuf::new(), Watchdog::new().watch("office", "office_stalled_seconds", "Help.", PATIENCE));
        let fill = |porch: &Arc<Porch>, places: usize| -> Vec<Place> {
            let place = || {
                let place = porch.enter(address, false).unwrap();
                place.mark().waits_for_us();
                place
            };
            (0..places).map(|_| place()).collect()
        };
        let _all = (fill(&counter.anybody, QUESTIONS_MAX), fill(&counter.members, RENEWALS_MAX));
        assert_eq!((counter.asking(), counter.turned_away()), ((QUESTIONS_MAX, RENEWALS_MAX), 0));
        for (porch, count) in [(&counter.anybody, 1), (&counter.members, 2), (&counter.members, 3)] {
            assert!(porch.enter(address, false).is_none());
            assert_eq!(counter.turned_away(), count);
        }
    }
}
