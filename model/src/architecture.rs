//! The shape of a network: public, typed, bounded. Needs no training code, so that a coordinator can know it too.
//!
//! One trunk of fully connected layers, then one linear head layer with an output (a logit) for each label. Without hidden layers this is
//! logistic regression. That may have tables of pairs of fields beside it ([`PairShape`]): then it is an additive model with interactions.

use serde::{Deserialize, Serialize};
use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::limits::DIMENSION_MAX;
use tributary_protocol::printable::is_hidden;

use crate::canonical::{DecodeError, Reader};

/// Most inputs, and most units of one hidden layer.
pub const LAYER_WIDTH_MAX: u32 = 4096;
/// Most hidden layers.
pub const HIDDEN_LAYERS_MAX: usize = 4;
/// Most heads (labels).
pub const HEADS_MAX: usize = 16;
/// Longest name of a head, in bytes.
pub const HEAD_NAME_BYTES_MAX: usize = 64;
/// Most parameters: an update must also hold what rides after them and the round's check coordinates.
pub const PARAMETERS_MAX: usize = DIMENSION_MAX - 64;

/// Most tables of pairs.
pub const PAIR_TABLES_MAX: u32 = 120;
/// Most groups of a field's values in a table of a pair.
pub const PAIR_GROUPS_MAX: u32 = 16;

const LABEL: &str = "tributary/architecture/1";
/// Of a shape with tables of pairs.
const LABEL_WITH_PAIRS: &str = "tributary/architecture/2";

/// What a hidden unit does with its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// max(0, z).
    #[default]
    Relu,
    /// Hyperbolic tangent.
    Tanh,
}

/// A network's shape. Parsed: every value of this type is within the limits of this module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ArchitectureFields", into = "ArchitectureFields")]
pub struct Architecture {
    inputs: u32,
    hidden: Vec<u32>,
    activation: Activation,
    heads: Vec<String>,
    pairs: Option<PairShape>,
}

/// Tables of pairs of fields beside a logistic regression. Which pairs they are is part of the model's values ([`crate::pairs`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairShape {
    /// Tables, 1 to [`PAIR_TABLES_MAX`].
    pub tables: u32,
    /// Groups of each field's values, 2 to [`PAIR_GROUPS_MAX`]; one more is for those without a value.
    pub groups: u32,
}

/// An [`Architecture`] before its limits were checked, as a plan file spells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchitectureFields {
    /// Encoded width of a row, 1 to [`LAYER_WIDTH_MAX`].
    pub inputs: u32,
    /// Units of each hidden layer, first to last; none for logistic regression.
    #[serde(default)]
    pub hidden: Vec<u32>,
    /// Of every hidden layer.
    #[serde(default)]
    pub activation: Activation,
    /// The labels' names, in the order of the targets' columns.
    pub heads: Vec<String>,
    /// Tables of pairs, without hidden layers only.
    #[serde(default)]
    pub pairs: Option<PairShape>,
}

/// A shape outside the limits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchitectureError {
    /// The number of inputs.
    #[error("{0} inputs: a network has 1 to {LAYER_WIDTH_MAX}; check the schema's encoded width")]
    Inputs(u32),
    /// The hidden layers.
    #[error(
        "hidden layers {0:?}: at most {HIDDEN_LAYERS_MAX} layers of 1 to {LAYER_WIDTH_MAX} units; use fewer or smaller ones"
    )]
    Hidden(Vec<u32>),
    /// The number of heads.
    #[error("{0} heads: a network has 1 to {HEADS_MAX}; check the schema's labels")]
    HeadCount(usize),
    /// A head's name.
    #[error(
        "head {0}: a name has 1 to {HEAD_NAME_BYTES_MAX} bytes, no control character, and occurs once; check the schema's labels"
    )]
    HeadName(usize),
    /// Tables of pairs.
    #[error(
        "{} tables of pairs with {} groups a field: there are 1 to {PAIR_TABLES_MAX} with 2 to {PAIR_GROUPS_MAX} groups, and none beside hidden layers",
        .0.tables, .0.groups
    )]
    Pairs(PairShape),
    /// The parameters altogether.
    #[error("{0} parameters: one update holds at most {PARAMETERS_MAX}; use smaller hidden layers")]
    Parameters(usize),
}

