//! A compliance report against its journal, by somebody who has the coordinator's key and signs every change anew.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tributary_evidence::card::figures;
use tributary_evidence::report::{
    Asked, ComplianceReport, Material, Period, ReportFault, ReportFile, Scope, compliance,
};
use tributary_evidence::{Item, NothingKept, Retained};
use tributary_protocol::registry::RegistryEvent;

use super::incidents::material;
use super::plans;
use super::world::{COORDINATOR, DAY, Event, SMALL, Shape, World, person_key};

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

fn judged(report: ComplianceReport, journal: &[u8], kept: &dyn Retained) -> Result<(), String> {
    let file = ReportFile::sign(report, &person_key(COORDINATOR));
    let file = ReportFile::read(file.to_json().as_bytes()).map_err(|fault| fault.to_string())?;
    file.follows_from(journal, kept).map_err(|fault| fault.to_string())
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
    let (journal, _) = world.journal();
    let (report, kept) = (made(&world, &journal), Kept(&world.parts));
    assert!(!report.models[0].figures.is_empty() && report.processing[0].fields.is_some(), "{report:?}");
    assert_eq!(judged(report.clone(), &journal, &kept), Ok(()));
    // Without what is kept the rest follows still.
    assert_eq!(judged(report.clone(), &journal, &NothingKept), Ok(()));
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
fn a_report_follows_from_a_journal_that_goes_on_and_from_no_shorter_one() {
    let mut world = World::new(SMALL);
    let (journal, _) = world.journal();
    let report = made(&world, &journal);
    let last = world.events.last().unwrap().clone();
    world.events.pop();
    let (shorter, _) = world.journal();
    let file = ReportFile::sign(report.clone(), &person_key(COORDINATOR));
    let fault = file.follows_from(&shorter, &NothingKept).unwrap_err();
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
    assert_eq!(file.follows_from(&longer, &NothingKept).map_err(|fault| fault.to_string()), Ok(()));
}
