//! Customers as a request gives them: columns by their names, one object for each.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use tributary_model::features::{Cell, DataError, RawBatch};
use tributary_model::schema::{Decimal, Schema};

use crate::data::Wanted;

/// Longest body of a request, in bytes.
pub(super) const BODY_BYTES_MAX: usize = 1 << 20;

/// Most customers of one request.
pub(super) const CUSTOMERS_MAX: usize = 1000;

/// Most faults that are told of one request.
const FAULTS_TOLD_MAX: usize = 20;

/// What is asked.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    /// `zh` or `en`.
    pub(super) lang: Option<String>,
    /// One object for each customer.
    pub(super) customers: Vec<Customer>,
}

/// One customer's columns. It cannot be printed.
pub(super) struct Customer(Vec<(String, Value)>);

/// What is wrong with one customer, without a word of what is in it.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct CustomerFault {
    /// Which one, from 1.
    pub(super) customer: u64,
    pub(super) message: String,
}

impl<'de> Deserialize<'de> for Customer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Columns;
        impl<'de> Visitor<'de> for Columns {
            type Value = Customer;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object with a customer's columns by their names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Customer, A::Error> {
                let mut columns: Vec<(String, Value)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    // Which one is meant is not known.
                    if columns.iter().any(|(known, _)| *known == name) {
                        return Err(de::Error::custom("a column is there twice in one customer"));
                    }
                    if matches!(value, Value::Array(_) | Value::Object(_)) {
                        return Err(de::Error::custom("a column holds a list or an object, and not one value"));
                    }
                    if columns.len() >= COLUMNS_MAX {
                        return Err(de::Error::custom("a customer has more than 1024 columns"));
                    }
                    columns.push((name, value));
                }
                Ok(Customer(columns))
            }
        }
        deserializer.deserialize_map(Columns)
    }
}

/// Most columns of one customer.
const COLUMNS_MAX: usize = 1024;

impl Customer {
    fn value(&self, column: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name.trim() == column).map(|(_, value)| value)
    }

    /// A column's value; nothing where it is not there.
    pub(super) fn cell(&self, column: &str) -> Option<Cell<'_>> {
        self.value(column).map(|value| match value {
            Value::String(text) => Cell::Text(text),
            Value::Bool(true) => Cell::Text("true"),
            Value::Bool(false) => Cell::Text("false"),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Cell::Integer(whole),
                (None, Some(number)) => Cell::Number(number),
                (None, None) => Cell::Missing,
            },
            Value::Null | Value::Array(_) | Value::Object(_) => Cell::Missing,
        })
    }

    /// Who the customer is, where the question says it.
    pub(super) fn key(&self, schema: &Schema) -> Option<String> {
        match self.cell(schema.customer_column()?)? {
            Cell::Missing => None,
            Cell::Text(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Cell::Integer(number) => Some(number.to_string()),
            Cell::Number(number) => Some(number.to_string()),
        }
    }

    /// What a file of actions looks at.
    pub(super) fn wanted(&self, wanted: &[Wanted]) -> Vec<Cell<'_>> {
        let of = |wanted: &Wanted| match wanted {
            Wanted::Schema(column) | Wanted::Table(column) => self.cell(column).unwrap_or(Cell::Missing),
        };
        wanted.iter().map(of).collect()
    }
}

/// The columns that a customer has, in the order in which they are read: each once. The key is none of them.
pub(super) fn columns(schema: &Schema) -> Vec<&str> {
    let mut columns: Vec<&str> = Vec::new();
    for field in schema.fields() {
        if !columns.contains(&field.column.as_str()) {
            columns.push(&field.column);
        }
    }
    columns
}

/// Encodes customers, and hands them on one after the other, in their order. Columns that nobody reads are not looked at.
///
/// # Errors
/// The first faults of all customers: then nothing was handed on that counts.
pub(super) fn encode(
    schema: &Schema,
    customers: &[Customer],
    mut hand: impl FnMut(&Customer, tributary_model::features::EncodedRow<'_>),
) -> Result<(), Vec<CustomerFault>> {
    let columns = columns(schema);
    let key = schema.customer_column().filter(|key| !columns.contains(key));
    let header: Vec<&str> = columns.iter().copied().chain(key).collect();
    let mut faults = Vec::new();
    let mut batch = match RawBatch::to_score(schema, &header, Decimal::Point) {
        Ok(batch) => batch,
        Err(found) => return Err(found.into_iter().map(|fault| told(0, &fault)).collect()),
    };
    for (number, customer) in (1..).zip(customers) {
        let mut cells = Vec::with_capacity(header.len());
        let before = faults.len();
        for column in &columns {
            let cell = customer.cell(column);
            if cell.is_none() && !may_be_absent(schema, column, customer) {
                let like = customer.0.iter().map(|(name, _)| name).find(|name| same_letters(name, column));
                let fault = DataError::MissingColumn { column: (*column).to_owned(), like: like.cloned() };
                faults.push(told(number, &fault));
            }
            cells.push(cell.unwrap_or(Cell::Missing));
        }
        // Whose row it is does not matter here.
        cells.extend(key.map(|_| Cell::Integer(1)));
        if faults.len() == before {
            match batch.push_cells(number, &cells) {
                Ok(()) if faults.is_empty() => hand(customer, batch.encoded()),
                Ok(()) => {}
                Err(found) => faults.extend(found.iter().map(|fault| told(number, fault))),
            }
        }
        if faults.len() >= FAULTS_TOLD_MAX {
            break;
        }
    }
    faults.truncate(FAULTS_TOLD_MAX);
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// A column that the schema lets out may be absent, but not under another spelling.
fn may_be_absent(schema: &Schema, column: &str, customer: &Customer) -> bool {
    let optional = schema.fields().iter().filter(|field| field.column == column).all(|field| field.optional);
    optional && !customer.0.iter().any(|(name, _)| same_letters(name, column))
}

fn same_letters(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.to_lowercase()
}

fn told(customer: u64, fault: &DataError) -> CustomerFault {
    CustomerFault { customer, message: fault.to_string() }
}

#[cfg(test)]
#[path = "question_tests.rs"]
mod tests;
