//! The ready file, the look at what has changed, and the operator's word, through the built executable.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use crate::federation::Federation;
use crate::support::{Finished, begin_anew, replan, run};

const SCHEMA: &str = r#"
name = "small"
version = 1
customer_column = "who"
fields = [{ name = "age", kind = "numeric", min = 18, max = 90, class = "C2", level = "L2" }]
labels = [{ name = "churn", positive = ["yes"], negative = ["no"] }]
"#;

/// A branch's settings and files: no identity is needed for a look at data.
struct Branch(tempfile::TempDir);

impl Branch {
    fn new() -> Self {
        let branch = Self(tempfile::tempdir().unwrap());
        fs::create_dir(branch.path("identity")).unwrap();
        let settings = "[client]\nstate_dir = \"state\"\n[coordinator]\naddress = \"localhost:1\"\n[identity]\nfolder = \"identity\"\n\
                        [data]\nfile = \"rows.csv\"\nschema = \"schema.toml\"\n[policy]\nfile = \"policy.toml\"\nowner = \"policy.toml\"\n";
        for (name, text) in [("client.toml", settings), ("schema.toml", SCHEMA), ("policy.toml", "")] {
            fs::write(branch.path(name), text).unwrap();
        }
        branch
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn client(&self, words: &[&str]) -> Finished {
        let config = self.path("client.toml");
        run(["client"].iter().chain(words).map(AsRef::as_ref).chain(["--config".as_ref(), config.as_os_str()]))
    }

    /// Rows of which older ones leave more often, by these words.
    fn rows(&self, shift: usize, [yes, no]: [&str; 2]) {
        let row = |number: usize| {
            let age = 20 + number * 7 % 60;
            let leaves = (number * 31 + shift) % 100 < age / 4;
            format!("c{number},{age},{}\n", if leaves { yes } else { no })
        };
        let text: String = (0..1_000).map(row).collect();
        fs::write(self.path("rows.csv"), format!("who,age,churn\n{text}")).unwrap();
    }

    /// As whoever exports does it, by the words of the manual.
    fn seal(&self, date: &str) {
        let script = format!(
            "{{ echo 'tributary data 1'; echo 'date {date}'; sha256sum rows.csv; }} > rows.csv.ok.part && mv rows.csv.ok.part rows.csv.ok"
        );
        assert!(Command::new("sh").args(["-c", &script]).current_dir(self.0.path()).status().unwrap().success());
    }
}

#[test]
fn the_word_is_given_after_a_look_and_kept() {
    let branch = Branch::new();
    branch.rows(0, ["yes", "no"]);
    branch.client(&["ready", "--next"]).assert_refused(
        1,
        &["nothing is said to be ready", "rows.csv.ok: there is no such ready file", "tributary client dataset stamp"],
    );
    assert!(!branch.path("state").exists(), "nothing was kept");
    let checked = branch.client(&["dataset", "check"]);
    assert_eq!(checked.code, Some(0), "a plan that names no day is joined all the same: {}", checked.err);
    assert!(checked.out.contains("of no declared day"), "{}", checked.out);

    branch.seal("2026-10-31");
    let told = branch.client(&["ready", "--next"]);
    assert_eq!(told.code, Some(0), "{} {}", told.out, told.err);
    for part in
        ["data of 2026-10-31", "1000 rows, 1000 customers", "the next run that wants data of 2026-10-31 is joined"]
    {
        assert!(told.out.contains(part), "{part:?} is missing in {}", told.out);
    }
    let overview = branch.client(&["ready", "--json"]).json();
    assert_eq!((&overview["last"]["date"], overview["asked"].as_array().unwrap().len()), (&"2026-10-31".into(), 0));
    for entry in fs::read_dir(branch.path("state/readiness")).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    // Cut while it was carried.
    let text = fs::read_to_string(branch.path("rows.csv")).unwrap();
    fs::write(branch.path("rows.csv"), &text[..text.len() / 2]).unwrap();
    branch.client(&["ready", "--next"]).assert_refused(1, &["replaced, changed or cut"]);
    assert_eq!(branch.client(&["dataset", "check"]).code, Some(1), "a ready file that is there must be right");
    let stamped = branch.client(&["dataset", "stamp", "--date", "2026-11-31"]);
    assert_eq!(stamped.code, Some(64), "{}", stamped.err);
}

#[test]
fn last_months_file_and_flipped_labels_are_asked_about() {
    let branch = Branch::new();
    branch.rows(0, ["yes", "no"]);
    branch.seal("2026-10-31");
    assert_eq!(branch.client(&["ready", "--next"]).code, Some(0));

    // The export did not run, and its ready file was made all the same.
    branch.seal("2026-11-30");
    branch.client(&["ready", "--next"]).assert_refused(
        1,
        &["nothing is said to be ready: there is no terminal", "byte for byte, the file of 2026-10-31", "--confirm"],
    );

    branch.rows(50, ["no", "yes"]);
    assert_eq!(branch.client(&["dataset", "stamp", "--date", "2026-11-30"]).code, Some(0));
    let json = branch.client(&["dataset", "check", "--json"]).json();
    let alarms = json["alarms"].as_array().unwrap();
    assert!(alarms.iter().any(|alarm| alarm.as_str().unwrap().contains("its classes look flipped")), "{json}");
    assert_eq!(
        (&json["usable"], &json["date"], &json["earlier"]["date"]),
        (&true.into(), &"2026-11-30".into(), &"2026-10-31".into())
    );
    assert_eq!(json["earlier"]["changes"]["labels"][0]["name"], "churn");
    let told = branch.client(&["dataset", "check"]).out;
    assert!(told.contains("ASK: label churn") && told.contains("since the data of 2026-10-31"), "{told}");

    let other = "0".repeat(64);
    branch.client(&["ready", "--next", "--confirm", &other]).assert_refused(1, &["is not the digest of this data set"]);
    let digest = json["confirm"].as_str().unwrap();
    let confirmed = branch.client(&["ready", "--next", "--json", "--confirm", digest]).json();
    assert!(
        confirmed["ready"][0].as_str().unwrap().contains("the data of 2026-11-30 are said to be ready"),
        "{confirmed}"
    );
    // What was confirmed is the data set beside which the next one lies.
    assert_eq!(branch.client(&["ready", "--next"]).code, Some(0), "the same word again");
}

/// A federation whose plan wants data of the day on which a run begins, and that all eight branches have joined.
fn dated() -> Federation {
    Federation::after_a_plan(
        |_, text| text.to_owned(),
        |dir| {
            fs::remove_dir_all(dir.join("coordinator/heads")).unwrap();
            (0..8).for_each(|branch| begin_anew(dir, &format!("branch-{branch:03}")));
            replan(dir, |text| {
                text.replacen("[schedule]\n", "[schedule]\nas_of = \"0 days before\"\nready_min = 8\n", 1)
            });
        },
    )
}

fn client_of(federation: &Federation, number: usize, words: &[&str]) -> Finished {
    let config = federation.config(number);
    run(["client"].iter().chain(words).map(AsRef::as_ref).chain(["--config".as_ref(), config.as_os_str()]))
}

fn done(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
}

/// Branches that run before their data are ready take part as soon as their operators have said so; until then the coordinator's people see who
/// is late, and who is silent.
#[test]
fn a_run_waits_for_its_branches_data_and_begins_when_they_are_ready() {
    let mut federation = dated();
    let mut clients: Vec<_> = (0..7).map(|branch| federation.start(branch)).collect();
    let mut events: Vec<_> = clients.iter_mut().map(|client| client.events()).collect();
    let mut day = String::new();
    for events in &mut events {
        let told = events.find(|event| event["event"] == "not_ready").unwrap();
        assert!(told["reason"].as_str().unwrap().contains("nobody has said here that any data are ready"), "{told}");
        day = told["as_of"].as_str().unwrap().to_owned();
    }
    let late = |missing: &serde_json::Value| missing["not_ready"] == true;
    loop {
        let muster = federation.until("muster");
        assert_eq!((&muster["needed"], &muster["here"]), (&8.into(), &0.into()), "{muster}");
        let missing = muster["missing"].as_array().unwrap();
        // The eighth is silent.
        if missing.iter().filter(|missing| late(missing)).count() == 7 {
            assert!(!late(missing.iter().find(|missing| missing["name"] == "bank/branch-007").unwrap()), "{muster}");
            break;
        }
    }
    let settings = federation.dir.join("coordinator/coordinator.toml");
    let words = ["coordinator", "run", "readiness", "demo", "--json", "--config"].map(OsStr::new);
    let asked = run(words.into_iter().chain([settings.as_os_str()])).json();
    let states = asked["members"].as_array().unwrap().iter().map(|member| member["state"].as_str().unwrap());
    assert_eq!(states.collect::<Vec<_>>(), [&["late"; 7][..], &["silent"]].concat(), "{asked}");
    assert_eq!(asked["as_of"], day.as_str());
    clients.push(federation.start(7));
    for branch in 0..8 {
        done(&client_of(&federation, branch, &["dataset", "stamp", "--date", &day]));
        done(&client_of(&federation, branch, &["ready", "--next"]));
    }
    assert_eq!(federation.until("finished")["complete"], true);
    let kept = fs::read_dir(federation.branch(0).join("state/readiness")).unwrap();
    let mut kinds: Vec<String> =
        kept.map(|entry| entry.unwrap().path().extension().unwrap().to_string_lossy().into_owned()).collect();
    kinds.sort();
    assert_eq!(kinds, ["counts", "ready", "used"], "nothing is asked any more");
    drop(events);
    drop(clients);
}

/// A table that is replaced while its run is under way is not used before the operator says so again.
#[test]
fn another_file_of_a_run_that_was_joined_needs_another_word() {
    let federation = dated();
    let mut client = federation.start(0);
    let mut events = client.events();
    let told = events.find(|event| event["event"] == "not_ready").unwrap();
    let day = told["as_of"].as_str().unwrap().to_owned();
    let run_of = |told: &serde_json::Value| {
        let reason = told["reason"].as_str().unwrap();
        let (_, rest) = reason.split_once("ready --run ").unwrap();
        rest.trim_end_matches('`').to_owned()
    };
    let asked = run_of(&told);
    assert!(client_of(&federation, 0, &["ready"]).out.contains(&format!("ready --run {asked}")));
    done(&client_of(&federation, 0, &["dataset", "stamp", "--date", &day]));
    done(&client_of(&federation, 0, &["ready", "--run", &asked]));
    events.find(|event| event["event"] == "accepted").unwrap();
    drop(events);
    client.stop();

    // Two rows fewer.
    let file = federation.data(0);
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    fs::write(&file, lines[..lines.len() - 2].join("\n") + "\n").unwrap();
    done(&client_of(&federation, 0, &["dataset", "stamp", "--date", &day]));
    let mut client = federation.start(0);
    let mut events = client.events();
    let told = events.find(|event| event["event"] == "not_ready").unwrap();
    assert!(told["reason"].as_str().unwrap().contains("the run was joined with "), "{told}");
    let json = client_of(&federation, 0, &["dataset", "check", "--json"]).json();
    assert!(json["alarms"][0].as_str().unwrap().contains("another file of"), "{json}");
    client_of(&federation, 0, &["ready", "--run", &asked]).assert_refused(1, &["another file of", "--confirm"]);
    let digest = json["confirm"].as_str().unwrap();
    done(&client_of(&federation, 0, &["ready", "--run", &asked, "--confirm", digest]));
    events.find(|event| event["event"] == "accepted").unwrap();
    drop(events);
    client.stop();
}
