use std::path::PathBuf;

use tempfile::TempDir;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::keys::write_verifying_key;
use tributary_certs::policy::sign_owned;
use tributary_certs::suite::SigningKey;
use tributary_protocol::plan::Date;
use tributary_texts::Language;

use super::*;
use crate::data::{FileError, Origin, ReadTable, Reading, Stop, read_origin};

const SCHEMA: &str = r#"
name = "bank"
version = 1
format = 2
customer_column = "customer_id"
fields = [
    { name = "age", kind = "numeric", min = 0, max = 100, range = "unit", class = "C2", level = "L2", missing = "indicator" },
    { name = "balance", kind = "numeric", min = 0, max = 1000, range = "unit", measured_in = "元", class = "C1", level = "L1",
      missing = "indicator", optional = true },
    { name = "sex", kind = "categorical", categories = ["f", "m"], class = "C2", level = "L2" },
    { name = "matures", kind = "numeric", min = -100, max = 100, range = "unit", missing = "indicator", optional = true,
      class = "C1", level = "L1" },
]
labels = [{ name = "churn", positive = ["1"], negative = ["0"] }]
"#;

const RULES: &str = r#"
[[columns]]
to = "customer_id"
from = "客户号"
[[columns]]
to = "age"
from = "出生日期"
date = "YYYYMMDD"
count = "years-since"
codes = { "00000000" = "" }
[[columns]]
to = "balance"
from = "余额"
money = "分"
trailing_sign = true
[[columns]]
to = "sex"
from = "性别"
codes = { "女" = "f", "男" = "m" }
[[columns]]
to = "churn"
from = "流失"
codes = { "是" = "1", "否" = "0" }
"#;

const ROWS: &str =
    "客户号,出生日期,余额,性别,流失,备注\n1,19801130,12345,女,是,x\n2,19801201,500.5-,男,否,y\n3,00000000,,男,,z\n";

fn schema() -> Schema {
    Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}"))
}

fn text(more: &str, rules: &str) -> String {
    format!("[mapping]\nschema = \"{}\"\n{more}\n{rules}", schema().digest())
}

fn mapping(more: &str, rules: &str) -> Mapping {
    let text = text(more, rules);
    Mapping::parse(Path::new("mapping.toml"), &text, &schema()).unwrap_or_else(|fault| panic!("{fault}"))
}

fn refused(text: &str) -> String {
    match Mapping::parse(Path::new("mapping.toml"), text, &schema()) {
        Ok(_) => panic!("the mapping was taken: {text}"),
        Err(fault) => fault.to_string(),
    }
}

