//! What a link sends: kept until the peer confirms that it was read, and made into records as the window allows.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::limits::{RECORD_BYTES_MAX, UNCONFIRMED_BYTES_MAX};
use crate::record::{Kind, header, record};

/// Wire bytes that are prepared ahead of being written.
const AHEAD_BYTES: usize = 512 << 10;

/// A count of read bytes that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the peer says that it has read {received} bytes of the link; between {confirmed} and {reached} were expected")]
pub(crate) struct CountFault {
    received: u64,
    confirmed: u64,
    reached: u64,
}

/// The sending side of a link's stream. Positions count bytes from the stream's begin.
#[derive(Default)]
pub(crate) struct Outgoing {
    /// Everything from `confirmed` to `end`.
    kept: VecDeque<Bytes>,
    confirmed: u64,
    /// Up to here records were made for the current connection.
    prepared: u64,
    /// Up to here records were ever made: what the peer may have read.
    reached: u64,
    end: u64,
    /// Where `prepared` lies: a piece of `kept`, and bytes of it.
    cursor: (usize, usize),
    /// Records, not yet written.
    raw: VecDeque<Bytes>,
    raw_bytes: usize,
    /// What was read of the other direction and is not yet in a record. Only the last count matters: a peer that asks again and again and never
    /// reads an answer does not fill our memory.
    confirming: Option<u64>,
}

