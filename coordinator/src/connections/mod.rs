//! The door: one task for each connection, which finds out who it is, whether it may come in, and then holds the conversation.
//!
//! ```text
//! attempt ─handshake─► peer ─certificate, roster─► client ─seat free─► Arrival::Connected ─► messages, vectors ─► Disconnected
//!                                  └─ stranger: Rejected      └─ taken: Rejected, the first stays
//! ```

mod conversation;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, mpsc};
use tributary_certs::identity::{Identity, identity_of, spki_sha256_of};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::message::{Downstream, RejectCode};
use tributary_protocol::roster::{Roster, RosterEntry};

pub(crate) use self::conversation::{Arrival, Link, control_frame, start_frames};
use crate::spool::Spool;
use crate::transport::{IDLE_MS, Listener, Peer, PeerError};
use crate::uploads::OpenSum;

/// Handshakes at the same time.
const HANDSHAKES_MAX: usize = 256;

/// With so few of them free an attempt must prove its address first.
const HANDSHAKES_HALF: usize = HANDSHAKES_MAX / 2;

/// Peers that are told at the same time why they are refused.
const REFUSALS_MAX: usize = 64;

/// What every connection's task shares.
pub(crate) struct Door {
    keys: BTreeMap<Digest, Enrolled>,
    seats: Mutex<Seats>,
    inputs: mpsc::Sender<Arrival>,
    sum: OpenSum,
    spool: Spool,
    upload_bytes: usize,
    handshakes: Arc<Semaphore>,
    refusals: Semaphore,
    unix_seconds: fn() -> u64,
}

/// What the door is made of.
pub(crate) struct DoorSettings<'a> {
    pub(crate) roster: &'a Roster,
    pub(crate) inputs: mpsc::Sender<Arrival>,
    pub(crate) sum: OpenSum,
    pub(crate) spool: Spool,
    /// Exact length of an upload, in bytes.
    pub(crate) upload_bytes: usize,
    pub(crate) unix_seconds: fn() -> u64,
}

#[derive(Clone, Copy)]
struct Enrolled {
    client: ClientId,
    not_after: u64,
}

/// Who is connected, and the traffic of those who were.
#[derive(Default)]
struct Seats {
    taken: BTreeMap<ClientId, Peer>,
    past_bytes: (u64, u64),
}

impl Door {
    /// A door for everybody in the roster.
    pub(crate) fn new(settings: DoorSettings<'_>) -> Arc<Self> {
        let DoorSettings { roster, inputs, sum, spool, upload_bytes, unix_seconds } = settings;
        let key = |entry: &RosterEntry| {
            (entry.tls_spki_sha256, Enrolled { client: entry.client, not_after: entry.not_after })
        };
        Arc::new(Self {
            keys: roster.entries().iter().map(key).collect(),
            seats: Mutex::new(Seats::default()),
            inputs,
            sum,
            spool,
            upload_bytes,
            handshakes: Arc::new(Semaphore::new(HANDSHAKES_MAX)),
            refusals: Semaphore::new(REFUSALS_MAX),
            unix_seconds,
        })
    }

    /// Lets connections in until the port closes.
    pub(crate) async fn serve(self: Arc<Self>, listener: Arc<Listener>) {
        while let Some(attempt) = listener.next().await {
            let attempt = match self.handshakes.available_permits() {
                0..HANDSHAKES_HALF => attempt.prove_address(),
                _ => Some(attempt),
            };
            let Some(attempt) = attempt else { continue };
            let Ok(permit) = Arc::clone(&self.handshakes).try_acquire_owned() else {
                attempt.refuse();
                continue;
            };
            let door = Arc::clone(&self);
            tokio::spawn(async move {
                let address = attempt.address();
                let peer = attempt.accept().await;
                drop(permit);
                let end = match peer {
                    Ok(peer) => door.receive(peer).await,
                    Err(fault) => Err(fault),
                };
                if let Err(fault) = end {
                    tracing::info!(%address, %fault, "connection over");
                }
            });
        }
    }

    /// UDP bytes received from and sent to clients of the roster so far.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let seats = self.seats();
        seats.taken.values().map(Peer::bytes).fold(seats.past_bytes, add)
    }

    /// From handshake to end. Its seat bounds a client to one connection; those who are refused are bounded together.
    async fn receive(&self, peer: Peer) -> Result<(), PeerError> {
        match self.admit(&peer) {
            Ok(seat) => {
                let (sender, receiver) = peer.stream(self.upload_bytes).await?;
                // The seat is kept to the end: its next bearer's messages come after this one's departure.
                self.converse(seat.client, &peer, sender, receiver).await
            }
            Err(refusal) => {
                tracing::warn!(explanation = refusal.explanation, "connection refused");
                self.explain(&peer, refusal).await
            }
        }
    }

    /// Tells a peer why it is refused: in a message, or, where many are being told, in the connection's end.
    async fn explain(&self, peer: &Peer, refusal: Refusal) -> Result<(), PeerError> {
        let Refusal { code, explanation } = refusal;
        let Ok(_permit) = self.refusals.try_acquire() else {
            peer.close(&explanation);
            return Ok(());
        };
        let (mut sender, _receiver) = peer.stream(self.upload_bytes).await?;
        sender.send(&mut [control_frame(&Downstream::Rejected { code, explanation })]).await?;
        sender.finish().await;
        peer.close("refused");
        Ok(())
    }

    /// Who the certificate says it is, if the roster knows it and it is not here already.
    fn admit(&self, peer: &Peer) -> Result<Seat<'_>, Refusal> {
        let stranger = |explanation: String| Refusal { code: RejectCode::NotInRoster, explanation };
        let leaf = peer.certificate().unwrap_or_default();
        let identity = identity_of(&leaf).map_err(|fault| stranger(fault.to_string()))?;
        let key = spki_sha256_of(&leaf).map_err(|fault| stranger(fault.to_string()))?;
        let Some(enrolled) = self.keys.get(&key).copied() else { return Err(stranger(unknown(&identity))) };
        if enrolled.not_after < (self.unix_seconds)() {
            let text = format!(
                "the roster's entry of client {} has expired, so {identity} may not take part; have the roster authorities renew it",
                enrolled.client
            );
            return Err(stranger(text));
        }
        let mut seats = self.seats();
        if seats.taken.contains_key(&enrolled.client) {
            let explanation = format!(
                "{identity} is connected already, and one connection for each branch is allowed; the first stays. Stop the other client, \
                 or, if it has just died, try again after {} seconds",
                IDLE_MS / 1000
            );
            return Err(Refusal { code: RejectCode::AlreadyConnected, explanation });
        }
        seats.taken.insert(enrolled.client, peer.clone());
        Ok(Seat { door: self, client: enrolled.client })
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Refusal {
    code: RejectCode,
    explanation: String,
}

/// The one connection of a client; free again when dropped.
struct Seat<'a> {
    door: &'a Door,
    client: ClientId,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut seats = self.door.seats();
        if let Some(peer) = seats.taken.remove(&self.client) {
            seats.past_bytes = add(seats.past_bytes, peer.bytes());
        }
    }
}

fn unknown(identity: &Identity) -> String {
    format!(
        "{identity} has a valid certificate, but its key is not in this coordinator's roster; enrol it, have the roster signed again, and \
         give the coordinator the new one"
    )
}

fn add(a: (u64, u64), b: (u64, u64)) -> (u64, u64) {
    (a.0.saturating_add(b.0), a.1.saturating_add(b.1))
}
