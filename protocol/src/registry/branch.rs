//! What a branch knows of models: whom it believes, what it keeps, and what it refuses for ever.
//!
//! A statement counts by the roster in force, and one after which the model is used by the report on the model's gates. An older one than the branch
//! knows changes nothing: what was replaced does not come back. A withdrawal counts whenever it comes. Nothing lifts it.
//!
//! Where signers have left since, a branch that was away believes the other branches: more than half of them must have said, signed, that they follow
//! the very statement ([`Heard`]). All else of the statement is judged as ever.
//!
//! Not guaranteed: that the coordinator shows the newest statement. It may hold one back for as long as the branch hears of it from nobody else.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::copies::CopyState;
use super::heard::{Following, Heard};
use super::manifest::{Lineage, ManifestFault, ModelManifest};
use super::report::SignedReport;
use super::statement::{SignedStatement, StatementFault, StatementGrounds};
use super::step::ModelStep;
use super::turns::is_challengers;
use crate::digest::Digest;
use crate::limits::{MODELS_KEPT_MAX, MODELS_MAX};
use crate::printable::Untrusted;
use crate::roster::{MemberName, Roster};
use crate::round::OutOfOrder;
use crate::round::record::rule;
use crate::secagg::suite::Suite;

/// A statement as a branch is told of it, with the model that it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The model.
    pub manifest: ModelManifest,
    /// The statement.
    pub statement: SignedStatement,
}

/// What happened at a branch: its file of models is a list of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BranchModelsEvent {
    /// A statement counted, by the roster in force.
    StatementAccepted {
        /// As the branch was told of it.
        told: Box<Told>,
        /// Whether the branch is among those that it is for.
        here: bool,
    },
    /// A model's files are whole, on the disk, and of the digest that the statement names.
    ModelStored {
        /// The model.
        model: Digest,
    },
    /// A model's files are gone.
    ModelDeleted {
        /// The model.
        model: Digest,
    },
}

/// State after a list of events; `replay(file) == state`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BranchModels {
    purposes: BTreeMap<Untrusted, Standing>,
    models: BTreeMap<Digest, Known>,
    /// Kept models, the one that was stored first at the front.
    kept: Vec<Digest>,
}

/// What stands for a purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Standing {
    /// Number of the newest statement.
    sequence: u64,
    champion: Option<Digest>,
    /// The model of a pilot that this branch is in: it is used in the champion's place.
    pilot: Option<Digest>,
    /// The model that scores a share of the customers, and that share.
    challenger: Option<(Digest, u16)>,
}

impl Standing {
    /// Models that are used, or were before a pilot began.
    fn models(&self) -> impl Iterator<Item = Digest> {
        let challenger = self.challenger.map(|(model, _)| model);
        [self.pilot, self.champion, challenger].into_iter().flatten()
    }
}

/// A model that a statement was about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    manifest: ModelManifest,
    /// The last statement about it.
    last: SignedStatement,
    /// The last report on its gates.
    report: Option<Box<SignedReport>>,
    /// It was kept here at some time.
    was_kept: bool,
}

impl Known {
    fn is(&self, step: ModelStep) -> bool {
        self.last.statement.step == step
    }
}

/// Why a branch does not believe what it is told of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelFault {
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestFault),
    /// The signatures.
    #[error("the statement about the model does not count: {0}")]
    Statement(#[from] StatementFault),
    /// Its signers have left, or never were there, and too few others follow it.
    #[error(
        "the statement about the model does not count: {fault}. Of {others} other branches of its group {found} say that they heard it while the \
         signatures counted, and more than half of them must. Have people who are there state it anew, or wait for the others"
    )]
    Unheard {
        /// What is wrong with the signatures.
        fault: StatementFault,
        /// Other branches that follow it.
        found: usize,
        /// All others.
        others: usize,
    },
    /// The model was withdrawn.
    #[error("the model was withdrawn, and this branch refuses it for ever")]
    Withdrawn,
    /// It knows more models than a registry has.
    #[error("this branch was told of 10000 models, and takes no other one")]
    TooMany,
}

