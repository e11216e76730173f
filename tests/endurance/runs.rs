//! How long daemons take to start, two hundred runs in the same daemons, and fifty daemons that are killed.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::{Duration, Instant};

use crate::fleet::{BRANCHES, Fleet, Held};

/// Runs without a disturbance.
const RUNS: usize = 200;
/// The run after which everything that a daemon keeps for its work is there.
const WARM: usize = 10;
/// Runs before that, among which daemons are started again.
const STARTED: usize = 100;
const KILLS: usize = 50;
/// More than both parts need: what is asked of a branch's budget file is at most 512 runs.
const RUNS_MAX: usize = 500;

/// What a daemon may hold more after [`RUNS`] than after [`WARM`]. A run that is over leaves its name, its outcome and its cost: kilobytes. What an
/// open run has beyond that, its threads' stacks among it, is a hundred times as much.
const RESIDENT_GROWTH_MAX: u64 = 8 << 20;
/// A connection that is being renewed, and a folder that is being read, at the moment of the look.
const DESCRIPTORS_GROWTH_MAX: usize = 4;
/// Threads that wait for a disk come and go.
const THREADS_GROWTH_MAX: usize = 2;
/// A start reads what runs that are over came to, and the journal's entries after them. What it may take more is what a machine's other work can cost it.
const START_GROWTH_MAX: Duration = Duration::from_millis(if cfg!(debug_assertions) { 3_000 } else { 250 });
/// How often a start is timed: the shortest counts.
const STARTS: usize = 5;

fn grows(whose: &str, before: Held, after: Held) {
    println!("{whose}: {before} after {WARM} runs; {after} after {RUNS}");
    assert!(after.resident_bytes <= before.resident_bytes + RESIDENT_GROWTH_MAX, "{whose}: its memory grows");
    assert!(after.descriptors <= before.descriptors + DESCRIPTORS_GROWTH_MAX, "{whose}: its descriptors grow");
    assert!(after.threads <= before.threads + THREADS_GROWTH_MAX, "{whose}: its threads grow");
}

/// The shortest of several starts of the coordinator, and of a branch. Runs that are open go on after each.
fn starts(fleet: &mut Fleet) -> [Duration; 2] {
    let mut shortest = [Duration::MAX; 2];
    for _ in 0..STARTS {
        let times = [fleet.coordinator.start_time("listening"), fleet.clients[0].start_time("connected")];
        shortest = [shortest[0].min(times[0]), shortest[1].min(times[1])];
    }
    shortest
}

/// A number below `end`; another one each time.
fn any(end: u64) -> u64 {
    RandomState::new().build_hasher().finish() % end
}

pub(crate) fn measure() {
    let mut fleet = Fleet::start();
    fleet.all_connected();
    let first = starts(&mut fleet);
    println!(
        "without a run: coordinator and branch start within {} and {} ms",
        first[0].as_millis(),
        first[1].as_millis()
    );
    let plan =
        fleet.plan("many", &[("epsilon", "epsilon = 0.15".into()), ("runs_max", format!("runs_max = {RUNS_MAX}"))]);
    fleet.activate(&plan);
    let held = |fleet: &Fleet| [fleet.coordinator.held(), fleet.clients[0].held()];
    for number in 1..=STARTED {
        assert_eq!(fleet.coordinator.until("finished")["complete"], true);
        if [WARM, STARTED].contains(&number) {
            let [coordinator, client] = starts(&mut fleet);
            let (coordinator, client) = (coordinator.as_millis(), client.as_millis());
            println!("after {number} runs: coordinator and branch start within {coordinator} and {client} ms");
        }
    }
    let mut warm = None;
    let begun = Instant::now();
    for number in 1..=RUNS {
        assert_eq!(fleet.coordinator.until("finished")["complete"], true);
        if number == WARM {
            warm = Some(held(&fleet));
        } else if number % 50 == 0 {
            let [coordinator, client] = held(&fleet);
            let (journal, time) = (fleet.journal_bytes() as f64 / 1e6, begun.elapsed().as_secs_f64());
            println!(
                "{number} runs more, {time:.1} s: coordinator {coordinator}; branch {client}; journal {journal:.1} MB"
            );
        }
    }
    let of_run = begun.elapsed() / u32::try_from(RUNS).unwrap();
    println!("{RUNS} runs, {} ms each", of_run.as_millis());
    let ([coordinator, client], [coordinator_after, client_after]) = (warm.unwrap(), held(&fleet));
    grows("the coordinator", coordinator, coordinator_after);
    grows("a branch", client, client_after);

    let mut finished = 0;
    // Some meet a run in its midst, and some after others have finished.
    let span = u64::try_from(6 * of_run.as_millis()).unwrap().max(1);
    for _ in 0..KILLS {
        finished += fleet.coordinator.said_within(Duration::from_millis(any(span)), "finished");
        match usize::try_from(any(3 * BRANCHES as u64)).unwrap() {
            victim @ 0..BRANCHES => fleet.clients[victim].kill_and_start(),
            _ if any(2) == 0 => fleet.coordinator.kill_and_start(),
            victim => fleet.clients[victim % BRANCHES].kill_and_start(),
        }
    }
    println!("{KILLS} daemons were killed, while {finished} runs finished");
    for _ in 0..3 {
        assert_eq!(fleet.coordinator.until("finished")["complete"], true, "runs go on after the last kill");
    }
    let last = starts(&mut fleet);
    for (whose, (first, last)) in ["the coordinator", "a branch"].into_iter().zip(first.into_iter().zip(last)) {
        println!("{whose} starts within {} ms at first, and {} ms at last", first.as_millis(), last.as_millis());
        assert!(last <= first + START_GROWTH_MAX, "{whose}: its start-up time grows");
    }
    fleet.verify();
}
