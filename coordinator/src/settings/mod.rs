//! `coordinator.toml`, parsed: every value within its range, every contradiction inside the file refused.
//!
//! What each key means stands in `docs/samples/coordinator.toml`, which is also what `coordinator init` writes.

mod read;

use std::path::{Path, PathBuf};

use tributary_model::server_optimizer::UpdateRule;
use tributary_model::update::LocalRule;
use tributary_protocol::plan::{PrivacyMode, Retention};
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::parameters::CohortRule;
use tributary_settings::{Document, Faults};
use tributary_transport::NetworkSettings;
use tributary_transport::identity::TlsFiles;

/// Longest deadline and waiting time, in milliseconds: a day.
const DAY_MS: i64 = 86_400_000;

/// What a model is for where the settings do not say otherwise.
pub const PURPOSE_DEFAULT: &str = "churn and deposit propensity";

/// Default of `upload_offset_ms`.
const UPLOAD_OFFSET_MS_DEFAULT: u64 = 5;

/// The whole file.
pub struct Settings {
    /// Address of clients, HOST:PORT; port 0 lets the operating system choose.
    pub listen: String,
    /// Whether TCP is served beside QUIC, on the same port number.
    pub tcp: bool,
    /// Timers and switches of the network.
    pub network: NetworkSettings,
    /// Folder of ledger, models and optimizer state.
    pub state_dir: PathBuf,
    /// Folder of the clients' budget heads, for every plan that this coordinator ever serves.
    pub heads_dir: PathBuf,
    /// Time to wait for the whole roster before a session opens with those who came, in milliseconds.
    pub gather_ms: u64,
    /// Files of this coordinator's identity.
    pub identity: IdentityFiles,
    /// The authority's folder, where this coordinator keeps the enrolment office.
    pub office: Option<PathBuf>,
    /// The learning job.
    pub plan: PlanSettings,
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

/// The learning job as the analyst writes it.
#[derive(Clone, Debug)]
pub struct PlanSettings {
    /// For people.
    pub name: String,
    /// The feature schema's file.
    pub schema: PathBuf,
    /// The network's kind.
    pub model: ModelKind,
    /// Rounds to commit.
    pub rounds: u32,
    /// Rounds that may be charged without being committed.
    pub retries: u32,
    /// What protects the single customer.
    pub privacy: PrivacyTarget,
    /// L2 bound of a customer's gradient.
    pub example_clip_norm: f64,
    /// Bound of a customer's loss.
    pub loss_bound: f64,
    /// Ring of the masked sum.
    pub ring: Ring,
    /// Integer units of one clip norm; chosen by the plan if absent.
    pub clip_units: Option<u32>,
    /// Customers by which the sum is divided.
    pub customers_nominal: u64,
    /// Customers at which the sum still cannot wrap.
    pub customers_max: u64,
    /// Makes the first model.
    pub seed: u64,
    /// Rounds of one key set-up.
    pub session_rounds: u32,
    /// Time for a round, in milliseconds.
    pub round_deadline_ms: u64,
    /// Time for a key set-up, in milliseconds.
    pub keying_deadline_ms: u64,
    /// Who may be a cohort.
    pub cohort: CohortRule,
    /// The roster's group from which cohorts are chosen.
    pub group: String,
    /// How a mean gradient moves the model.
    pub optimizer: UpdateRule,
    /// Share of the last rounds whose models are averaged into the released one, 0 to 1.
    pub tail_fraction: f64,
    /// Everything that has a default which suits most plans.
    pub mechanism: MechanismSettings,
}

/// How privacy is made, beyond its target.
#[derive(Clone, Debug, PartialEq)]
pub struct MechanismSettings {
    /// What the model is for; branches' policies list it.
    pub purpose: String,
    /// Branches at which one customer may be.
    pub overlap_max: u16,
    /// Probability of a customer's secret coin; 1: everybody in every round.
    pub sampling_rate: f64,
    /// Local training, in the modes that have it.
    pub local: Option<LocalSteps>,
    /// Customers counted by their features before training.
    pub statistics: Option<CountingSettings>,
    /// Customers counted by label and score of the released model.
    pub evaluation: Option<CountingSettings>,
    /// Uploads leave this long after a round's start at the earliest, in milliseconds.
    pub upload_offset_ms: u64,
    /// What is kept of its rounds, and for how long.
    pub retention: Retention,
}

/// How branches train between two uploads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalSteps {
    /// Steps, their length, and the L2 bound of a difference of models; the first one, where it adapts.
    pub rule: LocalRule,
    /// Whether the bound follows the noised share of branches within it.
    pub adaptive: bool,
}

