//! `[audit.sink]`: where a second copy of `audit.log` goes. Without the table there is none.

use std::path::PathBuf;

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use tributary_certs::tls::{read_certificates, server_name};
use tributary_daemon::notices::HostPort;
use tributary_settings::Document;
use tributary_storage::files::{read_private, shown};

/// The number that standards use in their examples (RFC 5612). A bank has its own.
const EXAMPLE_ENTERPRISE: u32 = 32_473;

/// A second copy of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkSettings {
    /// Where it goes.
    pub way: SinkWay,
    /// How far it may lag before no round begins.
    pub lag: Lag,
    /// The private enterprise number after the `@` of the data's name.
    pub enterprise: u32,
}

/// How far a second copy may lag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Entries that it does not have.
    pub entries_max: u64,
    /// Age of the oldest of them, in seconds.
    pub seconds_max: u64,
}

impl Lag {
    /// Whether rounds wait, `withholds` if they do already: then it must have caught up to a half, so that rounds do not go and stop by turns.
    #[must_use]
    pub fn withholds(self, entries: u64, age_seconds: u64, withholds: bool) -> bool {
        let part = if withholds { 2 } else { 1 };
        entries > self.entries_max / part || age_seconds > self.seconds_max / part
    }
}

/// Where a second copy of the journal goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkWay {
    /// Into a file elsewhere.
    File(PathBuf),
    /// To a receiver of syslog, over TLS.
    Syslog(SyslogSink),
}

/// A receiver of syslog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyslogSink {
    /// Where it is.
    pub server: HostPort,
    /// File of the roots that its certificate must come from.
    pub trust: PathBuf,
    /// Files of the certificate by which this coordinator proves itself, and of its key, where the receiver asks for one.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Whether only a receiver that answers TLS's close_notify has acknowledged.
    pub close_notify: bool,
}

impl SinkSettings {
    /// Reads the table; the outer nothing is a fault that the document has noted.
    pub(super) fn read(document: &mut Document) -> Option<Option<Self>> {
        if !document.has("audit.sink") {
            return Some(None);
        }
        let entries_max = document.integer("audit.sink.lag_entries_max", 0..=10_000_000, Some(10_000));
        let seconds_max = document.integer("audit.sink.lag_seconds_max", 2..=86_400, Some(60));
        let enterprise = document.integer("audit.sink.enterprise", 1..=4_294_967_295, Some(EXAMPLE_ENTERPRISE));
        let file = document.has("audit.sink.file").then(|| document.path("audit.sink.file"));
        let syslog = document.has("audit.sink.syslog").then(|| syslog(document));
        let way = match (file, syslog) {
            (Some(file), None) => file.map(SinkWay::File),
            (None, Some(syslog)) => syslog.map(SinkWay::Syslog),
            (Some(_), Some(_)) => {
                document.fault("audit.sink.file", "a file beside [audit.sink.syslog]", "one of the two");
                None
            }
            (None, None) => {
                document.fault("audit.sink", "no place for the copy", "a line `file`, or a table [audit.sink.syslog]");
                None
            }
        };
        let lag = Lag { entries_max: entries_max?, seconds_max: seconds_max? };
        Some(Some(Self { way: way?, lag, enterprise: enterprise? }))
    }
}

fn syslog(document: &mut Document) -> Option<SyslogSink> {
    let of = |name: &str| format!("audit.sink.syslog.{name}");
    let parse = |text: &str| HostPort::parse(text).filter(|address| server_name(&address.host).is_ok());
    let server = document.text(&of("server"), "HOST:PORT of a receiver of syslog over TLS", None, parse);
    // Every key is asked for before the first `?`: each fault is told, and each key counts as known.
    let trust = certificates(document, &of("trust"));
    let certificate = match document.has(&of("certificate")) || document.has(&of("private_key")) {
        true => certificates(document, &of("certificate")).zip(key(document, &of("private_key"))).map(Some),
        false => Some(None),
    };
    let close_notify = document.boolean(&of("close_notify"), true);
    Some(SyslogSink { server: server?, trust: trust?, certificate: certificate?, close_notify: close_notify? })
}

fn certificates(document: &mut Document, key: &str) -> Option<PathBuf> {
    let path = document.existing_file(key)?;
    let read = read_certificates(&path);
    read.map_err(|fault| document.fault(key, fault.to_string(), "certificates in PEM")).ok().map(|_| path)
}

fn key(document: &mut Document, key: &str) -> Option<PathBuf> {
    let path = document.existing_file(key)?;
    let found = match read_private(&path) {
        Ok(text) if PrivateKeyDer::from_pem_slice(&text).is_ok() => return Some(path),
        Ok(_) => format!("{}, which holds no private key", shown(&path)),
        Err(fault) => fault.to_string(),
    };
    document.fault(key, found, "a file of mode 0600 with a private key in PEM");
    None
}
