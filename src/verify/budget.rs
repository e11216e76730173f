//! A branch's budget file: nothing left the branch that was not charged before.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use tributary_certs::suite::RealSuite;
use tributary_model::privacy::epsilon_of;
use tributary_protocol::budget::population_digest;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RoundId;
use tributary_protocol::privacy::{Accounts, Unit};
use tributary_protocol::round::{ParticipantEvent, ParticipantRecord};

use super::{Bad, Entry};

/// What a verified budget file says.
#[derive(Debug, Serialize)]
pub(crate) struct BudgetReport {
    /// Entries of the file.
    pub(crate) entries: usize,
    /// Digest over all of them.
    pub(crate) head: String,
    /// Charges and adoptions, and one for the first use.
    pub(crate) counter: u64,
    /// Heads that were adopted: the file was an older copy so often, or took the place of a lost one.
    pub(crate) heads_adopted: usize,
    /// Epsilon of everything ever charged for a customer. Nothing where a charge has no finite epsilon at this delta.
    pub(crate) epsilon: Option<f64>,
    /// Epsilon of everything ever charged for the branch as one unit; 0 where no plan was in mode branch.
    pub(crate) epsilon_branch: Option<f64>,
    /// Delta of all epsilons here.
    pub(crate) delta: f64,
    /// What each plan charged.
    pub(crate) plans: Vec<PlanReport>,
}

/// What one plan charged.
#[derive(Debug, Serialize)]
pub(crate) struct PlanReport {
    /// Digest of the plan.
    pub(crate) plan: String,
    /// Rounds charged, of every kind.
    pub(crate) rounds: u32,
    /// The last round.
    pub(crate) last_round: u64,
    /// Epsilon of these rounds alone, for a customer.
    pub(crate) epsilon: Option<f64>,
    /// The same for the branch as one unit.
    pub(crate) epsilon_branch: Option<f64>,
}

/// Follows a budget file from its first entry.
///
/// # Errors
/// The first entry that breaks a rule.
pub(super) fn audit(entries: &[Entry<ParticipantEvent>], head: String, delta: f64) -> Result<BudgetReport, Bad> {
    let mut audit = Audit::default();
    for entry in entries {
        audit.follow(&entry.event).map_err(|reason| entry.bad(reason))?;
    }
    let plans = audit.record.plans.iter().map(|(plan, spend)| PlanReport {
        plan: plan.to_string(),
        rounds: spend.charged.rounds.iter().fold(0, |sum, rounds| sum.saturating_add(*rounds)),
        last_round: spend.charged.last_round,
        epsilon: finite(Unit::Customer, &spend.spent, delta),
        epsilon_branch: finite(Unit::Branch, &spend.spent, delta),
    });
    Ok(BudgetReport {
        entries: entries.len(),
        head,
        counter: audit.record.counter,
        heads_adopted: entries
            .iter()
            .filter(|entry| matches!(entry.event, ParticipantEvent::HeadAdopted { .. }))
            .count(),
        epsilon: finite(Unit::Customer, &audit.record.spent, delta),
        epsilon_branch: finite(Unit::Branch, &audit.record.spent, delta),
        delta,
        plans: plans.collect(),
    })
}

#[derive(Default)]
struct Audit {
    record: ParticipantRecord,
    accepted: BTreeSet<Digest>,
    open: Option<Open>,
}

/// The last round that was charged, and how far it came.
struct Open {
    plan: Digest,
    round: RoundId,
    uploaded: bool,
    acknowledged: Option<Digest>,
    revealed: bool,
}

