use std::fs;

use proptest::prelude::*;
use tributary_protocol::ids::{RoundId, RunId};
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::RunRef;
use tributary_protocol::round::ParticipantEvent;
use tributary_protocol::time::Millis;
use tributary_storage::faults::{each_fault, each_sync_fails_once};
use tributary_storage::files::create_private_folder;
use tributary_storage::journal::Journal;
use tributary_texts::sent as words;

use super::*;
use crate::budget::BUDGET_FILE;
use crate::judge::tests::SCHEMA;
use crate::log::logged;
use crate::settings::Settings;
use crate::test_home::bare;

/// The coordinator.
const TO: &str = "bank/coordinator";

fn try_leave(log: &mut SentLog, leaving: &Leaving<'_>, number: u64) -> Result<(), JournalError> {
    log.note(1_700_000_000_000 + number, leaving)
}

fn leave(log: &mut SentLog, number: u64) {
    let vector = number.is_multiple_of(3).then_some((true, number != 6));
    let run = (number > 1).then_some(RunId([7; 32]));
    let round = vector.map(|_| number);
    let digest = Digest::of(&number.to_le_bytes());
    let kind = if vector.is_some() { Kind::Masked } else { Kind::Keys };
    try_leave(log, &Leaving { run, round, kind, bytes: 1_000, vector, digest: &digest }, number).unwrap();
}

/// A file of seven messages, in two processes.
fn filled(state: &Path) -> PathBuf {
    for numbers in [1..=4, 5..=7] {
        let mut log = SentLog::open(state, TO, 1_700_000_000).unwrap();
        numbers.for_each(|number| leave(&mut log, number));
    }
    state.join(FILE)
}

fn entries(state: &Path) -> Result<(Vec<Entry>, Sent), Unreadable> {
    let mut all = Vec::new();
    let sent = read(state, |_, entry| all.push(entry.clone()))?;
    Ok((all, sent.expect("a file")))
}

#[test]
fn what_left_is_read_back_line_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = filled(dir.path());
    let (all, sent) = entries(dir.path()).unwrap();
    assert_eq!((all.len(), sent.lines, sent.files, sent.torn), (7, 7, 1, None));
    let vectors: Vec<_> =
        all.iter().map(|entry| (entry.kind.name(), entry.masked, entry.noised, entry.round)).collect();
    assert_eq!(vectors[2], ("masked", Some(true), Some(true), Some(3)));
    assert_eq!(vectors[5], ("masked", Some(true), Some(false), Some(6)));
    assert_eq!(vectors[0], ("keys", None, None, None));
    assert_eq!((all[0].run.clone(), all[1].run.clone()), (None, Some(Digest([7; 32]).to_string())));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// At whatever byte a crash has cut the file, the daemon goes on after the last whole line.
#[test]
fn a_torn_last_line_is_cut_off_and_the_chain_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = filled(dir.path());
    let whole = fs::read(&path).unwrap();
    let ends: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] == b'\n').map(|at| at + 1).collect();
    for cut in 0..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let lines = ends.iter().filter(|end| **end <= cut).count().saturating_sub(1) as u64;
        let mut log = SentLog::open(dir.path(), TO, 1_700_000_000).unwrap();
        leave(&mut log, lines + 1);
        let (all, sent) = entries(dir.path()).unwrap();
        assert_eq!((all.len() as u64, sent.torn), (lines + 1, None), "cut at {cut}");
    }
}

#[test]
fn a_line_that_was_changed_left_out_or_moved_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = filled(dir.path());
    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let without = |left_out: usize| {
        let kept = lines.iter().enumerate().filter(|(place, _)| *place != left_out);
        kept.map(|(_, line)| *line).collect::<String>()
    };
    let mut moved = lines.clone();
    moved.swap(3, 4);
    let cases = [
        (without(0), "does not begin as"),
        (without(3), "line 4 "),
        (moved.concat(), "line 4 "),
        (whole.replace("\"number\":5,", "\"number\":9,"), "line 6 "),
        (whole.replacen("\"noised\":true", "\"noised\":null", 1), "line 4 "),
        (whole.replacen(chain_of(lines[2]), &chain_of(lines[2]).to_uppercase(), 1), "line 3 "),
        (format!("{whole}{}\n", "x".repeat(3_000)), "line 9 "),
    ];
    for (text, told) in cases {
        fs::write(&path, &text).unwrap();
        let fault = entries(dir.path()).unwrap_err().to_string();
        assert!(fault.contains(told), "{told}: {fault}");
        assert!(SentLog::open(dir.path(), TO, 0).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "it is left as it is");
    }
}

fn chain_of(line: &str) -> &str {
    line.rsplit_once("\"chain\":\"").and_then(|(_, chain)| chain.strip_suffix("\"}\n")).unwrap()
}

/// So many messages in files of so many bytes, in processes of three messages each.
fn divided(state: &Path, messages: u64, full: u64) {
    for first in (1..=messages).step_by(3) {
        let mut log = SentLog::open_of(state, TO, 1_700_000_000, full).unwrap();
        (first..=messages.min(first + 2)).for_each(|number| leave(&mut log, number));
    }
}

