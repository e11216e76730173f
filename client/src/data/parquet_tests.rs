use std::path::PathBuf;
use std::sync::Arc;

use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::data_type::FixedLenByteArray;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use tempfile::TempDir;
use tributary_model::schema::Schema;

use super::*;
use crate::data::{Mapping, Origin, ReadTable, Reading, Stop, read_origin, read_table};

const SCHEMA: &str = r#"
name = "bank"
version = 1
format = 2
customer_column = "who"
fields = [
    { name = "age", kind = "numeric", min = 0, max = 100, range = "unit", missing = "indicator", class = "C2", level = "L2" },
    { name = "saldo", kind = "numeric", min = 0, max = 100, range = "unit", missing = "indicator", class = "C1", level = "L1" },
    { name = "job", kind = "categorical", categories = ["office", "student"], missing = "indicator", class = "C1", level = "L1" },
]
labels = [{ name = "y", positive = ["true", "1"], negative = ["false", "0"] }]
"#;

const TYPES: &str = "message m { required int64 who; optional double age; optional int64 saldo (DECIMAL(12,2)); optional binary job (UTF8); \
                     optional boolean y; optional int32 born (DATE); optional binary secret; }";

fn schema() -> Schema {
    Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}"))
}

/// A file of so many groups of these rows.
fn written(types: &str, groups: usize, compression: Compression) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.parquet");
    let types = Arc::new(parse_message_type(types).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut file = SerializedFileWriter::new(File::create(&path).unwrap(), types, properties).unwrap();
    for group in 0..groups {
        let mut rows = file.next_row_group().unwrap();
        let first = i64::try_from(group).unwrap() * 4;
        while let Some(mut column) = rows.next_column().unwrap() {
            let all = [1, 1, 1, 0];
            match column.untyped() {
                ::parquet::column::writer::ColumnWriter::Int64ColumnWriter(writer) => {
                    let required = writer.get_descriptor().max_def_level() == 0;
                    let values =
                        if required { vec![first, first + 1, first + 2, first + 3] } else { vec![150, 1_234, -5] };
                    let levels = if required { None } else { Some(&all[..]) };
                    writer.write_batch(&values, levels, None).map(drop).unwrap();
                }
                ::parquet::column::writer::ColumnWriter::DoubleColumnWriter(writer) => {
                    writer.write_batch(&[18.0, 99.5], Some(&[1, 0, 1, 0]), None).map(drop).unwrap();
                }
                ::parquet::column::writer::ColumnWriter::ByteArrayColumnWriter(writer) => {
                    let name = writer.get_descriptor().name().to_owned();
                    let value: &[u8] = if name == "secret" { b"\xff\xfe" } else { b"student" };
                    let values = vec![ByteArray::from(value.to_vec()); 3];
                    writer.write_batch(&values, Some(&all), None).map(drop).unwrap();
                }
                ::parquet::column::writer::ColumnWriter::BoolColumnWriter(writer) => {
                    writer.write_batch(&[true, false, true], Some(&all), None).map(drop).unwrap();
                }
                ::parquet::column::writer::ColumnWriter::Int32ColumnWriter(writer) => {
                    writer.write_batch(&[0, 4_000, 30_000], Some(&all), None).map(drop).unwrap();
                }
                ::parquet::column::writer::ColumnWriter::FixedLenByteArrayColumnWriter(writer) => {
                    let value = FixedLenByteArray::from(vec![0xff, 0xff, 0xff, 0x85]);
                    writer.write_batch(&vec![value; 3], Some(&all), None).map(drop).unwrap();
                }
                _ => panic!("a type that no test has"),
            }
            column.close().unwrap();
        }
        rows.close().unwrap();
    }
    file.close().unwrap();
    (folder, path)
}

fn read(path: &Path) -> Result<ReadTable, FileError> {
    read_table(path, &schema(), &Stop::default())
}

fn refused(path: &Path) -> String {
    read(path).map(|_| ()).expect_err("the file was taken").to_string()
}

