//! What each member sees of the graph, held against what the coordinator sees.

use alloc::vec::Vec;

use super::Topology;
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId};
use crate::limits::COMPLETE_GRAPH_MAX;
use crate::secagg::parameters::{CoalitionRule, CohortRule, Thresholds};
use crate::secagg::toy::Toy;

const STRANGER: ClientId = ClientId(2);

/// Members with odd numbers, so that a number and a place are two things.
fn members(count: usize) -> Vec<ClientId> {
    (1..).step_by(2).map(ClientId).take(count).collect()
}

fn topology(organisations: &[OrganisationId], thresholds: &Thresholds, own: Option<ClientId>) -> Topology {
    let cohort = members(organisations.len());
    Topology::new::<Toy>(cohort, organisations.to_vec(), thresholds, &Digest::of(b"seed"), own)
}

fn neighbours(topology: &Topology, client: ClientId) -> Vec<ClientId> {
    topology.neighbours(client).collect()
}

/// A member knows its own neighbours and theirs as the coordinator knows them, and nobody else's.
#[test]
fn a_member_of_a_large_cohort_sees_its_own_part_of_the_graph() {
    let organisations = [OrganisationId(1); COMPLETE_GRAPH_MAX + 1];
    let thresholds = CohortRule::USUAL.thresholds(&organisations, organisations.len()).expect("a cohort");
    let cohort = members(organisations.len());
    let all = topology(&organisations, &thresholds, None);
    let own = cohort[40];
    let part = topology(&organisations, &thresholds, Some(own));
    let near = all.holders(own).to_vec();
    assert!(near.contains(&own) && near.is_sorted() && near.len() < cohort.len());
    assert_eq!(all.common_holders(), None);
    for client in cohort {
        let expected = if near.contains(&client) { all.holders(client) } else { &[] };
        assert_eq!((part.holders(client), part.dealers(client)), (expected, expected), "{client}");
        let others: Vec<ClientId> = expected.iter().copied().filter(|other| *other != client).collect();
        assert_eq!(neighbours(&part, client), others, "{client}");
        assert!(neighbours(&all, client).iter().all(|other| neighbours(&all, *other).contains(&client)), "{client}");
        let point = expected.iter().position(|holder| *holder == own).and_then(|rank| u16::try_from(rank + 1).ok());
        assert_eq!(part.point(client, own), point, "{client}");
    }
    // Whoever is no member sees nothing.
    let nothing = topology(&organisations, &thresholds, Some(STRANGER));
    assert!(members(organisations.len()).into_iter().all(|client| nothing.holders(client).is_empty()));
    assert!(all.holders(STRANGER).is_empty() && neighbours(&all, STRANGER).is_empty());
}

/// In a complete graph everybody masks with everybody, and the committee holds all shares.
#[test]
fn in_a_small_cohort_the_committee_holds_everybody_s_shares() {
    let coalition = CoalitionRule::Organisations { operator: OrganisationId(1), others: 0, outside_min: 2 };
    let rule = CohortRule { coalition, ..CohortRule::USUAL };
    let organisations: Vec<OrganisationId> =
        (1..=12).map(|number| OrganisationId(if number <= 4 { 1 } else { 2 + number % 4 })).collect();
    let thresholds = rule.thresholds(&organisations, 12).expect("a cohort");
    let cohort = members(12);
    let all = topology(&organisations, &thresholds, Some(cohort[0]));
    let left_out = cohort[3];
    let committee: Vec<ClientId> = cohort.iter().copied().filter(|client| *client != left_out).collect();
    assert_eq!((all.cohort(), all.organisations()), (&cohort[..], &organisations[..]));
    assert_eq!(all.common_holders(), Some(&committee[..]));
    for client in &cohort {
        let holds = *client != left_out;
        assert_eq!((all.has(*client), all.certifies(*client)), (true, holds), "{client}");
        assert_eq!(all.holders(*client), committee, "{client}");
        assert_eq!(all.dealers(*client), if holds { &cohort[..] } else { &[] }, "{client}");
        assert_eq!(
            neighbours(&all, *client),
            cohort.iter().copied().filter(|other| other != client).collect::<Vec<_>>()
        );
    }
    assert_eq!((all.point(left_out, cohort[0]), all.point(left_out, cohort[4])), (Some(1), Some(4)));
    assert_eq!(all.point(cohort[0], left_out), None);
    assert!(!all.has(STRANGER) && !all.certifies(STRANGER) && all.dealers(STRANGER).is_empty());
    // Places are those of the members that are asked for, in the order of the question.
    let asked = [cohort[2], cohort[3], STRANGER, cohort[11], cohort[0], cohort[0], cohort[1]];
    assert_eq!(all.indices(asked), [2, 3, 11, 0, 0, 1]);
}
