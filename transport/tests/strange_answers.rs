//! What answers is no coordinator, or nothing answers, or one of the clocks is wrong: each is said by its name, and nothing waits for ever.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use support::{DAY, Federation, Off, run, way};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tributary_certs::clock::unix_seconds;
use tributary_certs::fault::FaultKind;
use tributary_transport::preflight::{Cause, Findings, Outcome, network};
use tributary_transport::{Dialer, Mode, Proxy, Transport};

/// A TCP port that reads a little, and then says this and waits.
async fn says(words: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                stream.read_u8().await?;
                stream.write_all(words.as_bytes()).await?;
                // Until the client leaves.
                while stream.read(&mut [0; 4096]).await? > 0 {}
                std::io::Result::Ok(())
            });
        }
    });
    address
}

#[test]
fn a_web_server_is_called_one() {
    let federation = Federation::new();
    run(async {
        for words in ["HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "<!DOCTYPE HTML>\n<html>"] {
            let address = says(words).await;
            let (dialer, keys) = (Dialer::new(way(address, Mode::Tcp)), federation.client(Off(0)));
            // As the daemon, ...
            let run = dialer.dial(keys.tls.clone(), Transport::Tcp).await.err().unwrap().to_string();
            // ... at enrolment and renewal ...
            let enrolment = dialer.exchange(federation.newcomer(), b"abc", 9).await.unwrap_err().to_string();
            for text in [run, enrolment] {
                assert!(text.contains("[209 tls-http]") && text.contains("speaks HTTP, not TLS"), "{text}");
            }
            // ... and before.
            let mut found = Findings::default();
            network(&dialer, &keys, Off(0).seconds(), &mut found).await;
            assert_eq!(found.exit_code(), Cause::Tcp as u8, "{found}");
            assert!(found.to_string().contains("means  a web server"), "{found}");
        }
    });
}

/// A newcomer or a renewal that nobody takes is not told of "another program".
#[test]
fn a_coordinator_without_an_office_is_called_one() {
    let federation = Federation::new();
    run(async {
        for mode in [Mode::Quic, Mode::Tcp, Mode::Auto] {
            let address = federation.listen_without_an_office("127.0.0.1:0");
            let fault = Dialer::new(way(address, mode)).exchange(federation.newcomer(), b"abc", 9).await.unwrap_err();
            let text = fault.to_string();
            assert!(text.contains("keeps no enrolment office") && text.contains("client renew --request"), "{text}");
            assert!(!text.contains("another program"), "{text}");
        }
    });
}

/// Keys that are set later count from the next handshake on, over either transport.
#[test]
fn an_office_that_is_opened_later_answers_over_either_transport() {
    let federation = Federation::new();
    run(async {
        let address = federation.listen_with_an_office_that_came_later("127.0.0.1:0");
        for mode in [Mode::Quic, Mode::Tcp, Mode::Auto] {
            let asked = Dialer::new(way(address, mode)).exchange(federation.newcomer(), b"abc", 9).await;
            assert_eq!(asked.unwrap(), b"cba", "{mode:?}");
        }
    });
}

/// A newcomer's clock may be wrong, and it asks the office over either transport.
#[test]
fn an_office_whose_certificate_is_not_valid_now_is_told_from_every_other_fault() {
    let federation = Federation::new();
    let days = |days: i64| Off(days * 86_400);
    run(async {
        let address = federation.listen("127.0.0.1:0", Off(0));
        for mode in [Mode::Quic, Mode::Tcp, Mode::Auto] {
            let asked = |clock| {
                let dialer = Dialer::new(way(address, mode));
                let tls = federation.newcomer_at(clock);
                async move { dialer.exchange(tls, b"abc", 9).await }
            };
            assert_eq!(asked(days(0)).await.unwrap(), b"cba");
            for (clock, kind) in [(days(-100), FaultKind::NotYetValid), (days(100), FaultKind::Expired)] {
                let fault = asked(clock).await.unwrap_err();
                assert_eq!(fault.untimely(), Some(kind), "{mode:?}: {fault}");
            }
        }
        let other = federation.listen_without_an_office("127.0.0.1:0");
        let fault = Dialer::new(way(other, Mode::Tcp)).exchange(federation.newcomer(), b"abc", 9).await.unwrap_err();
        assert_eq!(fault.untimely(), None);
    });
}

