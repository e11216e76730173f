//! What the executable's `client` commands call.

use std::path::PathBuf;

use tributary_certs::clock::unix_seconds;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::keys::{read_signing_key, write_signing_key, write_verifying_key};
use tributary_certs::policy::{Owned, sign_owned, sign_policy as write_signature, signature_path};
use tributary_certs::suite::SigningKey;
use tributary_model::schema::Schema;
use tributary_protocol::log::LedgerId;
use tributary_protocol::round::ParticipantEvent;
use tributary_protocol::time::Millis;
use tributary_settings::{Fault, Faults};
use tributary_storage::files::{Existing, create_private_folder, read_text, write_public};
use tributary_texts::{Language, Said, commands, mapping as words};
use tributary_transport::preflight::{Finding, Findings, Outcome};

use crate::budget::{BUDGET_FILE, Budget, bad_budget, check_budget};
use crate::data::{MAPPING_SAMPLE, Mapping, read_schema};
use crate::dataset::Signed;
use crate::error::ClientError;
use crate::identity::own_name;
use crate::noticing::Noticing;
use crate::policy::{BranchPolicy, not_built, sample_for};
use crate::runtime::{self, Ends};
use crate::settings::Settings;
use crate::standing::{certificate, lists, standing};
use crate::telemetry::print;

/// Options of `client run`.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The settings file.
    pub config: PathBuf,
    /// JSON lines on standard output, for a supervisor.
    pub events: bool,
    /// End with the first run that has finished or was refused.
    pub once: bool,
    /// Of what people read.
    pub language: Language,
}

/// Runs the daemon.
///
/// # Errors
/// [`ClientError`], for the operator.
pub fn run(options: &RunOptions) -> Result<(), ClientError> {
    let settings = Settings::load(&options.config)?;
    let ends = if options.once { Ends::WithFirstRun } else { Ends::WhenStopped };
    let noticing = Noticing::start(&settings, unix_seconds).map_err(ClientError::Runtime)?;
    let ran = runtime::run(settings, ends, &|report| {
        noticing.hear(report);
        print(report, options.events, options.language);
    });
    noticing.finish(ran.is_err());
    ran
}

/// What the branch has spent and has left, from its budget file and its signed policy. Nothing is changed; a daemon may be running.
///
/// # Errors
/// If a file cannot be used, an entry of the budget file breaks a rule, or the policy is not signed; where a daemon would not spend from the
/// file: no figure is told that is not this branch's, and a lost file is not taken for an unspent budget.
pub fn budget(config: &std::path::Path, now_unix_ms: u64) -> Result<Budget, ClientError> {
    let settings = Settings::load(config)?;
    let policy = BranchPolicy::owned(&settings)?;
    let path = settings.state_dir.join(BUDGET_FILE);
    check_budget(&settings, &policy.population)?;
    let events = tributary_storage::journal::read::<ParticipantEvent>(&path, LedgerId::BUDGET)?;
    let events: Vec<ParticipantEvent> = events.into_iter().map(|recorded| recorded.event).collect();
    Budget::read(&policy, &events, Millis(now_unix_ms)).map_err(|fault| bad_budget(&settings, &fault))
}

/// Writes a commented policy into a folder, with the lines of a schema in it; never replaces one.
///
/// # Errors
/// If the schema has faults, or the policy cannot be written, or is there.
pub fn init_policy(folder: &std::path::Path, schema: &std::path::Path) -> Result<PathBuf, ClientError> {
    let schema = read_schema(schema)?;
    create_private_folder(folder).map_err(ClientError::file)?;
    let path = folder.join("policy.toml");
    write_public(&path, sample_for(&schema).as_bytes(), Existing::Keep).map_err(ClientError::file)?;
    Ok(path)
}

/// Signs a policy with the key of the data's owner, which is made, with its public half beside it, where there is none yet. Gives what was
/// signed, in the schema's own words, and what was written.
///
/// # Errors
/// If the policy has faults, pins another schema or says another thing than it pins, or a file cannot be used.
pub fn sign_policy(
    policy: &std::path::Path,
    key: &std::path::Path,
    schema: &std::path::Path,
) -> Result<Vec<Said>, ClientError> {
    // What is shown is what is signed, whoever may change the file meanwhile.
    let text = read_text(policy, "policy").map_err(ClientError::file)?;
    let read = BranchPolicy::parse(policy, &text)?;
    pinned(policy, &read, &read_schema(schema)?)?;
    let mut lines: Vec<Said> = read.schema.lines().iter().map(Said::verbatim).collect();
    lines.extend(not_built(&read).iter().map(Said::verbatim));
    let owner = if key.exists() {
        let owner = read_signing_key(key).map_err(ClientError::file)?;
        lines.extend(missing_half(&owner, key)?);
        owner
    } else {
        let owner = SigningKey::generate(&mut OsEntropy);
        write_signing_key(&owner, key).map_err(ClientError::file)?;
        lines.push(commands::owner_key_made(key.display()));
        lines.push(public_half(&owner, key)?);
        owner
    };
    let signature = write_signature(policy, &text, &owner).map_err(ClientError::file)?;
    lines.push(commands::policy_signed(signature.display()));
    Ok(lines)
}

/// Writes the public half of an owner's key beside it, where there is none: the command that made the key may have been ended between the two.
fn missing_half(owner: &SigningKey, key: &std::path::Path) -> Result<Option<Said>, ClientError> {
    if key.with_extension("pub").exists() { Ok(None) } else { public_half(owner, key).map(Some) }
}

