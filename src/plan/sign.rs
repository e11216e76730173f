//! A person's signature on a plan: the plan is shown in words, then the person answers, then the key signs.

use tributary_certs::clock::unix_seconds;
use tributary_certs::people::SigningPerson;
use tributary_certs::roster::RosterAuthorities;
use tributary_planning::differences::Differences;
use tributary_planning::lint::{Beside, Lint};
use tributary_planning::portrait::groups;
use tributary_planning::{PlanFile, Portrait};
use tributary_protocol::role::Action;
use tributary_storage::files::Existing;

use super::options::SignerOptions;
use super::reading::{of_either, of_file, of_schema, told, words};
use crate::confirm::{Shown, group_of};
use crate::exit::{Exit, Failure};
use crate::json;

/// `tributary plan propose` and `tributary plan approve`.
pub(super) fn sign(options: &SignerOptions, action: Action) -> Result<Exit, Failure> {
    let mut file = of_file(&options.file)?;
    let federation = RosterAuthorities::read(&options.authorities).map_err(Failure::failed)?.digest();
    let person = SigningPerson::open(&options.person).map_err(Failure::failed)?;
    let staff = person.staff();
    let role = file.may_sign(action, staff, federation).map_err(Failure::failed)?;
    let schema = of_schema(options.schema.as_ref())?;
    let lint = Lint::of(&file.plan, Beside { schema: schema.as_ref(), ..Beside::default() });
    if lint.is_at_fault() {
        return Err(Failure::failed(format!("the plan has a fault, and nothing was signed:\n{lint}")));
    }
    let digest = file.plan.digest();
    // To standard error with --json: whoever signs sees it in any case.
    let mut shown = Portrait::of(&file.plan).to_string();
    for line in words(&file.plan, schema.as_ref())? {
        shown.push_str(&line);
        shown.push('\n');
    }
    for attestation in file.attestations() {
        shown.push_str(&told(attestation));
        shown.push('\n');
    }
    if let Some(last) = &options.last {
        let (last, _) = of_either(last)?;
        let differences = Differences::of(&last, &file.plan);
        shown.push_str(&format!("\nAgainst the last plan: {differences}"));
    }
    shown.push_str(&format!(
        "\nTo be signed: {action} by {staff} as {role}, in the federation {federation}\nthe plan {}\n",
        groups(&digest).join("-")
    ));
    if options.json {
        eprint!("{shown}");
    } else {
        print!("{shown}");
    }
    let shown = Shown { what: "this plan", digest, first: "Read the plan above", again: "Read the plan again" };
    shown.confirm(options.confirm.as_ref(), |entropy| vec![group_of(&digest, "plan", entropy)])?;
    let at = unix_seconds();
    file.sign(action, &person, federation, at).map_err(Failure::failed)?;
    let out = options.out.as_ref().unwrap_or(&options.file);
    file.write(out, Existing::Replace).map_err(Failure::failed)?;
    if options.json {
        json::print(&serde_json::json!({
            "file": out, "plan": digest.to_string(), "action": action.name(), "staff": staff.as_str(), "role": role.name(), "at": at,
        }));
    } else {
        println!("{}: {}", out.display(), next(&file));
    }
    Ok(Exit::Done)
}

fn next(file: &PlanFile) -> &'static str {
    if file.approval.is_some() {
        "it is approved; carry it to the coordinator, whose settings name the file"
    } else {
        "it is proposed; carry it to the privacy officer, who approves it (`tributary plan approve`)"
    }
}
