//! `tributary client list restart`: a register that was cut is begun again, by the words of two people: the owner of the branch's data, and risk control.
//!
//! ```text
//! draft    what is left, what was noted, why; in a file that nobody has signed
//! sign     the owner, and risk control, each with a key of their own
//! install  STATE/contact/contact.ledger.cut-N   the file as it was, kept as evidence
//!          STATE/contact/contact.ledger.next    what is left, and after it the two words; then both notes, then its name
//! ```
//!
//! A process that ends at any step leaves a register that is refused, or one that has begun again: the next command gives the new file its name where both
//! notes are of it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tributary_certs::inspect::date;
use tributary_certs::keys::{read_signing_key, read_verifying_key};
use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::printable::is_one_line;
use tributary_protocol::roster::MemberName;
use tributary_protocol::secagg::suite::{Signature, VerifyingKey};
use tributary_protocol::time::Millis;
use tributary_storage::files::{Draft, Existing, FileError, create_private_folder, read_text, write_public};
use tributary_storage::journal::{Journal, read_view};
use tributary_storage::lock::FolderLock;
use tributary_texts::{Said, contact as words};

use super::anchor::Anchor;
use super::event::ContactEvent;
use super::kept_scores::remove;
use super::next::{finish, next_path, take_place};
use super::places::ledger_path;
use super::register::TEXT_BYTES_MAX;
use super::remains::Remains;
use super::restart::{Place, Restart, RestartWord};
use super::signed::SignedRules;
use super::store::{LISTS, Store, end_of, key_tag};
use crate::error::ClientError;
use crate::identity::own_name;
use crate::settings::Settings;

/// The layout of the file.
const FORMAT: u32 = 1;
/// Numbers that are left out where nobody knows how many records are lost.
const SKIPPED_UNKNOWN: u32 = 10_000;

/// More numbers than this were never used: so many lists and records a branch does not have.
const SKIPPED_MAX: u32 = 10_000_000;

/// The file that two people sign.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RestartFile {
    format: u32,
    branch: String,
    left_records: u64,
    left_head: String,
    noted_records: Option<u64>,
    noted_head: Option<String>,
    skipped: u32,
    reason: String,
    at: u64,
    words: Vec<FileWord>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileWord {
    key: String,
    at: u64,
    signature: String,
}

impl RestartFile {
    fn of(restart: &Restart, words: &[RestartWord]) -> Self {
        Self {
            format: FORMAT,
            branch: restart.branch.clone(),
            left_records: restart.left.records,
            left_head: restart.left.head.to_string(),
            noted_records: restart.noted.map(|noted| noted.records),
            noted_head: restart.noted.map(|noted| noted.head.to_string()),
            skipped: restart.skipped,
            reason: restart.reason.clone(),
            at: restart.at,
            words: words
                .iter()
                .map(|word| FileWord { key: word.key.to_string(), at: word.at, signature: word.signature.to_string() })
                .collect(),
        }
    }

    /// What it says, if it says it as [`RestartFile::of`] writes it.
    fn parsed(&self) -> Option<(Restart, Vec<RestartWord>)> {
        let noted = match (self.noted_records, self.noted_head.as_deref()) {
            (Some(records), Some(head)) => Some(Place { records, head: Digest::from_hex(head)? }),
            (None, None) => None,
            _ => return None,
        };
        let restart = Restart {
            branch: self.branch.clone(),
            left: Place { records: self.left_records, head: Digest::from_hex(&self.left_head)? },
            noted,
            skipped: self.skipped,
            reason: self.reason.clone(),
            at: self.at,
        };
        let word = |word: &FileWord| {
            let (key, signature) = (VerifyingKey::of_text(&word.key)?, Signature::of_text(&word.signature)?);
            Some(RestartWord { key, at: word.at, signature })
        };
        let fits = self.format == FORMAT && is_reason(&self.reason) && MemberName::parse(&self.branch).is_ok();
        Some((restart, self.words.iter().map(word).collect::<Option<_>>()?)).filter(|_| fits)
    }
}

fn is_reason(text: &str) -> bool {
    is_one_line(text) && text.len() <= TEXT_BYTES_MAX
}

fn read(path: &Path) -> Result<(Restart, Vec<RestartWord>), ClientError> {
    let text = read_text(path, "file to begin the register of lists again").map_err(ClientError::file)?;
    let file = serde_json::from_str::<RestartFile>(&text).ok();
    file.and_then(|file| file.parsed()).ok_or_else(|| ClientError::Said(words::restart_bad(path.display())))
}

