//! The coordinator's own certificate renews itself, under its clients.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use support::{Client, Daemon, Federation, now};
use tributary_certs::enrolment::{names, read_coordinator};
use tributary_certs::office::renew_coordinator;
use tributary_certs::tls::{Credentials, read_certificates};
use tributary_coordinator::Event;
use tributary_protocol::message::Downstream;

const DAY: u64 = 86_400;
const CLIENTS: usize = 2;

fn with_office(text: String) -> String {
    text.replace("[plan]\n", "[enrolment]\nauthority = \"authority\"\n[plan]\n")
}

fn leaf(folder: &Path) -> Vec<u8> {
    read_certificates(&folder.join(names::CHAIN)).unwrap()[0].to_vec()
}

/// The certificate that whoever connects now is shown; it is of the identity that this client pins.
fn shown(federation: &Federation, client: &str, address: SocketAddr) -> Vec<u8> {
    let mut tls = rustls::ClientConnection::new(
        federation.tls(&federation.client_folder(client)),
        rustls::pki_types::ServerName::IpAddress(address.ip().into()),
    )
    .unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    while tls.is_handshaking() {
        tls.complete_io(&mut stream).unwrap();
    }
    tls.peer_certificates().unwrap()[0].to_vec()
}

/// Puts other files in the place of those in the coordinator's folder, as a person does.
fn put(from: &Path, federation: &Federation) {
    for name in [names::KEY, names::CHAIN] {
        let draft = federation.path("draft");
        fs::copy(from.join(name), &draft).unwrap();
        fs::rename(&draft, federation.coordinator().join(name)).unwrap();
    }
}

fn keep(federation: &Federation, name: &str) -> std::path::PathBuf {
    let folder = federation.path(name);
    fs::create_dir(&folder).unwrap();
    for file in [names::KEY, names::CHAIN] {
        fs::copy(federation.coordinator().join(file), folder.join(file)).unwrap();
    }
    folder
}

fn renewed(event: &Event) -> Option<u64> {
    match event {
        Event::CertificateRenewed { not_after } => Some(*not_after),
        Event::RenewalFailed { reason, .. } => panic!("{reason}"),
        _ => None,
    }
}

#[test]
fn a_coordinator_past_half_of_its_certificate_renews_it_under_its_clients() {
    // Twenty of thirty days are past.
    let federation = Federation::aged(CLIENTS, now() - 20 * DAY, now());
    let (authority, own) = (federation.path("authority"), federation.coordinator());
    let aged = keep(&federation, "aged");
    renew_coordinator(&authority, &own, now()).unwrap();
    let fresh = leaf(&own);
    let pin = fs::read(federation.client_folder("branch-1").join(names::COORDINATOR)).unwrap();
    let mut daemon = Daemon::start(&federation.settings(with_office));
    let address = daemon.address();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut first = Client::connect(&federation, "branch-0", address, 0).await.unwrap();
        assert!(matches!(first.first_answer().await, Ok(Downstream::Welcome(_))));
        put(&aged, &federation);
        let not_after = daemon.wait_for(renewed);
        assert!(not_after >= now() + 29 * DAY, "a whole life");
        let new = leaf(&own);
        assert!(new != fresh && new != leaf(&aged), "another certificate, for another key");
        Credentials::read(&own.join(names::CHAIN), &own.join(names::KEY)).unwrap();
        // In force with the next look at the files.
        while shown(&federation, "branch-1", address) != new {
            tokio::task::yield_now().await;
        }
        assert!(first.is_alive_for(Duration::from_millis(500)).await, "open connections stay");
        // The branch has pinned identity and signing key, and both are what they were.
        let mut second = Client::connect(&federation, "branch-1", address, 0).await.unwrap();
        let Ok(Downstream::Welcome(welcome)) = second.first_answer().await else { panic!("a welcome") };
        drop(welcome);
        assert_eq!(fs::read(federation.client_folder("branch-1").join(names::COORDINATOR)).unwrap(), pin);
        let pinned = read_coordinator(&federation.client_folder("branch-1").join(names::COORDINATOR)).unwrap();
        let proved = Credentials::read(&own.join(names::CHAIN), &own.join(names::KEY)).unwrap();
        assert_eq!(*proved.identity(), pinned.identity);
        assert!(first.is_alive_for(Duration::from_millis(100)).await);
    });
    daemon.stop();
    let (end, events) = daemon.join();
    end.unwrap();
    assert_eq!(events.iter().filter_map(renewed).count(), 0, "once");
    assert!(!own.join("identity.next.key").exists() && !own.join("identity.next.pem").exists());
}

