//! A branch's budget, for people.

use std::fmt;

use super::{BranchBudget, Budget, CapRaiseNote, PlanBudget, RunBudget, StageBudget, YearBudget};

impl fmt::Display for Budget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "Budget of {} (delta {:e})", self.population, self.delta)?;
        let (spent, reserved) = (self.epsilon_spent, self.epsilon_reserved);
        let life = part(spent, reserved, (self.epsilon_cap, self.epsilon_left));
        account(out, "customers", &life, &self.year, self.epsilon_plan_cap)?;
        if let Some(branch) = &self.branch {
            let BranchBudget { epsilon_spent, epsilon_reserved, epsilon_cap, epsilon_left, year, epsilon_plan_cap } =
                branch;
            let [most, plan] = [epsilon_cap, epsilon_plan_cap].map(|cap| cap.unwrap_or_default());
            let life = part(*epsilon_spent, *epsilon_reserved, (most, *epsilon_left));
            account(out, "branch", &life, year, plan)?;
        }
        writeln!(out, "  own noise  {}", self.own_noise)?;
        writeln!(out, "  today      {} of {} rounds within 24 hours", self.rounds_today, self.rounds_a_day)?;
        let head = self.head.as_deref().unwrap_or("none signed yet");
        writeln!(out, "  head       counter {}, digest {head}", self.counter)?;
        if self.awaits_head {
            writeln!(out, "  awaits     the newest head, which the coordinator has to show; nothing is spent before")?;
        }
        if self.heads_adopted > 0 {
            writeln!(
                out,
                "  restored   {} times the file was an older copy; what it had forgotten is counted",
                self.heads_adopted
            )?;
        }
        for raise in &self.cap_raises {
            let CapRaiseNote { epsilon_life_before, epsilon_life, epsilon_year_before, epsilon_year, officer, .. } =
                raise;
            writeln!(
                out,
                "  DEVIATION  the caps were raised: {epsilon_life_before} to {epsilon_life} for life, {epsilon_year_before} to {epsilon_year} in a \
                 year, by the owner and {officer}; ticket {}: {}",
                raise.ticket, raise.reason
            )?;
        }
        if self.plans.is_empty() {
            writeln!(out, "  no plan was admitted yet")?;
        }
        self.plans.iter().try_for_each(|plan| plan_lines(out, plan))?;
        if self.runs_of_unknown_plans > 0 {
            writeln!(
                out,
                "  others     {} runs of plans whose terms this file does not have; what they cost is counted above",
                self.runs_of_unknown_plans
            )?;
        }
        Ok(())
    }
}

fn part(spent: Option<f64>, reserved: Option<f64>, (cap, left): (f64, f64)) -> String {
    format!("epsilon {} spent and {} reserved of {cap:.6}, {left:.6} left", shown(spent), shown(reserved))
}

/// What one unit of privacy has spent: for life, in a year, and when that falls.
fn account(out: &mut fmt::Formatter<'_>, unit: &str, life: &str, year: &YearBudget, plan: f64) -> fmt::Result {
    let YearBudget { epsilon_spent, epsilon_reserved, epsilon_cap, epsilon_left, falls } = year;
    writeln!(out, "  {unit:<10} for life: {life}; {plan:.6} at most for one plan")?;
    let in_year = part(*epsilon_spent, *epsilon_reserved, (*epsilon_cap, *epsilon_left));
    writeln!(out, "             in a year: {in_year}")?;
    match falls {
        Some(fall) => writeln!(
            out,
            "             the year's spend falls next on {}: epsilon {} of it counts then",
            fall.day,
            shown(fall.epsilon_spent)
        ),
        None => Ok(()),
    }
}

fn plan_lines(out: &mut fmt::Formatter<'_>, plan: &PlanBudget) -> fmt::Result {
    let PlanBudget { name, purpose, mode, .. } = plan;
    writeln!(out, "  plan       \"{name}\" for {purpose}, mode {mode} ({})", plan.plan)?;
    plan.runs.iter().try_for_each(|run| run_lines(out, run))?;
    let runs = match plan.runs.len() {
        1 => "1 run".to_owned(),
        runs => format!("{runs} runs together"),
    };
    let branch = match plan.epsilon_branch_spent {
        Some(epsilon) => format!(", and {epsilon:.6} for the branch as one unit"),
        None => String::new(),
    };
    writeln!(out, "    in all   {runs}: epsilon {}{branch}", shown(plan.epsilon_spent))?;
    let [first, ..] = plan.runs.as_slice() else { return Ok(()) };
    let stages = |left: fn(&StageBudget) -> Option<u64>| {
        let stages = first.stages.iter().map(|stage| format!("{} of {}", many(left(stage), "round"), stage.kind));
        stages.collect::<Vec<_>>().join(", ")
    };
    let (life, year) = (stages(|stage| stage.rounds_left_for_life), stages(|stage| stage.rounds_left_for_year));
    let [for_life, for_year] =
        [plan.runs_left_for_life, plan.runs_left_for_year].map(|runs| many(runs, "more whole run"));
    writeln!(out, "    for life the budget pays for {for_life}; or, of one stage alone, for {life}")?;
    writeln!(out, "    in a year it pays for {for_year}; or, of one stage alone, for {year}")
}

fn run_lines(out: &mut fmt::Formatter<'_>, run: &RunBudget) -> fmt::Result {
    let stages = run.stages.iter().map(|stage| format!("{} {} of {}", stage.kind, stage.charged, stage.rounds));
    let stages: Vec<String> = stages.collect();
    let left = match run.ended {
        true => "it is over here".to_owned(),
        false => format!("{} in the run", counted(run.rounds_left.into(), "more round")),
    };
    writeln!(
        out,
        "    run {:<4} {}; {} of {} retries used, {left}: epsilon {} of at most {}",
        run.number,
        stages.join(", "),
        run.retries_used,
        run.retries,
        shown(run.epsilon_spent),
        shown(run.epsilon_max)
    )?;
    if let Some(most) = run.epsilon_branch_max {
        let spent = shown(run.epsilon_branch_spent);
        writeln!(out, "             for the branch as one unit: epsilon {spent} of at most {most:.6}")?;
    }
    Ok(())
}

fn shown(epsilon: Option<f64>) -> String {
    epsilon.map_or_else(|| "unbounded".to_owned(), |epsilon| format!("{epsilon:.6}"))
}

fn many(number: Option<u64>, one: &str) -> String {
    number.map_or_else(|| format!("any number of {one}s"), |number| counted(number, one))
}

fn counted(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}
