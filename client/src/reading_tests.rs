//! Rows that are read beside everything else.

use std::cell::RefCell;
use std::path::Path;

use super::*;

const SCHEMA: &str = "name = \"small\"\nversion = 1\ncustomer_column = \"who\"\n\
    fields = [{ name = \"age\", kind = \"numeric\", min = 18, max = 90, class = \"C2\", level = \"L2\" }]\n\
    labels = [{ name = \"churn\", positive = [\"yes\"], negative = [\"no\"] }]\n";

fn settings(folder: &Path, rows: &str) -> (Settings, Schema) {
    let text = "[client]\nstate_dir = \"state\"\n[coordinator]\naddress = \"localhost:1\"\n[identity]\nfolder = \".\"\n\
         [data]\nfile = \"rows.csv\"\nschema = \"schema.toml\"\n[policy]\nfile = \"policy.toml\"\nowner = \"policy.toml\"\n";
    for (name, text) in [("rows.csv", rows), ("schema.toml", SCHEMA), ("policy.toml", ""), ("client.toml", text)] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let settings = Settings::load(&folder.join("client.toml")).unwrap_or_else(|faults| panic!("{faults}"));
    (settings, Schema::parse(SCHEMA).unwrap())
}

const GOOD: &str = "who,age,churn\na,20,yes\nb,30,no\nb,31,no\n";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The names of events.
fn event(report: &Report) -> String {
    serde_json::to_value(report).unwrap()["event"].as_str().unwrap().to_owned()
}

#[test]
fn rows_are_read_and_all_that_is_told_of_them_is_told_before() {
    let folder = tempfile::tempdir().unwrap();
    let (settings, schema) = settings(folder.path(), GOOD);
    let told = RefCell::new(Vec::new());
    let report = |report: &Report| told.borrow_mut().push(event(report));
    let read = runtime().block_on(async {
        let mut stop = StopSignal::listen();
        read_rows(&settings, &schema, &report, &mut stop).await
    });
    let snapshot = read.unwrap_or_else(|fault| panic!("{fault}")).unwrap();
    assert_eq!((snapshot.training.data().rows(), snapshot.held_out.is_none()), (3, true));
    assert_eq!(told.take(), ["dataset", "dataset_remark", "rows_dropped"]);
    // What stops it is told once, as the fault.
    std::fs::write(folder.path().join("rows.csv"), "who,age,churn\na,120,yes\nb,130,no\nc,20,no\n").unwrap();
    let read = runtime().block_on(async {
        let mut stop = StopSignal::listen();
        read_rows(&settings, &schema, &report, &mut stop).await
    });
    let fault = read.map(|_| ()).unwrap_err().to_string();
    assert!(fault.contains("age") && told.take() == ["dataset"], "{fault}");
    std::fs::write(folder.path().join("rows.csv"), "who,age\na,20\n").unwrap();
    let read = runtime().block_on(async {
        let mut stop = StopSignal::listen();
        read_rows(&settings, &schema, &report, &mut stop).await
    });
    assert!(read.map(|_| ()).unwrap_err().to_string().contains("churn"));
}

/// What is asked for while files are being read begins after it: the last word's files count, once for each.
#[test]
fn files_that_are_said_to_be_ready_meanwhile_are_read_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let (settings, schema) = settings(folder.path(), GOOD);
    runtime().block_on(async {
        let mut rereader = Rereader::new(settings, schema);
        let mut read = async |times: usize| {
            (0..times).for_each(|_| rereader.begin());
            let mut told = Vec::new();
            loop {
                match rereader.next().await {
                    Read::Told(report) => told.push(event(&report)),
                    Read::Done(read) => {
                        let rows =
                            read.map(|snapshot| snapshot.training.data().rows()).map_err(|fault| fault.to_string());
                        assert!(!rereader.under_way && !rereader.again);
                        return (told, rows);
                    }
                }
            }
        };
        let once = ["dataset", "dataset_remark", "rows_dropped"].map(str::to_owned).to_vec();
        assert_eq!(read(1).await, (once.clone(), Ok(3)));
        assert_eq!(read(2).await, ([once.clone(), once.clone()].concat(), Ok(3)));
        assert_eq!(read(5).await, ([once.clone(), once.clone()].concat(), Ok(3)), "once for all that were asked for");
        std::fs::write(folder.path().join("rows.csv"), "who,age,churn\na,20,perhaps\n").unwrap();
        let (_, rows) = read(1).await;
        assert!(rows.is_err(), "{rows:?}");
        std::fs::write(folder.path().join("rows.csv"), GOOD).unwrap();
        assert_eq!(read(1).await, (once, Ok(3)), "it reads on after a fault");
    });
}