#[cfg(unix)]
#[test]
fn a_renewal_that_fails_is_told_and_tried_again_and_the_old_pair_serves() {
    use std::os::unix::fs::PermissionsExt as _;
    let federation = Federation::aged(CLIENTS, now() - 20 * DAY, now());
    let own = federation.coordinator();
    let before = leaf(&own);
    // A key that others may have read is used by nobody.
    let next = own.join("identity.next.key");
    fs::copy(own.join(names::KEY), &next).unwrap();
    fs::set_permissions(&next, fs::Permissions::from_mode(0o644)).unwrap();
    let mut daemon = Daemon::start(&federation.settings(with_office));
    let address = daemon.address();
    let failed = daemon.wait_for(|event| match event {
        Event::RenewalFailed { reason, retry_seconds } => Some((reason.clone(), *retry_seconds)),
        _ => None,
    });
    assert!(failed.0.contains("identity.next.key") && failed.1 == 60, "{failed:?}");
    assert_eq!(shown(&federation, "branch-0", address), before);
    // The count itself follows within seconds.
    let metrics = fs::read_to_string(federation.path("state/metrics.prom")).unwrap();
    for name in ["certificate_renewal_failures_total", "certificate_renewal_due_seconds"] {
        assert!(metrics.contains(&format!("\ntributary_{name} ")), "{metrics}");
    }
    daemon.stop();
    daemon.join().0.unwrap();
    assert_eq!(leaf(&own), before);
}

#[test]
fn a_renewal_that_a_crash_stopped_is_gone_through_with_and_an_ended_certificate_is_renewed() {
    for (days, crashed) in [(20, true), (40, false)] {
        let federation = Federation::aged(CLIENTS, now() - days * DAY, now());
        let own = federation.coordinator();
        let aged = keep(&federation, "aged");
        if crashed {
            renew_coordinator(&federation.path("authority"), &own, now()).unwrap();
            // As after the first rename: the new key, and the old chain with the new one beside it.
            fs::rename(own.join(names::CHAIN), own.join("identity.next.pem")).unwrap();
            fs::copy(aged.join(names::CHAIN), own.join(names::CHAIN)).unwrap();
        }
        let mut daemon = Daemon::start(&federation.settings(with_office));
        let address = daemon.address();
        let new = leaf(&own);
        assert!(new != leaf(&aged));
        assert_eq!(shown(&federation, "branch-0", address), new);
        daemon.stop();
        let (end, events) = daemon.join();
        end.unwrap();
        assert_eq!(events.iter().filter_map(renewed).count(), 0, "before anybody came");
        assert!(!own.join("identity.next.pem").exists());
    }
    // Without the office, or told not to, nothing renews it.
    let without: [fn(String) -> String; 2] =
        [|text| text, |text| with_office(text).replace("[identity]\n", "[identity]\nrenew = false\n")];
    for change in without {
        let federation = Federation::aged(CLIENTS, now() - 40 * DAY, now());
        let before = leaf(&federation.coordinator());
        let (end, _) = Daemon::start(&federation.settings(change)).join();
        assert!(end.unwrap_err().to_string().contains("expired 10 days ago"));
        assert_eq!(leaf(&federation.coordinator()), before);
    }
}
