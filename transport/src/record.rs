//! The records of a link: a header of four bytes (kind, and a length of 24 bits, little-endian), then the payload.
//!
//! ```text
//! client ─ GREETING ─►            who asks, which link, how far it has read
//!        ◄─ WELCOME ─ coordinator  which link, whether it goes on, how far the coordinator has read
//! both   ─ DATA ─ CONFIRM ─ PING ─ END ─►
//! ```

use bytes::Bytes;

use crate::limits::{GREETING_BYTES_MAX, REASON_BYTES_MAX, RECORD_BYTES_MAX};

/// Bytes before a record's payload.
pub(crate) const HEADER_BYTES: usize = 4;

/// Version of the greeting; a peer of another one is refused with the reason.
const VERSION: u8 = 1;

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A client's first record.
    Greeting,
    /// The coordinator's answer.
    Welcome,
    /// The next bytes of the stream.
    Data,
    /// How many bytes of the stream the sender has read (u64).
    Confirm,
    /// Asks for a [`Kind::Confirm`] at once.
    Ping,
    /// Nothing follows, and the link is over: a reason (UTF-8).
    End,
}

impl Kind {
    fn of(byte: u8) -> Option<(Self, usize)> {
        Some(match byte {
            1 => (Self::Greeting, GREETING_BYTES_MAX),
            2 => (Self::Welcome, WELCOME_BYTES),
            3 => (Self::Data, RECORD_BYTES_MAX),
            4 => (Self::Confirm, 8),
            5 => (Self::Ping, 0),
            6 => (Self::End, REASON_BYTES_MAX),
            _ => return None,
        })
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Greeting => 1,
            Self::Welcome => 2,
            Self::Data => 3,
            Self::Confirm => 4,
            Self::Ping => 5,
            Self::End => 6,
        }
    }
}

/// A record's header for a payload of this length, which the kind allows.
pub(crate) fn header(kind: Kind, length: usize) -> [u8; HEADER_BYTES] {
    let [a, b, c, _] = u32::try_from(length).expect("a record is below 16 MiB").to_le_bytes();
    [kind.byte(), a, b, c]
}

/// A whole record.
pub(crate) fn record(kind: Kind, payload: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
    bytes.extend_from_slice(&header(kind, payload.len()));
    bytes.extend_from_slice(payload);
    bytes.into()
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordFault {
    /// No kind has this number.
    #[error("record kind {0} is unknown")]
    Kind(u8),
    /// Longer than its kind may be, or not exactly as long as it must be.
    #[error("a record of kind {kind} announces {length} bytes and may have {limit}")]
    Length { kind: u8, length: usize, limit: usize },
    /// Of another release.
    #[error(
        "a greeting of version {0}, and {VERSION} is needed: the two sides run releases that do not speak to each other; compare the releases"
    )]
    Version(u8),
    /// It ends before its last field.
    #[error("{0} that is cut short")]
    Short(&'static str),
    /// Bytes after its last field, or a last field that is too long.
    #[error("{0} that is too long")]
    Long(&'static str),
    /// A byte that is neither 0 nor 1.
    #[error("a welcome that says {0} where yes or no is meant")]
    Flag(u8),
}

/// A header taken apart: its kind and the payload's length.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse_header([kind, a, b, c]: [u8; HEADER_BYTES]) -> Result<(Kind, usize), RecordFault> {
    let (known, limit) = Kind::of(kind).ok_or(RecordFault::Kind(kind))?;
    let length = u32::from_le_bytes([a, b, c, 0]) as usize;
    let short = matches!(known, Kind::Welcome | Kind::Confirm) && length != limit;
    if length > limit || short {
        return Err(RecordFault::Length { kind, length, limit });
    }
    Ok((known, length))
}

/// Names a link, given by the coordinator; zero asks for a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(pub [u8; 16]);

/// What a client says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// Drawn once by each process: tells a daemon that came back from a second one with the same identity. Zeros ask only whether this client
    /// would be let in ([`Greeting::trial`]).
    pub instance: [u8; 16],
    /// The link to go on with, or zero.
    pub link: LinkId,
    /// Bytes of that link's stream that the client has read.
    pub received: u64,
    /// What binds a renewed TLS key to the roster's signing key; empty where the key is the roster's. At most 256 bytes.
    pub binding: Vec<u8>,
}

