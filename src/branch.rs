//! What a branch's operator asks the daemon, and what its owner and its compliance officer ask of budget and policy.

use std::path::Path;

use tributary_certs::people::SigningPerson;
use tributary_client::begin::{begin_budget, change_owner};
use tributary_client::error::ClientError;
use tributary_client::init::Whose;
use tributary_client::policy::{BranchEpsilon, BranchPolicy, not_built};
use tributary_client::release::release_run;
use tributary_client::{cli, control, enrol, raise};
use tributary_planning::portrait::groups;
use tributary_protocol::digest::Digest;
use tributary_protocol::role::{Action, Role};
use tributary_protocol::round::Timing;

use crate::certs::unix_seconds;
use crate::command::{
    BudgetCommand, BudgetOptions, ClientInitOptions, EnrolOptions, PauseOptions, PolicyCommand, PreflightOptions,
    RaiseCommand, RenewOptions,
};
use crate::confirm::{Shown, group_of};
use crate::exit::{Exit, Failure};
use crate::json;

/// `tributary client budget`.
///
/// # Errors
/// If settings, policy or budget file cannot be used.
pub(crate) fn budget(options: &BudgetOptions) -> Result<Exit, Failure> {
    let now = unix_seconds().saturating_mul(1000);
    let lines = match &options.command {
        Some(BudgetCommand::Raise(RaiseCommand::Attest { file, person, confirm, out })) => {
            return attested(file, person, confirm.as_ref(), out);
        }
        Some(BudgetCommand::Begin { config, key, adopt }) => Some(begin_budget(config, key, *adopt, now)),
        Some(BudgetCommand::Owner { config, key, new }) => Some(change_owner(config, key, new, now)),
        Some(BudgetCommand::Release { config, run, key }) => Some(release_run(config, run, key, now)),
        Some(BudgetCommand::Raise(RaiseCommand::Propose { config, key, reason, ticket, out })) => {
            Some(raise::propose(config, key, raise::Grounds { reason, ticket }, out, now))
        }
        Some(BudgetCommand::Raise(RaiseCommand::Apply { file, config, roster })) => {
            Some(raise::apply(config, file, roster, now))
        }
        None => None,
    };
    if let Some(lines) = lines {
        lines.map_err(explained)?.iter().for_each(|line| println!("{line}"));
        return Ok(Exit::Done);
    }
    let config = options.config.as_ref().ok_or_else(|| Failure::usage("give --config, or begin, or owner"))?;
    let budget = cli::budget(config, now).map_err(explained)?;
    if options.json {
        json::print(&budget);
    } else {
        print!("{budget}");
    }
    Ok(Exit::Done)
}

/// `tributary client status`.
///
/// # Errors
/// If no daemon runs, or settings, policy or budget file cannot be used.
pub(crate) fn status(options: &PreflightOptions) -> Result<Exit, Failure> {
    let now = unix_seconds().saturating_mul(1000);
    let status = control::status(&options.config).map_err(explained)?;
    let budget = cli::budget(&options.config, now).map_err(explained)?;
    if options.json {
        json::print(&serde_json::json!({ "daemon": status, "budget": budget }));
        return Ok(Exit::Done);
    }
    let figure =
        |epsilon: Option<f64>| epsilon.map_or_else(|| "without limit".to_owned(), |epsilon| format!("{epsilon:.3}"));
    status.lines(now).iter().for_each(|line| println!("{line}"));
    println!(
        "budget    epsilon {} spent and {} reserved of {} for life, {:.3} left; {} of {} rounds within 24 hours",
        figure(budget.epsilon_spent),
        figure(budget.epsilon_reserved),
        budget.epsilon_cap,
        budget.epsilon_left,
        budget.rounds_today,
        budget.rounds_a_day
    );
    Ok(Exit::Done)
}

/// `tributary client pause`.
///
/// # Errors
/// If it could not be noted.
pub(crate) fn pause(options: &PauseOptions) -> Result<Exit, Failure> {
    said(options, true, control::pause(&options.config))
}

