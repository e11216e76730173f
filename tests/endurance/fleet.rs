//! A coordinator and its branches, and what the system says of their processes.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tributary_planning::settings::PURPOSE_DEFAULT;

use crate::support::{EXECUTABLE, activate_plan, replan, run};

/// Branches of a fleet where nothing else is asked for.
pub(crate) const BRANCHES: usize = 8;

/// So long that only a hanging program meets it.
const PATIENCE: Duration = Duration::from_secs(300);

/// A daemon, which can be started again, and what it says.
pub(crate) struct Daemon {
    name: String,
    arguments: Vec<OsString>,
    log: PathBuf,
    /// Under which number of a user it runs; nothing: this process's own.
    user: Option<u32>,
    child: Child,
    lines: mpsc::Receiver<String>,
}

/// What a process holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) resident_bytes: u64,
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
}

/// What a process holds that no other one shares, in bytes.
pub(crate) fn unshared(status: &str) -> u64 {
    let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let kilobytes = |name: &str| line(name).trim().trim_end_matches(" kB").parse::<u64>().unwrap();
    kilobytes("Private_Clean:") * 1024 + kilobytes("Private_Dirty:") * 1024
}

impl std::fmt::Display for Held {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { resident_bytes, descriptors, threads } = self;
        write!(out, "{:.1} MB resident, {descriptors} descriptors, {threads} threads", *resident_bytes as f64 / 1e6)
    }
}

impl Daemon {
    fn start(name: &str, words: &[&str], config: &Path, (log, user): (PathBuf, Option<u32>)) -> Self {
        let arguments: Vec<OsString> =
            words.iter().map(OsString::from).chain(["--config".into(), config.into()]).collect();
        let (child, lines) = spawn(&arguments, &log, user);
        Self { name: name.to_owned(), arguments, log, user, child, lines }
    }

    /// SIGKILL, and another process in its place.
    pub(crate) fn kill_and_start(&mut self) {
        self.kill();
        (self.child, self.lines) = spawn(&self.arguments, &self.log, self.user);
    }

    fn kill(&mut self) {
        // It may have ended on its own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and another process in its place; how long that one takes until it says this.
    pub(crate) fn start_time(&mut self, event: &str) -> Duration {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGTERM).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{} stops well", self.name);
        let begun = Instant::now();
        (self.child, self.lines) = spawn(&self.arguments, &self.log, self.user);
        self.until(event);
        begun.elapsed()
    }

