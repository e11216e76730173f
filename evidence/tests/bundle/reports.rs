//! A compliance report against its journal, by somebody who has the coordinator's key and signs every change anew.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tributary_evidence::card::figures;
use tributary_evidence::report::{
    Asked, Compared, ComplianceReport, Material, Period, ReportFault, ReportFile, Scope, WitnessLine, compliance,
};
use tributary_evidence::{Item, NothingKept, Retained};
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::RegistryEvent;

use super::incidents::{material, note};
use super::plans;
use super::world::{COORDINATOR, DAY, Event, PEOPLE, SMALL, Shape, World, person_key};

/// What a coordinator keeps beside its journal.
struct Kept<'a>(&'a BTreeMap<String, Vec<u8>>);

impl Retained for Kept<'_> {
    fn get(&self, item: &Item) -> Option<Vec<u8>> {
        self.0.get(&item.name()).cloned()
    }
}

/// A report of the whole world, as its coordinator makes it.
fn made(world: &World, journal: &[u8]) -> ComplianceReport {
    let (kept, manifest) = (Kept(&world.parts), world.manifest());
    let measured = world.measured(&manifest);
    let of_model = measured.map(|measured| (manifest.digest().to_string(), figures(measured.heads())));
    let bare = material(journal, Vec::new());
    let schemas = vec![plans::schema(world.shape)];
    let material = Material { kept: &kept, schemas, figures: of_model.into_iter().collect(), ..bare };
    let asked = Asked { preset: None, period: Period::new(DAY, DAY).unwrap(), scope: Scope::All };
    compliance(&material, &asked).unwrap()
}

fn judged(report: ComplianceReport, journal: &[u8], kept: &dyn Retained) -> Result<Compared, String> {
    judged_by(report, &Material { kept, ..material(journal, Vec::new()) })
}

fn judged_by(report: ComplianceReport, beside: &Material<'_>) -> Result<Compared, String> {
    let file = ReportFile::sign(report, &person_key(COORDINATOR));
    let file = ReportFile::read(file.to_json().as_bytes()).map_err(|fault| fault.to_string())?;
    file.follows_from(beside).map_err(|fault| fault.to_string())
}

/// The places of every value that is no object and no list.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| leaves(value, &format!("{path}/{name}"), found))
        }
        Value::Array(all) => {
            (0..).zip(all).for_each(|(at, value): (usize, _)| leaves(value, &format!("{path}/{at}"), found))
        }
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn every_leaf_of_a_report_follows_from_the_journal_and_what_is_kept() {
    let mut world = World::new(Shape { evaluated: true, ..SMALL });
    (0..2).for_each(|_| world.export(|_| ()));
    world.set_points(|_| (), |_| ());
    let (journal, _) = world.journal();
    let (report, kept) = (made(&world, &journal), Kept(&world.parts));
    assert!(!report.models[0].figures.is_empty() && report.processing[0].fields.is_some(), "{report:?}");
    assert_eq!(judged(report.clone(), &journal, &kept).unwrap().not, []);
    // Without what is kept the rest follows still.
    assert!(judged(report.clone(), &journal, &NothingKept).is_ok());
    // An export that the report leaves out is missed without its record as well.
    assert_eq!((report.exports.len(), report.exports[1].recipient.as_str()), (2, "card centre 2"));
    let shorter = ComplianceReport { exports: report.exports[..1].to_vec(), ..report.clone() };
    assert!(judged(shorter, &journal, &NothingKept).unwrap_err().contains("the exports"));
    let (whole, mut places) = (serde_json::to_value(&report).unwrap(), Vec::new());
    leaves(&whole, "", &mut places);
    let (mut changed, mut accepted) = (0, Vec::new());
    for place in &places {
        let mut other = whole.clone();
        let leaf = other.pointer_mut(place).unwrap();
        *leaf = match &*leaf {
            Value::Bool(holds) => json!(!holds),
            Value::Number(number) => json!(number.as_u64().unwrap() + 1),
            Value::String(text) => json!(format!("{text}1")),
            _ => json!("x"),
        };
        // What has another type is no report.
        let Ok(other) = serde_json::from_value::<ComplianceReport>(other) else { continue };
        changed += 1;
        if judged(other, &journal, &kept).is_ok() {
            accepted.push(place.as_str());
        }
    }
    assert_eq!(accepted, ["/generator"]);
    assert!(changed > 120, "{changed} of {}", places.len());
}

