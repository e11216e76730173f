//! Private keys: TLS keys (ECDSA P-256; P-384 for authorities) and protocol signing keys (Ed25519), and their files.
//!
//! Both are PKCS#8 in PEM text (RFC 5958, RFC 7468), so that a bank's own tools can read them. They are two keys on purpose: a stolen TLS
//! key cannot forge an update, and a gateway that terminates TLS cannot alter one (docs/CERTIFICATES.md, "Who is who").

use std::path::Path;
use std::sync::Arc;

use rcgen::{KeyPair, PublicKeyData};
use tributary_protocol::digest::Digest;
use tributary_protocol::secagg::suite::VerifyingKey;
use zeroize::{Zeroize as _, Zeroizing};

use crate::armour;
use crate::lines::body;
use crate::provider;
use crate::suite::SigningKey;
use tributary_storage::files::{self, Existing, FileError, read_titled};

/// PKCS#8 version 1 of an Ed25519 key (RFC 8410, section 7): this prefix, then the 32 bytes of the seed.
const ED25519_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// A private key of TLS, wherever it is kept: in a file ([`TlsKey`]) or in a token that it never leaves (`pkcs11::TokenKey`).
///
/// As [`rcgen::SigningKey`] it signs a certificate request, or a certificate.
pub trait PrivateKey: rcgen::SigningKey + Send + Sync {
    /// The key for a TLS configuration. What it returns tells the public key, so that a certificate of another key is noticed.
    ///
    /// # Errors
    /// [`rustls::Error`] if TLS cannot use a key of this kind.
    fn for_tls(&self) -> Result<Arc<dyn rustls::sign::SigningKey>, rustls::Error>;

    /// SHA-256 of the public key information, as the roster holds it.
    fn spki_sha256(&self) -> Digest {
        Digest::of(&self.subject_public_key_info())
    }
}

/// A private key of TLS or of a certificate authority, from a file. It has no `Debug` and no `Clone`; its PKCS#8 bytes are erased when dropped.
pub struct TlsKey(KeyPair);

impl TlsKey {
    /// A fresh ECDSA P-256 key, from the cryptographic library's own generator, which the operating system seeds.
    #[must_use]
    pub fn generate() -> Self {
        Self(KeyPair::generate().expect("key generation needs memory and entropy only"))
    }

    /// Reads a key from its file.
    ///
    /// # Errors
    /// [`FileError::NotPrivate`] if others may read it, [`FileError::Content`] if it is no PKCS#8 key, [`FileError::System`].
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let key = read_pkcs8(path)?;
        let pair =
            KeyPair::try_from(key.as_slice()).map_err(|_| FileError::content(path, "private key (PKCS#8, PEM)"))?;
        Ok(Self(pair))
    }

    /// Writes the key to a new file of mode 0600.
    ///
    /// # Errors
    /// [`FileError::Exists`] if something is there already, [`FileError::System`].
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        files::write_private(path, &armour::enclose(self.0.serialized_der()), Existing::Keep)
    }

    /// The public key information (SPKI, DER).
    #[must_use]
    pub fn spki(&self) -> Vec<u8> {
        self.0.subject_public_key_info()
    }

    /// SHA-256 of the public key information, as the roster holds it.
    #[must_use]
    pub fn spki_sha256(&self) -> Digest {
        Digest::of(&self.spki())
    }

    pub(crate) fn from_pair(pair: KeyPair) -> Self {
        Self(pair)
    }

    pub(crate) fn pair(&self) -> &KeyPair {
        &self.0
    }
}

impl PublicKeyData for TlsKey {
    fn der_bytes(&self) -> &[u8] {
        self.0.der_bytes()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.0.algorithm()
    }
}

impl rcgen::SigningKey for TlsKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0.sign(message)
    }
}

impl PrivateKey for TlsKey {
    fn for_tls(&self) -> Result<Arc<dyn rustls::sign::SigningKey>, rustls::Error> {
        provider::signer(self.0.serialized_der())
    }
}

