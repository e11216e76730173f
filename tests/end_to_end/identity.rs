//! Joining, renewing and being put out, as operators do it: the office at the coordinator's port, and the authority's commands beside it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tributary_certs::enrolment::{open_authority, write_certificates};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::identity::{Identity, Role};
use tributary_certs::inspect::validity_of;
use tributary_certs::issue::{LeafRequest, Validity};
use tributary_certs::keys::TlsKey;
use tributary_certs::tls::read_certificates;
use tributary_storage::files::Existing;

use crate::federation::Federation;
use crate::support::{EXECUTABLE, Finished, replan, run, sign_roster};

/// A coordinator that keeps the office and follows the authority's revocation list.
fn with_office(rounds: Option<u32>) -> Federation {
    Federation::waiting_with(|dir, text| {
        if let Some(rounds) = rounds {
            replan(dir, |plan| plan.replace("rounds = 4\n", &format!("rounds = {rounds}\n")));
        }
        let authority = dir.join("authority");
        let made = run(["certs".as_ref(), "crl".as_ref(), "--authority".as_ref(), authority.as_os_str()]);
        assert_eq!(made.code, Some(0), "{} {}", made.out, made.err);
        let identity = "[identity]\nrevocations = \"../authority/revocations.pem\"\n";
        text.replace("[identity]\n", identity) + "\n[enrolment]\nauthority = \"../authority\"\n"
    })
}

fn certs(federation: &Federation, words: &[&str]) -> Finished {
    let authority = federation.dir.join("authority").display().to_string();
    run(["certs"].iter().chain(words).chain(&["--authority", &authority]))
}

/// Every file of every identity, the newcomers' aside.
fn identities(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let folders = fs::read_dir(dir.join("identities")).unwrap().map(|entry| entry.unwrap().path());
    let folders = folders.filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with("new"));
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn a_branch_joins_with_a_token_and_an_approval_and_no_other_branch_notices() {
    let federation = with_office(None);
    let path = |name: &str| federation.dir.join(name).display().to_string();
    let before = identities(&federation.dir);
    let token = |id: &str, more: &[&str]| {
        let bundle = path(&format!("{id}.bundle"));
        let words =
            ["token", "--organisation", "bank", "--id", id, "--coordinator", &federation.address, "--out", &bundle];
        let made = certs(&federation, &[&words, more].concat());
        assert_eq!(made.code, Some(0), "{} {}", made.out, made.err);
        bundle
    };
    let bundle = token("new-1", &["--approval"]);
    let out = path("identities/new-1");
    let mut enrol = Command::new(EXECUTABLE)
        .args(["client", "enrol", "--bundle", &bundle, "--out", &out])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It shows the fingerprint of the keys that it made, and waits for a person.
    let mut lines = BufReader::new(enrol.stdout.take().unwrap()).lines().map(Result::unwrap);
    let fingerprint = lines.find(|line| line.trim().split('-').count() == 8).expect("a fingerprint").trim().to_owned();
    certs(&federation, &["approve", "0000-0000-0000-0000-0000-0000-0000-0000"]).assert_refused(1, &[]);
    let approved = certs(&federation, &["approve", &fingerprint]);
    assert_eq!(approved.code, Some(0), "{} {}", approved.out, approved.err);
    assert!(lines.any(|line| line.contains("spiffe://demo.tributary/bank/client/new-1")));
    assert_eq!(enrol.wait().unwrap().code(), Some(0));
    let inspected = run([
        "certs",
        "inspect",
        "--trust",
        &path("identities/new-1/trust.pem"),
        &path("identities/new-1/identity.pem"),
    ]);
    assert_eq!(inspected.code, Some(0), "{} {}", inspected.out, inspected.err);

    // The token was good once: another machine that has it gets nothing, and is told the number of the reason.
    run(["client", "enrol", "--bundle", &bundle, "--out", &path("identities/new-thief")])
        .assert_refused(1, &["token", "[3"]);

    // Without a network: a request that is carried there, and an answer that is carried back.
    let bundle = token("new-2", &[]);
    let (request, answer, out) = (path("new-2.request"), path("new-2.answer"), path("identities/new-2"));
    let done = |finished: Finished| assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    done(run(["client", "enrol", "--bundle", &bundle, "--out", &out, "--request", &request]));
    done(certs(&federation, &["issue", "request", &request, "--out", &answer]));
    done(run(["client", "enrol", "--out", &out, "--install", &answer]));
    assert!(Path::new(&out).join("identity.pem").exists());
    // And so is a renewal, where the daemon cannot ask by itself.
    let (request, answer) = (path("new-2.renewal"), path("new-2.renewed"));
    done(run(["client", "renew", "--identity", &out, "--request", &request]));
    done(certs(&federation, &["renew", "--request", &request, "--out", &answer]));
    done(run(["client", "renew", "--identity", &out, "--install", &answer]));
    assert!(Path::new(&out).join("identity.binding").exists());

    let authority = federation.dir.join("authority");
    sign_roster(&authority, &[&authority]);
    assert_eq!(identities(&federation.dir), before, "adding branches changes no byte at any other");
}

