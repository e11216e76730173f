//! What owners of data granted and took back, as their files came to the coordinator, against the runs in which their branches took part.
//!
//! Anybody can sign a grant with a key of their own. A grant is its owner's where the branch's own signed budget heads name that key as the owner's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use tributary_certs::grant::{GRANT_EXTENSION, parse_word, word_file_name};
use tributary_certs::suite::RealSuite;
use tributary_model::privacy::cap_allowed;
use tributary_protocol::budget::BudgetHead;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::limits::{CLOCK_SKEW_MS_MAX, CLOCK_SKEW_SECONDS_MAX, HOLDING_SECONDS_MAX};
use tributary_protocol::plan::{Grant, OwnersWord, Plan, RunRef, Withdrawal};
use tributary_protocol::printable::counted;
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::roster::MemberName;
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_protocol::time::Millis;

use super::fault::Fault;
use super::reader::{Bundle, Source};
use crate::part_taken::PartTaken;
use crate::run::{NotVerified, RunAudit};
use crate::trust::Federation;

/// Longest part of a grant or a withdrawal, in bytes: twice the longest encoding of either, for it is a text.
const BYTES_MAX: usize = 1 << 20;

/// What was found of grants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GrantsReport {
    /// Grants with their owners' signatures: by the keys that the branches' budget heads name.
    pub grants: usize,
    /// Withdrawals of grants that are here, by the keys that signed these.
    pub withdrawals: usize,
    /// Runs of a branch, counted for each branch, that a grant here allows.
    pub covered: u32,
    /// Those that none does: their grants went to the branches by hand, or were not given. The branches' own registers say which. They are not verified.
    pub uncovered: u32,
}

/// Why a grant of the owner does not allow what a branch did in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Not {
    /// The run was not accepted in its days: it says nothing of it.
    Concerned,
    Withdrawn,
    Over,
    EpsilonRun,
    EpsilonYear,
    Uses,
}

impl Not {
    const fn words(self) -> &'static str {
        match self {
            Self::Concerned => "outside of its days",
            Self::Withdrawn => "after its owner had withdrawn the grant that is here",
            Self::Over => "in rounds that began after the grant of its owner here was over",
            Self::EpsilonRun => "at a larger epsilon for one run than the grant of its owner here allows",
            Self::EpsilonYear => "at a larger epsilon within a year than the grant of its owner here allows",
            Self::Uses => "when the grant of its owner here had no runs left",
        }
    }
}

/// A grant, and what was used of it.
struct Given {
    grant: Grant,
    /// When its owner took it back, in Unix seconds, where that is here.
    withdrawn: Option<u64>,
    /// Runs that rest on it, for each branch: which, and when the last round of each began.
    used: BTreeMap<MemberName, Vec<Used>>,
}

/// A run under a grant.
struct Used {
    last: Millis,
    /// What the branch says that it charged.
    charge: Accounts,
}

/// Grants of a bundle.
#[derive(Default)]
pub(super) struct Grants {
    grants: BTreeMap<Digest, Given>,
    /// Withdrawals of grants that are not here.
    strange: u32,
    pub(super) report: GrantsReport,
}

/// What the branches' heads say, over all runs.
#[derive(Default)]
struct Budgets<'a> {
    newest: BTreeMap<ClientId, &'a BudgetHead>,
    owners: BTreeMap<MemberName, BTreeSet<VerifyingKey>>,
}

impl Grants {
    /// Reads and verifies every grant's and withdrawal's part.
    pub(super) fn read<S: Source>(bundle: &Bundle<S>, federation: &Federation, faults: &mut Vec<Fault>) -> Self {
        let (mut all, mut taken_back) = (Self::default(), Vec::new());
        for name in bundle.names().filter(|name| name.starts_with("grants/")) {
            match word(bundle, name, federation) {
                Ok(OwnersWord::Granted(grant)) => {
                    let given = Given { withdrawn: None, used: BTreeMap::new(), grant };
                    all.grants.insert(given.grant.digest(), given);
                }
                Ok(OwnersWord::TakenBack(withdrawal)) => taken_back.push((name, withdrawal)),
                Err(reason) => faults.push(Fault { part: name.to_owned(), reason }),
            }
        }
        for (name, Withdrawal { grant, owner, at, .. }) in taken_back {
            match all.grants.get_mut(&grant) {
                Some(given) if given.grant.owner == owner => {
                    given.withdrawn = Some(at);
                    all.report.withdrawals += 1;
                }
                Some(_) => {
                    let reason = "it takes back what another owner has granted".into();
                    faults.push(Fault { part: name.to_owned(), reason });
                }
                None => all.strange = all.strange.saturating_add(1),
            }
        }
        all
    }

