//! One value of a row on its way in, as its source has it: text from a file, numbers from a database.

/// A value. It cannot be printed.
#[derive(Clone, Copy)]
pub enum Cell<'row> {
    /// None: a database's NULL, or a column that a file does not have.
    Missing,
    /// Text; blanks around it do not count.
    Text(&'row str),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Number(f64),
}

impl<'row> Cell<'row> {
    /// Without blanks around it. Nothing is the empty text.
    pub(super) fn read(self) -> Read<'row> {
        match self {
            Self::Missing => Read::Text(""),
            Self::Text(text) => Read::Text(trimmed(text)),
            #[expect(clippy::cast_precision_loss, reason = "what a field reads is a double")]
            Self::Integer(number) => Read::Number(number as f64),
            Self::Number(number) => Read::Number(number),
        }
    }
}

/// A value as fields and labels read it.
#[derive(Clone, Copy)]
pub(super) enum Read<'row> {
    Text(&'row str),
    Number(f64),
}

/// Without blanks around it. Most values have none, which their first and last byte say.
pub(super) fn trimmed(value: &str) -> &str {
    match value.as_bytes() {
        [only] if only.is_ascii_graphic() => value,
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => value,
        _ => value.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::Cell;
    use crate::features::{DataError, FeatureMatrix, KeyFault, RawBatch};
    use crate::schema::Schema;

    const SCHEMA: &str = r#"
name = "small"
version = 1
format = 2
customer_column = "who"
fields = [
    { name = "age", kind = "numeric", min = 0, max = 100, range = "unit", missing = "indicator", missing_codes = [999], imputation = 40,
      optional = true, class = "C2", level = "L2" },
    { name = "job", kind = "categorical", categories = ["1", "office"], missing = "indicator", optional = true, class = "C1", level = "L1" },
]
labels = [{ name = "y", positive = [1, "yes"], negative = [0] }]
"#;

    fn schema() -> Schema {
        Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}"))
    }

    fn encoded(header: &[&str], rows: &[&[Cell<'_>]]) -> FeatureMatrix {
        let schema = schema();
        let mut batch = RawBatch::new(&schema, header).unwrap();
        for (row, cells) in (1..).zip(rows) {
            batch.push_cells(row, cells).unwrap();
        }
        batch.into_features().unwrap()
    }

    #[test]
    fn typed_values_are_read_as_their_text_is() {
        use Cell::{Integer, Missing, Number, Text};
        let header = ["who", "age", "job", "y"];
        let typed = encoded(
            &header,
            &[
                &[Integer(7), Number(50.0), Integer(1), Integer(1)],
                &[Integer(i64::MAX), Integer(999), Missing, Number(0.0)],
                &[Text("7"), Missing, Text("office"), Text("yes")],
                &[Integer(i64::MAX - 1), Integer(150), Number(2.0), Integer(2)],
            ],
        );
        let text = encoded(
            &header,
            &[
                &[Text("7"), Text("50"), Text("1"), Text("1")],
                &[Text("9223372036854775807"), Text("999"), Text(""), Text("0")],
                &[Text("7 "), Text(""), Text(" office"), Text("yes")],
                &[Text("9223372036854775806"), Text("150"), Text("2"), Text("2")],
            ],
        );
        assert_eq!((typed.features(), typed.targets()), (text.features(), text.targets()));
        assert_eq!((typed.customers(), text.customers()), (&[0, 1, 0, 2][..], &[0, 1, 0, 2][..]));
        assert_eq!(typed.counts().fields, text.counts().fields);
        assert_eq!((typed.present(), typed.counts().labels[0].unlisted), (text.present(), 1));
        // The number that stands in for a missing one is beside its indicator.
        assert_eq!(typed.features().row(1).to_vec(), [0.4, 1.0, 0.0, 0.0, 1.0]);
    }

    /// A double holds 53 bits, and account numbers have 19 digits.
    #[test]
    fn a_key_that_is_a_floating_point_number_is_refused() {
        let schema = schema();
        let mut batch = RawBatch::new(&schema, &["who", "y"]).unwrap();
        let faults = batch.push_cells(3, &[Cell::Number(7.0), Cell::Integer(1)]).unwrap_err();
        assert_eq!(faults, [DataError::CustomerKey { row: 3, column: "who".into(), found: KeyFault::Inexact }]);
        assert_eq!(batch.rows(), 0);
        let nan = batch.push_cells(4, &[Cell::Integer(7), Cell::Number(f64::NAN)]);
        assert!(nan.is_ok(), "a label that is no value teaches nothing");
    }

    #[test]
    fn a_column_that_a_schema_lets_out_is_missing_in_every_row_and_never_zero() {
        let rows =
            encoded(&["who", "y"], &[&[Cell::Text("a"), Cell::Integer(1)], &[Cell::Text("b"), Cell::Integer(0)]]);
        for row in 0..2 {
            assert_eq!(rows.features().row(row).to_vec(), [0.4, 1.0, 0.0, 0.0, 1.0]);
        }
        let fields = &rows.counts().fields;
        assert!(fields.iter().all(|field| field.absent && field.missing == 2));
        let there = encoded(&["who", "y", "age"], &[&[Cell::Text("a"), Cell::Integer(1), Cell::Integer(1)]]);
        assert_eq!([there.counts().fields[0].absent, there.counts().fields[1].absent], [false, true]);
        // One that is spelled otherwise, or that is there twice, is a mistake all the same.
        let schema = schema();
        let faults = |header: &[&str]| RawBatch::new(&schema, header).err().unwrap_or_default();
        assert!(
            matches!(&faults(&["who", "y", "Age"])[..], [DataError::MissingColumn { column, .. }] if column == "age")
        );
        assert!(matches!(&faults(&["who", "y", "job", "job"])[..], [DataError::DuplicateColumn { .. }]));
        assert!(matches!(&faults(&["who", "age"])[..], [DataError::MissingColumn { column, .. }] if column == "y"));
    }

    #[test]
    fn a_row_that_is_left_out_is_in_no_count() {
        let schema = schema();
        let mut batch = RawBatch::new(&schema, &["who", "age", "job", "y"]).unwrap();
        batch.push(1, &["a", "5", "1", "1"]).unwrap();
        assert_eq!(batch.push(2, &["b", "text", "else", "9"]).unwrap_err().len(), 1);
        assert_eq!(batch.push(3, &["", "", "", "0"]).unwrap_err().len(), 1);
        let rows = batch.into_features().unwrap();
        let counts = rows.counts();
        assert_eq!((counts.rows, counts.customers), (1, 1));
        assert!(counts.fields.iter().all(|field| field.missing + field.unlisted + field.below + field.above == 0));
        assert_eq!((counts.labels[0].positive, counts.labels[0].negative, counts.labels[0].unlisted), (1, 0, 0));
    }

    #[test]
    fn the_digest_of_rows_knows_each_value_and_key_and_no_order() {
        let schema = schema();
        let digest = |rows: &[[&str; 4]]| {
            let mut batch = RawBatch::new(&schema, &["who", "age", "job", "y"]).unwrap();
            (1..).zip(rows).for_each(|(row, values)| batch.push(row, values).unwrap());
            batch.digest()
        };
        let (a, b) = (["a", "5", "1", "1"], ["b", "6", "", "0"]);
        let both = digest(&[a, b]);
        assert_eq!(both, digest(&[b, a]));
        for other in [
            &[a][..],
            &[a, b, b],
            &[a, ["c", "6", "", "0"]],
            &[a, ["b", "7", "", "0"]],
            &[a, ["b", "6", "1", "0"]],
            &[a, ["b", "6", "", "1"]],
        ] {
            assert_ne!(digest(other), both);
        }
    }
}
