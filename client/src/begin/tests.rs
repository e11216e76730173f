use std::path::PathBuf;

use tributary_certs::grant::{sign_grant, sign_withdrawal, write_grant};
use tributary_certs::keys::{read_signing_key, write_signing_key, write_verifying_key};
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::budget::FirstUse;
use tributary_protocol::ids::RoundId;
use tributary_protocol::plan::RunRef;
use tributary_protocol::round::cast;
use tributary_storage::files::create_private_folder;
use tributary_texts::Language;

use super::*;
use crate::budget::{check_budget, open_budget};
use crate::cli::sign_policy;
use crate::log::logged;
use crate::test_home::{accepted, furnish};

/// A branch as it is before its first use: enrolled, its policy signed by its owner.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(home.path("identity")).unwrap();
        let key = SigningKey::generate(&mut OsEntropy);
        write_signing_key(&key, &home.path("identity").join(names::SIGNING_KEY)).unwrap();
        furnish(home.0.path(), SCHEMA);
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn begin(&self, key: &str, adopt: bool) -> Result<Vec<String>, String> {
        let done = begin_budget(&self.path("client.toml"), &self.path(key), adopt, 7);
        english(done)
    }

    /// As the daemon does at its start.
    fn open(&self, population: &str) -> Result<(FirstUse, [u8; 32]), String> {
        let settings = Settings::load(&self.path("client.toml")).unwrap();
        let (_, events) = open_budget(&settings, population).map_err(|fault| fault.to_string())?;
        match events.first() {
            Some(ParticipantEvent::BudgetBegun { first, salt, .. }) => Ok((first.clone(), *salt)),
            other => panic!("{other:?}"),
        }
    }
}

/// The one that the sample policy pins.
const SCHEMA: &str = include_str!("../../../docs/samples/schemas/deposit_churn.toml");
const POPULATION: &str = "retail customers of this branch";

#[test]
fn a_budget_begins_once_and_by_its_owner() {
    let home = Home::new();
    let absent = home.open(POPULATION).unwrap_err();
    assert!(absent.contains("there is no budget file") && absent.contains("budget begin --config"), "{absent}");
    assert!(!home.path("state").join(BUDGET_FILE).exists(), "looking for it makes none");
    write_signing_key(&SigningKey::generate(&mut OsEntropy), &home.path("other.key")).unwrap();
    assert!(home.begin("other.key", false).unwrap_err().contains("not the key of the policy's owner"));
    home.begin("owner.key", false).unwrap();
    let (first, salt) = home.open(POPULATION).unwrap();
    assert!(first.is_signed::<RealSuite>() && !first.adopts);
    assert_eq!(first.population, population_digest(&salt, POPULATION));
    assert!(home.begin("owner.key", false).unwrap_err().contains("a budget file is here already"));
    assert!(home.begin("owner.key", true).unwrap_err().contains("a budget file is here already"));
    assert!(home.open("others").unwrap_err().contains("two populations have two budgets"));
}

#[test]
fn a_deleted_budget_is_not_begun_anew() {
    let home = Home::new();
    home.begin("owner.key", false).unwrap();
    let before = home.open(POPULATION).unwrap();
    assert_eq!(crate::cli::budget(&home.path("client.toml"), 7).unwrap().counter, 1);
    std::fs::remove_dir_all(home.path("state")).unwrap();
    assert!(home.open(POPULATION).unwrap_err().contains("--adopt"));
    let told = crate::cli::budget(&home.path("client.toml"), 7).unwrap_err().to_string();
    assert!(told.contains("there is no budget file"), "nobody is told that nothing was spent: {told}");
    let refused = home.begin("owner.key", false).unwrap_err();
    assert!(refused.contains("has begun a budget before") && refused.contains("--adopt"), "{refused}");
    home.begin("owner.key", true).unwrap();
    let (first, salt) = home.open(POPULATION).unwrap();
    assert!(first.adopts, "good for nothing before it has adopted a head");
    assert_eq!((salt, first.population), (before.1, before.0.population), "the same population, and its salt");
}

