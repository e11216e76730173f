//! The exact form: one integer vector for each customer, its norm checked in integers, summed in integers.

use zeroize::Zeroizing;

use super::clip_rule::ClipRule;
use super::clipped::{Ride, UpdateError, add, clip_to_units, ride};
use crate::architecture::LayerShape;
use crate::parameters::Parameters;
use crate::privacy::Selection;
use crate::train::{HostLayer, Trainer};

/// The customer whose rows are being gathered.
struct Customer {
    index: u32,
    rows: u32,
    /// Sum over rows of the gradient's norm.
    norm: f64,
    /// Sum over rows of the loss.
    loss: f64,
    /// Sum over rows of the gradient.
    gradient: Zeroizing<Vec<f64>>,
}

/// Adds every customer's integers to `gradient` and `riders`.
pub(super) fn accumulate(
    trainer: &Trainer,
    parameters: &Parameters,
    (rule, selection): (&ClipRule, &Selection),
    gradient: &mut [i64],
    riders: &mut [i64],
) -> Result<(), UpdateError> {
    let layout = parameters.architecture().layout();
    let mut units = Zeroizing::new(vec![0_i64; gradient.len()]);
    let mut open: Option<Customer> = None;
    let mut close = |customer: &Customer| -> Result<(), UpdateError> {
        clip(customer, rule, &mut units)?;
        for (total, value) in gradient.iter_mut().zip(units.iter()) {
            add(total, *value)?;
        }
        let within = customer.norm <= rule.example_clip_norm();
        ride(riders, rule.riders(), Ride { loss: customer.loss, rows: customer.rows, within })
    };
    for (customers, pass) in trainer.passes(parameters) {
        let losses = Zeroizing::new(pass.losses().to_vec());
        let layers = pass.into_host();
        for (slot, index) in customers.iter().enumerate().filter(|(_, index)| selection.includes(**index)) {
            if open.as_ref().is_none_or(|customer| customer.index != *index) {
                let mut gathered = match open.take() {
                    Some(customer) => {
                        close(&customer)?;
                        customer.gradient
                    }
                    None => Zeroizing::new(vec![0.0; parameters.values().len()]),
                };
                gathered.fill(0.0);
                open = Some(Customer { index: *index, rows: 0, norm: 0.0, loss: 0.0, gradient: gathered });
            }
            if let Some(customer) = &mut open {
                customer.gather(&layout, &layers, slot, f64::from(losses[slot]));
            }
        }
    }
    open.map_or(Ok(()), |customer| close(&customer))
}

impl Customer {
    /// Adds a row: its gradient is the outer product of input activations and pre-activation gradients, layer by layer.
    fn gather(&mut self, layout: &[LayerShape], layers: &[HostLayer], slot: usize, loss: f64) {
        let mut square = 0.0;
        for (shape, layer) in layout.iter().zip(layers) {
            let (activations, gradients) = layer.slot(slot);
            let (weights, biases) =
                self.gradient[shape.weights..shape.end()].split_at_mut(shape.biases - shape.weights);
            for (row, activation) in weights.chunks_exact_mut(shape.outputs).zip(activations) {
                for (sum, gradient) in row.iter_mut().zip(gradients) {
                    *sum += f64::from(*activation) * f64::from(*gradient);
                }
            }
            for (sum, gradient) in biases.iter_mut().zip(gradients) {
                *sum += f64::from(*gradient);
            }
            square += squares(gradients) * (squares(activations) + 1.0);
        }
        self.rows += 1;
        self.norm += square.sqrt();
        self.loss += loss;
    }
}

/// Scales a customer's gradient to units, clipped.
fn clip(customer: &Customer, rule: &ClipRule, units: &mut [i64]) -> Result<(), UpdateError> {
    if !customer.norm.is_finite() || !customer.loss.is_finite() {
        return Err(UpdateError::NotFinite);
    }
    let scale = f64::from(rule.clip_units()) / customer.norm.max(rule.example_clip_norm());
    clip_to_units(|| customer.gradient.iter().copied(), scale, rule.clip_units(), units)
}

fn squares(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value) * f64::from(*value)).sum()
}

#[cfg(test)]
mod tests {
    use super::super::clip_rule::{ClipForm, ClipSettings, ClipUnit};
    use super::*;

    #[test]
    fn integers_decide_where_floats_are_wrong() {
        let rule = ClipRule::new(ClipSettings {
            example_clip_norm: 1.0,
            clip_units: 1 << 20,
            form: ClipForm::Exact,
            loss_bound: None,
            unit: ClipUnit::Customer,
        })
        .unwrap();
        // A norm that claims less than the vector has: only the integer check can notice.
        let gradient = Zeroizing::new(vec![3.0, -4.0]);
        let customer = Customer { index: 0, rows: 1, norm: 2.5, loss: 0.0, gradient };
        let mut units = [0; 2];
        clip(&customer, &rule, &mut units).unwrap();
        let square = units.iter().map(|unit| i128::from(*unit).pow(2)).sum::<i128>();
        assert!(square <= 1 << 40 && square > (1 << 40) - (1 << 24));
        assert_eq!(units.map(|unit| (unit as f64 / 1_048_576.0 * 10.0).round()), [6.0, -8.0]);
    }
}
