//! The canary: an attacker who knows every other customer, and the worst customer that can be, tells from the rounds' noised sums whether
//! that customer is there.
//!
//! What the sums reveal is Gaussian in the direction of the canary's integers, so the sum of the projections is the optimal test (Neyman and
//! Pearson). Its error rates, bounded from repetitions, bound epsilon from below (Jagielski, Ullman, Oprea 2020; by way of mu as in Nasr et
//! al. 2023, section 4). Every repetition is a whole plan, so that the bound is on what the ledger enforces: all rounds together.

use tributary_model::architecture::{Architecture, PairShape};
use tributary_model::features::RawBatch;
use tributary_model::parameters::Parameters;
use tributary_model::privacy::accountant::GaussianDp;
use tributary_model::privacy::{NoiseSampler, Target, calibrate, share_variance};
use tributary_model::schema::Schema;
use tributary_model::stage::{
    BlockSettings, Chosen, CountSettings, EvaluateSettings, Frame, LabelSettings, PlannedStage, PublicState,
    QuantileSettings, Rows, StageSettings, StagedSettings, Steps,
};
use tributary_model::train::{Placement, PlacementKey, Table, TableMaxima, Trainer};
use tributary_model::update::ClipForm;
use tributary_protocol::plan::PrivacyMode;
use tributary_protocol::secagg::modular::{Ring, RingWords};
use tributary_rehearsal::attacks::rate_max;

use super::support::{Counted, Customer, DOUBT, bisect, noised, rule, trainer, update};

const INPUTS: usize = 8;
const EPSILON: f64 = 4.0;
const DELTA: f64 = 1e-6;
const ROUNDS: u32 = 2;
/// Plans of each kind: many where the bound must come near, few where it must only be passed.
const PLANS: usize = 1500;
const PLANS_WEAKENED: usize = 300;
/// Branches that add a share, all of them honest: the fewest with which a sum has the guaranteed noise.
const HONEST: u32 = 2;

/// What a branch masks in a round: its sum, and its share of the noise.
type Make = Box<dyn Fn(&Trainer, Option<&NoiseSampler>, &mut Counted) -> RingWords>;

/// What the rows of staged learning look like.
const SCHEMA: &str = r#"
name = "canary"
version = 1
fields = [
    { name = "age", kind = "numeric", min = 0, max = 100, transform = "bins", edges = [25, 50, 75, 90], class = "C1", level = "L1" },
    { name = "region", kind = "categorical", categories = ["a", "b"], class = "C1", level = "L1" },
]
labels = [{ name = "churn", positive = ["yes"], negative = ["no"] }]
"#;

/// Two neighbouring data sets at work, and what the attacker knows.
struct Audit {
    make: Make,
    /// What the plan claims, in units squared.
    sensitivity_squared: u128,
    without: Trainer,
    with: Trainer,
    other_branch: Trainer,
    /// The sum without noise and without the canary.
    known: Vec<i64>,
    /// The canary's integers.
    canary: Vec<i64>,
}

/// Lower bounds on epsilon.
struct Bounds {
    /// From the rates alone, at delta.
    by_rates: f64,
    /// From the rates by way of mu, which is what Gaussian noise allows.
    by_mu: f64,
}

impl Audit {
    fn new(form: ClipForm) -> Self {
        let architecture = match form {
            ClipForm::Exact => Architecture::logistic(8, &["churn"]).unwrap(),
            ClipForm::Chunked => Architecture::mlp(8, &[4], &["churn"]).unwrap(),
        };
        let rule = rule(form, 1.0, 1 << 20);
        let mut chance = Counted::new("canary/rows");
        let mut somebody = || Customer { features: (0..INPUTS).map(|_| chance.unit()).collect(), label: chance.coin() };
        let mut here: Vec<Customer> = (0..8).map(|_| somebody()).collect();
        let there: Vec<Customer> = (0..8).map(|_| somebody()).collect();
        // Far out, and with the other label than the model is sure of: gradient, loss and count are all at their bounds.
        let canary = Customer { features: vec![8.0; INPUTS], label: false };
        let model = Parameters::new(architecture.clone(), vec![0.2; architecture.parameter_count()]).unwrap();
        let without = trainer(&architecture, &here, &rule);
        here.push(canary);
        let with = trainer(&architecture, &here, &rule);
        let other_branch = trainer(&architecture, &there, &rule);
        let sensitivity_squared = rule.sensitivity_squared_units(model.values().len()).unwrap();
        let make: Make = Box::new(move |trainer, noise, entropy| update(trainer, &model, &rule, noise, entropy));
        Self::of(make, sensitivity_squared, [without, with, other_branch])
    }

