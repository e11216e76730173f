//! Incidents as people tell of them, and what an inspector is shown: real processes, with a daemon and without one.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tributary_protocol::digest::Digest;

use crate::demo::demo;
use crate::kills::{Daemon, event};
use crate::support::{EXECUTABLE, Finished, run, sign_roster};

struct Office {
    dir: PathBuf,
    config: String,
}

impl Office {
    fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    fn tell(&self, words: &[&str], (person, role): (&str, &str), severity: &str) -> Finished {
        let person = self.path(&format!("people/{person}"));
        let by = ["--person", &person, "--role", role, "--severity", severity, "--config", &self.config];
        run(["incident"].iter().chain(words).chain(&by))
    }

    fn incident(&self, words: &[&str], more: &[&str]) -> Finished {
        run(["incident"].iter().chain(words).chain(&["--config", &self.config]).chain(more))
    }

    fn verify(&self, file: &str, more: &[&str]) -> Finished {
        run(["verify", "incident", file].iter().chain(more))
    }

    /// Appoints an inspector: a key of their own, a role with a last day, and a roster that two holders sign.
    fn appoint(&self) {
        let (folder, ca) = (self.path("people/inspector"), self.path("authority"));
        let request = format!("{folder}/person.request");
        done(run(["certs", "person", "request", "--staff", "regulator/i7", "--out", &folder]));
        let grant = ["certs", "role", "grant", "--authority", &ca, "--request", &request, "--role", "inspector"];
        done(run(grant.iter().chain(&["--days", "14", "--by", "dora"])));
        sign_roster(Path::new(&ca), &[Path::new(&ca)]);
    }

    fn ask(&self, what: &str, out: &str, more: &[&str]) -> String {
        let (person, list, out) = (self.path("people/inspector"), self.path("authority/authorities"), self.path(out));
        let words = ["inspect", what, "--person", &person, "--authorities", &list, "--out", &out];
        done(run(words.iter().chain(more)));
        out
    }
}

fn done(finished: Finished) -> String {
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    finished.out
}

const OWNER: (&str, &str) = ("e1", "plan-owner");
const OFFICER: (&str, &str) = ("e2", "privacy-officer");
const VALIDATOR: (&str, &str) = ("e3", "model-validator");

#[test]
fn an_incident_from_its_opening_to_a_file_that_somebody_else_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    assert_eq!(demo(&dir, &[]).code, Some(0));
    let config = dir.join("coordinator/coordinator.toml").display().to_string();
    let office = Office { dir, config };
    without_a_daemon(&office);
    the_file(&office);
    in_the_report(&office);
    beside_a_daemon(&office);
    an_inspector_looks(&office);
}

