use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::keys::write_verifying_key;
use tributary_certs::policy::{Owned, sign_owned};
use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_texts::Language;

use super::*;
use crate::ready::{Target, stamp, survey};
use crate::worker::Snapshot;

const SCHEMA: &str = r#"
name = "bank"
version = 1
format = 2
customer_column = "who"
fields = [
    { name = "age", kind = "numeric", min = 18, max = 90, class = "C2", level = "L2" },
    { name = "score", kind = "numeric", min = 0, max = 1, missing = "indicator", optional = true, class = "C1", level = "L1" },
]
labels = [{ name = "churn", positive = ["yes"], negative = ["no"] }]
"#;

pub(in crate::dataset) const RULES: &str =
    "[[columns]]\nto = \"age\"\nfrom = \"born\"\ndate = \"YYYYMMDD\"\ncount = \"years-since\"\n";

/// A branch's folder, whose owner has a key.
pub(in crate::dataset) struct Branch {
    pub(in crate::dataset) folder: TempDir,
    pub(in crate::dataset) owner: SigningKey,
}

impl Branch {
    /// With these lines under `[data]`, beside the schema.
    pub(in crate::dataset) fn new(data: &str) -> Self {
        let branch = Self { folder: tempfile::tempdir().unwrap(), owner: SigningKey::generate(&mut OsEntropy) };
        let text = format!(
            "[client]\nstate_dir = \"state\"\n[coordinator]\naddress = \"localhost:1\"\n[identity]\nfolder = \".\"\n\
             [policy]\nfile = \"policy.toml\"\nowner = \"owner.pub\"\n[data]\nschema = \"schema.toml\"\n{data}\n"
        );
        branch.write("client.toml", &text);
        branch.write("schema.toml", SCHEMA);
        branch.write("policy.toml", "");
        write_verifying_key(&branch.owner.verifying_key(), &branch.at("owner.pub")).unwrap();
        branch
    }

    pub(in crate::dataset) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(in crate::dataset) fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
    }

    /// A mapping that the owner signs as it is.
    pub(in crate::dataset) fn mapped(&self, source: &str, rules: &str) {
        let text = format!("[mapping]\nschema = \"{}\"\n{source}\n{rules}", schema().digest());
        self.write("mapping.toml", &text);
        sign_owned(Owned::Mapping, &self.at("mapping.toml"), &text, &self.owner).unwrap();
    }

    pub(in crate::dataset) fn settings(&self) -> Settings {
        Settings::load(&self.at("client.toml")).unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// As a daemon reads its rows: how many there are, and their digest; or what it says instead.
    pub(in crate::dataset) fn snapshot(&self) -> Result<(usize, Digest), String> {
        let mut said = Vec::new();
        let read =
            Snapshot::read(&self.settings(), &schema(), &crate::data::Stop::default(), &mut |report| said.push(report));
        read.map(|read| (read.training.data().rows(), read.files.data)).map_err(|fault| fault.to_string())
    }
}

pub(in crate::dataset) fn schema() -> Schema {
    Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}"))
}

pub(in crate::dataset) const CSV: &str = "who,born,churn\na,19801130,yes\nb,19900101,no\n";

#[test]
fn a_daemon_reads_no_row_by_a_mapping_that_its_owner_did_not_sign() {
    let branch = Branch::new("file = \"rows.csv\"\nmapping = \"mapping.toml\"\ndate = 2026-11-30");
    branch.write("rows.csv", CSV);
    branch.write("mapping.toml", "");
    assert!(branch.snapshot().unwrap_err().contains("mapping.toml.sig"));
    branch.mapped("", RULES);
    assert_eq!(branch.snapshot().map(|(rows, _)| rows), Ok(2));
    let signed = fs::read_to_string(branch.at("mapping.toml")).unwrap();
    branch.write("mapping.toml", &signed.replace("years-since", "days-since"));
    assert!(branch.snapshot().unwrap_err().contains("not signed by the branch's owner"));
    // Signed by somebody else.
    let stranger = SigningKey::generate(&mut OsEntropy);
    sign_owned(Owned::Mapping, &branch.at("mapping.toml"), &signed, &stranger).unwrap();
    branch.write("mapping.toml", &signed);
    assert!(branch.snapshot().unwrap_err().contains("not signed by the branch's owner"));
}

