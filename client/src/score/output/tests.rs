use std::collections::BTreeSet;
use std::fs;

use tributary_certs::entropy::OsEntropy;
use tributary_certs::suite::SigningKey;
use tributary_model::features::Cell;
use tributary_model::schema::Dialect;

use super::*;
use crate::data::{Origin, Reading, RowFault, Rows, Stop, Wanted, pass_origin, read_plain};

const HEADS: [&str; 1] = ["churn"];

fn written(name: &str, encoding: Encoding, customers: &[(&str, Option<i64>)]) -> (tempfile::TempDir, PathBuf, Digest) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let mut file = ScoresFile::begin(&path, &HEADS.map(str::to_owned), encoding).unwrap();
    for (customer, points) in customers {
        let head = HeadLine {
            score: -0.125,
            probability: 0.1 + 0.2,
            decile: 3,
            points: *points,
            reasons: ["存款, 减少", "=cmd()", ""],
        };
        let heads = [head];
        let line =
            Line { customer, heads: &heads, stage: "dormant", action: "say \"hello\"", notice: "", model: "0123abcd" };
        file.line(&line).unwrap();
    }
    assert!(!path.exists(), "a draft until it is whole");
    let ended = file.end().unwrap();
    let digest = ended.digest();
    ended.place().unwrap();
    (folder, path, digest)
}

