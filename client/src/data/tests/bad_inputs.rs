//! What a branch's files may be, and hardly should: each is refused with what is wrong, or taken by a rule that is written down.

use tributary_model::train::{PlacementKey, Table, TableMaxima};

use super::*;
use crate::data::{Origin, Reading, Stop, read_origin};

const SCHEMA: &str = r#"
name = "bank"
version = 1
format = 2
customer_column = "who"
drop = ["password"]
fields = [
    { name = "age", kind = "numeric", min = 0, max = 100, class = "C2", level = "L2" },
    { name = "saldo", kind = "numeric", min = -100, max = 100, missing = "indicator", missing_codes = [999, "none"], class = "C1", level = "L1" },
    { name = "job", kind = "categorical", categories = ["office", "student"], missing = "indicator", class = "C1", level = "L1" },
    { name = "score", kind = "numeric", min = 0, max = 1, missing = "indicator", optional = true, class = "C1", level = "L1" },
]
labels = [{ name = "y", positive = ["yes", 1], negative = ["no", 0] }]
"#;

const HEAD: &str = "who,age,saldo,job,y\n";
const GOOD: &str = "a,30,1,office,yes\nb,40,2,student,no\n";

/// What becomes of a file.
enum Then {
    /// Nothing of it is used, and the message has this part.
    Refused(&'static str),
    /// So many rows and customers are used, and so many are left out where half of the rows may be.
    Taken(usize, usize),
    /// One row is left out, with this part of a message; with a limit of 0 the file is refused.
    LeftOut(&'static str),
}

use Then::{LeftOut, Refused, Taken};

fn read(bytes: &[u8], percent: u8) -> Result<crate::data::ReadTable, FileError> {
    let (_folder, path) = file(bytes);
    let (stop, schema) = (Stop::default(), Schema::parse(SCHEMA).unwrap());
    let reading = Reading { faulty_percent_max: percent, ..Reading::strict(&stop) };
    read_origin(&Origin::File(path), &schema, &reading)
}

fn check(name: &str, bytes: &[u8], then: &Then) {
    let strict = read(bytes, 0);
    match then {
        Refused(part) => {
            for percent in [0, 50] {
                let told = read(bytes, percent).map(|_| ()).expect_err(name).to_string();
                assert!(told.contains(part), "{name}: {told}");
                assert!(!told.contains("secret"), "{name} shows a value: {told}");
            }
        }
        Taken(rows, customers) => {
            let table = strict.unwrap_or_else(|fault| panic!("{name}: {fault}"));
            assert_eq!(
                (table.rows.rows(), table.rows.customer_count(), table.counts.faulty),
                (*rows, *customers, 0),
                "{name}"
            );
        }
        LeftOut(part) => {
            let told = strict.map(|_| ()).expect_err(name).to_string();
            assert!(told.contains(part) && !told.contains("secret"), "{name}: {told}");
            let table = read(bytes, 50).unwrap_or_else(|fault| panic!("{name}: {fault}"));
            assert_eq!((table.rows.rows(), table.counts.faulty), (2, 1), "{name}");
            assert!(table.counts.told[0].text.contains(part), "{name}");
            assert!(!table.counts.told[0].text.contains("secret"), "{name}");
        }
    }
}

/// Files that begin as a table and are something else, or are cut.
#[test]
fn whole_files() {
    let good = format!("{HEAD}{GOOD}");
    let head = |other: &str| format!("{other}\n{GOOD}").into_bytes();
    let gzip = |bytes: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, bytes).unwrap();
        packed.finish().unwrap()
    };
    let (chinese, ..) =
        encoding_rs::GB18030.encode("who,age,saldo,job,y\n客户甲,30,1,办公室职员,是\n客户乙,40,2,学生,否\n");
    let (big5, ..) = encoding_rs::BIG5.encode("who,age,saldo,job,y\n客戶編號,30,1,職業,是\n");
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf32: Vec<u8> = good.chars().flat_map(|char| u32::from(char).to_le_bytes()).collect();
    let packed = gzip(good.as_bytes());
    let mut flipped = packed.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    let cases: Vec<(&str, Vec<u8>, Then)> = vec![
        ("an empty file", vec![], Refused("no rows")),
        ("line ends alone", b"\r\n\r\n\n".to_vec(), Refused("no rows")),
        ("a byte order mark alone", b"\xef\xbb\xbf".to_vec(), Refused("no rows")),
        ("a header alone", HEAD.as_bytes().to_vec(), Refused("no rows")),
        ("a byte order mark before a table", [b"\xef\xbb\xbf", good.as_bytes()].concat(), Taken(2, 2)),
        ("line ends of another system", good.replace('\n', "\r\n").into_bytes(), Taken(2, 2)),
        ("line ends of an old system", good.replace('\n', "\r").into_bytes(), Taken(2, 2)),
        ("no line end at the end", good.trim_end().as_bytes().to_vec(), Taken(2, 2)),
        ("the mark of an old file's end", [good.as_bytes(), b"\x1a"].concat(), Taken(2, 2)),
        ("a packed table", packed.clone(), Taken(2, 2)),
        ("a packed table that was cut", packed[..packed.len() - 9].to_vec(), Refused("reading stopped")),
        ("a packed table with another byte", flipped, Refused("reading stopped")),
        ("a table that was packed twice", gzip(&packed), Refused("")),
        ("GB18030 where UTF-8 is meant", chinese.to_vec(), Refused("csv.encoding = \"gb18030\"")),
        ("Big5 where UTF-8 is meant", big5.to_vec(), Refused("csv.encoding")),
        (
            "Latin-1 where UTF-8 is meant",
            b"who,age,saldo,job,y\nM\xfcller,30,1,office,yes\n".to_vec(),
            Refused("latin1"),
        ),
        ("UTF-16 without a mark", utf16.clone(), Refused("utf-16")),
        ("UTF-16 with a mark", [b"\xff\xfe".to_vec(), utf16].concat(), Refused("utf-16")),
        ("UTF-32", utf32, Refused("utf-16")),
        ("half a character at the end", [good.as_bytes(), b"c,50,1,\xe5\xad"].concat(), Refused("not utf-8 text")),
        ("a spreadsheet", b"PK\x03\x04\x14\0\x06\0[Content_Types].xml".to_vec(), Refused("a spreadsheet")),
        ("an old spreadsheet", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0".to_vec(), Refused("(xls)")),
        ("a web page", b"<html><table><tr><td>secret</td></tr></table></html>".to_vec(), Refused("a web page")),
        ("a database", b"SQLite format 3\0\x10\0\x01\x01".to_vec(), Refused("source = \"sqlite\"")),
        ("the beginning of a Parquet file", b"PAR1\x15\x04\x15\0".to_vec(), Refused("a Parquet file")),
        ("a Parquet file without its middle", b"PAR1\0\0\0\0PAR1".to_vec(), Refused("cannot be read as Parquet")),
        ("random bytes", (0..=255).rev().cycle().take(4_000).collect(), Refused("")),
        ("another delimiter", good.replace(',', ";").into_bytes(), Refused("csv.delimiter")),
        ("a delimiter that a spreadsheet names otherwise", format!("sep=;\n{good}").into_bytes(), Refused("sep=;")),
        ("a delimiter that a spreadsheet names", format!("sep=,\n{good}").into_bytes(), Taken(2, 2)),
        ("no header", GOOD.as_bytes().to_vec(), Refused("no column")),
        ("a header in capitals", head("WHO,AGE,SALDO,JOB,Y"), Refused("upper and lower case")),
        ("a header with blanks", head(" who , age,saldo ,job,y"), Taken(2, 2)),
        ("a column twice", head("who,age,age,job,y"), Refused("more than once")),
        ("a label's column lacks", head("who,age,saldo,job,z"), Refused("no column \"y\"")),
        ("the customer's column lacks", head("whom,age,saldo,job,y"), Refused("no column \"who\"")),
        (
            "an optional column in other letters",
            format!("who,age,saldo,job,y,Score\n{}", GOOD.replace('\n', ",1\n")).into_bytes(),
            Refused("\"Score\""),
        ),
        ("a header over two lines", head("who,age,saldo,job,\"y\nz\""), Refused("no column \"y\"")),
        (
            "a quote in the header that is not closed",
            head("who,age,saldo,job,\"y"),
            Refused("a quote is opened and not closed"),
        ),
        (
            "a quote that is not closed",
            format!("{good}c,50,1,\"secret,no\nd,1,1,office,no\n").into_bytes(),
            Refused("row 3, column \"job\": a quote is opened"),
        ),
        ("a row without an end", format!("{good}c,{}", "x".repeat(70_000)).into_bytes(), Refused("longer than")),
    ];
    assert!(cases.len() >= 40, "{}", cases.len());
    for (name, bytes, then) in &cases {
        check(name, bytes, then);
    }
}

/// One row among good ones.
#[test]
fn single_rows() {
    let cases: [(&str, &str, Then); 36] = [
        ("a value too few", "c,50,1,office", LeftOut("has 4 fields where the header has 5")),
        ("a value too many", "c,50,1,office,no,secret", LeftOut("has 6 fields")),
        ("text in the place of a number", "c,secret,1,office,no", LeftOut("column \"age\": text where a number")),
        ("long text", &format!("c,{},1,office,no", "secret".repeat(50)), LeftOut("long text")),
        ("no number where one must be", "c,,1,office,no", LeftOut("column \"age\": empty")),
        ("blanks where a number must be", "c,   ,1,office,no", LeftOut("column \"age\": empty")),
        ("not a number", "c,NaN,1,office,no", LeftOut("NaN is not a number")),
        ("an infinity", "c,-inf,1,office,no", LeftOut("infinite")),
        ("a number beyond all others", "c,1e999,1,office,no", LeftOut("infinite")),
        ("a decimal comma", "c,\"30,5\",1,office,no", LeftOut("decimal comma")),
        ("separators between thousands", "c,\"1,234,567\",1,office,no", LeftOut("separators between thousands")),
        ("a number with its unit", "c,30元,1,office,no", LeftOut("text where a number")),
        ("a date in the place of a number", "c,1980-01-31,1,office,no", LeftOut("text where a number")),
        ("a hexadecimal number", "c,0x1F,1,office,no", LeftOut("text where a number")),
        ("wide digits", "c,３０,1,office,no", LeftOut("text where a number")),
        ("a minus after the number", "c,30,5-,office,no", LeftOut("column \"saldo\": text where a number")),
        ("a spreadsheet's error", "c,#REF!,1,office,no", LeftOut("text where a number")),
        ("a database's null", "c,\\N,1,office,no", LeftOut("text where a number")),
        ("no customer", ",30,1,office,no", LeftOut("column \"who\": empty")),
        ("a customer's key that is a code for nothing", "NULL,30,1,office,no", LeftOut("a code for nothing")),
        ("a customer's key that a spreadsheet shortened", "6.22202E+18,30,1,office,no", LeftOut("scientific notation")),
        ("text after a quote", "c,30,1,\"office\" secret,no", LeftOut("text after a closing quote")),
        ("an age from the future", "c,-5,1,office,no", Taken(3, 3)),
        ("an age beyond its bound", "c,20261130,1,office,no", Taken(3, 3)),
        ("a category that no list has", "c,30,1,secret,no", Taken(3, 3)),
        ("a label that no list has", "c,30,1,office,maybe", Taken(3, 3)),
        ("no label", "c,30,1,office,", Taken(3, 3)),
        ("a missing number with a rule", "c,30,,office,no", Taken(3, 3)),
        ("a missing number by its code", "c,30,999.0,office,no", Taken(3, 3)),
        ("a missing category with a rule", "c,30,1,,no", Taken(3, 3)),
        ("a negative zero", "c,-0,-0.0,office,0.0", Taken(3, 3)),
        ("blanks around values", " c , 30 , 1 , office , no ", Taken(3, 3)),
        ("a quote within a value", "c,30,1,5\" office,no", Taken(3, 3)),
        ("the same customer again", "a,50,1,office,no", Taken(3, 2)),
        ("the same row again", "a,30,1,office,yes", Taken(3, 2)),
        ("an empty line and another one", "\n\n", Taken(2, 2)),
    ];
    for (name, row, then) in &cases {
        check(name, format!("{HEAD}{GOOD}{row}\n").as_bytes(), then);
    }
}

/// A zero byte is a character of text, and no end of it.
#[test]
fn control_characters_do_not_end_a_value() {
    check("a zero byte", format!("{HEAD}{GOOD}c,3\0,1,office,no\n").as_bytes(), &LeftOut("text where a number"));
    check("an escape", format!("{HEAD}{GOOD}c,\u{1b}[2J,1,office,no\n").as_bytes(), &LeftOut("text where a number"));
    check(
        "an escape in the header",
        format!("who,age,saldo,job,\u{1b}[2Jy\n{GOOD}").as_bytes(),
        &Refused("no column \"y\""),
    );
}

/// Whole tables that say little, or one thing too often. They are read; what is remarkable about them is told elsewhere.
#[test]
fn whole_tables() {
    let rows =
        |count: usize, row: &dyn Fn(usize) -> String| format!("{HEAD}{}", (0..count).map(row).collect::<String>());
    let one_class = read(rows(50, &|row| format!("c{row},30,1,office,no\n")).as_bytes(), 0).unwrap();
    assert_eq!((one_class.rows.counts().labels[0].positive, one_class.rows.counts().labels[0].negative), (0, 50));
    let unlabelled = read(rows(50, &|row| format!("c{row},30,1,office,\n")).as_bytes(), 0).unwrap();
    assert_eq!((unlabelled.rows.present().sum(), unlabelled.rows.rows()), (0.0, 50));
    let absent = &one_class.rows.counts().fields[3];
    assert!(absent.absent && absent.missing == 50);
    // 10^5 rows of one customer are one customer, of which as many rows are used as the settings say.
    let one = read(rows(100_000, &|row| format!("c,{},1,office,no\n", row % 90)).as_bytes(), 0).unwrap();
    assert_eq!((one.rows.rows(), one.rows.customer_count()), (100_000, 1));
    assert_eq!(one.rows.counts().rows_of_one_customer_max, 100_000);
    let maxima = TableMaxima { customers: 10, rows: 40, rows_per_customer: 4 };
    let table = Table::new(one.rows, maxima, &PlacementKey::new([1; 32])).unwrap();
    assert_eq!((table.customer_count(), table.rows_left_out()), (1, 99_996));
}

/// The limit is a share of all rows, and every fault counts once for its row.
#[test]
fn a_share_of_faulty_rows_is_left_out_and_a_larger_one_refuses_the_table() {
    let text = |faulty: usize| {
        let bad = (0..faulty).map(|row| format!("b{row},x,y,office,no\n")).collect::<String>();
        let good = (faulty..100).map(|row| format!("c{row},30,1,office,no\n")).collect::<String>();
        format!("{HEAD}{bad}{good}")
    };
    for (faulty, percent, taken) in
        [(0, 0, true), (1, 0, false), (1, 1, true), (2, 1, false), (50, 50, true), (51, 50, false)]
    {
        let read = read(text(faulty).as_bytes(), percent);
        assert_eq!(read.is_ok(), taken, "{faulty} of 100 at {percent} percent");
        if let Ok(table) = read {
            let counts = &table.counts;
            assert_eq!((table.rows.rows(), counts.read, counts.faulty), (100 - faulty, 100, faulty as u64));
            assert!(counts.told.len() <= FAULTS_TOLD_MAX);
        }
    }
    let told = read(text(51).as_bytes(), 50).map(|_| ()).unwrap_err().to_string();
    assert!(told.contains("102 faults") && told.contains("and 82 more"), "{told}");
    // Where no row is left, there is no table.
    let none = read(format!("{HEAD}b,x,1,office,no\n").as_bytes(), 100).map(|_| ()).unwrap_err().to_string();
    assert!(none.contains("no rows"), "{none}");
}

proptest::proptest! {
    /// A row that is left out changes nothing about the others: they are what they are without it, in whatever place it stood.
    #[test]
    fn a_faulty_row_takes_nothing_else_with_it(rows in proptest::collection::vec((0_u8..9, 0_u8..120, proptest::bool::ANY), 1..12)) {
        let line = |(who, age, bad): &(u8, u8, bool)| {
            if *bad { format!("c{who},text,1,office,no\n") } else { format!("c{who},{age},1,office,no\n") }
        };
        let all: String = rows.iter().map(line).collect();
        let good: String = rows.iter().filter(|row| !row.2).map(line).collect();
        let bad = rows.iter().filter(|row| row.2).count() as u64;
        match (read(format!("{HEAD}{all}").as_bytes(), 100), read(format!("{HEAD}{good}").as_bytes(), 0)) {
            (Ok(all), Ok(good)) => {
                proptest::prop_assert_eq!(all.rows.features(), good.rows.features());
                proptest::prop_assert_eq!(all.rows.customers(), good.rows.customers());
                proptest::prop_assert_eq!(all.rows.counts(), good.rows.counts());
                proptest::prop_assert_eq!(all.counts.faulty, bad);
            }
            (Err(_), Err(_)) => proptest::prop_assert!(good.is_empty()),
            _ => proptest::prop_assert!(false, "one of them was taken"),
        }
    }
}