/// A counting round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CountingSettings {
    /// Bins of a histogram.
    pub bins: u32,
    /// Share of the plan's budget that it may cost.
    pub budget_share: f64,
}

impl Default for MechanismSettings {
    fn default() -> Self {
        Self {
            purpose: PURPOSE_DEFAULT.to_owned(),
            overlap_max: 1,
            sampling_rate: 1.0,
            local: None,
            statistics: None,
            evaluation: None,
            upload_offset_ms: UPLOAD_OFFSET_MS_DEFAULT,
            retention: Retention::USUAL,
        }
    }
}

/// The network's kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelKind {
    /// Logistic regression, clipped in the exact form.
    Logistic,
    /// A multi-layer perceptron, clipped in the chunked form.
    Mlp {
        /// Units of each hidden layer.
        hidden: Vec<u32>,
    },
}

/// What protects the single customer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PrivacyTarget {
    /// Noise for (epsilon, delta) over every round that may be charged.
    Customer {
        /// The target.
        epsilon: f64,
        /// Probability with which it may fail.
        delta: f64,
    },
    /// Each branch's own noise in each local step, for (epsilon, delta) of a customer.
    Local {
        /// The target.
        epsilon: f64,
        /// Probability with which it may fail.
        delta: f64,
    },
    /// Distributed noise for (epsilon, delta) of a branch as a whole.
    Branch {
        /// The target.
        epsilon: f64,
        /// Probability with which it may fail.
        delta: f64,
    },
    /// Secure aggregation alone.
    None,
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
            // Beside the state folder, of which each plan has its own.
            false => state_dir.as_ref().map(|state| state.with_file_name("heads")),
        };
        let gather_ms = document.integer("coordinator.gather_ms", 0..=DAY_MS, Some(30_000));
        let identity = read::identity(&mut document);
        let office = read::office(&mut document);
        let plan = read::plan(&mut document);
        document.finish()?;
        let found = "a document without a fault gave every value";
        Ok(Self {
            listen: listen.expect(found),
            tcp: tcp.expect(found),
            network: network.expect(found),
            state_dir: state_dir.expect(found),
            heads_dir: heads_dir.expect(found),
            gather_ms: gather_ms.expect(found),
            identity: identity.expect(found),
            office: office.expect(found),
            plan: plan.expect(found),
        })
    }
}

impl PrivacyTarget {
    /// The plan's word for it.
    #[must_use]
    pub fn mode(&self) -> PrivacyMode {
        match self {
            Self::Customer { .. } => PrivacyMode::Customer,
            Self::Local { .. } => PrivacyMode::Local,
            Self::Branch { .. } => PrivacyMode::Branch,
            Self::None => PrivacyMode::None,
        }
    }

    /// Epsilon and delta; nothing without noise.
    #[must_use]
    pub fn target(&self) -> Option<(f64, f64)> {
        match *self {
            Self::Customer { epsilon, delta } | Self::Local { epsilon, delta } | Self::Branch { epsilon, delta } => {
                Some((epsilon, delta))
            }
            Self::None => None,
        }
    }
}

#[cfg(test)]
mod tests;
