//! What is wrong with a plan, and what a privacy officer would ask about it, with figures.

mod counted;
mod data;
mod finding;
mod noise;
mod staged;
mod year;

use core::fmt;

use serde::Serialize;
use tributary_model::planned;
use tributary_model::schema::Schema;
use tributary_model::weak_modes::Build;
use tributary_protocol::plan::{AsOf, Date, Plan, PrivacyMode, Rejection};
use tributary_protocol::printable::{Printable, Untrusted, counted, is_hidden};
use tributary_protocol::privacy::Unit;

use self::data::of_data;
use self::finding::finding;
pub use self::finding::{Finding, Level};
use crate::dates::day;
use crate::differences::Differences;
use crate::gates;
use crate::guarantee::epsilon_of_runs;
use crate::portrait::{Portrait, RUNS_SHOWN, as_of_words, figure, runs_within_cap};
use crate::prediction::Prediction;
use crate::year::YearFile;

/// Seconds of a year.
const YEAR: u64 = 365 * 86_400;
/// Epsilon of all runs above which a reason is asked for.
const EPSILON_ASKED: f64 = 8.0;

/// A question with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Question {
    /// What a privacy officer asks.
    pub asked: &'static str,
    /// What this plan answers.
    pub answer: Printable,
}

/// A plan, judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lint {
    /// What is said before everything else; see [`Portrait::warning`].
    pub warning: Option<String>,
    /// Faults first.
    pub findings: Vec<Finding>,
    /// Questions with their answers.
    pub questions: Vec<Question>,
    /// Against the last plan, where it was given.
    pub differences: Option<Differences>,
}

/// What is known beside the plan.
#[derive(Clone, Copy)]
pub struct Beside<'a> {
    /// Whose part in the plan is asked about.
    pub build: Build,
    /// The plan's schema.
    pub schema: Option<&'a Schema>,
    /// The plan that was approved before.
    pub last: Option<&'a Plan>,
    /// Time that the slowest branch took for a round, in milliseconds.
    pub slowest_ms: Option<u64>,
    /// The year of spending under which it is to run.
    pub year: Option<&'a YearFile>,
    /// What the file that holds it says: somebody has rejected it.
    pub rejection: Option<&'a Rejection>,
}

impl Default for Beside<'_> {
    fn default() -> Self {
        Self { build: Build::THIS, schema: None, last: None, slowest_ms: None, year: None, rejection: None }
    }
}

impl Lint {
    /// Judges a plan.
    #[must_use]
    pub fn of(plan: &Plan, beside: Beside<'_>) -> Self {
        let mut findings: Vec<Finding> = beside.rejection.map(rejected).into_iter().collect();
        findings.extend(faults(plan, beside.build));
        let data = of_data(plan, beside.schema);
        findings.extend(data.faults.into_iter().map(|(key, text)| finding(Level::Fault, key, text)));
        findings.extend(year::compared(plan, beside.year));
        let predicted = noise::predicted(plan, beside.schema);
        findings.extend(asked(plan, beside, predicted.as_ref()));
        findings.extend(data.asked.into_iter().map(|(key, text)| finding(Level::Ask, key, text)));
        // Faults first.
        findings.sort_by_key(|finding| finding.level);
        let differences = beside.last.map(|last| Differences::of(last, plan));
        let mut questions = questions(plan, beside.slowest_ms, (differences.as_ref(), predicted.as_ref()));
        // After what it is for.
        let answer = Printable::new(&data.answer);
        questions.insert(1, Question { asked: "Which data does it learn from?", answer });
        Self { warning: Portrait::of(plan).warning, findings, questions, differences }
    }

    /// Whether something is at fault.
    #[must_use]
    pub fn is_at_fault(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Fault)
    }
}

fn rejected(Rejection { reason, signed }: &Rejection) -> Finding {
    let text = format!(
        "{} ({}) has rejected it: {reason}. No coordinator serves this file and nothing more is signed on it; put the plan forward anew",
        signed.staff, signed.role
    );
    finding(Level::Fault, "plan", text)
}

