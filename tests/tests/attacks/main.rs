//! What an attacker learns who sees what leaves a branch, against the code that ships: each attack is shown to work where the defence is
//! taken off, so that its failure with the defence says something.
//!
//! | attack | sees | measured |
//! |---|---|---|
//! | canary | every round's noised sum | a lower bound on epsilon, against the enforced one |
//! | membership | the released model | who was in the data |
//! | reconstruction | one branch's update in one round | a customer's row |
//!
//! All chance comes from keys that the test counts up, so a figure is the same in every run.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod canary;
mod membership;
mod reconstruction;
mod support;
