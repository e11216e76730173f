use super::*;
use crate::entropy::OsEntropy;

#[test]
fn a_policy_is_in_force_as_its_owner_signed_it() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    std::fs::write(&policy, "epsilon_life = 1\n").unwrap();
    let owner = SigningKey::generate(&mut OsEntropy);
    let key = owner.verifying_key();
    assert!(matches!(verify_policy(&policy, &key), Err(PolicyError::File(_))), "no signature");
    let shown = "epsilon_life = 1\n";
    let signature = sign_policy(&policy, shown, &owner).unwrap();
    assert_eq!(signature, folder.path().join("policy.toml.sig"));
    assert!(verify_policy(&policy, &key).is_ok());
    let good = std::fs::read_to_string(&signature).unwrap();
    std::fs::write(&signature, format!("{good}more\n")).unwrap();
    assert!(matches!(verify_policy(&policy, &key), Err(PolicyError::File(_))), "a line more");
    std::fs::write(&signature, good).unwrap();
    let stranger = SigningKey::generate(&mut OsEntropy).verifying_key();
    assert!(matches!(verify_policy(&policy, &stranger), Err(PolicyError::NotSigned { .. })));
    std::fs::write(&policy, "epsilon_life = 9\n").unwrap();
    sign_policy(&policy, shown, &owner).unwrap();
    let fault = verify_policy(&policy, &key).unwrap_err();
    assert!(fault.to_string().contains("have the owner read it and sign it"), "{fault}");
    // Whoever changes the policy cannot make the signature fit by writing the new digest into it.
    let forged = std::fs::read_to_string(&signature).unwrap();
    let old = forged.split(' ').nth(4).unwrap().to_owned();
    let new = Digest::of(&std::fs::read(&policy).unwrap()).to_string();
    std::fs::write(&signature, forged.replace(&old, &new)).unwrap();
    assert!(matches!(verify_policy(&policy, &key), Err(PolicyError::NotSigned { .. })));
    for broken in
        ["", "tributary policy signature 3\n", "tributary policy signature 3\npolicy 00 sequence 1 signature 00\n"]
    {
        std::fs::write(&signature, broken).unwrap();
        assert!(matches!(verify_policy(&policy, &key), Err(PolicyError::File(_))), "{broken:?}");
    }
}

/// A later signature has a larger sequence, whatever the clock says, and nobody but the owner gives it one.
#[test]
fn signatures_of_one_file_follow_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mapping.toml");
    std::fs::write(&file, "text\n").unwrap();
    let owner = SigningKey::generate(&mut OsEntropy);
    let mut last = 0;
    for _ in 0..3 {
        let path = sign_owned(Owned::Mapping, &file, "text\n", &owner).unwrap();
        let found = verify_owned(Owned::Mapping, &file, &owner.verifying_key()).unwrap().sequence;
        assert!(found > last, "{found} after {last}");
        last = found;
        let later = std::fs::read_to_string(&path).unwrap().replace(&found.to_string(), &(found + 10).to_string());
        std::fs::write(&path, later).unwrap();
        assert!(verify_owned(Owned::Mapping, &file, &owner.verifying_key()).is_err());
    }
}

/// A signature of a mapping admits no plan, and one of a policy maps nothing.
#[test]
fn a_signature_is_of_one_kind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mapping.toml");
    std::fs::write(&file, "text\n").unwrap();
    let owner = SigningKey::generate(&mut OsEntropy);
    let key = owner.verifying_key();
    let signature = sign_owned(Owned::Mapping, &file, "text\n", &owner).unwrap();
    assert_eq!(verify_owned(Owned::Mapping, &file, &key).unwrap().text, "text\n");
    assert!(matches!(verify_policy(&file, &key), Err(PolicyError::File(_))));
    // With the other kind's title and word, it is still a signature over another message.
    let text = std::fs::read_to_string(&signature).unwrap();
    let text = text.replace(Owned::Mapping.title(), Owned::Policy.title()).replace("\nmapping ", "\npolicy ");
    std::fs::write(&signature, text).unwrap();
    assert!(matches!(verify_policy(&file, &key), Err(PolicyError::NotSigned { .. })));
    std::fs::write(&file, "other\n").unwrap();
    sign_owned(Owned::Mapping, &file, "text\n", &owner).unwrap();
    let fault = verify_owned(Owned::Mapping, &file, &key).unwrap_err().to_string();
    assert!(fault.contains("mapping is not signed") && fault.contains("client mapping sign"), "{fault}");
}

