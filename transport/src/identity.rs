//! What a daemon proves itself with on the network, as its settings name it: read at the start, and again whenever a file changes.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

#[cfg(feature = "pkcs11")]
use tributary_certs::pkcs11::{TokenKey, TokenSettings};
use tributary_certs::provider::KeyExchange;
use tributary_certs::revocation::RevocationLists;
use tributary_certs::tls::{Credentials, TrustRoots};
use tributary_settings::Document;

/// The files of a TLS identity.
pub struct TlsFiles {
    /// Certificate chain (PEM, leaf first).
    pub chain: PathBuf,
    /// The private key.
    pub key: KeyPlace,
    /// Trusted roots (PEM), beside those of single organisations.
    pub trust: PathBuf,
    /// Revocation lists; nothing where none are used.
    pub revocations: Option<PathBuf>,
    /// Which key exchanges are accepted.
    pub key_exchange: KeyExchange,
}

/// Where the private key is.
#[derive(Clone)]
pub enum KeyPlace {
    /// In a file of mode 0600.
    File(PathBuf),
    /// In a PKCS#11 token, logged into once.
    #[cfg(feature = "pkcs11")]
    Token(TokenKey),
}

/// Everything of a TLS identity, opened.
pub struct TlsMaterial {
    /// Certificate and key.
    pub credentials: Credentials,
    /// Trusted roots.
    pub roots: TrustRoots,
    /// Verified revocation lists; empty where none are used.
    pub revocations: RevocationLists,
}

/// What distinguishes the files of one moment from those of another.
pub type Stamp = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

impl TlsFiles {
    /// Opens everything.
    ///
    /// # Errors
    /// The name of the setting and what is wrong with its file, for each of them.
    pub fn open(&self) -> Result<TlsMaterial, Vec<(&'static str, String)>> {
        let mut faults = Vec::new();
        let credentials = self.credentials().map_err(|fault| faults.push(("certificate", fault))).ok();
        let roots = TrustRoots::read(&self.trust);
        let roots = roots.map_err(|fault| faults.push(("ca_certificate", fault.to_string()))).ok();
        let revocations = match (&self.revocations, &roots) {
            (Some(path), Some(roots)) => {
                let lists = RevocationLists::read(path, roots);
                lists.map_err(|fault| faults.push(("revocations", fault.to_string()))).ok()
            }
            _ => Some(RevocationLists::default()),
        };
        match (credentials, roots, revocations) {
            (Some(credentials), Some(roots), Some(revocations)) => Ok(TlsMaterial { credentials, roots, revocations }),
            _ => Err(faults),
        }
    }

    /// The state of the files now; another one means that they must be opened again.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        let mut paths = vec![self.chain.clone(), self.trust.clone()];
        paths.extend(self.revocations.clone());
        match &self.key {
            KeyPlace::File(path) => paths.push(path.clone()),
            #[cfg(feature = "pkcs11")]
            KeyPlace::Token(_) => {}
        }
        // Roots of single organisations come and go with files of their own.
        paths.extend(self.trust.parent().map(Path::to_path_buf));
        paths.into_iter().map(|path| (path.clone(), stamp(&path))).collect()
    }

    fn credentials(&self) -> Result<Credentials, String> {
        match &self.key {
            KeyPlace::File(key) => Credentials::read(&self.chain, key).map_err(|fault| fault.to_string()),
            #[cfg(feature = "pkcs11")]
            KeyPlace::Token(key) => {
                let certificates = tributary_certs::tls::read_certificates(&self.chain);
                let chain = tributary_certs::issue::Chain::new(certificates.map_err(|fault| fault.to_string())?);
                let chain = chain.ok_or("the certificate file is empty")?;
                Credentials::new(chain, key).map_err(|fault| fault.to_string())
            }
        }
    }
}

/// When a file was changed last, and its length in bytes; nothing where there is none.
#[must_use]
pub fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// `identity.post_quantum`: whether a key exchange without a post-quantum half is accepted.
pub fn key_exchange(document: &mut Document) -> Option<KeyExchange> {
    let words = [("required", KeyExchange::Required), ("preferred", KeyExchange::Preferred)];
    document.choice("identity.post_quantum", &words, Some(KeyExchange::DEFAULT))
}

/// `[identity.token]`: a key in a PKCS#11 token instead of a file. The outer nothing is a fault that the document has noted, the inner one says
/// that there is no such table.
pub fn token(document: &mut Document) -> Option<Option<KeyPlace>> {
    if !document.has("identity.token.module") {
        return Some(None);
    }
    open_token(document).map(Some)
}

#[cfg(feature = "pkcs11")]
fn open_token(document: &mut Document) -> Option<KeyPlace> {
    let label = |text: &str| (!text.is_empty() && text.len() <= 64).then(|| text.to_owned());
    let module = document.existing_file("identity.token.module");
    let token = document.text("identity.token.token", "the token's label, 1 to 64 bytes", None, label);
    let key = document.text("identity.token.key", "the key's label, 1 to 64 bytes", None, label);
    let pin_file = document.existing_file("identity.token.pin_file");
    let usual = tributary_certs::pkcs11::TokenLimits::default();
    let threads = document.integer("identity.token.threads", 1..=16, Some(usual.threads.get()));
    let waiting = document.integer("identity.token.waiting", 1..=1_024, Some(usual.waiting.get()));
    let deadline = document.integer("identity.token.deadline_ms", 100..=4_000, Some(2_000_u64));
    let limits = tributary_certs::pkcs11::TokenLimits {
        threads: threads.and_then(|threads| threads.try_into().ok())?,
        waiting: waiting.and_then(|waiting| waiting.try_into().ok())?,
        deadline: std::time::Duration::from_millis(deadline?),
    };
    let settings = TokenSettings { module: module?, token: token?, key: key?, pin_file: pin_file?, limits };
    match TokenKey::open(&settings) {
        Ok(key) => Some(KeyPlace::Token(key)),
        Err(fault) => {
            document.fault("identity.token", fault.to_string(), "a token with a usable ECDSA P-256 key");
            None
        }
    }
}

#[cfg(not(feature = "pkcs11"))]
fn open_token(document: &mut Document) -> Option<KeyPlace> {
    // They count as known: what is wrong is said once.
    for key in ["module", "token", "key", "pin_file"] {
        let _ = document.text(&format!("identity.token.{key}"), "a text", Some(()), |_| Some(()));
    }
    for key in ["threads", "waiting", "deadline_ms"] {
        let _ = document.integer::<i64>(&format!("identity.token.{key}"), 0..=i64::MAX, Some(0));
    }
    document.fault(
        "identity.token.module",
        "a key in a token, which this executable was built without",
        "nothing, or an executable built with `--features pkcs11`",
    );
    None
}
