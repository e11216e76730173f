//! The public material of keyed sessions, one file each, so that a restart does not cost the batch.
//!
//! A file is, after its header, a row of parts, each after its length (`u32`, little-endian). What is in it is judged against the ledger when it is used, so
//! that a missing or damaged file costs its session and nothing else.

use std::fs;
use std::path::PathBuf;

use tributary_protocol::ids::SessionId;
use tributary_protocol::round::SessionMaterial;
use tributary_protocol::versioned::{Release, Versioned};
use tributary_storage::files::{self, Existing};

use super::{Store, StoreError};

/// The layout of a stored session.
const SESSION_FORMAT: Versioned = Versioned {
    what: "a stored session",
    magic: *b"TRIBSESS",
    version: 1,
    since: Release { major: 0, minor: 2 },
    older: "Another one is keyed in its place",
};

impl Store {
    /// Stores a session's material: durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub fn add_session(&self, material: &SessionMaterial) -> Result<(), StoreError> {
        let mut bytes = Vec::new();
        for part in material.parts() {
            let length = u32::try_from(part.len()).expect("a part is below the limit of a control message");
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(&part);
        }
        let path = self.session_file(material.session());
        Ok(files::write_stored(&path, &SESSION_FORMAT, &bytes, Existing::Replace)?)
    }

    /// Every session that is stored whole; what is not is named in the log and left out.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionMaterial> {
        let Ok(entries) = fs::read_dir(self.folder.join("sessions")) else { return Vec::new() };
        let files = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
        let material = files.filter_map(|path| {
            let bytes = match files::read_stored(&path, &SESSION_FORMAT) {
                Ok(bytes) => bytes,
                Err(fault) => {
                    tracing::warn!(%fault, "a stored session is not used; another one is keyed in its place");
                    return None;
                }
            };
            let material = parts(&bytes).map(SessionMaterial::from_parts);
            if material.as_ref().is_none_or(Result::is_err) {
                tracing::warn!(file = %path.display(), "a stored session is damaged; another one is keyed in its place");
            }
            material?.ok()
        });
        material.collect()
    }

    /// Removes a session's material. A file that is left over is harmless: the ledger does not name it.
    pub fn forget_session(&self, session: SessionId) {
        if let Err(fault) = fs::remove_file(self.session_file(session)) {
            tracing::warn!(%fault, "the material of a closed session could not be removed");
        }
    }

    fn session_file(&self, session: SessionId) -> PathBuf {
        self.folder.join("sessions").join(format!("{session}.session"))
    }
}

/// The parts of a file; nothing if it is cut.
fn parts(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        parts.push(part);
        bytes = rest;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_session_are_told_apart_and_a_cut_one_is_none() {
        let own: [&[u8]; 4] = [b"offer", b"", b"a longer part", b"x"];
        let (mut bytes, mut borders) = (Vec::new(), vec![0]);
        for part in own {
            bytes.extend_from_slice(&u32::try_from(part.len()).unwrap().to_le_bytes());
            bytes.extend_from_slice(part);
            borders.push(bytes.len());
        }
        for length in 0..=bytes.len() {
            let whole = borders.iter().position(|border| *border == length);
            assert_eq!(parts(&bytes[..length]), whole.map(|parts| own[..parts].to_vec()), "cut at {length}");
        }
    }
}
