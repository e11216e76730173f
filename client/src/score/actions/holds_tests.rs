use super::*;

fn condition(rule: Rule) -> Condition {
    Condition { subject: 0, missing_codes: vec!["n/a".to_owned(), "-9".to_owned()], rule }
}

#[test]
fn a_condition_holds_of_what_it_names_and_a_missing_value_fits_nothing_else() {
    let missing = |wanted| condition(Rule::Missing(wanted));
    let within = |from, below| condition(Rule::Number(from, below));
    let one_of = |codes: &[&str]| condition(Rule::Is(codes.iter().map(|code| (*code).to_owned()).collect()));
    let (text, whole, part) = (Cell::Text, Cell::Integer, Cell::Number);
    let cases = [
        (missing(true), Cell::Missing, true),
        (missing(false), Cell::Missing, false),
        (missing(true), text(""), true),
        (missing(true), text("  "), true),
        (missing(true), text(" n/a "), true),
        (missing(true), text("-9"), true),
        (missing(true), whole(-9), true),
        (missing(true), part(-9.0), true),
        (missing(true), text("x"), false),
        (missing(false), text("x"), true),
        (missing(true), whole(9), false),
        (missing(true), part(f64::NAN), false),
        (within(Some(1.0), Some(3.0)), whole(1), true),
        (within(Some(1.0), Some(3.0)), part(0.99), false),
        (within(Some(1.0), Some(3.0)), part(2.99), true),
        (within(Some(1.0), Some(3.0)), whole(3), false),
        (within(Some(1.0), None), text(" 5 "), true),
        (within(None, Some(3.0)), text("2.5"), true),
        (within(None, Some(3.0)), text("x"), false),
        (within(None, None), text("x"), false),
        (within(None, None), whole(-9), false),
        (within(None, None), Cell::Missing, false),
        (within(None, None), part(f64::INFINITY), false),
        (within(None, None), part(f64::NAN), false),
        (one_of(&["a", "7"]), text(" a"), true),
        (one_of(&["a", "7"]), text("A"), false),
        (one_of(&["a", "7"]), whole(7), true),
        (one_of(&["a", "7"]), part(7.0), true),
        (one_of(&["a", "7"]), text("7.0"), true),
        (one_of(&["a", "7"]), whole(8), false),
        (one_of(&["n/a"]), text("n/a"), false),
        (one_of(&[""]), text(""), false),
        (one_of(&["a"]), Cell::Missing, false),
    ];
    for (number, (condition, cell, holds)) in cases.into_iter().enumerate() {
        assert_eq!(condition.holds(cell, Decimal::Point), holds, "case {number}");
    }
    let above = within(Some(1.0), None);
    assert!(above.holds(text("1,5"), Decimal::Comma) && !above.holds(text("1,5"), Decimal::Point));
}
