//! What is in memory stays there: a process that dies leaves no core file, and no other process of the same user reads it.
//!
//! Memory holds rows, keys and unmasked sums. `RLIMIT_CORE` alone does not help where the system pipes dumps into a program (Linux's
//! `core_pattern`), so that on Linux the process is not dumpable either.

use crate::exit::Failure;

/// Switches core dumps off for this process and for every process that it starts; before anything is read.
///
/// # Errors
/// If the system refuses.
#[cfg(unix)]
pub(crate) fn keep_in_process() -> Result<(), Failure> {
    use nix::sys::resource::{Resource, setrlimit};

    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(|fault| refused("the limit for core files cannot be 0", fault))?;
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_dumpable(false)
        .map_err(|fault| refused("this process cannot be made one that is not dumped", fault))?;
    Ok(())
}

/// Nothing that this executable can switch off by itself: `docs/OPERATING.md` says what an administrator does.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub(crate) fn keep_in_process() -> Result<(), Failure> {
    Ok(())
}

#[cfg(unix)]
fn refused(what: &str, fault: nix::errno::Errno) -> Failure {
    Failure::failed(format!(
        "{what} ({fault}), so that customers' rows and private keys could reach a disk when it dies; nothing was started. Allow setrlimit and \
         prctl(PR_SET_DUMPABLE) in the container's or service's system call filter"
    ))
}