/// A crash of the command leaves an empty file, or a head alone, or a part of the first entry.
#[test]
fn a_beginning_that_a_crash_broke_off_begins_again() {
    let home = Home::new();
    let path = home.path("state").join(BUDGET_FILE);
    home.begin("owner.key", false).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 3, 8, 20, whole.len() - 1] {
        std::fs::remove_file(BudgetMark::path(&home.path("identity"))).unwrap();
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(home.open(POPULATION).unwrap_err().contains("was never begun"), "cut at {length}");
        home.begin("owner.key", false).unwrap();
        assert!(!home.open(POPULATION).unwrap().0.adopts);
        assert!(home.begin("owner.key", false).unwrap_err().contains("a budget file is here already"));
    }
}

/// A disk was full when the mark was to be written. The same command writes it, where the file has nothing but that beginning.
#[test]
fn a_beginning_without_its_mark_is_completed_and_nothing_else_is() {
    let home = Home::new();
    let mark = BudgetMark::path(&home.path("identity"));
    home.begin("owner.key", false).unwrap();
    let begun = std::fs::read(&mark).unwrap();
    std::fs::remove_file(&mark).unwrap();
    assert!(home.begin("owner.key", true).unwrap_err().contains("a budget file is here already"), "it adopts nothing");
    let other = SigningKey::generate(&mut OsEntropy);
    let [own, kept] = [names::SIGNING_KEY, "kept.key"].map(|name| home.path("identity").join(name));
    std::fs::rename(&own, &kept).unwrap();
    write_signing_key(&other, &own).unwrap();
    assert!(home.begin("owner.key", false).unwrap_err().contains("a budget file is here already"), "another branch's");
    std::fs::rename(&kept, &own).unwrap();
    assert!(!mark.exists());
    assert_eq!(home.begin("owner.key", false).unwrap().len(), 2);
    assert_eq!(std::fs::read(&mark).unwrap(), begun);
    // One from which was spent is no beginning.
    std::fs::remove_file(&mark).unwrap();
    let settings = Settings::load(&home.path("client.toml")).unwrap();
    let (mut file, _) = begun_budget(&settings).unwrap();
    let run = RunRef { plan: Digest([1; 32]), number: 1 };
    file.append(Millis(8), accepted(run, 9)).and_then(|()| file.sync()).unwrap();
    drop(file);
    assert!(home.begin("owner.key", false).unwrap_err().contains("a budget file is here already"));
    assert!(!mark.exists());
}

/// The owner's words are the same at every branch. Another branch's file, and a second population under the same identity, are refused.
#[test]
fn an_identity_has_the_budget_that_it_began_and_no_other() {
    let (home, other) = (Home::new(), Home::new());
    home.begin("owner.key", false).unwrap();
    for file in ["owner.key", "owner.pub"] {
        std::fs::copy(home.path(file), other.path(file)).unwrap();
    }
    sign_policy(&other.path("policy.toml"), &other.path("owner.key"), &other.path("schema.toml")).unwrap();
    other.begin("owner.key", false).unwrap();
    let own = std::fs::read(home.path("state").join(BUDGET_FILE)).unwrap();
    std::fs::copy(other.path("state").join(BUDGET_FILE), home.path("state").join(BUDGET_FILE)).unwrap();
    let refused = home.open(POPULATION).unwrap_err();
    assert!(refused.contains("the budget of another identity"), "{refused}");
    std::fs::write(home.path("state").join(BUDGET_FILE), own).unwrap();
    home.open(POPULATION).unwrap();

    std::fs::remove_dir_all(home.path("state")).unwrap();
    let text = std::fs::read_to_string(home.path("policy.toml")).unwrap();
    std::fs::write(home.path("policy.toml"), text.replace(POPULATION, "companies")).unwrap();
    sign_policy(&home.path("policy.toml"), &home.path("owner.key"), &home.path("schema.toml")).unwrap();
    for adopt in [false, true] {
        let refused = home.begin("owner.key", adopt).unwrap_err();
        assert!(refused.contains(if adopt { "another population" } else { "has begun a budget before" }), "{refused}");
    }
}

/// A copy of the state folder beside the first one: while a daemon spends from the one, none spends from the other.
#[test]
fn an_identity_spends_from_one_file_at_a_time() {
    let home = Home::new();
    home.begin("owner.key", false).unwrap();
    let settings = || Settings::load(&home.path("client.toml")).unwrap();
    let open = open_budget(&settings(), POPULATION).unwrap();
    create_private_folder(&home.path("copy")).unwrap();
    std::fs::copy(home.path("state").join(BUDGET_FILE), home.path("copy").join(BUDGET_FILE)).unwrap();
    let copy = Settings { state_dir: home.path("copy"), ..settings() };
    let refused = open_budget(&copy, POPULATION).map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("another daemon spends under this identity"), "{refused}");
    drop(open);
    open_budget(&copy, POPULATION).map(|_| ()).unwrap();
}

