use super::*;

#[test]
fn a_column_of_another_spelling_is_not_one_that_is_left_out() {
    for (one, other, same) in [("Age", "age", true), (" age ", "AGE", true), ("age", "ages", false), ("", "age", false)]
    {
        assert_eq!(same_letters(one, other), same, "{one:?} {other:?}");
    }
}

#[test]
fn each_kind_of_value_is_the_cell_that_it_says() {
    let customer = Customer(
        [
            ("text", Value::from("a")),
            ("yes", Value::from(true)),
            ("no", Value::from(false)),
            ("whole", Value::from(-7)),
            ("part", Value::from(0.5)),
            ("large", Value::from(u64::MAX)),
            ("nothing", Value::Null),
            ("list", Value::Array(vec![])),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
    );
    let shown = |column: &str| match customer.cell(column) {
        None => "absent".to_owned(),
        Some(Cell::Missing) => "missing".to_owned(),
        Some(Cell::Text(text)) => format!("text {text}"),
        Some(Cell::Integer(number)) => format!("integer {number}"),
        Some(Cell::Number(number)) => format!("number {number}"),
    };
    let columns = ["text", "yes", "no", "whole", "part", "large", "nothing", "list", "other"];
    let expected = [
        "text a",
        "text true",
        "text false",
        "integer -7",
        "number 0.5",
        "number 18446744073709552000",
        "missing",
        "missing",
        "absent",
    ];
    assert_eq!(columns.map(shown), expected);
}
