//! The number of a revocation list: up to 20 octets (RFC 5280, section 5.2.3), which grow with every list of an issuer.

use core::fmt;

use crate::lines::{hex, unhex};

/// Octets of the longest number.
const OCTETS: usize = 20;

/// A list's number, big-endian. The larger one is the newer list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListNumber([u8; OCTETS]);

impl ListNumber {
    /// From big-endian octets; leading zeros do not matter. `None` for more than 20 that count.
    #[must_use]
    pub fn from_be_bytes(bytes: &[u8]) -> Option<Self> {
        let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
        let counting = &bytes[first..];
        let mut octets = [0; OCTETS];
        octets.get_mut(OCTETS.checked_sub(counting.len())?..)?.copy_from_slice(counting);
        Some(Self(octets))
    }

    /// The next number; `None` after the largest positive one that 20 octets hold.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        let mut octets = self.0;
        for octet in octets.iter_mut().rev() {
            let (sum, carry) = octet.overflowing_add(1);
            *octet = sum;
            if !carry {
                break;
            }
        }
        // The first bit is the sign of the encoding.
        (octets[0] < 0x80 && octets > self.0).then_some(Self(octets))
    }

    /// The octets that count, big-endian; one at least.
    #[must_use]
    pub fn to_be_bytes(&self) -> &[u8] {
        let first = self.0.iter().position(|byte| *byte != 0).unwrap_or(OCTETS - 1);
        &self.0[first..]
    }

    pub(crate) fn to_hex(self) -> String {
        hex(self.to_be_bytes())
    }

    /// What [`ListNumber::to_hex`] wrote, and nothing else.
    pub(crate) fn of_hex(text: &str) -> Option<Self> {
        Self::from_be_bytes(&unhex(text)?).filter(|number| number.to_hex() == text)
    }
}

impl From<u64> for ListNumber {
    fn from(number: u64) -> Self {
        let mut octets = [0; OCTETS];
        octets[OCTETS - 8..].copy_from_slice(&number.to_be_bytes());
        Self(octets)
    }
}

/// In decimal where it fits a usual number, else in hexadecimal.
impl fmt::Display for ListNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_last_chunk::<8>() {
            Some((front, last)) if front.iter().all(|byte| *byte == 0) => {
                write!(formatter, "{}", u64::from_be_bytes(*last))
            }
            _ => write!(formatter, "0x{}", self.to_hex()),
        }
    }
}

impl fmt::Debug for ListNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_twenty_octets_have_an_order() {
        let largest = ListNumber::from_be_bytes(&[[0x7f].as_slice(), &[0xff; 19]].concat()).unwrap();
        assert_eq!(largest.next(), None);
        assert_eq!(ListNumber::from_be_bytes(&[0xff; 20]).and_then(ListNumber::next), None);
        assert_eq!(ListNumber::from_be_bytes(&[1; 21]), None);
        assert_eq!(ListNumber::from_be_bytes(&[[0; 9].as_slice(), &[1; 20]].concat()).unwrap().to_be_bytes(), [1; 20]);
        let numbers = [0, 1, 255, 256, u64::MAX].map(ListNumber::from);
        for (number, next) in numbers.iter().zip([1, 2, 256, 257]) {
            assert_eq!(number.next(), Some(ListNumber::from(next)));
        }
        let beyond = numbers[4].next().unwrap();
        assert_eq!(beyond.to_be_bytes(), [1, 0, 0, 0, 0, 0, 0, 0, 0]);
        let sorted = [numbers.as_slice(), &[beyond, largest]].concat();
        assert!(sorted.is_sorted() && sorted.windows(2).all(|pair| pair[0] < pair[1]));
        for number in sorted {
            assert_eq!(ListNumber::of_hex(&number.to_hex()), Some(number));
            assert_eq!(ListNumber::from_be_bytes(number.to_be_bytes()), Some(number));
        }
        assert_eq!((ListNumber::of_hex("0001"), ListNumber::of_hex("1"), ListNumber::of_hex("")), (None, None, None));
        assert_eq!((numbers[2].to_string(), beyond.to_string()), ("255".to_owned(), "0x010000000000000000".to_owned()));
    }
}
