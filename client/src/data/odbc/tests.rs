//! Against a real server, over its own ODBC driver.

use std::time::Duration;

use zeroize::Zeroizing;

use super::OdbcSettings;
use crate::data::postgres::tests::{DAY, PASSWORD, SWITCH, Server, origin, read, refused};
use crate::data::{Database, Origin};
use crate::needed;

/// This driver counts the quotes in comments.
const QUERY: &str = "SELECT khh, csrq, ye, zy AS job, lsbz AS y FROM kh";

/// As Debian's package registers it.
const DRIVER: &str = "PostgreSQL Unicode";

fn connection(server: &Server, password: &str) -> String {
    // Rows in pieces, and flags as such.
    format!(
        "Driver={{{DRIVER}}};Server=127.0.0.1;Port={};Database=open;UID=reader;PWD={password};SSLmode=disable;UseDeclareFetch=1;Fetch=100;BoolsAsChar=0",
        server.port
    )
}

fn asked(connection: &str, query: &str, day: &str) -> Origin {
    let connection = Zeroizing::new(connection.to_owned());
    let at = OdbcSettings { name: "core".to_owned(), connection, timeout: Duration::from_secs(60) };
    Origin::Database { at: Box::new(Database::Odbc(at)), query: query.to_owned(), day_query: Some(day.to_owned()) }
}

fn has_driver() -> bool {
    let drivers = odbc_api::environment().and_then(|environment| environment.drivers());
    drivers.is_ok_and(|drivers| drivers.iter().any(|driver| driver.description == DRIVER))
}

#[test]
fn odbc_reads_what_the_servers_own_protocol_reads_and_every_way_in_which_it_fails_is_told() {
    if !has_driver() {
        return needed::skip(SWITCH, "ODBC as a source", "the ODBC driver of PostgreSQL is not installed".to_owned());
    }
    let server = match Server::start() {
        Ok(server) => server,
        Err(missing) => return needed::skip(SWITCH, "ODBC as a source", missing),
    };
    let own = connection(&server, PASSWORD);
    let over_odbc = read(&asked(&own, QUERY, DAY)).unwrap_or_else(|fault| panic!("{fault}"));
    let own_protocol = read(&origin(server.settings("open"), QUERY, DAY)).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(over_odbc.digest, own_protocol.digest);
    assert_eq!((over_odbc.rows.rows(), over_odbc.day), (3, own_protocol.day));
    // More than one batch, with a value of every width.
    let many = "SELECT 6222020000000000000 + n AS khh, DATE '1980-11-30' AS csrq, n % 100000 AS ye, CASE WHEN n % 2 = 0 THEN 'office' END AS job, \
                n % 3 = 0 AS y FROM generate_series(1, 2500) AS rows(n)";
    let over_odbc = read(&asked(&own, many, DAY)).unwrap_or_else(|fault| panic!("{fault}"));
    let own_protocol = read(&origin(server.settings("open"), many, DAY)).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((over_odbc.rows.rows(), over_odbc.digest), (2500, own_protocol.digest));

    for (query, part) in [
        ("DELETE FROM kh RETURNING *", "does not begin with SELECT or WITH"),
        ("SELECT nothing FROM kh", "does not take the mapping's query"),
        ("SELECT khh FROM pg_authid", "does not take the mapping's query"),
        ("SELECT khh, csrq, ye, zy AS job FROM kh", "no column \"y\""),
        ("SELECT khh, csrq, ye, zy AS job, lsbz AS y FROM kh WHERE false", "no rows"),
        ("SELECT khh, csrq, ye, zy AS job, 'x'::bytea AS y FROM kh", "column \"y\""),
        ("SELECT khh::float8 AS khh, csrq, ye, zy AS job, lsbz AS y FROM kh", "more digits than they hold"),
        ("SELECT khh, csrq::text, ye, zy AS job, lsbz AS y FROM kh", "the mapping says dates"),
        ("SELECT khh, csrq + 100000 AS csrq, ye, zy AS job, lsbz AS y FROM kh", "after the day of the data"),
        ("SELECT khh, csrq, ye, repeat('x', 70000) AS job, lsbz AS y FROM kh", "longer than the driver said"),
        ("SELECT khh, csrq, 1/(ye - ye) AS ye, zy AS job, lsbz AS y FROM kh", "22012"),
    ] {
        let told = refused(&asked(&own, query, DAY));
        assert!(told.contains(part), "{query}: {told}");
        assert!(!told.contains(PASSWORD) && !told.contains("6222020000000000001"), "{told}");
    }
    for day in ["SELECT 1", "SELECT 'soon'", "SELECT DATE '2026-11-30', 2", "SELECT csrq FROM kh", "SELECT NULL::date"]
    {
        let told = refused(&asked(&own, QUERY, day));
        assert!(told.contains("does not say the day of its data"), "{day}: {told}");
    }
    assert!(refused(&asked(&own, QUERY, "DROP TABLE kh")).contains("does not begin with SELECT or WITH"));
    let wrong = connection(&server, "wrong");
    for (connection, query) in [(wrong.as_str(), QUERY), ("Driver={nobody has this}", QUERY), ("no connection", QUERY)]
    {
        let told = refused(&asked(connection, query, DAY));
        assert!(told.contains("does not let this branch in") && !told.contains("wrong"), "{told}");
    }
    // A function that writes is rolled back, whoever may call it.
    let writes = "CREATE FUNCTION note() RETURNS numeric LANGUAGE sql SECURITY DEFINER AS $$ INSERT INTO kh (khh) VALUES (9) RETURNING khh $$";
    server.owner("open", writes).unwrap_or_else(|fault| panic!("{fault}"));
    let query = "SELECT note() AS khh, csrq, ye, zy AS job, lsbz AS y FROM kh";
    let _ = read(&asked(&own, query, DAY));
    assert_eq!(server.owner("open", "SELECT count(*) FROM kh").as_deref(), Ok("3\n"));
    // The server goes away between two pieces.
    let gone = "SELECT 6222020000000000000 + n AS khh, DATE '1980-11-30' AS csrq, CASE WHEN n = 700 THEN pg_terminate_backend(pg_backend_pid())::int ELSE 1 END AS ye, \
                'office' AS job, true AS y FROM generate_series(1, 2500) AS rows(n)";
    let told = refused(&asked(&own, gone, DAY));
    assert!(told.contains("gave up") || told.contains("does not take"), "{told}");
}
