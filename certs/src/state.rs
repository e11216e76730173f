//! Where a daemon keeps what it must not lose or show: its state folder and the files in it, judged as keys are.
//!
//! A state folder and a file in it are this process's user's, and nobody else has any right to them: who reads a budget file knows what a branch
//! takes part in, and who writes to it can give a spent budget back. What a daemon makes has mode 0700, or 0600, from the first byte.
//!
//! A folder may be a link, as service managers make them: the folder that it leads to is judged. A file may not: whoever made the link chose
//! another file. Does **not** look at the folders above. Does **not** guarantee anything about modes outside Unix.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use tributary_storage::files::user;
use tributary_storage::files::{FileError, account, create_private_folder};

/// Why a daemon's state is not used. Nothing was read from it and nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StateFault {
    /// Others have rights.
    #[error(
        "{} has the mode {mode:04o}, so that other users may {may} it; it is for this daemon's user alone, and nothing was changed. Run `chmod {right:o} {}`. \
         If others had access, compare the file with its newest copy (`tributary verify ledger`)",
        path.display(), quoted(path)
    )]
    Loose {
        /// The folder or file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What the others may do.
        may: &'static str,
        /// The mode that it should have.
        right: u32,
    },
    /// It belongs to somebody else.
    #[error(
        "{} belongs to {}, and this process runs as {}; nothing was changed. Run this command as that user, or give it to this one: `chown {user} {}`",
        path.display(), account(*owner), account(*user), quoted(path)
    )]
    OtherOwner {
        /// The folder or file.
        path: PathBuf,
        /// The number of the user that it belongs to.
        owner: u32,
        /// The number of the user that this process runs as.
        user: u32,
    },
    /// It is a link, or something else than it should be.
    #[error("{} is {found}, and not {wanted}; nothing was changed. {cure}", path.display())]
    Kind {
        /// The folder or file.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What it should be.
        wanted: &'static str,
        /// What to do.
        cure: &'static str,
    },
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Judges a state folder; one that is not there is good.
///
/// # Errors
/// [`StateFault`].
pub fn judge_folder(path: &Path) -> Result<(), StateFault> {
    let Some(found) = look(path, fs::metadata(path))? else {
        // A link that leads nowhere would be a folder of nobody knows whom.
        return match look(path, fs::symlink_metadata(path))? {
            None => Ok(()),
            Some(_) => Err(StateFault::Kind {
                path: path.to_owned(),
                found: "a link that leads nowhere",
                wanted: "a folder",
                cure: "Remove it, or make the folder that it leads to",
            }),
        };
    };
    if !found.is_dir() {
        return Err(StateFault::Kind {
            path: path.to_owned(),
            found: "a file",
            wanted: "a folder",
            cure: "Move it away, or name another folder in the settings",
        });
    }
    judge(path, &found, 0o700)
}

/// Judges a file of a state folder; one that is not there is good.
///
/// # Errors
/// [`StateFault`].
pub fn judge_file(path: &Path) -> Result<(), StateFault> {
    let Some(found) = look(path, fs::symlink_metadata(path))? else { return Ok(()) };
    if !found.is_file() {
        return Err(StateFault::Kind {
            path: path.to_owned(),
            found: if found.is_symlink() { "a link" } else { "a folder or a device" },
            wanted: "a file",
            cure: "Put the file itself there; a state folder may be a link to another place, the files in it may not",
        });
    }
    judge(path, &found, 0o600)
}

/// Makes a state folder, or judges the one that is there, and these files in it.
///
/// # Errors
/// [`StateFault`].
pub fn open_folder(path: &Path, files: &[&str]) -> Result<(), StateFault> {
    judge_state(path, files)?;
    Ok(create_private_folder(path)?)
}

/// Judges a state folder and these files in it, and makes nothing.
///
/// # Errors
/// [`StateFault`].
pub fn judge_state(path: &Path, files: &[&str]) -> Result<(), StateFault> {
    judge_folder(path)?;
    files.iter().try_for_each(|name| judge_file(&path.join(name)))
}

fn look(path: &Path, found: io::Result<Metadata>) -> Result<Option<Metadata>, StateFault> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(fault) => Err(FileError::system("reading the mode of", path)(fault).into()),
    }
}