/// Ages are counted up to the day that the ready file says, and another day makes another age of the same file.
#[test]
fn the_day_of_the_data_comes_from_the_ready_file() {
    let branch = Branch::new("file = \"rows.csv\"\nmapping = \"mapping.toml\"");
    branch.write("rows.csv", CSV);
    branch.mapped("", RULES);
    assert!(branch.snapshot().unwrap_err().contains("nobody says which day that is"));
    let day = |text: &str| Date::parse(text).unwrap();
    stamp(&branch.at("client.toml"), day("2026-11-30")).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(branch.snapshot(), Ok((2, Digest::of(CSV.as_bytes()))), "the digest is the file's");
    let found = survey(&branch.at("client.toml")).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((found.date(), found.is_usable()), (Ok(day("2026-11-30")), true));
    // Counted up to another day, the same file has other rows: a word about these is none about what a daemon read before.
    let files = || {
        Snapshot::read(&branch.settings(), &schema(), &crate::data::Stop::default(), &mut |_| ()).map(|read| read.files)
    };
    let (before, word) = (files().unwrap_or_else(|fault| panic!("{fault}")), found.digests());
    assert_eq!(word, Some(before));
    stamp(&branch.at("client.toml"), day("2026-12-31")).unwrap_or_else(|fault| panic!("{fault}"));
    let found = survey(&branch.at("client.toml")).unwrap_or_else(|fault| panic!("{fault}"));
    let (after, word) = (files().unwrap_or_else(|fault| panic!("{fault}")), found.digests());
    assert_eq!((word, after.data), (Some(after), before.data));
    assert_ne!(after, before, "the daemon reads again");
    // From before its rows, the same file is of the future.
    let early = stamp(&branch.at("client.toml"), day("1985-01-01")).map(|_| ()).unwrap_err().to_string();
    assert!(early.contains("a date after the day of the data (1985-01-01)"), "{early}");
}

#[test]
fn a_database_says_its_day_and_is_known_by_its_rows() {
    let branch = Branch::new("file = \"bank.db\"\nmapping = \"mapping.toml\"");
    let database = rusqlite::Connection::open(branch.at("bank.db")).unwrap();
    let run = |statements: &str| database.execute_batch(statements).unwrap();
    run("CREATE TABLE kh (who, born, churn, held); CREATE TABLE day (d);
         INSERT INTO kh VALUES (1, 19801130, 'yes', 0), (2, 19900101, 'no', 0), (3, 19700101, 'no', 1);");
    let query = "source = \"sqlite\"\nquery = \"SELECT * FROM kh WHERE held = 0\"\nheld_out_query = \"SELECT * FROM kh WHERE held = 1\"";
    branch.mapped(&format!("{query}\ndate_query = \"SELECT max(d) FROM day\""), RULES);
    let undated = survey(&branch.at("client.toml")).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(!undated.is_usable() && undated.date().is_err());
    run("INSERT INTO day VALUES ('2026-11-30')");
    let found = survey(&branch.at("client.toml")).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((found.date(), found.is_usable(), found.files.len()), (Ok(Date::parse("2026-11-30").unwrap()), true, 2));
    let digests = found.digests().unwrap();
    assert!(digests.held_out.is_some_and(|held_out| held_out != digests.data));
    assert_eq!(branch.snapshot(), Ok((2, digests.data)));
    // The word that it is ready is about these rows, whatever their order and whatever else is in the database.
    found.state(&Target::Next, 1).unwrap_or_else(|fault| panic!("{fault}"));
    run("CREATE TABLE other (x); UPDATE kh SET who = who + 0 WHERE who = 1; VACUUM");
    assert_eq!(branch.snapshot(), Ok((2, digests.data)));
    run("UPDATE kh SET churn = 'yes' WHERE who = 2");
    assert_ne!(branch.snapshot(), Ok((2, digests.data)));
    let refused = stamp(&branch.at("client.toml"), Date::parse("2026-11-30").unwrap()).map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("a database has no ready file"), "{refused}");
    // The settings may say the day as well, and a database that says none has none.
    branch.mapped(query, "[[columns]]\nto = \"age\"\nfrom = \"who\"\n");
    let found = survey(&branch.at("client.toml")).unwrap_or_else(|fault| panic!("{fault}"));
    let told = found.date().unwrap_err();
    assert!(told.text(Language::English).contains("date_query") && told.text(Language::Chinese).contains("date_query"));
}

