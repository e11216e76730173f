//! One run in a report.

use tributary_model::schema::Schema;
use tributary_protocol::plan::{Attestation, Plan};
use tributary_protocol::privacy::Unit;
use tributary_protocol::role::Action;
use tributary_protocol::roster::Roster;
use tributary_protocol::round::{CoordinatorEvent, RunRecord};
use tributary_protocol::secagg::modular::bytes_of;
use tributary_protocol::time::Millis;

use super::deviates::{Deviates, run_name};
use super::incidents::{At, deviation_line};
use super::parts::{
    AgreementLine, Counted, Duty, FieldLine, Processing, RunLine, SentLine, StageLine, Summary, TimelineLine,
};
use super::period::Asked;
use super::shown;
use super::spending::{Rosters, SpendingPart};
use crate::entries::Entry;
use crate::run::RunReport;
use crate::statement::{Facts, Statement};
use tributary_model::privacy::epsilon_of;

/// What a run adds to a report.
pub(super) struct RunPart {
    pub(super) rosters: Rosters,
    /// What did not go as planned, at any time and whatever the scope is.
    pub(super) deviated: Vec<(At, TimelineLine)>,
    /// Nothing where it is not of the scope, or was not open in the period.
    pub(super) told: Option<Told>,
}

/// What a run of the scope says of the period.
pub(super) struct Told {
    pub(super) line: RunLine,
    pub(super) processing: Processing,
    pub(super) deviations: Vec<(Millis, TimelineLine)>,
    pub(super) sent: Vec<SentLine>,
    pub(super) duties: Vec<(Millis, Duty)>,
    pub(super) counted: Summary,
    pub(super) evicted: u32,
}

/// What is counted while the events are followed.
struct Followed<'a> {
    asked: &'a Asked,
    name: String,
    record: RunRecord,
    deviated: Vec<(At, TimelineLine)>,
    duties: Vec<(Millis, Duty)>,
    aborted: Vec<Counted>,
    uploads: Vec<u32>,
    counted: Summary,
    evicted: u32,
    survivors_needed: Option<u32>,
    cohort: usize,
}

impl RunPart {
    /// Follows the entries of a run, which end with the period. Without an entry there is nothing to say.
    pub(super) fn of(
        entries: &[Entry<CoordinatorEvent>],
        verified: &RunReport,
        asked: &Asked,
        schemas: &[Schema],
        spending: &mut SpendingPart,
    ) -> Option<Self> {
        let [first, ..] = entries else { return None };
        let CoordinatorEvent::RunOpened { plan, number, .. } = &first.event else { return None };
        let mut rosters = Rosters::default();
        let mut followed = Followed::new(asked, plan, *number);
        for entry in entries {
            rosters.follow(entry, &asked.period);
            // What a branch has spent, it has spent over all plans.
            spending.follow(entry, plan);
            followed.follow(entry);
        }
        let deviated = followed.deviated.clone();
        let last = entries.last().unwrap_or(first);
        let over = followed.record.finished.is_some().then_some(last.at);
        let open = asked.scope.has(plan) && over.is_none_or(|over| !asked.period.is_after(over));
        let told = open.then(|| followed.told(entries, plan, verified, over, schemas)).flatten();
        Some(Self { rosters, deviated, told })
    }
}

impl<'a> Followed<'a> {
    fn new(asked: &'a Asked, plan: &Plan, number: u32) -> Self {
        Self {
            asked,
            name: run_name(plan, number),
            record: RunRecord::default(),
            deviated: Vec::new(),
            duties: Vec::new(),
            aborted: Vec::new(),
            uploads: vec![0; plan.stages.len()],
            counted: Summary::default(),
            evicted: 0,
            survivors_needed: None,
            cohort: 0,
        }
    }

    fn follow(&mut self, entry: &Entry<CoordinatorEvent>) {
        if let Some(deviates) =
            Deviates::of_run(&entry.event, |client| Roster::named(self.record.roster.as_ref(), client))
        {
            let at = (entry.position, entry.at);
            self.deviated.push((at, deviation_line(at, Some(self.name.clone()), deviates)));
        }
        if self.asked.period.has(entry.at) {
            self.count(entry);
        }
        if let CoordinatorEvent::SessionKeyed { cohort, thresholds, .. } = &entry.event {
            self.cohort = cohort.len();
            self.survivors_needed = Some(thresholds.survivors_min.into());
        }
        self.record.apply(&entry.event);
    }