/// One linear layer inside the flat parameter vector: `inputs` x `outputs` weights, row by row, then `outputs` biases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerShape {
    /// Width of what comes in.
    pub inputs: usize,
    /// Width of what goes out.
    pub outputs: usize,
    /// Index of the first weight; weight (i, o) stands at `weights + i * outputs + o`.
    pub weights: usize,
    /// Index of the first bias.
    pub biases: usize,
}

impl LayerShape {
    /// Weights and biases.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        (self.inputs + 1) * self.outputs
    }

    /// Index after the last bias.
    #[must_use]
    pub fn end(&self) -> usize {
        self.weights + self.parameter_count()
    }
}

impl PairShape {
    /// Rows and columns of a table: the groups, and one for those without a value.
    #[must_use]
    pub fn side(&self) -> usize {
        self.groups as usize + 1
    }

    /// Cells of a table.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.side() * self.side()
    }

    fn fits(&self) -> bool {
        (1..=PAIR_TABLES_MAX).contains(&self.tables) && (2..=PAIR_GROUPS_MAX).contains(&self.groups)
    }
}

impl Architecture {
    /// Parses a shape. Without hidden layers the activation has no meaning and becomes the default, so that equal networks are equal values.
    ///
    /// # Errors
    /// If a limit of this module is passed, or a head's name is empty, too long, unprintable or used twice.
    pub fn new(fields: ArchitectureFields) -> Result<Self, ArchitectureError> {
        let ArchitectureFields { inputs, hidden, activation, heads, pairs } = fields;
        let width = 1..=LAYER_WIDTH_MAX;
        if !width.contains(&inputs) {
            return Err(ArchitectureError::Inputs(inputs));
        }
        if hidden.len() > HIDDEN_LAYERS_MAX || hidden.iter().any(|units| !width.contains(units)) {
            return Err(ArchitectureError::Hidden(hidden));
        }
        if heads.is_empty() || heads.len() > HEADS_MAX {
            return Err(ArchitectureError::HeadCount(heads.len()));
        }
        for (index, name) in heads.iter().enumerate() {
            let shape = !name.is_empty() && name.len() <= HEAD_NAME_BYTES_MAX && !name.chars().any(is_hidden);
            if !shape || heads.iter().take(index).any(|earlier| earlier == name) {
                return Err(ArchitectureError::HeadName(index));
            }
        }
        if let Some(pairs) = pairs.filter(|pairs| !pairs.fits() || !hidden.is_empty()) {
            return Err(ArchitectureError::Pairs(pairs));
        }
        let activation = if hidden.is_empty() { Activation::default() } else { activation };
        let parsed = Self { inputs, hidden, activation, heads, pairs };
        match parsed.parameter_count() {
            0..=PARAMETERS_MAX => Ok(parsed),
            count => Err(ArchitectureError::Parameters(count)),
        }
    }

    /// Logistic regression: no hidden layer.
    ///
    /// # Errors
    /// As [`Architecture::new`].
    pub fn logistic(inputs: u32, heads: &[&str]) -> Result<Self, ArchitectureError> {
        Self::mlp(inputs, &[], heads)
    }

    /// A multi-layer perceptron of rectified linear units.
    ///
    /// # Errors
    /// As [`Architecture::new`].
    pub fn mlp(inputs: u32, hidden: &[u32], heads: &[&str]) -> Result<Self, ArchitectureError> {
        Self::new(ArchitectureFields {
            inputs,
            hidden: hidden.to_vec(),
            activation: Activation::default(),
            heads: heads.iter().map(ToString::to_string).collect(),
            pairs: None,
        })
    }

