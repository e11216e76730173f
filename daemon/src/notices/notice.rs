//! What people who are elsewhere are told: typed, so that no number about data and no customer can be in it.

use serde::{Deserialize, Serialize};

/// How urgent a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody must act, within days.
    Warning,
    /// Somebody must act now.
    Critical,
}

/// A run, as far as whoever tells of it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunName {
    /// The first digits of its plan's digest.
    pub plan: Option<String>,
    /// Its number in the plan.
    pub number: Option<u32>,
}

/// One thing that happened. Names are those of the signed roster; a plan is named by the first digits of its digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// A plan does not begin, or does not go on, before people act: a signature is missing, an order stops it, or branches are.
    PlanHeldBack {
        /// The plan.
        plan: String,
        /// Why, as the coordinator says it.
        reason: String,
    },
    /// The owner of a branch's data has not granted a plan that is offered, or not all that it needs.
    GrantAwaited {
        /// The branch; nothing at the branch itself.
        branch: Option<String>,
        /// The plan, where it is known.
        plan: Option<String>,
        /// The last second at which a run of it may begin, Unix, where that is known.
        until: Option<u64>,
        /// Where that is near, within how many days it is: people are reminded then.
        within_days: Option<u64>,
    },
    /// The owner of a branch's data has taken a grant back.
    GrantWithdrawn {
        /// The branch; nothing at the branch itself.
        branch: Option<String>,
        /// The plan, where it is known.
        plan: Option<String>,
    },
    /// A branch has not said by the plan's day that its data are ready.
    DataLate {
        /// The branch; nothing at the branch itself.
        branch: Option<String>,
        /// The run.
        run: RunName,
    },
    /// The certificate of this machine's daemon ends soon, or has ended.
    CertificateExpires {
        /// Its last second, Unix.
        not_after: u64,
        /// It is nearly over.
        urgent: bool,
    },
    /// The revocation lists that this machine has end soon, or have ended.
    ListsExpire {
        /// Their last second, Unix.
        not_after: u64,
    },
    /// A person's role ends soon.
    RoleExpires {
        /// The person's number.
        staff: String,
        /// The role.
        role: String,
        /// Its last second, Unix.
        until: u64,
    },
    /// A branch's entry in the roster ends soon.
    RosterEntryEnds {
        /// The branch.
        branch: String,
        /// Its last second, Unix.
        not_after: u64,
    },
    /// A run ended without what its plan asked for.
    RunFailed {
        /// The run.
        run: RunName,
    },
    /// The daemon of this machine ended with an error.
    DaemonFailed,
    /// A run is over, and its model is there.
    RunFinished {
        /// The run.
        run: RunName,
        /// Epsilon spent by it; nothing without noise, and at a branch.
        epsilon: Option<f64>,
    },
    /// Somebody ordered that a plan, or everything, stops.
    Frozen {
        /// What was ordered.
        action: String,
        /// By whom.
        staff: String,
        /// In which role.
        role: String,
    },
    /// Somebody ended a plan for good: its run is over, and nothing of it is released.
    PlanAborted {
        /// The plan, where it is known.
        plan: Option<String>,
        /// By whom.
        staff: String,
        /// In which role.
        role: String,
    },
    /// Two people let it go on.
    Thawed {
        /// What was ordered.
        action: String,
        /// By whom.
        staff: String,
        /// In which role.
        role: String,
    },
    /// A model may be used no more.
    ModelWithdrawn {
        /// The first digits of its digest.
        model: String,
    },
    /// The coordinator's journal does not go on from what a branch has seen of it.
    LogDisputed {
        /// The branch; nothing at the branch itself.
        branch: Option<String>,
    },
    /// The second copy of the coordinator's journal is not taken.
    SinkFailed {
        /// Where it goes.
        target: String,
    },
}

