//! Plans, policies, grants and budget files as they come: most of them in order, and many at the very edge of it.

use alloc::vec::Vec;

use proptest::prelude::*;

use crate::plan::PrivacyMode;

pub(super) const MODES: [PrivacyMode; 4] =
    [PrivacyMode::Customer, PrivacyMode::Local, PrivacyMode::Branch, PrivacyMode::None];

/// A grant, and one thing or nothing that is wrong with it.
#[derive(Clone, Debug)]
pub(super) struct Granting {
    pub(super) standing: bool,
    pub(super) wrong: Option<Wrong>,
    pub(super) runs: u32,
    pub(super) run_slack: i64,
    pub(super) year_slack: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wrong {
    Proposer,
    Purpose,
    Plan,
    Branch,
    Federation,
    Owner,
    Signature,
    NotBegun,
    Over,
    Fields,
    Withdrawn,
}

/// A run that the file has: under which grant, and how many rounds were charged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    pub(super) grant: usize,
    pub(super) charged: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) mode: PrivacyMode,
    pub(super) overlap: u16,
    /// Units of one release: noise of 2000, 1000 or 500 sensitivities.
    pub(super) units: u64,
    pub(super) rounds: u32,
    pub(super) retries: u32,
    pub(super) runs: u32,
    pub(super) number: u32,
    pub(super) offset: u64,
    /// Cohort rule beyond the usual: fewest members, organisations, survivors, honest ones, and the coalition.
    pub(super) cohort: [u16; 5],
    pub(super) group: usize,
    pub(super) other_purpose: bool,
    pub(super) other_proposer: bool,
    pub(super) other_schema: bool,
    pub(super) cap_slack: i64,
    pub(super) grants: [Granting; 2],
    /// Runs of this plan before this one.
    pub(super) before: Vec<Before>,
    /// A run of another plan that is not over.
    pub(super) beside: Option<Before>,
    /// This run was accepted before.
    pub(super) again: Option<Before>,
    pub(super) policy: Own,
}

/// What the policy says.
#[derive(Clone, Debug)]
pub(super) struct Own {
    pub(super) modes: [bool; 4],
    pub(super) groups: [bool; 2],
    pub(super) overlap_min: u16,
    pub(super) offset_min: u64,
    pub(super) cohort: [u16; 5],
    pub(super) rounds_slack: i64,
    pub(super) plan_slack: [i64; 2],
    pub(super) life_slack: [i64; 2],
    pub(super) year_slack: [i64; 2],
}

/// Mostly enough, often exactly.
fn slack() -> impl Strategy<Value = i64> {
    prop_oneof![12 => Just(0_i64), 6 => Just(1), 4 => Just(1_000), 1 => Just(-1), 1 => Just(-1_000_000)]
}

/// Mostly false.
fn rarely() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.04)
}

fn rule() -> impl Strategy<Value = [u16; 5]> {
    // Two organisations are more than the roster has, which is the session's matter.
    let one = |most: u16| prop_oneof![6 => Just(0_u16), 1 => 0..=most];
    (one(2), one(1), one(5), one(2), one(5)).prop_map(|(a, b, c, d, e)| [a, b, c, d, e])
}

fn granting() -> impl Strategy<Value = Granting> {
    let wrong = prop::sample::select(
        [
            Wrong::Proposer,
            Wrong::Purpose,
            Wrong::Plan,
            Wrong::Branch,
            Wrong::Federation,
            Wrong::Owner,
            Wrong::Signature,
            Wrong::NotBegun,
            Wrong::Over,
            Wrong::Fields,
            Wrong::Withdrawn,
        ]
        .to_vec(),
    );
    (any::<bool>(), prop::option::weighted(0.4, wrong), 1_u32..5, slack(), slack()).prop_map(
        |(standing, wrong, runs, run_slack, year_slack)| Granting { standing, wrong, runs, run_slack, year_slack },
    )
}

fn own() -> impl Strategy<Value = Own> {
    let usually = || prop::bool::weighted(0.95);
    let numbers = (prop_oneof![3 => Just(1_u16), 1 => 1_u16..4], prop_oneof![3 => Just(0_u64), 1 => Just(100)], rule());
    let modes = [usually(), usually(), usually(), usually()];
    let slacks = (slack(), [slack(), slack()], [slack(), slack()], [slack(), slack()]);
    (modes, [usually(), usually()], numbers, slacks).prop_map(|(modes, groups, numbers, slacks)| {
        let (overlap_min, offset_min, cohort) = numbers;
        let (rounds_slack, plan_slack, life_slack, year_slack) = slacks;
        Own { modes, groups, overlap_min, offset_min, cohort, rounds_slack, plan_slack, life_slack, year_slack }
    })
}

pub(super) fn scenes() -> impl Strategy<Value = Scene> {
    let before = || (0_usize..2, 0_u32..2).prop_map(|(grant, charged)| Before { grant, charged });
    let numbers = (prop::sample::select(MODES.to_vec()), 1_u16..4, prop::sample::select([1_u64, 2, 4].to_vec()));
    // A stage of one round has no retry, and its plan none either.
    let rounds = prop_oneof![1 => Just((1_u32, 0_u32)), 3 => (2_u32..4, 0_u32..3)];
    let rounds = (rounds, 1_u32..4, 0_u32..3, prop_oneof![Just(0_u64), Just(100)], rule());
    let words = (prop_oneof![6 => Just(0_usize), 4 => Just(1), 1 => Just(2)], rarely(), rarely(), rarely(), slack());
    let file = (
        prop::collection::vec(before(), 2),
        prop::option::weighted(0.4, before()),
        prop::option::weighted(0.3, before()),
    );
    (numbers, rounds, words, [granting(), granting()], file, own()).prop_map(
        |(numbers, rounds, words, grants, file, policy)| {
            let ((mode, overlap, units), ((rounds, retries), runs, earlier, offset, cohort)) = (numbers, rounds);
            let (group, other_purpose, other_proposer, other_schema, cap_slack) = words;
            let (mut before, beside, again) = file;
            let number = 1 + earlier % runs;
            before.truncate(usize::try_from(number - 1).expect("few"));
            Scene {
                mode,
                overlap,
                units,
                rounds,
                retries,
                runs,
                number,
                offset,
                cohort,
                group,
                other_purpose,
                other_proposer,
                other_schema,
                cap_slack,
                grants,
                before,
                beside,
                again,
                policy,
            }
        },
    )
}
