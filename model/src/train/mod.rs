//! Gradients, customer by customer, without a loop over customers.
//!
//! A [`Trainer`] holds one branch's rows in micro-batches of [`SLOTS`] slots, padded with zero rows that carry no label. Every pass has the
//! same shapes, whatever the rows are, and every kernel on the way treats each slot alike. So a row's loss, activations and gradients are the
//! same bits wherever it sits and whoever sits beside it: removing a customer cannot move another customer's integers
//! (docs/PRIVACY.md, "Nothing but the noised sum depends on a row"; tested for many shapes and every part of a micro-batch). Each output of a matrix product is one accumulation over the same terms in
//! the same order, whichever tile it falls into, and everything else is done element by element. There is no batch normalisation and no scaling by the data.
//!
//! How many micro-batches there are follows from public maxima, empty ones included, so that the time of a pass does as well.
//!
//! What this does **not** promise: equal bits on different machines or builds. Only the integers after the noise leave a branch.

mod cells;
mod central;
mod micro_batch;
mod pass;
mod placement;
mod slots;
mod table;

pub(crate) use cells::{CellRows, UNKNOWN};
#[cfg(test)]
pub(crate) use central::logits;
pub use central::{CentralSettings, predict, train_centrally};
pub(crate) use micro_batch::{MicroBatch, NOBODY};
pub(crate) use pass::{HostPass, Pass};
pub use placement::Placement;
pub use slots::SLOTS;
pub use table::{MaximaFault, PlacementKey, ROWS_PER_CUSTOMER_MAX, Table, TableMaxima};

use burn_tensor::Device;
use zeroize::Zeroizing;

use crate::architecture::Architecture;
use crate::network::Network;
use crate::parameters::Parameters;

/// One branch's rows, laid out for the gradients of one network shape. Made once, used in every round.
///
/// Cannot be printed, copied or serialised: it holds customers' rows.
pub struct Trainer {
    architecture: Architecture,
    device: Device,
    batches: Vec<MicroBatch>,
    spilled: Vec<MicroBatch>,
    cells: Option<CellRows>,
    customers: usize,
    customers_padded: usize,
    placement: Placement,
    audits: usize,
    /// Customers x audit columns: the group of the row that decides.
    groups: Zeroizing<Vec<u16>>,
}

