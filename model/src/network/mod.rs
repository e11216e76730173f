//! An [`Architecture`](crate::architecture::Architecture) with its parameters, as matrices. Logistic regression and multi-layer perceptron are
//! the same list of linear layers.
//!
//! burn is named here and in [`crate::train`] alone: it multiplies matrices. What happens between two products is in [`crate::train`].

use burn_tensor::{Device, Tensor, TensorData};

use crate::architecture::{Activation, LayerShape};
use crate::pairs::PairTables;
use crate::parameters::{Parameters, settled};

/// A network on the CPU device.
pub(crate) struct Network {
    layers: Vec<Linear>,
    activation: Activation,
    pairs: Option<PairTables>,
}

/// One linear layer.
pub(crate) struct Linear {
    /// Inputs x outputs.
    pub(crate) weights: Tensor<2>,
    /// One for each output.
    pub(crate) biases: Vec<f32>,
}

impl Network {
    /// Puts parameters into their layers.
    pub(crate) fn new(parameters: &Parameters, device: &Device) -> Self {
        let layers = parameters.architecture().layout();
        Self {
            layers: layers.iter().map(|layer| Linear::new(layer, parameters.values(), device)).collect(),
            activation: parameters.architecture().activation(),
            pairs: PairTables::of(parameters),
        }
    }

    /// Tables of pairs, which add to the logits.
    pub(crate) fn pairs(&self) -> Option<&PairTables> {
        self.pairs.as_ref()
    }

    /// First to last; the last one's outputs are the logits.
    pub(crate) fn layers(&self) -> &[Linear] {
        &self.layers
    }

    /// Of every hidden layer.
    pub(crate) fn activation(&self) -> Activation {
        self.activation
    }
}

impl Linear {
    fn new(layer: &LayerShape, values: &[f32], device: &Device) -> Self {
        let weights: Vec<f32> = values[layer.weights..layer.biases].iter().map(|value| settled(*value)).collect();
        Self {
            weights: Tensor::from_data(TensorData::new(weights, [layer.inputs, layer.outputs]), device),
            biases: values[layer.biases..layer.end()].iter().map(|value| settled(*value)).collect(),
        }
    }
}
