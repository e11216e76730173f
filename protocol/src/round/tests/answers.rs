//! What machines and records answer whoever asks them. A transcript notes all of it, again and again.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use core::fmt::Write as _;

use super::world::World;
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId};
use crate::message::{Charged, ClosedReason};
use crate::plan::{Run, RunRef};
use crate::privacy::Accounts;
use crate::round::{BudgetRecord, CoordinatorEvent, RunRecord};
use crate::time::Millis;

/// One day, and one year of 365 days.
const LATER: [u64; 3] = [0, 86_400_000, 31_536_000_000];

pub(super) fn all(world: &World) -> String {
    let coordinator = &world.coordinator;
    let mut said = format!("{:?} {:?}", coordinator.wait(), coordinator.lacking());
    let (muster, late) = (coordinator.muster(), coordinator.late());
    let _ = write!(said, "{:?} {:?} {muster:?} {late:?}", coordinator.hopefuls(), coordinator.ready_clients());
    of_run(coordinator.record(), world.branches.keys().copied(), &mut said);
    for branch in world.branches.values() {
        let record = branch.machine.record();
        let _ = write!(said, "{record:?} {:?} {:?}", branch.machine.wait(), branch.rosters);
        of_budget(record, (coordinator.run(), world.now), &mut said);
    }
    said
}

fn of_run(record: &RunRecord, clients: impl Iterator<Item = ClientId>, said: &mut String) {
    let _ = write!(
        said,
        "{record:?} {} {:?} {:?}",
        record.state(),
        record.outcome(),
        record.interrupted(ClosedReason::Restart)
    );
    let _ = write!(said, "{:?} {:?} {:?}", record.reference(), record.roster_head(), record.group_members());
    let counts = [record.committed(0), record.committed(1), record.charged(0), record.charged(1)];
    let all = [record.committed_all(), record.charged_all(), record.rounds_left()];
    let _ = write!(said, "{counts:?} {all:?} {} {:?}", record.group_size(), record.next());
    let ends = [record.is_aborted(), record.is_complete(), record.is_approved()];
    let _ = write!(said, "{ends:?} {:?} {:?}", record.end(), record.released());
    for client in clients {
        let _ = write!(said, "{client} {}", record.took_part(client));
        let Some(head) = record.heads.get(&client) else { continue };
        let _ = write!(said, "{} {:?}", record.lacks(head, &Accounts::zero()), record.lacks(head, &head.spent));
    }
    for (stages, last_round) in [(record.charged.clone(), record.last_round), (record.charged.clone(), u64::MAX)] {
        let _ = write!(said, "{}", record.is_more(&Charged { rounds: stages, last_round }));
    }
    // Each event that could come next, and whether it may.
    let round = record.round.as_ref().map_or(RoundId(0), |open| open.round);
    for stage in 0..2 {
        let event = CoordinatorEvent::StageConcluded { stage, model: Digest::of(b"released") };
        let _ = write!(said, "{:?}", record.check(&event));
    }
    let aborted = CoordinatorEvent::RoundAborted { round, reason: ClosedReason::Restart };
    let _ = write!(said, "{:?}", record.check(&aborted));
}

fn of_budget(record: &BudgetRecord, (run, now): (&Run, Millis), said: &mut String) {
    let own = run.reference();
    let known: BTreeSet<RunRef> = record.accepted.keys().chain(record.runs.keys()).copied().collect();
    let next = RunRef { number: own.number.saturating_add(1), ..own };
    let _ = write!(said, "{} {:?} {:?} {:?}", record.state(), record.last_day(), record.owners(), record.reserved());
    for run in known.iter().chain([&own, &next]) {
        let states = [record.is_open(run), record.has_ended(run), record.is_overtaken(run)];
        let _ = write!(said, "{states:?} {:?} {:?}", record.reserved_by(run), record.reserved_beside(run));
        let _ = write!(said, "{:?} {} {:?}", record.charged(run), record.last_round(run), record.run_before(run));
        let _ = write!(said, "{:?} {}", record.others(run), record.runs_beside(run));
        // Each cap just as high as what is spent and reserved, and the other one without an end.
        let all = record.spent.plus(&record.reserved_beside(run));
        for caps in [(&all, &all), (&all, &Accounts::zero()), (&Accounts::zero(), &all)] {
            let _ = write!(said, "{}", record.pays((run, &Accounts::zero()), caps, now));
        }
    }
    for terms in record.accepted.values() {
        let (grant, last) = (&terms.grant, terms.last);
        let _ = write!(said, "{} {:?}", record.uses_beside(grant, &own), record.used_since(grant, last, run));
        let _ = write!(said, "{:?}", record.used_since(grant, Millis(last.0.saturating_add(1)), run));
        let _ = write!(said, "{:?} {:?}", terms.cost_of(&record.charged(&own)), record.beside(run));
    }
    for later in LATER {
        let at = Millis(now.0.saturating_add(later));
        let _ = write!(said, "{} {:?}", record.charged_within_a_day(at), record.year.spent_at(at));
    }
}
