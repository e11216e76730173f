//! The SHA-256 of a file, of the very bytes that are read from it: whoever replaces the file between two looks is noticed.

use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use tributary_protocol::digest::{Digest, Hasher};

/// Bytes that are taken at once where nobody reads them any more.
const CHUNK_BYTES: usize = 1 << 16;

/// What was read of a file so far.
#[derive(Clone)]
pub(super) struct Fingerprint(Arc<Mutex<Taken>>);

struct Taken {
    file: File,
    hasher: Hasher,
}

/// The file's bytes, each of which is in the fingerprint once it was read.
pub(super) struct Watched(Fingerprint);

impl Fingerprint {
    pub(super) fn of(file: File) -> Self {
        Self(Arc::new(Mutex::new(Taken { file, hasher: Hasher::new() })))
    }

    pub(super) fn reader(&self) -> Watched {
        Watched(self.clone())
    }

    /// Reads what nobody has read yet, and gives the digest of the whole file.
    pub(super) fn finish(&self) -> io::Result<Digest> {
        io::copy(&mut io::BufReader::with_capacity(CHUNK_BYTES, self.reader()), &mut io::sink())?;
        Ok(self.taken(|taken| taken.hasher.clone().finish()))
    }

    fn taken<T>(&self, with: impl FnOnce(&mut Taken) -> T) -> T {
        // A panic elsewhere leaves the hasher as it was before or after some bytes: the file's digest then is of no file, and is believed nowhere.
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Read for Watched {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.taken(|taken| {
            let count = taken.file.read(out)?;
            taken.hasher.update(&out[..count]);
            Ok(count)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_and_what_is_not_is_in_the_digest_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..200_000_u32).map(|number| (number % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        for read in [0, 1, 70_000, 200_000] {
            let fingerprint = Fingerprint::of(File::open(&path).unwrap());
            let mut begin = vec![0; read];
            fingerprint.reader().read_exact(&mut begin).unwrap();
            assert_eq!(begin, bytes[..read]);
            assert_eq!(fingerprint.finish().unwrap(), Digest::of(&bytes), "{read}");
        }
    }

    /// The open file is the one that is read to its end, whatever lies at its path meanwhile.
    #[test]
    fn a_file_that_is_replaced_while_it_is_read_does_not_change_the_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"one and all").unwrap();
        let fingerprint = Fingerprint::of(File::open(&path).unwrap());
        fingerprint.reader().read_exact(&mut [0; 3]).unwrap();
        let other = folder.path().join("other");
        std::fs::write(&other, b"another one").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(fingerprint.finish().unwrap(), Digest::of(b"one and all"));
    }
}
