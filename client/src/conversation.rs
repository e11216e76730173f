//! Messages and vectors on the channel to the coordinator.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use tributary_certs::clock::unix_millis;
use tributary_certs::identity::Identity;
use tributary_protocol::codec::{self, CodecError};
use tributary_protocol::digest::Digest;
use tributary_protocol::frame::{FRAME_HEADER_BYTES, Frame, FrameError, encode_frame, frame_header};
use tributary_protocol::ids::RunId;
use tributary_protocol::limits::CONTROL_MESSAGE_BYTES_MAX;
use tributary_protocol::message::{
    Downstream, FRAME_CONTROL, FRAME_VECTOR, MaskedHeader, ShownCheckpoint, Start, ToClient, ToCoordinator, Upstream,
    frame_bytes_max,
};
use tributary_protocol::plan::OwnersWord;
use tributary_protocol::registry::{CopyNote, Told};
use tributary_protocol::roster::SignedRoster;
use tributary_storage::journal::JournalError;
use tributary_transport::{Channel, ChannelSettings, Event, Frames, Transport};

use crate::error::ClientError;
use crate::pace::Pace;
use crate::sent::{Kind, Leaving, SentLog, round_of};

/// What the daemon says when it leaves because it was asked to.
pub const LEAVING: &str = "the client stopped";

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
    /// A control message of a run other than a start.
    Message(RunId, Downstream),
    /// The door refuses this client, and closes. Nobody has signed it.
    Refused(String),
    /// Revocation lists, which prove themselves.
    Lists(Vec<u8>),
    /// The newest roster, beside statements about models.
    Roster(Box<SignedRoster>),
    /// The roster by which the statement was taken that comes next.
    RosterBefore(Box<SignedRoster>),
    /// Words of other branches that follow the statement that comes next.
    Followers(Vec<CopyNote>),
    /// What was stated about models.
    Models(Vec<Told>),
    /// What the owner of the data has signed, as the coordinator carries it.
    Owner(Box<OwnersWord>),
    /// The newest checkpoint of the coordinator's journal.
    Checkpoint(ShownCheckpoint),
    /// A piece of a model's parameters, from a byte on.
    ModelPiece(Digest, u64, Vec<u8>),
    /// A start in a run and the bytes of the public state; none where the stage needs none.
    Started(RunId, Start, Vec<u8>),
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
    vectors: VectorLimit,
    /// The vector of a start comes next.
    start: Option<(RunId, Start)>,
    /// What left, where that is noted.
    sent: Option<SentLog>,
    /// Why a message could not be noted. It has not left, and none leaves any more.
    unnoted: Option<JournalError>,
    /// How much the coordinator has this branch do.
    pace: Pace,
    begun: Instant,
}

impl Conversation {
    /// Begins as soon as [`Conversation::next`] is polled.
    #[must_use]
    pub fn new(settings: ChannelSettings) -> Self {
        let vectors = VectorLimit::default();
        let (pace, begun) = (Pace::default(), Instant::now());
        let (channel, frames) = (Channel::new(settings), vectors.frames());
        Self { channel, frames, vectors, start: None, sent: None, unnoted: None, pace, begun }
    }

    /// From here on what leaves is noted.
    #[must_use]
    pub(crate) fn noted_in(self, sent: SentLog) -> Self {
        Self { sent: Some(sent), ..self }
    }

    /// From here on no longer vector is taken than this: the longest public state of the plans that are admitted. Before any plan none has a byte.
    pub fn limit_vectors(&mut self, bytes_max: usize) {
        self.vectors.set(bytes_max);
    }

    /// Whether all that was to leave could be noted.
    ///
    /// # Errors
    /// Once, why a message could not: it has not left, and the process must end.
    pub(crate) fn is_noted(&mut self) -> Result<(), ClientError> {
        self.unnoted.take().map_or(Ok(()), |fault| Err(fault.into()))
    }

    /// Queues a control message of a run. It leaves while [`Conversation::next`] is polled.
    pub fn send(&mut self, run: RunId, message: Upstream) {
        let (kind, round) = (Kind::of(&message), round_of(&message));
        let frame = control_frame(run, message);
        self.send_noted((Some(run), round, kind), frame);
    }

    /// Queues a message that belongs to no run.
    pub fn send_beside(&mut self, message: &ToCoordinator) {
        let frame = encode_frame(FRAME_CONTROL, &codec::encode(message));
        self.send_noted((None, None, Kind::beside(message)), frame);
    }

