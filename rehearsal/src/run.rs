//! One run of a plan, as branches and their coordinator would compute it that all stay to the end.

use tributary_model::features::FeatureMatrix;
use tributary_model::metrics::HeadFigures;
use tributary_model::parameters::Parameters;
use tributary_model::planned::Planned;
use tributary_model::privacy::NoiseSampler;
use tributary_model::stage::{PlannedStage, PublicState, Rows};
use tributary_model::train::{Placement, PlacementKey, ROWS_PER_CUSTOMER_MAX, Table, TableMaxima, Trainer};
use tributary_protocol::entropy::Entropy;
use tributary_protocol::ids::OrganisationId;
use tributary_protocol::plan::{ModelRef, NoiseShare, Plan};
use tributary_protocol::secagg::modular::RingWords;
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRefused};

use crate::fault::RehearsalFault;

/// The rows of one branch.
pub struct Branch {
    /// Rows to learn from.
    pub training: Table,
    /// Rows that were held out, where there are any.
    pub held_out: Option<Table>,
}

impl Branch {
    /// Of rows that are public: their own numbers are what a branch's public maxima say.
    #[must_use]
    pub fn of_public(training: FeatureMatrix, held_out: Option<FeatureMatrix>) -> Self {
        Self { training: table(training), held_out: held_out.map(table) }
    }

    /// Customers to learn from.
    #[must_use]
    pub fn customers(&self) -> usize {
        self.training.customer_count()
    }
}

/// With no more seats for a customer's rows than the customer with the most rows needs.
fn table(rows: FeatureMatrix) -> Table {
    let mut of_customers = vec![0_u32; rows.customer_count()];
    for customer in rows.customers() {
        if let Some(own) = of_customers.get_mut(*customer as usize) {
            *own += 1;
        }
    }
    let most = of_customers.into_iter().max().unwrap_or(1).clamp(1, ROWS_PER_CUSTOMER_MAX);
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).max(1);
    let (customers, all) = (count(rows.customer_count()), count(rows.rows()));
    let maxima = TableMaxima { customers, rows: all, rows_per_customer: most };
    Table::new(rows, maxima, &PlacementKey::new([0; 32])).expect("these maxima are within their limits")
}

/// Where the noise of a round comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise {
    /// Branches that draw, 1 or more.
    pub branches: usize,
    /// Where the noise is divided: each draws the plan's variance over this.
    pub counted_on: u16,
}

impl Noise {
    /// Every branch draws a share, and those alone are counted on that survive and are outside of the coalition that the plan assumes. Where the plan
    /// counts organisations, each branch is one.
    ///
    /// # Errors
    /// If the plan admits no round of so many branches.
    pub fn shares(plan: &Plan, branches: usize) -> Result<Self, CohortRefused> {
        let alone = matches!(plan.cohort.coalition, CoalitionRule::Organisations { .. });
        let members = (1..).take(branches).map(|number| OrganisationId(if alone { number } else { 1 }));
        let thresholds = plan.cohort.thresholds(&members.collect::<Vec<_>>(), branches)?;
        Ok(Self { branches, counted_on: thresholds.honest_min })
    }

    /// Variance of what a round's sum carries over what its stage states at least.
    #[must_use]
    pub fn excess(&self, share: NoiseShare) -> f64 {
        let branches = self.branches as f64;
        if share == NoiseShare::Divided { branches / f64::from(self.counted_on.max(1)) } else { branches }
    }
}

/// What a run has released.
pub struct Rehearsed {
    /// The model.
    pub model: Parameters,
    /// What a stage that evaluates says of it, head by head; empty without one.
    pub figures: Vec<HeadFigures>,
}

/// Branches of a plan, laid out for every stage. Runs of it may go on side by side.
pub struct Rehearsal<'a> {
    planned: &'a Planned,
    layouts: Vec<Layout>,
    customers_nominal: u32,
}

/// How all branches' rows lie for some stages.
struct Layout {
    placement: Placement,
    held_out: bool,
    trainers: Vec<Trainer>,
}

impl<'a> Rehearsal<'a> {
    /// Lays the rows out as branches do. Each branch divides steps of its own by its part of the plan's nominal number of customers.
    ///
    /// # Errors
    /// Without a branch, or if rows and network do not fit.
    pub fn new(planned: &'a Planned, branches: &[Branch]) -> Result<Self, RehearsalFault> {
        let number = u64::try_from(branches.len()).ok().filter(|number| *number > 0).ok_or(RehearsalFault::NoBranch)?;
        let customers_nominal = u32::try_from(planned.plan().customers_nominal.div_ceil(number)).unwrap_or(u32::MAX);
        let mut rehearsal = Self { planned, layouts: Vec::new(), customers_nominal };
        for stage in rehearsal.stages() {
            let (placement, held_out) = layout_of(&stage);
            if rehearsal.layout(&stage).is_some() {
                continue;
            }
            let rows = |branch: &Branch| {
                let table = branch.held_out.as_ref().filter(|_| held_out).unwrap_or(&branch.training);
                Trainer::new(planned.architecture(), table, placement)
            };
            let trainers = branches.iter().map(rows).collect::<Result<_, _>>()?;
            rehearsal.layouts.push(Layout { placement, held_out, trainers });
        }
        Ok(rehearsal)
    }

