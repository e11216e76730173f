use std::fs;

use tributary_certs::enrolment::{init_authority, issue_client};
use tributary_certs::identity::TrustDomain;
use tributary_certs::keys::write_signing_key;
use tributary_certs::policy::sign_owned;
use tributary_storage::faults::each_sync_fails_once_and_heals;
use tributary_storage::files::create_private_folder;
use tributary_texts::Language;

use super::*;
use crate::cli;
use crate::data::Stop;
use crate::dataset::sources::tests::{Branch, CSV, RULES, schema};
use crate::ready::survey;
use crate::worker::Snapshot;

/// The owner has one key for two branches. Whoever has both mappings cannot exchange them.
#[test]
fn a_mapping_is_for_the_branch_that_it_names() {
    let branch = Branch::new("file = \"rows.csv\"\nmapping = \"mapping.toml\"\ndate = 2026-11-30");
    branch.write("rows.csv", CSV);
    branch.mapped("branch = \"north-bank/branch-01\"", RULES);
    assert!(branch.snapshot().unwrap_err().contains("identity.pem"), "it has no name yet");
    let domain = TrustDomain::parse("federation.example").unwrap();
    init_authority(&branch.at("office"), &domain, 1, 1, 1_796_256_000).unwrap_or_else(|fault| panic!("{fault}"));
    let enrolled = issue_client(&branch.at("office"), "north-bank", "branch-01", &branch.at("identity"), 1_796_256_000);
    enrolled.unwrap_or_else(|fault| panic!("{fault}"));
    fs::copy(branch.at("identity/identity.pem"), branch.at("identity.pem")).unwrap();
    assert_eq!(branch.snapshot().map(|(rows, _)| rows), Ok(2));
    let shown = cli::show_mapping(&branch.at("client.toml")).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(
        shown.iter().any(|line| line.text(Language::English).contains("for the branch north-bank/branch-01 alone"))
    );
    branch.mapped("branch = \"north-bank/branch-02\"", RULES);
    let told = branch.snapshot().unwrap_err();
    assert!(told.contains("for the branch north-bank/branch-02, and this is north-bank/branch-01"), "{told}");
    assert!(cli::show_mapping(&branch.at("client.toml")).is_err() && survey(&branch.at("client.toml")).is_err());
    // What a command writes for this branch names it.
    let made = cli::init_mapping(branch.folder.path(), &branch.at("schema.toml"));
    assert!(made.is_err(), "none is replaced");
    fs::remove_file(branch.at("mapping.toml")).unwrap();
    cli::init_mapping(branch.folder.path(), &branch.at("schema.toml")).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(fs::read_to_string(branch.at("mapping.toml")).unwrap().contains("\nbranch = \"north-bank/branch-01\"\n"));
}

/// A mapping that the owner signed before is signed still. The one that was in force last is the oldest that counts.
#[test]
fn an_older_mapping_is_not_put_back() {
    let branch = Branch::new("file = \"rows.csv\"\nmapping = \"mapping.toml\"\ndate = 2026-11-30");
    branch.write("rows.csv", CSV);
    branch.mapped("", RULES);
    let [first, signature] =
        ["mapping.toml", "mapping.toml.sig"].map(|name| fs::read_to_string(branch.at(name)).unwrap());
    let files = || {
        let read = Snapshot::read(&branch.settings(), &schema(), &Stop::default(), &mut |_| ());
        read.map(|read| read.files).map_err(|fault| fault.to_string())
    };
    // A branch that has begun a budget, so that something can be in force there.
    create_private_folder(&branch.settings().state_dir).unwrap();
    let before = files().unwrap();
    branch.mapped("", &format!("{RULES}# the owner read it again\n"));
    // The word of readiness is about the mapping too: the files are the same.
    let found = survey(&branch.at("client.toml")).unwrap_or_else(|fault| panic!("{fault}"));
    let after = found.digests().unwrap();
    assert_eq!((after.data, after.events), (before.data, before.events));
    assert_ne!(after, before);
    assert!(files().is_ok_and(|files| files == after));
    branch.write("mapping.toml", &first);
    branch.write("mapping.toml.sig", &signature);
    for told in [
        files().unwrap_err(),
        survey(&branch.at("client.toml")).map(|_| ()).unwrap_err().to_string(),
        cli::show_mapping(&branch.at("client.toml")).unwrap_err().to_string(),
    ] {
        assert!(told.contains("signed later") && told.contains("sign it anew"), "{told}");
    }
    sign_owned(Owned::Mapping, &branch.at("mapping.toml"), &first, &branch.owner).unwrap();
    assert_eq!(files(), Ok(before), "the owner has signed it anew");
}

#[test]
fn rows_are_looked_at_as_the_daemon_reads_them() {
    let branch = Branch::new("file = \"rows.csv\"\nmapping = \"mapping.toml\"\ndate = 2026-11-30");
    branch.write("rows.csv", CSV);
    branch.mapped("", RULES);
    use crate::standing::standing;

    let mut found = tributary_transport::preflight::Findings::default();
    standing(&mut found, &branch.settings(), 1_796_256_000);
    let text = found.to_string().replace(&branch.folder.path().display().to_string(), "HOME");
    let rows: Vec<&str> =
        text.lines().filter(|line| line.contains("rows.csv") || line.contains("mapping.toml")).collect();
    let expected = [
        "ok      reading HOME/rows.csv: 2 rows of 2 customers fit the schema",
        "warning reading HOME/rows.csv: field score (column \"score\"): the data have no such column, which the schema allows; every row is \
         learned as missing there. Look whether the export has lost it",
    ];
    assert_eq!(rows, expected, "{text}");
}

/// Which mapping is in force is noted before rows are read by it, so that no older one is put back; and a mapping is signed whole, or not at all.
#[test]
fn a_mapping_of_which_a_write_failed_is_signed_and_noted_again() {
    let branch = Branch::new("file = \"rows.csv\"\nmapping = \"mapping.toml\"\ndate = 2026-11-30");
    branch.write("rows.csv", CSV);
    branch.mapped("", RULES);
    create_private_folder(&branch.settings().state_dir).unwrap();
    write_signing_key(&branch.owner, &branch.at("owner.key")).unwrap();
    let without = |name: &'static str| {
        let branch = &branch;
        move || {
            let _none = fs::remove_file(branch.at(name));
        }
    };
    let noted = each_sync_fails_once_and_heals(without("state/mapping.newest"), |()| {
        let read = Snapshot::read(&branch.settings(), &schema(), &Stop::default(), &mut |_| ()).map(drop);
        read.inspect(|()| assert!(branch.at("state/mapping.newest").exists()))
    });
    let [mapping, key, schema] = ["mapping.toml", "owner.key", "schema.toml"].map(|name| branch.at(name));
    let signed = each_sync_fails_once_and_heals(without("owner.pub"), |()| cli::sign_mapping(&mapping, &key, &schema));
    assert_eq!((noted, signed), (2, 4));
}
