//! A branch, a partner, the coordinator and the issuing authority are stolen, found out and cut off: what each operator types, and who believes
//! whom after two seconds. Thieves are real processes with copies of the stolen files.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use serde_json::Value;
use tributary_certs::ceremony::sign_roster as sign_own_roster;
use tributary_certs::enrolment::{init_authority, names, open_authority, write_certificates};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::identity::{Identity, TrustDomain};
use tributary_certs::issue::{LeafRequest, Validity};
use tributary_certs::keys::{TlsKey, write_signing_key};
use tributary_certs::suite::SigningKey;
use tributary_planning::demonstration::TwoPeople;
use tributary_storage::files::Existing;

use crate::federation::Federation;
use crate::support::{EXECUTABLE, Finished, activate_plan, begin_anew, begin_home_anew, grant_again, run, sign_roster};

/// The goal is two seconds; the bound allows for a machine that does other things.
const SOON: Duration = Duration::from_secs(10);

/// A coordinator that keeps the office, over a demo's files. The root's key lies on a medium of its own.
fn with_office(options: &[&str]) -> Federation {
    let office = |dir: &Path, text: &str| {
        fs::create_dir(dir.join("usb")).unwrap();
        fs::rename(dir.join("authority/root.key"), dir.join("usb/root.key")).unwrap();
        text.to_owned() + "\n[enrolment]\nauthority = \"../authority\"\n"
    };
    Federation::of_demo(options, office, |dir| {
        fs::remove_dir_all(dir.join("coordinator/heads")).unwrap();
        (0..8).for_each(|branch| begin_anew(dir, &format!("branch-{branch:03}")));
        let partner = dir.join("partners/partner-000");
        if partner.exists() {
            begin_home_anew(dir, &partner, "partner-000");
        }
    })
}

/// What an operator types at the authority.
fn certs(federation: &Federation, words: &[&str]) -> Finished {
    let authority = federation.dir.join("authority").display().to_string();
    run(["certs"].iter().chain(words).chain(&["--authority", &authority]))
}

fn typed(federation: &Federation, words: &[&str]) -> String {
    let done = certs(federation, words);
    assert_eq!(done.code, Some(0), "{words:?}: {} {}", done.out, done.err);
    done.out
}

/// The next event that fits; whatever comes before it is passed over.
fn until(events: &mut impl Iterator<Item = Value>, fits: impl Fn(&Value) -> bool) -> Value {
    events.find(fits).expect("the process ended before")
}

fn named(name: &'static str) -> impl Fn(&Value) -> bool {
    move |event| event["event"] == name
}

/// A connection that ended, or was never made, for a reason with this mark.
fn refused_with(mark: &'static str) -> impl Fn(&Value) -> bool {
    move |event| {
        ["disconnected", "refused"].iter().any(|name| event["event"] == *name)
            && event["reason"].to_string().contains(mark)
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        let target = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            fs::copy(&entry, &target).unwrap();
        }
    }
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
}

/// A coordinator of a thief's, with the identity's folder `identities/thief`.
struct Thief {
    coordinator: Child,
    address: String,
    events: Receiver<Value>,
}

impl Thief {
    fn start(federation: &Federation) -> Self {
        Self::serving(federation, &federation.dir.join("coordinator/plan.tributary"), str::to_owned)
    }

    /// With a plan of its own, and settings that it has changed.
    fn serving(federation: &Federation, plan: &Path, change: impl FnOnce(&str) -> String) -> Self {
        let folder = federation.dir.join("thief");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let text = fs::read_to_string(federation.dir.join("coordinator/coordinator.toml")).unwrap();
        let (text, _) = text.split_once("[enrolment]").unwrap();
        let config = folder.join("coordinator.toml");
        fs::write(&config, change(&text.replace("identities/coordinator", "identities/thief"))).unwrap();
        activate_plan(plan, &federation.dir.join("schema.toml"), &config);
        let mut command = Command::new(EXECUTABLE);
        command.args(["coordinator", "serve", "--events", "--config"]).arg(&config).stdin(Stdio::null());
        let mut coordinator = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(coordinator.stdout.take().unwrap()).lines();
        let (up, events) = std::sync::mpsc::channel();
        let address = lines.find_map(|line| {
            let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let address = (event["event"] == "listening").then(|| event["address"].as_str().unwrap().to_owned());
            drop(up.send(event));
            address
        });
        let address = address.expect("it listens");
        // Read on, so that it never waits for a reader.
        std::thread::spawn(move || {
            lines.for_each(|line| drop(up.send(serde_json::from_str(&line.unwrap()).unwrap())));
        });
        Self { coordinator, address, events }
    }
}

