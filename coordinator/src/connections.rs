//! One task for each connection: who is it, may it come in, and then reading, folding and writing until one side ends.
//!
//! ```text
//! attempt ─handshake─► peer ─certificate, roster─► client ─seat free─► Arrival::Connected ─► messages, vectors ─► Disconnected
//!                                  └─ stranger: Rejected      └─ taken: Rejected, the first stays
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tributary_certs::identity::{Identity, identity_of, spki_sha256_of};
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::frame::{FRAME_HEADER_BYTES, frame_header};
use tributary_protocol::ids::ClientId;
use tributary_protocol::limits::CONTROL_MESSAGE_BYTES_MAX;
use tributary_protocol::message::{Downstream, FRAME_CONTROL, FRAME_VECTOR, RejectCode, Start, Upstream};
use tributary_protocol::roster::Roster;
use tributary_protocol::round::Input;

use crate::transport::{CLOSING_TIME, IDLE_MS, Listener, Peer, PeerError, Receiver, Sender};
use crate::uploads::{OpenSum, Verdict};

/// Handshakes at the same time; beyond half of them an attempt must prove its address first.
const HANDSHAKES_MAX: usize = 256;

/// Messages to one client that wait to be sent. A round sends four; whoever lets more pile up does not read.
const QUEUE_MAX: usize = 64;

/// Something for the machine's task.
pub(crate) enum Arrival {
    /// A client is connected; this is the way to it.
    Connected(ClientId, Link),
    /// An input of the machine.
    Input(Input),
}

/// The way to a connected client. Dropping it sends what is queued and closes the connection.
pub(crate) struct Link {
    queue: mpsc::Sender<Bytes>,
    verdicts: mpsc::Sender<Verdict>,
    peer: Peer,
    _dropped: oneshot::Sender<()>,
}

/// What every connection's task shares.
pub(crate) struct Door {
    keys: BTreeMap<Digest, Enrolled>,
    seats: Mutex<Seats>,
    inputs: mpsc::Sender<Arrival>,
    sum: OpenSum,
    upload_bytes: usize,
    handshakes: Arc<Semaphore>,
    unix_seconds: fn() -> u64,
}

/// What the door is made of.
pub(crate) struct DoorSettings<'a> {
    pub(crate) roster: &'a Roster,
    pub(crate) inputs: mpsc::Sender<Arrival>,
    pub(crate) sum: OpenSum,
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

impl Link {
    /// Queues a frame; whether there was room.
    pub(crate) fn send(&self, frame: Bytes) -> bool {
        self.queue.try_send(frame).is_ok()
    }

    /// Tells the connection what to do with the vector that it announced.
    pub(crate) fn judge(&self, verdict: Verdict) -> bool {
        self.verdicts.try_send(verdict).is_ok()
    }

    /// Ends the connection without waiting for what is queued.
    pub(crate) fn abort(&self, reason: &str) {
        self.peer.close(reason);
    }
}

