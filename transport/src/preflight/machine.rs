//! What a preflight asks of the machine: room on the disk, and limits of the operating system.

use std::io::Write as _;
use std::path::Path;

use tributary_storage::files::create_private_folder;
use tributary_texts::{Said, preflight as words};

use super::{Cause, Findings, Outcome};

/// Whether a folder can be made and written to, and has room for so many bytes. A file is written and taken away again.
pub fn disk(found: &mut Findings, folder: &Path, bytes: u64) {
    let tried = words::writing_to(folder.display());
    let probe = folder.join(".preflight");
    // As the daemon makes it.
    let written = create_private_folder(folder)
        .map_err(std::io::Error::other)
        .and_then(|()| std::fs::File::create(&probe))
        .and_then(|mut file| file.write_all(b"preflight").and_then(|()| file.sync_all()));
    let _ = std::fs::remove_file(&probe);
    if let Err(fault) = written {
        let said = [tried, Said::verbatim(fault), words::not_writable(), words::ask_folder()];
        return found.tell(Cause::Disk, Outcome::Fault, said);
    }
    let Some(free) = free(folder) else { return found.good(Cause::Disk, &tried, words::written()) };
    let seen = words::megabytes_free(free / 1_000_000);
    if free < bytes {
        let means = words::fills_up(bytes / 1_000_000);
        return found.tell(Cause::Disk, Outcome::Fault, [tried, seen, means, words::ask_room()]);
    }
    found.good(Cause::Disk, &tried, seen);
}

/// Whether so many files and sockets may be open at once.
pub fn open_files(found: &mut Findings, needed: u64) {
    #[cfg(unix)]
    if let Ok((soft, hard)) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE) {
        let tried = "asking for the limit of open files";
        let seen = format!("{soft} (at most {hard})");
        if soft < needed {
            let means = format!("with every enrolled client connected over TCP, {needed} are needed");
            let ask =
                format!("whoever starts the daemon: `ulimit -n {needed}`, or LimitNOFILE={needed} in its service file");
            return found.bad(Cause::System, Outcome::Warning, [tried, &seen, &means, &ask]);
        }
        found.good(Cause::System, tried, seen);
    }
    #[cfg(not(unix))]
    let _ = (found, needed);
}

/// Whether the system gives UDP the buffers that a cohort's simultaneous uploads need.
pub fn udp_buffers(found: &mut Findings) {
    let wanted = crate::limits::UDP_BUFFER_BYTES;
    let tried = format!("asking for UDP buffers of {} kB", wanted >> 10);
    let given = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).and_then(|socket| {
        socket.set_recv_buffer_size(wanted)?;
        socket.recv_buffer_size()
    });
    match given {
        // The system doubles what it gives, for its own book-keeping.
        Ok(given) if given >= wanted => found.good(Cause::System, tried, format!("{} kB", given >> 10)),
        Ok(given) => {
            let means =
                "uploads of a whole cohort at once may overflow it, and are then sent again: rounds take longer";
            let ask =
                format!("whoever runs this machine: `sysctl -w net.core.rmem_max={wanted} net.core.wmem_max={wanted}`");
            found.bad(Cause::System, Outcome::Warning, [&tried, &format!("{} kB", given >> 10), means, &ask]);
        }
        Err(fault) => {
            let means = "no UDP socket can be had, so that QUIC cannot be used";
            found.bad(Cause::System, Outcome::Fault, [&tried, &fault.to_string(), means, "whoever runs this machine"]);
        }
    }
}

#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let status = nix::sys::statvfs::statvfs(folder).ok()?;
    Some(status.blocks_available().saturating_mul(status.fragment_size()))
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// As many as the system lets this process open are enough, and one more are not.
    #[test]
    fn the_limit_of_open_files_is_enough_up_to_itself() {
        let (soft, _) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).expect("a limit");
        for (needed, outcome) in [(soft, Outcome::Ok), (soft + 1, Outcome::Warning)] {
            let mut found = Findings::default();
            open_files(&mut found, needed);
            assert_eq!(found.lines().iter().map(|line| line.outcome).collect::<Vec<_>>(), [outcome], "{found}");
        }
    }

    #[test]
    fn a_disk_is_tried_and_left_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state");
        let judged = |bytes| {
            let mut found = Findings::default();
            disk(&mut found, &state, bytes);
            found.lines().iter().map(|line| (line.cause, line.outcome)).collect::<Vec<_>>()
        };
        assert_eq!(judged(1), [(Cause::Disk, Outcome::Ok)]);
        assert_eq!(judged(u64::MAX), [(Cause::Disk, Outcome::Fault)]);
        assert_eq!(std::fs::read_dir(&state).expect("it was made").count(), 0, "nothing is left in it");
        std::fs::remove_dir(&state).expect("empty");
        std::fs::write(&state, "a file").expect("writes");
        assert_eq!(judged(1), [(Cause::Disk, Outcome::Fault)]);
        assert_eq!(std::fs::read(&state).expect("reads"), b"a file");
    }
}
