//! This branch's own noise: as much of it as its policy says, drawn ahead where there is time.

use std::collections::BTreeMap;

use tributary_certs::entropy::OsEntropy;
use tributary_model::privacy::{NoiseError, NoiseSampler, NoiseShare};
use tributary_protocol::plan::{Plan, Stage};
use tributary_protocol::round::RoundDescriptor;

use crate::policy::OwnNoise;

/// Draws it. A sampler is kept for the variance that was asked for last.
pub(crate) struct NoiseSource {
    own: OwnNoise,
    sampler: Option<NoiseSampler>,
    /// Drawn for the next round of each stage, so that no drawing takes place between a round's start and its upload.
    ahead: BTreeMap<u16, NoiseShare>,
}

/// Noise of this branch's policy that cannot be drawn.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("this branch's policy says own_noise = \"{own}\": {fault}", own = own.name())]
pub(crate) struct OwnNoiseFault {
    own: OwnNoise,
    fault: NoiseError,
}

impl NoiseSource {
    /// Of a branch with this policy.
    pub(crate) fn new(own: OwnNoise) -> Self {
        Self { own, sampler: None, ahead: BTreeMap::new() }
    }

    /// Whether the noise that this branch will add to the plan's rounds can be drawn, before any round is charged. The coordinator looks at
    /// shares alone.
    ///
    /// # Errors
    /// Why not, for the operator.
    pub(crate) fn admits(&self, plan: &Plan) -> Result<(), OwnNoiseFault> {
        let variances = plan.stages.iter().map(|stage| self.own.variance(stage, 0));
        let drawn = variances.filter(|variance| *variance > 0).find_map(|variance| NoiseSampler::new(variance).err());
        drawn.map_or(Ok(()), |fault| Err(OwnNoiseFault { own: self.own, fault }))
    }

    /// The values for a round of a stage, one for each coordinate; zeros where nothing is added to its vector.
    ///
    /// # Errors
    /// If variance or dimension is out of the sampler's range.
    pub(crate) fn values(&mut self, stage: &Stage, descriptor: &RoundDescriptor) -> Result<Vec<i64>, NoiseError> {
        let variance = self.own.variance(stage, descriptor.share_variance);
        let dimension = descriptor.dimension as usize;
        if variance == 0 {
            return Ok(vec![0; dimension]);
        }
        match self.ahead.remove(&descriptor.stage).filter(|share| is_of(share, variance, dimension)) {
            Some(share) => Ok(share.into_values()),
            None => Ok(self.draw(variance, dimension)?.into_values()),
        }
    }

    /// Draws for the next round of every stage that still has one, where nothing is drawn yet. The plan divides its noise by `honest_min`, and
    /// so many rounds of each stage were charged in the run.
    pub(crate) fn draw_ahead(&mut self, plan: &Plan, honest_min: u16, charged: &[u32]) {
        let mut drawn = std::mem::take(&mut self.ahead);
        for (number, stage) in (0..).zip(&plan.stages) {
            let variance = self.own.variance(stage, stage.share_variance(honest_min));
            if variance == 0 || !is_to_come(plan, number, charged) {
                continue;
            }
            let dimension = stage.dimension as usize;
            let kept = drawn.remove(&number).filter(|share| is_of(share, variance, dimension));
            // A variance out of range is reported by the round that needs it.
            if let Some(share) = kept.or_else(|| self.draw(variance, dimension).ok()) {
                self.ahead.insert(number, share);
            }
        }
    }

    /// The sampler of a variance, for local steps.
    ///
    /// # Errors
    /// If the variance is out of range.
    pub(crate) fn sampler(&mut self, variance: u128) -> Result<&NoiseSampler, NoiseError> {
        Ok(match self.sampler.take().filter(|sampler| sampler.variance() == variance) {
            Some(kept) => self.sampler.insert(kept),
            None => self.sampler.insert(NoiseSampler::new(variance)?),
        })
    }

    fn draw(&mut self, variance: u128, dimension: usize) -> Result<NoiseShare, NoiseError> {
        self.sampler(variance)?.share(dimension, &mut OsEntropy)
    }
}

fn is_of(share: &NoiseShare, variance: u128, dimension: usize) -> bool {
    share.variance() == variance && share.dimension() == dimension
}

/// Whether a round of a stage can still come: it may be charged, and no later stage has begun.
fn is_to_come(plan: &Plan, number: u16, charged: &[u32]) -> bool {
    let mut later = charged.iter().skip(usize::from(number) + 1);
    plan.may_charge(charged, number) && later.all(|rounds| *rounds == 0)
}

#[cfg(test)]
mod tests {
    use tributary_protocol::digest::Digest;
    use tributary_protocol::ids::{OrganisationId, RoundId, SessionId};
    use tributary_protocol::plan::{self, PrivacyMode, Run};
    use tributary_protocol::privacy::Unit;
    use tributary_protocol::round::{RoundHead, SessionView, cast};

    use super::*;

    /// So many that an estimate of a variance is within a tenth but for seven of its own deviations.
    const COORDINATES: u32 = 10_000;
    /// One unit of sensitivity.
    const UNIT: u128 = 1 << 40;

    /// A plan of a stage that counts, one of five rounds, and another that counts, each with its own noise.
    fn plan() -> Plan {
        let mut plan = cast::counting_plan();
        for (stage, times) in plan.stages.iter_mut().zip([3000, 2000, 700]) {
            (stage.dimension, stage.noise_variance) = (COORDINATES, times * UNIT);
        }
        cast::priced(plan)
    }

