use super::*;

/// Another number at each call, the same in every run.
struct Counting(u64);

impl Entropy for Counting {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = self.0.to_be_bytes()[0];
        }
    }
}

fn customers(range: std::ops::Range<u8>) -> Vec<Pseudonym> {
    range.map(|number| Pseudonym([number; 16])).collect()
}

fn rule(permille: u16) -> HoldOut {
    HoldOut { permille, days: 30, whole_branch: false }
}

#[test]
fn the_places_of_a_first_draw_are_for_customers_who_are_drawn_for_the_first_time() {
    let chosen = customers(0..40);
    let before =
        Assigned { held: customers(30..35).into_iter().collect(), known: customers(20..40).into_iter().collect() };
    for seed in 0..20 {
        let drawn = draw(&chosen, &before, rule(500), None, &mut Counting(seed));
        assert_eq!(drawn.held.len(), 10, "half of the twenty new ones");
        assert!(drawn.held.iter().all(|customer| customer.0[0] < 20), "{:?}", drawn.held);
        assert_eq!(drawn.first, customers(0..20));
    }
    // Nobody is new: nobody is drawn, and whoever is held out stays it.
    let old = draw(&customers(20..40), &before, rule(500), None, &mut Counting(1));
    assert_eq!(old, Drawn::default());
    let all = draw(&chosen, &Assigned::default(), rule(1000), None, &mut Counting(1));
    assert_eq!((all.held, all.first), (chosen.clone(), chosen));
}

#[test]
fn a_part_of_one_is_rounded_by_chance_and_never_beyond_its_neighbours() {
    let rounded = |count, permille| {
        let counts: BTreeSet<usize> =
            (0..200).map(|seed| super::rounded(count, permille, &mut Counting(seed))).collect();
        counts.into_iter().collect::<Vec<_>>()
    };
    assert_eq!((rounded(10, 100), rounded(10, 0), rounded(10, 1000)), (vec![1], vec![0], vec![10]));
    assert_eq!((rounded(15, 100), rounded(1, 500)), (vec![1, 2], vec![0, 1]));
    for bound in [1, 2, 7] {
        let drawn: BTreeSet<u64> = (0..200).map(|seed| below(bound, &mut Counting(seed))).collect();
        assert_eq!(drawn, (0..bound).collect());
    }
    let mut items = customers(0..9);
    shuffle(&mut items, &mut Counting(3));
    assert_ne!(items, customers(0..9));
    items.sort();
    assert_eq!(items, customers(0..9));
}

#[test]
fn whoever_must_be_held_out_takes_the_place_of_one_of_the_same_kind() {
    let chosen = customers(0..40);
    let before = Assigned { held: BTreeSet::new(), known: customers(20..40).into_iter().collect() };
    let suppressed = |customer: &Pseudonym| matches!(customer.0[0], 3 | 25);
    for seed in 0..20 {
        let drawn = draw(&chosen, &before, rule(200), Some((&suppressed, 100)), &mut Counting(seed));
        assert!(drawn.held.contains(&Pseudonym([3; 16])) && drawn.held.contains(&Pseudonym([25; 16])));
        assert_eq!(drawn.held.len(), 4 + 4, "a fifth of the new ones, and a tenth of all");
    }
}
