//! Amounts as whole numbers of their smallest unit, so that sums are exact whatever the order of rows is.

use std::fmt;

use tributary_model::features::Cell;
use tributary_model::schema::Decimal;

use crate::data::mapping::Money;

/// What an amount is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Money, in a unit of it: kept in fen. What is finer than a fen is a fault.
    Money(Money),
    /// A number of anything else: kept in ten-thousandths, to the nearest one.
    Plain,
}

/// Largest amount, in its smallest unit: 10^15 fen are ten trillion yuan. So no sum of 2^32 amounts comes near the end of 128 bits.
pub(super) const AMOUNT_MAX: i64 = 1_000_000_000_000_000;

/// Why a value is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AmountFault {
    Empty,
    NoNumber,
    TooFine,
    TooLarge,
}

impl fmt::Display for AmountFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Empty => "empty where an amount is expected; fill it, or leave the row out of the export",
            Self::NoNumber => "no number where an amount is expected; export it as a plain number",
            Self::TooFine => {
                "an amount that is finer than a fen, and money is counted in whole fen; look whether the mapping's unit is right"
            }
            Self::TooLarge => "an amount of more than ten trillion; look whether the mapping's unit is right",
        })
    }
}

impl Measure {
    /// How many of its smallest unit one of it has: a power of ten.
    #[must_use]
    pub fn smallest(self) -> i64 {
        match self {
            Self::Money(money) => money.fen(),
            Self::Plain => 10_000,
        }
    }

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Money(money) => money.name(),
            Self::Plain => "number",
        }
    }

    /// An amount in its smallest unit.
    pub(super) fn read(self, cell: Cell<'_>, decimal: Decimal, trailing_sign: bool) -> Result<i64, AmountFault> {
        let amount = match cell {
            Cell::Missing => return Err(AmountFault::Empty),
            Cell::Integer(number) => number.checked_mul(self.smallest()).ok_or(AmountFault::TooLarge)?,
            Cell::Number(number) => self.nearest(number)?,
            Cell::Text(text) => self.of_text(text.trim(), decimal, trailing_sign)?,
        };
        if amount.unsigned_abs() > AMOUNT_MAX.unsigned_abs() { Err(AmountFault::TooLarge) } else { Ok(amount) }
    }

    /// A floating-point number has no exact fen, so the nearest one is meant.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "below 2^53, which is looked at")]
    fn nearest(self, number: f64) -> Result<i64, AmountFault> {
        if !number.is_finite() {
            return Err(AmountFault::NoNumber);
        }
        let amount = (number * self.smallest() as f64).round();
        if amount.abs() > AMOUNT_MAX as f64 { Err(AmountFault::TooLarge) } else { Ok(amount as i64) }
    }

    fn of_text(self, text: &str, decimal: Decimal, trailing_sign: bool) -> Result<i64, AmountFault> {
        if text.is_empty() {
            return Err(AmountFault::Empty);
        }
        let (text, after) = match text.strip_suffix(['-', '+']).filter(|_| trailing_sign) {
            Some(rest) if rest.starts_with(['-', '+']) => return Err(AmountFault::NoNumber),
            Some(rest) => (rest.trim_end(), text.ends_with('-')),
            None => (text, false),
        };
        if text.contains(['e', 'E']) {
            let number = decimal.number(text).ok_or(AmountFault::NoNumber)?;
            return self.nearest(if after { -number } else { number });
        }
        let (digits, before) = match text.strip_prefix(['-', '+']) {
            Some(rest) => (rest, text.starts_with('-')),
            None => (text, false),
        };
        let point = if decimal == Decimal::Comma { ',' } else { '.' };
        let (whole, fraction) = digits.split_once(point).unwrap_or((digits, ""));
        let ungrouped;
        let whole = if decimal == Decimal::Comma && whole.contains('.') {
            let mut groups = whole.split('.').skip(1);
            if !groups.all(|group| group.len() == 3) {
                return Err(AmountFault::NoNumber);
            }
            ungrouped = whole.replace('.', "");
            &ungrouped
        } else {
            whole
        };
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !plain(whole) || !plain(fraction) {
            return Err(AmountFault::NoNumber);
        }
        let places = usize::try_from(self.smallest().ilog10()).unwrap_or_default();
        let amount = self.joined(whole, fraction, places)?;
        Ok(if before != after { -amount } else { amount })
    }

    /// The digits before and after the point, with so many places after it.
    fn joined(self, whole: &str, fraction: &str, places: usize) -> Result<i64, AmountFault> {
        let mut amount = 0_i64;
        let add = |amount: i64, digit: u8| {
            amount.checked_mul(10).and_then(|amount| amount.checked_add(i64::from(digit - b'0')))
        };
        let kept = fraction.bytes().chain(std::iter::repeat(b'0')).take(places);
        for digit in whole.bytes().chain(kept) {
            amount = add(amount, digit).ok_or(AmountFault::TooLarge)?;
        }
        let beyond = fraction.as_bytes().get(places..).unwrap_or_default();
        match (self, beyond.first()) {
            (Self::Money(_), _) if beyond.iter().any(|digit| *digit != b'0') => Err(AmountFault::TooFine),
            (Self::Plain, Some(b'5'..=b'9')) => amount.checked_add(1).ok_or(AmountFault::TooLarge),
            _ => Ok(amount),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(unit: &str, text: &str) -> Result<i64, AmountFault> {
        Measure::Money(Money::named(unit).unwrap()).read(Cell::Text(text), Decimal::Point, true)
    }

    #[test]
    fn money_is_exact_in_fen() {
        for (unit, text, fen) in [
            ("分", "12345", 12_345),
            ("元", "123.45", 12_345),
            ("元", "0.07", 7),
            ("元", "-0.10", -10),
            ("元", "123.4500", 12_345),
            ("元", "123.45-", -12_345),
            ("元", "+5", 500),
            ("元", ".5", 50),
            ("万元", "1.234567", 1_234_567),
            ("亿元", "0.0000000001", 1),
            ("元", "1e3", 100_000),
            ("元", "9007199254740.93", 900_719_925_474_093),
        ] {
            assert_eq!(money(unit, text), Ok(fen), "{text} {unit}");
        }
        for (unit, text, fault) in [
            ("元", "", AmountFault::Empty),
            ("元", "x", AmountFault::NoNumber),
            ("元", "1,000.00", AmountFault::NoNumber),
            ("元", "-", AmountFault::NoNumber),
            ("元", "--1", AmountFault::NoNumber),
            ("元", "-1-", AmountFault::NoNumber),
            ("元", ".", AmountFault::NoNumber),
            ("元", "NaN", AmountFault::NoNumber),
            ("元", "0.001", AmountFault::TooFine),
            ("分", "0.5", AmountFault::TooFine),
            ("元", "10000000000000.01", AmountFault::TooLarge),
            ("亿元", "99999999999999999999", AmountFault::TooLarge),
            ("元", "1e300", AmountFault::TooLarge),
            ("元", "１２", AmountFault::NoNumber),
        ] {
            assert_eq!(money(unit, text), Err(fault), "{text} {unit}");
        }
    }

    #[test]
    fn typed_values_are_amounts_as_well() {
        let yuan = Measure::Money(Money::Yuan);
        let read = |cell| yuan.read(cell, Decimal::Point, false);
        assert_eq!(read(Cell::Integer(-3)), Ok(-300));
        assert_eq!(read(Cell::Number(0.29)), Ok(29));
        assert_eq!(read(Cell::Missing), Err(AmountFault::Empty));
        assert_eq!(read(Cell::Number(f64::NAN)), Err(AmountFault::NoNumber));
        assert_eq!(read(Cell::Number(1e15)), Err(AmountFault::TooLarge));
        assert_eq!(read(Cell::Integer(i64::MAX)), Err(AmountFault::TooLarge));
        assert_eq!(read(Cell::Text("1-")), Err(AmountFault::NoNumber), "no sign after the number");
        let comma = |text| yuan.read(Cell::Text(text), Decimal::Comma, false);
        assert_eq!([comma("1.250,00"), comma("1250,5")], [Ok(125_000), Ok(125_050)]);
        assert_eq!([comma("1.25"), comma("12.34,5")], [Err(AmountFault::NoNumber); 2]);
        let plain = |text| Measure::Plain.read(Cell::Text(text), Decimal::Point, false);
        assert_eq!([plain("1.5"), plain("0.12345"), plain("0.12344")], [Ok(15_000), Ok(1_235), Ok(1_234)]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_ends(text in ".{0,30}", trailing in proptest::bool::ANY) {
            let _ = Measure::Plain.read(Cell::Text(&text), Decimal::Comma, trailing);
            let _ = Measure::Money(Money::TenThousandYuan).read(Cell::Text(&text), Decimal::Point, trailing);
        }

        /// Written in yuan with two digits, every number of fen comes back.
        #[test]
        fn fen_come_back(fen in -AMOUNT_MAX..=AMOUNT_MAX) {
            let text = format!("{}{}.{:02}", if fen < 0 { "-" } else { "" }, fen.abs() / 100, fen.abs() % 100);
            proptest::prop_assert_eq!(money("元", &text), Ok(fen));
        }
    }
}
