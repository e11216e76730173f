//! From a daemon's word to a receiver, through the threads.

use std::net::UdpSocket;
use std::sync::atomic::AtomicU64;

use tributary_settings::Document;
use tributary_texts::Language;

use super::*;
use crate::lines;

static NOW: AtomicU64 = AtomicU64::new(1_893_456_000);

fn now() -> u64 {
    NOW.load(Ordering::Relaxed)
}

fn settings(folder: &Path, text: &str) -> Result<NoticesSettings, tributary_settings::Faults> {
    let path = folder.join("x.toml");
    std::fs::write(&path, text).unwrap();
    let mut document = Document::open(&path).unwrap();
    let settings = NoticesSettings::read(&mut document, "client");
    document.finish()?;
    Ok(settings.unwrap())
}

/// A receiver of syslog, and settings that name it.
fn syslog(folder: &Path) -> (UdpSocket, NoticesSettings) {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let text = format!("[notices.syslog]\naddress = 'udp://{}'\n", receiver.local_addr().unwrap());
    (receiver, settings(folder, &text).unwrap())
}

fn no_look() -> Look {
    Arc::new(|_| Vec::new())
}

/// What has arrived.
fn arrived(receiver: &UdpSocket) -> Vec<String> {
    receiver.set_nonblocking(true).unwrap();
    let mut buffer = [0; 4_096];
    let lines = std::iter::from_fn(|| receiver.recv(&mut buffer).ok().map(|count| buffer[..count].to_vec()));
    lines.map(|line| String::from_utf8(line).unwrap()).collect()
}

#[test]
fn what_is_told_arrives_once_even_across_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (receiver, settings) = syslog(folder.path());
    let state = folder.path().join("state");
    for again in [false, true] {
        let notices = Notices::start(&settings, &state, now, &no_look()).unwrap();
        (0..3).for_each(|_| notices.tell(&Notice::DaemonFailed));
        notices.finish(Duration::from_secs(60));
        let lines = arrived(&receiver);
        assert_eq!(lines.len(), usize::from(!again), "{lines:?}");
        // Nobody hears a daemon that has ended, and nobody waits for it.
        notices.tell(&Notice::DaemonFailed);
    }
    let notices = Notices::start(&settings, &state, now, &no_look()).unwrap();
    notices.over(&Over::DaemonFailed);
    notices.tell(&Notice::DaemonFailed);
    notices.finish(Duration::from_secs(60));
    assert_eq!(arrived(&receiver).len(), 1, "it was over, and came again");
    let kept = std::fs::read_to_string(state.join("notices-syslog.json")).unwrap();
    assert!(kept.contains("\"told\""), "{kept}");
    // A broken memory costs a repetition at most.
    std::fs::write(state.join("notices-syslog.json"), "{").unwrap();
    let notices = Notices::start(&settings, &state, now, &no_look()).unwrap();
    notices.tell(&Notice::DaemonFailed);
    notices.finish(Duration::from_secs(60));
    assert_eq!(arrived(&receiver).len(), 1);
}

#[test]
fn what_ends_with_time_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let (receiver, settings) = syslog(folder.path());
    let look: Look = Arc::new(|now| vec![Notice::CertificateExpires { not_after: now + 60, urgent: true }]);
    let notices = Notices::start(&settings, &folder.path().join("state"), now, &look).unwrap();
    notices.finish(Duration::from_secs(60));
    let lines = arrived(&receiver);
    assert!(lines.len() == 1 && lines[0].contains("certificate_expires"), "{lines:?}");
}

/// A hook that does not come back.
struct Stuck(SyncSender<()>, Receiver<()>);

impl Hook for Stuck {
    fn name(&self) -> &'static str {
        "stuck"
    }

    fn target(&self) -> String {
        "nowhere".into()
    }

    fn deliver(&mut self, _: &Message) -> Result<(), HookFault> {
        let _ = self.0.send(());
        let _ = self.1.recv();
        Err(HookFault::Status(500))
    }
}

#[test]
fn a_hook_that_hangs_holds_nobody_and_a_storm_stays_small() {
    let folder = tempfile::tempdir().unwrap();
    let (begun, begins) = sync_channel(1);
    let (_release, stuck) = sync_channel(1);
    let worker = Worker {
        hook: Box::new(Stuck(begun, stuck)),
        quiet: Quiet::new(None, quiet::Memory::default()),
        memory: MemoryFile::of(folder.path(), "stuck"),
        source: "x".into(),
        look: no_look(),
        looked: None,
        failing: false,
        unix_seconds: now,
    };
    let queue = worker.start().unwrap();
    let lost = Arc::clone(&queue.lost);
    let notices = Notices { queues: Arc::new(Mutex::new(vec![queue])) };
    notices.tell(&Notice::DaemonFailed);
    begins.recv().unwrap();
    for number in 0..1_000 {
        notices.tell(&Notice::RunFailed { run: RunName { plan: Some("1f".into()), number: Some(number) } });
    }
    assert_eq!(lost.load(Ordering::Relaxed), 1_000 - u64::try_from(QUEUE_MAX).unwrap());
    // The daemon ends all the same.
    notices.finish(Duration::from_millis(10));
}

