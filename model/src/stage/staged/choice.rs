//! Which fields are taken in pairs, and how their values are grouped: from what a stage has found. Pure, in doubles of a fixed order.

use crate::architecture::PairShape;
use crate::blocks::Blocks;
use crate::pairs::Pairing;

/// What a stage has found.
pub(super) struct Found<'a> {
    /// Its blocks, without pairs.
    pub(super) blocks: &'a Blocks,
    /// For each head the energy of each block.
    pub(super) energies: &'a [Vec<f64>],
    /// The heads' shares of the squared norm.
    pub(super) shares: &'a [f64],
    /// The model over blocks.
    pub(super) values: &'a [f32],
}

/// The pairs of the most important fields: of as few fields as make so many pairs, those whose product of importances is largest. Ties go to the
/// lower number. No pair has an excluded field.
pub(super) fn chosen(found: &Found<'_>, shape: PairShape, excluded: &[usize]) -> Pairing {
    let Found { blocks, energies, shares, .. } = *found;
    let of_heads: Vec<Vec<f64>> = energies.iter().map(|own| parts(&importances(blocks, own))).collect();
    let importance = |field: usize| of_heads.iter().zip(shares).fold(0.0, |sum, (own, share)| sum + share * own[field]);
    let all: Vec<f64> = (0..blocks.fields()).map(importance).collect();
    let mut fields: Vec<usize> = (0..blocks.fields()).filter(|field| !excluded.contains(field)).collect();
    fields.sort_by(|one, other| all[*other].total_cmp(&all[*one]).then(one.cmp(other)));
    let tables = shape.tables as usize;
    let enough = (2..=fields.len()).find(|count| count * (count - 1) / 2 >= tables).unwrap_or(fields.len());
    fields.truncate(enough);
    fields.sort_unstable();
    let pairs = fields.iter().enumerate().flat_map(|(at, one)| fields[at + 1..].iter().map(|other| [*one, *other]));
    let mut pairs: Vec<[usize; 2]> = pairs.collect();
    let product = |[one, other]: &[usize; 2]| all[*one] * all[*other];
    pairs.sort_by(|one, other| product(other).total_cmp(&product(one)).then(one.cmp(other)));
    pairs.truncate(tables);
    pairs.sort_unstable();
    let groups = (0..blocks.fields()).flat_map(|field| {
        let strength = |head: usize| shares[head] * of_heads[head][field];
        let strongest =
            (1..shares.len()).fold(0, |best, head| if strength(head) > strength(best) { head } else { best });
        groups(found, shape, (field, strongest))
    });
    Pairing { groups: groups.collect(), fields: pairs.iter().map(|pair| pair.map(small)).collect() }
}

/// Each pair's part of the squared norm that pairs have, in one head: by the product of importances. Zeros where no pair has any.
pub(super) fn shares_of_pairs(blocks: &Blocks, energies: &[f64], pairing: &Pairing) -> Vec<f64> {
    let own = parts(&importances(blocks, energies));
    let products: Vec<f64> =
        pairing.fields.iter().map(|[one, other]| own[*one as usize] * own[*other as usize]).collect();
    parts(&products)
}

/// Of each field the energy of all its blocks.
fn importances(blocks: &Blocks, energies: &[f64]) -> Vec<f64> {
    let mut all = vec![0.0; blocks.fields()];
    for (block, energy) in blocks.all().iter().zip(energies) {
        all[block.field] += energy;
    }
    all
}

/// Numbers over their sum; zeros where that is none.
fn parts(numbers: &[f64]) -> Vec<f64> {
    let all = numbers.iter().fold(0.0, |sum, number| sum + number);
    let part = |number: &f64| if all > 0.0 && all.is_finite() { number / all } else { 0.0 };
    numbers.iter().map(part).collect()
}

/// The group of each slot of a field. Bins are put together with their neighbours; categories with those of a similar effect in a head. What has
/// no value is the last group.
fn groups(found: &Found<'_>, shape: PairShape, (field, head): (usize, usize)) -> Vec<u32> {
    let (values, ordered) = found.blocks.values(field);
    let groups = (shape.groups as usize).min(values);
    let mut order: Vec<usize> = (0..values).collect();
    if !ordered && values > groups {
        let (heads, finest) = (found.shares.len(), found.blocks.finest(field));
        let effect = |value: usize| f64::from(found.values[(finest.start + value) * heads + head]);
        order.sort_by(|one, other| effect(*one).total_cmp(&effect(*other)).then(one.cmp(other)));
    }
    let mut all = vec![shape.groups; found.blocks.slots(field)];
    for (rank, value) in order.iter().enumerate() {
        all[*value] = small(rank * groups / values);
    }
    all
}

