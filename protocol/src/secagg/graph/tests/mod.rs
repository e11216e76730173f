extern crate std;

use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::secagg::toy::Toy;

mod isolation;
mod table;

fn degree(neighbours: u16) -> Option<Degree> {
    Some(Degree { neighbours, threshold: 1 })
}

/// How many of `survivors`, ascending, hold shares of a member's secrets: its surviving neighbours, and itself where it survives
///: at least the threshold are needed for every secret that is opened.
fn holders_among(graph: &Graph, member: usize, survivors: &[u32]) -> usize {
    let survives = |index: &u32| survivors.binary_search(index).is_ok();
    let own = u32::try_from(member).is_ok_and(|member| survives(&member));
    graph.neighbours(member).iter().filter(|index| survives(index)).count() + usize::from(own)
}

fn seed(number: u64) -> Digest {
    Digest::of(&number.to_le_bytes())
}

/// Simple, undirected, regular, and in one piece.
fn assert_sound(graph: &Graph, members: usize, degree: usize) {
    assert_eq!((graph.members(), graph.degree()), (members, degree));
    for own in 0..members {
        let neighbours = graph.neighbours(own);
        let number = u32::try_from(own).unwrap();
        assert_eq!(neighbours.len(), degree);
        assert!(
            neighbours.is_sorted_by(|a, b| a < b) && neighbours.last().is_none_or(|last| (*last as usize) < members)
        );
        assert!(neighbours.iter().all(|other| graph.neighbours(*other as usize).binary_search(&number).is_ok()));
        assert!(!neighbours.contains(&number));
    }
    let (mut seen, mut border) = (vec![false; members], vec![0_usize]);
    while let Some(member) = border.pop() {
        if !core::mem::replace(&mut seen[member], true) {
            border.extend(graph.neighbours(member).iter().map(|other| *other as usize));
        }
    }
    assert!(seen.iter().all(|seen| *seen));
}

#[test]
fn up_to_256_members_everybody_is_a_neighbour() {
    for members in [1, 2, 9, 256] {
        let graph = Graph::new::<Toy>(members, &seed(1), None);
        assert_sound(&graph, members, members - 1);
        assert!(graph == Graph::new::<Toy>(members, &seed(2), None), "there is nothing to draw");
    }
    assert_eq!(Graph::new::<Toy>(9, &seed(1), None).neighbours(3), [0, 1, 2, 4, 5, 6, 7, 8]);
    assert_eq!(Graph::new::<Toy>(9, &seed(1), None).neighbours(9), []);
    assert_eq!(Graph::new::<Toy>(9, &seed(1), None).neighbours(usize::MAX), []);
}

#[test]
fn a_sparse_graph_is_simple_regular_and_connected() {
    for (members, neighbours) in [(257, 2), (257, 70), (257, 158), (300, 110), (1000, 82), (2001, 94)] {
        for number in 0..3 {
            assert_sound(&Graph::new::<Toy>(members, &seed(number), degree(neighbours)), members, neighbours.into());
        }
    }
}

#[test]
fn every_row_can_be_drawn_at_both_of_its_ends() {
    let mut smallest = COMPLETE_GRAPH_MAX + 1;
    for (largest, row) in degree::ROWS {
        let (most, _) = row[5];
        assert_sound(&Graph::new::<Toy>(smallest, &seed(9), degree(most)), smallest, most.into());
        smallest = largest + 1;
    }
    assert_sound(&Graph::new::<Toy>(COHORT_MAX, &seed(9), degree(66)), COHORT_MAX, 66);
}

#[test]
fn the_graph_follows_from_members_seed_and_degree() {
    let graph = Graph::new::<Toy>(300, &seed(1), degree(50));
    assert!(graph == Graph::new::<Toy>(300, &seed(1), degree(50)));
    assert!(graph != Graph::new::<Toy>(300, &seed(2), degree(50)));
    // The first cycles of a larger degree are the same; the members' neighbours only grow.
    let larger = Graph::new::<Toy>(300, &seed(1), degree(52));
    for member in 0..300 {
        assert!(graph.neighbours(member).iter().all(|other| larger.neighbours(member).contains(other)));
    }
}

/// What one member draws is the same graph, where it looks.
#[test]
fn around_a_member_the_graph_is_the_same() {
    let (whole, k) = (Graph::new::<Toy>(600, &seed(1), degree(50)), degree(50).unwrap());
    for own in [0, 299, 599] {
        let part = Graph::around::<Toy>(own, 600, &seed(1), k);
        assert_eq!((part.members(), part.degree()), (600, 50));
        let number = u32::try_from(own).unwrap();
        for (member, index) in (0..600).zip(0_u32..) {
            let near = index == number || whole.neighbours(own).contains(&index);
            let expected: &[u32] = if near { whole.neighbours(member) } else { &[] };
            assert_eq!(part.neighbours(member), expected);
        }
    }
    let stranger = Graph::around::<Toy>(600, 600, &seed(1), k);
    assert!((0..=600).all(|member| stranger.neighbours(member).is_empty()));
}

