//! What those hear who are not let in, and what the operator hears of them.

use std::cell::Cell;

use tokio::net::TcpStream;
use tributary_certs::counter::{CounterTrust, counter_config};
use tributary_certs::enrolment::{names, read_coordinator};
use tributary_certs::provider::KeyExchange;
use tributary_certs::tls::{TrustRoots, system_clock};
use tributary_protocol::message::RejectCode;
use tributary_transport::Link as Wires;
use tributary_transport::limits::REFUSALS_MAX;

use super::*;

thread_local! {
    static AHEAD: Cell<u64> = const { Cell::new(0) };
}

/// What the machine is told of a member that is turned away.
async fn turned_away(house: &mut House) -> (ClientId, Trouble) {
    let told = tokio::time::timeout(PATIENCE, house.machine.recv()).await.expect("it comes");
    let Some(Arrival::TurnedAway(client, trouble)) = told else { panic!("another word") };
    (client, trouble)
}

/// What a refused peer reads after its welcome.
async fn refusal(greeted: Greeted) -> String {
    let mut link = Wires::new(Timers::default());
    link.attach(greeted, 0).unwrap();
    let told = tokio::time::timeout(PATIENCE, link.read()).await.expect("it comes").unwrap();
    String::from_utf8_lossy(&told).into_owned()
}

/// A member's lists have ended: it hears why, and its operator at the coordinator reads the same.
#[test]
fn a_member_that_is_refused_is_told_of_by_its_name() {
    run(async {
        let mut house = House::open_by(Federation::new(2), 4, || now() + AHEAD.get()).await;
        AHEAD.set(9 * 86_400);
        let tls = house.tls("branch-1");
        let (greeted, welcome) = greet(dialer(house.address), Transport::Tcp, tls, fresh(7)).await.unwrap();
        assert!(!welcome.resumed && welcome.received == 0 && welcome.link != LinkId::default());
        assert!(welcome.unix_seconds.abs_diff(now() + AHEAD.get()) < 60, "by the coordinator's clock");
        let (client, trouble) = turned_away(&mut house).await;
        assert_eq!((client, trouble.code.as_str()), (ClientId(2), "Denied"));
        let said = refusal(greeted).await;
        assert!(trouble.reason.len() > 20 && said.contains(&trouble.reason), "{said}: {trouble:?}");
        AHEAD.set(0);
    });
}

/// A member shows a certificate after its end: nobody is let in, and people hear what to do.
#[test]
fn a_member_whose_certificate_has_ended_is_told_of() {
    run(async {
        let at = now() - 40 * 86_400;
        let mut house = House::open_at(Federation::aged(2, now(), at), 4).await;
        let ended = greet(dialer(house.address), Transport::Tcp, house.tls("branch-0"), fresh(7)).await;
        assert!(ended.is_err());
        let (client, Trouble { code, reason }) = turned_away(&mut house).await;
        assert_eq!((client, code.as_str()), (ClientId(1), "CertificateEnded"));
        assert!(reason.starts_with("its certificate ended on ") && reason.contains("`tributary certs approve`"));
    });
}

/// A member of another release greets in another way.
#[test]
fn a_member_of_another_release_is_told_of() {
    run(async {
        let mut house = House::open(4).await;
        let stream = TcpStream::connect(house.address).await.unwrap();
        let name = std::net::IpAddr::from([127, 0, 0, 1]).into();
        let tls = tokio_rustls::TlsConnector::from(house.tls("branch-1"));
        let mut stream = tls.connect(name, stream).await.unwrap();
        // A greeting of version 9.
        tokio::io::AsyncWriteExt::write_all(&mut stream, &[1, 1, 0, 0, 9]).await.unwrap();
        let (client, Trouble { code, reason }) = turned_away(&mut house).await;
        assert_eq!((client, code.as_str()), (ClientId(2), "OtherRelease"));
        let own = format!("This coordinator runs release {}", env!("CARGO_PKG_VERSION"));
        assert!(reason.contains(&own), "{reason}");
    });
}

/// Many are being told already: whoever comes beside them hears the same in the connection's end, and whoever tries its path comes again later.
#[test]
fn beyond_so_many_refusals_the_reason_is_in_the_connection_s_end() {
    run(async {
        let mut house = House::open(4).await;
        house.federation.enrol("branch-9", now());
        let all = house.door.refusals.acquire_many(u32::try_from(REFUSALS_MAX).unwrap()).await.unwrap();
        assert_eq!(house.door.refusals.available_permits(), 0);
        let trial = || Greeting::trial(Vec::new());
        let ends = async |id: &str, greeting: Greeting| match greet(
            dialer(house.address),
            Transport::Tcp,
            house.tls(id),
            greeting,
        )
        .await
        {
            Err(End::Over(reason)) => reason.to_string(),
            other => panic!("{:?}", other.map(|(_, welcome)| welcome)),
        };
        let stranger = ends("branch-9", fresh(7)).await;
        assert!(stranger.contains("its key is not in this coordinator's roster"), "{stranger}");
        assert_eq!(ends("branch-0", trial()).await, "too many are being told the same; ask again later");
        drop(all);
        let (greeted, _) = greet(dialer(house.address), Transport::Tcp, house.tls("branch-0"), trial()).await.unwrap();
        greeted.close("tried").await;
        assert!(
            house.machine.try_recv().is_err(),
            "of strangers nobody is told by name, and a trial is none of the machine's"
        );
    });
}

