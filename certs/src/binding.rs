//! A client's own statement of which TLS key it uses now, signed by its protocol signing key.
//!
//! The roster binds a member's first TLS key, and its signatures are made offline. When the key changes with a renewal, the member itself
//! binds the next one: a door that knows the member's signing key from the roster accepts the roster's TLS key, or the one that the newest
//! binding names. The larger sequence wins.
//!
//! ```text
//! client (u32) | SHA-256 of the SPKI (32 bytes) | sequence (u64) | algorithm of the signature (u8) | signature      integers little-endian
//! signed: "SA1/tls-key" || 0x00 || number of the hashes || SHA-256("SA1 tls-key" after its length (u32) || the first three)
//! ```
//!
//! Does **not** guarantee that the certificate is valid, nor that the member was not revoked: both are checked where they are checked today.

use std::path::Path;

use tributary_protocol::algorithm::SignatureAlgorithm;
use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::ids::ClientId;
use tributary_protocol::limits::SIGNATURE_BYTES_MAX;
use tributary_protocol::message::signed_message;
use tributary_protocol::roster::RosterEntry;
use tributary_protocol::secagg::suite::{Signature, Suite as _, VerifyingKey};

use crate::lines::{Fields, body};
use crate::suite::{RealSuite, SigningKey};
use tributary_storage::files::{self, Existing, FileError, read_titled};

/// Bytes of an Ed25519 signature.
const ED25519_BYTES: usize = 64;

const TITLE: &str = "tributary key binding 2";
const LIST_TITLE: &str = "tributary key bindings 2";
const WHAT: &str = "key binding";

/// What a client states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyBinding {
    /// The client's number in the roster.
    pub client: ClientId,
    /// SHA-256 of the public key information (SPKI) of its TLS key.
    pub tls_spki_sha256: Digest,
    /// Counts the client's TLS keys; the first one, in the roster, is 0.
    pub sequence: u64,
}

/// The statement with its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBinding {
    /// The statement.
    pub binding: KeyBinding,
    /// The signature by the client's protocol signing key.
    pub signature: Signature,
}

impl KeyBinding {
    /// Signs the statement.
    #[must_use]
    pub fn sign(self, key: &SigningKey) -> SignedBinding {
        SignedBinding { binding: self, signature: RealSuite::sign(key, &self.signing_input()) }
    }

    fn signing_input(&self) -> Vec<u8> {
        let body = Canonical::new("SA1 tls-key").u32(self.client.0).digest(&self.tls_spki_sha256).u64(self.sequence);
        signed_message("tls-key", &body.finish())
    }
}

impl SignedBinding {
    /// Whether this signing key signed it.
    #[must_use]
    pub fn verify(&self, signing_key: &VerifyingKey) -> bool {
        RealSuite::verify(signing_key, &self.binding.signing_input(), &self.signature)
    }

    /// Whether another one binds the same key of the same client.
    #[must_use]
    pub fn names_same_key(&self, other: &Self) -> bool {
        let key = |signed: &Self| (signed.binding.client, signed.binding.tls_spki_sha256);
        key(self) == key(other)
    }

    /// The encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let KeyBinding { client, tls_spki_sha256, sequence } = self.binding;
        let algorithm = [self.signature.algorithm.number()];
        let fields: [&[u8]; 5] = [
            &client.0.to_le_bytes(),
            tls_spki_sha256.as_bytes(),
            &sequence.to_le_bytes(),
            &algorithm,
            &self.signature.bytes,
        ];
        fields.concat()
    }

    /// Decodes what [`SignedBinding::encode`] made; `None` for a wrong number of bytes, where the algorithm says it, and for more than any
    /// signature has. Says nothing about the signature: verify.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (client, rest) = bytes.split_first_chunk::<4>()?;
        let (spki, rest) = rest.split_first_chunk::<32>()?;
        let (sequence, rest) = rest.split_first_chunk::<8>()?;
        let binding = KeyBinding {
            client: ClientId(u32::from_le_bytes(*client)),
            tls_spki_sha256: Digest(*spki),
            sequence: u64::from_le_bytes(*sequence),
        };
        let (algorithm, signature) = rest.split_first()?;
        let algorithm = SignatureAlgorithm::of_number(*algorithm);
        let fits = match algorithm {
            SignatureAlgorithm::ED25519 => signature.len() == ED25519_BYTES,
            _ => signature.len() <= SIGNATURE_BYTES_MAX,
        };
        fits.then(|| Self { binding, signature: Signature { algorithm, bytes: signature.to_vec() } })
    }

    /// Writes `identity.binding`, replacing an older one.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        files::write_public(path, format!("{TITLE}\n{}", self.line()).as_bytes(), Existing::Replace)
    }

    /// Reads `identity.binding`. Says nothing about the signature: verify.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = read_titled(path, TITLE, WHAT)?;
        let parse = || {
            let mut lines = body(&text, TITLE)?;
            let binding = Self::parse(lines.next()?)?;
            lines.next().is_none().then_some(binding)
        };
        parse().ok_or_else(|| FileError::content(path, WHAT))
    }

    fn line(&self) -> String {
        let KeyBinding { client, tls_spki_sha256, sequence } = self.binding;
        format!("client {client} tls {tls_spki_sha256} sequence {sequence} signature {}\n", self.signature)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = Fields::of(line);
        let binding = KeyBinding {
            client: ClientId(fields.number("client")?),
            tls_spki_sha256: fields.digest("tls")?,
            sequence: fields.number("sequence")?,
        };
        let signature = fields.signature("signature")?;
        fields.end().map(|()| Self { binding, signature })
    }
}

