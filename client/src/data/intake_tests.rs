use super::*;
use crate::data::Stop;
use tributary_model::features::Cell;

const SCHEMA: &str = r#"
name = "bank"
version = 1
customer_column = "who"
fields = [{ name = "age", kind = "numeric", min = 0, max = 100, range = "unit", class = "C2", level = "L2" }]
labels = [{ name = "y", positive = ["1"], negative = ["0"] }]
"#;

struct Row([&'static str; 3]);

impl Values for Row {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        Cell::Text(self.0[column])
    }
}

fn customers(kind: ColumnKind, keys: &[&'static str]) -> usize {
    let (schema, stop) = (Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}")), Stop::default());
    let reading = Reading::strict(&stop);
    let mut intake = Intake::new(&schema, &reading, None);
    let column = |(name, kind): (&str, ColumnKind)| Column { name: name.to_owned(), kind: Some(kind) };
    let columns = [("age", ColumnKind::Whole), ("who", kind), ("y", ColumnKind::Text)].map(column);
    intake.begin(Path::new("rows"), columns.to_vec(), Decimal::Point).unwrap();
    for (row, key) in (1..).zip(keys) {
        intake.row(row, &Row(["30", key, "1"]), Vec::new()).unwrap();
    }
    intake.end().unwrap();
    let rows = intake.finish().unwrap().batch.into_features().unwrap();
    rows.customers().iter().max().map_or(0, |last| *last as usize + 1)
}

/// Otherwise each of them would be protected by itself, and the customer half as much.
#[test]
fn equal_decimals_are_one_customer() {
    let keys = ["7", "7.00", "7.", "7.0 ", "70", "70.0", "100"];
    assert_eq!(customers(ColumnKind::Decimal, &keys), 3);
    assert_eq!(customers(ColumnKind::Decimal, &["7.10", "7.1", "7.01"]), 2);
    // Texts are told apart as they are.
    assert_eq!(customers(ColumnKind::Text, &["7", "7.00", "70"]), 3);
}
