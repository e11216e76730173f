//! Models at a branch: whom it believes, what its owner lets it keep, and what it refuses for ever.
//!
//! ```text
//! STATE/models/models.ledger         what was stated and what was done about it; the only file that says what is true
//! STATE/models.heard                 what was stated at least; the same in IDENTITY/models.heard
//! STATE/models/DIGEST/manifest       what a kept model is
//!                    /parameters     its parameters
//!                    /statement      the statement by which it became the champion
//! ```
//!
//! Nothing is believed for coming from the coordinator: a statement counts by the signatures of two people under the signed roster, and parameters by
//! their digest. Where a signer has left since, the signed words of more than half of the other branches stand in. Models are fetched a piece at a time,
//! one model after the other, beside the runs.

mod chosen;
mod fetch;
mod folder;
mod noted;
pub(crate) mod old;
#[cfg(test)]
mod tests;
pub mod used;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::limits::{FOLLOWERS_TOLD_MAX, MODEL_PIECE_BYTES_MAX};
use tributary_protocol::log::LedgerId;
use tributary_protocol::message::ToCoordinator;
use tributary_protocol::registry::{BranchModels, BranchModelsEvent, CopyNote, CopyState, Heard, ModelManifest, Told};
use tributary_protocol::roster::{MemberName, SignedRoster, federation_digest};
use tributary_protocol::round::Branch;
use tributary_protocol::secagg::suite::{Signature, VerifyingKey};
use tributary_protocol::time::Millis;
use tributary_storage::journal::Journal;

pub(crate) use self::chosen::{ChosenModel, ModelStamps, choose, stamp};
use self::fetch::{Fetch, Fetched};
use self::folder::{LEDGER, ModelsFolder};
use self::noted::{Known, Notes};
use crate::error::ClientError;
use crate::telemetry::Report;

/// How long a piece may take before it is asked for again, in milliseconds.
const PIECE_WITHIN_MS: u64 = 60_000;

/// How often it is looked whether grants have ended, in milliseconds.
const LOOK_EVERY_MS: u64 = 60_000;

/// What the branch knows and keeps of models.
pub(crate) struct Models {
    folder: ModelsFolder,
    journal: Journal<BranchModelsEvent>,
    state: BranchModels,
    /// What was heard, and where that is noted beside the ledger.
    known: Known,
    notes: Notes,
    authorities: (Vec<VerifyingKey>, usize),
    federation: Digest,
    signing_key: VerifyingKey,
    /// The newest roster that came beside statements, and this branch in it.
    roster: Option<(SignedRoster, ClientId, MemberName)>,
    fetch: Option<Fetch>,
    /// Bytes of a piece, as the coordinator gives them.
    piece: usize,
    /// What the coordinator was told on this link: of each model its copy, and the statement that this branch follows.
    noted: BTreeMap<Digest, (CopyState, Digest)>,
    /// Other branches that follow the statement that is told of next.
    heard: Heard,
    /// When it is looked again whether grants have ended.
    look: Millis,
    /// What is to be sent.
    outbox: Vec<ToCoordinator>,
    /// What is to be told.
    reports: Vec<Report>,
}

impl Models {
    /// Opens the folder, and puts it in order with its ledger: what a crash left half done is done or undone.
    ///
    /// # Errors
    /// If folder, ledger or notes cannot be used.
    pub(crate) fn open(
        (identity, state_dir): (&Path, &Path),
        authorities: (Vec<VerifyingKey>, usize),
        signing_key: VerifyingKey,
    ) -> Result<Self, ClientError> {
        let folder = ModelsFolder::open(state_dir)?;
        let (journal, recorded) = Journal::open(&folder.path().join(LEDGER), LedgerId::MODELS)?;
        if let Some(torn) = journal.torn() {
            tracing::warn!("{torn}");
        }
        let state = BranchModels::replay(recorded.iter().map(|recorded| &recorded.event)).map_err(|fault| {
            ClientError::file(format!(
                "{}: {fault}; the file was changed, or another release wrote it. Restore it from a copy",
                folder.path().join(LEDGER).display()
            ))
        })?;
        let federation = federation_digest(&authorities.0, authorities.1);
        let (notes, mut known) = (Notes::of(identity, state_dir), Known::of(recorded.iter().map(|own| &own.event)));
        if let Err(fault) = notes.check(&folder.path().join(LEDGER), (&notes.read()?, &known)) {
            // Whoever uses models is refused until the coordinator has told again what is lost.
            tracing::error!(%fault, "the ledger of models says less than this branch has heard");
        }
        notes.note(&mut known)?;
        let mut own = Self {
            folder,
            journal,
            state,
            known,
            notes,
            authorities,
            federation,
            signing_key,
            roster: None,
            fetch: None,
            piece: MODEL_PIECE_BYTES_MAX,
            noted: BTreeMap::new(),
            heard: Heard::default(),
            look: Millis(0),
            outbox: Vec::new(),
            reports: Vec::new(),
        };
        for model in own.state.kept().to_vec() {
            if !own.folder.has(&model) {
                own.record(Millis(0), BranchModelsEvent::ModelDeleted { model })?;
            }
        }
        own.folder.forget_others(own.state.kept());
        Ok(own)
    }

