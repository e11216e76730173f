//! Keys in a token: a smart card, a USB token or a hardware security module, through the vendor's PKCS#11 library.
//!
//! ```text
//! a handshake, ──message──► at most `waiting` ──► `threads` threads, each with a session ──► vendor's library ──► token
//! a person     ◄─signature or, at the deadline, an error─┘
//! ```
//!
//! A key of TLS is an ECDSA key on P-256, a person's one of Ed25519, and the token hands out neither. A session that is lost, as when the token was
//! pulled out and is back, is opened again once for each signature that is asked for. A PIN that was refused is never tried again: tokens lock
//! themselves after a few.
//!
//! Does **not** protect against whoever can run code as this process: it can have the token sign. Does **not** check the PIN where another
//! session of this process is logged in to the same token. Loading a vendor's library means trusting it with the whole process.

mod algorithm;
mod device;
mod held;
mod pool;
mod signing;
mod tls;

pub use held::PIN_BYTES_MAX;
pub use signing::{TokenPerson, TokenSigningKey};
pub use tls::TokenKey;
