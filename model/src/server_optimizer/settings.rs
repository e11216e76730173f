//! Typed settings of the server optimizer.

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::{Canonical, Digest};

use crate::canonical::{DecodeError, Reader};

const LABEL: &str = "tributary/server-optimizer/1";

/// How a mean gradient moves the model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum UpdateRule {
    /// Gradient descent with heavy-ball momentum (Polyak 1964): v <- momentum v + g; w <- w - learning_rate v.
    Sgd {
        /// Above 0, at most 1000.
        learning_rate: f64,
        /// At least 0, below 1; 0 for none.
        momentum: f64,
    },
    /// Adam with bias correction (Kingma and Ba 2015, algorithm 1).
    Adam {
        /// Above 0, at most 1000.
        learning_rate: f64,
        /// Decay of the first moment: at least 0, below 1.
        beta1: f64,
        /// Decay of the second moment: at least 0, below 1.
        beta2: f64,
        /// Added to the root of the second moment: above 0, at most 1.
        epsilon: f64,
    },
}

/// [`OptimizerSettings`] before their limits were checked, as a plan spells them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimizerFields {
    /// How a mean gradient moves the model.
    #[serde(flatten)]
    pub update_rule: UpdateRule,
    /// Steps before tail averaging: the released model is the mean of the models after step `tail_start + 1`, `tail_start + 2`, and so on
    /// (Polyak and Juditsky 1992). None releases the last model.
    #[serde(default)]
    pub tail_start: Option<u32>,
}

/// Settings of a server optimizer, within their limits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "OptimizerFields", into = "OptimizerFields")]
pub struct OptimizerSettings(OptimizerFields);

/// A setting outside its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptimizerSettingsError {
    /// The learning rate.
    #[error("learning_rate must be above 0 and at most 1000; correct the plan")]
    LearningRate,
    /// A decay.
    #[error("{0} must be at least 0 and below 1; correct the plan")]
    Decay(&'static str),
    /// Adam's epsilon.
    #[error("epsilon must be above 0 and at most 1; correct the plan")]
    Epsilon,
}

impl OptimizerSettings {
    /// Parses settings.
    ///
    /// # Errors
    /// If a value is outside its limits.
    pub fn new(fields: OptimizerFields) -> Result<Self, OptimizerSettingsError> {
        let (learning_rate, decays) = match fields.update_rule {
            UpdateRule::Sgd { learning_rate, momentum } => {
                (learning_rate, [("momentum", momentum), ("momentum", momentum)])
            }
            UpdateRule::Adam { learning_rate, beta1, beta2, epsilon } => {
                if !(epsilon > 0.0 && epsilon <= 1.0) {
                    return Err(OptimizerSettingsError::Epsilon);
                }
                (learning_rate, [("beta1", beta1), ("beta2", beta2)])
            }
        };
        if !(learning_rate > 0.0 && learning_rate <= 1000.0) {
            return Err(OptimizerSettingsError::LearningRate);
        }
        match decays.iter().find(|(_, decay)| !(0.0..1.0).contains(decay)) {
            Some((name, _)) => Err(OptimizerSettingsError::Decay(name)),
            None => Ok(Self(fields)),
        }
    }

    /// How a mean gradient moves the model.
    #[must_use]
    pub fn update_rule(&self) -> UpdateRule {
        self.0.update_rule
    }

    /// Steps before tail averaging, where there is any.
    #[must_use]
    pub fn tail_start(&self) -> Option<u32> {
        self.0.tail_start
    }

    /// The canonical encoding, for a plan's digest. Floats enter as their bits.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.canonical().into_bytes()
    }

    /// Reads what [`OptimizerSettings::encode`] wrote; total, whatever the bytes are.
    ///
    /// # Errors
    /// If the bytes are another encoding, or a value is outside its limits.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(LABEL, bytes)?;
        let update_rule = match reader.u8()? {
            0 => UpdateRule::Sgd { learning_rate: reader.f64()?, momentum: reader.f64()? },
            1 => UpdateRule::Adam {
                learning_rate: reader.f64()?,
                beta1: reader.f64()?,
                beta2: reader.f64()?,
                epsilon: reader.f64()?,
            },
            _ => return Err(DecodeError::Range),
        };
        let tail_start = match reader.u8()? {
            0 => None,
            1 => Some(reader.u32()?),
            _ => return Err(DecodeError::Range),
        };
        reader.finish()?;
        Self::new(OptimizerFields { update_rule, tail_start }).map_err(|_| DecodeError::Range)
    }

    /// Digest of the canonical encoding.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.canonical().finish()
    }

    fn canonical(&self) -> Canonical {
        let canonical = Canonical::new(LABEL);
        let canonical = match self.0.update_rule {
            UpdateRule::Sgd { learning_rate, momentum } => {
                canonical.u8(0).u64(learning_rate.to_bits()).u64(momentum.to_bits())
            }
            UpdateRule::Adam { learning_rate, beta1, beta2, epsilon } => canonical
                .u8(1)
                .u64(learning_rate.to_bits())
                .u64(beta1.to_bits())
                .u64(beta2.to_bits())
                .u64(epsilon.to_bits()),
        };
        match self.0.tail_start {
            None => canonical.u8(0),
            Some(start) => canonical.u8(1).u32(start),
        }
    }
}

impl TryFrom<OptimizerFields> for OptimizerSettings {
    type Error = OptimizerSettingsError;

    fn try_from(fields: OptimizerFields) -> Result<Self, Self::Error> {
        Self::new(fields)
    }
}