#[test]
fn a_signature_of_each_kind_is_of_that_kind_alone_and_its_fault_says_so() {
    const KINDS: [Owned; 4] = [Owned::Policy, Owned::Mapping, Owned::Rules, Owned::Actions];
    let folder = tempfile::tempdir().unwrap();
    let owner = SigningKey::from_seed(&[1; 32]);
    let (key, stranger) = (owner.verifying_key(), SigningKey::from_seed(&[2; 32]).verifying_key());
    for kind in KINDS {
        let file = folder.path().join(kind.word());
        std::fs::write(&file, "text\n").unwrap();
        let signature = sign_owned(kind, &file, "text\n", &owner).unwrap();
        assert_eq!(verify_owned(kind, &file, &key).unwrap().text, "text\n");
        let named = |fault: PolicyError| match fault {
            PolicyError::NotSigned { path } => (Some(Owned::Policy), path),
            PolicyError::MappingNotSigned { path } => (Some(Owned::Mapping), path),
            PolicyError::RulesNotSigned { path } => (Some(Owned::Rules), path),
            PolicyError::ActionsNotSigned { path } => (Some(Owned::Actions), path),
            PolicyError::File(_) => (None, signature.clone()),
        };
        assert_eq!(named(verify_owned(kind, &file, &stranger).unwrap_err()), (Some(kind), file.clone()));
        let text = std::fs::read_to_string(&signature).unwrap();
        for other in KINDS.into_iter().filter(|other| *other != kind) {
            assert_eq!(named(verify_owned(other, &file, &key).unwrap_err()), (None, signature.clone()));
            // Under the other's title and word it is still a signature over another message.
            let dressed = text.replace(kind.title(), other.title());
            let dressed = dressed.replace(&format!("\n{} ", kind.word()), &format!("\n{} ", other.word()));
            std::fs::write(&signature, dressed).unwrap();
            assert_eq!(named(verify_owned(other, &file, &key).unwrap_err()), (Some(other), file.clone()));
            std::fs::write(&signature, &text).unwrap();
        }
    }
}

/// What is signed stands still: a release that signs something else would put every file out of force.
#[test]
fn an_owner_s_signature_is_over_the_kind_the_file_and_its_sequence() {
    let digests = [Owned::Policy, Owned::Mapping, Owned::Rules, Owned::Actions].map(|kind| {
        let digest = |file: &[u8], sequence| Digest::of(&kind.message(&Digest::of(file), sequence));
        let own = digest(b"text", 7);
        assert!(own != digest(b"other", 7) && own != digest(b"text", 8));
        own.to_string()
    });
    assert_eq!(
        digests,
        [
            "285194a3213a3e1bcdf436fc3b32fdcc5d9924feeb17223c3845da8c2af1f7d2",
            "df394fcebbb20806eae3a95d411e03268881f0046a22a3a249b1003eec032afb",
            "57ccc7dbfab6efa42446fb54e06f47bec4314315fe49d0457de60cb3b1d801bb",
            "feeefcad5d6c8f1527320942a054233a5f9db53feca27609b4ac186bdfd2d3bb",
        ]
    );
}

#[test]
fn a_signature_follows_the_one_before_it_even_under_a_clock_that_went_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mapping.toml");
    std::fs::write(&file, "text\n").unwrap();
    let owner = SigningKey::from_seed(&[1; 32]);
    let path = sign_owned(Owned::Mapping, &file, "text\n", &owner).unwrap();
    let far = u64::MAX - 1;
    let own = verify_owned(Owned::Mapping, &file, &owner.verifying_key()).unwrap().sequence;
    for next in [u64::MAX, u64::MAX] {
        let ahead = std::fs::read_to_string(&path).unwrap().replace(&own.to_string(), &far.to_string());
        std::fs::write(&path, ahead).unwrap();
        sign_owned(Owned::Mapping, &file, "text\n", &owner).unwrap();
        assert_eq!(verify_owned(Owned::Mapping, &file, &owner.verifying_key()).unwrap().sequence, next);
    }
}

/// The signature of before stands, or the new one does.
#[cfg(unix)]
#[test]
fn a_signature_that_was_not_written_is_not_said_to_stand() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    std::fs::write(&policy, "epsilon_life = 1\n").unwrap();
    let owner = SigningKey::from_seed(&[1; 32]);
    sign_policy(&policy, "epsilon_life = 1\n", &owner).unwrap();
    let failed = tributary_storage::faults::each_sync_fails_once(
        || (),
        |()| {
            verify_policy(&policy, &owner.verifying_key()).unwrap();
            sign_policy(&policy, "epsilon_life = 1\n", &owner)
        },
    );
    assert!(failed > 0);
}
