use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

mod organisations;
mod strictness;

const USUAL: CohortRule = CohortRule::USUAL;

const fn fraction(permille: u16) -> CoalitionRule {
    CoalitionRule::Fraction { permille }
}

/// Members whose organisations do not matter.
fn branches(count: usize) -> Vec<OrganisationId> {
    vec![OrganisationId(1); count]
}

fn row(rule: CohortRule, cohort: usize) -> (u16, u16, u16, u16, u16) {
    let own = rule.thresholds(&branches(cohort), cohort).unwrap();
    (own.coalition_max, own.quorum, own.threshold, own.survivors_min, own.honest_min)
}

#[test]
fn rows_of_the_specification() {
    assert_eq!(row(USUAL, 10), (2, 7, 7, 8, 6));
    for (cohort, coalition, survivors, honest) in [(10, 2, 8, 6), (20, 4, 16, 12), (50, 10, 40, 30)] {
        let own = USUAL.thresholds(&branches(cohort), cohort).unwrap();
        assert_eq!((own.coalition_max, own.survivors_min, own.honest_min), (coalition, survivors, honest));
    }
    let always_on = USUAL_WITH_SURVIVORS_900.thresholds(&branches(50), 50).unwrap();
    assert_eq!((always_on.coalition_max, always_on.survivors_min, always_on.honest_min), (10, 45, 35));
    // n1 = 50 with a coalition of 16.
    assert_eq!(row(CohortRule { coalition: fraction(320), ..USUAL }, 50), (16, 34, 34, 40, 24));
}

const USUAL_WITH_SURVIVORS_900: CohortRule = CohortRule { survivors_permille: 900, ..USUAL };

#[test]
fn losses_that_small_cohorts_survive() {
    let expected = [(8, 0), (9, 1), (10, 2), (11, 2), (12, 2), (13, 2), (14, 2), (15, 3), (16, 3)];
    for (cohort, losses) in expected {
        assert_eq!(
            cohort - usize::from(USUAL.thresholds(&branches(cohort), cohort).unwrap().survivors_min),
            losses,
            "cohort {cohort}"
        );
    }
}

#[test]
fn above_256_the_graph_gives_the_threshold() {
    let degree = |rule: CohortRule, cohort| {
        let own = rule.thresholds(&branches(cohort), cohort).unwrap();
        let degree = own.degree(cohort).unwrap();
        assert_eq!(degree.threshold, own.threshold);
        assert_eq!(rule.accept(&branches(cohort), cohort, &own), Ok(()));
        (degree.neighbours, own.threshold, own.quorum, own.survivors_min, own.honest_min)
    };
    assert_eq!(USUAL.thresholds(&branches(256), 256).unwrap().degree(256), None);
    assert_eq!(degree(USUAL, 257), (102, 60, 155, 206, 154));
    assert_eq!(degree(USUAL, 1000), (118, 69, 601, 800, 600));
    assert_eq!(degree(USUAL_WITH_SURVIVORS_900, 1000), (82, 56, 601, 900, 700));
    assert_eq!(degree(CohortRule { coalition: fraction(333), ..USUAL }, 10_000), (268, 171, 6_666, 8_000, 4_670));
    let lossy = CohortRule { survivors_permille: 600, ..USUAL };
    let refused = CohortRefused::NoGraph { cohort: 1000, coalition: 200, lost: 399 };
    assert_eq!(lossy.thresholds(&branches(1000), 1000), Err(refused));
}

#[test]
fn a_sparse_threshold_must_be_its_graphs() {
    let own = USUAL.thresholds(&branches(1000), 1000).unwrap();
    // Fewer losses: a sparser graph with a lower threshold is not weaker.
    assert_eq!(
        USUAL.accept(&branches(1000), 1000, &USUAL_WITH_SURVIVORS_900.thresholds(&branches(1000), 1000).unwrap()),
        Ok(())
    );
    for threshold in [own.threshold - 1, own.threshold + 1, own.quorum] {
        let offered = Thresholds { threshold, ..own };
        assert_eq!(USUAL.accept(&branches(1000), 1000, &offered), Err(Weaker::Inconsistent.into()), "{threshold}");
    }
    let fewer = Thresholds { survivors_min: 799, honest_min: 599, ..own };
    let below = Weaker::Below { name: "survivors", offered: 799, own: 800 };
    assert_eq!(USUAL.accept(&branches(1000), 1000, &fewer), Err(below.into()));
    assert_eq!(
        USUAL.accept(&branches(1000), 1000, &Thresholds { holder_cap: 3, ..own }),
        Err(Weaker::Inconsistent.into())
    );
}

