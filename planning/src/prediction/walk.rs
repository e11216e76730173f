//! How rounds move one direction of a model: what they learn of it, and what noise they leave in it. Heavy-ball momentum (Polyak 1964) on a parabola,
//! with the mean of the tail's models as the release (Polyak and Juditsky 1992).

/// Rounds of one stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Walk {
    /// On the mean gradient.
    pub(super) learning_rate: f64,
    /// Share of the last step that the next one keeps.
    pub(super) momentum: f64,
    /// Rounds, 1 or more.
    pub(super) rounds: usize,
    /// Rounds before the tail whose models are averaged; the last model alone without a tail.
    pub(super) tail_start: Option<usize>,
    /// Rounds of the plan that stand for one of these: 1, but for very many.
    pub(super) merged: f64,
}

/// Most rounds that are walked one by one.
const ROUNDS_MAX: u32 = 10_000;

/// What a stage does to one direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Response {
    /// Variance of the release, for noise of variance 1 in each round's gradient.
    pub(super) noise: f64,
    /// How much of the way to the optimum is gone, from 0: nothing.
    pub(super) learnt: f64,
}

impl Walk {
    /// So many rounds, perhaps with a tail. Of very many, neighbours are put together: one step as long as theirs.
    pub(super) fn new((learning_rate, momentum): (f64, f64), rounds: u32, tail_start: Option<u32>) -> Self {
        let merged = rounds.div_ceil(ROUNDS_MAX).max(1);
        let walked = |rounds: u32| (rounds / merged) as usize;
        Self {
            learning_rate: learning_rate * f64::from(merged),
            momentum,
            rounds: walked(rounds).max(1),
            tail_start: tail_start.filter(|start| *start < rounds).map(walked),
            merged: f64::from(merged),
        }
    }

    /// In a direction of this curvature, 0 or more: a gradient is the curvature times the distance from the optimum. Where steps are too long for a
    /// parabola they are taken to just hold: gradients of probabilities are bounded.
    pub(super) fn response(&self, curvature: f64) -> Response {
        let curvature = curvature.min((1.0 + self.momentum) / self.learning_rate.max(f64::MIN_POSITIVE));
        let rounds = self.rounds.max(1);
        let from = self.tail_start.unwrap_or(rounds - 1).min(rounds - 1);
        let averaged = (rounds - from) as f64;
        // Sums of what one round's noise has moved the model by, after so many rounds.
        let mut moved = Vec::with_capacity(rounds + 1);
        moved.push(0.0);
        let (mut place, mut speed, mut sum) = (0.0, 1.0, 0.0);
        for _ in 0..rounds {
            place -= self.learning_rate * speed;
            speed = self.momentum * speed + curvature * place;
            sum += place;
            moved.push(sum);
        }
        let noise = (0..rounds).map(|round| {
            let mean = (moved[rounds - round] - moved[from.saturating_sub(round)]) / averaged;
            mean * mean
        });
        let (mut distance, mut speed, mut left) = (1.0, 0.0, 0.0);
        for round in 0..rounds {
            speed = self.momentum * speed + curvature * distance;
            distance -= self.learning_rate * speed;
            if round >= from {
                left += distance;
            }
        }
        Response { noise: noise.sum::<f64>() / self.merged, learnt: 1.0 - left / averaged }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-9, "{found}, {expected}");
    }

    #[test]
    fn without_curvature_noise_adds_up() {
        let walk = Walk::new((0.5, 0.0), 100, None);
        let Response { noise, learnt } = walk.response(0.0);
        close(noise, 100.0 * 0.25);
        assert_eq!(learnt, 0.0);
        // The mean of the last half: noise before it counts whole, noise within it in proportion.
        let halved = Walk { tail_start: Some(50), ..walk }.response(0.0);
        let within: f64 = (1..=50).map(|round| (f64::from(round) / 50.0).powi(2)).sum();
        close(halved.noise, 0.25 * (50.0 + within));
    }

    #[test]
    fn a_steep_direction_is_learnt_and_forgets_its_noise() {
        let walk = Walk::new((0.1, 0.0), 400, None);
        let Response { noise, learnt } = walk.response(1.0);
        // An autoregression with the factor 0.9.
        close(noise, 0.01 / (1.0 - 0.81));
        assert!((1.0 - learnt).abs() < 1e-12);
        let momentum = Walk { learning_rate: 0.01, momentum: 0.9, ..walk }.response(0.01);
        // As far as steps of 0.1 without momentum go, but for its start.
        assert!((momentum.learnt - (1.0 - (-0.4_f64).exp())).abs() < 0.02, "{momentum:?}");
    }

    #[test]
    fn very_many_rounds_are_walked_in_fewer_steps() {
        let rounds = 1_000_000;
        let Response { noise, learnt } = Walk::new((1e-4, 0.0), rounds, None).response(1e-2);
        // A step of 10^-6 of the way in each round.
        assert!((learnt - (1.0 - (-1.0_f64).exp())).abs() < 1e-3, "{learnt}");
        let whole = 1e-8 * (1.0 - (-2.0_f64).exp()) / 2e-6;
        assert!((noise / whole - 1.0).abs() < 0.01, "{noise}, {whole}");
    }
}