/// How long an exchange may take here.
const SHORT: Duration = Duration::from_millis(300);

#[test]
fn an_exchange_has_a_deadline_whoever_is_silent() {
    let federation = Federation::new();
    run(async {
        let mut silent = way(says("").await, Mode::Tcp);
        silent.timers.exchange = SHORT;
        let mut behind_a_proxy = way("fl.example:7443", Mode::Tcp);
        behind_a_proxy.timers.exchange = SHORT;
        let proxy = says("HTTP/1.1 200 Connection established\r\n\r\n").await;
        behind_a_proxy.proxy = Some(Proxy { address: proxy.to_string(), credentials: None });
        for settings in [silent, behind_a_proxy] {
            let fault = Dialer::new(settings).exchange(federation.newcomer(), b"abc", 9).await.unwrap_err();
            let text = fault.to_string();
            assert!(text.contains("did not come within 0.3 seconds") && text.contains("ask again later"), "{text}");
        }
    });
}

/// The findings of a client whose clock is so many seconds off, at a coordinator whose clock is.
fn preflight(federation: &Federation, client: i64, coordinator: i64, mode: Mode) -> Findings {
    run(async {
        let address = federation.listen("127.0.0.1:0", Off(coordinator));
        let mut found = Findings::default();
        let dialer = Dialer::new(way(address, mode));
        network(&dialer, &federation.client(Off(client)), Off(client).seconds(), &mut found).await;
        found
    })
}

const HOUR: i64 = 3_600;
const DAYS: i64 = 24 * HOUR;

#[test]
fn a_clock_that_is_off_has_the_clock_s_code_however_far_it_is() {
    let federation = Federation::new();
    let over_quic = [-400 * DAYS, -3 * HOUR, -600, 3 * HOUR, 40 * DAYS].as_slice();
    for (mode, offs) in [(Mode::Quic, over_quic), (Mode::Tcp, &[-3 * HOUR, 40 * DAYS])] {
        for off in offs.iter().copied() {
            let found = preflight(&federation, off, 0, mode);
            assert_eq!(found.exit_code(), Cause::Clock as u8, "{off} over {mode:?}: {found}");
            let clock = found.lines().iter().find(|line| line.cause == Cause::Clock).unwrap();
            let words = if off < 0 { "this machine's is behind" } else { "this machine's is ahead" };
            assert!(clock.seen.contains(words) && clock.ask.contains("NTP"), "{off}: {found}");
        }
        assert_eq!(preflight(&federation, 0, 0, mode).exit_code(), 0);
    }
}

#[test]
fn the_coordinator_s_clock_is_suspected_where_it_says_that_a_good_certificate_has_ended() {
    let federation = Federation::new();
    let found = preflight(&federation, 0, 40 * DAYS, Mode::Tcp);
    assert_eq!(found.exit_code(), Cause::Clock as u8, "{found}");
    assert!(found.to_string().contains("by the coordinator's it is not"), "{found}");
}

#[test]
fn a_certificate_that_has_ended_is_not_called_a_wrong_clock() {
    let now = unix_seconds();
    for (coordinator_at, client_at) in [(now - 40 * DAY, now), (now, now - 40 * DAY)] {
        let federation = Federation::of(coordinator_at, client_at);
        let found = preflight(&federation, 0, 0, Mode::Quic);
        assert_eq!(found.exit_code(), Cause::Certificate as u8, "{found}");
        assert!(found.to_string().contains("certificate-expired"), "{found}");
        let clocks = found.lines().iter().filter(|line| line.cause == Cause::Clock);
        assert!(clocks.into_iter().all(|line| line.outcome == Outcome::Ok), "{found}");
    }
}
