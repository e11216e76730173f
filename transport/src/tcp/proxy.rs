//! HTTP CONNECT (RFC 9110, section 9.3.6): the proxy sees host and port, and carries TLS that it cannot open.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fault::{DialFault, ProxyFault};
use crate::limits::{HANDSHAKE_TIME, PROXY_ANSWER_BYTES_MAX};

/// A proxy that connects TCP. Its password is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// HOST:PORT of the proxy.
    pub address: String,
    /// `USER:PASSWORD` for basic authentication (RFC 7617), if it wants one.
    pub credentials: Option<String>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Proxy {{ address: {:?}, with credentials: {} }}", self.address, self.credentials.is_some())
    }
}

impl Proxy {
    /// Asks for a connection to `target` (HOST:PORT). Behind this the stream is the target's.
    pub(super) async fn connect(&self, stream: &mut TcpStream, target: &str) -> Result<(), DialFault> {
        let asked = tokio::time::timeout(HANDSHAKE_TIME, self.ask(stream, target)).await;
        let asked = asked.unwrap_or(Err(ProxyFault::Silent));
        let refused = |said| DialFault::Proxy { proxy: self.address.clone(), target: target.to_owned(), said };
        asked.map_err(refused)
    }

    async fn ask(&self, stream: &mut TcpStream, target: &str) -> Result<(), ProxyFault> {
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if let Some(credentials) = &self.credentials {
            request += &format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(credentials));
        }
        request += "\r\n";
        stream.write_all(request.as_bytes()).await.map_err(ProxyFault::Unasked)?;
        // Byte by byte, so that nothing of the target's is taken.
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() == PROXY_ANSWER_BYTES_MAX {
                return Err(ProxyFault::Long);
            }
            match stream.read_u8().await {
                Ok(byte) => answer.push(byte),
                Err(fault) => return Err(ProxyFault::Closed(fault)),
            }
        }
        let text = String::from_utf8_lossy(&answer);
        let status = text.lines().next().unwrap_or_default();
        match accepts(status) {
            true => Ok(()),
            false => Err(self.refusal(status)),
        }
    }

    /// What it answered, for people. A proxy may repeat what it was given, and that is nobody else's to read.
    fn refusal(&self, status: &str) -> ProxyFault {
        let secrets = self.credentials.iter().flat_map(|credentials| {
            let password = credentials.split_once(':').map_or("", |(_, password)| password);
            [STANDARD.encode(credentials).trim_end_matches('=').to_owned(), password.to_owned()]
        });
        match secrets.into_iter().any(|secret| !secret.is_empty() && status.contains(&secret)) {
            true => ProxyFault::Indiscreet,
            false => ProxyFault::Refused(format!("{:?}", crate::wire::cut(status, 120))),
        }
    }
}