#[test]
fn a_new_branch_takes_part_as_soon_as_the_roster_names_it_and_nobody_restarts() {
    let mut federation = with_office(Some(250));
    let (address, dir) = (federation.address.clone(), federation.dir.clone());
    let path = |name: &str| dir.join(name).display().to_string();
    let done = |finished: Finished| assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    let bundle = path("new.bundle");
    let words = ["token", "--organisation", "bank", "--id", "new", "--coordinator", &address, "--out", &bundle];
    done(certs(&federation, &words));
    done(run(["client", "enrol", "--bundle", &bundle, "--out", &path("identities/new")]));
    fs::create_dir(federation.branch(8)).unwrap();
    let files = fs::read_dir(federation.branch(7)).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|path| path.is_file()) {
        fs::copy(&file, federation.branch(8).join(file.file_name().unwrap())).unwrap();
    }
    federation.edit(8, |text| text.replace("identities/branch-007", "identities/new"));
    let (config, key) = (federation.config(8).display().to_string(), path("branches/branch-008/owner.key"));
    done(run(["client", "budget", "begin", "--config", &config, "--key", &key]));
    // Its owner grants the demo's plan as the others have.
    let (list, granted) = (path("authority/authorities"), path("branches/branch-008/new.grant"));
    let words = ["client", "authorise", "grant", "--proposer", "bank/e1", "--purpose", "churn and deposit propensity"];
    let caps = ["--branch", "bank/new", "--epsilon-run", "100", "--epsilon-year", "100", "--runs", "1"];
    let files = ["--authorities", &list, "--key", &key, "--out", &granted];
    done(run(words.into_iter().chain(caps).chain(files)));
    done(run(["client", "authorise", "install", &granted, "--config", &config]));
    let listed = run(["client", "authorise", "list", "--json", "--config", &config]).json();
    let [grant] = listed["grants"].as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!((&listed["version"], &grant["branches"]), (&1.into(), &serde_json::json!(["bank/new"])));
    assert_eq!((&grant["signed"], &grant["withdrawn"]), (&true.into(), &false.into()), "{listed}");
    // It is early: it is told what is missing, and goes on asking.
    let mut newcomer = federation.start(8);
    let mut events = newcomer.events();
    let refused = events.find(|event| event["event"] == "refused").unwrap();
    assert!(refused["reason"].as_str().unwrap().contains("not in this coordinator's roster"), "{refused}");
    let clients: Vec<_> = (0..8).map(|branch| federation.start(branch)).collect();
    assert_eq!(federation.until("round")["survivors"], 8);
    let authority = dir.join("authority");
    sign_roster(&authority, &[&authority]);
    assert_eq!(federation.until("roster")["enrolled"], 9);
    assert_eq!(federation.until("session")["cohort"], 9);
    let mut committed = 0;
    loop {
        let event = federation.until_any(&["round", "aborted", "finished"]);
        if event["event"] == "finished" {
            break;
        }
        assert_eq!((&event["event"], &event["survivors"]), (&"round".into(), &9.into()), "{event}");
        committed += 1;
    }
    assert!(committed > 0);
    assert!(events.any(|event| event["event"] == "finished"));
    drop(clients);
    let ledger = run(["verify", "ledger", &path("coordinator/state/audit.log")]);
    assert_eq!(ledger.code, Some(0), "{} {}", ledger.out, ledger.err);
}

