//! Every titled text of another release is refused before anything changes: the version found, the one that is read, and what to do.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod support;

use std::path::{Path, PathBuf};

use support::NOW;
use support::folders::{Folders, in_force};
use tributary_certs::binding::{KeyBinding, SignedBinding, read_bindings, write_bindings};
use tributary_certs::budget::BudgetMark;
use tributary_certs::ceremony::{propose, read_proposal, read_roster_or_proposal, sign_roster_with};
use tributary_certs::denied::{Denied, DenyList};
use tributary_certs::enrolment::{names, read_coordinator, read_groups, read_members, set_group};
use tributary_certs::identity::Identity;
use tributary_certs::keys::read_verifying_key;
use tributary_certs::office::{
    Bundle, RevocationReason, WhomToRevoke, decode_answer, decode_request, deny, encode_answer, encode_request,
    read_issued, read_revoked, revoke,
};
use tributary_certs::people::{PERSON_REQUEST, PersonRequest, RoleGiven, give_role, make_person, read_people};
use tributary_certs::policy::{sign_policy, signature_path, verify_policy};
use tributary_certs::revocation::Seen;
use tributary_certs::roster::{RosterAuthorities, read_unverified_roster};
use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::role::Role;
use tributary_protocol::roster::{Scope, StaffNumber};
use tributary_storage::files::Existing;

/// What is said of a file; nothing where it is taken.
fn told<T, F: std::fmt::Display>(read: Result<T, F>) -> Option<String> {
    read.err().map(|fault| fault.to_string())
}

/// Changes the file at this path, and asserts that its reader refuses it.
type Judge = fn(&Path, &dyn Fn() -> Option<String>);

/// Writes another version into the first line, and compares what is said of it.
fn of_another_version(path: &Path, read: &dyn Fn() -> Option<String>) {
    assert_eq!(read(), None, "{} as it is", path.display());
    let text = std::fs::read_to_string(path).unwrap();
    let (title, rest) = text.split_once('\n').unwrap();
    let (name, version) = title.rsplit_once(' ').unwrap();
    for (other, by, cure) in [("0", "an earlier release", "Make it anew"), ("9", "a newer release", "Use the release")]
    {
        let changed = format!("{name} {other}\n{rest}");
        std::fs::write(path, &changed).unwrap();
        let told = read().expect("refused");
        let parts = [&format!("of version {other}, which {by} wrote"), &format!("reads version {version} alone"), cure];
        assert!(parts.iter().all(|part| told.contains(*part)), "{}: {told}", path.display());
        assert!(std::fs::read_to_string(path).unwrap() == changed, "nothing is changed");
    }
    std::fs::write(path, text).unwrap();
}

/// Writes one word more into each line after the title.
fn with_a_word_more(path: &Path, read: &dyn Fn() -> Option<String>) {
    assert_eq!(read(), None, "{} as it is", path.display());
    let text = std::fs::read_to_string(path).unwrap();
    for changed in 1..text.lines().count() {
        let line = |(at, line): (usize, &str)| format!("{line}{}\n", if at == changed { " more" } else { "" });
        std::fs::write(path, text.lines().enumerate().map(line).collect::<String>()).unwrap();
        assert!(read().is_some(), "{}: line {} has a word more", path.display(), changed + 1);
    }
    std::fs::write(path, text).unwrap();
}

#[test]
fn every_titled_text_of_another_version_is_refused_by_name() {
    every_titled_text(of_another_version);
}

#[test]
fn no_line_of_a_titled_text_has_a_word_more() {
    every_titled_text(with_a_word_more);
}

