//! What a client must never do, whatever it is told.

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RoundId;
use tributary_protocol::message::{Downstream, Freeze, RejectCode, Upstream};
use tributary_protocol::privacy::RdpVector;
use tributary_protocol::round::{Contribution, ParticipantEvent};

use super::{Judge, client_of};

impl Judge {
    /// A client's machine is about to hear this.
    pub(crate) fn branch_hears(&mut self, index: usize, message: &Downstream) {
        match message {
            Downstream::Welcome(welcome) => {
                let genuine = welcome.roster.roster.digest() == self.roster;
                self.branches[index].welcome = (!genuine).then_some("a roster that the authorities did not sign");
            }
            Downstream::Freeze(freeze) => {
                let fault = self.fault_of(freeze);
                self.branches[index].cohort = Some((freeze.session, freeze.members.len(), fault));
            }
            Downstream::Survivors(survivors) => {
                let own = self.branches[index].uploaded.get(&survivors.round);
                let in_it = own.is_some_and(|own| survivors.uploads.contains(&(client_of(index), *own)));
                let count = survivors.uploads.len();
                self.branches[index].shown = Some((survivors.round, survivors.digest(), count, in_it));
            }
            Downstream::Rejected { code: RejectCode::Misbehaved, .. }
                if self.honest_centre && !self.cheats.contains(&index) =>
            {
                self.object(
                    "an honest client is never blamed",
                    format!("client {} is told that it misbehaved", index + 1),
                );
            }
            Downstream::Outcome(outcome) => self.outcome_heard(index, outcome),
            _ => {}
        }
    }

    /// A client's machine says this. What a byzantine client makes of it afterwards is no matter here.
    pub(crate) fn branch_says(&mut self, index: usize, message: &Upstream) {
        let client = client_of(index);
        match message {
            Upstream::Accept { plan } => {
                if *plan != self.plan {
                    self.object(
                        "a client accepts the plan that its policy admits",
                        format!("client {client} accepts another"),
                    );
                }
                if let Some(fault) = self.branches[index].welcome {
                    self.object("the roster is the authorities' own", format!("client {client} accepts {fault}"));
                }
            }
            Upstream::Keys(keys) => {
                self.keys.entry(keys.session).or_default().insert(client, keys.clone());
            }
            Upstream::Encapsulations { session, .. }
            | Upstream::Shares { session, .. }
            | Upstream::SetupAck { session, .. } => match self.branches[index].cohort.take() {
                Some((shown, _, Some(fault))) if shown == *session => {
                    self.object(
                        "a session's keys, cohort and thresholds are genuine",
                        format!("client {client} keys with {fault}"),
                    );
                }
                other => self.branches[index].cohort = other,
            },
            Upstream::SurvivorsAck { round, .. } => self.acknowledges(index, *round),
            Upstream::Unmask { round, .. } => self.reveals(index, *round),
            _ => {}
        }
    }

    /// A client is allowed to train and to mask. `model` is the digest of the model's bytes that it has, `durable` says whether its disk
    /// holds the charge for certain.
    pub(crate) fn contributes(&mut self, index: usize, contribution: &Contribution, model: Digest, durable: bool) {
        let client = client_of(index);
        let descriptor = &contribution.descriptor;
        let round = descriptor.round;
        if !durable {
            self.object(
                "the budget is charged durably before anybody trains",
                format!("client {client}, round {round}"),
            );
        }
        if descriptor.model != model {
            self.object("a client trains on the model that the round names", format!("client {client}, round {round}"));
        }
        let noise = descriptor.share_variance.saturating_mul(u128::from(descriptor.honest_min));
        let members = self.branches[index].cohort.as_ref().map_or(0, |(_, members, _)| *members);
        let floor = self.rule.thresholds(members).map_or(u16::MAX, |own| own.survivors_min);
        if noise < self.variance || descriptor.survivors_min < u32::from(floor) {
            self.object("a round is as private as the plan says", format!("client {client}, round {round}"));
        }
        let seen = &mut self.branches[index];
        let used = seen.contributed.insert(round, descriptor.digest()).is_some();
        let seed_used = !seen.seeds.insert(*contribution.seeds.self_seed.expose());
        if used || seed_used {
            self.object("a round and its masks are used once", format!("client {client}, round {round}"));
        }
    }

    /// A vector leaves a client.
    pub(crate) fn uploads(&mut self, index: usize, round: RoundId, vector: Digest, durable: bool) {
        let client = client_of(index);
        if !durable {
            self.object(
                "the budget is charged durably before anything leaves",
                format!("client {client}, round {round}"),
            );
        }
        if self.branches[index].uploaded.insert(round, vector).is_some_and(|before| before != vector) {
            self.object("one vector leaves a client in a round", format!("client {client}, round {round}"));
        }
    }

