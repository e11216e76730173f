//! What an enemy does to model cards.

use tributary_evidence::Item;
use tributary_evidence::card::{Card, CardFile};
use tributary_evidence::report::FigureLine;
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::RegistryEvent;

use super::cases::Change;
use super::world::{Event, World};

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
}

#[rustfmt::skip]
pub(super) const CASES: &[(&str, u8, Change)] = &[
    ("a model card that is gone, for whoever is not strict", 0, |world| { let card = world.card(); world.parts.remove(&card); }),
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
    ("a second model card", 1, |world| { let event = world.events.last().unwrap().clone(); world.events.push(event); }),
];
