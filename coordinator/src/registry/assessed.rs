//! Papers for those who assess the federation, made from the running configuration and the verified journal, and signed by this coordinator.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use tributary_certs::clock::unix_seconds;
use tributary_certs::grant::{GRANT_EXTENSION, WITHDRAWAL_EXTENSION, read_grant};
use tributary_certs::inspect::{Inspection, inspect};
use tributary_certs::keys::read_signing_key;
use tributary_certs::provider::{KeyExchange, provider_with};
use tributary_certs::roster::RosterAuthorities;
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_daemon::notices::NoticesSettings;
use tributary_evidence::Retained;
use tributary_evidence::assessor::{
    CertificateLine, FlowLine, GrantLine, HardeningLine, ImpactReport, NOT_PROMISED, ProcessingRecord, SbomLine,
    SecurityReport, VersionLine, bill, impact, processing_record,
};
use tributary_evidence::paper::{Body as _, GENERATOR, Paper};
use tributary_evidence::report::{Asked, Branch, ComplianceReport, people_of};
use tributary_model::weak_modes::Build;
use tributary_protocol::digest::{Digest, Hasher};
use tributary_protocol::limits::PROTOCOL_VERSION;
use tributary_protocol::plan::{Date, GrantSubject};
use tributary_protocol::roster::SignedRoster;
use tributary_storage::files::{FileError, read_public, shown};
use tributary_transport::identity::KeyPlace;

use super::RegistryError;
use super::compliance::{ComplianceError, reported};
use super::view::{authorities_of, roster_in_force};
use crate::settings::{Settings, SinkWay};

/// A coordinator as it is configured.
struct Configured {
    /// SHA-256 of the settings file.
    digest: Digest,
    settings: Settings,
    authorities: RosterAuthorities,
    roster: SignedRoster,
    key: SigningKey,
    now: u64,
}

impl Configured {
    fn read(config: &Path) -> Result<Self, ComplianceError> {
        let settings = Settings::load(config).map_err(RegistryError::from)?;
        let authorities = authorities_of(config, &settings)?;
        let roster = roster_in_force(config, &settings, &authorities)?;
        let key = read_signing_key(&settings.identity.signing_key)?;
        let digest = Digest::of(&read_public(config)?);
        Ok(Self { digest, settings, authorities, roster, key, now: unix_seconds() })
    }

    fn own(&self) -> Result<Inspection, FileError> {
        inspect(&self.settings.identity.tls.chain, None, self.now)
    }

    fn name(&self) -> Result<String, FileError> {
        let own = self.own()?;
        Ok(own.identity.map_or_else(|| own.subject.to_string(), |identity| identity.to_string()))
    }
}

/// The security report, for a partner's assessor; `sbom` is the list of components that the executable was built from.
///
/// # Errors
/// If settings, roster, certificates or signing key cannot be read.
pub fn security_report(config: &Path, sbom: SbomLine) -> Result<Paper<SecurityReport>, ComplianceError> {
    let of = Configured::read(config)?;
    let roster = &of.roster.roster;
    let day = |second| Date::of_second(second).to_string();
    let member = |entry: &tributary_protocol::roster::RosterEntry| Branch {
        client: entry.client.0,
        name: entry.name.to_string(),
        until: day(entry.not_after),
    };
    let body = SecurityReport {
        format: SecurityReport::FORMAT,
        kind: "security".into(),
        generator: GENERATOR.into(),
        made: day(of.now),
        federation: of.authorities.digest().to_string(),
        coordinator: of.name()?,
        flows: flows(&of.settings),
        cryptography: bill(),
        certificates: certificates(&of)?,
        roster: roster.epoch(),
        members: roster.entries().iter().map(member).collect(),
        people: people_of(roster),
        hardening: hardening(&of),
        not_promised: NOT_PROMISED.map(str::to_owned).into(),
        versions: versions(&of),
        sbom,
    };
    Ok(Paper::sign(body, &of.key))
}

/// The record of processing activities; `kept` is what is kept beside the journal at a path.
///
/// # Errors
/// As for a compliance report.
pub fn ropa_report<K: Retained>(
    config: &Path,
    asked: &Asked,
    kept: impl FnOnce(&Path) -> K,
) -> Result<Paper<ProcessingRecord>, ComplianceError> {
    let of = Configured::read(config)?;
    let (report, _) = reported(config, asked, kept)?;
    Ok(Paper::sign(record(&of, &report)?, &of.key))
}

/// The input to an impact assessment.
///
/// # Errors
/// As for a compliance report.
pub fn dpia_report<K: Retained>(
    config: &Path,
    asked: &Asked,
    kept: impl FnOnce(&Path) -> K,
) -> Result<Paper<ImpactReport>, ComplianceError> {
    let of = Configured::read(config)?;
    let (report, _) = reported(config, asked, kept)?;
    let record = record(&of, &report)?;
    Ok(Paper::sign(impact(&report, record, flows(&of.settings)), &of.key))
}

