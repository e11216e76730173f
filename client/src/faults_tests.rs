//! A disk on which one write after the other fails, while the owner of a branch's data, or its operator, sets the branch up: the command says so,
//! and the same command again goes on.

use std::fs;

use tributary_certs::budget::BudgetMark;
use tributary_certs::grant::{read_grant, sign_withdrawal};
use tributary_certs::keys::{read_signing_key, read_verifying_key, write_verifying_key};
use tributary_certs::office::make_token;
use tributary_certs::people::make_person;
use tributary_certs::roster::write_roster;
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::plan::{Caps, GrantSubject, GrantUses, OwnersWord, RunRef};

use tributary_protocol::role::Role;
use tributary_protocol::roster::{
    AuthoritySignature, Holding, MemberName, Person, Roster, RosterEntry, Scope, SignedRoster, StaffNumber,
};
use tributary_protocol::round::{BudgetRecord, ParticipantEvent, cast};
use tributary_protocol::secagg::suite::Suite as _;
use tributary_protocol::time::Millis;
use tributary_storage::faults::{each_fault, each_sync_fails_once, each_sync_fails_once_and_heals};
use tributary_storage::files::Existing;

use crate::begin::{begin_budget, change_owner};
use crate::budget::{begun_budget, judged, open_budget};
use crate::cli::{init_mapping, init_policy, sign_policy};
use crate::control::pause;
use crate::error::ClientError;
use crate::grants::{self, GrantRequest, Grants, OwnersInbox};
use crate::home;
use crate::init::{Whose, init};
use crate::log::logged;
use crate::policy::BranchPolicy;
use crate::raise::{Grounds, apply, propose, read_proposed};
use crate::release::release_run;
use crate::score::init_actions;
use crate::test_home::{accepted, each_until_done, token};
use crate::whole_branch_tests::Home;

const NOW: u64 = 1_900_000_000;
const POPULATION: &str = "retail customers of this branch";

/// A branch whose budget has begun.
fn begun() -> Home {
    let home = Home::enrolled_at(NOW);
    home.begin();
    home
}

/// What the budget file comes to. Every entry follows the rules.
fn record(home: &Home) -> BudgetRecord {
    let (_file, events) = begun_budget(&home.settings()).unwrap_or_else(|fault| panic!("{fault}"));
    judged(&events).unwrap_or_else(|fault| panic!("{fault}"))
}

/// The folder of a new branch, and the commented files that its people begin with.
#[test]
fn a_branch_s_folder_of_which_a_write_failed_is_furnished_again() {
    let base = Home::enrolled_at(NOW);
    let request = token("branch-02", "fl.bank.example:7443");
    make_token(&base.at("office"), &request, &base.at("bundle"), NOW).unwrap();
    let schema = |home: &Home| home.at("schema.toml");
    let world = || base.copied();
    let failed = [
        each_sync_fails_once(world, |home| init(&home.at("a/b"), &Whose::Unknown)),
        each_sync_fails_once(world, |home| init_policy(&home.at("a"), &schema(home))),
        each_sync_fails_once(world, |home| init_mapping(&home.at("a"), &schema(home))),
        each_sync_fails_once(world, |home| init_actions(&home.at("a"), &schema(home))),
        each_sync_fails_once(world, |home| {
            home::furnish(&home.at("home"), &home.at("bundle"), Some(&schema(home)))?;
            let names = ["client.toml", "schema.toml", "policy.toml"];
            assert!(names.iter().all(|name| home.at("home").join(name).is_file()));
            Ok::<_, ClientError>(())
        }),
    ];
    assert_eq!(failed.map(|failed| failed > 2), [true; 5], "{failed:?}");
}

