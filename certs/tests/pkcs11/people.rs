//! People's signing keys in a token.

use std::fs;
use std::path::{Path, PathBuf};

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectClass};
use tributary_certs::ceremony::sign_roster;
use tributary_certs::enrolment::{init_authority, issue_client, names};
use tributary_certs::identity::TrustDomain;
use tributary_certs::people::{
    Giver, KeptIn, PERSON_KEY, PERSON_REQUEST, PERSON_TOKEN, PeopleError, PersonRequest, RoleGiven, SigningPerson,
    change_key, grant, make_key, make_person,
};
use tributary_certs::pkcs11::TokenKey;
use tributary_certs::roster::RosterAuthorities;
use tributary_certs::suite::RealSuite;
use tributary_certs::token::{TokenError, TokenSettings};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Attestation, AttestationFault, Over, Wanted};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::{Scope, SignedRoster, StaffNumber};
use tributary_protocol::secagg::suite::Suite as _;
use tributary_protocol::signed::SignedBody as _;
use tributary_storage::files::{Existing, FileError, write_private};

use super::softhsm::PIN;
use super::support::NOW;
use super::workplace::{ED25519, KEY, P256, TOKEN, Workplace, with_token};

fn anna() -> StaffNumber {
    StaffNumber::parse("north-bank/e1").unwrap()
}

/// Makes a person's folder with a key of this label in the token.
fn make(place: &Workplace, folder: &str, label: &str) -> Result<SigningPerson, PeopleError> {
    make_at(&place.folder.join(folder), &place.settings(label))
}

fn make_at(folder: &Path, settings: &TokenSettings) -> Result<SigningPerson, PeopleError> {
    make_key(folder, KeptIn::Token(settings), &anna(), None, NOW)
}

fn freeze(person: &SigningPerson) -> Result<Attestation, TokenError> {
    let (subject, federation) = (Digest([1; 32]), Digest([2; 32]));
    person.attest(Action::Freeze, subject, federation, Role::PrivacyOfficer, NOW).map_err(|unsigned| {
        let said = unsigned.to_string();
        assert!(said.starts_with("nothing was signed: ") && !said.contains(PIN), "{said}");
        // The reason, out of what is shared with it.
        match unsigned.reason() {
            TokenError::PinWrong { token } => TokenError::PinWrong { token: token.clone() },
            TokenError::NoToken { token, present } => {
                TokenError::NoToken { token: token.clone(), present: present.clone() }
            }
            TokenError::Changed { token, key } => TokenError::Changed { token: token.clone(), key: key.clone() },
            other => panic!("{other}"),
        }
    })
}

fn signs(person: &SigningPerson) -> bool {
    let signed = freeze(person).unwrap();
    RealSuite::verify(&person.request().signing_key, &signed.to_sign::<RealSuite>(), &signed.signature)
}

fn refused(result: Result<SigningPerson, PeopleError>) -> TokenError {
    match result.err().expect("this must fail") {
        PeopleError::Token(error) => {
            assert!(!format!("{error} {error:?}").contains(PIN));
            error
        }
        other => panic!("{other}"),
    }
}

/// A pair that this program did not make.
fn make_pair(place: &Workplace, label: &str, extractable: bool) {
    let kept = [Attribute::Sensitive(true), Attribute::Extractable(extractable)];
    place.make_pair(&Mechanism::EccEdwardsKeyPairGen, label, &[Attribute::EcParams(ED25519.to_vec())], &kept);
}

/// Killed between the key and the request.
fn forget_request(folder: &Path) {
    fs::remove_file(folder.join(PERSON_REQUEST)).unwrap();
}

#[test]
fn a_person_signs_with_a_key_that_never_leaves_its_token() {
    with_token("people::a_person_signs_with_a_key_that_never_leaves_its_token", |place| {
        let folder = place.folder.join("anna");
        let made = make(place, "anna", KEY).unwrap();
        place.is_kept_in(KEY);
        let text = fs::read_to_string(folder.join(PERSON_TOKEN)).unwrap();
        assert!(text.contains(KEY) && text.contains(&place.pin_file().display().to_string()), "{text}");
        assert!(!text.contains(PIN), "the PIN is in its own file alone");
        assert!(!folder.join(PERSON_KEY).exists());
        assert_eq!(PersonRequest::read(&folder.join(PERSON_REQUEST)).unwrap(), *made.request());
        drop(made);
        let opened = SigningPerson::open(&folder).unwrap();
        assert_eq!((opened.staff(), opened.key().public()), (&anna(), opened.request().signing_key.clone()));
        assert!(signs(&opened));
        // The folder has a key, which is never replaced, neither by one in the token nor by one in a file.
        for again in [make(place, "anna", "other"), make_person(&folder, &anna(), NOW)] {
            assert!(matches!(again, Err(PeopleError::File(FileError::Exists { .. }))));
        }
    });
}

