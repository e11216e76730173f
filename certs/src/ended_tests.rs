use super::*;

#[test]
fn each_is_kept_once_and_no_more_than_fit_until_they_are_taken() {
    let ended = |number: u64| Ended { name: MemberName::parse("bank/x").unwrap(), not_after: number };
    let kept = EndedCertificates::default();
    for number in [1, 2, 1, 2] {
        kept.note(ended(number));
    }
    assert_eq!(kept.take(), [ended(1), ended(2)]);
    assert_eq!(kept.take(), []);
    let many: Vec<Ended> = (0..KEPT_MAX as u64 + 1).map(ended).collect();
    many.iter().for_each(|ended| kept.note(ended.clone()));
    assert_eq!(kept.take(), many[..KEPT_MAX]);
}
