//! Why a score is what it is, in words for the customer: in both languages, whichever one the scores were made in.

use std::path::Path;

use tributary_model::schema::{Label, Schema};
use tributary_protocol::printable::Printable;
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_texts::{Language, Said, customer as words};

use super::find::{id_of, lines_of};
use super::reply::{Answer, dated};
use crate::contact::pseudonym::Pseudonym;
use crate::contact::scores::{read_note, read_scores};
use crate::contact::store::Store;
use crate::data::read_schema;
use crate::error::ClientError;
use crate::identity::own_signing_key;
use crate::score::reasons_of;
use crate::settings::Settings;

/// What is explained: of one label.
struct Scored {
    purpose: String,
    label: String,
    made: String,
    decile: String,
    points: String,
    reasons: Vec<String>,
}

/// Explains the scores of a customer: of a scores file, or of the newest list in which the customer is.
///
/// # Errors
/// If settings, register or scores file cannot be used, or the customer is in neither.
pub fn explain(config: &Path, id: &str, scores: Option<&Path>, now: u64) -> Result<Answer, ClientError> {
    let settings = Settings::load(config)?;
    let id = id_of(id)?;
    let store = Store::open(&settings, now)?;
    let scored = match scores {
        Some(file) => of_file((file, &own_signing_key(&settings.identity.folder)?.verifying_key()), id)?,
        None => of_list(&store, id)?,
    };
    if scored.is_empty() {
        return Err(ClientError::Said(words::nothing_to_explain()));
    }
    let terms = Terms::of(read_schema(&settings.schema_file).ok());
    let mut answer = Answer::new(id, words::explain_title(), now);
    for Scored { purpose, label, made, decile, points, reasons } in scored {
        answer.tell(words::scored(Printable::new(&purpose), terms.label(&label), made));
        answer.tell(words::tenth(Printable::new(&decile)));
        if !points.is_empty() {
            answer.tell(words::points(Printable::new(&points)));
        }
        let reasons: Vec<Said> = reasons.iter().map(|reason| terms.reason(reason)).collect();
        answer.tell(if reasons.is_empty() { words::no_reasons() } else { words::reasons(Said::listed(&reasons)) });
    }
    answer.tell(words::decided_by_people());
    answer.tell(words::rights());
    Ok(answer)
}

/// The schema's words in both languages. Without a schema words stay as they were kept.
struct Terms {
    labels: Vec<Said>,
    reasons: Vec<Said>,
}

impl Terms {
    fn of(schema: Option<Schema>) -> Self {
        let Some(schema) = schema else { return Self { labels: Vec::new(), reasons: Vec::new() } };
        let label =
            |label: &Label| Said::verbatim(label.title_zh.as_ref().unwrap_or(&label.name)).with_english(&label.name);
        Self {
            labels: schema.labels().iter().map(label).collect(),
            reasons: reasons_of(&schema).into_iter().flatten().collect(),
        }
    }

    fn label(&self, name: &str) -> Said {
        found(&self.labels, name)
    }

    fn reason(&self, text: &str) -> Said {
        found(&self.reasons, text)
    }
}

/// What stands for a text in either language.
fn found(all: &[Said], text: &str) -> Said {
    let same =
        |said: &&Said| [Language::Chinese, Language::English].iter().any(|language| said.text(*language) == text);
    all.iter().find(same).cloned().unwrap_or_else(|| Said::verbatim(Printable::new(text)))
}

fn of_file((file, key): (&Path, &VerifyingKey), id: &str) -> Result<Vec<Scored>, ClientError> {
    let note = read_note(file, key)?;
    let mut found = Vec::new();
    for label in &note.labels {
        read_scores(file, &note, label, &mut |_, row| {
            if row.customer == id {
                found.push(Scored {
                    purpose: note.purpose.clone(),
                    label: label.clone(),
                    made: dated(note.made_at),
                    decile: row.decile,
                    points: row.points,
                    reasons: row.reasons.into_iter().filter(|reason| !reason.is_empty()).collect(),
                });
            }
            Ok(())
        })?;
    }
    Ok(found)
}

fn of_list(store: &Store, id: &str) -> Result<Vec<Scored>, ClientError> {
    let lines = lines_of(store, Pseudonym::of(store.key(), id))?;
    for (list, line) in lines.into_iter().rev() {
        let (state, sheet) = (store.list(list)?, store.sheet(list)?);
        if let Some(own) = sheet.lines.into_iter().find(|own| own.line == line && own.customer == id) {
            return Ok(vec![Scored {
                purpose: state.built.campaign.clone(),
                label: state.built.label.clone(),
                made: dated(state.built.scores_made_at),
                decile: own.decile,
                points: own.points,
                reasons: own.reasons.into_iter().filter(|reason| !reason.is_empty()).collect(),
            }]);
        }
    }
    Ok(Vec::new())
}
