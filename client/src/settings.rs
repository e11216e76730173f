//! The client's settings file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tributary_daemon::notices::NoticesSettings;
use tributary_protocol::plan::Date;
use tributary_settings::{Document, Faults};
use tributary_storage::files::{read_private, shown};
use tributary_transport::identity::{key_exchange, token};
use tributary_transport::{DialSettings, Mode, NetworkSettings, Proxy};

use crate::contact::{ContactSettings, Retention};
use crate::data::{Database, OdbcSettings, PostgresSettings};
use crate::identity::IdentitySettings;
use crate::worker::WorkerCaps;

/// A commented settings file with every key.
pub const SAMPLE: &str = include_str!("../../docs/samples/client.toml");

/// What a client daemon is told.
#[derive(Clone)]
pub struct Settings {
    /// Where the budget file lives.
    pub state_dir: PathBuf,
    /// Where the coordinator listens: host and port.
    pub address: String,
    /// The name that the coordinator's certificate must carry.
    pub server_name: String,
    /// Which transports may be used.
    pub transport: Mode,
    /// An HTTP proxy for TCP.
    pub proxy: Option<Proxy>,
    /// Timers and switches of the network.
    pub network: NetworkSettings,
    /// Where the identity is.
    pub identity: IdentitySettings,
    /// The branch's rows, where they are in a file.
    pub data_file: Option<PathBuf>,
    /// The database that has them.
    pub database: Option<Database>,
    /// How the branch's own columns become the schema's, signed by the owner.
    pub mapping_file: Option<PathBuf>,
    /// Where the tables are that the mapping reads beside the customers' own, by their names; but for those of the database.
    pub tables: BTreeMap<String, PathBuf>,
    /// Largest share of rows with a fault, in percent, that are left out one by one.
    pub faulty_percent_max: u8,
    /// Their feature schema.
    pub schema_file: PathBuf,
    /// Public maximum of this branch's customers.
    pub customers_max: u32,
    /// Public maximum of all customers' rows together.
    pub rows_max: u32,
    /// Public maximum of one customer's rows.
    pub rows_per_customer_max: u32,
    /// Rows that are only counted when a model is evaluated; without them the rows that it learned from are.
    pub held_out_file: Option<PathBuf>,
    /// Public number of this branch's customers, by which local steps divide; needed for the mode `local` alone.
    pub customers_nominal: Option<u32>,
    /// Shares of values above which a table is not used.
    pub share_limits: ShareLimits,
    /// What this machine gives to training.
    pub worker: WorkerCaps,
    /// Who says of which day the data are.
    pub date_source: DateSource,
    /// Changes since the data set before, above which the operator is asked.
    pub change_limits: ChangeLimits,
    /// What is suggested for customers by the stage of their life, signed by the owner.
    pub actions_file: Option<PathBuf>,
    /// For how many days a file of scores may be used.
    pub scores_valid_days: u16,
    /// By what people who are elsewhere are told.
    pub notices: NoticesSettings,
    /// The policy's file.
    pub policy_file: PathBuf,
    /// Public signing key of whoever owns the branch's data.
    pub policy_owner: PathBuf,
    /// Where the tables of lists are.
    pub contact: ContactSettings,
    /// How long files about customers are kept.
    pub retention: Retention,
}

/// Above which changes an operator is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangeLimits {
    /// Of the number of rows or customers, in percent.
    pub volume_percent: u16,
    /// Of the share of a label's rarer class, in percent of that share.
    pub label_percent: u16,
    /// Of a column: its population stability index.
    pub stability: f64,
}

impl ChangeLimits {
    /// What most months stay within.
    pub const USUAL: Self = Self { volume_percent: 30, label_percent: 50, stability: 0.25 };
}

/// Who says of which day the data are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateSource {
    /// The ready file beside each table.
    ReadyFile,
    /// The settings themselves.
    Fixed(Date),
}

/// Shares of rows, in percent, above which a table is not used: the file is then hardly the one that the schema means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareLimits {
    /// Of a numeric field's values outside of its bounds.
    pub outside: u8,
    /// Of a field's or label's values that no list has.
    pub unlisted: u8,
    /// Of a field's missing values.
    pub missing: u8,
}

impl ShareLimits {
    /// Half of the values outside or unlisted are too many. A field may be missing everywhere: a branch may not have it.
    pub const USUAL: Self = Self { outside: 50, unlisted: 50, missing: 100 };
}

