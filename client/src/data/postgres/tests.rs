//! Against a real server, which this test starts for itself on this machine, and ends.

#[path = "../../../../tests/postgres.rs"]
mod cluster;

use std::cell::Cell as Flag;
use std::fs;
use std::path::Path;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tributary_model::schema::Schema;
use tributary_protocol::plan::Date;
use zeroize::Zeroizing;

use self::cluster::{Cluster, run};
use super::*;
use crate::data::{Database, Mapping, Origin, ReadTable, Reading, Stop, read_origin};
use crate::needed;

pub(in crate::data) const SWITCH: &str = "TRIBUTARY_TEST_POSTGRES";
pub(in crate::data) const PASSWORD: &str = "let me read";

const SCHEMA: &str = r#"
name = "bank"
version = 1
format = 2
customer_column = "who"
fields = [
    { name = "age", kind = "numeric", min = 0, max = 100, range = "unit", missing = "indicator", class = "C2", level = "L2" },
    { name = "saldo", kind = "numeric", min = 0, max = 1000, range = "unit", measured_in = "元", missing = "indicator", class = "C1", level = "L1" },
    { name = "job", kind = "categorical", categories = ["office", "student, old"], missing = "indicator", class = "C1", level = "L1" },
]
labels = [{ name = "y", positive = ["true"], negative = ["false"] }]
"#;

const TABLE: &str = "CREATE TABLE kh (khh numeric(20,0), csrq date, ye numeric(14,2), zy text, lsbz boolean);
    INSERT INTO kh VALUES (6222020000000000001, '1980-11-30', 12345, 'office', true), (6222020000000000002, '1980-12-01', 50000, 'student, old', false),
        (6222020000000000003, NULL, NULL, E'a \"b\"\\nc', NULL);
    CREATE ROLE reader LOGIN PASSWORD 'let me read'; GRANT SELECT ON kh TO reader;";

pub(in crate::data) const QUERY: &str = "SELECT khh, csrq, ye, zy AS job, lsbz AS y FROM kh -- the branch's own";

const RULES: &str = "[[columns]]\nto = \"who\"\nfrom = \"khh\"\n[[columns]]\nto = \"age\"\nfrom = \"csrq\"\ntype = \"date\"\ndate = \"YYYY-MM-DD\"\n\
                     count = \"years-since\"\n[[columns]]\nto = \"saldo\"\nfrom = \"ye\"\ntype = \"number\"\nmoney = \"分\"\n";

/// A server with two databases of the same table, of which the one wants TLS.
pub(in crate::data) struct Server {
    cluster: Cluster,
    pub(in crate::data) port: u16,
}

impl Server {
    pub(in crate::data) fn start() -> Result<Self, String> {
        // Whoever comes over the network gives a password, and has TLS for one of the two databases.
        let rules =
            "hostssl safe reader 127.0.0.1/32 scram-sha-256\nhostnossl open reader 127.0.0.1/32 scram-sha-256\n";
        let cluster = Cluster::start(rules, |cluster| {
            certificates(&cluster.folder)?;
            let [leaf, key] = ["leaf.pem", "leaf.key"].map(|name| cluster.at(name));
            Ok(format!("-c ssl=on -c ssl_cert_file={leaf} -c ssl_key_file={key}"))
        })?;
        let server = Self { port: cluster.port, cluster };
        for database in ["open", "safe"] {
            server.owner("postgres", &format!("CREATE DATABASE {database}"))?;
        }
        server.owner("open", TABLE)?;
        server.owner("safe", &TABLE.replace("CREATE ROLE reader LOGIN PASSWORD 'let me read';", ""))?;
        Ok(server)
    }

    fn at(&self, name: &str) -> String {
        self.cluster.at(name)
    }

    /// What the database's owner does.
    pub(in crate::data) fn owner(&self, database: &str, statements: &str) -> Result<String, String> {
        self.cluster.owner(database, &["-c", statements])
    }

    pub(in crate::data) fn settings(&self, database: &str) -> PostgresSettings {
        PostgresSettings {
            host: "127.0.0.1".into(),
            port: self.port,
            database: database.into(),
            user: "reader".into(),
            password: Some(Zeroizing::new(PASSWORD.into())),
            tls: PostgresTls::OnThisMachine,
            timeout: Duration::from_secs(60),
        }
    }
}

