//! `tributary demo` from its first process to its last, over real QUIC.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::support::{EXECUTABLE, Finished, run};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The keys of `demo --json`, all of them.
const KEYS: [&str; 21] = [
    "auc_federated",
    "auc_in_branch_mean",
    "auc_local_mean",
    "auc_pooled",
    "branches",
    "bytes_down",
    "bytes_up",
    "cpu_seconds_clients",
    "cpu_seconds_coordinator",
    "customers",
    "delta",
    "epsilon",
    "labels",
    "noise_multiplier",
    "parameters",
    "rounds",
    "rss_bytes_coordinator_max",
    "runs",
    "seconds_rounds",
    "seconds_total",
    "version",
];

/// Eight branches and a few rounds.
const SMALL: [&str; 7] = ["demo", "--branches", "8", "--rounds", "4", "--method", "gradient"];

/// Runs a small demo to its end.
pub(crate) fn demo(dir: &Path, more: &[&str]) -> Finished {
    demo_of("60", dir, more)
}

/// The same with so many customers of a branch.
fn demo_of(customers: &str, dir: &Path, more: &[&str]) -> Finished {
    let size = ["--customers-per-branch", customers];
    let words = SMALL.iter().chain(&size).chain(more).map(Path::new);
    run(words.chain([Path::new("--dir"), dir]))
}

/// Processes of this executable that were told of this folder, by their command lines.
fn left_behind(dir: &Path) -> Vec<String> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let lines = processes.filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    let dir = dir.display().to_string();
    lines.filter(|line| line.contains(&dir) && line.contains("--events")).collect()
}

/// The registry's only model.
fn evaluation_of(settings: &Path) -> String {
    let listed = run(["model", "list", "--json", "--config"].map(Path::new).into_iter().chain([settings]));
    listed.json()["models"][0]["model"].as_str().unwrap().to_owned()
}

#[test]
fn the_demo_trains_one_model_and_says_what_it_cost() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    let finished = demo(&dir, &["--json", "--epsilon", "8"]);
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    assert!(finished.err.contains("no month at work: this way of learning"), "{}", finished.err);
    let figures = finished.json();
    let mut keys: Vec<&str> = figures.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, KEYS);
    assert_eq!((&figures["rounds"], &figures["branches"]), (&4.into(), &8.into()));
    for key in ["auc_federated", "auc_local_mean", "auc_pooled", "auc_in_branch_mean"] {
        let auc = figures[key].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&auc), "{key} {auc}");
    }
    let epsilon = figures["epsilon"].as_f64().unwrap();
    // Four of five rounds that may be charged.
    assert!(epsilon > 4.0 && epsilon <= 8.0, "{epsilon}");
    assert!(figures["bytes_up"].as_u64() > Some(4 * 8 * 8), "{figures}");
    assert!(figures["customers"].as_u64() > Some(100), "{figures}");

    // What an auditor sees is what was told, and every branch's own file agrees.
    let verify = |file: PathBuf| {
        let verdict = run(["verify".as_ref(), "ledger".as_ref(), "--json".as_ref(), file.as_os_str()]);
        assert_eq!(verdict.code, Some(0), "{} {}", verdict.out, verdict.err);
        verdict.json()
    };
    let verdict = only_run(&verify(dir.join("coordinator/state/audit.log")));
    assert_eq!((&verdict["epsilon"], &verdict["complete"]), (&figures["epsilon"], &true.into()));
    let noise = |value: &serde_json::Value| (value["noise_multiplier"].as_f64().unwrap() * 1e6).round();
    assert_eq!(noise(&verdict["stages"][0]), noise(&figures));
    let model = verdict["model"].as_str().unwrap();
    assert!(dir.join(format!("coordinator/state/models/{model}.params")).is_file());
    for branch in 0..8 {
        let budget = verify(dir.join(format!("branches/branch-{branch:03}/state/budget.ledger")));
        assert_eq!((&budget["runs"][0]["plan"], &budget["runs"][0]["rounds"]), (&verdict["plan"], &4.into()));
        assert_eq!(budget["epsilon"], figures["epsilon"]);
    }
    assert_eq!(left_behind(&dir), Vec::<String>::new());

    // The settings that the demo wrote are settings like any others.
    for file in ["coordinator/coordinator.toml", "branches/branch-000/client.toml"] {
        let check = run(["config".as_ref(), "check".as_ref(), dir.join(file).as_os_str()]);
        assert_eq!(check.code, Some(0), "{} {}", check.out, check.err);
    }
}

