//! The world: production machines, their disks, the connections between them, and a clock that jumps from event to event.
//!
//! One thread, no waiting: whatever takes time is an event further down the queue. Effects are executed in one place for each role
//! (`centre.rs` and `sums.rs`, `branch.rs`), messages are routed in one (`wire.rs`), faults strike in one (`mischief.rs`).

mod branch;
mod centre;
mod deeds;
mod lives;
mod mischief;
mod process;
mod serving;
mod sums;
mod wire;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RunId};
use tributary_protocol::round::{CoordinatorEvent, ParticipantInput};
use tributary_protocol::secagg::masked_sum::{MaskedUpdate, upload_bytes};
use tributary_protocol::secagg::toy::Seeded;

use self::branch::Branch;
use self::centre::Centre;
use crate::cast::{Cast, KEYING_DEADLINE_MS, Keyed, LARGE, OLD, ROUND_DEADLINE_MS, Served};
use crate::deeds::deeds;
use crate::dice::Dice;
use crate::disk::Disk;
use crate::enemy::{Cheat, Deceiver, Lie};
use crate::faults::{Families, Strike, schedule, window_ms};
use crate::judge::{Judge, client_of};
use crate::link::Link;
use crate::meaning::Meaning;
use crate::options::{Options, Profile};
use crate::outcome::Outcome;
use crate::queue::Queue;
use crate::trace::{Lines, Trace, Who};

/// Steps after which a run that has not ended never will.
const STEPS_MAX: u64 = 50_000_000;

/// Something happens.
enum Event {
    /// The next packet of a connection reaches the coordinator.
    Up(u64),
    /// The next packet of a connection reaches its client.
    Down(u64),
    /// An attempt to connect reaches the coordinator.
    Knock(u64),
    /// A client's attempt to connect has succeeded.
    Connected(u64),
    /// The coordinator learns that a connection is over.
    LostByCentre(u64),
    /// A client learns that a connection is over.
    LostByBranch(u64),
    /// A client, in this life, tries to connect.
    Dial(usize, u32),
    /// A deadline of a process's life may have passed.
    Timer(Who, u32, u64),
    /// A disk is done.
    Synced(Who, u32),
    /// A client's worker has something for its machine.
    Worked(usize, u32, RunId, Box<(Option<MaskedUpdate>, ParticipantInput)>),
    /// A client, in this life, asks again about a run.
    Again(usize, u32, RunId),
    /// A process starts.
    Boot(Who, u32),
    /// A fault.
    Strike(usize),
    /// A fault ends.
    Relief(Strike),
    /// All faults end, and the run must come to a good end.
    Heal,
}

/// What a world can do wrong to its own machines, so that a judge has something to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// A branch is not told what its owner has taken back.
    UnheardWithdrawals,
    /// The coordinator is not told what people order.
    UnheardOrders,
    /// A branch says that its data are ready before they are.
    ReadyAtOnce,
}

/// What the network is like.
struct Weather {
    /// Messages take so many times longer,
    factor: u64,
    /// until then.
    until: u64,
    /// By client: until when nothing passes up, and down.
    blocked: Vec<(u64, u64)>,
}

/// One run.
pub(crate) struct World<'a, S: Keyed> {
    seed: u64,
    options: Options,
    families: Families,
    cast: Cast,
    /// By plan: the run that is served of it.
    served: BTreeMap<usize, RunId>,
    now: u64,
    queue: Queue<Event>,
    dice: Dice,
    entropy: Seeded,
    centre: Centre<S>,
    branches: Vec<Branch<S>>,
    links: BTreeMap<u64, Link>,
    links_made: u64,
    weather: Weather,
    strikes: Vec<Strike>,
    struck: u32,
    /// Lies in one field that were refused with their reason.
    refused: u32,
    healed: bool,
    healed_at: u64,
    deceiver: Option<Deceiver<S>>,
    /// The true ledger of a coordinator that pretends to have forgotten it.
    archive: Option<(RunId, Disk<CoordinatorEvent>)>,
    /// Vectors that byzantine clients changed before they sent them.
    spoilt: BTreeSet<Digest>,
    /// For a test: what goes wrong that no fault explains.
    trouble: Option<Trouble>,
    judge: Judge,
    trace: Trace<'a>,
}

impl<'a, S: Keyed> World<'a, S> {
    /// The world of a seed, before anything has happened.
    pub(crate) fn new(seed: u64, options: Options, lines: Lines<'a>) -> Self {
        Self::meaning(seed, options, lines, None)
    }