/// Names of the files, in their order.
fn files(state: &Path) -> Vec<String> {
    let names = fs::read_dir(state).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// A file that is full gets a name, and the chain goes on in the next one. A start reads the last file alone.
#[test]
fn the_chain_goes_on_over_the_files() {
    let dir = tempfile::tempdir().unwrap();
    divided(dir.path(), 20, 1_500);
    let (all, sent) = entries(dir.path()).unwrap();
    assert_eq!(all.iter().map(|entry| entry.number).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
    let names = files(dir.path());
    assert!(names.len() > 4 && sent.files as usize == names.len() && sent.lines == 20, "{names:?}");
    assert!(names.iter().all(|name| fs::metadata(dir.path().join(name)).unwrap().len() < 2_000));
    // What is wrong with an older file, no start notices; whoever reads all of them does.
    let first = dir.path().join(&names[0]);
    let text = fs::read_to_string(&first).unwrap();
    fs::write(&first, text.replacen("\"number\":2,", "\"number\":9,", 1)).unwrap();
    let mut log = SentLog::open_of(dir.path(), TO, 0, 1_500).unwrap();
    leave(&mut log, 21);
    assert!(entries(dir.path()).unwrap_err().to_string().contains("sent-000001.log: line 3 "));
    fs::write(&first, &text).unwrap();
    // A file that was left out, moved, cut at a line's end, or belongs to another chain.
    let (second, third) = (dir.path().join(&names[1]), dir.path().join(&names[2]));
    let (middle, after) = (fs::read(&second).unwrap(), fs::read(&third).unwrap());
    fs::remove_file(&second).unwrap();
    assert!(entries(dir.path()).unwrap_err().to_string().contains("sent-000002.log: it is not there"));
    for (changed, other) in [(&after, "sent-000002.log"), (&middle[..middle.len() - 1].to_vec(), "sent-000003.log")] {
        let end = changed.iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        fs::write(&second, &changed[..end]).unwrap();
        let fault = entries(dir.path()).unwrap_err().to_string();
        assert!(fault.contains(other) && fault.contains("does not go on"), "{fault}");
    }
    fs::write(&second, &middle).unwrap();
    assert_eq!(entries(dir.path()).unwrap().0.len(), 21);
}

/// A process may end before the next file is there, or while its first line is written.
#[test]
fn a_file_that_was_not_begun_is_begun_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    divided(dir.path(), 6, 1_500);
    let newest = dir.path().join(FILE);
    let title = fs::read(&newest).unwrap();
    fs::rename(&newest, dir.path().join(name_of(u32::try_from(files(dir.path()).len()).unwrap()))).unwrap();
    let before = entries(dir.path()).unwrap().0.len() as u64;
    for torn in [None, Some(&title[..0]), Some(&title[..40])] {
        let _none = fs::remove_file(&newest);
        torn.iter().for_each(|torn| fs::write(&newest, torn).unwrap());
        assert_eq!(entries(dir.path()).unwrap().0.len() as u64, before);
        let mut log = SentLog::open_of(dir.path(), TO, 0, 1_500).unwrap();
        leave(&mut log, before + 1);
        assert_eq!(entries(dir.path()).unwrap().0.len() as u64, before + 1);
    }
}

/// A full disk: what cannot be noted does not leave, nor does anything after it, though there may be room again. The next start cuts off half a line.
#[test]
fn what_cannot_be_noted_does_not_leave() {
    let dir = tempfile::tempdir().unwrap();
    let path = filled(dir.path());
    let mut log = SentLog::full(dir.path(), TO);
    let digest = Digest::of(b"lost");
    let lost = Leaving { run: None, round: None, kind: Kind::Leave, bytes: 9, vector: None, digest: &digest };
    let fault = try_leave(&mut log, &lost, 8).unwrap_err();
    assert!(fault.is_full_disk() && fault.to_string().contains("sent.log"), "{fault}");
    assert!(try_leave(&mut log, &lost, 8).is_err(), "nothing stands between the lines of a file that is read");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}{{\"number\":8,")).unwrap();
    leave(&mut SentLog::open(dir.path(), TO, 1_700_000_000).unwrap(), 8);
    let (all, sent) = entries(dir.path()).unwrap();
    assert_eq!((sent.lines, sent.torn), (8, None));
    assert!(all.iter().all(|entry| entry.digest != digest.to_string()));
}

/// Each file says to whom its messages went: another coordinator has a file of its own.
#[test]
fn another_coordinator_has_another_file() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let mut log = SentLog::open(dir.path(), "bank/\"next\"", 9).unwrap();
    leave(&mut log, 8);
    let mut whom = Vec::new();
    let sent = read(dir.path(), |title, entry| whom.push((entry.number, title.to.clone()))).unwrap().unwrap();
    assert_eq!((sent.files, sent.lines), (2, 8));
    assert!(whom[..7].iter().all(|(_, to)| to == TO) && whom[7] == (8, "bank/\"next\"".to_owned()), "{whom:?}");
}

