//! The settings of a branch's daemon: every key has another value than where it is left out.

use std::fmt::Write as _;
use std::path::Path;

use tributary_storage::files::{Existing, write_private};

use super::told;
use crate::data::{Database, PostgresTls};
use crate::settings::Settings;
use crate::whole::compare;

/// With a file of rows.
const OF_FILES: &str = r#"
[client]
state_dir = "state"
[coordinator]
address = "[::1]:7443"
transport = "tcp"
proxy = "proxy.example:3128"
proxy_credentials = "credentials"
server_name = "fl.bank.example"
[identity]
folder = "identity"
renew = false
post_quantum = "preferred"
[network]
keep_alive_ms = 4001
idle_ms = 14002
detached_ms = 21003
fallback_ms = 3004
remembered_ms = 3500005
probe_ms = 60006
exchange_ms = 60007
mtu = 1208
segmentation_offload = false
[data]
file = "rows.csv"
schema = "schema.toml"
mapping = "mapping.toml"
faulty_percent_max = 3
customers_max = 90000
rows_per_customer_max = 4
rows_max = 80000
outside_percent_max = 41
unlisted_percent_max = 42
missing_percent_max = 43
date = "2026-11-30"
volume_change_percent_max = 31
label_change_percent_max = 52
stability_index_max = 0.35
held_out = "held.csv"
customers_nominal = 20001
[data.events]
cards = "cards.csv"
loans = "loans.csv"
[worker]
memory_mib_max = 1537
round_ms_max = 60001
[policy]
file = "policy.toml"
owner = "owner.pub"
[contact]
attributes = "a.csv"
contacts = "c.csv"
confidential = "x.csv"
[retention]
scores_days = 91
lists_days = 402
models_days = 363
caches_days = 734
[scores]
actions = "actions.toml"
valid_days = 33
"#;

/// The tables of the two databases.
const POSTGRES: &str = r#"
[data.postgres]
host = "127.0.0.1"
port = 5433
database = "core"
user = "reader"
password_file = "password"
tls = "off"
statement_timeout_s = 601
"#;
const ODBC: &str = r#"
[data.odbc]
name = "core"
connection_file = "connection"
statement_timeout_s = 602
"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let names = ["rows.csv", "held.csv", "schema.toml", "mapping.toml", "policy.toml", "owner.pub", "actions.toml"];
    for name in names.iter().chain(&["cards.csv", "loans.csv"]) {
        std::fs::write(folder.path().join(name), "x").unwrap();
    }
    for (name, text) in [("credentials", "user:pass\n"), ("password", "pass word\n"), ("connection", "DSN=core\n")] {
        write_private(&folder.path().join(name), text.as_bytes(), Existing::Keep).unwrap();
    }
    std::fs::create_dir(folder.path().join("identity")).unwrap();
    folder
}

fn load(folder: &Path, text: &str) -> Result<Settings, String> {
    let path = folder.join("client.toml");
    std::fs::write(&path, text).unwrap();
    Settings::load(&path).map_err(|faults| faults.to_string())
}

/// What is asked of a database instead of a file of rows.
fn of_database(table: &str) -> String {
    let lines = OF_FILES.lines().filter(|line| !line.starts_with("file = \"rows") && !line.starts_with("held_out"));
    format!("{}\n{table}", lines.collect::<Vec<_>>().join("\n"))
}