fn record(of: &Configured, report: &ComplianceReport) -> Result<ProcessingRecord, ComplianceError> {
    let federation = of.authorities.digest();
    let grants = grants(&of.settings.state_dir, &federation);
    Ok(processing_record(report, (&of.name()?, &federation.to_string()), grants))
}

/// Owners' grants as they came here, of this federation and with a good signature. What is something else is left out.
fn grants(state: &Path, federation: &Digest) -> Vec<GrantLine> {
    let Ok(files) = std::fs::read_dir(state.join("grants")) else { return Vec::new() };
    let is_grant = |path: &PathBuf| path.extension().is_some_and(|ending| ending == GRANT_EXTENSION);
    let grants = files.flatten().map(|file| file.path()).filter(is_grant);
    let line = |path: PathBuf| {
        let grant = read_grant(&path).ok().filter(|grant| grant.federation == *federation)?;
        let day = |second| Date::of_second(second).to_string();
        grant.is_genuine::<RealSuite>().then(|| GrantLine {
            grant: grant.digest().to_string(),
            subject: match &grant.subject {
                GrantSubject::Plan(plan) => plan.to_string(),
                GrantSubject::Plans { purpose, .. } => purpose.to_string(),
            },
            branches: grant.branches.iter().map(ToString::to_string).collect(),
            runs: grant.runs,
            from: day(grant.not_before),
            until: day(grant.not_after),
            withdrawn: path.with_extension(WITHDRAWAL_EXTENSION).exists(),
        })
    };
    grants.filter_map(line).collect()
}

/// Who opens what to whom, by these settings.
fn flows(settings: &Settings) -> Vec<FlowLine> {
    let mut lines: Vec<FlowLine> = Vec::new();
    let mut add = |[from, to, carries, protection]: [&str; 4], address: &str, protocol: &str| {
        lines.push(FlowLine {
            number: u32::try_from(lines.len()).unwrap_or(u32::MAX).saturating_add(1),
            from: from.into(),
            to: to.into(),
            address: address.into(),
            protocol: protocol.into(),
            carries: carries.into(),
            protection: protection.into(),
        });
    };
    let listen = settings.listen.as_str();
    let rounds = ["member", "coordinator", "rounds", "mutual-tls"];
    add(rounds, listen, "UDP: QUIC version 1, TLS 1.3");
    if settings.tcp {
        add(rounds, listen, "TCP: TLS 1.3");
    }
    if settings.office.is_some() {
        add(
            ["newcomer", "coordinator", "enrolment", "pinned-tls"],
            listen,
            "UDP: QUIC version 1, TLS 1.3; TCP: TLS 1.3",
        );
    }
    let socket = settings.state_dir.join("control.sock");
    add(["operator", "coordinator", "questions", "own-user"], &shown(&socket).to_string(), "Unix socket");
    add(["carrier", "coordinator", "signed-files", "own-signature"], &shown(&settings.state_dir).to_string(), "file");
    let metrics = settings.state_dir.join("metrics.prom");
    add(["coordinator", "collector", "metrics", "local-file"], &shown(&metrics).to_string(), "file");
    match settings.sink.as_ref().map(|sink| &sink.way) {
        Some(SinkWay::Syslog(to)) => {
            let server = to.server.to_string();
            add(
                ["coordinator", "log-collector", "second-copy", "server-tls"],
                &server,
                "TCP: syslog (RFC 5424, RFC 5425)",
            );
        }
        Some(SinkWay::File(file)) => {
            add(["coordinator", "log-collector", "second-copy", "local-file"], &shown(file).to_string(), "file");
        }
        None => {}
    }
    let NoticesSettings { command, smtp, webhook, syslog, .. } = &settings.notices;
    if let Some(smtp) = smtp {
        add(["coordinator", "mail-server", "notices", "server-tls"], &smtp.server.to_string(), "TCP: SMTP");
    }
    if let Some(webhook) = webhook {
        add(["coordinator", "web-service", "notices", "server-tls"], &webhook.host, "TCP: HTTPS");
    }
    if syslog.is_some() {
        add(["coordinator", "log-collector", "notices", "plain"], "[notices.syslog]", "syslog (RFC 5424)");
    }
    if let Some(command) = command {
        add(["coordinator", "program", "notices", "own-user"], &shown(command).to_string(), "process");
    }
    lines
}

