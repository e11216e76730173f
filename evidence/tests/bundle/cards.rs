//! What an enemy does to model cards, and a model validator in reports of attacks.

use tributary_evidence::Item;
use tributary_evidence::attacks::{Attacks, AttacksFile};
use tributary_evidence::card::{Card, CardFile};
use tributary_evidence::report::FigureLine;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::ModelRef;
use tributary_protocol::registry::RegistryEvent;
use tributary_protocol::role::Action;
use tributary_protocol::round::CoordinatorEvent;

use attack_findings::findings;

use super::cases::Change;
use super::code;
use super::world::{AT, Event, PEOPLE, SMALL, Shape, World, approvals, attested, authorities};

#[path = "../../../tests/attack_findings.rs"]
mod attack_findings;

impl World {
    /// The card, by the name of its part.
    pub(crate) fn card(&self) -> String {
        let of = |event: &Event| match event {
            Event::Registry(RegistryEvent::CardWritten { card, .. }) => Some(Item::Card(*card).name()),
            _ => None,
        };
        self.events.iter().find_map(of).unwrap()
    }

    /// The coordinator writes and signs another card, which the journal names.
    pub(crate) fn recard(&mut self, change: impl FnOnce(&mut Card)) {
        let mut card = CardFile::read(&self.parts.remove(&self.card()).unwrap()).unwrap().paper;
        change(&mut card);
        self.events.retain(|event| !matches!(event, Event::Registry(RegistryEvent::CardWritten { .. })));
        self.write(card);
    }

    /// Another run begins from the model that the first one has released: of a plan that names it by its digest, or of the same plan.
    fn goes_on(&mut self) {
        let (mut plan, same) = (self.run.plan().plan().clone(), self.shape.runs > 1);
        let released = self.events.iter().find_map(|event| match event {
            Event::Run(CoordinatorEvent::RunFinished { model, .. }) => Some(*model),
            _ => None,
        });
        let model = released.unwrap();
        if !same {
            plan.initial_model = ModelRef::Digest(model);
        }
        let digest = plan.clone().validate().unwrap().digest();
        let approvals = Box::new(approvals(&digest, authorities(self.shape.authorities).digest()));
        let number = if same { 2 } else { 1 };
        let opened = CoordinatorEvent::RunOpened { plan: Box::new(plan), approvals, number, model, begun: AT };
        self.events.push(Event::Run(opened));
    }

    /// A model validator signs a report of attacks, and the coordinator takes it.
    fn attacked(&mut self, change: impl FnOnce(&mut Attacks)) {
        let findings = findings(self.model, self.run.reference(), self.run.plan(), change);
        let federation = authorities(self.shape.authorities).digest();
        let report = findings.report(federation).unwrap();
        let signed = attested(PEOPLE[2], Action::ReportAttacks, report.digest(), federation, 0);
        let file = AttacksFile::new(findings).with(&signed);
        self.parts.insert(Item::Attacks(report.findings).name(), file.to_json().into_bytes());
        let report = Box::new(file.signed().unwrap());
        self.events.push(Event::Registry(RegistryEvent::AttacksReported { report }));
    }
}

/// Makes a figure that a report has as a text larger.
fn raise(figure: &mut String, by: f64) {
    *figure = format!("{:.6}", figure.parse::<f64>().unwrap() + by);
}

