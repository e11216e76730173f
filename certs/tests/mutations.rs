//! Files of the authority and of the branches, office messages, and signed things under mutations. One test, alone in its process, because the
//! allocator counts for the whole process.
//!
//! `MUTATIONS=1000000 cargo test --release -p tributary-certs --test mutations -- --nocapture`

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[path = "../../protocol/fuzz/targets/arbitrary.rs"]
mod arbitrary;
#[path = "../../protocol/fuzz/targets/campaign.rs"]
mod campaign;
#[path = "../../protocol/fuzz/targets/mutate.rs"]
mod mutate;
mod support;

use std::path::{Path, PathBuf};

use arbitrary::{value, variants};
use campaign::{Tally, campaign, cases_of_each};
use peak_alloc::PeakAlloc;
use serde::Serialize;
use serde::de::DeserializeOwned;
use support::NOW;
use support::folders::{Folders, in_force};
use tributary_certs::binding::{KeyBinding, SignedBinding};
use tributary_certs::budget::BudgetMark;
use tributary_certs::ceremony::{Proposal, sign_roster_with};
use tributary_certs::denied::{Denied, DenyList};
use tributary_certs::enrolment::{names, read_coordinator, read_groups, read_members, set_group};
use tributary_certs::identity::Identity;
use tributary_certs::inspect::inspect;
use tributary_certs::keys::{TlsKey, read_signing_key, read_verifying_key, write_verifying_key};
use tributary_certs::office::{
    Bundle, RevocationReason, WhomToRevoke, begin_renewal, decode_answer, decode_request, deny, encode_answer,
    encode_request, read_issued, read_revoked, renewal_signer, revoke,
};
use tributary_certs::people::{
    Giver, PERSON_REQUEST, PersonRequest, RoleGiven, change_key, give_role, make_next_key, make_person, read_people,
};
use tributary_certs::policy::{sign_policy, signature_path, verify_policy};
use tributary_certs::revocation::Seen;
use tributary_certs::roster::{RosterAuthorities, parse_roster, print_roster, read_unverified_roster};
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_certs::tls::{TrustRoots, read_certificates};
use tributary_protocol::budget::{BudgetHead, FirstUse, OwnerChange};
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::limits::CONTROL_MESSAGE_BYTES_MAX;
use tributary_protocol::message::{DealStatement, Encapsulation, KeysStatement, MaskedHeader, Offer, SignedBody};
use tributary_protocol::role::Role;
use tributary_protocol::roster::{Scope, StaffNumber};
use tributary_protocol::secagg::suite::{Signature, Suite as _, VerifyingKey};
use tributary_storage::files::Existing;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What a file's parser allocates at most: certificates are parsed into trees of names, and buffers grow by doubling.
const fn text_bytes_max(bytes: usize) -> usize {
    (1 << 20) + 64 * bytes
}

#[test]
fn no_mutation_panics_or_is_believed_or_allocates_beyond_its_limit() {
    let federation = Federation::new();
    let files = federation.files();
    let each = cases_of_each(files.len() as u64 + 12);
    for file in files {
        file.mutated(each).told(file.name);
    }
    federation.rosters(each).told("roster, signed");
    federation.requests(each).told("office's requests");
    federation.answers(each).told("office's answers");
    bindings(each).told("key binding");
    signed::<BudgetHead>(each, |head| &mut head.signature).told("budget head");
    signed::<FirstUse>(each, |first| &mut first.signature).told("first use of a budget");
    signed::<OwnerChange>(each, |change| &mut change.signature).told("change of owner");
    signed::<Offer>(each, |offer| &mut offer.signature).told("offer");
    signed::<KeysStatement>(each, |keys| &mut keys.signature).told("keys");
    signed::<Encapsulation>(each, |secret| &mut secret.signature).told("encapsulation");
    signed::<DealStatement>(each, |deal| &mut deal.signature).told("deal");
    headers(each).told("header of an upload");
}

/// Reads a file, see [`File`].
type Reader<'a> = Box<dyn Fn(&Path) -> Option<Option<Vec<u8>>> + 'a>;

fn list<'a>(name: &'static str, path: PathBuf, read: Reader<'a>) -> File<'a> {
    File { name, path, read }
}

/// A file that is mutated where it lies.
struct File<'a> {
    name: &'static str,
    path: PathBuf,
    /// Whether it is read at all; asserts what follows. What it prints again, where there is a printer.
    read: Reader<'a>,
}