impl Settings {
    /// Reads a settings file. Paths in it are relative to the file.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn load(path: &Path) -> Result<Self, Faults> {
        let mut file = Document::open(path)?;
        let state_dir = file.path("client.state_dir");
        let address = file.text("coordinator.address", "HOST:PORT", None, host_and_port);
        let host = address.as_deref().and_then(|address| address.rsplit_once(':')).map(|(host, _)| host);
        let host = host.map(|host| host.trim_matches(['[', ']']).to_string());
        let server_name =
            file.text("coordinator.server_name", "a host name or an address", host.or(Some(String::new())), |text| {
                (!text.is_empty()).then(|| text.to_string())
            });
        let modes = [("auto", Mode::Auto), ("quic", Mode::Quic), ("tcp", Mode::Tcp)];
        let transport = file.choice("coordinator.transport", &modes, Some(Mode::Auto));
        let proxy = proxy(&mut file);
        let network = NetworkSettings::read(&mut file);
        let identity = identity(&mut file);
        let mapping_file = match file.has("data.mapping") {
            true => file.existing_file("data.mapping").map(Some),
            false => Some(None),
        };
        let (data_file, database) = rows(&mut file);
        let tables = tables(&mut file);
        let faulty_percent_max = file.integer("data.faulty_percent_max", 0..=50, Some(1_u8));
        let schema_file = file.existing_file("data.schema");
        let customers_max = file.integer("data.customers_max", 1..=16_777_216, Some(100_000_u32));
        let rows_per_customer_max = file.integer("data.rows_per_customer_max", 1..=32, Some(1_u32));
        let all = customers_max.zip(rows_per_customer_max).map(|(customers, rows)| customers.saturating_mul(rows));
        let rows_max = file.integer("data.rows_max", 1..=536_870_912, all);
        let held_out_file =
            if file.has("data.held_out") { data_source(&mut file, "data.held_out").map(Some) } else { Some(None) };
        let customers_nominal = match file.has("data.customers_nominal") {
            true => file.integer("data.customers_nominal", 1..=16_777_216, None).map(Some),
            false => Some(None),
        };
        let share_limits = share_limits(&mut file);
        let worker = WorkerCaps::read(&mut file);
        let date_source = date_source(&mut file);
        let change_limits = change_limits(&mut file);
        let actions_file = match file.has("scores.actions") {
            true => file.existing_file("scores.actions").map(Some),
            false => Some(None),
        };
        let scores_valid_days = file.integer("scores.valid_days", 1..=366, Some(31_u16));
        let notices = NoticesSettings::read(&mut file, "client");
        let policy_file = file.existing_file("policy.file");
        let policy_owner = file.existing_file("policy.owner");
        let contact = ContactSettings::read(&mut file);
        let retention = Retention::read(&mut file);
        file.finish()?;
        let here = "every value is there when no fault is";
        Ok(Self {
            state_dir: state_dir.expect(here),
            address: address.expect(here),
            server_name: server_name.expect(here),
            transport: transport.expect(here),
            proxy: proxy.expect(here),
            network: network.expect(here),
            identity: identity.expect(here),
            data_file: data_file.expect(here),
            database: database.expect(here),
            mapping_file: mapping_file.expect(here),
            tables: tables.expect(here),
            faulty_percent_max: faulty_percent_max.expect(here),
            schema_file: schema_file.expect(here),
            customers_max: customers_max.expect(here),
            rows_max: rows_max.expect(here),
            rows_per_customer_max: rows_per_customer_max.expect(here),
            held_out_file: held_out_file.expect(here),
            customers_nominal: customers_nominal.expect(here),
            share_limits: share_limits.expect(here),
            worker: worker.expect(here),
            date_source: date_source.expect(here),
            change_limits: change_limits.expect(here),
            actions_file: actions_file.expect(here),
            scores_valid_days: scores_valid_days.expect(here),
            notices: notices.expect(here),
            policy_file: policy_file.expect(here),
            policy_owner: policy_owner.expect(here),
            contact: contact.expect(here),
            retention: retention.expect(here),
        })
    }

    /// Where the coordinator is, and how to get there.
    #[must_use]
    pub fn dial(&self) -> DialSettings {
        DialSettings {
            address: self.address.clone(),
            server_name: self.server_name.clone(),
            mode: self.transport,
            proxy: self.proxy.clone(),
            path: self.network.path,
            timers: self.network.timers,
        }
    }
}

fn identity(file: &mut Document) -> Option<IdentitySettings> {
    let folder = file.path("identity.folder");
    if let Some(folder) = folder.as_ref().filter(|folder| !folder.is_dir()) {
        file.fault(
            "identity.folder",
            format!("{}, which is no folder", shown(folder)),
            "the folder that enrolment wrote",
        );
    }
    let token = token(file);
    let key_exchange = key_exchange(file);
    let renew = file.boolean("identity.renew", true);
    let token = token?;
    Some(IdentitySettings { folder: folder?, renew: renew? && token.is_none(), token, key_exchange: key_exchange? })
}

/// A file with rows, or the database that has them.
fn rows(file: &mut Document) -> (Option<Option<PathBuf>>, Option<Option<Database>>) {
    let tables = ["data.postgres", "data.odbc"].map(|table| file.has(table).then_some(table));
    let Some(table) = tables.into_iter().flatten().next() else {
        return (data_source(file, "data.file").map(Some), Some(None));
    };
    for key in ["data.file", "data.held_out"] {
        if file.has(key) {
            let _known = file.path(key);
            let allowed = "one of the two; held-out rows have a query in the mapping";
            file.fault(key, format!("a file, beside [{table}]"), allowed);
        }
    }
    if !file.has("data.mapping") {
        let allowed = "the mapping that says which query gives the rows";
        file.fault("data.mapping", format!("nothing, beside [{table}]"), allowed);
    }
    let odbc = tables[1].map(|_| OdbcSettings::read(file).map(Database::Odbc));
    let postgres = tables[0].map(|_| PostgresSettings::read(file).map(Database::Postgres));
    if odbc.is_some() && postgres.is_some() {
        file.fault("data.odbc", "a second database, beside [data.postgres]", "one of the two");
    }
    (Some(None), postgres.or(odbc).flatten().map(Some))
}

