//! Daemons as processes of their own: this test's executable, asked for one of the two tests here, which do nothing in a usual run.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tributary_coordinator::Ends;
use tributary_coordinator::cli::{ServeOptions, serve};

use crate::cast::run_client;

/// Says which settings file a process serves, or runs with.
const COORDINATOR: &str = "TRIBUTARY_TEST_COORDINATOR";
const CLIENT: &str = "TRIBUTARY_TEST_CLIENT";

/// So long that only a hanging test meets it.
const PATIENCE: Duration = Duration::from_secs(180);

#[test]
fn coordinator() {
    let Some(config) = std::env::var_os(COORDINATOR) else { return };
    serve(&ServeOptions { config: PathBuf::from(config), events: true, ends: Ends::WithTheLastRun })
        .expect("the coordinator ends well");
}

/// Every event says how long the process had lived by its own clock.
#[test]
fn client() {
    let started = Instant::now();
    let Some(config) = std::env::var_os(CLIENT) else { return };
    run_client(Path::new(&config), &|report| {
        let mut event = serde_json::to_value(report).expect("a report");
        event["seconds"] = started.elapsed().as_secs_f64().into();
        let mut out = std::io::stdout().lock();
        writeln!(out, "{event}").expect("the test listens");
    });
}

/// A process, which does not outlive its test, and its events.
pub(crate) struct Process {
    child: Child,
    events: mpsc::Receiver<Value>,
}

impl Process {
    /// A coordinator; `front` is put before its command.
    pub(crate) fn coordinator(front: &[&str], config: &Path) -> Self {
        Self::start(front, "process::coordinator", COORDINATOR, config)
    }

    /// A client.
    pub(crate) fn client(front: &[&str], config: &Path) -> Self {
        Self::start(front, "process::client", CLIENT, config)
    }

    fn start(front: &[&str], test: &str, variable: &str, config: &Path) -> Self {
        let mut words: Vec<OsString> = front.iter().map(OsString::from).collect();
        words.push(std::env::current_exe().expect("this executable").into());
        words.extend([test, "--exact", "--nocapture"].map(OsString::from));
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .env(variable, config)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let (sender, events) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // The harness says something before the first event, on the same line or another.
                let event = line.find('{').and_then(|at| serde_json::from_str(&line[at..]).ok());
                if event.is_some_and(|event| sender.send(event).is_err()) {
                    return;
                }
            }
        });
        Self { child, events }
    }

    /// The next event.
    pub(crate) fn event(&self) -> Value {
        self.events.recv_timeout(PATIENCE).expect("the process goes on")
    }

    /// The next event of this name; nothing was aborted before it.
    pub(crate) fn until(&self, name: &str) -> Value {
        loop {
            let event = self.event();
            assert_ne!(event["event"], "aborted", "{event}");
            if event["event"] == name {
                return event;
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended on its own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
