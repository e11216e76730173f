//! Nobody who reads screen, files, counts or errors can tell a suppressed customer from one who is held out by chance.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tributary_certs::entropy::OsEntropy;
use tributary_protocol::entropy::Entropy;

use super::{DAY, NOW, RULES, World};
use crate::contact::holdout::{Assigned, draw};
use crate::contact::pseudonym::Pseudonym;
use crate::contact::rules::HoldOut;
use crate::contact::{LeftOut, recall};

const CONFIDENTIAL: &str = "[hold_out]\npermille = 100\ndays = 180\nover = \"branch\"\n[confidential]\ncustomer = \"customer\"\nmay_be_empty = true\n[delivery]\ncrm";

fn world() -> World {
    let world = World::new(&RULES.replace("top = 10", "top = 100").replace("[delivery]\ncrm", CONFIDENTIAL));
    world.customers(150);
    world
}

/// Lines, counts and every file's length are the same with suppressed customers and without; and they are in no list.
#[test]
fn lists_with_and_without_suppressed_customers_are_alike() {
    let suppressed = ["c1", "c3", "C-7"];
    let found = [Vec::new(), suppressed.to_vec()].map(|named| {
        let world = world();
        world.write("confidential.csv", &format!("customer\n{}\n", named.join("\n")));
        let built = world.build();
        let listed: BTreeSet<String> = world.listed(1).into_iter().collect();
        assert!(named.is_empty() || ["c1", "c3", "c7"].iter().all(|id| !listed.contains(*id)));
        let size = |name: &str| std::fs::metadata(world.at(name)).unwrap().len();
        let draws = super::names(&world.at("state/contact/draws"));
        let draw = size(&format!("state/contact/draws/{}", draws[0]));
        (built.lines, built.left_out.clone(), built.rows, draw, draws.len(), size("state/contact/lists/000001/members"))
    });
    assert_eq!(found[0], found[1]);
    // A hundred are chosen: ten of them are drawn for the first time, and one more with each list.
    assert_eq!((found[0].0, found[0].1[&LeftOut::HeldOut]), (89, 11));
}

/// Whoever compares the next list with the last one sees that some are missing, as many as without a suppression.
#[test]
fn a_new_suppression_is_one_of_several_who_are_missing_now() {
    let missing = [false, true].map(|suppress| {
        let world = world();
        world.build();
        let before: BTreeSet<String> = world.listed(1).into_iter().collect();
        recall(&world.config(), 1, "again", NOW).unwrap();
        let victim = before.iter().next().unwrap().clone();
        if suppress {
            world.write("confidential.csv", &format!("customer\n{victim}\n"));
        }
        let second = world.build_at(NOW + 1).unwrap();
        let after: BTreeSet<String> = world.listed(2).into_iter().collect();
        assert!(!suppress || !after.contains(&victim));
        (before.difference(&after).count(), second.lines, second.left_out)
    });
    assert_eq!(missing[0], missing[1]);
    assert_eq!(missing[0].0, 1);
}

/// A list that was made before the table changed is not delivered, whoever the change is about, and in the same words.
#[test]
fn a_changed_table_stops_every_delivery_alike() {
    let told = ["c1", "c150", "stranger"].map(|named| {
        let world = world();
        world.build();
        world.approve(1).unwrap();
        world.write("confidential.csv", &format!("customer\n{named}\n"));
        world.deliver_at(1, NOW + DAY).map(|_| ()).unwrap_err().to_string()
    });
    assert!(told[0].contains("tables by which list 1 was judged are others now"));
    assert!(told.iter().all(|other| *other == told[0]));
}

/// An unreadable table says nothing of its rows.
#[test]
fn a_fault_of_the_table_tells_nothing_of_it() {
    let told = ["who\nc1\n", "customer\n\"c1\n", "customer\nc1,c2\n", "customer\n,\n"].map(|text| {
        let world = world();
        world.write("confidential.csv", text);
        world.refused()
    });
    assert!(told[0].contains("cannot be read whole") && !told[0].contains("row"));
    assert!(told.iter().all(|other| *other == told[0]), "{told:?}");
}

