//! A plan in words: everything that an approver must know, one fact a line. Whatever its author wrote is shown escaped.

use core::fmt;

use serde::Serialize;
use tributary_model::architecture::Architecture;
use tributary_model::groups::GroupField;
use tributary_model::privacy::{epsilon_of, sampling_probability};
use tributary_model::stage::{EvaluateSettings, StageSettings, noise_multiplier};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{AsOf, ModelRef, PilotGroup, Plan, PrivacyMode, Rhythm, Stage};
use tributary_protocol::printable::{Printable, counted};
use tributary_protocol::privacy::{RdpVector, Unit};
use tributary_protocol::secagg::parameters::CoalitionRule;

use crate::dates::day;
use crate::gates;
use crate::guarantee::epsilon_of_runs;

const DAY: u64 = 86_400;

/// Runs of which epsilon is shown beside those of the plan: one, two and three years of months.
pub const RUNS_SHOWN: [u64; 3] = [12, 24, 36];

/// When another value of a fact is weaker for those whose data it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weight {
    /// Never.
    Neutral,
    /// When it is larger.
    More(f64),
    /// When it is smaller.
    Less(f64),
    /// Any other value may be.
    Unknown,
    /// When it is there and was not.
    Presence,
    /// When it is there and was not, and when it is larger.
    Lasting(f64),
}

/// One fact of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fact {
    /// Which one: the same in every plan.
    pub key: String,
    /// Its name for people.
    pub label: String,
    /// What it says.
    pub shown: Printable,
    /// Which change of it is weaker.
    #[serde(skip)]
    pub weight: Weight,
}

/// A plan in words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Portrait {
    /// What is said before everything else of a plan whose mode gives a customer less than others, or nothing.
    pub warning: Option<String>,
    /// The plan's digest.
    pub digest: String,
    /// Every fact, in order.
    pub facts: Vec<Fact>,
}

