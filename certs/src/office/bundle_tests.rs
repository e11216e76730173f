use super::*;
use crate::entropy::OsEntropy;
use crate::revocation::ListNumber;

#[test]
fn a_bundle_has_one_text() {
    let identity = |role: &str| Identity::parse(&format!("spiffe://federation.example/bank/{role}/x")).unwrap();
    let mut lists = KnownNumbers::default();
    lists.note(Digest::of(b"issuing"), ListNumber::from(12));
    let bundle = Bundle {
        identity: identity("client"),
        coordinator_address: "fl.bank.example:7443".to_owned(),
        root_sha256: Digest::of(b"root"),
        coordinator: CoordinatorPin { identity: identity("coordinator"), signing_key: VerifyingKey::ed25519([3; 32]) },
        authorities: RosterAuthorities::new(1, vec![VerifyingKey::ed25519([4; 32]), VerifyingKey::ed25519([5; 32])])
            .unwrap(),
        lists,
        token: Token::generate(&mut OsEntropy),
    };
    let text = bundle.print();
    let again = Bundle::parse(&text).unwrap();
    assert_eq!(again.print().as_str(), text.as_str());
    for line in text.lines() {
        assert!(Bundle::parse(&text.replace(&format!("{line}\n"), "")).is_none() || line.starts_with("authority"));
    }
    for (old, new) in [
        ("7443", "0"),
        (":7443", ""),
        ("fl.bank", "fl bank"),
        ("needed 1", "needed 3"),
        ("\n", "\r\n"),
        ("number 0c", "number 000c"),
    ] {
        assert!(Bundle::parse(&text.replace(old, new)).is_none(), "{new}");
    }
}

#[test]
fn an_address_is_a_host_and_a_port() {
    let longest = "h".repeat(255);
    for good in ["fl.bank.example:7443", "a:1", "A-9:65535", "[::1]:443", &format!("{longest}:1")] {
        assert_eq!(address(good).as_deref(), Some(good));
    }
    for bad in ["", ":1", "a", "a:", "a:0", "a:65536", "a:x", "a b:1", "a_b:1", "a/b:1", &format!("{longest}h:1")] {
        assert_eq!(address(bad), None, "{bad}");
    }
}

#[test]
fn a_bundle_names_each_issuer_once_in_order_and_as_many_as_may_be() {
    let identity = |role: &str| Identity::parse(&format!("spiffe://federation.example/bank/{role}/x")).unwrap();
    let text = |count: usize| {
        let mut lists = KnownNumbers::default();
        for number in 0..count {
            lists.note(Digest([u8::try_from(number).unwrap(); 32]), ListNumber::from(7));
        }
        let bundle = Bundle {
            identity: identity("client"),
            coordinator_address: "fl.bank.example:7443".to_owned(),
            root_sha256: Digest::of(b"root"),
            coordinator: CoordinatorPin {
                identity: identity("coordinator"),
                signing_key: VerifyingKey::ed25519([3; 32]),
            },
            authorities: RosterAuthorities::new(1, vec![VerifyingKey::ed25519([4; 32])]).unwrap(),
            lists,
            token: Token::generate(&mut OsEntropy),
        };
        bundle.print()
    };
    let known = |text: &str| Bundle::parse(text).map(|bundle| bundle.lists.len());
    assert_eq!(known(&text(ISSUERS_MAX)), Some(ISSUERS_MAX));
    assert_eq!((known(&text(ISSUERS_MAX + 1)), known(&text(0)), known(&text(2))), (None, None, Some(2)));
    let two = text(2);
    let lists: Vec<&str> = two.lines().filter(|line| line.starts_with("list ")).collect();
    let pair = format!("{}\n{}\n", lists[0], lists[1]);
    for other in [format!("{}\n{}\n", lists[1], lists[0]), format!("{}\n{}\n", lists[0], lists[0])] {
        assert_eq!(known(&two.replace(&pair, &other)), None);
    }
    for line in two.lines().skip(1) {
        assert_eq!(known(&two.replace(line, &format!("{line} more"))), None, "{line}");
        assert_eq!(known(&two.replace(line, &format!("x{line}"))), None, "{line}");
    }
}
