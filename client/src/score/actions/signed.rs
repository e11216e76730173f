//! The actions in force, and the desk at which their owner signs them.

use std::path::{Path, PathBuf};

use tributary_certs::keys::read_verifying_key;
use tributary_certs::policy::{Owned, OwnedText, signature_path, verify_owned};
use tributary_model::schema::Schema;
use tributary_storage::files::{Existing, create_private_folder, read_text, write_public};
use tributary_texts::{Said, actions as words};

use super::{Actions, SAMPLE};
use crate::cli::sign_file;
use crate::data::read_schema;
use crate::error::ClientError;
use crate::identity::own_name;
use crate::newest;
use crate::settings::Settings;

/// The line of the sample in which a branch's name stands.
const UNNAMED: &str = "# branch = \"north-bank/branch-01\"";

/// The actions that the settings name, where they name some, and notes that they are in force: no older ones are from here on.
///
/// # Errors
/// If the owner did not sign them as they stand, or signed newer ones; if they are for another branch or another schema; if they have faults.
pub(crate) fn owned_actions(settings: &Settings, schema: &Schema) -> Result<Option<Actions>, ClientError> {
    let Some((actions, sequence)) = read_owned(settings, schema)? else { return Ok(None) };
    newest::note(Owned::Actions, &settings.state_dir, sequence)?;
    Ok(Some(actions))
}

fn read_owned(settings: &Settings, schema: &Schema) -> Result<Option<(Actions, u64)>, ClientError> {
    let Some(file) = &settings.actions_file else { return Ok(None) };
    let owner = read_verifying_key(&settings.policy_owner).map_err(ClientError::file)?;
    // What was verified is what is parsed, whoever may change the file meanwhile.
    let OwnedText { text, sequence } = verify_owned(Owned::Actions, file, &owner).map_err(ClientError::file)?;
    let actions = Actions::parse(file, &text, schema)?;
    if let Some(named) = &actions.branch {
        let own = own_name(&settings.identity.folder)?;
        if *named != own {
            return Err(ClientError::Said(words::other_branch(file.display(), named, own)));
        }
    }
    newest::is_newest(Owned::Actions, &settings.state_dir, (file, sequence))?;
    Ok(Some((actions, sequence)))
}

/// Writes a commented file of actions into a folder, with a schema's digest in it, and with the branch's name where it is enrolled there; never
/// replaces one.
///
/// # Errors
/// If the schema has faults, or the file cannot be written, or is there.
pub fn init_actions(folder: &Path, schema: &Path) -> Result<Vec<Said>, ClientError> {
    let text = SAMPLE.replacen(&"0".repeat(64), &read_schema(schema)?.digest().to_string(), 1);
    // Before its enrolment a branch has no name.
    let text = own_name(&folder.join("identity"))
        .map_or(text.clone(), |own| text.replacen(UNNAMED, &format!("branch = \"{own}\""), 1));
    create_private_folder(folder).map_err(ClientError::file)?;
    let path: PathBuf = folder.join("actions.toml");
    write_public(&path, text.as_bytes(), Existing::Keep).map_err(ClientError::file)?;
    Ok(vec![words::written(path.display())])
}

/// Signs a file of actions with the key of the data's owner. Gives what was signed, in words, and what was written.
///
/// # Errors
/// If it has faults or is for another schema, or a file cannot be used.
pub fn sign_actions(actions: &Path, key: &Path, schema: &Path) -> Result<Vec<Said>, ClientError> {
    // What is shown is what is signed, whoever may change the file meanwhile.
    let text = read_text(actions, "file of actions").map_err(ClientError::file)?;
    let mut lines = Actions::parse(actions, &text, &read_schema(schema)?)?.said();
    lines.extend(sign_file(Owned::Actions, (actions, &text), key, words::signed(signature_path(actions).display()))?);
    Ok(lines)
}

/// The actions in force, in words.
///
/// # Errors
/// As [`owned_actions`].
pub fn show_actions(config: &Path) -> Result<Vec<Said>, ClientError> {
    let settings = Settings::load(config)?;
    let schema = read_schema(&settings.schema_file)?;
    match read_owned(&settings, &schema)? {
        None => Ok(vec![words::none_named(config.display())]),
        Some((actions, _)) => Ok(actions.said()),
    }
}