/// More survivors than there are members never come: no round under such thresholds could end.
#[test]
fn no_more_survivors_are_asked_for_than_there_are_members() {
    let own = USUAL.thresholds(&branches(10), 10).unwrap();
    let accepted = |survivors_min: u16| {
        let offered = Thresholds { survivors_min, honest_min: survivors_min - own.coalition_max, ..own };
        USUAL.accept(&branches(10), 10, &offered)
    };
    assert_eq!((accepted(10), accepted(11)), (Ok(()), Err(Weaker::Inconsistent.into())));
}

#[test]
fn the_test_policy_has_one_threshold() {
    let rule = CohortRule {
        coalition: fraction(0),
        cohort_min: 2,
        organisations_min: 1,
        survivors_permille: 0,
        honest_min: 1,
    };
    for (cohort, quorum) in [(2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)] {
        assert_eq!(row(rule, cohort), (0, quorum, quorum, quorum, quorum));
    }
}

#[test]
fn cohorts_that_cannot_be_protected_are_refused() {
    let refused = |rule: CohortRule, cohort| rule.thresholds(&branches(cohort), cohort).unwrap_err();
    assert_eq!(refused(USUAL, 7), CohortRefused::TooSmall { cohort: 7, needed: 8 });
    assert_eq!(refused(USUAL, 10_001), CohortRefused::TooLarge { cohort: 10_001, limit: 10_000 });
    let third = CohortRule { coalition: fraction(300), ..USUAL };
    let small = CohortRefused::TooSmallForGroup { coalition: 3, cohort: 9, group: 9, needed: 10 };
    assert_eq!(refused(third, 9), small);
    assert_eq!(third.thresholds(&branches(10), 10).map(|own| own.coalition_max), Ok(3));
    let many = CohortRule { honest_min: 7, ..USUAL };
    assert_eq!(refused(many, 10), CohortRefused::TooFewHonest { honest: 6, needed: 7 });
    assert_eq!(row(CohortRule { honest_min: 6, ..USUAL }, 10), row(USUAL, 10));
    for rule in [
        CohortRule { coalition: fraction(1001), ..USUAL },
        CohortRule { survivors_permille: 1001, ..USUAL },
        CohortRule { cohort_min: 1, ..USUAL },
    ] {
        assert_eq!(refused(rule, 10), CohortRefused::RuleInvalid);
        assert_eq!((rule.smallest_cohort(10), rule.smallest_group()), (None, None));
    }
    // All may be assumed to collude, and all be asked to survive.
    let everybody = CohortRefused::TooSmallForGroup { coalition: 10, cohort: 10, group: 10, needed: 31 };
    assert_eq!(refused(CohortRule { coalition: fraction(1000), ..USUAL }, 10), everybody);
    assert_eq!(row(CohortRule { survivors_permille: 1000, ..USUAL }, 10), (2, 7, 7, 10, 8));
}

