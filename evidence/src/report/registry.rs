//! Models in a report.

use std::collections::{BTreeMap, BTreeSet};

use tributary_protocol::digest::Digest;
use tributary_protocol::registry::{
    Figure, Incidents, ModelRecord, ModelStep, RegistryEvent, RegistryRecord, SignedAttackReport, SignedReport,
    SignedStatement,
};
use tributary_protocol::time::Millis;

use super::deviates::Deviates;
use super::incidents::{At, IncidentsPart, deviation_line};
use super::parts::{AttacksLine, Duty, ExportLine, FigureLine, GateLine, ModelLine, PointsLine, TimelineLine};
use super::period::{Asked, Scope};
use super::points;
use super::shown;
use super::spending::Rosters;
use crate::attacks::AttacksFile;
use crate::entries::Entry;
use crate::exported::ExportRecord;
use crate::retained::{Item, Retained};

/// What the registry adds to a report.
#[derive(Default)]
pub(super) struct RegistryPart {
    pub(super) models: Vec<ModelLine>,
    pub(super) duties: Vec<(Millis, Duty)>,
    rosters: Rosters,
    /// What people told, what was shown, and which statements took models back.
    pub(super) incidents: IncidentsPart,
    /// The incidents.
    pub(super) told: Incidents,
    /// What happened to the journal itself.
    pub(super) notices: Vec<(At, TimelineLine)>,
    /// Models that left as files.
    pub(super) exports: Vec<ExportLine>,
    /// Models that were registered in the period.
    pub(super) registered: u32,
}

impl RegistryPart {
    /// Follows the entries of the registry, which end with the period.
    pub(super) fn of(
        entries: &[Entry<RegistryEvent>],
        asked: &Asked,
        plans: &[String],
        (figures, kept): (&BTreeMap<String, Vec<FigureLine>>, &dyn Retained),
    ) -> Self {
        let (mut part, mut record) = (Self::default(), RegistryRecord::default());
        let mut registered: BTreeMap<Digest, Millis> = BTreeMap::new();
        let mut reports: BTreeMap<Digest, SignedReport> = BTreeMap::new();
        let mut set: BTreeMap<Digest, Vec<PointsLine>> = BTreeMap::new();
        for entry in entries {
            part.rosters.follow_registry(entry, &asked.period);
            let at = (entry.position, entry.at);
            match &entry.event {
                RegistryEvent::ModelRegistered { manifest } => {
                    registered.insert(manifest.digest(), entry.at);
                }
                RegistryEvent::StatementTaken { statement } => {
                    if let Some(report) = &statement.report {
                        reports.insert(statement.statement.model, report.as_ref().clone());
                    }
                    if let Some(deviates) = Deviates::of_statement(statement) {
                        part.incidents.deviated(at, deviation_line(at, None, deviates));
                    }
                    let of = record.models.get(&statement.statement.model);
                    if asked.period.has(entry.at) && of.is_some_and(|of| in_scope(of, asked, plans)) {
                        part.duties.push((entry.at, duty(entry.at, statement)));
                    }
                }
                RegistryEvent::IncidentTold { told } => part.incidents.told(at, told),
                RegistryEvent::Looked { look } => part.incidents.looked(at, look),
                RegistryEvent::Noticed { notice } => {
                    part.notices.push((at, deviation_line(at, None, Deviates::of_notice(notice))))
                }
                RegistryEvent::Exported { number, model, record } => {
                    part.exports.push(exported(*number, (model, record), kept));
                }
                RegistryEvent::PointsSet { model, number, change } => {
                    let line = points::line(entry.at, (model, *number, change), kept);
                    let of = record.models.get(model);
                    if asked.period.has(entry.at) && of.is_some_and(|of| in_scope(of, asked, plans)) {
                        part.duties.push((entry.at, points::duty(model, &line)));
                    }
                    set.entry(*model).or_default().push(line);
                }
                RegistryEvent::RosterAdopted { .. }
                | RegistryEvent::CopyNoted { .. }
                | RegistryEvent::CardWritten { .. }
                | RegistryEvent::AttacksReported { .. } => {}
            }
            record.apply(&entry.event);
        }
        part.told = record.incidents;
        for digest in &record.order {
            let (Some(model), Some(at)) = (record.models.get(digest), registered.get(digest)) else { continue };
            if in_scope(model, asked, plans) {
                part.registered = part.registered.saturating_add(asked.period.has(*at).into());
                let line = line(digest, model, *at, reports.get(digest), (figures, kept));
                part.models.push(ModelLine { points: set.remove(digest).unwrap_or_default(), ..line });
            }
        }
        part
    }

