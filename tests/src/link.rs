//! A connection: two ordered lanes of frames that arrive late, stand still, or end at any byte.

use std::collections::VecDeque;

use tributary_protocol::codec;
use tributary_protocol::frame::{Frame, FrameReader, encode_frame};
use tributary_protocol::ids::RunId;
use tributary_protocol::limits::CONTROL_MESSAGE_BYTES_MAX;
use tributary_protocol::message::{
    Downstream, FRAME_CONTROL, FRAME_VECTOR, Start, ToClient, ToCoordinator, Upstream, frame_bytes_max,
};
use tributary_protocol::secagg::permit::Ticket;

use crate::dice::Dice;

/// One frame's content.
pub(crate) enum Body {
    Up(RunId, Upstream),
    Down(RunId, Downstream),
    Vector(Vec<u8>),
}

/// What travels: a frame as its bytes, or, where a cohort is too large to encode everything, as itself.
pub(crate) enum Packet {
    Whole(Box<Body>),
    Bytes(Vec<u8>),
}

/// A direction of travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Up,
    Down,
}

/// One direction.
pub(crate) struct Lane {
    pub(crate) packets: VecDeque<Packet>,
    /// When the last packet arrives, in virtual milliseconds: no later one overtakes it.
    pub(crate) last_arrival: u64,
    /// Whether what is sent still leaves.
    pub(crate) open: bool,
    reader: Option<Reader>,
}

type Reader = FrameReader<Box<dyn Fn(u8) -> Option<usize>>>;

/// What the coordinator's end does with the next frame.
pub(crate) enum Reading {
    /// Reads a message.
    Messages,
    /// Has read a header of this run; its machine has not judged it.
    AwaitVerdict(RunId),
    /// The vector that comes next is to be folded, in this run.
    Admitted(RunId, Ticket),
    /// The vector that comes next is to be forgotten.
    Discarded,
}

/// A connection of one client.
pub(crate) struct Link {
    /// Index of the client.
    pub(crate) client: usize,
    pub(crate) up: Lane,
    pub(crate) down: Lane,
    /// The coordinator's end stands.
    pub(crate) centre: bool,
    /// The client's end stands.
    pub(crate) branch: bool,
    /// It broke; each end notices by itself.
    pub(crate) broken: bool,
    pub(crate) reading: Reading,
    /// Frames that wait until the machine has judged the header before them.
    pub(crate) waiting: VecDeque<Body>,
    /// A start whose model has not arrived.
    pub(crate) start: Option<(RunId, Start)>,
}

impl Lane {
    fn new(vector_bytes_max: Option<usize>) -> Self {
        let reader = vector_bytes_max
            .map(|limit| -> Reader { FrameReader::new(Box::new(move |kind| frame_bytes_max(kind, limit))) });
        Self { packets: VecDeque::new(), last_arrival: 0, open: true, reader }
    }

    /// Makes a frame ready to travel.
    pub(crate) fn pack(&self, body: Body) -> Packet {
        if self.reader.is_none() {
            return Packet::Whole(Box::new(body));
        }
        Packet::Bytes(match body {
            Body::Up(run, message) => encode_frame(FRAME_CONTROL, &codec::encode(&ToCoordinator::Run(run, message))),
            Body::Down(run, message) => encode_frame(FRAME_CONTROL, &codec::encode(&ToClient::Run(run, message))),
            Body::Vector(bytes) => encode_frame(FRAME_VECTOR, &bytes),
        })
    }

    /// Takes the next packet from the lane and reads it as the receiver does. `None` for a piece without a frame's end.
    ///
    /// # Errors
    /// What the receiver cannot read: it ends the connection.
    pub(crate) fn receive(&mut self, way: Way) -> Result<Vec<Body>, String> {
        let Some(packet) = self.packets.pop_front() else { return Ok(Vec::new()) };
        let bytes = match packet {
            Packet::Whole(body) => return Ok(vec![*body]),
            Packet::Bytes(bytes) => bytes,
        };
        let reader = self.reader.as_mut().expect("bytes travel where they are read");
        let (mut input, mut bodies) = (bytes.as_slice(), Vec::new());
        while let Some(frame) = reader.push(&mut input).map_err(|fault| fault.to_string())? {
            bodies.push(parse(frame, way)?);
        }
        Ok(bodies)
    }

    /// Ends the lane at any byte of what is on its way.
    fn cut(&mut self, dice: &mut Dice) {
        self.open = false;
        let total: usize = self.packets.iter().map(Packet::length).sum();
        self.cut_at(dice.index(total + 1));
    }

