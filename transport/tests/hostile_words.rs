//! Words that a peer sends as the reason of an end, or as a refusal, reach a log and a screen as words alone: over either transport, and in
//! either direction.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

use std::net::SocketAddr;

use support::{Federation, Off, run, way};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tributary_protocol::codec;
use tributary_protocol::frame::encode_frame;
use tributary_protocol::message::{FRAME_CONTROL, RejectCode, ToClient};
use tributary_protocol::printable::{PRINTABLE_CHARACTERS_MAX, is_hidden};
use tributary_transport::preflight::{Cause, Findings, network};
use tributary_transport::{
    Accepted, DialSettings, Dialer, End, Greeted, Greeting, Link, LinkId, ListenSettings, Listener, Mode, Path, Proxy,
    Timers, Transport, Welcome,
};

const HOSTILE: &str = "over\u{1b}[2J\r\nINFO connected\u{202e}\u{e0041}";
const SHOWN: &str = "over\\u{1b}[2J\\u{d}\\u{a}INFO connected\\u{202e}\\u{e0041}";

/// How a coordinator treats whoever comes.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// Ends the connection instead of a welcome.
    Dismisses,
    /// Welcomes, and ends the link.
    Closes,
    /// Welcomes, and refuses in a message.
    Rejects,
    /// Welcomes, and listens to how the client ends.
    Listens,
}

/// A coordinator's port; what clients said at their end is told to `heard`.
fn listen(federation: &Federation, how: Way, heard: mpsc::UnboundedSender<End>) -> SocketAddr {
    let settings =
        ListenSettings { listen: "127.0.0.1:0".into(), tcp: true, path: Path::default(), timers: Timers::default() };
    let listener = Listener::open(&settings, federation.server(Off(0))).unwrap();
    let address = listener.address();
    tokio::spawn(async move {
        while let Some(attempt) = listener.next().await {
            let heard = heard.clone();
            tokio::spawn(async move {
                let Ok(Accepted::Peer(wire)) = attempt.accept(|| {}).await else { return };
                let Ok((greeted, _)) = Greeted::by_peer(*wire).await else { return };
                if how == Way::Dismisses {
                    return greeted.close(HOSTILE).await;
                }
                let mut link = Link::new(Timers::default());
                let unix_seconds = Off(0).seconds();
                let welcome = Welcome { link: LinkId([7; 16]), resumed: false, received: 0, unix_seconds };
                link.welcome(greeted, 0, welcome).unwrap();
                if how == Way::Rejects {
                    let (code, explanation) = (RejectCode::NotInRoster, HOSTILE.into());
                    let message = ToClient::Refused { code, explanation };
                    link.send([encode_frame(FRAME_CONTROL, &codec::encode(&message)).into()]);
                }
                match how {
                    Way::Closes => {
                        link.flush().await.unwrap();
                        link.close(HOSTILE).await;
                    }
                    _ => {
                        let _ = heard.send(link.tend_to_end().await);
                    }
                }
            });
        }
    });
    address
}

/// The link of a client who is let in, or how it ended before.
async fn joined(federation: &Federation, settings: DialSettings, transport: Transport) -> Result<Link, End> {
    let wire = Dialer::new(settings).over(transport, federation.client(Off(0)).tls).await.unwrap();
    let (greeted, welcome) = Greeted::by_us(wire, &Greeting::trial(Vec::new())).await?;
    let mut link = Link::new(Timers::default());
    link.attach(greeted, welcome.received)?;
    Ok(link)
}

fn check(end: &End, transport: Transport) {
    let text = end.to_string();
    assert!(matches!(end, End::Over(reason) if reason.as_str() == SHOWN), "{transport}: {end:?}");
    assert!(text.ends_with(SHOWN) && !text.contains(is_hidden), "{transport}: {text:?}");
}

#[test]
fn a_reason_for_an_end_is_escaped_at_either_side_over_either_transport() {
    let federation = Federation::new();
    for transport in [Transport::Quic, Transport::Tcp] {
        run(async {
            let (heard, mut ends) = mpsc::unbounded_channel();
            for how in [Way::Dismisses, Way::Closes] {
                let address = listen(&federation, how, heard.clone());
                let end = match joined(&federation, way(address, Mode::Auto), transport).await {
                    Err(end) => end,
                    Ok(mut link) => link.read().await.unwrap_err(),
                };
                check(&end, transport);
            }
            let address = listen(&federation, Way::Listens, heard);
            let mut link = joined(&federation, way(address, Mode::Auto), transport).await.unwrap();
            link.flush().await.unwrap();
            link.close(HOSTILE).await;
            check(&ends.recv().await.unwrap(), transport);
        });
    }
}

#[test]
fn a_refusal_s_words_are_escaped_in_a_preflight() {
    let federation = Federation::new();
    run(async {
        let (heard, _ends) = mpsc::unbounded_channel();
        let address = listen(&federation, Way::Rejects, heard);
        let mut found = Findings::default();
        let dialer = Dialer::new(way(address, Mode::Quic));
        network(&dialer, &federation.client(Off(0)), Off(0).seconds(), &mut found).await;
        assert_eq!(found.exit_code(), Cause::Refused as u8, "{found}");
        let refused = found.lines().iter().find(|line| line.cause == Cause::Refused).unwrap();
        assert_eq!(refused.seen, SHOWN);
        assert!(found.to_string().lines().all(|line| !line.contains(is_hidden)), "{found}");
    });
}

/// What a proxy answers is quoted, in a bounded length.
#[test]
fn a_proxy_s_answer_is_escaped() {
    let federation = Federation::new();
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = listener.local_addr().unwrap();
        tokio::spawn(async move {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let (mut stream, _) = listener.accept().await?;
            stream.read_u8().await?;
            let words = format!("HTTP/1.1 403 \u{1b}[2J\u{202e}{}\r\n\r\n", "x".repeat(4_000));
            stream.write_all(words.as_bytes()).await?;
            while stream.read(&mut [0; 4096]).await? > 0 {}
            std::io::Result::Ok(())
        });
        let mut settings = way("fl.example:7443", Mode::Tcp);
        settings.proxy = Some(Proxy { address: proxy.to_string(), credentials: None });
        let fault = Dialer::new(settings).dial(federation.client(Off(0)).tls, Transport::Tcp).await.err().unwrap();
        let text = fault.to_string();
        assert!(text.contains("403 \\u{1b}[2J\\u{202e}xxx") && !text.contains(is_hidden), "{text:?}");
        assert!(text.len() < PRINTABLE_CHARACTERS_MAX, "{text}");
    });
}
