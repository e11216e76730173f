//! A branch's budget, for people.

use std::fmt;

use super::{BranchBudget, Budget, PlanBudget, RunBudget};

impl fmt::Display for Budget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "Budget of {} (delta {:e})", self.population, self.delta)?;
        writeln!(
            out,
            "  customers  epsilon {} spent of {:.6}, {:.6} left; {:.6} at most for one plan",
            shown(self.epsilon_spent),
            self.epsilon_cap,
            self.epsilon_left,
            self.epsilon_plan_cap
        )?;
        if let Some(BranchBudget { epsilon_spent, epsilon_cap, epsilon_left, epsilon_plan_cap }) = &self.branch {
            let [life, plan] = [epsilon_cap, epsilon_plan_cap].map(|cap| cap.unwrap_or_default());
            writeln!(
                out,
                "  branch     epsilon {} spent of {life:.6}, {epsilon_left:.6} left; {plan:.6} at most for one plan",
                shown(*epsilon_spent)
            )?;
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
    let stages = first.stages.iter();
    let stages = stages.map(|stage| format!("{} of {}", many(stage.rounds_left_for_life, "round"), stage.kind));
    let stages: Vec<String> = stages.collect();
    let runs = many(plan.runs_left_for_life, "more whole run");
    let stages = stages.join(", ");
    writeln!(out, "    for life the budget pays for {runs}; or, of one stage alone, for {stages}")
}

fn run_lines(out: &mut fmt::Formatter<'_>, run: &RunBudget) -> fmt::Result {
    let stages = run.stages.iter().map(|stage| format!("{} {} of {}", stage.kind, stage.charged, stage.rounds));
    let stages: Vec<String> = stages.collect();
    writeln!(
        out,
        "    run {:<4} {}; {} of {} retries used, {} in the run: epsilon {} of at most {}",
        run.number,
        stages.join(", "),
        run.retries_used,
        run.retries,
        counted(run.rounds_left.into(), "more round"),
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
