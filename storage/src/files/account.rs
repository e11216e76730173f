//! The accounts of this machine: who runs this process, and who owns a file.

/// The number of the user that this process runs as.
#[cfg(unix)]
#[must_use]
pub fn user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The name of the account that this process runs as, in plain letters.
#[cfg(unix)]
#[must_use]
pub fn own_account() -> String {
    let number = user();
    let name = nix::unistd::User::from_uid(number.into()).ok().flatten().map(|user| user.name);
    let plain = |name: &String| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    name.filter(plain).unwrap_or_else(|| format!("user-{number}"))
}

/// The name of the account that this process runs as, in plain letters.
#[cfg(not(unix))]
#[must_use]
pub fn own_account() -> String {
    "operator".to_owned()
}

/// A user's name and number, for messages.
#[cfg(unix)]
#[must_use]
pub fn account(number: u32) -> String {
    match nix::unistd::User::from_uid(number.into()) {
        Ok(Some(user)) => format!("{} (user {number})", user.name),
        _ => format!("user {number}"),
    }
}

/// A user's number, for messages.
#[cfg(not(unix))]
#[must_use]
pub fn account(number: u32) -> String {
    format!("user {number}")
}

#[cfg(all(test, unix))]
mod tests {
    use super::{account, own_account, user};

    /// Messages name accounts as an administrator knows them, and a number that nobody has by itself.
    #[test]
    fn accounts_are_named_by_name_and_number() {
        assert_eq!((account(0).as_str(), account(3_999_999_999).as_str()), ("root (user 0)", "user 3999999999"));
        let (own, number) = (own_account(), user());
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        assert!(!own.is_empty() && own.chars().all(plain), "{own}");
        let known = account(number);
        match known.strip_suffix(&format!(" (user {number})")) {
            Some(name) if name.chars().all(plain) => assert_eq!(own, name),
            _ => assert_eq!(own, format!("user-{number}")),
        }
    }
}
