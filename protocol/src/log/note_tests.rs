#![expect(clippy::indexing_slicing, reason = "a test that indexes wrongly fails, as it should")]

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use proptest::prelude::*;

use super::*;
use crate::algorithm::SignatureAlgorithm;
use crate::digest::Digest;
use crate::limits::{NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX};
use crate::signature::VerifyingKey;

/// From the specifications of C2SP: a checkpoint with its log's signature and a witness's.
const PUBLISHED: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
    \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

#[test]
fn the_published_example_is_read_and_printed() {
    let note = SignedCheckpoint::parse(PUBLISHED.as_bytes()).unwrap();
    assert_eq!(
        (note.checkpoint().origin.as_str(), note.checkpoint().size),
        ("example.com/behind-the-sofa", 20_852_163)
    );
    let names: Vec<_> = note.signatures().iter().map(NoteSignature::name).collect();
    assert_eq!(names, ["example.com/behind-the-sofa", "witness.example.com/w1"]);
    assert_eq!(note.to_string(), PUBLISHED);
    let bare = note.bare();
    assert_eq!((bare.signatures(), bare.checkpoint()), (&note.signatures()[..1], note.checkpoint()));
}

/// Frozen: key numbers stand in every note, and others compute the same.
#[test]
fn keys_have_the_numbers_and_texts_of_the_specification() {
    let key = VerifyingKey::ed25519([7; 32]);
    let journal = NoteKey::new("a/b", SignatureKind::Journal, &key).unwrap();
    let number = |kind: u8| {
        let digest = Digest::of(&[b"a/b\n".as_slice(), &[kind], &[7; 32]].concat());
        digest.to_string()[..8].to_string()
    };
    let encoded = |kind: u8| BASE64.encode([vec![kind], vec![7; 32]].concat());
    assert_eq!(journal.to_string(), format!("a/b+{}+{}", number(1), encoded(1)));
    assert_eq!(NoteKey::parse(&format!("{journal}\n")).unwrap(), journal);
    let witness = NoteKey::new("a/b", SignatureKind::Witness, &key).unwrap();
    assert_eq!(witness.to_string(), format!("a/b+{}+{}", number(4), encoded(4)));
    assert_ne!(journal.to_string()[..12], witness.to_string()[..12]);
    for text in [
        "",
        "a/b",
        "a/b+01020304",
        "a/b+01020304+!!",
        &format!("a/b+00000000+{}", encoded(1)),
        &format!("a b{}", &journal.to_string()[3..]),
    ] {
        assert_eq!(NoteKey::parse(text), Err(NoteFault::Key), "{text}");
    }
}

#[test]
fn other_types_and_algorithms_are_refused_by_name() {
    for (kind, name) in
        [(2, "ECDSA"), (5, "RFC 6962"), (6, "ML-DSA-44"), (9, "not assigned"), (255, "without a number")]
    {
        let text = format!("a/b+01020304+{}", BASE64.encode([vec![kind], vec![7; 1_312]].concat()));
        let told = NoteKey::parse(&text).unwrap_err().to_string();
        assert!(told.contains(name) && told.contains(&format!("{kind:#04x}")), "{told}");
    }
    let later = VerifyingKey { algorithm: SignatureAlgorithm::of_number(3), bytes: vec![1; 1_952] };
    let told = NoteKey::new("a/b", SignatureKind::Journal, &later).unwrap_err().to_string();
    assert!(told.contains("algorithm-3"), "{told}");
}

