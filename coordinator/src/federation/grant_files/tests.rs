//! What owners sign, on its way into the coordinator's state: files in which one thing alone is wrong.

use tributary_certs::grant::{sign_grant, sign_withdrawal};
use tributary_certs::suite::SigningKey;
use tributary_protocol::plan::Grant;
use tributary_protocol::round::cast;
use tributary_storage::faults::each_sync_fails_once;

use super::*;
use crate::enrolled::{Federation, now};

fn owner() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

struct World {
    federation: Federation,
    config: PathBuf,
}

impl World {
    fn new() -> Self {
        let federation = Federation::new(2);
        let config = federation.settings(|text| text);
        Self { federation, config }
    }

    /// A grant for both branches that counts here.
    fn grant(&self) -> Grant {
        let authorities = Settings::load(&self.config).unwrap().identity.authorities;
        let branch = |number| MemberName::parse(&format!("north-bank/branch-{number}")).unwrap();
        Grant {
            federation: RosterAuthorities::read(&authorities).unwrap().digest(),
            branches: vec![branch(0), branch(1)],
            not_after: now() + 1_000,
            ..cast::grant(&cast::plan())
        }
    }

    fn carried(&self, grant: &Grant) -> Result<(PathBuf, Vec<MemberName>), CarryError> {
        let path = self.federation.path("carried.grant");
        let _ = std::fs::remove_file(&path);
        write_grant(grant, &path).unwrap();
        carry(&self.config, &path)
    }

    fn taken_back(&self, key: &SigningKey, grant: Digest) -> Result<(PathBuf, Vec<MemberName>), CarryError> {
        let path = self.federation.path("carried.withdrawal");
        let _ = std::fs::remove_file(&path);
        write_withdrawal(&sign_withdrawal(key, grant, 7), &path).unwrap();
        carry(&self.config, &path)
    }

    fn files(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.federation.path("state/grants")).into_iter().flatten();
        let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn a_grant_is_carried_where_nothing_is_wrong_with_it() {
    let world = World::new();
    let good = world.grant();
    let signed = |grant: Grant| sign_grant(&owner(), grant);
    let forged = Grant { runs: 7, ..signed(good.clone()) };
    assert!(matches!(world.carried(&forged), Err(CarryError::Unsigned { .. })));
    let foreign = signed(Grant { federation: Digest([9; 32]), ..good.clone() });
    assert!(matches!(world.carried(&foreign), Err(CarryError::Foreign { .. })));
    let over = signed(Grant { not_after: now() - 1, ..good.clone() });
    assert!(matches!(world.carried(&over), Err(CarryError::Over { .. })));
    let stranger = MemberName::parse("north-bank/branch-9").unwrap();
    let branches = [good.branches.clone(), vec![stranger.clone()]].concat();
    let refused = world.carried(&signed(Grant { branches, ..good.clone() }));
    assert!(matches!(&refused, Err(CarryError::NoMember { branch, .. }) if *branch == stranger), "{refused:?}");
    assert_eq!(world.files(), [""; 0], "nothing has changed");
    // Its last second is a good one.
    let short = signed(Grant { not_after: now() + 60, ..good });
    let (path, branches) = world.carried(&short).unwrap();
    let name = format!("{}.grant", short.digest());
    assert_eq!(path, world.federation.path("state/grants").join(&name));
    assert_eq!((branches, world.files()), (short.branches.clone(), vec![name]));
    assert!(matches!(world.carried(&short), Err(CarryError::File(FileError::Exists { .. }))), "once");
}

#[test]
fn a_withdrawal_is_carried_after_its_grant_by_the_same_owner_alone() {
    let world = World::new();
    let grant = sign_grant(&owner(), world.grant());
    let digest = grant.digest();
    let unknown = |result| matches!(result, Err(CarryError::Unknown { grant, .. }) if grant == digest);
    assert!(unknown(world.taken_back(&owner(), digest)), "it is not here yet");
    world.carried(&grant).unwrap();
    assert!(unknown(world.taken_back(&SigningKey::from_seed(&[2; 32]), digest)), "another owner's");
    let path = world.federation.path("forged.withdrawal");
    let mut forged = sign_withdrawal(&owner(), digest, 7);
    forged.at += 1;
    write_withdrawal(&forged, &path).unwrap();
    assert!(matches!(carry(&world.config, &path), Err(CarryError::Unsigned { .. })));
    let (path, branches) = world.taken_back(&owner(), digest).unwrap();
    let names = [format!("{digest}.grant"), format!("{digest}.withdrawal")];
    assert_eq!((path, branches), (world.federation.path("state/grants").join(&names[1]), grant.branches.clone()));
    assert_eq!(world.files(), names);
    // The daemon hears of both, the grant first, and once.
    let state = world.federation.path("state");
    let mut folder = GrantsFolder::of(&state);
    let withdrawal = sign_withdrawal(&owner(), digest, 7);
    assert_eq!(folder.new_ones(), [OwnersWord::Granted(grant), OwnersWord::TakenBack(withdrawal)]);
    assert_eq!(folder.new_ones(), []);
}

/// What an owner allows or takes back is on its way for good, or whoever carries it hears that it is not.
#[test]
fn a_word_that_cannot_be_put_here_is_told() {
    let world = World::new();
    let grant = sign_grant(&owner(), world.grant());
    let (allowed, back) = (world.federation.path("own.grant"), world.federation.path("own.withdrawal"));
    write_grant(&grant, &allowed).unwrap();
    write_withdrawal(&sign_withdrawal(&owner(), grant.digest(), 7), &back).unwrap();
    let emptied = || drop(std::fs::remove_dir_all(world.federation.path("state")));
    assert_eq!(each_sync_fails_once(emptied, |()| carry(&world.config, &allowed)), 2 + 2);
    let granted = || {
        emptied();
        carry(&world.config, &allowed).unwrap();
    };
    assert_eq!(each_sync_fails_once(granted, |()| carry(&world.config, &back)), 2);
}
