//! Why a token could not be used.

use std::io;
use std::num::{NonZeroU8, NonZeroU16};
use std::path::PathBuf;
use std::time::Duration;

use tributary_storage::files::{FileError, shown};

/// Why a token or its key could not be used. The operator or the environment is to blame; no message holds the PIN.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// This build uses no token.
    #[error(
        "this executable was built without PKCS#11, so that it can neither make nor use a key in a token. Nothing was made or signed. Use an executable \
         that was built with `--features pkcs11`, or a key in a file"
    )]
    NotBuilt,
    /// The file of the PIN could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The vendor's library is not there.
    #[error(
        "the token's PKCS#11 library {} cannot be opened ({source}); install the vendor's package, or correct the path",
        module.display()
    )]
    NoModule {
        /// Its path.
        module: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The vendor's library could be replaced by others: it would run as this process.
    #[error(
        "the token's PKCS#11 library {} can be changed by other users, whose code would then run in this process; \
         it and its folder must belong to root or to this process's user, and only their owner may write to them",
        module.display()
    )]
    OpenModule {
        /// Its path.
        module: PathBuf,
    },
    /// The file is no such library, or of another machine.
    #[error(
        "{} cannot be used as a PKCS#11 library ({reason}); check that it is the vendor's library for this machine, and its configuration",
        module.display()
    )]
    Module {
        /// Its path.
        module: PathBuf,
        /// The reason of the loader or of the library.
        reason: String,
    },
    /// No token of this label is present.
    #[error(
        "no token is labelled {token:?} (present: {}); plug it in, or correct the label",
        if present.is_empty() { "none".to_owned() } else { present.join(", ") }
    )]
    NoToken {
        /// The label.
        token: String,
        /// The labels of those that are present.
        present: Vec<String>,
    },
    /// Several tokens have this label.
    #[error(
        "{count} tokens are labelled {token:?}, and it is not guessed which is meant; unplug the others, or label them differently"
    )]
    SeveralTokens {
        /// The label.
        token: String,
        /// How many.
        count: usize,
    },
    /// The token refused the PIN.
    #[error(
        "the token {token:?} refused the PIN. It was tried once and is not tried again, for a token locks itself after a few: \
         correct the PIN file, then start anew"
    )]
    PinWrong {
        /// The token's label.
        token: String,
    },
    /// One more wrong PIN would lock the token.
    #[error(
        "the token {token:?} has one try left for its PIN, and this program does not spend it: \
         log in once with the vendor's tool, which resets the count, check the PIN file, then start anew"
    )]
    PinLastTry {
        /// The token's label.
        token: String,
    },
    /// The token is locked.
    #[error(
        "the PIN of the token {token:?} is locked; unlock it with the vendor's tool as its security officer, then start anew"
    )]
    PinLocked {
        /// The token's label.
        token: String,
    },
    /// The PIN has expired or was never set.
    #[error(
        "the PIN of the token {token:?} has expired or was never set; set it with the vendor's tool, then start anew"
    )]
    PinUnset {
        /// The token's label.
        token: String,
    },
    /// No private key of this label.
    #[error("the token {token:?} holds no private key labelled {key:?}; correct the label, or generate the key")]
    NoKey {
        /// The token's label.
        token: String,
        /// The key's label.
        key: String,
    },
    /// Not exactly one public key for the private one.
    #[error(
        "the token {token:?} holds {count} public keys for {key:?}, and one is needed; \
         store the key's public half beside it under the same label and id, with the vendor's tool"
    )]
    PublicKeys {
        /// The token's label.
        token: String,
        /// The key's label.
        key: String,
        /// How many.
        count: usize,
    },
    /// Several private keys have this label.
    #[error(
        "the token {token:?} holds {count} private keys labelled {key:?}, and it is not guessed which is meant; label the others differently"
    )]
    SeveralKeys {
        /// The token's label.
        token: String,
        /// The key's label.
        key: String,
        /// How many.
        count: usize,
    },
    /// Another kind of key.
    #[error(
        "{key:?} on the token {token:?} is {found}, and {needed} is needed; generate one under another label, and name that"
    )]
    KeyKind {
        /// The token's label.
        token: String,
        /// The key's label.
        key: String,
        /// What it is.
        found: &'static str,
        /// What it must be.
        needed: &'static str,
    },
    /// The token would hand out the key.
    #[error(
        "{key:?} may leave the token {token:?}, so the token does not protect it; generate one inside the token under another label, and name that"
    )]
    Exposed {
        /// The token's label.
        token: String,
        /// The key's label.
        key: String,
    },
    /// A signature of the key does not fit its public half.
    #[error(
        "a signature by {key:?} on the token {token:?} does not fit the public key stored beside it; \
         remove the wrong one with the vendor's tool, or generate a key under another label"
    )]
    WrongPublicKey {
        /// The token's label.
        token: String,
        /// The key's label.
        key: String,
    },
    /// After it was away, the token holds another key than before.
    #[error(
        "the token {token:?} now holds another key as {key:?} than when this process started; put the first one back, or start anew"
    )]
    Changed {
        /// The token's label.
        token: String,
        /// The key's label.
        key: String,
    },
    /// Another key than the one whose public half was brought to the office.
    #[error(
        "the token {token:?} holds another key as {key:?} than {} names. Nothing was signed; plug in the token of that request. If its key is gone, \
         make another one in a new folder (`tributary certs person request`)",
        shown(request)
    )]
    NotRequested {
        /// The token's label.
        token: String,
        /// The key's label.
        key: String,
        /// The person's request.
        request: PathBuf,
    },
    /// A place that the one line for it cannot hold.
    #[error(
        "{} cannot be written into a line of text, as the person's folder names its token. Nothing was made; give that file a plain path",
        shown(path)
    )]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// A key was to be made, and the label is taken.
    #[error(
        "the token {token:?} holds a key labelled {key:?} already, and it is not replaced; use it, or choose another label"
    )]
    KeyExists {
        /// The token's label.
        token: String,
        /// The key's label.
        key: String,
    },
    /// Another refusal of the library or the token.
    #[error(
        "the token {token:?} refused {function} ({code}); check that it is plugged in and well, with the vendor's tool and its log"
    )]
    Call {
        /// The token's label.
        token: String,
        /// The function of PKCS#11.
        function: String,
        /// The library's code.
        code: String,
    },
    /// More signatures are asked for than the token makes.
    #[error(
        "{waiting} signatures wait for the token {token:?} already, so this one is refused; \
         the peer may come again. If it lasts, the token is too slow for so many connections"
    )]
    Busy {
        /// The token's label.
        token: String,
        /// How many wait.
        waiting: NonZeroU16,
    },
    /// The token did not answer in time.
    #[error(
        "the token {token:?} did not answer within {} ms, so this was given up; \
         check that it is plugged in and well, with the vendor's tool and its log",
        deadline.as_millis()
    )]
    Late {
        /// The token's label.
        token: String,
        /// How long was waited at most.
        deadline: Duration,
    },
    /// No threads for the token.
    #[error(
        "the {threads} threads for the token could not be started ({source}); raise the limit of processes of this process's user"
    )]
    Threads {
        /// How many were wanted.
        threads: NonZeroU8,
        /// The operating system's reason.
        source: io::Error,
    },
}
