//! Figures of a model, read from noised counts by label and score: what a federation can say of it without anybody's rows.
//!
//! Each figure has the 95 % interval that the known noise gives it. All of it is post-processing of one release: the privacy cost is that of the counts.
//! The area within a bin follows Hanley and McNeil 1982 (ties count half), average precision is the mean precision at each positive, and the expected
//! calibration error is that of Naeini et al. 2015 over groups of equal size.

mod bins;
mod divergence;
mod estimate;
mod groups;
mod importance;
mod scores;
#[cfg(test)]
mod tests;
mod weights;

use serde::{Deserialize, Serialize};

pub use bins::ScoreBins;
pub use divergence::{NoisedCounts, stability};
pub use estimate::Estimate;
pub use groups::{Compared, GROUP_LIST_SHARE, GroupFigures};
pub use importance::{Contribution, FieldImportance, Importance};
pub use scores::ScoreCounts;
pub use weights::{BinWeight, FieldWeights};

use self::scores::ScoreFigures;

/// Shares of customers for whose lists the lift is given.
pub const LIST_SHARES: [f64; 4] = [0.01, 0.05, 0.1, 0.2];

/// What counts say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Of each label, by score.
    pub heads: Vec<HeadFigures>,
    /// Of each label and field, by the field's values.
    pub weights: Vec<FieldWeights>,
}

/// What counts say of one head. A figure that the counts cannot give, because there is less than one of a class, is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadFigures {
    /// The head's name.
    pub head: String,
    /// Customers with a label.
    pub customers: Estimate,
    /// Share of positives.
    pub positives: Option<Estimate>,
    /// Area under the receiver operating characteristic.
    pub auc: Option<Estimate>,
    /// Area under precision and recall.
    pub pr_auc: Option<Estimate>,
    /// Largest distance between the classes' distributions of scores.
    pub ks: Option<Estimate>,
    /// For each of [`LIST_SHARES`].
    pub lift: Vec<Lift>,
    /// Mean logarithmic loss, in nats.
    pub log_loss: Option<Estimate>,
    /// Mean squared distance between score and label.
    pub brier: Option<Estimate>,
    /// Expected calibration error.
    pub ece: Option<Estimate>,
    /// Groups of scores, ascending.
    pub calibration: Vec<CalibrationGroup>,
    /// Shares of negatives and of positives above each edge of scores, from (0, 0) to (1, 1).
    pub roc: Vec<(f64, f64)>,
    /// Groups that are compared.
    pub groups: Vec<GroupFigures>,
}

/// The lift of a list.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lift {
    /// Share of all customers that are in the list.
    pub share: f64,
    /// How many times more positives than in a list drawn at random.
    pub lift: Option<Estimate>,
}

/// Customers of similar scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationGroup {
    /// Their mean score.
    pub score: f64,
    /// Share of positives among them.
    pub positives: Option<Estimate>,
    /// How many there are.
    pub customers: f64,
}

impl HeadFigures {
    /// Everything that the counts say.
    #[must_use]
    pub fn of(head: &str, counts: ScoreCounts<'_>) -> Self {
        let figures = ScoreFigures::new(counts);
        let group = |(score, positives, customers)| CalibrationGroup { score, positives, customers };
        Self {
            head: head.to_owned(),
            customers: figures.customers(),
            positives: figures.positives(),
            auc: figures.auc(),
            pr_auc: figures.pr_auc(),
            ks: figures.ks(),
            lift: LIST_SHARES.iter().map(|share| Lift { share: *share, lift: figures.lift(*share) }).collect(),
            log_loss: figures.log_loss(),
            brier: figures.brier(),
            ece: figures.ece(),
            calibration: figures.calibration().into_iter().map(group).collect(),
            roc: figures.roc(),
            groups: Vec::new(),
        }
    }
}
