//! Coalitions of whole organisations, and the committee where one of them is too large.

use super::*;

const OPERATOR: OrganisationId = OrganisationId(1);

/// What a coalition of organisations does not look at.
const GROUP: usize = 0;

const CONSORTIUM: CohortRule = CohortRule { coalition: organisations(1), ..USUAL };

const fn organisations(others: u16) -> CoalitionRule {
    CoalitionRule::Organisations { operator: OPERATOR, others, outside_min: 2 }
}

/// The first organisation, the operator, has `weights[0]` members, the next `weights[1]`; members take turns.
fn members(weights: &[usize]) -> Vec<OrganisationId> {
    let most = weights.iter().copied().max().unwrap_or(0);
    let turns = (0..most).flat_map(|turn| (1_u32..).zip(weights).filter(move |(_, weight)| **weight > turn));
    turns.map(|(organisation, _)| OrganisationId(organisation)).collect()
}

#[test]
fn the_coalition_is_the_operator_and_the_heaviest_others() {
    // 2 of the operator and the 4 heaviest others of 20.
    let own = CONSORTIUM.thresholds(&members(&[2, 4, 4, 3, 3, 2, 2]), GROUP).unwrap();
    let expected =
        Thresholds { coalition_max: 6, holder_cap: 20, quorum: 14, threshold: 14, survivors_min: 16, honest_min: 10 };
    assert_eq!(own, expected);
    // An operator without a branch of its own.
    let own = CohortRule {
        coalition: CoalitionRule::Organisations { operator: OrganisationId(99), others: 1, outside_min: 2 },
        ..USUAL
    }
    .thresholds(&members(&[2, 4, 4, 3, 3, 2, 2]), GROUP)
    .unwrap();
    assert_eq!(own.coalition_max, 4);
    assert_eq!(
        CohortRule { coalition: organisations(0), ..USUAL }
            .thresholds(&members(&[3, 4, 4]), GROUP)
            .unwrap()
            .coalition_max,
        3
    );
}

/// How many members suffice depends on whose they are.
#[test]
fn no_number_of_members_is_named_for_whole_organisations() {
    assert_eq!((CONSORTIUM.smallest_cohort(100), CONSORTIUM.smallest_group()), (None, Some(8)));
    let alone = CoalitionRule::Organisations { operator: OPERATOR, others: 1, outside_min: 1 };
    assert_eq!(CohortRule { coalition: alone, ..USUAL }.smallest_group(), None);
}

#[test]
fn organisations_must_remain_outside_the_coalition() {
    let refused = |weights: &[usize], others| {
        CohortRule { coalition: organisations(others), ..USUAL }.thresholds(&members(weights), GROUP).unwrap_err()
    };
    let too_few = |organisations, others| CohortRefused::TooFewOrganisations {
        organisations,
        needed: 2,
        operator: OPERATOR,
        others,
    };
    assert_eq!(refused(&[4, 4, 4], 1), too_few(1, 1));
    assert_eq!(refused(&[8], 0), too_few(0, 0));
    assert_eq!(refused(&[4, 4, 4, 4], 9), too_few(0, 9));
    assert!(CohortRule { coalition: organisations(1), ..USUAL }.thresholds(&members(&[4, 4, 4, 4]), GROUP).is_err());
    assert!(CONSORTIUM.thresholds(&members(&[2, 2, 2, 2, 2, 2, 2]), GROUP).is_ok());
    for outside_min in [0, 1] {
        let rule = CohortRule {
            coalition: CoalitionRule::Organisations { operator: OPERATOR, others: 1, outside_min },
            ..USUAL
        };
        assert_eq!(rule.thresholds(&members(&[2, 2, 2, 2, 2]), GROUP), Err(CohortRefused::RuleInvalid));
    }
}

