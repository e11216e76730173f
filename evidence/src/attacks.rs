//! What attacks on a model came to: a JSON object that a model validator signs, bound to the model's digest, and named by the registry's ledger.
//!
//! The attacks run where rows are that nobody has to be protected from showing: public ones, or invented ones. The journal holds the one thing that has
//! consequences: whether an attack showed a larger epsilon than the plan claims.

use serde::{Deserialize, Serialize};
use tributary_model::privacy::epsilon_of;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Attestation, Plan, RunRef};
use tributary_protocol::privacy::Unit;
use tributary_protocol::registry::{AttackReport, SignedAttackReport};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::StaffNumber;
use tributary_protocol::secagg::suite::Signature;

use crate::paper::{digest, parsed, to_json};

/// The layout of a report.
pub const ATTACKS_FORMAT: u32 = 1;

/// Longest file, in bytes.
const BYTES_MAX: usize = 1 << 20;

/// What attacks came to. Numbers that are no whole ones are texts of decimals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attacks {
    /// The layout: [`ATTACKS_FORMAT`].
    pub format: u32,
    /// The program and its version.
    pub generator: String,
    /// Digest of the model.
    pub model: String,
    /// Digest of its plan.
    pub plan: String,
    /// Number of its run.
    pub run: u32,
    /// In seconds of the Unix clock.
    pub made_at: u64,
    /// On which rows.
    pub rows: AttackedRows,
    /// The epsilon of one customer that the plan claims for a run; nothing where no noise protects customers.
    pub claimed: Option<String>,
    /// At which delta.
    pub delta: Option<String>,
    /// Whether the model tells whose rows it learnt from; nothing where it was not tested.
    pub membership: Option<MembershipLine>,
    /// A lower bound of epsilon; nothing where it was not tested.
    pub canary: Option<CanaryLine>,
    /// Which row a customer has; nothing where it was not tested.
    pub reconstruction: Option<ReconstructionLine>,
    /// Branches that turn their labels: by how many there are, and label.
    pub poisoning: Vec<PoisoningLine>,
    /// How far runs lie apart that differ in their noise alone; nothing where it was not tested.
    pub spread: Option<SpreadLine>,
    /// Whether the lower bound of epsilon is larger than the claimed one.
    pub alarm: bool,
}

/// The rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttackedRows {
    /// `public` or `invented`.
    pub kind: String,
    /// Branches.
    pub branches: u32,
    /// Customers from whom the model learnt.
    pub members: u64,
    /// Customers from whom it did not.
    pub others: u64,
}

/// A figure with its 95 % interval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The figure.
    pub value: String,
    /// Lower end.
    pub low: String,
    /// Upper end.
    pub high: String,
}

/// Membership inference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MembershipLine {
    /// Models of the same plan that the attacker made for comparison.
    pub references: u32,
    /// Area under the curve: 0.5 where nothing is told.
    pub auc: Option<Measured>,
    /// Share of members found with one false alarm in a thousand; nothing with fewer than 1,000 others.
    pub found: Option<Measured>,
}

/// Canaries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryLine {
    /// Trials with the canary, and as many without.
    pub trials: u64,
    /// A lower bound of epsilon with 99 % confidence.
    pub epsilon_low: String,
    /// The largest bound that so many trials could show at all, had every one of them told the attacker the truth.
    pub epsilon_most: String,
}

/// Reconstruction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconstructionLine {
    /// Rows among which the attacker looks.
    pub candidates: u32,
    /// Trials.
    pub trials: u64,
    /// Share of rows that were found exactly.
    pub exact: Measured,
    /// The same where no noise is added.
    pub exact_without_noise: Measured,
    /// The same by guessing.
    pub by_chance: String,
}

/// Flipped labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoisoningLine {
    /// Branches that turn their labels.
    pub branches: u32,
    /// The label.
    pub label: String,
    /// Mean AUC on rows that were held out.
    pub auc: Option<String>,
    /// How far it is below the one without a lying branch.
    pub fall: Option<String>,
}

/// Runs that differ in their noise alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpreadLine {
    /// Runs.
    pub runs: u32,
    /// Largest standard deviation of the AUC of a label.
    pub auc: Option<String>,
    /// Standard deviation of a customer's score, in logits.
    pub score: Option<String>,
}

/// A report with the signature of whoever answers for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttacksFile {
    /// What the attacks came to.
    pub findings: Attacks,
    /// SHA-256 of the JSON text of that without spaces.
    digest: String,
    /// The signature, once there is one.
    signed: Option<Signed>,
}

/// A person's signature, as a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    federation: String,
    staff: String,
    role: String,
    at: u64,
    signature: String,
}

/// What is wrong with a report's file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttacksFault {
    /// It cannot be read.
    #[error("it is no report of attacks of this release ({0}); read it with the release that made it")]
    Unreadable(String),
    /// The bytes are not those that this program writes, or their digest is another one.
    #[error("it was changed after it was made: its digest or its form is another one; ask for the file as it was made")]
    Changed,
    /// It contradicts itself.
    #[error(
        "its alarm does not follow from its own numbers: a report raises it where its lower bound of epsilon is above the claimed one; make it again"
    )]
    Alarm,
    /// Nobody has signed it.
    #[error("nobody has signed it; a model validator does (`tributary redteam sign`)")]
    Unsigned,
}

