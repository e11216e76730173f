//! One micro-batch forward and back: each row's loss, and each linear layer's input activations and pre-activation gradients.
//!
//! With activations a and gradients g of a row at a layer, the row's weight gradient is the outer product of a and g, and its bias gradient is
//! g. So its squared norm is |g|^2 (|a|^2 + 1), and a sum over rows with a coefficient each is one matrix product (Goodfellow 2015; "ghost
//! clipping", Li et al. 2022). No weight gradient of a single row is ever formed here.

use burn::tensor::{Tensor, TensorData, activation};
use zeroize::Zeroizing;

use super::SLOTS;
use crate::network::Network;

/// The backward pass of one micro-batch.
pub(crate) struct BatchGradients {
    layers: Vec<Layer>,
    losses: Zeroizing<Vec<f32>>,
}

struct Layer {
    /// Slots x layer inputs.
    activations: Tensor<2>,
    /// Slots x layer outputs, slot by slot, in plain memory.
    gradients: Zeroizing<Vec<f32>>,
}

/// One layer's activations and gradients in plain memory, slot by slot.
pub(crate) struct HostLayer {
    activations: Zeroizing<Vec<f32>>,
    gradients: Zeroizing<Vec<f32>>,
}

impl BatchGradients {
    /// Forward and backward. The loss of a row is the sum over its known labels of the binary cross-entropy, in nats, computed as
    /// (1 - y) z - ln sigmoid(z), which is stable for every logit z.
    pub(super) fn new(network: &Network, features: Tensor<2>, negatives: Tensor<2>, present: Tensor<2>) -> Self {
        let trace = network.trace(features);
        let entropy = negatives * trace.logits.clone() - activation::log_sigmoid(trace.logits);
        let losses = (entropy * present).sum_dim(1);
        let mut gradients = losses.clone().sum().backward();
        let layers = trace
            .inputs
            .into_iter()
            .zip(trace.leaves)
            .map(|(activations, leaf)| Layer {
                activations,
                gradients: host(leaf.grad_remove(&mut gradients).expect("every leaf has a part in the loss")),
            })
            .collect();
        Self { layers, losses: host(losses.inner()) }
    }

    /// Each slot's loss, in nats.
    pub(crate) fn losses(&self) -> &[f32] {
        &self.losses
    }

    /// Each slot's gradient norm, from 32-bit sums of squares: each slot by itself, in an order that nothing else decides.
    pub(crate) fn norms(&self) -> Vec<f64> {
        let mut squares = vec![0.0; SLOTS];
        for layer in &self.layers {
            let activations = host(layer.activations.clone());
            let gradients = layer.gradients.chunks_exact(layer.outputs());
            let activations = activations.chunks_exact(activations.len() / SLOTS);
            for ((square, gradient), activation) in squares.iter_mut().zip(gradients).zip(activations) {
                *square += f64::from(sum_of_squares(gradient)) * (f64::from(sum_of_squares(activation)) + 1.0);
            }
        }
        squares.into_iter().map(f64::sqrt).collect()
    }

    /// The sum of the slots' gradients, each times its coefficient, in the order of the flat parameter vector.
    pub(crate) fn weighted_sum(self, coefficients: [f32; SLOTS]) -> Zeroizing<Vec<f32>> {
        // At full size from the start: growing would leave copies behind that nobody erases.
        let sizes = self.layers.iter().map(|layer| (layer.activations.dims()[1] + 1) * layer.outputs());
        let mut flat = Zeroizing::new(Vec::with_capacity(sizes.sum()));
        for layer in self.layers {
            let outputs = layer.outputs();
            let Layer { activations, gradients: mut weighted } = layer;
            let mut biases = Zeroizing::new(vec![0.0_f32; outputs]);
            for (slot, coefficient) in weighted.chunks_exact_mut(outputs).zip(coefficients) {
                for (value, bias) in slot.iter_mut().zip(biases.iter_mut()) {
                    *value *= coefficient;
                    *bias += *value;
                }
            }
            let data = TensorData::new(std::mem::take(&mut *weighted), [SLOTS, outputs]);
            let weighted = Tensor::<2>::from_data(data, &activations.device());
            flat.extend_from_slice(&host(activations.transpose().matmul(weighted)));
            flat.extend_from_slice(&biases);
        }
        flat
    }

    /// The layers in plain memory, for arithmetic in wider types.
    pub(crate) fn into_host(self) -> Vec<HostLayer> {
        let layers = self.layers.into_iter();
        layers.map(|layer| HostLayer { activations: host(layer.activations), gradients: layer.gradients }).collect()
    }
}

impl HostLayer {
    /// A slot's input activations and pre-activation gradients.
    pub(crate) fn slot(&self, slot: usize) -> (&[f32], &[f32]) {
        let inputs = self.activations.len() / SLOTS;
        let outputs = self.gradients.len() / SLOTS;
        (&self.activations[slot * inputs..(slot + 1) * inputs], &self.gradients[slot * outputs..(slot + 1) * outputs])
    }
}

impl Layer {
    fn outputs(&self) -> usize {
        self.gradients.len() / SLOTS
    }
}

/// In eight lanes, which are then added: one order on every machine, and one that vector units have.
fn sum_of_squares(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut lanes = [0.0_f32; 8];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value * value;
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += value * value;
    }
    lanes.iter().sum()
}

fn host(tensor: Tensor<2>) -> Zeroizing<Vec<f32>> {
    Zeroizing::new(tensor.try_into_vec_as::<f32>().expect("the CPU device holds 32-bit floats in this process' memory"))
}
