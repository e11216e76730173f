//! Networks with hidden layers: their logits, and integrated gradients along the straight line from the baseline to a row.

use super::fault::ScoreFault;
use super::places::{Active, FieldPlace};
use crate::architecture::{Activation, HEADS_MAX};
use crate::elementary::exp;
use crate::parameters::{Parameters, settled};

/// How far contributions and the baseline's logit may be from the row's logit, where the two logits are less than [`FAR`] apart.
pub const COMPLETE_WITHIN: f64 = 1e-5;

/// Logits that are farther apart than this may differ by more, as their distance is more: doubles end there.
const FAR: f64 = 1e5;

/// A part of the line is divided no further than this often: 2^-20 of the line.
const DEPTH_MAX: u32 = 20;

/// Parts of one line, at most.
const PARTS_MAX: u32 = 20_000;

/// A network.
pub(super) struct Perceptron {
    layers: Vec<Layer>,
    activation: Activation,
    /// The baseline's sums of the first layer, and its logits.
    first: Vec<f64>,
    base: Vec<f64>,
}

/// One linear layer: inputs x outputs weights, and a bias for each output.
struct Layer {
    outputs: usize,
    weights: Vec<f64>,
    biases: Vec<f64>,
}

/// The logits at a place of the line.
type Logits = [f64; HEADS_MAX];

/// A part of the line that is not settled: where it begins and ends, the logits there, and how often the line was divided for it.
struct Part {
    from: (f64, Logits),
    to: (f64, Logits),
    depth: u32,
}

impl Perceptron {
    pub(super) fn new(places: &[FieldPlace], parameters: &Parameters) -> Result<Self, ScoreFault> {
        let wide = |value: &f32| f64::from(settled(*value));
        let architecture = parameters.architecture();
        let values = parameters.values();
        let layers: Vec<Layer> = architecture
            .layout()
            .iter()
            .map(|layer| Layer {
                outputs: layer.outputs,
                weights: values[layer.weights..layer.biases].iter().map(wide).collect(),
                biases: values[layer.biases..layer.end()].iter().map(wide).collect(),
            })
            .collect();
        let head_count = architecture.heads().len();
        let first = layers.first().ok_or(ScoreFault::Shape)?.sums(places.iter().flat_map(FieldPlace::baseline));
        let mut network = Self { layers, activation: architecture.activation(), first, base: Vec::new() };
        network.base = network.after(&network.first).0[..head_count].to_vec();
        Ok(network)
    }

    pub(super) fn base(&self) -> &[f64] {
        &self.base
    }

    pub(super) fn logits(&self, fields: &[Active], logits: &mut [f64]) {
        let Some(first) = self.layers.first() else { return };
        let sums = first.sums(fields.iter().flat_map(Active::iter));
        let (found, _) = self.after(&sums);
        logits.iter_mut().zip(found).for_each(|(logit, found)| *logit = found);
    }

    /// What each field adds to the baseline's logits, field by field, head by head. The line is halved until the gradient in the middle of each part
    /// accounts for what the logits do over it.
    pub(super) fn contributions(&self, places: &[FieldPlace], fields: &[Active], contributions: &mut [f64]) {
        let heads = self.base.len();
        contributions.fill(0.0);
        let Some(first) = self.layers.first() else { return };
        let sums = first.sums(fields.iter().flat_map(Active::iter));
        let way: Vec<f64> = sums.iter().zip(&self.first).map(|(to, from)| to - from).collect();
        // The mean gradient over the line by the first layer's sums: heads x units.
        let mean = self.mean_gradient(&way);
        for ((place, field), own) in places.iter().zip(fields).zip(contributions.chunks_exact_mut(heads)) {
            let moved = field.iter().chain(place.baseline().map(|(slot, value)| (slot, -value)));
            for (slot, value) in moved {
                let weights = &first.weights[slot * first.outputs..(slot + 1) * first.outputs];
                for (own, gradient) in own.iter_mut().zip(mean.chunks_exact(first.outputs)) {
                    *own += value * dot(weights, gradient);
                }
            }
        }
    }

