//! What people tell of incidents, and what inspectors ask to see: recorded by the daemon where one runs, and else by the command itself. When this
//! returns the entry is durable.

use std::path::Path;
use std::sync::Arc;

use tributary_certs::clock::unix_seconds;
use tributary_certs::keys::read_signing_key;
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_certs::told::{read_incident, read_look, write_incident, write_look};
use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::registry::{Notice, RegistryEvent, RegistryRecord, SignedIncident, SignedLook};
use tributary_protocol::roster::{Roster, SignedRoster};
use tributary_protocol::round::CoordinatorEvent;
use tributary_storage::files::{FileError, create_private_folder};
use tributary_storage::journal::Journal;

use super::view::{authorities_of, newer, record_of, roster_in_force};
use super::{Registry, RegistryError};
use crate::settings::Settings;
use crate::store::ledger_of;

const FOLDER: &str = "told";
const INCIDENT: &str = "incident";
const LOOK: &str = "look";

/// Something that a person has signed and that the journal takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeoplesWord {
    /// A word about an incident.
    Incident(Box<SignedIncident>),
    /// What an inspector asks to see.
    Look(Box<SignedLook>),
}

impl PeoplesWord {
    /// The name of its file in the coordinator's state.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Incident(told) => format!("{}.{INCIDENT}", told.id()),
            Self::Look(look) => format!("{}.{LOOK}", look.id()),
        }
    }

    /// Reads the file of a name in the coordinator's state; nothing where the name is none.
    pub(crate) fn read(state_dir: &Path, name: &str) -> Option<Result<Self, FileError>> {
        let (digest, extension) = name.split_once('.')?;
        Digest::from_hex(digest)?;
        let path = state_dir.join(FOLDER).join(name);
        match extension {
            INCIDENT => Some(read_incident(&path).map(|told| Self::Incident(Box::new(told)))),
            LOOK => Some(read_look(&path).map(|look| Self::Look(Box::new(look)))),
            _ => None,
        }
    }

    fn write(&self, path: &Path) -> Result<(), FileError> {
        match self {
            Self::Incident(told) => write_incident(told, path),
            Self::Look(look) => write_look(look, path),
        }
    }

    fn judge(&self, record: &RegistryRecord, (roster, federation): (&Roster, &Digest)) -> Result<(), RegistryError> {
        let (by, now) = ((newer(record, roster), federation), unix_seconds());
        match self {
            Self::Incident(told) => Ok(record.incidents.judge::<RealSuite>(told, by, now)?),
            Self::Look(look) => Ok(record.looks.judge::<RealSuite>(look, by, now)?),
        }
    }

    fn event(self) -> RegistryEvent {
        match self {
            Self::Incident(told) => RegistryEvent::IncidentTold { told },
            Self::Look(look) => RegistryEvent::Looked { look },
        }
    }
}

impl Registry {
    /// Records what somebody has signed: durable when this returns. The entry in words.
    ///
    /// # Errors
    /// [`RegistryError::Incident`] and [`RegistryError::Look`] with what is wrong with it; any other fault ends the process.
    pub(crate) fn hear<E>(
        &mut self,
        journal: &mut Journal<E>,
        roster: &SignedRoster,
        told: PeoplesWord,
    ) -> Result<String, RegistryError>
    where
        E: serde::Serialize + serde::de::DeserializeOwned,
    {
        told.judge(&self.record, (&roster.roster, &self.federation))?;
        self.adopt(journal, roster)?;
        let event = told.event();
        let words = self.record.describe(&event);
        self.append(journal, event)?;
        Ok(words)
    }

    /// Notes what happened to the journal itself, unless the journal says so already.
    ///
    /// # Errors
    /// If the journal cannot be written, which ends the process.
    pub(crate) fn notice<E>(&mut self, journal: &mut Journal<E>, notice: Notice) -> Result<(), RegistryError>
    where
        E: serde::Serialize + serde::de::DeserializeOwned,
    {
        let event = RegistryEvent::Noticed { notice };
        if self.record.check(&event).is_ok() { self.append(journal, event) } else { Ok(()) }
    }
}

/// Records what somebody has signed, by the daemon of a settings file where one runs, after judging it as the daemon will; the entry in words.
///
/// # Errors
/// What is wrong with it, or why it could not be recorded.
pub fn put_on_record(config: &Path, told: &PeoplesWord) -> Result<String, RegistryError> {
    let settings = Settings::load(config)?;
    let authorities = authorities_of(config, &settings)?;
    let roster = roster_in_force(config, &settings, &authorities)?;
    let federation = authorities.digest();
    let state = &settings.state_dir;
    told.judge(&record_of(state)?, (&roster.roster, &federation))?;
    put(state, told)?;
    match crate::control::tell(state, &told.name()) {
        Ok(Some(Ok(words))) => Ok(words),
        Ok(Some(Err(why))) => Err(RegistryError::NotTaken(why)),
        Ok(None) => {
            let key = read_signing_key(&settings.identity.signing_key)?;
            alone(state, &roster, (federation, Arc::new(key)), told.clone())
        }
        // Nobody knows whether it stands in the journal, and its file stays.
        Err(why) => Err(RegistryError::Unheard(why)),
    }
}

/// Puts its file where the daemon finds it. One that is there from an earlier attempt is the same.
fn put(state: &Path, told: &PeoplesWord) -> Result<(), FileError> {
    let folder = state.join(FOLDER);
    create_private_folder(&folder)?;
    let path = folder.join(told.name());
    if path.exists() { Ok(()) } else { told.write(&path) }
}

/// Records it without a daemon: this process has the journal meanwhile.
fn alone(
    state: &Path,
    roster: &SignedRoster,
    own: (Digest, Arc<SigningKey>),
    told: PeoplesWord,
) -> Result<String, RegistryError> {
    let (mut journal, _) = Journal::<CoordinatorEvent>::open_view(&ledger_of(state), LedgerId::ADMINISTRATION)?;
    let mut registry = Registry::open(state, own, &journal.administration()?)?;
    registry.hear(&mut journal, roster, told)
}
