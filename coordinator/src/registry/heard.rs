//! What people tell of incidents, what inspectors ask to see, and what the coordinator's own commands do: recorded by the daemon where one runs, and else
//! by the command itself. When this returns the entry is durable.

use std::path::Path;
use std::sync::Arc;

use tributary_certs::clock::unix_millis;
use tributary_certs::keys::read_signing_key;
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_certs::told::{read_incident, read_look, write_incident, write_look};
use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::registry::{Notice, RegistryEvent, RegistryRecord, SignedIncident, SignedLook};
use tributary_protocol::roster::{Roster, SignedRoster};
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::time::Millis;
use tributary_storage::files::{create_private_folder, sync_folder};
use tributary_storage::journal::Journal;

use super::notes::{ExportNote, PointsNote};
use super::view::{authorities_of, newer, record_of, roster_in_force};
use super::{Registry, RegistryError};
use crate::settings::Settings;
use crate::store::ledger_of;

const FOLDER: &str = "told";
const INCIDENT: &str = "incident";
const LOOK: &str = "look";
const EXPORT: &str = "export";
const POINTS: &str = "points";

/// Something that a command has the journal take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recordable {
    /// A word about an incident.
    Incident(Box<SignedIncident>),
    /// What an inspector asks to see.
    Look(Box<SignedLook>),
    /// A model that leaves as a file.
    Export(Box<ExportNote>),
    /// Points that two people set.
    Points(Box<PointsNote>),
}

/// Whether the journal takes something, in words, or why it does not; apart from both, why nobody knows.
type Taken = Result<Result<String, RegistryError>, RegistryError>;

impl Recordable {
    /// By which name the daemon finds its file in the coordinator's state.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Incident(told) => format!("{}.{INCIDENT}", told.id()),
            Self::Look(look) => format!("{}.{LOOK}", look.id()),
            Self::Export(note) => format!("{:06}.{EXPORT}", note.number()),
            Self::Points(note) => format!("{}-{:06}.{POINTS}", note.model(), note.number()),
        }
    }

    /// Reads the file of a name in the coordinator's state; nothing where the name is none.
    pub(crate) fn read(state_dir: &Path, name: &str) -> Option<Result<Self, RegistryError>> {
        let (stem, extension) = name.rsplit_once('.')?;
        let path = || Digest::from_hex(stem).map(|_| state_dir.join(FOLDER).join(name));
        Some(match extension {
            INCIDENT => read_incident(&path()?).map(|told| Self::Incident(Box::new(told))).map_err(RegistryError::from),
            LOOK => read_look(&path()?).map(|look| Self::Look(Box::new(look))).map_err(RegistryError::from),
            EXPORT => ExportNote::read(state_dir, number(stem)?).map(|note| Self::Export(Box::new(note))),
            POINTS => {
                let (model, of_model) = stem.split_once('-')?;
                let note = PointsNote::read(state_dir, Digest::from_hex(model)?, number(of_model)?);
                note.map(|note| Self::Points(Box::new(note)))
            }
            _ => return None,
        })
    }

    /// Puts its file where the daemon finds it. One that is there from an earlier attempt is the same.
    pub(super) fn put(&self, state: &Path) -> Result<(), RegistryError> {
        let folder = state.join(FOLDER);
        let path = folder.join(self.name());
        if path.exists() {
            // Whoever put it there may not have come so far as to sync it.
            return Ok(sync_folder(&folder)?);
        }
        match self {
            Self::Incident(told) => {
                create_private_folder(&folder)?;
                Ok(write_incident(told, &path)?)
            }
            Self::Look(look) => {
                create_private_folder(&folder)?;
                Ok(write_look(look, &path)?)
            }
            // Their files are in their registers.
            Self::Export(_) | Self::Points(_) => Ok(()),
        }
    }

    /// Whether the journal has it.
    fn stands(&self, record: &RegistryRecord) -> bool {
        match self {
            // Whoever says these twice is told so.
            Self::Incident(_) | Self::Look(_) => false,
            Self::Export(note) => note.stands(record),
            Self::Points(note) => note.stands(record),
        }
    }

    fn judge(
        &self,
        record: &RegistryRecord,
        (roster, federation): (&Roster, &Digest),
        (state, at): (&Path, Millis),
    ) -> Result<(), RegistryError> {
        let (by, now) = ((newer(record, roster), federation), at.0 / 1000);
        match self {
            Self::Incident(told) => Ok(record.incidents.judge::<RealSuite>(told, by, now)?),
            Self::Look(look) => Ok(record.looks.judge::<RealSuite>(look, by, now)?),
            Self::Export(note) => note.judge(record, state, at),
            Self::Points(note) => note.judge(record, by, (state, at)),
        }
    }

    /// Whether it rests on people's signatures.
    fn is_signed(&self) -> bool {
        !matches!(self, Self::Export(_))
    }

    fn event(self) -> RegistryEvent {
        match self {
            Self::Incident(told) => RegistryEvent::IncidentTold { told },
            Self::Look(look) => RegistryEvent::Looked { look },
            Self::Export(note) => note.event(),
            Self::Points(note) => note.event(),
        }
    }
}

