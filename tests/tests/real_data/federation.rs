//! Fifty branches of a published data set, trained in one process with the code that coordinator and clients run.
//!
//! The plan, the clip rule, the noise and the optimizer are those that a coordinator builds from its settings; a round is what the branches
//! compute, added up. Masks are left out: they cancel, which other tests show bit for bit.

use std::path::{Path, PathBuf};

use crate::needed;
use tempfile::TempDir;
use tributary_client::data::{BranchFiles, PartitionRequest, read_csv, read_csv_rows, split_by_branch};
use tributary_coordinator::Job;
use tributary_model::features::{FeatureMatrix, RawBatch};
use tributary_model::schema::Schema;
use tributary_model::server_optimizer::UpdateRule;
use tributary_planning::build;
use tributary_planning::settings::{
    LearntFeatures, MechanismSettings, ModelKind, PlanSettings, PrivacyTarget, ScheduleSettings, StagedLearning,
};
use tributary_protocol::digest::Digest;
use tributary_protocol::entropy::Entropy;
use tributary_protocol::plan::ModelRef;
use tributary_protocol::round::cast;
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::parameters::CohortRule;
use tributary_rehearsal::{Branch, Judged, Noise, Rehearsal, judge};

/// Rounds of every plan.
pub(crate) const ROUNDS: u32 = 100;
/// Branches of every partition in use.
pub(crate) const BRANCHES: usize = 50;
/// Of every plan with noise.
pub(crate) const DELTA: f64 = 1e-6;
/// A published data set.
#[derive(Clone, Copy)]
pub(crate) struct Published {
    /// As schema, partition and split files are called.
    pub(crate) name: &'static str,
    /// Below the data's folder.
    files: &'static [&'static str],
}

pub(crate) const BANK_ADDITIONAL: Published =
    Published { name: "bank_additional", files: &["bank_additional/bank-additional-full.csv"] };
pub(crate) const BANK_FULL: Published = Published { name: "bank_full", files: &["bank_full/bank-full.csv"] };
pub(crate) const DEFAULT_CREDIT: Published =
    Published { name: "default_credit", files: &["default_credit/UCI_Credit_Card.csv"] };
pub(crate) const ADULT: Published = Published { name: "adult", files: &["adult/adult.data", "adult/adult.test"] };

impl Published {
    fn schema_file(self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/samples/schemas/{}.toml", self.name))
    }
}

/// A row of a made-up file.
pub(crate) type Line = Vec<String>;

/// A family of models and its setting, one for every data set: docs/PRIVACY.md says where it comes from.
pub(crate) struct Setting {
    /// The network.
    pub(crate) model: ModelKind,
    /// L2 bound of a customer's gradient.
    pub(crate) clip_norm: f64,
    /// On the mean gradient.
    pub(crate) learning_rate: f64,
    /// Rounds.
    pub(crate) rounds: u32,
    /// Staged additive learning, which takes neither of the two above.
    pub(crate) staged: Option<StagedLearning>,
    /// Groups that it learns first.
    pub(crate) features: Option<LearntFeatures>,
}

/// Logistic regression, in the exact form.
pub(crate) const LOGISTIC: Setting = Setting {
    model: ModelKind::Logistic,
    clip_norm: 1.0,
    learning_rate: 0.75,
    rounds: ROUNDS,
    staged: None,
    features: None,
};

/// Staged additive learning as a plan has it that says no more.
pub(crate) fn staged() -> Setting {
    Setting { rounds: 200, staged: Some(StagedLearning::usual(200)), ..LOGISTIC }
}

/// Staged learning over groups that are learnt first.
#[allow(dead_code, reason = "the bench has no use for it")]
pub(crate) fn staged_learnt(features: LearntFeatures) -> Setting {
    Setting { staged: Some(StagedLearning::over_learnt_groups(200)), features: Some(features), ..staged() }
}

/// The branches' data and everybody's held-out rows.
pub(crate) struct Federation {
    schema_file: PathBuf,
    /// Where the schema is none of the samples.
    _folder: Option<TempDir>,
    branches: Vec<Branch>,
    held_out: FeatureMatrix,
    customers: u64,
}

/// Branches of their own: how many there are, and at which one a training row is, counted from 0 over the files of the fifty branches in their
/// order. A row of another number is at none.
pub(crate) type Places<'a> = (usize, &'a dyn Fn(usize) -> usize);

impl Federation {
    /// Fifty branches by segment. Nothing where the data is not at hand, which is said aloud.
    pub(crate) fn open(published: Published) -> Option<Self> {
        Self::of(published, None)
    }

