//! The table `[notices]` of both daemons' settings files. Without a hook in it nobody is told anything.

use std::fmt;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use tributary_certs::tls::read_certificates;
use tributary_settings::Document;
use tributary_storage::files::{folder_of, only_we_may_change, read_private, shown};
use zeroize::Zeroizing;

use crate::hours::Hours;
use tributary_texts::Language;

/// What an operator wants of notices.
#[derive(Clone)]
pub struct NoticesSettings {
    /// Who tells, in each message.
    pub name: String,
    /// In which language a mail or a line is.
    pub language: Language,
    /// Hours in which only what is critical is told.
    pub quiet: Option<Hours>,
    /// A program that is given each message.
    pub command: Option<PathBuf>,
    /// A mail server.
    pub smtp: Option<Smtp>,
    /// A web service.
    pub webhook: Option<Webhook>,
    /// A collector of logs.
    pub syslog: Option<SyslogAddress>,
}

/// A text that nobody is shown.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(secret)")
    }
}

/// Host and port of a server that is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// Name or address; an IPv6 address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl HostPort {
    /// HOST:PORT, as settings write it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = host.trim_matches(['[', ']']);
        let fit =
            !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c.is_control() || "/@?#".contains(c));
        let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
        fit.then(|| Self { host: host.to_owned(), port })
    }

    /// Whether it is this machine itself: nobody listens on the way then.
    fn is_here(&self) -> bool {
        is_here(&self.host)
    }
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for HostPort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// How mail is protected on its way to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// TLS from the first byte.
    Tls,
    /// TLS after the server's greeting; without it nothing is sent.
    StartTls,
    /// None: for a mail server on this machine alone.
    None,
}

/// A mail server, and whom it is told to write to.
#[derive(Clone)]
pub struct Smtp {
    /// The server.
    pub server: HostPort,
    /// How the way to it is protected.
    pub security: SmtpSecurity,
    /// Roots that the server's certificate must come from.
    pub trust: Trust,
    /// The sender.
    pub from: String,
    /// The receivers.
    pub to: Vec<String>,
    /// User and password, where the server asks for them.
    pub login: Option<(String, Secret)>,
}

/// A web service.
#[derive(Clone)]
pub struct Webhook {
    /// Where each message is posted to. A part of it may be secret.
    pub url: Secret,
    /// Its host, which may be shown.
    pub host: String,
    /// Roots that the server's certificate must come from.
    pub trust: Trust,
    /// Sent as a bearer token.
    pub token: Option<Secret>,
}

/// Roots of trust.
pub type Trust = Vec<CertificateDer<'static>>;

/// Where lines of syslog go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyslogAddress {
    /// One datagram for each line.
    Udp(HostPort),
    /// Lines with their length before them (RFC 6587).
    Tcp(HostPort),
    /// The system's own socket.
    Unix(PathBuf),
}

/// A file of roots that most systems keep.
pub(super) const SYSTEM_ROOTS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

impl NoticesSettings {
    /// Reads the table; `role` is the name of a daemon whose settings give it none. `None` where the document has noted a fault.
    pub fn read(document: &mut Document, role: &str) -> Option<Self> {
        let named = |text: &str| (!text.is_empty() && !text.contains(char::is_control)).then(|| text.to_owned());
        let name = document.text("notices.name", "a short name for messages", Some(role.to_owned()), named);
        let language = document.choice("notices.language", &Language::NAMES, Some(Language::English));
        let quiet = quiet(document);
        let command = optional(document, "notices.command", command);
        let smtp = optional(document, "notices.smtp", smtp);
        let webhook = optional(document, "notices.webhook", webhook);
        let syslog = optional(document, "notices.syslog", |document, key| {
            let allowed = "udp://HOST:PORT, tcp://HOST:PORT or unix:PATH, such as unix:/dev/log";
            document.text(&format!("{key}.address"), allowed, None, SyslogAddress::parse)
        });
        Some(Self {
            name: name?,
            language: language?,
            quiet: quiet?,
            command: command?,
            smtp: smtp?,
            webhook: webhook?,
            syslog: syslog?,
        })
    }

    /// The hooks that are set, by name.
    #[must_use]
    pub fn hooks(&self) -> Vec<&'static str> {
        let set = [
            ("command", self.command.is_some()),
            ("smtp", self.smtp.is_some()),
            ("webhook", self.webhook.is_some()),
            ("syslog", self.syslog.is_some()),
        ];
        set.into_iter().filter(|(_, set)| *set).map(|(name, _)| name).collect()
    }
}

fn optional<T>(
    document: &mut Document,
    key: &str,
    read: impl Fn(&mut Document, &str) -> Option<T>,
) -> Option<Option<T>> {
    if document.has(key) { read(document, key).map(Some) } else { Some(None) }
}

fn quiet(document: &mut Document) -> Option<Option<Hours>> {
    let keys = ["notices.quiet_from", "notices.quiet_until"];
    let offset = document.integer("notices.utc_offset_minutes", -840..=840, Some(0));
    if keys.iter().all(|key| !document.has(key)) {
        return offset.map(|_| None);
    }
    let [from, until] = keys.map(|key| document.text(key, "a time of the day, HH:MM", None, Hours::minute));
    Some(Some(Hours { from: from?, until: until?, offset: offset? }))
}

/// A program. Others could have it changed to do anything in this daemon's name, so that only its owner may change it, or put another in its place.
fn command(document: &mut Document, key: &str) -> Option<PathBuf> {
    let path = document.existing_file(key)?;
    let allowed = "a program that may be started, and that nobody but its owner may change, in a folder that nobody else may change either";
    let fit = is_program(&path);
    if !fit {
        document.fault(key, format!("{}, which is none, or which others may change", shown(&path)), allowed);
    }
    fit.then_some(path)
}