fn without_a_daemon(office: &Office) {
    assert!(done(office.incident(&["list"], &[])).contains("no incident was opened"));
    let opened =
        office.tell(&["open", "the disk of branch 3 was full", "--happened", "2026-01-02T03:04:05Z"], OWNER, "high");
    assert!(done(opened).contains("incident 1, open, high, by"), "said");
    // What names a customer, what is nobody's duty, and what is nobody's incident.
    office
        .tell(&["open", "customer 13800138000 called"], OWNER, "low")
        .assert_refused(1, &["more than 10 digits", "Nothing was signed"]);
    office.tell(&["close", "1", "over"], OWNER, "low").assert_refused(1, &["plan-owner may not sign close-incident"]);
    office.tell(&["note", "2", "what"], OWNER, "low").assert_refused(1, &["no incident 2"]);
    office.tell(&["note", "1", "what"], OWNER, "huge").assert_refused(64, &["critical"]);
    done(office.tell(&["note", "1", "another disk was ordered"], VALIDATOR, "medium"));
    // One person opens and does not close.
    done(office.tell(&["open", "a certificate ends soon"], OFFICER, "low"));
    office.tell(&["close", "2", "renewed"], OFFICER, "low").assert_refused(1, &["another person"]);
    // Signed elsewhere, and carried here; once.
    let listed = office.incident(&["list"], &["--json"]).json();
    let first = listed["incidents"][0]["incident"].as_str().unwrap().to_owned();
    let (person, list, word) =
        (office.path("people/e2"), office.path("authority/authorities"), office.path("over.incident"));
    let elsewhere =
        ["--person", &person, "--role", "privacy-officer", "--severity", "low", "--authorities", &list, "--out", &word];
    done(run(["incident", "close", &first, "another disk was put in"].iter().chain(&elsewhere)));
    assert!(done(office.incident(&["install", &word], &[])).contains("incident 1, close, low"));
    office.incident(&["install", &word], &[]).assert_refused(1, &["taken before"]);
    office.tell(&["note", "1", "more"], OWNER, "low").assert_refused(1, &["is closed"]);
    let shown = office.incident(&["show", "1"], &["--json"]).json();
    let words: Vec<&str> =
        shown["timeline"].as_array().unwrap().iter().map(|line| line["what"].as_str().unwrap()).collect();
    // It began before the runs, so that what did not go as planned in them is within its time.
    assert_eq!(words.iter().filter(|word| word.starts_with("incident-")).count(), 3, "{words:?}");
    assert_eq!(
        (&shown["state"], &shown["opened_by"], &shown["closed_by"]),
        (&"closed".into(), &"bank/e1".into(), &"bank/e2".into())
    );
    assert!(done(office.incident(&["show", &first[..8]], &[])).contains("the disk of branch 3 was full"));
    done(run(["verify", "ledger", &office.path("coordinator/state/audit.log")]));
}

fn the_file(office: &Office) {
    let (file, key) =
        (office.path("incident-1.json"), office.path("branches/branch-000/state/checkpoints/coordinator.key"));
    let list = office.path("authority/authorities");
    let export = ["export", "1", "--output", &file];
    assert!(done(office.incident(&export, &[])).contains("incident 1 with"));
    office.incident(&export, &[]).assert_refused(1, &["evidence is not replaced"]);
    // No branch has cosigned what was told since the demo ended.
    let whole = ["--authority", &list, "--key", &key];
    let judged = office.verify(&file, &[&whole[..], &["--json"]].concat());
    assert_eq!(judged.code, Some(2), "{} {}", judged.out, judged.err);
    let judged = judged.json();
    assert_eq!((&judged["faults"], &judged["others"]), (&serde_json::json!([]), &serde_json::json!([])), "{judged}");
    assert_eq!(judged["missing"].as_array().unwrap().len(), 1, "{judged}");
    assert_eq!(office.verify(&file, &["--authority", &"0".repeat(64), "--key", &key]).code, Some(3));
    assert_eq!(
        office.verify(&file, &["--authority", &list, "--key", &office.path("people/e1/person.request")]).code,
        Some(4)
    );
    let text = fs::read_to_string(&file).unwrap();
    fs::write(office.path("changed.json"), text.replace("branch 3", "branch 4")).unwrap();
    assert_eq!(office.verify(&office.path("changed.json"), &whole).code, Some(1));
    fs::write(office.path("cut.json"), &text[..text.len() / 2]).unwrap();
    assert_eq!(office.verify(&office.path("cut.json"), &whole).code, Some(4));
}

fn in_the_report(office: &Office) {
    for (language, heading) in [("en", "Incident 1, closed, low"), ("zh", "事件 1，已关闭，低")] {
        let output = office.path(&format!("incidents-{language}.json"));
        let words = ["report", "compliance", "--preset", "leak", "--config", &office.config, "--output", &output];
        done(run(words.iter().chain(&["--lang", language])));
        let report: Value = serde_json::from_str(&fs::read_to_string(&output).unwrap()).unwrap();
        let incidents = report["report"]["incidents"].as_array().unwrap();
        assert_eq!(incidents.len(), 2, "{incidents:?}");
        let page = fs::read_to_string(Path::new(&output).with_extension("html")).unwrap();
        assert!(page.contains(heading) && page.contains("the disk of branch 3 was full"), "{heading}");
        let journal = office.path("coordinator/state/audit.log");
        let key = office.path("branches/branch-000/state/checkpoints/coordinator.key");
        done(run(["verify", "report", &output, "--key", &key, "--journal", &journal]));
    }
}

