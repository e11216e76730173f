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
use crate::entropy::Entropy;
use crate::limits::{NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, SIGNATURE_BYTES_MAX};
use crate::secagg::suite::{ExchangePublic, SecretKey, Suite, SuiteError};
use crate::secagg::toy::{Toy, ToyField, ToyStream};
use crate::signature::{Signature, VerifyingKey};

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
    assert_eq!((journal.name(), journal.kind(), journal.key()), ("a/b", SignatureKind::Journal, &key));
    // Base64 has the sign that stands between the parts.
    let signs = NoteKey::new("a/b", SignatureKind::Witness, &VerifyingKey::ed25519([0xfb; 32])).unwrap();
    assert!(signs.to_string().ends_with("+/v7") && NoteKey::parse(&signs.to_string()) == Ok(signs));
    let short = VerifyingKey { bytes: vec![7; 31], ..key.clone() };
    for (name, key) in [("a/b", &short), ("a b", &key), ("", &key)] {
        assert_eq!(NoteKey::new(name, SignatureKind::Journal, key), Err(NoteFault::Key), "{name:?}");
    }
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
    // However long it says to be, no more is read of it than a key has.
    for (bytes, told) in [(3_888, NoteFault::Type { number: 6, name: "ML-DSA-44" }), (3_891, NoteFault::Key)] {
        assert_eq!(NoteKey::parse(&format!("a/b+01020304+{}", BASE64.encode(vec![6; bytes]))), Err(told));
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
    let longest = SignedCheckpoint::parse(&vec![b'a'; NOTE_BYTES_MAX]);
    assert!(matches!(longest, Err(NoteFault::Line { line: 1, .. })), "{longest:?}");
    let (front, line) = PUBLISHED.split_once("\n\n").unwrap();
    let signed = |name: &str, bytes: usize| {
        let text = format!("{front}\n\n\u{2014} {name} {}\n", BASE64.encode(vec![5; bytes]));
        SignedCheckpoint::parse(text.as_bytes()).is_ok()
    };
    // The key's number, a time, and the longest signature.
    let most = 4 + 12 + SIGNATURE_BYTES_MAX;
    assert!(signed("a/b", 5) && signed("a/b", most) && !signed("a/b", 4) && !signed("a/b", 3));
    assert!(!signed("a/b", most + 1) && !signed("a+b", 5) && !signed("", 5));
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
    // By another key it is one more, whether of the same name or the same number, up to the limit.
    for text in [PUBLISHED.replace("w1 jWbP", "w1 jWbQ"), PUBLISHED.replace("w1 jWbP", "w2 jWbP")] {
        let (mut note, one) =
            (other.clone(), SignedCheckpoint::parse(text.as_bytes()).unwrap().signatures()[1].clone());
        note.add(one.clone());
        assert_eq!(note.signatures(), [other.signatures(), &[one]].concat());
    }
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

/// The toy's signatures under the number of Ed25519, which alone has a type in a note.
struct Noted;

impl Suite for Noted {
    type Scalar = ToyField;
    type SigningKey = [u8; 32];
    type ExchangeSecret = (u64, u64);
    type Keystream = ToyStream;
    const TAG_BYTES: usize = Toy::TAG_BYTES;
    const SIGNATURES: &'static [SignatureAlgorithm] = &[SignatureAlgorithm::ED25519];

    fn sign(key: &[u8; 32], message: &[u8]) -> Signature {
        Signature { algorithm: SignatureAlgorithm::ED25519, ..Toy::sign(key, message) }
    }
    fn verifying_key(key: &[u8; 32]) -> VerifyingKey {
        VerifyingKey { algorithm: SignatureAlgorithm::ED25519, ..Toy::verifying_key(key) }
    }
    fn verify(key: &VerifyingKey, message: &[u8], signature: &Signature) -> bool {
        assert_eq!((key.algorithm, signature.algorithm), (SignatureAlgorithm::ED25519, SignatureAlgorithm::ED25519));
        let (key, signature) = (key.bytes.clone(), signature.bytes.clone());
        let algorithm = SignatureAlgorithm::TOY;
        Toy::verify(&VerifyingKey { algorithm, bytes: key }, message, &Signature { algorithm, bytes: signature })
    }
    fn exchange_keys(entropy: &mut dyn Entropy) -> ((u64, u64), ExchangePublic) {
        Toy::exchange_keys(entropy)
    }
    fn agree(secret: &(u64, u64), peer: &ExchangePublic) -> Result<SecretKey, SuiteError> {
        Toy::agree(secret, peer)
    }
    fn encapsulate(entropy: &mut dyn Entropy, peer: &ExchangePublic) -> Result<(Vec<u8>, SecretKey), SuiteError> {
        Toy::encapsulate(entropy, peer)
    }
    fn decapsulate(secret: &(u64, u64), ciphertext: &[u8]) -> Result<SecretKey, SuiteError> {
        Toy::decapsulate(secret, ciphertext)
    }
    fn extract(salt: &[u8], parts: &[&[u8]]) -> SecretKey {
        Toy::extract(salt, parts)
    }
    fn expand(key: &SecretKey, info: &[&[u8]]) -> SecretKey {
        Toy::expand(key, info)
    }
    fn seal(key: &SecretKey, associated: &[u8], text: &mut Vec<u8>) {
        Toy::seal(key, associated, text);
    }
    fn open(key: &SecretKey, associated: &[u8], text: &mut Vec<u8>) -> Result<(), SuiteError> {
        Toy::open(key, associated, text)
    }
    fn keystream(key: &SecretKey) -> ToyStream {
        Toy::keystream(key)
    }
}

const JOURNAL: [u8; 32] = [1; 32];
const WITNESS: [u8; 32] = [2; 32];
const OTHER: [u8; 32] = [3; 32];

/// The published checkpoint, and the lines of it that are signed.
fn published() -> (Checkpoint, &'static str) {
    let checkpoint = SignedCheckpoint::parse(PUBLISHED.as_bytes()).unwrap().checkpoint().clone();
    (checkpoint, &PUBLISHED[..=PUBLISHED.find("\n\n").unwrap()])
}

fn key(name: &str, kind: SignatureKind, key: &[u8; 32]) -> NoteKey {
    NoteKey::new(name, kind, &Noted::verifying_key(key)).unwrap()
}

/// A line of this name under this key's number, whatever was signed.
fn line(key: &NoteKey, bytes: &[u8]) -> NoteSignature {
    let number = Digest::of(&[key.name().as_bytes(), b"\n", &[0x04], &key.key().bytes].concat());
    let encoded = BASE64.encode([&number.0[..4], bytes].concat());
    let text = format!("{}\n\u{2014} {} {encoded}\n", published().1, key.name());
    SignedCheckpoint::parse(text.as_bytes()).unwrap().signatures()[0].clone()
}

#[test]
fn a_journals_key_signs_the_three_lines_and_each_line_by_it_must_verify() {
    let (checkpoint, text) = published();
    let note = SignedCheckpoint::sign::<Noted>(checkpoint.clone(), &JOURNAL).unwrap();
    let (origin, own) = (checkpoint.origin.clone(), Noted::verifying_key(&JOURNAL));
    let named = key(&origin, SignatureKind::Journal, &JOURNAL);
    let number = u32::from_str_radix(named.to_string().split('+').nth(1).unwrap(), 16).unwrap();
    let encoded = |signature: Signature| BASE64.encode([&number.to_be_bytes()[..], &signature.bytes].concat());
    let signed = |signature| format!("\u{2014} {origin} {}\n", encoded(signature));
    let good = signed(Noted::sign(&JOURNAL, text.as_bytes()));
    assert_eq!(note.to_string(), format!("{text}\n{good}"));
    assert_eq!(note.verify::<Noted>(&own), Ok(()));
    assert_eq!(SignedCheckpoint::parse(note.to_string().as_bytes()), Ok(note.clone()));

    let unsigned = Err(NoteFault::Unsigned { name: origin.clone() });
    assert_eq!(note.verify::<Noted>(&Noted::verifying_key(&OTHER)), unsigned, "by another key");
    let forged = Err(NoteFault::Forged { name: origin.clone() });
    let bad = signed(Noted::sign(&JOURNAL, b"something else"));
    for lines in [bad.clone(), [good.clone(), bad.clone()].concat(), [bad, good.clone()].concat()] {
        let note = SignedCheckpoint::parse(format!("{text}\n{lines}").as_bytes()).unwrap();
        assert_eq!(note.verify::<Noted>(&own), forged, "{lines}");
    }
    // The key's number under another name is another key's.
    let renamed = format!("{text}\n{}", good.replace(&origin, "north-bank/branch-01"));
    assert_eq!(SignedCheckpoint::parse(renamed.as_bytes()).unwrap().verify::<Noted>(&own), unsigned);
    let changed = note.to_string().replace("\n2085", "\n3085");
    assert_eq!(SignedCheckpoint::parse(changed.as_bytes()).unwrap().verify::<Noted>(&own), forged);
}

#[test]
fn a_witness_signs_the_checkpoint_with_the_time() {
    const NAME: &str = "north-bank/branch-01";
    let (checkpoint, text) = published();
    let witness = key(NAME, SignatureKind::Witness, &WITNESS);
    let bytes = |seconds: u64, signer: &[u8; 32]| {
        let signed = format!("cosignature/v1\ntime {seconds}\n{text}");
        [&seconds.to_be_bytes()[..], &Noted::sign(signer, signed.as_bytes()).bytes].concat()
    };
    for seconds in [0, 1_700_000_000, i64::MAX.cast_unsigned()] {
        let own = NoteSignature::by_witness::<Noted>(NAME, &WITNESS, &checkpoint, seconds).unwrap();
        assert_eq!((own.name(), &own), (NAME, &line(&witness, &bytes(seconds, &WITNESS))));
        assert_eq!(own.witnessed::<Noted>(&witness, &checkpoint), Ok(seconds));
    }
    let forged = Err(NoteFault::Forged { name: NAME.into() });
    let mut moved = bytes(5, &WITNESS);
    moved[7] = 6;
    // A time that no clock has, another's signature, another time than the signed one, and less than a time.
    for bytes in [bytes(1 << 63, &WITNESS), bytes(5, &OTHER), moved, vec![0; 7]] {
        assert_eq!(line(&witness, &bytes).witnessed::<Noted>(&witness, &checkpoint), forged);
    }
    let own = NoteSignature::by_witness::<Noted>(NAME, &WITNESS, &checkpoint, 5).unwrap();
    let longer = Checkpoint { size: checkpoint.size + 1, ..checkpoint.clone() };
    assert_eq!(own.witnessed::<Noted>(&witness, &longer), forged);

    // Other keys: of another member, of another name, and the same one as a journal's.
    for other in [
        key(NAME, SignatureKind::Witness, &OTHER),
        key("north-bank/branch-02", SignatureKind::Witness, &WITNESS),
        key(NAME, SignatureKind::Journal, &WITNESS),
    ] {
        let unsigned = Err(NoteFault::Unsigned { name: other.name().into() });
        assert_eq!(own.witnessed::<Noted>(&other, &checkpoint), unsigned, "{other}");
    }
    let journal = key(NAME, SignatureKind::Journal, &WITNESS);
    let mut signed =
        SignedCheckpoint::sign::<Noted>(Checkpoint { origin: NAME.into(), ..checkpoint }, &WITNESS).unwrap();
    let unsigned = Err(NoteFault::Unsigned { name: NAME.into() });
    assert_eq!(signed.signatures()[0].witnessed::<Noted>(&journal, signed.checkpoint()), unsigned, "it has no time");

    // In a note each witness's line is found by its key.
    assert_eq!(signed.witnessed::<Noted>(&witness), unsigned);
    for (seed, seconds) in [(OTHER, 7), (WITNESS, 8)] {
        signed.add(NoteSignature::by_witness::<Noted>(NAME, &seed, signed.checkpoint(), seconds).unwrap());
    }
    assert_eq!(signed.witnessed::<Noted>(&witness), Ok(8));
    assert_eq!(signed.witnessed::<Noted>(&key(NAME, SignatureKind::Witness, &OTHER)), Ok(7));
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
