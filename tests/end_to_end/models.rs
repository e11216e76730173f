//! Models as people and branches see them: a promotion, another one, a rollback and a withdrawal, over real daemons.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::demo::demo;
use crate::federation::Federation;
use crate::support::{EXECUTABLE, Finished, replan, run};

const BRANCHES: usize = 8;

/// Daemons of branches, which stay when a run is over.
struct Daemons(Vec<Child>);

impl Daemons {
    fn start(federation: &Federation) -> Self {
        let start = |branch: usize| {
            let mut command = Command::new(EXECUTABLE);
            command.args(["client", "run", "--events", "--config"]).arg(federation.config(branch));
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        Self((0..BRANCHES).map(start).collect())
    }
}

impl Drop for Daemons {
    fn drop(&mut self) {
        for daemon in &mut self.0 {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

/// People and their files.
struct Desk {
    dir: PathBuf,
}

impl Desk {
    fn model(&self, words: &[&str]) -> Finished {
        let config = self.dir.join("coordinator/coordinator.toml").display().to_string();
        run(["model"].iter().chain(words).chain(&["--config", &config]))
    }

    fn json(&self, words: &[&str]) -> serde_json::Value {
        let finished = self.model(&[words, &["--json"]].concat());
        assert_eq!(finished.code, Some(0), "{words:?}: {} {}", finished.out, finished.err);
        finished.json()
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// A statement that nobody has signed; its file and its digest.
    fn draft(&self, step: &str, model: &str, name: &str) -> (String, String) {
        let (file, report) = (self.path(name), self.path("report.json"));
        fs::write(&report, "the gates that it passed\n").unwrap();
        let words = ["--evidence", &report, "--reason", "measured", "--out", &file];
        let said = self.json(&[&[step, model], &words[..]].concat());
        (file, said["statement"].as_str().unwrap().to_owned())
    }

    fn sign(&self, (file, digest): (&str, &str), person: &str, role: &str) -> Finished {
        let (person, list) = (self.path(&format!("people/{person}")), self.path("authority/authorities"));
        let by = ["--person", &person, "--role", role, "--authorities", &list, "--confirm", digest];
        run(["model", "sign", file].iter().chain(&by))
    }

    /// Made, signed by two people, and installed.
    fn state(&self, step: &str, model: &str, signers: [(&str, &str); 2]) -> String {
        let (file, digest) = self.draft(step, model, &format!("{step}-{}.statement", &model[..8]));
        for (person, role) in signers {
            let signed = self.sign((&file, &digest), person, role);
            assert_eq!(signed.code, Some(0), "{} {}", signed.out, signed.err);
        }
        let installed = self.model(&["install", &file]);
        assert_eq!(installed.code, Some(0), "{} {}", installed.out, installed.err);
        file
    }

    /// Each model's state, in the order in which they came.
    fn states(&self) -> Vec<String> {
        let models = self.json(&["list"]);
        models["models"].as_array().unwrap().iter().map(|model| model["state"].as_str().unwrap().to_owned()).collect()
    }
}

/// Every branch says this of its copy of a model.
fn all_say(federation: &mut Federation, model: &str, state: &str) {
    for _ in 0..BRANCHES {
        let said = federation.until("model_copy");
        assert_eq!((&said["model"], &said["state"]), (&model.into(), &state.into()), "{said}");
    }
}

const PEERS: [(&str, &str); 2] = [("e1", "plan-owner"), ("e3", "model-validator")];

#[test]
fn models_are_promoted_rolled_back_and_withdrawn() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    assert_eq!(demo(&dir, &["--epsilon", "8"]).code, Some(0));
    replan(&dir, |text| text.replace("name = \"demo\"", "name = \"second\""));
    let mut federation = Federation::serving(folder, dir.clone(), |_, text| text.to_owned());
    let _daemons = Daemons::start(&federation);
    assert_eq!(federation.until("finished")["complete"], true);
    let desk = Desk { dir: dir.clone() };
    assert_eq!(desk.states(), ["candidate", "candidate"]);
    let models = desk.json(&["list"]);
    let [one, two] = [0, 1].map(|place| models["models"][place]["model"].as_str().unwrap().to_owned());
    let kept = |branch: usize, model: &str| {
        let folder: PathBuf = dir.join(format!("branches/branch-{branch:03}/state/models")).join(model);
        folder.join("parameters").is_file()
    };

    // Who may not sign, and what is not whole, is named before anything leaves the desk.
    let (file, digest) = desk.draft("promote", &one, "a.statement");
    desk.sign((&file, &digest), "e2", "privacy-officer")
        .assert_refused(1, &["privacy-officer may not sign", "Nothing was signed"]);
    desk.sign((&file, &"0".repeat(64)), "e1", "plan-owner").assert_refused(1, &["nothing is signed", &digest]);
    assert_eq!(desk.sign((&file, &digest), "e1", "plan-owner").code, Some(0));
    desk.sign((&file, &digest), "e1", "plan-owner").assert_refused(1, &["has signed it", "another person's"]);
    desk.model(&["install", &file]).assert_refused(1, &["1 of two people", "model sign"]);
    desk.model(&["show", "12345678"]).assert_refused(1, &["has 0 models", "model list"]);
    desk.model(&["rollback", &one, "--reason", "r", "--out", &desk.path("r")])
        .assert_refused(1, &["\"rollback\" cannot be done", "candidate"]);
    assert_eq!(desk.states(), ["candidate", "candidate"]);

    // The first model becomes the champion, and every branch fetches it.
    desk.state("promote", &one, PEERS);
    assert_eq!(federation.until("model_stated")["step"], "promote");
    all_say(&mut federation, &one, "kept");
    assert!((0..BRANCHES).all(|branch| kept(branch, &one)));
    // What was signed for it is not taken twice.
    assert_eq!(desk.sign((&file, &digest), "e3", "model-validator").code, Some(0));
    desk.model(&["install", &file]).assert_refused(1, &["it is statement 1", "the next one is 2"]);

    // The second takes its place; a rollback needs no fetching.
    desk.state("promote", &two, PEERS);
    all_say(&mut federation, &two, "kept");
    assert_eq!(desk.states(), ["challenger", "champion"]);
    desk.state("rollback", &one, PEERS);
    assert_eq!(federation.until("model_stated")["step"], "rollback");
    assert_eq!(desk.states(), ["champion", "candidate"]);
    assert!((0..BRANCHES).all(|branch| kept(branch, &one) && kept(branch, &two)));

    // A withdrawal reaches every branch, which deletes and acknowledges.
    let copies = |model: &str| desk.json(&["copies", model])["copies"].as_array().unwrap().clone();
    assert!(copies(&two).iter().all(|copy| copy["state"] == "kept" && copy["owes_acknowledgement"] == false));
    desk.state("withdraw", &two, [("e2", "privacy-officer"), ("e3", "model-validator")]);
    all_say(&mut federation, &two, "refused");
    assert!((0..BRANCHES).all(|branch| kept(branch, &one) && !kept(branch, &two)));
    let said = copies(&two);
    assert_eq!(said.len(), BRANCHES);
    assert!(said.iter().all(|copy| copy["state"] == "refused" && copy["owes_acknowledgement"] == false), "{said:?}");
    assert_eq!(desk.states(), ["champion", "withdrawn"]);
    let shown = desk.json(&["show", &two[..8]]);
    let steps: Vec<_> =
        shown["statements"].as_array().unwrap().iter().map(|one| one["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["promote", "withdraw"]);

    // Who verifies the journal finds the same, with every signature.
    let journal = dir.join("coordinator/state/audit.log");
    let verified = run(["verify", "ledger", "--json"].map(Path::new).into_iter().chain([journal.as_path()]));
    assert_eq!(verified.code, Some(0), "{} {}", verified.out, verified.err);
    let registry = &verified.json()["registry"];
    assert_eq!((&registry["champions"][0][1], &registry["withdrawn"][0]), (&one.into(), &two.into()));
    assert_eq!(registry["signatures"], 2 * 4 + 3 * BRANCHES);
}