#[test]
fn a_mark_that_is_missing_is_left_again_and_another_owner_is_refused() {
    let home = Home::new();
    home.begin("owner.key", false).unwrap();
    let mark = BudgetMark::path(&home.path("identity"));
    std::fs::remove_file(&mark).unwrap();
    home.open(POPULATION).unwrap();
    assert!(mark.exists());
    std::fs::remove_file(home.path("owner.key")).unwrap();
    sign_policy(&home.path("policy.toml"), &home.path("owner.key"), &home.path("schema.toml")).unwrap();
    let refused = home.open(POPULATION).unwrap_err();
    assert!(refused.contains("is not the policy's owner") && refused.contains("budget owner"), "{refused}");
}

/// An operator makes a key, signs a policy with it that allows anything, and lets a file take the place of the true one.
#[test]
fn nobody_but_the_owner_begins_another_file() {
    let home = Home::new();
    home.begin("owner.key", false).unwrap();
    std::fs::rename(home.path("owner.key"), home.path("true-owner.key")).unwrap();
    sign_policy(&home.path("policy.toml"), &home.path("owner.key"), &home.path("schema.toml")).unwrap();
    std::fs::remove_dir_all(home.path("state")).unwrap();
    for adopt in [false, true] {
        assert!(home.begin("owner.key", adopt).is_err(), "{adopt}");
    }
    let refused = home.begin("owner.key", true).unwrap_err();
    assert!(refused.contains("belongs to another owner") && refused.contains("budget owner"), "{refused}");
    // Without the mark a file begins, and the head that the coordinator shows names the true owner: the machine refuses it.
    std::fs::remove_file(BudgetMark::path(&home.path("identity"))).unwrap();
    home.begin("owner.key", true).unwrap();
    // Nor is a stranger's file taken where the mark is there.
    let stranger = std::fs::read(home.path("state").join(BUDGET_FILE)).unwrap();
    let again = Home::new();
    again.begin("owner.key", false).unwrap();
    std::fs::write(again.path("state").join(BUDGET_FILE), stranger).unwrap();
    std::fs::copy(home.path("owner.pub"), again.path("owner.pub")).unwrap();
    assert!(again.open(POPULATION).is_err());
}

/// The owner leaves, and signs that the next one owns the budget; the one after that comes the same way, and a lost file loses none of it.
#[test]
fn a_budget_passes_from_owner_to_owner_by_signature() {
    let home = Home::new();
    home.begin("owner.key", false).unwrap();
    let pass =
        |from: &str, to: &str| english(change_owner(&home.path("client.toml"), &home.path(from), &home.path(to), 8));
    let owns = || home.open(POPULATION).map(|_| ());
    for (key, public) in [("second.key", "second.pub"), ("third.key", "third.pub")] {
        let next = SigningKey::generate(&mut OsEntropy);
        write_signing_key(&next, &home.path(key)).unwrap();
        write_verifying_key(&next.verifying_key(), &home.path(public)).unwrap();
    }
    std::fs::copy(home.path("owner.pub"), home.path("first.pub")).unwrap();
    let refused = pass("second.key", "third.pub").unwrap_err();
    assert!(refused.contains("must be the key of its owner"), "{refused}");
    pass("owner.key", "second.pub").unwrap();
    assert!(owns().is_err(), "the settings name the owner before");
    std::fs::copy(home.path("second.pub"), home.path("owner.pub")).unwrap();
    owns().unwrap();
    assert!(pass("owner.key", "third.pub").is_err() && pass("second.key", "first.pub").is_err());
    pass("second.key", "third.pub").unwrap();
    std::fs::copy(home.path("third.pub"), home.path("owner.pub")).unwrap();
    owns().unwrap();
    // A mark from before is left anew; a file that takes the place of a lost one knows every owner, however often.
    std::fs::remove_file(BudgetMark::path(&home.path("identity"))).unwrap();
    owns().unwrap();
    std::fs::copy(home.path("third.key"), home.path("owner.key")).unwrap();
    sign_policy(&home.path("policy.toml"), &home.path("owner.key"), &home.path("schema.toml")).unwrap();
    for _ in 0..2 {
        std::fs::remove_dir_all(home.path("state")).unwrap();
        home.begin("owner.key", true).unwrap();
        let settings = Settings::load(&home.path("client.toml")).unwrap();
        let (_, events) = open_budget(&settings, POPULATION).unwrap();
        let record = judged(&events).unwrap();
        let key = |name: &str| read_verifying_key(&home.path(name)).unwrap();
        assert_eq!(record.owners(), ["first.pub", "second.pub", "third.pub"].map(key));
        std::fs::remove_file(BudgetMark::path(&home.path("identity"))).unwrap();
        owns().unwrap();
    }
}

