//! A federation in which every fifth branch fails in a way of its own: the run completes without them, and both screens name cause and cure.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use tributary_certs::clock::{system_clock, unix_seconds};
use tributary_certs::enrolment::{open_authority, read_coordinator, write_certificates};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::identity::identity_of;
use tributary_certs::issue::{LeafRequest, Validity};
use tributary_certs::keys::TlsKey;
use tributary_certs::provider::KeyExchange;
use tributary_certs::revocation::{RevocationLists, Seen};
use tributary_certs::tls::{APPLICATION_PROTOCOL, ClientTls, Credentials, TrustRoots, client_config};

use crate::federation::{Client, Federation};
use crate::needed;
use crate::support::{EXECUTABLE, Finished, replan, run};

/// The first of those that fail: a fifth.
const LATE: usize = 24;
const SILENT: usize = 25;
const WRONG_FILE: usize = 26;
const OLD: usize = 27;
const EXPIRED: usize = 28;
const NO_SPACE: usize = 29;
/// Each takes two kilobytes of a branch's file of its budget: together more than the rest of a page.
const ROUNDS: u64 = 3;

fn words(first: &[&str], config: &Path) -> Finished {
    run(first.iter().map(OsStr::new).chain([OsStr::new("--config"), config.as_os_str()]))
}

fn done(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
}

/// The folder after a small demo of thirty branches, with another plan in the same state: it wants data of the day on which a run begins, and
/// goes on without a fifth of the branches.
fn federation(ready_min: usize) -> Federation {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    let made =
        run(["demo", "--branches", "30", "--customers-per-branch", "20", "--rounds", "1", "--epsilon", "8", "--dir"]
            .map(OsStr::new)
            .into_iter()
            .chain([dir.as_os_str()]));
    done(&made);
    replan(&dir, |text| {
        let named = text.replace("name = \"demo\"", "name = \"fifth\"");
        let longer = named.replace("\nrounds = 1\n", &format!("\nrounds = {ROUNDS}\n"));
        longer.replacen("[schedule]\n", &format!("[schedule]\nas_of = \"0 days before\"\nready_min = {ready_min}\n"), 1)
    });
    // Nobody waits a minute for those who do not come.
    Federation::serving(folder, dir, |_, text| {
        let old = text.lines().find(|line| line.starts_with("gather_ms")).unwrap();
        text.replace(old, "gather_ms = 1000")
    })
}

/// The folder of a branch's identity.
fn identity(federation: &Federation, number: usize) -> PathBuf {
    federation.dir.join(format!("identities/branch-{number:03}"))
}

/// Says that a branch's data of this day are ready.
fn say_ready(federation: &Federation, number: usize, day: &str) {
    let config = federation.config(number);
    done(&words(&["client", "dataset", "stamp", "--date", day], &config));
    done(&words(&["client", "ready", "--next"], &config));
}

/// A certificate for the same key, which ended a minute ago.
fn expire(federation: &Federation, number: usize) {
    let folder = identity(federation, number);
    let (chain, key) = (folder.join("identity.pem"), TlsKey::read(&folder.join("identity.key")).unwrap());
    let credentials = Credentials::read(&chain, &folder.join("identity.key")).unwrap();
    let now = unix_seconds();
    let request = LeafRequest {
        identity: identity_of(credentials.leaf()).unwrap(),
        host_names: Vec::new(),
        addresses: Vec::new(),
        validity: Validity { not_before: now - 120, not_after: now - 60 },
    };
    let authority = open_authority(&federation.dir.join("authority")).unwrap();
    let ended = authority.issue_for(&mut OsEntropy, &request, &key.spki()).unwrap();
    fs::remove_file(&chain).unwrap();
    write_certificates(&chain, ended.certificates(), tributary_storage::files::Existing::Replace).unwrap();
}

