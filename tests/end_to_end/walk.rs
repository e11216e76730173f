//! The first hour as `docs/OPERATING.md` has it: every line of its two walks is read from there and typed, from an empty folder to a released model.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use tributary_client::data::write_csv;
use tributary_model::synthetic::{SCHEMA_TOML, SyntheticSpec, generate, schema};

use crate::support::{EXECUTABLE, finished};

const BRANCHES: usize = 8;
/// Most commands of a walk.
const COMMANDS_MAX: usize = 60;

#[test]
fn the_manual_leads_from_nothing_to_a_model_over_the_network() {
    walk("## From nothing to a model", &[("# [enrolment]\n# authority", "[enrolment]\nauthority")]);
}

#[test]
fn the_manual_leads_from_nothing_to_a_model_by_files() {
    walk("### The same by files", &[("# revocations = ", "revocations = ")]);
}

/// Types the lines below a heading; `edits` are those of the coordinator's settings by hand, beside the roster's place.
fn walk(heading: &str, edits: &[(&str, &str)]) {
    let mut walk = Walk::begun();
    for line in lines(heading) {
        for number in 1..=if line.contains("-01") { BRANCHES } else { 1 } {
            let words = words(&line.replace("-01", &format!("-{number:02}")));
            walk.typed(&words);
        }
        if line.contains("coordinator init") {
            walk.edit(
                "centre/coordinator.toml",
                edits,
                &[("\"0.0.0.0:7443\"", "\"127.0.0.1:0\""), ("\"identity/roster\"", "\"../ca/roster\"")],
            );
        }
        if line.contains("plan new") {
            walk.edit(
                "plans/plan.toml",
                &[],
                &[
                    ("\"schema.toml\"", "\"../schema.toml\""),
                    ("rounds = 40\n", "rounds = 3\n"),
                    ("customers_nominal = 40000", "customers_nominal = 4000"),
                    ("not_before = \"2027-01-01\"", "not_before = \"2020-01-01\""),
                    ("as_of = ", "# as_of = "),
                ],
            );
        }
        if line.contains("plan activate") {
            let finished = walk.until("finished");
            assert_eq!(finished["complete"], true, "{finished}");
        }
    }
    println!("{} commands", walk.typed);
    assert!(walk.typed <= COMMANDS_MAX, "{} commands", walk.typed);
    let models = walk.out.lines().filter(|line| line.contains("candidate")).count();
    assert_eq!(models, 1, "{}", walk.out);
}

/// The commands between a heading and the next one of any rank, without the comments at their ends.
fn lines(heading: &str) -> Vec<String> {
    let manual = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/OPERATING.md")).unwrap();
    let (_, below) = manual.split_once(&format!("\n{heading}\n")).expect("the manual has the heading");
    let section = below.lines().take_while(|line| !line.starts_with("## ") && !line.starts_with("### "));
    let typed = section.filter(|line| line.starts_with("tributary "));
    typed.map(|line| line.split_once("    #").map_or(line, |(line, _)| line).trim_end().to_owned()).collect()
}

/// The words of a line, as a shell splits it.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    let words = parts.flat_map(|(part, text)| match part % 2 {
        1 => vec![text.to_owned()],
        _ => text.split_whitespace().map(str::to_owned).collect(),
    });
    words.skip(1).collect()
}

struct Walk {
    folder: tempfile::TempDir,
    /// What was typed so far.
    typed: usize,
    /// What the last command said.
    out: String,
    address: Option<String>,
    coordinator: Option<(Child, BufReader<ChildStdout>)>,
    clients: Vec<Child>,
    /// Enrolments that wait for the office, and their fingerprints.
    waiting: Vec<(Child, BufReader<ChildStdout>)>,
    fingerprints: Vec<String>,
}

