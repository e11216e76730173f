use tributary_protocol::digest::Digest;

use super::*;

#[test]
fn a_pseudonym_is_of_one_key_one_domain_and_one_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pseudonym.key");
    let key = PseudonymKey::make(&path).unwrap();
    assert!(matches!(PseudonymKey::make(&path), Err(FileError::Exists { .. })));
    let again = PseudonymKey::read(&path).unwrap();
    assert_eq!(key.of("a", b"7"), again.of("a", b"7"));
    let other = PseudonymKey::make(&folder.path().join("other.key")).unwrap();
    for tag in [key.of("a", b"8"), key.of("b", b"7"), key.of("a7", b""), other.of("a", b"7")] {
        assert_ne!(tag, key.of("a", b"7"));
    }
    let text = std::fs::read_to_string(&path).unwrap();
    for broken in ["", &text[..text.len() - 2], &format!("{text}0"), &text.replace("key 1", "key 2")] {
        write_private(&path, broken.as_bytes(), Existing::Replace).unwrap();
        assert!(PseudonymKey::read(&path).is_err(), "{broken:?}");
    }
}

#[test]
fn a_pseudonym_is_the_known_answer_of_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pseudonym.key");
    let digits = |digits: &str| {
        write_private(&path, format!("{TITLE}{digits}\n").as_bytes(), Existing::Replace).unwrap();
        PseudonymKey::read(&path)
    };
    let good = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";
    // By another program: HMAC-SHA256 over the length of the domain in 8 bytes, the domain and the bytes.
    let tag = Digest(digits(good).unwrap().of("customers", b"4711"));
    assert_eq!(tag.to_string(), "fff05c374c2fcaf77a982b34785b5c325a967b96af6963206beb0a015b140511");
    for bad in [
        &good[2..],
        &format!("{good}21"),
        &format!("{good}2"),
        &good[1..],
        &good.replace('a', "g"),
        &format!(" {}", &good[1..]),
    ] {
        assert!(digits(bad).is_err(), "{bad}");
    }
}

/// No pseudonym is made with a key that is not there the next time.
#[cfg(unix)]
#[test]
fn a_key_that_was_not_written_is_not_used() {
    let failed = tributary_storage::faults::each_sync_fails_once(
        || tempfile::tempdir().unwrap(),
        |folder| {
            let path = folder.path().join("pseudonym.key");
            let key = PseudonymKey::make(&path)?;
            assert_eq!(PseudonymKey::read(&path)?.of("a", b"7"), key.of("a", b"7"));
            Ok::<_, FileError>(())
        },
    );
    assert!(failed > 0);
}
