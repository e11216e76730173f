//! Along which directions a customer's row lies, by the schema alone: fields are taken to be independent, and each bin or category equally frequent.

use tributary_model::architecture::Architecture;
use tributary_model::blocks::Blocks;
use tributary_model::schema::{Field, FieldKind, Schema, Transform};

use super::walk::Walk;

/// Mean of p (1 - p) where one customer in nine is positive: how a parabola through the loss is curved, for a row of norm 1.
pub(super) const CURVATURE: f64 = 0.1;
/// Bins are not equally frequent, and fields hang together: most directions are flatter than the mean one. Noise walks further in them by this factor
/// of the curvature.
pub(super) const FLAT: f64 = 0.25;
/// And the one direction that all rows have in common is steeper by this factor.
pub(super) const STEEP: f64 = 2.0;
/// Mean square of a number that is scaled to lie between -1 and 1.
const SQUARE_OF_A_NUMBER: f64 = 1.0 / 3.0;

/// Directions alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Directions {
    /// Part of a row's squared norm that lies along them, in the mean.
    pub(super) share: f64,
    /// Mean square of a row along one of them.
    pub(super) moment: f64,
    /// Whether what tells customers apart lies here, in its roughest form.
    pub(super) tells: bool,
}

/// Slots of which one is 1; nothing for a plain number.
fn slots(field: &Field) -> Option<f64> {
    match &field.kind {
        FieldKind::Numeric { transform: Transform::Bins(_), .. } | FieldKind::Categorical { .. } => {
            Some(field.width().max(1) as f64)
        }
        FieldKind::Numeric { .. } => None,
    }
}

/// Of rows that are scaled as the schema says, with a one for the bias.
pub(super) fn of_rows(schema: &Schema) -> Vec<Directions> {
    let (mut mean, mut all) = (1.0, Vec::new());
    for field in schema.fields() {
        match slots(field) {
            Some(count) => {
                mean += 1.0 / count;
                all.push(Directions { share: 1.0 - 1.0 / count, moment: 1.0 / count, tells: true });
            }
            None => all.push(Directions { share: SQUARE_OF_A_NUMBER, moment: SQUARE_OF_A_NUMBER, tells: true }),
        }
    }
    all.push(Directions { share: mean, moment: mean, tells: false });
    all
}

/// Of blocks whose squared weights sum up to 1, each field with the same part of it: contrasts of the coarsest groups are seen by all blocks of a
/// field, and finer ones by fewer.
pub(super) fn of_blocks(blocks: &Blocks) -> Vec<Directions> {
    let (fields, mut mean, mut all) = (blocks.fields().max(1), 0.0, Vec::new());
    for field in 0..fields {
        let own = blocks.all().iter().filter(|block| block.field == field);
        let cells: Vec<f64> = own.map(|block| block.cells().max(1) as f64).collect();
        let weight = 1.0 / (fields as f64 * cells.len().max(1) as f64);
        mean += cells.iter().map(|cells| weight / cells).sum::<f64>();
        for (level, count) in cells.iter().enumerate() {
            let before = level.checked_sub(1).map_or(1.0, |before| cells[before]);
            let moment: f64 = cells[level..].iter().map(|cells| weight / cells).sum();
            all.push(Directions { share: moment * (count - before).max(0.0), moment, tells: level == 0 });
        }
    }
    all.push(Directions { share: mean, moment: mean, tells: false });
    all
}

/// Of a score's slopes by the parameters of a perceptron (its first ones: He et al. 2015), where rounds walk so with so much noise in each gradient.
/// Noise makes hidden units and heads longer, and both make slopes longer: the other layer's noise then counts for more.
pub(super) fn of_network(schema: &Schema, network: &Architecture, (walk, noise): (&Walk, f64)) -> Vec<Directions> {
    let rows = of_rows(schema);
    let row: f64 = rows.iter().map(|own| own.share).sum();
    let loose = walk.response(0.0).noise * noise * noise;
    let (mut input, mut quiet, mut width, mut layers) = (row, row, f64::from(network.inputs()), Vec::new());
    for units in network.hidden() {
        let units = f64::from(*units);
        layers.push((input, units));
        // Half of the units are on.
        quiet = 1.0 + quiet * units / width;
        (input, width) = (1.0 + input * units / width + units * input * loose / 2.0, units);
    }
    let hidden = input - 1.0;
    // Of rectified normal numbers, a third of the mean square is the square of the mean.
    let (mean, apart) = (1.0 + hidden / 3.0, hidden * 2.0 / 3.0);
    let of_head = Directions { share: apart, moment: apart / width.max(1.0), tells: false };
    // What noise has made of the hidden units tells nothing.
    let telling = Directions { share: 0.0, moment: (quiet - 1.0) * 2.0 / 3.0 / width.max(1.0), tells: true };
    let mut all = vec![Directions { share: mean, moment: mean, tells: false }, of_head, telling];
    // Squared length of a head: what it has learnt, until scores spread by one logit, and its noise.
    let learnt = walk.response(CURVATURE * of_head.moment).learnt.clamp(0.0, 1.0);
    let noised = walk.response(CURVATURE * FLAT * of_head.moment).noise * noise * noise;
    let head = width / apart.max(f64::MIN_POSITIVE) * learnt * learnt + width * noised;
    for (input, units) in layers {
        let length = input * head / 2.0 / row;
        all.extend(rows.iter().map(|own| Directions {
            share: own.share * length,
            moment: own.moment * length / units,
            tells: false,
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINNED: &str = include_str!("../../../docs/samples/schemas/bank_full.toml");

    #[test]
    fn blocks_share_a_norm_of_one_and_rows_have_their_own() {
        let schema = Schema::parse(BINNED).unwrap();
        let blocks = of_blocks(&Blocks::of(&schema, &[4, 8]).unwrap());
        let norm: f64 = blocks.iter().map(|own| own.share).sum();
        assert!((norm - 1.0).abs() < 1e-9, "{norm}");
        assert!(blocks.iter().all(|own| own.share >= 0.0 && own.moment > 0.0));
        let rows: f64 = of_rows(&schema).iter().map(|own| own.share).sum();
        assert!((rows - 1.0 - schema.fields().len() as f64).abs() < 1e-9, "{rows}");
    }

    #[test]
    fn a_noisier_network_has_longer_slopes() {
        let schema = Schema::parse(BINNED).unwrap();
        let norm = |hidden: &[u32], noise: f64| -> f64 {
            let network = Architecture::mlp(60, hidden, &["churn"]).unwrap();
            let walk = Walk::new((0.375, 0.9), 40, Some(20));
            of_network(&schema, &network, (&walk, noise)).iter().map(|own| own.share).sum()
        };
        assert!(norm(&[16], 0.01) > 1.0 && norm(&[16], 0.1) > norm(&[16], 0.01) && norm(&[64, 32], 0.1).is_finite());
    }
}
