//! What the owner signs, where the owner's key is, and how it comes into a branch's folder.

use std::path::{Path, PathBuf};

use tributary_certs::enrolment::names;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::grant::{
    is_signed_grant, read_grant, read_withdrawal, sign_grant, sign_withdrawal, write_grant, write_withdrawal,
};
use tributary_certs::keys::{read_signing_key, read_verifying_key};
use tributary_certs::roster::RosterAuthorities;
use tributary_model::privacy::{is_delta, is_epsilon};
use tributary_protocol::digest::Digest;
use tributary_protocol::entropy::Entropy as _;
use tributary_protocol::limits::RUNS_MAX;
use tributary_protocol::plan::{Grant, GrantSubject, GrantUses, OwnersWord, Withdrawal};
use tributary_protocol::roster::MemberName;
use tributary_protocol::secagg::suite::{Signature, VerifyingKey};
use tributary_storage::files::create_private_folder;
use tributary_texts::{Language, Said, commands};

use super::held::{GRANT, Held, WITHDRAWAL, folder_of};
use super::judged::{NotForHere, Place, speaks};
use crate::budget::withdrawn;
use crate::error::ClientError;
use crate::identity::own_name;
use crate::settings::Settings;

/// Plans may learn from the branch's data.
pub const TRAIN: &str = "train";

/// The branch may keep the champions that came of such plans.
pub const KEEP_MODELS: &str = "keep-models";

/// What an owner is asked for.
#[derive(Clone, Debug)]
pub struct GrantRequest {
    /// What for.
    pub subject: GrantSubject,
    /// What may be done under it.
    pub uses: GrantUses,
    /// Whose data: the owner's branches.
    pub branches: Vec<MemberName>,
    /// Largest epsilon of one run.
    pub epsilon_run: f64,
    /// Largest epsilon of a year.
    pub epsilon_year: f64,
    /// The delta of both.
    pub delta: f64,
    /// Most runs.
    pub runs: u32,
    /// The fields that may be used; none: those of the schema that the policy pins.
    pub fields: Vec<String>,
    /// First second of the Unix clock.
    pub not_before: u64,
    /// Last second.
    pub not_after: u64,
}

/// Signs a grant where the owner's key is, and writes it to a file that is carried to each of its branches.
///
/// # Errors
/// If a value is none that a grant may have, or a file cannot be used.
pub fn grant(request: &GrantRequest, authorities: &Path, key: &Path, out: &Path) -> Result<Grant, ClientError> {
    let grant = signed(request, authorities, key)?;
    write_grant(&grant, out).map_err(ClientError::file)?;
    Ok(grant)
}

/// Signs a grant for the data of one branch where that branch is, and puts it into the branch's folder: where the owner comes with the key. The
/// request's branches are not looked at.
///
/// # Errors
/// If a value is none that a grant may have, the key is another owner's, or a file cannot be used.
pub fn grant_here(config: &Path, request: &GrantRequest, key: &Path) -> Result<(Grant, Said), ClientError> {
    let settings = Settings::load(config)?;
    let owner = read_verifying_key(&settings.policy_owner).map_err(ClientError::file)?;
    if read_signing_key(key).map_err(ClientError::file)?.verifying_key() != owner {
        return Err(ClientError::Said(commands::grant_of_another(key.display(), settings.policy_owner.display())));
    }
    let request = GrantRequest { branches: vec![own_name(&settings.identity.folder)?], ..request.clone() };
    let grant = signed(&request, &settings.identity.folder.join(names::AUTHORITIES), key)?;
    let path = put(&folder_of(&settings), &grant)?;
    Ok((grant, commands::grant_installed(path.display())))
}

fn put(folder: &Path, grant: &Grant) -> Result<PathBuf, ClientError> {
    create_private_folder(folder).map_err(ClientError::file)?;
    let path = folder.join(format!("{}.{GRANT}", grant.digest()));
    write_grant(grant, &path).map_err(ClientError::file)?;
    Ok(path)
}