fn small(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    const TEXT: &str = r#"
name = "small"
version = 1
fields = [
    { name = "a", kind = "numeric", min = 0, max = 9, transform = "bins", edges = [1, 2, 3, 4, 5, 6], missing = "indicator", class = "C1", level = "L1" },
    { name = "b", kind = "categorical", categories = ["a", "b", "c", "d", "e"], class = "C1", level = "L1" },
    { name = "c", kind = "numeric", min = 0, max = 9, transform = "bins", edges = [5], class = "C1", level = "L1" },
    { name = "d", kind = "numeric", min = 0, max = 9, transform = "bins", edges = [5], class = "C1", level = "L1" },
]
labels = [{ name = "churn", positive = ["yes"], negative = ["no"] }, { name = "deposit", positive = ["yes"], negative = ["no"] }]
"#;

    /// A field of two blocks and three of one; two heads, of which the second says that the categories differ.
    fn chosen_of(energies: &[[f64; 5]; 2], tables: u32, excluded: &[usize]) -> Pairing {
        let blocks = Blocks::of(&Schema::parse(TEXT).unwrap(), &[3]).unwrap();
        let mut values = vec![0.0; blocks.cells() * 2];
        for (value, effect) in [3.0, -1.0, 3.0, 0.5, -2.0].into_iter().enumerate() {
            values[(blocks.finest(1).start + value) * 2 + 1] = effect;
        }
        let energies = energies.map(Vec::from);
        let found = Found { blocks: &blocks, energies: &energies, shares: &[0.5, 0.5], values: &values };
        let pairing = chosen(&found, PairShape { tables, groups: 3 }, excluded);
        assert!(pairing.fits(PairShape { tables, groups: 3 }, blocks.width(), blocks.fields()));
        pairing
    }

    #[test]
    fn the_pairs_of_the_most_important_fields_are_taken() {
        // Fields have 3 + 3, 2, 2 and 8 in one head; the other has found nothing but in the categories.
        let energies = [[3.0, 3.0, 2.0, 2.0, 8.0], [0.0, 0.0, 1e-3, 0.0, 0.0]];
        assert_eq!(chosen_of(&energies, 1, &[]).fields, [[1, 3]], "each head counts by its own parts");
        assert_eq!(chosen_of(&energies, 3, &[]).fields, [[0, 1], [0, 3], [1, 3]]);
        assert_eq!(chosen_of(&energies, 3, &[3]).fields, [[0, 1], [0, 2], [1, 2]]);
        // Two of the three pairs of three fields: those with the largest products.
        assert_eq!(chosen_of(&energies, 2, &[]).fields, [[0, 1], [1, 3]]);
        // The two last ones, where the first field is the least: both factors count.
        let least_first = [[0.5, 0.5, 2.0, 0.0, 3.0], [0.0; 5]];
        assert_eq!(chosen_of(&least_first, 2, &[]).fields, [[0, 3], [1, 3]]);
        // Nothing found, or no numbers: ties go to the lower number.
        for nothing in [0.0, f64::NAN, f64::INFINITY] {
            assert_eq!(chosen_of(&[[nothing; 5]; 2], 3, &[]).fields, [[0, 1], [0, 2], [1, 2]], "{nothing}");
        }
    }

    #[test]
    fn neighbours_share_a_group_and_categories_of_like_effect() {
        let groups = chosen_of(&[[1.0, 1.0, 0.1, 1.0, 1.0], [0.0, 0.0, 1.0, 0.0, 0.0]], 1, &[]).groups;
        assert_eq!(groups[..8], [0, 0, 0, 1, 1, 2, 2, 3], "the last slot has no value");
        // By effect: e, b, d, a, c.
        assert_eq!(groups[8..13], [1, 0, 2, 1, 0]);
        assert_eq!(groups[13..], [0, 1, 0, 1], "as many groups as values");
    }

    #[test]
    fn pairs_share_the_norm_by_the_products_of_importances() {
        let blocks = Blocks::of(&Schema::parse(TEXT).unwrap(), &[3]).unwrap();
        let pairing = Pairing { groups: vec![0; 17], fields: vec![[0, 1], [1, 2]] };
        let shares = |energies: [f64; 5]| shares_of_pairs(&blocks, &energies, &pairing);
        assert_eq!(shares([1.0, 2.0, 2.0, 1.0, 0.0]), [0.75, 0.25]);
        for nothing in [[0.0, 0.0, 2.0, 0.0, 5.0], [f64::NAN; 5], [f64::INFINITY; 5]] {
            assert_eq!(shares(nothing), [0.0, 0.0]);
        }
    }
}
