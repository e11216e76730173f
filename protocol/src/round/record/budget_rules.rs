//! Which event may follow which in a branch's budget file.

use super::budget::{BudgetRecord, SpendingRound};
use super::rule::{OutOfOrder, ascending, rule};
use crate::budget::{BudgetHead, population_digest};
use crate::defence::{Defence, stands};
use crate::digest::Digest;
use crate::ids::RoundId;
use crate::limits::STAGES_MAX;
use crate::plan::RunRef;
use crate::privacy::Accounts;
use crate::round::event::{ParticipantEvent, StageTerms};

/// A budget file that breaks a rule: nothing may be spent from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "entry {entry} of the budget file breaks a rule: {rule}; no branch writes such a file, so keep it as evidence, and put the branch's newest file \
     back"
)]
pub struct BudgetFault {
    /// Number of the entry, from 0.
    pub entry: u64,
    /// Which rule it breaks.
    pub rule: OutOfOrder,
}

impl BudgetRecord {
    /// The state after all events.
    ///
    /// # Errors
    /// The first entry that cannot follow the ones before it, which no branch writes.
    pub fn replay<'a>(events: impl IntoIterator<Item = &'a ParticipantEvent>) -> Result<Self, BudgetFault> {
        let mut record = Self::default();
        for (entry, event) in (0..).zip(events) {
            record.check(event).map_err(|rule| BudgetFault { entry, rule })?;
            record.apply(event);
        }
        Ok(record)
    }

    /// Whether an event may come next.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn check(&self, event: &ParticipantEvent) -> Result<(), OutOfOrder> {
        if let ParticipantEvent::BudgetBegun { population, salt, first } = event {
            rule(*self == Self::default(), "a budget begins once, and with the file")?;
            let bound = first.population == population_digest(salt, population);
            return rule(bound, "a first use binds the words of its population");
        }
        rule(self.has_begun(), "the first entry begins the budget")?;
        match event {
            ParticipantEvent::BudgetBegun { .. } | ParticipantEvent::Refused { .. } => Ok(()),
            ParticipantEvent::RosterAccepted { head, .. } => {
                let newer = self.roster.is_none_or(|before| before.epoch < head.epoch);
                rule(newer || !stands(Defence::RosterChain), "a roster that is accepted is newer than the one before")
            }
            ParticipantEvent::OwnerChanged { change } => rule(
                self.admits_change(change),
                "a budget passes on from its owner, or to its first one, and never back",
            ),
            ParticipantEvent::HeadSigned { head } => self.check_signed(head),
            ParticipantEvent::HeadAdopted { head, charge } => self.check_adopted(head, charge),
            ParticipantEvent::CountersSeen { counters } => {
                let named = !counters.is_empty() && ascending(counters.iter().map(|(client, _)| *client));
                rule(named, "members are named once, in ascending order")?;
                let known = &self.counters;
                let higher = counters.iter().all(|(client, seen)| known.get(client).is_none_or(|known| known < seen));
                rule(higher, "a member's counter that is noted is higher than before")
            }
            ParticipantEvent::RunAccepted { run, stages, retries, charge_max, grant, .. } => {
                rule(!self.withdrawn.contains(grant), "nothing is accepted under a grant that was withdrawn")?;
                self.check_goes_on(run)?;
                self.check_accepted(run, (stages, *retries, grant), charge_max)
            }
            ParticipantEvent::CapsNoted { caps } => self.check_noted(caps),
            ParticipantEvent::CapRaised { raise, officer, roster, client } => {
                self.check_raised((raise, officer), (&roster.roster, *client))
            }
            ParticipantEvent::RunEnded { run, at, how } => self.check_ended(run, *at, how),
            ParticipantEvent::GrantWithdrawn { withdrawal } => {
                let owned = self.was_owned_by(&withdrawal.owner) || !stands(Defence::FirstUse);
                rule(owned && !self.withdrawn.contains(&withdrawal.grant), "an owner withdraws a grant, and once")
            }
            ParticipantEvent::BudgetCharged { run, round, stage, charge, .. } => {
                self.check_charge(run, *round, (*stage, charge))
            }
            ParticipantEvent::Uploaded { run, round, counter, .. } => {
                let open = self.spending(run, *round).filter(|open| !open.uploaded);
                rule(open.is_some(), "one upload follows the charge of its round")?;
                rule(*counter == self.counter, "an upload's head has the counter of the file")
            }
            ParticipantEvent::SurvivorsAcknowledged { run, round, .. } => {
                let open = self.spending(run, *round).filter(|open| open.uploaded && !open.revealed);
                let open = open.ok_or(OutOfOrder("a survivor set is acknowledged after the upload of its round"))?;
                let first = open.acknowledged.is_none() || !stands(Defence::OneSurvivorSet);
                rule(first, "one survivor set is acknowledged for each round")
            }
            ParticipantEvent::SharesRevealed { run, round, survivors } => {
                let open = self.spending(run, *round).filter(|open| !open.revealed);
                let open = open.ok_or(OutOfOrder("shares are revealed once, for the last round that was charged"))?;
                rule(open.acknowledged == Some(*survivors), "shares are revealed for the set that was acknowledged")
            }
            ParticipantEvent::RoundClosed { run, round, .. } => {
                let charged = round.0 <= self.last_round(run);
                rule(charged && self.may_close(run, *round), "a round that was charged ends once, and in order")
            }
        }
    }

    /// Whether the owner began it. A machine without this defence begins by itself.
    fn has_begun(&self) -> bool {
        self.begun.is_some() || !stands(Defence::FirstUse)
    }

    /// Whether the end of a round is news.
    pub(in crate::round) fn may_close(&self, run: &RunRef, round: RoundId) -> bool {
        self.closed.get(run).is_none_or(|closed| *closed < round)
    }

    /// The last round that was charged in a run, if it is this one.
    fn spending(&self, run: &RunRef, round: RoundId) -> Option<&SpendingRound> {
        self.open.get(run).filter(|open| open.round == round)
    }

    fn check_signed(&self, head: &BudgetHead) -> Result<(), OutOfOrder> {
        rule(
            self.accepted.contains_key(&head.run) && !self.awaits_head,
            "a head is signed under a run that was accepted",
        )?;
        rule(self.signed != Some(head.counter), "a head that is signed has another counter than the last one")?;
        let owner = self.owner() == Some(&head.owner) || self.begun.is_none();
        rule(owner, "a head names the owner")?;
        let population = self.population_digest.unwrap_or(Digest::ZERO) == head.population;
        let roster = self.roster.is_some_and(|roster| roster.epoch == head.epoch);
        rule(population && roster, "a head names the population, and the roster in force")?;
        let folded = head.counter == self.counter && head.spent == self.spent && head.year == self.year;
        let folded = folded && head.caps == self.caps && head.withdrawn.iter().eq(&self.withdrawn);
        rule(folded, "a head says what the entries before it add up to")?;
        let rounds = head.charged == self.charged(&head.run) && head.others == self.others(&head.run);
        rule(rounds && head.day == self.last_day(), "a head says what was charged in each run, and on the last day")
    }

    fn check_adopted(&self, head: &BudgetHead, charge: &Accounts) -> Result<(), OutOfOrder> {
        let own = self.awaits_head || self.population_digest.is_none_or(|own| own == head.population);
        rule(own, "a head that is adopted is of this population")?;
        let owned = self.was_owned_by(&head.owner) || !stands(Defence::FirstUse);
        rule(owned, "a head that is adopted names an owner of this budget")?;
        let sound = head.caps.is_none_or(|caps| caps.is_sound());
        rule(sound, "the caps of a head that is adopted are numbers that a policy may have")?;
        rule(!self.knows(head), "a head is adopted where the file does not know it")?;
        let added = self.spent.missing_to(&head.spent);
        rule(charge.at_most(&added), "no more is added to a run than to the whole")
    }

    fn check_accepted(
        &self,
        run: &RunRef,
        (stages, retries, grant): (&[StageTerms], u32, &Digest),
        charge_max: &Accounts,
    ) -> Result<(), OutOfOrder> {
        rule(!self.awaits_head, "nothing is accepted while the file awaits a head")?;
        rule((1..=STAGES_MAX).contains(&stages.len()) && run.number > 0, "a run has a number and stages")?;
        let same =
            |known: &super::AcceptedRun| known.stages == stages && known.retries == retries && known.grant == *grant;
        rule(
            self.accepted.get(run).is_none_or(same),
            "a run that is accepted again has the same terms, grant included",
        )?;
        let most = crate::plan::Allowance::new(stages.iter().map(|stage| (stage.rounds, &stage.charge)), retries);
        rule(most.charge_left(&[]) == *charge_max, "what a run may cost follows from its stages")
    }

    fn check_charge(&self, run: &RunRef, round: RoundId, (stage, charge): (u16, &Accounts)) -> Result<(), OutOfOrder> {
        rule(!self.awaits_head, "nothing is charged while the file awaits a head")?;
        let terms = self.accepted.get(run).ok_or(OutOfOrder("a run is charged that was accepted"))?;
        let fresh = round.0 > self.last_round(run) || !stands(Defence::FreshRound);
        rule(fresh, "the rounds of a run increase strictly")?;
        self.check_open(run)?;
        rule(!self.withdrawn.contains(&terms.grant), "nothing is charged under a grant that was withdrawn")?;
        let allowed = terms.allowance().may_charge(&self.charged(run).rounds, stage);
        rule(allowed, "a round is charged within the rounds and retries that were accepted")?;
        let own = terms.stages.get(usize::from(stage)).map(|stage| &stage.charge);
        rule(own == Some(charge), "a round costs what its stage says")
    }
}
