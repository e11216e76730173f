//! Seeds of every profile, and the judge against what it must object to.

use std::collections::BTreeSet;

use tributary_protocol::secagg::toy::Toy;

use crate::cast::{Cast, OLD};
use crate::dice::Dice;
use crate::enemy::{Deceiver, all_field_lies};
use crate::options::{Options, PROFILES, Profile, SuiteKind};
use crate::outcome::Violation;
use crate::trace::Who;
use crate::world::{Trouble, World};
use crate::{Campaign, campaign, run, trace};

/// Seeds of each profile; with eight profiles more than a thousand runs.
const SEEDS: u64 = 144;

fn options(clients: u32, faults: Profile) -> Options {
    Options { clients, rounds: 3, faults, suite: SuiteKind::Toy }
}

/// Runs seeds and shows the command for the first one that broke something.
fn clean(seeds: std::ops::Range<u64>, options: &Options) -> Campaign {
    let total = campaign(seeds, options, 2, 1);
    if let Some(outcome) = total.violations.first() {
        panic!("{:?}\ntributary simulate --seed {} {} --trace", outcome.violation, outcome.seed, options.words());
    }
    total
}

/// Over all profiles and cohorts of 8 to 16.
#[test]
fn no_seed_breaks_an_invariant() {
    for (name, profile) in PROFILES {
        let mut sum = Campaign::default();
        for clients in 8..=16 {
            let from = u64::from(clients) * 10_000;
            let total = clean(from..from + SEEDS / 9, &options(clients, profile));
            sum.runs += total.runs;
            sum.committed += total.committed;
            sum.faults += total.faults;
            sum.lies += total.lies;
            sum.stranded += total.stranded;
        }
        assert_eq!(sum.runs, SEEDS);
        assert!(sum.committed >= SEEDS * 5 / 2, "{name}: {sum:?}");
        let (byzantine, quiet) = (name.starts_with("byzantine"), profile == Profile::None);
        assert!(sum.stranded * 4 < SEEDS, "{name}: {sum:?}");
        assert_eq!(sum.lies > SEEDS / 2, byzantine || (profile == Profile::All && sum.lies > 0), "{name}: {sum:?}");
        assert!(quiet || byzantine || sum.faults > SEEDS, "{name}: {sum:?}");
    }
}

/// Runs that once broke something: byzantine clients evicted below the smallest cohort; a session with too few members left that kept a
/// keyed one from being used; a branch whose true disk came back as full as it had been; a branch with an old copy of its file that was blamed for
/// an upload whose head the coordinator had lost in a crash.
#[test]
fn seeds_that_found_something_stay_clean() {
    for (_, profile) in PROFILES {
        // Its profile was not written down.
        clean(130_006..130_007, &options(13, profile));
    }
    let old = [(80_001, 8), (90_009, 9), (241, 12), (526, 8), (821, 9)];
    for (seed, clients) in old.into_iter().chain([(236, 10), (642, 10), (694, 10)]) {
        clean(seed..seed + 1, &options(clients, Profile::All));
    }
}

#[test]
fn the_real_suite_keeps_the_invariants_too() {
    for profile in [Profile::None, Profile::All, Profile::ByzantineClients] {
        let total = clean(0..3, &Options { suite: SuiteKind::Real, rounds: 2, ..options(8, profile) });
        assert!(total.committed >= 3);
    }
}

/// Above the size at which frames are encoded, and with every kind of fault.
#[test]
fn a_larger_cohort_keeps_the_invariants() {
    let total = clean(0..4, &options(60, Profile::All));
    assert!(total.committed >= 8);
}

#[test]
fn a_run_is_a_function_of_seed_and_options() {
    for (_, profile) in PROFILES {
        let options = options(9, profile);
        for seed in 0..3 {
            let (first, second) = (run(seed, &options), run(seed, &options));
            assert_eq!(first, second);
            assert_ne!(first.trace, run(seed + 100, &options).trace);
            let mut lines = Vec::new();
            let traced = trace(seed, &options, &mut |line| lines.push(line.to_owned()));
            assert_eq!(traced, first, "being watched changes nothing");
            assert!(lines.len() > 100);
        }
    }
}

