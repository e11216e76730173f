//! What passes between a session and the machine's task.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tributary_protocol::codec;
use tributary_protocol::frame::{FRAME_HEADER_BYTES, frame_header};
use tributary_protocol::ids::ClientId;
use tributary_protocol::message::{Downstream, FRAME_CONTROL, FRAME_VECTOR, Start};
use tributary_protocol::round::Input;

use super::orders::{Order, Orders};
use crate::report::Event;
use crate::uploads::Verdict;

/// Groups of messages to one client that wait to be sent. A round sends three; whoever lets more pile up does not read.
pub(super) const QUEUE_MAX: usize = 64;

/// Something for the machine's task.
pub(crate) enum Arrival {
    /// A client is connected; this is the way to it.
    Connected(ClientId, Link),
    /// An input of the machine.
    Input(Input),
    /// Revocation lists that changed, for everybody who is here and whoever comes.
    Lists(Vec<u8>),
    /// What the operator is to be told.
    Told(Box<Event>),
}

/// The way to a connected client. Dropping it sends what is queued and closes the connection.
pub(crate) struct Link {
    pub(super) queue: mpsc::Sender<Vec<Bytes>>,
    pub(super) verdicts: mpsc::Sender<Verdict>,
    pub(super) orders: Arc<Orders>,
}

impl Link {
    /// Queues frames that leave together; whether there was room.
    pub(crate) fn send(&self, frames: Vec<Bytes>) -> bool {
        self.queue.try_send(frames).is_ok()
    }

    /// Tells the connection what to do with the vector that it announced; false if it has not taken the last verdict yet.
    pub(crate) fn judge(&self, verdict: Verdict) -> bool {
        !matches!(self.verdicts.try_send(verdict), Err(TrySendError::Full(_)))
    }

    /// Closes it behind what is queued, with the patience that a plan's end deserves: nobody is here to be asked later.
    pub(crate) fn farewell(self) {
        self.orders.give(Order::Farewell);
    }

    /// Ends the connection without waiting for what is queued.
    pub(crate) fn abort(&self, reason: &str) {
        self.orders.give(Order::Cut(reason.to_owned()));
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

/// A round's start and the model behind it: two frames, the second one's payload shared between connections.
pub(crate) fn start_frames(start: Start, model: Bytes) -> [Bytes; 2] {
    let payload = codec::encode(&Downstream::Start(start));
    let mut head = Vec::with_capacity(2 * FRAME_HEADER_BYTES + payload.len());
    head.extend_from_slice(&frame_header(FRAME_CONTROL, payload.len()));
    head.extend_from_slice(&payload);
    head.extend_from_slice(&frame_header(FRAME_VECTOR, model.len()));
    [head.into(), model]
}