/// Whether a door lets a TLS key in for a member: it is the one in the newest binding that the member signed, or, without any, the roster's. The
/// roster's key has the number 0, so that a binding takes its place: whoever stole it before the renewal is out.
#[must_use]
pub fn admits(entry: &RosterEntry, newest: Option<&SignedBinding>, tls_spki_sha256: &Digest) -> bool {
    let own = |signed: &&SignedBinding| signed.binding.client == entry.client && signed.verify(&entry.signing_key);
    let newest = newest.filter(own).map(|signed| &signed.binding.tls_spki_sha256);
    newest.unwrap_or(&entry.tls_spki_sha256) == tls_spki_sha256
}

/// Reads a list of bindings, one for each client, as the office keeps it; an absent list is empty.
///
/// # Errors
/// [`FileError`].
pub fn read_bindings(path: &Path) -> Result<Vec<SignedBinding>, FileError> {
    crate::lines::read_list(path, LIST_TITLE, "list of key bindings", SignedBinding::parse)
}

/// Writes a list of bindings, ascending by client, in place of an older one.
///
/// # Errors
/// [`FileError`].
pub fn write_bindings<'a>(path: &Path, bindings: impl Iterator<Item = &'a SignedBinding>) -> Result<(), FileError> {
    crate::lines::write_list(path, LIST_TITLE, bindings.map(SignedBinding::line))
}

/// Adds a binding to the list, in place of the client's older one.
///
/// # Errors
/// [`FileError`].
pub(crate) fn record_binding(path: &Path, signed: SignedBinding) -> Result<(), FileError> {
    let mut list = read_bindings(path)?;
    let newer = |other: &SignedBinding| {
        other.binding.client == signed.binding.client && other.binding.sequence >= signed.binding.sequence
    };
    if list.iter().any(newer) {
        return Ok(());
    }
    list.retain(|other| other.binding.client != signed.binding.client);
    list.push(signed);
    list.sort_by_key(|signed| signed.binding.client);
    write_bindings(path, list.iter())
}