    /// What is to be sent, once.
    pub(crate) fn take_outbox(&mut self) -> Vec<ToCoordinator> {
        std::mem::take(&mut self.outbox)
    }

    /// What is to be told, once.
    pub(crate) fn take_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.reports)
    }

    /// A link stands that is not the one before: whatever was asked for on that one is lost.
    pub(crate) fn connected(&mut self) {
        self.fetch = None;
        self.noted.clear();
        self.heard = Heard::default();
        self.look = Millis(0);
    }

    /// The owner's grants have changed.
    pub(crate) fn grants_changed(&mut self) {
        self.look = Millis(0);
    }

    /// A roster that came beside statements. One that nobody signed, or an older one than this branch has accepted, is not believed.
    pub(crate) fn shown(&mut self, branch: &Branch<RealSuite>, roster: SignedRoster) {
        let accepted = branch.record().roster.map_or(0, |head| head.epoch);
        let known = self.roster.as_ref().map_or(0, |(known, ..)| known.roster.epoch());
        if let Err(fault) = roster.verify::<RealSuite>(&self.authorities.0, self.authorities.1) {
            tracing::error!(%fault, "the roster that came with statements about models is not believed");
            return;
        }
        if roster.roster.epoch() < accepted.max(known) {
            tracing::warn!("an old roster came with statements about models, and is not used");
            return;
        }
        self.heard = Heard::default();
        let own = roster.roster.entries().iter().find(|entry| entry.signing_key == self.signing_key);
        self.roster = own.map(|entry| (entry.client, entry.name.clone())).map(|(client, name)| (roster, client, name));
    }

    /// The roster by which the statement was taken that comes next. One that nobody signed, or a later one than the newest, is not believed.
    pub(crate) fn shown_before(&mut self, before: SignedRoster) {
        self.heard = Heard::default();
        let Some((newest, ..)) = &self.roster else { return };
        match before.verify::<RealSuite>(&self.authorities.0, self.authorities.1) {
            Ok(()) if before.roster.epoch() < newest.roster.epoch() => self.heard = Heard::under(before.roster),
            Ok(()) => tracing::warn!("the roster by which a statement about a model was taken is none from before"),
            Err(fault) => {
                tracing::error!(%fault, "the roster by which a statement about a model was taken is not believed")
            }
        }
    }

    /// Words of other branches about the statement that comes next. One that does not verify is nobody's.
    pub(crate) fn follow(&mut self, notes: &[CopyNote]) {
        let Some((roster, ..)) = &self.roster else { return };
        let mut unproven = 0_usize;
        for note in notes.iter().take(FOLLOWERS_TOLD_MAX) {
            if !self.heard.add::<RealSuite>(note, (&roster.roster, &self.federation)) {
                unproven = unproven.saturating_add(1);
            }
        }
        if unproven > 0 {
            tracing::warn!(unproven, "words of other branches about a model do not verify, and are not counted");
        }
    }

    /// What was stated about models.
    ///
    /// # Errors
    /// If the ledger or a note cannot be written, which ends the process.
    pub(crate) fn hear(&mut self, now: Millis, told: Vec<Told>) -> Result<(), ClientError> {
        let Some((roster, _, name)) = self.roster.clone() else { return Ok(()) };
        let (mut unbelieved, before) = (0_usize, self.known.clone());
        for told in told {
            let (step, words) = (told.statement.statement.step.name(), told.statement.statement.in_words());
            let grounds = (&roster.roster, &self.federation, &self.heard);
            let judged = self.state.judge::<RealSuite>(told, &name, grounds, now.0 / 1000);
            match judged {
                Ok(None) => {}
                Ok(Some(event)) => {
                    self.record(now, event)?;
                    self.reports.push(Report::ModelStated { step, words });
                }
                Err(fault) => {
                    // The first one is told: whoever sends thousands of them fills no log.
                    if unbelieved == 0 {
                        tracing::error!(%fault, words, "a statement about a model is not believed");
                    }
                    unbelieved = unbelieved.saturating_add(1);
                }
            }
        }
        if self.known != before {
            self.notes.note(&mut self.known)?;
        }
        if unbelieved > 1 {
            tracing::error!(unbelieved, "and more statements of the same message are not believed either");
        }
        self.look = Millis(0);
        Ok(())
    }

    /// Deletes what may not be kept, asks for what may, and tells the coordinator what there is. Cheap where nothing is due.
    ///
    /// # Errors
    /// If the ledger cannot be written, which ends the process.
    pub(crate) fn tend(&mut self, branch: &Branch<RealSuite>, now: Millis) -> Result<(), ClientError> {
        let late = self.fetch.as_ref().is_some_and(|fetch| fetch.asked.plus(PIECE_WITHIN_MS) <= now);
        if now < self.look && !late {
            return Ok(());
        }
        self.look = now.plus(LOOK_EVERY_MS);
        let Some((_, client, name)) = self.roster.clone() else { return Ok(()) };
        let granted = |lineage: &_| branch.keeps_model(lineage, &name, now);
        for model in self.state.unwanted(granted) {
            // Files first: what is acknowledged is gone.
            if let Err(fault) = self.folder.delete(&model) {
                tracing::error!(%fault, "a model that may not be kept could not be deleted; it is tried again");
                continue;
            }
            self.record(now, BranchModelsEvent::ModelDeleted { model })?;
            let withdrawn = self.state.is_withdrawn(&model);
            self.reports.push(Report::ModelDeleted { model: model.to_string(), withdrawn });
        }
        if self.fetch.as_ref().is_some_and(|fetch| !self.state.wanted(granted).any(|model| model == fetch.manifest())) {
            self.fetch = None;
        }
        let next = match &self.fetch {
            None => self.state.wanted(granted).next().cloned().map(|manifest| Fetch::new(manifest, self.piece, now)),
            Some(fetch) if late => Some(Fetch::new(fetch.manifest().clone(), self.piece, now)),
            Some(_) => None,
        };
        if let Some(fetch) = next {
            self.outbox.push(fetch.question());
            self.fetch = Some(fetch);
        }
        let wanted: BTreeSet<Digest> = self.state.wanted(granted).map(ModelManifest::digest).collect();
        self.say(branch, (client, &wanted), now);
        Ok(())
    }

    /// A piece of a model's parameters has come.
    ///
    /// # Errors
    /// If the ledger cannot be written, which ends the process.
    pub(crate) fn piece(
        &mut self,
        branch: &Branch<RealSuite>,
        now: Millis,
        (model, from, bytes): (Digest, u64, &[u8]),
    ) -> Result<(), ClientError> {
        let Some(fetch) = self.fetch.as_mut().filter(|fetch| fetch.is_answer(&model, from)) else { return Ok(()) };
        match fetch.add(bytes, now) {
            Fetched::More => self.outbox.push(fetch.question()),
            Fetched::Nothing => self.fetch = None,
            Fetched::Faulty => {
                tracing::error!(%model, "the parameters that the coordinator gives are not those of the model; nothing is kept");
                self.fetch = None;
            }
            Fetched::Whole => self.store(branch, now)?,
        }
        Ok(())
    }

    fn store(&mut self, branch: &Branch<RealSuite>, now: Millis) -> Result<(), ClientError> {
        let Some((manifest, parameters)) = self.fetch.take().map(Fetch::into_parts) else { return Ok(()) };
        let model = manifest.digest();
        let event = BranchModelsEvent::ModelStored { model };
        let Some(statement) = self.state.statement(&model).filter(|_| self.state.check(&event).is_ok()) else {
            return Ok(());
        };
        if let Err(fault) = self.folder.add(&manifest, &parameters, statement) {
            tracing::error!(%fault, "a model could not be kept; it is fetched again later");
            return Ok(());
        }
        let purpose = manifest.lineage.purpose.to_string();
        self.record(now, event)?;
        self.reports.push(Report::ModelKept { model: model.to_string(), purpose });
        self.look = Millis(0);
        self.tend(branch, now)
    }

    /// Tells the coordinator what it was not told on this link.
    fn say(&mut self, branch: &Branch<RealSuite>, (client, wanted): (ClientId, &BTreeSet<Digest>), now: Millis) {
        for (model, state, statement) in self.state.copies() {
            // What is on its way is told of once it is here.
            let coming = state != CopyState::Kept && wanted.contains(&model);
            if coming || self.noted.insert(model, (state, statement)) == Some((state, statement)) {
                continue;
            }
            let (federation, at, signature) = (self.federation, now.0 / 1000, Signature::none());
            let note = CopyNote { federation, client, model, state, statement, at, signature };
            self.outbox.push(ToCoordinator::Copy(branch.sign_copy(note)));
        }
    }

    /// State first, the file's line next, on the disk before anything that relies on it.
    fn record(&mut self, now: Millis, event: BranchModelsEvent) -> Result<(), ClientError> {
        let judged = self.state.check(&event);
        assert_eq!(judged, Ok(()), "only what the rules allow is recorded");
        self.state.apply(&event);
        self.known.add(&event);
        self.journal.append(now, event)?;
        Ok(self.journal.sync()?)
    }
}
