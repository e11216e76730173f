//! What this process has used: for the last line of a run.

use std::time::Duration;

use cpu_time::ProcessTime;

/// CPU time of this process so far, all threads, user and system; nothing where the system does not tell.
#[must_use]
pub fn process_cpu() -> Option<Duration> {
    ProcessTime::try_now().ok().map(|time| time.as_duration())
}

/// Largest resident memory of this process so far, in bytes; nothing where the operating system has no `/proc`.
#[must_use]
pub fn rss_bytes_max() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    high_water(&status)
}

fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_is_read_in_bytes() {
        assert_eq!(high_water("Name:\tx\nVmHWM:\t   1234 kB\nVmRSS:\t 1 kB\n"), Some(1234 * 1024));
        assert_eq!(high_water("Name:\tx\n"), None);
        assert_eq!(high_water("VmHWM:\t many kB\n"), None);
    }

    #[test]
    fn this_process_used_something() {
        assert!(process_cpu().is_some());
        if std::path::Path::new("/proc/self/status").exists() {
            assert!(rss_bytes_max().is_some_and(|bytes| bytes > 0));
        }
    }
}