fn file(content: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

fn read(mapping: &Mapping, content: &[u8], day: Option<&str>) -> Result<ReadTable, FileError> {
    let (_folder, path) = file(content);
    let stop = Stop::default();
    let day = day.map(|day| Date::parse(day).unwrap());
    let reading = Reading { mapping: Some(mapping), day, ..Reading::strict(&stop) };
    read_origin(&Origin::File(path), &schema(), &reading)
}

fn slots(table: &ReadTable) -> Vec<Vec<f32>> {
    let round = |value: &f32| (value * 1000.0).round() / 1000.0;
    table.rows.features().rows().into_iter().map(|row| row.iter().map(round).collect()).collect()
}

fn refusal(read: Result<ReadTable, FileError>) -> String {
    match read {
        Ok(_) => panic!("the rows were taken"),
        Err(fault) => fault.to_string(),
    }
}

/// One schema, and a file that has nothing of it but its meaning.
#[test]
fn a_file_of_other_names_codes_dates_and_units_becomes_the_schemas() {
    let mapping = mapping("", RULES);
    let table = read(&mapping, ROWS.as_bytes(), Some("2026-11-30")).unwrap_or_else(|fault| panic!("{fault}"));
    let missing = [0.0, 1.0];
    assert_eq!(
        slots(&table),
        [
            [&[0.46, 0.0, 0.123, 0.0, 1.0, 0.0][..], &missing].concat(),
            [&[0.45, 0.0, 0.0, 0.0, 0.0, 1.0][..], &missing].concat(),
            [&[0.0, 1.0, 0.0, 1.0, 0.0, 1.0][..], &missing].concat(),
        ]
    );
    assert_eq!(table.rows.targets().column(0).to_vec(), [1.0, 0.0, 0.0]);
    assert_eq!((table.counts.read, table.rows.counts().fields[1].below), (3, 1));
    // The same in another encoding and with another delimiter, by the mapping alone.
    let own = self::mapping("[mapping.csv]\nencoding = \"gb18030\"\ndelimiter = \"\\u0001|\"", RULES);
    let (bytes, ..) = encoding_rs::GB18030.encode(ROWS);
    let bytes: Vec<u8> =
        bytes.iter().flat_map(|byte| if *byte == b',' { vec![1, b'|'] } else { vec![*byte] }).collect();
    let other = read(&own, &bytes, Some("2026-11-30")).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(slots(&other), slots(&table));
}

#[test]
fn days_are_counted_up_to_the_day_of_the_data() {
    let of = |count: &str, form: &str, value: &str, day: &str| {
        let rules = format!("[[columns]]\nto = \"matures\"\nfrom = \"d\"\ndate = \"{form}\"\ncount = \"{count}\"\n");
        let mapping = mapping("", &rules);
        let rule = &mapping.rules[0];
        let cell = tributary_model::features::Cell::Text(value);
        match rule.convert(cell, tributary_model::schema::Decimal::Point, Date::parse(day)) {
            Ok(tributary_model::features::Cell::Number(number)) => Ok(number),
            Ok(_) => Err("no number".to_owned()),
            Err(fault) => Err(fault.to_string()),
        }
    };
    for (count, form, value, day, expected) in [
        ("years-since", "YYYYMMDD", "19801130", "2026-11-30", 46.0),
        ("years-since", "YYYYMMDD", "19801201", "2026-11-30", 45.0),
        ("years-since", "YYYYMMDD", "19000101", "2026-01-01", 126.0),
        ("months-since", "YYYY-MM-DD", "2026-10-31", "2026-11-30", 1.0),
        ("months-since", "YYYY-MM-DD", "2026-10-31 23:59:59", "2026-11-29", 0.0),
        ("months-since", "YYYY/MM/DD", "2026/1/31", "2026-02-28", 1.0),
        ("months-since", "YYYYMM", "202601", "2026-11-30", 10.0),
        ("days-since", "YYYY-MM-DD", "2024-02-28", "2024-03-01", 2.0),
        ("days-since", "YYYYMMDD", "20261130", "2026-11-30", 0.0),
        ("days-until", "YYYYMMDD", "20261231", "2026-11-30", 31.0),
        ("days-until", "YYYYMMDD", "20261129", "2026-11-30", -1.0),
        ("months-until", "YYYYMMDD", "20270301", "2026-11-30", 3.0),
        ("months-until", "YYYYMMDD", "20260930", "2026-11-30", -2.0),
    ] {
        assert_eq!(of(count, form, value, day), Ok(expected), "{count} {form} {value} {day}");
    }
    for value in ["20261201", "99991231"] {
        let fault = of("days-since", "YYYYMMDD", value, "2026-11-30").unwrap_err();
        assert!(fault.contains("after the day of the data (2026-11-30)") && !fault.contains(value), "{fault}");
    }
    for value in [
        "20261301",
        "20260230",
        "2026113",
        "202611301",
        "2026-11-3",
        "soon",
        "00010101",
        "１９８００１３１",
        "-1980113",
    ] {
        let fault = of("days-since", "YYYYMMDD", value, "2026-11-30").unwrap_err();
        assert!(fault.contains("where a date is expected, written YYYYMMDD") && !fault.contains(value), "{fault}");
    }
}

/// No day since which something is counted lies in the future, whatever both days are, and one day more never counts less.
#[test]
fn counting_goes_with_the_calendar() {
    proptest::proptest!(|(begin in 0_i64..40_000, length in 0_u32..20_000)| {
        let text = |day: i64| Date(u32::try_from(day).unwrap()).to_string();
        let (day, data) = (text(begin), Date(u32::try_from(begin).unwrap() + length));
        let count = |word: &str, data: Date| {
            let rules = format!("[[columns]]\nto = \"matures\"\nfrom = \"d\"\ndate = \"YYYY-MM-DD\"\ncount = \"{word}\"\n");
            let mapping = mapping("", &rules);
            let cell = tributary_model::features::Cell::Text(&day);
            match mapping.rules[0].convert(cell, tributary_model::schema::Decimal::Point, Some(data)) {
                Ok(tributary_model::features::Cell::Number(number)) => Some(number),
                _ => None,
            }
        };
        for word in ["years-since", "months-since", "days-since"] {
            let (now, later) = (count(word, data).unwrap(), count(word, Date(data.0 + 1)).unwrap());
            proptest::prop_assert!(now >= 0.0 && later >= now && later <= now + 1.0, "{word} {day} {data}");
            proptest::prop_assert_eq!(count(word, Date(u32::try_from(begin).unwrap().saturating_sub(1))).is_none(), begin > 0);
        }
        proptest::prop_assert_eq!(count("days-since", data), Some(f64::from(length)));
        proptest::prop_assert_eq!(count("days-until", data), Some(-f64::from(length)));
    });
}

#[test]
fn signs_and_money_are_read_and_what_is_no_number_is_named_as_ever() {
    let mapping = mapping("", RULES);
    let balance = |value: &str| {
        let rows = format!("客户号,出生日期,余额,性别,流失\n1,19800101,{value},女,是\n");
        read(&mapping, rows.as_bytes(), Some("2026-11-30")).map(|table| slots(&table)[0][2..4].to_vec())
    };
    for (value, expected) in
        [("1000", 0.01), ("1000+", 0.01), ("1e5", 1.0), ("-5", 0.0), ("5-", 0.0), ("\" 50000 \"", 0.5)]
    {
        assert_eq!(balance(value).unwrap_or_else(|fault| panic!("{fault}")), [expected, 0.0], "{value}");
    }
    assert_eq!(balance("").unwrap_or_default(), [0.0, 1.0]);
    for (value, named) in [("-5-", "text"), ("5--", "text"), ("\"1,000.00\"", "separators"), ("secret", "text")] {
        let fault = balance(value).map(|_| ()).unwrap_err().to_string();
        assert!(
            fault.contains("row 1, column \"balance\"") && fault.contains(named) && !fault.contains("secret"),
            "{fault}"
        );
    }
}

#[test]
fn rows_of_other_branches_are_left_out_and_counted() {
    let home = "[mapping.home]\ncolumn = \"备注\"\nvalues = [\"x\", \"z\"]";
    let table =
        read(&mapping(home, RULES), ROWS.as_bytes(), Some("2026-11-30")).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((table.rows.rows(), table.counts.elsewhere, table.counts.read), (2, 1, 3));
    // A row of another branch is not looked at.
    let strange = ROWS.replace("2,19801201", "2,no date");
    assert!(read(&mapping(home, RULES), strange.as_bytes(), Some("2026-11-30")).is_ok());
    let nowhere = mapping("[mapping.home]\ncolumn = \"网点\"\nvalues = [\"1\"]", RULES);
    assert!(refusal(read(&nowhere, ROWS.as_bytes(), Some("2026-11-30"))).contains("names as the home branch"));
}

#[test]
fn what_a_file_lacks_is_named_before_a_row_is_read() {
    let mapping = mapping("", RULES);
    let without = ROWS.replace("出生日期", "生日");
    let fault = refusal(read(&mapping, without.as_bytes(), Some("2026-11-30")));
    assert!(fault.contains("no column \"出生日期\", which the mapping takes for \"age\""), "{fault}");
    let twice = ROWS.replace("备注", "余额");
    let fault = refusal(read(&mapping, twice.as_bytes(), Some("2026-11-30")));
    assert!(fault.contains("\"余额\" more than once"), "{fault}");
    assert!(matches!(read(&mapping, ROWS.as_bytes(), None), Err(FileError::NoDay { .. })));
    // What no rule makes keeps its name; what a rule makes hides a column of that name.
    let hidden = ROWS.replace("备注", "balance").replace(",x\n", ",no number\n");
    assert!(read(&mapping, hidden.as_bytes(), Some("2026-11-30")).is_ok());
    let own_name =
        ROWS.replace("备注", "matures").replace(",x\n", ",7\n").replace(",y\n", ",\n").replace(",z\n", ",\n");
    let table = read(&mapping, own_name.as_bytes(), Some("2026-11-30")).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(slots(&table)[0][6..], [0.535, 0.0]);
}

#[test]
fn every_fault_of_a_mapping_is_named_by_its_key() {
    let good = text("", RULES);
    let cases = [
        (good.replace(&schema().digest().to_string(), &"0".repeat(64)), "mapping.schema"),
        (good.replace("[mapping]", "[mapping]\nsource = \"oracle\""), "mapping.source"),
        (good.replace("[mapping]", "[mapping]\nquery = \"SELECT 1\""), "mapping.query"),
        (good.replace("[mapping]", "[mapping]\ndate_query = \"SELECT 1\""), "mapping.date_query"),
        (good.replace("[mapping]", "[mapping]\nsource = \"sqlite\""), "mapping.query"),
        (good.replace("[mapping]", "[mapping]\nsource = \"postgres\"\nquery = \" ; \""), "mapping.query"),
        (text("source = \"parquet\"\n[mapping.csv]\ndelimiter = \";\"", RULES), "mapping.csv"),
        (text("[mapping.csv]\ndelimiter = \"\"\nencoding = \"gbk\"", RULES), "mapping.csv.delimiter"),
        (text("[mapping.csv]\nsepa = 1", RULES), "mapping.csv.sepa"),
        (text("[mapping.home]\ncolumn = \"x\"", RULES), "mapping.home.values"),
        (good.replace("to = \"sex\"", "to = \"gender\""), "columns.4.to"),
        (good.replace("to = \"sex\"", "to = \"age\""), "columns.4.to"),
        (good.replace("from = \"性别\"\n", ""), "columns.4.from"),
        (good.replace("from = \"性别\"", "from = \"性别\"\ntype = \"blob\""), "columns.4.type"),
        (good.replace("from = \"性别\"", "from = \"性别\"\nmoney = \"元\""), "columns.4.money"),
        (good.replace("from = \"性别\"", "from = \"性别\"\ndate = \"YYYYMMDD\""), "columns.4.date"),
        (good.replace("\"女\" = \"f\"", "\"女\" = 1"), "columns.4.codes"),
        (good.replace("\"女\" = \"f\"", "\"女\" = \"f\", \" 女\" = \"m\""), "columns.4.codes"),
        (good.replace("money = \"分\"", "money = \"dollar\""), "columns.3.money"),
        (good.replace("count = \"years-since\"\n", ""), "columns.2.count"),
        (good.replace("count = \"years-since\"", "count = \"years-since\"\nmoney = \"元\""), "columns.2.money"),
        (good.replace("date = \"YYYYMMDD\"", "date = \"DDMMYYYY\""), "columns.2.date"),
        (good.replace("to = \"balance\"", "to = \"matures\""), "columns.3.money"),
        (good.replace("[[columns]]\nto = \"age\"", "[[columns]]\nfoo = 1\nto = \"age\""), "columns.2.foo"),
        (text("", ""), "columns"),
        (good.replace("[mapping]", "[mapping]\nbranch = \"branch-01\""), "mapping.branch"),
        (format!("version = 2\n{good}"), "version"),
    ];
    for (text, key) in cases {
        let told = refused(&text);
        assert!(told.contains(&format!("\n  {key}: ")), "{key}: {told}");
    }
}

#[test]
fn a_mapping_counts_as_its_owner_signed_it_and_for_its_schema() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = text("", RULES);
    std::fs::write(at("mapping.toml"), &text).unwrap();
    let owner = SigningKey::generate(&mut OsEntropy);
    write_verifying_key(&owner.verifying_key(), &at("owner.pub")).unwrap();
    let owned = |schema: &Schema| {
        let owned = Mapping::owned(&at("mapping.toml"), &at("owner.pub"), schema);
        owned.map(|(mapping, _)| mapping).map_err(|fault| fault.to_string())
    };
    assert!(owned(&schema()).is_err(), "nobody signed it");
    sign_owned(Owned::Mapping, &at("mapping.toml"), &text, &owner).unwrap();
    assert_eq!(owned(&schema()), Ok(mapping("", RULES)));
    let other = Schema::parse(&SCHEMA.replace("max = 1000", "max = 2000")).unwrap();
    assert!(owned(&other).unwrap_err().contains("mapping.schema"));
    std::fs::write(at("mapping.toml"), text.replace("\"女\" = \"f\"", "\"女\" = \"m\"")).unwrap();
    assert!(owned(&schema()).unwrap_err().contains("not signed by the branch's owner"));
}

