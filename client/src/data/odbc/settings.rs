//! How a database is reached over ODBC. The connection string may hold a password: it lies in a private file, and is in no settings, message or log.

use std::time::Duration;

use tributary_settings::Document;
use tributary_storage::files::read_private;
use zeroize::Zeroizing;

/// Longest connection string, in bytes.
const BYTES_MAX: usize = 4096;

/// How a database is reached, and how long it may take.
#[derive(Clone)]
pub struct OdbcSettings {
    /// Its name for people.
    pub name: String,
    /// Driver, place, database, user and password, as the driver manager reads them.
    pub connection: Zeroizing<String>,
    /// Longest time for a query.
    pub timeout: Duration,
}

impl OdbcSettings {
    /// Its name for people, as an address.
    #[must_use]
    pub fn name(&self) -> String {
        format!("odbc:{}", self.name)
    }

    /// Reads the table `[data.odbc]`. `None` where the document has noted a fault.
    pub fn read(file: &mut Document) -> Option<Self> {
        let of = |name: &str| format!("data.odbc.{name}");
        let plain = |text: &str| {
            (1..=64).contains(&text.len()).then_some(()).filter(|()| !text.contains(char::is_control))?;
            Some(text.to_owned())
        };
        let allowed = "a name of 1 to 64 bytes, without control characters";
        let name = file.text(&of("name"), allowed, Some("database".to_owned()), plain);
        let connection = connection(file, &of("connection_file"));
        let timeout = file.integer(&of("statement_timeout_s"), 1..=86_400, Some(600_u32));
        Some(Self { name: name?, connection: connection?, timeout: Duration::from_secs(timeout?.into()) })
    }
}

fn connection(file: &mut Document, key: &str) -> Option<Zeroizing<String>> {
    let path = file.existing_file(key)?;
    let allowed = "a file of mode 0600 that holds the connection string on one line";
    let bytes = match read_private(&path) {
        Ok(bytes) => bytes,
        Err(fault) => {
            file.fault(key, fault.to_string(), allowed);
            return None;
        }
    };
    let line = std::str::from_utf8(&bytes).ok().map(|text| text.trim_end_matches(['\n', '\r']));
    let line = line.filter(|line| (1..=BYTES_MAX).contains(&line.len()) && !line.contains(char::is_control));
    if line.is_none() {
        file.fault(key, "another content", allowed);
    }
    line.map(|line| Zeroizing::new(line.to_owned()))
}
