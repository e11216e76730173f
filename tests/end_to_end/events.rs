//! Tables of events through the built executable, as docs/EVENTS.md tells it: from a core system's exports to a data set that a run would use.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;

use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::support::{Finished, run};

const SCHEMA: &str = include_str!("../../docs/samples/schemas/events_churn.toml");
const MAPPING: &str = include_str!("../../docs/samples/mapping-events.toml");
const MANUAL: &str = include_str!("../../docs/EVENTS.md");

/// A customer's balance of a day: key, day since 1970-01-01, yuan, kind.
type Balance = (String, i32, i64, &'static str);

/// Customers of the branch. Every tenth has not agreed.
const CUSTOMERS: u32 = 400;

/// The words of these files in GB18030.
const WORDS: [(&str, &[u8]); 6] = [
    ("是", b"\xca\xc7"),
    ("否", b"\xb7\xf1"),
    ("存入", b"\xb4\xe6\xc8\xeb"),
    ("取出", b"\xc8\xa1\xb3\xf6"),
    ("转账", b"\xd7\xaa\xd5\xcb"),
    ("消费", b"\xcf\xfb\xb7\xd1"),
];

fn gb18030(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        match WORDS.iter().find(|(word, _)| rest.starts_with(word)) {
            Some((word, own)) => {
                bytes.extend_from_slice(own);
                rest = &rest[word.len()..];
            }
            None => {
                assert!(first.is_ascii(), "{first} has no bytes here");
                bytes.push(first as u8);
                rest = &rest[1..];
            }
        }
    }
    bytes
}

struct Branch(tempfile::TempDir);