#[test]
fn the_owner_reads_what_is_signed() {
    let queries = "source = \"postgres\"\nquery = \"SELECT a\\nFROM b;\"\nheld_out_query = \"SELECT c\"\nscore_query = \"SELECT e\"\ndate_query = \"SELECT d\"\n[mapping.home]\ncolumn = \"w\"\nvalues = [\"1\"]";
    let lines = mapping(queries, RULES).said();
    for language in [Language::English, Language::Chinese] {
        let said: String = lines.iter().map(|line| line.text(language).to_owned() + "\n").collect();
        for part in [
            "SELECT a\n    FROM b",
            "SELECT c",
            "SELECT e",
            "SELECT d",
            "\"w\"",
            "YYYYMMDD",
            "years-since",
            "\"女\" = \"f\"",
            "分",
            "客户号",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    // A query cannot end the line that shows it, nor move the cursor.
    let hostile = mapping("source = \"sqlite\"\nquery = \"SELECT 1 -- \\u001b[2J\"", RULES).said();
    assert!(hostile.iter().all(|line| !line.text(Language::English).contains('\u{1b}')));
}

#[test]
fn the_sample_is_a_mapping_for_the_sample_schema() {
    let schema = Schema::parse(include_str!("../../../../docs/samples/schemas/deposit_churn.toml")).unwrap();
    let text = SAMPLE.replacen(&"0".repeat(64), &schema.digest().to_string(), 1);
    let read = Mapping::parse(Path::new("mapping.toml"), &text, &schema).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(read.rules.len(), 4);
    // Every key that may stand there is in it.
    for key in [
        "branch",
        "source",
        "query",
        "held_out_query",
        "score_query",
        "date_query",
        "csv",
        "home",
        "type",
        "date",
        "count",
        "codes",
        "money",
        "trailing_sign",
    ] {
        assert!(SAMPLE.contains(&format!("{key} = ")) || SAMPLE.contains(&format!("[mapping.{key}]")), "{key}");
    }
}