impl Drop for Thief {
    fn drop(&mut self) {
        let _ = self.coordinator.kill();
        let _ = self.coordinator.wait();
    }
}

/// A copy of a branch's settings and identity, in other hands.
fn stolen_branch(federation: &Federation, number: usize) -> PathBuf {
    let name = format!("branch-{number:03}");
    copy(&federation.branch(number), &federation.dir.join("branches/stolen"));
    copy(&federation.dir.join("identities").join(&name), &federation.dir.join("identities/stolen"));
    let config = federation.dir.join("branches/stolen/client.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace(&format!("identities/{name}"), "identities/stolen")).unwrap();
    config
}

#[test]
fn a_stolen_branch_is_out_at_once_and_its_owner_comes_back_with_fresh_keys() {
    let mut federation = with_office(&[]);
    let stolen = stolen_branch(&federation, 0);
    let mut thief = Federation::start_at(&stolen);
    assert_eq!(federation.until("joined")["client"], 1);
    let mut theirs = thief.events();
    until(&mut theirs, named("connected"));
    let who = "spiffe://demo.tributary/bank/client/branch-000";
    let said = typed(&federation, &["revoke", who, "--reason", "key-compromise"]);
    let listed = Instant::now();
    assert!(said.contains("denied at the coordinator's door"), "{said}");
    assert_eq!(federation.until("left")["client"], 1);
    assert!(listed.elapsed() < SOON, "{:?}", listed.elapsed());
    until(&mut theirs, refused_with("104 certificate-revoked"));
    until(&mut theirs, refused_with("104 certificate-revoked"));
    certs(&federation, &["revoke", who]).assert_refused(1, &["nothing was changed"]);
    // The owner: a new token, fresh keys, and the next roster.
    let path = |name: &str| federation.dir.join(name).display().to_string();
    let (bundle, out) = (path("again.bundle"), path("identities/again"));
    let words = ["token", "--organisation", "bank", "--id", "branch-000", "--again", "--coordinator"];
    typed(&federation, &[&words[..], &[&federation.address, "--out", &bundle]].concat());
    let enrolled = run(["client", "enrol", "--bundle", &bundle, "--out", &out]);
    assert_eq!(enrolled.code, Some(0), "{} {}", enrolled.out, enrolled.err);
    let authority = federation.dir.join("authority");
    sign_roster(&authority, &[&authority]);
    federation.edit(0, |text| text.replace("identities/branch-000", "identities/again"));
    fs::remove_dir_all(federation.branch(0).join("state")).unwrap();
    let (config, key) = (federation.config(0).display().to_string(), path("branches/branch-000/owner.key"));
    let begun = run(["client", "budget", "begin", "--config", &config, "--key", &key]);
    assert_eq!(begun.code, Some(0), "{} {}", begun.out, begun.err);
    grant_again(&federation.branch(0));
    let owner = federation.start(0);
    assert_eq!(federation.until("joined")["client"], 1);
    // The thief has what it had, and is where it was.
    until(&mut theirs, refused_with("104 certificate-revoked"));
    drop((thief, owner));
}

#[test]
fn a_stolen_partner_is_cut_off_although_its_own_authority_vouches_for_it() {
    let mut federation = with_office(&["--epsilon", "8", "--partners", "1"]);
    let config = federation.dir.join("partners/partner-000/client.toml");
    let text = fs::read_to_string(&config).unwrap();
    let old = text.lines().find(|line| line.starts_with("address")).unwrap().to_owned();
    fs::write(&config, text.replace(&old, &format!("address = \"{}\"", federation.address))).unwrap();
    let other = federation.start(1);
    assert_eq!(federation.until("joined")["client"], 2);
    let mut partner = Federation::start_at(&config);
    assert_eq!(federation.until("joined")["client"], 9);
    let mut events = partner.events();
    until(&mut events, named("connected"));
    let who = "spiffe://demo.tributary/partner-000/client/partner-000";
    let said = typed(&federation, &["revoke", who, "--reason", "affiliation-changed"]);
    let listed = Instant::now();
    assert!(said.contains("denied at the coordinator's door"), "{said}");
    assert_eq!(federation.until("left")["client"], 9);
    assert!(listed.elapsed() < SOON, "{:?}", listed.elapsed());
    // Its certificate is good; it is told that the federation has cut it off, and goes on being refused.
    until(&mut events, refused_with("129 certificate-denied"));
    until(&mut events, refused_with("129 certificate-denied"));
    assert!(typed(&federation, &["deny", "--list"]).contains(who));
    for again in [&["revoke", who][..], &["deny", who], &["deny", "--client", "3", "--remove"]] {
        certs(&federation, again).assert_refused(1, &["nothing was changed"]);
    }
    // By its number and by its key as well, each by itself.
    let key = fs::read_to_string(federation.dir.join("identities/branch-001/signing.pub")).unwrap();
    for words in [["deny", "--client", "2"], ["deny", "--key", key.lines().nth(1).unwrap()]] {
        typed(&federation, &words);
        let denied = Instant::now();
        assert_eq!(federation.until("left")["client"], 2);
        assert!(denied.elapsed() < SOON, "{:?}", denied.elapsed());
        typed(&federation, &[&words[..], &["--remove"]].concat());
        assert_eq!(federation.until("joined")["client"], 2);
    }
    drop((partner, other));
}

#[test]
fn a_stolen_coordinator_is_believed_by_no_branch_that_has_heard_of_it() {
    let mut federation = with_office(&[]);
    let identities = federation.dir.join("identities");
    copy(&identities.join("coordinator"), &identities.join("thief"));
    let mut branch = federation.start(0);
    assert_eq!(federation.until("joined")["client"], 1);
    let mut events = branch.events();
    until(&mut events, named("connected"));
    // Before it is found out, its copy is as good as itself.
    let thief = Thief::start(&federation);
    let honest = federation.address.clone();
    federation.edit(1, |text| text.replace(&honest, &thief.address));
    let mut fooled = federation.start(1);
    until(&mut fooled.events(), named("connected"));
    fooled.stop();
    // Found out: two commands. The branch that is connected hears of it through its session's back, leaves, and finds the renewed one.
    let folder = identities.join("coordinator").display().to_string();
    typed(
        &federation,
        &["revoke", "spiffe://demo.tributary/head-office/coordinator/coordinator", "--reason", "key-compromise"],
    );
    let listed = Instant::now();
    typed(&federation, &["renew", "--coordinator-folder", &folder]);
    until(&mut events, named("lists_renewed"));
    until(&mut events, refused_with("104 certificate-revoked"));
    assert!(listed.elapsed() < SOON, "{:?}", listed.elapsed());
    until(&mut events, named("connected"));
    // One that was away fetches the lists where it is honestly answered, and then believes the thief no more.
    federation.edit(1, |text| text.replace(&thief.address, &honest));
    let mut away = federation.start(1);
    let mut told = away.events();
    until(&mut told, named("lists_renewed"));
    away.stop();
    federation.edit(1, |text| text.replace(&honest, &thief.address));
    let mut wiser = federation.start(1);
    let first =
        until(&mut wiser.events(), |event| event["event"] != "rows_dropped" && event["event"] != "maxima_passed");
    assert_eq!(first["event"], "disconnected", "{first}");
    assert!(first["reason"].to_string().contains("104 certificate-revoked"), "{first}");
    drop((wiser, branch, thief));
}

#[test]
fn a_stolen_issuing_authority_is_replaced_with_one_command_and_every_branch_renews_by_itself() {
    let mut federation = with_office(&[]);
    let identities = federation.dir.join("identities");
    // The thief has the online authority's folder: it makes itself a coordinator's certificate, and lacks the coordinator's signing key.
    copy(&federation.dir.join("authority"), &federation.dir.join("stolen"));
    copy(&identities.join("coordinator"), &identities.join("thief"));
    for name in [names::KEY, names::SIGNING_KEY] {
        fs::remove_file(identities.join("thief").join(name)).unwrap();
    }
    let authority = open_authority(&federation.dir.join("stolen")).unwrap();
    let request = LeafRequest {
        identity: Identity::parse("spiffe://demo.tributary/head-office/coordinator/coordinator").unwrap(),
        host_names: vec!["localhost".to_owned()],
        addresses: vec!["127.0.0.1".parse().unwrap()],
        validity: Validity::starting(crate::partners::now(), 30 * 86_400),
    };
    let key = TlsKey::generate();
    key.write(&identities.join("thief").join(names::KEY)).unwrap();
    let chain = authority.issue_for(&mut OsEntropy, &request, &key.spki()).unwrap();
    write_certificates(&identities.join("thief").join(names::CHAIN), chain.certificates(), Existing::Replace).unwrap();
    let forger = SigningKey::generate(&mut OsEntropy);
    write_signing_key(&forger, &identities.join("thief").join(names::SIGNING_KEY)).unwrap();
    let thief = Thief::start(&federation);
    let honest = federation.address.clone();
    // Before it is found out, TLS believes it. It ends no branch's work: nothing that it says is the coordinator's.
    federation.edit(1, |text| text.replace(&honest, &thief.address));
    let mut fooled = federation.start(1);
    let mut told = fooled.events();
    until(&mut told, named("connected"));
    for _ in 0..2 {
        until(&mut told, named("distrusted"));
    }
    assert!(fooled.is_running());
    fooled.stop();
    let mut branch = federation.start(0);
    assert_eq!(federation.until("joined")["client"], 1);
    let mut events = branch.events();
    until(&mut events, named("connected"));
    // Found out: one command, with the medium that holds the root's key.
    let (usb, folder) = (federation.dir.join("usb"), identities.join("coordinator"));
    let (usb, folder) = (usb.display().to_string(), folder.display().to_string());
    let words = ["renew", "--issuing", "--revoke", "--keys", &usb, "--coordinator-folder", &folder];
    typed(&federation, &words);
    let listed = Instant::now();
    // Every certificate of the old one is worth nothing, so that everybody is out at once, and comes back by itself with a new one.
    assert_eq!(federation.until("left")["client"], 1);
    assert!(listed.elapsed() < SOON, "{:?}", listed.elapsed());
    until(&mut events, named("lists_renewed"));
    until(&mut events, named("certificate_renewed"));
    until(&mut events, named("connected"));
    assert_eq!(federation.until("joined")["client"], 1);
    branch.stop();
    // The thief's certificate and its office are nobody's any more, for whoever has heard of it.
    federation.edit(0, |text| text.replace(&honest, &thief.address));
    let mut wiser = federation.start(0);
    let first =
        until(&mut wiser.events(), |event| event["event"] != "rows_dropped" && event["event"] != "maxima_passed");
    assert_eq!(first["event"], "disconnected", "{first}");
    assert!(first["reason"].to_string().contains("104 certificate-revoked"), "{first}");
    drop((wiser, thief));
}

/// An ended list is a fault before anything runs, and says who must do what.
#[test]
fn an_ended_list_is_a_fault_with_its_cure() {
    let federation = with_office(&[]);
    let (branch, authority) = (federation.dir.join("identities/branch-002"), federation.dir.join("authority"));
    let now = crate::partners::now();
    // The issuing authority's list ended a minute ago.
    let past = Validity { not_before: now - 600, not_after: now - 60 };
    let issuing = open_authority(&authority).unwrap();
    let text = fs::read_to_string(branch.join(names::REVOCATIONS)).unwrap();
    let root = text.rfind("-----BEGIN X509 CRL-----").unwrap();
    let certificate = &text[..text.find("-----BEGIN X509 CRL-----").unwrap()];
    let ended = |number: u64| {
        let list = issuing.revocation_list(number, past, &[]).unwrap();
        let list = pem::encode(&pem::Pem::new("X509 CRL", list.to_vec()));
        format!("{certificate}{list}{}", &text[root..])
    };
    // The branch was away while the office made its second list.
    typed(&federation, &["crl"]);
    fs::write(branch.join(names::REVOCATIONS), ended(1)).unwrap();
    let config = federation.config(2);
    let preflight = run(["client".as_ref(), "preflight".as_ref(), "--config".as_ref(), config.as_os_str()]);
    assert_eq!(preflight.code, Some(16), "{} {}", preflight.out, preflight.err);
    assert!(preflight.out.contains("has ended") && preflight.out.contains("tributary certs crl"), "{}", preflight.out);
    // The daemon asks the office, which needs no certificate for that, and goes on.
    let mut client = federation.start(2);
    let mut events = client.events();
    until(&mut events, named("lists_renewed"));
    until(&mut events, named("connected"));
    client.stop();
    // The coordinator's settings, without the office that would make a fresh one.
    let centre = federation.dir.join("identities/coordinator");
    fs::write(centre.join(names::REVOCATIONS), ended(9)).unwrap();
    let text = fs::read_to_string(federation.dir.join("coordinator/coordinator.toml")).unwrap();
    let config = federation.dir.join("coordinator/alone.toml");
    fs::write(&config, text.split_once("[enrolment]").unwrap().0).unwrap();
    let config = config.display().to_string();
    for words in [
        vec!["config", "check", &config],
        vec!["coordinator", "preflight", "--config", &config],
        vec!["coordinator", "serve", "--config", &config],
    ] {
        let refused = run(words);
        assert_ne!(refused.code, Some(0), "{} {}", refused.out, refused.err);
        let all = format!("{}{}", refused.out, refused.err);
        assert!(all.contains("has ended") && all.contains("tributary certs crl"), "{all}");
    }
}

/// Two people whom the thief's own list of people has, and the plan that they sign: the coordinator's, with another name.
fn thiefs_plan(federation: &Federation, stolen: &Path, name: &str) -> PathBuf {
    let now = crate::partners::now();
    let (people, folder) = (federation.dir.join(format!("people-{name}")), federation.dir.join(format!("plan-{name}")));
    let two = TwoPeople::enlist(stolen, &people, "head-office", now).unwrap();
    fs::create_dir(&folder).unwrap();
    let text = fs::read_to_string(federation.dir.join("coordinator/plan.toml")).unwrap();
    let (plan, _) = text.split_once("[schedule]").unwrap();
    let named = plan.lines().find(|line| line.starts_with("name = ")).unwrap();
    let plan = plan.replacen(named, &format!("name = \"{name}\""), 1);
    two.sign(&plan, &folder, stolen, now).unwrap()
}

/// The thief has the online authority's whole folder and the coordinator's identity with its signing key: whatever it signs as the coordinator is the
/// coordinator's, and whoever it certifies is certified. No plan of its own is accepted by any branch: not under the roster in force, which does not have
/// its people, and not under a roster of its own.
#[test]
fn a_thief_of_the_office_and_of_the_coordinator_gets_no_plan_accepted() {
    let federation = with_office(&[]);
    let (authority, stolen) = (federation.dir.join("authority"), federation.dir.join("stolen"));
    copy(&authority, &stolen);
    copy(&federation.dir.join("identities/coordinator"), &federation.dir.join("identities/thief"));
    // What lies offline is not stolen: the holders' keys, and what their owners have signed.
    let offline = ["authority-", "roster-last", "roster-signed"];
    for entry in fs::read_dir(&stolen).unwrap().map(|entry| entry.unwrap().path()) {
        if offline.iter().any(|name| entry.file_name().unwrap().to_str().unwrap().starts_with(name)) {
            fs::remove_file(entry).unwrap();
        }
    }
    let unlisted = thiefs_plan(&federation, &stolen, "unlisted");
    // A list of authorities of its own, whose keys it has, over the stolen members and its own people.
    let (forger, forged) = (federation.dir.join("forger"), federation.dir.join("forged"));
    let domain = TrustDomain::parse("demo.tributary").unwrap();
    init_authority(&forger, &domain, 1, 1, crate::partners::now()).unwrap();
    copy(&stolen, &forged);
    for entry in fs::read_dir(&forged).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_str().unwrap();
        if name.starts_with(names::ROSTER) || name == names::PEOPLE {
            fs::remove_file(&entry).unwrap();
        }
    }
    for entry in fs::read_dir(&forger).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
        if name == names::AUTHORITIES || name.starts_with("authority-") {
            fs::copy(&entry, forged.join(name)).unwrap();
        }
    }
    let own = thiefs_plan(&federation, &forged, "own");
    sign_own_roster(&forged).unwrap();

    let honest = federation.address.clone();
    let of_own = |text: &str| {
        let lines = text.replace("authority/roster", "forged/roster");
        lines.replace("authority/authorities", "forged/authorities")
    };
    let unspent = |number: usize| {
        let budget = federation.branch(number).join("state/budget.ledger");
        let verified = run(["verify".as_ref(), "ledger".as_ref(), "--json".as_ref(), budget.as_os_str()]);
        assert_eq!(verified.code, Some(0), "{} {}", verified.out, verified.err);
        assert_eq!(verified.json()["epsilon_reserved"], 0.0, "nothing was accepted");
    };
    for number in 0..2 {
        let told = |thief: &Thief| federation.edit(number, |text| text.replace(&honest, &thief.address));
        let back = |thief: &Thief| federation.edit(number, |text| text.replace(&thief.address, &honest));
        let thief = Thief::serving(&federation, &unlisted, str::to_owned);
        told(&thief);
        let mut branch = federation.start(number);
        until(&mut branch.events(), named("connected"));
        let waits = until(&mut thief.events.iter(), named("waiting"));
        let reason = waits["reason"].as_str().unwrap();
        assert!(reason.contains("the plan is paused") && reason.contains("does not name whoever signed"), "{reason}");
        branch.stop();
        unspent(number);
        back(&thief);
        drop(thief);
        let thief = Thief::serving(&federation, &own, of_own);
        told(&thief);
        let mut branch = federation.start(number);
        let refused = until(&mut branch.events(), named("refused"));
        assert!(refused["reason"].as_str().unwrap().contains("roster"), "{refused}");
        assert_eq!(branch.ended(), Some(1), "a client that was started for one run ends with its refusal");
        unspent(number);
        back(&thief);
    }
    // The true coordinator's plan, by its own two people, is accepted by the same branches.
    let mut branch = federation.start(0);
    until(&mut branch.events(), named("connected"));
    branch.stop();
}
