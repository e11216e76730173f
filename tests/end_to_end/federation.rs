//! Daemons as an operator runs them: what goes wrong at their doors, and how they stop.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::demo::demo;
use crate::support::{EXECUTABLE, Finished, activate, begin_anew, finished, grant_again, replan, run};

/// A coordinator alone, over the files of a small demo, whose clients are started one by one.
pub(crate) struct Federation {
    _folder: tempfile::TempDir,
    pub(crate) dir: PathBuf,
    pub(crate) address: String,
    coordinator: Child,
    lines: BufReader<ChildStdout>,
}

impl Federation {
    /// Files from a demo that ran, with the coordinator started anew on a fresh state: its plan waits for eight branches.
    pub(crate) fn waiting() -> Self {
        Self::waiting_with(|_, text| text.to_owned())
    }

    /// As [`Federation::waiting`], with the coordinator's settings changed; `change` is given the folder and the text.
    pub(crate) fn waiting_with(change: impl FnOnce(&Path, &str) -> String) -> Self {
        Self::after_a_plan(change, |dir| {
            // Spent budget stays spent: branches that are asked again begin a new one here, and the coordinator forgets the old ones.
            fs::remove_dir_all(dir.join("coordinator/heads")).unwrap();
            (0..8).for_each(|branch| begin_anew(dir, &format!("branch-{branch:03}")));
        })
    }

    /// The coordinator of a demo's folder serves once more, with changed settings.
    pub(crate) fn after_a_plan(change: impl FnOnce(&Path, &str) -> String, prepare: impl FnOnce(&Path)) -> Self {
        Self::of_demo(&[], change, prepare)
    }

    /// As [`Federation::waiting_with`], after a demo with other options.
    pub(crate) fn of_demo(
        options: &[&str],
        change: impl FnOnce(&Path, &str) -> String,
        prepare: impl FnOnce(&Path),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().canonicalize().unwrap().join("run");
        let made = demo(&dir, options);
        assert_eq!(made.code, Some(0), "{} {}", made.out, made.err);
        fs::remove_dir_all(dir.join("coordinator/state")).unwrap();
        prepare(&dir);
        Self::serving(folder, dir, change)
    }

    /// The coordinator of a demo's folder serves once more, over the state that is there.
    pub(crate) fn serving(folder: tempfile::TempDir, dir: PathBuf, change: impl FnOnce(&Path, &str) -> String) -> Self {
        let settings = dir.join("coordinator/coordinator.toml");
        fs::write(&settings, change(&dir, &fs::read_to_string(&settings).unwrap())).unwrap();
        activate(&dir, &settings);
        let (coordinator, lines) = serve(&settings);
        let mut federation = Self { _folder: folder, dir, address: String::new(), coordinator, lines };
        let listening = federation.until("listening");
        let address = listening["address"].as_str().unwrap().to_owned();
        federation.address.clone_from(&address);
        for branch in 0..fs::read_dir(federation.dir.join("branches")).unwrap().count() {
            federation.edit(branch, |text| {
                let old = text.lines().find(|line| line.starts_with("address")).unwrap().to_owned();
                text.replace(&old, &format!("address = \"{address}\""))
            });
        }
        federation
    }

    /// A coordinator that was stopped serves again; what it says when it listens.
    pub(crate) fn restart(&mut self) -> serde_json::Value {
        (self.coordinator, self.lines) = serve(&self.dir.join("coordinator/coordinator.toml"));
        self.until("listening")
    }

    /// SIGKILL: nothing is flushed, closed or said. Then it serves again at its address, and stays when no run is left.
    pub(crate) fn kill_and_restart(&mut self) {
        self.coordinator.kill().unwrap();
        self.coordinator.wait().unwrap();
        let settings = self.dir.join("coordinator/coordinator.toml");
        let text = fs::read_to_string(&settings).unwrap().replace("127.0.0.1:0", &self.address);
        fs::write(&settings, text).unwrap();
        (self.coordinator, self.lines) = serving(&settings, &[]);
        self.until("listening");
    }

    /// SIGTERM, which the coordinator obeys at once.
    pub(crate) fn stop(&mut self) {
        let id = i32::try_from(self.coordinator.id()).unwrap();
        kill(Pid::from_raw(id), Signal::SIGTERM).unwrap();
        self.until("stopped");
        assert_eq!(self.coordinator.wait().unwrap().code(), Some(0));
    }

