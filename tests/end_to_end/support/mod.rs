//! What the process-level tests share: the built executable, and what it printed.

pub(crate) mod ledger;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The built executable.
pub(crate) const EXECUTABLE: &str = env!("CARGO_BIN_EXE_tributary");

/// A finished process.
pub(crate) struct Finished {
    /// The exit code; none after a signal.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// Runs the executable to its end.
pub(crate) fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Finished {
    let output = Command::new(EXECUTABLE).args(arguments).stdin(Stdio::null()).output().expect("the executable runs");
    finished(&output)
}

/// A branch of a demo as it was before its first plan. No operator can do that: the budget is begun once more, its mark deleted with the file.
pub(crate) fn begin_anew(dir: &Path, name: &str) {
    let home = dir.join("branches").join(name);
    std::fs::remove_dir_all(home.join("state")).expect("a state folder");
    std::fs::remove_file(dir.join("identities").join(name).join("budget")).expect("a mark");
    let (config, key) = (home.join("client.toml"), home.join("owner.key"));
    let words = ["client", "budget", "begin", "--config"].map(OsStr::new);
    let begun = run(words.into_iter().chain([config.as_os_str(), OsStr::new("--key"), key.as_os_str()]));
    assert_eq!(begun.code, Some(0), "{} {}", begun.out, begun.err);
}

/// What a process left behind.
pub(crate) fn finished(output: &Output) -> Finished {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    Finished { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

impl Finished {
    /// Standard output as one JSON object, with nothing beside it.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(self.out.trim()).unwrap_or_else(|fault| panic!("{fault}: {} {}", self.out, self.err))
    }

    /// Asserts an exit code and parts of standard error, and that no failure shows its inside.
    pub(crate) fn assert_refused(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{} {}", self.out, self.err);
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is missing in: {}", self.err);
        }
        for inside in ["panicked", "RUST_BACKTRACE", "stack backtrace"] {
            assert!(!self.err.contains(inside), "{}", self.err);
        }
    }
}
