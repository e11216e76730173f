use super::*;
use crate::entropy::OsEntropy;
use crate::identity::TrustDomain;
use crate::issue::{CertificateAuthority, NewAuthority, Validity};

/// Roots with their keys.
fn roots(count: usize) -> Vec<NewAuthority> {
    let domain = TrustDomain::parse("federation.example").unwrap();
    let validity = Validity::starting(1_900_000_000, 86_400);
    (0..count).map(|_| CertificateAuthority::create(&mut OsEntropy, &domain, validity, validity).unwrap()).collect()
}

#[test]
fn a_root_is_believed_by_a_chain_of_words_that_begins_at_a_trusted_one() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(read_text(folder.path()).unwrap(), "");
    let made = roots(4);
    let all: Vec<CertificateDer<'static>> = made.iter().map(|one| one.root.clone()).collect();
    for (root, by) in [(2, 1), (1, 0), (2, 1)] {
        vouch(folder.path(), &all[root], (&all[by], &made[by].root_key)).unwrap();
    }
    let text = read_text(folder.path()).unwrap();
    assert_eq!(text.lines().count(), 3, "the second word of one root for another takes the place of the first");
    let vouched = |roots: &[usize], trusted: &[usize], text: &str| {
        let chosen: Vec<_> = roots.iter().map(|place| all[*place].clone()).collect();
        all_vouched(&chosen, |root| trusted.iter().any(|place| all[*place] == *root), text)
    };
    let cases: [(&[usize], &[usize], bool); 8] = [
        (&[0], &[0], true),
        (&[0, 1], &[0], true),
        (&[2, 1, 0], &[0], true),
        (&[0, 2], &[0], false),
        (&[0, 1, 3], &[0], false),
        (&[1, 2], &[1], true),
        (&[0, 1], &[1], false),
        (&[0, 1, 2, 3], &[0, 3], true),
    ];
    for (roots, trusted, good) in cases {
        assert_eq!(vouched(roots, trusted, &text), Some(good), "{roots:?} by {trusted:?}");
    }
    assert_eq!((vouched(&[0], &[0], ""), vouched(&[0, 1], &[0], "")), (Some(true), Some(false)));
    assert_eq!((vouched(&[0], &[0], "words\n"), vouched(&[0], &[0], &format!("{text}more\n"))), (None, None));
}

#[test]
fn a_word_is_of_one_root_by_another_and_under_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let made = roots(3);
    let [own, next, other] = [0, 1, 2].map(|place: usize| made[place].root.clone());
    vouch(folder.path(), &next, (&own, &made[0].root_key)).unwrap();
    let text = read_text(folder.path()).unwrap();
    let word = || Word::parse(text.lines().nth(1).unwrap()).unwrap();
    assert!(is_word(&word(), &next, &own));
    assert!(!is_word(&word(), &other, &own) && !is_word(&word(), &next, &other));
    assert!(!is_word(&Word { root: Digest::of(&other), ..word() }, &other, &own), "the signature is over the root");
    assert!(!is_word(&Word { by: Digest::of(&other), ..word() }, &next, &other));
    assert!(!is_word(&Word { signature: vec![], ..word() }, &next, &own));
    // Of a text with more words than may be, the last are passed over.
    let filler: String =
        (0..WORDS_MAX).map(|_| Word { root: Digest::ZERO, by: Digest::ZERO, signature: vec![1] }.line()).collect();
    let line = word().line();
    let (first, last) = (format!("{TITLE}\n{line}{filler}"), format!("{TITLE}\n{filler}{line}"));
    let trusted = |text: &str| all_vouched(&[own.clone(), next.clone()], |root| *root == own, text);
    assert_eq!((trusted(&first), trusted(&last)), (Some(true), Some(false)));
    let fits = format!("{TITLE}\n{}{line}", filler.split_once('\n').unwrap().1);
    assert_eq!(trusted(&fits), Some(true));
}