fn write(path: &Path, restart: &Restart, words: &[RestartWord], existing: Existing) -> Result<(), ClientError> {
    let mut text = serde_json::to_vec_pretty(&RestartFile::of(restart, words)).map_err(ClientError::file)?;
    text.push(b'\n');
    write_public(path, &text, existing).map_err(ClientError::file)
}

/// Drafts the file that two people sign; what it says.
///
/// # Errors
/// If the register is whole, the reason is none, or something cannot be read.
pub fn draft_restart(config: &Path, reason: &str, out: &Path, now: u64) -> Result<Vec<Said>, ClientError> {
    let settings = Settings::load(config)?;
    if !is_reason(reason) {
        return Err(ClientError::Said(words::restart_reason(TEXT_BYTES_MAX)));
    }
    let place = Folder::take(&settings)?;
    let remains = place.remains()?;
    let (noted, skipped) = place.lost(&remains)?;
    let restart = Restart {
        branch: own_name(&settings.identity.folder)?.to_string(),
        left: remains.end,
        noted,
        skipped,
        reason: reason.to_owned(),
        at: now,
    };
    write(out, &restart, &[], Existing::Keep)?;
    let mut lines = said(&restart);
    lines.push(words::restart_drafted(out.display(), restart.digest()));
    Ok(lines)
}

fn said(restart: &Restart) -> Vec<Said> {
    let noted = restart.noted.map_or_else(words::restart_noted_nothing, |noted| words::restart_noted(noted.records));
    vec![
        words::restart_of(&restart.branch, restart.left.records, noted),
        words::restart_why(date(restart.at), &restart.reason),
        words::restart_means(restart.skipped),
    ]
}

/// The file, as somebody is about to sign it.
pub struct SigningRestart {
    path: PathBuf,
    key: SigningKey,
    restart: Restart,
    words: Vec<RestartWord>,
}

impl SigningRestart {
    /// Reads the file, with the key of whoever signs.
    ///
    /// # Errors
    /// If the file is none, two have signed, or this key has.
    pub fn open(file: &Path, key: &Path) -> Result<Self, ClientError> {
        let key = read_signing_key(key).map_err(ClientError::file)?;
        let (restart, words) = read(file)?;
        if words.len() > 1 || words.iter().any(|word| word.key == key.verifying_key()) {
            return Err(ClientError::Said(words::restart_signed_already(file.display())));
        }
        Ok(Self { path: file.to_path_buf(), key, restart, words })
    }

    /// What is shown before it is signed.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        said(&self.restart)
    }

    /// What is signed.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.restart.digest()
    }

    /// Signs.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn sign(mut self, now: u64) -> Result<Said, ClientError> {
        self.words.push(RestartWord::sign(&self.key, &self.restart, now));
        write(&self.path, &self.restart, &self.words, Existing::Replace)?;
        Ok(words::restart_signed(self.path.display(), self.words.len()))
    }
}

/// Begins the register again, by the words of the owner and of a risk control that these rules name.
///
/// # Errors
/// If a word is missing or is somebody else's, the register is not as it was drafted, or a file cannot be written.
pub fn install_restart(config: &Path, file: &Path, rules: &Path, now: u64) -> Result<Vec<Said>, ClientError> {
    let settings = Settings::load(config)?;
    let (restart, signed) = read(file)?;
    if restart.branch != own_name(&settings.identity.folder)?.to_string() {
        return Err(ClientError::Said(words::restart_of_other_branch(file.display(), &restart.branch)));
    }
    let owner = read_verifying_key(&settings.policy_owner).map_err(ClientError::file)?;
    let of_rules = SignedRules::of(&settings, rules)?;
    let by = |fits: &dyn Fn(&VerifyingKey) -> bool| {
        signed.iter().find(|word| fits(&word.key) && word.holds(&restart)).cloned()
    };
    let approvers = &of_rules.rules.approvers;
    // The rules' approvers and the owner are never the same.
    let (Some(owner), Some(risk)) = (by(&|key| *key == owner), by(&|key| approvers.contains(key))) else {
        return Err(ClientError::Said(words::restart_unsigned(file.display())));
    };
    let place = Folder::take(&settings)?;
    let remains = place.remains()?;
    of_rules.is_in_force(rules, &remains.register, now)?;
    if remains.end != restart.left || place.lost(&remains)? != (restart.noted, restart.skipped) {
        return Err(ClientError::Said(words::restart_changed(file.display())));
    }
    let kept = place.keep(&remains.file).map_err(ClientError::file)?;
    let event = ContactEvent::Restarted(Box::new((restart, owner, risk)));
    place.begin(remains, event, now)?;
    drop(place);
    Store::open(&settings, now)?;
    Ok(vec![words::restart_done(kept.display())])
}

