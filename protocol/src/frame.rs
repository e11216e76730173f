//! Frames on a stream: `u32` payload length, `u8` kind, payload; all little-endian.
//!
//! The length is judged against the kind's maximum before anything is allocated, and memory grows with the bytes that have arrived,
//! never with the length that was promised (THREAT_MODEL, decoder bombs).
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use alloc::vec::Vec;

/// Bytes before a frame's payload.
pub const FRAME_HEADER_BYTES: usize = 5;

/// Reserved with a payload's first byte; more only as bytes arrive.
const FIRST_RESERVE_BYTES: usize = 16 << 10;

/// A complete frame.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// What the payload is.
    pub kind: u8,
    /// The payload, within the maximum of its kind.
    pub payload: Vec<u8>,
}

/// Why a stream of frames cannot go on. The reader stays at this error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// No frame of this kind may arrive here.
    #[error("frame kind {kind} is not expected here; the peer speaks another version or is faulty")]
    UnknownKind {
        /// The kind received.
        kind: u8,
    },
    /// The announced payload is longer than its kind may be.
    #[error("frame kind {kind} announces {length} bytes and may have {limit}; the peer is faulty or hostile")]
    TooLong {
        /// The kind received.
        kind: u8,
        /// Payload bytes announced.
        length: u32,
        /// Payload bytes allowed.
        limit: usize,
    },
    /// The stream ended within a frame.
    #[error("the stream ended {missing} bytes before the end of a frame; the peer or the network broke off")]
    Incomplete {
        /// Bytes still expected; for a header that is itself incomplete, the rest of the header.
        missing: usize,
    },
}

/// Encodes one frame.
///
/// # Panics
/// If the payload is longer than `u32::MAX` bytes, which no limit of [`crate::limits`] allows.
#[must_use]
pub fn encode_frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FRAME_HEADER_BYTES.saturating_add(payload.len()));
    bytes.extend_from_slice(&frame_header(kind, payload.len()));
    bytes.extend_from_slice(payload);
    bytes
}

/// The header alone, for a payload that is sent without being copied.
///
/// # Panics
/// If the payload is longer than `u32::MAX` bytes, which no limit of [`crate::limits`] allows.
#[must_use]
pub fn frame_header(kind: u8, payload_bytes: usize) -> [u8; FRAME_HEADER_BYTES] {
    let length = u32::try_from(payload_bytes).expect("limits keep payloads below 4 GiB");
    let [a, b, c, d] = length.to_le_bytes();
    [a, b, c, d, kind]
}

/// What a frame's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHead {
    /// The kind.
    pub kind: u8,
    /// Bytes of the payload.
    pub bytes: usize,
}

/// Takes a stream apart into frames, from pieces of any size.
pub struct FrameReader<L> {
    limit_of_kind: L,
    header: [u8; FRAME_HEADER_BYTES],
    header_bytes: usize,
    open: Option<OpenFrame>,
    failed: Option<FrameError>,
}

struct OpenFrame {
    kind: u8,
    missing: usize,
    payload: Vec<u8>,
}

impl<L: Fn(u8) -> Option<usize>> FrameReader<L> {
    /// A reader at a frame's border. `limit_of_kind` gives the longest payload in bytes of a kind, or `None` where the kind is refused.
    #[must_use]
    pub fn new(limit_of_kind: L) -> Self {
        Self { limit_of_kind, header: [0; FRAME_HEADER_BYTES], header_bytes: 0, open: None, failed: None }
    }