    /// Staged learning: a canary of whom a hostile model is sure, and wrong, at the weights with which a stage begins.
    /// With pairs of fields, at weights that an enemy gives them.
    fn staged(paired: bool) -> Self {
        let schema = Schema::parse(SCHEMA).unwrap();
        let architecture = Architecture::logistic(u32::try_from(schema.width()).unwrap(), &["churn"]).unwrap();
        let pairs = paired.then_some(PairShape { tables: 1, groups: 2 });
        let architecture = architecture.with_pairs(pairs).unwrap();
        let mut chance = Counted::new("canary/rows");
        let mut somebody = || [if chance.coin() { "30" } else { "60" }, if chance.coin() { "a" } else { "b" }, "no"];
        let mut here: Vec<[&str; 3]> = (0..8).map(|_| somebody()).collect();
        let there: Vec<[&str; 3]> = (0..8).map(|_| somebody()).collect();
        let trainer =
            |rows: &[[&str; 3]]| Trainer::new(&architecture, &table(&schema, rows), Placement::Cells).unwrap();
        let (without, other_branch) = (trainer(&here), trainer(&there));
        here.push(["95", "b", "no"]);
        let with = trainer(&here);
        let of_blocks = BlockSettings::plain(1 << 20, [2, 0, 0]);
        let steps = Steps::of(1.0, 0.9, None).unwrap();
        let settings =
            StageSettings::Staged(StagedSettings { of_blocks, head_shares: [0; 16], steps, paired, reweight: None });
        let make: Make = Box::new(move |trainer, noise, entropy| {
            let (privacy, schema) = (PrivacyMode::Customer, Some(&schema));
            let frame = Frame { privacy, overlap_max: 1, customers_nominal: 16, architecture: &architecture, schema };
            let chosen = Chosen { ring: Ring::Bits64, noise_variance: 1 << 60, sampling_threshold: 0, rounds: ROUNDS };
            let terms = settings.terms(&frame, chosen).unwrap();
            let stage = PlannedStage::new(&settings, frame, &terms);
            let first = stage.begin(Parameters::zero(&architecture));
            // Everybody's probability is 1, as an enemy's model says.
            let mut values = first.parameters.values().to_vec();
            *values.last_mut().unwrap() = 60.0;
            let parameters = Parameters::new(first.parameters.architecture().clone(), values).unwrap();
            let mut known = first.known;
            if paired {
                // Half of the squared norm, and what is left to the fields.
                known.weights.iter_mut().for_each(|weight| *weight = *weight / 1000 * 707);
                *known.weights.last_mut().unwrap() = (1 << 20) / 1000 * 707;
            }
            let state = PublicState { parameters, update_clip_norm: None, known };
            noised(stage.contribute(&Rows { trainer, customers_nominal: 1 }, &state, entropy).unwrap(), noise, entropy)
        });
        Self::of(make, 1 << 40, [without, with, other_branch])
    }

