//! A kind of stage that the core has never heard of runs through a whole simulated federation: the production machines, under faults and liars,
//! carry it by its numbers alone. Its rows, vectors and sums are the model's own code.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use ndarray::Array2;
use tributary_certs::entropy::OsEntropy;
use tributary_model::architecture::Architecture;
use tributary_model::features::FeatureMatrix;
use tributary_model::planned::{self, Planned};
use tributary_model::stage::{Chosen, Frame, MeanSettings, PlannedStage, PublicState, Rows, StageSettings};
use tributary_model::train::{Placement, PlacementKey, Table, TableMaxima, Trainer};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{ModelRef, Plan, PrivacyMode, Stage};
use tributary_protocol::secagg::modular::Ring;
use tributary_tests::{Meaning, Opened, Options, Profile, SuiteKind, run_meaning};

const CLIENTS: usize = 10;
const CUSTOMERS: usize = 3;
const UNITS: u32 = 1000;

/// The value of a customer of a branch: some lie outside of what counts.
fn value(branch: usize, customer: usize) -> f32 {
    let value = f32::from(u8::try_from(branch * CUSTOMERS + customer).expect("few customers"));
    value / 20.0 - 0.2
}

/// What a coordinator read, by column and survivors.
type Read = Rc<RefCell<Vec<(Vec<usize>, f64)>>>;

/// The means of two columns, one stage each. What coordinators read is noted.
struct Means {
    architecture: Architecture,
    trainers: Vec<Trainer>,
    read: Read,
}

impl Means {
    fn new(read: Read) -> Self {
        let architecture = Architecture::logistic(2, &["churn"]).expect("an architecture");
        let trainers = (0..CLIENTS).map(|branch| trainer(&architecture, branch)).collect();
        Self { architecture, trainers, read }
    }

    fn frame(&self) -> Frame<'_> {
        Frame {
            privacy: PrivacyMode::Customer,
            overlap_max: 1,
            customers_nominal: 1000,
            architecture: &self.architecture,
            schema: None,
        }
    }

    fn with<T>(&self, terms: &Stage, what: impl FnOnce(PlannedStage<'_>) -> T) -> T {
        let settings = StageSettings::decode(&terms.kind, &terms.settings).expect("its own settings");
        what(PlannedStage::new(&settings, self.frame(), terms))
    }

    /// What a branch's customers come to: values within 0 and 1 in whole units.
    fn units(branch: usize, column: usize) -> f64 {
        let of = |customer| if column == 0 { value(branch, customer) } else { 1.0 - value(branch, customer) };
        let whole = |value: f32| (f64::from(value.clamp(0.0, 1.0)) * f64::from(UNITS)).floor();
        (0..CUSTOMERS).map(|customer| whole(of(customer))).sum()
    }
}

/// A branch's rows: a value and what it lacks to 1.
fn trainer(architecture: &Architecture, branch: usize) -> Trainer {
    let features = (0..CUSTOMERS).flat_map(|customer| [value(branch, customer), 1.0 - value(branch, customer)]);
    let table = |columns, values: Vec<f32>| Array2::from_shape_vec((CUSTOMERS, columns), values).expect("a table");
    let rows = FeatureMatrix::new(
        table(2, features.collect()),
        table(1, vec![0.0; CUSTOMERS]),
        table(1, vec![1.0; CUSTOMERS]),
        (0..).take(CUSTOMERS).collect(),
    );
    let maxima = TableMaxima { customers: 128, rows: 128, rows_per_customer: 1 };
    let table = Table::new(rows.expect("rows"), maxima, &PlacementKey::new([1; 32])).expect("maxima");
    Trainer::new(architecture, &table, Placement::Dense).expect("a trainer")
}

impl Meaning for Means {
    fn plan(&self, usual: Plan) -> Plan {
        let chosen = Chosen { ring: Ring::Bits64, noise_variance: 2_000_000_000, sampling_threshold: 0, rounds: 1 };
        let stage = |column| {
            let settings = StageSettings::Mean(MeanSettings { column, units: UNITS });
            settings.terms(&self.frame(), chosen).expect("a stage")
        };
        let architecture = self.architecture.encode();
        let plan = Plan { architecture, stages: vec![stage(0), stage(1)], initial_model: ModelRef::Zero, ..usual };
        let checked: Planned = planned::check(&plan, None).expect("every number follows");
        assert_eq!(checked.stages().len(), 2);
        plan
    }

    fn first_state(&self) -> Vec<u8> {
        PublicState::zero(&self.architecture).to_bytes()
    }

    fn digest(&self, state: &[u8]) -> Digest {
        Digest::of(state)
    }

    fn contribute(&self, stage: &Stage, client: usize, state: &[u8]) -> Vec<i64> {
        self.with(stage, |stage| {
            let rows = Rows { trainer: &self.trainers[client], customers_nominal: 1 };
            let state = stage.admit_state(state).expect("no state is needed");
            let sum = stage.contribute(&rows, &state, &mut OsEntropy).expect("a vector");
            let zeros = vec![0; sum.coordinates()];
            sum.add_noise(zeros).expect("no noise").quantize(stage.terms().ring).into_words().centred()
        })
    }

    fn advance(&self, stage: &Stage, state: &[u8], opened: Opened<'_>) -> Vec<u8> {
        let outcome = self.with(stage, |stage| stage.read(opened.sum, opened.survivors).expect("a mean"));
        let column = usize::from(outcome.histograms[0].name == "mean of input 1");
        self.read.borrow_mut().push((vec![column, opened.survivors], outcome.histograms[0].counts[0]));
        state.to_vec()
    }

    fn conclude(&self, _: &Stage, state: &[u8]) -> Vec<u8> {
        state.to_vec()
    }
}

/// Runs a federation; the means that its coordinator read, by column and survivors.
fn means(seed: u64, faults: Profile) -> Vec<(Vec<usize>, f64)> {
    let read = Read::default();
    let options =
        Options { clients: u32::try_from(CLIENTS).expect("few clients"), rounds: 1, faults, suite: SuiteKind::Toy };
    let outcome = run_meaning(seed, &options, Box::new(Means::new(Rc::clone(&read))));
    assert_eq!(outcome.violation, None, "seed {seed}");
    read.take()
}

#[test]
fn a_federation_takes_the_means_of_two_columns() {
    let mean = |column| {
        let units: f64 = (0..CLIENTS).map(|branch| Means::units(branch, column)).sum();
        units / (CLIENTS * CUSTOMERS) as f64 / f64::from(UNITS)
    };
    // A plan may run twice.
    for (place, (of, found)) in means(0, Profile::None).into_iter().enumerate() {
        assert_eq!(of, [place % 2, CLIENTS]);
        assert!((found - mean(of[0])).abs() < 1e-12, "{found}");
    }
}

/// Whatever strikes or lies, a sum is that of its survivors' rows: the judge makes each of their vectors again.
#[test]
fn it_keeps_the_invariants_under_faults_and_lies() {
    let mut survivors = BTreeSet::new();
    for profile in [Profile::Network, Profile::Crash, Profile::ByzantineClients, Profile::ByzantineCoordinator] {
        for seed in 0..12 {
            survivors.extend(means(seed, profile).into_iter().map(|(of, _)| of[1]));
        }
    }
    assert!(survivors.len() > 1 && survivors.contains(&CLIENTS), "{survivors:?}");
}
