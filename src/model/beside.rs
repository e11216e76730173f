//! Figures of other models beside an evaluation, from a file that an analyst has written on public data.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tributary_protocol::printable::Printable;
use tributary_storage::files::read_public;
use tributary_texts::{Said, evaluation as words};

use crate::exit::Failure;

/// Longest file, and most models or points in it.
const BYTES_MAX: usize = 1 << 20;
const ENTRIES_MAX: usize = 64;
/// Longest name, in characters.
const NAME_MAX: usize = 80;

/// What stands beside an evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Beside {
    /// Other models: of branches alone, or learnt from pooled rows without noise.
    #[serde(default)]
    pub(super) models: Vec<OtherModel>,
    /// What the same plan reaches at other epsilons, measured or predicted.
    #[serde(default)]
    pub(super) price: Vec<Price>,
}

/// One other model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OtherModel {
    /// What it is.
    pub(super) name: String,
    /// The label; absent: every label.
    pub(super) label: Option<String>,
    pub(super) auc: Option<f64>,
    pub(super) pr_auc: Option<f64>,
    pub(super) ks: Option<f64>,
    pub(super) log_loss: Option<f64>,
    pub(super) brier: Option<f64>,
    pub(super) ece: Option<f64>,
}

/// What a plan reaches at one epsilon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Price {
    /// The label; absent: every label.
    pub(super) label: Option<String>,
    pub(super) epsilon: f64,
    pub(super) auc: f64,
    /// Standard deviation over runs, where there were several.
    pub(super) stddev: Option<f64>,
}

impl OtherModel {
    /// Its figures by name, in the order in which an evaluation shows them.
    pub(super) fn figures(&self) -> [(Said, Option<f64>); 6] {
        [
            (words::auc(), self.auc),
            (words::pr_auc(), self.pr_auc),
            (words::ks(), self.ks),
            (words::log_loss(), self.log_loss),
            (words::brier(), self.brier),
            (words::ece(), self.ece),
        ]
    }
}

impl Beside {
    /// Reads a file, and refuses one in which anything is not what it should be.
    ///
    /// # Errors
    /// With the file, what is wrong in it, and what it should say.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let fault = |found: &dyn std::fmt::Display| {
            let path = path.display();
            Failure::failed(format!(
                "{path} cannot stand beside the evaluation: {found}. It is one JSON object with the lists \"models\" and \"price\"; see \
                 docs/OPERATING.md"
            ))
        };
        let bytes = read_public(path).map_err(Failure::failed)?;
        if bytes.len() > BYTES_MAX {
            return Err(fault(&format!("it has {} bytes, and at most {BYTES_MAX} are read", bytes.len())));
        }
        let beside: Self =
            serde_json::from_slice(&bytes).map_err(|error| fault(&Printable::new(&error.to_string())))?;
        beside.checked().map_err(|found| fault(&found))
    }

    fn checked(self) -> Result<Self, String> {
        if self.models.is_empty() && self.price.is_empty() {
            return Err("it names no model and no price".into());
        }
        if self.models.len() > ENTRIES_MAX || self.price.len() > ENTRIES_MAX {
            return Err(format!("it has more than {ENTRIES_MAX} entries in a list"));
        }
        let named =
            |name: &str| !name.trim().is_empty() && name.chars().count() <= NAME_MAX && Printable::new(name) == *name;
        let names = self.models.iter().map(|model| Some(model.name.as_str()));
        let labels = self.models.iter().map(|model| model.label.as_deref());
        let labels = labels.chain(self.price.iter().map(|price| price.label.as_deref()));
        if !names.chain(labels).flatten().all(named) {
            return Err(format!(
                "a name or label is empty, has more than {NAME_MAX} characters, or has one that is not shown"
            ));
        }
        for model in &self.models {
            let [shares @ .., log_loss, brier, ece] = model.figures().map(|(_, value)| value);
            let shares = shares.into_iter().chain([brier, ece]).flatten().all(|share| (0.0..=1.0).contains(&share));
            let loss = log_loss.is_none_or(|loss| loss.is_finite() && loss >= 0.0);
            if !shares || !loss {
                return Err(format!("a figure of \"{}\" is outside of its range", model.name));
            }
        }
        for Price { epsilon, auc, stddev, .. } in &self.price {
            let positive = *epsilon > 0.0 && *epsilon <= 1000.0;
            if !positive || !(0.0..=1.0).contains(auc) || !stddev.is_none_or(|stddev| (0.0..=1.0).contains(&stddev)) {
                return Err(format!("the price at epsilon {epsilon} is outside of its range"));
            }
        }
        Ok(self)
    }

    /// Those of one label.
    pub(super) fn models_of(&self, head: &str) -> impl Iterator<Item = &OtherModel> {
        self.models.iter().filter(move |model| model.label.as_deref().is_none_or(|label| label == head))
    }

    /// Those of one label, by ascending epsilon.
    pub(super) fn price_of(&self, head: &str) -> Vec<&Price> {
        let own = self.price.iter().filter(|price| price.label.as_deref().is_none_or(|label| label == head));
        let mut own: Vec<&Price> = own.collect();
        own.sort_by(|one, other| one.epsilon.total_cmp(&other.epsilon));
        own
    }
}

/// Figures of other models, and where they came from.
#[derive(Clone, Debug)]
pub(super) struct BesideFile {
    pub(super) path: PathBuf,
    pub(super) beside: Beside,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_figure_is_refused_and_the_rest_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("beside.json");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Beside::read(&path).map_err(|failure| failure.message)
        };
        let good = r#"{"models": [{"name": "pooled rows, no noise", "auc": 0.8, "ece": 0.01},
            {"name": "branches alone", "label": "churn", "auc": 0.7, "log_loss": 1.5}],
            "price": [{"epsilon": 2, "auc": 0.79}, {"epsilon": 1, "auc": 0.78, "stddev": 0.002, "label": "churn"}]}"#;
        let beside = read(good).unwrap();
        let count = |head| (beside.models_of(head).count(), beside.price_of(head).len());
        assert_eq!((count("churn"), count("deposit")), ((2, 2), (1, 1)));
        assert_eq!(beside.price_of("churn")[0].epsilon, 1.0);
        for (bad, words) in [
            ("", "EOF"),
            ("[]", "beside.json"),
            ("{}", "no model and no price"),
            (r#"{"models": [{"name": "a", "auc": 1.5}]}"#, "outside of its range"),
            (r#"{"models": [{"name": "a", "auc": "high"}]}"#, "invalid type"),
            (r#"{"models": [{"name": "a", "accuracy": 0.5}]}"#, "accuracy"),
            (r#"{"models": [{"name": "", "auc": 0.5}]}"#, "a name or label"),
            ("{\"models\": [{\"name\": \"\\u001b[2J\", \"auc\": 0.5}]}", "a name or label"),
            (r#"{"models": [{"name": "a", "log_loss": -1}]}"#, "outside of its range"),
            (r#"{"price": [{"epsilon": 0, "auc": 0.5}]}"#, "epsilon 0"),
            (r#"{"price": [{"epsilon": 1, "auc": -0.5}]}"#, "epsilon 1"),
        ] {
            let told = read(bad).unwrap_err();
            assert!(told.contains(words), "{bad}: {told}");
        }
        let many = format!(r#"{{"price": [{}]}}"#, vec![r#"{"epsilon": 1, "auc": 0.5}"#; 65].join(","));
        assert!(read(&many).unwrap_err().contains("more than 64"));
    }
}
