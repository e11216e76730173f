//! What several months of one branch look like: reports, remarks, counts and changes are compared whole.

use std::fmt::Write as _;
use std::fs;

use tributary_texts::Language;

use super::*;
use crate::whole::compare;

const SCHEMA: &str = r#"
name = "small"
version = 1
format = 2
customer_column = "who"
fields = [
    { name = "age", kind = "numeric", min = 18, max = 90, missing = "indicator", missing_codes = [999], class = "C2", level = "L2" },
    { name = "income", column = "inc", kind = "numeric", min = 0, max = 1000, class = "C2", level = "L2" },
    { name = "job", kind = "categorical", categories = ["office", "student"], missing = "indicator", class = "C1", level = "L1" },
    { name = "trade", column = "job", kind = "categorical", categories = ["office", "other"], unlisted = "other",
      missing = { category = "other" }, class = "C1", level = "L1" },
    { name = "score", kind = "numeric", min = 0, max = 1, missing = "indicator", optional = true, class = "C1", level = "L1" },
]
labels = [
    { name = "churn", positive = ["yes"], negative = ["no"], missing_codes = [""] },
    { name = "buys", column = "kauf", positive = ["1"], negative = ["0"] },
]
"#;

/// So many rows: how they differ by their number each test says itself.
fn table(count: usize, row: impl Fn(usize) -> [String; 5]) -> String {
    let rows: String = (0..count).map(|number| format!("c{},{}\n", number * 3 / 4, row(number).join(","))).collect();
    format!("who,age,inc,job,churn,kauf\n{rows}")
}

fn usual(number: usize) -> [String; 5] {
    let age = 18 + number * 7 % 72;
    let yes = if number.is_multiple_of(5) { "yes" } else { "no" };
    let job = if number.is_multiple_of(3) { "student" } else { "office" };
    [age.to_string(), (number * 37 % 1000).to_string(), job.into(), yes.into(), (number % 2).to_string()]
}

fn tables() -> Vec<(&'static str, String)> {
    vec![
        ("usual", table(60, usual)),
        ("the same again", table(60, usual)),
        ("fewer", table(40, usual)),
        ("other shares", {
            table(60, |number| {
                let [_, income, _, _, kauf] = usual(number);
                [
                    if number < 40 { "25" } else { "80" }.into(),
                    income,
                    "office".into(),
                    if number < 35 { "yes" } else { "no" }.into(),
                    kauf,
                ]
            })
        }),
        (
            "outside",
            table(60, |number| {
                let [_, _, job, churn, kauf] = usual(number);
                let age = ["17", "18", "90", "91", "999", ""][number % 6];
                [age.into(), if number < 31 { "1001" } else { "-1" }.into(), job, churn, kauf]
            }),
        ),
        (
            "unlisted",
            table(60, |number| {
                let [age, income, _, _, kauf] = usual(number);
                [
                    age,
                    income,
                    if number < 31 { "driver" } else { "" }.into(),
                    if number < 29 { "是" } else { "" }.into(),
                    kauf,
                ]
            }),
        ),
        (
            "one class",
            table(60, |number| {
                let [age, income, job, _, _] = usual(number);
                [age, income, job, "no".into(), "1".into()]
            }),
        ),
        (
            "grouped",
            table(60, |number| {
                let [age, _, job, churn, kauf] = usual(number);
                [age, format!("\"{},0{}0\"", number % 9 + 1, number % 10), job, churn, kauf]
            }),
        ),
        (
            "faults",
            table(120, |number| {
                let [age, income, job, churn, kauf] = usual(number);
                [if number == 7 { "young".into() } else { age }, income, job, churn, kauf]
            }),
        ),
    ]
}

#[test]
fn months_of_a_branch_are_told_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let schema = Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}"));
    let settings = |more: &str| {
        let text = format!(
            "[client]\nstate_dir = \"state\"\n[coordinator]\naddress = \"localhost:1\"\n[identity]\nfolder = \".\"\n\
             [data]\nfile = \"rows.csv\"\nschema = \"schema.toml\"\n{more}\n[policy]\nfile = \"policy.toml\"\nowner = \"policy.toml\"\n"
        );
        for (name, text) in [("schema.toml", SCHEMA), ("policy.toml", ""), ("client.toml", text.as_str())] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Settings::load(&folder.path().join("client.toml")).unwrap_or_else(|faults| panic!("{faults}"))
    };
    fs::write(folder.path().join("rows.csv"), "").unwrap();
    let (mut told, mut before) = (String::new(), None::<Summary>);
    for (more, every) in [
        ("rows_per_customer_max = 2\ncustomers_max = 50", true),
        (
            "rows_per_customer_max = 1\noutside_percent_max = 51\nunlisted_percent_max = 100\nmissing_percent_max = 15",
            false,
        ),
    ] {
        for (name, text) in tables() {
            fs::write(folder.path().join("rows.csv"), text).unwrap();
            let settings = settings(more);
            let sources = Sources::of(&settings, &schema).unwrap_or_else(|fault| panic!("{fault}"));
            let look = Look { place: &sources.places[0], sources: &sources, day: None };
            let _ = writeln!(told, "== {name}, {more:?}");
            let loaded = match Loaded::read(look, &settings, &schema, &Stop::default()) {
                Ok(loaded) => loaded.suspected(&schema),
                Err(fault) => {
                    let _ = writeln!(told, "{fault}");
                    continue;
                }
            };
            for remark in &loaded.remarks {
                let _ = writeln!(
                    told,
                    "{} {:?}: {}\n{}",
                    remark.stops,
                    remark.about,
                    remark.text,
                    remark.said.text(Language::Chinese)
                );
            }
            let _ = writeln!(told, "maxima passed: {}", loaded.table.passes_maxima());
            if every {
                let summary = Summary::of(loaded.table.data(), &schema);
                let limits = settings.change_limits;
                let _ = writeln!(told, "{}", loaded.report.said().text(Language::English));
                let _ = writeln!(told, "{}", serde_json::to_string(&loaded.report).unwrap());
                let _ = writeln!(told, "{}", serde_json::to_string(&summary).unwrap());
                if let Some(before) = before.replace(summary.clone()) {
                    let changes = Changes::between(&before, &summary, limits);
                    let _ = writeln!(told, "{}", serde_json::to_string(&changes).unwrap());
                }
            }
            let usable = loaded.usable().map(|_| "is used".to_owned()).unwrap_or_else(|fault| fault.to_string());
            let _ = writeln!(told, "{usable}");
        }
    }
    compare(&told.replace(&folder.path().display().to_string(), "HOME"), "dataset/told.txt");
}
