use super::*;
use crate::entropy::OsEntropy;
use crate::identity::TrustDomain;
use crate::issue::Validity;

const NOW: u64 = 1_900_000_000;

fn authority() -> CertificateAuthority {
    let domain = TrustDomain::parse("federation.example").unwrap();
    let validity = Validity::starting(NOW, 86_400);
    CertificateAuthority::create(&mut OsEntropy, &domain, validity, validity).unwrap().issuing
}

fn of_clients(count: u32) -> DenyList {
    let entry =
        |client| DenyEntry { who: Denied::Client(ClientId(client)), at: 7, reason: RevocationReason::Superseded };
    DenyList { order: None, entries: (1..=count).map(entry).collect() }
}

#[test]
fn a_list_is_signed_and_read_up_to_its_longest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DENIED);
    let authority = authority();
    let most = u32::try_from(DENIED_MAX).unwrap();
    let mut longest = of_clients(most);
    longest.sign(&path, &authority).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(DenyList::read_own(&path, &authority).unwrap(), longest);
    assert!(matches!(of_clients(most + 1).sign(&path, &authority), Err(IssueOrFile::File(FileError::TooLong { .. }))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "nothing was written");
    // Whoever writes a longer one by hand is not read.
    let longer = text.replacen("client 1 at", "client 10001 at 7 reason superseded\nclient 1 at", 1);
    std::fs::write(&path, longer).unwrap();
    assert!(matches!(DenyList::read_own(&path, &authority), Err(FileError::Content { .. })));
}

#[test]
fn each_signature_has_the_next_number_and_another_authority_begins_at_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DENIED);
    let (authority, other) = (authority(), authority());
    let since = authority.validity().not_before;
    let mut list = of_clients(2);
    for number in 1..=3 {
        list.sign(&path, &authority).unwrap();
        assert_eq!(list.order(), Some(DenyOrder { since, number }));
    }
    assert_eq!(DenyList::read_own(&path, &authority).unwrap(), list);
    let theirs = DenyList::read_own(&path, &other).unwrap();
    assert_eq!((theirs.order(), theirs.entries()), (None, list.entries()));
    list.order = Some(DenyOrder { since: since - 1, number: 9 });
    list.sign(&path, &authority).unwrap();
    assert_eq!(list.order(), Some(DenyOrder { since, number: 1 }));
    assert_eq!(DenyList::read_own(&folder.path().join("nothing"), &authority).unwrap(), DenyList::default());
}

#[test]
fn entries_have_one_text_and_are_there_once() {
    let identity = Identity::parse("spiffe://federation.example/bank/client/x").unwrap();
    let who = [
        Denied::Identity(identity),
        Denied::Key(Digest([1; 32])),
        Denied::Signing(VerifyingKey::ed25519([2; 32])),
        Denied::Client(ClientId(3)),
    ];
    let mut list = DenyList::default();
    for (number, who) in (1..).zip(&who) {
        let entry = DenyEntry { who: who.clone(), at: number, reason: RevocationReason::KeyCompromise };
        assert!(list.add(entry.clone()) && !list.add(entry.clone()));
        let line = format!("{who} at {number} reason key-compromise");
        assert_eq!(super::entry(&line), Some(entry));
        for bad in [
            format!("{line} "),
            format!("{line} more"),
            line.replace("reason key-", "reason "),
            line.replace(" at ", " by "),
        ] {
            assert_eq!(super::entry(&bad), None, "{bad}");
        }
    }
    assert_eq!(list.entries().len(), 4);
    assert!(list.remove(&who[1]) && !list.remove(&who[1]));
    let left: Vec<&Denied> = list.entries().iter().map(|entry| &entry.who).collect();
    assert_eq!(left, [&who[0], &who[2], &who[3]]);
    for bad in ["person x at 1 reason superseded", "client x at 1 reason superseded", ""] {
        assert_eq!(super::entry(bad), None, "{bad:?}");
    }
}
