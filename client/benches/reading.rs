//! Time and memory of reading a branch's table, as a daemon does at its start: `cargo bench -p tributary-client --bench reading -- 2000000`.
//!
//! With `parquet` after the number, of a Parquet file of the same rows (snappy). With `postgres FOLDER`, of a table of the same rows, in the database
//! `postgres` of the server whose socket is in that folder: `psql` fills the table `tributary_reading` first, and drops it at the end.
//!
//! Prints rows, bytes of the source, seconds by the clock and of the processor, and the largest resident memory of the process.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use tributary_client::data::{Database, Origin, PostgresSettings, PostgresTls, Reading, Stop, read_origin};
use tributary_daemon::usage::{process_cpu, rss_bytes_max};
use tributary_model::schema::Schema;
use tributary_model::train::{PlacementKey, Table, TableMaxima};

/// 35 fields and 2 labels.
const SCHEMA: &str = include_str!("../../docs/samples/schemas/deposit_churn.toml");

const HEADER: &str = "customer_id,customer_type,age,occupation,region,income_band,tenure_months,account_status,lifecycle_stage,\
months_since_last_deposit,deposit_balance,aum,balance_trend_3m,loan_balance,txn_count_90d,txn_amount_90d,days_since_last_txn,net_flow_90d,\
large_transfer_out,fixed_deposit_share,deposits_maturing_90d,product_count,has_wealth_product,has_credit_card,has_loan,branch_visits_90d,\
app_logins_30d,active_touch_ratio,activity_decay,campaign_response_rate,contacts_30d,complaints_180d,csat,risk_level,rate_sensitivity,churn,\
deposit_propensity";

/// A row's values, with commas between them.
fn row(row: u32) -> String {
    // A multiplication scatters what a counter cannot.
    let mixed = row.wrapping_mul(0x9E37_79B9);
    let of = |shift: u32, size: u32| (mixed >> shift) % size;
    let yes = |shift| if of(shift, 2) == 0 { "no" } else { "yes" };
    let mut out = Vec::new();
    write!(
            out,
            "{row:019},ordinary,{},worker,rural,middle,{},normal,active,{},{},{},0.{:02},{},{},{},{},-{},{},0.{:02},{},{},{},{},{},{},{},0.{:02},\
             -0.{:02},0.{:02},{},{},{},low,0.{:02},{},{}",
            18 + of(0, 70),
            of(1, 480),
            of(2, 120),
            of(3, 90_000),
            of(4, 90_000),
            of(5, 100),
            of(6, 5_000),
            of(7, 300),
            of(8, 20_000),
            of(9, 90),
            of(10, 9_000),
            yes(11),
            of(12, 100),
            of(13, 9_000),
            of(14, 6),
            yes(15),
            yes(16),
            yes(17),
            of(18, 20),
            of(19, 60),
            of(0, 100),
            of(1, 100),
            of(2, 100),
            of(20, 10),
            of(21, 4),
            of(22, 6),
            of(3, 100),
            of(23, 2),
            yes(24),
        )
        .expect("room");
    String::from_utf8(out).expect("ASCII")
}

/// Columns of text in a Parquet file; the others are numbers.
const TEXTS: [usize; 13] = [0, 1, 3, 4, 5, 7, 8, 18, 22, 23, 24, 33, 36];

fn write_text(path: &Path, rows: u32) {
    let mut file = BufWriter::new(File::create(path).expect("a file"));
    writeln!(file, "{HEADER}").expect("room on the disk");
    (0..rows).for_each(|number| writeln!(file, "{}", row(number)).expect("room on the disk"));
    file.flush().expect("room on the disk");
}

