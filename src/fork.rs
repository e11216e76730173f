//! `tributary verify fork`: whether two witnesses have seen one journal. What is compared, and how, is `tributary-evidence`'s.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tributary_evidence::checkpoint::{Comparison, JournalRoots, compare, roots_of, verified};
use tributary_protocol::log::SignedCheckpoint;
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_storage::files::read_public;

use crate::coordinator_key::coordinator_key;
use crate::exit::{Exit, Failure};
use crate::{given, json};

/// The folder in a daemon's state folder, and the key in it.
const FOLDER: &str = "checkpoints";
const KEY: &str = "coordinator.key";

/// Names of checkpoints in such a folder.
const NAMES: [&str; 3] = ["newest", "previous", "refused-"];

/// What to compare.
#[derive(Args)]
pub(crate) struct ForkOptions {
    /// A checkpoint, or the state folder of a client or a coordinator
    one: PathBuf,
    /// Another one
    other: PathBuf,
    /// The coordinator's key: `coordinator.key` of a folder of checkpoints, or a public signing key. Without it the key that lies beside both
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A copy of the coordinator's journal, which decides between checkpoints of different sizes
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A checkpoint and where it was found.
struct Found {
    file: PathBuf,
    signed: SignedCheckpoint,
}

/// What the comparison came to.
#[derive(Serialize)]
struct Told {
    verdict: Comparison,
    /// The two that decide.
    files: [PathBuf; 2],
    /// Their numbers of entries.
    entries: [u64; 2],
    /// The key by which both were verified.
    key: String,
    explanation: String,
}

/// Why nothing can be compared.
enum Stop {
    WrongKey(String),
    Unreadable(String),
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::WrongKey(message) => Self { exit: Exit::WrongKey, message },
            Stop::Unreadable(message) => Self { exit: Exit::Unreadable, message },
        }
    }
}

/// Compares what two witnesses have, and prints the verdict.
///
/// # Errors
/// If a file cannot be read, or is not signed by the coordinator's key.
pub(crate) fn run(options: &ForkOptions) -> Result<Exit, Failure> {
    let (files, others) = (notes_of(&options.one)?, notes_of(&options.other)?);
    let key = key_of(options)?;
    let read = |files: Vec<PathBuf>| files.into_iter().map(|file| read(file, &key)).collect::<Result<Vec<_>, _>>();
    let (one, other) = (read(files)?, read(others)?);
    let all = || one.iter().chain(&other);
    let roots = match &options.journal {
        Some(journal) => {
            let sizes: Vec<u64> = all().map(|found| found.signed.checkpoint().size).collect();
            let bytes = given::evidence(journal).map_err(|fault| Stop::Unreadable(fault.to_string()))?;
            roots_of(&bytes, &sizes).map_err(|bad| unreadable(journal, bad))?
        }
        None => JournalRoots::new(),
    };
    let told = decide(&one, &other, &roots, &key);
    if options.json {
        json::print(&told);
    } else {
        let [one, other] = &told.files;
        let [first, second] = told.entries;
        println!("{}\n  {first} entries  {}\n  {second} entries  {}", told.explanation, one.display(), other.display());
        println!("  signed by  {}", told.key);
    }
    Ok(match told.verdict {
        Comparison::Consistent => Exit::Done,
        Comparison::Forked => Exit::Failed,
        Comparison::Open => Exit::Incomplete,
        Comparison::OtherJournal => Exit::WrongKey,
    })
}

