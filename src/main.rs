//! Tributary's one executable: it dispatches to the roles that it was built with.

#[cfg(feature = "client")]
mod branch;
mod certs;
mod check;
mod command;
#[cfg(feature = "client")]
mod dataset;
#[cfg(feature = "demo")]
mod demo;
mod exit;
mod memory;
mod privacy;
#[cfg(any(feature = "coordinator", feature = "client"))]
mod roles;
#[cfg(feature = "simulate")]
mod simulate;
mod verify;

use std::process::ExitCode;

/// Tensors of 128 KiB and more otherwise go through mmap at every training step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
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
