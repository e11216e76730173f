//! A person's signature on a plan: the plan is shown in words, then the person answers, then the key signs.

use std::path::Path;

use tributary_certs::clock::unix_seconds;
use tributary_certs::people::SigningPerson;
use tributary_planning::differences::Differences;
use tributary_planning::lint::{Beside, Lint};
use tributary_planning::portrait::groups;
use tributary_planning::{PlanFile, Portrait, SigningError, YearFile};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Plan, is_reason};
use tributary_protocol::role::{Action, Role};
use tributary_storage::files::Existing;

use super::options::{PlanSignerOptions, RejectOptions};
use super::reading::{of_either, of_file, of_schema, of_year, words};
use crate::confirm::{Shown, group_of};
use crate::exit::{Exit, Failure};
use crate::json;
use crate::plan_year::judge;
use crate::signed::{SignerOptions, all_told};

/// `tributary plan propose` and `tributary plan approve`.
pub(super) fn sign(options: &PlanSignerOptions, action: Action) -> Result<Exit, Failure> {
    let file = of_file(&options.file)?;
    let (person, federation) = options.signer.open()?;
    let role = file.may_sign(action, person.staff(), federation).map_err(Failure::failed)?;
    let year = under_year(options, action, &file.plan)?;
    let schema = of_schema(options.schema.as_ref())?;
    let (schema, slowest_ms) = (schema.as_ref(), options.slowest_ms);
    let lint = Lint::of(&file.plan, Beside { schema, slowest_ms, year: year.as_ref(), ..Beside::default() });
    if lint.is_at_fault() {
        return Err(Failure::failed(format!("the plan has a fault, and nothing was signed:\n{lint}")));
    }
    // To standard error with --json: whoever signs sees it in any case.
    let mut shown = in_words(&file, &words(&file.plan, schema)?);
    if let Some(year) = &year {
        shown.push_str(&against_year(year, options.roster.is_some()));
    }
    shown.push_str(&asked(&lint));
    if let Some(last) = &options.last {
        let last = of_either(last)?;
        let differences = Differences::of(&last, &file.plan);
        shown.push_str(&format!("\nAgainst the last plan: {differences}"));
    }
    let done = Signing { file, person, federation, role, action, shown };
    done.finish(&options.file, &options.signer, |file, person, federation, at| {
        file.sign(action, person, federation, at)
    })
}

/// `tributary plan reject`: a plan with a fault as well.
pub(super) fn reject(options: &RejectOptions) -> Result<Exit, Failure> {
    let file = of_file(&options.file)?;
    let (person, federation) = options.signer.open()?;
    let action = Action::RejectPlan;
    let role = file.may_sign(action, person.staff(), federation).map_err(Failure::failed)?;
    if !is_reason(&options.reason) {
        return Err(Failure::failed(SigningError::Reason));
    }
    let shown = format!("{}\nReason of the rejection: {}\n", in_words(&file, &[]), options.reason);
    let done = Signing { file, person, federation, role, action, shown };
    done.finish(&options.file, &options.signer, |file, person, federation, at| {
        file.reject(&options.reason, person, federation, at)
    })
}

fn in_words(file: &PlanFile, words: &[String]) -> String {
    let words: String = words.iter().map(|line| format!("{line}\n")).collect();
    format!("{}{words}{}", Portrait::of(&file.plan), all_told(file.attestations()))
}

/// The year under which a plan runs, judged by the roster where that was given. Whoever approves needs both.
fn under_year(options: &PlanSignerOptions, action: Action, plan: &Plan) -> Result<Option<YearFile>, Failure> {
    let approves = action == Action::ApprovePlan;
    let Some(path) = &options.year else {
        return match &plan.charter.year {
            Some(share) if approves => Err(Failure::failed(format!(
                "nothing is signed: the plan runs under the year {}; give its signed file with --year, so that you see whether the plan fits it",
                share.year
            ))),
            _ => Ok(None),
        };
    };
    let year = of_year(path)?;
    match &options.roster {
        Some(roster) => judge(&year, roster, &options.signer.authorities()?)?.map_err(|why| {
            Failure::failed(format!(
                "nothing is signed: by this roster the year {} is not approved, so it gives no run anything: {why}. Have it approved \
                 (`tributary plan year approve`), or give the roster in force",
                year.year.digest()
            ))
        })?,
        None if approves => {
            return Err(Failure::failed(
                "nothing is signed: nobody has verified the signatures of the year, which anybody could have written; give the signed roster with \
                 --roster",
            ));
        }
        None => {}
    }
    Ok(Some(year))
}

/// What the year says of the plan: it fits, where nothing at fault was found.
fn against_year(year: &YearFile, judged: bool) -> String {
    let counts = if judged { "count by this roster" } else { "were not verified here (--roster)" };
    let kinds: String = year.year.kinds.iter().map(|kind| format!("the year gives {}\n", kind.terms())).collect();
    format!(
        "\nAgainst the year {}: epsilon of a run and runs by month fit it; its signatures {counts}\n{kinds}",
        year.year.digest()
    )
}

/// What an approver should ask: everything that was found, where nothing is at fault.
fn asked(lint: &Lint) -> String {
    let asked: String = lint.findings.iter().map(|finding| format!("{finding}\n")).collect();
    if asked.is_empty() { asked } else { format!("\n{asked}") }
}

/// A signature that is about to be given.
struct Signing {
    file: PlanFile,
    person: SigningPerson,
    federation: Digest,
    role: Role,
    action: Action,
    shown: String,
}

impl Signing {
    fn finish(
        self,
        path: &Path,
        signer: &SignerOptions,
        sign: impl FnOnce(&mut PlanFile, &SigningPerson, Digest, u64) -> Result<(), SigningError>,
    ) -> Result<Exit, Failure> {
        let Self { mut file, person, federation, role, action, shown } = self;
        let (digest, staff) = (file.plan.digest(), person.staff());
        signer.show(&format!(
            "{shown}\nTo be signed: {action} by {staff} as {role}, in the federation {federation}\nthe plan {}\n",
            groups(&digest).join("-")
        ));
        let shown = Shown::english("this plan", digest, "Read the plan above", "Read the plan again");
        shown.confirm(signer.confirm.as_ref(), |entropy| vec![group_of(&digest, "plan", entropy)])?;
        let at = unix_seconds();
        sign(&mut file, &person, federation, at).map_err(Failure::failed)?;
        let out = signer.out.as_deref().unwrap_or(path);
        file.write(out, Existing::Replace).map_err(Failure::failed)?;
        if signer.json {
            let reason = file.rejection.as_ref().map(|rejection| rejection.reason.to_string());
            json::print(&serde_json::json!({
                "file": out, "plan": digest.to_string(), "action": action.name(), "staff": staff.as_str(), "role": role.name(), "at": at,
                "reason": reason,
            }));
        } else {
            println!("{}: {}", out.display(), next(&file));
        }
        Ok(Exit::Done)
    }
}

fn next(file: &PlanFile) -> &'static str {
    match (&file.rejection, &file.approval) {
        (Some(_), _) => {
            "it is rejected; carry it to its owner, who puts another plan forward, or this one in a fresh file"
        }
        (None, Some(_)) => "it is approved; carry it to the coordinator, whose settings name the file",
        (None, None) => "it is proposed; carry it to the privacy officer, who approves it (`tributary plan approve`)",
    }
}
