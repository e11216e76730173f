//! Where an upload waits between its arrival and the sum: in memory while little is there, and else in a file that has no name.
//!
//! However many clients upload at once, what they send takes at most [`MEMORY_BYTES_MAX`] of memory. A file is unlinked from the start, so
//! that nothing is left of it when this process ends, however it ends. What is in it is masked: its reader learns nothing.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tributary_protocol::secagg::permit::UploadStorage;

/// Bytes of all uploads that are kept in memory.
const MEMORY_BYTES_MAX: usize = 2 << 20;

/// Bytes written to a file, and read from it, at once; a multiple of a coordinate's.
const BLOCK_BYTES: usize = 64 << 10;

/// Makes room for uploads. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Spool {
    folder: PathBuf,
    /// Bytes of memory that may still be taken.
    left: Arc<AtomicUsize>,
}

/// Room for one upload.
pub(crate) enum SpooledUpload {
    /// In memory.
    Memory {
        /// What has arrived.
        bytes: Vec<u8>,
        /// Gives the memory back.
        _room: Room,
    },
    /// In a file without a name.
    File(BufWriter<File>),
}

/// Memory that was taken; free again when dropped.
pub(crate) struct Room {
    left: Arc<AtomicUsize>,
    bytes: usize,
}

impl Spool {
    /// Files go to this folder's file system.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, left: Arc::new(AtomicUsize::new(MEMORY_BYTES_MAX)) }
    }

    /// Room for an upload of so many bytes.
    ///
    /// # Errors
    /// If no file can be made.
    pub(crate) fn room(&self, bytes: usize) -> io::Result<SpooledUpload> {
        let taken = self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(bytes));
        if taken.is_ok() {
            let room = Room { left: Arc::clone(&self.left), bytes };
            return Ok(SpooledUpload::Memory { bytes: Vec::with_capacity(bytes), _room: room });
        }
        let file = tempfile::tempfile_in(&self.folder)?;
        Ok(SpooledUpload::File(BufWriter::with_capacity(BLOCK_BYTES, file)))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.left.fetch_add(self.bytes, Ordering::AcqRel);
    }
}

impl UploadStorage for SpooledUpload {
    type Fault = io::Error;

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Memory { bytes: all, .. } => {
                all.extend_from_slice(bytes);
                Ok(())
            }
            Self::File(file) => file.write_all(bytes),
        }
    }

    fn replay(self, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        match self {
            Self::Memory { bytes, .. } => {
                each(&bytes);
                Ok(())
            }
            Self::File(file) => {
                let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.rewind()?;
                read_in_blocks(&mut file, each)
            }
        }
    }
}

/// Whole blocks, so that no coordinate is cut.
fn read_in_blocks(file: &mut File, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let mut filled = 0;
        while filled < block.len() {
            match file.read(&mut block[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        if filled == 0 {
            return Ok(());
        }
        each(&block[..filled]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(spool: &Spool, bytes: &[u8], piece: usize) -> SpooledUpload {
        let mut upload = spool.room(bytes.len()).unwrap();
        bytes.chunks(piece).for_each(|piece| upload.append(piece).unwrap());
        upload
    }

    #[test]
    fn memory_first_and_files_when_it_is_taken_and_both_give_back_what_they_got() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().to_path_buf());
        let bytes: Vec<u8> = (0..=250).cycle().take(750_008).collect();
        let uploads: Vec<SpooledUpload> = (0..4).map(|_| stored(&spool, &bytes, 1_200)).collect();
        let in_memory = |upload: &SpooledUpload| matches!(upload, SpooledUpload::Memory { .. });
        assert_eq!(uploads.iter().map(in_memory).collect::<Vec<_>>(), [true, true, false, false]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the files have no names");
        for upload in uploads {
            let mut back = Vec::new();
            upload
                .replay(&mut |piece| {
                    assert!(piece.len().is_multiple_of(8));
                    back.extend_from_slice(piece);
                })
                .unwrap();
            assert!(back == bytes);
        }
        assert!(in_memory(&spool.room(MEMORY_BYTES_MAX).unwrap()), "the memory is free again");
    }

    /// The last byte of the memory is given away, and no byte more.
    #[test]
    fn memory_is_given_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().to_path_buf());
        let in_memory = |bytes| matches!(spool.room(bytes).unwrap(), SpooledUpload::Memory { .. });
        assert!(in_memory(MEMORY_BYTES_MAX) && !in_memory(MEMORY_BYTES_MAX + 1));
        let half = spool.room(MEMORY_BYTES_MAX - 10).unwrap();
        assert!(in_memory(10) && in_memory(10) && !in_memory(11), "room is free again when an upload is dropped");
        drop(half);
        assert!(in_memory(MEMORY_BYTES_MAX));
    }

    #[test]
    fn a_folder_that_is_gone_is_an_error() {
        let spool = Spool::new(PathBuf::from("/nowhere/at/all"));
        assert!(spool.room(MEMORY_BYTES_MAX + 1).is_err());
    }
}
