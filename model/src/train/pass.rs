//! One micro-batch forward and back: each row's loss, and each linear layer's input activations and pre-activation gradients.
//!
//! With activations a and gradients g of a row at a layer, the row's weight gradient is the outer product of a and g, and its bias gradient is
//! g. So its squared norm is |g|^2 (|a|^2 + 1), and a sum over rows with a coefficient each is one matrix product (Goodfellow 2015; "ghost
//! clipping", Li et al. 2022). No weight gradient of a single row is ever formed here.
//!
//! **Every number stays finite and normal, whatever the model is.** After each layer, forward and back, a value above [`ROW_ABS_MAX`](super::slots::ROW_ABS_MAX) marks its
//! row as faulty and becomes 0, and one below [`ROW_ABS_MIN`] becomes 0. With weights within 2^20 and at most 4096 inputs the next product is
//! then below 2^73, far from what overflows, and a sum of products is 0 or above 2^-126, so no denormal number arises either. A faulty row
//! contributes nothing, and nobody else's numbers can tell: 0 times a finite number is 0.

use burn_tensor::Tensor;
use zeroize::Zeroizing;

use super::micro_batch::MicroBatch;
use super::slots::{ROW_ABS_MIN, SLOTS, SlotValues, tensor};
use crate::architecture::{Activation, LayerShape};
use crate::elementary::{bounded_exp, ln, sigmoid, sigmoid_of};
use crate::network::Network;
use crate::pairs::PairTables;

/// A gradient times its coefficient is 0 below this: products with activations of [`ROW_ABS_MIN`] and more then stay normal numbers.
const WEIGHTED_ABS_MIN: f32 = 1.0 / (1_u128 << 80) as f32;

/// The forward and the backward pass of one micro-batch.
pub(crate) struct Pass<'a> {
    batch: &'a MicroBatch,
    /// Input activations of every layer but the first, whose inputs are the rows' features.
    hidden: Vec<SlotValues>,
    /// Pre-activation gradients of every layer.
    gradients: Vec<SlotValues>,
    losses: Zeroizing<Vec<f64>>,
    faulty: [bool; SLOTS],
}

/// Input activations and pre-activation gradients of a layer, slot by slot.
type HostLayer = (Zeroizing<Vec<f32>>, Zeroizing<Vec<f32>>);

/// A pass in plain memory, for arithmetic in wider types.
pub(crate) struct HostPass {
    /// Input activations and pre-activation gradients of every layer.
    layers: Vec<HostLayer>,
    norms: Vec<f64>,
    losses: Zeroizing<Vec<f64>>,
    faulty: [bool; SLOTS],
}

/// The logits of one micro-batch, and what led to them.
struct Forward {
    hidden: Vec<SlotValues>,
    logits: Zeroizing<Vec<f32>>,
    faulty: [bool; SLOTS],
}

impl<'a> Pass<'a> {
    /// Forward and backward. The loss of a row is the sum over its known labels of the binary cross-entropy, in nats.
    pub(super) fn new(network: &Network, batch: &'a MicroBatch) -> Self {
        let Forward { hidden, mut logits, mut faulty } = forward(network, batch);
        let losses = losses_and_gradients(batch, &mut logits);
        let layers = network.layers();
        let mut back = SlotValues::settled(logits, &mut faulty);
        let mut gradients = Vec::with_capacity(layers.len());
        for (layer, activations) in layers.iter().skip(1).zip(&hidden).rev() {
            let outputs = tensor(back.values.to_vec(), &batch.features().device());
            let mut values = host(outputs.matmul(layer.weights.clone().transpose()));
            through(network.activation(), &mut values, &activations.values);
            let before = SlotValues::settled(values, &mut faulty);
            gradients.push(std::mem::replace(&mut back, before));
        }
        gradients.push(back);
        gradients.reverse();
        Self { batch, hidden, gradients, losses, faulty }
    }

    /// Each slot's loss, in nats.
    pub(crate) fn losses(&self) -> &[f64] {
        &self.losses
    }