fn faults(plan: &Plan, build: Build) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut fault = |key: &str, text: String| found.push(finding(Level::Fault, key, text));
    if let Err(refused) = build.admits(plan.privacy) {
        fault("plan.privacy", refused.to_string());
    }
    if let Err(error) = plan.clone().validate() {
        fault("plan", format!("{error}; every branch refuses it"));
        return found;
    }
    match planned::check(plan, None) {
        Err(error) => fault("plan", error.to_string()),
        Ok(planned) => {
            let unmeasured = gates::unmeasured(plan, planned.architecture().heads());
            unmeasured.into_iter().for_each(|(key, text)| fault(key, text));
        }
    }
    // Escaped, such a text may be longer than what is shown of it.
    for (key, text) in texts(plan).into_iter().filter(|(_, text)| text.raw().contains(is_hidden)) {
        let text = format!(
            "it has a character that is not shown as it is ({}), so that its end may not be shown at all; nobody signs what is not read: write it anew",
            Printable::new(&text.raw().chars().filter(|character| is_hidden(*character)).take(1).collect::<String>())
        );
        fault(key, text);
    }
    let (first, last) = (plan.schedule.not_before, plan.schedule.not_after);
    if runs_within_cap(plan) == 0 {
        let text = "no run fits the cap over all runs, so that none can begin; raise it, or lower plan.epsilon";
        fault("schedule.epsilon_all_runs", text.into());
    }
    let next = plan.schedule.next_after(None);
    if next > last {
        let text = format!("the first run could begin on {}, which is after not_after ({})", day(next), day(last));
        fault("schedule.not_after", text);
    }
    if let AsOf::Day(date) = plan.readiness.as_of
        && date > Date::of_second(last)
    {
        let text = format!(
            "the data must be of {date}, which is after the last day on which a run may begin ({}): none can",
            day(last)
        );
        fault("schedule.as_of", text);
    }
    if plan.charter.review_by < first {
        let review = day(plan.charter.review_by);
        fault(
            "charter.review_by",
            format!("the review ({review}) is before the first run ({}): no run begins", day(first)),
        );
    }
    for agreement in plan.charter.agreements.iter().filter(|agreement| agreement.until < first) {
        let (organisation, until) = (agreement.organisation, day(agreement.until));
        let text = format!(
            "the agreement with organisation {organisation} ends on {until}, before the first run: its branches take no part; renew it"
        );
        fault("charter.agreement", text);
    }
    found
}

/// Every text that the author wrote, by its key.
fn texts(plan: &Plan) -> Vec<(&'static str, &Untrusted)> {
    let charter = &plan.charter;
    let mut texts = vec![
        ("plan.name", &plan.name),
        ("plan.purpose", &plan.purpose),
        ("charter.legal_basis", &charter.legal_basis),
        ("charter.assessment_reference", &charter.assessment.reference),
        ("charter.ticket", &charter.ticket),
        ("charter.intended_use", &charter.intended_use),
        ("charter.prohibited_use", &charter.prohibited_use),
    ];
    texts.extend(charter.data_assets.iter().map(|asset| ("charter.data_assets", asset)));
    texts.extend(charter.agreements.iter().map(|agreement| ("charter.agreement", &agreement.reference)));
    texts.extend(plan.gates.limits.iter().map(|gate| ("gates.label", &gate.label)));
    texts.extend(charter.year.iter().map(|share| ("charter.year_kind", &share.kind)));
    texts
}

