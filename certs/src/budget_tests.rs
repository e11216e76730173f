use super::*;
use crate::entropy::OsEntropy;

#[test]
fn a_mark_comes_back_and_another_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(BudgetMark::read(folder.path()).unwrap(), None);
    let owner = SigningKey::generate(&mut OsEntropy);
    let changes = vec![sign_owner_change(&owner, Digest([1; 32]), VerifyingKey::ed25519([3; 32]))];
    let owner = VerifyingKey::ed25519([3; 32]);
    for changes in [vec![], changes] {
        let mark = BudgetMark { population: Digest([1; 32]), salt: [2; 32], owner: owner.clone(), changes };
        mark.write(folder.path()).unwrap();
        assert_eq!(BudgetMark::read(folder.path()).unwrap(), Some(mark));
    }
    let path = BudgetMark::path(folder.path());
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\nchange "));
    for broken in [
        text.replace("salt", "sugar"),
        format!("{text}more\n"),
        text.replace("\nchange", " more\nchange"),
        format!("{} more\n", text.trim_end()),
        String::new(),
    ] {
        std::fs::write(&path, broken).unwrap();
        assert!(BudgetMark::read(folder.path()).is_err());
    }
}

#[test]
fn a_change_of_owner_is_signed_by_the_owner_before() {
    let (owner, next) = (SigningKey::generate(&mut OsEntropy), SigningKey::generate(&mut OsEntropy));
    let change = sign_owner_change(&owner, Digest([1; 32]), next.verifying_key());
    assert!(change.is_signed::<RealSuite>());
    let own = sign_owner_change(&next, Digest([1; 32]), next.verifying_key());
    let changed = [
        OwnerChange { population: Digest([2; 32]), ..change.clone() },
        OwnerChange { to: owner.verifying_key(), ..change.clone() },
        OwnerChange { from: next.verifying_key(), ..change.clone() },
        OwnerChange { signature: own.signature, ..change },
    ];
    assert!(changed.iter().all(|change| !change.is_signed::<RealSuite>()));
}

#[test]
fn the_owners_signature_covers_population_salt_keys_and_purpose() {
    let (owner, branch) = (SigningKey::generate(&mut OsEntropy), SigningKey::generate(&mut OsEntropy));
    let key = branch.verifying_key();
    let first = sign_first_use(&owner, ("retail", &[7; 32]), key.clone(), false);
    assert!(first.is_signed::<RealSuite>());
    assert_eq!(first.population, population_digest(&[7; 32], "retail"));
    let changed = [
        FirstUse { population: population_digest(&[8; 32], "retail"), ..first.clone() },
        FirstUse { population: population_digest(&[7; 32], "wholesale"), ..first.clone() },
        FirstUse { owner: key, ..first.clone() },
        FirstUse { signing_key: owner.verifying_key(), ..first.clone() },
        FirstUse { adopts: true, ..first },
    ];
    assert!(changed.iter().all(|first| !first.is_signed::<RealSuite>()));
}

#[test]
fn a_release_is_signed_for_one_population_and_one_run() {
    let (owner, other) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
    let run = RunRef { plan: Digest([3; 32]), number: 4 };
    let release = sign_release(&owner, Digest([5; 32]), run);
    assert_eq!((release.population, release.run, &release.owner), (Digest([5; 32]), run, &owner.verifying_key()));
    let genuine =
        |release: &Release| RealSuite::verify(&release.owner, &release.to_sign::<RealSuite>(), &release.signature);
    assert!(genuine(&release));
    let changed = [
        Release { population: Digest([6; 32]), ..release.clone() },
        Release { run: RunRef { number: 5, ..run }, ..release.clone() },
        Release { owner: other.verifying_key(), ..release },
    ];
    assert!(changed.iter().all(|changed| !genuine(changed)));
}
