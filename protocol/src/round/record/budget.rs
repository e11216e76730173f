//! What the events of a branch's budget file come to.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use crate::budget::{BudgetHead, FirstUse, LastDay, OwnerChange};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::message::{Charged, RefusalCode};
use crate::plan::{Allowance, Caps, RunRef};
use crate::printable::Untrusted;
use crate::privacy::{Accounts, YearSpend};
use crate::roster::RosterHead;
use crate::round::event::{ParticipantEvent, RunEnd, StageTerms};
use crate::secagg::suite::VerifyingKey;
use crate::time::Millis;

/// How far back rounds a day are counted, in milliseconds.
const DAY_MS: u64 = 86_400_000;

/// State after a list of events; `replay(budget file) == state`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct BudgetRecord {
    /// Whose budget this is.
    pub population: Option<String>,
    /// How its owner began it.
    pub begun: Option<FirstUse>,
    /// Who has owned it, the present owner last.
    owners: Vec<VerifyingKey>,
    /// Salted digest of the population, as heads name it.
    pub population_digest: Option<Digest>,
    /// The file takes the place of a lost one and has not adopted a head yet.
    pub awaits_head: bool,
    /// Charges, withdrawals, changes of caps, and one for the first use. An adopted head's goes on, and one for the two where neither knew the other.
    /// Never falls.
    pub counter: u64,
    /// Counter of the last head that was signed for an accepted run.
    pub signed: Option<u64>,
    /// The highest budget counter that was seen of each other member.
    pub counters: BTreeMap<ClientId, u64>,
    /// Everything ever charged for this branch and its customers, over all plans.
    pub spent: Accounts,
    /// What of it counts within a year.
    pub year: YearSpend,
    /// By how much the coordinator's clock was ahead of this machine's when a run was accepted last: charges count by the later of the two.
    behind_ms: u64,
    /// The caps of the policy, as the file has seen them last.
    pub caps: Option<Caps>,
    /// Raises of them that were applied here, by the counter after each, with the caps that it went on from.
    raised: BTreeMap<u64, (Digest, Caps)>,
    /// What each run charged, and the last round that was used in it.
    pub runs: BTreeMap<RunRef, RunSpend>,
    /// The runs that were accepted, with their terms.
    pub accepted: BTreeMap<RunRef, AcceptedRun>,
    /// Grants that the owner has withdrawn, and raises that were applied: heads name them, and none counts again.
    pub withdrawn: BTreeSet<Digest>,
    /// Of each run the last round that was charged, and how far it came.
    pub open: BTreeMap<RunRef, SpendingRound>,
    /// Of each run the last round whose end was recorded.
    pub closed: BTreeMap<RunRef, RoundId>,
    /// What was refused last, where nothing has come after it.
    pub refused: Option<RefusalCode>,
    /// The newest roster that was accepted; an older one never will be.
    pub roster: Option<RosterHead>,
    /// When rounds were charged within a day before the last one, and how many, by this machine's clock.
    day: Vec<(Millis, u32)>,
}

/// What one run charged.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RunSpend {
    /// RDP charged.
    pub spent: Accounts,
    /// Rounds charged by stage, and the last one used; a later one must be larger.
    pub charged: Charged,
}

/// The terms of a run that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedRun {
    /// The plan's name.
    pub name: Untrusted,
    /// What it sums, in order.
    pub stages: Vec<StageTerms>,
    /// Rounds beyond those of the stages that may be charged.
    pub retries: u32,
    /// The owner's grant under which it was accepted, and goes on.
    pub grant: Digest,
    /// When it was accepted first, by this machine's clock.
    pub at: Millis,
    /// When it was accepted or charged last.
    pub last: Millis,
    /// The last moment at which it can be under way.
    pub until: Millis,
    /// How it came to its end; nothing as long as it may be charged.
    pub ended: Option<RunEnd>,
}

impl AcceptedRun {
    /// What the run may charge.
    #[must_use]
    pub fn allowance(&self) -> Allowance<'_> {
        Allowance::new(self.stages.iter().map(|stage| (stage.rounds, &stage.charge)), self.retries)
    }
}

/// A round that was charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendingRound {
    /// The round.
    pub round: RoundId,
    /// A vector left for it.
    pub uploaded: bool,
    /// The survivor set that was acknowledged.
    pub acknowledged: Option<Digest>,
    /// Shares were revealed.
    pub revealed: bool,
}