#[test]
fn each_bad_value_is_named_with_what_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("open"), "hunter2x").unwrap();
    tributary_storage::files::write_private(
        &folder.path().join("lines"),
        b"one\ntwo\n",
        tributary_storage::files::Existing::Keep,
    )
    .unwrap();
    let cases = [
        ("[notices]\nlanguage = 'fr'", "notices.language", "zh, en"),
        ("[notices]\nquiet_from = '22:00'", "notices.quiet_until", "HH:MM"),
        ("[notices]\nquiet_from = '22'\nquiet_until = '07:00'", "notices.quiet_from", "HH:MM"),
        ("[notices]\nutc_offset_minutes = 900", "notices.utc_offset_minutes", "-840 to 840"),
        ("[notices]\ncommand = 'none'", "notices.command", "a file that exists"),
        ("[notices]\ncolour = 1", "notices.colour", "language"),
        ("[notices.smtp]\nserver = 'mail'\nfrom = 'a@b.c'\nto = ['a@b.c']", "notices.smtp.server", "HOST:PORT"),
        ("[notices.smtp]\nserver = 'mail:25'\nfrom = 'a b'\nto = ['a@b.c']", "notices.smtp.from", "a mail address"),
        ("[notices.smtp]\nserver = 'mail:25'\nfrom = 'a@b.c'\nto = []", "notices.smtp.to", "mail addresses"),
        (
            "[notices.smtp]\nserver = 'mail:25'\nsecurity = 'none'\nfrom = 'a@b.c'\nto = ['a@b.c']",
            "notices.smtp.security",
            "starttls",
        ),
        (
            "[notices.smtp]\nserver = 'm:25'\nfrom = 'a@b.c'\nto = ['a@b.c']\nuser = 'u'\npassword_file = 'open'",
            "notices.smtp.password_file",
            "mode 0600",
        ),
        ("[notices.webhook]\nurl = 'http://bank.example/x'", "notices.webhook.url", "https://"),
        ("[notices.webhook]\nurl = 'https://user:hunter2x@bank.example/x'", "notices.webhook.url", "https://"),
        ("[notices.webhook]\nurl_file = 'open'", "notices.webhook.url_file", "mode 0600"),
        ("[notices.webhook]\nurl_file = 'lines'", "notices.webhook.url_file", "one line"),
        ("[notices.webhook]\nurl = 'https://x.y/'\ntrust = 'open'", "notices.webhook.trust", "in PEM"),
        ("[notices.syslog]\naddress = 'tls://x:1'", "notices.syslog.address", "udp://"),
        ("[notices.syslog]\naddress = 'udp://x:0'", "notices.syslog.address", "udp://"),
    ];
    // Tests run as whoever starts them: a file of mode 0644 is what others may read.
    for (text, key, allowed) in cases {
        let faults = settings(folder.path(), text).map(|_| ()).expect_err(text);
        let fault = faults.faults.iter().find(|fault| fault.key == key).unwrap_or_else(|| panic!("{text}: {faults}"));
        assert!(fault.allowed.contains(allowed), "{text}: {faults}");
        assert!(!faults.to_string().contains("hunter2x"), "a secret is shown: {faults}");
    }
    assert!(settings(folder.path(), "").unwrap().hooks().is_empty());
}

#[test]
fn a_preflight_tries_each_hook() {
    let folder = tempfile::tempdir().unwrap();
    let (receiver, settings) = syslog(folder.path());
    let mut found = Findings::default();
    preflight(&mut found, &settings, now());
    assert_eq!((found.lines().len(), found.exit_code()), (1, 0));
    assert!(arrived(&receiver)[0].contains("Trial of notices"));
    // What programs read is English alone; people read either.
    let json = lines::json(&found);
    assert!(json.is_ascii() && json.contains("\"tried\":\"sending a trial") && !json.contains("said"), "{json}");
    assert!(found.text(Language::Chinese).contains("试发通知") && found.to_string().contains("sending a trial"));
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = format!("[notices.syslog]\naddress = 'tcp://{gone}'\n");
    preflight(&mut found, &self::settings(folder.path(), &text).unwrap(), now());
    assert_eq!(found.exit_code(), 23);
    assert!(found.lines()[1].tried.contains("notices.syslog (tcp://"), "{found}");
}