impl Drop for TlsKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Reads a protocol signing key from its file.
///
/// # Errors
/// [`FileError::NotPrivate`] if others may read it, [`FileError::Content`] if it is no Ed25519 key, [`FileError::System`].
pub fn read_signing_key(path: &Path) -> Result<SigningKey, FileError> {
    let bytes = read_pkcs8(path)?;
    let seed = bytes.strip_prefix(&ED25519_PREFIX).and_then(|seed| <&[u8; 32]>::try_from(seed).ok());
    seed.map(SigningKey::from_seed).ok_or_else(|| FileError::content(path, "signing key (Ed25519, PKCS#8, PEM)"))
}

/// Writes a protocol signing key to a new file of mode 0600.
///
/// # Errors
/// [`FileError::Exists`] if something is there already, [`FileError::System`].
pub fn write_signing_key(key: &SigningKey, path: &Path) -> Result<(), FileError> {
    let mut der = Zeroizing::new(Vec::with_capacity(48));
    der.extend_from_slice(&ED25519_PREFIX);
    der.extend_from_slice(key.seed().as_slice());
    files::write_private(path, &armour::enclose(&der), Existing::Keep)
}

/// First line of the public half of a signing key.
const PUBLIC_TITLE: &str = "tributary signing key 1";

/// Writes the public half of a signing key: a title, its text form and a line end.
///
/// # Errors
/// [`FileError::System`].
pub fn write_verifying_key(key: &VerifyingKey, path: &Path) -> Result<(), FileError> {
    files::write_public(path, format!("{PUBLIC_TITLE}\n{key}\n").as_bytes(), Existing::Replace)
}

/// Reads the public half of a signing key.
///
/// # Errors
/// [`FileError::Content`] if it has no such text, [`FileError::Version`], [`FileError::System`].
pub fn read_verifying_key(path: &Path) -> Result<VerifyingKey, FileError> {
    let what = "public signing key (a title, then ed25519: and 64 hexadecimal digits)";
    let text = read_titled(path, PUBLIC_TITLE, what)?;
    // Releases before 0.2 wrote the key alone.
    if text.strip_suffix('\n').is_some_and(|text| VerifyingKey::of_text(text).is_some()) {
        return Err(FileError::Version { path: path.to_owned(), found: 0, reads: 1 });
    }
    let parse = || {
        let mut lines = body(&text, PUBLIC_TITLE)?;
        let key = VerifyingKey::of_text(lines.next()?)?;
        lines.next().is_none().then_some(key)
    };
    parse().ok_or_else(|| FileError::content(path, what))
}

fn read_pkcs8(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let text = files::read_private(path)?;
    armour::open(&text).ok_or_else(|| FileError::content(path, "private key (PKCS#8, PEM)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    #[test]
    fn a_tls_key_comes_back_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.key");
        let key = TlsKey::generate();
        key.write(&path).unwrap();
        assert_eq!(TlsKey::read(&path).unwrap().spki_sha256(), key.spki_sha256());
        assert!(matches!(TlsKey::generate().write(&path), Err(FileError::Exists { .. })));
        assert_ne!(TlsKey::generate().spki_sha256(), key.spki_sha256());
    }

    #[test]
    fn a_signing_key_comes_back_from_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, public) = (folder.path().join("signing.key"), folder.path().join("signing.pub"));
        let key = SigningKey::generate(&mut OsEntropy);
        write_signing_key(&key, &secret).unwrap();
        write_verifying_key(&key.verifying_key(), &public).unwrap();
        assert!(std::fs::read_to_string(&secret).unwrap().starts_with("-----BEGIN PRIVATE KEY-----"));
        assert_eq!(read_signing_key(&secret).unwrap().verifying_key(), key.verifying_key());
        assert_eq!(read_verifying_key(&public).unwrap(), key.verifying_key());
    }

    #[test]
    fn a_key_of_another_kind_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.key");
        TlsKey::generate().write(&path).unwrap();
        assert!(matches!(read_signing_key(&path), Err(FileError::Content { .. })));
        let broken = folder.path().join("broken");
        files::write_private(
            &broken,
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            Existing::Keep,
        )
        .unwrap();
        assert!(matches!(TlsKey::read(&broken), Err(FileError::Content { .. })));
        assert!(matches!(read_signing_key(&broken), Err(FileError::Content { .. })));
        files::write_public(&broken, b"00\n", Existing::Replace).unwrap();
        assert!(matches!(read_verifying_key(&broken), Err(FileError::Content { .. })));
    }
}
