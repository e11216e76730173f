//! What is needed to make a report again: the journal as it stood then, and schemas and figures of what is kept beside it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use tributary_model::schema::Schema;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::{LedgerId, LogEntry, Scan};
use tributary_protocol::plan::RunRef;
use tributary_protocol::registry::{ModelManifest, RegistryEvent};
use tributary_protocol::round::CoordinatorEvent;

use super::parts::{ComplianceReport, FigureLine};
use crate::card::figures;
use crate::entries::{Bad, decode, whole};
use crate::gates::Measured;
use crate::paper::GENERATOR;
use crate::retained::{Item, Retained};

/// The first entries of a journal that is whole; nothing where it has fewer.
///
/// # Errors
/// [`Bad`] for a file whose chain is not whole.
pub(super) fn front(journal: &[u8], entries: u64) -> Result<Option<&[u8]>, Bad> {
    let scan = whole(journal)?;
    let last = usize::try_from(entries).ok().and_then(|entries| entries.checked_sub(1));
    let place = last.and_then(|last| scan.entries.get(last)).map(LogEntry::place);
    let end = place.map(|place| place.offset.saturating_add(place.bytes.into()));
    Ok(end.and_then(|end| journal.get(..usize::try_from(end).ok()?)))
}

/// What is kept beside a journal of the runs and models that it names.
#[derive(Default)]
pub(super) struct Besides {
    pub(super) schemas: Vec<Schema>,
    /// Figures of models, by their digests.
    pub(super) figures: BTreeMap<String, Vec<FigureLine>>,
    /// The names of what is not here, by the digest of the model whose evaluation cannot be read again.
    pub(super) lost: BTreeMap<String, Vec<String>>,
    /// Whether this release wrote the report: another one has another list of algorithms.
    pub(super) same_release: bool,
}

impl Besides {
    /// Reads schemas and opened sums.
    ///
    /// # Errors
    /// [`Bad`] for a journal that is not in order.
    pub(super) fn of(journal: &[u8], report: &ComplianceReport, kept: &dyn Retained) -> Result<Self, Bad> {
        let plans = report.processing.iter().filter_map(|of| Digest::from_hex(&of.plan));
        let mut besides = Self {
            schemas: plans.filter_map(|plan| schema(plan, kept)).collect(),
            same_release: report.generator == GENERATOR,
            ..Self::default()
        };
        let scan = whole(journal)?;
        for entry in decode::<RegistryEvent>(&scan, LedgerId::ADMINISTRATION)? {
            if let RegistryEvent::ModelRegistered { manifest } = &entry.event {
                let model = manifest.digest().to_string();
                match measured(&scan, manifest, kept)? {
                    Ok(found) => drop(besides.figures.insert(model, found)),
                    Err(lost) => drop(besides.lost.insert(model, lost)),
                }
            }
        }
        Ok(besides)
    }
}

fn schema(plan: Digest, kept: &dyn Retained) -> Option<Schema> {
    let text = String::from_utf8(kept.get(&Item::Schema(plan))?).ok()?;
    Schema::parse(&text).ok()
}

/// The figures of a model; the names of what is not here where its schema or an opened sum of its evaluation is not.
fn measured(
    scan: &Scan<'_>,
    manifest: &ModelManifest,
    kept: &dyn Retained,
) -> Result<Result<Vec<FigureLine>, Vec<String>>, Bad> {
    let run: RunRef = manifest.lineage.run;
    let Some(schema) = schema(run.plan, kept) else { return Ok(Err(vec![Item::Schema(run.plan).name()])) };
    let entries = decode::<CoordinatorEvent>(scan, LedgerId::from(run.id()))?;
    let lost = RefCell::new(Vec::new());
    let sum = |digest: &Digest| {
        let item = Item::Sum(*digest);
        let found = kept.get(&item);
        if found.is_none() {
            lost.borrow_mut().push(item.name());
        }
        found
    };
    let found = Measured::of(entries.iter().map(|entry| &entry.event), &schema, &manifest.parameters, sum);
    let lost = lost.into_inner();
    if !lost.is_empty() {
        return Ok(Err(lost));
    }
    // A run without an evaluation asks for no sum, and its model has no figures.
    Ok(Ok(found.map(|measured| figures(measured.heads())).unwrap_or_default()))
}
