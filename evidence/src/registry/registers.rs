//! The registers that the journal names by number and digest: models that left as files, and points of scorecards that people have set.

use tributary_certs::points::PointsFile;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::RunRef;
use tributary_protocol::time::Millis;

use super::{Broken, RegistryAudit, Runs};
use crate::exported::ExportRecord;
use crate::retained::Item;
use crate::trust::Federation;

impl RegistryAudit<'_> {
    /// The record of an export.
    pub(super) fn exported(
        &mut self,
        (at, number): (Millis, u64),
        (model, record): (&Digest, &Digest),
        runs: &dyn Runs,
    ) -> Result<(), Broken> {
        let Some(run) = self.run_of(model) else { return Ok(()) };
        if self.rests_elsewhere("export of a model of a run", &run, runs) {
            return Ok(());
        }
        let item = Item::Export(number);
        let Some(bytes) = self.part(&item, record)? else {
            self.pass("the record of an export is not here");
            self.lack(&item, &format!("record of export {number}"), model);
            return Ok(());
        };
        let before = self.record.exports.last().map_or(Digest::ZERO, |last| last.record);
        let found = ExportRecord::read(&bytes);
        let found = found.ok_or_else(|| wrong(&item, "is no record of an export of this release"))?;
        if !found.stands(number, model, &before) {
            return Err(wrong(
                &item,
                "says another number or model than the journal, or does not follow the record before it",
            ));
        }
        let judged = self.record.models.get(model).map_or(Ok(()), |model| found.judge(model, at));
        judged.map_err(|fault| wrong(&item, &fault.to_string()))
    }

    /// A change of a model's points, which two people of the roster in force have signed.
    pub(super) fn points_set(
        &mut self,
        (model, change): (&Digest, &Digest),
        number: u64,
        (runs, federation): (&dyn Runs, &Federation),
    ) -> Result<(), Broken> {
        let Some(run) = self.run_of(model) else { return Ok(()) };
        if self.rests_elsewhere("change of points of a model of a run", &run, runs) {
            return Ok(());
        }
        let item = Item::Points(*model, number);
        let Some(bytes) = self.part(&item, change)? else {
            self.pass("a change of points is not here");
            self.lack(&item, &format!("change {number} of the points"), model);
            return Ok(());
        };
        let found = str::from_utf8(&bytes).ok().and_then(PointsFile::parse);
        let file = found.ok_or_else(|| wrong(&item, "is no change of points of this release"))?;
        let before = match number {
            1 => Some(Digest::ZERO),
            // Where the change before it is not here, that is missed by itself.
            _ => self.points.get(model).filter(|(last, _)| last.saturating_add(1) == number).map(|(_, last)| *last),
        };
        if !file.stands(number, model, before.as_ref()) {
            return Err(wrong(
                &item,
                "says another number or model than the journal, or does not follow the change before it",
            ));
        }
        let own = &file.statement.federation;
        federation.own(own)?;
        let Some(roster) = &self.record.roster else {
            return Err(wrong(&item, "has signatures, and no roster was in force when it was set"));
        };
        let judged = file.judge(roster, own, None);
        judged.map_err(|fault| wrong(&item, &format!("does not count by the roster in force: {fault}")))?;
        self.signatures_of_files = self.signatures_of_files.saturating_add(file.signatures.len());
        self.points.insert(*model, (number, file.statement.digest()));
        Ok(())
    }

    fn run_of(&self, model: &Digest) -> Option<RunRef> {
        self.record.models.get(model).map(|model| model.manifest.lineage.run)
    }

    /// A file of a register that has the digest of its entry; nothing where it is not here.
    fn part(&self, item: &Item, digest: &Digest) -> Result<Option<Vec<u8>>, Broken> {
        match self.kept.get(item) {
            Some(bytes) if Digest::of(&bytes) != *digest => {
                Err(wrong(item, "is not the file that the journal names: it was changed or exchanged"))
            }
            found => Ok(found),
        }
    }
}

fn wrong(item: &Item, fault: &str) -> Broken {
    Broken::Register { name: item.name(), fault: fault.to_owned() }
}