fn certificates(of: &Configured) -> Result<Vec<CertificateLine>, FileError> {
    let identity = &of.settings.identity;
    let mut files = vec![("certificate-coordinator", identity.tls.chain.clone())];
    files.push(("certificate-root", identity.tls.trust.clone()));
    if let Some(office) = &of.settings.office {
        files.push(("certificate-issuing", office.join(tributary_certs::enrolment::names::ISSUING)));
    }
    let line = |(what, path): (&str, PathBuf)| {
        let found = inspect(&path, None, of.now)?;
        let day = |second| Date::of_second(second).to_string();
        Ok(CertificateLine {
            what: what.into(),
            subject: found.subject.to_string(),
            issuer: found.issuer.to_string(),
            serial: found.serial,
            key: found.key,
            from: day(found.not_before),
            until: day(found.not_after),
            days_left: found.days_left,
        })
    };
    files.into_iter().map(line).collect()
}

/// What protects this machine and its files. Each is looked at, and none is taken from a word in the settings that nothing enforces.
fn hardening(of: &Configured) -> Vec<HardeningLine> {
    let line = |what: &str, state: Option<bool>, found: String| {
        let state = match state {
            Some(true) => "holds",
            Some(false) => "not",
            None => "unknown",
        };
        HardeningLine { what: what.into(), state: state.into(), found }
    };
    let identity = &of.settings.identity;
    let mut lines = vec![line("no-core-dumps", no_core_dumps(), String::new())];
    let key = mode_of(&identity.signing_key);
    lines.push(line("signing-key-own", key.map(|mode| mode & 0o077 == 0), words_of(key)));
    match &identity.tls.key {
        KeyPlace::File(path) => {
            let mode = mode_of(path);
            lines.push(line("tls-key-own", mode.map(|mode| mode & 0o077 == 0), words_of(mode)));
            lines.push(line("tls-key-in-token", Some(false), String::new()));
        }
        #[cfg(feature = "pkcs11")]
        KeyPlace::Token(_) => lines.push(line("tls-key-in-token", Some(true), String::new())),
    }
    let state = mode_of(&of.settings.state_dir);
    lines.push(line("state-own", state.map(|mode| mode & 0o077 == 0), words_of(state)));
    let required = identity.tls.key_exchange == KeyExchange::Required;
    lines.push(line("post-quantum-required", Some(required), String::new()));
    let suites = provider_with(identity.tls.key_exchange);
    let alone = suites.cipher_suites.iter().all(|suite| suite.tls13().is_some());
    lines.push(line("tls-13-alone", Some(alone), String::new()));
    let (needed, keys) = (of.authorities.needed(), of.authorities.keys().len());
    lines.push(line("roster-of-several", Some(needed > 1), format!("{needed} / {keys}")));
    let lists = identity.tls.revocations.exists();
    lines.push(line("revocation-lists", Some(lists), String::new()));
    let apart = !of.settings.heads_dir.starts_with(&of.settings.state_dir);
    lines.push(line("heads-apart", Some(apart), String::new()));
    let shipped = Build::THIS == Build::SHIPPED;
    lines.push(line("no-weak-modes", Some(shipped), String::new()));
    lines
}

#[cfg(target_os = "linux")]
fn no_core_dumps() -> Option<bool> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max core file size"))?;
    let mut words = line.trim_start_matches("Max core file size").split_whitespace();
    Some(words.next() == Some("0") && words.next() == Some("0"))
}

#[cfg(not(target_os = "linux"))]
fn no_core_dumps() -> Option<bool> {
    None
}

/// The mode of a file, as far as the system has one.
#[cfg(unix)]
fn mode_of(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;

    Some(std::fs::metadata(path).ok()?.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode_of(_: &Path) -> Option<u32> {
    None
}

fn words_of(mode: Option<u32>) -> String {
    mode.map(|mode| format!("{mode:04o}")).unwrap_or_default()
}

/// SHA-256 of the executable that runs; nothing where it cannot be read any more.
fn executable() -> Option<Digest> {
    let mut file = File::open(std::env::current_exe().ok()?).ok()?;
    let (mut hasher, mut piece) = (Hasher::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut piece).ok()? {
            0 => return Some(hasher.finish()),
            read => hasher.update(piece.get(..read)?),
        }
    }
}

fn versions(of: &Configured) -> Vec<VersionLine> {
    let line = |what: &str, version: String| VersionLine { what: what.into(), version };
    vec![
        line("version-program", env!("CARGO_PKG_VERSION").into()),
        line("version-protocol", PROTOCOL_VERSION.to_string()),
        line("version-log", tributary_protocol::log::FORMAT.version.to_string()),
        line("digest-settings", of.digest.to_string()),
        line("digest-executable", executable().map_or_else(|| "-".into(), |digest| digest.to_string())),
    ]
}

#[cfg(test)]
mod tests;