/// The theft of a round is a real one: where everybody has the same model the thief opens the sum, and the judge sees it.
#[test]
fn a_stolen_round_opens_where_the_model_is_one() {
    // Not every world gives the thief the survivors that it needs.
    let found = (0..8).filter_map(|seed| {
        let options = options(9, Profile::ByzantineCoordinator);
        let thief = |cast: &Cast| Deceiver::with_one_model(cast.rosters[OLD].0.clone(), &mut Dice::new(seed, 9));
        World::<Toy>::new(seed, options, None).deceived_by(thief).run().violation
    });
    let rules: Vec<&str> = found.map(|violation| violation.rule).collect();
    assert!(rules.len() >= 5 && rules.iter().all(|rule| *rule == "a sum over two models stays noise"), "{rules:?}");
}

/// Most runs until every lie in one field was told and refused.
const LYING_RUNS: u64 = 600;

/// Plays runs in which somebody lies in one field until every such lie was answered as it deserves; what else was answered to one.
fn answers(
    lies: &[&'static str],
    (right, wrong): (&str, &str),
    liars: impl Fn(u64, World<'_, Toy>) -> World<'_, Toy>,
    faults: Profile,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut left, mut others) = (lies.iter().map(|what| (*what).to_owned()).collect::<BTreeSet<_>>(), BTreeSet::new());
    for seed in 0..LYING_RUNS {
        let mut watch = |line: &str| {
            if let Some((_, what)) = line.split_once(right) {
                left.retain(|lie| !what.ends_with(lie.as_str()));
            } else if let Some((_, what)) = line.split_once(wrong) {
                others.insert(what.to_owned());
            }
        };
        let world = World::<Toy>::new(seed, options(9, faults), Some(&mut watch));
        let outcome = liars(seed, world).run();
        assert_eq!(outcome.violation, None, "seed {seed}");
        if left.is_empty() {
            break;
        }
    }
    (left, others)
}

/// Every lie in one field is told, and refused with its reason by the client that hears it; the judge sees that none is acted on.
#[test]
fn every_lie_of_a_coordinator_in_one_field_is_refused_with_its_reason() {
    fn liar(seed: u64, world: World<'_, Toy>) -> World<'_, Toy> {
        world.deceived_by(|cast| Deceiver::in_one_field(cast.rosters[OLD].0.clone(), &mut Dice::new(seed, 9)))
    }
    let lies = &all_field_lies::<Toy>()[0];
    let words = ("  refuses a lie: ", "refuses another thing than a lie: ");
    let (untold, others) = answers(lies, words, liar, Profile::ByzantineCoordinator);
    assert_eq!((untold, others), (BTreeSet::new(), BTreeSet::new()));
}

/// Whoever lies to the coordinator in one field is cut off, and what it said counts for nothing.
#[test]
fn every_lie_of_a_client_in_one_field_cuts_it_off() {
    let lies = &all_field_lies::<Toy>()[1];
    fn liar(_: u64, world: World<'_, Toy>) -> World<'_, Toy> {
        world.cheated_by(4)
    }
    let words = ("cuts off a liar: ", "passes over a lie: ");
    let (untold, passed) = answers(lies, words, liar, Profile::ByzantineClients);
    assert_eq!(untold, BTreeSet::new());
    // What comes after its step has enough, or was given up, is not judged any more, and has no part in it. Whoever asks after the end is told of the end.
    // On a slow line a run may have ended without the liar before its acceptance arrives.
    let late = [
        ": a header ",
        ": a survivor set acknowledged",
        ": a set-up acknowledged",
        ": an encapsulation ",
        ": a join ",
        ": an acceptance ",
    ];
    assert!(passed.iter().all(|what| late.iter().any(|step| what.contains(step))), "{passed:?}");
}

/// The processes that are watched below, and the fewest events that each of them appends in four rounds.
const APPENDERS: [(Who, u32); 2] = [(Who::Centre, 60), (Who::Branch(4), 17)];

/// Plays a quiet run in which a process meets something; the outcome, and whether a line says so.
fn quiet_run(
    seed: u64,
    mark: &str,
    meet: impl for<'a> FnOnce(World<'a, Toy>) -> World<'a, Toy>,
) -> (Option<Violation>, bool) {
    let mut met = false;
    let mut watch = |line: &str| met |= line.contains(mark);
    let options = Options { rounds: 4, ..options(9, Profile::None) };
    let outcome = meet(World::<Toy>::new(seed, options, Some(&mut watch))).run();
    (outcome.violation, met)
}

/// A crash between an append and its sync, at every append of the coordinator and of a client, with what was not synced cut at any byte.
#[test]
fn a_process_that_is_killed_at_any_append_breaks_nothing() {
    for (who, least) in APPENDERS {
        let mut append = 0;
        loop {
            let runs = [0, 1, 2].map(|seed| quiet_run(seed, "is killed", |world| world.killed_at_append(who, append)));
            for (violation, _) in &runs {
                assert_eq!(*violation, None, "{who} is killed at its append {append}");
            }
            if !runs.iter().any(|(_, killed)| *killed) {
                break;
            }
            append += 1;
        }
        assert!(append >= least, "{who}: {append} appends");
    }
}

/// Every sync that a machine asks for is needed: where one is left out, somebody is told something that a crash takes back.
#[test]
fn a_sync_that_is_left_out_is_noticed_by_the_next_word() {
    for (who, least) in [(Who::Centre, 19), (Who::Branch(4), 13)] {
        let mut sync = 0;
        loop {
            let (violation, missed) = quiet_run(0, "misses a sync", |world| world.without_sync(who, sync));
            if !missed {
                break;
            }
            let rule = violation.map(|violation| violation.rule);
            let rules =
                ["nothing is relied on before it is durable", "nobody hears of a budget head that is not on the disk"];
            assert!(rule.is_some_and(|rule| rules.contains(&rule)), "{who} without its sync {sync}: {rule:?}");
            sync += 1;
        }
        assert!(sync >= least, "{who}: {sync} syncs");
    }
}

/// Worlds that do wrong to their own machines, and what the judge finds.
#[test]
fn the_judge_finds_what_people_said_and_nobody_heard() {
    let taken_back = ["no run without the owner's grant", "nothing is charged under a grant that was taken back"];
    let troubles: [(Trouble, Profile, &[&str]); 3] = [
        (Trouble::UnheardWithdrawals, Profile::Crash, &taken_back),
        (Trouble::UnheardOrders, Profile::Crash, &["an order of somebody who may give it stops the run"]),
        (Trouble::ReadyAtOnce, Profile::None, &["nobody joins whose data are not ready"]),
    ];
    for (trouble, faults, rules) in troubles {
        let run = |seed| World::<Toy>::new(seed, options(12, faults), None).troubled_by(trouble).run();
        let found: BTreeSet<&str> =
            (0..60).filter_map(|seed| run(seed).violation).map(|violation| violation.rule).collect();
        assert_eq!(found, rules.iter().copied().collect(), "{trouble:?}");
    }
}

/// What ML-KEM draws by itself decides nothing.
#[test]
fn a_run_with_the_real_suite_is_a_function_of_seed_and_options() {
    let options = Options { suite: SuiteKind::Real, rounds: 1, ..options(8, Profile::Network) };
    assert_eq!(run(1, &options), run(1, &options));
}

#[test]
fn seeds_spread_over_threads_come_to_the_same() {
    let options = options(8, Profile::All);
    let (one, two) = (campaign(0..12, &options, 1, 12), campaign(0..12, &options, 2, 12));
    let counts = |total: &Campaign| (total.runs, total.committed, total.aborted, total.faults, total.lies);
    assert_eq!(counts(&one), counts(&two));
}
