//! What a branch's people do about a customer: stages of its life by ordered rules, and for each stage a suggested action with the risk notice that goes with
//! it. `actions.toml`, which the owner of the data reads and signs; `docs/SCORING.md` explains every key.

mod parse;
mod signed;
mod words;

use tributary_model::features::Cell;
use tributary_model::schema::Decimal;
use tributary_protocol::digest::Digest;
use tributary_protocol::roster::MemberName;
use tributary_texts::Said;

pub(crate) use self::signed::owned_actions;
pub use self::signed::{init_actions, show_actions, sign_actions};
use crate::data::Wanted;

/// A commented file with every key.
pub const SAMPLE: &str = include_str!("../../../../docs/samples/actions.toml");

/// Stages, in the order in which they are tried.
#[derive(Clone, PartialEq)]
pub struct Actions {
    /// The branch that they are for; any branch of their owner, where they name none.
    pub(crate) branch: Option<MemberName>,
    /// Digest of the schema whose fields they look at.
    pub(crate) schema: Digest,
    stages: Vec<Stage>,
    /// What is looked at of a customer.
    wanted: Vec<Wanted>,
}

/// One stage.
#[derive(Clone, PartialEq)]
pub(crate) struct Stage {
    /// Its name, which files have in every language.
    pub(crate) name: String,
    /// All must hold; without any the stage is everybody's.
    conditions: Vec<Condition>,
    /// What is suggested.
    pub(crate) action: Said,
    /// What the customer must be told with it.
    pub(crate) notice: Said,
}

/// What must hold of one value.
#[derive(Clone, PartialEq)]
struct Condition {
    /// Which of the wanted cells.
    subject: usize,
    /// Texts that mean no value, beside the empty one.
    missing_codes: Vec<String>,
    rule: Rule,
}

#[derive(Clone, PartialEq)]
enum Rule {
    /// Whether there is none.
    Missing(bool),
    /// A number from the first one up to, not including, the second one.
    Number(Option<f64>, Option<f64>),
    /// One of these.
    Is(Vec<String>),
}

impl Actions {
    /// What is to be known of a customer, in this order.
    pub(crate) fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }

    /// A stage by its number.
    pub(crate) fn stage(&self, number: usize) -> Option<&Stage> {
        self.stages.get(number)
    }

    /// The first stage whose conditions hold, by its number; nothing where none has such conditions. `cells` are those that are wanted.
    pub(crate) fn stage_of(&self, cells: &[Cell<'_>], decimal: Decimal) -> Option<usize> {
        let cell = |condition: &Condition| cells.get(condition.subject).copied().unwrap_or(Cell::Missing);
        let holds = |stage: &Stage| stage.conditions.iter().all(|own| own.holds(cell(own), decimal));
        self.stages.iter().position(holds)
    }
}

impl Condition {
    /// A value that is missing, or no number where one is looked for, fits nothing but `missing = true`.
    fn holds(&self, cell: Cell<'_>, decimal: Decimal) -> bool {
        let text = match cell {
            Cell::Text(text) => Some(text.trim()),
            _ => None,
        };
        let number = match cell {
            Cell::Missing => None,
            Cell::Text(text) => decimal.number(text.trim()),
            #[expect(clippy::cast_precision_loss, reason = "what a field reads is a double")]
            Cell::Integer(number) => Some(number as f64),
            Cell::Number(number) => Some(number).filter(|number| number.is_finite()),
        };
        let is =
            |code: &String| text == Some(code.as_str()) || (number.is_some() && Decimal::Point.number(code) == number);
        let missing = match cell {
            Cell::Missing => true,
            _ => text == Some("") || self.missing_codes.iter().any(is),
        };
        match &self.rule {
            Rule::Missing(wanted) => missing == *wanted,
            Rule::Number(from, below) => {
                let within =
                    |number: f64| from.is_none_or(|from| number >= from) && below.is_none_or(|below| number < below);
                !missing && number.is_some_and(within)
            }
            Rule::Is(codes) => !missing && codes.iter().any(is),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;

#[cfg(test)]
mod holds_tests;
