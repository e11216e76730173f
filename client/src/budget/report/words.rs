//! A branch's budget, for people.

use tributary_texts::{Said, budget as words};

use super::{BranchBudget, Budget, CapRaiseNote, PlanBudget, RunBudget, StageBudget, YearBudget};

impl Budget {
    /// Line by line.
    #[must_use]
    pub fn said(&self) -> Said {
        let mut lines = vec![words::budget_of(&self.population, format!("{:e}", self.delta))];
        let (spent, reserved) = (self.epsilon_spent, self.epsilon_reserved);
        let life = part(spent, reserved, (self.epsilon_cap, self.epsilon_left));
        account(&mut lines, words::of_customers(), life, &self.year, self.epsilon_plan_cap);
        if let Some(branch) = &self.branch {
            let BranchBudget { epsilon_spent, epsilon_reserved, epsilon_cap, epsilon_left, year, epsilon_plan_cap } =
                branch;
            let [most, plan] = [epsilon_cap, epsilon_plan_cap].map(|cap| cap.unwrap_or_default());
            let life = part(*epsilon_spent, *epsilon_reserved, (most, *epsilon_left));
            account(&mut lines, words::of_branch(), life, year, plan);
        }
        lines.push(words::own_noise(self.own_noise));
        lines.push(words::today(self.rounds_today, self.rounds_a_day));
        let head = self.head.as_ref().map_or_else(words::no_head, Said::verbatim);
        lines.push(words::head(self.counter, head));
        if self.awaits_head {
            lines.push(words::awaits());
        }
        if self.heads_adopted > 0 {
            lines.push(words::restored(self.heads_adopted));
        }
        lines.extend(self.cap_raises.iter().map(deviation));
        if self.plans.is_empty() {
            lines.push(words::no_plan());
        }
        self.plans.iter().for_each(|plan| plan_lines(&mut lines, plan));
        if self.runs_of_unknown_plans > 0 {
            lines.push(words::others(self.runs_of_unknown_plans));
        }
        Said::joined(&lines, "\n")
    }
}

fn deviation(raise: &CapRaiseNote) -> Said {
    let CapRaiseNote { epsilon_life_before, epsilon_life, epsilon_year_before, epsilon_year, officer, .. } = raise;
    let (ticket, reason) = (&raise.ticket, &raise.reason);
    words::deviation(epsilon_life_before, epsilon_life, epsilon_year_before, epsilon_year, officer, ticket, reason)
}

fn part(spent: Option<f64>, reserved: Option<f64>, (cap, left): (f64, f64)) -> Said {
    words::part(shown(spent), shown(reserved), format!("{cap:.6}"), format!("{left:.6}"))
}

/// What one unit of privacy has spent: for life, in a year, and when that falls.
fn account(lines: &mut Vec<Said>, unit: Said, life: Said, year: &YearBudget, plan: f64) {
    let YearBudget { epsilon_spent, epsilon_reserved, epsilon_cap, epsilon_left, falls } = year;
    lines.push(words::for_life(unit, life, format!("{plan:.6}")));
    lines.push(words::in_year(part(*epsilon_spent, *epsilon_reserved, (*epsilon_cap, *epsilon_left))));
    if let Some(fall) = falls {
        lines.push(words::year_falls(&fall.day, shown(fall.epsilon_spent)));
    }
}

fn plan_lines(lines: &mut Vec<Said>, plan: &PlanBudget) {
    let PlanBudget { name, purpose, mode, .. } = plan;
    lines.push(words::plan(name, purpose, mode, &plan.plan));
    plan.runs.iter().for_each(|run| run_lines(lines, run));
    let runs = match plan.runs.len() {
        1 => words::one_run(),
        runs => words::runs_together(runs),
    };
    let branch = plan.epsilon_branch_spent.map(|epsilon| words::and_branch(format!("{epsilon:.6}")));
    lines.push(words::in_all(runs, shown(plan.epsilon_spent), branch.unwrap_or_else(Said::empty)));
    let [first, ..] = plan.runs.as_slice() else { return };
    let stages = |left: fn(&StageBudget) -> Option<u64>| {
        let stages = first.stages.iter().map(|stage| words::stage_rounds(rounds(left(stage)), &stage.kind));
        Said::joined(&stages.collect::<Vec<_>>(), ", ")
    };
    let (life, year) = (stages(|stage| stage.rounds_left_for_life), stages(|stage| stage.rounds_left_for_year));
    lines.push(words::pays_for_life(whole_runs(plan.runs_left_for_life), life));
    lines.push(words::pays_in_year(whole_runs(plan.runs_left_for_year), year));
}

fn run_lines(lines: &mut Vec<Said>, run: &RunBudget) {
    let stages = run.stages.iter().map(|stage| words::stage_charged(&stage.kind, stage.charged, stage.rounds));
    let stages = Said::joined(&stages.collect::<Vec<_>>(), ", ");
    let left = match (run.ended, run.rounds_left) {
        (true, _) => words::run_over(),
        (false, 1) => words::left_in_run(words::one_more_round()),
        (false, rounds) => words::left_in_run(words::more_rounds(rounds)),
    };
    let number = format!("{:<4}", run.number);
    let (spent, most) = (shown(run.epsilon_spent), shown(run.epsilon_max));
    lines.push(words::run(number, stages, run.retries_used, run.retries, left, spent, most));
    if let Some(most) = run.epsilon_branch_max {
        lines.push(words::run_branch(shown(run.epsilon_branch_spent), format!("{most:.6}")));
    }
}

fn shown(epsilon: Option<f64>) -> Said {
    epsilon.map_or_else(words::unbounded, |epsilon| Said::verbatim(format!("{epsilon:.6}")))
}

fn rounds(number: Option<u64>) -> Said {
    match number {
        None => words::any_rounds(),
        Some(1) => words::one_round(),
        Some(count) => words::rounds(count),
    }
}

fn whole_runs(number: Option<u64>) -> Said {
    match number {
        None => words::any_runs(),
        Some(1) => words::one_more_run(),
        Some(count) => words::more_runs(count),
    }
}
