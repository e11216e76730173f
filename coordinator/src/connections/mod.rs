//! The door: one task for each connection, which finds out who it is, whether it may come in, and then holds the conversation.
//!
//! ```text
//! attempt ─handshake, greeting─► peer ─certificate, roster─► client ─ no seat: new session ─► Arrival::Connected ─► messages ─► Disconnected
//!                                  └─ stranger: Rejected        ├─ its link was cut: handed to the session, which goes on
//!                                                               └─ another process: the first stays if it is alive, else it makes room
//! ```

mod conversation;
mod seats;
mod session;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tributary_certs::identity::{Identity, identity_of, spki_sha256_of};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::message::{Downstream, RejectCode};
use tributary_protocol::roster::{Roster, RosterEntry};
use tributary_transport::limits::{CLOSING_TIME, HANDSHAKES_MAX, HANDSHAKES_UNPROVED_MAX, PROOF_OF_LIFE_TIME};
use tributary_transport::{
    Accepted, Attempt, Greeted, Greeting, Link as Wires, Listener, PeerFault, Timers, Transport, Welcome, Wire,
};

pub(crate) use self::conversation::{Arrival, Link, control_frame, start_frames};
use self::seats::{Place, Seats, new_link};
use self::session::Session;
use crate::spool::Spool;
use crate::uploads::OpenSum;

/// Peers that are told at the same time why they are refused.
const REFUSALS_MAX: usize = 64;

/// What every connection's task shares.
pub(crate) struct Door {
    keys: BTreeMap<Digest, Enrolled>,
    seats: Seats,
    inputs: mpsc::Sender<Arrival>,
    sum: OpenSum,
    spool: Spool,
    upload_bytes: usize,
    handshakes: Handshakes,
    refusals: Semaphore,
    timers: Timers,
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
    pub(crate) timers: Timers,
    pub(crate) unix_seconds: fn() -> u64,
}

/// Handshakes that may begin.
struct Handshakes {
    quic: Arc<Semaphore>,
    tcp: Arc<Semaphore>,
}

impl Default for Handshakes {
    fn default() -> Self {
        let permits = || Arc::new(Semaphore::new(HANDSHAKES_MAX));
        Self { quic: permits(), tcp: permits() }
    }
}

impl Handshakes {
    fn over(&self, transport: Transport) -> &Arc<Semaphore> {
        match transport {
            Transport::Quic => &self.quic,
            Transport::Tcp => &self.tcp,
        }
    }
}

#[derive(Clone, Copy)]
struct Enrolled {
    client: ClientId,
    not_after: u64,
}

struct Refusal {
    code: RejectCode,
    explanation: String,
}

impl Door {
    /// A door for everybody in the roster.
    pub(crate) fn new(settings: DoorSettings<'_>) -> Arc<Self> {
        let DoorSettings { roster, inputs, sum, spool, upload_bytes, timers, unix_seconds } = settings;
        let key = |entry: &RosterEntry| {
            (entry.tls_spki_sha256, Enrolled { client: entry.client, not_after: entry.not_after })
        };
        Arc::new(Self {
            keys: roster.entries().iter().map(key).collect(),
            seats: Seats::default(),
            inputs,
            sum,
            spool,
            upload_bytes,
            handshakes: Handshakes::default(),
            refusals: Semaphore::new(REFUSALS_MAX),
            timers,
            unix_seconds,
        })
    }

    /// Lets connections in until the port closes.
    pub(crate) async fn serve(self: Arc<Self>, listener: Arc<Listener>) {
        while let Some(attempt) = listener.next().await {
            let handshakes = self.handshakes.over(attempt.transport());
            let crowded = handshakes.available_permits() < HANDSHAKES_MAX - HANDSHAKES_UNPROVED_MAX;
            let attempt = if crowded { attempt.prove_address() } else { Some(attempt) };
            let Some(attempt) = attempt else { continue };
            let Ok(permit) = Arc::clone(handshakes).try_acquire_owned() else {
                attempt.refuse();
                continue;
            };
            let door = Arc::clone(&self);
            tokio::spawn(async move {
                let (address, transport) = (attempt.address(), attempt.transport());
                let greeted = greet(attempt).await;
                drop(permit);
                let end = match greeted {
                    Ok((greeted, greeting)) => door.receive(greeted, greeting).await,
                    Err(fault) => Err(fault),
                };
                if let Err(fault) = end {
                    tracing::info!(%address, %transport, %fault, "connection over");
                }
            });
        }
    }

