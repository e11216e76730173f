//! Control messages as bytes: the only file that names bincode.
//!
//! Fixed-width little-endian integers; no bytes may follow the value. What is signed or hashed uses
//! [`crate::digest::Canonical`] instead; vectors travel as raw little-endian words and never pass through here.
//!
//! Why the care: bincode 2.0.1 is unmaintained (RUSTSEC-2025-0141), trusts declared lengths up to its limit, and ignores trailing
//! bytes. So the limit given to it is the next step above the real length of the input, and what it leaves over is refused. A lying
//! length then costs at most sixteen times the bytes received for a string, or the 1 MiB that serde sets aside for each nested
//! sequence, whatever it declares.
//!
//! Not guaranteed: a sequence of values without bytes of their own (`Vec<()>`) would loop as often as its length says. No message
//! contains one.

use alloc::vec::Vec;

use bincode::config;
use bincode::error::DecodeError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limits::CONTROL_MESSAGE_BYTES_MAX;

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// More bytes than this message may have.
    #[error("the message has {bytes} bytes and may have {limit}; the peer is faulty or hostile")]
    TooLong {
        /// Bytes received.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not an encoding of the expected type, or one that ends early.
    #[error("the message cannot be decoded; the peer speaks another version or is faulty")]
    Malformed,
    /// A value, and then more bytes.
    #[error("{bytes} bytes follow the message; the peer speaks another version or is faulty")]
    Trailing {
        /// Bytes left over.
        bytes: usize,
    },
}

/// Encodes a control message.
///
/// # Panics
/// If the type cannot be encoded at all (a sequence of unknown length, an untagged enum): a fault of the type, which its first test
/// shows.
#[must_use]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, layout()).expect("message types have a fixed layout")
}

/// Decodes a control message of at most `limit` bytes; never looks beyond [`CONTROL_MESSAGE_BYTES_MAX`] whatever `limit` says.
///
/// # Errors
/// [`CodecError`], with nothing allocated, for an input beyond the limit; for any other fault with a bounded allocation (see above).
pub fn decode<T: DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, CodecError> {
    let limit = limit.min(CONTROL_MESSAGE_BYTES_MAX);
    if bytes.len() > limit {
        return Err(CodecError::TooLong { bytes: bytes.len(), limit });
    }
    let (value, read) = match bytes.len() {
        0..=0x100 => decode_within::<T, 0x100>(bytes),
        0x101..=0x1000 => decode_within::<T, 0x1000>(bytes),
        0x1001..=0x1_0000 => decode_within::<T, 0x1_0000>(bytes),
        0x1_0001..=0x10_0000 => decode_within::<T, 0x10_0000>(bytes),
        _ => decode_within::<T, CONTROL_MESSAGE_BYTES_MAX>(bytes),
    }
    .map_err(|_| CodecError::Malformed)?;
    match bytes.len().saturating_sub(read) {
        0 => Ok(value),
        trailing => Err(CodecError::Trailing { bytes: trailing }),
    }
}

fn decode_within<T: DeserializeOwned, const LIMIT: usize>(bytes: &[u8]) -> Result<(T, usize), DecodeError> {
    bincode::serde::decode_from_slice(bytes, layout().with_limit::<LIMIT>())
}

