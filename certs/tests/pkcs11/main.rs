//! Keys in a token, which SoftHSM plays. Where SoftHSM is not installed, each test says that it was skipped, or fails if `TRIBUTARY_TEST_TOKEN` is
//! set.
//!
//! SoftHSM takes the place of its tokens from the environment, and one process has one. Each test therefore runs itself again in a process of its
//! own, with a fresh token in a temporary folder.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[path = "../../../tests/needed.rs"]
mod needed;
mod people;
#[path = "../../../tests/softhsm.rs"]
mod softhsm;
#[path = "../support/mod.rs"]
mod support;
mod tls;
mod workplace;
