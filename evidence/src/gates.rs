//! What the gates of a plan come to for a model: read from the opened sum that the ledger of its run names, and from nothing else. Whoever has the
//! ledger, the schema and the sum finds the same figures.

use tributary_model::counts::NoisedHistogram;
use tributary_model::metrics::{Estimate, GroupFigures, HeadFigures, NoisedCounts, stability};
use tributary_model::planned::{self, Planned};
use tributary_model::schema::Schema;
use tributary_model::stage::StageSettings;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Gate, Gates, Measure, PARTS};
use tributary_protocol::registry::Figure;
use tributary_protocol::round::{CoordinatorEvent, RoundDescriptor};
use tributary_protocol::secagg::kept::read_sum;

/// A group of fewer customers than this share of all is not compared: the upper end of its size is below it.
const SMALLEST_GROUP: f64 = 0.01;

/// Largest figure that a report holds, in parts in 10,000.
const FIGURE_MAX: f64 = 1e9;

/// What the evaluation of a run counted of its model.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    heads: Vec<HeadFigures>,
    /// Of each label its customers by score, whatever the label says.
    scores: Vec<Vec<f64>>,
    /// Standard deviation of the noise in such a count, in customers.
    noise_stddev: f64,
}

/// An evaluation of a model that was committed, as the run's ledger says it.
#[derive(Clone, Copy)]
pub struct Evaluated<'a> {
    /// The plan, read with its schema.
    pub planned: &'a Planned,
    /// The round.
    pub descriptor: &'a RoundDescriptor,
    /// Branches in its sum.
    pub survivors: usize,
}

impl Evaluated<'_> {
    /// Whether the round evaluates a model.
    #[must_use]
    pub fn counts(&self) -> bool {
        let settings = self.planned.stages().get(usize::from(self.descriptor.stage));
        matches!(settings, Some(StageSettings::Evaluate(_)))
    }
}

impl Measured {
    /// What the run with these events counted of the model with these parameters. `sum` gives the file of an opened sum, by its digest. Nothing without
    /// an evaluation of this model that was committed, with another schema than the plan's, or without the sum.
    #[must_use]
    pub fn of<'a>(
        events: impl IntoIterator<Item = &'a CoordinatorEvent>,
        schema: &Schema,
        parameters: &Digest,
        sum: impl Fn(&Digest) -> Option<Vec<u8>>,
    ) -> Option<Self> {
        let mut events = events.into_iter();
        let CoordinatorEvent::RunOpened { plan, .. } = events.next()? else { return None };
        let planned = planned::check(plan, Some(schema).filter(|schema| schema.digest() == plan.schema)).ok()?;
        let (mut open, mut survivors, mut found) = (None, 0, None);
        for event in events {
            match event {
                CoordinatorEvent::RoundStarted { descriptor } => (open, survivors) = (Some(descriptor), 0),
                CoordinatorEvent::SurvivorsFrozen { survivors: frozen, .. } => survivors = frozen.len(),
                CoordinatorEvent::RoundCommitted { round, sum, .. } => {
                    let own = open.take().filter(|open| open.round == *round && open.model == *parameters);
                    let own = own.map(|descriptor| Evaluated { planned: &planned, descriptor, survivors });
                    found = own.filter(Evaluated::counts).map(|own| (own, *sum)).or(found);
                }
                CoordinatorEvent::RoundAborted { .. } => open = None,
                _ => {}
            }
        }
        let (evaluated, digest) = found?;
        let RoundDescriptor { ring, dimension, .. } = *evaluated.descriptor;
        let values = read_sum(ring, dimension as usize, &sum(&digest)?, digest).ok()?;
        Self::read(evaluated, &values)
    }

    /// What the opened sum of an evaluation says.
    #[must_use]
    pub fn read(Evaluated { planned, descriptor, survivors }: Evaluated<'_>, values: &[i64]) -> Option<Self> {
        let stage = planned.stage(descriptor.stage)?;
        let outcome = stage.read(values, survivors).ok()?;
        let shares = (descriptor.share_variance, survivors);
        let heads = stage.figures(&outcome.histograms, shares).heads;
        // Of groups customers are counted once more, after those of all.
        let both = |pair: &[NoisedHistogram]| -> Vec<f64> {
            pair[0].counts.iter().zip(&pair[1].counts).map(|(negative, positive)| negative + positive).collect()
        };
        let scores = outcome.histograms.chunks_exact(2).take(heads.len()).map(both).collect();
        let noise_stddev = stage.noise_of_count(shares) * std::f64::consts::SQRT_2;
        Some(Self { heads, scores, noise_stddev })
    }

    /// What the counts say of each label.
    #[must_use]
    pub fn heads(&self) -> &[HeadFigures] {
        &self.heads
    }

    fn place(&self, label: &str) -> Option<usize> {
        self.heads.iter().position(|head| head.head == label)
    }

    fn estimate(&self, gate: &Gate) -> Option<Estimate> {
        let head = &self.heads[self.place(gate.label.raw())?];
        match gate.measure {
            Measure::CalibrationError => head.ece,
            Measure::Auc => head.auc,
            Measure::Ks => head.ks,
            Measure::Lift { share } => {
                let share = f64::from(share) / f64::from(PARTS);
                head.lift.iter().find(|lift| (lift.share - share).abs() < 1e-9)?.lift
            }
            Measure::FoundGap => gap(head, |group| Some(group.found?.own)),
            Measure::CalibrationGap => gap(head, |group| Some(group.calibration?.own)),
            // Of two models.
            Measure::Stability => None,
        }
    }

    fn moved_from(&self, before: &Self, label: &str) -> Option<Estimate> {
        let counts = |of: &Self| Some((of.scores.get(of.place(label)?)?.clone(), of.noise_stddev));
        let ((was, of_was), (is, of_is)) = (counts(before)?, counts(self)?);
        let noised = |counts, noise_stddev| NoisedCounts { counts, noise_stddev };
        stability(noised(&was, of_was), noised(&is, of_is), true)
    }
}