impl File<'_> {
    fn mutated(&self, cases: u64) -> Tally {
        let valid = std::fs::read(&self.path).unwrap();
        assert!((self.read)(&self.path).is_some(), "{} as it is", self.name);
        let tally = campaign(cases, std::slice::from_ref(&valid), text_bytes_max, |bytes, _| {
            std::fs::write(&self.path, bytes).unwrap();
            match (self.read)(&self.path) {
                None => false,
                Some(None) => true,
                Some(Some(printed)) => {
                    assert!(printed == bytes, "{}: a second form of one text was accepted: {bytes:02x?}", self.name);
                    true
                }
            }
        });
        std::fs::write(&self.path, valid).unwrap();
        tally
    }
}

struct Federation {
    folders: Folders,
    /// Where readers print again.
    again: PathBuf,
    owner: SigningKey,
}

impl Federation {
    fn new() -> Self {
        let folders = Folders::new();
        let (ca, at) = (folders.ca(), |name: &str| folders.at(name));
        let person = make_person(&at("person"), &StaffNumber::parse("north-bank/e1").unwrap(), NOW).unwrap();
        let role = Role::BranchOwner;
        let given = RoleGiven { role, scope: Scope::Branches(vec![ClientId(1)]), from: NOW, until: NOW + 9 };
        give_role(&ca, &person, &given).unwrap();
        let (role, scope) = (Role::PrivacyOfficer, Scope::Federation);
        give_role(&ca, &person, &RoleGiven { role, scope, ..given }).unwrap();
        let next = make_next_key(&at("next"), &person, NOW).unwrap();
        change_key(&ca, next.request(), false, &Giver { by: "dora".to_owned(), at: NOW }).unwrap();
        sign_roster_with(&ca, &folders.usb()).unwrap();
        let last = make_person(&at("last"), person.staff(), NOW).unwrap();
        change_key(&ca, last.request(), true, &Giver { by: "dora".to_owned(), at: NOW }).unwrap();
        set_group(&ca, "pilot", &[ClientId(1)]).unwrap();
        let gone = Identity::parse("spiffe://federation.example/north-bank/client/gone").unwrap();
        deny(&ca, Denied::Identity(gone), RevocationReason::KeyCompromise, NOW).unwrap();
        let serial = read_issued(&ca).unwrap().remove(0).serial;
        revoke(&ca, &WhomToRevoke::Serial(serial), RevocationReason::Superseded, 7, NOW).unwrap();
        let _ = folders.token("branch-2", false, NOW);
        let owner = SigningKey::from_seed(&[9; 32]);
        let policy = "epsilon_life = 1\n";
        std::fs::write(at("policy.toml"), policy).unwrap();
        sign_policy(&at("policy.toml"), policy, &owner).unwrap();
        let changes = vec![tributary_certs::budget::sign_owner_change(&owner, Digest([1; 32]), owner.verifying_key())];
        let mark = BudgetMark { population: Digest([1; 32]), salt: [2; 32], owner: owner.verifying_key(), changes };
        mark.write(&at("branch-1")).unwrap();
        folders.branch_lists().unwrap();
        let again = at("again");
        std::fs::write(&again, b"").unwrap();
        Self { folders, again, owner }
    }

    /// What a file's value is written as.
    fn printed<F>(&self, write: impl FnOnce(&Path) -> Result<(), F>) -> Option<Vec<u8>> {
        write(&self.again).ok()?;
        std::fs::read(&self.again).ok()
    }

