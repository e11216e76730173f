//! New roots, by the word of old ones. An answer of the online authority brings a branch the federation's roots; it must not bring one of its
//! own, or a thief of its key could never be revoked. So every root is signed by the others, when it is made and all their keys are at hand.
//!
//! ```text
//! tributary succession 2
//! root 4b1c.. by 9f86.. signature 3081..
//! ```

use std::path::Path;

use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1, UnparsedPublicKey};
use rustls::pki_types::CertificateDer;
use tributary_protocol::digest::Digest;
use tributary_protocol::message::signed_message;

use crate::enrolment::EnrolmentError;
use crate::identity::parse_certificate;
use crate::issue::IssueError;
use crate::keys::TlsKey;
use crate::lines::{Fields, body, hex, read_list, write_list};
use tributary_storage::files::FileError;

const SUCCESSION: &str = "succession";
const TITLE: &str = "tributary succession 2";

/// Words that are looked at, at most.
const WORDS_MAX: usize = 256;

/// A root's word for another.
struct Word {
    /// SHA-256 of the root that is vouched for (DER).
    root: Digest,
    /// SHA-256 of the root that vouches (DER).
    by: Digest,
    signature: Vec<u8>,
}

impl Word {
    fn line(&self) -> String {
        format!("root {} by {} signature {}\n", self.root, self.by, hex(&self.signature))
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = Fields::of(line);
        let (root, by) = (fields.digest("root")?, fields.digest("by")?);
        let signature = fields.bytes("signature")?;
        fields.end().map(|()| Self { root, by, signature })
    }
}

fn input(root: &Digest) -> Vec<u8> {
    signed_message("root", root)
}

/// One root vouches for another. The folder's lock is held.
pub(super) fn vouch(
    folder: &Path,
    root: &CertificateDer<'_>,
    (by, key): (&CertificateDer<'_>, &TlsKey),
) -> Result<(), EnrolmentError> {
    let (root, by) = (Digest::of(root), Digest::of(by));
    let signature = rcgen::SigningKey::sign(key.pair(), &input(&root)).map_err(IssueError::from)?;
    let path = folder.join(SUCCESSION);
    let mut words = read_list(&path, TITLE, "succession of the roots", Word::parse)?;
    words.retain(|word| word.root != root || word.by != by);
    words.push(Word { root, by, signature });
    Ok(write_list(&path, TITLE, words.iter().map(Word::line))?)
}

/// The text of a folder's words, for an answer; empty where there is one root.
pub(super) fn read_text(folder: &Path) -> Result<String, FileError> {
    let path = folder.join(SUCCESSION);
    if path.exists() {
        tributary_storage::files::read_text(&path, "succession of the roots")
    } else {
        Ok(String::new())
    }
}

/// Whether every root is trusted, or vouched for by one that is. `None` if the text is no list of words.
pub(super) fn all_vouched(
    roots: &[CertificateDer<'static>],
    trusted: impl Fn(&CertificateDer<'static>) -> bool,
    text: &str,
) -> Option<bool> {
    let words: Vec<Word> = match text {
        "" => Vec::new(),
        text => body(text, TITLE)?.take(WORDS_MAX).map(Word::parse).collect::<Option<_>>()?,
    };
    let mut good: Vec<&CertificateDer<'static>> = roots.iter().filter(|root| trusted(root)).collect();
    loop {
        let vouched = |root: &&CertificateDer<'static>| {
            !good.contains(root) && good.iter().any(|by| words.iter().any(|word| is_word(word, root, by)))
        };
        let Some(next) = roots.iter().find(vouched) else { return Some(roots.iter().all(|root| good.contains(&root))) };
        good.push(next);
    }
}

fn is_word(word: &Word, root: &[u8], by: &[u8]) -> bool {
    let digest = Digest::of(root);
    if word.root != digest || word.by != Digest::of(by) {
        return false;
    }
    let Ok(parsed) = parse_certificate(by) else { return false };
    let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, &parsed.public_key().subject_public_key.data);
    key.verify(&input(&digest), &word.signature).is_ok()
}

#[cfg(test)]
#[path = "succession_tests.rs"]
mod tests;
