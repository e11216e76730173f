//! The steps of a statement: each a query over the one before.

use std::fmt::Write as _;

use super::super::ExportFault;
use super::super::column::NUMBER_CHARACTERS_MAX;
use super::dialect::{COLUMNS_MAX, Dialect};

/// The column that tells rows apart, in every step.
pub(super) const KEY: &str = "row_key";

/// The steps so far.
pub(super) struct Steps {
    text: String,
    count: usize,
    fence: Option<&'static str>,
}

impl Steps {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { text: String::new(), count: 0, fence: dialect.fence() }
    }

    /// A query over the last step. `from`: of the first one, the table.
    pub(super) fn add(&mut self, columns: &[(String, String)], from: Option<&str>) -> Result<(), ExportFault> {
        if columns.len() + 2 > COLUMNS_MAX {
            return Err(ExportFault::Wide { found: columns.len() + 2, most: COLUMNS_MAX });
        }
        let begin = if self.count == 0 { "WITH " } else { ",\n" };
        let _ = write!(self.text, "{begin}step{} AS (\n  SELECT ", self.count + 1);
        let key = (self.count > 0).then(|| (KEY.to_owned(), KEY.to_owned()));
        for (place, (name, expression)) in key.iter().chain(columns).enumerate() {
            let comma = if place == 0 { "" } else { ",\n    " };
            let _ = if name == expression {
                write!(self.text, "{comma}{name}")
            } else {
                write!(self.text, "{comma}{expression} AS {name}")
            };
        }
        if let Some(fence) = self.fence {
            let _ = write!(self.text, ",\n    {fence} AS fence");
        }
        let last = self.last();
        let _ = write!(self.text, "\n  FROM {})", from.unwrap_or(&last));
        self.count += 1;
        Ok(())
    }

    /// The name of the last step.
    pub(super) fn last(&self) -> String {
        format!("step{}", self.count)
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// Texts as numbers where nothing is at hand but functions that all databases have: the sign, the whole digits, the fraction and the exponent are
/// taken off one after the other. `texts` are trimmed; all others are passed on.
pub(super) fn parse(steps: &mut Steps, texts: &[String], others: &[String]) -> Result<(), ExportFault> {
    const DIGITS: &str = "'0123456789'";
    let kept = |names: &[&str]| -> Vec<(String, String)> {
        let of = |text: &String, name: &&str| if *name == "c" { text.clone() } else { named(text, name) };
        let own = texts.iter().flat_map(|text| names.iter().map(move |name| of(text, name)));
        own.chain(others.iter().cloned()).map(|name| (name.clone(), name)).collect()
    };
    let mut step = |names: &[&str], new: &str, expression: &dyn Fn(&String) -> String| {
        let added = texts.iter().map(|text| (named(text, new), expression(text)));
        let columns: Vec<(String, String)> = kept(names).into_iter().chain(added).collect();
        steps.add(&columns, None)
    };
    // Without its sign.
    step(&["c"], "u", &|c| format!("CASE WHEN SUBSTR({c}, 1, 1) IN ('+', '-') THEN SUBSTR({c}, 2) ELSE {c} END"))?;
    // What follows the whole digits.
    step(&["c", "u"], "r", &|c| format!("LTRIM({}, {DIGITS})", named(c, "u")))?;
    // What follows the fraction.
    step(&["c", "u", "r"], "e", &|c| {
        let r = named(c, "r");
        format!("CASE WHEN SUBSTR({r}, 1, 1) = '.' THEN LTRIM(SUBSTR({r}, 2), {DIGITS}) ELSE {r} END")
    })?;
    // Digits before and in the fraction, and the digits of the exponent; a letter that is no exponent stays.
    let both = texts.iter().flat_map(|c| {
        let [u, r, e] = ["u", "r", "e"].map(|name| named(c, name));
        let digits = format!("LENGTH({u}) - LENGTH({e}) - CASE WHEN SUBSTR({r}, 1, 1) = '.' THEN 1 ELSE 0 END");
        let exponent = format!(
            "CASE WHEN {e} = '' THEN '0' WHEN SUBSTR({e}, 1, 1) NOT IN ('e', 'E') THEN 'x' WHEN SUBSTR({e}, 2, 1) IN ('+', '-') THEN \
             SUBSTR({e}, 3) ELSE SUBSTR({e}, 2) END"
        );
        [(named(c, "d"), digits), (named(c, "x"), exponent)]
    });
    let columns: Vec<(String, String)> = kept(&["c"]).into_iter().chain(both).collect();
    steps.add(&columns, None)?;
    let numbers = texts.iter().map(|c| {
        let (d, x, n) = (named(c, "d"), named(c, "x"), number(c));
        let is_number = format!(
            "{d} > 0 AND LENGTH({c}) <= {NUMBER_CHARACTERS_MAX} AND LENGTH({x}) BETWEEN 1 AND 2 AND LTRIM({x}, {DIGITS}) = ''"
        );
        (n, format!("CASE WHEN {is_number} THEN CAST({c} AS DOUBLE PRECISION) END"))
    });
    let columns: Vec<(String, String)> = kept(&["c"]).into_iter().chain(numbers).collect();
    steps.add(&columns, None)
}

fn named(text: &str, part: &str) -> String {
    format!("{text}_{part}")
}

/// The number that a text is, or NULL.
pub(super) fn number(text: &str) -> String {
    named(text, "n")
}