    fn files(&self) -> Vec<File<'_>> {
        let (ca, branch) = (self.folders.ca(), self.folders.at("branch-1"));
        let in_ca = |name: &str| ca.join(name);
        let key = self.owner.verifying_key();
        let policy = self.folders.at("policy.toml");
        let signed = policy.clone();
        let lists = in_force(&branch).unwrap();
        let denied = DenyList::read(
            &in_ca("denied"),
            &lists,
            &Seen::beside(&self.folders.at("nowhere").join("x")).unwrap(),
            NOW,
        )
        .unwrap();
        let folder = ca.clone();
        let (groups, people, issued, revoked) = (ca.clone(), ca.clone(), ca.clone(), ca.clone());
        let request = PersonRequest::read(&self.folders.at("next").join(PERSON_REQUEST)).unwrap();
        let nowhere = self.folders.at("nowhere").join("x");
        vec![
            list(
                "roster",
                in_ca(names::ROSTER),
                Box::new(|path| Some(Some(print_roster(&read_unverified_roster(path).ok()?).into_bytes()))),
            ),
            list(
                "roster authorities",
                in_ca(names::AUTHORITIES),
                Box::new(|path| {
                    let list = RosterAuthorities::read(path).ok()?;
                    Some(self.printed(|path| list.write(path)))
                }),
            ),
            list("members", in_ca("members"), Box::new(move |_| read_members(&folder).ok().map(|_| None))),
            list("groups", in_ca("groups"), Box::new(move |_| read_groups(&groups).ok().map(|_| None))),
            list("people", in_ca(names::PEOPLE), Box::new(move |_| read_people(&people).ok().map(|_| None))),
            list(
                "person's request",
                self.folders.at("next").join(PERSON_REQUEST),
                Box::new(move |path| {
                    let found = PersonRequest::read(path).ok()?;
                    // The old key's word is judged where the old key is known.
                    let proved = PersonRequest { after: request.after.clone(), ..found.clone() };
                    assert!(proved == request, "a changed request was believed");
                    Some(self.printed(|path| found.write(path)))
                }),
            ),
            list("issued", in_ca("issued"), Box::new(move |_| read_issued(&issued).ok().map(|_| None))),
            list("revoked", in_ca("revoked"), Box::new(move |_| read_revoked(&revoked).ok().map(|_| None))),
            list(
                "coordinator",
                in_ca(names::COORDINATOR),
                Box::new(|path| {
                    let pin = read_coordinator(path).ok()?;
                    Some(self.printed(|path| pin.write(path)))
                }),
            ),
            list(
                "signing.pub",
                branch.join(names::SIGNING_PUBLIC),
                Box::new(|path| {
                    let key = read_verifying_key(path).ok()?;
                    Some(self.printed(|path| write_verifying_key(&key, path)))
                }),
            ),
            list(
                "signing.key",
                branch.join(names::SIGNING_KEY),
                Box::new(|path| read_signing_key(path).ok().map(|_| None)),
            ),
            list("identity.key", branch.join(names::KEY), Box::new(|path| TlsKey::read(path).ok().map(|_| None))),
            list(
                "identity.pem",
                branch.join(names::CHAIN),
                Box::new(|path| {
                    let _ = inspect(path, None, NOW);
                    read_certificates(path).ok().map(|_| None)
                }),
            ),
            list("trust.pem", branch.join(names::TRUST), Box::new(|path| TrustRoots::read(path).ok().map(|_| None))),
            list(
                "budget mark",
                branch.join("budget"),
                Box::new(|path| {
                    let mark = BudgetMark::read(path.parent().unwrap()).ok()??;
                    let own = std::fs::read(path).unwrap();
                    mark.write(path.parent().unwrap()).unwrap();
                    let printed = std::fs::read(path).unwrap();
                    assert_eq!(printed.len(), own.len());
                    Some(Some(printed))
                }),
            ),
            list(
                "enrolment bundle",
                self.folders.bundle("branch-2", false, NOW),
                Box::new(|path| {
                    let bundle = Bundle::read(path).ok()?;
                    Some(self.printed(|path| bundle.write(path, Existing::Replace)))
                }),
            ),
            list(
                "deny-list",
                in_ca("denied"),
                Box::new(move |path| {
                    let seen = Seen::beside(&nowhere).unwrap();
                    let found = DenyList::read(path, &lists, &seen, NOW).ok()?;
                    assert!(found.entries() == denied.entries(), "a changed deny-list was believed");
                    Some(None)
                }),
            ),
            list(
                "revocation lists",
                branch.join(names::REVOCATIONS),
                Box::new(move |path| in_force(path.parent().unwrap()).ok().map(|_| None)),
            ),
            list(
                "policy",
                policy.clone(),
                Box::new({
                    let key = key.clone();
                    move |path| {
                        let text = verify_policy(path, &key).ok()?;
                        assert!(text == "epsilon_life = 1\n", "a changed policy was believed");
                        Some(None)
                    }
                }),
            ),
            list(
                "policy's signature",
                signature_path(&policy),
                Box::new(move |_| verify_policy(&signed, &key).ok().map(|_| None)),
            ),
        ]
    }

    /// A roster that verifies says what was signed.
    fn rosters(&self, cases: u64) -> Tally {
        let authorities = RosterAuthorities::read(&self.folders.ca().join(names::AUTHORITIES)).unwrap();
        let text = std::fs::read(self.folders.ca().join(names::ROSTER)).unwrap();
        let own = parse_roster(std::str::from_utf8(&text).unwrap()).unwrap();
        authorities.verify(&own).unwrap();
        campaign(cases, &[text], text_bytes_max, |bytes, _| {
            let Ok(text) = std::str::from_utf8(bytes) else { return false };
            let _ = Proposal::parse(text);
            let Ok(signed) = parse_roster(text) else { return false };
            assert!(
                authorities.verify(&signed).is_err() || signed.roster == own.roster,
                "a changed roster was believed"
            );
            true
        })
    }

    /// What decodes is decoded again from its own encoding, and no changed renewal is its member's.
    fn requests(&self, cases: u64) -> Tally {
        let branch = self.folders.at("branch-1");
        let request = begin_renewal(&branch, ClientId(1)).unwrap().request;
        let key = read_verifying_key(&branch.join(names::SIGNING_PUBLIC)).unwrap();
        let of = |bytes: &[u8]| renewal_signer(bytes, |client| (client == ClientId(1)).then(|| key.clone()));
        assert_eq!(of(&request), Some(ClientId(1)));
        let own = decode_request(&request).unwrap();
        campaign(cases, &[request], text_bytes_max, |bytes, _| {
            let Ok(found) = decode_request(bytes) else { return false };
            assert!(decode_request(&encode_request(&found)).unwrap() == found);
            assert!(of(bytes).is_none() || found == own, "a changed request was believed");
            true
        })
    }

    fn answers(&self, cases: u64) -> Tally {
        let request = begin_renewal(&self.folders.at("branch-1"), ClientId(1)).unwrap().request;
        let granted = self.folders.office().answer(&request, NOW);
        let refused = self.folders.office().answer(b"{}", NOW);
        let lists = self.folders.office().answer(&encode_request(&tributary_certs::office::Request::Lists), NOW);
        campaign(cases, &[granted, refused, lists], text_bytes_max, |bytes, _| {
            let Ok(found) = decode_answer(bytes) else { return false };
            assert!(decode_answer(&encode_answer(&found)).unwrap() == found);
            true
        })
    }
}

