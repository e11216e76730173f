//! Where a PostgreSQL database is, and who asks it. The password lies in a private file: it is in no settings, no message and no log.

use std::net::IpAddr;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tributary_settings::Document;
use tributary_storage::files::read_private;
use zeroize::Zeroizing;

/// Where a database is, and who asks it.
#[derive(Clone)]
pub struct PostgresSettings {
    /// A host's name or address; or the folder of a socket on this machine.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The database.
    pub database: String,
    /// Who asks. The role needs to read, and nothing else.
    pub user: String,
    /// The role's password, where it has one.
    pub password: Option<Zeroizing<String>>,
    /// What protects the rows on their way.
    pub tls: PostgresTls,
    /// Longest time that the server may take for a query.
    pub timeout: Duration,
}

/// What protects the rows on their way.
#[derive(Clone)]
pub enum PostgresTls {
    /// TLS; the server's certificate is for its host, and comes from one of these roots.
    Verified(Vec<CertificateDer<'static>>),
    /// Nothing: the database is on this machine.
    OnThisMachine,
}

impl PostgresSettings {
    /// Its name for people.
    #[must_use]
    pub fn name(&self) -> String {
        let Self { host, port, database, .. } = self;
        format!("postgresql://{host}:{port}/{database}")
    }

    /// Reads the table `[data.postgres]`. `None` where the document has noted a fault.
    pub fn read(file: &mut Document) -> Option<Self> {
        let of = |name: &str| format!("data.postgres.{name}");
        let plain = |text: &str| (!text.is_empty() && !text.contains(char::is_control)).then(|| text.to_owned());
        let allowed = "a text that is not empty, without control characters";
        let host = file.text(&of("host"), "a host, an address or the folder of a socket", None, plain);
        let port = file.integer(&of("port"), 1..=65_535, Some(5432));
        let database = file.text(&of("database"), allowed, None, plain);
        let user = file.text(&of("user"), allowed, None, plain);
        let password = password(file, &of("password_file"));
        let timeout = file.integer(&of("statement_timeout_s"), 1..=86_400, Some(600_u32));
        let off = file.choice(&of("tls"), &[("verify", false), ("off", true)], Some(false));
        let here = host.as_deref().is_some_and(is_here);
        let tls = match off {
            Some(true) => {
                if host.is_some() && !here {
                    let found = "\"off\" for a database on another machine";
                    file.fault(&of("tls"), found, "\"verify\": rows would cross the network in clear");
                }
                Some(PostgresTls::OnThisMachine)
            }
            Some(false) => roots(file, &of("roots")).map(PostgresTls::Verified),
            None => None,
        };
        Some(Self {
            host: host?,
            port: port?,
            database: database?,
            user: user?,
            password: password?,
            tls: tls?,
            timeout: Duration::from_secs(timeout?.into()),
        })
    }
}

/// Whether a host is this machine: rows do not leave it.
fn is_here(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || host.starts_with('/') || address.is_ok_and(|address| address.is_loopback())
}

fn password(file: &mut Document, key: &str) -> Option<Option<Zeroizing<String>>> {
    if !file.has(key) {
        return Some(None);
    }
    let path = file.existing_file(key)?;
    let allowed = "a file of mode 0600 that holds the password on one line";
    let bytes = match read_private(&path) {
        Ok(bytes) => bytes,
        Err(fault) => {
            file.fault(key, fault.to_string(), allowed);
            return None;
        }
    };
    let line = std::str::from_utf8(&bytes).ok().map(|text| text.trim_end_matches(['\n', '\r']));
    match line.filter(|line| !line.is_empty() && !line.contains(char::is_control)) {
        Some(line) => Some(Some(Zeroizing::new(line.to_owned()))),
        None => {
            file.fault(key, "another content", allowed);
            None
        }
    }
}

fn roots(file: &mut Document, key: &str) -> Option<Vec<CertificateDer<'static>>> {
    let path = file.existing_file(key)?;
    let roots: Vec<CertificateDer<'static>> = match CertificateDer::pem_file_iter(&path) {
        Ok(found) => found.filter_map(Result::ok).collect(),
        Err(_) => Vec::new(),
    };
    if roots.is_empty() {
        file.fault(key, "no certificate", "a file of certificates (PEM) from which the server's certificate must come");
        return None;
    }
    Some(roots)
}