fn signed(request: &GrantRequest, authorities: &Path, key: &Path) -> Result<Grant, ClientError> {
    let refuse = |what: Said| Err(ClientError::Said(commands::nothing_granted_because(what)));
    let GrantRequest { epsilon_run, epsilon_year, delta, runs, not_before, not_after, .. } = *request;
    if !is_epsilon(epsilon_run) || !is_epsilon(epsilon_year) || epsilon_run > epsilon_year {
        return refuse(commands::grant_epsilons());
    }
    if !is_delta(delta) || !(1..=RUNS_MAX).contains(&runs) || not_after < not_before {
        return refuse(commands::grant_numbers());
    }
    let mut branches = request.branches.clone();
    branches.sort();
    branches.dedup();
    let mut fields = request.fields.clone();
    fields.sort();
    fields.dedup();
    let authorities = RosterAuthorities::read(authorities).map_err(ClientError::file)?;
    let owner = read_signing_key(key).map_err(ClientError::file)?;
    let mut nonce = [0; 16];
    OsEntropy.fill(&mut nonce);
    let grant = Grant {
        federation: authorities.digest(),
        branches,
        subject: request.subject.clone(),
        uses: request.uses,
        epsilon_run_bits: epsilon_run.to_bits(),
        epsilon_year_bits: epsilon_year.to_bits(),
        delta_bits: delta.to_bits(),
        runs,
        fields: fields.iter().map(|field| field.as_str().into()).collect(),
        not_before,
        not_after,
        nonce,
        owner: owner.verifying_key(),
        signature: Signature::none(),
    };
    let grant = sign_grant(&owner, grant);
    if !is_signed_grant(&grant) {
        return refuse(commands::grant_branches_count());
    }
    Ok(grant)
}

/// Takes a grant back where the owner's key is, and writes that to a file that is carried to each of its branches.
///
/// # Errors
/// If a file cannot be used.
pub fn withdraw(grant: Digest, key: &Path, out: &Path, now_unix_s: u64) -> Result<Withdrawal, ClientError> {
    let owner = read_signing_key(key).map_err(ClientError::file)?;
    let withdrawal = sign_withdrawal(&owner, grant, now_unix_s);
    write_withdrawal(&withdrawal, out).map_err(ClientError::file)?;
    Ok(withdrawal)
}

/// Puts a grant or a withdrawal that was carried here into the branch's folder, under its own name. A daemon takes it up within seconds.
///
/// # Errors
/// If it is neither, is not signed by the owner of this branch's data, is of other branches or over, or is here already.
pub fn install(config: &Path, file: &Path, now_unix_s: u64) -> Result<Said, ClientError> {
    let settings = Settings::load(config)?;
    let owner = read_verifying_key(&settings.policy_owner).map_err(ClientError::file)?;
    let folder = folder_of(&settings);
    let not_here = |why: NotForHere| {
        ClientError::Said(match why {
            NotForHere::Stranger | NotForHere::Unsigned => {
                commands::grant_of_a_stranger(file.display(), settings.policy_owner.display())
            }
            NotForHere::Federation | NotForHere::Branch => commands::grant_of_others(file.display()),
            NotForHere::Over => commands::grant_over(file.display()),
        })
    };
    let withdrawn = file.extension().is_some_and(|extension| extension == WITHDRAWAL);
    let path = if withdrawn {
        let withdrawal = read_withdrawal(file).map_err(ClientError::file)?;
        speaks(&OwnersWord::TakenBack(withdrawal.clone()), &owner).map_err(not_here)?;
        create_private_folder(&folder).map_err(ClientError::file)?;
        let path = folder.join(format!("{}.{WITHDRAWAL}", withdrawal.grant));
        write_withdrawal(&withdrawal, &path).map_err(ClientError::file)?;
        path
    } else {
        let grant = read_grant(file).map_err(ClientError::file)?;
        speaks(&OwnersWord::Granted(grant.clone()), &owner).map_err(not_here)?;
        Place::of(&settings.identity)?.admits(&grant, now_unix_s).map_err(not_here)?;
        put(&folder, &grant)?
    };
    Ok(match withdrawn {
        true => commands::withdrawal_installed(path.display()),
        false => commands::grant_installed(path.display()),
    })
}

/// One grant, for people and programs.
#[derive(Clone, Debug, serde::Serialize)]
pub struct GrantLine {
    /// Its digest, by which it is withdrawn.
    pub grant: String,
    /// `plan` with its digest, or `plans` with proposer and purpose.
    pub of: String,
    /// What may be done under it: `train`, `keep-models`.
    pub uses: Vec<&'static str>,
    /// The same, for people.
    #[serde(skip)]
    pub said: Said,
    /// The branches.
    pub branches: Vec<String>,
    /// Largest epsilon of one run.
    pub epsilon_run: f64,
    /// Largest epsilon of a year.
    pub epsilon_year: f64,
    /// The delta of both.
    pub delta: f64,
    /// Most runs.
    pub runs: u32,
    /// Unix seconds from which it counts.
    pub not_before: u64,
    /// Unix seconds until which it counts.
    pub not_after: u64,
    /// Whether the owner of this branch's data signed it.
    pub signed: bool,
    /// Whether the owner took it back.
    pub withdrawn: bool,
}

