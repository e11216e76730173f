//! The commands of an office on a medium that fails once: each says so, and typed again it goes well.

use std::path::Path;

use tributary_storage::faults::{each_sync_fails_once, number, synced};

use super::lists::{demand_revoked_by_root, unsigned_leaves};
use super::*;
use crate::denied::{Denied, DenyOrder};
use crate::enrolment::names;
use crate::issue::Validity;
use crate::keys::TlsKey;
use crate::prepared::{NOW, Prepared, Said, branch, ends_at_its_first_sync, half_switched};
use crate::revocation::issued_by;
use crate::tls::{Credentials, read_certificates};

const DAY: u64 = 86_400;

const LATER: u64 = NOW + 2 * DAY;

fn stolen() -> Denied {
    Denied::Key(Digest::of(b"stolen"))
}

/// An office whose first issuing authority was replaced, and that denies a key.
fn office() -> Prepared {
    let own = Prepared::new();
    deny(&own.ca(), stolen(), RevocationReason::KeyCompromise, NOW).unwrap();
    renew_issuing(&own.ca(), &own.usb(), None, None, NOW + DAY).unwrap();
    own
}

/// Whatever an attempt has left, an office opens it: each list and key that is there reads.
fn each(prepared: &Prepared, command: impl Fn(&Prepared) -> Said) {
    let failed = each_sync_fails_once(
        || prepared.copied(),
        |world| {
            Office::open(&world.ca())?;
            command(world)
        },
    );
    assert!(failed > 0);
}

fn replaced(world: &Prepared) -> CertificateDer<'static> {
    read_certificates(&world.ca().join(format!("issuing-old-{}.pem", NOW + DAY))).unwrap().remove(0)
}

fn request(again: bool) -> TokenRequest<'static> {
    let coordinator_address = "coordinator.example:7443";
    let (organisation, id) = ("north-bank", if again { "branch-1" } else { "branch-2" });
    TokenRequest { organisation, id, coordinator_address, hours: 24, approval: true, again }
}

/// The token of a bundle that somebody has is one that the office knows.
fn is_known(world: &Prepared, bundle: &Path) -> bool {
    let mut tokens = tokens::read_tokens(&world.ca()).unwrap();
    tokens::find(&mut tokens, &Bundle::read(bundle).unwrap().token).is_some()
}

#[test]
fn tokens_are_made_whichever_write_fails() {
    let prepared = Prepared::new();
    each(&prepared, |world| {
        let bundle = world.at("a.bundle");
        make_token(&world.ca(), &request(false), &bundle, NOW)?;
        assert!(is_known(world, &bundle));
        Ok(())
    });
    let terms = BatchTerms { coordinator_address: "coordinator.example:7443", hours: 24, approval: true, again: false };
    // No bundle of an attempt that broke off is left beside one of the next.
    each(&prepared, |world| {
        let list = "organisation,id\nnorth-bank,branch-2\nsouth-bank,branch-3\n";
        let made = make_tokens(&world.ca(), list, &terms, &world.at("bundles"), NOW)?;
        assert!(made.len() == 2 && made.iter().all(|(_, bundle)| is_known(world, bundle)));
        assert_eq!(tokens::read_tokens(&world.ca())?.len(), 2);
        Ok(())
    });
}

/// The second bundle's folder is one that others may change. Whoever has copied the first one enrols nobody with it.
#[test]
fn a_list_that_breaks_off_leaves_neither_a_bundle_nor_a_token() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = Prepared::new();
    let terms =
        BatchTerms { coordinator_address: "coordinator.example:7443", hours: 72, approval: false, again: false };
    let (out, list) = (world.at("bundles"), "organisation,id\nnorth-bank,branch-2\nsouth-bank,branch-3\n");
    make_token(&world.ca(), &request(true), &world.at("again.bundle"), NOW).unwrap();
    std::fs::create_dir_all(out.join("south-bank")).unwrap();
    std::fs::set_permissions(out.join("south-bank"), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(make_tokens(&world.ca(), list, &terms, &out, NOW).is_err());
    assert!(!out.join("north-bank/branch-2.bundle").exists());
    assert_eq!(tokens::read_tokens(&world.ca()).unwrap().len(), 1, "somebody else's");
    assert!(is_known(&world, &world.at("again.bundle")));
}

