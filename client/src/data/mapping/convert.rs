//! What becomes of one value.

use std::borrow::Cow;
use std::fmt;

use time::Date as Calendar;
use tributary_model::features::{Cell, ValueKind};
use tributary_model::schema::Decimal;
use tributary_protocol::plan::Date;

use super::day::{DayForm, EPOCH};
use super::rule::{Conversion, Rule};

/// Why a value could not be converted, without a word of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum ConvertFault {
    /// It is no day of that form.
    NoDay(ValueKind, DayForm),
    /// It comes after the day of the data.
    Future(Date),
}

impl fmt::Display for ConvertFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDay(found, form) => write!(
                formatter,
                "{found} where a date is expected, written {}; correct the export, or give the value a meaning in the mapping's codes",
                form.name()
            ),
            Self::Future(data) => write!(
                formatter,
                "a date after the day of the data ({data}), and nothing may be known from the future; correct the date, or the day of the data"
            ),
        }
    }
}

impl Rule {
    /// Converts a value; `data` is the day of the data, without which no day is counted.
    pub(in crate::data) fn convert<'row>(
        &'row self,
        cell: Cell<'row>,
        decimal: Decimal,
        data: Option<Date>,
    ) -> Result<Cell<'row>, ConvertFault> {
        let cell = self.decoded(cell);
        match self.conversion {
            Conversion::AsItIs => Ok(cell),
            Conversion::Number { trailing_sign, money } => {
                let number = match cell {
                    Cell::Missing => None,
                    Cell::Text(text) => number(text.trim(), decimal, trailing_sign),
                    #[expect(clippy::cast_precision_loss, reason = "what a field reads is a double")]
                    Cell::Integer(number) => Some(number as f64),
                    Cell::Number(number) => Some(number),
                };
                // What is no number stays as it is: the schema may have a code for it, and names its faults.
                let converted = |number: f64| money.map_or(number, |(from, to)| from.to(to, number));
                Ok(number.map_or(cell, |number| Cell::Number(converted(number))))
            }
            Conversion::Day(form, counted) => {
                let digits;
                let text = match cell {
                    Cell::Missing => return Ok(Cell::Missing),
                    Cell::Text(text) if text.trim().is_empty() => return Ok(Cell::Missing),
                    Cell::Text(text) => text.trim(),
                    Cell::Integer(number) => {
                        digits = number.to_string();
                        &digits
                    }
                    Cell::Number(_) => return Err(ConvertFault::NoDay(ValueKind::Number, form)),
                };
                let day = form.read(text).ok_or_else(|| ConvertFault::NoDay(ValueKind::of(text), form))?;
                let data = data.unwrap_or(Date::LAST);
                let today = Calendar::from_julian_day(i32::try_from(data.0).unwrap_or(i32::MAX).saturating_add(EPOCH));
                let today = today.unwrap_or(Calendar::MAX);
                counted.between(day, today).map(Cell::Number).ok_or(ConvertFault::Future(data))
            }
        }
    }

    /// What a code stands for; a value that is none stays as it is. An empty meaning is a missing value.
    fn decoded<'row>(&'row self, cell: Cell<'row>) -> Cell<'row> {
        if self.codes.is_empty() {
            return cell;
        }
        let written = written(&cell);
        let text = written.trim();
        self.codes.iter().find(|(code, _)| code == text).map_or(cell, |(_, meaning)| Cell::Text(meaning))
    }
}

/// A value as a text would have it; empty where there is none.
pub(in crate::data) fn written<'row>(cell: &Cell<'row>) -> Cow<'row, str> {
    match cell {
        Cell::Missing => Cow::Borrowed(""),
        Cell::Text(text) => Cow::Borrowed(text),
        Cell::Integer(number) => Cow::Owned(number.to_string()),
        Cell::Number(number) => Cow::Owned(number.to_string()),
    }
}

/// A number, perhaps with its sign after it.
fn number(text: &str, decimal: Decimal, trailing_sign: bool) -> Option<f64> {
    let signed =
        trailing_sign.then(|| text.strip_suffix(['-', '+']).map(|rest| (rest.trim_end(), text.ends_with('-'))));
    match signed.flatten() {
        Some((rest, _)) if rest.starts_with(['-', '+']) => None,
        Some((rest, negative)) => decimal.number(rest).map(|number| if negative { -number } else { number }),
        None => decimal.number(text),
    }
}
