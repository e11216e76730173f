//! The rule book of the register: what follows from its events, and which event may follow which.

use std::collections::{BTreeMap, BTreeSet};

use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;

use super::event::{Approval, BuiltList, ContactEvent, Delivery, ListFiles, MadeScores, Outcome, Recall};
use super::pseudonym::Pseudonym;
use super::restart::{Restart, RestartWord};

/// How far a clock may be wrong, in seconds.
pub(crate) const CLOCK_S: u64 = 300;
/// Longest channel of an outcome, in bytes.
pub(crate) const CHANNEL_BYTES_MAX: usize = 64;
/// Longest result of an outcome, and longest reason, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 256;
/// Longest path that is noted, in bytes.
pub(crate) const PATH_BYTES_MAX: usize = 4096;
/// Most outcomes of one event.
pub(crate) const OUTCOMES_MAX: usize = 1024;
/// Most outcomes of one line.
pub(crate) const OUTCOMES_OF_LINE_MAX: usize = 32;

/// An event cannot follow the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct OutOfOrder(pub &'static str);

/// State after a list of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Register {
    /// The tag of the key.
    pub key: Option<Digest>,
    /// Lists, by their numbers.
    pub lists: BTreeMap<u32, ListState>,
    /// Batches, and the list of each.
    pub batches: BTreeMap<u32, u32>,
    /// Recalls.
    pub recalls: BTreeMap<u32, RecallState>,
    /// Draws: the group, the last second.
    pub draws: BTreeMap<Digest, (String, u64)>,
    /// Who is in no list.
    pub excluded: BTreeSet<Pseudonym>,
    /// Who was erased.
    pub erased: BTreeSet<Pseudonym>,
    /// Scores files from which lines were erased: what each was before, by what it is after it.
    pub rewritten: BTreeMap<Digest, Digest>,
    /// Folders into which scores were written.
    pub score_folders: BTreeSet<String>,
    /// Files of scores as they were made, the newest last.
    pub scores: Vec<MadeScores>,
    /// Models that were withdrawn.
    pub withdrawn: BTreeSet<Digest>,
    /// The newest rules of each campaign: the number of their signature, and their digest.
    pub rules: BTreeMap<String, (u64, Digest)>,
    /// When a list was last made, approved, delivered or purged, or a draw purged, in Unix seconds.
    pub last: u64,
    /// How often the register was begun again after it was cut, and by whom.
    pub restarts: Vec<(Restart, RestartWord, RestartWord)>,
    /// Digests of certificates of deletion, in the order of their numbers.
    pub certificates: Vec<Digest>,
    /// Numbers of lists, batches and recalls up to which none is given any more.
    left_out: [u32; 3],
}

/// What became of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListState {
    /// As it was made.
    pub built: BuiltList,
    /// By whom it was approved.
    pub approval: Option<Approval>,
    /// Its delivery, and whether that is done.
    pub delivery: Option<(Delivery, bool)>,
    /// The answer.
    pub accepted: Option<bool>,
    /// Whether all of it was recalled.
    pub recalled: bool,
    /// Lines that are void.
    pub void: BTreeSet<u32>,
    /// What became of lines: by line, day and channel.
    pub outcomes: BTreeMap<(u32, Date, String), Outcome>,
    /// Lines that were erased.
    pub erased: BTreeSet<u32>,
    /// Digests of its files.
    pub files: ListFiles,
    /// Digests before each erasure whose files may not be written yet.
    pub before: Vec<ListFiles>,
    /// Whether its files are gone.
    pub purged: bool,
    /// Whether the register was cut before anything said that it was delivered: it may have been.
    pub cut: bool,
}

/// What became of a recall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecallState {
    /// The recall.
    pub recall: Recall,
    /// Whether it is where the list was delivered.
    pub done: bool,
}

impl ListState {
    /// Whether the list can still be used at a time.
    #[must_use]
    pub fn is_open(&self, now: u64) -> bool {
        let void = self.recalled || self.purged || self.cut || self.accepted == Some(false);
        !void && now <= self.built.valid_until
    }

    /// Whether a line of an open list waits for its outcome.
    #[must_use]
    pub fn waits(&self, line: u32) -> bool {
        !self.void.contains(&line) && self.outcomes_of(line).next().is_none()
    }

    /// What became of a line.
    pub fn outcomes_of(&self, line: u32) -> impl Iterator<Item = &Outcome> {
        let from = (line, Date(0), String::new());
        let until = (line.saturating_add(1), Date(0), String::new());
        self.outcomes.range(from..until).map(|(_, outcome)| outcome)
    }

    /// The delivery, if it is done.
    #[must_use]
    pub fn delivered(&self) -> Option<&Delivery> {
        self.delivery.as_ref().filter(|(_, done)| *done).map(|(delivery, _)| delivery)
    }
}

