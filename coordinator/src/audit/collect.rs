//! Which files belong to a bundle, as the journal names them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::de::DeserializeOwned;
use tributary_certs::grant::{parse_word, word_file_name};
use tributary_certs::suite::RealSuite;
use tributary_evidence::Item;
use tributary_evidence::bundle::PART;
use tributary_evidence::checkpoint::{is_kept_name, kept_name};
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{RoundId, RunId};
use tributary_protocol::limits::LEDGER_ENTRY_BYTES_MAX;
use tributary_protocol::log::{LedgerId, LogEntry, SignedCheckpoint};
use tributary_protocol::plan::{Grant, GrantSubject, ModelRef, OwnersWord, RunRef};
use tributary_protocol::printable::Untrusted;
use tributary_protocol::registry::RegistryEvent;
use tributary_protocol::roster::StaffNumber;
use tributary_protocol::round::{CoordinatorEvent, Recorded};
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_protocol::time::Millis;
use tributary_storage::files::{FileError, read_itself};
use tributary_storage::journal::{JournalError, visit};

use super::error::ExportError;
use super::from::{From, Named};
use super::part;
use super::scope::Scope;
use crate::settings::Settings;
use crate::store::ledger_of;
use crate::witness::notes_beside;

/// The folder of checkpoints, in the coordinator's state.
const CHECKPOINTS: &str = "checkpoints";

/// What goes into a bundle.
pub(super) struct Collected {
    /// By the names of parts.
    pub(super) parts: BTreeMap<String, From>,
    pub(super) runs: usize,
    pub(super) runs_outside: usize,
    pub(super) goes_on: bool,
    /// The latest time of an entry that goes.
    pub(super) last: Millis,
    pub(super) entries: u64,
    pub(super) left_out: u64,
}

/// One run, as far as the journal goes.
#[derive(Default)]
struct OfRun {
    run: Option<RunRef>,
    initial: Option<Digest>,
    schema: Option<Digest>,
    /// Its network, as the plan has it.
    network: Vec<u8>,
    span: Option<(Millis, Millis)>,
    /// Ring and dimension of the round that is open.
    open: Option<(Ring, u32)>,
    rounds: Vec<(RoundId, (Ring, u32), Digest)>,
    /// Who put its plan forward, and for what.
    proposed: Option<(StaffNumber, Untrusted)>,
}

/// An entry of either kind of ledger.
enum Happened {
    Registry(RegistryEvent),
    Run(CoordinatorEvent),
}

/// A file of the folder of checkpoints: its name and bytes, and how many entries it has if it is a checkpoint.
type Note = (String, Vec<u8>, Option<u64>);

/// Files of the folder of checkpoints.
fn notes_of(folder: &Path) -> impl Iterator<Item = Note> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| {
        let (name, bytes) = (file.file_name().into_string().ok()?, read_itself(&file.path()).ok()?);
        let size = SignedCheckpoint::parse(&bytes).ok().map(|signed| signed.checkpoint().size);
        let size = size.filter(|_| is_kept_name(&name));
        Some((name, bytes, size))
    })
}

impl OfRun {
    fn take(&mut self, at: Millis, event: &CoordinatorEvent) {
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
        match event {
            CoordinatorEvent::RunOpened { plan, number, model, approvals, .. } => {
                self.proposed = Some((approvals.proposal.staff.clone(), plan.purpose.clone()));
                self.run = Some(RunRef { plan: plan.digest(), number: *number });
                let named = matches!(plan.initial_model, ModelRef::Zero | ModelRef::Seed(_));
                self.initial = Some(*model).filter(|_| !named);
                (self.schema, self.network) = (Some(plan.schema), plan.architecture.clone());
            }
            CoordinatorEvent::RoundStarted { descriptor } => {
                self.open = Some((descriptor.ring, descriptor.dimension));
            }
            CoordinatorEvent::RoundCommitted { round, sum, .. } => {
                self.rounds.extend(self.open.take().map(|shape| (*round, shape, *sum)));
            }
            _ => {}
        }
    }

    /// Whether a grant is for its plan, or for plans like it.
    fn may_rest_on(&self, grant: &Grant) -> bool {
        match &grant.subject {
            GrantSubject::Plan(plan) => self.run.is_some_and(|run| run.plan == *plan),
            GrantSubject::Plans { proposer, purpose } => {
                self.proposed.as_ref().is_some_and(|(by, what)| by == proposer && what == purpose)
            }
        }
    }
}

