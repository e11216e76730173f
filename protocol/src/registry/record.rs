//! What the events of the registry come to.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use super::branch::Told;
use super::copies::{CopyNote, CopyState};
use super::event::RegistryEvent;
use super::incident::Incidents;
use super::look::Looks;
use super::manifest::ModelManifest;
use super::notice::Notices;
use super::papers::SignedAttackReport;
use super::report::SignedReport;
use super::statement::{ModelStatement, SignedStatement};
use super::step::ModelStep;
use crate::digest::Digest;
use crate::ids::ClientId;
use crate::limits::FORMER_CHAMPIONS_MAX;
use crate::plan::RunRef;
use crate::printable::Untrusted;
use crate::roster::Roster;
use crate::secagg::suite::VerifyingKey;

/// What a model may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelState {
    /// A run released it, and nobody has stated anything about it.
    Candidate,
    /// It is compared with the champion.
    Challenger,
    /// Branches use it for its purpose.
    Champion,
    /// It is used no more.
    Retired,
    /// Every branch deletes it and refuses it.
    Withdrawn,
    /// The branches of a pilot use it for its purpose, and the others do not.
    Pilot,
}

impl ModelState {
    /// The word in files and on screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Challenger => "challenger",
            Self::Champion => "champion",
            Self::Retired => "retired",
            Self::Withdrawn => "withdrawn",
            Self::Pilot => "pilot",
        }
    }
}

/// State after a list of events; `replay(ledger) == state`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryRecord {
    /// The roster in force.
    pub roster: Option<Roster>,
    /// Every model that was ever registered, by its digest.
    pub models: BTreeMap<Digest, ModelRecord>,
    /// The models in the order in which they came.
    pub order: Vec<Digest>,
    /// The purposes of models.
    pub purposes: BTreeMap<Untrusted, PurposeRecord>,
    /// What each branch said last of its copy of each model.
    pub copies: BTreeMap<(Digest, ClientId), Said>,
    /// What people told of incidents.
    pub incidents: Incidents,
    /// What inspectors were shown.
    pub looks: Looks,
    /// Models that left as files, in the order of their numbers.
    pub exports: Vec<Export>,
    /// What happened to the journal itself.
    pub notices: Notices,
    /// How often it has said something of it.
    notes: BTreeMap<(Digest, ClientId), u32>,
}

/// One model that left as a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Export {
    /// The model.
    pub model: Digest,
    /// SHA-256 of the export's record.
    pub record: Digest,
}

/// A branch's word, and the key with which it was signed: others believe it as long as the roster in force gives the branch that key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The word.
    pub note: CopyNote,
    /// The branch's signing key when it came.
    pub key: VerifyingKey,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRecord {
    /// What it is.
    pub manifest: ModelManifest,
    /// What it may be used for.
    pub state: ModelState,
    /// The statements about it, in their order.
    pub statements: Vec<SignedStatement>,
    /// Digest of its card's file, once it was written.
    pub card: Option<Digest>,
    /// Reports of attacks on it, in their order.
    pub attacks: Vec<SignedAttackReport>,
    /// SHA-256 of the file of each change of its points, in the order of their numbers.
    pub points: Vec<Digest>,
}

/// What stands for one purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PurposeRecord {
    /// The last statement's number; the next one is larger by one.
    pub sequence: u64,
    /// The model that branches use.
    pub champion: Option<Digest>,
    /// Models that were the champion and may be again, the last one at the end.
    pub former: VecDeque<Digest>,
    /// The model that the branches of a pilot use in the champion's place.
    pub pilot: Option<Digest>,
    /// The model that scores a share of the customers beside the champion.
    pub challenger: Option<Digest>,
}

impl ModelRecord {
    /// The last statement about it that was such a step.
    #[must_use]
    pub fn last(&self, step: ModelStep) -> Option<&SignedStatement> {
        self.statements.iter().rfind(|signed| signed.statement.step == step)
    }

    /// The report on gates of the last statement about it that carries one.
    #[must_use]
    pub fn last_report(&self) -> Option<&SignedReport> {
        self.statements.iter().rev().find_map(|signed| signed.report.as_deref())
    }

    /// The last second of the Unix clock for which a validator answers for it, where a statement about it carries a report.
    #[must_use]
    pub fn answered_until(&self) -> Option<u64> {
        self.last_report().map(|signed| signed.report.valid_until)
    }

    /// Whether an attack showed a larger epsilon than was claimed. No later report takes that back: what was shown once stays shown.
    #[must_use]
    pub fn is_alarmed(&self) -> bool {
        self.attacks.iter().any(|signed| signed.report.alarm)
    }
}