impl Outgoing {
    /// Appends to the stream.
    pub(crate) fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.end += piece.len() as u64;
            self.kept.push_back(piece);
        }
    }

    /// Bytes that the peer has not confirmed, sent or not.
    pub(crate) fn unconfirmed(&self) -> u64 {
        self.end - self.confirmed
    }

    /// Begins on a new connection, behind what the peer has read.
    ///
    /// # Errors
    /// If the peer cannot have read so much, or forgot what it had read.
    pub(crate) fn rewind(&mut self, received: u64) -> Result<(), CountFault> {
        self.check(received)?;
        self.forget_raw();
        self.cursor = (0, 0);
        self.prepared = self.confirmed;
        self.confirm(received)
    }

    fn check(&self, received: u64) -> Result<(), CountFault> {
        let Self { confirmed, reached, .. } = *self;
        match (confirmed..=reached).contains(&received) {
            true => Ok(()),
            false => Err(CountFault { received, confirmed, reached }),
        }
    }

    /// What was prepared for a connection that is no more.
    pub(crate) fn forget_raw(&mut self) {
        self.raw.clear();
        self.raw_bytes = 0;
        self.confirming = None;
    }

    /// The peer has read so much of the stream.
    ///
    /// # Errors
    /// If that cannot be.
    pub(crate) fn confirm(&mut self, received: u64) -> Result<(), CountFault> {
        self.check(received)?;
        while self.confirmed < received {
            let piece = self.kept.front_mut().expect("what is not confirmed is kept");
            let left = usize::try_from(received - self.confirmed).unwrap_or(usize::MAX);
            if left < piece.len() {
                drop(piece.split_to(left));
                self.confirmed = received;
                self.cursor.1 = if self.cursor.0 == 0 { self.cursor.1.saturating_sub(left) } else { self.cursor.1 };
            } else {
                self.confirmed += piece.len() as u64;
                self.kept.pop_front();
                self.cursor = if self.cursor.0 == 0 { (0, 0) } else { (self.cursor.0 - 1, self.cursor.1) };
            }
        }
        self.prepared = self.prepared.max(self.confirmed);
        Ok(())
    }

    /// Puts a control record behind what is prepared.
    pub(crate) fn control(&mut self, bytes: Bytes) {
        self.raw_bytes += bytes.len();
        self.raw.push_back(bytes);
    }

    /// Confirms what was read of the other direction.
    pub(crate) fn confirm_other(&mut self, received: u64) {
        self.confirming = Some(received);
    }

    fn record_confirmation(&mut self) {
        if let Some(received) = self.confirming.take() {
            self.control(record(Kind::Confirm, &received.to_le_bytes()));
        }
    }

    /// Whether records would be made now.
    pub(crate) fn has_room(&self) -> bool {
        self.prepared < self.end
            && self.prepared - self.confirmed < UNCONFIRMED_BYTES_MAX
            && self.raw_bytes < AHEAD_BYTES
    }

    /// Makes records while the window allows.
    pub(crate) fn prepare(&mut self) {
        if self.has_room() {
            self.record_confirmation();
        }
        while self.has_room() {
            let window = UNCONFIRMED_BYTES_MAX - (self.prepared - self.confirmed);
            let length = (self.end - self.prepared).min(window);
            let length = usize::try_from(length).unwrap_or(usize::MAX).min(RECORD_BYTES_MAX);
            self.control(Bytes::copy_from_slice(&header(Kind::Data, length)));
            let mut left = length;
            while left > 0 {
                let (index, offset) = self.cursor;
                let piece = &self.kept[index];
                let taken = left.min(piece.len() - offset);
                self.raw.push_back(piece.slice(offset..offset + taken));
                self.cursor = if offset + taken == piece.len() { (index + 1, 0) } else { (index, offset + taken) };
                left -= taken;
            }
            self.raw_bytes += length;
            self.prepared += length as u64;
            self.reached = self.reached.max(self.prepared);
        }
    }

    /// What is to be written.
    pub(crate) fn raw(&mut self) -> &mut [Bytes] {
        if self.raw.is_empty() {
            self.record_confirmation();
        }
        self.raw.make_contiguous()
    }

    pub(crate) fn has_raw(&self) -> bool {
        !self.raw.is_empty() || self.confirming.is_some()
    }

    /// So many pieces were written in full; the one behind them perhaps in part.
    pub(crate) fn written(&mut self, pieces: usize) {
        self.raw.drain(..pieces);
        self.raw_bytes = self.raw.iter().map(Bytes::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The data inside records, which end at a border.
    fn data(raw: &[u8]) -> Vec<u8> {
        let (mut rest, mut all) = (raw, Vec::new());
        while let Some((head, behind)) = rest.split_first_chunk() {
            let (kind, length) = crate::record::parse_header(*head).unwrap();
            if kind == Kind::Data {
                all.extend_from_slice(&behind[..length]);
            }
            rest = &behind[length..];
        }
        all
    }

    fn drain(outgoing: &mut Outgoing) -> Vec<u8> {
        outgoing.prepare();
        let raw = outgoing.raw().concat();
        let pieces = outgoing.raw().len();
        outgoing.written(pieces);
        raw
    }

    proptest! {
        /// However the stream is cut into pieces, confirmed and taken up again, the peer reads every byte once and in order, and never more than
        /// the window is sent again.
        #[test]
        fn every_byte_arrives_once(
            pieces in prop::collection::vec(0_usize..300_000, 1..30),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..40),
        ) {
            let mut outgoing = Outgoing::default();
            let mut sent = Vec::new();
            for (index, length) in pieces.iter().enumerate() {
                let piece = vec![u8::try_from(index).unwrap(); *length];
                sent.extend_from_slice(&piece);
                outgoing.push(piece.into());
            }
            let mut got: Vec<u8> = Vec::new();
            let mut cuts = cuts.into_iter().cycle();
            let mut turns = 0;
            while got.len() < sent.len() {
                turns += 1;
                prop_assert!(turns < 10_000);
                let records = data(&drain(&mut outgoing));
                let (cut, lost) = cuts.next().unwrap();
                // Not every connection is cut at its first byte.
                let lost = lost && turns % 3 != 0;
                // The peer reads a part of what was written, and perhaps the connection ends there.
                let read = if records.is_empty() || !lost { records.len() } else { cut.index(records.len()) };
                got.extend_from_slice(&records[..read]);
                prop_assert!((records.len() - read) as u64 <= UNCONFIRMED_BYTES_MAX);
                if lost {
                    prop_assert!(outgoing.rewind(got.len() as u64).is_ok());
                } else {
                    prop_assert!(outgoing.confirm(got.len() as u64).is_ok());
                }
            }
            prop_assert_eq!(got, sent);
            prop_assert_eq!(outgoing.unconfirmed(), 0);
        }
    }

    #[test]
    fn a_window_is_never_exceeded_and_lies_are_refused() {
        let mut outgoing = Outgoing::default();
        outgoing.push(vec![1; 5 << 20].into());
        let mut written = 0;
        loop {
            let raw = data(&drain(&mut outgoing));
            if raw.is_empty() {
                break;
            }
            written += raw.len();
        }
        assert_eq!(written as u64, UNCONFIRMED_BYTES_MAX);
        assert!(
            outgoing.confirm(UNCONFIRMED_BYTES_MAX + 1).is_err() && outgoing.rewind(UNCONFIRMED_BYTES_MAX + 1).is_err()
        );
        outgoing.confirm(1_000).unwrap();
        assert!(outgoing.confirm(999).is_err() && outgoing.rewind(999).is_err());
        assert_eq!(data(&drain(&mut outgoing)).len(), 1_000);
    }

    #[test]
    fn many_questions_get_one_answer() {
        let mut outgoing = Outgoing::default();
        for received in 0..100_000 {
            outgoing.confirm_other(received);
            // What was begun stays, and one answer waits behind it.
            assert!(outgoing.has_raw() && outgoing.raw().len() <= 1);
        }
        outgoing.written(1);
        assert_eq!(outgoing.raw().concat()[4..], 99_999_u64.to_le_bytes());
        outgoing.written(1);
        assert!(!outgoing.has_raw());
    }

    /// Sizes of the records of data, and how many records of another kind.
    fn sizes(raw: &[Bytes]) -> (Vec<usize>, usize) {
        let bytes = raw.concat();
        let (mut rest, mut data, mut others) = (bytes.as_slice(), Vec::new(), 0);
        while let Some((head, behind)) = rest.split_first_chunk() {
            let (kind, length) = crate::record::parse_header(*head).unwrap();
            if kind == Kind::Data {
                data.push(length)
            } else {
                others += 1
            }
            rest = &behind[length..];
        }
        (data, others)
    }

    /// No more is prepared than is written soon, whatever part of it was written already.
    #[test]
    fn so_much_is_prepared_ahead_and_no_more() {
        let head = header(Kind::Data, 1).len();
        let mut outgoing = Outgoing::default();
        outgoing.push(vec![1; 3 << 20].into());
        outgoing.prepare();
        // The last record begins below the mark.
        let records = AHEAD_BYTES.div_ceil(RECORD_BYTES_MAX + head);
        let full = |count: usize| (vec![RECORD_BYTES_MAX; count], 0);
        assert_eq!(sizes(outgoing.raw()), full(records));
        assert_eq!(outgoing.raw_bytes, records * (RECORD_BYTES_MAX + head));
        assert!(!outgoing.has_room());
        outgoing.prepare();
        assert_eq!(sizes(outgoing.raw()), full(records), "nothing is added");
        // A header and its data are two pieces.
        outgoing.written(4);
        assert_eq!(outgoing.raw_bytes, (records - 2) * (RECORD_BYTES_MAX + head));
        outgoing.prepare();
        assert_eq!(sizes(outgoing.raw()), full(records));
        // What another connection had before it is none of this one's.
        outgoing.rewind(RECORD_BYTES_MAX as u64).unwrap();
        assert_eq!((outgoing.raw_bytes, outgoing.has_raw(), outgoing.has_room()), (0, false, true));
        outgoing.prepare();
        assert_eq!(sizes(outgoing.raw()), full(records));
    }

    #[test]
    fn what_was_read_is_told_before_data_and_only_where_data_follows() {
        let mut outgoing = Outgoing::default();
        outgoing.confirm_other(7);
        outgoing.prepare();
        assert_eq!((outgoing.raw_bytes, outgoing.confirming), (0, Some(7)), "it waits for its turn");
        outgoing.push(vec![1; 10].into());
        assert_eq!(outgoing.unconfirmed(), 10);
        outgoing.prepare();
        assert_eq!((sizes(outgoing.raw()), outgoing.confirming), ((vec![10], 1), None));
        assert_eq!(outgoing.raw()[0], record(Kind::Confirm, &7_u64.to_le_bytes()));
        // Nothing is to be sent: what was read later waits until the rest was written.
        outgoing.confirm_other(8);
        outgoing.prepare();
        assert_eq!((sizes(outgoing.raw()), outgoing.confirming), ((vec![10], 1), Some(8)));
        let pieces = outgoing.raw().len();
        outgoing.written(pieces);
        assert!(outgoing.has_raw());
        assert_eq!((sizes(outgoing.raw()), outgoing.confirming), ((Vec::new(), 1), None));
        assert!(outgoing.unconfirmed() == 10 && outgoing.confirm(10).is_ok() && outgoing.unconfirmed() == 0);
    }

    /// Where the next record begins is kept, whichever part of a piece was confirmed meanwhile.
    #[test]
    fn a_piece_that_was_confirmed_in_part_is_gone_on_with() {
        let mut outgoing = Outgoing::default();
        let piece: Vec<u8> = (0..200_u8).collect();
        outgoing.push(piece.clone().into());
        outgoing.push(Bytes::new());
        assert_eq!(outgoing.kept.len(), 1, "nothing takes no place");
        outgoing.prepare();
        assert_eq!((outgoing.cursor, outgoing.prepared, outgoing.reached), ((1, 0), 200, 200));
        outgoing.confirm(50).unwrap();
        assert_eq!((outgoing.cursor, outgoing.kept[0].len(), outgoing.unconfirmed()), ((1, 0), 150, 150));
        outgoing.push(vec![9; 5].into());
        assert_eq!(data(&drain(&mut outgoing)), [piece.as_slice(), &[9; 5]].concat());
        // The next connection goes on behind what was read.
        outgoing.rewind(120).unwrap();
        assert_eq!((outgoing.cursor, outgoing.prepared, outgoing.reached), ((0, 0), 120, 205));
        assert_eq!(data(&drain(&mut outgoing)), [&piece[120..], &[9; 5]].concat());
        outgoing.confirm(203).unwrap();
        assert_eq!((outgoing.kept.len(), outgoing.kept[0].len(), outgoing.unconfirmed()), (1, 2, 2));
        assert_eq!(outgoing.confirm(206).unwrap_err(), CountFault { received: 206, confirmed: 203, reached: 205 });
        outgoing.confirm(205).unwrap();
        assert_eq!((outgoing.cursor, outgoing.kept.len(), outgoing.unconfirmed()), ((0, 0), 0, 0));
    }
}
