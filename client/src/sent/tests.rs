use std::fs;

use proptest::prelude::*;
use tributary_protocol::ids::RunId;

use super::*;

fn leave(log: &mut SentLog, number: u64) {
    let vector = number.is_multiple_of(3).then_some((true, number != 6));
    let run = (number > 1).then_some(RunId([7; 32]));
    let round = vector.map(|_| number);
    let digest = Digest::of(&number.to_le_bytes());
    let kind = if vector.is_some() { Kind::Masked } else { Kind::Keys };
    log.note(1_700_000_000_000 + number, &Leaving { run, round, kind, bytes: 1_000, vector, digest: &digest });
}

/// A file of seven messages, in two processes.
fn filled(state: &Path) -> PathBuf {
    for numbers in [1..=4, 5..=7] {
        let mut log = SentLog::open(state, 1_700_000_000).unwrap();
        numbers.for_each(|number| leave(&mut log, number));
    }
    state.join(FILE)
}

fn entries(path: &Path) -> Result<(Vec<Entry>, Sent), Fault> {
    let mut all = Vec::new();
    read(path, |entry| all.push(entry.clone())).map(|sent| (all, sent))
}

#[test]
fn what_left_is_read_back_line_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = filled(dir.path());
    let (all, sent) = entries(&path).unwrap();
    assert_eq!((all.len(), sent.lines, sent.torn), (7, 7, None));
    assert_eq!(sent.length, fs::metadata(&path).unwrap().len());
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
        let mut log = SentLog::open(dir.path(), 1_700_000_000).unwrap();
        leave(&mut log, lines + 1);
        let (all, sent) = entries(&path).unwrap();
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
        let fault = entries(&path).unwrap_err().to_string();
        assert!(fault.contains(told), "{told}: {fault}");
        assert!(SentLog::open(dir.path(), 0).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "it is left as it is");
    }
}

fn chain_of(line: &str) -> &str {
    line.rsplit_once("\"chain\":\"").and_then(|(_, chain)| chain.strip_suffix("\"}\n")).unwrap()
}

proptest! {
    #[test]
    fn no_changed_byte_is_read_as_another_message(position in 0_usize..2_000, flip in 1_u8..=255) {
        let dir = tempfile::tempdir().unwrap();
        let path = filled(dir.path());
        let (before, _) = entries(&path).unwrap();
        let mut changed = fs::read(&path).unwrap();
        let position = position % changed.len();
        changed[position] ^= flip;
        fs::write(&path, &changed).unwrap();
        let mut read_back = Vec::new();
        let read = read(&path, |entry| read_back.push(entry.clone()));
        prop_assert!(before.starts_with(&read_back));
        // The last line may look torn.
        prop_assert!(read.is_err() || read_back.len() + 1 == before.len());
    }
}
