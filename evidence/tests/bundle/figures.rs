//! False figures, one at a time: in a model card, and in a report on gates. Whoever tells them signs with the true keys, and every digest fits.

use tributary_evidence::Item;
use tributary_evidence::card::{Card, CardFile, Input, WeakField};
use tributary_evidence::gates::{Measured, figures};
use tributary_evidence::report::FigureLine;
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::{
    Figure, GatesReport, ModelManifest, ModelStatement, ModelStep, RegistryEvent, SignedReport, SignedStatement,
    StatementScope,
};
use tributary_protocol::role::Action;
use tributary_protocol::round::CoordinatorEvent;

use super::code;
use super::plans::schema;
use super::score::Score;
use super::world::{Event, PEOPLE, SMALL, Shape, World, attested, authorities};

/// A run that counts customers by field before it learns, and evaluates its model.
fn world() -> World {
    World::new(Shape { evaluated: true, ..SMALL })
}

type Change = (&'static str, fn(&mut Card));

fn longer(text: &mut String) {
    text.push('x');
}

/// Every field of a card but its figures and the moment in which it was made.
const FIELDS: &[Change] = &[
    ("format", |card| card.format += 1),
    ("model", |card| card.model = Digest([9; 32]).to_string()),
    ("purpose", |card| longer(&mut card.purpose)),
    ("plan", |card| card.plan = Digest([9; 32]).to_string()),
    ("plan's name", |card| longer(&mut card.plan_name)),
    ("run", |card| card.run += 1),
    ("owner", |card| longer(&mut card.owner)),
    ("parent", |card| card.parent = Some(Digest([9; 32]).to_string())),
    ("intended use", |card| longer(&mut card.use_of_it.intended)),
    ("prohibited use", |card| longer(&mut card.use_of_it.prohibited)),
    ("materiality", |card| card.use_of_it.materiality = "high".into()),
    ("limit left out", |card| drop(card.use_of_it.limits.pop())),
    ("limit more", |card| card.use_of_it.limits.push("not-evaluated".into())),
    ("word on fields", |card| card.use_of_it.limits.push("fields-not-compared".into())),
    ("legal basis", |card| longer(&mut card.learnt_from.legal_basis)),
    ("data asset", |card| longer(&mut card.learnt_from.assets[0])),
    ("day of the data", |card| card.learnt_from.as_of = Some("2024-01-01".into())),
    ("first day", |card| card.learnt_from.run_begun = "2000-01-01".into()),
    ("last day", |card| card.learnt_from.run_ended = "2000-01-01".into()),
    ("number of customers", |card| card.learnt_from.customers_nominal += 1),
    ("group", |card| longer(&mut card.learnt_from.group)),
    ("schema", |card| card.learnt_from.schema = Digest([9; 32]).to_string()),
    ("input left out", |card| drop(card.learnt_from.inputs.pop())),
    ("input", |card| longer(&mut card.learnt_from.inputs[0].name)),
    ("class of an input", |card| card.learnt_from.inputs[0].class = "C3".into()),
    ("level of an input", |card| card.learnt_from.inputs[0].level = "L4".into()),
    ("audited field", |card| {
        card.learnt_from.audited.push(Input { name: "age".into(), class: "C1".into(), level: "L1".into() });
    }),
    ("label", |card| longer(&mut card.learnt_from.labels[0])),
    ("privacy mode", |card| card.privacy.mode = "branch".into()),
    ("epsilon", |card| card.privacy.epsilon = Some("0.100000".into())),
    ("epsilon left out", |card| card.privacy.epsilon = None),
    ("delta", |card| card.privacy.delta = Some("1e-9".into())),
    ("privacy statement", |card| card.privacy.statement = Digest([9; 32]).to_string()),
    ("number of rounds", |card| card.privacy.rounds += 1),
    ("completeness", |card| card.privacy.complete = false),
    ("day of review", |card| card.review.by = "2099-12-31".into()),
    ("cause of a review", |card| drop(card.review.when.pop())),
    ("importance", |card| card.fields.importance = "no-counts".into()),
    ("weak field more", |card| {
        let known = card.fields.below_noise.iter().map(|weak| weak.field.clone()).collect::<Vec<_>>();
        let other = ["age", "region", "none"].into_iter().find(|name| !known.iter().any(|known| known == name));
        card.fields.below_noise.push(WeakField { label: "churn".into(), field: other.unwrap().into() });
    }),
    ("weak field of another label", |card| card.fields.below_noise[0].label = "deposit".into()),
    ("list of weak fields", |card| card.fields.below_noise.clear()),
];

/// A part of something, and what makes it false.
type False<T> = (&'static str, fn(&mut T));

/// What can be false in one figure.
const PARTS: &[False<FigureLine>] = &[
    ("label", |line| longer(&mut line.label)),
    ("name", |line| longer(&mut line.figure)),
    ("group", |line| line.group = Some("a".into())),
    ("value", |line| line.value = another(&line.value)),
    ("lower end", |line| line.low = another(&line.low)),
    ("upper end", |line| line.high = another(&line.high)),
];

/// The next number of as many decimals.
fn another(number: &str) -> String {
    format!("{:.4}", number.parse::<f64>().unwrap() + 0.0001)
}

#[test]
fn every_field_and_figure_of_a_card_follows_from_the_journal_and_its_sums() {
    let (whole, mut score) = (world(), Score::default());
    let (found, words) = code(&whole.bundle(), true);
    assert_eq!(found, 0, "{words}");
    let card = CardFile::read(&whole.parts[&whole.card()]).unwrap().paper;
    assert!(card.figures.len() >= 8, "{:?}", card.figures);
    let weak = card.fields.below_noise.len();
    assert!(card.fields.importance == "measured" && weak == 1, "one of two fields is weak: {:?}", card.fields);
    let mut judge = |what: String, change: &dyn Fn(&mut Card)| {
        let mut world = whole.clone();
        world.recard(|own| change(own));
        score.expect(&what, 1, &world.bundle());
    };
    for (field, change) in FIELDS {
        judge(format!("a card with another {field}"), change);
    }
    for (place, line) in card.figures.iter().enumerate() {
        for (part, change) in PARTS {
            judge(format!("a card with another {part} of {}", line.figure), &|card| change(&mut card.figures[place]));
        }
        judge(format!("a card without {}", line.figure), &|card| drop(card.figures.remove(place)));
    }
    judge("a card with a figure twice".into(), &|card| card.figures.push(card.figures[0].clone()));
    score.close(41 + 8 * 7);
}

/// The list rests on the sum of the count and on that of the evaluation, and is judged where both are here.
#[test]
fn weak_fields_are_not_verified_without_their_sums() {
    let whole = world();
    let mut world = whole.clone();
    world.recard(|card| card.fields.below_noise.clear());
    assert_eq!(code(&world.bundle(), false).0, 1);
    // The first round counts customers by field, and its uploads and its sum are gone.
    let counted = whole.events.iter().find_map(|event| match event {
        Event::Run(CoordinatorEvent::RoundCommitted { round, sum, .. }) => Some((*round, *sum)),
        _ => None,
    });
    let (round, sum) = counted.unwrap();
    for mut world in [whole.clone(), world] {
        for item in [Item::Round(world.run.id(), round), Item::Sum(sum)] {
            world.parts.remove(&item.name()).unwrap();
        }
        let (found, words) = code(&world.bundle(), false);
        assert!(
            found == 2 && words.contains("the fields below the noise of a model card were not found again"),
            "{words}"
        );
    }
}

impl World {
    /// The model that was registered.
    pub(crate) fn manifest(&self) -> ModelManifest {
        let of = |event: &Event| match event {
            Event::Registry(RegistryEvent::ModelRegistered { manifest }) => Some(manifest.as_ref().clone()),
            _ => None,
        };
        self.events.iter().find_map(of).unwrap()
    }

    /// What the evaluation of a model came to; nothing where its run has none.
    pub(crate) fn measured(&self, manifest: &ModelManifest) -> Option<Measured> {
        let events = self.events.iter().filter_map(|event| match event {
            Event::Run(event) => Some(event),
            Event::Registry(_) => None,
        });
        let sum = |digest: &Digest| self.parts.get(&Item::Sum(*digest).name()).cloned();
        Measured::of(events, &schema(self.shape), &manifest.parameters, sum)
    }

    /// The model becomes champion, by a report on its gates that a validator signs.
    fn promote(&mut self, change: impl FnOnce(&mut GatesReport)) {
        let (manifest, plan) = (self.manifest(), self.run.plan());
        let federation = authorities(self.shape.authorities).digest();
        let measured = self.measured(&manifest).unwrap();
        let card = self.events.iter().find_map(|event| match event {
            Event::Registry(RegistryEvent::CardWritten { card, .. }) => Some(*card),
            _ => None,
        });
        let mut report = GatesReport {
            federation,
            model: self.model,
            terms: plan.terms_digest(),
            gates: plan.gates.clone(),
            statement: manifest.lineage.statement,
            card: card.unwrap(),
            champion: None,
            figures: figures(&plan.gates, Some(&measured), None),
            made: 0,
            findings: "sound".into(),
            conditions: Vec::new(),
            valid_until: 86_400,
        };
        change(&mut report);
        let validated = attested(PEOPLE[2], Action::ValidateModel, report.digest(), federation, 0);
        let statement = ModelStatement {
            federation,
            step: ModelStep::Promote,
            model: self.model,
            purpose: manifest.lineage.purpose.clone(),
            sequence: 1,
            scope: StatementScope::All,
            evidence: report.digest(),
            reason: "the gates hold".into(),
        };
        let [first, second] =
            [PEOPLE[0], PEOPLE[2]].map(|who| attested(who, statement.step.action(), statement.digest(), federation, 0));
        let report = Some(Box::new(SignedReport { report, signed: validated }));
        let statement = Box::new(SignedStatement { statement, first, second, report });
        self.events.push(Event::Registry(RegistryEvent::StatementTaken { statement }));
    }
}

/// Every false figure passes its gate, as the true one does: that it does not follow is all that gives it away.
#[test]
fn every_figure_of_a_report_on_gates_follows_from_the_sum_of_the_evaluation() {
    let (whole, mut score) = (world(), Score::default());
    let mut promoted = whole.clone();
    promoted.promote(|_| ());
    let (found, words) = code(&promoted.bundle(), true);
    assert!(found == 0 && words.contains("reports whose figures were computed again: 1 of 1"), "{words}");
    let gates = whole.run.plan().gates.limits.len();
    assert_eq!(gates, 2);
    let parts: [False<Figure>; 4] = [
        ("value", |figure| change(figure, |[value, ..]| *value += 1)),
        ("lower end", |figure| change(figure, |[_, low, _]| *low -= 1)),
        ("higher lower end", |figure| change(figure, |[_, low, _]| *low += 1)),
        ("upper end", |figure| change(figure, |[.., high]| *high += 1)),
    ];
    for gate in 0..gates {
        for (part, change) in parts {
            let mut world = whole.clone();
            world.promote(|report| change(&mut report.figures[gate]));
            score.expect(&format!("a report with another {part} of gate {gate}"), 1, &world.bundle());
        }
    }
    score.close(8);
}

fn change(figure: &mut Figure, change: impl FnOnce([&mut u32; 3])) {
    let Figure::Measured { value, low, high } = figure else { panic!("a figure") };
    change([value, low, high]);
}