    /// As [`World::new`], of a plan whose stages mean something else.
    pub(crate) fn meaning(seed: u64, options: Options, lines: Lines<'a>, meaning: Option<Box<dyn Meaning>>) -> Self {
        let mut dice = Dice::new(seed, 1);
        let families = Families::of(options.faults, &mut dice);
        let cast = Cast::new::<S>(&options, &mut dice, (meaning, families.cheats || families.deceiver));
        let runs = cast.plans.iter().map(|served| served.plan.runs).max().unwrap_or(1);
        let clients = options.clients as usize;
        let mut branches: Vec<Branch<S>> =
            (0..clients).map(client_of).map(|client| Branch::new(&cast, client, &mut dice)).collect();
        let cheats = cheats(families, &cast, clients, &mut dice);
        for index in &cheats {
            branches[*index].cheat = Some(Cheat::new(client_of(*index), &mut dice));
        }
        let deceiver: Option<Deceiver<S>> =
            families.deceiver.then(|| Deceiver::new(clients, cast.rosters[OLD].0.clone(), &mut dice));
        let mut queue = Queue::new();
        let mut strikes = Vec::new();
        for (at, strike) in schedule(families, &options, runs, &mut Dice::new(seed, 2)) {
            queue.push(at, Event::Strike(strikes.len()));
            strikes.push(strike);
        }
        if options.faults != Profile::None && options.clients <= LARGE {
            for (at, deed) in deeds(&cast, window_ms(&options, runs), &mut Dice::new(seed, 4)) {
                queue.push(at, Event::Strike(strikes.len()));
                strikes.push(Strike::Deed(deed));
            }
        }
        if deceiver.as_ref().is_some_and(|deceiver| deceiver.lie == Lie::OldRoster) {
            // It closes connections, to be asked again.
            for _ in 0..3 {
                queue.push(dice.between(250, 1_500), Event::Strike(strikes.len()));
                strikes.push(Strike::Reset { clients: (0..clients.min(20)).collect() });
            }
        }
        if deceiver.as_ref().is_some_and(|deceiver| deceiver.lie == Lie::Amnesia) {
            queue.push(dice.between(250, 900), Event::Strike(strikes.len()));
            strikes.push(Strike::Amnesia);
        }
        if options.faults != Profile::None {
            queue.push(window_ms(&options, runs), Event::Heal);
        }
        Self {
            seed,
            options,
            families,
            served: BTreeMap::new(),
            now: 0,
            queue,
            dice: Dice::new(seed, 3),
            entropy: Seeded::new(seed),
            centre: Centre::new(&cast),
            branches,
            links: BTreeMap::new(),
            links_made: 0,
            weather: Weather { factor: 1, until: 0, blocked: vec![(0, 0); clients] },
            strikes,
            struck: 0,
            refused: 0,
            healed: options.faults == Profile::None,
            healed_at: 0,
            deceiver,
            archive: None,
            spoilt: BTreeSet::new(),
            trouble: None,
            judge: Judge::new(&cast, clients, (!families.deceiver, options.faults == Profile::None), cheats),
            trace: Trace::new(lines),
            cast,
        }
    }

    /// Runs to the end of every plan's last run, or to the first violation.
    pub(crate) fn run(mut self) -> Outcome {
        self.introduce();
        (0..self.cast.plans.len()).for_each(|plan| self.serve(plan, 1));
        self.boot_centre();
        for index in 0..self.branches.len() {
            self.boot_branch(index);
        }
        let mut limit = self.limit();
        let (mut steps, mut stranded) = (0, false);
        while self.judge.content() {
            if self.go_on() {
                limit = self.limit();
            }
            if self.is_over() {
                break;
            }
            let next = self.queue.pop().filter(|(at, _)| *at <= limit || !self.is_stranded());
            let Some((at, event)) = next else {
                stranded = self.is_stranded();
                if !stranded {
                    self.judge.object("something always comes next", self.standstill());
                }
                break;
            };
            steps += 1;
            if at > limit || steps > STEPS_MAX {
                let text = format!("{} ms and {steps} steps after the beginning: {}", at, self.standstill());
                self.judge.object("without faults a plan ends in bounded time", text);
                break;
            }
            self.now = at;
            self.judge.set_now(at);
            if self.healed && self.judge.may_starve() {
                let stranded = self.served.values().copied().filter(|run| self.is_stranded_in(*run)).collect();
                self.judge.starves(self.healed_at, &stranded);
            }
            let healing = matches!(event, Event::Heal);
            self.step(event);
            if healing {
                limit = self.limit();
            }
        }
        let (committed, aborted) = self.judge.rounds();
        let lies = self.lies();
        Outcome {
            seed: self.seed,
            committed,
            aborted,
            lies,
            refused: self.refused,
            faults: self.struck,
            virtual_ms: self.now,
            trace: self.trace.digest(),
            stranded,
            violation: self.judge.take_violation(),
        }
    }

