//! The door: one task for each connection, which finds out who it is, whether it may come in, and then holds the conversation.
//!
//! ```text
//! attempt ─handshake, greeting─► peer ─certificate, roster─► client ─ no seat: new session ─► Arrival::Connected ─► messages ─► Disconnected
//!                                  └─ stranger: Rejected        ├─ its link was cut: handed to the session, which goes on
//!                                                               └─ another process: the first stays if it is alive, else it makes room
//! ```

mod conversation;
mod members;
mod seats;
mod session;

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tributary_certs::identity::{Identity, identity_of, spki_sha256_of};
use tributary_protocol::ids::ClientId;
use tributary_protocol::limits::{SESSION_ROUNDS_MAX, upstream_bytes_max};
use tributary_protocol::message::{Downstream, RejectCode};
use tributary_transport::limits::{CLOSING_TIME, HANDSHAKES_MAX, HANDSHAKES_UNPROVED_MAX, PROOF_OF_LIFE_TIME};
use tributary_transport::{
    Accepted, Attempt, Greeted, Greeting, Link as Wires, LinkId, Listener, PeerFault, Timers, Transport, Welcome, Wire,
};

pub(crate) use self::conversation::{Arrival, Link, control_frame, start_frames};
pub(crate) use self::members::Members;
use self::members::Stranger;
use self::seats::{Place, Seats, new_link};
use self::session::Session;
use crate::office::Counter;
use crate::spool::Spool;
use crate::uploads::OpenSum;

/// Peers that are told at the same time why they are refused.
const REFUSALS_MAX: usize = 64;

/// What every connection's task shares.
pub(crate) struct Door {
    members: Arc<Members>,
    seats: Seats,
    inputs: mpsc::Sender<Arrival>,
    sum: OpenSum,
    spool: Spool,
    upload_bytes: usize,
    session_rounds: usize,
    handshakes: Handshakes,
    refusals: Semaphore,
    timers: Timers,
    office: Option<Counter>,
    unix_seconds: fn() -> u64,
}

/// What the door is made of.
pub(crate) struct DoorSettings {
    /// Who may come in.
    pub(crate) members: Arc<Members>,
    pub(crate) inputs: mpsc::Sender<Arrival>,
    pub(crate) sum: OpenSum,
    pub(crate) spool: Spool,
    /// Exact length of an upload, in bytes.
    pub(crate) upload_bytes: usize,
    /// Rounds of one key set-up, which its longest message grows with.
    pub(crate) session_rounds: u32,
    pub(crate) timers: Timers,
    /// Where newcomers ask, if anywhere.
    pub(crate) office: Option<Counter>,
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

struct Refusal {
    code: RejectCode,
    explanation: String,
}

impl Door {
    /// A door for everybody in the roster.
    pub(crate) fn new(settings: DoorSettings) -> Arc<Self> {
        let DoorSettings { members, inputs, sum, spool, upload_bytes, session_rounds, timers, office, unix_seconds } =
            settings;
        let session_rounds = usize::try_from(session_rounds).unwrap_or(usize::MAX).min(SESSION_ROUNDS_MAX);
        Arc::new(Self {
            members,
            seats: Seats::default(),
            inputs,
            sum,
            spool,
            upload_bytes,
            session_rounds,
            handshakes: Handshakes::default(),
            refusals: Semaphore::new(REFUSALS_MAX),
            timers,
            office,
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
                if let Err(fault) = door.welcome(attempt, permit).await {
                    tracing::info!(%address, %transport, %fault, "connection over");
                }
            });
        }
    }

    /// Handshake and greeting, for which the permit is held, and then whatever the peer came for.
    async fn welcome(&self, attempt: Attempt, permit: OwnedSemaphorePermit) -> Result<(), PeerFault> {
        match attempt.accept().await? {
            Accepted::Peer(wire) => {
                let (greeted, greeting) = Greeted::by_peer(*wire).await?;
                drop(permit);
                self.receive(greeted, greeting).await
            }
            Accepted::Newcomer(stream) => {
                drop(permit);
                let closed = || PeerFault::Handshake("no enrolment office is kept here".into());
                self.office.as_ref().ok_or_else(closed)?.serve(stream).await
            }
        }
    }