impl Audit {
    fn follow(&mut self, event: &ParticipantEvent) -> Result<(), &'static str> {
        let rule = |holds: bool, text| if holds { Ok(()) } else { Err(text) };
        match event {
            ParticipantEvent::RosterAccepted { head, .. } => {
                let newer = self.record.roster.is_none_or(|before| before.epoch < head.epoch);
                rule(newer, "a roster is accepted that is not newer than the one before")?;
            }
            ParticipantEvent::BudgetBegun { population, salt, first } => {
                rule(self.record.begun.is_none(), "a budget begins a second time")?;
                let bound = first.population == population_digest(salt, population);
                rule(bound && first.is_signed::<RealSuite>(), "a budget begins without its owner's signature")?;
            }
            ParticipantEvent::OwnerChanged { change } => {
                let signed = self.record.admits_change(change) && change.is_signed::<RealSuite>();
                rule(signed, "the budget passes to another owner without the signature of the one before")?;
            }
            ParticipantEvent::HeadSigned { head } => {
                let record = &self.record;
                rule(record.owner() == Some(head.owner), "a head is signed that names another owner")?;
                let population = record.population_digest == Some(head.population);
                let folded = head.counter == record.counter && head.spent == record.spent;
                rule(population && folded, "a head is signed that is not what the entries before it add up to")?;
                let plan = head.charged == record.charged(&head.plan);
                rule(plan, "a head is signed with other rounds of its plan than were charged")?;
                let others = head.others == record.others(&head.plan) && head.day == record.last_day();
                rule(
                    others,
                    "a head is signed with other rounds of other plans, or of the last day, than were charged",
                )?;
            }
            ParticipantEvent::HeadAdopted { head, charge } => {
                let record = &self.record;
                let own = record.awaits_head || record.population_digest == Some(head.population);
                rule(own, "a head of another population is adopted")?;
                rule(record.was_owned_by(&head.owner), "a head of another owner is adopted")?;
                rule(!record.knows(head), "a head is adopted that the file knew already")?;
                let added = record.spent.missing_to(&head.spent);
                rule(charge.at_most(&added), "more is added to a plan than to the whole")?;
            }
            ParticipantEvent::CountersSeen { counters } => {
                let known = &self.record.counters;
                let higher = counters.iter().all(|(client, seen)| known.get(client).is_none_or(|known| known < seen));
                rule(higher, "a member's counter is noted that is not higher than before")?;
            }
            ParticipantEvent::PlanAccepted { plan, .. } => {
                self.accepted.insert(*plan);
            }
            ParticipantEvent::BudgetCharged { plan, round, .. } => {
                rule(self.record.begun.is_some(), "something is charged to a budget that was not begun")?;
                rule(!self.record.awaits_head, "something is charged while the file awaits a head")?;
                rule(self.accepted.contains(plan), "a plan is charged that was not accepted")?;
                rule(round.0 > self.record.last_round(plan), "a round is charged that was used before")?;
                let (plan, round) = (*plan, *round);
                self.open = Some(Open { plan, round, uploaded: false, acknowledged: None, revealed: false });
            }
            ParticipantEvent::Uploaded { round, counter, .. } => {
                rule(*counter == self.record.counter, "an upload's head has another counter than the file")?;
                let open = self.open.as_mut().filter(|open| open.round == *round && !open.uploaded);
                open.ok_or("an upload without a charge of its own")?.uploaded = true;
            }
            ParticipantEvent::SurvivorsAcknowledged { plan, round, survivors } => {
                let open =
                    self.open.as_mut().filter(|open| open.plan == *plan && open.round == *round && open.uploaded);
                let open = open.ok_or("a survivor set is acknowledged for a round without an upload")?;
                rule(open.acknowledged.is_none(), "two survivor sets are acknowledged for one round")?;
                open.acknowledged = Some(*survivors);
            }
            ParticipantEvent::SharesRevealed { round, survivors } => {
                let open = self.open.as_mut().filter(|open| open.round == *round);
                let open = open.ok_or("shares are revealed for a round that is not the last one charged")?;
                rule(
                    open.acknowledged == Some(*survivors),
                    "shares are revealed for other survivors than acknowledged",
                )?;
                rule(!open.revealed, "shares are revealed twice for one round")?;
                open.revealed = true;
            }
            ParticipantEvent::RoundClosed { .. } | ParticipantEvent::Refused { .. } => {}
        }
        self.record.apply(event);
        Ok(())
    }
}

