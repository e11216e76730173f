//! Who masks with whom and who holds whose shares: the complete graph up to 256 members, a sparse one above.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId};
use crate::secagg::graph::Graph;
use crate::secagg::parameters::Thresholds;
use crate::secagg::suite::Suite;

/// The graph of one session, the same at every member, as far as it needs it, and at the coordinator.
pub(super) struct Topology {
    /// Ascending.
    cohort: Vec<ClientId>,
    /// In the cohort's order.
    organisations: Vec<OrganisationId>,
    /// Signers of certificates, and in a complete graph holders of every secret, ascending.
    committee: Vec<ClientId>,
    /// In a sparse graph, by member: itself and its neighbours, ascending. At a member, for itself and its neighbours alone.
    sparse: Option<BTreeMap<ClientId, Vec<ClientId>>>,
}

impl Topology {
    /// The graph that follows from a frozen cohort, ascending, its organisations, its thresholds, and the seed where it is sparse. `own` is
    /// the member that asks; nobody at the coordinator, which needs everybody's neighbours.
    pub(super) fn new<S: Suite>(
        cohort: Vec<ClientId>,
        organisations: Vec<OrganisationId>,
        thresholds: &Thresholds,
        seed: &Digest,
        own: Option<ClientId>,
    ) -> Self {
        let sparse = thresholds.degree(cohort.len()).map(|degree| {
            let place = own.map(|own| cohort.binary_search(&own).unwrap_or(usize::MAX));
            let graph = match place {
                Some(place) => Graph::around::<S>(place, cohort.len(), seed, degree),
                None => Graph::new::<S>(cohort.len(), seed, Some(degree)),
            };
            let around = |(index, client): (usize, &ClientId)| {
                let neighbours = graph.neighbours(index);
                let mut around: Vec<ClientId> = Vec::with_capacity(neighbours.len() + 1);
                around.extend(neighbours.iter().filter_map(|index| cohort.get(*index as usize)));
                let place = around.binary_search(client).err()?;
                around.insert(place, *client);
                (!neighbours.is_empty()).then_some((*client, around))
            };
            cohort.iter().enumerate().filter_map(around).collect()
        });
        let committee = thresholds.committee(&organisations);
        let committee = committee.holders().iter().filter_map(|index| cohort.get(*index as usize).copied()).collect();
        Self { cohort, organisations, committee, sparse }
    }

    /// Each member's organisation, in the cohort's order.
    pub(super) fn organisations(&self) -> &[OrganisationId] {
        &self.organisations
    }

    /// Positions in the cohort of those of these clients that are members, in their order.
    pub(super) fn indices(&self, clients: impl IntoIterator<Item = ClientId>) -> Vec<u32> {
        // Most ask in the cohort's order, for nearly everybody.
        let mut next = 0;
        let index = |client| {
            let near = self.cohort.get(next) == Some(&client);
            let found = if near { next } else { self.cohort.binary_search(&client).ok()? };
            next = found + 1;
            u32::try_from(found).ok()
        };
        clients.into_iter().filter_map(index).collect()
    }

    /// The cohort, ascending.
    pub(super) fn cohort(&self) -> &[ClientId] {
        &self.cohort
    }

    /// Whether a client is in the cohort.
    pub(super) fn has(&self, client: ClientId) -> bool {
        self.cohort.binary_search(&client).is_ok()
    }

    /// Whether a client signs survivor sets.
    pub(super) fn certifies(&self, client: ClientId) -> bool {
        self.committee.binary_search(&client).is_ok()
    }

    /// With whom a member shares pairwise masks, ascending.
    pub(super) fn neighbours(&self, client: ClientId) -> impl Iterator<Item = ClientId> + '_ {
        self.around(client).iter().copied().filter(move |peer| *peer != client)
    }

    /// Who holds shares of a dealer's secrets, ascending. The first one's point is 1.
    pub(super) fn holders(&self, dealer: ClientId) -> &[ClientId] {
        if self.sparse.is_some() { self.around(dealer) } else { &self.committee }
    }

    /// The holders of every secret, where all secrets have the same.
    pub(super) fn common_holders(&self) -> Option<&[ClientId]> {
        self.sparse.is_none().then_some(&self.committee)
    }

    /// Whose shares a member holds, ascending.
    pub(super) fn dealers(&self, holder: ClientId) -> &[ClientId] {
        match &self.sparse {
            Some(_) => self.around(holder),
            None if self.committee.binary_search(&holder).is_ok() => &self.cohort,
            None => &[],
        }
    }

    /// The point at which a holder's share was evaluated: one more than its rank, so that nobody holds the secret itself.
    pub(super) fn point(&self, dealer: ClientId, holder: ClientId) -> Option<u16> {
        let rank = self.holders(dealer).binary_search(&holder).ok()?;
        u16::try_from(rank).ok()?.checked_add(1)
    }

    /// A member with its neighbours; nobody for one that is not listed.
    fn around(&self, client: ClientId) -> &[ClientId] {
        let Some(lists) = &self.sparse else { return &self.cohort };
        lists.get(&client).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
#[path = "topology_tests.rs"]
mod tests;
