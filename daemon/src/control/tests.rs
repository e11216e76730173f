//! What is asked is answered, and whoever asks something else, or nothing, holds up nobody.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

use tokio::sync::{mpsc, oneshot};

use super::*;

/// A number that is doubled.
struct Number(u32);

impl Question for Number {
    fn of_line(line: &str) -> Option<Self> {
        line.strip_prefix("double ")?.parse().ok().map(Self)
    }

    fn line(&self) -> String {
        format!("double {}", self.0)
    }
}

/// A daemon in a thread of its own, while `questions` are asked of its folder; what it was asked.
fn daemon(questions: impl FnOnce(&Path)) -> Vec<u32> {
    let folder = tempfile::tempdir().unwrap();
    let (sender, mut asked) = mpsc::channel::<Asked<Number, u32>>(1);
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
                    let Asked { question, answer } = tokio::select! {
                        Some(asked) = asked.recv() => asked,
                        _ = &mut stopped => return heard,
                    };
                    heard.push(question.0);
                    answer.send(2 * question.0).unwrap();
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

#[test]
fn who_asks_what_nobody_knows_is_told_nothing_and_holds_nobody_up() {
    let heard = daemon(|folder| {
        assert_eq!(ask(folder, &Number(3)), Ok(Some(6)));
        let said = |question: &[u8]| {
            let mut stream = UnixStream::connect(folder.join(SOCKET)).unwrap();
            // Whoever is not heard to the end is hung up on.
            let _ = stream.write_all(question);
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            answer
        };
        for question in [&b"stop\n"[..], &[b'a'; 1_000], b"double double 1\n", b"\n", b"\xff\n"] {
            assert_eq!(said(question), b"", "{question:?}");
        }
        // Three of four places are held by those who say nothing.
        let silent: Vec<_> = (0..3).map(|_| UnixStream::connect(folder.join(SOCKET)).unwrap()).collect();
        assert_eq!(ask(folder, &Number(4)), Ok(Some(8)));
        drop(silent);
    });
    assert_eq!(heard, [3, 4]);
}

#[test]
fn a_folder_without_a_daemon_says_so_and_an_old_socket_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let asked = || ask::<Number, u32>(folder.path(), &Number(1));
    assert_eq!(asked(), Ok(None));
    drop(std::os::unix::net::UnixListener::bind(folder.path().join(SOCKET)).unwrap());
    assert_eq!(asked(), Ok(None), "of a daemon that died");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let begin = || runtime.block_on(async { listen(folder.path(), mpsc::channel::<Asked<Number, u32>>(1).0) });
    drop(begin().unwrap());
    // What somebody else has put there is left alone.
    std::fs::write(folder.path().join(SOCKET), "mine").unwrap();
    assert!(begin().is_err_and(|fault| fault.contains("is no socket")));
}

#[test]
fn a_daemon_that_says_nothing_is_told_of_in_both_languages() {
    let folder = tempfile::tempdir().unwrap();
    let listener = std::os::unix::net::UnixListener::bind(folder.path().join(SOCKET)).unwrap();
    // It hangs up at once, without a word.
    let daemon = std::thread::spawn(move || (0..2).for_each(|_| drop(listener.accept().unwrap())));
    let said = ask_in_both::<Number, u32>(folder.path(), &Number(1)).unwrap_err();
    let english = ask::<Number, u32>(folder.path(), &Number(1)).unwrap_err();
    daemon.join().unwrap();
    assert!(said.text(tributary_texts::Language::Chinese).contains("服务没有答复"));
    assert!(english.contains("the daemon did not answer. Run this command as the daemon's user"), "{english}");
}