    /// Says who is byzantine.
    fn introduce(&mut self) {
        if let Some(deceiver) = &self.deceiver {
            self.trace.note(0, Who::Centre, "is byzantine: ", || format!("{:?}", deceiver.lie));
        }
        for (index, branch) in self.branches.iter().enumerate() {
            if let Some(cheat) = &branch.cheat {
                self.trace.note(0, Who::Branch(index), "is byzantine: ", || cheat.habit());
            }
        }
    }

    /// For a test: another coordinator.
    #[cfg(test)]
    pub(crate) fn deceived_by(mut self, deceiver: impl FnOnce(&Cast) -> Deceiver<S>) -> Self {
        self.deceiver = Some(deceiver(&self.cast));
        // What the other one would have done besides.
        self.strikes.fill(Strike::Reset { clients: Vec::new() });
        self
    }

    /// For a test: another byzantine client.
    #[cfg(test)]
    pub(crate) fn cheated_by(mut self, index: usize) -> Self {
        let cheat = Cheat::in_one_field(client_of(index), &mut self.dice);
        self.branches.iter_mut().for_each(|branch| branch.cheat = None);
        self.branches[index].cheat = Some(cheat);
        self.judge.set_cheats([index].into());
        // What people would have done besides, and who would have been late: runs would go on without the liar, who would not be heard.
        self.strikes.fill(Strike::Reset { clients: Vec::new() });
        self.cast.plans.iter_mut().for_each(|served| served.ready.clear());
        self
    }

    /// For a test: something goes wrong that no fault explains, and that the judge must find.
    #[cfg(test)]
    pub(crate) fn troubled_by(mut self, trouble: Trouble) -> Self {
        self.trouble = Some(trouble);
        self
    }

    /// For a test: a process is killed at this append, counted from 0; what it had not synced is lost from any byte on.
    #[cfg(test)]
    pub(crate) fn killed_at_append(mut self, who: Who, append: u32) -> Self {
        self.process(who).appends_left = Some(append);
        self
    }

    /// For a test: a process's disk does nothing at this sync, counted from 0, as if the machine had not asked for it, nor at those behind it
    /// before its next word, which would make up for it.
    #[cfg(test)]
    pub(crate) fn without_sync(mut self, who: Who, sync: u32) -> Self {
        self.process(who).syncs_left = Some(sync);
        self
    }

    fn step(&mut self, event: Event) {
        match event {
            Event::Up(link) => self.arrive_up(link),
            Event::Down(link) => self.arrive_down(link),
            Event::Knock(link) => self.knock(link),
            Event::Connected(link) => self.connected(link),
            Event::LostByCentre(link) => self.lost_by_centre(link),
            Event::LostByBranch(link) => self.lost_by_branch(link),
            Event::Dial(index, life) => self.dial(index, life),
            Event::Timer(who, life, at) => self.timer(who, life, at),
            Event::Synced(who, life) => self.synced(who, life),
            Event::Worked(index, life, run, work) => self.worked(index, life, run, *work),
            Event::Again(index, life, run) => self.again(index, life, run),
            Event::Boot(who, life) => self.boot(who, life),
            Event::Strike(index) => self.strike(index),
            Event::Relief(strike) => self.relieve(&strike),
            Event::Heal => self.heal(),
        }
    }

    /// Virtual time by which all runs must be over, seen from now: far enough for every round that may still be charged where faults go on;
    /// a few deadlines for each round where they do not. Runs go on side by side: none waits for another.
    fn limit(&self) -> u64 {
        let left = self.served.values().map(|run| {
            let rounds = self.centre.runs.get(run).map_or(0, |own| own.run.rounds());
            u64::from(rounds.saturating_sub(self.judge.rounds_of(*run))) + 2
        });
        let left = left.max().unwrap_or(0);
        let runs = self.cast.plans.iter().map(|served| served.plan.runs).max().unwrap_or(1);
        let patience = if self.healed { 0 } else { window_ms(&self.options, runs) };
        self.now + patience + (left + 4) * (ROUND_DEADLINE_MS + KEYING_DEADLINE_MS) + 60_000
    }

    /// Where a run of a plan is over and the plan has another one, that is served; whether one was.
    fn go_on(&mut self) -> bool {
        if !self.centre.is_idle() {
            return false;
        }
        let over: Vec<(usize, u32)> = self.served.iter().filter_map(|(plan, run)| self.next_of(*plan, *run)).collect();
        over.iter().for_each(|(plan, number)| self.serve(*plan, *number));
        !over.is_empty()
    }