    /// A stage that counts: a canary in whose counts nothing is missing.
    fn counting(settings: StageSettings) -> Self {
        let schema = Schema::parse(SCHEMA).unwrap();
        let architecture = Architecture::logistic(u32::try_from(schema.width()).unwrap(), &["churn"]).unwrap();
        let mut chance = Counted::new("canary/rows");
        let mut somebody = || [if chance.coin() { "30" } else { "60" }, if chance.coin() { "a" } else { "b" }, "no"];
        let mut here: Vec<[&str; 3]> = (0..8).map(|_| somebody()).collect();
        let there: Vec<[&str; 3]> = (0..8).map(|_| somebody()).collect();
        let own = (schema.clone(), architecture.clone());
        let planned = move |asked: &mut dyn FnMut(&PlannedStage<'_>)| {
            let (schema, architecture) = &own;
            let (privacy, schema) = (PrivacyMode::Customer, Some(schema));
            let frame = Frame { privacy, overlap_max: 1, customers_nominal: 16, architecture, schema };
            let chosen = Chosen { ring: Ring::Bits64, noise_variance: 1 << 60, sampling_threshold: 0, rounds: 1 };
            let terms = settings.terms(&frame, chosen).unwrap();
            asked(&PlannedStage::new(&settings, frame, &terms));
        };
        let (mut sensitivity_squared, mut placement) = (0, None);
        planned(&mut |stage| {
            (sensitivity_squared, placement) = (stage.terms().sensitivity_squared, stage.placement());
        });
        let placement = placement.unwrap_or(Placement::Dense);
        let trainer = |rows: &[[&str; 3]]| Trainer::new(&architecture, &table(&schema, rows), placement).unwrap();
        let (without, other_branch) = (trainer(&here), trainer(&there));
        here.push(["95", "b", "yes"]);
        let with = trainer(&here);
        let make: Make = Box::new(move |trainer, noise, entropy| {
            let mut sum = None;
            planned(&mut |stage| {
                let state = stage.begin(Parameters::zero(&architecture));
                let rows = Rows { trainer, customers_nominal: 1 };
                sum = Some(noised(stage.contribute(&rows, &state, entropy).unwrap(), noise, entropy));
            });
            sum.unwrap()
        });
        Self::of(make, sensitivity_squared, [without, with, other_branch])
    }

    fn of(make: Make, sensitivity_squared: u128, [without, with, other_branch]: [Trainer; 3]) -> Self {
        let mut chance = Counted::new("canary/quiet");
        let mut quiet = |trainer| make(trainer, None, &mut chance).centred();
        let (low, high, other) = (quiet(&without), quiet(&with), quiet(&other_branch));
        let canary = high.iter().zip(&low).map(|(high, low)| high - low).collect();
        let known = low.iter().zip(&other).map(|(low, other)| low + other).collect();
        Self { make, sensitivity_squared, without, with, other_branch, known, canary }
    }

    fn canary_squared(&self) -> f64 {
        self.canary.iter().map(|units| (*units as f64).powi(2)).sum()
    }

    /// The projections of all rounds of one plan, in lengths of the canary.
    fn statistic(&self, present: bool, noise: Option<&NoiseSampler>, entropy: &mut Counted) -> f64 {
        let here = if present { &self.with } else { &self.without };
        let round = |entropy: &mut Counted| {
            let mut sum = (self.make)(here, noise, entropy);
            sum.add(&(self.make)(&self.other_branch, noise, entropy)).unwrap();
            let seen = sum.centred().into_iter().zip(&self.known).map(|(sum, known)| (sum - known) as f64);
            seen.zip(&self.canary).map(|(seen, canary)| seen * *canary as f64).sum::<f64>() / self.canary_squared()
        };
        (0..ROUNDS).map(|_| round(entropy)).sum()
    }

    /// Attacks so many plans of each kind under noise of this variance in the whole sum.
    fn attack(&self, variance: u128, plans: usize) -> Bounds {
        let share = share_variance(variance, HONEST).unwrap_or(0);
        let noise = (variance > 0).then(|| NoiseSampler::new(share).unwrap());
        let mut entropy = Counted::new("canary/noise");
        // Halfway between the two means: the rates are equal, and their sum is smallest.
        let threshold = f64::from(ROUNDS) / 2.0;
        let mut accused =
            |present| (0..plans).filter(|_| self.statistic(present, noise.as_ref(), &mut entropy) > threshold).count();
        let (false_alarms, misses) = (accused(false), plans - accused(true));
        let [false_alarm_max, miss_max] = [false_alarms, misses].map(|errors| rate_max((errors, plans), DOUBT));
        let by_rates = ((1.0 - DELTA - miss_max) / false_alarm_max).ln().max(0.0);
        // The largest advantage under mu is delta at epsilon 0.
        let advantage = (1.0 - false_alarm_max - miss_max).max(0.0);
        let gaussian = |mu: f64| GaussianDp::round(1.0 / mu);
        let mu = bisect(1e-9, 50.0, |mu| gaussian(mu).ln_delta(0.0).exp() < advantage);
        Bounds { by_rates, by_mu: gaussian(mu).epsilon(DELTA) }
    }
}

