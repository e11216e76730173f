//! The conversation with a server, on a thread of its own.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use futures_core::Stream as _;
use tokio::sync::oneshot;
use tokio_postgres::types::{Kind, Type};
use tokio_postgres::{Client, Config, NoTls};
use tributary_protocol::plan::Date;
use tributary_protocol::printable::Printable;

use super::fault::AskFault;
use super::settings::{PostgresSettings, PostgresTls};
use super::tls::Connector;
use crate::data::mapping::ColumnKind;
use crate::data::sink::Column;

/// What the thread asks.
pub(super) struct Asked<'a> {
    pub(super) at: &'a PostgresSettings,
    pub(super) query: &'a str,
    pub(super) day: Option<&'a str>,
}

/// What the thread says, in this order.
pub(super) enum Said {
    /// Of which day the data are; nothing where the query gives no day.
    Day(Option<Date>),
    /// The query's columns.
    Columns(Vec<Column>),
    /// A piece of the rows.
    Rows(Vec<u8>),
    /// The last row has come before.
    End,
    /// There will be nothing more.
    Fault(AskFault),
}

/// Time that a server is waited for beyond what it may take by itself.
const GRACE: Duration = Duration::from_secs(10);
/// Time for a connection.
const CONNECT: Duration = Duration::from_secs(20);
/// Smallest piece that is handed on.
const PIECE_BYTES: usize = 1 << 16;
/// Between columns, and where rows end, by the form that is asked for.
const ROWS_AS_TEXT: &str = "TO STDOUT WITH (FORMAT csv, ENCODING 'UTF8')";

/// Asks, and says what comes of it, until the end, a fault, or nobody listens any more.
pub(super) fn run(asked: &Asked<'_>, sender: &SyncSender<Said>, listener: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let said = match runtime {
        Ok(runtime) => runtime.block_on(async {
            tokio::select! {
                said = speak(asked, sender) => said,
                _ = listener => Ok(()),
            }
        }),
        Err(fault) => Err(AskFault::new("cannot be asked", fault.to_string(), "look at this machine's limits")),
    };
    // Where nobody listens, nobody needs to hear it.
    let _ = sender.send(said.map_or_else(Said::Fault, |()| Said::End));
}

async fn speak(asked: &Asked<'_>, sender: &SyncSender<Said>) -> Result<(), AskFault> {
    let at = asked.at;
    let mut config = Config::new();
    config.host(&at.host).port(at.port).dbname(&at.database).user(&at.user).application_name("tributary");
    config
        .connect_timeout(CONNECT)
        .keepalives_idle(GRACE)
        .target_session_attrs(tokio_postgres::config::TargetSessionAttrs::Any);
    if let Some(password) = &at.password {
        config.password(password.as_bytes());
    }
    let refused = |fault: tokio_postgres::Error| AskFault::of_question("does not let this branch in", &fault);
    let late = || AskFault::late("does not answer");
    let client = match &at.tls {
        PostgresTls::OnThisMachine => {
            config.ssl_mode(tokio_postgres::config::SslMode::Disable);
            let connected = within(CONNECT + GRACE, config.connect(NoTls)).await.ok_or_else(late)?;
            let (client, connection) = connected.map_err(refused)?;
            tokio::spawn(connection);
            client
        }
        PostgresTls::Verified(roots) => {
            config.ssl_mode(tokio_postgres::config::SslMode::Require);
            let connector = Connector::new(roots)?;
            let connected = within(CONNECT + GRACE, config.connect(connector)).await.ok_or_else(late)?;
            let (client, connection) = connected.map_err(refused)?;
            tokio::spawn(connection);
            client
        }
    };
    tokio::time::timeout(at.timeout + GRACE, ask(&client, asked, sender))
        .await
        .unwrap_or_else(|_| Err(AskFault::late("does not end")))
}

async fn within<T>(time: Duration, answer: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(time, answer).await.ok()
}

