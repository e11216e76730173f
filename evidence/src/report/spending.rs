//! What was spent, and who there was: over all plans, whatever the scope of the report is.

use std::collections::BTreeMap;

use tributary_model::privacy::epsilon_of;
use tributary_protocol::budget::BudgetHead;
use tributary_protocol::ids::ClientId;
use tributary_protocol::plan::{Date, Plan};
use tributary_protocol::privacy::{Accounts, Unit};
use tributary_protocol::registry::RegistryEvent;
use tributary_protocol::roster::{Person, Roster, RosterChanges, RosterEntry, SignedRoster};
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::time::Millis;

use super::parts::{Branch, BranchSpend, GroupSpend, MonthLine, Parties, PersonLine, RoleLine, RosterLine, Spending};
use super::period::Period;
use super::shown;
use crate::entries::Entry;

/// The delta at which a branch's spend is stated where its head names no caps.
const DELTA: f64 = 1e-6;

/// Rosters of the period, and the last one.
#[derive(Default)]
pub(super) struct Rosters {
    /// By epoch: when it came into force first, and whether that was in the period.
    all: BTreeMap<u64, (Millis, bool, Roster)>,
}

impl Rosters {
    pub(super) fn follow(&mut self, entry: &Entry<CoordinatorEvent>, period: &Period) {
        if let CoordinatorEvent::RosterAdopted { roster, .. } = &entry.event {
            self.adopt(entry.at, roster, period);
        }
    }

    pub(super) fn follow_registry(&mut self, entry: &Entry<RegistryEvent>, period: &Period) {
        if let RegistryEvent::RosterAdopted { roster } = &entry.event {
            self.adopt(entry.at, roster, period);
        }
    }

    fn adopt(&mut self, at: Millis, signed: &SignedRoster, period: &Period) {
        let roster = &signed.roster;
        let new = (at, period.has(at), roster.clone());
        let known = self.all.entry(roster.epoch()).or_insert_with(|| new.clone());
        if at < known.0 {
            *known = new;
        }
    }

    pub(super) fn take(&mut self, other: Self) {
        for (epoch, new) in other.all {
            let known = self.all.entry(epoch).or_insert_with(|| new.clone());
            if new.0 < known.0 {
                *known = new;
            }
        }
    }

    /// The newest one.
    pub(super) fn last(&self) -> Option<&Roster> {
        self.all.values().next_back().map(|(_, _, roster)| roster)
    }

    /// Members whose entry ended within the period.
    pub(super) fn ended(&self, period: &Period) -> Vec<String> {
        let entries = self.last().map_or(&[][..], Roster::entries).iter();
        entries.filter(|entry| period.has(entry.ends())).map(|entry| entry.name.to_string()).collect()
    }

    fn name(&self, client: ClientId) -> String {
        let mut rosters = self.all.values().rev().map(|(_, _, roster)| roster);
        Roster::named(rosters.find(|roster| roster.entry(client).is_some()), client)
    }

    fn members(&self, group: &str) -> Vec<ClientId> {
        let group = self.last().and_then(|roster| roster.group(group));
        group.map(|group| group.members().collect()).unwrap_or_default()
    }

    pub(super) fn parties(&self) -> Parties {
        let Some(last) = self.last() else { return Parties::default() };
        let branch = |entry: &RosterEntry| Branch {
            client: entry.client.0,
            name: entry.name.to_string(),
            until: shown::day(entry.not_after),
        };
        let mut rosters = Vec::new();
        let mut before: Option<&Roster> = None;
        for (at, in_period, roster) in self.all.values() {
            if *in_period {
                rosters.push(roster_line(*at, before, roster));
            }
            before = Some(roster);
        }
        let branches = last.entries().iter().map(branch).collect();
        Parties { branches, people: people_of(last), rosters }
    }
}

fn roster_line(at: Millis, before: Option<&Roster>, roster: &Roster) -> RosterLine {
    let changes = RosterChanges::between(before, roster);
    let names = |entries: &[RosterEntry]| entries.iter().map(|entry| entry.name.to_string()).collect();
    RosterLine {
        at: shown::moment(at),
        epoch: roster.epoch(),
        digest: roster.digest().to_string(),
        joined: names(&changes.added),
        left: names(&changes.removed),
        people: changes.people.iter().map(|change| change.staff.to_string()).collect(),
    }
}

/// The people of a roster, each with the roles and their days.
#[must_use]
pub fn people_of(roster: &Roster) -> Vec<PersonLine> {
    roster.people().iter().map(person).collect()
}