impl Door {
    /// A door for everybody in the roster.
    pub(crate) fn new(settings: DoorSettings<'_>) -> Arc<Self> {
        let DoorSettings { roster, inputs, sum, upload_bytes, unix_seconds } = settings;
        let key = |entry: &tributary_protocol::roster::RosterEntry| {
            (entry.tls_spki_sha256, Enrolled { client: entry.client, not_after: entry.not_after })
        };
        Arc::new(Self {
            keys: roster.entries().iter().map(key).collect(),
            seats: Mutex::new(Seats::default()),
            inputs,
            sum,
            upload_bytes,
            handshakes: Arc::new(Semaphore::new(HANDSHAKES_MAX)),
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

    async fn receive(&self, peer: Peer) -> Result<(), PeerError> {
        let (mut sender, receiver) = peer.stream(self.upload_bytes).await?;
        match self.admit(&peer) {
            Ok(seat) => {
                // The seat is kept to the end: its next bearer's messages come after this one's departure.
                self.converse(seat.client, &peer, sender, receiver).await
            }
            Err(refusal) => {
                tracing::warn!(explanation = refusal.explanation, "connection refused");
                let Refusal { code, explanation } = refusal;
                sender.send(control_frame(&Downstream::Rejected { code, explanation })).await?;
                sender.finish().await;
                peer.close("refused");
                Ok(())
            }
        }
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

    /// Both directions, until the machine drops the link or the peer has gone.
    async fn converse(
        &self,
        client: ClientId,
        peer: &Peer,
        sender: Sender,
        mut receiver: Receiver,
    ) -> Result<(), PeerError> {
        let (queue, queued) = mpsc::channel(QUEUE_MAX);
        let (verdicts, judged) = mpsc::channel(1);
        let (_dropped, dropped) = oneshot::channel();
        let link = Link { queue, verdicts, peer: peer.clone(), _dropped };
        if self.inputs.send(Arrival::Connected(client, link)).await.is_err() {
            return Ok(());
        }
        let reading = async {
            let end = self.read(client, &mut receiver, judged).await;
            if let Err(fault @ (PeerError::Frame(_) | PeerError::Protocol(_))) = &end {
                peer.close(&fault.to_string());
            }
            // The machine drops the link, which ends the writing.
            let _ = self.inputs.send(Arrival::Input(Input::Disconnected(client))).await;
            end
        };
        let (end, ()) = tokio::join!(reading, write(peer, sender, queued, dropped));
        end
    }

    async fn read(
        &self,
        client: ClientId,
        receiver: &mut Receiver,
        mut judged: mpsc::Receiver<Verdict>,
    ) -> Result<(), PeerError> {
        while let Some(frame) = receiver.next().await? {
            let message = match frame.kind {
                FRAME_CONTROL => codec::decode::<Upstream>(&frame.payload, CONTROL_MESSAGE_BYTES_MAX),
                _ => return Err(PeerError::Protocol("a vector came that no header announced".into())),
            };
            let message = message.map_err(|fault| PeerError::Protocol(fault.to_string()))?;
            let announces = matches!(message, Upstream::Masked(_));
            if self.inputs.send(Arrival::Input(Input::Message(client, message))).await.is_err() {
                return Ok(());
            }
            if announces {
                // Nothing is read until the machine has judged the header: what is not wanted stays in the sender's window.
                let Some(verdict) = judged.recv().await else { return Ok(()) };
                self.take_vector(receiver, verdict).await?;
            }
        }
        Ok(())
    }

    /// The vector behind a header.
    async fn take_vector(&self, receiver: &mut Receiver, verdict: Verdict) -> Result<(), PeerError> {
        let vector = match receiver.next().await {
            Ok(Some(frame)) if frame.kind == FRAME_VECTOR => Ok(frame.payload),
            Ok(Some(_)) => Err(PeerError::Protocol("a message came where a vector was announced".into())),
            Ok(None) => Err(PeerError::Lost("the stream ended before the announced vector".into())),
            Err(fault) => Err(fault),
        };
        let Verdict::Admit(ticket) = verdict else { return vector.map(|_| ()) };
        let (round, client) = (ticket.round(), ticket.client());
        let (input, end) = match vector {
            Ok(bytes) => (self.sum.fold(ticket, &bytes), Ok(())),
            Err(fault) => (Input::UploadFailed { round, client }, Err(fault)),
        };
        let _ = self.inputs.send(Arrival::Input(input)).await;
        end
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const HANDSHAKES_HALF: usize = HANDSHAKES_MAX / 2;

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

/// A control message as one frame.
pub(crate) fn control_frame(message: &Downstream) -> Bytes {
    let payload = codec::encode(message);
    let mut frame = Vec::with_capacity(FRAME_HEADER_BYTES + payload.len());
    frame.extend_from_slice(&frame_header(FRAME_CONTROL, payload.len()));
    frame.extend_from_slice(&payload);
    frame.into()
}

/// A round's start and the model behind it, as two frames in one piece.
pub(crate) fn start_frames(start: Start, model: &[u8]) -> Bytes {
    let payload = codec::encode(&Downstream::Start(start));
    let mut frames = Vec::with_capacity(2 * FRAME_HEADER_BYTES + payload.len() + model.len());
    frames.extend_from_slice(&frame_header(FRAME_CONTROL, payload.len()));
    frames.extend_from_slice(&payload);
    frames.extend_from_slice(&frame_header(FRAME_VECTOR, model.len()));
    frames.extend_from_slice(model);
    frames.into()
}

/// Sends what is queued until the link is dropped, and then closes in order; a peer that does not read is not waited for.
async fn write(peer: &Peer, mut sender: Sender, mut queued: mpsc::Receiver<Bytes>, dropped: oneshot::Receiver<()>) {
    let sending = async {
        while let Some(frame) = queued.recv().await {
            if sender.send(frame).await.is_err() {
                // The reader sees the same end and reports it.
                return;
            }
        }
        sender.finish().await;
    };
    let patience = async {
        let _ = dropped.await;
        tokio::time::sleep(CLOSING_TIME).await;
    };
    tokio::select! {
        () = sending => {}
        () = patience => {}
    }
    peer.close("done");
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