/// The register's folder, while it is begun again.
struct Folder {
    folder: PathBuf,
    ledger: PathBuf,
    anchor: Anchor,
    _lock: FolderLock,
}

impl Folder {
    fn take(settings: &Settings) -> Result<Self, ClientError> {
        let ledger = ledger_path(&settings.state_dir);
        let folder = ledger.parent().map(Path::to_path_buf).unwrap_or_default();
        create_private_folder(&folder).map_err(ClientError::file)?;
        let lock = FolderLock::take(&folder).map_err(ClientError::file)?;
        Ok(Self { folder, ledger, anchor: Anchor::of(settings), _lock: lock })
    }

    /// What is left of a register that is refused.
    ///
    /// # Errors
    /// If it is whole.
    fn remains(&self) -> Result<Remains, ClientError> {
        finish(&self.ledger, &self.anchor)?;
        let is_noted = self.anchor.check(&self.ledger).is_ok();
        if is_noted {
            self.anchor.undo(&self.ledger)?;
        }
        // Anybody may have written what nobody noted.
        let remains = Remains::of(&self.ledger, self.anchor.noted().map(|noted| noted.records))?;
        let readable = read_view::<ContactEvent>(&self.ledger, LedgerId::CONTACT);
        let all = readable.is_ok_and(|records| records.len() == remains.records.len());
        match all && is_noted {
            true => Err(ClientError::Said(words::restart_whole())),
            false => Ok(remains),
        }
    }

    /// What the notes say of the register's end, and how many numbers of lists may have been used that it does not know.
    ///
    /// # Errors
    /// If they are more than any branch used: then a note or a folder is none of this branch's.
    fn lost(&self, remains: &Remains) -> Result<(Option<Place>, u32), ClientError> {
        let noted = self.anchor.noted();
        let lost = noted.map(|noted| noted.records.saturating_sub(remains.end.records));
        let of_records = lost.unwrap_or(u64::from(SKIPPED_UNKNOWN));
        // A folder of a list whose record is lost has a number that was used.
        let last = remains.register.next_list().saturating_sub(1);
        let skipped = of_records.max(u64::from(self.last_list().saturating_sub(last)));
        match u32::try_from(skipped) {
            Ok(skipped) if skipped <= SKIPPED_MAX => Ok((noted, skipped)),
            _ => Err(ClientError::Said(words::restart_too_far(skipped, SKIPPED_MAX))),
        }
    }

    /// The largest number of a list whose folder is there.
    fn last_list(&self) -> u32 {
        let entries = fs::read_dir(self.folder.join(LISTS)).into_iter().flatten().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok()));
        numbers.max().unwrap_or(0)
    }

    /// Keeps the file as it was.
    fn keep(&self, file: &[u8]) -> Result<PathBuf, FileError> {
        for number in 1_u32.. {
            let path = self.ledger.with_extension(format!("ledger.cut-{number}"));
            // A register may be longer than what is read as one private file.
            let write = || -> std::io::Result<Draft> {
                let mut draft = Draft::private(&self.folder)?;
                draft.write_all(file)?;
                Ok(draft)
            };
            match write().map_err(FileError::system("writing", &path))?.place(&path, Existing::Keep) {
                Err(FileError::Exists { .. }) => {}
                placed => return placed.map(|_| path),
            }
        }
        Err(FileError::content(&self.ledger, "register with a free name beside it"))
    }

    fn begin(&self, remains: Remains, restarted: ContactEvent, now: u64) -> Result<(), ClientError> {
        let next = next_path(&self.ledger);
        remove(&next)?;
        let (mut journal, _) = Journal::<ContactEvent>::open(&next, LedgerId::CONTACT)?;
        let (mut register, millis) = (remains.register, Millis(now.saturating_mul(1000)));
        for recorded in remains.records {
            journal.append(recorded.at, recorded.event)?;
        }
        let begun = register.key.is_none().then(|| key_tag(&self.folder, &register)).transpose()?;
        for event in begun.map(|key| ContactEvent::Begun { key }).into_iter().chain([restarted]) {
            register.check(&event).map_err(ClientError::file)?;
            register.apply(&event);
            journal.append(millis, event)?;
        }
        journal.sync()?;
        self.anchor.note(end_of(&journal))?;
        drop(journal);
        take_place(&self.ledger).map_err(ClientError::file)
    }
}