/// Frozen: every member of a session must draw the same graph, whatever its version. The simulator's crate has it under the real suite.
#[test]
fn golden_graphs() {
    let small = Graph::new::<Toy>(257, &Digest([7; 32]), degree(4));
    assert_eq!([small.neighbours(0), small.neighbours(256)], [[45, 73, 89, 228], [116, 211, 239, 240]]);
    let bytes = |graph: &Graph| -> Vec<u8> { graph.neighbours.iter().flat_map(|index| index.to_le_bytes()).collect() };
    let large = Graph::new::<Toy>(1000, &Digest([7; 32]), degree(82));
    assert_eq!(
        alloc::format!("{}", Digest::of(&bytes(&large))),
        "7694a5af9a1e66577842464bcaf85de23496c5d0d1afda6b4eac6f8c8ecf3ee5"
    );
}

#[test]
fn draws_are_uniform_and_in_range() {
    let mut draw = Draw::<Toy>::new(&seed(3), 0, 0);
    let mut counts = [0_u32; 10];
    for _ in 0..100_000 {
        counts[draw.below(10)] += 1;
    }
    // Four standard deviations of a count are 380.
    assert!(counts.iter().all(|count| count.abs_diff(10_000) < 380), "{counts:?}");
    assert_eq!(draw.below(1), 0);
    // Words of another attempt or cycle are others.
    let first = |cycle, attempt| Draw::<Toy>::new(&seed(3), cycle, attempt).word();
    assert_eq!(BTreeSet::from([first(0, 0), first(0, 1), first(1, 0), first(1, 1)]).len(), 4);
}

/// Where a bound is no divisor of 2^32, words that would favour some numbers are left out, and no others: with three quarters of all words
/// as the bound, those that four divides.
#[test]
fn words_that_would_favour_some_numbers_are_drawn_again() {
    let bound = 3_u64 << 30;
    let (mut draw, mut words) = (Draw::<Toy>::new(&seed(8), 0, 0), Draw::<Toy>::new(&seed(8), 0, 0));
    let mut rejected = 0;
    for _ in 0..1000 {
        let mut drawn = core::iter::repeat_with(|| words.word()).inspect(|word| rejected += u32::from(word % 4 == 0));
        let word = drawn.find(|word| word % 4 != 0).expect("a word that is taken");
        assert_eq!(draw.below(bound.try_into().unwrap()) as u64, (u64::from(word) * bound) >> 32);
    }
    assert!((200..500).contains(&rejected), "{rejected}");
}

/// The exchange of edges favours nobody: over many seeds each pair is joined about as often as any other.
#[test]
fn every_pair_is_joined_as_often() {
    let (members, neighbours, graphs) = (257_usize, 100, 60);
    let mut joined = vec![0_u32; members];
    for number in 0..graphs {
        let graph = Graph::new::<Toy>(members, &seed(number), degree(neighbours));
        for other in graph.neighbours(5) {
            joined[*other as usize] += 1;
        }
    }
    // 60 graphs at a probability of 100 / 256: 23.4, with a standard deviation of 3.8.
    let others = joined.iter().enumerate().filter(|(other, _)| *other != 5).map(|(_, count)| f64::from(*count));
    let square: f64 = others.map(|count| (count - 23.4375).powi(2)).sum::<f64>() / 255.0;
    assert!((11.0..18.0).contains(&square), "variance {square}, and 14.3 is expected of a uniform choice");
}

#[test]
fn holders_are_the_neighbours_and_the_owner() {
    let graph = Graph::new::<Toy>(257, &seed(4), degree(50));
    let everybody: Vec<u32> = (0..257).collect();
    assert_eq!(holders_among(&graph, 3, &everybody), 51);
    let neighbours = graph.neighbours(3);
    assert_eq!(holders_among(&graph, 3, &neighbours[10..]), 40);
    assert_eq!(holders_among(&graph, 3, &[]), 0);
    assert_eq!(holders_among(&graph, 3, &[3]), 1);
}

#[test]
#[should_panic(expected = "no such regular graph")]
fn an_odd_degree_is_refused() {
    let _ = Graph::new::<Toy>(300, &seed(1), degree(51));
}

#[test]
#[should_panic(expected = "no such regular graph")]
fn a_degree_above_two_thirds_is_refused() {
    let _ = Graph::new::<Toy>(300, &seed(1), degree(202));
}

#[test]
#[should_panic(expected = "at most 256 members")]
fn a_large_graph_needs_a_degree() {
    let _ = Graph::new::<Toy>(257, &seed(1), None);
}
