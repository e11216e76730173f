//! Which row sits in which slot.

use super::slots::SLOTS;
use super::table::{ROWS_PER_CUSTOMER_MAX, Table, TableMaxima};

/// Mean rows of a micro-batch where every customer has one row: half of its slots, 11 standard deviations below overflow.
const MEAN_LOAD: u32 = 128;

/// Standard deviations that fit between mean load and overflow at the public maximum of customers.
const OVERFLOW_DEVIATIONS: u32 = 7;

/// How rows are laid out in micro-batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// One after the other, padded to the public maximum of rows. Enough for the exact form, where no customer's integers depend on its
    /// neighbours.
    Dense,
    /// By the customer's seat into a number of micro-batches that follows from public maxima alone, as the chunked form needs
    /// (docs/PRIVACY.md, "The mechanism"). A micro-batch takes so many customers that all of their rows fit. Who finds no place is counted in the exact form.
    Hashed,
    /// No micro-batches: of each row the slots that are 1, padded to the public maximum of rows. Enough for stages that look values up.
    Cells,
}

/// Rows of micro-batches.
pub(super) struct Placed {
    /// Of each micro-batch; some may be empty.
    pub(super) batches: Vec<Vec<u32>>,
    /// Of those whose micro-batch is full: with right maxima there are none, but for one chance in millions.
    pub(super) spilled: Vec<Vec<u32>>,
}

pub(super) fn place(table: &Table, placement: Placement) -> Placed {
    match placement {
        Placement::Dense => {
            let mut batches = dense(table.customers().all());
            let padded = usize::try_from(batches_padded(table.maxima(), placement)).expect("micro-batches fit memory");
            batches.resize_with(batches.len().max(padded), Vec::new);
            Placed { batches, spilled: Vec::new() }
        }
        Placement::Hashed => scatter(table),
        Placement::Cells => Placed { batches: Vec::new(), spilled: Vec::new() },
    }
}

/// Micro-batches, or groups of as many rows, that there are for any rows within public maxima.
pub(super) fn batches_padded(maxima: TableMaxima, placement: Placement) -> u64 {
    match placement {
        Placement::Dense | Placement::Cells => u64::from(maxima.rows).div_ceil(SLOTS as u64),
        Placement::Hashed => batch_count(maxima),
    }
}

/// Rows to which those within public maxima are padded where there are no micro-batches.
pub(super) fn rows_padded(maxima: TableMaxima) -> u64 {
    batches_padded(maxima, Placement::Cells).saturating_mul(SLOTS as u64)
}

fn dense(rows: &[u32]) -> Vec<Vec<u32>> {
    rows.chunks(SLOTS).map(<[u32]>::to_vec).collect()
}

/// Number of micro-batches. The mean load is [`MEAN_LOAD`] rows or, for several rows each, the largest from which overflow is
/// [`OVERFLOW_DEVIATIONS`] standard deviations away (a load of m rows in blocks of r has deviation sqrt(m r)).
fn batch_count(maxima: TableMaxima) -> u64 {
    let (customers, rows) = (maxima.customers, maxima.rows_per_customer);
    let slots = u32::try_from(SLOTS).expect("a micro-batch is small");
    let fits = |load: &u32| (slots - load).pow(2) >= OVERFLOW_DEVIATIONS.pow(2) * load * rows;
    let load = (1..=MEAN_LOAD).rev().find(fits).expect("one row fits, whatever a customer may have");
    (u64::from(customers) * u64::from(rows)).div_ceil(u64::from(load))
}

// The smallest load, a single row, leaves room for the largest customers.
const _: () = assert!((SLOTS - 1).pow(2) >= (OVERFLOW_DEVIATIONS.pow(2) * ROWS_PER_CUSTOMER_MAX) as usize);

