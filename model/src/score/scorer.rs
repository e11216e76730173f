//! From an encoded row to logits and contributions.

use super::additive::Additive;
use super::fault::ScoreFault;
use super::perceptron::Perceptron;
use super::places::{Active, FieldPlace};
use crate::features::{EncodedRow, RowForm};
use crate::parameters::Parameters;
use crate::schema::Schema;

/// A model, ready for the rows of one schema. It holds no row.
pub struct Scorer {
    heads: Vec<String>,
    form: RowForm,
    places: Vec<FieldPlace>,
    kind: Kind,
}

enum Kind {
    Additive(Additive),
    Perceptron(Perceptron),
}

/// What is said of one row, and room for the work. Made once and used for one row after the other, without taking memory for each.
pub struct Scored {
    fields: Vec<Active>,
    missing: Vec<bool>,
    logits: Vec<f64>,
    contributions: Vec<f64>,
}

impl Scored {
    /// The logit of each head.
    #[must_use]
    pub fn logits(&self) -> &[f64] {
        &self.logits
    }

    /// What each field adds to the baseline's logit of one head, in the schema's order; after [`Scorer::explain`].
    pub fn contributions(&self, head: usize) -> impl Iterator<Item = f64> {
        self.contributions.iter().skip(head).step_by(self.logits.len().max(1)).copied()
    }

    /// Whether each field's value is a missing one.
    #[must_use]
    pub fn missing(&self) -> &[bool] {
        &self.missing
    }
}

impl Scorer {
    /// A model over a schema's rows.
    ///
    /// # Errors
    /// [`ScoreFault`], where the two do not fit each other.
    pub fn new(schema: &Schema, parameters: &Parameters) -> Result<Self, ScoreFault> {
        let architecture = parameters.architecture();
        let (expected, found) = (architecture.inputs() as usize, schema.width());
        if expected != found {
            return Err(ScoreFault::Inputs { expected, found });
        }
        let heads = architecture.heads().to_vec();
        if !heads.iter().eq(schema.labels().iter().map(|label| &label.name)) {
            return Err(ScoreFault::Heads);
        }
        let places = FieldPlace::all(schema);
        let kind = if architecture.hidden().is_empty() {
            Kind::Additive(Additive::new(schema, &places, parameters)?)
        } else {
            Kind::Perceptron(Perceptron::new(&places, parameters)?)
        };
        Ok(Self { heads, form: RowForm::of(schema), places, kind })
    }

    /// The heads, in the schema's order of labels.
    #[must_use]
    pub fn heads(&self) -> &[String] {
        &self.heads
    }

    /// Whether the model is additive: its contributions are exact, and it has points.
    #[must_use]
    pub fn is_additive(&self) -> bool {
        matches!(self.kind, Kind::Additive(_))
    }

    /// The baseline's logit of each head.
    #[must_use]
    pub fn base(&self) -> &[f64] {
        match &self.kind {
            Kind::Additive(model) => model.base(),
            Kind::Perceptron(model) => model.base(),
        }
    }

    /// Room for the work.
    #[must_use]
    pub fn room(&self) -> Scored {
        let (fields, heads) = (self.places.len(), self.heads.len());
        Scored {
            fields: vec![Active::default(); fields],
            missing: vec![false; fields],
            logits: vec![0.0; heads],
            contributions: vec![0.0; fields * heads],
        }
    }

    /// The logits of a row. Total: bytes that no row has get logits too.
    pub fn score(&self, row: EncodedRow<'_>, scored: &mut Scored) {
        self.read(row, scored);
        match &self.kind {
            Kind::Additive(model) => model.logits(&scored.fields, &mut scored.logits),
            Kind::Perceptron(model) => model.logits(&scored.fields, &mut scored.logits),
        }
    }

    /// The same, and what each field has to do with them.
    pub fn explain(&self, row: EncodedRow<'_>, scored: &mut Scored) {
        self.score(row, scored);
        match &self.kind {
            Kind::Additive(model) => model.contributions(&scored.fields, &mut scored.contributions),
            Kind::Perceptron(model) => {
                model.contributions(&self.places, &scored.fields, &mut scored.contributions);
            }
        }
    }

    fn read(&self, row: EncodedRow<'_>, scored: &mut Scored) {
        let fields = self.places.iter().zip(self.form.values(row));
        for ((place, value), (active, missing)) in fields.zip(scored.fields.iter_mut().zip(&mut scored.missing)) {
            *active = place.active(value);
            *missing = place.is_missing(value);
        }
    }
}
