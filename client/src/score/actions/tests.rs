use std::path::Path;

use tributary_model::schema::Schema;
use tributary_texts::Language;

use super::*;

pub(in crate::score) const SCHEMA: &str = r#"
name = "small"
version = 1
format = 2
customer_column = "who"
fields = [
    { name = "age", title_zh = "年龄", kind = "numeric", min = 0, max = 100, missing = "indicator", missing_codes = [999], class = "C2", level = "L2" },
    { name = "status", column = "state", kind = "categorical", categories = ["1", "frozen"], class = "C1", level = "L1" },
]
labels = [{ name = "churn", column = "left", positive = ["1"], negative = ["0"] }]
"#;

fn schema() -> Schema {
    Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}"))
}

/// Three stages of which the last is everybody's.
pub(in crate::score) fn text() -> String {
    let words = |name: &str| {
        format!(
            "action_zh = \"行动{name}\"\naction_en = \"act {name}\"\nnotice_zh = \"提示{name}\"\nnotice_en = \"told {name}\"\n"
        )
    };
    format!(
        "[actions]\nschema = \"{}\"\n\
         [[stages]]\nname = \"冻结\"\n{}[[stages.when]]\nfield = \"status\"\nis = [\"frozen\"]\n\
         [[stages]]\nname = \"young\"\n{}[[stages.when]]\nfield = \"age\"\nfrom = 18\nbelow = 30\n[[stages.when]]\ncolumn = \"vip\"\nmissing = true\n\
         [[stages]]\nname = \"rest\"\n{}",
        schema().digest(),
        words("0"),
        words("1"),
        words("2"),
    )
}

fn parsed(text: &str) -> Result<Actions, String> {
    Actions::parse(Path::new("actions.toml"), text, &schema()).map_err(|fault| fault.to_string())
}

#[test]
fn the_first_stage_counts_whose_conditions_hold() {
    let actions = parsed(&text()).unwrap();
    let wanted = [Wanted::Schema("state".into()), Wanted::Schema("age".into()), Wanted::Table("vip".into())];
    assert_eq!(actions.wanted(), wanted);
    assert_eq!(actions.schema, schema().digest());
    use Cell::{Integer, Missing, Number, Text};
    let stage = |cells: [Cell<'_>; 3]| actions.stage_of(&cells, Decimal::Comma);
    assert_eq!(stage([Text(" frozen "), Integer(20), Missing]), Some(0));
    for age in [Integer(18), Number(29.5), Text("18,5")] {
        assert_eq!(stage([Text("1"), age, Text("  ")]), Some(1));
    }
    for age in [Integer(30), Integer(999), Number(f64::NAN), Missing, Text("18.5"), Text("young")] {
        assert_eq!(stage([Text("1"), age, Missing]), Some(2), "no number of the range");
    }
    assert_eq!(stage([Text("1"), Integer(20), Text("yes")]), Some(2));
    let is = parsed(&text().replace("is = [\"frozen\"]", "is = [\"1\"]")).unwrap();
    for state in [Text("1"), Text("1,0"), Integer(1), Number(1.0)] {
        assert_eq!(is.stage_of(&[state, Missing, Missing], Decimal::Comma), Some(0), "numbers are compared as numbers");
    }
    let none = parsed(text().split("[[stages]]\nname = \"rest\"").next().unwrap()).unwrap();
    assert_eq!(none.stage_of(&[Missing, Missing, Text("yes")], Decimal::Point), None);
    let stage = actions.stage(1).unwrap();
    assert_eq!((stage.action.text(Language::Chinese), stage.notice.text(Language::English)), ("行动1", "told 1"));
}

#[test]
fn what_is_signed_is_shown_in_words() {
    let said = parsed(&text()).unwrap().said();
    let shown: String = said.iter().map(|line| format!("{}\n", line.text(Language::English))).collect();
    for part in [
        "for every branch of this owner",
        "1. \"冻结\": the schema's column \"state\" is one of \"frozen\"",
        "2. \"young\": the schema's column \"age\" is from 18 to below 30; the table's column \"vip\" has no value",
        "3. \"rest\": everybody who fits no stage before it",
        "suggested: act 1 / 行动1",
        "the customer is told: told 2 / 提示2",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

/// Every fault of a file is told with its key, and nothing of such a file counts.
#[test]
fn rules_that_contradict_each_other_are_told_with_their_keys() {
    let good = text();
    let table = [
        ("schema = \"", "schema = \"0", "actions.schema"),
        ("[actions]", "[actions]\nbranch = \"no branch\"", "actions.branch"),
        ("[actions]", "[actions]\ncolour = 1", "actions.colour"),
        ("name = \"young\"", "name = \"冻结\"", "stages.2.name"),
        ("name = \"young\"", "name = \" young\"", "stages.2.name"),
        ("action_zh = \"行动1\"", "action_zh = \"two\\nlines\"", "stages.2.action_zh"),
        ("notice_en = \"told 1\"\n", "", "stages.2.notice_en"),
        ("field = \"status\"", "field = \"churn\"", "stages.1.when.1.field"),
        ("field = \"status\"", "column = \"left\"", "stages.1.when.1.column"),
        ("field = \"status\"", "field = \"status\"\ncolumn = \"x\"", "stages.1.when.1"),
        ("field = \"status\"\n", "", "stages.1.when.1"),
        ("is = [\"frozen\"]", "is = []", "stages.1.when.1.is"),
        ("is = [\"frozen\"]", "", "stages.1.when.1"),
        ("is = [\"frozen\"]", "is = [\"frozen\"]\nmissing = true", "stages.1.when.1"),
        ("below = 30", "below = 18", "stages.2.when.1.below"),
        ("below = 30", "below = nan", "stages.2.when.1.below"),
        ("[[stages.when]]\nfield = \"status\"\nis = [\"frozen\"]\n", "", "stages.1.when"),
        (
            "field = \"age\"\nfrom = 18\nbelow = 30\n[[stages.when]]\ncolumn = \"vip\"\nmissing = true",
            "field = \"status\"\nis = [\"frozen\"]",
            "stages.2.when",
        ),
    ];
    assert!(parsed(&good).is_ok());
    for (from, to, key) in table {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        let told = parsed(&bad).err().unwrap_or_else(|| panic!("{to} is no fault"));
        assert!(told.contains(&format!("{key}: found")), "{key} is not in: {told}");
    }
    let none = format!("[actions]\nschema = \"{}\"\n", schema().digest());
    assert!(parsed(&none).err().unwrap().contains("stages: found nothing"));
}

/// The sample is for the schema of the manuals' customers.
#[test]
fn the_sample_is_read_with_its_schemas_digest() {
    let schema = Schema::parse(include_str!("../../../../docs/samples/schemas/deposit_churn.toml")).unwrap();
    let text = SAMPLE.replacen(&"0".repeat(64), &schema.digest().to_string(), 1);
    let actions = Actions::parse(Path::new("actions.toml"), &text, &schema).unwrap_or_else(|fault| panic!("{fault}"));
    let names: Vec<&str> = (0..).map_while(|number| actions.stage(number)).map(|stage| stage.name.as_str()).collect();
    assert_eq!(names, ["open", "lost", "dormant", "activate", "active"]);
}
