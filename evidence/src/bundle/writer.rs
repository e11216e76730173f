//! Writing a bundle, part by part.

use std::io::{Read, Write};

use tributary_protocol::digest::{Digest, Hasher};

use super::format::{BundleFault, FORMAT, Part, is_name, table, table_digest};

/// So much is copied at once.
const PIECE_BYTES: usize = 1 << 18;

/// A bundle in the making. It holds its table in memory, and no part.
pub struct BundleWriter<W> {
    out: W,
    offset: u64,
    parts: Vec<Part>,
    piece: Vec<u8>,
}

impl<W: Write> BundleWriter<W> {
    /// Begins a bundle.
    ///
    /// # Errors
    /// [`BundleFault::Io`].
    pub fn new(mut out: W) -> Result<Self, BundleFault> {
        let header = FORMAT.header();
        out.write_all(&header)?;
        Ok(Self { out, offset: header.len() as u64, parts: Vec::new(), piece: vec![0; PIECE_BYTES] })
    }

    /// Adds the next part. Names ascend.
    ///
    /// # Errors
    /// [`BundleFault::Name`] for a name that cannot be the next one, [`BundleFault::Io`].
    pub fn part(&mut self, name: &str, from: &mut dyn Read) -> Result<(), BundleFault> {
        if !is_name(name) || self.parts.last().is_some_and(|last| last.name.as_str() >= name) {
            return Err(BundleFault::Name(name.to_owned()));
        }
        let (mut hasher, offset) = (Hasher::new(), self.offset);
        loop {
            let read = from.read(&mut self.piece)?;
            let Some(piece) = self.piece.get(..read).filter(|piece| !piece.is_empty()) else { break };
            hasher.update(piece);
            self.out.write_all(piece)?;
            self.offset = self.offset.saturating_add(read as u64);
        }
        let length = self.offset.saturating_sub(offset);
        self.parts.push(Part { name: name.to_owned(), offset, length, digest: hasher.finish() });
        Ok(())
    }

    /// Ends the bundle; the digest that names it.
    ///
    /// # Errors
    /// [`BundleFault::Io`].
    pub fn finish(mut self) -> Result<(W, Digest), BundleFault> {
        let table = table(&self.parts);
        let digest = table_digest(&table);
        self.out.write_all(&table)?;
        self.out.write_all(&self.offset.to_le_bytes())?;
        self.out.write_all(&(table.len() as u64).to_le_bytes())?;
        self.out.write_all(digest.as_bytes())?;
        self.out.flush()?;
        Ok((self.out, digest))
    }
}