#[test]
fn a_note_is_read_the_one_way_that_it_is_printed() {
    let bad: [(&str, String); 12] = [
        ("no last line feed", PUBLISHED.trim_end().into()),
        ("a second empty line", PUBLISHED.replace("\n\n", "\n\n\n")),
        ("an extension line", PUBLISHED.replace("\n\n", "\nmore\n\n")),
        ("a leading zero", PUBLISHED.replace("\n2085", "\n02085")),
        ("a sign", PUBLISHED.replace("\n2085", "\n+2085")),
        ("too large a size", PUBLISHED.replace("20852163", "18446744073709551616")),
        ("a root without its padding", PUBLISHED.replace("q2I=", "q2I")),
        ("a root with other last bits", PUBLISHED.replace("q2I=", "q2J=")),
        ("a hyphen", PUBLISHED.replace('\u{2014}', "-")),
        ("two spaces", PUBLISHED.replace("w1 j", "w1  j")),
        ("a name of others' letters", PUBLISHED.replace("behind", "behínd")),
        ("no signature", PUBLISHED.split_inclusive("\n\n").next().unwrap().into()),
    ];
    for (what, text) in bad {
        assert!(SignedCheckpoint::parse(text.as_bytes()).is_err(), "{what}");
    }
    let told = SignedCheckpoint::parse(&[0xff]).unwrap_err().to_string();
    assert!(told.contains("line 1"), "{told}");
    let long = SignedCheckpoint::parse(&vec![b'a'; NOTE_BYTES_MAX + 1]);
    assert_eq!(long, Err(NoteFault::TooLong { bytes: NOTE_BYTES_MAX + 1 }));
    let (front, line) = PUBLISHED.split_once("\n\n").unwrap();
    let short = "\u{2014} a AAAAAAA=\n";
    let many = |count| format!("{front}\n\n{}", short.repeat(count));
    assert!(SignedCheckpoint::parse(many(NOTE_SIGNATURES_MAX).as_bytes()).is_ok());
    assert_eq!(SignedCheckpoint::parse(many(NOTE_SIGNATURES_MAX + 1).as_bytes()), Err(NoteFault::Signatures));
    assert!(!line.is_empty());
}

#[test]
fn a_signature_by_the_same_key_takes_the_earlier_ones_place() {
    let mut note = SignedCheckpoint::parse(PUBLISHED.as_bytes()).unwrap();
    let other = PUBLISHED.replace("nA==", "nQ==");
    let other = SignedCheckpoint::parse(other.as_bytes()).unwrap();
    note.add(other.signatures()[1].clone());
    assert_eq!(note, other);
    // By another key it is one more, up to the limit.
    let mut note = other.bare();
    note.add(other.signatures()[1].clone());
    assert_eq!(note, other);
    let witness = |number: usize| {
        let text = PUBLISHED.replace("witness.example.com/w1", &format!("witness.example.com/w{number}"));
        SignedCheckpoint::parse(text.as_bytes()).unwrap().signatures()[1].clone()
    };
    (0..NOTE_SIGNATURES_MAX + 3).for_each(|number| note.add(witness(number)));
    let names: Vec<_> = note.signatures().iter().map(|line| line.name().to_string()).collect();
    // The journal's own and the first witness were there before.
    let last = format!("witness.example.com/w{}", NOTE_SIGNATURES_MAX - 2);
    assert_eq!((names.len(), names.last()), (NOTE_SIGNATURES_MAX, Some(&last)));
}

proptest! {
    #[test]
    fn whatever_is_read_is_printed_as_it_was(position in 0..PUBLISHED.len(), byte: u8, cut in 0..PUBLISHED.len()) {
        let mut changed = PUBLISHED.as_bytes().to_vec();
        changed[position] = byte;
        for text in [changed.as_slice(), &PUBLISHED.as_bytes()[..cut]] {
            if let Ok(note) = SignedCheckpoint::parse(text) {
                let printed = note.to_string();
                prop_assert_eq!(printed.as_bytes(), text);
            }
        }
    }

    #[test]
    fn any_text_is_judged(text in "\\PC*", key in "[a-z/]{0,5}[+][0-9a-f]{0,9}[+][A-Za-z0-9+/=]{0,60}") {
        let _ = SignedCheckpoint::parse(text.as_bytes());
        if let Ok(parsed) = NoteKey::parse(&key) {
            prop_assert_eq!(parsed.to_string(), key);
        }
    }
}
