//! From a TOML file to [`Actions`].

use std::path::Path;

use tributary_model::schema::{Field, Schema};
use tributary_protocol::digest::Digest;
use tributary_protocol::printable::is_one_line;
use tributary_protocol::roster::MemberName;
use tributary_settings::{Document, Faults};
use tributary_texts::Said;

use super::{Actions, Condition, Rule, Stage};
use crate::data::Wanted;
use crate::error::ClientError;

/// Most stages of one file.
pub(super) const STAGES_MAX: usize = 64;
/// Most conditions of one stage.
const CONDITIONS_MAX: usize = 16;
/// Longest name or code, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// Longest action or notice, in bytes.
const WORDS_BYTES_MAX: usize = 512;

const NAME: &str = "a text of 1 to 64 bytes on one line, without blanks around it";
const WORDS: &str = "a text of 1 to 512 bytes on one line, without blanks around it";

impl Actions {
    /// Actions of this text, which was read from this file. Whether it is signed is another question.
    ///
    /// # Errors
    /// Every fault at once; also if it is for another schema, or its rules contradict each other.
    pub fn parse(path: &Path, text: &str, schema: &Schema) -> Result<Self, ClientError> {
        Ok(read(Document::parse(path, text)?, schema)?)
    }
}

fn read(mut file: Document, schema: &Schema) -> Result<Actions, Faults> {
    let own = schema.digest();
    let branch = match file.has("actions.branch") {
        true => {
            let allowed = "the branch's name in the roster, such as north-bank/branch-01";
            file.text("actions.branch", allowed, None, |text| MemberName::parse(text).ok())
        }
        false => None,
    };
    let pinned = file.text("actions.schema", "the digest of a schema, 64 hexadecimal digits", None, Digest::from_hex);
    if let Some(pinned) = pinned.filter(|pinned| *pinned != own) {
        let allowed =
            format!("{own}, the schema of this branch; have the owner read the actions for it, and sign them");
        file.fault("actions.schema", pinned.to_string(), allowed);
    }
    let prefixes = file.tables("stages", STAGES_MAX).unwrap_or_default();
    if prefixes.is_empty() {
        file.fault("stages", "nothing", "one [[stages]] at least");
    }
    let mut wanted = Vec::new();
    let mut stages: Vec<Stage> = Vec::new();
    for (number, prefix) in prefixes.iter().enumerate() {
        let Some(stage) = stage(&mut file, prefix, schema, &mut wanted) else { continue };
        if stages.iter().any(|other| other.name == stage.name) {
            file.fault(&format!("{prefix}.name"), format!("{:?} again", stage.name), "each stage once");
        }
        // Everybody who comes so far fits such a stage.
        if stage.conditions.is_empty() && number + 1 < prefixes.len() {
            file.fault(
                &format!("{prefix}.when"),
                "nothing, so that the stages after it are never reached",
                "conditions; or this stage as the last one",
            );
        }
        if let Some(other) =
            stages.iter().find(|other| !other.conditions.is_empty() && other.conditions == stage.conditions)
        {
            let found = format!("the conditions of the stage {:?}, which comes before it", other.name);
            file.fault(&format!("{prefix}.when"), found, "other conditions: this stage is never reached");
        }
        stages.push(stage);
    }
    file.finish()?;
    Ok(Actions { branch, schema: own, stages, wanted })
}

fn stage(file: &mut Document, prefix: &str, schema: &Schema, wanted: &mut Vec<Wanted>) -> Option<Stage> {
    let of = |name: &str| format!("{prefix}.{name}");
    let name = file.text(&of("name"), NAME, None, |text| line(text, NAME_BYTES_MAX));
    let [action_zh, action_en, notice_zh, notice_en] = ["action_zh", "action_en", "notice_zh", "notice_en"]
        .map(|key| file.text(&of(key), WORDS, None, |text| line(text, WORDS_BYTES_MAX)));
    let whens = file.tables(&of("when"), CONDITIONS_MAX).unwrap_or_default();
    let conditions: Vec<Option<Condition>> = whens.iter().map(|when| condition(file, when, schema, wanted)).collect();
    let both = |zh: String, en: String| Said::verbatim(zh).with_english(en);
    Some(Stage {
        name: name?,
        conditions: conditions.into_iter().collect::<Option<Vec<_>>>()?,
        action: both(action_zh?, action_en?),
        notice: both(notice_zh?, notice_en?),
    })
}