/// A number in its one form.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| format!("{number:06}") == text)
}

impl Registry {
    /// Records what a command brings: durable when this returns. The entry in words, or why it is not taken. What the journal has is not recorded again.
    ///
    /// # Errors
    /// If the journal cannot be written, which ends the process.
    pub(crate) fn hear<E>(&mut self, journal: &mut Journal<E>, roster: &SignedRoster, told: Recordable) -> Taken
    where
        E: serde::Serialize + serde::de::DeserializeOwned,
    {
        if told.stands(&self.record) {
            return Ok(Ok(self.record.describe(&told.event())));
        }
        let at = Millis(unix_millis());
        if let Err(refused) = told.judge(&self.record, (&roster.roster, &self.federation), (&self.state, at)) {
            return Ok(Err(refused));
        }
        let signed = told.is_signed();
        let event = told.event();
        let words = self.record.describe(&event);
        if signed {
            self.adopt(journal, roster)?;
            self.append(journal, event)?;
        } else {
            // Whoever verifies the journal judges it by the time of its entry: that is the time by which it was judged here.
            self.append_at(journal, at, event)?;
        }
        Ok(Ok(words))
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

/// Records what a command brings, by the daemon of a settings file where one runs, after judging it as the daemon will; the entry in words.
///
/// # Errors
/// What is wrong with it, or why it could not be recorded.
pub fn put_on_record(config: &Path, told: &Recordable) -> Result<String, RegistryError> {
    recorded(config, told)?
}

/// The same, for whoever does otherwise where the journal does not take it.
pub(super) fn recorded(config: &Path, told: &Recordable) -> Taken {
    let settings = Settings::load(config)?;
    let authorities = authorities_of(config, &settings)?;
    let roster = roster_in_force(config, &settings, &authorities)?;
    let federation = authorities.digest();
    let state = &settings.state_dir;
    let record = record_of(state)?;
    if !told.stands(&record)
        && let Err(refused) = told.judge(&record, (&roster.roster, &federation), (state, Millis(unix_millis())))
    {
        return Ok(Err(refused));
    }
    told.put(state)?;
    match crate::control::tell(state, &told.name()) {
        Ok(Some(Ok(words))) => Ok(Ok(words)),
        Ok(Some(Err(why))) => Ok(Err(RegistryError::NotTaken(why))),
        Ok(None) => {
            let key = read_signing_key(&settings.identity.signing_key)?;
            alone(state, &roster, (federation, Arc::new(key)), told.clone())
        }
        // Nobody knows whether it stands in the journal, and its file stays.
        Err(why) => Err(RegistryError::Unheard(why)),
    }
}

/// Records it without a daemon: this process has the journal meanwhile.
fn alone(state: &Path, roster: &SignedRoster, own: (Digest, Arc<SigningKey>), told: Recordable) -> Taken {
    let (mut journal, _) = Journal::<CoordinatorEvent>::open_view(&ledger_of(state), LedgerId::ADMINISTRATION)?;
    let mut registry = Registry::open(state, own, &journal.administration()?)?;
    registry.hear(&mut journal, roster, told)
}
