//! `tributary verify deletions`: whether a branch's certificates of deletion are whole, by their signatures and their chain alone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use tributary_certs::deletion::{DeletionCertificate, DeletionFault, verify_deletions};
use tributary_certs::inspect::date;
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_storage::files::read_public;

use crate::exit::{Exit, Failure};
use crate::json;

/// Which certificates, and whose.
#[derive(Args)]
pub(crate) struct DeletionOptions {
    /// The folder with the certificates: 000001.json and those after it
    folder: PathBuf,
    /// The branch's signing key, as the signed roster has it; once for each key that it has had
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Vec<VerifyingKey>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn key(text: &str) -> Result<VerifyingKey, String> {
    VerifyingKey::of_text(text).ok_or_else(|| "a key is written ed25519: and 64 hexadecimal digits".to_owned())
}

/// Verifies them.
///
/// # Errors
/// If the folder cannot be read.
pub(crate) fn deletions(options: &DeletionOptions) -> Result<Exit, Failure> {
    let unreadable = |message: String| Failure { exit: Exit::Unreadable, message };
    let mut row = Vec::new();
    for path in paths(&options.folder).map_err(|fault| unreadable(format!("{}: {fault}", options.folder.display())))? {
        let bytes = read_public(&path).map_err(|fault| unreadable(fault.to_string()))?;
        let found = DeletionCertificate::parse(&bytes);
        let none =
            || unreadable(format!("{}: this is no certificate of deletion that this release reads", path.display()));
        row.push(found.ok_or_else(none)?);
    }
    if row.is_empty() {
        return Err(unreadable(format!("{}: there is no certificate of deletion in it", options.folder.display())));
    }
    let keys: BTreeSet<&str> = row.iter().map(|one| one.key.as_str()).collect();
    let fault = verify_deletions(&row, &options.key).err();
    let (exit, word) = match &fault {
        None if options.key.is_empty() => (Exit::Incomplete, "INCOMPLETE"),
        None => (Exit::Done, "INTACT"),
        Some(DeletionFault::Missing(_)) => (Exit::Incomplete, "INCOMPLETE"),
        Some(DeletionFault::Chain(_) | DeletionFault::Signature(_)) => (Exit::Failed, "TAMPERED"),
        Some(DeletionFault::Key { .. }) => (Exit::WrongKey, "WRONG KEY"),
    };
    let why = fault.map(|fault| fault.to_string()).or_else(|| {
        options.key.is_empty().then(|| {
            "nobody was named whose key must have signed (`--key`); compare the keys with the roster".to_owned()
        })
    });
    if options.json {
        json::print(&serde_json::json!({
            "verdict": word, "reason": why, "branch": row[0].branch, "keys": keys, "certificates": row,
        }));
    } else {
        println!("{word}  {}", options.folder.display());
        why.iter().for_each(|why| println!("  {why}"));
        for DeletionCertificate { number, at, removed, branch, .. } in &row {
            println!("  certificate {number} of {branch}, {}: {} things were deleted", date(*at), removed.len());
        }
        keys.iter().for_each(|key| println!("  signed by {key}"));
    }
    Ok(exit)
}

/// The certificates of a folder, by their numbers.
fn paths(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".json"));
        if name.is_some_and(|name| name.len() >= 6 && name.bytes().all(|byte| byte.is_ascii_digit())) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