#[cfg(unix)]
fn judge(path: &Path, found: &Metadata, right: u32) -> Result<(), StateFault> {
    use std::os::unix::fs::MetadataExt as _;
    let (mode, owner, user) = (found.mode() & 0o7777, found.uid(), user());
    if owner != user {
        return Err(StateFault::OtherOwner { path: path.to_owned(), owner, user });
    }
    let may = match (mode & 0o044 != 0, mode & 0o022 != 0) {
        _ if mode & 0o077 == 0 => return Ok(()),
        (true, true) => "read and change",
        (false, true) => "change",
        (true, false) => "read",
        (false, false) => "enter or run",
    };
    Err(StateFault::Loose { path: path.to_owned(), mode, may, right })
}

#[cfg(not(unix))]
fn judge(_: &Path, _: &Metadata, _: u32) -> Result<(), StateFault> {
    Ok(())
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+@:,".contains(letter);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    const FILES: [&str; 1] = ["a.ledger"];

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn told(path: &Path) -> String {
        open_folder(path, &FILES).unwrap_err().to_string()
    }

    #[test]
    fn a_state_folder_is_made_for_its_owner_alone_and_judged_ever_after() {
        let home = tempfile::tempdir().unwrap();
        let (folder, file) = (home.path().join("state"), home.path().join("state/a.ledger"));
        judge_state(&folder, &FILES).unwrap();
        assert!(!folder.exists(), "judging makes nothing");
        open_folder(&folder, &FILES).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o7777, 0o700);
        fs::write(&file, "x").unwrap();
        set(&file, 0o600);
        open_folder(&folder, &FILES).unwrap();
        for mode in [0o755, 0o750, 0o701, 0o710, 0o770, 0o720, 0o702] {
            set(&folder, mode);
            let told = told(&folder);
            assert!(told.contains(&format!("{mode:04o}")) && told.contains("chmod 700 "), "{told}");
        }
        set(&folder, 0o700);
        for (mode, may) in
            [(0o644, "read"), (0o640, "read"), (0o620, "change"), (0o666, "read and change"), (0o601, "run")]
        {
            set(&file, mode);
            let told = told(&folder);
            assert!(told.contains(may) && told.contains(&format!("`chmod 600 {}`", file.display())), "{told}");
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, mode, "nothing is changed");
        }
        set(&file, 0o400);
        open_folder(&folder, &FILES).unwrap();
    }

    /// The superuser gives a folder away. For anybody else the root of the file system is another user's.
    #[test]
    fn a_folder_of_another_user_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = match user() {
            0 => {
                std::os::unix::fs::chown(home.path(), Some(54_321), None).unwrap();
                home.path()
            }
            _ => Path::new("/"),
        };
        let owner = if user() == 0 { 54_321 } else { 0 };
        match judge_folder(path) {
            Err(StateFault::OtherOwner { owner: found, user: own, .. }) => assert_eq!((found, own), (owner, user())),
            other => panic!("{other:?}"),
        }
        assert!(told(path).contains(&format!("`chown {} ", user())));
    }

    #[test]
    fn a_state_folder_that_may_be_gone_tomorrow_is_not_opened() {
        let failed = tributary_storage::faults::each_sync_fails_once(
            || tempfile::tempdir().unwrap(),
            |home| open_folder(&home.path().join("bank/state"), &FILES),
        );
        assert_eq!(failed, 2);
    }

    #[test]
    fn a_folder_may_be_a_link_to_a_private_one_and_a_file_may_not() {
        let home = tempfile::tempdir().unwrap();
        let (real, link) = (home.path().join("real"), home.path().join("state"));
        symlink(&real, &link).unwrap();
        assert!(told(&link).contains("leads nowhere"));
        open_folder(&real, &FILES).unwrap();
        open_folder(&link, &FILES).unwrap();
        set(&real, 0o755);
        assert!(told(&link).contains("chmod 700"));
        set(&real, 0o700);
        fs::write(home.path().join("elsewhere"), "x").unwrap();
        set(&home.path().join("elsewhere"), 0o600);
        symlink(home.path().join("elsewhere"), real.join("a.ledger")).unwrap();
        assert!(told(&link).contains("is a link, and not a file"));
        fs::remove_file(real.join("a.ledger")).unwrap();
        fs::create_dir(real.join("a.ledger")).unwrap();
        assert!(told(&link).contains("not a file"));
        assert!(told(&home.path().join("elsewhere")).contains("is a file, and not a folder"));
    }

    #[test]
    fn a_command_to_type_survives_any_name() {
        assert_eq!(quoted(Path::new("/var/lib/a_b-1/state")), "/var/lib/a_b-1/state");
        assert_eq!(quoted(Path::new("/it's; rm x")), r"'/it'\''s; rm x'");
    }
}