fn every_titled_text(refused: Judge) {
    let folders = Folders::new();
    let (ca, branch) = (folders.ca(), folders.at("branch-1"));
    let at = |name: &str| -> PathBuf { ca.join(name) };
    set_group(&ca, "pilot", &[ClientId(1)]).unwrap();
    let person = make_person(&folders.at("person"), &StaffNumber::parse("bank/e1").unwrap(), NOW).unwrap();
    let given = RoleGiven { role: Role::Auditor, scope: Scope::Federation, from: NOW, until: NOW + 9 };
    give_role(&ca, &person, &given).unwrap();
    let asked = folders.at("person").join(PERSON_REQUEST);
    let gone = Identity::parse("spiffe://federation.example/north-bank/client/gone").unwrap();
    deny(&ca, Denied::Identity(gone), RevocationReason::KeyCompromise, NOW).unwrap();
    let proposal = folders.at("proposal");
    propose(&ca, NOW).unwrap().write(&proposal, Existing::Keep).unwrap();
    sign_roster_with(&ca, &folders.usb()).unwrap();
    let serial = read_issued(&ca).unwrap().remove(0).serial;
    revoke(&ca, &WhomToRevoke::Serial(serial), RevocationReason::Superseded, 7, NOW).unwrap();
    drop(folders.token("branch-2", false, NOW));
    let bundle = folders.bundle("branch-2", false, NOW);
    let owner = SigningKey::from_seed(&[9; 32]);
    let policy = folders.at("policy.toml");
    let text = "epsilon_life = 1\n";
    std::fs::write(&policy, text).unwrap();
    sign_policy(&policy, text, &owner).unwrap();
    let mark = BudgetMark { population: Digest([1; 32]), salt: [2; 32], owner: owner.verifying_key(), changes: vec![] };
    mark.write(&branch).unwrap();
    let signed = KeyBinding { client: ClientId(1), tls_spki_sha256: Digest([5; 32]), sequence: 1 }.sign(&owner);
    let (binding, bindings) = (folders.at("one.binding"), folders.at("all.bindings"));
    signed.write(&binding).unwrap();
    write_bindings(&bindings, std::iter::once(&signed)).unwrap();
    folders.branch_lists().unwrap();
    let lists = in_force(&branch).unwrap();
    let unseen = Seen::beside(&folders.at("nowhere").join("x")).unwrap();

    refused(&at(names::ROSTER), &|| told(read_unverified_roster(&at(names::ROSTER))));
    refused(&at(names::ROSTER), &|| told(read_roster_or_proposal(&at(names::ROSTER))));
    refused(&at(names::AUTHORITIES), &|| told(RosterAuthorities::read(&at(names::AUTHORITIES))));
    refused(&proposal, &|| told(read_proposal(&proposal)));
    refused(&proposal, &|| told(read_roster_or_proposal(&proposal)));
    refused(&at("members"), &|| told(read_members(&ca)));
    refused(&at("groups"), &|| told(read_groups(&ca)));
    refused(&at(names::PEOPLE), &|| told(read_people(&ca)));
    refused(&asked, &|| told(PersonRequest::read(&asked)));
    refused(&at("issued"), &|| told(read_issued(&ca)));
    refused(&at("revoked"), &|| told(read_revoked(&ca)));
    refused(&at(names::COORDINATOR), &|| told(read_coordinator(&at(names::COORDINATOR))));
    refused(&at("denied"), &|| told(DenyList::read(&at("denied"), &lists, &unseen, NOW)));
    refused(&branch.join(names::SIGNING_PUBLIC), &|| told(read_verifying_key(&branch.join(names::SIGNING_PUBLIC))));
    refused(&branch.join("budget"), &|| told(BudgetMark::read(&branch)));
    refused(&bundle, &|| told(Bundle::read(&bundle)));
    refused(&signature_path(&policy), &|| told(verify_policy(&policy, &owner.verifying_key())));
    refused(&binding, &|| told(SignedBinding::read(&binding)));
    refused(&bindings, &|| told(read_bindings(&bindings)));
}

/// Releases before 0.2 wrote the key alone.
#[test]
fn a_public_key_without_a_title_is_of_an_earlier_release() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signing.pub");
    std::fs::write(&path, format!("{}\n", SigningKey::from_seed(&[9; 32]).verifying_key())).unwrap();
    let told = read_verifying_key(&path).unwrap_err().to_string();
    assert!(told.contains("an earlier release wrote") && told.contains("Make it anew"), "{told}");
}

/// Office messages travel as files as well.
#[test]
fn office_messages_of_another_version_are_refused_by_number() {
    let folders = Folders::new();
    let request = encode_request(&tributary_certs::office::Request::Lists);
    let answer = encode_answer(&decode_answer(&folders.office().answer(&request, NOW)).unwrap());
    for other in [1_u64, 9, 1 << 40] {
        let changed = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).unwrap();
            assert!(text.contains("\"version\":2"));
            text.replace("\"version\":2", &format!("\"version\":{other}")).into_bytes()
        };
        for told in [
            decode_request(&changed(&request)).unwrap_err().to_string(),
            decode_answer(&changed(&answer)).unwrap_err().to_string(),
        ] {
            assert!(told.contains(&format!("version {other} instead of 2")), "{told}");
        }
    }
}