#[test]
fn a_change_of_points_is_a_decision_and_stands_beside_its_model() {
    let mut world = World::new(SMALL);
    let made = |world: &World| made(world, &world.journal().0);
    let before = made(&world);
    (0..2).for_each(|_| world.set_points(|_| (), |_| ()));
    let report = made(&world);
    assert_eq!(report.summary.decisions, before.summary.decisions + 2);
    assert_eq!(report.summary.decisions_alone, 0);
    let decided: Vec<_> = report.duties.iter().filter(|duty| duty.what == "points").collect();
    let told: Vec<_> = decided.iter().map(|duty| (duty.number, duty.why.as_deref(), duty.subject.as_str())).collect();
    let model = world.model.to_string();
    assert_eq!(told, [1, 2].map(|number| (Some(number), Some("few customers"), model.as_str())));
    let signers: Vec<&str> = decided[0].signers.iter().map(|one| one.staff.as_str()).collect();
    assert_eq!(signers, [PEOPLE[0].0, PEOPLE[2].0]);
    let lines = &report.models[0].points;
    let set = lines[1].set.as_ref().unwrap();
    assert_eq!((lines.len(), lines[1].number, set.field.as_str(), set.before, set.after), (2, 2, "age", 7, 8));
    assert_eq!(set.signers, decided[1].signers);
    // Number and digest are the journal's; what was signed is the file's.
    assert!(world.parts.remove(&Item::Points(world.model, 1).name()).is_some());
    let bare = made(&world);
    assert_eq!((bare.summary.decisions, bare.models[0].points[0].set.as_ref()), (report.summary.decisions, None));
    assert_eq!(bare.models[0].points[0].change, lines[0].change);
    let duty = bare.duties.iter().find(|duty| duty.number == Some(1)).unwrap();
    assert_eq!((duty.signers.len(), duty.why.as_ref()), (0, None));
}

/// A change of what a report says.
type Lie = fn(&mut ComplianceReport);

#[test]
fn what_a_report_says_and_nothing_beside_the_journal_shows_is_named() {
    let mut world = World::new(Shape { evaluated: true, uploads: true, ..SMALL });
    (0..2).for_each(|_| world.export(|_| ()));
    world.set_points(|_| (), |_| ());
    let (journal, _) = world.journal();
    let report = made(&world, &journal);
    assert!(report.runs[0].sums_verified > 0, "{:?}", report.runs);
    let (model, plan) = (world.model, Digest::from_hex(&report.processing[0].plan).unwrap());
    let [export, points, schema] =
        [Item::Export(2), Item::Points(model, 1), Item::Schema(plan)].map(|item| item.name());
    let cases: [(&str, &[&str], String, Lie); 5] = [
        (
            &export,
            &["exports"],
            format!("format, recipient, days and digest of the export 2, because {export} is not beside the journal"),
            |report| report.exports[1].recipient = "somebody else".into(),
        ),
        (
            &points,
            &["duties", "models"],
            format!("points, reason and signers of the change 1 of {model}, because {points} is not beside"),
            |report| report.models[0].points[0].set.as_mut().unwrap().after = 900,
        ),
        (
            &schema,
            &["models", "processing"],
            format!("fields and highest level of the plan {plan}, because {schema} is not beside"),
            |report| report.processing[0].fields = Some(Vec::new()),
        ),
        ("sums/", &["models"], format!("figures of the model {model}, because sums/"), |report| {
            report.models[0].figures[0].value = "0.999999".into();
        }),
        ("rounds/", &["runs"], "how many sums could be recomputed, of the run".into(), |_| ()),
    ];
    for (gone, parts, words, lie) in cases {
        let left = world.parts.iter().filter(|(name, _)| !name.starts_with(gone));
        let left: BTreeMap<String, Vec<u8>> = left.map(|(name, bytes)| (name.clone(), bytes.clone())).collect();
        assert!(left.len() < world.parts.len(), "{gone}");
        let compared = judged(report.clone(), &journal, &Kept(&left)).unwrap();
        assert_eq!(
            compared.in_part.iter().copied().collect::<BTreeSet<_>>(),
            parts.iter().copied().collect(),
            "{gone}"
        );
        assert_eq!(compared.whole.len() + compared.in_part.len(), 15);
        assert!(compared.to_string().contains(&words), "{compared}");
        // A lie about it cannot be found, and is covered by these words.
        let mut other = report.clone();
        lie(&mut other);
        assert_eq!(judged(other.clone(), &journal, &Kept(&left)), Ok(compared));
        let found = judged(other.clone(), &journal, &Kept(&world.parts));
        assert_eq!(found.is_err(), other != report, "{gone}");
    }
}