/// Numbers that count up: a draw by them can be repeated.
struct Counting(u64);

impl Entropy for Counting {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            chunk.copy_from_slice(&self.0.to_be_bytes()[..chunk.len()]);
        }
    }
}

fn people(count: u8) -> Vec<Pseudonym> {
    (1..=count).map(|number| Pseudonym([number; 16])).collect()
}

proptest! {
    /// However many are suppressed, up to the places: the same number is held out, and all of the suppressed are.
    #[test]
    fn counts_do_not_depend_on_suppressions(
        count in 1_u8..120, permille in 20_u16..=900, renewed in 5_u16..=100, seed: u64,
        suppressed in prop::collection::btree_set(1_u8..120, 0..40), free in prop::collection::btree_set(1_u8..120, 0..60),
        held in prop::collection::btree_set(1_u8..120, 0..20),
    ) {
        let chosen = people(count);
        let of = |numbers: &BTreeSet<u8>| -> BTreeSet<Pseudonym> { numbers.iter().map(|number| Pseudonym([*number; 16])).collect() };
        let before = Assigned { held: of(&held), known: of(&free) };
        let rule = HoldOut { permille, days: 30, whole_branch: true };
        let (nobody, some) = (|_: &Pseudonym| false, of(&suppressed));
        let is_hidden = |customer: &Pseudonym| some.contains(customer);
        let without = draw(&chosen, &before, rule, Some((&nobody, renewed)), &mut Counting(seed));
        let with = draw(&chosen, &before, rule, Some((&is_hidden, renewed)), &mut Counting(seed));
        let must: Vec<&Pseudonym> = chosen.iter().filter(|one| some.contains(one) && !before.held.contains(one)).collect();
        prop_assert!(must.iter().all(|one| with.held.contains(one)));
        prop_assert_eq!(with.held.len(), without.held.len().max(must.len()));
        // Of those who were drawn before, and of those who were not, as many are held out: as long as there are places of either kind.
        let is_new = |one: &&Pseudonym| !before.known.contains(one);
        let of_kinds = |all: &[&Pseudonym]| -> (Vec<Pseudonym>, Vec<Pseudonym>) { all.iter().map(|one| **one).partition(|one| is_new(&one)) };
        let kinds = |drawn: &crate::contact::holdout::Drawn| of_kinds(&drawn.held.iter().collect::<Vec<_>>());
        let ((new, known), (must_new, must_known)) = (kinds(&without), of_kinds(&must));
        if must_new.len() <= new.len() && must_known.len() <= known.len() {
            let found = kinds(&with);
            prop_assert_eq!((found.0.len(), found.1.len()), (new.len(), known.len()));
        }
        prop_assert_eq!(&with.first, &without.first, "what is recorded of first draws tells nothing of who is held out");
        for drawn in [&without, &with] {
            prop_assert!(drawn.held.iter().all(|one| chosen.contains(one) && !before.held.contains(one)));
            let first: BTreeSet<Pseudonym> = chosen.iter().filter(|one| !before.held.contains(one)).filter(is_new).copied().collect();
            prop_assert_eq!(drawn.first.iter().copied().collect::<BTreeSet<_>>(), first, "everybody is drawn once");
        }
    }
}

/// Everybody is held out as often as everybody else. With 4000 draws of 10 of 40 each is held out 1000 times, give or take 27 (one deviation).
#[test]
fn the_hold_out_is_random() {
    let chosen = people(40);
    let rule = HoldOut { permille: 250, days: 30, whole_branch: false };
    let mut counts = [0_i32; 41];
    for _ in 0..4000 {
        let drawn = draw(&chosen, &Assigned::default(), rule, None, &mut OsEntropy);
        assert_eq!(drawn.held.len(), 10);
        drawn.held.iter().for_each(|one| counts[usize::from(one.0[0])] += 1);
    }
    // Seven deviations: chance fails this once in ten billion runs.
    assert!(counts[1..].iter().all(|count| (count - 1000).abs() < 190), "{counts:?}");
}
