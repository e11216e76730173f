//! Whole texts, compared with what is written down.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::written;

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
    written::compare(found, &Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name));
}
