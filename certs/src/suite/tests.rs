use ctr::cipher::{KeyIvInit, StreamCipher};

use super::*;
use crate::entropy::OsEntropy;
use tributary_protocol::algorithm::UnknownAlgorithm;
use tributary_protocol::secagg::suite::{FieldElement, Keystream};

/// Bytes of an ML-KEM-768 encapsulation key (FIPS 203, table 3).
const ENCAPSULATION_KEY_BYTES: usize = 1_184;

fn hex<const N: usize>(text: &str) -> [u8; N] {
    let bytes: Vec<u8> = (0..N).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect();
    assert_eq!(text.len(), 2 * N);
    bytes.try_into().unwrap()
}

fn secret_of(diffie_hellman: [u8; 32]) -> ExchangeSecret {
    let encapsulation = DecapsulationKey::generate(&ML_KEM_768).unwrap();
    ExchangeSecret { diffie_hellman: StaticSecret::from(diffie_hellman), encapsulation }
}

fn public_of(diffie_hellman: [u8; 32]) -> ExchangePublic {
    ExchangePublic { algorithm: EXCHANGE, diffie_hellman: diffie_hellman.to_vec(), encapsulation: vec![] }
}

/// RFC 7748, section 6.1.
#[test]
fn x25519_agrees_with_the_rfc() {
    let alice = secret_of(hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
    let bob = secret_of(hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
    let alice_public = hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    let bob_public = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    let shared: [u8; 32] = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_eq!(PublicKey::from(&alice.diffie_hellman).to_bytes(), alice_public);
    assert_eq!(RealSuite::agree(&alice, &public_of(bob_public)).unwrap().expose(), &shared);
    assert_eq!(RealSuite::agree(&bob, &public_of(alice_public)).unwrap().expose(), &shared);
}

/// The points of order 1, 2, 4 and 8 on the curve (RFC 7748, section 6.1, warns of the all-zero result).
#[test]
fn an_all_zero_agreement_is_refused() {
    let (secret, _) = RealSuite::exchange_keys(&mut OsEntropy);
    let small_order = [
        [0; 32],
        hex("0100000000000000000000000000000000000000000000000000000000000000"),
        hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        hex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    ];
    for point in small_order {
        assert_eq!(RealSuite::agree(&secret, &public_of(point)).err(), Some(SuiteError::Malformed));
    }
}

/// RFC 8032, section 7.1, tests 1 and 3.
#[test]
fn ed25519_signs_as_the_rfc_does() {
    let vectors: [(&str, &str, &[u8], &str); 2] = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            b"",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            &[0xaf, 0x82],
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ];
    for (seed, public, message, signature) in vectors {
        let key = SigningKey::from_seed(&hex(seed));
        assert_eq!(RealSuite::verifying_key(&key), VerifyingKey::ed25519(hex(public)));
        assert_eq!(RealSuite::sign(&key, message), Signature::ed25519(hex(signature)));
        assert!(RealSuite::verify(&VerifyingKey::ed25519(hex(public)), message, &Signature::ed25519(hex(signature))));
    }
}

#[test]
fn ed25519_refuses_every_alteration() {
    let key = SigningKey::generate(&mut OsEntropy);
    let public = key.verifying_key();
    let signature = RealSuite::sign(&key, b"message");
    assert!(RealSuite::verify(&public, b"message", &signature));
    assert!(!RealSuite::verify(&public, b"massage", &signature));
    assert!(!RealSuite::verify(&SigningKey::generate(&mut OsEntropy).verifying_key(), b"message", &signature));
    assert!(!RealSuite::verify(
        &public,
        b"message",
        &Signature { bytes: signature.bytes[..63].to_vec(), ..signature.clone() }
    ));
    assert!(!RealSuite::verify(&public, b"message", &Signature { bytes: vec![], ..signature.clone() }));
    for byte in 0..64 {
        let mut altered = signature.clone();
        altered.bytes[byte] ^= 1;
        assert!(!RealSuite::verify(&public, b"message", &altered), "byte {byte}");
    }
}

/// With the identity as key and as R, and s = 0, the plain equation holds for every message; strict verification refuses the key.
#[test]
fn ed25519_refuses_a_key_of_small_order() {
    let identity: [u8; 32] = hex("0100000000000000000000000000000000000000000000000000000000000000");
    let forged = Signature::ed25519([identity, [0; 32]].concat().try_into().unwrap());
    assert!(!RealSuite::verify(&VerifyingKey::ed25519(identity), b"any message", &forged));
}

/// RFC 5869, appendix A, tests 1 and 3, of which the first 32 bytes of output are compared.
#[test]
fn hkdf_derives_as_the_rfc_does() {
    let input = [0x0b; 22];
    let salt: [u8; 13] = hex("000102030405060708090a0b0c");
    let info: [u8; 10] = hex("f0f1f2f3f4f5f6f7f8f9");
    let key = RealSuite::extract(&salt, &[&input[..5], &input[5..]]);
    assert_eq!(key.expose(), &hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"));
    let output: [u8; 32] = hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
    assert_eq!(RealSuite::expand(&key, &[&info]).expose(), &output);
    assert_eq!(RealSuite::expand(&key, &[&info[..4], &[], &info[4..]]).expose(), &output);

    let key = RealSuite::extract(&[], &[&input]);
    assert_eq!(key.expose(), &hex("19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04"));
    let output: [u8; 32] = hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
    assert_eq!(RealSuite::expand(&key, &[]).expose(), &output);
}

/// The key of SP 800-38A, F.5.5.
const CTR_KEY: &str = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";

/// Another implementation of the same mode, to hold the generator against.
type CounterMode = ctr::Ctr128BE<aes::Aes256>;

/// NIST SP 800-38A, F.5.5 (CTR-AES256.Encrypt), whose counter is none that a mask reaches.
#[test]
fn the_yardstick_of_the_mask_generator_agrees_with_sp_800_38a() {
    let mut text: [u8; 64] = hex(concat!(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    ));
    let counter: [u8; 16] = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    CounterMode::new(&hex(CTR_KEY).into(), &counter.into()).apply_keystream(&mut text);
    let expected: [u8; 64] = hex(concat!(
        "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5",
        "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"
    ));
    assert_eq!(text, expected);
}

/// Computed with an independent implementation (OpenSSL): the same key, counter from 0, and at block 2^32 - 1, where a 32-bit counter wraps.
#[test]
fn the_mask_generator_counts_in_128_bits_from_zero() {
    let mut stream = RealSuite::keystream(&SecretKey::new(hex(CTR_KEY)));
    let mut start = [0xff_u8; 64];
    stream.fill(&mut start);
    let expected: [u8; 64] = hex(concat!(
        "e568f68194cf76d6174d4cc04310a85491151e5d0b7a1f1bc0d7acd0ae3e51e4",
        "170e23d1735cd2d579e63a887bc9c813480d3ceda63605659579b51694e2b82e"
    ));
    assert_eq!(start, expected);
    let mut far = [0xff_u8; 32];
    stream.seek(16 * u64::from(u32::MAX));
    stream.fill(&mut far);
    assert_eq!(far, hex("55660ce5e9c1cf3d6bbdd2ccf42434979ff73b5d5d7c596928427adf292d10ff"));
}

#[test]
fn pieces_of_a_mask_equal_the_whole() {
    let key = SecretKey::new(OsEntropy.bytes32());
    let mut whole = vec![0; 5_000];
    RealSuite::keystream(&key).fill(&mut whole);
    let mut stream = RealSuite::keystream(&key);
    for (start, length) in [(4_096, 904), (0, 8), (16, 24), (48, 1), (1_024, 3_000)] {
        let mut piece = vec![0x55; length];
        stream.seek(start as u64);
        stream.fill(&mut piece);
        assert_eq!(piece, whole[start..start + length]);
    }
    let mut stream = RealSuite::keystream(&key);
    let mut joined = vec![0xaa; 5_000];
    for piece in joined.chunks_mut(104) {
        stream.fill(piece);
    }
    assert_eq!(joined, whole);
}

proptest::proptest! {
    /// Starts far behind one another, and pieces of every length, with blocks begun and ended in them.
    #[test]
    fn the_mask_generator_is_counter_mode(
        key: [u8; 32],
        block in 0..=u64::MAX / 32,
        lengths in proptest::collection::vec(0..700_usize, 1..6),
    ) {
        let mut stream = RealSuite::keystream(&SecretKey::new(key));
        stream.seek(16 * block);
        let mut other = CounterMode::new(&key.into(), &u128::from(block).to_be_bytes().into());
        for length in lengths {
            let (mut piece, mut expected) = (vec![0x55; length], vec![0; length]);
            stream.fill(&mut piece);
            other.apply_keystream(&mut expected);
            proptest::prop_assert_eq!(piece, expected);
        }
    }
}

#[test]
#[should_panic(expected = "whole blocks")]
fn a_mask_is_not_addressed_inside_a_block() {
    RealSuite::keystream(&SecretKey::new([1; 32])).seek(8);
}

fn sealed(key: &SecretKey, associated: &[u8], text: &[u8]) -> Vec<u8> {
    let mut text = text.to_vec();
    RealSuite::seal(key, associated, &mut text);
    text
}

fn opened(key: &SecretKey, associated: &[u8], text: &[u8]) -> Result<Vec<u8>, SuiteError> {
    let mut text = text.to_vec();
    RealSuite::open(key, associated, &mut text).map(|()| text)
}

/// The McGrew-Viega test cases 13 and 14 for AES-256-GCM, whose nonce is zero as ours, and one with a header from OpenSSL.
#[test]
fn sealing_agrees_with_published_vectors() {
    let zero = SecretKey::new([0; 32]);
    assert_eq!(sealed(&zero, b"", b""), hex::<16>("530f8afbc74536b9a963b4f1c4cb738b"));
    assert_eq!(
        sealed(&zero, b"", &[0; 16]),
        hex::<32>("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
    );
    let text = sealed(&SecretKey::new(hex(CTR_KEY)), b"header", b"sealed");
    assert_eq!(text, hex::<22>("646b42bd1638ab0862dc8fd473edbbf21164aa92f558"));
}

#[test]
fn opening_refuses_every_alteration() {
    let key = SecretKey::new([3; 32]);
    let sealed = sealed(&key, b"from 1 to 2", b"shares");
    assert_eq!(sealed.len(), b"shares".len() + RealSuite::TAG_BYTES);
    assert_eq!(opened(&key, b"from 1 to 2", &sealed).unwrap(), b"shares");
    let unauthentic = Err(SuiteError::Unauthentic);
    assert_eq!(opened(&SecretKey::new([4; 32]), b"from 1 to 2", &sealed), unauthentic);
    assert_eq!(opened(&key, b"from 1 to 3", &sealed), unauthentic);
    for length in 0..sealed.len() {
        assert_eq!(opened(&key, b"from 1 to 2", &sealed[..length]), unauthentic);
    }
    for byte in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[byte] ^= 0x80;
        assert_eq!(opened(&key, b"from 1 to 2", &altered), unauthentic);
    }
}

#[test]
fn both_ends_of_an_exchange_hold_the_same_secrets() {
    let (alice, alice_public) = RealSuite::exchange_keys(&mut OsEntropy);
    let (bob, bob_public) = RealSuite::exchange_keys(&mut OsEntropy);
    assert_eq!(alice_public.encapsulation.len(), ENCAPSULATION_KEY_BYTES);
    let (ciphertext, to_bob) = RealSuite::encapsulate(&mut OsEntropy, &bob_public).unwrap();
    assert_eq!(ciphertext.len(), ENCAPSULATION_CIPHERTEXT_BYTES);
    assert_eq!(RealSuite::decapsulate(&bob, &ciphertext).unwrap().expose(), to_bob.expose());
    let shared = RealSuite::agree(&alice, &bob_public).unwrap();
    assert_eq!(RealSuite::agree(&bob, &alice_public).unwrap().expose(), shared.expose());
}

/// FIPS 203: section 7.2 (an encapsulation key with a coefficient above q is refused), 7.3 (lengths), 6.3 (implicit rejection).
#[test]
fn malformed_encapsulations_are_refused_and_tampered_ones_give_another_secret() {
    let (bob, public) = RealSuite::exchange_keys(&mut OsEntropy);
    let malformed = Some(SuiteError::Malformed);
    for bytes in [vec![], vec![0; ENCAPSULATION_KEY_BYTES - 1], vec![0xff; ENCAPSULATION_KEY_BYTES]] {
        let peer = ExchangePublic { encapsulation: bytes, ..public.clone() };
        assert_eq!(RealSuite::encapsulate(&mut OsEntropy, &peer).err(), malformed);
    }
    let (mut ciphertext, secret) = RealSuite::encapsulate(&mut OsEntropy, &public).unwrap();
    assert_eq!(RealSuite::decapsulate(&bob, &ciphertext[1..]).err(), malformed);
    assert_eq!(RealSuite::decapsulate(&bob, &[]).err(), malformed);
    ciphertext[500] ^= 1;
    assert_ne!(RealSuite::decapsulate(&bob, &ciphertext).unwrap().expose(), secret.expose());
}

#[test]
fn share_scalars_are_a_field_and_parse_canonically() {
    let [a, b, c] = [(); 3].map(|()| ShareScalar::random(&mut OsEntropy));
    let one = ShareScalar::from_u64(1);
    assert!(a * (b + c) == a * b + a * c);
    assert!((a - b) + b == a);
    assert!(a * a.invert() == one);
    assert!(ShareScalar::from_bytes(a.to_bytes()) == Some(a));
    let order: [u8; 32] = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    assert!(ShareScalar::from_bytes(order).is_none());
    assert!(ShareScalar::from_bytes([0xff; 32]).is_none());
    let mut below = order;
    below[0] -= 1;
    assert!(ShareScalar::from_bytes(below).unwrap() + one == ShareScalar::from_u64(0));
    assert_eq!(ShareScalar::from_u64(0x0102).to_bytes()[..3], [2, 1, 0]);
}

#[test]
#[should_panic(expected = "distinct")]
fn zero_has_no_inverse() {
    let _ = ShareScalar::from_u64(0).invert();
}

#[test]
fn keys_travel_between_threads() {
    fn shared<T: Send + Sync>() {}
    fn movable<T: Send>() {}
    shared::<SigningKey>();
    shared::<ExchangeSecret>();
    movable::<MaskStream>();
}

/// The answer wherever the inherent constant of [`implements!`] does not exist.
trait Otherwise {
    const ANSWER: bool = false;
}
impl<T> Otherwise for T {}

/// Whether a type implements a trait, answered without requiring it: an inherent constant wins over the trait's where its bound holds.
macro_rules! implements {
    ($type:ty: $bound:path) => {{
        struct Probe<T>(core::marker::PhantomData<T>);
        #[allow(dead_code, reason = "absent for most of the types asked about, which is the point")]
        impl<T: $bound> Probe<T> {
            const ANSWER: bool = true;
        }
        Probe::<$type>::ANSWER
    }};
}

#[test]
fn secrets_cannot_be_printed_or_copied() {
    use std::fmt::{Debug, Display};
    assert!(implements!(VerifyingKey: Debug), "the probe itself works");
    assert!(!implements!(SigningKey: Debug) && !implements!(SigningKey: Display) && !implements!(SigningKey: Clone));
    assert!(!implements!(ExchangeSecret: Debug) && !implements!(ExchangeSecret: Clone));
    assert!(!implements!(ShareScalar: Debug) && !implements!(ShareScalar: Display));
    assert!(!implements!(MaskStream: Debug) && !implements!(MaskStream: Clone));
    assert!(
        !implements!(SecretKey: Debug) && !implements!(SecretKey: Display) && !implements!(SecretKey: serde::Serialize)
    );
}

#[test]
fn signatures_verified_together_are_all_valid_or_refused() {
    let keys: Vec<SigningKey> = (0..12).map(|_| SigningKey::generate(&mut OsEntropy)).collect();
    let signatures: Vec<_> = keys.iter().map(|key| RealSuite::sign(key, b"one survivor set")).collect();
    let public: Vec<VerifyingKey> = keys.iter().map(SigningKey::verifying_key).collect();
    let listed: Vec<_> = public.iter().zip(&signatures).collect();
    assert!(RealSuite::verify_all(b"one survivor set", &listed));
    assert!(!RealSuite::verify_all(b"another survivor set", &listed));
    for index in 0..listed.len() {
        let mut swapped = listed.clone();
        swapped[index].1 = listed[(index + 1) % listed.len()].1;
        assert!(!RealSuite::verify_all(b"one survivor set", &swapped), "signature {index}");
    }
    assert!(RealSuite::verify_all(b"nobody signs", &[]));
}

/// The key's algorithm decides, alone and together; what a signature claims beside it makes nothing valid.
#[test]
fn other_algorithms_are_refused_by_their_number() {
    let (key, later) = (SigningKey::generate(&mut OsEntropy), SignatureAlgorithm::of_number(3));
    let (public, signature) = (key.verifying_key(), RealSuite::sign(&key, b"message"));
    let renamed = VerifyingKey { algorithm: later, ..public.clone() };
    let claims = Signature { algorithm: later, ..signature.clone() };
    let judge = |key: &VerifyingKey, signature: &Signature| {
        let together = RealSuite::verify_all(b"message", &[(key, signature)]);
        assert_eq!(RealSuite::verify(key, b"message", signature), together);
        together
    };
    assert!(judge(&public, &signature));
    assert!(!judge(&public, &claims) && !judge(&renamed, &signature) && !judge(&renamed, &claims));
    let unknown = |what, number| Some(SuiteError::Unknown(UnknownAlgorithm { what, number }));
    assert_eq!(RealSuite::knows(&public), Ok(()));
    assert_eq!(RealSuite::knows(&renamed).err(), unknown("a signing key or a signature", 3));
    let (secret, public) = RealSuite::exchange_keys(&mut OsEntropy);
    let renamed = ExchangePublic { algorithm: ExchangeAlgorithm::of_number(2), ..public.clone() };
    assert_eq!(RealSuite::agree(&secret, &renamed).err(), unknown("a session key", 2));
    assert_eq!(RealSuite::encapsulate(&mut OsEntropy, &renamed).err(), unknown("a session key", 2));
    let long = ExchangePublic { diffie_hellman: vec![9; 33], ..public };
    assert_eq!(RealSuite::agree(&secret, &long).err(), Some(SuiteError::Malformed));
}
