//! What a daemon proves itself with on the network, as its settings name it: read at the start, and again whenever a file changes.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tributary_certs::denied::DenyList;
#[cfg(feature = "pkcs11")]
use tributary_certs::pkcs11::TokenKey;
use tributary_certs::provider::KeyExchange;
use tributary_certs::revocation::{ListsRead, RevocationFileError, RevocationLists, Seen, organisation_file};
use tributary_certs::tls::{Credentials, TlsError, TrustRoots};
#[cfg(feature = "pkcs11")]
use tributary_certs::token::{TokenLimits, TokenSettings, is_label};
use tributary_certs::trust::organisation_files;
use tributary_settings::Document;
use tributary_storage::files::FileError;

/// The files of a TLS identity.
pub struct TlsFiles {
    /// Certificate chain (PEM, leaf first).
    pub chain: PathBuf,
    /// The private key.
    pub key: KeyPlace,
    /// Trusted roots (PEM), beside those of single organisations.
    pub trust: PathBuf,
    /// The general revocation lists, beside those of single organisations.
    pub revocations: PathBuf,
    /// The deny-list, where this side keeps a door.
    pub denied: Option<PathBuf>,
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
    /// Who of those that the roots vouch for is believed.
    pub lists: ListFiles,
}

/// Verified lists, before they come into force.
pub struct ListFiles {
    /// The revocation lists.
    pub revocations: RevocationLists,
    /// The deny-list.
    pub denied: DenyList,
    /// What is wrong with the lists of single organisations, for the log.
    pub notes: Vec<String>,
    seen: Seen,
}

impl ListFiles {
    /// Remembers the lists' numbers, so that older ones are refused from now on, after a restart as well. For whoever puts them into force.
    ///
    /// # Errors
    /// If that cannot be written: then they must not come into force.
    pub fn adopt(&mut self) -> Result<(), FileError> {
        self.seen.note(&self.revocations, self.denied.order())
    }
}