/// What the coordinator answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The link.
    pub link: LinkId,
    /// Whether it is the one that was asked for; otherwise it is new and nothing has been read.
    pub resumed: bool,
    /// Bytes of the link's stream that the coordinator has read.
    pub received: u64,
    /// The coordinator's clock, so that a client can tell when its own is wrong. Nothing is decided by it.
    pub unix_seconds: u64,
}

/// Longest binding inside a greeting, in bytes.
pub const BINDING_BYTES_MAX: usize = 256;

const GREETING: &str = "a greeting";
const WELCOME: &str = "a welcome";
const GREETING_FIXED: usize = 1 + 16 + 16 + 8;
pub(crate) const WELCOME_BYTES: usize = 16 + 1 + 8 + 8;

const _: () = assert!(GREETING_FIXED + BINDING_BYTES_MAX <= GREETING_BYTES_MAX);

impl Greeting {
    /// Asks whether this client would be let in. It begins no session, and a daemon of the client that runs keeps its place.
    #[must_use]
    pub fn trial(binding: Vec<u8>) -> Self {
        Self { instance: [0; 16], link: LinkId::default(), received: 0, binding }
    }

    /// Whether it is a trial.
    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.instance == [0; 16]
    }

    pub(crate) fn encode(&self) -> Bytes {
        let binding = &self.binding[..self.binding.len().min(BINDING_BYTES_MAX)];
        let mut payload = Vec::with_capacity(GREETING_FIXED + binding.len());
        payload.push(VERSION);
        payload.extend_from_slice(&self.instance);
        payload.extend_from_slice(&self.link.0);
        payload.extend_from_slice(&self.received.to_le_bytes());
        payload.extend_from_slice(binding);
        record(Kind::Greeting, &payload)
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Self, RecordFault> {
        let (version, rest) = payload.split_first().ok_or(RecordFault::Short(GREETING))?;
        if *version != VERSION {
            return Err(RecordFault::Version(*version));
        }
        let (instance, rest) = rest.split_first_chunk().ok_or(RecordFault::Short(GREETING))?;
        let (link, rest) = rest.split_first_chunk().ok_or(RecordFault::Short(GREETING))?;
        let (received, binding) = rest.split_first_chunk().ok_or(RecordFault::Short(GREETING))?;
        if binding.len() > BINDING_BYTES_MAX {
            return Err(RecordFault::Long(GREETING));
        }
        Ok(Self {
            instance: *instance,
            link: LinkId(*link),
            received: u64::from_le_bytes(*received),
            binding: binding.to_vec(),
        })
    }
}

