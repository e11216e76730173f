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