/// An authority, and a certificate of it for localhost.
fn certificates(folder: &Path) -> Result<(), String> {
    let script = "cd \"$1\" && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=root -keyout root.key -out root.pem && \
                  openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout leaf.key -out leaf.csr && \
                  printf 'subjectAltName=DNS:localhost\\nbasicConstraints=CA:FALSE\\n' > leaf.ext && \
                  openssl x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -days 2 -extfile leaf.ext -out leaf.pem && \
                  chmod 600 leaf.key && chmod 755 .";
    run(Path::new("sh"), &["-c", script, "sh", &folder.display().to_string()]).map(drop)
}

pub(in crate::data) fn schema() -> Schema {
    Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}"))
}

fn mapping(rules: &str) -> Mapping {
    let text =
        format!("[mapping]\nschema = \"{}\"\nsource = \"postgres\"\nquery = \"SELECT 1\"\n{rules}", schema().digest());
    Mapping::parse(Path::new("mapping.toml"), &text, &schema()).unwrap_or_else(|fault| panic!("{fault}"))
}

pub(in crate::data) fn origin(at: PostgresSettings, query: &str, day: &str) -> Origin {
    let at = Box::new(Database::Postgres(at));
    Origin::Database { at, query: query.to_owned(), day_query: Some(day.to_owned()) }
}

pub(in crate::data) const DAY: &str = "SELECT DATE '2026-11-30'";

pub(in crate::data) fn read(origin: &Origin) -> Result<ReadTable, FileError> {
    let (mapping, stop) = (mapping(RULES), Stop::default());
    read_origin(origin, &schema(), &Reading { mapping: Some(&mapping), ..Reading::strict(&stop) })
}

pub(in crate::data) fn refused(origin: &Origin) -> String {
    read(origin).map(|_| ()).expect_err("the rows were taken").to_string()
}

#[test]
fn a_real_server_is_asked_and_every_way_in_which_it_fails_is_told() {
    let server = match Server::start() {
        Ok(server) => server,
        Err(missing) => return needed::skip(SWITCH, "PostgreSQL as a source", missing),
    };
    let own = || server.settings("open");
    rows_become_features(&server);
    tls_is_what_the_settings_say(&server);
    // Everything that a query may be, and is not.
    for (query, part) in [
        ("SELECT", "does not take the mapping's query"),
        ("SELECT nothing FROM kh", "does not take the mapping's query"),
        ("SELECT khh FROM pg_authid", "(42"),
        ("SELECT 1; SELECT 2", "(42601)"),
        ("SELECT 1) TO PROGRAM 'true' --", "(42601)"),
        ("SELECT $1::int AS khh", "has parameters"),
        ("SELECT khh, csrq, ye, zy AS job FROM kh", "no column \"y\""),
        ("SELECT khh, csrq, ye, zy AS job, lsbz AS y FROM kh WHERE false", "no rows"),
        ("SELECT khh, csrq, ye, zy AS job, 'x'::bytea AS y FROM kh", "holds bytea today"),
        ("SELECT khh, csrq, ye, ARRAY[1] AS job, lsbz AS y FROM kh", "no single value"),
        ("SELECT khh, csrq, ye, '{}'::json AS job, lsbz AS y FROM kh", "no single value"),
        ("SELECT khh::float8 AS khh, csrq, ye, zy AS job, lsbz AS y FROM kh", "more digits than they hold"),
        ("SELECT khh, csrq::text, ye, zy AS job, lsbz AS y FROM kh", "the mapping says dates"),
        ("SELECT khh, csrq, ye::text, zy AS job, lsbz AS y FROM kh", "holds text today, and the mapping says numbers"),
        ("SELECT khh, csrq, 1/(ye - ye) AS ye, zy AS job, lsbz AS y FROM kh", "(22012)"),
        ("SELECT khh, csrq, 'NaN'::numeric AS ye, zy AS job, lsbz AS y FROM kh", "column \"saldo\": NaN"),
        ("SELECT khh, csrq, 'inf'::float8 AS ye, zy AS job, lsbz AS y FROM kh", "the number is infinite"),
        ("SELECT khh, csrq + 100000 AS csrq, ye, zy AS job, lsbz AS y FROM kh", "after the day of the data"),
        ("SELECT NULL::text AS khh, csrq, ye, zy AS job, lsbz AS y FROM kh", "column \"who\": empty"),
        ("SELECT khh, csrq, ye, repeat('x', 70000) AS job, lsbz AS y FROM kh", "longer than 65536 bytes"),
        ("INSERT INTO kh VALUES (1) RETURNING khh, csrq, ye, zy AS job, lsbz AS y", "(25006)"),
    ] {
        let told = refused(&origin(own(), query, DAY));
        assert!(told.contains(part), "{query}: {told}");
        assert!(!told.contains(PASSWORD) && !told.contains("6222020000000000001"), "{told}");
        // What a row may have caused is in no log.
        let of_rows = ["(22012)", "NaN", "infinite", "future", "empty", "longer than", "has no rows"]
            .iter()
            .any(|word| told.contains(word));
        let fault = read(&origin(own(), query, DAY)).map(|_| ()).expect_err(query);
        assert!(!of_rows || fault.tells_of_rows(), "{query}: {told}");
    }
    for day in ["SELECT 1", "SELECT 'soon'", "SELECT DATE '2026-11-30', 2", "SELECT csrq FROM kh", "SELECT NULL::date"]
    {
        assert!(refused(&origin(own(), QUERY, day)).contains("does not say the day of its data"), "{day}");
    }
    // Who asks, and where.
    let cases: [(PostgresSettings, &str); 4] = [
        (PostgresSettings { password: Some(Zeroizing::new("wrong".into())), ..own() }, "(28P01)"),
        (PostgresSettings { password: None, ..own() }, "does not let this branch in"),
        (PostgresSettings { database: "nowhere".into(), ..own() }, "does not let this branch in"),
        (PostgresSettings { port: 1, ..own() }, "does not let this branch in"),
    ];
    for (at, part) in cases {
        let told = refused(&origin(at, QUERY, DAY));
        assert!(told.contains(part) && !told.contains("wrong"), "{told}");
    }
    events_join_by_their_keys_and_by_the_banks_clock(&server);
    a_query_of_another_day(&server);
    a_slow_query(&server);
    a_server_that_goes_away(&server);
}

