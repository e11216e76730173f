use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::data::Origin;
use crate::needed;

/// A schema of a number, a category and a label.
const SCHEMA: &str = r#"
name = "small"
version = 1
customer_column = "who"
fields = [
    { name = "age", kind = "numeric", min = 18, max = 90, class = "C2", level = "L2" },
    { name = "job", kind = "categorical", categories = ["office", "student"], missing = "indicator", class = "C1", level = "L1" },
    { name = "trade", column = "job", kind = "categorical", categories = ["office", "other"], unlisted = "other",
      missing = { category = "other" }, class = "C1", level = "L1" },
]
labels = [{ name = "churn", positive = ["yes"], negative = ["no"], missing_codes = [""] }]
"#;

/// A branch with this file, and more lines under `[data]`.
fn settings(rows: &str, more: &str) -> (TempDir, Settings) {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[client]\nstate_dir = \"state\"\n[coordinator]\naddress = \"localhost:1\"\n[identity]\nfolder = \".\"\n\
         [data]\nfile = \"rows.csv\"\nschema = \"schema.toml\"\n{more}\n[policy]\nfile = \"policy.toml\"\nowner = \"policy.toml\"\n"
    );
    for (name, text) in
        [("rows.csv", rows), ("schema.toml", SCHEMA), ("policy.toml", ""), ("client.toml", text.as_str())]
    {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let settings = Settings::load(&folder.path().join("client.toml")).unwrap_or_else(|faults| panic!("{faults}"));
    (folder, settings)
}

/// A file, read as a daemon reads it.
fn read(file: &Path, settings: &Settings, schema: &Schema) -> Result<Loaded, FileError> {
    let place = Place { key: "data.file", origin: Origin::File(file.to_owned()) };
    let sources = Sources { signed: None, places: vec![place], tables: Vec::new() };
    Loaded::read(Look { place: &sources.places[0], sources: &sources, day: None }, settings, schema, &Stop::default())
}

/// The branch's own file.
fn read_own(settings: &Settings, schema: &Schema) -> Result<Loaded, FileError> {
    read(settings.data_file.as_deref().unwrap(), settings, schema)
}

fn load(rows: &str, more: &str) -> Loaded {
    let (_folder, settings) = settings(rows, more);
    let schema = Schema::parse(SCHEMA).unwrap();
    read_own(&settings, &schema).unwrap_or_else(|fault| panic!("{fault}"))
}

