//! `coordinator.toml`, parsed: every value within its range, every contradiction inside the file refused.
//!
//! What each key means stands in `docs/samples/coordinator.toml`, which is also what `coordinator init` writes.

mod read;

use std::path::{Path, PathBuf};

use tributary_protocol::plan::PrivacyMode;
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::parameters::CohortRule;
use tributary_settings::{Document, Faults};

/// Longest deadline and waiting time, in milliseconds: a day.
const DAY_MS: i64 = 86_400_000;

/// The whole file.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address of clients, HOST:PORT; port 0 lets the operating system choose.
    pub listen: String,
    /// Folder of ledger, models and optimizer state.
    pub state_dir: PathBuf,
    /// Time to wait for the whole roster before a session opens with those who came, in milliseconds.
    pub gather_ms: u64,
    /// Files of this coordinator's identity.
    pub identity: IdentityFiles,
    /// The learning job.
    pub plan: PlanSettings,
}

/// Files of the coordinator's identity.
#[derive(Clone, Debug)]
pub struct IdentityFiles {
    /// Certificate chain (PEM, leaf first).
    pub certificate: PathBuf,
    /// TLS key (PEM, mode 0600).
    pub private_key: PathBuf,
    /// Protocol signing key (PEM, mode 0600).
    pub signing_key: PathBuf,
    /// The federation's certificate authorities (PEM).
    pub ca_certificate: PathBuf,
    /// The signed roster.
    pub roster: PathBuf,
    /// The authorities that must have signed it.
    pub authorities: PathBuf,
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
    /// How a mean gradient moves the model.
    pub optimizer: OptimizerKind,
    /// Share of the last rounds whose models are averaged into the released one, 0 to 1.
    pub tail_fraction: f64,
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
    /// Secure aggregation alone.
    None,
}

/// The server optimizer's rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptimizerKind {
    /// Gradient descent with momentum.
    Sgd {
        /// Step length.
        learning_rate: f64,
        /// Share of the last step that is kept.
        momentum: f64,
    },
    /// Adam.
    Adam {
        /// Step length.
        learning_rate: f64,
        /// Decay of the first moment.
        beta1: f64,
        /// Decay of the second moment.
        beta2: f64,
        /// Added to the second moment's root.
        epsilon: f64,
    },
}

impl Settings {
    /// Reads a settings file.
    ///
    /// # Errors
    /// Every fault of the file at once, each with its key, what was found and what is allowed.
    pub fn load(path: &Path) -> Result<Self, Faults> {
        let mut document = Document::open(path)?;
        let listen = document.text("coordinator.listen", "HOST:PORT, such as 0.0.0.0:7443", None, read::address);
        let state_dir = document.path("coordinator.state_dir");
        let gather_ms = document.integer("coordinator.gather_ms", 0..=DAY_MS, Some(30_000));
        let identity = read::identity(&mut document);
        let plan = read::plan(&mut document);
        document.finish()?;
        let found = "a document without a fault gave every value";
        Ok(Self {
            listen: listen.expect(found),
            state_dir: state_dir.expect(found),
            gather_ms: gather_ms.expect(found),
            identity: identity.expect(found),
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
            Self::None => PrivacyMode::None,
        }
    }
}

#[cfg(test)]
mod tests;
