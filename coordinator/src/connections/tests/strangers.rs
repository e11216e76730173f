//! Without any key: silence, and questions.

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tributary_certs::clock::system_clock;
use tributary_certs::counter::{CounterTrust, counter_config};
use tributary_certs::enrolment::{names, read_coordinator};
use tributary_certs::office::{ANSWER_BYTES_MAX, Answer, begin_renewal, decode_answer, install_renewal};
use tributary_certs::provider::KeyExchange;
use tributary_certs::tls::TrustRoots;
use tributary_transport::limits::HANDSHAKES_MAX;

use super::*;

/// What somebody who asks the office has.
fn newcomer(house: &House) -> Arc<rustls::ClientConfig> {
    let folder = house.federation.client_folder("branch-0");
    let roots = TrustRoots::read(&folder.join(names::TRUST)).unwrap();
    let pin = read_coordinator(&folder.join(names::COORDINATOR)).unwrap();
    let tls = counter_config(CounterTrust::Roots(roots, None), pin.identity, system_clock(), KeyExchange::DEFAULT);
    Arc::new(tls.unwrap())
}

/// A question that no office understands, and that this one answers.
const NONSENSE: &[u8] = b"nonsense";

async fn ask(house: &House, mode: Mode, question: &[u8]) -> Result<Vec<u8>, String> {
    let answer = dialer_over(mode, house.address).exchange(newcomer(house), question, ANSWER_BYTES_MAX).await;
    answer.map_err(|fault| fault.to_string())
}

/// As [`ask`], of somebody who gives up soon.
async fn ask_briefly(house: &House, question: &[u8]) -> Result<Vec<u8>, String> {
    let mut settings = dialer_over(Mode::Quic, house.address).settings().clone();
    settings.timers.exchange = Duration::from_millis(600);
    let answer = Dialer::new(settings).exchange(newcomer(house), question, ANSWER_BYTES_MAX).await;
    answer.map_err(|fault| fault.to_string())
}

fn assert_refused(answer: &[u8]) {
    assert!(matches!(decode_answer(answer), Ok(Answer::Refused(_))));
}

/// Between two attempts of one attacker. Whoever fills the wire itself wins against any program: this is about places.
const PACE: Duration = Duration::from_millis(200);

/// TCP connections that say nothing until they are thrown out, and then come again.
async fn silent(address: SocketAddr) {
    loop {
        if let Ok(mut stream) = TcpStream::connect(address).await {
            let _ = stream.read(&mut [0]).await;
        }
        tokio::time::sleep(PACE).await;
    }
}

/// Whoever goes through TLS, over either transport, and then says nothing until it is thrown out.
async fn mute(address: SocketAddr, tls: Arc<rustls::ClientConfig>, transport: Transport) {
    loop {
        if let Ok(wire) = dialer(address).over(transport, Arc::clone(&tls)).await {
            // Whoever is silent longer than a handshake may take is thrown out whatever it is.
            tokio::time::sleep(tributary_transport::limits::HANDSHAKE_TIME).await;
            drop(wire);
        }
    }
}

#[test]
fn silent_sockets_and_mute_clients_keep_nobody_from_enrolment_and_renewal() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let house = House::open(16).await;
        let mut strangers = JoinSet::new();
        for _ in 0..150 {
            strangers.spawn(silent(house.address));
        }
        // More than the office answers at the same time, on each transport.
        for number in 0..60 {
            let transport = if number % 2 == 0 { Transport::Quic } else { Transport::Tcp };
            strangers.spawn(mute(house.address, newcomer(&house), transport));
        }
        let porches = || [house.door.handshakes.tcp.taken(), house.door.handshakes.quic.taken()];
        // A network in which no member has been fills half of the places, and no more.
        while porches()[0] < HANDSHAKES_MAX / 2 || porches()[1] < 30 {
            tokio::task::yield_now().await;
        }
        for mode in [Mode::Tcp, Mode::Quic, Mode::Auto] {
            assert_refused(&ask(&house, mode, NONSENSE).await.unwrap());
        }
        // A member's renewal, whole.
        let folder = house.federation.client_folder("branch-0");
        let begun = begin_renewal(&folder, ClientId(1)).unwrap();
        let answer = ask(&house, Mode::Tcp, &begun.request).await.unwrap();
        install_renewal(&folder, &answer, now()).unwrap();
        // And a member takes part, at one of its first attempts.
        let mut attempts = 0;
        while greet(dialer(house.address), Transport::Tcp, house.tls("branch-1"), fresh(1)).await.is_err() {
            attempts += 1;
            assert!(attempts < 20);
            tokio::time::sleep(PACE).await;
        }
        let (made_room, _) = house.door.handshakes.tcp.counts();
        assert!(made_room > 0, "the silent ones made room");
    });
}

#[test]
fn questions_of_anybody_leave_members_their_places() {
    run(async {
        let house = Arc::new(House::open(16).await);
        let office = house.door.office.as_ref().unwrap();
        // The folder is slow: nobody has an answer while this is held.
        let slow = office.turn().acquire_owned().await.unwrap();
        let mut asking = JoinSet::new();
        for _ in 0..8 {
            let house = Arc::clone(&house);
            asking.spawn(async move { ask(&house, Mode::Tcp, NONSENSE).await });
        }
        while office.asking().0 < 8 {
            tokio::task::yield_now().await;
        }
        // A ninth finds no place, over as many attempts as it makes, ...
        let crowded = ask_briefly(&house, NONSENSE).await.unwrap_err();
        assert!(office.turned_away() > 0, "{crowded}");
        // ... and a member's signed renewal has one of its own.
        let folder = house.federation.client_folder("branch-0");
        let begun = begin_renewal(&folder, ClientId(1)).unwrap();
        let renewal = {
            let (house, request) = (Arc::clone(&house), begun.request.clone());
            tokio::spawn(async move { ask(&house, Mode::Tcp, &request).await })
        };
        while office.asking().1 == 0 {
            tokio::task::yield_now().await;
        }
        // One renewal of each member: a thief of its key takes no more.
        let again = ask_briefly(&house, &begun.request).await;
        assert!(again.is_err());
        drop(slow);
        install_renewal(&folder, &renewal.await.unwrap().unwrap(), now()).unwrap();
        // Whoever waited is served, unless its patience ended before.
        while let Some(answered) = asking.join_next().await {
            if let Ok(answer) = answered.unwrap() {
                assert_refused(&answer);
            }
        }
    });
}
