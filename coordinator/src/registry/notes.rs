//! What the coordinator's own commands have done, as its file says it: a model that leaves as a file, and points that two people set. The journal names
//! each by number and digest.

use std::path::Path;

use tributary_certs::points::PointsFile;
use tributary_evidence::{ExportRecord, Item};
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::{RefusedNote, RegistryEvent, RegistryRecord};
use tributary_protocol::roster::Roster;
use tributary_protocol::time::Millis;
use tributary_storage::files::{FileError, read_itself};

use super::RegistryError;

/// A model that leaves as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportNote {
    record: ExportRecord,
    model: Digest,
    /// SHA-256 of the record's file.
    digest: Digest,
}

/// Points that two people set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointsNote {
    file: PointsFile,
    number: u64,
    model: Digest,
    /// The change before it.
    before: Option<PointsFile>,
}

impl ExportNote {
    /// Reads the record of an export.
    ///
    /// # Errors
    /// If it cannot be read, or is no record of this number.
    pub(super) fn read(state: &Path, number: u64) -> Result<Self, RegistryError> {
        let path = state.join(Item::Export(number).name());
        let bytes = read_itself(&path)?;
        let record = ExportRecord::read(&bytes).filter(|record| record.number == number);
        let found = record.and_then(|record| Digest::from_hex(&record.model).map(|model| (record, model)));
        let fault =
            || RegistryError::Register { path, fault: "it is no record of this number and this release".into() };
        let (record, model) = found.ok_or_else(fault)?;
        Ok(Self { record, model, digest: Digest::of(&bytes) })
    }

    pub(super) fn number(&self) -> u64 {
        self.record.number
    }

    /// Whether the journal has it.
    pub(super) fn stands(&self, record: &RegistryRecord) -> bool {
        let place = usize::try_from(self.number().saturating_sub(1)).unwrap_or(usize::MAX);
        let own =
            |export: &tributary_protocol::registry::Export| (export.model, export.record) == (self.model, self.digest);
        record.exports.get(place).is_some_and(own)
    }

    /// Judges it for the journal, whose entry would be of this time.
    pub(super) fn judge(&self, record: &RegistryRecord, state: &Path, at: Millis) -> Result<(), RegistryError> {
        record.judge_export(self.number(), &self.model)?;
        let before = record.exports.last().map_or(Digest::ZERO, |last| last.record);
        if !self.record.stands(self.number(), &self.model, &before) {
            let path = state.join(Item::Export(self.number()).name());
            return Err(RegistryError::Register { path, fault: "it does not follow the record before it".into() });
        }
        let model = record.models.get(&self.model).ok_or(RefusedNote::Unknown(self.model))?;
        Ok(self.record.judge(model, at)?)
    }

    pub(super) fn event(&self) -> RegistryEvent {
        RegistryEvent::Exported { number: self.number(), model: self.model, record: self.digest }
    }
}

impl PointsNote {
    /// Reads a change of a model's points, and the one before it.
    ///
    /// # Errors
    /// If either cannot be read.
    pub(super) fn read(state: &Path, model: Digest, number: u64) -> Result<Self, RegistryError> {
        let read = |number| {
            let path = state.join(Item::Points(model, number).name());
            let bytes = read_itself(&path)?;
            let found = str::from_utf8(&bytes).ok().and_then(PointsFile::parse);
            found.ok_or_else(|| FileError::content(&path, "change of points"))
        };
        let before = match number.checked_sub(1) {
            Some(before @ 1..) => Some(read(before)?),
            _ => None,
        };
        Ok(Self { file: read(number)?, number, model, before })
    }

    pub(super) fn model(&self) -> &Digest {
        &self.model
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Whether the journal has it.
    pub(super) fn stands(&self, record: &RegistryRecord) -> bool {
        let place = usize::try_from(self.number.saturating_sub(1)).unwrap_or(usize::MAX);
        let named = record.models.get(&self.model).and_then(|model| model.points.get(place));
        named.is_some_and(|named| *named == self.file.digest())
    }

    /// Whether two people of this roster have signed it, and it follows the last change that the journal names.
    pub(super) fn judge(
        &self,
        record: &RegistryRecord,
        (roster, federation): (&Roster, &Digest),
        (state, at): (&Path, Millis),
    ) -> Result<(), RegistryError> {
        record.judge_points(&self.model, self.number)?;
        let last = record.models.get(&self.model).and_then(|model| model.points.last().copied());
        let before = self.before.as_ref().map_or(Digest::ZERO, |before| before.statement.digest());
        let follows = self.before.as_ref().map(PointsFile::digest) == last;
        if !follows || !self.file.stands(self.number, &self.model, Some(&before)) {
            return Err(RegistryError::Register {
                path: state.join(Item::Points(self.model, self.number).name()),
                fault: "it does not follow the change before it".into(),
            });
        }
        Ok(self.file.judge(roster, federation, Some(at.0 / 1000))?)
    }

    pub(super) fn event(&self) -> RegistryEvent {
        RegistryEvent::PointsSet { model: self.model, number: self.number, change: self.file.digest() }
    }
}
