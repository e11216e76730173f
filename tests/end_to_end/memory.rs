//! Nothing that a daemon holds in memory reaches a disk: as the system sees real processes.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use crate::federation::Federation;
use crate::support::EXECUTABLE;

/// A group that is nobody's, so that root's own processes can be told from those that the system gives to root.
const GROUP: u32 = 54_321;

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended on its own.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a program in a folder, with core files of any size as far as this machine allows them.
fn start(program: &[&str], folder: &Path) -> Running {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -S -c $(ulimit -H -c); exec \"$@\"", "sh"]).args(program).current_dir(folder);
    if geteuid().is_root() {
        command.gid(GROUP);
    }
    Running(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
}

fn proc(child: &Running, file: &str) -> String {
    format!("/proc/{}/{file}", child.0.id())
}

/// Soft and hard limit of core files.
fn core_limits(child: &Running) -> [String; 2] {
    let limits = fs::read_to_string(proc(child, "limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    let mut words = line.split_whitespace().map(str::to_owned);
    [words.next().unwrap(), words.next().unwrap()]
}

/// The system gives the memory of a process that is not dumpable to root, whoever started it.
fn is_dumpable(child: &Running) -> bool {
    let memory = fs::metadata(proc(child, "mem")).unwrap();
    (memory.uid(), memory.gid()) != (0, 0)
}

/// Waits until a process is the program that it was to become, by its first line.
fn until_it_speaks(child: &mut Running) {
    let mut line = String::new();
    let mut lines = BufReader::new(child.0.stdout.as_mut().unwrap());
    assert!(lines.read_line(&mut line).unwrap() > 0, "the program ended");
}

/// Ends a process as `abort` would; whether the system dumped its core. Rust handles the first SIGSEGV itself, and nobody handles this one.
fn dumps_core(mut child: Running) -> bool {
    kill(Pid::from_raw(i32::try_from(child.0.id()).unwrap()), Signal::SIGABRT).unwrap();
    let status = child.0.wait().unwrap();
    assert_eq!(status.signal(), Some(Signal::SIGABRT as i32), "{status}");
    status.core_dumped()
}

fn left_in(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_daemon_that_dies_leaves_no_memory_behind() {
    let mut federation = Federation::waiting_with(|_, text| text.to_owned());
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    fs::set_permissions(home, fs::Permissions::from_mode(0o777)).unwrap();

    // What any other program does here: without this, nothing below would say anything.
    let mut other = start(&["yes"], home);
    until_it_speaks(&mut other);
    assert!(is_dumpable(&other));
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    // Where a program takes the dumps, or another folder, it is for them to say whether there is one.
    let here = core_limits(&other)[1] != "0" && !pattern.contains(['|', '/']);
    assert!(dumps_core(other) || !here, "a core is dumped where the machine allows it");
    left_in(home).iter().for_each(|core| fs::remove_file(home.join(core)).unwrap());

    let client = federation.config(0);
    let client = start(&[EXECUTABLE, "client", "run", "--events", "--config", client.to_str().unwrap()], home);
    federation.until("joined");
    let settings = federation.dir.join("coordinator/other.toml");
    let text = fs::read_to_string(federation.dir.join("coordinator/coordinator.toml")).unwrap();
    fs::write(&settings, text.replace("state_dir = \"state\"", "state_dir = \"other\"\nheads_dir = \"other heads\""))
        .unwrap();
    let serve = [EXECUTABLE, "coordinator", "serve", "--events", "--config", settings.to_str().unwrap()];
    let mut coordinator = start(&serve, home);
    until_it_speaks(&mut coordinator);
    for daemon in [client, coordinator] {
        assert_eq!(core_limits(&daemon), ["0", "0"]);
        assert!(!is_dumpable(&daemon));
        assert!(!dumps_core(daemon));
        assert_eq!(left_in(home), Vec::<String>::new());
    }
}
