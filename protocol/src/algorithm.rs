//! Which algorithm made a key, a signature or a digest: a number beside each of them, so that others can follow without a migration.
//!
//! | number | signatures | key agreement | hashes |
//! |---|---|---|---|
//! | 1 | Ed25519 (RFC 8032) | X25519 with ML-KEM-768 | SHA-256 for what is encoded, BLAKE3 for vectors |
//! | 2 | kept for SM2 with SM3 | kept for SM2 | kept for SM3 |
//! | 3 | kept for ML-DSA-65 | | |
//! | 255 | the toy suite of tests | the toy suite | |
//!
//! A number is never used again for something else. A message with an unknown number can be decoded, so that its receiver can say which number
//! it was; no suite accepts it ([`UnknownAlgorithm`]).
//!
//! Why nothing can be downgraded:
//! - A key has its algorithm. Keys stand in signed bodies (roster, grants, budgets) or are pinned, each with its number.
//! - A signature is judged by the algorithm of its key. One that claims another algorithm is refused.
//! - What is signed begins with the number of the hashes ([`signed_message`](crate::signed::signed_message)), and that covers every digest in
//!   the body. Files begin with it as well ([`crate::log`]). Messages that nobody signs have the hashes of their protocol version.

use core::fmt;

use serde::{Deserialize, Serialize};

/// An algorithm that this release does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} of algorithm {number}, which this release does not know; use a release that knows it, or an algorithm that every machine knows"
)]
pub struct UnknownAlgorithm {
    /// A key, a signature, the hashes.
    pub what: &'static str,
    /// The number found.
    pub number: u8,
}

macro_rules! algorithm {
    ($(#[$doc:meta])* $name:ident, $what:literal, [$($(#[cfg($when:meta)])? $each:literal $constant:ident = $number:literal, $text:literal;)+]) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(u8);

        impl $name {
            $($(#[cfg($when)])? #[doc = $each] pub const $constant: Self = Self($number);)+

            /// The algorithm of a number, known or not.
            #[must_use]
            pub const fn of_number(number: u8) -> Self {
                Self(number)
            }

            /// Its number, for encodings.
            #[must_use]
            pub const fn number(self) -> u8 {
                self.0
            }

            /// Its name in texts; nothing for an unknown one.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $($(#[cfg($when)])? Self::$constant => Some($text),)+
                    _ => None,
                }
            }

            /// The algorithm of a name.
            #[must_use]
            pub fn of_name(name: &str) -> Option<Self> {
                match name {
                    $($(#[cfg($when)])? $text => Some(Self::$constant),)+
                    _ => None,
                }
            }

            /// Refuses every other algorithm than these.
            ///
            /// # Errors
            /// [`UnknownAlgorithm`].
            pub fn one_of(self, known: &[Self]) -> Result<(), UnknownAlgorithm> {
                if known.contains(&self) { Ok(()) } else { Err(UnknownAlgorithm { what: $what, number: self.0 }) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => formatter.write_str(name),
                    None => write!(formatter, "algorithm-{}", self.0),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{self}")
            }
        }
    };
}

algorithm!(
    /// How a signature is made, and what its key is.
    SignatureAlgorithm, "a signing key or a signature", [
        "Ed25519 (RFC 8032): keys of 32 bytes, signatures of 64."
        ED25519 = 1, "ed25519";
        #[cfg(any(test, feature = "toy"))]
        "The toy suite's."
        TOY = 255, "toy";
    ]
);

algorithm!(
    /// How two members agree on a secret.
    ExchangeAlgorithm, "a session key", [
        "X25519 (RFC 7748) together with ML-KEM-768 (FIPS 203)."
        X25519_ML_KEM_768 = 1, "x25519-ml-kem-768";
        #[cfg(any(test, feature = "toy"))]
        "The toy suite's."
        TOY = 255, "toy";
    ]
);

algorithm!(
    /// The two hashes of a federation: of what is encoded, and of vectors. Which of them made a digest follows from its field.
    Hashes, "digests", [
        "SHA-256 (FIPS 180-4) for what is encoded, BLAKE3 for vectors."
        SHA256_BLAKE3 = 1, "sha256-blake3";
    ]
);

impl Hashes {
    /// Those of this release.
    pub const CURRENT: Self = Self::SHA256_BLAKE3;
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    /// Frozen: the numbers stand in every signed body and every file.
    #[test]
    fn numbers_and_names_are_fixed() {
        assert_eq!((SignatureAlgorithm::ED25519.number(), ExchangeAlgorithm::X25519_ML_KEM_768.number()), (1, 1));
        assert_eq!((Hashes::CURRENT.number(), Hashes::CURRENT.to_string().as_str()), (1, "sha256-blake3"));
        assert_eq!(SignatureAlgorithm::of_name("ed25519"), Some(SignatureAlgorithm::ED25519));
        assert_eq!(SignatureAlgorithm::of_name("Ed25519"), None);
        assert_eq!(SignatureAlgorithm::of_number(1), SignatureAlgorithm::ED25519);
    }

    #[test]
    fn an_unknown_number_is_kept_and_refused_by_its_number() {
        let later = SignatureAlgorithm::of_number(3);
        assert_eq!((later.name(), later.to_string().as_str()), (None, "algorithm-3"));
        assert_eq!(SignatureAlgorithm::ED25519.one_of(&[SignatureAlgorithm::ED25519]), Ok(()));
        let refused = later.one_of(&[SignatureAlgorithm::ED25519]).unwrap_err();
        assert_eq!(refused, UnknownAlgorithm { what: "a signing key or a signature", number: 3 });
        assert!(refused.to_string().contains("algorithm 3, which this release does not know; use a release"));
    }
}
