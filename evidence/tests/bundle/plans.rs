//! Plans of the worlds, what their branches send, and what their coordinators count.

use tributary_model::architecture::{Architecture, HEADS_MAX};
use tributary_model::counts::{CellLayout, NoisedHistogram};
use tributary_model::metrics::Importance;
use tributary_model::schema::Schema;
use tributary_model::server_optimizer::{OptimizerFields, OptimizerSettings, UpdateRule};
use tributary_model::stage::{
    BlockSettings, CountSettings, EvaluateSettings, Frame, GradientSettings, LabelSettings, PlannedStage,
    StageSettings, StageState, StagedSettings, Steps, Wanted, importance, priced,
};
use tributary_model::update::{ClipForm, ClipSettings};
use tributary_protocol::plan::{
    Charter, Gate, Gates, Measure, ModelRef, Plan, PrivacyMode, Readiness, Retention, Rhythm, Schedule,
};
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::roster::ALL;
use tributary_protocol::round::cast::charter;
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::parameters::CohortRule;

/// Rounds of one session.
pub(crate) const SESSION_ROUNDS: u32 = 64;
/// Units of one customer in a count.
const UNITS: u32 = 1 << 10;
/// Bins of scores.
const BINS: u32 = 6;

/// What a world is made of.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// Rounds of the plan's one stage.
    pub(crate) rounds: u32,
    /// Inputs of its network: five more coordinates than these are summed.
    pub(crate) inputs: u32,
    /// Whether uploads are kept.
    pub(crate) uploads: bool,
    /// Seeds of the authorities' keys.
    pub(crate) authorities: [u8; 3],
    /// Runs of its plan: each but the first begins from what the one before has released.
    pub(crate) runs: u32,
    /// Whether customers are counted by field before, and the model is evaluated after.
    pub(crate) evaluated: bool,
    /// Whether it counts labels first, and learns over groups of the schema's slots.
    pub(crate) staged: bool,
    /// Rounds that are aborted before the first one that is committed.
    pub(crate) aborted: u32,
    /// What is replaced in the privacy statement before the registry names it, and by what.
    pub(crate) restated: &'static [(&'static str, &'static str)],
}

/// The usual one.
pub(crate) const SMALL: Shape = Shape {
    rounds: 3,
    inputs: 4,
    uploads: true,
    authorities: [101, 102, 103],
    runs: 1,
    evaluated: false,
    staged: false,
    aborted: 0,
    restated: &[],
};

/// Fields of a world that is evaluated.
const FIELDS: &str = r#"    { name = "age", kind = "numeric", min = 0, max = 100, transform = "bins", edges = [20, 40, 60, 80], class = "C1", level = "L1" },
    { name = "region", kind = "categorical", categories = ["a", "b"], class = "C1", level = "L1" },
"#;

/// The file of a world's schema: of these fields, or of as many numbers as the network has inputs.
pub(crate) fn schema_text(shape: Shape) -> String {
    let field = |number: u32| {
        format!(
            "    {{ name = \"n{number}\", kind = \"numeric\", min = 0, max = 100, transform = \"linear\", class = \"C1\", level = \"L1\" }},\n"
        )
    };
    let fields: String =
        if shape.evaluated || shape.staged { FIELDS.to_owned() } else { (0..shape.inputs).map(field).collect() };
    let labels = "labels = [{ name = \"churn\", positive = [\"yes\"], negative = [\"no\"] }]";
    format!("name = \"small\"\nversion = 1\nfields = [\n{fields}]\n{labels}\n")
}

/// The schema.
pub(crate) fn schema(shape: Shape) -> Schema {
    Schema::parse(&schema_text(shape)).unwrap_or_else(|faults| panic!("{faults}"))
}

/// Limits that the worlds' evaluations hold with room to spare.
fn gates(shape: Shape) -> Gates {
    let gate = |measure, limit| Gate { label: "churn".into(), measure, limit };
    let limits = [gate(Measure::Auc, 5_500), gate(Measure::Ks, 500)];
    if shape.evaluated { Gates { limits: limits.into(), ..Gates::USUAL } } else { Gates::USUAL }
}

/// What a client puts into one coordinate of a round.
pub(crate) fn value(settings: &StageSettings, (client, round): (u32, u32), at: i64) -> i64 {
    let (bins, units) = (i64::from(BINS), i64::from(UNITS));
    // A run of thousands of rounds stays within what a model may become.
    let round = round.min(8);
    match settings {
        StageSettings::Count(_) => units * (200 + 50 * (at % 4)),
        // Of those without the label few have high scores, and of those with it many.
        StageSettings::Evaluate(_) if at < bins => units * (300 - 50 * at),
        StageSettings::Evaluate(_) => units * 40 * (at - bins + 1),
        // Of a hundred customers of a branch whose label is known, every fourth has it.
        StageSettings::Labels(_) => units * [100, 25][usize::from(at > 0)],
        // The first field of a schema moves the model by far more than the noise, and the others by less.
        _ if at < 5 => 1_000_000 * i64::from(client) * i64::from(round) * (at - 2) + at,
        _ => 1000 * i64::from(client) * i64::from(round) * (at % 7 - 2) + at,
    }
}