#[test]
fn a_large_organisation_holds_no_more_shares_than_its_cap() {
    // The operator has 12 of 30 members: no quorum of the cohort is safe. Capped at 3, it has 3 of 21.
    let weights = [12, 3, 3, 3, 3, 3, 3];
    let (rule, members) = (CohortRule { coalition: organisations(0), ..USUAL }, members(&weights));
    let own = rule.thresholds(&members, GROUP).unwrap();
    // At the largest cap that will do, 8, the coalition has 8 of 26.
    assert_eq!((own.coalition_max, own.holder_cap, own.quorum, own.threshold), (12, 8, 18, 18));
    assert_eq!((own.survivors_min, own.honest_min), (24, 12));
    let committee = own.committee(&members);
    assert_eq!(committee.holders().len(), 26);
    let of_operator: Vec<usize> = (0..members.len()).filter(|index| members[*index] == OPERATOR).collect();
    for (rank, index) in of_operator.iter().enumerate() {
        assert_eq!(committee.rank(*index).is_some(), rank < 8, "the lowest ids are in the committee");
    }
    assert_eq!(committee.rank(members.len()), None);
    assert_eq!(rule.accept(&members, GROUP, &own), Ok(()));
    // A smaller committee is as safe; a larger one, or none, is refused.
    let smaller = rule.derive(&rule.cohort(&members, GROUP).unwrap(), 3).unwrap();
    assert_eq!(rule.accept(&members, GROUP, &smaller), Ok(()));
    for cap in [9, 12, 30] {
        let too_large = CohortRefused::CoalitionTooLarge { coalition: 12, cohort: 30 };
        assert_eq!(
            rule.accept(&members, GROUP, &Thresholds { holder_cap: cap, ..own }),
            Err(too_large.into()),
            "cap {cap}"
        );
    }
    for cap in [0, 31] {
        let offered = Thresholds { holder_cap: cap, ..own };
        assert_eq!(rule.accept(&members, GROUP, &offered), Err(Weaker::Inconsistent.into()), "cap {cap}");
    }
    let one_less = Thresholds { quorum: 17, ..own };
    assert_eq!(
        rule.accept(&members, GROUP, &one_less),
        Err(Weaker::Below { name: "quorum", offered: 17, own: 18 }.into())
    );
}

#[test]
fn the_largest_cap_is_found_where_lower_ones_fail() {
    // One small operator and three even banks: below a cap of ten the coalition's part grows as the cap falls.
    assert_eq!(
        CohortRule { coalition: organisations(1), ..USUAL }.thresholds(&members(&[1, 10, 10, 10]), GROUP),
        too_large(11, 31)
    );
    // At ten of each the coalition has 11 of 34: no cap is needed, and at eight there would be none.
    let own =
        CohortRule { coalition: organisations(1), ..USUAL }.thresholds(&members(&[1, 10, 10, 10, 3]), GROUP).unwrap();
    assert_eq!(own.holder_cap, 34);
    // An operator with nearly everything leaves too few honest members, whoever holds the shares.
    let alone = |weights: &[usize]| {
        let rule = CohortRule { coalition: organisations(0), ..USUAL };
        rule.thresholds(&members(weights), GROUP).map(|own| (own.holder_cap, own.honest_min))
    };
    assert_eq!(alone(&[40, 2, 2, 2, 2]), Err(CohortRefused::TooFewHonest { honest: 0, needed: 12 }));
    // A quarter of the cohort is enough; a part of a member counts as one.
    assert_eq!(alone(&[16, 2, 2, 2, 2, 2, 2, 2]), Ok((6, 8)));
    assert_eq!(alone(&[17, 2, 2, 2, 2, 2, 2, 1]), Err(CohortRefused::TooFewHonest { honest: 7, needed: 8 }));
    // A third is too much for a quorum of all, and a member less is not.
    assert_eq!(alone(&[10, 5, 5, 5, 5]), Ok((9, 14)));
    assert_eq!(alone(&[10, 6, 5, 5, 5]), Ok((31, 15)));
}

#[test]
fn a_sparse_graph_has_no_committee() {
    let rule = CohortRule { coalition: organisations(0), ..USUAL };
    // Up to 256 members a cap makes up for an operator with two fifths; above, the neighbours hold the shares.
    assert!(rule.thresholds(&members(&[90, 50, 50, 50]), GROUP).is_ok_and(|own| own.holder_cap == 74));
    assert_eq!(rule.thresholds(&members(&[120, 90, 90]), GROUP), too_large(120, 300));
    // Where everybody is everybody's neighbour still.
    assert!(rule.thresholds(&members(&[106, 50, 50, 50]), GROUP).is_ok_and(|own| own.holder_cap == 74));
    assert_eq!(rule.thresholds(&members(&[107, 50, 50, 50]), GROUP), too_large(107, 257));
    let sparse = members(&[60, 120, 120]);
    let own = rule.thresholds(&sparse, GROUP).unwrap();
    assert!(own.degree(300).is_some());
    assert_eq!(rule.accept(&sparse, GROUP, &own), Ok(()));
    for holder_cap in [0, 119, 299, 301] {
        let offered = Thresholds { holder_cap, ..own };
        assert_eq!(rule.accept(&sparse, GROUP, &offered), Err(Weaker::Inconsistent.into()), "cap {holder_cap}");
    }
}

