//! Models, networks and clip rules as an enemy would choose them, on neighbouring tables: there is always a sum, of the same length, and one
//! customer moves it by at most the stated sensitivity.
//!
//! Cases are made by search: at the extremes of every limit, at random, and by hill climbing on how far the customer moves the sum. One row of
//! the customer may be poisoned, so that its numbers leave the arithmetic at one place or another. `TRIBUTARY_HOSTILE_CASES` says how many
//! cases are tried; a case that fails is named by its number, which is all that it depends on.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod hostile_support;

use hostile_support::{Case, Moved, cases, climb, known};

/// Cases of every run of the tests.
const CASES: u64 = 10_000;

#[test]
fn whatever_model_is_sent_a_customer_moves_the_sum_by_at_most_the_sensitivity() {
    let mut furthest = Moved::default();
    let (mut clipped, mut faulty) = (0_u64, 0_u64);
    let all = cases(CASES);
    for number in 0..all {
        let case = Case::new(number);
        // Each tenth case is climbed from, the others stand as they are.
        let moved = if number % 10 == 0 { climb(case, 9) } else { case.moved() };
        assert!(
            moved.square <= moved.allowed,
            "case {number}: a customer moves the sum by {} where {} are allowed",
            moved.square,
            moved.allowed
        );
        clipped += u64::from(moved.square * 4 > moved.allowed);
        faulty += u64::from(moved.square == 0);
        furthest = furthest.further(moved);
    }
    println!(
        "{all} cases: furthest {:.4} of the sensitivity, {clipped} above half, {faulty} at nothing",
        furthest.share()
    );
    // The search reaches the bound: the test would notice a looser one.
    assert!(furthest.share() > 0.95, "{}", furthest.share());
    assert!(clipped > all / 10 && faulty > all / 100, "{clipped} {faulty}");
}

/// The attacks that were found on the code before, each as far as the rule allows.
#[test]
fn known_attacks_move_the_sum_by_at_most_the_sensitivity() {
    for (name, case) in known() {
        let moved = case.moved();
        assert!(moved.square <= moved.allowed, "{name}: {:.3} of the sensitivity", moved.share());
    }
}

/// What the defences are there for. A defence is down in the whole process: `--test-threads 1`.
#[cfg(feature = "sabotage")]
mod without_its_defence {
    use tributary_protocol::defence::{Defence, rebuild, take_down};

    use super::*;

    /// How far the worst of a few cases moves the sum.
    fn furthest(defence: Defence, cases: impl Iterator<Item = Case>) -> f64 {
        take_down(defence);
        let furthest = cases.map(|case| case.moved()).fold(Moved::default(), Moved::further);
        rebuild();
        furthest.share()
    }

    #[test]
    fn one_row_that_overflows_takes_its_micro_batch_with_it() {
        let overflow = || known().into_iter().filter(|(name, _)| *name == "overflow").map(|(_, case)| case);
        assert_eq!(
            overflow().next().unwrap().moved().square,
            0,
            "the row removes its customer, who had nothing to add"
        );
        let share = furthest(Defence::RowFaults, overflow());
        assert!(share > 10.0, "the others' contributions show whether the row is there: {share}");
        let share = furthest(Defence::RowFaults, (0..2000).map(Case::new));
        assert!(share > 1.0, "the search finds it as well: {share}");
    }

    #[test]
    fn squares_that_vanish_let_a_gradient_pass_unclipped() {
        let underflow = || known().into_iter().filter(|(name, _)| *name == "underflow").map(|(_, case)| case);
        let share = furthest(Defence::WideNorms, underflow());
        assert!(share > 5.0, "{share}");
    }
}
