//! Gradients, customer by customer, without a loop over customers.
//!
//! A [`Trainer`] holds one branch's rows in micro-batches of [`SLOTS`] slots, padded with zero rows that carry no label. Every pass has the
//! same shapes, whatever the rows are, and every kernel on the way treats each slot alike. So a row's loss, activations and gradients are the
//! same bits wherever it sits and whoever sits beside it: removing a customer cannot move another customer's integers (PRIVACY, section 11,
//! item 3; tested for many shapes and every part of a micro-batch). Each output of a matrix product is one accumulation over the same terms in
//! the same order, whichever tile it falls into, and everything else is done element by element. There is no batch normalisation and no scaling by the data.
//!
//! What this does **not** promise: equal bits on different machines or builds. Only the integers behind the noise leave a branch.

mod central;
mod gradients;
mod placement;

pub use central::{CentralSettings, predict, train_centrally};
pub(crate) use gradients::{BatchGradients, HostLayer};
pub use placement::{Placement, PlacementKey, ROWS_PER_CUSTOMER_MAX};

use burn::tensor::{Device, Tensor, TensorData};

use crate::architecture::Architecture;
use crate::features::FeatureMatrix;
use crate::network::Network;
use crate::parameters::Parameters;

/// Slots of a micro-batch: always this many rows, padding included.
pub const SLOTS: usize = 256;

/// One branch's rows, laid out for the gradients of one network shape. Made once, used in every round.
///
/// Cannot be printed, copied or serialised: it holds customers' rows.
pub struct Trainer {
    architecture: Architecture,
    device: Device,
    batches: Vec<MicroBatch>,
    customers: usize,
    hashed: bool,
}

/// Rows that pass through the network together.
struct MicroBatch {
    /// Slots x inputs.
    features: Tensor<2>,
    /// Slots x heads: 1 - target.
    negatives: Tensor<2>,
    /// Slots x heads: 1 where the label is known; 0 in padding.
    present: Tensor<2>,
    /// The customer of each used slot, from slot 0 on. A customer's rows are neighbours.
    customers: Vec<u32>,
}

/// Rows that cannot be laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    /// Features and network do not fit.
    #[error(
        "rows have {found} features, but the network takes {expected}: schema and plan differ; use the plan's schema"
    )]
    Inputs {
        /// The network's inputs.
        expected: usize,
        /// The rows' width.
        found: usize,
    },
    /// Labels and network do not fit.
    #[error(
        "rows have {found} labels, but the network has {expected} heads: schema and plan differ; use the plan's schema"
    )]
    Heads {
        /// The network's heads.
        expected: usize,
        /// The rows' labels.
        found: usize,
    },
    /// The policy's maximum is zero or beyond the limits.
    #[error("a maximum of the placement is zero or beyond its limit; correct the branch's policy")]
    Maximum,
    /// More customers than the policy says.
    #[error(
        "the data has more than {0} customers, the policy's public maximum: raise customers_max in the branch's policy"
    )]
    Customers(u32),
    /// More rows of one customer than the policy says.
    #[error(
        "a customer has more than {0} rows, the policy's public maximum: raise rows_per_customer_max, or send fewer rows"
    )]
    Rows(u32),
    /// By chance or by a wrong maximum, a micro-batch got more rows than it has slots.
    #[error(
        "a micro-batch overflowed: customers_max or rows_per_customer_max in the branch's policy is too small for the data \
         (with right maxima this is one chance in millions); correct them, or restart for a new placement key"
    )]
    Overflow,
    /// Central training diverged.
    #[error("training diverged: a parameter or gradient is no longer finite; lower the learning rate")]
    Diverged,
    /// A model of another shape.
    #[error("the model has another architecture than the data was laid out for; use the plan's model")]
    Architecture,
}

impl Trainer {
    /// Lays rows out. The rows themselves are copied; nothing is scaled or dropped. No rows at all are legal.
    ///
    /// # Errors
    /// If rows and network do not fit, or the placement cannot hold the rows.
    pub fn new(architecture: &Architecture, data: &FeatureMatrix, placement: &Placement) -> Result<Self, TrainError> {
        let expected = architecture.inputs() as usize;
        if data.features().ncols() != expected {
            return Err(TrainError::Inputs { expected, found: data.features().ncols() });
        }
        let heads = architecture.heads().len();
        if data.targets().ncols() != heads {
            return Err(TrainError::Heads { expected: heads, found: data.targets().ncols() });
        }
        let device = Device::flex();
        let batches =
            placement::place(data, placement)?.iter().map(|rows| MicroBatch::new(data, rows, &device)).collect();
        Ok(Self {
            architecture: architecture.clone(),
            device,
            batches,
            customers: data.customer_count(),
            hashed: matches!(placement, Placement::Hashed { .. }),
        })
    }

    /// The network's shape.
    #[must_use]
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Number of distinct customers. Not public: it leaves a branch only as a noised coordinate.
    #[must_use]
    pub fn customers(&self) -> usize {
        self.customers
    }

    /// Whether customers sit in fixed micro-batches, as the chunked form needs.
    pub(crate) fn is_hashed(&self) -> bool {
        self.hashed
    }

    /// Passes every micro-batch through the network and back, one at a time: (customers of the used slots, gradients).
    pub(crate) fn passes<'a>(
        &'a self,
        parameters: &Parameters,
    ) -> impl Iterator<Item = (&'a [u32], BatchGradients)> + use<'a> {
        let network = Network::new(parameters, &self.device);
        self.batches.iter().map(move |batch| {
            let features = batch.features.clone();
            let gradients = BatchGradients::new(&network, features, batch.negatives.clone(), batch.present.clone());
            (batch.customers.as_slice(), gradients)
        })
    }
}

impl MicroBatch {
    fn new(data: &FeatureMatrix, rows: &[usize], device: &Device) -> Self {
        let padded = |part: &ndarray::Array2<f32>, map: fn(f32) -> f32| {
            let mut values = vec![0.0; SLOTS * part.ncols()];
            for (slot, row) in values.chunks_exact_mut(part.ncols()).zip(rows) {
                for (value, source) in slot.iter_mut().zip(part.row(*row)) {
                    *value = map(*source);
                }
            }
            Tensor::from_data(TensorData::new(values, [SLOTS, part.ncols()]), device)
        };
        Self {
            features: padded(data.features(), |value| value),
            negatives: padded(data.targets(), |target| 1.0 - target),
            present: padded(data.present(), |present| present),
            customers: rows.iter().map(|row| data.customers()[*row]).collect(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