#[test]
fn settings_and_mapping_name_one_source() {
    let postgres = "source = \"postgres\"\nquery = \"SELECT 1\"";
    let branch =
        Branch::new("file = \"rows.csv\"\nmapping = \"mapping.toml\"\nheld_out = \"rows.csv\"\ndate = 2026-11-30");
    branch.write("rows.csv", CSV);
    branch.mapped(postgres, RULES);
    assert!(branch.snapshot().unwrap_err().contains("name different sources"));
    branch.mapped("source = \"sqlite\"\nquery = \"SELECT 1\"", RULES);
    assert!(branch.snapshot().unwrap_err().contains("mapping.held_out_query"));
    branch.mapped("source = \"parquet\"", RULES);
    assert!(branch.snapshot().unwrap_err().contains("cannot be read as Parquet"));
    let database =
        "[data.postgres]\nhost = \"localhost\"\nport = 1\ndatabase = \"core\"\nuser = \"reader\"\ntls = \"off\"";
    let branch = Branch::new(&format!("mapping = \"mapping.toml\"\ndate = 2026-11-30\n{database}"));
    branch.mapped("", RULES);
    assert!(branch.snapshot().unwrap_err().contains("name different sources"));
    branch.mapped(postgres, RULES);
    let told = branch.snapshot().unwrap_err();
    assert!(told.contains("postgresql://localhost:1/core: the database does not let this branch in"), "{told}");
    for (more, key) in [("file = \"rows.csv\"", "data.file"), ("held_out = \"rows.csv\"", "data.held_out")] {
        let branch = Branch::new(&format!("{more}\nmapping = \"mapping.toml\"\n{database}"));
        branch.write("mapping.toml", "");
        let told = Settings::load(&branch.at("client.toml")).map(|_| ()).unwrap_err().to_string();
        assert!(told.contains(&format!("\n  {key}: found a file, beside [data.postgres]")), "{told}");
    }
    let branch = Branch::new(database);
    assert!(
        Settings::load(&branch.at("client.toml")).map(|_| ()).unwrap_err().to_string().contains("\n  data.mapping: ")
    );
}

#[test]
fn rows_that_are_left_out_and_columns_that_are_not_there_are_told_on_the_branchs_screen() {
    let branch =
        Branch::new("file = \"rows.csv\"\ndate = 2026-11-30\nmissing_percent_max = 5\nmapping = \"mapping.toml\"");
    let rows: String = (0..199).map(|row| format!("c{row},30,yes,1\n")).collect();
    branch.write("rows.csv", &format!("who,age,churn,w\nbad,secret,yes,1\n{rows}other,30,no,2\n"));
    branch.mapped("[mapping.home]\ncolumn = \"w\"\nvalues = [\"1\"]", "");
    let found = survey(&branch.at("client.toml")).unwrap_or_else(|fault| panic!("{fault}"));
    let loaded = found.files[0].loaded.as_ref().unwrap_or_else(|fault| panic!("{fault}"));
    assert!(found.is_usable(), "{:?}", loaded.remarks);
    assert_eq!((loaded.report.rows, loaded.report.rows_faulty, loaded.report.rows_elsewhere), (199, 1, 1));
    let json = serde_json::to_value(&loaded.report).unwrap();
    assert_eq!((&json["rows_faulty"], &json["fields"][1]["absent"]), (&1.into(), &true.into()));
    for language in [Language::English, Language::Chinese] {
        let told: String = loaded.remarks.iter().map(|remark| remark.said.text(language).to_owned() + "\n").collect();
        assert!(told.contains("row 1, column \"age\": text where a number is expected"), "{told}");
        assert!(told.contains("field score (column \"score\")") || told.contains("字段 score"), "{told}");
        assert!(!told.contains("secret"), "{told}");
        let shown = loaded.report.said().text(language).to_owned();
        assert!(shown.contains("1 more rows have a fault") || shown.contains("另有 1 行有错误"), "{shown}");
    }
    // One more in a hundred is too many.
    let rows: String = (0..98).map(|row| format!("c{row},30,yes,1\n")).collect();
    branch.write("rows.csv", &format!("who,age,churn,w\nbad,secret,yes,1\nbad,secret,yes,1\n{rows}"));
    let refused = branch.snapshot().unwrap_err();
    assert!(refused.contains("2 faults; nothing of the file is used") && !refused.contains("secret"), "{refused}");
}

