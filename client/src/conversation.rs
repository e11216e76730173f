//! Messages and vectors on the channel to the coordinator.

use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tributary_certs::identity::Identity;
use tributary_protocol::codec;
use tributary_protocol::frame::{Frame, encode_frame, frame_header};
use tributary_protocol::limits::{CONTROL_MESSAGE_BYTES_MAX, VECTOR_BYTES_MAX};
use tributary_protocol::message::{
    Downstream, FRAME_CONTROL, FRAME_VECTOR, MaskedHeader, Start, Upstream, frame_bytes_max,
};
use tributary_transport::{Channel, ChannelSettings, Event, Frames, Transport};

/// What the daemon says when it leaves.
const LEAVING: &str = "the client stopped";

/// How long the last messages may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What comes from the coordinator, or happens on the way to it.
pub enum Incoming {
    /// A connection stands.
    Connected {
        /// Who the certificate says the coordinator is.
        coordinator: Identity,
        /// Over what.
        transport: Transport,
        /// Whether everything goes on where it was.
        resumed: bool,
        /// The coordinator's clock, in Unix seconds.
        coordinator_seconds: u64,
    },
    /// A control message other than a start.
    Message(Downstream),
    /// Revocation lists, which prove themselves.
    Lists(Vec<u8>),
    /// A start and the model's bytes.
    Started(Start, Vec<u8>),
    /// There is no connection; another attempt follows.
    Waiting {
        /// Why, and what to do.
        reason: String,
        /// Time until the attempt.
        retry: Duration,
    },
    /// What was on its way is lost.
    Gone,
}

/// The conversation with the coordinator, for as long as the daemon runs.
pub struct Conversation {
    channel: Channel,
    frames: Frames,
    start: Option<Start>,
}

impl Conversation {
    /// Begins as soon as [`Conversation::next`] is polled.
    #[must_use]
    pub fn new(settings: ChannelSettings) -> Self {
        Self { channel: Channel::new(settings), frames: frames(), start: None }
    }

    /// Queues a control message. It leaves while [`Conversation::next`] is polled.
    pub fn send(&mut self, message: &Upstream) {
        self.channel.send([encode_frame(FRAME_CONTROL, &codec::encode(message)).into()]);
    }

    /// Queues a masked vector, uncopied, behind the header that announces it.
    pub fn send_masked(&mut self, header: MaskedHeader, vector: Vec<u8>) {
        let mut front = encode_frame(FRAME_CONTROL, &codec::encode(&Upstream::Masked(header)));
        front.extend_from_slice(&frame_header(FRAME_VECTOR, vector.len()));
        self.channel.send([front.into(), vector.into()]);
    }

    /// Whether no round is open: then the way to the coordinator may be changed for a better one.
    pub fn set_calm(&mut self, calm: bool) {
        self.channel.set_calm(calm);
    }

    /// The certificate of the coordinator at the other end, while a connection stands.
    pub fn peer(&self) -> Option<&CertificateDer<'static>> {
        self.channel.peer()
    }

    /// Gives the connection up, for this reason, and dials again.
    pub fn abandon(&mut self, reason: &str) {
        self.channel.abandon(reason);
    }

    /// Bytes sent and received so far.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        let (down, up) = self.channel.bytes();
        (up, down)
    }

    /// The next thing. Cancel-safe.
    pub async fn next(&mut self) -> Incoming {
        loop {
            match self.read() {
                Ok(Some(incoming)) => return incoming,
                Ok(None) => {}
                Err(reason) => self.channel.abandon(&format!(
                    "the coordinator's bytes are not this protocol: {reason}; compare the releases of both sides"
                )),
            }
            match self.channel.next().await {
                Event::Data(chunk) => self.frames.feed(chunk),
                Event::Connected { coordinator, transport, resumed, coordinator_seconds } => {
                    return Incoming::Connected { coordinator, transport, resumed, coordinator_seconds };
                }
                Event::Waiting { reason, retry } => return Incoming::Waiting { reason, retry },
                Event::Gone { .. } => {
                    self.frames = frames();
                    self.start = None;
                    return Incoming::Gone;
                }
            }
        }
    }

    /// Sends what is queued, and leaves.
    pub async fn leave(self) {
        self.channel.leave(LEAVING, PATIENCE).await;
    }

    /// The next message among what has arrived.
    fn read(&mut self) -> Result<Option<Incoming>, String> {
        while let Some(frame) = self.frames.frame().map_err(|fault| fault.to_string())? {
            if let Some(incoming) = self.interpret(frame)? {
                return Ok(Some(incoming));
            }
        }
        Ok(None)
    }

    fn interpret(&mut self, frame: Frame) -> Result<Option<Incoming>, String> {
        if frame.kind == FRAME_VECTOR {
            // A vector without a start before it is nobody's: the machine learns of it as a start it did not expect.
            return Ok(self.start.take().map(|start| Incoming::Started(start, frame.payload)));
        }
        match codec::decode(&frame.payload, CONTROL_MESSAGE_BYTES_MAX).map_err(|fault| fault.to_string())? {
            Downstream::Lists(text) => Ok(Some(Incoming::Lists(text))),
            Downstream::Start(start) => {
                self.start = Some(start);
                Ok(None)
            }
            message => Ok(Some(Incoming::Message(message))),
        }
    }
}

fn frames() -> Frames {
    Frames::new(|kind| frame_bytes_max(kind, VECTOR_BYTES_MAX))
}
