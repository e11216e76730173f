//! Digests as programs read them: in hexadecimal digits.

use serde::Serializer;
use tributary_protocol::digest::Digest;

/// One digest.
///
/// # Errors
/// As the serializer says.
pub(super) fn one<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(digest)
}

/// Several.
///
/// # Errors
/// As the serializer says.
pub(super) fn all<S: Serializer>(digests: &[Digest], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(digests.iter().map(ToString::to_string))
}