/// Groups of 100,000 rows, as usual writers make them.
fn write_parquet(path: &Path, rows: u32) {
    let is_text = |column: usize| TEXTS.contains(&column);
    let kind = |column: usize| if is_text(column) { "binary" } else { "double" };
    let column = |(index, name): (usize, &str)| {
        let kind = kind(index);
        format!("optional {kind} {name}{}; ", if kind == "binary" { " (UTF8)" } else { "" })
    };
    let columns: String = HEADER.split(',').enumerate().map(column).collect();
    let types = Arc::new(parse_message_type(&format!("message rows {{ {columns} }}")).expect("a type"));
    let properties = Arc::new(WriterProperties::builder().set_compression(Compression::SNAPPY).build());
    let mut file = SerializedFileWriter::new(File::create(path).expect("a file"), types, properties).expect("a writer");
    for first in (0..rows).step_by(100_000) {
        let lines: Vec<String> = (first..rows.min(first + 100_000)).map(row).collect();
        let values: Vec<Vec<&str>> = lines.iter().map(|line| line.split(',').collect()).collect();
        let levels = vec![1; values.len()];
        let mut group = file.next_row_group().expect("a group");
        let mut index = 0;
        while let Some(mut column) = group.next_column().expect("a column") {
            let written = match column.untyped() {
                ColumnWriter::ByteArrayColumnWriter(writer) => {
                    let texts: Vec<ByteArray> = values.iter().map(|row| ByteArray::from(row[index])).collect();
                    writer.write_batch(&texts, Some(&levels), None)
                }
                ColumnWriter::DoubleColumnWriter(writer) => {
                    let numbers: Vec<f64> = values.iter().map(|row| row[index].parse().expect("a number")).collect();
                    writer.write_batch(&numbers, Some(&levels), None)
                }
                _ => panic!("a type that is not written here"),
            };
            written.expect("room on the disk");
            column.close().expect("room on the disk");
            index += 1;
        }
        group.close().expect("room on the disk");
    }
    file.close().expect("room on the disk");
}

/// What a server is asked, as whoever may do everything there.
fn psql(folder: &str, statements: &str) {
    let done = Command::new("psql")
        .args(["-h", folder, "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-qc", statements])
        .status();
    assert!(done.expect("psql").success(), "{statements}");
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let rows = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(100_000_u32);
    let server = arguments.iter().position(|argument| argument == "postgres").and_then(|at| arguments.get(at + 1));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("customers");
    let origin = match server {
        None if arguments.iter().any(|argument| argument == "parquet") => {
            write_parquet(&path, rows);
            Origin::File(path.clone())
        }
        None => {
            write_text(&path, rows);
            Origin::File(path.clone())
        }
        Some(socket) => {
            write_text(&path, rows);
            let kind = |(index, name)| format!("{name} {}", if TEXTS.contains(&index) { "text" } else { "numeric" });
            let columns: Vec<String> = HEADER.split(',').enumerate().map(kind).collect();
            psql(socket, &format!("CREATE UNLOGGED TABLE tributary_reading ({})", columns.join(", ")));
            psql(socket, &format!("\\copy tributary_reading FROM '{}' WITH (FORMAT csv, HEADER)", path.display()));
            let at = PostgresSettings {
                host: socket.clone(),
                port: 5432,
                database: "postgres".into(),
                user: std::env::var("PGUSER").unwrap_or_else(|_| "postgres".into()),
                password: None,
                tls: PostgresTls::OnThisMachine,
                timeout: Duration::from_secs(600),
            };
            Origin::Database {
                at: Box::new(Database::Postgres(at)),
                query: "SELECT * FROM tributary_reading".into(),
                day_query: None,
            }
        }
    };
    let bytes = path.metadata().expect("the file").len();
    let (schema, stop) = (Schema::parse(SCHEMA).expect("a sample"), Stop::default());
    let before_bytes = rss_bytes_max().unwrap_or_default();
    let (started, before) = (Instant::now(), process_cpu().unwrap_or_default());
    let data = read_origin(&origin, &schema, &Reading::strict(&stop)).unwrap_or_else(|fault| panic!("{fault}")).rows;
    let (read, read_cpu) = (started.elapsed(), process_cpu().unwrap_or_default() - before);
    let maxima = TableMaxima { customers: rows, rows, rows_per_customer: 1 };
    let table = Table::new(data, maxima, &PlacementKey::new([1; 32])).expect("maxima within their limits");
    println!(
        "{} rows, {} MB: read in {:.1} s (CPU {:.1}), in order after {:.1} s (CPU {:.1}), {} MB at most ({} before)",
        table.data().rows(),
        bytes / 1_000_000,
        read.as_secs_f64(),
        read_cpu.as_secs_f64(),
        started.elapsed().as_secs_f64(),
        (process_cpu().unwrap_or_default() - before).as_secs_f64(),
        rss_bytes_max().unwrap_or_default() / 1_000_000,
        before_bytes / 1_000_000
    );
    if let Some(socket) = server {
        psql(socket, "DROP TABLE tributary_reading");
    }
}