fn is_program(path: &Path) -> bool {
    let (Ok(metadata), Ok(program)) = (path.metadata(), path.canonicalize()) else { return false };
    #[cfg(unix)]
    let starts = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let starts = true;
    // A link is followed: whoever may change its folder or its target's names another program.
    let is_kept = |path: &Path| folder_of(path).metadata().is_ok_and(|folder| only_we_may_change(&folder));
    starts && only_we_may_change(&metadata) && is_kept(path) && is_kept(&program)
}

fn smtp(document: &mut Document, key: &str) -> Option<Smtp> {
    let of = |name: &str| format!("{key}.{name}");
    let server = document.text(&of("server"), "HOST:PORT of a mail server", None, HostPort::parse);
    let words = [("tls", SmtpSecurity::Tls), ("starttls", SmtpSecurity::StartTls), ("none", SmtpSecurity::None)];
    let security = document.choice(&of("security"), &words, Some(SmtpSecurity::StartTls));
    let address = |text: &str| text.parse::<lettre::Address>().ok().map(|address| address.to_string());
    let from = document.text(&of("from"), "a mail address", None, address);
    let to = document.texts(&of("to"), "a list of mail addresses", address);
    let login = match document.has(&of("user")) || document.has(&of("password_file")) {
        true => {
            let user = document.string(&of("user"));
            let password = secret(document, &of("password_file"));
            user.zip(password).map(Some)
        }
        false => Some(None),
    };
    // Every key is asked for before the first `?`: each fault is told, and each key counts as known.
    let trust = trust(document, &of("trust"), security != Some(SmtpSecurity::None));
    let (server, security) = (server?, security?);
    if security == SmtpSecurity::None && !server.is_here() {
        document.fault(&of("security"), "\"none\" for a server on another machine", "\"tls\" or \"starttls\"");
        return None;
    }
    Some(Smtp { server, security, trust: trust?, from: from?, to: to?, login: login? })
}

fn webhook(document: &mut Document, key: &str) -> Option<Webhook> {
    let of = |name: &str| format!("{key}.{name}");
    // A part of the address is the secret of many services: then it lies in a private file.
    let url = match document.has(&of("url_file")) {
        true => secret(document, &of("url_file")),
        false => document.string(&of("url")).map(|url| Secret(Zeroizing::new(url))),
    };
    let token = match document.has(&of("token_file")) {
        true => secret(document, &of("token_file")).map(Some),
        false => Some(None),
    };
    let parsed = url.as_ref().and_then(|url| address_of(url.reveal()));
    if url.is_some() && parsed.is_none() {
        let which = if document.has(&of("url_file")) { "url_file" } else { "url" };
        document.fault(&of(which), "another content", "https://HOST/..., or http://... for this machine itself");
    }
    let trust = trust(document, &of("trust"), parsed.as_ref().is_none_or(|(safe, _)| *safe));
    Some(Webhook { url: url?, host: parsed?.1, trust: trust?, token: token? })
}

/// Whether TLS protects the way to this address, and its host; nothing if it is none that may be used.
fn address_of(url: &str) -> Option<(bool, String)> {
    if url.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let (safe, rest) = match url.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, url.strip_prefix("http://")?),
    };
    let authority = rest.split(['/', '?', '#']).next().filter(|authority| !authority.contains('@'))?;
    let with_port = HostPort::parse(authority).map(|address| address.host);
    let host = with_port.unwrap_or_else(|| authority.trim_matches(['[', ']']).to_owned());
    (!host.is_empty() && (safe || is_here(&host))).then_some((safe, host))
}

/// The roots in a file; those of the system where none is named. Empty where none are needed.
fn trust(document: &mut Document, key: &str, needed: bool) -> Option<Trust> {
    let path = match document.has(key) {
        true => document.existing_file(key)?,
        false if !needed => return Some(Trust::new()),
        false => match SYSTEM_ROOTS.iter().map(Path::new).find(|path| path.is_file()) {
            Some(path) => path.to_path_buf(),
            None => {
                document.fault(key, "nothing, and the system keeps no roots where most do", "a file of roots, in PEM");
                return None;
            }
        },
    };
    match read_certificates(&path) {
        Ok(roots) => Some(roots),
        Err(fault) => {
            document.fault(key, fault.to_string(), "a file of roots, in PEM");
            None
        }
    }
}

/// One line of a private file.
fn secret(document: &mut Document, key: &str) -> Option<Secret> {
    let path = document.existing_file(key)?;
    let read = read_private(&path).map_err(|fault| fault.to_string()).and_then(|bytes| {
        let text = std::str::from_utf8(&bytes).map_err(|_| "a content that is no text".to_owned())?;
        let text = text.trim_end_matches(['\r', '\n']);
        let fit = !text.is_empty() && !text.contains(char::is_control);
        fit.then(|| Secret(Zeroizing::new(text.to_owned()))).ok_or_else(|| "no line, or more than one".to_owned())
    });
    match read {
        Ok(secret) => Some(secret),
        Err(found) => {
            document.fault(key, found, "a file of mode 0600 that holds one line");
            None
        }
    }
}

impl SyslogAddress {
    fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("udp", rest) => HostPort::parse(rest.strip_prefix("//")?).map(Self::Udp),
            ("tcp", rest) => HostPort::parse(rest.strip_prefix("//")?).map(Self::Tcp),
            ("unix", path) if cfg!(unix) && path.starts_with('/') => Some(Self::Unix(path.into())),
            _ => None,
        }
    }
}