/// The verdict on the one run of a journal.
pub(crate) fn only_run(journal: &serde_json::Value) -> serde_json::Value {
    let [run] = journal["runs"].as_array().unwrap().as_slice() else { panic!("{journal}") };
    run.clone()
}

pub(crate) fn verified(words: [&str; 2], file: &Path) -> serde_json::Value {
    let verdict = run(words.map(Path::new).into_iter().chain([Path::new("--json"), file]));
    assert_eq!(verdict.code, Some(0), "{} {}", verdict.out, verdict.err);
    verdict.json()
}

#[test]
fn coins_and_counts_are_charged_and_stated() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    // So many that the noise leaves positives of each label in the counts, whatever it is.
    let finished = demo_of("800", &dir, &["--json", "--epsilon", "8", "--sampling-rate", "0.5", "--measure"]);
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    let state = dir.join("coordinator/state");
    let ledger = state.join("audit.log");
    let verdict = only_run(&verified(["verify", "ledger"], &ledger));
    let stages = [("count", 1), ("gradient", 4), ("evaluate", 1)];
    let listed = |stages: &serde_json::Value| -> Vec<(String, u64, u64)> {
        let stages = stages.as_array().unwrap().iter();
        let number = |stage: &serde_json::Value, key: &str| stage[key].as_u64().unwrap();
        stages
            .map(|stage| {
                (stage["kind"].as_str().unwrap().to_owned(), number(stage, "rounds"), number(stage, "charged"))
            })
            .collect()
    };
    let expected = stages.map(|(kind, rounds)| (kind.to_owned(), rounds, rounds));
    assert_eq!(listed(&verdict["stages"]), expected);
    assert!(verdict["stages"].as_array().unwrap().iter().all(|stage| stage["committed"] == stage["rounds"]));
    assert_eq!((&verdict["rounds_committed"], &finished.json()["rounds"]), (&6.into(), &6.into()));
    assert_eq!(verdict["epsilon"], finished.json()["epsilon"]);
    // Whoever watches hears of the counts in their order.
    let heard = ["stage 1 (count): counts of 8 branches", "round 5/6", "stage 3 (evaluate): counts of 8 branches"];
    let places = heard.map(|part| finished.err.find(part).unwrap_or_else(|| panic!("{part}: {}", finished.err)));
    assert!(places.is_sorted(), "{}", finished.err);
    // And a check of the settings names the stages before anything runs.
    let settings = dir.join("coordinator/coordinator.toml");
    let check = run(["config", "check", "--json"].map(Path::new).into_iter().chain([settings.as_path()]));
    assert_eq!(check.code, Some(0), "{} {}", check.out, check.err);
    let planned = check.json()["found"]["plans"][0]["stages"].clone();
    let planned: Vec<_> = planned
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| (&stage["kind"], &stage["rounds"]))
        .map(|(kind, rounds)| (kind.as_str().unwrap().to_owned(), rounds.as_u64().unwrap()))
        .collect();
    assert_eq!(planned, stages.map(|(kind, rounds)| (kind.to_owned(), rounds)));
    // The statement in the run's folder is the one that follows from the ledger.
    let run_folder = state.join(format!("plans/{}/runs/1", verdict["plan"].as_str().unwrap()));
    let json = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(run_folder.join(name)).unwrap()).unwrap()
    };
    let statement = verified(["verify", "statement"], &ledger);
    assert_eq!(statement, json("statement.json"));
    assert_eq!(statement["figures"]["epsilon_spent"], verdict["epsilon"]);
    assert_eq!(statement["mode"], "customer");
    assert_eq!(statement["questions"].as_array().unwrap().len(), 24);
    let releases = statement["releases"].as_array().unwrap().iter();
    let releases: Vec<_> = releases
        .map(|release| {
            (
                release["stage"].as_u64().unwrap(),
                release["kind"].as_str().unwrap(),
                release["sampling_rate"].as_f64().unwrap(),
            )
        })
        .collect();
    assert_eq!(releases, [(1, "count", 1.0), (2, "gradient", 0.5), (3, "evaluate", 1.0)]);
    // What was counted: every customer once, but for noise of the size that is stated. By class both together are all of them.
    let customers = finished.json()["customers"].as_f64().unwrap();
    let total = |histogram: &serde_json::Value| -> (f64, f64) {
        let counts = histogram["counts"].as_array().unwrap();
        (counts.iter().map(|count| count.as_f64().unwrap()).sum(), counts.len() as f64)
    };
    let statistics = json("counts/1-count.json");
    let noise = statistics["noise_stddev_min"].as_f64().unwrap();
    let mut counted: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for histogram in statistics["histograms"].as_array().unwrap() {
        let (sum, cells) = total(histogram);
        let of = counted.entry(histogram["name"].as_str().unwrap().split(": ").next().unwrap()).or_default();
        *of = (of.0 + sum, of.1 + cells);
    }
    assert!(counted.keys().any(|name| name.ends_with(", churn")), "labels are counted by field: {counted:?}");
    for (name, (sum, cells)) in counted {
        // All shares together are 1.3 times the guaranteed noise; 6 deviations.
        assert!((sum - customers).abs() < 6.0 * 1.4 * noise * cells.sqrt(), "{name}: {sum} of {customers}");
    }
    let evaluation = json("counts/3-evaluate.json");
    assert_eq!(evaluation["model"], verdict["model"], "what is released is what was evaluated");
    for head in evaluation["heads"].as_array().unwrap() {
        let between = |figure: &serde_json::Value| {
            let end = |end: &str| figure[end].as_f64().unwrap();
            end("low") <= end("value") && end("value") <= end("high") && end("low") < end("high")
        };
        assert!(["auc", "pr_auc", "ks", "log_loss", "brier", "ece"].iter().all(|name| between(&head[name])), "{head}");
        assert!(!head["calibration"].as_array().unwrap().is_empty(), "{head}");
    }
    // The registry shows the same, as a table and as a page in either language.
    let evaluated = |words: &[&str]| {
        let of = ["model", "evaluate", evaluation_of(&settings).as_str()].map(ToOwned::to_owned);
        let words = of.into_iter().chain(words.iter().map(|word| (*word).to_owned()));
        run(words.map(std::ffi::OsString::from).chain(["--config".into(), settings.clone().into()]))
    };
    assert_eq!(evaluated(&["--json"]).json()["heads"], evaluation["heads"]);
    // The fields were counted, and the model is a sum over them: each has an importance for each label.
    let importance = evaluation["importance"]["fields"].as_array().unwrap();
    let fields = statistics["fields"].as_array().unwrap().len();
    assert_eq!(importance.len(), fields * evaluation["heads"].as_array().unwrap().len());
    // Few customers: some fields do not stand out of the noise. Of the others it is known how much of them the noise explains.
    let given: Vec<&serde_json::Value> = importance.iter().filter(|field| !field["variance"].is_null()).collect();
    let explained = |field: &&serde_json::Value| field["noise"].as_f64().is_some_and(|noise| noise >= 0.0);
    assert!(!given.is_empty() && given.iter().all(explained), "{importance:?}");
    let page = dir.join("evaluation.html");
    let beside = dir.join("beside.json");
    fs::write(
        &beside,
        r#"{"models": [{"name": "pooled, no noise", "auc": 0.8}], "price": [{"epsilon": 1, "auc": 0.7}]}"#,
    )
    .unwrap();
    let with = ["--beside", beside.to_str().unwrap()];
    let shown = evaluated(&["--lang", "zh", "--html", page.to_str().unwrap(), with[0], with[1]]);
    assert_eq!(shown.code, Some(0), "{} {}", shown.out, shown.err);
    let written = fs::read_to_string(&page).unwrap();
    assert!(shown.out.contains("校准误差") && written.contains("ROC 曲线"), "{}", shown.out);
    for text in ["字段重要性", "pooled, no noise", "epsilon 的代价"] {
        assert!(written.contains(text), "{text}");
    }
    assert!(shown.out.contains("字段重要性") && shown.out.contains("pooled, no noise: "), "{}", shown.out);
    fs::write(&beside, "{}").unwrap();
    evaluated(&with).assert_refused(1, &["beside.json", "no model and no price"]);
    evaluated(&["--html", page.to_str().unwrap()]).assert_refused(1, &["evaluation.html"]);
    let summed = |words: &[&str]| {
        let words = ["model", "summary"].iter().chain(words).map(std::ffi::OsString::from);
        run(words.chain(["--config".into(), settings.clone().into()]))
    };
    let model = evaluation_of(&settings);
    let summary = summed(&[&model, "--json"]).json();
    assert_eq!((&summary["fields"], &summary["learnt"]), (&statistics["fields"], &serde_json::json!([])));
    let median = &summary["fields"][1]["quantiles"][2]["value"];
    let end = |end: &str| median[end].as_f64().unwrap();
    assert!(end("low") <= end("value") && end("value") <= end("high"), "{summary}");
    let plan = summary["plan"].as_str().unwrap();
    assert_eq!(summed(&[plan, "--run", "1", "--json"]).json()["fields"], statistics["fields"]);
    let shown = summed(&[&model, "--lang", "zh"]);
    assert!(shown.code == Some(0) && shown.out.contains("分位数"), "{} {}", shown.out, shown.err);
    summed(&[plan, "--run", "2"]).assert_refused(1, &["[plan.statistics]"]);
    summed(&["12345678", "--run", "1"]).assert_refused(1, &["0 plans"]);
    // Every branch's own books say the same.
    for branch in 0..8 {
        let config = dir.join(format!("branches/branch-{branch:03}/client.toml"));
        let budget =
            run(["client", "budget", "--json", "--config"].map(Path::new).into_iter().chain([config.as_path()]));
        assert_eq!(budget.code, Some(0), "{} {}", budget.out, budget.err);
        let budget = budget.json();
        let [of_run] = budget["plans"][0]["runs"].as_array().unwrap().as_slice() else { panic!("{budget}") };
        assert_eq!(listed(&of_run["stages"]), expected);
        assert!(of_run["stages"].as_array().unwrap().iter().all(|stage| stage["rounds_left_for_life"].is_u64()));
        assert_eq!(budget["epsilon_spent"], verdict["epsilon"]);
        assert_eq!((&of_run["number"], &of_run["retries"], &of_run["rounds_left"]), (&1.into(), &1.into(), &0.into()));
        // The run is over: what it has not charged is free again.
        assert!(budget["epsilon_left"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn branches_can_train_locally() {
    in_mode("local");
}

/// A small demo with differences of models, in a mode that has them.
pub(crate) fn in_mode(mode: &str) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    let finished = demo(&dir, &["--json", "--epsilon", "50", "--privacy", mode]);
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    let ledger = dir.join("coordinator/state/audit.log");
    let verdict = only_run(&verified(["verify", "ledger"], &ledger));
    assert_eq!((&verdict["privacy"], &verdict["rounds_committed"]), (&mode.into(), &4.into()));
    let statement = verified(["verify", "statement"], &ledger);
    assert_eq!(statement["mode"], mode);
    let epsilon = verdict["epsilon"].as_f64().unwrap();
    assert!(epsilon > 20.0 && epsilon <= 50.0, "{epsilon}");
}

#[test]
fn a_policy_that_was_changed_or_is_stricter_refuses_before_data_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    assert_eq!(demo(&dir, &[]).code, Some(0));
    let branch = dir.join("branches/branch-000");
    let (policy, config) = (branch.join("policy.toml"), branch.join("client.toml"));
    let text = fs::read_to_string(&policy).unwrap();
    let command = |words: &[&str]| run(words.iter().map(Path::new).chain([config.as_path()]));
    let shown = command(&["client", "policy", "show", "--config"]);
    assert!(shown.code == Some(0) && shown.out.contains("customers of branch-000"), "{} {}", shown.out, shown.err);
    let audit =
        "  field gender: never learned from, and for audits alone: column \"gender\", one of 2: \"female\", \"male\"";
    for part in [audit, "; class C2, level 3 (sensitive)\n", "  needed: \"habits of saving"] {
        assert!(shown.out.contains(part), "{part} in {}", shown.out);
    }
    let checked = command(&["client", "dataset", "check", "--config"]);
    let audit = "audit gender, level 2: the column \"gender\" is there; it is not read";
    assert!(checked.code == Some(0) && checked.out.contains(audit), "{} {}", checked.out, checked.err);
    // Changed by somebody who is not the owner.
    fs::write(&policy, text.replace("cohort_min = 8", "cohort_min = 9")).unwrap();
    for words in [&["client", "run", "--config"][..], &["client", "budget", "--config"], &["config", "check"]] {
        let refused = command(words);
        assert_ne!(refused.code, Some(0));
        assert!(refused.err.contains("not signed by the branch's owner"), "{words:?}: {}", refused.err);
    }
    // Signed again by the owner, it is in force; and a population is for ever.
    let sign = || {
        let words = ["client", "policy", "sign", "--policy"].map(Path::new).into_iter().map(Path::to_owned);
        let key = ["--key".into(), branch.join("owner.key")];
        let signed = run(words.chain([policy.clone()]).chain(key).chain(["--schema".into(), dir.join("schema.toml")]));
        assert_eq!(signed.code, Some(0), "{} {}", signed.out, signed.err);
    };
    sign();
    assert!(command(&["client", "policy", "show", "--config"]).out.contains("at least 9 branches"));
    fs::write(&policy, text.replace("customers of branch-000", "others")).unwrap();
    sign();
    command(&["client", "run", "--config"]).assert_refused(1, &["belongs to the population", "two budgets"]);
    fs::write(&policy, text.replace("rounds_a_day = 1000000", "rounds_a_day = 0")).unwrap();
    let words = ["client", "policy", "sign", "--policy"].map(Path::new).into_iter().map(Path::to_owned);
    let key = ["--key".into(), branch.join("owner.key")];
    let faulty = run(words.chain([policy.clone()]).chain(key).chain(["--schema".into(), dir.join("schema.toml")]));
    faulty.assert_refused(2, &["policy.rounds_a_day"]);
}

#[test]
fn a_perceptron_trains_too() {
    a_perceptron(&["--epsilon", "50"], "privacy   epsilon");
}

/// A small demo with a perceptron, which says this of its privacy.
pub(crate) fn a_perceptron(more: &[&str], privacy: &str) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    let finished = demo(&dir, &[&["--model", "mlp"], more].concat());
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    for part in ["federated", "branch-only", "pooled", privacy, "audit.log (verified)", "kept in"] {
        assert!(finished.out.contains(part), "{part} in {}", finished.out);
    }
    assert!(finished.err.contains("round 4/4: 8 survivors"), "{}", finished.err);
    assert_eq!(left_behind(&dir), Vec::<String>::new());
}