    /// Holds the runs in which branches took part against what was granted for them. What is missing: grants of branches of which more was taken than
    /// their grants here allow.
    pub(super) fn count<'r, 'a: 'r>(
        &mut self,
        runs: impl Iterator<Item = &'r RunAudit<'a>>,
        faults: &mut Vec<Fault>,
        not_verified: &mut Vec<NotVerified>,
    ) -> Vec<String> {
        let runs: Vec<&RunAudit<'_>> = runs.collect();
        let budgets = Budgets::of(&runs);
        let (mut foreign, mut exceeded) = (BTreeSet::new(), BTreeMap::new());
        for run in &runs {
            let Some((record, plan)) = run.facts().map(|facts| (facts.record(), facts.plan())) else { continue };
            let (Some(reference), Some(approvals)) = (record.reference(), record.approvals.as_ref()) else { continue };
            let proposer = &approvals.proposal.staff;
            for (client, taken) in run.parts().taken() {
                let about = |given: &Given| given.grant.is_about(plan, &reference.plan, proposer, &taken.name);
                let mut fitting: Vec<(u64, Digest)> = Vec::new();
                for (digest, given) in self.grants.iter().filter(|(_, given)| about(given)) {
                    if taken.owners.contains(&given.grant.owner) {
                        fitting.push((given.grant.not_after, *digest));
                    } else if !taken.owners.is_empty() && given.is_in_its_days(taken) {
                        foreign.insert((*digest, taken.name.clone()));
                    }
                }
                // What ends first is used first, so that the others are there for later runs.
                fitting.sort_unstable();
                let charge = plan.charge_of(&budgets.charged(client, &reference));
                let (mut used, mut fault) = (false, None);
                for (_, digest) in fitting {
                    let Some(given) = self.grants.get_mut(&digest) else { continue };
                    match given.allows(taken, plan) {
                        Ok(()) => {
                            let runs = given.used.entry(taken.name.clone()).or_default();
                            runs.push(Used { last: taken.last, charge });
                            used = true;
                            break;
                        }
                        Err(Not::Concerned) => {}
                        Err(why) => fault = fault.or(Some(why)),
                    }
                }
                let counted = if used { &mut self.report.covered } else { &mut self.report.uncovered };
                *counted = counted.saturating_add(1);
                if let (false, Some(why)) = (used, fault) {
                    let (_, count) = exceeded.entry((taken.name.clone(), why)).or_insert((reference, 0_u32));
                    *count = count.saturating_add(1);
                }
            }
        }
        for (digest, branch) in &foreign {
            let reason = format!(
                "another key signed it than the one that the budget of {branch} names as its owner's in a run that it would allow"
            );
            faults.push(Fault { part: format!("grants/{digest}.{GRANT_EXTENSION}"), reason });
        }
        self.count_owned(&budgets, not_verified);
        let missing = exceeded.into_iter().map(|((branch, why), (RunRef { plan, number }, count))| {
            let more = if count > 1 { format!(", and {} more", counted(count - 1, "run")) } else { String::new() };
            format!(
                "a grant for {branch}: run {number} of the plan {plan}{more} took its data {}. It may have others by hand",
                why.words()
            )
        });
        missing.collect()
    }

    /// Counts the grants whose key a budget names as its owner's.
    fn count_owned(&mut self, budgets: &Budgets<'_>, not_verified: &mut Vec<NotVerified>) {
        let all = self.grants.len();
        self.report.grants = self.grants.values().filter(|given| budgets.own(&given.grant)).count();
        let unknown = u32::try_from(all.saturating_sub(self.report.grants)).unwrap_or(u32::MAX);
        for (count, reason) in [
            (
                self.report.uncovered,
                "run of a branch that no grant of its owner here allows: the grant went to the branch by hand, or was not given",
            ),
            (unknown, "grant by a key that no budget here names as its owner's: no run rests on it"),
            (self.strange, "withdrawal of a grant that is not here: nothing says who may take that back"),
        ] {
            if count > 0 {
                NotVerified { count, reason: reason.into() }.join(not_verified);
            }
        }
    }
}