impl BudgetRecord {
    /// Applies an event. Total and deterministic.
    pub fn apply(&mut self, event: &ParticipantEvent) {
        self.refused = None;
        match event {
            ParticipantEvent::BudgetBegun { population, first, .. } if self.begun.is_none() => {
                self.population = Some(population.clone());
                self.population_digest = Some(first.population);
                self.awaits_head = first.adopts;
                // A file that awaits a head has not spent anything that it could sign for.
                self.counter = u64::from(!first.adopts);
                self.owners.push(first.owner.clone());
                self.begun = Some(first.clone());
            }
            ParticipantEvent::OwnerChanged { change } => {
                if self.goes_on_with(change) {
                    self.owners.push(change.to.clone());
                } else if self.comes_after(change) {
                    self.owners.insert(0, change.from.clone());
                }
            }
            ParticipantEvent::HeadSigned { head } => self.signed = Some(head.counter),
            ParticipantEvent::HeadAdopted { head, charge } => {
                let counter = match self.is_before(head) {
                    true => head.counter,
                    // Two files went their own ways: what they come to together has not been signed yet.
                    false => self.counter.max(head.counter).saturating_add(1),
                };
                self.counter = counter;
                self.spent = self.spent.plus(&self.spent.missing_to(&head.spent));
                self.year.raise(&head.year);
                let both = head.caps.map(|shown| self.caps.map_or(shown, |own| own.least(&shown)));
                self.caps = both.or(self.caps);
                for (run, charged) in head.runs() {
                    let run = self.runs.entry(*run).or_default();
                    run.charged = run.charged.raised_to(charged);
                }
                let run = self.runs.entry(head.run).or_default();
                run.spent = run.spent.plus(charge);
                self.raise_day(head.day);
                self.withdrawn.extend(head.withdrawn.iter().copied());
                if self.awaits_head || self.population_digest.is_none() {
                    self.population_digest = Some(head.population);
                }
                self.awaits_head = false;
            }
            ParticipantEvent::CountersSeen { counters } => {
                for (client, counter) in counters {
                    let known = self.counters.entry(*client).or_default();
                    *known = (*known).max(*counter);
                }
            }
            ParticipantEvent::BudgetCharged { run, round, stage, at, charge, .. } => {
                self.charge(run, charge).charged.add(*stage, *round);
                self.year.charge(at.plus(self.behind_ms), charge);
                if let Some(terms) = self.accepted.get_mut(run) {
                    terms.last = terms.last.max(*at);
                }
                let fresh = SpendingRound { round: *round, uploaded: false, acknowledged: None, revealed: false };
                self.open.insert(*run, fresh);
                // A clock that was set back makes times of the future; they count until it has passed them.
                self.day.retain(|(known, _)| known.plus(DAY_MS) > *at);
                self.day.push((*at, 1));
            }
            ParticipantEvent::RunAccepted { run, name, stages, retries, grant, at, shown, until, .. } => {
                self.year.pass((*at, *shown));
                self.behind_ms = at.until(*shown);
                let (name, stages) = (name.clone(), stages.clone());
                let last = self.accepted.get(run).map_or(*at, |before| before.last.max(*at));
                let at = self.accepted.get(run).map_or(*at, |before| before.at);
                let (retries, grant, until) = (*retries, *grant, *until);
                let terms = AcceptedRun { name, stages, retries, grant, at, last, until, ended: None };
                self.accepted.insert(*run, terms);
            }
            ParticipantEvent::CapsNoted { caps } => {
                // The first ones change nothing: a file without any admits whatever the policy says.
                self.counter = self.counter.saturating_add(u64::from(self.caps.is_some()));
                self.caps = Some(*caps);
            }
            ParticipantEvent::CapRaised { raise, .. } => {
                self.counter = self.counter.saturating_add(1);
                self.raised.insert(self.counter, (raise.digest(), raise.from));
                self.caps = Some(raise.to);
                self.withdrawn.insert(raise.digest());
            }
            ParticipantEvent::RunEnded { run, how, .. } => {
                if let Some(terms) = self.accepted.get_mut(run) {
                    terms.ended = Some(how.clone());
                }
            }
            ParticipantEvent::GrantWithdrawn { withdrawal } => {
                self.withdrawn.insert(withdrawal.grant);
                self.counter = self.counter.saturating_add(1);
            }
            ParticipantEvent::Uploaded { run, round, .. } => {
                self.in_round(run, *round, |open| open.uploaded = true);
            }
            ParticipantEvent::SurvivorsAcknowledged { run, round, survivors } => {
                self.in_round(run, *round, |open| open.acknowledged = Some(*survivors));
            }
            ParticipantEvent::SharesRevealed { run, round, .. } => {
                self.in_round(run, *round, |open| open.revealed = true);
            }
            ParticipantEvent::RoundClosed { run, round, .. } => {
                self.closed.insert(*run, *round);
            }
            ParticipantEvent::RosterAccepted { head, .. } => self.roster = Some(*head),
            ParticipantEvent::Refused { code } => self.refused = Some(*code),
            ParticipantEvent::BudgetBegun { .. } => {}
        }
    }

    /// The owner of the data.
    #[must_use]
    pub fn owner(&self) -> Option<&VerifyingKey> {
        self.owners.last()
    }

    /// Everybody who has owned it, in turn.
    #[must_use]
    pub fn owners(&self) -> &[VerifyingKey] {
        &self.owners
    }

    /// Whether a key is the owner's, or was an earlier owner's.
    #[must_use]
    pub fn was_owned_by(&self, key: &VerifyingKey) -> bool {
        self.owners.contains(key)
    }

    /// Whether a change of owner goes on from the present one, or ends at the first one known here, and brings nobody back.
    #[must_use]
    pub fn admits_change(&self, change: &OwnerChange) -> bool {
        self.population_digest == Some(change.population) && (self.goes_on_with(change) || self.comes_after(change))
    }

