//! Faults strike, faults end, processes start, timers ring.

use tributary_protocol::round::{Coordinator, Wait};

use super::branch::HeardThere;
use super::centre::Heard;
use super::process::Process;
use super::{Event, World};
use crate::cast::{Keyed, NEXT};
use crate::deeds::Deed;
use crate::faults::Strike;
use crate::trace::Who;

impl<S: Keyed> World<'_, S> {
    /// A fault of the schedule strikes.
    pub(super) fn strike(&mut self, index: usize) {
        let strike = self.strikes[index].clone();
        if self.healed && !matches!(strike, Strike::Deed(Deed::Lift)) {
            return;
        }
        self.struck += u32::from(!self.healed);
        self.trace.note(self.now, Who::World, "fault: ", || format!("{strike:?}"));
        match strike {
            Strike::Reset { clients } => {
                for id in clients.iter().filter_map(|client| self.branches[*client].link).collect::<Vec<_>>() {
                    self.break_link(id);
                }
            }
            Strike::LoseAnswers { client } => {
                if let Some(id) = self.branches[client].link {
                    self.break_behind_requests(id);
                }
            }
            Strike::Partition { ref clients, up, down, ms, times } => {
                for client in clients.clone() {
                    self.partition(client, up, down, ms);
                }
                if times > 1 {
                    let again = Strike::Partition { clients: clients.clone(), up, down, ms, times: times - 1 };
                    self.queue.push(self.now + ms + ms / 2 + 1, Event::Strike(self.strikes.len()));
                    self.strikes.push(again);
                }
            }
            Strike::Slow { factor, ms } => (self.weather.factor, self.weather.until) = (factor, self.now + ms),
            Strike::Straggle { client, train_ms, ms } => self.branches[client].straggles = (train_ms, self.now + ms),
            Strike::Kill { who, effects, down_ms } => {
                let process = self.process(who);
                (process.effects_left, process.down_ms) = (Some(effects), down_ms);
            }
            Strike::Stop { who, down_ms } => self.stop(who, down_ms),
            Strike::SlowDisk { who, sync_ms, ms } => {
                self.process(who).sync_ms = sync_ms;
                self.queue.push(self.now + ms, Event::Relief(strike));
            }
            Strike::FullDisk { who, room, ms } => {
                self.set_room(who, Some(room));
                self.queue.push(self.now + ms, Event::Relief(strike));
            }
            Strike::Restore { client, permille } => self.restore(client, permille),
            Strike::Amnesia => {
                // Only what clients have used in a run can be used again. Other rounds would run in the false ledger, and the true one lack them.
                let used = self.centre.runs.iter().find(|(_, own)| {
                    let record = own.machine.as_ref().map(Coordinator::record);
                    record.is_some_and(|record| record.committed_all() > 0 && record.finished.is_none())
                });
                if let Some(run) = used.map(|(run, _)| *run).filter(|_| self.centre.process.up) {
                    self.forget(run);
                } else {
                    self.queue.push(self.now + 50, Event::Strike(index));
                }
            }
            Strike::Enrol => self.install(NEXT),
            Strike::Deed(deed) => self.deed(deed),
            Strike::Jump { who, ahead_ms } => {
                self.process(who).ahead_ms += ahead_ms;
                self.arm(who);
            }
        }
    }

    /// A fault that lasts ends.
    pub(super) fn relieve(&mut self, strike: &Strike) {
        match strike {
            Strike::SlowDisk { who, .. } => self.process(*who).sync_ms = 0,
            Strike::FullDisk { who, .. } => self.set_room(*who, None),
            _ => {}
        }
    }

    /// Everything works again, and somebody looks after every process that gave up.
    pub(super) fn heal(&mut self) {
        (self.healed, self.healed_at) = (true, self.now);
        self.trace.note(self.now, Who::World, "heals", String::new);
        self.weather.until = 0;
        self.remember();
        for (up, down) in &mut self.weather.blocked {
            (*up, *down) = ((*up).min(self.now), (*down).min(self.now));
        }
        for who in std::iter::once(Who::Centre).chain((0..self.branches.len()).map(Who::Branch)) {
            self.set_room(who, None);
            if let Who::Branch(index) = who {
                self.look_after(index, 1);
            }
            let process = self.process(who);
            (process.sync_ms, process.effects_left) = (0, None);
        }
        for branch in &mut self.branches {
            branch.straggles = (0, 0);
        }
        self.settle();
    }

    /// A process starts, if its disk has room for a file.
    pub(super) fn boot(&mut self, who: Who, life: u32) {
        let clocks = self.families.clock;
        let process = self.process(who);
        if process.up || process.life != life {
            return;
        }
        if clocks {
            let ahead_ms = self.dice.below(1_000_000);
            self.process(who).ahead_ms = ahead_ms;
        }
        match who {
            Who::Branch(index) => self.boot_branch(index),
            _ => self.boot_centre(),
        }
    }

    /// A disk is done syncing.
    pub(super) fn synced(&mut self, who: Who, life: u32) {
        let process = self.process(who);
        if process.life != life || !process.blocked {
            return;
        }
        process.blocked = false;
        match who {
            Who::Branch(index) => {
                self.branches[index].disk.sync();
                self.run_branch(index);
            }
            _ => {
                self.centre_synced();
                self.run_centre();
            }
        }
    }

    /// What a process waits for.
    fn wait(&self, who: Who) -> Option<Wait> {
        let waits: Vec<Wait> = match who {
            Who::Branch(index) => self.branches[index].runs.values().map(|own| own.participant.wait()).collect(),
            _ => self.centre.runs.values().filter_map(|own| own.machine.as_ref()).map(Coordinator::wait).collect(),
        };
        waits.into_iter().filter(|wait| wait.deadline.is_some()).min_by_key(|wait| wait.deadline)
    }

    /// Sets a process's timer to its machine's deadline.
    pub(super) fn arm(&mut self, who: Who) {
        let now = self.now;
        let deadline = match who {
            Who::Branch(index) => self.branches[index].runs.values().filter_map(|own| own.participant.deadline()).min(),
            _ => {
                let machines = self.centre.runs.values().filter_map(|own| own.machine.as_ref());
                machines.filter_map(Coordinator::deadline).min()
            }
        };
        let process = self.process(who);
        let Some(deadline) = deadline else {
            process.timer = None;
            return;
        };
        let at = deadline.0.saturating_sub(process.ahead_ms).max(now);
        if process.timer != Some(at) {
            process.timer = Some(at);
            let life = process.life;
            self.queue.push(at, Event::Timer(who, life, at));
        }
    }

    /// A deadline has passed: the machine must act on it.
    pub(super) fn timer(&mut self, who: Who, life: u32, at: u64) {
        let process = self.process(who);
        if process.life != life || process.timer != Some(at) {
            return;
        }
        process.timer = None;
        let blocked = process.blocked;
        let waited = self.wait(who);
        self.trace.note(self.now, who, "timer", String::new);
        match who {
            Who::Branch(index) => {
                self.branches[index].inbox.push_back(HeardThere::Timer);
                self.run_branch(index);
            }
            _ => {
                self.centre.inbox.push_back(Heard::Timer);
                self.run_centre();
            }
        }
        let now = self.now;
        let process = self.process(who);
        let free = process.life == life && !process.blocked && !blocked;
        // What follows may be overdue as well; the same wait may not.
        if free && process.timer == Some(now) && self.wait(who) == waited {
            self.judge.object("a deadline that has passed is acted on", format!("{who} goes on waiting for it"));
        }
    }

    fn stop(&mut self, who: Who, down_ms: u64) {
        let process = self.process(who);
        if !process.up {
            return;
        }
        process.down_ms = down_ms;
        match who {
            Who::Branch(index) => {
                // The shell hears of it before anything that is waiting.
                self.branches[index].inbox.clear();
                self.branches[index].inbox.push_back(HeardThere::Stop);
                self.run_branch(index);
            }
            _ => {
                self.centre.inbox.clear();
                self.centre.inbox.push_back(Heard::Stop);
                self.run_centre();
            }
        }
    }

    fn partition(&mut self, client: usize, up: bool, down: bool, ms: u64) {
        let until = self.now + ms;
        let (up_until, down_until) = &mut self.weather.blocked[client];
        if up {
            *up_until = (*up_until).max(until);
        }
        if down {
            *down_until = (*down_until).max(until);
        }
        // A connection without a sign of life does not outlast the idle time.
        if ms > super::wire::IDLE_MS
            && let Some(id) = self.branches[client].link
        {
            self.break_link(id);
        }
    }

    pub(super) fn process(&mut self, who: Who) -> &mut Process {
        match who {
            Who::Branch(index) => &mut self.branches[index].process,
            _ => &mut self.centre.process,
        }
    }

    fn set_room(&mut self, who: Who, room: Option<usize>) {
        match who {
            Who::Branch(index) => self.branches[index].disk.set_room(room),
            _ => self.centre.runs.values_mut().for_each(|own| own.disk.set_room(room)),
        }
    }
}
