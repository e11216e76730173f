//! Where rows wait between the reading of a table and the writing of its scores: in files without names, beside the file that is made. So memory does not grow
//! with the table.
//!
//! A table is read once. Which row of a customer counts, and where the tenths of the file lie, is known only after the last row. Both are found exactly,
//! in passes over what was kept:
//!
//! - 16 bytes of each customer's key, in parts of about [`PART_ROWS`] customers;
//! - each row's scores, in the passes of [`CutSearch`].
//!
//! Who refuses may change until the file gets its name. 16 bytes of the plainest spelling of each key say whose rows go then, without another reading.
//!
//! In memory there are one bit for each row, one part of the keys (14 MB at most), and the counts of one pass: about 50 MB at most for one label, and
//! 2.4 MB for each further one. With a challenger these counts are there twice, because each model has tenths of its own.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};
use std::path::Path;

use tributary_model::features::EncodedRow;
use tributary_model::score::{CutSearch, DecileCuts};
use tributary_protocol::digest::{Digest, Hasher};

use super::rater::Turn;
use crate::data::{CustomerKey, plainest};

/// Customers whose keys are looked at in one pass, about. Their table has 2^19 places, of which seven eighths may be used.
const PART_ROWS: u64 = 400_000;

/// Bytes of a row after its encoding: its stage and its model.
const ENDS: usize = 2;

/// Bytes of a score.
const LOGIT: usize = 8;

/// A stage's number where there is none.
const NO_STAGE: u8 = u8::MAX;

type Key = CustomerKey;

/// Rows on their way in.
pub(super) struct Spool {
    /// Each row's key, as every table has it and in its plainest spelling.
    keys: Option<BufWriter<File>>,
    /// Each row's encoding, stage and model.
    rows: BufWriter<File>,
    /// Each row's model and scores.
    scores: BufWriter<File>,
    /// Each row's customer, after its length.
    customers: BufWriter<File>,
    count: u32,
    digest: RowsDigest,
    form: Form,
}

#[derive(Clone, Copy)]
struct Form {
    row_bytes: usize,
    heads: usize,
}

/// One row on its way in.
pub(super) struct Spooled<'row> {
    /// Its fields.
    pub(super) encoded: EncodedRow<'row>,
    /// The number of its customer's stage.
    pub(super) stage: Option<usize>,
    /// Which model scores it.
    pub(super) turn: Turn,
    /// What that model says of it.
    pub(super) logits: &'row [f64],
    /// What its customer is known by; nothing where each row is a customer.
    pub(super) key: Option<&'row str>,
    /// The customer as the table writes it.
    pub(super) customer: &'row str,
}

/// All rows of a table.
pub(super) struct SpooledRows {
    keys: Option<File>,
    rows: File,
    scores: File,
    customers: File,
    count: u32,
    digest: Digest,
    form: Form,
}

/// Which rows do not count, because another one of their customer's does.
pub(super) struct Superseded {
    bits: Vec<u64>,
    /// How many.
    pub(super) rows: u32,
    /// Rows of the customer who has most.
    pub(super) most: u32,
}

impl Spool {
    /// In the file system of this folder, for rows of so many bytes and so many scores.
    pub(super) fn new(folder: &Path, row_bytes: usize, heads: usize, keyed: bool) -> io::Result<Self> {
        let file = || tempfile::tempfile_in(folder).map(|file| BufWriter::with_capacity(1 << 16, file));
        let keys = if keyed { Some(file()?) } else { None };
        let digest = RowsDigest([0; 32]);
        let form = Form { row_bytes, heads };
        Ok(Self { keys, rows: file()?, scores: file()?, customers: file()?, count: 0, digest, form })
    }

    pub(super) fn push(&mut self, row: &Spooled<'_>) -> io::Result<()> {
        let key = row.key.map(key_of);
        if let Some(keys) = &mut self.keys {
            keys.write_all(&key.unwrap_or_default())?;
            keys.write_all(&row.key.map(plainest).unwrap_or_default())?;
        }
        let bytes = row.encoded.bytes();
        debug_assert_eq!(bytes.len(), self.form.row_bytes);
        self.rows.write_all(bytes)?;
        let stage = row.stage.and_then(|stage| u8::try_from(stage).ok()).unwrap_or(NO_STAGE);
        let turn = row.turn as u8;
        self.rows.write_all(&[stage, turn])?;
        self.scores.write_all(&[turn])?;
        for logit in row.logits {
            self.scores.write_all(&logit.to_le_bytes())?;
        }
        let length = u32::try_from(row.customer.len()).map_err(io::Error::other)?;
        self.customers.write_all(&length.to_le_bytes())?;
        self.customers.write_all(row.customer.as_bytes())?;
        self.digest.add(&key.unwrap_or_default(), bytes);
        self.count += 1;
        Ok(())
    }