    /// Consumes bytes from the front of `input` up to the end of one frame at most; `None` when more input is needed. Call it again while
    /// it returns a frame: an empty payload completes without further input.
    ///
    /// # Errors
    /// [`FrameError`]; the stream has lost its borders and must be closed, and every later call gives the same error.
    pub fn push(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => match self.read_header(input) {
                Ok(Some(open)) => open,
                Ok(None) => return Ok(None),
                Err(error) => {
                    self.failed = Some(error);
                    return Err(error);
                }
            },
        };
        let piece = take(input, open.missing);
        open.reserve(piece.len());
        open.payload.extend_from_slice(piece);
        open.missing = open.missing.saturating_sub(piece.len());
        if open.missing == 0 {
            return Ok(Some(Frame { kind: open.kind, payload: open.payload }));
        }
        self.open = Some(open);
        Ok(None)
    }

    /// Consumes the next frame's header, for a payload that is not to be gathered in memory; `None` when more input is needed. Then
    /// [`FrameReader::piece`] gives the payload.
    ///
    /// # Errors
    /// As [`FrameReader::push`].
    pub fn header(&mut self, input: &mut &[u8]) -> Result<Option<FrameHead>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.open.is_none() {
            self.open = self.read_header(input).inspect_err(|error| self.failed = Some(*error))?;
        }
        Ok(self.open.as_ref().map(|open| FrameHead { kind: open.kind, bytes: open.missing }))
    }

    /// Consumes as much of the open frame's payload as there is, without copying it; `None` after its end, which an empty payload has reached at
    /// once.
    pub fn piece<'a>(&mut self, input: &mut &'a [u8]) -> Option<&'a [u8]> {
        let open = self.open.as_mut().filter(|open| open.missing > 0);
        let Some(open) = open else {
            self.open = None;
            return None;
        };
        let piece = take(input, open.missing);
        open.missing = open.missing.saturating_sub(piece.len());
        if open.missing == 0 {
            self.open = None;
        }
        Some(piece)
    }

    /// States that the stream has ended.
    ///
    /// # Errors
    /// [`FrameError::Incomplete`] within a frame, or the error that [`FrameReader::push`] gave.
    pub fn finish(&self) -> Result<(), FrameError> {
        match (self.failed, &self.open, self.header_bytes) {
            (Some(error), _, _) => Err(error),
            (None, Some(open), _) => Err(FrameError::Incomplete { missing: open.missing }),
            (None, None, 0) => Ok(()),
            (None, None, bytes) => Err(FrameError::Incomplete { missing: FRAME_HEADER_BYTES.saturating_sub(bytes) }),
        }
    }

    fn read_header(&mut self, input: &mut &[u8]) -> Result<Option<OpenFrame>, FrameError> {
        let piece = take(input, FRAME_HEADER_BYTES.saturating_sub(self.header_bytes));
        for (to, from) in self.header.iter_mut().skip(self.header_bytes).zip(piece) {
            *to = *from;
        }
        self.header_bytes = self.header_bytes.saturating_add(piece.len());
        if self.header_bytes < FRAME_HEADER_BYTES {
            return Ok(None);
        }
        self.header_bytes = 0;
        let [a, b, c, d, kind] = self.header;
        let length = u32::from_le_bytes([a, b, c, d]);
        let limit = (self.limit_of_kind)(kind).ok_or(FrameError::UnknownKind { kind })?;
        let missing = usize::try_from(length).ok().filter(|bytes| *bytes <= limit);
        let missing = missing.ok_or(FrameError::TooLong { kind, length, limit })?;
        Ok(Some(OpenFrame { kind, missing, payload: Vec::new() }))
    }
}

impl OpenFrame {
    /// Room for a piece: eight times what has arrived, and not beyond the payload's end. What arrived is copied once more at each step; what
    /// has not is room that nobody touches.
    fn reserve(&mut self, piece: usize) {
        let used = self.payload.len();
        let arrived = used.saturating_add(piece);
        if arrived > self.payload.capacity() {
            let room = arrived.saturating_mul(8).max(FIRST_RESERVE_BYTES).saturating_sub(used);
            self.payload.reserve_exact(room.min(self.missing));
        }
    }
}

/// Splits at most `count` bytes off the front.
fn take<'a>(input: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (piece, rest) = input.split_at_checked(count).unwrap_or((input, &[]));
    *input = rest;
    piece
}

