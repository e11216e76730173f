use alloc::vec;

use super::*;
use crate::codec::{decode, encode};
use crate::privacy::Day;
use crate::round::cast::{self, next_roster, rekeyed_roster, roster, second_key, signing_key};
use crate::secagg::toy::Toy;

const OWN: ClientId = ClientId(2);
const OTHER: ClientId = ClientId(3);

fn run(number: u32) -> RunRef {
    RunRef { plan: Digest([9; 32]), number }
}

fn charged(rounds: &[u32]) -> Charged {
    Charged { rounds: rounds.to_vec(), last_round: 7 }
}

fn charge() -> Accounts {
    cast::plan().stages[0].charge.clone()
}

/// A head that has spent twice a charge, one of them within the year.
fn head(client: ClientId) -> BudgetHead {
    let mut year = YearSpend::default();
    year.charge(Millis(86_400_000), &charge());
    BudgetHead { counter: 5, spent: charge().times(2), year, charged: charged(&[2]), ..cast::head(client, run(1)) }
}

fn signed_by(key: &[u8; 32], head: BudgetHead) -> BudgetHead {
    let signature = Toy::sign(key, &head.to_sign::<Toy>());
    BudgetHead { signature, ..head }
}

/// Frozen: the digest stands in every head, and a file that takes a lost one's place must come to the same.
#[test]
fn a_population_is_named_by_its_words_and_its_salt() {
    let digests = [([1; 32], "ab"), ([2; 32], "ab"), ([1; 32], "ac"), ([1; 32], "")];
    let digests = digests.map(|(salt, words)| population_digest(&salt, words));
    assert_eq!(crate::digest::frozen(digests), "d86d0bb6");
}

#[test]
fn a_head_goes_forward_in_every_figure_or_stays_as_it_is() {
    type Change = fn(&mut BudgetHead);
    let last = head(OWN);
    let cases: [(&str, Change, bool); 10] = [
        ("the same again", |_| {}, true),
        ("a higher counter", |next| next.counter += 1, true),
        ("a higher counter and more spent", |next| (next.counter, next.spent) = (6, charge().times(3)), true),
        ("a lower counter", |next| next.counter -= 1, false),
        ("more spent by the same counter", |next| next.spent = charge().times(3), false),
        ("less spent in all", |next| (next.counter, next.spent) = (6, charge()), false),
        ("a year that was forgotten", |next| (next.counter, next.year) = (6, YearSpend::default()), false),
        ("another client", |next| (next.counter, next.client) = (6, OTHER), false),
        ("another population", |next| (next.counter, next.population) = (6, Digest([1; 32])), false),
        ("the same of another client", |next| next.client = OTHER, false),
    ];
    for (what, change, follows) in cases {
        let mut next = last.clone();
        change(&mut next);
        assert_eq!(next.follows(&last), follows, "{what}");
    }
}

#[test]
fn what_was_charged_is_found_by_its_run() {
    let head = BudgetHead { others: vec![(run(2), charged(&[4])), (run(3), charged(&[0, 5]))], ..head(OWN) };
    let found = [1, 2, 3, 4].map(|number| head.charged_in(&run(number)));
    assert_eq!(found, [charged(&[2]), charged(&[4]), charged(&[0, 5]), Charged::default()]);
}

#[test]
fn a_head_names_as_many_runs_as_a_branch_charges_each_in_its_form() {
    let of = |count: usize, rounds: &[u32]| vec![(run(2), charged(rounds)); count];
    let others = |others| BudgetHead { others, ..head(OWN) };
    // Its own run is one of them.
    assert!(others(of(CHARGED_RUNS_MAX - 1, &[1])).is_short());
    assert!(!others(of(CHARGED_RUNS_MAX, &[1])).is_short());
    assert!(!others(of(1, &[1, 0])).is_short(), "another run's rounds");
    assert!(!BudgetHead { charged: charged(&[1, 0]), ..head(OWN) }.is_short(), "its own run's rounds");
    // A charge on a day before the first one that counts.
    let year = encode(&(Day(9), Day(10), vec![(Day(8), charge())]));
    let year = decode(&year, year.len()).expect("a year");
    assert!(!BudgetHead { year, ..head(OWN) }.is_short(), "its year");
}

#[test]
fn a_first_use_is_for_the_member_of_its_key_or_for_whoever_had_one_that_nobody_has() {
    let members = roster(4).roster;
    let first = |key: &[u8; 32]| FirstUse {
        population: Digest::ZERO,
        owner: Toy::verifying_key(&cast::OWNER_KEY),
        signing_key: Toy::verifying_key(key),
        adopts: false,
        signature: Signature::none(),
    };
    let may_be = |key: [u8; 32]| [OWN, OTHER].map(|client| first(&key).may_be_of(client, &members));
    assert_eq!(may_be(signing_key(OWN)), [true, false]);
    assert_eq!(may_be(signing_key(OTHER)), [false, true]);
    assert_eq!(may_be(second_key(OWN)), [true, true], "an earlier key, or a later one");
}