/// A table of events whose keys have another number of places, and whose times are of the server's clock.
fn events_join_by_their_keys_and_by_the_banks_clock(server: &Server) {
    server
        .owner(
            "open",
            "CREATE TABLE jy (khh numeric(22,2), sj timestamptz, je numeric(14,2)); GRANT SELECT ON jy TO reader;
             INSERT INTO jy VALUES (6222020000000000001, '2026-11-30 15:59:59+00', 100.25), (6222020000000000001, '2026-11-01 00:00:00+08', 23.25),
                 (6222020000000000001, '2026-11-30 16:00:00+00', 500), (6222020000000000002, '2026-10-31 23:59:59+08', 500)",
        )
        .unwrap_or_else(|fault| panic!("{fault}"));
    let (rules, _) = RULES.split_once("[[columns]]\nto = \"saldo\"").expect("a rule");
    let table = "[[events]]\nname = \"jy\"\nsource = \"postgres\"\nquery = \"SELECT * FROM jy\"\ncustomer = \"khh\"\ntime = \"sj\"\namount = \"je\"\n\
        unit = \"元\"\n[[derived]]\nto = \"saldo\"\ntable = \"jy\"\nfunction = \"sum\"\nwindow_days = 30\n";
    let (mapping, stop) = (mapping(&format!("{rules}{table}")), Stop::default());
    let at = || server.settings("open");
    let events = |query: &str| {
        [Origin::Database { at: Box::new(Database::Postgres(at())), query: query.to_owned(), day_query: None }]
    };
    let read = |query: &str| {
        let tables = events(query);
        let reading = Reading { mapping: Some(&mapping), tables: &tables, ..Reading::strict(&stop) };
        read_origin(&origin(at(), QUERY, DAY), &schema(), &reading)
    };
    let table = read("SELECT * FROM jy").unwrap_or_else(|fault| panic!("{fault}"));
    let rows = table.rows.features();
    let sums: Vec<f32> = (0..3).map(|row| (rows[[row, 2]] * 1e5).round() / 1e5).collect();
    assert_eq!(sums, [0.1235, 0.0, 0.0]);
    let counts = table.events.and_then(|events| events.tables[0].counts.clone()).expect("a table");
    assert_eq!((counts.seen, counts.later, counts.older), (2, 1, 1));
    for (query, part) in [
        (
            "SELECT khh::float8 AS khh, sj, je FROM jy",
            "\"khh\" holds floating-point numbers today, and a customer's key is read there",
        ),
        (
            "SELECT khh, extract(epoch FROM sj)::int8 AS sj, je FROM jy",
            "\"sj\" holds whole numbers today, and a time is read there",
        ),
        ("SELECT khh, sj, sj AS je FROM jy", "\"je\" holds dates today, and an amount is read there"),
        ("SELECT khh, sj FROM jy", "no column \"je\", which the mapping reads of the table \"jy\""),
        ("SELECT * FROM jy WHERE false", "the table \"jy\" has no rows"),
        ("DELETE FROM jy RETURNING *", "(25006)"),
    ] {
        let told = read(query).map(|_| ()).expect_err(query).to_string();
        assert!(told.contains(part), "{query}: {told}");
    }
}

