//! What an approver must know and ask about the data that a plan learns from, by its schema.

use tributary_model::schema::{Field, Level, Schema};
use tributary_protocol::plan::Plan;

/// What is to be said; each fault and each question with the key that answers it.
pub(super) struct OfData {
    /// What makes the plan one that cannot run.
    pub(super) faults: Vec<(&'static str, String)>,
    /// What an approver should ask.
    pub(super) asked: Vec<(&'static str, String)>,
    /// Which data it learns from.
    pub(super) answer: String,
}

/// Judges a plan's data.
pub(super) fn of_data(plan: &Plan, schema: Option<&Schema>) -> OfData {
    let Some(schema) = schema else {
        let text =
            "nobody gave the schema here (--schema), so that its fields, levels, uses and reasons are not judged";
        let answer = "the schema was not given (--schema), and nobody here has seen it".into();
        return OfData { faults: Vec::new(), asked: vec![("plan.schema", text.into())], answer };
    };
    if schema.digest() != plan.schema {
        let text = format!(
            "the schema that was given has the digest {}, and the plan was made for {}; judge the plan by its own schema",
            schema.digest(),
            plan.schema
        );
        let answer = "another schema was given than the plan's".into();
        return OfData { faults: vec![("plan.schema", text)], asked: Vec::new(), answer };
    }
    let faults = schema.handled_by(plan).map_err(|fault| (fault.key(), fault.to_string())).err();
    OfData { faults: faults.into_iter().collect(), asked: asked(schema), answer: answer(schema) }
}

fn asked(schema: &Schema) -> Vec<(&'static str, String)> {
    let mut asked = Vec::new();
    let unexplained = names(schema.unexplained());
    if !unexplained.is_empty() {
        let text = format!(
            "personal data without a reason: {unexplained}; ask why the model needs them, and have the schema say it (necessity)"
        );
        asked.push(("schema.necessity", text));
    }
    for field in schema.inputs_of(Level::L4) {
        let why = field.necessity.as_deref().unwrap_or_default();
        let text = format!(
            "{} is of {}, and is learned from because \"{why}\"; ask whether the model does without it. Each branch's owner must grant every field by name",
            field.name, field.level
        );
        asked.push(("schema.level", text));
    }
    asked
}

fn answer(schema: &Schema) -> String {
    let of = |level| (schema.inputs_of(level).count(), level);
    let levels: Vec<String> = Level::ALL
        .into_iter()
        .map(of)
        .filter(|(count, _)| *count > 0)
        .map(|(count, level)| format!("{count} of {level}"))
        .collect();
    let needed = schema.necessity().map_or(String::new(), |text| format!("; needed: \"{text}\""));
    let audits = match schema.audits() {
        [] => "no audit column".to_owned(),
        audits => format!("for audits alone, and never learned from: {}", names(audits.iter())),
    };
    format!(
        "{} inputs: {}{needed}; {audits}; the highest level of all is {}",
        schema.fields().len(),
        levels.join(", "),
        schema.level_max()
    )
}

fn names<'a>(fields: impl Iterator<Item = &'a Field>) -> String {
    fields.map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ")
}
