//! The masked vectors of a run's open round: what is kept until the machine lets it leave, and what is forgotten.

use tributary_protocol::ids::RoundId;
use tributary_protocol::secagg::masked_update::MaskedUpdate;

use crate::worker::Wanted;

/// The vectors of one round.
#[derive(Default)]
pub(crate) struct Vectors {
    open: Option<(RoundId, Wanted)>,
    vector: Option<MaskedUpdate>,
    /// What leaves where the vector is not ready in time.
    noise: Option<MaskedUpdate>,
}

impl Vectors {
    /// A round begins: whatever is left of another one is forgotten.
    pub(crate) fn begin(&mut self, round: RoundId) -> Wanted {
        self.forget();
        let wanted = Wanted::new();
        self.open = Some((round, wanted.clone()));
        wanted
    }

    /// Keeps a vector, if it is the open round's.
    pub(crate) fn keep(&mut self, vector: MaskedUpdate) {
        if self.is_open(vector.round()) {
            self.vector = Some(vector);
        }
    }

    /// Keeps noise alone, if it is the open round's.
    pub(crate) fn keep_noise(&mut self, noise: MaskedUpdate) {
        if self.is_open(noise.round()) {
            self.noise = Some(noise);
        }
    }

    /// Noise alone leaves: the round's vector comes too late, whenever it comes.
    pub(crate) fn noise_alone(&mut self) {
        let noise = self.noise.take();
        self.forget();
        self.vector = noise;
    }

    /// What leaves. Nothing more of the round is kept.
    pub(crate) fn take(&mut self, round: RoundId) -> Option<MaskedUpdate> {
        let vector = self.vector.take().filter(|vector| vector.round() == round);
        self.forget();
        vector
    }

    /// Forgets the open round.
    pub(crate) fn forget(&mut self) {
        if let Some((_, wanted)) = self.open.take() {
            wanted.take_back();
        }
        (self.vector, self.noise) = (None, None);
    }

    fn is_open(&self, round: RoundId) -> bool {
        self.open.as_ref().is_some_and(|(open, _)| *open == round)
    }
}

#[cfg(test)]
mod tests {
    use tributary_certs::suite::RealSuite;
    use tributary_model::schema::Schema;
    use tributary_protocol::digest::Digest;
    use tributary_protocol::round::RoundHead;
    use tributary_protocol::round::cast::{contribution, run};
    use tributary_protocol::secagg::masked_update::mask;
    use tributary_protocol::secagg::modular::{Ring, RingWords};

    use super::*;
    use crate::judge::tests::{SCHEMA, plan};

    fn update(round: u64, value: i64) -> MaskedUpdate {
        let run = run(plan(&Schema::parse(SCHEMA).unwrap(), &[]).plan().clone());
        let permitted = contribution(&run, RoundHead { round: RoundId(round), stage: 0, model: Digest::ZERO });
        mask::<RealSuite>(RingWords::reduce(Ring::Bits64, &[value]), permitted.receipt, permitted.seeds)
    }

    fn taken(vectors: &mut Vectors, round: u64) -> Option<Digest> {
        vectors.take(RoundId(round)).map(|vector| vector.digest())
    }

    #[test]
    fn of_a_vector_and_noise_alone_one_leaves_and_only_once() {
        let (vector, noise) = (|| update(7, 1), || update(7, 2));
        let mut vectors = Vectors::default();
        let wanted = vectors.begin(RoundId(7));
        vectors.keep_noise(noise());
        assert!(wanted.stands());
        vectors.noise_alone();
        assert!(!wanted.stands(), "nobody waits for the training");
        vectors.keep(vector());
        assert_eq!(taken(&mut vectors, 7), Some(noise().digest()));
        vectors.keep(vector());
        assert_eq!(taken(&mut vectors, 7), None);
        vectors.begin(RoundId(7));
        vectors.keep_noise(noise());
        vectors.keep(vector());
        assert_eq!(taken(&mut vectors, 7), Some(vector().digest()));
        vectors.noise_alone();
        assert_eq!(taken(&mut vectors, 7), None);
    }

    #[test]
    fn a_forgotten_rounds_vector_stands_in_nobodys_way() {
        let mut vectors = Vectors::default();
        let wanted = vectors.begin(RoundId(1000));
        vectors.forget();
        assert!(!wanted.stands());
        vectors.keep(update(1000, 1));
        // Another run counts its rounds from 1.
        vectors.begin(RoundId(1));
        vectors.keep(update(1000, 1));
        vectors.keep(update(1, 3));
        assert_eq!(taken(&mut vectors, 1), Some(update(1, 3).digest()));
        // Its round of the number in which noise alone left before.
        vectors.begin(RoundId(7));
        vectors.keep_noise(update(7, 2));
        vectors.noise_alone();
        assert!(vectors.take(RoundId(7)).is_some());
        vectors.begin(RoundId(7));
        vectors.keep(update(7, 5));
        assert_eq!(taken(&mut vectors, 7), Some(update(7, 5).digest()));
    }
}
