//! Which event may follow which in the registry's ledger, and the signatures on which each rests.

use alloc::vec::Vec;

use super::copies::{CopyNote, CopyState};
use super::event::RegistryEvent;
use super::incident::IncidentFault;
use super::look::LookFault;
use super::manifest::ModelManifest;
use super::noted::RefusedNote;
use super::papers::{RefusedAttackReport, SignedAttackReport};
use super::record::{ModelRecord, ModelState, RegistryRecord};
use super::report::SignedReport;
use super::statement::{ModelStatement, SignedStatement, StatementFault, StatementGrounds};
use super::step::ModelStep;
use crate::digest::Digest;
use crate::limits::{ATTACK_REPORTS_MAX, COPY_NOTES_MAX, MODELS_MAX};
use crate::plan::{Attestation, AttestationFault, Pilot};
use crate::roster::{MemberName, Roster};
use crate::round::record::rule;
use crate::round::{Claim, OutOfOrder};
use crate::secagg::suite::Suite;
use crate::signed::SignedBody as _;

const STRANGER: OutOfOrder = OutOfOrder("whoever signs is in the roster in force");

impl RegistryRecord {
    /// The state after all events.
    ///
    /// # Errors
    /// If an event cannot follow the ones before it, which no coordinator writes.
    pub fn replay<'a>(events: impl IntoIterator<Item = &'a RegistryEvent>) -> Result<Self, OutOfOrder> {
        let mut record = Self::default();
        for event in events {
            record.check(event)?;
            record.apply(event);
        }
        Ok(record)
    }

    /// Whether an event may come next.
    ///
    /// # Errors
    /// Which rule it breaks.
    pub fn check(&self, event: &RegistryEvent) -> Result<(), OutOfOrder> {
        match event {
            RegistryEvent::RosterAdopted { roster } => {
                let epoch = roster.roster.epoch();
                let forward = self.roster.as_ref().is_none_or(|last| epoch > last.epoch());
                rule(epoch > 0 && forward, "rosters go forward")
            }
            RegistryEvent::ModelRegistered { manifest } => self.check_model(manifest),
            RegistryEvent::StatementTaken { statement } => self.check_statement(statement),
            RegistryEvent::CopyNoted { note } => self.check_note(note),
            RegistryEvent::IncidentTold { told } => {
                self.incidents.check(told, self.roster.as_ref()).map_err(IncidentFault::rule)
            }
            RegistryEvent::Looked { look } => self.looks.check(look, self.roster.as_ref()).map_err(LookFault::rule),
            RegistryEvent::Noticed { notice } => self.notices.check(*notice),
            RegistryEvent::CardWritten { model, card } => self.check_card(model, card),
            RegistryEvent::AttacksReported { report } => self.check_attacks(report),
            RegistryEvent::Exported { number, model, .. } => {
                self.judge_export(*number, model).map_err(RefusedNote::rule)
            }
            RegistryEvent::PointsSet { model, number, .. } => {
                self.judge_points(model, *number).map_err(RefusedNote::rule)
            }
        }
    }

    fn check_card(&self, model: &Digest, card: &Digest) -> Result<(), OutOfOrder> {
        let model = self.models.get(model).ok_or(OutOfOrder("a card is of a registered model"))?;
        rule(model.card.is_none() && *card != Digest::ZERO, "a model has one card")
    }

    fn check_attacks(&self, signed: &SignedAttackReport) -> Result<(), OutOfOrder> {
        let roster = self.roster.as_ref().ok_or(OutOfOrder("a roster is in force before a report of attacks"))?;
        match self.judge_attacks_by(signed, |model| signed.judge_role(&model.manifest, roster)) {
            Ok(()) => Ok(()),
            Err(RefusedAttackReport::Signature(_) | RefusedAttackReport::Federation) => {
                Err(OutOfOrder("a report of attacks is signed by a model validator of the roster in force"))
            }
            Err(RefusedAttackReport::Unknown(_)) => Err(OutOfOrder("a report of attacks is about a registered model")),
            Err(RefusedAttackReport::Taken | RefusedAttackReport::Full) => {
                Err(OutOfOrder("a report of attacks is taken once, and a model has 64 at most"))
            }
        }
    }

    fn judge_attacks_by(
        &self,
        signed: &SignedAttackReport,
        judge: impl Fn(&ModelRecord) -> Result<(), AttestationFault>,
    ) -> Result<(), RefusedAttackReport> {
        let report = &signed.report;
        let model = self.models.get(&report.model).ok_or(RefusedAttackReport::Unknown(report.model))?;
        if signed.signed.federation != report.federation {
            return Err(RefusedAttackReport::Federation);
        }
        judge(model)?;
        if model.attacks.iter().any(|taken| taken.report.findings == report.findings) {
            return Err(RefusedAttackReport::Taken);
        }
        // One that raises the alarm is always heard, once.
        let heard = report.alarm && !model.is_alarmed();
        if model.attacks.len() >= ATTACK_REPORTS_MAX && !heard {
            return Err(RefusedAttackReport::Full);
        }
        Ok(())
    }

    /// Whether a report of attacks may be taken under this roster, with its signature, and why not: for whoever brought it.
    ///
    /// # Errors
    /// In words: what is wrong, and what to do.
    pub fn judge_attacks<S: Suite>(
        &self,
        signed: &SignedAttackReport,
        (roster, federation): (&Roster, &Digest),
        now: u64,
    ) -> Result<(), RefusedAttackReport> {
        if signed.report.federation != *federation {
            return Err(RefusedAttackReport::Federation);
        }
        self.judge_attacks_by(signed, |model| signed.judge::<S>(&model.manifest, roster, now))
    }

    fn check_model(&self, manifest: &ModelManifest) -> Result<(), OutOfOrder> {
        rule(manifest.check().is_ok(), "a model's parts are within their limits")?;
        rule(!self.models.contains_key(&manifest.digest()), "a model is registered once")?;
        rule(self.of_run(&manifest.lineage.run).is_none(), "a run registers one model")?;
        rule(self.models.len() < MODELS_MAX, "a registry has 10000 models at most")?;
        let parent = manifest.lineage.parent.is_none_or(|parent| self.models.contains_key(&parent));
        rule(parent, "a model's parent is registered before it")
    }

    fn check_statement(&self, signed: &SignedStatement) -> Result<(), OutOfOrder> {
        let statement = &signed.statement;
        let model = self.models.get(&statement.model).ok_or(OutOfOrder("a statement is about a registered model"))?;
        let roster = self.roster.as_ref().ok_or(OutOfOrder("a roster is in force before a statement"))?;
        let federation = &statement.federation;
        let grounds = StatementGrounds { manifest: &model.manifest, roster, federation, now: None };
        rule(
            signed.judge_roles(grounds).is_ok(),
            "a statement is signed by two people of the roster in force, in two roles that may, and carries a report whose gates hold",
        )?;
        rule(
            statement.sequence == self.next_sequence(&statement.purpose),
            "statements of a purpose are numbered without a gap, and none counts twice",
        )?;
        rule(self.admits(statement, model.state), "a step leads from the model's state to another one")?;
        match self.judge_gates(signed, model, roster) {
            Ok(()) => Ok(()),
            Err(RefusedStatement::OtherChampion) => Err(OutOfOrder(
                "a report compares with the champion in force, and a rollback has that of the promotion",
            )),
            Err(RefusedStatement::Alarm) => {
                Err(OutOfOrder("a model of which an attack showed a larger epsilon than was claimed is not used"))
            }
            Err(RefusedStatement::OtherCard) => Err(OutOfOrder("a report on gates names the model's own card")),
            Err(_) => {
                Err(OutOfOrder("a pilot is of the plan's branches, and is over before all branches use its model"))
            }
        }
    }

    /// Whether a step may be done to a model as it is.
    fn admits(&self, ModelStatement { step, model, purpose, .. }: &ModelStatement, state: ModelState) -> bool {
        use ModelState::{Candidate, Challenger, Retired, Withdrawn};
        let former = || self.purposes.get(purpose).is_some_and(|purpose| purpose.former.contains(model));
        match step {
            ModelStep::Challenge => state == Candidate,
            ModelStep::Pilot => matches!(state, Candidate | Challenger),
            ModelStep::Promote => matches!(state, Candidate | Challenger | ModelState::Pilot),
            ModelStep::RollBack => state == Challenger && former(),
            ModelStep::Retire => !matches!(state, Retired | Withdrawn),
            // Also one that was withdrawn: where whoever signed that has left the roster since, a branch that comes back believes those who are there now.
            ModelStep::Withdraw => true,
        }
    }

    /// Whether a statement's report fits what stands, and the plan's pilot comes before all branches. The report itself is judged with the signatures.
    fn judge_gates(
        &self,
        signed: &SignedStatement,
        model: &ModelRecord,
        roster: &Roster,
    ) -> Result<(), RefusedStatement> {
        let Some(SignedReport { report, .. }) = signed.report.as_deref() else { return Ok(()) };
        let statement = &signed.statement;
        if model.is_alarmed() {
            return Err(RefusedStatement::Alarm);
        }
        if model.card.is_some_and(|card| report.card != card && report.card != Digest::ZERO) {
            return Err(RefusedStatement::OtherCard);
        }
        if statement.step == ModelStep::RollBack {
            // The very report by which it became champion: it was judged then.
            let promoted = model.last(ModelStep::Promote).and_then(|promoted| promoted.report.as_ref());
            let same = promoted == signed.report.as_ref();
            return if same { Ok(()) } else { Err(RefusedStatement::OtherChampion) };
        }
        let champion = self.purposes.get(&statement.purpose).and_then(|purpose| purpose.champion);
        if report.gates.compare_with_champion() && report.champion != champion {
            return Err(RefusedStatement::OtherChampion);
        }
        match (&report.gates.pilot, statement.step) {
            (Some(pilot), ModelStep::Pilot) => {
                let named = pilot_branches(pilot, model, roster);
                if named == statement.scope.branches() { Ok(()) } else { Err(RefusedStatement::PilotBranches) }
            }
            (Some(pilot), ModelStep::Promote) => self.judge_pilot(pilot, signed, (model, roster)),
            _ => Ok(()),
        }
    }

    /// Whether a model's pilot has been long enough, with enough copies.
    fn judge_pilot(
        &self,
        pilot: &Pilot,
        signed: &SignedStatement,
        (model, roster): (&ModelRecord, &Roster),
    ) -> Result<(), RefusedStatement> {
        let begun = model.last(ModelStep::Pilot).filter(|_| model.state == ModelState::Pilot);
        let begun = begun.ok_or(RefusedStatement::NoPilot)?;
        let latest = begun.first.at.max(begun.second.at);
        let earliest = signed.first.at.min(signed.second.at);
        let over = latest.saturating_add(pilot.seconds_min);
        if earliest < over {
            return Err(RefusedStatement::PilotGoesOn { over });
        }
        let digest = model.manifest.digest();
        let own = roster.entries().iter().filter(|entry| begun.statement.scope.has(&entry.name));
        let found = own.filter(|entry| self.copy(&digest, entry.client) == Some(CopyState::Kept)).count();
        if found >= pilot.copies_min as usize {
            return Ok(());
        }
        let found = u32::try_from(found).unwrap_or(u32::MAX);
        Err(RefusedStatement::PilotCopies { found, needed: pilot.copies_min })
    }

    fn check_note(&self, note: &CopyNote) -> Result<(), OutOfOrder> {
        let model = self.models.get(&note.model).ok_or(OutOfOrder("a copy is of a registered model"))?;
        let enrolled = self.roster.as_ref().is_some_and(|roster| roster.entry(note.client).is_some());
        rule(enrolled, "a copy is an entry's of the roster in force")?;
        if self.is_said_again(note) {
            return Ok(());
        }
        let last = self.copies.get(&(note.model, note.client)).map(|said| &said.note);
        let new = last.is_none_or(|last| (last.state, last.statement) != (note.state, note.statement));
        rule(new, "a note about a copy changes something")?;
        rule(last.is_none_or(|last| last.state != CopyState::Refused), "what a branch refuses it refuses for ever")?;
        // Every note is an entry of the journal. That a model is refused is said once, and always heard.
        let few = self.notes(&note.model, note.client) < COPY_NOTES_MAX || note.state == CopyState::Refused;
        rule(few, "a branch notes 64 changes of a copy at most")?;
        let about = |signed: &SignedStatement| {
            let withdraws = signed.statement.step == ModelStep::Withdraw;
            signed.statement.digest() == note.statement && withdraws == (note.state == CopyState::Refused)
        };
        rule(model.statements.iter().any(about), "a note about a copy follows a statement about its model")
    }

    /// Whether a statement may be taken under the roster in force, with its signatures, and why not: for whoever brought it.
    ///
    /// # Errors
    /// In words: what is wrong, and what to do.
    pub fn judge<S: Suite>(
        &self,
        signed: &SignedStatement,
        (roster, federation): (&Roster, &Digest),
        now: u64,
    ) -> Result<(), RefusedStatement> {
        let statement = &signed.statement;
        let model = self.judge_step(statement)?;
        let grounds = StatementGrounds { manifest: &model.manifest, roster, federation, now: Some(now) };
        signed.judge::<S>(grounds)?;
        self.judge_gates(signed, model, roster)
    }

    /// The branches of a model's pilot: those that its plan names, or those that the plan's share draws.
    #[must_use]
    pub fn pilot_branches(&self, pilot: &Pilot, model: &ModelRecord) -> Vec<MemberName> {
        self.roster.as_ref().map(|roster| pilot_branches(pilot, model, roster)).unwrap_or_default()
    }

    /// Whether a statement could be taken, if two people signed it; the model that it is about.
    ///
    /// # Errors
    /// In words: what is wrong, and what to do.
    pub fn judge_step(&self, statement: &ModelStatement) -> Result<&ModelRecord, RefusedStatement> {
        let unknown = RefusedStatement::Unknown { model: statement.model };
        let model = self.models.get(&statement.model).ok_or(unknown)?;
        let (found, expected) = (statement.sequence, self.next_sequence(&statement.purpose));
        if found != expected {
            return Err(RefusedStatement::Sequence { found, expected });
        }
        if statement.step.needs_report() && model.is_alarmed() {
            return Err(RefusedStatement::Alarm);
        }
        match self.admits(statement, model.state) {
            true => Ok(model),
            false => Err(RefusedStatement::Step { step: statement.step, state: model.state }),
        }
    }

    /// Whether a statement was taken before. Files come again with every start of a process.
    #[must_use]
    pub fn knows(&self, statement: &ModelStatement) -> bool {
        let model = self.models.get(&statement.model);
        model.is_some_and(|model| model.statements.iter().any(|taken| taken.statement == *statement))
    }

    /// Whether an event may come next, and the signatures on which it rests verify: so many.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn verify<S: Suite>(&self, event: &RegistryEvent) -> Result<usize, OutOfOrder> {
        self.check(event)?;
        let claims = self.claims::<S>(event)?;
        rule(claims.iter().all(Claim::holds::<S>), "every signature on which it rests verifies")?;
        Ok(claims.len())
    }

    /// The signatures on which an event rests that may come next. Not among them: those of a roster.
    ///
    /// # Errors
    /// If somebody signs who is not in the roster in force.
    pub fn claims<S: Suite>(&self, event: &RegistryEvent) -> Result<Vec<Claim>, OutOfOrder> {
        match event {
            RegistryEvent::StatementTaken { statement } => {
                // A rollback has the report of the promotion, whose signature was verified then.
                let again = statement.statement.step == ModelStep::RollBack;
                let report = statement.report.iter().filter(|_| !again).map(|report| &report.signed);
                statement.signatures().chain(report).map(|signed| self.claim_of::<S>(signed)).collect()
            }
            RegistryEvent::CopyNoted { note } => {
                let entry = self.roster.as_ref().and_then(|roster| roster.entry(note.client)).ok_or(STRANGER)?;
                let (message, signature) = (note.to_sign::<S>(), note.signature.clone());
                Ok([Claim { key: entry.signing_key.clone(), message, signature }].into())
            }
            RegistryEvent::AttacksReported { report } => Ok([self.claim_of::<S>(&report.signed)?].into()),
            RegistryEvent::IncidentTold { told } => Ok([self.claim_of::<S>(&told.signed)?].into()),
            RegistryEvent::Looked { look } => Ok([self.claim_of::<S>(&look.signed)?].into()),
            RegistryEvent::RosterAdopted { .. }
            | RegistryEvent::ModelRegistered { .. }
            | RegistryEvent::CardWritten { .. }
            | RegistryEvent::Exported { .. }
            | RegistryEvent::PointsSet { .. }
            | RegistryEvent::Noticed { .. } => Ok(Vec::new()),
        }
    }

    fn claim_of<S: Suite>(&self, signed: &Attestation) -> Result<Claim, OutOfOrder> {
        let person = self.roster.as_ref().and_then(|roster| roster.person(&signed.staff)).ok_or(STRANGER)?;
        let (key, signature) = (person.signing_key.clone(), signed.signature.clone());
        Ok(Claim { key, message: signed.to_sign::<S>(), signature })
    }
}

