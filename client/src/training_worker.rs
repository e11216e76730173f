//! The thread that touches data: it reads the file once, and trains, clips, noises and masks when the machine hands it a permit.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use cpu_time::ThreadTime;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::suite::RealSuite;
use tributary_model::counts::CellLayout;
use tributary_model::features::FeatureMatrix;
use tributary_model::parameters::Parameters;
use tributary_model::planned::cell_layout;
use tributary_model::privacy::Selection;
use tributary_model::schema::Schema;
use tributary_model::train::{Placement, PlacementKey, Trainer};
use tributary_model::update::{
    ClipForm, ClippedSum, LocalNoise, LocalRule, NoisedUpdate, branch_update, clipped_sum_of, count_features,
    count_scores, private_update,
};
use tributary_protocol::entropy::Entropy as _;
use tributary_protocol::message::RefusalCode;
use tributary_protocol::plan::{PrivacyMode, RoundKind, ValidPlan};
use tributary_protocol::round::{Contribution, ParticipantInput, RoundDescriptor};
use tributary_protocol::secagg::masked_sum::{MaskedUpdate, mask};

use crate::data::read_csv;
use crate::judge::{Judged, judge};
use crate::noise::NoiseSource;
use crate::policy::BranchPolicy;

/// What the worker is asked.
pub enum Job {
    /// Judge a plan, read the data, lay it out.
    Judge(ValidPlan),
    /// Make a round's masked vector from this model.
    Contribute(Contribution, Vec<u8>),
    /// Draw this branch's noise for the next round while nothing else is to do.
    DrawAhead {
        /// Variance of each value of a share, in units squared.
        variance: u128,
    },
}

/// What the worker answers.
pub enum Answer {
    /// For the machine.
    Input(Box<ParticipantInput>),
    /// A masked vector: the machine learns of it, and the shell keeps it until the machine lets it leave.
    Masked(MaskedUpdate),
    /// Why something failed, for the operator.
    Explain(String),
    /// Rows of customers that have more than the settings allow: so many were left out. For the operator's screen alone.
    Dropped {
        /// Rows left out.
        rows: usize,
        /// Rows that are used.
        kept: usize,
    },
}

/// CPU time of the worker by purpose.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkerCpu {
    /// Forward and backward passes, clipping, summing. In local mode the noise of each step as well.
    pub training: Duration,
    /// Drawing noise.
    pub noise: Duration,
}

/// Where the data is and how much of it there may be.
pub struct DataSource {
    /// The file.
    pub file: PathBuf,
    /// Rows for evaluation, where there are any.
    pub held_out: Option<PathBuf>,
    /// Their schema.
    pub schema: Schema,
    /// Public maximum of customers.
    pub customers_max: u32,
    /// Public number of customers, for local steps.
    pub customers_nominal: Option<u32>,
    /// Public maximum of one customer's rows.
    pub rows_per_customer_max: u32,
    /// What the owner of the data allows.
    pub policy: BranchPolicy,
}

/// Everything that a plan needs from the branch.
struct Ready {
    plan: ValidPlan,
    judged: Judged,
    trainer: Trainer,
    /// The rows that are counted; kept only where the plan counts.
    statistics: Option<(Arc<FeatureMatrix>, CellLayout)>,
    evaluation: Option<(Arc<FeatureMatrix>, CellLayout)>,
}

struct Worker<A> {
    source: DataSource,
    answer: A,
    ready: Option<Ready>,
    noise: NoiseSource,
    cpu: WorkerCpu,
}

/// Runs until the job channel closes; returns the CPU time by purpose.
pub fn run(source: DataSource, jobs: &mpsc::Receiver<Job>, answer: impl Fn(Answer)) -> WorkerCpu {
    let noise = NoiseSource::new(source.policy.own_noise);
    let mut worker = Worker { source, answer, ready: None, noise, cpu: WorkerCpu::default() };
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Judge(plan) => worker.judge(plan),
            Job::Contribute(contribution, model) => worker.contribute(contribution, &model),
            Job::DrawAhead { variance } => worker.draw_ahead(variance),
        }
    }
    worker.cpu
}

impl<A: Fn(Answer)> Worker<A> {
    fn judge(&mut self, plan: ValidPlan) {
        let digest = plan.digest();
        if self.ready.as_ref().is_some_and(|ready| ready.plan.digest() == digest) {
            // The same plan over a new connection: nothing about it has changed.
            return (self.answer)(Answer::Input(Box::new(ParticipantInput::PlanJudged {
                plan: digest,
                verdict: Ok(()),
            })));
        }
        let schema = &self.source.schema;
        let verdict = self.source.policy.admits_fields(schema).and_then(|()| judge(&plan, schema));
        let verdict = verdict.and_then(|judged| {
            self.prepare(plan, judged).map_err(|explanation| {
                (self.answer)(Answer::Explain(explanation));
                RefusalCode::TrainingFailed
            })
        });
        let verdict = verdict.map(|ready| self.ready = Some(ready));
        (self.answer)(Answer::Input(Box::new(ParticipantInput::PlanJudged { plan: digest, verdict })));
    }

