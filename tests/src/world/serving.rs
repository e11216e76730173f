//! The coordinator's process begins, ends and is killed; runs begin; a coordinator that lies forgets one.

use std::collections::BTreeMap;

use tributary_protocol::budget::Heads;
use tributary_protocol::ids::{ClientId, RunId};
use tributary_protocol::plan::Run;
use tributary_protocol::round::{Coordinator, CoordinatorSettings, Input, Orders, Outbox, RunRecord, SessionMaterial};

use super::centre::{Heard, RunAtCentre};
use super::process::DOWN_MS_MIN;
use super::{Event, World};
use crate::cast::Keyed;
use crate::disk::Disk;
use crate::trace::Who;

impl<S: Keyed> World<'_, S> {
    /// A run of a plan is served from now on, with a ledger of its own; the budget heads are those of all runs.
    pub(super) fn serve(&mut self, plan: usize, number: u32) {
        let served = &self.cast.plans[plan];
        let run = served.run(number);
        let id = run.id();
        let first = served.meaning.first_state();
        self.centre.models.insert(served.meaning.digest(&first), first);
        self.judge.serves((id, self.served.get(&plan).copied()), served);
        let name = run.name.printable();
        self.trace.note(self.now, Who::Centre, "serves ", || format!("run {number} of {name}"));
        let own = RunAtCentre {
            plan,
            run,
            machine: None,
            disk: Disk::new(),
            outbox: Outbox::new(),
            sessions: BTreeMap::new(),
            arrived: BTreeMap::new(),
            sum: None,
        };
        self.centre.runs.insert(id, own);
        self.served.insert(plan, id);
        if self.centre.process.up {
            self.open_run(id);
            let here: Vec<ClientId> = self.centre.links.keys().copied().collect();
            here.into_iter().for_each(|client| {
                self.centre.inbox.push_back(Heard::Run(id, Input::Connected(client)));
            });
            self.run_centre();
        }
    }

    /// The coordinator starts, from what its disk holds.
    pub(super) fn boot_centre(&mut self) {
        self.trace.note(self.now, Who::Centre, "starts", String::new);
        self.centre.process.boot();
        for run in self.centre.runs.keys().copied().collect::<Vec<_>>() {
            self.open_run(run);
        }
        self.run_centre();
    }

    /// A run goes on from its ledger, or begins with it.
    fn open_run(&mut self, run: RunId) {
        let kept = match self.centre.heads.recover() {
            Ok((kept, _)) => kept,
            Err(fault) => return self.judge.object("a crash leaves a readable file", format!("heads: {fault}")),
        };
        let now = self.centre.local(self.now);
        let orders = self.orders_before(run);
        let Some(own) = self.centre.runs.get_mut(&run) else { return };
        let installed = (self.centre.roster, self.centre.approvals[own.plan].clone(), orders);
        let (events, news) = match own.disk.recover() {
            Ok(found) => found,
            Err(fault) => return self.judge.object("a crash leaves a readable file", format!("coordinator: {fault}")),
        };
        for event in &events[events.len() - news..] {
            self.judge.centre_durable(run, event);
        }
        let stored = own.sessions.values().filter_map(|parts| SessionMaterial::from_parts(parts).ok()).collect();
        let settings = self.cast.settings::<S>((own.plan, Run::clone(&own.run)), installed);
        let settings = CoordinatorSettings { heads: Heads::replay(&kept), ..settings };
        match Coordinator::resume(settings, &events, stored, now, &mut own.outbox) {
            Ok(machine) => own.machine = Some(machine),
            Err(fault) => return self.judge.object("a coordinator continues from its own ledger", fault),
        }
        self.judge.centre_recovers(run, &events);
        self.order_again(run);
    }

    /// What people had ordered when the run of the same plan before this one ended.
    fn orders_before(&self, run: RunId) -> Orders {
        let Some(own) = self.centre.runs.get(&run) else { return Orders::default() };
        let (plan, number) = (own.plan, own.run.reference().number);
        let is_before = |other: &&RunAtCentre<S>| other.plan == plan && other.run.reference().number + 1 == number;
        let before = self.centre.runs.values().find(is_before);
        let record = before.map(|before| RunRecord::replay(before.disk.events()).unwrap_or_default());
        record.map_or_else(Orders::default, |record| record.orders)
    }

    /// The process is killed: everything in memory is gone, the disks are torn, every connection breaks.
    pub(super) fn kill_centre(&mut self) {
        self.trace.note(self.now, Who::Centre, "is killed", String::new);
        self.centre.runs.values_mut().for_each(|own| own.disk.crash(&mut self.dice));
        self.centre.heads.crash(&mut self.dice);
        let seats: Vec<u64> = std::mem::take(&mut self.centre.seats).into_values().collect();
        for id in seats {
            if let Some(link) = self.links.get_mut(&id) {
                link.centre = false;
            }
            self.break_link(id);
        }
        self.centre_down();
    }

    /// The coordinator pretends to have forgotten every round of a run. It ends in order, so that everybody is back before the world heals.
    pub(super) fn forget(&mut self, run: RunId) {
        self.trace.note(self.now, Who::Centre, "forgets", String::new);
        self.end_centre();
        let Some(own) = self.centre.runs.get_mut(&run) else { return };
        // What was not synced is whole in the true ledger as well.
        if let Ok((events, news)) = own.disk.recover() {
            events[events.len() - news..].iter().for_each(|event| self.judge.centre_durable(run, event));
            let copy = own.disk.as_of(1);
            self.archive = Some((run, std::mem::replace(&mut own.disk, copy)));
            self.judge.set_forgetful(run, true);
            if let Some(deceiver) = &mut self.deceiver {
                deceiver.lies += 1;
            }
        }
    }

    /// The true ledger is back.
    pub(super) fn remember(&mut self) {
        if let Some((run, archive)) = self.archive.take() {
            if self.centre.process.up {
                self.kill_centre();
            }
            if let Some(own) = self.centre.runs.get_mut(&run) {
                own.disk = archive;
            }
            self.judge.set_forgetful(run, false);
        }
    }

    /// The process ends by itself, in order.
    pub(super) fn end_centre(&mut self) {
        let seats: Vec<u64> = std::mem::take(&mut self.centre.seats).into_values().collect();
        for id in seats {
            self.close_by_centre(id);
            if let Some(link) = self.links.get_mut(&id) {
                link.centre = false;
            }
        }
        self.centre_down();
    }

    fn centre_down(&mut self) {
        let down_ms = self.centre.process.down_ms.max(DOWN_MS_MIN);
        let centre = &mut self.centre;
        centre.process.end();
        centre.process.down_ms = 0;
        centre.links.clear();
        centre.arrivals.clear();
        centre.inbox.clear();
        centre.syncing = None;
        for own in centre.runs.values_mut() {
            (own.machine, own.outbox, own.sum) = (None, Outbox::new(), None);
            own.arrived.clear();
        }
        let life = centre.process.life;
        self.queue.push(self.now + down_ms, Event::Boot(Who::Centre, life));
    }
}
