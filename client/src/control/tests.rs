//! What is asked is answered, and whoever asks something else, or nothing, holds up nobody.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

use tokio::sync::{mpsc, oneshot};

use super::ask::ask;
use super::socket::SOCKET;
use super::*;
use crate::telemetry::RunName;

/// A daemon in a thread of its own, while `questions` are asked of its folder; what it was asked.
fn daemon(questions: impl FnOnce(&Path)) -> Vec<Request> {
    let folder = tempfile::tempdir().unwrap();
    let (sender, mut asked) = mpsc::channel(1);
    let (stop, mut stopped) = oneshot::channel::<()>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let door = runtime.block_on(async { listen(folder.path(), sender) }).unwrap();
    let mode = std::fs::metadata(folder.path().join(SOCKET)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let heard = std::thread::scope(|scope| {
        let daemon = scope.spawn(|| {
            runtime.block_on(async {
                let mut heard = Vec::new();
                loop {
                    let Asked { request, answer } = tokio::select! {
                        Some(asked) = asked.recv() => asked,
                        _ = &mut stopped => return heard,
                    };
                    heard.push(request);
                    let said = match request {
                        Request::Status => Said::Status(Box::new(status())),
                        Request::Pause => Said::Paused,
                        Request::Resume => Said::Fault("the disk is full".to_owned()),
                    };
                    answer.send(said).unwrap();
                }
            })
        });
        questions(folder.path());
        drop(stop);
        daemon.join().unwrap()
    });
    drop(door);
    assert!(!folder.path().join(SOCKET).exists());
    heard
}

fn status() -> Status {
    let of = RunName { plan_name: Some("churn".to_owned()), run: Some(2), ..RunName::default() };
    let reason = "round 7: this branch's training".to_owned();
    let next = "upload".to_owned();
    let run = RunStatus { of, reason, deadline_unix_ms: Some(61_000), next };
    Status {
        link: LinkStatus::Connecting,
        runs: RunsStatus { runs: vec![run], ..RunsStatus::default() },
        events: Vec::new(),
    }
}

#[test]
fn what_is_asked_is_answered() {
    let heard = daemon(|folder| {
        let Ok(Some(Said::Status(status))) = ask(folder, Request::Status) else { panic!("no status") };
        let lines = status.lines(60_000);
        let run = "runs      churn run 2: waits for round 7: this branch's training; in 1 s: upload";
        assert_eq!(lines[1], run);
        assert!(matches!(ask(folder, Request::Pause), Ok(Some(Said::Paused))));
        let Ok(Some(Said::Fault(fault))) = ask(folder, Request::Resume) else { panic!("no fault") };
        assert_eq!(fault, "the disk is full");
    });
    assert_eq!(heard, [Request::Status, Request::Pause, Request::Resume]);
}

#[test]
fn who_asks_what_nobody_knows_is_told_nothing_and_holds_nobody_up() {
    let heard = daemon(|folder| {
        let said = |question: &[u8]| {
            let mut stream = UnixStream::connect(folder.join(SOCKET)).unwrap();
            // Whoever is not heard to the end is hung up on.
            let _ = stream.write_all(question);
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            answer
        };
        for question in [&b"stop\n"[..], &[b'a'; 1_000], b"status status\n", b"\n", b"\xff\n"] {
            assert_eq!(said(question), b"", "{question:?}");
        }
        // Three of four places are held by those who say nothing.
        let silent: Vec<_> = (0..3).map(|_| UnixStream::connect(folder.join(SOCKET)).unwrap()).collect();
        assert!(matches!(ask(folder, Request::Pause), Ok(Some(Said::Paused))));
        drop(silent);
    });
    assert_eq!(heard, [Request::Pause]);
}

#[test]
fn a_folder_without_a_daemon_says_so_and_an_old_socket_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(ask(folder.path(), Request::Status), Ok(None)));
    drop(std::os::unix::net::UnixListener::bind(folder.path().join(SOCKET)).unwrap());
    assert!(matches!(ask(folder.path(), Request::Status), Ok(None)), "of a daemon that died");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let begin = || runtime.block_on(async { listen(folder.path(), mpsc::channel(1).0) });
    drop(begin().unwrap());
    // What somebody else has put there is left alone.
    std::fs::write(folder.path().join(SOCKET), "mine").unwrap();
    assert!(begin().is_err_and(|fault| fault.contains("is no socket")));
}

#[test]
fn a_pause_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let pause = PauseFile::of(folder.path());
    assert!(!pause.stands());
    pause.clear().unwrap();
    pause.set().unwrap();
    pause.set().unwrap();
    assert!(PauseFile::of(folder.path()).stands());
    pause.clear().unwrap();
    assert!(!PauseFile::of(folder.path()).stands());
}
