//! Whole texts, compared with what is written down.

use std::path::Path;

/// Compares what was found with a file of the sources. Where they differ the first line that does is named, and the whole text is printed: it takes the
/// file's place where the change is meant.
#[track_caller]
pub(crate) fn compare(found: &str, path: &Path) {
    let name = path.display();
    let written = std::fs::read_to_string(path).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    if found != written {
        let differs = found.lines().zip(written.lines()).position(|(found, written)| found != written);
        let at = differs.unwrap_or_else(|| found.lines().count().min(written.lines().count()));
        let [line, other] = [found, &written].map(|text| text.lines().nth(at).unwrap_or("its end"));
        panic!("line {}: {line:?}, and {name} says {other:?}. The whole:\n{found}", at + 1);
    }
}