/// The pair that says most: a fork before anything else, then what is open; where all fit, the largest two.
fn decide(one: &[Found], other: &[Found], roots: &JournalRoots, key: &VerifyingKey) -> Told {
    let sides = one.iter().map(|found| (false, found)).chain(other.iter().map(|found| (true, found)));
    let all: Vec<(bool, &Found)> = sides.collect();
    let pairs =
        all.iter().enumerate().flat_map(|(place, first)| all.iter().skip(place + 1).map(move |second| (first, second)));
    let judged = pairs.map(|((side, first), (other_side, second))| {
        let across = side != other_side;
        // One witness's own checkpoints are compared too: what it refused may prove the fork. What is merely open among them says nothing.
        let (weight, verdict) = match compare(first.signed.checkpoint(), second.signed.checkpoint(), roots) {
            Comparison::Open if !across => (0, Comparison::Consistent),
            verdict @ Comparison::Consistent => (0, verdict),
            verdict @ Comparison::Open => (1, verdict),
            verdict @ Comparison::OtherJournal => (2, verdict),
            verdict @ Comparison::Forked => (3, verdict),
        };
        let size = first.signed.checkpoint().size.min(second.signed.checkpoint().size);
        ((weight, across, size), verdict, [*first, *second])
    });
    let (_, verdict, pair) = judged.max_by_key(|(rank, ..)| *rank).expect("each side has a checkpoint");
    let entries = pair.map(|found| found.signed.checkpoint().size);
    let files = pair.map(|found| found.file.clone());
    Told { verdict, files, entries, key: key.to_string(), explanation: verdict.to_string() }
}

fn read(file: PathBuf, key: &VerifyingKey) -> Result<Found, Stop> {
    let bytes = read_public(&file).map_err(|fault| unreadable(&file, fault))?;
    SignedCheckpoint::parse(&bytes).map_err(|fault| unreadable(&file, fault))?;
    let signed = verified(&bytes, key).map_err(|fault| {
        Stop::WrongKey(format!(
            "{}: {fault}. Nothing was compared: a checkpoint that the coordinator did not sign proves nothing against it",
            file.display()
        ))
    })?;
    Ok(Found { file, signed })
}

/// The checkpoints of a side.
fn notes_of(side: &Path) -> Result<Vec<PathBuf>, Stop> {
    if !side.is_dir() {
        return Ok(vec![side.to_path_buf()]);
    }
    let folder = folder_of(side);
    let entries = fs::read_dir(&folder).map_err(|fault| unreadable(&folder, fault))?;
    let named = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        NAMES.iter().any(|known| name.starts_with(known))
            || (name.len() == 20 && name.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let files: BTreeSet<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(named).collect();
    if files.is_empty() {
        return Err(unreadable(
            &folder,
            "there is no checkpoint in it; give the state folder of a daemon, or a checkpoint",
        ));
    }
    Ok(files.into_iter().collect())
}

fn folder_of(state: &Path) -> PathBuf {
    let below = state.join(FOLDER);
    if below.is_dir() { below } else { state.to_path_buf() }
}

/// The key by which both are verified.
fn key_of(options: &ForkOptions) -> Result<VerifyingKey, Stop> {
    if let Some(file) = &options.key {
        return coordinator_key(file).map_err(Stop::Unreadable);
    }
    let beside = |side: &Path| {
        let folder = if side.is_dir() { folder_of(side) } else { side.parent().unwrap_or(Path::new("")).to_path_buf() };
        Some(folder.join(KEY)).filter(|file| file.is_file())
    };
    let files = [&options.one, &options.other].map(|side| beside(side));
    let keys = files.iter().flatten().map(|file| coordinator_key(file)).collect::<Result<Vec<_>, _>>();
    let keys = keys.map_err(Stop::Unreadable)?;
    match keys.as_slice() {
        [] => Err(Stop::WrongKey("no key of the coordinator lies beside the checkpoints; name it with --key".into())),
        [key, rest @ ..] if rest.iter().all(|other| other == key) => Ok(key.clone()),
        _ => Err(Stop::WrongKey(
            "the two witnesses believe different keys of the coordinator: one of them is enrolled elsewhere, or the key was exchanged. Name the one that \
             counts with --key"
                .into(),
        )),
    }
}

fn unreadable(file: &Path, fault: impl std::fmt::Display) -> Stop {
    Stop::Unreadable(format!("{}: {fault}", file.display()))
}