/// A coalition is counted of the group, however few of it the coordinator chooses: its colluders and one victim are no cohort.
#[test]
fn a_cohort_is_more_than_three_coalitions_of_its_group() {
    let chosen = |cohort| USUAL.thresholds(&branches(cohort), 100);
    let refused = |cohort| CohortRefused::TooSmallForGroup { cohort, group: 100, coalition: 20, needed: 61 };
    for cohort in [8, 30, 60] {
        assert_eq!(chosen(cohort), Err(refused(cohort)));
        let own = USUAL.thresholds(&branches(cohort), cohort).unwrap();
        assert_eq!(USUAL.accept(&branches(cohort), 100, &own), Err(refused(cohort).into()));
    }
    let smallest = chosen(61).unwrap();
    assert_eq!(
        (smallest.coalition_max, smallest.quorum, smallest.survivors_min, smallest.honest_min),
        (20, 41, 49, 29)
    );
    assert_eq!(USUAL.smallest_cohort(100), Some((61, smallest)));
    assert_eq!(USUAL.accept(&branches(61), 100, &smallest), Ok(()));
    // As if of the cohort: 13 of 61.
    let weaker = USUAL.thresholds(&branches(61), 61).unwrap();
    let below = Weaker::Below { name: "coalition", offered: 13, own: 20 };
    assert_eq!(USUAL.accept(&branches(61), 100, &weaker), Err(below.into()));
    // Rounded up: one more in the group is one more in the coalition.
    assert_eq!(USUAL.smallest_cohort(101).map(|(size, own)| (size, own.coalition_max)), Some((64, 21)));
    assert_eq!(USUAL.smallest_cohort(8).map(|(size, own)| (size, own.coalition_max)), Some((8, 2)));
    assert_eq!(USUAL.smallest_cohort(7), None);
    // A cohort has as many members as organisations, and no group is larger than a roster.
    let organised = CohortRule { organisations_min: 15, ..USUAL };
    assert_eq!(organised.smallest_cohort(20).map(|(size, own)| (size, own.quorum)), Some((15, 10)));
    assert_eq!(USUAL.smallest_cohort(10_000).map(|(size, own)| (size, own.coalition_max)), Some((6_001, 2_000)));
    assert_eq!([10_001, 70_000].map(|group| USUAL.smallest_cohort(group)), [None, None]);
    let text = refused(8).to_string();
    assert!(text.contains("61 members must be present"), "{text}");
    assert_eq!(USUAL.thresholds(&branches(9), 8), Err(CohortRefused::OutsideGroup { cohort: 9, group: 8 }));
    assert_eq!(USUAL.thresholds(&branches(9), 10_001), Err(CohortRefused::OutsideGroup { cohort: 9, group: 10_001 }));
}

/// The smallest group is the first that is a cohort as a whole.
#[test]
fn a_group_is_as_large_as_its_smallest_cohort_at_least() {
    let third = CohortRule { coalition: fraction(300), ..USUAL };
    let (few, all) =
        (CohortRule { cohort_min: 2, honest_min: 1, ..USUAL }, CohortRule { coalition: fraction(334), ..USUAL });
    assert_eq!([USUAL, third, few, all].map(|rule| rule.smallest_group()), [Some(8), Some(10), Some(4), None]);
    let largest = CohortRule { cohort_min: 10_000, ..USUAL };
    assert_eq!(
        [largest, CohortRule { cohort_min: 10_001, ..USUAL }].map(|rule| rule.smallest_group()),
        [Some(10_000), None]
    );
}

/// Two certificates need an honest double signer, and a secret one honest holder, under the coalition that is offered: each condition alone.
#[test]
fn a_quorum_of_the_whole_cohort_is_judged_by_the_coalition_that_is_offered() {
    let offer = |coalition_max, quorum, threshold| {
        let offered = Thresholds { coalition_max, holder_cap: 18, quorum, threshold, survivors_min: 18, honest_min: 0 };
        (offered.has_quorum_among(18), Thresholds { holder_cap: 17, ..offered }.has_quorum_among(18))
    };
    for (coalition, quorum, threshold, expected) in [
        (5, 12, 12, true),
        (5, 12, 6, true),
        (5, 12, 5, false),
        (5, 11, 12, false),
        (6, 13, 13, false),
        (4, 12, 5, true),
        (4, 11, 5, false),
    ] {
        // Under a cap the member's own coalition in the committee decides.
        assert_eq!(offer(coalition, quorum, threshold), (expected, true), "{coalition} {quorum} {threshold}");
    }
}

#[test]
fn every_weakened_number_is_refused_and_named() {
    let own = USUAL.thresholds(&branches(20), 20).unwrap();
    assert_eq!(USUAL.accept(&branches(20), 20, &own), Ok(()));
    let weakened = [
        (Thresholds { coalition_max: 3, honest_min: 13, ..own }, "coalition"),
        (Thresholds { quorum: 12, ..own }, "quorum"),
        (Thresholds { threshold: 12, ..own }, "threshold"),
        (Thresholds { survivors_min: 15, honest_min: 11, ..own }, "survivors"),
    ];
    for (offered, expected) in weakened {
        let Err(ThresholdsRefused::Weaker(Weaker::Below { name, .. })) = USUAL.accept(&branches(20), 20, &offered)
        else {
            panic!("a weaker {expected} was accepted")
        };
        assert_eq!(name, expected);
    }
}