/// Rows of [`SCHEMA`].
fn table(schema: &Schema, rows: &[[&str; 3]]) -> Table {
    let mut batch = RawBatch::new(schema, &["age", "region", "churn"]).unwrap();
    for (number, row) in (1..).zip(rows) {
        batch.push(number, row).unwrap();
    }
    let maxima = TableMaxima { customers: 128, rows: 128, rows_per_customer: 1 };
    Table::new(batch.into_features().unwrap(), maxima, &PlacementKey::new([1; 32])).unwrap()
}

fn audit(form: &str, audit: &Audit) {
    let sensitivity_squared_units = audit.sensitivity_squared;
    let target = Target { epsilon: EPSILON, delta: DELTA, rounds_charged: ROUNDS, sensitivity_squared_units };
    let claim = calibrate(&target).unwrap();
    let reached = audit.canary_squared() / sensitivity_squared_units as f64;
    assert!(reached <= 1.0 && reached > 0.97, "{form}: a canary of {reached} is not the worst case");

    let enforced = claim.epsilon_enforced;
    let found = audit.attack(claim.total_variance_units, PLANS);
    let half = audit.attack(claim.total_variance_units / 4, PLANS_WEAKENED);
    let none = audit.attack(0, PLANS_WEAKENED);
    eprintln!(
        "{form}: enforced {enforced:.2}, Gaussian {:.2}; at least {:.2} (by rates {:.2}); with half of the noise {:.2}; without {:.2}",
        claim.epsilon_gdp, found.by_mu, found.by_rates, half.by_mu, none.by_mu
    );
    assert!(found.by_mu <= enforced && found.by_rates <= enforced, "{form}: {} beyond {enforced}", found.by_mu);
    assert!(found.by_mu >= 0.5 * enforced, "{form}: the audit has no power: {} of {enforced}", found.by_mu);
    assert!(half.by_mu > enforced, "{form}: half of the noise passes unnoticed: {}", half.by_mu);
    assert!(none.by_mu > enforced && none.by_rates > enforced, "{form}: no noise passes unnoticed: {}", none.by_mu);
}

#[test]
fn the_exact_form_keeps_the_enforced_epsilon() {
    audit("exact", &Audit::new(ClipForm::Exact));
}

#[test]
fn the_chunked_form_keeps_the_enforced_epsilon() {
    audit("chunked", &Audit::new(ClipForm::Chunked));
}

#[test]
fn staged_learning_keeps_the_enforced_epsilon() {
    audit("staged", &Audit::staged(false));
}

#[test]
fn pairs_of_fields_keep_the_enforced_epsilon() {
    audit("pairs", &Audit::staged(true));
}

/// Each of the stages of one round, twice.
#[test]
fn stages_that_count_keep_the_enforced_epsilon() {
    const UNITS: u32 = 1 << 20;
    let quantile = QuantileSettings { clip_units: UNITS, coarse: [2, 0, 0], rare_deviations: 0 };
    for (form, settings) in [
        ("count", StageSettings::Count(CountSettings { clip_units: UNITS, bins: 5, labels: true })),
        ("labels", StageSettings::Labels(LabelSettings { clip_units: UNITS })),
        ("quantile", StageSettings::Quantile(quantile)),
        ("evaluate", StageSettings::Evaluate(EvaluateSettings { clip_units: UNITS, bins: 4, groups: None })),
    ] {
        audit(form, &Audit::counting(settings));
    }
}
