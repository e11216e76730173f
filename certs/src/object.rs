//! Files that hold one signed object and travel between machines.
//!
//! ```text
//! tributary grant 2
//! body 0000..
//! ```
//!
//! The body is the object's encoding, signatures included. A text that prints otherwise than it was read is refused, so that one file holds one
//! object, whoever reads it. Nobody but the user of a machine may read such a file that is written there, or have changed one that is read.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_protocol::codec;
use tributary_storage::files::{self, Existing, FileError, judge_title};

use crate::lines::{Fields, body, hex};

/// One kind of such files.
pub(crate) struct ObjectFile {
    /// The first line.
    pub(crate) title: &'static str,
    /// What it is, and what writes it.
    pub(crate) what: &'static str,
    /// Longest encoding.
    pub(crate) bytes_max: usize,
}

impl ObjectFile {
    /// The text form.
    pub(crate) fn print(&self, object: &impl Serialize) -> String {
        format!("{}\nbody {}\n", self.title, hex(&codec::encode(object)))
    }

    /// Writes a file; never replaces one.
    ///
    /// # Errors
    /// [`FileError`].
    pub(crate) fn write(&self, object: &impl Serialize, path: &Path) -> Result<(), FileError> {
        files::write_private(path, self.print(object).as_bytes(), Existing::Keep)
    }

    /// Writes a file in place of an older one.
    ///
    /// # Errors
    /// [`FileError`].
    pub(crate) fn replace(&self, object: &impl Serialize, path: &Path) -> Result<(), FileError> {
        files::write_private(path, self.print(object).as_bytes(), Existing::Replace)
    }

    /// Reads a file. Says nothing about the signatures.
    ///
    /// # Errors
    /// [`FileError`].
    pub(crate) fn read<T: Serialize + DeserializeOwned>(&self, path: &Path) -> Result<T, FileError> {
        let text = files::read_own(path, self.what)?;
        judge_title(path, &text, self.title)?;
        self.parse(&text).ok_or_else(|| FileError::content(path, self.what))
    }

    /// Reads the text of a file.
    pub(crate) fn parse<T: Serialize + DeserializeOwned>(&self, text: &str) -> Option<T> {
        let mut lines = body(text, self.title)?;
        let mut fields = Fields::of(lines.next()?);
        let bytes = fields.bytes("body")?;
        fields.end()?;
        let object = codec::decode::<T>(&bytes, self.bytes_max).ok()?;
        (self.print(&object) == text).then_some(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: ObjectFile = ObjectFile { title: "tributary numbers 1", what: "two numbers", bytes_max: 8 };

    #[test]
    fn one_file_holds_one_object_of_its_kind_and_version() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        NUMBERS.write(&(3_u8, 4_u8), &path).unwrap();
        assert_eq!(NUMBERS.read::<(u8, u8)>(&path).unwrap(), (3, 4));
        assert!(matches!(NUMBERS.write(&(3_u8, 5_u8), &path), Err(FileError::Exists { .. })));
        let text = NUMBERS.print(&(3_u8, 4_u8));
        let read = |text: &str| {
            files::write_private(&path, text.as_bytes(), Existing::Replace).unwrap();
            NUMBERS.read::<(u8, u8)>(&path)
        };
        assert!(matches!(read(&text.replace(" 1\n", " 2\n")), Err(FileError::Version { found: 2, reads: 1, .. })));
        for other in [
            format!("{text}\n"),
            text.trim_end().to_owned(),
            text.replace("body ", "body  "),
            text.replace("body ", "body 00"),
            text.replace("numbers", "letters"),
            text.to_uppercase(),
            NUMBERS.print(&[0_u8; 9]),
        ] {
            assert!(matches!(read(&other), Err(FileError::Content { .. })), "{other}");
        }
        let (longest, longer) = (NUMBERS.print(&[7_u8; 8]), NUMBERS.print(&[7_u8; 9]));
        assert_eq!((NUMBERS.parse(&longest), NUMBERS.parse::<[u8; 9]>(&longer)), (Some([7_u8; 8]), None));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_its_users_alone() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        NUMBERS.write(&(3_u8, 4_u8), &path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o622)).unwrap();
        assert!(matches!(NUMBERS.read::<(u8, u8)>(&path), Err(FileError::NotOwn { .. })));
    }
}
