//! A model and a branch's actions, ready for rows: what files of scores and the service have in common.

use tributary_model::features::{EncodedRow, RowForm};
use tributary_model::schema::Schema;
use tributary_model::score::{Reason, Scored, Scorer, probability, reasons};
use tributary_model::scorecard::{Scale, Scorecard};
use tributary_texts::{Language, Said};

use super::actions::{Actions, Stage, owned_actions};
use super::reasons::reasons_of;
use super::turns::{Beside, Turns};
use crate::error::ClientError;
use crate::models::used::UsedModels;
use crate::models::{ChosenModel, choose};
use crate::settings::Settings;

/// The models that score, their schema and a branch's actions.
pub(super) struct Rater {
    pub(super) schema: Schema,
    pub(super) form: RowForm,
    pub(super) actions: Option<Actions>,
    /// What people are told about the challenger, where it does not score.
    pub(super) doubt: Option<Said>,
    /// The model that was named.
    named: Judge,
    /// The challenger that scores a share of the customers beside it.
    challenger: Option<(Turns, Judge)>,
    /// Each field as a reason, and as one without a value.
    fields: Vec<[Said; 2]>,
}

/// One model, ready for rows.
pub(super) struct Judge {
    pub(super) model: ChosenModel,
    pub(super) scorer: Scorer,
    /// Each head's points, where the model is additive.
    cards: Vec<Scorecard>,
}

/// Which of the models scores a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Named,
    Challenger,
}

impl Turn {
    /// Both, by their numbers.
    pub(super) const ALL: [Self; 2] = [Self::Named, Self::Challenger];
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
    /// The model of this name for a branch's settings, with the actions that its owner signed; beside `champion` the challenger, where one has a share.
    ///
    /// # Errors
    /// If the model may not be used here, or the actions are not in force.
    pub(super) fn of(settings: &Settings, schema: Schema, name: &str, now: u64) -> Result<Self, ClientError> {
        let models = UsedModels::read(settings)?;
        let model = choose(&models, (settings, &schema), name, now)?;
        // Whoever names a model by its digest means that one alone.
        let beside = match name {
            "champion" => Beside::of(models, (settings, &schema), &model, now)?,
            _ => Beside::Nobody,
        };
        let named = Judge::of(&schema, model)?;
        let (challenger, doubt) = match beside {
            Beside::Nobody => (None, None),
            Beside::Absent(why) => (None, Some(why)),
            Beside::Challenger(beside) => {
                let (turns, model) = *beside;
                (Some((turns, Judge::of(&schema, model)?)), None)
            }
        };
        let actions = owned_actions(settings, &schema)?;
        let fields = reasons_of(&schema);
        let form = RowForm::of(&schema);
        Ok(Self { schema, form, actions, doubt, named, challenger, fields })
    }

    /// The models, the named one first; each with its share of the customers in parts in 10,000, where it has one.
    pub(super) fn judges(&self) -> impl Iterator<Item = (&Judge, Option<u16>)> {
        let beside = self.challenger.iter().map(|(turns, judge)| (judge, Some(turns.share)));
        std::iter::once((&self.named, None)).chain(beside)
    }

    /// Whose turn a customer is. Nobody's but the named model's where the customer is not known.
    pub(super) fn turn(&self, customer: Option<&str>) -> Turn {
        let known = self.challenger.as_ref().zip(customer);
        match known.is_some_and(|((turns, _), customer)| turns.is_challengers(customer)) {
            true => Turn::Challenger,
            false => Turn::Named,
        }
    }

    /// The model whose turn it is.
    pub(super) fn judge(&self, turn: Turn) -> &Judge {
        match (turn, &self.challenger) {
            (Turn::Challenger, Some((_, judge))) => judge,
            _ => &self.named,
        }
    }

    /// The labels, in their order: those of the schema, whichever model scores.
    pub(super) fn heads(&self) -> &[String] {
        self.named.scorer.heads()
    }

    /// Room for the work.
    pub(super) fn room(&self) -> Room {
        Room { scored: self.named.scorer.room(), slots: vec![0.0; self.form.width()] }
    }

    /// Everything about a row, head by head.
    pub(super) fn rate<'a>(
        &'a self,
        turn: Turn,
        row: EncodedRow<'_>,
        room: &mut Room,
        language: Language,
    ) -> Vec<Rated<'a>> {
        let Room { scored, slots } = room;
        let Judge { scorer, cards, .. } = self.judge(turn);
        scorer.explain(row, scored);
        if !cards.is_empty() {
            self.form.write_slots(row, slots);
        }
        let heads = 0..scorer.heads().len();
        heads
            .map(|head| {
                let score = scored.logits()[head];
                let told = reasons(scored, head).map(|reason| reason.map_or("", |reason| self.told(reason, language)));
                let points = cards.get(head).map(|card| card.points(slots));
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

impl Judge {
    fn of(schema: &Schema, model: ChosenModel) -> Result<Self, ClientError> {
        let scorer = Scorer::new(schema, &model.parameters).map_err(ClientError::file)?;
        // A table of a pair over numbers has no points, and the model then none at all.
        let card = |head: &String| Scorecard::of(&model.parameters, schema, head, Scale::default()).ok();
        let cards = scorer.heads().iter().map(card).collect::<Option<Vec<_>>>().unwrap_or_default();
        Ok(Self { model, scorer, cards })
    }
}