#[test]
fn a_key_is_denied_and_allowed_whichever_write_fails() {
    let prepared = office();
    let denies = |world: &Prepared, who: &Denied| read_denied(&world.ca()).unwrap().entry(who).is_some();
    each(&prepared, |world| {
        let who = Denied::Identity(branch("branch-9"));
        deny(&world.ca(), who.clone(), RevocationReason::Superseded, LATER)?;
        assert!(denies(world, &who) && denies(world, &stolen()));
        Ok(())
    });
    each(&prepared, |world| {
        allow(&world.ca(), &stolen())?;
        assert!(!denies(world, &stolen()));
        Ok(())
    });
}

#[test]
fn lists_are_made_whichever_write_fails() {
    let prepared = office();
    each(&prepared, |world| Ok(fresh_list(&world.ca(), 7, LATER).map(drop)?));
    each(&prepared, |world| Ok(fresh_root_list(&world.ca(), &world.usb(), 90, LATER).map(drop)?));
    // So late that the office makes one by itself.
    each(&prepared, |world| {
        refresh_list(&world.ca(), NOW + 6 * DAY)?;
        assert_eq!(refresh_list(&world.ca(), NOW + 6 * DAY)?, None);
        Ok(())
    });
}

#[test]
fn a_revocation_is_signed_whichever_write_fails() {
    let prepared = office();
    each(&prepared, |world| {
        let whom = WhomToRevoke::Identity(branch("branch-1"));
        revoke(&world.ca(), &whom, RevocationReason::KeyCompromise, 7, LATER)?;
        let serials: Vec<Vec<u8>> = read_revoked(&world.ca())?.into_iter().map(|revoked| revoked.serial).collect();
        assert!(serials.len() == 1 && unsigned_leaves(&world.ca(), &serials, LATER)?.is_empty());
        assert!(revoked_members(&world.ca())?.contains(&branch("branch-1")));
        assert_eq!(read_denied(&world.ca())?.entries().len(), 3, "the key of before, the identity, its signing key");
        Ok(())
    });
    each(&prepared, |world| {
        let old = replaced(world);
        revoke_issuing(&world.ca(), &old, &world.usb(), RevocationReason::KeyCompromise, LATER)?;
        demand_revoked_by_root(&world.ca(), &old)?;
        Ok(())
    });
}

#[test]
fn a_coordinator_has_a_certificate_of_its_key_whichever_write_of_its_renewal_fails() {
    each(&office(), |world| {
        let centre = world.at("centre");
        let credentials = || Credentials::read(&centre.join(names::CHAIN), &centre.join(names::KEY));
        let before = credentials()?.spki_sha256()?;
        renew_coordinator(&world.ca(), &centre, LATER)?;
        let after = credentials()?.spki_sha256()?;
        assert!(before != after && read_issued(&world.ca())?.iter().any(|line| line.spki_sha256 == after));
        Ok(())
    });
}

fn standing(world: &Prepared) -> CertificateDer<'static> {
    open_authority(&world.ca()).unwrap().certificate().clone()
}

/// How many issuing authorities a root's list names, or shall name.
fn revoked_authorities(world: &Prepared) -> usize {
    let text = std::fs::read_to_string(world.ca().join("revoked-authorities")).unwrap_or_default();
    text.lines().filter(|line| line.starts_with("serial ")).count()
}