/// A key is made where there is none, and its public half beside it.
#[test]
fn what_an_owner_could_not_sign_for_a_full_disk_is_signed_again() {
    let base = begun();
    let world = || base.copied();
    let own = |home: &Home, key: &str| home::own(&home.at(""), &home.at(key), false, NOW * 1_000);
    let failed = [
        each_sync_fails_once_and_heals(world, |home| own(home, "owner.key")),
        each_sync_fails_once(
            || {
                let home = world();
                ["owner.key", "owner.pub"].iter().for_each(|name| fs::remove_file(home.at(name)).unwrap());
                home
            },
            |home| {
                own(home, "owner.key")?;
                let owner = read_signing_key(&home.at("owner.key")).unwrap().verifying_key();
                assert!(BranchPolicy::owned(&home.settings()).is_ok(), "signed by the key that is named");
                assert_eq!(read_verifying_key(&home.at("owner.pub")).unwrap(), owner);
                Ok::<_, ClientError>(())
            },
        ),
        each_sync_fails_once(world, |home| {
            sign_policy(&home.at("policy.toml"), &home.at("new.key"), &home.at("schema.toml"))
        }),
        each_sync_fails_once_and_heals(world, |home| BranchPolicy::owned(&home.settings())?.note(&home.settings())),
        each_sync_fails_once(world, |home| pause(&home.at("client.toml"))),
    ];
    assert_eq!(failed.map(|failed| failed > 1), [true; 5], "{failed:?}");
}

/// Nothing begins twice, and nothing that has begun is lost: where the beginning is in the file and the mark is not there, the same command leaves
/// the mark.
#[test]
fn a_budget_of_which_a_write_failed_begins_once() {
    let base = Home::enrolled_at(NOW);
    let again = begun();
    fs::remove_dir_all(again.at("state")).unwrap();
    let unmarked = begun();
    fs::remove_file(BudgetMark::path(&unmarked.at("identity"))).unwrap();
    for (base, adopt, least) in [(&base, false, 5), (&again, true, 5), (&unmarked, false, 3)] {
        let failed = each_until_done(
            || base.copied(),
            |home| begin_budget(&home.at("client.toml"), &home.at("owner.key"), adopt, NOW * 1_000),
            |home| {
                let marked = BudgetMark::path(&home.at("identity")).exists();
                let is_begun = marked && home.at("state/budget.ledger").exists();
                if is_begun && let Ok((_file, events)) = open_budget(&home.settings(), POPULATION) {
                    assert_eq!(events.len(), 1);
                    return true;
                }
                false
            },
        );
        assert!(failed >= least, "{failed} {adopt}");
    }
}

/// The next owner has it whole, or the one before has it still.
#[test]
fn a_budget_of_which_a_write_failed_passes_once() {
    let base = begun();
    let next = SigningKey::from_seed(&[9; 32]).verifying_key();
    write_verifying_key(&next, &base.at("next.pub")).unwrap();
    let failed = each_until_done(
        || base.copied(),
        |home| change_owner(&home.at("client.toml"), &home.at("owner.key"), &home.at("next.pub"), NOW * 1_000),
        |home| {
            let mark = BudgetMark::read(&home.at("identity")).unwrap().unwrap();
            let record = record(home);
            assert!(record.owners().len() <= 2 && mark.changes.len() <= 1);
            assert!(mark.owner != next || record.owner() == Some(&next), "the file is first");
            mark.owner == next && mark.changes.len() == 1
        },
    );
    assert!(failed > 2, "{failed}");
}

/// A run that its owner lets go, and what a daemon spends: each is in the file before it counts.
#[test]
fn nothing_is_spent_or_let_go_where_its_record_could_not_be_written() {
    let base = begun();
    let run = RunRef { plan: Digest([0xab; 32]), number: 2 };
    let end = (NOW + 10) * 1_000;
    let spent = each_fault(|fault| {
        let home = base.copied();
        let (mut file, _) = open_budget(&home.settings(), POPULATION).unwrap_or_else(|fault| panic!("{fault}"));
        let done = fault.during(|| {
            file.append(Millis(7), accepted(run, end))?;
            file.sync()
        });
        assert_eq!(done.is_err(), fault.struck());
        // Nobody goes on with a file of which nobody knows what is in it.
        let event = ParticipantEvent::CapsNoted { caps: BranchPolicy::owned(&home.settings()).unwrap().epsilon_caps() };
        assert_eq!(file.append(Millis(8), event).and_then(|()| file.sync()).is_err(), fault.struck());
        drop(file);
        // What was not on the disk is not there for the next process either.
        assert_eq!(record(&home).accepted.contains_key(&run), !fault.struck());
    });
    base.append(accepted(run, end));
    let released = each_until_done(
        || base.copied(),
        |home| release_run(&home.at("client.toml"), "abababab/2", &home.at("owner.key"), end),
        |home| !record(home).is_open(&run),
    );
    assert!((spent, released > 1) == (1, true), "{spent} {released}");
}

