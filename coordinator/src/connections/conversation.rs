//! What passes between the connections and the task of the machines.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::frame::{FRAME_HEADER_BYTES, frame_header};
use tributary_protocol::ids::{ClientId, RunId};
use tributary_protocol::message::{Downstream, FRAME_CONTROL, FRAME_VECTOR, Start, ToClient, Upstream, WitnessWord};
use tributary_protocol::plan::{Attestation, OwnersWord};
use tributary_protocol::registry::CopyNote;
use tributary_protocol::roster::SignedRoster;
use tributary_protocol::round::Input;
use tributary_storage::journal::JournalError;

use super::orders::{Order, Orders};
use crate::federation::models::Word;
use crate::report::Event;
use crate::run::job::Job;
use crate::run::uploads::Verdict;

/// Groups of messages to one client that wait to be sent. A round sends three; whoever lets more pile up does not read.
const QUEUE_MAX: usize = 64;

/// Something for the task of the machines.
pub(crate) enum Arrival {
    /// A client is connected; this is the way to it.
    Connected(ClientId, Link),
    /// A client's message in a run. Who it is comes from its certificate.
    Message(ClientId, RunId, Upstream),
    /// A client asks for a piece of a model's parameters, from a byte on.
    ModelPiece(ClientId, Digest, u64),
    /// A client says what it has of a model.
    Copy(ClientId, Box<CopyNote>),
    /// A client's word as a witness of the journal.
    Witness(ClientId, WitnessWord),
    /// Leaves of the journal's front, which was read beside the work.
    Front(Vec<Digest>),
    /// What people have signed about a model.
    Stated(Word),
    /// What became of a vector that was admitted in a run.
    Vector(RunId, Input),
    /// A client's connection is gone; why, unless it was done.
    Disconnected(ClientId, Option<String>),
    /// The door does not let a member in as it is.
    TurnedAway(ClientId, Trouble),
    /// A newer roster, whose signatures were verified.
    Roster(Box<SignedRoster>),
    /// An order that somebody has signed.
    Ordered(Box<Attestation>),
    /// What owners of data have signed, to be carried to their branches.
    Owners(Vec<OwnersWord>),
    /// The release that a client says it runs.
    About(ClientId, String),
    /// A plan that was activated, or shown with other signatures.
    Plan(Box<Job>),
    /// Revocation lists that changed, for everybody who is here and whoever comes.
    Lists(Vec<u8>),
    /// What the operator is to be told.
    Told(Box<Event>),
    /// The second copy of the journal has begun, or has come nearer.
    SinkMoved,
    /// The journal is not what it was.
    Damaged(JournalError),
}

/// Why a member is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// The reason's name.
    pub(crate) code: String,
    /// What happened, and what to do.
    pub(crate) reason: String,
}

/// The way to a connected client. Dropping it sends what is queued and closes the connection.
pub(crate) struct Link {
    queue: mpsc::Sender<Vec<Bytes>>,
    verdicts: mpsc::Sender<Verdict>,
    orders: Arc<Orders>,
}

impl Link {
    /// The way to a client whose connection takes these orders, and its other ends: the frames that leave together, and the verdicts.
    pub(crate) fn to(orders: Arc<Orders>) -> (Self, mpsc::Receiver<Vec<Bytes>>, mpsc::Receiver<Verdict>) {
        let ((queue, queued), (verdicts, judged)) = (mpsc::channel(QUEUE_MAX), mpsc::channel(1));
        (Self { queue, verdicts, orders }, queued, judged)
    }

    /// Queues frames that leave together; whether there was room.
    pub(crate) fn send(&self, frames: Vec<Bytes>) -> bool {
        self.queue.try_send(frames).is_ok()
    }

    /// Tells the connection what to do with the vector that it announced; false if it has not taken the last verdict yet.
    pub(crate) fn judge(&self, verdict: Verdict) -> bool {
        !matches!(self.verdicts.try_send(verdict), Err(TrySendError::Full(_)))
    }

    /// Ends the connection without waiting for what is queued.
    pub(crate) fn abort(&self, reason: &str) {
        self.orders.give(Order::Cut(reason.to_owned()));
    }
}

/// A control message as one frame.
pub(crate) fn control_frame(message: &ToClient) -> Bytes {
    let payload = codec::encode(message);
    let mut frame = Vec::with_capacity(FRAME_HEADER_BYTES + payload.len());
    frame.extend_from_slice(&frame_header(FRAME_CONTROL, payload.len()));
    frame.extend_from_slice(&payload);
    frame.into()
}

/// A round's start and the model after it: two frames, the second one's payload shared between connections.
pub(crate) fn start_frames(run: RunId, start: Start, model: Bytes) -> [Bytes; 2] {
    let payload = codec::encode(&ToClient::Run(run, Downstream::Start(start)));
    let mut head = Vec::with_capacity(2 * FRAME_HEADER_BYTES + payload.len());
    head.extend_from_slice(&frame_header(FRAME_CONTROL, payload.len()));
    head.extend_from_slice(&payload);
    head.extend_from_slice(&frame_header(FRAME_VECTOR, model.len()));
    [head.into(), model]
}
