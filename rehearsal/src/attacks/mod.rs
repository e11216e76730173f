//! Attacks on a plan and on the model that a run of it released, on rows that are public or invented: whoever attacks here sees all of them.
//!
//! ```text
//! membership      whether the released model tells whose rows it learnt from (Yeom et al. 2018, calibrated as by Watson et al. 2022)
//! canary          a lower bound of epsilon: one customer is in the sums or not, and everything else is known (Jagielski et al. 2020)
//! reconstruction  which row a customer has, where everything else of every sum is known (Balle et al. 2022)
//! poisoning       how far the model falls where branches turn their labels
//! spread          how far runs lie apart that differ in their noise alone
//! ```
//!
//! Canary and reconstruction see each sum less what everybody else gave to it: the contribution of one customer with the noise that the plan states at
//! least. That is all that anybody can ever know who works together with everybody else, so a bound that holds for this attacker holds for all.

mod draws;
mod known;
mod membership;
mod poisoning;
mod rates;

pub use draws::Source;
pub use known::{Canary, Reconstruction, canary, reconstruction};
pub use membership::{Membership, membership};
pub use poisoning::{Poisoned, poisoning};
pub use rates::{Rate, rate_max, rate_min};