impl RegistryRecord {
    /// The number that the next statement of a purpose has.
    #[must_use]
    pub fn next_sequence(&self, purpose: &Untrusted) -> u64 {
        self.purposes.get(purpose).map_or(1, |purpose| purpose.sequence.saturating_add(1))
    }

    /// The champion of a purpose.
    #[must_use]
    pub fn champion(&self, purpose: &Untrusted) -> Option<&ModelRecord> {
        self.models.get(&self.purposes.get(purpose)?.champion?)
    }

    /// The model that a run released.
    #[must_use]
    pub fn of_run(&self, run: &RunRef) -> Option<Digest> {
        let of_run = |(_, model): &(&Digest, &ModelRecord)| model.manifest.lineage.run == *run;
        self.models.iter().find(of_run).map(|(digest, _)| *digest)
    }

    /// The newest model with these parameters that was not withdrawn.
    #[must_use]
    pub fn of_parameters(&self, parameters: &Digest) -> Option<&ModelRecord> {
        let models = self.order.iter().rev().filter_map(|digest| self.models.get(digest));
        let mut usable = models.filter(|model| model.state != ModelState::Withdrawn);
        usable.find(|model| model.manifest.parameters == *parameters)
    }

    /// Models in a state, in the order in which they came.
    pub fn in_state(&self, state: ModelState) -> impl Iterator<Item = (&Digest, &ModelRecord)> {
        let models = self.order.iter().filter_map(|digest| self.models.get_key_value(digest));
        models.filter(move |(_, model)| model.state == state)
    }