/// What the owner types: a mapping is shown in words before it is signed, with the key that is there.
#[test]
fn a_mapping_is_written_shown_and_signed_by_commands() {
    use tributary_certs::keys::write_signing_key;

    use crate::cli::{init_mapping, show_mapping, sign_mapping};

    let branch = Branch::new("file = \"rows.csv\"\nmapping = \"mapping.toml\"\ndate = 2026-11-30");
    branch.write("rows.csv", CSV);
    let [mapping, schema_file, key] = ["mapping.toml", "schema.toml", "owner.key"].map(|name| branch.at(name));
    init_mapping(branch.folder.path(), &schema_file).unwrap_or_else(|fault| panic!("{fault}"));
    let written = fs::read_to_string(&mapping).unwrap();
    assert!(written.contains(&schema().digest().to_string()));
    assert!(init_mapping(branch.folder.path(), &schema_file).is_err(), "none is replaced");
    // The sample is for another schema's columns: its owner edits it.
    assert!(sign_mapping(&mapping, &key, &schema_file).map(|_| ()).unwrap_err().to_string().contains("columns.1.to"));
    let (head, _) = written.split_once("[[columns]]").unwrap();
    branch.write("mapping.toml", &format!("{head}{RULES}"));
    let refused = sign_mapping(&mapping, &key, &schema_file).map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("there is no such key") && !key.exists() && !branch.at("mapping.toml.sig").exists());
    write_signing_key(&branch.owner, &key).unwrap();
    let lines = sign_mapping(&mapping, &key, &schema_file).unwrap_or_else(|fault| panic!("{fault}"));
    let english: Vec<&str> = lines.iter().map(|line| line.text(Language::English)).collect();
    let of_age = |line: &&str| line.contains("\"age\" is the column \"born\"") && line.contains("years-since");
    assert!(english.iter().any(of_age), "{english:?}");
    assert!(english.last().is_some_and(|last| last.contains("signed as it stands")));
    let shown = show_mapping(&branch.at("client.toml")).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(shown, lines[..lines.len() - 1]);
    assert_eq!(branch.snapshot().map(|(rows, _)| rows), Ok(2));
    // Of another schema it says nothing.
    branch.write("schema.toml", &SCHEMA.replace("max = 90", "max = 91"));
    assert!(sign_mapping(&mapping, &key, &schema_file).map(|_| ()).unwrap_err().to_string().contains("mapping.schema"));
    assert!(show_mapping(&branch.at("client.toml")).is_err());
}

/// A mapping that counts the transactions of a table, by the channel.
const EVENTS: &str = "[[columns]]\nto = \"age\"\nfrom = \"born\"\ndate = \"YYYYMMDD\"\ncount = \"years-since\"\n\
    [[events]]\nname = \"uses\"\ncustomer = \"khh\"\ntime = \"day\"\n\
    [[events.codes]]\nname = \"channel\"\ncolumn = \"qd\"\nmeanings = { \"01\" = \"app\", \"02\" = \"branch\" }\n\
    [[derived]]\nto = \"score\"\ntable = \"uses\"\nfunction = \"share_of_count\"\nwindow_days = 30\nonly = { channel = [\"app\"] }\n";

const USES: &str = "khh,day,qd\na,2026-11-30,01\na,2026-11-29,02\nb,2026-12-01,01\n";

