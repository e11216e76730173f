//! The field of the secret shares: integers modulo l = 2^252 + 27742317777372353535851937790883648493 (RFC 8032, section 5.1).

use core::ops::{Add, Mul, Sub};

use curve25519_dalek::Scalar;
use tributary_protocol::entropy::Entropy;
use tributary_protocol::secagg::suite::FieldElement;
use zeroize::{Zeroize, Zeroizing};

/// An element of the field. It has no `Debug`: most values are shares or secrets.
///
/// `Copy`, because polynomial arithmetic needs it; whoever holds a secret element erases it with [`Zeroize`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ShareScalar(Scalar);

impl Add for ShareScalar {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for ShareScalar {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Mul for ShareScalar {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
}

impl Zeroize for ShareScalar {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl FieldElement for ShareScalar {
    fn from_u64(value: u64) -> Self {
        Self(Scalar::from(value))
    }

    /// # Panics
    /// For zero, which has no inverse: two holders of one secret never share an evaluation point.
    fn invert(self) -> Self {
        assert!(self.0 != Scalar::ZERO, "evaluation points are distinct, so that no difference is zero");
        Self(self.0.invert())
    }

    fn to_bytes(self) -> [u8; 32] {
        self.0.to_bytes()
    }

    fn from_bytes(bytes: [u8; 32]) -> Option<Self> {
        Option::from(Scalar::from_canonical_bytes(bytes)).map(Self)
    }

    fn random(entropy: &mut dyn Entropy) -> Self {
        let mut wide = Zeroizing::new([0; 64]);
        entropy.fill(wide.as_mut());
        Self(Scalar::from_bytes_mod_order_wide(&wide))
    }
}
