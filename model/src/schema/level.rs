//! What the level of a field's data asks of its handling: one table for whoever reads a schema, judges a plan, or takes part in one.
//!
//! The levels are those of JR/T 0197-2020. `docs/SCHEMA.md` says what each asks, and why.

/// How much harm a leak does, as the institution grades it. There is no level 5: important data are refused when a schema is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Low.
    L1,
    /// Personal.
    L2,
    /// Sensitive.
    L3,
    /// Severe.
    L4,
}

/// Which reason a field must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// None.
    Free,
    /// A schema without one is read, and whoever approves a plan is told to ask for it.
    Asked,
    /// Its own, or the schema's for all fields.
    Needed,
    /// Its own.
    Own,
}

impl Level {
    /// Each of them, in ascending order.
    pub const ALL: [Self; 4] = [Self::L1, Self::L2, Self::L3, Self::L4];

    /// Its number in the standard.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::L1 => 1,
            Self::L2 => 2,
            Self::L3 => 3,
            Self::L4 => 4,
        }
    }

    /// The word beside the number.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::L1 => "low",
            Self::L2 => "personal",
            Self::L3 => "sensitive",
            Self::L4 => "severe",
        }
    }

    /// Which reason an input of this level must have. An audit column must always have its own.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::L1 => Reason::Free,
            Self::L2 => Reason::Asked,
            Self::L3 => Reason::Needed,
            Self::L4 => Reason::Own,
        }
    }

    /// Whether the owner of the data must grant each field by its name.
    #[must_use]
    pub const fn is_granted_by_name(self) -> bool {
        matches!(self, Self::L4)
    }
}

/// For people.
impl std::fmt::Display for Level {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "level {} ({})", self.number(), self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_a_leak_harms_the_more_is_asked() {
        let reasons = [Reason::Free, Reason::Asked, Reason::Needed, Reason::Own];
        assert_eq!(Level::ALL.map(Level::reason), reasons);
        assert_eq!(Level::ALL.map(Level::number), [1, 2, 3, 4]);
        assert_eq!(Level::ALL.map(Level::is_granted_by_name), [false, false, false, true]);
        assert_eq!(Level::L3.to_string(), "level 3 (sensitive)");
    }
}
