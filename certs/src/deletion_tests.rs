use super::*;
use crate::entropy::OsEntropy;

fn removed(name: &str) -> Removed {
    let digest = Digest::of(name.as_bytes()).to_string();
    Removed { kind: "scores".into(), name: name.into(), digest, rule: "scores_days = 90".into() }
}

fn row(key: &SigningKey, count: u32) -> Vec<DeletionCertificate> {
    let mut row: Vec<DeletionCertificate> = Vec::new();
    for number in 1..=count {
        let previous = row.last().map_or(Digest::ZERO, DeletionCertificate::digest);
        let gone = ["b", "a"].map(|name| removed(&format!("{name}{number}"))).to_vec();
        row.push(DeletionCertificate::sign(key, "bank/branch-1", (number, previous), 9, gone));
    }
    row
}

#[test]
fn a_row_is_whole_and_each_change_of_it_is_named() {
    let (key, other) = (SigningKey::generate(&mut OsEntropy), SigningKey::generate(&mut OsEntropy));
    let good = row(&key, 3);
    let own = [key.verifying_key()];
    assert_eq!(verify_deletions(&good, &own), Ok(()));
    let read: Vec<_> = good.iter().map(|one| DeletionCertificate::parse(&one.to_bytes()).unwrap()).collect();
    assert_eq!(read, good);
    assert_eq!(verify_deletions(&good, &[other.verifying_key()]).unwrap_err().to_string().split(' ').nth(1), Some("1"));
    assert_eq!(verify_deletions(&[good[0].clone(), good[2].clone()], &own), Err(DeletionFault::Missing(2)));
    assert_eq!(verify_deletions(&good[1..], &own), Err(DeletionFault::Missing(1)));
    type Lie = fn(&mut DeletionCertificate);
    let lies: [Lie; 8] = [
        |one| one.at += 1,
        |one| one.branch.push('0'),
        |one| one.previous = Digest::ZERO.to_string(),
        |one| one.removed[0].name.push('0'),
        |one| one.removed[0].digest = Digest::ZERO.to_string(),
        |one| one.removed[1].rule.push('0'),
        |one| one.removed.truncate(1),
        |one| one.removed.swap(0, 1),
    ];
    for (place, lie) in lies.into_iter().enumerate() {
        let mut row = good.clone();
        lie(&mut row[1]);
        assert_eq!(verify_deletions(&row, &own), Err(DeletionFault::Signature(2)), "lie {place}");
    }
    // Signed again it does not follow, and what follows it does not follow from it.
    let mut row = good.clone();
    row[1] = DeletionCertificate::sign(&key, "bank/branch-1", (2, good[0].digest()), 9, vec![removed("c")]);
    assert_eq!(verify_deletions(&row, &own), Err(DeletionFault::Chain(3)));
    row[1] = DeletionCertificate::sign(&other, "bank/branch-1", (2, good[0].digest()), 9, good[1].removed.clone());
    assert!(matches!(verify_deletions(&row, &own), Err(DeletionFault::Key { number: 2, .. })));
}

/// What is signed stands still: a release that signs something else would break every certificate that was written.
#[test]
fn a_certificate_that_differs_anywhere_has_another_digest() {
    let good = row(&SigningKey::from_seed(&[1; 32]), 1).remove(0);
    let names: Vec<&str> = good.removed.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["a1", "b1"], "in their order");
    assert_eq!(good.digest().to_string(), "f043845124e29be03810c663b326fe995e2cc950af5d050bc2708497af50f648");
    type Change = fn(&mut DeletionCertificate);
    let changes: [Change; 10] = [
        |one| one.branch.push('0'),
        |one| one.number += 1,
        |one| one.at += 1,
        |one| one.previous.push('0'),
        |one| one.key.push('0'),
        |one| one.removed[0].kind.push('0'),
        |one| one.removed[0].name.push('0'),
        |one| one.removed[0].digest.push('0'),
        |one| one.removed[0].rule.push('0'),
        |one| drop(one.removed.pop()),
    ];
    for (place, change) in changes.into_iter().enumerate() {
        let mut other = good.clone();
        change(&mut other);
        assert!(other.digest() != good.digest() && !other.is_signed(), "change {place}");
    }
}

#[test]
fn what_is_no_certificate_is_not_read() {
    let key = SigningKey::generate(&mut OsEntropy);
    let good = String::from_utf8(row(&key, 1)[0].to_bytes()).unwrap();
    for (part, other) in
        [("\"format\": 1", "\"format\": 2"), ("\"at\"", "\"when\""), ("scores_days = 90", "two\\nlines"), ("{", "[")]
    {
        assert!(good.contains(part));
        assert_eq!(DeletionCertificate::parse(good.replacen(part, other, 1).as_bytes()), None, "{other}");
    }
    let digest = Digest::of(b"a1").to_string();
    for other in [&digest[1..], "a list", ""] {
        assert_eq!(DeletionCertificate::parse(good.replacen(&digest, other, 1).as_bytes()), None, "{other}");
    }
    assert!(good.ends_with("}\n"), "the file is a text of lines");
}

/// Whoever shows a certificate shows its texts: none of them moves the cursor, hides a word, or writes a line of its own.
#[test]
fn a_text_that_a_screen_would_obey_is_in_no_certificate() {
    let key = SigningKey::generate(&mut OsEntropy);
    let text = |other: &str| serde_json::Value::from(other);
    let good: serde_json::Value = serde_json::from_slice(&row(&key, 1)[0].to_bytes()).unwrap();
    let parsed = |value: &serde_json::Value| DeletionCertificate::parse(value.to_string().as_bytes());
    assert!(parsed(&good).is_some());
    let places = ["/branch", "/previous", "/key", "/signature"].map(str::to_owned).into_iter();
    let removed = ["kind", "name", "digest", "rule"].map(|name| format!("/removed/1/{name}"));
    for place in places.chain(removed) {
        for other in
            ["\u{1b}[2J", "a\nb", "a\rb", "a\u{7}", "a\u{202e}b", "a\u{200b}b", &"x".repeat(TEXT_BYTES_MAX + 1)]
        {
            let mut value = good.clone();
            *value.pointer_mut(&place).unwrap() = text(other);
            assert_eq!(parsed(&value), None, "{place}: {other:?}");
        }
    }
}

#[test]
fn texts_are_read_up_to_their_limit_and_whoever_names_no_key_trusts_each() {
    let (key, other) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
    let good = row(&key, 2);
    assert_eq!(verify_deletions(&good, &[]), Ok(()));
    assert_eq!(verify_deletions(&good, &[other.verifying_key(), key.verifying_key()]), Ok(()));
    assert_eq!(verify_deletions(&[], &[other.verifying_key()]), Ok(()));
    let of = |rule: String| {
        let removed = Removed { rule, ..removed("a") };
        let certificate = DeletionCertificate::sign(&key, "bank/branch-1", (1, Digest::ZERO), 9, vec![removed]);
        DeletionCertificate::parse(&certificate.to_bytes()).is_some()
    };
    let longest = "\u{e4}".repeat(TEXT_BYTES_MAX / 2);
    assert!(of(longest.clone()) && !of(longest + "x"));
    // Another branch's certificate in the row, signed and numbered as it should be.
    let mut mixed = good;
    let digest = mixed[0].digest();
    mixed[1] = DeletionCertificate::sign(&key, "bank/branch-2", (2, digest), 9, vec![removed("a")]);
    assert_eq!(verify_deletions(&mixed, &[key.verifying_key()]), Err(DeletionFault::Chain(2)));
}
