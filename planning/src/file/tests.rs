use tributary_certs::entropy::OsEntropy;
use tributary_certs::people::make_person;
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::plan::{ApprovalFault, AttestationFault, Grounds};
use tributary_protocol::roster::{Holding, MemberName, Person, Roster, RosterEntry, Scope};

use super::*;
use crate::frame::FILE_BYTES_MAX;
use crate::settings::PlanSettings;

/// The sample's plan, or the same in mode branch or none.
pub(crate) fn plan(mode: &str) -> Plan {
    let text = match mode {
        "none" => ["epsilon = 1.0", "delta = 1e-6", "epsilon_all_runs = 4.0"]
            .iter()
            .fold(crate::SAMPLE.replace("privacy = \"customer\"", "privacy = \"none\""), |text, line| {
                text.replace(&format!("\n{line}\n"), "\n")
            }),
        "" => crate::SAMPLE.to_owned(),
        mode => crate::SAMPLE.replace("privacy = \"customer\"", &format!("privacy = \"{mode}\"")),
    };
    plan_of(&text)
}

/// The plan of a text, on the sample's schema.
pub(crate) fn plan_of(text: &str) -> Plan {
    let folder = tempfile::tempdir().unwrap();
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/samples/schemas/bank_full.toml");
    std::fs::copy(schema, folder.path().join("schema.toml")).unwrap();
    let path = folder.path().join("plan.toml");
    std::fs::write(&path, text).unwrap();
    let settings = PlanSettings::load(&path).unwrap_or_else(|faults| panic!("{faults}"));
    crate::build(&settings).unwrap_or_else(|fault| panic!("{fault:?}")).plan.plan().clone()
}

pub(crate) const FEDERATION: Digest = Digest([7; 32]);

pub(crate) struct People {
    pub(crate) roster: Roster,
    pub(crate) owner: SigningPerson,
    pub(crate) officer: SigningPerson,
}

pub(crate) fn people() -> People {
    let folder = tempfile::tempdir().unwrap();
    let made = |number: &str| {
        let staff = StaffNumber::parse(&format!("north-bank/{number}")).unwrap();
        make_person(&folder.path().join(number), &staff, 1).unwrap()
    };
    let (owner, officer) = (made("e1"), made("e2"));
    let person = |person: &SigningPerson, role| Person {
        staff: person.staff().clone(),
        signing_key: person.key().public(),
        holdings: vec![Holding { role, deputy_of: None, scope: Scope::Federation, from: 0, until: 1_000_000 }],
    };
    let entry = RosterEntry {
        client: ClientId(1),
        name: MemberName::parse("north-bank/branch-01").unwrap(),
        organisation: OrganisationId(1),
        signing_key: SigningKey::generate(&mut OsEntropy).verifying_key(),
        tls_spki_sha256: Digest::of(b"tls"),
        not_after: 1_000_000,
    };
    let listed = vec![person(&owner, Role::PlanOwner), person(&officer, Role::PrivacyOfficer)];
    let roster = Roster::new(1, Digest([0; 32]), vec![entry], Vec::new(), listed).unwrap();
    People { roster, owner, officer }
}

fn signed(people: &People) -> PlanFile {
    let mut file = PlanFile::new(plan(""));
    file.sign(Action::ProposePlan, &people.owner, FEDERATION, 100).unwrap();
    file.sign(Action::ApprovePlan, &people.officer, FEDERATION, 200).unwrap();
    file
}

fn judge(file: &PlanFile, roster: &Roster) -> Result<(), ApprovalFault> {
    let grounds = Grounds { roster, federation: &FEDERATION, group: "all", now: Some(300) };
    file.approvals().expect("both are there").judge::<RealSuite>(&file.plan.digest(), grounds)
}

#[test]
fn a_plan_is_read_as_it_was_signed_by_two() {
    let people = people();
    let file = signed(&people);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.tributary");
    for written in [PlanFile::new(plan("")), PlanFile { approval: None, ..file.clone() }, file.clone()] {
        written.write(&path, Existing::Replace).unwrap();
        assert_eq!(PlanFile::read(&path).unwrap(), written);
        assert!(PlanFile::is_one(&written.print()));
    }
    assert_eq!(judge(&file, &people.roster), Ok(()));
}

#[test]
fn a_file_with_one_bit_changed_is_refused() {
    let people = people();
    let file = signed(&people);
    let text = file.print();
    for place in (0..text.len()).filter(|place| place % 3 == 0 || place + 700 > text.len()) {
        let mut bytes = text.clone().into_bytes();
        bytes[place] ^= 1 << (place % 7);
        let read = String::from_utf8(bytes).ok().and_then(|text| PlanFile::parse(&text));
        // A word of a signature may be read as another one: then nobody's key verifies it.
        let counts =
            read.filter(|read| read.approvals().is_some()).is_some_and(|read| judge(&read, &people.roster).is_ok());
        assert!(!counts, "byte {place}");
    }
    // Nothing of the plan itself is read as another plan, signatures or none.
    let bare = PlanFile::new(file.plan.clone()).print();
    for place in (0..bare.len()).step_by(5) {
        let mut bytes = bare.clone().into_bytes();
        bytes[place] ^= 1;
        assert_eq!(String::from_utf8(bytes).ok().and_then(|text| PlanFile::parse(&text)), None, "byte {place}");
    }
}

