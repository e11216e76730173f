//! What goes into a bundle beside the journal: owners' words on which its runs may rest.

use std::collections::BTreeSet;
use std::fs;

use tributary_certs::grant::{sign_grant, sign_withdrawal, word_file_name, write_grant, write_withdrawal};
use tributary_certs::suite::SigningKey;
use tributary_evidence::bundle::Bundle;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Date, Grant, GrantSubject, OwnersWord};
use tributary_protocol::roster::StaffNumber;
use tributary_protocol::round::cast;

use super::beside::after_a_run;
use super::*;
use crate::audit::{Export, Scope, export};

#[test]
fn of_a_run_go_the_grants_for_it_and_of_the_journal_all_that_owners_have_signed() {
    let (world, manifest) = after_a_run();
    let (owner, thief) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
    let lineage = &manifest.lineage;
    let grant =
        |subject: GrantSubject, runs: u32| sign_grant(&owner, Grant { subject, runs, ..cast::grant(&cast::plan()) });
    let plans = |proposer: &str, purpose: &str| GrantSubject::Plans {
        proposer: StaffNumber::parse(proposer).unwrap(),
        purpose: purpose.into(),
    };
    let purpose = lineage.purpose.raw();
    let own = [grant(GrantSubject::Plan(lineage.run.plan), 1), grant(plans("north-bank/e1", purpose), 2)];
    let others = [
        grant(GrantSubject::Plan(Digest([9; 32])), 3),
        grant(plans("north-bank/e2", purpose), 4),
        grant(plans("north-bank/e1", "another purpose"), 5),
    ];
    let folder = world.state("grants");
    fs::create_dir_all(&folder).unwrap();
    let name = |word: &OwnersWord| word_file_name(word);
    let granted = |grant: &Grant| {
        let word = OwnersWord::Granted(grant.clone());
        write_grant(grant, &folder.join(name(&word))).unwrap();
        format!("grants/{}", name(&word))
    };
    let taken = |key: &SigningKey, grant: &Grant| {
        let withdrawal = sign_withdrawal(key, grant.digest(), 7);
        let word = OwnersWord::TakenBack(withdrawal.clone());
        let _ = fs::remove_file(folder.join(name(&word)));
        write_withdrawal(&withdrawal, &folder.join(name(&word))).unwrap();
        format!("grants/{}", name(&word))
    };
    let of_run: BTreeSet<String> = own.iter().map(&granted).chain([taken(&owner, &own[1])]).collect();
    let mut all: BTreeSet<String> = others.iter().map(&granted).chain(of_run.clone()).collect();
    all.insert(taken(&owner, &others[0]));
    // Nobody's word: another owner's withdrawal, one of a forged signature, and one under another name.
    taken(&thief, &own[0]);
    let forged = Grant { runs: 77, ..own[0].clone() };
    granted(&forged);
    fs::copy(folder.join(name(&OwnersWord::Granted(own[0].clone()))), folder.join("other.grant")).unwrap();
    let today = Date::of_second(now());
    let words = |scope: Scope, name: &str| -> BTreeSet<String> {
        let output = world.house.path(name);
        let exported = export(&world.config, &Export { days: (today, today), scope, output: &output }).unwrap();
        let bundle = Bundle::open(fs::File::open(&exported.file).unwrap()).unwrap();
        bundle.names().filter(|name| name.starts_with("grants/")).map(str::to_owned).collect()
    };
    assert_eq!(words(Scope::Journal, "whole"), all);
    assert_eq!(words(Scope::Run(lineage.run), "run"), of_run);
    assert_eq!(words(Scope::Plan(lineage.run.plan), "plan"), of_run);
    assert_eq!(words(Scope::Days, "days"), of_run);
}