#[test]
fn text_is_read_back_and_no_spreadsheet_runs_it() {
    let customers = [("C1", Some(512)), ("-7", None), ("=1+1", None), ("@x", None), ("\tx", None), ("'x", None)];
    let (_folder, path, digest) = written("scores.csv", Encoding::Utf8, &customers);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(digest, Digest::of(&bytes));
    let text = String::from_utf8(bytes).unwrap();
    let mut lines = text.lines();
    assert_eq!(
        lines.next().unwrap(),
        "customer,churn.score,churn.probability,churn.decile,churn.points,churn.reason_1,churn.reason_2,churn.reason_3,stage,action,notice,model"
    );
    let rest = "\"存款, 减少\",'=cmd(),,dormant,\"say \"\"hello\"\"\",,0123abcd";
    assert_eq!(lines.next().unwrap(), format!("C1,-0.125,0.30000000000000004,3,512,{rest}"));
    let begins: Vec<&str> = lines.map(|line| line.split(",-0.125").next().unwrap()).collect();
    assert_eq!(begins, ["-7", "'=1+1", "'@x", "'\tx", "'x"], "a number stays a number");
    let (_folder, path, _) = written("scores.csv", Encoding::Gb18030, &customers[..1]);
    let bytes = fs::read(path).unwrap();
    let (text, _, faulty) = encoding_rs::GB18030.decode(&bytes);
    assert!(!faulty && text.contains("存款, 减少") && !bytes.windows(2).any(|pair| pair == "存".as_bytes()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, path, _) = written("scores.csv", Encoding::Utf8, &customers);
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// By the reader that a branch's tables have.
#[test]
fn a_parquet_file_is_read_back() {
    let ids: Vec<String> = (0..40_000).map(|number| format!("C{number}")).collect();
    let customers: Vec<(&str, Option<i64>)> =
        ids.iter().zip(0..).map(|(id, number)| (id.as_str(), (number % 2 == 0).then_some(number))).collect();
    let (_folder, path, digest) = written("scores.PARQUET", Encoding::Utf8, &customers);
    assert_eq!(digest, Digest::of(&fs::read(&path).unwrap()));
    let schema = r#"
name = "scores"
version = 1
customer_column = "customer"
fields = [
    { name = "p", column = "churn.probability", kind = "numeric", min = 0, max = 1, class = "C1", level = "L1" },
    { name = "d", column = "churn.decile", kind = "numeric", min = 1, max = 10, class = "C1", level = "L1" },
]
labels = [{ name = "y", positive = ["1"], negative = ["0"] }]
"#;
    let schema = tributary_model::schema::Schema::parse(schema).unwrap();
    let wanted = ["churn.score", "churn.points", "churn.reason_1", "churn.reason_3", "action", "notice", "model"];
    let wanted = wanted.map(|name| Wanted::Table(name.to_owned()));
    let (stop, mut rows) = (Stop::default(), 0_usize);
    let reading = Reading::strict(&stop);
    pass_origin(&Origin::File(path), &schema, &reading, &wanted, &mut |row| {
        assert!(matches!(row.customer, Some(Cell::Text(id)) if id == ids[rows]));
        assert!(matches!(row.wanted[0], Cell::Number(score) if score == -0.125));
        let points = customers[rows].1;
        assert!(match row.wanted[1] {
            Cell::Integer(found) => points == Some(found),
            _ => points.is_none(),
        });
        assert!(matches!(row.wanted[2], Cell::Text("存款, 减少")) && matches!(row.wanted[3], Cell::Missing));
        assert!(matches!(row.wanted[4], Cell::Text("say \"hello\"")) && matches!(row.wanted[5], Cell::Missing));
        assert!(matches!(row.wanted[6], Cell::Text("0123abcd")));
        rows += 1;
        Ok(())
    })
    .unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(rows, ids.len());
}

#[test]
fn a_note_has_the_keys_of_its_format_and_no_other() {
    let note = ScoresNote {
        format: ScoresNote::FORMAT,
        models: vec![NotedModel { model: "a".into(), state: "champion".into(), share: None, rows: 3 }],
        purpose: "churn".into(),
        schema: "b".into(),
        labels: vec!["churn".into()],
        source_digest: "c".into(),
        as_of: None,
        made_at: 1,
        valid_until: 2,
        rows: 3,
        erased: 5,
        rejected: 4,
        digest: "d".into(),
        branch: "bank/branch-1".into(),
        signature: "e".into(),
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scores.csv");
    note.write(&file).unwrap();
    let text = fs::read_to_string(folder.path().join("scores.csv.json")).unwrap();
    assert_eq!(
        text,
        "{\"format\":1,\"models\":[{\"model\":\"a\",\"state\":\"champion\",\"share\":null,\"rows\":3}],\"purpose\":\"churn\",\"schema\":\"b\",\"labels\":[\"churn\"],\"source_digest\":\"c\",\
         \"as_of\":null,\"made_at\":1,\"valid_until\":2,\"rows\":3,\"erased\":5,\"rejected\":4,\"digest\":\"d\",\"branch\":\"bank/branch-1\",\"signature\":\"e\"}\n"
    );
    assert_eq!(serde_json::from_str::<ScoresNote>(&text).unwrap(), note);
    assert!(serde_json::from_str::<ScoresNote>(&text.replace("\"format\"", "\"colour\":1,\"format\"")).is_err());
    // The branch signs every key.
    let key = SigningKey::generate(&mut OsEntropy);
    let (own, signed) = (key.verifying_key(), note.clone().signed(&key));
    assert!(signed.is_signed_by(&own) && !note.is_signed_by(&own));
    assert!(!signed.is_signed_by(&SigningKey::generate(&mut OsEntropy).verifying_key()));
    let whole = serde_json::to_value(&signed).unwrap();
    for key in whole.as_object().unwrap().keys() {
        let mut other = whole.clone();
        other[key] = match &other[key] {
            serde_json::Value::Number(number) => (number.as_u64().unwrap() + 1).into(),
            serde_json::Value::Array(_) => serde_json::json!([]),
            _ => "0".into(),
        };
        let other: ScoresNote = serde_json::from_value(other).unwrap();
        assert!(!other.is_signed_by(&own), "{key}");
    }
}

/// All rows of a file, as texts.
fn read_back(path: &Path) -> Vec<Vec<String>> {
    struct All(Vec<Vec<String>>);
    impl Rows for All {
        fn columns(&mut self, header: &[String]) -> Result<Vec<usize>, RowFault> {
            Ok((0..header.len()).collect())
        }
        fn row(&mut self, _: u64, values: &[String]) -> Result<(), RowFault> {
            self.0.push(values.to_vec());
            Ok(())
        }
    }
    let mut all = All(Vec::new());
    let read = read_plain(&Origin::File(path.to_owned()), (None, &Dialect::comma_separated()), &mut all);
    read.unwrap_or_else(|fault| panic!("{fault}"));
    all.0
}

#[test]
fn rows_are_taken_out_of_a_file_and_all_others_stay_as_they_are() {
    let customers = [("甲\n\"1\"", Some(1)), ("=2", None), ("乙,3", Some(3)), ("\r\n", None), ("5", Some(5))];
    for encoding in [Encoding::Utf8, Encoding::Gb18030] {
        for gone in [&[1][..], &[2, 4], &[5], &[1, 2, 3, 4]] {
            let (_folder, path, before) = written("scores.csv", encoding, &customers);
            let next = without(&path, &gone.iter().copied().collect()).unwrap();
            assert_eq!(Digest::of(&fs::read(&path).unwrap()), before, "nothing takes its place yet");
            let (digest, rows) = (next.digest, next.rows);
            next.place().unwrap();
            let stay = (1..).zip(customers).filter(|(number, _)| !gone.contains(number)).map(|(_, customer)| customer);
            let stay: Vec<_> = stay.collect();
            let (_other, fewer, expected) = written("scores.csv", encoding, &stay);
            assert_eq!((fs::read(&path).unwrap(), digest), (fs::read(fewer).unwrap(), expected));
            assert_eq!(rows, stay.len() as u64);
        }
    }
    let ids: Vec<String> = (0..40_000).map(|number| format!("C{number}")).collect();
    let customers: Vec<(&str, Option<i64>)> =
        ids.iter().zip(0..).map(|(id, number)| (id.as_str(), (number % 2 == 0).then_some(number))).collect();
    let (_folder, path, _) = written("scores.parquet", Encoding::Utf8, &customers);
    let before = read_back(&path);
    // Of the first group one row, of the second one all.
    let gone: BTreeSet<u64> = std::iter::once(7).chain(32_769..=40_000).collect();
    let next = without(&path, &gone).unwrap();
    let (digest, rows) = (next.digest, next.rows);
    next.place().unwrap();
    assert_eq!((digest, rows), (Digest::of(&fs::read(&path).unwrap()), 32_767));
    let after = read_back(&path);
    assert!(before.iter().zip(1..).filter(|(_, number)| !gone.contains(number)).map(|(row, _)| row).eq(&after));
    // A row that does not end, and a file that is none.
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [("scores.csv", &b"customer\n\"a\n"[..]), ("scores.parquet", b"PAR1")] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        assert!(without(&path, &gone).is_err(), "{name}");
    }
    assert!(without(&folder.path().join("absent.csv"), &gone).is_err());
}