    /// Queues a message that holds no number about rows.
    fn send_noted(&mut self, (run, round, kind): (Option<RunId>, Option<u64>, Kind), frame: Vec<u8>) {
        let digest = Digest::of(frame.get(FRAME_HEADER_BYTES..).unwrap_or_default());
        let leaving = Leaving { run, round, kind, bytes: frame.len(), vector: None, digest: &digest };
        if self.may_leave(&leaving) {
            self.channel.send([frame.into()]);
        }
    }

    /// Queues a masked vector, uncopied, after the header that announces it. Whether it carries noise, its plan says.
    pub fn send_masked(&mut self, run: RunId, header: MaskedHeader, (vector, noised): (Vec<u8>, bool)) {
        let (round, digest) = (Some(header.round.0), header.vector);
        let mut front = control_frame(run, Upstream::Masked(header));
        front.extend_from_slice(&frame_header(FRAME_VECTOR, vector.len()));
        let bytes = front.len().saturating_add(vector.len());
        let vector_is = Some((true, noised));
        let leaving = Leaving { run: Some(run), round, kind: Kind::Masked, bytes, vector: vector_is, digest: &digest };
        if self.may_leave(&leaving) {
            self.channel.send([front.into(), vector.into()]);
        }
    }

    /// Notes a message; whether it may leave.
    fn may_leave(&mut self, leaving: &Leaving<'_>) -> bool {
        self.pace.count(self.now());
        match self.sent.as_mut().map_or(Ok(()), |sent| sent.note(unix_millis(), leaving)) {
            Ok(()) => true,
            Err(fault) => {
                self.unnoted.get_or_insert(fault);
                false
            }
        }
    }

    /// Milliseconds since the conversation began.
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
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
            // While nothing is read here the link's window fills, and the coordinator sends no more.
            if let Some(wait) = self.pace.wait(self.now()) {
                tokio::time::sleep(wait).await;
            }
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
                    if !resumed {
                        let release = env!("CARGO_PKG_VERSION").to_owned().into();
                        self.send_beside(&ToCoordinator::About { release });
                    }
                    return Incoming::Connected { coordinator, transport, resumed, coordinator_seconds };
                }
                Event::Waiting { reason, retry } => return Incoming::Waiting { reason, retry },
                Event::Gone { .. } => {
                    self.frames = self.vectors.frames();
                    self.start = None;
                    return Incoming::Gone;
                }
            }
        }
    }

    /// Sends what is queued, and leaves for this reason, which no row may decide.
    pub async fn leave(self, reason: &'static str) {
        self.channel.leave(reason, PATIENCE).await;
    }

    /// The next message among what has arrived.
    fn read(&mut self) -> Result<Option<Incoming>, Unreadable> {
        while let Some(frame) = self.frames.frame()? {
            self.pace.count(self.now());
            if let Some(incoming) = self.interpret(frame)? {
                return Ok(Some(incoming));
            }
        }
        Ok(None)
    }

    fn interpret(&mut self, frame: Frame) -> Result<Option<Incoming>, Unreadable> {
        if frame.kind == FRAME_VECTOR {
            // A vector without a start before it is nobody's.
            return Ok(self.start.take().map(|(run, start)| Incoming::Started(run, start, frame.payload)));
        }
        match codec::decode(&frame.payload, CONTROL_MESSAGE_BYTES_MAX)? {
            ToClient::Refused { explanation, .. } => Ok(Some(Incoming::Refused(explanation.printable().into()))),
            ToClient::Lists(text) => Ok(Some(Incoming::Lists(text))),
            ToClient::Checkpoint(shown) => Ok(Some(Incoming::Checkpoint(shown))),
            ToClient::Roster(roster) => Ok(Some(Incoming::Roster(roster))),
            ToClient::RosterBefore(roster) => Ok(Some(Incoming::RosterBefore(roster))),
            ToClient::Followers(notes) => Ok(Some(Incoming::Followers(notes))),
            ToClient::Models(told) => Ok(Some(Incoming::Models(told))),
            ToClient::Owner(word) => Ok(Some(Incoming::Owner(word))),
            ToClient::ModelPiece { model, from, bytes } => Ok(Some(Incoming::ModelPiece(model, from, bytes))),
            ToClient::Run(run, Downstream::Start(start)) => {
                self.start = Some((run, start));
                Ok(None)
            }
            ToClient::Run(run, message) => Ok(Some(Incoming::Message(run, message))),
        }
    }
}

fn control_frame(run: RunId, message: Upstream) -> Vec<u8> {
    encode_frame(FRAME_CONTROL, &codec::encode(&ToCoordinator::Run(run, message)))
}

/// Why the coordinator's bytes are no message.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Message(#[from] CodecError),
}