fn asked(plan: &Plan, beside: Beside<'_>, predicted: Option<&Prediction>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut ask = |key: &str, text: String| found.push(finding(Level::Ask, key, text));
    let (schedule, charter, cohort) = (&plan.schedule, &plan.charter, plan.cohort);
    if let Some(unit) = plan.privacy.unit() {
        let runs = u64::from(plan.runs);
        let all = epsilon_of_runs(plan, unit, runs.min(runs_within_cap(plan).max(1)));
        if all > EPSILON_ASKED {
            let text = format!(
                "all runs may cost a {} epsilon {}; above {EPSILON_ASKED} the promise says little: ask why",
                unit.name(),
                figure(all)
            );
            ask("plan.epsilon", text);
        }
        if runs_within_cap(plan) < runs {
            let text = format!(
                "the cap ends the plan after {} of {}, if each costs what it may at most",
                runs_within_cap(plan),
                counted(runs, "run")
            );
            ask("schedule.epsilon_all_runs", text);
        }
        #[expect(clippy::cast_precision_loss, reason = "2^40 is exact in a double")]
        let customers = plan.customers_nominal as f64;
        if plan.delta() * customers >= 1.0 {
            let text = "at this delta the statement would allow that one customer's data is revealed in full";
            ask("plan.delta", text.into());
        }
    }
    let noise = predicted.and_then(|predicted| noise::asked(plan, predicted));
    for (key, text) in noise.into_iter().chain(counted::asked(plan)) {
        ask(key, text);
    }
    for (key, text) in staged::asked(plan).into_iter().chain(gates::asked(plan)) {
        ask(key, text);
    }
    match beside.slowest_ms {
        Some(slowest) if slowest > plan.upload_offset_ms => ask(
            "plan.upload_offset_ms",
            format!(
                "the slowest branch takes {slowest} ms and uploads leave after {} ms: the time of its upload tells about its rows; raise it above {slowest}",
                plan.upload_offset_ms
            ),
        ),
        Some(_) => {}
        None => ask(
            "plan.upload_offset_ms",
            format!(
                "nobody has said how long the slowest branch takes (--slowest-ms); an offset of {} ms hides nothing of a branch that takes longer",
                plan.upload_offset_ms
            ),
        ),
    }
    match plan.readiness.as_of {
        AsOf::Undeclared => ask(
            "schedule.as_of",
            "no day is declared of which the data must be, so that a branch may take part with last month's file; name one".into(),
        ),
        AsOf::Day(date) if plan.runs > 1 => ask(
            "schedule.as_of",
            format!("all {} runs want data of the same day, {date}; ask whether \"month-end\" is meant", plan.runs),
        ),
        AsOf::Day(_) | AsOf::MonthEnd | AsOf::DaysBefore { .. } => {}
    }
    if cohort.organisations_min < 2 && !charter.agreements.is_empty() {
        let text =
            "partners take part, and a round of one organisation alone is allowed; ask why organisations_min is 1";
        ask("plan.cohort.organisations_min", text.into());
    }
    for agreement in charter.agreements.iter().filter(|agreement| agreement.until < schedule.not_after) {
        if agreement.until >= schedule.not_before {
            let (organisation, until) = (agreement.organisation, day(agreement.until));
            ask(
                "charter.agreement",
                format!("the agreement with organisation {organisation} ends on {until}, before the plan does"),
            );
        }
    }
    if charter.review_by > schedule.not_before.saturating_add(YEAR) {
        ask(
            "charter.review_by",
            format!("the review is on {}, more than a year after the first run", day(charter.review_by)),
        );
    }
    if charter.assessment.at.saturating_add(YEAR) < schedule.not_before {
        ask(
            "charter.assessment_date",
            format!("the assessment of {} is older than a year at the first run", day(charter.assessment.at)),
        );
    }
    if charter.assessment.at > schedule.not_after {
        ask(
            "charter.assessment_date",
            format!("the assessment is dated {}, after the plan's end", day(charter.assessment.at)),
        );
    }
    found
}

