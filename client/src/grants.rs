//! What the owner of a branch's data has granted: a folder of signed files beside the budget, which the daemon follows.
//!
//! ```text
//! STATE/grants/9f86...grant         what was granted
//! STATE/grants/9f86...withdrawal    what was taken back
//! ```
//!
//! A grant is made where the owner's key is, and carried here; the daemon has no such key. Whoever writes into the folder grants nothing: the round
//! machine verifies the owner's signature by the key that the budget's first entry anchors.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use tributary_certs::entropy::OsEntropy;
use tributary_certs::grant::{
    is_signed_grant, read_grant, read_withdrawal, sign_grant, sign_withdrawal, write_grant, write_withdrawal,
};
use tributary_certs::keys::read_signing_key;
use tributary_certs::roster::RosterAuthorities;
use tributary_model::privacy::cap;
use tributary_model::schema::Schema;
use tributary_protocol::digest::Digest;
use tributary_protocol::entropy::Entropy as _;
use tributary_protocol::limits::RUNS_MAX;
use tributary_protocol::plan::{Grant, GrantSubject, Withdrawal};
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::roster::MemberName;
use tributary_protocol::round::Granted;
use tributary_protocol::secagg::suite::{Signature, VerifyingKey};
use tributary_storage::files::{FileError, create_private_folder};

use crate::error::ClientError;
use crate::settings::Settings;

const FOLDER: &str = "grants";
const GRANT: &str = "grant";
const WITHDRAWAL: &str = "withdrawal";

/// The folder, as it was when anybody last looked.
pub(crate) struct Grants {
    folder: PathBuf,
    seen: BTreeSet<OsString>,
}

/// What the folder holds.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) grants: Vec<Grant>,
    pub(crate) withdrawals: Vec<Withdrawal>,
}

impl Grants {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self { folder: settings.state_dir.join(FOLDER), seen: BTreeSet::new() }
    }

    /// What is there now, where a file has come or gone since the last look.
    ///
    /// # Errors
    /// If the folder or a file in it cannot be read: a file that is there and cannot be read may be a withdrawal.
    pub(crate) fn changed(&mut self) -> Result<Option<Held>, FileError> {
        let names = names(&self.folder)?;
        if names == self.seen {
            return Ok(None);
        }
        let held = read(&self.folder, &names)?;
        self.seen = names;
        Ok(Some(held))
    }
}

/// What a settings file's branch was granted.
pub(crate) fn held(settings: &Settings) -> Result<Held, FileError> {
    let folder = settings.state_dir.join(FOLDER);
    read(&folder, &names(&folder)?)
}

fn names(folder: &Path) -> Result<BTreeSet<OsString>, FileError> {
    if !folder.exists() {
        return Ok(BTreeSet::new());
    }
    let entries = fs::read_dir(folder).map_err(FileError::system("listing", folder))?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
    let names: BTreeSet<OsString> = names.collect::<Result<_, _>>().map_err(FileError::system("listing", folder))?;
    let ends = |name: &OsString, with| Path::new(name).extension().is_some_and(|extension| extension == with);
    Ok(names.into_iter().filter(|name| ends(name, GRANT) || ends(name, WITHDRAWAL)).collect())
}

fn read(folder: &Path, names: &BTreeSet<OsString>) -> Result<Held, FileError> {
    let mut held = Held::default();
    for name in names {
        let path = folder.join(name);
        if path.extension().is_some_and(|extension| extension == GRANT) {
            held.grants.push(read_grant(&path)?);
        } else {
            held.withdrawals.push(read_withdrawal(&path)?);
        }
    }
    Ok(held)
}

impl Held {
    /// The grants with what their epsilons come to, for a branch with this schema.
    pub(crate) fn granted(&self, schema: &Schema) -> Vec<Granted> {
        let caps = |bits: u64, grant: &Grant| {
            let (epsilon, delta) = (f64::from_bits(bits), f64::from_bits(grant.delta_bits));
            // What is no epsilon allows nothing.
            let allowed = is_epsilon(epsilon) && is_delta(delta);
            let customer = if allowed { cap(epsilon, delta) } else { RdpVector::zero() };
            Accounts { customer, branch: cap(1_000.0, 1e-12) }
        };
        let of = |grant: &Grant| Granted {
            run: caps(grant.epsilon_run_bits, grant),
            year: caps(grant.epsilon_year_bits, grant),
            names_fields: names_fields(grant, schema),
            grant: grant.clone(),
        };
        self.grants.iter().map(of).collect()
    }
}

fn is_epsilon(epsilon: f64) -> bool {
    epsilon > 0.0 && epsilon <= 1_000.0
}

