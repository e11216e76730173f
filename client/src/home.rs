//! A branch's folder (`--home`): the settings, the schema and the policy that stand in it from the first hour on, and what its owner signs there.
//!
//! ```text
//! HOME/client.toml   the settings, with the coordinator's address
//!     /identity/     what enrolment writes
//!     /schema.toml   the schema that the policy pins
//!     /policy.toml   what the owner reads and signs; policy.toml.sig beside it
//!     /owner.pub     the owner's public key
//! ```

use std::path::{Path, PathBuf};

use tributary_certs::keys::{read_signing_key, read_verifying_key, write_verifying_key};
use tributary_storage::files::{Existing, create_private_folder, keeps_secrets, read_public, write_public};
use tributary_texts::{Said, commands};

use crate::begin::begin_budget;
use crate::cli::{init_policy, sign_policy};
use crate::data::read_schema;
use crate::error::ClientError;
use crate::init::{SETTINGS_FILE, Whose, init};

const SCHEMA: &str = "schema.toml";
const POLICY: &str = "policy.toml";
const OWNER: &str = "owner.pub";

/// Where a branch's folder keeps its identity.
#[must_use]
pub fn identity_of(home: &Path) -> PathBuf {
    home.join("identity")
}

/// Writes what a new branch needs beside its identity: the settings and, where a schema is given, its copy and a policy for the owner to read. What
/// is there already stays as it is, so that the same command goes on after an interruption. Gives what was written.
///
/// # Errors
/// If the bundle or the schema cannot be used, another schema is there, or others may change the folder: then nothing was written.
pub fn furnish(home: &Path, bundle: &Path, schema: Option<&Path>) -> Result<Vec<Said>, ClientError> {
    let mut copy = None;
    if let Some(from) = schema {
        read_schema(from)?;
        let (bytes, to) = (read_public(from).map_err(ClientError::file)?, home.join(SCHEMA));
        if to.exists() && read_public(&to).map_err(ClientError::file)? != bytes {
            return Err(ClientError::Said(commands::another_schema(to.display(), from.display())));
        }
        copy = Some((bytes, to));
    }
    // What stands there already stays, so nobody else can have put it there: a settings file of a stranger names a stranger's coordinator and data.
    if home.exists() {
        keeps_secrets(home).map_err(ClientError::file)?;
    }
    let mut lines = Vec::new();
    if !home.join(SETTINGS_FILE).exists() {
        lines.push(commands::home_settings(init(home, &Whose::Bundle(bundle.to_path_buf()))?.display()));
    }
    if let Some((bytes, to)) = copy {
        create_private_folder(home).map_err(ClientError::file)?;
        write_public(&to, &bytes, Existing::Replace).map_err(ClientError::file)?;
        if !home.join(POLICY).exists() {
            lines.push(commands::policy_written(init_policy(home, &to)?.display()));
        }
    }
    Ok(lines)
}

/// Signs the policy of a branch's folder as it stands, and puts the owner's public key there; with `begin` the budget begins as well. `now_unix_ms` is the
/// Unix clock.
///
/// # Errors
/// If the folder names another owner, or as [`sign_policy`] and [`begin_budget`] say.
pub fn own(home: &Path, key: &Path, begin: bool, now_unix_ms: u64) -> Result<Vec<Said>, ClientError> {
    let owner = home.join(OWNER);
    if owner.exists() {
        let named = read_verifying_key(&owner).map_err(ClientError::file)?;
        let is_other =
            || Ok::<_, ClientError>(read_signing_key(key).map_err(ClientError::file)?.verifying_key() != named);
        if !key.exists() || is_other()? {
            return Err(ClientError::Said(commands::another_owner(key.display(), owner.display())));
        }
    }
    let mut lines = sign_policy(&home.join(POLICY), key, &home.join(SCHEMA))?;
    if !owner.exists() {
        let public = read_signing_key(key).map_err(ClientError::file)?.verifying_key();
        write_verifying_key(&public, &owner).map_err(ClientError::file)?;
    }
    if begin {
        lines.extend(begin_budget(&home.join(SETTINGS_FILE), key, false, now_unix_ms)?);
    }
    Ok(lines)
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Whoever may write there could have put settings there first, which stay: with another coordinator, and other data.
    #[test]
    fn a_folder_that_others_may_change_is_furnished_by_nobody() {
        let place = tempfile::tempdir().unwrap();
        let home = place.path().join("branch-01");
        fs::create_dir(&home).unwrap();
        fs::write(home.join(SETTINGS_FILE), "of a stranger").unwrap();
        let mode = |mode| fs::set_permissions(&home, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o777);
        let refused = furnish(&home, Path::new("no bundle"), None).unwrap_err().to_string();
        assert!(refused.contains("others can replace") && refused.contains("chmod go-w"), "{refused}");
        mode(0o755);
        assert!(furnish(&home, Path::new("no bundle"), None).unwrap().is_empty(), "what is there stays");
    }
}
