use super::*;
use crate::enrolment::{CoordinatorRequest, init_authority, issue_client, issue_coordinator};
use crate::identity::TrustDomain;
use crate::office::Bundle;

const NOW: u64 = 1_900_000_000;
const TERMS: BatchTerms<'_> =
    BatchTerms { coordinator_address: "fl.bank.example:7443", hours: 24, approval: true, again: false };

fn authority() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca");
    init_authority(&ca, &TrustDomain::parse("bank.example").unwrap(), 1, 1, NOW).unwrap();
    let hosts = ["fl.bank.example".to_owned()];
    let request = CoordinatorRequest { organisation: "bank", id: "main", host_names: &hosts, addresses: &[] };
    issue_coordinator(&ca, &request, &folder.path().join("coordinator"), NOW).unwrap();
    issue_client(&ca, "north-bank", "branch-00", &folder.path().join("branch-00"), NOW).unwrap();
    folder
}

#[test]
fn each_line_has_a_bundle_of_its_own() {
    let folder = authority();
    let (ca, out) = (folder.path().join("ca"), folder.path().join("bundles"));
    let list = "\u{feff}organisation,id\r\nnorth-bank,branch-01\r\n\r\nsouth-bank , branch-01\r\n";
    let made = make_tokens(&ca, list, &TERMS, &out, NOW).unwrap();
    let names: Vec<String> = made.iter().map(|(identity, _)| identity.to_string()).collect();
    assert_eq!(names, ["north-bank", "south-bank"].map(|org| format!("spiffe://bank.example/{org}/client/branch-01")));
    let tokens: Vec<Vec<u8>> = made
        .iter()
        .map(|(identity, bundle)| {
            let bundle = Bundle::read(bundle).unwrap();
            assert_eq!(&bundle.identity, identity);
            bundle.token.expose().as_bytes().to_vec()
        })
        .collect();
    assert_ne!(tokens[0], tokens[1]);
}

#[test]
fn a_list_with_a_fault_makes_nothing_and_every_fault_is_told() {
    let folder = authority();
    let (ca, out) = (folder.path().join("ca"), folder.path().join("bundles"));
    let before = std::fs::read(ca.join("tokens")).ok();
    let list = "organisation,id\nnorth-bank,branch-01\nnorth-bank;branch-02\nnorth-bank,Branch 3\nnorth-bank,branch-01\nnorth-bank,branch-00\n";
    let refused = make_tokens(&ca, list, &TERMS, &out, NOW).unwrap_err().to_string();
    for part in ["line 3: an organisation", "line 4: ", "line 5: ", "twice", "line 6: ", "enrolled already"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    assert!(!out.exists() && std::fs::read(ca.join("tokens")).ok() == before);
    for (bad, part) in [("north-bank,branch-01\n", "line 1"), ("", "line 1"), ("organisation,id\n", "no branch")] {
        let refused = make_tokens(&ca, bad, &TERMS, &out, NOW).unwrap_err().to_string();
        assert!(refused.contains(part), "{refused}");
    }
}

#[test]
fn a_list_is_judged_up_to_its_longest_and_twenty_faults_are_told_and_the_rest_counted() {
    let folder = authority();
    let (ca, out) = (folder.path().join("ca"), folder.path().join("bundles"));
    let list = |count: usize| {
        let lines: String = (0..count).map(|number| format!("north-bank,b{number}\n")).collect();
        format!("{HEADER}\n{lines}")
    };
    assert_eq!(judged(&ca, &list(BATCH_MAX), &TERMS, &out).unwrap().len(), BATCH_MAX);
    let refused = judged(&ca, &list(BATCH_MAX + 1), &TERMS, &out).unwrap_err().to_string();
    assert!(refused.contains("more than 10000 branches"), "{refused}");
    let faults = |count: usize| {
        let told = told((1..=count).map(|number| format!("fault {number}")).collect());
        let lines: Vec<&str> = told.lines().map(str::trim).collect();
        (lines.len(), lines[lines.len() - 1].to_owned())
    };
    assert_eq!(faults(1), (1, "fault 1".to_owned()));
    assert_eq!(faults(FAULTS_TOLD), (FAULTS_TOLD, "fault 20".to_owned()));
    assert_eq!(faults(FAULTS_TOLD + 1), (FAULTS_TOLD + 1, "and 1 more".to_owned()));
    assert_eq!(faults(FAULTS_TOLD + 9), (FAULTS_TOLD + 1, "and 9 more".to_owned()));
}

#[test]
fn who_is_known_starts_anew_only_where_that_is_asked_and_no_bundle_is_replaced() {
    use crate::office::{RevocationReason, WhomToRevoke, revoke};

    let folder = authority();
    let (ca, out) = (folder.path().join("ca"), folder.path().join("bundles"));
    let gone = Identity::parse("spiffe://bank.example/north-bank/client/gone").unwrap();
    issue_client(&ca, "north-bank", "gone", &folder.path().join("gone"), NOW).unwrap();
    revoke(&ca, &WhomToRevoke::Identity(gone), RevocationReason::KeyCompromise, 7, NOW).unwrap();
    let members = std::fs::read_to_string(ca.join("members")).unwrap();
    let without: String =
        members.lines().filter(|line| !line.contains("/gone ")).map(|line| format!("{line}\n")).collect();
    std::fs::write(ca.join("members"), without).unwrap();
    let again = BatchTerms { again: true, ..TERMS };
    for (id, fault) in [("branch-00", "is enrolled already"), ("gone", "was revoked")] {
        let list = format!("{HEADER}\nnorth-bank,{id}\n");
        let refused = judged(&ca, &list, &TERMS, &out).unwrap_err().to_string();
        assert!(
            refused.contains(&format!("line 2: spiffe://bank.example/north-bank/client/{id} {fault}")),
            "{refused}"
        );
        assert_eq!(judged(&ca, &list, &again, &out).unwrap()[0].1, out.join("north-bank").join(format!("{id}.bundle")));
    }
    let list = format!("{HEADER}\nnorth-bank,branch-07\n");
    let (identity, bundle) = make_tokens(&ca, &list, &TERMS, &out, NOW).unwrap().remove(0);
    let refused = make_tokens(&ca, &list, &TERMS, &out, NOW).unwrap_err().to_string();
    assert!(refused.contains("is there already; a bundle is never replaced"), "{refused}");
    // The terms are those of each token.
    let line = crate::office::tokens::read_tokens(&ca).unwrap().remove(0);
    assert_eq!((line.identity, line.expires, line.approval, line.again), (identity, NOW + 24 * 3_600, true, false));
    assert_eq!(Bundle::read(&bundle).unwrap().coordinator_address, "fl.bank.example:7443");
}
