//! Several runs: the mean of each figure, and how far runs lie apart.

use serde::Serialize;

use crate::judged::Judged;

/// A figure of several runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation of one run; absent where there is one run alone.
    pub stddev: Option<f64>,
}

impl Spread {
    /// Of the figures that are there; nothing without any.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = Option<f64>>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().flatten().collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let stddev = (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
        (!values.is_empty()).then_some(Self { mean, stddev })
    }
}

/// One head's figures in several runs, or of several branches.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The head's name.
    pub head: String,
    /// Area under the receiver operating characteristic.
    pub auc: Option<Spread>,
    /// Kolmogorov and Smirnov.
    pub ks: Option<Spread>,
    /// Lift of the best tenth.
    pub lift_10: Option<Spread>,
    /// Mean cross-entropy, in nats.
    pub log_loss: Option<Spread>,
    /// Mean squared distance between score and label.
    pub brier: Option<Spread>,
    /// Expected calibration error.
    pub ece: Option<Spread>,
}

impl Summary {
    /// Of runs, each with its heads in the same order.
    #[must_use]
    pub fn of(heads: &[String], runs: &[Vec<Judged>]) -> Vec<Self> {
        let head = |(number, name): (usize, &String)| {
            let of = |figure: fn(&Judged) -> Option<f64>| {
                Spread::of(runs.iter().map(|run| run.get(number).and_then(figure)))
            };
            Self {
                head: name.clone(),
                auc: of(|judged| judged.auc),
                ks: of(|judged| judged.ks),
                lift_10: of(|judged| judged.lift_10),
                log_loss: of(|judged| judged.log_loss),
                brier: of(|judged| judged.brier),
                ece: of(|judged| judged.ece),
            }
        };
        heads.iter().enumerate().map(head).collect()
    }
}
