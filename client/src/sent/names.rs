//! Names of the files.

/// The file in the state folder that is written to.
pub const FILE: &str = "sent.log";

/// The name of a file that is full.
pub(super) fn name_of(number: u32) -> String {
    format!("sent-{number:06}.log")
}

/// The number of a file that is full, by its name.
pub(super) fn number_of(name: &str) -> Option<u32> {
    let number = name.strip_prefix("sent-")?.strip_suffix(".log")?.parse().ok()?;
    (number > 0 && name_of(number) == name).then_some(number)
}