#[test]
fn one_plan_has_one_text() {
    let text = signed(&people()).print();
    let first = text.find("attestation").unwrap();
    let (head, lines) = text.split_at(first);
    let lines: Vec<&str> = lines.lines().collect();
    for other in [
        text.trim_end().to_owned(),
        format!("{text}\n"),
        text.replace('\n', "\r\n"),
        text.replacen("tributary plan 1", "tributary plan 01", 1),
        text.replace("at 100 ", "at 0100 "),
        text.replace("at 100 ", "at +100 "),
        format!("{head}{}\n{}\n", lines[1], lines[0]),
        format!("{text}{}\n", lines[1]),
        head.replacen("\nAA", "\n\nAA", 1),
        format!("{head}=\n"),
        text.replace(" role plan-owner", " role plan-owner "),
        text.replace("approve-plan", "raise-cap"),
        format!("{text}{}\n", "A".repeat(FILE_BYTES_MAX)),
    ] {
        assert_ne!(other, text);
        assert_eq!(PlanFile::parse(&other), None, "{}", &other[other.len().saturating_sub(300)..]);
    }
}

#[test]
fn another_version_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.tributary");
    std::fs::write(&path, "tributary plan 2\n").unwrap();
    assert!(matches!(PlanFile::read(&path), Err(FileError::Version { found: 2, reads: 1, .. })));
    std::fs::write(&path, "tributary plan x\n").unwrap();
    assert!(matches!(PlanFile::read(&path), Err(FileError::Content { .. })));
}

#[test]
fn what_cannot_count_is_not_signed() {
    let people = people();
    let (owner, officer) = (&people.owner, &people.officer);
    let sign = |file: &mut PlanFile, action, who: &SigningPerson| {
        let before = file.clone();
        let fault = file.sign(action, who, FEDERATION, 100).err();
        assert!(fault.is_none() || *file == before);
        fault
    };
    let mut file = PlanFile::new(plan(""));
    let (proposed, approved) = (Action::ProposePlan, Action::ApprovePlan);
    assert_eq!(sign(&mut file, approved, officer), Some(SigningError::NotProposed));
    assert_eq!(sign(&mut file, Action::RejectPlan, officer), Some(SigningError::NotProposed));
    assert_eq!(sign(&mut file, Action::Freeze, officer), Some(SigningError::Action(Action::Freeze)));
    assert_eq!(sign(&mut file, proposed, owner), None);
    assert_eq!(sign(&mut file, proposed, owner), Some(SigningError::Twice(proposed)));
    assert_eq!(sign(&mut file, approved, owner), Some(SigningError::OnePerson(owner.staff().clone())));
    assert_eq!(file.sign(approved, officer, Digest([8; 32]), 1), Err(SigningError::Federation));
    assert_eq!(sign(&mut file, approved, officer), None);
    assert_eq!(sign(&mut file, approved, officer), Some(SigningError::Twice(approved)));
    assert_eq!(PlanFile::parse(&file.print()), Some(file));
}

/// Neither by its author nor by an approver, however the file came about; and everybody may still read it.
#[test]
fn what_is_shipped_signs_no_plan_in_a_weak_mode() {
    let people = people();
    for mode in ["branch", "none"] {
        let mut file = PlanFile::new(plan(mode));
        let may = |file: &PlanFile, action, who: &SigningPerson| {
            file.may_sign_by(Build::SHIPPED, action, who.staff(), FEDERATION)
        };
        let refused = may(&file, Action::ProposePlan, &people.owner).unwrap_err();
        let told = refused.to_string();
        assert!(told.contains("nothing was signed") && told.contains(mode) && told.contains("weak-modes"), "{told}");
        // Signed by a program that has part in it.
        file.sign(Action::ProposePlan, &people.owner, FEDERATION, 100).unwrap();
        assert_eq!(may(&file, Action::ApprovePlan, &people.officer), Err(refused));
        // Whoever says no to it has no part in it.
        assert_eq!(may(&file, Action::RejectPlan, &people.officer), Ok(Role::PrivacyOfficer));
        assert_eq!(PlanFile::parse(&file.print()), Some(file));
    }
    let file = PlanFile::new(plan(""));
    assert!(file.may_sign_by(Build::SHIPPED, Action::ProposePlan, people.owner.staff(), FEDERATION).is_ok());
}

/// Nobody is asked for a role, because the table leaves no choice.
#[test]
fn each_signature_is_given_in_the_one_role_that_may() {
    let people = people();
    let (file, rejected) = (signed(&people), rejected_one(&people, false));
    for attestation in file.attestations().chain(rejected.attestations()) {
        let may = |role: &Role| [true, false].iter().any(|own| role.may(attestation.action, *own));
        let roles: Vec<Role> = Role::ALL.into_iter().filter(may).collect();
        assert_eq!(roles, [attestation.role], "{}", attestation.action);
    }
}

