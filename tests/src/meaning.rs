//! What the stages of a plan mean in a world: what each client adds to a sum, and what an opened sum makes of the public state. The machines know
//! nothing of it, so that a test can run any kind of stage through a whole federation.

use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::ids::RoundId;
use tributary_protocol::plan::{Plan, Stage};

/// An opened sum.
#[derive(Clone, Copy)]
pub struct Opened<'a> {
    /// Its round.
    pub round: RoundId,
    /// Coordinate by coordinate.
    pub sum: &'a [i64],
    /// Vectors in it.
    pub survivors: usize,
}

/// What stages mean. Every answer is a function of what is asked alone: a coordinator that is started again asks again.
pub trait Meaning {
    /// The plan, given the simulator's own with everything but its stages.
    fn plan(&self, usual: Plan) -> Plan;

    /// The public state from which the first run begins.
    fn first_state(&self) -> Vec<u8>;

    /// The digest of a public state.
    fn digest(&self, state: &[u8]) -> Digest;

    /// What a client, numbered from 0, adds to a sum, as little as its stage's state says.
    fn contribute(&self, stage: &Stage, client: usize, state: &[u8]) -> Vec<i64>;

    /// The public state after a sum; the same one where the stage moves none.
    fn advance(&self, stage: &Stage, state: &[u8], opened: Opened<'_>) -> Vec<u8>;

    /// What a stage hands on.
    fn conclude(&self, stage: &Stage, state: &[u8]) -> Vec<u8>;
}

/// Kinds of the oracle's stages.
pub(crate) mod kind {
    /// Counts, without a public state.
    pub(crate) const COUNT: &str = "count";
    /// Moves the public state.
    pub(crate) const GRADIENT: &str = "gradient";
    /// Looks at the public state and moves none.
    pub(crate) const EVALUATE: &str = "evaluate";
}

/// Client i adds 1 at index i and nothing else, so that an opened sum says exactly who is in it and how often.
pub(crate) struct Oracle {
    pub(crate) stages: Vec<Stage>,
    pub(crate) retries: u32,
}

/// Bytes of the oracle's public state.
pub(crate) const STATE_BYTES: u32 = 32;

impl Meaning for Oracle {
    fn plan(&self, usual: Plan) -> Plan {
        Plan { stages: self.stages.clone(), retries: self.retries, ..usual }
    }

    fn first_state(&self) -> Vec<u8> {
        b"the first model, thirty-two byte".to_vec()
    }

    fn digest(&self, state: &[u8]) -> Digest {
        Digest::of(state)
    }

    fn contribute(&self, stage: &Stage, client: usize, _: &[u8]) -> Vec<i64> {
        let mut values = vec![0; stage.dimension as usize];
        values[client] = 1;
        values
    }

    fn advance(&self, stage: &Stage, state: &[u8], opened: Opened<'_>) -> Vec<u8> {
        if stage.kind != kind::GRADIENT {
            return state.to_vec();
        }
        let sum: Vec<u8> = opened.sum.iter().flat_map(|value| value.to_le_bytes()).collect();
        let body = Canonical::new("model").bytes(state).u64(opened.round.0).digest(&Digest::of(&sum));
        body.finish().0.to_vec()
    }

    fn conclude(&self, stage: &Stage, state: &[u8]) -> Vec<u8> {
        // A stage that trains hands on another model than its last one, as an average is.
        if stage.kind == kind::GRADIENT {
            return Canonical::new("released").bytes(state).finish().0.to_vec();
        }
        state.to_vec()
    }
}