fn beside_a_daemon(office: &Office) {
    let mut daemon = Daemon::start(["coordinator", "serve", "--events", "--config"], Path::new(&office.config));
    let mut lines = daemon.lines();
    event(&mut lines, "listening");
    done(office.tell(&["open", "a switch was replaced"], OWNER, "critical"));
    let told = event(&mut lines, "incident_told");
    assert!(told["words"].as_str().unwrap().contains("incident 3, open, critical"), "{told}");
    office.tell(&["close", "2", "renewed"], OFFICER, "low").assert_refused(1, &["another person"]);
    let status = run(["coordinator", "status", "--json", "--config", &office.config]).json();
    let open: Vec<u64> =
        status["incidents"].as_array().unwrap().iter().map(|one| one["number"].as_u64().unwrap()).collect();
    assert_eq!(open, [2, 3], "{status}");
    assert!(
        done(run(["coordinator", "status", "--config", &office.config])).contains("incident  3, critical, open since")
    );
}

/// Every look is in the journal before anything is shown, and counts once.
fn an_inspector_looks(office: &Office) {
    let days = ["--from", "2020-01-01", "--to", "2099-12-31"];
    office.appoint();
    let export = |request: &str, output: &str| {
        let (request, output) = (request.to_owned(), office.path(output));
        let words = ["audit", "export", "--config", &office.config, "--output", &output, "--inspection", &request];
        run(words.iter().chain(&days))
    };
    let request = office.ask("audit-export", "a.look", &days);
    let exported = export(&request, "inspected.trib");
    assert!(
        done_said(&exported)
            .contains("look of regulator/i7 (inspector): audit-export of 2020-01-01 to 2099-12-31, all")
    );
    // The look stands in the very journal that was handed over.
    let log = office.path("coordinator/state/audit.log");
    let steps = run(["verify", "ledger", "--step", &log]);
    assert!(steps.out.contains("look of regulator/i7"), "{}", steps.err);
    export(&request, "again.trib").assert_refused(1, &["used before"]);
    assert!(!Path::new(&office.path("again.trib")).exists(), "nothing is shown");

    let list = |request: &str| office.incident(&["list"], &["--inspection", request]);
    list(&request).assert_refused(1, &["asks for something else"]);
    assert!(done_said(&list(&office.ask("incidents", "b.look", &[]))).contains("incidents, all"));
    let shown = office.ask("incidents", "c.look", &["--scope", "1"]);
    assert!(done_said(&office.incident(&["show", "1"], &["--inspection", &shown])).contains("incidents, 1"));
    let compliance = office.ask("report-compliance", "d.look", &days);
    let output = office.path("inspected.json");
    let words = ["report", "compliance", "--config", &office.config, "--output", &output, "--inspection", &compliance];
    done(run(words.iter().chain(&days)));
    let report: Value = serde_json::from_str(&fs::read_to_string(&output).unwrap()).unwrap();
    let looks = report["report"]["looks"].as_array().unwrap();
    let what: Vec<&str> = looks.iter().map(|look| look["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["audit-export", "incidents", "incidents", "report-compliance"], "its own look is in it");

    // Whoever is no inspector asks for nothing, and an inspector tells and decides nothing.
    let (owner, authorities, out) =
        (office.path("people/e1"), office.path("authority/authorities"), office.path("e.look"));
    done(run(["inspect", "status", "--person", &owner, "--authorities", &authorities, "--out", &out]));
    run(["coordinator", "status", "--config", &office.config, "--inspection", &out])
        .assert_refused(1, &["does not hold that role"]);
    office
        .tell(&["open", "seen"], ("inspector", "inspector"), "low")
        .assert_refused(1, &["inspector may not sign report-incident"]);
    office.tell(&["open", "seen"], ("inspector", "plan-owner"), "low").assert_refused(1, &["does not hold that role"]);
    run([
        "order",
        "freeze",
        "--person",
        &office.path("people/inspector"),
        "--role",
        "inspector",
        "--authorities",
        &authorities,
        "--out",
        &office.path("f.order"),
    ])
    .assert_refused(1, &["inspector may not sign freeze"]);
    run([
        "certs",
        "role",
        "grant",
        "--authority",
        &office.path("authority"),
        "--staff",
        "regulator/i7",
        "--role",
        "auditor",
    ])
    .assert_refused(1, &["regulator/i7 would be"]);
}

/// What a command that went well said beside its answer.
fn done_said(finished: &Finished) -> String {
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    finished.err.clone()
}

/// The lines of the manual under these headings, in their order: docs/COMPLIANCE.md is typed as it stands.
#[test]
fn the_manual_is_typed_from_an_incident_to_an_inspection() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    assert_eq!(demo(&root.join("demo"), &[]).code, Some(0));
    let manual = include_str!("../../docs/COMPLIANCE.md");
    let mut digest = String::new();
    let mut typed = 0;
    for heading in ["An incident", "The compliance report", "Papers for assessors", "A supervisor's inspection"] {
        let (_, below) = manual.split_once(&format!("\n## {heading}\n")).expect("the manual has the heading");
        let section = below.lines().take_while(|line| !line.starts_with("## "));
        for line in section.filter(|line| line.starts_with("tributary ")) {
            let parts = line.split('"').enumerate();
            let words = parts.flat_map(|(part, text)| match part % 2 {
                1 => vec![text.to_owned()],
                _ => text.split_whitespace().map(|word| word.replace("DIGEST", &digest)).collect(),
            });
            let output = std::process::Command::new(crate::support::EXECUTABLE)
                .args(words.skip(1))
                .current_dir(&root)
                .env("LC_ALL", "C")
                .stdin(std::process::Stdio::null())
                .output()
                .unwrap();
            let said = crate::support::finished(&output);
            // Nobody has cosigned what was told after the demo was over.
            let expected = if line.contains(" verify incident ") { 2 } else { 0 };
            assert_eq!(said.code, Some(expected), "{line}: {} {}", said.out, said.err);
            if line.contains(" roster diff ") {
                let found = said
                    .out
                    .split_whitespace()
                    .map(|word| word.replace('-', ""))
                    .find(|word| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit()));
                digest = found.expect("the digest of the changes");
            }
            typed += 1;
        }
    }
    assert!(typed >= 20, "{typed}");
    papers(&root);
}