fn questions(
    plan: &Plan,
    slowest_ms: Option<u64>,
    (differences, predicted): (Option<&Differences>, Option<&Prediction>),
) -> Vec<Question> {
    let mut questions = Vec::new();
    let mut answer =
        |asked: &'static str, answer: String| questions.push(Question { asked, answer: Printable::new(&answer) });
    answer(
        "What is it for, and what not?",
        format!("{}; not: {}", plan.charter.intended_use, plan.charter.prohibited_use),
    );
    match plan.privacy {
        PrivacyMode::None => answer(
            "What may it cost?",
            "there is no noise, so that no epsilon bounds what is learned of anybody".into(),
        ),
        _ => {
            for unit in [plan.privacy.unit(), (plan.privacy == PrivacyMode::Branch).then_some(Unit::Customer)]
                .into_iter()
                .flatten()
            {
                answer("What may it cost?", cost(plan, unit));
            }
            answer("How strong is the noise?", multipliers(plan));
            if let Some(predicted) = predicted {
                answer(
                    "What will the noise leave of the model?",
                    format!("predicted from public numbers: {}", noise::in_words(predicted)),
                );
            }
        }
    }
    answer("When does the plan end?", end(plan));
    answer("Of which day are the data, and who must be ready?", readiness(plan));
    let cohort = plan.cohort;
    answer(
        "How few may be in one sum?",
        format!(
            "{} branches in a round, of so many organisations at least: {}; {} in a thousand of them must survive, and {} honest ones carry the noise",
            cohort.cohort_min, cohort.organisations_min, cohort.survivors_permille, cohort.honest_min
        ),
    );
    let kept = plan.retention;
    let uploads = if kept.uploads_dimension_max == 0 { "no masked uploads" } else { "masked uploads of short rounds" };
    let sums = if kept.sums { "opened sums" } else { "no opened sums" };
    answer(
        "What is kept, and for how long?",
        format!("{uploads} and {sums}, for {} after the end of a run", counted(kept.days, "day")),
    );
    let measured = slowest_ms.map_or("nobody measured the slowest branch".into(), |slowest| {
        format!("the slowest branch takes {slowest} ms")
    });
    answer(
        "Does the time of an upload tell something?",
        format!("uploads leave {} ms after the start of a round; {measured}", plan.upload_offset_ms),
    );
    let charter = &plan.charter;
    answer(
        "Who has weighed it?",
        format!(
            "{}, of {}; ticket {}; review by {}",
            charter.assessment.reference,
            day(charter.assessment.at),
            charter.ticket,
            day(charter.review_by)
        ),
    );
    answer("What must a model hold before branches use it?", gates::in_words(&plan.gates));
    let weaker = match differences {
        None => "no last plan was named (--last)".to_owned(),
        Some(differences) if differences.weaker().next().is_none() => "nothing".to_owned(),
        Some(differences) => differences.weaker().map(|one| one.label.clone()).collect::<Vec<_>>().join("; "),
    };
    answer("What is weaker than in the last plan?", weaker);
    questions
}

fn cost(plan: &Plan, unit: Unit) -> String {
    let of = |runs: u64| figure(epsilon_of_runs(plan, unit, runs));
    let years: Vec<String> = RUNS_SHOWN.iter().map(|runs| format!("{} for {runs}", of(*runs))).collect();
    let (who, delta, runs) = (unit.name(), plan.delta(), plan.runs);
    format!(
        "a {who}: epsilon {} for one run, {} for all {runs}; {} if it ran so often; at delta {delta:e}",
        of(1),
        of(runs.into()),
        years.join(", ")
    )
}

fn multipliers(plan: &Plan) -> String {
    let multiplier = |stage: &tributary_protocol::plan::Stage| {
        figure(tributary_model::stage::noise_multiplier(stage.noise_variance, stage.sensitivity_squared))
    };
    let stages: Vec<String> = plan.stages.iter().map(|stage| format!("{} {}", stage.kind, multiplier(stage))).collect();
    format!("noise multiplier of each stage: {}", stages.join(", "))
}

fn end(plan: &Plan) -> String {
    let (runs, fit) = (u64::from(plan.runs), runs_within_cap(plan));
    let by_cap = if fit < runs { format!(", or by its cap after {fit} of the dearest runs") } else { String::new() };
    let last = plan.schedule.not_after.min(plan.charter.review_by);
    format!("after {}{by_cap}; no run begins after {}", counted(runs, "run"), day(last))
}

fn readiness(plan: &Plan) -> String {
    let joined = match plan.readiness.ready_min {
        0 => "a run begins with as many branches as a cohort needs".to_owned(),
        least => format!("a run begins when {least} branches have joined"),
    };
    format!("{}; {joined}", as_of_words(plan.readiness.as_of))
}

/// For a terminal.
impl fmt::Display for Lint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(warning) = &self.warning {
            writeln!(out, "{warning}")?;
        }
        for finding in &self.findings {
            writeln!(out, "{finding}")?;
        }
        if self.findings.is_empty() {
            writeln!(out, "no fault, and nothing that must be asked")?;
        }
        writeln!(out)?;
        for question in &self.questions {
            writeln!(out, "{}\n    {}", question.asked, question.answer)?;
        }
        if let Some(differences) = &self.differences {
            write!(out, "\n{differences}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