    /// A round of ten, six of them surely honest.
    fn descriptor(plan: &Plan, stage: u16) -> RoundDescriptor {
        let thresholds = plan.cohort.thresholds(&[OrganisationId(1); 10], 10).unwrap();
        let view = SessionView { session: SessionId([1; 32]), view: Digest::ZERO, thresholds };
        let head = RoundHead { round: RoundId(1), stage, model: Digest::ZERO };
        RoundDescriptor::derive(&cast::run(plan.clone()), &view, head).unwrap()
    }

    fn values(source: &mut NoiseSource, plan: &Plan, stage: u16) -> Vec<i64> {
        source.values(plan.stage(stage).unwrap(), &descriptor(plan, stage)).unwrap()
    }

    fn variance_of(values: &[i64]) -> f64 {
        values.iter().map(|value| (*value as f64).powi(2)).sum::<f64>() / values.len() as f64
    }

    fn close(found: f64, expected: u128) -> bool {
        (found / expected as f64 - 1.0).abs() < 0.1
    }

    fn ahead(source: &NoiseSource) -> Vec<u16> {
        source.ahead.keys().copied().collect()
    }

    #[test]
    fn a_share_is_a_share_and_full_is_the_whole_rounds_in_every_stage() {
        let plan = plan();
        for (number, stage) in (0..).zip(&plan.stages) {
            let descriptor = descriptor(&plan, number);
            let whole = stage.noise_variance;
            assert_eq!(descriptor.share_variance, whole.div_ceil(6));
            for (own, expected) in [(OwnNoise::Share, descriptor.share_variance), (OwnNoise::Full, whole)] {
                let mut source = NoiseSource::new(own);
                assert_eq!(source.admits(&plan), Ok(()));
                let fresh = values(&mut source, &plan, number);
                source.draw_ahead(&plan, 6, &[]);
                assert_eq!(ahead(&source), [0, 1, 2]);
                let drawn = values(&mut source, &plan, number);
                let left: Vec<u16> = (0..3).filter(|other| *other != number).collect();
                assert_eq!(ahead(&source), left, "what is drawn ahead is used once");
                for values in [&fresh, &drawn] {
                    assert_eq!(values.len(), descriptor.dimension as usize);
                    let found = variance_of(values);
                    assert!(close(found, expected), "{own:?} {number}: {found} instead of {expected}");
                }
                assert_ne!(fresh, drawn, "no noise is used twice");
            }
        }
    }

    #[test]
    fn nothing_is_drawn_for_a_round_that_cannot_come() {
        let plan = plan();
        let mut source = NoiseSource::new(OwnNoise::Share);
        // With five rounds of the middle stage and three retries.
        let cases: [(&[u32], &[u16]); 7] = [
            (&[], &[0, 1, 2]),
            (&[1], &[1, 2]),
            (&[1, 4], &[1, 2]),
            (&[1, 7], &[1, 2]),
            (&[1, 8], &[2]),
            (&[1, 4, 1], &[]),
            (&[0, 2], &[1, 2]),
        ];
        for (charged, expected) in cases {
            source.draw_ahead(&plan, 6, charged);
            assert_eq!(ahead(&source), expected, "{charged:?}");
        }
    }

    #[test]
    fn what_was_drawn_for_other_terms_is_not_used() {
        let plan = plan();
        let mut source = NoiseSource::new(OwnNoise::Share);
        source.draw_ahead(&plan, 6, &[]);
        let mut louder = plan.clone();
        louder.stages[1].noise_variance *= 100;
        let louder = cast::priced(louder);
        let found = variance_of(&values(&mut source, &louder, 1));
        assert!(close(found, descriptor(&louder, 1).share_variance), "{found}");
        // A plan of fewer stages takes the place of this one.
        let short = Plan { stages: vec![plan.stages[1].clone()], ..plan };
        source.draw_ahead(&short, 6, &[]);
        assert_eq!(ahead(&source), [0]);
        assert_eq!(source.ahead[&0].variance(), short.stages[0].share_variance(6));
    }

    #[test]
    fn without_noise_full_adds_none_and_never_less_than_was_asked_for() {
        let mut bare = Plan { privacy: PrivacyMode::None, ..cast::plan() };
        bare.stages[0].noise_variance = 0;
        let bare = cast::priced(bare);
        let mut source = NoiseSource::new(OwnNoise::Full);
        source.draw_ahead(&bare, 6, &[]);
        assert!(values(&mut source, &bare, 0).iter().all(|value| *value == 0));
        assert_eq!(OwnNoise::Full.variance(&bare.stages[0], 40), 40);
    }

    /// What is inside of a vector's making already is not added a second time.
    #[test]
    fn to_a_vector_with_noise_inside_none_is_added() {
        let local = cast::priced(Plan { privacy: PrivacyMode::Local, ..cast::plan() });
        assert_eq!((local.stages[0].noise, local.stages[0].summed), (plan::NoiseShare::Inside, Unit::Branch));
        for own in [OwnNoise::Share, OwnNoise::Full] {
            let mut source = NoiseSource::new(own);
            source.draw_ahead(&local, 6, &[]);
            assert!(ahead(&source).is_empty());
            assert!(values(&mut source, &local, 0).iter().all(|value| *value == 0));
        }
    }

    #[test]
    fn a_whole_noise_that_cannot_be_drawn_is_refused_before_a_round() {
        let mut loud = cast::plan();
        loud.stages[0].noise_variance = 1 << 82;
        let loud = cast::priced(loud);
        assert!(Run::new(loud.clone().validate().unwrap(), 1).is_some());
        assert_eq!(
            NoiseSource::new(OwnNoise::Share).admits(&loud),
            Ok(()),
            "a share of it is judged by its coordinator"
        );
        let refused = NoiseSource::new(OwnNoise::Full).admits(&loud).unwrap_err().to_string();
        assert!(refused.contains("own_noise = \"full\"") && refused.contains("fewer units"), "{refused}");
    }
}
