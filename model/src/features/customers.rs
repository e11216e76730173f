//! Customers of a table, told apart by their keys; the keys themselves are forgotten at once.

use tributary_protocol::digest::Digest;

/// The customers of rows so far. A key is kept as half of its SHA-256: no two keys of a table share one, short of 2^64 attempts.
#[derive(Default)]
pub(super) struct Customers {
    keys: Vec<([u8; 16], u32)>,
}

/// What makes a value no key of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// A spreadsheet's `6.22202E+18`: digits are gone, and several customers have become one.
    Scientific,
    /// A code that stands for nothing, such as `NULL` or `-`.
    Nothing,
    /// A floating-point number, which holds no long key to its last digit.
    Inexact,
}

/// Codes for nothing, in lower case.
const NOTHING: [&str; 16] = [
    "null",
    "(null)",
    "<null>",
    "[null]",
    "\\n",
    "n/a",
    "#n/a",
    "#null!",
    "#ref!",
    "#value!",
    "nan",
    "none",
    "nil",
    "undefined",
    "无",
    "空",
];

impl KeyFault {
    /// Judges a key that is not empty, blanks around it removed.
    pub(super) fn of(key: &str) -> Option<Self> {
        let dashes = key.chars().all(|char| matches!(char, '-' | '–' | '—' | '?' | '.' | '*' | '/'));
        if dashes || (key.len() <= 16 && NOTHING.contains(&key.to_lowercase().as_str())) {
            return Some(Self::Nothing);
        }
        scientific(key).then_some(Self::Scientific)
    }
}

/// A number with an exponent that has a sign, or with a fraction and an exponent: `1E5` and `12e4` may be keys.
fn scientific(key: &str) -> bool {
    let Some((mantissa, exponent)) = key.split_once(['e', 'E']) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa = mantissa.trim_start_matches(['+', '-']);
    let (whole, fraction) =
        mantissa.split_once(['.', ',']).map_or((mantissa, None), |(whole, rest)| (whole, Some(rest)));
    let unsigned = exponent.trim_start_matches(['+', '-']);
    let sign = unsigned.len() < exponent.len();
    digits(whole) && fraction.is_none_or(digits) && digits(unsigned) && (sign || fraction.is_some())
}

impl Customers {
    /// The customer of the next row.
    pub(super) fn add(&mut self, row: u32, key: &str) {
        let digest = Digest::of(key.as_bytes());
        let (half, _) = digest.0.split_first_chunk().expect("a digest has 32 bytes");
        self.keys.push((*half, row));
    }

    /// What a row's customer is known by, until indices are made.
    pub(super) fn key(&self, row: usize) -> Option<&[u8]> {
        self.keys.get(row).map(|(key, _)| key.as_slice())
    }

    /// A dense index for each row, in the order in which customers come first.
    pub(super) fn into_indices(self) -> Vec<u32> {
        let mut keys = self.keys;
        keys.sort_unstable();
        // The first row of each row's customer; then, in the order of rows, a number for each that is its own.
        let mut indices = vec![0; keys.len()];
        let mut first = 0;
        for (at, (key, row)) in keys.iter().enumerate() {
            if at == 0 || keys[at - 1].0 != *key {
                first = *row;
            }
            indices[*row as usize] = first;
        }
        drop(keys);
        let mut next = 0;
        for row in 0..indices.len() {
            let first = indices[row] as usize;
            indices[row] = if first == row { next } else { indices[first] };
            next += u32::from(first == row);
        }
        indices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_dense_in_the_order_of_first_rows() {
        let mut customers = Customers::default();
        for (row, key) in (0..).zip(["b", "a", "b", "c", "a", "d"]) {
            customers.add(row, key);
        }
        assert_eq!(customers.into_indices(), [0, 1, 0, 2, 1, 3]);
        assert!(Customers::default().into_indices().is_empty());
    }

    #[test]
    fn what_a_spreadsheet_made_of_a_key_is_no_key() {
        for key in ["6.22202E+18", "6.22202e18", "6,22202E+18", "1E+05", "-1.5e-3"] {
            assert_eq!(KeyFault::of(key), Some(KeyFault::Scientific), "{key}");
        }
        for key in ["NULL", "null", "-", "--", "N/A", "#N/A", "\\N", "nan", "None", "?", "空"] {
            assert_eq!(KeyFault::of(key), Some(KeyFault::Nothing), "{key}");
        }
        for key in [
            "12e4",
            "1E5",
            "0012e45",
            "622202000000000001",
            "b001c000000",
            "E+5",
            "A-7",
            "1.5",
            "e",
            "1e+",
            "nullmann",
            "0",
        ] {
            assert_eq!(KeyFault::of(key), None, "{key}");
        }
    }
}
