//! Rényi differential privacy at fixed integer orders, in integer nano-units.

use alloc::vec::Vec;
use core::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeTuple as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The orders alpha at which RDP is kept: 2 to 64, then wider steps (Mironov 2017; the grid of the reference accountants).
pub const ORDERS: [u32; 73] = orders();

/// Nano-units in one.
const NANOS: u128 = 1_000_000_000;

const fn orders() -> [u32; 73] {
    let tail = [80, 96, 128, 192, 256, 384, 512, 1024, 2048, 4096];
    let mut orders = [0; 73];
    let mut order = 2;
    let mut index = 0;
    while index < 63 {
        orders[index] = order;
        order += 1;
        index += 1;
    }
    while index < 73 {
        orders[index] = tail[index - 63];
        index += 1;
    }
    orders
}

/// One non-negative integer for each of [`ORDERS`]: RDP in nano-units (1e-9).
///
/// A charge is rounded up and a cap is rounded down when it is made, so that integer comparison errs on the safe side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RdpVector(Vec<u64>);

/// One value for each order and no length before them: another length cannot be written.
impl Serialize for RdpVector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(ORDERS.len())?;
        self.0.iter().try_for_each(|nanos| tuple.serialize_element(nanos))?;
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for RdpVector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values;
        impl<'de> Visitor<'de> for Values {
            type Value = RdpVector;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("one value for each of 73 orders")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<RdpVector, A::Error> {
                let mut nanos = Vec::with_capacity(ORDERS.len());
                for index in 0..ORDERS.len() {
                    let value = values.next_element()?;
                    nanos.push(value.ok_or_else(|| A::Error::invalid_length(index, &self))?);
                }
                Ok(RdpVector(nanos))
            }
        }
        deserializer.deserialize_tuple(ORDERS.len(), Values)
    }
}

impl RdpVector {
    /// Nothing at any order.
    #[must_use]
    pub fn zero() -> Self {
        Self(alloc::vec![0; ORDERS.len()])
    }

    /// From one value for each of [`ORDERS`]; `None` if the count differs.
    #[must_use]
    pub fn from_nanos(values: Vec<u64>) -> Option<Self> {
        (values.len() == ORDERS.len()).then_some(Self(values))
    }

    /// One release of the Gaussian mechanism, continuous or discrete: `order * sensitivity^2 / (2 * variance)` at each order, rounded up
    /// (Mironov 2017, corollary 3; Canonne, Kamath, Steinke 2020, theorem 4). No noise costs the largest value at every order.
    #[must_use]
    pub fn gaussian(sensitivity_squared: u128, variance: u128) -> Self {
        let charge = |order: u32| -> u64 {
            let numerator = sensitivity_squared.checked_mul(u128::from(order)).and_then(|n| n.checked_mul(NANOS));
            let denominator = variance.checked_mul(2).filter(|variance| *variance > 0);
            let (Some(numerator), Some(denominator)) = (numerator, denominator) else { return u64::MAX };
            u64::try_from(numerator.div_ceil(denominator)).unwrap_or(u64::MAX)
        };
        Self(ORDERS.iter().map(|order| charge(*order)).collect())
    }

    /// The values in nano-units, in the order of [`ORDERS`].
    #[must_use]
    pub fn nanos(&self) -> &[u64] {
        &self.0
    }

