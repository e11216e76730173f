//! Fifty branches on one host, each as a user of its own: what a host for them must have.

use std::time::{Duration, Instant};

use crate::fleet::{Daemon, Fleet};
use crate::needed;

const BRANCHES: usize = 50;
const CUSTOMERS: &str = "500";
const ROUNDS: usize = 20;
/// Numbers of users from here on. No account is made for them, and none is needed.
const FIRST_USER: u32 = 52_000;
/// For so long nobody is asked for anything.
const IDLE: Duration = Duration::from_secs(60);

/// Mean and largest.
fn both(values: impl Iterator<Item = u64> + Clone) -> (f64, f64) {
    let (count, most) = (values.clone().count(), values.clone().max().unwrap_or(0));
    (values.sum::<u64>() as f64 / count as f64 / 1e6, most as f64 / 1e6)
}

fn told(fleet: &Fleet, when: &str) {
    let (mean, most) = both(fleet.clients.iter().map(|client| client.held().resident_bytes));
    let (own, own_most) = both(fleet.clients.iter().map(Daemon::unshared));
    let held = fleet.clients.iter().map(Daemon::held);
    let (descriptors, threads) = (held.clone().map(|held| held.descriptors).max(), held.map(|held| held.threads).max());
    println!(
        "{when}: a branch has {mean:.1} MB resident (at most {most:.1}), of which {own:.1} MB are its own (at most {own_most:.1}); at most {} \
         descriptors and {} threads; the coordinator has {}",
        descriptors.unwrap_or(0),
        threads.unwrap_or(0),
        fleet.coordinator.held()
    );
}

fn cpu(fleet: &Fleet) -> (f64, f64) {
    let clients: Duration = fleet.clients.iter().map(Daemon::cpu).sum();
    (clients.as_secs_f64(), fleet.coordinator.cpu().as_secs_f64())
}

pub(crate) fn measure() {
    if !nix::unistd::geteuid().is_root() {
        needed::skip(
            "TRIBUTARY_TEST_ROOT",
            "fifty branches as fifty users",
            "only root may run processes of other users",
        );
        return;
    }
    let mut fleet = Fleet::of(BRANCHES, CUSTOMERS, Some(FIRST_USER));
    fleet.all_connected();
    told(&fleet, "before a run");
    let before = cpu(&fleet);
    assert_eq!(fleet.coordinator.said_within(IDLE, "round"), 0, "nothing runs");
    let after = cpu(&fleet);
    let share = |used: f64| 100.0 * used / IDLE.as_secs_f64();
    let (clients, coordinator) = (share(after.0 - before.0), share(after.1 - before.1));
    println!("at rest: all {BRANCHES} branches take {clients:.2} % of a core, and the coordinator {coordinator:.2} %");
    let plan = fleet.plan(
        "host",
        &[
            ("epsilon", "epsilon = 1.0".into()),
            ("runs_max", "runs_max = 1".into()),
            ("interval_days", String::new()),
            ("rounds", format!("rounds = {ROUNDS}")),
        ],
    );
    let (begun, before) = (Instant::now(), cpu(&fleet));
    fleet.activate(&plan);
    let finished = fleet.coordinator.until("finished");
    let (time, after) = (begun.elapsed(), cpu(&fleet));
    assert_eq!((&finished["complete"], &finished["rounds"]), (&true.into(), &ROUNDS.into()), "{finished}");
    println!(
        "a run of {ROUNDS} rounds takes {:.1} s from its plan to its end; the branches take {:.1} CPU s together, the coordinator {:.1}",
        time.as_secs_f64(),
        after.0 - before.0,
        after.1 - before.1
    );
    told(&fleet, "after a run");
}
