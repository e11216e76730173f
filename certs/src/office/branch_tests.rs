use tributary_storage::faults::each_sync_fails_once;

use super::*;
use crate::office::{Office, TokenRequest, fresh_list, make_token, renew_root};
use crate::prepared::{NOW, Prepared, Said, ends_at_its_first_sync, half_switched};
use crate::tls::Credentials;

const DAY: u64 = 86_400;

/// A bundle for a branch that is no member yet.
fn bundle(prepared: &Prepared, id: &str) -> Bundle {
    let path = prepared.at(&format!("{id}.bundle"));
    let coordinator_address = "coordinator.example:7443";
    let (organisation, hours) = ("north-bank", 24);
    let request = TokenRequest { organisation, id, coordinator_address, hours, approval: false, again: false };
    make_token(&prepared.ca(), &request, &path, NOW).unwrap();
    Bundle::read(&path).unwrap()
}

fn answer(world: &Prepared, request: &[u8], now: u64) -> Result<Vec<u8>, EnrolmentError> {
    Ok(Office::open(&world.ca())?.answer(request, now))
}

/// The pair of a branch's folder, which every connection needs.
fn pair(folder: &Path) -> Result<Digest, Box<dyn std::error::Error>> {
    Ok(Credentials::read(&folder.join(names::CHAIN), &folder.join(names::KEY))?.spki_sha256()?)
}

fn each(prepared: &Prepared, work: impl Fn(&Prepared) -> Said) {
    assert!(each_sync_fails_once(|| prepared.copied(), work) > 0);
}

/// From the bundle to the certificate, over both sides: whoever types it again goes on with the keys that the office was told of.
#[test]
fn a_branch_is_enrolled_whichever_write_fails() {
    let prepared = Prepared::new();
    let bundle = bundle(&prepared, "branch-2");
    each(&prepared, |world| {
        let out = world.at("branch-2");
        let begun = begin(&bundle, &out)?;
        let installed = install(&answer(world, &begun.request, NOW)?, &out, NOW)?;
        assert_eq!(installed, Installed { identity: bundle.identity.clone(), client: ClientId(2) });
        let member = crate::enrolment::read_members(&world.ca())?.remove(1);
        assert_eq!(pair(&out)?, member.entry.tls_spki_sha256);
        assert_eq!(read_signing_key(&out.join(names::SIGNING_KEY))?.verifying_key(), member.entry.signing_key);
        Seen::beside(&out.join(names::TRUST))?;
        assert!(!out.join(BUNDLE).exists());
        Ok(())
    });
}

/// The bundle's copy is removed at last: one that is left is of the same branch, or the folder is another one's.
#[test]
fn an_enrolment_goes_on_for_the_branch_that_it_was_begun_for() {
    let prepared = Prepared::new();
    let [own, other] = ["branch-2", "branch-3"].map(|id| bundle(&prepared, id));
    let out = prepared.at("branch-2");
    let begun = begin(&own, &out).unwrap();
    install(&answer(&prepared, &begun.request, NOW).unwrap(), &out, NOW).unwrap();
    let stands = |bundle: &Bundle| matches!(begin(bundle, &out), Err(EnrolmentError::File(FileError::Exists { .. })));
    assert!(stands(&own) && stands(&other));
    own.write(&out.join(BUNDLE), Existing::Keep).unwrap();
    assert!(stands(&other));
    assert_eq!(begin(&own, &out).unwrap().fingerprint, begun.fingerprint);
}

/// The removal of the copy may not have outlived a power cut. What the folder believes stays, whoever gives a bundle for the same branch.
#[test]
fn an_enrolled_branch_is_not_taken_over_by_the_bundle_of_another_federation() {
    let prepared = Prepared::new();
    let (own, out) = (bundle(&prepared, "branch-2"), prepared.at("branch-2"));
    let begun = begin(&own, &out).unwrap();
    let installs = || install(&answer(&prepared, &begun.request, NOW).unwrap(), &out, NOW);
    let (done, asked) = tributary_storage::faults::synced(None, installs);
    assert!(done.is_ok() && asked.ends_with(&[tributary_storage::faults::number(&out)]));
    own.write(&out.join(BUNDLE), Existing::Keep).unwrap();
    let foreign = bundle(&Prepared::new(), "branch-2");
    assert!(matches!(begin(&foreign, &out), Err(EnrolmentError::File(FileError::Exists { .. }))));
    assert!(Bundle::read(&out.join(BUNDLE)).unwrap().same_federation(&own), "nor is the copy another one");
    // Each of what is believed counts. Another token of the same office is one more try.
    let again = || Bundle::read(&out.join(BUNDLE)).unwrap();
    let root_sha256 = foreign.root_sha256;
    let coordinator = foreign.coordinator.clone();
    let others = [
        Bundle { root_sha256, ..again() },
        Bundle { coordinator, ..again() },
        Bundle { authorities: foreign.authorities, ..again() },
    ];
    assert!(others.iter().all(|other| begin(other, &out).is_err()));
    begin(&Bundle { token: foreign.token, ..again() }, &out).unwrap();
    assert_eq!(installs().unwrap().client, ClientId(2));
}

/// The answer brings a new root and newer lists. Wherever it stops, the branch has a pair that fits.
#[test]
fn a_branch_renews_whichever_write_fails() {
    let prepared = Prepared::new();
    renew_root(&prepared.ca(), &prepared.usb(), NOW + DAY).unwrap();
    let now = NOW + 2 * DAY;
    each(&prepared, |world| {
        let folder = world.at("branch-1");
        pair(&folder)?;
        let begun = begin_renewal(&folder, ClientId(1))?;
        install_renewal(&folder, &answer(world, &begun.request, now)?, now)?;
        let bound = current_binding(&folder)?.ok_or("no binding")?;
        assert_eq!(pair(&folder)?, bound.binding.tls_spki_sha256);
        assert_eq!(Office::open(&world.ca())?.bindings()?, [bound]);
        assert_eq!(trust_files(&folder)?, trust_files(&world.ca())?);
        Ok(())
    });
}

#[test]
fn a_branch_takes_lists_whichever_write_fails() {
    let prepared = Prepared::new();
    fresh_list(&prepared.ca(), 7, NOW + DAY).unwrap();
    each(&prepared, |world| {
        let folder = world.at("branch-1");
        let text = answer(world, &lists_request(), NOW + DAY)?;
        install_lists(&folder, &text, NOW + DAY)?;
        assert!(!install_lists(&folder, &text, NOW + DAY)?, "they are there");
        Ok(())
    });
}

#[test]
fn a_renewal_that_broke_off_is_finished_before_the_next_one_begins() {
    let world = Prepared::new();
    let (folder, now) = (world.at("branch-1"), NOW + DAY);
    half_switched(&folder.join(names::CHAIN), || {
        let begun = begin_renewal(&folder, ClientId(1)).unwrap();
        install_renewal(&folder, &answer(&world, &begun.request, now).unwrap(), now).unwrap();
    });
    let renewed = pair(&folder).unwrap();
    ends_at_its_first_sync(|| begin_renewal(&folder, ClientId(1)));
    assert_eq!(pair(&folder).unwrap(), renewed);
    assert!(!folder.join("identity.next.pem").exists());
}