    /// The composition of two charges: the sum at each order, saturating.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a.saturating_add(*b)).collect())
    }

    /// The smaller of two at each order.
    #[must_use]
    pub fn least(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(own, other)| *own.min(other)).collect())
    }

    /// The larger of two at each order.
    #[must_use]
    pub fn most(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(own, other)| *own.max(other)).collect())
    }

    /// What is missing here up to `other` at each order; nothing where this is more already.
    #[must_use]
    pub fn missing_to(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(own, other)| other.saturating_sub(*own)).collect())
    }

    /// The composition of `count` equal charges, saturating.
    #[must_use]
    pub fn times(&self, count: u64) -> Self {
        Self(self.0.iter().map(|a| a.saturating_mul(count)).collect())
    }

    /// Whether this is at most `other` at every order.
    #[must_use]
    pub fn at_most(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(own, bound)| own <= bound)
    }

    /// Whether this spend stays within `cap` at one order at least, which is what bounds epsilon. Nothing spent is within any cap.
    #[must_use]
    pub fn within(&self, cap: &Self) -> bool {
        let nothing = self.0.iter().all(|spent| *spent == 0);
        nothing || self.0.iter().zip(&cap.0).any(|(spent, allowed)| *allowed > 0 && spent <= allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value for each order, made of its place.
    fn vector(of: impl Fn(u64) -> u64) -> RdpVector {
        RdpVector::from_nanos((0..ORDERS.len() as u64).map(of).collect()).expect("one for each order")
    }

    #[test]
    fn orders_are_every_one_to_64_and_then_ten_more() {
        assert!((2..=64).eq(ORDERS[..63].iter().copied()));
        assert_eq!(ORDERS[63..], [80, 96, 128, 192, 256, 384, 512, 1024, 2048, 4096]);
        for count in [0, ORDERS.len() - 1, ORDERS.len() + 1] {
            assert_eq!(RdpVector::from_nanos(alloc::vec![1; count]), None);
        }
        assert_eq!(RdpVector::zero(), vector(|_| 0));
    }

    /// A charge is rounded up to a billionth, and costs everything where it cannot be counted.
    #[test]
    fn a_release_costs_order_times_square_over_twice_the_variance() {
        let charge = |square, variance| RdpVector::gaussian(square, variance).nanos().to_vec();
        let of = |cost: fn(u64) -> u64| ORDERS.iter().map(|order| cost(u64::from(*order))).collect::<Vec<_>>();
        assert_eq!(charge(1, 1), of(|order| order * 500_000_000));
        assert_eq!(charge(9, 2000), of(|order| order * 2_250_000));
        assert_eq!(charge(1, 3), of(|order| (order * 500_000_000).div_ceil(3)));
        assert_eq!(charge(1, u128::MAX / 2), of(|_| 1));
        assert_eq!(charge(0, 5), of(|_| 0));
        for (square, variance) in [(1, 0), (0, 0), (1, u128::MAX / 2 + 1), (u128::MAX, 1), (u128::MAX / 4096, 1)] {
            assert_eq!(charge(square, variance), of(|_| u64::MAX), "{square} {variance}");
        }
        // The largest that can be told, and one that is more, at the highest order.
        let exact = u128::from(u64::MAX) / 4096 / 500_000_000;
        let (told, more) = (charge(exact, 1), charge(exact + 1, 1));
        assert_eq!(told[72], u64::try_from(exact * 4096 * 500_000_000).unwrap());
        assert_eq!((more[72], more[71]), (u64::MAX, u64::try_from((exact + 1) * 2048 * 500_000_000).unwrap()));
    }

    #[test]
    fn vectors_are_reckoned_with_order_by_order() {
        let (up, down) = (vector(|place| place), vector(|place| 72 - place));
        assert_eq!(up.plus(&down), vector(|_| 72));
        assert_eq!(up.least(&down), vector(|place| place.min(72 - place)));
        assert_eq!(up.most(&down), vector(|place| place.max(72 - place)));
        assert_eq!(up.missing_to(&down), vector(|place| (72 - place).saturating_sub(place)));
        assert_eq!(up.times(3), vector(|place| 3 * place));
        let full = vector(|place| u64::MAX - place);
        assert_eq!(
            (full.plus(&up), full.plus(&vector(|place| place + 1))),
            (vector(|_| u64::MAX), vector(|_| u64::MAX))
        );
        assert_eq!(full.times(2), vector(|_| u64::MAX));
    }

    /// No more at any order: what is more at one alone is more.
    #[test]
    fn at_most_is_at_every_order() {
        let bound = vector(|place| place + 5);
        assert!(bound.at_most(&bound) && RdpVector::zero().at_most(&bound));
        for more in [0, 31, 72] {
            assert!(!vector(|place| if place == more { place + 6 } else { 0 }).at_most(&bound), "{more}");
        }
    }

    /// One order suffices for epsilon, if it has a cap at all.
    #[test]
    fn within_is_at_one_order_with_a_cap() {
        let only = |order, cap| vector(move |place| if place == order { cap } else { 0 });
        let spent = vector(|_| 5);
        for order in [0, 31, 72] {
            assert!(spent.within(&only(order, 5)) && !spent.within(&only(order, 4)), "{order}");
            // What costs nothing at an order without a cap is not within it, as long as it costs anything.
            assert!(!only(order, 1).within(&RdpVector::zero()), "{order}");
        }
        assert!(RdpVector::zero().within(&RdpVector::zero()), "nothing is within any cap");
    }
}