impl Notice {
    /// Its kind, as programs read it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::PlanHeldBack { .. } => "plan_held_back",
            Self::GrantAwaited { .. } => "grant_awaited",
            Self::GrantWithdrawn { .. } => "grant_withdrawn",
            Self::DataLate { .. } => "data_late",
            Self::CertificateExpires { .. } => "certificate_expires",
            Self::ListsExpire { .. } => "lists_expire",
            Self::RoleExpires { .. } => "role_expires",
            Self::RosterEntryEnds { .. } => "roster_entry_ends",
            Self::RunFailed { .. } => "run_failed",
            Self::DaemonFailed => "daemon_failed",
            Self::RunFinished { .. } => "run_finished",
            Self::Frozen { .. } => "frozen",
            Self::PlanAborted { .. } => "plan_aborted",
            Self::Thawed { .. } => "thawed",
            Self::ModelWithdrawn { .. } => "model_withdrawn",
            Self::LogDisputed { .. } => "log_disputed",
            Self::SinkFailed { .. } => "sink_failed",
        }
    }

    /// How urgent it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::RunFinished { .. } | Self::Thawed { .. } => Severity::Info,
            Self::CertificateExpires { urgent: true, .. }
            | Self::RunFailed { .. }
            | Self::DaemonFailed
            | Self::Frozen { .. }
            | Self::PlanAborted { .. }
            | Self::ModelWithdrawn { .. }
            | Self::LogDisputed { .. }
            | Self::SinkFailed { .. } => Severity::Critical,
            Self::PlanHeldBack { .. }
            | Self::GrantAwaited { .. }
            | Self::GrantWithdrawn { .. }
            | Self::DataLate { .. }
            | Self::CertificateExpires { .. }
            | Self::ListsExpire { .. }
            | Self::RoleExpires { .. }
            | Self::RosterEntryEnds { .. } => Severity::Warning,
        }
    }

    /// A branch's owner has not granted a plan; `until` is the last second at which one of its runs may begin, and `now` the Unix clock.
    #[must_use]
    pub fn grant_awaited((branch, plan): (Option<String>, Option<String>), until: Option<u64>, now: u64) -> Self {
        let left = until.map(|until| until.saturating_sub(now));
        let within_days = left.and_then(|left| REMINDERS.into_iter().find(|days| left <= days * 86_400));
        Self::GrantAwaited { branch, plan, until, within_days }
    }

    /// What it is about: of one thing, only a change is told. Nothing where that is not known.
    #[must_use]
    pub(super) fn about(&self) -> Option<String> {
        let named = |name: &Option<String>| name.clone().unwrap_or_default();
        Some(match self {
            Self::PlanHeldBack { plan, .. } => held_back(plan),
            Self::GrantAwaited { branch, plan, .. } | Self::GrantWithdrawn { branch, plan } => {
                format!("grant {} {}", named(branch), named(plan))
            }
            Self::DataLate { branch, run } => format!("data {} {}", named(branch), run.about()?),
            Self::CertificateExpires { .. } => CERTIFICATE.into(),
            Self::ListsExpire { .. } => LISTS.into(),
            Self::RoleExpires { staff, role, .. } => format!("role {staff} {role}"),
            Self::RosterEntryEnds { branch, .. } => format!("entry {branch}"),
            Self::RunFailed { run } | Self::RunFinished { run, .. } => format!("run {}", run.about()?),
            Self::DaemonFailed => DAEMON.into(),
            Self::Frozen { .. } | Self::Thawed { .. } => "orders".into(),
            Self::PlanAborted { plan, .. } => format!("abort {}", plan.as_ref()?),
            Self::ModelWithdrawn { model } => format!("model {model}"),
            Self::LogDisputed { branch } => format!("log {}", named(branch)),
            Self::SinkFailed { .. } => SINK.into(),
        })
    }

    /// What of it counts as a change: not how many are here. What ends at another second is another certificate or list, whoever has put it there.
    #[must_use]
    pub(super) fn state(&self) -> String {
        let mut state = crate::lines::json(self);
        if let Self::PlanHeldBack { .. } = self {
            state.retain(|character| !character.is_ascii_digit());
        }
        state
    }
}

/// The first digits of a plan's digest, by which notices name it.
#[must_use]
pub fn plan_in_short(digest: &str) -> String {
    digest.chars().take(8).collect()
}

impl RunName {
    fn about(&self) -> Option<String> {
        Some(format!("{} {}", self.plan.as_ref()?, self.number?))
    }
}

/// Days before a deadline at which people are told once more, the nearest first.
const REMINDERS: [u64; 3] = [1, 7, 30];

/// What notices of a daemon's own are about.
const DAEMON: &str = "daemon";
const CERTIFICATE: &str = "certificate";
const LISTS: &str = "lists";
const SINK: &str = "audit sink";

fn held_back(plan: &str) -> String {
    format!("plan {plan}")
}

/// Something that was told, and is over: when it comes again, it is told again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// Nothing holds this plan back any more.
    HeldBack {
        /// The plan.
        plan: String,
    },
    /// The daemon works.
    DaemonFailed,
    /// The certificate was renewed.
    CertificateExpires,
    /// Newer revocation lists are in force.
    ListsExpire,
    /// The second copy of the journal is taken again.
    SinkFailed,
}

impl Over {
    pub(super) fn about(&self) -> String {
        match self {
            Self::HeldBack { plan } => held_back(plan),
            Self::DaemonFailed => DAEMON.into(),
            Self::CertificateExpires => CERTIFICATE.into(),
            Self::ListsExpire => LISTS.into(),
            Self::SinkFailed => SINK.into(),
        }
    }
}
