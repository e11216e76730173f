//! Every hook against a receiver on this machine, good and hostile ones.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tributary_certs::provider::provider_of_others;
use tributary_settings::Document;

use super::*;
use crate::notices::message::Message;
use crate::notices::notice::Notice;
use crate::notices::quiet::Parcel;

/// Long enough for everything that answers.
const PATIENT: Duration = Duration::from_secs(60);

/// For what never answers.
const SHORT: Duration = Duration::from_millis(300);

fn settings(folder: &Path, text: &str) -> NoticesSettings {
    let path = folder.join("x.toml");
    std::fs::write(&path, text).unwrap();
    let mut document = Document::open(&path).unwrap();
    let settings = NoticesSettings::read(&mut document, "client");
    document.finish().unwrap();
    settings.unwrap()
}

fn private(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    tributary_storage::files::write_private(&path, text.as_bytes(), tributary_storage::files::Existing::Replace)
        .unwrap();
}

/// A message with Chinese in it, and a line that mail must double a dot in.
fn message() -> Message {
    Message::of(&Parcel { notices: vec![Notice::DaemonFailed], more: 0 }, "branch-03", 1_893_456_000)
}

fn deliver(settings: &NoticesSettings, limit: Duration) -> Result<(), HookFault> {
    let mut all = hooks(settings, limit);
    assert_eq!(all.len(), 1);
    all.remove(0).deliver(&message())
}

/// A server for one connection.
fn serve<T: Send + 'static>(answer: impl FnOnce(TcpStream) -> T + Send + 'static) -> (u16, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (port, std::thread::spawn(move || answer(listener.accept().unwrap().0)))
}

/// Holds a connection, and says nothing, until the other side leaves.
fn silence(mut stream: TcpStream) {
    let _ = std::io::copy(&mut stream, &mut std::io::sink());
}

/// A certificate for this machine, in a file, and what serves it.
fn certificate(folder: &Path) -> Arc<ServerConfig> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    std::fs::write(folder.join("ca.pem"), made.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config =
        ServerConfig::builder_with_provider(provider_of_others()).with_safe_default_protocol_versions().unwrap();
    Arc::new(
        config
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(made.cert.der().to_vec())], key)
            .unwrap(),
    )
}

fn over_tls(config: Arc<ServerConfig>, stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    StreamOwned::new(ServerConnection::new(config).unwrap(), stream)
}

/// One line, byte by byte, so that nothing after it is taken; empty at the end.
fn line(stream: &mut impl Read) -> String {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while stream.read(&mut byte).is_ok_and(|count| count == 1) {
        line.push(byte[0]);
        if byte[0] == b'\n' {
            break;
        }
    }
    String::from_utf8(line).unwrap()
}

/// A mail server: everything that it is told, until the farewell or a wish for TLS.
fn mail_server(stream: &mut (impl Read + Write), greet: bool, starttls: bool) -> Vec<String> {
    let mut heard = Vec::new();
    let say = |stream: &mut dyn Write, text: &str| {
        stream.write_all(format!("{text}\r\n").as_bytes()).and_then(|()| stream.flush())
    };
    if greet {
        say(stream, "220 here").unwrap();
    }
    loop {
        let word = line(stream);
        heard.push(word.trim_end().to_owned());
        let command = word.split(' ').next().unwrap_or_default().trim_end().to_owned();
        match command.as_str() {
            "" => return heard,
            "EHLO" if starttls => say(stream, "250-here\r\n250 STARTTLS").unwrap(),
            "EHLO" => say(stream, "250-here\r\n250 AUTH PLAIN LOGIN").unwrap(),
            "STARTTLS" => {
                say(stream, "220 go on").unwrap();
                return heard;
            }
            "AUTH" => say(stream, "235 welcome").unwrap(),
            "DATA" => {
                say(stream, "354 go on").unwrap();
                loop {
                    let text = line(stream);
                    if text == ".\r\n" {
                        break;
                    }
                    heard.push(text.trim_end().to_owned());
                }
                say(stream, "250 taken").unwrap();
            }
            "QUIT" => {
                let _ = say(stream, "221 bye");
                return heard;
            }
            _ => say(stream, "250 fine").unwrap(),
        }
    }
}