fn layout() -> config::Configuration<config::LittleEndian, config::Fixint> {
    config::standard().with_little_endian().with_fixed_int_encoding()
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::string::String;
    use alloc::vec;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Note {
        Empty,
        Pair(u16, Option<u64>),
        Named { text: String, words: Vec<u32>, flag: bool, signed: i64 },
    }

    fn note() -> Note {
        Note::Named { text: String::from("né"), words: vec![1, 0x0203_0405], flag: true, signed: -2 }
    }

    fn notes() -> impl Strategy<Value = Note> {
        prop_oneof![
            Just(Note::Empty),
            (any::<u16>(), any::<Option<u64>>()).prop_map(|(a, b)| Note::Pair(a, b)),
            (any::<String>(), prop::collection::vec(any::<u32>(), 0..40), any::<bool>(), any::<i64>())
                .prop_map(|(text, words, flag, signed)| Note::Named { text, words, flag, signed }),
        ]
    }

    /// Frozen: a change here changes the wire and every ledger on disk.
    #[test]
    fn golden_bytes() {
        #[rustfmt::skip]
        let golden = [
            2, 0, 0, 0,
            3, 0, 0, 0, 0, 0, 0, 0, b'n', 0xc3, 0xa9,
            2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5, 4, 3, 2,
            1,
            0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        ];
        assert_eq!(encode(&note()), golden);
        assert_eq!(encode(&Note::Pair(0x0102, Some(3))), [1, 0, 0, 0, 2, 1, 1, 3, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(encode(&Note::Pair(0x0102, None)), [1, 0, 0, 0, 2, 1, 0]);
        assert_eq!(decode::<Note>(&golden, 100), Ok(note()));
    }

    #[test]
    fn every_shortening_and_every_trailing_byte_is_refused() {
        let mut bytes = encode(&note());
        for end in 0..bytes.len() {
            assert_eq!(decode::<Note>(&bytes[..end], 100), Err(CodecError::Malformed), "{end} bytes");
        }
        bytes.push(0);
        assert_eq!(decode::<Note>(&bytes, 100), Err(CodecError::Trailing { bytes: 1 }));
    }

    #[test]
    fn lying_lengths_are_refused() {
        let lies = [u64::MAX, u64::MAX / 8, 1 << 62, 1 << 40, 1 << 32, 1 << 26, 5];
        for length in lies {
            let mut bytes = length.to_le_bytes().to_vec();
            bytes.extend_from_slice(&[1, 0, 0, 0]);
            assert_eq!(decode::<Vec<u64>>(&bytes, 1 << 20), Err(CodecError::Malformed), "{length}");
            assert_eq!(decode::<Vec<u8>>(&bytes, 1 << 20), Err(CodecError::Malformed), "{length}");
            assert_eq!(decode::<String>(&bytes, 1 << 20), Err(CodecError::Malformed), "{length}");
            assert_eq!(decode::<BTreeMap<u64, u64>>(&bytes, 1 << 20), Err(CodecError::Malformed), "{length}");
            assert_eq!(decode::<Vec<Note>>(&bytes, 1 << 20), Err(CodecError::Malformed), "{length}");
            // Each level declares the same lie.
            let nested = length.to_le_bytes().repeat(5);
            assert_eq!(
                decode::<Vec<Vec<Vec<Vec<[u64; 32]>>>>>(&nested, 1 << 20),
                Err(CodecError::Malformed),
                "{length}"
            );
        }
    }

    /// The limit handed to the decoder follows the input, so that a short message cannot reserve a long string.
    #[test]
    fn a_string_reserves_no_more_than_the_step_above_the_input() {
        let mut bytes = 0x101_u64.to_le_bytes().to_vec();
        bytes.resize(0x100, b'x');
        assert!(matches!(decode_within::<String, 0x100>(&bytes), Err(DecodeError::LimitExceeded)));
        assert_eq!(decode::<String>(&bytes, 1 << 20), Err(CodecError::Malformed));
    }

    #[test]
    fn messages_at_each_step_of_the_limit_decode() {
        for length in [0xf8, 0xf9, 0xff8, 0xff9, 0xfff8, 0xfff9, 0xf_fff8, 0xf_fff9, CONTROL_MESSAGE_BYTES_MAX - 8] {
            let text = "x".repeat(length);
            let bytes = encode(&text);
            assert_eq!(decode::<String>(&bytes, bytes.len()), Ok(text));
            assert_eq!(
                decode::<String>(&bytes, bytes.len() - 1),
                Err(CodecError::TooLong { bytes: bytes.len(), limit: bytes.len() - 1 })
            );
        }
        let bytes = encode(&"x".repeat(CONTROL_MESSAGE_BYTES_MAX - 7));
        assert!(matches!(decode::<String>(&bytes, usize::MAX), Err(CodecError::TooLong { .. })));
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(value in notes()) {
            prop_assert_eq!(decode::<Note>(&encode(&value), 1 << 20), Ok(value));
        }

        #[test]
        fn arbitrary_bytes_never_panic_and_what_decodes_is_canonical(
            bytes in prop::collection::vec(prop_oneof![3 => 0_u8..4, 1 => any::<u8>()], 0..80)
        ) {
            if let Ok(value) = decode::<Vec<Note>>(&bytes, 1 << 20) {
                prop_assert_eq!(encode(&value), bytes.clone());
            }
            if let Ok(value) = decode::<Note>(&bytes, 1 << 20) {
                prop_assert_eq!(encode(&value), bytes);
            }
        }
    }
}