    fn count(&mut self, entry: &Entry<CoordinatorEvent>) {
        let at = entry.at;
        let more = |count: &mut u32, by: usize| *count = count.saturating_add(u32::try_from(by).unwrap_or(u32::MAX));
        match &entry.event {
            CoordinatorEvent::RunOpened { plan, approvals, .. } => {
                self.approved(at, plan, [&approvals.proposal, &approvals.approval])
            }
            CoordinatorEvent::ApprovalsShown { approvals } => {
                if let Some(plan) = self.record.plan().cloned() {
                    self.approved(at, &plan, [&approvals.proposal, &approvals.approval]);
                }
            }
            CoordinatorEvent::RoundStarted { .. } => more(&mut self.counted.rounds_charged, 1),
            CoordinatorEvent::UpdateAdmitted { .. } => {
                let stage = self.record.round.as_ref().map_or(0, |round| usize::from(round.stage));
                self.uploads.get_mut(stage).into_iter().for_each(|uploads| more(uploads, 1));
            }
            CoordinatorEvent::SurvivorsFrozen { survivors, .. } => {
                more(&mut self.counted.dropouts, self.cohort.saturating_sub(survivors.len()));
            }
            CoordinatorEvent::RoundCommitted { .. } => more(&mut self.counted.rounds_committed, 1),
            CoordinatorEvent::RoundAborted { reason, .. } => {
                more(&mut self.counted.rounds_aborted, 1);
                let why = reason.to_string();
                match self.aborted.iter_mut().find(|counted| counted.what == why) {
                    Some(counted) => more(&mut counted.count, 1),
                    None => self.aborted.push(Counted { what: why, count: 1 }),
                }
            }
            CoordinatorEvent::ClientRefused { .. } => more(&mut self.counted.refusals, 1),
            CoordinatorEvent::ClientEvicted { .. } => self.evicted = self.evicted.saturating_add(1),
            CoordinatorEvent::OrderTaken { order } => self.ordered(at, order),
            _ => {}
        }
    }

    fn approved(&mut self, at: Millis, plan: &Plan, signers: [&Attestation; 2]) {
        if !self.asked.scope.has(plan) {
            return;
        }
        let signers = signers.map(shown::signer).into();
        let subject = plan.digest().to_string();
        self.duties
            .push((at, Duty { at: shown::moment(at), what: "plan".into(), subject, number: None, signers, why: None }));
    }

    /// Whoever stops something does it alone: that weakens no guarantee. Two lift it.
    fn ordered(&mut self, at: Millis, order: &Attestation) {
        let stops = matches!(order.action, Action::PausePlan | Action::Freeze | Action::AbortPlan);
        if stops {
            self.counted.stops = self.counted.stops.saturating_add(1);
        }
        let (subject, signers) = (order.subject.to_string(), vec![shown::signer(order)]);
        let what = order.action.name().into();
        self.duties.push((at, Duty { at: shown::moment(at), what, subject, number: None, signers, why: None }));
    }

    fn told(
        self,
        entries: &[Entry<CoordinatorEvent>],
        plan: &Plan,
        verified: &RunReport,
        over: Option<Millis>,
        schemas: &[Schema],
    ) -> Option<Told> {
        let facts = Facts::read(entries.iter().map(|entry| &entry.event)).ok()?;
        let statement = Statement::of(&facts);
        let begun = entries.first()?.at;
        let schema = schemas.iter().find(|schema| schema.digest() == plan.schema);
        let within = self.deviated.iter().filter(|((_, at), _)| self.asked.period.has(*at));
        let deviations = within.map(|((_, at), line)| (*at, line.clone())).collect();
        Some(Told {
            processing: processing(plan, schema, begun),
            sent: self.sent(plan),
            line: self.line(plan, &statement, verified, begun, over),
            deviations,
            duties: self.duties,
            counted: self.counted,
            evicted: self.evicted,
        })
    }

    fn sent(&self, plan: &Plan) -> Vec<SentLine> {
        let stages = (1..).zip(plan.stages.iter().zip(&self.uploads));
        let lines = stages.map(|(stage, (terms, uploads))| SentLine {
            run: self.name.clone(),
            stage,
            kind: terms.kind.clone(),
            coordinates: terms.dimension,
            bits: terms.ring.bits(),
            uploads: *uploads,
            bytes: (bytes_of(terms.ring, terms.dimension as usize) as u64).saturating_mul((*uploads).into()),
            noised: terms.noise_variance > 0,
        });
        lines.collect()
    }

