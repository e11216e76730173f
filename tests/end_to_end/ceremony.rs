//! A federation from nothing, as its operators type it: an authority with three holders of roster keys in three folders, a coordinator without a
//! member, eight branches that enrol by token and approval, a roster that two holders sign offline, and a plan that all of them take part in.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::federation::Federation;
use crate::support::{EXECUTABLE, Finished, run, sign_plan};

const HOLDERS: [&str; 3] = ["anna", "ben", "carla"];

fn done(finished: Finished) -> String {
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    finished.out
}

/// Nothing of the demo's enrolment is left: an authority made anew, its keys at once with their holders, and a coordinator.
fn found(dir: &Path) {
    let path = |name: &str| dir.join(name).display().to_string();
    for folder in ["authority", "identities", "coordinator/heads"] {
        fs::remove_dir_all(dir.join(folder)).unwrap();
    }
    (0..8).for_each(|branch| fs::remove_dir_all(dir.join(format!("branches/branch-{branch:03}/state"))).unwrap());
    let (authority, usb) = (path("authority"), path("usb"));
    let holders = HOLDERS.map(path);
    let init = ["certs", "init", "--authority", &authority, "--trust-domain", "demo.tributary", "--offline", &usb];
    let holders = holders.iter().flat_map(|holder| ["--holder", holder]);
    done(run(init.into_iter().chain(holders).chain(["--needed", "2"])));
    for (number, holder) in HOLDERS.iter().enumerate() {
        assert!(dir.join(holder).join(format!("authority-{number}.key")).exists());
        assert!(!dir.join("authority").join(format!("authority-{number}.key")).exists());
    }
    let centre = path("identities/coordinator");
    let issue = ["certs", "issue", "coordinator", "--authority", &authority, "--organisation", "head-office"];
    let hosts = ["--id", "coordinator", "--host", "localhost", "--address", "127.0.0.1", "--out", &centre];
    done(run(issue.into_iter().chain(hosts)));
    done(run(["certs", "crl", "--authority", &authority]));
    // Two people, each with a key of their own making: one puts the plan forward, the other one approves it.
    let people = [("bank/e1", "owner", "plan-owner"), ("bank/e2", "officer", "privacy-officer")];
    for (staff, folder, role) in people {
        let folder = path(folder);
        done(run(["certs", "person", "request", "--staff", staff, "--out", &folder]));
        let request = format!("{folder}/person.request");
        done(run(["certs", "role", "grant", "--authority", &authority, "--request", &request, "--role", role]));
    }
    sign_plan(dir, [&dir.join("owner"), &dir.join("officer")]);
}

/// Eight branches at once: each shows the fingerprint of the keys that it made, somebody hears it and approves, and the branch has its
/// certificate. What was heard, by name.
fn enrol(federation: &Federation) -> BTreeMap<String, String> {
    let path = |name: &str| federation.dir.join(name).display().to_string();
    let authority = path("authority");
    let enrolling = (0..8).map(|branch| {
        let id = format!("branch-{branch:03}");
        let (bundle, out) = (path(&format!("{id}.bundle")), path(&format!("identities/{id}")));
        let token = ["certs", "token", "--authority", &authority, "--organisation", "bank", "--id", &id, "--approval"];
        done(run(token.into_iter().chain(["--coordinator", &federation.address, "--out", &bundle])));
        let mut enrol = Command::new(EXECUTABLE);
        enrol.args(["client", "enrol", "--bundle", &bundle, "--out", &out]);
        (id, enrol.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap())
    });
    let enrolling: Vec<_> = enrolling.collect();
    let mut heard = BTreeMap::new();
    let mut approved = Vec::new();
    for (id, mut process) in enrolling {
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let line = lines.find(|line| line.trim().split('-').count() == 8).expect("a fingerprint");
        let fingerprint = line.trim().to_owned();
        done(run(["certs", "approve", "--authority", &authority, "--by", "helpdesk-2", &fingerprint]));
        heard.insert(format!("bank/{id}"), fingerprint);
        approved.push((process, lines));
    }
    for (mut process, lines) in approved {
        assert!(lines.into_iter().any(|line| line.contains("spiffe://demo.tributary/bank/client/")));
        assert_eq!(process.wait().unwrap().code(), Some(0));
    }
    // It is there still when a holder calls, days later.
    for (name, fingerprint) in &heard {
        let id = name.split('/').next_back().unwrap();
        assert_eq!(fs::read_to_string(path(&format!("identities/{id}/fingerprint"))).unwrap().trim(), fingerprint);
    }
    heard
}