#[cfg(test)]
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that indexes wrongly fails, as it should"
)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    fn limits(kind: u8) -> Option<usize> {
        match kind {
            1 => Some(0),
            2 => Some(300),
            3 => Some(1 << 28),
            _ => None,
        }
    }

    #[test]
    fn a_payload_can_be_taken_in_pieces_without_being_gathered() {
        let payload: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        let mut stream = frame_header(3, payload.len()).to_vec();
        stream.extend_from_slice(&payload);
        stream.extend_from_slice(&frame_header(2, 0));
        for size in [1, 3, 7, 999, 2_000] {
            let mut reader = FrameReader::new(limits);
            let (mut heads, mut taken) = (Vec::new(), Vec::new());
            for mut input in stream.chunks(size) {
                while !input.is_empty() {
                    if heads.last().is_none_or(|_| taken.len() == payload.len())
                        && let Some(head) = reader.header(&mut input).unwrap()
                    {
                        heads.push((head.kind, head.bytes));
                    }
                    if let Some(piece) = reader.piece(&mut input) {
                        taken.extend_from_slice(piece);
                    }
                }
            }
            assert_eq!((heads, taken == payload), (vec![(3, 1_000), (2, 0)], true), "{size}");
            assert_eq!(reader.finish(), Ok(()));
        }
        let (mut reader, mut empty) = (FrameReader::new(limits), &frame_header(2, 0)[..]);
        assert_eq!(reader.header(&mut empty).unwrap().map(|head| head.bytes), Some(0));
        assert_eq!(reader.piece(&mut empty), None, "it is at its end at once");
        // Asked again within a frame, it says what is left of it, and takes nothing.
        let (mut reader, stream) = (FrameReader::new(limits), [&frame_header(3, 9)[..], &[1; 6]].concat());
        let (mut input, head) = (stream.as_slice(), |bytes| Ok(Some(FrameHead { kind: 3, bytes })));
        assert_eq!((reader.header(&mut input), reader.header(&mut input)), (head(9), head(9)));
        assert_eq!(reader.piece(&mut input), Some([1; 6].as_slice()));
        assert_eq!(reader.header(&mut [2].as_slice()), head(3));
        assert_eq!(reader.finish(), Err(FrameError::Incomplete { missing: 3 }));
        let mut reader = FrameReader::new(limits);
        assert!(reader.header(&mut frame_header(9, 1).as_slice()).is_err());
        assert!(reader.header(&mut frame_header(3, 1).as_slice()).is_err(), "a stream without borders stays so");
    }

    fn read(pieces: &[&[u8]]) -> Result<Vec<Frame>, FrameError> {
        let mut reader = FrameReader::new(limits);
        let mut frames = vec![];
        for piece in pieces {
            let mut input = *piece;
            while let Some(frame) = reader.push(&mut input)? {
                frames.push(frame);
            }
            assert!(input.is_empty(), "a reader that asks for more has taken everything");
        }
        reader.finish()?;
        Ok(frames)
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(encode_frame(2, b"ab"), [2, 0, 0, 0, 2, b'a', b'b']);
        assert_eq!(encode_frame(1, b""), [0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_length_beyond_its_kind_fails_at_the_header_and_for_good() {
        let mut reader = FrameReader::new(limits);
        let error = FrameError::TooLong { kind: 2, length: 301, limit: 300 };
        assert_eq!(reader.push(&mut [0x2d, 1, 0, 0].as_slice()).map(|frame| frame.is_some()), Ok(false));
        assert_eq!(reader.push(&mut [2].as_slice()).map(|frame| frame.is_some()), Err(error));
        assert_eq!(reader.push(&mut encode_frame(1, b"").as_slice()).map(|frame| frame.is_some()), Err(error));
        assert_eq!(reader.finish(), Err(error));
        assert_eq!(
            read(&[&[0xff, 0xff, 0xff, 0xff, 3]]).err(),
            Some(FrameError::TooLong { kind: 3, length: u32::MAX, limit: 1 << 28 })
        );
        assert_eq!(read(&[&[0, 0, 0, 0, 9]]).err(), Some(FrameError::UnknownKind { kind: 9 }));
        let longest = Frame { kind: 2, payload: vec![7; 300] };
        assert!(read(&[&encode_frame(2, &[7; 300])]) == Ok(vec![longest]));
    }

    #[test]
    fn memory_follows_what_arrived_not_what_was_promised() {
        let mut reader = FrameReader::new(limits as fn(u8) -> Option<usize>);
        let promise = frame_header(3, 1 << 28);
        assert_eq!(reader.push(&mut promise.as_slice()).map(|frame| frame.is_some()), Ok(false));
        assert_eq!(reader.push(&mut [7; 100].as_slice()).map(|frame| frame.is_some()), Ok(false));
        let room = |reader: &FrameReader<fn(u8) -> Option<usize>>| reader.open.as_ref().unwrap().payload.capacity();
        assert_eq!(room(&reader), FIRST_RESERVE_BYTES);
        assert_eq!(reader.finish(), Err(FrameError::Incomplete { missing: (1 << 28) - 100 }));
        // What fills the room takes no more of it; one byte more takes eight times what has arrived.
        for (piece, expected) in [(FIRST_RESERVE_BYTES - 100, FIRST_RESERVE_BYTES), (1, 8 * (FIRST_RESERVE_BYTES + 1))]
        {
            assert_eq!(reader.push(&mut vec![7; piece].as_slice()).map(|frame| frame.is_some()), Ok(false));
            assert_eq!(room(&reader), expected);
        }
        // Never beyond the end, at the first piece and later.
        let mut reader = FrameReader::new(limits as fn(u8) -> Option<usize>);
        assert_eq!(reader.push(&mut frame_header(2, 300).as_slice()).map(|frame| frame.is_some()), Ok(false));
        assert_eq!(reader.push(&mut [7; 100].as_slice()).map(|frame| frame.is_some()), Ok(false));
        assert_eq!(room(&reader), 300);
        let (mut reader, whole) = (FrameReader::new(limits as fn(u8) -> Option<usize>), FIRST_RESERVE_BYTES + 9);
        assert_eq!(reader.push(&mut frame_header(3, whole).as_slice()).map(|frame| frame.is_some()), Ok(false));
        assert_eq!(reader.push(&mut vec![7; whole - 1].as_slice()).map(|frame| frame.is_some()), Ok(false));
        assert_eq!(room(&reader), whole);
    }

    #[test]
    fn every_early_end_is_noticed() {
        let bytes = encode_frame(2, b"payload");
        for end in 1..bytes.len() {
            // Within the header nobody knows yet how long the payload is.
            let whole = if end < FRAME_HEADER_BYTES { FRAME_HEADER_BYTES } else { bytes.len() };
            assert_eq!(
                read(&[&bytes[..end]]).err(),
                Some(FrameError::Incomplete { missing: whole - end }),
                "{end} bytes"
            );
        }
    }

    proptest! {
        #[test]
        fn frames_survive_every_split(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let frames: Vec<Frame> = payloads
                .into_iter()
                .map(|payload| Frame { kind: if payload.is_empty() { 1 } else { 2 }, payload })
                .collect();
            let bytes: Vec<u8> = frames.iter().flat_map(|frame| encode_frame(frame.kind, &frame.payload)).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.sort_unstable();
            cuts.push(bytes.len());
            let mut start = 0;
            let pieces: Vec<&[u8]> = cuts.iter().map(|end| {
                let piece = &bytes[start..*end];
                start = *end;
                piece
            }).collect();
            prop_assert!(read(&pieces) == Ok(frames.clone()));
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert!(read(&single) == Ok(frames));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(prop_oneof![0_u8..4, any::<u8>()], 0..64)) {
            let whole = read(&[&bytes]);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert!(read(&single) == whole);
        }
    }
}
