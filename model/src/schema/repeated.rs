//! What stands in a list twice.

use std::collections::BTreeSet;

use super::dialect::Decimal;
use super::number::finite;

/// The first text that comes a second time.
pub(super) fn repeated<'a>(texts: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = BTreeSet::new();
    texts.into_iter().find(|text| !seen.insert(*text))
}

/// The first text that comes a second time, or is the same number as one before it.
pub(super) fn repeated_value<'a>(texts: &[&'a str]) -> Option<&'a str> {
    repeated(texts.iter().copied()).or_else(|| {
        let mut seen = BTreeSet::new();
        texts.iter().copied().find(|text| {
            // Both zeros are one number.
            finite(text, Decimal::Point).is_some_and(|number| !seen.insert((number + 0.0).to_bits()))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_lists_are_told_apart_as_numbers() {
        assert_eq!(repeated_value(&["1.0", "yes", "1"]), Some("1"));
        assert_eq!(repeated_value(&["yes", "no", "yes"]), Some("yes"));
        assert_eq!(repeated_value(&["0", "-0.0"]), Some("-0.0"));
        assert_eq!(repeated_value(&["1", "2", "nan", "NaN", "x"]), None);
    }
}
