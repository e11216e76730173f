//! Until when a member's entry lets it in.

use std::cell::Cell;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tributary_certs::enrolment::names;
use tributary_certs::identity::{identity_of, spki_sha256_of};
use tributary_protocol::message::RejectCode;

use super::*;

thread_local! {
    static CLOCK: Cell<u64> = const { Cell::new(0) };
}

#[test]
fn an_entry_of_the_roster_counts_up_to_its_last_second() {
    run(async {
        let house = House::open_by(Federation::new(2), 1, || CLOCK.get()).await;
        let chain = house.federation.client_folder("branch-0").join(names::CHAIN);
        let leaf = CertificateDer::pem_file_iter(chain).unwrap().next().unwrap().unwrap();
        let admitted = |at| {
            CLOCK.set(at);
            house.door.admit(&leaf, &[])
        };
        let Ok((client, _)) = admitted(now()) else { panic!("a member") };
        let (identity, key) = (identity_of(&leaf).unwrap(), spki_sha256_of(&leaf).unwrap());
        let Ok(entry) = house.members.admit(&identity, &key, &[]) else { panic!("a member") };
        let last = entry.not_after;
        // Lists of revoked certificates end long before: another reason is given up to that second.
        let ended = |at| admitted(at).is_err_and(|refusal| refusal.code == RejectCode::EntryEnded);
        assert_eq!([last, last + 1].map(ended), [false, true]);
        assert!(admitted(now()).is_ok_and(|(admitted, _)| admitted == client));
    });
}

/// Each refusal has its code, and says what to do.
#[test]
fn whoever_is_not_let_in_is_told_why() {
    run(async {
        let house = House::open_by(Federation::new(2), 1, || CLOCK.get()).await;
        let leaf = |id: &str| {
            let chain = house.federation.client_folder(id).join(names::CHAIN);
            CertificateDer::pem_file_iter(chain).unwrap().next().unwrap().unwrap()
        };
        house.federation.enrol("branch-9", now());
        let refused = |id: &str, at: u64| {
            CLOCK.set(at);
            let refusal = house.door.admit(&leaf(id), &[]).map(|_| ()).unwrap_err();
            (refusal.code, refusal.explanation)
        };
        let (code, why) = refused("branch-9", now());
        assert_eq!(code, RejectCode::NotInRoster);
        assert!(
            why.contains("north-bank/client/branch-9 has a valid certificate, but its key is not in this"),
            "{why}"
        );
        // Its lists have ended, and its entry has not.
        let (code, why) = refused("branch-0", now() + 9 * 86_400);
        assert_eq!(code, RejectCode::Denied, "{why}");
        let (identity, _) = (identity_of(&leaf("branch-0")).unwrap(), ());
        let (here, moved) = (already(&identity), moved(&identity));
        assert_eq!((here.code, moved.code), (RejectCode::AlreadyConnected, RejectCode::NotInRoster));
        assert!(here.explanation.contains("branch-0") && moved.explanation.contains("branch-0"));
    });
}

/// Attempts over both transports are counted together, and questions to the office by themselves.
#[test]
fn the_door_counts_whom_it_kept_out() {
    run(async {
        let house = House::open(1).await;
        let value = |name: &str| house.door.metrics().iter().find(|metric| metric.name == name).map(|one| one.value);
        let all = ["door_made_room_total", "door_turned_away_total", "door_replaced_total", "office_turned_away_total"];
        assert_eq!(all.map(value), [Some(0); 4]);
        let limit = tributary_transport::limits::HANDSHAKES_MAX;
        for (porch, times) in [(&house.door.handshakes.quic, 2), (&house.door.handshakes.tcp, 3)] {
            // Members' own networks fill it. Of those who have said nothing some make room for another network.
            let address = |number: usize| std::net::IpAddr::from([10, 0, 0, u8::try_from(number).unwrap()]);
            let mut places: Vec<_> = (0..limit).map(|number| porch.enter(address(number), true).unwrap()).collect();
            places.extend((0..2 * times).map(|number| porch.enter([192, 0, 2, number].into(), true).unwrap()));
            // Then each has gone a step further: nobody makes room.
            places.iter().for_each(|place| place.mark().waits_for_us());
            (0..times).for_each(|_| assert!(porch.enter(address(0), true).is_none()));
        }
        assert_eq!(all.map(value), [Some(10), Some(5), Some(0), Some(0)]);
    });
}
