//! The exact form: one integer vector for each customer, its norm checked in integers, summed in integers.
//!
//! Every slot does the same work, whoever sits in it: a row is added to its customer's gradient, the gradient so far is clipped, and the
//! integers are added under a mask that is all ones after the last row of a customer who counts, and zero otherwise. So neither padding, nor a
//! coin, nor a fault of a row shows in the time.

use zeroize::Zeroizing;

use super::clip_rule::ClipRule;
use super::clipped::{Ride, clip_to_units, ride};
use crate::architecture::LayerShape;
use crate::parameters::Parameters;
use crate::privacy::Selection;
use crate::train::{HostPass, MicroBatch, NOBODY, Pass};

/// The customer whose rows are being gathered.
struct Customer {
    index: u32,
    rows: u32,
    /// Sum over rows of the gradient's norm.
    norm: f64,
    /// Sum over rows of the loss.
    loss: f64,
    /// A row is faulty.
    faulty: bool,
    /// Sum over rows of the gradient.
    gradient: Zeroizing<Vec<f64>>,
}

/// Adds every customer's integers to `gradient` and `riders`.
pub(super) fn accumulate<'a>(
    passes: impl Iterator<Item = (&'a MicroBatch, Pass<'a>)>,
    parameters: &Parameters,
    (rule, selection): (&ClipRule, &Selection),
    gradient: &mut [i64],
    riders: &mut [i64],
) {
    let layout = parameters.architecture().layout();
    let mut units = Zeroizing::new(vec![0_i64; gradient.len()]);
    let gathered = Zeroizing::new(vec![0.0; gradient.len()]);
    let mut customer = Customer { index: NOBODY, rows: 0, norm: 0.0, loss: 0.0, faulty: false, gradient: gathered };
    let mut passes = passes.peekable();
    while let Some((batch, pass)) = passes.next() {
        let customers = batch.customers();
        // A customer's rows may go on in the next micro-batch.
        let next = passes.peek().map_or(NOBODY, |(batch, _)| batch.customers()[0]);
        let pass = pass.into_host();
        for (slot, index) in customers.iter().enumerate() {
            customer.gather(*index, (&pass, slot), &layout);
            let last = customers.get(slot + 1).copied().unwrap_or(next) != *index || *index == NOBODY;
            let counts = last && *index != NOBODY && selection.includes(*index) && !customer.faulty;
            clip(&customer, rule, &mut units);
            let mask = -i64::from(counts);
            for (total, value) in gradient.iter_mut().zip(units.iter()) {
                *total = total.wrapping_add(value & mask);
            }
            let within = customer.norm <= rule.example_clip_norm();
            ride(riders, rule.riders(), Ride { loss: customer.loss, rows: customer.rows, within, counts });
        }
    }
}

impl Customer {
    /// Adds a row of this customer, or begins with the next one.
    fn gather(&mut self, index: u32, (pass, slot): (&HostPass, usize), layout: &[LayerShape]) {
        let (norm, loss, faulty) = pass.measure(slot);
        let goes_on = index == self.index && index != NOBODY;
        let kept = f64::from(u8::from(goes_on));
        pass.add_slot(slot, layout, (kept, 1.0), &mut self.gradient);
        self.index = index;
        self.rows = if goes_on { self.rows } else { 0 } + 1;
        self.norm = self.norm * kept + norm;
        self.loss = self.loss * kept + loss;
        self.faulty = (goes_on && self.faulty) || faulty;
    }
}

/// Scales a customer's gradient to units, clipped.
fn clip(customer: &Customer, rule: &ClipRule, units: &mut [i64]) {
    let scale = f64::from(rule.clip_units()) / customer.norm.max(rule.example_clip_norm());
    clip_to_units(|| customer.gradient.iter().copied(), scale, rule.clip_units(), units);
}

#[cfg(test)]
mod tests {
    use super::super::clip_rule::{ClipForm, ClipSettings, ClipUnit};
    use super::*;

    #[test]
    fn integers_decide_where_floats_are_wrong() {
        let rule = ClipRule::new(
            ClipSettings { example_clip_norm: 1.0, clip_units: 1 << 20, form: ClipForm::Exact, loss_bound: None },
            ClipUnit::Customer,
        )
        .unwrap();
        // A norm that claims less than the vector has: only the integer check can notice.
        let gradient = Zeroizing::new(vec![3.0, -4.0]);
        let customer = Customer { index: 0, rows: 1, norm: 2.5, loss: 0.0, faulty: false, gradient };
        let mut units = [0; 2];
        clip(&customer, &rule, &mut units);
        let square = units.iter().map(|unit| i128::from(*unit).pow(2)).sum::<i128>();
        assert!(square <= 1 << 40 && square > (1 << 40) - (1 << 24));
        assert_eq!(units.map(|unit| (unit as f64 / 1_048_576.0 * 10.0).round()), [6.0, -8.0]);
    }
}