async fn ask(client: &Client, asked: &Asked<'_>, sender: &SyncSender<Said>) -> Result<(), AskFault> {
    let begun = |fault: tokio_postgres::Error| AskFault::of_question("cannot be asked", &fault);
    // Both queries see one state of the tables, and can change nothing.
    let millis = asked.at.timeout.as_millis();
    let begin = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {millis}; SET LOCAL lock_timeout = {millis}; \
         SET LOCAL datestyle = 'ISO, YMD'"
    );
    client.batch_execute(&begin).await.map_err(begun)?;
    if let Some(query) = asked.day
        && sender.send(Said::Day(day(client, query).await?)).is_err()
    {
        return Ok(());
    }
    let refused = |fault: tokio_postgres::Error| AskFault::of_question("does not take the mapping's query", &fault);
    // As one statement by itself, so that it cannot end the one around it.
    let statement = client.prepare(asked.query).await.map_err(refused)?;
    let columns: Vec<Column> =
        statement.columns().iter().map(|column| described(column.name(), column.type_())).collect();
    if columns.is_empty() || !statement.params().is_empty() {
        let cure = "correct the query, and have the owner sign the mapping again";
        return Err(AskFault::new("does not take the mapping's query", "it gives no rows, or has parameters", cure));
    }
    if sender.send(Said::Columns(columns)).is_err() {
        return Ok(());
    }
    let copy = format!("COPY (\n{}\n) {ROWS_AS_TEXT}", asked.query);
    let rows = client.copy_out(copy.as_str()).await.map_err(|fault| AskFault::of_rows(&fault))?;
    let mut rows = pin!(rows);
    let mut piece = Vec::with_capacity(2 * PIECE_BYTES);
    while let Some(next) = poll_fn(|context| rows.as_mut().poll_next(context)).await {
        piece.extend_from_slice(&next.map_err(|fault| AskFault::of_rows(&fault))?);
        if piece.len() >= PIECE_BYTES {
            let full = std::mem::replace(&mut piece, Vec::with_capacity(2 * PIECE_BYTES));
            if sender.send(Said::Rows(full)).is_err() {
                return Ok(());
            }
        }
    }
    let _ = sender.send(Said::Rows(piece));
    Ok(())
}

/// The day that a query gives, whatever type it has; nothing where that is no day.
async fn day(client: &Client, query: &str) -> Result<Option<Date>, AskFault> {
    let refused =
        |fault: tokio_postgres::Error| AskFault::of_question("does not take the mapping's date_query", &fault);
    let statement = client.prepare(query).await.map_err(refused)?;
    if statement.columns().len() != 1 || !statement.params().is_empty() {
        return Ok(None);
    }
    let text = format!("SELECT CAST(day AS text) FROM (\n{query}\n) AS asked(day)");
    let rows = client.query(text.as_str(), &[]).await.map_err(|fault| AskFault::of_rows(&fault))?;
    let [row] = rows.as_slice() else { return Ok(None) };
    let text: Option<String> = row.try_get(0).ok();
    // A time may stand after the day.
    Ok(text.and_then(|text| Date::parse(text.get(..10)?)))
}

fn described(name: &str, kind: &Type) -> Column {
    let kind = match *kind {
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => ColumnKind::Whole,
        Type::NUMERIC => ColumnKind::Decimal,
        Type::FLOAT4 | Type::FLOAT8 => ColumnKind::Float,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UUID => ColumnKind::Text,
        Type::DATE | Type::TIMESTAMP | Type::TIMESTAMPTZ => ColumnKind::Day,
        Type::BOOL => ColumnKind::Flag,
        _ => match kind.kind() {
            Kind::Enum(_) => ColumnKind::Text,
            Kind::Domain(base) => return described(name, base),
            _ => ColumnKind::Other(Printable::new(kind.name()).as_str().to_owned()),
        },
    };
    Column { name: name.to_owned(), kind: Some(kind) }
}