    fn stages(&self) -> impl Iterator<Item = PlannedStage<'a>> + use<'a> {
        let planned = self.planned;
        (0..).map_while(|number| planned.stage(number))
    }

    fn layout(&self, stage: &PlannedStage<'_>) -> Option<&Layout> {
        let wanted = layout_of(stage);
        self.layouts.iter().find(|layout| (layout.placement, layout.held_out) == wanted)
    }

    /// Runs every stage from a model. Without `noise`, or in a plan that has none, no noise is added.
    ///
    /// # Errors
    /// [`RehearsalFault`].
    pub fn run(
        &self,
        initial: Parameters,
        noise: Option<Noise>,
        entropy: &mut dyn Entropy,
    ) -> Result<Rehearsed, RehearsalFault> {
        self.watched(initial, noise, entropy, &mut |_, _| Ok(()))
    }

    /// The same. `watch` is shown each round's stage and public state before the branches are.
    ///
    /// # Errors
    /// [`RehearsalFault`], and whatever `watch` gives.
    pub(crate) fn watched(
        &self,
        initial: Parameters,
        noise: Option<Noise>,
        entropy: &mut dyn Entropy,
        watch: &mut dyn FnMut(&PlannedStage<'_>, &PublicState) -> Result<(), RehearsalFault>,
    ) -> Result<Rehearsed, RehearsalFault> {
        let mut handed = PublicState::of(initial);
        let mut figures = Vec::new();
        for stage in self.stages() {
            let Some(layout) = self.layout(&stage) else { return Err(RehearsalFault::NoBranch) };
            let round = Round::new(&stage, layout, (noise, self.customers_nominal))?;
            let mut state = stage.start_after(handed);
            for _ in 0..stage.terms().rounds {
                watch(&stage, state.public())?;
                let sum = round.sum(state.public(), entropy)?;
                let outcome = stage.advance(&mut state, &sum, layout.trainers.len())?;
                let of_stage = stage.figures(&outcome.histograms, (round.variance(), round.drawers())).heads;
                if !of_stage.is_empty() {
                    figures = of_stage;
                }
            }
            handed = stage.conclude(&state)?;
        }
        Ok(Rehearsed { model: handed.parameters, figures })
    }
}

/// The model from which the plan's first run begins; zeros where it names one of a registry.
#[must_use]
pub fn initial(planned: &Planned) -> Parameters {
    match planned.plan().initial_model {
        ModelRef::Seed(seed) => Parameters::initial(planned.architecture(), seed),
        ModelRef::Zero | ModelRef::PreviousRun | ModelRef::Digest(_) | ModelRef::Champion => {
            Parameters::zero(planned.architecture())
        }
    }
}

fn layout_of(stage: &PlannedStage<'_>) -> (Placement, bool) {
    (stage.placement().unwrap_or(Placement::Dense), stage.takes_held_out())
}

/// What every round of a stage has in common.
struct Round<'a> {
    stage: &'a PlannedStage<'a>,
    trainers: &'a [Trainer],
    noise: Option<(Noise, NoiseSampler)>,
    customers_nominal: u32,
}

impl<'a> Round<'a> {
    fn new(
        stage: &'a PlannedStage<'a>,
        layout: &'a Layout,
        (noise, customers_nominal): (Option<Noise>, u32),
    ) -> Result<Self, RehearsalFault> {
        let terms = stage.terms();
        let noise = noise.filter(|_| terms.noise_variance > 0).map(|noise| {
            let inside = terms.noise == NoiseShare::Inside;
            let variance = if inside { terms.noise_variance } else { terms.share_variance(noise.counted_on) };
            Ok::<_, RehearsalFault>((noise, NoiseSampler::new(variance)?))
        });
        Ok(Self { stage, trainers: &layout.trainers, noise: noise.transpose()?, customers_nominal })
    }

    /// Of one branch's noise.
    fn variance(&self) -> u128 {
        self.noise.as_ref().map_or(0, |(_, sampler)| sampler.variance())
    }

    fn drawers(&self) -> usize {
        self.noise.as_ref().map_or(0, |(noise, _)| noise.branches)
    }

    /// One round's opened sum.
    fn sum(&self, state: &PublicState, entropy: &mut dyn Entropy) -> Result<Vec<i64>, RehearsalFault> {
        let terms = self.stage.terms();
        let (ring, coordinates) = (terms.ring, terms.dimension as usize);
        let mut total = RingWords::zero(ring, coordinates);
        for (number, trainer) in self.trainers.iter().enumerate() {
            let rows = Rows { trainer, customers_nominal: self.customers_nominal };
            let sampler = self.noise.as_ref().filter(|(noise, _)| number < noise.branches).map(|(_, sampler)| sampler);
            let noised = match sampler {
                Some(sampler) if terms.noise == NoiseShare::Inside => {
                    self.stage.contribute_noised(&rows, state, sampler, entropy)?
                }
                sampler => {
                    let clipped = self.stage.contribute(&rows, state, entropy)?;
                    let own = match sampler {
                        Some(sampler) => sampler.share(coordinates, entropy)?.into_values(),
                        None => vec![0; coordinates],
                    };
                    clipped.add_noise(own).map_err(|_| RehearsalFault::Lengths)?
                }
            };
            total.add(&noised.quantize(ring).into_words()).map_err(|_| RehearsalFault::Lengths)?;
        }
        Ok(total.centred())
    }
}
