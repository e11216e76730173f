use super::*;
use crate::enrolment::{init_authority, open_authority as open};
use crate::identity::{Identity, TrustDomain};

const NOW: u64 = 1_900_000_000;

#[test]
fn a_granted_chain_is_forgotten_after_the_grace_of_its_end_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca");
    init_authority(&ca, &TrustDomain::parse("federation.example").unwrap(), 1, 1, NOW).unwrap();
    let authority = open(&ca).unwrap();
    let granted = ca.join(GRANTED);
    files::create_private_folder(&granted).unwrap();
    let ends = [NOW + 100, NOW + 200];
    for not_after in ends {
        let identity = Identity::parse("spiffe://federation.example/bank/client/x").unwrap();
        let validity = Validity { not_before: NOW, not_after };
        let request = LeafRequest { identity, host_names: vec![], addresses: vec![], validity };
        let (chain, _) = authority.issue(&mut OsEntropy, &request).unwrap();
        write_certificates(&granted.join(not_after.to_string()), chain.certificates(), Existing::Keep).unwrap();
    }
    files::write_public(&granted.join("damaged"), b"no certificate\n", Existing::Keep).unwrap();
    let left = |now| {
        forget_past(&ca, now).unwrap();
        let mut names: Vec<String> =
            fs::read_dir(&granted).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let [first, second] = ends.map(|end| end.to_string());
    assert_eq!(left(ends[0] + GRACE_SECONDS), [first, second.clone(), "damaged".to_owned()]);
    assert_eq!(left(ends[0] + GRACE_SECONDS + 1), [second, "damaged".to_owned()]);
    assert_eq!(left(ends[1] + GRACE_SECONDS + 1), ["damaged"]);
}

#[test]
fn files_of_trust_are_replaced_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["trust.pem", "trust-gone.pem", "trust-kept.pem", "revocations-gone.pem"] {
        files::write_public(&at(name), b"old\n", Existing::Keep).unwrap();
    }
    let new = |name: &str| (name.to_owned(), format!("new {name}\n"));
    let trust = BTreeMap::from(["trust.pem", "trust-kept.pem", "trust-more.pem"].map(new));
    write_trust_files(folder.path(), &trust).unwrap();
    let read = |name: &str| fs::read_to_string(at(name)).ok();
    assert_eq!(read("trust.pem").as_deref(), Some("new trust.pem\n"));
    assert_eq!(read("trust-kept.pem").as_deref(), Some("new trust-kept.pem\n"));
    assert_eq!(read("trust-more.pem").as_deref(), Some("new trust-more.pem\n"));
    assert_eq!((read("trust-gone.pem"), read("revocations-gone.pem").as_deref()), (None, Some("old\n")));
}