/// A plan that does not fit a table. Rows do not decide any of it.
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
    /// If rows and network do not fit.
    pub fn new(architecture: &Architecture, table: &Table, placement: Placement) -> Result<Self, TrainError> {
        let data = table.data();
        let expected = architecture.inputs() as usize;
        if data.width() != expected {
            return Err(TrainError::Inputs { expected, found: data.width() });
        }
        let heads = architecture.heads().len();
        if data.labels() != heads {
            return Err(TrainError::Heads { expected: heads, found: data.labels() });
        }
        let device = Device::flex();
        let cells = (placement == Placement::Cells).then(|| CellRows::new(table));
        let placed = placement::place(table, placement);
        let laid = |batches: &[Vec<u32>]| batches.iter().map(|rows| MicroBatch::new(data, rows, &device)).collect();
        let (batches, spilled) = (laid(&placed.batches), laid(&placed.spilled));
        let customers = table.customer_count();
        let customers_padded = customers.max(table.maxima().customers as usize);
        let architecture = architecture.clone();
        let audits = data.audits();
        let mut groups = Zeroizing::new(vec![u16::MAX; customers_padded * audits]);
        if audits > 0 {
            for (customer, own) in (0_u32..).zip(groups.chunks_exact_mut(audits)).take(customers) {
                let first = table.customers().of(customer).first().map(|row| *row as usize);
                own.iter_mut().enumerate().for_each(|(audit, group)| {
                    *group = first.map_or(u16::MAX, |row| data.audit(row, audit));
                });
            }
        }
        Ok(Self {
            architecture,
            device,
            batches,
            spilled,
            cells,
            customers,
            customers_padded,
            placement,
            audits,
            groups,
        })
    }

    /// Most bytes that rows within public maxima take, laid out for a network of this shape, with one pass through it. Rows do not decide any
    /// of it.
    #[must_use]
    pub fn bytes_max(architecture: &Architecture, table: &Table, placement: Placement) -> u64 {
        let maxima = table.maxima();
        let groups = 2 * u64::from(maxima.customers) * table.data().audits() as u64;
        let heads = architecture.heads().len() as u64;
        if placement == Placement::Cells {
            // A field has one slot at least.
            return CellRows::bytes(maxima, u64::from(architecture.inputs()), heads).saturating_add(groups);
        }
        let batch = MicroBatch::bytes(u64::from(architecture.inputs()), heads);
        let units = architecture.hidden().iter().map(|units| u64::from(*units)).sum::<u64>() + heads;
        // Of each unit its sum, its activation and both their gradients; of each parameter itself, its gradient and their sum.
        let pass = 16 * SLOTS as u64 * units + 16 * architecture.parameter_count() as u64;
        placement::batches_padded(maxima, placement).saturating_mul(batch).saturating_add(pass).saturating_add(groups)
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

    /// The public maximum of customers, or their number where it is larger: for so many a coin is drawn.
    #[must_use]
    pub fn customers_padded(&self) -> usize {
        self.customers_padded
    }

    /// How rows are laid out.
    pub(crate) fn placement(&self) -> Placement {
        self.placement
    }

    /// The group of a customer by an audit column; a number beyond all groups where it is in none.
    pub(crate) fn group(&self, customer: u32, audit: usize) -> usize {
        let own = self.groups.chunks_exact(self.audits.max(1)).nth(customer as usize);
        own.and_then(|own| own.get(audit)).map_or(usize::MAX, |group| usize::from(*group))
    }

    /// The rows as the slots that are 1, where they were laid out so.
    pub(crate) fn cells(&self) -> Option<&CellRows> {
        self.cells.as_ref()
    }

    /// Passes every micro-batch of the placement through the network and back, one at a time.
    pub(crate) fn passes<'a>(&'a self, network: &'a Network) -> impl Iterator<Item = (&'a MicroBatch, Pass<'a>)> {
        self.batches.iter().map(|batch| (batch, Pass::new(network, batch)))
    }

    /// Passes one micro-batch through the network and back once more.
    pub(crate) fn pass<'a>(&self, network: &Network, batch: &'a MicroBatch) -> Pass<'a> {
        Pass::new(network, batch)
    }

    /// As [`Trainer::passes`], for those who found no place in their micro-batch.
    pub(crate) fn spilled<'a>(&'a self, network: &'a Network) -> impl Iterator<Item = (&'a MicroBatch, Pass<'a>)> {
        self.spilled.iter().map(|batch| (batch, Pass::new(network, batch)))
    }

    /// A model's matrices, where this trainer's arithmetic is done.
    pub(crate) fn network(&self, parameters: &Parameters) -> Network {
        Network::new(parameters, &self.device)
    }

    /// Every micro-batch, and the probabilities that a model gives its slots, head by head.
    pub(crate) fn scores<'a>(
        &'a self,
        network: &'a Network,
    ) -> impl Iterator<Item = (&'a MicroBatch, Zeroizing<Vec<f32>>)> {
        self.all().map(|batch| (batch, pass::probabilities(network, batch)))
    }

    /// The features of a micro-batch, slot by slot.
    pub(crate) fn features_of(&self, batch: &MicroBatch) -> Zeroizing<Vec<f32>> {
        pass::host(batch.features().clone())
    }

    /// Every micro-batch and its features, slot by slot.
    pub(crate) fn features(&self) -> impl Iterator<Item = (&MicroBatch, Zeroizing<Vec<f32>>)> {
        self.all().map(|batch| (batch, self.features_of(batch)))
    }

    fn all(&self) -> impl Iterator<Item = &MicroBatch> {
        self.batches.iter().chain(&self.spilled)
    }
}

#[cfg(test)]
pub(crate) mod tests;
