//! Who is in a list, and who is left out by which rule: the first that applies, in a fixed order.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use tributary_texts::{Said, contact as words};

use super::pseudonym::Pseudonym;
use super::rules::{Choice, Measure, Rules, Span};
use super::tables::{Attributes, Bar};

/// Why a customer of the scores file is not in the list. They apply in this order, and the first counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// The table of attributes has no line of this customer.
    NoAttributes,
    /// The customer has used the right to be in no list.
    Excluded,
    /// The customer refuses contacts.
    OptedOut,
    /// There is no consent to this purpose.
    NoConsent,
    /// The risk level is above the limit, or unknown.
    Risk,
    /// The product is not suitable, or the tolerance is unknown.
    Unsuitable,
    /// There were as many contacts as the window allows.
    ContactCap,
    /// The customer is in an open list, or twice in the scores.
    OpenList,
    /// A model scored the customer whose scores the rules do not take.
    OtherModel,
    /// The file has no such number of this customer.
    NoValue,
    /// The customer's team has no quota.
    NoTeam,
    /// Others are better, or the threshold is not reached.
    NotChosen,
    /// The team's quota is used up by better ones.
    Quota,
    /// Held out.
    HeldOut,
}

impl LeftOut {
    /// All of them, in their order.
    pub const ALL: [Self; 14] = [
        Self::NoAttributes,
        Self::Excluded,
        Self::OptedOut,
        Self::NoConsent,
        Self::Risk,
        Self::Unsuitable,
        Self::ContactCap,
        Self::OpenList,
        Self::OtherModel,
        Self::NoValue,
        Self::NoTeam,
        Self::NotChosen,
        Self::Quota,
        Self::HeldOut,
    ];

    /// The word for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NoAttributes => "no_attributes",
            Self::Excluded => "excluded",
            Self::OptedOut => "opted_out",
            Self::NoConsent => "no_consent",
            Self::Risk => "risk",
            Self::Unsuitable => "unsuitable",
            Self::ContactCap => "contact_cap",
            Self::OpenList => "open_list",
            Self::OtherModel => "other_model",
            Self::NoValue => "no_value",
            Self::NoTeam => "no_team",
            Self::NotChosen => "not_chosen",
            Self::Quota => "quota",
            Self::HeldOut => "held_out",
        }
    }

    /// For people.
    #[must_use]
    pub fn said(self) -> Said {
        match self {
            Self::NoAttributes => words::left_no_attributes(),
            Self::Excluded => words::left_excluded(),
            Self::OptedOut => words::left_opted_out(),
            Self::NoConsent => words::left_no_consent(),
            Self::Risk => words::left_risk(),
            Self::Unsuitable => words::left_unsuitable(),
            Self::ContactCap => words::left_contact_cap(),
            Self::OpenList => words::left_open_list(),
            Self::OtherModel => words::left_other_model(),
            Self::NoValue => words::left_no_value(),
            Self::NoTeam => words::left_no_team(),
            Self::NotChosen => words::left_not_chosen(),
            Self::Quota => words::left_quota(),
            Self::HeldOut => words::left_held_out(),
        }
    }
}

/// How many customers are left out by which rule; a rule that leaves nobody out is not named.
pub type Counts = std::collections::BTreeMap<LeftOut, u32>;

/// What a customer is judged by, beside the scores.
pub(crate) struct Grounds<'a> {
    /// The rules.
    pub rules: &'a Rules,
    /// The table.
    pub attributes: &'a Attributes,
    /// Customers who are in no list.
    pub excluded: &'a BTreeSet<Pseudonym>,
    /// Contacts in the window, from lists and from the table.
    pub contacts: &'a HashMap<Pseudonym, u32>,
    /// Customers of open lists.
    pub open: &'a HashSet<Pseudonym>,
}

impl Grounds<'_> {
    /// What keeps a customer out of any list, if something does.
    #[must_use]
    pub(crate) fn bar(&self, id: &str, customer: Pseudonym) -> Option<LeftOut> {
        if !self.attributes.has(id) {
            return Some(LeftOut::NoAttributes);
        }
        if self.excluded.contains(&customer) {
            return Some(LeftOut::Excluded);
        }
        if let Some(bar) = self.attributes.bar(id) {
            return Some(match bar {
                Bar::OptedOut => LeftOut::OptedOut,
                Bar::NoConsent => LeftOut::NoConsent,
                Bar::Risk => LeftOut::Risk,
                Bar::Unsuitable => LeftOut::Unsuitable,
            });
        }
        let contacts = self.contacts.get(&customer).copied().unwrap_or_default();
        if self.rules.contacts.as_ref().is_some_and(|cap| contacts >= u32::from(cap.most)) {
            return Some(LeftOut::ContactCap);
        }
        self.open.contains(&customer).then_some(LeftOut::OpenList)
    }

    /// The place of a customer's team among those with a quota; 0 where teams have none.
    #[must_use]
    pub(crate) fn team(&self, id: &str) -> Option<usize> {
        if self.rules.quotas.is_empty() {
            return Some(0);
        }
        let team = self.attributes.team(id);
        self.rules.quotas.iter().position(|quota| quota.team == team)
    }
}

/// A customer whom nothing keeps out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    /// The row of the scores file, from 1.
    pub row: u64,
    /// The customer.
    pub customer: Pseudonym,
    /// The number by which it is chosen.
    pub value: f64,
    /// The logit.
    pub score: f64,
    /// The place of its team.
    pub team: usize,
}

/// The chosen ones, the best first; and how many are not.
#[must_use]
pub(crate) fn choose(mut candidates: Vec<Candidate>, rules: &Rules, counts: &mut Counts) -> Vec<Candidate> {
    let Choice { by, span } = rules.choice;
    candidates.sort_unstable_by(|one, other| better(by, one, other));
    let mut left = |why| *counts.entry(why).or_default() += 1;
    let mut room: Vec<u32> = rules.quotas.iter().map(|quota| quota.most).collect();
    let (mut chosen, mut seen) = (Vec::new(), HashSet::new());
    for candidate in candidates {
        if !seen.insert(candidate.customer) {
            left(LeftOut::OpenList);
            continue;
        }
        let within = match span {
            Span::Top(top) => chosen.len() < top as usize,
            Span::Threshold(threshold) => by.reaches(candidate.value, threshold),
        };
        if !within {
            left(LeftOut::NotChosen);
            continue;
        }
        match room.get_mut(candidate.team) {
            Some(0) => {
                left(LeftOut::Quota);
                continue;
            }
            Some(room) => *room -= 1,
            None => {}
        }
        chosen.push(candidate);
    }
    chosen
}

/// Among equals the pseudonym decides: the order of a file does not, nor does the id.
fn better(by: Measure, one: &Candidate, other: &Candidate) -> Ordering {
    let value = match by {
        Measure::Decile => one.value.total_cmp(&other.value),
        _ => other.value.total_cmp(&one.value),
    };
    value.then_with(|| other.score.total_cmp(&one.score)).then_with(|| one.customer.cmp(&other.customer))
}