fn finite(unit: Unit, spent: &Accounts, delta: f64) -> Option<f64> {
    Some(epsilon_of(spent.of(unit), delta).0).filter(|epsilon| epsilon.is_finite())
}

impl fmt::Display for BudgetReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |epsilon: Option<f64>| epsilon.map_or("unbounded".to_owned(), |epsilon| format!("{epsilon:.6}"));
        writeln!(formatter, "  branch's budget file, {} entries", self.entries)?;
        writeln!(formatter, "  head     {}", self.head)?;
        let adopted = self.heads_adopted;
        writeln!(formatter, "  counter  {}, {adopted} heads adopted from older copies", self.counter)?;
        write!(formatter, "  spent    epsilon {} at delta {:e} for a customer", shown(self.epsilon), self.delta)?;
        if self.epsilon_branch != Some(0.0) {
            write!(formatter, ", and {} for the branch as one unit", shown(self.epsilon_branch))?;
        }
        for plan in &self.plans {
            let PlanReport { plan, rounds, last_round, epsilon, .. } = plan;
            write!(
                formatter,
                "\n  plan     {plan}: {rounds} rounds, the last is {last_round}, epsilon {}",
                shown(*epsilon)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tributary_certs::budget::{sign_first_use, sign_owner_change};
    use tributary_certs::suite::SigningKey;
    use tributary_protocol::budget::{BudgetHead, LastDay};
    use tributary_protocol::ids::ClientId;
    use tributary_protocol::message::Charged;
    use tributary_protocol::plan::{PrivacyMode, RoundKind};
    use tributary_protocol::privacy::RdpVector;
    use tributary_protocol::roster::RosterHead;
    use tributary_protocol::secagg::suite::Signature;
    use tributary_protocol::time::Millis;

    use super::*;

    const PLAN: Digest = Digest([1; 32]);
    const SET: Digest = Digest([2; 32]);

    fn charged(round: u64) -> ParticipantEvent {
        let charge = Accounts::customers(RdpVector::gaussian(1, 10_000));
        let (kind, at) = (RoundKind::Train, Millis(0));
        ParticipantEvent::BudgetCharged { plan: PLAN, round: RoundId(round), kind, at, descriptor: SET, charge }
    }

    fn begun(population: &str) -> ParticipantEvent {
        let owner = SigningKey::from_seed(&[1; 32]);
        let first = sign_first_use(&owner, (population, &[7; 32]), owner.verifying_key(), false);
        ParticipantEvent::BudgetBegun { population: population.into(), salt: [7; 32], first }
    }

    /// What the branch signs after so many charges of the plan.
    fn head(counter: u64, charges: u64) -> BudgetHead {
        BudgetHead {
            client: ClientId(1),
            population: population_digest(&[7; 32], "a"),
            counter,
            spent: Accounts::customers(RdpVector::gaussian(1, 10_000).times(charges)),
            plan: PLAN,
            charged: Charged { rounds: [u32::try_from(charges).unwrap(), 0, 0], last_round: charges },
            others: Vec::new(),
            day: LastDay { rounds: u32::try_from(charges).unwrap(), last: Millis(0) },
            epoch: 1,
            owner: SigningKey::from_seed(&[1; 32]).verifying_key(),
            signature: Signature(Vec::new()),
        }
    }

    fn accepted(plan: Digest) -> ParticipantEvent {
        ParticipantEvent::PlanAccepted {
            plan,
            name: "test".into(),
            purpose: "test".into(),
            privacy: PrivacyMode::Customer,
            charge: Accounts::zero(),
            charge_max: Accounts::zero(),
            rounds_charged_max: 10,
        }
    }

    /// The first round of a file, or the second.
    fn whole_round(round: u64) -> Vec<ParticipantEvent> {
        counted_round(round, 2)
    }

    fn counted_round(round: u64, counter: u64) -> Vec<ParticipantEvent> {
        let number = RoundId(round);
        vec![
            charged(round),
            ParticipantEvent::Uploaded { round: number, vector: SET, counter },
            ParticipantEvent::SurvivorsAcknowledged { plan: PLAN, round: number, survivors: SET },
            ParticipantEvent::SharesRevealed { round: number, survivors: SET },
            ParticipantEvent::RoundClosed { round: number, model: Some(SET) },
        ]
    }

    fn audited(events: Vec<ParticipantEvent>) -> Result<BudgetReport, Bad> {
        let events = [begun("a"), accepted(PLAN)].into_iter().chain(events);
        let entries: Vec<_> = (0..).zip(events).map(|(sequence, event)| Entry { sequence, offset: 0, event }).collect();
        audit(&entries, String::new(), 1e-6)
    }

    #[test]
    fn whole_rounds_add_up() {
        let report = audited([whole_round(1), counted_round(4, 3)].concat()).unwrap();
        assert_eq!((report.entries, report.plans.len(), report.counter), (12, 1, 3));
        assert_eq!((report.plans[0].rounds, report.plans[0].last_round), (2, 4));
        let expected = epsilon_of(&RdpVector::gaussian(1, 10_000).times(2), 1e-6).0;
        assert_eq!(report.epsilon, Some(expected));
        assert!(report.to_string().contains("2 rounds"));
    }

    #[test]
    fn what_no_client_writes_is_named() {
        let refusal = |events: Vec<ParticipantEvent>| {
            let bad = audited(events).expect_err("a rule is broken");
            (bad.entry.unwrap(), bad.reason)
        };
        let without = |index: usize| {
            let mut events = whole_round(1);
            events.remove(index);
            events
        };
        for (events, entry, reason) in [
            (without(0), 2, "another counter"),
            (without(1), 3, "without an upload"),
            (without(2), 4, "other survivors"),
            ([whole_round(2), vec![charged(2)]].concat(), 7, "used before"),
            ([whole_round(2), vec![charged(1)]].concat(), 7, "used before"),
        ] {
            let (found, text) = refusal(events);
            assert!(found == entry && text.contains(reason), "{found} {text}");
        }
        let head = |epoch| ParticipantEvent::RosterAccepted { head: RosterHead { epoch, digest: SET }, missing: 0 };
        assert!(refusal(vec![head(2), head(1)]).1.contains("not newer"));
        let mut twice = whole_round(1);
        twice.insert(3, twice[2].clone());
        assert!(refusal(twice).1.contains("two survivor sets"));
        let mut stranger = whole_round(1);
        stranger[0] = ParticipantEvent::BudgetCharged {
            plan: SET,
            round: RoundId(1),
            kind: RoundKind::Train,
            at: Millis(0),
            descriptor: SET,
            charge: Accounts::zero(),
        };
        assert!(refusal(stranger).1.contains("not accepted"));
        assert!(refusal(vec![begun("a")]).1.contains("a second time"));
        let seen = |counter| ParticipantEvent::CountersSeen { counters: vec![(ClientId(2), counter)] };
        assert!(refusal(vec![seen(5), seen(5)]).1.contains("not higher"));
    }

    #[test]
    fn heads_are_what_the_entries_add_up_to() {
        let refusal = |events: Vec<ParticipantEvent>| audited(events).expect_err("a rule is broken").reason;
        let signed = |head| vec![ParticipantEvent::HeadSigned { head: Box::new(head) }];
        assert!(audited([whole_round(1), signed(head(2, 1))].concat()).is_ok());
        assert!(refusal([whole_round(1), signed(head(1, 1))].concat()).contains("add up to"));
        assert!(refusal([whole_round(1), signed(head(2, 0))].concat()).contains("add up to"));
        let elsewhere = BudgetHead { population: SET, ..head(2, 1) };
        assert!(refusal([whole_round(1), signed(elsewhere.clone())].concat()).contains("add up to"));
        let other_rounds = BudgetHead { charged: Charged::default(), ..head(2, 1) };
        assert!(refusal([whole_round(1), signed(other_rounds)].concat()).contains("other rounds of its plan"));
        let other_plans = BudgetHead { others: vec![(SET, head(2, 1).charged)], ..head(2, 1) };
        let other_day = BudgetHead { day: LastDay::NONE, ..head(2, 1) };
        for head in [other_plans, other_day] {
            assert!(refusal([whole_round(1), signed(head)].concat()).contains("of other plans, or of the last day"));
        }
        let adopted = |head: BudgetHead, charges| {
            let charge = Accounts::customers(RdpVector::gaussian(1, 10_000).times(charges));
            vec![ParticipantEvent::HeadAdopted { head: Box::new(head), charge }]
        };
        let report = audited([whole_round(1), adopted(head(4, 3), 2), signed(head(4, 3))].concat()).unwrap();
        assert_eq!((report.counter, report.heads_adopted, report.plans[0].rounds), (4, 1, 3));
        assert!(refusal([whole_round(1), adopted(head(2, 1), 0)].concat()).contains("knew already"));
        assert!(refusal([whole_round(1), adopted(elsewhere, 0)].concat()).contains("another population"));
        let next = SigningKey::from_seed(&[2; 32]);
        let elses = BudgetHead { owner: next.verifying_key(), ..head(4, 3) };
        assert!(refusal([whole_round(1), adopted(elses.clone(), 2)].concat()).contains("another owner is adopted"));
        let signed_elses = BudgetHead { owner: next.verifying_key(), ..head(2, 1) };
        assert!(refusal([whole_round(1), signed(signed_elses.clone())].concat()).contains("names another owner"));
        let change = |owner: &SigningKey| {
            let change = sign_owner_change(owner, population_digest(&[7; 32], "a"), next.verifying_key());
            vec![ParticipantEvent::OwnerChanged { change }]
        };
        let owner = SigningKey::from_seed(&[1; 32]);
        assert!(audited([whole_round(1), change(&owner), signed(signed_elses)].concat()).is_ok());
        assert!(refusal([change(&owner), change(&owner)].concat()).contains("signature of the one before"));
        let mut forged = change(&owner);
        let ParticipantEvent::OwnerChanged { change: altered } = &mut forged[0] else { panic!("a change") };
        altered.to = SigningKey::from_seed(&[3; 32]).verifying_key();
        assert!(refusal(forged).contains("signature of the one before"));
        assert!(refusal([whole_round(1), adopted(head(4, 3), 3)].concat()).contains("more is added"));
        // A file without a first use, or one that awaits a head, spends nothing.
        let entry = |(sequence, event)| Entry { sequence, offset: 0, event };
        let bare: Vec<_> = (0..).zip([accepted(PLAN), charged(1)]).map(entry).collect();
        assert!(audit(&bare, String::new(), 1e-6).unwrap_err().reason.contains("not begun"));
        let mut unsigned = begun("a");
        if let ParticipantEvent::BudgetBegun { salt, .. } = &mut unsigned {
            salt[0] ^= 1;
        }
        assert!(audit(&[entry((0, unsigned))], String::new(), 1e-6).unwrap_err().reason.contains("owner's signature"));
    }

    #[test]
    fn an_unbounded_charge_has_no_epsilon() {
        let charge = Accounts::customers(RdpVector::gaussian(1, 0));
        let (kind, at) = (RoundKind::Train, Millis(0));
        let event =
            ParticipantEvent::BudgetCharged { plan: PLAN, round: RoundId(1), kind, at, descriptor: SET, charge };
        assert_eq!(audited(vec![event]).unwrap().epsilon, None);
    }
}
