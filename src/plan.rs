//! `tributary plan`: plans written, explained, compared and signed. What they say is `planning`'s.

mod advise;
mod options;
mod reading;
#[cfg(feature = "coordinator")]
mod served;
mod sign;
#[cfg(feature = "rehearsal")]
mod tried;

use tributary_planning::differences::Differences;
use tributary_planning::lint::Beside;
use tributary_planning::{Lint, PlanFile, Portrait, SAMPLE};
use tributary_protocol::plan::Rejection;
use tributary_protocol::role::Action;
use tributary_storage::files::{self, Existing};

pub(crate) use self::options::PlanCommand;
use self::options::{BuildOptions, DiffOptions, LintOptions, NewOptions, ShowOptions};
use self::reading::{Unread, as_file, of_either, of_file, of_schema, of_toml, of_year, words};
use crate::exit::{Exit, Failure};
use crate::json;
use crate::signed::{all_told, as_json};

/// Does what was asked.
///
/// # Errors
/// Why it was not done.
pub(crate) fn run(command: &PlanCommand) -> Result<Exit, Failure> {
    match command {
        PlanCommand::New(options) => new(options),
        PlanCommand::Build(options) => built(options),
        PlanCommand::Lint(options) => lint(options),
        PlanCommand::Diff(options) => diff(options),
        PlanCommand::Show(options) => show(options),
        PlanCommand::Propose(options) => sign::sign(options, Action::ProposePlan),
        PlanCommand::Approve(options) => sign::sign(options, Action::ApprovePlan),
        PlanCommand::Reject(options) => sign::reject(options),
        #[cfg(feature = "coordinator")]
        PlanCommand::Activate(options) => served::activate(options),
        #[cfg(feature = "coordinator")]
        PlanCommand::List(options) => served::list(options),
        #[cfg(feature = "rehearsal")]
        PlanCommand::Try(options) => tried::run(options),
        PlanCommand::Advise(options) => advise::run(options),
        PlanCommand::Year(command) => crate::plan_year::year(command),
    }
}

fn new(NewOptions { folder }: &NewOptions) -> Result<Exit, Failure> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::failed(format!("the folder {} cannot be made: {error}", folder.display())))?;
    let path = folder.join("plan.toml");
    files::write_public(&path, SAMPLE.as_bytes(), Existing::Keep).map_err(Failure::failed)?;
    println!("{} is written; every key is explained in it. Edit it, then `tributary plan lint` it.", path.display());
    Ok(Exit::Done)
}

fn built(options: &BuildOptions) -> Result<Exit, Failure> {
    let (plan, _) = of_toml(&options.file).map_err(Failure::settings)?;
    let file = PlanFile::new(plan);
    file.write(&options.out, Existing::Keep).map_err(Failure::failed)?;
    if options.json {
        json::print(&serde_json::json!({ "file": options.out, "plan": file.plan.digest().to_string() }));
    } else {
        println!(
            "{}: the plan {}. Look at it with `tributary plan lint`, then its author signs it (`tributary plan propose`)",
            options.out.display(),
            file.plan.digest()
        );
    }
    Ok(Exit::Done)
}

fn lint(options: &LintOptions) -> Result<Exit, Failure> {
    let (file, own) = match as_file(&options.file) {
        Ok(read) => read,
        Err(Unread::Faults(faults)) if options.json => {
            let list = faults.faults.iter().map(|fault| {
                serde_json::json!({ "level": "fault", "key": fault.key, "text": format!("found {}; allowed: {}", fault.found, fault.allowed) })
            });
            json::print(&serde_json::json!({ "file": options.file, "findings": list.collect::<Vec<_>>() }));
            return Ok(Exit::Settings);
        }
        Err(unread) => return Err(unread.into()),
    };
    let last = options.last.as_ref().map(|last| of_either(last)).transpose()?;
    let year = options.year.as_deref().map(of_year).transpose()?;
    let schema = of_schema(options.schema.as_ref())?.or(own);
    let beside = Beside {
        schema: schema.as_ref(),
        last: last.as_ref(),
        slowest_ms: options.slowest_ms,
        year: year.as_ref(),
        rejection: file.rejection.as_ref(),
        ..Beside::default()
    };
    let lint = Lint::of(&file.plan, beside);
    json::print_or_tell(&lint, options.json);
    Ok(if lint.is_at_fault() { Exit::Failed } else { Exit::Done })
}

fn diff(options: &DiffOptions) -> Result<Exit, Failure> {
    let [before, after] = [of_either(&options.before)?, of_either(&options.after)?];
    let differences = Differences::of(&before, &after);
    json::print_or_tell(&differences, options.json);
    Ok(Exit::Done)
}

fn show(options: &ShowOptions) -> Result<Exit, Failure> {
    let file = of_file(&options.file)?;
    let schema = of_schema(options.schema.as_ref())?;
    let words = words(&file.plan, schema.as_ref())?;
    let portrait = Portrait::of(&file.plan);
    if options.json {
        let data = schema.as_ref().map(|schema| {
            let (audits, level_max) = (schema.audits().iter().map(|audit| audit.name.as_str()), schema.level_max().number());
            serde_json::json!({
                "words": words, "level_max": level_max, "audits": audits.collect::<Vec<_>>(), "inputs": schema.inputs_digest().to_string(),
            })
        });
        let rejected = file.rejection.as_ref().map(|rejection| rejection.reason.to_string());
        let signatures = as_json(file.attestations());
        json::print(
            &serde_json::json!({ "plan": portrait, "schema": data, "signatures": signatures, "rejected": rejected }),
        );
        return Ok(Exit::Done);
    }
    if let Some(Rejection { reason, signed }) = &file.rejection {
        println!("REJECTED by {} ({}): {reason}", signed.staff, signed.role);
    }
    print!("{portrait}");
    words.iter().for_each(|line| println!("{line}"));
    print!("{}", all_told(file.attestations()));
    Ok(Exit::Done)
}
