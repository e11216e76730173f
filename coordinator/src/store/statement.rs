//! What a plan promises and what was counted under it: files for people and programs, made again from the ledger at any time.

use std::fs;

use serde::{Deserialize, Serialize};
use tributary_evidence::statement::{Facts, Statement};
use tributary_model::counts::NoisedHistogram;
use tributary_model::metrics::{FieldWeights, HeadFigures, Importance};
use tributary_model::summary::FieldFigures;
use tributary_protocol::plan::RunRef;
use tributary_protocol::round::CoordinatorEvent;
use tributary_storage::files::{self, Existing};

use super::evidence::remove;
use super::{Store, StoreError};

/// The version of `counts/<stage>-<kind>.json`.
pub const COUNTS_VERSION: u32 = 3;

/// What a file beside the counts is called that says what noise gives to a model.
const NOISE: &str = "noise";

/// What a stage counted, noise included: `counts/<stage>-<kind>.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counts {
    /// The version of the file's layout.
    pub version: u32,
    /// Number of the stage, from 1.
    pub stage: u16,
    /// Its kind.
    pub kind: &'static str,
    /// Digest of the plan.
    pub plan: String,
    /// Number of its run, from 1.
    pub run: u32,
    /// Digest of the model that was evaluated, or of the current one.
    pub model: String,
    /// The round.
    pub round: u64,
    /// Branches in the sum.
    pub survivors: usize,
    /// Standard deviation of the noise in each count that is guaranteed, in customers; with more honest branches it is larger.
    pub noise_stddev_min: f64,
    /// Standard deviation of the noise that the survivors' shares gave to each count, in customers.
    pub noise_stddev: f64,
    /// Estimates for each label, of an evaluation.
    pub heads: Vec<HeadFigures>,
    /// Weights of evidence for each label and field, where labels were counted.
    pub weights: Vec<FieldWeights>,
    /// How much each field moves the scores of the model, of an evaluation.
    pub importance: Option<Importance>,
    /// Estimates for each field, of a count by values.
    pub fields: Vec<FieldFigures>,
    /// The counts, in customers; they can be fractional or negative.
    pub histograms: Vec<NoisedHistogram>,
}

/// What noise in training gives to the parameters of a model, beside a run's counts: `counts/<stage>-noise.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelNoise {
    /// The version of the file's layout.
    pub version: u32,
    /// Number of the stage, from 1.
    pub stage: u16,
    /// Digest of the plan.
    pub plan: String,
    /// Number of its run, from 1.
    pub run: u32,
    /// Variance for each parameter of the model that the stage handed on.
    pub variances: Vec<f32>,
}

/// Customers of a run by field, as a later stage of the same run reads them again.
#[derive(Deserialize)]
pub(crate) struct CountedFields {
    version: u32,
    plan: String,
    run: u32,
    /// Standard deviation of the noise in each count, in customers.
    pub(crate) noise_stddev: f64,
    /// The counts.
    pub(crate) histograms: Vec<NoisedHistogram>,
}

/// Of which stage of which run a file of counts is.
#[derive(Deserialize)]
struct Counted {
    stage: u16,
    plan: String,
    run: u32,
}

impl Store {
    /// Keeps what a round counted; durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub fn write_counts(&self, counts: &Counts) -> Result<(), StoreError> {
        self.write_beside_counts((counts.stage, counts.kind), counts)
    }

    /// Keeps what noise gives to the model of a stage; durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub(crate) fn write_model_noise(&self, noise: &ModelNoise) -> Result<(), StoreError> {
        self.write_beside_counts((noise.stage, NOISE), noise)
    }

    fn write_beside_counts(&self, (stage, kind): (u16, &str), of: &impl Serialize) -> Result<(), StoreError> {
        let folder = self.run.join("counts");
        files::create_private_folder(&folder)?;
        let mut text = serde_json::to_vec_pretty(of).expect("counts are plain data");
        text.push(b'\n');
        Ok(files::write_public(&folder.join(format!("{stage}-{kind}.json")), &text, Existing::Replace)?)
    }

    /// What a stage of this run counted by field; nothing where its round was left out, or its file is gone.
    pub(crate) fn counted_fields(&self, run: RunRef, (stage, kind): (u16, &str)) -> Option<CountedFields> {
        let counted: CountedFields = self.read_beside_counts(stage, kind)?;
        let own = counted.plan == run.plan.to_string() && counted.run == run.number;
        (own && counted.version == COUNTS_VERSION).then_some(counted)
    }

    /// What noise gives to the model of a stage of this run, where it is known.
    pub(crate) fn model_noise(&self, run: RunRef, stage: u16) -> Option<ModelNoise> {
        let noise: ModelNoise = self.read_beside_counts(stage, NOISE)?;
        let own = noise.plan == run.plan.to_string() && noise.run == run.number;
        (own && noise.version == COUNTS_VERSION).then_some(noise)
    }

    fn read_beside_counts<T: serde::de::DeserializeOwned>(&self, stage: u16, kind: &str) -> Option<T> {
        let bytes = files::read_public(&self.run.join("counts").join(format!("{stage}-{kind}.json"))).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Removes what a stage of this run counted in a round that the ledger did not commit.
    pub(crate) fn forget_counts(&self, run: RunRef, committed: impl Fn(u16) -> bool) {
        let Ok(entries) = fs::read_dir(self.run.join("counts")) else { return };
        for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            let text = fs::read(&path).unwrap_or_default();
            let Ok(Counted { stage, plan, run: number }) = serde_json::from_slice(&text) else { continue };
            let own = plan == run.plan.to_string() && number == run.number;
            if own && stage.checked_sub(1).is_some_and(|stage| !committed(stage)) {
                remove(&path);
            }
        }
    }

    /// Writes the statement of these events as `statement.json` and `statement.txt`. Before the plan is in the ledger there is none.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub fn write_statement(&self, events: &[CoordinatorEvent]) -> Result<(), StoreError> {
        let Ok(facts) = Facts::read(events) else { return Ok(()) };
        let statement = Statement::of(&facts);
        let mut text = serde_json::to_vec_pretty(&statement).expect("a statement is plain data");
        text.push(b'\n');
        files::write_public(&self.run.join("statement.json"), &text, Existing::Replace)?;
        let words = statement.to_string();
        Ok(files::write_public(&self.run.join("statement.txt"), words.as_bytes(), Existing::Replace)?)
    }
}