/// The number after the last one that was given, or left out.
fn next<T>(given: &BTreeMap<u32, T>, left_out: u32) -> u32 {
    let last = given.last_key_value().map_or(0, |(last, _)| *last);
    last.max(left_out).saturating_add(1)
}

fn rule(holds: bool, what: &'static str) -> Result<(), OutOfOrder> {
    if holds { Ok(()) } else { Err(OutOfOrder(what)) }
}

impl Register {
    /// The state after all events.
    ///
    /// # Errors
    /// If an event cannot follow the ones before it.
    pub(crate) fn replay<'a>(events: impl IntoIterator<Item = &'a ContactEvent>) -> Result<Self, OutOfOrder> {
        let mut register = Self::default();
        for event in events {
            register.check(event)?;
            register.apply(event);
        }
        Ok(register)
    }

    /// The number of the next list.
    #[must_use]
    pub(crate) fn next_list(&self) -> u32 {
        next(&self.lists, self.left_out[0])
    }

    /// The last list of a campaign.
    #[must_use]
    pub(crate) fn last_of(&self, campaign: &str) -> Option<&ListState> {
        self.lists.values().rev().find(|list| list.built.campaign == campaign)
    }

    /// The number of the next batch.
    #[must_use]
    pub(crate) fn next_batch(&self) -> u32 {
        next(&self.batches, self.left_out[1])
    }

    /// The number of the next recall.
    #[must_use]
    pub(crate) fn next_recall(&self) -> u32 {
        next(&self.recalls, self.left_out[2])
    }

    /// What a scores file was before all erasures.
    #[must_use]
    pub(crate) fn root(&self, mut scores: Digest) -> Digest {
        // Each erasure is recorded once, of a file that was there: the way has no circle.
        while let Some(before) = self.rewritten.get(&scores) {
            scores = *before;
        }
        scores
    }

    /// The list of a batch.
    #[must_use]
    pub(crate) fn of_batch(&self, batch: u32) -> Option<&ListState> {
        self.batches.get(&batch).and_then(|list| self.lists.get(list))
    }

    /// Whether an event may come next.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub(crate) fn check(&self, event: &ContactEvent) -> Result<(), OutOfOrder> {
        if !matches!(event, ContactEvent::Begun { .. }) {
            rule(self.key.is_some(), "the register begins with its key")?;
        }
        match event {
            ContactEvent::Begun { .. } => rule(self.key.is_none(), "the register begins once"),
            ContactEvent::HoldOutDrawn { draw, .. } => rule(!self.draws.contains_key(draw), "a draw is recorded once"),
            ContactEvent::ListBuilt(built) => self.check_built(built),
            ContactEvent::ListApproved(approval) => {
                let list = self.list(approval.list)?;
                rule(
                    list.approval.is_none() && list.delivery.is_none(),
                    "a list is approved once, before its delivery",
                )?;
                rule(approval.digest == list.built.digest(), "an approval is of the list as it was made")?;
                rule(list.is_open(approval.at), "a list is approved while it is open")
            }
            ContactEvent::DeliveryBegun(delivery) => {
                let list = self.list(delivery.list)?;
                rule(list.approval.is_some(), "a list is delivered after its approval")?;
                rule(list.delivery.is_none(), "a list is delivered under one number")?;
                rule(
                    list.is_open(delivery.at) && list.void.is_empty(),
                    "a list is delivered while it is open and whole",
                )?;
                rule(delivery.batch == self.next_batch(), "batches are counted")
            }
            ContactEvent::Delivered { batch } => {
                let begun = self.of_batch(*batch).and_then(|list| list.delivery.as_ref());
                rule(begun.is_some_and(|(_, done)| !done), "a delivery ends once, after it has begun")
            }
            ContactEvent::Answered { batch, .. } => {
                let list = self.of_batch(*batch).ok_or(OutOfOrder("an answer is about a batch"))?;
                rule(list.delivered().is_some() && list.accepted.is_none(), "a delivered batch is answered once")
            }
            ContactEvent::RecallBegun(recall) => self.check_recall(recall),
            ContactEvent::Recalled { recall } => {
                let begun = self.recalls.get(recall);
                rule(begun.is_some_and(|begun| !begun.done), "a recall ends once, after it has begun")
            }
            ContactEvent::Outcomes { batch, outcomes } => self.check_outcomes(*batch, outcomes),
            ContactEvent::Excluded { customer } => {
                rule(*customer != Pseudonym::ERASED && !self.excluded.contains(customer), "a customer is excluded once")
            }
            ContactEvent::LineErased { list, line, .. } => {
                let list = self.list(*list)?;
                rule(
                    !list.purged && (1..=list.built.lines).contains(line),
                    "a line is erased from a list that has it",
                )?;
                rule(!list.erased.contains(line), "a line is erased once")
            }
            ContactEvent::ScoresErased { before, after } => {
                let fewer = *after != self.root(*before) && !self.rewritten.contains_key(after);
                rule(before != after && fewer, "each erasure leaves fewer lines")
            }
            ContactEvent::Erased { customer } => {
                rule(self.excluded.contains(customer), "a customer who is erased is in no list")
            }
            ContactEvent::ListPurged { list, at } => {
                let list = self.list(*list)?;
                rule(!list.purged, "a list is purged once")?;
                rule(list.built.valid_until < *at, "a list is purged after its last day")
            }
            ContactEvent::DrawPurged { draw, at } => {
                let (_, until) = self.draws.get(draw).ok_or(OutOfOrder("a draw is purged that is there"))?;
                rule(until < at, "a draw is purged after its last day")
            }
            ContactEvent::Restarted(restarted) => {
                let (restart, owner, risk) = restarted.as_ref();
                rule(owner.key != risk.key, "two people begin a register again")?;
                rule(owner.holds(restart) && risk.holds(restart), "both have signed why a register begins again")
            }
            ContactEvent::Certified { number, .. } => {
                let last = u32::try_from(self.certificates.len()).unwrap_or(u32::MAX);
                rule(Some(*number) == last.checked_add(1), "certificates are counted")
            }
            ContactEvent::RulesNoted { campaign, rules } => {
                rule(self.is_newer(campaign, rules.1), "rules are noted once, and no older ones after them")
            }
            ContactEvent::ModelWithdrawn { model } => {
                rule(!self.withdrawn.contains(model), "a model is withdrawn once")
            }
            ContactEvent::ScoresBegun { folder } => {
                let known = self.score_folders.contains(folder);
                rule(!known && folder.len() <= PATH_BYTES_MAX, "a folder of scores is noted once")
            }
            ContactEvent::ScoresMade(made) => rule(made.path.len() <= PATH_BYTES_MAX, "a path is short"),
            ContactEvent::FilesPurged { kind, .. } => rule(kind.len() <= TEXT_BYTES_MAX, "a kind of files is a word"),
        }
    }

    fn list(&self, list: u32) -> Result<&ListState, OutOfOrder> {
        self.lists.get(&list).ok_or(OutOfOrder("there is no such list"))
    }

    fn check_built(&self, built: &BuiltList) -> Result<(), OutOfOrder> {
        rule(built.list == self.next_list(), "lists are counted")?;
        rule(self.is_in_force(&built.campaign, built.rules), "no list is made by older rules of its campaign")?;
        let left: u64 = built.left_out.values().map(|count| u64::from(*count)).sum();
        rule(left + u64::from(built.lines) == built.rows, "every customer is in the list, or left out by one rule")?;
        rule(built.made_at <= built.valid_until, "a list ends after it was made")
    }

    /// Whether rules of this digest and number are the newest of a campaign that were noted, or newer ones.
    pub(super) fn is_in_force(&self, campaign: &str, (digest, sequence): (Digest, u64)) -> bool {
        self.rules.get(campaign) == Some(&(sequence, digest)) || self.is_newer(campaign, sequence)
    }

    /// Whether a signature's number is larger than those of a campaign that were noted.
    pub(super) fn is_newer(&self, campaign: &str, sequence: u64) -> bool {
        self.rules.get(campaign).is_none_or(|(known, _)| sequence > *known)
    }

    fn check_recall(&self, recall: &Recall) -> Result<(), OutOfOrder> {
        let list = self.list(recall.list)?;
        rule(recall.recall == self.next_recall(), "recalls are counted")?;
        rule(!list.recalled && !list.purged, "a list is recalled once")?;
        rule(recall.reason.len() <= TEXT_BYTES_MAX, "a reason is short")?;
        rule(recall.lines.is_sorted_by(|one, other| one < other), "lines are ascending")?;
        let known = recall.lines.iter().all(|line| (1..=list.built.lines).contains(line) && !list.void.contains(line));
        rule(known, "a line is recalled once, from the list that has it")
    }

    fn check_outcomes(&self, batch: u32, outcomes: &[Outcome]) -> Result<(), OutOfOrder> {
        let list = self.of_batch(batch).ok_or(OutOfOrder("outcomes are of a batch"))?;
        rule(list.delivered().is_some() && !list.purged, "outcomes are of a delivered batch that is kept")?;
        rule(outcomes.len() <= OUTCOMES_MAX, "an event has few outcomes")?;
        for outcome in outcomes {
            rule((1..=list.built.lines).contains(&outcome.line), "an outcome is of a line of its batch")?;
            let short = outcome.channel.len() <= CHANNEL_BYTES_MAX && outcome.result.len() <= TEXT_BYTES_MAX;
            rule(short, "an outcome has short words")?;
            let known = list.outcomes.get(&(outcome.line, outcome.day, outcome.channel.clone()));
            rule(known.is_none(), "an outcome is recorded once")?;
        }
        Ok(())
    }

    /// Applies an event. Total and deterministic.
    pub(crate) fn apply(&mut self, event: &ContactEvent) {
        match event {
            ContactEvent::Begun { key } => self.key = Some(*key),
            ContactEvent::HoldOutDrawn { group, draw, until } => {
                self.draws.insert(*draw, (group.clone(), *until));
            }
            ContactEvent::ListBuilt(built) => {
                self.rules.insert(built.campaign.clone(), (built.rules.1, built.rules.0));
                self.last = self.last.max(built.made_at);
                let state = ListState {
                    built: built.as_ref().clone(),
                    approval: None,
                    delivery: None,
                    accepted: None,
                    recalled: false,
                    void: BTreeSet::new(),
                    outcomes: BTreeMap::new(),
                    erased: BTreeSet::new(),
                    files: built.files,
                    before: Vec::new(),
                    purged: false,
                    cut: false,
                };
                self.lists.insert(built.list, state);
            }
            ContactEvent::ListApproved(approval) => {
                self.last = self.last.max(approval.at);
                self.change(approval.list, |list| list.approval = Some(approval.as_ref().clone()));
            }
            ContactEvent::DeliveryBegun(delivery) => {
                self.batches.insert(delivery.batch, delivery.list);
                self.last = self.last.max(delivery.at);
                self.change(delivery.list, |list| list.delivery = Some((delivery.as_ref().clone(), false)));
            }
            ContactEvent::Delivered { batch } => self.change_batch(*batch, |list| {
                if let Some((_, done)) = &mut list.delivery {
                    *done = true;
                }
            }),
            ContactEvent::Answered { batch, accepted, .. } => {
                self.change_batch(*batch, |list| list.accepted = Some(*accepted));
            }
            ContactEvent::RecallBegun(recall) => {
                let state = RecallState { recall: recall.as_ref().clone(), done: false };
                self.recalls.insert(recall.recall, state);
                self.change(recall.list, |list| {
                    list.recalled |= recall.lines.is_empty();
                    list.void.extend(&recall.lines);
                });
            }
            ContactEvent::Recalled { recall } => {
                if let Some(state) = self.recalls.get_mut(recall) {
                    state.done = true;
                }
            }
            ContactEvent::Outcomes { batch, outcomes } => self.change_batch(*batch, |list| {
                let keyed = outcomes.iter().map(|one| ((one.line, one.day, one.channel.clone()), one.clone()));
                list.outcomes.extend(keyed);
            }),
            ContactEvent::Excluded { customer } => drop(self.excluded.insert(*customer)),
            ContactEvent::LineErased { list, line, files } => self.change(*list, |list| {
                list.before.push(list.files);
                list.files = *files;
                list.erased.insert(*line);
            }),
            ContactEvent::ScoresErased { before, after } => drop(self.rewritten.insert(*after, *before)),
            ContactEvent::Erased { customer } => {
                self.erased.insert(*customer);
                self.lists.values_mut().for_each(|list| list.before.clear());
            }
            ContactEvent::ListPurged { list, at } => {
                self.last = self.last.max(*at);
                self.change(*list, |list| list.purged = true);
            }
            ContactEvent::DrawPurged { draw, at } => {
                self.last = self.last.max(*at);
                self.draws.remove(draw);
            }
            ContactEvent::Restarted(restarted) => {
                let skipped = restarted.0.skipped;
                let used = [self.next_list(), self.next_batch(), self.next_recall()];
                self.left_out = used.map(|next| next.saturating_sub(1).saturating_add(skipped));
                // What is lost may have delivered them.
                let undelivered = self.lists.values_mut().filter(|list| list.delivery.is_none());
                undelivered.for_each(|list| list.cut = true);
                self.restarts.push(restarted.as_ref().clone());
            }
            ContactEvent::Certified { digest, .. } => self.certificates.push(*digest),
            ContactEvent::RulesNoted { campaign, rules } => {
                self.rules.insert(campaign.clone(), (rules.1, rules.0));
            }
            ContactEvent::ModelWithdrawn { model } => drop(self.withdrawn.insert(*model)),
            ContactEvent::ScoresBegun { folder } => drop(self.score_folders.insert(folder.clone())),
            ContactEvent::ScoresMade(made) => self.scores.push(made.clone()),
            ContactEvent::FilesPurged { .. } => {}
        }
    }

    fn change(&mut self, list: u32, change: impl FnOnce(&mut ListState)) {
        if let Some(list) = self.lists.get_mut(&list) {
            change(list);
        }
    }

    fn change_batch(&mut self, batch: u32, change: impl FnOnce(&mut ListState)) {
        if let Some(list) = self.batches.get(&batch).copied() {
            self.change(list, change);
        }
    }
}
