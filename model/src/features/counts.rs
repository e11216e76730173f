//! What a table holds, in figures for its operator's own screen: never a value, and never sent.

/// Figures of a table. They depend on rows, so that nothing of them leaves the branch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableCounts {
    /// Rows.
    pub rows: u64,
    /// Customers.
    pub customers: u64,
    /// Rows of the customer who has most.
    pub rows_of_one_customer_max: u64,
    /// One for each field, in their order.
    pub fields: Vec<FieldCounts>,
    /// One for each label, in their order.
    pub labels: Vec<LabelCounts>,
    /// Whether the file has each audit column, in their order. They are not read.
    pub audits_found: Vec<bool>,
}

/// Values of one field, by what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldCounts {
    /// The field.
    pub name: String,
    /// Its column.
    pub column: String,
    /// Whether its values are numbers.
    pub numeric: bool,
    /// Whether the file lacks the column, which the schema allows: every value is missing.
    pub absent: bool,
    /// Values that stand in the schema's place for what it does not list: nothing is lost by them.
    pub has_unlisted: bool,
    /// Empty, or a code that means missing.
    pub missing: u64,
    /// In no list.
    pub unlisted: u64,
    /// Below `min`, and counted as `min`.
    pub below: u64,
    /// `min` itself.
    pub at_min: u64,
    /// `max` itself.
    pub at_max: u64,
    /// Above `max`, and counted as `max`.
    pub above: u64,
    /// With a point.
    pub pointed: u64,
    /// With points before groups of three digits, as in `1.250`.
    pub grouped: u64,
}

/// Values of one label, by what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelCounts {
    /// The label.
    pub name: String,
    /// Its column.
    pub column: String,
    /// Values that mean 1.
    pub positive: u64,
    /// Values that mean 0.
    pub negative: u64,
    /// Values that mean "not known".
    pub missing: u64,
    /// In no list: they teach nothing.
    pub unlisted: u64,
    /// Of which empty.
    pub unlisted_empty: u64,
    /// Of which each pair of usual words, in the order of [`USUAL_WORDS`].
    pub unlisted_usual: [u64; USUAL_WORDS.len()],
}

/// What a field's value is, to be counted once its row is taken.
#[derive(Clone, Copy)]
pub(super) enum FieldTally {
    Listed,
    Missing,
    Unlisted,
    Number { number: f64, pointed: bool, grouped: bool },
}

/// What a label's value is, to be counted once its row is taken.
#[derive(Clone, Copy)]
pub(super) enum LabelTally {
    Positive,
    Negative,
    Missing,
    /// Whether it is empty, and which pair of usual words it is one of.
    Unlisted(bool, Option<usize>),
}

/// Pairs of words that files usually have for "yes" and "no", in lower case.
pub const USUAL_WORDS: [[&str; 2]; 5] = [["是", "否"], ["yes", "no"], ["y", "n"], ["true", "false"], ["1", "0"]];

impl LabelCounts {
    /// The words that most of the unlisted values are, if they are usual ones.
    #[must_use]
    pub fn usual(&self) -> Option<[&'static str; 2]> {
        let (count, words) = self.unlisted_usual.iter().zip(USUAL_WORDS).max_by_key(|(count, _)| **count)?;
        (count.saturating_mul(2) > self.unlisted.saturating_sub(self.unlisted_empty)).then_some(words)
    }

    /// Counts a value of a row that was taken.
    pub(super) fn count(&mut self, tally: LabelTally) {
        match tally {
            LabelTally::Positive => self.positive += 1,
            LabelTally::Negative => self.negative += 1,
            LabelTally::Missing => self.missing += 1,
            LabelTally::Unlisted(empty, usual) => {
                self.unlisted += 1;
                self.unlisted_empty += u64::from(empty);
                if let Some(count) = usual.and_then(|at| self.unlisted_usual.get_mut(at)) {
                    *count += 1;
                }
            }
        }
    }
}

/// Which pair of usual words a value is one of.
pub(super) fn usual_words(value: &str) -> Option<usize> {
    let lower = value.to_lowercase();
    USUAL_WORDS.iter().position(|words| words.contains(&lower.as_str()))
}

impl FieldCounts {
    /// Whether the column looks as if its points stood between thousands: every value with a point has groups of three digits after it.
    #[must_use]
    pub fn looks_grouped(&self) -> bool {
        /// Fewer values may be so by chance.
        const GROUPED_MIN: u64 = 3;
        self.grouped >= GROUPED_MIN && self.grouped == self.pointed
    }

    /// Values beyond the bounds.
    #[must_use]
    pub fn outside(&self) -> u64 {
        self.below + self.above
    }
}
