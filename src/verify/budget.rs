//! A branch's budget file: nothing left the branch that was not charged before.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use tributary_model::privacy::epsilon_of;
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
        rounds: spend.charged.rounds.iter().sum(),
        last_round: spend.charged.last_round,
        epsilon: finite(Unit::Customer, &spend.spent, delta),
        epsilon_branch: finite(Unit::Branch, &spend.spent, delta),
    });
    Ok(BudgetReport {
        entries: entries.len(),
        head,
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
            ParticipantEvent::PopulationNamed { .. } => {
                rule(self.record.population.is_none(), "a second population is named for one budget")?;
            }
            ParticipantEvent::ChargesAdopted { plan, charged, .. } => {
                let own = self.record.charged(plan);
                let more = own.rounds.iter().zip(&charged.rounds).all(|(own, counted)| own <= counted);
                rule(more && own.last_round < charged.last_round, "charges are adopted that are not more than before")?;
            }
            ParticipantEvent::PlanAccepted { plan, .. } => {
                self.accepted.insert(*plan);
            }
            ParticipantEvent::BudgetCharged { plan, round, .. } => {
                rule(self.accepted.contains(plan), "a plan is charged that was not accepted")?;
                rule(round.0 > self.record.last_round(plan), "a round is charged that was used before")?;
                let (plan, round) = (*plan, *round);
                self.open = Some(Open { plan, round, uploaded: false, acknowledged: None, revealed: false });
            }
            ParticipantEvent::Uploaded { round, .. } => {
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
    use tributary_protocol::message::Charged;
    use tributary_protocol::plan::{PrivacyMode, RoundKind};
    use tributary_protocol::privacy::RdpVector;
    use tributary_protocol::roster::RosterHead;
    use tributary_protocol::time::Millis;

    use super::*;

    const PLAN: Digest = Digest([1; 32]);
    const SET: Digest = Digest([2; 32]);

    fn charged(round: u64) -> ParticipantEvent {
        let charge = Accounts::customers(RdpVector::gaussian(1, 10_000));
        let (kind, at) = (RoundKind::Train, Millis(0));
        ParticipantEvent::BudgetCharged { plan: PLAN, round: RoundId(round), kind, at, descriptor: SET, charge }
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

    fn whole_round(round: u64) -> Vec<ParticipantEvent> {
        let number = RoundId(round);
        vec![
            charged(round),
            ParticipantEvent::Uploaded { round: number, vector: SET },
            ParticipantEvent::SurvivorsAcknowledged { plan: PLAN, round: number, survivors: SET },
            ParticipantEvent::SharesRevealed { round: number, survivors: SET },
            ParticipantEvent::RoundClosed { round: number, model: Some(SET) },
        ]
    }

    fn audited(events: Vec<ParticipantEvent>) -> Result<BudgetReport, Bad> {
        let accepted = accepted(PLAN);
        let events = [accepted].into_iter().chain(events);
        let entries: Vec<_> = (0..).zip(events).map(|(sequence, event)| Entry { sequence, offset: 0, event }).collect();
        audit(&entries, String::new(), 1e-6)
    }

    #[test]
    fn whole_rounds_add_up() {
        let report = audited([whole_round(1), whole_round(4)].concat()).unwrap();
        assert_eq!((report.entries, report.plans.len()), (11, 1));
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
            (without(0), 1, "without a charge"),
            (without(1), 2, "without an upload"),
            (without(2), 3, "other survivors"),
            ([whole_round(2), vec![charged(2)]].concat(), 6, "used before"),
            ([whole_round(2), vec![charged(1)]].concat(), 6, "used before"),
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
        let named = |population: &str| ParticipantEvent::PopulationNamed { population: population.into() };
        assert!(refusal(vec![named("a"), named("b")]).1.contains("second population"));
        let adopted = |rounds, last_round| ParticipantEvent::ChargesAdopted {
            plan: PLAN,
            charged: Charged { rounds: [rounds, 0, 0], last_round },
            charge: Accounts::customers(RdpVector::gaussian(1, 10_000)),
        };
        assert!(audited([whole_round(1), vec![adopted(2, 3)]].concat()).is_ok());
        assert!(refusal([whole_round(2), vec![adopted(2, 2)]].concat()).1.contains("not more than before"));
        assert!(refusal([whole_round(1), vec![adopted(0, 3)]].concat()).1.contains("not more than before"));
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
