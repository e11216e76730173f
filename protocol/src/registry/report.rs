//! The report on a model's gates: what each figure came to, and the validator who answers for it.
//!
//! A figure counts by the end of its 95 % interval that is worse for the model. So a model passes a gate where the noise cannot have lifted it over the
//! limit, and more noise never helps. A figure that is not there fails its gate.
//!
//! The report names the plan by two digests, and holds the gates themselves: whoever knows the plan's digest alone can see that no gate was left out.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::manifest::ModelManifest;
use crate::digest::{Canonical, Digest};
use crate::limits::{CONDITIONS_MAX, MODEL_REASON_BYTES_MAX, REPORT_SECONDS_MAX};
use crate::plan::{Attestation, AttestationFault, Gate, Gates, Measure};
use crate::printable::{Untrusted, is_one_line};

/// What a gate's figure came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Figure {
    /// A figure with the ends of its 95 % interval, in parts in 10,000. The lower end is rounded down and the upper end up.
    Measured {
        /// The figure.
        value: u32,
        /// Lower end.
        low: u32,
        /// Upper end.
        high: u32,
    },
    /// Nothing gives it: the counts do not, or are not there.
    Absent,
    /// There is no champion with which the model could be compared.
    NoChampion,
}

impl Figure {
    /// Whether a gate holds with it, where the report compares with a champion or with none.
    #[must_use]
    pub fn holds(self, gate: &Gate, champion: Option<&Digest>) -> bool {
        match self {
            Self::Measured { value, low, high } => {
                let ordered = low <= value && value <= high;
                ordered && if gate.measure.is_at_least() { low >= gate.limit } else { high <= gate.limit }
            }
            Self::Absent => false,
            Self::NoChampion => gate.measure == Measure::Stability && champion.is_none(),
        }
    }
}

/// What is reported of a model's gates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatesReport {
    /// In which federation: [`crate::roster::federation_digest`].
    pub federation: Digest,
    /// The model: [`ModelManifest::digest`].
    pub model: Digest,
    /// Digest of the plan's terms without its gates: [`crate::plan::Plan::terms_digest`].
    pub terms: Digest,
    /// The plan's gates.
    pub gates: Gates,
    /// Digest of the privacy statement of the model's run.
    pub statement: Digest,
    /// Digest of the model card; [`Digest::ZERO`] where there is none.
    pub card: Digest,
    /// The champion with which the model was compared.
    pub champion: Option<Digest>,
    /// What each limit's figure came to, in the order of the gates.
    pub figures: Vec<Figure>,
    /// When it was made, in seconds of the Unix clock.
    pub made: u64,
    /// What the validator found, in a line.
    pub findings: Untrusted,
    /// Under which conditions the model is used, a line each.
    pub conditions: Vec<Untrusted>,
    /// Last second of the Unix clock at which the report lets a model become champion.
    pub valid_until: u64,
}

/// A report with the validator's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedReport {
    /// What is reported.
    pub report: GatesReport,
    /// By a model validator.
    pub signed: Attestation,
}

/// Why a report does not let a model be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportFault {
    /// It is about another model, or of another federation.
    #[error("it is about another model, another federation, or another privacy statement than the model's run has")]
    Other,
    /// Its gates are not the plan's.
    #[error("its gates are not those that the plan's owner and the privacy officer signed")]
    Gates,
    /// There is not one figure for each limit.
    #[error("it does not have one figure for each limit of the plan's gates")]
    Figures,
    /// A gate does not hold.
    #[error("gate {0} of the plan does not hold; `tributary model gates` shows each with its figure")]
    Fails(usize),
    /// The plan wants a card.
    #[error(
        "the plan wants a model card, and the report names none; make the card (`tributary model card`), and the report again with it (`--card`)"
    )]
    NoCard,
    /// Its readers would not see it whole.
    #[error("its findings or conditions are empty, too long, or have characters that do not show")]
    Words,
    /// No end, or one that is too far away.
    #[error("it has no end within two years of the validator's signature")]
    Validity,
    /// It is over.
    #[error("its end has passed; have a validator sign a new one")]
    Ended,
    /// Its signature does not count.
    #[error("the validator's signature does not count: {0}")]
    Signature(AttestationFault),
    /// The validator signed as an owner too.
    #[error("its validator signed the statement as the plan's owner; the two are different people")]
    Owner,
}

