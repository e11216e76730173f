//! The mapping in force: as the owner signed it, for this branch, and not older than one that was in force here.

use std::path::PathBuf;

use tributary_certs::policy::Owned;
use tributary_model::schema::Schema;
use tributary_texts::mapping as words;

use crate::data::Mapping;
use crate::error::ClientError;
use crate::identity::own_name;
use crate::newest;
use crate::settings::Settings;

/// A mapping, and the signature that put it in force.
pub struct Signed {
    /// The mapping.
    pub mapping: Mapping,
    sequence: u64,
    state: PathBuf,
}

impl Signed {
    /// The mapping that the settings name, where they name one. Nothing is changed.
    ///
    /// # Errors
    /// If the owner did not sign it as it stands, or signed a newer one; if it is for another branch or another schema; if it has faults.
    pub fn of(settings: &Settings, schema: &Schema) -> Result<Option<Self>, ClientError> {
        let Some(file) = &settings.mapping_file else { return Ok(None) };
        let (mapping, sequence) = Mapping::owned(file, &settings.policy_owner, schema)?;
        if let Some(named) = &mapping.branch {
            let own = own_name(&settings.identity.folder)?;
            if *named != own {
                return Err(ClientError::Said(words::other_branch(file.display(), named, &own)));
            }
        }
        newest::is_newest(Owned::Mapping, &settings.state_dir, (file, sequence))?;
        Ok(Some(Self { mapping, sequence, state: settings.state_dir.clone() }))
    }

    /// Notes that it is in force, so that no older one is from here on.
    ///
    /// # Errors
    /// If the note cannot be written.
    pub fn note(&self) -> Result<(), ClientError> {
        newest::note(Owned::Mapping, &self.state, self.sequence)
    }
}

#[cfg(test)]
#[path = "signed_tests.rs"]
mod tests;