    /// The next event of this name.
    pub(crate) fn until(&mut self, event: &str) -> Value {
        let begun = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let Ok(line) = self.lines.recv_timeout(left) else {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                panic!("{} says no {event}; its log ends: {}", self.name, &log[log.len().saturating_sub(2_000)..]);
            };
            let told: Value = serde_json::from_str(&line).unwrap();
            if told["event"] == event {
                return told;
            }
        }
    }

    /// How many events of this name it says within this time, with those before it that nobody has listened to.
    pub(crate) fn said_within(&mut self, time: Duration, event: &str) -> usize {
        let begun = Instant::now();
        let mut count = 0;
        while let Ok(line) = self.lines.recv_timeout(time.saturating_sub(begun.elapsed())) {
            count += usize::from(serde_json::from_str::<Value>(&line).unwrap()["event"] == event);
        }
        count
    }

    /// Bytes that no other process shares with it.
    pub(crate) fn unshared(&self) -> u64 {
        unshared(&fs::read_to_string(self.of_process("smaps_rollup")).unwrap())
    }

    fn of_process(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.id()))
    }

    pub(crate) fn held(&self) -> Held {
        let status = fs::read_to_string(self.of_process("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").trim().parse().unwrap();
        let count = |folder: &str| fs::read_dir(self.of_process(folder)).unwrap().count();
        Held { resident_bytes: kilobytes * 1024, descriptors: count("fd"), threads: count("task") }
    }

    /// CPU time so far, of user and system, in the kernel's hundredths.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(self.of_process("stat")).unwrap();
        let after_name = stat.rsplit_once(')').unwrap().1;
        let ticks = after_name.split_whitespace().skip(11).take(2).map(|word| word.parse::<u64>().unwrap());
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(arguments: &[OsString], log: &Path, user: Option<u32>) -> (Child, mpsc::Receiver<String>) {
    let log = File::options().create(true).append(true).open(log).unwrap();
    let mut command = Command::new(EXECUTABLE);
    command.args(arguments).env("LC_ALL", "C").env("TRIBUTARY_LOG", "warn");
    if let Some(user) = user {
        command.uid(user).gid(user).current_dir("/");
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (sender, lines) = mpsc::channel();
    // Whoever is not listened to must not block.
    std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    (child, lines)
}

/// The files of a demo, and its daemons over them.
pub(crate) struct Fleet {
    branches: usize,
    _folder: tempfile::TempDir,
    dir: PathBuf,
    pub(crate) coordinator: Daemon,
    pub(crate) clients: Vec<Daemon>,
}

fn done(words: &[&OsStr]) -> String {
    let finished = run(words);
    assert_eq!(finished.code, Some(0), "{words:?}: {} {}", finished.out, finished.err);
    finished.out
}

impl Fleet {
    /// A demo of two short runs has made everything. Its budgets pay for an epsilon of 100 more, and its owners grant a thousand runs more.
    /// The daemons stay when a run is over.
    pub(crate) fn start() -> Self {
        Self::of(BRANCHES, "20", None)
    }

    /// As [`Fleet::start`], with so many branches of so many customers, each as a user of its own where a first number of a user is given.
    pub(crate) fn of(branches: usize, customers: &str, users: Option<u32>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().canonicalize().unwrap().join("run");
        let count = branches.to_string();
        let mut words: Vec<&OsStr> =
            ["demo", "--branches", &count, "--customers-per-branch", customers, "--rounds", "1"]
                .map(OsStr::new)
                .to_vec();
        words.extend(["--runs", "2", "--epsilon", "50", "--dir"].map(OsStr::new));
        words.push(dir.as_os_str());
        done(&words);
        let settings = dir.join("coordinator/coordinator.toml");
        let coordinator = Self::serve(&dir, &settings);
        let mut fleet = Self { branches, _folder: folder, dir, coordinator, clients: Vec::new() };
        let listening = fleet.coordinator.until("listening");
        // From here on it comes back at the same port.
        let address = listening["address"].as_str().unwrap();
        edit(&settings, "listen", &format!("listen = \"{address}\""));
        for number in 0..branches {
            let config = fleet.home(number).join("client.toml");
            edit(&config, "address", &format!("address = \"{address}\""));
            fleet.grant(number);
            let user = users.map(|first| first + u32::try_from(number).unwrap());
            user.into_iter().for_each(|user| fleet.give(number, user));
            let log = fleet.dir.join(format!("client-{number}.log"));
            fleet.clients.push(Daemon::start("a branch", &["client", "run", "--events"], &config, (log, user)));
        }
        fleet
    }

    /// Waits until every branch has a connection.
    pub(crate) fn all_connected(&mut self) {
        for client in &mut self.clients {
            client.until("connected");
        }
    }

    fn serve(dir: &Path, settings: &Path) -> Daemon {
        let log = (dir.join("coordinator.log"), None);
        Daemon::start("the coordinator", &["coordinator", "serve", "--events"], settings, log)
    }

    /// Everything of a branch belongs to this user alone, who finds the way to it.
    fn give(&self, number: usize, user: u32) {
        let name = format!("branch-{number:03}");
        for above in [
            self._folder.path(),
            &self.dir,
            &self.dir.join("branches"),
            &self.dir.join("identities"),
            &self.dir.join("data"),
        ] {
            fs::set_permissions(above, fs::Permissions::from_mode(0o711)).unwrap();
        }
        give_all(&self.home(number), user);
        give_all(&self.dir.join("identities").join(&name), user);
        for file in fs::read_dir(self.dir.join("data")).unwrap().map(|entry| entry.unwrap().path()) {
            if file.file_name().unwrap().to_string_lossy().starts_with(&name) {
                give_all(&file, user);
            }
        }
    }

    fn home(&self, number: usize) -> PathBuf {
        self.dir.join(format!("branches/branch-{number:03}"))
    }

    /// The one grant of a branch from now on: the demo's has no runs left.
    fn grant(&self, number: usize) {
        let grants = self.home(number).join("state/grants");
        fs::read_dir(&grants).unwrap().for_each(|grant| fs::remove_file(grant.unwrap().path()).unwrap());
        let (config, key) = (self.home(number).join("client.toml"), self.home(number).join("owner.key"));
        let words = ["client", "authorise", "grant", "--proposer", "bank/e1", "--purpose", PURPOSE_DEFAULT];
        let figures = ["--epsilon-run", "50", "--epsilon-year", "200", "--runs", "1000", "--config"];
        let mut all: Vec<&OsStr> = words.into_iter().chain(figures).map(OsStr::new).collect();
        all.extend([config.as_os_str(), OsStr::new("--key"), key.as_os_str()]);
        done(&all);
    }

    /// Makes the demo's plan anew, with these keys changed, and gives its signed file. Nobody serves it yet.
    pub(crate) fn plan(&self, name: &str, lines: &[(&str, String)]) -> PathBuf {
        replan(&self.dir, |text| {
            let lines = text.lines().filter_map(|line| {
                let key = line.split(" = ").next().unwrap_or_default();
                match lines.iter().find(|(changed, _)| *changed == key) {
                    Some((_, line)) if line.is_empty() => None,
                    Some((_, line)) => Some(line.clone()),
                    None if key == "name" => Some(format!("name = \"{name}\"")),
                    None => Some(line.to_owned()),
                }
            });
            lines.map(|line| line + "\n").collect()
        });
        let file = self.dir.join(format!("coordinator/{name}.tributary"));
        fs::copy(self.dir.join("coordinator/plan.tributary"), &file).unwrap();
        file
    }

    /// The coordinator serves a plan from now on.
    pub(crate) fn activate(&self, plan: &Path) {
        activate_plan(plan, &self.dir.join("schema.toml"), &self.dir.join("coordinator/coordinator.toml"));
    }

    /// The journals of all of them, recomputed.
    pub(crate) fn verify(&self) {
        let of_branches = (0..self.branches).map(|number| self.home(number).join("state/budget.ledger"));
        for file in of_branches.chain([self.dir.join("coordinator/state/audit.log")]) {
            done(&[OsStr::new("verify"), OsStr::new("ledger"), file.as_os_str()]);
        }
    }

    /// Bytes of the coordinator's journal.
    pub(crate) fn journal_bytes(&self) -> u64 {
        fs::metadata(self.dir.join("coordinator/state/audit.log")).unwrap().len()
    }

    /// CPU time of all processes so far.
    pub(crate) fn cpu(&self) -> Duration {
        self.clients.iter().chain([&self.coordinator]).map(Daemon::cpu).sum()
    }
}

fn give_all(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give_all(&entry.unwrap().path(), user));
    }
}

/// Exchanges the line that starts with `key`.
fn edit(file: &Path, key: &str, line: &str) {
    let text = fs::read_to_string(file).unwrap();
    let old = text.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    fs::write(file, text.replacen(&old, line, 1)).unwrap();
}