impl Portrait {
    /// Of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let mut portrait = Self { warning: warning(plan), digest: plan.digest().to_string(), facts: Vec::new() };
        portrait.purpose(plan);
        portrait.privacy(plan);
        for (number, stage) in (1..).zip(&plan.stages) {
            portrait.stage(number, stage, plan);
        }
        portrait.cohort(plan);
        portrait.schedule(plan);
        portrait.retention(plan);
        portrait.charter(plan);
        portrait.gates(plan);
        portrait
    }

    /// The fact of a key.
    #[must_use]
    pub fn fact(&self, key: &str) -> Option<&Fact> {
        self.facts.iter().find(|fact| fact.key == key)
    }

    fn add(&mut self, key: impl Into<String>, label: impl Into<String>, shown: impl fmt::Display, weight: Weight) {
        let shown = Printable::new(&shown.to_string());
        self.facts.push(Fact { key: key.into(), label: label.into(), shown, weight });
    }

    fn purpose(&mut self, plan: &Plan) {
        self.add("name", "name", &plan.name, Weight::Neutral);
        self.add("purpose", "purpose", &plan.purpose, Weight::Unknown);
        self.add("schema", "feature schema (digest)", plan.schema, Weight::Unknown);
        self.add("model", "network", network(plan), Weight::Neutral);
        let begins = match plan.initial_model {
            ModelRef::Digest(digest) => format!("from the model {digest}"),
            ModelRef::Zero => "from zero".into(),
            ModelRef::Seed(seed) => format!("from parameters drawn from the seed {seed}"),
            ModelRef::PreviousRun => "from what the run before released".into(),
            ModelRef::Champion => "from the champion of the registry".into(),
        };
        self.add("initial_model", "a run begins", begins, Weight::Neutral);
        self.add("customers_nominal", "customers, by which sums are divided", plan.customers_nominal, Weight::Neutral);
        self.add("customers_max", "customers, at most", plan.customers_max, Weight::Neutral);
    }

    fn privacy(&mut self, plan: &Plan) {
        let (words, rank) = match plan.privacy {
            PrivacyMode::Local => ("local: each branch's own noise protects every customer", 0.0),
            PrivacyMode::Customer => ("customer: the noise of all branches together protects every customer", 1.0),
            PrivacyMode::Branch => ("branch: the noise protects a branch as a whole, and a customer less", 2.0),
            PrivacyMode::None => ("none: no noise protects anybody", 3.0),
        };
        self.add("privacy", "privacy mode", words, Weight::More(rank));
        if let Some(unit) = plan.privacy.unit() {
            self.add("delta", "delta", plan.delta(), Weight::More(plan.delta()));
            self.epsilons(plan, unit, "");
            if unit == Unit::Branch {
                self.epsilons(plan, Unit::Customer, "_customer");
            }
        }
        let overlap = format!("{} at most", plan.overlap_max);
        self.add("overlap_max", "branches of one customer", overlap, Weight::Less(plan.overlap_max.into()));
        let offset = millis(plan.upload_offset_ms);
        self.add(
            "upload_offset_ms",
            "uploads leave after a round's start by",
            offset,
            whole_less(plan.upload_offset_ms),
        );
        self.add("retries", "rounds that may be tried again", plan.retries, Weight::Neutral);
    }

    fn epsilons(&mut self, plan: &Plan, unit: Unit, suffix: &str) {
        let who = unit.name();
        let one = epsilon_of_runs(plan, unit, 1);
        self.add(
            format!("epsilon_run{suffix}"),
            format!("epsilon of one run, a {who}"),
            figure(one),
            Weight::More(one),
        );
        let runs = u64::from(plan.runs);
        let all = epsilon_of_runs(plan, unit, runs);
        let (label, words) =
            (format!("epsilon of all runs, a {who}, without the cap"), format!("{} for {runs}", figure(all)));
        self.add(format!("epsilon_all{suffix}"), label, words, Weight::More(all));
        let cap = epsilon_of_cap(plan, unit);
        let ends = match runs_within_cap(plan) {
            all if all >= runs => "all runs fit".to_owned(),
            some => format!("{some} of {} fit, if each costs what it may at most", counted(runs, "run")),
        };
        let label = format!("cap of epsilon over all runs, a {who}");
        self.add(format!("epsilon_cap{suffix}"), label, format!("{}; {ends}", figure(cap)), Weight::More(cap));
    }

    fn stage(&mut self, number: usize, stage: &Stage, plan: &Plan) {
        let key = |name: &str| format!("stage.{number}.{name}");
        let settings = StageSettings::decode(&stage.kind, &stage.settings);
        let content = settings.as_ref().map_or("settings that this release cannot read", StageSettings::content);
        let label = |name: &str| format!("stage {number}, {name}");
        self.add(key("kind"), label("what is summed"), format!("{}: {content}", stage.kind), Weight::Unknown);
        let rounds = format!("{} of {} numbers each", stage.rounds, stage.dimension);
        self.add(key("rounds"), label("rounds"), rounds, Weight::More(stage.rounds.into()));
        if plan.privacy.unit().is_some() {
            let multiplier = noise_multiplier(stage.noise_variance, stage.sensitivity_squared);
            self.add(key("noise_multiplier"), label("noise multiplier"), figure(multiplier), Weight::Less(multiplier));
            let rate = sampling_probability(stage.sampling_threshold);
            self.add(key("sampling_rate"), label("part of the customers in a round"), figure(rate), Weight::More(rate));
        }
        if let Ok(StageSettings::Evaluate(EvaluateSettings { groups: Some(field), .. })) = settings {
            // The plan names its schema by digest alone, and people count from 1.
            let which = match field {
                GroupField::Input(place) => format!("by input {} of the schema", u32::from(place) + 1),
                GroupField::Audit(place) => format!("by audit column {} of the schema", u32::from(place) + 1),
            };
            self.add(key("groups"), label("groups that are compared"), which, Weight::Unknown);
        }
        for (name, norm) in settings.iter().flat_map(StageSettings::clip_norms) {
            self.add(key(name), label(name), figure(norm), Weight::Neutral);
        }
        for (name, words) in settings.iter().flat_map(StageSettings::choices) {
            self.add(key(name), label(name), words, Weight::Neutral);
        }
    }

    fn cohort(&mut self, plan: &Plan) {
        let cohort = plan.cohort;
        self.add("group", "cohorts are chosen from the group", &plan.group, Weight::Unknown);
        self.add("cohort_min", "fewest branches in a round", cohort.cohort_min, Weight::Less(cohort.cohort_min.into()));
        let organisations = cohort.organisations_min;
        self.add("organisations_min", "fewest organisations", organisations, Weight::Less(organisations.into()));
        match cohort.coalition {
            CoalitionRule::Fraction { permille } => {
                let label = "may collude without learning anything, in thousandths of the group";
                self.add("coalition_permille", label, permille, Weight::Less(permille.into()));
            }
            CoalitionRule::Organisations { operator, others, outside_min } => {
                let label = "may collude without learning anything: the operator's organisation";
                self.add("coalition_operator", label, operator, Weight::Unknown);
                self.add("coalition_others", "and so many other organisations", others, Weight::Less(others.into()));
                self.add(
                    "outside_min",
                    "organisations that must remain",
                    outside_min,
                    Weight::Less(outside_min.into()),
                );
            }
        }
        let survivors = cohort.survivors_permille;
        let label = "fewest survivors, in thousandths of a cohort";
        self.add("survivors_permille", label, survivors, Weight::Less(survivors.into()));
        let honest = cohort.honest_min;
        self.add("honest_min", "fewest honest survivors, who carry the noise", honest, Weight::Less(honest.into()));
        self.add("session_rounds", "rounds of one key set-up", plan.session_rounds, Weight::Neutral);
        self.add("round_deadline_ms", "time for a round", millis(plan.round_deadline_ms), Weight::Neutral);
        self.add("keying_deadline_ms", "time for a key set-up", millis(plan.keying_deadline_ms), Weight::Neutral);
    }

    fn schedule(&mut self, plan: &Plan) {
        let schedule = &plan.schedule;
        self.add("runs_max", "runs, at most", plan.runs, Weight::More(plan.runs.into()));
        let (words, weight) = match schedule.rhythm {
            Rhythm::Interval { seconds: 0 } => ("one after the other, at once".to_owned(), Weight::Less(0.0)),
            Rhythm::Interval { seconds } => {
                let words = if seconds % DAY == 0 { counted(seconds / DAY, "day") } else { counted(seconds, "second") };
                (words, whole_less(seconds))
            }
            Rhythm::Monthly { day } => (format!("one each month, from day {day} on"), whole_less(28 * DAY)),
        };
        self.add("rhythm", "from one run to the next", words, weight);
        self.add("not_before", "no run begins before", day(schedule.not_before), Weight::Neutral);
        self.add("not_after", "no run begins after", day(schedule.not_after), whole_more(schedule.not_after));
        self.add("as_of", "day of which the data must be", as_of_words(plan.readiness.as_of), Weight::Neutral);
        let ready = plan.readiness.ready_min;
        let words = if ready == 0 { "as many as a cohort needs".to_owned() } else { ready.to_string() };
        self.add(
            "ready_min",
            "branches that must have joined before a run's first round",
            words,
            Weight::Less(ready.into()),
        );
    }

    fn retention(&mut self, plan: &Plan) {
        let kept = plan.retention;
        let (uploads, days) = (kept.uploads_dimension_max, kept.days);
        let words = match uploads {
            0 => "of no round".to_owned(),
            most => format!("of rounds of at most {most} numbers"),
        };
        self.add("retention.uploads", "masked uploads are kept", words, Weight::More(uploads.into()));
        let sums = if kept.sums { "yes" } else { "no" };
        self.add("retention.sums", "opened sums are kept", sums, Weight::More(f64::from(u8::from(kept.sums))));
        self.add("retention.days", "all of it is removed after", counted(days, "day"), Weight::More(days.into()));
    }

    fn charter(&mut self, plan: &Plan) {
        let charter = &plan.charter;
        self.add("charter.organisation", "organisation whose plan it is", charter.organisation, Weight::Unknown);
        self.add("charter.legal_basis", "legal basis", &charter.legal_basis, Weight::Unknown);
        let assessment = &charter.assessment;
        let (at, digest) = (day(assessment.at), assessment.document);
        let words = format!("{}, of {at}, SHA-256 {digest}", assessment.reference);
        self.add("charter.assessment", "impact assessment", words, Weight::Unknown);
        self.add("charter.ticket", "ticket", &charter.ticket, Weight::Neutral);
        for asset in &charter.data_assets {
            self.add(format!("charter.data_asset.{asset}"), "data asset", asset, Weight::Presence);
        }
        self.add("charter.intended_use", "intended use", &charter.intended_use, Weight::Unknown);
        self.add("charter.prohibited_use", "prohibited use", &charter.prohibited_use, Weight::Unknown);
        let rank = match charter.materiality.name() {
            "low" => 1.0,
            "medium" => 2.0,
            _ => 3.0,
        };
        self.add("charter.materiality", "materiality", charter.materiality.name(), Weight::Less(rank));
        let review = day(charter.review_by);
        self.add("charter.review_by", "reviewed at the latest on", review, whole_more(charter.review_by));
        if let Some(share) = &charter.year {
            let words = format!("{}, kind of run {}", share.year, share.kind);
            self.add("charter.year", "year of spending under which it runs", words, Weight::Unknown);
        }
        for agreement in &charter.agreements {
            let (organisation, until) = (agreement.organisation, day(agreement.until));
            let label = format!("agreement with organisation {organisation}");
            let words = format!("{}, SHA-256 {}", agreement.reference, agreement.document);
            self.add(format!("charter.agreement.{organisation}"), label.clone(), words, Weight::Presence);
            let key = format!("charter.agreement.{organisation}.until");
            #[expect(clippy::cast_precision_loss, reason = "seconds of a plan, which are compared")]
            let weight = Weight::Lasting(agreement.until as f64);
            self.add(key, format!("{label}, until"), until, weight);
        }
    }

    /// What a model must hold before branches use it: whatever else, the word of a validator.
    fn gates(&mut self, plan: &Plan) {
        for gate in &plan.gates.limits {
            let key = format!("gates.{}.{}.{}", gate.label.printable(), gate.measure.name(), gate.measure.share());
            let limit = f64::from(gate.limit);
            let weight = if gate.measure.is_at_least() { Weight::Less(limit) } else { Weight::More(limit) };
            self.add(key, format!("gate: {}", gates::name(gate)), gates::limit(gate), weight);
        }
        let needed = |needed: bool| if needed { "is needed" } else { "is not needed" };
        let weight = |needed: bool| Weight::Less(f64::from(u8::from(needed)));
        let (card, challenger) = (plan.gates.card, plan.gates.challenger);
        self.add("gates.report", "gate: a report that a model validator has signed", needed(true), Weight::Neutral);
        self.add("gates.card", "gate: a model card", needed(card), weight(card));
        let words = if challenger { "holds the gates as well" } else { "may fail the gates" };
        self.add("gates.challenger", "a challenger, which scores a share of the customers,", words, weight(challenger));
        if let Some(pilot) = &plan.gates.pilot {
            self.add("gates.pilot", "gate: a pilot before all branches", gates::pilot(pilot), Weight::Unknown);
            if let PilotGroup::Named(names) = &pilot.group {
                for name in names {
                    self.add(format!("gates.pilot.{name}"), "branch of the pilot", name, Weight::Neutral);
                }
            }
        }
    }
}