impl BranchModels {
    /// The state after all events.
    ///
    /// # Errors
    /// If an event cannot follow the ones before it, which no client writes.
    pub fn replay<'a>(events: impl IntoIterator<Item = &'a BranchModelsEvent>) -> Result<Self, OutOfOrder> {
        let mut models = Self::default();
        for event in events {
            models.check(event)?;
            models.apply(event);
        }
        Ok(models)
    }

    /// What follows from what the branch is told: an event to be recorded, or nothing where it changes nothing.
    ///
    /// # Errors
    /// [`ModelFault`]: then nothing is believed.
    pub fn judge<S: Suite>(
        &self,
        told: Told,
        branch: &MemberName,
        (roster, federation, heard): (&Roster, &Digest, &Heard),
        now: u64,
    ) -> Result<Option<BranchModelsEvent>, ModelFault> {
        let digest = told.manifest.digest();
        if self.models.get(&digest).is_some_and(|known| known.last.statement == told.statement.statement) {
            return Ok(None);
        }
        told.manifest.check()?;
        let grounds = StatementGrounds { manifest: &told.manifest, roster, federation, now: Some(now) };
        if let Err(fault) = self.judge_signers::<S>(&told, grounds) {
            // By the roster in force when it was taken, they signed it all the same; and by nothing less.
            let before = heard.before().ok_or(fault)?;
            told.statement.judge_words(grounds)?;
            self.judge_signers::<S>(&told, StatementGrounds { roster: before, now: None, ..grounds })?;
            let following = heard.of(&told.statement.statement, &told.manifest, (roster, branch));
            let Following { found, others } = following;
            match following.is_enough() {
                true => {}
                false if found == 0 => return Err(fault.into()),
                false => return Err(ModelFault::Unheard { fault, found, others }),
            }
        }
        let here = told.statement.statement.scope.has(branch);
        let event = BranchModelsEvent::StatementAccepted { told: Box::new(told), here };
        let BranchModelsEvent::StatementAccepted { told, .. } = &event else { return Ok(None) };
        if self.is_withdrawn(&digest) {
            let again = told.statement.statement.step == ModelStep::Withdraw;
            return if again { Ok(None) } else { Err(ModelFault::Withdrawn) };
        }
        if !self.has_room_for(&digest) {
            return Err(ModelFault::TooMany);
        }
        Ok(if self.is_news(told) { Some(event) } else { None })
    }

    /// Whether a statement counts by the signatures of people who are there.
    fn judge_signers<S: Suite>(&self, told: &Told, grounds: StatementGrounds<'_>) -> Result<(), StatementFault> {
        told.statement.judge::<S>(grounds)?;
        // A rollback has the report of the promotion. Whoever has not heard of that judges the report now.
        let known = self.models.get(&told.manifest.digest());
        let known = known.is_some_and(|known| known.report == told.statement.report);
        let unheard = told.statement.statement.step == ModelStep::RollBack && !known;
        if unheard { told.statement.judge_report::<S>(grounds) } else { Ok(()) }
    }

    /// Whether a model is known, or one more may be.
    fn has_room_for(&self, model: &Digest) -> bool {
        self.models.contains_key(model) || self.models.len() < MODELS_MAX
    }

    /// Whether a statement changes anything.
    fn is_news(&self, told: &Told) -> bool {
        let statement = &told.statement.statement;
        let standing = self.purposes.get(&statement.purpose);
        let newer = standing.is_none_or(|standing| statement.sequence > standing.sequence);
        match statement.step {
            ModelStep::Promote | ModelStep::RollBack | ModelStep::Pilot | ModelStep::Challenge => newer,
            // Also of a model that this branch was never told to use: an older word that it is used counts no more.
            ModelStep::Retire => {
                let known = self.models.get(&statement.model);
                known.map_or(newer, |known| known.last.statement.sequence < statement.sequence)
            }
            ModelStep::Withdraw => true,
        }
    }

    /// Whether an event may come next.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn check(&self, event: &BranchModelsEvent) -> Result<(), OutOfOrder> {
        match event {
            BranchModelsEvent::StatementAccepted { told, here } => {
                let (manifest, statement) = (&told.manifest, &told.statement.statement);
                let about = statement.model == manifest.digest() && statement.purpose == manifest.lineage.purpose;
                rule(about && manifest.check().is_ok(), "a statement is about the model that comes with it")?;
                rule(told.statement.report(manifest).is_ok(), "a model is used by a report whose gates hold")?;
                let fits = statement.scope.fits(statement.step) && (*here || statement.step == ModelStep::Pilot);
                rule(fits, "a statement is for whom its step is, and only a pilot is not for every branch")?;
                rule(!self.is_withdrawn(&statement.model), "nothing follows the withdrawal of a model")?;
                rule(self.has_room_for(&statement.model), "a branch knows 10000 models at most")?;
                rule(self.is_news(told), "a statement is newer than what it changes")
            }
            BranchModelsEvent::ModelStored { model } => {
                let wanted = self.in_use().any(|used| used.digest() == *model);
                rule(wanted && !self.is_kept(model), "a model is stored once, while it is used here")
            }
            BranchModelsEvent::ModelDeleted { model } => rule(self.is_kept(model), "a model is deleted that is kept"),
        }
    }

    /// Applies an event. Total and deterministic.
    pub fn apply(&mut self, event: &BranchModelsEvent) {
        match event {
            BranchModelsEvent::StatementAccepted { told, here } => {
                let (statement, model) = (&told.statement.statement, told.statement.statement.model);
                let standing = self.purposes.entry(statement.purpose.clone()).or_default();
                standing.sequence = standing.sequence.max(statement.sequence);
                // Whatever it was used for before, from here on it is what this statement says.
                let _ = standing.champion.take_if(|champion| *champion == model);
                let _ = standing.pilot.take_if(|pilot| *pilot == model);
                let _ = standing.challenger.take_if(|(challenger, _)| *challenger == model);
                match statement.step {
                    ModelStep::Promote | ModelStep::RollBack => {
                        (standing.champion, standing.pilot, standing.challenger) = (Some(model), None, None);
                    }
                    ModelStep::Pilot => standing.pilot = Some(model).filter(|_| *here),
                    ModelStep::Challenge => {
                        let share = statement.scope.share();
                        standing.challenger = Some((model, share)).filter(|_| share > 0);
                    }
                    ModelStep::Retire | ModelStep::Withdraw => {}
                }
                let before = self.models.remove(&model);
                let was_kept = before.as_ref().is_some_and(|known| known.was_kept);
                let (manifest, last) = (told.manifest.clone(), told.statement.clone());
                let report = last.report.clone().or_else(|| before.and_then(|known| known.report));
                self.models.insert(model, Known { manifest, last, report, was_kept });
            }
            BranchModelsEvent::ModelStored { model } => {
                self.kept.push(*model);
                if let Some(known) = self.models.get_mut(model) {
                    known.was_kept = true;
                }
            }
            BranchModelsEvent::ModelDeleted { model } => self.kept.retain(|kept| kept != model),
        }
    }

    /// The models that branches use for some purpose, by purpose. Beside a pilot's model that is also the champion, which is used again if the pilot fails.
    pub fn in_use(&self) -> impl Iterator<Item = &ModelManifest> {
        let digests = self.purposes.values().flat_map(Standing::models);
        digests.filter_map(|digest| self.manifest(&digest))
    }

    /// The model that this branch uses for a purpose: the champion, or that of a pilot in which the branch is.
    #[must_use]
    pub fn champion(&self, purpose: &Untrusted) -> Option<&ModelManifest> {
        let standing = self.purposes.get(purpose)?;
        self.manifest(&standing.pilot.or(standing.champion)?)
    }

    /// Whether a model is that of a pilot in which the branch is.
    #[must_use]
    pub fn is_pilot(&self, model: &Digest) -> bool {
        self.purposes.values().any(|standing| standing.pilot == Some(*model))
    }

    /// The model that scores a share of the customers beside the champion of a purpose, and that share, in parts in 10,000.
    #[must_use]
    pub fn challenger(&self, purpose: &Untrusted) -> Option<(&ModelManifest, u16)> {
        let (model, share) = self.purposes.get(purpose)?.challenger?;
        Some((self.manifest(&model)?, share))
    }

    /// The model that scores a customer for a purpose; `key` is a secret of the branch. Without a champion nobody is scored.
    #[must_use]
    pub fn model_of_customer(&self, purpose: &Untrusted, key: &[u8; 32], customer: &[u8]) -> Option<Digest> {
        let champion = self.champion(purpose)?.digest();
        let challenger = self.challenger(purpose).map(|(model, share)| (model.digest(), share));
        let turn = challenger.filter(|(model, share)| is_challengers(key, model, customer, *share));
        Some(turn.map_or(champion, |(model, _)| model))
    }

    /// The report on a model's gates by which it is used, or was last.
    #[must_use]
    pub fn report(&self, model: &Digest) -> Option<&SignedReport> {
        self.models.get(model)?.report.as_deref()
    }

    /// Models that are kept, the one that was stored first at the front.
    #[must_use]
    pub fn kept(&self) -> &[Digest] {
        &self.kept
    }

    /// What a model is that a statement was about.
    #[must_use]
    pub fn manifest(&self, model: &Digest) -> Option<&ModelManifest> {
        self.models.get(model).map(|known| &known.manifest)
    }

    /// The last statement about a model.
    #[must_use]
    pub fn statement(&self, model: &Digest) -> Option<&SignedStatement> {
        self.models.get(model).map(|known| &known.last)
    }

    /// Whether a model was withdrawn, so that it is refused for ever.
    #[must_use]
    pub fn is_withdrawn(&self, model: &Digest) -> bool {
        self.models.get(model).is_some_and(|known| known.is(ModelStep::Withdraw))
    }

    fn is_kept(&self, model: &Digest) -> bool {
        self.kept.contains(model)
    }

    /// Models in use that are to be fetched, where the owner's grants let the branch keep them.
    pub fn wanted<'a>(&'a self, granted: impl Fn(&Lineage) -> bool + 'a) -> impl Iterator<Item = &'a ModelManifest> {
        self.in_use().filter(move |model| granted(&model.lineage) && !self.is_kept(&model.digest()))
    }

    /// Kept models that are to be deleted: withdrawn or retired ones, those that nothing grants any more, and the oldest where there are too many.
    #[must_use]
    pub fn unwanted(&self, granted: impl Fn(&Lineage) -> bool) -> Vec<Digest> {
        let ends = |digest: &Digest| {
            let known = self.models.get(digest);
            let over = |known: &Known| known.is(ModelStep::Withdraw) || known.is(ModelStep::Retire);
            known.is_none_or(|known| over(known) || !granted(&known.manifest.lineage))
        };
        let (mut gone, stays): (Vec<Digest>, Vec<Digest>) = self.kept.iter().partition(|digest| ends(digest));
        let in_use = |digest: &Digest| self.in_use().any(|used| used.digest() == *digest);
        let surplus = stays.len().saturating_sub(MODELS_KEPT_MAX);
        gone.extend(stays.iter().filter(|digest| !in_use(digest)).take(surplus));
        gone
    }

    /// What the branch has of each model that it was told of, and the statement that it follows. A model that it means to fetch is told of once it is here.
    pub fn copies(&self) -> impl Iterator<Item = (Digest, CopyState, Digest)> {
        self.models.iter().filter_map(|(digest, known)| {
            let state = match (self.is_kept(digest), known.is(ModelStep::Withdraw), known.was_kept) {
                // Until its files are gone a withdrawn model is not acknowledged.
                (true, true, _) => return None,
                (true, false, _) => CopyState::Kept,
                (false, true, _) => CopyState::Refused,
                (false, false, true) => CopyState::Deleted,
                (false, false, false) => CopyState::Absent,
            };
            Some((*digest, state, known.last.statement.digest()))
        })
    }
}