fn rows_become_features(server: &Server) {
    let table = read(&origin(server.settings("open"), QUERY, DAY)).unwrap_or_else(|fault| panic!("{fault}"));
    let rows = table.rows.features();
    let rounded: Vec<f32> = rows.iter().map(|value| (value * 1e4).round() / 1e4).collect();
    #[rustfmt::skip]
    assert_eq!(rounded, [
        0.46, 0.0, 0.1235, 0.0, 1.0, 0.0, 0.0,
        0.45, 0.0, 0.5, 0.0, 0.0, 1.0, 0.0,
        0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0,
    ]);
    assert_eq!((table.rows.targets().sum(), table.rows.present().sum()), (1.0, 2.0));
    assert_eq!((table.day, table.rows.customer_count()), (Date::parse("2026-11-30"), 3));
    // The digest is of the rows, in whatever order they come.
    let turned = read(&origin(server.settings("open"), &format!("{QUERY}\nORDER BY khh DESC"), DAY));
    assert_eq!(turned.map(|turned| turned.digest).unwrap(), table.digest);
    server.owner("open", "UPDATE kh SET ye = ye + 1").unwrap();
    assert_ne!(read(&origin(server.settings("open"), QUERY, DAY)).map(|changed| changed.digest).unwrap(), table.digest);
}

fn tls_is_what_the_settings_say(server: &Server) {
    let roots = |name: &str| CertificateDer::pem_file_iter(server.at(name)).unwrap().map(Result::unwrap).collect();
    let safe = |host: &str, root: &str| PostgresSettings {
        host: host.into(),
        tls: PostgresTls::Verified(roots(root)),
        ..server.settings("safe")
    };
    let table = read(&origin(safe("localhost", "root.pem"), QUERY, DAY)).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(table.rows.rows(), 3);
    // A certificate of another authority, or for another name, is none; and rows never come without TLS where it was asked for.
    for (at, why) in [
        (safe("localhost", "leaf.pem"), "another authority"),
        (safe("127.0.0.1", "root.pem"), "another name"),
        (PostgresSettings { database: "open".into(), ..safe("localhost", "root.pem") }, "a database without TLS"),
        (server.settings("safe"), "no TLS where the server wants it"),
    ] {
        let told = refused(&origin(at, QUERY, DAY));
        assert!(
            told.contains("does not let this branch in") && told.contains("nothing of it was used"),
            "{why}: {told}"
        );
    }
}

fn a_query_of_another_day(server: &Server) {
    let asked = origin(server.settings("open"), QUERY, DAY);
    assert!(read(&asked).is_ok());
    server.owner("open", "ALTER TABLE kh ALTER COLUMN ye TYPE text").unwrap();
    let told = refused(&asked);
    assert!(told.contains("column \"ye\" holds text today, and the mapping says numbers: nothing was read"), "{told}");
    server.owner("open", "ALTER TABLE kh DROP COLUMN ye").unwrap();
    assert!(refused(&asked).contains("(42703)"));
    server.owner("open", "ALTER TABLE kh ADD COLUMN ye numeric(14,2)").unwrap();
    assert!(read(&asked).is_ok());
}

fn a_slow_query(server: &Server) {
    let at = PostgresSettings { timeout: Duration::from_secs(1), ..server.settings("open") };
    let told = refused(&origin(at, &format!("{QUERY}\n, pg_sleep(3600)").replace("-- the branch's own", ""), DAY));
    assert!(told.contains("statement timeout") && told.contains("57014"), "{told}");
}

