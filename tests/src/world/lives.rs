//! A client's process begins, ends and is killed; what operators do about it.

use tributary_protocol::ids::RunId;
use tributary_protocol::limits::REKEY_PAUSE_MS;
use tributary_protocol::round::{self, Outbox, ParticipantEvent, ParticipantInput};

use super::branch::{HeardThere, PAUSE_MS};
use super::process::DOWN_MS_MIN;
use super::{Event, World};
use crate::cast::{KEYING_DEADLINE_MS, Keyed, ROUND_DEADLINE_MS, client_key};
use crate::judge::client_of;
use crate::trace::Who;

/// Milliseconds after the healing in which lies may still arrive, or be noticed at a deadline.
const GRACE_MS: u64 = ROUND_DEADLINE_MS + KEYING_DEADLINE_MS;

/// Further milliseconds for each branch. A round that a liar ran past the machine has charged every branch, and the machine knows none of it: it refuses them
/// one after the other, each by a key set-up of its own, until they have shown their budgets again.
const GRACE_OF_EACH_MS: u64 = REKEY_PAUSE_MS + 100;

impl<S: Keyed> World<'_, S> {
    /// A client starts, from what its disk holds.
    pub(super) fn boot_branch(&mut self, index: usize) {
        let branch = &mut self.branches[index];
        let (events, _) = match branch.disk.recover() {
            Ok(found) => found,
            Err(fault) => {
                return self.judge.object("a crash leaves a readable file", format!("client {}: {fault}", index + 1));
            }
        };
        branch.process.boot();
        let key = client_key::<S>(client_of(index));
        let policy = self.cast.policy(client_of(index), branch.files.granted.clone());
        let schema = policy.schema;
        match round::Branch::resume(policy, schema, key, &events) {
            Ok(machine) => branch.machine = Some(machine),
            Err(fault) => return self.judge.object("a client continues from its own file", fault),
        }
        branch.pause_ms = PAUSE_MS.0;
        let life = branch.process.life;
        self.judge.branch_recovers(index, &events);
        self.branches[index].inbox.push_back(HeardThere::Granted);
        self.trace.note(self.now, Who::Branch(index), "starts", String::new);
        let at = self.now + self.dice.below(50);
        self.queue.push(at, Event::Dial(index, life));
    }

    /// The process is killed: everything in memory is gone, the disk is torn, the network notices later.
    pub(super) fn kill_branch(&mut self, index: usize) {
        self.trace.note(self.now, Who::Branch(index), "is killed", String::new);
        let mut dice = self.dice.clone();
        self.dice.word();
        self.branches[index].disk.crash(&mut dice);
        if let Some(id) = self.branches[index].link.take() {
            if let Some(link) = self.links.get_mut(&id) {
                link.branch = false;
            }
            self.break_link(id);
        }
        let down_ms = self.branches[index].process.down_ms.max(DOWN_MS_MIN);
        self.clear_branch(index);
        let at = self.now + down_ms;
        let life = self.branches[index].process.life;
        self.queue.push(at, Event::Boot(Who::Branch(index), life));
    }

    /// The process ends by itself, in order.
    pub(super) fn end_branch(&mut self, index: usize) {
        self.close_by_branch(index);
        let down_ms = self.branches[index].process.down_ms.max(DOWN_MS_MIN);
        if self.healed {
            self.put_back(index);
        }
        self.clear_branch(index);
        let life = self.branches[index].process.life;
        self.queue.push(self.now + down_ms, Event::Boot(Who::Branch(index), life));
    }

    /// A client has refused a run for good, or was put out of it. Operators look after what a lie made give up, so that the liar meets it afresh. Lies
    /// may be under way when the liar is gone.
    pub(super) fn gives_up(&mut self, index: usize, run: RunId) {
        self.branches[index].refused.insert(run);
        let lies = self.families.deceiver || self.families.cheats;
        let grace = GRACE_MS + GRACE_OF_EACH_MS * self.branches.len() as u64;
        let graced = self.healed && self.now < self.healed_at + grace;
        let looked_after = lies && (self.families.deceiver && !self.healed || graced);
        if looked_after || self.healed && self.branches[index].archive.is_some() {
            let down_ms = self.dice.between(100, 600);
            self.look_after(index, down_ms);
        }
    }

    /// Somebody looks after a client's refusals, after so long.
    pub(super) fn look_after(&mut self, index: usize, ms: u64) {
        let branch = &self.branches[index];
        for run in &branch.refused {
            self.queue.push(self.now + ms, Event::Again(index, branch.process.life, *run));
        }
    }

    /// A client asks again about a run that it has refused, or that has put it off. Where an old copy of its disk made it refuse, the true one is put back
    /// first.
    pub(super) fn again(&mut self, index: usize, life: u32, run: RunId) {
        let branch = &mut self.branches[index];
        if !branch.process.up || branch.process.life != life {
            return;
        }
        if let Some(own) = branch.runs.get_mut(&run).filter(|own| own.again == Some(self.now)) {
            own.again = None;
            branch.inbox.push_back(HeardThere::Run(run, ParticipantInput::Connected));
        } else if branch.refused.contains(&run) && self.healed && branch.archive.is_some() {
            return self.end_branch(index);
        } else if branch.refused.remove(&run) {
            branch.begin(run);
        }
        self.run_branch(index);
    }

    /// An operator restores an old backup.
    pub(super) fn restore(&mut self, index: usize, permille: u64) {
        if !self.branches[index].process.up || self.branches[index].archive.is_some() {
            return;
        }
        self.kill_branch(index);
        let branch = &mut self.branches[index];
        if let Ok((events, _)) = branch.disk.recover() {
            // Without a first entry it would be no copy, but a budget that nobody has begun.
            let kept = (events.len() as u64 * permille / 1000).max(1);
            let copy = branch.disk.as_of(usize::try_from(kept).expect("fewer than there are"));
            let mut archive = std::mem::replace(&mut branch.disk, copy);
            // It is put aside on a disk of its own, which is not the one that may be full.
            archive.set_room(None);
            branch.archive = Some(archive);
            // What the owner took back may have been lost with it.
            if self.cast.oddity(client_of(index)).is_some() && self.dice.chance(500) {
                branch.files.withdrawals.clear();
            }
            self.judge.restores(index);
        }
    }

    /// The operator puts the true disk back, where the client noticed and spent nothing on the copy's word.
    fn put_back(&mut self, index: usize) {
        let branch = &mut self.branches[index];
        if branch.refused.is_empty() {
            return;
        }
        let Some(archive) = branch.archive.take() else { return };
        let spends = |event: &&ParticipantEvent| matches!(event, ParticipantEvent::BudgetCharged { .. });
        let unknown = branch.disk.events().iter().filter(spends).any(|spend| !archive.events().contains(spend));
        if !unknown {
            branch.disk = archive;
        }
    }

    fn clear_branch(&mut self, index: usize) {
        let branch = &mut self.branches[index];
        branch.process.end();
        branch.process.down_ms = 0;
        branch.machine = None;
        branch.inbox.clear();
        branch.outbox = Outbox::new();
        branch.runs.clear();
        branch.refused.clear();
        branch.models.clear();
        branch.speaks = None;
    }
}
