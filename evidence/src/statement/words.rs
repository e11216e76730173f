//! The statement in words. One text for each mode; nobody edits it freely.

use std::fmt::{Formatter, Result};

use tributary_protocol::plan::{Plan, PrivacyMode};

use super::parts::{Figures, Protection, Release, Statement};
use super::stated::Stated;

pub(super) fn unit(plan: &Plan) -> String {
    match plan.privacy {
        PrivacyMode::Customer | PrivacyMode::Local => "the customer, with all rows that a branch holds of it".into(),
        PrivacyMode::Branch => "the branch, with everything that it holds".into(),
        PrivacyMode::None => "none".into(),
    }
}

pub(super) fn neighbours(plan: &Plan) -> String {
    match plan.privacy {
        PrivacyMode::Customer | PrivacyMode::Local => {
            "one customer added or removed, with all rows, everything else equal; the number of customers is not public"
                .into()
        }
        PrivacyMode::Branch => {
            "one branch's contribution replaced by none, everything else equal; which branches take part is public"
                .into()
        }
        PrivacyMode::None => "none".into(),
    }
}

pub(super) fn claim(plan: &Plan, figures: &Figures) -> String {
    let (Some(epsilon), Some(delta)) = (figures.epsilon_plan, figures.delta) else {
        return "Nothing is promised about a customer beyond secure aggregation: whoever has the sums and the models can learn from them \
                what they hold."
            .into();
    };
    let whom = match plan.privacy {
        PrivacyMode::Branch => "the data of a given branch was used",
        _ => "a given customer was in the data, or what was in its rows",
    };
    let what = match plan.privacy {
        PrivacyMode::Local => "everything that one branch ever sends under this plan, masks or no masks",
        _ => "everything that leaves the branches under this plan, every released model included",
    };
    let customers = match (figures.epsilon_customer_plan, figures.epsilon_customer_spent) {
        (Some(most), Some(spent)) => format!(
            " For one customer of a branch it is epsilon = {most:.4}, of which this run has spent {spent:.4}: a customer can move a branch's clipped \
             difference by twice its bound."
        ),
        _ => String::new(),
    };
    format!(
        "Whoever sees {what}, learns at most (epsilon = {epsilon:.4}, delta = {delta:e}) about whether {whom}; \
         this run has spent {spent:.4} of it so far.{customers}",
        spent = figures.epsilon_spent.unwrap_or_default()
    )
}