/// Wherever it stops, an authority stands under a root that is trusted. The command typed again makes no third one, and the one that was meant is on its
/// root's list alone: the new one has issued since.
#[test]
fn an_issuing_authority_is_replaced_whichever_write_fails() {
    let prepared = office();
    let first = standing(&prepared);
    let roots = read_certificates(&prepared.ca().join(names::TRUST)).unwrap();
    for reason in [Some(RevocationReason::KeyCompromise), None] {
        let typed = std::cell::Cell::new(LATER);
        each(&prepared, |world| {
            let now = typed.replace(typed.get() + 1);
            let (coordinator, between) = (world.at("centre"), standing(world));
            let renewed = renew_issuing(&world.ca(), &world.usb(), reason, Some(&coordinator), now)?;
            let after = open_authority(&world.ca())?;
            // Whoever types it a second later and gets another one made gets one of that second.
            let went_on = after.validity().not_before < Validity::starting(now, DAY).not_before;
            assert_eq!(renewed, Renewed { validity: after.validity(), went_on });
            assert!(after.certificate() != &first && issued_by(after.certificate(), &roots[0]));
            assert!(between == first || after.certificate() == &between, "a third authority");
            assert_eq!(demand_revoked_by_root(&world.ca(), &first).is_ok(), reason.is_some());
            assert_eq!(revoked_authorities(world), usize::from(reason.is_some()));
            // The deny-list is the new authority's, and the coordinator has the lists and a certificate of it.
            let DenyOrder { since, .. } = read_denied(&world.ca())?.order().unwrap();
            assert_eq!(since, after.validity().not_before);
            let lists = |folder: &Path| std::fs::read(folder.join(names::REVOCATIONS)).unwrap();
            assert_eq!(lists(&coordinator), lists(&world.ca()));
            assert!(issued_by(&read_certificates(&coordinator.join(names::CHAIN))?[0], after.certificate()));
            Ok(())
        });
    }
}

/// From its end on the same command means the authority that stands; so does one whose mark a power cut has left away.
#[test]
fn a_renewal_that_has_ended_is_another_one_when_it_is_typed_again() {
    let world = office();
    let renew = |revoke: bool, now| {
        let reason = revoke.then_some(RevocationReason::KeyCompromise);
        renew_issuing(&world.ca(), &world.usb(), reason, None, now)
    };
    renew(true, LATER).unwrap();
    let second = standing(&world);
    assert!(!renew(true, LATER).unwrap().went_on);
    demand_revoked_by_root(&world.ca(), &second).unwrap();
    assert_eq!(revoked_authorities(&world), 2);
    // One that did not end is not taken for another one.
    let damaged = world.ca().join("revoked");
    std::fs::write(&damaged, b"damaged").unwrap();
    assert!(renew(false, LATER).is_err());
    std::fs::remove_file(&damaged).unwrap();
    let refused = renew(true, LATER).unwrap_err().to_string();
    assert!(refused.contains("unfinished-issuing") && refused.contains("without --revoke"), "{refused}");
    assert_eq!(revoked_authorities(&world), 2);
    assert!(renew(false, LATER).unwrap().went_on);
    assert!(!world.ca().join("unfinished-issuing").exists());
}

/// The renewal that was to replace it broke off before the switch: with the mark published nobody would be believed any more.
#[test]
fn a_root_s_list_does_not_name_the_authority_that_stands() {
    let world = office();
    let stands = standing(&world);
    super::lists::mark_revoked(&world.ca(), &stands, RevocationReason::KeyCompromise, LATER).unwrap();
    let roots = std::fs::read(world.ca().join(names::TRUST)).unwrap();
    let told = [
        fresh_root_list(&world.ca(), &world.usb(), 90, LATER).map(drop).unwrap_err(),
        renew_root(&world.ca(), &world.usb(), LATER).map(drop).unwrap_err(),
    ];
    assert!(told.iter().all(|told| told.to_string().contains("certs renew --issuing --revoke")), "{told:?}");
    assert_eq!(std::fs::read(world.ca().join(names::TRUST)).unwrap(), roots);
    assert!(demand_revoked_by_root(&world.ca(), &stands).is_err());
    renew_issuing(&world.ca(), &world.usb(), Some(RevocationReason::KeyCompromise), None, LATER).unwrap();
    demand_revoked_by_root(&world.ca(), &stands).unwrap();
    fresh_root_list(&world.ca(), &world.usb(), 90, LATER).unwrap();
}

