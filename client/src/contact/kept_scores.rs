//! Scores files that this branch made, or of which a list was made, as long as they lie where they were, as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_storage::files::FileError;
use tributary_texts::contact as words;

use super::event::ContactEvent;
use super::itself::{delete, digest_of, digest_of_noted, is_gone, number_of_several_names};
use super::pseudonym::Pseudonym;
use super::scores::{read_note_alone, read_rows};
use super::store::Store;
use super::undone::Undone;
use crate::error::ClientError;
use crate::score::{ScoresNote, note_path, without};

/// One of them.
pub(super) struct KeptScores {
    /// Where it is.
    pub(super) path: PathBuf,
    /// When it was made, in Unix seconds.
    pub(super) made_at: u64,
}

/// What is left of a file after an erasure.
pub(super) enum Left {
    /// The customer was not in it.
    AsItWas,
    /// So many rows, without so many that were erased.
    Without { erased: u64, rows: u64 },
    /// It was deleted.
    Nothing,
    /// It could be neither written anew nor deleted.
    There,
}

/// Why an erasure of one file does not go on.
#[derive(Debug)]
enum Hindered {
    /// By the file, or its note: other files are erased from all the same.
    File(FileError),
    /// By the register: nothing is done that it does not have.
    Register(ClientError),
}

impl From<FileError> for Hindered {
    fn from(fault: FileError) -> Self {
        Self::File(fault)
    }
}

impl From<ClientError> for Hindered {
    fn from(fault: ClientError) -> Self {
        Self::Register(fault)
    }
}

/// A file's note, its digest, the lines of one customer, and how many others each model scored.
struct Found {
    note: ScoresNote,
    digest: Digest,
    lines: BTreeSet<u64>,
    stay: BTreeMap<String, u64>,
}

/// What lies where scores files lay that were made here, or of which a list was made.
pub(super) struct Scores {
    /// These files, also without lines that were erased.
    pub(super) kept: Vec<KeptScores>,
    /// Where another file lies now. It is none of them, and nobody looks into it.
    pub(super) other: Vec<PathBuf>,
    /// What could not be looked at: a link has taken the place of one, and what it leads to would stay; or one cannot be read.
    pub(super) undone: Undone,
}

/// All of them.
pub(super) fn kept_scores(store: &Store) -> Scores {
    let register = store.register();
    // Several files may be of one place, with one month's file after the other.
    let mut noted: BTreeMap<&Path, Vec<(Digest, u64)>> = BTreeMap::new();
    for made in &register.scores {
        noted.entry(Path::new(&made.path)).or_default().push((register.root(made.digest), made.made_at));
    }
    for built in register.lists.values().map(|list| &list.built) {
        let (path, digest) = (Path::new(&built.scores_path), register.root(built.scores));
        noted.entry(path).or_default().push((digest, built.scores_made_at));
    }
    let mut scores = Scores { kept: Vec::new(), other: Vec::new(), undone: Undone::default() };
    let mut faults = Vec::new();
    for (path, files) in noted {
        let found = match digest_of_noted(path) {
            Ok(Some(found)) => register.root(found),
            Ok(None) => continue,
            Err(fault) => {
                faults.push((path, fault));
                continue;
            }
        };
        match files.iter().filter(|(digest, _)| *digest == found).map(|(_, made_at)| *made_at).max() {
            Some(made_at) => scores.kept.push(KeptScores { path: path.to_owned(), made_at }),
            None => scores.other.push(path.to_owned()),
        }
    }
    // A folder was moved, and a link leads to it: what was made through the link is kept under its own path, and is the same file.
    let is_kept = |whole: &Path| scores.kept.iter().any(|kept| kept.path == whole);
    faults.retain(|(path, fault)| {
        let leads = matches!(fault, FileError::Link { .. }).then(|| path.canonicalize().ok()).flatten();
        !leads.is_some_and(|whole| is_kept(&whole))
    });
    faults.iter().for_each(|(_, fault)| scores.undone.file(fault));
    scores
}

impl KeptScores {
    /// The kind of file, as the register calls it.
    pub(super) const KIND: &str = "scores";

