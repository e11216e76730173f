//! What federation gained: areas under the curve, from held-out rows, outside the protocol.
//!
//! The demo's process reads every branch's files, which nobody could in earnest. Branch-only, pooled and federated models are judged on
//! the same rows, those that all branches together hold out; the in-branch figure judges the federated model on each branch's own.

use std::path::{Path, PathBuf};

use tributary_client::data::{read_csv, read_csv_rows};
use tributary_model::architecture::Architecture;
use tributary_model::evaluate::{branch_mean, evaluate};
use tributary_model::features::FeatureMatrix;
use tributary_model::parameters::Parameters;
use tributary_model::schema::Schema;
use tributary_model::stage::STATE_FORMAT;
use tributary_model::train::{CentralSettings, Table, predict, train_centrally};
use tributary_rehearsal::{Judged, judge, side_by_side};
use tributary_storage::files::read_stored;

use super::prepare::Prepared;

/// The figures. Nothing where no held-out row, or only one class, is labelled.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// The federated model on all held-out rows.
    pub(super) federated: Option<f64>,
    /// Mean over branches of models from one branch's rows each, on all held-out rows.
    pub(super) local_mean: Option<f64>,
    /// A model from all branches' rows, on all held-out rows.
    pub(super) pooled: Option<f64>,
    /// Mean over branches of the federated model on the branch's own held-out rows.
    pub(super) in_branch_mean: Option<f64>,
    /// Of each label: the federated model on all held-out rows.
    pub(super) labels: Vec<(String, Judged)>,
    /// Customers with rows to learn from.
    pub(super) customers: usize,
}

/// Trains the baselines with the plan's optimizer, without clipping and noise, and judges all models.
///
/// # Errors
/// If a file cannot be read, or a baseline diverges.
pub(super) fn measure(
    prepared: &Prepared,
    hidden: &[u32],
    settings: &CentralSettings,
    model_file: &Path,
) -> anyhow::Result<Measured> {
    let schema = &prepared.schema;
    let architecture = architecture(schema, hidden)?;
    let bytes = read_stored(model_file, &STATE_FORMAT)?;
    let federated = Parameters::from_le_bytes(&architecture, &bytes)?;
    let held_out: Vec<PathBuf> = prepared.branches.iter().filter_map(|branch| branch.held_out.clone()).collect();
    let training: Vec<PathBuf> = prepared.branches.iter().map(|branch| branch.training.clone()).collect();
    let everybodys = if held_out.is_empty() { None } else { Some(read_csv_rows(&held_out, schema, |_| true)?) };
    let judged = |model: &Parameters| everybodys.as_ref().map_or(Ok(None), |rows| auc_mean(model, rows));

    // The model of all rows takes as long as all others together, and comes first.
    let mut baselines = side_by_side(1 + training.len(), |number| -> anyhow::Result<_> {
        let own = number.checked_sub(1).and_then(|branch| training.get(branch));
        let rows = match own {
            Some(path) => read_csv(path, schema)?,
            None => read_csv_rows(&training, schema, |_| true)?,
        };
        let rows = Table::of_public(rows);
        Ok((rows.customer_count(), judged(&train_centrally(&architecture, &rows, settings)?)?))
    })?
    .into_iter();
    let pooled = baselines.next().and_then(|(_, pooled)| pooled);
    let (customers, alone): (Vec<usize>, Vec<_>) = baselines.unzip();
    let of_labels = everybodys.as_ref().map_or(Ok(Vec::new()), |rows| judge(&federated, rows))?;
    let own: anyhow::Result<Vec<_>> =
        held_out.iter().map(|path| auc_mean(&federated, &read_csv(path, schema)?)).collect();
    Ok(Measured {
        federated: judged(&federated)?,
        local_mean: branch_mean(&alone),
        pooled,
        in_branch_mean: branch_mean(&own?),
        labels: architecture.heads().iter().cloned().zip(of_labels).collect(),
        customers: customers.iter().sum(),
    })
}

/// The network that the coordinator makes of this schema.
fn architecture(schema: &Schema, hidden: &[u32]) -> anyhow::Result<Architecture> {
    let heads: Vec<&str> = schema.labels().iter().map(|label| label.name.as_str()).collect();
    Ok(Architecture::mlp(u32::try_from(schema.width())?, hidden, &heads)?)
}

/// Mean over labels of the area under the curve.
fn auc_mean(model: &Parameters, rows: &FeatureMatrix) -> anyhow::Result<Option<f64>> {
    let scores = predict(model, rows)?;
    let heads = 0..model.architecture().heads().len();
    let each: Vec<_> = heads.map(|head| evaluate(&scores, rows, head).and_then(|found| found.auc)).collect();
    Ok(branch_mean(&each))
}
