//! This branch's own noise: as much of it as its policy says, drawn ahead where there is time.

use tributary_certs::entropy::OsEntropy;
use tributary_model::privacy::{NoiseSampler, NoiseShare};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{RoundKind, ValidPlan};
use tributary_protocol::round::RoundDescriptor;

use crate::policy::OwnNoise;

/// Draws it. A sampler is kept for the variance that was asked for last.
pub(crate) struct NoiseSource {
    own: OwnNoise,
    sampler: Option<NoiseSampler>,
    /// Drawn for the next round of each kind, so that no drawing takes place between a round's start and its upload.
    ahead: [Ahead; RoundKind::ALL.len()],
}

#[derive(Default)]
struct Ahead {
    share: Option<NoiseShare>,
    /// The plan that has had its rounds of this kind: one, where it counts.
    used: Option<Digest>,
}

impl NoiseSource {
    /// Of a branch with this policy.
    pub(crate) fn new(own: OwnNoise) -> Self {
        Self { own, sampler: None, ahead: Default::default() }
    }

    /// Whether the noise that this branch will add to the plan's rounds can be drawn, before any round is charged. The coordinator looks at
    /// shares alone.
    ///
    /// # Errors
    /// Why not, for the operator.
    pub(crate) fn admits(&self, plan: &ValidPlan) -> Result<(), String> {
        let variances = RoundKind::ALL.into_iter().map(|kind| self.own.variance(plan, kind, 0));
        let drawn = variances.filter(|variance| *variance > 0).find_map(|variance| NoiseSampler::new(variance).err());
        drawn.map_or(Ok(()), |fault| {
            Err(format!("this branch's policy says own_noise = \"{}\": {fault}", self.own.name()))
        })
    }

    /// The values for a round, one for each coordinate; zeros where the round has no noise.
    ///
    /// # Errors
    /// If variance or dimension is out of the sampler's range.
    pub(crate) fn values(&mut self, plan: &ValidPlan, descriptor: &RoundDescriptor) -> Result<Vec<i64>, String> {
        let variance = self.own.variance(plan, descriptor.kind, descriptor.share_variance);
        let dimension = descriptor.dimension as usize;
        if variance == 0 {
            return Ok(vec![0; dimension]);
        }
        let ahead = &mut self.ahead[usize::from(descriptor.kind.number())];
        ahead.used = (descriptor.kind != RoundKind::Train).then(|| plan.digest());
        match ahead.share.take_if(|share| share.variance() == variance && share.dimension() == dimension) {
            Some(share) => Ok(share.into_values()),
            None => Ok(self.draw(variance, dimension)?.into_values()),
        }
    }

    /// Draws for the next round of every kind that the plan still has, where nothing is drawn yet; the plan divides its noise by `honest_min`.
    pub(crate) fn draw_ahead(&mut self, plan: &ValidPlan, honest_min: u16) {
        for kind in RoundKind::ALL {
            let index = usize::from(kind.number());
            let variance = self.own.variance(plan, kind, plan.share_variance(kind, honest_min));
            let Ahead { share, used } = &self.ahead[index];
            let over = plan.rounds_of(kind) == 0 || *used == Some(plan.digest());
            if variance > 0 && !over && share.as_ref().is_none_or(|share| share.variance() != variance) {
                // A variance out of range is reported by the round that needs it.
                self.ahead[index].share = self.draw(variance, plan.dimension(kind)).ok();
            }
        }
    }

    /// The sampler of a variance, for local steps.
    ///
    /// # Errors
    /// If the variance is out of range.
    pub(crate) fn sampler(&mut self, variance: u128) -> Result<&NoiseSampler, String> {
        Ok(match self.sampler.take().filter(|sampler| sampler.variance() == variance) {
            Some(kept) => self.sampler.insert(kept),
            None => self.sampler.insert(NoiseSampler::new(variance).map_err(|fault| fault.to_string())?),
        })
    }

    fn draw(&mut self, variance: u128, dimension: usize) -> Result<NoiseShare, String> {
        self.sampler(variance)?.share(dimension, &mut OsEntropy).map_err(|fault| fault.to_string())
    }
}

#[cfg(test)]
mod tests {
    use tributary_protocol::ids::{OrganisationId, RoundId, SessionId};
    use tributary_protocol::plan::{Counting, Plan, PrivacyMode};
    use tributary_protocol::privacy::{Accounts, RdpVector};
    use tributary_protocol::round::{RoundHead, SessionView, cast};

    use super::*;

    /// So many that an estimate of a variance is within a tenth but for seven of its own deviations.
    const COORDINATES: u32 = 10_000;

