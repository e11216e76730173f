//! Whatever strangers do, from however many networks.

use std::net::{IpAddr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

const PLACES: usize = 128;
const RESERVE: usize = PLACES / 4;

fn door() -> Places {
    Places::new(Rules::of_a_door(PLACES))
}

/// Of one organisation's network, as a rule 48 bits, of its parts.
fn ipv6(organisation: u16, part: u8, network: u8, host: u16) -> Networks {
    let part = u16::from_be_bytes([part, network]);
    Networks::of(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, organisation, part, 0, 0, 0, host)))
}

/// The same of IPv4.
fn ipv4(organisation: u8, part: u8, host: u8) -> Networks {
    Networks::of([10, organisation, part, host].into())
}

#[derive(Clone, Debug)]
enum Deed {
    Enter(Networks),
    Known(Networks),
    Move(prop::sample::Index),
    Wait(prop::sample::Index),
    Leave(prop::sample::Index),
    Pass(u64),
}

/// Of whoever has so many organisations' networks of each kind, whole.
fn networks(organisations: u8) -> impl Strategy<Value = Networks> {
    prop_oneof![
        (0..organisations, any::<u8>(), any::<u8>(), any::<u16>())
            .prop_map(|(organisation, part, network, host)| ipv6(organisation.into(), part, network, host)),
        (0..organisations, any::<u8>(), any::<u8>()).prop_map(|(organisation, part, host)| ipv4(
            organisation,
            part,
            host
        )),
    ]
}

/// Deeds of whoever has so many organisations' networks, and of known networks.
fn deeds(organisations: u8, known: bool, milliseconds: u64) -> impl Strategy<Value = Vec<Deed>> {
    let known = if known { 3 } else { 0 };
    let deed = prop_oneof![
        8 => networks(organisations).prop_map(Deed::Enter),
        known => networks(organisations).prop_map(Deed::Known),
        4 => any::<prop::sample::Index>().prop_map(Deed::Move),
        1 => any::<prop::sample::Index>().prop_map(Deed::Wait),
        1 => any::<prop::sample::Index>().prop_map(Deed::Leave),
        1 => (0..=milliseconds).prop_map(Deed::Pass),
    ];
    prop::collection::vec(deed, 0..600)
}

/// Does it, and tells who came and who made room.
fn act(places: &mut Places, deed: &Deed, now: &mut Instant) -> Option<Entered> {
    let of = |places: &Places, index: &prop::sample::Index| {
        let count = places.standing.len();
        (count > 0).then(|| *places.standing.keys().nth(index.index(count)).unwrap())
    };
    match deed {
        Deed::Enter(networks) => return places.enter(*networks, false, *now),
        Deed::Known(networks) => return places.enter(*networks, true, *now),
        Deed::Move(index) => of(places, index).into_iter().for_each(|number| places.moved(number, Some(*now))),
        Deed::Wait(index) => of(places, index).into_iter().for_each(|number| places.moved(number, None)),
        Deed::Leave(index) => of(places, index).into_iter().for_each(|number| places.leave(number)),
        Deed::Pass(milliseconds) => *now += Duration::from_millis(*milliseconds),
    }
    None
}

