//! The ready file beside a table: of which day the data are, and the table's checksum. Whoever exports a table writes it last.
//!
//! ```text
//! tributary data 1
//! date 2026-11-30
//! 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  customers.csv
//! ```
//!
//! The last line is what `sha256sum customers.csv` prints in the table's folder. The file is called as the table is, with `.ok` after it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;
use tributary_storage::files::{Existing, FileError, read_titled, shown, write_public};
use tributary_texts::{Language, Said, ready as words};

const TITLE: &str = "tributary data 1";
const WHAT: &str = "ready file: a title, `date YYYY-MM-DD`, and a line of `sha256sum`";
/// After the table's own name.
const SUFFIX: &str = ".ok";
/// Longest ready file: a longer one is something else.
const BYTES_MAX: u64 = 4096;

/// What a ready file says of its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Of which day the data are.
    pub date: Date,
    /// The SHA-256 of the table's file.
    pub digest: Digest,
}

/// Why a ready file is not believed.
#[derive(Debug, thiserror::Error)]
pub enum StampFault {
    /// There is none.
    #[error("{}", self.said().text(Language::English))]
    Absent {
        /// Where it would be.
        path: PathBuf,
        /// The table.
        table: PathBuf,
    },
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is of another form.
    #[error("{}", self.said().text(Language::English))]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: Said,
    },
    /// The table is another one than the ready file is about.
    #[error("{}", self.said().text(Language::English))]
    Differs {
        /// The table.
        table: PathBuf,
        /// By the ready file.
        said: Digest,
        /// As it was read.
        found: Digest,
    },
}

impl StampFault {
    /// In both languages.
    #[must_use]
    pub fn said(&self) -> Said {
        match self {
            Self::Absent { path, table } => words::stamp_absent(shown(path), shown(table)),
            Self::File(fault) => Said::verbatim(fault),
            Self::Form { path, what } => words::stamp_form(shown(path), what),
            Self::Differs { table, said, found } => words::stamp_differs(shown(table), said, found),
        }
    }
}

impl Stamp {
    /// Where the ready file of a table is.
    #[must_use]
    pub fn path(table: &Path) -> PathBuf {
        let mut name = OsString::from(table);
        name.push(SUFFIX);
        name.into()
    }

    /// Reads the ready file of a table.
    ///
    /// # Errors
    /// [`StampFault`].
    pub fn read(table: &Path) -> Result<Self, StampFault> {
        let path = Self::path(table);
        match std::fs::metadata(&path) {
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {
                return Err(StampFault::Absent { path, table: table.to_owned() });
            }
            Ok(found) if found.is_file() && found.len() > BYTES_MAX => {
                return Err(StampFault::Form { path, what: words::stamp_too_long() });
            }
            _ => {}
        }
        let text = read_titled(&path, TITLE, WHAT)?;
        let name = table.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        parse(&text, name).map_err(|what| StampFault::Form { path, what })
    }

    /// Writes the ready file of a table that was read.
    ///
    /// # Errors
    /// [`StampFault`], where the table has a name that no line can have, or the file cannot be written.
    pub fn write(&self, table: &Path) -> Result<PathBuf, StampFault> {
        let path = Self::path(table);
        let name = table.file_name().and_then(|name| name.to_str()).filter(|name| !name.contains(['\n', '\r', '\\']));
        let Some(name) = name else {
            return Err(StampFault::Form { path, what: words::stamp_name() });
        };
        let text = format!("{TITLE}\ndate {}\n{}  {name}\n", self.date, self.digest);
        write_public(&path, text.as_bytes(), Existing::Replace)?;
        Ok(path)
    }

    /// Whether the table that was read is the one that this is about.
    ///
    /// # Errors
    /// [`StampFault::Differs`].
    pub fn holds(&self, table: &Path, found: Digest) -> Result<(), StampFault> {
        if self.digest == found {
            return Ok(());
        }
        Err(StampFault::Differs { table: table.to_owned(), said: self.digest, found })
    }
}

