//! Four plans at once, and the same four one after the other: what all processes take of the CPU.

use std::path::PathBuf;

use crate::fleet::Fleet;

const PLANS: usize = 4;
const TIMES: usize = 3;
const ROUNDS: usize = 40;
/// Four runs at once cost no more than this of four one after the other.
const RATIO_MAX: f64 = 1.1;

/// Plans that differ in name and seed, signed and ready to be served.
fn plans(fleet: &Fleet, manner: &str, time: usize) -> Vec<PathBuf> {
    let plan = |number: usize| {
        let changes = [
            ("epsilon", "epsilon = 1.0".to_owned()),
            ("runs_max", "runs_max = 1".to_owned()),
            ("interval_days", String::new()),
            ("rounds", format!("rounds = {ROUNDS}")),
            ("initial_model", format!("seed = {}", number + 1)),
        ];
        fleet.plan(&format!("{manner}-{time}-{number}"), &changes)
    };
    (0..PLANS).map(plan).collect()
}

fn finished(fleet: &mut Fleet) {
    let finished = fleet.coordinator.until("finished");
    assert_eq!((&finished["complete"], &finished["rounds"]), (&true.into(), &ROUNDS.into()), "{finished}");
}

/// CPU seconds of all processes.
fn cost(fleet: &mut Fleet, run: impl FnOnce(&mut Fleet)) -> f64 {
    let before = fleet.cpu();
    run(fleet);
    (fleet.cpu() - before).as_secs_f64()
}

pub(crate) fn measure() {
    let mut fleet = Fleet::start();
    fleet.all_connected();
    let (mut together, mut alone) = (0.0, 0.0);
    for time in 0..TIMES {
        let (at_once, in_turn) = (plans(&fleet, "at-once", time), plans(&fleet, "in-turn", time));
        let all = |fleet: &mut Fleet| {
            at_once.iter().for_each(|plan| fleet.activate(plan));
            (0..PLANS).for_each(|_| finished(fleet));
        };
        let each = |fleet: &mut Fleet| {
            for plan in &in_turn {
                fleet.activate(plan);
                finished(fleet);
            }
        };
        // Neither is always the first.
        let (one, other) = match time % 2 {
            0 => (cost(&mut fleet, all), cost(&mut fleet, each)),
            _ => {
                let each = cost(&mut fleet, each);
                (cost(&mut fleet, all), each)
            }
        };
        println!("{PLANS} runs of {ROUNDS} rounds: {one:.2} CPU s at once, {other:.2} one after the other");
        (together, alone) = (together + one, alone + other);
    }
    let ratio = together / alone;
    println!("{PLANS} runs at once cost {ratio:.3} of {PLANS} one after the other; at most {RATIO_MAX}");
    assert!(ratio <= RATIO_MAX, "runs at once cost too much");
}