fn person(person: &Person) -> PersonLine {
    let roles = person.holdings.iter().map(|holding| RoleLine {
        role: holding.role.name().into(),
        deputy_of: holding.deputy_of.as_ref().map(ToString::to_string),
        from: shown::day(holding.from),
        until: shown::day(holding.until),
    });
    PersonLine { staff: person.staff.to_string(), roles: roles.collect() }
}

/// What is followed of the budgets.
pub(super) struct SpendingPart {
    period: Period,
    months: Vec<MonthLine>,
    spends: BTreeMap<ClientId, Vec<Spend>>,
    groups: BTreeMap<String, Group>,
    /// Members of the open session, by which those that are missing in a sum are counted.
    cohort: usize,
    /// The stage of the open round.
    stage: u16,
}

/// What the journal says of a branch's budget at one place.
struct Spend {
    /// The entry's number in the journal: runs lie beside each other in it.
    position: u64,
    at: Millis,
    what: SpendKind,
}

enum SpendKind {
    /// The branch signed this.
    Head(Box<BudgetHead>),
    /// Its signed upload was admitted: it had charged so much before.
    Charge(Accounts),
}

/// What the journal says of a branch up to some moment: its last head, and what it has charged since.
#[derive(Default)]
struct Known<'a> {
    head: Option<&'a BudgetHead>,
    since: Accounts,
}

impl<'a> Known<'a> {
    fn of(spends: impl Iterator<Item = &'a Spend>) -> Self {
        spends.fold(Self { head: None, since: Accounts::zero() }, |known, spend| match &spend.what {
            // Heads come in the order of their counters, as the rule book has them.
            SpendKind::Head(head) => Self { head: Some(head), since: Accounts::zero() },
            SpendKind::Charge(charge) => Self { since: known.since.plus(charge), ..known },
        })
    }

    fn life(&self) -> Accounts {
        self.head.map_or(Accounts::zero(), |head| head.spent.clone()).plus(&self.since)
    }

    fn year(&self) -> Accounts {
        self.head.map_or(Accounts::zero(), |head| head.year.spent()).plus(&self.since)
    }
}

struct Group {
    delta: f64,
    /// Charged before the period.
    before: Accounts,
    /// Charged in each month of the period.
    months: Vec<Accounts>,
}

impl SpendingPart {
    pub(super) fn new(period: &Period) -> Self {
        Self {
            period: *period,
            months: months(period),
            spends: BTreeMap::new(),
            groups: BTreeMap::new(),
            cohort: 0,
            stage: 0,
        }
    }

    /// Follows an entry of a run of this plan.
    pub(super) fn follow(&mut self, entry: &Entry<CoordinatorEvent>, plan: &Plan) {
        let month = self.month(entry.at);
        let line = month.and_then(|month| self.months.get_mut(month));
        let more = |count: &mut u32, by: usize| *count = count.saturating_add(u32::try_from(by).unwrap_or(u32::MAX));
        match &entry.event {
            CoordinatorEvent::BudgetShown { head } => self.spent(entry, head.client, SpendKind::Head(head.clone())),
            CoordinatorEvent::UpdateAdmitted { client, .. } => {
                let charge = plan.stages.get(usize::from(self.stage)).map(|terms| terms.charge.clone());
                charge.into_iter().for_each(|charge| self.spent(entry, *client, SpendKind::Charge(charge)));
            }
            CoordinatorEvent::SessionKeyed { cohort, .. } => self.cohort = cohort.len(),
            CoordinatorEvent::SurvivorsFrozen { survivors, .. } => {
                line.into_iter().for_each(|line| more(&mut line.dropouts, self.cohort.saturating_sub(survivors.len())));
            }
            CoordinatorEvent::RoundCommitted { .. } => line.into_iter().for_each(|line| more(&mut line.committed, 1)),
            CoordinatorEvent::RoundAborted { .. } => line.into_iter().for_each(|line| more(&mut line.aborted, 1)),
            CoordinatorEvent::RoundStarted { descriptor } => {
                line.into_iter().for_each(|line| more(&mut line.charged, 1));
                self.stage = descriptor.stage;
                self.charge(month, entry.at, plan, descriptor.stage);
            }
            _ => {}
        }
    }

    fn charge(&mut self, month: Option<usize>, at: Millis, plan: &Plan, stage: u16) {
        let Some(terms) = plan.stages.get(usize::from(stage)).filter(|_| plan.privacy.unit().is_some()) else { return };
        let count = self.months.len();
        let group = self.groups.entry(plan.group.clone()).or_insert_with(|| Group {
            delta: plan.delta(),
            before: Accounts::zero(),
            months: vec![Accounts::zero(); count],
        });
        group.delta = group.delta.min(plan.delta());
        let account = match month {
            Some(month) => group.months.get_mut(month),
            None if self.period.is_after(at) => Some(&mut group.before),
            None => None,
        };
        account.into_iter().for_each(|account| *account = account.plus(&terms.charge));
    }