#[test]
fn a_federation_begins_with_nothing_and_two_of_three_holders_sign_what_they_were_shown() {
    let with_office = |_: &Path, text: &str| {
        let identity = "[identity]\nrevocations = \"../authority/revocations.pem\"\n";
        text.replace("[identity]\n", identity) + "\n[enrolment]\nauthority = \"../authority\"\n"
    };
    let mut federation = Federation::after_a_plan(with_office, found);
    let dir = federation.dir.clone();
    let path = |name: &str| dir.join(name).display().to_string();
    let waiting = federation.until("waiting");
    assert!(waiting["reason"].as_str().unwrap().starts_with("0 of 8 members"), "{waiting}");
    let heard = enrol(&federation);

    // The office proposes; nothing is in force.
    let (authority, proposal) = (path("authority"), path("proposal"));
    let roster = |words: &[&str]| run(["certs", "roster"].iter().chain(words));
    done(roster(&["propose", "--authority", &authority, "--out", &proposal]));
    assert!(!dir.join("authority/roster").exists());
    roster(&["install", &proposal, "--authority", &authority]).assert_refused(1, &["0 signed and 2 must"]);

    // Anna compares each fingerprint with what the branch itself says, and is not asked to sign blindly.
    let (anna, ben, carla) = (path("anna"), path("ben"), path("carla"));
    let shown = done(roster(&["diff", "--first", &proposal]));
    assert!(shown.contains("ADDED (8)") && shown.contains("approved by helpdesk-2"), "{shown}");
    let changes = roster(&["diff", "--first", "--json", &proposal]).json();
    let said = changes["added"].as_array().unwrap().iter().map(|change| {
        let text = |field: &str| change["after"][field].as_str().unwrap().to_owned();
        (text("name"), text("fingerprint"))
    });
    assert_eq!(said.collect::<BTreeMap<_, _>>(), heard);
    let digest = changes["digest"].as_str().unwrap().to_owned();
    let unseen = roster(&["sign", &proposal, "--keys", &anna, "--first"]);
    assert!(unseen.out.contains("ADDED (8)"), "{}", unseen.out);
    unseen.assert_refused(1, &["nothing is signed", "no terminal", "--confirm"]);
    roster(&["sign", &proposal, "--keys", &anna, "--first", "--confirm", &"0".repeat(64)])
        .assert_refused(1, &["is not the digest of these changes"]);
    roster(&["countersign", &proposal, "--keys", &anna, "--first", "--confirm", &digest])
        .assert_refused(1, &["nobody has signed"]);
    let signed = done(roster(&["sign", &proposal, "--keys", &anna, "--first", "--confirm", &digest]));
    assert!(signed.contains("1 of 2 signatures; carry it to the next holder"), "{signed}");

    // One signature puts nothing in force, and says whose are missing.
    roster(&["install", &proposal, "--authority", &authority])
        .assert_refused(1, &["1 signed and 2 must", "authority-1, authority-2"]);
    // The office gives a member another key on the way: Ben's command finds it, whatever Ben sees.
    let text = fs::read_to_string(&proposal).unwrap();
    let key = text.split(" signing ").nth(1).unwrap().split(' ').next().unwrap();
    let (algorithm, digits) = key.split_once(':').unwrap();
    let other = format!("{algorithm}:{}", digits.chars().rev().collect::<String>());
    let swapped = path("swapped");
    fs::write(&swapped, text.replace(key, &other)).unwrap();
    roster(&["countersign", &swapped, "--keys", &ben, "--first", "--confirm", &digest])
        .assert_refused(1, &["signature of authority 0 does not verify"]);
    let signed = done(roster(&["countersign", &proposal, "--keys", &ben, "--first", "--confirm", &digest]));
    assert!(signed.contains("2 of 2 signatures; carry it back to the office"), "{signed}");
    let installed = done(roster(&["install", &proposal, "--authority", &authority]));
    assert!(installed.contains("roster 1 of 8 clients and 2 people with 2 signatures is in force"), "{installed}");
    let shown = done(roster(&["show", &path("authority/roster"), "--authorities", &path("carla/authorities")]));
    assert!(shown.contains("signed by    authority-0, authority-1: genuine, and enough (2 must sign)"), "{shown}");
    // The coordinator follows the file, and nobody restarts it.
    let adopted = federation.until("roster");
    assert_eq!((&adopted["epoch"], &adopted["enrolled"]), (&1.into(), &8.into()));

    // The next roster by another pair, in another order: Carla has seen none yet, Ben knows the one that he signed.
    done(run(["certs", "roster", "group", "--authority", &authority, "pilot", "--members", "1-8"]));
    done(roster(&["propose", "--authority", &authority, "--out", &proposal]));
    let last = path("authority/roster-000001");
    let changes = roster(&["diff", "--json", &last, &proposal]).json();
    assert_eq!((&changes["count"], &changes["groups"][0]["name"]), (&1.into(), &"pilot".into()));
    let digest = changes["digest"].as_str().unwrap().to_owned();
    roster(&["sign", &proposal, "--keys", &carla, "--confirm", &digest]).assert_refused(1, &["has seen no roster yet"]);
    roster(&["sign", &proposal, "--keys", &carla, "--first", "--confirm", &digest]).assert_refused(1, &["--last"]);
    done(roster(&["sign", &proposal, "--keys", &carla, "--first", "--last", &last, "--confirm", &digest]));
    done(roster(&["countersign", &proposal, "--keys", &ben, "--confirm", &digest]));
    done(roster(&["install", &proposal, "--authority", &authority]));
    assert_eq!(federation.until("roster")["epoch"], 2);

    // And the eight learn together.
    for branch in 0..8 {
        let (config, key) = (federation.config(branch), federation.branch(branch).join("owner.key"));
        let words = ["client", "budget", "begin", "--config"].map(str::to_owned);
        done(run(words.into_iter().chain([config.display().to_string(), "--key".into(), key.display().to_string()])));
        // The owner of each branch's data grants what that plan owner proposes for the purpose.
        let (key, out, list) = (key.display().to_string(), path("granted.grant"), path("authority/authorities"));
        let name = format!("bank/branch-{branch:03}");
        let words = [
            "client",
            "authorise",
            "grant",
            "--proposer",
            "bank/e1",
            "--purpose",
            "churn and deposit propensity",
            "--branch",
            &name,
        ];
        let caps = ["--epsilon-run", "100", "--epsilon-year", "100", "--runs", "1", "--authorities", &list];
        done(run(words.into_iter().chain(caps).chain(["--key", &key, "--out", &out])));
        done(run(["client", "authorise", "install", &out, "--config", &config.display().to_string()]));
        fs::remove_file(&out).unwrap();
    }
    let clients: Vec<_> = (0..8).map(|branch| federation.start(branch)).collect();
    let finished = loop {
        let event = federation.until_any(&["round", "finished"]);
        if event["event"] == "finished" {
            break event;
        }
        assert_eq!(event["survivors"], 8, "{event}");
    };
    assert_eq!(finished["complete"], true, "{finished}");
    drop(clients);
    done(run(["verify", "ledger", &path("coordinator/state/audit.log")]));
}
