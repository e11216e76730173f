//! The bill of cryptography against the code.

use std::collections::BTreeSet;
use std::path::Path;

use tributary_certs::provider::{KeyExchange, provider_with};
use tributary_evidence::assessor::bill;
use tributary_protocol::algorithm::{ExchangeAlgorithm, Hashes, SignatureAlgorithm};

/// Each number that this release knows, each suite and each group that it offers, by the name that the code has for it.
fn named_in_the_code() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for number in 0..=u8::MAX {
        let of = [
            SignatureAlgorithm::of_number(number).name(),
            ExchangeAlgorithm::of_number(number).name(),
            Hashes::of_number(number).name(),
        ];
        // The toy suite is of tests alone.
        names.extend(of.into_iter().flatten().filter(|name| *name != "toy").map(str::to_owned));
    }
    names.extend(of_libraries());
    let provider = provider_with(KeyExchange::Preferred);
    names.extend(provider.cipher_suites.iter().map(|suite| format!("{:?}", suite.suite())));
    names.extend(provider.kx_groups.iter().map(|group| format!("{:?}", group.name())));
    names
}

/// Algorithms that the code of the certificates and of the suite asks its libraries for, by the constants of these.
fn of_libraries() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../certs/src")];
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(&folder).expect("a folder").map(|file| file.expect("listed").path()) {
            let is_test = file.file_stem().is_some_and(|name| name.to_string_lossy().ends_with("tests"));
            match (file.is_dir(), is_test) {
                (_, true) => {}
                (true, false) => folders.push(file),
                (false, false) => {
                    let text = std::fs::read_to_string(&file).expect("a source");
                    let words = text.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
                    names.extend(words.filter_map(family));
                }
            }
        }
    }
    names
}

/// The algorithm of a library's constant.
fn family(word: &str) -> Option<String> {
    let word = word.strip_prefix("PKCS_").unwrap_or(word);
    let parts: Vec<&str> = word.split('_').collect();
    let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty();
    match parts.as_slice() {
        ["ECDSA", curve, ..] if curve.starts_with('P') => Some(format!("ECDSA_{curve}")),
        ["ML", "KEM" | "DSA", size] if number(size) => Some(word.to_owned()),
        ["HMAC", hash] if hash.starts_with("SHA") => Some(word.to_owned()),
        ["AES", size, ..] if number(size) => Some(format!("AES_{size}")),
        ["RSA", ..] if parts.len() > 1 => Some("RSA".into()),
        _ => None,
    }
}

#[test]
fn the_bill_has_every_algorithm_that_the_code_names_and_no_other() {
    let billed: BTreeSet<String> = bill().into_iter().flat_map(|line| line.identifiers).collect();
    assert_eq!(billed, named_in_the_code());
    let uses: BTreeSet<String> = bill().into_iter().map(|line| line.used_for).collect();
    assert_eq!(uses.len(), bill().len(), "one line for each use");
}