impl Welcome {
    pub(crate) fn encode(&self) -> Bytes {
        let mut payload = [0; WELCOME_BYTES];
        payload[..16].copy_from_slice(&self.link.0);
        payload[16] = self.resumed.into();
        payload[17..25].copy_from_slice(&self.received.to_le_bytes());
        payload[25..].copy_from_slice(&self.unix_seconds.to_le_bytes());
        record(Kind::Welcome, &payload)
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Self, RecordFault> {
        let (link, rest) = payload.split_first_chunk().ok_or(RecordFault::Short(WELCOME))?;
        let (resumed, rest) = rest.split_first().ok_or(RecordFault::Short(WELCOME))?;
        let (received, seconds) = rest.split_first_chunk().ok_or(RecordFault::Short(WELCOME))?;
        let seconds = <[u8; 8]>::try_from(seconds).map_err(|_| RecordFault::Long(WELCOME))?;
        let resumed = match resumed {
            0 => false,
            1 => true,
            other => return Err(RecordFault::Flag(*other)),
        };
        Ok(Self {
            link: LinkId(*link),
            resumed,
            received: u64::from_le_bytes(*received),
            unix_seconds: u64::from_le_bytes(seconds),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_said_is_understood(instance: [u8; 16], link: [u8; 16], received: u64, resumed: bool, unix_seconds: u64, binding in prop::collection::vec(any::<u8>(), 0..=BINDING_BYTES_MAX)) {
            let greeting = Greeting { instance, link: LinkId(link), received, binding };
            let bytes = greeting.encode();
            let (kind, length) = parse_header(bytes[..4].try_into().unwrap()).unwrap();
            prop_assert_eq!((kind, length), (Kind::Greeting, bytes.len() - 4));
            prop_assert_eq!(Greeting::decode(&bytes[4..]).unwrap(), greeting);
            let welcome = Welcome { link: LinkId(link), resumed, received, unix_seconds };
            prop_assert_eq!(Welcome::decode(&welcome.encode()[4..]).unwrap(), welcome);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), head: [u8; 4]) {
            let _ = (Greeting::decode(&bytes), Welcome::decode(&bytes));
            if let Ok((_, length)) = parse_header(head) {
                prop_assert!(length <= RECORD_BYTES_MAX);
            }
        }
    }

    #[test]
    fn headers_beyond_a_kind_s_limit_are_refused() {
        for (kind, length) in
            [(0, 0), (7, 0), (255, 1), (5, 1), (4, 7), (4, 9), (2, 32), (1, 513), (6, 1_025), (3, 131_073)]
        {
            let [a, b, c, _] = u32::to_le_bytes(length);
            assert!(parse_header([kind, a, b, c]).is_err(), "{kind} {length}");
        }
    }

    #[test]
    fn headers_at_a_kind_s_limit_are_taken() {
        let rows = [
            (1, 512, Kind::Greeting),
            (1, 0, Kind::Greeting),
            (2, 33, Kind::Welcome),
            (3, 131_072, Kind::Data),
            (3, 0, Kind::Data),
            (4, 8, Kind::Confirm),
            (5, 0, Kind::Ping),
            (6, 1_024, Kind::End),
            (6, 0, Kind::End),
        ];
        for (byte, length, kind) in rows {
            let [a, b, c, _] = u32::to_le_bytes(length);
            assert_eq!(parse_header([byte, a, b, c]).unwrap(), (kind, length as usize));
            assert_eq!(header(kind, length as usize), [byte, a, b, c]);
        }
    }

    /// Cut anywhere, of another version, with another flag or with more than belongs there, it is none; and it says which.
    #[test]
    fn what_is_no_greeting_or_welcome_is_refused_with_its_reason() {
        let greeting = Greeting { instance: [7; 16], link: LinkId([8; 16]), received: 9, binding: vec![1, 2, 3] };
        let whole = greeting.encode()[4..].to_vec();
        for length in 0..GREETING_FIXED {
            assert!(matches!(Greeting::decode(&whole[..length]), Err(RecordFault::Short("a greeting"))), "{length}");
        }
        assert_eq!(Greeting::decode(&whole[..GREETING_FIXED]).unwrap().binding, b"");
        let mut other = whole.clone();
        other[0] = 2;
        assert!(matches!(Greeting::decode(&other), Err(RecordFault::Version(2))));
        let bound = |length: usize| Greeting::decode(&[&whole[..GREETING_FIXED], &vec![5; length]].concat());
        assert_eq!(bound(BINDING_BYTES_MAX).unwrap().binding.len(), BINDING_BYTES_MAX);
        assert!(matches!(bound(BINDING_BYTES_MAX + 1), Err(RecordFault::Long("a greeting"))));
        let long = Greeting { binding: vec![5; BINDING_BYTES_MAX + 9], ..greeting };
        assert_eq!(Greeting::decode(&long.encode()[4..]).unwrap().binding.len(), BINDING_BYTES_MAX);
        assert!(!long.is_trial() && Greeting::trial(Vec::new()).is_trial());
        let welcome = Welcome { link: LinkId([8; 16]), resumed: true, received: 9, unix_seconds: 10 };
        let whole = welcome.encode()[4..].to_vec();
        for length in 0..25 {
            assert!(matches!(Welcome::decode(&whole[..length]), Err(RecordFault::Short("a welcome"))), "{length}");
        }
        for length in (25..WELCOME_BYTES).chain([WELCOME_BYTES + 1]) {
            let found = Welcome::decode(&[&whole[..], b"x"].concat()[..length]);
            assert!(matches!(found, Err(RecordFault::Long("a welcome"))), "{length}");
        }
        let mut other = whole;
        other[16] = 2;
        assert!(matches!(Welcome::decode(&other), Err(RecordFault::Flag(2))));
    }
}
