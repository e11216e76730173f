//! Rows that pass through the network together.

use burn_tensor::{Device, Tensor};
use zeroize::Zeroizing;

use super::slots::{SLOTS, SlotValues, tensor};
use crate::features::FeatureMatrix;

/// Who sits in a slot that is padding.
pub(crate) const NOBODY: u32 = u32::MAX;

/// So many rows, padding included, laid out slot by slot.
pub(crate) struct MicroBatch {
    /// Slots x inputs.
    features: Tensor<2>,
    feature_squares: Zeroizing<Vec<f64>>,
    /// Slots x heads: 0 or 1.
    targets: Zeroizing<Vec<f32>>,
    /// Slots x heads: 1 where the label is known; 0 in padding.
    present: Zeroizing<Vec<f32>>,
    /// The customer of each slot. A customer's rows are neighbours.
    customers: [u32; SLOTS],
    /// Slots whose features are out of range before any network.
    faulty: [bool; SLOTS],
}

impl MicroBatch {
    /// Copies rows into slots, from slot 0 on.
    pub(super) fn new(data: &FeatureMatrix, rows: &[u32], device: &Device) -> Self {
        // Padding is unpacked as rows are, so that laying out takes as long for no rows as for many.
        let row = |slot: usize| rows.get(slot).map(|row| *row as usize);
        let mut features = Zeroizing::new(vec![0.0; SLOTS * data.width()]);
        for (index, slot) in features.chunks_exact_mut(data.width()).enumerate() {
            data.write_row(row(index), slot);
        }
        let mut targets = Zeroizing::new(vec![0.0; SLOTS * data.labels()]);
        let mut present = targets.clone();
        for (at, (target, known)) in targets.iter_mut().zip(present.iter_mut()).enumerate() {
            let (slot, label) = (at / data.labels(), at % data.labels());
            (*target, *known) = row(slot).map_or((0.0, 0.0), |row| data.label(row, label));
        }
        let mut customers = [NOBODY; SLOTS];
        for (customer, row) in customers.iter_mut().zip(rows) {
            *customer = data.customers()[*row as usize];
        }
        let mut faulty = [false; SLOTS];
        let SlotValues { mut values, squares } = SlotValues::settled(features, &mut faulty);
        Self {
            features: tensor(std::mem::take(&mut *values), device),
            feature_squares: squares,
            targets,
            present,
            customers,
            faulty,
        }
    }

    /// Bytes of one, of rows with so many features and labels.
    pub(super) const fn bytes(width: u64, labels: u64) -> u64 {
        // Features, their squares' sum, targets and which are known, the customer, whether it is faulty.
        SLOTS as u64 * (4 * width + 8 + 2 * 4 * labels + 4 + 1)
    }

    pub(crate) fn features(&self) -> &Tensor<2> {
        &self.features
    }

    pub(super) fn feature_squares(&self) -> &[f64] {
        &self.feature_squares
    }

    /// Targets and presence, each slots x heads.
    pub(crate) fn labels(&self) -> (&[f32], &[f32]) {
        (&self.targets, &self.present)
    }

    /// The customer of each slot; [`NOBODY`] in padding.
    pub(crate) fn customers(&self) -> &[u32; SLOTS] {
        &self.customers
    }

    pub(super) fn faulty(&self) -> &[bool; SLOTS] {
        &self.faulty
    }
}
