//! Cross-crate tests: real daemons over real QUIC, compared with plain arithmetic.

pub mod federation;
