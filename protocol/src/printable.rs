//! Text of others, made fit for a screen, a log, a report and a page.
//!
//! A peer, a certificate or a file of another party may hold line ends, escapes of a terminal and marks of direction. Printed as they are, they
//! forge lines of a log, hide what was said, or swap what is read. So each such character is shown as `\u{202e}`, and the length is bounded.
//!
//! Two types keep it from being forgotten. [`Untrusted`] is text as it came, which travels and is signed byte for byte; it can only be printed
//! escaped. [`Printable`] is text that was escaped already.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};
use core::fmt;

use serde::{Deserialize, Serialize};

/// Longest printable text, in characters, the dots of a cut one among them.
pub const PRINTABLE_CHARACTERS_MAX: usize = 600;

/// Whether a text is one line that says something, and that its readers see whole.
#[must_use]
pub fn is_one_line(text: &str) -> bool {
    let whole = !text.is_empty() && text.trim() == text && !text.contains(is_hidden);
    whole && text.chars().count() <= PRINTABLE_CHARACTERS_MAX
}

/// So many of something, in English: `1 run`, `2 runs`, `2 branches`, `2 entries`.
#[must_use]
pub fn counted(count: impl fmt::Display, one: &str) -> String {
    let count = count.to_string();
    match one.strip_suffix('y') {
        _ if count == "1" => format!("1 {one}"),
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{count} {stem}ies"),
        _ if one.ends_with("ch") || one.ends_with('s') => format!("{count} {one}es"),
        _ => format!("{count} {one}s"),
    }
}

/// Ends a text that was cut.
const CUT: &str = "...";

/// Whether a character is never shown as it is: controls, line ends, marks of direction, and what has no shape of its own.
#[must_use]
pub const fn is_hidden(character: char) -> bool {
    matches!(character,
        // Controls: C0, DEL, C1.
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        // Without a shape: soft hyphen, joiners, fillers, vowel separators.
        | '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{3164}' | '\u{ffa0}'
        // Marks of direction, spaces without width, line and paragraph ends, isolates, deprecated formatting.
        | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        // Annotations, musical formatting, tags.
        | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}

/// Text without a hidden character, of at most [`PRINTABLE_CHARACTERS_MAX`] characters. Making it again from its own text changes nothing.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Printable(String);

impl Printable {
    /// Escapes and bounds a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut out = String::new();
        let (mut length, mut kept) = (0, 0);
        for character in text.chars() {
            let hidden = is_hidden(character);
            let more = if hidden { character.escape_unicode().count() } else { 1 };
            if length + more > PRINTABLE_CHARACTERS_MAX {
                out.truncate(kept);
                out.push_str(CUT);
                break;
            }
            match hidden {
                true => out.extend(character.escape_unicode()),
                false => out.push(character),
            }
            length += more;
            if length <= PRINTABLE_CHARACTERS_MAX - CUT.len() {
                kept = out.len();
            }
        }
        Self(out)
    }

    /// The same of bytes that should be UTF-8. What is not is shown as the replacement character.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        // No character takes more than four bytes.
        let seen = bytes.len().min(4 * PRINTABLE_CHARACTERS_MAX + 4);
        Self::new(&String::from_utf8_lossy(&bytes[..seen]))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::ops::Deref for Printable {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Printable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl fmt::Debug for Printable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{}\"", self.0)
    }
}

impl PartialEq<str> for Printable {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Printable {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl From<&str> for Printable {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Printable {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl From<Printable> for String {
    fn from(text: Printable) -> Self {
        text.0
    }
}

/// Text as another party wrote it. It travels, and is signed, compared and hashed, byte for byte; whoever prints it prints it escaped.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// The text as it came: for digests, signatures, comparisons and limits, and never for a person.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// The text for a person.
    #[must_use]
    pub fn printable(&self) -> Printable {
        Printable::new(&self.0)
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.printable().fmt(formatter)
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.printable(), formatter)
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString as _;

    use proptest::prelude::*;

    use super::*;
    use crate::codec::{decode, encode};

    #[test]
    fn one_is_said_of_one() {
        let said = |one| [0, 1, 2, 11].map(|count| counted(count, one));
        assert_eq!(said("run"), ["0 runs", "1 run", "2 runs", "11 runs"]);
        assert_eq!(said("entry"), ["0 entries", "1 entry", "2 entries", "11 entries"]);
        assert_eq!(said("branch")[1..3], ["1 branch", "2 branches"]);
        assert_eq!(said("day")[1..3], ["1 day", "2 days"]);
        assert_eq!(said("address")[1..3], ["1 address", "2 addresses"]);
    }

    #[test]
    fn one_line_says_something_is_trimmed_and_has_six_hundred_characters_at_most() {
        let whole = ["a", "two words", "北京"].map(str::to_owned).into_iter().chain(["é".repeat(600)]);
        assert!(whole.into_iter().all(|text| is_one_line(&text)));
        let others = ["", " a", "a ", "a\nb", "a\u{202e}b"].map(str::to_owned).into_iter().chain(["é".repeat(601)]);
        assert!(others.into_iter().all(|text| !is_one_line(&text)));
    }