/// A file was not there when the report was made, and is there when it is judged.
#[test]
fn what_a_report_leaves_out_is_named_and_no_lie() {
    let mut world = World::new(Shape { evaluated: true, uploads: true, ..SMALL });
    (0..2).for_each(|_| world.export(|_| ()));
    world.set_points(|_| (), |_| ());
    let (journal, _) = world.journal();
    let whole = made(&world, &journal);
    let plan = Digest::from_hex(&whole.processing[0].plan).unwrap();
    let [points, export, schema] =
        [Item::Points(world.model, 1), Item::Export(2), Item::Schema(plan)].map(|item| item.name());
    let all = world.parts.clone();
    let silent = "because the report says nothing of it: the file was not there when the report was made";
    let cases: [(&str, &[&str], Lie); 3] = [
        (&export, &["exports"], |report| report.exports[1].void = true),
        (&points, &["duties", "models"], |report| report.models[0].points[0].change.push('0')),
        (&schema, &["processing"], |report| report.processing[0].purpose.push('0')),
    ];
    for (gone, parts, lie) in cases {
        world.parts.remove(gone);
        // The schemas of the coordinator's plans are its own files, and come with the report's material.
        let mut report = made(&world, &journal);
        if gone == schema {
            (report.processing[0].fields, report.processing[0].level_max) = (None, None);
        }
        world.parts = all.clone();
        assert!(report != whole, "{gone}");
        let compared = judged(report.clone(), &journal, &Kept(&all)).unwrap();
        let (in_part, said): (BTreeSet<_>, _) = (compared.in_part.iter().copied().collect(), compared.to_string());
        assert_eq!((in_part, said.contains(silent)), (parts.iter().copied().collect(), true), "{said}");
        // The rest of the line is compared.
        lie(&mut report);
        assert!(judged(report, &journal, &Kept(&all)).is_err(), "{gone}");
    }
    // Sums that were recomputed, and of which the report says nothing.
    let mut report = whole.clone();
    let run = &mut report.runs[0];
    run.sums_not_verified += std::mem::take(&mut run.sums_verified);
    let compared = judged(report.clone(), &journal, &Kept(&all)).unwrap();
    let said = compared.to_string();
    assert!(compared.in_part == ["runs"] && said.contains("of them can be now: not all uploads were there"), "{said}");
    report.runs[0].sums_not_verified += 1;
    assert!(judged(report, &journal, &Kept(&all)).is_err());
    // A model without figures in the report, and one with figures that no evaluation gave.
    let mut report = whole.clone();
    report.models[0].figures.clear();
    let compared = judged(report, &journal, &Kept(&all)).unwrap();
    assert!(compared.to_string().contains(&format!("figures of the model {}, {silent}", world.model)), "{compared}");
    let mut report = whole;
    report.models[0].figures.pop();
    assert!(judged(report, &journal, &Kept(&all)).unwrap_err().contains("the models"));
}