    fn mean_gradient(&self, way: &[f64]) -> Vec<f64> {
        let (heads, units) = (self.base.len(), way.len());
        let at =
            |place: f64| -> Vec<f64> { self.first.iter().zip(way).map(|(from, way)| from + place * way).collect() };
        let mut mean = vec![0.0; heads * units];
        let ends: [(f64, Logits); 2] = [0.0, 1.0].map(|place| (place, self.after(&at(place)).0));
        let [from, to] = ends;
        // Half of what is promised: the rest is for rounding.
        let within = |head: usize| 0.5 * COMPLETE_WITHIN * ((to.1[head] - from.1[head]).abs() / FAR).max(1.0);
        let (mut open, mut parts) = (vec![Part { from, to, depth: 0 }], 0);
        while let Some(Part { from, to, depth }) = open.pop() {
            parts += 1;
            let (length, place) = (to.0 - from.0, f64::midpoint(from.0, to.0));
            let (middle, kept) = self.after(&at(place));
            let gradients = self.gradients(&kept);
            let fits = (0..heads).all(|head| {
                let gained = dot(&gradients[head * units..(head + 1) * units], way) * length;
                (gained - (to.1[head] - from.1[head])).abs() <= within(head) * length
            });
            if fits || depth >= DEPTH_MAX || parts >= PARTS_MAX {
                mean.iter_mut().zip(&gradients).for_each(|(mean, gradient)| *mean += length * gradient);
                continue;
            }
            // The nearer half is taken first, so that sums have one order.
            open.push(Part { from: (place, middle), to, depth: depth + 1 });
            open.push(Part { from, to: (place, middle), depth: depth + 1 });
        }
        mean
    }

    /// Logits from the first layer's sums, and what each hidden layer gave on the way.
    fn after(&self, first: &[f64]) -> (Logits, Vec<Vec<f64>>) {
        let mut hidden: Vec<Vec<f64>> = Vec::with_capacity(self.layers.len());
        let mut sums = first.to_vec();
        for layer in self.layers.iter().skip(1) {
            sums.iter_mut().for_each(|sum| *sum = activated(self.activation, *sum));
            let next = layer.sums(sums.iter().copied().enumerate());
            hidden.push(std::mem::replace(&mut sums, next));
        }
        let mut logits = [0.0; HEADS_MAX];
        logits.iter_mut().zip(&sums).for_each(|(logit, sum)| *logit = *sum);
        (logits, hidden)
    }

    /// How each head's logit moves with each of the first layer's sums: heads x units.
    fn gradients(&self, hidden: &[Vec<f64>]) -> Vec<f64> {
        let heads = self.base.len();
        let mut all = Vec::new();
        for head in 0..heads {
            let mut back: Vec<f64> = (0..heads).map(|other| f64::from(u8::from(other == head))).collect();
            for (layer, outputs) in self.layers.iter().skip(1).zip(hidden).rev() {
                back = outputs
                    .iter()
                    .enumerate()
                    .map(|(unit, output)| {
                        let weights = &layer.weights[unit * layer.outputs..(unit + 1) * layer.outputs];
                        slope(self.activation, *output) * dot(weights, &back)
                    })
                    .collect();
            }
            all.extend(back);
        }
        all
    }
}

impl Layer {
    fn sums(&self, inputs: impl Iterator<Item = (usize, f64)>) -> Vec<f64> {
        let mut sums = self.biases.clone();
        for (input, value) in inputs {
            let weights = &self.weights[input * self.outputs..(input + 1) * self.outputs];
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
        }
        sums
    }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).fold(0.0, |sum, (one, other)| sum + one * other)
}

fn activated(activation: Activation, sum: f64) -> f64 {
    match activation {
        Activation::Relu => sum.max(0.0),
        // Beyond, the result is 1 in 64 bits.
        Activation::Tanh => 1.0 - 2.0 / (exp(2.0 * sum.clamp(-20.0, 20.0)) + 1.0),
    }
}

/// The slope of the activation function, given what it returned.
fn slope(activation: Activation, output: f64) -> f64 {
    match activation {
        Activation::Relu => f64::from(u8::from(output > 0.0)),
        Activation::Tanh => 1.0 - output * output,
    }
}
