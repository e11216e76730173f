//! The thread that touches data: it reads the file once, and trains, clips, noises and masks when the machine hands it a permit.

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use cpu_time::ThreadTime;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::suite::RealSuite;
use tributary_model::parameters::Parameters;
use tributary_model::privacy::{NoiseSampler, NoiseShare};
use tributary_model::schema::Schema;
use tributary_model::train::{Placement, PlacementKey, Trainer};
use tributary_model::update::{ClipForm, clipped_sum};
use tributary_protocol::entropy::Entropy as _;
use tributary_protocol::message::RefusalCode;
use tributary_protocol::plan::ValidPlan;
use tributary_protocol::round::{Contribution, ParticipantInput};
use tributary_protocol::secagg::masked_sum::{MaskedUpdate, mask};

use crate::data::read_csv;
use crate::judge::{Judged, judge};

/// What the worker is asked.
pub enum Job {
    /// Judge a plan, read the data, lay it out.
    Judge(ValidPlan),
    /// Make a round's masked vector from this model.
    Contribute(Contribution, Vec<u8>),
    /// Draw a noise share for the next round while nothing else is to do.
    DrawAhead {
        /// Variance of each value, in units squared.
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
}

/// CPU time of the worker by purpose.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkerCpu {
    /// Forward and backward passes, clipping, summing.
    pub training: Duration,
    /// Drawing noise.
    pub noise: Duration,
}

/// Where the data is and how much of it there may be.
pub struct DataSource {
    /// The file.
    pub file: PathBuf,
    /// Its schema.
    pub schema: Schema,
    /// Public maximum of customers.
    pub customers_max: u32,
    /// Public maximum of one customer's rows.
    pub rows_per_customer_max: u32,
}

struct Worker<A> {
    source: DataSource,
    answer: A,
    ready: Option<(ValidPlan, Judged, Trainer)>,
    sampler: Option<NoiseSampler>,
    ahead: Option<NoiseShare>,
    cpu: WorkerCpu,
}

/// Runs until the job channel closes; returns the CPU time by purpose.
pub fn run(source: DataSource, jobs: &mpsc::Receiver<Job>, answer: impl Fn(Answer)) -> WorkerCpu {
    let mut worker = Worker { source, answer, ready: None, sampler: None, ahead: None, cpu: WorkerCpu::default() };
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
        if self.ready.as_ref().is_some_and(|(ready, ..)| ready.digest() == digest) {
            // The same plan over a new connection: nothing about it has changed.
            return (self.answer)(Answer::Input(Box::new(ParticipantInput::PlanJudged {
                plan: digest,
                verdict: Ok(()),
            })));
        }
        let verdict = judge(&plan, &self.source.schema).and_then(|judged| {
            let trainer = self.prepare(&judged).map_err(|explanation| {
                (self.answer)(Answer::Explain(explanation));
                RefusalCode::TrainingFailed
            })?;
            Ok((judged, trainer))
        });
        let verdict = verdict.map(|(judged, trainer)| self.ready = Some((plan, judged, trainer)));
        (self.answer)(Answer::Input(Box::new(ParticipantInput::PlanJudged { plan: digest, verdict })));
    }

    /// Reads the branch's rows; only after the plan was admitted.
    fn prepare(&mut self, judged: &Judged) -> Result<Trainer, String> {
        let data = read_csv(&self.source.file, &self.source.schema).map_err(|fault| fault.to_string())?;
        let customers = data.customer_count();
        if customers > self.source.customers_max as usize {
            return Err(format!(
                "the data holds more customers than data.customers_max = {} allows; raise it, it is public",
                self.source.customers_max
            ));
        }
        let placement = match judged.rule.form() {
            ClipForm::Exact => Placement::Dense,
            ClipForm::Chunked => Placement::Hashed {
                key: PlacementKey::new(OsEntropy.bytes32()),
                customers_max: self.source.customers_max,
                rows_per_customer_max: self.source.rows_per_customer_max,
            },
        };
        Trainer::new(&judged.architecture, &data, &placement).map_err(|fault| fault.to_string())
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
        let (plan, judged, trainer) = self.ready.as_ref().ok_or("no plan was admitted")?;
        let started = ThreadTime::now();
        let parameters = Parameters::from_le_bytes(&judged.architecture, model).map_err(|fault| fault.to_string())?;
        let sum = clipped_sum(trainer, &parameters, &judged.rule).map_err(|fault| fault.to_string())?;
        self.cpu.training += started.elapsed();
        let dimension = plan.dimension();
        let started = ThreadTime::now();
        let ahead = self.ahead.take().filter(|share| share.variance() == descriptor.share_variance);
        let noise = match ahead.filter(|share| share.dimension() == dimension) {
            Some(share) => share.into_values(),
            None if descriptor.share_variance == 0 => vec![0; dimension],
            None => draw(&mut self.sampler, descriptor.share_variance, dimension)?.into_values(),
        };
        self.cpu.noise += started.elapsed();
        let noised = sum.add_noise(noise).map_err(|fault| fault.to_string())?;
        Ok(mask::<RealSuite>(noised.quantize(descriptor.ring).into_words(), receipt, seeds))
    }

    fn draw_ahead(&mut self, variance: u128) {
        let Some((plan, ..)) = &self.ready else { return };
        if variance == 0 || self.ahead.is_some() {
            return;
        }
        let started = ThreadTime::now();
        // A variance out of range is reported by the round that needs it.
        self.ahead = draw(&mut self.sampler, variance, plan.dimension()).ok();
        self.cpu.noise += started.elapsed();
    }
}

/// A fresh share, from the sampler of its variance, which is made once.
fn draw(sampler: &mut Option<NoiseSampler>, variance: u128, dimension: usize) -> Result<NoiseShare, String> {
    let sampler = match sampler.take().filter(|sampler| sampler.variance() == variance) {
        Some(kept) => sampler.insert(kept),
        None => sampler.insert(NoiseSampler::new(variance).map_err(|fault| fault.to_string())?),
    };
    sampler.share(dimension, &mut OsEntropy).map_err(|fault| fault.to_string())
}