impl Branch {
    /// A branch's folder with a signed policy, and the files of one month.
    fn new() -> Self {
        let branch = Self(tempfile::tempdir().unwrap());
        let path = |name: &str| branch.path(name).display().to_string();
        let schema = path("schema.toml");
        fs::write(&schema, SCHEMA).unwrap();
        let done = |words: &[&str]| {
            let finished = run(words);
            assert_eq!(finished.code, Some(0), "{words:?}: {} {}", finished.out, finished.err);
            finished.out
        };
        done(&["client", "policy", "init", "--schema", &schema, &path("branch-01")]);
        let (policy, key) = (path("branch-01/policy.toml"), path("branch-01/owner.key"));
        done(&["client", "policy", "sign", "--policy", &policy, "--key", &key, "--schema", &schema]);
        fs::create_dir(branch.path("branch-01/identity")).unwrap();
        fs::copy(&schema, branch.path("branch-01/schema.toml")).unwrap();
        fs::write(
            branch.path("branch-01/client.toml"),
            format!(
                "[client]\nstate_dir = \"state\"\n[coordinator]\naddress = \"localhost:1\"\n[identity]\nfolder = \"identity\"\n\
                 [policy]\nfile = \"policy.toml\"\nowner = \"owner.pub\"\n{}",
                block("toml")
            ),
        )
        .unwrap();
        branch.export();
        branch
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A command of the manual, typed in the folder above the branch's.
    fn typed(&self, line: &str) -> Finished {
        let words = line.split_whitespace().skip(1).map(|word| match word.starts_with("branch-01") {
            true => self.path(word).display().to_string(),
            false => word.to_owned(),
        });
        run(words)
    }

    /// What the core system and its neighbours write at the end of November.
    fn export(&self) {
        let mut customers = String::from("KHH,CSRQ,YXTY,LSBZ,XHRQ\n");
        let mut transactions = String::from("KHH|@|JYRQ|@|JZRQ|@|JYJE|@|JDBZ|@|LSH|@|JYLX|@|QD\n");
        let mut balances: Vec<Balance> = Vec::new();
        let database = rusqlite::Connection::open(self.path("branch-01/service.db")).unwrap();
        database
            .execute_batch(
                "CREATE TABLE touch (khh, fssj, ydsj, fqf); CREATE TABLE service (khh, slsj, jjsj, lx); BEGIN",
            )
            .unwrap();
        for customer in 0..CUSTOMERS {
            let key = format!("6222{customer:015}");
            let leaves = customer.is_multiple_of(7) || customer.is_multiple_of(23);
            let (yes, day) = if leaves { ("是", "20261224") } else { ("否", "") };
            let agreed = if customer % 10 == 9 { "N" } else { "Y" };
            customers.push_str(&format!("{key},19{:02}0615,{agreed},{yes},{day}\n", 40 + customer % 60));
            for number in 0..customer % 9 {
                let (month, of_month) = (7 + number % 5, 1 + (customer + number * 11) % 28);
                let (way, kind) = [("C", "存入"), ("D", "取出"), ("D", "转账"), ("D", "消费")][(number % 4) as usize];
                let day = format!("2026{month:02}{of_month:02}");
                let fen = 1_050 + u64::from(customer) * 100 + u64::from(number);
                transactions.push_str(&format!(
                    "{key}|@|{day}|@|{day}|@|{fen}|@|{way}|@|{customer}-{number}|@|{kind}|@|0{}\n",
                    1 + (customer + number) % 6
                ));
            }
            // After the day of the data, and once more what was there.
            transactions.push_str(&format!("{key}|@|20261201|@|20261201|@|100|@|C|@|{customer}-x|@|存入|@|03\n"));
            for (ago, day) in [(0, 20_787), (1, 20_757), (2, 20_726), (3, 20_696), (4, 20_665), (5, 20_634)] {
                let yuan = i64::from(1_000 + customer * 10) * if leaves { 3 + ago } else { 4 };
                balances.push((key.clone(), day, yuan, if customer.is_multiple_of(3) { "DQ" } else { "HQ" }));
            }
            if customer.is_multiple_of(2) {
                let read = (customer.is_multiple_of(4)).then_some("2026-11-21 09:00:00");
                let by = if customer.is_multiple_of(8) { "客户" } else { "银行" };
                let values = rusqlite::params![key, "2026-11-20 10:00:00", read, by];
                database.execute("INSERT INTO touch VALUES (?1, ?2, ?3, ?4)", values).unwrap();
            }
            if customer.is_multiple_of(5) {
                let values = rusqlite::params![key, "2026-10-20 02:00:00", "2026-10-20 10:30:00", "投诉"];
                database.execute("INSERT INTO service VALUES (?1, ?2, ?3, ?4)", values).unwrap();
            }
        }
        database.execute_batch("COMMIT").unwrap();
        transactions.push_str("9999|@|20261120|@|20261120|@|100|@|C|@|stranger|@|存入|@|03\n");
        fs::write(self.path("branch-01/customers.csv"), gb18030(&customers)).unwrap();
        fs::write(self.path("branch-01/transactions.dat"), gb18030(&transactions)).unwrap();
        self.balances(&balances);
    }

    fn balances(&self, rows: &[Balance]) {
        let types = "message m { required binary khh (UTF8); required int32 rq (DATE); required int64 ye (DECIMAL(18,2)); required binary cklx (UTF8); }";
        let types = Arc::new(parse_message_type(types).unwrap());
        let properties = Arc::new(WriterProperties::builder().build());
        let file = File::create(self.path("branch-01/balances.parquet")).unwrap();
        let mut file = SerializedFileWriter::new(file, types, properties).unwrap();
        for rows in rows.chunks(1000) {
            let mut group = file.next_row_group().unwrap();
            let mut number = 0;
            while let Some(mut column) = group.next_column().unwrap() {
                let texts = |of: &dyn Fn(&Balance) -> String| -> Vec<ByteArray> {
                    rows.iter().map(|row| ByteArray::from(of(row).into_bytes())).collect()
                };
                match column.untyped() {
                    ColumnWriter::ByteArrayColumnWriter(writer) if number == 0 => {
                        writer.write_batch(&texts(&|row| row.0.clone()), None, None).map(drop).unwrap();
                    }
                    ColumnWriter::ByteArrayColumnWriter(writer) => {
                        writer.write_batch(&texts(&|row| row.3.to_owned()), None, None).map(drop).unwrap();
                    }
                    ColumnWriter::Int32ColumnWriter(writer) => {
                        let days: Vec<i32> = rows.iter().map(|row| row.1).collect();
                        writer.write_batch(&days, None, None).map(drop).unwrap();
                    }
                    ColumnWriter::Int64ColumnWriter(writer) => {
                        let fen: Vec<i64> = rows.iter().map(|row| row.2 * 100).collect();
                        writer.write_batch(&fen, None, None).map(drop).unwrap();
                    }
                    _ => unreachable!("no other column"),
                }
                column.close().unwrap();
                number += 1;
            }
            group.close().unwrap();
        }
        file.close().unwrap();
    }
}

/// The first block of the manual in a language of its own.
fn block(language: &str) -> &'static str {
    let (_, rest) = MANUAL.split_once(&format!("```{language}\n")).expect("the manual has such a block");
    rest.split_once("```").expect("the block ends").0
}

