//! What the manuals cite is there.

use super::root;

/// Folders of the repository at which a path begins that a manual cites whole.
const FOLDERS: [&str; 16] = [
    "src",
    "protocol",
    "storage",
    "settings",
    "texts",
    "model",
    "planning",
    "rehearsal",
    "evidence",
    "certs",
    "transport",
    "daemon",
    "coordinator",
    "client",
    "tests",
    "docs",
];

#[test]
fn every_file_that_a_manual_cites_is_there() {
    let (root, mut cited, mut gone) = (root(), 0, Vec::new());
    for folder in [root.clone(), root.join("docs")] {
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        for manual in paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
            let text = std::fs::read_to_string(&manual).unwrap();
            let quoted = text.split('`').skip(1).step_by(2);
            for path in quoted.filter(|word| is_path(word)).flat_map(alternatives) {
                cited += 1;
                if !root.join(&path).exists() {
                    gone.push(format!("{}: {path}", manual.display()));
                }
            }
        }
    }
    assert!(cited > 100, "{cited}");
    assert!(gone.is_empty(), "{}", gone.join("\n"));
}

/// A path from the root of the repository, and no command, pattern or type.
fn is_path(word: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./{},".contains(letter);
    word.split_once('/').is_some_and(|(first, _)| FOLDERS.contains(&first)) && word.chars().all(plain)
}

/// `a/{b,c}.rs` is two paths.
fn alternatives(path: &str) -> Vec<String> {
    match path.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
        Some((before, (names, after))) => {
            names.split(',').flat_map(|name| alternatives(&format!("{before}{name}{after}"))).collect()
        }
        None => vec![path.to_owned()],
    }
}
