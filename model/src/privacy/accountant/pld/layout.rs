//! Where to look: the tilt, the window and the interval that suit one delta.
//!
//! Nothing here can make a figure wrong, only loose: whatever tilt, window and interval are taken, the composition stays an upper bound.

use super::super::rdp::SampledRound;
use super::discretise::Range;

/// The grid's own variance, at most a sixth of the squared interval a round, over that of the losses.
const VARIANCE_SHARE: f64 = 1e-5;
/// The widest interval where a finer one costs nothing.
const INTERVAL_MAX: f64 = 1.0 / 8192.0;
/// What the truncated tails and the window's edges may hold, over delta.
const EDGE_SHARE: f64 = 1e-5;
/// The largest power, over one by the width of a round's losses: an eighth of the points that any grid has there, so that none is seen alone.
const POWERS_PER_SPAN: f64 = 4096.0;
/// A composition is laid out for epsilons down to this share of the one that was expected.
pub(super) const EPSILON_SHARE: f64 = 0.9;

/// One direction's tilt.
#[derive(Clone, Copy)]
pub(super) struct Tilt {
    /// Power of `e^loss` by which probabilities are weighted, so that the losses that matter are the likely ones.
    pub(super) power: f64,
    /// The power that bounds best what lies beyond the window.
    pub(super) edge_power: f64,
}

/// A composition's grid.
pub(super) struct Layout {
    /// The distance of grid points, a power of two, so that its multiples are exact.
    pub(super) interval: f64,
    /// Grid points of the window, from the loss 0 upwards; a power of two.
    pub(super) points: usize,
    /// The rounds, each kind with their number.
    pub(super) parts: Vec<(Range, u32)>,
    /// Removing a customer, adding one.
    pub(super) tilts: [Tilt; 2],
}

impl Layout {
    /// For the composition of all `parts`, one at least and each with the number of its rounds, around `delta`, with at most `points_max`
    /// grid points.
    ///
    /// `epsilons` are those at this delta if they are known about, removing a customer and adding one; else Chernoff's bounds stand in.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a power of two of at most points_max")]
    pub(super) fn new(
        parts: &[(SampledRound, u32)],
        delta: f64,
        points_max: usize,
        epsilons: Option<[f64; 2]>,
    ) -> Self {
        let rounds: f64 = parts.iter().map(|(_, count)| f64::from(*count)).sum();
        let edge = EDGE_SHARE * delta;
        let ranges: Vec<(Range, u32)> =
            parts.iter().map(|(round, count)| (Range::new(*round, edge / rounds), *count)).collect();
        let (mut width, mut variance_max) = (0.0_f64, 0.0_f64);
        let span = ranges.iter().map(|(range, _)| range.span()).fold(0.0, f64::max);
        let tilts = [0, 1].map(|direction| {
            let losses = Losses { parts: &ranges, removing: direction == 0, span };
            let variance: f64 =
                parts.iter().map(|(round, count)| f64::from(*count) * round.mean_and_variance(direction == 0).1).sum();
            variance_max = variance_max.max(variance);
            let (tilt, needed) =
                losses.tilt(delta, edge, variance.sqrt(), epsilons.map(|epsilons| epsilons[direction]));
            width = width.max(needed);
            tilt
        });
        let fine = (6.0 * VARIANCE_SHARE * variance_max / rounds).sqrt().min(INTERVAL_MAX);
        let interval = fine.log2().floor().max((span.max(width) / points_max as f64).log2().ceil()).exp2();
        let points = (width / interval).max(2.0).log2().ceil().exp2();
        Self { interval, points: points as usize, parts: ranges, tilts }
    }
}

/// The losses of a composition in one direction, before any grid.
struct Losses<'a> {
    parts: &'a [(Range, u32)],
    removing: bool,
    /// The width of one round's losses at most.
    span: f64,
}

impl Losses<'_> {
    /// The tilt, and how wide its window must be.
    fn tilt(&self, delta: f64, edge: f64, stddev: f64, epsilon: Option<f64>) -> (Tilt, f64) {
        let powers = (0.1 / stddev.max(self.span), (100.0 / stddev).min(POWERS_PER_SPAN / self.span));
        // The best bound P(loss >= l) <= e^(ln_moment(power) - power l) of a probability, or of a loss.
        let chernoff = |probability: f64| valley(powers, |power| (self.ln_moment(power) - probability.ln()) / power);
        let (highest, _) = chernoff(delta);
        let power = epsilon
            .map_or(highest, |epsilon| valley((powers.0, highest), |power| self.ln_moment(power) - power * epsilon).0);
        let (edge_power, window) = chernoff(edge);
        // A transform is periodic. What lies below the window returns above it, e^(-power width) times as likely; what lies a width above
        // an epsilon returns above that epsilon, e^(power width) times as likely.
        let least = epsilon.unwrap_or(0.0) * EPSILON_SHARE;
        let returning = |other: f64| (self.ln_moment(other) - other * least - edge.ln()) / (other - power);
        let above = valley((1.01 * power, 3.0 * powers.1), returning).1;
        (Tilt { power, edge_power }, window.max(above).max(-edge.ln() / power))
    }

    fn ln_moment(&self, power: f64) -> f64 {
        self.parts.iter().map(|(range, count)| f64::from(*count) * range.ln_moment(self.removing, power)).sum()
    }
}

/// Where a function with one valley is lowest, and how low, by golden section over the logarithm. Both bounds above have one, because a
/// log-moment is convex.
fn valley((low, high): (f64, f64), depth: impl Fn(f64) -> f64) -> (f64, f64) {
    const RATIO: f64 = 0.618_033_988_749_894_9;
    const STEPS: u32 = 24;
    let depth = |ln_power: f64| depth(ln_power.exp());
    let (mut left, mut right) = (low.min(high).ln(), high.ln());
    let (mut near, mut far) = (right - RATIO * (right - left), left + RATIO * (right - left));
    let (mut at_near, mut at_far) = (depth(near), depth(far));
    for _ in 0..STEPS {
        if at_near < at_far {
            (right, far, at_far) = (far, near, at_near);
            near = right - RATIO * (right - left);
            at_near = depth(near);
        } else {
            (left, near, at_near) = (near, far, at_far);
            far = left + RATIO * (right - left);
            at_far = depth(far);
        }
    }
    if at_near < at_far { (near.exp(), at_near) } else { (far.exp(), at_far) }
}
