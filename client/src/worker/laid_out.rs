//! The branch's rows, laid out once for each placement that the stages of a plan need.

use tributary_model::planned::Planned;
use tributary_model::stage::PlannedStage;
use tributary_model::train::{Placement, Table, TrainError, Trainer};

use super::snapshot::Snapshot;

/// Which rows, and how they are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    /// The rows that were held out of training, and not those of training.
    held_out: bool,
    placement: Placement,
}

/// Noise drawn ahead, noise in use, the sum, its words and their masks, and what is sent: eight bytes each.
const BYTES_OF_A_COORDINATE: u64 = 48;

/// One table for each layout that a plan needs.
pub(super) struct LaidOut {
    tables: Vec<(Layout, Trainer)>,
    has_held_out: bool,
}

impl LaidOut {
    /// Lays the snapshot out for every stage of a plan.
    ///
    /// # Errors
    /// If rows and network do not fit, which no row decides.
    pub(super) fn new(planned: &Planned, snapshot: &Snapshot) -> Result<Self, TrainError> {
        let has_held_out = snapshot.held_out.is_some();
        let mut tables: Vec<(Layout, Trainer)> = Vec::new();
        for stage in stages(planned) {
            let layout = Layout::of(&stage, planned, has_held_out);
            if tables.iter().all(|(known, _)| *known != layout) {
                tables.push((layout, laid(planned, layout, layout.table(snapshot))?));
            }
        }
        Ok(Self { tables, has_held_out })
    }

    /// The rows that a stage of the plan takes.
    pub(super) fn rows(&self, stage: &PlannedStage<'_>, planned: &Planned) -> Option<&Trainer> {
        let layout = Layout::of(stage, planned, self.has_held_out);
        self.tables.iter().find(|(known, _)| *known == layout).map(|(_, trainer)| trainer)
    }
}

/// What a stage takes where there is no row: as many slots, and as much time, as rows within the public maxima.
///
/// # Errors
/// As [`LaidOut::new`].
pub(super) fn emptied(stage: &PlannedStage<'_>, planned: &Planned, snapshot: &Snapshot) -> Result<Trainer, TrainError> {
    let layout = Layout::of(stage, planned, snapshot.held_out.is_some());
    laid(planned, layout, &layout.table(snapshot).emptied())
}

/// Most bytes that a plan takes within the public maxima: its tables, one more of them without rows, a pass, and its vectors. No row decides it.
pub(super) fn bytes_max(planned: &Planned, snapshot: &Snapshot) -> u64 {
    let has_held_out = snapshot.held_out.is_some();
    let mut layouts: Vec<Layout> = Vec::new();
    for stage in stages(planned) {
        let layout = Layout::of(&stage, planned, has_held_out);
        if !layouts.contains(&layout) {
            layouts.push(layout);
        }
    }
    let table = |layout: &Layout| Trainer::bytes_max(planned.architecture(), layout.table(snapshot), layout.placement);
    let tables = layouts.iter().map(table).fold(0, u64::saturating_add);
    let empty = layouts.iter().map(table).max().unwrap_or(0);
    let dimensions = stages(planned).map(|stage| u64::from(stage.terms().dimension)).fold(0, u64::saturating_add);
    tables.saturating_add(empty).saturating_add(dimensions.saturating_mul(BYTES_OF_A_COORDINATE))
}

/// Every stage of a plan, in order.
pub(super) fn stages(planned: &Planned) -> impl Iterator<Item = PlannedStage<'_>> {
    (0..).map_while(|number| planned.stage(number))
}

impl Layout {
    /// What a stage takes. One that takes any layout takes the first that another stage needs of the same rows.
    fn of(stage: &PlannedStage<'_>, planned: &Planned, has_held_out: bool) -> Self {
        let held_out = |stage: &PlannedStage<'_>| has_held_out && stage.takes_held_out();
        let own = held_out(stage);
        let same_rows = || stages(planned).filter(|other| held_out(other) == own);
        // Cells are laid out for stages that ask for them, and for no other.
        let others =
            || same_rows().filter_map(|other| other.placement()).find(|placement| *placement != Placement::Cells);
        let placement = stage.placement().or_else(others).unwrap_or(Placement::Dense);
        Self { held_out: own, placement }
    }

    fn table(self, snapshot: &Snapshot) -> &Table {
        snapshot.held_out.as_ref().filter(|_| self.held_out).unwrap_or(&snapshot.training)
    }
}