/// No key is left in the token that no folder names, and none is made a second time.
#[cfg(unix)]
#[test]
fn a_person_s_folder_is_finished_whichever_write_fails() {
    with_token("people::a_person_s_folder_is_finished_whichever_write_fails", |place| {
        let turn = std::cell::Cell::new(0);
        let failed = tributary_storage::faults::each_sync_fails_once(
            || turn.replace(turn.get() + 1),
            |turn| {
                let (folder, label) = (format!("anna-{turn}"), format!("key {turn}"));
                let made = make(place, &folder, &label)?;
                place.is_kept_in(&label);
                assert!(signs(&made));
                Ok::<_, PeopleError>(())
            },
        );
        assert!(failed > 0);
    });
}

#[test]
fn the_old_key_gives_its_word_for_the_next_one_wherever_both_are() {
    with_token("people::the_old_key_gives_its_word_for_the_next_one_wherever_both_are", |place| {
        let ca = place.folder.join("ca");
        init_authority(&ca, &TrustDomain::parse("federation.example").unwrap(), 1, 1, NOW).unwrap();
        issue_client(&ca, "north-bank", "branch-1", &place.folder.join("branch-1"), NOW).unwrap();
        let federation = RosterAuthorities::read(&ca.join(names::AUTHORITIES)).unwrap().digest();
        let giver = Giver { by: "dora".into(), at: NOW };
        let given = RoleGiven { role: Role::PrivacyOfficer, scope: Scope::Federation, from: NOW, until: NOW + 86_400 };
        let counts = |roster: &SignedRoster, person: &SigningPerson| {
            let signed = person.attest(Action::Freeze, federation, federation, Role::PrivacyOfficer, NOW).unwrap();
            let wanted = Wanted {
                action: Action::Freeze,
                subject: &federation,
                federation: &federation,
                owner: None,
                over: Over::Federation,
                now: Some(NOW + 9),
            };
            signed.judge::<RealSuite>(&roster.roster, wanted)
        };
        let first = make_person(&place.folder.join("first"), &anna(), NOW).unwrap();
        grant(&ca, first.request(), &given, false, &giver).unwrap();
        let settings = ["second", "third"].map(|label| place.settings(label));
        let next = [KeptIn::Token(&settings[0]), KeptIn::Token(&settings[1]), KeptIn::Folder];
        let mut old = first;
        for (number, kept) in next.into_iter().enumerate() {
            let folder = place.folder.join(format!("next-{number}"));
            let next = make_key(&folder, kept, &anna(), Some(old.key()), NOW).unwrap();
            let silent = PersonRequest { after: None, ..next.request().clone() };
            let refused = change_key(&ca, &silent, false, &giver);
            assert!(matches!(refused, Err(PeopleError::OtherKey { .. })));
            change_key(&ca, next.request(), false, &giver).unwrap();
            let roster = sign_roster(&ca).unwrap();
            assert_eq!(counts(&roster, &next), Ok(()));
            assert_eq!(counts(&roster, &old), Err(AttestationFault::Signature));
            old = next;
        }
    });
}

#[test]
fn a_folder_that_was_begun_is_finished_with_its_own_key_alone() {
    with_token("people::a_folder_that_was_begun_is_finished_with_its_own_key_alone", |place| {
        let folder = place.folder.join("anna");
        let made = make(place, "anna", KEY).unwrap();
        let request = made.request().clone();
        drop(made);
        // Killed between the key and its request: the same key, and no other place.
        forget_request(&folder);
        for other in [place.settings("other"), TokenSettings { token: "other".into(), ..place.settings(KEY) }] {
            assert!(make_at(&folder, &other).is_err());
        }
        let here = make_person(&folder, &anna(), NOW);
        assert!(matches!(here, Err(PeopleError::File(FileError::Exists { .. }))));
        assert!(place.objects("other", ObjectClass::PRIVATE_KEY).is_empty());
        assert_eq!(*make(place, "anna", KEY).unwrap().request(), request);
        // Killed between the place and the key.
        forget_request(&folder);
        place.destroy(KEY);
        let again = make(place, "anna", KEY).unwrap();
        assert_ne!(again.key().public(), request.signing_key);
        assert!(signs(&again));
        // Meanwhile the label became another folder's.
        forget_request(&folder);
        place.destroy(KEY);
        let theirs = make(place, "theirs", KEY).unwrap();
        assert!(matches!(refused(make(place, "anna", KEY)), TokenError::KeyExists { .. }));
        assert!(!folder.join(PERSON_REQUEST).exists());
        assert!(signs(&theirs));
        // A label that is taken is refused before there is a folder.
        assert!(matches!(refused(make(place, "new", KEY)), TokenError::KeyExists { .. }));
        assert!(!place.folder.join("new").exists());
    });
}

#[test]
fn another_key_under_the_label_signs_nothing() {
    with_token("people::another_key_under_the_label_signs_nothing", |place| {
        let folder = place.folder.join("anna");
        let person = make(place, "anna", KEY).unwrap();
        assert!(signs(&person));
        place.destroy(KEY);
        make_pair(place, KEY, false);
        place.lose_sessions();
        assert!(matches!(freeze(&person), Err(TokenError::Changed { .. })));
        let error = refused(SigningPerson::open(&folder));
        assert!(matches!(error, TokenError::NotRequested { .. }), "{error}");
        assert!(error.to_string().contains(PERSON_REQUEST), "{error}");
        place.destroy(KEY);
        assert!(matches!(refused(SigningPerson::open(&folder)), TokenError::NoKey { .. }));
    });
}

