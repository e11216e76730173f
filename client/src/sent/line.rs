//! One line of the file.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RunId;
use tributary_protocol::message::{ToCoordinator, Upstream};

/// The domain of the chain.
const DOMAIN: &[u8] = b"tributary/sent/2";

/// What the first line says of the file.
pub(super) const TITLE: &str = "tributary sent 2";

/// Before a line's chain, which is its last value.
const CHAIN: &str = ",\"chain\":\"";

/// After it.
const END: &str = "\"}\n";

/// Kinds of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Asks to be let into a run.
    Join,
    /// Takes part in a run, with what was spent.
    Accept,
    /// Does not take part yet.
    NotReady,
    /// Does not take part.
    Refuse,
    /// Public keys of a session.
    Keys,
    /// A share of the seed of a neighbour graph.
    Contribution,
    /// Encapsulated secrets for other members.
    Encapsulations,
    /// Sealed shares for other members.
    Deal,
    /// The set-up of a session is complete here.
    SetupAck,
    /// A masked vector, and what was spent.
    Masked,
    /// A signature for a set of survivors.
    SurvivorsAck,
    /// Shares that open a sum.
    Unmask,
    /// Proofs of shares.
    Proofs,
    /// Gives a session up.
    Abandon,
    /// Leaves a run.
    Leave,
    /// The release of this program.
    About,
    /// Asks for a piece of a model.
    ModelPiece,
    /// What this branch has of a model.
    ModelCopy,
    /// A word as a witness of the coordinator's journal.
    Witness,
}

/// A message that is about to leave.
pub(crate) struct Leaving<'a> {
    pub(crate) run: Option<RunId>,
    pub(crate) round: Option<u64>,
    pub(crate) kind: Kind,
    pub(crate) bytes: usize,
    /// Of a vector about rows: masked, and noised; nothing for a message that has no such number in it.
    pub(crate) vector: Option<(bool, bool)>,
    pub(crate) digest: &'a Digest,
}

impl Kind {
    /// All of them, in their order.
    pub const ALL: [Self; 19] = [
        Self::Join,
        Self::Accept,
        Self::NotReady,
        Self::Refuse,
        Self::Keys,
        Self::Contribution,
        Self::Encapsulations,
        Self::Deal,
        Self::SetupAck,
        Self::Masked,
        Self::SurvivorsAck,
        Self::Unmask,
        Self::Proofs,
        Self::Abandon,
        Self::Leave,
        Self::About,
        Self::ModelPiece,
        Self::ModelCopy,
        Self::Witness,
    ];

    pub(crate) fn of(message: &Upstream) -> Self {
        match message {
            Upstream::Join(_) => Self::Join,
            Upstream::Accept { .. } => Self::Accept,
            Upstream::NotReady => Self::NotReady,
            Upstream::Refuse { .. } => Self::Refuse,
            Upstream::Keys(_) => Self::Keys,
            Upstream::Contribution { .. } => Self::Contribution,
            Upstream::Encapsulations { .. } => Self::Encapsulations,
            Upstream::Deal(_) => Self::Deal,
            Upstream::SetupAck { .. } => Self::SetupAck,
            Upstream::Masked(_) => Self::Masked,
            Upstream::SurvivorsAck { .. } => Self::SurvivorsAck,
            Upstream::Unmask { .. } => Self::Unmask,
            Upstream::Proofs { .. } => Self::Proofs,
            Upstream::Abandon { .. } => Self::Abandon,
            Upstream::Leave => Self::Leave,
        }
    }

    pub(crate) fn beside(message: &ToCoordinator) -> Self {
        match message {
            ToCoordinator::Run(_, message) => Self::of(message),
            ToCoordinator::About { .. } => Self::About,
            ToCoordinator::ModelPiece { .. } => Self::ModelPiece,
            ToCoordinator::Copy(_) => Self::ModelCopy,
            ToCoordinator::Witness(_) => Self::Witness,
        }
    }

    /// As the file has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Accept => "accept",
            Self::NotReady => "not-ready",
            Self::Refuse => "refuse",
            Self::Keys => "keys",
            Self::Contribution => "contribution",
            Self::Encapsulations => "encapsulations",
            Self::Deal => "deal",
            Self::SetupAck => "setup-ack",
            Self::Masked => "masked",
            Self::SurvivorsAck => "survivors-ack",
            Self::Unmask => "unmask",
            Self::Proofs => "proofs",
            Self::Abandon => "abandon",
            Self::Leave => "leave",
            Self::About => "about",
            Self::ModelPiece => "model-piece",
            Self::ModelCopy => "model-copy",
            Self::Witness => "witness",
        }
    }
}

