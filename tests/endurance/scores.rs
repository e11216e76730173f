//! What scoring holds of a short table and of longer ones: its memory does not grow with them.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::support::{EXECUTABLE, run};

/// Customers of the tables. The keys of the second one just fit into one pass; the third one needs three.
const CUSTOMERS: [usize; 3] = [100_000, 400_000, 1_200_000];

/// What the keys of one pass take beyond those of the first table, in bytes, with room for what an allocator keeps.
const KEYS_MAX: u64 = 16 << 20;

/// What one bit for each row takes, with room for what an allocator keeps.
const ROWS_MAX: u64 = 4 << 20;

/// Seconds of one core in which 100,000 customers are scored, from table to file.
const SECONDS_MAX: f64 = 2.0;

/// The rows of a table as those of so many customers: each turn through it has other ids.
fn table(from: &Path, customers: usize, to: &Path) {
    let text = fs::read_to_string(from).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    assert!(header.starts_with("customer_id,"), "{header}");
    let mut file = BufWriter::new(File::create(to).unwrap());
    writeln!(file, "{header}").unwrap();
    for (number, row) in rows.lines().cycle().take(customers).enumerate() {
        let (_, rest) = row.split_once(',').unwrap();
        writeln!(file, "x{number:09},{rest}").unwrap();
    }
    file.into_inner().unwrap().sync_all().unwrap();
}

/// The first word of this program, when it is a child that runs one command.
pub(crate) const HELD: &str = "held";

/// Runs the executable with these words, and prints the most memory that it held, in bytes, and its processor time in microseconds. The system tells that of
/// all children together, so this is done in a process of its own.
pub(crate) fn held(words: &[String]) {
    let ended = Command::new(EXECUTABLE).args(words).stdout(Stdio::null()).status().unwrap();
    assert!(ended.success(), "{words:?}");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let spent = usage.user_time() + usage.system_time();
    println!("{} {}", u64::try_from(usage.max_rss()).unwrap() * 1024, spent.num_microseconds());
}

/// The most memory that scoring a table held, and its processor time: another program on the same machine makes it no longer.
fn scored(config: &Path, table: &Path, output: &Path) -> (u64, Duration) {
    let words = [HELD, "client", "score", "--model", "champion", "--config"].map(Path::new);
    let words = words.into_iter().chain([config, Path::new("--input"), table, Path::new("--output"), output]);
    let done = Command::new(std::env::current_exe().unwrap()).args(words).stderr(Stdio::inherit()).output().unwrap();
    assert!(done.status.success(), "{}", table.display());
    let said = String::from_utf8(done.stdout).unwrap();
    let (held, spent) = said.trim().split_once(' ').unwrap();
    (held.parse().unwrap(), Duration::from_micros(spent.parse().unwrap()))
}

pub(crate) fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("demo");
    let demo = run([Path::new("demo"), Path::new("--dir"), &dir]);
    assert_eq!(demo.code, Some(0), "{} {}", demo.out, demo.err);
    let home = dir.join("branches/branch-000");
    let mut peaks = Vec::new();
    for customers in CUSTOMERS {
        let (input, output) = (folder.path().join("table.csv"), folder.path().join("scores.csv"));
        table(&home.join("customers.csv"), customers, &input);
        let (peak, took) = scored(&home.join("client.toml"), &input, &output);
        let (peak_mb, seconds) = (peak as f64 / 1e6, took.as_secs_f64());
        println!(
            "{customers} customers are scored from table to file in {seconds:.2} s of one core, with {peak_mb:.1} MB at most"
        );
        let allowed = SECONDS_MAX * (customers as f64 / 100_000.0);
        assert!(
            seconds <= allowed,
            "{customers} customers take {seconds:.2} s of a core, and {allowed:.0} are allowed"
        );
        assert_eq!(fs::read_to_string(&output).unwrap().lines().count(), customers + 1);
        peaks.push(peak);
    }
    let grown = |from: usize, to: usize| peaks[to].saturating_sub(peaks[from]);
    assert!(grown(0, 1) <= KEYS_MAX, "a longer table takes {} bytes more", grown(0, 1));
    assert!(grown(1, 2) <= ROWS_MAX, "one that is longer still takes {} bytes more", grown(1, 2));
}