#[test]
fn keys_of_other_kinds_and_keys_that_may_leave_are_refused() {
    with_token("people::keys_of_other_kinds_and_keys_that_may_leave_are_refused", |place| {
        let folder = place.folder.join("anna");
        make(place, "anna", KEY).unwrap();
        let path = folder.join(PERSON_TOKEN);
        let text = fs::read_to_string(&path).unwrap();
        let open = |label: &str| {
            let text = text.replace(&format!("\nkey {KEY}\n"), &format!("\nkey {label}\n"));
            write_private(&path, text.as_bytes(), Existing::Replace).unwrap();
            refused(SigningPerson::open(&folder))
        };
        TokenKey::generate(&place.settings("tls")).unwrap();
        let error = open("tls");
        assert!(matches!(error, TokenError::KeyKind { needed: "an Ed25519 key", .. }), "{error}");
        let error = TokenKey::open(&place.settings(KEY)).unwrap_err();
        assert!(matches!(error, TokenError::KeyKind { needed: "an ECDSA key on P-256", .. }), "{error}");
        make_pair(place, "extractable", true);
        assert!(matches!(open("extractable"), TokenError::Exposed { .. }));
        for _ in 0..2 {
            make_pair(place, "twice", false);
        }
        assert!(matches!(open("twice"), TokenError::SeveralKeys { count: 2, .. }));
        // A public half that is another key's.
        for label in ["one", "other"] {
            make_pair(place, label, false);
        }
        let session = place.session();
        session.destroy_object(place.objects("one", ObjectClass::PUBLIC_KEY)[0]).unwrap();
        let renamed = [Attribute::Label(b"one".to_vec())];
        session.update_attributes(place.objects("other", ObjectClass::PUBLIC_KEY)[0], &renamed).unwrap();
        assert!(matches!(open("one"), TokenError::WrongPublicKey { .. }));
        // Made with the vendor's own tool, it is one like any other: another key than the request's.
        make_pair(place, "vendor", false);
        assert!(matches!(open("vendor"), TokenError::NotRequested { .. }));
        let p256 = [Attribute::EcParams(P256.to_vec())];
        let kept = [Attribute::Sensitive(true), Attribute::Extractable(false)];
        place.make_pair(&Mechanism::EccKeyPairGen, "p256", &p256, &kept);
        assert!(matches!(refused(make(place, "new", "p256")), TokenError::KeyExists { .. }));
    });
}

#[test]
fn a_wrong_pin_is_tried_once_and_leaves_nothing() {
    with_token("people::a_wrong_pin_is_tried_once_and_leaves_nothing", |place| {
        let wrong = place.folder.join("wrong");
        write_private(&wrong, b"1111111", Existing::Keep).unwrap();
        let folder = place.folder.join("anna");
        let error = refused(make_at(&folder, &TokenSettings { pin_file: wrong, ..place.settings(KEY) }));
        assert!(matches!(error, TokenError::PinWrong { .. }) && !error.to_string().contains("1111111"), "{error}");
        assert!(!folder.exists() && place.objects(KEY, ObjectClass::PRIVATE_KEY).is_empty());
        // Changed while the key is in use: the old PIN is tried once, even if it is right again later.
        let person = make(place, "anna", KEY).unwrap();
        place.change_pin(PIN, "2222222");
        assert!(matches!(freeze(&person), Err(TokenError::PinWrong { .. })));
        place.change_pin("2222222", PIN);
        for _ in 0..3 {
            assert!(matches!(freeze(&person), Err(TokenError::PinWrong { .. })));
        }
        assert!(signs(&SigningPerson::open(&folder).unwrap()));
        fs::remove_file(place.pin_file()).unwrap();
        let error = refused(SigningPerson::open(&folder));
        assert!(matches!(error, TokenError::File(FileError::System { .. })), "{error}");
    });
}

#[test]
fn a_token_that_is_away_is_named_and_used_again() {
    with_token("people::a_token_that_is_away_is_named_and_used_again", |place| {
        let folder = place.folder.join("anna");
        let person = make(place, "anna", KEY).unwrap();
        let away: PathBuf = place.folder.join("away");
        place.lose_sessions();
        fs::rename(place.tokens(), &away).unwrap();
        fs::create_dir(place.tokens()).unwrap();
        assert!(matches!(freeze(&person), Err(TokenError::NoToken { token, .. }) if token == TOKEN));
        assert!(matches!(refused(SigningPerson::open(&folder)), TokenError::NoToken { .. }));
        place.lose_sessions();
        fs::remove_dir(place.tokens()).unwrap();
        fs::rename(&away, place.tokens()).unwrap();
        assert!(signs(&person));
        assert!(signs(&SigningPerson::open(&folder).unwrap()));
    });
}
