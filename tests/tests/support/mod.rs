//! What the tests that run real daemons share.

pub(crate) mod federation;
pub(crate) mod sums;
