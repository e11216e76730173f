//! `tributary order`: what stops a plan or the federation at once, what lets it go on, and what ends a plan for good.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use tributary_certs::order::{read_order, write_order};
use tributary_certs::people::SigningPerson;
use tributary_certs::roster::RosterAuthorities;
use tributary_planning::PlanFile;
use tributary_planning::portrait::groups;
use tributary_protocol::digest::Digest;
use tributary_protocol::role::{Action, Role};
use tributary_protocol::round::order_digest;

use crate::certs::unix_seconds;
use crate::confirm::{Shown, group_of};
use crate::exit::{Exit, Failure};
use crate::json;
use crate::typed;

/// `tributary order`.
#[derive(Subcommand)]
pub(crate) enum OrderCommand {
    /// Stop everything in the federation: a privacy officer or the platform operator may, alone
    Freeze(Signed),
    /// Agree that a freeze is lifted: two people of two roles must
    Thaw {
        /// The order that is lifted
        #[arg(value_name = "ORDER")]
        order: PathBuf,
        #[command(flatten)]
        signed: Signed,
    },
    /// Stop a plan: its owner or a privacy officer may, alone
    Pause {
        /// The plan: its digest, or its canonical file
        #[arg(value_name = "PLAN")]
        plan: PathBuf,
        #[command(flatten)]
        signed: Signed,
    },
    /// Agree that a paused plan goes on: its owner and a privacy officer must
    Resume {
        /// The order that is lifted
        #[arg(value_name = "ORDER")]
        order: PathBuf,
        #[command(flatten)]
        signed: Signed,
    },
    /// End a plan for good: its owner or a privacy officer may, alone; nothing lets it go on
    Abort {
        /// The plan: its digest, or its canonical file
        #[arg(value_name = "PLAN")]
        plan: PathBuf,
        #[command(flatten)]
        signed: Signed,
        /// Where there is no terminal: the digest of the plan that is meant
        #[arg(long, value_name = "DIGEST", value_parser = typed::digest)]
        confirm: Option<Digest>,
    },
    /// Put an order that was carried here into the coordinator's state
    #[cfg(feature = "coordinator")]
    Install {
        /// The order
        #[arg(value_name = "ORDER")]
        order: PathBuf,
        /// The coordinator's state folder
        #[arg(long, value_name = "DIR")]
        state: PathBuf,
    },
}

/// Who signs, and where the order goes.
#[derive(Args)]
pub(crate) struct Signed {
    /// The folder of whoever signs (`tributary certs person request`)
    #[arg(long, value_name = "DIR")]
    person: PathBuf,
    /// In which role
    #[arg(long, value_name = "ROLE", value_parser = typed::role())]
    role: Role,
    /// The list of roster authorities: it names the federation
    #[arg(long, value_name = "FILE")]
    authorities: PathBuf,
    /// Where the order is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print one JSON object about what was signed
    #[arg(long)]
    json: bool,
}

/// Does what was asked.
///
/// # Errors
/// Why it was not done.
pub(crate) fn run(command: &OrderCommand) -> Result<Exit, Failure> {
    let lifted = |path: &PathBuf, action| {
        let order = read_order(path).map_err(Failure::failed)?;
        let other = || {
            Failure::failed(format!(
                "{}: this order is {}, and stops nothing of that kind",
                path.display(),
                order.action
            ))
        };
        if order.action == action { Ok(order_digest(&order)) } else { Err(other()) }
    };
    match command {
        OrderCommand::Freeze(signed) => sign(Action::Freeze, None, signed, None),
        OrderCommand::Thaw { order, signed } => sign(Action::Thaw, Some(lifted(order, Action::Freeze)?), signed, None),
        OrderCommand::Pause { plan, signed } => sign(Action::PausePlan, Some(plan_of(plan)?), signed, None),
        OrderCommand::Resume { order, signed } => {
            sign(Action::ResumePlan, Some(lifted(order, Action::PausePlan)?), signed, None)
        }
        OrderCommand::Abort { plan, signed, confirm } => {
            let plan = plan_of(plan)?;
            sign(Action::AbortPlan, Some(plan), signed, Some(&|| confirmed(plan, confirm.as_ref())))
        }
        #[cfg(feature = "coordinator")]
        OrderCommand::Install { order, state } => {
            let path =
                tributary_coordinator::federation::orders::install_order(state, order).map_err(Failure::failed)?;
            println!(
                "{}: the order is here; a running coordinator takes it up within a second, and says so",
                path.display()
            );
            Ok(Exit::Done)
        }
    }
}

/// A plan by its digest, or by its canonical file.
fn plan_of(plan: &Path) -> Result<Digest, Failure> {
    if let Some(digest) = plan.to_str().and_then(Digest::from_hex) {
        return Ok(digest);
    }
    Ok(PlanFile::read(plan).map_err(Failure::failed)?.plan.digest())
}

/// Nothing lifts an abort, so that it says which plan is meant before it is signed.
fn confirmed(plan: Digest, named: Option<&Digest>) -> Result<(), Failure> {
    eprintln!(
        "To be ended for good, with everything under way in it: the plan {}\nNothing lets it go on; another plan must be put forward",
        groups(&plan).join("-")
    );
    let first = "Compare the digest above with that of the plan that is to end";
    let shown = Shown::english("this plan", plan, first, "Compare it again");
    shown.confirm(named, |entropy| vec![group_of(&plan, "plan", entropy)])
}

fn sign(
    action: Action,
    subject: Option<Digest>,
    signed: &Signed,
    confirm: Option<&dyn Fn() -> Result<(), Failure>>,
) -> Result<Exit, Failure> {
    if ![true, false].iter().any(|own| signed.role.may(action, *own)) {
        return Err(Failure::failed(format!(
            "a {} may not sign {action}, so nothing is signed: the table of roles gives it to others",
            signed.role
        )));
    }
    let person = SigningPerson::open(&signed.person).map_err(Failure::failed)?;
    let federation = RosterAuthorities::read(&signed.authorities).map_err(Failure::failed)?.digest();
    confirm.map_or(Ok(()), |confirm| confirm())?;
    let order = person.attest(action, subject.unwrap_or(federation), federation, signed.role, unix_seconds());
    let order = order.map_err(Failure::failed)?;
    write_order(&order, &signed.out).map_err(Failure::failed)?;
    if signed.json {
        json::print(&serde_json::json!({
            "file": signed.out,
            "order": order_digest(&order).to_string(),
            "action": action.name(),
            "subject": order.subject.to_string(),
            "staff": order.staff.as_str(),
            "role": order.role.name(),
            "at": order.at,
        }));
        return Ok(Exit::Done);
    }
    println!(
        "{}: {action}, signed by {}; carry it to the coordinator and install it there (`tributary order install`). Its digest is {}",
        signed.out.display(),
        person.staff(),
        order_digest(&order)
    );
    Ok(Exit::Done)
}
