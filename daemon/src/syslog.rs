//! The parts of a line of syslog (RFC 5424), and its frame on a stream (RFC 6587, RFC 5425).

use time::OffsetDateTime;
use tributary_protocol::printable::Printable;

/// A time of this many Unix milliseconds, in UTC; `-`, which stands for no time, where no calendar has it.
#[must_use]
pub fn timestamp(unix_millis: u64) -> String {
    let at = i128::from(unix_millis) * 1_000_000;
    let Ok(at) = OffsetDateTime::from_unix_timestamp_nanos(at) else { return "-".into() };
    let (date, time) = (at.date(), at.time());
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    let (hour, minute, second, milli) = (time.hour(), time.minute(), time.second(), time.millisecond());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// One parameter of structured data, with the blank before it. What does not show in the value is escaped, and what would end it as well.
#[must_use]
pub fn parameter(name: &str, value: &str) -> String {
    let mut text = format!(" {name}=\"");
    for character in Printable::new(value).as_str().chars() {
        if matches!(character, '"' | '\\' | ']') {
            text.push('\\');
        }
        text.push(character);
    }
    text.push('"');
    text
}

/// A line with its length before it, in bytes.
#[must_use]
pub fn framed(line: &str) -> String {
    format!("{} {line}", line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_standard() {
        assert_eq!(timestamp(1_893_456_061_007), "2030-01-01T00:01:01.007Z");
        assert_eq!(timestamp(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(timestamp(u64::MAX), "-");
    }

    #[test]
    fn no_value_ends_its_parameter_or_its_line() {
        assert_eq!(parameter("who", "client 3"), " who=\"client 3\"");
        let hostile = parameter("who", "a\"]\\\n<13>1 \u{1b}[2J");
        let inner = hostile.strip_prefix(" who=\"").and_then(|rest| rest.strip_suffix('"')).unwrap();
        let mut before = ' ';
        for character in inner.chars() {
            assert!(!character.is_control(), "{hostile}");
            assert!(!matches!(character, '"' | ']') || before == '\\', "{hostile}");
            before = if before == '\\' && character == '\\' { ' ' } else { character };
        }
    }

    #[test]
    fn a_frame_counts_bytes() {
        assert_eq!(framed("<13>1 分"), "9 <13>1 分");
    }
}