/// What a coordinator answers to the greeting of an earlier release.
fn greet_as_before(federation: &Federation, number: usize) -> String {
    let folder = identity(federation, number);
    let (trust, seen) = (folder.join("trust.pem"), Seen::beside(&folder.join("trust.pem")).unwrap());
    let roots = TrustRoots::read(&trust).unwrap();
    let read = RevocationLists::read(&folder.join("revocations.pem"), &roots, &seen, None).unwrap();
    let mut tls = client_config(ClientTls {
        credentials: Credentials::read(&folder.join("identity.pem"), &folder.join("identity.key")).unwrap(),
        roots: &roots,
        coordinator: Some(read_coordinator(&folder.join("coordinator")).unwrap().identity),
        revocations: &read.lists,
        clock: system_clock(),
        key_exchange: KeyExchange::DEFAULT,
    })
    .unwrap();
    tls.alpn_protocols = vec![APPLICATION_PROTOCOL.to_vec()];
    let connection = rustls::ClientConnection::new(Arc::new(tls), "localhost".try_into().unwrap()).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, TcpStream::connect(&federation.address).unwrap());
    // A greeting's header, its version, and the fields that stay empty.
    let fields = [0; 40];
    stream.write_all(&[&[1, 41, 0, 0, 0][..], &fields].concat()).unwrap();
    let mut header = [0; 4];
    stream.read_exact(&mut header).unwrap();
    let [kind, length @ ..] = header;
    assert_eq!(kind, 6, "it is the end");
    let [low, high, _] = length;
    let mut reason = vec![0; usize::from(u16::from_le_bytes([low, high]))];
    stream.read_exact(&mut reason).unwrap();
    String::from_utf8(reason).unwrap()
}

/// A client with a small file system of its own for its state. Nothing of it stays.
struct SmallDisk {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    state: PathBuf,
}

impl SmallDisk {
    fn start(federation: &Federation, number: usize) -> Self {
        let script = "cp -a \"$1\" \"$2\" && mount -t tmpfs -o size=512k tmpfs \"$1\" && cp -a \"$2/.\" \"$1/\" \
                      && exec \"$3\" client run --once --events --config \"$4\"";
        let (state, copy) = (federation.branch(number).join("state"), federation.branch(number).join("copy"));
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script, "sh"]).args([&state, &copy]);
        command.arg(EXECUTABLE).arg(federation.config(number)).env("LC_ALL", "C").stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, state }
    }

    fn until(&mut self, event: &str) {
        let mut told =
            self.lines.by_ref().map(|line| serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap());
        assert!(told.any(|told| told["event"] == event), "the client ended before {event}");
    }

    /// From here on no file grows by more than the rest of its last page.
    fn fill(&self) {
        let (process, file) = (self.child.id().to_string(), self.state.join("full"));
        let mut command = Command::new("nsenter");
        command.args(["--mount", "--target", &process, "sh", "-c", "cat /dev/zero > \"$1\"", "sh"]).arg(file);
        let filled = command.stderr(Stdio::null()).status().unwrap();
        assert!(!filled.success(), "the disk is full");
    }

    /// Its exit code and standard error, when it ends by itself.
    fn ended(self) -> (Option<i32>, String) {
        let reading = std::thread::spawn(move || self.lines.for_each(drop));
        let ended = self.child.wait_with_output().unwrap();
        reading.join().unwrap();
        (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
    }
}

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
}