    pub(super) fn finish(self) -> io::Result<SpooledRows> {
        let whole = |file: BufWriter<File>| file.into_inner().map_err(io::IntoInnerError::into_error);
        Ok(SpooledRows {
            keys: self.keys.map(whole).transpose()?,
            rows: whole(self.rows)?,
            scores: whole(self.scores)?,
            customers: whole(self.customers)?,
            count: self.count,
            digest: self.digest.finish(self.count),
            form: self.form,
        })
    }
}

impl SpooledRows {
    /// How many rows there are.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// A digest of all encoded rows and of whose they are, whatever their order is: what a database gives has no other one.
    pub(super) fn digest(&self) -> Digest {
        self.digest
    }

    /// Of each customer's rows the first one counts in an order of their own contents, as where a model is evaluated; of equal rows the one that was read
    /// first.
    pub(super) fn superseded(&self) -> io::Result<Superseded> {
        let words = usize::try_from(self.count.div_ceil(64)).map_err(io::Error::other)?;
        let mut found = Superseded { bits: vec![0; words], rows: 0, most: 1 };
        let Some(keys) = &self.keys else { return Ok(found) };
        let parts = u64::from(self.count).div_ceil(PART_ROWS).max(1);
        // Parts are of about the same size, and not of the very same one.
        let room = u64::from(self.count) / parts;
        let room = usize::try_from(room + room / 16).map_err(io::Error::other)?;
        let (mut one, mut other) = (vec![0; self.form.row_bytes], vec![0; self.form.row_bytes]);
        for part in 0..parts {
            // Room from the beginning: a table that grows is there twice meanwhile.
            let mut counting: HashMap<Key, (u32, u32)> = HashMap::with_capacity(room);
            let mut reader = begin(keys)?;
            let (mut key, mut plain) = (Key::default(), Key::default());
            for row in 0..self.count {
                reader.read_exact(&mut key)?;
                reader.read_exact(&mut plain)?;
                let (half, _) = key.split_first_chunk::<8>().expect("a key has 16 bytes");
                if u64::from_le_bytes(*half) % parts != part {
                    continue;
                }
                let Some((first, rows)) = counting.get_mut(&key) else {
                    counting.insert(key, (row, 1));
                    continue;
                };
                *rows += 1;
                found.most = found.most.max(*rows);
                self.read_row(*first, &mut one)?;
                self.read_row(row, &mut other)?;
                if EncodedRow::new(&other) < EncodedRow::new(&one) {
                    found.set(*first);
                    *first = row;
                } else {
                    found.set(row);
                }
            }
        }
        Ok(found)
    }

    /// The same without the rows of customers who refuse, as if the table had been read without them, and how many rows these are. Nothing where nobody of
    /// them is there, or where no customer is known.
    pub(super) fn without(
        &self,
        folder: &Path,
        refuses: &dyn Fn(&CustomerKey) -> bool,
    ) -> io::Result<Option<(Self, u32)>> {
        let Some(keys) = &self.keys else { return Ok(None) };
        let (mut keys, mut rows) = (begin(keys)?, begin(&self.rows)?);
        let (mut scores, mut customers) = (begin(&self.scores)?, begin(&self.customers)?);
        let mut left = Spool::new(folder, self.form.row_bytes, self.form.heads, true)?;
        let (mut key, mut plain) = (Key::default(), Key::default());
        let (mut row, mut score) = (vec![0; self.form.row_bytes + ENDS], vec![0; 1 + self.form.heads * LOGIT]);
        let (mut length, mut customer) = ([0; 4], Vec::new());
        for _ in 0..self.count {
            keys.read_exact(&mut key)?;
            keys.read_exact(&mut plain)?;
            rows.read_exact(&mut row)?;
            scores.read_exact(&mut score)?;
            read_customer(&mut customers, &mut length, &mut customer)?;
            if refuses(&plain) {
                continue;
            }
            if let Some(keys) = &mut left.keys {
                keys.write_all(&key)?;
                keys.write_all(&plain)?;
            }
            left.rows.write_all(&row)?;
            left.scores.write_all(&score)?;
            left.customers.write_all(&length)?;
            left.customers.write_all(&customer)?;
            left.digest.add(&key, row.get(..self.form.row_bytes).unwrap_or_default());
            left.count += 1;
        }
        let gone = self.count - left.count;
        if gone == 0 { Ok(None) } else { left.finish().map(|left| Some((left, gone))) }
    }

    fn read_row(&self, row: u32, bytes: &mut [u8]) -> io::Result<()> {
        let at = u64::from(row) * (self.form.row_bytes + ENDS) as u64;
        let mut file = &self.rows;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(bytes)
    }