/// Its connection is ended by the server while rows come: what was read until then is nothing.
fn a_server_that_goes_away(server: &Server) {
    let many = "SELECT n AS khh, DATE '1980-01-01' AS csrq, 5.0 AS ye, repeat('x', 200) AS job, true AS y FROM generate_series(1, 2000000) AS n";
    let (mapping, stop, ended) = (mapping(RULES), Stop::default(), Flag::new(false));
    let keep = |index: usize| {
        if index == 5_000 && !ended.replace(true) {
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'";
            server.owner("open", end).unwrap();
        }
        true
    };
    let reading = Reading { mapping: Some(&mapping), keep: &keep, faulty_percent_max: 50, ..Reading::strict(&stop) };
    let asked = origin(server.settings("open"), many, DAY);
    let told = read_origin(&asked, &schema(), &reading).map(|_| ()).expect_err("part of the rows").to_string();
    assert!(told.contains("reading stopped after row") && told.contains("nothing of the file was used"), "{told}");
    assert!(ended.get());
    // Who wishes to stop is not kept by a server that goes on.
    stop.now();
    let stopped = read_origin(&asked, &schema(), &Reading { mapping: Some(&mapping), ..Reading::strict(&stop) });
    assert!(matches!(stopped, Err(FileError::Stopped { .. })));
}

#[test]
fn settings_keep_rows_off_an_open_network_and_passwords_out_of_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    use tributary_settings::Document;

    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("password");
    fs::write(&secret, "let me read\n").unwrap();
    let parsed = |more: &str| {
        let text = format!("[data.postgres]\ndatabase = \"core\"\nuser = \"reader\"\n{more}");
        let mut file = Document::parse(&folder.path().join("client.toml"), &text).unwrap();
        let read = PostgresSettings::read(&mut file);
        file.finish().map_err(|faults| faults.to_string()).map(|()| read.unwrap())
    };
    let mode = |mode| fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o600);
    let settings = parsed("host = \"localhost\"\ntls = \"off\"\npassword_file = \"password\"").unwrap();
    assert_eq!(settings.password.as_ref().map(|password| password.as_str()), Some(PASSWORD));
    assert_eq!(settings.name(), "postgresql://localhost:5432/core");
    for host in ["127.0.0.1", "::1", "/run/postgresql"] {
        assert!(parsed(&format!("host = \"{host}\"\ntls = \"off\"")).is_ok(), "{host}");
    }
    let own = "host = \"localhost\"\ntls = \"off\"\npassword_file = \"password\"";
    for (content, taken) in [("let me read", true), ("let me read\r\n", true), ("\n", false), ("let me\nread\n", false)]
    {
        fs::write(&secret, content).unwrap();
        let password = parsed(own).map(|settings| settings.password.unwrap().to_string());
        match taken {
            true => assert_eq!(password.as_deref(), Ok(PASSWORD)),
            false => assert!(password.unwrap_err().contains("\n  data.postgres.password_file: ")),
        }
    }
    mode(0o644);
    for (more, key) in [
        ("host = \"localhost\"\ntls = \"off\"\npassword_file = \"password\"", "data.postgres.password_file"),
        ("host = \"db.bank.example\"\ntls = \"off\"", "data.postgres.tls"),
        ("host = \"10.0.0.7\"\ntls = \"off\"", "data.postgres.tls"),
        ("host = \"db.bank.example\"", "data.postgres.roots"),
        ("host = \"db.bank.example\"\nroots = \"password\"", "data.postgres.roots"),
        ("host = \"localhost\"\ntls = \"off\"\npassword = \"x\"", "data.postgres.password"),
        ("host = \"\"\ntls = \"off\"", "data.postgres.host"),
        ("host = \"localhost\"\ntls = \"maybe\"", "data.postgres.tls"),
        ("host = \"localhost\"\ntls = \"off\"\nstatement_timeout_s = 0", "data.postgres.statement_timeout_s"),
    ] {
        let told = parsed(more).map(|_| ()).unwrap_err();
        assert!(told.contains(&format!("\n  {key}: ")), "{more}: {told}");
        assert!(!told.contains(PASSWORD), "{told}");
    }
}
