//! Columns of a source by their names, and codes in them.

use tributary_model::features::Cell;

use super::faults::Fault;
use super::sink::Column;

/// The one place of a column; `what` says for what it is needed.
pub(super) fn place(columns: &[Column], name: &str, what: &str) -> Result<usize, Fault> {
    let mut places = columns.iter().enumerate().filter(|(_, column)| column.name.trim() == name);
    let place = places.next().map(|(place, _)| place);
    let text = match (place, places.next()) {
        (Some(place), None) => return Ok(place),
        (Some(_), Some(_)) => format!("the data has the column {name:?} more than once, {what}; export it once"),
        (None, _) => format!(
            "the data has no column {name:?}, {what}; export it, or have the owner read and sign a mapping without it"
        ),
    };
    Err(Fault { row: None, column: Some(name.to_owned()), text })
}

/// Whether a value is one of these codes.
pub(super) fn is_one_of(cell: Cell<'_>, codes: &[String]) -> bool {
    match cell {
        Cell::Missing | Cell::Number(_) => false,
        Cell::Text(text) => codes.iter().any(|code| code == text.trim()),
        Cell::Integer(number) => codes.iter().any(|code| *code == number.to_string()),
    }
}
