//! What owners of data granted and took back, as their files came to the coordinator, against the runs in which their branches took part.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use tributary_certs::grant::parse_word;
use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Grant, GrantSubject, OwnersWord, PrivacyMode};
use tributary_protocol::roster::MemberName;

use super::fault::Fault;
use super::reader::{Bundle, Source};
use crate::run::RunAudit;
use crate::trust::Federation;

/// Longest part of a grant or a withdrawal, in bytes: twice the longest encoding of either, for it is a text.
const BYTES_MAX: usize = 1 << 20;

/// What was found of grants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GrantsReport {
    /// Grants with their owners' signatures.
    pub grants: usize,
    /// Withdrawals with theirs.
    pub withdrawals: usize,
    /// Runs of a branch, counted for each branch, that a grant here allows.
    pub covered: u32,
    /// Those that none does: their grants went to the branches by hand, or were not given. The branches' own registers say which.
    pub uncovered: u32,
}

/// Grants of a bundle.
#[derive(Default)]
pub(super) struct Grants {
    grants: BTreeMap<Digest, Grant>,
    pub(super) report: GrantsReport,
}

impl Grants {
    /// Reads and verifies every grant's and withdrawal's part.
    pub(super) fn read<S: Source>(bundle: &Bundle<S>, federation: &Federation, faults: &mut Vec<Fault>) -> Self {
        let mut all = Self::default();
        for name in bundle.names().filter(|name| name.starts_with("grants/")) {
            let mut wrong = |reason: String| faults.push(Fault { part: name.to_owned(), reason });
            let Some(bytes) = bundle.short_part(name, BYTES_MAX) else {
                wrong(format!("it is longer than {BYTES_MAX} bytes, which no grant is"));
                continue;
            };
            let word = String::from_utf8(bytes).ok().and_then(|text| parse_word(&text));
            let Some(word) = word else {
                wrong("it is no owner's grant or withdrawal".into());
                continue;
            };
            if !word.is_genuine::<RealSuite>() {
                wrong("its owner's signature does not verify".into());
                continue;
            }
            match word {
                OwnersWord::Granted(grant) => {
                    if let Err(fault) = federation.own(&grant.federation) {
                        wrong(fault.to_string());
                    } else if all.grants.insert(grant.digest(), grant).is_some() {
                        wrong("the same grant is here twice".into());
                    } else {
                        all.report.grants += 1;
                    }
                }
                OwnersWord::TakenBack(_) => all.report.withdrawals += 1,
            }
        }
        all
    }

    /// Counts the runs in which branches took part against what was granted for them. Branches for which more ran than their grants here allow.
    pub(super) fn count<'r, 'a: 'r>(&mut self, runs: impl Iterator<Item = &'r RunAudit<'a>>) -> Vec<String> {
        let mut left: BTreeMap<Digest, BTreeMap<MemberName, u32>> = BTreeMap::new();
        for (digest, grant) in &self.grants {
            let each = grant.branches.iter().map(|branch| (branch.clone(), grant.runs));
            left.insert(*digest, each.collect());
        }
        let mut exceeded = BTreeSet::new();
        for run in runs {
            let Some((record, plan)) = run.facts().map(|facts| (facts.record(), facts.plan())) else { continue };
            let owner = record.approvals.as_ref().map(|approvals| &approvals.proposal.staff);
            let names = record.roster.iter().flat_map(|roster| roster.entries());
            let plan_digest = plan.digest();
            for entry in names.filter(|entry| record.took_part(entry.client)) {
                let fits = |grant: &Grant| {
                    let subject = match &grant.subject {
                        GrantSubject::Plan(granted) => *granted == plan_digest,
                        GrantSubject::Plans { .. } if plan.privacy == PrivacyMode::None => false,
                        GrantSubject::Plans { proposer, purpose } => {
                            Some(proposer) == owner && *purpose == plan.purpose
                        }
                    };
                    subject && grant.uses.train && grant.branches.binary_search(&entry.name).is_ok()
                };
                let fitting: Vec<&Digest> =
                    self.grants.iter().filter(|(_, grant)| fits(grant)).map(|(digest, _)| digest).collect();
                let used = fitting.iter().find_map(|digest| {
                    let runs = left.get_mut(digest)?.get_mut(&entry.name)?;
                    *runs = runs.checked_sub(1)?;
                    Some(())
                });
                match used {
                    Some(()) => self.report.covered = self.report.covered.saturating_add(1),
                    None => {
                        self.report.uncovered = self.report.uncovered.saturating_add(1);
                        if !fitting.is_empty() {
                            exceeded.insert(entry.name.to_string());
                        }
                    }
                }
            }
        }
        exceeded.into_iter().collect()
    }
}

impl fmt::Display for GrantsReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { grants, withdrawals, covered, uncovered } = self;
        write!(
            formatter,
            "{grants} and {withdrawals} withdrawals signed by their owners; {covered} runs of branches under them, {uncovered} under others"
        )
    }
}