/// The longest vector that may come, which the plans say.
#[derive(Clone, Default)]
struct VectorLimit(Arc<AtomicUsize>);

impl VectorLimit {
    fn set(&self, bytes_max: usize) {
        self.0.store(bytes_max, Ordering::Relaxed);
    }

    /// A reader that asks for the limit at each frame.
    fn frames(&self) -> Frames {
        let limit = self.clone();
        Frames::new(move |kind| frame_bytes_max(kind, limit.0.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use tributary_protocol::ids::RoundId;
    use tributary_protocol::plan::RunRef;
    use tributary_transport::{DialSettings, Mode, Timers};

    use super::*;
    use crate::test_home::header_under;

    /// Nobody makes this branch keep more than its plan's public state.
    #[test]
    fn a_vector_is_as_long_as_the_plan_says_at_most() {
        let limit = VectorLimit::default();
        let taken = |frames: &mut Frames, length: usize| {
            frames.feed(encode_frame(FRAME_VECTOR, &vec![7; length]).into());
            frames.frame().map(|frame| frame.map(|frame| frame.payload.len()))
        };
        let mut frames = limit.frames();
        assert_eq!(taken(&mut frames, 0).unwrap(), Some(0), "a stage that needs no state starts before any limit");
        assert!(taken(&mut frames, 1).is_err(), "without a plan");
        let mut frames = limit.frames();
        limit.set(12);
        assert_eq!(taken(&mut frames, 12).unwrap(), Some(12));
        assert!(taken(&mut frames, 13).is_err());
        // Another connection.
        let mut frames = limit.frames();
        assert_eq!(taken(&mut frames, 12).unwrap(), Some(12));
        limit.set(4);
        assert!(taken(&mut frames, 12).is_err(), "another plan");
    }

    /// A conversation that never finds anybody.
    fn to_nobody() -> Conversation {
        let dial = DialSettings {
            address: "localhost:1".into(),
            server_name: "localhost".into(),
            mode: Mode::Tcp,
            proxy: None,
            path: tributary_transport::Path::default(),
            timers: Timers::default(),
        };
        Conversation::new(ChannelSettings { dial, keys: Box::new(|| unreachable!()) })
    }

    /// A full disk: of whatever kind a message is, it is not queued where it cannot be noted, and the daemon hears of it each time.
    #[test]
    fn a_message_that_cannot_be_noted_is_not_queued() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _within = runtime.enter();
        let digest = Digest::of(b"vector");
        let vector = Some((true, true));
        let masked = Leaving { run: None, round: Some(3), kind: Kind::Masked, bytes: 9, vector, digest: &digest };
        let mut noted = to_nobody().noted_in(SentLog::open(folder.path(), "bank/coordinator", 1).unwrap());
        assert!(noted.may_leave(&masked) && noted.is_noted().is_ok());
        noted.send(RunId([1; 32]), Upstream::Leave);
        assert!(noted.is_noted().is_ok());
        let mut full = to_nobody().noted_in(SentLog::full(folder.path(), "bank/coordinator"));
        assert!(full.is_noted().is_ok() && !full.may_leave(&masked));
        let first = full.is_noted().unwrap_err();
        assert!(first.is_full_disk(), "{first}");
        full.send(RunId([1; 32]), Upstream::Leave);
        assert!(full.is_noted().is_err());
        full.send_beside(&ToCoordinator::About { release: "1".to_owned().into() });
        assert!(full.is_noted().is_err());
        let mut lines = 0;
        crate::sent::read(folder.path(), |_, _| lines += 1).unwrap();
        assert_eq!(lines, 2, "what was noted before");
    }

    /// What leaves is noted with its whole length: the announcement and the vector after it.
    #[test]
    fn a_masked_vector_is_noted_with_all_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _within = runtime.enter();
        let mut noted = to_nobody().noted_in(SentLog::open(folder.path(), "bank/coordinator", 1).unwrap());
        let (vector, noised) = (vec![7; 1_000], true);
        let run = RunRef { plan: Digest::ZERO, number: 1 };
        let header = header_under(run, RoundId(3));
        let announced = control_frame(run.id(), Upstream::Masked(header.clone()));
        let whole = announced.len() + FRAME_HEADER_BYTES + vector.len();
        noted.send_masked(run.id(), header, (vector, noised));
        let mut lines = Vec::new();
        crate::sent::read(folder.path(), |_, line| lines.push((line.bytes, line.masked, line.noised))).unwrap();
        assert_eq!(lines, [(whole as u64, Some(true), Some(true))]);
    }
}
