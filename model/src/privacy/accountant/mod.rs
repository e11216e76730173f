//! Accountants: what has been revealed so far.
//!
//! | accountant | numbers | used for |
//! |---|---|---|
//! | [`charge`], [`cap`], [`epsilon_of`] | integers, one-sided | what the ledger enforces |
//! | [`GaussianDp`] | f64, exact curve of the continuous Gaussian | figures beside the enforced one |
//! | [`RdpCurve`] | f64, integer orders | sampled rounds, calibration |
//! | [`PrivacyLoss`] | f64, loss distributions on a grid, from above | the tight figure beside the enforced one, for sampled rounds too |
//! | [`ln_share_sum_gap`] | f64 | why a sum of shares may count as one discrete Gaussian |

mod enforced;
mod gdp;
mod moments;
mod normal;
mod pld;
mod rdp;
mod shares;

pub(crate) use enforced::NANOS;
pub use enforced::{cap, charge, epsilon_of};
pub use gdp::GaussianDp;
pub use pld::{ComposedLoss, PldError, PrivacyLoss, TightEpsilon};
pub use rdp::{EpsilonAtOrder, RdpCurve, SampledRound};
pub use shares::ln_share_sum_gap;