#[test]
fn settings_and_mapping_name_the_same_tables() {
    let with = |tables: &str| {
        let branch =
            Branch::new(&format!("file = \"rows.csv\"\nmapping = \"mapping.toml\"\ndate = 2026-11-30\n{tables}"));
        branch.write("rows.csv", CSV);
        branch.write("uses.csv", USES);
        branch.mapped("", EVENTS);
        branch
    };
    assert_eq!(with("[data.events]\nuses = \"uses.csv\"").snapshot().map(|(rows, _)| rows), Ok(2));
    let told = with("").snapshot().unwrap_err();
    assert!(told.contains("do not say where it is: name its file under data.events.uses"), "{told}");
    let told = with("[data.events]\nuses = \"uses.csv\"\nothers = \"uses.csv\"").snapshot().unwrap_err();
    assert!(told.contains("no mapping reads such a table"), "{told}");
    let branch = with("[data.events]\nuses = \"uses.csv\"");
    branch.mapped(
        "",
        &EVENTS.replace("customer = \"khh\"", "customer = \"khh\"\nsource = \"postgres\"\nquery = \"SELECT 1\""),
    );
    assert!(branch.snapshot().unwrap_err().contains("the settings have no [data.postgres]"));
    // Changed after it was signed.
    let branch = with("[data.events]\nuses = \"uses.csv\"");
    let signed = fs::read_to_string(branch.at("mapping.toml")).unwrap();
    branch.write("mapping.toml", &signed.replace("window_days = 30", "window_days = 31"));
    assert!(branch.snapshot().unwrap_err().contains("not signed by the branch's owner"));
    for (tables, part) in [
        ("[data.events]\nuses = \"absent.csv\"", "data.events.uses: found"),
        ("events = 3", "data.events: found 3"),
        ("[data.events]\n\"a.b\" = \"uses.csv\"", "data.events.a.b"),
    ] {
        let branch = Branch::new(&format!("file = \"rows.csv\"\nmapping = \"mapping.toml\"\n{tables}"));
        branch.write("rows.csv", CSV);
        branch.write("mapping.toml", "");
        let told = Settings::load(&branch.at("client.toml")).map(|_| ()).unwrap_err().to_string();
        assert!(told.contains(part), "{part:?} is missing in {told}");
    }
}

/// The operator's word is about the tables of events as well.
#[test]
fn a_changed_table_of_events_is_another_data_set() {
    let branch = Branch::new("file = \"rows.csv\"\nmapping = \"mapping.toml\"\n[data.events]\nuses = \"uses.csv\"");
    branch.write("rows.csv", CSV);
    branch.write("uses.csv", USES);
    branch.mapped("", EVENTS);
    let day = |text: &str| Date::parse(text).unwrap();
    let config = branch.at("client.toml");
    let written = stamp(&config, day("2026-11-30")).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(written, [branch.at("rows.csv.ok"), branch.at("uses.csv.ok")]);
    let survey = || survey(&config).unwrap_or_else(|fault| panic!("{fault}"));
    let files = || {
        let read = Snapshot::read(&branch.settings(), &schema(), &crate::data::Stop::default(), &mut |_| ());
        read.unwrap_or_else(|fault| panic!("{fault}")).files
    };
    let (said, confirm) = (survey(), survey().digest());
    assert_eq!((said.date(), said.digests()), (Ok(day("2026-11-30")), Some(files())));
    said.state(&Target::Next, 1).unwrap_or_else(|fault| panic!("{fault}"));
    let report = said.files[0].loaded.as_ref().unwrap_or_else(|fault| panic!("{fault}")).report.clone();
    let json = serde_json::to_value(&report.events).unwrap();
    assert_eq!((&json[0]["name"], &json[0]["seen"], &json[0]["later"]), (&"uses".into(), &2.into(), &1.into()));
    // One more event. The customers' own file is the same.
    let before = files();
    branch.write("uses.csv", &format!("{USES}b,2026-11-30,01\n"));
    let after = files();
    assert_eq!(after.data, before.data);
    assert_ne!(after, before, "a daemon does not take it for what was said to be ready");
    let told = survey().date().unwrap_err().text(Language::English).to_owned();
    assert!(told.contains("uses.csv") && told.contains("replaced, changed or cut"), "{told}");
    stamp(&config, day("2026-11-30")).unwrap_or_else(|fault| panic!("{fault}"));
    let found = survey();
    assert_ne!(found.digest(), confirm);
    assert!(
        found.alarms.iter().any(|alarm| alarm.text(Language::English).contains("2026-11-30")),
        "{:?}",
        found.alarms
    );
    // Of another day, and without a ready file.
    let other = fs::read_to_string(branch.at("uses.csv.ok")).unwrap().replace("2026-11-30", "2026-10-31");
    branch.write("uses.csv.ok", &other);
    assert!(survey().date().unwrap_err().text(Language::English).contains("the two are of one data set"));
    fs::remove_file(branch.at("uses.csv.ok")).unwrap();
    assert!(survey().date().unwrap_err().text(Language::Chinese).contains("uses.csv.ok"));
}

