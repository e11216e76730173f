//! Values as people type them, one form of each in every command.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use tributary_certs::token::is_label;
use tributary_planning::dates;
use tributary_protocol::digest::Digest;
use tributary_protocol::role::Role;
use tributary_protocol::roster::StaffNumber;
use tributary_texts::Language;

use crate::day::DAY;
#[cfg(any(feature = "client", feature = "coordinator"))]
pub(crate) use crate::day::date;

/// A digest.
pub(crate) fn digest(text: &str) -> Result<Digest, &'static str> {
    Digest::from_hex(text).ok_or("a digest is 64 hexadecimal digits")
}

/// A person's staff number.
pub(crate) fn staff(text: &str) -> Result<StaffNumber, &'static str> {
    StaffNumber::parse(text).map_err(|_| {
        "a staff number is ORGANISATION/NUMBER, each 1 to 63 of a-z, 0-9, '-', '_' and '.', such as north-bank/e20417"
    })
}

/// The label of a token or of a key in it.
pub(crate) fn label(text: &str) -> Result<String, &'static str> {
    is_label(text).then(|| text.to_owned()).ok_or("a label is 1 to 64 bytes of text without control characters")
}

/// One of these by its word; help and errors list the words.
pub(crate) fn word<T: Copy + Send + Sync + 'static, const N: usize>(
    all: [T; N],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let named = move |word: String| all.into_iter().find(|one| name(*one) == word).expect("a word of the list");
    PossibleValuesParser::new(all.map(name)).map(named)
}

/// A role.
pub(crate) fn role() -> impl TypedValueParser<Value = Role> {
    word(Role::ALL, Role::name)
}

/// A second of UTC.
#[cfg(feature = "coordinator")]
pub(crate) fn moment(text: &str) -> Result<u64, &'static str> {
    const MOMENT: &str = "a time is YEAR-MONTH-DAYTHOUR:MINUTE:SECONDZ of UTC, such as 2027-01-31T14:05:00Z";
    let (day, time) = text.strip_suffix('Z').and_then(|text| text.split_once('T')).ok_or(MOMENT)?;
    let day = tributary_protocol::plan::Date::parse(day).ok_or(MOMENT)?;
    let two = |text: &str, below: u64| {
        let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number: &u64| plain && *number < below)
    };
    let mut parts = time.split(':');
    let mut part = |below| parts.next().and_then(|text| two(text, below)).ok_or(MOMENT);
    let (hour, minute, second) = (part(24)?, part(60)?, part(60)?);
    match parts.next() {
        None => Ok(day.first_second() + 3_600 * hour + 60 * minute + second),
        Some(_) => Err(MOMENT),
    }
}

/// A language by its name.
pub(crate) fn language() -> impl TypedValueParser<Value = Language> {
    PossibleValuesParser::new(Language::NAMES.map(|(name, _)| name))
        .map(|name| Language::parse(&name).expect("a name of the list"))
}

/// The first second of a day.
pub(crate) fn first_second(text: &str) -> Result<u64, &'static str> {
    dates::first_second(text).ok_or(DAY)
}

/// The last second of a day.
pub(crate) fn last_second(text: &str) -> Result<u64, &'static str> {
    dates::last_second(text).ok_or(DAY)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[arg(long, value_parser = role())]
        role: Role,
        #[arg(long, value_parser = first_second)]
        from: u64,
        #[arg(long, value_parser = last_second)]
        until: u64,
    }

    #[cfg(feature = "coordinator")]
    #[test]
    fn a_moment_has_one_form() {
        assert_eq!(moment("1970-01-02T01:02:03Z"), Ok(86_400 + 3_723));
        for text in [
            "1970-01-02",
            "1970-01-02T01:02:03",
            "1970-01-02T24:00:00Z",
            "1970-01-02T1:02:03Z",
            "1970-01-02T01:02:03:04Z",
        ] {
            assert!(moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn roles_are_typed_by_their_words_and_days_are_whole() {
        let parsed = |role: &str, from: &str, until: &str| {
            let line = Line::try_parse_from(["x", "--role", role, "--from", from, "--until", until]);
            line.map(|Line { role, from, until }| (role, from, until)).map_err(|fault| fault.to_string())
        };
        let day = 1_801_353_600;
        for role in Role::ALL {
            assert_eq!(parsed(role.name(), "2027-01-31", "2027-01-31"), Ok((role, day, day + 86_399)));
        }
        let fault = parsed("officer", "2027-01-31", "2027-01-31").unwrap_err();
        assert!(Role::ALL.iter().all(|role| fault.contains(role.name())), "{fault}");
        assert!(parsed("auditor", "2027-02-29", "2027-03-01").unwrap_err().contains("YEAR-MONTH-DAY"));
        assert!(parsed("auditor", "2027-01-31", "2027-1-31").unwrap_err().contains("YEAR-MONTH-DAY"));
    }
}
