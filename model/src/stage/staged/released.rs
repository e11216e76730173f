//! From a model over blocks to the tables that are released, and back. Pure, in doubles of a fixed order.

use super::super::state::{PublicState, narrow};
use super::staged_settings::StagedSettings;
use crate::architecture::Architecture;
use crate::blocks::Blocks;
use crate::elementary::ln;
use crate::monotone::smooth;
use crate::pairs;
use crate::parameters::Parameters;

/// The tables of each field, made to rise or fall where they must, and those of pairs. Intercepts are those of unweighted labels.
pub(super) fn folded(
    settings: &StagedSettings,
    blocks: &Blocks,
    network: Architecture,
    last: &PublicState,
) -> Option<Parameters> {
    let heads = network.heads().len();
    let mut tables = blocks.folded(&last.parameters);
    for own in settings.monotone() {
        let (values, first) = (blocks.values(own.field.into()).0, blocks.span(own.field.into()).start);
        smooth_table(tables.get_mut(first * heads..(first + values) * heads)?, heads, own.rising);
    }
    let slots = blocks.width() * heads;
    weigh(settings, tables.get_mut(slots..)?, -1.0);
    if let (Some(shape), Some(learnt)) = (network.pairs(), blocks.pairs()) {
        let spans: Vec<_> = (0..blocks.fields()).map(|field| blocks.span(field)).collect();
        let cells = learnt.tables as usize * learnt.cells() * heads;
        let after = blocks.cells() * heads;
        let cells = last.parameters.values().get(after - cells..after)?;
        tables.extend(pairs::values(shape, &spans, &last.known.pairing, cells));
    }
    // Where no pairs were learnt, the network's tables of pairs name no fields.
    tables.resize(network.parameter_count(), 0.0);
    Parameters::new(network, tables).ok()
}

/// The model over blocks that a stage begins with: released tables in the finest blocks, and the intercepts of weighted labels.
pub(super) fn unfolded(
    settings: &StagedSettings,
    blocks: &Blocks,
    over: Architecture,
    tables: &Parameters,
) -> Option<Parameters> {
    let mut values = blocks.unfolded(tables);
    let cells = blocks.cells() * over.heads().len();
    weigh(settings, values.get_mut(cells..)?, 1.0);
    Parameters::new(over, values).ok()
}

/// Makes the tables of a model over blocks rise or fall where they must: by its finest blocks.
pub(super) fn smooth_blocks(settings: &StagedSettings, blocks: &Blocks, heads: usize, values: &mut [f32]) {
    for own in settings.monotone() {
        let field = usize::from(own.field);
        let (slots, finest) = (blocks.values(field).0, blocks.finest(field).start);
        let mut table = vec![0.0; slots * heads];
        for block in blocks.all().iter().filter(|block| block.field == field) {
            for (at, sum) in table.iter_mut().enumerate() {
                *sum += f64::from(values[blocks.cell(block, at / heads) * heads + at % heads]);
            }
        }
        let before: Vec<f64> = table.clone();
        for head in 0..heads {
            smooth_head(&mut table, (head, heads), own.rising);
        }
        let own = &mut values[finest * heads..(finest + slots) * heads];
        for ((value, smooth), before) in own.iter_mut().zip(table).zip(before) {
            *value = narrow(f64::from(*value) + (smooth - before));
        }
    }
}

fn smooth_table(values: &mut [f32], heads: usize, rising: bool) {
    let mut table: Vec<f64> = values.iter().copied().map(f64::from).collect();
    for head in 0..heads {
        smooth_head(&mut table, (head, heads), rising);
    }
    values.iter_mut().zip(table).for_each(|(value, smooth)| *value = narrow(smooth));
}

fn smooth_head(table: &mut [f64], (head, heads): (usize, usize), rising: bool) {
    let mut own: Vec<f64> = table.iter().skip(head).step_by(heads).copied().collect();
    smooth(&mut own, rising);
    table.iter_mut().skip(head).step_by(heads).zip(own).for_each(|(value, smooth)| *value = smooth);
}

/// Moves intercepts to those of weighted labels (`sign` 1), or back (-1). With weights a of positives and b of negatives, the odds that are learnt
/// are a / b times the true ones.
fn weigh(settings: &StagedSettings, biases: &mut [f32], sign: f64) {
    for (head, bias) in biases.iter_mut().enumerate() {
        let [negative, positive] = settings.classes(head);
        if negative != positive {
            *bias = narrow(f64::from(*bias) + sign * ln(f64::from(positive) / f64::from(negative)));
        }
    }
}