    /// Whether each slot's row has left the range of this arithmetic: it contributes nothing.
    pub(crate) fn faulty(&self) -> &[bool; SLOTS] {
        &self.faulty
    }

    /// Each slot's gradient norm: each slot by itself, in an order that nothing else decides.
    pub(crate) fn norms(&self) -> Vec<f64> {
        let inputs = std::iter::once(self.batch.feature_squares())
            .chain(self.hidden.iter().map(|layer| layer.squares.as_slice()));
        let mut squares = vec![0.0; SLOTS];
        for (inputs, gradients) in inputs.zip(&self.gradients) {
            for ((square, input), gradient) in squares.iter_mut().zip(inputs.iter()).zip(gradients.squares.iter()) {
                *square += gradient * (input + 1.0);
            }
        }
        squares.into_iter().map(f64::sqrt).collect()
    }

    /// The sum of the slots' gradients, each times its coefficient, in the order of the flat parameter vector.
    pub(crate) fn weighted_sum(self, coefficients: &[f64; SLOTS]) -> Zeroizing<Vec<f32>> {
        let coefficients = coefficients.map(nearest);
        let device = self.batch.features().device();
        let widths: Vec<usize> = self.gradients.iter().map(|layer| layer.values.len() / SLOTS).collect();
        let hidden = self.hidden.into_iter().map(|mut layer| tensor(std::mem::take(&mut *layer.values), &device));
        let inputs = std::iter::once(self.batch.features().clone()).chain(hidden);
        // At full size from the start: growing would leave copies behind that nobody erases.
        let first = self.batch.features().dims()[1];
        let sizes = std::iter::once(first).chain(widths.iter().copied()).zip(&widths);
        let mut flat = Zeroizing::new(Vec::with_capacity(sizes.map(|(inputs, outputs)| (inputs + 1) * outputs).sum()));
        for ((activations, layer), outputs) in inputs.zip(self.gradients).zip(widths) {
            let mut weighted = layer.values;
            let mut biases = Zeroizing::new(vec![0.0_f32; outputs]);
            for (slot, coefficient) in weighted.chunks_exact_mut(outputs).zip(coefficients) {
                for (value, bias) in slot.iter_mut().zip(biases.iter_mut()) {
                    let product = *value * coefficient;
                    *value = if product.abs() < WEIGHTED_ABS_MIN { 0.0 } else { product };
                    *bias += *value;
                }
            }
            let weighted = tensor(std::mem::take(&mut *weighted), &device);
            flat.extend_from_slice(&host(activations.transpose().matmul(weighted)));
            flat.extend_from_slice(&biases);
        }
        flat
    }

    /// The pass in plain memory.
    pub(crate) fn into_host(self) -> HostPass {
        let norms = self.norms();
        let inputs = std::iter::once(host(self.batch.features().clone()))
            .chain(self.hidden.into_iter().map(|layer| layer.values));
        let layers = inputs.zip(self.gradients.into_iter().map(|layer| layer.values)).collect();
        HostPass { layers, norms, losses: self.losses, faulty: self.faulty }
    }
}

impl HostPass {
    /// Adds a slot's gradient times `coefficient` to `kept` times what is there, in the order of the flat parameter vector.
    pub(crate) fn add_slot(
        &self,
        slot: usize,
        layout: &[LayerShape],
        (kept, coefficient): (f64, f64),
        into: &mut [f64],
    ) {
        let add = |place: &mut [f64], factor: f64, gradients: &[f32]| {
            for (sum, gradient) in place.iter_mut().zip(gradients) {
                *sum = *sum * kept + factor * f64::from(*gradient);
            }
        };
        for (shape, (activations, gradients)) in layout.iter().zip(&self.layers) {
            let activations = &activations[slot * shape.inputs..(slot + 1) * shape.inputs];
            let gradients = &gradients[slot * shape.outputs..(slot + 1) * shape.outputs];
            let (weights, biases) = into[shape.weights..shape.end()].split_at_mut(shape.biases - shape.weights);
            for (row, activation) in weights.chunks_exact_mut(shape.outputs).zip(activations) {
                add(row, f64::from(*activation) * coefficient, gradients);
            }
            add(biases, coefficient, gradients);
        }
    }

