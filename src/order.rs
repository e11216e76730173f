//! `tributary order`: what stops a plan or the federation at once, and what lets it go on.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tributary_certs::order::{read_order, write_order};
use tributary_certs::people::SigningPerson;
use tributary_certs::roster::RosterAuthorities;
use tributary_protocol::digest::Digest;
use tributary_protocol::role::{Action, Role};
use tributary_protocol::round::order_digest;

use crate::certs::unix_seconds;
use crate::exit::{Exit, Failure};
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
        /// The plan, by its digest
        #[arg(value_name = "DIGEST", value_parser = typed::digest)]
        plan: Digest,
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
    let (action, subject, signed) = match command {
        OrderCommand::Freeze(signed) => (Action::Freeze, None, signed),
        OrderCommand::Thaw { order, signed } => (Action::Thaw, Some(lifted(order, Action::Freeze)?), signed),
        OrderCommand::Pause { plan, signed } => (Action::PausePlan, Some(*plan), signed),
        OrderCommand::Resume { order, signed } => (Action::ResumePlan, Some(lifted(order, Action::PausePlan)?), signed),
        #[cfg(feature = "coordinator")]
        OrderCommand::Install { order, state } => {
            let path =
                tributary_coordinator::federation::orders::install_order(state, order).map_err(Failure::failed)?;
            println!(
                "{}: the order is here; a running coordinator takes it up within a second, and says so",
                path.display()
            );
            return Ok(Exit::Done);
        }
    };
    if ![true, false].iter().any(|own| signed.role.may(action, *own)) {
        return Err(Failure::failed(format!(
            "a {} may not sign {action}, so nothing is signed: the table of roles gives it to others",
            signed.role
        )));
    }
    let person = SigningPerson::open(&signed.person).map_err(Failure::failed)?;
    let federation = RosterAuthorities::read(&signed.authorities).map_err(Failure::failed)?.digest();
    let order = person.attest(action, subject.unwrap_or(federation), federation, signed.role, unix_seconds());
    write_order(&order, &signed.out).map_err(Failure::failed)?;
    println!(
        "{}: {action}, signed by {}; carry it to the coordinator and install it there (`tributary order install`). Its digest is {}",
        signed.out.display(),
        person.staff(),
        order_digest(&order)
    );
    Ok(Exit::Done)
}