/// For a terminal.
impl fmt::Display for Portrait {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(warning) = &self.warning {
            writeln!(out, "{warning}")?;
        }
        for fact in &self.facts {
            writeln!(out, "{}: {}", Printable::new(&fact.label), fact.shown)?;
        }
        writeln!(out, "digest of this plan: {}", self.digest)
    }
}

fn warning(plan: &Plan) -> Option<String> {
    match plan.privacy {
        PrivacyMode::None => Some(
            "MODE NONE: no noise protects anybody in what is released. A branch refuses such a plan unless its own policy admits the mode.".into(),
        ),
        PrivacyMode::Branch => {
            let [branch, customer] = [Unit::Branch, Unit::Customer].map(|unit| figure(epsilon_of_runs(plan, unit, 1)));
            Some(format!(
                "MODE BRANCH: the noise protects a branch as a whole, with epsilon {branch} a run. A single customer is protected with epsilon {customer} \
                 alone. A branch refuses such a plan unless its own policy admits the mode."
            ))
        }
        PrivacyMode::Customer | PrivacyMode::Local => None,
    }
}

/// How many runs of a plan begin before its cap ends it, if each costs what it may at most; as many as there are at most.
#[must_use]
pub fn runs_within_cap(plan: &Plan) -> u64 {
    let one = plan.charge_of_run();
    let fits = |runs: u64| one.times(runs).within(&plan.cap);
    // What more runs cost only grows.
    let (mut low, mut high) = (0, u64::from(plan.runs));
    while low < high {
        let middle = high - (high - low) / 2;
        if fits(middle) { low = middle } else { high = middle - 1 }
    }
    low
}

