//! Commands about lists that are killed (SIGKILL) at each of their durable steps: the same command again finishes, nothing that was recorded is lost, and
//! nobody is handed over twice.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tributary_protocol::digest::Digest;

use crate::lists::{Branch, SCORE, block, filled_in};
use crate::support::EXECUTABLE;

/// When a process is killed.
#[derive(Clone, Copy, Debug)]
enum When {
    /// As soon as the register is longer by one record or more.
    Recorded,
    /// As soon as a list's folder, or the draft of one, is there that was not.
    Listed,
    /// As soon as so many more names are in the folder of the bank's system, or in that of copies; drafts among them.
    Written(usize),
    /// After it was looked at so often, which is at any moment.
    Looked(u32),
}

/// Every durable step, and moments between them.
fn moments() -> impl Iterator<Item = When> {
    let steps = [When::Recorded, When::Listed, When::Written(1), When::Written(2), When::Written(3)];
    steps.into_iter().chain([64, 512, 4_096].map(When::Looked))
}

/// What the files of a branch show from outside.
struct Seen {
    register: u64,
    lists: usize,
    written: usize,
}

struct Place {
    branch: Branch,
    commands: Vec<String>,
}

impl Place {
    fn new() -> Self {
        let branch = Branch::new();
        branch.done(SCORE);
        let commands = block("sh", 0).lines().map(|line| line.split('#').next().unwrap().trim().to_owned()).collect();
        let place = Self { branch, commands };
        let made = place.branch.done(&place.command("list key"));
        let approver = made.split('"').nth(1).unwrap().to_owned();
        place.branch.done(&place.command("list init"));
        let path = place.branch.path("branch-01/rules.toml");
        let rules = fs::read_to_string(&path).unwrap();
        fs::write(&path, filled_in(&rules, &approver).replace("top = 500", "top = 40")).unwrap();
        place.branch.done(&place.command("list sign"));
        place
    }

    /// The manual's command that has these words.
    fn command(&self, words: &str) -> String {
        self.commands.iter().find(|line| line.contains(words)).unwrap().clone()
    }

    /// The same about another list than the first.
    fn about(&self, words: &str, list: u64) -> String {
        self.command(words).replace(&format!("{words} 1 "), &format!("{words} {list} "))
    }

    fn seen(&self) -> Seen {
        let at = |name: &str| self.branch.path(&format!("branch-01/{name}"));
        let names = |path: &Path| fs::read_dir(path).map_or(0, Iterator::count);
        Seen {
            register: fs::metadata(at("state/contact/contact.ledger")).map_or(0, |found| found.len()),
            lists: names(&at("state/contact/lists")),
            written: names(&at("crm")) + names(&at("lists")),
        }
    }

