//! Where the register and what belongs to it lie: a folder of mode 0700 beside the budget. One command at a time changes it.
//!
//! ```text
//! STATE/contact/contact.ledger       what happened; the only file that says what is true
//! STATE/contact/contact.ledger.cut-N what it was before it was begun again, kept as evidence
//! STATE/contact.head                 where it ends at least; the same in IDENTITY/contact.head
//! STATE/contact/pseudonym.key        the key of customers' pseudonyms, mode 0600
//! STATE/contact/lists/000001/        sheet.csv: its lines; members: pseudonyms of its lines, in order; rules.toml: the rules that made it;
//!                                    copy: where a copy of its lines was written, if one was asked for
//! STATE/contact/draws/DIGEST         a draw of a hold-out: pseudonyms of who was held out, and of who was drawn for the first time
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use tributary_certs::inspect::date;
use tributary_certs::pseudonym::PseudonymKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_protocol::time::Millis;
use tributary_protocol::versioned::{Release, Versioned};
use tributary_storage::files::{
    Existing, FileError, create_private_folder, read_stored, read_text, rename, sync_folder, write_stored,
};
use tributary_storage::journal::Journal;
use tributary_storage::lock::FolderLock;
use tributary_texts::contact as words;

use super::anchor::Anchor;
use super::event::{BuiltList, ContactEvent, ListFiles};
use super::holdout::{Assigned, Drawn};
use super::next::finish;
use super::places::{KEY, LEDGER, folder};
use super::pseudonym::{Pseudonym, from_bytes, to_bytes};
use super::register::{CLOCK_S, ListState, Register};
use super::restart::Place;
use super::rules::{HoldOut, Rules};
use super::sheet::{self, Sheet};
use crate::error::ClientError;
use crate::settings::Settings;

pub(super) const LISTS: &str = "lists";
const DRAWS: &str = "draws";
const SHEET: &str = "sheet.csv";
const MEMBERS: &str = "members";
const RULES: &str = "rules.toml";
const COPY: &str = "copy";
/// Begins the name of a folder in the making.
const DRAFT: &str = ".draft-";

/// The layout of a file of pseudonyms.
const FORMAT: Versioned = Versioned {
    what: "a file of pseudonyms",
    magic: *b"TRIBPSEU",
    version: 1,
    since: Release { major: 0, minor: 2 },
    older: "Make the list anew",
};

/// The open register.
pub(crate) struct Store {
    folder: PathBuf,
    journal: Journal<ContactEvent>,
    register: Register,
    key: PseudonymKey,
    anchor: Anchor,
    _lock: FolderLock,
}

impl Store {
    /// Opens the register, and puts its files in order with it: what a crash left half done is done or undone.
    ///
    /// # Errors
    /// If folder, key or register cannot be used, or the key is another one than the register's.
    pub(crate) fn open(settings: &Settings, now: u64) -> Result<Self, ClientError> {
        let folder = folder(&settings.state_dir);
        for folder in [folder.clone(), folder.join(LISTS), folder.join(DRAWS)] {
            create_private_folder(&folder).map_err(ClientError::file)?;
        }
        let lock = FolderLock::take(&folder).map_err(ClientError::file)?;
        let (path, anchor) = (folder.join(LEDGER), Anchor::of(settings));
        finish(&path, &anchor)?;
        anchor.check(&path)?;
        anchor.undo(&path)?;
        let (journal, recorded) = Journal::open(&path, LedgerId::CONTACT)?;
        let replayed = Register::replay(recorded.iter().map(|recorded| &recorded.event));
        let register = replayed.map_err(|fault| ClientError::Said(words::register_broken(path.display(), fault)))?;
        let key = open_key(&folder.join(KEY), &register)?;
        // One note may be of the record before, and a first record of none.
        anchor.note(end_of(&journal))?;
        let mut store = Self { folder, journal, register, key, anchor, _lock: lock };
        let tag = tag_of(&store.key);
        match store.register.key {
            None => store.record(now, ContactEvent::Begun { key: tag })?,
            Some(known) if known == tag => {}
            Some(_) => return Err(ClientError::Said(words::other_key(store.folder.join(KEY).display()))),
        }
        store.mend()?;
        Ok(store)
    }