/// What the papers say, and that a page follows from its file alone, in both languages with the same numbers.
fn papers(root: &Path) {
    let path = |name: &str| root.join(name).display().to_string();
    let paper = |name: &str| -> Value { serde_json::from_str(&fs::read_to_string(root.join(name)).unwrap()).unwrap() };
    let security = paper("security.json")["paper"].clone();
    let flows: Vec<&str> =
        security["flows"].as_array().unwrap().iter().map(|flow| flow["from"].as_str().unwrap()).collect();
    assert!(flows.contains(&"member") && flows.contains(&"operator"), "{flows:?}");
    let certificates = security["certificates"].as_array().unwrap();
    assert!(certificates.iter().all(|line| line["days_left"].as_i64().unwrap() > 0), "{certificates:?}");
    assert_eq!(security["members"].as_array().unwrap().len(), 8);
    let state = |what: &str| {
        let lines = security["hardening"].as_array().unwrap();
        lines.iter().find(|line| line["what"] == what).unwrap()["state"].as_str().unwrap().to_owned()
    };
    for what in ["signing-key-own", "tls-key-own", "state-own", "tls-13-alone", "roster-of-several"] {
        assert_eq!(state(what), "holds", "{what}");
    }
    if cfg!(target_os = "linux") {
        assert_eq!(state("no-core-dumps"), "holds");
    }
    let ropa = paper("ropa.json")["paper"].clone();
    let activity = &ropa["activities"][0];
    assert!(activity["categories"].as_array().unwrap().iter().any(|line| line["used_as"] == "label"), "{activity}");
    assert_eq!(activity["recipients"][0]["what"], "masked-sums");
    assert_eq!(ropa["controller"]["privacy_officers"][0], "bank/e2");
    // What runs and how it is configured is named by digests.
    let version = |what: &str| {
        let lines = security["versions"].as_array().unwrap();
        lines.iter().find(|line| line["what"] == what).unwrap()["version"].clone()
    };
    let digest = |path: &Path| Digest::of(&fs::read(path).unwrap()).to_string();
    assert_eq!(version("digest-settings"), digest(&root.join("demo/coordinator/coordinator.toml")));
    assert_eq!(version("digest-executable"), digest(Path::new(EXECUTABLE)));
    let dpia = paper("dpia.json")["paper"].clone();
    let risk = |name: &str| {
        let line = dpia["risks"].as_array().unwrap().iter().find(|line| line["risk"] == name).unwrap();
        ["level", "measure", "figure"].map(|key| line[key].as_str().unwrap().to_owned())
    };
    let planned = format!("epsilon {}", dpia["parameters"][0]["epsilon_plan"].as_str().unwrap());
    assert_eq!(risk("risk-membership")[1..], ["measure-noise".into(), planned]);
    let [_, measure, caps] = risk("risk-repeated");
    assert!(measure == "measure-budget" && caps.ends_with("(8 / 8)"), "{caps}");
    // What was told since the demo ended no branch has cosigned.
    assert_eq!(risk("risk-incidents")[1], "measure-log-some");
    assert_eq!(dpia["incidents"], serde_json::json!([1, 0]));
    let key = path("demo/branches/branch-000/state/checkpoints/coordinator.key");
    for name in ["security", "ropa", "dpia"] {
        let file = path(&format!("{name}.json"));
        done(run(["verify", "report", &file, "--key", &key]));
        assert_eq!(run(["verify", "report", &file]).code, Some(2));
        assert_eq!(run(["verify", "report", &file, "--key", &path("demo/authority/authorities")]).code, Some(4));
        let text = fs::read_to_string(&file).unwrap();
        let changed = path("changed.json");
        fs::write(&changed, text.replacen("\"format\": 1,\n    \"kind\"", "\"format\": 1, \n    \"kind\"", 1)).unwrap();
        assert_eq!(run(["verify", "report", &changed, "--key", &key]).code, Some(1), "{name}");
        let pages = ["en", "zh"].map(|language| {
            let page = path(&format!("{name}-{language}.html"));
            done(run(["report", "page", &file, "--lang", language, "--output", &page]));
            fs::read_to_string(&page).unwrap()
        });
        let beside = fs::read_to_string(root.join(format!("{name}.html"))).unwrap();
        assert!(pages.contains(&beside), "{name}: the page beside the file is the page of the file");
        for page in &pages {
            let asks = ["http://", "https://", "src=", "href=\"/", "url(h", "<script", "@import"];
            assert!(asks.iter().all(|one| !page.contains(one)), "{name} asks somebody for something");
        }
        assert_eq!(crate::reports::numbers(&pages[0]), crate::reports::numbers(&pages[1]), "{name}");
        assert_eq!(crate::reports::english(&pages[1], &paper(&format!("{name}.json"))), Vec::<String>::new(), "{name}");
    }
}
