//! Plain training on one set of rows, without privacy: the baselines that a federated model is compared with. And scoring.

use burn_tensor::Device;
use ndarray::Array2;

use super::pass::probabilities;
use super::{MicroBatch, Placement, SLOTS, Table, TrainError, Trainer};
use crate::architecture::Architecture;
use crate::features::FeatureMatrix;
use crate::network::Network;
use crate::parameters::Parameters;
use crate::server_optimizer::{OptimizerSettings, ServerOptimizer};

/// How to train centrally.
#[derive(Clone, Copy, Debug)]
pub struct CentralSettings {
    /// Full passes over the data.
    pub rounds: u32,
    /// As a plan's server optimizer.
    pub optimizer: OptimizerSettings,
    /// Of the first model ([`Parameters::initial`]).
    pub seed: u64,
}

/// Full-batch gradient descent on the mean over customers of their rows' summed gradients: what a federated plan computes, without clipping
/// and without noise. **Not private**: for branch-only and pooled baselines on data that may be compared so.
///
/// # Errors
/// If rows and network do not fit, the network has tables of pairs, or training diverges.
pub fn train_centrally(
    architecture: &Architecture,
    table: &Table,
    settings: &CentralSettings,
) -> Result<Parameters, TrainError> {
    if architecture.pairs().is_some() {
        return Err(TrainError::Architecture);
    }
    let trainer = Trainer::new(architecture, table, Placement::Dense)?;
    let mut parameters = Parameters::initial(architecture, settings.seed);
    let mut optimizer = ServerOptimizer::new(settings.optimizer, &parameters);
    for _ in 0..settings.rounds {
        let gradient = mean_gradient(&trainer, &parameters);
        parameters = optimizer.step(&gradient).map_err(|_| TrainError::Diverged)?;
    }
    optimizer.released().map_err(|_| TrainError::Diverged)
}

/// Scores rows: rows x heads, each a probability.
///
/// # Errors
/// If rows and model do not fit.
pub fn predict(parameters: &Parameters, data: &FeatureMatrix) -> Result<Array2<f32>, TrainError> {
    let expected = parameters.architecture().inputs() as usize;
    if data.width() != expected {
        return Err(TrainError::Inputs { expected, found: data.width() });
    }
    let device = Device::flex();
    let network = Network::new(parameters, &device);
    let heads = parameters.architecture().heads().len();
    let mut scores = Vec::with_capacity(data.rows() * heads);
    let rows: Vec<u32> = (0_u32..).take(data.rows()).collect();
    for rows in rows.chunks(SLOTS) {
        let values = probabilities(&network, &MicroBatch::new(data, rows, &device));
        scores.extend_from_slice(&values[..rows.len() * heads]);
    }
    Ok(Array2::from_shape_vec((data.rows(), heads), scores).expect("one score for each row and head"))
}

/// The logits of rows, as training sees them: rows x heads.
#[cfg(test)]
pub(crate) fn logits(parameters: &Parameters, data: &FeatureMatrix) -> Vec<f32> {
    let device = Device::flex();
    let network = Network::new(parameters, &device);
    let heads = parameters.architecture().heads().len();
    let rows: Vec<u32> = (0_u32..).take(data.rows()).collect();
    let of = |rows: &[u32]| {
        super::pass::logits(&network, &MicroBatch::new(data, rows, &device))[..rows.len() * heads].to_vec()
    };
    rows.chunks(SLOTS).flat_map(of).collect()
}

/// The mean over customers; zeros without customers.
fn mean_gradient(trainer: &Trainer, parameters: &Parameters) -> Vec<f64> {
    let mut sum = vec![0.0; parameters.values().len()];
    let network = trainer.network(parameters);
    for (_, pass) in trainer.passes(&network) {
        for (total, value) in sum.iter_mut().zip(pass.weighted_sum(&[1.0; SLOTS]).iter()) {
            *total += f64::from(*value);
        }
    }
    let customers = trainer.customers().max(1) as f64;
    sum.iter().map(|total| total / customers).collect()
}