/// Seats everybody. Of those whom the hash sends to one micro-batch the first ones in the order of their seats find a place, as many as fit
/// whatever rows they have. So when one of them leaves, at most one other moves in, from the exact form.
fn scatter(table: &Table) -> Placed {
    let count = batch_count(table.maxima());
    let places = SLOTS / table.maxima().rows_per_customer as usize;
    let mut batches = vec![(0_usize, Vec::new()); usize::try_from(count).expect("micro-batches fit memory")];
    let mut spilled: Vec<u32> = Vec::new();
    for (seat, customer) in table.seats() {
        let (word, _) = seat.as_bytes().split_first_chunk::<8>().expect("a digest has 32 bytes");
        let index = usize::try_from(u64::from_le_bytes(*word) % count).expect("below the number of micro-batches");
        let rows = table.customers().of(*customer);
        let (taken, batch) = &mut batches[index];
        if *taken < places {
            *taken += 1;
            batch.extend_from_slice(rows);
        } else {
            spilled.extend_from_slice(rows);
        }
    }
    Placed { batches: batches.into_iter().map(|(_, rows)| rows).collect(), spilled: dense(&spilled) }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::features::FeatureMatrix;
    use crate::train::PlacementKey;

    fn maxima(customers: u32, rows_per_customer: u32) -> TableMaxima {
        TableMaxima { customers, rows: customers * rows_per_customer, rows_per_customer }
    }

    #[test]
    fn the_number_of_micro_batches_is_public() {
        assert_eq!(batch_count(maxima(1, 1)), 1);
        assert_eq!(batch_count(maxima(128_000, 1)), 1000);
        assert_eq!(batch_count(maxima(128_001, 1)), 1001);
        // Two rows each still leave 8 deviations at half load; ten rows each need more room: 70 rows, not 128.
        assert_eq!(batch_count(maxima(64_000, 2)), 1000);
        assert_eq!(batch_count(maxima(1000, 10)), 143);
    }

    /// Customers of one row, all alike.
    fn twins(customers: u16, most: u32, key: u8) -> Table {
        let rows = usize::from(customers);
        let ones = || Array2::from_elem((rows, 1), 1.0);
        let indices = (0..u32::from(customers)).collect();
        let data = FeatureMatrix::new(Array2::from_elem((rows, 3), 0.5), ones(), ones(), indices).unwrap();
        Table::new(data, maxima(most, 1), &PlacementKey::new([key; 32])).unwrap()
    }

    #[test]
    fn nobody_is_left_out_when_there_are_more_than_the_maximum() {
        let table = twins(700, 128, 1);
        assert!(table.passes_maxima());
        let placed = place(&table, Placement::Hashed);
        assert_eq!((placed.batches.len(), placed.batches[0].len()), (1, SLOTS));
        let mut rows = [placed.batches.concat(), placed.spilled.concat()].concat();
        rows.sort_unstable();
        assert_eq!(rows, (0..700).collect::<Vec<_>>());
        let dense = place(&table, Placement::Dense);
        assert_eq!(dense.batches.concat().len(), 700);
    }

    #[test]
    fn work_is_padded_to_the_public_maximum() {
        for customers in [0, 1, 600] {
            let table = twins(customers, 1000, 1);
            assert_eq!(place(&table, Placement::Dense).batches.len(), 4, "{customers}");
            assert_eq!(place(&table, Placement::Hashed).batches.len(), 8, "{customers}");
        }
    }

    #[test]
    fn customers_with_equal_rows_are_scattered_all_the_same() {
        let placed = |key| place(&twins(1280, 1280, key), Placement::Hashed).batches;
        let batches = placed(1);
        assert_eq!(batches.len(), 10);
        let mut rows = batches.concat();
        rows.sort_unstable();
        assert_eq!(rows, (0..1280).collect::<Vec<_>>());
        assert!(batches.iter().all(|batch| batch.len() > 80 && batch.len() < 180));
        assert_eq!(batches, placed(1));
        assert_ne!(batches, placed(2));
    }
}
