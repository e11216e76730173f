//! A model and a branch's actions, ready for rows: what files of scores and the service have in common.

use tributary_model::features::{EncodedRow, RowForm};
use tributary_model::schema::Schema;
use tributary_model::score::{Reason, Scored, Scorer, probability, reasons};
use tributary_model::scorecard::{Scale, Scorecard};
use tributary_texts::{Language, Said, score as words};

use super::actions::{Actions, Stage, owned_actions};
use crate::error::ClientError;
use crate::models::{ChosenModel, choose};
use crate::settings::Settings;

/// A model, its schema and a branch's actions.
pub(super) struct Rater {
    pub(super) schema: Schema,
    pub(super) model: ChosenModel,
    pub(super) scorer: Scorer,
    pub(super) form: RowForm,
    pub(super) actions: Option<Actions>,
    /// Each field as a reason, and as one without a value.
    fields: Vec<[Said; 2]>,
    /// Each head's points, where the model is additive.
    cards: Vec<Scorecard>,
}

/// Room for the work on one row after the other.
pub(super) struct Room {
    scored: Scored,
    slots: Vec<f32>,
}

/// What is said of one head.
pub(super) struct Rated<'a> {
    pub(super) score: f64,
    pub(super) probability: f64,
    pub(super) points: Option<i64>,
    /// Nothing where there are fewer.
    pub(super) reasons: [&'a str; 3],
}

impl Rater {
    /// The model of this name for a branch's settings, with the actions that its owner signed.
    ///
    /// # Errors
    /// If the model may not be used here, or the actions are not in force.
    pub(super) fn of(settings: &Settings, schema: Schema, name: &str, now: u64) -> Result<Self, ClientError> {
        let model = choose(settings, &schema, name, now)?;
        let scorer = Scorer::new(&schema, &model.parameters).map_err(ClientError::file)?;
        let actions = owned_actions(settings, &schema)?;
        let said = |field: usize| {
            let reason = Reason { field, contribution: 1.0, is_missing: false };
            let plain = Said::verbatim(reason.in_chinese(&schema)).with_english(reason.in_english(&schema));
            [plain.clone(), words::without_value(plain)]
        };
        let fields = (0..schema.fields().len()).map(said).collect();
        let form = RowForm::of(&schema);
        // A table of a pair over numbers has no points, and the model then none at all.
        let card = |head: &String| Scorecard::of(&model.parameters, &schema, head, Scale::default()).ok();
        let cards = scorer.heads().iter().map(card).collect::<Option<Vec<_>>>().unwrap_or_default();
        Ok(Self { model, scorer, form, actions, fields, cards, schema })
    }

    /// Room for the work.
    pub(super) fn room(&self) -> Room {
        Room { scored: self.scorer.room(), slots: vec![0.0; self.form.width()] }
    }

    /// Everything about a row, head by head.
    pub(super) fn rate<'a>(&'a self, row: EncodedRow<'_>, room: &mut Room, language: Language) -> Vec<Rated<'a>> {
        let Room { scored, slots } = room;
        self.scorer.explain(row, scored);
        if !self.cards.is_empty() {
            self.form.write_slots(row, slots);
        }
        let heads = 0..self.scorer.heads().len();
        heads
            .map(|head| {
                let score = scored.logits()[head];
                let told = reasons(scored, head).map(|reason| reason.map_or("", |reason| self.told(reason, language)));
                let points = self.cards.get(head).map(|card| card.points(slots));
                Rated { score, probability: probability(score), points, reasons: told }
            })
            .collect()
    }

    fn told(&self, reason: Reason, language: Language) -> &str {
        let field = self.fields.get(reason.field);
        field.map_or("", |said| said[usize::from(reason.is_missing)].text(language))
    }

    /// A stage by its number.
    pub(super) fn stage(&self, number: Option<usize>) -> Option<&Stage> {
        self.actions.as_ref()?.stage(number?)
    }
}