/// The epsilon that the cap over all runs lets a unit come to. What is spent stays within the cap at one order, whichever that is: so the order at which
/// the cap lets most be spent says what it bounds. A cap that all runs fit at every order bounds nothing beside them.
fn epsilon_of_cap(plan: &Plan, unit: Unit) -> f64 {
    let (cap, all) = (plan.cap.of(unit), plan.charge_max());
    if all.of(unit).at_most(cap) {
        return epsilon_of(all.of(unit), plan.delta()).0;
    }
    let thresholds = cap.nanos();
    let at_order = |(order, threshold): (usize, &u64)| {
        let mut alone = vec![u64::MAX; thresholds.len()];
        alone[order] = *threshold;
        RdpVector::from_nanos(alone).map_or(f64::INFINITY, |alone| epsilon_of(&alone, plan.delta()).0)
    };
    let proving = thresholds.iter().enumerate().filter(|(_, threshold)| **threshold > 0);
    proving.map(at_order).fold(0.0, f64::max)
}

/// Of which day a plan wants the data.
#[must_use]
pub fn as_of_words(as_of: AsOf) -> String {
    match as_of {
        AsOf::Undeclared => "none is declared".into(),
        AsOf::Day(date) => format!("{date}, in every run"),
        AsOf::MonthEnd => "the last day of the month before the one in which the run begins".into(),
        AsOf::DaysBefore { days: 0 } => "the day on which the run begins".into(),
        AsOf::DaysBefore { days: 1 } => "the day before the run begins".into(),
        AsOf::DaysBefore { days } => format!("{days} days before the run begins"),
    }
}