    fn line(
        &self,
        plan: &Plan,
        statement: &Statement,
        verified: &RunReport,
        begun: Millis,
        over: Option<Millis>,
    ) -> RunLine {
        let record = &self.record;
        let figures = &statement.figures;
        let unit = plan.privacy.unit();
        let epsilon = |unit: Unit| epsilon_of(plan.charge_of(&record.committed).of(unit), plan.delta()).0;
        let released = unit.map(epsilon).filter(|epsilon| epsilon.is_finite());
        let state = match (record.is_aborted(), record.finished) {
            (true, _) => "aborted",
            (false, Some(true)) => "complete",
            (false, Some(false)) => "ended-early",
            (false, None) => "open",
        };
        let stages = statement.releases.iter().zip(&plan.stages).map(|(release, stage)| StageLine {
            number: release.stage,
            kind: release.kind.clone(),
            rounds: stage.rounds,
            committed: release.committed,
            charged: release.charged,
            noise_multiplier: release.noise_multiplier.map(shown::decimals),
            sampling_rate: shown::decimals(release.sampling_rate),
        });
        RunLine {
            plan: statement.plan.clone(),
            name: statement.plan_name.clone(),
            number: statement.run,
            begun: shown::moment(begun),
            ended: over.map(shown::moment),
            state: state.into(),
            proposed_by: statement.proposed_by.clone(),
            approved_by: statement.approved_by.clone(),
            mode: statement.mode.into(),
            overlap_max: plan.overlap_max,
            group: statement.group.clone(),
            group_size: statement.group_size,
            survivors_needed: self.survivors_needed,
            survivors_fewest: figures.survivors_fewest,
            honest_fewest: figures.honest_fewest,
            rounds: figures.rounds,
            committed: record.committed_all(),
            charged: record.charged_all(),
            charged_max: figures.rounds_charged_max,
            aborted: self.aborted.clone(),
            delta: figures.delta.map(shown::delta),
            epsilon_plan: figures.epsilon_plan.map(shown::decimals),
            epsilon_run: figures.epsilon_run.map(shown::decimals),
            epsilon_charged: figures.epsilon_spent.map(shown::decimals),
            epsilon_released: released.map(shown::decimals),
            stages: stages.collect(),
            model: statement.model.clone(),
            sums_verified: verified.sums_verified,
            sums_not_verified: verified.sums_not_verified,
            customers_nominal: plan.customers_nominal,
        }
    }
}

fn processing(plan: &Plan, schema: Option<&Schema>, begun: Millis) -> Processing {
    let charter = &plan.charter;
    let agreement = |agreement: &tributary_protocol::plan::Agreement| AgreementLine {
        organisation: agreement.organisation.0,
        reference: agreement.reference.to_string(),
        digest: agreement.document.to_string(),
        until: shown::day(agreement.until),
    };
    Processing {
        plan: plan.digest().to_string(),
        name: plan.name.to_string(),
        purpose: plan.purpose.to_string(),
        legal_basis: charter.legal_basis.to_string(),
        assessment: charter.assessment.reference.to_string(),
        assessment_digest: charter.assessment.document.to_string(),
        assessment_day: shown::day(charter.assessment.at),
        ticket: charter.ticket.to_string(),
        assets: charter.data_assets.iter().map(ToString::to_string).collect(),
        intended_use: charter.intended_use.to_string(),
        prohibited_use: charter.prohibited_use.to_string(),
        materiality: charter.materiality.name().into(),
        review_by: shown::day(charter.review_by),
        agreements: charter.agreements.iter().map(agreement).collect(),
        schema: plan.schema.to_string(),
        fields: schema.map(fields),
        level_max: schema.map(|schema| schema.level_max().name().into()),
        as_of: plan.readiness.as_of.of_run(begun.0 / 1000).map(|day| day.to_string()),
        kept_dimension_max: plan.retention.uploads_dimension_max,
        kept_sums: plan.retention.sums,
        kept_days: plan.retention.days,
    }
}

fn fields(schema: &Schema) -> Vec<FieldLine> {
    let of = |used_as: &'static str| {
        move |field: &tributary_model::schema::Field| FieldLine {
            name: field.name.clone(),
            used_as: used_as.into(),
            class: Some(field.class.name().into()),
            level: Some(field.level.name().into()),
        }
    };
    let label = |label: &tributary_model::schema::Label| FieldLine {
        name: label.name.clone(),
        used_as: "label".into(),
        class: None,
        level: None,
    };
    let inputs = schema.fields().iter().map(of("input"));
    inputs.chain(schema.labels().iter().map(label)).chain(schema.audits().iter().map(of("audited"))).collect()
}
