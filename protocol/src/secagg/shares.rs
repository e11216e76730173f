//! Shamir's secret sharing over the suite's field (Shamir 1979).
//!
//! A holder's point is x = 1 + its rank in the secret's sorted holder list. All coefficients are uniform, zero included: a sharing that
//! excludes zero leaks (RUSTSEC-2024-0398).
//!
//! # How it is dealt
//! The random coefficients stand before the binomials C(x, k) instead of the powers of x. Each form follows from the other one to one, since
//! k! has an inverse in the field, so that uniform coefficients of either kind give the same uniform polynomial. In this form they are its
//! forward differences at 0 (Newton 1687), and the points 1, 2, 3 and on take additions alone, a fifth of what Horner's rule costs.

use alloc::vec::Vec;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::suite::FieldElement;
use crate::entropy::Entropy;
use crate::limits::HOLDERS_MAX;

/// One holder's share of one secret. Erased when dropped; cannot be printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Share<F: FieldElement> {
    /// The holder's point: 1 + its rank.
    pub x: u16,
    /// The polynomial's value there.
    pub value: F,
}

/// Why a secret cannot be shared or put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// A threshold of 0, or above the number of holders, or more holders than a secret may have.
    #[error("a threshold of {threshold} among {holders} holders is not possible; correct the session's thresholds")]
    ThresholdInvalid {
        /// Shares needed.
        threshold: usize,
        /// Shares dealt.
        holders: usize,
    },
    /// Fewer shares than the threshold: the round must be aborted.
    #[error("{found} shares of {needed} have arrived; the secret stays closed and the round must be aborted")]
    TooFew {
        /// Shares needed.
        needed: usize,
        /// Shares given.
        found: usize,
    },
    /// Two shares of one holder.
    #[error("two shares are for point {x}; a holder counts once")]
    Repeated {
        /// The point.
        x: u16,
    },
    /// Point 0 is the secret itself; no holder has it.
    #[error("a share is for point 0, which no holder has")]
    PointZero,
}

/// Deals shares of `secret` for the points 1 to `holders`; any `threshold` of them give it back, fewer say nothing.
///
/// # Errors
/// [`ShareError::ThresholdInvalid`].
pub fn share<F: FieldElement>(
    secret: F,
    threshold: usize,
    holders: usize,
    entropy: &mut dyn Entropy,
) -> Result<Vec<Share<F>>, ShareError> {
    let points = u16::try_from(holders).ok().filter(|_| holders <= HOLDERS_MAX && (1..=holders).contains(&threshold));
    let points = points.ok_or(ShareError::ThresholdInvalid { threshold, holders })?;
    // Allocated once at its full size, so that erasing it erases every copy.
    let mut differences = Vec::with_capacity(threshold);
    differences.push(secret);
    differences.extend((1..threshold).map(|_| F::random(entropy)));
    // A difference reaches as many values as its order says, so that those that reach beyond the last point stay behind.
    let shares = (1..=points).map(|x| {
        let reach = threshold.min(usize::from(points - x) + 2);
        Share { x, value: next_value(&mut differences[..reach]) }
    });
    let shares = shares.collect();
    differences.iter_mut().for_each(Zeroize::zeroize);
    Ok(shares)
}

/// Gives back a secret from the first `threshold` of the shares, as (x, value). For many secrets with the same holders use
/// [`LagrangeAtZero`].
///
/// Not guaranteed: wrong shares give a wrong secret; compare its commitment.
///
/// # Errors
/// [`ShareError`] for too few shares, a repeated point or point 0.
pub fn reconstruct<F: FieldElement>(threshold: usize, shares: &[(u16, F)]) -> Result<F, ShareError> {
    if threshold == 0 {
        return Err(ShareError::ThresholdInvalid { threshold, holders: shares.len() });
    }
    let used = shares.get(..threshold).ok_or(ShareError::TooFew { needed: threshold, found: shares.len() })?;
    let (points, values): (Vec<u16>, Vec<F>) = used.iter().copied().unzip();
    let mut values = values;
    let secret = LagrangeAtZero::new(&points)?.reconstruct(&values);
    values.iter_mut().for_each(Zeroize::zeroize);
    secret
}

/// Lagrange's coefficients at 0 for a fixed list of points: one field inversion for all secrets of one set of holders.
pub struct LagrangeAtZero<F> {
    coefficients: Vec<F>,
}

impl<F: FieldElement> LagrangeAtZero<F> {
    /// For the shares at these points, in this order; as many as the threshold.
    ///
    /// # Errors
    /// [`ShareError::PointZero`], [`ShareError::Repeated`], or [`ShareError::TooFew`] for none.
    pub fn new(points: &[u16]) -> Result<Self, ShareError> {
        if points.is_empty() {
            return Err(ShareError::TooFew { needed: 1, found: 0 });
        }
        if points.contains(&0) {
            return Err(ShareError::PointZero);
        }
        let mut sorted = points.to_vec();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ShareError::Repeated { x: pair[0] });
        }
        let points: Vec<F> = points.iter().map(|x| F::from_u64((*x).into())).collect();
        let one = F::from_u64(1);
        // The product of the other points, over the product of their distances: both times the own point.
        let all = points.iter().fold(one, |product, x| product * *x);
        let below: Vec<F> = (points.iter().enumerate())
            .map(|(own, own_x)| {
                let others = points.iter().enumerate().filter(|(other, _)| *other != own);
                others.fold(*own_x, |product, (_, x)| product * (*x - *own_x))
            })
            .collect();
        let coefficients = invert_all(&below).into_iter().map(|inverse| all * inverse).collect();
        Ok(Self { coefficients })
    }

    /// The secret behind the values at the points given to [`LagrangeAtZero::new`], in the same order.
    ///
    /// # Errors
    /// [`ShareError::TooFew`] if there is not one value for each point.
    pub fn reconstruct(&self, values: &[F]) -> Result<F, ShareError> {
        let needed = self.coefficients.len();
        if values.len() != needed {
            return Err(ShareError::TooFew { needed, found: values.len() });
        }
        let terms = self.coefficients.iter().zip(values).map(|(coefficient, value)| *coefficient * *value);
        Ok(terms.fold(F::from_u64(0), |sum, term| sum + term))
    }
}

/// Moves a polynomial's forward differences on by one point, and gives its value there.
fn next_value<F: FieldElement>(differences: &mut [F]) -> F {
    for order in 1..differences.len() {
        differences[order - 1] = differences[order - 1] + differences[order];
    }
    differences[0]
}

/// Montgomery's trick: all inverses for one inversion. None of the elements is zero.
fn invert_all<F: FieldElement>(elements: &[F]) -> Vec<F> {
    let mut product = F::from_u64(1);
    let mut inverses: Vec<F> = elements
        .iter()
        .map(|element| {
            let before = product;
            product = product * *element;
            before
        })
        .collect();
    let mut inverse = product.invert();
    for (before, element) in inverses.iter_mut().zip(elements).rev() {
        *before = *before * inverse;
        inverse = inverse * *element;
    }
    inverses
}

#[cfg(test)]
#[path = "shares_tests.rs"]
mod tests;
