//! The invariants, watched from outside: the judge sees every effect, every message and every byte that is durable, and trusts no machine.
//!
//! What may follow what in a ledger, and on whose signature it rests, is asked of the records' rule book, at every append and before the event
//! counts. Everything else is judged where it could be broken, by what the world knows and the machine may not: who really sent which keys, what
//! really lay on the disk, which sets really were acknowledged.

mod branch;
mod centre;
mod grants;
mod lies;
mod owners;
mod pace;
mod people;
mod progress;
mod stops;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RoundId, RunId, SessionId};
use tributary_protocol::message::{Keys, Survivors};
use tributary_protocol::plan::{Approvals, RunRef};
use tributary_protocol::privacy::Accounts;
use tributary_protocol::roster::Roster;
use tributary_protocol::round::{BudgetRecord, RunRecord};
use tributary_protocol::secagg::parameters::{CohortRule, Thresholds};

use self::grants::{Owner, Told};
use self::pace::Progress;
use self::stops::Stops;
use crate::cast::{Cast, Served, organisations};
use crate::outcome::Violation;
use crate::trace::Who;

/// Which of all survivor sets that were ever acknowledged, by value: two sets have one number only if they are the same set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct SetNumber(usize);

/// A round of a run.
type Round = (RunRef, RoundId);

/// What a client has seen and done, as the judge remembers it.
struct Seen {
    /// The run in which it speaks and acts, once it has admitted that.
    run: RunRef,
    /// By run: what it was welcomed with.
    welcomes: BTreeMap<RunId, Welcomed>,
    /// The newest epoch that it accepted a run under.
    epoch: u64,
    /// The newest epoch in its file, of whatever run.
    newest: u64,
    /// What the owner of its data allows.
    owner: Owner,
    /// Its disk is an old copy.
    restored: bool,
    /// By session: the frozen cohort, and what is wrong with it.
    cohorts: BTreeMap<SessionId, (Vec<ClientId>, Option<String>)>,
    /// By run: the last survivor set that it was shown.
    shown: BTreeMap<RunId, Survivors>,
    /// By round: the survivor set that it acknowledged.
    acknowledged: BTreeMap<Round, SetNumber>,
    /// By round: the survivor set for which it revealed shares.
    revealed: BTreeMap<Round, SetNumber>,
    /// By round: the vector that left it.
    uploaded: BTreeMap<Round, Digest>,
    /// By round: the descriptor that it contributed to, and its session.
    contributed: BTreeMap<Round, (Digest, SessionId)>,
    /// Self-mask seeds that it used.
    seeds: BTreeSet<[u8; 32]>,
    /// What its file comes to, as it is written.
    record: BudgetRecord,
    /// The record has grown since it was compared with the machine's.
    fresh: bool,
}

/// What a client was welcomed with.
struct Welcomed {
    /// The epoch of the roster, or what is wrong with it.
    roster: Result<u64, &'static str>,
    /// Who stands by the plan.
    approvals: Approvals,
    /// What the head that it is shown of its own budget says was spent.
    claimed: Accounts,
}

/// What holds for every round of a run, and of whom.
struct Terms {
    /// Of each stage the noise that a sum must carry, and whether its participants need the public state.
    stages: Vec<(u128, bool)>,
    /// Members of its group.
    group: usize,
    /// By stage: what a round of it costs.
    charges: Vec<Accounts>,
    /// Fewest members that must have joined before its first keys are agreed on.
    ready_min: u32,
    /// Whose data are ready later, and when.
    ready: BTreeMap<ClientId, u64>,
    /// Whose owner has not granted it.
    ungranted: Option<ClientId>,
}

/// What a run's ledger comes to, and what was done of it.
#[derive(Default)]
struct Ledger {
    /// As it is written.
    written: RunRecord,
    /// The record has grown since it was compared with the machine's.
    fresh: bool,
    /// As much of it as is durable.
    durable: RunRecord,
    made: BTreeMap<RoundId, Made>,
    /// By stage: what it really handed on.
    handed_on: BTreeMap<u16, Digest>,
    admitted: BTreeSet<(RoundId, ClientId)>,
    unmasked: BTreeSet<RoundId>,
    /// Rounds whose sum holds an upload that a byzantine client spoilt.
    spoilt: BTreeSet<RoundId>,
    /// Rounds that were committed and the states that they gave, durably.
    committed: BTreeSet<(RoundId, Digest)>,
    /// What stops the run, as it is written.
    stops: Stops,
    /// The coordinator works on an old copy of it: what it records and opens there is no history.
    forgetful: bool,
}

/// What the coordinator made of a round.
struct Made {
    parent: Digest,
    model: Digest,
}

/// Watches the invariants. It keeps the first that did not hold.
pub(crate) struct Judge {
    now: u64,
    violation: Option<Violation>,
    /// The runs that were served.
    terms: BTreeMap<RunId, Terms>,
    /// Their ledgers.
    ledgers: BTreeMap<RunId, Ledger>,
    /// The authorities' rosters, in turn.
    rosters: Vec<Roster>,
    rule: CohortRule,
    cap: Accounts,
    /// Who may spend less than all others, and what.
    poor: Option<(ClientId, Accounts)>,
    /// Who differs from all others.
    odd: Option<ClientId>,
    /// Who has promised to take part in which run.
    joined: BTreeSet<(RunId, ClientId)>,
    told: Told,
    progress: Progress,
    /// Nothing is broken in this world.
    quiet: bool,
    /// The coordinator is honest: no honest member may be blamed.
    honest_centre: bool,
    cheats: BTreeSet<usize>,
    branches: Vec<Seen>,
    /// By session: the keys that each client really sent.
    keys: BTreeMap<SessionId, BTreeMap<ClientId, Keys>>,
    /// Every survivor set that was acknowledged.
    sets: Vec<Survivors>,
    /// By round, descriptor and survivor set: who acknowledged it.
    acknowledged: BTreeMap<(RoundId, Digest, SetNumber), BTreeSet<usize>>,
    aborted: u32,
}

