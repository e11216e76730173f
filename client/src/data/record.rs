//! One row's values as texts.

/// One row's values, and what is wrong with the way in which it is written.
#[derive(Default)]
pub(super) struct Record {
    text: String,
    ends: Vec<usize>,
    /// Of this row.
    pub(super) oddities: Vec<Oddity>,
}

/// Something about one value of a row, by the number of its column from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Oddity {
    pub(super) column: usize,
    pub(super) kind: OddityKind,
}

/// What is odd about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OddityKind {
    /// Text stands between a closing quote and the delimiter.
    TextAfterQuote,
    /// A character could not be read in the file's encoding.
    Unreadable,
    /// The column begins or ends within a character.
    CutCharacter,
    /// Not a fault: the value goes over several lines, and holds as many delimiters as a row.
    HoldsARow,
}

impl Record {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.oddities.clear();
    }

    /// Appends to the value that is being read.
    pub(super) fn extend(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// The value that is being read, so far.
    pub(super) fn open(&self) -> &str {
        &self.text[self.ends.last().copied().unwrap_or_default()..]
    }

    /// The value that is being read is complete.
    pub(super) fn close(&mut self) {
        self.ends.push(self.text.len());
    }

    pub(super) fn note(&mut self, kind: OddityKind) {
        self.oddities.push(Oddity { column: self.ends.len(), kind });
    }

    /// A value, by its number from 0; an empty one after the last.
    pub(super) fn value(&self, index: usize) -> &str {
        let begin = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.ends.get(index).map_or("", |end| &self.text[begin..*end])
    }

    /// Number of values.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The values, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| &self.text[begin..*end])
    }
}