    /// Erases the lines of a customer: recorded first, then done. A file that cannot be read, or whose note is not signed by the branch's key, may hold the
    /// customer, and is deleted; so is one of which nothing would stay. The key signs the note of what stays. Where the file cannot be written anew or
    /// deleted, that is named in `undone`; the same again goes on where it was.
    ///
    /// # Errors
    /// If the register cannot be written.
    pub(super) fn erase(
        &self,
        (store, key): (&mut Store, &SigningKey),
        customer: Pseudonym,
        now: u64,
        undone: &mut Undone,
    ) -> Result<Left, ClientError> {
        let left = match self.look(store, &key.verifying_key(), customer) {
            Ok(found) => self.rewrite((store, key), found, now, undone),
            Err(_) => self.purge(store, now, undone).map_err(Hindered::from),
        };
        match left {
            Ok(left) => Ok(left),
            Err(Hindered::Register(fault)) => Err(fault),
            Err(Hindered::File(fault)) => {
                undone.file(&fault);
                Ok(Left::There)
            }
        }
    }

    /// Writes the file anew without the lines of a customer. Where it is not the one any more that was looked at, it is deleted: nobody knows whose lines
    /// these are then.
    fn rewrite(
        &self,
        (store, key): (&mut Store, &SigningKey),
        found: Found,
        now: u64,
        undone: &mut Undone,
    ) -> Result<Left, Hindered> {
        let Found { note, digest, lines, stay } = found;
        let (rows, known) = (stay.values().sum(), Digest::from_hex(&note.digest) == Some(digest));
        let erased = note.rows.saturating_sub(rows);
        if lines.is_empty() && known {
            return Ok(Left::AsItWas);
        }
        if rows == 0 {
            return Ok(self.purge(store, now, undone)?);
        }
        if lines.is_empty() {
            // A process ended between file and note.
            note.of_fewer(digest, &stay).signed(key).write(&self.path)?;
            return Ok(Left::Without { erased, rows });
        }
        let next = without(&self.path, &lines)?;
        if next.rows != rows || next.before != digest {
            return Ok(self.purge(store, now, undone)?);
        }
        let after = next.digest;
        if !store.register().rewritten.contains_key(&after) {
            store.record(now, ContactEvent::ScoresErased { before: digest, after })?;
        }
        next.place()?;
        note.of_fewer(after, &stay).signed(key).write(&self.path)?;
        Ok(Left::Without { erased, rows })
    }

    /// Where a customer is in it.
    fn look(&self, store: &Store, key: &VerifyingKey, customer: Pseudonym) -> Result<Found, ClientError> {
        let note = read_note_alone(&self.path, key)?;
        let digest = digest_of(&self.path).map_err(ClientError::file)?;
        // The note may be of the file as it was before an erasure that was interrupted.
        let noted = Digest::from_hex(&note.digest).map(|noted| store.register().root(noted));
        if noted != Some(store.register().root(digest)) {
            return Err(ClientError::Said(words::scores_changed(self.path.display())));
        }
        let label = note.labels.first().cloned().unwrap_or_default();
        let (mut lines, mut stay) = (BTreeSet::new(), BTreeMap::<String, u64>::new());
        let read = read_rows(&self.path, &note, &label, &mut |number, row| {
            if Pseudonym::of(store.key(), &row.customer) == customer {
                lines.insert(number);
            } else {
                *stay.entry(row.model).or_default() += 1;
            }
            Ok(())
        })?;
        if read.file != Some(digest) {
            return Err(ClientError::Said(words::scores_changed(self.path.display())));
        }
        Ok(Found { note, digest, lines, stay })
    }

    fn purge(&self, store: &mut Store, now: u64, undone: &mut Undone) -> Result<Left, ClientError> {
        store.record_purged(Self::KIND, 1, now)?;
        self.delete(undone);
        Ok(if is_gone(&self.path) { Left::Nothing } else { Left::There })
    }

    /// Deletes it, and its note: the note first, because a file without one is used by nobody. A note that stays holds no file up.
    pub(super) fn delete(&self, undone: &mut Undone) {
        delete_each([&note_path(&self.path), &self.path], undone);
    }

    /// The file's number on its disk, if it has another name there: whoever is erased from it stays under that name.
    pub(super) fn other_name(&self) -> Option<u64> {
        number_of_several_names(&self.path)
    }
}