/// Writes the public half of an owner's key beside it.
fn public_half(owner: &SigningKey, key: &std::path::Path) -> Result<Said, ClientError> {
    let public = key.with_extension("pub");
    write_verifying_key(&owner.verifying_key(), &public).map_err(ClientError::file)?;
    Ok(commands::owner_public_key(public.display()))
}

/// The line of the sample in which a branch's name stands.
const UNNAMED: &str = "# branch = \"north-bank/branch-01\"";

/// Writes a commented mapping into a folder, with a schema's digest in it, and with the branch's name where it is enrolled there; never replaces one.
///
/// # Errors
/// If the schema has faults, or the mapping cannot be written, or is there.
pub fn init_mapping(folder: &std::path::Path, schema: &std::path::Path) -> Result<PathBuf, ClientError> {
    let text = MAPPING_SAMPLE.replacen(&"0".repeat(64), &read_schema(schema)?.digest().to_string(), 1);
    // Before its enrolment a branch has no name.
    let text = own_name(&folder.join("identity"))
        .map_or(text.clone(), |own| text.replacen(UNNAMED, &format!("branch = \"{own}\""), 1));
    create_private_folder(folder).map_err(ClientError::file)?;
    let path = folder.join("mapping.toml");
    write_public(&path, text.as_bytes(), Existing::Keep).map_err(ClientError::file)?;
    Ok(path)
}

/// Signs a mapping with the key of the data's owner, which is there since the policy was signed. Gives what was signed, in words, and what was
/// written.
///
/// # Errors
/// If the mapping has faults or maps to another schema, or a file cannot be used.
pub fn sign_mapping(
    mapping: &std::path::Path,
    key: &std::path::Path,
    schema: &std::path::Path,
) -> Result<Vec<Said>, ClientError> {
    // What is shown is what is signed, whoever may change the file meanwhile.
    let text = read_text(mapping, "mapping").map_err(ClientError::file)?;
    let mut lines = Mapping::parse(mapping, &text, &read_schema(schema)?)?.said();
    lines.extend(sign_file(Owned::Mapping, (mapping, &text), key, words::signed(signature_path(mapping).display()))?);
    Ok(lines)
}

/// Signs a file of this text with the key of the data's owner, which is there since the policy was signed. Gives what was written; `signed` is said last.
///
/// # Errors
/// If there is no such key, or a file cannot be used.
pub(crate) fn sign_file(
    kind: Owned,
    (file, text): (&std::path::Path, &str),
    key: &std::path::Path,
    signed: Said,
) -> Result<Vec<Said>, ClientError> {
    if !key.exists() {
        return Err(ClientError::Said(words::no_key(key.display())));
    }
    let owner = read_signing_key(key).map_err(ClientError::file)?;
    let mut lines: Vec<Said> = missing_half(&owner, key)?.into_iter().collect();
    sign_owned(kind, file, text, &owner).map_err(ClientError::file)?;
    lines.push(signed);
    Ok(lines)
}

/// The mapping in force, in words, as the daemon would apply it.
///
/// # Errors
/// If it is not signed, has faults, or maps to another schema than the settings name.
pub fn show_mapping(config: &std::path::Path) -> Result<Vec<Said>, ClientError> {
    let settings = Settings::load(config)?;
    let schema = read_schema(&settings.schema_file)?;
    match Signed::of(&settings, &schema)? {
        None => Ok(vec![words::none_named(config.display())]),
        Some(signed) => Ok(signed.mapping.said()),
    }
}

/// The policy in force, as the daemon would apply it.
///
/// # Errors
/// If it is not signed, or has faults.
pub fn show_policy(config: &std::path::Path) -> Result<BranchPolicy, ClientError> {
    BranchPolicy::owned(&Settings::load(config)?)
}

/// Checks a settings file and everything that stands on this machine, the data included: what a preflight finds, but the network. Opens no port
/// and changes nothing.
///
/// # Errors
/// Every fault.
pub fn check(config: &std::path::Path, now_unix_s: u64) -> Result<Vec<String>, ClientError> {
    let settings = Settings::load(config)?;
    let mut found = Findings::default();
    if let Some(identity) = standing(&mut found, &settings, now_unix_s) {
        certificate(&mut found, &identity, now_unix_s);
        lists(&mut found, &identity, now_unix_s);
    }
    let faults: Vec<Fault> = found.lines().iter().filter(|line| line.outcome == Outcome::Fault).map(fault).collect();
    if !faults.is_empty() {
        return Err(ClientError::Settings(Faults { file: config.to_path_buf(), faults }));
    }
    let mut lines = vec![format!("{}: settings are complete", config.display())];
    lines.extend(found.lines().iter().map(|line| match line.outcome {
        Outcome::Warning => format!("warning: {}: {}; {}; ask {}", line.tried, line.seen, line.means, line.ask),
        _ => format!("{}: {}", line.tried, line.seen),
    }));
    let policy = BranchPolicy::owned(&settings)?;
    lines.extend(policy.schema.lines());
    lines.extend(not_built(&policy).map(|text| format!("warning: {text}")));
    Ok(lines)
}

fn fault(line: &Finding) -> Fault {
    Fault {
        key: line.tried.clone(),
        found: format!("{}, so that {}", line.seen, line.means),
        allowed: line.ask.clone(),
    }
}

/// A policy pins this schema, and says what it says.
fn pinned(path: &std::path::Path, policy: &BranchPolicy, schema: &Schema) -> Result<(), ClientError> {
    policy.schema.holds(schema).map_err(|fault| ClientError::file(format!("{}: {fault}", path.display())))
}