/// Why a file of a TLS identity cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MaterialFault {
    /// A file as such.
    #[error(transparent)]
    File(#[from] FileError),
    /// Certificate and key, or the roots.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A list.
    #[error(transparent)]
    Lists(#[from] RevocationFileError),
}

/// What distinguishes the files of one moment from those of another.
pub type Stamp = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

impl TlsFiles {
    /// Opens everything; `before` is what was in force until now, and `now` in Unix seconds.
    ///
    /// # Errors
    /// The name of the setting and what is wrong with its file, for each of them.
    pub fn open(
        &self,
        before: Option<&RevocationLists>,
        now: u64,
    ) -> Result<TlsMaterial, Vec<(&'static str, MaterialFault)>> {
        let mut faults = Vec::new();
        let credentials = self.credentials().map_err(|fault| faults.push(("certificate", fault))).ok();
        let roots = TrustRoots::read(&self.trust);
        let roots = roots.map_err(|fault| faults.push(("ca_certificate", fault.into()))).ok();
        let lists = roots.as_ref().and_then(|roots| {
            let lists = self.lists(roots, before, now);
            lists.map_err(|fault| faults.push(("revocations", fault))).ok()
        });
        match (credentials, roots, lists) {
            (Some(credentials), Some(roots), Some(lists)) => Ok(TlsMaterial { credentials, roots, lists }),
            _ => Err(faults),
        }
    }

    fn lists(
        &self,
        roots: &TrustRoots,
        before: Option<&RevocationLists>,
        now: u64,
    ) -> Result<ListFiles, MaterialFault> {
        let seen = Seen::beside(&self.trust)?;
        let read = RevocationLists::read(&self.revocations, roots, &seen, before)?;
        let denied = self.denied.as_ref().map(|path| DenyList::read(path, &read.lists, &seen, now)).transpose();
        let denied = denied?.unwrap_or_default();
        let ListsRead { lists: revocations, notes } = read;
        Ok(ListFiles { revocations, denied, notes, seen })
    }

    /// The state of the files now; another one means that they must be opened again.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        let mut paths = vec![self.chain.clone(), self.trust.clone(), self.revocations.clone()];
        paths.extend(self.denied.clone());
        // Of single organisations; a file may be written anew in its place, which its folder does not show.
        let organisations = organisation_files(&self.trust).unwrap_or_default();
        for (organisation, trust) in organisations {
            paths.push(organisation_file(&self.revocations, &organisation));
            paths.push(trust);
        }
        match &self.key {
            KeyPlace::File(path) => paths.push(path.clone()),
            #[cfg(feature = "pkcs11")]
            KeyPlace::Token(_) => {}
        }
        paths.into_iter().map(|path| (path.clone(), stamp(&path))).collect()
    }

    fn credentials(&self) -> Result<Credentials, MaterialFault> {
        match &self.key {
            KeyPlace::File(key) => Ok(Credentials::read(&self.chain, key)?),
            #[cfg(feature = "pkcs11")]
            KeyPlace::Token(key) => {
                let chain = tributary_certs::issue::Chain::new(tributary_certs::tls::read_certificates(&self.chain)?);
                let chain = chain.ok_or_else(|| FileError::content(&self.chain, "certificate chain (PEM)"))?;
                Ok(Credentials::new(chain, key)?)
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
    let label = |text: &str| is_label(text).then(|| text.to_owned());
    let module = document.existing_file("identity.token.module");
    let token = document.text("identity.token.token", "the token's label, 1 to 64 bytes", None, label);
    let key = document.text("identity.token.key", "the key's label, 1 to 64 bytes", None, label);
    let pin_file = document.existing_file("identity.token.pin_file");
    let usual = TokenLimits::default();
    let threads = document.integer("identity.token.threads", 1..=16, Some(usual.threads.get()));
    let waiting = document.integer("identity.token.waiting", 1..=1_024, Some(usual.waiting.get()));
    let deadline = document.integer("identity.token.deadline_ms", 100..=4_000, Some(2_000_u64));
    let limits = TokenLimits {
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

#[cfg(test)]
mod tests {
    use tributary_storage::files::{Existing, write_public};

    use super::*;

    fn document(text: &str) -> Document {
        Document::parse(Path::new("a.toml"), text).expect("TOML")
    }

    #[test]
    fn words_for_the_key_exchange_and_a_missing_token_are_read() {
        let exchange = |text: &str| key_exchange(&mut document(text));
        assert!(exchange("") == Some(KeyExchange::DEFAULT));
        assert!(exchange("[identity]\npost_quantum = \"required\"") == Some(KeyExchange::Required));
        assert!(exchange("[identity]\npost_quantum = \"preferred\"") == Some(KeyExchange::Preferred));
        assert!(exchange("[identity]\npost_quantum = \"perhaps\"").is_none());
        assert!(matches!(token(&mut document("")), Some(None)));
        let mut with =
            document("[identity.token]\nmodule = \"no/such/file\"\ntoken = \"a\"\nkey = \"b\"\npin_file = \"c\"");
        assert!(token(&mut with).is_none());
        let told = with.finish().expect_err("a fault").to_string();
        assert!(told.contains("identity.token.module") && !told.contains("means nothing here"), "{told}");
    }

    /// Whichever file is written anew, the identity is opened anew.
    #[test]
    fn the_stamp_changes_with_each_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let files = TlsFiles {
            chain: at("chain.pem"),
            key: KeyPlace::File(at("key")),
            trust: at("trust.pem"),
            revocations: at("lists.pem"),
            denied: Some(at("denied")),
            key_exchange: KeyExchange::DEFAULT,
        };
        let mut before = files.stamp();
        assert!(before.iter().all(|(_, found)| found.is_none()));
        for (number, name) in ["chain.pem", "key", "trust.pem", "lists.pem", "denied"].into_iter().enumerate() {
            write_public(&at(name), &vec![1; number + 1], Existing::Keep).expect("writes");
            let after = files.stamp();
            assert_ne!(before, after, "{name}");
            before = after;
            // A file of another length is another one, even within a tick of the clock.
            write_public(&at(name), &vec![1; number + 20], Existing::Replace).expect("writes");
            assert_ne!(before, files.stamp(), "{name}");
            before = files.stamp();
        }
    }

    /// Each limit of each key is allowed, and one beyond it is not; a key that is absent has its default, and every fault is told at once.
    #[cfg(feature = "pkcs11")]
    #[test]
    fn each_key_of_a_token_has_its_limits() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["module", "pin"] {
            write_public(&folder.path().join(name), b"no module", Existing::Keep).expect("writes");
        }
        let keys = |change: &dyn Fn(String) -> String| -> Vec<String> {
            let text = change("module = 'module'\ntoken = 'a'\nkey = 'b'\npin_file = 'pin'\n".into());
            let path = folder.path().join("a.toml");
            let mut document = Document::parse(&path, &format!("[identity.token]\n{text}")).expect("TOML");
            assert!(token(&mut document).is_none());
            document.finish().expect_err("faults").faults.into_iter().map(|fault| fault.key).collect()
        };
        // The file is no module: nothing else is wrong.
        assert_eq!(keys(&|text| text), ["identity.token"]);
        let number = |key: &str, value: i64| keys(&|text| format!("{text}{key} = {value}\n"));
        for (key, least, most) in [("threads", 1, 16), ("waiting", 1, 1_024), ("deadline_ms", 100, 4_000)] {
            let fault = vec![format!("identity.token.{key}")];
            assert_eq!([number(key, least - 1), number(key, most + 1)], [fault.clone(), fault], "{key}");
            assert_eq!([number(key, least), number(key, most)], [["identity.token"], ["identity.token"]], "{key}");
        }
        for key in ["token", "key"] {
            let label = |length: usize| {
                let line = if key == "token" { "token = 'a'" } else { "key = 'b'" };
                keys(&|text| text.replace(line, &format!("{key} = '{}'", "x".repeat(length))))
            };
            let fault = [format!("identity.token.{key}")];
            assert_eq!((label(0), label(65)), (fault.to_vec(), fault.to_vec()), "{key}");
            assert_eq!((label(1), label(64)), (vec!["identity.token".to_owned()], vec!["identity.token".to_owned()]));
        }
        let absent = |name: &str| keys(&|text| text.replace(&format!("= '{name}'"), "= 'none'"));
        assert_eq!(
            (absent("module"), absent("pin")),
            (vec!["identity.token.module".into()], vec!["identity.token.pin_file".into()])
        );
        let all = keys(&|_| "module = 'none'\nthreads = 0\nwaiting = 0\ndeadline_ms = 0\n".into());
        let expected = ["module", "token", "key", "pin_file", "threads", "waiting", "deadline_ms"];
        assert_eq!(all, expected.map(|name| format!("identity.token.{name}")));
    }
}