impl Walk {
    /// An empty folder but for what a bank has before: the list of branches, the schema, and each branch's table.
    fn begun() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let list: String = (1..=BRANCHES).map(|number| format!("bank,branch-{number:02}\n")).collect();
        fs::write(path("branches.csv"), format!("organisation,id\n{list}")).unwrap();
        fs::write(path("schema.toml"), SCHEMA_TOML).unwrap();
        Self {
            folder,
            typed: 0,
            out: String::new(),
            address: None,
            coordinator: None,
            clients: Vec::new(),
            waiting: Vec::new(),
            fingerprints: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn edit(&self, name: &str, edits: &[(&str, &str)], more: &[(&str, &str)]) {
        let mut text = fs::read_to_string(self.path(name)).unwrap();
        for (from, to) in edits.iter().chain(more) {
            assert!(text.contains(from), "{name} has no {from:?}");
            text = text.replace(from, to);
        }
        fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, words: &[String]) -> Command {
        let mut command = Command::new(EXECUTABLE);
        command.args(words).current_dir(self.folder.path()).env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    fn spawned(&self, words: &[String]) -> (Child, BufReader<ChildStdout>) {
        let mut child = self.command(words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        (child, lines)
    }

    /// Types one line; what it leaves open, a person or a machine fills in.
    fn typed(&mut self, words: &[String]) {
        self.typed += 1;
        let address = self.address.clone();
        let fill = |word: &String| match word.as_str() {
            "fl.bank.example" => vec!["localhost".to_owned()],
            "fl.bank.example:7443" => vec![address.clone().expect("the coordinator listens")],
            "FINGERPRINT" => self.fingerprints.clone(),
            "REQUESTS" => (1..=BRANCHES).map(|number| format!("branch-{number:02}.request")).collect(),
            _ => vec![word.clone()],
        };
        let mut words: Vec<String> = words.iter().flat_map(fill).collect();
        let says = |start: &str| words.join(" ").starts_with(start);
        if says("coordinator serve") {
            words.push("--events".into());
            self.coordinator = Some(self.spawned(&words));
            let address = self.until("listening")["address"].as_str().unwrap().to_owned();
            self.address = Some(address.replace("127.0.0.1", "localhost"));
            return;
        }
        if says("client run") {
            let (client, _) = self.spawned(&words);
            self.clients.push(client);
            return;
        }
        if says("client enrol") && !words.iter().any(|word| word == "--request" || word == "--install") {
            self.enrolling(&words);
            return;
        }
        if says("certs approve") {
            self.done(&words);
            for (mut branch, mut lines) in std::mem::take(&mut self.waiting) {
                let mut rest = String::new();
                lines.read_to_string(&mut rest).unwrap();
                assert_eq!(branch.wait().unwrap().code(), Some(0), "{rest}");
            }
            return;
        }
        // A person who was shown it answers at the terminal; here the digest of what was shown is named.
        let shown = match () {
            () if says("certs roster sign") || says("certs roster countersign") => {
                Some("certs roster diff --json --first proposal")
            }
            () if says("plan propose") || says("plan approve") => Some("plan show --json plans/plan.tributary"),
            () => None,
        };
        if let Some(shown) = shown {
            let typed =
                finished(&self.command(&shown.split(' ').map(str::to_owned).collect::<Vec<_>>()).output().unwrap());
            let shown = typed.json();
            let digest = [&shown["digest"], &shown["plan"]["digest"]].into_iter().find_map(|digest| digest.as_str());
            words.extend(["--confirm".into(), digest.expect("a digest").to_owned()]);
        }
        self.done(&words);
        if says_of(&words, "client enrol") {
            self.table(&words);
        }
    }

    fn done(&mut self, words: &[String]) {
        let ended = finished(&self.command(words).output().unwrap());
        assert_eq!(ended.code, Some(0), "{words:?}: {} {}", ended.out, ended.err);
        self.out = ended.out;
    }

    /// A branch that asks the office shows its fingerprint and waits.
    fn enrolling(&mut self, words: &[String]) {
        let (child, mut lines) = self.spawned(words);
        let fingerprint = lines.by_ref().lines().map(Result::unwrap).find(|line| line.trim().split('-').count() == 8);
        self.fingerprints.push(fingerprint.expect("a fingerprint").trim().to_owned());
        self.waiting.push((child, lines));
        self.table(words);
    }

    /// The branch's own system puts its table into the branch's folder, whatever is there.
    fn table(&self, words: &[String]) {
        let home = words.iter().skip_while(|word| *word != "--home").nth(1).expect("a home");
        let number: u64 = home.trim_start_matches("branch-").parse().unwrap();
        let spec = SyntheticSpec { branches: 1, customers_per_branch: 300, holdout_fraction: 0.0, seed: number };
        let data = generate(&spec);
        let file = self.path(home).join("customers.csv");
        write_csv(&file, schema().dialect(), &data.header, &data.branches[0].training).unwrap();
    }

    /// The coordinator's next event of this name.
    fn until(&mut self, name: &str) -> serde_json::Value {
        let (_, lines) = self.coordinator.as_mut().expect("a coordinator");
        loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "the coordinator ended before {name}");
            let event: serde_json::Value = serde_json::from_str(&line).unwrap();
            if event["event"] == name {
                return event;
            }
        }
    }
}

fn says_of(words: &[String], start: &str) -> bool {
    words.join(" ").starts_with(start)
}

impl Drop for Walk {
    fn drop(&mut self) {
        let coordinator = self.coordinator.take().map(|(child, _)| child);
        let waiting = std::mem::take(&mut self.waiting).into_iter().map(|(child, _)| child);
        for mut child in coordinator.into_iter().chain(waiting).chain(std::mem::take(&mut self.clients)) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
