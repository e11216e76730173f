//! Utility on real data: 50 branches of the bank marketing set, with the code that coordinator and clients run, in one process.
//!
//! The plan, the clip rule, the noise and the optimizer are those that a coordinator builds from its settings; a round is what 50 clients
//! compute, added up. Masks are left out: they cancel, which other tests show bit for bit.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::{Path, PathBuf};

use tributary_certs::entropy::OsEntropy;
use tributary_client::data::{BranchFiles, PartitionRequest, read_csv, read_csv_rows, split_by_branch};
use tributary_coordinator::Job;
use tributary_coordinator::settings::{MechanismSettings, ModelKind, OptimizerKind, PlanSettings, PrivacyTarget};
use tributary_model::evaluate::evaluate;
use tributary_model::features::FeatureMatrix;
use tributary_model::privacy::{NoiseShare, charged_rounds_max, share_variance};
use tributary_model::schema::Schema;
use tributary_model::server_optimizer::{MeanUpdate, ServerOptimizer};
use tributary_model::train::{Placement, Trainer, predict};
use tributary_model::update::clipped_sum;
use tributary_protocol::ids::OrganisationId;
use tributary_protocol::plan::RoundKind;
use tributary_protocol::secagg::modular::{Ring, RingWords};
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRule};

const ROUNDS: u32 = 100;
const BRANCHES: usize = 50;
const DELTA: f64 = 1e-6;

/// The branches' data and everybody's held-out rows.
struct Bank {
    _folder: tempfile::TempDir,
    schema_file: PathBuf,
    branches: Vec<FeatureMatrix>,
    held_out: FeatureMatrix,
    customers: u64,
}

impl Bank {
    /// Nothing where the data is not at hand, which is said aloud.
    fn open() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let data = root.join("../shared/data");
        let rows = data.join("bank_full/bank-full.csv");
        if !rows.is_file() {
            eprintln!("SKIPPED: no bank marketing data at {}; utility on real data was not measured", rows.display());
            return None;
        }
        let schema_file = root.join("docs/samples/schemas/bank_full.toml");
        let schema = Schema::parse(&std::fs::read_to_string(&schema_file).unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let request = PartitionRequest {
            data: &[rows],
            schema: &schema,
            partition: &data.join("partitions/bank_full__segment_dir0.5__50.csv"),
            split: Some(&data.join("splits/bank_full.csv")),
            into: folder.path(),
        };
        let files: Vec<BranchFiles> = split_by_branch(&request).unwrap();
        assert_eq!(files.len(), BRANCHES);
        let held_out: Vec<PathBuf> = files.iter().filter_map(|branch| branch.held_out.clone()).collect();
        Some(Self {
            held_out: read_csv_rows(&held_out, &schema, |_| true).unwrap(),
            branches: files.iter().map(|branch| read_csv(&branch.training, &schema).unwrap()).collect(),
            customers: files.iter().map(|branch| branch.training_rows).sum(),
            _folder: folder,
            schema_file,
        })
    }

    /// The demo's defaults, for this many customers.
    fn plan(&self, privacy: PrivacyTarget) -> Job {
        let job = Job::build(&PlanSettings {
            name: "bank".into(),
            schema: self.schema_file.clone(),
            model: ModelKind::Logistic,
            rounds: ROUNDS,
            retries: charged_rounds_max(ROUNDS) - ROUNDS,
            privacy,
            example_clip_norm: 1.0,
            loss_bound: 4.0,
            ring: Ring::Bits64,
            clip_units: None,
            customers_nominal: (self.customers + 500) / 1000 * 1000,
            customers_max: 200_000,
            seed: 1,
            session_rounds: 50,
            round_deadline_ms: 60_000,
            keying_deadline_ms: 60_000,
            cohort: CohortRule {
                coalition: CoalitionRule::Fraction { permille: 200 },
                cohort_min: 8,
                organisations_min: 1,
                survivors_permille: 800,
                honest_min: 5,
            },
            optimizer: OptimizerKind::Sgd { learning_rate: 0.75, momentum: 0.9 },
            tail_fraction: 0.5,
            mechanism: MechanismSettings::default(),
        });
        job.unwrap_or_else(|fault| panic!("{fault:?}"))
    }

    /// Trains as 50 branches would that are all there, and gives the AUC on everybody's held-out rows.
    fn auc(&self, job: &Job) -> f64 {
        let thresholds = job.plan.cohort.thresholds(&[OrganisationId(1); BRANCHES]).unwrap();
        let variance =
            job.guarantee.map(|_| share_variance(job.plan.noise_variance, thresholds.honest_min.into()).unwrap());
        let trainers: Vec<Trainer> = self
            .branches
            .iter()
            .map(|rows| Trainer::new(&job.architecture, rows, &Placement::Dense).unwrap())
            .collect();
        let mut optimizer = ServerOptimizer::new(job.optimizer, &job.initial);
        let mut model = job.initial.clone();
        for _ in 0..ROUNDS {
            let mut total = RingWords::zero(Ring::Bits64, job.plan.dimension(RoundKind::Train));
            for trainer in &trainers {
                let clipped = clipped_sum(trainer, &model, &job.rule).unwrap();
                let noise = match variance {
                    None => vec![0; total.len()],
                    Some(variance) => NoiseShare::sample(variance, total.len(), &mut OsEntropy).unwrap().into_values(),
                };
                total.add(&clipped.add_noise(noise).unwrap().quantize(Ring::Bits64).into_words()).unwrap();
            }
            let sum = total.centred();
            let (mean, _) =
                MeanUpdate::from_sum(&sum, &job.architecture, &job.rule, job.plan.customers_nominal).unwrap();
            model = optimizer.step(&mean).unwrap();
        }
        let scores = predict(&optimizer.released().unwrap(), &self.held_out).unwrap();
        evaluate(&scores, &self.held_out, 0).unwrap().auc.unwrap()
    }
}

#[test]
fn fifty_branches_reach_the_published_utility() {
    let Some(bank) = Bank::open() else { return };
    let private = bank.plan(PrivacyTarget::Customer { epsilon: 1.0, delta: DELTA });
    let plain = bank.plan(PrivacyTarget::None);
    assert!(private.guarantee.unwrap().epsilon <= 1.0);
    // The first model is zero and there is no other chance in a plan without noise: three runs of it would be one.
    let (bank, plain, private) = (&bank, &plain, &private);
    let (without, with) = std::thread::scope(|scope| {
        let without = scope.spawn(move || bank.auc(plain));
        let with: Vec<_> = (0..3).map(|_| scope.spawn(move || bank.auc(private))).collect();
        let join = |handle: std::thread::ScopedJoinHandle<'_, f64>| handle.join().expect("a run ends");
        (join(without), with.into_iter().map(join).collect::<Vec<f64>>())
    });
    let mean = with.iter().sum::<f64>() / 3.0;
    eprintln!(
        "bank_full, {BRANCHES} branches, {ROUNDS} rounds: no noise {without:.4}; epsilon 1: {with:.4?}, mean {mean:.4}"
    );
    assert!(without >= 0.765, "no noise: {without}");
    assert!(mean >= 0.760, "epsilon 1: {with:?}");
}