/// The session of a client does nothing for a while, and a connection waits to carry it on. Another process asks for the seat, and takes that place.
#[test]
fn beside_the_one_that_is_seated_one_connection_waits() {
    run(async {
        let house = House::open(1).await;
        // The machine takes nothing, so that the session has not begun to read.
        assert!(house.door.inputs.try_send(Arrival::SinkMoved).is_ok());
        let greets = |greeting: Greeting| {
            tokio::spawn(greet(dialer(house.address), Transport::Tcp, house.tls("branch-0"), greeting))
        };
        let standing = || house.door.seats.standing(ClientId(1));
        let first = greets(fresh(7));
        let link = loop {
            match standing() {
                Some((link, _)) => break link,
                None => tokio::task::yield_now().await,
            }
        };
        let second = greets(Greeting { link, ..fresh(7) });
        while standing() != Some((link, true)) {
            tokio::task::yield_now().await;
        }
        let third = greets(fresh(8));
        let ended = tokio::time::timeout(PATIENCE, second).await.expect("it makes room").unwrap();
        assert!(matches!(ended, Err(End::Cut(_))));
        assert_eq!(standing(), Some((link, false)));
        assert!(!first.is_finished() && !third.is_finished());
        first.abort();
        third.abort();
    });
}

/// Whoever asks an office that is not kept here is told so, and nobody else is disturbed.
#[test]
fn where_no_office_is_kept_a_newcomer_is_sent_away() {
    run(async {
        let house = House::open_without_office(Federation::new(1)).await;
        let folder = house.federation.client_folder("branch-0");
        let roots = TrustRoots::read(&folder.join(names::TRUST)).unwrap();
        let pin = read_coordinator(&folder.join(names::COORDINATOR)).unwrap();
        let tls = counter_config(CounterTrust::Roots(roots, None), pin.identity, system_clock(), KeyExchange::DEFAULT)
            .unwrap();
        let mut settings = dialer_over(Mode::Tcp, house.address).settings().clone();
        settings.timers.exchange = Duration::from_millis(600);
        assert!(Dialer::new(settings).exchange(Arc::new(tls), b"nonsense", 1 << 10).await.is_err());
        let names: Vec<_> = house.door.metrics().into_iter().map(|metric| metric.name).collect();
        assert_eq!(names, ["door_made_room_total", "door_turned_away_total", "door_replaced_total"]);
        let (greeted, _) = greet(dialer(house.address), Transport::Tcp, house.tls("branch-0"), fresh(7)).await.unwrap();
        drop(greeted);
    });
}

/// Somebody else has the number with which a client came: its session ends, and it may come again.
#[test]
fn a_client_whose_number_has_changed_is_cut() {
    run(async {
        let mut house = House::open(4).await;
        let tls = house.tls("branch-0");
        let (greeted, _) = greet(dialer(house.address), Transport::Tcp, tls, fresh(7)).await.unwrap();
        let mut link = Wires::new(Timers::default());
        link.attach(greeted, 0).unwrap();
        let Some(Arrival::Connected(ClientId(1), way)) = house.machine.recv().await else { panic!("it has come") };
        let mut entries: Vec<_> = house.federation.members.iter().map(|member| member.entry.clone()).collect();
        (entries[0].client, entries[1].client) = (ClientId(2), ClientId(1));
        entries.reverse();
        let before = tributary_protocol::digest::Digest::of(b"before");
        assert!(house.members.replace(&Roster::new(2, before, entries, vec![], Vec::new()).unwrap()));
        house.door.judge();
        let ended = tokio::time::timeout(PATIENCE, link.read()).await.expect("the cut comes").unwrap_err();
        assert!(ended.to_string().ends_with("its key is client 2's now, and it came as client 1"), "{ended}");
        drop(way);
        let Some(Arrival::Disconnected(ClientId(1), Some(_))) = house.machine.recv().await else {
            panic!("it is gone")
        };
        assert_eq!(moved_to(&house), Some((RejectCode::NotInRoster, ClientId(2))));
    });
}

/// How the door refuses a connection that waited meanwhile, and whose the key is now.
fn moved_to(house: &House) -> Option<(RejectCode, ClientId)> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    let chain = house.federation.client_folder("branch-0").join(names::CHAIN);
    let leaf = CertificateDer::pem_file_iter(chain).unwrap().next().unwrap().unwrap();
    let (client, identity) = house.door.admit(&leaf, &[]).ok()?;
    Some((moved(&identity).code, client))
}
