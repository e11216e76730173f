//! Customers by their keys, and how each of them stands. A key is kept as half of its SHA-256, and forgotten with the last event.

use std::collections::HashMap;

use tributary_model::features::Cell;
use tributary_protocol::digest::Digest;

/// What a customer is known by while events are read.
pub(crate) type Key = [u8; 16];

/// How a customer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Standing {
    /// This data set's own, by a number from 0.
    Own(u32),
    /// Another branch's, or of the other data set of this branch.
    Elsewhere,
    /// Has not agreed, or has refused.
    Withheld,
    /// Nobody has named it.
    Unknown,
}

/// All customers.
#[derive(Default)]
pub(super) struct Standings {
    known: HashMap<Key, Standing>,
    own: u32,
}

/// Why a value is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum NoKey {
    Empty,
    Inexact,
}

/// The key of a text.
pub(super) fn key_of(text: &str) -> Key {
    let digest = Digest::of(text.as_bytes());
    let (half, _) = digest.0.split_first_chunk().expect("a digest has 32 bytes");
    *half
}

/// The text of a key, the same from every source. `decimal`: the source writes 7 in one row and 7.00 in another.
pub(in crate::data) fn key_text(cell: Cell<'_>, decimal: bool, read: &mut String) -> Result<(), NoKey> {
    read.clear();
    match cell {
        Cell::Missing => {}
        Cell::Number(_) => return Err(NoKey::Inexact),
        Cell::Integer(number) => read.push_str(&number.to_string()),
        Cell::Text(text) if decimal && text.contains('.') => {
            read.push_str(text.trim().trim_end_matches('0').trim_end_matches('.'));
        }
        Cell::Text(text) => read.push_str(text.trim()),
    }
    if read.is_empty() { Err(NoKey::Empty) } else { Ok(()) }
}

/// The key of a text in its plainest spelling: letters and digits alone, of one width and one case, without the zeros before a number and the ones
/// after its point. What two sources write in two ways is one here, and so may be what only looks alike: this is for refusals, which must not be missed.
pub(crate) fn plainest(text: &str) -> Key {
    let width = |letter: char| match letter {
        // The letters of full width lie as those of ASCII do.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        other => other,
    };
    let narrow: String = text.trim().chars().map(width).collect();
    let whole = match narrow.split_once('.') {
        Some((whole, rest)) if !whole.is_empty() && rest.bytes().all(|byte| byte == b'0') => whole,
        _ => &narrow,
    };
    // The point of a decimal number is no mark that somebody put between; of several points each is one.
    let decimal = whole
        .split_once('.')
        .is_some_and(|(whole, rest)| whole.bytes().chain(rest.bytes()).all(|byte| byte.is_ascii_digit()));
    let counts = |letter: &char| letter.is_alphanumeric() || (decimal && *letter == '.');
    let plain: String = whole.chars().filter(counts).flat_map(char::to_lowercase).collect();
    let digits = plain.trim_start_matches('0');
    key_of(match (plain.is_empty(), digits.is_empty()) {
        // Nothing of it is a letter or a digit.
        (true, _) => &narrow,
        (false, true) => "0",
        (false, false) => digits,
    })
}

impl Standings {
    /// Notes a customer once.
    pub(super) fn add(&mut self, key: Key, standing: Noted) {
        let standing = match standing {
            Noted::Elsewhere => Standing::Elsewhere,
            Noted::Withheld => Standing::Withheld,
            Noted::Own => {
                self.own += 1;
                Standing::Own(self.own - 1)
            }
        };
        self.known.insert(key, standing);
    }

    /// How a customer stands.
    pub(super) fn of(&self, key: &Key) -> Standing {
        self.known.get(key).copied().unwrap_or(Standing::Unknown)
    }

    /// Customers of this data set.
    pub(super) fn own(&self) -> usize {
        self.own as usize
    }

    /// Customers of this data set, with their numbers, by their keys.
    pub(super) fn in_order(&self) -> Vec<(Key, usize)> {
        let own = self.known.iter().filter_map(|(key, standing)| match standing {
            Standing::Own(number) => Some((*key, *number as usize)),
            _ => None,
        });
        let mut own: Vec<(Key, usize)> = own.collect();
        own.sort_unstable();
        own
    }

    /// Customers who have not agreed, or have refused.
    pub(super) fn withheld(&self) -> usize {
        self.known.values().filter(|standing| **standing == Standing::Withheld).count()
    }
}

/// How a customer is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    Own,
    Elsewhere,
    Withheld,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_key_are_one() {
        let of = ["C-0012", " c0012", "Ｃ００１２", "C 0012", "c\u{200b}0012\0"];
        assert!(of.iter().all(|key| plainest(key) == plainest("C0012")));
        let of = ["0012", "12", "12.0", "12.", "'0012", "１２"];
        assert!(of.iter().all(|key| plainest(key) == plainest("12")));
        let of = ["C0012", "12", "120", "12.5", "0", "否", "*", "-", "**"];
        let keys: std::collections::HashSet<Key> = of.iter().map(|key| plainest(key)).collect();
        assert_eq!((keys.len(), plainest("000"), plainest("0.00")), (of.len(), plainest("0"), plainest("0")));
    }

    fn text(cell: Cell<'_>, decimal: bool) -> Result<String, NoKey> {
        let mut read = "before".to_owned();
        key_text(cell, decimal, &mut read).map(|()| read)
    }

    #[test]
    fn one_customer_has_one_key_in_every_source() {
        for (cell, decimal) in [
            (Cell::Integer(70), false),
            (Cell::Text(" 70 "), false),
            (Cell::Text("70.00"), true),
            (Cell::Text("70."), true),
            (Cell::Text("70"), true),
        ] {
            assert_eq!(text(cell, decimal).as_deref(), Ok("70"));
        }
        assert_eq!(text(Cell::Text("70.00"), false).as_deref(), Ok("70.00"));
        assert_eq!([text(Cell::Missing, false), text(Cell::Text("  "), true)], [Err(NoKey::Empty), Err(NoKey::Empty)]);
        assert_eq!(text(Cell::Number(7.0), false), Err(NoKey::Inexact));
    }
}