/// Branches may have been told of any root that is trusted: none of them is without its key, each is vouched for, and there is no third one.
#[test]
fn a_root_is_renewed_whichever_write_fails() {
    let with_key = |world: &Prepared| {
        let files = std::fs::read_dir(world.usb()).unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("root"));
        let keys: Vec<Vec<u8>> = files.map(|path| TlsKey::read(&path).unwrap().spki()).collect();
        let roots = read_certificates(&world.ca().join(names::TRUST)).unwrap();
        let text = succession::read_text(&world.ca()).unwrap();
        assert_eq!(succession::all_vouched(&roots, |root| *root == roots[0], &text), Some(true));
        assert!(roots.iter().all(|root| keys.iter().any(|key| root.windows(key.len()).any(|part| part == key))));
        roots.len()
    };
    each(&office(), |world| {
        let before = with_key(world);
        let renewed = renew_root(&world.ca(), &world.usb(), LATER)?;
        assert_eq!((with_key(world), renewed.went_on), (2, before == 2));
        Ok(())
    });
}

/// What an earlier try has renamed and could not sync is there for good before anybody is told that it is.
#[test]
fn what_is_there_already_is_synced_before_it_is_told() {
    let world = office();
    let (ca, old) = (world.ca(), replaced(&world));
    let leaf = || Issued::of(&read_certificates(&world.at("centre").join(names::CHAIN)).unwrap()[0]).unwrap();
    let who = Denied::Identity(branch("branch-9"));
    let works: [(&str, &dyn Fn() -> bool); 5] = [
        ("denied", &|| deny(&ca, who.clone(), RevocationReason::Superseded, LATER).unwrap()),
        ("revoked", &|| revoke_issuing(&ca, &old, &world.usb(), RevocationReason::KeyCompromise, LATER).unwrap()),
        ("fresh", &|| refresh_list(&ca, NOW + 6 * DAY).unwrap().is_some()),
        ("recorded", &|| record(&ca, leaf(), NOW).unwrap()),
        ("allowed", &|| allow(&ca, &stolen()).unwrap()),
    ];
    for (what, work) in works {
        work();
        let (new, asked) = synced(None, work);
        assert!(!new && asked.contains(&number(&ca)), "{what}");
    }
    let bundle = world.at("a.bundle");
    make_token(&ca, &request(false), &bundle, LATER).unwrap();
    let begun = begin(&Bundle::read(&bundle).unwrap(), &world.at("branch-2")).unwrap();
    enrol(&world, &begun.request).unwrap();
    let (answered, asked) = synced(None, || enrol(&world, &begun.request));
    assert!(answered.is_ok() && asked.ends_with(&[number(&ca)]));
    // And in a branch's folder: the numbers of the lists that it has seen, and the lists.
    let folder = world.at("branch-1");
    let take = || install_lists(&folder, &Office::open(&ca).unwrap().answer(&lists_request(), LATER), LATER).unwrap();
    let know = || {
        let roots = crate::tls::TrustRoots::read(&folder.join(names::TRUST)).unwrap();
        let known = crate::revocation::KnownNumbers::read(&folder.join(names::REVOCATIONS), &roots).unwrap();
        let mut seen = crate::revocation::Seen::beside(&folder.join(names::TRUST)).unwrap();
        let knows = synced(None, || seen.know(&known));
        knows.0.unwrap();
        let (again, asked) = synced(None, || seen.know(&known));
        assert!(again.is_ok() && asked.is_empty(), "it is there for good by now");
        knows.1
    };
    take();
    know();
    let (new, asked) = synced(None, take);
    assert!(!new && asked == [number(&folder)] && know() == [number(&folder)]);
}