fn pilot_branches(pilot: &Pilot, model: &ModelRecord, roster: &Roster) -> Vec<MemberName> {
    let members = roster.group(&model.manifest.lineage.group).into_iter().flat_map(|group| group.members());
    pilot.branches(&model.manifest.digest(), members.filter_map(|client| roster.name_of(client)))
}

/// Why a statement is not taken, for whoever brought it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedStatement {
    /// No such model.
    #[error(
        "the registry has no model {model}, so nothing is stated about it; `tributary model list` shows which it has"
    )]
    Unknown {
        /// The model.
        model: Digest,
    },
    /// The signatures.
    #[error("the statement does not count: {0}")]
    Signatures(#[from] StatementFault),
    /// The number.
    #[error(
        "it is statement {found} of its purpose, and the next one is {expected}: it was taken before, or others came in between. Make it \
         again and have it signed again"
    )]
    Sequence {
        /// The statement's.
        found: u64,
        /// The next one.
        expected: u64,
    },
    /// The state.
    #[error(
        "\"{step}\" cannot be done to a model that is {state}; `tributary model show` shows what was stated about it",
        step = .step.name(), state = .state.name()
    )]
    Step {
        /// The step.
        step: ModelStep,
        /// The state.
        state: ModelState,
    },
    /// The champion has changed.
    #[error(
        "its report was made beside another champion than the one in force, or is not the one by which the model became champion; make the report \
         again (`tributary model gates`), and for a rollback the statement alone"
    )]
    OtherChampion,
    /// An attack showed more than was claimed.
    #[error(
        "a report of attacks on this model shows a larger epsilon than its privacy statement claims, so nobody may use it; `tributary model show` \
         names the report. Have the model withdrawn, and the cause found, before another one is made"
    )]
    Alarm,
    /// Another card.
    #[error("its report names another card than the model's own; make the report again (`tributary model gates`)")]
    OtherCard,
    /// Other branches than the plan's.
    #[error("it names other branches than the plan's pilot has; `tributary model pilot` names those that it has")]
    PilotBranches,
    /// The plan wants a pilot, and there is none.
    #[error(
        "the plan wants a pilot before all branches, and this model has none; have one begun (`tributary model pilot`)"
    )]
    NoPilot,
    /// The pilot is not over.
    #[error("the pilot goes on until second {over} of the Unix clock; have both sign the promotion after it")]
    PilotGoesOn {
        /// First second of the Unix clock at which both may sign.
        over: u64,
    },
    /// Too few branches of the pilot keep the model.
    #[error(
        "{found} branches of the pilot have acknowledged that they keep the model, and the plan wants {needed}; `tributary model copies` shows which"
    )]
    PilotCopies {
        /// How many have.
        found: u32,
        /// How many must.
        needed: u32,
    },
}