/// `HTTP/1.x 2xx`.
fn accepts(status: &str) -> bool {
    let mut words = status.split(' ');
    let version = words.next().unwrap_or_default();
    let code = words.next().unwrap_or_default();
    version.starts_with("HTTP/1.")
        && code.len() == 3
        && code.starts_with('2')
        && code.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_success_is_success() {
        assert!(accepts("HTTP/1.1 200 Connection established") && accepts("HTTP/1.0 200"));
        for status in [
            "",
            "HTTP/1.1 407 Proxy Authentication Required",
            "HTTP/1.1 2",
            "HTTP/1.1 20a",
            "SSH-2.0-x",
            "HTTP/2 200",
            "200 OK",
        ] {
            assert!(!accepts(status), "{status}");
        }
    }

    /// What a proxy repeats of the credentials, in either form, is not quoted; whatever else it says is.
    #[test]
    fn an_answer_that_repeats_credentials_is_not_quoted() {
        let quoted = |credentials: Option<&str>, status: &str| {
            let proxy = Proxy { address: "proxy:1".into(), credentials: credentials.map(str::to_owned) };
            match proxy.refusal(status) {
                ProxyFault::Refused(words) => {
                    assert_eq!(words, format!("{status:?}"));
                    true
                }
                ProxyFault::Indiscreet => false,
                other => panic!("{other}"),
            }
        };
        let encoded = format!("HTTP/1.1 407 not {}", STANDARD.encode("branch:secret").trim_end_matches('='));
        for (credentials, status, expected) in [
            (None, "HTTP/1.1 403 secret", true),
            (Some("branch:secret"), "HTTP/1.1 403 no", true),
            (Some("branch:secret"), "HTTP/1.1 403 not branch", true),
            (Some("branch:secret"), "HTTP/1.1 403 secret is wrong", false),
            (Some("branch:secret"), encoded.as_str(), false),
            (Some("branch:"), "HTTP/1.1 403 no", true),
            (Some("branch"), "HTTP/1.1 403 not branch", true),
        ] {
            assert_eq!(quoted(credentials, status), expected, "{credentials:?}: {status}");
        }
    }

    /// A proxy that reads one question, and answers so: what it read, and how the question ended. Behind it the target's first byte is an `x`.
    async fn asked(credentials: Option<&str>, answer: &[u8]) -> (String, Result<u8, DialFault>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let near = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let proxy = Proxy { address: "proxy:1".into(), credentials: credentials.map(str::to_owned) };
            match proxy.connect(&mut stream, "target:2").await {
                Ok(()) => Ok(stream.read_u8().await.unwrap()),
                Err(fault) => Err(fault),
            }
        };
        let far = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut question = Vec::new();
            while !question.ends_with(b"\r\n\r\n") {
                question.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(answer).await.unwrap();
            stream.shutdown().await.unwrap();
            String::from_utf8(question).unwrap()
        };
        let (ended, question) = tokio::join!(near, far);
        (question, ended)
    }

    #[test]
    fn a_proxy_is_asked_to_the_letter_and_the_targets_bytes_are_left() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let question = "CONNECT target:2 HTTP/1.1\r\nHost: target:2\r\n";
        let authorised = "Proxy-Authorization: Basic YnJhbmNoOnNlY3JldA==\r\n";
        // An answer of so many bytes.
        let long = |bytes: usize| {
            let (front, end) = ("HTTP/1.1 200 OK\r\nVia: ", "\r\n\r\n");
            format!("{front}{}{end}", "-".repeat(bytes - front.len() - end.len()))
        };
        let at_limit = long(PROXY_ANSWER_BYTES_MAX);
        runtime.block_on(async {
            for (credentials, more) in [(None, ""), (Some("branch:secret"), authorised)] {
                for answer in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 299\r\nVia: me\r\n\r\n", &at_limit] {
                    let (read, ended) = asked(credentials, format!("{answer}x").as_bytes()).await;
                    assert_eq!((read, ended.unwrap()), (format!("{question}{more}\r\n"), b'x'), "{answer}");
                }
            }
            let over = long(PROXY_ANSWER_BYTES_MAX + 1);
            let closed = ProxyFault::Closed(std::io::ErrorKind::UnexpectedEof.into()).to_string();
            let wordy = format!("HTTP/1.1 403 {}", "-".repeat(107));
            for (answer, said) in [
                ("", closed.as_str()),
                ("HTTP/1.1 200 OK\r\n", &closed),
                ("HTTP/1.1 403 no\r\n\r\n", &ProxyFault::Refused("\"HTTP/1.1 403 no\"".into()).to_string()),
                (&format!("{wordy}\r\n\r\n"), &ProxyFault::Refused(format!("{wordy:?}")).to_string()),
                (&format!("{wordy}-\r\n\r\n"), &ProxyFault::Refused(format!("{wordy:?}")).to_string()),
                (&over, &ProxyFault::Long.to_string()),
            ] {
                let fault = asked(None, answer.as_bytes()).await.1.unwrap_err();
                let DialFault::Proxy { proxy, target, said: found } = &fault else { panic!("{fault}") };
                assert_eq!((proxy.as_str(), target.as_str()), ("proxy:1", "target:2"));
                assert_eq!(found.to_string(), said);
            }
        });
    }

    #[test]
    fn a_password_is_not_printed() {
        let proxy = Proxy { address: "proxy.example:3128".into(), credentials: Some("branch:very-secret".into()) };
        assert!(!format!("{proxy:?}").contains("very-secret"));
    }
}
