//! What a client must never do, whatever it is told.

use std::collections::BTreeSet;

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RoundId, RunId, SessionId};
use tributary_protocol::message::{Downstream, Freeze, KeysStatement, NeighbourKeys, RejectCode, Survivors, Upstream};
use tributary_protocol::plan::RunRef;
use tributary_protocol::privacy::Accounts;
use tributary_protocol::round::{BudgetRecord, Contribution, ParticipantEvent};
use tributary_protocol::secagg::suite::Suite;

use super::{Judge, Round, SetNumber, Welcomed, client_of};
use crate::cast::organisations;

impl Judge {
    /// A client's machine speaks and acts in this run from here on.
    pub(crate) fn set_run(&mut self, index: usize, run: RunRef) {
        self.branches[index].run = run;
    }

    /// A round of the run that a client's machine is in.
    fn round(&self, index: usize, round: RoundId) -> Round {
        (self.branches[index].run, round)
    }

    /// A client's machine is about to hear this.
    pub(crate) fn branch_hears(&mut self, index: usize, run: RunId, message: &Downstream) {
        match message {
            Downstream::Welcome(welcome) => {
                let roster = &welcome.roster.roster;
                let genuine = self.rosters.contains(roster);
                let seen = &mut self.branches[index];
                let claimed = welcome.budget.as_ref().map_or_else(Accounts::zero, |shown| shown.head.spent.clone());
                let roster = match roster.epoch() {
                    _ if !genuine => Err("a roster that the authorities did not sign"),
                    epoch if epoch < seen.epoch => Err("an older roster than it has accepted"),
                    epoch => Ok(epoch),
                };
                seen.welcomes.insert(run, Welcomed { roster, approvals: welcome.approvals.clone(), claimed });
            }
            Downstream::Freeze(freeze) => {
                let fault = self.fault_of(run, freeze);
                let members = freeze.members.iter().map(|member| member.client).collect();
                self.branches[index].cohorts.insert(freeze.session, (members, fault));
            }
            Downstream::Neighbourhood(shown) => {
                if let Some(fault) = self.foreign_keys(shown.session, &shown.keys)
                    && let Some((_, known)) = self.branches[index].cohorts.get_mut(&shown.session)
                {
                    known.get_or_insert(fault);
                }
            }
            Downstream::Survivors(survivors) => {
                self.branches[index].shown.insert(run, survivors.clone());
            }
            Downstream::Rejected { code: RejectCode::Misbehaved, .. }
                if self.honest_centre && !self.cheats.contains(&index) =>
            {
                self.object(
                    "an honest client is never blamed",
                    format!("client {} is told that it misbehaved", index + 1),
                );
            }
            Downstream::Outcome(outcome) => self.outcome_heard(index, run, outcome),
            _ => {}
        }
    }

