//! One branch's rows, in the order in which they are laid out. Made once, before any plan is known; used by every plan.

use tributary_protocol::digest::{Digest, Hasher};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::slots::SLOTS;
use crate::features::FeatureMatrix;

/// Where a customer sits: a keyed digest of its rows, and its index.
pub(super) type Seat = (Digest, u32);

/// Most rows of one customer.
pub const ROWS_PER_CUSTOMER_MAX: u32 = 32;

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

/// Public numbers that bound a branch's work: how long a round takes follows from them, and not from the rows. A table may have more; it is
/// then learnt from whole, and takes longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableMaxima {
    /// Customers.
    pub customers: u32,
    /// Rows of all customers together.
    pub rows: u32,
    /// Rows of one customer, 1 to [`ROWS_PER_CUSTOMER_MAX`]. More rows of one customer are left out.
    pub rows_per_customer: u32,
}

/// Maxima that make no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a public maximum of the data is out of range: customers and rows are 1 or more, rows_per_customer is 1 to {ROWS_PER_CUSTOMER_MAX}; correct \
     the branch's settings"
)]
pub struct MaximaFault;

/// Rows, customers in an order of their own, and public maxima. Cannot be printed, copied or serialised: it holds customers' rows.
///
/// Why customers are ordered and seated by a keyed hash of their rows: a customer's index moves when another customer leaves the data, its
/// rows do not. Customers with equal rows are told apart by a running number; their contributions are equal, so any of them may be the one
/// that is missing.
pub struct Table {
    data: FeatureMatrix,
    maxima: TableMaxima,
    customers: CustomerRows,
    /// Ascending.
    seats: Vec<Seat>,
}

impl Table {
    /// Puts rows in order. No rows at all are legal.
    ///
    /// # Errors
    /// [`MaximaFault`], which the rows do not decide.
    pub fn new(data: FeatureMatrix, maxima: TableMaxima, key: &PlacementKey) -> Result<Self, MaximaFault> {
        let TableMaxima { customers, rows, rows_per_customer } = maxima;
        if customers == 0 || rows == 0 || !(1..=ROWS_PER_CUSTOMER_MAX).contains(&rows_per_customer) {
            return Err(MaximaFault);
        }
        let customers = CustomerRows::new(&data, rows_per_customer);
        let seats = seats(&data, &customers, key);
        Ok(Self { data, maxima, customers, seats })
    }

    /// Rows of a demonstration or a test: their own numbers are their maxima.
    #[must_use]
    pub fn of_public(data: FeatureMatrix) -> Self {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).max(1);
        let maxima = TableMaxima {
            customers: count(data.customer_count()),
            rows: count(data.rows()),
            rows_per_customer: ROWS_PER_CUSTOMER_MAX,
        };
        Self::new(data, maxima, &PlacementKey::new([0; 32])).expect("these maxima are within their limits")
    }

    /// A table without a row that has another one's width, labels and maxima: what noise alone is made from.
    #[must_use]
    pub fn emptied(&self) -> Self {
        let none = |columns| ndarray::Array2::zeros((0, columns));
        let (width, labels) = (self.data.width(), self.data.labels());
        let data =
            FeatureMatrix::new(none(width), none(labels), none(labels), Vec::new()).expect("no rows fit each other");
        Self { data, maxima: self.maxima, customers: CustomerRows::default(), seats: Vec::new() }
    }

    /// The rows.
    #[must_use]
    pub fn data(&self) -> &FeatureMatrix {
        &self.data
    }

    /// Number of distinct customers. Not public: it leaves a branch only as a noised coordinate.
    #[must_use]
    pub fn customer_count(&self) -> usize {
        self.customers.len()
    }

    /// The public maxima.
    #[must_use]
    pub fn maxima(&self) -> TableMaxima {
        self.maxima
    }

    /// Rows that were left out, because their customers have more than the maximum. For the branch's own screen.
    #[must_use]
    pub fn rows_left_out(&self) -> usize {
        self.data.rows() - self.customers.rows.len()
    }

    /// Whether there are more customers or rows than the maxima say: nobody is left out, but the time that a round takes then follows from
    /// the rows. For the branch's own screen.
    #[must_use]
    pub fn passes_maxima(&self) -> bool {
        self.customers.len() > self.maxima.customers as usize || self.customers.rows.len() > self.maxima.rows as usize
    }

    /// The rows of each customer.
    pub(super) fn customers(&self) -> &CustomerRows {
        &self.customers
    }

    /// Where each customer sits.
    pub(super) fn seats(&self) -> &[Seat] {
        &self.seats
    }
}

const _: () = assert!(ROWS_PER_CUSTOMER_MAX as usize <= SLOTS);

/// Each customer's rows, ordered by their contents, so that neither the order of the file nor other customers change anything.
#[derive(Default)]
pub(super) struct CustomerRows {
    /// One customer's after the other's.
    rows: Vec<u32>,
    /// Where each customer's rows end.
    ends: Vec<u32>,
}

impl CustomerRows {
    /// The first rows of each customer in an order of their contents.
    fn new(data: &FeatureMatrix, rows_max: u32) -> Self {
        let mut ends = vec![0_u32; data.customer_count()];
        for customer in data.customers() {
            ends[*customer as usize] += 1;
        }
        let mut all = 0;
        for end in &mut ends {
            all += *end;
            *end = all - *end;
        }
        // Where each customer's rows begin moves to where they end.
        let mut rows = vec![0; data.rows()];
        for (row, customer) in (0_u32..).zip(data.customers()) {
            let end = &mut ends[*customer as usize];
            rows[*end as usize] = row;
            *end += 1;
        }
        let (mut begin, mut kept) = (0, 0);
        for end in &mut ends {
            let (from, to) = (begin, *end as usize);
            let own = &mut rows[from..to];
            if own.len() > 1 {
                own.sort_by(|left, right| data.row_order(*left as usize, *right as usize));
            }
            let count = own.len().min(rows_max as usize);
            rows.copy_within(from..from + count, kept);
            kept += count;
            begin = to;
            *end = u32::try_from(kept).expect("kept rows are rows");
        }
        rows.truncate(kept);
        Self { rows, ends }
    }

    /// Customers.
    fn len(&self) -> usize {
        self.ends.len()
    }

    /// One customer's rows.
    pub(super) fn of(&self, customer: u32) -> &[u32] {
        let customer = customer as usize;
        let begin = customer.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.rows[begin as usize..self.ends[customer] as usize]
    }

    /// All customers' rows.
    pub(super) fn all(&self) -> &[u32] {
        &self.rows
    }
}

/// In place: a table may be large.
fn seats(data: &FeatureMatrix, customers: &CustomerRows, key: &PlacementKey) -> Vec<Seat> {
    let all = 0..u32::try_from(customers.len()).expect("customers are rows");
    let mut seats: Vec<Seat> = all.map(|customer| (content(data, customers.of(customer), key), customer)).collect();
    seats.sort_unstable();
    let mut twins = 0_u64;
    let mut before = None;
    for (place, _) in &mut seats {
        let content = *place;
        twins = if before == Some(content) { twins + 1 } else { 0 };
        before = Some(content);
        *place = Digest::of_parts(&[b"tributary/seat/1", &key.0, content.as_bytes(), &twins.to_le_bytes()]);
    }
    seats.sort_unstable();
    seats
}

fn content(data: &FeatureMatrix, rows: &[u32], key: &PlacementKey) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(b"tributary/customer/2");
    hasher.update(&key.0);
    for row in rows {
        hasher.update(data.row_bytes(*row as usize));
    }
    hasher.finish()
}
