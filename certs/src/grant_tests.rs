use tributary_protocol::plan::{GrantSubject, GrantUses};
use tributary_protocol::roster::MemberName;
use tributary_storage::files::{self, Existing};

use super::*;
use crate::entropy::OsEntropy;

fn unsigned(owner: &SigningKey) -> Grant {
    Grant {
        federation: Digest([1; 32]),
        branches: vec![MemberName::parse("north-bank/branch-01").unwrap()],
        subject: GrantSubject::Plan(Digest([2; 32])),
        uses: GrantUses::TRAIN,
        epsilon_run_bits: 1.0_f64.to_bits(),
        epsilon_year_bits: 2.0_f64.to_bits(),
        delta_bits: 1e-6_f64.to_bits(),
        runs: 3,
        fields: Vec::new(),
        not_before: 1,
        not_after: 2,
        nonce: [7; 16],
        owner: owner.verifying_key(),
        signature: Signature::none(),
    }
}

#[test]
fn a_grant_and_its_withdrawal_come_back_from_their_files_as_they_were_signed() {
    let folder = tempfile::tempdir().unwrap();
    let owner = SigningKey::generate(&mut OsEntropy);
    let grant = sign_grant(&owner, unsigned(&owner));
    assert!(is_signed_grant(&grant) && !is_signed_grant(&unsigned(&owner)));
    let path = folder.path().join("a.grant");
    write_grant(&grant, &path).unwrap();
    assert_eq!(read_grant(&path).unwrap(), grant);
    assert!(matches!(write_grant(&grant, &path), Err(FileError::Exists { .. })));
    let withdrawal = sign_withdrawal(&owner, grant.digest(), 9);
    let path = folder.path().join("a.withdrawal");
    write_withdrawal(&withdrawal, &path).unwrap();
    let read = read_withdrawal(&path).unwrap();
    assert!(read == withdrawal && read.is_genuine::<RealSuite>());
    assert!(matches!(read_grant(&path), Err(FileError::Content { .. })), "it is no grant");
}

/// Every bit of the body is signed.
#[test]
fn a_changed_file_is_refused_or_not_signed() {
    let folder = tempfile::tempdir().unwrap();
    let owner = SigningKey::generate(&mut OsEntropy);
    let grant = sign_grant(&owner, unsigned(&owner));
    let text = GRANT.print(&grant);
    let read = |text: &str| {
        let path = folder.path().join("b.grant");
        files::write_private(&path, text.as_bytes(), Existing::Replace).unwrap();
        read_grant(&path)
    };
    let start = GRANT.title.len() + 1 + "body ".len();
    for place in start..text.len() - 1 {
        let mut other = text.clone();
        let digit = if text.as_bytes()[place] == b'0' { "1" } else { "0" };
        other.replace_range(place..=place, digit);
        assert!(!read(&other).is_ok_and(|grant| is_signed_grant(&grant)), "digit {place}");
    }
}

#[test]
fn an_owner_s_word_is_named_by_its_grant_and_read_as_what_it_is() {
    let owner = SigningKey::from_seed(&[1; 32]);
    let grant = sign_grant(&owner, unsigned(&owner));
    let withdrawal = sign_withdrawal(&owner, grant.digest(), 9);
    let (name, granted) = (grant.digest().to_string(), OwnersWord::Granted(grant.clone()));
    let taken_back = OwnersWord::TakenBack(withdrawal.clone());
    assert_eq!(word_file_name(&granted), format!("{name}.grant"));
    assert_eq!(word_file_name(&taken_back), format!("{name}.withdrawal"));
    assert_eq!(parse_word(&GRANT.print(&grant)), Some(granted));
    assert_eq!(parse_word(&WITHDRAWAL.print(&withdrawal)), Some(taken_back));
    assert_eq!((parse_word(""), parse_word(&REQUEST.print(&withdrawal))), (None, None));
    // Whoever signs is named as the owner.
    let other = SigningKey::from_seed(&[2; 32]);
    assert_eq!(sign_grant(&other, grant).owner, other.verifying_key());
    assert_eq!((withdrawal.owner, withdrawal.at), (owner.verifying_key(), 9));
}
