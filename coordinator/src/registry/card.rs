//! The model card: what a model is for, what it learnt from, how good it is, and what it must not be used for. A JSON object that this coordinator signs;
//! the report on the gates names it by the digest of the file.
//!
//! All figures are texts of decimals, so that whoever reads and writes the object again finds the bytes that were signed.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tributary_certs::clock::unix_seconds;
use tributary_certs::keys::read_signing_key;
use tributary_certs::suite::RealSuite;
use tributary_evidence::report::FigureLine;
use tributary_model::metrics::Estimate;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Date, Plan};
use tributary_protocol::registry::ModelManifest;
use tributary_protocol::secagg::suite::Suite as _;
use tributary_protocol::signed::signed_message;
use tributary_storage::files;

use super::RegistryError;
use super::measured::OfRun;
use super::view::{found, record_of};
use crate::settings::Settings;

/// The layout of a card.
const FORMAT: u32 = 1;

const KIND: &str = "CARD";

/// Longest card, in bytes.
const BYTES_MAX: usize = 1 << 20;

/// A card with its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardFile {
    format: u32,
    card: Card,
    /// The coordinator's signing key, in hexadecimal digits.
    key: String,
    /// Its signature over the digest of the card's JSON text.
    signature: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    model: String,
    purpose: String,
    plan: String,
    plan_name: String,
    run: u32,
    owner: String,
    made_at: u64,
    use_of_it: Use,
    learnt_from: LearntFrom,
    privacy: Privacy,
    figures: Vec<FigureLine>,
    review: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Use {
    intended: String,
    prohibited: String,
    materiality: String,
    limits: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LearntFrom {
    legal_basis: String,
    assets: Vec<String>,
    /// The day of which the data were, where the plan declares one.
    as_of: Option<String>,
    run_begun: String,
    customers_nominal: u64,
    group: String,
    schema: String,
    inputs: Vec<Input>,
    audited: Vec<Input>,
    labels: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    class: String,
    level: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Privacy {
    mode: String,
    statement: String,
    rounds: u32,
    complete: bool,
}

/// The card of a registered model, by its digest or the first digits of it, signed by this coordinator.
///
/// # Errors
/// If there is no such model, the journal has no run of it, or the signing key cannot be read.
pub fn card(config: &Path, model: &str) -> Result<CardFile, RegistryError> {
    let settings = Settings::load(config)?;
    let record = record_of(&settings.state_dir)?;
    let model = found(&record, model)?;
    let card = Card::of(&model.manifest, &OfRun::read(&settings.state_dir, model)?);
    let key = read_signing_key(&settings.identity.signing_key)?;
    let signature = RealSuite::sign(&key, &card.to_sign());
    let (key, signature) = (hex(&key.verifying_key().bytes), hex(&signature.bytes));
    Ok(CardFile { format: FORMAT, card, key, signature })
}

impl CardFile {
    /// The JSON text, as the file holds it.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain data");
        text.push('\n');
        text
    }
}

/// The digest of a card's file, which must be this coordinator's card of this model.
pub(super) fn read_card(settings: &Settings, path: &Path, model: &Digest) -> Result<Digest, RegistryError> {
    let bytes = files::read_public(path)?;
    let other = || RegistryError::Card(path.to_path_buf());
    if bytes.len() > BYTES_MAX {
        return Err(other());
    }
    let file: CardFile = serde_json::from_slice(&bytes).map_err(|_| other())?;
    let key = read_signing_key(&settings.identity.signing_key)?;
    let signed = RealSuite::sign(&key, &file.card.to_sign());
    let own = file.format == FORMAT
        && file.card.model == model.to_string()
        && file.key == hex(&key.verifying_key().bytes)
        && file.signature == hex(&signed.bytes)
        && file.to_json().as_bytes() == bytes;
    if own { Ok(Digest::of(&bytes)) } else { Err(other()) }
}

impl Card {
    fn to_sign(&self) -> Vec<u8> {
        signed_message(KIND, &Digest::of(&serde_json::to_vec(self).expect("plain data")))
    }

    fn of(manifest: &ModelManifest, run: &OfRun) -> Self {
        let (lineage, plan) = (&manifest.lineage, &run.plan);
        let charter = &plan.charter;
        let text = |text: &tributary_protocol::printable::Untrusted| text.to_string();
        Self {
            model: manifest.digest().to_string(),
            purpose: text(&lineage.purpose),
            plan: lineage.run.plan.to_string(),
            plan_name: text(&lineage.name),
            run: lineage.run.number,
            owner: lineage.owner.to_string(),
            made_at: unix_seconds(),
            use_of_it: Use {
                intended: text(&charter.intended_use),
                prohibited: text(&charter.prohibited_use),
                materiality: charter.materiality.name().into(),
                limits: limits(manifest, run),
            },
            learnt_from: learnt_from(manifest, run),
            privacy: Privacy {
                mode: lineage.privacy.name().into(),
                statement: lineage.statement.to_string(),
                rounds: lineage.rounds,
                complete: lineage.complete,
            },
            figures: figures(run),
            review: review(plan),
        }
    }
}

fn learnt_from(manifest: &ModelManifest, run: &OfRun) -> LearntFrom {
    let plan = &run.plan;
    let begun = run.begun.0 / 1000;
    let schema = run.schema.as_ref();
    let field = |field: &tributary_model::schema::Field| Input {
        name: field.name.clone(),
        class: field.class.name().into(),
        level: field.level.name().into(),
    };
    LearntFrom {
        legal_basis: plan.charter.legal_basis.to_string(),
        assets: plan.charter.data_assets.iter().map(ToString::to_string).collect(),
        as_of: plan.readiness.as_of.of_run(begun).map(|day| day.to_string()),
        run_begun: Date::of_second(begun).to_string(),
        customers_nominal: plan.customers_nominal,
        group: manifest.lineage.group.clone(),
        schema: plan.schema.to_string(),
        inputs: schema.iter().flat_map(|schema| schema.fields()).map(field).collect(),
        audited: schema.iter().flat_map(|schema| schema.audits()).map(field).collect(),
        labels: schema.iter().flat_map(|schema| schema.labels()).map(|label| label.name.clone()).collect(),
    }
}

/// What is known of where the model is not to be relied on.
fn limits(manifest: &ModelManifest, run: &OfRun) -> Vec<String> {
    let mut limits = vec![format!(
        "It learnt from customers of the group \"{}\" alone. Of others nothing is known.",
        manifest.lineage.group
    )];
    if !manifest.lineage.complete {
        limits.push("Its run ended before all rounds of the plan were committed.".into());
    }
    match &run.measured {
        None => limits.push("No evaluation of it is kept: nothing is known of how good it is.".into()),
        Some(_) => limits.push(
            "Figures are of the customers on whom it was evaluated. Their intervals are of the privacy noise alone; other customers give other figures."
                .into(),
        ),
    }
    if run.measured.as_ref().is_some_and(|measured| measured.heads().iter().all(|head| head.groups.is_empty())) {
        limits.push("Groups of customers were not compared.".into());
    }
    limits
}

/// What demands that somebody looks at the model again.
fn review(plan: &Plan) -> Vec<String> {
    let day = Date::of_second(plan.charter.review_by);
    let mut review = vec![
        format!("On {day} at the latest, as the plan says."),
        "When a field of the schema changes its meaning, or a branch maps other columns to it.".into(),
        "When the report on its gates ends, or a condition of its validator is not met.".into(),
        "When a stability index of its scores or fields is above 0.25.".into(),
    ];
    if plan.gates.limits.is_empty() {
        review.push("Before it is used for anything that matters: its plan limits no figure.".into());
    }
    review
}

/// The figures of a run's evaluation, with four decimals.
pub(super) fn figures(run: &OfRun) -> Vec<FigureLine> {
    let heads = run.measured.iter().flat_map(|measured| measured.heads());
    let of_head = |head: &tributary_model::metrics::HeadFigures| {
        let all = [
            ("customers", Some(head.customers)),
            ("positives", head.positives),
            ("auc", head.auc),
            ("pr_auc", head.pr_auc),
            ("ks", head.ks),
            ("log_loss", head.log_loss),
            ("brier", head.brier),
            ("calibration_error", head.ece),
        ];
        let all = all.map(|(name, found)| (name.to_owned(), None, found));
        let lifts = head.lift.iter().map(|lift| (format!("lift_{}", lift.share), None, lift.lift));
        let groups = head.groups.iter().flat_map(|group| {
            let name = Some(group.group.to_string());
            let found = group.found.map(|found| found.own);
            let calibration = group.calibration.map(|found| found.own);
            [("found", found), ("calibration", calibration)].map(|(figure, of)| (figure.to_owned(), name.clone(), of))
        });
        let told = |(figure, group, found): (String, Option<String>, Option<Estimate>)| {
            let Estimate { value, low, high } = found?;
            let [value, low, high] = [value, low, high].map(|number| format!("{number:.4}"));
            Some(FigureLine { label: head.head.clone(), figure, group, value, low, high })
        };
        all.into_iter().chain(lifts).chain(groups).filter_map(told).collect::<Vec<_>>()
    };
    heads.flat_map(of_head).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
