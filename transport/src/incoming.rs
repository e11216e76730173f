//! What a link receives: records taken apart, in pieces of any size, without copying the stream's bytes.

use bytes::{Buf as _, Bytes};

use crate::record::{HEADER_BYTES, Kind, RecordFault, parse_header};

/// Takes the records of one connection apart.
#[derive(Default)]
pub(crate) struct Incoming {
    chunk: Bytes,
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    open: Option<Open>,
}

struct Open {
    kind: Kind,
    missing: usize,
    /// Of a control record.
    payload: Vec<u8>,
}

/// What was found.
pub(crate) enum Item {
    /// The next bytes of the stream.
    Data(Bytes),
    /// A control record.
    Control(Kind, Vec<u8>),
}

impl Incoming {
    /// More bytes of the connection; the last ones were used up.
    pub(crate) fn feed(&mut self, chunk: Bytes) {
        debug_assert!(self.chunk.is_empty(), "what arrived first is used first");
        self.chunk = chunk;
    }

    /// Whether bytes wait to be taken apart.
    pub(crate) fn is_fed(&self) -> bool {
        !self.chunk.is_empty()
    }

    /// The next item of what was fed; nothing when more is needed.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub(crate) fn next(&mut self) -> Result<Option<Item>, RecordFault> {
        loop {
            let Some(open) = &mut self.open else {
                let taken = (HEADER_BYTES - self.header_bytes).min(self.chunk.len());
                self.header[self.header_bytes..self.header_bytes + taken].copy_from_slice(&self.chunk[..taken]);
                self.chunk.advance(taken);
                self.header_bytes += taken;
                if self.header_bytes < HEADER_BYTES {
                    return Ok(None);
                }
                self.header_bytes = 0;
                let (kind, missing) = parse_header(self.header)?;
                self.open = Some(Open { kind, missing, payload: Vec::new() });
                continue;
            };
            if open.missing > 0 && self.chunk.is_empty() {
                return Ok(None);
            }
            let piece = self.chunk.split_to(open.missing.min(self.chunk.len()));
            open.missing -= piece.len();
            if open.kind == Kind::Data {
                if open.missing == 0 {
                    self.open = None;
                }
                if piece.is_empty() {
                    continue;
                }
                return Ok(Some(Item::Data(piece)));
            }
            open.payload.extend_from_slice(&piece);
            if open.missing == 0 {
                let open = self.open.take().expect("it is open");
                return Ok(Some(Item::Control(open.kind, open.payload)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::record;

    fn kind() -> impl Strategy<Value = (Kind, Vec<u8>)> {
        let bytes = |length: std::ops::Range<usize>| prop::collection::vec(any::<u8>(), length);
        prop_oneof![
            bytes(0..40).prop_map(|payload| (Kind::Data, payload)),
            bytes(8..9).prop_map(|payload| (Kind::Confirm, payload)),
            Just((Kind::Ping, Vec::new())),
            bytes(0..40).prop_map(|payload| (Kind::End, payload)),
        ]
    }

    proptest! {
        /// However a connection cuts its bytes, the same records come out: control records whole and in their place, and data without a byte more or
        /// less. A record of data without a byte is nothing.
        #[test]
        fn records_are_taken_apart_wherever_they_are_cut(
            records in prop::collection::vec(kind(), 0..20),
            cuts in prop::collection::vec(1_usize..30, 1..8),
        ) {
            let mut bytes: Bytes = records.iter().flat_map(|(kind, payload)| record(*kind, payload)).collect();
            let (mut incoming, mut found) = (Incoming::default(), Vec::<(Kind, Vec<u8>)>::new());
            for cut in cuts.iter().cycle() {
                while let Some(item) = incoming.next().unwrap() {
                    match (item, found.last_mut()) {
                        (Item::Data(piece), Some((Kind::Data, data))) => data.extend_from_slice(&piece),
                        (Item::Data(piece), _) => found.push((Kind::Data, piece.to_vec())),
                        (Item::Control(kind, payload), _) => found.push((kind, payload)),
                    }
                }
                prop_assert!(!incoming.is_fed());
                if bytes.is_empty() {
                    break;
                }
                incoming.feed(bytes.split_to((*cut).min(bytes.len())));
                prop_assert!(incoming.is_fed());
            }
            // Pieces of data that follow each other are one stream.
            let mut expected = Vec::<(Kind, Vec<u8>)>::new();
            for (kind, payload) in records.into_iter().filter(|(kind, data)| *kind != Kind::Data || !data.is_empty()) {
                match expected.last_mut() {
                    Some((Kind::Data, data)) if kind == Kind::Data => data.extend(payload),
                    _ => expected.push((kind, payload)),
                }
            }
            prop_assert_eq!(found, expected);
        }
    }
}