/// Deletes files that may be gone already. One that cannot be deleted is named, and holds no other up.
pub(super) fn delete_each<'a>(paths: impl IntoIterator<Item = &'a PathBuf>, undone: &mut Undone) {
    for fault in paths.into_iter().filter_map(|path| delete(path).err()) {
        undone.file(&fault);
    }
}

/// Deletes a file that may be gone already.
///
/// # Errors
/// If it cannot be deleted.
pub(super) fn remove(path: &Path) -> Result<(), ClientError> {
    delete(path).map_err(ClientError::file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::recall;
    use crate::contact::tests::{NOW, RULES, World};

    /// Months of scores follow each other in one place. An older file that was put back there is still one of which a list was made.
    #[test]
    fn an_older_file_of_the_same_place_is_known() {
        let world = World::new(RULES);
        world.customers(3);
        world.build();
        let older = ["scores.csv", "scores.csv.json"].map(|name| (name, world.read(name)));
        recall(&world.config(), 1, "next", NOW).unwrap();
        world.customers(2);
        world.build();
        let kept = || {
            let settings = world.settings();
            let scores = kept_scores(&Store::open(&settings, NOW).unwrap());
            (scores.kept.len(), scores.other.len())
        };
        assert_eq!(kept(), (1, 0));
        older.iter().for_each(|(name, text)| world.write(name, text));
        assert_eq!(kept(), (1, 0));
        world.customers(1);
        assert_eq!(kept(), (0, 1));
    }

    /// Somebody exchanges two rows between the two looks: the file that would be written holds the customer, and lacks somebody else.
    #[test]
    fn a_file_that_was_exchanged_while_it_was_looked_at_is_deleted() {
        let world = World::new(RULES);
        world.customers(3);
        world.build();
        let key = world.branch_key();
        let mut store = Store::open(&world.settings(), NOW).unwrap();
        let scores = kept_scores(&store).kept.pop().unwrap();
        let customer = Pseudonym::of(store.key(), "c2");
        let found = scores.look(&store, &key.verifying_key(), customer).unwrap();
        assert_eq!(found.lines, BTreeSet::from([2]));
        let text = world.read("scores.csv");
        world.write("scores.csv", &text.replace("\nc2,", "\nx,").replace("\nc3,", "\nc2,").replace("\nx,", "\nc3,"));
        let mut undone = Undone::default();
        let left = scores.rewrite((&mut store, &key), found, NOW, &mut undone).unwrap();
        assert!(matches!(left, Left::Nothing));
        assert!(!world.at("scores.csv").exists() && store.register().rewritten.is_empty());
        // Whoever exchanges nothing keeps the other rows.
        drop(store);
        world.customers(3);
        let mut store = Store::open(&world.settings(), NOW).unwrap();
        let scores = kept_scores(&store).kept.pop().unwrap();
        let left = scores.erase((&mut store, &key), customer, NOW, &mut undone);
        assert!(matches!(left, Ok(Left::Without { erased: 1, rows: 2 })) && undone.is_empty());
    }

    /// What lies there cannot be deleted: nobody is told that it was.
    #[test]
    fn a_file_that_stays_is_not_called_deleted() {
        let world = World::new(RULES);
        std::fs::create_dir(world.at("there")).unwrap();
        let (key, mut store) = (world.branch_key(), Store::open(&world.settings(), NOW).unwrap());
        let (there, mut undone) = (KeptScores { path: world.at("there"), made_at: NOW }, Undone::default());
        let customer = Pseudonym::of(store.key(), "c1");
        assert!(matches!(there.erase((&mut store, &key), customer, NOW, &mut undone), Ok(Left::There)));
        assert!(!undone.is_empty());
    }

    /// A folder lies where a draft lay, or somebody took the right to delete it: the others go all the same, and it is named.
    #[test]
    fn a_file_that_cannot_be_deleted_keeps_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [".0000000000000000.tmp", ".1111111111111111.tmp"].map(|name| folder.path().join(name));
        std::fs::create_dir(&paths[0]).unwrap();
        std::fs::write(&paths[1], "c1,0.5\n").unwrap();
        let mut undone = Undone::default();
        delete_each(&paths, &mut undone);
        assert_eq!(paths.each_ref().map(|path| path.exists()), [true, false]);
        let told = undone.of_erasure(Vec::new()).to_string();
        assert!(told.contains(".0000000000000000.tmp: ") && !told.contains(".1111111111111111.tmp"), "{told}");
    }
}