#[test]
fn contradictions_are_refused() {
    let own = USUAL.thresholds(&branches(20), 20).unwrap();
    let contradictions = [
        // More honest members than are certain: every noise share would be too small.
        Thresholds { honest_min: own.honest_min + 1, ..own },
        Thresholds { honest_min: own.honest_min - 1, ..own },
        // A larger coalition with the old quorum: two certificates could exist.
        Thresholds { coalition_max: 6, honest_min: 10, ..own },
        Thresholds { coalition_max: 7, quorum: 14, threshold: 14, honest_min: 9, ..own },
        Thresholds { threshold: 17, ..own },
        Thresholds { quorum: 17, ..own },
        Thresholds { survivors_min: 21, honest_min: 17, ..own },
        // A fraction knows no organisations: a committee smaller than the cohort means nothing under it.
        Thresholds { holder_cap: 19, ..own },
        Thresholds { holder_cap: 0, ..own },
        Thresholds { holder_cap: 21, ..own },
    ];
    for offered in contradictions {
        assert_eq!(USUAL.accept(&branches(20), 20, &offered), Err(Weaker::Inconsistent.into()), "{offered:?}");
    }
}

#[test]
fn stricter_offers_are_accepted_down_to_the_honest_floor() {
    let stricter = CohortRule { coalition: fraction(300), ..USUAL }.thresholds(&branches(20), 20).unwrap();
    assert_eq!(stricter.honest_min, 10);
    assert_eq!(USUAL.accept(&branches(20), 20, &stricter), Ok(()));
    assert_eq!(
        USUAL.accept(&branches(20), 20, &USUAL_WITH_SURVIVORS_900.thresholds(&branches(20), 20).unwrap()),
        Ok(())
    );
    assert_eq!(CohortRule { honest_min: 10, ..USUAL }.accept(&branches(20), 20, &stricter), Ok(()));
    let floor = CohortRule { honest_min: 11, ..USUAL };
    assert_eq!(
        floor.accept(&branches(20), 20, &stricter),
        Err(CohortRefused::TooFewHonest { honest: 10, needed: 11 }.into())
    );
}

proptest! {
    /// Two quorums overlap in more members than may collude; a coalition cannot open a secret; what is left is honest enough.
    #[test]
    fn quorums_overlap_honestly(cohort in 2_usize..=256, absent in 0_usize..100, coalition_permille in 0_u16..=400, survivors_permille in 0_u16..=1000) {
        let rule = CohortRule { coalition: fraction(coalition_permille), cohort_min: 2, organisations_min: 1, survivors_permille, honest_min: 1 };
        let group = cohort + absent;
        if let Ok(own) = rule.thresholds(&branches(cohort), group) {
            let [c, q, t, u] = [own.coalition_max, own.quorum, own.threshold, own.survivors_min].map(usize::from);
            prop_assert!(2 * q > cohort + c);
            prop_assert!(t > c && u >= t && u >= q && u <= cohort);
            prop_assert!(q <= 2 * cohort / 3 + 1);
            prop_assert!(u * 1000 >= cohort * usize::from(survivors_permille));
            prop_assert!(c * 1000 >= group * usize::from(coalition_permille) && 3 * c < cohort);
            prop_assert!(rule.smallest_cohort(group).is_some_and(|(size, _)| usize::from(size) <= cohort));
            prop_assert_eq!(usize::from(own.honest_min), u - c);
            prop_assert_eq!(rule.accept(&branches(cohort), group, &own), Ok(()));
            let doubtful = Thresholds { quorum: own.quorum - 1, ..own };
            prop_assert!(rule.accept(&branches(cohort), group, &doubtful).is_err());
        }
    }

    #[test]
    fn arbitrary_offers_never_panic(cohort in 0_usize..300, group: u16, cap: u16, c: u16, q: u16, t: u16, u: u16, h: u16) {
        let offered = Thresholds { coalition_max: c, holder_cap: cap, quorum: q, threshold: t, survivors_min: u, honest_min: h };
        if USUAL.accept(&branches(cohort), group.into(), &offered).is_ok() {
            prop_assert!(h >= USUAL.honest_min && usize::from(u) <= cohort);
        }
    }
}
