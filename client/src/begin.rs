//! `tributary client budget begin`: a budget has a first use, which the owner of the data signs, and it never begins by itself.

use std::path::Path;

use tributary_certs::budget::{BudgetMark, sign_first_use, sign_owner_change};
use tributary_certs::enrolment::names;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::keys::{read_signing_key, read_verifying_key};
use tributary_journal::Journal;
use tributary_protocol::budget::population_digest;
use tributary_protocol::digest::Digest;
use tributary_protocol::entropy::Entropy as _;
use tributary_protocol::round::ParticipantEvent;
use tributary_protocol::time::Millis;

use crate::budget::{BUDGET_FILE, begun_budget, judged};
use crate::error::ClientError;
use crate::policy::BranchPolicy;
use crate::settings::Settings;

/// Makes the budget file of a branch, with the owner's signature as its first entry. With `adopt` the file takes the place of a lost one: it is
/// good for nothing before it has adopted the newest head that the coordinator shows.
///
/// # Errors
/// If a file is there, if this identity has begun a budget before and `adopt` is not asked for, or if the key is not the policy's owner's.
pub fn begin_budget(config: &Path, key: &Path, adopt: bool, now_unix_ms: u64) -> Result<Vec<String>, ClientError> {
    let settings = Settings::load(config)?;
    let policy = BranchPolicy::owned(&settings)?;
    let owner = read_signing_key(key).map_err(ClientError::file)?;
    if read_verifying_key(&settings.policy_owner).map_err(ClientError::file)? != owner.verifying_key() {
        return Err(ClientError::file(format!(
            "{}: this is not the key of the policy's owner ({}), so no budget is begun; the owner of the data signs its first use",
            key.display(),
            settings.policy_owner.display()
        )));
    }
    let path = settings.state_dir.join(BUDGET_FILE);
    // A crash of this very command leaves a file without an entry, in which nothing began.
    let begun = path.exists() && !Journal::<ParticipantEvent>::open(&path)?.1.is_empty();
    let left = || {
        ClientError::file(format!(
            "{}: a budget file is here already, and it is left as it is; `tributary client budget --config {}` shows what was spent",
            path.display(),
            config.display()
        ))
    };
    if begun {
        return Err(left());
    }
    let folder = &settings.identity.folder;
    let known = BudgetMark::read(folder).map_err(ClientError::file)?;
    if known.is_some() && !adopt {
        return Err(ClientError::file(format!(
            "{}: this identity has begun a budget before, and its file {} is missing. Put the newest copy back. If there is none, let the \
             coordinator show what was spent: `tributary client budget begin --adopt`",
            BudgetMark::path(folder).display(),
            path.display()
        )));
    }
    let signing_key = read_signing_key(&folder.join(names::SIGNING_KEY)).map_err(ClientError::file)?;
    let population = policy.population;
    if known.as_ref().is_some_and(|mark| mark.owner != owner.verifying_key()) {
        return Err(ClientError::file(format!(
            "{}: this identity's budget belongs to another owner than {}, so nobody else begins a file in its place. Have its owner do it, or sign \
             first that it passes to the new one (`tributary client budget owner`, with the newest copy of the file)",
            BudgetMark::path(folder).display(),
            settings.policy_owner.display()
        )));
    }
    if known.as_ref().is_some_and(|mark| mark.population != population_digest(&mark.salt, &population)) {
        return Err(ClientError::file(format!(
            "{}: this identity has begun the budget of another population than \"{population}\", which the policy names; two populations have two \
             budgets: give this one a state_dir and an identity of its own, or correct the policy and have it signed",
            BudgetMark::path(folder).display()
        )));
    }
    let salt = known.as_ref().map_or_else(|| OsEntropy.bytes32(), |mark| mark.salt);
    let changes = known.map(|mark| mark.changes).unwrap_or_default();
    let first = sign_first_use(&owner, (&population, &salt), signing_key.verifying_key(), adopt);
    let mark = BudgetMark { population: population_digest(&salt, &population), salt, owner: first.owner, changes };
    let (mut journal, recorded) = Journal::<ParticipantEvent>::open(&path)?;
    if !recorded.is_empty() {
        return Err(left());
    }
    let words = format!("{}: the budget of \"{population}\" begins", path.display());
    journal.append(Millis(now_unix_ms), ParticipantEvent::BudgetBegun { population, salt, first })?;
    // Heads of earlier owners are this budget's as well.
    for change in mark.changes.iter().rev().cloned() {
        journal.append(Millis(now_unix_ms), ParticipantEvent::OwnerChanged { change })?;
    }
    journal.sync()?;
    mark.write(folder).map_err(ClientError::file)?;
    let next = match adopt {
        true => "it adopts the newest head that the coordinator shows, and takes part in nothing before that",
        false => {
            "keep copies of it; the coordinator and the federation's ledger are told when the branch first connects"
        }
    };
    Ok(vec![words, next.to_owned()])
}