impl Collected {
    /// Walks the journal up to the last moment, and to the first checkpoint from there on, and names the files of its runs and models.
    pub(super) fn of(
        settings: &Settings,
        (from, to): (Millis, Millis),
        (scope, folder): (Scope, &Path),
    ) -> Result<Self, ExportError> {
        let journal = ledger_of(&settings.state_dir);
        let mut runs: BTreeMap<LedgerId, OfRun> = BTreeMap::new();
        let mut models = Vec::new();
        let mut papers: BTreeMap<Digest, Vec<(Item, Named)>> = BTreeMap::new();
        let (mut end, mut goes_on, mut entries, mut last) = (0, false, 0, Millis(0));
        // The front goes on to the first checkpoint that is kept from there on, so that branches vouch for all of it.
        let before: Vec<Note> = notes_of(&settings.state_dir.join(CHECKPOINTS)).collect();
        let (sizes, mut stop): (BTreeSet<u64>, _) = (before.iter().filter_map(|(_, _, size)| *size).collect(), None);
        // All of the journal, and not only its front up to the last day: what was cut off its end is missed here.
        let mut notes = notes_beside(&settings.state_dir);
        visit(&journal, |entry| {
            notes.follow(entry.leaf);
            if goes_on {
                return Ok(());
            }
            let (at, event) = match entry.ledger {
                LedgerId::ADMINISTRATION => {
                    let Recorded { at, event } = read::<RegistryEvent>(&journal, &entry)?;
                    (at, Happened::Registry(event))
                }
                _ => {
                    let Recorded { at, event } = read::<CoordinatorEvent>(&journal, &entry)?;
                    (at, Happened::Run(event))
                }
            };
            if at > to && stop.is_none() {
                // Of days before the first entry there is nothing.
                let next = sizes.range(entries..).next().copied().filter(|_| entries > 0);
                stop = Some(next.unwrap_or(entries));
            }
            if stop.is_some_and(|stop| entries >= stop) {
                goes_on = true;
                return Ok(());
            }
            match event {
                Happened::Run(event) => runs.entry(entry.ledger).or_default().take(at, &event),
                Happened::Registry(RegistryEvent::ModelRegistered { manifest }) => {
                    models.push(manifest);
                }
                Happened::Registry(RegistryEvent::CardWritten { model, card }) => {
                    papers.entry(model).or_default().push((Item::Card(card), Named::Bytes(card)));
                }
                Happened::Registry(RegistryEvent::AttacksReported { report }) => {
                    let (own, found) = (papers.entry(report.report.model).or_default(), report.report.findings);
                    own.push((Item::Attacks(found), Named::Findings(found)));
                }
                Happened::Registry(RegistryEvent::Exported { number, model, record }) => {
                    papers.entry(model).or_default().push((Item::Export(number), Named::Bytes(record)));
                }
                Happened::Registry(RegistryEvent::PointsSet { model, number, change }) => {
                    papers.entry(model).or_default().push((Item::Points(model, number), Named::Bytes(change)));
                }
                Happened::Registry(_) => {}
            }
            last = last.max(at);
            let place = entry.place();
            end = place.offset.saturating_add(place.bytes.into());
            entries = place.position.saturating_add(1);
            Ok(())
        })?;
        notes.judge().map_err(|reason| ExportError::Checkpoints { path: journal.clone(), reason })?;
        if end == 0 {
            return Err(ExportError::Nothing(journal));
        }
        let whole = scope == Scope::Journal;
        let is_chosen = |of_run: &OfRun| {
            let within = of_run.span.is_some_and(|(first, last)| first <= to && from <= last);
            within && of_run.run.is_some_and(|run| scope.has(run))
        };
        let chosen: BTreeSet<LedgerId> =
            runs.iter().filter(|(_, run)| is_chosen(run)).map(|(ledger, _)| *ledger).collect();
        if chosen.is_empty() && !whole {
            return Err(ExportError::NoRun(journal));
        }
        let (parts, left_out) = (BTreeMap::new(), 0);
        let mut collected = Self { parts, runs: 0, runs_outside: 0, goes_on, last, entries, left_out };
        let heads = settings.heads_dir.join("budgets.ledger");
        let borders = collected.checkpoints(before, &settings.state_dir.join(CHECKPOINTS), entries);
        if whole {
            collected.add("audit.log", From::Front(journal, end));
        } else {
            let (file, here) = part::write((&journal, folder), entries, (&chosen, &borders))?;
            collected.add(PART, From::Nameless(file));
            collected.left_out = entries.saturating_sub(here);
        }
        // Heads are of all plans together, and no part of the journal has all of what they say.
        if whole && heads.exists() {
            let mut end = 0;
            visit(&heads, |entry| {
                let place = entry.place();
                end = place.offset.saturating_add(place.bytes.into());
                Ok(())
            })?;
            if end > 0 {
                collected.add("heads/budgets.ledger", From::Front(heads, end));
            }
        }
        let of_chosen = |grant: &Grant| runs.values().filter(|run| is_chosen(run)).any(|run| run.may_rest_on(grant));
        let wanted: Option<&dyn Fn(&Grant) -> bool> = if whole { None } else { Some(&of_chosen) };
        collected.words(&settings.state_dir.join("grants"), wanted)?;
        let state = &settings.state_dir;
        for of_run in runs.values() {
            // A model is judged by the schema of its plan, of whatever days its run was.
            let schema = |plan| (Item::Schema(plan), of_run.schema.map_or(Named::Nothing, Named::Schema));
            of_run.run.filter(|_| whole).into_iter().for_each(|run| collected.kept(state, schema(run.plan)));
            let Some(run) = of_run.run.filter(|_| is_chosen(of_run)) else {
                collected.runs_outside += 1;
                continue;
            };
            collected.runs += 1;
            collected.kept(state, schema(run.plan));
            let parameters = |digest| Named::Parameters(of_run.network.clone(), digest);
            of_run.initial.into_iter().for_each(|own| collected.kept(state, (Item::State(own), parameters(own))));
            let id: RunId = run.id();
            for (round, shape, sum) in &of_run.rounds {
                collected.kept(state, (Item::Round(id, *round), Named::Nothing));
                collected.kept(state, (Item::Sum(*sum), Named::Sum(*shape, *sum)));
            }
        }
        let of_chosen = |run: &RunRef| whole || chosen.contains(&LedgerId::from(run.id()));
        for manifest in models.into_iter().filter(|manifest| of_chosen(&manifest.lineage.run)) {
            let model = manifest.digest();
            let parameters = Named::Parameters(manifest.architecture, manifest.parameters);
            collected.kept(state, (Item::Features(model), Named::Bytes(manifest.features)));
            collected.kept(state, (Item::Parameters(model), parameters));
            collected.kept(state, (Item::Statement(model), Named::Bytes(manifest.lineage.statement)));
            papers.remove(&model).into_iter().flatten().for_each(|paper| collected.kept(state, paper));
        }
        Ok(collected)
    }