    /// A client's machine says this. What a byzantine client makes of it afterwards is no matter here.
    pub(crate) fn branch_says(&mut self, index: usize, message: &Upstream) {
        let client = client_of(index);
        match message {
            Upstream::Accept { run, .. } => {
                if !self.terms.contains_key(run) {
                    self.object(
                        "a client accepts a run of the plan that its policy admits",
                        format!("client {client} accepts another"),
                    );
                }
                self.joins(index, *run);
                let seen = &mut self.branches[index];
                let welcome = seen.welcomes.get(run);
                let forgot = welcome.is_some_and(|welcome| !welcome.claimed.at_most(&seen.record.spent));
                match welcome.map_or(Err("no roster at all"), |welcome| welcome.roster) {
                    Ok(epoch) => seen.epoch = seen.epoch.max(epoch),
                    Err(fault) => {
                        self.object(
                            "the roster is the authorities' own, and the newest",
                            format!("client {client} accepts {fault}"),
                        );
                    }
                }
                if forgot {
                    self.object("a restored record is noticed", format!("client {client} goes on with one"));
                }
            }
            Upstream::Keys(keys) => {
                self.keys.entry(keys.statement.session).or_default().insert(client, (**keys).clone());
            }
            Upstream::Deal(deal) => self.keys_with(index, deal.statement.session),
            Upstream::Contribution { session, .. }
            | Upstream::Encapsulations { session, .. }
            | Upstream::SetupAck { session, .. } => self.keys_with(index, *session),
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
        let run = self.branches[index].run.id();
        let stages = self.terms.get(&run).map(|terms| terms.stages.as_slice()).unwrap_or_default();
        let (needed, given) = stages.get(usize::from(descriptor.stage)).copied().unwrap_or((u128::MAX, true));
        if given && descriptor.model != model {
            self.object("a client trains on the model that the round names", format!("client {client}, round {round}"));
        }
        let noise = descriptor.share_variance.saturating_mul(u128::from(descriptor.honest_min));
        let floor =
            self.thresholds(run, self.cohort(index, descriptor.session)).map_or(u16::MAX, |own| own.survivors_min);
        if noise < needed || descriptor.survivors_min < u32::from(floor) {
            self.object("a round is as private as the plan says", format!("client {client}, round {round}"));
        }
        let key = self.round(index, round);
        let seen = &mut self.branches[index];
        let used = seen.contributed.insert(key, (descriptor.digest(), descriptor.session)).is_some();
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
        let key = self.round(index, round);
        if self.branches[index].uploaded.insert(key, vector).is_some_and(|before| before != vector) {
            self.object("one vector leaves a client in a round", format!("client {client}, round {round}"));
        }
    }

    /// A client writes into its budget file.
    pub(crate) fn branch_appends<S: Suite>(&mut self, index: usize, event: &ParticipantEvent) {
        let client = client_of(index);
        let record = &self.branches[index].record;
        if let Err(fault) = record.check(event) {
            return self
                .object("the budget file's events follow from one another", format!("client {client}: {fault}"));
        }
        let roster = match event {
            ParticipantEvent::HeadSigned { head } | ParticipantEvent::HeadAdopted { head, .. } => {
                self.rosters.iter().find(|roster| roster.epoch() == head.epoch)
            }
            _ => None,
        };
        let signed = match record.claims::<S>(event, roster) {
            Ok(claims) => claims.iter().all(|claim| claim.holds::<S>()),
            Err(_) => false,
        };
        if !signed {
            return self.object("a budget file rests on signatures that hold", format!("client {client}: {event:?}"));
        }
        let seen = &mut self.branches[index];
        seen.record.apply(event);
        seen.owner.note(event);
        seen.fresh = true;
        if let ParticipantEvent::RosterAccepted { head, .. } = event {
            seen.newest = seen.newest.max(head.epoch);
        }
        let cap = self.cap(index);
        let seen = &self.branches[index];
        let (spent, year, reserved) = (&seen.record.spent, seen.record.year.spent(), seen.record.reserved());
        let within = spent.within(cap) && year.within(cap) && seen.owner.spent().within(cap);
        let paid = spent.plus(&reserved).within(cap) && year.plus(&reserved).within(cap);
        if !within {
            self.object("the budget is never exceeded", format!("client {client}: {event:?}"));
        }
        if let ParticipantEvent::BudgetCharged { run, .. } = event {
            self.charged_under(index, *run);
            self.charged_by::<S>(index, *run);
        }
        let ParticipantEvent::RunAccepted { run, grant, charge_max, .. } = event else { return };
        if !paid {
            self.object("what is reserved is there to be paid", format!("client {client}: {event:?}"));
        }
        self.accepts_under(index, (*run, *grant), charge_max);
    }

    /// A client's machine has nothing more to say: its state is what its file comes to.
    pub(crate) fn branch_rests(&mut self, index: usize, record: &BudgetRecord) {
        let seen = &mut self.branches[index];
        if std::mem::take(&mut seen.fresh) && *record != seen.record {
            self.object("replaying the file gives the state", format!("client {}", index + 1));
        }
    }

    /// A client starts again with what its disk held: whatever left it must have been charged there.
    pub(crate) fn branch_recovers(&mut self, index: usize, events: &[ParticipantEvent]) {
        let (mut charged, mut acknowledged, mut revealed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for event in events {
            match event {
                ParticipantEvent::SurvivorsAcknowledged { run, round, .. } => acknowledged.insert((*run, *round)),
                ParticipantEvent::SharesRevealed { run, round, .. } => revealed.insert((*run, *round)),
                ParticipantEvent::BudgetCharged { run, round, .. } => charged.insert((*run, *round)),
                ParticipantEvent::HeadAdopted { head, .. } => {
                    charged.extend(head.runs().map(|(run, charged)| (*run, RoundId(charged.last_round))));
                    false
                }
                _ => false,
            };
        }
        match BudgetRecord::replay(events) {
            Ok(record) => self.branches[index].record = record,
            Err(fault) => return self.object("the budget file's events follow from one another", fault),
        }
        let seen = &mut self.branches[index];
        seen.fresh = true;
        seen.owner.recovers(events);
        seen.newest = seen.record.roster.map_or(0, |head| head.epoch);
        if seen.restored {
            // What an old copy does not say cannot be known.
            seen.epoch = seen.record.roster.map_or(0, |head| head.epoch);
            return;
        }
        let lost = seen.uploaded.keys().find(|round| !charged.contains(round)).copied();
        let kept = seen.acknowledged.keys().all(|round| acknowledged.contains(round))
            && seen.revealed.keys().all(|round| revealed.contains(round));
        if let Some((_, round)) = lost {
            self.object(
                "what was spent stays spent",
                format!("client {} forgot round {round}, whose vector left it", index + 1),
            );
        }
        if !kept {
            self.object(
                "what was acknowledged or revealed stays recorded",
                format!("client {} forgot a survivor set that it signed, or shares that left it", index + 1),
            );
        }
    }

    /// Somebody puts an old copy of a client's disk into its place.
    pub(crate) fn restores(&mut self, index: usize) {
        self.branches[index].restored = true;
        self.branches[index].owner.forgets();
    }

    /// A client goes on with a set-up: what it was shown of it must be genuine.
    fn keys_with(&mut self, index: usize, session: SessionId) {
        if let Some((_, Some(fault))) = self.branches[index].cohorts.get(&session) {
            let text = format!("client {} goes on with {fault}", index + 1);
            self.object("a session's keys, cohort and thresholds are genuine", text);
        }
    }

    fn acknowledges(&mut self, index: usize, round: RoundId) {
        let (client, key) = (client_of(index), self.round(index, round));
        let seen = &self.branches[index];
        let run = seen.run.id();
        let (Some(shown), Some((descriptor, session))) =
            (seen.shown.get(&run).cloned(), seen.contributed.get(&key).copied())
        else {
            return self
                .object("a survivor set is acknowledged when it is shown", format!("client {client}, round {round}"));
        };
        let own = seen.uploaded.get(&key).is_some_and(|own| shown.uploads.contains(&(client, *own)));
        let cohort = self.cohort(index, session);
        // A stranger is in no cohort, and one that is named twice or out of turn is not in ascending order.
        let indices = shown.uploads.iter().map(|(name, _)| u32::try_from(cohort.binary_search(name).ok()?).ok());
        let indices: Option<Vec<u32>> = indices.collect();
        let admitted = self
            .thresholds(run, cohort)
            .zip(indices)
            .is_some_and(|(own, indices)| self.rule.admits_survivors(&organisations(cohort), &own, &indices).is_ok());
        if shown.round != round || !admitted || !own {
            let (members, of) = (shown.uploads.len(), cohort.len());
            let text = format!(
                "client {client} acknowledges {members} of {of} in round {round}, its own upload among them: {own}"
            );
            self.object("a survivor set is as large as the client's own policy asks, and has its upload", text);
        }
        let set = self.number_of(shown);
        if self.branches[index].acknowledged.insert(key, set).is_some_and(|before| before != set) {
            self.object("one survivor set for each client and round", format!("client {client}, round {round}"));
        }
        self.acknowledged.entry((round, descriptor, set)).or_default().insert(index);
    }

    /// Sets are compared as they are: hashing each for every client that is shown it takes longer than all other judging.
    fn number_of(&mut self, shown: Survivors) -> SetNumber {
        // The newest is nearly always meant.
        let known = self.sets.iter().rposition(|set| *set == shown);
        SetNumber(known.unwrap_or_else(|| {
            self.sets.push(shown);
            self.sets.len() - 1
        }))
    }

    /// Shares leave a client: of the self masks of those in its survivor set, of the envelopes of the rest of its cohort. One set for each
    /// round is therefore one kind for each peer.
    fn reveals(&mut self, index: usize, round: RoundId) {
        let (client, key) = (client_of(index), self.round(index, round));
        let seen = &mut self.branches[index];
        let (Some(set), Some((descriptor, session))) = (seen.acknowledged.get(&key), seen.contributed.get(&key)) else {
            let text = format!("client {client}, round {round}");
            return self.object("shares are revealed for an acknowledged survivor set", text);
        };
        let (set, descriptor, session) = (*set, *descriptor, *session);
        if seen.revealed.insert(key, set).is_some_and(|before| before != set) {
            self.object("one kind of share for each peer and round", format!("client {client}, round {round}"));
        }
        let quorum =
            self.thresholds(key.0.id(), self.cohort(index, session)).map_or(usize::MAX, |own| own.quorum.into());
        let signed = self.acknowledged.get(&(round, descriptor, set)).map_or(0, BTreeSet::len);
        if signed < quorum {
            let text =
                format!("client {client}, round {round}: {signed} acknowledged this set, the quorum is {quorum}");
            self.object("shares are revealed when a quorum has acknowledged the set", text);
        }
    }

    /// The cohort of a session as a client was shown it.
    fn cohort(&self, index: usize, session: SessionId) -> &[ClientId] {
        self.branches[index].cohorts.get(&session).map_or(&[], |(cohort, _)| cohort)
    }

    /// What is wrong with a frozen cohort that a client is shown.
    fn fault_of(&self, run: RunId, freeze: &Freeze) -> Option<String> {
        let cohort: Vec<ClientId> = freeze.members.iter().map(|member| member.client).collect();
        if self.rule.accept(&organisations(&cohort), self.group(run), &freeze.thresholds).is_err() {
            return Some(format!("thresholds below its own for a cohort of {}", cohort.len()));
        }
        let sent = self.keys.get(&freeze.session);
        let genuine = |shown: &&KeysStatement| {
            let sent = sent.and_then(|sent| sent.get(&shown.client));
            sent.is_some_and(|sent| {
                sent.statement.keys == shown.keys && sent.statement.contribution == shown.contribution
            })
        };
        let foreign = freeze.members.iter().find(|shown| !genuine(shown));
        let foreign = foreign.map(|shown| format!("a statement of client {} that it did not make", shown.client));
        foreign.or_else(|| self.foreign_keys(freeze.session, &freeze.keys))
    }

    /// Keys that their owner did not send.
    fn foreign_keys(&self, session: SessionId, keys: &[NeighbourKeys]) -> Option<String> {
        let sent = self.keys.get(&session);
        let genuine = |shown: &&NeighbourKeys| {
            let sent = sent.and_then(|sent| sent.get(&shown.client));
            sent.is_some_and(|sent| sent.exchange == shown.exchange && sent.commitments == shown.commitments)
        };
        keys.iter()
            .find(|shown| !genuine(shown))
            .map(|shown| format!("keys of client {} that it did not send", shown.client))
    }
}
