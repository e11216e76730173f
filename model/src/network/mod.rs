//! An [`Architecture`] as a burn module. Logistic regression and multi-layer perceptron are the same list of linear layers.
//!
//! burn is named here and in [`crate::train`] alone.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData, activation};

use crate::architecture::{Activation, LayerShape};
use crate::parameters::Parameters;

/// A network with its parameters, on the CPU device.
#[derive(Module, Debug)]
pub(crate) struct Network {
    layers: Vec<Linear>,
    #[module(skip)]
    activation: Activation,
}

/// What a forward pass leaves behind for a backward pass that stops at the pre-activations.
pub(crate) struct Trace {
    /// Each layer's input activations, outside of automatic differentiation.
    pub(crate) inputs: Vec<Tensor<2>>,
    /// One leaf for each layer: its gradient is that of the layer's pre-activation.
    pub(crate) leaves: Vec<Tensor<2>>,
    /// Rows x heads, tracked.
    pub(crate) logits: Tensor<2>,
}

impl Network {
    /// Puts parameters into their layers.
    pub(crate) fn new(parameters: &Parameters, device: &Device) -> Self {
        let layers = parameters.architecture().layout();
        Self {
            layers: layers.iter().map(|layer| linear(layer, parameters.values(), device)).collect(),
            activation: parameters.architecture().activation(),
        }
    }

    /// Rows x inputs to rows x heads: logits.
    pub(crate) fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        let (head, hidden) = self.split();
        let trunk = hidden.iter().fold(features, |activations, layer| self.activate(layer.forward(activations)));
        head.forward(trunk)
    }

    /// A forward pass whose weights are constants: only pre-activations are tracked.
    ///
    /// The first pre-activation becomes a leaf itself. A later one depends on it and cannot, so a leaf of zeros is added to it; the sum's
    /// gradient is the leaf's.
    pub(crate) fn trace(&self, features: Tensor<2>) -> Trace {
        let mut inputs = Vec::with_capacity(self.layers.len());
        let mut leaves: Vec<Tensor<2>> = Vec::with_capacity(self.layers.len());
        let mut activations = features;
        let mut outputs = None;
        for layer in &self.layers {
            if let Some(before) = outputs.take() {
                activations = self.activate(before);
            }
            inputs.push(activations.clone().inner());
            let product = layer.forward(activations.clone());
            outputs = Some(if leaves.is_empty() {
                let leaf = product.autodiff().require_grad();
                leaves.push(leaf.clone());
                leaf
            } else {
                let leaf = product.clone().inner().zeros_like().autodiff().require_grad();
                leaves.push(leaf.clone());
                product + leaf
            });
        }
        Trace { inputs, leaves, logits: outputs.expect("a network has a head layer") }
    }

    fn activate(&self, outputs: Tensor<2>) -> Tensor<2> {
        match self.activation {
            Activation::Relu => activation::relu(outputs),
            Activation::Tanh => activation::tanh(outputs),
        }
    }

    fn split(&self) -> (&Linear, &[Linear]) {
        self.layers.split_last().expect("a network has a head layer")
    }
}

fn linear(layer: &LayerShape, values: &[f32], device: &Device) -> Linear {
    let weights = TensorData::new(values[layer.weights..layer.biases].to_vec(), [layer.inputs, layer.outputs]);
    let biases = TensorData::new(values[layer.biases..layer.end()].to_vec(), [layer.outputs]);
    Linear {
        weight: Param::from_tensor(Tensor::from_data(weights, device)),
        bias: Some(Param::from_tensor(Tensor::from_data(biases, device))),
    }
}