fn too_large(coalition: usize, cohort: usize) -> Result<Thresholds, CohortRefused> {
    Err(CohortRefused::CoalitionTooLarge { coalition, cohort })
}

#[test]
fn survivor_sets_are_judged_by_number_committee_and_organisations() {
    let members = members(&[12, 3, 3, 3, 3, 3, 3]);
    let rule = CohortRule { coalition: organisations(0), ..USUAL };
    let own = rule.thresholds(&members, GROUP).unwrap();
    let without = |lost: &dyn Fn(usize) -> bool| -> Vec<u32> {
        (0_u32..).zip(&members).map(|(index, _)| index).filter(|index| !lost(*index as usize)).collect()
    };
    let judge = |survivors: &[u32]| rule.admits_survivors(&members, &own, survivors);
    assert_eq!(judge(&without(&|_| false)), Ok(()));
    assert_eq!(judge(&without(&|index| index < 6)), Ok(()));
    assert_eq!(judge(&without(&|index| index < 7)), Err(SurvivorsRefused::TooFew { survivors: 23, needed: 24 }));
    // Nobody at all is nobody who is no member.
    assert_eq!(judge(&[]), Err(SurvivorsRefused::TooFew { survivors: 0, needed: 24 }));
    let turned: Vec<u32> = without(&|_| false).into_iter().rev().collect();
    assert_eq!(judge(&turned), Err(SurvivorsRefused::NotMembers));
    let double = [&[0_u32][..], &without(&|_| false)].concat();
    assert_eq!(judge(&double), Err(SurvivorsRefused::NotMembers));
    assert_eq!(judge(&[&without(&|_| false)[..], &[30]].concat()), Err(SurvivorsRefused::NotMembers));
    // Six lost, but the committee still has 18: one more lost of it, and an outsider instead, is too few.
    let committee = own.committee(&members);
    let lost: Vec<u32> = committee.holders()[..6].to_vec();
    let survivors = without(&|index| lost.contains(&u32::try_from(index).unwrap()));
    for (quorum, threshold) in [(20, 20), (19, 20), (20, 19)] {
        assert_eq!(rule.admits_survivors(&members, &Thresholds { quorum, threshold, ..own }, &survivors), Ok(()));
    }
    // Both must be met: the one that certifies, and the one that opens.
    for (quorum, threshold) in [(21, 21), (21, 20), (20, 21)] {
        let strict = Thresholds { quorum, threshold, ..own };
        assert_eq!(
            rule.admits_survivors(&members, &strict, &survivors),
            Err(SurvivorsRefused::TooFewHolders { holders: 20, needed: 21 })
        );
    }
}

#[test]
fn survivors_of_too_few_organisations_are_refused() {
    // Two organisations besides the coalition of two must survive: of five, one may be lost.
    let members = members(&[3, 3, 3, 3, 3]);
    let rule = CohortRule { coalition: organisations(1), survivors_permille: 500, honest_min: 1, ..USUAL };
    let Err(CohortRefused::CoalitionTooLarge { .. }) = rule.thresholds(&members, GROUP) else { panic!("6 of 15") };
    let rule = CohortRule { coalition: organisations(0), survivors_permille: 500, honest_min: 1, ..USUAL };
    let own = rule.thresholds(&members, GROUP).unwrap();
    let loose = Thresholds { quorum: 5, threshold: 5, survivors_min: 6, ..own };
    let of = |kept: &[u32]| -> Vec<u32> {
        (0_u32..)
            .zip(&members)
            .filter(|(_, organisation)| kept.contains(&organisation.0))
            .map(|(index, _)| index)
            .collect()
    };
    assert_eq!(rule.admits_survivors(&members, &loose, &of(&[1, 2, 3])), Ok(()));
    assert_eq!(
        rule.admits_survivors(&members, &loose, &of(&[1, 2])),
        Err(SurvivorsRefused::TooFewOrganisations { organisations: 1, needed: 2 })
    );
}