#[test]
fn a_witness_counts_by_a_checkpoint_beside_the_journal() {
    let mut world = World::new(SMALL);
    let notes = |world: &World, witnesses| vec![note(world, witnesses, COORDINATOR)];
    let (journal, log) = world.journal();
    let report = made(&world, &journal);
    let size = log.size();
    let line = |client, entries| WitnessLine { client, entries };
    let claimed = |lines: Vec<WitnessLine>| {
        let mut report = report.clone();
        report.integrity.witnesses = lines;
        report
    };
    let early = notes(&world, 2);
    // The journal goes on, and other branches have cosigned the whole of it.
    world.set_points(|_| (), |_| ());
    let (longer, _) = world.journal();
    let late = notes(&world, 3);
    for (lines, notes, missing) in [
        (vec![line(1, size), line(2, size)], &early, vec![]),
        (vec![line(1, size), line(2, size)], &late, vec![]),
        (vec![line(1, size), line(4, size)], &late, vec!["4"]),
        (vec![line(1, size + 1)], &late, vec!["1"]),
        (vec![line(1, size)], &Vec::new(), vec!["1"]),
    ] {
        let beside = material(&longer, notes.clone());
        let compared = judged_by(claimed(lines.clone()), &beside).unwrap();
        let not: Vec<&str> = compared
            .not
            .iter()
            .filter(|one| one.part == "integrity")
            .flat_map(|one| &one.of)
            .map(String::as_str)
            .collect();
        assert_eq!(not, missing, "{lines:?}");
        // Without the coordinator's key no cosignature counts.
        let unnamed = judged_by(claimed(lines.clone()), &Material { coordinator: None, ..beside }).unwrap();
        let of = unnamed.not.iter().find(|one| one.part == "integrity").unwrap();
        assert_eq!(of.of.len(), lines.len());
    }
}

/// What no report of this program says, whatever the journal has.
#[test]
fn a_preset_has_its_days_and_a_witness_stands_once() {
    let world = World::new(SMALL);
    let (journal, log) = world.journal();
    let notes = vec![note(&world, 3, COORDINATOR)];
    let asked = Asked { preset: None, period: Period::new(DAY, DAY).unwrap(), scope: Scope::All };
    let beside = Material { kept: &NothingKept, ..material(&journal, notes) };
    let report = compliance(&beside, &asked).unwrap();
    let judged = |change: &dyn Fn(&mut ComplianceReport)| {
        let mut other = report.clone();
        change(&mut other);
        judged_by(other, &beside).map(drop)
    };
    assert_eq!(judged(&|_| ()), Ok(()));
    let lines = report.integrity.witnesses.clone();
    assert_eq!((lines.len(), lines[0].entries), (3, log.size()));
    for lie in [
        vec![lines[0].clone(); 2],
        vec![lines[1].clone(), lines[0].clone()],
        vec![WitnessLine { client: 9, entries: 0 }],
    ] {
        let fault = judged(&|report| report.integrity.witnesses = lie.clone()).unwrap_err();
        assert!(fault.contains("names a branch twice as a witness"), "{fault}");
    }
    for preset in ["yearly", "two-yearly", "leak"] {
        let fault = judged(&|report| report.preset = Some(preset.into()));
        assert!(
            fault.as_ref().is_err_and(|fault| fault.contains("a preset names its own days")),
            "{preset}: {fault:?}"
        );
    }
}

#[test]
fn a_report_follows_from_a_journal_that_goes_on_and_from_no_shorter_one() {
    let mut world = World::new(SMALL);
    let (journal, _) = world.journal();
    let report = made(&world, &journal);
    let last = world.events.last().unwrap().clone();
    world.events.pop();
    let (shorter, _) = world.journal();
    let file = ReportFile::sign(report.clone(), &person_key(COORDINATOR));
    let fault = file.follows_from(&material(&shorter, Vec::new())).unwrap_err();
    assert!(matches!(fault, ReportFault::Shorter(entries) if entries == report.integrity.entries), "{fault}");
    // The same day's later entries change nothing.
    world.events.push(last);
    let roster = Event::Registry(RegistryEvent::RosterAdopted {
        roster: Box::new(super::world::signed_roster(
            super::world::roster(2, world.roster.roster.digest(), 9),
            SMALL.authorities,
        )),
    });
    world.events.push(roster);
    let (longer, _) = world.journal();
    assert!(longer.len() > journal.len());
    let found = file.follows_from(&material(&longer, Vec::new()));
    assert!(found.is_ok(), "{found:?}");
}