fn smtp_settings(folder: &Path, port: u16, security: &str, more: &str) -> NoticesSettings {
    settings(
        folder,
        &format!(
            "[notices]\nlanguage = 'zh'\n[notices.smtp]\nserver = 'localhost:{port}'\nsecurity = '{security}'\nfrom = 'tributary@bank.example'\n\
             to = ['a@bank.example', 'b@bank.example']\n{more}"
        ),
    )
}

#[test]
fn a_mail_goes_over_tls_from_the_first_byte_or_after_the_greeting() {
    let folder = tempfile::tempdir().unwrap();
    private(folder.path(), "password", "s3cret word\n");
    let more = "trust = 'ca.pem'\nuser = 'tributary'\npassword_file = 'password'\n";
    for security in ["tls", "starttls"] {
        let config = certificate(folder.path());
        let first = security == "starttls";
        let (port, server) = serve(move |mut stream| {
            let before = if first { mail_server(&mut stream, true, true) } else { Vec::new() };
            (before, mail_server(&mut over_tls(config, stream), !first, false))
        });
        deliver(&smtp_settings(folder.path(), port, security, more), PATIENT).unwrap();
        let (before, heard) = server.join().unwrap();
        if first {
            assert_eq!(before.len(), 2, "a greeting and the wish for TLS, and nothing else: {before:?}");
        }
        let all = heard.join("\n");
        assert!(all.contains("RCPT TO:<a@bank.example>") && all.contains("RCPT TO:<b@bank.example>"), "{all}");
        assert!(all.contains("AUTH PLAIN") && all.contains("Subject: [branch-03] =?utf-8?b?"), "{all}");
        assert!(heard.iter().all(|line| line.is_ascii() && line.len() < 1_000), "{all}");
    }
}

#[test]
fn no_mail_goes_to_a_server_that_has_not_proved_itself() {
    let folder = tempfile::tempdir().unwrap();
    private(folder.path(), "password", "s3cret");
    let more = "trust = 'ca.pem'\nuser = 'tributary'\npassword_file = 'password'\n";
    // Another certificate than the one that is trusted.
    let other = certificate(folder.path());
    certificate(folder.path());
    let (port, server) = serve(move |stream| line(&mut over_tls(other, stream)));
    let fault = deliver(&smtp_settings(folder.path(), port, "tls", more), PATIENT).unwrap_err();
    assert!(matches!(fault, HookFault::Network(_)), "{fault}");
    assert_eq!(server.join().unwrap(), "");
    // One that has no TLS to offer, or whose offer somebody took away.
    let (port, server) = serve(|mut stream| mail_server(&mut stream, true, false));
    let fault = deliver(&smtp_settings(folder.path(), port, "starttls", more), PATIENT).unwrap_err();
    assert!(!fault.to_string().contains("s3cret"), "{fault}");
    let heard = server.join().unwrap();
    assert!(heard.iter().all(|line| !line.starts_with("AUTH") && !line.starts_with("MAIL")), "{heard:?}");
}

#[test]
fn a_mail_server_that_says_nothing_or_too_much_holds_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (port, server) = serve(silence);
    let fault = deliver(&smtp_settings(folder.path(), port, "none", ""), SHORT).unwrap_err();
    assert!(matches!(fault, HookFault::TooSlow(_) | HookFault::Mail(_)), "{fault}");
    server.join().unwrap();
    let (port, server) = serve(|mut stream| while stream.write_all(&[b'2'; 4_096]).is_ok() {});
    let fault = deliver(&smtp_settings(folder.path(), port, "none", ""), PATIENT).unwrap_err();
    assert!(matches!(fault, HookFault::Mail(_)), "{fault}");
    server.join().unwrap();
    let (port, server) = serve(|mut stream| {
        let _ = stream.write_all(b"554 \x1b[2J no\r\n");
        silence(stream);
    });
    let fault = deliver(&smtp_settings(folder.path(), port, "none", ""), PATIENT).unwrap_err().to_string();
    assert!(!fault.contains('\u{1b}'), "{fault}");
    server.join().unwrap();
}

/// Takes one request, answers it, and gives its head and its body.
fn web_server(stream: &mut (impl Read + Write), answer: &str) -> (String, String) {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let line = line(stream);
        if let Some(count) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = count.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.flush());
    (head, String::from_utf8(body).unwrap())
}

fn web_settings(folder: &Path, url: &str, more: &str) -> NoticesSettings {
    settings(folder, &format!("[notices.webhook]\nurl = '{url}'\n{more}"))
}

