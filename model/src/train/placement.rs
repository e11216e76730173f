//! Which row sits in which slot.

use tributary_protocol::digest::{Digest, Hasher};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{SLOTS, TrainError};
use crate::features::FeatureMatrix;

/// Most rows of one customer that fit fixed micro-batches.
pub const ROWS_PER_CUSTOMER_MAX: u32 = 32;

/// Mean rows of a micro-batch where every customer has one row: half of its slots, 11 standard deviations below overflow.
const MEAN_LOAD: u32 = 128;

/// Standard deviations that must fit between mean load and overflow.
const OVERFLOW_DEVIATIONS: u32 = 7;

/// The key that scatters customers over micro-batches: 32 bytes that the caller draws from its entropy at start and tells nobody. Erased when
/// dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct PlacementKey([u8; 32]);

impl PlacementKey {
    /// Takes ownership of 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// How rows are laid out in micro-batches.
pub enum Placement {
    /// One behind the other. Enough for the exact form, where no customer's integers depend on its neighbours.
    Dense,
    /// By a keyed hash of each customer into a number of micro-batches that follows from public maxima alone, as the chunked form needs
    /// (PRIVACY, section 2).
    ///
    /// Why the hash is over the customer's rows: a customer's index moves when another customer leaves the data, its rows do not. Customers
    /// with equal rows are told apart by a running number; their contributions are equal, so any of them may be the one that is missing.
    Hashed {
        /// Secret; a new one for each process.
        key: PlacementKey,
        /// Public maximum of the branch's customers, from its policy.
        customers_max: u32,
        /// Public maximum of one customer's rows, 1 to [`ROWS_PER_CUSTOMER_MAX`], from the policy.
        rows_per_customer_max: u32,
    },
}

/// The rows of each micro-batch that has any. A customer's rows are neighbours, in an order of their own contents, so that neither the order
/// of the file nor other customers change anything.
pub(super) fn place(data: &FeatureMatrix, placement: &Placement) -> Result<Vec<Vec<usize>>, TrainError> {
    let customers = rows_by_customer(data);
    match placement {
        Placement::Dense => Ok(customers.concat().chunks(SLOTS).map(<[usize]>::to_vec).collect()),
        Placement::Hashed { key, customers_max, rows_per_customer_max } => {
            let batches = batch_count(*customers_max, *rows_per_customer_max)?;
            if customers.len() > *customers_max as usize {
                return Err(TrainError::Customers(*customers_max));
            }
            if customers.iter().any(|rows| rows.len() > *rows_per_customer_max as usize) {
                return Err(TrainError::Rows(*rows_per_customer_max));
            }
            scatter(data, &customers, key, batches)
        }
    }
}

/// Number of micro-batches for `customers` of at most `rows` rows each: the mean load is [`MEAN_LOAD`] rows or, for several rows each, the
/// largest from which overflow is [`OVERFLOW_DEVIATIONS`] standard deviations away (a load of m rows in blocks of r has deviation sqrt(m r)).
fn batch_count(customers: u32, rows: u32) -> Result<u64, TrainError> {
    if customers == 0 || rows == 0 || rows > ROWS_PER_CUSTOMER_MAX {
        return Err(TrainError::Maximum);
    }
    let slots = u32::try_from(SLOTS).expect("a micro-batch is small");
    let fits = |load: &u32| (slots - load).pow(2) >= OVERFLOW_DEVIATIONS.pow(2) * load * rows;
    let load = (1..=MEAN_LOAD).rev().find(fits).ok_or(TrainError::Maximum)?;
    Ok((u64::from(customers) * u64::from(rows)).div_ceil(u64::from(load)))
}

fn scatter(
    data: &FeatureMatrix,
    customers: &[Vec<usize>],
    key: &PlacementKey,
    batches: u64,
) -> Result<Vec<Vec<usize>>, TrainError> {
    let mut contents: Vec<(Digest, usize)> =
        customers.iter().enumerate().map(|(customer, rows)| (content(data, rows, key), customer)).collect();
    contents.sort_unstable();
    let mut seats = Vec::with_capacity(contents.len());
    let mut twins = 0_u64;
    for (index, (digest, customer)) in contents.iter().enumerate() {
        twins = if index > 0 && contents[index - 1].0 == *digest { twins + 1 } else { 0 };
        let seat = Digest::of_parts(&[b"tributary/seat/1", &key.0, digest.as_bytes(), &twins.to_le_bytes()]);
        let (word, _) = seat.as_bytes().split_first_chunk::<8>().expect("a digest has 32 bytes");
        seats.push((u64::from_le_bytes(*word) % batches, seat, *customer));
    }
    seats.sort_unstable();
    seats
        .chunk_by(|left, right| left.0 == right.0)
        .map(|batch| {
            let rows: Vec<usize> =
                batch.iter().flat_map(|(_, _, customer)| customers[*customer].iter().copied()).collect();
            if rows.len() > SLOTS { Err(TrainError::Overflow) } else { Ok(rows) }
        })
        .collect()
}

/// Each customer's rows, ordered by their contents.
fn rows_by_customer(data: &FeatureMatrix) -> Vec<Vec<usize>> {
    let mut customers = vec![Vec::new(); data.customer_count()];
    for (row, customer) in data.customers().iter().enumerate() {
        customers[*customer as usize].push(row);
    }
    for rows in customers.iter_mut().filter(|rows| rows.len() > 1) {
        rows.sort_by_cached_key(|row| bits(data, *row));
    }
    customers
}

/// A row's contents, as integers that can be ordered.
fn bits(data: &FeatureMatrix, row: usize) -> Vec<u32> {
    let parts = [data.features(), data.targets(), data.present()];
    parts.iter().flat_map(|part| part.row(row).into_iter().map(|value| value.to_bits())).collect()
}

fn content(data: &FeatureMatrix, rows: &[usize], key: &PlacementKey) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(b"tributary/customer/1");
    hasher.update(&key.0);
    for row in rows {
        let mut bytes: Vec<u8> = bits(data, *row).into_iter().flat_map(u32::to_le_bytes).collect();
        hasher.update(&bytes);
        bytes.zeroize();
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn the_number_of_micro_batches_is_public() {
        assert_eq!(batch_count(1, 1), Ok(1));
        assert_eq!(batch_count(128_000, 1), Ok(1000));
        assert_eq!(batch_count(128_001, 1), Ok(1001));
        // Two rows each still leave 8 deviations at half load; ten rows each need more room: 70 rows, not 128.
        assert_eq!(batch_count(64_000, 2), Ok(1000));
        assert_eq!(batch_count(1000, 10), Ok(143));
        assert!(batch_count(1000, ROWS_PER_CUSTOMER_MAX).is_ok());
        for (customers, rows) in [(0, 1), (1, 0), (1, ROWS_PER_CUSTOMER_MAX + 1)] {
            assert_eq!(batch_count(customers, rows), Err(TrainError::Maximum));
        }
    }

    fn twins(customers: u16) -> FeatureMatrix {
        let rows = usize::from(customers);
        let ones = || Array2::from_elem((rows, 1), 1.0);
        let indices = (0..u32::from(customers)).collect();
        FeatureMatrix::new(Array2::from_elem((rows, 3), 0.5), ones(), ones(), indices)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn an_overflow_is_refused() {
        let data = twins(300);
        let customers = rows_by_customer(&data);
        let key = PlacementKey::new([1; 32]);
        assert_eq!(scatter(&data, &customers, &key, 1).err(), Some(TrainError::Overflow));
        assert!(scatter(&data, &customers, &key, 3).is_ok());
    }

    #[test]
    fn customers_with_equal_rows_are_scattered_all_the_same() {
        let placed = |key| {
            let placement =
                Placement::Hashed { key: PlacementKey::new([key; 32]), customers_max: 1280, rows_per_customer_max: 1 };
            place(&twins(1280), &placement).unwrap()
        };
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