/// A part that an owner has signed, under its own name.
fn word<S: Source>(bundle: &Bundle<S>, name: &str, federation: &Federation) -> Result<OwnersWord, String> {
    let bytes = bundle.short_part(name, BYTES_MAX);
    let bytes = bytes.ok_or_else(|| format!("it is longer than {BYTES_MAX} bytes, which no grant is"))?;
    let word = String::from_utf8(bytes).ok().and_then(|text| parse_word(&text));
    let word = word.ok_or("it is no owner's grant or withdrawal")?;
    if !word.is_genuine::<RealSuite>() {
        return Err("its owner's signature does not verify".into());
    }
    if let OwnersWord::Granted(grant) = &word {
        federation.own(&grant.federation).map_err(|fault| fault.to_string())?;
    }
    let own = format!("grants/{}", word_file_name(&word));
    if own == name { Ok(word) } else { Err(format!("its name is another one than its grant's, {own}")) }
}

impl<'a> Budgets<'a> {
    fn of(runs: &[&'a RunAudit<'_>]) -> Self {
        let mut all = Self::default();
        for run in runs {
            for head in run.parts().newest() {
                let newest = all.newest.entry(head.client).or_insert(head);
                if newest.counter < head.counter {
                    *newest = head;
                }
            }
            for (_, taken) in run.parts().taken() {
                all.owners.entry(taken.name.clone()).or_default().extend(taken.owners.iter().cloned());
            }
        }
        all
    }

    /// Rounds of a run that a client says it charged, by stage.
    fn charged(&self, client: ClientId, run: &RunRef) -> Vec<u32> {
        self.newest.get(&client).map(|head| head.charged_in(run).rounds).unwrap_or_default()
    }

    /// Whether a branch of a grant names the grant's key as its owner's.
    fn own(&self, grant: &Grant) -> bool {
        let mut owners = grant.branches.iter().filter_map(|branch| self.owners.get(branch));
        owners.any(|owners| owners.contains(&grant.owner))
    }
}

impl Given {
    /// Whether a run was accepted while the grant counted. Clocks may differ.
    fn is_in_its_days(&self, taken: &PartTaken) -> bool {
        let accepted = taken.accepted.0 / 1000;
        let from = self.grant.not_before.saturating_sub(CLOCK_SKEW_SECONDS_MAX);
        (from..=self.grant.not_after.saturating_add(CLOCK_SKEW_SECONDS_MAX)).contains(&accepted)
    }

    /// Whether a branch may have done in a run of this plan under the grant what it did there.
    fn allows(&self, taken: &PartTaken, plan: &Plan) -> Result<(), Not> {
        let holds = |holds: bool, fault| if holds { Ok(()) } else { Err(fault) };
        let began = taken.last.0 / 1000;
        let later = |than: u64| began > than.saturating_add(CLOCK_SKEW_SECONDS_MAX);
        holds(self.is_in_its_days(taken), Not::Concerned)?;
        let in_head = taken.withdrawn.contains(&self.grant.digest());
        holds(!in_head && !self.withdrawn.is_some_and(later), Not::Withdrawn)?;
        holds(!later(self.grant.not_after), Not::Over)?;
        let charge = plan.charge_of_run();
        holds(charge.customer.within(&self.most(self.grant.epsilon_run_bits)), Not::EpsilonRun)?;
        let used = self.used.get(&taken.name).map_or(&[][..], Vec::as_slice);
        holds(used.len() < self.grant.runs as usize, Not::Uses)?;
        let year = HOLDING_SECONDS_MAX.saturating_mul(1000).saturating_sub(CLOCK_SKEW_MS_MAX);
        let since = Millis(taken.accepted.0.saturating_sub(year));
        let counting = used.iter().filter(|used| used.last >= since);
        let all = counting.fold(charge, |sum, used| sum.plus(&used.charge));
        holds(all.customer.within(&self.most(self.grant.epsilon_year_bits)), Not::EpsilonYear)
    }

    /// The most that may be spent for an epsilon of the grant. Branches use the same rule.
    fn most(&self, epsilon_bits: u64) -> RdpVector {
        cap_allowed(f64::from_bits(epsilon_bits), f64::from_bits(self.grant.delta_bits))
    }
}

impl fmt::Display for GrantsReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { grants, withdrawals, covered, uncovered } = self;
        write!(
            formatter,
            "{grants} and {withdrawals} withdrawals signed by their owners; {covered} runs of branches under them, {uncovered} whose grant is not here"
        )
    }
}
