//! Frames on a link's stream.

use bytes::{Buf as _, Bytes};
use tributary_protocol::frame::{Frame, FrameError, FrameHead, FrameReader};

/// The longest payload of each kind that may come.
type Limit = Box<dyn Fn(u8) -> Option<usize> + Send + Sync>;

/// Takes a link's stream apart into frames.
pub struct Frames {
    reader: FrameReader<Limit>,
    chunk: Bytes,
    /// Inside a frame.
    partial: bool,
}

impl Frames {
    /// A reader at a frame's border. `limit_of_kind` gives the longest payload in bytes of a kind, or `None` where the kind is refused.
    #[must_use]
    pub fn new(limit_of_kind: impl Fn(u8) -> Option<usize> + Send + Sync + 'static) -> Self {
        Self { reader: FrameReader::new(Box::new(limit_of_kind)), chunk: Bytes::new(), partial: false }
    }

    /// More of the stream; the last bytes were used up.
    pub fn feed(&mut self, chunk: Bytes) {
        debug_assert!(self.chunk.is_empty(), "what arrived first is used first");
        self.chunk = chunk;
    }

    /// Whether a frame has begun and not ended.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.partial
    }

    /// The next frame of what was fed; `None` when more is needed.
    ///
    /// # Errors
    /// [`FrameError`]; the stream has lost its borders.
    pub fn frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let begun = !self.chunk.is_empty();
        let frame = self.consume(FrameReader::push)?;
        self.partial = frame.is_none() && (begun || self.partial);
        Ok(frame)
    }

    /// The next frame's header, for a payload that is not gathered in memory; then [`Frames::piece`] gives it.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn head(&mut self) -> Result<Option<FrameHead>, FrameError> {
        self.partial = true;
        self.consume(FrameReader::header)
    }

    /// The next bytes of the open payload, as they arrived: none where more is needed, `None` behind its end.
    pub fn piece(&mut self) -> Option<Bytes> {
        let whole = self.chunk.clone();
        let mut rest: &[u8] = &self.chunk;
        let length = self.reader.piece(&mut rest).map(<[u8]>::len);
        let left = rest.len();
        self.chunk.advance(self.chunk.len() - left);
        self.partial = length.is_some();
        length.map(|length| whole.slice(..length))
    }

    fn consume<T>(
        &mut self,
        read: impl FnOnce(&mut FrameReader<Limit>, &mut &[u8]) -> Result<T, FrameError>,
    ) -> Result<T, FrameError> {
        let mut rest: &[u8] = &self.chunk;
        let result = read(&mut self.reader, &mut rest)?;
        let left = rest.len();
        self.chunk.advance(self.chunk.len() - left);
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use tributary_protocol::frame::encode_frame;

    use super::*;

    /// A payload of no bytes where a vector was announced: whatever follows it in the same piece of the stream is read, and nothing is waited for.
    #[test]
    fn an_empty_payload_ends_at_once_and_loses_nothing_after_it() {
        let both = [encode_frame(1, &[]), encode_frame(2, b"next")].concat();
        for cut in 0..=both.len() {
            let mut frames = Frames::new(|_| Some(16));
            let mut rest = [Bytes::copy_from_slice(&both[..cut]), Bytes::copy_from_slice(&both[cut..])].into_iter();
            let head = loop {
                match frames.head().unwrap() {
                    Some(head) => break head,
                    None => frames.feed(rest.next().unwrap()),
                }
            };
            assert_eq!((head.kind, head.bytes, frames.piece()), (1, 0, None), "{cut}");
            assert!(!frames.is_partial());
            let next = loop {
                match frames.frame().unwrap() {
                    Some(frame) => break frame,
                    None => frames.feed(rest.next().unwrap()),
                }
            };
            assert_eq!((next.kind, next.payload.as_slice()), (2, &b"next"[..]), "{cut}");
        }
    }
    #[test]
    fn a_frame_that_has_begun_is_told_until_its_end() {
        let whole = Bytes::from(encode_frame(3, b"abc"));
        let mut frames = Frames::new(|_| Some(16));
        let nothing = |frames: &mut Frames| frames.frame().unwrap().is_none();
        assert!(nothing(&mut frames) && !frames.is_partial());
        for cut in 1..whole.len() {
            frames.feed(whole.slice(..cut));
            assert!(nothing(&mut frames) && frames.is_partial(), "{cut}");
            assert!(nothing(&mut frames) && frames.is_partial(), "{cut}: nothing has come since");
            frames.feed(whole.slice(cut..));
            let frame = frames.frame().unwrap().unwrap();
            assert_eq!((frame.kind, frame.payload.as_slice(), frames.is_partial()), (3, &b"abc"[..], false), "{cut}");
            assert!(nothing(&mut frames) && !frames.is_partial(), "{cut}");
        }
        // The same where its payload is not gathered.
        let end = whole.len() - 1;
        frames.feed(whole.slice(..end));
        assert!(frames.head().unwrap().is_some() && frames.is_partial());
        assert_eq!((frames.piece().as_deref(), frames.is_partial()), (Some(&b"ab"[..]), true));
        frames.feed(whole.slice(end..));
        assert_eq!((frames.piece().as_deref(), frames.is_partial()), (Some(&b"c"[..]), true));
        assert_eq!((frames.piece(), frames.is_partial()), (None, false));
    }
}