    /// Marks the exports of models that were withdrawn, also after the period: nobody may use these files any more.
    pub(super) fn mark_void(&mut self, entries: &[Entry<RegistryEvent>]) {
        let withdrawn = entries.iter().filter_map(|entry| match &entry.event {
            RegistryEvent::StatementTaken { statement } if statement.statement.step == ModelStep::Withdraw => {
                Some(statement.statement.model.to_string())
            }
            _ => None,
        });
        let withdrawn: BTreeSet<String> = withdrawn.collect();
        self.exports.iter_mut().for_each(|line| line.void = withdrawn.contains(&line.model));
    }

    /// The rosters that came into force for the registry.
    pub(super) fn take_rosters(&mut self) -> Rosters {
        std::mem::take(&mut self.rosters)
    }
}

/// Models of the runs that are reported; with a purpose or for everything those as well whose runs ended before the period.
fn in_scope(model: &ModelRecord, asked: &Asked, plans: &[String]) -> bool {
    let lineage = &model.manifest.lineage;
    match &asked.scope {
        Scope::All => true,
        Scope::Purpose(name) => lineage.purpose.raw() == name,
        Scope::Plan(_) => plans.contains(&lineage.run.plan.to_string()),
    }
}

fn duty(at: Millis, signed: &SignedStatement) -> Duty {
    let statement = &signed.statement;
    let mut signers = vec![shown::signer(&signed.first), shown::signer(&signed.second)];
    signers.extend(signed.report.as_ref().map(|report| shown::signer(&report.signed)));
    Duty {
        at: shown::moment(at),
        what: statement.step.name().into(),
        subject: statement.model.to_string(),
        number: None,
        signers,
        why: Some(statement.reason.to_string()),
    }
}

fn line(
    digest: &Digest,
    model: &ModelRecord,
    at: Millis,
    report: Option<&SignedReport>,
    (figures, kept): (&BTreeMap<String, Vec<FigureLine>>, &dyn Retained),
) -> ModelLine {
    let lineage = &model.manifest.lineage;
    let of_report = report.map(|signed| &signed.report);
    ModelLine {
        model: digest.to_string(),
        purpose: lineage.purpose.to_string(),
        plan: lineage.run.plan.to_string(),
        run: lineage.run.number,
        parent: lineage.parent.map(|parent| parent.to_string()),
        state: model.state.name().into(),
        registered: shown::moment(at),
        figures: figures.get(&digest.to_string()).cloned().unwrap_or_default(),
        gates: of_report.map(gate_lines).unwrap_or_default(),
        validator: report.map(|signed| signed.signed.staff.to_string()),
        findings: of_report.map(|report| report.findings.to_string()),
        conditions: of_report
            .map(|report| report.conditions.iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
        valid_until: of_report.map(|report| shown::day(report.valid_until)),
        card: model.card.map(|card| card.to_string()),
        attacks: model.attacks.iter().map(|signed| attacks(signed, kept)).collect(),
        points: Vec::new(),
    }
}

/// An export as its record says it; number and model alone where the record is not here.
fn exported(number: u64, (model, named): (&Digest, &Digest), kept: &dyn Retained) -> ExportLine {
    let record = kept.get(&Item::Export(number)).filter(|bytes| Digest::of(bytes) == *named);
    let bare = ExportLine::bare(number, model.to_string());
    record.and_then(|bytes| ExportRecord::read(&bytes)).map_or(bare.clone(), |record| ExportLine {
        file_format: record.format,
        recipient: record.recipient,
        made: shown::day(record.made_at),
        until: shown::day(record.valid_until),
        digest: record.digest,
        ..bare
    })
}

fn attacks(signed: &SignedAttackReport, kept: &dyn Retained) -> AttacksLine {
    let digest = signed.report.findings;
    let file = kept.get(&Item::Attacks(digest)).and_then(|bytes| AttacksFile::read(&bytes).ok());
    AttacksLine {
        digest: digest.to_string(),
        staff: signed.signed.staff.to_string(),
        alarm: signed.report.alarm,
        findings: file.map(|file| file.findings).filter(|findings| findings.digest() == digest),
    }
}

/// The gates of a report, with what each came to.
pub(crate) fn gate_lines(report: &tributary_protocol::registry::GatesReport) -> Vec<GateLine> {
    let parts = |parts: u32| format!("{}.{:04}", parts / 10_000, parts % 10_000);
    let line = |(gate, figure, holds): (&tributary_protocol::plan::Gate, Figure, bool)| GateLine {
        label: gate.label.to_string(),
        measure: gate.measure.name().into(),
        limit: format!("{}{}", if gate.measure.is_at_least() { ">= " } else { "<= " }, parts(gate.limit)),
        value: match figure {
            Figure::Measured { value, low, high } => {
                Some(format!("{} ({} - {})", parts(value), parts(low), parts(high)))
            }
            Figure::Absent | Figure::NoChampion => None,
        },
        holds,
    };
    report.verdicts().map(line).collect()
}
