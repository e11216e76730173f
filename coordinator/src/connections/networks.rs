//! The networks that an address is in, and from which of them members have come.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use tributary_protocol::ids::ClientId;

/// Widths by which networks are told apart, the widest first: 16 and 24 bits of IPv4 and the address; 48, 56 and 64 bits of IPv6. Whoever is given
/// one network of IPv6 is given 48 to 64 bits, and has every address in it.
pub(super) const WIDTHS: usize = 3;

/// An address, as far as it says whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Networks([u8; 9]);

impl Networks {
    pub(super) fn of(address: IpAddr) -> Self {
        let mut own = [0; 9];
        match address.to_canonical() {
            IpAddr::V4(address) => own[1..5].copy_from_slice(&address.octets()),
            IpAddr::V6(address) => {
                own[0] = 6;
                own[1..].copy_from_slice(&address.octets()[..8]);
            }
        }
        Self(own)
    }

    /// The one of this width.
    pub(super) fn at(self, width: usize) -> Self {
        let bytes = if self.0[0] == 6 { [6, 7, 8] } else { [2, 3, 4] }[width];
        let mut own = self.0;
        own[1 + bytes..].fill(0);
        Self(own)
    }

    /// The widest in which two addresses are not together, if there is one.
    pub(super) fn parts_from(self, other: Self) -> Option<usize> {
        (0..WIDTHS).find(|width| self.at(*width) != other.at(*width))
    }
}

/// Networks of one member that are remembered: its newest ones.
const NETWORKS_PER_MEMBER_MAX: usize = 4;

/// Members of whom networks are remembered: those that came last.
const MEMBERS_MAX: usize = 8_192;

/// The narrowest networks from which members have come, as their certificates and the roster proved. A thief of a member's key moves that member's
/// lines and no other's.
#[derive(Default)]
pub(super) struct Known {
    of: BTreeMap<ClientId, (u64, VecDeque<Networks>)>,
    /// By the last arrival.
    order: BTreeMap<u64, ClientId>,
    arrivals: u64,
    /// How many members have come from each.
    members: BTreeMap<Networks, usize>,
}

impl Known {
    /// Whether a member has come from there.
    pub(super) fn knows(&self, networks: Networks) -> bool {
        self.members.contains_key(&networks)
    }

    /// A member has come from there.
    pub(super) fn note(&mut self, client: ClientId, networks: Networks) {
        let mut own = self.of.get(&client).map(|(_, own)| own.clone()).unwrap_or_default();
        self.forget(client);
        own.retain(|other| *other != networks);
        own.push_front(networks);
        own.truncate(NETWORKS_PER_MEMBER_MAX);
        while self.of.len() >= MEMBERS_MAX
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.forget(oldest);
        }
        own.iter().for_each(|networks| *self.members.entry(*networks).or_default() += 1);
        self.order.insert(self.arrivals, client);
        self.of.insert(client, (self.arrivals, own));
        self.arrivals += 1;
    }

    /// Forgets those who are members no more.
    pub(super) fn keep(&mut self, is_member: impl Fn(ClientId) -> bool) {
        let gone: Vec<_> = self.of.keys().copied().filter(|client| !is_member(*client)).collect();
        gone.into_iter().for_each(|client| self.forget(client));
    }

    /// Forgets one.
    pub(super) fn forget(&mut self, client: ClientId) {
        let Some((number, own)) = self.of.remove(&client) else { return };
        self.order.remove(&number);
        for networks in own {
            if let Some(members) = self.members.get_mut(&networks) {
                *members -= 1;
                if *members == 0 {
                    self.members.remove(&networks);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn networks(text: &str) -> Networks {
        Networks::of(text.parse().unwrap())
    }

    #[test]
    fn addresses_part_where_their_networks_do() {
        let parts = |one: &str, other: &str| networks(one).parts_from(networks(other));
        for (one, other, width) in [
            ("10.1.2.3", "10.1.2.3", None),
            ("10.1.2.3", "10.1.2.4", Some(2)),
            ("10.1.2.3", "10.1.3.3", Some(1)),
            ("10.1.2.3", "10.2.2.3", Some(0)),
            ("::ffff:10.1.2.3", "10.1.2.3", None),
            ("::", "0.0.0.0", Some(0)),
            ("2001:db8:1:203::1", "2001:db8:1:203:ffff::9", None),
            ("2001:db8:1:203::1", "2001:db8:1:204::1", Some(2)),
            ("2001:db8:1:203::1", "2001:db8:1:303::1", Some(1)),
            ("2001:db8:1:203::1", "2001:db8:2:203::1", Some(0)),
        ] {
            assert_eq!((parts(one, other), parts(other, one)), (width, width), "{one} {other}");
        }
    }

    #[test]
    fn a_member_has_its_newest_networks_and_no_other_s() {
        let mut known = Known::default();
        known.note(ClientId(1), networks("192.0.2.1"));
        for last in 1..=9 {
            known.note(ClientId(2), Networks::of([10, 0, 0, last].into()));
            known.note(ClientId(2), networks("10.0.0.1"));
        }
        let knows =
            |known: &Known| (1..=9).filter(|last| known.knows(Networks::of([10, 0, 0, *last].into()))).collect();
        let known_last: Vec<u8> = knows(&known);
        assert_eq!(known_last, [1, 7, 8, 9]);
        assert!(known.knows(networks("192.0.2.1")) && !known.knows(networks("192.0.2.2")));
        known.note(ClientId(3), networks("10.0.0.9"));
        known.keep(|client| client != ClientId(2));
        let known_last: Vec<u8> = knows(&known);
        assert_eq!(known_last, [9], "another member came from there as well");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn what_is_remembered_is_bounded_and_counted(notes in prop::collection::vec((0_u32..40, 0_u8..20, any::<bool>()), 0..300)) {
            let mut known = Known::default();
            for (client, last, forget) in notes {
                let networks = Networks::of([10, 0, 0, last].into());
                known.note(ClientId(client), networks);
                prop_assert!(known.knows(networks));
                if forget {
                    known.forget(ClientId(client / 2));
                }
                let mut counted = BTreeMap::<Networks, usize>::new();
                known.of.values().flat_map(|(_, own)| own).for_each(|own| *counted.entry(*own).or_default() += 1);
                prop_assert_eq!(&counted, &known.members);
                prop_assert!(known.of.values().all(|(_, own)| own.len() <= NETWORKS_PER_MEMBER_MAX));
                prop_assert_eq!(known.order.len(), known.of.len());
            }
        }
    }

    #[test]
    fn of_too_many_members_those_who_came_last_are_remembered() {
        let mut known = Known::default();
        let of = |client: u32| Networks::of(client.to_be_bytes().into());
        let all = u32::try_from(MEMBERS_MAX).unwrap();
        (0..all).for_each(|client| known.note(ClientId(client), of(client)));
        known.note(ClientId(0), of(0));
        known.note(ClientId(all), of(all));
        assert!(known.knows(of(0)) && !known.knows(of(1)) && known.knows(of(2)) && known.knows(of(all)));
        assert_eq!((known.of.len(), known.members.len()), (MEMBERS_MAX, MEMBERS_MAX));
    }
}
