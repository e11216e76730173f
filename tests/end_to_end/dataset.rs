//! A branch's own files through the built executable: what a run refuses before it speaks to anybody, and how reading is stopped.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{EXECUTABLE, Finished, run};

const SCHEMA: &str = r#"
name = "small"
version = 1
customer_column = "who"
fields = [{ name = "age", kind = "numeric", min = 18, max = 90, class = "C2", level = "L2" }]
labels = [{ name = "churn", positive = ["yes"], negative = ["no"] }]
"#;

/// Longer than anything here takes: what lasts so long does not end.
const FOR_EVER: Duration = Duration::from_secs(120);

/// An enrolled branch with a signed policy, and somebody who listens where its coordinator would be.
struct Branch {
    folder: tempfile::TempDir,
    tcp: TcpListener,
    udp: UdpSocket,
}

impl Branch {
    fn new() -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind(tcp.local_addr().unwrap()).unwrap();
        tcp.set_nonblocking(true).unwrap();
        udp.set_nonblocking(true).unwrap();
        let branch = Self { folder: tempfile::tempdir().unwrap(), tcp, udp };
        let path = |name: &str| branch.path(name).display().to_string();
        let done = |words: &[&str]| {
            let finished = run(words);
            assert_eq!(finished.code, Some(0), "{words:?}: {} {}", finished.out, finished.err);
        };
        let authority = path("authority");
        done(&["certs", "init", "--authority", &authority, "--trust-domain", "bank.test"]);
        let issue = |what: &str, id: &str, more: &[&str]| {
            let who = ["certs", "issue", what, "--authority", &authority, "--organisation", "bank", "--id", id];
            done(&[&who[..], more].concat());
        };
        issue("coordinator", "centre", &["--host", "localhost", "--out", &path("centre")]);
        issue("client", "b1", &["--out", &path("identity")]);
        fs::write(branch.path("schema.toml"), SCHEMA).unwrap();
        done(&["client", "policy", "init", "--schema", &path("schema.toml"), &path("policy")]);
        let (policy, key) = (path("policy/policy.toml"), path("owner.key"));
        done(&["client", "policy", "sign", "--policy", &policy, "--key", &key, "--schema", &path("schema.toml")]);
        let settings = format!(
            "[client]\nstate_dir = \"state\"\n[coordinator]\naddress = \"{}\"\nserver_name = \"localhost\"\n\
             [identity]\nfolder = \"identity\"\n[data]\nfile = \"rows.csv\"\nschema = \"schema.toml\"\n\
             [policy]\nfile = \"policy/policy.toml\"\nowner = \"owner.pub\"\n",
            branch.tcp.local_addr().unwrap()
        );
        fs::write(branch.path("client.toml"), settings).unwrap();
        branch
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn rows(&self, age: &str, churn: [&str; 2]) {
        let row = |number: usize| format!("c{number},{age},{}\n", churn[number % 2]);
        let text: String = (0..40).map(row).collect();
        fs::write(self.path("rows.csv"), format!("who,age,churn\n{text}")).unwrap();
    }

    fn client(&self, words: &[&str]) -> Finished {
        let config = self.path("client.toml");
        run(["client"].iter().chain(words).map(AsRef::as_ref).chain(["--config".as_ref(), config.as_os_str()]))
    }

    /// Nobody has knocked where the coordinator would be.
    fn assert_silent(&self) {
        assert!(self.tcp.accept().is_err(), "a connection was made");
        assert!(self.udp.recv(&mut [0; 2048]).is_err(), "a packet was sent");
    }
}

#[test]
fn a_table_that_is_not_meant_stops_a_run_before_it_speaks() {
    let branch = Branch::new();
    branch.rows("19800131", ["yes", "no"]);
    let refused = branch.client(&["run", "--events"]);
    refused.assert_refused(
        1,
        &["field age (column \"age\"): 40 of 40 values are outside of 18 to 90", "data.outside_percent_max"],
    );
    assert_eq!(refused.out.matches("\"event\":\"dataset\"").count(), 1, "the counts are printed once: {}", refused.out);
    assert!(refused.out.contains("\"above_max\":40") && refused.out.contains("\"positive\":20"), "{}", refused.out);
    let checked = branch.client(&["dataset", "check"]);
    assert_eq!(checked.code, Some(1), "{} {}", checked.out, checked.err);
    for part in [
        "40 rows, 40 customers",
        "40 (100.0 %) above max",
        "STOPS: field age",
        "20 (50.0 %) positive",
        "a run would not use this",
    ] {
        assert!(checked.out.contains(part), "{part:?} is missing in {}", checked.out);
    }
    let json = branch.client(&["dataset", "check", "--json"]).json();
    let file = &json["files"][0];
    assert_eq!(
        (&json["usable"], &file["key"], &file["report"]["rows"]),
        (&false.into(), &"data.file".into(), &40.into())
    );
    assert_eq!((&file["remarks"][0]["stops"], &file["remarks"][0]["about"]), (&true.into(), &"field age".into()));
    assert_eq!(branch.client(&["dataset", "check"]).out, checked.out, "nothing was changed");

    branch.rows("40", ["yes", "no"]);
    let good = branch.client(&["dataset", "check"]);
    assert_eq!(good.code, Some(0), "{} {}", good.out, good.err);
    assert!(good.out.contains("a run would use this") && !good.out.contains("STOPS"), "{}", good.out);

    fs::write(branch.path("rows.csv"), "who,age,churn\n6.2E+18,x,yes\nc,\"40\"x,no\n").unwrap();
    let json = branch.client(&["dataset", "check", "--json"]).json();
    let faults = &json["files"][0]["faults"];
    let columns: Vec<&str> =
        faults["first"].as_array().unwrap().iter().map(|fault| fault["column"].as_str().unwrap()).collect();
    assert_eq!((&faults["count"], columns), (&3.into(), vec!["who", "age", "age"]));
    let refused = branch.client(&["run", "--events"]);
    refused
        .assert_refused(1, &["3 faults", "row 1, column \"who\"", "row 2, column \"age\": text after a closing quote"]);
    // A service's output goes into a log.
    let logged = branch.client(&["run"]);
    logged.assert_refused(1, &["the rows cannot be used", "tributary client dataset check"]);
    assert!(!logged.err.contains("3 faults") && !logged.err.contains("row "), "{}", logged.err);
    branch.assert_silent();
}

/// A pipe that gives nothing more is a file that is read for ever.
#[test]
fn a_wish_to_stop_is_heard_while_rows_are_read() {
    let branch = Branch::new();
    let pipe = branch.path("rows.csv");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut client = Command::new(EXECUTABLE);
    client.args(["client", "run", "--config"]).arg(branch.path("client.toml"));
    let mut client = client.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let id = Pid::from_raw(i32::try_from(client.id()).unwrap());
    // More than a pipe holds: once it is written, the client is reading.
    let (writer, written) = mpsc::channel();
    thread::spawn(move || {
        let mut pipe = OpenOptions::new().write(true).open(pipe).unwrap();
        pipe.write_all(format!("who,age,churn\n{}", "c,40,no\n".repeat(100_000)).as_bytes()).unwrap();
        let _ = writer.send(pipe);
    });
    let pipe = written.recv_timeout(FOR_EVER).expect("the client reads the pipe");
    kill(id, Signal::SIGTERM).unwrap();
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(client.wait().unwrap().code()));
    let code = ended.recv_timeout(FOR_EVER);
    if code.is_err() {
        let _ = kill(id, Signal::SIGKILL);
    }
    assert_eq!(code.expect("the client ends although the pipe is open"), Some(0));
    drop(pipe);
    branch.assert_silent();
}
