//! The commands of an office on a medium that fails once: each says so, and typed again it goes well.

use std::path::Path;

use tributary_storage::faults::each_sync_fails_once;

use super::lists::{demand_revoked_by_root, unsigned_leaves};
use super::*;
use crate::denied::{Denied, DenyOrder};
use crate::enrolment::names;
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

/// Wherever it stops, an authority stands under a root that is trusted, and the one that was replaced is kept and revoked in the end.
#[test]
fn an_issuing_authority_is_replaced_whichever_write_fails() {
    each(&office(), |world| {
        let before = open_authority(&world.ca())?.certificate().clone();
        let roots = read_certificates(&world.ca().join(names::TRUST))?;
        let (coordinator, reason) = (world.at("centre"), Some(RevocationReason::KeyCompromise));
        renew_issuing(&world.ca(), &world.usb(), reason, Some(&coordinator), LATER)?;
        let after = open_authority(&world.ca())?;
        assert!(after.certificate() != &before && issued_by(after.certificate(), &roots[0]));
        demand_revoked_by_root(&world.ca(), &before)?;
        // The deny-list is the new authority's.
        let DenyOrder { since, .. } = read_denied(&world.ca())?.order().unwrap();
        assert_eq!(since, after.validity().not_before);
        Ok(())
    });
}

/// Branches may have been told of any root that is trusted: none of them is without its key, and each is vouched for.
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
        renew_root(&world.ca(), &world.usb(), LATER)?;
        assert!(with_key(world) >= before.max(2));
        Ok(())
    });
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