    #[test]
    fn each_hidden_character_is_shown_by_its_number_and_every_other_one_as_it_is() {
        let table = [
            ("", ""),
            ("branch-01 of Zürich, 北京, 🏦", "branch-01 of Zürich, 北京, 🏦"),
            ("a\nFAULT b", "a\\u{a}FAULT b"),
            ("a\r\tb\0", "a\\u{d}\\u{9}b\\u{0}"),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("\u{7f}\u{85}\u{9b}31m", "\\u{7f}\\u{85}\\u{9b}31m"),
            ("user\u{202e}gnp.exe", "user\\u{202e}gnp.exe"),
            ("\u{61c}\u{200b}\u{200e}\u{200f}\u{feff}", "\\u{61c}\\u{200b}\\u{200e}\\u{200f}\\u{feff}"),
            ("\u{2028}\u{2029}\u{2066}\u{2069}\u{2060}", "\\u{2028}\\u{2029}\\u{2066}\\u{2069}\\u{2060}"),
            ("\u{e0001}\u{e007f}", "\\u{e0001}\\u{e007f}"),
            ("\u{ad}\u{3164}", "\\u{ad}\\u{3164}"),
        ];
        for (text, shown) in table {
            assert_eq!(Printable::new(text).as_str(), shown);
            assert_eq!(Untrusted::from(text).to_string(), shown);
            assert_eq!(format!("{:?}", Untrusted::from(text)), format!("\"{shown}\""));
        }
        assert_eq!(Printable::of_bytes(b"a\xff\x1bb").as_str(), "a\u{fffd}\\u{1b}b");
    }

    #[test]
    fn a_long_text_is_cut_at_a_whole_character_and_says_so() {
        let long = "ä".repeat(PRINTABLE_CHARACTERS_MAX);
        assert_eq!(Printable::new(&long).as_str(), long);
        let cut = Printable::new(&format!("{long}ä"));
        assert_eq!(cut.as_str(), format!("{}...", "ä".repeat(PRINTABLE_CHARACTERS_MAX - 3)));
        let escapes = Printable::new(&"\u{1b}".repeat(1 << 20));
        assert!(escapes.ends_with("\\u{1b}...") && escapes.chars().count() <= PRINTABLE_CHARACTERS_MAX);
        assert_eq!(Printable::of_bytes(&[b'x'; 1 << 20]), Printable::new(&"x".repeat(1 << 20)));
        // An escape is whole or left out: here it has five characters.
        let before_escape = |count: usize| Printable::new(&["x".repeat(count), "\n".into()].concat()).to_string();
        assert_eq!(before_escape(595), ["x".repeat(595), "\\u{a}".into()].concat());
        assert_eq!(before_escape(596), ["x".repeat(596), "...".into()].concat());
        let wide = |count: usize| "🏦".repeat(count);
        assert_eq!(Printable::of_bytes(wide(600).as_bytes()).as_str(), wide(600));
        assert_eq!(Printable::of_bytes(wide(601).as_bytes()).as_str(), [wide(597), "...".into()].concat());
    }

    #[test]
    fn printable_text_is_made_of_any_text_and_compared_as_it_is_shown() {
        let (borrowed, owned) = (Printable::from("a\nb"), Printable::from(String::from("a\nb")));
        assert_eq!((&borrowed, borrowed.len()), (&owned, 7));
        let (same, other) = ("a\\u{a}b", "a\nb");
        assert!(borrowed == same && borrowed == *same);
        assert!(borrowed != other && borrowed != *other);
        assert_eq!((format!("{borrowed:>8}|"), String::from(borrowed)), (format!(" {same}|"), String::from(same)));
        let untrusted = Untrusted::from(String::from(other));
        assert_eq!((untrusted.raw(), untrusted.printable()), (other, owned));
    }

    /// What is signed is what was sent, and one value has one encoding.
    #[test]
    fn untrusted_text_travels_as_it_is() {
        let text = Untrusted::from("a\u{202e}\n");
        assert_eq!(text.raw(), "a\u{202e}\n");
        assert_eq!(encode(&text), encode(&"a\u{202e}\n"));
        assert_eq!(decode::<Untrusted>(&encode(&text), 100), Ok(text));
    }

    fn characters() -> impl Strategy<Value = String> {
        let special = "\u{1b}\n\r\t\0\u{9b}\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}\\.{}";
        let special = prop::sample::select(special.chars().collect::<alloc::vec::Vec<_>>());
        prop::collection::vec(prop_oneof![any::<char>(), special], 0..900).prop_map(|all| all.into_iter().collect())
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left_the_length_is_bounded_and_twice_is_once(text in characters()) {
            let shown = Printable::new(&text);
            prop_assert!(!shown.chars().any(is_hidden));
            prop_assert!(!shown.chars().any(char::is_control));
            prop_assert!(shown.chars().count() <= PRINTABLE_CHARACTERS_MAX);
            prop_assert_eq!(Printable::new(&shown), shown.clone());
            let plain = !text.chars().any(is_hidden) && text.chars().count() <= PRINTABLE_CHARACTERS_MAX;
            prop_assert_eq!(plain, shown.as_str() == text);
        }
    }
}