/// The round that a message of a run is of.
pub(crate) fn round_of(message: &Upstream) -> Option<u64> {
    match message {
        Upstream::SurvivorsAck { round, .. } | Upstream::Unmask { round, .. } | Upstream::Proofs { round, .. } => {
            Some(round.0)
        }
        _ => None,
    }
}

/// A line as it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// From 1.
    pub number: u64,
    /// Unix milliseconds of this machine's clock.
    pub at: u64,
    /// The run; nothing for a message of none.
    pub run: Option<String>,
    /// The round, where it is of one.
    pub round: Option<u64>,
    /// What it was.
    pub kind: Kind,
    /// Bytes of the message, its vector included.
    pub bytes: u64,
    /// Whether the vector in it was masked; nothing where no number about rows is in it.
    pub masked: Option<bool>,
    /// Whether the vector carried noise; nothing where no number about rows is in it.
    pub noised: Option<bool>,
    /// SHA-256 of the message, or BLAKE3 of the vector, as the coordinator's ledger names it.
    pub digest: String,
    /// Over this line and the one before.
    pub chain: String,
}

/// The first line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Title {
    pub(super) title: String,
    /// When the file was begun, in Unix seconds.
    pub begun: u64,
    /// Which file it is, from 1.
    pub file: u32,
    /// To whom messages go: the coordinator's name in its certificate.
    pub to: String,
    /// Messages in the files before.
    pub messages: u64,
    /// The chain at their end; zeros for the first file.
    pub before: String,
    #[serde(rename = "chain")]
    _chain: String,
}

/// Where a file begins: its number, the messages before it, and the chain over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) file: u32,
    pub(super) messages: u64,
    pub(super) before: Digest,
}

impl Start {
    /// Of the first file.
    pub(super) const FIRST: Self = Self { file: 1, messages: 0, before: Digest::ZERO };

    /// As a title states it.
    pub(super) fn stated(title: &Title) -> Option<Self> {
        Some(Self { file: title.file, messages: title.messages, before: Digest::from_hex(&title.before)? })
    }
}

pub(super) fn title(now: u64, to: &str, Start { file, messages, before }: Start) -> (String, Digest) {
    let to = serde_json::Value::from(to);
    let front = format!(
        "{{\"title\":\"{TITLE}\",\"begun\":{now},\"file\":{file},\"to\":{to},\"messages\":{messages},\"before\":\"{before}\""
    );
    sealed(front, &before)
}

/// A line, and the chain after it. Written by hand: no value in it needs an escape, and it stands on a round's way.
pub(super) fn print(number: u64, now: u64, leaving: &Leaving<'_>, before: &Digest) -> (String, Digest) {
    let Leaving { run, round, kind, bytes, vector, digest } = leaving;
    let mut line = String::with_capacity(400);
    let written = (|| {
        write!(line, "{{\"number\":{number},\"at\":{now}")?;
        match run {
            Some(run) => write!(line, ",\"run\":\"{run}\"")?,
            None => line.push_str(",\"run\":null"),
        }
        match round {
            Some(round) => write!(line, ",\"round\":{round}")?,
            None => line.push_str(",\"round\":null"),
        }
        write!(line, ",\"kind\":\"{}\",\"bytes\":{bytes}", kind.name())?;
        match vector {
            Some((masked, noised)) => write!(line, ",\"masked\":{masked},\"noised\":{noised}")?,
            None => line.push_str(",\"masked\":null,\"noised\":null"),
        }
        write!(line, ",\"digest\":\"{digest}\"")
    })();
    debug_assert!(written.is_ok(), "a text takes what is written into it");
    sealed(line, before)
}

fn sealed(mut line: String, before: &Digest) -> (String, Digest) {
    let chain = chained(&line, before);
    let written = write!(line, "{CHAIN}{chain}{END}");
    debug_assert!(written.is_ok(), "a text takes what is written into it");
    (line, chain)
}

/// The chain after a line, of which this is what stands before its chain.
pub(super) fn chained(front: &str, before: &Digest) -> Digest {
    Digest::of_parts(&[DOMAIN, before.as_bytes(), front.as_bytes()])
}

/// What stands before a line's chain, and the chain that it states, in the one way that the file writes it.
pub(super) fn split(line: &str) -> Option<(&str, Digest)> {
    let (front, text) = line.strip_suffix(END)?.rsplit_once(CHAIN)?;
    let chain = Digest::from_hex(text).filter(|chain| chain.to_string() == text)?;
    Some((front, chain))
}
