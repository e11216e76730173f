//! Models as people and branches see them, over real daemons: gates, a pilot, a promotion, another one, a rollback and a withdrawal.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tributary_certs::clock::unix_seconds;
use tributary_client::models::used::UsedModels;
use tributary_client::settings::Settings;
use tributary_protocol::plan::Date;

use crate::demo::demo;
use crate::exports::Desk as Exports;
use crate::federation::Federation;
use crate::support::{EXECUTABLE, Finished, replan, run, sign_roster};

const BRANCHES: usize = 8;

/// For so many days the validator answers for a model.
const ANSWERED_DAYS: u64 = 300;

/// The day so many days from now.
fn day_after(days: u64) -> String {
    Date::of_second(unix_seconds() + days * 86_400).to_string()
}

/// Daemons of branches, which stay when a run is over.
pub(crate) struct Daemons(Vec<Child>);

impl Daemons {
    pub(crate) fn start(federation: &Federation) -> Self {
        Self((0..BRANCHES).map(|branch| Self::one(federation, branch)).collect())
    }

    fn one(federation: &Federation, branch: usize) -> Child {
        let mut command = Command::new(EXECUTABLE);
        command.args(["client", "run", "--events", "--config"]).arg(federation.config(branch));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// A branch's machine is off.
    fn stop(&mut self, branch: usize) {
        self.0[branch].kill().unwrap();
        self.0[branch].wait().unwrap();
    }

    fn again(&mut self, federation: &Federation, branch: usize) {
        self.0[branch] = Self::one(federation, branch);
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
pub(crate) struct Desk {
    dir: PathBuf,
}

impl Desk {
    /// Of a demo's folder.
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    fn model(&self, words: &[&str]) -> Finished {
        let config = self.dir.join("coordinator/coordinator.toml").display().to_string();
        run(["model"].iter().chain(words).chain(&["--config", &config]))
    }

    pub(crate) fn json(&self, words: &[&str]) -> serde_json::Value {
        let finished = self.model(&[words, &["--json"]].concat());
        assert_eq!(finished.code, Some(0), "{words:?}: {} {}", finished.out, finished.err);
        finished.json()
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// A statement that nobody has signed; its file and its digest.
    fn draft(&self, step: &str, model: &str, name: &str) -> (String, String) {
        let file = self.path(name);
        let report = self.path(&format!("gates-{}.report", &model[..8]));
        let (step, words): (&str, &[&str]) = match step {
            "challenge" => ("promote", &["--challenger", "--share", "0.5", "--evidence", &report]),
            "promote" | "pilot" => (step, &["--evidence", &report]),
            _ => (step, &[]),
        };
        let said = self.json(&[&[step, model, "--reason", "measured", "--out", &file], words].concat());
        (file, said["statement"].as_str().unwrap().to_owned())
    }

    /// The report on a model's gates, with its card, as the validator signs it.
    pub(crate) fn validate(&self, model: &str) -> serde_json::Value {
        let [card, report] = ["card", "gates"].map(|what| self.path(&format!("{what}-{}.report", &model[..8])));
        let made = self.model(&["card", model, "--out", &card]);
        assert_eq!(made.code, Some(0), "{} {}", made.out, made.err);
        let made = self.json(&["gates", model, "--out", &report]);
        assert_eq!((&made["holds"], &made["validator"]), (&true.into(), &serde_json::Value::Null), "{made}");
        assert_eq!(made["card"], tributary_protocol::digest::Digest::of(&fs::read(&card).unwrap()).to_string());
        let signed = self.validated(&report, made["report"].as_str().unwrap(), "e3");
        assert_eq!(signed.code, Some(0), "{} {}", signed.out, signed.err);
        made
    }

    fn validated(&self, report: &str, digest: &str, person: &str) -> Finished {
        let (person, list) = (self.path(&format!("people/{person}")), self.path("authority/authorities"));
        let until = day_after(ANSWERED_DAYS);
        let words = ["--findings", "replicated", "--condition", "looked at again in a year", "--valid-until", &until];
        let by = ["--person", &person, "--authorities", &list, "--confirm", digest];
        run(["model", "validate", report].iter().chain(&words).chain(&by))
    }

    fn sign(&self, (file, digest): (&str, &str), person: &str, role: &str) -> Finished {
        let (person, list) = (self.path(&format!("people/{person}")), self.path("authority/authorities"));
        let by = ["--person", &person, "--role", role, "--authorities", &list, "--confirm", digest];
        run(["model", "sign", file].iter().chain(&by))
    }

    /// Made, signed by two people, and installed.
    pub(crate) fn state(&self, step: &str, model: &str, signers: [(&str, &str); 2]) -> String {
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
pub(crate) fn all_say(federation: &mut Federation, model: &str, state: &str) {
    say(federation, BRANCHES, model, state);
}

/// So many branches say this. Others may speak in between.
fn say(federation: &mut Federation, branches: usize, model: &str, state: &str) {
    let mut found = 0;
    while found < branches {
        let said = federation.until("model_copy");
        found += usize::from(said["model"] == model && said["state"] == state);
    }
}

pub(crate) const PEERS: [(&str, &str); 2] = [("e1", "plan-owner"), ("e3", "model-validator")];

/// Which model each branch's own ledger names, by the file that the promotion or the pilot left.
fn used(dir: &Path, branch: usize) -> Option<(String, &'static str)> {
    let config = dir.join(format!("branches/branch-{branch:03}/client.toml"));
    let models = UsedModels::read(&Settings::load(&config).unwrap()).unwrap();
    let purpose = models.purposes().pop()?;
    models.champion(&purpose).map(|used| (used.model.to_string(), used.used.name()))
}

#[test]
fn models_pass_gates_and_a_pilot_and_are_rolled_back_and_withdrawn() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    assert_eq!(demo(&dir, &["--epsilon", "8"]).code, Some(0));
    let roster = fs::read_to_string(dir.join("authority/roster")).unwrap();
    let name = |branch: usize| {
        let id = format!("/branch-{branch:03}");
        let word = roster.split_whitespace().find(|word| word.ends_with(&id)).unwrap_or_else(|| panic!("{id}"));
        word.to_owned()
    };
    // The second plan wants a pilot of two branches, and limits that this little data holds.
    let gates = format!(
        "\n[plan.evaluation]\nbins = 8\nbudget_share = 0.3\n[[gates.label]]\nlabel = \"churn\"\nauc_min = 0.0\ncalibration_error_max = 1.0\n\n\
         [gates.pilot]\nbranches = [\"{}\", \"{}\"]\ncopies_min = 2\ndays = 0\n",
        name(0),
        name(1)
    );
    replan(&dir, |text| text.replace("name = \"demo\"", "name = \"second\"") + &gates);
    let mut federation = Federation::serving(folder, dir.clone(), |_, text| text.to_owned());
    let mut daemons = Daemons::start(&federation);
    assert_eq!(federation.until("finished")["complete"], true);
    federation.kill_and_restart();
    let desk = Desk::new(&dir);
    assert_eq!(desk.states(), ["candidate", "candidate"]);
    let models = desk.json(&["list"]);
    let [one, two] = [0, 1].map(|place| models["models"][place]["model"].as_str().unwrap().to_owned());
    // Every enrolled branch is named before anything was stated.
    let asked = desk.json(&["copies", &one])["copies"].as_array().unwrap().clone();
    assert_eq!(asked.iter().filter(|copy| copy["state"].is_null() && copy["branch"].is_string()).count(), BRANCHES);
    let shown = desk.model(&["copies", &one]);
    assert_eq!(shown.out.matches("has not said yet").count(), BRANCHES, "{}", shown.out);
    let kept = |branch: usize, model: &str| {
        let folder: PathBuf = dir.join(format!("branches/branch-{branch:03}/state/models")).join(model);
        folder.join("parameters").is_file()
    };

    // Without a report, with one that nobody signed, or with one whose gates do not hold there is not even a statement to sign.
    let out = desk.path("none.statement");
    let promote =
        |evidence: &str| desk.model(&["promote", &one, "--evidence", evidence, "--reason", "r", "--out", &out]);
    let bare = desk.model(&["promote", &one, "--reason", "r", "--out", &out]);
    bare.assert_refused(64, &["--evidence", "model gates"]);
    let unsigned = desk.path("unsigned.report");
    let made = desk.json(&["gates", &one, "--out", &unsigned]);
    assert!(made["card"].is_string(), "the card was written at the release: {made}");
    promote(&unsigned).assert_refused(1, &["no model validator has signed", "model validate"]);
    // Nobody validates what is their own.
    desk.validated(&unsigned, made["report"].as_str().unwrap(), "e1")
        .assert_refused(1, &["nobody validates", "Nothing was signed"]);
    promote(&dir.join("coordinator/plan.toml").display().to_string()).assert_refused(1, &["model gates"]);
    // A report of another model lets nobody promote this one.
    desk.validate(&two);
    promote(&desk.path(&format!("gates-{}.report", &two[..8]))).assert_refused(1, &["about another model"]);
    assert_eq!(desk.states(), ["candidate", "candidate"]);

    // Who may not sign, and what is not whole, is named before anything leaves the desk.
    desk.validate(&one);
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
    federation.kill_and_restart();
    assert_eq!(desk.states(), ["candidate", "candidate"]);

    // The first model becomes the champion, and every branch fetches it.
    desk.state("promote", &one, PEERS);
    assert_eq!(federation.until("model_stated")["step"], "promote");
    all_say(&mut federation, &one, "kept");
    assert!((0..BRANCHES).all(|branch| kept(branch, &one)));
    // What was signed for it is not taken twice.
    assert_eq!(desk.sign((&file, &digest), "e3", "model-validator").code, Some(0));
    desk.model(&["install", &file]).assert_refused(1, &["it is statement 1", "the next one is 2"]);

    // The second one's plan wants a pilot first: two branches use it, and the others keep the champion.
    let (early, digest) = desk.draft("promote", &two, "early.statement");
    PEERS.into_iter().for_each(|(who, role)| assert_eq!(desk.sign((&early, &digest), who, role).code, Some(0)));
    desk.model(&["install", &early]).assert_refused(1, &["wants a pilot", "model pilot"]);
    desk.state("pilot", &two, PEERS);
    assert_eq!(federation.until("model_stated")["step"], "pilot");
    say(&mut federation, 2, &two, "kept");
    assert_eq!(desk.states(), ["champion", "pilot"]);
    assert!((0..BRANCHES).all(|branch| kept(branch, &two) == (branch < 2)));
    for branch in 0..BRANCHES {
        let expected = if branch < 2 { (two.clone(), "pilot") } else { (one.clone(), "champion") };
        assert_eq!(used(&dir, branch), Some(expected), "{branch}");
    }
    federation.kill_and_restart();
    assert_eq!(desk.states(), ["champion", "pilot"]);

    // Then all; a rollback needs no fetching.
    desk.state("promote", &two, PEERS);
    all_say(&mut federation, &two, "kept");
    assert_eq!(desk.states(), ["challenger", "champion"]);
    federation.kill_and_restart();
    daemons.stop(7);
    desk.state("rollback", &one, PEERS);
    assert_eq!(federation.until("model_stated")["step"], "rollback");
    assert_eq!(desk.states(), ["champion", "candidate"]);
    say(&mut federation, BRANCHES - 1, &one, "kept");

    // The validator leaves while one branch is away. It comes back, and believes the others.
    let authority = dir.join("authority");
    let leaves = ["certs", "role", "revoke", "--staff", "bank/e3", "--all", "--authority"].map(Path::new);
    let left = run(leaves.into_iter().chain([authority.as_path()]));
    assert_eq!(left.code, Some(0), "{} {}", left.out, left.err);
    sign_roster(&authority, &[&authority]);
    federation.until("roster");
    assert_eq!(used(&dir, 7), Some((two.clone(), "champion")));
    daemons.again(&federation, 7);
    say(&mut federation, 1, &one, "kept");
    assert_eq!(used(&dir, 7), Some((one.clone(), "champion")));
    assert!((0..BRANCHES).all(|branch| kept(branch, &one) && kept(branch, &two)));

    // A withdrawal reaches every branch that is there, which deletes and acknowledges; one whose machine is off hears of it when it comes back.
    let copies = |model: &str| desk.json(&["copies", model])["copies"].as_array().unwrap().clone();
    assert!(copies(&two).iter().all(|copy| copy["state"] == "kept" && copy["owes_acknowledgement"] == false));
    let exporting = Exports(&dir);
    // No export is valid after the last day for which the validator answers.
    let [last, later] = [ANSWERED_DAYS, ANSWERED_DAYS + 1].map(day_after);
    exporting
        .export_until(&later, &one, &["onnx"], &desk.path("one.onnx"))
        .assert_refused(1, &[&format!("until {last} and no longer"), "--valid-until", "Nothing was made"]);
    let champion = exporting.export_until(&last, &one, &["onnx"], &desk.path("one.onnx"));
    assert_eq!(champion.code, Some(0), "{} {}", champion.out, champion.err);
    // The other one was rolled back, and is a candidate again.
    let candidate = exporting.export(&two, &["onnx"], &desk.path("two.onnx"));
    assert_eq!(candidate.code, Some(0), "{} {}", candidate.out, candidate.err);
    daemons.stop(7);
    desk.state("withdraw", &two, [("e2", "privacy-officer"), ("e1", "plan-owner")]);
    say(&mut federation, BRANCHES - 1, &two, "refused");
    assert!((0..BRANCHES).all(|branch| kept(branch, &one) && kept(branch, &two) == (branch == 7)));
    let owing: Vec<_> = copies(&two).into_iter().filter(|copy| copy["owes_acknowledgement"] == true).collect();
    assert!(owing.len() == 1 && owing[0]["branch"] == name(7), "{owing:?}");
    federation.kill_and_restart();
    daemons.again(&federation, 7);
    assert_eq!(federation.until("model_copy")["state"], "refused");
    assert!(!kept(7, &two));
    // Of the withdrawn model nothing is exported any more, and what was is void.
    assert_eq!(exporting.exports(), [(1, false), (2, true)]);
    exporting
        .export(&two, &["onnx"], &desk.path("again.onnx"))
        .assert_refused(1, &["was withdrawn", "nothing was made"]);
    assert_eq!(exporting.export_until(&last, "champion", &["onnx"], &desk.path("champion.onnx")).code, Some(0));
    let said = copies(&two);
    assert_eq!(said.len(), BRANCHES);
    assert!(said.iter().all(|copy| copy["state"] == "refused" && copy["owes_acknowledgement"] == false), "{said:?}");
    assert_eq!(desk.states(), ["champion", "withdrawn"]);
    assert!((0..BRANCHES).all(|branch| used(&dir, branch) == Some((one.clone(), "champion"))));
    let shown = desk.json(&["show", &two[..8]]);
    let steps: Vec<_> =
        shown["statements"].as_array().unwrap().iter().map(|one| one["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["pilot", "promote", "withdraw"]);

    // Who verifies the journal finds the same, with every signature: of statements, of the reports of three of them, and of copies.
    let journal = dir.join("coordinator/state/audit.log");
    let verified = run(["verify", "ledger", "--json"].map(Path::new).into_iter().chain([journal.as_path()]));
    assert_eq!(verified.code, Some(0), "{} {}", verified.out, verified.err);
    let registry = &verified.json()["registry"];
    assert_eq!((&registry["champions"][0][1], &registry["withdrawn"][0]), (&one.into(), &two.into()));
    assert_eq!((&registry["reports"], &registry["signatures"]), (&4.into(), &(2 * 5 + 3 + 5 * BRANCHES).into()));
}
