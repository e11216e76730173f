//! Makes a card, and compares one with what follows from a journal.

use tributary_model::metrics::{Estimate, HeadFigures, Importance};
use tributary_model::privacy::epsilon_of;
use tributary_model::schema::{Field, Schema};
use tributary_protocol::plan::{Date, Plan};
use tributary_protocol::printable::Untrusted;
use tributary_protocol::registry::ModelManifest;
use tributary_protocol::time::Millis;

use super::parts::{Card, Fields, Input, LearntFrom, Privacy, Review, Use, WeakField};
use crate::paper::Body as _;
use crate::report::FigureLine;
use crate::statement::Facts;

/// From what a card is made.
pub struct Material<'a> {
    /// What the model is.
    pub manifest: &'a ModelManifest,
    /// The run's plan, and what was done under it.
    pub facts: &'a Facts,
    /// The plan's schema, where it is there.
    pub schema: Option<&'a Schema>,
    /// What the run's evaluation says of the model; nothing without one.
    pub heads: Option<&'a [HeadFigures]>,
    /// How much each field moves its scores, where that was measured.
    pub importance: Option<&'a Importance>,
    /// When the run was over.
    pub ended: Millis,
}

/// A card says something else than the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model card says otherwise of {0} than the journal and what is kept beside it")]
pub struct Differs(pub &'static str);

fn text(text: &Untrusted) -> String {
    text.to_string()
}

impl Card {
    /// The card of a model, made at a second of the Unix clock.
    #[must_use]
    pub fn of(material: &Material<'_>, made_at: u64) -> Self {
        let Material { manifest, facts, heads, importance, .. } = *material;
        let (lineage, plan) = (&manifest.lineage, facts.plan());
        let charter = &plan.charter;
        Self {
            format: Self::FORMAT,
            model: manifest.digest().to_string(),
            purpose: text(&lineage.purpose),
            plan: lineage.run.plan.to_string(),
            plan_name: text(&lineage.name),
            run: lineage.run.number,
            owner: lineage.owner.to_string(),
            parent: lineage.parent.map(|parent| parent.to_string()),
            made_at,
            use_of_it: Use {
                intended: text(&charter.intended_use),
                prohibited: text(&charter.prohibited_use),
                materiality: charter.materiality.name().into(),
                limits: limits(material),
            },
            learnt_from: learnt_from(material),
            privacy: privacy(manifest, facts),
            figures: heads.map(figures).unwrap_or_default(),
            fields: fields(importance),
            review: review(plan),
        }
    }

    /// Whether a card says what follows here. Where the schema is not there its fields are not compared, without `heads` its figures are not, and without
    /// `importance` not what it says of weak fields.
    ///
    /// # Errors
    /// [`Differs`] with the first part that is another one.
    pub fn follows(&self, material: &Material<'_>) -> Result<(), Differs> {
        let mut own = Self::of(material, self.made_at);
        let weak = material.importance.is_some();
        let of_fields = |limit: &String| limit == "fields-not-compared";
        let of_figures =
            |limit: &String| ["not-evaluated", "noise-alone", "groups-not-compared"].contains(&limit.as_str());
        if material.schema.is_none() {
            let LearntFrom { inputs, audited, labels, .. } = self.learnt_from.clone();
            own.learnt_from = LearntFrom { inputs, audited, labels, ..own.learnt_from };
        }
        let figures = material.heads.is_some();
        let limits = |card: &Self| -> Vec<String> {
            let compared = |limit: &&String| (weak || !of_fields(limit)) && (figures || !of_figures(limit));
            card.use_of_it.limits.iter().filter(compared).cloned().collect()
        };
        let of_model = |card: &Self| {
            let Self { model, purpose, plan, plan_name, run, owner, parent, .. } = card.clone();
            (model, purpose, plan, plan_name, run, owner, parent)
        };
        let of_use = |card: &Self| {
            let Use { intended, prohibited, materiality, .. } = card.use_of_it.clone();
            (intended, prohibited, materiality)
        };
        for (same, what) in [
            (of_model(self) == of_model(&own), "what the model is"),
            (of_use(self) == of_use(&own) && limits(self) == limits(&own), "the use of the model"),
            (self.learnt_from == own.learnt_from, "what the model learnt from"),
            (self.privacy == own.privacy, "its privacy"),
            (!figures || self.figures == own.figures, "its figures"),
            (!weak || self.fields == own.fields, "the fields whose importance is below the noise"),
            (self.review == own.review, "its review"),
        ] {
            if !same {
                return Err(Differs(what));
            }
        }
        Ok(())
    }
}

fn learnt_from(material: &Material<'_>) -> LearntFrom {
    let Material { manifest, facts, schema, ended, .. } = *material;
    let (plan, begun) = (facts.plan(), facts.record().opened_at.map_or(0, |begun| begun.0 / 1000));
    let field = |field: &Field| Input {
        name: field.name.clone(),
        class: field.class.name().into(),
        level: field.level.name().into(),
    };
    LearntFrom {
        legal_basis: text(&plan.charter.legal_basis),
        assets: plan.charter.data_assets.iter().map(text).collect(),
        as_of: plan.readiness.as_of.of_run(begun).map(|day| day.to_string()),
        run_begun: Date::of_second(begun).to_string(),
        run_ended: Date::of_second(ended.0 / 1000).to_string(),
        customers_nominal: plan.customers_nominal,
        group: manifest.lineage.group.clone(),
        schema: plan.schema.to_string(),
        inputs: schema.iter().flat_map(|schema| schema.fields()).map(field).collect(),
        audited: schema.iter().flat_map(|schema| schema.audits()).map(field).collect(),
        labels: schema.iter().flat_map(|schema| schema.labels()).map(|label| label.name.clone()).collect(),
    }
}

fn privacy(manifest: &ModelManifest, facts: &Facts) -> Privacy {
    let (lineage, plan) = (&manifest.lineage, facts.plan());
    let unit = plan.privacy.unit();
    Privacy {
        mode: lineage.privacy.name().into(),
        epsilon: unit.map(|unit| format!("{:.6}", epsilon_of(facts.spent().of(unit), plan.delta()).0)),
        delta: unit.map(|_| format!("{:e}", plan.delta())),
        statement: lineage.statement.to_string(),
        rounds: lineage.rounds,
        complete: lineage.complete,
    }
}

/// What is known of where the model is not to be relied on.
fn limits(material: &Material<'_>) -> Vec<String> {
    let Material { manifest, facts, heads, importance, .. } = *material;
    let compared = |head: &HeadFigures| !head.groups.is_empty();
    let limits = [
        ("group", true),
        ("no-noise", facts.plan().privacy.unit().is_none()),
        ("incomplete", !manifest.lineage.complete),
        ("not-evaluated", heads.is_none()),
        ("noise-alone", heads.is_some()),
        ("groups-not-compared", heads.is_some_and(|heads| !heads.iter().any(compared))),
        ("fields-not-compared", !matches!(importance, Some(Importance::Fields(_)))),
    ];
    limits.into_iter().filter(|(_, holds)| *holds).map(|(code, _)| code.to_owned()).collect()
}

fn fields(importance: Option<&Importance>) -> Fields {
    let weak = |fields: &[tributary_model::metrics::FieldImportance]| {
        let weak = fields.iter().filter(|field| field.below_noise);
        weak.map(|field| WeakField { label: field.head.clone(), field: field.field.clone() }).collect()
    };
    let (importance, below_noise) = match importance {
        Some(Importance::Fields(fields)) => ("measured", weak(fields)),
        Some(Importance::NotAdditive) => ("not-additive", Vec::new()),
        Some(Importance::NoCounts) | None => ("no-counts", Vec::new()),
    };
    Fields { importance: importance.into(), below_noise }
}

/// What demands that somebody looks at the model again.
fn review(plan: &Plan) -> Review {
    let mut when = vec!["schema", "gates-end", "stability", "attacks"];
    if plan.gates.limits.is_empty() {
        when.push("no-limits");
    }
    let by = Date::of_second(plan.charter.review_by).to_string();
    Review { by, when: when.into_iter().map(str::to_owned).collect() }
}

/// The figures of an evaluation, with four decimals.
#[must_use]
pub fn figures(heads: &[HeadFigures]) -> Vec<FigureLine> {
    let of_head = |head: &HeadFigures| {
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
            // Nobody is a part of a customer. What is nearly none is none, without a sign.
            let shown = |number: f64| match figure.as_str() {
                "customers" => (number.round() + 0.0).to_string(),
                _ => format!("{number:.4}"),
            };
            let [value, low, high] = [value, low, high].map(shown);
            Some(FigureLine { label: head.head.clone(), figure, group, value, low, high })
        };
        all.into_iter().chain(lifts).chain(groups).filter_map(told).collect::<Vec<_>>()
    };
    heads.iter().flat_map(of_head).collect()
}