    /// Ends every session whose client's certificate is judged to be out, with the reason.
    pub(crate) fn cut(&self, judge: impl Fn(&CertificateDer<'static>) -> Option<String>) {
        let out = self.seats.cut(judge);
        if out > 0 {
            tracing::warn!(
                sessions = out,
                "sessions were ended because their certificates are revoked or have run out"
            );
        }
    }

    /// The longest message of a client of the roster in force.
    fn message_bytes(&self) -> usize {
        upstream_bytes_max(self.members.count(), self.session_rounds)
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
        let seated = match self.admit(greeted.wire(), &greeting.binding) {
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
                greeted.welcome(self.greeting_back(seat.link())).await?;
                link.attach(greeted, 0)?;
                Session::run(self, seat, link).await
            }
            Err(refusal) => {
                tracing::warn!(explanation = refusal.explanation, "connection refused");
                self.explain(greeted, refusal).await
            }
        }
    }

    /// The answer that begins a link.
    fn greeting_back(&self, link: LinkId) -> Welcome {
        Welcome { link, resumed: false, received: 0, unix_seconds: (self.unix_seconds)() }
    }

    /// Tells a peer why it is refused: in a message, or, where many are being told, in the connection's end.
    async fn explain(&self, mut greeted: Greeted, refusal: Refusal) -> Result<(), PeerFault> {
        let Refusal { code, explanation } = refusal;
        let Ok(_permit) = self.refusals.try_acquire() else {
            greeted.close(&explanation).await;
            return Ok(());
        };
        let mut link = Wires::new(self.timers);
        greeted.welcome(self.greeting_back(new_link())).await?;
        link.attach(greeted, 0)?;
        link.send([control_frame(&Downstream::Rejected { code, explanation })]);
        let _ = tokio::time::timeout(CLOSING_TIME, link.flush()).await;
        link.close("refused").await;
        Ok(())
    }

    /// Who the certificate says it is, if the roster knows it.
    fn admit(&self, wire: &Wire, binding: &[u8]) -> Result<(ClientId, Identity), Refusal> {
        let stranger = |explanation: String| Refusal { code: RejectCode::NotInRoster, explanation };
        let leaf = wire.certificate();
        let identity = identity_of(leaf).map_err(|fault| stranger(fault.to_string()))?;
        let key = spki_sha256_of(leaf).map_err(|fault| stranger(fault.to_string()))?;
        let admitted = self.members.admit(&identity, &key, binding);
        let entry = admitted.map_err(|why| stranger(unknown(&identity, &why)))?;
        if entry.not_after < (self.unix_seconds)() {
            let explanation = format!(
                "the roster's entry of client {} has ended, so {identity} may not take part; enrol it anew and have the next roster signed",
                entry.client
            );
            return Err(Refusal { code: RejectCode::EntryEnded, explanation });
        }
        Ok((entry.client, identity))
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

fn unknown(identity: &Identity, why: &Stranger) -> String {
    match why {
        Stranger::Key => format!(
            "{identity} has a valid certificate, but its key is not in this coordinator's roster; enrol it, have the roster signed again, and \
             give the coordinator the new one"
        ),
        Stranger::Name(name) => format!(
            "{identity} has a valid certificate, but the roster has its key under the name {name}: somebody was given a certificate for \
             another's key; find out who issued it, and enrol the branch anew"
        ),
        Stranger::OlderKey(client) => format!(
            "{identity} proves an older key than client {client} has used here before: an old copy of its folder was put back, or its old key \
             was stolen. Use the newest copy, or enrol it anew (`tributary certs token --again`)"
        ),
        Stranger::Unkept => format!(
            "{identity} proves a newer key, and the coordinator cannot write that down; its operator must look at its log and the disk"
        ),
    }
}