    /// The state.
    #[must_use]
    pub(crate) fn register(&self) -> &Register {
        &self.register
    }

    /// Whether the clock has not gone back since a list was last made, approved or delivered, or something was purged. An earlier clock would revive
    /// lists that are over, and a later one that was set back has let hold-outs end, or be deleted.
    ///
    /// # Errors
    /// If it has.
    pub(crate) fn clock_stands(&self, now: u64) -> Result<(), ClientError> {
        let last = self.register.last;
        if now.saturating_add(CLOCK_S) < last {
            return Err(ClientError::Said(words::clock_back(date(now), date(last))));
        }
        Ok(())
    }

    /// The branch's key.
    #[must_use]
    pub(crate) fn key(&self) -> &PseudonymKey {
        &self.key
    }

    /// Records an event: durable when this returns. `now` is in Unix seconds.
    ///
    /// # Errors
    /// If it cannot come next, which is a fault of this program; or cannot be written.
    pub(crate) fn record(&mut self, now: u64, event: ContactEvent) -> Result<(), ClientError> {
        self.register.check(&event).map_err(ClientError::file)?;
        self.journal.append(Millis(now.saturating_mul(1000)), event.clone())?;
        self.journal.sync()?;
        self.register.apply(&event);
        self.anchor.note(end_of(&self.journal))
    }

    /// Records that files of a kind are about to be deleted, if there are any.
    ///
    /// # Errors
    /// If the register cannot be written.
    pub(super) fn record_purged(&mut self, kind: &str, files: usize, now: u64) -> Result<(), ClientError> {
        match u32::try_from(files).unwrap_or(u32::MAX) {
            0 => Ok(()),
            files => self.record(now, ContactEvent::FilesPurged { kind: kind.to_owned(), files }),
        }
    }

