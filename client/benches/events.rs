//! Time and memory of deriving fields from a table of events: `cargo bench -p tributary-client --bench events -- 2000000`.
//!
//! Invents so many transactions of a tenth as many customers, in two text files, and reads them as a daemon does. Prints events, bytes, seconds by the
//! clock and of the processor, and the largest resident memory of the process.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use tributary_client::data::{Mapping, Origin, Reading, Stop, read_origin};
use tributary_daemon::usage::{process_cpu, rss_bytes_max};
use tributary_model::schema::Schema;
use tributary_protocol::plan::Date;

/// Fifteen fields, each of another function.
const FIELDS: [&str; 15] = [
    "function = \"count\"\nwindow_days = 30",
    "function = \"any\"\nwindow_days = 90\namount_min = \"5000\"",
    "function = \"sum\"\nwindow_days = 90",
    "function = \"sum\"\nwindow_days = 90\ndirection = \"out\"",
    "function = \"net\"\nwindow_months = 3",
    "function = \"mean\"\nwindow_days = 90",
    "function = \"max\"\nwindow_days = 90",
    "function = \"days_since_last\"\nwindow_days = 365",
    "function = \"cycle_days\"\nwindow_days = 180",
    "function = \"active_days\"\nwindow_days = 30",
    "function = \"distinct\"\nof = \"channel\"\nwindow_days = 90",
    "function = \"share_of_count\"\nwindow_days = 90\nonly = { channel = [\"app\"] }",
    "function = \"share_of_amount\"\nwindow_days = 90\ndirection = \"in\"",
    "function = \"decay\"\nwindow_days = 30\nformer = 3",
    "function = \"count\"\nwindow_days = 90\nonly = { channel = [\"atm\"] }",
];

fn schema() -> Schema {
    let field = |number: usize| {
        format!(
            "{{ name = \"f{number}\", kind = \"numeric\", min = -1e9, max = 1e9, missing = \"indicator\", measured_in = \"元\", class = \"C2\", level = \"L2\" }},\n"
        )
    };
    let fields: String = (0..FIELDS.len()).map(field).collect();
    let text = format!(
        "name = \"bank\"\nversion = 1\nformat = 2\ncustomer_column = \"who\"\nfields = [\n{fields}]\n\
         labels = [{{ name = \"y\", positive = [1], negative = [0] }}]\n"
    );
    Schema::parse(&text).expect("a schema")
}

fn mapping(schema: &Schema) -> Mapping {
    let fields: String = (0..)
        .zip(FIELDS)
        .map(|(number, keys)| format!("[[derived]]\nto = \"f{number}\"\ntable = \"transactions\"\n{keys}\n"))
        .collect();
    let text = format!(
        "[mapping]\nschema = \"{}\"\n[[events]]\nname = \"transactions\"\ncustomer = \"khh\"\ntime = \"day\"\ntime_form = \"YYYYMMDD\"\n\
         amount = \"je\"\nunit = \"元\"\nsign = \"direction\"\n[[events.codes]]\nname = \"channel\"\ncolumn = \"qd\"\n\
         meanings = {{ \"01\" = \"counter\", \"02\" = \"atm\", \"03\" = \"app\", \"04\" = \"app\" }}\n{fields}",
        schema.digest()
    );
    Mapping::parse(Path::new("mapping.toml"), &text, schema).unwrap_or_else(|fault| panic!("{fault}"))
}

fn main() {
    let events = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(200_000_u32);
    let customers = (events / 10).max(1);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [rows, table] = ["customers", "transactions"].map(|name| folder.path().join(name));
    let mut file = BufWriter::new(File::create(&rows).expect("a file"));
    writeln!(file, "who,y").expect("room on the disk");
    (0..customers).for_each(|row| writeln!(file, "6222{row:015},{}", row % 2).expect("room on the disk"));
    file.flush().expect("room on the disk");
    let mut file = BufWriter::new(File::create(&table).expect("a file"));
    writeln!(file, "khh,day,je,qd").expect("room on the disk");
    for event in 0..events {
        // A multiplication scatters what a counter cannot.
        let mixed = event.wrapping_mul(0x9E37_79B9);
        let of = |shift: u32, size: u32| (mixed >> shift) % size;
        let sign = if of(3, 2) == 0 { "" } else { "-" };
        let (month, day) = (7 + of(5, 5), 1 + of(9, 30));
        let (who, yuan, fen, channel) = (mixed % customers, of(4, 9_000), of(12, 100), 1 + of(7, 4));
        writeln!(file, "6222{who:015},2026{month:02}{day:02},{sign}{yuan}.{fen:02},0{channel}")
            .expect("room on the disk");
    }
    file.flush().expect("room on the disk");
    let bytes = table.metadata().expect("the file").len();
    let (schema, stop) = (schema(), Stop::default());
    let (mapping, tables) = (mapping(&schema), [Origin::File(table)]);
    let day = Date::parse("2026-11-30");
    let reading = Reading { mapping: Some(&mapping), day, tables: &tables, ..Reading::strict(&stop) };
    let (started, before) = (Instant::now(), process_cpu().unwrap_or_default());
    let read = read_origin(&Origin::File(rows), &schema, &reading).unwrap_or_else(|fault| panic!("{fault}"));
    println!(
        "{events} events of {} customers, {} MB: {:.1} s (CPU {:.1}), {} MB at most",
        read.rows.rows(),
        bytes / 1_000_000,
        started.elapsed().as_secs_f64(),
        (process_cpu().unwrap_or_default() - before).as_secs_f64(),
        rss_bytes_max().unwrap_or_default() / 1_000_000,
    );
}