#[test]
fn every_fifth_branch_fails_and_both_screens_name_cause_and_cure() {
    let full = nix::unistd::geteuid().is_root();
    if !full {
        needed::skip("TRIBUTARY_TEST_ROOT", "a branch whose disk is full", "only root may mount a small one");
    }
    let cohort = LATE + usize::from(full);
    let mut federation = federation(cohort);
    let mut clients: Vec<Client> = (0..=LATE).map(|branch| federation.start(branch)).collect();

    // Late: it is here, and nobody says that its data are ready.
    let mut late = clients[LATE].events();
    let told = late.find(|event| event["event"] == "not_ready").unwrap();
    let day = told["as_of"].as_str().unwrap().to_owned();
    assert_says(
        told["reason"].as_str().unwrap(),
        &[
            "nobody has said here that any data are ready",
            "Put the data of that day in place",
            "tributary client ready",
        ],
    );

    // Silent: nobody has started it.
    words(&["client", "status"], &federation.config(SILENT))
        .assert_refused(1, &["no daemon of these settings runs", "Start it: `tributary client run"]);

    // A file that the schema refuses.
    let table = fs::read_to_string(federation.data(WRONG_FILE)).unwrap();
    let mut lines: Vec<String> = table.lines().map(str::to_owned).collect();
    lines[2] = lines[2].split(',').map(|_| "x").collect::<Vec<_>>().join(",");
    fs::write(federation.data(WRONG_FILE), lines.join("\n") + "\n").unwrap();
    federation
        .run(WRONG_FILE)
        .assert_refused(1, &["row 2", "branch-026.csv", "text where a number is expected; correct the export"]);

    // A release whose greeting this one does not read.
    let reason = greet_as_before(&federation, OLD);
    assert_says(&reason, &["a greeting of version 0, and 1 is needed", "compare the releases"]);

    // A certificate that has ended.
    expire(&federation, EXPIRED);
    let mut expired = federation.start(EXPIRED);
    let told = expired.events().find(|event| event["event"] == "disconnected").unwrap();
    assert_says(told["reason"].as_str().unwrap(), &["The certificate has expired", "tributary client renew"]);

    // A small disk, where the test may make one. It has room until the branch has joined.
    let small = full.then(|| {
        say_ready(&federation, NO_SPACE, &day);
        let mut small = SmallDisk::start(&federation, NO_SPACE);
        small.until("accepted");
        small.fill();
        small
    });

    // The coordinator's screen, while the run waits for the last branch that it needs.
    (0..LATE - 1).for_each(|branch| say_ready(&federation, branch, &day));
    let mut turned_away = Vec::new();
    loop {
        let event = federation.until_any(&["turned_away", "muster"]);
        match event["event"].as_str() {
            Some("turned_away") => turned_away.push((event["name"].clone(), event["code"].clone())),
            _ if event["here"] == cohort - 1 => break,
            _ => {}
        }
    }
    let settings = federation.dir.join("coordinator/coordinator.toml");
    let asked = |question: &[&str]| words(&[&["coordinator"], question].concat(), &settings);
    let causes: [(usize, &[&str]); 5] = [
        (LATE, &["it is here and not ready", "tributary client ready"]),
        (SILENT, &["its daemon may not run; ask its operator", "tributary client status"]),
        (WRONG_FILE, &["its daemon may not run; ask its operator", "tributary client status"]),
        (OLD, &["a greeting of version 0, and 1 is needed", "have the older side updated"]),
        (EXPIRED, &["its certificate ended on 20", "tributary certs approve", "tributary client renew"]),
    ];
    let named = |number: usize| format!("client {} (bank/branch-{number:03})", number + 1);
    let line = |text: &str, number: usize| {
        let line = text.lines().find(|line| line.contains(&named(number)));
        line.unwrap_or_else(|| panic!("{} is missing in: {text}", named(number))).to_owned()
    };
    let (status, sites) = (asked(&["status"]), asked(&["site", "list"]));
    for (number, parts) in causes {
        assert_says(&line(&status.out, number), parts);
        if number != LATE {
            assert_says(&line(&sites.out, number), &[&["away"], parts].concat());
        }
    }
    assert_says(&line(&sites.out, LATE), &["here", "release 0"]);

    // And the run completes, with those who can.
    say_ready(&federation, LATE - 1, &day);
    let finished = loop {
        let event = federation.until_any(&["turned_away", "session", "left", "finished"]);
        match event["event"].as_str() {
            Some("turned_away") => turned_away.push((event["name"].clone(), event["code"].clone())),
            Some("session") => assert_eq!(event["cohort"], cohort, "{event}"),
            Some("left") if event["name"] == "bank/branch-029" => assert_says(
                event["reason"].as_str().unwrap(),
                &["the client stopped, because its disk is full", "tributary client status"],
            ),
            Some("left") => {}
            _ => break event,
        }
    };
    assert_eq!((&finished["complete"], &finished["rounds"]), (&true.into(), &ROUNDS.into()), "{finished}");
    if let Some(small) = small {
        let (code, said) = small.ended();
        assert_eq!(code, Some(1), "{said}");
        assert_says(&said, &["No space left on device", "Make room on its disk, and start the daemon"]);
        // Whichever of them is to grow first: without the one nothing is spent, and without the other nothing leaves.
        assert!(["budget.ledger", "sent.log"].iter().any(|file| said.contains(file)), "{said}");
    }
    for (number, code) in [(OLD, "OtherRelease"), (EXPIRED, "CertificateEnded")] {
        let told = (format!("bank/branch-{number:03}").into(), code.into());
        assert_eq!(turned_away.iter().filter(|other| **other == told).count(), 1, "told once: {turned_away:?}");
    }
    drop((late, clients, expired));
}
