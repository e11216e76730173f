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

const RULES: &str = "[[columns]]\nto = \"age\"\nfrom = \"born\"\ndate = \"YYYYMMDD\"\ncount = \"years-since\"\n";

/// A branch's folder, whose owner has a key.
struct Branch {
    folder: TempDir,
    owner: SigningKey,
}

impl Branch {
    /// With these lines under `[data]`, beside the schema.
    fn new(data: &str) -> Self {
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

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
    }

    /// A mapping that the owner signs as it is.
    fn mapped(&self, source: &str, rules: &str) {
        let text = format!("[mapping]\nschema = \"{}\"\n{source}\n{rules}", schema().digest());
        self.write("mapping.toml", &text);
        sign_owned(Owned::Mapping, &self.at("mapping.toml"), &text, &self.owner).unwrap();
    }

    fn settings(&self) -> Settings {
        Settings::load(&self.at("client.toml")).unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// As a daemon reads its rows: how many there are, and their digest; or what it says instead.
    fn snapshot(&self) -> Result<(usize, Digest), String> {
        let mut said = Vec::new();
        let read =
            Snapshot::read(&self.settings(), &schema(), &crate::data::Stop::default(), &mut |report| said.push(report));
        read.map(|read| (read.training.data().rows(), read.files.data)).map_err(|fault| fault.to_string())
    }
}

fn schema() -> Schema {
    Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}"))
}

const CSV: &str = "who,born,churn\na,19801130,yes\nb,19900101,no\n";

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
    assert!(english[1].contains("\"age\" is the column \"born\"") && english[1].contains("years-since"), "{english:?}");
    assert!(english.last().is_some_and(|last| last.contains("signed as it stands")));
    let shown = show_mapping(&branch.at("client.toml")).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(shown, lines[..lines.len() - 1]);
    assert_eq!(branch.snapshot().map(|(rows, _)| rows), Ok(2));
    // Of another schema it says nothing.
    branch.write("schema.toml", &SCHEMA.replace("max = 90", "max = 91"));
    assert!(sign_mapping(&mapping, &key, &schema_file).map(|_| ()).unwrap_err().to_string().contains("mapping.schema"));
    assert!(show_mapping(&branch.at("client.toml")).is_err());
}