    fn spent(&mut self, entry: &Entry<CoordinatorEvent>, client: ClientId, what: SpendKind) {
        let spend = Spend { position: entry.position, at: entry.at, what };
        self.spends.entry(client).or_default().push(spend);
    }

    fn month(&self, at: Millis) -> Option<usize> {
        let month = month_of(at.0 / 1000);
        self.months.iter().position(|line| line.month == month).filter(|_| self.period.has(at))
    }

    pub(super) fn lines(mut self, rosters: &Rosters) -> Spending {
        self.spends.values_mut().for_each(|spends| spends.sort_by_key(|spend| spend.position));
        let branches = self.spends.iter().filter_map(|(client, spends)| {
            let before = Known::of(spends.iter().take_while(|spend| self.period.is_after(spend.at)));
            branch(*client, rosters.name(*client), &before, &Known::of(spends.iter()))
        });
        let groups = self.groups.iter().map(|(name, group)| self.group(name, group, rosters));
        Spending { branches: branches.collect(), months: self.months.clone(), groups: groups.collect() }
    }

    fn group(&self, name: &str, group: &Group, rosters: &Rosters) -> GroupSpend {
        let mut sum = group.before.clone();
        let mut epsilon = Vec::new();
        for month in &group.months {
            sum = sum.plus(month);
            epsilon.push(shown::decimals(epsilon_of(sum.of(Unit::Customer), group.delta).0));
        }
        let members = rosters.members(name);
        let lowest = |cap: fn(&tributary_protocol::plan::Caps) -> u64| {
            let own = self.spends.iter().filter(|(client, _)| members.contains(client));
            let heads = own.filter_map(|(_, spends)| Known::of(spends.iter()).head);
            let caps = heads.filter_map(|head| head.caps.as_ref()).map(|caps| f64::from_bits(cap(caps)));
            caps.reduce(f64::min).map(shown::decimals)
        };
        GroupSpend {
            group: name.to_owned(),
            delta: shown::delta(group.delta),
            epsilon,
            cap_year: lowest(|caps| caps.year_bits),
            cap_life: lowest(|caps| caps.life_bits),
        }
    }
}

fn branch(client: ClientId, name: String, before: &Known<'_>, known: &Known<'_>) -> Option<BranchSpend> {
    let head = known.head?;
    let delta = head.caps.as_ref().map_or(DELTA, |caps| f64::from_bits(caps.delta_bits));
    let epsilon = |accounts: &Accounts| shown::decimals(epsilon_of(accounts.of(Unit::Customer), delta).0);
    let cap = |bits: fn(&tributary_protocol::plan::Caps) -> u64| {
        head.caps.as_ref().map(|caps| shown::decimals(f64::from_bits(bits(caps))))
    };
    Some(BranchSpend {
        client: client.0,
        name,
        delta: shown::delta(delta),
        opening: before.head.map(|_| epsilon(&before.life())),
        closing: epsilon(&known.life()),
        year: epsilon(&known.year()),
        cap_year: cap(|caps| caps.year_bits),
        cap_life: cap(|caps| caps.life_bits),
        counter: head.counter,
        withdrawn: u32::try_from(head.withdrawn.len()).unwrap_or(u32::MAX),
    })
}

fn month_of(second: u64) -> String {
    Date::of_second(second).to_string().chars().take(7).collect()
}

/// Every month of which the period has a day.
fn months(period: &Period) -> Vec<MonthLine> {
    let mut all: Vec<MonthLine> = Vec::new();
    let (mut day, last) = (period.from().first_second(), period.to().first_second());
    while day <= last {
        let month = month_of(day);
        if all.last().is_none_or(|line| line.month != month) {
            all.push(MonthLine { month, charged: 0, committed: 0, aborted: 0, dropouts: 0 });
        }
        day = day.saturating_add(86_400);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_has_every_month_that_it_touches_once() {
        let day = |text| Date::parse(text).unwrap();
        let of = |from, to| {
            let lines = months(&Period::new(day(from), day(to)).unwrap());
            lines.into_iter().map(|line| line.month).collect::<Vec<_>>()
        };
        assert_eq!(of("2026-11-30", "2027-01-01"), ["2026-11", "2026-12", "2027-01"]);
        assert_eq!(of("2028-02-29", "2028-02-29"), ["2028-02"]);
    }
}
