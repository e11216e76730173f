//! Every line of a preflight, in its order: which ways are tried, what is said of each, and what the coordinator's clock says.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

use std::net::SocketAddr;

use support::{Federation, Off, run, way};
use tokio::net::TcpListener;
use tributary_protocol::codec;
use tributary_protocol::frame::encode_frame;
use tributary_protocol::message::{FRAME_CONTROL, RejectCode, ToClient};
use tributary_transport::preflight::{Cause, Findings, Outcome, network};
use tributary_transport::{
    Accepted, DialSettings, Dialer, Greeted, Link, LinkId, ListenSettings, Listener, Mode, Proxy, Timers, Welcome,
};

/// What was found at an address, and what the coordinator's clock said.
async fn preflight(federation: &Federation, settings: DialSettings) -> (Findings, Option<u64>) {
    let mut found = Findings::default();
    let dialer = Dialer::new(settings);
    let seconds = network(&dialer, &federation.client(Off(0)), Off(0).seconds(), &mut found).await;
    (found, seconds)
}

fn lines(found: &Findings) -> Vec<(Cause, Outcome)> {
    found.lines().iter().map(|line| (line.cause, line.outcome)).collect()
}

const OK: Outcome = Outcome::Ok;

/// A coordinator that welcomes everybody, and then refuses them in these words, if in any.
fn serve(listener: Listener, refusal: Option<&'static str>) -> SocketAddr {
    let address = listener.address();
    tokio::spawn(async move {
        while let Some(attempt) = listener.next().await {
            tokio::spawn(async move {
                let Ok(Accepted::Peer(wire)) = attempt.accept(|| {}).await else { return };
                let Ok((greeted, _)) = Greeted::by_peer(*wire).await else { return };
                let mut link = Link::new(Timers::default());
                let unix_seconds = Off(0).seconds();
                let welcome = Welcome { link: LinkId([7; 16]), resumed: false, received: 0, unix_seconds };
                link.welcome(greeted, 0, welcome).unwrap();
                if let Some(words) = refusal {
                    let message = ToClient::Refused { code: RejectCode::NotInRoster, explanation: words.into() };
                    link.send([encode_frame(FRAME_CONTROL, &codec::encode(&message)).into()]);
                }
                link.tend_to_end().await;
            });
        }
    });
    address
}

#[test]
fn each_way_is_tried_that_the_settings_name_and_no_other_one() {
    let federation = Federation::new();
    run(async {
        // Its clock is two minutes ahead.
        let address = federation.listen("127.0.0.1:0", Off(120));
        let ends = [(Cause::Clock, Outcome::Warning), (Cause::Refused, OK)];
        let udp = [(Cause::Udp, OK), (Cause::Mtu, OK)];
        let tcp = [(Cause::Tcp, OK)];
        for (mode, ways) in
            [(Mode::Quic, udp.to_vec()), (Mode::Tcp, tcp.to_vec()), (Mode::Auto, [udp.as_slice(), &tcp].concat())]
        {
            let before = Off(120).seconds();
            let (found, seconds) = preflight(&federation, way(address, mode)).await;
            let expected = [[(Cause::Name, OK)].as_slice(), &ways, &ends].concat();
            assert_eq!(lines(&found), expected, "{mode:?}: {found}");
            assert!((before..=Off(120).seconds()).contains(&seconds.unwrap()), "{mode:?}: {seconds:?}");
            let clock = found.lines().iter().find(|line| line.cause == Cause::Clock).unwrap();
            assert!(clock.seen.contains("this machine's is behind"), "{}", clock.seen);
            assert_eq!(found.lines()[0].seen, address.to_string());
            assert_eq!(found.exit_code(), 0, "a warning is no fault");
        }
    });
}

/// A name without an address is the end of it; a proxy may still find it, and then UDP is not tried.
#[test]
fn a_name_that_is_none_is_left_to_the_proxy_where_there_is_one() {
    let federation = Federation::new();
    run(async {
        let (found, seconds) = preflight(&federation, way("nowhere.invalid:7443", Mode::Auto)).await;
        assert_eq!((lines(&found), seconds), (vec![(Cause::Name, Outcome::Fault)], None), "{found}");
        assert_eq!(found.exit_code(), Cause::Name as u8);
        let proxy = {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap()
        };
        let mut settings = way("nowhere.invalid:7443", Mode::Auto);
        settings.proxy = Some(Proxy { address: proxy.to_string(), credentials: None });
        let (found, seconds) = preflight(&federation, settings).await;
        let [name, tried] = found.lines() else { panic!("{found}") };
        assert_eq!((name.cause, name.outcome, seconds), (Cause::Name, Outcome::Warning, None));
        assert_eq!(tried.outcome, Outcome::Fault);
        assert!(tried.tried.contains(&proxy.to_string()), "{found}");
    });
}

/// A coordinator that lets this client in no more says so in its own words.
#[test]
fn a_refusal_is_the_last_line() {
    let federation = Federation::new();
    run(async {
        let address =
            serve(support::opened("127.0.0.1:0", federation.server(Off(0))), Some("this branch was taken out"));
        for mode in [Mode::Quic, Mode::Tcp] {
            let (found, seconds) = preflight(&federation, way(address, mode)).await;
            let last = found.lines().last().unwrap();
            assert_eq!((last.cause, last.outcome), (Cause::Refused, Outcome::Fault), "{found}");
            assert_eq!((last.seen.as_str(), found.exit_code()), ("this branch was taken out", Cause::Refused as u8));
            assert!(seconds.is_some());
        }
    });
}

/// One way that does not lead there is a warning beside one that does, and a fault alone.
#[test]
fn a_way_that_is_closed_is_a_warning_beside_one_that_works() {
    let federation = Federation::new();
    run(async {
        let settings = ListenSettings {
            listen: "127.0.0.1:0".into(),
            tcp: false,
            path: tributary_transport::Path::default(),
            timers: Timers::default(),
        };
        let address = serve(Listener::open(&settings, federation.server(Off(0))).unwrap(), None);
        let (found, seconds) = preflight(&federation, way(address, Mode::Auto)).await;
        let expected = [
            (Cause::Name, OK),
            (Cause::Udp, OK),
            (Cause::Mtu, OK),
            (Cause::Tcp, Outcome::Warning),
            (Cause::Clock, OK),
            (Cause::Refused, OK),
        ];
        assert_eq!(lines(&found), expected, "{found}");
        assert!(seconds.is_some());
        let (found, seconds) = preflight(&federation, way(address, Mode::Tcp)).await;
        assert_eq!(lines(&found), [(Cause::Name, OK), (Cause::Tcp, Outcome::Fault)], "{found}");
        assert_eq!((seconds, found.exit_code()), (None, Cause::Tcp as u8));
    });
}