fn network(plan: &Plan) -> String {
    let Ok(architecture) = Architecture::decode(&plan.architecture) else { return "one that cannot be read".into() };
    let hidden: Vec<String> = architecture.hidden().iter().map(ToString::to_string).collect();
    let kind = if hidden.is_empty() {
        "logistic".to_owned()
    } else {
        format!("mlp with hidden layers of {}", hidden.join(", "))
    };
    let pairs = architecture.pairs().map_or(String::new(), |pairs| {
        format!(" with {} tables of pairs of fields, {} groups a field", pairs.tables, pairs.groups)
    });
    let kind = kind + &pairs;
    let (inputs, heads) = (architecture.inputs(), architecture.heads().join(", "));
    format!("{kind}, {inputs} inputs, {} parameters, learns {heads}", architecture.parameter_count())
}

/// Six digits that count.
#[must_use]
pub fn figure(value: f64) -> String {
    if value.is_infinite() {
        return "without bound".into();
    }
    if value == 0.0 || (1e-3..1e6).contains(&value) {
        let rounded = format!("{value:.4}");
        return rounded.trim_end_matches('0').trim_end_matches('.').into();
    }
    format!("{value:.4e}")
}

fn millis(value: u64) -> String {
    format!("{value} ms")
}

#[expect(clippy::cast_precision_loss, reason = "seconds and milliseconds of a plan, which are compared")]
fn whole_less(value: u64) -> Weight {
    Weight::Less(value as f64)
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a plan, which are compared")]
fn whole_more(value: u64) -> Weight {
    Weight::More(value as f64)
}

/// A digest in eight groups, to be read aloud.
#[must_use]
pub fn groups(digest: &Digest) -> Vec<String> {
    let text = digest.to_string();
    text.as_bytes().chunks(8).map(|group| group.iter().map(|digit| char::from(*digit)).collect()).collect()
}

#[cfg(test)]
mod tests;
