use super::*;
use proptest::prelude::*;
use tributary_protocol::printable::is_hidden;

/// Who answers may be no office: its words are shown, and do nothing to the screen.
#[test]
fn an_office_s_words_are_escaped() {
    for (number, shown) in [(404, "(a\\u{1b}[2J\\u{a}b\\u{202e})"), (999, "(999 co\\u{2066}de)")] {
        let refused = Refused { number, code: "co\u{2066}de".into(), detail: Some("a\u{1b}[2J\nb\u{202e}".into()) };
        let Ok(Answer::Refused(refused)) = decode_answer(&encode_answer(&Answer::Refused(refused))) else {
            panic!("it is decoded");
        };
        let fault = refused.fault();
        assert!(fault.to_string().ends_with(shown), "{fault}");
        assert!(!serde_json::to_string(&fault).unwrap().contains(is_hidden));
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(decode_request(&bytes).is_err());
        prop_assert!(decode_answer(&bytes).is_err());
    }

    #[test]
    fn what_is_encoded_is_decoded(token in "[a-z0-9]{0,40}", csr in prop::collection::vec(any::<u8>(), 0..99)) {
        let request = EnrolRequest::sign(&token, csr, &SigningKey::from_seed(&[3; 32]));
        prop_assert!(request.verified_key().is_ok());
        let request = Request::Enrol(request);
        prop_assert_eq!(decode_request(&encode_request(&request)).unwrap(), request);
    }
}

#[test]
fn messages_are_read_up_to_their_longest() {
    let padded = |mut text: Vec<u8>, bytes: usize| {
        text.resize(bytes, b' ');
        text
    };
    let request = encode_request(&Request::Lists);
    assert_eq!(decode_request(&padded(request.clone(), REQUEST_BYTES_MAX)).unwrap(), Request::Lists);
    assert_eq!(decode_request(&padded(request, REQUEST_BYTES_MAX + 1)).unwrap_err().kind, FaultKind::RequestTooLong);
    let answer = Answer::Lists("lists".to_owned());
    let text = encode_answer(&answer);
    assert_eq!(decode_answer(&padded(text.clone(), ANSWER_BYTES_MAX)).unwrap(), answer);
    assert_eq!(decode_answer(&padded(text, ANSWER_BYTES_MAX + 1)).unwrap_err().kind, FaultKind::AnswerUnreadable);
}

fn granted() -> Granted {
    Granted {
        client: 3,
        chain: "chain".to_owned(),
        issuing: "issuing".to_owned(),
        trust: BTreeMap::from([("trust.pem".to_owned(), "roots".to_owned())]),
        succession: "succession".to_owned(),
        lists: "lists".to_owned(),
        authorities: "authorities".to_owned(),
        coordinator: "coordinator".to_owned(),
        binding: Some(Hex(vec![1, 2])),
        signature: Hex(vec![9]),
    }
}

/// How many of these bytes are different ones.
fn different(inputs: impl IntoIterator<Item = Vec<u8>>) -> usize {
    inputs.into_iter().collect::<std::collections::BTreeSet<_>>().len()
}

#[test]
fn whatever_differs_in_an_answer_is_signed_otherwise() {
    type Change = fn(&mut Granted);
    let changes: [Change; 15] = [
        |one| one.client += 1,
        |one| one.chain.push('x'),
        |one| one.issuing.push('x'),
        |one| std::mem::swap(&mut one.chain, &mut one.issuing),
        |one| one.trust.clear(),
        |one| one.trust.get_mut("trust.pem").unwrap().push('x'),
        |one| drop(one.trust.insert("trust-x.pem".to_owned(), String::new())),
        |one| one.succession.push('x'),
        |one| one.lists.push('x'),
        |one| std::mem::swap(&mut one.succession, &mut one.lists),
        |one| one.authorities.push('x'),
        |one| one.coordinator.push('x'),
        |one| std::mem::swap(&mut one.authorities, &mut one.coordinator),
        |one| one.binding = None,
        |one| one.binding = Some(Hex(vec![1, 3])),
    ];
    let inputs = changes.iter().map(|change| {
        let mut one = granted();
        change(&mut one);
        one.input()
    });
    assert_eq!(different(inputs.chain([granted().input()])), changes.len() + 1);
    assert_eq!(Granted { signature: Hex(vec![8]), ..granted() }.input(), granted().input());
}

#[test]
fn whatever_differs_in_a_request_is_signed_otherwise() {
    let key = |seed: u8| SigningKey::from_seed(&[seed; 32]).verifying_key();
    let enrol =
        [("a", b"c".as_slice(), 1), ("b", b"c", 1), ("a", b"d", 1), ("a", b"c", 2), ("ac", b"", 1), ("", b"ac", 1)];
    assert_eq!(different(enrol.map(|(token, csr, seed)| EnrolRequest::input(token, csr, &key(seed)))), enrol.len());
    let identity = |id: &str| Identity::parse(&format!("spiffe://federation.example/bank/client/{id}")).unwrap();
    let renew = [("x", "c", "b"), ("y", "c", "b"), ("x", "d", "b"), ("x", "c", "a"), ("x", "cb", ""), ("x", "b", "c")];
    let input =
        |(id, csr, binding): (&str, &str, &str)| RenewRequest::input(&identity(id), csr.as_bytes(), binding.as_bytes());
    assert_eq!(different(renew.map(input)), renew.len());
}

#[test]
fn a_renewal_s_signer_signed_both_the_request_and_its_binding() {
    use crate::binding::KeyBinding;
    use tributary_protocol::digest::Digest;

    let (own, other) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
    let identity = Identity::parse("spiffe://federation.example/bank/client/x").unwrap();
    let request = |binder: &SigningKey, signer: &SigningKey| {
        let binding = KeyBinding { client: ClientId(7), tls_spki_sha256: Digest([5; 32]), sequence: 1 }.sign(binder);
        let request = RenewRequest::sign(identity.clone(), vec![1], binding.encode(), signer);
        encode_request(&Request::Renew(request))
    };
    let signer = |bytes: &[u8]| renewal_signer(bytes, |client| (client == ClientId(7)).then(|| own.verifying_key()));
    assert_eq!(signer(&request(&own, &own)), Some(ClientId(7)));
    assert_eq!((signer(&request(&other, &own)), signer(&request(&own, &other))), (None, None));
    assert_eq!(renewal_signer(&request(&own, &own), |_| None), None);
    let enrol = EnrolRequest::sign("token", vec![1], &own);
    assert_eq!((signer(&encode_request(&Request::Enrol(enrol))), signer(b"{}")), (None, None));
}