    /// Ends the lane behind so many bytes.
    pub(crate) fn cut_at(&mut self, mut bytes: usize) {
        self.open = false;
        for index in 0..self.packets.len() {
            let length = self.packets[index].length();
            if bytes < length {
                match &mut self.packets[index] {
                    Packet::Bytes(frame) if bytes > 0 => {
                        frame.truncate(bytes);
                        self.packets.truncate(index + 1);
                    }
                    Packet::Bytes(_) | Packet::Whole(_) => self.packets.truncate(index),
                }
                return;
            }
            bytes -= length;
        }
    }
}

impl Packet {
    /// Bytes on the wire; where nothing is encoded every frame counts alike.
    fn length(&self) -> usize {
        match self {
            Packet::Bytes(bytes) => bytes.len(),
            Packet::Whole(_) => 100,
        }
    }
}

impl Link {
    /// A connection under way. With `vector_bytes_max` (up, down) every frame travels as bytes.
    pub(crate) fn new(client: usize, vector_bytes_max: Option<(usize, usize)>) -> Self {
        Self {
            client,
            up: Lane::new(vector_bytes_max.map(|(up, _)| up)),
            down: Lane::new(vector_bytes_max.map(|(_, down)| down)),
            centre: false,
            branch: true,
            broken: false,
            reading: Reading::Messages,
            waiting: VecDeque::new(),
            start: None,
        }
    }

    /// Both directions end where they are.
    pub(crate) fn cut(&mut self, dice: &mut Dice) {
        self.broken = true;
        self.up.cut(dice);
        self.down.cut(dice);
    }
}

fn parse(frame: Frame, way: Way) -> Result<Body, String> {
    let limit = CONTROL_MESSAGE_BYTES_MAX;
    let decoded = match (frame.kind, way) {
        (FRAME_VECTOR, _) => return Ok(Body::Vector(frame.payload)),
        (_, Way::Up) => match codec::decode(&frame.payload, limit) {
            Ok(ToCoordinator::Run(run, message)) => Ok(Body::Up(run, message)),
            Ok(_) => return Err("a message of the federation, of which no machine here hears".into()),
            Err(fault) => Err(fault),
        },
        (_, Way::Down) => match codec::decode(&frame.payload, limit) {
            Ok(ToClient::Run(run, message)) => Ok(Body::Down(run, message)),
            Ok(_) => return Err("a message of the federation, of which no machine here hears".into()),
            Err(fault) => Err(fault),
        },
    };
    decoded.map_err(|fault| fault.to_string())
}

/// A message's name, for traces.
pub(crate) fn name_up(message: &Upstream) -> &'static str {
    match message {
        Upstream::Join(_) => "Join",
        Upstream::Accept { .. } => "Accept",
        Upstream::Refuse { .. } => "Refuse",
        Upstream::Keys(_) => "Keys",
        Upstream::Encapsulations { .. } => "Encapsulations",
        Upstream::Contribution { .. } => "Contribution",
        Upstream::Deal(_) => "Deal",
        Upstream::Proofs { .. } => "Proofs",
        Upstream::SetupAck { .. } => "SetupAck",
        Upstream::Masked(_) => "Masked",
        Upstream::SurvivorsAck { .. } => "SurvivorsAck",
        Upstream::Unmask { .. } => "Unmask",
        Upstream::Abandon { .. } => "Abandon",
        Upstream::NotReady => "NotReady",
        Upstream::Leave => "Leave",
    }
}

/// A message's name, for traces.
pub(crate) fn name_down(message: &Downstream) -> &'static str {
    match message {
        Downstream::Invite => "Invite",
        Downstream::Welcome(_) => "Welcome",
        Downstream::Rejected { .. } => "Rejected",
        Downstream::Offer(_) => "Offer",
        Downstream::Freeze(_) => "Freeze",
        Downstream::Neighbourhood(_) => "Neighbourhood",
        Downstream::Prove { .. } => "Prove",
        Downstream::Encapsulations { .. } => "Encapsulations",
        Downstream::Shares { .. } => "Shares",
        Downstream::SetupAcks { .. } => "SetupAcks",
        Downstream::Start(_) => "Start",
        Downstream::Survivors(_) => "Survivors",
        Downstream::Quorum(_) => "Quorum",
        Downstream::Outcome(_) => "Outcome",
        Downstream::SessionClosed { .. } => "SessionClosed",
        Downstream::Finished { .. } => "Finished",
        Downstream::Muster(_) => "Muster",
    }
}