fn bindings(cases: u64) -> Tally {
    let key = SigningKey::from_seed(&[3; 32]);
    let signed = KeyBinding { client: ClientId(3), tls_spki_sha256: Digest([5; 32]), sequence: 7 }.sign(&key);
    let own = key.verifying_key();
    campaign(
        cases,
        &[signed.encode()],
        |bytes| 4096 + 16 * bytes,
        |bytes, _| {
            let Some(found) = SignedBinding::decode(bytes) else { return false };
            assert!(found.encode() == bytes, "a second encoding of a binding was accepted");
            assert!(!found.verify(&own), "a changed binding was believed");
            true
        },
    )
}

/// Values of a signed type, each signed; whatever else decodes is refused by the verification. So every field is under the signature.
fn signed<T: SignedBody + Serialize + DeserializeOwned + PartialEq>(
    cases: u64,
    signature: impl Fn(&mut T) -> &mut Signature,
) -> Tally {
    let key = SigningKey::from_seed(&[4; 32]);
    let own = key.verifying_key();
    assert_eq!(variants::<T>(), 1, "one form");
    let make = |seed| {
        let mut made: T = value(seed, None);
        let made_of = RealSuite::sign(&key, &made.to_sign::<RealSuite>());
        *signature(&mut made) = made_of;
        assert!(verified(&mut made, &own, &signature));
        codec::encode(&made)
    };
    let valid: Vec<Vec<u8>> = (0..6).map(make).collect();
    campaign(
        cases,
        &valid,
        |bytes| (3 << 20) + 4096 + 16 * bytes,
        |bytes, _| {
            let Ok(mut found) = codec::decode::<T>(bytes, CONTROL_MESSAGE_BYTES_MAX) else { return false };
            assert!(codec::encode(&found) == bytes, "a second encoding of one value was accepted");
            assert!(!verified(&mut found, &own, &signature), "{}: a changed body was believed: {bytes:02x?}", T::KIND);
            true
        },
    )
}

fn verified<T: SignedBody>(body: &mut T, key: &VerifyingKey, signature: impl Fn(&mut T) -> &mut Signature) -> bool {
    let message = body.to_sign::<RealSuite>();
    RealSuite::verify(key, &message, signature(body))
}

/// A header covers the body of its head; the head's own signature is under itself alone.
fn headers(cases: u64) -> Tally {
    let key = SigningKey::from_seed(&[4; 32]);
    let own = key.verifying_key();
    let make = |seed| {
        let mut made: MaskedHeader = value(seed, None);
        made.head.signature = RealSuite::sign(&key, &made.head.to_sign::<RealSuite>());
        made.signature = RealSuite::sign(&key, &made.to_sign::<RealSuite>());
        codec::encode(&made)
    };
    let valid: Vec<Vec<u8>> = (0..6).map(make).collect();
    campaign(
        cases,
        &valid,
        |bytes| (3 << 20) + 4096 + 16 * bytes,
        |bytes, _| {
            let Ok(found) = codec::decode::<MaskedHeader>(bytes, CONTROL_MESSAGE_BYTES_MAX) else { return false };
            assert!(codec::encode(&found) == bytes, "a second encoding of one header was accepted");
            let header = RealSuite::verify(&own, &found.to_sign::<RealSuite>(), &found.signature);
            let head = RealSuite::verify(&own, &found.head.to_sign::<RealSuite>(), &found.head.signature);
            assert!(!(header && head), "a changed header was believed: {bytes:02x?}");
            true
        },
    )
}