    /// A client writes into its budget file.
    pub(crate) fn branch_appends(&mut self, index: usize, event: &ParticipantEvent) {
        let ParticipantEvent::BudgetCharged { plan, round, charge, .. } = event else { return };
        let seen = &mut self.branches[index];
        let fresh = seen.charged.insert(*round);
        seen.spent = seen.spent.plus(charge);
        let within = seen.spent.within(&self.cap) && seen.charged.len() <= self.charges_max as usize;
        if !fresh || *plan != self.plan {
            self.object("a round is charged once", format!("client {}, round {round}", index + 1));
        }
        if !within {
            self.object("the budget is never exceeded", format!("client {}, round {round}", index + 1));
        }
    }

    /// A client starts again with what its disk held: whatever left it must have been charged there.
    pub(crate) fn branch_recovers(&mut self, index: usize, events: &[ParticipantEvent]) {
        let (mut charged, mut spent) = (std::collections::BTreeSet::new(), RdpVector::zero());
        for event in events {
            if let ParticipantEvent::BudgetCharged { round, charge, .. } = event {
                charged.insert(*round);
                spent = spent.plus(charge);
            }
        }
        let lost = self.branches[index].uploaded.keys().find(|round| !charged.contains(round)).copied();
        if let Some(round) = lost {
            self.object(
                "what was spent stays spent",
                format!("client {} forgot round {round}, whose vector left it", index + 1),
            );
        }
        (self.branches[index].charged, self.branches[index].spent) = (charged, spent);
    }

    fn acknowledges(&mut self, index: usize, round: RoundId) {
        let client = client_of(index);
        let Some((shown, digest, members, own)) = self.branches[index].shown else {
            return self
                .object("a survivor set is acknowledged when it is shown", format!("client {client}, round {round}"));
        };
        let cohort = self.branches[index].cohort.as_ref().map_or(0, |(_, members, _)| *members);
        let floor = self.rule.thresholds(cohort).map_or(usize::MAX, |own| own.survivors_min.into());
        if shown != round || members < floor || !own {
            let text = format!(
                "client {client} acknowledges {members} of {cohort} in round {round}, its own upload among them: {own}"
            );
            self.object("a survivor set is as large as the client's own policy asks, and has its upload", text);
        }
        if self.branches[index].acknowledged.insert(round, digest).is_some_and(|before| before != digest) {
            self.object("one survivor set for each client and round", format!("client {client}, round {round}"));
        }
        if let Some(descriptor) = self.branches[index].contributed.get(&round) {
            self.acknowledged.entry((round, *descriptor, digest)).or_default().insert(index);
        }
    }

    /// Shares leave a client: of the self masks of those in its survivor set, of the pairwise masks of the rest of its cohort. One set for
    /// each round is therefore one kind for each peer.
    fn reveals(&mut self, index: usize, round: RoundId) {
        let client = client_of(index);
        let seen = &mut self.branches[index];
        let (Some(set), Some(descriptor)) = (seen.acknowledged.get(&round), seen.contributed.get(&round)) else {
            let text = format!("client {client}, round {round}");
            return self.object("shares are revealed for an acknowledged survivor set", text);
        };
        let (set, descriptor) = (*set, *descriptor);
        let cohort = seen.cohort.as_ref().map_or(0, |(_, members, _)| *members);
        if seen.revealed.insert(round, set).is_some_and(|before| before != set) {
            self.object("one kind of share for each peer and round", format!("client {client}, round {round}"));
        }
        let quorum = self.rule.thresholds(cohort).map_or(usize::MAX, |own| own.quorum.into());
        let signed = self.acknowledged.get(&(round, descriptor, set)).map_or(0, std::collections::BTreeSet::len);
        if signed < quorum {
            let text =
                format!("client {client}, round {round}: {signed} acknowledged this set, the quorum is {quorum}");
            self.object("shares are revealed when a quorum has acknowledged the set", text);
        }
    }

    /// What is wrong with a frozen cohort that a client is shown.
    fn fault_of(&self, freeze: &Freeze) -> Option<String> {
        let members = freeze.members.len();
        let Ok(own) = self.rule.thresholds(members) else { return Some(format!("a cohort of {members}")) };
        if freeze.thresholds.not_weaker_than(&own).is_err() {
            return Some(format!("thresholds below its own for a cohort of {members}"));
        }
        let sent = self.keys.get(&freeze.session);
        let genuine = |keys: &tributary_protocol::message::Keys| {
            sent.and_then(|sent| sent.get(&keys.client))
                .is_some_and(|sent| sent.exchange == keys.exchange && sent.commitments == keys.commitments)
        };
        freeze
            .members
            .iter()
            .find(|keys| !genuine(keys))
            .map(|keys| format!("keys of client {} that it did not send", keys.client))
    }
}
