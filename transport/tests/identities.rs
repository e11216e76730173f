//! Files of an identity on the network: each that is broken is named, and lists that were adopted stay.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

use std::fs;

use support::Federation;
use tributary_certs::clock::unix_seconds;
use tributary_certs::denied::DENIED;
use tributary_certs::enrolment::names;
use tributary_certs::office::fresh_list;
use tributary_certs::provider::KeyExchange;
use tributary_certs::revocation::organisation_file;
use tributary_transport::identity::{KeyPlace, TlsFiles};

fn files(federation: &Federation) -> TlsFiles {
    let own = federation.path("coordinator");
    fs::copy(federation.path("authority").join(names::REVOCATIONS), own.join(names::REVOCATIONS)).unwrap();
    TlsFiles {
        chain: own.join(names::CHAIN),
        key: KeyPlace::File(own.join(names::KEY)),
        trust: own.join(names::TRUST),
        revocations: own.join(names::REVOCATIONS),
        denied: Some(own.join(DENIED)),
        key_exchange: KeyExchange::DEFAULT,
    }
}

fn faults(files: &TlsFiles) -> Vec<&'static str> {
    let opened = files.open(None, unix_seconds());
    opened.err().into_iter().flatten().map(|(name, _)| name).collect()
}

#[test]
fn each_file_that_cannot_be_used_is_named() {
    let federation = Federation::new();
    let files = files(&federation);
    let material = files.open(None, unix_seconds()).map_err(|faults| format!("{faults:?}")).unwrap();
    let identity = material.credentials.identity().to_string();
    assert_eq!(identity, "spiffe://federation.example/centre/coordinator/main");
    assert!(material.lists.denied.entries().is_empty() && material.lists.notes.is_empty());
    assert!(material.lists.revocations.number().is_some());
    let key = federation.path("coordinator").join(names::KEY);
    let rows = [
        (&files.chain, vec!["certificate"]),
        (&key, vec!["certificate"]),
        (&files.trust, vec!["ca_certificate"]),
        (&files.revocations, vec!["revocations"]),
    ];
    for (path, expected) in rows {
        let whole = fs::read(path).unwrap();
        fs::write(path, "nothing").unwrap();
        assert_eq!(faults(&files), expected, "{}", path.display());
        fs::write(path, whole).unwrap();
    }
    fs::write(files.denied.as_ref().unwrap(), "nothing").unwrap();
    assert_eq!(faults(&files), ["revocations"]);
    let without = TlsFiles { denied: None, ..self::files(&federation) };
    assert_eq!(faults(&without), [""; 0], "this side keeps no door");
    // All of them at once.
    [&files.chain, &files.revocations].iter().for_each(|path| fs::write(path, "nothing").unwrap());
    assert_eq!(faults(&files), ["certificate", "revocations"]);
}

#[test]
fn lists_that_were_adopted_are_not_exchanged_for_older_ones() {
    let federation = Federation::new();
    let files = files(&federation);
    let old = fs::read(&files.revocations).unwrap();
    fresh_list(&federation.path("authority"), 90, unix_seconds()).unwrap();
    fs::copy(federation.path("authority").join(names::REVOCATIONS), &files.revocations).unwrap();
    let new = fs::read(&files.revocations).unwrap();
    let open = || files.open(None, unix_seconds()).map_err(|faults| format!("{faults:?}"));
    let mut lists = open().unwrap().lists;
    fs::write(&files.revocations, &old).unwrap();
    assert!(open().is_ok(), "nobody has adopted the newer ones");
    lists.adopt().unwrap();
    assert_eq!(faults(&files), ["revocations"]);
    fs::write(&files.revocations, &new).unwrap();
    assert!(open().is_ok());
}

/// An organisation's own roots and lists lie beside the others: whoever puts them there, or changes them, is noticed.
#[test]
fn files_of_single_organisations_are_followed_as_well() {
    let federation = Federation::new();
    let files = files(&federation);
    let own = federation.path("coordinator");
    let mut before = files.stamp();
    let count = before.len();
    let mut changes = |name: &std::path::Path, bytes: &[u8]| {
        fs::write(name, bytes).unwrap();
        let after = files.stamp();
        let changed = after != before;
        before = after;
        changed
    };
    assert!(changes(&own.join("trust-south-bank.pem"), b"a"));
    assert!(changes(&organisation_file(&files.revocations, "south-bank"), b"b"));
    assert!(changes(&own.join("trust-south-bank.pem"), b"longer"));
    assert!(!changes(&own.join("notes.txt"), b"c"), "nobody asks for that");
    assert_eq!(files.stamp().len(), count + 2);
}