/// A roster of the branch and of a privacy officer, signed by the authority.
fn roster(home: &Home, officer: &tributary_certs::people::SigningPerson) -> SignedRoster {
    let holding = Holding {
        role: Role::PrivacyOfficer,
        deputy_of: None,
        scope: Scope::Federation,
        from: NOW - 10,
        until: NOW + 1_000_000,
    };
    let person = Person {
        staff: officer.staff().clone(),
        signing_key: officer.request().signing_key.clone(),
        holdings: vec![holding],
    };
    let own = read_signing_key(&home.at("identity/signing.key")).unwrap();
    let entry = RosterEntry {
        name: MemberName::parse("north-bank/branch-01").unwrap(),
        signing_key: own.verifying_key(),
        ..cast::entry(ClientId(3))
    };
    let roster = Roster::new(1, Digest::ZERO, vec![entry], Vec::new(), vec![person]).unwrap();
    let authority = read_signing_key(&home.at("office/authority-0.key")).unwrap();
    let signature = RealSuite::sign(&authority, &roster.signing_input());
    SignedRoster { roster, signatures: vec![AuthoritySignature { authority: 0, signature }] }
}

/// Caps are raised by the file of the two who signed, and by nothing else; the file is whole, or is not there.
#[test]
fn a_raise_of_which_a_write_failed_is_proposed_signed_and_noted_again() {
    let base = begun();
    let to = BranchPolicy::owned(&base.settings()).unwrap_or_else(|fault| panic!("{fault}")).epsilon_caps();
    let from = Caps { life_bits: (f64::from_bits(to.life_bits) - 1.0).to_bits(), ..to };
    base.append(ParticipantEvent::CapsNoted { caps: from });
    let staff = StaffNumber::parse("north-bank/p1").unwrap();
    let officer = make_person(&base.at("officer"), &staff, NOW).unwrap_or_else(|fault| panic!("{fault}"));
    let signed = roster(&base, &officer);
    base.append(ParticipantEvent::RosterAccepted { head: signed.roster.head(), missing: 0 });
    write_roster(&signed, &base.at("roster"), Existing::Keep).unwrap();
    let proposes = |home: &Home| {
        let grounds = Grounds { reason: "a second model", ticket: "change 17" };
        propose(&home.at("client.toml"), &home.at("owner.key"), grounds, &home.at("caps.raise"), NOW * 1_000)
    };
    let attests = |home: &Home| read_proposed(&home.at("caps.raise"))?.attest(&officer, &home.at("both.raise"), NOW);
    let proposed = each_sync_fails_once(|| base.copied(), proposes);
    proposes(&base).unwrap_or_else(|fault| panic!("{fault}"));
    let attested = each_sync_fails_once(|| base.copied(), attests);
    attests(&base).unwrap_or_else(|fault| panic!("{fault}"));
    let applied = each_until_done(
        || base.copied(),
        |home| apply(&home.at("client.toml"), &home.at("both.raise"), &home.at("roster"), NOW * 1_000),
        |home| {
            let caps = record(home).caps;
            assert!(caps == Some(from) || caps == Some(to));
            caps == Some(to)
        },
    );
    assert!(proposed > 1 && attested > 1 && applied > 1, "{proposed} {attested} {applied}");
}