fn parse(text: &str, table: &str) -> Result<Stamp, Said> {
    // Windows ends its lines otherwise.
    let mut lines = text.lines();
    if lines.next() != Some(TITLE) {
        return Err(words::stamp_title());
    }
    let date = lines.next().and_then(|line| line.strip_prefix("date ")).and_then(Date::parse);
    let date = date.ok_or_else(words::stamp_date)?;
    let (hex, name) = lines.next().and_then(|line| line.split_at_checked(64)).ok_or_else(words::stamp_sum)?;
    let digest = Digest::from_hex(hex).ok_or_else(words::stamp_digits)?;
    let name = name.strip_prefix("  ").or_else(|| name.strip_prefix(" *")).ok_or_else(words::stamp_sum)?;
    if name != table {
        return Err(words::stamp_of_another());
    }
    if lines.next().is_some() {
        return Err(words::stamp_too_many());
    }
    Ok(Stamp { date, digest })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn table(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let table = folder.path().join("rows.csv");
        std::fs::write(folder.path().join("rows.csv.ok"), text).unwrap();
        (folder, table)
    }

    fn read(text: &str) -> Result<Stamp, String> {
        let (_folder, table) = table(text);
        Stamp::read(&table).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_ready_file_is_what_sha256sum_makes() {
        let stamp = Stamp { date: Date::parse("2026-11-30").unwrap(), digest: Digest::from_hex(HEX).unwrap() };
        for (end, mark) in [("\n", "  "), ("\r\n", " *")] {
            let text = format!("tributary data 1{end}date 2026-11-30{end}{HEX}{mark}rows.csv{end}");
            assert_eq!(read(&text), Ok(stamp), "{text:?}");
        }
        let (_folder, table) = table("");
        assert_eq!(stamp.write(&table).unwrap(), Stamp::path(&table));
        assert_eq!(Stamp::read(&table).unwrap(), stamp);
        assert!(stamp.holds(&table, stamp.digest).is_ok());
        let fault = stamp.holds(&table, Digest::ZERO).unwrap_err().to_string();
        assert!(fault.contains(HEX) && fault.contains("replaced, changed or cut"), "{fault}");
    }

    #[test]
    fn what_is_no_ready_file_is_not_believed() {
        let good = format!("tributary data 1\ndate 2026-11-30\n{HEX}  rows.csv\n");
        assert!(read(&good).is_ok());
        let rows = [
            (String::new(), "first line"),
            (good.replace("data 1", "data one"), "first line"),
            (good.replace("date 2026-11-30", "date 2026-11-31"), "second line"),
            (good.replace("date 2026-11-30", "date 30.11.2026"), "second line"),
            (good.replace("date ", "Date "), "second line"),
            (good.replace(HEX, &HEX[..63]), "third line"),
            (good.replace(HEX, &"é".repeat(32)), "third line"),
            (good.replace("  rows.csv", " rows.csv"), "third line"),
            (good.replace("rows.csv", "other.csv"), "names another file"),
            (good.replace("rows.csv", "../rows.csv"), "names another file"),
            (format!("{good}\n"), "more than three lines"),
            (format!("{good}{}", "x".repeat(5_000)), "longer than 4096 bytes"),
        ];
        for (text, what) in rows {
            let fault = read(&text).unwrap_err();
            assert!(fault.contains(what), "{text:?}: {fault}");
        }
        // Another version is named as one.
        assert!(read(&good.replace("data 1", "data 2")).unwrap_err().contains("version"), "a newer one");
        let folder = tempfile::tempdir().unwrap();
        let absent = Stamp::read(&folder.path().join("rows.csv")).unwrap_err();
        assert!(matches!(absent, StampFault::Absent { .. }), "{absent}");
        std::fs::create_dir(folder.path().join("rows.csv.ok")).unwrap();
        assert!(matches!(Stamp::read(&folder.path().join("rows.csv")), Err(StampFault::File(_))));
        std::fs::remove_dir(folder.path().join("rows.csv.ok")).unwrap();
        std::fs::write(folder.path().join("rows.csv.ok"), [0xff; 40]).unwrap();
        assert!(matches!(Stamp::read(&folder.path().join("rows.csv")), Err(StampFault::File(_))));
    }

    proptest::proptest! {
        #[test]
        fn any_text_ends(text in ".{0,200}", tail in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
            let tail: String = tail.into_iter().map(char::from).collect();
            let _ = parse(&text, "rows.csv");
            let _ = parse(&format!("{TITLE}\ndate 2026-11-30\n{tail}"), "rows.csv");
        }
    }
}
