//! An adversary who sees the graph before it chooses who is lost.

use alloc::collections::BTreeSet;

use super::*;

const MEMBERS: usize = 600;

/// What a member is to the adversary.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Corrupt,
    Inside,
    Border,
    Elsewhere,
}

/// The view of the adversary.
struct Attack {
    neighbours: Vec<Vec<usize>>,
    corrupt: Vec<bool>,
    lost_max: usize,
    threshold: usize,
}

impl Attack {
    /// Grows a set of honest members from one of them, always by whom adds least to its border, and looks whether dropping the border
    /// cuts it off with every secret in it open to the coalition and the set itself. Ends where no border could ever be dropped again.
    fn succeeds_from(&self, start: usize, size_max: usize) -> bool {
        let honest = |corrupt: &bool| if *corrupt { Place::Corrupt } else { Place::Elsewhere };
        let mut places: Vec<Place> = self.corrupt.iter().map(honest).collect();
        let mut next = start;
        for _ in 0..size_max {
            places[next] = Place::Inside;
            for other in &self.neighbours[next] {
                if places[*other] == Place::Elsewhere {
                    places[*other] = Place::Border;
                }
            }
            let of =
                |place| places.iter().enumerate().filter(move |(_, found)| **found == place).map(|(member, _)| member);
            if of(Place::Border).count() <= self.lost_max && of(Place::Inside).all(|member| self.opens(member, &places))
            {
                return true;
            }
            let adds = |member: &usize| {
                self.neighbours[*member].iter().filter(|other| places[**other] == Place::Elsewhere).count()
            };
            let Some(least) = of(Place::Border).min_by_key(adds) else { return false };
            next = least;
        }
        false
    }

    /// Whether the coalition, the set and the owner hold enough of a member's shares.
    fn opens(&self, member: usize, places: &[Place]) -> bool {
        let holding = |other: &&usize| matches!(places[**other], Place::Corrupt | Place::Inside);
        self.neighbours[member].iter().filter(holding).count() + 1 >= self.threshold
    }
}

fn corrupt(count: usize, number: u64) -> Vec<bool> {
    let mut draw = Draw::<Toy>::new(&seed(number), 0, 0);
    let mut chosen = vec![false; MEMBERS];
    while chosen.iter().filter(|chosen| **chosen).count() < count {
        chosen[draw.below(MEMBERS)] = true;
    }
    chosen
}

fn lists(graph: &Graph) -> Vec<Vec<usize>> {
    (0..MEMBERS).map(|member| graph.neighbours(member).iter().map(|other| *other as usize).collect()).collect()
}

#[test]
fn chosen_losses_isolate_nobody() {
    for (coalition, number) in [(60, 1), (120, 2), (199, 3)] {
        let degree = Degree::for_cohort(MEMBERS, coalition, MEMBERS / 10).unwrap();
        let graph = Graph::new::<Toy>(MEMBERS, &seed(number), Some(degree));
        let (corrupt, threshold) = (corrupt(coalition, number), degree.threshold.into());
        let attack = Attack { neighbours: lists(&graph), corrupt, lost_max: MEMBERS / 10, threshold };
        for victim in (0..MEMBERS).step_by(5).filter(|victim| !attack.corrupt[*victim]) {
            assert!(!attack.succeeds_from(victim, 60), "member {victim}, coalition {coalition}");
        }
    }
}

/// Why not the ring of SecAgg+, in which everybody is joined to the nearest: with a threshold of half the neighbours the same search and
/// as many losses cut an arc out of it, and nothing out of this graph.
#[test]
fn the_same_losses_isolate_an_arc_of_a_ring() {
    let degree = Degree::for_cohort(MEMBERS, 60, MEMBERS / 10).unwrap();
    let half = usize::from(degree.neighbours / 2);
    let near = |member: usize| {
        (1..=half).flat_map(move |step| [(member + step) % MEMBERS, (member + MEMBERS - step) % MEMBERS])
    };
    let ring = (0..MEMBERS).map(|member| near(member).collect()).collect();
    let drawn = lists(&Graph::new::<Toy>(MEMBERS, &seed(1), Some(degree)));
    let isolates = |neighbours| {
        let attack = Attack { neighbours, corrupt: corrupt(60, 1), lost_max: MEMBERS / 10, threshold: half };
        let mut victims = (0..MEMBERS).step_by(9).filter(|victim| !attack.corrupt[*victim]);
        victims.any(|victim| attack.succeeds_from(victim, 100))
    };
    assert!(isolates(ring));
    assert!(!isolates(drawn));
}

/// Losing every honest neighbour cuts a member off, and then its secrets stay closed; nobody else is cut off with it.
#[test]
fn whoever_is_cut_off_alone_stays_closed() {
    let degree = Degree::for_cohort(MEMBERS, 120, 60).unwrap();
    let graph = Graph::new::<Toy>(MEMBERS, &seed(5), Some(degree));
    let (neighbours, corrupt) = (lists(&graph), corrupt(120, 5));
    for victim in (0..MEMBERS).step_by(10).filter(|victim| !corrupt[*victim]) {
        let lost: BTreeSet<usize> = neighbours[victim].iter().copied().filter(|other| !corrupt[*other]).collect();
        let honest: BTreeSet<usize> =
            (0..MEMBERS).filter(|member| !corrupt[*member] && !lost.contains(member)).collect();
        let (mut seen, mut next) =
            (BTreeSet::new(), honest.iter().copied().find(|member| *member != victim).into_iter().collect::<Vec<_>>());
        while let Some(member) = next.pop() {
            if seen.insert(member) {
                next.extend(neighbours[member].iter().copied().filter(|other| honest.contains(other)));
            }
        }
        assert_eq!(honest.difference(&seen).collect::<Vec<_>>(), [&victim]);
        let survivors: Vec<u32> =
            (0_u32..).take(MEMBERS).filter(|member| !lost.contains(&(*member as usize))).collect();
        assert!(holders_among(&graph, victim, &survivors) < usize::from(degree.threshold), "member {victim} is open");
    }
}