/// `tributary client resume`.
///
/// # Errors
/// If it could not be noted.
pub(crate) fn resume(options: &PauseOptions) -> Result<Exit, Failure> {
    said(options, false, control::resume(&options.config))
}

fn said(options: &PauseOptions, paused: bool, done: Result<String, ClientError>) -> Result<Exit, Failure> {
    let words = done.map_err(explained)?;
    if options.json {
        json::print(&serde_json::json!({ "paused": paused, "words": words }));
    } else {
        println!("{words}");
    }
    Ok(Exit::Done)
}

/// `tributary client budget raise attest`: the raise is shown in words, then the officer answers, then the key signs.
fn attested(file: &Path, person: &Path, confirm: Option<&Digest>, out: &Path) -> Result<Exit, Failure> {
    let proposed = raise::read_proposed(file).map_err(explained)?;
    let person = SigningPerson::open(person).map_err(Failure::failed)?;
    let digest = proposed.digest();
    proposed.words().iter().for_each(|line| println!("{line}"));
    println!(
        "\nTo be signed: {} by {} as {}, in the federation {}\nthe raise {}",
        Action::RaiseCap,
        person.staff(),
        Role::PrivacyOfficer,
        proposed.federation(),
        groups(&digest).join("-")
    );
    let shown = Shown { what: "this raise", digest, first: "Read the raise above", again: "Read the raise again" };
    shown.confirm(confirm, |entropy| vec![group_of(&digest, "raise", entropy)])?;
    proposed.attest(&person, out, unix_seconds()).map_err(explained)?;
    println!(
        "{}: signed by {}; the branch notes it (`tributary client budget raise apply`)",
        out.display(),
        person.staff()
    );
    Ok(Exit::Done)
}

/// `tributary client init`.
///
/// # Errors
/// Why nothing was written.
pub(crate) fn init(options: ClientInitOptions) -> Result<Exit, Failure> {
    let ClientInitOptions { folder, bundle, coordinator } = options;
    let whose = match (bundle, coordinator) {
        (Some(bundle), _) => Whose::Bundle(bundle),
        (None, Some(address)) => Whose::Address(address),
        (None, None) => Whose::Unknown,
    };
    let path = tributary_client::init::init(&folder, &whose).map_err(explained)?;
    println!(
        "{} is written; every key is explained in it. What it names goes beside it: the identity (`tributary client enrol`), the table, its \
         schema, and the signed policy (`tributary client policy init` and `sign`). Then `tributary config check {}`.",
        path.display(),
        path.display()
    );
    Ok(Exit::Done)
}

/// `tributary client enrol`: over the network, or one half of it without.
///
/// # Errors
/// Why nothing was installed.
pub(crate) fn enrol(options: &EnrolOptions) -> Result<Exit, Failure> {
    let EnrolOptions { bundle, out, proxy, request, install } = options;
    let installed = match (bundle, request, install) {
        (_, _, Some(answer)) => enrol::install_answer(answer, out, unix_seconds()).map_err(explained)?,
        (Some(bundle), Some(request), None) => {
            let begun = enrol::request(bundle, out, request).map_err(explained)?;
            println!(
                "{}: the request; carry it to the office (it holds the token), and install the answer with --install.\n\n    {}\n\n\
                 is the fingerprint that the office shows for it.",
                request.display(),
                begun.fingerprint
            );
            return Ok(Exit::Done);
        }
        (Some(bundle), None, None) => {
            let options = enrol::EnrolOptions { bundle: bundle.clone(), out: out.clone(), proxy: proxy.clone() };
            enrol::enrol(&options, unix_seconds, &|text| println!("{text}")).map_err(explained)?
        }
        (None, _, None) => return Err(Failure::usage("give --bundle, or --install")),
    };
    println!(
        "{}: {}, client {}. It takes part once the federation's next roster is in force. Whoever signs that may ask you for the fingerprint in {}.",
        out.display(),
        installed.identity,
        installed.client,
        out.join("fingerprint").display()
    );
    Ok(Exit::Done)
}