    /// As [`Federation::open`], with the sample schema's text changed.
    #[allow(dead_code, reason = "the bench has no use for it")]
    pub(crate) fn with_schema(published: Published, change: impl Fn(&str) -> String) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let schema_file = folder.path().join("schema.toml");
        std::fs::write(&schema_file, change(&std::fs::read_to_string(published.schema_file()).unwrap())).unwrap();
        let own = Self::read(published, &schema_file, None)?;
        Some(Self { _folder: Some(folder), ..own })
    }

    /// Branches and held-out rows of columns and lines.
    #[allow(dead_code, reason = "the bench has no use for it")]
    pub(crate) fn of_rows(schema: &str, header: &[&str], branches: &[Vec<Line>], held_out: &[Line]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let schema_file = folder.path().join("schema.toml");
        std::fs::write(&schema_file, schema).unwrap();
        let schema = Schema::parse(schema).unwrap();
        let matrix = |lines: &[Line]| {
            let mut batch = RawBatch::new(&schema, header).unwrap();
            for (number, line) in (1..).zip(lines) {
                batch.push(number, &line.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
            }
            batch.into_features().unwrap()
        };
        let branches: Vec<Branch> = branches.iter().map(|lines| branch(matrix(lines))).collect();
        let customers = branches.iter().map(|branch| branch.customers() as u64).sum();
        Self { schema_file, branches, held_out: matrix(held_out), customers, _folder: Some(folder) }
    }

    /// As [`Federation::open`], perhaps with other branches.
    pub(crate) fn of(published: Published, places: Option<Places<'_>>) -> Option<Self> {
        Self::read(published, &published.schema_file(), places)
    }

    fn read(published: Published, schema_file: &Path, places: Option<Places<'_>>) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let data = root.join("../shared/data");
        let rows: Vec<PathBuf> = published.files.iter().map(|file| data.join(file)).collect();
        if let Some(missing) = rows.iter().find(|file| !file.is_file()) {
            let what = format!("utility on {}", published.name);
            needed::skip("TRIBUTARY_TEST_DATA", &what, format_args!("no data at {}", missing.display()));
            return None;
        }
        let name = published.name;
        let schema = Schema::parse(&std::fs::read_to_string(schema_file).unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let request = PartitionRequest {
            data: &rows,
            schema: &schema,
            partition: &data.join(format!("partitions/{name}__segment_dir0.5__{BRANCHES}.csv")),
            split: Some(&data.join(format!("splits/{name}.csv"))),
            into: folder.path(),
        };
        let files: Vec<BranchFiles> = split_by_branch(&request).unwrap();
        assert_eq!(files.len(), BRANCHES);
        let held_out: Vec<PathBuf> = files.iter().filter_map(|branch| branch.held_out.clone()).collect();
        let held_out = read_csv_rows(&held_out, &schema, |_| true).unwrap();
        let training: Vec<PathBuf> = files.into_iter().map(|branch| branch.training).collect();
        let branches: Vec<Branch> = match places {
            None => training.iter().map(|file| branch(read_csv(file, &schema).unwrap())).collect(),
            Some((count, place)) => {
                let of = |number| read_csv_rows(&training, &schema, |row| place(row) == number).unwrap();
                (0..count).map(|number| branch(of(number))).collect()
            }
        };
        let customers = branches.iter().map(|branch| branch.customers() as u64).sum();
        Some(Self { schema_file: schema_file.to_path_buf(), branches, held_out, customers, _folder: None })
    }

    /// Branches.
    pub(crate) fn size(&self) -> usize {
        self.branches.len()
    }

    /// One setting for each family of models, whatever the data.
    pub(crate) fn plan(&self, setting: &Setting, epsilon: Option<f64>) -> Job {
        let privacy = epsilon.map_or(PrivacyTarget::None, |epsilon| PrivacyTarget::Customer { epsilon, delta: DELTA });
        let plan = cast::plan();
        let built = build(&PlanSettings {
            name: "published".into(),
            schema: self.schema_file.clone(),
            model: setting.model.clone(),
            rounds: setting.rounds,
            retries: setting.rounds.div_ceil(20),
            privacy,
            example_clip_norm: setting.clip_norm,
            loss_bound: 4.0,
            ring: Ring::Bits64,
            clip_units: None,
            customers_nominal: (self.customers + 500) / 1000 * 1000,
            customers_max: 200_000,
            initial_model: ModelRef::Seed(1),
            session_rounds: 50,
            round_deadline_ms: 60_000,
            keying_deadline_ms: 60_000,
            cohort: CohortRule::USUAL,
            group: "all".into(),
            optimizer: UpdateRule::Sgd { learning_rate: setting.learning_rate, momentum: 0.9 },
            tail_fraction: 0.5,
            mechanism: MechanismSettings {
                staged: setting.staged.clone(),
                features: setting.features,
                ..MechanismSettings::default()
            },
            schedule: ScheduleSettings {
                runs_max: 1,
                schedule: plan.schedule,
                readiness: plan.readiness,
                epsilon_all_runs: None,
            },
            charter: plan.charter,
        });
        let built = built.unwrap_or_else(|fault| panic!("{fault:?}"));
        // Nobody reads the signatures here: no federation runs.
        let approvals = cast::approvals(built.plan.plan());
        Job::of(built.plan, &built.schema, approvals).unwrap_or_else(|fault| panic!("{fault:?}"))
    }

    /// The AUC on everybody's held-out rows; see [`Federation::judged`].
    pub(crate) fn auc(&self, job: &Job, noise: Noise, run: u64) -> f64 {
        self.judged(job, noise, run).auc.unwrap()
    }

    /// Runs every stage as branches would that are all there, and judges the first label on everybody's held-out rows. A plan without noise gets none.
    pub(crate) fn judged(&self, job: &Job, noise: Noise, run: u64) -> Judged {
        let rehearsal = Rehearsal::new(&job.planned, &self.branches).unwrap();
        let mut entropy = Repeatable { run, drawn: 0 };
        let rehearsed = rehearsal.run(job.initial.clone(), Some(noise), &mut entropy).unwrap();
        judge(&rehearsed.model, &self.held_out).unwrap().swap_remove(0)
    }
}

/// Every branch draws a share.
pub(crate) fn shares(job: &Job, branches: usize) -> Noise {
    Noise::shares(job.plan(), branches).unwrap()
}

/// Of rows to learn from alone.
fn branch(rows: FeatureMatrix) -> Branch {
    Branch::of_public(rows, None)
}

/// Keys that are the same in every run of the test, so that its figures are.
struct Repeatable {
    run: u64,
    drawn: u64,
}

impl Entropy for Repeatable {
    fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(32) {
            let key = Digest::of_parts(&[b"utility", &self.run.to_le_bytes(), &self.drawn.to_le_bytes()]);
            part.copy_from_slice(&key.as_bytes()[..part.len()]);
            self.drawn += 1;
        }
    }
}
