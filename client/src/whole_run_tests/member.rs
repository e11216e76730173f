//! A branch beside the daemon: the real participant machine, and an update of noughts.

use std::collections::BTreeMap;

use tributary_certs::budget::sign_first_use;
use tributary_certs::clock::unix_millis;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::ids::RunId;
use tributary_protocol::message::Upstream;
use tributary_protocol::round::{
    Branch, Granted, Outbox, Participant, ParticipantEffect, ParticipantEvent, ParticipantInput, Policy,
};
use tributary_protocol::secagg::masked_sum::{MaskedUpdate, mask};
use tributary_protocol::secagg::modular::RingWords;
use tributary_protocol::time::Millis;

pub(super) struct Member {
    branch: Branch<RealSuite>,
    participant: Participant<RealSuite>,
    update: Option<MaskedUpdate>,
    /// Vectors that it has announced.
    pub(super) announced: BTreeMap<[u8; 32], Vec<u8>>,
}

impl Member {
    pub(super) fn new(policy: Policy, (key, owner): (SigningKey, &SigningKey), grant: Granted, run: RunId) -> Self {
        let first = sign_first_use(owner, ("beside", &[7; 32]), key.verifying_key(), false);
        let begun = ParticipantEvent::BudgetBegun { population: "beside".into(), salt: [7; 32], first };
        let schema = policy.schema;
        let mut branch = Branch::resume(policy, schema, key, &[begun]).unwrap();
        branch.set_grants(vec![grant]);
        let participant = Participant::new(&branch, run);
        Self { branch, participant, update: None, announced: BTreeMap::new() }
    }

    pub(super) fn deadline(&self) -> Option<Millis> {
        self.participant.deadline()
    }

    /// What it says to that.
    pub(super) fn hear(&mut self, input: ParticipantInput) -> Vec<Upstream> {
        let (mut inputs, mut outbox, mut said) = (vec![input], Outbox::new(), Vec::new());
        while let Some(input) = inputs.pop() {
            self.participant.handle(&mut self.branch, Millis(unix_millis()), &mut OsEntropy, input, &mut outbox);
            while let Some(effect) = outbox.pop() {
                match effect {
                    ParticipantEffect::Send(message) => said.push(message),
                    ParticipantEffect::JudgeRun(run) => {
                        inputs.push(ParticipantInput::RunJudged { run: run.id(), verdict: Ok(()) });
                    }
                    ParticipantEffect::Contribute(contribution) => {
                        let descriptor = contribution.descriptor;
                        let words = RingWords::reduce(descriptor.ring, &vec![0; descriptor.dimension as usize]);
                        let update = mask::<RealSuite>(words, contribution.receipt, contribution.seeds);
                        let (round, vector) = (descriptor.round, update.digest());
                        self.update = Some(update);
                        inputs.push(ParticipantInput::Masked { round, vector });
                    }
                    ParticipantEffect::Upload(header) => {
                        let update = self.update.take().unwrap();
                        self.announced.insert(header.vector.0, update.into_bytes());
                        said.push(Upstream::Masked(header));
                    }
                    ParticipantEffect::Stop { explanation, .. } => panic!("{explanation}"),
                    ParticipantEffect::Distrust { what } => panic!("{what}"),
                    _ => {}
                }
            }
        }
        said
    }
}
