use tributary_certs::suite::RealSuite;
use tributary_protocol::plan::{ApprovalFault, AttestationFault, Grounds};
use tributary_settings::Document;

use super::*;
use crate::file::tests::{FEDERATION, People, people};

/// The sample's year.
pub(crate) fn year() -> YearPlan {
    crate::year::read(Document::parse("year.toml".as_ref(), crate::year::SAMPLE).unwrap()).unwrap()
}

/// The sample's year, signed by two people.
pub(crate) fn signed(people: &People) -> YearFile {
    let mut file = YearFile::new(year());
    file.sign(Action::ProposeYear, &people.owner, FEDERATION, 100).unwrap();
    file.sign(Action::ApproveYear, &people.officer, FEDERATION, 200).unwrap();
    file
}

fn judge(file: &YearFile, people: &People) -> Result<(), ApprovalFault> {
    let grounds = Grounds { roster: &people.roster, federation: &FEDERATION, group: "all", now: Some(300) };
    file.approvals().expect("both are there").judge_year::<RealSuite>(&file.year.digest(), grounds)
}

#[test]
fn a_year_is_read_as_it_was_signed_by_two() {
    let people = people();
    let file = signed(&people);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("year.tributary");
    for written in [YearFile::new(year()), YearFile { approval: None, ..file.clone() }, file.clone()] {
        written.write(&path, Existing::Replace).unwrap();
        assert_eq!(YearFile::read(&path).unwrap(), written);
        assert!(YearFile::is_one(&written.print()));
    }
    assert_eq!(judge(&file, &people), Ok(()));
    std::fs::write(&path, "tributary year 2\n").unwrap();
    assert!(matches!(YearFile::read(&path), Err(FileError::Version { found: 2, reads: 1, .. })));
}

#[test]
fn a_year_with_one_bit_changed_is_refused() {
    let people = people();
    let text = signed(&people).print();
    for place in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[place] ^= 1 << (place % 7);
        let read = String::from_utf8(bytes).ok().and_then(|text| YearFile::parse(&text));
        // A word of a signature may be read as another one: then nobody's key verifies it.
        let counts = read.filter(|read| read.approvals().is_some()).is_some_and(|read| judge(&read, &people).is_ok());
        assert!(!counts, "byte {place}");
    }
    for other in [
        text.trim_end().to_owned(),
        format!("{text}\n"),
        text.replace("tributary year 1", "tributary plan 1"),
        text.replace("approve-year", "approve-plan"),
        text.replace("at 100 ", "at 0100 "),
    ] {
        assert_eq!(YearFile::parse(&other), None);
    }
    // What no year.toml gives is no year, whoever signed it.
    let mut beyond = signed(&people);
    beyond.year.delta = 0.5;
    let digest = beyond.year.digest();
    for signed in [&mut beyond.proposal, &mut beyond.approval] {
        signed.as_mut().expect("two signed").subject = digest;
    }
    assert_eq!(YearFile::parse(&beyond.print()), None);
}

#[test]
fn what_cannot_count_is_not_signed() {
    let people = people();
    let (owner, officer) = (&people.owner, &people.officer);
    let mut file = YearFile::new(year());
    let (proposed, approved) = (Action::ProposeYear, Action::ApproveYear);
    assert_eq!(file.sign(approved, officer, FEDERATION, 1), Err(SigningError::NotProposed));
    assert_eq!(file.sign(Action::ApprovePlan, officer, FEDERATION, 1), Err(SigningError::Action(Action::ApprovePlan)));
    assert_eq!(file, YearFile::new(year()));
    assert_eq!(file.sign(proposed, owner, FEDERATION, 1), Ok(()));
    assert_eq!(file.sign(proposed, owner, FEDERATION, 1), Err(SigningError::Twice(proposed)));
    assert_eq!(file.sign(approved, owner, FEDERATION, 1), Err(SigningError::OnePerson(owner.staff().clone())));
    assert_eq!(file.sign(approved, officer, Digest([8; 32]), 1), Err(SigningError::Federation));
    assert_eq!(file.sign(approved, officer, FEDERATION, 1), Ok(()));
    assert_eq!(file.sign(approved, officer, FEDERATION, 1), Err(SigningError::Twice(approved)));
    // A signature counts for its own year alone.
    file.year.months -= 1;
    assert_eq!(judge(&file, &people), Err(ApprovalFault::Proposal(AttestationFault::Subject)));
}
