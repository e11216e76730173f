//! A privacy officer's signature on higher caps of a budget: the officer sees the raise in words first.

use std::path::Path;

use tributary_certs::cap_raise::{SignedRaise, read_raise, sign_raise, write_raise};
use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{CapRaise, Caps};
use tributary_protocol::secagg::suite::Signature;

use crate::support::{Finished, run};

/// What an owner has signed.
fn proposed(path: &Path) -> CapRaise {
    let owner = SigningKey::from_seed(&[1; 32]);
    let caps = |life: f64| Caps {
        life_bits: life.to_bits(),
        year_bits: 1.0_f64.to_bits(),
        branch_life_bits: 0,
        branch_year_bits: 0,
        delta_bits: 1e-6_f64.to_bits(),
    };
    let raise = CapRaise {
        federation: Digest([1; 32]),
        population: Digest([2; 32]),
        from: caps(4.0),
        to: caps(8.0),
        reason: "a second model".into(),
        ticket: "CHG 17".into(),
        owner: owner.verifying_key(),
        signature: Signature::none(),
    };
    let raise = sign_raise(&owner, raise);
    write_raise(&SignedRaise { raise: raise.clone(), officer: None }, path).unwrap();
    raise
}

#[test]
fn an_officer_signs_a_raise_of_caps_after_it_was_shown_and_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let raise = proposed(path("raise.1").as_ref());
    let done = |finished: &Finished| assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    done(&run(["certs", "person", "request", "--staff", "north-bank/e2", "--out", &path("officer")]));
    let attest = |file: &str, more: &[&str]| {
        let (file, officer, out) = (path(file), path("officer"), path("raise.2"));
        let words = ["client", "budget", "raise", "attest", &file, "--person", &officer, "--out", &out];
        run(words.iter().chain(more))
    };
    let digest = raise.digest().to_string();

    let unseen = attest("raise.1", &[]);
    for word in ["epsilon 4 for life", "epsilon 8 for life", "a second model", "CHG 17", &digest, "north-bank/e2"] {
        assert!(unseen.out.contains(word), "{word}: {}", unseen.out);
    }
    unseen.assert_refused(1, &["nothing is signed", "no terminal", "--confirm"]);
    attest("raise.1", &["--confirm", &"0".repeat(64)]).assert_refused(1, &["is not the digest of this raise"]);
    assert!(!Path::new(&path("raise.2")).exists());

    done(&attest("raise.1", &["--confirm", &digest]));
    let signed = read_raise(path("raise.2").as_ref()).unwrap();
    assert!(signed.raise.is_attested_by(&signed.officer.unwrap()));

    // What no owner signed as it stands nobody is even shown.
    let other = SignedRaise { raise: CapRaise { ticket: "CHG 18".into(), ..raise }, officer: None };
    write_raise(&other, path("raise.3").as_ref()).unwrap();
    let refused = attest("raise.3", &["--confirm", &other.raise.digest().to_string()]);
    assert!(refused.out.is_empty(), "{}", refused.out);
    refused.assert_refused(1, &["has not signed this as it stands"]);
}