    /// The run after one that is over.
    fn next_of(&self, plan: usize, run: RunId) -> Option<(usize, u32)> {
        let own = self.centre.runs.get(&run)?;
        let number = own.run.reference().number;
        // After an order that ended the plan there is no other one.
        let aborted = own.machine.as_ref().is_some_and(|machine| machine.record().is_aborted());
        (!aborted && self.centre.is_over(run) && number < self.cast.plans[plan].plan.runs).then_some((plan, number + 1))
    }

    /// The coordinator's process has finished every run.
    fn is_over(&self) -> bool {
        self.centre.is_idle() && self.served.values().all(|run| self.centre.is_over(*run))
    }

    /// In every run that is not over so many clients are out of the plan that the rest is no cohort: byzantine every one, or put out by a coordinator
    /// whose own lies broke the rounds. Against that one nobody promises that a plan goes on.
    fn is_stranded(&self) -> bool {
        let open = || self.served.values().filter(|run| !self.centre.is_over(**run));
        open().count() > 0 && open().all(|run| self.is_stranded_in(*run))
    }

    fn is_stranded_in(&self, run: RunId) -> bool {
        let Some(own) = self.centre.runs.get(&run) else { return false };
        let Some(machine) = &own.machine else { return false };
        let evicted = &machine.record().evicted;
        let guilty = self.deceiver.is_some() || evicted.keys().all(|client| self.judge.is_cheat(*client));
        let served = &self.cast.plans[own.plan];
        let rest: Vec<ClientId> =
            served.members.iter().copied().filter(|client| !evicted.contains_key(client)).collect();
        let ready = rest.len() >= served.plan.readiness.ready_min as usize || machine.record().last_round > 0;
        guilty && (served.thresholds(&rest).is_err() || !ready)
    }

    /// The digest of a public state in a run.
    fn digest_in(&self, run: RunId, state: &[u8]) -> Digest {
        let plan = self.centre.runs.get(&run).map_or(0, |own| own.plan);
        self.cast.plans[plan].meaning.digest(state)
    }

    /// Lies told so far.
    fn lies(&self) -> u32 {
        let deceiver = self.deceiver.as_ref().map_or(0, |deceiver| deceiver.lies);
        self.branches.iter().filter_map(|branch| branch.cheat.as_ref()).fold(deceiver, |sum, cheat| sum + cheat.lies)
    }

    /// Who waits for what, for the reader of a violation.
    fn standstill(&self) -> String {
        let machines = self.centre.runs.values().map(|own| {
            let wait = own.machine.as_ref().map_or_else(|| "down".into(), |machine| machine.wait().reason);
            format!("{} for {wait}", own.run.name.printable())
        });
        let centre: Vec<String> = machines.collect();
        let centre = centre.join("; ");
        let mut waits: BTreeMap<String, usize> = BTreeMap::new();
        for branch in &self.branches {
            let wait = if branch.process.up { "no run" } else { "down" };
            let mut runs = branch.runs.values().map(|own| own.participant.wait().reason).collect::<Vec<_>>();
            if runs.is_empty() {
                runs.push(wait.into());
            }
            runs.into_iter().for_each(|wait| *waits.entry(wait).or_default() += 1);
        }
        let clients: Vec<String> = waits.iter().map(|(wait, count)| format!("{count} for {wait}")).collect();
        format!("the coordinator waits for {centre}; clients wait, {}", clients.join(", "))
    }

    /// The longest vectors that frames may hold, up and down; `None` where nothing is encoded.
    fn vector_limits(&self) -> Option<(usize, usize)> {
        let stages = self.cast.plans.iter().flat_map(|served| &served.plan.stages);
        let uploads = stages.map(|stage| upload_bytes(stage.ring, stage.dimension as usize));
        let upload = uploads.max().unwrap_or_default();
        (self.options.clients <= LARGE).then_some((upload, 1024))
    }
}

/// Who is byzantine: no more than the policies assume.
fn cheats(families: Families, cast: &Cast, clients: usize, dice: &mut Dice) -> BTreeSet<usize> {
    let of_plan = |served: &Served| served.thresholds(&served.members).map_or(1, |own| own.coalition_max.into());
    let most = cast.plans.iter().map(of_plan).min().unwrap_or(1);
    let count = if families.cheats { dice.between(1, most) } else { 0 };
    (0..count).map(|_| dice.index(clients)).collect()
}
