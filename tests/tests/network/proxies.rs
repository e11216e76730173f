//! An HTTP proxy on the way: a plan through it, what is said about bad ones, and what is never said.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tributary_coordinator::{Event, Told};
use tributary_transport::{Channel, ChannelSettings, Event as ChannelEvent, Mode, Proxy};

use crate::cast::{BRANCHES, Director, federation, play};
use crate::peer;
use crate::support::federation::Federation;
use crate::support::sums::compare_sums;

const CREDENTIALS: &str = "branch:open-sesame-17";

/// [`CREDENTIALS`] as basic authentication (RFC 7617).
const ENCODED: &str = "YnJhbmNoOm9wZW4tc2VzYW1lLTE3";

/// What a proxy does with a request.
#[derive(Clone, Copy)]
enum Manner {
    /// Connects whoever knows the password.
    Honest,
    /// Gives this answer, and waits.
    Answers(&'static str),
    /// Gives a line that holds the request's last words.
    Repeats,
    /// Hangs up.
    HangsUp,
}

/// An open proxy.
struct OpenProxy {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl OpenProxy {
    async fn open(manner: Manner) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let heard = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let heard = Arc::clone(&heard);
                tokio::spawn(async move {
                    // A client that leaves in the middle is no fault of the proxy's.
                    let _ = serve(client, manner, &heard).await;
                });
            }
        });
        Self { address, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(mut client: TcpStream, manner: Manner, heard: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(client.read_u8().await?);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    let waits = |mut client: TcpStream| async move { client.read_u8().await.map(drop) };
    match manner {
        Manner::HangsUp => Ok(()),
        Manner::Answers(answer) => {
            client.write_all(answer.as_bytes()).await?;
            waits(client).await
        }
        Manner::Repeats => {
            let said = request.lines().find_map(|line| line.strip_prefix("Proxy-Authorization: ")).unwrap_or_default();
            client.write_all(format!("HTTP/1.1 407 bad password {said}\r\n\r\n").as_bytes()).await?;
            waits(client).await
        }
        Manner::Honest => {
            let known = format!("Proxy-Authorization: Basic {ENCODED}\r\n");
            if !request.contains(&known) {
                return client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
            }
            let target = request.split(' ').nth(1).unwrap_or_default();
            let mut coordinator = TcpStream::connect(target).await?;
            client.write_all(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n").await?;
            tokio::io::copy_bidirectional(&mut client, &mut coordinator).await.map(drop)
        }
    }
}

/// Every client behind the proxy.
struct Office(SocketAddr);

impl Director for Office {
    fn settings(&self, _branch: usize, usual: String) -> String {
        let credentials = "proxy_credentials = \"../proxy.secret\"\n";
        usual.replace(
            "server_name = ",
            &format!("transport = \"tcp\"\nproxy = \"{}\"\n{credentials}server_name = ", self.0),
        )
    }

    fn event(&self, event: &Event) {
        assert!(!Told::from(event.clone()).to_json().contains("open-sesame"));
    }
}

fn write_secret(path: &std::path::Path, text: &str) {
    std::fs::write(path, text).expect("a file");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("a private file");
}

fn small_federation(folder: &std::path::Path) -> Federation {
    federation(folder, "model = \"logistic\"\nrounds = 3\n", "")
}

#[test]
fn a_plan_runs_through_a_proxy_that_wants_a_password() {
    let folder = tempfile::tempdir().expect("a folder");
    let federation = small_federation(folder.path());
    write_secret(&folder.path().join("proxy.secret"), &format!("{CREDENTIALS}\n"));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let proxy = runtime.block_on(OpenProxy::open(Manner::Honest));
    let played = play(&federation, &Office(proxy.address));
    played.assert_whole(3);
    assert_eq!(compare_sums(&federation), 3);
    let requests = proxy.requests();
    assert_eq!(requests.len(), BRANCHES);
    for branch in 0..BRANCHES {
        assert_eq!(played.connections(branch), [("tcp", false)]);
    }
}

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a client reports of its first attempt through such a proxy, having logged everything that it can.
fn reported(manner: Manner, credentials: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let federation = small_federation(folder.path());
    let tls = peer::tls(&federation.branch(0).join("identity"));
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let reason = tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let proxy = OpenProxy::open(manner).await;
            let proxy = Proxy { address: proxy.address.to_string(), credentials: Some(credentials.to_owned()) };
            let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
            tracing::info!(?proxy, "a proxy as the settings hold it");
            let dial = peer::way(nobody, Mode::Tcp, Some(proxy));
            let mut channel =
                Channel::new(ChannelSettings { dial, keys: Box::new(move || (Arc::clone(&tls), Vec::new())) });
            match channel.next().await {
                ChannelEvent::Waiting { reason, .. } => reason,
                other => panic!("{other:?}"),
            }
        })
    });
    let log = String::from_utf8(log.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).expect("UTF-8");
    assert!(log.contains("a proxy as the settings hold it"));
    for secret in ["open-sesame", "b3Blbi1zZXNhbW", ENCODED, "wrong-word", "d3Jvbmctd29yZ"] {
        assert!(!reason.contains(secret) && !log.contains(secret), "{reason}");
    }
    reason
}

#[test]
fn what_a_bad_proxy_does_is_said_and_its_password_is_not() {
    let cases = [
        (Manner::Honest, "branch:wrong-word", "it answered \"HTTP/1.1 407 Proxy Authentication Required\""),
        (Manner::Answers("SSH-2.0-hello\r\n\r\n"), CREDENTIALS, "it answered \"SSH-2.0-hello\""),
        (Manner::Answers("\0\u{1}garbage without an end"), CREDENTIALS, "it did not answer within 5 seconds"),
        (Manner::Answers(""), CREDENTIALS, "it did not answer within 5 seconds"),
        (Manner::Repeats, CREDENTIALS, "it repeated the credentials, and is not quoted here"),
        (Manner::HangsUp, CREDENTIALS, "it closed the connection"),
    ];
    for (manner, credentials, sentence) in cases {
        let reason = reported(manner, credentials);
        assert!(reason.contains("the proxy 127.0.0.1:") && reason.contains(sentence), "{reason}");
        assert!(reason.contains("ask whoever runs it to allow CONNECT"), "{reason}");
    }
}