    pub(crate) fn branch(&self, number: usize) -> PathBuf {
        self.dir.join(format!("branches/branch-{number:03}"))
    }

    pub(crate) fn config(&self, number: usize) -> PathBuf {
        self.branch(number).join("client.toml")
    }

    pub(crate) fn data(&self, number: usize) -> PathBuf {
        self.dir.join(format!("data/branch-{number:03}.csv"))
    }

    pub(crate) fn edit(&self, number: usize, change: impl FnOnce(&str) -> String) {
        let text = fs::read_to_string(self.config(number)).unwrap();
        fs::write(self.config(number), change(&text)).unwrap();
    }

    /// The next event of this name.
    pub(crate) fn until(&mut self, name: &str) -> serde_json::Value {
        self.until_any(&[name])
    }

    /// The next event of one of these names.
    pub(crate) fn until_any(&mut self, names: &[&str]) -> serde_json::Value {
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "the coordinator ended before {names:?}");
            let event: serde_json::Value = serde_json::from_str(&line).unwrap();
            if names.iter().any(|name| event["event"] == *name) {
                return event;
            }
        }
    }

    fn command(&self, number: usize) -> Command {
        let mut command = Command::new(EXECUTABLE);
        command.args(["client", "run", "--once", "--events", "--config"]).arg(self.config(number)).stdin(Stdio::null());
        command
    }

    /// A client of some settings file.
    pub(crate) fn start_at(config: &Path) -> Client {
        let mut command = Command::new(EXECUTABLE);
        command.args(["client", "run", "--once", "--events", "--config"]).arg(config).stdin(Stdio::null());
        Client(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }

    pub(crate) fn start(&self, number: usize) -> Client {
        Client(self.command(number).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// A client that stays when a run is over.
    pub(crate) fn start_to_stay(&self, number: usize) -> Client {
        self.staying(number, Stdio::null())
    }

    /// A client that stays, whose events are asked for.
    pub(crate) fn start_to_hear(&self, number: usize) -> Client {
        self.staying(number, Stdio::piped())
    }

    fn staying(&self, number: usize, stdout: Stdio) -> Client {
        let mut command = Command::new(EXECUTABLE);
        command.args(["client", "run", "--events", "--config"]).arg(self.config(number)).stdin(Stdio::null());
        Client(command.stdout(stdout).stderr(Stdio::null()).spawn().unwrap())
    }

    pub(crate) fn run(&self, number: usize) -> Finished {
        finished(&self.command(number).output().unwrap())
    }
}

/// A coordinator of these settings, and its events.
fn serve(settings: &Path) -> (Child, BufReader<ChildStdout>) {
    serving(settings, &["--once"])
}

fn serving(settings: &Path, more: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let mut command = Command::new(EXECUTABLE);
    command.args(["coordinator", "serve", "--events"]).args(more).arg("--config").arg(settings);
    let mut coordinator = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(coordinator.stdout.take().unwrap());
    (coordinator, lines)
}

impl Drop for Federation {
    fn drop(&mut self) {
        // It may have ended on its own.
        let _ = self.coordinator.kill();
        let _ = self.coordinator.wait();
    }
}

#[test]
fn bad_data_is_named_and_nothing_leaves_the_branch() {
    let federation = Federation::waiting();
    let file = federation.data(0);
    let good = fs::read_to_string(&file).unwrap();
    let header = good.lines().next().unwrap();
    let column = |name: &str| header.split(',').position(|column| column == name).unwrap();
    let schema = fs::read_to_string(federation.dir.join("schema.toml")).unwrap();
    let (numeric, category) = (first_field(&schema, "numeric"), first_field(&schema, "categorical"));
    let with = |name: &str, value: &str| replace(&good, 3, column(name), value);
    let without_column = good.replacen(&numeric, "another_name", 1);
    let cases = [
        (without_column, vec![numeric.as_str(), "column"]),
        (with(&numeric, "SECRET-VALUE"), vec!["row 3", numeric.as_str()]),
        (with(&numeric, "NaN"), vec!["row 3", numeric.as_str()]),
        (with(&numeric, "inf"), vec!["row 3", numeric.as_str()]),
        (String::new(), vec!["no rows"]),
        (format!("{header}\n"), vec!["no rows"]),
    ];
    for (text, parts) in cases {
        fs::write(&file, &text).unwrap();
        let check = run(["config".as_ref(), "check".as_ref(), federation.config(0).as_os_str()]);
        check.assert_refused(2, &parts);
        assert!(!check.err.contains("SECRET-VALUE"), "a value was printed: {}", check.err);
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "the file was left as it is");
    }
    // A category that the schema does not list is counted for the operator, and refuses nothing.
    fs::write(&file, with(&category, "SECRET-VALUE")).unwrap();
    let check = run(["config".as_ref(), "check".as_ref(), federation.config(0).as_os_str()]);
    assert_eq!(check.code, Some(0), "{} {}", check.out, check.err);
    let told = format!("field {category} (column \"{category}\"): 1 of ");
    assert!(check.out.contains(&told) && check.out.contains("not in the schema's list"), "{}", check.out);
    assert!(!check.out.contains("SECRET-VALUE"), "a value was printed: {}", check.out);
}

/// A cohort that does not fill is told by both sides, by name, in events and metrics, until it does.
#[test]
fn who_is_missing_is_told_on_both_sides() {
    let mut federation = Federation::waiting();
    let mut clients: Vec<Client> = (0..7).map(|branch| federation.start(branch)).collect();
    let mut events = clients[0].events();
    let muster = loop {
        let muster = federation.until("muster");
        if muster["here"] == 7 {
            break muster;
        }
    };
    assert_eq!((&muster["needed"], &muster["more"]), (&8.into(), &0.into()));
    let [missing] = muster["missing"].as_array().unwrap().as_slice() else { panic!("{muster}") };
    assert_eq!((&missing["client"], &missing["name"]), (&8.into(), &"bank/branch-007".into()));
    let told = events.find(|event| event["event"] == "muster" && event["here"] == 7).unwrap();
    assert_eq!(told["missing"], serde_json::json!(["client 8 (bank/branch-007)"]));
    let lacking = |folder: &Path, number: u32| {
        let text = fs::read_to_string(folder.join("state/metrics.prom")).unwrap();
        assert!(text.contains(&format!("\ntributary_members_lacking {number}\n")), "{text}");
    };
    lacking(&federation.dir.join("coordinator"), 1);
    lacking(&federation.branch(0), 1);
    clients.push(federation.start(7));
    assert_eq!(federation.until("round")["survivors"], 8);
    lacking(&federation.branch(0), 0);
    drop(events);
    drop(clients);
}

/// What a preflight finds on the branch's own machine, a check without a network finds.
#[test]
fn a_check_finds_what_stands_wrong_on_the_machine() {
    use std::os::unix::fs::PermissionsExt as _;
    let federation = Federation::waiting();
    let identity = |name: &str| federation.dir.join("identities").join(name).join("signing.key");
    let (key, other) = (identity("branch-000"), identity("branch-001"));
    let budget = federation.branch(0).join("state/budget.ledger");
    let check = || run(["config".as_ref(), "check".as_ref(), federation.config(0).as_os_str()]);
    let preflight =
        || run(["client".as_ref(), "preflight".as_ref(), "--config".as_ref(), federation.config(0).as_os_str()]);
    assert_eq!(check().code, Some(0), "{}", check().err);
    let both = |code: i32, parts: &[&str]| {
        check().assert_refused(2, parts);
        let preflight = preflight();
        assert_eq!(preflight.code, Some(code), "{}", preflight.out);
        assert!(parts.iter().all(|part| preflight.out.contains(part)), "{}", preflight.out);
    };
    // Another branch's key, of the right mode.
    let good = fs::read(&key).unwrap();
    fs::write(&key, fs::read(other).unwrap()).unwrap();
    both(18, &["signing.pub", "two keys", "the office"]);
    fs::remove_file(&key).unwrap();
    both(18, &["signing.key"]);
    fs::write(&key, good).unwrap();
    both(18, &["signing.key", "chmod 600"]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    // A budget file that is none, and none at all.
    let good = fs::read(&budget).unwrap();
    fs::write(&budget, b"not a ledger").unwrap();
    both(18, &["budget.ledger"]);
    fs::remove_file(&budget).unwrap();
    both(18, &["there is no budget file", "client budget begin"]);
    fs::write(&budget, good).unwrap();
    fs::set_permissions(&budget, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(check().code, Some(0), "{}", check().err);
    // A state folder that is a file.
    federation.edit(0, |text| text.replace("state_dir = \"state\"", "state_dir = \"client.toml\""));
    both(17, &["client.toml", "no folder"]);
}

#[test]
fn a_second_process_with_the_same_identity_is_refused() {
    let mut federation = Federation::waiting();
    let mut first = federation.start(0);
    assert_eq!(federation.until("joined")["client"], 1);
    // One identity spends from one file at a time on a machine, whatever the settings name.
    let taken = &["budget.lock", "another daemon spends under this identity"];
    federation.run(0).assert_refused(1, taken);
    let settings = fs::read_to_string(federation.config(0)).unwrap();
    federation.edit(0, |text| text.replace("state_dir = \"state\"", "state_dir = \"other\""));
    federation.run(0).assert_refused(1, &["there is no budget file", "tributary client budget begin"]);
    let folder = federation.branch(0);
    copy_folder(&folder.join("state"), &folder.join("other"));
    federation.run(0).assert_refused(1, taken);
    fs::write(federation.config(0), &settings).unwrap();
    // A copy of the machine: the coordinator keeps the first, and the second waits for its end.
    let copy = folder.with_file_name("copy");
    copy_folder(&folder, &copy);
    let identities = federation.dir.join("identities");
    copy_folder(&identities.join("branch-000"), &identities.join("copy"));
    fs::write(copy.join("client.toml"), settings.replace("identities/branch-000", "identities/copy")).unwrap();
    let mut second = Federation::start_at(&copy.join("client.toml"));
    let told = second.event("refused");
    assert!(told["reason"].as_str().unwrap().contains("connected already"), "{told}");
    second.stop();
    // The first one was not disturbed.
    assert!(first.is_running());
    first.stop();
}

/// A folder with everything in it, modes included.
fn copy_folder(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success(), "{} to {}", from.display(), to.display());
}

/// A branch that has lost its state folder begins nothing anew, and counts what another plan has cost.
#[test]
fn after_a_lost_budget_file_the_coordinator_shows_what_was_spent() {
    let second = |plan: &str| plan.replace("name = \"demo\"", "name = \"second\"");
    let mut federation = Federation::after_a_plan(|_, text| text.to_owned(), |dir| replan(dir, second));
    let home = federation.branch(0);
    let budget = |words: &[&str]| {
        let config = home.join("client.toml").display().to_string();
        run(["client", "budget"].iter().chain(words).copied().chain(["--config", config.as_str()]))
    };
    let spent = budget(&["--json"]).json();
    assert!(spent["epsilon_spent"].as_f64().unwrap() > 0.0 && spent["counter"].as_u64().unwrap() > 1, "{spent}");
    let policy = home.join("policy.toml");
    let text = fs::read_to_string(&policy).unwrap();
    let one = text.lines().find_map(|line| line.strip_prefix("epsilon_plan = ")).unwrap();
    let capped = text.lines().map(|line| match line.split_once(" = ") {
        Some((key @ ("epsilon_life" | "epsilon_year"), _)) => format!("{key} = {one}\n"),
        _ => format!("{line}\n"),
    });
    fs::write(&policy, capped.collect::<String>()).unwrap();
    let schema = federation.dir.join("schema.toml");
    let sign = ["client", "policy", "sign", "--policy"].map(Path::new).into_iter();
    let owner = home.join("owner.key");
    let signed = run(sign.chain([policy.as_path(), "--key".as_ref(), &owner, "--schema".as_ref(), &schema]));
    assert_eq!(signed.code, Some(0), "{} {}", signed.out, signed.err);
    fs::remove_dir_all(home.join("state")).unwrap();
    federation.run(0).assert_refused(1, &["there is no budget file", "budget begin --adopt"]);
    let key = home.join("owner.key").display().to_string();
    budget(&["begin", "--key", &key]).assert_refused(1, &["has begun a budget before", "--adopt"]);
    let begun = budget(&["begin", "--adopt", "--key", &key]);
    assert_eq!(begun.code, Some(0), "{} {}", begun.out, begun.err);
    grant_again(&home);
    assert_eq!(budget(&["--json"]).json()["awaits_head"], true);
    let mut client = federation.start(0);
    let adopted = client.event("head_adopted");
    assert_eq!((&adopted["file"], &adopted["shown"]), (&0.into(), &spent["counter"]));
    // Its caps were lowered to what the first plan has used up, and they are, as before the file was lost.
    let told = federation.until("refused");
    assert!(told["reason"].as_str().unwrap().contains("budget would be exceeded"), "{told}");
    let after = budget(&["--json"]).json();
    assert_eq!((&after["epsilon_spent"], &after["awaits_head"]), (&spent["epsilon_spent"], &false.into()));
}

#[test]
fn another_schema_is_refused_before_any_row_is_read() {
    let mut federation = Federation::waiting();
    let schema = fs::read_to_string(federation.dir.join("schema.toml")).unwrap();
    assert!(schema.contains("version = 1"));
    fs::write(federation.dir.join("other.toml"), schema.replacen("version = 1", "version = 2", 1)).unwrap();
    federation.edit(0, |text| text.replace("../../schema.toml", "../../other.toml"));
    fs::write(federation.data(0), "nobody reads this").unwrap();
    federation.run(0).assert_refused(1, &["the policy pins the schema", "Nothing is learned from it"]);
    // The plan still waits for its branches.
    assert!(federation.coordinator.try_wait().unwrap().is_none());
}

#[test]
fn a_foreign_certificate_is_refused_with_the_reason() {
    let federation = Federation::waiting();
    let path = |name: &str| federation.dir.join(name).display().to_string();
    let certs = |words: &[&str]| {
        let done = run(["certs"].iter().chain(words));
        assert_eq!(done.code, Some(0), "{} {}", done.out, done.err);
    };
    certs(&["init", "--authority", &path("foreign"), "--trust-domain", "demo.tributary"]);
    let who = ["--organisation", "bank", "--id", "branch-000"];
    certs(
        &[&["issue", "client", "--authority", &path("foreign"), "--out", &path("identities/foreign")], &who[..]]
            .concat(),
    );
    // It trusts and expects the right coordinator; only its own certificate is somebody else's.
    for file in ["trust.pem", "revocations.pem", "authorities", "coordinator"] {
        fs::copy(path(&format!("identities/branch-000/{file}")), path(&format!("identities/foreign/{file}"))).unwrap();
    }
    federation.edit(0, |text| text.replace("identities/branch-000", "identities/foreign"));
    let mut client = federation.start(0);
    let told = client.event("disconnected");
    assert!(told["reason"].as_str().unwrap().contains("certificate"), "{told}");
    client.stop();
}

#[test]
fn a_coordinator_stops_gracefully() {
    let mut federation = Federation::waiting();
    federation.stop();
    let ledger = federation.dir.join("coordinator/state/audit.log");
    assert_eq!(run(["verify".as_ref(), "ledger".as_ref(), ledger.as_os_str()]).code, Some(0));
}

/// A running client, which does not outlive its test.
pub(crate) struct Client(Child);

impl Client {
    /// The next event of this name that it prints.
    fn event(&mut self, name: &str) -> serde_json::Value {
        self.events().find(|event| event["event"] == name).unwrap_or_else(|| panic!("the client ended before {name}"))
    }

    /// Everything that it prints from here on, but what its own table holds. Once.
    pub(crate) fn events(&mut self) -> impl Iterator<Item = serde_json::Value> + use<> {
        let lines = BufReader::new(self.0.stdout.take().unwrap()).lines();
        let (up, read) = std::sync::mpsc::channel();
        // Read on, whoever still listens: a client that writes to a closed pipe ends with an error.
        std::thread::spawn(move || lines.for_each(|line| drop(up.send(line.unwrap()))));
        let events = read.into_iter().map(|line| serde_json::from_str::<serde_json::Value>(&line).unwrap());
        let own = ["dataset", "rows_dropped", "maxima_passed"];
        events.filter(move |event| own.iter().all(|own| event["event"] != *own))
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// Its exit code, when it ends by itself.
    pub(crate) fn ended(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }

    /// SIGTERM, which a client obeys at once.
    pub(crate) fn stop(mut self) {
        kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), Signal::SIGTERM).unwrap();
        assert_eq!(self.0.wait().unwrap().code(), Some(0), "SIGTERM stops a client gracefully");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended on its own.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Name of the schema's first field of a kind.
fn first_field(schema: &str, kind: &str) -> String {
    let table: toml::Table = schema.parse().unwrap();
    let fields = table["fields"].as_array().unwrap();
    let field = fields.iter().find(|field| field["kind"].as_str() == Some(kind)).unwrap();
    field.get("column").unwrap_or(&field["name"]).as_str().unwrap().to_owned()
}

/// The text with one value of a data row, counted from 1, exchanged.
fn replace(text: &str, row: usize, column: usize, value: &str) -> String {
    let lines = text.lines().enumerate().map(|(number, line)| {
        let mut values: Vec<&str> = line.split(',').collect();
        if number == row {
            values[column] = value;
        }
        values.join(",") + "\n"
    });
    lines.collect()
}