fn is_delta(delta: f64) -> bool {
    delta > 0.0 && delta <= 1e-3
}

/// Whether a grant names every field and label of a schema, or leaves that to the policy, which pins them.
fn names_fields(grant: &Grant, schema: &Schema) -> bool {
    let granted: BTreeSet<&str> = grant.fields.iter().map(|field| field.raw()).collect();
    let fields = schema.fields().iter().map(|field| field.name.as_str());
    let mut used = fields.chain(schema.labels().iter().map(|label| label.name.as_str()));
    granted.is_empty() || used.all(|name| granted.contains(name))
}

/// What an owner is asked for.
#[derive(Clone, Debug)]
pub struct GrantRequest {
    /// What for.
    pub subject: GrantSubject,
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
    let refuse = |what: &str| Err(ClientError::file(format!("nothing is granted: {what}")));
    let GrantRequest { epsilon_run, epsilon_year, delta, runs, not_before, not_after, .. } = *request;
    if !is_epsilon(epsilon_run) || !is_epsilon(epsilon_year) || epsilon_run > epsilon_year {
        return refuse("the epsilon of a run is above 0 and at most that of a year, which is at most 1000");
    }
    if !is_delta(delta) || !(1..=RUNS_MAX).contains(&runs) || not_after < not_before {
        return refuse(
            "delta is above 0 and at most 0.001, there are 1 to 1000 runs, and the end comes after the beginning",
        );
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
        return refuse("name one branch at least, and a thousand at most");
    }
    write_grant(&grant, out).map_err(ClientError::file)?;
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
/// If it is neither, is not signed by the owner of this branch's data, is of other branches, or is here already.
pub fn install(config: &Path, file: &Path) -> Result<Vec<String>, ClientError> {
    let settings = Settings::load(config)?;
    let owner = tributary_certs::keys::read_verifying_key(&settings.policy_owner).map_err(ClientError::file)?;
    let folder = settings.state_dir.join(FOLDER);
    let stranger = || {
        ClientError::file(format!(
            "{}: it is not signed by the owner of this branch's data ({}), so it is not installed: ask the owner for the file again",
            file.display(),
            settings.policy_owner.display()
        ))
    };
    let withdrawn = file.extension().is_some_and(|extension| extension == WITHDRAWAL);
    let path = if withdrawn {
        let withdrawal = read_withdrawal(file).map_err(ClientError::file)?;
        if withdrawal.owner != owner || !withdrawal.is_genuine::<tributary_certs::suite::RealSuite>() {
            return Err(stranger());
        }
        create_private_folder(&folder).map_err(ClientError::file)?;
        let path = folder.join(format!("{}.{WITHDRAWAL}", withdrawal.grant));
        write_withdrawal(&withdrawal, &path).map_err(ClientError::file)?;
        path
    } else {
        let grant = read_grant(file).map_err(ClientError::file)?;
        if grant.owner != owner || !is_signed_grant(&grant) {
            return Err(stranger());
        }
        create_private_folder(&folder).map_err(ClientError::file)?;
        let path = folder.join(format!("{}.{GRANT}", grant.digest()));
        write_grant(&grant, &path).map_err(ClientError::file)?;
        path
    };
    let what = if withdrawn { "the grant is withdrawn: no round begins under it" } else { "the grant is here" };
    Ok(vec![format!("{}: {what}; a running daemon takes it up within seconds", path.display())])
}

/// One grant, for people and programs.
#[derive(Clone, Debug, serde::Serialize)]
pub struct GrantLine {
    /// Its digest, by which it is withdrawn.
    pub grant: String,
    /// `plan` with its digest, or `plans` with proposer and purpose.
    pub of: String,
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
            GrantSubject::Plan(plan) => format!("the plan {plan}"),
            GrantSubject::Plans { proposer, purpose } => format!("every plan of {proposer} for \"{purpose}\""),
        };
        Self {
            grant: grant.digest().to_string(),
            of,
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

/// What a branch was granted.
///
/// # Errors
/// If settings or files cannot be used.
pub fn list(config: &Path) -> Result<Vec<GrantLine>, ClientError> {
    let settings = Settings::load(config)?;
    let owner = tributary_certs::keys::read_verifying_key(&settings.policy_owner).map_err(ClientError::file)?;
    let Held { grants, withdrawals } = held(&settings).map_err(ClientError::file)?;
    let taken = |grant: &Grant| {
        let digest = grant.digest();
        withdrawals.iter().any(|withdrawal| withdrawal.grant == digest && withdrawal.owner == grant.owner)
    };
    Ok(grants.iter().map(|grant| GrantLine::of(grant, Some(&owner), taken(grant))).collect())
}
