//! A plan's rule against a member's own, number by number, and organisations that are counted.

use super::*;

/// A number, one step weaker, and one step stricter.
type Row = (&'static str, fn(&mut CohortRule), fn(&mut CohortRule));

#[test]
fn every_number_of_a_rule_is_compared_by_itself() {
    let own = CohortRule { organisations_min: 3, ..USUAL };
    let rows: [Row; 5] = [
        ("coalition", |rule| rule.coalition = fraction(199), |rule| rule.coalition = fraction(201)),
        ("cohort_min", |rule| rule.cohort_min -= 1, |rule| rule.cohort_min += 1),
        ("organisations_min", |rule| rule.organisations_min -= 1, |rule| rule.organisations_min += 1),
        ("survivors_permille", |rule| rule.survivors_permille -= 1, |rule| rule.survivors_permille += 1),
        ("honest_min", |rule| rule.honest_min -= 1, |rule| rule.honest_min += 1),
    ];
    assert!(own.at_least_as_strict(&own));
    for (number, weaken, tighten) in rows {
        let (mut weaker, mut stricter) = (own, own);
        weaken(&mut weaker);
        tighten(&mut stricter);
        assert!(!weaker.at_least_as_strict(&own), "{number} is weaker");
        assert!(stricter.at_least_as_strict(&own), "{number} is stricter");
        assert!(!own.at_least_as_strict(&stricter), "{number} of the plan is weaker than the member's");
    }
}

/// Whoever they are, and however many members they have.
#[test]
fn a_cohort_has_as_many_organisations_as_the_rule_asks() {
    let rule = CohortRule { organisations_min: 3, ..USUAL };
    let members = |organisations: u32| -> Vec<OrganisationId> {
        (0..10).map(|member| OrganisationId(member % organisations)).collect()
    };
    let missing = CohortRefused::OrganisationsMissing { organisations: 2, needed: 3 };
    assert_eq!(rule.thresholds(&members(2), 10), Err(missing));
    assert!(rule.thresholds(&members(3), 10).is_ok());
    let offered = rule.thresholds(&members(3), 10).unwrap();
    assert_eq!(rule.accept(&members(2), 10, &offered), Err(missing.into()));
    // One is nobody's rule.
    assert!(CohortRule { organisations_min: 1, ..USUAL }.thresholds(&members(1), 10).is_ok());
    assert!(CohortRule { organisations_min: 2, ..USUAL }.thresholds(&members(1), 10).is_err());
}