#[test]
fn columns_become_rows_with_whatever_codec() {
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4_RAW,
        Compression::GZIP(::parquet::basic::GzipLevel::default()),
    ];
    for codec in codecs {
        let (_folder, path) = written(TYPES, 3, codec);
        let table = read(&path).unwrap_or_else(|fault| panic!("{codec:?}: {fault}"));
        assert_eq!((table.rows.rows(), table.rows.customer_count()), (12, 12));
        assert_eq!(table.digest, Digest::of(&std::fs::read(&path).unwrap()), "of the file's bytes");
        let rounded = |row: usize| -> Vec<f32> {
            table.rows.features().row(row).iter().map(|value| (value * 1e4).round() / 1e4).collect()
        };
        for group in [0, 4, 8] {
            assert_eq!(rounded(group), [0.18, 0.0, 0.015, 0.0, 0.0, 1.0, 0.0]);
            assert_eq!(rounded(group + 1), [0.0, 1.0, 0.1234, 0.0, 0.0, 1.0, 0.0]);
            assert_eq!(rounded(group + 2), [0.995, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
            assert_eq!(rounded(group + 3), [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
        }
        assert_eq!(table.rows.targets().sum(), 6.0);
        assert_eq!(table.rows.counts().labels[0].unlisted, 3, "a flag that is missing is no class");
    }
}

#[test]
fn types_that_do_not_fit_are_refused_before_a_row_is_read() {
    for (from, to, part) in [
        (
            "optional double age",
            "optional binary age (UTF8)",
            "column \"age\" holds text today, and the schema reads a number there",
        ),
        ("optional double age", "optional boolean age", "holds flags today"),
        ("optional double age", "optional int32 age (DATE)", "holds dates today"),
        ("required int64 who", "optional double who", "more digits than they hold"),
        ("optional binary job (UTF8)", "optional binary job (JSON)", "holds bytes today"),
        ("optional double age", "optional fixed_len_byte_array(4) age", "no single value"),
    ] {
        let (_folder, path) = written(&TYPES.replace(from, to), 1, Compression::UNCOMPRESSED);
        let told = refused(&path);
        assert!(told.contains(part), "{to}: {told}");
    }
    let lists = TYPES.replace(
        "optional double age;",
        "optional group age (LIST) { repeated group list { optional double element; } }",
    );
    let types = parse_message_type(&lists).unwrap();
    let leaf = ::parquet::schema::types::SchemaDescriptor::new(Arc::new(types));
    assert_eq!(describe(&leaf.column(1)).0.kind, Some(ColumnKind::Other("lists".into())));
}

#[test]
fn decimals_of_any_length_are_exact() {
    assert_eq!(decimal(-5, 2), "-0.05");
    assert_eq!(decimal(1_234, 2), "12.34");
    assert_eq!(decimal(i128::MIN, 0), i128::MIN.to_string());
    let (bytes, wide) = (vec![0xff, 0x85], vec![1; 17]);
    assert_eq!(
        decimals([bytes.as_slice(), &[0x7f], &[]].into_iter(), 1),
        Some(vec!["-12.3".into(), "12.7".into(), "0.0".into()])
    );
    assert_eq!(decimals([wide.as_slice()].into_iter(), 1), None);
    let types =
        TYPES.replace("optional int64 saldo (DECIMAL(12,2))", "optional fixed_len_byte_array(4) saldo (DECIMAL(9,1))");
    let (_folder, path) = written(&types, 1, Compression::SNAPPY);
    let table = read(&path).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(table.rows.counts().fields[1].below, 3, "-12.3 each");
    for (days, text) in [(0, "1970-01-01"), (-1, "1969-12-31"), (20_787, "2026-11-30")] {
        assert_eq!(day(days), text);
    }
    assert_eq!(moment(90_061_001, 86_400_000, true), "1970-01-02T01:01:01Z");
    assert_eq!(moment(-1_000_000, 86_400_000_000, false), "1969-12-31T23:59:59");
    assert_eq!([day(-719_528), day(2_932_896)], ["0000-01-01", "9999-12-31"]);
    assert!([-719_529, 2_932_897].iter().all(|days| day(*days).contains("beyond every calendar")));
    let cells = |form, number: i64| match whole(form, vec![number]) {
        Held::Texts(texts) => texts.concat(),
        Held::Wholes(numbers) => format!("whole {numbers:?}"),
        _ => panic!("neither texts nor whole numbers"),
    };
    for (form, number, text) in [
        (Form::Plain, -1, "whole [-1]"),
        (Form::Unread, -1, "whole [-1]"),
        (Form::Days, 20_787, "2026-11-30"),
        (Form::Instants(86_400_000, false), 90_061_001, "1970-01-02T01:01:01"),
        (Form::Instants(86_400_000, true), 86_399_999, "1970-01-01T23:59:59Z"),
        (Form::Decimals(0), -15, "whole [-15]"),
        (Form::Decimals(1), -15, "-1.5"),
        (Form::Unsigned32, -1, "whole [4294967295]"),
        (Form::Unsigned64, -1, "18446744073709551615"),
    ] {
        assert_eq!(cells(form, number), text);
    }
    assert!(day(i64::MAX).contains("beyond every calendar") && day(-1_000_000_000).contains("beyond every calendar"));
}

#[test]
fn dates_are_counted_by_a_mapping() {
    let (_folder, path) = written(TYPES, 1, Compression::SNAPPY);
    let text = format!(
        "[mapping]\nschema = \"{}\"\nsource = \"parquet\"\n[[columns]]\nto = \"age\"\nfrom = \"born\"\ntype = \"date\"\ndate = \"YYYY-MM-DD\"\n\
         count = \"years-since\"\n",
        schema().digest()
    );
    let mapping = Mapping::parse(Path::new("mapping.toml"), &text, &schema()).unwrap_or_else(|fault| panic!("{fault}"));
    let stop = Stop::default();
    let reading = Reading { mapping: Some(&mapping), day: Date::parse("2026-11-30"), ..Reading::strict(&stop) };
    let fault = read_origin(&Origin::File(path.clone()), &schema(), &reading).map(|_| ()).unwrap_err().to_string();
    assert!(fault.contains("row 3, column \"born\": a date after the day of the data"), "{fault}");
    let reading = Reading { faulty_percent_max: 50, ..reading };
    let table = read_origin(&Origin::File(path), &schema(), &reading).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((table.rows.rows(), table.counts.faulty), (3, 1));
    assert_eq!((table.rows.features()[[0, 0]], table.rows.features()[[1, 0]]), (0.56, 0.45));
}

/// A column that never has one of the codes would let everybody in.
#[test]
fn a_column_of_consents_that_is_of_another_kind_lets_nobody_in() {
    let types = TYPES.replace("optional binary job (UTF8)", "optional binary job (JSON)");
    let [(_one, path), (_two, other)] = [TYPES, &types].map(|types| written(types, 1, Compression::SNAPPY));
    let refused = |path: &Path, column: &str, codes: &str| {
        let text = format!(
            "[mapping]\nschema = \"{}\"\nsource = \"parquet\"\n[[consent]]\ncolumn = \"{column}\"\nrefused = [\"{codes}\"]\n",
            schema().digest()
        );
        let mapping = Mapping::parse(Path::new("mapping.toml"), &text, &schema()).unwrap();
        let stop = Stop::default();
        let reading = Reading { mapping: Some(&mapping), ..Reading::strict(&stop) };
        let read = read_origin(&Origin::File(path.to_owned()), &schema(), &reading);
        read.map(|table| table.counts.withheld).map_err(|fault| fault.to_string())
    };
    assert!(
        refused(&other, "job", "0").unwrap_err().contains("column \"job\" holds bytes today, and codes of a consent")
    );
    assert!(refused(&path, "age", "0").unwrap_err().contains("column \"age\" holds floating-point numbers today"));
    assert!(refused(&path, "y", "0").unwrap_err().contains("others than true and false"));
    assert_eq!(refused(&path, "y", "false"), Ok(1));
    // Bytes that are no text may be a refusal. The last row has none.
    assert_eq!(refused(&path, "secret", "0"), Ok(3));
}

/// Bytes of a torn, a changed and a foreign file. None of it is a panic, and none of it is rows.
#[test]
fn what_is_no_whole_file_is_refused() {
    let (folder, path) = written(TYPES, 1, Compression::SNAPPY);
    let bytes = std::fs::read(&path).unwrap();
    let other = folder.path().join("other.parquet");
    let mut refusals = 0;
    for cut in [4, 8, 100, bytes.len() - 8, bytes.len() - 1] {
        std::fs::write(&other, &bytes[..cut]).unwrap();
        assert!(read(&other).is_err(), "{cut}");
    }
    for at in (0..bytes.len()).step_by(7) {
        let mut torn = bytes.clone();
        torn[at] ^= 0x55;
        std::fs::write(&other, &torn).unwrap();
        // Where a value alone is another one, the file is one all the same.
        refusals += usize::from(read(&other).is_err());
    }
    assert!(refusals > 10, "{refusals}");
    let stop = Stop::default();
    stop.now();
    assert!(matches!(read_table(&path, &schema(), &stop), Err(FileError::Stopped { .. })));
}
