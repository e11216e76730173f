use super::*;
use tributary_storage::files::{Existing, write_private};

#[test]
fn integers_have_the_fewest_bytes_and_no_sign() {
    for (number, der) in [
        (&[0, 0, 0][..], &[2, 1, 0][..]),
        (&[0, 0, 1], &[2, 1, 1]),
        (&[0, 0x7f, 0xff], &[2, 2, 0x7f, 0xff]),
        (&[0, 0x80, 0], &[2, 3, 0, 0x80, 0]),
        (&[0xff, 0, 1], &[2, 4, 0, 0xff, 0, 1]),
    ] {
        assert_eq!(integer_der(number), der);
    }
}

/// The library's own fixed and DER signatures agree: enough of them that both halves were short and long.
#[test]
fn a_verifier_reads_the_converted_signatures() {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
    };
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap();
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, pair.public_key());
    let mut lengths = std::collections::BTreeSet::new();
    for number in 0..600_u32 {
        let message = number.to_le_bytes();
        let halves = Halves::try_from(pair.sign(&random, &message).unwrap().as_ref()).unwrap();
        let der = signature_der(&halves);
        public.verify(&message, &der).unwrap();
        lengths.insert(der.len());
    }
    assert!(lengths.contains(&70) && lengths.contains(&71) && lengths.contains(&72), "{lengths:?}");
}

#[test]
fn a_pin_is_one_line_of_a_private_file() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        write_private(&path, text, Existing::Replace).unwrap();
        read_pin(&path)
    };
    for text in ["1234", "1234\n", "1234\r\n"] {
        assert_eq!(read("pin", text.as_bytes()).unwrap().as_slice(), b"1234");
    }
    assert_eq!(read("pin", b" 12 34 ").unwrap().as_slice(), b" 12 34 ");
    // Letters that no folder's name happens to hold, with signs that no path has: an error names the file, and never what is in it.
    const SECRET: &str = "\u{1d70b}?sesame?\u{1d70b}";
    let line = SECRET.as_bytes();
    let long = [line, &[b'?'; PIN_BYTES_MAX]].concat();
    let bad =
        [&b""[..], b"\n", &[line, b"\n", line].concat(), &[line, b"\n\n"].concat(), &[line, b"\t"].concat(), &long];
    for text in bad {
        let error = read("pin", text).err().unwrap();
        assert!(matches!(error, FileError::Content { .. }), "{error}");
        for said in [error.to_string(), format!("{error:?}")] {
            assert!(said.contains("pin"), "{said}");
            assert!(!said.contains("sesame"), "the PIN was printed");
        }
    }
    assert!(matches!(read_pin(&folder.path().join("none")), Err(FileError::System { .. })));
}
