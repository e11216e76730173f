//! Tributary's one executable: it dispatches to the roles that it was built with.

#[cfg(feature = "coordinator")]
mod audit;
#[cfg(feature = "client")]
mod authorise;
#[cfg(feature = "client")]
mod branch;
mod bundle;
#[cfg(feature = "coordinator")]
mod card;
#[cfg(feature = "people")]
mod certs;
#[cfg(feature = "people")]
mod check;
#[cfg(feature = "client")]
mod chinese;
#[cfg(feature = "client")]
mod client;
mod command;
#[cfg(feature = "people")]
mod confirm;
#[cfg(feature = "coordinator")]
mod coordinator;
mod coordinator_key;
#[cfg(feature = "client")]
mod customer;
#[cfg(feature = "client")]
mod dataset;
mod day;
#[cfg(feature = "demo")]
mod demo;
#[cfg(feature = "people")]
mod draft;
mod exit;
#[cfg(feature = "coordinator")]
mod five_parts;
mod fork;
mod given;
#[cfg(feature = "coordinator")]
mod incident;
#[cfg(feature = "coordinator")]
mod inspect;
mod json;
#[cfg(feature = "client")]
mod list;
mod memory;
#[cfg(feature = "people")]
mod model;
#[cfg(any(feature = "coordinator", feature = "client"))]
mod options;
#[cfg(feature = "people")]
mod order;
#[cfg(any(feature = "client", feature = "coordinator"))]
mod page;
#[cfg(feature = "people")]
mod plan;
#[cfg(feature = "people")]
mod plan_year;
#[cfg(feature = "people")]
mod privacy;
#[cfg(feature = "client")]
mod proof;
#[cfg(feature = "client")]
mod ready;
#[cfg(feature = "coordinator")]
mod redteam;
#[cfg(all(feature = "rehearsal", feature = "coordinator"))]
mod replicate;
#[cfg(feature = "coordinator")]
mod report;
#[cfg(any(feature = "coordinator", feature = "client"))]
mod roles;
#[cfg(feature = "coordinator")]
mod running;
#[cfg(feature = "client")]
mod scores;
#[cfg(feature = "client")]
mod sent;
#[cfg(feature = "client")]
mod sent_page;
#[cfg(feature = "coordinator")]
mod sheet;
#[cfg(feature = "people")]
mod signed;
#[cfg(feature = "simulate")]
mod simulate;
#[cfg(feature = "people")]
mod typed;
mod verify;

use std::io::Write as _;
use std::process::ExitCode;

/// Tensors of 128 KiB and more otherwise go through mmap at every training step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Printing panics where standard output cannot be written: the disk is full, or its reader has gone. Whoever called the command is told so, as of any
/// other failure. Daemons do not print that way, and go on.
fn tell_of_lost_output() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text =
            panic.payload().downcast_ref::<String>().filter(|text| text.starts_with("failed printing to stdout"));
        let Some(text) = text else {
            usual(panic);
            return;
        };
        let _ = writeln!(
            std::io::stderr(),
            "tributary: {text}. The answer is lost, and what the command was to do may be done: look before you type it again"
        );
        std::process::exit(1);
    }));
}

fn main() -> ExitCode {
    tell_of_lost_output();
    let exit = match command::parse() {
        // Not the daemons alone: enrolment and the authority's commands hold private keys as well.
        Ok(command) => memory::keep_in_process().and_then(|()| command::run(command)),
        Err(exit) => return exit.into(),
    };
    match exit {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("tributary: {}", failure.message);
            failure.exit.into()
        }
    }
}