/// The commands of the manual's worked example, in their order.
fn commands() -> Vec<&'static str> {
    block("sh")
        .lines()
        .filter(|line| line.starts_with("tributary "))
        .map(|line| line.split('#').next().unwrap())
        .collect()
}

#[test]
fn the_manuals_example_ends_in_a_data_set_that_a_run_would_use() {
    let branch = Branch::new();
    let commands = commands();
    let [init, sign, show, stamp, check, ready] = commands.as_slice() else { panic!("{commands:?}") };
    // The plain sample has the schema's digest, and the sample with tables takes it over.
    assert_eq!(branch.typed(init).code, Some(0));
    let plain = fs::read_to_string(branch.path("branch-01/mapping.toml")).unwrap();
    let digest = plain.lines().find_map(|line| line.strip_prefix("schema = \"")?.strip_suffix('"')).unwrap();
    fs::write(branch.path("branch-01/mapping.toml"), MAPPING.replacen(&"0".repeat(64), digest, 1)).unwrap();
    branch.typed(check).assert_refused(1, &["mapping.toml.sig"]);
    let signed = branch.typed(sign);
    assert_eq!(signed.code, Some(0), "{} {}", signed.out, signed.err);
    assert!(signed.out.contains("\"activity_decay\" is decay"), "{}", signed.out);
    assert!(branch.typed(show).out.contains("table calls: events, from an SQLite file"));
    let stamped = branch.typed(stamp);
    assert_eq!(stamped.code, Some(0), "{} {}", stamped.out, stamped.err);
    let checked = branch.typed(check);
    assert_eq!(checked.code, Some(0), "{} {}", checked.out, checked.err);
    for part in [
        "360 rows, 360 customers",
        "40 customers have not agreed, or have refused: their 40 rows are left out",
        "table transactions",
        "360 after the day of the data, 0 booked after it; 1 of unknown customers",
        "table balances",
        "field large_transfer_out",
        "data of 2026-11-30",
        "a run would use this",
    ] {
        assert!(checked.out.contains(part), "{part:?} is missing in {}", checked.out);
    }
    let json = branch.typed(&format!("{check} --json")).json();
    let report = &json["files"][0]["report"];
    let missing = |name: &str| {
        let fields = report["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).unwrap()["missing"].as_u64().unwrap()
    };
    // Counts are never missing; the mean of nobody's transactions is.
    assert_eq!((missing("txn_count_90d"), missing("deposit_balance"), missing("balance_trend_3m")), (0, 0, 0));
    assert!(missing("avg_txn_amount") > 0 && missing("avg_resolution_hours") == 360 - 80);
    assert_eq!(report["events"].as_array().unwrap().len(), 4);
    let told = branch.typed(ready);
    assert_eq!(told.code, Some(0), "{} {}", told.out, told.err);
    assert!(told.out.contains("the data of 2026-11-30 are said to be ready"), "{}", told.out);

    // One transaction more, after the word: the file is another one than its ready file says.
    let path = branch.path("branch-01/transactions.dat");
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(gb18030("6222000000000000001|@|20261130|@|20261130|@|5|@|C|@|new|@|存入|@|03\n"));
    fs::write(&path, bytes).unwrap();
    branch.typed(ready).assert_refused(1, &["transactions.dat", "replaced, changed or cut"]);
    assert_eq!(branch.typed(check).code, Some(1));
}