    /// Kills a command at a moment, if it has not ended before. Whatever the register had is still at its beginning afterwards.
    fn killed(&self, line: &str, when: When) {
        let register = self.branch.path("branch-01/state/contact/contact.ledger");
        let (before, bytes) = (self.seen(), fs::read(&register).unwrap_or_default());
        let words = line.split_whitespace().skip(1).map(|word| match word.starts_with("branch-01") {
            true => self.branch.path(word).display().to_string(),
            false => word.to_owned(),
        });
        let mut command = Command::new(EXECUTABLE);
        command.env("LC_ALL", "C").args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut looked = 0;
        while child.try_wait().unwrap().is_none() {
            let now = self.seen();
            looked += 1;
            let due = match when {
                When::Recorded => now.register > before.register,
                When::Listed => now.lists > before.lists,
                When::Written(more) => now.written >= before.written + more,
                When::Looked(often) => looked >= often,
            };
            if due {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(fs::read(&register).unwrap_or_default().starts_with(&bytes), "{line} {when:?}: a record is gone");
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.branch.done(&format!("{line} --json"))).unwrap()
    }

    /// Where the newest list stands: its number and its stage.
    fn newest(&self) -> Option<(u64, String)> {
        let lists = self.json(&self.command("list status"));
        let newest = lists["lists"].as_array().unwrap().first().cloned()?;
        Some((newest["list"].as_u64().unwrap(), newest["stage"].as_str().unwrap().to_owned()))
    }

    fn is(&self, list: u64, stage: &str) -> bool {
        self.newest() == Some((list, stage.to_owned()))
    }

    /// A list from the scores to the bank's system, each command of it killed at this moment, and typed again where it did not end.
    fn round(&self, list: u64, when: When) {
        let (build, show) = (self.command("list build"), self.about("list show", list));
        self.killed(&build, when);
        if !self.is(list, "built") {
            self.branch.done(&build);
        }
        assert!(self.is(list, "built"), "{when:?}: {:?}", self.newest());
        let shown = self.branch.done(&show);
        let digest = shown.lines().last().unwrap().rsplit(' ').next().unwrap();
        let approve = format!("{} --confirm {digest}", self.about("list approve", list));
        self.killed(&approve, when);
        if !self.is(list, "approved") {
            self.branch.done(&approve);
        }
        assert!(self.is(list, "approved"), "{when:?}: {:?}", self.newest());
        let deliver = self.about("list deliver", list);
        self.killed(&deliver, when);
        if !self.is(list, "delivered") {
            // It may have begun: then it goes on under the same number.
            self.branch.done(&deliver);
        }
        assert!(self.is(list, "delivered"), "{when:?}: {:?}", self.newest());
        self.branch.typed(&deliver).assert_refused(1, &["is never delivered twice"]);
    }

    /// Whom the bank's system was told to contact: batch by batch, by whole files alone.
    fn handed_over(&self) -> Vec<(u64, Vec<String>)> {
        let mut all = Vec::new();
        for entry in fs::read_dir(self.branch.path("branch-01/crm")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let Some(file) = name.strip_suffix(".ok").filter(|file| !file.contains("recall")) else { continue };
            let word: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let bytes = fs::read(path.with_file_name(file)).unwrap();
            assert_eq!(word["sha256"], Digest::of(&bytes).to_string(), "{file}");
            // Batch, line and customer come first, in ASCII.
            let lines = bytes.split(|byte| *byte == b'\n').skip(1).filter(|line| !line.is_empty());
            let customers = lines.map(|line| {
                let field = line.split(|byte| *byte == b',').nth(2).unwrap();
                String::from_utf8(field.to_vec()).unwrap()
            });
            all.push((word["batch"].as_u64().unwrap(), customers.collect()));
        }
        all.sort();
        all
    }
}

#[test]
fn a_command_that_is_killed_is_typed_again_and_nobody_is_handed_over_twice() {
    let place = Place::new();
    let mut rounds = 0;
    for when in moments() {
        rounds += 1;
        place.round(rounds, when);
    }
    let handed = place.handed_over();
    let batches: Vec<u64> = handed.iter().map(|(batch, _)| *batch).collect();
    assert_eq!(batches, (1..=rounds).collect::<Vec<_>>(), "each list has one number, and no number is lost");
    let customers: Vec<&String> = handed.iter().flat_map(|(_, customers)| customers).collect();
    let once: BTreeSet<&String> = customers.iter().copied().collect();
    assert_eq!(once.len(), customers.len(), "nobody is in two lists that are open");
    // A tenth of the chosen is held out, and stays so: the others were handed over.
    assert!(customers.len() >= usize::try_from(rounds).unwrap() * 15, "{}", customers.len());
    assert!(!once.iter().any(|customer| customer.as_str() == "6222000000000003"), "who is suppressed is in none");

    for (list, when) in (1..=rounds).zip(moments()) {
        let recall = place.about("list recall", list);
        place.killed(&recall, when);
        place.branch.done(&recall);
        let recall = format!("branch-01/crm/list-{list:06}.recall-{list:06}.csv");
        let word: Value = serde_json::from_str(&place.branch.read(&format!("{recall}.ok"))).unwrap();
        assert_eq!(word["sha256"], Digest::of(place.branch.read(&recall).as_bytes()).to_string());
    }
    let lists = place.json(&place.command("list status"));
    let lists = lists["lists"].as_array().unwrap();
    assert!(lists.iter().all(|list| list["stage"] == "recalled" && list["recalls_open"] == 0), "{lists:?}");
    assert_eq!(place.handed_over(), handed, "what was handed over stays as it was");
}