/// Fills the door with strangers who all go on with their handshakes.
fn moving(networks: impl Iterator<Item = Networks>, now: Instant) -> Places {
    let mut places = door();
    for networks in networks {
        if let Some(entered) = places.enter(networks, false, now) {
            places.moved(entered.number, Some(now));
        }
    }
    places
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Bounds hold after each deed, and what is counted is what stands there.
    #[test]
    fn no_bound_is_ever_exceeded(deeds in deeds(20, true, 700)) {
        let (mut places, mut now) = (door(), Instant::now());
        let limits = Rules::of_a_door(PLACES).shares.unwrap();
        for deed in &deeds {
            let taken = places.taken();
            let entered = act(&mut places, deed, &mut now);
            prop_assert!(places.taken() <= PLACES && places.strangers <= PLACES - RESERVE);
            let mut counted = BTreeMap::<(usize, Networks), Share>::new();
            for standing in places.standing.values() {
                for width in 0..WIDTHS {
                    let share = counted.entry((width, standing.networks.at(width))).or_default();
                    share.all += 1;
                    share.strangers += usize::from(!standing.known);
                }
            }
            prop_assert_eq!(&counted, &places.shares);
            if let (Deed::Enter(networks), Some(Entered { leaver: None, .. })) = (deed, entered) && taken >= PLACES / 2 {
                for (width, limit) in limits.iter().enumerate() {
                    prop_assert!(places.share(width, *networks).strangers <= *limit);
                }
            }
        }
        for number in places.standing.keys().copied().collect::<Vec<_>>() {
            places.leave(number);
        }
        prop_assert!(places.shares.is_empty() && places.strangers == 0);
    }

    /// Whatever strangers do from however many networks, who comes from a member's network finds a reserved place, and sends nobody away.
    #[test]
    fn strangers_never_fill_the_reserve(deeds in deeds(250, false, 100)) {
        let (mut places, mut now) = (door(), Instant::now());
        deeds.iter().for_each(|deed| {
            act(&mut places, deed, &mut now);
        });
        for branch in 0..RESERVE {
            let entered = places.enter(ipv4(255, 0, u8::try_from(branch).unwrap()), true, now);
            prop_assert_eq!(entered.map(|entered| entered.leaver), Some(None));
        }
    }

    /// Whoever has sixteen whole organisations' networks, of every address in them, and goes on with its handshakes as it likes, keeps nobody else
    /// out, and sends nobody else away before its first word.
    #[test]
    fn a_few_wide_networks_keep_no_other_out(
        before in prop::collection::vec(networks(8), 200..400),
        after in deeds(8, false, 1),
        new_ip in any::<bool>(),
    ) {
        let mut now = Instant::now();
        let mut places = moving(before.into_iter(), now);
        let honest = if new_ip { ipv6(9_999, 1, 1, 1) } else { ipv4(99, 1, 1) };
        let honest = places.enter(honest, false, now).map(|entered| entered.number);
        prop_assert!(honest.is_some());
        for deed in after.iter().filter(|deed| !matches!(deed, Deed::Leave(_))) {
            let entered = act(&mut places, deed, &mut now);
            prop_assert!(entered.is_none_or(|entered| entered.leaver != honest));
        }
    }
}

#[test]
fn many_narrow_networks_of_a_wide_one_count_as_that_one() {
    let now = Instant::now();
    // Each connection has 64 bits of its own, out of 48.
    let narrow = (0..1_000_u16).map(|number| ipv6(1, number.to_be_bytes()[0], number.to_be_bytes()[1], 1));
    let mut places = moving(narrow, now);
    assert_eq!(places.taken(), PLACES / 2, "half of the places at most");
    let more = places.enter(ipv6(1, 200, 200, 1), false, now).unwrap();
    assert!(more.leaver.is_some() && places.taken() == PLACES / 2, "another of them makes room for one of its own");
    // Of 56 bits: no more than three eighths once it is full, where others are there.
    let mut places = moving((0..PLACES / 4).map(|number| ipv4(u8::try_from(number).unwrap(), 0, 0)), now);
    for network in 0..=255 {
        let entered = places.enter(ipv6(1, 7, network, 1), false, now);
        entered.into_iter().for_each(|entered| places.moved(entered.number, Some(now)));
    }
    assert_eq!(places.share(1, ipv6(1, 7, 0, 0)).all, PLACES * 3 / 8);
    // Another part of the same organisation has room all the same.
    assert!(places.enter(ipv6(1, 8, 0, 1), false, now).is_some());
    // And so has another address of one network of IPv4 of which one address has many.
    let mut places = moving((0..200).map(|_| ipv4(1, 1, 1)), now);
    assert!(places.enter(ipv4(1, 1, 1), false, now).is_none());
    assert!(places.enter(ipv4(1, 1, 2), false, now).is_some());
}

