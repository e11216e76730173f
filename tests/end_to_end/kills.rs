//! Processes that die without a word, over and over, while a plan of a hundred rounds goes on: what the files say at the end.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::demo::{demo, only_run};
use crate::support::{EXECUTABLE, activate, begin_anew, replan, run};

const ROUNDS: u64 = 100;
const BRANCHES: usize = 8;
const KILLS: usize = 4;
/// What a plan of so many rounds has: a twentieth of them.
const RETRIES: u64 = 5;

/// A daemon that is started again whenever it is killed, as a service manager would.
pub(crate) struct Daemon {
    arguments: Vec<String>,
    pub(crate) child: Child,
}

impl Daemon {
    /// What these words start, with a settings file after them.
    pub(crate) fn start<const N: usize>(words: [&str; N], config: &Path) -> Self {
        let arguments: Vec<String> =
            words.map(str::to_owned).into_iter().chain([config.display().to_string()]).collect();
        let child = spawn(&arguments);
        Self { arguments, child }
    }

    /// SIGKILL: nothing is flushed, closed or said.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn restart(&mut self) {
        self.child = spawn(&self.arguments);
    }

    pub(crate) fn lines(&mut self) -> BufReader<ChildStdout> {
        BufReader::new(self.child.stdout.take().unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended on its own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(arguments: &[String]) -> Child {
    let mut command = Command::new(EXECUTABLE);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Exchanges the line that starts with `key`.
pub(crate) fn edit(file: &Path, key: &str, line: &str) {
    let text = fs::read_to_string(file).unwrap();
    let old = text.lines().find(|line| line.starts_with(key)).unwrap_or_else(|| panic!("{key} in {text}"));
    fs::write(file, text.replacen(old, line, 1)).unwrap();
}

pub(crate) fn next(lines: &mut BufReader<ChildStdout>) -> serde_json::Value {
    let mut line = String::new();
    assert!(lines.read_line(&mut line).unwrap() > 0, "the coordinator ended before its plan");
    serde_json::from_str(&line).unwrap()
}

/// The next event of this name.
pub(crate) fn event(lines: &mut BufReader<ChildStdout>, name: &str) -> serde_json::Value {
    loop {
        let event = next(lines);
        if event["event"] == name {
            return event;
        }
    }
}

fn settings(dir: &Path) -> PathBuf {
    dir.join("coordinator/coordinator.toml")
}

/// A demo's federation before its first run, with a plan of so many rounds.
pub(crate) fn anew(dir: &Path, rounds: u64) {
    fs::remove_dir_all(dir.join("coordinator/state")).unwrap();
    fs::remove_dir_all(dir.join("coordinator/heads")).unwrap();
    (0..BRANCHES).for_each(|number| begin_anew(dir, &format!("branch-{number:03}")));
    replan(dir, |text| {
        let old = text.lines().find(|line| line.starts_with("rounds = ")).expect("it has rounds").to_owned();
        text.replacen(&old, &format!("rounds = {rounds}"), 1)
    });
    activate(dir, &settings(dir));
}

/// Its coordinator, until the plan is over.
pub(crate) fn serving(dir: &Path) -> Daemon {
    Daemon::start(["coordinator", "serve", "--once", "--events", "--config"], &settings(dir))
}

/// Its clients, once the coordinator listens, until the plan is over.
pub(crate) fn clients(dir: &Path, lines: &mut BufReader<ChildStdout>) -> Vec<Daemon> {
    clients_of(dir, &event(lines, "listening"))
}

/// The same, by the event that says where the coordinator listens.
pub(crate) fn clients_of(dir: &Path, listening: &serde_json::Value) -> Vec<Daemon> {
    let address = listening["address"].as_str().unwrap();
    // From here on it comes back at the same port.
    edit(&settings(dir), "listen", &format!("listen = \"{address}\""));
    let client = |number: usize| {
        let config = dir.join(format!("branches/branch-{number:03}/client.toml"));
        edit(&config, "address", &format!("address = \"{address}\""));
        Daemon::start(["client", "run", "--once", "--events", "--config"], &config)
    };
    (0..BRANCHES).map(client).collect()
}

/// Eight branches are as few as a cohort may have, so that every kill stops the plan until its victim is back.
#[test]
fn a_hundred_rounds_survive_daemons_that_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    assert_eq!(demo(&dir, &[]).code, Some(0));
    let branch = |number: usize| dir.join(format!("branches/branch-{number:03}"));
    anew(&dir, ROUNDS);
    let mut coordinator = serving(&dir);
    let mut lines = coordinator.lines();
    let mut clients = clients(&dir, &mut lines);

    let (mut kills, mut since) = (0, 0);
    let finished = loop {
        let event = next(&mut lines);
        match event["event"].as_str() {
            Some("finished") => break event,
            Some("round") => since += 1,
            _ => continue,
        }
        // Never the same distance, so that it meets another moment of the round each time. Four kills, because the other side of a dead
        // process notices only when nothing has come for the idle time of a connection.
        if since < 13 + 5 * kills || kills >= KILLS {
            continue;
        }
        since = 0;
        kills += 1;
        if kills % 2 == 0 {
            coordinator.kill();
            coordinator.restart();
            lines = coordinator.lines();
        } else {
            let victim = &mut clients[(5 * kills) % BRANCHES];
            victim.kill();
            victim.restart();
        }
    };
    assert_eq!(kills, KILLS);
    assert_eq!((finished["complete"].as_bool(), finished["rounds"].as_u64()), (Some(true), Some(ROUNDS)));
    coordinator.child.wait().unwrap();
    for client in &mut clients {
        assert_eq!(client.child.wait().unwrap().code(), Some(0), "a client ends with its plan");
    }
    audit(&dir, &branch);
}

/// Every committed round follows from the ledger, and no branch spent what its own file does not say.
fn audit(dir: &Path, branch: &dyn Fn(usize) -> PathBuf) {
    let verified = |file: PathBuf| {
        let done = run(["verify".as_ref(), "ledger".as_ref(), "--json".as_ref(), file.as_os_str()]);
        assert_eq!(done.code, Some(0), "{}: {} {}", file.display(), done.out, done.err);
        done.json()
    };
    let ledger = verified(dir.join("coordinator/state/audit.log"));
    let ledger = only_run(&ledger);
    let (committed, charged) = (ledger["rounds_committed"].as_u64(), ledger["rounds_charged"].as_u64().unwrap());
    assert_eq!(committed, Some(ROUNDS), "{ledger}");
    assert!((ROUNDS..=ROUNDS + RETRIES).contains(&charged), "{ledger}");
    for number in 0..BRANCHES {
        let budget = verified(branch(number).join("state/budget.ledger"));
        let rounds = budget["runs"][0]["rounds"].as_u64().unwrap();
        // It was in every committed round, because eight are the fewest, and in no round that was not started.
        assert!((ROUNDS..=charged).contains(&rounds), "branch {number}: {rounds} of {charged}");
    }
    let report = Reported::of(dir);
    report.released_is_charged_but_for_aborted_rounds();
    report.charges_are_those_of_each_budget(branch);
}

/// The compliance report of everything.
struct Reported(serde_json::Value);

impl Reported {
    fn of(dir: &Path) -> Self {
        let output = dir.join("killed.json");
        let words = ["report", "compliance", "--preset", "yearly", "--config"].map(Path::new);
        let config = settings(dir);
        let made = run(words.into_iter().chain([config.as_path(), Path::new("--output"), output.as_path()]));
        assert_eq!(made.code, Some(0), "{} {}", made.out, made.err);
        let file: serde_json::Value = serde_json::from_str(&fs::read_to_string(output).unwrap()).unwrap();
        Self(file["report"].clone())
    }

    fn released_is_charged_but_for_aborted_rounds(&self) {
        let (run, sum) = (&self.0["runs"][0], &self.0["summary"]);
        let epsilon = |name: &str| run[name].as_str().unwrap().parse::<f64>().unwrap();
        let (released, charged) = (epsilon("epsilon_released"), epsilon("epsilon_charged"));
        let aborted = sum["rounds_aborted"].as_u64().unwrap();
        assert_eq!(sum["rounds_charged"].as_u64(), Some(ROUNDS + aborted), "{sum}");
        assert!(released <= charged && (released < charged) == (aborted > 0), "{released} {charged} {aborted}");
        assert!(charged <= epsilon("epsilon_run"));
    }

    /// Whoever was killed and whoever was not: what a branch's own file says was charged is what the journal says.
    fn charges_are_those_of_each_budget(&self, branch: &dyn Fn(usize) -> PathBuf) {
        let branches = self.0["spending"]["branches"].as_array().unwrap();
        assert_eq!(branches.len(), BRANCHES);
        for (number, line) in branches.iter().enumerate() {
            let file = branch(number).join("state/budget.ledger");
            let own = run(["verify".as_ref(), "ledger".as_ref(), "--json".as_ref(), file.as_os_str()]).json();
            let (said, own) = (line["closing"].as_str().unwrap(), own["epsilon"].as_f64().unwrap());
            assert_eq!(said, format!("{own:.6}"), "branch {number}: {line}");
        }
    }
}

/// A coordinator that ends when the journal has a model, and before it has the model's card: the next start writes the card, once.
#[test]
fn a_card_that_is_not_written_yet_is_written_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    assert_eq!(demo(&dir, &[]).code, Some(0));
    anew(&dir, 3);
    let (state, config) = (dir.join("coordinator/state"), settings(&dir));
    let (cards, log) = (state.join("cards"), state.join("audit.log").display().to_string());
    let entries = || {
        let steps = run(["verify", "ledger", "--step", &log]);
        assert_eq!(steps.code, Some(0), "{} {}", steps.out, steps.err);
        let steps = format!("{}{}", steps.out, steps.err);
        let said = |words: [&str; 2]| steps.lines().filter(|line| words.iter().all(|word| line.contains(word))).count();
        (said(["model ", " registered: a candidate for"]), said(["card ", " written"]))
    };
    let mut coordinator = serving(&dir);
    let mut lines = coordinator.lines();
    // A file in the place of the folder: no card is written there.
    event(&mut lines, "listening");
    fs::write(&cards, b"").unwrap();
    fs::set_permissions(&cards, fs::Permissions::from_mode(0o600)).unwrap();
    drop((coordinator, lines));
    let mut coordinator = serving(&dir);
    let mut lines = coordinator.lines();
    let mut clients = clients(&dir, &mut lines);
    let rest = std::io::read_to_string(lines).unwrap();
    assert_ne!(coordinator.child.wait().unwrap().code(), Some(0), "{rest}");
    assert_eq!(entries(), (1, 0), "{rest}");
    fs::remove_file(&cards).unwrap();
    for _ in 0..2 {
        coordinator.restart();
        let rest = std::io::read_to_string(coordinator.lines()).unwrap();
        assert_eq!(coordinator.child.wait().unwrap().code(), Some(0), "{rest}");
        assert_eq!(entries(), (1, 1), "{rest}");
    }
    for client in &mut clients {
        client.kill();
    }
    let listed = run(["model", "list", "--json", "--config", &config.display().to_string()]).json();
    let (model, out) = (listed["models"][0]["model"].as_str().unwrap(), dir.join("card.json").display().to_string());
    let shown = run(["model", "card", model, "--config", &config.display().to_string(), "--out", &out]);
    assert_eq!(shown.code, Some(0), "{} {}", shown.out, shown.err);
}
