use super::*;
use crate::suite::SigningKey;

fn key(number: usize) -> VerifyingKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(number as u64).to_le_bytes());
    VerifyingKey::ed25519(bytes)
}

#[test]
fn of_the_lost_keys_the_newest_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let staff = StaffNumber::parse("bank/e1").unwrap();
    let lost = |number: usize| LostKey { staff: staff.clone(), key: key(number), at: number as u64 };
    let write = |count: usize| {
        List { people: Vec::new(), lost: (0..count).map(lost).collect() }.write(folder.path()).unwrap();
        List::read(folder.path()).unwrap().lost
    };
    let most = write(LOST_MAX);
    assert_eq!((most.len(), &most[0]), (LOST_MAX, &lost(0)));
    let newest = write(LOST_MAX + 1);
    assert_eq!((newest.len(), &newest[0], &newest[LOST_MAX - 1]), (LOST_MAX, &lost(1), &lost(LOST_MAX)));
}

#[test]
fn what_a_person_rests_on_has_one_line() {
    let signature = Signature::ed25519([3; 64]);
    let given = Approval { by: "dora".to_owned(), at: 9 };
    let word = Word { key: SigningKey::from_seed(&[1; 32]).verifying_key(), signature: Signature::ed25519([4; 64]) };
    for before in [KeyBefore::None, KeyBefore::Vouches(word), KeyBefore::Lost(key(5))] {
        let rest = PersonRest { made: 7, proof: signature.clone(), before, given: given.clone() };
        let line = rest.print();
        let parsed = |line: &str| {
            let mut fields = Fields::of(line);
            let rest = PersonRest::parse(&mut fields)?;
            fields.end().map(|()| rest)
        };
        assert_eq!(parsed(&line), Some(rest));
        for bad in [
            line.replace("given", "taken"),
            line.replace("made 7", "made 07"),
            format!("{line} more"),
            line.replace(" at 9", ""),
        ] {
            assert_eq!(parsed(&bad), None, "{bad}");
        }
    }
}