/// Passes a branch's budget to another owner of the data: its owner's key signs the next one's public key, and the budget file and the identity
/// keep that. The next owner then signs the policy.
///
/// # Errors
/// If there is no budget file, the key is not its owner's, or the next owner has owned it before.
pub fn change_owner(config: &Path, key: &Path, next: &Path, now_unix_ms: u64) -> Result<Vec<String>, ClientError> {
    let settings = Settings::load(config)?;
    let owner = read_signing_key(key).map_err(ClientError::file)?;
    let to = read_verifying_key(next).map_err(ClientError::file)?;
    let (mut file, events) = begun_budget(&settings)?;
    let record = judged(&events).ok_or_else(|| {
        ClientError::file(format!(
            "{}: an entry about its owner is not signed as it must be; nothing is changed. Put the newest copy back",
            settings.state_dir.join(BUDGET_FILE).display()
        ))
    })?;
    let change = sign_owner_change(&owner, record.population_digest.unwrap_or(Digest::ZERO), to);
    if record.owner() != Some(change.from) || !record.admits_change(&change) {
        return Err(ClientError::file(format!(
            "{}: the budget does not pass from {} to {}: the first must be the key of its owner, and the second one that has not owned it before",
            settings.state_dir.join(BUDGET_FILE).display(),
            key.display(),
            next.display()
        )));
    }
    let folder = &settings.identity.folder;
    let mut mark = BudgetMark::read(folder).map_err(ClientError::file)?.ok_or_else(|| {
        ClientError::file(format!("{}: the identity's mark is missing; start the daemon once", folder.display()))
    })?;
    file.append(Millis(now_unix_ms), ParticipantEvent::OwnerChanged { change: change.clone() })?;
    file.sync()?;
    mark.owner = to;
    mark.changes.push(change);
    mark.write(folder).map_err(ClientError::file)?;
    let next = "put the new owner's public key into the settings' place (policy.owner), have the new owner sign the policy, and start the daemon";
    Ok(vec![format!("the budget of \"{}\" has another owner", record.population.unwrap_or_default()), next.to_owned()])
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tributary_certs::keys::{write_signing_key, write_verifying_key};
    use tributary_certs::suite::{RealSuite, SigningKey};
    use tributary_protocol::budget::FirstUse;

    use super::*;
    use crate::budget::open_budget;
    use crate::cli::sign_policy;
    use crate::policy::SAMPLE;

    /// A branch as it is before its first use: enrolled, its policy signed by its owner.
    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Self {
            let home = Self(tempfile::tempdir().unwrap());
            std::fs::create_dir(home.path("identity")).unwrap();
            let key = SigningKey::generate(&mut OsEntropy);
            write_signing_key(&key, &home.path("identity").join(names::SIGNING_KEY)).unwrap();
            for (name, text) in [
                ("customers.csv", "x"),
                ("schema.toml", SCHEMA),
                ("policy.toml", SAMPLE),
                (
                    "client.toml",
                    "[client]\nstate_dir = \"state\"\n[coordinator]\naddress = \"localhost:1\"\n[identity]\nfolder = \"identity\"\n\
                     [data]\nfile = \"customers.csv\"\nschema = \"schema.toml\"\n[policy]\nfile = \"policy.toml\"\nowner = \"owner.pub\"\n",
                ),
            ] {
                std::fs::write(home.path(name), text).unwrap();
            }
            sign_policy(&home.path("policy.toml"), &home.path("owner.key"), &home.path("schema.toml")).unwrap();
            home
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn begin(&self, key: &str, adopt: bool) -> Result<Vec<String>, String> {
            let done = begin_budget(&self.path("client.toml"), &self.path(key), adopt, 7);
            done.map_err(|fault| fault.to_string())
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
    const SCHEMA: &str = include_str!("../../docs/samples/schemas/deposit_churn.toml");
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
        std::fs::remove_dir_all(home.path("state")).unwrap();
        assert!(home.open(POPULATION).unwrap_err().contains("--adopt"));
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
            assert!(
                refused.contains(if adopt { "another population" } else { "has begun a budget before" }),
                "{refused}"
            );
        }
    }

    /// A copy of the state folder beside the first one: while a daemon spends from the one, none spends from the other.
    #[test]
    fn an_identity_spends_from_one_file_at_a_time() {
        let home = Home::new();
        home.begin("owner.key", false).unwrap();
        let settings = || Settings::load(&home.path("client.toml")).unwrap();
        let open = open_budget(&settings(), POPULATION).unwrap();
        std::fs::create_dir(home.path("copy")).unwrap();
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
        let pass = |from: &str, to: &str| {
            change_owner(&home.path("client.toml"), &home.path(from), &home.path(to), 8)
                .map_err(|fault| fault.to_string())
        };
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
}