    /// Reads the branch's rows; only after the plan was admitted.
    fn prepare(&self, plan: ValidPlan, judged: Judged) -> Result<Ready, String> {
        self.noise.admits(&plan)?;
        let data = self.read(&self.source.file)?;
        let customers = data.customer_count();
        if customers > self.source.customers_max as usize {
            return Err(format!(
                "the data holds more customers than data.customers_max = {} allows; raise it, it is public",
                self.source.customers_max
            ));
        }
        if plan.privacy == PrivacyMode::Local && self.source.customers_nominal.is_none() {
            return Err("the plan trains locally, and data.customers_nominal is not set: give a public number of this branch's customers, \
                        by which local steps divide instead of the actual one"
                .into());
        }
        let placement = match judged.rule.form() {
            ClipForm::Exact => Placement::Dense,
            ClipForm::Chunked => Placement::Hashed {
                key: PlacementKey::new(OsEntropy.bytes32()),
                customers_max: self.source.customers_max,
                rows_per_customer_max: self.source.rows_per_customer_max,
            },
        };
        let trainer = Trainer::new(&judged.architecture, &data, &placement).map_err(|fault| fault.to_string())?;
        let layout = |kind| cell_layout(&plan, kind, &judged.architecture, Some(&self.source.schema));
        let data = Arc::new(data);
        let evaluation = match (layout(RoundKind::Evaluation), &self.source.held_out) {
            (Some(layout), Some(held_out)) => Some((Arc::new(self.read(held_out)?), layout)),
            (Some(layout), None) => Some((Arc::clone(&data), layout)),
            (None, _) => None,
        };
        let statistics = layout(RoundKind::Statistics).map(|layout| (data, layout));
        Ok(Ready { plan, judged, trainer, statistics, evaluation })
    }

    /// The rows of a file, no more of any customer than the settings allow.
    fn read(&self, file: &std::path::Path) -> Result<FeatureMatrix, String> {
        let data = read_csv(file, &self.source.schema).map_err(|fault| fault.to_string())?;
        let (data, rows) = data.bounded(self.source.rows_per_customer_max);
        if rows > 0 {
            (self.answer)(Answer::Dropped { rows, kept: data.rows() });
        }
        Ok(data)
    }

    fn contribute(&mut self, contribution: Contribution, model: &[u8]) {
        let round = contribution.descriptor.round;
        match self.masked(contribution, model) {
            Ok(update) => (self.answer)(Answer::Masked(update)),
            Err(explanation) => {
                (self.answer)(Answer::Explain(explanation));
                (self.answer)(Answer::Input(Box::new(ParticipantInput::TrainingFailed { round })));
            }
        }
    }

    /// The data's way: clipped sum, noise, ring, mask; each stage consumes the one before.
    fn masked(&mut self, contribution: Contribution, model: &[u8]) -> Result<MaskedUpdate, String> {
        let Contribution { descriptor, receipt, seeds } = contribution;
        let ready = self.ready.as_ref().ok_or("no plan was admitted")?;
        let started = ThreadTime::now();
        let parameters =
            Parameters::from_le_bytes(&ready.judged.architecture, model).map_err(|fault| fault.to_string())?;
        let own_noise = ready.plan.privacy == PrivacyMode::Local && descriptor.kind == RoundKind::Train;
        let noised = if own_noise {
            let nominal = self.source.customers_nominal.ok_or("data.customers_nominal is not set")?;
            let noised = ready.private_update(&parameters, nominal, &mut self.noise)?;
            self.cpu.training += started.elapsed();
            noised
        } else {
            let sum = ready.sum(&descriptor, &parameters)?;
            self.cpu.training += started.elapsed();
            let started = ThreadTime::now();
            let noise = self.noise.values(&ready.plan, &descriptor)?;
            self.cpu.noise += started.elapsed();
            sum.add_noise(noise).map_err(|fault| fault.to_string())?
        };
        Ok(mask::<RealSuite>(noised.quantize(descriptor.ring).into_words(), receipt, seeds))
    }

    fn draw_ahead(&mut self, share: u128) {
        let Some(ready) = &self.ready else { return };
        let started = ThreadTime::now();
        self.noise.draw_ahead(&ready.plan, share);
        self.cpu.noise += started.elapsed();
    }
}

impl Ready {
    /// What this branch puts into a round, before its noise.
    fn sum(&self, descriptor: &RoundDescriptor, parameters: &Parameters) -> Result<ClippedSum, String> {
        let Self { plan, judged, trainer, .. } = self;
        match descriptor.kind {
            RoundKind::Train => match judged.local {
                Some(local) => {
                    let update_clip_norm = f64::from_bits(descriptor.update_clip_norm_bits);
                    let local = LocalRule { update_clip_norm, ..local };
                    branch_update(trainer, parameters, (&judged.rule, &local)).map_err(|fault| fault.to_string())
                }
                None => {
                    let selection = Selection::draw(trainer.customers(), plan.sampling_threshold, &mut OsEntropy);
                    clipped_sum_of(trainer, parameters, &judged.rule, &selection).map_err(|fault| fault.to_string())
                }
            },
            RoundKind::Evaluation => {
                let (data, layout) = self.evaluation.as_ref().ok_or("the plan does not evaluate")?;
                count_scores(parameters, data, layout, plan.clip_units).map_err(|fault| fault.to_string())
            }
            RoundKind::Statistics => {
                let (data, layout) = self.statistics.as_ref().ok_or("the plan asks for no statistics")?;
                Ok(count_features(data, layout, plan.clip_units))
            }
        }
    }

    /// The difference of models after local steps with this branch's own noise.
    fn private_update(
        &self,
        parameters: &Parameters,
        customers_nominal: u32,
        noise: &mut NoiseSource,
    ) -> Result<NoisedUpdate, String> {
        let Self { plan, judged, trainer, .. } = self;
        let local = judged.local.ok_or("the plan does not train locally")?;
        let sampler = noise.sampler(plan.noise_variance)?;
        let probability = tributary_model::planned::release(plan).sampling_probability;
        let noise = LocalNoise {
            sampler,
            sampling_threshold: plan.sampling_threshold,
            customers_nominal: f64::from(customers_nominal) * probability,
        };
        private_update(trainer, parameters, (&judged.rule, &local), noise, &mut OsEntropy)
            .map_err(|fault| fault.to_string())
    }
}