fn condition(file: &mut Document, prefix: &str, schema: &Schema, wanted: &mut Vec<Wanted>) -> Option<Condition> {
    let of = |name: &str| format!("{prefix}.{name}");
    let (subject, field) = subject(file, prefix, schema)?;
    let [from_key, below_key, is_key, missing_key] = ["from", "below", "is", "missing"].map(of);
    let numbers = file.has(&from_key) || file.has(&below_key);
    let kinds = [numbers, file.has(&is_key), file.has(&missing_key)];
    if kinds.iter().filter(|kind| **kind).count() != 1 {
        for key in [&from_key, &below_key] {
            let _known = file.has(key).then(|| file.number(key, "a number", None, |_| true));
        }
        let _known = file.has(&is_key).then(|| file.texts(&is_key, NAME, |text| line(text, NAME_BYTES_MAX)));
        let _known = file.has(&missing_key).then(|| file.boolean(&missing_key, false));
        file.fault(
            prefix,
            "no rule, or several that exclude each other",
            "one of: from and below (or one of both), is, missing",
        );
        return None;
    }
    let rule = if numbers {
        let mut number = |key: &str| match file.has(key) {
            true => file.number(key, "a number", None, |_| true).map(Some),
            false => Some(None),
        };
        let (from, below) = (number(&from_key)?, number(&below_key)?);
        if let (Some(from), Some(below)) = (from, below)
            && from >= below
        {
            file.fault(&below_key, format!("{below}, with from = {from}"), "a number above from: no value fits both");
            return None;
        }
        Rule::Number(from, below)
    } else if file.has(&is_key) {
        Rule::Is(file.texts(&is_key, &format!("a list of texts, each {NAME}"), |text| line(text, NAME_BYTES_MAX))?)
    } else {
        Rule::Missing(file.boolean(&missing_key, false)?)
    };
    let place = wanted.iter().position(|known| *known == subject).unwrap_or_else(|| {
        wanted.push(subject);
        wanted.len() - 1
    });
    let missing_codes = field.map_or(Vec::new(), |field| field.missing_codes.clone());
    Some(Condition { subject: place, missing_codes, rule })
}

/// What a condition looks at: a field of the schema, or a column of the branch's own table.
fn subject<'a>(file: &mut Document, prefix: &str, schema: &'a Schema) -> Option<(Wanted, Option<&'a Field>)> {
    let [field, column] = ["field", "column"].map(|name| format!("{prefix}.{name}"));
    match (file.has(&field), file.has(&column)) {
        (true, false) => {
            let named = |text: &str| schema.fields().iter().find(|field| field.name == text);
            let found = file.text(&field, "the name of a field of the schema that is an input", None, named)?;
            Some((Wanted::Schema(found.column.clone()), Some(found)))
        }
        (false, true) => {
            let found = file.text(&column, NAME, None, |text| line(text, 2 * NAME_BYTES_MAX))?;
            // Whoever scores by a label would act on what is to be predicted.
            if schema.labels().iter().any(|label| label.column == found) {
                let allowed =
                    "another column: a label is what is to be predicted, and is not read where customers are scored";
                file.fault(&column, format!("{found:?}, which a label reads"), allowed);
                return None;
            }
            Some((Wanted::Table(found), None))
        }
        _ => {
            let _known = [&field, &column].map(|key| file.has(key).then(|| file.string(key)));
            file.fault(prefix, "no value to look at, or two", "one of: field, column");
            None
        }
    }
}

fn line(text: &str, most: usize) -> Option<String> {
    let fits = !text.is_empty() && text.len() <= most && text.trim() == text && is_one_line(text);
    fits.then(|| text.to_owned())
}
