//! `coordinator.toml`, parsed: every value within its range, every contradiction inside the file refused.
//!
//! What each key means stands in `docs/samples/coordinator.toml`, which is also what `coordinator init` writes.

mod read;
mod sink;
mod windows;
mod within;

use std::path::{Path, PathBuf};

use tributary_daemon::notices::NoticesSettings;
use tributary_settings::{Document, Faults};
use tributary_transport::NetworkSettings;
use tributary_transport::identity::TlsFiles;

use self::within::is_within;

pub use sink::{Lag, SinkSettings, SinkWay, SyslogSink};
pub use windows::Windows;

/// Longest deadline and waiting time, in milliseconds: a day.
const DAY_MS: i64 = 86_400_000;

/// The whole file.
pub struct Settings {
    /// Address of clients, HOST:PORT; port 0 lets the operating system choose.
    pub listen: String,
    /// Whether TCP is served beside QUIC, on the same port number.
    pub tcp: bool,
    /// Timers and switches of the network.
    pub network: NetworkSettings,
    /// Folder of journal, plans, runs and models.
    pub state_dir: PathBuf,
    /// Folder of the clients' budget heads, over all plans.
    pub heads_dir: PathBuf,
    /// Time to wait for the whole roster before a session opens with those who came, in milliseconds.
    pub gather_ms: u64,
    /// Hours in which runs may begin.
    pub windows: Windows,
    /// Files of this coordinator's identity.
    pub identity: IdentityFiles,
    /// The authority's folder, where this coordinator keeps the enrolment office.
    pub office: Option<PathBuf>,
    /// By what people who are elsewhere are told.
    pub notices: NoticesSettings,
    /// Where a second copy of the journal goes, if anywhere.
    pub sink: Option<SinkSettings>,
}

/// Files of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFiles {
    /// The canonical plan, with the signatures of two people.
    pub file: PathBuf,
    /// The feature schema that it names by its digest.
    pub schema: PathBuf,
}

/// Files of the coordinator's identity.
pub struct IdentityFiles {
    /// Certificate, key, trust and revocation lists.
    pub tls: TlsFiles,
    /// Protocol signing key (PEM, mode 0600).
    pub signing_key: PathBuf,
    /// The signed roster.
    pub roster: PathBuf,
    /// The authorities that must have signed it.
    pub authorities: PathBuf,
    /// Whether the daemon renews its certificate by itself, where it keeps the office.
    pub renew: bool,
}

impl Settings {
    /// Reads a settings file.
    ///
    /// # Errors
    /// Every fault of the file at once, each with its key, what was found and what is allowed.
    pub fn load(path: &Path) -> Result<Self, Faults> {
        let mut document = Document::open(path)?;
        let listen = document.text("coordinator.listen", "HOST:PORT, such as 0.0.0.0:7443", None, read::address);
        let tcp = document.boolean("coordinator.tcp", true);
        let network = NetworkSettings::read(&mut document);
        let state_dir = document.path("coordinator.state_dir");
        let heads_dir = match document.has("coordinator.heads_dir") {
            true => document.path("coordinator.heads_dir"),
            false => state_dir.as_ref().map(|state| state.with_file_name("heads")),
        };
        let gather_ms = document.integer("coordinator.gather_ms", 0..=DAY_MS, Some(30_000));
        let windows = read::windows(&mut document);
        let identity = read::identity(&mut document);
        let office = read::office(&mut document);
        let notices = NoticesSettings::read(&mut document, "coordinator");
        let sink = SinkSettings::read(&mut document);
        if let Some(Some(SinkSettings { way: SinkWay::File(file), .. })) = &sink
            && [&state_dir, &heads_dir].into_iter().flatten().any(|own| is_within(file, own))
        {
            let found = "a file in the state folder or in the folder of heads";
            document.fault("audit.sink.file", found, "a file elsewhere, best on another disk");
        }
        document.finish()?;
        let found = "a document without a fault gave every value";
        Ok(Self {
            listen: listen.expect(found),
            tcp: tcp.expect(found),
            network: network.expect(found),
            state_dir: state_dir.expect(found),
            heads_dir: heads_dir.expect(found),
            gather_ms: gather_ms.expect(found),
            windows: windows.expect(found),
            identity: identity.expect(found),
            office: office.expect(found),
            notices: notices.expect(found),
            sink: sink.expect(found),
        })
    }
}

#[cfg(test)]
mod tests;
