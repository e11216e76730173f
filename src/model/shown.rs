//! Models of the registry in words.

use tributary_certs::inspect::date;
use tributary_coordinator::registry::{CopyLine, ModelLine, StatementLine};

/// Every model, a line each.
pub(super) fn list(models: &[ModelLine]) {
    if models.is_empty() {
        println!("the registry has no model yet: a run registers its model when it is over");
    }
    for model in models {
        let ModelLine { model, state, purpose, plan_name, run, .. } = model;
        println!("{}  {state:<10}  \"{purpose}\", run {run} of plan \"{plan_name}\"", &model[..16]);
    }
}

/// One model, and what was stated about it.
pub(super) fn one(line: &ModelLine) {
    let ModelLine { model, state, purpose, parameters, parent, plan, plan_name, run, owner, rounds, .. } = line;
    println!("model       {model}\nstate       {state}\npurpose     \"{purpose}\"");
    let whole = if line.complete { "all rounds of the plan" } else { "fewer rounds than the plan has" };
    println!("plan        \"{plan_name}\" ({plan}), run {run}\nrounds      {rounds}, {whole}\nowner       {owner}");
    println!("parameters  {parameters}");
    match parent {
        Some(parent) => println!("parent      {parent}"),
        None => println!("parent      none: its run began from no registered model"),
    }
    println!("folder      {}", line.folder);
    if line.statements.is_empty() {
        println!("nobody has stated anything about it: branches do not use it");
    }
    for statement in &line.statements {
        let StatementLine { sequence, step, signed, at, evidence, reason, validator, valid_until, branches, share } =
            statement;
        println!("statement {sequence}  {step}, by {}, {}", signed.join(" and "), date(*at));
        println!("  reason    {reason}");
        if let Some(share) = share {
            println!("  share     {} of the customers", tributary_planning::gates::percent((*share).into()));
        }
        for branch in branches {
            println!("  branch    {branch}");
        }
        if let Some(evidence) = evidence {
            println!("  evidence  {evidence}");
        }
        if let (Some(validator), Some(until)) = (validator, valid_until) {
            println!("  validated by {validator}, until {}", date(*until));
        }
    }
}

/// Who has a copy.
pub(super) fn copies(model: &ModelLine, copies: &[CopyLine]) {
    println!("model {}  {}", &model.model[..16], model.state);
    if copies.is_empty() {
        println!("no branch is enrolled yet: the roster has no entry");
    }
    for CopyLine { branch, state, at, owes_acknowledgement } in copies {
        let state = match (*state, owes_acknowledgement) {
            (None, false) => "has not said yet".to_owned(),
            (None, true) => "HAS NOT ACKNOWLEDGED the withdrawal; it is told when it connects".to_owned(),
            (Some(state), true) => {
                format!("{state} when it was heard last, and HAS NOT ACKNOWLEDGED the withdrawal")
            }
            (Some("refused"), false) => "has no copy, and refuses the model from now on".to_owned(),
            (Some("deleted"), false) => "has deleted its copy".to_owned(),
            (Some("absent"), false) => "has heard of it, and keeps no copy".to_owned(),
            (Some(_), false) => "keeps a copy".to_owned(),
        };
        match at {
            Some(at) => println!("  {branch}  {state} ({})", date(*at)),
            None => println!("  {branch}  {state}"),
        }
    }
    let owing = copies.iter().filter(|copy| copy.owes_acknowledgement).count();
    if owing > 0 {
        println!("{owing} branches have not acknowledged the withdrawal: see that they run and connect");
    }
}