/// What a coordinator keeps of what its run has counted.
#[derive(Clone, Default)]
pub(crate) struct Counts {
    fields: Option<(CellLayout, Vec<NoisedHistogram>, f64)>,
    noise: Option<Vec<f32>>,
    shares: Option<(u128, usize)>,
    /// How much each field moves the scores of the model that was evaluated.
    pub(crate) importance: Option<Importance>,
}

impl Counts {
    /// A round is about to be committed.
    pub(crate) fn round(
        &mut self,
        stage: &PlannedStage<'_>,
        (state, sum): (&StageState, &[i64]),
        shares: (u128, usize),
    ) {
        self.shares = Some(shares);
        match stage.settings() {
            StageSettings::Count(count) => {
                let histograms = stage.read(sum, shares.1).unwrap().histograms;
                self.fields = Some((count.layout(&stage.frame()).unwrap(), histograms, stage.noise_of_count(shares)));
            }
            StageSettings::Evaluate(_) => {
                let (layout, histograms, noise_stddev) = self.fields.as_ref().unwrap();
                let (schema, model) = (stage.frame().schema.unwrap(), &state.public().parameters);
                let fields = (layout, histograms.as_slice(), *noise_stddev);
                self.importance = Some(importance(schema, model, fields, self.noise.as_deref()));
            }
            _ => {}
        }
    }

    /// A stage is over.
    pub(crate) fn noise(&mut self, stage: &PlannedStage<'_>, state: &StageState) {
        let noise = stage.noise_in_model(&state.public().beside(), self.shares.unwrap());
        self.noise = noise.or(self.noise.take());
    }
}

/// The plan of a world.
pub(crate) fn plan(shape: Shape) -> Plan {
    let schema = schema(shape);
    let inputs = u32::try_from(schema.width()).unwrap();
    let architecture = Architecture::logistic(inputs, &["churn"]).unwrap();
    let update_rule = UpdateRule::Sgd { learning_rate: 0.5, momentum: 0.9 };
    let optimizer = OptimizerSettings::new(OptimizerFields { update_rule, tail_start: Some(1) }).unwrap();
    let clip =
        ClipSettings { example_clip_norm: 0.5, clip_units: 1 << 20, form: ClipForm::Exact, loss_bound: Some(4.0) };
    let privacy = PrivacyMode::Customer;
    let frame =
        Frame { privacy, overlap_max: 1, customers_nominal: 1000, architecture: &architecture, schema: Some(&schema) };
    let wanted = |settings, rounds, budget_share| Wanted {
        settings,
        ring: Ring::Bits64,
        rounds,
        sampling_threshold: 0,
        budget_share,
    };
    let learns = StageSettings::Gradient(GradientSettings { clip, optimizer });
    let counts = StageSettings::Count(CountSettings { clip_units: UNITS, bins: BINS, labels: false });
    let evaluates = StageSettings::Evaluate(EvaluateSettings { clip_units: UNITS, bins: BINS, groups: None });
    let staged = StagedSettings {
        of_blocks: BlockSettings::plain(UNITS, [2, 5, 0]),
        head_shares: [0; HEADS_MAX],
        steps: Steps::of(4.0, 0.9, None).unwrap(),
        paired: false,
        reweight: None,
    };
    let labels = StageSettings::Labels(LabelSettings { clip_units: UNITS });
    let wanted = match (shape.evaluated, shape.staged) {
        (false, false) => vec![wanted(learns, shape.rounds, 1.0)],
        (false, true) => {
            vec![wanted(labels, 1, 0.3), wanted(StageSettings::Staged(staged), shape.rounds, 0.7)]
        }
        (true, _) => vec![wanted(counts, 1, 0.3), wanted(learns, shape.rounds, 0.4), wanted(evaluates, 1, 0.3)],
    };
    let uploads_dimension_max = if shape.uploads { Retention::USUAL.uploads_dimension_max } else { 0 };
    Plan {
        name: "monthly".into(),
        purpose: "retention".into(),
        schema: schema.digest(),
        architecture: architecture.encode(),
        initial_model: if shape.runs > 1 { ModelRef::PreviousRun } else { ModelRef::Zero },
        privacy,
        delta_bits: 1e-6_f64.to_bits(),
        overlap_max: 1,
        customers_nominal: 1000,
        customers_max: 2000,
        stages: priced(&frame, &wanted, 1, Some((2.0, 1e-6))).unwrap(),
        retries: 1,
        runs: shape.runs,
        session_rounds: SESSION_ROUNDS,
        cohort: CohortRule::USUAL,
        group: ALL.into(),
        round_deadline_ms: 1000,
        upload_offset_ms: 0,
        keying_deadline_ms: 1000,
        readiness: Readiness::NONE,
        retention: Retention { uploads_dimension_max, ..Retention::USUAL },
        gates: gates(shape),
        schedule: Schedule { not_before: 0, not_after: 1, rhythm: Rhythm::Interval { seconds: 0 } },
        cap: Accounts { customer: RdpVector::gaussian(1_000, 1), branch: RdpVector::gaussian(1_000, 1) },
        charter: Charter { review_by: 1, agreements: Vec::new(), ..charter() },
    }
}