    /// The cuts between the tenths of each head, for each model among its own customers; nothing for a model without a row.
    pub(super) fn cuts(&self, superseded: &Superseded) -> io::Result<Cuts> {
        // Of a model without a row there is no room either.
        let mut searches: [Vec<CutSearch>; 2] = [Vec::new(), Vec::new()];
        let mut cuts = [None, None];
        for _ in 0..CutSearch::PASSES {
            let mut reader = begin(&self.scores)?;
            let (mut turn, mut score) = ([0], [0; LOGIT]);
            for row in 0..self.count {
                reader.read_exact(&mut turn)?;
                let own = &mut searches[turn_of(turn[0])? as usize];
                if own.is_empty() {
                    own.resize_with(self.form.heads, CutSearch::new);
                }
                for search in own {
                    reader.read_exact(&mut score)?;
                    if !superseded.has(row) {
                        search.see(f64::from_le_bytes(score));
                    }
                }
            }
            for (searches, cuts) in searches.iter_mut().zip(&mut cuts) {
                // Each head's pass ends, also where another one has no cuts yet.
                let ended: Vec<Option<DecileCuts>> = searches.iter_mut().map(CutSearch::end_pass).collect();
                *cuts = ended.into_iter().collect::<Option<Vec<DecileCuts>>>().filter(|cuts| !cuts.is_empty());
            }
        }
        Ok(Cuts(cuts))
    }

    /// Every row that counts, in the table's order: its customer, its fields, its stage and its model.
    pub(super) fn each(
        &self,
        superseded: &Superseded,
        mut hand: impl FnMut(&str, EncodedRow<'_>, Option<usize>, Turn) -> io::Result<()>,
    ) -> io::Result<()> {
        let (mut rows, mut customers) = (begin(&self.rows)?, begin(&self.customers)?);
        let (mut bytes, mut length, mut customer) = (vec![0; self.form.row_bytes + ENDS], [0; 4], Vec::new());
        for row in 0..self.count {
            rows.read_exact(&mut bytes)?;
            read_customer(&mut customers, &mut length, &mut customer)?;
            if superseded.has(row) {
                continue;
            }
            let (encoded, ends) = bytes.split_at(self.form.row_bytes);
            let stage = ends.first().copied().filter(|stage| *stage != NO_STAGE).map(usize::from);
            let turn = turn_of(ends.get(1).copied().unwrap_or_default())?;
            hand(std::str::from_utf8(&customer).map_err(io::Error::other)?, EncodedRow::new(encoded), stage, turn)?;
        }
        Ok(())
    }
}

/// Where the tenths of each model and head end.
pub(super) struct Cuts([Option<Vec<DecileCuts>>; 2]);

impl Cuts {
    /// Those of a model, head by head; none where the model has no row.
    pub(super) fn of(&self, turn: Turn) -> &[DecileCuts] {
        self.0[turn as usize].as_deref().unwrap_or_default()
    }

    /// Whether no model has a row.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

/// A model by the number that was written.
fn turn_of(number: u8) -> io::Result<Turn> {
    Turn::ALL.get(usize::from(number)).copied().ok_or_else(|| io::Error::other("a row of no model"))
}

impl Superseded {
    fn place(row: u32) -> (usize, u64) {
        (usize::try_from(row / 64).unwrap_or(usize::MAX), 1 << (row % 64))
    }

    fn set(&mut self, row: u32) {
        let (word, bit) = Self::place(row);
        if let Some(word) = self.bits.get_mut(word) {
            *word |= bit;
            self.rows += 1;
        }
    }

    pub(super) fn has(&self, row: u32) -> bool {
        let (word, bit) = Self::place(row);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }
}

fn begin(file: &File) -> io::Result<BufReader<&File>> {
    let mut file = file;
    file.rewind()?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

/// The next customer, after its length.
fn read_customer(customers: &mut impl Read, length: &mut [u8; 4], customer: &mut Vec<u8>) -> io::Result<()> {
    customers.read_exact(length)?;
    customer.resize(usize::try_from(u32::from_le_bytes(*length)).map_err(io::Error::other)?, 0);
    customers.read_exact(customer)
}

fn key_of(text: &str) -> Key {
    let digest = Digest::of(text.as_bytes());
    let (half, _) = digest.0.split_first_chunk().expect("a digest has 32 bytes");
    *half
}

/// The sum of all rows' digests, as numbers of 256 bits: no order matters, and no row need be kept. It tells one state of a table from another for whoever
/// reads its scores; it defends against nobody who chooses rows.
struct RowsDigest([u8; 32]);

impl RowsDigest {
    fn add(&mut self, key: &Key, bytes: &[u8]) {
        let mut hasher = Hasher::new();
        hasher.update(key);
        hasher.update(bytes);
        let mut carry = 0_u16;
        for (sum, own) in self.0.iter_mut().zip(hasher.finish().0) {
            let [low, high] = (u16::from(*sum) + u16::from(own) + carry).to_le_bytes();
            (*sum, carry) = (low, u16::from(high));
        }
    }

    fn finish(&self, rows: u32) -> Digest {
        let mut hasher = Hasher::new();
        hasher.update(b"tributary/scored-rows/1");
        hasher.update(&rows.to_le_bytes());
        hasher.update(&self.0);
        hasher.finish()
    }
}