pub(super) fn content(stage: &Stated<'_>) -> &'static str {
    stage
        .settings
        .map_or("numbers of a kind that this version of the program cannot read", |settings| settings.content())
}

pub(super) fn assumptions(plan: &Plan) -> Vec<String> {
    let cohort = &plan.cohort;
    let mut list = vec![
        format!("A customer's rows are at {} at most.", branches(plan.overlap_max)),
        "The schema's bounds, the public maxima and the nominal numbers were chosen without looking at the data.".into(),
        "Branches run this software unchanged, on machines that nobody else reads.".into(),
        "The operating system's generator gives unpredictable bits; AES, SHA-256, Ed25519, X25519 and ML-KEM are not broken.".into(),
    ];
    if plan.stages.iter().any(|stage| stage.sampling_threshold > 0) {
        list.push("Each branch keeps its coins secret: who took part in a round is told to nobody.".into());
    }
    match plan.privacy {
        PrivacyMode::Local => {
            list.push("None about the coordinator or other branches: a branch's own noise carries the whole claim.".into());
        }
        PrivacyMode::Customer | PrivacyMode::Branch | PrivacyMode::None => list.push(format!(
            "Of the plan's group no more work together with the coordinator than its rule assumes{}; at least {} branches, {} per thousand of \
             a cohort and {} honest ones are in every sum that is opened.",
            if plan.privacy == PrivacyMode::None { "" } else { ", except for participants that add the whole noise by themselves" },
            cohort.cohort_min,
            cohort.survivors_permille,
            cohort.honest_min
        )),
    }
    list
}

pub(super) fn not_promised(plan: &Plan) -> Vec<String> {
    let mut list = vec![
        "That a branch takes part, and when, is visible.".to_owned(),
        "What is true of many customers is learned, and can be applied to anybody.".to_owned(),
        "A branch that computes something else than it should can spoil the model.".to_owned(),
        "Releases of the same data outside this software are not counted.".to_owned(),
    ];
    match plan.privacy {
        PrivacyMode::Customer => list.push(
            "A branch's figures as a whole are no secret to whoever sees a sum in which its share is large.".to_owned(),
        ),
        PrivacyMode::Local => list.push("Nothing is promised about a branch as a whole.".to_owned()),
        PrivacyMode::Branch => list.push(
            "The claim is for a whole branch; it is meaningful for one of very many branches, and its epsilon is large for few.".to_owned(),
        ),
        PrivacyMode::None => list.push("No noise is added: nothing is promised about a customer.".to_owned()),
    }
    list
}

fn branches(count: u16) -> String {
    if count == 1 { "one branch".into() } else { format!("{count} branches") }
}

pub(super) fn print(statement: &Statement, out: &mut Formatter<'_>) -> Result {
    let Statement { plan_name, plan, run, runs, purpose, mode, unit, neighbours, claim, figures, .. } = statement;
    writeln!(out, "Privacy statement of plan \"{plan_name}\" ({plan})")?;
    writeln!(out, "  run         {run} of {runs}")?;
    writeln!(out, "  purpose     {purpose}; not for {}", statement.prohibited_use)?;
    writeln!(out, "  legal basis {}; impact assessment {}", statement.legal_basis, statement.assessment)?;
    writeln!(
        out,
        "  signed by   {}, who put it forward, and {}, who approved it",
        statement.proposed_by, statement.approved_by
    )?;
    writeln!(out, "  group       \"{}\" of the signed roster, {} members", statement.group, statement.group_size)?;
    writeln!(out, "  mode        {mode}")?;
    writeln!(out, "  unit        {unit}")?;
    writeln!(out, "  neighbours  {neighbours}")?;
    if let Some(model) = &statement.model {
        writeln!(out, "  model       {model}")?;
    }
    writeln!(out, "\n{claim}\n")?;
    let figure = |value: Option<f64>| value.map_or("none".to_owned(), |value| format!("{value:.6}"));
    writeln!(out, "  epsilon, all that may be charged  {}", figure(figures.epsilon_plan))?;
    writeln!(out, "  epsilon, one run                  {}", figure(figures.epsilon_run))?;
    writeln!(out, "  epsilon, charged so far           {}", figure(figures.epsilon_spent))?;
    if let (Some(most), Some(spent)) = (figures.epsilon_customer_plan, figures.epsilon_customer_spent) {
        writeln!(out, "  for a customer of a branch        {most:.6} in all, {spent:.6} so far")?;
    }
    writeln!(out, "  the same, tight                   {}", figure(figures.epsilon_spent_tight))?;
    writeln!(out, "  if everybody else works together  {}", figure(figures.epsilon_collusion))?;
    writeln!(
        out,
        "  rounds                            {} planned, {} charged, {} may be",
        figures.rounds, figures.rounds_charged, figures.rounds_charged_max
    )?;
    if let (Some(survivors), Some(honest)) = (figures.survivors_fewest, figures.honest_fewest) {
        writeln!(out, "  smallest sum                      {survivors} branches, {honest} of them surely honest")?;
    }
    writeln!(out, "\nWhat leaves the branches")?;
    for release in &statement.releases {
        let Release { stage, kind, content, coordinates, charged, charged_max, .. } = release;
        let (noise, epsilon) = (figure(release.noise_multiplier), figure(release.epsilon_max));
        writeln!(out, "  stage {stage}, {kind}: {content}")?;
        writeln!(
            out,
            "      {coordinates} numbers a round, {charged} of at most {charged_max} rounds, noise multiplier {noise}, sampling rate {:.6}, \
             epsilon {epsilon} alone",
            release.sampling_rate
        )?;
    }
    writeln!(out, "\nWho is protected from whom")?;
    for Protection { who, against, by, epsilon_round, epsilon_run } in &statement.protections {
        writeln!(out, "  - {who}")?;
        writeln!(out, "      against  {against}")?;
        writeln!(out, "      by       {by}")?;
        writeln!(out, "      epsilon  {} in one round, {} in one run", figure(*epsilon_round), figure(*epsilon_run))?;
    }
    writeln!(out, "\nWho sees what")?;
    statement.visibility.iter().try_for_each(|line| writeln!(out, "  - {line}"))?;
    writeln!(out, "\nWhat has to be true")?;
    statement.assumptions.iter().try_for_each(|line| writeln!(out, "  - {line}"))?;
    writeln!(out, "\nWhat is not promised")?;
    statement.not_promised.iter().try_for_each(|line| writeln!(out, "  - {line}"))?;
    writeln!(out, "\nChanges: what was wrong before")?;
    statement.changes.iter().try_for_each(|line| writeln!(out, "  - {line}"))?;
    writeln!(out, "\nThe questions of NIST SP 800-226")?;
    statement
        .questions
        .iter()
        .try_for_each(|answer| writeln!(out, "  {:>2}. {}\n      {}", answer.number, answer.question, answer.answer))
}