#[test]
fn strictness_compares_rules_of_one_form() {
    let strict = |offered, own| {
        let rule = |coalition| CohortRule { coalition, ..USUAL };
        rule(offered).at_least_as_strict(&rule(own))
    };
    let of = |operator, others, outside_min| CoalitionRule::Organisations {
        operator: OrganisationId(operator),
        others,
        outside_min,
    };
    assert!(strict(fraction(200), fraction(200)) && strict(fraction(300), fraction(200)));
    assert!(!strict(fraction(199), fraction(200)));
    assert!(strict(of(1, 2, 3), of(1, 1, 2)) && strict(of(1, 1, 2), of(1, 1, 2)));
    for weaker in [of(2, 1, 2), of(1, 0, 2), of(1, 1, 1), fraction(333)] {
        assert!(!strict(weaker, of(1, 1, 2)), "{weaker:?}");
    }
    assert!(!strict(of(1, 5, 5), fraction(0)), "organisations say nothing about single members");
}

/// Every choice of `count` of the organisations `from..=last`.
fn choices(from: u32, last: u32, count: u16) -> Vec<Vec<u32>> {
    if count == 0 {
        return vec![vec![]];
    }
    let with =
        |first: u32| choices(first + 1, last, count - 1).into_iter().map(move |rest| [vec![first], rest].concat());
    (from..=last).flat_map(with).collect()
}

proptest! {
    /// Against every coalition that the rule assumes, one by one: it opens nothing and certifies nothing alone, two certificates meet in
    /// somebody honest, and what it leaves is as many members and organisations as were promised.
    #[test]
    fn no_coalition_of_the_rule_opens_or_certifies(
        weights in prop::collection::vec(0_usize..14, 3..7), others in 0_u16..3, lost in prop::collection::vec(any::<bool>(), 80),
    ) {
        let members = members(&weights);
        let rule = CohortRule { coalition: organisations(others), cohort_min: 2, organisations_min: 1, survivors_permille: 700, honest_min: 1 };
        let Ok(own) = rule.thresholds(&members, GROUP) else { return Ok(()) };
        prop_assert_eq!(rule.accept(&members, GROUP, &own), Ok(()));
        let doubtful = Thresholds { honest_min: own.honest_min + 1, ..own };
        prop_assert!(rule.accept(&members, GROUP, &doubtful).is_err());
        let committee = own.committee(&members);
        let all = committee.holders().len();
        let survivors: Vec<u32> = (0_u32..).zip(&members).map(|(index, _)| index).filter(|index| !lost[*index as usize]).collect();
        let admitted = rule.admits_survivors(&members, &own, &survivors).is_ok();
        let last = u32::try_from(weights.len()).unwrap();
        for coalition in choices(2, last, others) {
            let colludes = |index: usize| members[index] == OPERATOR || coalition.contains(&members[index].0);
            let everybody = (0..members.len()).filter(|index| colludes(*index)).count();
            prop_assert!(everybody <= usize::from(own.coalition_max));
            let holding = committee.holders().iter().filter(|index| colludes(**index as usize)).count();
            prop_assert!(3 * holding < all && usize::from(own.threshold) > holding);
            prop_assert!(2 * usize::from(own.quorum) > all + holding && usize::from(own.quorum) <= all);
            prop_assert!(usize::from(own.survivors_min) - everybody >= usize::from(own.honest_min));
            if admitted {
                let outside = survivors.iter().filter(|index| !colludes(**index as usize));
                let organisations: alloc::collections::BTreeSet<_> = outside.clone().map(|index| members[*index as usize]).collect();
                prop_assert!(organisations.len() >= 2 && outside.count() >= usize::from(own.honest_min));
            }
        }
        for (organisation, weight) in (1_u32..).zip(&weights) {
            let holding = committee.holders().iter().filter(|index| members[**index as usize].0 == organisation).count();
            prop_assert_eq!(holding, (*weight).min(own.holder_cap.into()));
        }
    }

    /// The cap is the largest: a cohort that needs none has none, and one more fails.
    #[test]
    fn no_larger_cap_would_do(weights in prop::collection::vec(0_usize..40, 1..8), others in 0_u16..3) {
        let weighed = Weights::new(members(&weights).into_iter(), OPERATOR, others);
        let fails = |cap| 3 * weighed.coalition(cap) >= weighed.all(cap);
        match weighed.largest_cap() {
            Some(cap) => prop_assert!(!fails(cap) && (cap + 1..60).take_while(|_| fails(60)).all(fails)),
            None => prop_assert!((1..60).all(fails)),
        }
    }
}
