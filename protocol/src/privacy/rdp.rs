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
