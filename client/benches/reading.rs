//! Time and memory of reading a branch's table, as a daemon does at its start: `cargo bench -p tributary-client --bench reading -- 2000000`.
//!
//! Prints rows, bytes of the file, seconds by the clock and of the processor, and the largest resident memory of the process.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::time::Instant;

use tributary_client::data::read_csv;
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

fn main() {
    let rows = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(100_000_u32);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("customers.csv");
    let mut file = BufWriter::new(File::create(&path).expect("a file"));
    writeln!(file, "{HEADER}").expect("room on the disk");
    for row in 0..rows {
        // A multiplication scatters what a counter cannot.
        let mixed = row.wrapping_mul(0x9E37_79B9);
        let of = |shift: u32, size: u32| (mixed >> shift) % size;
        let yes = |shift| if of(shift, 2) == 0 { "no" } else { "yes" };
        writeln!(
            file,
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
        .expect("room on the disk");
    }
    drop(file);
    let bytes = path.metadata().expect("the file").len();
    let schema = Schema::parse(SCHEMA).expect("a sample");
    let (started, before) = (Instant::now(), process_cpu().unwrap_or_default());
    let data = read_csv(&path, &schema).unwrap_or_else(|fault| panic!("{fault}"));
    let (read, read_cpu) = (started.elapsed(), process_cpu().unwrap_or_default() - before);
    let maxima = TableMaxima { customers: rows, rows, rows_per_customer: 1 };
    let table = Table::new(data, maxima, &PlacementKey::new([1; 32])).expect("maxima within their limits");
    println!(
        "{} rows, {} MB of text: read in {:.1} s (CPU {:.1}), in order after {:.1} s (CPU {:.1}), {} MB at most",
        table.data().rows(),
        bytes / 1_000_000,
        read.as_secs_f64(),
        read_cpu.as_secs_f64(),
        started.elapsed().as_secs_f64(),
        (process_cpu().unwrap_or_default() - before).as_secs_f64(),
        rss_bytes_max().unwrap_or_default() / 1_000_000
    );
}