    /// A slot's gradient norm, loss in nats, and whether its row is faulty.
    pub(crate) fn measure(&self, slot: usize) -> (f64, f64, bool) {
        (self.norms[slot], self.losses[slot], self.faulty[slot])
    }
}

/// Each slot's probabilities, head by head.
pub(super) fn probabilities(network: &Network, batch: &MicroBatch) -> Zeroizing<Vec<f32>> {
    let mut logits = forward(network, batch).logits;
    for logit in logits.iter_mut() {
        *logit = narrow(sigmoid(f64::from(*logit)));
    }
    logits
}

/// Each slot's logits, head by head.
#[cfg(test)]
pub(super) fn logits(network: &Network, batch: &MicroBatch) -> Zeroizing<Vec<f32>> {
    forward(network, batch).logits
}

fn forward(network: &Network, batch: &MicroBatch) -> Forward {
    let layers = network.layers();
    let mut faulty = *batch.faulty();
    let mut hidden: Vec<SlotValues> = Vec::with_capacity(layers.len());
    let mut logits = None;
    for (index, layer) in layers.iter().enumerate() {
        let inputs = match hidden.last() {
            None => batch.features().clone(),
            Some(activations) => tensor(activations.values.to_vec(), &batch.features().device()),
        };
        let mut values = host(inputs.matmul(layer.weights.clone()));
        for slot in values.chunks_exact_mut(layer.biases.len()) {
            slot.iter_mut().zip(&layer.biases).for_each(|(value, bias)| *value += bias);
        }
        if index + 1 < layers.len() {
            match network.activation() {
                Activation::Relu => values.iter_mut().for_each(|value| *value = value.max(0.0)),
                Activation::Tanh => values.iter_mut().for_each(|value| *value = tanh(*value)),
            }
            hidden.push(SlotValues::settled(values, &mut faulty));
        } else {
            if let Some(pairs) = network.pairs() {
                add_pairs(pairs, &host(batch.features().clone()), &mut values);
            }
            logits = Some(SlotValues::settled(values, &mut faulty).values);
        }
    }
    Forward { hidden, logits: logits.expect("a network has a head layer"), faulty }
}

/// Adds what tables of pairs say of each slot's features to its logits. What would be a denormal number is 0.
fn add_pairs(pairs: &PairTables, features: &[f32], logits: &mut [f32]) {
    let heads = logits.len() / SLOTS;
    let mut wide = Zeroizing::new(vec![0.0; heads]);
    for (slot, features) in logits.chunks_exact_mut(heads).zip(features.chunks_exact(features.len() / SLOTS)) {
        wide.iter_mut().zip(slot.iter()).for_each(|(wide, logit)| *wide = f64::from(*logit));
        pairs.add(features, &mut wide);
        for (logit, wide) in slot.iter_mut().zip(wide.iter()) {
            *logit = if wide.abs() < f64::from(ROW_ABS_MIN) { 0.0 } else { narrow(*wide) };
        }
    }
}

/// Each slot's loss; the logits become their gradients. For a logit z and a target y the loss is (1 - y) z - ln sigmoid(z), which is stable for
/// every z, and its derivative sigmoid(z) - y.
fn losses_and_gradients(batch: &MicroBatch, logits: &mut [f32]) -> Zeroizing<Vec<f64>> {
    let heads = logits.len() / SLOTS;
    let (targets, present) = batch.labels();
    let mut losses = Zeroizing::new(vec![0.0; SLOTS]);
    for (slot, loss) in losses.iter_mut().enumerate() {
        for head in slot * heads..(slot + 1) * heads {
            let (z, target) = (f64::from(logits[head]), f64::from(targets[head]));
            let known = f64::from(present[head]);
            let share = bounded_exp(-z.abs());
            let softplus = (-z).max(0.0) + ln(1.0 + share);
            *loss += known * ((1.0 - target) * z + softplus);
            logits[head] = narrow(known * (sigmoid_of(z, share) - target));
        }
    }
    losses
}