/// Whoever takes a signature from one plan to another has none.
#[test]
fn a_signature_counts_for_its_own_plan_alone() {
    let people = people();
    let mut file = signed(&people);
    file.plan.runs -= 1;
    assert_eq!(PlanFile::parse(&file.print()), None, "the signatures name another plan");
    assert_eq!(judge(&file, &people.roster), Err(ApprovalFault::Proposal(AttestationFault::Subject)));
    // Whoever writes the new digest into them has no signature by anybody's key.
    let digest = file.plan.digest();
    for signed in [&mut file.proposal, &mut file.approval] {
        signed.as_mut().expect("two signed").subject = digest;
    }
    let moved = PlanFile::parse(&file.print()).expect("it is a plan's file");
    assert_eq!(judge(&moved, &people.roster), Err(ApprovalFault::Proposal(AttestationFault::Signature)));
}

const WHY: &str = "the assessment does not name the account movements";

/// A plan that was rejected, approved before or not.
fn rejected_one(people: &People, approved: bool) -> PlanFile {
    let mut file = signed(people);
    if !approved {
        file.approval = None;
    }
    file.reject(WHY, &people.officer, FEDERATION, 300).unwrap();
    file
}

#[test]
fn a_rejection_travels_with_its_reason_and_ends_the_way_of_its_file() {
    let people = people();
    for approved in [false, true] {
        let mut file = rejected_one(&people, approved);
        assert_eq!(PlanFile::parse(&file.print()), Some(file.clone()));
        assert_eq!(file.approvals(), None, "nothing lets it run");
        let grounds = Grounds { roster: &people.roster, federation: &FEDERATION, group: "all", now: Some(400) };
        let rejection = file.rejection.clone().expect("it was rejected");
        let judged = rejection.judge::<RealSuite>(&file.plan.digest(), people.owner.staff(), grounds);
        assert_eq!((judged, rejection.reason.raw()), (Ok(()), WHY));
        // Nothing more is signed on it, by whomever.
        let before = file.clone();
        let refused = Err(SigningError::Rejected(people.officer.staff().clone()));
        for (action, who) in [(Action::ProposePlan, &people.owner), (Action::ApprovePlan, &people.officer)] {
            assert_eq!(file.sign(action, who, FEDERATION, 400), refused);
        }
        assert_eq!(file.reject("again", &people.officer, FEDERATION, 400), refused);
        assert_eq!(file, before);
        // The same plan in a fresh file is a new proposal.
        let mut fresh = PlanFile::new(file.plan.clone());
        assert_eq!(fresh.sign(Action::ProposePlan, &people.owner, FEDERATION, 500), Ok(()));
        assert_eq!(fresh.sign(Action::ApprovePlan, &people.officer, FEDERATION, 600), Ok(()));
        assert!(fresh.approvals().is_some());
    }
}

#[test]
fn what_cannot_count_as_a_rejection_is_not_signed() {
    let people = people();
    let (owner, officer) = (&people.owner, &people.officer);
    let mut file = PlanFile::new(plan(""));
    assert_eq!(file.reject(WHY, officer, FEDERATION, 1), Err(SigningError::NotProposed));
    file.sign(Action::ProposePlan, owner, FEDERATION, 100).unwrap();
    let before = file.clone();
    assert_eq!(file.reject(WHY, owner, FEDERATION, 200), Err(SigningError::OnePerson(owner.staff().clone())));
    assert_eq!(file.reject(WHY, officer, Digest([8; 32]), 200), Err(SigningError::Federation));
    for reason in ["", " ", "two\nlines", "hidden \u{202e}", &"x".repeat(501)] {
        assert_eq!(file.reject(reason, officer, FEDERATION, 200), Err(SigningError::Reason), "{reason:?}");
    }
    assert_eq!(file.sign(Action::RejectPlan, officer, FEDERATION, 200), Err(SigningError::Action(Action::RejectPlan)));
    assert_eq!(file, before);
}

#[test]
fn one_rejection_has_one_text() {
    let people = people();
    let text = rejected_one(&people, true).print();
    let reason = format!("reason {WHY}\n");
    let (head, last) = text.split_once(&reason).expect("it has the reason");
    let [proposal, approval]: [&str; 2] =
        head.lines().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().try_into().unwrap();
    for other in [
        format!("{head}{reason}"),
        format!("{head}{last}"),
        format!("{head}{last}{reason}"),
        format!("{head}{reason}{reason}{last}"),
        format!("{head}{reason}{last}{reason}{last}"),
        format!("{head}reason another\n{last}"),
        format!("{head}reason  {WHY}\n{last}"),
        format!("{head}{reason}{approval}\n"),
        text.replace(&format!("{proposal}\n"), &format!("{reason}{proposal}\n")),
        text.replace("reject-plan", "approve-plan"),
    ] {
        assert_eq!(PlanFile::parse(&other), None, "{}", &other[other.len().saturating_sub(700)..]);
    }
    // With the rejection cut off it is the file before: what a thief of the file can do, and the roster cannot see.
    assert!(PlanFile::parse(head).is_some_and(|file| file.rejection.is_none()));
}