    /// What a branch is told that comes: how each model came to be used that is, and what ended; in the order of the statements' numbers.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        let mut told: Vec<Told> = self.in_use().chain(self.ended()).filter_map(Self::told_of).collect();
        told.sort_by(|one, other| {
            let key = |told: &Told| (told.manifest.lineage.purpose.clone(), told.statement.statement.sequence);
            key(one).cmp(&key(other))
        });
        told
    }

    /// Models that branches use: champions, pilots, and challengers that score a share of the customers. None of them is one on which an attack raised
    /// the alarm.
    pub fn in_use(&self) -> impl Iterator<Item = &ModelRecord> {
        let of = |purpose: &PurposeRecord| [purpose.champion, purpose.pilot, purpose.challenger];
        let digests = self.purposes.values().flat_map(of).flatten();
        digests.filter_map(|digest| self.models.get(&digest)).filter(|model| !model.is_alarmed())
    }

    fn ended(&self) -> impl Iterator<Item = &ModelRecord> {
        self.models.values().filter(|model| matches!(model.state, ModelState::Retired | ModelState::Withdrawn))
    }

    fn told_of(model: &ModelRecord) -> Option<Told> {
        Some(Told { manifest: model.manifest.clone(), statement: model.statements.last()?.clone() })
    }

    /// What a branch said last of its copy of a model.
    #[must_use]
    pub fn copy(&self, model: &Digest, client: ClientId) -> Option<CopyState> {
        self.copies.get(&(*model, client)).map(|said| said.note.state)
    }

    /// The words of branches that follow this statement about a model, in the order of their numbers. One that was signed with an earlier key of its
    /// branch proves nothing to anybody, and is left out.
    pub fn followers(&self, model: &Digest, statement: &Digest) -> impl Iterator<Item = &CopyNote> {
        let of_model = (*model, ClientId(0))..=(*model, ClientId(u32::MAX));
        let said = self.copies.range(of_model).map(|(_, said)| said);
        let counts =
            move |said: &&Said| said.note.statement == *statement && self.key_of(said.note.client) == Some(&said.key);
        said.filter(counts).map(|said| &said.note)
    }

    /// The signing key that the roster in force gives a branch.
    fn key_of(&self, client: ClientId) -> Option<&VerifyingKey> {
        Some(&self.roster.as_ref()?.entry(client)?.signing_key)
    }

    /// Whether a branch says once more what it said last, because it has another key since. A roster brings it that key, so that this is said once for each.
    pub(super) fn is_said_again(&self, note: &CopyNote) -> bool {
        let Some(said) = self.copies.get(&(note.model, note.client)) else { return false };
        let same = (said.note.state, said.note.statement) == (note.state, note.statement);
        same && self.key_of(note.client).is_some_and(|key| *key != said.key)
    }

    /// How often a branch has said something of its copy of a model.
    pub(super) fn notes(&self, model: &Digest, client: ClientId) -> u32 {
        self.notes.get(&(*model, client)).copied().unwrap_or(0)
    }

    /// Applies an event. Total and deterministic.
    pub fn apply(&mut self, event: &RegistryEvent) {
        match event {
            RegistryEvent::RosterAdopted { roster } => self.roster = Some(roster.roster.clone()),
            RegistryEvent::ModelRegistered { manifest } => {
                let (digest, manifest) = (manifest.digest(), manifest.as_ref().clone());
                self.purposes.entry(manifest.lineage.purpose.clone()).or_default();
                self.order.push(digest);
                let state = ModelState::Candidate;
                let (statements, attacks, points) = (Vec::new(), Vec::new(), Vec::new());
                self.models.insert(digest, ModelRecord { manifest, state, statements, card: None, attacks, points });
            }
            RegistryEvent::StatementTaken { statement } => {
                self.follow(&statement.statement);
                if let Some(model) = self.models.get_mut(&statement.statement.model) {
                    model.statements.push(statement.as_ref().clone());
                }
            }
            RegistryEvent::CopyNoted { note } => {
                // Only a branch of the roster in force says something, and it has a key there.
                let Some(key) = self.key_of(note.client).cloned() else { return };
                let (copy, again) = ((note.model, note.client), self.is_said_again(note));
                self.copies.insert(copy, Said { note: note.clone(), key });
                let notes = self.notes.entry(copy).or_default();
                // What is said again changes nothing, and takes nothing of what a branch may say.
                *notes = notes.saturating_add(u32::from(!again));
            }
            RegistryEvent::IncidentTold { told } => self.incidents.apply(told),
            RegistryEvent::Looked { look } => self.looks.apply(look),
            RegistryEvent::Noticed { notice } => self.notices.apply(*notice),
            RegistryEvent::CardWritten { model, card } => {
                if let Some(model) = self.models.get_mut(model) {
                    model.card = Some(*card);
                }
            }
            RegistryEvent::AttacksReported { report } => {
                if let Some(model) = self.models.get_mut(&report.report.model) {
                    model.attacks.push(report.as_ref().clone());
                }
            }
            RegistryEvent::Exported { model, record, .. } => {
                self.exports.push(Export { model: *model, record: *record })
            }
            RegistryEvent::PointsSet { model, change, .. } => {
                if let Some(model) = self.models.get_mut(model) {
                    model.points.push(*change);
                }
            }
        }
    }

    fn follow(&mut self, statement: &ModelStatement) {
        let purpose = self.purposes.entry(statement.purpose.clone()).or_default();
        purpose.sequence = statement.sequence;
        let (model, before, step) = (statement.model, purpose.champion, statement.step);
        let next = match step {
            ModelStep::Challenge => ModelState::Challenger,
            ModelStep::Promote | ModelStep::RollBack => ModelState::Champion,
            ModelStep::Pilot => ModelState::Pilot,
            ModelStep::Retire => ModelState::Retired,
            ModelStep::Withdraw => ModelState::Withdrawn,
        };
        purpose.former.retain(|former| *former != model);
        match next {
            ModelState::Champion => purpose.champion = Some(model),
            _ if before == Some(model) => purpose.champion = None,
            _ => {}
        }
        // A pilot ends when its model or another one becomes champion, and when another one's begins. A comparison ends with the champion's time.
        let begins = matches!(next, ModelState::Champion | ModelState::Pilot);
        let piloted = purpose.pilot.take_if(|pilot| begins || *pilot == model);
        let _ = purpose.challenger.take_if(|challenger| next == ModelState::Champion || *challenger == model);
        match next {
            ModelState::Pilot => purpose.pilot = Some(model),
            ModelState::Challenger => purpose.challenger = Some(model).filter(|_| statement.scope.share() > 0),
            _ => {}
        }
        let replaced = before.filter(|before| next == ModelState::Champion && *before != model);
        if step == ModelStep::Promote {
            purpose.former.extend(replaced);
            if purpose.former.len() > FORMER_CHAMPIONS_MAX {
                purpose.former.pop_front();
            }
        }
        // Whoever was rolled back has failed, and passes the gates again before it is used again.
        let fallen = if step == ModelStep::Promote { ModelState::Challenger } else { ModelState::Candidate };
        // What the statement says of its own model comes last.
        for (other, state) in [(replaced, fallen), (piloted, ModelState::Candidate), (Some(model), next)] {
            if let Some(other) = other.and_then(|other| self.models.get_mut(&other)) {
                other.state = state;
            }
        }
    }
}