/// What each of the commands that open the budget says.
#[cfg(unix)]
fn refusals(home: &Home) -> Vec<String> {
    let owner = home.path("owner.pub");
    let passed = change_owner(&home.path("client.toml"), &home.path("owner.key"), &owner, 8);
    let passed = passed.unwrap_err().to_string();
    let checked = check_budget(&Settings::load(&home.path("client.toml")).unwrap(), POPULATION);
    let checked = checked.unwrap_err().to_string();
    vec![home.open(POPULATION).unwrap_err(), home.begin("owner.key", false).unwrap_err(), passed, checked]
}

#[cfg(unix)]
#[test]
fn what_is_begun_is_this_user_s_alone_and_one_that_others_may_use_is_refused() {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let home = Home::new();
    home.begin("owner.key", false).unwrap();
    home.open(POPULATION).unwrap();
    let (state, file) = (home.path("state"), home.path("state").join(BUDGET_FILE));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&state), mode(&file), mode(&home.path("identity/budget.lock"))), (0o700, 0o600, 0o600));
    // With a torn tail in it: nothing is cut off a file that is refused.
    fs::write(&file, [fs::read(&file).unwrap(), vec![9; 5]].concat()).unwrap();
    let bytes = fs::read(&file).unwrap();
    for (path, loose, right) in
        [(&file, 0o644, 0o600), (&file, 0o620, 0o600), (&state, 0o755, 0o700), (&state, 0o730, 0o700)]
    {
        fs::set_permissions(path, Permissions::from_mode(loose)).unwrap();
        for told in refusals(&home) {
            assert!(told.contains(&format!("chmod {right:o} {}", path.display())), "{told}");
        }
        assert_eq!((mode(path), fs::read(&file).unwrap()), (loose, bytes.clone()), "nothing is changed");
        fs::set_permissions(path, Permissions::from_mode(right)).unwrap();
    }
    // The folder may be a link, the file may not.
    fs::rename(&state, home.path("elsewhere")).unwrap();
    symlink(home.path("elsewhere"), &state).unwrap();
    home.open(POPULATION).unwrap();
    fs::rename(&file, home.path("a copy")).unwrap();
    symlink(home.path("a copy"), &file).unwrap();
    assert!(refusals(&home).iter().all(|told| told.contains("is a link, and not a file")));
    assert!(fs::symlink_metadata(&file).unwrap().is_symlink());
}

#[test]
fn a_torn_tail_of_the_budget_is_told_when_it_is_cut() {
    let home = Home::new();
    home.begin("owner.key", false).unwrap();
    let file = home.path("state").join(BUDGET_FILE);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, [whole.clone(), vec![9; 5]].concat()).unwrap();
    // Whoever begins it again is refused, and changes nothing.
    assert!(home.begin("owner.key", false).unwrap_err().contains("a budget file is here already"));
    assert_eq!(std::fs::read(&file).unwrap().len(), whole.len() + 5);
    // A check says nothing of it, and leaves it too.
    let settings = Settings::load(&home.path("client.toml")).unwrap();
    assert_eq!(check_budget(&settings, POPULATION).unwrap(), 1);
    assert_eq!(std::fs::read(&file).unwrap().len(), whole.len() + 5);
    let (opened, log) = logged(|| home.open(POPULATION));
    opened.unwrap();
    assert!(log.contains("WARN") && log.contains("the last 5 bytes were an incomplete entry (1)"), "{log}");
    assert!(log.contains(BUDGET_FILE) && log.contains("verify ledger"), "{log}");
    assert_eq!(std::fs::read(&file).unwrap(), whole);
    assert_eq!(logged(|| home.open(POPULATION).unwrap()).1, "", "once");
}