    /// A list by its number.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn list(&self, list: u32) -> Result<&ListState, ClientError> {
        self.register.lists.get(&list).ok_or_else(|| ClientError::Said(words::no_such_list(list)))
    }

    /// Writes a list's files: durable when this returns. Nothing names them before [`ContactEvent::ListBuilt`].
    ///
    /// # Errors
    /// If they cannot be written.
    pub(crate) fn write_list(
        &self,
        list: u32,
        sheet: &Sheet,
        members: &[Pseudonym],
        rules: &str,
    ) -> Result<ListFiles, ClientError> {
        let (place, draft) = (self.of_list(list), self.folder.join(LISTS).join(format!("{DRAFT}{list:06}")));
        let write = || -> Result<ListFiles, FileError> {
            remove(&draft)?;
            // No event names it: a process ended between the two.
            remove(&place)?;
            create_private_folder(&draft)?;
            let files = put_files(&draft, &sheet.to_bytes(), members)?;
            sheet::write_private_file(&draft.join(RULES), rules.as_bytes())?;
            rename(&draft, &place)?;
            Ok(files)
        };
        write().map_err(ClientError::file)
    }

    /// The lines of a list.
    ///
    /// # Errors
    /// If the file is not the one that the register names.
    pub(crate) fn sheet(&self, list: u32) -> Result<Sheet, ClientError> {
        let path = self.of_list(list).join(SHEET);
        let bytes = fs::read(&path).map_err(|fault| ClientError::file(FileError::system("reading", &path)(fault)))?;
        if Digest::of(&bytes) != self.list(list)?.files.sheet {
            return Err(ClientError::Said(words::file_changed(path.display())));
        }
        Sheet::read(&path)
    }

    /// The pseudonyms of a list's lines, in their order.
    ///
    /// # Errors
    /// As [`Store::sheet`].
    pub(crate) fn members(&self, list: u32) -> Result<Vec<Pseudonym>, ClientError> {
        let path = self.of_list(list).join(MEMBERS);
        let bytes = read_stored(&path, &FORMAT).map_err(ClientError::file)?;
        let members =
            from_bytes(&bytes).filter(|_| self.list(list).is_ok_and(|list| Digest::of(&bytes) == list.files.members));
        members.ok_or_else(|| ClientError::Said(words::file_changed(path.display())))
    }

    /// Notes where a copy of a list's lines is about to be written, for whoever erases a customer later.
    ///
    /// # Errors
    /// If it cannot be noted.
    pub(crate) fn note_copy(&self, list: u32, path: &Path) -> Result<(), ClientError> {
        let text = noted(path)?;
        sheet::write_private_file(&self.of_list(list).join(COPY), text.as_bytes()).map_err(ClientError::file)
    }

    /// Where a copy of a list's lines was written.
    ///
    /// # Errors
    /// If the note cannot be read.
    pub(crate) fn copy_of(&self, list: u32) -> Result<Option<PathBuf>, ClientError> {
        let path = self.of_list(list).join(COPY);
        if !path.exists() {
            return Ok(None);
        }
        read_text(&path, "a path").map(|text| Some(PathBuf::from(text))).map_err(ClientError::file)
    }

    /// The text of the rules that made a list.
    ///
    /// # Errors
    /// As [`Store::sheet`].
    pub(crate) fn rules_text(&self, built: &BuiltList) -> Result<String, ClientError> {
        let path = self.of_list(built.list).join(RULES);
        let text = read_text(&path, "rules").map_err(ClientError::file)?;
        if Digest::of(text.as_bytes()) != built.rules.0 {
            return Err(ClientError::Said(words::file_changed(path.display())));
        }
        Ok(text)
    }

    /// Writes a draw, and records it: durable when this returns.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn record_draw(
        &mut self,
        now: u64,
        (group, until): (&str, u64),
        drawn: &Drawn,
    ) -> Result<(), ClientError> {
        let held = u32::try_from(drawn.held.len()).map_err(ClientError::file)?;
        let mut bytes = held.to_le_bytes().to_vec();
        bytes.extend(to_bytes(&drawn.held));
        bytes.extend(to_bytes(&drawn.first));
        // The time makes two draws of the same customers two draws.
        let draw = Digest::of_parts(&[group.as_bytes(), &until.to_le_bytes(), &now.to_le_bytes(), &bytes]);
        if self.register.draws.contains_key(&draw) {
            return Ok(());
        }
        bytes.extend(now.to_le_bytes());
        let path = self.of_draw(&draw);
        write_stored(&path, &FORMAT, &bytes, Existing::Replace).map_err(ClientError::file)?;
        self.record(now, ContactEvent::HoldOutDrawn { group: group.to_owned(), draw, until })
    }

    /// What draws say of the customers of lists by these rules. Whoever the branch holds out is held out in every campaign, whatever its own rules say.
    ///
    /// # Errors
    /// If a draw is not the one that the register names.
    pub(crate) fn assigned_by(&self, rules: &Rules, now: u64) -> Result<Assigned, ClientError> {
        let held = self.assigned(HoldOut::WHOLE_BRANCH, now)?.held;
        let Some(rule) = rules.hold_out else { return Ok(Assigned { held, ..Assigned::default() }) };
        let mut assigned = self.assigned(rule.group(&rules.campaign), now)?;
        assigned.held.extend(held);
        Ok(assigned)
    }

    /// What the draws of a group say at a time. Of two draws of one customer the one that held it out counts.
    ///
    /// # Errors
    /// If a draw is not the one that the register names.
    pub(crate) fn assigned(&self, group: &str, now: u64) -> Result<Assigned, ClientError> {
        let mut assigned = Assigned::default();
        for (draw, (own, until)) in &self.register.draws {
            if own == group && now <= *until {
                let drawn = self.draw(draw, (own, *until))?;
                assigned.held.extend(drawn.held);
                assigned.known.extend(drawn.first);
            }
        }
        Ok(assigned)
    }

    fn draw(&self, draw: &Digest, (group, until): (&str, u64)) -> Result<Drawn, ClientError> {
        let path = self.of_draw(draw);
        let bytes = read_stored(&path, &FORMAT).map_err(ClientError::file)?;
        let parse = || {
            let (bytes, at) = bytes.split_last_chunk::<8>()?;
            if Digest::of_parts(&[group.as_bytes(), &until.to_le_bytes(), at, bytes]) != *draw {
                return None;
            }
            let (held, rest) = bytes.split_first_chunk()?;
            let held = usize::try_from(u32::from_le_bytes(*held)).ok()?.checked_mul(Pseudonym::BYTES)?;
            let (held, first) = rest.split_at_checked(held)?;
            Some(Drawn { held: from_bytes(held)?, first: from_bytes(first)? })
        };
        parse().ok_or_else(|| ClientError::Said(words::file_changed(path.display())))
    }

    /// Erases a line from a list's files: recorded first, then done.
    ///
    /// # Errors
    /// If the files are not those that the register names, or cannot be written.
    pub(crate) fn erase_line(&mut self, now: u64, list: u32, line: u32) -> Result<(), ClientError> {
        let (mut sheet, mut members) = (self.sheet(list)?, self.members(list)?);
        let place = usize::try_from(line).ok().and_then(|line| line.checked_sub(1));
        if let Some(member) = place.and_then(|place| members.get_mut(place)) {
            *member = Pseudonym::ERASED;
        }
        sheet.erase(line);
        let bytes = sheet.to_bytes();
        let files = ListFiles { sheet: Digest::of(&bytes), members: Digest::of(&to_bytes(&members)) };
        self.record(now, ContactEvent::LineErased { list, line, files })?;
        put_files(&self.of_list(list), &bytes, &members).map_err(ClientError::file)?;
        Ok(())
    }

    /// Deletes the files of a list that was purged.
    ///
    /// # Errors
    /// If they cannot be deleted.
    pub(crate) fn delete_list(&self, list: u32) -> Result<(), ClientError> {
        remove(&self.of_list(list)).map_err(ClientError::file)?;
        sync_folder(&self.folder.join(LISTS)).map_err(ClientError::file)
    }

    /// Deletes a draw that was purged.
    ///
    /// # Errors
    /// If it cannot be deleted.
    pub(crate) fn delete_draw(&self, draw: &Digest) -> Result<(), ClientError> {
        remove_file(&self.of_draw(draw)).map_err(ClientError::file)?;
        sync_folder(&self.folder.join(DRAWS)).map_err(ClientError::file)
    }

    fn of_list(&self, list: u32) -> PathBuf {
        self.folder.join(LISTS).join(format!("{list:06}"))
    }

    fn of_draw(&self, draw: &Digest) -> PathBuf {
        self.folder.join(DRAWS).join(draw.to_string())
    }

    /// Removes what the register does not name, and finishes erasures that were recorded.
    fn mend(&mut self) -> Result<(), ClientError> {
        let named = |name: &str| {
            let list = name.parse::<u32>().ok().filter(|list| format!("{list:06}") == name);
            list.and_then(|list| self.register.lists.get(&list)).is_some_and(|list| !list.purged)
        };
        for path in inside(&self.folder.join(LISTS)) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if !named(name) {
                remove(&path).map_err(ClientError::file)?;
            }
            // A draft that a crash left holds lines as well.
            let mut drafts =
                inside(&path).into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "tmp"));
            drafts.try_for_each(|draft| remove_file(&draft)).map_err(ClientError::file)?;
        }
        for path in inside(&self.folder.join(DRAWS)) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if Digest::from_hex(name).is_none_or(|draw| !self.register.draws.contains_key(&draw)) {
                remove_file(&path).map_err(ClientError::file)?;
            }
        }
        let erasing: Vec<u32> =
            self.register.lists.iter().filter(|(_, list)| !list.before.is_empty()).map(|(list, _)| *list).collect();
        erasing.into_iter().try_for_each(|list| self.finish_erasures(list))
    }

    /// The files may be those before an erasure that was recorded: then it is done now.
    fn finish_erasures(&self, list: u32) -> Result<(), ClientError> {
        let state = self.list(list)?;
        if self.sheet(list).is_ok() && self.members(list).is_ok() || state.purged {
            return Ok(());
        }
        let folder = self.of_list(list);
        let path = folder.join(SHEET);
        let bytes = fs::read(&path).map_err(|fault| ClientError::file(FileError::system("reading", &path)(fault)))?;
        let known = |found: Digest, of: fn(&ListFiles) -> Digest| {
            state.before.iter().chain([&state.files]).any(|files| of(files) == found)
        };
        let members = read_stored(&folder.join(MEMBERS), &FORMAT).map_err(ClientError::file)?;
        if !known(Digest::of(&bytes), |files| files.sheet) || !known(Digest::of(&members), |files| files.members) {
            return Err(ClientError::Said(words::file_changed(path.display())));
        }
        let changed = || ClientError::Said(words::file_changed(folder.display()));
        let (mut sheet, mut members) = (Sheet::read(&path)?, from_bytes(&members).ok_or_else(changed)?);
        for line in &state.erased {
            sheet.erase(*line);
            if let Some(member) = (*line as usize).checked_sub(1).and_then(|place| members.get_mut(place)) {
                *member = Pseudonym::ERASED;
            }
        }
        let written = put_files(&folder, &sheet.to_bytes(), &members).map_err(ClientError::file)?;
        if written == state.files { Ok(()) } else { Err(changed()) }
    }
}