#[test]
fn a_known_network_is_not_limited_and_strangers_leave_it_the_reserve() {
    let now = Instant::now();
    let mut places = door();
    // A thousand branches after one address.
    let entered = (0..1_000).filter(|_| places.enter(ipv4(1, 1, 1), true, now).is_some_and(|e| e.leaver.is_none()));
    assert_eq!(entered.count(), PLACES);
    // Strangers of as many networks as there are connections.
    let mut places = moving((0..2_000_u16).map(|number| ipv6(number, 0, 0, 0)), now);
    assert_eq!(places.taken(), PLACES - RESERVE);
    assert!(places.enter(ipv4(1, 1, 1), false, now).is_none(), "a stranger finds no place");
    assert_eq!(places.enter(ipv4(1, 1, 1), true, now).map(|entered| entered.leaver), Some(None));
}

#[test]
fn the_oldest_silent_one_goes_first_and_then_the_oldest_mute_one() {
    let now = Instant::now();
    let one = || ipv4(0, 0, 1);
    let mut places = Places::new(Rules::for_anybody(4));
    for _ in 0..4 {
        places.enter(one(), false, now).unwrap();
    }
    let leaver = |places: &mut Places, at| places.enter(one(), false, at).map(|entered| entered.leaver.unwrap());
    places.moved(0, Some(now));
    let soon = now + Duration::from_millis(1);
    assert_eq!((leaver(&mut places, soon), leaver(&mut places, soon)), (Some(1), Some(2)));
    places.moved(3, Some(soon));
    let later = now + MUTE_TIME;
    places.moved(5, Some(later));
    places.moved(4, None);
    assert_eq!(leaver(&mut places, later), Some(0));
    // Whoever waits for us keeps its place.
    let late = later + Duration::from_secs(3_600);
    assert!((0..20).filter_map(|_| leaver(&mut places, late)).all(|number| number != 4));
}

#[test]
fn a_newcomer_that_has_had_no_time_for_a_word_makes_no_room_for_a_crowd() {
    let now = Instant::now();
    let mut places = Places::new(Rules::for_anybody(4));
    for _ in 0..4 {
        let entered = places.enter(ipv4(1, 1, 1), false, now).unwrap();
        places.moved(entered.number, Some(now));
    }
    let honest = places.enter(ipv4(2, 1, 1), false, now).unwrap();
    assert_eq!(honest.leaver, Some(0), "the network that has most makes room");
    assert_eq!(places.enter(ipv4(1, 1, 1), false, now + Duration::from_millis(999)), None);
    let late = places.enter(ipv4(1, 1, 1), false, now + SILENT_TIME).unwrap();
    assert_eq!(late.leaver, Some(honest.number), "whoever is silent for long makes room for anybody");
}

#[test]
fn a_network_that_holds_most_places_makes_room_for_others() {
    let now = Instant::now();
    let mut places = Places::new(Rules::for_anybody(6));
    for (part, host) in [(1, 1), (9, 1), (1, 2), (1, 3), (1, 4), (1, 5)] {
        let entered = places.enter(ipv4(part, 0, host), false, now).unwrap();
        places.moved(entered.number, Some(now));
    }
    for (part, leaver) in [(8, 0), (7, 2)] {
        let entered = places.enter(ipv4(part, 0, 8), false, now).unwrap();
        places.moved(entered.number, Some(now));
        assert_eq!(entered.leaver, Some(leaver), "the largest network's oldest makes room");
    }
    let fourth = places.enter(ipv4(6, 0, 6), false, now).unwrap();
    places.moved(fourth.number, Some(now));
    assert!(places.enter(ipv4(1, 0, 1), false, now).is_none(), "and not for its own");
}
