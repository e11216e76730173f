//! `client init`: a commented settings file for a new branch, in which the coordinator's address is the only thing that must be known.

use std::path::{Path, PathBuf};

use tributary_certs::office::{Bundle, coordinator_address};
use tributary_storage::files::{Existing, create_private_folder, write_public};
use tributary_texts::commands;

use crate::error::ClientError;
use crate::settings::SAMPLE;

/// Name of the settings file that [`init`] writes.
pub const SETTINGS_FILE: &str = "client.toml";

/// The sample's address, which stands for every other.
const EXAMPLE: &str = "address = \"fl.bank.example:7443\"\n";

/// Where the coordinator answers.
#[derive(Clone, Debug)]
pub enum Whose {
    /// As the enrolment bundle in this file says.
    Bundle(PathBuf),
    /// As `HOST:PORT`.
    Address(String),
    /// Nobody knows yet; the sample's example stays.
    Unknown,
}

/// Writes the settings file into a folder, which is made if it is absent. Gives the file's path.
///
/// # Errors
/// If the bundle cannot be read, the address has another form, or there is a settings file already, which is never replaced.
pub fn init(folder: &Path, whose: &Whose) -> Result<PathBuf, ClientError> {
    let address = match whose {
        Whose::Bundle(bundle) => Bundle::read(bundle).map_err(ClientError::file)?.coordinator_address,
        Whose::Address(text) => {
            coordinator_address(text).ok_or_else(|| ClientError::Said(commands::bad_address(format!("{text:?}"))))?
        }
        Whose::Unknown => return write(folder, SAMPLE),
    };
    write(folder, &SAMPLE.replacen(EXAMPLE, &format!("address = \"{address}\"\n"), 1))
}

fn write(folder: &Path, text: &str) -> Result<PathBuf, ClientError> {
    let path = folder.join(SETTINGS_FILE);
    create_private_folder(folder).map_err(ClientError::file)?;
    write_public(&path, text.as_bytes(), Existing::Keep).map_err(ClientError::file)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    /// A folder with every file that the sample names.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("identity")).unwrap();
        for name in ["customers.csv", "schema.toml", "policy.toml", "owner.pub"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        folder
    }

    #[test]
    fn whoever_edits_the_address_alone_has_settings_that_count() {
        let folder = folder();
        let path = init(folder.path(), &Whose::Address("fl.north-bank.example:8443".into())).unwrap();
        let settings = Settings::load(&path).unwrap();
        assert_eq!(settings.address, "fl.north-bank.example:8443");
        assert_eq!(settings.server_name, "fl.north-bank.example", "the name to expect is the name that was dialled");
        // By hand, as an operator edits it.
        let edited = SAMPLE.replace("fl.bank.example:7443", "[fd00::7]:7443");
        std::fs::write(&path, edited).unwrap();
        assert_eq!(Settings::load(&path).unwrap().server_name, "fd00::7");
    }

    #[test]
    fn a_settings_file_is_never_replaced_and_a_bad_address_writes_nothing() {
        let folder = folder();
        for bad in ["fl.bank.example", "fl.bank.example:0", "fl\".bank:7443", "a\nb:7443", ":7443"] {
            let refused = init(folder.path(), &Whose::Address(bad.into())).unwrap_err().to_string();
            assert!(refused.contains("HOST:PORT"), "{refused}");
            assert!(!folder.path().join(SETTINGS_FILE).exists());
        }
        let path = init(folder.path(), &Whose::Unknown).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), SAMPLE);
        assert!(init(folder.path(), &Whose::Address("other.example:7443".into())).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), SAMPLE);
        assert!(SAMPLE.contains(EXAMPLE), "the sample has the line that is replaced");
    }
}