/// Removes a client's binding from the list.
///
/// # Errors
/// [`FileError`].
pub(crate) fn forget_binding(path: &Path, client: ClientId) -> Result<(), FileError> {
    let mut list = read_bindings(path)?;
    if list.iter().any(|signed| signed.binding.client == client) {
        list.retain(|signed| signed.binding.client != client);
        write_bindings(path, list.iter())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_has_one_encoding_and_one_signer() {
        let key = SigningKey::from_seed(&[7; 32]);
        let binding = KeyBinding { client: ClientId(3), tls_spki_sha256: Digest::of(b"key"), sequence: 2 };
        let signed = binding.sign(&key);
        assert!(signed.verify(&key.verifying_key()));
        assert!(!signed.verify(&SigningKey::from_seed(&[8; 32]).verifying_key()));
        let bytes = signed.encode();
        assert_eq!(SignedBinding::decode(&bytes), Some(signed));
        assert_eq!(SignedBinding::decode(&bytes[..bytes.len() - 1]), None);
        assert_eq!(SignedBinding::decode(&bytes[..44]), None);
        assert_eq!(SignedBinding::decode(&[bytes.as_slice(), &[0]].concat()), None);
        for index in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[index] ^= 1;
            assert!(!SignedBinding::decode(&altered).unwrap().verify(&key.verifying_key()), "{index}");
        }
        // Of an algorithm that is not known here: as many bytes as any signature has.
        let of_another = |count: usize| {
            let bytes = [&bytes[..44], &[9], vec![0; count].as_slice()].concat();
            SignedBinding::decode(&bytes).map(|signed| signed.signature.bytes.len())
        };
        let most = SIGNATURE_BYTES_MAX;
        assert_eq!([0, most, most + 1].map(of_another), [Some(0), Some(most), None]);
        // The bytes that are signed stand still.
        let digest = Digest::of(&binding.signing_input()).to_string();
        assert_eq!(digest, "92fb7ea78bce2af7dd6cddfe161c12a619067ce2ea4eed364922573e1a3d9611");
    }

    #[test]
    fn a_later_binding_of_the_same_key_names_the_same_key() {
        let of = |client, key: &[u8], sequence| {
            let tls_spki_sha256 = Digest::of(key);
            KeyBinding { client: ClientId(client), tls_spki_sha256, sequence }.sign(&SigningKey::from_seed(&[7; 32]))
        };
        let first = of(3, b"key", 1);
        assert!(first.names_same_key(&first) && first.names_same_key(&of(3, b"key", 2)));
        assert!(!first.names_same_key(&of(3, b"other", 1)) && !first.names_same_key(&of(4, b"key", 1)));
    }

    #[test]
    fn files_keep_the_newest_binding_of_each_client() {
        let folder = tempfile::tempdir().unwrap();
        let (one, list) = (folder.path().join("identity.binding"), folder.path().join("bindings"));
        let key = SigningKey::from_seed(&[7; 32]);
        let signed = |client, sequence| {
            let tls_spki_sha256 = Digest::of(&[u8::try_from(sequence).unwrap()]);
            KeyBinding { client: ClientId(client), tls_spki_sha256, sequence }.sign(&key)
        };
        signed(3, 1).write(&one).unwrap();
        assert_eq!(SignedBinding::read(&one).unwrap(), signed(3, 1));
        let text = std::fs::read_to_string(&one).unwrap();
        for bad in [format!("{text}{}", signed(3, 2).line()), text.replace(" sequence", " more sequence"), text + "\n"]
        {
            std::fs::write(&one, &bad).unwrap();
            assert!(matches!(SignedBinding::read(&one), Err(FileError::Content { .. })), "{bad}");
        }
        assert_eq!(read_bindings(&list).unwrap(), []);
        for (client, sequence) in [(3, 1), (1, 4), (3, 2), (3, 1)] {
            record_binding(&list, signed(client, sequence)).unwrap();
        }
        // Of one number the first stays.
        let again = KeyBinding { tls_spki_sha256: Digest::of(b"another"), ..signed(3, 2).binding }.sign(&key);
        record_binding(&list, again).unwrap();
        assert_eq!(read_bindings(&list).unwrap(), [signed(1, 4), signed(3, 2)]);
        forget_binding(&list, ClientId(3)).unwrap();
        assert_eq!(read_bindings(&list).unwrap(), [signed(1, 4)]);
        let none = folder.path().join("none");
        forget_binding(&none, ClientId(1)).unwrap();
        assert!(!none.exists(), "there is nothing to forget");
    }

    #[test]
    fn a_door_takes_the_roster_s_key_and_the_bound_one() {
        use tributary_protocol::ids::OrganisationId;
        let key = SigningKey::from_seed(&[7; 32]);
        let (first, second) = (Digest::of(b"first"), Digest::of(b"second"));
        let entry = RosterEntry {
            client: ClientId(3),
            name: tributary_protocol::roster::MemberName::parse("north-bank/branch-01").unwrap(),
            organisation: OrganisationId(1),
            signing_key: key.verifying_key(),
            tls_spki_sha256: first,
            not_after: 0,
        };
        let bound = KeyBinding { client: ClientId(3), tls_spki_sha256: second, sequence: 1 }.sign(&key);
        assert!(admits(&entry, None, &first) && !admits(&entry, None, &second));
        // The newer key takes the place of the older one.
        assert!(!admits(&entry, Some(&bound), &first) && admits(&entry, Some(&bound), &second));
        let other = KeyBinding { client: ClientId(4), ..bound.binding }.sign(&key);
        assert!(!admits(&entry, Some(&other), &second));
        let forged = SignedBinding { signature: Signature::ed25519([0; 64]), ..bound };
        assert!(!admits(&entry, Some(&forged), &second) && admits(&entry, Some(&forged), &first));
    }
}