/// Files of tables beside the customers' own, by their names. They are read in whatever order, so none is a pipe.
fn tables(file: &mut Document) -> Option<BTreeMap<String, PathBuf>> {
    const KEY: &str = "data.events";
    let names = file.pairs(KEY)?;
    if !names.is_empty() && !file.has("data.mapping") {
        file.fault(KEY, "tables, without a mapping", "data.mapping, which says what they hold");
    }
    let found = names.into_iter().map(|(name, _)| Some((name.clone(), file.existing_file(&format!("{KEY}.{name}"))?)));
    found.collect::<Vec<_>>().into_iter().collect()
}

/// A file with rows, or a pipe from which they come.
fn data_source(file: &mut Document, key: &str) -> Option<PathBuf> {
    let path = file.path(key)?;
    if path.exists() && !path.is_dir() {
        return Some(path);
    }
    file.fault(key, format!("{}, which is no file", shown(&path)), "a file or a pipe that exists");
    None
}

fn share_limits(file: &mut Document) -> Option<ShareLimits> {
    let usual = ShareLimits::USUAL;
    let outside = file.integer("data.outside_percent_max", 0..=100, Some(usual.outside));
    let unlisted = file.integer("data.unlisted_percent_max", 0..=100, Some(usual.unlisted));
    let missing = file.integer("data.missing_percent_max", 0..=100, Some(usual.missing));
    Some(ShareLimits { outside: outside?, unlisted: unlisted?, missing: missing? })
}

fn date_source(file: &mut Document) -> Option<DateSource> {
    let allowed =
        "\"ready-file\" (the file .ok beside each table says of which day it is), or the day itself, YYYY-MM-DD";
    file.date("data.date", allowed, Some(DateSource::ReadyFile), |text| match text {
        "ready-file" => Some(DateSource::ReadyFile),
        date => Date::parse(date).map(DateSource::Fixed),
    })
}

fn change_limits(file: &mut Document) -> Option<ChangeLimits> {
    let usual = ChangeLimits::USUAL;
    let volume = file.integer("data.volume_change_percent_max", 0..=10_000, Some(usual.volume_percent));
    let label = file.integer("data.label_change_percent_max", 0..=10_000, Some(usual.label_percent));
    let index = |index: f64| (0.0..=100.0).contains(&index);
    let stability = file.number("data.stability_index_max", "from 0 to 100", Some(usual.stability), index);
    Some(ChangeLimits { volume_percent: volume?, label_percent: label?, stability: stability? })
}

/// HOST:PORT of either kind.
fn host_and_port(text: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':')?;
    (!host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)).then(|| text.to_string())
}

/// The proxy, if one is named. Its credentials lie in a private file, never in the settings.
fn proxy(file: &mut Document) -> Option<Option<Proxy>> {
    if !file.has("coordinator.proxy") {
        return Some(None);
    }
    let address = file.text("coordinator.proxy", "HOST:PORT of an HTTP proxy", None, host_and_port);
    if !file.has("coordinator.proxy_credentials") {
        return address.map(|address| Some(Proxy { address, credentials: None }));
    }
    let path = file.existing_file("coordinator.proxy_credentials")?;
    let credentials = match read_private(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).trim_end().to_owned(),
        Err(fault) => {
            file.fault(
                "coordinator.proxy_credentials",
                fault.to_string(),
                "a file of mode 0600 that holds USER:PASSWORD",
            );
            return None;
        }
    };
    if !credentials.contains(':') || credentials.contains(char::is_control) {
        file.fault("coordinator.proxy_credentials", "another content", "one line USER:PASSWORD");
        return None;
    }
    Some(Some(Proxy { address: address?, credentials: Some(credentials) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Anything else would go to the proxy in the head of a request, where a line end begins another line.
    #[test]
    fn credentials_of_a_proxy_are_one_line_of_a_user_and_a_password() {
        use tributary_storage::files::{Existing, write_private};

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        let read = |content: &str| {
            write_private(&path, content.as_bytes(), Existing::Replace).unwrap();
            let text =
                format!("[coordinator]\nproxy = \"proxy.example:3128\"\nproxy_credentials = '{}'\n", path.display());
            let mut file = Document::parse(&folder.path().join("client.toml"), &text).unwrap();
            proxy(&mut file).flatten().and_then(|proxy| proxy.credentials)
        };
        assert_eq!(read("user:pass word\n").as_deref(), Some("user:pass word"));
        for bad in ["", "user", "user:pass\r\nHost: elsewhere", "user:\u{1b}", "a line\nuser:password"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