/// The epsilon of one customer that a plan claims for a run, as reports of attacks have it; nothing where no noise protects customers.
#[must_use]
pub fn claimed(plan: &Plan) -> Option<String> {
    plan.privacy.unit()?;
    let epsilon = epsilon_of(plan.charge_of_run().of(Unit::Customer), plan.delta()).0;
    epsilon.is_finite().then(|| format!("{epsilon:.6}"))
}

impl Attacks {
    /// What is signed about it, in a federation.
    ///
    /// # Errors
    /// If its model is no digest.
    pub fn report(&self, federation: Digest) -> Result<AttackReport, AttacksFault> {
        let model = Digest::from_hex(&self.model).ok_or(AttacksFault::Changed)?;
        Ok(AttackReport { federation, model, findings: self.digest(), alarm: self.alarm })
    }

    /// Its digest: that of its JSON text without spaces.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest(self)
    }

    /// Whether what was measured raises the alarm.
    #[must_use]
    pub fn is_alarming(&self) -> bool {
        let low = self.canary.as_ref().map(|canary| number(&canary.epsilon_low));
        match (low, self.claimed.as_deref().map(number)) {
            (Some(Some(low)), Some(Some(claimed))) => low > claimed,
            // What cannot be read is no all-clear.
            (Some(None), Some(_)) | (Some(_), Some(None)) => true,
            (None, _) | (_, None) => false,
        }
    }

    /// Whether so many trials could not have shown a larger epsilon than the claimed one, whatever the model told: then no alarm says nothing.
    #[must_use]
    pub fn is_powerless(&self) -> bool {
        let (Some(canary), Some(claimed)) = (&self.canary, &self.claimed) else { return false };
        !matches!((number(&canary.epsilon_most), number(claimed)), (Some(most), Some(claimed)) if most > claimed)
    }

    /// Whether it names this run and the epsilon that its plan claims. The last digit is left to the machine on which it was computed.
    #[must_use]
    pub fn is_of(&self, run: &RunRef, plan: &Plan) -> bool {
        let same = match (&self.claimed, &claimed(plan)) {
            (None, None) => true,
            (Some(said), Some(own)) => {
                number(said).zip(number(own)).is_some_and(|(said, own)| (said - own).abs() <= LAST_DIGIT)
            }
            _ => false,
        };
        same && self.plan == run.plan.to_string() && self.run == run.number
    }
}

/// How far two machines' claimed epsilons may lie apart: two of the last digit.
const LAST_DIGIT: f64 = 2.5e-6;

/// A number that a report has as a text; nothing where it is none, or no finite one.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

impl AttacksFile {
    /// A report that nobody has signed.
    #[must_use]
    pub fn new(findings: Attacks) -> Self {
        let digest = findings.digest().to_string();
        Self { findings, digest, signed: None }
    }

    /// Reads a file. Whether its signature counts, the roster says.
    ///
    /// # Errors
    /// [`AttacksFault`].
    pub fn read(bytes: &[u8]) -> Result<Self, AttacksFault> {
        let file: Self = parsed(bytes, BYTES_MAX).map_err(AttacksFault::Unreadable)?;
        if file.findings.format != ATTACKS_FORMAT {
            return Err(AttacksFault::Unreadable(format!("its format is {}", file.findings.format)));
        }
        if file.digest != file.findings.digest().to_string() || file.to_json().as_bytes() != bytes {
            return Err(AttacksFault::Changed);
        }
        if [&file.findings.model, &file.findings.plan].into_iter().any(|text| Digest::from_hex(text).is_none()) {
            return Err(AttacksFault::Unreadable("its model or its plan is no digest".into()));
        }
        if file.findings.alarm != file.findings.is_alarming() {
            return Err(AttacksFault::Alarm);
        }
        Ok(file)
    }

    /// The same with a signature.
    #[must_use]
    pub fn with(self, signed: &Attestation) -> Self {
        let signed = Signed {
            federation: signed.federation.to_string(),
            staff: signed.staff.to_string(),
            role: signed.role.name().into(),
            at: signed.at,
            signature: signed.signature.to_string(),
        };
        Self { signed: Some(signed), ..self }
    }

    /// What the registry takes.
    ///
    /// # Errors
    /// [`AttacksFault::Unsigned`], or if the signature cannot be read.
    pub fn signed(&self) -> Result<SignedAttackReport, AttacksFault> {
        let Signed { federation, staff, role, at, signature } = self.signed.as_ref().ok_or(AttacksFault::Unsigned)?;
        let changed = || AttacksFault::Changed;
        let federation = Digest::from_hex(federation).ok_or_else(changed)?;
        let report = self.findings.report(federation)?;
        let signed = Attestation {
            action: Action::ReportAttacks,
            subject: report.digest(),
            federation,
            staff: StaffNumber::parse(staff).map_err(|_| changed())?,
            role: Role::of_name(role).ok_or_else(changed)?,
            at: *at,
            signature: Signature::of_text(signature).ok_or_else(changed)?,
        };
        Ok(SignedAttackReport { report, signed })
    }

    /// Who has signed it, once somebody did.
    #[must_use]
    pub fn staff(&self) -> Option<&str> {
        self.signed.as_ref().map(|signed| signed.staff.as_str())
    }

    /// The digest of what was found.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The JSON text, as the file holds it.
    #[must_use]
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}