proptest! {
    #[test]
    fn no_changed_byte_is_read_as_another_message(position in 0_usize..2_000, flip in 1_u8..=255) {
        let dir = tempfile::tempdir().unwrap();
        let path = filled(dir.path());
        let (before, _) = entries(dir.path()).unwrap();
        let mut changed = fs::read(&path).unwrap();
        let position = position % changed.len();
        changed[position] ^= flip;
        fs::write(&path, &changed).unwrap();
        let mut read_back = Vec::new();
        let read = read(dir.path(), |_, entry| read_back.push(entry.clone()));
        prop_assert!(before.starts_with(&read_back));
        // The last line may look torn.
        prop_assert!(read.is_err() || read_back.len() + 1 == before.len());
    }
}

/// A full file that cannot be synced gets no name of its own: it goes on, and nothing is lost. A message never waits for the next file; a start says
/// so, and goes well when it is tried again.
#[test]
fn a_full_file_that_cannot_be_synced_goes_on() {
    let mut counts = Vec::new();
    let failed = each_fault(|fault| {
        let dir = tempfile::tempdir().unwrap();
        let mut log = SentLog::open_of(dir.path(), TO, 1_700_000_000, 1_500).unwrap();
        let (_, told) = logged(|| fault.during(|| (1..=12).for_each(|number| leave(&mut log, number))));
        assert_eq!(told.contains("the old one goes on"), fault.struck(), "{told}");
        let all = entries(dir.path()).unwrap().0;
        assert_eq!(all.iter().map(|entry| entry.number).collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
        counts.push(files(dir.path()).len());
    });
    assert!(failed > 1 && counts.is_sorted() && counts[0] == 1 && counts[failed] == failed + 1, "{counts:?}");
    let full = || {
        let dir = tempfile::tempdir().unwrap();
        let mut log = SentLog::open(dir.path(), TO, 1_700_000_000).unwrap();
        (1..=12).for_each(|number| leave(&mut log, number));
        dir
    };
    let started = each_sync_fails_once(full, |dir| {
        let log = SentLog::open_of(dir.path(), TO, 1_700_000_000, 1_500)?;
        assert_eq!((log.messages, entries(dir.path()).unwrap().0.len()), (12, 12));
        Ok::<_, ClientError>(())
    });
    assert_eq!(started, 1);
}

/// A file that was cut at a line's end has a whole chain: the budget file alone says what is missing.
#[test]
fn uploads_without_a_line_are_counted_and_the_first_one_is_named() {
    let dir = bare(SCHEMA);
    let settings = Settings::load(&dir.path().join("client.toml")).unwrap_or_else(|fault| panic!("{fault}"));
    let state = &settings.state_dir;
    create_private_folder(state).unwrap();
    assert!(has_uploads(&settings).is_ok(), "nothing has left");
    let [run, other] = [2, 3].map(|number| RunRef { plan: Digest([9; 32]), number });
    let vector = |round: u64| Digest::of(&round.to_le_bytes());
    let (mut journal, _) = Journal::<ParticipantEvent>::open(&state.join(BUDGET_FILE), LedgerId::BUDGET).unwrap();
    for round in [5, 4, 6] {
        let (round, vector) = (RoundId(round), vector(round));
        journal.append(Millis(7), ParticipantEvent::Uploaded { run, round, vector, counter: 1 }).unwrap();
    }
    journal.sync().unwrap();
    let mut log = SentLog::open(state, TO, 1).unwrap();
    let mut missing = |kind, run: RunRef, round, digest: Digest| {
        let vector = (kind == Kind::Masked).then_some((true, true));
        let leaving = Leaving { run: Some(run.id()), round: Some(round), kind, bytes: 9, vector, digest: &digest };
        log.note(7, &leaving).unwrap();
        has_uploads(&settings).map_err(|fault| fault.to_string())
    };
    let told = |count: usize, first: u64| {
        let said = words::uploads_missing(state.display(), count, 3, first, run.plan.short(), run.number);
        Err(ClientError::Said(said).to_string())
    };
    // Lines of another run, another round, another vector and another kind are none of it.
    assert_eq!(missing(Kind::Masked, other, 4, vector(4)), told(3, 4));
    assert_eq!(missing(Kind::Masked, run, 5, vector(4)), told(3, 4));
    assert_eq!(missing(Kind::Keys, run, 4, vector(4)), told(3, 4));
    assert_eq!(missing(Kind::Masked, run, 4, vector(4)), told(2, 5));
    assert_eq!(missing(Kind::Masked, run, 6, vector(6)), told(1, 5));
    assert_eq!(missing(Kind::Masked, run, 5, vector(5)), Ok(()));
    // Nothing is concluded from a file that was changed.
    let text = fs::read_to_string(state.join(FILE)).unwrap();
    fs::write(state.join(FILE), text.replace("\"round\":6", "\"round\":7")).unwrap();
    let changed = has_uploads(&settings).unwrap_err().to_string();
    assert!(changed.contains(FILE) && !changed.contains(&run.plan.short()), "{changed}");
}