impl From<OptimizerSettings> for OptimizerFields {
    fn from(settings: OptimizerSettings) -> Self {
        settings.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sgd(learning_rate: f64, momentum: f64) -> Result<OptimizerSettings, OptimizerSettingsError> {
        let update_rule = UpdateRule::Sgd { learning_rate, momentum };
        OptimizerSettings::new(OptimizerFields { update_rule, tail_start: None })
    }

    #[test]
    fn limits_are_enforced() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1001.0] {
            assert_eq!(sgd(rate, 0.0), Err(OptimizerSettingsError::LearningRate));
        }
        for momentum in [-0.1, 1.0, f64::NAN] {
            assert_eq!(sgd(1.0, momentum), Err(OptimizerSettingsError::Decay("momentum")));
        }
        let adam = |beta2, epsilon| {
            let update_rule = UpdateRule::Adam { learning_rate: 0.1, beta1: 0.9, beta2, epsilon };
            OptimizerSettings::new(OptimizerFields { update_rule, tail_start: Some(3) })
        };
        assert_eq!(adam(1.0, 1e-8), Err(OptimizerSettingsError::Decay("beta2")));
        assert_eq!(adam(0.999, 0.0), Err(OptimizerSettingsError::Epsilon));
        assert!(adam(0.999, 1e-8).is_ok());
    }

    #[test]
    fn a_plan_file_spells_them() {
        let text =
            "rule = \"adam\"\nlearning_rate = 0.1\nbeta1 = 0.9\nbeta2 = 0.999\nepsilon = 1e-8\ntail_start = 50\n";
        let settings: OptimizerSettings = toml::from_str(text).unwrap();
        assert_eq!(settings.tail_start(), Some(50));
        assert!(toml::from_str::<OptimizerSettings>("rule = \"sgd\"\nlearning_rate = 0.0\nmomentum = 0.0\n").is_err());
    }

    /// Each field by itself, of both rules, and the rule.
    #[test]
    fn every_field_enters_the_digest() {
        let of = |update_rule, tail_start| OptimizerSettings::new(OptimizerFields { update_rule, tail_start }).unwrap();
        let sgd = UpdateRule::Sgd { learning_rate: 0.5, momentum: 0.25 };
        let adam = |learning_rate, beta1, beta2, epsilon| UpdateRule::Adam { learning_rate, beta1, beta2, epsilon };
        let settings = [
            of(sgd, None),
            of(sgd, Some(0)),
            of(sgd, Some(1)),
            of(UpdateRule::Sgd { learning_rate: 0.25, momentum: 0.25 }, None),
            of(UpdateRule::Sgd { learning_rate: 0.5, momentum: 0.5 }, None),
            of(UpdateRule::Sgd { learning_rate: 0.25, momentum: 0.5 }, None),
            of(adam(0.5, 0.25, 0.125, 1.0), None),
            of(adam(0.25, 0.25, 0.125, 1.0), None),
            of(adam(0.5, 0.125, 0.125, 1.0), None),
            of(adam(0.5, 0.25, 0.25, 1.0), None),
            of(adam(0.5, 0.125, 0.25, 1.0), None),
            of(adam(0.5, 0.25, 0.125, 0.5), None),
            of(adam(0.5, 0.25, 0.125, 1.0), Some(0)),
        ];
        for (index, one) in settings.iter().enumerate() {
            assert_eq!(one.digest(), settings[index].digest());
            for other in &settings[..index] {
                assert_ne!(one.digest(), other.digest(), "{one:?} {other:?}");
                assert_ne!(one.encode(), other.encode(), "{one:?} {other:?}");
            }
        }
    }

    /// Every limit of every field, on both sides.
    #[test]
    fn every_limit_is_its_own() {
        use OptimizerSettingsError::{Decay, Epsilon, LearningRate};
        let adam = |learning_rate, beta1, beta2, epsilon| {
            let update_rule = UpdateRule::Adam { learning_rate, beta1, beta2, epsilon };
            OptimizerSettings::new(OptimizerFields { update_rule, tail_start: None }).map(|_| ())
        };
        let rows = [
            (adam(0.1, 0.9, 0.999, 1e-8), Ok(())),
            (adam(1000.0, 0.0, 0.0, 1.0), Ok(())),
            (adam(0.0, 0.9, 0.999, 1e-8), Err(LearningRate)),
            (adam(1000.1, 0.9, 0.999, 1e-8), Err(LearningRate)),
            (adam(f64::NAN, 0.9, 0.999, 1e-8), Err(LearningRate)),
            (adam(0.1, 1.0, 0.999, 1e-8), Err(Decay("beta1"))),
            (adam(0.1, -0.1, 0.999, 1e-8), Err(Decay("beta1"))),
            (adam(0.1, f64::NAN, 0.999, 1e-8), Err(Decay("beta1"))),
            (adam(0.1, 0.9, -0.1, 1e-8), Err(Decay("beta2"))),
            (adam(0.1, 0.9, f64::NAN, 1e-8), Err(Decay("beta2"))),
            (adam(0.1, 0.9, 0.999, -1e-8), Err(Epsilon)),
            (adam(0.1, 0.9, 0.999, 1.1), Err(Epsilon)),
            (adam(0.1, 0.9, 0.999, f64::NAN), Err(Epsilon)),
        ];
        for (number, (found, expected)) in rows.into_iter().enumerate() {
            assert_eq!(found, expected, "row {number}");
        }
    }
}
