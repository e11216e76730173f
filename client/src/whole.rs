//! Whole texts, compared with what is written down.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// A text in which what is drawn anew each time has the same name: the folder, and digests and keys, each by its place among them.
pub(crate) fn plain(text: &str, folder: &Path) -> String {
    let text = text.replace(folder.display().to_string().trim_end_matches('/'), "HOME");
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let (mut plain, mut word) = (String::new(), String::new());
    for letter in text.chars().chain(['\n']) {
        if letter.is_ascii_alphanumeric() {
            word.push(letter);
            continue;
        }
        let digits = word.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if digits && (word.len() >= 32 || word.len() == 8) {
            // Its first digits stand for it.
            let (next, short) = (known.len(), word[..8].to_owned());
            let _ = write!(plain, "#{}", known.entry(short).or_insert(next));
        } else {
            plain += &word;
        }
        word.clear();
        plain.push(letter);
    }
    plain.trim_end().to_owned() + "\n"
}

/// Compares what was found with what is written down in this file of the sources.
#[track_caller]
pub(crate) fn compare(found: &str, name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name);
    let written = std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    if found != written {
        let differs = found.lines().zip(written.lines()).position(|(found, written)| found != written);
        let at = differs.unwrap_or_else(|| found.lines().count().min(written.lines().count()));
        let [line, other] = [found, &written].map(|text| text.lines().nth(at).unwrap_or("its end"));
        panic!("line {}: {line:?}, and {name} says {other:?}. The whole:\n{found}", at + 1);
    }
}