/// The hyperbolic tangent, by the rational function of Eigen's `ptanh`, in wider numbers: the same work for every value. The library's function
/// takes up to six times as long for some values as for others, and a model decides for which rows.
fn tanh(value: f32) -> f32 {
    // Beyond, the result is 1 in 32 bits.
    let x = f64::from(value).clamp(-TANH_ONE, TANH_ONE);
    let square = x * x;
    let odd = TANH_ODD.iter().fold(0.0, |sum, factor| sum * square + factor);
    let even = TANH_EVEN.iter().fold(0.0, |sum, factor| sum * square + factor);
    narrow((x * odd / even).clamp(-1.0, 1.0))
}

const TANH_ONE: f64 = 9.0;

/// Factors of x^13, x^11, .. x.
const TANH_ODD: [f64; 7] = [
    -2.760_768_477_423_55e-16,
    2.000_187_904_824_77e-13,
    -8.604_671_522_137_35e-11,
    5.122_297_090_371_14e-8,
    1.485_722_357_179_79e-5,
    6.372_619_288_754_36e-4,
    4.893_524_558_917_86e-3,
];

/// Factors of x^6, x^4, x^2, 1.
const TANH_EVEN: [f64; 4] =
    [1.198_258_394_667_02e-6, 1.185_347_056_866_54e-4, 2.268_434_632_439_00e-3, 4.893_525_185_543_85e-3];

/// The gradient on the way back through an activation function, given what it returned.
fn through(activation: Activation, gradients: &mut [f32], activations: &[f32]) {
    let pairs = gradients.iter_mut().zip(activations);
    match activation {
        Activation::Relu => pairs.for_each(|(gradient, value)| *gradient = if *value > 0.0 { *gradient } else { 0.0 }),
        Activation::Tanh => pairs.for_each(|(gradient, value)| *gradient *= 1.0 - value * value),
    }
}

/// To 32 bits; the sensitivity's slack covers it. What would be a denormal number is 0.
fn nearest(coefficient: f64) -> f32 {
    let coefficient = narrow(coefficient);
    if coefficient < f32::MIN_POSITIVE { 0.0 } else { coefficient }
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to 32 bits; values are within 2^40")]
fn narrow(value: f64) -> f32 {
    value as f32
}

pub(super) fn host(tensor: Tensor<2>) -> Zeroizing<Vec<f32>> {
    Zeroizing::new(tensor.try_into_vec_as::<f32>().expect("the CPU device holds 32-bit floats in this process' memory"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tangent_is_the_librarys_but_for_its_last_digits() {
        let mut furthest = 0.0_f64;
        for step in 0..=400_000 {
            let value = (f64::from(step) - 200_000.0) / 10_000.0;
            let found = f64::from(tanh(narrow(value)));
            furthest = furthest.max((found - f64::from(narrow(value)).tanh()).abs());
            assert!(found.abs() <= 1.0, "{value}");
        }
        assert!(furthest < 5e-7, "{furthest}");
        for (value, expected) in [(0.0, 0.0), (1e-6, 1e-6), (2.0_f32.powi(72), 1.0), (-2.0_f32.powi(72), -1.0)] {
            assert!((tanh(value) - expected).abs() < 1e-12, "{value}");
        }
    }

    #[test]
    fn far_from_the_middle_losses_and_gradients_are_what_they_were() {
        for z in [-1e12, -800.0, -100.0, -65.0, -64.0, -1.0, 0.0, 1.0, 64.0, 65.0, 100.0, 800.0, 1e12] {
            assert!((ln(1.0 + bounded_exp(-f64::abs(z))) - (-f64::abs(z)).exp().ln_1p()).abs() < 3e-16, "{z}");
            let before = 1.0 / (1.0 + (-z).exp());
            assert!((sigmoid(z) - before).abs() < f64::from(ROW_ABS_MIN) / 1e12, "{z}");
        }
    }
}