#[rustfmt::skip]
pub(super) const CASES: &[(&str, u8, Change)] = &[
    ("a model card that is gone", 2, |world| { let card = world.card(); world.parts.remove(&card); }),
    ("a model card that was changed", 1, |world| { let card = world.card(); world.parts.get_mut(&card).unwrap()[40] ^= 1; }),
    ("a model card that is no card", 1, |world| {
        let bytes = b"{}".to_vec();
        let card = Digest::of(&bytes);
        world.parts.insert(Item::Card(card).name(), bytes);
        let old = world.card();
        world.parts.remove(&old);
        for event in &mut world.events {
            if let Event::Registry(RegistryEvent::CardWritten { card: named, .. }) = event { *named = card; }
        }
    }),
    ("a model card of another model", 1, |world| world.recard(|card| card.model = Digest([9; 32]).to_string())),
    ("a model card with a smaller epsilon", 1, |world| world.recard(|card| card.privacy.epsilon = Some("0.100000".into()))),
    ("a model card with another use", 1, |world| world.recard(|card| card.use_of_it.prohibited = "nothing".into())),
    ("a model card that leaves a limit out", 1, |world| world.recard(|card| card.use_of_it.limits.clear())),
    ("a model card with figures that nobody measured", 1, |world| world.recard(|card| card.figures.push(FigureLine {
        label: "churn".into(), figure: "auc".into(), group: None, value: "0.9000".into(), low: "0.8900".into(), high: "0.9100".into(),
    }))),
    ("a model card that promises another review", 1, |world| world.recard(|card| card.review.by = "2099-12-31".into())),
    ("a model card with another day", 1, |world| world.recard(|card| card.learnt_from.run_ended = "2000-01-01".into())),
    ("a report of attacks", 0, |world| world.attacked(|_| ())),
    ("a report of attacks that is gone, with its alarm", 2, |world| {
        alarmed(world);
        world.parts.retain(|name, _| !name.starts_with("attacks/"));
    }),
    ("a report of attacks that raises the alarm", 0, |world| world.attacked(|found| raise(&mut found.canary.as_mut().unwrap().epsilon_low, 1e6))),
    ("a report of attacks from a machine with another last digit", 0, |world| world.attacked(|found| raise(found.claimed.as_mut().unwrap(), 1e-6))),
    // A person's false word is missing evidence, and does not break the journal for ever.
    ("a report of attacks with a larger claim", 2, |world| world.attacked(|found| raise(found.claimed.as_mut().unwrap(), 1.0))),
    ("a report of attacks with a claim that is no number", 2, |world| world.attacked(|found| found.claimed = Some("NaN".into()))),
    ("a report of attacks without a claim", 2, |world| world.attacked(|found| found.claimed = None)),
    ("a report of attacks of another run", 2, |world| world.attacked(|found| found.run = 2)),
    ("a report of attacks of another plan", 2, |world| world.attacked(|found| found.plan = Digest([9; 32]).to_string())),
    ("a report of attacks whose plan is no digest", 1, |world| world.attacked(|found| found.plan = "\u{20ac}".repeat(30))),
    ("a report of attacks that was exchanged", 1, |world| {
        world.attacked(|_| ());
        let name = world.parts.keys().find(|name| name.starts_with("attacks/")).unwrap().clone();
        world.attacked(|found| found.made_at = 1);
        let other = world.parts.keys().find(|other| other.starts_with("attacks/") && **other != name).unwrap().clone();
        let bytes = world.parts[&other].clone();
        world.parts.insert(name, bytes);
    }),
    ("a second model card", 1, |world| { let event = world.events.last().unwrap().clone(); world.events.push(event); }),
];

pub(super) fn alarmed(world: &mut World) {
    world.attacked(|found| raise(&mut found.canary.as_mut().unwrap().epsilon_low, 1e6));
}

/// The order of the entries says it: after the alarm no coordinator that keeps its own rules opens such a run.
#[test]
fn no_run_begins_from_a_model_after_its_alarm() {
    let runs = |runs| World::new(Shape { runs, ..SMALL });
    for whole in [runs(1), runs(2)] {
        let found = |changes: &[fn(&mut World)]| {
            let mut world = whole.clone();
            changes.iter().for_each(|change| change(&mut world));
            code(&world.bundle(), false)
        };
        for sound in [
            &[World::goes_on as fn(&mut World)][..],
            &[World::goes_on, alarmed],
            &[|world| world.attacked(|_| ()), World::goes_on],
        ] {
            let (code, words) = found(sound);
            assert_eq!(code, 0, "{words}");
        }
        let (code, words) = found(&[alarmed, World::goes_on]);
        assert!(code == 1 && words.contains("no run begins from it after that report"), "{words}");
    }
    // Of a model that is registered nowhere, no run begins either.
    let mut world = runs(1);
    world.goes_on();
    if let Some(Event::Run(CoordinatorEvent::RunOpened { plan, model, .. })) = world.events.last_mut() {
        (plan.initial_model, *model) = (ModelRef::Digest(Digest([9; 32])), Digest([9; 32]));
    }
    let (code, words) = code(&world.bundle(), false);
    assert!(code == 1 && words.contains("the registry had none"), "{words}");
}