impl GatesReport {
    /// What is signed: the digest of the canonical encoding.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let body = Canonical::new("tributary/gates report/1").digest(&self.federation).digest(&self.model);
        let body = body.digest(&self.terms).digest(&self.gates.digest()).digest(&self.statement).digest(&self.card);
        let body = match &self.champion {
            None => body.u8(0),
            Some(champion) => body.u8(1).digest(champion),
        };
        let body = self.figures.iter().fold(body.u32(count(self.figures.len())), |body, figure| match figure {
            Figure::Measured { value, low, high } => body.u8(1).u32(*value).u32(*low).u32(*high),
            Figure::Absent => body.u8(2),
            Figure::NoChampion => body.u8(3),
        });
        let body = body.u64(self.made).bytes(self.findings.raw().as_bytes()).u32(count(self.conditions.len()));
        let body = self.conditions.iter().fold(body, |body, condition| body.bytes(condition.raw().as_bytes()));
        body.u64(self.valid_until).finish()
    }

    /// Whether it is about this model, with the gates of its plan and one figure for each limit.
    ///
    /// # Errors
    /// [`ReportFault`].
    pub fn check_model(&self, manifest: &ModelManifest, federation: &Digest) -> Result<(), ReportFault> {
        let lineage = &manifest.lineage;
        let own = self.model == manifest.digest() && self.federation == *federation;
        holds(own && self.statement == lineage.statement, ReportFault::Other)?;
        holds(self.gates.of_plan(&self.terms) == lineage.run.plan, ReportFault::Gates)?;
        holds(self.figures.len() == self.gates.limits.len(), ReportFault::Figures)
    }

    /// Each gate, its figure, and whether it holds.
    pub fn verdicts(&self) -> impl Iterator<Item = (&Gate, Figure, bool)> {
        let champion = self.champion.as_ref();
        let each = self.gates.limits.iter().zip(&self.figures);
        each.map(move |(gate, figure)| (gate, *figure, figure.holds(gate, champion)))
    }

    /// Whether every gate holds, and the card is there where the plan wants it.
    ///
    /// # Errors
    /// [`ReportFault::NoCard`], [`ReportFault::Fails`] with the first gate that does not, counted from 1.
    pub fn check_gates(&self) -> Result<(), ReportFault> {
        holds(!self.gates.card || self.card != Digest::ZERO, ReportFault::NoCard)?;
        let failed = self.verdicts().position(|(.., stands)| !stands);
        failed.map_or(Ok(()), |place| Err(ReportFault::Fails(place + 1)))
    }

    /// Whether its readers see all of what the validator wrote.
    ///
    /// # Errors
    /// [`ReportFault::Words`].
    pub fn check_words(&self) -> Result<(), ReportFault> {
        let shown = |text: &Untrusted| text.raw().len() <= MODEL_REASON_BYTES_MAX && is_one_line(text.raw());
        let whole = shown(&self.findings) && self.conditions.iter().all(shown);
        holds(whole && self.conditions.len() <= CONDITIONS_MAX, ReportFault::Words)
    }

    /// Whether it ends within two years of a signature.
    ///
    /// # Errors
    /// [`ReportFault::Validity`].
    pub fn check_end(&self, signed_at: u64) -> Result<(), ReportFault> {
        let ends = (signed_at..=signed_at.saturating_add(REPORT_SECONDS_MAX)).contains(&self.valid_until);
        holds(ends, ReportFault::Validity)
    }
}

fn holds(holds: bool, fault: ReportFault) -> Result<(), ReportFault> {
    if holds { Ok(()) } else { Err(fault) }
}
