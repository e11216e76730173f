//! Numbers as files write them.

use super::dialect::Decimal;

/// Most bytes of a number that are looked at.
const NUMBER_BYTES_MAX: usize = 64;

/// A number of a file, blanks around it removed. NaN and infinities are given as they are: who reads decides.
pub(crate) fn parse(text: &str, decimal: Decimal) -> Option<f64> {
    match decimal {
        Decimal::Point => text.parse().ok(),
        Decimal::Comma => with_comma(text),
    }
}

/// A number that has a value, for comparing with others.
pub(crate) fn finite(text: &str, decimal: Decimal) -> Option<f64> {
    // Most texts begin with a letter: they are no numbers, and neither are `nan` and `inf` to compare with.
    let begins = |byte: &u8| byte.is_ascii_digit() || b"+-.,".contains(byte);
    text.as_bytes().first().filter(|byte| begins(byte))?;
    parse(text, decimal).filter(|number| number.is_finite())
}

impl Decimal {
    /// A number of a file, without blanks around it; nothing where it is none, or has no value.
    #[must_use]
    pub fn number(self, text: &str) -> Option<f64> {
        finite(text, self)
    }
}

/// `1250,00` or `1.250,00`, with an exponent or without.
fn with_comma(text: &str) -> Option<f64> {
    if text.len() > NUMBER_BYTES_MAX {
        return None;
    }
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let (sign, digits) = match mantissa.strip_prefix(['-', '+']) {
        Some(digits) => (&mantissa[..1], digits),
        None => ("", mantissa),
    };
    let (whole, fraction) = digits.split_once(',').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let grouped = whole.contains('.') && grouped(whole, '.');
    if !(grouped || plain(whole)) || !plain(fraction) {
        // Words such as NaN are the same in both.
        return text.parse().ok().filter(|number: &f64| !number.is_finite());
    }
    let whole: String = whole.chars().filter(|char| *char != '.').collect();
    format!("{sign}{whole}.{fraction}{exponent}").parse().ok()
}

/// Whether digits stand in groups of three, the first one of one to three that does not begin with a zero.
pub(crate) fn grouped(whole: &str, separator: char) -> bool {
    let mut groups = whole.split(separator);
    let first = groups.next().unwrap_or_default();
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let begins = (1..=3).contains(&first.len()) && digits(first) && !first.starts_with('0');
    begins && groups.all(|group| group.len() == 3 && digits(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_comma_is_read_and_nothing_else_is_guessed() {
        for (text, number) in [
            ("1250,00", 1250.0),
            ("1.250,00", 1250.0),
            ("-12.345.678,5", -12_345_678.5),
            ("+0,125", 0.125),
            ("1.250", 1250.0),
            (",5", 0.5),
            ("7", 7.0),
            ("1,5E+03", 1500.0),
        ] {
            assert_eq!(with_comma(text), Some(number), "{text}");
        }
        for text in
            ["1.25", "1250.00", "0.125", "1.2500,0", "1,2,3", "1,250.00", "", "-", "x", "1.", ".250", "12.34,5", "--1"]
        {
            assert_eq!(with_comma(text), None, "{text}");
        }
        assert!(with_comma("NaN").is_some_and(f64::is_nan));
        assert_eq!(with_comma(&"1".repeat(65)), None);
    }
}
