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

/// Runs the executable to its end, in English whatever this machine speaks.
pub(crate) fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Finished {
    let output = Command::new(EXECUTABLE)
        .env("LC_ALL", "C")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the executable runs");
    finished(&output)
}

/// Types a line; a word that begins with @ is a file of this folder.
pub(crate) fn typed_in(dir: &Path, line: &str) -> Finished {
    run(line.split(' ').map(|word| match word.strip_prefix('@') {
        Some(name) => dir.join(name).display().to_string(),
        None => word.to_owned(),
    }))
}

/// A branch of a demo as it was before its first plan. No operator can do that: the budget is begun once more, its mark deleted with the file.
pub(crate) fn begin_anew(dir: &Path, name: &str) {
    begin_home_anew(dir, &dir.join("branches").join(name), name);
}

/// The same of whoever has this home.
pub(crate) fn begin_home_anew(dir: &Path, home: &Path, name: &str) {
    std::fs::remove_dir_all(home.join("state")).expect("a state folder");
    std::fs::remove_file(dir.join("identities").join(name).join("budget")).expect("a mark");
    let (config, key) = (home.join("client.toml"), home.join("owner.key"));
    let words = ["client", "budget", "begin", "--config"].map(OsStr::new);
    let begun = run(words.into_iter().chain([config.as_os_str(), OsStr::new("--key"), key.as_os_str()]));
    assert_eq!(begun.code, Some(0), "{} {}", begun.out, begun.err);
    grant_again(home);
}

/// The owner's grant of a demo's branch, carried once more into a state folder that was made anew.
pub(crate) fn grant_again(home: &Path) {
    let (grant, config) = (home.join("demo.grant"), home.join("client.toml"));
    let words = ["client", "authorise", "install"].map(OsStr::new);
    let paths = [grant.as_os_str(), OsStr::new("--config"), config.as_os_str()];
    let installed = run(words.into_iter().chain(paths));
    assert_eq!(installed.code, Some(0), "{} {}", installed.out, installed.err);
}

/// Another plan than the demo's in its place: its text changed, and signed by the demo's two people.
pub(crate) fn replan(dir: &Path, change: impl FnOnce(&str) -> String) {
    let toml = dir.join("coordinator/plan.toml");
    let text = std::fs::read_to_string(&toml).expect("the demo's plan");
    let changed = change(&text);
    assert_ne!(changed, text, "a change that changes nothing");
    std::fs::write(&toml, changed).expect("a file");
    sign_plan(dir, [&dir.join("people/e1"), &dir.join("people/e2")]);
}

/// Builds the plan of a demo's folder anew, and has two people sign it, one after the other.
pub(crate) fn sign_plan(dir: &Path, people: [&Path; 2]) {
    let done = |words: &[&OsStr]| {
        let finished = run([OsStr::new("plan")].iter().chain(words));
        assert_eq!(finished.code, Some(0), "{words:?}: {} {}", finished.out, finished.err);
        finished
    };
    let (word, central) = (OsStr::new, dir.join("coordinator"));
    let (plan, list) = (central.join("plan.tributary"), dir.join("authority/authorities"));
    std::fs::remove_file(&plan).expect("a plan before it");
    done(&[word("build"), central.join("plan.toml").as_os_str(), word("--out"), plan.as_os_str()]);
    let shown = done(&[word("show"), word("--json"), plan.as_os_str()]).json();
    let digest = shown["plan"]["digest"].as_str().expect("a digest");
    for (turn, person) in ["propose", "approve"].into_iter().zip(people) {
        let by = [word(turn), plan.as_os_str(), word("--person"), person.as_os_str()];
        done(&[&by[..], &[word("--authorities"), list.as_os_str(), word("--confirm"), word(digest)]].concat());
    }
}

/// The plan of a demo's folder is served from now on, by the coordinator of these settings.
pub(crate) fn activate(dir: &Path, settings: &Path) {
    let central = dir.join("coordinator");
    let text = std::fs::read_to_string(central.join("plan.toml")).expect("the demo's plan");
    let schema = text.lines().find_map(|line| line.strip_prefix("schema = ")).expect("a schema").trim_matches('"');
    let (plan, schema) = (central.join("plan.tributary"), central.join(schema));
    activate_plan(&plan, &schema, settings);
}

/// A signed plan is served from now on, by the coordinator of these settings.
pub(crate) fn activate_plan(plan: &Path, schema: &Path, settings: &Path) {
    let words = ["plan", "activate"].map(OsStr::new).into_iter().chain([plan.as_os_str(), OsStr::new("--schema")]);
    let activated = run(words.chain([schema.as_os_str(), OsStr::new("--config"), settings.as_os_str()]));
    assert_eq!(activated.code, Some(0), "{} {}", activated.out, activated.err);
}

/// The next roster as its office and holders make it: proposed, looked at, signed by one holder after the other, put in force. What the last
/// command said.
pub(crate) fn sign_roster(authority: &Path, holders: &[&Path]) -> String {
    let done = |words: &[&OsStr]| {
        let finished = run([OsStr::new("certs"), OsStr::new("roster")].iter().chain(words));
        assert_eq!(finished.code, Some(0), "{words:?}: {} {}", finished.out, finished.err);
        finished.out
    };
    let (proposal, last) = (authority.with_extension("proposal"), authority.join("roster"));
    let word = OsStr::new;
    done(&[word("propose"), word("--authority"), authority.as_os_str(), word("--out"), proposal.as_os_str()]);
    let against = if last.exists() { last.as_os_str() } else { word("--first") };
    let changes = done(&[word("diff"), word("--json"), against, proposal.as_os_str()]);
    let changes: serde_json::Value = serde_json::from_str(&changes).expect("one JSON object");
    let digest = changes["digest"].as_str().expect("a digest");
    for (number, holder) in holders.iter().enumerate() {
        let turn = if number == 0 { "sign" } else { "countersign" };
        let mut words = vec![word(turn), proposal.as_os_str(), word("--keys"), holder.as_os_str()];
        words.extend([word("--confirm"), word(digest)]);
        let names = std::fs::read_dir(holder).expect("a folder").map(|entry| entry.expect("listed").file_name());
        if !names
            .into_iter()
            .any(|name| ["roster-last", "roster-signed"].iter().any(|known| name.to_string_lossy().starts_with(known)))
        {
            words.push(word("--first"));
        }
        if last.exists() {
            words.extend([word("--last"), last.as_os_str()]);
        }
        done(&words);
    }
    done(&[word("install"), proposal.as_os_str(), word("--authority"), authority.as_os_str()])
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
