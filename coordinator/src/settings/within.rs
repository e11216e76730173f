//! Whether a file lies in a folder, whatever it is called.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// Links that are followed at most, as a kernel does.
const LINKS_MAX: usize = 40;

/// Whether a file lies in a folder, or would: `..` and links on the way are followed, also where the last parts are not there yet.
pub(super) fn is_within(file: &Path, folder: &Path) -> bool {
    real(file).starts_with(real(folder))
}

/// Where a path leads. A part that is not there is taken as it stands.
fn real(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let parts = |path: &Path| path.components().map(|part| part.as_os_str().to_owned()).collect::<VecDeque<OsString>>();
    let (mut left, mut found, mut links) = (parts(&whole), PathBuf::new(), 0);
    while let Some(part) = left.pop_front() {
        match Path::new(&part).components().next() {
            Some(Component::ParentDir) => drop(found.pop()),
            Some(Component::Normal(name)) => {
                let next = found.join(name);
                match std::fs::read_link(&next) {
                    Ok(target) if links < LINKS_MAX => {
                        links += 1;
                        let mut target = parts(&target);
                        target.append(&mut left);
                        left = target;
                    }
                    _ => found = next,
                }
            }
            Some(Component::CurDir) | None => {}
            // A link to a whole path begins anew.
            Some(Component::RootDir | Component::Prefix(_)) => found.push(&part),
        }
    }
    found
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_folder_is_recognised_by_whatever_way_one_comes() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::create_dir_all(path("elsewhere/deep")).unwrap();
        symlink("elsewhere/deep", path("short")).unwrap();
        symlink(path("state"), path("to-state")).unwrap();
        symlink("../state/copy.log", path("elsewhere/link.log")).unwrap();
        symlink("round", path("round")).unwrap();
        let inside = [
            "state/copy.log",
            "state/new/copy.log",
            "elsewhere/../state/copy.log",
            "none/../state/copy.log",
            "short/../../state/copy.log",
            "to-state/copy.log",
            "elsewhere/link.log",
            "./state/./copy.log",
        ];
        let outside = [
            "copy.log",
            "state.log",
            "state/../copy.log",
            "short/state/copy.log",
            "to-state/../copy.log",
            "round/a.log",
        ];
        // Before the folder is there, and after.
        for _ in 0..2 {
            for name in inside {
                assert!(is_within(&path(name), &path("state")), "{name}");
                assert!(is_within(&path(name), &path("to-state")), "{name}");
            }
            for name in outside {
                assert!(!is_within(&path(name), &path("state")), "{name}");
            }
            std::fs::create_dir_all(path("state")).unwrap();
        }
    }
}