#[test]
fn a_port_in_use_ends_the_demo_with_the_reason() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let port = address.port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    let finished = demo(&dir, &["--listen", &address.to_string()]);
    finished.assert_refused(1, &["coordinator failed", &port, "in use by another program", "logs/coordinator.log"]);
    // The port comes before the first entry: the ledger is opened, and nothing is in it.
    let ledger = std::fs::read(dir.join("coordinator/state/audit.log")).unwrap();
    assert_eq!(ledger.len(), tributary_protocol::log::LOG_HEADER_BYTES);
    assert_eq!(left_behind(&dir), Vec::<String>::new());
}

#[test]
fn ctrl_c_leaves_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    // More rounds than anybody waits for.
    let (child, stderr) = started(&dir, &["--rounds", "50000"], "branches started");
    let (code, _, rest) = interrupted(child, stderr);
    assert_eq!(code, Some(130), "{rest}");
    assert!(rest.contains("kept in"), "{rest}");
    assert_eq!(left_behind(&dir), Vec::<String>::new());
}

/// Two runs, each from the model of the one before, and then a federation that answers until Ctrl-C.
#[test]
fn a_federation_stays_up_after_its_runs_and_can_be_asked() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    let options = ["--rounds", "3", "--runs", "2", "--keep-running", "--json"];
    let (child, stderr) = started(&dir, &options, "The federation stays up");
    let settings = dir.join("coordinator/coordinator.toml");
    let answer = |words: &[&str]| {
        let words =
            words.iter().map(OsStr::new).chain([OsStr::new("--json"), OsStr::new("--config"), settings.as_os_str()]);
        run(words).json()
    };
    let status = answer(&["coordinator", "status"]);
    assert_eq!((&status["here"], &status["ended"]), (&8.into(), &2.into()), "{status}");
    let models = answer(&["model", "list"]);
    let [first, second] = models["models"].as_array().unwrap().as_slice() else { panic!("{models}") };
    assert_eq!((&second["run"], &second["parent"]), (&2.into(), &first["model"]), "{models}");
    let (code, out, rest) = interrupted(child, stderr);
    assert_eq!(code, Some(0), "{rest}");
    let printed: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&printed["runs"], &printed["rounds"]), (&2.into(), &3.into()));
    let (one, all) = (printed["epsilon"].as_f64().unwrap(), printed["epsilon_all_runs"].as_f64().unwrap());
    assert!(one < all && all < 2.0 * one, "{one} and {all}");
    assert!(rest.contains("people/e2") && rest.contains("all of it is kept in"), "{rest}");
    assert_eq!(left_behind(&dir), Vec::<String>::new());
}

/// A demo that has printed a line with these words.
fn started(dir: &Path, options: &[&str], words: &str) -> (Child, BufReader<ChildStderr>) {
    let mut command = Command::new(EXECUTABLE);
    let small = ["demo", "--branches", "8", "--customers-per-branch", "60", "--method", "gradient", "--dir"];
    command.args(small).arg(dir).args(options);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "the demo ended early");
    }
    (child, stderr)
}

/// Its exit code after Ctrl-C, its output, and what it said after those words.
fn interrupted(mut child: Child, mut stderr: BufReader<ChildStderr>) -> (Option<i32>, String, String) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let (mut out, mut rest) = (String::new(), String::new());
    stderr.read_to_string(&mut rest).unwrap();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    (child.wait().unwrap().code(), out, rest)
}