#[cfg(test)]
mod tests {
    use tributary_protocol::digest::Digest;

    use super::*;

    const RUN: RunRef = RunRef { plan: Digest([3; 32]), number: 5 };

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state"), RUN).unwrap();
        files::create_private_folder(&store.run_folder().join("counts")).unwrap();
        (folder, store)
    }

    /// A file beside the counts, of a run and of a layout.
    fn put(store: &Store, (stage, kind): (u16, &str), (run, version): (RunRef, u32)) {
        let text = serde_json::json!({
            "version": version, "stage": stage, "plan": run.plan.to_string(), "run": run.number,
            "noise_stddev": 2.5, "histograms": [{ "name": "age", "counts": [1.0, -0.5] }], "variances": [0.25],
        });
        fs::write(store.run_folder().join("counts").join(format!("{stage}-{kind}.json")), text.to_string()).unwrap();
    }

    fn of(plan: u8, number: u32) -> RunRef {
        RunRef { plan: Digest([plan; 32]), number }
    }

    /// What another run has left, or another release, is as if it were not there.
    #[test]
    fn counts_are_read_again_by_their_own_run_and_layout() {
        let (_folder, store) = store();
        let rows = [
            (RUN, COUNTS_VERSION, true),
            (of(4, 5), COUNTS_VERSION, false),
            (of(3, 4), COUNTS_VERSION, false),
            (of(3, 6), COUNTS_VERSION, false),
            (RUN, COUNTS_VERSION - 1, false),
            (RUN, COUNTS_VERSION + 1, false),
        ];
        for (run, version, own) in rows {
            put(&store, (2, "count"), (run, version));
            put(&store, (3, NOISE), (run, version));
            let fields = store.counted_fields(RUN, (2, "count"));
            let found = fields.map(|found| (found.noise_stddev, found.histograms[0].counts.clone()));
            assert_eq!(found, own.then(|| (2.5, vec![1.0, -0.5])), "{run:?} {version}");
            let noise =
                ModelNoise { version, stage: 3, plan: run.plan.to_string(), run: run.number, variances: vec![0.25] };
            assert_eq!(store.model_noise(RUN, 3), own.then_some(noise), "{run:?} {version}");
        }
        assert!(store.counted_fields(RUN, (1, "count")).is_none() && store.counted_fields(RUN, (2, "other")).is_none());
        assert!(store.model_noise(RUN, 2).is_none());
        let kept =
            ModelNoise { version: COUNTS_VERSION, stage: 9, plan: RUN.plan.to_string(), run: 5, variances: vec![1.5] };
        store.write_model_noise(&kept).unwrap();
        assert_eq!(store.model_noise(RUN, 9), Some(kept));
        let text = fs::read_to_string(store.run_folder().join("counts/9-noise.json")).unwrap();
        assert!(text.ends_with("}\n"), "{text}");
    }

    /// Counts of a round that the ledger has not committed go, and nothing else does.
    #[test]
    fn counts_without_a_committed_round_are_removed() {
        let (_folder, store) = store();
        let rows = [
            ((1, "a"), RUN, true),
            ((2, "b"), RUN, false),
            ((3, "c"), RUN, false),
            ((0, "d"), RUN, true),
            ((2, "e"), of(4, 5), true),
            ((2, "f"), of(3, 4), true),
            ((2, "g"), of(3, 6), true),
        ];
        for (name, run, _) in rows {
            put(&store, name, (run, COUNTS_VERSION));
        }
        let folder = store.run_folder().join("counts");
        fs::write(folder.join("2-damaged.json"), "{").unwrap();
        // The first stage alone has a committed round.
        store.forget_counts(RUN, |stage| stage == 0);
        for ((stage, kind), run, stays) in rows {
            assert_eq!(folder.join(format!("{stage}-{kind}.json")).exists(), stays, "{stage}-{kind} {run:?}");
        }
        assert!(folder.join("2-damaged.json").exists());
        fs::remove_dir_all(&folder).unwrap();
        store.forget_counts(RUN, |_| false);
    }
}
