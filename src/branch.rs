//! What a branch's operator asks the daemon, and what its owner and its compliance officer ask of budget and policy.

pub(crate) mod options;

use std::path::Path;

use tributary_certs::people::SigningPerson;
use tributary_client::begin::{begin_budget, change_owner};
use tributary_client::error::ClientError;
use tributary_client::home::{furnish, identity_of, own};
use tributary_client::init::Whose;
use tributary_client::policy::{BranchEpsilon, BranchPolicy, not_built};
use tributary_client::release::release_run;
use tributary_client::{cli, control, enrol, raise};
use tributary_planning::portrait::groups;
use tributary_protocol::digest::Digest;
use tributary_protocol::role::{Action, Role};
use tributary_protocol::round::Timing;
use tributary_texts::{Language, Said, budget as texts, commands as words, confirm as asked, screen};

use self::options::{
    BudgetCommand, BudgetOptions, ClientInitOptions, EnrolOptions, MappingCommand, PolicyCommand, RaiseCommand,
    RenewOptions,
};
use crate::certs::unix_seconds;
use crate::confirm::{Act, Shown, drawn_group};
use crate::exit::{Exit, Failure};
use crate::json;
use crate::options::AskOptions;

/// `tributary client budget`.
///
/// # Errors
/// If settings, policy or budget file cannot be used.
pub(crate) fn budget(options: &BudgetOptions, language: Language) -> Result<Exit, Failure> {
    let failed = |error| explained(&error, language);
    let now = unix_seconds().saturating_mul(1000);
    let lines = match &options.command {
        Some(BudgetCommand::Raise(RaiseCommand::Attest { file, person, confirm, out })) => {
            return attested(file, person, confirm.as_ref(), out, language);
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
        lines.map_err(failed)?.iter().for_each(|line| println!("{}", line.text(language)));
        return Ok(Exit::Done);
    }
    let no_config = || Failure::usage(texts::give_config().text(language));
    let config = options.config.as_ref().ok_or_else(no_config)?;
    let budget = cli::budget(config, now).map_err(failed)?;
    if options.json {
        json::print(&budget);
    } else {
        println!("{}", budget.said().text(language));
    }
    Ok(Exit::Done)
}

/// `tributary client status`.
///
/// # Errors
/// If no daemon runs, or settings, policy or budget file cannot be used.
pub(crate) fn status(options: &AskOptions, language: Language) -> Result<Exit, Failure> {
    let failed = |error| explained(&error, language);
    let now = unix_seconds().saturating_mul(1000);
    let status = control::status(&options.config).map_err(failed)?;
    let budget = cli::budget(&options.config, now).map_err(failed)?;
    if options.json {
        json::print(&serde_json::json!({ "daemon": status, "budget": budget }));
        return Ok(Exit::Done);
    }
    let figure = |epsilon: Option<f64>| match epsilon {
        Some(epsilon) => Said::verbatim(format!("{epsilon:.3}")),
        None => screen::without_limit(),
    };
    let budget = screen::status_budget(
        figure(budget.epsilon_spent),
        figure(budget.epsilon_reserved),
        budget.epsilon_cap,
        format!("{:.3}", budget.epsilon_left),
        budget.rounds_today,
        budget.rounds_a_day,
    );
    status.lines(now).iter().chain([&budget]).for_each(|line| println!("{}", line.text(language)));
    Ok(Exit::Done)
}

/// `tributary client pause`.
///
/// # Errors
/// If it could not be noted.
pub(crate) fn pause(options: &AskOptions, language: Language) -> Result<Exit, Failure> {
    noted(options, true, control::pause(&options.config), language)
}

/// `tributary client resume`.
///
/// # Errors
/// If it could not be noted.
pub(crate) fn resume(options: &AskOptions, language: Language) -> Result<Exit, Failure> {
    noted(options, false, control::resume(&options.config), language)
}

fn noted(
    options: &AskOptions,
    paused: bool,
    done: Result<Said, ClientError>,
    language: Language,
) -> Result<Exit, Failure> {
    let said = done.map_err(|error| explained(&error, language))?;
    if options.json {
        json::print(&serde_json::json!({ "paused": paused, "words": said.text(Language::English) }));
    } else {
        println!("{}", said.text(language));
    }
    Ok(Exit::Done)
}

/// `tributary client budget raise attest`: the raise is shown in words, then the officer answers, then the key signs.
fn attested(
    file: &Path,
    person: &Path,
    confirm: Option<&Digest>,
    out: &Path,
    language: Language,
) -> Result<Exit, Failure> {
    let failed = |error| explained(&error, language);
    let proposed = raise::read_proposed(file).map_err(failed)?;
    let person = SigningPerson::open(person).map_err(Failure::failed)?;
    let digest = proposed.digest();
    proposed.words().iter().for_each(|line| println!("{}", line.text(language)));
    let (federation, groups) = (proposed.federation(), groups(&digest).join("-"));
    let to_sign = asked::raise_to_sign(Action::RaiseCap, person.staff(), Role::PrivacyOfficer, federation, groups);
    println!("{}", to_sign.text(language));
    let (what, first, again) = (asked::this_raise(), asked::read_raise(), asked::read_raise_again());
    let question = |number| asked::group_to_sign(number, asked::raise());
    Shown { what, digest, first, again }
        .confirm_to(Act::Sign, language, confirm, |entropy| vec![drawn_group(&digest, language, question, entropy)])?;
    proposed.attest(&person, out, unix_seconds()).map_err(failed)?;
    println!("{}", texts::raise_attested(out.display(), person.staff()).text(language));
    Ok(Exit::Done)
}

/// `tributary client init`.
///
/// # Errors
/// Why nothing was written.
pub(crate) fn init(options: ClientInitOptions, language: Language) -> Result<Exit, Failure> {
    let ClientInitOptions { folder, bundle, coordinator } = options;
    let whose = match (bundle, coordinator) {
        (Some(bundle), _) => Whose::Bundle(bundle),
        (None, Some(address)) => Whose::Address(address),
        (None, None) => Whose::Unknown,
    };
    let path = tributary_client::init::init(&folder, &whose).map_err(|error| explained(&error, language))?;
    println!("{}", words::settings_written(path.display()).text(language));
    Ok(Exit::Done)
}

/// `tributary client enrol`: over the network, or one half of it without.
///
/// # Errors
/// Why nothing was installed.
pub(crate) fn enrol(options: &EnrolOptions, language: Language) -> Result<Exit, Failure> {
    let EnrolOptions { bundle, out, home, schema, proxy, request, install } = options;
    let failed = |error| explained(&error, language);
    let print = |said: &Said| println!("{}", said.text(language));
    let no_folder = || Failure::usage(words::give_out_or_home().text(language));
    let out = &out.clone().or_else(|| home.as_deref().map(identity_of)).ok_or_else(no_folder)?;
    if let (Some(home), Some(bundle)) = (home, bundle) {
        furnish(home, bundle, schema.as_deref()).map_err(failed)?.iter().for_each(print);
    }
    let installed = match (bundle, request, install) {
        (_, _, Some(answer)) => enrol::install_answer(answer, out, unix_seconds()).map_err(failed)?,
        (Some(bundle), Some(request), None) => {
            let begun = enrol::request(bundle, out, request).map_err(failed)?;
            print(&words::request_written(request.display(), begun.fingerprint));
            return Ok(Exit::Done);
        }
        (Some(bundle), None, None) => {
            let options = enrol::EnrolOptions { bundle: bundle.clone(), out: out.clone(), proxy: proxy.clone() };
            enrol::enrol(&options, unix_seconds, &print).map_err(failed)?
        }
        (None, _, None) => return Err(Failure::usage(words::give_bundle_or_install().text(language))),
    };
    let fingerprint = out.join("fingerprint");
    print(&words::enrolled(out.display(), &installed.identity, installed.client, fingerprint.display()));
    Ok(Exit::Done)
}

/// `tributary client renew`: a renewal without the office's connection, in two halves.
///
/// # Errors
/// Why nothing was made or installed.
pub(crate) fn renew(options: &RenewOptions, language: Language) -> Result<Exit, Failure> {
    let RenewOptions { identity, request, install } = options;
    let failed = |error| explained(&error, language);
    let print = |said: Said| println!("{}", said.text(language));
    if let Some(answer) = install {
        let installed = enrol::install_renewal_answer(answer, identity, unix_seconds()).map_err(failed)?;
        print(words::renewed(identity.display(), &installed.identity));
    } else if let Some(request) = request {
        let begun = enrol::request_renewal(identity, request).map_err(failed)?;
        print(words::renewal_request(request.display(), begun.fingerprint));
    }
    Ok(Exit::Done)
}

/// `tributary client policy`.
///
/// # Errors
/// If a file cannot be used, or the policy has faults or is not signed.
pub(crate) fn policy(command: &PolicyCommand, language: Language) -> Result<Exit, Failure> {
    let failed = |error| explained(&error, language);
    let lines = match command {
        PolicyCommand::Init { folder, schema } => {
            vec![words::policy_written(cli::init_policy(folder, schema).map_err(failed)?.display())]
        }
        PolicyCommand::Sign { key, home: Some(home), begin, .. } => {
            own(home, key, *begin, unix_seconds().saturating_mul(1000)).map_err(failed)?
        }
        PolicyCommand::Sign { policy: Some(policy), key, schema: Some(schema), .. } => {
            cli::sign_policy(policy, key, schema).map_err(failed)?
        }
        PolicyCommand::Sign { .. } => return Err(Failure::usage(words::give_policy_or_home().text(language))),
        PolicyCommand::Show { config } => shown(&cli::show_policy(config).map_err(failed)?),
    };
    lines.iter().for_each(|line| println!("{}", line.text(language)));
    Ok(Exit::Done)
}

/// `tributary client mapping`.
///
/// # Errors
/// If a file cannot be used, or the mapping has faults or is not signed.
pub(crate) fn mapping(command: &MappingCommand, language: Language) -> Result<Exit, Failure> {
    let failed = |error| explained(&error, language);
    let lines = match command {
        MappingCommand::Init { folder, schema } => {
            vec![tributary_texts::mapping::written(cli::init_mapping(folder, schema).map_err(failed)?.display())]
        }
        MappingCommand::Sign { mapping, key, schema } => cli::sign_mapping(mapping, key, schema).map_err(failed)?,
        MappingCommand::Show { config } => cli::show_mapping(config).map_err(failed)?,
    };
    lines.iter().for_each(|line| println!("{}", line.text(language)));
    Ok(Exit::Done)
}

fn shown(policy: &BranchPolicy) -> Vec<Said> {
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
        Timing::Plain => words::timing_plain(),
        Timing::Strict => words::timing_strict(),
    };
    let modes: Vec<&str> = modes.iter().map(|mode| mode.name()).collect();
    let branch =
        policy.epsilon_branch.map(|BranchEpsilon { life, year, plan }| words::policy_epsilon_branch(life, year, plan));
    let mut lines = vec![
        words::policy_of(population),
        words::policy_epsilon(epsilon_life, epsilon_year, epsilon_plan, format!("{delta:e}")),
    ];
    lines.extend(branch);
    lines.extend([
        words::policy_modes(modes.join(", ")),
        words::policy_purposes(purposes.join(", ")),
        words::policy_rounds(policy.rounds_a_day, terms.rounds_max),
        words::policy_cohort(cohort.cohort_min, cohort.organisations_min, cohort.survivors_permille, cohort.honest_min),
        words::policy_overlap(policy.overlap_min),
        words::policy_noise(policy.own_noise),
        words::policy_uploads(terms.upload_offset_ms_min, timing),
        words::policy_clip(terms.clip_norm_min),
        words::policy_network(terms.layers_max, terms.width_max),
    ]);
    lines.extend(policy.schema.lines().into_iter().chain(not_built(policy)).map(Said::verbatim));
    lines
}

/// A failure in the language of whoever typed the command.
pub(crate) fn explained(error: &ClientError, language: Language) -> Failure {
    let message = error.said().text(language).to_owned();
    match error {
        ClientError::Settings(_) => Failure::settings(message),
        ClientError::Clock(_) => Failure { exit: Exit::Clock, message },
        _ => Failure::failed(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_has_the_code_of_the_clock() {
        let set_the_clock = Said::verbatim("set the clock");
        let Failure { exit, message } = explained(&ClientError::Clock(set_the_clock), Language::Chinese);
        assert_eq!((exit, message.as_str()), (Exit::Clock, "set the clock"));
        let failed = |language| explained(&ClientError::File("a bad answer".into()), language);
        assert_eq!(failed(Language::Chinese).exit, Exit::Failed);
        assert_eq!(failed(Language::English).message, "a bad answer");
        assert_eq!(failed(Language::Chinese).message, "未能完成。系统的说明（英文）：a bad answer");
    }
}
