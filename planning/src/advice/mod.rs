//! Which method, how many rounds and how many runs suit so many customers, from public numbers alone.
//!
//! Every candidate becomes a plan, with its real noise, and [`crate::Prediction`] judges it. No table of data sets is looked up.

mod answer;
mod candidate;
mod question;
mod scene;
mod text;

use tributary_model::privacy::epsilon_of;
use tributary_model::year::charge_of_run;
use tributary_protocol::limits::COHORT_MIN;
use tributary_protocol::privacy::RdpVector;

pub use self::answer::{Advice, BITS_A_SECOND, Change, Choice, Help, Method, Verdict, WAY_SECONDS};
use self::candidate::{Candidate, best, preferred};
pub use self::question::{AdviceFault, BRANCHES_MAX, Budget, Question};
pub use self::scene::{FIELDS_MAX, Scene};
pub use self::text::plan_toml;

/// Runs of a year that are tried, the most first.
const RUNS_TRIED: [u32; 5] = [12, 6, 4, 2, 1];

/// Answers.
///
/// # Errors
/// [`AdviceFault`].
pub fn advise(question: &Question<'_>) -> Result<Advice, AdviceFault> {
    check(question)?;
    let at = |epsilon: f64| Candidate::all(question, epsilon);
    let (epsilon, runs, choices) = match question.budget {
        Budget::Run(epsilon) => (epsilon, None, at(epsilon)?),
        Budget::Year { epsilon, runs: Some(runs) } => {
            let own = of_run(epsilon, runs, question.delta)?;
            (own, Some(runs), at(own)?)
        }
        Budget::Year { epsilon, runs: None } => {
            let mut tried = None;
            // As often as it goes with good lists; else once.
            for runs in RUNS_TRIED {
                let own = of_run(epsilon, runs, question.delta)?;
                let choices = at(own)?;
                let good = best(&choices).is_some_and(|own| Verdict::of(&own.predicted) >= Verdict::Good);
                tried = Some((own, Some(runs), choices));
                if good {
                    break;
                }
            }
            tried.ok_or(AdviceFault::Runs { epsilon, runs: 1 })?
        }
    };
    let none = || AdviceFault::Plan("no method fits".into());
    let proposed = preferred(&choices).ok_or_else(none)?.clone();
    let verdict = best(&choices).map(|own| Verdict::of(&own.predicted)).ok_or_else(none)?;
    let others = Method::ALL.into_iter().filter(|method| *method != proposed.method);
    let others = others.filter_map(|method| best(choices.iter().filter(|own| own.method == method)).cloned());
    Ok(Advice {
        customers: question.customers,
        branches: question.branches,
        fields: question.scene.schema().fields().len(),
        epsilon,
        delta: question.delta,
        runs_a_year: runs,
        epsilon_year: match question.budget {
            Budget::Year { epsilon, .. } => Some(epsilon),
            Budget::Run(_) => None,
        },
        verdict,
        others: others.collect(),
        next: verdict.next().and_then(|next| Some((next, customers_for(question, epsilon, next)?))),
        helps: helps(question, epsilon),
        proposed,
    })
}

fn check(question: &Question<'_>) -> Result<(), AdviceFault> {
    let Question { customers, branches, delta, .. } = *question;
    if (branches as usize) < COHORT_MIN {
        return Err(AdviceFault::FewBranches(branches));
    }
    if branches > BRANCHES_MAX {
        return Err(AdviceFault::ManyBranches(branches));
    }
    if customers < u64::from(branches) {
        return Err(AdviceFault::FewCustomers { customers, branches });
    }
    let most = 1.0 / customers as f64;
    if delta >= most {
        return Err(AdviceFault::Delta { delta, customers, most });
    }
    Ok(())
}

/// The largest epsilon of which so many runs stay within a year's.
fn of_run(epsilon: f64, runs: u32, delta: f64) -> Result<f64, AdviceFault> {
    let charges = |own: f64| charge_of_run(own, delta) != RdpVector::zero();
    let fits = |own: f64| epsilon_of(&charge_of_run(own, delta).times(runs.into()), delta).0 <= epsilon;
    let (mut low, mut high) = (0.0, epsilon);
    if fits(high) && charges(high) {
        return Ok(high);
    }
    for _ in 0..40 {
        let middle = (low + high) / 2.0;
        if fits(middle) { low = middle } else { high = middle }
    }
    // As people write it.
    let written = (low * 1000.0).floor() / 1000.0;
    if charges(written) { Ok(written) } else { Err(AdviceFault::Runs { epsilon, runs }) }
}

/// For how many customers the best choice reaches the verdict: to one digit or two, and rounded up.
fn customers_for(question: &Question<'_>, epsilon: f64, verdict: Verdict) -> Option<u64> {
    let reaches = |customers: u64| {
        let asked = Question { customers, delta: question.delta.min(0.1 / customers as f64), ..*question };
        let choices = Candidate::all(&asked, epsilon).unwrap_or_default();
        best(&choices).is_some_and(|choice| Verdict::of(&choice.predicted) >= verdict)
    };
    let most = question.customers.checked_mul(1024)?.min(1 << 38);
    let (mut low, mut high) = (question.customers, question.customers.checked_mul(2)?);
    while !reaches(high) {
        (low, high) = (high, high.checked_mul(2)?);
        if high > most {
            return None;
        }
    }
    for _ in 0..3 {
        let middle = low + (high - low) / 2;
        if reaches(middle) { high = middle } else { low = middle }
    }
    let unit = 10_u64.pow(high.max(1).ilog10().saturating_sub(1));
    Some(high.div_ceil(unit) * unit)
}

fn helps(question: &Question<'_>, epsilon: f64) -> Vec<Help> {
    let auc = |question: &Question<'_>, epsilon: f64| {
        let choices = Candidate::all(question, epsilon).ok()?;
        best(&choices).map(|choice| choice.predicted.auc)
    };
    let Question { customers, branches, delta, .. } = *question;
    let more = Question {
        customers: customers.saturating_mul(2),
        branches: branches.saturating_mul(2).min(BRANCHES_MAX),
        delta: delta.min(0.1 / customers as f64),
        ..*question
    };
    // Fields that are left out are not known: what half as many fields gain where all are as wide as the mean one.
    let own = auc(question, epsilon);
    let on = |scene: Option<Scene>| scene.and_then(|scene| auc(&Question { scene: &scene, ..*question }, epsilon));
    let gained = on(question.scene.alike(2)).zip(on(question.scene.alike(1))).map(|(half, whole)| half - whole);
    let local = Candidate::LOCAL.choice(question, epsilon).ok().map(|choice| choice.predicted.auc);
    let helps = [
        (Change::MoreBranches, (more.branches > branches).then(|| auc(&more, epsilon)).flatten()),
        (Change::FewerFields, own.zip(gained).map(|(own, gained)| own + gained)),
        (Change::LargerEpsilon, auc(question, (2.0 * epsilon).min(100.0))),
        (Change::ModeLocal, local),
    ];
    helps.into_iter().filter_map(|(change, auc)| Some(Help { change, auc: auc? })).collect()
}

#[cfg(test)]
mod tests;