    fn goes_on_with(&self, change: &OwnerChange) -> bool {
        self.owner() == Some(&change.from) && !self.was_owned_by(&change.to)
    }

    fn comes_after(&self, change: &OwnerChange) -> bool {
        self.owners.first() == Some(&change.to) && !self.was_owned_by(&change.from)
    }

    /// What a run was charged.
    #[must_use]
    pub fn charged(&self, run: &RunRef) -> Charged {
        self.runs.get(run).map(|spend| spend.charged.clone()).unwrap_or_default()
    }

    /// The last round used in a run; 0 if none.
    #[must_use]
    pub fn last_round(&self, run: &RunRef) -> u64 {
        self.runs.get(run).map_or(0, |spend| spend.charged.last_round)
    }

    /// Rounds charged within the day before `now`, and at times that the clock has not reached yet.
    #[must_use]
    pub fn charged_within_a_day(&self, now: Millis) -> usize {
        let within = self.day.iter().filter(|(at, _)| at.plus(DAY_MS) > now);
        within.fold(0_usize, |sum, (_, rounds)| sum.saturating_add(usize::try_from(*rounds).unwrap_or(usize::MAX)))
    }

    /// The rounds of the last day in which there were any, as a head says them.
    #[must_use]
    pub fn last_day(&self) -> LastDay {
        let last = self.day.iter().map(|(at, _)| *at).max();
        last.map_or(LastDay::NONE, |last| LastDay { rounds: self.rounds_of_day(last), last })
    }

    /// What was charged in every run but one, as a head says it.
    #[must_use]
    pub fn others(&self, run: &RunRef) -> Vec<(RunRef, Charged)> {
        let charged = |(run, spend): (&RunRef, &RunSpend)| (*run, spend.charged.clone());
        let others = self.runs.iter().filter(|(other, _)| *other != run).map(charged);
        others.filter(|(_, charged)| *charged != Charged::default()).collect()
    }

    /// How many runs were charged beside one.
    #[must_use]
    pub fn runs_beside(&self, run: &RunRef) -> usize {
        self.runs.iter().filter(|(other, spend)| *other != run && spend.charged != Charged::default()).count()
    }

    /// Whether everything that a head says is known here.
    #[must_use]
    pub fn knows(&self, head: &BudgetHead) -> bool {
        head.counter <= self.counter
            && head.spent.at_most(&self.spent)
            && self.year.knows(&head.year)
            && head.runs().all(|(run, charged)| charged.at_most(&self.charged(run)))
            && head.withdrawn.iter().all(|grant| self.withdrawn.contains(grant))
            && self.knows_caps(head)
    }

    /// Whether the caps here are no higher than a head's, or were raised after it. A counter alone does not say so: charges and withdrawals move it too,
    /// so an older file could have the raise of before put onto it later. What goes on from a head goes on from its caps, and by no raise that it names.
    fn knows_caps(&self, head: &BudgetHead) -> bool {
        let Some(shown) = &head.caps else { return true };
        let mut after = self.raised.range(head.counter.saturating_add(1)..).map(|(_, raise)| raise);
        let goes_on = after.clone().next().is_some_and(|(_, from)| from.at_most(shown));
        let is_new = after.all(|(raise, _)| !head.withdrawn.contains(raise));
        self.caps.is_some_and(|own| own.at_most(shown)) || (goes_on && is_new)
    }

    /// Whether a head is later and says everything that is known here.
    fn is_before(&self, head: &BudgetHead) -> bool {
        self.counter < head.counter
            && self.spent.at_most(&head.spent)
            && head.year.knows(&self.year)
            && self.runs.iter().all(|(run, spend)| spend.charged.at_most(&head.charged_in(run)))
            && self.withdrawn.iter().all(|grant| head.withdrawn.contains(grant))
            && self.caps.is_none_or(|own| head.caps.is_some_and(|shown| shown.at_most(&own)))
    }

    /// Rounds of the day that ends then.
    fn rounds_of_day(&self, last: Millis) -> u32 {
        let within = self.day.iter().filter(|(at, _)| *at <= last && at.plus(DAY_MS) > last);
        within.fold(0, |sum, (_, rounds)| sum.saturating_add(*rounds))
    }

    /// Counts the rounds of a head's last day that are not known here, all of them at its end.
    fn raise_day(&mut self, day: LastDay) {
        let forgotten = day.rounds.saturating_sub(self.rounds_of_day(day.last));
        if forgotten > 0 {
            self.day.push((day.last, forgotten));
        }
    }

    fn in_round(&mut self, run: &RunRef, round: RoundId, change: impl FnOnce(&mut SpendingRound)) {
        if let Some(open) = self.open.get_mut(run).filter(|open| open.round == round) {
            change(open);
        }
    }

    fn charge(&mut self, run: &RunRef, charge: &Accounts) -> &mut RunSpend {
        self.spent = self.spent.plus(charge);
        self.counter = self.counter.saturating_add(1);
        let entry = self.runs.entry(*run).or_default();
        entry.spent = entry.spent.plus(charge);
        entry
    }
}
