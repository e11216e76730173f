//! One SQL statement that scores every row of a table, for additive models.
//!
//! It reads the table once, in steps: texts without the blanks around them, texts that are numbers, the slot of each field, the sum. A row that the
//! schema refuses has NULL in the place of its score.

mod dialect;
mod field;
mod steps;

use std::fmt::Write as _;

pub use dialect::Dialect;

use self::field::Source;
use self::steps::{KEY, Steps};
use super::column::{ColumnKind, column_of, columns, number_of};
use super::{ExportFault, Stamp};
use crate::additive::{Additive, Term};
use crate::parameters::Parameters;
use crate::schema::{Field, FieldKind, Schema};

/// What the statement reads, in words of the database.
#[derive(Clone, Copy, Debug)]
pub struct SqlNames<'a> {
    /// The table or view, perhaps after its schema: `crm.customers`.
    pub table: &'a str,
    /// The column that tells its rows apart. Without it, the schema's customer column.
    pub key: Option<&'a str>,
}

/// A model as one SQL statement. Its result has the columns `row_key`, `logit`, `probability`, `model` (the digest) and `valid_until`.
///
/// # Errors
/// If the model is not additive, the schema is another one, there is no such head, or the dialect lacks a name, a number or the width.
pub fn sql(
    parameters: &Parameters,
    schema: &Schema,
    head: &str,
    dialect: Dialect,
    names: SqlNames<'_>,
    stamp: &Stamp,
) -> Result<String, ExportFault> {
    let additive = Additive::of(parameters, schema, head)?;
    let key = names.key.or(schema.customer_column()).ok_or(ExportFault::Key)?;
    let columns = columns(schema);
    let mut steps = Steps::new(dialect);

    // The columns as they are.
    let own = |number: usize| format!("c{}", number + 1);
    let mut first = vec![(KEY.to_owned(), format!("t.{}", dialect.name_of(key)?))];
    for (number, column) in columns.iter().enumerate() {
        let name = format!("t.{}", dialect.name_of(&column.name)?);
        let read = match column.kind {
            ColumnKind::Number => format!("CAST({name} AS {})", dialect.double()),
            ColumnKind::Text => dialect.trimmed(&name),
        };
        first.push((own(number), read));
    }
    steps.add(&first, Some(&format!("{} t", dialect.table(names.table)?)))?;

    // Texts that are looked at as numbers.
    let is_text = |number: &usize| columns[*number].kind == ColumnKind::Text;
    let reads_number = |number: &usize| {
        let name = &columns[*number].name;
        schema.fields().iter().any(|field| field.column == *name && reads_numbers(field))
    };
    let (parsed, others): (Vec<usize>, Vec<usize>) =
        (0..columns.len()).partition(|number| is_text(number) && reads_number(number));
    let [texts, others] = [&parsed, &others].map(|all| all.iter().map(|number| own(*number)).collect::<Vec<String>>());
    if !texts.is_empty() {
        let one_step = texts.iter().map(|text| Some((steps::number(text), dialect.parsed(text)?)));
        match one_step.collect::<Option<Vec<_>>>() {
            Some(numbers) => {
                let kept = texts.iter().chain(&others).map(|name| (name.clone(), name.clone()));
                steps.add(&kept.chain(numbers).collect::<Vec<_>>(), None)?;
            }
            None => steps::parse(&mut steps, &texts, &others)?,
        }
    }

    // Each field's slot, or what its number adds; and how many fields refuse the row.
    let (mut values, mut refusals) = (Vec::new(), Vec::new());
    for (number, (field, term)) in schema.fields().iter().zip(&additive.fields).enumerate() {
        let column = column_of(&columns, field);
        let (name, as_number) = (own(column), steps::number(&own(column)));
        let kind = columns[column].kind;
        let as_number = match kind {
            ColumnKind::Number => Some(name.as_str()),
            ColumnKind::Text => parsed.contains(&column).then_some(as_number.as_str()),
        };
        let source = Source { dialect, kind, own: &name, number: as_number };
        values.push((slot(number), field::value(field, term, &source)?));
        refusals.extend(field::refused(field, &source)?);
    }
    let refused = if refusals.is_empty() { "0".to_owned() } else { refusals.join("\n      + ") };
    values.push(("refused".to_owned(), refused));
    steps.add(&values, None)?;

    // The sum.
    let mut sum = dialect.number(additive.intercept)?;
    for (number, term) in additive.fields.iter().enumerate() {
        let added = match term {
            Term::Number { .. } => Some(slot(number)),
            Term::Cells(weights) => field::added(&slot(number), weights, dialect)?,
        };
        if let Some(added) = added {
            let _ = write!(sum, "\n      + {added}");
        }
    }
    for pair in &additive.pairs {
        let [one, other] = pair.fields.map(slot);
        if let Some(added) = field::added_by_pair(pair, [&one, &other], dialect)? {
            let _ = write!(sum, "\n      + {added}");
        }
    }
    let logit = format!("CASE WHEN refused = 0 THEN CAST({sum} AS {}) END", dialect.double());
    steps.add(&[("logit".to_owned(), logit)], None)?;

    let last = steps.last();
    let (model, until) = (dialect.text(&stamp.model.to_string()), dialect.text(&stamp.valid_until));
    // Beyond 500 the exponential function leaves what some databases compute with, and a probability is 0 or 1 to the last bit.
    let probability = "CASE WHEN logit > 500 THEN 1.0 WHEN logit < -500 THEN 0.0 ELSE 1 / (1 + EXP(0 - logit)) END";
    let probability = format!("CASE WHEN logit IS NOT NULL THEN CAST({probability} AS {}) END", dialect.double());
    Ok(format!(
        "{}{}\nSELECT {KEY}, logit, {probability} AS probability, {model} AS model, {until} AS valid_until\nFROM {last}\n",
        heading(stamp, head, dialect),
        steps.into_text(),
    ))
}

/// What the statement says of itself, in comments. No text of others can end a comment or divide the statement.
fn heading(stamp: &Stamp, head: &str, dialect: Dialect) -> String {
    let plain = |text: &str| -> String {
        let shown = |character: char| character.is_alphanumeric() || " .,-_/@".contains(character);
        text.chars().map(|character| if shown(character) { character } else { '?' }).collect()
    };
    let Stamp { number, model, schema, purpose, recipient, valid_until } = stamp;
    format!(
        "-- tributary: export {number}, {} SQL, label {}\n-- model {model}\n-- schema {schema}\n-- for {}, until {}, purpose {}\n",
        dialect.name(),
        plain(head),
        plain(recipient),
        plain(valid_until),
        plain(purpose),
    )
}

fn slot(number: usize) -> String {
    format!("f{}", number + 1)
}

/// Whether a field looks at the column as numbers.
fn reads_numbers(field: &Field) -> bool {
    match &field.kind {
        FieldKind::Numeric { .. } => true,
        FieldKind::Categorical { categories, .. } => {
            categories.iter().chain(&field.missing_codes).any(|item| number_of(item).is_some())
        }
    }
}