    /// Adds a part.
    pub(super) fn add(&mut self, name: &str, from: From) {
        self.parts.insert(name.to_owned(), from);
    }

    /// Whatever is there is looked at where it is written, a link to nothing as well.
    fn kept(&mut self, state: &Path, (item, named): (Item, Named)) {
        let name = item.name();
        let path = state.join(&name);
        if path.symlink_metadata().is_ok() {
            self.add(&name, From::Whole(path, named));
        }
    }

    /// Checkpoints of the journal up to so many entries, and the key by which they are signed. Each is taken as it is now, with the cosignatures that it
    /// has got; and one that was there before the journal was read, where the daemon has replaced it meanwhile. Gives where they end.
    fn checkpoints(&mut self, before: Vec<Note>, folder: &Path, entries: u64) -> BTreeSet<u64> {
        let mut ends = BTreeSet::new();
        for (name, bytes, size) in notes_of(folder) {
            let size = size.filter(|size| *size <= entries);
            if name == "coordinator.key" || size.is_some() {
                ends.extend(size);
                self.add(&format!("checkpoints/{name}"), From::Bytes(bytes));
            }
        }
        for (_, bytes, size) in before {
            if let Some(size) = size.filter(|size| *size <= entries && !ends.contains(size)) {
                ends.insert(size);
                self.add(&format!("checkpoints/{}", kept_name(size)), From::Bytes(bytes));
            }
        }
        ends
    }