/// Every value of settings, in the order of the file.
fn shown(settings: &Settings) -> String {
    let Settings {
        state_dir,
        address,
        server_name,
        transport,
        proxy,
        network,
        identity,
        data_file,
        database,
        mapping_file,
        tables,
        faulty_percent_max,
        schema_file,
        customers_max,
        rows_max,
        rows_per_customer_max,
        held_out_file,
        customers_nominal,
        share_limits,
        worker,
        date_source,
        change_limits,
        actions_file,
        scores_valid_days,
        notices: _,
        policy_file,
        policy_owner,
        contact,
        retention,
    } = settings;
    let mut told = String::new();
    let proxy = proxy.as_ref().map(|proxy| (&proxy.address, &proxy.credentials));
    let _ = writeln!(told, "{state_dir:?} {address} {server_name} {transport:?} {proxy:?}");
    let dial = settings.dial();
    let same = (dial.address.as_str(), dial.server_name.as_str()) == (address.as_str(), server_name.as_str());
    let _ = writeln!(told, "{:?} {:?} {:?} {:?} {same}", network.path, network.timers, dial.path, dial.timers);
    let _ = writeln!(told, "{:?} {} {:?}", identity.folder, identity.renew, identity.key_exchange);
    let _ = writeln!(told, "{data_file:?} {held_out_file:?} {mapping_file:?} {schema_file:?} {tables:?}");
    match database {
        None => told += "no database\n",
        Some(Database::Postgres(postgres)) => {
            let is_here = matches!(postgres.tls, PostgresTls::OnThisMachine);
            let password = postgres.password.as_ref().map(|password| password.to_string());
            let _ = writeln!(
                told,
                "{} {} {} {} {} {password:?} {is_here} {:?}",
                postgres.name(),
                postgres.host,
                postgres.port,
                postgres.database,
                postgres.user,
                postgres.timeout
            );
        }
        Some(Database::Odbc(odbc)) => {
            let _ = writeln!(told, "{} {} {} {:?}", odbc.name(), odbc.name, *odbc.connection, odbc.timeout);
        }
    }
    let _ =
        writeln!(told, "{faulty_percent_max} {customers_max} {rows_max} {rows_per_customer_max} {customers_nominal:?}");
    let _ = writeln!(told, "{share_limits:?} {date_source:?} {change_limits:?}");
    let _ = writeln!(told, "{} {:?}", worker.memory_bytes_max, worker.round_max);
    let _ = writeln!(told, "{actions_file:?} {scores_valid_days} {policy_file:?} {policy_owner:?}");
    let _ = writeln!(told, "{contact:?} {retention:?}");
    told
}

#[test]
fn settings_take_what_they_took() {
    let folder = folder();
    let at = folder.path();
    let plain = |text: &str| text.replace(&at.display().to_string(), "HOME");
    let reads = |text: &str| load(at, text).map(|_| ()).map_err(|faults| plain(&faults));
    let whole = |text: &str| plain(&load(at, text).map(|settings| shown(&settings)).unwrap_or_else(|faults| faults));
    let mut found = told(OF_FILES, &reads);
    for table in [POSTGRES, ODBC] {
        let (head, of_table) = (of_database(""), |text: &str| reads(&format!("{}{text}", of_database(""))));
        assert!(head.contains("[data]"));
        found += &told(table, &of_table);
    }
    let least = "[client]\nstate_dir = \"state\"\n[coordinator]\naddress = \"localhost:1\"\n[identity]\nfolder = \"identity\"\n\
                 [data]\nfile = \"rows.csv\"\nschema = \"schema.toml\"\n[policy]\nfile = \"policy.toml\"\nowner = \"owner.pub\"\n";
    let both = of_database(&format!("{POSTGRES}{ODBC}"));
    let beside = format!("{OF_FILES}{POSTGRES}");
    let unmapped = of_database(ODBC).replace("mapping = \"mapping.toml\"\n", "");
    let far = of_database(&POSTGRES.replace("127.0.0.1", "core.example"));
    for (name, text) in [
        ("of files", OF_FILES.to_owned()),
        ("the least", least.to_owned()),
        ("postgres", of_database(POSTGRES)),
        ("odbc", of_database(ODBC)),
        ("both databases", both),
        ("a database beside a file", beside),
        ("a database without a mapping", unmapped),
        ("another machine in clear", far),
    ] {
        found += &format!("== {name}\n{}", whole(&text));
    }
    compare(&format!("{}\n", found.trim_end()), "file_ranges/settings.txt");
}