    /// Bytes received from and sent to clients whose sessions have ended.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        self.seats.past_bytes()
    }

    /// Waits until every session has ended, at most `patience`.
    pub(crate) async fn emptied(&self, patience: Duration) {
        let _ = tokio::time::timeout(patience, self.seats.emptied()).await;
    }

    /// From greeting to end. Its seat bounds a client to one session; those who are refused are bounded together.
    async fn receive(&self, greeted: Greeted, greeting: Greeting) -> Result<(), PeerFault> {
        let seated = match self.admit(greeted.wire()) {
            Ok((client, identity)) => self.seat(client, &identity, greeted.wire(), &greeting).await,
            Err(refusal) => Err(refusal),
        };
        match seated {
            Ok(Place::Resumed(session)) => {
                // A session that ends at this moment drops the connection, and the client asks again.
                let _ = session.send((greeted, greeting.received)).await;
                Ok(())
            }
            Ok(Place::New(seat)) => {
                let mut link = Wires::new(self.timers);
                let mut greeted = greeted;
                greeted.welcome(Welcome { link: seat.link(), resumed: false, received: 0 }).await?;
                link.attach(greeted, 0)?;
                Session::run(self, seat, link).await
            }
            Err(refusal) => {
                tracing::warn!(explanation = refusal.explanation, "connection refused");
                self.explain(greeted, refusal).await
            }
        }
    }

    /// Tells a peer why it is refused: in a message, or, where many are being told, in the connection's end.
    async fn explain(&self, mut greeted: Greeted, refusal: Refusal) -> Result<(), PeerFault> {
        let Refusal { code, explanation } = refusal;
        let Ok(_permit) = self.refusals.try_acquire() else {
            greeted.close(&explanation).await;
            return Ok(());
        };
        let mut link = Wires::new(self.timers);
        greeted.welcome(Welcome { link: new_link(), resumed: false, received: 0 }).await?;
        link.attach(greeted, 0)?;
        link.send([control_frame(&Downstream::Rejected { code, explanation })]);
        let _ = tokio::time::timeout(CLOSING_TIME, link.flush()).await;
        link.close("refused").await;
        Ok(())
    }

    /// Who the certificate says it is, if the roster knows it.
    fn admit(&self, wire: &Wire) -> Result<(ClientId, Identity), Refusal> {
        let stranger = |explanation: String| Refusal { code: RejectCode::NotInRoster, explanation };
        let leaf = wire.certificate();
        let identity = identity_of(leaf).map_err(|fault| stranger(fault.to_string()))?;
        let key = spki_sha256_of(leaf).map_err(|fault| stranger(fault.to_string()))?;
        let Some(enrolled) = self.keys.get(&key).copied() else { return Err(stranger(unknown(&identity))) };
        if enrolled.not_after < (self.unix_seconds)() {
            let text = format!(
                "the roster's entry of client {} has expired, so {identity} may not take part; have the roster authorities renew it",
                enrolled.client
            );
            return Err(stranger(text));
        }
        Ok((enrolled.client, identity))
    }

    /// The client's seat, or the way to its session. Another process of the same identity keeps it while it is alive.
    async fn seat(
        &self,
        client: ClientId,
        identity: &Identity,
        wire: &Wire,
        greeting: &Greeting,
    ) -> Result<Place<'_>, Refusal> {
        // What is asked to prove that it is alive needs its time, and then some to leave.
        let patience = PROOF_OF_LIFE_TIME + CLOSING_TIME;
        self.seats.take(client, wire.certificate(), greeting, patience).await.ok_or_else(|| {
            let explanation = format!(
                "{identity} is connected already from another process, and one for each branch is allowed; the first stays, because it answers. \
                 Stop the other client"
            );
            Refusal { code: RejectCode::AlreadyConnected, explanation }
        })
    }
}

/// Handshake and greeting.
async fn greet(attempt: Attempt) -> Result<(Greeted, Greeting), PeerFault> {
    match attempt.accept().await? {
        Accepted::Peer(wire) => Ok(Greeted::by_peer(*wire).await?),
        Accepted::Newcomer(_) => Err(PeerFault::Handshake("no enrolment office is kept here".into())),
    }
}

fn unknown(identity: &Identity) -> String {
    format!(
        "{identity} has a valid certificate, but its key is not in this coordinator's roster; enrol it, have the roster signed again, and \
         give the coordinator the new one"
    )
}