#[test]
fn a_web_service_gets_the_whole_message_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let config = certificate(folder.path());
    private(folder.path(), "token", "t0ken\n");
    let (port, server) = serve(move |stream| {
        web_server(&mut over_tls(config, stream), "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
    });
    private(folder.path(), "address", &format!("https://localhost:{port}/hook?key=k3y"));
    let more = "url_file = 'address'\ntrust = 'ca.pem'\ntoken_file = 'token'\n";
    deliver(&settings(folder.path(), &format!("[notices.webhook]\n{more}")), PATIENT).unwrap();
    let (head, body) = server.join().unwrap();
    assert!(head.starts_with("POST /hook?key=k3y HTTP/1.1\r\n"), "{head}");
    assert!(head.to_ascii_lowercase().contains("authorization: bearer t0ken"), "{head}");
    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((value["version"].as_u64(), value["kind"].as_str()), (Some(1), Some("daemon_failed")));
    assert_eq!((value["severity"].as_str(), value["source"].as_str()), (Some("critical"), Some("branch-03")));
    assert!(value["text"]["zh"]["body"].as_str().unwrap().contains("日志"), "{body}");
    assert!(value["text"]["en"]["subject"].as_str().unwrap().contains("ended with an error"), "{body}");
}

#[test]
fn a_web_service_that_nobody_vouches_for_is_told_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let other = certificate(folder.path());
    certificate(folder.path());
    let (port, server) = serve(move |stream| line(&mut over_tls(other, stream)));
    let url = format!("https://localhost:{port}/k3y");
    let fault = deliver(&web_settings(folder.path(), &url, "trust = 'ca.pem'\n"), PATIENT).unwrap_err().to_string();
    assert!(!fault.contains("k3y"), "{fault}");
    assert_eq!(server.join().unwrap(), "");
}

#[test]
fn no_redirect_is_followed_and_no_failure_is_a_success() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let there = elsewhere.local_addr().unwrap();
    for status in [301, 302, 307, 308, 400, 500] {
        let answer = format!("HTTP/1.1 {status} X\r\nlocation: http://{there}/\r\ncontent-length: 0\r\n\r\n");
        let (port, server) = serve(move |mut stream| web_server(&mut stream, &answer));
        let fault = deliver(&web_settings(folder.path(), &format!("http://127.0.0.1:{port}/"), ""), PATIENT);
        assert!(matches!(fault, Err(HookFault::Status(found)) if found == status), "{fault:?}");
        server.join().unwrap();
        assert!(elsewhere.accept().is_err(), "{status} was followed");
    }
}

#[test]
fn a_web_service_that_says_nothing_or_too_much_holds_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let web =
        |port: u16, limit| deliver(&web_settings(folder.path(), &format!("http://127.0.0.1:{port}/k3y"), ""), limit);
    let (port, server) = serve(silence);
    let fault = web(port, SHORT).unwrap_err();
    assert!(matches!(fault, HookFault::TooSlow(_)), "{fault}");
    server.join().unwrap();
    // A head without an end.
    let (port, server) = serve(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(&[b'x'; 4_096]).is_ok() {}
    });
    let fault = web(port, PATIENT).unwrap_err();
    assert!(!matches!(fault, HookFault::TooSlow(_)) && !fault.to_string().contains("k3y"), "{fault}");
    server.join().unwrap();
    // A body without an end is not waited for.
    let (port, server) = serve(|mut stream| {
        web_server(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n");
        while stream.write_all(&[b'x'; 4_096]).is_ok() {}
    });
    web(port, PATIENT).unwrap();
    server.join().unwrap();
    let (port, server) = serve(|mut stream| {
        let _ = stream.write_all(b"\x16\x03\x01 no answer\r\n\r\n");
        silence(stream);
    });
    assert!(web(port, PATIENT).is_err());
    server.join().unwrap();
}

