use super::*;

#[test]
fn a_request_comes_back_and_nothing_else_does() {
    let identity = Identity::parse("spiffe://federation.example/north-bank/client/x").unwrap();
    let key = TlsKey::generate();
    let der = make(&identity, &key).unwrap();
    let checked = check(&der).unwrap();
    let (_, parsed) = X509CertificationRequest::from_der(&der).unwrap();
    assert_eq!(parsed.certification_request_info.subject.iter().count(), 0, "the identity alone says who it is");
    assert_eq!((&checked.identity, &checked.spki), (&identity, &key.spki()));
    for index in 0..der.len() {
        let mut altered = der.clone();
        altered[index] ^= 0x10;
        // The frame around the signature has other spellings; what is signed has not.
        let other = |found: Checked| found.identity != identity || found.spki != checked.spki;
        assert!(!check(&altered).is_ok_and(other), "{index}");
        assert!(check(&der[..index]).is_err());
    }
    assert_eq!(check(&[der, vec![0]].concat()).unwrap_err().kind, FaultKind::RequestUnreadable);
    assert_eq!(check(&vec![0x30; CSR_BYTES_MAX + 1]).unwrap_err().kind, FaultKind::RequestUnreadable);
}

#[test]
fn a_request_has_one_uri_a_key_of_two_curves_and_at_most_its_longest_size() {
    use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384};

    let uri = "spiffe://federation.example/north-bank/client/x";
    let of = |key: &KeyPair, host_bytes: usize| {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::OrganizationName, "o".repeat(host_bytes));
        parameters.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
        parameters.serialize_request(key).unwrap().der().to_vec()
    };
    for key in [KeyPair::generate().unwrap(), KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap()] {
        assert_eq!(check(&of(&key, 1)).unwrap().identity.to_string(), uri);
    }
    let key = KeyPair::generate().unwrap();
    // A signature's length differs by a byte or two: it is made until the size is the wanted one.
    let of_size = |bytes: usize| {
        let filling = bytes - of(&key, 4_000).len() + 4_000;
        (0..1_000).map(|turn| of(&key, filling + turn % 3 - 1)).find(|made| made.len() == bytes).unwrap()
    };
    assert!(check(&of_size(CSR_BYTES_MAX)).is_ok());
    assert_eq!(check(&of_size(CSR_BYTES_MAX + 1)).unwrap_err().kind, FaultKind::RequestUnreadable);
}