    /// Owners' grants and withdrawals, as they came here. Of a part of the journal those on which a run of it may rest.
    fn words(&mut self, folder: &Path, wanted: Option<&dyn Fn(&Grant) -> bool>) -> Result<(), FileError> {
        let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
        let mut words = Vec::new();
        for path in entries.flatten().map(|entry| entry.path()) {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let bytes = match read_itself(&path) {
                Ok(bytes) => bytes,
                // The daemon may take the word to which it leads. The bundle would then lack that word, and nobody would hear of it.
                Err(fault @ FileError::Link { .. }) => return Err(fault),
                Err(_) => continue,
            };
            // What the daemon carries to nobody is no owner's word, and no evidence: a file that is none, or under another name.
            let word = str::from_utf8(&bytes).ok().and_then(parse_word);
            let word = word.filter(|word| name == word_file_name(word) && word.is_genuine::<RealSuite>());
            words.extend(word.map(|word| (format!("grants/{name}"), bytes, word)));
        }
        let owner = |word: &OwnersWord| match word {
            OwnersWord::Granted(grant) => Some((grant.digest(), grant.owner.clone())),
            OwnersWord::TakenBack(_) => None,
        };
        let owners: BTreeMap<Digest, VerifyingKey> = words.iter().filter_map(|(_, _, word)| owner(word)).collect();
        words.retain(|(_, _, word)| owners.get(&word.grant()).is_none_or(|owner| owner == word.owner()));
        let granted = words.iter().filter_map(|(_, _, word)| match (word, wanted) {
            (OwnersWord::Granted(grant), Some(wanted)) => wanted(grant).then(|| grant.digest()),
            _ => None,
        });
        let granted: BTreeSet<Digest> = granted.collect();
        for (name, bytes, word) in words {
            if wanted.is_none() || granted.contains(&word.grant()) {
                self.add(&name, From::Bytes(bytes));
            }
        }
        Ok(())
    }
}

/// An entry's time and event.
fn read<E: DeserializeOwned>(journal: &Path, entry: &LogEntry<'_>) -> Result<Recorded<E>, JournalError> {
    codec::decode(entry.event, LEDGER_ENTRY_BYTES_MAX).map_err(|fault| JournalError::Damaged {
        path: journal.to_path_buf(),
        fault: format!("entry {}: {fault}", entry.position),
    })
}

#[cfg(test)]
mod tests {
    use tributary_certs::suite::{RealSuite, SigningKey};
    use tributary_protocol::log::Checkpoint;
    use tributary_storage::files::{Existing, write_private};

    use super::*;

    /// The daemon replaces the newest checkpoint and the one before it while the journal is read: what was there before is in the bundle still.
    #[test]
    fn a_checkpoint_that_is_replaced_meanwhile_is_in_the_bundle() {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::from_seed(&[7; 32]);
        let write = |name: &str, size| {
            let checkpoint = Checkpoint { origin: "here".into(), size, root: Digest([3; 32]) };
            let signed = SignedCheckpoint::sign::<RealSuite>(checkpoint, &key).unwrap();
            write_private(&folder.path().join(name), signed.to_string().as_bytes(), Existing::Replace).unwrap();
        };
        write("coordinator.key", 1);
        [("previous", 3), ("newest", 5)].into_iter().for_each(|(name, size)| write(name, size));
        let before = || notes_of(folder.path()).collect::<Vec<_>>();
        let found = |before: Vec<Note>| {
            let parts = BTreeMap::new();
            let mut collected =
                Collected { parts, runs: 0, runs_outside: 0, goes_on: false, last: Millis(0), entries: 6, left_out: 0 };
            let ends: Vec<u64> = collected.checkpoints(before, folder.path(), 6).into_iter().collect();
            (ends, collected.parts.into_keys().collect::<Vec<_>>())
        };
        let names = |names: [&str; 3]| names.map(|name| format!("checkpoints/{name}")).to_vec();
        let early = before();
        assert_eq!(found(early.clone()), (vec![3, 5], names(["coordinator.key", "newest", "previous"])));
        [("previous", 5), ("newest", 6)].into_iter().for_each(|(name, size)| write(name, size));
        let (ends, all) = found(early.clone());
        assert_eq!(ends, [3, 5, 6]);
        assert_eq!(all.len(), 4, "{all:?}");
        [("previous", 7), ("newest", 8)].into_iter().for_each(|(name, size)| write(name, size));
        let kept = names([&kept_name(3), &kept_name(5), "coordinator.key"]);
        assert_eq!(found(early), (vec![3, 5], kept));
        assert_eq!(found(before()), (vec![], vec!["checkpoints/coordinator.key".to_owned()]));
    }
}