impl GrantLine {
    /// Of a grant, for whoever knows the owner's key and what was withdrawn.
    #[must_use]
    pub fn of(grant: &Grant, owner: Option<&VerifyingKey>, withdrawn: bool) -> Self {
        let of = match &grant.subject {
            GrantSubject::Plan(plan) => commands::grant_of_plan(plan),
            GrantSubject::Plans { proposer, purpose } => commands::grant_of_plans(proposer, purpose.printable()),
        };
        Self {
            grant: grant.digest().to_string(),
            of: of.text(Language::English).to_owned(),
            said: of,
            uses: uses(grant.uses),
            branches: grant.branches.iter().map(ToString::to_string).collect(),
            epsilon_run: f64::from_bits(grant.epsilon_run_bits),
            epsilon_year: f64::from_bits(grant.epsilon_year_bits),
            delta: f64::from_bits(grant.delta_bits),
            runs: grant.runs,
            not_before: grant.not_before,
            not_after: grant.not_after,
            signed: is_signed_grant(grant) && owner.is_none_or(|owner| *owner == grant.owner),
            withdrawn,
        }
    }
}

/// The words for what a grant allows.
fn uses(GrantUses { train, keep_models }: GrantUses) -> Vec<&'static str> {
    [(train, TRAIN), (keep_models, KEEP_MODELS)]
        .into_iter()
        .filter(|(allowed, _)| *allowed)
        .map(|(_, word)| word)
        .collect()
}

/// What a branch was granted.
///
/// # Errors
/// If settings or files cannot be used, the budget's among them.
pub fn list(config: &Path) -> Result<Vec<GrantLine>, ClientError> {
    let settings = Settings::load(config)?;
    let owner = read_verifying_key(&settings.policy_owner).map_err(ClientError::file)?;
    let Held { grants, withdrawals } = Held::read(&settings).map_err(ClientError::file)?;
    // What the budget has recorded counts, whether or not the file of the withdrawal is still there.
    let recorded = withdrawn(&settings)?;
    let taken = |grant: &Grant| {
        let digest = grant.digest();
        let here = |withdrawal: &Withdrawal| withdrawal.grant == digest && withdrawal.owner == grant.owner;
        recorded.contains(&digest) || withdrawals.iter().any(here)
    };
    Ok(grants.iter().map(|grant| GrantLine::of(grant, Some(&owner), taken(grant))).collect())
}

#[cfg(test)]
mod tests {
    use tributary_certs::suite::SigningKey;
    use tributary_protocol::round::cast;

    use super::*;

    #[test]
    fn a_grant_that_is_put_into_the_folder_is_there_once_and_whole() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("grants");
        let grant = sign_grant(&SigningKey::from_seed(&[1; 32]), cast::grant(&cast::plan()));
        let path = put(&folder, &grant).unwrap();
        assert_eq!((path.parent(), read_grant(&path).unwrap()), (Some(&*folder), grant.clone()));
        assert!(put(&folder, &grant).is_err(), "it is here already");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    }

    /// A grant that no branch takes is not signed. Its numbers are judged before a file is opened.
    #[test]
    fn nobody_signs_a_grant_whose_numbers_are_beyond_a_limit() {
        let usual = GrantRequest {
            subject: GrantSubject::Plan(Digest::ZERO),
            uses: GrantUses::TRAIN,
            branches: vec![cast::name(tributary_protocol::ids::ClientId(1), 1)],
            epsilon_run: 1.0,
            epsilon_year: 1.0,
            delta: 1e-6,
            runs: RUNS_MAX,
            fields: Vec::new(),
            not_before: 7,
            not_after: 7,
        };
        let nowhere = Path::new("nowhere/at-all");
        let judged = |change: fn(&mut GrantRequest)| {
            let mut request = usual.clone();
            change(&mut request);
            match signed(&request, nowhere, nowhere) {
                Err(ClientError::Said(said)) => Some(said.text(Language::English).to_owned()),
                Err(ClientError::File(_)) => None,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(judged(|_| {}), None, "the authorities' file is looked for");
        let epsilons =
            Some(commands::nothing_granted_because(commands::grant_epsilons()).text(Language::English).to_owned());
        for change in [
            |request: &mut GrantRequest| request.epsilon_run = 1.5,
            |request: &mut GrantRequest| (request.epsilon_run, request.epsilon_year) = (-1.0, 1.0),
            |request: &mut GrantRequest| (request.epsilon_run, request.epsilon_year) = (0.0, f64::NAN),
            |request: &mut GrantRequest| request.epsilon_year = f64::INFINITY,
        ] {
            assert_eq!(judged(change), epsilons);
        }
        let numbers =
            Some(commands::nothing_granted_because(commands::grant_numbers()).text(Language::English).to_owned());
        for change in [
            |request: &mut GrantRequest| request.delta = 0.0,
            |request: &mut GrantRequest| request.runs = 0,
            |request: &mut GrantRequest| request.runs = RUNS_MAX + 1,
            |request: &mut GrantRequest| request.not_after = 6,
        ] {
            assert_eq!(judged(change), numbers);
        }
    }
}
