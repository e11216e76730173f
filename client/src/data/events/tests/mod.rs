//! Tables of events, from files to the fields of customers.

mod bad;
mod consents;
mod functions;
mod properties;
mod refusals;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tributary_model::features::Cell;
use tributary_model::schema::Schema;
use tributary_protocol::plan::Date;

use super::derive::derive;
use super::derived::Derived;
use super::keys::Standing;
use crate::data::{FileError, Mapping, Origin, Reading, Stop};

/// One field for each column that a test may derive.
pub(super) fn schema() -> Schema {
    let field = |number: usize| {
        format!(
            "{{ name = \"f{number}\", kind = \"numeric\", min = -1e9, max = 1e9, missing = \"indicator\", measured_in = \"元\", class = \"C2\", level = \"L2\" }},\n"
        )
    };
    let fields: String = (0..32).map(field).collect();
    let text = format!(
        "name = \"bank\"\nversion = 1\nformat = 2\ncustomer_column = \"who\"\nfields = [\n{fields}\
         {{ name = \"full\", kind = \"numeric\", min = 0, max = 9, class = \"C2\", level = \"L2\" }},\n\
         {{ name = \"word\", kind = \"categorical\", categories = [\"0\", \"1\"], class = \"C2\", level = \"L2\" }},\n]\n\
         labels = [{{ name = \"y\", positive = [1], negative = [0] }}]\n"
    );
    Schema::parse(&text).unwrap_or_else(|faults| panic!("{faults}"))
}

/// A mapping of this text, below its own head.
pub(super) fn mapping(text: &str) -> Result<Mapping, String> {
    let schema = schema();
    let text = format!("[mapping]\nschema = \"{}\"\n{text}", schema.digest());
    Mapping::parse(Path::new("mapping.toml"), &text, &schema).map_err(|fault| fault.to_string())
}

/// A table of transactions in yuan, by the day, with a channel; and these fields of it, each as its keys.
pub(super) fn transactions(more: &str, fields: &[&str]) -> String {
    let fields: String = (0..)
        .zip(fields)
        .map(|(number, keys)| format!("[[derived]]\nto = \"f{number}\"\ntable = \"transactions\"\n{keys}\n"))
        .collect();
    format!(
        "[[events]]\nname = \"transactions\"\ncustomer = \"khh\"\ntime = \"day\"\namount = \"je\"\nunit = \"元\"\nsign = \"direction\"\n{more}\n\
         [[events.codes]]\nname = \"channel\"\ncolumn = \"qd\"\nmeanings = {{ \"01\" = \"counter\", \"02\" = \"atm\", \"03\" = \"app\", \"04\" = \"app\" }}\n{fields}"
    )
}

/// A folder with files of customers and tables.
pub(super) struct Files(TempDir);

impl Files {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn file(&self, name: &str) -> Origin {
        Origin::File(self.at(name))
    }
}

/// The day of the data in these tests.
pub(super) fn day() -> Date {
    Date::parse("2026-11-30").unwrap()
}

/// The values of each of these customers.
pub(super) type Values = BTreeMap<String, Vec<Option<f64>>>;

#[expect(clippy::cast_precision_loss, reason = "small counts")]
pub(super) fn number(cell: Cell<'_>) -> Option<f64> {
    match cell {
        Cell::Integer(number) => Some(number as f64),
        Cell::Number(number) => Some(number),
        Cell::Missing | Cell::Text(_) => None,
    }
}

/// What is derived for these customers, from these tables.
pub(super) fn derived(
    mapping: &Mapping,
    customers: &Origin,
    tables: &[Origin],
    names: &[&str],
) -> Result<Values, FileError> {
    with(mapping, customers, tables, |derived| {
        let columns = derived.columns().count();
        let of = |name: &str| {
            let Some(Standing::Own(customer)) = derived.standing(Cell::Text(name), false) else { return Vec::new() };
            (0..columns).map(|column| number(derived.value(customer, column))).collect()
        };
        names.iter().map(|name| ((*name).to_owned(), of(name))).collect()
    })
}

/// The same, for whoever looks at everything.
pub(super) fn with<T>(
    mapping: &Mapping,
    customers: &Origin,
    tables: &[Origin],
    look: impl FnOnce(&Derived<'_>) -> T,
) -> Result<T, FileError> {
    let (schema, stop) = (schema(), Stop::default());
    let reading = Reading { mapping: Some(mapping), day: Some(day()), tables, ..Reading::strict(&stop) };
    derive(customers, (mapping, &schema), &reading).map(|derived| look(&derived))
}

/// The values of customers `a` to `d` of a table of transactions of this text.
pub(super) fn of_transactions(fields: &[&str], rows: &str) -> Values {
    let files = Files::new(&[("kh.csv", "who,y\na,1\nb,0\nc,0\nd,0\n"), ("t.csv", rows)]);
    let mapping = mapping(&transactions("", fields)).unwrap_or_else(|fault| panic!("{fault}"));
    derived(&mapping, &files.file("kh.csv"), &[files.file("t.csv")], &["a", "b", "c", "d"])
        .unwrap_or_else(|fault| panic!("{fault}"))
}