/// `tributary client renew`: a renewal without the office's connection, in two halves.
///
/// # Errors
/// Why nothing was made or installed.
pub(crate) fn renew(options: &RenewOptions) -> Result<Exit, Failure> {
    let RenewOptions { identity, request, install } = options;
    if let Some(answer) = install {
        let installed = enrol::install_renewal_answer(answer, identity, unix_seconds()).map_err(explained)?;
        println!(
            "{}: the certificate of {} is renewed; a running daemon takes it up by itself",
            identity.display(),
            installed.identity
        );
    } else if let Some(request) = request {
        let begun = enrol::request_renewal(identity, request).map_err(explained)?;
        println!("{}: the request; its fingerprint is\n\n    {}", request.display(), begun.fingerprint);
    }
    Ok(Exit::Done)
}

/// `tributary client policy`.
///
/// # Errors
/// If a file cannot be used, or the policy has faults or is not signed.
pub(crate) fn policy(command: &PolicyCommand) -> Result<Exit, Failure> {
    match command {
        PolicyCommand::Init { folder, schema } => {
            let path = cli::init_policy(folder, schema).map_err(explained)?;
            println!(
                "{} is written, with the schema's lines; every key is explained in it. Edit it, then have its owner read and sign it.",
                path.display()
            );
        }
        PolicyCommand::Sign { policy, key, schema } => {
            for line in cli::sign_policy(policy, key, schema).map_err(explained)? {
                println!("{line}");
            }
        }
        PolicyCommand::Show { config } => print!("{}", shown(&cli::show_policy(config).map_err(explained)?)),
    }
    Ok(Exit::Done)
}

fn shown(policy: &BranchPolicy) -> String {
    let BranchPolicy {
        population,
        epsilon_life,
        epsilon_year,
        epsilon_plan,
        delta,
        modes,
        purposes,
        terms,
        cohort,
        ..
    } = policy;
    let timing = match policy.timing {
        Timing::Plain => "plain (a vector that is late leaves when it is ready)",
        Timing::Strict => "strict (noise alone leaves in the place of a vector that is late)",
    };
    let modes: Vec<&str> = modes.iter().map(|mode| mode.name()).collect();
    let branch = policy.epsilon_branch.map_or_else(String::new, |BranchEpsilon { life, year, plan }| {
        format!("\n            {life} for life, {year} in a year, {plan} for one plan, for the branch as one unit")
    });
    format!(
        "Policy for {population}, signed by its owner\n  \
         epsilon   {epsilon_life} for life, {epsilon_year} in a year, {epsilon_plan} for one plan, at delta {delta:e}{branch}\n  \
         modes     {}\n  purposes  {}\n  rounds    {} within 24 hours, {} for one plan\n  \
         cohort    at least {} branches of {} organisations, {} per thousand of it in every sum, {} of them honest\n  \
         overlap   a customer may be at {} branches\n  own noise {}\n  \
         uploads   {} ms after a round's start at the earliest; timing {}\n  \
         clip norm at least {}\n  network   at most {} hidden layers of {} units\n{}\n",
        modes.join(", "),
        purposes.join(", "),
        policy.rounds_a_day,
        terms.rounds_max,
        cohort.cohort_min,
        cohort.organisations_min,
        cohort.survivors_permille,
        cohort.honest_min,
        policy.overlap_min,
        policy.own_noise,
        terms.upload_offset_ms_min,
        timing,
        terms.clip_norm_min,
        terms.layers_max,
        terms.width_max,
        policy.schema.lines().into_iter().chain(not_built(policy)).collect::<Vec<_>>().join("\n")
    )
}

pub(crate) fn explained(error: ClientError) -> Failure {
    match error {
        ClientError::Settings(faults) => Failure::settings(faults),
        ClientError::Clock(text) => Failure { exit: Exit::Clock, message: text },
        other => Failure::failed(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_has_the_code_of_the_clock() {
        let Failure { exit, message } = explained(ClientError::Clock("set the clock".into()));
        assert_eq!((exit, message.as_str()), (Exit::Clock, "set the clock"));
        assert_eq!(explained(ClientError::File("a bad answer".into())).exit, Exit::Failed);
    }
}
