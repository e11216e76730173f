//! Rules before they are in force: a commented sample, and the owner's signature.

use std::fs;
use std::path::{Path, PathBuf};

use tributary_certs::clock::unix_seconds;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::keys::{read_signing_key, write_signing_key, write_verifying_key};
use tributary_certs::policy::{Owned, sign_owned};
use tributary_certs::suite::SigningKey;
use tributary_storage::files::{Existing, create_private_folder, read_text, write_public};
use tributary_texts::{Said, contact as words};

use super::rules::{Rules, SAMPLE};
use super::rules_words::said;
use crate::error::ClientError;

/// Writes commented rules into a folder; never replaces any.
///
/// # Errors
/// If they cannot be written, or are there.
pub fn init_rules(folder: &Path) -> Result<PathBuf, ClientError> {
    create_private_folder(folder).map_err(ClientError::file)?;
    let path = folder.join("rules.toml");
    write_public(&path, SAMPLE.as_bytes(), Existing::Keep).map_err(ClientError::file)?;
    Ok(path)
}

/// Makes the key of a branch's risk control, with its public half beside it. Gives what rules name.
///
/// # Errors
/// If a file is there, or cannot be written.
pub fn make_approver(out: &Path) -> Result<Vec<Said>, ClientError> {
    let key = SigningKey::generate(&mut OsEntropy);
    write_signing_key(&key, out).map_err(ClientError::file)?;
    let public = out.with_extension("pub");
    let written = write_verifying_key(&key.verifying_key(), &public);
    // Nobody was told of the key, and it would stop the next attempt.
    written.inspect_err(|_| drop(fs::remove_file(out))).map_err(ClientError::file)?;
    Ok(vec![words::approver_made(out.display(), public.display()), words::approver_line(key.verifying_key())])
}

/// Signs rules with the key of the data's owner, which is there since the policy was signed. Gives what was signed, in words, and what was written.
///
/// # Errors
/// If the rules have faults or last too long, the owner could approve, or a file cannot be used.
pub fn sign_rules(rules: &Path, key: &Path) -> Result<Vec<Said>, ClientError> {
    // What is shown is what is signed, whoever may change the file meanwhile.
    let text = read_text(rules, "rules").map_err(ClientError::file)?;
    let read = Rules::parse(rules, &text)?;
    let owner = read_signing_key(key).map_err(ClientError::file)?;
    if read.approvers.contains(&owner.verifying_key()) {
        return Err(ClientError::Said(words::approver_is_owner(rules.display())));
    }
    if !read.ends_soon_after(unix_seconds()) {
        return Err(ClientError::Said(words::rules_too_long(rules.display(), read.last_day, Rules::DAYS_MAX)));
    }
    let mut lines = said(&read);
    let signature = sign_owned(Owned::Rules, rules, &text, &owner).map_err(ClientError::file)?;
    lines.push(words::rules_signed(signature.display()));
    Ok(lines)
}