/// What an operator is warned of on the own screen.
#[test]
fn what_may_be_known_only_after_the_label_is_told() {
    let label = "[label]\ndays = 90\nhappened = \"left\"\nknown_after = [\"born\", \"left\"]\n";
    let branch = Branch::new(
        "file = \"rows.csv\"\nmapping = \"mapping.toml\"\ndate = 2026-11-30\n[data.events]\nuses = \"uses.csv\"",
    );
    let rows: String = (0..200_u32)
        .map(|row| {
            let (left, day) = match row {
                0 => ("yes", "2026-11-30"),
                1 => ("yes", "2027-03-01"),
                _ if row.is_multiple_of(4) => ("yes", "2026-12-15"),
                _ => ("no", ""),
            };
            format!("c{row},19{:02}0101,{left},{day}\n", 60 + row % 40)
        })
        .collect();
    branch.write("rows.csv", &format!("who,born,churn,left\n{rows}"));
    // Whoever leaves has used the app alone, and half of the window has no event at all.
    let uses = |row: u32| format!("c{row},2026-11-2{},{}\n", row % 8, if row.is_multiple_of(4) { "01" } else { "02" });
    branch.write("uses.csv", &format!("khh,day,qd\n{}", (0..200).map(uses).collect::<String>()));
    branch.mapped("", &format!("{label}{EVENTS}"));
    let found = survey(&branch.at("client.toml")).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(found.is_usable());
    let loaded = found.files[0].loaded.as_ref().unwrap_or_else(|fault| panic!("{fault}"));
    for (language, parts) in [
        (
            Language::English,
            [
                "1 row has a label that was known on 2026-11-30 already",
                "1 row has a label that is about a day after 2027-02-28",
                "field age: the mapping says that the column \"born\" is known only after the label",
                "field score alone tells the label churn with an AUC of 0.9",
                "field column score: it looks back to 2026-11-01, and the first event of the table uses is of 2026-11-20",
            ],
        ),
        (
            Language::Chinese,
            [
                "在 2026-11-30 就已知道",
                "2027-02-28 之后的情况",
                "字段 age：",
                "仅凭字段 score",
                "窗口从 2026-11-01 开始",
            ],
        ),
    ] {
        let told: Vec<&str> = loaded.remarks.iter().map(|remark| remark.said.text(language)).collect();
        for part in parts {
            assert!(told.iter().any(|told| told.contains(part)), "{part:?} is missing in {told:#?}");
        }
        assert_eq!(told.len(), parts.len(), "{told:#?}");
    }
}

/// The sample is a mapping to its sample schema, and everything in it is told to whoever signs it.
#[test]
fn the_sample_with_tables_is_read_and_told_in_words() {
    const SAMPLE: &str = include_str!("../../../docs/samples/mapping-events.toml");
    let schema = Schema::parse(include_str!("../../../docs/samples/schemas/events_churn.toml"));
    let schema = schema.unwrap_or_else(|faults| panic!("{faults}"));
    let text = SAMPLE.replacen(&"0".repeat(64), &schema.digest().to_string(), 1);
    let mapping = Mapping::parse(std::path::Path::new("mapping.toml"), &text, &schema);
    let mapping = mapping.unwrap_or_else(|fault| panic!("{fault}"));
    let said: Vec<_> = mapping.said();
    for (language, parts) in [
        (
            Language::English,
            [
                "first of all: the column \"YXTY\" of the customers' table says whether a customer agrees: \"Y\" allow, and nothing else does",
                "table transactions: events, from a text file; the customer is the column \"KHH\", the time is the column \"JYRQ\", YYYYMMDD",
                "\"large_transfer_out\" is any of transactions, over the 90 days that end with the day of the data, where kind is one of transfer, \
                 what went out alone, from 50000000 分 on",
                "\"activity_decay\" is decay (by the mean of the 3 windows before) of transactions",
                "the labels are about the 90 days after the day of the data",
            ],
        ),
        (
            Language::Chinese,
            [
                "只有 \"Y\" 表示同意",
                "表 transactions：事件，来自文本文件",
                "金额不低于 50000000 分",
                "与之前 3 个窗口的平均值相比",
                "数据日期之后 90 天内",
            ],
        ),
    ] {
        let told: String = said.iter().map(|line| line.text(language).to_owned() + "\n").collect();
        for part in parts {
            assert!(told.contains(part), "{part:?} is missing in {told}");
        }
        for field in &mapping.events.fields {
            assert!(told.contains(&format!("{:?}", field.to)), "{} is not told", field.to);
        }
    }
}
