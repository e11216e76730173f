//! A file's bytes, line by line, with bounded memory.

use std::io::{self, Read};

use memchr::memchr2;

use super::error::RECORD_BYTES_MAX;

/// Bytes that are fetched at once.
const CHUNK_BYTES: usize = 1 << 18;

/// Bytes that were fetched and not taken yet.
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
}

/// A line does not end within the limit.
pub(super) struct TooLong;

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), start: 0, ended: false }
    }

    /// What was fetched and not taken.
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Fetches until there are so many bytes, or the file ends.
    pub(super) fn reach(&mut self, count: usize) -> io::Result<()> {
        while self.buffer.len() - self.start < count && !self.ended {
            self.fetch()?;
        }
        Ok(())
    }

    /// A byte by its distance from here; nothing after the last one.
    pub(super) fn byte(&mut self, distance: usize) -> io::Result<Option<u8>> {
        if let Some(byte) = self.buffer.get(self.start + distance) {
            return Ok(Some(*byte));
        }
        self.reach(distance + 1)?;
        Ok(self.buffer.get(self.start + distance).copied())
    }

    /// Leaves bytes behind.
    pub(super) fn take(&mut self, count: usize) {
        self.start = (self.start + count).min(self.buffer.len());
    }

    /// The length of the line that begins here, without its end; nothing where the file ends. A carriage return ends a line as well, so that a
    /// line feed after it is an empty line.
    pub(super) fn line(&mut self) -> io::Result<Result<Option<usize>, TooLong>> {
        let mut looked_at = 0;
        loop {
            let rest = self.rest();
            if let Some(at) = memchr2(b'\n', b'\r', &rest[looked_at..]) {
                let length = looked_at + at;
                return Ok(if length > RECORD_BYTES_MAX { Err(TooLong) } else { Ok(Some(length)) });
            }
            looked_at = rest.len();
            if looked_at > RECORD_BYTES_MAX {
                return Ok(Err(TooLong));
            }
            if self.ended {
                return Ok(Ok((looked_at > 0).then_some(looked_at)));
            }
            self.fetch()?;
        }
    }

    fn fetch(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let held = self.buffer.len();
        self.buffer.resize(held + CHUNK_BYTES, 0);
        let count = loop {
            match self.reader.read(&mut self.buffer[held..]) {
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(held + *count.as_ref().unwrap_or(&0));
        self.ended = count? == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a system answers, one answer after the other; then the file has ended.
    struct System(Vec<io::Result<&'static [u8]>>);

    impl Read for System {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let bytes = self.0.remove(0)?;
            out[..bytes.len()].copy_from_slice(bytes);
            Ok(bytes.len())
        }
    }

    /// A signal interrupts a read, which is made again. A disk that fails has failed: what was read so far is no file.
    #[test]
    fn an_interrupted_read_is_made_again_and_a_failed_one_is_told() {
        let interrupted = || Err(io::ErrorKind::Interrupted.into());
        let mut lines = Lines::new(System(vec![Ok(b"a,"), interrupted(), interrupted(), Ok(b"b\n")]));
        assert!(matches!(lines.line(), Ok(Ok(Some(3)))));
        assert_eq!(lines.rest(), b"a,b\n");
        let mut lines = Lines::new(System(vec![Ok(b"a,"), Err(io::ErrorKind::TimedOut.into()), Ok(b"b\n")]));
        assert_eq!(lines.line().err().map(|fault| fault.kind()), Some(io::ErrorKind::TimedOut));
    }
}