/// A path as the register notes it: whole, so that another command finds it from elsewhere.
///
/// # Errors
/// If it is no text.
pub(super) fn noted(path: &Path) -> Result<String, ClientError> {
    // Links are followed now: what they lead to later is another file.
    let whole = path.canonicalize().or_else(|_| std::path::absolute(path)).map_err(ClientError::file)?;
    whole.to_str().map(str::to_owned).ok_or_else(|| ClientError::Said(words::path_no_text(path.display())))
}

/// Where a register ends.
pub(super) fn end_of(journal: &Journal<ContactEvent>) -> Place {
    Place { records: journal.entries_of(&LedgerId::CONTACT), head: journal.head() }
}

/// What a key makes of nothing: another key is noticed.
fn tag_of(key: &PseudonymKey) -> Digest {
    Digest(key.of("tributary/contact/key", b""))
}

/// The tag of the key in a register's folder; made where there is neither one nor a register.
///
/// # Errors
/// If it is lost, or cannot be read or made.
pub(super) fn key_tag(folder: &Path, register: &Register) -> Result<Digest, ClientError> {
    open_key(&folder.join(KEY), register).map(|key| tag_of(&key))
}

/// The key; made where there is neither one nor a register.
fn open_key(path: &Path, register: &Register) -> Result<PseudonymKey, ClientError> {
    match (path.exists(), register.key.is_some()) {
        (true, _) => PseudonymKey::read(path).map_err(ClientError::file),
        (false, false) => PseudonymKey::make(path).map_err(ClientError::file),
        (false, true) => Err(ClientError::Said(words::key_lost(path.display()))),
    }
}

fn put_files(folder: &Path, sheet: &[u8], members: &[Pseudonym]) -> Result<ListFiles, FileError> {
    let members = to_bytes(members);
    sheet::write_private_file(&folder.join(SHEET), sheet)?;
    write_stored(&folder.join(MEMBERS), &FORMAT, &members, Existing::Replace)?;
    Ok(ListFiles { sheet: Digest::of(sheet), members: Digest::of(&members) })
}

fn inside(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

fn remove(folder: &Path) -> Result<(), FileError> {
    match fs::symlink_metadata(folder) {
        Ok(found) if !found.is_dir() => remove_file(folder),
        _ => match fs::remove_dir_all(folder) {
            Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => {
                Err(FileError::system("deleting", folder)(fault))
            }
            _ => Ok(()),
        },
    }
}

fn remove_file(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => Err(FileError::system("deleting", path)(fault)),
        _ => Ok(()),
    }
}