/// What a branch is answered whose keys a person has to approve.
fn enrol(world: &Prepared, request: &[u8]) -> Result<Granted, Box<dyn std::error::Error>> {
    let mut office = Office::open(&world.ca())?;
    let mut answer = decode_answer(&office.answer(request, LATER))?;
    if let Answer::Pending { fingerprint } = &answer {
        approve(&world.ca(), &[Fingerprint::parse(fingerprint).unwrap()], "anna", LATER)?;
        answer = decode_answer(&office.answer(request, LATER))?;
    }
    match answer {
        Answer::Granted(granted) => Ok(*granted),
        other => Err(format!("{other:?}").into()),
    }
}

/// One that starts anew: it renewed before, and its machine of before is revoked with the membership, or by the new one.
#[test]
fn a_member_starts_anew_whichever_write_fails() {
    for revoked in [false, true] {
        let prepared = office();
        let folder = prepared.at("branch-1");
        let begun = begin_renewal(&folder, tributary_protocol::ids::ClientId(1)).unwrap();
        let answer = Office::open(&prepared.ca()).unwrap().answer(&begun.request, LATER);
        install_renewal(&folder, &answer, LATER).unwrap();
        if revoked {
            let whom = WhomToRevoke::Identity(branch("branch-1"));
            revoke(&prepared.ca(), &whom, RevocationReason::KeyCompromise, 7, LATER).unwrap();
        }
        let bundle = prepared.at("again.bundle");
        make_token(&prepared.ca(), &request(true), &bundle, LATER).unwrap();
        let begun = begin(&Bundle::read(&bundle).unwrap(), &prepared.at("anew")).unwrap();
        each(&prepared, |world| {
            assert_eq!(enrol(world, &begun.request)?.client, 1);
            let old: Vec<Vec<u8>> = read_revoked(&world.ca())?.into_iter().map(|revoked| revoked.serial).collect();
            assert!(old.len() == 2 && unsigned_leaves(&world.ca(), &old, LATER)?.is_empty(), "both are revoked");
            assert!(revoked_members(&world.ca())?.is_empty() && read_waiting(&world.ca())?.is_empty());
            assert!(Office::open(&world.ca())?.bindings()?.is_empty(), "a binding of the old signing key");
            let approved = read_grounds(&world.ca())?(&read_members(&world.ca())?[0].entry);
            assert!(approved.is_some_and(|ground| ground.approval.is_some()));
            Ok(())
        });
    }
}

/// Nobody has a certificate that the log lacks.
#[test]
fn an_organisation_s_own_authority_signs_whichever_write_fails() {
    let prepared = Prepared::new();
    let begun = begin_renewal(&prepared.at("branch-1"), tributary_protocol::ids::ClientId(1)).unwrap();
    each(&prepared, |world| {
        let chain = certify(&world.ca(), &begun.request, LATER)?;
        assert!(read_issued(&world.ca())?.contains(&Issued::of(&chain[0])?));
        Ok(())
    });
}

/// Whoever begins another switch on top of one that is not finished for good could lose the key of the first.
#[test]
fn a_switch_that_broke_off_is_finished_before_the_next_one_begins() {
    let world = office();
    let (ca, usb, centre) = (world.ca(), world.usb(), world.at("centre"));
    half_switched(&centre.join(names::CHAIN), || renew_coordinator(&ca, &centre, LATER).map(drop).unwrap());
    ends_at_its_first_sync(|| renew_coordinator(&ca, &centre, LATER));
    half_switched(&ca.join(names::ISSUING), || renew_issuing(&ca, &usb, None, None, LATER).map(drop).unwrap());
    ends_at_its_first_sync(|| renew_issuing(&ca, &usb, None, None, LATER));
    let kept = std::fs::read_dir(&ca).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(kept.filter(|name| name.starts_with("issuing-old-")).count(), 2 * 3, "a key and a certificate of each");
}
