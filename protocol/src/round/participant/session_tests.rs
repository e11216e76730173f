//! Whether survivors can open what they must.

use alloc::vec::Vec;

use super::{Proofs, Session};
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId, RoundId, SessionId};
use crate::limits::COMPLETE_GRAPH_MAX;
use crate::round::descriptor::SessionView;
use crate::round::topology::Topology;
use crate::secagg::parameters::CohortRule;
use crate::secagg::toy::Toy;
use crate::time::Millis;

const OWN: ClientId = ClientId(5);

/// A member's session of so many.
fn session(members: usize) -> Session<Toy> {
    let organisations = alloc::vec![OrganisationId(1); members];
    let thresholds = CohortRule::USUAL.thresholds(&organisations, members).expect("a cohort");
    let cohort: Vec<ClientId> = (1..).map(ClientId).take(members).collect();
    let topology = Topology::new::<Toy>(cohort, organisations, &thresholds, &Digest::of(b"seed"), Some(OWN));
    let view = SessionView { session: SessionId([1; 32]), view: Digest::ZERO, thresholds };
    let (first_round, ends) = (RoundId(1), Millis(0));
    Session { view, topology, first_round, ends, rounds: Vec::new(), proofs: Proofs::for_dealers(0) }
}

fn opens(session: &Session<Toy>, lost: &[ClientId]) -> bool {
    let survivors: Vec<ClientId> =
        session.topology.cohort().iter().copied().filter(|client| !lost.contains(client)).collect();
    session.can_be_opened(OWN, &survivors)
}

/// Whoever is lost: as many holders as the threshold must be left of each secret, and not one less.
#[test]
fn a_secret_is_opened_by_as_many_holders_as_its_threshold() {
    // Everybody holds shares of everybody.
    let complete = session(9);
    let all = complete.topology.cohort().to_vec();
    let may = all.len() - usize::from(complete.view.thresholds.threshold);
    assert_eq!((opens(&complete, &all[..may]), opens(&complete, &all[..=may])), (true, false));
    // Each secret has holders of its own.
    let sparse = session(COMPLETE_GRAPH_MAX + 1);
    let threshold = usize::from(sparse.view.thresholds.threshold);
    let holders = sparse.topology.holders(OWN);
    let others: Vec<ClientId> = holders.iter().copied().filter(|holder| *holder != OWN).collect();
    let may = holders.len() - threshold;
    assert!(may > 0 && others.len() > may);
    assert!(opens(&sparse, &others[..may]) && !opens(&sparse, &others[..=may]));
    // So many are lost elsewhere beside them that its holders must be counted.
    let elsewhere: Vec<ClientId> =
        sparse.topology.cohort().iter().copied().filter(|client| !holders.contains(client)).take(5).collect();
    assert!(opens(&sparse, &[&others[..may], &elsewhere].concat()));
    assert!(!opens(&sparse, &[&others[..=may], &elsewhere].concat()));
}