/// Ten rows with these values of `age`, `job` and `churn`, row by row.
fn rows(values: impl Fn(usize) -> [&'static str; 3]) -> String {
    let row = |number: usize| format!("c{number},{}\n", values(number).join(","));
    format!("who,age,job,churn\n{}", (0..10).map(row).collect::<String>())
}

fn usual(number: usize) -> [&'static str; 3] {
    ["40", "office", if number < 3 { "yes" } else { "no" }]
}

fn stops(loaded: Loaded) -> String {
    loaded.usable().map(|_| ()).expect_err("it is used").to_string()
}

#[test]
fn what_a_table_holds_is_shown_by_field_and_by_class() {
    let loaded = load(
        &rows(|number| match number {
            0 => ["18", "", "yes"],
            1 => ["91", "driver", ""],
            _ => usual(number),
        }),
        "",
    );
    let text = loaded.report.said();
    let text = text.text(tributary_texts::Language::English);
    for line in [
        "rows.csv: 10 rows, 10 customers, at most 1 row each\n",
        "label churn: 2 (20.0 %) positive, 7 (70.0 %) negative, 1 (10.0 %) not known, 0 unlisted\n",
        "field age, level 2: 0 missing, 0 below min, 1 (10.0 %) at min, 0 at max, 1 (10.0 %) above max\n",
        "field job, level 1: 1 (10.0 %) missing, 1 (10.0 %) unlisted\n",
    ] {
        assert!(text.contains(line), "{line:?} is missing in {text}");
    }
    let remarks: Vec<(bool, Option<&str>)> =
        loaded.remarks.iter().map(|remark| (remark.stops, remark.about.as_deref())).collect();
    assert_eq!(remarks, [(false, Some("field job"))], "what its list names as the others is no remark");
    let json = serde_json::to_value(&loaded.report).unwrap();
    assert_eq!((&json["fields"][0]["bounds"]["above_max"], &json["labels"][0]["positive"]), (&1.into(), &2.into()));
    assert!(loaded.usable().is_ok());
}

/// A file with it and one without are both used, and neither says what stands in it.
#[test]
fn an_audit_column_is_told_and_not_read() {
    let audit = "    { name = \"gender\", use = \"audit\", kind = \"categorical\", categories = [\"f\", \"m\"], class = \"C2\", level = \"L2\",\n      \
                 necessity = \"both are served alike\" },\n]\nlabels";
    let schema = Schema::parse(&SCHEMA.replace("]\nlabels", audit)).unwrap();
    for (text, found, said) in [
        (rows(usual), false, "the column \"gender\" is not in the file; it is not read"),
        (
            rows(usual).replace("who,", "gender,who,").replace("\nc", "\nsecret,c"),
            true,
            "the column \"gender\" is there; it is",
        ),
    ] {
        let (_folder, settings) = settings(&text, "");
        let loaded = read_own(&settings, &schema).unwrap();
        let told = loaded.report.said().text(tributary_texts::Language::English).to_owned();
        assert!(
            told.contains("\n  audit gender, level 2: ") && told.contains(said) && !told.contains("secret"),
            "{told}"
        );
        let json = serde_json::to_value(&loaded.report).unwrap();
        assert_eq!((&json["audits"][0]["found"], &json["fields"][0]["level"]), (&found.into(), &2.into()));
        assert!(loaded.usable().is_ok());
    }
}

#[test]
fn a_share_above_its_limit_stops_with_the_fields_name() {
    let dates =
        |count: usize| rows(move |number| if number < count { ["19800131", "office", "no"] } else { usual(number) });
    let told = stops(load(&dates(6), ""));
    assert!(told.contains("field age (column \"age\"): 6 of 10 values are outside of 18 to 90"), "{told}");
    assert!(told.contains("data.outside_percent_max (50)"), "{told}");
    assert!(load(&dates(5), "").usable().is_ok(), "at the limit it is used");
    assert!(load(&dates(10), "outside_percent_max = 100").usable().is_ok());
    assert!(stops(load(&dates(1), "outside_percent_max = 9")).contains("field age"));

    let jobs = rows(|_| ["40", "driver", "no"]);
    let told = stops(load(&jobs, ""));
    assert!(told.contains("field job (column \"job\"): 10 of 10 values are not in the schema's list"), "{told}");
    assert!(!told.contains("field trade"), "its schema says what the others are");
    let missing = rows(|_| ["40", "", "no"]);
    assert!(load(&missing, "").usable().is_ok(), "a branch may not have a field");
    assert!(
        stops(load(&missing, "missing_percent_max = 90"))
            .contains("field job (column \"job\"): 10 of 10 values are missing")
    );
}

#[test]
fn labels_that_no_list_has_stop_and_are_called_by_their_words() {
    let told = stops(load(&rows(|number| ["40", "office", if number == 0 { "是" } else { "否" }]), ""));
    assert!(told.contains("label churn (column \"churn\"): 10 of 10 values are neither in"), "{told}");
    assert!(told.contains("They look like \"是\" and \"否\""), "{told}");
    let told = stops(load(&rows(|_| ["40", "office", "geheim"]), ""));
    assert!(!told.contains("They look like") && !told.contains("geheim"), "{told}");
    let one_class = load(&rows(|_| ["40", "office", "no"]), "");
    assert!(one_class.remarks[0].text.contains("no row is positive"));
    assert!(one_class.usable().is_ok());
}

#[test]
fn rows_that_became_one_customer_are_remarked() {
    let one = (0..40).map(|_| "7,40,office,no\n").collect::<String>();
    let loaded = load(&format!("who,age,job,churn\n{one}"), "");
    assert!(loaded.remarks[0].text.starts_with("40 rows, 1 customer,"), "{:?}", loaded.remarks);
    assert!(!loaded.remarks[0].stops);
    let many: String = (0..40).map(|row| format!("{row},40,office,{}\n", if row < 9 { "yes" } else { "no" })).collect();
    let half: String = (0..41).map(|_| "0,40,office,no\n").collect();
    assert!(load(&format!("who,age,job,churn\n{many}"), "").remarks.is_empty());
    assert!(load(&format!("who,age,job,churn\n{many}{half}"), "").remarks[0].text.contains("at most 42 rows each"));
    let twice = load(&format!("who,age,job,churn\n{many}{many}"), "rows_per_customer_max = 2");
    assert!(twice.remarks.is_empty(), "{:?}", twice.remarks);
}

#[test]
fn points_between_thousands_are_remarked() {
    let text = SCHEMA.replace("max = 90", "max = 90000");
    let schema = Schema::parse(&text).unwrap();
    let (_folder, settings) =
        settings(&rows(|number| [["1.250", "12.500", "800"][number % 3], "office", usual(number)[2]]), "");
    let loaded = read_own(&settings, &schema).unwrap();
    assert!(loaded.remarks.iter().any(|remark| remark.text.contains("csv.decimal = \",\"")), "{:?}", loaded.remarks);
}

/// What a daemon that cannot start says of rows is told from what it says of a file: a service's log has no place for the first.
#[test]
fn faults_of_rows_are_told_from_faults_of_a_file() {
    let fault = |rows: &str, gone: bool| {
        let (folder, settings) = settings(rows, "");
        if gone {
            fs::remove_file(folder.path().join("rows.csv")).unwrap();
        }
        let schema = Schema::parse(SCHEMA).unwrap();
        crate::worker::Snapshot::read(&settings, &schema, &Stop::default(), &mut |_| ()).map(|_| ()).unwrap_err()
    };
    let dates = rows(|number| if number < 6 { ["19800131", "office", "no"] } else { usual(number) });
    for rows in [dates.as_str(), "who,age,job,churn\nc1,x,office,no\n", "who,age,job,churn\nc1,4"] {
        assert!(matches!(fault(rows, false), ClientError::Rows(_)), "{rows}");
    }
    assert!(matches!(fault(&rows(usual), true), ClientError::File(_)));
}

/// Inputs that went wrong elsewhere, where they are.
#[test]
fn cases_that_went_wrong_go_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cases = root.join("../../shared/cases");
    if !cases.is_dir() {
        needed::skip("TRIBUTARY_TEST_DATA", "inputs that went wrong", "they are not beside this checkout");
        return;
    }
    let sample = fs::read_to_string(root.join("../docs/samples/schemas/deposit_churn.toml")).unwrap();
    let (_folder, settings) = settings("", "");
    let case = |name: &str, schema: &str| {
        let schema = Schema::parse(schema).unwrap_or_else(|faults| panic!("{faults}"));
        read(&cases.join(name), &settings, &schema)
    };
    let refused = |name: &str, schema: &str| case(name, schema).map(|_| ()).expect_err(name).to_string();
    let open = refused("q1-open-quote.csv", &sample);
    assert!(open.contains("row 10, column \"remarks\": a quote is opened and not closed"), "{open}");
    let keys = refused("id-sci.csv", &sample);
    assert!(keys.contains("40 faults") && keys.contains("scientific notation"), "{keys}");
    let dates = case("age-is-date.csv", &sample).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(stops(dates).contains("field age (column \"age\"): 40 of 40"));
    let floats = case("label-float.csv", &fs::read_to_string(cases.join("label-float.schema.toml")).unwrap());
    let floats = floats.unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((floats.report.labels[0].positive, floats.report.labels[0].negative), (1, 1));
    assert!(floats.usable().is_ok());
    let separated = case("sep-line.csv", &sample).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((separated.report.rows, separated.report.customers), (40, 40));
    let named = refused("gbk-header.csv", &sample);
    assert!(named.contains("csv.encoding = \"gb18030\""), "{named}");
    let chinese = sample.replace("[csv]\n", "[csv]\nencoding = \"gb18030\"\n").replace("\"customer_id\"", "\"客户号\"");
    let chinese = case("gbk-header.csv", &chinese).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((chinese.report.rows, chinese.report.customers), (40, 40));
}