#[test]
fn a_budget_begins_and_passes_on_by_its_owners_signature_alone() {
    let (owner, stranger) = (cast::OWNER_KEY, second_key(OTHER));
    let unsigned = FirstUse {
        population: Digest::ZERO,
        owner: Toy::verifying_key(&owner),
        signing_key: Toy::verifying_key(&signing_key(OWN)),
        adopts: false,
        signature: Signature::none(),
    };
    let first = |key| FirstUse { signature: Toy::sign(key, &unsigned.to_sign::<Toy>()), ..unsigned.clone() };
    assert!(first(&owner).is_signed::<Toy>() && !first(&stranger).is_signed::<Toy>());
    assert!(!FirstUse { adopts: true, ..first(&owner) }.is_signed::<Toy>());
    let (population, signature) = (Digest::ZERO, Signature::none());
    let [from, to] = [owner, stranger].map(|key| Toy::verifying_key(&key));
    let unsigned = OwnerChange { population, from, to, signature };
    let change = |key| OwnerChange { signature: Toy::sign(key, &unsigned.to_sign::<Toy>()), ..unsigned.clone() };
    assert!(change(&owner).is_signed::<Toy>());
    assert!(!change(&stranger).is_signed::<Toy>(), "the owner after");
}

#[test]
fn a_shown_head_is_verified_by_the_roster_of_its_time() {
    let first = roster(4);
    let second = next_roster(&first.roster, 4);
    let in_force = rekeyed_roster(&second.roster, 4, OWN);
    let authorities = cast::policy(&cast::plan()).authorities;
    let shown = |epoch, roster: Option<&SignedRoster>| ShownHead {
        head: signed_by(&signing_key(OWN), BudgetHead { epoch, ..head(OWN) }),
        roster: roster.cloned(),
    };
    let good = |shown: &ShownHead, needed| shown.is_signed::<Toy>(&in_force, (&authorities, needed));
    assert!(good(&shown(1, Some(&first)), 1) && good(&shown(2, Some(&second)), 1));
    assert!(!good(&shown(1, Some(&first)), 2), "fewer authorities have signed it than are needed");
    assert!(!good(&shown(1, Some(&second)), 1), "a roster of another time");
    assert!(!good(&shown(1, None), 1), "the roster in force has another key");
    // The roster in force is no earlier one, even where it has the key.
    let own = ShownHead {
        head: signed_by(&second_key(OWN), BudgetHead { epoch: 3, ..head(OWN) }),
        roster: Some(in_force.clone()),
    };
    assert!(!good(&own, 1) && good(&ShownHead { roster: None, ..own }, 1));
    let stranger = ShownHead { head: head(ClientId(9)), roster: None };
    assert!(!good(&stranger, 1), "nobody of the roster");
}

#[test]
fn heads_are_kept_with_the_rosters_that_they_name_and_no_others() {
    let first = roster(4);
    let second = next_roster(&first.roster, 4);
    let third = rekeyed_roster(&second.roster, 4, OWN);
    let [first, second, third] = [first, second, third].map(Box::new);
    let of = |client, epoch| Kept::Head(Box::new(BudgetHead { epoch, ..head(client) }));
    let all = [
        Kept::Roster(first.clone()),
        of(OTHER, 1),
        of(OWN, 1),
        Kept::Roster(second.clone()),
        of(OWN, 2),
        Kept::Roster(third.clone()),
        of(OTHER, 3),
    ];
    let heads = Heads::replay(&all);
    assert_eq!(heads.count(), 5, "three rosters and two heads");
    let compact: Vec<Kept> = heads.compact().collect();
    assert_eq!(compact, [Kept::Roster(second.clone()), Kept::Roster(third.clone()), of(OWN, 2), of(OTHER, 3)]);
    let again = Heads::replay(&compact);
    assert_eq!((again.count(), again.compact().collect::<Vec<_>>()), (4, compact));
    assert_eq!([0, 1, 2, 3].map(|epoch| heads.has_roster(epoch)), [false, true, true, true]);
    assert_eq!([0, 1, 2, 3].map(|epoch| again.has_roster(epoch)), [false, false, true, true]);
    let epochs = [OWN, OTHER, ClientId(1)].map(|client| heads.newest(client).map(|head| head.epoch));
    assert_eq!(epochs, [Some(2), Some(3), None]);
    // A roster goes along only where it has another key than the one in force.
    let shown = |client, in_force| heads.shown_to(client, in_force).map(|shown| (shown.head.epoch, shown.roster));
    assert_eq!(shown(OWN, &third), Some((2, Some(SignedRoster::clone(&second)))));
    assert_eq!((shown(OWN, &first), shown(OTHER, &first)), (Some((2, None)), Some((3, None))));
    assert_eq!(shown(ClientId(1), &third), None);
}
