//! Events of a run in the making, for tests of whoever reads a journal: each follows those before it, and is signed over what they have come to.

use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RoundId};
use tributary_protocol::message::Survivors;
use tributary_protocol::round::{CoordinatorEvent, RunRecord};
use tributary_protocol::secagg::suite::{Signature, Suite as _};

/// The events so far.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) record: RunRecord,
    pub(crate) events: Vec<CoordinatorEvent>,
}

impl Draft {
    pub(crate) fn add(&mut self, event: CoordinatorEvent) {
        self.record.check(&event).unwrap_or_else(|fault| panic!("{fault}: {event:?}"));
        self.record.apply(&event);
        self.events.push(event);
    }

    /// What the signature on an event covers: the first, where all its signers sign the same.
    fn to_sign(&self, event: &CoordinatorEvent) -> Vec<u8> {
        self.record.claims::<RealSuite>(event).unwrap().remove(0).message
    }

    /// A client's upload.
    pub(crate) fn admit(
        &mut self,
        round: RoundId,
        client: ClientId,
        (vector, head): (Digest, Digest),
        key: &SigningKey,
    ) {
        let event = |signature| CoordinatorEvent::UpdateAdmitted { round, client, vector, head, signature };
        let message = self.to_sign(&event(Signature::none()));
        self.add(event(RealSuite::sign(key, &message)));
    }

    /// The survivors with their uploads.
    pub(crate) fn freeze(&mut self, round: RoundId, uploads: Vec<(ClientId, Digest)>) {
        let survivors = uploads.iter().map(|(client, _)| *client).collect();
        let digest = RealSuite::digest(Survivors { round, uploads: uploads.into() }.canonical());
        self.add(CoordinatorEvent::SurvivorsFrozen { round, survivors, digest });
    }

    /// All of them as a quorum.
    pub(crate) fn certify(&mut self, round: RoundId, survivors: &[ClientId], key: impl Fn(ClientId) -> SigningKey) {
        let event = |signatures| CoordinatorEvent::QuorumReached { round, signatures };
        let message = self.to_sign(&event(vec![(survivors[0], Signature::none())]));
        let signed = survivors.iter().map(|client| (*client, RealSuite::sign(&key(*client), &message)));
        self.add(event(signed.collect()));
    }
}