    /// The same logistic regression, perhaps with tables of pairs.
    ///
    /// # Errors
    /// As [`Architecture::new`].
    pub fn with_pairs(self, pairs: Option<PairShape>) -> Result<Self, ArchitectureError> {
        Self::new(ArchitectureFields { pairs, ..self.into() })
    }

    /// Encoded width of a row.
    #[must_use]
    pub fn inputs(&self) -> u32 {
        self.inputs
    }

    /// Units of each hidden layer.
    #[must_use]
    pub fn hidden(&self) -> &[u32] {
        &self.hidden
    }

    /// Of every hidden layer.
    #[must_use]
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// The labels' names.
    #[must_use]
    pub fn heads(&self) -> &[String] {
        &self.heads
    }

    /// Whether this is logistic regression, and nothing beside it.
    #[must_use]
    pub fn is_logistic(&self) -> bool {
        self.hidden.is_empty() && self.pairs.is_none()
    }

    /// Tables of pairs beside a logistic regression, where there are any.
    #[must_use]
    pub fn pairs(&self) -> Option<PairShape> {
        self.pairs
    }

    /// The linear layers, first to last, as they lie in the flat parameter vector. Tables of pairs follow them.
    #[must_use]
    pub fn layout(&self) -> Vec<LayerShape> {
        let heads = u32::try_from(self.heads.len()).expect("the heads were counted when parsed");
        let mut layers: Vec<LayerShape> = Vec::with_capacity(self.hidden.len() + 1);
        let mut inputs = self.inputs as usize;
        for outputs in self.hidden.iter().copied().chain([heads]) {
            let outputs = outputs as usize;
            let weights = layers.last().map_or(0, LayerShape::end);
            layers.push(LayerShape { inputs, outputs, weights, biases: weights + inputs * outputs });
            inputs = outputs;
        }
        layers
    }

    /// Length of the flat parameter vector.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        let beside = self.pairs.map_or(0, |pairs| {
            let table = 4 + pairs.cells() * self.heads.len();
            self.inputs as usize + pairs.tables as usize * table
        });
        self.layout().last().map_or(0, LayerShape::end) + beside
    }

    /// The canonical encoding: one byte string for each shape.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.canonical().into_bytes()
    }

    /// Digest of the canonical encoding.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.canonical().finish()
    }

    /// Decodes [`Architecture::encode`]; total, whatever the bytes are.
    ///
    /// # Errors
    /// If the bytes are not the canonical encoding of a shape within the limits.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let plain = Reader::new(LABEL, bytes);
        let paired = plain.is_err();
        let mut reader = plain.or_else(|_| Reader::new(LABEL_WITH_PAIRS, bytes))?;
        let inputs = reader.u32()?;
        let activation = match reader.u8()? {
            0 => Activation::Relu,
            1 => Activation::Tanh,
            _ => return Err(DecodeError::Range),
        };
        let hidden_count = usize::from(reader.u8()?);
        if hidden_count > HIDDEN_LAYERS_MAX {
            return Err(DecodeError::Range);
        }
        let hidden = (0..hidden_count).map(|_| reader.u32()).collect::<Result<Vec<_>, _>>()?;
        let head_count = usize::from(reader.u8()?);
        if head_count > HEADS_MAX {
            return Err(DecodeError::Range);
        }
        let heads = (0..head_count)
            .map(|_| {
                let name = core::str::from_utf8(reader.bytes(HEAD_NAME_BYTES_MAX)?).map_err(|_| DecodeError::Range)?;
                Ok(name.to_string())
            })
            .collect::<Result<Vec<_>, DecodeError>>()?;
        let pairs = if paired { Some(PairShape { tables: reader.u32()?, groups: reader.u32()? }) } else { None };
        reader.finish()?;
        let fields = ArchitectureFields { inputs, hidden, activation, heads, pairs };
        let parsed = Self::new(fields).map_err(|_| DecodeError::Range)?;
        if parsed.activation == activation { Ok(parsed) } else { Err(DecodeError::Range) }
    }

    fn canonical(&self) -> Canonical {
        let count = |length: usize| u8::try_from(length).expect("layers and heads were counted when parsed");
        let mut canonical = Canonical::new(self.pairs.map_or(LABEL, |_| LABEL_WITH_PAIRS))
            .u32(self.inputs)
            .u8(match self.activation {
                Activation::Relu => 0,
                Activation::Tanh => 1,
            })
            .u8(count(self.hidden.len()));
        for units in &self.hidden {
            canonical = canonical.u32(*units);
        }
        let canonical = self
            .heads
            .iter()
            .fold(canonical.u8(count(self.heads.len())), |canonical, name| canonical.bytes(name.as_bytes()));
        match self.pairs {
            None => canonical,
            Some(PairShape { tables, groups }) => canonical.u32(tables).u32(groups),
        }
    }
}