/// The largest distance between two groups. A group that has no figure leaves no answer, unless hardly anybody is in it.
fn gap(head: &HeadFigures, figure: impl Fn(&GroupFigures) -> Option<Estimate>) -> Option<Estimate> {
    let fewest = SMALLEST_GROUP * head.customers.value;
    let compared = head.groups.iter().filter(|group| group.customers.high >= fewest);
    let found: Vec<Estimate> = compared.map(figure).collect::<Option<_>>()?;
    let pairs = found.iter().enumerate().flat_map(|(place, one)| {
        found[place + 1..].iter().map(|other| {
            let Estimate { value, low, high } = one.minus(other);
            let nearest = if low <= 0.0 && high >= 0.0 { 0.0 } else { low.abs().min(high.abs()) };
            Estimate { value: value.abs(), low: nearest, high: low.abs().max(high.abs()) }
        })
    });
    pairs.reduce(|one, other| Estimate {
        value: one.value.max(other.value),
        low: one.low.max(other.low),
        high: one.high.max(other.high),
    })
}

/// What each limit's figure comes to, in the order of the gates. `champion` is what was counted of the champion, where there is one; without, nothing
/// can have moved.
#[must_use]
pub fn figures(gates: &Gates, model: Option<&Measured>, champion: Option<Option<&Measured>>) -> Vec<Figure> {
    let figure = |gate: &Gate| match (gate.measure, champion) {
        (Measure::Stability, None) => Figure::NoChampion,
        (Measure::Stability, Some(before)) => {
            let moved = model.zip(before).and_then(|(model, before)| model.moved_from(before, gate.label.raw()));
            in_parts(moved)
        }
        _ => in_parts(model.and_then(|model| model.estimate(gate))),
    };
    gates.limits.iter().map(figure).collect()
}

/// The interval rounded outwards.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 and a billion")]
fn in_parts(estimate: Option<Estimate>) -> Figure {
    let Some(Estimate { value, low, high }) = estimate else { return Figure::Absent };
    let parts =
        [(value * f64::from(PARTS)).round(), (low * f64::from(PARTS)).floor(), (high * f64::from(PARTS)).ceil()];
    if !parts.iter().all(|part| part.is_finite()) {
        return Figure::Absent;
    }
    let [value, low, high] = parts.map(|part| part.clamp(0.0, FIGURE_MAX) as u32);
    if low > high { Figure::Absent } else { Figure::Measured { value: value.clamp(low, high), low, high } }
}

#[cfg(test)]
#[path = "gates_tests.rs"]
mod tests;