#[test]
fn syslog_goes_by_datagram_by_stream_and_by_socket() {
    let folder = tempfile::tempdir().unwrap();
    let syslog = |address: &str| settings(folder.path(), &format!("[notices.syslog]\naddress = '{address}'\n"));
    let is_line =
        |line: &str| line.starts_with("<26>1 2030-01-01T00:00:00.000Z - tributary ") && line.contains("[branch-03]");
    let mut buffer = [0; 4_096];
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    deliver(&syslog(&format!("udp://{}", receiver.local_addr().unwrap())), PATIENT).unwrap();
    let count = receiver.recv(&mut buffer).unwrap();
    assert!(is_line(std::str::from_utf8(&buffer[..count]).unwrap()));
    let (port, server) = serve(|mut stream| {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    });
    deliver(&syslog(&format!("tcp://127.0.0.1:{port}")), PATIENT).unwrap();
    let text = server.join().unwrap();
    let (length, line) = text.split_once(' ').unwrap();
    assert!(is_line(line) && length.parse::<usize>().unwrap() == line.len(), "{text}");
    #[cfg(unix)]
    {
        let path = folder.path().join("log");
        let receiver = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        deliver(&syslog(&format!("unix:{}", path.display())), PATIENT).unwrap();
        let count = receiver.recv(&mut buffer).unwrap();
        assert!(is_line(std::str::from_utf8(&buffer[..count]).unwrap()));
    }
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(deliver(&syslog(&format!("tcp://{gone}")), PATIENT), Err(HookFault::Network(_))));
}

#[cfg(unix)]
mod programs {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A program, in a folder that only we may change.
    fn program(folder: &Path, script: &str) -> NoticesSettings {
        let path = folder.join("hook");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        settings(folder, "[notices]\nlanguage = 'zh'\ncommand = 'hook'\n")
    }

    #[test]
    fn a_program_gets_the_message_and_nothing_else_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out").display().to_string();
        deliver(&program(folder.path(), &format!("cat > {out}; env >> {out}")), PATIENT).unwrap();
        let text = std::fs::read_to_string(&out).unwrap();
        let (first, variables) = text.split_once('\n').unwrap();
        let value: serde_json::Value = serde_json::from_str(first).unwrap();
        assert_eq!(value["notices"][0]["kind"], "daemon_failed");
        assert!(variables.contains("TRIBUTARY_NOTICE_SEVERITY=critical\n"), "{variables}");
        assert!(variables.contains("TRIBUTARY_NOTICE_SUBJECT=[branch-03] 紧急"), "{variables}");
        let known = ["TRIBUTARY_NOTICE_", "PATH=", "PWD=", "SHLVL=", "_=", "OLDPWD="];
        assert!(variables.lines().all(|line| known.iter().any(|name| line.starts_with(name))), "{variables}");
    }

    #[test]
    fn a_program_that_fails_hangs_or_talks_holds_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let fault = deliver(&program(folder.path(), "exit 3"), PATIENT).unwrap_err();
        assert!(matches!(fault, HookFault::Ended(status) if status.code() == Some(3)), "{fault}");
        let fault = deliver(&program(folder.path(), "exec tail -f /dev/null"), SHORT).unwrap_err();
        assert!(matches!(fault, HookFault::TooSlow(_)), "{fault}");
        // What it says goes nowhere, and a closed input is no failure.
        deliver(&program(folder.path(), "exec <&-; head -c 1000000 /dev/zero; exit 0"), PATIENT).unwrap();
        std::fs::remove_file(folder.path().join("hook")).unwrap();
        let mut gone = program(folder.path(), "exit 0");
        gone.command = Some(folder.path().join("gone"));
        assert!(matches!(deliver(&gone, PATIENT), Err(HookFault::Program(_))));
    }

    #[test]
    fn a_program_that_others_may_change_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        program(folder.path(), "exit 0");
        for mode in [0o722, 0o770, 0o600] {
            std::fs::set_permissions(folder.path().join("hook"), std::fs::Permissions::from_mode(mode)).unwrap();
            let mut document = Document::open(&folder.path().join("x.toml")).unwrap();
            assert!(NoticesSettings::read(&mut document, "client").is_none(), "{mode:o}");
            assert_eq!(document.finish().unwrap_err().faults[0].key, "notices.command");
        }
        // Nor is one that others may put another in the place of: in its own folder, or in that of a link to it.
        let others = folder.path().join("others");
        std::fs::create_dir(&others).unwrap();
        program(&others, "exit 0");
        std::os::unix::fs::symlink(others.join("hook"), folder.path().join("link")).unwrap();
        let read = |command: &str| {
            let path = folder.path().join("y.toml");
            std::fs::write(&path, format!("[notices]\ncommand = '{command}'\n")).unwrap();
            NoticesSettings::read(&mut Document::open(&path).unwrap(), "client").is_some()
        };
        assert!(read("others/hook") && read("link"));
        std::fs::set_permissions(&others, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(!read("others/hook") && !read("link"));
    }
}
