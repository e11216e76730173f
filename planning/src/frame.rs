//! The text frame of a file that people sign: a title, the digest, the canonical encoding in base64, and a line for each signature after it.
//!
//! A text that prints otherwise than it was read is refused by whoever parses one, so that one file holds one object, whoever reads it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_certs::attestation::is_attestation;
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;

/// Longest file: the longest encoding in base64 with its line ends, and signatures.
pub(crate) const FILE_BYTES_MAX: usize = 2 << 20;
/// Longest encoding.
const ENCODING_BYTES_MAX: usize = 1 << 20;
/// Symbols on a line.
const LINE: usize = 64;

/// The text, without signatures.
pub(crate) fn print(title: &str, digest: &Digest, object: &impl Serialize) -> String {
    let mut text = format!("{title}\ndigest {digest}\n");
    let encoded = STANDARD.encode(codec::encode(object));
    for line in encoded.as_bytes().chunks(LINE) {
        text.extend(line.iter().map(|symbol| char::from(*symbol)));
        text.push('\n');
    }
    text
}

/// The digest that a text names, the object in it, and its lines from the first signature on.
pub(crate) fn parse<'a, T: DeserializeOwned>(title: &str, text: &'a str) -> Option<(Digest, T, Vec<&'a str>)> {
    // Not `lines`, which would drop an empty last line.
    let mut lines = text.strip_suffix('\n').filter(|_| text.len() <= FILE_BYTES_MAX)?.split('\n').peekable();
    let titled = lines.next()? == title;
    let digest = lines.next()?.strip_prefix("digest ").and_then(Digest::from_hex).filter(|_| titled)?;
    let mut encoded = String::new();
    while let Some(line) = lines.next_if(|line| !is_attestation(line)) {
        encoded.push_str(line);
    }
    let object = codec::decode(&STANDARD.decode(encoded).ok()?, ENCODING_BYTES_MAX).ok()?;
    Some((digest, object, lines.collect()))
}