impl TryFrom<ArchitectureFields> for Architecture {
    type Error = ArchitectureError;

    fn try_from(fields: ArchitectureFields) -> Result<Self, Self::Error> {
        Self::new(fields)
    }
}

impl From<Architecture> for ArchitectureFields {
    fn from(parsed: Architecture) -> Self {
        let Architecture { inputs, hidden, activation, heads, pairs } = parsed;
        Self { inputs, hidden, activation, heads, pairs }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shapes() -> impl Strategy<Value = Architecture> {
        let hidden = proptest::collection::vec(1..64_u32, 0..=HIDDEN_LAYERS_MAX);
        let pairs = (any::<bool>(), 1..=PAIR_TABLES_MAX, 2..=PAIR_GROUPS_MAX);
        (1..=LAYER_WIDTH_MAX, hidden, any::<bool>(), 1..=HEADS_MAX, pairs).prop_map(
            |(inputs, hidden, tanh, heads, pairs)| {
                let activation = if tanh { Activation::Tanh } else { Activation::Relu };
                let heads = (0..heads).map(|index| format!("label {index}")).collect();
                let (has, tables, groups) = pairs;
                let pairs = (has && hidden.is_empty()).then_some(PairShape { tables, groups });
                Architecture::new(ArchitectureFields { inputs, hidden, activation, heads, pairs }).unwrap()
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn decoding_inverts_encoding(shape in shapes()) {
            prop_assert_eq!(Architecture::decode(&shape.encode()).unwrap(), shape);
        }

        #[test]
        fn what_decodes_is_canonical(shape in shapes(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
            let mut bytes = shape.encode();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if cut {
                bytes.truncate(at);
            }
            if let Ok(other) = Architecture::decode(&bytes) {
                prop_assert_eq!(other.encode(), bytes);
            }
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Architecture::decode(&bytes).is_err());
            let labelled = Canonical::new(LABEL).into_bytes().into_iter().chain(bytes).collect::<Vec<u8>>();
            if let Ok(shape) = Architecture::decode(&labelled) {
                prop_assert_eq!(shape.encode(), labelled);
            }
        }
    }

    #[test]
    fn layers_lie_one_behind_the_other() {
        let shape = Architecture::mlp(50, &[128, 64], &["churn", "deposit"]).unwrap();
        let layout = shape.layout();
        assert_eq!(layout[0], LayerShape { inputs: 50, outputs: 128, weights: 0, biases: 6400 });
        assert_eq!(layout[1], LayerShape { inputs: 128, outputs: 64, weights: 6528, biases: 14720 });
        assert_eq!(layout[2], LayerShape { inputs: 64, outputs: 2, weights: 14784, biases: 14912 });
        assert_eq!(shape.parameter_count(), 14914);
        let logistic = Architecture::logistic(50, &["churn"]).unwrap();
        assert_eq!(logistic.parameter_count(), 51);
        // Of each slot its group; of each table two spans and its cells.
        let paired = logistic.with_pairs(Some(PairShape { tables: 3, groups: 5 })).unwrap();
        assert_eq!(paired.parameter_count(), 51 + 50 + 3 * (4 + 36));
        assert!(!paired.is_logistic());
    }

    #[test]
    fn limits_are_enforced() {
        let wide = LAYER_WIDTH_MAX + 1;
        assert_eq!(Architecture::logistic(0, &["a"]), Err(ArchitectureError::Inputs(0)));
        assert_eq!(Architecture::logistic(wide, &["a"]), Err(ArchitectureError::Inputs(wide)));
        assert_eq!(Architecture::mlp(1, &[0], &["a"]), Err(ArchitectureError::Hidden(vec![0])));
        assert!(matches!(Architecture::mlp(1, &[1; 5], &["a"]), Err(ArchitectureError::Hidden(_))));
        assert_eq!(Architecture::logistic(1, &[]), Err(ArchitectureError::HeadCount(0)));
        assert_eq!(Architecture::logistic(1, &["a", "a"]), Err(ArchitectureError::HeadName(1)));
        assert_eq!(Architecture::logistic(1, &[""]), Err(ArchitectureError::HeadName(0)));
        assert_eq!(Architecture::logistic(1, &["a\n"]), Err(ArchitectureError::HeadName(0)));
        assert!(matches!(Architecture::mlp(4096, &[4096; 4], &["a"]), Err(ArchitectureError::Parameters(_))));
        let small = Architecture::logistic(3, &["a"]).unwrap();
        for (tables, groups) in [(0, 5), (PAIR_TABLES_MAX + 1, 5), (1, 1), (1, PAIR_GROUPS_MAX + 1)] {
            let pairs = PairShape { tables, groups };
            assert_eq!(small.clone().with_pairs(Some(pairs)), Err(ArchitectureError::Pairs(pairs)));
        }
        let pairs = PairShape { tables: 1, groups: 2 };
        let deep = Architecture::mlp(3, &[2], &["a"]).unwrap();
        assert_eq!(deep.with_pairs(Some(pairs)), Err(ArchitectureError::Pairs(pairs)));
    }

    #[test]
    fn equal_networks_are_equal_values() {
        let fields = |activation| ArchitectureFields {
            inputs: 3,
            hidden: vec![],
            activation,
            heads: vec!["a".into()],
            pairs: None,
        };
        let relu = Architecture::new(fields(Activation::Relu)).unwrap();
        let tanh = Architecture::new(fields(Activation::Tanh)).unwrap();
        assert_eq!(relu.digest(), tanh.digest());
        let mut bytes = relu.encode();
        let at = LABEL.len() + 8;
        bytes[at] = 1;
        assert_eq!(Architecture::decode(&bytes), Err(DecodeError::Range));
    }

    #[test]
    fn the_encoding_is_frozen() {
        let shape = Architecture::mlp(50, &[128, 64], &["churn"]).unwrap();
        let expected = [
            &24_u32.to_le_bytes()[..],
            LABEL.as_bytes(),
            &[50, 0, 0, 0, 0, 2, 128, 0, 0, 0, 64, 0, 0, 0, 1, 5, 0, 0, 0],
            b"churn",
        ];
        assert_eq!(shape.encode(), expected.concat());
        assert_eq!(Architecture::decode(&[&shape.encode()[..], &[0]].concat()), Err(DecodeError::Trailing));
        let logistic = Architecture::logistic(50, &["churn"]).unwrap();
        let paired = logistic.clone().with_pairs(Some(PairShape { tables: 21, groups: 5 })).unwrap();
        let body = 4 + LABEL.len();
        let label = [&24_u32.to_le_bytes()[..], LABEL_WITH_PAIRS.as_bytes()].concat();
        let expected = [&label[..], &logistic.encode()[body..], &[21, 0, 0, 0, 5, 0, 0, 0]].concat();
        assert_eq!(paired.encode(), expected);
    }
}