#[test]
fn a_revoked_branch_is_out_at_once_and_stays_out() {
    let mut federation = with_office(None);
    let mut client = federation.start(0);
    assert_eq!(federation.until("joined")["client"], 1);
    let mut events = client.events();
    assert_eq!(events.next().unwrap()["event"], "connected");
    // Whoever watches the daemons learns long before when certificates and lists end.
    let metrics = |folder: &Path| fs::read_to_string(folder.join("state/metrics.prom")).unwrap();
    let (branch, centre) = (metrics(&federation.branch(0)), metrics(&federation.dir.join("coordinator")));
    assert!(branch.contains("\ntributary_certificate_renewal_due_seconds "), "{branch}");
    assert!(centre.contains("\ntributary_revocation_list_next_update_seconds "), "{centre}");
    let begun = Instant::now();
    let who = "spiffe://demo.tributary/bank/client/branch-000";
    let revoked = certs(&federation, &["revoke", who, "--reason", "key-compromise"]);
    assert_eq!(revoked.code, Some(0), "{} {}", revoked.out, revoked.err);
    let listed = Instant::now();
    assert_eq!(federation.until("left")["client"], 1);
    let took = listed.elapsed();
    println!("revoked in {:?}, out {took:?} after that", listed - begun);
    // The goal is two seconds; the bound allows for a machine that does other things.
    assert!(took < Duration::from_secs(10), "{took:?}");
    // It is told why, and each attempt to come back is refused in the handshake. The deny-list is written first: it is the reason until the
    // coordinator has read the other list as well.
    let mut by_list = 0;
    while by_list < 2 {
        let told = events.find(|event| event["event"] == "disconnected").unwrap()["reason"].to_string();
        let listed = told.contains("104 certificate-revoked");
        assert!(listed || (by_list == 0 && told.contains("129 certificate-denied")), "{told}");
        by_list += usize::from(listed);
    }
    client.stop();
    // Others are not touched.
    let other = federation.start(1);
    assert_eq!(federation.until("joined")["client"], 2);
    other.stop();
}

#[test]
fn a_certificate_renews_itself_in_the_middle_of_rounds() {
    let federation = with_office(Some(250));
    // More than half of its life has passed.
    let folder = federation.dir.join("identities/branch-000");
    age(&federation.dir.join("authority"), &folder);
    let before = read_certificates(&folder.join("identity.pem")).unwrap().swap_remove(0);
    let old_end = validity_of(&before).unwrap().not_after;
    let mut federation = federation;
    let mut clients: Vec<_> = (0..8).map(|branch| federation.start(branch)).collect();
    let events: Vec<serde_json::Value> = clients[0].events().collect();
    let named = |name: &str| events.iter().position(|event| event["event"] == name);
    let (renewed, finished) =
        (named("certificate_renewed").expect("it renews itself"), named("finished").expect("it ends well"));
    let round = events.iter().position(|event| event["event"] == "round").expect("rounds");
    assert!(renewed < finished && round < finished);
    assert!(events[renewed]["not_after"].as_u64().unwrap() > old_end);
    let disconnected = events.iter().filter(|event| event["event"] == "disconnected").count();
    assert_eq!(disconnected, 0, "the open connection stays");
    loop {
        let event = federation.until_any(&["round", "finished"]);
        if event["event"] == "finished" {
            break;
        }
        // Every round that was begun is committed, with everybody in it.
        assert_eq!((&event["committed"], &event["survivors"]), (&event["round"], &8.into()), "{event}");
    }
    let leaf = read_certificates(&folder.join("identity.pem")).unwrap().swap_remove(0);
    assert!(leaf != before && folder.join("identity.binding").exists());
}

#[test]
fn a_renewed_key_opens_the_door_although_the_roster_knows_the_old_one() {
    let mut federation = with_office(None);
    let folder = federation.dir.join("identities/branch-003");
    age(&federation.dir.join("authority"), &folder);
    let mut client = federation.start(3);
    assert!(client.events().any(|event| event["event"] == "certificate_renewed"));
    client.stop();
    // The next process proves the new key, bound by the branch's own signature.
    let mut again = federation.start(3);
    let connected = again.events().next().unwrap();
    assert_eq!(connected["event"], "connected");
    federation.until("joined");
    assert_eq!(federation.until("joined")["client"], 4);
    again.stop();
    // Without the binding the new key is nobody's.
    fs::remove_file(folder.join("identity.binding")).unwrap();
    let mut stranger = federation.start(3);
    let refused = stranger.events().find(|event| event["event"] == "refused").unwrap();
    assert!(refused["reason"].as_str().unwrap().contains("not in this coordinator's roster"), "{refused}");
}

/// Gives a client a certificate, for the key that it has, of which five of eight minutes have passed: no older than its authority.
fn age(authority: &Path, folder: &Path) {
    let authority = open_authority(authority).unwrap();
    let key = TlsKey::read(&folder.join("identity.key")).unwrap();
    let id = folder.file_name().unwrap().to_str().unwrap();
    let identity = Identity::new(authority.trust_domain().clone(), "bank", Role::Client, id).unwrap();
    let not_before = authority.validity().not_before;
    let validity = Validity { not_before, not_after: not_before + 480 };
    let request = LeafRequest { identity, host_names: vec![], addresses: vec![], validity };
    let chain = authority.issue_for(&mut OsEntropy, &request, &key.spki()).unwrap();
    write_certificates(&folder.join("identity.pem"), chain.certificates(), Existing::Replace).unwrap();
}
