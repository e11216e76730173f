//! Total decoding of the hand-written canonical encodings: no panic, no allocation beyond what the bytes hold, no trailing byte.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::ops::RangeInclusive;

use tributary_protocol::digest::Digest;

/// Bytes that are not the canonical encoding of what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a value.
    #[error("the encoding ends early: it is cut off or damaged; fetch it again")]
    Short,
    /// Bytes follow the last value.
    #[error("bytes follow the end of the encoding: it is damaged or of another version; fetch it again")]
    Trailing,
    /// The leading label names something else, or another version of it.
    #[error("the encoding starts with another label: it belongs to another type or version of this program")]
    Label,
    /// A value is outside its limits, or not in its one canonical form.
    #[error("a value of the encoding is out of range: it is damaged or was not made by this program")]
    Range,
}

/// Reads what [`tributary_protocol::digest::Canonical`] wrote.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts after the label, which must be `label`.
    pub(crate) fn new(label: &str, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Self(bytes);
        match reader.bytes(label.len()) {
            Ok(found) if found == label.as_bytes() => Ok(reader),
            _ => Err(DecodeError::Label),
        }
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// A number within its limits.
    pub(crate) fn u32_in(&mut self, limits: RangeInclusive<u32>) -> Result<u32, DecodeError> {
        self.u32().and_then(|value| if limits.contains(&value) { Ok(value) } else { Err(DecodeError::Range) })
    }

    /// A finite number from its bits, which is not negative; zero has one form.
    pub(crate) fn f64(&mut self) -> Result<f64, DecodeError> {
        let value = self.array().map(f64::from_le_bytes)?;
        if value.is_finite() && value.is_sign_positive() { Ok(value) } else { Err(DecodeError::Range) }
    }

    pub(crate) fn digest(&mut self) -> Result<Digest, DecodeError> {
        self.array().map(Digest)
    }

    /// A byte string after its 32-bit length, of at most `longest` bytes.
    pub(crate) fn bytes(&mut self, longest: usize) -> Result<&'a [u8], DecodeError> {
        let length = usize::try_from(self.u32()?).map_err(|_| DecodeError::Range)?;
        if length > longest {
            return Err(DecodeError::Range);
        }
        let (head, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(head)
    }

    /// Ends the reading: nothing may follow.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Trailing) }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Short)?;
        self.0 = rest;
        Ok(*head)
    }
}
