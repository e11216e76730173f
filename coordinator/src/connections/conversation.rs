//! The conversation: reading, folding and writing until one side ends.

use bytes::Bytes;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tributary_protocol::codec;
use tributary_protocol::frame::{FRAME_HEADER_BYTES, frame_header};
use tributary_protocol::ids::ClientId;
use tributary_protocol::limits::CONTROL_MESSAGE_BYTES_MAX;
use tributary_protocol::message::{Downstream, FRAME_CONTROL, FRAME_VECTOR, Start, Upstream};
use tributary_protocol::round::Input;
use tributary_protocol::secagg::permit::{Arriving, Ticket};

use super::Door;
use crate::spool::SpooledUpload;
use crate::transport::{CLOSING_TIME, Peer, PeerError, Receiver, Sender};
use crate::uploads::Verdict;

/// Groups of messages to one client that wait to be sent. A round sends three; whoever lets more pile up does not read.
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
    queue: mpsc::Sender<Vec<Bytes>>,
    verdicts: mpsc::Sender<Verdict>,
    peer: Peer,
    _dropped: oneshot::Sender<()>,
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

    /// Ends the connection without waiting for what is queued.
    pub(crate) fn abort(&self, reason: &str) {
        self.peer.close(reason);
    }
}

impl Door {
    /// Both directions, until the machine drops the link or the peer has gone.
    pub(super) async fn converse(
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

    /// The vector behind a header: read to its end, and kept if it was admitted.
    async fn take_vector(&self, receiver: &mut Receiver, verdict: Verdict) -> Result<(), PeerError> {
        // A stream that ends within a vector is a participant lost, of which the machine hears as such, and no fault of its.
        let length = receiver.vector_head().await?;
        let input = match verdict {
            Verdict::Admit(ticket) if ticket.upload_bytes() == length => {
                let arriving = self.keep(receiver, ticket).await?;
                self.sum.arrive(arriving)
            }
            Verdict::Admit(ticket) => {
                let (round, client) = (ticket.round(), ticket.client());
                tracing::warn!(%round, %client, length, expected = ticket.upload_bytes(), "upload of another length refused");
                pass_over(receiver).await?;
                Input::UploadFailed { round, client }
            }
            Verdict::Discard => return pass_over(receiver).await,
        };
        let _ = self.inputs.send(Arrival::Input(input)).await;
        Ok(())
    }

    /// Keeps and hashes the pieces as they come.
    async fn keep(&self, receiver: &mut Receiver, ticket: Ticket) -> Result<Arriving<SpooledUpload>, PeerError> {
        let room = self.spool.room(ticket.upload_bytes()).map_err(PeerError::Spool)?;
        let mut arriving = ticket.receive_into(room);
        while let Some(piece) = receiver.piece().await? {
            arriving.append(&piece).map_err(PeerError::Spool)?;
        }
        Ok(arriving)
    }
}

/// Reads the rest of a vector that nobody wants.
async fn pass_over(receiver: &mut Receiver) -> Result<(), PeerError> {
    while receiver.piece().await?.is_some() {}
    Ok(())
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

/// Sends what is queued until the link is dropped, and then closes in order; a peer that does not read is not waited for.
async fn write(
    peer: &Peer,
    mut sender: Sender,
    mut queued: mpsc::Receiver<Vec<Bytes>>,
    dropped: oneshot::Receiver<()>,
) {
    let sending = async {
        while let Some(mut frames) = queued.recv().await {
            if sender.send(&mut frames).await.is_err() {
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