/// Whoever removes the file of a withdrawal revives nothing, and is not told that the grant counts.
#[test]
fn a_grant_that_the_budget_knows_as_withdrawn_is_listed_so_without_the_file() {
    let home = Home::new();
    home.begin("owner.key", false).unwrap();
    let config = home.path("client.toml");
    let owner = read_signing_key(&home.path("owner.key")).unwrap();
    let grant = sign_grant(&owner, cast::grant(&cast::plan()));
    let folder = home.path("state").join("grants");
    create_private_folder(&folder).unwrap();
    write_grant(&grant, &folder.join("a.grant")).unwrap();
    let withdrawn = || crate::grants::list(&config).unwrap()[0].withdrawn;
    assert!(!withdrawn());
    let (mut file, _) = begun_budget(&Settings::load(&config).unwrap()).unwrap();
    let withdrawal = sign_withdrawal(&owner, grant.digest(), 7);
    file.append(Millis(8), ParticipantEvent::GrantWithdrawn { withdrawal }).unwrap();
    file.sync().unwrap();
    assert!(withdrawn());
}

/// A file of the right form that nobody began: an empty one, and one whose beginning is not there.
#[test]
fn a_budget_file_without_a_beginning_was_never_begun() {
    let home = Home::new();
    let settings = Settings::load(&home.path("client.toml")).unwrap();
    create_private_folder(&settings.state_dir).unwrap();
    let owner = read_signing_key(&home.path("owner.key")).unwrap();
    for entries in [0, 1] {
        let (mut file, _) =
            Journal::<ParticipantEvent>::open(&settings.state_dir.join(BUDGET_FILE), LedgerId::BUDGET).unwrap();
        for _ in 0..entries {
            let withdrawal = sign_withdrawal(&owner, Digest::ZERO, 7);
            file.append(Millis(8), ParticipantEvent::GrantWithdrawn { withdrawal }).unwrap();
        }
        file.sync().unwrap();
        drop(file);
        let refused = begun_budget(&settings).map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains("never begun") && refused.contains("budget begin --config"), "{refused}");
    }
}

/// The chain of the file alone does not show it: whoever can write there can make a chain.
#[test]
fn a_budget_file_that_breaks_a_rule_is_refused_by_whoever_opens_it_and_the_entry_is_named() {
    let home = Home::new();
    home.begin("owner.key", false).unwrap();
    let settings = Settings::load(&home.path("client.toml")).unwrap();
    let (mut file, events) = begun_budget(&settings).unwrap();
    assert_eq!(events.len(), 1);
    // An upload of a round that was never charged.
    let upload = ParticipantEvent::Uploaded {
        run: RunRef { plan: Digest([1; 32]), number: 1 },
        round: RoundId(1),
        vector: Digest([2; 32]),
        counter: 1,
    };
    file.append(Millis(8), upload).unwrap();
    file.sync().unwrap();
    drop(file);
    let shown = crate::cli::budget(&home.path("client.toml"), 9).map(|_| ()).unwrap_err().to_string();
    let opened = home.open(POPULATION).map(|_| ()).unwrap_err();
    let checked = check_budget(&settings, POPULATION).unwrap_err().to_string();
    let passed = change_owner(&home.path("client.toml"), &home.path("owner.key"), &home.path("owner.pub"), 8);
    for told in [shown, opened, checked, passed.unwrap_err().to_string()] {
        assert!(told.contains("entry 1 of the budget file breaks a rule") && told.contains(BUDGET_FILE), "{told}");
    }
}

/// A first entry in which another key signs for the owner.
#[test]
fn an_owner_s_word_without_the_owner_s_signature_is_refused() {
    let owner = SigningKey::generate(&mut OsEntropy);
    let own = SigningKey::generate(&mut OsEntropy).verifying_key();
    let first = sign_first_use(&owner, (POPULATION, &[7; 32]), own.clone(), false);
    let begun = |first| [ParticipantEvent::BudgetBegun { population: POPULATION.into(), salt: [7; 32], first }];
    assert_eq!(judged(&begun(first.clone())).unwrap().owner(), Some(&owner.verifying_key()));
    let forged = FirstUse { owner: own, ..first };
    let refused = judged(&begun(forged)).unwrap_err();
    assert_eq!(refused.entry, 0);
    assert!(refused.to_string().contains("every signature"), "{refused}");
}

fn english(done: Result<Vec<Said>, ClientError>) -> Result<Vec<String>, String> {
    let english = |lines: Vec<Said>| lines.iter().map(|line| line.text(Language::English).to_owned()).collect();
    done.map(english).map_err(|fault| fault.to_string())
}
