use super::*;

#[test]
fn days_are_whole_and_negative_once_past() {
    assert_eq!(days_between(0, 10 * DAY), 10);
    assert_eq!(days_between(1, 10 * DAY), 9);
    assert_eq!(days_between(10 * DAY, 10 * DAY), 0);
    assert_eq!(days_between(10 * DAY + 1, 10 * DAY), -1);
}

#[test]
fn the_last_quarter_of_a_validity_is_reported() {
    assert_eq!(validity_problems(0, 100 * DAY, 74 * DAY), None);
    assert!(validity_problems(0, 100 * DAY, 76 * DAY).unwrap().contains("24 days"));
    assert!(validity_problems(0, 100 * DAY, 103 * DAY).unwrap().contains("3 days ago"));
    assert!(validity_problems(DAY, 100 * DAY, 0).unwrap().contains("not valid yet"));
    assert!(validity_problems(0, u64::MAX, u64::MAX - 1).is_some());
}

#[test]
fn dates_are_written_for_people() {
    assert_eq!(date(1_893_456_000), "2030-01-01 00:00 UTC");
    assert_eq!(date(u64::MAX), "beyond the year 9999");
}

#[test]
fn each_end_of_a_validity_is_told_from_the_second_beyond_it() {
    let told = |now| validity_problems(10 * DAY, 110 * DAY, now);
    assert_eq!(told(10 * DAY - 1).as_deref(), Some("It is not valid yet. Check this machine's clock."));
    assert_eq!((told(10 * DAY), told(85 * DAY)), (None, None), "a quarter is left");
    assert_eq!(told(85 * DAY + 1).as_deref(), Some("It expires in 24 days. Renew it now."));
    assert_eq!(told(110 * DAY).as_deref(), Some("It expires in 0 days. Renew it now."));
    assert_eq!(told(110 * DAY + 1).as_deref(), Some("It expired 0 days ago. Renew it and restart its daemon."));
    assert_eq!(told(112 * DAY).as_deref(), Some("It expired 2 days ago. Renew it and restart its daemon."));
}

fn inspection() -> Inspection {
    Inspection {
        identity: Some(Identity::parse("spiffe://federation.example/bank/coordinator/centre").unwrap()),
        role: Some(Role::Coordinator),
        subject: "O=bank, CN=centre".to_owned().into(),
        issuer: "CN=issuing".to_owned().into(),
        serial: "0a0b".to_owned(),
        not_before: DAY + 3 * 3_600 + 4 * 60 + 5,
        not_after: 33 * DAY + 6 * 3_600 + 7 * 60,
        days_left: -3,
        key: "Ed25519".to_owned(),
        spki_sha256: "ab".to_owned(),
        hosts: vec!["a.example".to_owned().into(), "127.0.0.1".to_owned().into()],
        chain_length: 2,
        authority: false,
        problems: vec![],
    }
}

#[test]
fn an_inspection_is_told_whole_in_words_and_as_data() {
    let text = "identity      spiffe://federation.example/bank/coordinator/centre\n\
                role          coordinator\n\
                subject       O=bank, CN=centre\n\
                issuer        CN=issuing\n\
                serial        0a0b\n\
                valid         1970-01-02 03:04 UTC to 1970-02-03 06:07 UTC (-3 days left)\n\
                key           Ed25519\n\
                spki sha256   ab\n\
                chain         2 certificates\n\
                hosts         a.example, 127.0.0.1\n\
                problems      none\n";
    assert_eq!(inspection().to_string(), text);
    let nobody = |authority, problems: &[&str]| Inspection {
        identity: None,
        role: None,
        hosts: vec![],
        authority,
        problems: problems.iter().map(|problem| (*problem).to_owned()).collect(),
        ..inspection()
    };
    let shown = nobody(true, &[]).to_string();
    assert!(shown.starts_with("identity      none (a certificate authority)\nrole          none\n"), "{shown}");
    let shown = nobody(false, &["First.", "Second."]).to_string();
    assert!(shown.starts_with("identity      none\nrole          none\n") && !shown.contains("hosts"), "{shown}");
    assert!(shown.ends_with("chain         2 certificates\nproblem       First.\nproblem       Second.\n"), "{shown}");
    let data = serde_json::json!({
        "identity": "spiffe://federation.example/bank/coordinator/centre",
        "role": "coordinator",
        "subject": "O=bank, CN=centre",
        "issuer": "CN=issuing",
        "serial": "0a0b",
        "not_before": 97_445,
        "not_after": 2_873_220,
        "days_left": -3,
        "key": "Ed25519",
        "spki_sha256": "ab",
        "hosts": ["a.example", "127.0.0.1"],
        "chain_length": 2,
        "authority": false,
        "problems": [],
    });
    assert_eq!(serde_json::to_value(inspection()).unwrap(), data);
}

#[test]
fn the_kind_of_a_key_and_the_hosts_are_named() {
    use rcgen::{CertificateParams, KeyPair, SanType};

    let mut parameters = CertificateParams::default();
    parameters.subject_alt_names = vec![
        SanType::DnsName("a.example".try_into().unwrap()),
        SanType::URI("spiffe://federation.example/bank/coordinator/x".try_into().unwrap()),
        SanType::IpAddress("127.0.0.1".parse().unwrap()),
        SanType::IpAddress("fe80::1".parse().unwrap()),
    ];
    for (algorithm, name) in [
        (&rcgen::PKCS_ECDSA_P256_SHA256, "ECDSA, 256 bits"),
        (&rcgen::PKCS_ECDSA_P384_SHA384, "ECDSA, 384 bits"),
        (&rcgen::PKCS_ED25519, "Ed25519"),
        (&rcgen::PKCS_RSA_SHA256, "RSA, 2048 bits"),
    ] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate: CertificateDer<'static> = parameters.self_signed(&key).unwrap().into();
        let found = inspect_chain(std::slice::from_ref(&certificate), None, 0).unwrap();
        assert_eq!(found.key, name);
        let hosts: Vec<&str> = found.hosts.iter().map(Printable::as_str).collect();
        assert_eq!(hosts, ["a.example", "127.0.0.1", "fe80::1"]);
    }
    assert_eq!((address(&[1, 2, 3]), address(&[1; 5]), address(&[1; 17])), (None, None, None));
}