    /// A plan of training and counting rounds, each with its own noise.
    fn plan(change: impl FnOnce(&mut Plan)) -> ValidPlan {
        let unit = 1_u128 << 40;
        let counting = |times| {
            Some(Counting { cells: COORDINATES, bins: 10, sensitivity_squared: unit, noise_variance: times * unit })
        };
        let mut plan =
            Plan { parameters: COORDINATES, statistics: counting(3000), evaluation: counting(700), ..cast::plan() };
        change(&mut plan);
        plan.validate().unwrap_or_else(|fault| panic!("{fault}"))
    }

    /// A round of ten, six of them surely honest.
    fn descriptor(plan: &ValidPlan, kind: RoundKind) -> RoundDescriptor {
        let thresholds = plan.cohort.thresholds(&[OrganisationId(1); 10], 10).unwrap();
        let view = SessionView { session: SessionId([1; 32]), view: Digest::ZERO, thresholds };
        let head = RoundHead { round: RoundId(1), kind, model: Digest::ZERO, update_clip_norm_bits: 0 };
        RoundDescriptor::derive(plan, &view, head)
    }

    fn variance_of(values: &[i64]) -> f64 {
        values.iter().map(|value| (*value as f64).powi(2)).sum::<f64>() / values.len() as f64
    }

    fn close(found: f64, expected: u128) -> bool {
        (found / expected as f64 - 1.0).abs() < 0.1
    }

    #[test]
    fn a_share_is_a_share_and_full_is_the_whole_rounds_in_every_kind_of_round() {
        let plan = plan(|_| {});
        for kind in RoundKind::ALL {
            let descriptor = descriptor(&plan, kind);
            let whole = plan.round_variance(kind);
            assert_eq!(descriptor.share_variance, whole.div_ceil(6));
            for (own, expected) in [(OwnNoise::Share, descriptor.share_variance), (OwnNoise::Full, whole)] {
                let mut source = NoiseSource::new(own);
                assert_eq!(source.admits(&plan), Ok(()));
                let fresh = source.values(&plan, &descriptor).unwrap();
                source.draw_ahead(&plan, 6);
                let ahead = source.values(&plan, &descriptor).unwrap();
                let left = |source: &NoiseSource| source.ahead.each_ref().map(|ahead| ahead.share.is_some());
                // The kind that was asked for first has had its one round, unless it trains.
                let kept = RoundKind::ALL.map(|other| other != kind);
                assert_eq!(left(&source), kept, "what is drawn ahead is used once");
                source.draw_ahead(&plan, 6);
                let kept = RoundKind::ALL.map(|other| other != kind || kind == RoundKind::Train);
                assert_eq!(left(&source), kept, "nothing is drawn for a round that cannot come");
                for values in [&fresh, &ahead] {
                    assert_eq!(values.len(), descriptor.dimension as usize);
                    let found = variance_of(values);
                    assert!(close(found, expected), "{own:?} {kind:?}: {found} instead of {expected}");
                }
                assert_ne!(fresh, ahead, "no noise is used twice");
            }
        }
    }

    #[test]
    fn without_noise_full_adds_none_and_never_less_than_was_asked_for() {
        let bare = plan(|plan| {
            plan.privacy = PrivacyMode::None;
            (plan.statistics, plan.evaluation) = (None, None);
            (plan.noise_variance, plan.round_charge) = (0, Accounts::zero());
        });
        let mut source = NoiseSource::new(OwnNoise::Full);
        source.draw_ahead(&bare, 6);
        let values = source.values(&bare, &descriptor(&bare, RoundKind::Train)).unwrap();
        assert!(values.iter().all(|value| *value == 0));
        assert_eq!(OwnNoise::Full.variance(&bare, RoundKind::Train, 40), 40);
    }

    #[test]
    fn a_whole_noise_that_cannot_be_drawn_is_refused_before_a_round() {
        let variance = 1 << 82;
        let loud = plan(|plan| {
            (plan.statistics, plan.evaluation) = (None, None);
            plan.noise_variance = variance;
            plan.round_charge = Accounts::customers(RdpVector::gaussian(1 << 40, variance));
        });
        assert_eq!(
            NoiseSource::new(OwnNoise::Share).admits(&loud),
            Ok(()),
            "a share of it is judged by its coordinator"
        );
        let refused = NoiseSource::new(OwnNoise::Full).admits(&loud).unwrap_err();
        assert!(refused.contains("own_noise = \"full\"") && refused.contains("fewer units"), "{refused}");
    }
}