impl Judge {
    /// `cheats` are the clients that may be blamed.
    pub(crate) fn new(
        cast: &Cast,
        clients: usize,
        (honest_centre, quiet): (bool, bool),
        cheats: BTreeSet<usize>,
    ) -> Self {
        Self {
            now: 0,
            violation: None,
            terms: BTreeMap::new(),
            ledgers: BTreeMap::new(),
            rosters: cast.rosters.iter().map(|(signed, _)| signed.roster.clone()).collect(),
            rule: cast.rule,
            cap: cast.cap.clone(),
            poor: cast.odd.map(|(client, _)| (client, cast.cap_of(client))),
            odd: cast.odd.map(|(client, _)| client),
            joined: BTreeSet::new(),
            told: Told::new(),
            progress: Progress::default(),
            quiet,
            honest_centre,
            branches: (0..clients).map(|_| Seen::new()).collect(),
            keys: BTreeMap::new(),
            sets: Vec::new(),
            acknowledged: BTreeMap::new(),
            cheats,
            aborted: 0,
        }
    }

    /// For a test: other clients that may be blamed.
    #[cfg(test)]
    pub(crate) fn set_cheats(&mut self, cheats: BTreeSet<usize>) {
        self.cheats = cheats;
    }

    /// Whether a client may be blamed.
    pub(crate) fn is_cheat(&self, client: ClientId) -> bool {
        self.cheats.iter().any(|cheat| client_of(*cheat) == client)
    }

    /// What a client's own policy says of a cohort; `None` where it refuses it.
    fn thresholds(&self, run: RunId, cohort: &[ClientId]) -> Option<Thresholds> {
        self.rule.thresholds(&organisations(cohort), self.group(run)).ok()
    }

    /// Members of a run's group.
    fn group(&self, run: RunId) -> usize {
        self.terms.get(&run).map_or(0, |terms| terms.group)
    }

    /// What is known of a run that is served.
    fn ledger(&mut self, run: RunId) -> &mut Ledger {
        self.ledgers.entry(run).or_default()
    }

    /// The world's clock.
    pub(crate) fn set_now(&mut self, now: u64) {
        self.now = now;
    }

    /// States that a rule was broken. The first one counts.
    pub(crate) fn object(&mut self, rule: &'static str, what: impl fmt::Display) {
        if self.violation.is_none() {
            self.violation = Some(Violation { at_ms: self.now, rule, what: what.to_string() });
        }
    }

    /// A process relied on what its disk may still lose.
    pub(crate) fn speaks_early(&mut self, who: Who, early: &impl fmt::Debug) {
        self.object("nothing is relied on before it is durable", format!("{who} has not synced {early:?}"));
    }

    /// Whether every rule held so far.
    pub(crate) fn content(&self) -> bool {
        self.violation.is_none()
    }

    /// The first rule that was broken.
    pub(crate) fn take_violation(&mut self) -> Option<Violation> {
        self.violation.take()
    }

    /// Whether the coordinator works on an old copy of a run's ledger.
    pub(crate) fn set_forgetful(&mut self, run: RunId, forgetful: bool) {
        self.ledger(run).forgetful = forgetful;
    }

    /// Rounds of all runs that were committed and aborted, durably.
    pub(crate) fn rounds(&self) -> (u32, u32) {
        (self.ledgers.keys().map(|run| self.rounds_of(*run)).sum(), self.aborted)
    }

    /// Rounds of a run that were committed, durably.
    pub(crate) fn rounds_of(&self, run: RunId) -> u32 {
        self.ledgers.get(&run).map_or(0, |ledger| ledger.durable.committed_all())
    }

    /// A run begins, with a ledger of its own. What clients spent, and the seeds that they used, count on, and so does what stopped the run before it.
    pub(crate) fn serves(&mut self, (run, before): (RunId, Option<RunId>), served: &Served) {
        let stages = served.plan.stages.iter().map(|stage| (stage.noise_variance, stage.model_bytes > 0)).collect();
        let charges = served.plan.stages.iter().map(|stage| stage.charge.clone()).collect();
        let (ready_min, ready) = (served.plan.readiness.ready_min, served.ready.clone());
        let (group, ungranted) = (served.members.len(), served.ungranted);
        self.terms.insert(run, Terms { stages, group, charges, ready_min, ready, ungranted });
        let stops = before.map(|before| Stops::after(&self.ledger(before).stops, served.plan.digest()));
        self.ledger(run).stops = stops.unwrap_or_default();
        self.progress.comes_forward(run, self.now);
    }
}

impl Seen {
    fn new() -> Self {
        Self {
            run: RunRef::NONE,
            welcomes: BTreeMap::new(),
            epoch: 0,
            newest: 0,
            owner: Owner::default(),
            restored: false,
            cohorts: BTreeMap::new(),
            shown: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            revealed: BTreeMap::new(),
            uploaded: BTreeMap::new(),
            contributed: BTreeMap::new(),
            seeds: BTreeSet::new(),
            record: BudgetRecord::default(),
            fresh: false,
        }
    }
}

/// The number in the roster of the client with this index.
pub(crate) fn client_of(index: usize) -> ClientId {
    ClientId(u32::try_from(index + 1).expect("a roster is small"))
}