fn laid(planned: &Planned, layout: Layout, table: &Table) -> Result<Trainer, TrainError> {
    Trainer::new(planned.architecture(), table, layout.placement)
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use tributary_model::features::FeatureMatrix;
    use tributary_model::schema::Schema;
    use tributary_model::stage::StageSettings;
    use tributary_model::train::{PlacementKey, TableMaxima};
    use tributary_model::update::ClipForm;
    use tributary_protocol::digest::Digest;
    use tributary_protocol::plan::PrivacyMode;

    use super::*;
    use crate::judge::judge;
    use crate::judge::tests::{SCHEMA, count, evaluate, gradient, plan_of, policy};
    use crate::ready::FileDigests;

    const FILES: FileDigests =
        FileDigests { data: Digest::ZERO, held_out: None, counted_to: [None; 2], events: [None; 2], mapping: None };

    fn planned(stages: &[StageSettings]) -> Planned {
        let schema = Schema::parse(SCHEMA).unwrap();
        let stages: Vec<_> = stages.iter().map(|stage| (*stage, 1)).collect();
        judge(&plan_of(&schema, &[4], PrivacyMode::Customer, &stages), &schema, &policy(&schema)).unwrap()
    }

    /// What a plan takes is known before a row is laid out, and the same for any rows.
    #[test]
    fn memory_is_estimated_from_public_maxima_alone() {
        let planned = planned(&[gradient(ClipForm::Chunked), gradient(ClipForm::Exact), evaluate()]);
        let of = |rows, most| {
            let snapshot = Snapshot { training: within(rows, most), held_out: None, files: FILES };
            bytes_max(&planned, &snapshot)
        };
        assert_eq!(of(5, 50), of(0, 50));
        assert_eq!(of(5, 50), of(500, 50));
        // Each row has a slot in one table at least, of so many numbers of 32 bits.
        let width = u64::from(planned.architecture().inputs());
        let (small, large) = (of(5, 10_000), of(5, 100_000));
        assert!(large - small > 90_000 * 4 * width && large < 90_000 * 40 * width, "{small} {large}");
    }

    fn table(customers: u32) -> Table {
        within(customers, 50)
    }

    fn within(customers: u32, most: u32) -> Table {
        let schema = Schema::parse(SCHEMA).unwrap();
        let (rows, labels) = (customers as usize, schema.labels().len());
        let full = |columns| Array2::ones((rows, columns));
        let data = FeatureMatrix::new(full(schema.width()), full(labels), full(labels), (0..customers).collect());
        let maxima = TableMaxima { customers: most, rows: most, rows_per_customer: 1 };
        Table::new(data.unwrap(), maxima, &PlacementKey::new([3; 32])).unwrap()
    }

    /// Five customers to train on; three that were held out, if any were.
    fn snapshot(held_out: bool) -> Snapshot {
        Snapshot { training: table(5), held_out: held_out.then(|| table(3)), files: FILES }
    }

    /// Rows and placement by stage, and how many tables there are.
    fn laid_out(stages_of_plan: &[StageSettings], held_out: bool) -> (Vec<(usize, Placement)>, usize) {
        let (planned, snapshot) = (planned(stages_of_plan), snapshot(held_out));
        let laid_out = LaidOut::new(&planned, &snapshot).unwrap();
        let of = |stage: PlannedStage<'_>| {
            let rows = laid_out.rows(&stage, &planned).unwrap();
            let empty = emptied(&stage, &planned, &snapshot).unwrap();
            assert_eq!((empty.customers(), empty.customers_padded()), (0, rows.customers_padded()));
            (rows.customers(), Layout::of(&stage, &planned, held_out).placement)
        };
        (stages(&planned).map(of).collect(), laid_out.tables.len())
    }

    #[test]
    fn one_table_is_laid_out_for_each_placement_and_what_counts_takes_any() {
        use Placement::{Dense, Hashed};
        let (exact, chunked) = (gradient(ClipForm::Exact), gradient(ClipForm::Chunked));
        assert_eq!(laid_out(&[count()], false), (vec![(5, Dense)], 1));
        assert_eq!(laid_out(&[count(), chunked], false), (vec![(5, Hashed), (5, Hashed)], 1));
        assert_eq!(laid_out(&[exact, exact, count()], false), (vec![(5, Dense); 3], 1));
        let both = laid_out(&[count(), chunked, exact, evaluate()], false);
        assert_eq!(both, (vec![(5, Hashed), (5, Hashed), (5, Dense), (5, Hashed)], 2));
    }

    #[test]
    fn what_was_held_out_is_evaluated_and_never_trained_on() {
        use Placement::{Dense, Hashed};
        let chunked = gradient(ClipForm::Chunked);
        let apart = laid_out(&[count(), chunked, evaluate()], true);
        assert_eq!(apart, (vec![(5, Hashed), (5, Hashed), (3, Dense)], 2));
        assert_eq!(laid_out(&[chunked], true), (vec![(5, Hashed)], 1), "what nothing evaluates is not laid out");
    }
}