/// What the owner allows and takes back: on paper, by hand, and by the coordinator's hands.
#[test]
fn a_grant_of_which_a_write_failed_is_given_and_taken_back_again() {
    let base = begun();
    let request = GrantRequest {
        subject: GrantSubject::Plans { proposer: StaffNumber::parse("bank/e5").unwrap(), purpose: "churn".into() },
        uses: GrantUses::TRAIN,
        branches: vec![MemberName::parse("north-bank/branch-01").unwrap()],
        epsilon_run: 1.5,
        epsilon_year: 2.5,
        delta: 1e-6,
        runs: 12,
        fields: Vec::new(),
        not_before: NOW,
        not_after: NOW + 1_000,
    };
    let (world, key) = (|| base.copied(), |home: &Home| home.at("owner.key"));
    let grants = |home: &Home| {
        grants::grant(&request, &home.at("identity/authorities"), &key(home), &home.at("a.grant")).map(|_| ())
    };
    let granted = each_sync_fails_once(world, grants);
    grants(&base).unwrap_or_else(|fault| panic!("{fault}"));
    let digest = read_grant(&base.at("a.grant")).unwrap().digest();
    let withdraws = |home: &Home| grants::withdraw(digest, &key(home), &home.at("a.withdrawal"), NOW).map(|_| ());
    let withdrawn = each_sync_fails_once(world, withdraws);
    withdraws(&base).unwrap_or_else(|fault| panic!("{fault}"));
    let listed = |home: &Home| {
        let lines = grants::list(&home.at("client.toml")).unwrap_or_else(|fault| panic!("{fault}"));
        lines.iter().map(|line| line.withdrawn).collect::<Vec<_>>()
    };
    let here = each_sync_fails_once(world, |home| grants::grant_here(&home.at("client.toml"), &request, &key(home)));
    let installs = |home: &Home, file: &str| grants::install(&home.at("client.toml"), &home.at(file), NOW);
    let installed = each_sync_fails_once(world, |home| {
        let said = installs(home, "a.grant")?;
        assert_eq!(listed(home), [false]);
        Ok::<_, ClientError>(said)
    });
    installs(&base, "a.grant").unwrap_or_else(|fault| panic!("{fault}"));
    let ended = each_sync_fails_once(world, |home| {
        let said = installs(home, "a.withdrawal")?;
        assert_eq!(listed(home), [true]);
        Ok::<_, ClientError>(said)
    });
    let failed = [granted, withdrawn, here, installed, ended];
    assert_eq!(failed.map(|failed| failed > 1), [true; 5], "{failed:?}");
}

/// The daemon goes on where it cannot write what waits for the owner, or what the owner said: it logs that. The plan is put into the inbox when it
/// is asked about again, and the owner's word is tried again at each look.
#[test]
fn an_owner_s_word_that_a_daemon_could_not_write_is_not_lost() {
    let base = begun();
    let owner = read_signing_key(&base.at("owner.key")).unwrap();
    let word = OwnersWord::TakenBack(sign_withdrawal(&owner, Digest([1; 32]), 7));
    let schema = crate::data::read_schema(&base.at("schema.toml")).unwrap_or_else(|fault| panic!("{fault}"));
    let carried = each_fault(|fault| {
        let home = base.copied();
        let mut grants = Grants::of(&home.settings(), schema.clone());
        let (report, log) = logged(|| fault.during(|| grants.hear(&word)));
        assert_eq!(
            (report.is_none(), log.contains("it is tried again every second")),
            (fault.struck(), fault.struck())
        );
        assert_eq!(grants.look().map(|(granted, withdrawals)| (granted.len(), withdrawals.len())), Some((0, 1)));
    });
    let plan = cast::plan();
    let asked = each_fault(|fault| {
        let home = base.copied();
        let inbox = OwnersInbox::of(&home.settings());
        let ask = || inbox.asked(&plan, &cast::approvals(&plan));
        let (_, log) = logged(|| fault.during(ask));
        assert_eq!(log.contains("could not be put into the inbox"), fault.struck(), "{log}");
        ask();
        assert!(grants::asked_plan(&home.at("client.toml"), &plan.digest()).is_ok());
    });
    assert_eq!((carried, asked), (3, 3), "the folder, the file and its name");
}
